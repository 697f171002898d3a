//! IPv4, and IPv6 with its extension headers.

use std::net::Ipv4Addr;

use etherparse::{IpNumber, Ipv4HeaderSlice, Ipv6FragmentHeaderSlice, Ipv6HeaderSlice, Ipv6RawExtHeaderSlice, err};

use super::{Depths, Packet, after, ip_proto, transport};
use crate::Anomaly;
use crate::anomaly::Counts;

/// Decodes an IPv4 packet. `cut` is what the capture left off the end of the frame.
#[inline]
pub fn v4(data: &[u8], cut: usize, packet: &mut Packet, anomalies: &mut Counts) -> Result<(), Anomaly> {
    use err::ipv4::{HeaderError, HeaderSliceError};
    let header = Ipv4HeaderSlice::from_slice(data).map_err(|e| match e {
        HeaderSliceError::Len(_) if cut > 0 => Anomaly::SnapLength,
        HeaderSliceError::Len(_) => Anomaly::Ipv4TooSmall,
        HeaderSliceError::Content(HeaderError::UnexpectedVersion { .. }) => Anomaly::Ipv4WrongVersion,
        HeaderSliceError::Content(HeaderError::HeaderLengthSmallerThanHeader { .. }) => Anomaly::Ipv4HeaderLength,
    })?;
    let header_len = header.slice().len();
    let on_wire = data.len() + cut;
    let total = match usize::from(header.total_len()) {
        // Segmentation offload leaves 0 on packets captured on the sending host.
        0 => on_wire,
        n if n < header_len => return Err(Anomaly::Ipv4LengthBelowHeader),
        n if n > on_wire => {
            anomalies.add(Anomaly::Ipv4Truncated);
            n
        }
        n => n,
    };
    packet.source = u128::from(Ipv4Addr::from(header.source()).to_ipv6_mapped());
    packet.destination = u128::from(Ipv4Addr::from(header.destination()).to_ipv6_mapped());
    packet.proto = header.protocol().0;
    let body = Body {
        data: clip(after(data, header_len).unwrap_or_default(), total - header_len),
        len: total - header_len,
        later_fragment: header.fragments_offset().value() > 0,
        fragmented: header.is_fragmenting_payload(),
    };
    transport::decode(body, packet, anomalies)
}

/// Decodes an IPv6 packet. `cut` is what the capture left off the end of the frame.
#[inline]
pub fn v6(data: &[u8], cut: usize, depths: Depths, packet: &mut Packet, anomalies: &mut Counts) -> Result<(), Anomaly> {
    use err::ipv6::{HeaderError, HeaderSliceError};
    let header = Ipv6HeaderSlice::from_slice(data).map_err(|e| match e {
        HeaderSliceError::Len(_) if cut > 0 => Anomaly::SnapLength,
        HeaderSliceError::Len(_) => Anomaly::Ipv6TooSmall,
        HeaderSliceError::Content(HeaderError::UnexpectedVersion { .. }) => Anomaly::Ipv6WrongVersion,
    })?;
    let on_wire = (data.len() + cut).saturating_sub(IPV6_HEADER);
    let mut left = match usize::from(header.payload_length()) {
        // A jumbogram, or segmentation offload: RFC 2675 section 3 puts the length into a hop-by-hop option.
        0 => on_wire,
        n if n > on_wire => {
            anomalies.add(Anomaly::Ipv6Truncated);
            n
        }
        n => n,
    };
    packet.v6 = true;
    packet.source = u128::from_be_bytes(header.source());
    packet.destination = u128::from_be_bytes(header.destination());

    let mut rest = clip(after(data, IPV6_HEADER).unwrap_or_default(), left);
    let mut next = header.next_header();
    let (mut later_fragment, mut fragmented) = (false, false);
    let mut depth = 0;
    while !later_fragment {
        let (len, following) = match next {
            IpNumber::IPV6_FRAGMENTATION_HEADER => {
                let ext = Ipv6FragmentHeaderSlice::from_slice(rest).map_err(|_| cut_or(cut, EXT_TRUNCATED))?;
                later_fragment = ext.fragment_offset().value() > 0;
                fragmented = ext.is_fragmenting_payload();
                (ext.slice().len(), ext.next_header())
            }
            IpNumber::AUTHENTICATION_HEADER => {
                // RFC 4302 section 2.2: the length counts 4-byte words, minus 2.
                let [following, words, ..] = *rest.first_chunk::<8>().ok_or(cut_or(cut, EXT_TRUNCATED))?;
                ((usize::from(words) + 2) * 4, IpNumber(following))
            }
            n if Ipv6RawExtHeaderSlice::header_type_supported(n) => {
                let ext = Ipv6RawExtHeaderSlice::from_slice(rest).map_err(|_| cut_or(cut, EXT_TRUNCATED))?;
                (ext.slice().len(), ext.next_header())
            }
            _ => break,
        };
        depth += 1;
        if depth > depths.extensions {
            return Err(Anomaly::Ipv6ExtensionsTooDeep);
        }
        rest = after(rest, len).ok_or(cut_or(cut, EXT_TRUNCATED))?;
        left = left.saturating_sub(len);
        next = following;
    }
    packet.proto = next.0;
    transport::decode(Body { data: rest, len: left, later_fragment, fragmented }, packet, anomalies)
}

/// What an IP header carries.
pub struct Body<'a> {
    /// Captured bytes, never more than `len`.
    pub data: &'a [u8],
    /// Length as the headers say it.
    pub len: usize,
    /// A fragment that does not start at offset 0: the transport header is elsewhere.
    pub later_fragment: bool,
    /// Any fragment.
    pub fragmented: bool,
}

/// The anomaly for a header that ends too early: the capture's doing, or the packet's.
pub fn cut_or(cut: usize, otherwise: Anomaly) -> Anomaly {
    if cut > 0 { Anomaly::SnapLength } else { otherwise }
}

/// Without the link layer's padding.
fn clip(data: &[u8], len: usize) -> &[u8] {
    data.get(..len).unwrap_or(data)
}

/// True for what carries packets of its own that are not looked at yet.
pub fn undecoded(proto: u8) -> Option<Anomaly> {
    match proto {
        ip_proto::GRE => Some(Anomaly::Gre),
        ip_proto::IPV4 | ip_proto::IPV6 => Some(Anomaly::IpInIp),
        ip_proto::ESP => Some(Anomaly::Esp),
        _ => None,
    }
}

/// RFC 8200 section 3.
const IPV6_HEADER: usize = 40;

const EXT_TRUNCATED: Anomaly = Anomaly::Ipv6ExtensionTruncated;
