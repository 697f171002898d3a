//! One flow in the table.

use std::hash::{BuildHasher, Hasher};
use std::net::IpAddr;

use foldhash::quality::FixedState;
use sensor_wire::Timestamp;
use sensor_wire::flow::{EndReason, FlowState};

use super::FlowKey;
use super::tcp::SeqCounter;
use crate::applayer::AppProto;
use crate::decode::ip_proto;
use crate::inspect::{Detected, Inspection};
use crate::stream::State;

/// A flow, open or ended.
///
/// Three cache lines, in the order in which they are declared: the key and the times, then each side with what a packet
/// of either changes. A packet needs two or three of them, which [`FlowTable::touch`](super::FlowTable::touch) asks for
/// ahead; a larger record would cost a miss more.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub struct Flow {
    /// Its five-tuple.
    pub key: FlowKey,
    /// Second of the table's clock at which the last packet came.
    pub(super) seen: u32,
    /// Time of the last packet; never before `first`.
    pub last: Timestamp,
    /// Time of the first packet.
    pub first: Timestamp,

    /// What the client sent, and the server: `[client, server]`.
    pub sides: [Side; 2],
    /// ICMP errors that answered what the client sent, and the server. They are packets of no flow: Zeek, nDPI and
    /// Arkime don't count them to the flow they quote either.
    pub icmp_errors: [u32; 2],
    /// Second of the table's clock at which the one valid timer entry is due.
    pub(super) timer_at: u32,
    /// Where the reading of its payload stands.
    pub(crate) inspection: Inspection,
    /// What detection keeps of it.
    pub(crate) detection: Detected,
    /// Where TCP stands.
    pub tcp_state: State,
    /// Where the flow stands.
    pub state: FlowState,
    /// The client is the lower endpoint of the key.
    pub client_low: bool,
    /// The first packet seen was not the flow's first: TCP without a SYN.
    pub midstream: bool,
    /// See [`crate::decode::Packet::one_way`].
    pub one_way: bool,
    /// ICMP type and code of the first packet.
    pub icmp: (u8, u8),
    /// Protocol above TCP or UDP, told by its content; `None` while it is not known.
    pub app: Option<AppProto>,
    /// Why it ended; `None` while it is open.
    pub end: Option<EndReason>,
    /// Changed since the summary last looked.
    pub(crate) dirty: bool,
    /// The summary has a place for it.
    pub(crate) kept: bool,
}

/// What one side of a flow sent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Side {
    /// Packets; a reassembled datagram is one.
    pub packets: u64,
    /// Whole frames on the wire, in bytes.
    pub frame_bytes: u64,
    /// Payload, by sequence numbers for TCP, by lengths for the rest.
    pub payload: SeqCounter,
}

/// Index of the client's side in [`Flow::sides`].
pub const CLIENT: usize = 0;
/// Index of the server's side in [`Flow::sides`].
pub const SERVER: usize = 1;

impl Flow {
    /// The client's address and port.
    pub fn client(&self) -> (IpAddr, u16) {
        self.endpoint(self.client_low)
    }

    /// The server's address and port.
    pub fn server(&self) -> (IpAddr, u16) {
        self.endpoint(!self.client_low)
    }

    /// The client's address as 16 bytes.
    pub fn client_bits(&self) -> u128 {
        if self.client_low { self.key.low } else { self.key.high }
    }

    /// The server's address as 16 bytes.
    pub fn server_bits(&self) -> u128 {
        if self.client_low { self.key.high } else { self.key.low }
    }

    /// The client's port; 0 for protocols without ports.
    pub fn client_port(&self) -> u16 {
        if !self.has_ports() {
            0
        } else if self.client_low {
            self.key.low_port
        } else {
            self.key.high_port
        }
    }

    /// The server's port; 0 for protocols without ports.
    pub fn server_port(&self) -> u16 {
        if !self.has_ports() {
            0
        } else if self.client_low {
            self.key.high_port
        } else {
            self.key.low_port
        }
    }

    /// Who was taken for the client is the server.
    pub(crate) fn turn(&mut self) {
        self.client_low = !self.client_low;
        self.sides.swap(CLIENT, SERVER);
        self.icmp_errors.swap(CLIENT, SERVER);
    }

    /// True for protocols with ports.
    pub fn has_ports(&self) -> bool {
        matches!(self.key.proto, ip_proto::TCP | ip_proto::UDP | ip_proto::SCTP | ip_proto::UDPLITE)
    }

    /// True for ICMP and ICMPv6.
    pub fn is_icmp(&self) -> bool {
        matches!(self.key.proto, ip_proto::ICMP | ip_proto::ICMPV6)
    }

    /// The payload bytes are not exact: a start that was not seen, data that was acknowledged but not seen, or
    /// sequence numbers that contradict each other.
    pub fn estimate(&self) -> bool {
        self.key.proto == ip_proto::TCP && (self.midstream || self.sides.iter().any(|s| s.payload.is_estimate()))
    }

    /// Packets of both sides.
    pub fn packets(&self) -> u64 {
        self.sides[CLIENT].packets + self.sides[SERVER].packets
    }

    /// Frame bytes of both sides.
    pub fn frame_bytes(&self) -> u64 {
        self.sides[CLIENT].frame_bytes + self.sides[SERVER].frame_bytes
    }

    /// Payload bytes of both sides.
    pub fn payload_bytes(&self) -> u64 {
        self.sides[CLIENT].payload.bytes() + self.sides[SERVER].payload.bytes()
    }

    /// A rule was told of it.
    pub fn alerted(&self) -> bool {
        self.detection.alerted()
    }

    /// A rule said that nothing looks into it any more.
    pub fn bypassed(&self) -> bool {
        self.detection.is_bypassed()
    }

    /// What rules did with it as a whole: `pass`, `drop` or nothing.
    pub fn action(&self) -> Option<&'static str> {
        self.detection.action()
    }

    /// The flow's id: a hash of its key and start with a fixed seed, so that the same capture gives the same ids on
    /// every run. 63 bits: EVE readers keep it in signed integers.
    pub fn id(&self) -> u64 {
        let mut hasher = FixedState::with_seed(ID_SEED).build_hasher();
        hasher.write_u64(self.key.hash(&foldhash::fast::FixedState::with_seed(ID_SEED)));
        hasher.write_i64(self.first);
        hasher.finish() >> 1
    }

    fn endpoint(&self, low: bool) -> (IpAddr, u16) {
        let (address, port) = if low { (self.key.low, self.key.low_port) } else { (self.key.high, self.key.high_port) };
        (self.key.ip(address), if self.has_ports() { port } else { 0 })
    }
}

const ID_SEED: u64 = 0x6e69_6768_746a_6172;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flow_takes_three_cache_lines() {
        assert_eq!(size_of::<Flow>(), 3 * 64);
    }
}
