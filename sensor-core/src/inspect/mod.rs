//! What flows carry: their streams are put together, their protocol is told by its content, and discovery is shown what
//! tells of hosts.
//!
//! A flow costs something here only while its protocol is not known, or while what it says is read. Afterwards it
//! costs a look at one number a packet.

mod detected;
mod detection;
mod observer;
mod parsing;
mod turned;

use std::sync::Arc;

use sensor_wire::flow::FlowState;
use slab::Slab;

use crate::Anomaly;
use crate::applayer::parser::{Context, Next, Settings};
use crate::applayer::{AppProto, Ctx, Expectations, Flow as Ends, Prefixes, Probe, Side, Transport, Verdict};
use crate::decode::{Arp, Packet, TcpFlags, ip_proto};
use crate::detect::explain::Inquiry;
use crate::detect::{Counters, Rules};
use crate::discover::Discovery;
use crate::engine::{Config, FlowSink};
use crate::flow::{Flow, SERVER};
use crate::stream::{self, Connection, End, Events, Reader, Segment, Streams, Wants};
pub use detected::Detected;
use detection::{Detection, Seen};
use observer::{Observer, Opening};
use parsing::Parsing;

/// Reads the payload of flows.
#[derive(Debug)]
pub struct Inspector {
    streams: Streams,
    prefixes: Prefixes,
    expectations: Expectations,
    connections: Slab<Conversation>,
    datagrams: Slab<Exchange>,
    observer: Option<Observer>,
    /// Protocols are asked for.
    probing: bool,
    /// How messages are parsed; `None` if they are not.
    parse: Option<Settings>,
    /// Rules that are run.
    detection: Option<Detection>,
    /// Streams whose handshake was not seen are parsed.
    midstream: bool,
    /// Bytes that all parsers hold, about.
    parsed: usize,
    limit: usize,
    parsed_limit: usize,
    refused: u64,
    unparsed: u64,
}

/// Where a flow's inspection stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Inspection {
    /// No payload was seen yet.
    #[default]
    Waiting,
    /// Under way, at this place.
    At(Place),
    /// Nothing more is read.
    Over,
}

/// A place among the flows under inspection, in three bytes: a flow has no room for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place([u8; 3]);

impl Place {
    /// Of a slab that never has 2^24 places.
    fn new(place: usize) -> Place {
        let [a, b, c, _] = (place as u32).to_le_bytes();
        Place([a, b, c])
    }

    fn get(self) -> usize {
        let [a, b, c] = self.0;
        u32::from_le_bytes([a, b, c, 0]) as usize
    }
}

/// A TCP flow under inspection.
#[derive(Debug)]
struct Conversation {
    connection: Connection,
    probe: Probe,
    openings: [Opening; 2],
    parsing: Option<Box<Parsing>>,
}

/// A flow of datagrams under inspection.
#[derive(Debug)]
struct Exchange {
    probe: Probe,
    parsing: Option<Box<Parsing>>,
}

impl Inspector {
    /// Nothing is under inspection.
    pub fn new(config: &Config) -> Inspector {
        let limits = &config.limits;
        let settings =
            stream::Settings { midstream: true, one_sided: true, memcap: limits.stream_bytes, ..Default::default() };
        let detection = config.rules.as_ref().filter(|_| config.protocols);
        let mut parse = config.parse.clone().filter(|_| config.protocols);
        if let (Some(parse), Some(rules)) = (&mut parse, detection) {
            parse.hash_files |= rules.asks_hashes();
            parse.frames = rules.asks_carved();
        }
        Inspector {
            streams: Streams::new(settings),
            prefixes: Prefixes::new(PREFIXES),
            expectations: Expectations::new(EXPECTATIONS),
            connections: Slab::new(),
            datagrams: Slab::new(),
            observer: config.discover.map(|discover| Observer::new(discover, limits.opening_bytes)),
            probing: config.protocols,
            parse,
            detection: detection.map(|rules| Detection::new(Arc::clone(rules), config)),
            midstream: config.midstream,
            parsed: 0,
            limit: limits.inspections,
            parsed_limit: limits.parser_bytes,
            refused: 0,
            unparsed: 0,
        }
    }

