//! The rows, column by column: what sorting reads lies close together. A row lives in a slot; slots are used again.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::{HashMap, HashTable};
use sensor_wire::row::{EventMessage, RuleNote};
use sensor_wire::view::{Column, RowKey, SourceId, ViewRow};
use sensor_wire::{Addr, Few, Row, RowId, RowKind, Timestamp};

use super::intern::{TextId, Texts};

/// Where a row lives.
pub type Slot = u32;

/// Application protocols kept of a row; the wire promises no more.
const MAX_PROTOS: usize = 4;

/// Messages kept of a row. A sensor is less trusted than the app: its rows must not grow without end.
const MAX_EVENTS: usize = 32;

/// Bytes kept of a text.
const MAX_TEXT: usize = 512;

/// Between the protocols of a row in their one kept text.
pub(super) const SEPARATOR: &str = "\u{1f}";

/// All rows, hidden ones too.
#[derive(Default)]
pub struct Columns {
    pub(super) first: Vec<Timestamp>,
    pub(super) source: Vec<SourceId>,
    pub(super) row: Vec<RowId>,
    pub(super) kind: Vec<RowKind>,
    pub(super) rank: Vec<Option<i8>>,
    pub(super) bytes: Vec<u64>,
    pub(super) packets: Vec<u64>,
    pub(super) flows: Vec<u32>,
    pub(super) servers: Vec<Few<Addr>>,
    pub(super) clients: Vec<Few<Addr>>,
    pub(super) server_ports: Vec<Few<u16>>,
    pub(super) client_ports: Vec<Few<u16>>,
    pub(super) events: Vec<Box<[Event]>>,
    pub(super) protos: Vec<TextId>,
    pub(super) proto: Vec<u8>,
    rev: Vec<u32>,
    rest: Vec<Rest>,
    state: Vec<State>,
    free: Vec<Slot>,
    slots: HashTable<Slot>,
    hasher: RandomState,
    texts: Texts,
    counts: HashMap<SourceId, u64>,
}

/// A message of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub(super) severity: u8,
    pub(super) count: u32,
    pub(super) message: TextId,
    pub(super) rule: Option<Box<RuleNote>>,
}

/// What no sort order reads.
#[derive(Clone, Copy)]
struct Rest {
    last: Timestamp,
    frame_bytes: u64,
    open: u32,
    states: [u32; 3],
    estimate: bool,
}

/// What a slot is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing: it may be taken.
    Free,
    /// A row that the filter hides.
    Hidden,
    /// A row that stands in the index.
    Shown,
}

impl Columns {
    /// Rows in all.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Rows of one source.
    pub fn count_of(&self, source: SourceId) -> u64 {
        self.counts.get(&source).copied().unwrap_or(0)
    }

    /// The slot of a row.
    pub fn find(&self, key: RowKey) -> Option<Slot> {
        self.slots.find(self.hasher.hash_one(key), |&slot| self.key(slot) == key).copied()
    }

    /// The identity of the row in a slot.
    pub fn key(&self, slot: Slot) -> RowKey {
        RowKey { source: self.source[slot as usize], row: self.row[slot as usize] }
    }

    /// The revision of the row in a slot.
    pub fn rev(&self, slot: Slot) -> u32 {
        self.rev[slot as usize]
    }

    /// What a slot is used for.
    pub fn state(&self, slot: Slot) -> State {
        self.state[slot as usize]
    }

    /// Says whether the row stands in the index.
    pub fn set_shown(&mut self, slot: Slot, shown: bool) {
        self.state[slot as usize] = if shown { State::Shown } else { State::Hidden };
    }

