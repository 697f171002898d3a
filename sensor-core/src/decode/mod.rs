//! From a frame to what the flow table needs: addresses, ports, lengths, TCP fields.
//!
//! etherparse reads the headers of IP and TCP/UDP; the walk between them, the link layers it lacks and the anomalies
//! are ours. A malformed packet is an [`Anomaly`](crate::Anomaly), never an error, and nothing here allocates.

mod ip;
mod link;
mod transport;

use crate::anomaly::Counts;

pub use transport::{Tcp, TcpFlags};

/// IP protocol numbers the decoder knows.
pub mod ip_proto {
    /// ICMP for IPv4.
    pub const ICMP: u8 = 1;
    /// IPv4 in IP.
    pub const IPV4: u8 = 4;
    /// TCP.
    pub const TCP: u8 = 6;
    /// UDP.
    pub const UDP: u8 = 17;
    /// IPv6 in IP.
    pub const IPV6: u8 = 41;
    /// GRE.
    pub const GRE: u8 = 47;
    /// ESP.
    pub const ESP: u8 = 50;
    /// ICMP for IPv6.
    pub const ICMPV6: u8 = 58;
    /// SCTP.
    pub const SCTP: u8 = 132;
}

/// What one packet says. Addresses are 16 bytes in network order; IPv4 stands as `::ffff:a.b.c.d` with `v6` false.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Packet {
    /// Source address.
    pub source: u128,
    /// Destination address.
    pub destination: u128,
    /// Source port; for ICMP its type; 0 where there is none.
    pub source_port: u16,
    /// Destination port; for ICMP the type of the answer, or the code; 0 where there is none.
    pub destination_port: u16,
    /// Outer VLAN ids, outermost first; 0 where there is none.
    pub vlans: [u16; 2],
    /// IP protocol number of what the packet carries, after IPv6 extension headers.
    pub proto: u8,
    /// The addresses are IPv6.
    pub v6: bool,
    /// ICMP that is never answered: its five-tuple keeps its direction in the community id.
    pub one_way: bool,
    /// ICMP type and code.
    pub icmp: (u8, u8),
    /// Payload above the transport header in bytes, as the headers say it (the capture may hold less).
    pub payload: u32,
    /// TCP fields; meaningless for other protocols.
    pub tcp: Tcp,
}

/// Depths the decoder holds to.
#[derive(Clone, Copy, Debug)]
pub struct Depths {
    /// VLAN tags.
    pub vlans: usize,
    /// IPv6 extension headers.
    pub extensions: usize,
}

/// Decodes a frame of the given [link type](https://www.tcpdump.org/linktypes.html). `wire` is its length on the
/// wire; `data` what was captured of it. `None` when it carries no IP packet that can be tracked; why is counted.
pub fn decode(link: u16, data: &[u8], wire: u32, depths: Depths, anomalies: &mut Counts) -> Option<Packet> {
    let cut = (wire as usize).saturating_sub(data.len());
    let mut packet = Packet::default();
    let result = link::decode(link, data, depths, &mut packet).and_then(|network| match network {
        link::Network::Ipv4(ip) => ip::v4(ip, cut, &mut packet, anomalies),
        link::Network::Ipv6(ip) => ip::v6(ip, cut, depths, &mut packet, anomalies),
    });
    match result {
        Ok(()) => Some(packet),
        Err(anomaly) => {
            anomalies.add(anomaly);
            None
        }
    }
}

/// Big-endian u16 at `at`, if it is there.
#[inline]
fn be16(data: &[u8], at: usize) -> Option<u16> {
    let bytes = data.get(at..)?.first_chunk::<2>()?;
    Some(u16::from_be_bytes(*bytes))
}

/// What follows the first `n` bytes, if they are there.
#[inline]
fn after(data: &[u8], n: usize) -> Option<&[u8]> {
    data.get(n..)
}
