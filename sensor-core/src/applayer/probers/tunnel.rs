//! Tunnels, keys for them, and proxies.

use super::super::view::{CERTAIN, LIKELY, NO, Told, View, certain_if, is_text, likely_if};

/// WireGuard: four messages with fixed lengths and reserved zeros (whitepaper section 5.4).
pub fn wireguard(v: &View<'_>) -> Told {
    let kind = v.le32(0)?;
    match (kind, v.len()) {
        (1, 148) | (2, 92) | (3, 64) => CERTAIN,
        // Data: twice from one sender to one receiver, with a counter that rises.
        (4, n) if n >= 32 && n % 16 == 0 => {
            let (Some(before), counter) = (v.previous.first_chunk::<16>(), v.bytes.get(8..16)?) else { return LIKELY };
            let (head, last) = before.split_at(8);
            let rises = last.iter().rev().lt(counter.iter().rev());
            if v.bytes.starts_with(head) && rises && counter.ends_with(&[0, 0]) { CERTAIN } else { LIKELY }
        }
        _ => NO,
    }
}

/// OpenVPN over datagrams: the hard resets, plain or behind an HMAC or tls-crypt (OpenVPN's protocol documentation).
pub fn openvpn(v: &View<'_>) -> Told {
    let first = v.u8(0)?;
    if first & 7 != 0 || !matches!(first >> 3, 7 | 8 | 10) {
        return NO;
    }
    let client = first >> 3 != 8;
    v.u8(13)?;
    let n = v.len();
    let tail_of_zeros = v.bytes.ends_with(&[0; 5]);
    if client && n == 14 && tail_of_zeros {
        return CERTAIN;
    }
    if !client && n == 26 && v.u8(9)? == 1 && v.be32(10)? == 0 && v.be32(22)? == 0 {
        return CERTAIN;
    }
    // A replay id of 1 or 2 and a time of this century come right after the id or after an HMAC of the usual sizes.
    for mac in [0, 16, 20, 28, 32, 48, 64] {
        let at = 9 + mac;
        if n >= at + 8 && matches!(v.be32(at)?, 1 | 2) && v.be32(at + 4)? >= 946_684_800 {
            return if mac == 0 && n >= 54 || mac > 0 && n <= at + 8 + 17 { CERTAIN } else { LIKELY };
        }
    }
    NO
}

/// OpenVPN over a stream: the same behind a length.
pub fn openvpn_tcp(v: &View<'_>) -> Told {
    let length = usize::from(v.be16(0)?);
    if !(14..=200).contains(&length) || !matches!(v.u8(2)?, 0x38 | 0x40 | 0x50) {
        return NO;
    }
    let message = View { bytes: v.bytes.get(2..2 + length)?, ..*v };
    openvpn(&message)
}

/// IKE 1 and 2, also behind the marker of port 4500 (RFC 7296 sections 3.1 and 3.1, RFC 3948 section 2.2).
pub fn ike(v: &View<'_>) -> Told {
    if v.be32(0)? == 0 && v.len() >= 32 { isakmp(&v.after(4)) } else { isakmp(v) }
}

fn isakmp(v: &View<'_>) -> Told {
    let (version, exchange) = (v.u8(17)?, v.u8(18)?);
    let exchanges = match version {
        0x10 => matches!(exchange, 0..=6 | 32..=33),
        0x20 | 0x21 => matches!(exchange, 34..=43),
        _ => false,
    };
    let length = v.be32(24)?;
    let initiator = v.be32(0)? != 0 || v.be32(4)? != 0;
    certain_if(exchanges && initiator && length >= 28 && v.ends_at(u64::from(length)))
}

/// L2TP 2: a control message with its length, or data (RFC 2661 section 3.1).
pub fn l2tp(v: &View<'_>) -> Told {
    let flags = v.be16(0)?;
    match (flags & 0xc000, flags & 0x000f) {
        (0xc000, 2 | 3) if flags & 0x0ff0 == 0x0800 && v.ends_at(u64::from(v.be16(2)?)) => CERTAIN,
        (0 | 0x4000, 2) if flags & 0x34f0 == 0 => LIKELY,
        _ => NO,
    }
}

/// PPTP's control connection: its cookie (RFC 2637 section 2).
pub fn pptp(v: &View<'_>) -> Told {
    certain_if(v.be16(2)? == 1 && v.be32(4)? == 0x1a2b_3c4d)
}

/// VXLAN: flags, reserved zeros, and an Ethernet frame inside (RFC 7348 section 5).
pub fn vxlan(v: &View<'_>) -> Told {
    if v.be32(0)? & 0x7fff_ffff != 0x0800_0000 || v.u8(7)? != 0 {
        return NO;
    }
    if ethertype(v.be16(20)?) { CERTAIN } else { LIKELY }
}

/// Geneve: version 0, a known inner protocol, a reserved zero (RFC 8926 section 3.4).
pub fn geneve(v: &View<'_>) -> Told {
    let (first, flags, inner) = (v.u8(0)?, v.u8(1)?, v.be16(2)?);
    if first & 0xc0 != 0 || flags & 0x3f != 0 || v.u8(7)? != 0 {
        return NO;
    }
    let at = 8 + usize::from(first) * 4;
    match inner {
        0x6558 if ethertype(v.be16(at + 12)?) => CERTAIN,
        0x6558 => LIKELY,
        0x0800 if v.u8(at)? >> 4 == 4 => CERTAIN,
        0x86dd if v.u8(at)? >> 4 == 6 => CERTAIN,
        _ => NO,
    }
}

fn ethertype(kind: u16) -> bool {
    matches!(kind, 0x0800 | 0x0806 | 0x86dd | 0x8100 | 0x88a8 | 0x8847 | 0x88cc)
}

