//! Databases and caches.

use super::super::view::{CERTAIN, LIKELY, NO, Told, View, certain_if, contains, is_ascii, likely_if};

/// MySQL and MariaDB: the server's greeting or error, or the client's answer (MySQL's "Connection Phase").
pub fn mysql(v: &View<'_>) -> Told {
    // A length of three bytes, little-endian, and a sequence number.
    let length = v.le32(0)? & 0x00ff_ffff;
    let sequence = v.u8(3)?;
    match (sequence, v.u8(4)?) {
        (0, 10) => {
            let digit = v.u8(5)?.is_ascii_digit();
            let end = v.bytes.get(5..)?.iter().take(64).position(|&byte| byte == 0);
            let Some(end) = end else { return if v.len() < 70 && digit { None } else { NO } };
            let version = v.bytes.get(5..5 + end)?;
            certain_if(digit && is_ascii(version) && version.contains(&b'.') && (20..=300).contains(&length))
        }
        // "Host is blocked", "Too many connections".
        (0, 0xff) if (8..=512).contains(&length) && (1000..=4000).contains(&v.le16(5)?) => {
            certain_if(is_ascii(v.bytes.get(7..17)?))
        }
        (1, _) if (32..=4096).contains(&length) => {
            // Capabilities with the 4.1 protocol, the largest packet, a character set and 23 zeros (19 in MariaDB).
            let zeros = v.bytes.get(13..32)?.iter().all(|&byte| byte == 0);
            certain_if(v.u8(5)? & 0x02 != 0 && zeros)
        }
        _ => NO,
    }
}

/// PostgreSQL: a startup, cancel or encryption request, or the server's first message (documentation, "Message
/// Formats").
pub fn pgsql(v: &View<'_>) -> Told {
    match v.u8(0)? {
        0 => {
            let length = v.be32(0)?;
            match (length, v.be32(4)?) {
                // SSLRequest, GSSENCRequest, CancelRequest, protocol 3.
                (8, 80_877_103 | 80_877_104) | (16, 80_877_102) => CERTAIN,
                (9..=10_000, 0x0003_0000 | 0x0003_0002) => certain_if(v.u8(8)?.is_ascii_alphabetic()),
                // A version that no server knows: scanners ask for one.
                (8..=10_000, _) => likely_if(v.on_port(&[5432]) && v.ends_at(length.into())),
                _ => NO,
            }
        }
        // Authentication request: its kind and the size that belongs to it.
        b'R' => match (v.be32(1)?, v.be32(5)?) {
            (8, 0 | 2 | 3 | 6 | 7 | 9) | (12, 5) => CERTAIN,
            (9..=2000, 10..=12) => CERTAIN,
            _ => NO,
        },
        b'E' => {
            let fits = (10..=4096).contains(&v.be32(1)?) && v.u8(5)? == b'S';
            certain_if(fits && is_ascii(v.bytes.get(6..11)?))
        }
        b'S' | b'N' | b'G' if v.len() == 1 => LIKELY,
        _ => NO,
    }
}

/// Microsoft SQL Server: a TDS header and what it announces (MS-TDS section 2.2.3).
pub fn mssql(v: &View<'_>) -> Told {
    let (kind, status) = (v.u8(0)?, v.u8(1)?);
    if !matches!(kind, 1..=4 | 6 | 7 | 14 | 16..=18) || status & 0xe0 != 0 {
        return NO;
    }
    let length = u64::from(v.be16(2)?);
    if length < 9 || v.u8(7)? != 0 {
        return NO;
    }
    match kind {
        // Prelogin: the version's option first, then an offset behind all options.
        0x12 => {
            let options = v.has(8, &[0, 0])? && v.has(11, &[0, 6, 1])?;
            // The TLS handshake travels in the same packets.
            certain_if(options || v.u8(8)? == 0x16 && v.u8(9)? == 3)
        }
        // Login 7: its own length and a version 7.x.
        0x10 => likely_if(v.le32(8)? as u64 + 8 == length && v.u8(15)? >= 0x70 || v.u8(15)? == 4),
        4 => {
            // A prelogin's answer looks like the question; others begin with a token that exists.
            let token = matches!(
                v.u8(8)?,
                0 | 0x79 | 0x81 | 0xa4 | 0xa9 | 0xaa | 0xab | 0xac | 0xad | 0xd1 | 0xe3 | 0xed | 0xfd..=0xff
            );
            likely_if(token && v.whole(length)? && v.u8(6)? <= 8)
        }
        _ => likely_if(v.whole(length)? && v.u8(6)? <= 8 && status & 1 == 1),
    }
}

/// SQL Server's browser: a question of one byte or with a name, and the answer (MC-SQLR section 2.2).
pub fn mssql_browser(v: &View<'_>) -> Told {
    match v.u8(0)? {
        5 => certain_if(contains(v.bytes.get(3..)?, b"ServerName;")),
        2 | 3 if v.len() == 1 => LIKELY,
        4 if v.u8(1)? != 0 && v.bytes.last() == Some(&0) && is_ascii(v.bytes.get(1..v.len() - 1)?) => LIKELY,
        _ => NO,
    }
}

