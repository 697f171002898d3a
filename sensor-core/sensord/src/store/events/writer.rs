//! Writes a log on a thread of its own, so that the thread of the packets never waits for a disk.

use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};
use sensor_wire::Timestamp;

use super::{EventLog, Events};

/// The way to a log's thread; cheap to clone. The thread ends once all are gone, and flushes before.
#[derive(Clone, Debug)]
pub struct Writer {
    tasks: Sender<Task>,
    events: Events,
}

#[derive(Debug)]
enum Task {
    Append { time: Timestamp, kind: u8, body: Vec<u8> },
    Flush(Sender<()>),
}

impl Writer {
    /// Starts the thread.
    pub fn start(log: EventLog) -> Writer {
        let (tasks, received) = bounded(QUEUE);
        let events = Events::disk(&log);
        thread::spawn(move || Writing { log, waiting: 0, failed: false }.run(&received));
        Writer { tasks, events }
    }

    /// Where what is written is read.
    pub fn events(&self) -> Events {
        self.events.clone()
    }

    /// Takes an event. While the thread is behind by a whole queue it waits if it may, else the event is counted as
    /// refused.
    pub fn append(&self, time: Timestamp, kind: u8, body: Vec<u8>, may_wait: bool) {
        let task = Task::Append { time, kind, body };
        let sent = if may_wait {
            self.tasks.send(task).is_ok()
        } else {
            match self.tasks.try_send(task) {
                Ok(()) => true,
                Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => false,
            }
        };
        if !sent {
            self.events.refuse();
        }
    }

    /// Waits until all that was given is on the disk, or for so long.
    pub fn finish(&self, patience: Duration) {
        let (done, is_done) = bounded(1);
        if self.tasks.send_timeout(Task::Flush(done), patience).is_ok() {
            let _ = is_done.recv_timeout(patience);
        }
    }
}

/// The thread.
struct Writing {
    log: EventLog,
    /// Events since the last flush.
    waiting: usize,
    /// The last flush failed.
    failed: bool,
}

impl Writing {
    #[expect(clippy::disallowed_methods, reason = "how long events wait for a disk is a matter of the wall clock")]
    fn run(mut self, tasks: &Receiver<Task>) {
        let mut due: Option<Instant> = None;
        loop {
            let task = match due {
                Some(due) => tasks.recv_deadline(due),
                None => tasks.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match task {
                Ok(Task::Append { time, kind, body }) => {
                    match self.log.append(time, kind, &body) {
                        Ok(_) => self.waiting += 1,
                        // The log counts it; the first one of a full disk is told by the flush that failed.
                        Err(error) => tracing::debug!(%error, "an event is not recorded"),
                    }
                    let wait = if self.failed { AGAIN } else { GATHER };
                    let due = *due.get_or_insert_with(|| Instant::now() + wait);
                    // A queue that is never empty must not put off what is due.
                    if (self.failed || self.waiting < BATCH) && Instant::now() < due {
                        continue;
                    }
                    self.flush();
                }
                Ok(Task::Flush(done)) => {
                    self.flush();
                    let _ = done.send(());
                }
                Err(RecvTimeoutError::Timeout) => self.flush(),
                Err(RecvTimeoutError::Disconnected) => {
                    self.flush();
                    return;
                }
            }
            due = self.failed.then(|| Instant::now() + AGAIN);
        }
    }

    fn flush(&mut self) {
        match self.log.flush() {
            Ok(acknowledged) => {
                if std::mem::take(&mut self.failed) {
                    tracing::warn!(acknowledged, "events are recorded again");
                }
                self.waiting = 0;
            }
            Err(error) if self.failed => tracing::debug!(%error, "still"),
            Err(error) => {
                tracing::warn!(%error, "events wait, and are lost once no more can wait");
                self.failed = true;
            }
        }
    }
}

/// Events that wait for the thread; some 300 bytes each.
const QUEUE: usize = 4096;

/// Events that are flushed at once, however short they have waited.
const BATCH: usize = 1000;

/// How long the first event of a batch waits for others.
const GATHER: Duration = Duration::from_millis(20);

/// How long until a log that could not be written is tried again.
const AGAIN: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_wait_is_dropped_and_counted_once_the_queue_is_full() {
        let (tasks, received) = bounded(QUEUE);
        let writer = Writer { tasks, events: Events::default() };
        for _ in 0..QUEUE {
            writer.append(0, 1, Vec::new(), false);
        }
        assert_eq!(writer.events().refused().0, 0);
        writer.append(0, 1, Vec::new(), false);
        assert_eq!((writer.events().refused().0, received.len()), (1, QUEUE));
        // A thread that has ended holds nobody up.
        drop(received);
        writer.append(0, 1, Vec::new(), true);
        writer.finish(Duration::from_secs(60));
        assert_eq!(writer.events().refused().0, 2);
    }

    #[test]
    fn events_come_to_the_disk_by_themselves() {
        let folder = tempfile::tempdir().unwrap();
        let log = EventLog::open(folder.path(), Default::default()).unwrap().0;
        let writer = Writer::start(log);
        let changes = writer.events().changes();
        for count in [1, BATCH as u64 + 5] {
            let before = *changes.borrow();
            for _ in 0..count {
                writer.append(0, 1, b"event".to_vec(), true);
            }
            // Nobody flushes: the thread does.
            while *changes.borrow() < before + count {
                thread::yield_now();
            }
        }
        writer.finish(Duration::from_secs(60));
        drop(writer);
    }
}
