//! The log on disk: appends gather in memory until they are flushed together.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sensor_wire::Timestamp;
use sensor_wire::event::LogId;
use tokio::sync::watch;

use super::mark::{Mark, Marked};
use super::record::{HEAD, MAX_BODY, Record};
use super::recover::recover;
use super::segment::{self, HEADER, Header};
use super::{Damage, EventsError, failed, folder};

/// How large a log may become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Bytes of a segment, past which the next flush begins another. One that a single flush fills may be larger.
    pub segment: u64,
    /// Bytes of all segments, past which the oldest are removed; never the newest.
    pub total: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { segment: 16 << 20, total: 1 << 30 }
    }
}

/// A log that is open for writing, by this process alone.
#[derive(Debug)]
pub struct EventLog {
    shared: Arc<Shared>,
    settings: Settings,
    mark: Mark,
    /// The newest segment, and where its acknowledged events end.
    active: Option<(File, u64)>,
    /// Records that are not written yet. They wait there while the disk is full.
    pending: Vec<u8>,
    /// How many.
    waiting: u64,
    /// Held while the log is open.
    _lock: File,
}

/// What writer and readers share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) folder: PathBuf,
    pub(super) log: LogId,
    state: Mutex<State>,
    /// Number of the last acknowledged event.
    pub(super) acknowledged: watch::Sender<u64>,
}

/// What readers need to know.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    /// The oldest first.
    pub(super) segments: VecDeque<Segment>,
    /// Number of the last event that is on the disk.
    pub(super) acknowledged: u64,
    /// Events that were refused.
    pub(super) unrecorded: u64,
    /// Why the log can't be written, while it can't.
    pub(super) fault: String,
}

/// A segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    /// Its first event.
    pub(super) first: u64,
    /// Where what can be read of it ends, in bytes.
    pub(super) end: u64,
}

impl EventLog {
    /// Opens the log of a folder, or makes both. What was found damaged is told.
    ///
    /// # Errors
    /// The folder can't be used, or another process writes there.
    pub fn open(folder: &Path, settings: Settings) -> Result<(EventLog, Vec<Damage>), EventsError> {
        folder::make(folder)?;
        let lock = folder::lock(folder)?;
        let (mut mark, found) = Mark::open(folder)?;
        let recovered = recover(folder, &mut mark, found)?;
        let acknowledged = watch::channel(recovered.state.acknowledged).0;
        let (log, state) = (recovered.log, Mutex::new(recovered.state));
        let shared = Arc::new(Shared { folder: folder.to_owned(), log, state, acknowledged });
        let mut log =
            EventLog { shared, settings, mark, active: recovered.active, pending: Vec::new(), waiting: 0, _lock: lock };
        log.retire();
        Ok((log, recovered.damage))
    }

    pub(super) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    /// Which log it is.
    pub fn id(&self) -> LogId {
        self.shared.log
    }

    /// Number of the last event that is on the disk; 0 before the first.
    pub fn acknowledged(&self) -> u64 {
        self.shared.state().acknowledged
    }

    /// Events that were taken and are not flushed.
    pub fn waiting(&self) -> u64 {
        self.waiting
    }

    /// Takes an event and gives its number. It is kept once [`EventLog::flush`] has told that number or a higher one.
    /// Where 4 MiB wait already they are flushed first.
    ///
    /// # Errors
    /// It is too long, or there is no room: it got no number, and is counted.
    pub fn append(&mut self, time: Timestamp, kind: u8, body: &[u8]) -> Result<u64, EventsError> {
        let appended = self.try_append(time, kind, body);
        if appended.is_err() {
            self.shared.state().unrecorded += 1;
        }
        appended
    }

    fn try_append(&mut self, time: Timestamp, kind: u8, body: &[u8]) -> Result<u64, EventsError> {
        if body.len() > MAX_BODY {
            return Err(EventsError::TooLong(body.len()));
        }
        if self.pending.len() + HEAD + body.len() > PENDING {
            // After a failure whoever flushes decides when to try again, not each event.
            let fault = self.shared.state().fault.clone();
            if !fault.is_empty() {
                return Err(EventsError::Full { path: self.path(), why: fault });
            }
            self.flush()?;
        }
        let seq = self.acknowledged() + self.waiting + 1;
        Record { seq, time, kind, body }.write(&mut self.pending);
        self.waiting += 1;
        Ok(seq)
    }

