//! The log of events under what processes and disks do: killed while it writes, no room, files that may not grow.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, reason = "clippy allows them in tests alone")]
#![allow(clippy::print_stdout, reason = "a child that is killed says by its output how far it was")]
#![allow(clippy::disallowed_methods, reason = "deadlines are of the wall clock")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use sensor_wire::event::{Event, gap};
use sensord::store::events::{EventLog, Events, EventsError, Reader, Settings, Writer};

/// Where a child writes.
const FOLDER: &str = "NIGHTJAR_TEST_EVENTS";

/// Seeds a child's numbers.
const SEED: &str = "NIGHTJAR_TEST_SEED";

/// Small enough that segments begin and give way time and again.
const SETTINGS: Settings = Settings { segment: 32 << 10, total: 4 << 20 };

/// Without a bound that would make room by itself.
const UNBOUNDED: Settings = Settings { segment: 32 << 10, total: 1 << 30 };

/// How long anything may take. Only a test that fails waits for so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// xorshift64: the same numbers on each run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

/// What the event of a number is.
fn event(seq: u64) -> Event {
    let body = (0..seq * 7919 % 500).map(|at| (seq ^ at) as u8).collect();
    Event { seq, time: seq as i64 * 1000, kind: (seq % 5) as u8, body }
}

fn append(log: &mut EventLog) -> Result<u64, EventsError> {
    let Event { time, kind, body, .. } = event(log.acknowledged() + log.waiting() + 1);
    log.append(time, kind, &body)
}

/// The child of the test below; by itself it does nothing.
#[test]
fn child_writes_until_it_is_killed() {
    let (Some(folder), Ok(seed)) = (std::env::var_os(FOLDER), std::env::var(SEED)) else { return };
    let mut random = Random(seed.parse().unwrap());
    let (mut log, _) = EventLog::open(Path::new(&folder), SETTINGS).unwrap();
    println!("\nacknowledged {}", log.acknowledged());
    loop {
        // A write of some length is the likelier to be cut.
        let count = if random.below(3) == 0 { 8_000 } else { 1 + random.below(150) };
        for _ in 0..count {
            append(&mut log).unwrap();
        }
        println!("acknowledged {}", log.flush().unwrap());
    }
}