/// Redis: an array of strings, or one of a server's short answers (RESP's specification).
pub fn redis(v: &View<'_>) -> Told {
    let first = v.u8(0)?;
    if !matches!(first, b'*' | b'+' | b'-' | b':' | b'$') {
        return NO;
    }
    let (line, whole) = v.line();
    let rest = line.get(1..)?;
    let number = !rest.is_empty() && rest.len() <= 6 && rest.iter().all(u8::is_ascii_digit);
    match first {
        b'*' => {
            if !whole {
                return if rest.len() <= 6 && rest.iter().all(u8::is_ascii_digit) { None } else { NO };
            }
            certain_if(number && v.u8(line.len() + 2)? == b'$' && v.u8(line.len() + 3)?.is_ascii_digit())
        }
        b'+' if !whole => None,
        b'+' => match rest {
            b"PONG" | b"QUEUED" | b"Background saving started" => CERTAIN,
            b"OK" => LIKELY,
            _ => NO,
        },
        b'-' => likely_if(v.any_start(&[
            b"-ERR ",
            b"-NOAUTH",
            b"-WRONG",
            b"-DENIED",
            b"-LOADING",
            b"-MOVED ",
            b"-READONLY",
        ])?),
        _ => {
            if !whole {
                None
            } else if number || rest == b"-1" {
                LIKELY
            } else {
                NO
            }
        }
    }
}

/// Memcached: text commands and answers, or the binary header (memcached's protocol documents).
pub fn memcached(v: &View<'_>) -> Told {
    match v.u8(0)? {
        0x80 | 0x81 => {
            // Opcode, key length, extras, data type 0, and a body that holds them.
            let fits = v.u8(1)? <= 0x22 && v.u8(5)? == 0;
            let (key, extras, body) = (u32::from(v.be16(2)?), u32::from(v.u8(4)?), v.be32(8)?);
            if fits
                && key <= 250
                && extras <= 20
                && key + extras <= body.max(key + extras)
                && body < 1 << 20
                && body >= key + extras
            {
                if v.be32(16)? == 0 && v.ends_at(24 + u64::from(body)) { CERTAIN } else { LIKELY }
            } else {
                NO
            }
        }
        b's' | b'g' | b'v' | b'a' | b'd' | b'f' | b'i' | b'q' | b'r' => {
            let (line, whole) = v.line();
            let word =
                v.any_word(&[b"get", b"gets", b"stats", b"version", b"flush_all", b"incr", b"decr", b"delete"])?;
            let store = v.any_word(&[b"set", b"add", b"replace", b"append", b"prepend", b"cas"])?;
            // `set key flags exptime bytes`: three numbers.
            let numbers = line
                .split(|&byte| byte == b' ')
                .skip(2)
                .filter(|word| !word.is_empty() && word.iter().all(u8::is_ascii_digit))
                .count();
            if !whole {
                if word || store { None } else { NO }
            } else if store && numbers >= 3 {
                CERTAIN
            } else if word && line.iter().all(|byte| !byte.is_ascii_uppercase() || line.contains(&b' ')) {
                LIKELY
            } else {
                NO
            }
        }
        b'V' | b'E' | b'S' if v.any_start(&[b"VALUE ", b"END\r\n", b"STORED\r\n", b"STAT ", b"VERSION "])? => LIKELY,
        _ => NO,
    }
}

/// Memcached in datagrams: a frame header of eight bytes first.
pub fn memcached_udp(v: &View<'_>) -> Told {
    let (sequence, total, reserved) = (v.be16(2)?, v.be16(4)?, v.be16(6)?);
    if reserved != 0 || total == 0 || sequence >= total { NO } else { memcached(&v.after(8)) }
}

/// MongoDB: a little-endian length and an operation that exists (documentation, "Wire Protocol").
pub fn mongodb(v: &View<'_>) -> Told {
    let length = v.le32(0)?;
    if !(16..=48_000_000).contains(&length) {
        return NO;
    }
    match v.le32(12)? {
        // A reply has twenty more bytes of header; small numbers are many protocols'.
        1 if length >= 36 && v.le32(8)? != 0 && v.le32(16)? < 16 && v.le32(28)? < 1 << 20 => CERTAIN,
        2001..=2007 | 2010..=2013 if length > 16 => CERTAIN,
        _ => NO,
    }
}

/// Cassandra's CQL: version, operation and length (native protocol v3 to v5, section 2). Older versions have a shorter
/// header that others share.
pub fn cassandra(v: &View<'_>) -> Told {
    let version = v.u8(0)?;
    if !matches!(version & 0x7f, 3..=5) || v.u8(1)? & 0xe0 != 0 {
        return NO;
    }
    let (operation, length) = (v.u8(4)?, v.be32(5)?);
    if operation > 0x10 || length > 1 << 24 {
        return NO;
    }
    let end = 9 + u64::from(length);
    match operation {
        1 if contains(v.bytes, b"CQL_VERSION") => CERTAIN,
        6 if contains(v.bytes, b"COMPRESSION") || contains(v.bytes, b"CQL_VERSION") => CERTAIN,
        5 if length == 0 => LIKELY,
        _ if length > 0 && v.whole(end)? => LIKELY,
        _ => NO,
    }
}
