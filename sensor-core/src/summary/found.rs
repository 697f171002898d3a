//! Rows of discovery: what became known of one host within a window.

use std::collections::BTreeSet;

use sensor_wire::request::{Value, ValueColumn, ValueCount, ValuesAnswer};
use sensor_wire::row::EventMessage;
use sensor_wire::{Addr, Few, Row, RowId, RowKind, Timestamp};

use super::{RowIndex, Summary, unused};
use crate::discover::{Change, Event, HostKey};
use crate::flow::FlowTable;

/// What a row tells of a host.
#[derive(Debug)]
pub struct Found {
    host: HostKey,
    last: Timestamp,
    /// Ports of services that are new or changed.
    ports: BTreeSet<u16>,
    /// IP protocols of these.
    protos: BTreeSet<u8>,
    messages: Vec<Message>,
    /// Changes that had no room.
    more: u32,
}

#[derive(Debug)]
struct Message {
    /// The service it is about.
    service: Option<(u16, u8)>,
    /// The service itself is new.
    new: bool,
    text: EventMessage,
}

impl Summary {
    /// Takes in what discovery found: a host has a row in a window.
    pub fn discovered(&mut self, event: &Event, table: &mut FlowTable) {
        self.roll(event.time, table);
        let id = Found::row_id(event, self.window(event.time).start);
        let is_its = |row: &RowIndex| {
            let found = self.rows.get(*row as usize).and_then(|slot| slot.found.as_ref());
            found.is_some_and(|found| found.host() == event.host())
        };
        let row = match self.by_id.get(&id).copied().filter(is_its) {
            Some(row) => row,
            None => {
                let row = self.add_row(unused(id, |id| self.by_id.contains_key(&id)));
                self.window(event.time).found.push(row);
                row
            }
        };
        let seq = self.changes.row(row);
        if let Some(slot) = self.rows.get_mut(row as usize) {
            slot.first = slot.first.min(event.time);
            slot.seq = seq;
            slot.found.get_or_insert_with(|| Box::new(Found::new(event.host()))).add(event);
        }
    }
}

impl Found {
    pub fn new(host: HostKey) -> Found {
        Found {
            host,
            last: Timestamp::MIN,
            ports: BTreeSet::new(),
            protos: BTreeSet::new(),
            messages: Vec::new(),
            more: 0,
        }
    }

    /// The id of the row of a host in a window.
    pub fn row_id(event: &Event, window: Timestamp) -> RowId {
        use std::hash::{BuildHasher, Hash, Hasher};
        let mut hasher = foldhash::quality::FixedState::with_seed(ROW_ID_SEED).build_hasher();
        hasher.write_i64(window);
        event.host().hash(&mut hasher);
        hasher.finish()
    }

    pub fn host(&self) -> HostKey {
        self.host
    }

    pub fn add(&mut self, event: &Event) {
        self.last = self.last.max(event.time);
        let service = event.change.service();
        if let Some((port, proto)) = service {
            self.ports.insert(port);
            self.protos.insert(proto);
            // A service that was told a moment ago is known better now.
            if let Some(known) = self.messages.iter_mut().find(|message| message.service == service) {
                known.text.message =
                    if known.new { event.change.as_new().to_string() } else { event.change.to_string() };
                return;
            }
        }
        let message = event.change.to_string();
        if let Some(known) = self.messages.iter_mut().find(|known| known.text.message == message) {
            known.text.count += 1;
        } else if self.messages.len() < MOST_MESSAGES {
            let text = EventMessage::new(event.change.severity(), message);
            let new = matches!(event.change, Change::Service { .. });
            self.messages.push(Message { service, new, text });
        } else {
            self.more += 1;
        }
    }

    /// The row for viewers: the host is the server where services are told of it.
    pub fn to_wire(&self, id: RowId, seq: u64, first: Timestamp) -> Row {
        let host = Few::One(Addr(self.host.address));
        let serves = !self.ports.is_empty();
        let mut events: Vec<EventMessage> = self.messages.iter().map(|message| message.text.clone()).collect();
        events.sort_by_key(|event| event.severity);
        if self.more > 0 {
            events
                .push(EventMessage { count: self.more, ..EventMessage::new(LEAST, "more about this host".to_owned()) });
        }
        Row {
            id,
            rev: seq as u32,
            kind: RowKind::Discovery,
            first,
            last: self.last,
            proto: one(&self.protos).unwrap_or_default(),
            bytes: 0,
            frame_bytes: 0,
            estimate: false,
            packets: 0,
            flows: 0,
            open: 0,
            servers: if serves { host } else { Few::None },
            clients: if serves { Few::None } else { host },
            server_ports: match one(&self.ports) {
                Some(port) => Few::One(port),
                None if self.ports.is_empty() => Few::None,
                None => Few::Many(self.ports.len() as u32),
            },
            client_ports: Few::None,
            app_protos: Vec::new(),
            states: [0; 3],
            events,
            rank: None,
        }
    }

    /// The values of a column, ascending.
    pub fn values(&self, column: ValueColumn) -> ValuesAnswer {
        let host = Value::Addr(Addr(self.host.address));
        let values: Vec<Value> = match (column, self.ports.is_empty()) {
            (ValueColumn::Server, false) | (ValueColumn::Client, true) => vec![host],
            (ValueColumn::ServerPort, _) => self.ports.iter().map(|port| Value::Port(*port)).collect(),
            _ => Vec::new(),
        };
        let values: Vec<_> =
            values.into_iter().map(|value| ValueCount { value, flows: 0, packets: 0, bytes: 0 }).collect();
        ValuesAnswer { total: values.len() as u32, values, gone: false, done: true }
    }
}

/// The only one, where there is one only.
fn one<T: Copy + Ord>(values: &BTreeSet<T>) -> Option<T> {
    values.first().copied().filter(|_| values.len() == 1)
}

/// Messages of a row.
const MOST_MESSAGES: usize = 32;

/// The severity of what only tells.
const LEAST: u8 = 4;

/// Keeps these ids apart from those of other rows.
const ROW_ID_SEED: u64 = 0x686f_7374;
