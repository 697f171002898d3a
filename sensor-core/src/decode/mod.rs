//! From a frame to its packets: addresses, ports, lengths, TCP fields, payload; through tunnels and fragments.
//!
//! etherparse reads the headers of IP and TCP/UDP; the walk between them, the link layers and tunnels are ours. A
//! malformed packet is an [`Anomaly`](crate::Anomaly), never an error, and only reassembly allocates.

mod arp;
mod checksum;
mod defrag;
mod ethernet;
mod gre;
mod icmp;
mod igmp;
mod ip;
mod link;
mod mpls;
mod options;
mod packet;
mod ppp;
mod sctp;
mod span;
#[cfg(test)]
mod tests;
mod transport;
mod udp_tunnel;
mod walk;
mod wlan;

use crate::anomaly::Counts;
use crate::engine::Frame;

pub use defrag::{Datagram, DefragLimits, OverlapPolicy};
pub use packet::{Arp, Packet, Packets};
pub use transport::{Tcp, TcpFlags, quoted};

use defrag::Defrag;
use span::Span;
use walk::{Context, Walk};

/// IP protocol numbers the decoder knows.
pub mod ip_proto {
    /// ICMP for IPv4.
    pub const ICMP: u8 = 1;
    /// IGMP.
    pub const IGMP: u8 = 2;
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
    /// Authentication header.
    pub const AH: u8 = 51;
    /// ICMP for IPv6.
    pub const ICMPV6: u8 = 58;
    /// No next header.
    pub const NONE: u8 = 59;
    /// EtherIP.
    pub const ETHERIP: u8 = 97;
    /// L2TPv3 over IP.
    pub const L2TP: u8 = 115;
    /// SCTP.
    pub const SCTP: u8 = 132;
    /// UDP-Lite.
    pub const UDPLITE: u8 = 136;
    /// MPLS in IP.
    pub const MPLS: u8 = 137;
}

/// How deep the decoder goes. Past each an anomaly is counted and the rest of the frame is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Depths {
    /// VLAN tags in one frame.
    pub vlans: usize,
    /// IPv6 extension headers in one packet.
    pub extensions: usize,
    /// Tunnels in each other.
    pub tunnels: usize,
}

/// How a decoder is set up.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Depths.
    pub depths: Depths,
    /// Verify the checksums of IPv4, TCP, UDP, ICMP and ICMPv6.
    pub verify_checksums: bool,
    /// Bounds and policy of reassembly.
    pub defrag: DefragLimits,
}

/// Decodes frames. Keeps fragments until their datagram is whole.
#[derive(Debug)]
pub struct Decoder {
    settings: Settings,
    defrag: Defrag,
    frames: u64,
}

impl Decoder {
    /// A decoder that holds no fragments. `seed` makes the hash of their table unpredictable.
    pub fn new(settings: Settings, seed: u64) -> Decoder {
        Decoder { settings, defrag: Defrag::new(settings.defrag, seed), frames: 0 }
    }

    /// Decodes a frame; what is in it is added to `packets`. After it ask [`Decoder::take_datagram`].
    #[inline]
    pub fn frame<'a>(&mut self, frame: &Frame<'a>, packets: &mut Packets<'a>, anomalies: &mut Counts) {
        self.defrag.expire(frame.time, anomalies);
        let span = Span { data: frame.data, len: (frame.wire as usize).max(frame.data.len()) };
        self.frames += 1;
        let context = Context { number: self.frames, ..Context::of(frame.time, frame.wire) };
        self.walk(context, packets, anomalies).frame(frame.link, span);
    }

    /// A datagram that the last frame completed, or whose fragments have waited too long. To be decoded by
    /// [`Decoder::datagram`] and given back by [`Decoder::recycle`].
    #[inline]
    pub fn take_datagram(&mut self) -> Option<Datagram> {
        self.defrag.take()
    }

    /// Decodes a datagram as if it had come whole. One that never became whole gives a packet with what its fragments
    /// say: without ports if the first is missing.
    pub fn datagram<'a>(&mut self, datagram: &'a Datagram, packets: &mut Packets<'a>, anomalies: &mut Counts) {
        self.walk(datagram.context(), packets, anomalies).datagram(datagram);
    }

    /// Datagrams that wait for fragments, and the bytes that their buffers take.
    pub fn fragments_waiting(&self) -> (usize, usize) {
        self.defrag.waiting()
    }

    /// Takes back a datagram's buffer.
    pub fn recycle(&mut self, datagram: Datagram) {
        self.defrag.recycle(datagram);
    }

    /// The source has ended: whatever waits comes out of [`Decoder::take_datagram`].
    pub fn finish(&mut self, anomalies: &mut Counts) {
        self.defrag.finish(anomalies);
    }

    #[inline]
    fn walk<'w, 'a>(
        &'w mut self,
        context: Context,
        packets: &'w mut Packets<'a>,
        anomalies: &'w mut Counts,
    ) -> Walk<'w, 'a> {
        Walk { settings: &self.settings, defrag: &mut self.defrag, packets, anomalies, context, ip_header: &[] }
    }
}
