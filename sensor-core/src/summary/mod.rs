//! Rows: the flows of a window, grouped by what they have in common, kept up to date and handed to viewers.
//!
//! A flow belongs to the window in which it started, and to exactly one row of it, so that the rows add up to the
//! flows. While the window is open its rows may be regrouped; after that only their counters follow their flows, until
//! the last one ends. The grouping of a closed window depends on its flows alone, not on when viewers looked. A flow that
//! rules matched is in the window of its alert instead.

mod alerts;
mod changes;
mod found;
mod group;
mod row;

use std::borrow::Cow;
use std::collections::VecDeque;

use foldhash::{HashMap, HashMapExt, HashSet};
use sensor_wire::request::{FlowsAnswer, Value, ValueColumn, ValueCount, ValuesAnswer};
use sensor_wire::{Addr, Row, RowId, RowKind, Timestamp};

use crate::flow::{Flow, FlowIndex, FlowTable, ip_of};
use crate::limits::Limits;
use alerts::Alerts;
pub use alerts::{Hit, rule_action};
use changes::Changes;
pub use group::{GroupKey, Grouping, Pattern, group};
pub use row::flow_record;
use row::{Reported, RowSlot, Unique};

/// The rows of one sensor.
#[derive(Debug)]
pub struct Summary {
    window_ns: i64,
    limits: Limits,
    open: Option<Window>,
    rows: Vec<RowSlot>,
    free: Vec<RowIndex>,
    by_id: HashMap<RowId, RowIndex>,
    /// One for each flow in the table, by its index.
    members: Vec<Member>,
    /// Flows that changed since the rows were last brought up to date; each once.
    dirty: Vec<FlowIndex>,
    changes: Changes,
    /// Rows of closed windows, oldest first: the order in which they give way.
    closed: Closed,
    /// What rules matched.
    alerts: Alerts,
    /// Rows that flows left because of an alert.
    left: HashSet<RowIndex>,
    /// Rows that were ever made.
    births: u64,
    kept_flows: usize,
    evicted: u64,
}

type RowIndex = u32;

/// Rows of closed windows with the change that made them, by which those are passed over whose place was taken since.
#[derive(Debug, Default)]
struct Closed {
    /// Those without an alert.
    plain: VecDeque<(RowIndex, u64)>,
    /// Those with one.
    alerts: VecDeque<(RowIndex, u64)>,
}

/// The window that takes new flows.
#[derive(Debug)]
struct Window {
    start: Timestamp,
    /// Its flows in order of start.
    flows: Vec<FlowIndex>,
    /// How many of them have a row.
    placed: usize,
    /// How many were there at the last regrouping.
    grouped: usize,
    /// Those that left their row in it because of an alert.
    loose: Vec<FlowIndex>,
    rows: Vec<RowIndex>,
    /// Rows of discovery, a host each.
    found: Vec<RowIndex>,
}

/// A flow's place in the rows.
#[derive(Clone, Copy, Debug, Default)]
struct Member {
    row: Option<RowIndex>,
    /// Next flow of the same row.
    next: Option<FlowIndex>,
    /// What the row's sums hold of this flow.
    reported: Reported,
    /// Its alerts.
    alerts: alerts::Place,
}

impl Summary {
    /// No rows yet. `window_ns` is the length of a window in nanoseconds of packet time.
    pub fn new(window_ns: i64, limits: Limits) -> Summary {
        Summary {
            window_ns: window_ns.max(1),
            limits,
            open: None,
            rows: Vec::new(),
            free: Vec::new(),
            by_id: HashMap::new(),
            members: Vec::new(),
            dirty: Vec::new(),
            changes: Changes::default(),
            closed: Closed::default(),
            alerts: Alerts::new(alerts::MOST_COUNTS),
            left: HashSet::default(),
            births: 0,
            kept_flows: 0,
            evicted: 0,
        }
    }

    /// Takes in a flow that was just opened.
    pub fn opened(&mut self, index: FlowIndex, table: &mut FlowTable) {
        let Some(first) = table.get(index).map(|f| f.first) else { return };
        self.roll(first, table);
        if let Some(flow) = table.get_mut(index) {
            flow.kept = true;
        }
        self.enter(index, first);
    }

    /// A flow comes into the open window.
    fn enter(&mut self, index: FlowIndex, time: Timestamp) {
        if self.members.len() <= index as usize {
            self.members.resize(index as usize + 1, Member::default());
        }
        if let Some(member) = self.members.get_mut(index as usize) {
            self.alerts.forget(&mut member.alerts);
            *member = Member::default();
        }
        self.kept_flows += 1;
        self.window(time).flows.push(index);
    }

