//! The walk through a frame's layers, from the outside in.

use super::defrag::{Datagram, Defrag};
use super::packet::Packets;
use super::span::Span;
use super::{Settings, ethernet, ip, link, mpls, ppp, wlan};
use crate::Anomaly;
use crate::anomaly::Counts;

/// What the next bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// A frame of a [link type](https://www.tcpdump.org/linktypes.html).
    Link(u16),
    /// An Ethernet header.
    Ethernet,
    /// What this EtherType says.
    EtherType(u16),
    /// 802.2 LLC.
    Llc,
    /// 802.11.
    Wlan,
    /// 802.11 with the two bytes of its frame control swapped.
    SwappedWlan,
    /// PPP, with or without address and control.
    Ppp,
    /// A stack of MPLS labels.
    Mpls,
    /// Network service header (RFC 8300).
    Nsh,
    /// An IPv4 packet.
    Ipv4,
    /// An IPv6 packet.
    Ipv6,
    /// An IPv4 or an IPv6 packet, as its first nibble says.
    Ip,
}

/// What follows a layer: the next one with its bytes; nothing more; or why it could not be followed.
pub type Next<'a> = Result<Option<(Layer, Span<'a>)>, Anomaly>;

/// What the outer layers say about all packets of a frame.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context {
    /// See [`super::Packet::time`].
    pub time: i64,
    /// See [`super::Packet::number`].
    pub number: u64,
    /// See [`super::Packet::wire`].
    pub wire: u32,
    /// See [`super::Packet::packets`].
    pub packets: u32,
    /// See [`super::Packet::vlans`].
    pub vlans: [u16; 2],
    /// See [`super::Packet::third_vlan`].
    pub third_vlan: u16,
    /// VLAN tags so far.
    pub tags: u8,
    /// See [`super::Packet::tunnels`].
    pub tunnels: u8,
    /// Steps so far.
    pub steps: u8,
    /// See [`super::Packet::macs`].
    pub macs: [[u8; 6]; 2],
    /// They are those of the outermost header that has any.
    pub addressed: bool,
}

impl Context {
    /// At the start of a frame.
    #[inline]
    pub fn of(time: i64, wire: u32) -> Context {
        Context { time, wire, packets: 1, ..Context::default() }
    }
}

/// A walk through one frame.
pub struct Walk<'w, 'a> {
    pub settings: &'w Settings,
    pub defrag: &'w mut Defrag,
    pub packets: &'w mut Packets<'a>,
    pub anomalies: &'w mut Counts,
    pub context: Context,
    /// See [`super::Packet::ip_header`].
    pub ip_header: &'a [u8],
}

impl<'a> Walk<'_, 'a> {
    /// Walks through a frame. IP in Ethernet, by far the most frequent, gets to its headers without the loop.
    #[inline]
    pub fn frame(&mut self, link: u16, span: Span<'a>) {
        let next = match link {
            link::linktype::ETHERNET => ethernet::header(self, span),
            _ => Ok(Some((Layer::Link(link), span))),
        };
        let next = match next {
            Ok(Some((Layer::EtherType(ethernet::ethertype::IPV4), ip))) => ip::v4(self, ip),
            Ok(Some((Layer::EtherType(ethernet::ethertype::IPV6), ip))) => ip::v6(self, ip),
            other => other,
        };
        if !matches!(next, Ok(None)) {
            self.follow(next);
        }
    }

    /// Walks from a layer on to the innermost.
    pub fn run(&mut self, layer: Layer, span: Span<'a>) {
        self.follow(Ok(Some((layer, span))));
    }

    /// Decodes what reassembly gave.
    pub fn datagram(&mut self, datagram: &'a Datagram) {
        let next = ip::datagram(self, datagram);
        self.follow(next);
    }

    #[inline(never)]
    fn follow(&mut self, mut next: Next<'a>) {
        loop {
            next = match next {
                Ok(None) => return,
                Ok(Some(_)) if self.context.steps == MOST_STEPS => Err(Anomaly::TooManyLayers),
                Ok(Some((layer, span))) => {
                    self.context.steps += 1;
                    self.step(layer, span)
                }
                Err(anomaly) => {
                    self.anomalies.add(anomaly);
                    return;
                }
            }
        }
    }

    fn step(&mut self, layer: Layer, span: Span<'a>) -> Next<'a> {
        match layer {
            Layer::Link(kind) => link::decode(self, kind, span),
            Layer::EtherType(kind) => ethernet::payload(self, kind, span),
            Layer::Ipv4 => ip::v4(self, span),
            Layer::Ipv6 => ip::v6(self, span),
            Layer::Ip => match span.byte(0).map(|b| b >> 4) {
                Some(4) => ip::v4(self, span),
                Some(6) => ip::v6(self, span),
                _ => Err(Anomaly::RawUnknownVersion),
            },
            Layer::Ethernet => ethernet::header(self, span),
            Layer::Llc => ethernet::llc(span),
            Layer::Wlan => wlan::frame(self, span, false),
            Layer::SwappedWlan => wlan::frame(self, span, true),
            Layer::Ppp => ppp::frame(span),
            Layer::Mpls => mpls::labels(span, self.anomalies),
            Layer::Nsh => mpls::service_header(span),
        }
    }

    /// Enters a tunnel: what follows is another packet in the one just emitted.
    pub fn enter(&mut self, layer: Layer, span: Span<'a>) -> Next<'a> {
        if usize::from(self.context.tunnels) >= self.settings.depths.tunnels {
            return Err(Anomaly::TunnelsTooDeep);
        }
        self.context.tunnels += 1;
        Ok(Some((layer, span)))
    }
}

/// Layers of one frame; Suricata's `decoder.max-layers` stands at 16 too, but counts fewer things as layers.
const MOST_STEPS: u8 = 48;
