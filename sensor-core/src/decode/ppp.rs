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
        IPV4 => Ok(Some((Layer::Ipv4, rest))),
        IPV6 => Ok(Some((Layer::Ipv6, rest))),
        MPLS_UNICAST | MPLS_MULTICAST => Ok(Some((Layer::Mpls, rest))),
        VJ_COMPRESSED | VJ_UNCOMPRESSED => Err(Anomaly::PppCompressed),
        // RFC 1661 section 2: from 0x8000 on these are control protocols, below 0x4000 network layer protocols.
        0x8000.. => Err(Anomaly::PppControl),
        _ => Err(Anomaly::PppProtocol),
    }
}

/// A PPPoE session frame (RFC 2516 section 4).
pub fn pppoe(span: Span<'_>) -> Next<'_> {
    let [version, code, _, _, high, low] = *span.head::<6>(Anomaly::PppoeTooSmall)?;
    if version != 0x11 || code != 0 {
        return Err(if code == 0 { Anomaly::PppoeWrongCode } else { Anomaly::PppoeDiscovery });
    }
    let len = usize::from(u16::from_be_bytes([high, low]));
    Ok(Some((Layer::Ppp, span.past(6, Anomaly::PppoeTooSmall)?.first(len))))
}

/// PPP protocol numbers, from the IANA registry.
const IPV4: u16 = 0x0021;
const IPV6: u16 = 0x0057;
const VJ_COMPRESSED: u16 = 0x002d;
const VJ_UNCOMPRESSED: u16 = 0x002f;
const MPLS_UNICAST: u16 = 0x0281;
const MPLS_MULTICAST: u16 = 0x0283;
