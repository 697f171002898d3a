//! MPLS (RFC 3032), its pseudowires (RFC 4385, RFC 4448), and the network service header (RFC 8300).

use super::ethernet;
use super::span::Span;
use super::walk::{Layer, Next};
use crate::Anomaly;
use crate::anomaly::Counts;

/// A stack of labels, and what the packet below is: nothing in the stack says it, so its first nibble does, as routers
/// guess it too.
/// A label that has no place there is counted and changes nothing.
pub fn labels<'a>(mut span: Span<'a>, anomalies: &mut Counts) -> Next<'a> {
    for _ in 0..MOST_LABELS {
        let [high, middle, low, _] = *span.head::<4>(Anomaly::MplsTooSmall)?;
        span = span.past(4, Anomaly::MplsTooSmall)?;
        if low & 1 == 1 {
            let label = u32::from_be_bytes([0, high, middle, low]) >> 4;
            if let Some(odd) = odd_bottom(label) {
                anomalies.add(odd);
            }
            return below(label, span);
        }
    }
    Err(Anomaly::TooManyLayers)
}

/// RFC 3032 section 2.1: label 1 stands anywhere but at the bottom, 3 nowhere, 4 to 15 are reserved.
fn odd_bottom(label: u32) -> Option<Anomaly> {
    match label {
        1 => Some(Anomaly::MplsRouterAlert),
        3 => Some(Anomaly::MplsImplicitNull),
        4..=15 => Some(Anomaly::MplsReserved),
        _ => None,
    }
}

fn below(label: u32, span: Span<'_>) -> Next<'_> {
    let first = span.byte(0).ok_or(span.short(Anomaly::MplsPacketTooSmall))?;
    // RFC 3032 section 2.1: the explicit null labels say which IP follows.
    if (label == 0 && span.len < 20) || (label == 2 && span.len < 40) {
        return Err(Anomaly::MplsPacketTooSmall);
    }
    match first >> 4 {
        4 if first & 15 >= 5 => return Ok(Some((Layer::Ipv4, span))),
        6 if !ethernet::is_plausible(span) => return Ok(Some((Layer::Ipv6, span))),
        // RFC 4385 section 3: a control word starts with a zero nibble; so may an Ethernet address.
        0 => {
            let past = span.past(4, Anomaly::MplsTooSmall)?;
            if ethernet::is_plausible(past) {
                return Ok(Some((Layer::Ethernet, past)));
            }
        }
        _ => {}
    }
    if ethernet::is_plausible(span) { Ok(Some((Layer::Ethernet, span))) } else { Err(Anomaly::MplsPayload) }
}

/// Network service header: its length in words and the protocol that follows it.
pub fn service_header(span: Span<'_>) -> Next<'_> {
    let [_, words, _, protocol] = *span.head::<4>(Anomaly::NshTooSmall)?;
    let len = usize::from(words & 0x3f) * 4;
    if len < 8 {
        return Err(Anomaly::NshLength);
    }
    let rest = span.past(len, Anomaly::NshTooSmall)?;
    let layer = next_protocol(protocol).ok_or(Anomaly::NshProtocol)?;
    Ok(Some((layer, rest)))
}

/// The "next protocol" numbers that NSH (RFC 8300 section 2.2) and VXLAN-GPE share.
pub fn next_protocol(number: u8) -> Option<Layer> {
    Some(match number {
        1 => Layer::Ipv4,
        2 => Layer::Ipv6,
        3 => Layer::Ethernet,
        4 => Layer::Nsh,
        5 => Layer::Mpls,
        _ => return None,
    })
}

/// Labels in a stack; networks use up to about ten.
const MOST_LABELS: usize = 16;
