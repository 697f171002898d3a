//! Link layers: Ethernet with VLAN tags, Linux cooked v1 and v2, null/loop, raw IP.

use super::{Depths, Packet, after, be16};
use crate::Anomaly;

/// The network layer found below the link layer, with the bytes from its header on.
pub enum Network<'a> {
    /// An IPv4 packet.
    Ipv4(&'a [u8]),
    /// An IPv6 packet.
    Ipv6(&'a [u8]),
}

/// Walks the link layer to the network layer; writes VLAN ids to `packet`.
#[inline]
pub fn decode<'a>(link: u16, data: &'a [u8], depths: Depths, packet: &mut Packet) -> Result<Network<'a>, Anomaly> {
    match link {
        linktype::ETHERNET => {
            let ethertype = be16(data, 12).ok_or(Anomaly::EthernetTooSmall)?;
            ethernet_payload(ethertype, after(data, 14).unwrap_or_default(), depths, packet)
        }
        linktype::LINUX_SLL => {
            let protocol = be16(data, 14).ok_or(Anomaly::SllTooSmall)?;
            ethernet_payload(protocol, after(data, 16).unwrap_or_default(), depths, packet)
        }
        linktype::LINUX_SLL2 => {
            let protocol = be16(data, 0).ok_or(Anomaly::SllTooSmall)?;
            ethernet_payload(protocol, after(data, 20).ok_or(Anomaly::SllTooSmall)?, depths, packet)
        }
        linktype::NULL | linktype::LOOP => null(data),
        linktype::RAW | linktype::RAW_OPENBSD | linktype::RAW_BSDOS | linktype::IPV4 | linktype::IPV6 => raw(data),
        _ => Err(Anomaly::LinkType),
    }
}

/// What follows an EtherType, VLAN tags included.
fn ethernet_payload<'a>(
    mut ethertype: u16,
    mut data: &'a [u8],
    depths: Depths,
    packet: &mut Packet,
) -> Result<Network<'a>, Anomaly> {
    let mut tags = 0;
    while matches!(ethertype, ethertype::VLAN | ethertype::QINQ | ethertype::QINQ_OLD | ethertype::QINQ_OLDER) {
        if tags == depths.vlans {
            return Err(Anomaly::VlanTooDeep);
        }
        let tci = be16(data, 0).ok_or(Anomaly::VlanTooSmall)?;
        ethertype = be16(data, 2).ok_or(Anomaly::VlanTooSmall)?;
        data = after(data, 4).ok_or(Anomaly::VlanTooSmall)?;
        if let Some(vlan) = packet.vlans.get_mut(tags) {
            *vlan = tci & 0x0fff;
        }
        tags += 1;
    }
    match ethertype {
        ethertype::IPV4 => Ok(Network::Ipv4(data)),
        ethertype::IPV6 => Ok(Network::Ipv6(data)),
        ethertype::ARP | ethertype::RARP => Err(Anomaly::Arp),
        ethertype::LLDP => Err(Anomaly::Lldp),
        ethertype::MPLS | ethertype::MPLS_MULTICAST => Err(Anomaly::Mpls),
        ethertype::PPPOE_DISCOVERY | ethertype::PPPOE_SESSION => Err(Anomaly::Pppoe),
        ethertype::MACSEC => Err(Anomaly::Macsec),
        ethertype::PBB => Err(Anomaly::Pbb),
        // IEEE 802.3: up to 1500 it is a length, and LLC follows. SNAP with the zero OUI carries an EtherType again.
        0..=1500 => match data.first_chunk::<8>() {
            Some([0xaa, 0xaa, 0x03, 0, 0, 0, high, low]) => {
                let inner = u16::from_be_bytes([*high, *low]);
                match (inner, after(data, 8)) {
                    (ethertype::IPV4, Some(ip)) => Ok(Network::Ipv4(ip)),
                    (ethertype::IPV6, Some(ip)) => Ok(Network::Ipv6(ip)),
                    (ethertype::ARP, _) => Err(Anomaly::Arp),
                    _ => Err(Anomaly::Llc),
                }
            }
            _ => Err(Anomaly::Llc),
        },
        _ => Err(Anomaly::EtherType),
    }
}

/// BSD null (family in the byte order of the capturing host) and loop (network order): the family's value tells its
/// own order, since all are below 256. IPv6 has a number of its own on each BSD.
fn null(data: &[u8]) -> Result<Network<'_>, Anomaly> {
    let family = data.first_chunk::<4>().ok_or(Anomaly::NullTooSmall)?;
    let ip = after(data, 4).unwrap_or_default();
    let (little, big) = (u32::from_le_bytes(*family), u32::from_be_bytes(*family));
    match little.min(big) {
        2 => Ok(Network::Ipv4(ip)),
        10 | 24 | 28 | 30 => Ok(Network::Ipv6(ip)),
        _ => Err(Anomaly::NullUnknownFamily),
    }
}

fn raw(data: &[u8]) -> Result<Network<'_>, Anomaly> {
    match data.first().map(|b| b >> 4) {
        Some(4) => Ok(Network::Ipv4(data)),
        Some(6) => Ok(Network::Ipv6(data)),
        _ => Err(Anomaly::RawUnknownVersion),
    }
}

/// Link types, from <https://www.tcpdump.org/linktypes.html>.
mod linktype {
    pub const NULL: u16 = 0;
    pub const ETHERNET: u16 = 1;
    /// DLT_RAW as some systems wrote it to files.
    pub const RAW_OPENBSD: u16 = 14;
    pub const RAW_BSDOS: u16 = 12;
    pub const RAW: u16 = 101;
    pub const LOOP: u16 = 108;
    pub const LINUX_SLL: u16 = 113;
    pub const IPV4: u16 = 228;
    pub const IPV6: u16 = 229;
    pub const LINUX_SLL2: u16 = 276;
}

/// EtherTypes, from the IEEE registry.
mod ethertype {
    pub const IPV4: u16 = 0x0800;
    pub const ARP: u16 = 0x0806;
    pub const RARP: u16 = 0x8035;
    pub const VLAN: u16 = 0x8100;
    pub const IPV6: u16 = 0x86dd;
    pub const MPLS: u16 = 0x8847;
    pub const MPLS_MULTICAST: u16 = 0x8848;
    pub const PPPOE_DISCOVERY: u16 = 0x8863;
    pub const PPPOE_SESSION: u16 = 0x8864;
    pub const QINQ: u16 = 0x88a8;
    pub const LLDP: u16 = 0x88cc;
    pub const MACSEC: u16 = 0x88e5;
    pub const PBB: u16 = 0x88e7;
    pub const QINQ_OLD: u16 = 0x9100;
    pub const QINQ_OLDER: u16 = 0x9200;
}
