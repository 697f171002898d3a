//! Protocols that carry another after a handshake of their own: SOCKS, HTTP CONNECT, and upgrades to TLS in the midst
//! of mail, FTP and remote desktop dialogues.

use super::reader::{Reader, find};
use super::{http, tls};

/// How far an upgrade is looked for.
const MAX_SEARCH: usize = 4096;

/// The proxy's protocol, by a side's first bytes.
pub fn outer(prefix: &[u8], from_server: bool) -> Option<&'static str> {
    let socks = match (from_server, prefix) {
        // RFC 1928: methods offered; the method chosen, which says too little until what follows it.
        (false, [5, count @ 1..=8, methods @ ..]) => {
            methods.len() >= usize::from(*count) && methods.iter().take(usize::from(*count)).all(|method| *method < 10)
        }
        (true, [5, 255]) | (true, [5, 0, 5, 0..=8, 0, ..]) | (true, [5, 2, 1, _, ..]) => true,
        (false, [4, 1 | 2, _, _, _, _, _, _, _, ..]) => true,
        (true, [0, 90..=93, _, _, _, _, _, _, ..]) => true,
        _ => false,
    };
    if socks {
        return Some("socks");
    }
    (!from_server && prefix.starts_with(b"CONNECT ")).then_some("http")
}

/// What a client sends through its proxy, once the proxy was asked.
pub fn carried(prefix: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader::new(prefix);
    match prefix.first()? {
        4 => {
            reader.skip(8)?;
            let user = reader.rest().iter().take(256).position(|byte| *byte == 0)?;
            reader.skip(user + 1)?;
        }
        5 => {
            reader.u8()?;
            reader.vec8()?;
            // User name and password (RFC 1929).
            if reader.rest().first() == Some(&1) {
                reader.u8()?;
                reader.vec8()?;
                reader.vec8()?;
            }
            (reader.array::<3>()? == [5, 1, 0]).then_some(())?;
            match reader.u8()? {
                1 => reader.skip(4)?,
                3 => reader.vec8().map(|_| ())?,
                4 => reader.skip(16)?,
                _ => return None,
            }
            reader.skip(2)?;
        }
        _ => {
            let head = prefix.get(..http::MAX_HEAD).unwrap_or(prefix);
            reader.skip(find(head, b"\r\n\r\n")? + 4)?;
        }
    }
    Some(reader.rest())
}

/// The TLS that begins behind a dialogue in lines, or behind a remote desktop's first message. A record's first byte
/// stands in no text.
pub fn upgraded(prefix: &[u8]) -> Option<&[u8]> {
    let inner = if prefix.starts_with(&[3, 0]) {
        let length = Reader::new(prefix.get(2..)?).u16()?;
        prefix.get(usize::from(length)..)?
    } else {
        let start = find(prefix.get(..MAX_SEARCH).unwrap_or(prefix), &[b'\n', 22, 3])?;
        prefix.get(start + 1..)?
    };
    // A whole record's header is needed to tell.
    tls::looks_like(inner).then_some(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_proxy_carries_is_found() {
        let socks5 = [&[5, 1, 0, 5, 1, 0, 3, 3][..], b"a.b", &[0, 80], b"GET / HTTP/1.1"].concat();
        assert_eq!(outer(&socks5, false), Some("socks"));
        assert_eq!(carried(&socks5), Some(&b"GET / HTTP/1.1"[..]));
        let password = [&[5, 1, 2, 1, 1, b'u', 1, b'p', 5, 1, 0, 1, 192, 0, 2, 1, 0, 80][..], b"x"].concat();
        assert_eq!(carried(&password), Some(&b"x"[..]));
        let socks4 = [&[4, 1, 0, 80, 192, 0, 2, 1][..], b"me\0x"].concat();
        assert_eq!(carried(&socks4), Some(&b"x"[..]));
        assert_eq!(carried(b"CONNECT a:443 HTTP/1.1\r\n\r\nx"), Some(&b"x"[..]));
        for cut in 0..socks5.len() - 14 {
            assert_eq!(carried(&socks5[..cut]), None, "{cut}");
        }
    }

    #[test]
    fn tls_behind_a_dialogue_is_found() {
        let hello = [22, 3, 1, 0, 5, 1];
        let mail = [&b"EHLO a\r\nSTARTTLS\r\n"[..], &hello].concat();
        assert_eq!(upgraded(&mail), Some(&hello[..]));
        let desktop = [&[3, 0, 0, 7, 2, 0xe0, 0][..], &hello].concat();
        assert_eq!(upgraded(&desktop), Some(&hello[..]));
        assert_eq!(upgraded(b"EHLO a\r\n"), None);
    }
}
