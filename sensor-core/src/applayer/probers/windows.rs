//! What Windows networks speak: SMB, DCE/RPC, Kerberos, LDAP, Remote Desktop.

use super::super::view::{CERTAIN, LIKELY, NO, Told, UNSURE, View, certain_if, contains, likely_if};

/// SMB 1 to 3 behind the session service's header (MS-SMB2 section 2.1), also after a NetBIOS session request.
pub fn smb(v: &View<'_>) -> Told {
    match v.u8(0)? {
        0 => {
            if v.u8(1)? > 1 {
                return NO;
            }
            match v.u8(4)? {
                0xfc..=0xff if v.has(5, b"SMB")? => CERTAIN,
                _ => NO,
            }
        }
        // RFC 1002 section 4.3: request (called and calling name), positive answer, keepalive. SMB follows.
        0x81 => {
            if v.u8(1)? > 1 || !(68..=516).contains(&v.be16(2)?) || v.u8(4)? != 32 {
                return NO;
            }
            after_session(v, 4 + usize::from(v.be16(2)?))
        }
        0x82 => {
            if v.be24(1)? == 0 {
                after_session(v, 4)
            } else {
                NO
            }
        }
        0x83 => likely_if(v.be24(1)? == 1 && matches!(v.u8(4)?, 0x80..=0x83 | 0x8f)),
        _ => NO,
    }
}

fn after_session(v: &View<'_>, n: usize) -> Told {
    let rest = v.after(n);
    if rest.len() == 0 {
        UNSURE
    } else if rest.u8(0)? == 0 {
        smb(&rest)
    } else {
        NO
    }
}

/// DCE/RPC over a stream (C706 section 12.6.3).
pub fn dcerpc(v: &View<'_>) -> Told {
    if v.u8(0)? != 5 || v.u8(1)? > 1 || !matches!(v.u8(2)?, 0 | 2 | 3 | 11..=20) {
        return NO;
    }
    if !data_representation(v, 4)? {
        return NO;
    }
    let little = v.u8(4)? & 0x10 != 0;
    let two = |at| if little { v.le16(at) } else { v.be16(at) };
    let (length, auth) = (two(8)?, two(10)?);
    // At most what a fragment may have here: negotiated sizes stay below this.
    if !(16..=0x8000).contains(&length) || auth > length { NO } else { CERTAIN }
}

/// DCE/RPC in datagrams (C706 section 12.5).
pub fn dcerpc_udp(v: &View<'_>) -> Told {
    if v.u8(0)? != 4 || v.u8(1)? > 10 || v.u8(3)? & 0xfc != 0 || !data_representation(v, 4)? {
        return NO;
    }
    let little = v.u8(4)? & 0x10 != 0;
    let length = if little { v.le16(74)? } else { v.be16(74)? };
    certain_if(80 + usize::from(length) <= v.len())
}

/// Integers big- or little-endian, ASCII or EBCDIC, a floating point format, and what is reserved.
fn data_representation(v: &View<'_>, at: usize) -> Option<bool> {
    Some(matches!(v.u8(at)?, 0 | 1 | 0x10 | 0x11) && v.u8(at + 1)? <= 3 && v.u8(at + 2)? == 0)
}

/// Kerberos in datagrams (RFC 4120 section 5).
pub fn krb5(v: &View<'_>) -> Told {
    kerberos(v, 0)
}

/// Kerberos in a stream, with a length before each message (RFC 4120 section 7.2.2).
pub fn krb5_tcp(v: &View<'_>) -> Told {
    let length = v.be32(0)?;
    if !(10..=1 << 20).contains(&length) { NO } else { kerberos(v, 4) }
}

fn kerberos(v: &View<'_>, at: usize) -> Told {
    // AS, TGS and AP exchanges, SAFE, PRIV, CRED, ERROR: application tags.
    if !matches!(v.u8(at)?, 0x6a..=0x6f | 0x74..=0x76 | 0x7e) {
        return NO;
    }
    let Some((inside, length)) = v.ber(at, v.u8(at)?)? else { return NO };
    let Some((sequence, _)) = v.ber(inside, 0x30)? else { return NO };
    // [0] or [1] pvno INTEGER 5.
    let fits = length > 0 && matches!(v.u8(sequence)?, 0xa0 | 0xa1) && v.has(sequence + 1, &[3, 2, 1, 5])?;
    certain_if(fits)
}

