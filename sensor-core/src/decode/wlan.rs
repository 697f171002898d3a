//! 802.11 data frames, and the headers that capture programs put before them.

use super::span::Span;
use super::walk::{Layer, Next, Walk};
use crate::Anomaly;

/// An 802.11 frame: data that is not encrypted leads on, all else is noted.
pub fn frame<'a>(walk: &mut Walk<'_, 'a>, span: Span<'a>, swapped: bool) -> Next<'a> {
    let [first, second] = *span.head::<2>(Anomaly::WlanTooSmall)?;
    let (kind, flags) = if swapped { (second, first) } else { (first, second) };
    if kind & VERSION != 0 {
        return Err(Anomaly::WlanVersion);
    }
    if kind & TYPE != TYPE_DATA {
        return Err(Anomaly::WlanControl);
    }
    let addresses = span.head::<22>(Anomaly::WlanTooSmall)?;
    let (to_system, from_system) = (flags & TO_SYSTEM != 0, flags & FROM_SYSTEM != 0);
    let qos = kind & SUBTYPE_QOS != 0;
    let mut len = HEADER;
    if to_system && from_system {
        len += 6;
    }
    let mut aggregate = false;
    if qos {
        aggregate = span.byte(len).is_some_and(|control| control & AGGREGATE != 0);
        // The order flag announces an HT control field (IEEE 802.11-2020 section 9.2.4.1.10).
        len += if flags & ORDER != 0 { 6 } else { 2 };
    }
    if kind & SUBTYPE_NO_DATA != 0 {
        return Err(Anomaly::WlanControl);
    }
    if flags & PROTECTED != 0 {
        return Err(Anomaly::WlanEncrypted);
    }
    if !walk.context.addressed {
        walk.context.addressed = true;
        walk.context.macs = macs(addresses, to_system, from_system);
    }
    let body = span.past(len, Anomaly::WlanTooSmall)?;
    if aggregate { parts(walk, body) } else { Ok(Some((Layer::Llc, body))) }
}

/// Source and destination: which of the three addresses are these depends on the direction (section 9.3.2.1).
fn macs(header: &[u8; 22], to_system: bool, from_system: bool) -> [[u8; 6]; 2] {
    let at = |from: usize| header.get(from..).and_then(|a| a.first_chunk::<6>()).copied().unwrap_or_default();
    let (one, two, three) = (at(4), at(10), at(16));
    match (to_system, from_system) {
        (false, false) | (true, true) => [two, one],
        (true, false) => [two, three],
        (false, true) => [three, one],
    }
}

/// The subframes of an A-MSDU (section 9.3.2.2.2): each has addresses, a length, LLC, and padding to 4 bytes. All but
/// the last are walked here, and each as deep as it goes.
fn parts<'a>(walk: &mut Walk<'_, 'a>, mut rest: Span<'a>) -> Next<'a> {
    for _ in 0..MOST_PARTS {
        let len = usize::from(rest.be16(12).ok_or(rest.short(Anomaly::WlanTooSmall))?);
        let body = rest.past(PART_HEADER, Anomaly::WlanTooSmall)?.first(len);
        match rest.after((PART_HEADER + len).next_multiple_of(4)) {
            Some(more) if more.len >= PART_HEADER => {
                let context = walk.context;
                walk.run(Layer::Llc, body);
                // Its tags and tunnels are its own.
                walk.context = context;
                rest = more;
            }
            _ => return Ok(Some((Layer::Llc, body))),
        }
    }
    Err(Anomaly::TooManyLayers)
}