    /// Writes what waits to the disk, and gives the number of the last event that is there.
    ///
    /// # Errors
    /// It can't be written: it waits on, and the next flush tries again. What was acknowledged is untouched.
    pub fn flush(&mut self) -> Result<u64, EventsError> {
        let acknowledged = self.acknowledged();
        if self.waiting == 0 {
            return Ok(acknowledged);
        }
        let written = self.write(acknowledged + 1);
        let mut state = self.shared.state();
        match &written {
            Ok(segment) => {
                if state.segments.back().is_some_and(|last| last.first == segment.first) {
                    state.segments.pop_back();
                }
                state.segments.push_back(*segment);
                state.acknowledged += self.waiting;
                state.fault.clear();
            }
            Err(error) => state.fault = error.to_string(),
        }
        let acknowledged = state.acknowledged;
        drop(state);
        written?;
        self.pending.clear();
        self.waiting = 0;
        // It is a lower bound: older is no harm.
        let _ = self.mark.write(&Marked { log: self.shared.log, acknowledged });
        self.shared.acknowledged.send_replace(acknowledged);
        self.retire();
        Ok(acknowledged)
    }

    /// Writes what waits, of which `next` is the first. The segment it is in is told.
    fn write(&mut self, next: u64) -> Result<Segment, EventsError> {
        let length = self.pending.len() as u64;
        self.active.take_if(|(_, end)| *end > HEADER && *end + length > self.settings.segment);
        let newest = self.shared.state().segments.back().map(|segment| segment.first);
        if let (Some((file, end)), Some(first)) = (&mut self.active, newest) {
            let path = segment::path(&self.shared.folder, first);
            append(file, *end, &self.pending).map_err(failed("written", path))?;
            *end += length;
            return Ok(Segment { first, end: *end });
        }
        let path = segment::path(&self.shared.folder, next);
        let header = Header { log: self.shared.log, first: next }.bytes();
        let begin = || {
            // What a try before this one may have left holds nothing that was acknowledged.
            let mut file = folder::writing().open(&path)?;
            file.set_len(0)?;
            file.write_all(&header)?;
            append(&mut file, HEADER, &self.pending)?;
            folder::sync(&self.shared.folder)?;
            Ok(file)
        };
        let file = begin().map_err(|error| {
            // Gives back the room that it took.
            let _ = fs::remove_file(&path);
            failed("written", &path)(error)
        })?;
        let end = HEADER + length;
        self.active = Some((file, end));
        Ok(Segment { first: next, end })
    }

    /// Removes the oldest segments past the total size. One that can't be removed is a fault, and is tried again.
    fn retire(&mut self) {
        loop {
            let mut state = self.shared.state();
            let total: u64 = state.segments.iter().map(|segment| segment.end).sum();
            if total <= self.settings.total || state.segments.len() < 2 {
                return;
            }
            let Some(oldest) = state.segments.pop_front() else { return };
            drop(state);
            let path = segment::path(&self.shared.folder, oldest.first);
            if let Err(error) = fs::remove_file(&path)
                && error.kind() != io::ErrorKind::NotFound
            {
                let mut state = self.shared.state();
                state.segments.push_front(oldest);
                state.fault = failed("removed", path)(error).to_string();
                return;
            }
        }
    }

    /// The file that is written next.
    fn path(&self) -> PathBuf {
        let state = self.shared.state();
        let newest = self.active.as_ref().and_then(|_| state.segments.back());
        segment::path(&self.shared.folder, newest.map_or(state.acknowledged + 1, |segment| segment.first))
    }
}

impl Shared {
    /// Held for moments only.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Number of the oldest event that can be there, or of the next one.
    pub(super) fn first_available(&self) -> u64 {
        self.segments.front().map_or(self.acknowledged + 1, |segment| segment.first)
    }
}

/// Writes behind `end`, and has it on the disk; on failure the file ends there again.
fn append(file: &mut File, end: u64, bytes: &[u8]) -> io::Result<()> {
    let mut write = || {
        file.seek(SeekFrom::Start(end))?;
        file.write_all(bytes)?;
        file.sync_data()
    };
    write().inspect_err(|_| {
        // Where this fails too, what is behind the end counts for nothing: the next try overwrites it.
        let _ = file.set_len(end);
    })
}

/// Bytes that wait at most.
const PENDING: usize = 4 << 20;
