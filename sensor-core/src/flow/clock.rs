//! The flow table's clock: seconds that never go back, made from packet times that may.

use sensor_wire::Timestamp;

/// Seconds for timeouts, counted from the first packet. It follows packets forward. Single packets from the past leave it where it is; when the
/// packets' time has gone back for good, as in captures put one behind the other, it goes on from where it stands, so
/// that flows still end after the idle time they are given.
#[derive(Debug)]
pub struct Clock {
    now: i64,
    /// What is added to packet time.
    offset: i64,
    /// Packets in a row from about the same past.
    behind: u32,
    behind_at: i64,
}

impl Clock {
    /// A clock that has seen no packet.
    pub fn new() -> Clock {
        Clock { now: i64::MIN, offset: 0, behind: 0, behind_at: 0 }
    }

    /// The second it stands at; `i64::MIN` before the first packet.
    #[inline]
    pub fn now(&self) -> i64 {
        self.now
    }

    /// Takes in a packet's time; true when a new second has begun.
    #[inline]
    pub fn tick(&mut self, time: Timestamp) -> bool {
        let at = time.div_euclid(1_000_000_000) + self.offset;
        if at > self.now {
            if self.now == i64::MIN {
                self.offset -= at;
                self.now = 0;
                return true;
            }
            self.now = at.min(LAST);
            self.behind = 0;
            return true;
        }
        if at < self.now - FAR {
            self.fell_behind(at);
        } else {
            self.behind = 0;
        }
        false
    }

    #[cold]
    fn fell_behind(&mut self, at: i64) {
        let same = self.behind > 0 && (at - self.behind_at).abs() <= FAR;
        self.behind = if same { self.behind + 1 } else { 1 };
        self.behind_at = at;
        if self.behind >= FOR_GOOD {
            self.offset += self.now - at;
            self.behind = 0;
        }
    }
}

/// Where the clock ends, after 136 years: flows keep its seconds in 32 bits, and the timer wheel reaches past them.
const LAST: i64 = u32::MAX as i64 - (1 << 16);

/// Seconds that no reordering explains.
const FAR: i64 = 300;

/// Packets in a row after which time has gone back for good.
const FOR_GOOD: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    #[test]
    fn a_stray_from_the_past_changes_nothing_and_a_past_that_lasts_goes_on() {
        let mut clock = Clock::new();
        assert!(clock.tick(100_000 * SECOND));
        assert!(!clock.tick(5 * SECOND));
        assert!(!clock.tick(100_000 * SECOND));
        assert!(clock.tick(100_001 * SECOND));
        assert_eq!(clock.now(), 1);
        for second in [10, 11, 12] {
            assert!(!clock.tick(second * SECOND));
        }
        assert!(clock.tick(13 * SECOND));
        assert_eq!(clock.now(), 2);
        assert!(clock.tick(73 * SECOND));
        assert_eq!(clock.now(), 62);
    }

    #[test]
    fn two_clocks_in_turn_leave_it_at_the_later() {
        let mut clock = Clock::new();
        for second in 0..100 {
            clock.tick((50_000 + second) * SECOND);
            clock.tick(second * SECOND);
        }
        assert_eq!(clock.now(), 99);
    }
}
