//! The five-tuple, the same for both directions.

use std::hash::{BuildHasher, Hasher};
use std::net::{IpAddr, Ipv6Addr};

use foldhash::fast::FixedState;

use crate::decode::Packet;

/// A five-tuple with its VLANs and tunnels, endpoints in ascending order. IPv4 addresses stand as `::ffff:a.b.c.d` with `v6`
/// false, so that a mapped IPv6 address never meets the IPv4 address in it. Packed: padding to 16 bytes would push a flow
/// past its third cache line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, packed(4))]
pub struct FlowKey {
    /// The lower endpoint's address.
    pub low: u128,
    /// The higher endpoint's address.
    pub high: u128,
    /// The lower endpoint's port.
    pub low_port: u16,
    /// The higher endpoint's port.
    pub high_port: u16,
    /// Outer VLAN ids: the same addresses in another VLAN are another conversation.
    pub vlans: [u16; 2],
    /// IP protocol.
    pub proto: u8,
    /// IPv6.
    pub v6: bool,
    /// How many tunnels it is in: a connection seen outside a tunnel and in it is two flows, as in Suricata, or each
    /// of its packets would count twice.
    pub tunnels: u8,
}

impl FlowKey {
    /// The key of a packet, and whether the packet goes from the lower to the higher endpoint.
    #[inline]
    pub fn of(packet: &Packet<'_>) -> (FlowKey, bool) {
        let source = (packet.source, packet.source_port);
        let destination = (packet.destination, packet.destination_port);
        let upward = source <= destination;
        let ((low, low_port), (high, high_port)) = if upward { (source, destination) } else { (destination, source) };
        let (vlans, proto, v6, tunnels) = (packet.vlans, packet.proto, packet.v6, packet.tunnels);
        (FlowKey { low, high, low_port, high_port, vlans, proto, v6, tunnels }, upward)
    }

    /// Hash with a seed: strangers must not be able to choose collisions.
    #[inline]
    pub fn hash(&self, state: &FixedState) -> u64 {
        let mut hasher = state.build_hasher();
        hasher.write_u128(self.low);
        hasher.write_u128(self.high);
        hasher.write_u64(
            u64::from(self.low_port) << 48
                | u64::from(self.high_port) << 32
                | u64::from(self.vlans[0]) << 20
                | u64::from(self.vlans[1]) << 9
                | u64::from(self.proto) << 1
                | u64::from(self.v6) ^ u64::from(self.tunnels) << 24,
        );
        hasher.finish()
    }

    /// An address of this key as an `IpAddr`.
    pub fn ip(&self, address: u128) -> IpAddr {
        ip_of(address, self.v6)
    }
}

/// The address that 16 bytes stand for.
pub fn ip_of(address: u128, v6: bool) -> IpAddr {
    let ip = Ipv6Addr::from(address);
    if v6 { ip.into() } else { ip.to_ipv4_mapped().map_or(ip.into(), Into::into) }
}
