//! Calls and media.

use super::super::view::{CERTAIN, LIKELY, NO, Told, UNSURE, View, contains, is_text, likely_if};

/// SIP: a request line with a SIP target, or a status line (RFC 3261 section 7).
pub fn sip(v: &View<'_>) -> Told {
    let first = v.u8(0)?;
    // Keepalives before anything else (RFC 5626 section 3.5.1).
    if matches!(first, b'\r' | b'\n' | 0) {
        return if v.len() <= 8 && v.bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
            UNSURE
        } else if first == 0 {
            NO
        } else {
            let skip = v.bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n'))?;
            sip(&v.after(skip))
        };
    }
    if !first.is_ascii_uppercase() {
        return NO;
    }
    if first == b'S' && v.starts(b"SIP/2.0 ")? {
        return CERTAIN;
    }
    request(v, &[b"sip:", b"sips:", b"tel:", b"urn:", b"im:"], b" SIP/")
}

/// RTSP: the same with its target or version (RFC 7826 sections 7 and 8).
pub fn rtsp(v: &View<'_>) -> Told {
    let first = v.u8(0)?;
    if !first.is_ascii_uppercase() {
        return NO;
    }
    if first == b'R' && v.starts(b"RTSP/")? {
        return CERTAIN;
    }
    request(v, &[b"rtsp://", b"rtspu://", b"rtsps://"], b" RTSP/")
}

/// `METHOD target version`: certain by target or version.
fn request(v: &View<'_>, targets: &[&[u8]], version: &[u8]) -> Told {
    let (line, whole) = v.line();
    let Some(space) = line.iter().take(20).position(|&byte| byte == b' ') else {
        let method =
            line.len() < 20 && line.iter().all(|byte| byte.is_ascii_uppercase() || matches!(byte, b'_' | b'-'));
        return if whole || !method { NO } else { None };
    };
    let (method, target) = (line.get(..space)?, line.get(space + 1..)?);
    if !method.iter().all(|byte| byte.is_ascii_uppercase() || matches!(byte, b'_' | b'-')) {
        return NO;
    }
    let starts = targets.iter().any(|with| target.get(..with.len()).is_some_and(|is| is.eq_ignore_ascii_case(with)));
    if (starts && is_text(target)) || (whole && contains(target, version)) {
        CERTAIN
    } else if whole {
        NO
    } else {
        None
    }
}

/// MGCP: a verb, a transaction, an endpoint and the version; or an answer (RFC 3435 section 3.2).
pub fn mgcp(v: &View<'_>) -> Told {
    let first = v.u8(0)?;
    if !first.is_ascii_uppercase() && !first.is_ascii_digit() {
        return NO;
    }
    let (line, whole) = v.line();
    if first.is_ascii_digit() {
        let mut words = line.split(|&byte| byte == b' ');
        let code = words.next().unwrap_or_default();
        let transaction = words.next().unwrap_or_default();
        let digits = |word: &[u8], n: std::ops::RangeInclusive<usize>| {
            n.contains(&word.len()) && word.iter().all(u8::is_ascii_digit)
        };
        return if !whole {
            None
        } else if digits(code, 3..=3) && digits(transaction, 1..=9) {
            LIKELY
        } else {
            NO
        };
    }
    let verbs: &[&[u8]] = &[b"EPCF", b"CRCX", b"MDCX", b"DLCX", b"RQNT", b"NTFY", b"AUEP", b"AUCX", b"RSIP"];
    if !v.any_word(verbs)? {
        return NO;
    }
    if contains(line, b" MGCP ") {
        CERTAIN
    } else if whole {
        NO
    } else {
        None
    }
}

