//! The capture's thread: takes packets out of the kernel's buffer into recycled batches.
//!
//! The kernel's buffer is emptied whatever the engine does. While the engine is behind, batches fill until none is left
//! ([`BATCHES`]); then the newest packets are dropped and counted.

use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use pcap::{Active, Capture, Packet};
use sensor_wire::Timestamp;

use super::tally::KernelSums;
use super::{HOLD_MS, LiveCapture, LiveError, Tally};
use crate::capture::{Batch, FrameMeta};

/// What comes from the capture's thread.
#[derive(Debug)]
pub enum Message {
    /// Packets; give the batch back with [`Feed::recycle`].
    Batch(Batch),
    /// The wire is idle: no packet from before this time will come any more.
    Idle(Timestamp),
    /// The last message.
    End(Result<(), LiveError>),
}

/// A running capture. Dropped, it ends.
#[derive(Debug)]
pub struct Feed {
    /// What was captured.
    pub messages: Receiver<Message>,
    /// Counters, and the way to stop.
    pub tally: Arc<Tally>,
    empty: Sender<Batch>,
}

impl Feed {
    /// Gives a batch back, to be filled again.
    pub fn recycle(&self, batch: Batch) {
        // Never full: it holds as many as there are. The thread is gone after its last message.
        let _ = self.empty.try_send(batch);
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.tally.stop();
    }
}

/// Where the system lets a thread wait for packets and look after other things.
pub(super) fn nonblocking(capture: Capture<Active>) -> Result<Capture<Active>, pcap::Error> {
    if cfg!(target_os = "linux") { capture.setnonblock() } else { Ok(capture) }
}

pub(super) fn start(live: LiveCapture) -> Feed {
    let LiveCapture { capture, link, tally, interface, .. } = live;
    // A place more than batches: an idle time is told only while there is nothing else to take.
    let (send, messages) = bounded(BATCHES + 1);
    let (recycle, empty) = bounded(BATCHES);
    let source = Source { capture, sums: KernelSums::default(), sampled: None, interface };
    let filler = Filler { link, batch: None, made: 0, empty, send, tally: Arc::clone(&tally) };
    thread::spawn(move || run(source, filler));
    Feed { messages, tally, empty: recycle }
}

fn run(mut source: Source, mut filler: Filler) {
    let tally = Arc::clone(&filler.tally);
    let mut told_idle = None;
    let mut stop: Option<Stop> = None;
    let ended = loop {
        if stop.is_none() && tally.is_stopping() {
            stop = Some(Stop { held_until: later(HELD), by: later(LAST_PACKETS) });
        }
        let asked = wall_clock();
        let taken = match source.capture.dispatch(Some(DISPATCH), |packet| filler.take(&packet)) {
            Ok(taken) => taken,
            Err(error) => break Err(LiveError::of_read(tally.interface(), &error)),
        };
        // Fewer than wanted: the kernel's buffer is empty, so nothing is gained by holding a batch back.
        if taken < DISPATCH {
            filler.hand_over();
        }
        source.sample(&tally, taken == 0);
        if stop.as_ref().is_some_and(|stop| is_past(stop.by) || (taken == 0 && is_past(stop.held_until))) {
            break Ok(());
        }
        if taken > 0 {
            continue;
        }
        if told_idle.is_none_or(is_past) {
            told_idle = Some(later(IDLE));
            if source.interface.is_down() {
                let (interface, cause) = (tally.interface().to_owned(), "it was switched off".to_owned());
                break Err(LiveError::Gone { interface, cause });
            }
            filler.idle(asked - MOST_LATE);
        }
        if !source.wait() {
            // The handle is of no use for waiting; a dispatch says why, and ends the loop, or works all the same.
            thread::sleep(WAIT);
        }
    };
    if ended.is_err() {
        source.drain(&mut filler);
    }
    source.sample(&tally, true);
    filler.end(ended);
}

