//! What decoding gives: packets with their fields read, and ARP messages.

use super::Tcp;

/// What one packet says. Addresses are 16 bytes in network order; IPv4 stands as `::ffff:a.b.c.d` with `v6` false.
///
/// A frame gives one packet for each IP header in it, the outermost first: a tunnel's own, then what it carries.
/// Slices point into the frame, or into the buffer of a reassembled datagram.
#[derive(Clone, Copy, Debug, Default)]
pub struct Packet<'a> {
    /// Source address.
    pub source: u128,
    /// Destination address.
    pub destination: u128,
    /// Payload above the transport header, as far as it was captured; never more than `payload_len`.
    pub payload: &'a [u8],
    /// The IP header with IPv4's options, without IPv6's extension headers; empty for a reassembled datagram.
    pub ip_header: &'a [u8],
    /// All behind the IP headers, as far as it was captured: the transport header and what follows it.
    pub transport: &'a [u8],
    /// Options of a TCP header, as far as they were captured.
    pub tcp_options: &'a [u8],
    /// Time of the frame, or of the one that completed a datagram: nanoseconds since 1970, UTC.
    pub time: i64,
    /// Number of that frame, from 1 on.
    pub number: u64,
    /// Length of the whole frame on the wire. A reassembled datagram has the length that it would have had in one
    /// frame; fragments that never made a whole have the sum of theirs.
    pub wire: u32,
    /// Frames that this stands for: 1 but for fragments that never made a whole. A reassembled datagram is one
    /// packet, as Suricata, Zeek, nDPI and Arkime count it.
    pub packets: u32,
    /// Length of the payload by the headers (the capture may hold less).
    pub payload_len: u32,
    /// TCP fields; meaningless for other protocols.
    pub tcp: Tcp,
    /// Source port; for ICMP its type; 0 where there is none.
    pub source_port: u16,
    /// Destination port; for ICMP the type of the answer, or the code; 0 where there is none.
    pub destination_port: u16,
    /// Outer VLAN ids, outermost first; 0 where there is none.
    pub vlans: [u16; 2],
    /// The third VLAN id, which tells no flows apart; 0 where there is none.
    pub third_vlan: u16,
    /// VLAN tags.
    pub tags: u8,
    /// IPv4 identification; 0 for IPv6.
    pub ip_id: u16,
    /// IP protocol number of what the packet carries, after IPv6 extension headers and AH.
    pub proto: u8,
    /// IPv4 time to live or IPv6 hop limit.
    pub ttl: u8,
    /// ICMP type and code.
    pub icmp: (u8, u8),
    /// How many tunnels the packet was in.
    pub tunnels: u8,
    /// Source and destination of the outermost Ethernet or 802.11 header; zeros where there is none.
    pub macs: [[u8; 6]; 2],
    /// The addresses are IPv6.
    pub v6: bool,
    /// IPv4's don't-fragment flag.
    pub dont_fragment: bool,
    /// ICMP that is never answered: its five-tuple keeps its direction in the community id.
    pub one_way: bool,
    /// An ICMP error: `payload` holds the start of the packet it is about, see [`super::quoted`].
    pub icmp_error: bool,
    /// A checksum was verified and is wrong: the receiver drops this packet, so streams must not see it.
    pub bad_checksum: bool,
    /// Fragments of a datagram that never became whole: the receiver never got it, so TCP must not see it.
    pub partial: bool,
    /// It carries a packet that was decoded too and follows.
    pub carrier: bool,
}

/// An ARP message for IPv4 over Ethernet (RFC 826).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arp {
    /// Time of the frame: nanoseconds since 1970, UTC.
    pub time: i64,
    /// 1 asks, 2 answers.
    pub operation: u16,
    /// Hardware address of the sender.
    pub sender_mac: [u8; 6],
    /// Protocol address of the sender.
    pub sender_ip: [u8; 4],
    /// Hardware address of the target; zeros in a question.
    pub target_mac: [u8; 6],
    /// Protocol address of the target.
    pub target_ip: [u8; 4],
    /// Outer VLAN ids.
    pub vlans: [u16; 2],
    /// Number of the frame, from 1.
    pub number: u64,
    /// Hardware addresses of the outermost header that has any: source and destination.
    pub macs: [[u8; 6]; 2],
}

/// Packets and ARP messages that wait to be counted together. Fixed in size: a lane of packets, and room for all that
/// one more frame may hold.
#[derive(Debug)]
pub struct Packets<'a> {
    list: [Packet<'a>; LANE + MOST_IN_A_FRAME],
    len: usize,
    arps: Vec<Arp>,
    /// The place behind the last holds a packet whose transport header is cut.
    cut: bool,
}

impl Default for Packets<'_> {
    fn default() -> Self {
        Packets { list: [Packet::default(); LANE + MOST_IN_A_FRAME], len: 0, arps: Vec::new(), cut: false }
    }
}

impl<'a> Packets<'a> {
    /// As many packets as the touches of their places in the flow table can overlap.
    pub const LANE: usize = LANE;

    /// The packets, in the order of their frames.
    #[inline]
    pub fn list(&self) -> &[Packet<'a>] {
        self.list.get(..self.len).unwrap_or_default()
    }

    /// The ARP messages.
    pub fn arps(&self) -> &[Arp] {
        &self.arps
    }

    /// A lane is full: count it before the next frame.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.len >= LANE || self.arps.len() >= LANE
    }

    /// Forgets all.
    #[inline]
    pub fn clear(&mut self) {
        self.len = 0;
        self.cut = false;
        self.arps.clear();
    }

    /// The packet of the last frame whose transport header is cut: it tells who sent it to whom, but is none of a flow.
    pub(crate) fn take_cut(&mut self) -> Option<Packet<'a>> {
        std::mem::take(&mut self.cut).then(|| self.list.get(self.len).copied())?
    }

    /// The packet that was written to its place is not kept.
    #[cold]
    pub(super) fn cut(&mut self) {
        self.cut = true;
    }

    /// The place of the next packet, which is written where it will lie; [`Packets::keep`] then keeps it. `None` when
    /// there is no room, which only more than [`MOST_IN_A_FRAME`] in one frame can cause.
    #[inline]
    pub(super) fn place(&mut self) -> Option<&mut Packet<'a>> {
        self.list.get_mut(self.len)
    }

    /// Keeps the packet that was written to its place.
    #[inline]
    pub(super) fn keep(&mut self) {
        self.len += 1;
    }

    pub(super) fn push_arp(&mut self, arp: Arp) {
        if self.arps.len() < LANE + MOST_IN_A_FRAME {
            self.arps.push(arp);
        }
    }
}

const LANE: usize = 32;

/// Packets that one frame may hold: tunnels in each other, or the parts of an aggregate of 802.11.
const MOST_IN_A_FRAME: usize = 32;
