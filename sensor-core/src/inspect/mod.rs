//! What flows carry: their streams are put together, their protocol is told by its content, and discovery is shown what
//! tells of hosts.
//!
//! A flow costs something here only while its protocol is not known, or while what it says is read. Afterwards it
//! costs a look at one number a packet.

mod observer;

use sensor_wire::flow::FlowState;
use slab::Slab;

use crate::applayer::{AppProto, Ctx, Expectations, Flow as Ends, Prefixes, Probe, Side, Transport, Verdict};
use crate::decode::{Arp, Packet, TcpFlags, ip_proto};
use crate::discover::{DiscoverLimits, Discovery};
use crate::flow::{Flow, SERVER};
use crate::limits::Limits;
use crate::stream::{self, Connection, End, Reader, Segment, Streams, Wants};
use observer::{Observer, Opening};

/// Reads the payload of flows.
#[derive(Debug)]
pub struct Inspector {
    streams: Streams,
    prefixes: Prefixes,
    expectations: Expectations,
    connections: Slab<Conversation>,
    datagrams: Slab<Probe>,
    observer: Option<Observer>,
    /// Protocols are asked for.
    probing: bool,
    limit: usize,
    refused: u64,
}

/// Where a flow's inspection stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Inspection {
    /// No payload was seen yet.
    #[default]
    Waiting,
    /// Under way, at this place.
    At(u32),
    /// Nothing more is read.
    Over,
}

/// A TCP flow under inspection.
#[derive(Debug)]
struct Conversation {
    connection: Connection,
    probe: Probe,
    openings: [Opening; 2],
}

impl Inspector {
    /// Nothing is under inspection. `probing` tells protocols; `discover` looks for hosts.
    pub fn new(limits: &Limits, probing: bool, discover: Option<DiscoverLimits>) -> Inspector {
        let settings =
            stream::Settings { midstream: true, one_sided: true, memcap: limits.stream_bytes, ..Default::default() };
        Inspector {
            streams: Streams::new(settings),
            prefixes: Prefixes::new(PREFIXES),
            expectations: Expectations::new(EXPECTATIONS),
            connections: Slab::new(),
            datagrams: Slab::new(),
            observer: discover.map(|discover| Observer::new(discover, limits.opening_bytes)),
            probing,
            limit: limits.inspections,
            refused: 0,
        }
    }

