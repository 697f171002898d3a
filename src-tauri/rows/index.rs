//! The rows that pass the filter, in the order the grid shows them, kept in order as rows come and change.
//!
//! A batch of `b` changes among `n` rows costs one pass of block copies and `b log n` comparisons, never a sort of all:
//! changed rows are looked up by their old values and taken out, then looked up by their new ones and put in. A row whose
//! change doesn't touch the order is not moved at all.

use std::cmp::{Ordering, Reverse};
use std::net::IpAddr;

use sensor_wire::view::{Column, SortKey, Totals};
use sensor_wire::{Addr, Few, Row, Timestamp};

use super::columns::{Columns, Slot, State, has_event};
use super::find::Find;

/// The order of the shown rows and their sums.
pub struct Index {
    order: Vec<Slot>,
    sort: Vec<SortKey>,
    /// Each source's place among the sources' names.
    places: Vec<u32>,
    flow_events: bool,
    find: Option<Find>,
    sums: Sums,
}

impl Index {
    /// An empty index: newest first, flow events shown.
    pub fn new() -> Index {
        Index {
            order: Vec::new(),
            sort: vec![NEWEST_FIRST],
            places: Vec::new(),
            flow_events: true,
            find: None,
            sums: Sums::default(),
        }
    }

    /// Rows that pass the filter.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Their slots from the top.
    pub fn order(&self) -> &[Slot] {
        &self.order
    }

    /// The sort order.
    pub fn sort(&self) -> &[SortKey] {
        &self.sort
    }

    /// Sums over the rows that pass the filter.
    pub fn totals(&self) -> Totals {
        let narrow = |sum: u128| u64::try_from(sum).unwrap_or(u64::MAX);
        Totals { bytes: narrow(self.sums.bytes), packets: narrow(self.sums.packets), flows: narrow(self.sums.flows) }
    }

    /// The filter lets the row through.
    pub fn passes(&self, columns: &Columns, slot: Slot) -> bool {
        (self.flow_events || columns.has_event(slot)) && self.find.as_ref().is_none_or(|find| find.finds(columns, slot))
    }

    /// Shows or hides rows without an event.
    pub fn set_flow_events(&mut self, columns: &mut Columns, on: bool) {
        if self.flow_events != on {
            self.flow_events = on;
            self.rebuild(columns);
        }
    }

    /// Shows only rows that are searched for, or all.
    pub fn set_find(&mut self, columns: &mut Columns, find: Option<Find>) {
        if self.find != find {
            self.find = find;
            self.rebuild(columns);
        }
    }

    /// Rows without an event are shown.
    pub fn flow_events(&self) -> bool {
        self.flow_events
    }

    /// Another sort order. A column counts once; none at all is the first order again.
    pub fn set_sort(&mut self, columns: &Columns, keys: &[SortKey]) {
        let mut sort: Vec<SortKey> = Vec::new();
        for &key in keys {
            if sort.iter().all(|known| known.column != key.column) {
                sort.push(key);
            }
        }
        if sort.is_empty() {
            sort.push(NEWEST_FIRST);
        }
        if self.sort != sort {
            self.sort = sort;
            self.sort_all(columns);
        }
    }

    /// Tells the places of the sources' names, by source.
    pub fn set_places(&mut self, columns: &Columns, places: Vec<u32>) {
        let matters = self.sort.iter().any(|key| key.column == Column::Sensor);
        // A source that was only added changes nobody's order, and has no rows yet.
        let moved = matters && self.places.iter().zip(&places).any(|(old, new)| old != new);
        self.places = places;
        if moved {
            self.sort_all(columns);
        }
    }

    /// Where a row stands; `None` when it isn't shown.
    pub fn position(&self, columns: &Columns, slot: Slot) -> Option<usize> {
        let at = self.order.partition_point(|&other| self.compare(columns, other, slot) == Ordering::Less);
        (self.order.get(at) == Some(&slot)).then_some(at)
    }

    /// Takes rows out, by their positions; the slots still hold the values by which they stand.
    pub fn take_out(&mut self, columns: &mut Columns, positions: &mut [usize]) {
        positions.sort_unstable();
        let Some(&first) = positions.first() else { return };
        for &at in positions.iter() {
            let slot = self.order[at];
            self.sums.subtract(columns, slot);
            columns.set_shown(slot, false);
        }
        let mut write = first;
        for (n, &at) in positions.iter().enumerate() {
            let until = positions.get(n + 1).copied().unwrap_or(self.order.len());
            self.order.copy_within(at + 1..until, write);
            write += until - at - 1;
        }
        self.order.truncate(write);
    }

    /// Takes out all rows that `gone` names: one pass over everything, for many rows at once.
    pub fn take_out_where(&mut self, columns: &mut Columns, gone: impl Fn(&Columns, Slot) -> bool) {
        let mut order = std::mem::take(&mut self.order);
        order.retain(|&slot| {
            let goes = gone(columns, slot);
            if goes {
                self.sums.subtract(columns, slot);
                columns.set_shown(slot, false);
            }
            !goes
        });
        self.order = order;
    }

