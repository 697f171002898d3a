//! The newest events in memory, for a sensor that keeps nothing on disk.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sensor_wire::Timestamp;
use sensor_wire::event::{Event, Gap, LogId, gap};
use tokio::sync::watch;

use super::EventsError;
use super::record::MAX_BODY;
use super::recover::new_id;
use super::source::{Part, cost};

/// Events that are kept at most; the oldest give way.
pub const RING_EVENTS: usize = 16_384;

/// Bytes that they may take together.
pub const RING_BYTES: usize = 32 << 20;

/// A log in memory.
#[derive(Debug)]
pub struct Ring {
    log: LogId,
    kept: Mutex<Kept>,
    last: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Kept {
    events: VecDeque<Event>,
    bytes: usize,
    last: u64,
    unrecorded: u64,
}

impl Default for Ring {
    fn default() -> Self {
        Ring { log: new_id(), kept: Mutex::default(), last: watch::channel(0).0 }
    }
}

impl Ring {
    /// Takes an event and gives its number; the oldest may give way.
    ///
    /// # Errors
    /// It is too long: it got no number, and is counted.
    pub fn append(&self, time: Timestamp, kind: u8, body: Vec<u8>) -> Result<u64, EventsError> {
        let mut kept = self.kept();
        if body.len() > MAX_BODY {
            kept.unrecorded += 1;
            return Err(EventsError::TooLong(body.len()));
        }
        kept.last += 1;
        let seq = kept.last;
        let event = Event { seq, time, kind, body };
        kept.bytes += cost(&event);
        kept.events.push_back(event);
        while kept.events.len() > RING_EVENTS || kept.bytes > RING_BYTES {
            let Some(oldest) = kept.events.pop_front() else { break };
            kept.bytes -= cost(&oldest);
        }
        drop(kept);
        self.last.send_replace(seq);
        Ok(seq)
    }

    /// Which log it is.
    pub fn id(&self) -> LogId {
        self.log
    }

    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.last.subscribe()
    }

    pub(super) fn refuse(&self) {
        self.kept().unrecorded += 1;
    }

    pub(super) fn unrecorded(&self) -> u64 {
        self.kept().unrecorded
    }

    /// Events after `after`, of so many bytes at most but for the first.
    pub(super) fn read(&self, after: u64, budget: usize) -> Part {
        let kept = self.kept();
        let first_available = kept.events.front().map_or(kept.last + 1, |event| event.seq);
        let mut part = Part { first_available, last: kept.last, ..Part::default() };
        let from = (after + 1).max(first_available);
        if after + 1 < first_available {
            part.gaps.push(Gap { first: after + 1, last: first_available - 1, reason: gap::EXPIRED.into() });
        }
        let passed = usize::try_from(from - first_available).unwrap_or(usize::MAX);
        let mut room = budget;
        for event in kept.events.range(passed.min(kept.events.len())..) {
            let cost = cost(event);
            if cost > room && !part.events.is_empty() {
                return part;
            }
            room = room.saturating_sub(cost);
            part.events.push(event.clone());
        }
        part.caught_up = true;
        part
    }

    /// Held for moments only.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_give_way_and_are_a_gap() {
        let ring = Ring::default();
        let many = RING_EVENTS as u64 + 100;
        for seq in 1..=many {
            assert_eq!(ring.append(seq as i64, 1, seq.to_le_bytes().to_vec()).unwrap(), seq);
        }
        let part = ring.read(0, usize::MAX);
        assert_eq!((part.first_available, part.last, part.events.len()), (101, many, RING_EVENTS));
        assert_eq!(part.gaps, [Gap { first: 1, last: 100, reason: gap::EXPIRED.into() }]);
        assert!(part.events.iter().zip(101..).all(|(event, seq)| event.seq == seq && event.body == seq.to_le_bytes()));
        let rest = ring.read(many - 2, usize::MAX);
        assert_eq!(rest.events.iter().map(|event| event.seq).collect::<Vec<_>>(), [many - 1, many]);
        assert!(rest.gaps.is_empty() && rest.caught_up);
        assert_eq!(ring.read(many, usize::MAX).events, []);
    }

    #[test]
    fn bytes_have_a_bound_and_too_long_ones_are_counted() {
        let ring = Ring::default();
        for _ in 0..2 * RING_BYTES / MAX_BODY {
            ring.append(0, 1, vec![0; MAX_BODY]).unwrap();
        }
        let part = ring.read(0, usize::MAX);
        assert!(part.events.iter().map(cost).sum::<usize>() <= RING_BYTES);
        assert!(part.events.len() > RING_BYTES / MAX_BODY / 2);
        let last = part.last;
        assert!(matches!(ring.append(0, 1, vec![0; MAX_BODY + 1]), Err(EventsError::TooLong(_))));
        assert_eq!((ring.unrecorded(), ring.read(0, 1).last), (1, last));
    }
}
