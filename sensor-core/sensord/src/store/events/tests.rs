//! What holds whatever happens to the files.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use sensor_wire::event::{Event, Gap, gap};
use tempfile::TempDir;

use super::record::HEAD;
use super::segment::HEADER;
use super::*;

/// Small, so that few events make several.
const SMALL: Settings = Settings { segment: 200, total: 1 << 20 };

fn open(folder: &Path) -> (EventLog, Vec<Damage>) {
    EventLog::open(folder, SMALL).unwrap()
}

fn opened(folder: &Path) -> EventLog {
    let (log, damage) = open(folder);
    assert_eq!(damage, []);
    log
}

/// What the event of a number is in these tests.
fn event(seq: u64) -> Event {
    let body = seq.to_le_bytes().iter().copied().cycle().take(seq as usize % 40).collect();
    Event { seq, time: seq as i64 * 1000 - 5, kind: (seq % 3) as u8, body }
}

fn append(log: &mut EventLog, count: u64) {
    for _ in 0..count {
        let Event { seq, time, kind, body } = event(log.acknowledged() + log.waiting() + 1);
        assert_eq!(log.append(time, kind, &body).unwrap(), seq);
    }
}

/// All that a reader is told from there on, by small parts; each event is as it was written, and each number is told
/// once, as an event or in a gap.
fn all(log: &EventLog, after: u64) -> (Vec<u64>, Vec<Gap>, Vec<Damage>) {
    let mut reader = Reader::of(log, after);
    let (mut told, mut gaps, mut damage) = (BTreeMap::new(), Vec::new(), Vec::new());
    loop {
        let part = reader.read(150).unwrap();
        for found in &part.events {
            assert_eq!(found, &event(found.seq));
            assert!(told.insert(found.seq, true).is_none(), "{} is told twice", found.seq);
        }
        for gap in &part.gaps {
            for seq in gap.first..=gap.last {
                assert!(told.insert(seq, false).is_none(), "{seq} is told twice");
            }
        }
        gaps.extend(part.gaps);
        damage.extend(part.damage);
        if part.caught_up {
            break;
        }
    }
    assert!(told.keys().copied().eq(after + 1..=log.acknowledged()), "{told:?}");
    (told.into_iter().filter_map(|(seq, is_event)| is_event.then_some(seq)).collect(), gaps, damage)
}

/// A copy of a log, to be damaged. There are many, so in memory where the system has files there.
fn copy(from: &Path) -> TempDir {
    let to = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, to.path().join(path.file_name().unwrap())).unwrap();
    }
    to
}

fn segments(folder: &Path) -> Vec<u64> {
    segment::list(folder).unwrap()
}

#[test]
fn what_is_flushed_is_read_and_goes_on_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = opened(folder.path());
    assert_eq!((log.flush().unwrap(), all(&log, 0).0.len()), (0, 0));
    append(&mut log, 3);
    assert!(all(&log, 0).0.is_empty(), "what is not on the disk is told to nobody");
    assert_eq!(log.flush().unwrap(), 3);
    for _ in 0..20 {
        append(&mut log, 5);
        log.flush().unwrap();
    }
    append(&mut log, 2);
    let id = log.id();
    drop(log);
    let mut log = opened(folder.path());
    assert_eq!((log.id(), log.acknowledged()), (id, 103), "the last two were not acknowledged");
    append(&mut log, 7);
    log.flush().unwrap();
    assert!(segments(folder.path()).len() > 5);
    for after in [0, 1, 50, 102, 109, 110] {
        let (told, gaps, damage) = all(&log, after);
        assert!(told.into_iter().eq(after + 1..=110));
        assert_eq!((gaps, damage), (Vec::new(), Vec::new()));
    }
}

#[test]
fn a_new_log_has_another_name() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [one, other] = folders.each_ref().map(|folder| opened(folder.path()).id());
    assert_ne!(one, other);
}

#[test]
fn one_process_writes_a_log() {
    let folder = tempfile::tempdir().unwrap();
    let log = opened(folder.path());
    assert!(matches!(EventLog::open(folder.path(), SMALL), Err(EventsError::Locked { path }) if path == folder.path()));
    drop(log);
    opened(folder.path());
}

