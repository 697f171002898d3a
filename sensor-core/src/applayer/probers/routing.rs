//! What routers say to each other.

use super::super::view::{CERTAIN, LIKELY, NO, Told, View, certain_if, likely_if};

/// BGP: its marker, a length and a type (RFC 4271 section 4.1).
pub fn bgp(v: &View<'_>) -> Told {
    let fits = v.u8(0)? == 0xff
        && v.starts(&[0xff; 16])?
        && (19..=4096).contains(&v.be16(16)?)
        && (1..=5).contains(&v.u8(18)?);
    certain_if(fits)
}

/// LDP: version 1, label space 0, a message that exists (RFC 5036 section 3.1).
pub fn ldp(v: &View<'_>) -> Told {
    if v.be16(0)? != 1 || v.be16(8)? != 0 {
        return NO;
    }
    let length = v.be16(2)?;
    let message = v.be16(10)? & 0x7fff;
    let fits = (14..=4096).contains(&length)
        && matches!(message, 0x0001 | 0x0100 | 0x0200..=0x0202 | 0x0300 | 0x0301 | 0x0400..=0x0404)
        && v.be16(12)? <= length;
    certain_if(fits)
}

/// HSRP 1 and 2 (RFC 2281 section 5).
pub fn hsrp(v: &View<'_>) -> Told {
    match v.u8(0)? {
        0 => {
            let fits = v.u8(1)? <= 3 && matches!(v.u8(2)?, 0 | 1 | 2 | 4 | 8 | 16) && v.u8(7)? == 0 && v.len() >= 20;
            // Advertisements are shorter and of another form.
            if fits && v.has(8, b"cisco\0\0\0")? {
                CERTAIN
            } else if (fits || v.u8(1)? == 3 && v.len() == 16) && v.on_port(HSRP_PORTS) {
                LIKELY
            } else {
                NO
            }
        }
        1 => likely_if(v.u8(1)? == 40 && v.u8(2)? == 2 && matches!(v.u8(5)?, 4 | 6) && v.len() >= 42),
        _ => NO,
    }
}

/// RIP 1 and 2: entries of 20 bytes that fill the datagram (RFC 2453 section 4).
pub fn rip(v: &View<'_>) -> Told {
    if !matches!(v.u8(0)?, 1 | 2) || !matches!(v.u8(1)?, 1 | 2) || v.be16(2)? != 0 || v.len() % 20 != 4 || v.len() < 24
    {
        return NO;
    }
    // Address family, and a metric below infinity where there is a route.
    match v.be16(4)? {
        2 if v.be32(20)? <= 16 => CERTAIN,
        0 if v.be32(20)? == 16 => CERTAIN,
        0xffff => LIKELY,
        _ => NO,
    }
}

/// BFD: version 1, a length that is the datagram's, a multiplier and an own discriminator (RFC 5880 section 4.1).
pub fn bfd(v: &View<'_>) -> Told {
    let fits = matches!(v.u8(0)? >> 5, 0 | 1)
        && v.u8(0)? & 0x1f <= 9
        && v.u8(2)? != 0
        && matches!(v.u8(3)?, 24..=52)
        && v.ends_at(u64::from(v.u8(3)?))
        && v.be32(4)? != 0;
    likely_if(fits)
}

/// HSRP's few fields are mostly zeros: without the text of its authentication only the port makes it likely.
const HSRP_PORTS: &[u16] = &[1985, 2029];