    /// Runs other rules from here on; `config` says how where none ran so far.
    pub fn set_rules(&mut self, rules: Arc<Rules>, config: &Config) {
        // Files that are under way are hashed only if they were from their beginning.
        if let Some(parse) = &mut self.parse {
            parse.frames = rules.asks_carved();
            parse.hash_files = rules.asks_hashes() || config.parse.as_ref().is_some_and(|parse| parse.hash_files);
        }
        match &mut self.detection {
            Some(detection) => detection.set_rules(rules),
            None => self.detection = self.probing.then(|| Detection::new(rules, config)),
        }
    }

    /// What came of the rule that is asked about, where one is.
    pub(crate) fn inquiry(&mut self) -> Option<&mut Inquiry> {
        self.detection.as_mut().and_then(Detection::inquiry)
    }

    /// Flows that were not looked into because too many others were.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Flows whose messages were not parsed to their end because those of others took all the room.
    pub fn unparsed(&self) -> u64 {
        self.unparsed
    }

    /// Packets that detection looked at alone because too many other flows were followed.
    pub fn detection_refused(&self) -> u64 {
        self.detection.as_ref().map_or(0, Detection::refused)
    }

    /// How often rules met a bound.
    pub fn detection_counters(&self) -> Counters {
        self.detection.as_ref().map_or_else(Counters::default, Detection::counters)
    }

    /// Beginnings of streams that discovery did not read to their end because too many others were kept.
    pub fn openings_refused(&self) -> u64 {
        self.observer.as_ref().map_or(0, Observer::refused)
    }

    /// The hosts, where they are looked for.
    pub fn discovery(&self) -> Option<&Discovery> {
        self.observer.as_ref().map(|observer| &observer.discovery)
    }

    /// The same, to take events from.
    pub fn discovery_mut(&mut self) -> Option<&mut Discovery> {
        self.observer.as_mut().map(|observer| &mut observer.discovery)
    }

    /// Takes what decoding found odd about a frame that holds no packet, or one that could not be decoded to its end.
    #[cold]
    pub fn frame(&mut self, packet: &Packet<'_>, anomalies: &[Anomaly], sink: &mut impl FlowSink) {
        if let Some(detection) = &mut self.detection {
            detection.frame(packet, anomalies, sink);
        }
    }

    /// Whether rules ask what decoding found odd.
    pub fn asks_frames(&self) -> bool {
        self.detection.as_ref().is_some_and(|detection| detection.rules().asks_frames())
    }

    /// Takes an ARP message.
    pub fn arp(&mut self, arp: &Arp, sink: &mut impl FlowSink) {
        if let Some(observer) = &mut self.observer {
            observer.arp(arp);
        }
        if let Some(detection) = &mut self.detection {
            detection.arp(arp, sink);
        }
    }

    /// Flows under inspection.
    pub fn under_way(&self) -> usize {
        self.connections.len() + self.datagrams.len()
    }

    /// Reads what a packet of the flow will read; see [`FlowTable::touch`](crate::flow::FlowTable::touch).
    #[inline]
    pub fn touch(&self, flow: &Flow) -> u64 {
        let Inspection::At(place) = flow.inspection else { return 0 };
        if flow.key.proto != ip_proto::TCP {
            return u64::from(self.datagrams.contains(place.get()));
        }
        self.connections.get(place.get()).map_or(0, |Conversation { connection, probe, .. }| {
            let [client, server] = [stream::Side::Client, stream::Side::Server].map(|side| connection.told(side));
            client ^ server ^ connection.state() as u64 ^ u64::from(probe.verdict() == Verdict::NeedMore)
        })
    }