#[cfg(unix)]
#[test]
fn nobody_else_may_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("state").join("events");
    let mut log = opened(&folder);
    append(&mut log, 1);
    log.flush().unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(folder.parent().unwrap())), (0o700, 0o700));
    let files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| mode(&entry.unwrap().path())).collect();
    assert_eq!(files, [0o600; 3], "lock, mark and segment");
}

#[test]
fn the_oldest_give_way_past_the_total_size() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { segment: 400, total: 2000 };
    let mut log = EventLog::open(folder.path(), settings).unwrap().0;
    for _ in 0..200 {
        append(&mut log, 2);
        log.flush().unwrap();
        let total: u64 = segments(folder.path())
            .iter()
            .map(|first| fs::metadata(segment::path(folder.path(), *first)).unwrap().len())
            .sum();
        assert!(total <= 2000, "{total} bytes");
    }
    let first = segments(folder.path())[0];
    let (told, gaps, damage) = all(&log, 0);
    assert!(first > 300 && told.into_iter().eq(first..=400));
    assert_eq!(gaps, [Gap { first: 1, last: first - 1, reason: gap::EXPIRED.into() }]);
    assert_eq!(damage, []);
    let part = Reader::of(&log, 0).read(1).unwrap();
    assert_eq!((part.first_available, part.last), (first, 400));
    drop(log);
    // A smaller bound holds at once, and the newest segment stays whatever the bound.
    let log = EventLog::open(folder.path(), Settings { segment: 400, total: 1 }).unwrap().0;
    assert_eq!((segments(folder.path()).len(), log.acknowledged()), (1, 400));
}

#[test]
fn a_reader_that_is_overtaken_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = EventLog::open(folder.path(), Settings { segment: 400, total: 2000 }).unwrap().0;
    append(&mut log, 3);
    log.flush().unwrap();
    let mut reader = Reader::of(&log, 0);
    assert_eq!(reader.read(1).unwrap().events[0].seq, 1);
    for _ in 0..100 {
        append(&mut log, 3);
        log.flush().unwrap();
    }
    let part = reader.read(usize::MAX).unwrap();
    let first = part.first_available;
    assert_eq!(part.gaps, [Gap { first: 2, last: first - 1, reason: gap::EXPIRED.into() }]);
    assert!(part.events.iter().map(|event| event.seq).eq(first..=303) && part.caught_up);
}

/// Several segments, the newest with several events; closed.
fn sample() -> (TempDir, u64) {
    let folder = tempfile::tempdir().unwrap();
    let mut log = opened(folder.path());
    for _ in 0..6 {
        append(&mut log, 2);
        log.flush().unwrap();
    }
    (folder, log.acknowledged())
}

/// Opens it, goes on in it, opens it again: no number is given twice, and all that is told is true. What was found
/// damaged, at opening and at reading.
fn go_on(folder: &Path, acknowledged: u64, what: &str) -> Vec<Damage> {
    let (mut log, mut damage) = open(folder);
    assert!(log.acknowledged() >= acknowledged, "{what}: numbers that were told would be given again");
    append(&mut log, 3);
    log.flush().unwrap();
    let (told, gaps, found) = all(&log, 0);
    assert!(told.ends_with(&[log.acknowledged() - 2, log.acknowledged() - 1, log.acknowledged()]), "{what}");
    assert_eq!(gaps.len(), found.len(), "{what}: each gap has its reason");
    damage.extend(found);
    drop(log);
    let again = opened(folder);
    assert_eq!(all(&again, 0).0, told, "{what}");
    damage
}

#[test]
fn each_flipped_bit_is_found_and_named() {
    let (folder, acknowledged) = sample();
    for first in segments(folder.path()) {
        let path = segment::path(folder.path(), first);
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let what = format!("byte {at} of {first}");
            let copy = copy(folder.path());
            let path = segment::path(copy.path(), first);
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            fs::write(&path, &bytes).unwrap();
            let damage = go_on(copy.path(), acknowledged, &what);
            let [found, ..] = damage.as_slice() else { panic!("{what}: not found") };
            assert_eq!(found.file, path, "{what}");
            assert!(found.offset <= at as u64 && at as u64 <= found.offset + found.bytes, "{what}: {found}");
            let Some((lost, _)) = found.lost else { panic!("{what}: {found}") };
            // What stands before it is still told.
            let before = if at < HEADER as usize { first } else { record_at(&whole, at) };
            assert_eq!(lost, before, "{what}: {found}");
        }
    }
}

