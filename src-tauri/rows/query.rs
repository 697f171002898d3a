//! What the UI asks of the rows: a window of them, their spread over time.

use sensor_wire::view::{Anchor, RowWindow, Timeline};
use sensor_wire::{RowKind, Timestamp};

use super::Rows;
use crate::zone::Zone;

/// Most rows of one answer.
pub const MAX_WINDOW: u32 = 200;

/// Most buckets of a timeline.
pub const MAX_BUCKETS: u16 = 1000;

impl Rows {
    /// A window of rows in the current order. What the controller knows alone (`revision`, `waiting`) is left at 0.
    ///
    /// An offset past the end gives the last rows, so that a view whose rows have gone has something to stand on.
    pub fn window(&self, offset: u64, count: u32, anchor: Option<Anchor>, zone: Zone, now: Timestamp) -> RowWindow {
        let (total, count) = (self.index.len(), count.min(MAX_WINDOW) as usize);
        let held = anchor.and_then(|anchor| {
            let at = self.index.position(&self.columns, self.columns.find(anchor.key)?)?;
            Some(at.saturating_sub(anchor.at as usize))
        });
        let mut offset = held.unwrap_or(usize::try_from(offset).unwrap_or(usize::MAX));
        if offset >= total {
            offset = total.saturating_sub(count);
        }
        let rows = self.index.order().iter().skip(offset).take(count).map(|&slot| {
            let name = self.name(self.columns.key(slot).source);
            self.columns.view(slot, name, zone.offset_at(self.columns.first[slot as usize]))
        });
        RowWindow {
            revision: 0,
            total: total as u64,
            unfiltered: self.columns.len() as u64,
            offset: offset as u64,
            zone: zone.abbreviation_at(self.newest().unwrap_or(now)),
            waiting: 0,
            totals: self.index.totals(),
            rows: rows.collect(),
        }
    }

    /// How many of the shown rows start in each of at most `buckets` spans of a round width.
    pub fn timeline(&self, buckets: u16, zone: Zone) -> Timeline {
        let starts = || self.columns.shown().map(|slot| self.columns.first[slot as usize]);
        let (Some(first), Some(last)) = (starts().min(), starts().max()) else { return Timeline::default() };
        let buckets = buckets.clamp(1, MAX_BUCKETS);
        let step = round_step(first, last, buckets);
        let start = first.div_euclid(step).saturating_mul(step);
        let mut counts = vec![[0; 5]; bucket(start, step, last) + 1];
        for slot in self.columns.shown() {
            let at = bucket(start, step, self.columns.first[slot as usize]);
            counts[at][kind_place(self.columns.kind[slot as usize])] += 1;
        }
        let edge = |at: usize| start.saturating_add(step.saturating_mul(at as i64));
        let utc_offsets = (0..=counts.len()).map(|at| zone.offset_at(edge(at))).collect();
        Timeline { start, step, utc_offsets, buckets: counts }
    }
}

/// The narrowest round width with which the span from `first` to `last` needs no more than `buckets`.
fn round_step(first: Timestamp, last: Timestamp, buckets: u16) -> i64 {
    let fits = |step: i64| {
        let spans = i128::from(last.div_euclid(step)) - i128::from(first.div_euclid(step)) + 1;
        spans <= i128::from(buckets)
    };
    let seconds = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, DAY];
    let parts = (0..9).flat_map(|power| [1, 2, 5].map(|n| n * 10_i64.pow(power)));
    let days = (1..34).map(|power| DAY.saturating_mul(1 << power).saturating_mul(SECOND));
    let mut steps = parts.chain(seconds.map(|n| n * SECOND)).chain(days);
    // One bucket that reaches from before the first to past the last, where times are so far apart that no step fits.
    steps.find(|&step| fits(step)).unwrap_or(i64::MAX)
}

fn bucket(start: Timestamp, step: i64, time: Timestamp) -> usize {
    usize::try_from((i128::from(time) - i128::from(start)) / i128::from(step)).unwrap_or(0)
}

