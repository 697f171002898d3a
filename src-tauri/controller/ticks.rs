//! Counts changes, and tells the page of them at most ten times a second: the first after a quiet time at once.

use std::time::Duration;

use sensor_wire::view::Tick;
use tokio::time::Instant;

/// Least time between two ticks.
const APART: Duration = Duration::from_millis(100);

/// The revisions, and what the page knows of them.
#[derive(Debug)]
pub(super) struct Ticks {
    now: Tick,
    told: Tick,
    last: Instant,
}

impl Default for Ticks {
    fn default() -> Self {
        let first = Tick { rows: 1, status: 1, hosts: 1 };
        Ticks { now: first, told: first, last: Instant::now() }
    }
}

impl Ticks {
    /// The rows shown changed.
    pub(super) fn rows(&mut self) {
        self.now.rows += 1;
    }

    /// Sources, counters or messages changed.
    pub(super) fn status(&mut self) {
        self.now.status += 1;
    }

    /// Hosts changed.
    pub(super) fn hosts(&mut self) {
        self.now.hosts += 1;
    }

    /// Rows and status changed.
    pub(super) fn both(&mut self) {
        self.rows();
        self.status();
    }

    /// The revisions now.
    pub(super) fn now(&self) -> Tick {
        self.now
    }

    /// The page has something to be told.
    pub(super) fn are_due(&self) -> bool {
        self.now != self.told
    }

    /// When it may be told.
    pub(super) fn due(&self) -> Instant {
        self.last + APART
    }

    /// The tick to send now.
    pub(super) fn push(&mut self) -> Tick {
        self.told = self.now;
        self.last = Instant::now();
        self.now
    }
}