/// RTP: two packets of one source in a row with rising numbers (RFC 3550 section 5.1). One alone says next to nothing.
pub fn rtp(v: &View<'_>) -> Told {
    let first = v.u8(0)?;
    if first & 0xc0 != 0x80 {
        return NO;
    }
    let kind = v.u8(1)? & 0x7f;
    v.u8(12)?;
    // 64 to 95 would be RTCP's types with the marker bit (RFC 5761 section 4); 35 to 63 and the rest are not given out.
    if (35..96).contains(&kind) && !(kind == 63 || kind == 35) {
        return NO;
    }
    let Some(&[before, kind_before, seq_1, seq_2, _, _, _, _, source @ ..]) = v.previous.first_chunk::<12>() else {
        return UNSURE;
    };
    let step = v.be16(2)?.wrapping_sub(u16::from_be_bytes([seq_1, seq_2]));
    let same = before & 0xc0 == 0x80 && v.be32(8)? == u32::from_be_bytes(source) && (1..=16).contains(&step);
    if same && v.be32(8)? != 0 && (kind_before & 0x7f == kind || step == 1) { CERTAIN } else { UNSURE }
}

/// RTCP: a chain of reports that ends with the datagram (RFC 3550 section 6).
pub fn rtcp(v: &View<'_>) -> Told {
    let mut at = 0;
    let mut kinds = 0;
    while at < v.len() {
        let first = v.u8(at)?;
        let kind = v.u8(at + 1)?;
        if first & 0xc0 != 0x80 || !(200..=207).contains(&kind) {
            // Secured reports end with an index and a tag that nothing marks.
            return likely_if(kinds > 0 && v.len() - at <= 18);
        }
        at += (usize::from(v.be16(at + 2)?) + 1) * 4;
        kinds += 1;
    }
    if at != v.len() {
        NO
    } else if matches!(v.u8(1)?, 200 | 201) && at >= 8 {
        CERTAIN
    } else {
        LIKELY
    }
}

/// RTMP: the first chunk of a handshake, with its zeros (Adobe's specification 1.0, section 5.2).
pub fn rtmp(v: &View<'_>) -> Told {
    if v.u8(0)? != 3 {
        return NO;
    }
    // The second word of the client's chunk is zero or the player's version, which begins with a small number.
    match v.be32(5)? {
        0 => {
            if v.len() > 64 {
                LIKELY
            } else {
                UNSURE
            }
        }
        version if v.u8(5)? < 0x80 && version & 0xff <= 4 && v.len() >= 1537 => UNSURE,
        _ => NO,
    }
}

/// STUN and TURN: the magic cookie and the length, or the older form without it and attributes that fill the
/// datagram (RFC 8489 section 5, RFC 3489 section 11).
pub fn stun(v: &View<'_>) -> Told {
    let kind = v.be16(0)?;
    if kind & 0xc000 != 0 {
        return NO;
    }
    let length = v.be16(2)?;
    if length % 4 != 0 {
        return NO;
    }
    if v.be32(4)? == 0x2112_a442 {
        return CERTAIN;
    }
    if !matches!(kind, 0x0001 | 0x0002 | 0x0101 | 0x0102 | 0x0111 | 0x0112) || !v.ends_at(u64::from(length) + 20) {
        return NO;
    }
    let mut at = 20;
    while at < v.len() {
        let size = usize::from(v.be16(at + 2)?);
        let attribute = v.be16(at)?;
        if !matches!(attribute, 1..=0x30 | 0x8000..=0x80ff) {
            return NO;
        }
        at += 4 + size.next_multiple_of(4);
    }
    if at == v.len() && length > 0 {
        CERTAIN
    } else if at == v.len() {
        LIKELY
    } else {
        NO
    }
}

/// Skinny: a little-endian length, a header version, a message number that exists.
pub fn skinny(v: &View<'_>) -> Told {
    let (length, version, message) = (v.le32(0)?, v.le32(4)?, v.le32(8)?);
    let numbers = matches!(message, 0..=0x60 | 0x81..=0x15f);
    if !(4..=4096).contains(&length) || !matches!(version, 0 | 0x0a | 0x11..=0x16) || !numbers {
        return NO;
    }
    // Small little-endian numbers are common: a header version above zero, or the port, has to come to it.
    if version != 0 && v.ends_at(u64::from(length) + 8) {
        CERTAIN
    } else if v.on_port(&[2000]) {
        LIKELY
    } else {
        NO
    }
}
