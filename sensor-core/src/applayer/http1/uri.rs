//! Request targets: their parts, and paths as servers understand them.

/// The parts of a target; those of an authority only if it is an absolute URI.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Target<'a> {
    /// `host:port`, without credentials.
    pub authority: Option<&'a [u8]>,
    /// From the first slash.
    pub path: &'a [u8],
    /// Behind the question mark.
    pub query: Option<&'a [u8]>,
}

impl<'a> Target<'a> {
    /// Takes a target apart (RFC 9112 section 3.2).
    pub fn read(target: &'a [u8]) -> Target<'a> {
        let before_fragment = split(target, b'#').map_or(target, |(before, _)| before);
        let (hierarchy, query) = match split(before_fragment, b'?') {
            Some((before, query)) => (before, Some(query)),
            None => (before_fragment, None),
        };
        let scheme = memchr::memmem::find(hierarchy, b"://").filter(|end| {
            hierarchy.get(..*end).is_some_and(|s| !s.is_empty() && s.iter().all(u8::is_ascii_alphanumeric))
        });
        let Some(scheme) = scheme else { return Target { authority: None, path: hierarchy, query } };
        let rest = hierarchy.get(scheme + 3..).unwrap_or_default();
        let slash = memchr::memchr(b'/', rest).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(slash).unwrap_or((rest, &[]));
        let authority = split(authority, b'@').map_or(authority, |(_, behind)| behind);
        Target { authority: Some(authority), path, query }
    }

    /// Appends what rules see as the URI: the normalised path and the decoded query. Tells whether the path was encoded
    /// twice.
    pub fn normalise(&self, twice: [bool; 2], out: &mut Vec<u8>) -> bool {
        let start = out.len();
        decode(self.path, true, out);
        let is_double = has_escape(out.get(start..).unwrap_or_default());
        if twice[0] && is_double {
            let once = out.split_off(start);
            decode(&once, true, out);
        }
        if out.get(start) == Some(&b'/') {
            let path = out.split_off(start);
            remove_dots(&path, out);
        }
        if let Some(query) = self.query {
            out.push(b'?');
            let start = out.len();
            decode(query, false, out);
            if twice[1] {
                let once = out.split_off(start);
                decode(&once, false, out);
            }
        }
        is_double
    }
}

/// The two sides of the first `at`.
fn split(bytes: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let place = memchr::memchr(at, bytes)?;
    Some((bytes.get(..place)?, bytes.get(place + 1..)?))
}

fn hex(bytes: Option<&[u8]>) -> Option<u16> {
    let bytes = bytes?;
    let digit = |byte: &u8| (*byte as char).to_digit(16).and_then(|digit| u16::try_from(digit).ok());
    bytes.iter().try_fold(0, |value, byte| Some(value << 4 | digit(byte)?))
}

fn has_escape(bytes: &[u8]) -> bool {
    memchr::memchr_iter(b'%', bytes).any(|at| hex(bytes.get(at + 1..at + 3)).is_some())
}

/// Undoes `%HH` and `%uHHHH`; what is no escape stays. In paths `\` is a slash, and several slashes are one.
fn decode(bytes: &[u8], path: bool, out: &mut Vec<u8>) {
    let start = out.len();
    let mut rest = bytes;
    while let Some((&first, behind)) = rest.split_first() {
        let (mut byte, used) = if first != b'%' {
            (first, 1)
        } else if let Some(value) = hex(behind.get(..2)) {
            (value as u8, 3)
        } else if let (Some(b'u' | b'U'), Some(value)) = (behind.first(), hex(behind.get(1..5))) {
            (narrow(value), 6)
        } else {
            (first, 1)
        };
        rest = rest.get(used..).unwrap_or_default();
        if path && byte == b'\\' {
            byte = b'/';
        }
        if path && byte == b'/' && out.len() > start && out.last() == Some(&b'/') {
            continue;
        }
        out.push(byte);
    }
}

/// The byte that servers take for a code point: full-width forms are ASCII.
fn narrow(value: u16) -> u8 {
    match value {
        0..=0xff => value as u8,
        0xff01..=0xff5e => (value - 0xfee0) as u8,
        _ => b'?',
    }
}

/// RFC 3986 section 5.2.4.
fn remove_dots(path: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    let mut segments = path.split(|byte| *byte == b'/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            b"." => {}
            b".." => {
                let kept = out.get(start..).unwrap_or_default();
                out.truncate(start + memchr::memrchr(b'/', kept).unwrap_or(0));
            }
            _ => {
                out.push(b'/');
                out.extend_from_slice(segment);
                continue;
            }
        }
        if is_last {
            out.push(b'/');
        }
    }
}

/// A host and a port of an authority or of `Host`; the port as it is written.
pub fn host_and_port(authority: &[u8]) -> (&[u8], Option<&[u8]>) {
    let ends =
        if authority.first() == Some(&b'[') { memchr::memchr(b']', authority).map_or(0, |at| at + 1) } else { 0 };
    match memchr::memchr(b':', authority.get(ends..).unwrap_or_default()) {
        Some(colon) => {
            let colon = ends + colon;
            (authority.get(..colon).unwrap_or_default(), authority.get(colon + 1..))
        }
        None => (authority, None),
    }
}

/// Whether it can be a host: labels of letters, digits, `-` and `_`, or an address in brackets.
pub fn is_host(host: &[u8]) -> bool {
    if let Some(inner) = host.strip_prefix(b"[") {
        return inner
            .strip_suffix(b"]")
            .is_some_and(|a| a.iter().all(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.' | b'%')));
    }
    let label = |label: &[u8]| {
        (1..=63).contains(&label.len()) && label.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    let host = host.strip_suffix(b".").unwrap_or(host);
    host.len() <= 255 && host.split(|byte| *byte == b'.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(target: &str) -> String {
        let mut out = Vec::new();
        Target::read(target.as_bytes()).normalise([false; 2], &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn paths_are_normalised() {
        for (target, expected) in [
            ("/../a/b/../c/./d.html", "/a/c/d.html"),
            ("/a//b\\c/%2e%2e/d?x=/../%41", "/a/b/d?x=/../A"),
            ("/%41%u0042%uff43%zz%", "/ABc%zz%"),
            ("/a/..", "/"),
            ("/a/.", "/a/"),
            ("http://u@Host:80/p?q#f", "/p?q"),
            ("*", "*"),
            ("/a%2fb%2Fc", "/a/b/c"),
            ("/%2541", "/%41"),
            ("", ""),
        ] {
            assert_eq!(uri(target), expected, "{target}");
        }
        let mut out = Vec::new();
        assert!(Target::read(b"/%2541").normalise([true; 2], &mut out));
        assert_eq!(out, b"/A");
    }

    #[test]
    fn hosts_are_taken_apart() {
        assert_eq!(host_and_port(b"[::1]:8000"), (&b"[::1]"[..], Some(&b"8000"[..])));
        assert_eq!(host_and_port(b"a.example"), (&b"a.example"[..], None));
        assert!(
            is_host(b"[::1]") && is_host(b"a_b.example.") && !is_host(b"a..b") && !is_host(b"a b") && !is_host(b"")
        );
    }
}
