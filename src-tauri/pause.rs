//! What waits while the view is paused: the newest revision of each changed row.

use std::collections::{BTreeMap, HashMap, HashSet};

use sensor_wire::live::{Live, Status};
use sensor_wire::view::{RowKey, SourceId};
use sensor_wire::{Row, RowId};

/// Rows that wait at most; past it nothing is taken from the sensors, which hold the rest.
pub const MAX_WAITING: usize = 200_000;

/// Changes held back.
#[derive(Debug, Default)]
pub struct Waiting {
    sources: BTreeMap<SourceId, Held>,
    rows: usize,
    fresh: HashSet<RowKey>,
}

#[derive(Debug, Default)]
struct Held {
    reset: bool,
    seq: u64,
    rows: HashMap<RowId, Row>,
    removed: HashSet<RowId>,
    status: Status,
}

impl Waiting {
    /// No more may be taken in.
    pub fn is_full(&self) -> bool {
        self.rows >= MAX_WAITING
    }

    /// Rows that would be new.
    pub fn fresh(&self) -> u64 {
        self.fresh.len() as u64
    }

    /// Holds a message back; `known` says whether the view has a row.
    pub fn hold(&mut self, source: SourceId, live: Live, known: impl Fn(RowKey) -> bool) {
        if live.reset {
            self.forget(source);
        }
        let held = self.sources.entry(source).or_default();
        let before = held.rows.len() + held.removed.len();
        held.reset |= live.reset;
        held.seq = live.seq;
        held.status = live.status;
        for row in live.removed {
            held.rows.remove(&row);
            held.removed.insert(row);
            self.fresh.remove(&RowKey { source, row });
        }
        for row in live.rows {
            let key = RowKey { source, row: row.id };
            if held.reset || !known(key) {
                self.fresh.insert(key);
            }
            match held.rows.get(&row.id) {
                Some(newer) if newer.rev > row.rev => {}
                _ => drop(held.rows.insert(row.id, row)),
            }
        }
        self.rows = self.rows - before + held.rows.len() + held.removed.len();
    }

    /// Drops what waits of a source.
    pub fn forget(&mut self, source: SourceId) {
        if let Some(held) = self.sources.remove(&source) {
            self.rows -= held.rows.len() + held.removed.len();
            self.fresh.retain(|key| key.source != source);
        }
    }

    /// All that waited, one message for each source; removals come before rows, as in any message.
    pub fn release(&mut self) -> Vec<(SourceId, Live)> {
        let held = std::mem::take(self).sources;
        let release = |(source, held): (SourceId, Held)| {
            let live = Live {
                seq: held.seq,
                rows: held.rows.into_values().collect(),
                reset: held.reset,
                removed: held.removed.into_iter().collect(),
                status: held.status,
            };
            (source, live)
        };
        held.into_iter().map(release).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::testing;

    fn row(id: RowId, rev: u32) -> Row {
        Row { rev, ..testing::row(id) }
    }

    fn live(rows: Vec<Row>, removed: Vec<RowId>) -> Live {
        Live { rows, removed, ..Live::default() }
    }

    #[test]
    fn only_the_newest_revision_waits() {
        let mut waiting = Waiting::default();
        waiting.hold(1, live(vec![row(1, 1), row(2, 1)], Vec::new()), |key| key.row == 2);
        waiting.hold(1, live(vec![row(1, 3)], Vec::new()), |_| false);
        waiting.hold(1, live(vec![row(1, 2)], Vec::new()), |_| false);
        assert_eq!(waiting.fresh(), 1, "row 2 is in the view");
        let mut rows = waiting.release().remove(0).1.rows;
        rows.sort_by_key(|row| row.id);
        assert_eq!(rows, [row(1, 3), row(2, 1)]);
        assert!(waiting.release().is_empty());
    }

    #[test]
    fn a_removed_row_that_comes_again_is_there() {
        let mut waiting = Waiting::default();
        waiting.hold(1, live(vec![row(1, 1), row(2, 1)], Vec::new()), |_| false);
        waiting.hold(1, live(vec![row(2, 2)], vec![1, 2]), |_| false);
        assert_eq!(waiting.fresh(), 1);
        let (_, released) = waiting.release().remove(0);
        assert_eq!(released.rows, [row(2, 2)]);
        assert!(released.removed.contains(&1));
    }

    #[test]
    fn a_reset_forgets_what_waited() {
        let mut waiting = Waiting::default();
        waiting.hold(1, live(vec![row(1, 1)], Vec::new()), |_| true);
        waiting.hold(1, Live { reset: true, ..live(vec![row(7, 1)], Vec::new()) }, |_| true);
        assert_eq!(waiting.fresh(), 1);
        let (_, released) = waiting.release().remove(0);
        assert!(released.reset);
        assert_eq!(released.rows, [row(7, 1)]);
    }

    #[test]
    fn it_is_full_at_the_cap_and_empty_after_a_close() {
        let mut waiting = Waiting::default();
        let rows = (0..MAX_WAITING as u64).map(|id| row(id, 1)).collect();
        waiting.hold(1, live(rows, Vec::new()), |_| false);
        assert!(waiting.is_full());
        waiting.forget(1);
        assert!(!waiting.is_full());
        assert_eq!(waiting.fresh(), 0);
    }
}
