//! What detection is told of a flow and of a packet.

use crate::Anomaly;
use crate::applayer::{AppProto, Side};
use crate::decode::{Packet, ip_proto};
use crate::flow::{CLIENT, Flow, SERVER};
use crate::stream::{self, State};

/// What rules ask of a flow, the packet at hand counted.
#[derive(Debug, Clone, Copy)]
pub struct FlowView {
    /// Its id: see [`Flow::id`].
    pub id: u64,
    /// Client's and server's address, as in packets.
    pub addresses: [u128; 2],
    /// Client's and server's port.
    pub ports: [u16; 2],
    /// IP protocol.
    pub proto: u8,
    /// What it carries, where that is known.
    pub app: Option<AppProto>,
    /// TCP: the handshake has ended; others: both sides sent.
    pub established: bool,
    /// Time of the first packet: nanoseconds since 1970, UTC.
    pub first: i64,
    /// Packets of client and server.
    pub packets: [u64; 2],
    /// Frame bytes of client and server.
    pub bytes: [u64; 2],
    /// Payload bytes of client and server.
    pub payload: [u64; 2],
}

impl FlowView {
    /// Of a packet that is looked at for itself.
    #[must_use]
    pub fn alone(packet: &Packet<'_>) -> FlowView {
        FlowView {
            addresses: [packet.source, packet.destination],
            proto: packet.proto,
            packets: [1, 0],
            bytes: [packet.wire.into(), 0],
            payload: [packet.payload_len.into(), 0],
            ..FlowView::none(packet.time)
        }
    }

    /// Of a frame without a packet.
    pub(super) fn none(time: i64) -> FlowView {
        FlowView {
            id: 0,
            addresses: [0; 2],
            ports: [0; 2],
            proto: 0,
            app: None,
            established: false,
            first: time,
            packets: [0; 2],
            bytes: [0; 2],
            payload: [0; 2],
        }
    }

    /// Of a flow of the table.
    #[must_use]
    pub fn of(flow: &Flow) -> FlowView {
        let both = flow.sides.iter().all(|side| side.packets > 0);
        let [client, server] = [&flow.sides[CLIENT], &flow.sides[SERVER]];
        FlowView {
            id: flow.id(),
            addresses: [flow.client_bits(), flow.server_bits()],
            ports: [flow.client_port(), flow.server_port()],
            proto: flow.key.proto,
            app: flow.app,
            established: if flow.key.proto == ip_proto::TCP { flow.tcp_state >= State::Established } else { both },
            first: flow.first,
            packets: [client.packets, server.packets],
            bytes: [client.frame_bytes, server.frame_bytes],
            payload: [client.payload.bytes(), server.payload.bytes()],
        }
    }
}

/// A packet with what was odd about it.
#[derive(Debug, Clone, Copy)]
pub struct PacketView<'a> {
    /// The packet.
    pub packet: &'a Packet<'a>,
    /// Which way it goes.
    pub side: Side,
    /// Its payload went, or will go, to its flow's stream.
    pub streamed: bool,
    /// What the flow carries was known before: rules that name nothing but a protocol look at the packet.
    pub app_told: bool,
    /// What decoding found odd.
    pub anomalies: &'a [Anomaly],
    /// What its connection found odd.
    pub events: stream::Events,
}

/// What a rule is compared with: a packet, or what came together of several.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scene<'a> {
    pub(super) flow: &'a FlowView,
    pub(super) side: Side,
    pub(super) time: i64,
    /// Absent where a flow's end is what is at hand.
    pub(super) packet: Option<PacketView<'a>>,
}

impl Scene<'_> {
    /// Addresses of source and destination.
    pub(super) fn addresses(&self) -> (u128, u128) {
        match (self.packet, self.flow.addresses, self.side) {
            (Some(PacketView { packet, .. }), ..) => (packet.source, packet.destination),
            (None, [client, server], Side::ToServer) => (client, server),
            (None, [client, server], Side::ToClient) => (server, client),
        }
    }

    /// Ports of source and destination.
    pub(super) fn ports(&self) -> (u16, u16) {
        match (self.flow.ports, self.side) {
            ([client, server], Side::ToServer) => (client, server),
            ([client, server], Side::ToClient) => (server, client),
        }
    }
}

/// 0 to the server, 1 to the client.
pub(super) fn index(side: Side) -> usize {
    match side {
        Side::ToServer => 0,
        Side::ToClient => 1,
    }
}

/// Both, in the order of [`index`].
pub(super) const SIDES: [Side; 2] = [Side::ToServer, Side::ToClient];
