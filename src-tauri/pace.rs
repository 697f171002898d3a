//! How fast a source's packets come in.

use sensor_wire::view::Pace;
use tokio::time::Instant;

/// Seconds without a packet after which a source is idle: a wire that carries one now and then doesn't flicker.
const IDLE_AFTER: f64 = 3.0;

/// Measures one source, from the sums that its sensor tells.
#[derive(Debug)]
pub(crate) struct Meter {
    pace: Pace,
    sums: (u64, u64),
    at: Instant,
    quiet: f64,
}

impl Meter {
    /// Of a source that starts now.
    pub fn new(now: Instant) -> Meter {
        Meter { pace: Pace::default(), sums: (0, 0), at: now, quiet: 0.0 }
    }

    /// To be called about once a second with the packets and bytes so far; true when the pace has changed.
    pub fn beat(&mut self, packets: u64, bytes: u64, now: Instant) -> bool {
        let seconds = now.duration_since(self.at).as_secs_f64();
        if seconds <= 0.0 {
            return false;
        }
        let rate = |now: u64, before: u64| (now.saturating_sub(before) as f64 / seconds).round() as u64;
        self.quiet = if packets == self.sums.0 { self.quiet + seconds } else { 0.0 };
        let pace = Pace {
            packets: rate(packets, self.sums.0),
            bytes: rate(bytes, self.sums.1),
            idle: self.quiet >= IDLE_AFTER,
        };
        self.sums = (packets, bytes);
        self.at = now;
        std::mem::replace(&mut self.pace, pace) != pace
    }

    /// The pace of the last second.
    pub fn pace(&self) -> Pace {
        self.pace
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_pace_is_of_the_time_that_really_went_by() {
        let start = Instant::now();
        let mut meter = Meter::new(start);
        assert!(meter.beat(3_000, 600_000, start + Duration::from_secs(1)));
        assert_eq!(meter.pace(), Pace { packets: 3_000, bytes: 600_000, idle: false });
        // A late beat counts for as long as it took.
        assert!(meter.beat(9_000, 900_000, start + Duration::from_secs(4)));
        assert_eq!(meter.pace(), Pace { packets: 2_000, bytes: 100_000, idle: false });
        assert!(!meter.beat(11_000, 1_000_000, start + Duration::from_secs(5)), "the same pace is no news");
    }

    #[test]
    fn a_source_is_idle_after_a_few_quiet_seconds_and_awake_with_the_first_packet() {
        let start = Instant::now();
        let mut meter = Meter::new(start);
        let mut at = |packets, second| {
            meter.beat(packets, packets * 60, start + Duration::from_secs(second));
            meter.pace()
        };
        assert_eq!((at(10, 1).idle, at(10, 2).idle, at(10, 3).idle), (false, false, false));
        assert_eq!(at(10, 4), Pace { packets: 0, bytes: 0, idle: true });
        assert_eq!(at(11, 5), Pace { packets: 1, bytes: 60, idle: false });
    }
}