/// The wish to stop, once it was seen.
struct Stop {
    /// Until then the kernel may hold packets back that came before the wish.
    held_until: Instant,
    /// Then it ends, even on a wire that is never idle.
    by: Instant,
}

/// The kernel's side.
struct Source {
    capture: Capture<Active>,
    sums: KernelSums,
    sampled: Option<Instant>,
    interface: Interface,
}

impl Source {
    /// Takes the kernel's counters over, now and then or `at_once`.
    fn sample(&mut self, tally: &Tally, at_once: bool) {
        if !at_once && self.sampled.is_some_and(|next| !is_past(next)) {
            return;
        }
        self.sampled = Some(later(SAMPLE));
        match self.capture.stats() {
            Ok(stats) => self.sums.sample(stats.received, stats.dropped),
            // Of an interface that went away; what was counted last stands.
            Err(error) => tracing::debug!(%error, "no counters"),
        }
        tally.set_kernel(&self.sums);
        tally.set_interface_drops(self.interface.drops());
    }

    /// Takes what the kernel held back when the interface went away.
    fn drain(&mut self, filler: &mut Filler) {
        let until = later(HELD);
        while !is_past(until) {
            // The error was told already; it comes again when nothing is left.
            if self.capture.dispatch(Some(DISPATCH), |packet| filler.take(&packet)).unwrap_or(0) == 0 {
                thread::sleep(HELD / 6);
            }
        }
    }

    /// Waits until there are packets, for [`WAIT`] at most. False if it can't wait.
    #[cfg(target_os = "linux")]
    fn wait(&self) -> bool {
        use std::os::fd::AsFd;

        use nix::errno::Errno;
        use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

        let mut handles = [PollFd::new(self.capture.as_fd(), PollFlags::POLLIN)];
        let timeout = PollTimeout::try_from(WAIT).unwrap_or(PollTimeout::ZERO);
        matches!(poll(&mut handles, timeout), Ok(_) | Err(Errno::EINTR))
    }

    /// The dispatch itself has waited.
    #[cfg(not(target_os = "linux"))]
    fn wait(&self) -> bool {
        true
    }
}

/// The engine's side.
struct Filler {
    link: u16,
    batch: Option<Batch>,
    /// Batches that exist.
    made: usize,
    empty: Receiver<Batch>,
    send: Sender<Message>,
    tally: Arc<Tally>,
}

impl Filler {
    fn take(&mut self, packet: &Packet) {
        let fits = |batch: &Option<Batch>| batch.as_ref().is_none_or(|batch| has_room(batch, packet.data.len()));
        if !fits(&self.batch) {
            self.hand_over();
        }
        if !fits(&self.batch) {
            self.tally.drop_queued(1);
            return;
        }
        let Some(batch) = self.batch.take().or_else(|| self.empty_batch()) else {
            self.tally.drop_queued(1);
            return;
        };
        let batch = self.batch.insert(batch);
        let captured = packet.data.len() as u32;
        batch.frames.push(FrameMeta {
            time: super::time(packet.header),
            offset: batch.arena.len() as u32,
            captured,
            wire: packet.header.len.max(captured),
            link: self.link,
        });
        batch.arena.extend_from_slice(packet.data);
    }

    /// A batch to fill; `None` while the engine has them all.
    fn empty_batch(&mut self) -> Option<Batch> {
        if let Ok(mut batch) = self.empty.try_recv() {
            batch.clear();
            return Some(batch);
        }
        if self.made == BATCHES {
            return None;
        }
        self.made += 1;
        Some(Batch::default())
    }

    /// Gives what is filled to the engine.
    fn hand_over(&mut self) {
        let Some(batch) = self.batch.take() else { return };
        match self.send.try_send(Message::Batch(batch)) {
            Ok(()) => {}
            Err(TrySendError::Full(Message::Batch(batch))) => self.batch = Some(batch),
            // Nobody listens: the capture was dropped.
            Err(_) => self.tally.stop(),
        }
    }