fn kind_place(kind: RowKind) -> usize {
    match kind {
        RowKind::Flow => 0,
        RowKind::Alert => 1,
        RowKind::Discovery => 2,
        RowKind::Syslog => 3,
        RowKind::Incident => 4,
    }
}

const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sensor_wire::Row;
    use sensor_wire::view::RowKey;

    use super::super::testing::row;
    use super::*;

    fn rows(starts: &[Timestamp]) -> Rows {
        let mut rows = Rows::new(1000);
        rows.set_names(&[(1, "lab")]);
        let batch = starts.iter().zip(1..).map(|(&first, id)| Row { first, ..row(id) }).collect();
        rows.apply(1, &[], batch);
        rows
    }

    #[test]
    fn an_anchored_row_holds_still() {
        let starts: Vec<Timestamp> = (0..100).collect();
        let mut rows = rows(&starts);
        let anchor = Some(Anchor { key: RowKey { source: 1, row: 50 }, at: 3 });
        // Newest first: row 50 starts at 49 and 50 rows are newer.
        assert_eq!(rows.window(0, 10, anchor, Zone::UTC, 0).offset, 47);
        rows.apply(1, &[], (101..=110).map(|id| Row { first: 1000, ..row(id) }).collect());
        let window = rows.window(0, 10, anchor, Zone::UTC, 0);
        assert_eq!((window.offset, window.rows[3].key.row), (57, 50));
        let gone = Some(Anchor { key: RowKey { source: 2, row: 50 }, at: 3 });
        assert_eq!(rows.window(5, 10, gone, Zone::UTC, 0).offset, 5);
        let past = rows.window(10_000, 10, None, Zone::UTC, 0);
        assert_eq!((past.offset, past.rows.len()), (100, 10));
    }

    #[test]
    fn the_zone_is_that_of_the_newest_row() {
        let berlin = Zone::parse("Europe/Berlin").unwrap();
        // An hour before and an hour after summer time began in 2024.
        let rows = rows(&[1_711_843_200 * SECOND, 1_711_850_400 * SECOND]);
        let window = rows.window(0, 10, None, berlin, 0);
        assert_eq!(window.zone, "CEST");
        assert_eq!(window.rows.iter().map(|row| row.utc_offset).collect::<Vec<_>>(), [7200, 3600]);
        assert_eq!(Rows::new(1).window(0, 10, None, berlin, 0).zone, "CET");
    }

    #[test]
    fn buckets_have_round_widths() {
        let timeline = rows(&[SECOND, 119 * SECOND]).timeline(100, Zone::UTC);
        assert_eq!((timeline.start, timeline.step, timeline.buckets.len()), (0, 2 * SECOND, 60));
        assert_eq!((timeline.buckets[0], timeline.buckets[59]), ([1, 0, 0, 0, 0], [1, 0, 0, 0, 0]));
        assert_eq!(rows(&[]).timeline(100, Zone::UTC), Timeline::default());
        // Two hours around 2024-03-31T01:00:00Z, when Berlin's clocks go forward: the strip goes with them.
        let change = 1_711_846_800 * SECOND;
        let berlin = rows(&[change - 3_600 * SECOND, change + 3_599 * SECOND]);
        let timeline = berlin.timeline(2, Zone::parse("Europe/Berlin").unwrap());
        assert_eq!((timeline.start, timeline.utc_offsets), (change - 3_600 * SECOND, vec![3_600, 7_200, 7_200]));
    }

    proptest! {
        #[test]
        fn every_row_is_in_a_bucket(starts in prop::collection::vec(any::<i64>(), 1..50), buckets in 1u16..2000) {
            let timeline = rows(&starts).timeline(buckets, Zone::UTC);
            prop_assert!(timeline.buckets.len() <= usize::from(buckets.min(MAX_BUCKETS)).max(2));
            let sum: u32 = timeline.buckets.iter().map(|counts| counts[0]).sum();
            prop_assert_eq!(sum as usize, starts.len());
        }
    }
}
