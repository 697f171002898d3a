//! Ethernet: addresses, VLAN and other tags, EtherTypes, 802.2 LLC and SNAP.

use super::span::Span;
use super::walk::{Layer, Next, Walk};
use super::{arp, ppp};
use crate::Anomaly;

/// Reads an Ethernet header; the outermost addresses are kept.
#[inline]
pub fn header<'a>(walk: &mut Walk<'_, 'a>, span: Span<'a>) -> Next<'a> {
    let rest = span.past(14, Anomaly::EthernetTooSmall)?;
    let (addresses, _) = span.data.as_chunks::<6>();
    if let ([destination, source, ..], false) = (addresses, walk.context.addressed) {
        walk.context.macs = [*source, *destination];
        walk.context.addressed = true;
    }
    let kind = span.be16(12).ok_or(span.short(Anomaly::EthernetTooSmall))?;
    Ok(Some((Layer::EtherType(kind), rest)))
}

/// What follows an EtherType, tags included.
#[inline]
pub fn payload<'a>(walk: &mut Walk<'_, 'a>, mut kind: u16, mut span: Span<'a>) -> Next<'a> {
    let mut unknown = Anomaly::EtherType;
    loop {
        let (tag, too_small) = match kind {
            ethertype::IPV4 => return Ok(Some((Layer::Ipv4, span))),
            ethertype::IPV6 => return Ok(Some((Layer::Ipv6, span))),
            ethertype::VLAN | ethertype::QINQ | ethertype::QINQ_OLD | ethertype::QINQ_OLDER => {
                let tci = span.be16(0).ok_or(span.short(Anomaly::VlanTooSmall))?;
                let tags = usize::from(walk.context.tags);
                if tags >= walk.settings.depths.vlans {
                    return Err(Anomaly::VlanTooDeep);
                }
                if tags == 2 {
                    walk.context.third_vlan = tci & 0x0fff;
                }
                if let Some(vlan) = walk.context.vlans.get_mut(tags) {
                    *vlan = tci & 0x0fff;
                }
                walk.context.tags += 1;
                (4, Anomaly::VlanTooSmall)
            }
            // Cisco's VN-Tag has 4 bytes before the next EtherType, IEEE 802.1BR's E-Tag 6.
            ethertype::VNTAG => (6, Anomaly::VnTagTooSmall),
            ethertype::ETAG => (8, Anomaly::ETagTooSmall),
            // 802.1ah section 9.7: 4 bytes with the service's id, then the customer's Ethernet header.
            ethertype::PBB => (18, Anomaly::PbbTooSmall),
            _ => break,
        };
        unknown = match kind {
            ethertype::VNTAG => Anomaly::VnTagUnknown,
            ethertype::ETAG => Anomaly::ETagUnknown,
            ethertype::PBB => Anomaly::EtherType,
            _ => Anomaly::VlanUnknown,
        };
        kind = span.be16(tag - 2).ok_or(span.short(too_small))?;
        span = span.past(tag, too_small)?;
        walk.context.steps += 1;
        if walk.context.steps > 32 {
            return Err(Anomaly::TooManyLayers);
        }
    }
    if is_unknown(kind) {
        walk.anomalies.add(unknown);
    }
    match kind {
        ethertype::ARP => arp::decode(walk, span),
        ethertype::MPLS | ethertype::MPLS_MULTICAST => Ok(Some((Layer::Mpls, span))),
        ethertype::PPPOE_SESSION => ppp::pppoe(span),
        ethertype::PPP => Ok(Some((Layer::Ppp, span))),
        ethertype::NSH => Ok(Some((Layer::Nsh, span))),
        ethertype::TRANSPARENT => Ok(Some((Layer::Ethernet, span))),
        ethertype::RARP => Err(Anomaly::Rarp),
        ethertype::PPPOE_DISCOVERY => Err(ppp::discovery(span)),
        // Cisco's data center Ethernet: a tag and a time to live, then the frame.
        ethertype::DCE if span.len < 16 => Err(Anomaly::DceTooSmall),
        ethertype::DCE => Ok(Some((Layer::Ethernet, span.past(2, Anomaly::DceTooSmall)?))),
        ethertype::LLDP => Err(Anomaly::Lldp),
        ethertype::EAPOL => Err(Anomaly::Eapol),
        ethertype::MACSEC => Err(Anomaly::Macsec),
        // IEEE 802.3: up to 1500 it is a length, and LLC follows.
        0..=1500 => Ok(Some((Layer::Llc, span.first(usize::from(kind))))),
        _ => Ok(None),
    }
}