    fn idle(&self, time: Timestamp) {
        if self.send.is_empty() {
            // Another one comes soon.
            let _ = self.send.try_send(Message::Idle(time));
        }
    }

    fn end(&mut self, ended: Result<(), LiveError>) {
        // Here it may wait for the engine. Nobody listens if the capture was dropped.
        if let Some(batch) = self.batch.take() {
            let _ = self.send.send(Message::Batch(batch));
        }
        let _ = self.send.send(Message::End(ended));
    }
}

fn has_room(batch: &Batch, next: usize) -> bool {
    batch.frames.is_empty() || batch.frames.len() < BATCH_FRAMES && batch.arena.len() + next <= BATCH_BYTES
}

/// What Linux tells of the interface in files, which are opened before no file can be opened any more. (libpcap opens
/// the drivers' counters each time, and so counts wrongly then; that an interface was switched off, it passes over.)
#[derive(Debug, Default)]
pub(super) struct Interface {
    flags: Option<File>,
    drops: Vec<File>,
    /// Drops from before the capture.
    before: u64,
}

impl Interface {
    pub(super) fn open(name: &str) -> Interface {
        let mut interface = Interface::default();
        if cfg!(target_os = "linux") {
            let folder = Path::new("/sys/class/net").join(name);
            let drops =
                ["rx_missed_errors", "rx_fifo_errors"].map(|file| File::open(folder.join("statistics").join(file)));
            interface.drops = drops.into_iter().flatten().collect();
            interface.before = interface.drops();
            interface.flags = File::open(folder.join("flags")).ok();
        }
        interface
    }

    /// What the driver lost since the capture began.
    fn drops(&mut self) -> u64 {
        let sum: u64 = self.drops.iter_mut().filter_map(read).filter_map(|text| text.parse::<u64>().ok()).sum();
        sum.saturating_sub(self.before)
    }

    /// It was switched off.
    fn is_down(&mut self) -> bool {
        const IFF_UP: u32 = 1;
        let text = self.flags.as_mut().and_then(read).unwrap_or_default();
        u32::from_str_radix(text.trim_start_matches("0x"), 16).is_ok_and(|flags| flags & IFF_UP == 0)
    }
}

/// `None` of an interface that went away.
fn read(file: &mut File) -> Option<String> {
    let mut text = String::new();
    file.rewind().and_then(|()| file.read_to_string(&mut text)).ok()?;
    Some(text.trim().to_owned())
}

#[expect(clippy::disallowed_methods, reason = "an idle wire: time has to come from the clock that stamps packets")]
fn wall_clock() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::try_from(since.as_nanos()).unwrap_or(Timestamp::MAX)
}

#[expect(
    clippy::disallowed_methods,
    reason = "how often to look is a matter of the wall clock; the engine never sees it"
)]
fn later(by: Duration) -> Instant {
    Instant::now() + by
}

fn is_past(at: Instant) -> bool {
    later(Duration::ZERO) >= at
}

/// Batches there are: 64 of 256 KiB, so 16 MiB at most.
pub(super) const BATCHES: usize = 64;

/// Bytes of a batch; a longer frame has one of its own.
const BATCH_BYTES: usize = 256 << 10;

/// Frames of a batch.
const BATCH_FRAMES: usize = 4096;

/// Packets of one dispatch at most, so that the wish to stop is seen on a busy wire.
const DISPATCH: usize = 4096;

/// How long to wait for packets at a time.
const WAIT: Duration = Duration::from_millis(50);

/// How often an idle wire is told.
const IDLE: Duration = Duration::from_millis(250);

/// How often the kernel's counters are read on a busy wire.
const SAMPLE: Duration = Duration::from_millis(250);

/// How long packets that came before the wish to stop may be held back: [`HOLD_MS`] with room to spare.
const HELD: Duration = Duration::from_millis(3 * HOLD_MS as u64);

