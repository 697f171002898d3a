//! The row cache: the rows of all sources, bounded, sorted and filtered, each in its newest revision.
//!
//! Bound: a number of rows. Policy when full: the oldest by start time give way, a share at a time so that the search
//! for them is rare. Counter: [`Rows::evicted`].

mod columns;
mod find;
mod index;
mod intern;
mod query;

use std::cell::Cell;
use std::collections::HashSet;

use sensor_wire::view::{Column, RowKey, SortKey, SourceId};
use sensor_wire::{Row, RowId, Timestamp};

pub use columns::has_event;
use columns::{Columns, Slot, State};
use find::Find;
use index::Index;
pub use query::{MAX_BUCKETS, MAX_WINDOW};

/// Rows kept unless told otherwise.
pub const DEFAULT_CAP: usize = 1_000_000;

/// Rows taken in between two looks at the bound.
const CHUNK: usize = 16_384;

/// The rows of all sources.
pub struct Rows {
    columns: Columns,
    index: Index,
    /// Names by source. Sources are never used again, so this grows by one entry each time a capture is opened.
    names: Vec<Option<String>>,
    cap: usize,
    evicted: u64,
    /// The newest start; forgotten when the row that had it goes.
    newest: Cell<Option<Timestamp>>,
}

impl Rows {
    /// No rows, and never more than `cap` (at least one).
    pub fn new(cap: usize) -> Rows {
        Rows {
            columns: Columns::default(),
            index: Index::new(),
            names: Vec::new(),
            cap: cap.max(1),
            evicted: 0,
            newest: Cell::new(None),
        }
    }

    /// Rows kept, hidden ones too.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// No rows are kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Most rows kept.
    pub fn cap(&self) -> usize {
        self.cap
    }

    /// Rows that gave way.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Rows kept of one source.
    pub fn count_of(&self, source: SourceId) -> u64 {
        self.columns.count_of(source)
    }

    /// The row is kept.
    pub fn contains(&self, key: RowKey) -> bool {
        self.columns.find(key).is_some()
    }

    /// Where a row stands from the top; `None` when it is hidden or gone.
    pub fn position(&self, key: RowKey) -> Option<u64> {
        Some(self.index.position(&self.columns, self.columns.find(key)?)? as u64)
    }

    /// The sort order.
    pub fn sort(&self) -> &[SortKey] {
        self.index.sort()
    }

    /// Another sort order.
    pub fn set_sort(&mut self, keys: &[SortKey]) {
        self.index.set_sort(&self.columns, keys);
    }

    /// Rows without an event are shown.
    pub fn flow_events(&self) -> bool {
        self.index.flow_events()
    }

    /// Shows or hides rows without an event.
    pub fn set_flow_events(&mut self, on: bool) {
        self.index.set_flow_events(&mut self.columns, on);
    }

    /// Shows only rows that say this; nothing shows all.
    pub fn set_find(&mut self, text: &str) {
        self.index.set_find(&mut self.columns, Find::new(text));
    }

    /// Tells the names of all sources that are open.
    pub fn set_names(&mut self, names: &[(SourceId, &str)]) {
        let most = names.iter().map(|&(source, _)| source as usize + 1).max().unwrap_or(0);
        self.names = vec![None; most];
        for &(source, name) in names {
            self.names[source as usize] = Some(name.to_owned());
        }
        let mut sorted = names.to_vec();
        sorted.sort_by_cached_key(|&(source, name)| (name.to_lowercase(), name.to_owned(), source));
        let mut places = vec![u32::MAX; most];
        for (place, (source, _)) in (0..).zip(sorted) {
            places[source as usize] = place;
        }
        self.index.set_places(&self.columns, places);
    }

    /// Takes in one step of a source: rows that went, then rows that are new or changed. A revision that isn't newer
    /// than the kept one is passed over. Tells how many rows changed.
    pub fn apply(&mut self, source: SourceId, removed: &[RowId], rows: Vec<Row>) -> usize {
        let mut changes = self.remove(source, removed);
        let mut rows = rows;
        while !rows.is_empty() {
            let rest = rows.split_off(rows.len().min(CHUNK.min(self.cap)));
            changes += self.upsert(source, &newest_of_each(rows));
            rows = rest;
        }
        changes
    }

    /// Takes away all rows of a source. Tells how many there were.
    pub fn close(&mut self, source: SourceId) -> usize {
        let slots: Vec<Slot> = self.columns.live().filter(|&slot| self.columns.key(slot).source == source).collect();
        self.index.take_out_where(&mut self.columns, |columns, slot| columns.key(slot).source == source);
        self.free(&slots);
        slots.len()
    }

