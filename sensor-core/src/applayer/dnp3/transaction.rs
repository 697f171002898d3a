//! A fragment as rules and EVE see it.

use super::event;
use super::link::Frame;
use super::objects::{self, Fault};
use crate::applayer::Side;
use crate::applayer::parser::{self, EventSet};
use crate::json::Object;
use crate::rules::Buffer;
use crate::rules::ast::{Body, WordField};

/// A request or a response.
#[derive(Debug)]
pub struct Transaction {
    pub(super) side: Side,
    /// Of the first frame: control, destination and source.
    pub(super) link: (u8, u16, u16),
    /// The application's bytes, without checks.
    data: Vec<u8>,
    /// The sequence number of the last segment.
    sequence: u8,
    complete: bool,
    /// All objects could be read.
    pub(super) read: bool,
    events: EventSet,
}

/// Bytes of a fragment that are kept: devices make them of 2,048 bytes at most (IEEE 1815 section 4.1).
pub(super) const MOST_DATA: usize = 4096;

impl Transaction {
    pub(super) fn new(side: Side, frame: &Frame<'_>) -> Transaction {
        Transaction {
            side,
            link: (frame.control, frame.destination, frame.source),
            data: Vec::new(),
            sequence: 0,
            complete: false,
            read: false,
            events: EventSet::NONE,
        }
    }

    pub(super) fn odd(&mut self, event: u8) {
        self.events.add(event);
    }

    pub(super) fn is_complete(&self) -> bool {
        self.complete
    }

    pub(super) fn bytes(&self) -> usize {
        size_of::<Transaction>() + self.data.capacity()
    }

    /// The next segment.
    pub(super) fn segment(&mut self, bytes: &[u8], sequence: u8, first: bool, last: bool) {
        // Sequence numbers go from 0 to 63 and around (IEEE 1815 section 8.2).
        if !first && sequence != (self.sequence + 1) & 0x3f {
            return self.end();
        }
        self.sequence = sequence;
        if self.data.len() + bytes.len() > MOST_DATA {
            self.events.add(event::TOO_LONG_REASSEMBLY);
            return self.end();
        }
        self.data.extend_from_slice(bytes);
        if last {
            self.complete = true;
            self.read = match objects::walk(self.function(), self.objects(), &mut |_| {}) {
                Ok(()) => !self.data.is_empty(),
                Err(fault) => {
                    match fault {
                        Fault::Unknown => self.events.add(event::UNKNOWN_OBJECT),
                        Fault::Points => self.events.add(event::TOO_MANY_POINTS),
                        Fault::PointsOfOne => self.events.add(event::MAX_POINTS_PER_OBJECT),
                        Fault::Objects => self.events.add(event::TOO_MANY_OBJECTS),
                        Fault::Short => {}
                    }
                    false
                }
            };
        }
    }

    /// The rest of it does not come.
    pub(super) fn end(&mut self) {
        self.complete = true;
    }

    /// The application's control byte.
    pub(super) fn control(&self) -> u8 {
        self.data.first().copied().unwrap_or(0)
    }

    pub(super) fn function(&self) -> u8 {
        self.data.get(1).copied().unwrap_or(0)
    }

    /// Internal indications: responses have them.
    pub(super) fn indications(&self) -> Option<u16> {
        let bytes = self.data.get(2..)?.first_chunk::<2>()?;
        (self.side == Side::ToClient).then(|| u16::from_be_bytes(*bytes))
    }

    /// What follows the application's header.
    pub(super) fn objects(&self) -> &[u8] {
        self.data.get(if self.side == Side::ToClient { 4 } else { 2 }..).unwrap_or_default()
    }
}

/// Internal indications by bit of both bytes (IEEE 1815 section 4.2.2.5).
pub(super) const INDICATIONS: [(&str, u16); 16] = [
    ("all_stations", 0x0100),
    ("class_1_events", 0x0200),
    ("class_2_events", 0x0400),
    ("class_3_events", 0x0800),
    ("need_time", 0x1000),
    ("local_control", 0x2000),
    ("device_trouble", 0x4000),
    ("device_restart", 0x8000),
    ("no_func_code_support", 0x0001),
    ("object_unknown", 0x0002),
    ("parameter_error", 0x0004),
    ("event_buffer_overflow", 0x0008),
    ("already_executing", 0x0010),
    ("config_corrupt", 0x0020),
    ("reserved_2", 0x0040),
    ("reserved_1", 0x0080),
];

impl parser::Transaction for Transaction {
    fn progress(&self, _: Side) -> u8 {
        u8::from(self.complete)
    }

    fn only(&self) -> Option<Side> {
        Some(self.side)
    }

    fn record_side(&self) -> Side {
        Side::ToServer
    }

    fn buffer<'a>(&'a self, buffer: Buffer, side: Side, index: usize, _: &'a mut Vec<u8>) -> Option<&'a [u8]> {
        (buffer == Buffer::Dnp3Data && side == self.side && index == 0).then_some(&self.data)
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "most are of other protocols")]
    fn holds(&self, test: &Body, side: Side) -> bool {
        if side != self.side {
            return false;
        }
        match test {
            Body::Dnp3Function(function) => self.data.len() >= 2 && self.function() == *function,
            Body::Dnp3Object(group, variation) => {
                let mut found = false;
                let mut look = |object: &objects::Object<'_>| {
                    found |= (object.group, object.variation) == (*group, *variation);
                };
                // What could be read counts, also before what could not.
                let _ = objects::walk(self.function(), self.objects(), &mut look);
                found
            }
            Body::Words(words) if words.field == WordField::Dnp3Indicators => {
                let set = self.indications().unwrap_or(0);
                words.words.iter().any(|(negated, word)| {
                    let known = INDICATIONS.iter().find(|(name, _)| *name == &**word);
                    known.is_some_and(|(_, bit)| (set & bit != 0) != *negated)
                })
            }
            _ => false,
        }
    }

    fn events(&self) -> EventSet {
        self.events
    }

    fn eve(&self, object: &mut Object<'_>) {
        super::eve::write(self, object);
    }
}
