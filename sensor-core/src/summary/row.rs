//! One row: its flows, their sums, and how it goes onto the wire.

use sensor_wire::flow::{Counters, EndReason, FlowRecord, FlowState};
use sensor_wire::{Addr, Few, Row, RowId, RowKind, Timestamp};

use super::found::Found;
use crate::applayer::AppProto;
use crate::decode::ip_proto;
use crate::flow::{CLIENT, Flow, FlowIndex, FlowTable, SERVER, Side, community_id};

/// A row and the sums of its flows.
#[derive(Debug)]
pub struct RowSlot {
    pub id: RowId,
    /// Order of its last change; 0 while it has none.
    pub seq: u64,
    pub alive: bool,
    /// Which of all rows that were ever made.
    pub born: u64,
    /// Its window is closed.
    pub closed: bool,
    /// Its flows have alerts.
    pub alerts: bool,
    pub head: Option<FlowIndex>,
    pub tail: Option<FlowIndex>,
    pub count: u32,
    pub first: Timestamp,
    pub unique: Unique,
    /// What discovery tells; such a row has no flows.
    pub found: Option<Box<Found>>,
    last: Timestamp,
    packets: u64,
    frame_bytes: u64,
    bytes: u64,
    open: u32,
    estimates: u32,
    states: [u32; 3],
    /// Protocols of its flows, in the order in which they were told; the first few.
    apps: [Option<AppProto>; MOST_APPS],
}

/// How many unique values a row has in each column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unique {
    pub servers: u32,
    pub clients: u32,
    pub server_ports: u32,
    pub client_ports: u32,
}

impl Unique {
    pub fn single() -> Unique {
        Unique { servers: 1, clients: 1, server_ports: 1, client_ports: 1 }
    }
}

/// What a row's sums hold of one flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reported {
    last: Timestamp,
    packets: u64,
    frame_bytes: u64,
    bytes: u64,
    /// 0 while nothing was reported, else the flow's state.
    state: Option<FlowState>,
    open: bool,
    estimate: bool,
    app: Option<AppProto>,
    /// Alerts: no sum has them, but viewers hear of them.
    alerts: u64,
}

impl Reported {
    pub fn of(flow: &Flow, alerts: u64) -> Reported {
        Reported {
            last: flow.last,
            packets: flow.packets(),
            frame_bytes: flow.frame_bytes(),
            bytes: flow.payload_bytes(),
            state: Some(flow.state),
            open: flow.end.is_none(),
            estimate: flow.estimate(),
            app: flow.app,
            alerts,
        }
    }
}

impl RowSlot {
    pub fn new(id: RowId, born: u64) -> RowSlot {
        RowSlot {
            id,
            seq: 0,
            alive: true,
            born,
            closed: false,
            alerts: false,
            head: None,
            tail: None,
            count: 0,
            first: Timestamp::MAX,
            unique: Unique::default(),
            found: None,
            last: Timestamp::MIN,
            packets: 0,
            frame_bytes: 0,
            bytes: 0,
            open: 0,
            estimates: 0,
            states: [0; 3],
            apps: [None; MOST_APPS],
        }
    }

    /// Forgets its flows and sums; keeps its id.
    pub fn clear_members(&mut self) {
        *self = RowSlot { seq: self.seq, closed: self.closed, ..RowSlot::new(self.id, self.born) };
    }

    /// Adds a flow's part.
    pub fn add(&mut self, part: &Reported) {
        self.last = self.last.max(part.last);
        self.packets += part.packets;
        self.frame_bytes += part.frame_bytes;
        self.bytes += part.bytes;
        self.open += u32::from(part.open);
        self.estimates += u32::from(part.estimate);
        if let Some(n) = part.state.and_then(|s| self.states.get_mut(s as usize)) {
            *n += 1;
        }
        if part.app.is_some()
            && !self.apps.contains(&part.app)
            && let Some(free) = self.apps.iter_mut().find(|app| app.is_none())
        {
            *free = part.app;
        }
    }

    /// Replaces a flow's part by its newer one.
    pub fn replace(&mut self, before: &Reported, now: &Reported) {
        self.packets -= before.packets;
        self.frame_bytes -= before.frame_bytes;
        self.bytes -= before.bytes;
        self.open -= u32::from(before.open);
        self.estimates -= u32::from(before.estimate);
        if let Some(n) = before.state.and_then(|s| self.states.get_mut(s as usize)) {
            *n -= 1;
        }
        self.add(now);
    }

    /// The row for viewers.
    pub fn to_wire(&self, table: &FlowTable) -> Option<Row> {
        if let Some(found) = &self.found {
            return Some(found.to_wire(self.id, self.seq, self.first));
        }
        let flow = table.get(self.head?)?;
        let few = |count: u32, address: std::net::IpAddr| {
            if count == 1 { Few::One(Addr(address)) } else { Few::Many(count) }
        };
        let few_ports = |count: u32, port: u16| {
            if !flow.has_ports() {
                Few::None
            } else if count == 1 {
                Few::One(port)
            } else {
                Few::Many(count)
            }
        };
        Some(Row {
            id: self.id,
            rev: self.seq as u32,
            kind: RowKind::Flow,
            first: self.first,
            last: self.last,
            proto: flow.key.proto,
            bytes: self.bytes,
            frame_bytes: self.frame_bytes,
            estimate: self.estimates > 0,
            packets: self.packets,
            flows: self.count,
            open: self.open,
            servers: few(self.unique.servers, flow.server().0),
            clients: few(self.unique.clients, flow.client().0),
            server_ports: few_ports(self.unique.server_ports, flow.server_port()),
            client_ports: few_ports(self.unique.client_ports, flow.client_port()),
            app_protos: self.apps.iter().flatten().map(|app| app.name().to_owned()).collect(),
            states: self.states,
            events: Vec::new(),
            rank: None,
        })
    }
}

/// A flow for viewers.
pub fn flow_record(flow: &Flow) -> FlowRecord {
    let counters = |side: &Side| Counters {
        packets: side.packets,
        frame_bytes: side.frame_bytes,
        payload_bytes: side.payload.bytes(),
    };
    let tcp = flow.key.proto == ip_proto::TCP;
    let (client, client_port) = flow.client();
    let (server, server_port) = flow.server();
    FlowRecord {
        id: flow.id(),
        client: Addr(client),
        server: Addr(server),
        client_port,
        server_port,
        proto: flow.key.proto,
        icmp: flow.is_icmp().then_some(flow.icmp),
        vlans: flow.key.vlans.iter().copied().filter(|v| *v != 0).collect(),
        first: flow.first,
        last: flow.last,
        to_server: counters(&flow.sides[CLIENT]),
        to_client: counters(&flow.sides[SERVER]),
        estimate: flow.estimate(),
        midstream: flow.midstream,
        state: flow.state,
        end: flow.end as Option<EndReason>,
        tcp_flags: tcp.then_some((flow.sides[CLIENT].payload.flags().0, flow.sides[SERVER].payload.flags().0)),
        tcp_state: if tcp { flow.tcp_state.name().into() } else { String::new() },
        app_proto: flow.app.map_or_else(String::new, |app| app.name().to_owned()),
        community_id: String::from_utf8_lossy(&community_id(flow)).into_owned(),
    }
}

/// Protocols that a row names.
const MOST_APPS: usize = 8;
