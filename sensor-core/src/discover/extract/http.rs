//! HTTP/1 heads (RFC 9112): who asks whom, and what answers.

use super::reader::{find, line, text};

/// Bytes of a head that are looked at.
pub const MAX_HEAD: usize = 8 * 1024;
const MAX_LINES: usize = 64;

/// A request's head.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// `Host`, without a port.
    pub host: Option<String>,
    /// `User-Agent`.
    pub user_agent: Option<String>,
    /// The method is CONNECT: what follows the answer is another protocol.
    pub connect: bool,
    /// The target is a whole URI: the request goes to a proxy.
    pub proxied: bool,
}

/// A response's head.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// `Server`.
    pub server: Option<String>,
    /// `X-Powered-By`.
    pub powered_by: Option<String>,
}

/// The longest method met is `BASELINE-CONTROL`.
const MAX_METHOD: usize = 24;

/// Reads a request's head; the second value is whether the head is not whole yet.
pub fn request(stream: &[u8]) -> Option<(Request, bool)> {
    let method_end = stream.iter().take(MAX_METHOD).position(|byte| *byte == b' ')?;
    let (method, target) = stream.split_at_checked(method_end)?;
    let token = |byte: &u8| byte.is_ascii_uppercase() || matches!(byte, b'_' | b'-');
    (method.len() >= 3 && method.iter().all(token)).then_some(())?;
    let target = target.get(1..)?;
    let (first, rest) = match line(stream) {
        Some(whole) => whole,
        // A long target may be cut; one of text that begins like a target will do.
        None if stream.len() < MAX_HEAD && matches!(target.first(), Some(b'/' | b'*' | b'h' | b'H') | None) => {
            (stream, &[][..])
        }
        None => return None,
    };
    let versioned = find(first, b" HTTP/").is_some() || find(first, b" HTTP-").is_some();
    // HTTP 0.9 has neither version nor fields.
    let bare = method == b"GET" && target.starts_with(b"/");
    (rest.is_empty() && first.len() == stream.len() || versioned || bare).then_some(())?;
    let proxied = target.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"http://"));
    let mut found = Request { connect: method == b"CONNECT", proxied, ..Request::default() };
    let more = fields(rest, |name, value| {
        if name.eq_ignore_ascii_case(b"host") {
            let host = text(value, 255);
            let bare = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|c| c.is_ascii_digit()));
            found.host = Some(bare.map_or(host.as_str(), |(host, _)| host).to_owned()).filter(|host| !host.is_empty());
        } else if name.eq_ignore_ascii_case(b"user-agent") {
            found.user_agent = Some(text(value, 255)).filter(|agent| !agent.is_empty());
        }
    });
    Some((found, more))
}

/// Reads a response's head; the second value is whether the head is not whole yet.
pub fn response(stream: &[u8]) -> Option<(Response, bool)> {
    if !stream.starts_with(b"HTTP/1.") && !stream.starts_with(b"HTTP/0.") {
        return None;
    }
    let (status, rest) = line(stream).unwrap_or((stream, &[]));
    let code = status.split(|byte| *byte == b' ').nth(1).and_then(|code| std::str::from_utf8(code).ok());
    let mut found = Response { status: code.and_then(|code| code.parse().ok()).unwrap_or(0), ..Response::default() };
    let more = fields(rest, |name, value| {
        let known = |value| Some(text(value, 255)).filter(|value: &String| !value.is_empty());
        if name.eq_ignore_ascii_case(b"server") {
            found.server = known(value);
        } else if name.eq_ignore_ascii_case(b"x-powered-by") {
            found.powered_by = known(value);
        }
    });
    Some((found, more))
}

/// Gives each field; tells whether the head's end was not seen yet.
pub(crate) fn fields(head: &[u8], mut each: impl FnMut(&[u8], &[u8])) -> bool {
    let mut rest = head.get(..MAX_HEAD).unwrap_or(head);
    for _ in 0..MAX_LINES {
        let Some((field, after)) = line(rest) else { return head.len() < MAX_HEAD };
        if field.is_empty() {
            return false;
        }
        rest = after;
        if let Some((name, value)) = field.iter().position(|byte| *byte == b':').map(|colon| field.split_at(colon)) {
            each(name.trim_ascii(), value.get(1..).unwrap_or_default().trim_ascii());
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read_and_cuts_known() {
        let head = b"GET / HTTP/1.1\r\nhost: www.example:8080\r\nUser-Agent: curl/8.0\r\n\r\n";
        let (found, more) = request(head).unwrap();
        assert!(!more);
        assert_eq!(found.host.as_deref(), Some("www.example"));
        assert_eq!(found.user_agent.as_deref(), Some("curl/8.0"));
        assert!(request(&head[..40]).unwrap().1);
        let (found, more) = response(b"HTTP/1.1 302 Found\r\nServer: nginx/1.18.0 (Ubuntu)\r\n\r\nServer: no").unwrap();
        assert_eq!((found.status, found.server.as_deref(), more), (302, Some("nginx/1.18.0 (Ubuntu)"), false));
        assert!(request(b"SSH-2.0-x\r\n").is_none() && response(b"").is_none());
    }

    #[test]
    fn a_head_without_end_is_bounded() {
        let endless = [b"GET / HTTP/1.1\r\n".to_vec(), vec![b'a'; 20_000]].concat();
        assert!(!request(&endless).unwrap().1);
    }
}