    /// The window that takes what is new at a time.
    fn window(&mut self, time: Timestamp) -> &mut Window {
        let start = time.div_euclid(self.window_ns).saturating_mul(self.window_ns);
        self.open.get_or_insert_with(|| Window {
            start,
            flows: Vec::new(),
            placed: 0,
            grouped: 0,
            loose: Vec::new(),
            rows: Vec::new(),
            found: Vec::new(),
        })
    }

    /// Notes that a flow changed. The caller keeps `Flow::dirty`, so that each comes once.
    #[inline]
    pub fn changed(&mut self, index: FlowIndex) {
        self.dirty.push(index);
    }

    /// Brings the rows up to date with the flows: after this, and before the next packet, rows equal the sums of
    /// their flows. Called before viewers are answered.
    pub fn settle(&mut self, table: &mut FlowTable) {
        self.settle_left(table);
        self.place_new_flows(table);
        self.apply_dirty(table);
        self.evict(table);
        self.changes.compact(&self.rows);
        self.closed.compact(&self.rows);
    }

    /// Time goes on without packets: closes the open window if time has left it.
    pub fn tick(&mut self, now: Timestamp, table: &mut FlowTable) {
        if self.open.as_ref().is_some_and(|window| now >= window.start.saturating_add(self.window_ns)) {
            self.close_window(table);
        }
    }

    /// Closes the open window: the source has ended.
    pub fn finish(&mut self, table: &mut FlowTable) {
        self.close_window(table);
        self.settle(table);
    }

    /// Rows that changed after `after`, oldest change first, at most `budget`.
    pub fn changed_after(&self, after: u64, budget: usize, table: &FlowTable) -> Delta {
        let (picked, removed, seq, reset) = self.changes.after(after, budget, &self.rows);
        let rows = picked
            .into_iter()
            .filter_map(|index| self.rows.get(index as usize))
            .filter_map(|slot| self.to_wire(slot, table))
            .collect();
        Delta { seq, rows, removed, reset }
    }

    /// All rows in the order of their last change, for a terminal.
    pub fn rows(&self, table: &FlowTable) -> Vec<Row> {
        self.changed_after(0, usize::MAX, table).rows
    }

    /// The flows of a row in order of their start.
    pub fn flows(&self, row: RowId, offset: u32, limit: u32, table: &FlowTable) -> FlowsAnswer {
        let Some(slot) = self.row(row) else { return FlowsAnswer { gone: true, done: true, ..Default::default() } };
        let flows = self
            .members_of(slot)
            .skip(offset as usize)
            .take(limit as usize)
            .filter_map(|index| table.get(index))
            .map(flow_record)
            .collect();
        FlowsAnswer { total: slot.count, flows, gone: false, done: true }
    }

    /// The unique values of a column of a row, ascending.
    pub fn values(&self, row: RowId, column: ValueColumn, table: &FlowTable) -> ValuesAnswer {
        let Some(slot) = self.row(row) else { return ValuesAnswer { gone: true, done: true, ..Default::default() } };
        if let Some(found) = &slot.found {
            return found.values(column);
        }
        let mut counts: HashMap<Value, ValueCount> = HashMap::new();
        for flow in self.members_of(slot).filter_map(|index| table.get(index)) {
            let value = match column {
                ValueColumn::Server => Value::Addr(Addr(ip_of(flow.server_bits(), flow.key.v6))),
                ValueColumn::Client => Value::Addr(Addr(ip_of(flow.client_bits(), flow.key.v6))),
                // Such a row's cell is `Few::None`: there is nothing to list.
                ValueColumn::ServerPort | ValueColumn::ClientPort if !flow.has_ports() => continue,
                ValueColumn::ServerPort => Value::Port(flow.server_port()),
                ValueColumn::ClientPort => Value::Port(flow.client_port()),
            };
            let count = counts.entry(value).or_insert(ValueCount { value, flows: 0, packets: 0, bytes: 0 });
            count.flows += 1;
            count.packets += flow.packets();
            count.bytes += flow.payload_bytes();
        }
        let mut values: Vec<ValueCount> = counts.into_values().collect();
        values.sort_unstable_by_key(|v| v.value);
        ValuesAnswer { total: values.len() as u32, values, gone: false, done: true }
    }

