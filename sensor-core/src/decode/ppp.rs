//! PPP (RFC 1661) and PPPoE (RFC 2516).

use super::span::Span;
use super::walk::{Layer, Next};
use crate::Anomaly;

/// A PPP frame. Address and control may be left out, and the protocol field may have one byte (RFC 1661 section 6.5).
pub fn frame(span: Span<'_>) -> Next<'_> {
    let span = match span.data {
        [0xff, 0x03, ..] => span.past(2, Anomaly::PppTooSmall)?,
        _ => span,
    };
    let (protocol, len) = match span.data {
        [low, ..] if low & 1 == 1 => (u16::from(*low), 1),
        [high, low, ..] => (u16::from_be_bytes([*high, *low]), 2),
        _ => return Err(span.short(Anomaly::PppTooSmall)),
    };
    let rest = span.past(len, Anomaly::PppTooSmall)?;
    match protocol {
        IPV4 if rest.len < 20 => Err(Anomaly::PppIpv4TooSmall),
        IPV6 if rest.len < 40 => Err(Anomaly::PppIpv6TooSmall),
        VJ_UNCOMPRESSED if rest.len < 20 => Err(Anomaly::PppVjTooSmall),
        IPV4 => Ok(Some((Layer::Ipv4, rest))),
        IPV6 => Ok(Some((Layer::Ipv6, rest))),
        MPLS_UNICAST | MPLS_MULTICAST => Ok(Some((Layer::Mpls, rest))),
        VJ_COMPRESSED | VJ_UNCOMPRESSED => Err(Anomaly::PppCompressed),
        // RFC 1661 section 2: of every protocol the first byte is even and the second odd.
        _ if protocol & 0x0101 == 1 => Err(Anomaly::PppWrongType),
        _ => Err(Anomaly::PppProtocol),
    }
}

/// A PPPoE session frame (RFC 2516 section 4).
pub fn pppoe(span: Span<'_>) -> Next<'_> {
    let [version, code, _, _, high, low] = *span.head::<6>(Anomaly::PppoeTooSmall)?;
    if version != 0x11 || code != 0 {
        return Err(Anomaly::PppoeWrongCode);
    }
    let len = usize::from(u16::from_be_bytes([high, low]));
    Ok(Some((Layer::Ppp, span.past(6, Anomaly::PppoeTooSmall)?.first(len))))
}

/// A PPPoE discovery frame (RFC 2516 section 5): told apart, its tags looked at.
pub fn discovery(span: Span<'_>) -> Anomaly {
    let Ok([version, code, _, _, high, low]) = span.head::<6>(Anomaly::PppoeTooSmall) else {
        return span.short(Anomaly::PppoeTooSmall);
    };
    // PADI, PADO, PADR, PADS, PADT.
    if *version != 0x11 || !matches!(code, 0x09 | 0x07 | 0x19 | 0x65 | 0xa7) {
        return Anomaly::PppoeWrongCode;
    }
    let len = usize::from(u16::from_be_bytes([*high, *low]));
    let Some(mut tags) = span.after(6).filter(|tags| len <= tags.len).map(|tags| tags.first(len)) else {
        return span.short(Anomaly::PppoeTags);
    };
    while tags.len > 0 && !tags.data.is_empty() {
        let Some(len) = tags.be16(2) else {
            return if tags.is_cut() { Anomaly::PppoeDiscovery } else { Anomaly::PppoeTags };
        };
        match tags.len.checked_sub(4 + usize::from(len)) {
            None => return Anomaly::PppoeTags,
            Some(_) => tags = tags.after(4 + usize::from(len)).unwrap_or_default(),
        }
    }
    Anomaly::PppoeDiscovery
}

/// PPP protocol numbers, from the IANA registry.
const IPV4: u16 = 0x0021;
const IPV6: u16 = 0x0057;
const VJ_COMPRESSED: u16 = 0x002d;
const VJ_UNCOMPRESSED: u16 = 0x002f;
const MPLS_UNICAST: u16 = 0x0281;
const MPLS_MULTICAST: u16 = 0x0283;