/// Number of the record that a byte of a segment is of.
fn record_at(segment: &[u8], at: usize) -> u64 {
    let mut offset = HEADER as usize;
    loop {
        let record = record::read(&segment[offset..]).unwrap();
        offset += record.size();
        if at < offset {
            return record.seq;
        }
    }
}

#[test]
fn each_truncation_is_found_and_named() {
    let (folder, acknowledged) = sample();
    for first in segments(folder.path()) {
        let whole = fs::metadata(segment::path(folder.path(), first)).unwrap().len();
        for length in 0..whole {
            let what = format!("{first} cut to {length}");
            let copy = copy(folder.path());
            let path = segment::path(copy.path(), first);
            fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(length).unwrap();
            let damage = go_on(copy.path(), acknowledged, &what);
            let [found, ..] = damage.as_slice() else { panic!("{what}: not found") };
            assert!(found.file == path && found.offset <= length && found.lost.is_some(), "{what}: {found}");
        }
    }
}

#[test]
fn a_torn_end_is_cut_and_named_and_costs_no_number() {
    let (folder, acknowledged) = sample();
    let newest = *segments(folder.path()).last().unwrap();
    let mut torn = Vec::new();
    let Event { seq, time, kind, .. } = event(acknowledged + 1);
    record::Record { seq, time, kind, body: b"never acknowledged" }.write(&mut torn);
    for length in 1..torn.len() {
        let copy = copy(folder.path());
        let path = segment::path(copy.path(), newest);
        let whole = fs::read(&path).unwrap();
        fs::write(&path, [&whole, &torn[..length]].concat()).unwrap();
        let (mut log, damage) = open(copy.path());
        let what = "ends within an event".to_owned();
        let (offset, bytes) = (whole.len() as u64, length as u64);
        assert_eq!(damage, [Damage { file: path.clone(), offset, bytes, what, lost: None }]);
        assert!(damage[0].to_string().contains(&format!("at byte {offset}; {bytes} bytes")), "{}", damage[0]);
        assert_eq!((log.acknowledged(), fs::metadata(path).unwrap().len()), (acknowledged, offset));
        append(&mut log, 2);
        log.flush().unwrap();
        assert_eq!(all(&log, acknowledged).0, [acknowledged + 1, acknowledged + 2]);
    }
}

#[test]
fn a_segment_that_was_never_written_whole_is_begun_anew() {
    let (folder, acknowledged) = sample();
    let path = segment::path(folder.path(), acknowledged + 1);
    let header = segment::Header { log: opened(folder.path()).id(), first: acknowledged + 1 }.bytes();
    for length in 0..HEADER as usize {
        let copy = copy(folder.path());
        let path = copy.path().join(path.file_name().unwrap());
        fs::write(&path, &header[..length]).unwrap();
        let damage = go_on(copy.path(), acknowledged, "torn header");
        assert_eq!((damage.len(), &damage[0].file, damage[0].lost), (1, &path, None));
    }
}

#[test]
fn a_segment_that_is_gone_is_a_gap() {
    let (folder, acknowledged) = sample();
    for (place, first) in segments(folder.path()).into_iter().enumerate() {
        let copy = copy(folder.path());
        fs::remove_file(segment::path(copy.path(), first)).unwrap();
        let (mut log, _) = open(copy.path());
        append(&mut log, 1);
        assert_eq!(log.flush().unwrap(), acknowledged + 1);
        let gaps = all(&log, 0).1;
        assert_eq!((gaps.len(), gaps[0].first), (1, first), "segment {place}: {gaps:?}");
    }
}

#[test]
fn a_segment_that_goes_while_it_is_open_is_a_gap_too() {
    let (folder, acknowledged) = sample();
    let log = opened(folder.path());
    let all_of_them = segments(folder.path());
    fs::remove_file(segment::path(folder.path(), all_of_them[1])).unwrap();
    let (told, gaps, damage) = all(&log, 0);
    assert_eq!(gaps, [Gap { first: all_of_them[1], last: all_of_them[2] - 1, reason: gap::DAMAGED.into() }]);
    assert_eq!(damage[0].what, "is gone");
    assert_eq!(told.len() as u64, acknowledged - (all_of_them[2] - all_of_them[1]));
}