    /// Takes a packet of a flow, after the flow table counted it. `from_client` says who sent it, `anomalies` what
    /// decoding found odd about it.
    #[inline]
    pub fn packet(
        &mut self,
        flow: &mut Flow,
        packet: &Packet<'_>,
        from_client: bool,
        anomalies: &[Anomaly],
        sink: &mut impl FlowSink,
    ) {
        let turned = from_client && self.probing && flow.packets() == 1 && turned::is_answer(packet);
        if turned {
            flow.turn();
        }
        let from_client = from_client && !turned;
        let side = side(from_client);
        if let Some(detection) = &mut self.detection
            && !detection.admits(flow, packet, side, sink)
        {
            return;
        }
        // The receiver never got a TCP segment that is not whole. Of a datagram the first fragment still tells what it is.
        let whole = !packet.bad_checksum && (!packet.partial || packet.proto != ip_proto::TCP);
        if whole && let Some(observer) = &mut self.observer {
            observer.packet(flow, packet, from_client, &self.expectations);
        }
        let seen = Seen { packet, side, anomalies, events: Events::NONE, streamed: false };
        let told = whole
            && flow.inspection != Inspection::Over
            && match packet.proto {
                ip_proto::TCP if self.probing || self.observer.is_some() => self.segment(flow, seen, sink),
                ip_proto::UDP if self.probing => self.datagram(flow, seen, sink),
                _ => {
                    flow.inspection = Inspection::Over;
                    false
                }
            };
        if !told && let Some(detection) = &mut self.detection {
            detection.packet(flow, seen, None, sink);
        }
    }

    /// Takes an ICMP error, which is looked at for itself.
    pub fn error(&mut self, packet: &Packet<'_>, anomalies: &[Anomaly], sink: &mut impl FlowSink) {
        if let Some(detection) = &mut self.detection {
            detection.error(packet, anomalies, sink);
        }
    }

    /// A flow's messages tell what it carries, wherever they are read.
    pub fn carries(&mut self, flow: &mut Flow, app: Option<AppProto>) {
        flow.app = app;
        if let (Inspection::At(place), Some(app), ip_proto::TCP) = (flow.inspection, app, flow.key.proto)
            && let Some(Conversation { probe, .. }) = self.connections.get_mut(place.get())
        {
            *probe = Probe::expected(app);
        }
    }

    /// A flow ends: what waited is read, what is left is told, and its place is given back.
    #[inline]
    pub fn ended(&mut self, flow: &mut Flow, sink: &mut impl FlowSink) {
        self.inspected(flow, sink);
        if let Some(detection) = &mut self.detection {
            detection.ended(flow);
        }
    }

    /// Nothing more of a flow's payload is read.
    fn inspected(&mut self, flow: &mut Flow, sink: &mut impl FlowSink) {
        let Inspection::At(place) = std::mem::replace(&mut flow.inspection, Inspection::Over) else { return };
        let parsing = if flow.key.proto == ip_proto::TCP {
            self.connection_ended(flow, place)
        } else {
            self.datagrams.try_remove(place.get()).and_then(|exchange| exchange.parsing)
        };
        self.finish(parsing, flow, sink);
    }

    /// Nothing more of a flow is parsed: what is left is told.
    fn finish(&mut self, parsing: Option<Box<Parsing>>, flow: &mut Flow, sink: &mut impl FlowSink) {
        let mut parsing = parsing;
        if let (Some(parsing), Some(settings)) = (&mut parsing, &self.parse) {
            self.parsed = self.parsed.saturating_sub(parsing.held());
            let mut cx = context(settings, flow, flow.last);
            parsing.end(Side::ToServer, &mut cx);
            parsing.end(Side::ToClient, &mut cx);
        }
        if let Some(detection) = &mut self.detection {
            detection.settle(flow, flow.last, parsing.as_deref(), sink);
        }
        if let Some(parsing) = &mut parsing {
            parsing.settle(flow, flow.last, true, sink);
        }
    }

    fn connection_ended(&mut self, flow: &mut Flow, place: Place) -> Option<Box<Parsing>> {
        let Conversation { mut connection, mut probe, mut openings, mut parsing } =
            self.connections.try_remove(place.get())?;
        let (streams, mut tools) = self.tools();
        tools.detection = tools.detection.filter(|detection| detection.reads(flow));
        let (time, known) = (flow.last, flow.app);
        let parsing_of = parsing.as_deref_mut();
        let mut reading =
            Reading { flow, time, known, probe: &mut probe, openings: &mut openings, parsing: parsing_of, tools };
        connection.close(streams, &mut reading);
        flow.app = reading.known;
        if let Some(observer) = &mut self.observer {
            openings.iter_mut().for_each(|opening| observer.close(opening));
            if known.is_none() && flow.sides[SERVER].payload.bytes() > 0 {
                observer.protocol(flow);
            }
        }
        parsing
    }

