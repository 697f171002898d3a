//! Headers of packets as buffers of rules.

use crate::decode::{Packet, ip_proto};
use crate::rules::Buffer;

/// A header's bytes, or an address's; `None` if the packet has none of the kind.
#[allow(clippy::wildcard_enum_match_arm, reason = "all others are no headers")]
pub(super) fn buffer<'a>(packet: &'a Packet<'_>, buffer: Buffer, scratch: &'a mut Vec<u8>) -> Option<&'a [u8]> {
    let of = |proto: u8, len: usize| {
        (packet.proto == proto).then(|| packet.transport.get(..len.min(packet.transport.len())).unwrap_or_default())
    };
    let v6 = |wanted: bool| (packet.v6 == wanted && !packet.ip_header.is_empty()).then_some(packet.ip_header);
    match buffer {
        Buffer::EtherHeader => {
            // What is kept of it; a tag before the type is not.
            let [source, destination] = packet.macs;
            scratch.extend_from_slice(&destination);
            scratch.extend_from_slice(&source);
            scratch.extend_from_slice(match (packet.ip_header.is_empty(), packet.v6) {
                (true, _) => &[8, 6],
                (false, true) => &[0x86, 0xdd],
                (false, false) => &[8, 0],
            });
            (packet.macs != [[0; 6]; 2]).then_some(scratch.as_slice())
        }
        Buffer::IpSource => Some(address(packet.source, packet.v6, scratch)),
        Buffer::IpDestination => Some(address(packet.destination, packet.v6, scratch)),
        Buffer::Ipv4Header => v6(false),
        Buffer::Ipv6Header => v6(true),
        // RFC 9293 section 3.1: the header's length in words stands in its 13th byte.
        Buffer::TcpHeader => of(ip_proto::TCP, packet.transport.get(12).map_or(20, |byte| usize::from(byte >> 4) * 4)),
        Buffer::UdpHeader => of(ip_proto::UDP, 8),
        Buffer::Icmpv4Header => of(ip_proto::ICMP, 8),
        Buffer::Icmpv6Header => of(ip_proto::ICMPV6, 8),
        Buffer::IgmpHeader => of(ip_proto::IGMP, usize::MAX),
        _ => None,
    }
}

fn address(bits: u128, v6: bool, scratch: &mut Vec<u8>) -> &[u8] {
    let bytes = bits.to_be_bytes();
    scratch.extend_from_slice(if v6 { &bytes } else { bytes.get(12..).unwrap_or_default() });
    scratch
}
