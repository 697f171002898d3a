//! What keeps networks and hosts running.

use super::super::view::{CERTAIN, LIKELY, NO, Told, View, certain_if, is_ascii, is_text, likely_if};

/// DHCP by its cookie, BOOTP without one by its fields and ports (RFC 2131 section 2).
pub fn dhcp(v: &View<'_>) -> Told {
    if !matches!(v.u8(0)?, 1 | 2) || v.u8(2)? > 16 {
        return NO;
    }
    if v.be32(236)? == 0x6382_5363 {
        CERTAIN
    } else if v.u8(1)? == 1 && v.u8(2)? == 6 && v.u8(3)? <= 16 && v.len() >= 300 {
        LIKELY
    } else {
        NO
    }
}

/// DHCPv6: a message type and options that fill the datagram (RFC 8415 section 8).
pub fn dhcpv6(v: &View<'_>) -> Told {
    let mut at = match v.u8(0)? {
        1..=11 => 4,
        12 | 13 => 34,
        _ => return NO,
    };
    v.u8(at)?;
    let mut options = 0;
    while at < v.len() {
        if !matches!(v.be16(at)?, 1..=150) {
            return NO;
        }
        at += 4 + usize::from(v.be16(at + 2)?);
        options += 1;
    }
    if at != v.len() {
        NO
    } else if options >= 2 && v.on_port(&[546, 547]) {
        CERTAIN
    } else {
        LIKELY
    }
}

/// NTP: version 1 to 4, a mode, a stratum, and clocks that are near right (RFC 5905 section 7.3). Control and private
/// messages are alike enough to need the port.
pub fn ntp(v: &View<'_>) -> Told {
    let first = v.u8(0)?;
    let (version, mode) = (first >> 3 & 7, first & 7);
    match mode {
        6 if (1..=4).contains(&version) && first & 0xc0 == 0 => {
            // RFC 9327: an operation of 0 to 31 and a count that fits.
            let count = usize::from(v.be16(10)?);
            likely_if(v.u8(1)? & 0x1f <= 12 && v.len() >= 12 + count && v.len() <= 12 + count + 23)
        }
        7 if (1..=4).contains(&version) => likely_if(matches!(v.u8(2)?, 0 | 2 | 3) && v.u8(3)? < 64),
        1..=5 if (1..=4).contains(&version) => {
            if v.u8(1)? > 16 || v.len() < 48 || v.len() > 48 + 20 + 1024 || !matches!(v.u8(2)?, 0..=17 | 0xf0..) {
                return NO;
            }
            // Seconds of delay and dispersion, in 16.16: sixteen seconds are more than any clock that answers.
            let near = v.be32(4)? < 16 << 16 && v.be32(8)? < 16 << 16;
            let precision = matches!(v.u8(3)?, 0 | 0xe0..=0xff);
            if near && precision {
                CERTAIN
            } else if near || v.on_port(&[123]) {
                LIKELY
            } else {
                NO
            }
        }
        _ => NO,
    }
}

/// PTP: version 1 or 2 and a length that is the datagram's (IEEE 1588-2019 section 13.3).
pub fn ptp(v: &View<'_>) -> Told {
    if !matches!(v.u8(0)? & 0x0f, 0..=3 | 8..=0xd) {
        return NO;
    }
    match v.u8(1)? & 0x0f {
        2 if v.len() >= 44 && usize::from(v.be16(2)?) <= v.len() && v.be16(2)? >= 44 && v.be32(16)? == 0 => LIKELY,
        1 if v.be16(0)? == 1 && v.be16(2)? == 1 && v.len() >= 100 => LIKELY,
        _ => NO,
    }
}

/// SNMP 1 to 3 (RFC 3416 section 3, RFC 3412 section 6).
pub fn snmp(v: &View<'_>) -> Told {
    let Some((inside, _)) = v.ber(0, 0x30)? else { return NO };
    let Some((version, 1)) = v.ber(inside, 2)? else { return NO };
    match v.u8(version)? {
        0 | 1 => {
            let Some((community, length)) = v.ber(version + 1, 4)? else { return NO };
            let pdu = v.u8(community + length)?;
            certain_if((0xa0..=0xa8).contains(&pdu))
        }
        3 => {
            let Some((header, _)) = v.ber(version + 1, 0x30)? else { return NO };
            let Some((_, 1..=4)) = v.ber(header, 2)? else { return NO };
            CERTAIN
        }
        _ => NO,
    }
}

