//! The way in: frames are ingested, flow records go to a sink, rows and counters are asked for.

use std::sync::Arc;

use sensor_wire::request::{FlowsAnswer, ValueColumn, ValuesAnswer};
use sensor_wire::{RowId, Timestamp};

use crate::anomaly::{Anomaly, Counts};
use crate::applayer::Side;
use crate::applayer::parser::{self, Protocol, Transaction};
use crate::decode::{self, Datagram, Decoder, Depths, Packet, Packets, Settings};
use crate::detect::explain::Inquiry;
use crate::detect::{self, Claim, Compiled, Rules};
use crate::discover::{DiscoverLimits, Discovery, Event};
use crate::flow::{Change, Flow, FlowIndex, FlowKey, FlowTable, Place};
use crate::inspect::Inspector;
use crate::limits::{Limits, Timeouts};
use crate::networks::Networks;
use crate::rules::{Action, Ruleset};
use crate::share::{Note, Noted, Notes, Share};
use crate::summary::{Delta, Hit, Summary};

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

    /// A rule matched in an engine that has a share of a capture: a judge says whether it is an alert.
    fn claim(&mut self, _: &Claim, _: &Alerted<'_>) {}

    /// What a flow carries was told by its messages, or rules let it pass or bypass it.
    fn changed(&mut self, _: &Flow) {}

    /// What follows comes of the frame of that number, from 1.
    fn at(&mut self, _: u64) {}

    /// Alerts come of these rules from here on.
    fn rules(&mut self, _: &Arc<Ruleset>) {}

    /// A packet is dropped. Only a sensor that stands in the way of the packets drops any.
    fn dropped(&mut self, _: &Dropped<'_>) {}
}

/// A packet that is dropped, and why.
#[derive(Clone, Copy, Debug)]
pub struct Dropped<'a> {
    /// The flow.
    pub flow: &'a Flow,
    /// The packet.
    pub packet: &'a Packet<'a>,
    /// Which way it goes.
    pub side: Side,
    /// Why.
    pub reason: DropReason,
    /// The rule that dropped it.
    pub rule: Option<&'a Compiled>,
}

/// Why a packet is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropReason {
    /// A rule says so.
    Rules,
    /// Its flow is dropped.
    Flow,
    /// The start of its flow was not seen.
    Midstream,
}

impl DropReason {
    /// Its name in EVE.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            DropReason::Rules => "rules",
            DropReason::Flow => "flow drop",
            DropReason::Midstream => "stream midstream",
        }
    }
}

/// What is done with TCP flows whose start was not seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MidstreamPolicy {
    /// What [`Config::midstream`] says.
    #[default]
    Ignore,
    /// Rules don't look at them.
    Pass,
    /// Nothing looks into them.
    Bypass,
    /// They are dropped, where the sensor can; else as [`MidstreamPolicy::Ignore`].
    Drop,
}

