//! Protocols whose messages are lines of text.

use super::{Layout, Length, Mail, Memory};
use crate::applayer::{AppProto, Side};

/// HTTP/1 (RFC 9112).
pub(super) static HTTP: Layout = Layout {
    app: AppProto::Http,
    names: &["request", "response"],
    length: http_length,
    split: |side, bytes, total, memory, tell| {
        if is_between(bytes) {
            return;
        }
        if side == Side::ToServer {
            tell(0, 0, total);
            if memory.heads.len() < MOST_HEADS {
                memory.heads.push_back(bytes.starts_with(b"HEAD "));
            }
        } else {
            tell(1, 0, total);
            if !matches!(status(bytes), Some([b'1', ..])) {
                memory.heads.pop_front();
            }
        }
    },
    begins: None,
};

/// Requests that wait for their answer and are remembered.
const MOST_HEADS: usize = 256;

fn http_length(side: Side, bytes: &[u8], memory: &Memory) -> Length {
    if let Some(newlines) = between(bytes) {
        return newlines;
    }
    let Some(end) = head_end(bytes) else { return Length::Needs };
    let (head, body) = bytes.split_at(end);
    if side == Side::ToClient {
        match status(head) {
            // The protocol changes with it.
            Some(b"101") => return Length::Open,
            Some([b'1', ..] | b"204" | b"304") => return Length::Is(end as u64),
            _ if memory.heads.front() == Some(&true) => return Length::Is(end as u64),
            _ => {}
        }
    }
    let coded =
        field(head, &[b"transfer-encoding"]).is_some_and(|value| value.to_ascii_lowercase().ends_with(b"chunked"));
    if coded {
        return match chunks(body) {
            Chunks::End(len) => Length::Is((end + len) as u64),
            Chunks::More => Length::Needs,
            Chunks::Wrong => Length::Open,
        };
    }
    match (field(head, &[b"content-length"]).and_then(number), side) {
        (Some(length), _) => (end as u64).checked_add(length).map_or(Length::Open, Length::Is),
        (None, Side::ToServer) => Length::Is(end as u64),
        (None, Side::ToClient) => Length::Open,
    }
}

fn status(head: &[u8]) -> Option<&[u8]> {
    head.split(|byte| *byte == b' ').nth(1)?.get(..3)
}

enum Chunks {
    End(usize),
    More,
    Wrong,
}

/// Where chunks end that begin here (RFC 9112, section 7.1).
fn chunks(body: &[u8]) -> Chunks {
    let mut at = 0_usize;
    loop {
        let Some(rest) = body.get(at..) else { return Chunks::More };
        let Some(line) = memchr::memchr(b'\n', rest) else {
            return if rest.len() > 1024 { Chunks::Wrong } else { Chunks::More };
        };
        let digits = rest.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let text = rest.get(..digits).and_then(|digits| std::str::from_utf8(digits).ok());
        let Some(size) = text.and_then(|text| usize::from_str_radix(text, 16).ok()) else { return Chunks::Wrong };
        at += line + 1;
        if size == 0 {
            // Trailers, if there are any, and an empty line.
            let rest = body.get(at..).unwrap_or_default();
            return match rest {
                [b'\n', ..] => Chunks::End(at + 1),
                [b'\r', b'\n', ..] => Chunks::End(at + 2),
                _ => head_end(rest).map_or(Chunks::More, |end| Chunks::End(at + end)),
            };
        }
        let Some(next) = at.checked_add(size) else { return Chunks::Wrong };
        let behind = match body.get(next..) {
            Some([b'\r', b'\n', ..]) => 2,
            Some([b'\n', ..]) => 1,
            Some([] | [b'\r']) | None => return Chunks::More,
            Some(_) => return Chunks::Wrong,
        };
        at = next + behind;
    }
}