    /// The newer revision would stand where the kept one does.
    pub fn stays(&self, columns: &Columns, slot: Slot, row: &Row) -> bool {
        // What it says may have changed, and is looked at once it is kept.
        if self.find.is_some() {
            return false;
        }
        let passes = self.flow_events || has_event(row);
        passes == (columns.state(slot) == State::Shown)
            && columns.same(slot, row, Column::Time)
            && self.sort.iter().all(|key| columns.same(slot, row, key.column))
    }

    /// Puts a newer revision in the place of a row that [stays](Self::stays).
    pub fn replace(&mut self, columns: &mut Columns, slot: Slot, row: &Row) {
        let shown = columns.state(slot) == State::Shown;
        if shown {
            self.sums.subtract(columns, slot);
        }
        columns.replace(slot, row);
        if shown {
            self.sums.add(columns, slot);
        }
    }

    /// Puts rows in that aren't there, as far as the filter lets them through.
    pub fn put_in(&mut self, columns: &mut Columns, slots: &mut Vec<Slot>) {
        slots.retain(|&slot| self.passes(columns, slot));
        for &slot in slots.iter() {
            self.sums.add(columns, slot);
            columns.set_shown(slot, true);
        }
        slots.sort_unstable_by(|&a, &b| self.compare(columns, a, b));
        let old = self.order.len();
        let mut gaps = Vec::with_capacity(slots.len());
        let mut low = 0;
        for &slot in slots.iter() {
            low += self.order[low..].partition_point(|&other| self.compare(columns, other, slot) == Ordering::Less);
            gaps.push(low);
        }
        self.order.resize(old + slots.len(), 0);
        let mut end = old;
        for (n, (&slot, &gap)) in slots.iter().zip(&gaps).enumerate().rev() {
            self.order.copy_within(gap..end, gap + n + 1);
            self.order[gap + n] = slot;
            end = gap;
        }
    }

    /// The order of two rows. Total: no two rows are equal.
    pub fn compare(&self, columns: &Columns, a: Slot, b: Slot) -> Ordering {
        let ties = |a: Slot, b: Slot| {
            let key = |slot: Slot| {
                let at = slot as usize;
                (Reverse(columns.first[at]), columns.source[at], columns.row[at])
            };
            key(a).cmp(&key(b))
        };
        for &key in &self.sort {
            let order = self.weight(columns, key, a).cmp(&self.weight(columns, key, b));
            let order = order.then_with(|| self.exact(columns, key, a, b));
            if order != Ordering::Equal {
                return order;
            }
        }
        ties(a, b)
    }

    fn rebuild(&mut self, columns: &mut Columns) {
        self.order = columns.live().collect();
        let mut order = std::mem::take(&mut self.order);
        self.sums = Sums::default();
        order.retain(|&slot| {
            let shown = self.passes(columns, slot);
            columns.set_shown(slot, shown);
            if shown {
                self.sums.add(columns, slot);
            }
            shown
        });
        self.order = order;
        self.sort_all(columns);
    }

    /// Sorts by the first key's weights, which lie beside the slots, and looks at the rows for ties only: eight times
    /// less memory is touched than by comparing rows.
    fn sort_all(&mut self, columns: &Columns) {
        let Some(&first) = self.sort.first() else { return };
        let mut keyed: Vec<(u64, Slot)> =
            self.order.iter().map(|&slot| (self.weight(columns, first, slot), slot)).collect();
        keyed.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| self.compare(columns, a.1, b.1)));
        self.order.clear();
        self.order.extend(keyed.into_iter().map(|(_, slot)| slot));
    }

    /// The row's place by one key as a number: less is nearer to the top. Rows that have nothing to sort by come last
    /// in both directions.
    fn weight(&self, columns: &Columns, key: SortKey, slot: Slot) -> u64 {
        match self.ascending(columns, key.column, slot) {
            Place::Of(weight) if key.descending => LAST / 2 - 1 - weight.min(LAST / 2 - 1),
            Place::Of(weight) => weight.min(LAST / 2 - 1),
            // Without an event, by the protocol: what the cell shows then.
            Place::After(weight) if key.descending => LAST - 1 - weight.min(LAST / 2 - 1),
            Place::After(weight) => LAST / 2 + weight.min(LAST / 2 - 1),
            Place::Last => LAST,
        }
    }

    fn ascending(&self, columns: &Columns, column: Column, slot: Slot) -> Place {
        let at = slot as usize;
        match column {
            Column::Time => Place::Of(time_weight(columns.first[at])),
            Column::Sensor => {
                let place = self.places.get(columns.source[at] as usize).copied().unwrap_or(u32::MAX);
                Place::Of(u64::from(place))
            }
            Column::Rank => match columns.rank[at] {
                Some(rank) => Place::Of((i16::from(rank) + 128) as u64),
                None => Place::Last,
            },
            Column::Bytes => Place::Of(columns.bytes[at]),
            Column::Packets => Place::Of(columns.packets[at]),
            Column::Flows => Place::Of(u64::from(columns.flows[at])),
            Column::Server => addr_place(columns.servers[at]),
            Column::Client => addr_place(columns.clients[at]),
            Column::ServerPort => port_place(columns.server_ports[at]),
            Column::ClientPort => port_place(columns.client_ports[at]),
            Column::Events => event_place(columns, at),
            Column::Proto => Place::Of(u64::from(columns.proto[at])),
        }
    }

    /// What a weight is too short to tell apart.
    fn exact(&self, columns: &Columns, key: SortKey, a: Slot, b: Slot) -> Ordering {
        let (a, b) = (a as usize, b as usize);
        let order = match key.column {
            Column::Server => one(columns.servers[a]).cmp(&one(columns.servers[b])),
            Column::Client => one(columns.clients[a]).cmp(&one(columns.clients[b])),
            Column::Events => shown_text(columns, a).cmp(shown_text(columns, b)),
            Column::Time => columns.first[a].cmp(&columns.first[b]),
            Column::Bytes => columns.bytes[a].cmp(&columns.bytes[b]),
            Column::Packets => columns.packets[a].cmp(&columns.packets[b]),
            Column::Sensor | Column::Rank | Column::Flows | Column::ServerPort | Column::ClientPort | Column::Proto => {
                Ordering::Equal
            }
        };
        if key.descending { order.reverse() } else { order }
    }
}

