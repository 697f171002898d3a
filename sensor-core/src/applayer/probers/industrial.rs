//! Plants, grids, buildings, vehicles, small devices.

use super::super::view::{CERTAIN, LIKELY, NO, Told, View, certain_if, likely_if};

/// Modbus/TCP: protocol 0, a length that fits, a function that exists (MODBUS Messaging on TCP/IP section 3.1.3).
pub fn modbus(v: &View<'_>) -> Told {
    if v.be16(2)? != 0 {
        return NO;
    }
    let length = v.be16(4)?;
    if !(2..=254).contains(&length) {
        return NO;
    }
    let function = v.u8(7)?;
    let known = |function: u8| matches!(function, 1..=8 | 11 | 12 | 15..=17 | 20..=24 | 43 | 90);
    if function & 0x80 != 0 {
        return likely_if(length == 3 && known(function & 0x7f) && v.u8(8)? <= 11 && v.u8(8)? > 0);
    }
    if !known(function) || !v.whole(u64::from(length) + 6)? {
        // Several requests in a row.
        let next = v.after(usize::from(length) + 6);
        let chained = known(function) && next.len() >= 8 && next.be16(2)? == 0 && known(next.u8(7)? & 0x7f);
        return likely_if(chained);
    }
    // Reads and single writes have six bytes behind the length; their quantity is at most 2,000.
    let exact = matches!(function, 1..=6) && length == 6 && v.be16(10)? != 0 && v.be16(10)? <= 2_000;
    if exact { CERTAIN } else { LIKELY }
}

/// DNP3's link layer: start bytes and the header's own check (IEEE 1815 section 9.2).
pub fn dnp3(v: &View<'_>) -> Told {
    if v.be16(0)? != 0x0564 || v.u8(2)? < 5 {
        return NO;
    }
    let header = v.bytes.get(..8)?;
    let sum = header.iter().fold(0_u16, |sum, &byte| {
        (0..8).fold(sum ^ u16::from(byte), |sum, _| if sum & 1 != 0 { sum >> 1 ^ 0xa6bc } else { sum >> 1 })
    });
    certain_if(v.le16(8)? == !sum)
}

/// EtherNet/IP's encapsulation: a command, a length, no options (CIP volume 2, section 2-3).
pub fn enip(v: &View<'_>) -> Told {
    let command = v.le16(0)?;
    if !matches!(command, 0x04 | 0x63..=0x66 | 0x6f | 0x70) {
        return NO;
    }
    let (length, session, status, options) = (v.le16(2)?, v.le32(4)?, v.le32(8)?, v.le32(20)?);
    if options != 0 || status > 0x69 {
        return NO;
    }
    let fits = match command {
        0x04 | 0x63 | 0x64 => session == 0 || length > 0,
        0x65 => length == 4 && v.le16(24)? == 1,
        0x66 => length == 0 && session != 0,
        // An interface handle of 0 for CIP.
        0x6f | 0x70 => (6..=4096).contains(&length) && session != 0 && v.le32(24)? == 0,
        _ => false,
    };
    // The commands without a body are mostly zeros, which a NUL-filled datagram has too.
    if !fits {
        NO
    } else if v.ends_at(u64::from(length) + 24) || command >= 0x65 {
        CERTAIN
    } else {
        NO
    }
}

/// S7: COTP data with its protocol number, or a connection request with TSAPs (RFC 1006, ISO 8073).
pub fn s7comm(v: &View<'_>) -> Told {
    if v.be16(0)? != 0x0300 {
        return NO;
    }
    let (length, header, kind) = (v.be16(2)?, v.u8(4)?, v.u8(5)?);
    match kind {
        0xf0 if header == 2 && length > 8 => certain_if(matches!(v.u8(7)?, 0x32 | 0x72)),
        0xe0 | 0xd0 if header > 6 && u16::from(header) + 5 == length => {
            let parameters = v.bytes.get(11..usize::from(length))?;
            // Source and destination TSAP: two bytes each, or a name in newer devices.
            let tsaps = [0xc1, 0xc2]
                .iter()
                .all(|&tag| parameters.windows(2).any(|window| window == [tag, 2] || window == [tag, 16]));
            likely_if(tsaps)
        }
        _ => NO,
    }
}

/// IEC 60870-5-104: frames that begin with 0x68 and fill the bytes (IEC 60870-5-104 section 5).
pub fn iec104(v: &View<'_>) -> Told {
    if v.u8(0)? != 0x68 || !(4..=253).contains(&v.u8(1)?) {
        return NO;
    }
    // STARTDT, STOPDT and TESTFR, asked or confirmed.
    if v.u8(1)? == 4 && matches!(v.u8(2)?, 0x07 | 0x0b | 0x13 | 0x23 | 0x43 | 0x83) && v.be16(3)? == 0 && v.u8(5)? == 0
    {
        return CERTAIN;
    }
    let mut rest = *v;
    let mut frames = 0;
    while rest.len() > 0 && frames < 8 {
        if rest.u8(0)? != 0x68 || rest.u8(1)? < 4 {
            return NO;
        }
        let control = rest.u8(2)?;
        // Supervisory frames have nothing but a number; data has a type that exists.
        let fits = if control & 3 == 1 {
            rest.u8(1)? == 4
        } else {
            rest.u8(1)? > 10 && control & 1 == 0 && matches!(rest.u8(6)?, 1..=127)
        };
        if !fits {
            return NO;
        }
        rest = rest.after(usize::from(rest.u8(1)?) + 2);
        frames += 1;
    }
    if frames >= 3 { CERTAIN } else { LIKELY }
}