/// TFTP: a request with a name and a mode (RFC 1350 section 5). Data comes from another port: see
/// [`Expectations`](crate::applayer::Expectations).
pub fn tftp(v: &View<'_>) -> Told {
    match v.be16(0)? {
        1 | 2 => {
            let mut words = v.bytes.get(2..)?.split(|&byte| byte == 0);
            let (name, mode) = (words.next()?, words.next()?);
            let modes = [&b"octet"[..], b"netascii", b"mail"];
            let known = modes.iter().any(|known| mode.eq_ignore_ascii_case(known));
            certain_if(known && is_text(name) && !name.is_empty())
        }
        // An acknowledgement and an error are little to go by, data nothing at all.
        4 if v.ends_at(4) && v.be16(2)? <= 1 => LIKELY,
        5 if v.be16(2)? <= 8 && v.bytes.last() == Some(&0) && is_text(v.bytes.get(4..v.len() - 1)?) => LIKELY,
        _ => NO,
    }
}

/// Syslog: a priority in angle brackets and a time or a version (RFC 3164 section 4.1, RFC 5424 section 6); over a
/// stream maybe with its length before it (RFC 6587 section 3.4.1).
pub fn syslog(v: &View<'_>) -> Told {
    let first = v.u8(0)?;
    if first.is_ascii_digit() {
        let space = v.bytes.iter().take(6).position(|&byte| byte == b' ');
        let Some(space) = space else {
            return if v.bytes.iter().take(6).all(u8::is_ascii_digit) && v.len() < 6 { None } else { NO };
        };
        let digits = v.bytes.get(..space)?.iter().all(u8::is_ascii_digit);
        return if digits && v.u8(space + 1)? == b'<' { syslog(&v.after(space + 1)) } else { NO };
    }
    if first != b'<' {
        return NO;
    }
    let mut priority = 0_u32;
    let mut at = 1;
    while at <= 4 {
        match v.u8(at)? {
            digit @ b'0'..=b'9' if at <= 3 => priority = priority * 10 + u32::from(digit - b'0'),
            b'>' if at > 1 => break,
            _ => return NO,
        }
        at += 1;
    }
    // Facility 23, severity 7.
    if priority > 191 {
        return NO;
    }
    let rest = v.after(at + 1);
    if rest.starts(b"1 ")? && (rest.u8(2)? == b'-' || rest.u8(2)?.is_ascii_digit()) {
        return CERTAIN;
    }
    let (line, _) = rest.line();
    rest.u8(3)?;
    let month = MONTHS.iter().any(|month| line.starts_with(month));
    if month && line.get(3) == Some(&b' ') {
        CERTAIN
    } else if line.len() >= 3 && is_text(line) {
        LIKELY
    } else {
        NO
    }
}

/// RADIUS: a code, a length and attributes that fill it (RFC 2865 section 3).
pub fn radius(v: &View<'_>) -> Told {
    if !matches!(v.u8(0)?, 1..=5 | 11..=13 | 40..=45) {
        return NO;
    }
    let length = usize::from(v.be16(2)?);
    if length < 20 || length > v.len() || length > 4096 {
        return NO;
    }
    let mut at = 20;
    while at < length {
        let size = usize::from(v.u8(at + 1)?);
        if v.u8(at)? == 0 || size < 2 {
            return NO;
        }
        at += size;
    }
    if at != length || length != v.len() {
        NO
    } else if length > 20 {
        CERTAIN
    } else {
        LIKELY
    }
}

/// Diameter: version, flags, and a command that exists or AVPs that follow each other (RFC 6733 section 3).
pub fn diameter(v: &View<'_>) -> Told {
    if v.u8(0)? != 1 || v.u8(4)? & 0x0f != 0 {
        return NO;
    }
    let (length, command) = (v.be24(1)?, v.be24(5)?);
    // The first AVP is nearly always the session's or the origin's.
    let avp = matches!(v.be32(20)?, 1..=2000) && v.u8(24)? & 0x1f == 0 && v.be24(25)? >= 8;
    certain_if(length >= 20 && length % 4 == 0 && matches!(command, 257..=330 | 8_388_000..=8_389_000) && avp)
}