/// How long the kernel's buffer is emptied after the wish to stop.
const LAST_PACKETS: Duration = Duration::from_secs(1);

/// How much later than its own time a packet may come out of the kernel's buffer, in nanoseconds: it is held back for
/// 20 ms, and a busy machine may be late with that.
const MOST_LATE: Timestamp = 1_000_000_000;

#[cfg(test)]
mod tests {
    use pcap::PacketHeader;

    use super::*;

    fn filler() -> (Filler, Receiver<Message>, Sender<Batch>) {
        let (send, messages) = bounded(BATCHES + 1);
        let (recycle, empty) = bounded(BATCHES);
        let tally = Arc::new(Tally::new("eth0"));
        (Filler { link: 1, batch: None, made: 0, empty, send, tally }, messages, recycle)
    }

    fn drops(filler: &Filler) -> u64 {
        let mut status = sensor_wire::live::CaptureStatus::default();
        filler.tally.fill(&mut status);
        status.queue_drops
    }

    /// A packet of `len` bytes of which `captured` were, a second and a half after 1970.
    fn take(filler: &mut Filler, captured: usize, len: u32) {
        let fraction = if cfg!(windows) { 500_000 } else { 500_000_000 };
        let ts = libc::timeval { tv_sec: 1, tv_usec: fraction };
        let header = PacketHeader { ts, caplen: captured as u32, len };
        filler.take(&Packet::new(&header, &vec![7; captured]));
    }

    #[test]
    fn while_the_engine_is_behind_the_newest_are_dropped_and_counted() {
        let (mut filler, messages, recycle) = filler();
        // Each fills a batch but for a byte.
        for _ in 0..BATCHES {
            take(&mut filler, BATCH_BYTES - 1, 300_000);
        }
        assert_eq!(drops(&filler), 0);
        for _ in 0..10 {
            take(&mut filler, 100, 100);
        }
        assert_eq!(drops(&filler), 10);
        // No batch is held back, and no idle time is told behind them.
        filler.idle(0);
        assert_eq!(messages.len(), BATCHES);
        let Message::Batch(batch) = messages.recv().unwrap() else { panic!("a batch") };
        let frame = batch.frames[0];
        assert_eq!((frame.time, frame.offset, frame.captured, frame.wire), (1_500_000_000, 0, 262_143, 300_000));
        assert_eq!(batch.arena, vec![7; BATCH_BYTES - 1]);
        // One comes back, and takes packets again.
        recycle.send(batch).unwrap();
        take(&mut filler, 100, 100);
        take(&mut filler, 100, 60);
        assert_eq!(drops(&filler), 10);
        filler.hand_over();
        let last = messages.iter().take(BATCHES).last().unwrap();
        let Message::Batch(batch) = last else { panic!("a batch") };
        assert_eq!(
            batch.frames.iter().map(|f| (f.offset, f.captured, f.wire)).collect::<Vec<_>>(),
            [(0, 100, 100), (100, 100, 100)]
        );
    }

    #[test]
    fn a_batch_has_a_bound_on_its_frames_too() {
        let (mut filler, messages, _recycle) = filler();
        for _ in 0..=BATCH_FRAMES {
            take(&mut filler, 1, 1);
        }
        filler.end(Ok(()));
        let lens: Vec<_> =
            messages.try_iter().map(|m| if let Message::Batch(b) = m { b.frames.len() } else { 0 }).collect();
        assert_eq!(lens, [BATCH_FRAMES, 1, 0]);
    }

    #[test]
    fn an_idle_wire_is_told_when_nothing_waits() {
        let (mut filler, messages, _recycle) = filler();
        filler.idle(1);
        filler.idle(2);
        assert!(matches!(messages.recv().unwrap(), Message::Idle(1)));
        take(&mut filler, 1, 1);
        filler.hand_over();
        filler.idle(3);
        assert!(matches!(messages.recv().unwrap(), Message::Batch(_)));
        assert!(messages.is_empty());
    }
}