/// A rule that matched, and where.
#[derive(Clone, Copy, Debug)]
pub struct Alerted<'a> {
    /// The flow; `None` for a frame that holds no packet, and for an ICMP error, which is of no flow.
    pub flow: Option<&'a Flow>,
    /// The packet that brought it; `None` if the flow's end did. Empty but for its number where a frame holds none.
    pub packet: Option<&'a Packet<'a>>,
    /// Time of that packet: nanoseconds since 1970, UTC.
    pub time: Timestamp,
    /// The direction of what matched.
    pub side: Side,
    /// The rule.
    pub rule: &'a Compiled,
    /// What the sensor did: [`Action::Alert`] if it only told.
    pub action: Action,
    /// What it matched in.
    pub place: detect::Place,
    /// What rules have kept of the flow.
    pub kept: detect::Kept<'a>,
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
    /// What they were compiled from: rows take their messages from it.
    pub ruleset: Arc<Ruleset>,
    /// Look at streams whose handshake was not seen (`stream.midstream`): their rules and messages.
    pub midstream: bool,
    /// What is done with TCP flows whose start was not seen (`stream.midstream-policy`).
    pub midstream_policy: MidstreamPolicy,
    /// The sensor stands in the way of the packets: rules that drop do.
    pub inline: bool,
    /// Rules see a stream's bytes as they come, not in pieces of a size (`stream.inline`). Goes with `inline`.
    pub stream_inline: bool,
    /// Alerts of one packet that are told (`packet-alert-max`).
    pub packet_alerts: usize,
    /// Look for hosts, what they are called and what they offer.
    pub discover: Option<DiscoverLimits>,
    /// Own networks: discovery tells of hosts in them, and of those on the sensor's own link. All others are only known.
    pub home: Networks,
    /// Makes hashes unpredictable; shows in no output.
    pub seed: u64,
    /// Which flows of a capture are looked at, where several engines share it; `None` for all.
    pub share: Option<Share>,
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
            ruleset: Arc::default(),
            midstream: false,
            midstream_policy: MidstreamPolicy::Ignore,
            inline: false,
            stream_inline: false,
            packet_alerts: 15,
            discover: Some(DiscoverLimits::default()),
            home: Networks::private(),
            seed: 0,
            share: None,
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
    ruleset: Arc<Ruleset>,
    /// As it was set up; without rules.
    config: Config,
    /// Alerts that rows are yet to tell of; `None` without rows.
    alerts: Option<Vec<Matched>>,
    /// Of the packets that are counted together.
    keys: Vec<(FlowKey, bool)>,
    places: Vec<Place>,
    touched: u64,
    /// What was odd about packets of the lane, by their place in it; only where rules ask.
    odd: Vec<(usize, Anomaly)>,
    asks_frames: bool,
    /// What other engines found in the frames that come.
    notes: Notes,
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
            discovery.assets.tell_of(config.home.clone());
        }
        let asks_frames = inspector.asks_frames();
        Engine {
            asks_frames,
            odd: Vec::new(),
            decoder: Decoder::new(settings, config.seed),
            table: FlowTable::new(config.seed, &limits, config.timeouts, config.emergency),
            inspector,
            ruleset: Arc::clone(&config.ruleset),
            alerts: config.window_ns.map(|_| Vec::new()),
            summary: config.window_ns.map(|ns| Summary::new(ns, limits)),
            stats: Stats::default(),
            keys: Vec::new(),
            places: Vec::new(),
            touched: 0,
            notes: Notes::default(),
            config: Config { rules: None, ruleset: Arc::default(), ..config },
        }
    }

    /// Runs other rules from the next packet on, compiled from `ruleset`. Flows stay as they are, and what rules keep of
    /// them, of hosts and of how often they matched goes on where the new rules know it: rules are the same by gid and
    /// sid, bits, numbers and data sets by name. Rules of a flow's first packet are not looked at again.
    pub fn set_rules(&mut self, rules: Arc<Rules>, ruleset: Arc<Ruleset>, sink: &mut impl FlowSink) {
        self.inspector.set_rules(rules, &self.config);
        self.asks_frames = self.inspector.asks_frames();
        sink.rules(&ruleset);
        self.ruleset = ruleset;
    }

    /// Alerts that are noted come of these rules from here on.
    pub fn set_ruleset(&mut self, ruleset: Arc<Ruleset>, sink: &mut impl FlowSink) {
        sink.rules(&ruleset);
        self.ruleset = ruleset;
    }

    /// Takes what other engines found in the frames that are ingested next, in their order.
    pub fn heed(&mut self, notes: impl IntoIterator<Item = Note>) {
        self.notes.extend(notes);
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
            let before = packets.list().len();
            self.decoder.frame(&frame, &mut packets, &mut self.stats.anomalies);
            if !self.stats.anomalies.fresh().is_empty() {
                self.oddities(before, &mut packets, frame.time, sink);
            }
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

    /// Keeps what was odd about a frame for its innermost packet. One without a packet is told at once.
    #[cold]
    fn oddities(&mut self, before: usize, packets: &mut Packets<'_>, time: Timestamp, sink: &mut impl FlowSink) {
        let after = packets.list().len();
        if self.asks_frames && after > before {
            self.odd.extend(self.stats.anomalies.fresh().iter().map(|anomaly| (after - 1, *anomaly)));
        } else if self.asks_frames {
            // Those before it come first.
            let cut = packets.take_cut();
            self.count(packets, sink);
            let number = self.stats.packets;
            let packet = cut.unwrap_or_else(|| Packet { time, number, ..Packet::default() });
            if self.config.share.is_none_or(Share::takes_the_rest) {
                sink.at(number);
                self.inspector.frame(&packet, self.stats.anomalies.fresh(), sink);
            }
        }
        self.stats.anomalies.stale();
    }

    /// Decodes and counts what reassembly gave. A datagram may hold a fragment of an inner one, so there may be more
    /// afterwards; each is smaller than the one that held it.
    #[cold]
    fn datagrams(&mut self, first: Datagram, sink: &mut impl FlowSink) {
        let mut next = Some(first);
        while let Some(datagram) = next {
            let mut packets = Packets::default();
            self.decoder.datagram(&datagram, &mut packets, &mut self.stats.anomalies);
            if !self.stats.anomalies.fresh().is_empty() {
                self.oddities(0, &mut packets, self.stats.newest, sink);
            }
            self.count(&mut packets, sink);
            self.decoder.recycle(datagram);
            next = self.decoder.take_datagram();
        }
    }

    /// Time goes on without packets: flows whose timeout has come end, a window that time has left closes. `now` is a
    /// time before which no packet will come any more; live capture tells it when the wire is idle, replay never.
    pub fn tick(&mut self, now: Timestamp, sink: &mut impl FlowSink) {
        let Engine { summary, inspector, alerts, notes, .. } = self;
        self.table.advance(now, &mut |index, flow| {
            inspector.ended(flow, &mut Telling { index, sink, alerts });
            note(notes, u64::MAX, index, flow, inspector, alerts);
            sink.flow(flow);
            mark(summary, index, flow);
        });
        self.tell(sink);
        self.tell_alerts();
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
        let Engine { summary, inspector, alerts, notes, .. } = self;
        self.table.finish(&mut |index, flow| {
            inspector.ended(flow, &mut Telling { index, sink, alerts });
            note(notes, u64::MAX, index, flow, inspector, alerts);
            sink.flow(flow);
            mark(summary, index, flow);
        });
        // Closing streams hands on what waited in them.
        self.tell(sink);
        self.tell_alerts();
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

    /// What came of the rule that is asked about, where one is.
    pub(crate) fn inquiry(&mut self) -> Option<&mut Inquiry> {
        self.inspector.inquiry()
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

    /// Regular expressions that were given up because they took too many steps: they did not match.
    pub fn expressions_given_up(&self) -> u64 {
        self.inspector.detection_counters().expressions
    }

    /// Looks of rules into a buffer that ended because contents were tried again too often: they did not match.
    pub fn looks_given_up(&self) -> u64 {
        self.inspector.detection_counters().looks
    }

    /// Beginnings of streams that discovery did not read to their end because too many others were kept.
    pub fn openings_refused(&self) -> u64 {
        self.inspector.openings_refused()
    }

    /// Alerts that no row tells of for want of room.
    pub fn alerts_refused(&self) -> u64 {
        self.notes.astray() + self.summary.as_ref().map_or(0, Summary::alerts_refused)
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
        let share = self.config.share;
        for arp in packets.arps() {
            self.stats.arp += 1;
            if share.is_none_or(Share::takes_the_rest) {
                sink.at(arp.number);
                self.inspector.arp(arp, sink);
            }
        }
        let Engine { summary, inspector, odd, alerts, ruleset, notes, .. } = self;
        let mut odd = odd.iter().peekable();
        for (number, ((packet, (key, upward)), place)) in
            packets.list().iter().zip(&self.keys).zip(&self.places).enumerate()
        {
            let mut anomalies = [Anomaly::TooManyLayers; 8];
            let mut odd_of = 0;
            while let Some((_, anomaly)) = odd.next_if(|(of, _)| *of == number) {
                if let Some(slot) = anomalies.get_mut(odd_of) {
                    *slot = *anomaly;
                    odd_of += 1;
                }
            }
            let anomalies = anomalies.get(..odd_of).unwrap_or_default();
            sink.at(packet.number);
            notes.forget(packet.number);
            let mut ended = |index, flow: &mut Flow| {
                inspector.ended(flow, &mut Telling { index, sink, alerts });
                note(notes, packet.number, index, flow, inspector, alerts);
                sink.flow(flow);
                mark(summary, index, flow);
            };
            if share.is_some_and(|share| !share.takes(packet)) {
                self.table.pass(packet, &mut ended);
                continue;
            }
            let change = match quoted_flow(&mut self.table, packet) {
                Some(flow) => Change { flow, opened: false, from_client: true },
                None => self.table.packet(packet, key, *upward, *place, &mut ended),
            };
            if change.opened {
                self.stats.flows += 1;
            }
            if packet.icmp_error {
                // It is about a flow, and no packet of it.
                let mut sink = Telling { index: change.flow, sink, alerts };
                inspector.error(packet, anomalies, &mut sink);
            } else if let Some(flow) = self.table.get_mut(change.flow) {
                let mut sink = Telling { index: change.flow, sink, alerts };
                inspector.packet(flow, packet, change.from_client, anomalies, &mut sink);
                note(notes, packet.number, change.flow, flow, inspector, alerts);
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
                if let Some(alerts) = alerts
                    && !alerts.is_empty()
                {
                    alerted(summary, alerts, ruleset, &mut self.table);
                }
            }
        }
        packets.clear();
        self.odd.clear();
        if self.inspector.discovery().is_some_and(|discovery| discovery.assets.has_events()) {
            self.tell(sink);
        }
    }

    /// Tells rows of alerts that came without a packet.
    fn tell_alerts(&mut self) {
        let Engine { summary, alerts, ruleset, table, .. } = self;
        if let (Some(summary), Some(alerts)) = (summary, alerts) {
            alerted(summary, alerts, ruleset, table);
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

/// An alert that no row tells of yet.
#[derive(Clone, Copy, Debug)]
struct Matched {
    index: FlowIndex,
    flow: u64,
    time: Timestamp,
    gid: u32,
    sid: u32,
    action: Action,
    /// Place in the rules as they were read.
    rule: u32,
}

/// Hands on, and notes alerts with the place of their flow.
struct Telling<'a, S> {
    index: FlowIndex,
    sink: &'a mut S,
    alerts: &'a mut Option<Vec<Matched>>,
}

impl<S: FlowSink> FlowSink for Telling<'_, S> {
    fn flow(&mut self, flow: &Flow) {
        self.sink.flow(flow);
    }

    fn discovered(&mut self, event: &Event) {
        self.sink.discovered(event);
    }

    fn transaction(&mut self, told: &Told<'_>) {
        self.sink.transaction(told);
    }

    fn alert(&mut self, alert: &Alerted<'_>) {
        if let (Some(alerts), Some(flow)) = (&mut self.alerts, alert.flow) {
            let Compiled { gid, sid, rule, .. } = *alert.rule;
            let (flow, time, action) = (flow.id(), alert.time, alert.action);
            alerts.push(Matched { index: self.index, flow, time, gid, sid, action, rule });
        }
        self.sink.alert(alert);
    }

    fn claim(&mut self, claim: &Claim, alert: &Alerted<'_>) {
        self.sink.claim(claim, alert);
    }

    fn changed(&mut self, flow: &Flow) {
        self.sink.changed(flow);
    }

    fn at(&mut self, number: u64) {
        self.sink.at(number);
    }

    fn rules(&mut self, rules: &Arc<Ruleset>) {
        self.sink.rules(rules);
    }

    fn dropped(&mut self, dropped: &Dropped<'_>) {
        self.sink.dropped(dropped);
    }
}

/// Tells rows of alerts.
#[cold]
fn alerted(summary: &mut Summary, alerts: &mut Vec<Matched>, ruleset: &Ruleset, table: &mut FlowTable) {
    for Matched { index, flow, time, gid, sid, action, rule } in alerts.drain(..) {
        let rule = ruleset.rules().get(rule as usize).filter(|it| (it.gid, it.sid) == (gid, sid));
        let rule = rule.map(|rule| (rule, ruleset.priority(rule)));
        summary.alerted(&Hit { index, flow, time, gid, sid, action, rule }, table);
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

/// Puts down to a flow what other engines found about it up to a frame.
#[inline]
fn note(
    notes: &mut Notes,
    number: u64,
    index: FlowIndex,
    flow: &mut Flow,
    inspector: &mut Inspector,
    alerts: &mut Option<Vec<Matched>>,
) {
    if !notes.are_due(number) {
        return;
    }
    let id = flow.id();
    notes.take(number, id, |what| match what {
        Noted::Alert { time, gid, sid, action, rule } => {
            flow.detection.tell();
            if let Some(alerts) = alerts {
                alerts.push(Matched { index, flow: id, time, gid, sid, action, rule });
            }
        }
        Noted::App(app) => inspector.carries(flow, app),
        Noted::Passed => flow.detection.pass(),
        Noted::Bypassed => flow.detection.bypass(),
    });
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
