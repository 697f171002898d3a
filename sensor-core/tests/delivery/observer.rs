//! What is learned from IP packets: the streams of both sides, and the flows that the engine makes of them.

use sensor_core::anomaly::Counts;
use sensor_core::decode::{Decoder, DefragLimits, Depths, Packet, Packets, Settings, ip_proto};
use sensor_core::engine::Config;
use sensor_core::flow::Flow;
use sensor_core::inspect::segment_of;
use sensor_core::stream::{self, Connection, End, Policy, Reader, Side, Streams, Wants};
use sensor_core::{Engine, FlowSink, Frame, Limits};

#[derive(Debug, Default)]
pub struct Observed {
    /// The client's and the server's.
    pub streams: [Stream; 2],
    pub flows: Vec<Record>,
    /// Packets of all flows.
    pub packets: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stream {
    pub bytes: Vec<u8>,
    pub gaps: u64,
}

/// What has to stay the same of a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub ports: (u16, u16),
    pub app: Option<&'static str>,
    /// Payload by sequence numbers, of both sides.
    pub bytes: [u64; 2],
    pub estimate: bool,
}

/// Looks at IP packets that come a millisecond after each other. The first one's sender is the client.
pub fn observe(packets: &[Vec<u8>]) -> Observed {
    let frames = packets.iter().zip(0..).map(|(data, n)| Frame {
        time: 1_700_000_000_000_000_000 + n * 1_000_000,
        link: 101,
        wire: data.len() as u32,
        data,
    });
    // Fragments that wait for a lost one give way to the next.
    let defrag = DefragLimits { datagrams: 1, ..Default::default() };
    let limits = Limits { defrag, ..Limits::default() };
    let mut engine = Engine::new(Config { limits, window_ns: None, ..Config::default() });
    let mut observed = Observed::default();
    engine.ingest(frames.clone(), &mut observed);
    engine.finish(&mut observed);
    observed.streams = streams(frames, defrag);
    observed
}

impl FlowSink for Observed {
    fn flow(&mut self, flow: &Flow) {
        self.packets += flow.packets();
        self.flows.push(Record {
            ports: (flow.client_port(), flow.server_port()),
            app: flow.app.map(|app| app.name()),
            bytes: [flow.sides[0].payload.bytes(), flow.sides[1].payload.bytes()],
            estimate: flow.estimate(),
        });
    }
}

/// Decoder and reassembly alone, to the last byte.
fn streams<'a>(frames: impl Iterator<Item = Frame<'a>>, defrag: DefragLimits) -> [Stream; 2] {
    let depths = Depths { vlans: 4, extensions: 16, tunnels: 8 };
    let mut decoder = Decoder::new(Settings { depths, verify_checksums: false, defrag }, 0);
    let mut anomalies = Counts::default();
    let mut talk = Talk {
        streams: Streams::new(stream::Settings { depth: 0, ..Default::default() }),
        connection: Connection::new(Policy::Linux, Policy::Linux),
        client: None,
        read: Read::default(),
    };
    for frame in frames {
        let mut packets = Packets::default();
        decoder.frame(&frame, &mut packets, &mut anomalies);
        packets.list().iter().for_each(|packet| talk.packet(packet));
        while let Some(datagram) = decoder.take_datagram() {
            let mut packets = Packets::default();
            decoder.datagram(&datagram, &mut packets, &mut anomalies);
            packets.list().iter().for_each(|packet| talk.packet(packet));
            decoder.recycle(datagram);
        }
    }
    talk.connection.close(&mut talk.streams, &mut talk.read);
    talk.read.0
}

struct Talk {
    streams: Streams,
    connection: Connection,
    client: Option<(u128, u16)>,
    read: Read,
}

impl Talk {
    fn packet(&mut self, packet: &Packet<'_>) {
        if packet.partial || packet.proto != ip_proto::TCP {
            return;
        }
        let source = (packet.source, packet.source_port);
        let side = if *self.client.get_or_insert(source) == source { Side::Client } else { Side::Server };
        let segment = segment_of(packet, side == Side::Client);
        self.connection.segment(&segment, &mut self.streams, &mut self.read);
    }
}

#[derive(Default)]
struct Read([Stream; 2]);

impl Reader for Read {
    fn data(&mut self, side: Side, bytes: &[u8]) -> Wants {
        self.0[side as usize].bytes.extend(bytes);
        Wants::More
    }

    fn gap(&mut self, side: Side, len: u64) -> Wants {
        self.0[side as usize].gaps += len;
        Wants::More
    }

    fn end(&mut self, _: Side, _: End) {}
}
