//! DNS and the services that speak its format.

use super::super::view::{CERTAIN, LIKELY, NO, Told, View, certain_if, likely_if};

/// DNS in datagrams. The same messages on the ports of mDNS, LLMNR and NetBIOS are theirs: only the port tells.
pub fn dns(v: &View<'_>) -> Told {
    let told = message(v)?;
    if v.on_port(&[5353, 5355, 137]) { NO } else { Some(told) }
}

/// DNS in a stream: each message with its length before it (RFC 1035 section 4.2.2).
pub fn dns_tcp(v: &View<'_>) -> Told {
    let told = stream_message(v)?;
    if v.on_port(&[5355]) { NO } else { Some(told) }
}

/// LLMNR in a stream, by its port (RFC 4795 section 2.5).
pub fn llmnr_tcp(v: &View<'_>) -> Told {
    let told = stream_message(v)?;
    if v.on_port(&[5355]) { Some(told) } else { NO }
}

fn stream_message(v: &View<'_>) -> Told {
    let length = usize::from(v.be16(0)?);
    if length < HEADER {
        return NO;
    }
    let rest = v.after(2);
    message(&View { bytes: rest.bytes.get(..length).unwrap_or(rest.bytes), ..rest })
}

/// Multicast DNS, by its port (RFC 6762 section 3).
pub fn mdns(v: &View<'_>) -> Told {
    let told = message(v)?;
    if v.on_port(&[5353]) { Some(told) } else { NO }
}

/// LLMNR, by its port (RFC 4795 section 2).
pub fn llmnr(v: &View<'_>) -> Told {
    let told = message(v)?;
    if v.on_port(&[5355]) { Some(told) } else { NO }
}

/// NetBIOS name service: a name in its encoding of 32 letters A to P (RFC 1002 section 4.2.1).
pub fn nbns(v: &View<'_>) -> Told {
    let (flags, questions, answers) = (v.be16(2)?, v.be16(4)?, v.be16(6)?);
    let asks = questions == 1 && answers <= 1;
    let tells = questions == 0 && answers == 1 && flags & 0x8000 != 0;
    if !(asks || tells) || !netbios_name(v, HEADER)? {
        return NO;
    }
    // Types NB and NBSTAT.
    certain_if(matches!(v.be16(HEADER + 34)?, 0x20 | 0x21 | 0x0a))
}

/// NetBIOS datagrams (RFC 1002 section 4.4.1).
pub fn nbdgm(v: &View<'_>) -> Told {
    if !(0x10..=0x16).contains(&v.u8(0)?) || v.u8(1)? & 0xf0 != 0 {
        return NO;
    }
    let name = if v.u8(0)? == 0x13 {
        return NO;
    } else if v.u8(0)? >= 0x14 {
        10
    } else {
        14
    };
    certain_if(netbios_name(v, name)?)
}

fn netbios_name(v: &View<'_>, at: usize) -> Option<bool> {
    if v.u8(at)? != 32 {
        return Some(false);
    }
    let letters = v.bytes.get(at + 1..at + 33)?;
    Some(letters.iter().all(|byte| (b'A'..=b'P').contains(byte)) && v.u8(at + 33)? < 64)
}

/// A message of DNS: a header that makes sense and the first entry read to its end (RFC 1035 section 4.1).
fn message(v: &View<'_>) -> Told {
    let flags = v.be16(2)?;
    let (questions, answers, authority, additional) = (v.be16(4)?, v.be16(6)?, v.be16(8)?, v.be16(10)?);
    let response = flags & 0x8000 != 0;
    let opcode = flags >> 11 & 0xf;
    let update = opcode == 5;
    if questions > 64 {
        return NO;
    }
    if !matches!(opcode, 0..=2 | 4..=6) {
        // Operations nobody has defined are sent to find out who minds.
        let asks = questions == 1 && answers <= 1 && authority == 0 && additional <= 1;
        return if !asks {
            NO
        } else if name(v, HEADER)?.is_some() {
            LIKELY
        } else {
            NO
        };
    }
    let records = u32::from(answers) + u32::from(authority) + u32::from(additional);
    // A record takes at least eleven bytes, whatever its name.
    let room = if v.len() >= 512 { 65535 / 11 } else { v.len().max(HEADER) as u32 };
    if records > room && records > 64 {
        return NO;
    }
    if !response
        && !update
        && !v.on_port(&[5353])
        && (answers > 0 && opcode != 4 || authority > 1 || flags & 0x000f != 0)
    {
        return NO;
    }
    if questions == 0 {
        if records == 0 {
            // A bare header: errors without their question, and probes.
            return likely_if(v.len() == HEADER && response);
        }
        let Some(end) = name(v, HEADER)? else { return NO };
        let (class, length) = (v.be16(end + 2)?, usize::from(v.be16(end + 8)?));
        let fits = class_known(class) && end + 10 + length <= v.len().max(HEADER);
        return certain_if(fits && v.be16(end)? != 0);
    }
    let Some(end) = name(v, HEADER)? else {
        // Names are damaged on purpose often enough; the port breaks the tie.
        return likely_if(questions == 1 && records <= 2);
    };
    if v.be16(end)? == 0 || !class_known(v.be16(end + 2)?) {
        return likely_if(questions == 1 && records <= 2);
    }
    if questions > 1 && records == 0 && !response && questions > 16 { LIKELY } else { CERTAIN }
}

/// Where the name at `at` ends, if it is one. `None` if the bytes end first.
fn name(v: &View<'_>, mut at: usize) -> Option<Option<usize>> {
    let start = at;
    loop {
        match v.u8(at)? {
            0 => return Some(Some(at + 1)),
            label @ 1..=63 => at += 1 + usize::from(label),
            0xc0..=0xff => {
                // A pointer in the first name can only point into the header.
                let target = usize::from(v.be16(at)? & 0x3fff);
                return Some((target < at && (at > start || target >= HEADER)).then_some(at + 2));
            }
            64..=0xbf => return Some(None),
        }
        // RFC 1035 section 2.3.4.
        if at - start > 255 {
            return Some(None);
        }
    }
}

/// IN, CS, CH, HS, NONE and ANY; mDNS sets the top bit.
fn class_known(class: u16) -> bool {
    matches!(class & 0x7fff, 1..=4 | 254 | 255)
}

const HEADER: usize = 12;