    /// Takes a TCP packet. False: rules have not looked at it.
    fn segment(&mut self, flow: &mut Flow, seen: Seen<'_>, sink: &mut impl FlowSink) -> bool {
        let Seen { packet, side, .. } = seen;
        let from_client = side == Side::ToServer;
        let asked = self.detection.as_ref().is_some_and(|detection| detection.rules().asks_streams());
        let place = match flow.inspection {
            Inspection::At(place) => place.get(),
            // A handshake that never ends (a scan, a flood of SYNs) takes no place. The packet that ends it tells where
            // both sides begin.
            Inspection::Waiting if flow.state == FlowState::New && packet.payload_len == 0 && !asked => return false,
            Inspection::Waiting => {
                if self.is_full() {
                    self.refuse(flow);
                    return false;
                }
                // The server is known by its SYN-ACK, the client by what answers that.
                let answered = !flow.midstream && flow.sides[SERVER].payload.flags().has(TcpFlags::SYN);
                let server = if answered { Opening::Noted } else { Opening::Unheard };
                let mut client = Opening::Unheard;
                if let Some(observer) = &mut self.observer
                    && from_client
                    && !flow.midstream
                    && packet.tcp.flags.has(TcpFlags::ACK)
                {
                    observer.established(flow, packet);
                    client = Opening::Noted;
                }
                let probe = self.begin(flow, packet.time);
                let connection = Connection::new(self.streams.settings().policy, self.streams.settings().policy);
                // Files and media that another flow announced tell nothing of their ends.
                let openings = if flow.app.is_some() { [Opening::Over; 2] } else { [client, server] };
                let parsing = (self.parse.is_some() && self.midstream >= flow.midstream).then(Box::default);
                let place = self.connections.insert(Conversation { connection, probe, openings, parsing });
                flow.inspection = Inspection::At(Place::new(place));
                place
            }
            Inspection::Over => return false,
        };
        let Inspector { streams, prefixes, expectations, connections, observer, probing, parse, detection, .. } = self;
        let Some(Conversation { connection, probe, openings, parsing }) = connections.get_mut(place) else {
            return false;
        };
        // Where rules ask for streams a flow is followed from its SYN on: the client shows itself later.
        if let (Some(observer), [client @ Opening::Unheard, _]) = (observer.as_mut(), &mut *openings)
            && from_client
            && !flow.midstream
            && packet.tcp.flags.has(TcpFlags::ACK)
            && (flow.state != FlowState::New || packet.payload_len > 0)
        {
            observer.established(flow, packet);
            *client = Opening::Noted;
        }
        let segment = segment_of(packet, from_client);
        let tools = Tools {
            prefixes,
            expectations,
            observer: observer.as_mut(),
            probing: *probing,
            parse: parse.as_ref(),
            detection: detection.as_mut().filter(|detection| detection.reads(flow)),
        };
        let (time, known, parsing_of) = (packet.time, flow.app, parsing.as_deref_mut());
        let mut reading = Reading { flow, time, known, probe, openings, parsing: parsing_of, tools };
        let events = connection.segment(&segment, streams, &mut reading);
        flow.app = reading.known;
        let mut turned = flow.app != known;
        // A service is what its flows begin as: told as soon as that is known and the server has answered.
        let served = flow.sides[SERVER].payload.bytes();
        let first_served = side == Side::ToClient && served <= u64::from(packet.payload_len);
        if served > 0
            && (known.is_none() || first_served)
            && flow.app.is_some()
            && let Some(observer) = observer
        {
            observer.protocol(flow);
        }
        let done = connection.is_done(stream::Side::Client) && connection.is_done(stream::Side::Server);
        let parsing = parsing.as_deref_mut().filter(|parsing| parsing.is_due());
        if let Some(detection) = detection {
            // What a RST carries is no data of the stream, nor looked at for itself.
            let streamed = connection.took() || packet.tcp.flags.has(TcpFlags::RST);
            detection.packet(flow, Seen { events, streamed, ..seen }, parsing.as_deref(), sink);
        }
        if let Some(parsing) = parsing {
            parsing.settle(flow, packet.time, false, sink);
            match parsing.take_next() {
                Some(Next::Is(app)) => {
                    flow.app = Some(app);
                    turned = true;
                    *probe = Probe::expected(app);
                }
                Some(Next::Probe) => probe.restart(prefixes),
                None => {}
            }
            account(parsing, &mut self.parsed, self.parsed_limit, &mut self.unparsed);
        }
        if turned {
            sink.changed(flow);
        }
        if done {
            self.inspected(flow, sink);
        }
        true
    }

