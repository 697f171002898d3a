//! Mail, news, chat and FTP: protocols of lines whose greetings are alike.

use super::super::view::{CERTAIN, LIKELY, NO, Told, UNSURE, View, certain_if, contains, is_text};

/// SMTP and LMTP: the client's first verbs, or a 220 greeting, which FTP shares (RFC 5321 section 4.1.1).
pub fn smtp(v: &View<'_>) -> Told {
    match v.u8(0)?.to_ascii_uppercase() {
        b'2' => greeting(v, &[b"SMTP", b"mail"], &[b"FTP"]),
        b'4' | b'5' => {
            // Turned away at the door.
            let (line, whole) = v.line();
            if !v.any_start(&[b"421 ", b"554 "])? {
                NO
            } else if !whole {
                None
            } else if contains(line, b"SMTP") {
                CERTAIN
            } else {
                LIKELY
            }
        }
        b'E' | b'H' | b'L' if v.any_word(&[b"EHLO", b"HELO", b"LHLO"])? => CERTAIN,
        b'M' | b'R' if v.any_start(&[b"MAIL FROM:", b"RCPT TO:", b"mail from:", b"rcpt to:", b"MAIL From:"])? => {
            CERTAIN
        }
        b'A' if v.word(b"AUTH")? => {
            let (line, whole) = v.line();
            let sasl = contains(line, b"LOGIN") || contains(line, b"PLAIN") || contains(line, b"CRAM");
            if !whole {
                None
            } else if sasl {
                LIKELY
            } else {
                NO
            }
        }
        b'Q' | b'S' | b'R' | b'N' | b'X' if v.any_word(&[b"QUIT", b"STARTTLS", b"RSET", b"NOOP", b"XCLIENT"])? => {
            LIKELY
        }
        _ => NO,
    }
}

/// FTP's control connection: a 220 greeting, which SMTP shares, or the first verbs (RFC 959, 2228, 2389).
pub fn ftp(v: &View<'_>) -> Told {
    match v.u8(0)?.to_ascii_uppercase() {
        b'2' => greeting(v, &[b"FTP", b"Welcome to the File"], &[b"SMTP"]),
        b'4' | b'5' => {
            let (line, whole) = v.line();
            if !v.any_start(&[b"421 ", b"530 ", b"500 "])? {
                NO
            } else if !whole {
                None
            } else if contains(line, b"FTP") {
                CERTAIN
            } else {
                LIKELY
            }
        }
        b'A' if v.word(b"AUTH")? => {
            let (line, whole) = v.line();
            let kind = line.get(5..).unwrap_or_default();
            let tls =
                [&b"TLS"[..], b"SSL", b"TLS-C", b"TLS-P", b"GSSAPI"].iter().any(|name| kind.eq_ignore_ascii_case(name));
            if !whole {
                None
            } else if tls {
                CERTAIN
            } else {
                NO
            }
        }
        b'U' if v.word(b"USER")? => one_argument(v),
        b'P' if v.any_word(&[b"PORT", b"PASV"])? => CERTAIN,
        b'E' if v.any_word(&[b"EPSV", b"EPRT"])? => CERTAIN,
        b'M' if v.any_word(&[b"MLSD"])? => CERTAIN,
        b'P' if v.word(b"PASS")? => LIKELY,
        b'F' | b'S' | b'O' | b'Q' | b'C' | b'T' | b'H'
            if v.any_word(&[b"FEAT", b"SYST", b"OPTS", b"QUIT", b"CLNT", b"CWD", b"TYPE", b"HOST", b"SIZE"])? =>
        {
            LIKELY
        }
        _ => NO,
    }
}

/// A line that begins with 220: certain with one of `ours`, nothing with one of `theirs`.
fn greeting(v: &View<'_>, ours: &[&[u8]], theirs: &[&[u8]]) -> Told {
    if !v.starts(b"220")? || !matches!(v.u8(3)?, b' ' | b'-' | b'\r' | b'\n') {
        return NO;
    }
    let (line, whole) = v.line();
    if !is_text(line) {
        return NO;
    }
    // A greeting of several lines may name the protocol in any of them.
    let all = v.bytes.get(..512).unwrap_or(v.bytes);
    if ours.iter().any(|name| contains(line, name)) && !theirs.iter().any(|name| contains(line, name)) {
        return if whole { CERTAIN } else { UNSURE };
    }
    if theirs.iter().any(|name| contains(all, name)) {
        return if whole { NO } else { UNSURE };
    }
    if !whole {
        None
    } else if ours.iter().any(|name| contains(all, name)) {
        CERTAIN
    } else {
        LIKELY
    }
}

/// `USER name`: what FTP and POP3 begin with, and IRC does not, which gives four arguments.
fn one_argument(v: &View<'_>) -> Told {
    let (line, whole) = v.line();
    if !is_text(line) {
        NO
    } else if !whole {
        None
    } else if contains(line, b" :") && line.iter().filter(|&&byte| byte == b' ').count() >= 4 {
        NO
    } else {
        LIKELY
    }
}

