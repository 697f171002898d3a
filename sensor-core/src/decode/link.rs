//! Link types of captures: where a frame starts.

use super::ethernet;
use super::span::Span;
use super::walk::{Layer, Next, Walk};
use super::wlan;
use crate::Anomaly;

/// Finds the first layer of a frame.
#[inline]
pub fn decode<'a>(walk: &mut Walk<'_, 'a>, link: u16, span: Span<'a>) -> Next<'a> {
    match link {
        linktype::ETHERNET => ethernet::header(walk, span),
        linktype::NULL | linktype::LOOP => null(span),
        linktype::RAW | linktype::RAW_OPENBSD | linktype::RAW_BSDOS | linktype::IPV4 | linktype::IPV6 => {
            Ok(Some((Layer::Ip, span)))
        }
        linktype::LINUX_SLL => {
            let kind = span.be16(14).ok_or(span.short(Anomaly::SllTooSmall))?;
            sll_sender(walk, span.be16(4), span.data.get(6..12));
            Ok(Some((cooked(kind), span.past(16, Anomaly::SllTooSmall)?)))
        }
        linktype::LINUX_SLL2 => {
            let kind = span.be16(0).ok_or(span.short(Anomaly::SllTooSmall))?;
            sll_sender(walk, span.byte(11).map(u16::from), span.data.get(12..18));
            Ok(Some((cooked(kind), span.past(20, Anomaly::SllTooSmall)?)))
        }
        linktype::PPP | linktype::PPP_SERIAL | linktype::PPP_DIRECTED => ppp_link(link, span),
        linktype::PPPOE => super::ppp::pppoe(span),
        linktype::C_HDLC => cisco_hdlc(span),
        linktype::IEEE802_11 => Ok(Some((Layer::Wlan, span))),
        linktype::RADIOTAP => wlan::radiotap(span),
        linktype::PRISM => wlan::prism(span),
        linktype::AVS => wlan::avs(span),
        linktype::PPI => wlan::ppi(span),
        linktype::NFLOG => nflog(span),
        linktype::ATM_RFC1483 => Ok(Some((Layer::Llc, span))),
        linktype::IEEE802_15_4 | linktype::IEEE802_15_4_NOFCS => Err(Anomaly::Ieee802154),
        _ => Err(Anomaly::LinkType),
    }
}

/// Linux cooked captures say an EtherType, or one of the kernel's numbers for frames without one.
fn cooked(kind: u16) -> Layer {
    match kind {
        // ETH_P_802_2 of the kernel.
        4 => Layer::Llc,
        _ => Layer::EtherType(kind),
    }
}

fn sll_sender(walk: &mut Walk<'_, '_>, len: Option<u16>, address: Option<&[u8]>) {
    if let (Some(6), Some(mac)) = (len, address.and_then(|a| a.first_chunk::<6>())) {
        walk.context.macs[0] = *mac;
        walk.context.addressed = true;
    }
}

