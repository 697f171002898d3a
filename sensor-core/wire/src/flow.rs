//! One flow, as the sensor's flow table ended or last saw it.

use serde::{Deserialize, Serialize};

use crate::{Addr, Timestamp};

/// A flow record: one five-tuple from its first packet to its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FlowRecord {
    /// Unique within one run of a sensor; EVE's `flow_id`.
    pub id: u64,
    /// The side that opened the flow (originator).
    pub client: Addr,
    /// The other side (responder).
    pub server: Addr,
    /// TCP, UDP or SCTP port of the client; 0 where the protocol has none.
    pub client_port: u16,
    /// TCP, UDP or SCTP port of the server; 0 where the protocol has none.
    pub server_port: u16,
    /// IP protocol number.
    pub proto: u8,
    /// ICMP type and code of the first packet.
    pub icmp: Option<(u8, u8)>,
    /// Outer VLAN ids, outermost first; at most two.
    pub vlans: Vec<u16>,
    /// Time of the first packet.
    pub first: Timestamp,
    /// Time of the last packet.
    pub last: Timestamp,
    /// Client to server.
    pub to_server: Counters,
    /// Server to client.
    pub to_client: Counters,
    /// The payload bytes are an estimate: midstream start, unseen segments or inconsistent sequence numbers.
    pub estimate: bool,
    /// The first packet seen was not the flow's first: no SYN was seen.
    pub midstream: bool,
    /// Where the flow stands.
    pub state: FlowState,
    /// Why it ended; `None` while it is open.
    pub end: Option<EndReason>,
    /// Union of the TCP flags each side sent (client, server).
    pub tcp_flags: Option<(u8, u8)>,
    /// TCP state name, as EVE spells it (`syn_sent`, `established`, `closed`, ...); empty when not TCP.
    pub tcp_state: String,
    /// Application protocol; empty while unknown.
    pub app_proto: String,
    /// Community ID v1, seed 0: <https://github.com/corelight/community-id-spec>.
    pub community_id: String,
}

impl Default for FlowRecord {
    fn default() -> Self {
        FlowRecord {
            id: 0,
            client: Addr::NONE,
            server: Addr::NONE,
            client_port: 0,
            server_port: 0,
            proto: 0,
            icmp: None,
            vlans: Vec::new(),
            first: 0,
            last: 0,
            to_server: Counters::default(),
            to_client: Counters::default(),
            estimate: false,
            midstream: false,
            state: FlowState::New,
            end: None,
            tcp_flags: None,
            tcp_state: String::new(),
            app_proto: String::new(),
            community_id: String::new(),
        }
    }
}

/// What one direction of a flow carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counters {
    /// Packets.
    pub packets: u64,
    /// Whole frames on the wire, link header included, in bytes.
    pub frame_bytes: u64,
    /// Payload above TCP (by sequence numbers), UDP or ICMP, in bytes.
    pub payload_bytes: u64,
}

/// Flow states, named as EVE names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FlowState {
    /// Packets in one direction only, or a TCP handshake that has not ended.
    New,
    /// Both directions seen; for TCP the handshake ended.
    Established,
    /// TCP only: ended by FIN or RST.
    Closed,
}

impl FlowState {
    /// The name in EVE.
    pub fn name(self) -> &'static str {
        match self {
            FlowState::New => "new",
            FlowState::Established => "established",
            FlowState::Closed => "closed",
        }
    }
}

/// Why a flow record was written, named as EVE names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EndReason {
    /// No packet within the timeout of its state.
    Timeout,
    /// The table was full and this flow gave way, or its five-tuple was taken again.
    Forced,
    /// The capture or the sensor ended.
    Shutdown,
}

impl EndReason {
    /// The name in EVE.
    pub fn name(self) -> &'static str {
        match self {
            EndReason::Timeout => "timeout",
            EndReason::Forced => "forced",
            EndReason::Shutdown => "shutdown",
        }
    }
}