#[test]
fn without_its_mark_a_log_goes_on_and_gives_no_number_twice() {
    let (folder, acknowledged) = sample();
    let id = opened(folder.path()).id();
    for damaged in [false, true] {
        let copy = copy(folder.path());
        let mark = copy.path().join("acknowledged");
        if damaged {
            fs::write(&mark, b"something else").unwrap();
        } else {
            fs::remove_file(&mark).unwrap();
        }
        let newest = segment::path(copy.path(), *segments(copy.path()).last().unwrap());
        let mut bytes = fs::read(&newest).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&newest, bytes).unwrap();
        let (log, damage) = open(copy.path());
        assert_eq!((log.id(), log.acknowledged()), (id, acknowledged));
        let files: Vec<_> = damage.iter().map(|damage| damage.file.clone()).collect();
        assert_eq!(files, if damaged { vec![mark, newest] } else { vec![newest] });
        assert_eq!(all(&log, 0).1, [Gap { first: acknowledged, last: acknowledged, reason: gap::DAMAGED.into() }]);
    }
}

/// What lies whole behind a flaw was given its number.
#[test]
fn without_its_mark_what_lies_behind_a_flaw_is_given_no_number_again() {
    let (folder, acknowledged) = sample();
    let newest = *segments(folder.path()).last().unwrap();
    let whole = fs::read(segment::path(folder.path(), newest)).unwrap();
    assert!(newest < acknowledged, "it has several events");
    for at in 0..whole.len() {
        let copy = copy(folder.path());
        fs::remove_file(copy.path().join("acknowledged")).unwrap();
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        fs::write(segment::path(copy.path(), newest), bytes).unwrap();
        let (log, _) = open(copy.path());
        assert_eq!(log.acknowledged(), acknowledged, "byte {at}");
    }
}

#[test]
fn readers_see_all_events_in_order_while_they_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = EventLog::open(folder.path(), Settings { segment: 20_000, total: 1 << 30 }).unwrap().0;
    let events = Events::disk(&log);
    let over = AtomicBool::new(false);
    const COUNT: u64 = 20_000;
    thread::scope(|scope| {
        for budget in [1, 3_000, usize::MAX] {
            let (mut cursor, over) = (events.after(0), &over);
            scope.spawn(move || {
                let mut last = 0;
                loop {
                    // Before it is read: what comes then is not missed.
                    let ends = over.load(Ordering::SeqCst);
                    let part = cursor.read(budget).unwrap();
                    assert_eq!((part.gaps, part.damage), (Vec::new(), Vec::new()));
                    for found in &part.events {
                        last += 1;
                        assert_eq!(found, &event(last));
                    }
                    if part.caught_up && ends {
                        break;
                    }
                }
                assert_eq!(last, COUNT);
            });
        }
        while log.acknowledged() < COUNT {
            append(&mut log, 100);
            log.flush().unwrap();
        }
        over.store(true, Ordering::SeqCst);
    });
    assert!(segments(folder.path()).len() > 10);
}

#[test]
fn an_event_that_is_too_long_gets_no_number() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = opened(folder.path());
    assert!(matches!(log.append(0, 1, &vec![0; MAX_BODY + 1]), Err(EventsError::TooLong(_))));
    assert_eq!(Events::disk(&log).refused(), (1, String::new()));
    assert_eq!(log.append(0, 1, &vec![0; MAX_BODY]).unwrap(), 1);
    assert_eq!(log.flush().unwrap(), 1);
    assert_eq!(Reader::of(&log, 0).read(1).unwrap().events[0].body.len(), MAX_BODY);
}

#[test]
fn many_events_are_flushed_before_they_fill_the_memory() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = EventLog::open(folder.path(), Settings::default()).unwrap().0;
    let body = vec![7; MAX_BODY];
    let count = (9 << 20) / (MAX_BODY + HEAD) as u64;
    for _ in 0..count {
        log.append(0, 1, &body).unwrap();
    }
    assert!(log.acknowledged() > count / 2);
    assert_eq!(log.flush().unwrap(), count);
}