/// BSD null (family in the byte order of the capturing host) and loop (network order): the family's value tells its
/// own order, since all are below 256. IPv6 has a number of its own on each BSD.
fn null(span: Span<'_>) -> Next<'_> {
    let family = span.head::<4>(Anomaly::NullTooSmall)?;
    let ip = span.past(4, Anomaly::NullTooSmall)?;
    let (little, big) = (u32::from_le_bytes(*family), u32::from_be_bytes(*family));
    match little.min(big) {
        2 => Ok(Some((Layer::Ipv4, ip))),
        10 | 24 | 28 | 30 => Ok(Some((Layer::Ipv6, ip))),
        _ => Err(Anomaly::NullUnknownFamily),
    }
}

/// PPP in HDLC-like framing (RFC 1662); Cisco's own framing under the same link type starts with its address. A
/// direction byte of 0 or 1 comes first where the link type says so.
fn ppp_link(link: u16, span: Span<'_>) -> Next<'_> {
    let span = if link == linktype::PPP_DIRECTED { span.past(1, Anomaly::PppTooSmall)? } else { span };
    match span.byte(0) {
        Some(CISCO_UNICAST | CISCO_MULTICAST) if span.byte(1) == Some(0) => cisco_hdlc(span),
        _ => Ok(Some((Layer::Ppp, span))),
    }
}

/// Cisco HDLC: address, control, EtherType.
fn cisco_hdlc(span: Span<'_>) -> Next<'_> {
    let kind = span.be16(2).ok_or(span.short(Anomaly::HdlcTooSmall))?;
    let rest = span.past(4, Anomaly::HdlcTooSmall)?;
    match kind {
        SLARP | CDP => Err(Anomaly::HdlcControl),
        _ => Ok(Some((Layer::EtherType(kind), rest))),
    }
}

/// Linux netfilter log: attributes, one of which is the packet. Lengths stand in the byte order of the capturing
/// host, which the first attribute tells: its length is below 256, so the zero byte comes first in network order only.
fn nflog(span: Span<'_>) -> Next<'_> {
    let family = *span.head::<4>(Anomaly::NflogTooSmall)?;
    let mut rest = span.past(4, Anomaly::NflogTooSmall)?;
    let big = rest.data.first().is_some_and(|b| *b == 0);
    let number = |bytes: [u8; 2]| if big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) };
    while let Ok([l0, l1, t0, t1]) = rest.head::<4>(Anomaly::NflogTooSmall) {
        let len = usize::from(number([*l0, *l1]));
        if len < 4 {
            return Err(Anomaly::NflogLength);
        }
        if number([*t0, *t1]) == NFULA_PAYLOAD {
            let packet = rest.past(4, Anomaly::NflogTooSmall)?.first(len - 4);
            return match family[0] {
                2 => Ok(Some((Layer::Ipv4, packet))),
                10 => Ok(Some((Layer::Ipv6, packet))),
                _ => Ok(Some((Layer::Ip, packet))),
            };
        }
        rest = rest.past(len.next_multiple_of(4), Anomaly::NflogTooSmall)?;
    }
    Err(rest.short(Anomaly::NflogTooSmall))
}

/// Link types, from <https://www.tcpdump.org/linktypes.html>.
pub mod linktype {
    pub const NULL: u16 = 0;
    pub const ETHERNET: u16 = 1;
    pub const PPP: u16 = 9;
    pub const RAW_BSDOS: u16 = 12;
    /// DLT_RAW as some systems wrote it to files.
    pub const RAW_OPENBSD: u16 = 14;
    pub const PPP_SERIAL: u16 = 50;
    pub const PPPOE: u16 = 51;
    pub const ATM_RFC1483: u16 = 100;
    pub const RAW: u16 = 101;
    pub const C_HDLC: u16 = 104;
    pub const IEEE802_11: u16 = 105;
    pub const LOOP: u16 = 108;
    pub const LINUX_SLL: u16 = 113;
    pub const PRISM: u16 = 119;
    pub const RADIOTAP: u16 = 127;
    pub const AVS: u16 = 163;
    pub const PPP_DIRECTED: u16 = 204;
    pub const PPI: u16 = 192;
    pub const IEEE802_15_4: u16 = 195;
    pub const IPV4: u16 = 228;
    pub const IPV6: u16 = 229;
    pub const IEEE802_15_4_NOFCS: u16 = 230;
    pub const NFLOG: u16 = 239;
    pub const LINUX_SLL2: u16 = 276;
}

const CISCO_UNICAST: u8 = 0x0f;
const CISCO_MULTICAST: u8 = 0x8f;
/// Cisco's address resolution and keepalives on serial lines.
const SLARP: u16 = 0x8035;
/// Cisco discovery protocol.
const CDP: u16 = 0x2000;
/// From the kernel's `nfnetlink_log.h`.
const NFULA_PAYLOAD: u16 = 9;
