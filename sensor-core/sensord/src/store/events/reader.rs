//! Reads a log while it is written, up to what is acknowledged.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use sensor_wire::event::{Event, Gap, gap};

use super::log::{EventLog, Segment, Shared};
use super::record::{self, Flaw, HEAD};
use super::segment::{self, HEADER, Header};
use super::source::{Part, cost};
use super::{Damage, EventsError, MAX_BODY, failed};

/// A place in a log that goes forward.
#[derive(Debug)]
pub struct Reader {
    shared: Arc<Shared>,
    /// The next event to tell.
    next: u64,
    place: Option<Place>,
    /// What was read of the file at the place.
    chunk: Vec<u8>,
}

/// Where the next record begins.
#[derive(Debug)]
struct Place {
    segment: u64,
    file: File,
    offset: u64,
    /// Its number.
    seq: u64,
}

/// What comes of a segment.
enum Step {
    /// It is read.
    Over,
    /// No more fits.
    Full,
    /// It can't be read further.
    Flawed { offset: u64, bytes: u64, what: &'static str },
}

impl Reader {
    /// Reads what comes after an event of the log; 0 for all.
    pub fn of(log: &EventLog, after: u64) -> Reader {
        Reader::new(log.shared(), after)
    }

    pub(super) fn new(shared: Arc<Shared>, after: u64) -> Reader {
        Reader { shared, next: after.saturating_add(1), place: None, chunk: Vec::new() }
    }

    /// The next events, of so many bytes at most; one that is longer comes alone.
    ///
    /// # Errors
    /// A file can't be read; the place is as before.
    pub fn read(&mut self, budget: usize) -> Result<Part, EventsError> {
        let before = self.next;
        let mut part = Part::default();
        let mut room = budget;
        match self.fill(&mut part, &mut room) {
            Ok(()) => Ok(part),
            Err(error) => {
                (self.next, self.place) = (before, None);
                Err(error)
            }
        }
    }

    fn fill(&mut self, part: &mut Part, room: &mut usize) -> Result<(), EventsError> {
        loop {
            let state = self.shared.state();
            (part.first_available, part.last) = (state.first_available(), state.acknowledged);
            if self.next > part.last {
                part.caught_up = true;
                return Ok(());
            }
            let at = state.segments.partition_point(|segment| segment.first <= self.next);
            let here = at.checked_sub(1).and_then(|before| state.segments.get(before).copied());
            let until = state.segments.get(at).map_or(part.last, |following| following.first - 1);
            drop(state);
            let Some(here) = here else {
                // They gave way to newer ones.
                self.pass_over(until, gap::EXPIRED, part);
                continue;
            };
            match self.read_segment(here, until, part, room) {
                Ok(Step::Over) if self.next > until => {}
                Ok(Step::Over) => self.lose(here, until, (here.end, 0, "ends too early"), part),
                Ok(Step::Full) => return Ok(()),
                Ok(Step::Flawed { offset, bytes, what }) => self.lose(here, until, (offset, bytes, what), part),
                // It gave way meanwhile, or somebody took it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    if self.shared.state().segments.contains(&here) {
                        self.lose(here, until, (0, here.end, "is gone"), part);
                    }
                }
                Err(error) => {
                    return Err(failed("read", segment::path(&self.shared.folder, here.first))(error));
                }
            }
        }
    }

    /// Reads on in a segment whose last event is `until`.
    fn read_segment(&mut self, here: Segment, until: u64, part: &mut Part, room: &mut usize) -> io::Result<Step> {
        if self.place.as_ref().is_none_or(|place| place.segment != here.first || place.seq > self.next) {
            match self.open(here)? {
                Ok(place) => self.place = Some(place),
                Err(what) => return Ok(Step::Flawed { offset: 0, bytes: here.end, what }),
            }
        }
        let Some(place) = &mut self.place else { return Ok(Step::Over) };
        let flawed = |place: &Place, what| Step::Flawed { offset: place.offset, bytes: here.end - place.offset, what };
        while place.offset < here.end && self.next <= until {
            let wanted = (here.end - place.offset).min(CHUNK as u64);
            self.chunk.clear();
            place.file.seek(SeekFrom::Start(place.offset))?;
            (&mut place.file).take(wanted).read_to_end(&mut self.chunk)?;
            let mut rest = self.chunk.as_slice();
            while !rest.is_empty() && self.next <= until {
                let record = match record::read(rest) {
                    Ok(record) if record.seq == place.seq => record,
                    Ok(_) => return Ok(flawed(place, "has an event out of order")),
                    // A whole record fits into a chunk, so one that is cut at its beginning is cut for good.
                    Err(Flaw::Cut) if rest.len() < self.chunk.len() => break,
                    Err(Flaw::Cut) => return Ok(flawed(place, "ends within an event")),
                    Err(Flaw::Wrong(what)) => return Ok(flawed(place, what)),
                };
                if record.seq >= self.next {
                    let record::Record { seq, time, kind, body } = record;
                    let event = Event { seq, time, kind, body: body.to_vec() };
                    let cost = cost(&event);
                    if cost > *room && !part.events.is_empty() {
                        return Ok(Step::Full);
                    }
                    *room = room.saturating_sub(cost);
                    part.events.push(event);
                    self.next = seq + 1;
                }
                place.seq += 1;
                place.offset += record.size() as u64;
                rest = rest.get(record.size()..).unwrap_or_default();
            }
            if self.chunk.is_empty() {
                return Ok(flawed(place, "is shorter than it was"));
            }
        }
        Ok(Step::Over)
    }

    fn open(&self, here: Segment) -> io::Result<Result<Place, &'static str>> {
        let mut file = File::open(segment::path(&self.shared.folder, here.first))?;
        let mut head = Vec::with_capacity(HEADER as usize);
        (&mut file).take(HEADER).read_to_end(&mut head)?;
        Ok(match Header::read(&head) {
            Ok(header) if header == (Header { log: self.shared.log, first: here.first }) => {
                Ok(Place { segment: here.first, file, offset: HEADER, seq: here.first })
            }
            Ok(_) => Err("is of another log"),
            Err(what) => Err(what),
        })
    }

    /// The rest of a segment is lost.
    fn lose(&mut self, here: Segment, until: u64, flaw: (u64, u64, &'static str), part: &mut Part) {
        let (offset, bytes, what) = flaw;
        let file = segment::path(&self.shared.folder, here.first);
        part.damage.push(Damage { file, offset, bytes, what: what.into(), lost: Some((self.next, until)) });
        self.pass_over(until, gap::DAMAGED, part);
    }

    fn pass_over(&mut self, until: u64, reason: &str, part: &mut Part) {
        part.gaps.push(Gap { first: self.next, last: until, reason: reason.into() });
        (self.next, self.place) = (until + 1, None);
    }
}

/// Bytes that are read at once: more than a record.
const CHUNK: usize = 128 << 10;
const _: () = assert!(CHUNK > HEAD + MAX_BODY);
