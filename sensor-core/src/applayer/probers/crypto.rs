//! TLS, DTLS, QUIC, SSH.

use super::super::view::{CERTAIN, LIKELY, NO, Told, View, certain_if};

/// TLS and SSL: a record with a hello, an alert, a change of cipher or encrypted data (RFC 8446 section 5.1), or an
/// SSL 2 hello (RFC 5246 appendix E.2).
pub fn tls(v: &View<'_>) -> Told {
    let kind = v.u8(0)?;
    if kind & 0x80 != 0 || !(20..=24).contains(&kind) {
        return ssl2(v);
    }
    if v.u8(1)? != 3 || v.u8(2)? > 4 {
        return NO;
    }
    let length = u32::from(v.be16(3)?);
    if length == 0 || length > MAX_RECORD {
        return NO;
    }
    match kind {
        20 => certain_if(length == 1 && v.u8(5)? == 1),
        21 => match length {
            2 if matches!(v.u8(5)?, 1 | 2) => CERTAIN,
            2 => NO,
            _ => LIKELY,
        },
        22 => match v.u8(5)? {
            // A hello names a version first, whatever the fragmentation of the message over records.
            1 | 2 if v.be24(6)? <= 1 << 17 && v.u8(9)? == 3 && v.u8(10)? <= 4 => CERTAIN,
            1 | 2 => NO,
            // Other messages begin only what was joined in the middle; encrypted ones show no type.
            0 | 4 | 8 | 11..=16 | 20 | 22 if v.be24(6)? <= 1 << 20 => LIKELY,
            _ if length >= 16 => LIKELY,
            _ => NO,
        },
        _ => match v.after(5 + length as usize).bytes {
            [20..=23, 3, 0..=4, ..] => CERTAIN,
            _ if v.ends_at(u64::from(length) + 5) && length >= 16 => CERTAIN,
            _ => LIKELY,
        },
    }
}

fn ssl2(v: &View<'_>) -> Told {
    let length = v.be16(0)?;
    if length & 0x8000 == 0 {
        return NO;
    }
    let length = u32::from(length & 0x7fff);
    match v.u8(2)? {
        1 => {
            let version = v.be16(3)?;
            let (ciphers, session, challenge) = (v.be16(5)?, v.be16(7)?, v.be16(9)?);
            let fits = (version == 2 || version >> 8 == 3 && version & 0xff <= 4)
                && ciphers > 0
                && ciphers % 3 == 0
                && matches!(session, 0 | 16 | 32)
                && (16..=32).contains(&challenge)
                && length == 9 + u32::from(ciphers) + u32::from(session) + u32::from(challenge);
            certain_if(fits)
        }
        4 => {
            let (version, certificate, ciphers, id) = (v.be16(5)?, v.be16(7)?, v.be16(9)?, v.be16(11)?);
            let fits = version == 2
                && v.u8(3)? <= 1
                && v.u8(4)? <= 1
                && ciphers % 3 == 0
                && length == 11 + u32::from(certificate) + u32::from(ciphers) + u32::from(id);
            certain_if(fits)
        }
        _ => NO,
    }
}

/// DTLS: a record header of version 1.0 to 1.2 (RFC 9147 section 4), OpenSSL's older 0x0100 too.
pub fn dtls(v: &View<'_>) -> Told {
    let kind = v.u8(0)?;
    if !(20..=26).contains(&kind) || !matches!(v.be16(1)?, 0xfeff | 0xfefd | 0x0100) {
        return NO;
    }
    let length = u32::from(v.be16(11)?);
    if length == 0 || length > MAX_RECORD || (v.len() as u32) < 13 + length {
        return NO;
    }
    match kind {
        // A handshake message repeats its length; in epoch 0 it is in the clear (RFC 9147 section 5.2).
        22 if v.be16(3)? == 0 => {
            let (whole, offset, here) = (v.be24(14)?, v.be24(19)?, v.be24(22)?);
            certain_if(offset + here <= whole && here + 12 <= length)
        }
        _ if v.be16(1)? == 0x0100 => LIKELY,
        _ => CERTAIN,
    }
}

/// QUIC: a long header of a known version, a version negotiation, or Google's older public header (RFC 9000 section
/// 17.2, RFC 9369 section 3.1).
pub fn quic(v: &View<'_>) -> Told {
    let first = v.u8(0)?;
    if first & 0x80 == 0 {
        return gquic(v, first);
    }
    let version = v.be32(1)?;
    let destination = usize::from(v.u8(5)?);
    if is_gquic(version) && first & 0xc0 == 0xc0 && v.len() > 20 {
        return CERTAIN;
    }
    if destination > 20 {
        return NO;
    }
    let source = usize::from(v.u8(6 + destination)?);
    if source > 20 {
        return NO;
    }
    let after = 7 + destination + source;
    if version == 0 {
        let mut known = false;
        let mut at = after;
        while at + 4 <= v.len() {
            let offered = v.be32(at)?;
            known |= is_ietf(offered) || is_gquic(offered);
            at += 4;
        }
        return certain_if(known && at == v.len());
    }
    // A grease version (RFC 9000 section 15) forces a negotiation: the first datagram is padded to 1,200.
    let grease = version & 0x0f0f_0f0f == 0x0a0a_0a0a && v.len() >= 1200 && destination >= 8;
    certain_if(first & 0x40 != 0 && (is_ietf(version) || grease) && v.len() > after + 4)
}

/// Public flags, an eight-byte connection id, and a version while it is not agreed on.
fn gquic(v: &View<'_>, flags: u8) -> Told {
    // The version bit with an eight-byte id; 0x0c are its length bits in versions up to 35, 0x08 later.
    if flags & 0x09 != 0x09 || flags & 0xc0 != 0 || !is_gquic(v.be32(9)?) { NO } else { CERTAIN }
}

fn is_ietf(version: u32) -> bool {
    // Version 1, version 2, the drafts, Facebook's, Picoquic's and Mozilla's test versions.
    version == 1
        || version == 0x6b33_43cf
        || version == 0x709a_50c4
        || (0xff00_0001..=0xff00_0022).contains(&version)
        || (0xff02_0000..=0xff02_00ff).contains(&version)
        || version >> 8 == 0x00fa_ceb0
}

fn is_gquic(version: u32) -> bool {
    let [q, a, b, c] = version.to_be_bytes();
    matches!(q, b'Q' | b'T') && a == b'0' && b.is_ascii_digit() && c.is_ascii_digit()
}

/// SSH: the identification line (RFC 4253 section 4.2).
pub fn ssh(v: &View<'_>) -> Told {
    certain_if(v.any_start(&[b"SSH-2.", b"SSH-1."])?)
}

/// RFC 5246 section 6.2.3: 2^14 and 2,048 bytes.
const MAX_RECORD: u32 = (1 << 14) + 2048;
