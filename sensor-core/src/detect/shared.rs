//! What rules keep beyond one flow: thresholds, bits of hosts and of pairs.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::compiled::Compiled;
use super::reload::Renumbered;
use crate::rules::Action;
use crate::rules::ast::{BitCommand, Threshold, ThresholdKind, Track, Unique};
use crate::rules::config::SuppressBy;

/// What is shared between flows. Holds at most as many entries of each kind as it was made for; when full, what has
/// expired goes, and if nothing has, nothing new is kept and that is counted.
#[derive(Debug)]
pub struct Shared {
    counts: HashMap<(u32, u8, Key), Count, RandomState>,
    bits: HashMap<(u32, Key), i64, RandomState>,
    most: usize,
    full: u64,
    /// No entry can have expired before: when full, the table is not searched again until then.
    next_sweep: i64,
}

/// By what is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Key {
    One(u128),
    Pair(u128, u128),
    Flow(u64),
    All,
}

#[derive(Debug, Default)]
struct Count {
    since: i64,
    seconds: u32,
    count: u32,
    next: u32,
    /// Until when a rate counts as too high; 0 if it does not.
    until: i64,
    unique: Vec<u16>,
}

/// Who met whom.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ends {
    pub(super) addresses: (u128, u128),
    pub(super) ports: (u16, u16),
    pub(super) flow: u64,
}

/// What a match comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judged {
    /// It is none: too few so far.
    Not,
    /// What the rule does is done, and not told.
    Silent,
    /// What the rule does is done and told.
    Told,
    /// The same, but with this action.
    As(Action),
}

impl Ends {
    pub(super) fn key(&self, track: Track) -> Key {
        let (source, destination) = self.addresses;
        match track {
            Track::Source => Key::One(source),
            Track::Destination => Key::One(destination),
            Track::Both => Key::Pair(source.min(destination), source.max(destination)),
            Track::Rule => Key::All,
            Track::Flow | Track::Transaction => Key::Flow(self.flow),
        }
    }
}

impl Shared {
    /// With room for `most` entries of each kind.
    #[must_use]
    pub fn new(most: usize) -> Shared {
        let (counts, bits) = (HashMap::default(), HashMap::default());
        Shared { counts, bits, most, full: 0, next_sweep: i64::MIN }
    }

    /// Entries of thresholds and of bits.
    #[must_use]
    pub fn len(&self) -> (usize, usize) {
        (self.counts.len(), self.bits.len())
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == (0, 0)
    }

    /// Goes on under the numbers of other rules.
    pub(super) fn renumber(&mut self, to: &Renumbered) {
        let (counts, bits) = (std::mem::take(&mut self.counts), std::mem::take(&mut self.bits));
        self.counts = counts
            .into_iter()
            .filter_map(|((rule, kind, key), count)| Some(((to.rule(rule)?, kind, key), count)))
            .collect();
        self.bits = bits.into_iter().filter_map(|((bit, key), until)| Some(((to.name(bit)?, key), until))).collect();
    }

    /// How often there was no room.
    #[must_use]
    pub fn full(&self) -> u64 {
        self.full
    }

    /// Counts a match of a rule, and says what it comes to.
    pub(super) fn judge(&mut self, number: u32, rule: &Compiled, ends: &Ends, now: i64) -> Judged {
        if is_suppressed(rule, ends) {
            return Judged::Silent;
        }
        if rule.filter.is_some_and(|filter| !self.passes(number, FILTER, &filter, ends, now)) {
            return Judged::Not;
        }
        if rule.threshold.is_some_and(|threshold| !self.passes(number, THRESHOLD, &threshold, ends, now)) {
            return Judged::Silent;
        }
        match rule.rate {
            Some((threshold, action, seconds)) if self.is_over(number, &threshold, seconds, ends, now) => {
                Judged::As(action)
            }
            _ => Judged::Told,
        }
    }

