//! The way in: frames are ingested, flow records go to a sink, rows and counters are asked for.

use std::sync::Arc;

use sensor_wire::request::{FlowsAnswer, ValueColumn, ValuesAnswer};
use sensor_wire::{RowId, Timestamp};

use crate::anomaly::Counts;
use crate::applayer::Side;
use crate::applayer::parser::{self, Protocol, Transaction};
use crate::decode::{self, Datagram, Decoder, Depths, Packet, Packets, Settings};
use crate::detect::{self, Compiled, Rules};
use crate::discover::{DiscoverLimits, Discovery, Event};
use crate::flow::{Change, Flow, FlowIndex, FlowKey, FlowTable, Place};
use crate::inspect::Inspector;
use crate::limits::{Limits, Timeouts};
use crate::networks::Networks;
use crate::summary::{Delta, Summary};

/// A captured frame.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Nanoseconds since 1970, UTC.
    pub time: Timestamp,
    /// [Link type](https://www.tcpdump.org/linktypes.html).
    pub link: u16,
    /// Length on the wire in bytes.
    pub wire: u32,
    /// What was captured of it.
    pub data: &'a [u8],
}

/// Takes records as they are made.
pub trait FlowSink {
    /// A flow has ended; `Flow::end` says why.
    fn flow(&mut self, flow: &Flow);

    /// Something about a host is new.
    fn discovered(&mut self, _: &Event) {}

    /// A transaction is complete, or as complete as it will be.
    fn transaction(&mut self, _: &Told<'_>) {}

    /// A rule matched.
    fn alert(&mut self, _: &Alerted<'_>) {}
}

/// A rule that matched, and where.
#[derive(Clone, Copy, Debug)]
pub struct Alerted<'a> {
    /// The flow.
    pub flow: &'a Flow,
    /// Time of the packet that brought it: nanoseconds since 1970, UTC.
    pub time: Timestamp,
    /// The direction of what matched.
    pub side: Side,
    /// The rule.
    pub rule: &'a Compiled,
    /// What it matched in.
    pub place: detect::Place,
    /// The transaction it matched in, with its protocol and number.
    pub transaction: Option<(&'static Protocol, u64, &'a dyn Transaction)>,
}

/// A transaction and the flow it is of.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// The flow.
    pub flow: &'a Flow,
    /// Time of the packet that completed it: nanoseconds since 1970, UTC.
    pub time: Timestamp,
    /// Its protocol.
    pub protocol: &'static Protocol,
    /// Its number within the flow's protocol.
    pub id: u64,
    /// What was said.
    pub transaction: &'a dyn Transaction,
}

/// Where flow records aren't wanted.
impl FlowSink for () {
    fn flow(&mut self, _: &Flow) {}
}

/// Counters of an engine.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// Frames ingested.
    pub packets: u64,
    /// Their length on the wire, in bytes.
    pub wire_bytes: u64,
    /// Flows opened.
    pub flows: u64,
    /// Time of the first packet; `None` before it.
    pub first: Option<Timestamp>,
    /// Time of the newest packet.
    pub newest: Timestamp,
    /// ARP messages.
    pub arp: u64,
    /// Decode anomalies.
    pub anomalies: Counts,
}

/// How an engine is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// Bounds.
    pub limits: Limits,
    /// Flow timeouts.
    pub timeouts: Timeouts,
    /// Flow timeouts while the table is nearly full.
    pub emergency: Timeouts,
    /// Verify checksums: packets with a wrong one count to their flow but change nothing of its state.
    pub verify_checksums: bool,
    /// Length of a summary window in nanoseconds of packet time; `None` for flow records without rows.
    pub window_ns: Option<i64>,
    /// Tell which protocols flows carry.
    pub protocols: bool,
    /// Read the messages of flows, for records of them; needs `protocols`.
    pub parse: Option<parser::Settings>,
    /// Run these rules; needs `protocols`, and `parse` for those of transactions.
    pub rules: Option<Arc<Rules>>,
    /// Look at streams whose handshake was not seen (`stream.midstream`): their rules and messages.
    pub midstream: bool,
    /// Look for hosts, what they are called and what they offer.
    pub discover: Option<DiscoverLimits>,
    /// Own networks: discovery tells of hosts in them, and of those on the sensor's own link. All others are only known.
    pub home: Networks,
    /// Makes hashes unpredictable; shows in no output.
    pub seed: u64,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            limits: Limits::default(),
            timeouts: Timeouts::default(),
            emergency: Timeouts::emergency(),
            verify_checksums: false,
            window_ns: Some(10_000_000_000),
            protocols: true,
            parse: None,
            rules: None,
            midstream: false,
            discover: Some(DiscoverLimits::default()),
            home: Networks::private(),
            seed: 0,
        }
    }
}