/// Suricata has no decoder for it, and says so by an event: lengths and what is only told apart here too, though LLC is
/// followed.
fn is_unknown(kind: u16) -> bool {
    !matches!(
        kind,
        ethertype::ARP
            | ethertype::MPLS
            | ethertype::MPLS_MULTICAST
            | ethertype::PPPOE_SESSION
            | ethertype::PPPOE_DISCOVERY
            | ethertype::PPP
            | ethertype::NSH
            | ethertype::TRANSPARENT
            | ethertype::DCE
    )
}

/// 802.2 LLC. SNAP with the zero OUI carries an EtherType again, SAP 6 is IPv4.
pub fn llc(span: Span<'_>) -> Next<'_> {
    match span.data {
        [0xaa, 0xaa, 0x03, 0, 0, 0, high, low, ..] => {
            let kind = u16::from_be_bytes([*high, *low]);
            // A length here would be LLC in LLC.
            if kind <= 1500 {
                return Err(Anomaly::Llc);
            }
            Ok(Some((Layer::EtherType(kind), span.past(8, Anomaly::Llc)?)))
        }
        [0x06, 0x06, 0x03, ..] => Ok(Some((Layer::Ipv4, span.past(3, Anomaly::Llc)?))),
        _ => Err(Anomaly::Llc),
    }
}

/// The bytes look like an Ethernet header with something in it that is decoded: for carriers that don't say what they
/// carry.
pub fn is_plausible(span: Span<'_>) -> bool {
    let Some(kind) = span.be16(12) else { return false };
    match kind {
        ethertype::IPV4 => span.byte(14).is_some_and(|b| b >> 4 == 4 && b & 15 >= 5),
        ethertype::IPV6 => span.byte(14).is_some_and(|b| b >> 4 == 6),
        ethertype::ARP => span.be16(14) == Some(1),
        ethertype::VLAN | ethertype::QINQ | ethertype::MPLS | ethertype::PPPOE_SESSION => true,
        0..=1500 => usize::from(kind) + 14 <= span.len && span.be16(14) == Some(0xaaaa),
        _ => false,
    }
}

/// EtherTypes, from the IEEE registry.
pub mod ethertype {
    pub const IPV4: u16 = 0x0800;
    pub const ARP: u16 = 0x0806;
    /// Transparent Ethernet bridging (RFC 1701).
    pub const TRANSPARENT: u16 = 0x6558;
    pub const RARP: u16 = 0x8035;
    pub const VLAN: u16 = 0x8100;
    pub const IPV6: u16 = 0x86dd;
    pub const PPP: u16 = 0x880b;
    pub const MPLS: u16 = 0x8847;
    pub const MPLS_MULTICAST: u16 = 0x8848;
    pub const PPPOE_DISCOVERY: u16 = 0x8863;
    pub const PPPOE_SESSION: u16 = 0x8864;
    pub const EAPOL: u16 = 0x888e;
    pub const QINQ: u16 = 0x88a8;
    pub const LLDP: u16 = 0x88cc;
    pub const MACSEC: u16 = 0x88e5;
    pub const DCE: u16 = 0x8903;
    pub const PBB: u16 = 0x88e7;
    pub const VNTAG: u16 = 0x8926;
    pub const ETAG: u16 = 0x893f;
    pub const NSH: u16 = 0x894f;
    pub const QINQ_OLD: u16 = 0x9100;
    pub const QINQ_OLDER: u16 = 0x9200;
}