    fn remove(&mut self, source: SourceId, removed: &[RowId]) -> usize {
        let unique: HashSet<RowId> = removed.iter().copied().collect();
        let slots: Vec<Slot> = unique.into_iter().filter_map(|row| self.columns.find(RowKey { source, row })).collect();
        self.take_out(&slots);
        self.free(&slots);
        slots.len()
    }

    /// `rows` holds no row twice and not more of them than the bound.
    fn upsert(&mut self, source: SourceId, rows: &[Row]) -> usize {
        let known: Vec<Option<Slot>> =
            rows.iter().map(|row| self.columns.find(RowKey { source, row: row.id })).collect();
        let moves = |(row, slot): (&Row, &Option<Slot>)| {
            let slot = slot.filter(|&slot| self.columns.rev(slot) < row.rev)?;
            (!self.index.stays(&self.columns, slot, row)).then_some(slot)
        };
        let moved: Vec<Slot> = rows.iter().zip(&known).filter_map(moves).collect();
        // Every moved row leaves the order before any is overwritten: the order is searched by the values kept.
        self.take_out(&moved);
        let mut slots = moved;
        let mut changes = 0;
        for (row, slot) in rows.iter().zip(known) {
            match slot {
                Some(slot) if self.columns.rev(slot) < row.rev => {
                    if self.newest.get() == Some(self.columns.first[slot as usize]) {
                        self.newest.set(None);
                    }
                    // Sums a row that was taken out neither before nor after.
                    self.index.replace(&mut self.columns, slot, row);
                }
                Some(_) => continue,
                None => slots.push(self.columns.add(source, row)),
            }
            changes += 1;
            self.newest.set(self.newest.get().map(|newest| newest.max(row.first)));
        }
        self.index.put_in(&mut self.columns, &mut slots);
        // Afterwards, so that rows of this batch are weighed like all others: one that is changed can't come back as
        // new, one that is older than all gives way itself. Until here there are at most `CHUNK` rows too many.
        self.keep_bound();
        changes
    }

    /// Takes rows out of the order, as far as they stand in it.
    fn take_out(&mut self, slots: &[Slot]) {
        let shown = slots.iter().filter(|&&slot| self.columns.state(slot) == State::Shown);
        let mut positions: Vec<usize> = shown.filter_map(|&slot| self.index.position(&self.columns, slot)).collect();
        self.index.take_out(&mut self.columns, &mut positions);
    }

    fn keep_bound(&mut self) {
        let over = self.len().saturating_sub(self.cap);
        if over == 0 {
            return;
        }
        let mut slots: Vec<Slot> = self.columns.live().collect();
        let give = (over + self.cap / 64).min(slots.len());
        if give < slots.len() {
            let columns = &self.columns;
            slots.select_nth_unstable_by_key(give, |&slot| {
                let key = columns.key(slot);
                (columns.first[slot as usize], key.source, key.row)
            });
            slots.truncate(give);
        }
        let gone: HashSet<Slot> = slots.iter().copied().collect();
        self.index.take_out_where(&mut self.columns, |_, slot| gone.contains(&slot));
        self.free(&slots);
        self.evicted += slots.len() as u64;
    }

    /// Forgets rows that don't stand in the order.
    fn free(&mut self, slots: &[Slot]) {
        for &slot in slots {
            if self.newest.get() == Some(self.columns.first[slot as usize]) {
                self.newest.set(None);
            }
            self.columns.remove(slot);
        }
    }

    /// The newest start of all rows.
    fn newest(&self) -> Option<Timestamp> {
        if self.newest.get().is_none() {
            self.newest.set(self.columns.live().map(|slot| self.columns.first[slot as usize]).max());
        }
        self.newest.get()
    }

    fn name(&self, source: SourceId) -> &str {
        self.names.get(source as usize).and_then(Option::as_deref).unwrap_or_default()
    }

    /// Orders by the one column, for tests and benchmarks that go through all.
    pub fn sort_by(&mut self, column: Column, descending: bool) {
        self.set_sort(&[SortKey { column, descending }]);
    }
}

/// Of rows that are there twice the newest revision; among equal ones the first.
fn newest_of_each(mut rows: Vec<Row>) -> Vec<Row> {
    let ids: HashSet<RowId> = rows.iter().map(|row| row.id).collect();
    if ids.len() < rows.len() {
        rows.sort_by_key(|row| (row.id, std::cmp::Reverse(row.rev)));
        rows.dedup_by_key(|row| row.id);
    }
    rows
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