    /// Takes a datagram. False: rules have not looked at it.
    fn datagram(&mut self, flow: &mut Flow, seen: Seen<'_>, sink: &mut impl FlowSink) -> bool {
        let Seen { packet, side, .. } = seen;
        if packet.payload.is_empty() {
            return false;
        }
        let ctx = Ctx { transport: Transport::Udp, ports: (flow.client_port(), flow.server_port()) };
        let mut fresh = None;
        let (exchange, place) = match flow.inspection {
            Inspection::At(place) => match self.datagrams.get_mut(place.get()) {
                Some(exchange) => (exchange, Some(place)),
                None => return false,
            },
            Inspection::Waiting => {
                let parsing = self.parse.is_some().then(Box::default);
                let probe = self.begin(flow, packet.time);
                (fresh.insert(Exchange { probe, parsing }), None)
            }
            Inspection::Over => return false,
        };
        let verdict = exchange.probe.data(ctx, side, packet.payload, &mut self.prefixes);
        if let Verdict::Is(proto) = verdict {
            flow.app = Some(proto);
            if Expectations::wants(proto) {
                self.expectations.learn(proto, ends(flow), side, packet.payload, packet.time);
            }
        }
        let mut more = match verdict {
            Verdict::NeedMore => true,
            Verdict::Is(proto) => Expectations::wants(proto),
            Verdict::GiveUp => false,
        };
        let told = exchange.parsing.is_some() && self.parse.is_some();
        if let (Some(parsing), Some(settings)) = (&mut exchange.parsing, &self.parse) {
            let mut cx = context(settings, flow, packet.time);
            let probing = verdict == Verdict::NeedMore;
            parsing.data(flow.app, probing, side, packet.payload, &mut cx);
            if let Some(detection) = &mut self.detection {
                detection.packet(flow, seen, Some(parsing), sink);
            }
            parsing.settle(flow, packet.time, false, sink);
            more |= parsing.wants_more();
            account(parsing, &mut self.parsed, self.parsed_limit, &mut self.unparsed);
        }
        match (more, place, fresh) {
            (true, None, Some(fresh)) if self.is_full() => {
                self.refuse(flow);
                self.finish(fresh.parsing, flow, sink);
            }
            (true, None, Some(fresh)) => flow.inspection = Inspection::At(Place::new(self.datagrams.insert(fresh))),
            (false, None, Some(fresh)) => {
                flow.inspection = Inspection::Over;
                self.finish(fresh.parsing, flow, sink);
            }
            (false, ..) => self.inspected(flow, sink),
            (true, ..) => {}
        }
        told
    }

    fn tools(&mut self) -> (&mut Streams, Tools<'_>) {
        let Inspector { streams, prefixes, expectations, observer, probing, parse, detection, .. } = self;
        let (observer, parse) = (observer.as_mut(), parse.as_ref());
        (streams, Tools { prefixes, expectations, observer, probing: *probing, parse, detection: detection.as_mut() })
    }

    fn is_full(&self) -> bool {
        self.under_way() >= self.limit
    }

    #[cold]
    fn refuse(&mut self, flow: &mut Flow) {
        self.refused += 1;
        flow.inspection = Inspection::Over;
    }

