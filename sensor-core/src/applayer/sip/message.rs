//! Requests and responses.

use crate::applayer::Side;
use crate::applayer::parser::{EventSet, Transaction};
use crate::applayer::sdp::Description;
use crate::json::Object;
use crate::rules::Buffer;

/// Headers of a message that are kept.
const MAX_HEADERS: usize = 256;

/// See the module.
#[derive(Debug)]
pub struct Message {
    side: Side,
    line: Vec<u8>,
    /// Method, URI and version; or version, code and reason.
    words: [Vec<u8>; 3],
    is_response: bool,
    headers: Vec<(Vec<u8>, Vec<u8>)>,
    sdp: Option<Description>,
    events: EventSet,
}

/// Long names in lower case, and their short forms (RFC 3261, section 7.3.3).
const SHORT: [(&[u8], &[u8]); 5] =
    [(b"from", b"f"), (b"to", b"t"), (b"via", b"v"), (b"content-type", b"c"), (b"content-length", b"l")];

fn is_named(name: &[u8], wanted: &[u8]) -> bool {
    name.eq_ignore_ascii_case(wanted)
        || SHORT.iter().any(|(long, short)| *long == wanted && name.eq_ignore_ascii_case(short))
}

/// The lines of a head, without their ends; folded ones joined (section 7.3.1).
fn lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

/// `Content-Length` of a head, 0 without one.
pub fn content_length(head: &[u8]) -> usize {
    let mut fields = lines(head).skip(1).filter_map(field).filter(|(name, _)| is_named(name, b"content-length"));
    let value = fields.next().map_or(&b""[..], |(_, value)| value);
    std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = memchr::memchr(b':', line)?;
    Some((line.get(..colon)?.trim_ascii(), line.get(colon + 1..)?.trim_ascii()))
}

impl Message {
    /// Reads a message; `None` if its first line is none (section 7).
    pub fn parse(side: Side, head: &[u8], body: &[u8]) -> Option<Message> {
        let mut lines = lines(head);
        let line = lines.next()?;
        let is_response = line.starts_with(b"SIP/");
        let mut parts = line.splitn(3, |byte| *byte == b' ');
        let words =
            [parts.next()?, parts.next()?, if is_response { parts.next().unwrap_or_default() } else { parts.next()? }];
        let [first, second, third] = words;
        let fits = if is_response {
            second.len() == 3 && second.iter().all(u8::is_ascii_digit)
        } else {
            !first.is_empty()
                && first.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b'-')
                && third.starts_with(b"SIP/")
        };
        if !fits {
            return None;
        }
        let mut headers: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        for line in lines {
            if matches!(line.first(), Some(b' ' | b'\t')) {
                if let Some((_, value)) = headers.last_mut() {
                    value.push(b' ');
                    value.extend_from_slice(line.trim_ascii());
                }
            } else if let Some((name, value)) = field(line)
                && headers.len() < MAX_HEADERS
            {
                headers.push((name.to_vec(), value.to_vec()));
            }
        }
        let mut message = Message {
            side,
            line: line.to_vec(),
            words: words.map(<[u8]>::to_vec),
            is_response,
            headers,
            sdp: None,
            events: EventSet::NONE,
        };
        let kind = message.header(b"content-type", 0).and_then(|kind| kind.split(|byte| *byte == b';').next());
        if kind.is_some_and(|kind| kind.trim_ascii().eq_ignore_ascii_case(b"application/sdp")) {
            message.sdp = Description::parse(body);
        }
        Some(message)
    }

    pub fn odd(&mut self, event: u8) {
        self.events.add(event);
    }

    pub fn bytes(&self) -> usize {
        size_of::<Message>()
            + 2 * self.line.len()
            + self.headers.iter().map(|(name, value)| 48 + name.len() + value.len()).sum::<usize>()
            + self.sdp.as_ref().map_or(0, Description::bytes)
    }

    fn header(&self, wanted: &[u8], index: usize) -> Option<&[u8]> {
        let mut values = self.headers.iter().filter(|(name, _)| is_named(name, wanted));
        values.nth(index).map(|(_, value)| value.as_slice())
    }
}

impl Transaction for Message {
    fn progress(&self, _: Side) -> u8 {
        1
    }

    fn only(&self) -> Option<Side> {
        Some(self.side)
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "most buffers are of other protocols")]
    fn buffer<'a>(&'a self, buffer: Buffer, side: Side, index: usize, _: &'a mut Vec<u8>) -> Option<&'a [u8]> {
        if side != self.side || index > 0 && !buffer.is_multiple() {
            return None;
        }
        let [first, second, third] = &self.words;
        match buffer {
            Buffer::SipMethod if !self.is_response => Some(first),
            Buffer::SipUri if !self.is_response => Some(second),
            Buffer::SipProtocol => Some(if self.is_response { first } else { third }),
            Buffer::SipStatCode if self.is_response => Some(second),
            Buffer::SipStatMsg if self.is_response => Some(third),
            Buffer::SipRequestLine if !self.is_response => Some(&self.line),
            Buffer::SipResponseLine if self.is_response => Some(&self.line),
            Buffer::SipFrom => self.header(b"from", index),
            Buffer::SipTo => self.header(b"to", index),
            Buffer::SipVia => self.header(b"via", index),
            Buffer::SipUserAgent => self.header(b"user-agent", index),
            Buffer::SipContentType => self.header(b"content-type", index),
            Buffer::SipContentLength => self.header(b"content-length", index),
            _ => self.sdp.as_ref()?.buffer(buffer, index),
        }
    }

    fn events(&self) -> EventSet {
        self.events
    }

    fn eve(&self, object: &mut Object<'_>) {
        let [first, second, third] = &self.words;
        if self.is_response {
            object.text("version", first).text("code", second).text("reason", third);
            object.text("response_line", &self.line);
        } else {
            object.text("method", first).text("uri", second).text("version", third).text("request_line", &self.line);
        }
        if let Some(sdp) = &self.sdp {
            object.object("sdp", |object| sdp.eve(object));
        }
    }
}
