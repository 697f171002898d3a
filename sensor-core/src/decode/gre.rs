//! GRE, versions 0 (RFC 2784, RFC 2890, RFC 1701's routing) and 1 (PPTP, RFC 2637), and ERSPAN in it.

use super::ethernet::ethertype;
use super::span::Span;
use super::walk::{Layer, Next};
use crate::Anomaly;
use crate::anomaly::Counts;

/// What a GRE header leads to. Flags that RFC 2784 forbids are counted, and the packet is followed all the same: there
/// are senders of RFC 1701.
pub fn decode<'a>(span: Span<'a>, anomalies: &mut Counts) -> Next<'a> {
    let [flags, version, high, low] = *span.head::<4>(Anomaly::GreTooSmall)?;
    let kind = u16::from_be_bytes([high, low]);
    match version & 0x07 {
        0 => version_0(span, flags, version, kind, anomalies),
        1 => version_1(span, flags, version, kind, anomalies),
        _ => Err(Anomaly::GreVersion),
    }
}

fn version_0<'a>(span: Span<'a>, flags: u8, version: u8, kind: u16, anomalies: &mut Counts) -> Next<'a> {
    if flags & RECURSION != 0 {
        anomalies.add(Anomaly::GreRecursion);
    }
    if version & FLAGS != 0 {
        anomalies.add(Anomaly::GreFlags);
    }
    let mut len = 4;
    if flags & (CHECKSUM | ROUTING) != 0 {
        len += 4;
    }
    for bit in [KEY, SEQUENCE] {
        if flags & bit != 0 {
            len += 4;
        }
    }
    if flags & ROUTING != 0 {
        len = past_routes(span, len)?;
    }
    let rest = span.past(len, Anomaly::GreHeaderTooBig)?;
    match kind {
        // Type II has a sequence number, type I no header of its own (draft-foschiano-erspan-03).
        ERSPAN_1_2 if flags & SEQUENCE == 0 => Ok(Some((Layer::Ethernet, rest))),
        ERSPAN_1_2 => {
            let [version, ..] = *rest.head::<8>(Anomaly::ErspanTooSmall)?;
            if version >> 4 != 1 {
                return Err(Anomaly::ErspanVersion);
            }
            Ok(Some((Layer::Ethernet, rest.past(8, Anomaly::ErspanTooSmall)?)))
        }
        ERSPAN_3 => erspan_3(rest),
        // WCCP puts four bytes before the IP packet in its second version.
        WCCP if rest.byte(0).is_some_and(|b| b >> 4 != 4) => {
            Ok(Some((Layer::Ipv4, rest.past(4, Anomaly::GreTooSmall)?)))
        }
        WCCP | CISCO_IP => Ok(Some((Layer::Ip, rest))),
        ARUBA_FIRST..=ARUBA_LAST => Ok(Some((Layer::Wlan, rest))),
        // Keepalives carry nothing.
        0 => Ok(None),
        _ => Ok(Some((Layer::EtherType(kind), rest))),
    }
}

/// The source routes of RFC 1701: address family, offset, length, and that many bytes; zeros end the list.
fn past_routes(span: Span<'_>, mut at: usize) -> Result<usize, Anomaly> {
    for _ in 0..MOST_ROUTES {
        let rest = span.past(at, Anomaly::GreHeaderTooBig)?;
        let [f0, f1, _, len] = *rest.head::<4>(Anomaly::GreHeaderTooBig)?;
        at += 4 + usize::from(len);
        if (f0, f1, len) == (0, 0, 0) {
            return Ok(at);
        }
    }
    Err(Anomaly::GreHeaderTooBig)
}

fn version_1<'a>(span: Span<'a>, flags: u8, version: u8, kind: u16, anomalies: &mut Counts) -> Next<'a> {
    // RFC 2637 section 4.1: all of these are 0.
    for (bits, anomaly) in [
        (flags & CHECKSUM, Anomaly::GreVersion1Checksum),
        (flags & ROUTING, Anomaly::GreVersion1Routing),
        (flags & STRICT, Anomaly::GreVersion1StrictRoute),
        (flags & RECURSION, Anomaly::GreVersion1Recursion),
        (version & FLAGS & !ACKNOWLEDGEMENT, Anomaly::GreVersion1Flags),
    ] {
        if bits != 0 {
            anomalies.add(anomaly);
        }
    }
    if kind != ethertype::PPP {
        return Err(Anomaly::GreVersion1Protocol);
    }
    if flags & KEY == 0 {
        return Err(Anomaly::GreVersion1Key);
    }
    let [_, _, _, _, high, low, _, _] = *span.head::<8>(Anomaly::GreVersion1HeaderTooBig)?;
    let mut len = 8;
    if flags & SEQUENCE != 0 {
        len += 4;
    }
    if version & ACKNOWLEDGEMENT != 0 {
        len += 4;
    }
    let rest = span.past(len, Anomaly::GreVersion1HeaderTooBig)?;
    // An acknowledgement alone carries nothing.
    match usize::from(u16::from_be_bytes([high, low])) {
        0 => Ok(None),
        payload => Ok(Some((Layer::Ppp, rest.first(payload)))),
    }
}

/// ERSPAN type III: 12 bytes, and 8 more if the last bit says so; the frame's type is Ethernet or IP.
fn erspan_3(span: Span<'_>) -> Next<'_> {
    let header = span.head::<12>(Anomaly::ErspanTooSmall)?;
    if header[0] >> 4 != 2 {
        return Err(Anomaly::ErspanVersion);
    }
    let len = if header[11] & 1 == 1 { 20 } else { 12 };
    let rest = span.past(len, Anomaly::ErspanTooSmall)?;
    let layer = if header[10] >> 2 & 0x1f == 2 { Layer::Ip } else { Layer::Ethernet };
    Ok(Some((layer, rest)))
}

const CHECKSUM: u8 = 0x80;
const ROUTING: u8 = 0x40;
const KEY: u8 = 0x20;
const SEQUENCE: u8 = 0x10;
const STRICT: u8 = 0x08;
const RECURSION: u8 = 0x07;
/// In the second byte.
const FLAGS: u8 = 0xf8;
/// In the second byte of version 1.
const ACKNOWLEDGEMENT: u8 = 0x80;
const ERSPAN_1_2: u16 = 0x88be;
const ERSPAN_3: u16 = 0x22eb;
const WCCP: u16 = 0x883e;
/// NHRP's and Cisco's number for IP.
const CISCO_IP: u16 = 0x0021;
/// Aruba access points send 802.11 frames in GRE, the type's low byte is a tunnel's number.
const ARUBA_FIRST: u16 = 0x8200;
const ARUBA_LAST: u16 = 0x82ff;
const MOST_ROUTES: usize = 16;