    /// The probe of a new flow, which another flow may have announced.
    fn begin(&mut self, flow: &mut Flow, time: i64) -> Probe {
        match self.expectations.take(ends(flow), time) {
            Some(proto) => {
                flow.app = Some(proto);
                Probe::expected(proto)
            }
            None => Probe::default(),
        }
    }
}

/// What all flows share while they are read.
struct Tools<'a> {
    prefixes: &'a mut Prefixes,
    expectations: &'a mut Expectations,
    observer: Option<&'a mut Observer>,
    probing: bool,
    parse: Option<&'a Settings>,
    detection: Option<&'a mut Detection>,
}

/// What is read of a TCP flow.
struct Reading<'a> {
    flow: &'a Flow,
    time: i64,
    known: Option<AppProto>,
    probe: &'a mut Probe,
    openings: &'a mut [Opening; 2],
    parsing: Option<&'a mut Parsing>,
    tools: Tools<'a>,
}

impl Reading<'_> {
    /// Tells the protocol; true asks for more.
    fn tell(&mut self, side: Side, bytes: &[u8]) -> bool {
        if !self.tools.probing {
            return false;
        }
        let transport = if self.flow.midstream { Transport::TcpMidstream } else { Transport::Tcp };
        let ctx = Ctx { transport, ports: (self.flow.client_port(), self.flow.server_port()) };
        match self.probe.data(ctx, side, bytes, self.tools.prefixes) {
            Verdict::NeedMore => true,
            Verdict::GiveUp => false,
            Verdict::Is(proto) => {
                self.known = Some(proto);
                let more = Expectations::wants(proto);
                if more {
                    self.tools.expectations.learn(proto, ends(self.flow), side, bytes, self.time);
                }
                more
            }
        }
    }

    /// Shows discovery the beginning of a side; true asks for more.
    fn observe(&mut self, side: Side, bytes: &[u8]) -> bool {
        let Some(observer) = &mut self.tools.observer else { return false };
        observer.stream(opening(self.openings, side), self.flow, self.time, side, bytes)
    }

    /// Hands something to the parser; true asks for more.
    fn parse(&mut self, take: impl FnOnce(&mut Parsing, Option<AppProto>, bool, &mut Context<'_>) -> bool) -> bool {
        let (Some(parsing), Some(settings)) = (&mut self.parsing, self.tools.parse) else { return false };
        // What a flow was before an upgrade or a tunnel does not tell what it carries now.
        let (known, probing) = match self.probe.verdict() {
            Verdict::Is(app) => (Some(app), false),
            Verdict::NeedMore => (None, true),
            Verdict::GiveUp => (None, false),
        };
        let mut cx = context(settings, self.flow, self.time);
        let is_data = known == Some(AppProto::FtpData);
        if is_data && parsing.is_fresh() {
            cx.announced = self.tools.expectations.said(ends(self.flow), self.time);
        }
        let wanted = take(parsing, known, probing, &mut cx);
        if let Some(announced) = cx.announced.take().filter(|_| !is_data) {
            self.tools.expectations.announce(ends(self.flow), announced, self.time);
        }
        wanted
    }
}

impl Reader for Reading<'_> {
    fn data(&mut self, from: stream::Side, bytes: &[u8]) -> Wants {
        let side = side(from == stream::Side::Client);
        let (told, observed) = (self.tell(side, bytes), self.observe(side, bytes));
        let mut wanted = self.parse(|parsing, known, probing, cx| parsing.data(known, probing, side, bytes, cx));
        if let Some(detection) = &mut self.tools.detection {
            detection.data(self.flow, self.time, side, bytes);
            wanted = true;
        }
        if told || observed || wanted { Wants::More } else { Wants::Enough }
    }

    fn gap(&mut self, from: stream::Side, len: u64) -> Wants {
        let told = match self.probe.verdict() {
            Verdict::Is(proto) => Expectations::wants(proto),
            Verdict::NeedMore => self.tools.probing,
            Verdict::GiveUp => false,
        };
        let side = side(from == stream::Side::Client);
        let opening = opening(self.openings, side);
        let observed = self.tools.observer.as_mut().is_some_and(|observer| observer.gap(opening));
        let mut wanted = self.parse(|parsing, _, _, cx| parsing.gap(side, len, cx));
        if let Some(detection) = &mut self.tools.detection {
            detection.gap(self.flow, self.time, side, len);
            wanted = true;
        }
        if told || observed || wanted { Wants::More } else { Wants::Enough }
    }

    fn end(&mut self, from: stream::Side, _: End) {
        let side = side(from == stream::Side::Client);
        self.parse(|parsing, _, _, cx| {
            parsing.end(side, cx);
            false
        });
    }
}