/// SIP (RFC 3261) in streams (section 18.3) and datagrams.
pub(super) static SIP: Layout = Layout {
    app: AppProto::Sip,
    names: &[
        "pdu",
        "request.line",
        "response.line",
        "request.headers",
        "response.headers",
        "request.body",
        "response.body",
    ],
    length: |_, bytes, _| {
        if let Some(newlines) = between(bytes) {
            return newlines;
        }
        let Some(end) = head_end(bytes) else { return Length::Needs };
        let head = bytes.get(..end).unwrap_or_default();
        let body = field(head, &[b"content-length", b"l"]).and_then(number).unwrap_or(0);
        (end as u64).checked_add(body).map_or(Length::Bad, Length::Is)
    },
    split: |_, bytes, total, _, tell| {
        if is_between(bytes) {
            return;
        }
        let of = u8::from(bytes.starts_with(b"SIP/"));
        let line = memchr::memchr(b'\n', bytes).map_or(total, |at| at as u64 + 1).min(total);
        let head = head_end(bytes).map_or(total, |at| at as u64).min(total);
        tell(0, 0, total);
        tell(1 + of, 0, line);
        tell(3 + of, line, head);
        if head < total {
            tell(5 + of, head, total);
        }
    },
    begins: None,
};

/// SMTP (RFC 5321): lines, and what the client sends behind DATA and BDAT (RFC 3030).
pub(super) static SMTP: Layout = Layout {
    app: AppProto::Smtp,
    names: &["command_line", "data", "response_line"],
    length: |side, bytes, memory| match (side, memory.mail) {
        (Side::ToServer, Mail::Data) if bytes.starts_with(b".\r\n") => Length::Is(3),
        (Side::ToServer, Mail::Data) => {
            memchr::memmem::find(bytes, b"\r\n.\r\n").map_or(Length::Needs, |at| Length::Is(at as u64 + 5))
        }
        (Side::ToServer, Mail::Chunk(length)) => Length::Is(length),
        (Side::ToServer, Mail::Commands | Mail::Asked) | (Side::ToClient, _) => line(bytes),
    },
    split: |side, bytes, total, memory, tell| match (side, memory.mail) {
        (Side::ToServer, Mail::Data | Mail::Chunk(_)) => {
            tell(1, 0, total);
            memory.mail = Mail::Commands;
        }
        (Side::ToServer, Mail::Commands | Mail::Asked) => {
            tell(0, 0, total);
            let mut words = bytes.trim_ascii().split(|byte| *byte == b' ');
            let command = words.next().unwrap_or_default();
            if command.eq_ignore_ascii_case(b"DATA") {
                memory.mail = Mail::Asked;
            } else if command.eq_ignore_ascii_case(b"BDAT")
                && let Some(length) = words.next().and_then(number)
                && length > 0
            {
                memory.mail = Mail::Chunk(length);
            }
        }
        (Side::ToClient, mail) => {
            tell(2, 0, total);
            match (mail, bytes) {
                (Mail::Asked, [b'3', ..]) => memory.mail = Mail::Data,
                (Mail::Asked, [b'4' | b'5', ..]) => memory.mail = Mail::Commands,
                _ => {}
            }
        }
    },
    begins: None,
};

/// FTP's control connection (RFC 959).
pub(super) static FTP: Layout = Layout {
    app: AppProto::Ftp,
    names: &["command_line", "response_line"],
    length: |_, bytes, _| line(bytes),
    split: |side, _, total, _, tell| tell(u8::from(side == Side::ToClient), 0, total),
    begins: None,
};

fn line(bytes: &[u8]) -> Length {
    memchr::memchr(b'\n', bytes).map_or(Length::Needs, |at| Length::Is(at as u64 + 1))
}

/// Empty lines between messages are none of either.
fn between(bytes: &[u8]) -> Option<Length> {
    let newlines = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    (newlines > 0).then_some(Length::Is(newlines as u64))
}

fn is_between(bytes: &[u8]) -> bool {
    matches!(bytes, [b'\r' | b'\n', ..])
}

/// Where a head ends, behind its empty line.
fn head_end(bytes: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'\n', bytes).find_map(|at| match bytes.get(at + 1..)? {
        [b'\n', ..] => Some(at + 2),
        [b'\r', b'\n', ..] => Some(at + 3),
        _ => None,
    })
}

/// The value of the first header of one of these names, given in lower case.
fn field<'a>(head: &'a [u8], names: &[&[u8]]) -> Option<&'a [u8]> {
    head.split(|byte| *byte == b'\n').skip(1).find_map(|line| {
        let (name, value) = line.split_at_checked(memchr::memchr(b':', line)?)?;
        let name = name.trim_ascii();
        names.iter().any(|known| known.eq_ignore_ascii_case(name)).then_some(())?;
        Some(value.get(1..)?.trim_ascii())
    })
}

fn number(text: &[u8]) -> Option<u64> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(text.get(..digits)?).ok()?.parse().ok()
}