    /// Flows that were not looked into because too many others were.
    pub fn refused(&self) -> u64 {
        self.refused
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

    /// Takes an ARP message.
    pub fn arp(&mut self, arp: &Arp) {
        if let Some(observer) = &mut self.observer {
            observer.arp(arp);
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
            return u64::from(self.datagrams.contains(place as usize));
        }
        self.connections.get(place as usize).map_or(0, |Conversation { connection, probe, .. }| {
            let [client, server] = [stream::Side::Client, stream::Side::Server].map(|side| connection.told(side));
            client ^ server ^ connection.state() as u64 ^ u64::from(probe.verdict() == Verdict::NeedMore)
        })
    }

    /// Takes a packet of a flow, after the flow table counted it. `from_client` says who sent it.
    #[inline]
    pub fn packet(&mut self, flow: &mut Flow, packet: &Packet<'_>, from_client: bool) {
        // The receiver never got a TCP segment that is not whole. Of a datagram the first fragment still tells what it is.
        if packet.bad_checksum || (packet.partial && packet.proto == ip_proto::TCP) {
            return;
        }
        if let Some(observer) = &mut self.observer {
            observer.packet(flow, packet, from_client, &self.expectations);
        }
        if flow.inspection == Inspection::Over {
            return;
        }
        match packet.proto {
            ip_proto::TCP if self.probing || self.observer.is_some() => self.segment(flow, packet, from_client),
            ip_proto::UDP if self.probing => self.datagram(flow, packet, from_client),
            _ => flow.inspection = Inspection::Over,
        }
    }

    /// A flow ends: what waited is read, and its place is given back.
    #[inline]
    pub fn ended(&mut self, flow: &mut Flow) {
        let Inspection::At(place) = std::mem::replace(&mut flow.inspection, Inspection::Over) else { return };
        if flow.key.proto != ip_proto::TCP {
            self.datagrams.try_remove(place as usize);
            return;
        }
        let Some(Conversation { mut connection, mut probe, mut openings }) =
            self.connections.try_remove(place as usize)
        else {
            return;
        };
        let (streams, tools) = self.tools();
        let (time, known) = (flow.last, flow.app);
        let mut reading = Reading { flow, time, known, probe: &mut probe, openings: &mut openings, tools };
        connection.close(streams, &mut reading);
        flow.app = reading.known;
        if let Some(observer) = &mut self.observer {
            openings.iter_mut().for_each(|opening| observer.close(opening));
            if flow.sides[SERVER].payload.bytes() > 0 {
                observer.protocol(flow);
            }
        }
    }

    fn segment(&mut self, flow: &mut Flow, packet: &Packet<'_>, from_client: bool) {
        let place = match flow.inspection {
            Inspection::At(place) => place as usize,
            // A handshake that never ends (a scan, a flood of SYNs) takes no place. The packet that ends it tells where
            // both sides begin.
            Inspection::Waiting if flow.state == FlowState::New && packet.payload_len == 0 => return,
            Inspection::Waiting => {
                if self.is_full() {
                    return self.refuse(flow);
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
                let place = self.connections.insert(Conversation { connection, probe, openings });
                flow.inspection = Inspection::At(place as u32);
                place
            }
            Inspection::Over => return,
        };
        let Inspector { streams, prefixes, expectations, connections, observer, probing, .. } = self;
        let Some(Conversation { connection, probe, openings }) = connections.get_mut(place) else { return };
        let segment = segment_of(packet, from_client);
        let tools = Tools { prefixes, expectations, observer: observer.as_mut(), probing: *probing };
        let mut reading = Reading { flow, time: packet.time, known: flow.app, probe, openings, tools };
        connection.segment(&segment, streams, &mut reading);
        flow.app = reading.known;
        if connection.is_done(stream::Side::Client) && connection.is_done(stream::Side::Server) {
            self.ended(flow);
        }
    }

    fn datagram(&mut self, flow: &mut Flow, packet: &Packet<'_>, from_client: bool) {
        if packet.payload.is_empty() {
            return;
        }
        let ctx = Ctx { transport: Transport::Udp, ports: (flow.client_port(), flow.server_port()) };
        let side = side(from_client);
        let mut fresh;
        let (probe, place) = match flow.inspection {
            Inspection::At(place) => match self.datagrams.get_mut(place as usize) {
                Some(probe) => (probe, Some(place)),
                None => return,
            },
            Inspection::Waiting => {
                fresh = self.begin(flow, packet.time);
                (&mut fresh, None)
            }
            Inspection::Over => return,
        };
        let verdict = probe.data(ctx, side, packet.payload, &mut self.prefixes);
        let probe = *probe;
        if let Verdict::Is(proto) = verdict {
            flow.app = Some(proto);
            if Expectations::wants(proto) {
                self.expectations.learn(proto, ends(flow), side, packet.payload, packet.time);
            }
        }
        let more = match verdict {
            Verdict::NeedMore => true,
            Verdict::Is(proto) => Expectations::wants(proto),
            Verdict::GiveUp => false,
        };
        match (more, place) {
            (true, None) if self.is_full() => self.refuse(flow),
            (true, None) => flow.inspection = Inspection::At(self.datagrams.insert(probe) as u32),
            (true, Some(_)) => {}
            (false, _) => self.ended(flow),
        }
    }

    fn tools(&mut self) -> (&mut Streams, Tools<'_>) {
        let Inspector { streams, prefixes, expectations, observer, probing, .. } = self;
        (streams, Tools { prefixes, expectations, observer: observer.as_mut(), probing: *probing })
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
}

/// What is read of a TCP flow.
struct Reading<'a> {
    flow: &'a Flow,
    time: i64,
    known: Option<AppProto>,
    probe: &'a mut Probe,
    openings: &'a mut [Opening; 2],
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
}

impl Reader for Reading<'_> {
    fn data(&mut self, from: stream::Side, bytes: &[u8]) -> Wants {
        let side = side(from == stream::Side::Client);
        let (told, observed) = (self.tell(side, bytes), self.observe(side, bytes));
        if told || observed { Wants::More } else { Wants::Enough }
    }

    fn gap(&mut self, from: stream::Side, _: u64) -> Wants {
        let told = match self.probe.verdict() {
            Verdict::Is(proto) => Expectations::wants(proto),
            Verdict::NeedMore => self.tools.probing,
            Verdict::GiveUp => false,
        };
        let opening = opening(self.openings, side(from == stream::Side::Client));
        let observed = self.tools.observer.as_mut().is_some_and(|observer| observer.gap(opening));
        if told || observed { Wants::More } else { Wants::Enough }
    }

    fn end(&mut self, _: stream::Side, _: End) {}
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