/// Decoder, flow table and summary.
#[derive(Debug)]
pub struct Engine {
    decoder: Decoder,
    table: FlowTable,
    inspector: Inspector,
    summary: Option<Summary>,
    stats: Stats,
    /// Of the packets that are counted together.
    keys: Vec<(FlowKey, bool)>,
    places: Vec<Place>,
    touched: u64,
}

impl Engine {
    /// An empty engine.
    pub fn new(config: Config) -> Engine {
        let limits = config.limits;
        let settings = Settings {
            depths: Depths { vlans: limits.vlans, extensions: limits.extensions, tunnels: limits.tunnels },
            verify_checksums: config.verify_checksums,
            defrag: limits.defrag,
        };
        let mut inspector = Inspector::new(&config);
        if let Some(discovery) = inspector.discovery_mut() {
            discovery.assets.tell_of(config.home);
        }
        Engine {
            decoder: Decoder::new(settings, config.seed),
            table: FlowTable::new(config.seed, &limits, config.timeouts, config.emergency),
            inspector,
            summary: config.window_ns.map(|ns| Summary::new(ns, limits)),
            stats: Stats::default(),
            keys: Vec::new(),
            places: Vec::new(),
            touched: 0,
        }
    }

    /// Ingests frames in the order of their capture.
    ///
    /// They are taken 32 at a time: all are decoded and hashed, then all places in the flow table are touched so that
    /// their cache misses overlap, then each is counted.
    pub fn ingest<'a>(&mut self, frames: impl IntoIterator<Item = Frame<'a>>, sink: &mut impl FlowSink) {
        let mut packets = Packets::default();
        for frame in frames {
            self.stats.packets += 1;
            self.stats.wire_bytes += u64::from(frame.wire);
            self.stats.first.get_or_insert(frame.time);
            self.stats.newest = self.stats.newest.max(frame.time);
            self.decoder.frame(&frame, &mut packets, &mut self.stats.anomalies);
            if packets.is_full() {
                self.count(&mut packets, sink);
            }
            if let Some(datagram) = self.decoder.take_datagram() {
                // Its packets come after those before it.
                self.count(&mut packets, sink);
                self.datagrams(datagram, sink);
            }
        }
        self.count(&mut packets, sink);
    }

    /// Decodes and counts what reassembly gave. A datagram may hold a fragment of an inner one, so there may be more
    /// afterwards; each is smaller than the one that held it.
    #[cold]
    fn datagrams(&mut self, first: Datagram, sink: &mut impl FlowSink) {
        let mut next = Some(first);
        while let Some(datagram) = next {
            let mut packets = Packets::default();
            self.decoder.datagram(&datagram, &mut packets, &mut self.stats.anomalies);
            self.count(&mut packets, sink);
            self.decoder.recycle(datagram);
            next = self.decoder.take_datagram();
        }
    }

    /// Time goes on without packets: flows whose timeout has come end, a window that time has left closes. `now` is a
    /// time before which no packet will come any more; live capture tells it when the wire is idle, replay never.
    pub fn tick(&mut self, now: Timestamp, sink: &mut impl FlowSink) {
        let Engine { summary, inspector, .. } = self;
        self.table.advance(now, &mut |index, flow| {
            inspector.ended(flow, sink);
            sink.flow(flow);
            mark(summary, index, flow);
        });
        self.tell(sink);
        if let Some(summary) = &mut self.summary {
            summary.tick(now, &mut self.table);
        }
    }

    /// The source has ended: every flow ends, the open window closes.
    pub fn finish(&mut self, sink: &mut impl FlowSink) {
        self.decoder.finish(&mut self.stats.anomalies);
        if let Some(datagram) = self.decoder.take_datagram() {
            self.datagrams(datagram, sink);
        }
        let Engine { summary, inspector, .. } = self;
        self.table.finish(&mut |index, flow| {
            inspector.ended(flow, sink);
            sink.flow(flow);
            mark(summary, index, flow);
        });
        // Closing streams hands on what waited in them.
        self.tell(sink);
        if let Some(summary) = &mut self.summary {
            summary.finish(&mut self.table);
        }
    }

    /// The hosts, where they are looked for.
    pub fn discovery(&self) -> Option<&Discovery> {
        self.inspector.discovery()
    }

    /// Rows that changed after a viewer's place, at most `budget`; see [`Delta`]. Empty without a summary.
    pub fn changed_after(&mut self, after: u64, budget: usize) -> Delta {
        let Some(summary) = &mut self.summary else { return Delta::default() };
        summary.settle(&mut self.table);
        summary.changed_after(after, budget, &self.table)
    }

    /// Flows of a row.
    pub fn flows(&self, row: RowId, offset: u32, limit: u32) -> FlowsAnswer {
        match &self.summary {
            Some(summary) => summary.flows(row, offset, limit, &self.table),
            None => FlowsAnswer { gone: true, done: true, ..Default::default() },
        }
    }

    /// Unique values of a column of a row.
    pub fn values(&self, row: RowId, column: ValueColumn) -> ValuesAnswer {
        match &self.summary {
            Some(summary) => summary.values(row, column, &self.table),
            None => ValuesAnswer { gone: true, done: true, ..Default::default() },
        }
    }

    /// Counters.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Flows that are open.
    pub fn open_flows(&self) -> usize {
        self.table.open_flows()
    }

    /// Flows that gave way because the table was full.
    pub fn flows_forced(&self) -> u64 {
        self.table.forced()
    }

    /// How often the table was nearly full, so that flows were given shorter timeouts.
    pub fn flow_emergencies(&self) -> u64 {
        self.table.emergencies()
    }

    /// Flows whose payload is being read.
    pub fn inspections(&self) -> usize {
        self.inspector.under_way()
    }

    /// Flows whose payload was not read because too many others were.
    pub fn inspections_refused(&self) -> u64 {
        self.inspector.refused()
    }

    /// Flows whose messages were not read to their end because those of others took all the room.
    pub fn flows_unparsed(&self) -> u64 {
        self.inspector.unparsed()
    }

    /// Packets of flows whose state detection did not keep because too many others were kept: each was looked at alone.
    pub fn detection_refused(&self) -> u64 {
        self.inspector.detection_refused()
    }

    /// Beginnings of streams that discovery did not read to their end because too many others were kept.
    pub fn openings_refused(&self) -> u64 {
        self.inspector.openings_refused()
    }

    /// Rows kept, and rows that gave way.
    pub fn rows(&self) -> (usize, u64) {
        self.summary.as_ref().map_or((0, 0), |s| (s.row_count(), s.evicted()))
    }

    /// Counts packets to their flows, in order. Later stages take each packet and its flow here.
    fn count(&mut self, packets: &mut Packets<'_>, sink: &mut impl FlowSink) {
        self.keys.clear();
        self.places.clear();
        self.keys.extend(packets.list().iter().map(FlowKey::of));
        self.places.extend(self.keys.iter().map(|(key, _)| self.table.place(key)));
        let seen = self.table.touch(&mut self.places, |flow| self.inspector.touch(flow));
        self.touched = self.touched.wrapping_add(seen);
        for arp in packets.arps() {
            self.stats.arp += 1;
            self.inspector.arp(arp);
        }
        let Engine { summary, inspector, .. } = self;
        for ((packet, (key, upward)), place) in packets.list().iter().zip(&self.keys).zip(&self.places) {
            let mut ended = |index, flow: &mut Flow| {
                inspector.ended(flow, sink);
                sink.flow(flow);
                mark(summary, index, flow);
            };
            let change = match quoted_flow(&mut self.table, packet) {
                Some(flow) => Change { flow, opened: false, from_client: true },
                None => self.table.packet(packet, key, *upward, *place, &mut ended),
            };
            if change.opened {
                self.stats.flows += 1;
            }
            if let Some(flow) = self.table.get_mut(change.flow)
                && !packet.icmp_error
            {
                inspector.packet(flow, packet, change.from_client, sink);
            }
            if let Some(summary) = summary {
                if change.opened {
                    summary.opened(change.flow, &mut self.table);
                }
                if let Some(flow) = self.table.get_mut(change.flow)
                    && !flow.dirty
                {
                    flow.dirty = true;
                    summary.changed(change.flow);
                }
            }
        }
        packets.clear();
        if self.inspector.discovery().is_some_and(|discovery| discovery.assets.has_events()) {
            self.tell(sink);
        }
    }

    /// Hands on what discovery found.
    #[cold]
    fn tell(&mut self, sink: &mut impl FlowSink) {
        let Engine { summary, inspector, table, .. } = self;
        let Some(discovery) = inspector.discovery_mut() else { return };
        for event in discovery.assets.take_events() {
            sink.discovered(&event);
            if let Some(summary) = summary {
                summary.discovered(&event, table);
            }
        }
    }
}

/// The open flow that an ICMP error is about. Errors about no open flow have flows of their own.
#[inline]
fn quoted_flow(table: &mut FlowTable, packet: &Packet<'_>) -> Option<FlowIndex> {
    if !packet.icmp_error {
        return None;
    }
    let (key, upward) = FlowKey::of(&decode::quoted(packet)?);
    table.error_about(&key, upward)
}

/// Tells the summary of a flow that changed, once until it looks.
fn mark(summary: &mut Option<Summary>, index: u32, flow: &mut Flow) {
    if let Some(summary) = summary
        && flow.kept
        && !flow.dirty
    {
        flow.dirty = true;
        summary.changed(index);
    }
}