/// GTP version 1, control and user plane: a type that exists and a length that is the datagram's (3GPP TS 29.060
/// section 6, TS 29.281 section 5).
pub fn gtpv1(v: &View<'_>) -> Told {
    let (flags, kind) = (v.u8(0)?, v.u8(1)?);
    if flags & 0xf0 != 0x30 || flags & 0x08 != 0 || !v.ends_at(u64::from(v.be16(2)?) + 8) {
        return NO;
    }
    match kind {
        // User data: IP inside, or whatever else a session carries.
        255 => {
            let at = if flags & 7 == 0 { 8 } else { 12 };
            if matches!(v.u8(at)? >> 4, 4 | 6) { CERTAIN } else { LIKELY }
        }
        1 | 2 | 26 | 31 | 254 | 16..=23 | 27..=30 | 32..=61 | 70 | 96..=106 | 112..=121 | 128 => CERTAIN,
        _ => NO,
    }
}

/// GTP version 2 (3GPP TS 29.274 section 5).
pub fn gtpv2(v: &View<'_>) -> Told {
    let flags = v.u8(0)?;
    let fits = flags & 0xe0 == 0x40
        && flags & 0x03 == 0
        && matches!(v.u8(1)?, 1..=3 | 32..=73 | 95..=103 | 149..=180 | 200..=212);
    let length = u64::from(v.be16(2)?) + 4;
    certain_if(fits && (v.ends_at(length) || flags & 0x10 != 0 && length < v.len() as u64) && length >= 8)
}

/// GTP' (3GPP TS 32.295 section 6).
pub fn gtp_prime(v: &View<'_>) -> Told {
    let flags = v.u8(0)?;
    if flags & 0x10 != 0
        || !matches!(flags >> 5, 0..=2)
        || flags & 0x0e != 0x0e
        || !matches!(v.u8(1)?, 1..=7 | 240 | 241)
    {
        return NO;
    }
    let length = u64::from(v.be16(2)?);
    likely_if(v.ends_at(length + 6) || v.ends_at(length + 20))
}

/// Teredo: IPv6 in datagrams, with an address of the service or its indications before it (RFC 4380 section 5.1.1).
pub fn teredo(v: &View<'_>) -> Told {
    let mut rest = *v;
    let mut indications = false;
    for _ in 0..2 {
        match rest.be16(0)? {
            0 => rest = rest.after(8),
            1 => rest = rest.after(13 + usize::from(rest.u8(2)?) + usize::from(rest.u8(3)?)),
            _ => break,
        }
        indications = true;
    }
    if !is_ipv6(&rest)? {
        return NO;
    }
    let service = rest.be32(8)? == 0x2001_0000 || rest.be32(24)? == 0x2001_0000;
    if service || indications || v.on_port(&[3544]) { CERTAIN } else { LIKELY }
}

fn is_ipv6(v: &View<'_>) -> Option<bool> {
    let length = usize::from(v.be16(4)?);
    Some(v.u8(0)? >> 4 == 6 && v.len() >= 40 && (v.len() == 40 + length || v.len() > 40 + length && v.u8(6)? == 59))
}

/// AYIYA: IPv6 behind a header with an identity and a signature (draft-massar-v6ops-ayiya section 3).
pub fn ayiya(v: &View<'_>) -> Told {
    let (first, second, third, next) = (v.u8(0)?, v.u8(1)?, v.u8(2)?, v.u8(3)?);
    let fits =
        first & 0x0f <= 3 && second & 0x0f <= 4 && third >> 4 <= 2 && third & 0x0f <= 7 && matches!(next, 4 | 41 | 59);
    if !fits {
        return NO;
    }
    let at = 8 + (1_usize << (first >> 4)) + usize::from(second >> 4) * 4;
    match next {
        41 if is_ipv6(&v.after(at))? => CERTAIN,
        59 if v.len() >= at => LIKELY,
        _ => NO,
    }
}

/// LISP: data with an IP packet inside, or a control message (RFC 9300 section 5.1, RFC 9301 section 5).
pub fn lisp(v: &View<'_>) -> Told {
    let (first, second) = (v.u8(0)?, v.be32(8)?);
    let fits = if v.on_port(&[4342]) {
        matches!(first >> 4, 1..=4 | 8) && v.len() >= 12
    } else if v.on_port(&[4341]) && first & 0x07 == 0 {
        match second >> 28 {
            4 => (second & 0xffff) as usize + 8 == v.len(),
            6 => is_ipv6(&v.after(8))?,
            _ => false,
        }
    } else {
        false
    };
    likely_if(fits)
}

/// SOCKS 4 and 5: the first message of either side (RFC 1928 section 3). A few bytes only, so both have to fit.
pub fn socks(v: &View<'_>) -> Told {
    let (version, second) = (v.u8(0)?, v.u8(1)?);
    match version {
        // The chosen method, or a choice of them.
        5 if v.len() == 2 && matches!(second, 0..=3 | 0xff) => LIKELY,
        5 => {
            let known = |&method: &u8| method <= 9 || method >= 0x80;
            likely_if(v.bytes.iter().skip(2).all(known) && v.whole(2 + u64::from(second))?)
        }
        // CONNECT or BIND, a port, an address, a user that ends with zero; the server's name in SOCKS 4a.
        4 if matches!(second, 1 | 2) => {
            if v.be16(2)? == 0 || v.len() > 300 {
                return NO;
            }
            let user = v.bytes.get(8..)?;
            if !user.iter().all(|&byte| byte == 0 || is_text(&[byte])) {
                NO
            } else if user.last() == Some(&0) {
                LIKELY
            } else {
                None
            }
        }
        0 if (0x5a..=0x5d).contains(&second) => likely_if(v.whole(8)?),
        _ => NO,
    }
}
