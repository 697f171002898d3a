//! Frames end to end through an engine whose every bound is low.

use sensor_core::anomaly::Counts;
use sensor_core::decode::{Decoder, DefragLimits, Depths, Packet, Packets, Settings};
use sensor_core::engine::Config;
use sensor_core::flow::Flow;
use sensor_core::{Engine, FlowSink, Frame, Limits};
use sensor_wire::request::ValueColumn;

use crate::frames;
use crate::input::Input;

/// Every packet that is decoded is counted to one flow, each flow ends once, bounds hold, and viewers can ask any time.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let flags = input.u8();
    let limits = Limits {
        flows: 6,
        kept_flows: 12,
        // More than the open window may have: half of the flows kept.
        rows: 8,
        defrag: DefragLimits { datagrams: 2, bytes: 8192, ..Default::default() },
        inspections: 3,
        stream_bytes: 4096,
        opening_bytes: 1024,
        ..Limits::default()
    };
    let config = Config {
        limits,
        verify_checksums: flags & 1 != 0,
        window_ns: (flags & 2 == 0).then_some(10_000_000_000),
        ..Config::default()
    };
    let lot = usize::from(flags >> 2) + 1;
    let (mut engine, mut ended, mut time) = (Engine::new(config.clone()), Ended::default(), frames::BEGIN);
    let mut reference = Reference::new(&config);
    let mut place = 0;
    while !input.is_empty() {
        let mut frames = Vec::new();
        while frames.len() < lot && !input.is_empty() {
            frames.push(frames::next(&mut input, &mut time));
        }
        frames.iter().for_each(|frame| reference.frame(frame));
        engine.ingest(frames, &mut ended);
        assert!(engine.open_flows() <= limits.flows);
        assert!(engine.inspections() <= limits.inspections);
        if flags & 0x10 != 0 {
            engine.tick(time, &mut ended);
        }
        let delta = engine.changed_after(place, 3);
        place = delta.seq;
        for row in &delta.rows {
            engine.flows(row.id, 0, 8);
            engine.values(row.id, ValueColumn::ServerPort);
        }
        assert!(engine.rows().0 <= limits.rows, "{:?}", engine.rows());
    }
    engine.finish(&mut ended);
    reference.finish();
    assert_eq!((engine.open_flows(), engine.inspections()), (0, 0));
    assert_eq!(ended.flows, engine.stats().flows);
    let (all, errors) = (reference.all, reference.errors);
    assert!(ended.packets <= all.0 && ended.packets >= all.0 - errors.0, "{} of {all:?} {errors:?}", ended.packets);
    assert!(ended.bytes <= all.1 && ended.bytes >= all.1 - errors.1, "{} of {all:?} {errors:?}", ended.bytes);
    assert_eq!(engine.stats().anomalies.ranked(), reference.anomalies.ranked());
}

/// Sums of the flows that ended.
#[derive(Default)]
struct Ended {
    flows: u64,
    packets: u64,
    bytes: u64,
}

impl FlowSink for Ended {
    fn flow(&mut self, flow: &Flow) {
        assert!(flow.end.is_some() && flow.last >= flow.first);
        self.flows += 1;
        self.packets += flow.packets();
        self.bytes += flow.frame_bytes();
    }
}

/// The same frames through a decoder alone, which counts packets and their bytes.
struct Reference {
    decoder: Decoder,
    anomalies: Counts,
    all: (u64, u64),
    /// ICMP errors: where they quote an open flow they are counted to none.
    errors: (u64, u64),
}

impl Reference {
    fn new(config: &Config) -> Reference {
        let limits = config.limits;
        let settings = Settings {
            depths: Depths { vlans: limits.vlans, extensions: limits.extensions, tunnels: limits.tunnels },
            verify_checksums: config.verify_checksums,
            defrag: limits.defrag,
        };
        Reference { decoder: Decoder::new(settings, 0), anomalies: Counts::default(), all: (0, 0), errors: (0, 0) }
    }

    fn frame(&mut self, frame: &Frame<'_>) {
        let mut packets = Packets::default();
        self.decoder.frame(frame, &mut packets, &mut self.anomalies);
        packets.list().iter().for_each(|packet| self.count(packet));
        self.datagrams();
    }

    fn finish(&mut self) {
        self.decoder.finish(&mut self.anomalies);
        self.datagrams();
    }

    fn datagrams(&mut self) {
        while let Some(datagram) = self.decoder.take_datagram() {
            let mut packets = Packets::default();
            self.decoder.datagram(&datagram, &mut packets, &mut self.anomalies);
            packets.list().iter().for_each(|packet| self.count(packet));
            self.decoder.recycle(datagram);
        }
    }

    fn count(&mut self, packet: &Packet<'_>) {
        let one = (u64::from(packet.packets), u64::from(packet.wire));
        self.all = (self.all.0 + one.0, self.all.1 + one.1);
        if packet.icmp_error {
            self.errors = (self.errors.0 + one.0, self.errors.1 + one.1);
        }
    }
}
