//! The order in which rows changed. Each viewer holds a place in it; nothing is kept on a viewer's behalf.

use std::collections::VecDeque;

use sensor_wire::RowId;

use super::RowIndex;
use super::row::RowSlot;

/// Rows and removals in order of change.
#[derive(Debug, Default)]
pub struct Changes {
    seq: u64,
    /// An entry whose number is no longer its row's own is stale.
    rows: VecDeque<(u64, RowIndex)>,
    removed: VecDeque<(u64, RowId)>,
    /// Removals up to this number are forgotten: a viewer that stands before it starts afresh.
    forgotten: u64,
}

impl Changes {
    /// Notes a change of a row; its number goes into the row.
    pub fn row(&mut self, row: RowIndex) -> u64 {
        self.seq += 1;
        self.rows.push_back((self.seq, row));
        self.seq
    }

    /// Notes that a row is no more.
    pub fn removed(&mut self, id: RowId) {
        self.seq += 1;
        self.removed.push_back((self.seq, id));
        while self.removed.len() > REMOVALS {
            if let Some((seq, _)) = self.removed.pop_front() {
                self.forgotten = seq;
            }
        }
    }

    /// Drops stale entries once they outnumber the others.
    pub fn compact(&mut self, rows: &[RowSlot]) {
        let alive = rows.len();
        if self.rows.len() > 2 * alive + 1024 {
            self.rows.retain(|(seq, row)| is_current(*seq, *row, rows));
        }
    }

    /// Rows that changed after `after`, at most `budget`; removals up to the same place; the place; and whether the
    /// viewer starts afresh.
    pub fn after(&self, after: u64, budget: usize, rows: &[RowSlot]) -> (Vec<RowIndex>, Vec<RowId>, u64, bool) {
        let reset = after != 0 && after < self.forgotten;
        let after = if reset { 0 } else { after };
        let from = self.rows.partition_point(|(seq, _)| *seq <= after);
        let mut picked = Vec::new();
        let mut place = self.seq;
        for (seq, row) in self.rows.range(from..) {
            if !is_current(*seq, *row, rows) {
                continue;
            }
            if picked.len() == budget {
                break;
            }
            picked.push(*row);
            place = *seq;
        }
        if picked.len() < budget {
            place = self.seq;
        }
        let from = self.removed.partition_point(|(seq, _)| *seq <= after);
        let removed = if after == 0 {
            Vec::new()
        } else {
            self.removed.range(from..).take_while(|(seq, _)| *seq <= place).map(|(_, id)| *id).collect()
        };
        (picked, removed, place, reset)
    }
}

fn is_current(seq: u64, row: RowIndex, rows: &[RowSlot]) -> bool {
    rows.get(row as usize).is_some_and(|slot| slot.alive && slot.seq == seq)
}

/// Removals remembered for viewers that lag.
const REMOVALS: usize = 100_000;
