//! Finds the state of a log when it is opened: where it goes on, and what was lost.
//!
//! Only the newest segment is read: others were closed whole, and what became of them since is found when they are read.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sensor_wire::event::LogId;

use super::log::{Segment, State};
use super::mark::{Found, Mark, Marked};
use super::record::{self, Flaw, HEAD};
use super::segment::{self, HEADER, Header};
use super::{Damage, EventsError, failed, folder};

/// What was found.
#[derive(Debug)]
pub(super) struct Recovered {
    pub(super) log: LogId,
    pub(super) state: State,
    /// The segment to go on in, with its end; `None` where the next event begins a new one.
    pub(super) active: Option<(File, u64)>,
    pub(super) damage: Vec<Damage>,
}

/// Reads a folder; a torn end is cut off.
pub(super) fn recover(folder: &Path, mark: &mut Mark, found: Found) -> Result<Recovered, EventsError> {
    let mut firsts = segment::list(folder).map_err(failed("listed", folder))?;
    let mut damage = Vec::new();
    if found == Found::Damaged {
        let what = "is damaged, so how far the log was acknowledged is not known,".to_owned();
        let bytes = fs::metadata(mark.path()).map_or(0, |meta| meta.len());
        damage.push(Damage { file: mark.path().to_owned(), offset: 0, bytes, what, lost: None });
    }
    let marked = if let Found::Marked(marked) = found { Some(marked) } else { None };
    let known = marked.map(|marked| marked.log).or_else(|| firsts.iter().rev().find_map(|first| id_of(folder, *first)));
    let log = known.unwrap_or_else(new_id);
    let mut last = marked.map_or(0, |marked| marked.acknowledged);
    let mut active = None;
    if let Some(first) = firsts.last().copied() {
        let path = segment::path(folder, first);
        let newest = Newest::read(path, log, first, marked.map(|marked| marked.acknowledged))?;
        last = last.max(newest.last);
        match newest.then {
            Then::GoOn(end) => active = Some((newest.open(end)?, end)),
            Then::Seal => {}
            Then::Discard => {
                fs::remove_file(&newest.path).map_err(failed("removed", &newest.path))?;
                firsts.pop();
            }
        }
        damage.extend(newest.damage);
    }
    let mut segments = VecDeque::with_capacity(firsts.len());
    for first in firsts {
        let path = segment::path(folder, first);
        let end = fs::metadata(&path).map_err(failed("read", &path))?.len();
        segments.push_back(Segment { first, end });
    }
    mark.renew(&Marked { log, acknowledged: last })?;
    folder::sync(folder).map_err(failed("synced", folder))?;
    Ok(Recovered { log, state: State { segments, acknowledged: last, ..State::default() }, active, damage })
}

/// The log that a segment says it is of.
fn id_of(folder: &Path, first: u64) -> Option<LogId> {
    let mut head = Vec::new();
    let file = File::open(segment::path(folder, first)).ok()?;
    file.take(HEADER).read_to_end(&mut head).ok()?;
    Header::read(&head).ok().map(|header| header.log)
}

/// The segment that was written when the log was last open.
struct Newest {
    path: PathBuf,
    /// The last number that was given in it, or before it.
    last: u64,
    then: Then,
    damage: Option<Damage>,
}

/// What becomes of it.
enum Then {
    /// The next event goes behind this byte.
    GoOn(u64),
    /// It stays as it is: acknowledged events are lost in it.
    Seal,
    /// Nothing acknowledged was ever in it.
    Discard,
}

impl Newest {
    fn read(path: PathBuf, log: LogId, first: u64, acknowledged: Option<u64>) -> Result<Newest, EventsError> {
        let bytes = fs::read(&path).map_err(failed("read", &path))?;
        let size = bytes.len() as u64;
        let (mut end, mut last, mut flaw) = (HEADER, first - 1, None);
        match Header::read(&bytes) {
            Ok(header) if header == (Header { log, first }) => {
                while let Some(rest) = bytes.get(end as usize..).filter(|rest| !rest.is_empty()) {
                    match record::read(rest) {
                        Ok(record) if record.seq == last + 1 => {
                            last += 1;
                            end += record.size() as u64;
                        }
                        Ok(_) => flaw = Some("has an event out of order"),
                        Err(Flaw::Cut) => flaw = Some("ends within an event"),
                        Err(Flaw::Wrong(what)) => flaw = Some(what),
                    }
                    if flaw.is_some() {
                        break;
                    }
                }
            }
            Ok(_) => (end, flaw) = (0, Some("is of another log")),
            Err(what) => (end, flaw) = (0, Some(what)),
        }
        // What was acknowledged is lost if the mark says so or something whole lies behind the flaw. Where nothing is
        // known, one event is taken for lost: better a number that nobody gets than one that two get.
        let behind = flaw.and_then(|_| reach(&bytes, end, last));
        let unknown = flaw.filter(|_| acknowledged.is_none()).map(|_| last + 1);
        let reached = [acknowledged, behind, unknown].into_iter().flatten().max().unwrap_or_default();
        let lost = (reached > last).then_some((last + 1, reached));
        let then = match (lost, flaw) {
            (Some(_), _) => Then::Seal,
            (None, _) if end == 0 => Then::Discard,
            (None, _) => Then::GoOn(end),
        };
        let what = flaw.or_else(|| lost.map(|_| "ends before the last acknowledged event"));
        let bytes = size.saturating_sub(end);
        let damage = what.map(|what| Damage { file: path.clone(), offset: end, bytes, what: what.into(), lost });
        Ok(Newest { path, last: last.max(reached), then, damage })
    }

    /// To go on behind `end`; what lies there is cut off.
    fn open(&self, end: u64) -> Result<File, EventsError> {
        let file = folder::writing().open(&self.path).map_err(failed("opened", &self.path))?;
        if self.damage.is_some() {
            file.set_len(end).and_then(|()| file.sync_data()).map_err(failed("cut", &self.path))?;
        }
        Ok(file)
    }
}

/// The highest number of a whole record behind a flaw.
fn reach(bytes: &[u8], flaw: u64, last: u64) -> Option<u64> {
    // A number outside of this can't be of this segment.
    let most = last + bytes.len() as u64 / HEAD as u64 + 1;
    let number = |bytes: &[u8]| {
        let seq = u64::from_le_bytes(*bytes.get(8..)?.first_chunk()?);
        let record = (last < seq && seq <= most).then(|| record::read(bytes).ok())??;
        Some(record.seq)
    };
    let behind = bytes.get(flaw as usize..).unwrap_or_default();
    (0..behind.len()).filter_map(|at| number(behind.get(at..)?)).max()
}

/// The standard library's random keys, of which the two halves are a keyed hash each.
#[expect(clippy::disallowed_methods, reason = "a log's name is nothing that the engine sees")]
pub(super) fn new_id() -> LogId {
    let keys = RandomState::new();
    let seed = (SystemTime::now(), std::process::id());
    let [low, high] = [keys.hash_one((0, seed)), keys.hash_one((1, seed))];
    LogId((u128::from(high) << 64 | u128::from(low)).to_le_bytes())
}
