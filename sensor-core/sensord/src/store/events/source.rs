//! Events from wherever they are kept.

use std::sync::Arc;

use sensor_wire::event::{Event, Gap, LogId};
use tokio::sync::watch;

use super::log::{EventLog, Shared};
use super::{Damage, EventsError, Reader, Ring};

/// Where events are read; cheap to clone.
#[derive(Clone, Debug)]
pub struct Events(Kept);

#[derive(Clone, Debug)]
enum Kept {
    Disk(Arc<Shared>),
    Memory(Arc<Ring>),
}

impl Default for Events {
    /// Of a sensor that makes none.
    fn default() -> Self {
        Events::memory(Arc::default())
    }
}

impl Events {
    /// Those of a log.
    pub fn disk(log: &EventLog) -> Events {
        Events(Kept::Disk(log.shared()))
    }

    /// Those in memory.
    pub fn memory(ring: Arc<Ring>) -> Events {
        Events(Kept::Memory(ring))
    }

    /// Which log it is.
    pub fn id(&self) -> LogId {
        match &self.0 {
            Kept::Disk(shared) => shared.log,
            Kept::Memory(ring) => ring.id(),
        }
    }

    /// Tells the number of the last event that can be read, each time there are more.
    pub fn changes(&self) -> watch::Receiver<u64> {
        match &self.0 {
            Kept::Disk(shared) => shared.acknowledged.subscribe(),
            Kept::Memory(ring) => ring.changes(),
        }
    }

    /// How many events were refused, and why they are at the moment.
    pub fn refused(&self) -> (u64, String) {
        match &self.0 {
            Kept::Disk(shared) => {
                let state = shared.state();
                (state.unrecorded, state.fault.clone())
            }
            Kept::Memory(ring) => (ring.unrecorded(), String::new()),
        }
    }

    /// Counts an event that was refused before it came here.
    pub(super) fn refuse(&self) {
        match &self.0 {
            Kept::Disk(shared) => shared.state().unrecorded += 1,
            Kept::Memory(ring) => ring.refuse(),
        }
    }

    /// Reads what comes after an event; 0 for all.
    pub fn after(&self, after: u64) -> Cursor {
        match &self.0 {
            Kept::Disk(shared) => Cursor(Place::Disk(Box::new(Reader::new(Arc::clone(shared), after)))),
            Kept::Memory(ring) => Cursor(Place::Memory(Arc::clone(ring), after)),
        }
    }
}

/// A reader's place.
#[derive(Debug)]
pub struct Cursor(Place);

#[derive(Debug)]
enum Place {
    Disk(Box<Reader>),
    Memory(Arc<Ring>, u64),
}

impl Cursor {
    /// The next events, of so many bytes at most; one that is longer comes alone. Reads files.
    ///
    /// # Errors
    /// A file can't be read; the place is as before.
    pub fn read(&mut self, budget: usize) -> Result<Part, EventsError> {
        match &mut self.0 {
            Place::Disk(reader) => reader.read(budget),
            Place::Memory(ring, after) => {
                let part = ring.read(*after, budget);
                let gap = part.gaps.last().map(|gap| gap.last);
                *after = part.events.last().map(|event| event.seq).max(gap).unwrap_or(*after).min(part.last);
                Ok(part)
            }
        }
    }
}

/// What a reader is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Number of the oldest event that is kept, or of the next one.
    pub first_available: u64,
    /// Number of the newest one.
    pub last: u64,
    /// In order.
    pub events: Vec<Event>,
    /// Between, before or behind them.
    pub gaps: Vec<Gap>,
    /// What is wrong with the files in these gaps.
    pub damage: Vec<Damage>,
    /// There was nothing more.
    pub caught_up: bool,
}

/// What an event takes in memory and on the link: its body, and its fields.
pub(super) fn cost(event: &Event) -> usize {
    event.body.len() + FIELDS
}

/// On the link: names of fields (15 bytes), seq and time (9 each), kind (2), lengths (6).
const FIELDS: usize = 48;