/// POP3: `+OK` or verbs only it has (RFC 1939, 2449, 2595).
pub fn pop3(v: &View<'_>) -> Told {
    match v.u8(0)?.to_ascii_uppercase() {
        b'+' if v.starts(b"+OK")? && matches!(v.u8(3)?, b' ' | b'\r' | b'\n') => {
            let (line, whole) = v.line();
            let stamp = contains(line, b"<") && contains(line, b"@") && contains(line, b">");
            if !whole {
                None
            } else if contains(line, b"POP") || stamp {
                CERTAIN
            } else {
                LIKELY
            }
        }
        b'-' if v.starts(b"-ERR ")? => LIKELY,
        b'C' | b'S' | b'U' | b'R' | b'A' if v.any_word(&[b"CAPA", b"STLS", b"UIDL", b"RETR", b"APOP", b"STAT"])? => {
            CERTAIN
        }
        b'U' if v.word(b"USER")? => one_argument(v),
        b'A' if v.word(b"AUTH")? => LIKELY,
        b'P' | b'Q' | b'L' | b'N' if v.any_word(&[b"PASS", b"QUIT", b"LIST", b"NOOP"])? => LIKELY,
        _ => NO,
    }
}

/// IMAP: an untagged greeting, or a tagged command (RFC 9051 sections 2.2 and 7.1).
pub fn imap(v: &View<'_>) -> Told {
    let first = v.u8(0)?;
    if first == b'*' {
        if !v.any_start(&[b"* OK", b"* PREAUTH", b"* BYE", b"* CAPABILITY"])? {
            return NO;
        }
        return CERTAIN;
    }
    if !first.is_ascii_alphanumeric() {
        return NO;
    }
    let (line, whole) = v.line();
    let Some(space) = line.iter().take(16).position(|&byte| byte == b' ') else {
        let tag = line.len() < 16 && line.iter().all(u8::is_ascii_alphanumeric);
        return if whole || !tag { NO } else { None };
    };
    let tag = line.get(..space).unwrap_or_default();
    if !tag.iter().all(|&byte| byte.is_ascii_alphanumeric() || byte == b'.') || !tag.iter().any(u8::is_ascii_digit) {
        return NO;
    }
    let commands: &[&[u8]] = &[
        b"CAPABILITY",
        b"LOGIN",
        b"AUTHENTICATE",
        b"STARTTLS",
        b"NAMESPACE",
        b"SELECT",
        b"LOGOUT",
        b"ID",
        b"NOOP",
        b"FETCH",
        b"UID",
    ];
    let command = v.after(space + 1);
    if command.any_word(commands)? {
        if command.word(b"ID")? || command.word(b"UID")? { LIKELY } else { CERTAIN }
    } else {
        NO
    }
}

/// IRC: the registration's commands, or a server's prefixed line (RFC 2812 sections 2.3 and 3.1).
pub fn irc(v: &View<'_>) -> Told {
    match v.u8(0)?.to_ascii_uppercase() {
        b':' => {
            let (line, whole) = v.line();
            let mut words = line.split(|&byte| byte == b' ');
            let prefix = words.next().unwrap_or_default();
            let Some(command) = words.next() else { return if whole { NO } else { None } };
            if !is_text(prefix) || prefix.len() < 2 {
                return NO;
            }
            if words.next().is_none() && !whole {
                return None;
            }
            let numeric = command.len() == 3 && command.iter().all(u8::is_ascii_digit);
            let named = [&b"NOTICE"[..], b"PRIVMSG", b"JOIN", b"PING", b"MODE", b"NICK", b"CAP", b"QUIT", b"PART"];
            certain_if(numeric || named.contains(&command))
        }
        b'N' if v.starts(b"NOTICE ")? => certain_if(is_text(v.line().0)),
        b'N' if v.word(b"NICK")? => CERTAIN,
        b'C' if v.starts(b"CAP ")? => certain_if(v.any_start(&[b"CAP LS", b"CAP REQ", b"CAP END"])?),
        b'J' if v.any_start(&[b"JOIN #", b"JOIN :#"])? => CERTAIN,
        b'P' if v.any_start(&[b"PRIVMSG "])? => CERTAIN,
        b'P' if v.any_word(&[b"PASS", b"PING"])? => {
            // A password of IRC, FTP or POP3; what follows in the same bytes tells.
            if contains(v.bytes, b"\nNICK ") { CERTAIN } else { LIKELY }
        }
        b'U' if v.word(b"USER")? => {
            let (line, whole) = v.line();
            if !whole {
                None
            } else if line.iter().filter(|&&byte| byte == b' ').count() >= 4 && contains(line, b" :") {
                CERTAIN
            } else {
                NO
            }
        }
        _ => NO,
    }
}

/// NNTP: greetings that name it, or the first commands (RFC 3977 section 5).
pub fn nntp(v: &View<'_>) -> Told {
    match v.u8(0)? {
        b'2' if v.any_start(&[b"200 ", b"201 "])? => {
            let (line, whole) = v.line();
            let named = contains(line, b"NNTP") || contains(line, b"news") || contains(line, b"InterNetNews");
            if !is_text(line) {
                NO
            } else if !whole {
                None
            } else if named {
                CERTAIN
            } else {
                LIKELY
            }
        }
        b'M' | b'm' if v.word(b"MODE")? => certain_if(v.after(5).word(b"READER")?),
        b'G' | b'A' | b'X' | b'a' | b'g' if v.any_word(&[b"GROUP", b"AUTHINFO", b"XOVER", b"ARTICLE"])? => CERTAIN,
        b'C' if v.word(b"CAPABILITIES")? => CERTAIN,
        _ => NO,
    }
}

/// XMPP: a stream's opening tag (RFC 6120 section 4.2).
pub fn xmpp(v: &View<'_>) -> Told {
    if v.u8(0)? != b'<' || !v.any_start(&[b"<?xml", b"<stream:stream"])? {
        return NO;
    }
    if contains(v.bytes, b"<stream:stream") && (contains(v.bytes, b"jabber:") || contains(v.bytes, b"etherx.jabber")) {
        CERTAIN
    } else {
        None
    }
}