#[test]
fn a_hundred_times_killed_it_has_all_that_was_acknowledged_and_nothing_torn() {
    const ROUNDS: u64 = 100;
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random(0x6e69_6768_746a_6172);
    let (mut newest, mut torn, mut moved) = (0, 0, 0);
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_writes_until_it_is_killed", "--nocapture"])
            .env(FOLDER, folder.path())
            .env(SEED, (random.below(1 << 40) + 1).to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let acknowledged = |line: String| line.strip_prefix("acknowledged ")?.parse::<u64>().ok();
        let first = lines.by_ref().map_while(Result::ok).find_map(acknowledged).expect("the child writes");
        let rest = thread::spawn(move || lines.map_while(Result::ok).filter_map(acknowledged).last());
        thread::sleep(Duration::from_micros(random.below(25_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        let told = rest.join().unwrap().unwrap_or(first).max(newest);

        let (log, damage) = EventLog::open(folder.path(), SETTINGS).unwrap();
        assert!(damage.iter().all(|damage| damage.lost.is_none()), "round {round}: {damage:?}");
        torn += damage.len();
        assert!(log.acknowledged() >= told, "round {round}: {told} was acknowledged, {} is there", log.acknowledged());
        moved += u64::from(log.acknowledged() > newest);
        newest = log.acknowledged();
        check(&log, round);
    }
    eprintln!("{newest} events, {torn} torn ends");
    assert!(moved > ROUNDS / 2, "the children had time to write in {moved} rounds");
}

/// All events from the first that is kept on are there, each once, and as they were written.
fn check(log: &EventLog, round: u64) {
    let mut reader = Reader::of(log, 0);
    let mut next = 1;
    loop {
        let part = reader.read(usize::MAX).unwrap();
        for gap in part.gaps {
            assert_eq!((gap.first, gap.last, gap.reason.as_str()), (1, part.first_available - 1, gap::EXPIRED));
            next = part.first_available;
        }
        for found in part.events {
            assert_eq!(found, event(next), "round {round}");
            next += 1;
        }
        if part.caught_up {
            assert_eq!(next, log.acknowledged() + 1, "round {round}");
            return;
        }
    }
}

/// A small disk in memory, and a file that fills it.
struct SmallDisk {
    folder: tempfile::TempDir,
}

impl SmallDisk {
    /// `None` where rights are missing.
    fn new() -> Option<SmallDisk> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"])
            .arg(folder.path())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        if !mounted {
            eprintln!("skipped: no small disk can be mounted (as root only)");
            return None;
        }
        Some(SmallDisk { folder })
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("events")
    }

    fn filler(&self) -> PathBuf {
        self.folder.path().join("filler")
    }

    /// Leaves no room but for some pages.
    fn fill(&self, but_for: u64) {
        let (mut file, mut size) = (fs::File::create(self.filler()).unwrap(), 0);
        while file.write_all(&[1; 4096]).is_ok() {
            size += 4096;
        }
        file.set_len(size - but_for * 4096).unwrap();
    }

    fn make_room(&self) {
        fs::remove_file(self.filler()).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.folder.path()).status();
    }
}

#[test]
fn a_full_disk_loses_nothing_that_was_acknowledged_and_is_recovered_from() {
    let Some(disk) = SmallDisk::new() else { return };
    let (mut log, _) = EventLog::open(&disk.log(), UNBOUNDED).unwrap();
    for _ in 0..50 {
        append(&mut log).unwrap();
    }
    assert_eq!(log.flush().unwrap(), 50);
    for pages in [0, 1, 2] {
        disk.fill(pages);
        let before = log.acknowledged();
        let error = loop {
            append(&mut log).unwrap();
            match log.flush() {
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        let words = error.to_string();
        assert!(words.contains(".events: cannot be written: No space left"), "{words}");
        assert!(log.acknowledged() >= before);
        check(&log, pages);
        // They wait, as long as there is memory for them, and then are refused.
        let refused = loop {
            match append(&mut log) {
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        assert!(matches!(&refused, EventsError::Full { path, .. } if path.starts_with(disk.log())), "{refused}");
        let (count, fault) = Events::disk(&log).refused();
        assert_eq!((count, fault), (pages + 1, words));
        assert!(log.flush().is_err());
        let waiting = log.waiting();
        disk.make_room();
        assert_eq!(log.flush().unwrap(), before.max(log.acknowledged()));
        assert!(log.acknowledged() >= before + waiting);
        assert_eq!(Events::disk(&log).refused().1, "");
        check(&log, pages);
    }
    let acknowledged = log.acknowledged();
    drop(log);
    let (log, damage) = EventLog::open(&disk.log(), UNBOUNDED).unwrap();
    assert_eq!((damage, log.acknowledged()), (Vec::new(), acknowledged));
}

#[test]
fn while_a_disk_is_full_the_sensor_goes_on_and_counts_what_it_drops() {
    let Some(disk) = SmallDisk::new() else { return };
    let (log, _) = EventLog::open(&disk.log(), UNBOUNDED).unwrap();
    disk.fill(0);
    let writer = Writer::start(log);
    let events = writer.events();
    let started = Instant::now();
    for _ in 0..6000 {
        writer.append(0, 1, vec![7; 1024], true);
    }
    assert!(started.elapsed() < PATIENCE);
    wait_until(|| events.refused().0 > 1000);
    let (_, fault) = events.refused();
    assert!(fault.contains("No space left"), "{fault}");
    disk.make_room();
    wait_until(|| events.refused().1.is_empty());
    let (dropped, _) = events.refused();
    writer.append(0, 2, b"after".to_vec(), true);
    writer.finish(PATIENCE);
    let mut cursor = events.after(*events.changes().borrow() - 1);
    let part = cursor.read(usize::MAX).unwrap();
    assert_eq!((part.events.len(), part.last), (1, 6000 - dropped + 1), "each is kept or counted");
    assert_eq!(part.events[0].body, b"after");
}

fn wait_until(mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "in time");
        thread::sleep(Duration::from_millis(5));
    }
}

/// The child of the test below, whose files may not grow past some size.
#[test]
fn child_writes_files_of_a_limit() {
    let (Some(folder), Err(_)) = (std::env::var_os(FOLDER), std::env::var(SEED)) else { return };
    let settings = Settings { segment: 1 << 30, total: 1 << 30 };
    let (mut log, _) = EventLog::open(Path::new(&folder), settings).unwrap();
    let error = loop {
        append(&mut log).unwrap();
        match log.flush() {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    check(&log, 0);
    println!("\nacknowledged {} {error}", log.acknowledged());
}

#[test]
fn a_file_that_may_not_grow_is_named_and_keeps_what_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    // The signal is left to the error that comes with it.
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 64; exec \"$0\" --exact child_writes_files_of_a_limit --nocapture"])
        .arg(std::env::current_exe().unwrap())
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text} {}", String::from_utf8_lossy(&output.stderr));
    let line = text.lines().find_map(|line| line.strip_prefix("acknowledged ")).expect("how far it came");
    assert!(line.contains("00000000000000000001.events: cannot be written: File too large"), "{line}");
    let acknowledged: u64 = line.split(' ').next().unwrap().parse().unwrap();
    let (log, damage) = EventLog::open(folder.path(), SETTINGS).unwrap();
    assert_eq!((log.acknowledged(), damage), (acknowledged, Vec::new()));
    assert!(acknowledged > 50);
    check(&log, 0);
}