    /// A row for viewers.
    fn to_wire(&self, slot: &RowSlot, table: &FlowTable) -> Option<Row> {
        let mut row = slot.to_wire(table)?;
        if slot.alerts {
            row.kind = RowKind::Alert;
            let places = self.members_of(slot).filter_map(|index| self.members.get(index as usize));
            row.events = self.alerts.messages(places.map(|member| member.alerts));
        }
        Some(row)
    }

    /// Rows kept.
    pub fn row_count(&self) -> usize {
        self.by_id.len()
    }

    /// Rows that gave way.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Closes the window if time has left it. A capture whose times jump back opens a new one too; packets that are
    /// only a little late stay in the open one.
    fn roll(&mut self, time: Timestamp, table: &mut FlowTable) {
        let Some(window) = &self.open else { return };
        let left = time >= window.start.saturating_add(self.window_ns)
            || time < window.start.saturating_sub(LATE_NS)
            || window.flows.len() >= self.limits.kept_flows / 2
            // Rows of the open window can't give way, and each flow may be one.
            || window.flows.len() + window.found.len() >= self.limits.rows;
        if left {
            self.close_window(table);
        }
    }

    fn close_window(&mut self, table: &mut FlowTable) {
        if self.open.is_none() {
            return;
        }
        self.settle_left(table);
        self.regroup(table);
        if let Some(window) = self.open.take() {
            for row in window.rows.into_iter().chain(window.found) {
                let Some(slot) = self.rows.get_mut(row as usize) else { continue };
                slot.closed = true;
                let of = if slot.alerts { &mut self.closed.alerts } else { &mut self.closed.plain };
                of.push_back((row, slot.born));
            }
        }
        self.apply_dirty(table);
        self.evict(table);
    }

    /// Gives new flows of the open window a row: by regrouping while that is cheap or the window has grown by a
    /// quarter, else each alone until then.
    fn place_new_flows(&mut self, table: &mut FlowTable) {
        let Some(window) = &mut self.open else { return };
        let total = window.flows.len();
        if window.placed == total && window.loose.is_empty() {
            return;
        }
        if total <= CHEAP_TO_REGROUP || total - window.grouped >= window.grouped / 4 {
            self.regroup(table);
            return;
        }
        let mut new = std::mem::take(&mut window.loose);
        new.extend(window.flows.get(window.placed..).unwrap_or_default());
        window.placed = total;
        for index in new {
            let Some(id) = table.get(index).map(Flow::id) else { continue };
            let row = self.add_row(unused(id, |id| self.by_id.contains_key(&id)));
            self.append(row, index, table);
            self.refresh(row, table);
            if let Some(window) = &mut self.open {
                window.rows.push(row);
            }
        }
    }

    /// Groups the open window anew and changes its rows where the outcome differs.
    fn regroup(&mut self, table: &mut FlowTable) {
        let Some(mut window) = self.open.take() else { return };
        window.placed = window.flows.len();
        window.grouped = window.flows.len();
        window.loose.clear();

        let mut rows = Vec::with_capacity(window.rows.len());
        let mut wanted: Vec<(RowId, Vec<FlowIndex>)> = Vec::with_capacity(window.rows.len());
        let own: HashSet<RowId> =
            window.rows.iter().filter_map(|row| self.rows.get(*row as usize)).map(|slot| slot.id).collect();
        let mut keep: HashSet<RowId> = HashSet::default();
        let mut own_id = |id: RowId| {
            let id = unused(id, |id| keep.contains(&id) || (self.by_id.contains_key(&id) && !own.contains(&id)));
            keep.insert(id);
            id
        };
        for (set, flows) in self.by_set(&window.flows) {
            let grouping = group(Positions { flows: flows.iter(), table });
            let flow_at = |position: &u32| flows.get(*position as usize).copied();
            for (key, members) in &grouping.groups {
                let id = own_id(key.row_id(window.start) ^ set);
                wanted.push((id, members.iter().filter_map(flow_at).collect()));
            }
            for index in grouping.alone.iter().filter_map(flow_at) {
                if let Some(flow) = table.get(index) {
                    wanted.push((own_id(flow.id()), vec![index]));
                }
            }
        }

        for row in std::mem::take(&mut window.rows) {
            let Some(id) = self.rows.get(row as usize).map(|r| r.id) else { continue };
            if !keep.contains(&id) {
                self.remove_row(row, true);
            }
        }
        for (id, members) in wanted {
            let row = match self.by_id.get(&id) {
                Some(&row) if self.same_members(row, &members) => {
                    rows.push(row);
                    continue;
                }
                Some(&row) => {
                    if let Some(slot) = self.rows.get_mut(row as usize) {
                        slot.clear_members();
                    }
                    row
                }
                None => self.add_row(id),
            };
            for index in members {
                self.append(row, index, table);
            }
            self.refresh(row, table);
            rows.push(row);
        }
        window.rows = rows;
        self.open = Some(window);
    }