/// The first sort order.
pub const NEWEST_FIRST: SortKey = SortKey { column: Column::Time, descending: true };

/// Below it two equal halves: rows with the thing sorted by, and rows that are sorted among themselves after them.
const LAST: u64 = u64::MAX - 1;

/// A place in ascending order.
enum Place {
    /// Among the rows that have the thing; cut at 63 bits, where `exact` goes on.
    Of(u64),
    /// Among those that lack it, which still have an order of their own.
    After(u64),
    /// Behind all, in no order of its own.
    Last,
}

#[derive(Clone, Copy, Default)]
struct Sums {
    bytes: u128,
    packets: u128,
    flows: u128,
}

impl Sums {
    fn add(&mut self, columns: &Columns, slot: Slot) {
        self.bytes += u128::from(columns.bytes[slot as usize]);
        self.packets += u128::from(columns.packets[slot as usize]);
        self.flows += u128::from(columns.flows[slot as usize]);
    }

    fn subtract(&mut self, columns: &Columns, slot: Slot) {
        self.bytes -= u128::from(columns.bytes[slot as usize]);
        self.packets -= u128::from(columns.packets[slot as usize]);
        self.flows -= u128::from(columns.flows[slot as usize]);
    }
}

/// Halved, because a weight has 63 bits; the last bit is left to `exact`.
fn time_weight(time: Timestamp) -> u64 {
    ((time as u64) ^ (1 << 63)) >> 1
}

/// IPv4, IPv6, then the counts: the upper two of 63 bits tell which.
fn addr_place(few: Few<Addr>) -> Place {
    match few {
        Few::One(Addr(IpAddr::V4(addr))) => Place::Of(u64::from(u32::from(addr))),
        Few::One(Addr(IpAddr::V6(addr))) => Place::Of(1 << 61 | (u128::from(addr) >> 67) as u64),
        Few::Many(count) => Place::Of(2 << 61 | u64::from(count)),
        Few::None => Place::Last,
    }
}

fn port_place(few: Few<u16>) -> Place {
    match few {
        Few::One(port) => Place::Of(u64::from(port)),
        Few::Many(count) => Place::Of(1 << 61 | u64::from(count)),
        Few::None => Place::Last,
    }
}

/// By the worst severity (1 is the highest, so it weighs most), then by how many messages there are.
fn event_place(columns: &Columns, at: usize) -> Place {
    let events = &columns.events[at];
    match events.iter().map(|event| event.severity).min() {
        Some(severity) => {
            let count: u64 = events.iter().map(|event| u64::from(event.count)).sum();
            Place::Of(u64::from(u8::MAX - severity) << 48 | count.min((1 << 48) - 1))
        }
        None if columns.text(columns.protos[at]).is_empty() => Place::Last,
        None => Place::After(text_weight(columns.text(columns.protos[at]))),
    }
}

/// The first seven bytes of a text, so that its weight has 56 bits.
fn text_weight(text: &str) -> u64 {
    let mut bytes = [0; 8];
    for (to, from) in bytes.iter_mut().skip(1).zip(text.bytes()) {
        *to = from;
    }
    u64::from_be_bytes(bytes)
}

fn shown_text(columns: &Columns, at: usize) -> &str {
    columns.text(columns.events[at].first().map_or(columns.protos[at], |event| event.message))
}

fn one(few: Few<Addr>) -> Option<Addr> {
    match few {
        Few::One(addr) => Some(addr),
        Few::None | Few::Many(_) => None,
    }
}