/// Counts what a parser holds to the sum of all; past the bound this one gives up.
fn account(parsing: &mut Parsing, all: &mut usize, most: usize, unparsed: &mut u64) {
    let (before, now) = parsing.account();
    *all = (*all + now).saturating_sub(before);
    if *all > most {
        *unparsed += 1;
        *all = all.saturating_sub(parsing.give_up());
    }
}

/// What a parser is told of a flow.
fn context<'a>(settings: &'a Settings, flow: &Flow, time: i64) -> Context<'a> {
    let transport = match (flow.key.proto, flow.midstream) {
        (ip_proto::TCP, true) => Transport::TcpMidstream,
        (ip_proto::TCP, false) => Transport::Tcp,
        _ => Transport::Udp,
    };
    let ports = (flow.client_port(), flow.server_port());
    Context { time, transport, ports, settings, next: None, announced: None }
}

fn opening(openings: &mut [Opening; 2], side: Side) -> &mut Opening {
    let [client, server] = openings;
    if side == Side::ToServer { client } else { server }
}

/// A TCP packet as streams take it; its sender is the client of the flow or not.
pub fn segment_of<'a>(packet: &Packet<'a>, from_client: bool) -> Segment<'a> {
    let mut segment = Segment {
        time: packet.time,
        side: if from_client { stream::Side::Client } else { stream::Side::Server },
        seq: packet.tcp.seq,
        ack: packet.tcp.ack,
        flags: packet.tcp.flags.0,
        window: packet.tcp.window,
        urgent: packet.tcp.urgent,
        scale: None,
        timestamp: None,
        fast_open: false,
        len: packet.payload_len,
        payload: packet.payload,
    };
    options(packet.tcp_options, &mut segment);
    segment
}

/// Reads the options that streams look at (RFC 9293 section 3.1, RFC 7323, RFC 7413).
#[inline]
fn options(mut options: &[u8], segment: &mut Segment<'_>) {
    // The shape that nearly all packets of a connection have: two paddings and the timestamps.
    if let [1, 1, 8, 10, a, b, c, d, ..] = *options
        && options.len() == 12
    {
        segment.timestamp = Some(u32::from_be_bytes([a, b, c, d]));
        return;
    }
    while let [kind, rest @ ..] = options {
        match (kind, rest) {
            (0, _) => return,
            (1, _) => options = rest,
            (_, [len, ..]) if *len >= 2 => {
                let Some((option, next)) = options.split_at_checked(usize::from(*len)) else { return };
                match *option {
                    [3, 3, shift] => segment.scale = Some(shift.min(14)),
                    [8, 10, a, b, c, d, ..] => segment.timestamp = Some(u32::from_be_bytes([a, b, c, d])),
                    [34, ..] => segment.fast_open = true,
                    _ => {}
                }
                options = next;
            }
            _ => return,
        }
    }
}

fn side(from_client: bool) -> Side {
    if from_client { Side::ToServer } else { Side::ToClient }
}

fn ends(flow: &Flow) -> Ends {
    Ends {
        udp: flow.key.proto == ip_proto::UDP,
        originator: (flow.client_bits(), flow.client_port()),
        responder: (flow.server_bits(), flow.server_port()),
    }
}

/// Buffers for first bytes that come in pieces, 400 bytes each.
const PREFIXES: u32 = 16_384;
/// Announced flows that are waited for.
const EXPECTATIONS: usize = 65_536;