    /// Flows by the rules that matched them, in the order of the first of each; those that none matched are first.
    fn by_set<'a>(&self, flows: &'a [FlowIndex]) -> Vec<(u64, Cow<'a, [FlowIndex]>)> {
        let set =
            |index: &FlowIndex| self.members.get(*index as usize).map_or(0, |member| self.alerts.set(member.alerts));
        if flows.iter().all(|index| set(index) == 0) {
            return vec![(0, flows.into())];
        }
        let mut sets: Vec<(u64, Cow<'a, [FlowIndex]>)> = vec![(0, Cow::default())];
        let mut places: HashMap<u64, usize> = HashMap::from_iter([(0, 0)]);
        for index in flows {
            let set = set(index);
            let place = *places.entry(set).or_insert_with(|| {
                sets.push((set, Cow::default()));
                sets.len() - 1
            });
            if let Some((_, flows)) = sets.get_mut(place) {
                flows.to_mut().push(*index);
            }
        }
        sets
    }

    /// Takes the flows' changes over into their rows' sums.
    fn apply_dirty(&mut self, table: &mut FlowTable) {
        let mut dirty = std::mem::take(&mut self.dirty);
        for index in dirty.drain(..) {
            let Some(flow) = table.get_mut(index) else { continue };
            flow.dirty = false;
            let Some(member) = self.members.get_mut(index as usize) else { continue };
            let now = Reported::of(flow, self.alerts.total(member.alerts));
            let before = std::mem::replace(&mut member.reported, now);
            if let Some(row) = member.row
                && before != now
                && let Some(slot) = self.rows.get_mut(row as usize)
            {
                slot.replace(&before, &now);
                slot.seq = self.changes.row(row);
            }
        }
        self.dirty = dirty;
    }

    /// Oldest rows give way when there are too many, or their flows are.
    fn evict(&mut self, table: &mut FlowTable) {
        while self.by_id.len() > self.limits.rows || self.kept_flows > self.limits.kept_flows {
            let Some(row) = self.closed.oldest(&self.rows, self.limits.rows) else { return };
            let Some(slot) = self.rows.get(row as usize) else { continue };
            let flows: Vec<FlowIndex> = self.members_of(slot).collect();
            self.remove_row(row, false);
            for index in flows {
                if let Some(member) = self.members.get_mut(index as usize) {
                    member.row = None;
                    self.alerts.forget(&mut member.alerts);
                }
                table.release(index);
                self.kept_flows -= 1;
            }
            self.evicted += 1;
        }
    }

    fn row(&self, id: RowId) -> Option<&RowSlot> {
        self.rows.get(*self.by_id.get(&id)? as usize)
    }

    fn add_row(&mut self, id: RowId) -> RowIndex {
        self.births += 1;
        let slot = RowSlot::new(id, self.births);
        let index = match self.free.pop() {
            Some(index) => {
                if let Some(place) = self.rows.get_mut(index as usize) {
                    *place = slot;
                }
                index
            }
            None => {
                self.rows.push(slot);
                self.rows.len() as RowIndex - 1
            }
        };
        self.by_id.insert(id, index);
        index
    }

    /// Takes a row out. Viewers are told when its flows went into other rows, not when it was only given up here.
    fn remove_row(&mut self, row: RowIndex, tell: bool) {
        let Some(slot) = self.rows.get_mut(row as usize) else { return };
        let id = slot.id;
        slot.seq = 0;
        slot.alive = false;
        slot.found = None;
        self.by_id.remove(&id);
        self.free.push(row);
        if tell {
            self.changes.removed(id);
        }
    }

    fn append(&mut self, row: RowIndex, index: FlowIndex, table: &FlowTable) {
        let Some(slot) = self.rows.get_mut(row as usize) else { return };
        let tail = slot.tail.replace(index);
        slot.head.get_or_insert(index);
        slot.count += 1;
        let Some(member) = self.members.get_mut(index as usize) else { return };
        let since = self.alerts.since(member.alerts);
        slot.alerts |= since.is_some();
        if let Some(first) = since.or_else(|| table.get(index).map(|flow| flow.first)) {
            slot.first = slot.first.min(first);
        }
        {
            member.row = Some(row);
            member.next = None;
            slot.add(&member.reported);
        }
        if let Some(previous) = tail.and_then(|t| self.members.get_mut(t as usize)) {
            previous.next = Some(index);
        }
    }

    /// Counts a row's unique values anew and marks it as changed.
    fn refresh(&mut self, row: RowIndex, table: &FlowTable) {
        let Some(slot) = self.rows.get(row as usize) else { return };
        let unique = if slot.count == 1 {
            Unique::single()
        } else {
            let mut servers: HashSet<u128> = HashSet::default();
            let mut clients: HashSet<u128> = HashSet::default();
            let mut server_ports: HashSet<u16> = HashSet::default();
            let mut client_ports: HashSet<u16> = HashSet::default();
            for flow in self.members_of(slot).filter_map(|index| table.get(index)) {
                servers.insert(flow.server_bits());
                clients.insert(flow.client_bits());
                server_ports.insert(flow.server_port());
                client_ports.insert(flow.client_port());
            }
            Unique {
                servers: servers.len() as u32,
                clients: clients.len() as u32,
                server_ports: server_ports.len() as u32,
                client_ports: client_ports.len() as u32,
            }
        };
        let seq = self.changes.row(row);
        if let Some(slot) = self.rows.get_mut(row as usize) {
            slot.unique = unique;
            slot.seq = seq;
        }
    }

    fn same_members(&self, row: RowIndex, members: &[FlowIndex]) -> bool {
        self.rows.get(row as usize).is_some_and(|slot| {
            slot.count as usize == members.len() && self.members_of(slot).eq(members.iter().copied())
        })
    }

    fn members_of(&self, slot: &RowSlot) -> impl Iterator<Item = FlowIndex> + '_ {
        std::iter::successors(slot.head, |index| self.members.get(*index as usize)?.next)
    }
}