/// Radiotap: a length, and flags that tell of a frame check sequence at the end and of padding after the header.
pub fn radiotap(span: Span<'_>) -> Next<'_> {
    let [version, _, l0, l1, p0, p1, p2, p3] = *span.head::<8>(Anomaly::RadiotapTooSmall)?;
    if version != 0 {
        return Err(Anomaly::RadiotapTooSmall);
    }
    let len = usize::from(u16::from_le_bytes([l0, l1]));
    let mut frame = span.past(len, Anomaly::RadiotapTooSmall)?;
    let flags = radiotap_flags(span, u32::from_le_bytes([p0, p1, p2, p3]));
    if flags & RADIOTAP_FCS != 0 {
        frame = frame.first(frame.len.saturating_sub(4));
    }
    Ok(Some((Layer::Wlan, frame)))
}

/// The flags field, if there: after the words that say what is present, and the 8-byte aligned timestamp if any.
fn radiotap_flags(span: Span<'_>, present: u32) -> u8 {
    if present & RADIOTAP_HAS_FLAGS == 0 {
        return 0;
    }
    let mut at = 8;
    let mut word = present;
    while word & RADIOTAP_MORE_WORDS != 0 {
        let Some(next) = span.data.get(at..).and_then(|d| d.first_chunk::<4>()) else { return 0 };
        word = u32::from_le_bytes(*next);
        at += 4;
    }
    if present & RADIOTAP_HAS_TIME != 0 {
        at = at.next_multiple_of(8) + 8;
    }
    span.byte(at).unwrap_or(0)
}

/// Prism monitoring header: its length stands at 4 in the byte order of the capturing host. AVS headers come under
/// the same link type and start with a number of their own.
pub fn prism(span: Span<'_>) -> Next<'_> {
    let [c0, c1, c2, c3, l0, l1, l2, l3] = *span.head::<8>(Anomaly::PrismTooSmall)?;
    if u32::from_be_bytes([c0, c1, c2, c3]) & 0xffff_f000 == AVS_MAGIC {
        return avs(span);
    }
    let len = u32::from_le_bytes([l0, l1, l2, l3]).min(u32::from_be_bytes([l0, l1, l2, l3]));
    Ok(Some((Layer::Wlan, span.past(len as usize, Anomaly::PrismTooSmall)?)))
}

/// AVS monitoring header: version, length in network order.
pub fn avs(span: Span<'_>) -> Next<'_> {
    let [_, _, _, _, length @ ..] = *span.head::<8>(Anomaly::PrismTooSmall)?;
    Ok(Some((Layer::Wlan, span.past(u32::from_be_bytes(length) as usize, Anomaly::PrismTooSmall)?)))
}

/// Per-packet information header: its length, and the link type of the frame that follows.
pub fn ppi(span: Span<'_>) -> Next<'_> {
    let [_, _, l0, l1, t0, t1, t2, t3] = *span.head::<8>(Anomaly::PpiTooSmall)?;
    let rest = span.past(usize::from(u16::from_le_bytes([l0, l1])), Anomaly::PpiTooSmall)?;
    let link = u16::try_from(u32::from_le_bytes([t0, t1, t2, t3])).map_err(|_| Anomaly::LinkType)?;
    // No PPI in PPI.
    if link == super::link::linktype::PPI { Err(Anomaly::LinkType) } else { Ok(Some((Layer::Link(link), rest))) }
}

const VERSION: u8 = 0x03;
const TYPE: u8 = 0x0c;
const TYPE_DATA: u8 = 0x08;
const SUBTYPE_NO_DATA: u8 = 0x40;
const SUBTYPE_QOS: u8 = 0x80;
const TO_SYSTEM: u8 = 0x01;
const FROM_SYSTEM: u8 = 0x02;
const PROTECTED: u8 = 0x40;
const ORDER: u8 = 0x80;
const AGGREGATE: u8 = 0x80;
/// Three addresses, frame control, duration and sequence control.
const HEADER: usize = 24;
const PART_HEADER: usize = 14;
/// Subframes of one aggregate: the longest (11,454 bytes) holds more only of frames without IP.
const MOST_PARTS: usize = 24;
const RADIOTAP_HAS_TIME: u32 = 1;
const RADIOTAP_HAS_FLAGS: u32 = 2;
const RADIOTAP_MORE_WORDS: u32 = 1 << 31;
const RADIOTAP_FCS: u8 = 0x10;
const AVS_MAGIC: u32 = 0x8021_1000;