    /// Every slot that holds a row, in the order in which they lie in memory.
    pub fn live(&self) -> impl Iterator<Item = Slot> + '_ {
        self.state.iter().zip(0..).filter(|&(&state, _)| state != State::Free).map(|(_, slot)| slot)
    }

    /// The rows that the filter lets through, in the order in which they lie in memory.
    pub fn shown(&self) -> impl Iterator<Item = Slot> + '_ {
        self.state.iter().zip(0..).filter(|&(&state, _)| state == State::Shown).map(|(_, slot)| slot)
    }

    /// The row has an event.
    pub fn has_event(&self, slot: Slot) -> bool {
        self.kind[slot as usize] != RowKind::Flow || !self.events[slot as usize].is_empty()
    }

    /// A kept text.
    pub fn text(&self, id: TextId) -> &str {
        self.texts.get(id)
    }

    /// Adds a row that is not there yet, hidden.
    pub fn add(&mut self, source: SourceId, row: &Row) -> Slot {
        let slot = self.free.pop().unwrap_or_else(|| self.grow());
        let at = slot as usize;
        (self.source[at], self.row[at], self.state[at]) = (source, row.id, State::Hidden);
        self.protos[at] = self.take_protos(row);
        self.events[at] = self.take_events(row);
        self.write(slot, row);
        let hash = self.hasher.hash_one(self.key(slot));
        let (hasher, sources, rows) = (&self.hasher, &self.source, &self.row);
        let rehash =
            |&slot: &Slot| hasher.hash_one(RowKey { source: sources[slot as usize], row: rows[slot as usize] });
        self.slots.insert_unique(hash, slot, rehash);
        *self.counts.entry(source).or_insert(0) += 1;
        slot
    }

    /// Puts a newer revision in the place of an older one.
    pub fn replace(&mut self, slot: Slot, row: &Row) {
        // Taken before the old ones are released, so that texts that stay are not forgotten in between.
        let (protos, events) = (self.take_protos(row), self.take_events(row));
        self.release_texts(slot);
        (self.protos[slot as usize], self.events[slot as usize]) = (protos, events);
        self.write(slot, row);
    }

    /// In this column the newer revision has the value that is kept.
    pub fn same(&self, slot: Slot, row: &Row, column: Column) -> bool {
        let at = slot as usize;
        match column {
            Column::Time => self.first[at] == row.first,
            Column::Sensor => true,
            Column::Rank => self.rank[at] == row.rank,
            Column::Bytes => self.bytes[at] == row.bytes,
            Column::Packets => self.packets[at] == row.packets,
            Column::Flows => self.flows[at] == row.flows,
            Column::Server => self.servers[at] == row.servers,
            Column::ServerPort => self.server_ports[at] == row.server_ports,
            Column::Client => self.clients[at] == row.clients,
            Column::ClientPort => self.client_ports[at] == row.client_ports,
            // Not looked into: rows with events are few, and a first protocol comes once.
            Column::Events => false,
            Column::Proto => self.proto[at] == row.proto,
        }
    }

    /// Takes a row away. It must not stand in the index any more.
    pub fn remove(&mut self, slot: Slot) {
        let key = self.key(slot);
        if let Ok(entry) = self.slots.find_entry(self.hasher.hash_one(key), |&other| other == slot) {
            entry.remove();
        }
        self.release_texts(slot);
        self.events[slot as usize] = Box::default();
        self.state[slot as usize] = State::Free;
        self.free.push(slot);
        if let Some(count) = self.counts.get_mut(&key.source) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&key.source);
            }
        }
        if self.slots.is_empty() {
            // Memory that a large capture took goes back once its rows are gone.
            *self = Columns::default();
        }
    }

    /// The row as the grid draws it.
    pub fn view(&self, slot: Slot, sensor: &str, utc_offset: i32) -> ViewRow {
        let at = slot as usize;
        let rest = &self.rest[at];
        ViewRow {
            key: self.key(slot),
            rev: self.rev[at],
            kind: self.kind[at],
            sensor: sensor.to_owned(),
            first: self.first[at],
            last: rest.last,
            utc_offset,
            rank: self.rank[at],
            bytes: self.bytes[at],
            frame_bytes: rest.frame_bytes,
            estimate: rest.estimate,
            packets: self.packets[at],
            flows: self.flows[at],
            open: rest.open,
            servers: self.servers[at],
            clients: self.clients[at],
            server_ports: self.server_ports[at],
            client_ports: self.client_ports[at],
            app_protos: self
                .text(self.protos[at])
                .split(SEPARATOR)
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect(),
            states: rest.states,
            events: self.events[at]
                .iter()
                .map(|event| EventMessage {
                    severity: event.severity,
                    message: self.text(event.message).to_owned(),
                    count: event.count,
                    rule: event.rule.clone(),
                })
                .collect(),
            proto: self.proto[at],
            server_note: String::new(),
            client_note: String::new(),
        }
    }

    fn grow(&mut self) -> Slot {
        let slot = self.state.len() as Slot;
        self.first.push(0);
        self.source.push(0);
        self.row.push(0);
        self.kind.push(RowKind::Flow);
        self.rank.push(None);
        self.bytes.push(0);
        self.packets.push(0);
        self.flows.push(0);
        self.servers.push(Few::None);
        self.clients.push(Few::None);
        self.server_ports.push(Few::None);
        self.client_ports.push(Few::None);
        self.events.push(Box::default());
        self.protos.push(0);
        self.proto.push(0);
        self.rev.push(0);
        self.rest.push(Rest { last: 0, frame_bytes: 0, open: 0, states: [0; 3], estimate: false });
        self.state.push(State::Free);
        slot
    }

    fn write(&mut self, slot: Slot, row: &Row) {
        let at = slot as usize;
        self.first[at] = row.first;
        self.kind[at] = row.kind;
        self.rank[at] = row.rank;
        self.bytes[at] = row.bytes;
        self.packets[at] = row.packets;
        self.flows[at] = row.flows;
        self.servers[at] = row.servers;
        self.clients[at] = row.clients;
        self.server_ports[at] = row.server_ports;
        self.client_ports[at] = row.client_ports;
        self.proto[at] = row.proto;
        self.rev[at] = row.rev;
        self.rest[at] = Rest {
            last: row.last,
            frame_bytes: row.frame_bytes,
            open: row.open,
            states: row.states,
            estimate: row.estimate,
        };
    }

    fn take_protos(&mut self, row: &Row) -> TextId {
        match row.app_protos.as_slice() {
            [] => self.texts.take(""),
            [one] => self.texts.take(cut(one)),
            many => {
                let names: Vec<&str> = many.iter().take(MAX_PROTOS).map(|name| cut(name)).collect();
                self.texts.take(&names.join(SEPARATOR))
            }
        }
    }

    fn take_events(&mut self, row: &Row) -> Box<[Event]> {
        let mut take = |event: &EventMessage| Event {
            severity: event.severity,
            count: event.count,
            message: self.texts.take(cut(&event.message)),
            rule: event
                .rule
                .as_ref()
                .map(|rule| Box::new(RuleNote { class: cut(&rule.class).to_owned(), ..(**rule).clone() })),
        };
        row.events.iter().take(MAX_EVENTS).map(&mut take).collect()
    }

    fn release_texts(&mut self, slot: Slot) {
        self.texts.release(self.protos[slot as usize]);
        for event in &self.events[slot as usize] {
            self.texts.release(event.message);
        }
    }
}

/// The row is shown even while flow events are off.
pub fn has_event(row: &Row) -> bool {
    row.kind != RowKind::Flow || !row.events.is_empty()
}

fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MAX_TEXT)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::super::testing::row;
    use super::*;

    #[test]
    fn texts_of_a_sensor_are_cut_and_counted() {
        let mut columns = Columns::default();
        let message = EventMessage::new(1, "ü".repeat(1000));
        let wild = Row { events: vec![message; 1000], app_protos: vec!["p".repeat(5000); 9], ..row(1) };
        let slot = columns.add(1, &wild);
        let view = columns.view(slot, "lab", 0);
        assert_eq!(view.events.len(), MAX_EVENTS);
        assert!(view.events.iter().all(|event| event.message.len() <= MAX_TEXT));
        assert_eq!(view.app_protos, vec!["p".repeat(MAX_TEXT); MAX_PROTOS]);
        assert_eq!(columns.texts.len(), 2);
        columns.replace(slot, &Row { rev: 2, ..row(1) });
        assert_eq!(columns.texts.len(), 1);
        assert_eq!(columns.count_of(1), 1);
        columns.remove(slot);
        assert_eq!((columns.len(), columns.texts.len(), columns.count_of(1)), (0, 0, 0));
    }
}