    /// Whether a rule's rate is too high, or was within so many seconds.
    fn is_over(&mut self, rule: u32, threshold: &Threshold, seconds: u32, ends: &Ends, now: i64) -> bool {
        let key = (rule, RATE, ends.key(threshold.track));
        if let Some(count) = self.counts.get_mut(&key)
            && count.until != 0
        {
            if now <= count.until {
                return true;
            }
            count.until = 0;
        }
        let over = self.passes(rule, RATE, threshold, ends, now);
        if over && let Some(count) = self.counts.get_mut(&key) {
            count.until = now.saturating_add(i64::from(seconds) * SECOND);
        }
        over
    }

    /// Counts a match of a rule, and says whether it is told.
    pub(super) fn passes(&mut self, rule: u32, slot: u8, threshold: &Threshold, ends: &Ends, now: i64) -> bool {
        let key = (rule, slot, ends.key(threshold.track));
        if !self.counts.contains_key(&key) && self.counts.len() >= self.most {
            if now >= self.next_sweep {
                self.counts.retain(|_, count| now.saturating_sub(count.since) <= i64::from(count.seconds) * SECOND);
                self.next_sweep = now.saturating_add(SECOND);
            }
            if self.counts.len() >= self.most {
                self.full += 1;
                // Told once too often rather than never; a filter stays shut.
                return matches!(threshold.kind, ThresholdKind::Limit);
            }
        }
        let seconds = if threshold.kind == ThresholdKind::Backoff { u32::MAX } else { threshold.seconds };
        let count = self.counts.entry(key).or_insert_with(|| Count { since: now, seconds, ..Count::default() });
        let over = now.saturating_sub(count.since) > i64::from(seconds) * SECOND;
        if over {
            *count = Count { since: now, seconds, ..Count::default() };
        }
        if let Some(unique) = threshold.unique {
            let port = match unique {
                Unique::SourcePort => ends.ports.0,
                Unique::DestinationPort => ends.ports.1,
            };
            if count.unique.contains(&port) || count.unique.len() >= MOST_UNIQUE {
                return threshold.kind == ThresholdKind::Filter && count.count > threshold.count;
            }
            count.unique.push(port);
        }
        count.count = count.count.saturating_add(1);
        match threshold.kind {
            ThresholdKind::Limit => count.count <= threshold.count,
            ThresholdKind::Both => count.count == threshold.count.max(1),
            ThresholdKind::Filter => count.count > threshold.count,
            ThresholdKind::Threshold => {
                let full = count.count >= threshold.count;
                if full {
                    count.count = 0;
                }
                full
            }
            ThresholdKind::Backoff => {
                let due = if count.next == 0 { threshold.count.max(1) } else { count.next };
                let told = count.count == due;
                if told {
                    count.next = due.saturating_mul(threshold.multiplier.max(1));
                }
                told
            }
        }
    }

    /// How many matches of a rule count by now.
    pub(super) fn counted(&self, rule: u32, slot: u8, threshold: &Threshold, ends: &Ends) -> u32 {
        self.counts.get(&(rule, slot, ends.key(threshold.track))).map_or(0, |count| count.count)
    }

    pub(super) fn has_bit(&self, bit: u32, key: Key, now: i64) -> bool {
        self.bits.get(&(bit, key)).is_some_and(|until| now <= *until)
    }

    /// Changes a bit, which holds for so many seconds.
    pub(super) fn change_bit(&mut self, bit: u32, key: Key, command: BitCommand, seconds: u32, now: i64) {
        let set = match command {
            BitCommand::Set => true,
            BitCommand::Unset => false,
            BitCommand::Toggle => !self.has_bit(bit, key, now),
            BitCommand::IsSet | BitCommand::IsNotSet | BitCommand::NoAlert => return,
        };
        if !set {
            self.bits.remove(&(bit, key));
            return;
        }
        if !self.bits.contains_key(&(bit, key)) && self.bits.len() >= self.most {
            if now >= self.next_sweep {
                self.bits.retain(|_, until| now <= *until);
                self.next_sweep = now.saturating_add(SECOND);
            }
            if self.bits.len() >= self.most {
                self.full += 1;
                return;
            }
        }
        self.bits.insert((bit, key), now.saturating_add(i64::from(seconds) * SECOND));
    }
}

