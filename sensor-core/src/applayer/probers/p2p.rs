//! Programs that talk to their like.

use super::super::view::{CERTAIN, LIKELY, NO, Told, View, certain_if, contains, likely_if};

/// BitTorrent's handshake (BEP 3).
pub fn bittorrent(v: &View<'_>) -> Told {
    certain_if(v.u8(0)? == 19 && v.starts(b"\x13BitTorrent protocol")?)
}

/// BitTorrent in datagrams: trackers' connect, local discovery, or uTP (BEP 15, 14, 29).
pub fn bittorrent_udp(v: &View<'_>) -> Told {
    match v.u8(0)? {
        0 => certain_if(v.has(0, &[0, 0, 4, 0x17, 0x27, 0x10, 0x19, 0x80, 0, 0, 0, 0])?),
        b'B' => certain_if(v.starts(b"BT-SEARCH * HTTP/1.")?),
        // Version 1, SYN, no extension: sequence 1, nothing acknowledged, no delay known.
        0x41 => {
            let fits = v.u8(1)? <= 2 && v.be32(8)? == 0 && v.be16(16)? == 1 && v.len() >= 20 && v.len() <= 40;
            certain_if(fits)
        }
        // State, the answer: the shortest packets only.
        0x21 => likely_if(v.u8(1)? <= 2 && matches!(v.len(), 20 | 26 | 30)),
        _ => NO,
    }
}

/// BitTorrent's distributed table: a bencoded question or answer (BEP 5).
pub fn bittorrent_dht(v: &View<'_>) -> Told {
    if v.u8(0)? != b'd' {
        return NO;
    }
    if !v.any_start(&[b"d1:ad", b"d1:rd", b"d1:el", b"d2:ip", b"d1:t", b"d1:y1:"])? {
        return NO;
    }
    let kinds: [&[u8]; 3] = [b"1:y1:q", b"1:y1:r", b"1:y1:e"];
    if kinds.iter().any(|kind| contains(v.bytes, kind)) { CERTAIN } else { LIKELY }
}

/// Gnutella's handshake (Gnutella 0.6).
pub fn gnutella(v: &View<'_>) -> Told {
    certain_if(v.u8(0)? == b'G' && v.any_start(&[b"GNUTELLA ", b"GND\x01", b"GND\x02"])?)
}

/// Gnutella in datagrams: GUESS' prefix.
pub fn gnutella_udp(v: &View<'_>) -> Told {
    likely_if(v.u8(0)? == b'G' && v.starts(b"GND")? && v.len() >= 8)
}

/// eDonkey: a protocol number, a little-endian length, a hello (eMule's protocol specification, section 6).
pub fn edonkey(v: &View<'_>) -> Told {
    let length = v.le32(1)?;
    let operation = v.u8(5)?;
    match v.u8(0)? {
        0xe3 => {
            if operation == 1 && (20..=4096).contains(&length) && v.u8(6)? == 16 {
                CERTAIN
            } else if v.whole(u64::from(length) + 5)? {
                LIKELY
            } else {
                NO
            }
        }
        0xc5 | 0xd4 => likely_if(length > 0 && v.whole(u64::from(length) + 5)?),
        _ => NO,
    }
}

/// WhatsApp's Noise transport: its prologue, with the edge's routing before it.
pub fn whatsapp(v: &View<'_>) -> Told {
    match v.u8(0)? {
        b'W' => certain_if(v.starts(b"WA")? && (1..=9).contains(&v.u8(2)?) && v.u8(3)? <= 9),
        b'E' => certain_if(v.starts(b"ED\0\x01")?),
        _ => NO,
    }
}

/// Tencent's OICQ: its two marks, a version and a command.
pub fn oicq(v: &View<'_>) -> Told {
    if v.u8(0)? != 2 || v.u8(11).is_some() && v.bytes.last() != Some(&3) {
        return NO;
    }
    v.u8(11)?;
    likely_if(v.u8(3)? == 0 && v.be16(1)? != 0)
}