impl Closed {
    /// Takes the row that gives way: the oldest without an alert, as long as those with one are not more than half.
    fn oldest(&mut self, rows: &[RowSlot], most: usize) -> Option<RowIndex> {
        let is_there = |(row, born): &(RowIndex, u64)| {
            rows.get(*row as usize).is_some_and(|slot| slot.alive && slot.born == *born)
        };
        let take = |from: &mut VecDeque<(RowIndex, u64)>| {
            std::iter::from_fn(|| from.pop_front()).find(is_there).map(|(row, _)| row)
        };
        if self.alerts.len() > most / 2 {
            return take(&mut self.alerts).or_else(|| take(&mut self.plain));
        }
        take(&mut self.plain).or_else(|| take(&mut self.alerts))
    }

    /// Drops those that are no more once they outnumber the others.
    fn compact(&mut self, rows: &[RowSlot]) {
        if self.plain.len() + self.alerts.len() > 2 * rows.len() + 1024 {
            let is_there = |(row, born): &(RowIndex, u64)| {
                rows.get(*row as usize).is_some_and(|slot| slot.alive && slot.born == *born)
            };
            self.plain.retain(is_there);
            self.alerts.retain(is_there);
        }
    }
}

/// The next id that no row has. A window can start when another did, after a jump back in time or where one was closed
/// because it was full: its rows would then have the ids of the other's.
fn unused(mut id: RowId, is_used: impl Fn(RowId) -> bool) -> RowId {
    while is_used(id) {
        id = id.wrapping_add(1);
    }
    id
}

/// What changed, for one viewer.
#[derive(Debug, Default)]
pub struct Delta {
    /// Where to go on from.
    pub seq: u64,
    /// Rows, whole.
    pub rows: Vec<Row>,
    /// Rows that are no more; to be taken away before `rows` are put in.
    pub removed: Vec<RowId>,
    /// The viewer's place is no longer known: it starts afresh with what follows.
    pub reset: bool,
}

/// The flows of a window, for the grouping.
struct Positions<'a> {
    flows: std::slice::Iter<'a, FlowIndex>,
    table: &'a FlowTable,
}

impl<'a> Iterator for Positions<'a> {
    type Item = &'a Flow;

    fn next(&mut self) -> Option<&'a Flow> {
        self.flows.next().and_then(|index| self.table.get(*index))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.flows.size_hint()
    }
}

impl ExactSizeIterator for Positions<'_> {}

/// Packets this much older than the open window's start still belong to it.
const LATE_NS: i64 = 60 * 1_000_000_000;

/// Below this many flows a window is regrouped whenever a viewer looks: well under 10 ms.
const CHEAP_TO_REGROUP: usize = 4096;