/// Whether a rule's matches between these are not told.
pub(super) fn is_suppressed(rule: &Compiled, ends: &Ends) -> bool {
    let (source, destination) = ends.addresses;
    rule.suppress.iter().flatten().flat_map(|some| some.iter()).any(|(of, set)| match of {
        None => true,
        Some(SuppressBy::Source) => set.contains(source),
        Some(SuppressBy::Destination) => set.contains(destination),
        Some(SuppressBy::Either) => set.contains(source) || set.contains(destination),
    })
}

/// What is counted for a rule, apart from each other.
pub(super) const FILTER: u8 = 0;
pub(super) const THRESHOLD: u8 = 1;
const RATE: u8 = 2;

const SECOND: i64 = 1_000_000_000;

/// Most different values of one count that are told apart.
const MOST_UNIQUE: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn told(kind: ThresholdKind, count: u32, times: &[i64]) -> Vec<bool> {
        let threshold = Threshold { kind, track: Track::Source, count, seconds: 10, multiplier: 10, unique: None };
        let ends = Ends { addresses: (1, 2), ports: (3, 4), flow: 5 };
        let mut shared = Shared::new(10);
        times.iter().map(|time| shared.passes(1, 0, &threshold, &ends, time * SECOND)).collect()
    }

    #[test]
    fn thresholds_by_the_time_of_packets() {
        use ThresholdKind::{Backoff, Both, Filter, Limit};
        assert_eq!(told(Limit, 2, &[0, 1, 2, 11, 12, 13]), [true, true, false, true, true, false]);
        assert_eq!(told(ThresholdKind::Threshold, 2, &[0, 1, 2, 3, 4]), [false, true, false, true, false]);
        assert_eq!(told(Both, 2, &[0, 1, 2, 3, 20, 21]), [false, true, false, false, false, true]);
        assert_eq!(told(Filter, 2, &[0, 1, 2, 3, 20]), [false, false, true, true, false]);
        assert_eq!(told(Backoff, 1, &[0; 11]).iter().filter(|it| **it).count(), 2);
    }

    #[test]
    fn a_full_table_lets_go_of_what_has_expired() {
        let kind = ThresholdKind::Limit;
        let threshold = Threshold { kind, track: Track::Source, count: 1, seconds: 10, multiplier: 0, unique: None };
        let mut shared = Shared::new(2);
        let mut passes = |source, seconds: i64| {
            let ends = Ends { addresses: (source, 0), ports: (0, 0), flow: 0 };
            shared.passes(1, 0, &threshold, &ends, seconds * SECOND)
        };
        assert!(passes(1, 0) && passes(2, 0) && passes(3, 1) && passes(3, 1));
        assert!(passes(3, 30) && !passes(3, 31));
        assert_eq!((shared.full(), shared.len()), (2, (1, 0)));
        let key = Key::One(1);
        shared.change_bit(1, key, BitCommand::Set, 5, 0);
        assert!(shared.has_bit(1, key, 5 * SECOND) && !shared.has_bit(1, key, 6 * SECOND));
    }

    /// Captures can say any time, and one packet's can be as far from the next as there is.
    #[test]
    fn thresholds_when_time_jumps_from_its_end_to_its_beginning() {
        let threshold = Threshold {
            kind: ThresholdKind::Limit,
            track: Track::Source,
            count: 1,
            seconds: 10,
            multiplier: 0,
            unique: None,
        };
        let mut shared = Shared::new(1);
        let mut passes = |source, now| {
            let ends = Ends { addresses: (source, 0), ports: (0, 0), flow: 0 };
            shared.passes(1, 0, &threshold, &ends, now)
        };
        assert!(passes(1, i64::MIN) && passes(1, i64::MAX) && !passes(1, i64::MIN));
        // The table is full, and swept at the end of time.
        assert!(passes(2, i64::MAX) && passes(3, i64::MIN));
        shared.change_bit(1, Key::One(1), BitCommand::Set, 5, i64::MAX);
        shared.change_bit(1, Key::One(2), BitCommand::Set, 5, i64::MAX);
        assert!(shared.has_bit(1, Key::One(1), i64::MAX));
    }
}