/// LDAP: a message with an operation whose first field fits (RFC 4511 section 4.2 on), in streams and datagrams.
pub fn ldap(v: &View<'_>) -> Told {
    let Some((inside, length)) = v.ber(0, 0x30)? else { return NO };
    if length < 5 {
        return NO;
    }
    let Some((id, bytes)) = v.ber(inside, 2)? else { return NO };
    if !(1..=4).contains(&bytes) || v.u8(id)? & 0x80 != 0 {
        return NO;
    }
    let at = id + bytes;
    let tag = v.u8(at)?;
    if tag == 0x42 {
        return likely_if(v.u8(at + 1)? == 0);
    }
    if !matches!(tag, 0x60 | 0x61 | 0x63..=0x6f | 0x73 | 0x77..=0x79 | 0x50 | 0x4a) {
        return NO;
    }
    if matches!(tag, 0x50 | 0x4a) {
        return LIKELY;
    }
    let Some((field, size)) = v.ber(at, tag)? else { return NO };
    if field + size > inside + length {
        return NO;
    }
    let fits = match tag {
        // Bind: the version. Answers: resultCode. The rest: a name, or what an extended operation has.
        0x60 => v.has(field, &[2, 1])? && matches!(v.u8(field + 2)?, 2 | 3),
        0x61 | 0x65 | 0x67 | 0x69 | 0x6b | 0x6d | 0x6f | 0x78 => v.has(field, &[10, 1])?,
        0x77 => v.u8(field)? == 0x80,
        0x79 => matches!(v.u8(field)?, 0x80 | 0x81),
        _ => v.u8(field)? == 4,
    };
    certain_if(fits)
}

/// Remote Desktop: X.224 with its negotiation or cookie, or MCS inside (MS-RDPBCGR section 2.2.1).
pub fn rdp(v: &View<'_>) -> Told {
    if v.be16(0)? != 0x0300 {
        return NO;
    }
    let length = usize::from(v.be16(2)?);
    let (header, kind) = (usize::from(v.u8(4)?), v.u8(5)?);
    if length < 7 || header + 5 > length {
        return NO;
    }
    match kind {
        0xe0 => {
            if v.len() < length {
                return None;
            }
            let variable = v.bytes.get(11..length).unwrap_or_default();
            let cookie = variable.starts_with(b"Cookie: ") || contains(variable, b"mstshash=");
            let negotiation = variable.windows(4).any(|window| matches!(window, [1, _, 8, 0]));
            if header + 5 != length {
                NO
            } else if cookie || variable.len() == 8 && negotiation {
                CERTAIN
            } else if variable.is_empty() {
                LIKELY
            } else {
                NO
            }
        }
        0xd0 => match v.u8(11) {
            Some(2 | 3) if length == 19 && v.has(13, &[8, 0])? => CERTAIN,
            None if length == 11 => LIKELY,
            None => None,
            _ => NO,
        },
        // Data: MCS connect initial, or the fixed part of what follows it.
        0xf0 if header == 2 => match v.u8(7)? {
            0x7f if matches!(v.u8(8)?, 0x65 | 0x66) => CERTAIN,
            _ => NO,
        },
        _ => NO,
    }
}

/// Remote Desktop over UDP: the SYN of its own transport, padded to 1,232 bytes or 1,132 (MS-RDPEUDP section 2.2.2).
pub fn rdp_udp(v: &View<'_>) -> Told {
    let flags = v.be16(6)?;
    // The largest datagrams either way follow the first sequence number.
    let sizes = (1132..=1232).contains(&v.be16(12)?) && (1132..=1232).contains(&v.be16(14)?);
    if flags & 1 == 0 || !sizes || v.len() < 1132 {
        NO
    } else if v.be32(0)? == u32::MAX || flags & 4 != 0 {
        // The first datagram acknowledges nothing, its answer does.
        CERTAIN
    } else {
        NO
    }
}
