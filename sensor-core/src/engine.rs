//! The way in: frames are ingested, flow records go to a sink, rows and counters are asked for.

use sensor_wire::request::{FlowsAnswer, ValueColumn, ValuesAnswer};
use sensor_wire::{RowId, Timestamp};

use crate::anomaly::Counts;
use crate::decode::{self, Depths, Packet};
use crate::flow::{Flow, FlowKey, FlowTable};
use crate::limits::{Limits, Timeouts};
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

/// Takes flow records as flows end.
pub trait FlowSink {
    /// A flow has ended; `Flow::end` says why.
    fn flow(&mut self, flow: &Flow);
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
    /// Length of a summary window in nanoseconds of packet time; `None` for flow records without rows.
    pub window_ns: Option<i64>,
    /// Makes hashes unpredictable; shows in no output.
    pub seed: u64,
}

impl Default for Config {
    fn default() -> Self {
        Config { limits: Limits::default(), timeouts: Timeouts::default(), window_ns: Some(10_000_000_000), seed: 0 }
    }
}

/// Decoder, flow table and summary.
#[derive(Debug)]
pub struct Engine {
    depths: Depths,
    table: FlowTable,
    summary: Option<Summary>,
    stats: Stats,
    touched: u64,
}

impl Engine {
    /// An empty engine.
    pub fn new(config: Config) -> Engine {
        let limits = config.limits;
        Engine {
            depths: Depths { vlans: limits.vlans, extensions: limits.extensions },
            table: FlowTable::new(config.seed, limits.flows, config.timeouts),
            summary: config.window_ns.map(|ns| Summary::new(ns, limits)),
            stats: Stats::default(),
            touched: 0,
        }
    }

    /// Ingests frames in the order of their capture.
    ///
    /// They are taken 32 at a time: all are decoded and hashed, then all places in the flow table are touched so that
    /// their cache misses overlap, then each is counted.
    pub fn ingest<'a>(&mut self, frames: impl IntoIterator<Item = Frame<'a>>, sink: &mut impl FlowSink) {
        let mut lane = Lane::default();
        for frame in frames {
            self.stats.packets += 1;
            self.stats.wire_bytes += u64::from(frame.wire);
            self.stats.first.get_or_insert(frame.time);
            self.stats.newest = self.stats.newest.max(frame.time);
            let Some(packet) =
                decode::decode(frame.link, frame.data, frame.wire, self.depths, &mut self.stats.anomalies)
            else {
                continue;
            };
            let (key, upward) = FlowKey::of(&packet);
            let hash = self.table.hash(&key);
            lane.push(Decoded { packet, key, upward, time: frame.time, wire: frame.wire }, hash);
            if lane.is_full() {
                self.count(&mut lane, sink);
            }
        }
        self.count(&mut lane, sink);
    }

    /// The source has ended: every flow ends, the open window closes.
    pub fn finish(&mut self, sink: &mut impl FlowSink) {
        let summary = &mut self.summary;
        self.table.finish(&mut |index, flow| {
            sink.flow(flow);
            mark(summary, index, flow);
        });
        if let Some(summary) = &mut self.summary {
            summary.finish(&mut self.table);
        }
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

    /// Rows kept, and rows that gave way.
    pub fn rows(&self) -> (usize, u64) {
        self.summary.as_ref().map_or((0, 0), |s| (s.row_count(), s.evicted()))
    }

    fn count(&mut self, lane: &mut Lane, sink: &mut impl FlowSink) {
        let len = lane.len;
        self.touched = self.touched.wrapping_add(self.table.touch(lane.hashes.get(..len).unwrap_or_default()));
        let summary = &mut self.summary;
        for (decoded, hash) in lane.packets.iter().zip(lane.hashes.iter()).take(len) {
            let mut ended = |index, flow: &mut Flow| {
                sink.flow(flow);
                mark(summary, index, flow);
            };
            let Decoded { packet, key, upward, time, wire } = decoded;
            let change = self.table.packet(packet, key, *upward, *hash, *time, *wire, &mut ended);
            if change.opened {
                self.stats.flows += 1;
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
        lane.len = 0;
    }
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

/// Packets that are counted together.
struct Lane {
    packets: [Decoded; LANE],
    hashes: [u64; LANE],
    len: usize,
}

#[derive(Clone, Copy)]
struct Decoded {
    packet: Packet,
    key: FlowKey,
    upward: bool,
    time: Timestamp,
    wire: u32,
}

impl Default for Lane {
    fn default() -> Self {
        let packet = Packet::default();
        let (key, upward) = FlowKey::of(&packet);
        Lane { packets: [Decoded { packet, key, upward, time: 0, wire: 0 }; LANE], hashes: [0; LANE], len: 0 }
    }
}

impl Lane {
    fn push(&mut self, decoded: Decoded, hash: u64) {
        if let (Some(place), Some(to)) = (self.packets.get_mut(self.len), self.hashes.get_mut(self.len)) {
            *place = decoded;
            *to = hash;
            self.len += 1;
        }
    }

    fn is_full(&self) -> bool {
        self.len == LANE
    }
}

/// As many packets as the touches of their places can overlap.
const LANE: usize = 32;