/// BACnet/IP: a function of its virtual link, the datagram's length, a network layer (ASHRAE 135 annex J).
pub fn bacnet(v: &View<'_>) -> Told {
    if v.u8(0)? != 0x81 || v.u8(1)? > 12 || !v.ends_at(u64::from(v.be16(2)?)) {
        return NO;
    }
    match v.u8(1)? {
        9..=11 => certain_if(v.u8(4)? == 1),
        4 => certain_if(v.u8(10)? == 1),
        _ => LIKELY,
    }
}

/// OPC UA: a message type, a chunk and a length (OPC 10000-6 section 7.1.2).
pub fn opcua(v: &View<'_>) -> Told {
    if !matches!(v.u8(0)?, b'H' | b'A' | b'E' | b'R' | b'O' | b'M' | b'C') {
        return NO;
    }
    if !v.any_start(&[b"HELF", b"ACKF", b"ERRF", b"RHEF", b"OPNF", b"MSGF", b"MSGC", b"CLOF"])? {
        return NO;
    }
    certain_if((8..=1 << 24).contains(&v.le32(4)?))
}

/// FINS: its header over a stream (Omron W342, "FINS/TCP").
pub fn fins_tcp(v: &View<'_>) -> Told {
    if v.u8(0)? == b'F' && v.starts(b"FINS")? { certain_if((8..=4096).contains(&v.be32(4)?)) } else { NO }
}

/// FINS in datagrams: control bits, a reserved zero, a gateway count, a command.
pub fn fins(v: &View<'_>) -> Told {
    let fits = v.u8(0)? & 0x3e == 0
        && v.u8(0)? & 0x80 != 0
        && v.u8(1)? == 0
        && v.u8(2)? <= 7
        && matches!(v.u8(10)?, 1..=0x26)
        && v.u8(11)? <= 0x20;
    likely_if(fits && v.u8(4)? < 0xff)
}

/// Synchrophasors: a frame that begins with 0xaa and has its own length (IEEE C37.118.2 section 6.2).
pub fn synchrophasor(v: &View<'_>) -> Told {
    if v.u8(0)? != 0xaa || v.u8(1)? & 0x80 != 0 || v.u8(1)? >> 4 > 5 || !matches!(v.u8(1)? & 0xf, 1 | 2) {
        return NO;
    }
    let length = u64::from(v.be16(2)?);
    if length < 16 || !v.whole(length)? {
        return NO;
    }
    // CRC-CCITT over all but the last two bytes.
    let (covered, sum) = v.bytes.split_at_checked(length as usize - 2)?;
    let crc = covered.iter().fold(0xffff_u16, |crc, &byte| {
        (0..8).fold(crc ^ u16::from(byte) << 8, |crc, _| if crc & 0x8000 != 0 { crc << 1 ^ 0x1021 } else { crc << 1 })
    });
    certain_if(sum == crc.to_be_bytes())
}

/// SOME/IP: lengths, versions 1, a message type (AUTOSAR PRS_SOMEIP section 4.1).
pub fn someip(v: &View<'_>) -> Told {
    let length = v.be32(4)?;
    if !(8..=1 << 16).contains(&length)
        || v.u8(12)? != 1
        || !matches!(v.u8(14)?, 0..=2 | 0x20..=0x22 | 0x40..=0x42 | 0x80 | 0x81 | 0xa0 | 0xa1)
    {
        return NO;
    }
    // Service discovery has a fixed id; others end with the datagram or are followed by another message.
    if v.u8(15)? > 0x5e {
        NO
    } else if v.be32(0)? == 0xffff_8100 || v.ends_at(u64::from(length) + 8) {
        CERTAIN
    } else {
        LIKELY
    }
}

/// CoAP: version 1, a code that exists, options that exist up to the end or the payload (RFC 7252 section 3).
pub fn coap(v: &View<'_>) -> Told {
    let first = v.u8(0)?;
    let token = usize::from(first & 0xf);
    let code = v.u8(1)?;
    let (class, detail) = (code >> 5, code & 0x1f);
    let known = match class {
        0 => detail <= 7,
        2 => detail <= 5 || detail == 31,
        4 => detail <= 15 || detail == 22 || detail == 29,
        5 => detail <= 8,
        _ => false,
    };
    if first >> 6 != 1 || token > 8 || !known || v.be16(2).is_none() {
        return NO;
    }
    if code == 0 {
        return likely_if(v.len() == 4);
    }
    let mut at = 4 + token;
    let mut number = 0_u32;
    let mut options = 0;
    while at < v.len() {
        let head = v.u8(at)?;
        if head == 0xff {
            return if at + 1 < v.len() { coap_strength(class, options) } else { NO };
        }
        at += 1;
        let mut extended = |nibble: u8| -> Option<u32> {
            match nibble {
                13 => {
                    let value = u32::from(v.u8(at)?) + 13;
                    at += 1;
                    Some(value)
                }
                14 => {
                    let value = u32::from(v.be16(at)?) + 269;
                    at += 2;
                    Some(value)
                }
                15 => None,
                short => Some(u32::from(short)),
            }
        };
        number += extended(head >> 4)?;
        let length = extended(head & 0xf)?;
        if !matches!(number, 1 | 3..=9 | 11 | 12 | 14..=17 | 19..=21 | 23 | 27 | 28 | 31 | 35 | 39 | 60 | 252 | 258 | 292 | 2048..=2100)
        {
            return NO;
        }
        at += length as usize;
        options += 1;
    }
    if at == v.len() { coap_strength(class, options) } else { NO }
}

/// Requests without an option are as short as anything else is.
fn coap_strength(class: u8, options: u32) -> Told {
    if options == 0 && class == 0 { NO } else { LIKELY }
}