/// TACACS+: version 12.0 or 12.1, type, flags and length (RFC 8907 section 4.1).
pub fn tacacs(v: &View<'_>) -> Told {
    let fits = matches!(v.u8(0)?, 0xc0 | 0xc1)
        && (1..=3).contains(&v.u8(1)?)
        && matches!(v.u8(2)?, 1..=16)
        && matches!(v.u8(3)?, 0 | 1 | 4 | 5)
        && (5..=4096).contains(&v.be32(8)?);
    if !fits { NO } else { CERTAIN }
}

/// NAT-PMP and PCP (RFC 6886 section 3, RFC 6887 section 7).
pub fn nat_pmp(v: &View<'_>) -> Told {
    let (version, operation) = (v.u8(0)?, v.u8(1)?);
    let n = v.len();
    let fits = match (version, operation) {
        (0, 0) => n == 2,
        (0, 1 | 2) => n == 12 && v.be16(2)? == 0,
        (0, 128) => n == 12 && v.be16(2)? <= 5,
        (0, 129 | 130) => n == 16 && v.be16(2)? <= 5,
        (2, 0..=2 | 128..=130) => (24..=1100).contains(&n) && n.is_multiple_of(4) && v.u8(2)? == 0,
        _ => false,
    };
    likely_if(fits)
}

/// Zabbix: its header (documentation, "Header").
pub fn zabbix(v: &View<'_>) -> Told {
    certain_if(v.u8(0)? == b'Z' && v.starts(b"ZBX")? && matches!(v.u8(3)?, b'D' | b'S'))
}

/// Collectd's parts: a host's name first, in general (documentation, "Binary protocol").
pub fn collectd(v: &View<'_>) -> Told {
    let (kind, length) = (v.be16(0)?, usize::from(v.be16(2)?));
    if !matches!(kind, 0 | 0x0200 | 0x0210) || !(6..=256).contains(&length) {
        return NO;
    }
    if kind != 0 {
        return likely_if(matches!(length, 36..=96));
    }
    let text = v.bytes.get(4..length - 1)?;
    let ends = v.u8(length - 1)? == 0 && is_ascii(text);
    certain_if(ends && v.be16(length)? <= 9)
}

/// NetFlow 1, 5, 7, 9 and IPFIX: a version, and records that fill the datagram (RFC 3954 section 5, RFC 7011 section 3).
pub fn netflow(v: &View<'_>) -> Told {
    let (version, count) = (v.be16(0)?, u64::from(v.be16(2)?));
    let size = match version {
        1 => 16 + 52 * count,
        5 => 24 + 48 * count,
        7 => 24 + 52 * count,
        9 => return flow_sets(v, 20, false),
        10 if v.ends_at(count) => return flow_sets(v, 16, true),
        _ => return NO,
    };
    certain_if((1..=30).contains(&count) && v.ends_at(size))
}

fn flow_sets(v: &View<'_>, header: usize, ipfix: bool) -> Told {
    // The clock of the exporter: after 2000 and with sane reserved ids for sets.
    if v.be32(if ipfix { 4 } else { 8 })? < 946_684_800 {
        return NO;
    }
    let mut at = header;
    while at + 4 <= v.len() {
        let (id, length) = (v.be16(at)?, usize::from(v.be16(at + 2)?));
        let known = id >= 256 || if ipfix { matches!(id, 2 | 3) } else { id <= 1 };
        if !known || length < 4 {
            return NO;
        }
        at += length;
    }
    certain_if(at == v.len() && at > header)
}

/// sFlow 2, 4 and 5: the agent's address and samples (sFlow version 5, section 5).
pub fn sflow(v: &View<'_>) -> Told {
    let version = v.be32(0)?;
    if !matches!(version, 2 | 4 | 5) {
        return NO;
    }
    let after = match v.be32(4)? {
        1 => 12,
        2 => 24,
        _ => return NO,
    };
    let samples = v.be32(after + if version == 5 { 12 } else { 8 })?;
    certain_if((1..=256).contains(&samples))
}

const MONTHS: [&[u8]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
