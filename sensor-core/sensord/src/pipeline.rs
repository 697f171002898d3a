//! One thread owns the engine: it takes batches from a source and, between batches, answers the queries of viewers.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded, never, select, tick};
use sensor_core::engine::{Config, MidstreamPolicy};
use sensor_core::{Engine, Frame};
use sensor_wire::RowId;
use sensor_wire::host::Hosts;
use sensor_wire::live::{CaptureStatus, Live, SourceState, Status};
use sensor_wire::request::{FlowsAnswer, ValueColumn, ValuesAnswer};
use tokio::sync::{Notify, oneshot, watch};

use crate::capture::file::{CaptureError, CaptureReader};
use crate::capture::live::{self, LiveCapture, LiveError, Tally};
use crate::capture::{Batch, FrameMeta};
use crate::crew::{Crew, Done, Effort, Gathered, Merged, Output, Task};
use crate::packets::Packets;
use crate::rules::Book;
use crate::store::events::Events;

/// A question to the thread that owns the engine. Dropping the receiver of `reply` cancels.
#[derive(Debug)]
pub enum Query {
    /// What changed after `after`: at most `budget` rows, and [`Live::seq`] to go on from. Answered at once, with no
    /// rows when nothing changed.
    Live {
        /// The `seq` of the last answer; 0 for everything.
        after: u64,
        /// Rows wanted at most.
        budget: usize,
        /// Where the answer goes.
        reply: oneshot::Sender<Live>,
    },
    /// Flows of a row.
    Flows {
        /// Which row.
        row: RowId,
        /// Flows to pass over.
        offset: u32,
        /// Flows wanted at most.
        limit: u32,
        /// Where the answer goes.
        reply: oneshot::Sender<FlowsAnswer>,
    },
    /// All unique values of a column of a row (the server cuts the answer in parts).
    Values {
        /// Which row.
        row: RowId,
        /// Which column.
        column: ValueColumn,
        /// Where the answer goes.
        reply: oneshot::Sender<ValuesAnswer>,
    },
    /// Hosts that changed after `after`: at most `budget`. Answered at once, with none when nothing changed.
    Hosts {
        /// The `seq` of the last answer; 0 for all.
        after: u64,
        /// Hosts wanted at most.
        budget: usize,
        /// Where the answer goes.
        reply: oneshot::Sender<Hosts>,
    },
    /// Run other rules from the next packet on.
    SetRules {
        /// Which.
        book: Arc<Book>,
        /// Told when they run.
        reply: oneshot::Sender<()>,
    },
    /// Stop reading the source.
    Stop {
        /// Where the answer goes.
        reply: oneshot::Sender<()>,
    },
}

/// How the link server reaches the pipeline. The channel is bounded; the pipeline answers within a batch's time.
#[derive(Clone, Debug)]
pub struct Handle {
    /// Queries; bounded.
    pub queries: Sender<Query>,
    /// A viewer was told that the source has ended, with the last rows.
    pub told: Arc<Notify>,
    /// The rules that run, once there are any.
    pub book: Arc<watch::Sender<Option<Arc<Book>>>>,
    /// Packets that can be looked at once more.
    pub packets: Arc<Packets>,
    /// Events that were recorded.
    pub events: Events,
}

impl Handle {
    /// Over a bounded channel, without rules so far and without packets to look at again.
    pub fn new(queries: Sender<Query>) -> Handle {
        let (told, packets) = (Arc::default(), Arc::default());
        Handle { queries, told, book: Arc::new(watch::channel(None).0), packets, events: Events::default() }
    }

    /// The rules that run; waits for the first ones.
    pub async fn book(&self) -> Arc<Book> {
        let mut book = self.book.subscribe();
        let book = book.wait_for(Option::is_some).await.ok();
        book.and_then(|book| book.clone()).unwrap_or_default()
    }

    /// They are others now.
    pub fn set_book(&self, book: Arc<Book>) {
        self.book.send_replace(Some(book));
    }
}

/// A handle and the end the pipeline reads.
pub fn queries() -> (Handle, Receiver<Query>) {
    let (queries, receiver) = bounded(QUERIES);
    (Handle::new(queries), receiver)
}

/// What a source sends to the pipeline. Replay blocks when the channel is full: nothing is dropped.
#[derive(Debug)]
enum Message {
    /// Frames, and how much of the file was read for them.
    Batch(Batch, u64),
    /// The end, or the damage.
    End(Result<(), CaptureError>),
}

/// Why a source could not be read, or not to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// Of a capture file.
    #[error(transparent)]
    File(#[from] CaptureError),
    /// Of an interface.
    #[error(transparent)]
    Live(#[from] LiveError),
}

/// Feeds a source to the engine and keeps its status.
#[derive(Debug)]
pub struct Pipeline<S> {
    engine: Engine,
    sink: S,
    status: Status,
    tally: Option<Arc<Tally>>,
    pace: Option<Pace>,
    error: Option<SourceError>,
    /// Who runs rules where the engine doesn't.
    crew: Option<Crew>,
}

impl<S: Output> Pipeline<S> {
    /// A pipeline over an engine. `speed` replays at that multiple of the packets' own time; `None` at full speed.
    pub fn new(engine: Engine, sink: S, speed: Option<f64>) -> Pipeline<S> {
        let pace = speed.map(|speed| Pace { speed, origin: None });
        Pipeline { engine, sink, status: Status::default(), tally: None, pace, error: None, crew: None }
    }

    /// The same with so many workers to run rules and parse messages, where they can be shared: see [`one_thread`].
    pub fn with_workers(config: Config, sink: S, speed: Option<f64>, workers: u32) -> Pipeline<S> {
        if workers < 2 || speed.is_some() || one_thread(&config).is_some() {
            return Pipeline::new(Engine::new(config), sink, speed);
        }
        let crew = Crew::start(&config, workers, &sink.wants(), sink.wants_events());
        let mut pipeline = Pipeline::new(Engine::new(Crew::books(config)), sink, None);
        pipeline.crew = Some(crew);
        pipeline
    }

    /// Answers until rules have been set: no packet is to be read before. False where it is not to go on: it was stopped,
    /// or nobody is left who could set any.
    pub fn await_rules(&mut self, queries: &Receiver<Query>) -> bool {
        while let Ok(query) = queries.recv() {
            let sets = matches!(query, Query::SetRules { .. });
            if self.answer(query) {
                self.status.state = SourceState::Stopped;
                return false;
            }
            if sets {
                return true;
            }
        }
        false
    }

    /// Reads the capture to its end, or until it is stopped, answering `queries` on the way. `progress` hears bytes
    /// read and bytes in all after each batch.
    pub fn replay(
        &mut self,
        reader: CaptureReader,
        queries: Option<&Receiver<Query>>,
        mut progress: impl FnMut(u64, u64),
    ) {
        let total = reader.progress().1;
        self.status.bytes_total = total;
        self.status.state = SourceState::Running;
        let (batches, recycle) = read_ahead(reader);
        let (no_queries, no_batches) = (never(), never());
        let queries = queries.unwrap_or(&no_queries);
        let mut asking = true;
        let done = self.crew.as_ref().map_or_else(never, Crew::done);
        // The reader is gone when it has come to its end: then nothing is recycled any more.
        let mut settled = |batch: Option<Batch>, read| {
            progress(read, total);
            batch.map(|batch| recycle.try_send(batch));
        };
        let ended = loop {
            let full = self.crew.as_ref().is_some_and(Crew::is_full);
            let message = select! {
                recv(if full { &no_batches } else { &batches }) -> message => message,
                recv(done) -> done => {
                    self.hear(done.ok(), &mut settled);
                    continue;
                }
                recv(if asking { queries } else { &no_queries }) -> query => {
                    match query {
                        Ok(query) => if self.answer(query) { break None; },
                        Err(_) => asking = false,
                    }
                    continue;
                }
            };
            match message {
                Ok(Message::Batch(batch, read)) => {
                    if let Some(crew) = &mut self.crew {
                        crew.send(Task::Batch(Arc::new(batch), read));
                        continue;
                    }
                    let stopped = self.ingest(&batch, if asking { Some(queries) } else { None });
                    self.status.bytes_read = read;
                    settled(Some(batch), read);
                    if stopped {
                        break None;
                    }
                }
                Ok(Message::End(result)) => break Some(result),
                Err(_) => break Some(Ok(())),
            }
        };
        self.finish(&mut settled);
        match ended {
            None => self.status.state = SourceState::Stopped,
            Some(Ok(())) => self.status.state = SourceState::Ended,
            Some(Err(error)) => self.fail(error),
        }
    }

    /// Captures until it is stopped or the interface goes away, answering `queries` on the way. `about` is what the
    /// status says of the capture. `now_and_then` is called four times a second with the sink, to flush it; false ends
    /// the capture.
    pub fn capture(
        &mut self,
        capture: LiveCapture,
        about: CaptureStatus,
        queries: &Receiver<Query>,
        mut now_and_then: impl FnMut(&mut S) -> bool,
    ) {
        self.status.capture = Some(about);
        self.status.state = SourceState::Running;
        let feed = capture.start();
        self.tally = Some(Arc::clone(&feed.tally));
        let ticks = tick(NOW_AND_THEN);
        let (nobody, no_messages) = (never(), never());
        let mut queries = queries;
        let done = self.crew.as_ref().map_or_else(never, Crew::done);
        let mut settled = |batch: Option<Batch>, _| batch.into_iter().for_each(|batch| feed.recycle(batch));
        let ended = loop {
            let full = self.crew.as_ref().is_some_and(Crew::is_full);
            select! {
                recv(if full { &no_messages } else { &feed.messages }) -> message => match (message, &mut self.crew) {
                    (Ok(live::Message::Batch(batch)), Some(crew)) => crew.send(Task::Batch(Arc::new(batch), 0)),
                    (Ok(live::Message::Idle(time)), Some(crew)) => crew.send(Task::Tick(time)),
                    (Ok(live::Message::Batch(batch)), None) => {
                        let frames = batch.frames.iter().map(|meta| frame(&batch, meta));
                        self.engine.ingest(frames, &mut self.sink);
                        settled(Some(batch), 0);
                    }
                    (Ok(live::Message::Idle(time)), None) => self.engine.tick(time, &mut self.sink),
                    (Ok(live::Message::End(ended)), _) => break ended,
                    (Err(_), _) => break Ok(()),
                },
                recv(done) -> done => self.hear(done.ok(), &mut settled),
                recv(queries) -> query => match query {
                    // What is still in the kernel's buffer comes before the end.
                    Ok(query) => if self.answer(query) { feed.tally.stop() },
                    Err(_) => queries = &nobody,
                },
                recv(ticks) -> _ => if !now_and_then(&mut self.sink) { feed.tally.stop() },
            }
        };
        self.finish(&mut settled);
        match ended {
            Ok(()) => self.status.state = SourceState::Stopped,
            Err(error) => {
                let about = self.status.capture.take().unwrap_or_default();
                self.fail_live(error, about);
            }
        }
    }

    /// A source that could not be opened, or not be read further: its error is told.
    pub fn fail(&mut self, error: impl Into<SourceError>) {
        let error = error.into();
        self.status.state = SourceState::Failed(error.to_string());
        self.error = Some(error);
    }

    /// The same for an interface: what to do about it is told too.
    pub fn fail_live(&mut self, error: LiveError, about: CaptureStatus) {
        self.status.capture = Some(CaptureStatus { failure: Some(error.failure()), ..about });
        self.fail(error);
    }

    /// Goes on answering after the source has ended, until every [`Handle`] is gone.
    pub fn answer_until_gone(&mut self, queries: &Receiver<Query>) {
        while let Ok(query) = queries.recv() {
            self.answer(query);
        }
    }

    /// The same until `over` is disconnected, whoever else still has a [`Handle`].
    pub fn answer_until(&mut self, queries: &Receiver<Query>, over: &Receiver<()>) {
        loop {
            select! {
                recv(queries) -> query => match query {
                    Ok(query) => { self.answer(query); }
                    Err(_) => return,
                },
                recv(over) -> word => if word.is_err() { return },
            }
        }
    }

    /// The engine, to ask it for rows and counters.
    pub fn engine(&mut self) -> &mut Engine {
        &mut self.engine
    }

    /// The sink.
    pub fn sink(&mut self) -> &mut S {
        &mut self.sink
    }

    /// Why the source was not read to its end.
    pub fn take_error(&mut self) -> Option<SourceError> {
        self.error.take()
    }

    /// Counters and state, as viewers see them.
    pub fn status(&self) -> Status {
        let stats = self.engine.stats();
        let (rows, rows_evicted) = self.engine.rows();
        // What the sensor left out for want of room stands with what it could not decode.
        let hosts = self.engine.discovery().map(|discovery| discovery.assets.stats()).unwrap_or_default();
        let effort = self.crew.as_ref().map_or_else(|| Effort::of(&self.engine), Crew::effort);
        let own = [
            ("sensor.inspections_refused", self.engine.inspections_refused()),
            ("sensor.detection_refused", effort.detection_refused),
            ("sensor.expressions_given_up", effort.expressions_given_up),
            ("sensor.looks_given_up", effort.looks_given_up),
            ("sensor.alerts_refused", self.engine.alerts_refused()),
            ("sensor.flows_unparsed", effort.flows_unparsed),
            ("sensor.openings_refused", self.engine.openings_refused()),
            ("sensor.flow_emergencies", self.engine.flow_emergencies()),
            ("sensor.hosts_evicted", hosts.hosts_evicted),
        ];
        let own = own.into_iter().filter(|(_, n)| *n > 0);
        let mut capture = self.status.capture.clone();
        if let (Some(capture), Some(tally)) = (&mut capture, &self.tally) {
            tally.fill(capture);
        }
        let drops = capture.as_ref().map_or(0, |c| c.kernel_drops + c.interface_drops + c.queue_drops);
        Status {
            packet_time: stats.newest,
            first_packet_time: stats.first.unwrap_or(0),
            packets: stats.packets,
            bytes_read: if capture.is_some() { stats.wire_bytes } else { self.status.bytes_read },
            flows: stats.flows,
            open_flows: self.engine.open_flows() as u64,
            rows: rows as u64,
            rows_evicted,
            flows_forced: self.engine.flows_forced(),
            anomalies: stats.anomalies.ranked().into_iter().chain(own).map(|(name, n)| (name.to_owned(), n)).collect(),
            drops,
            capture,
            ..self.status.clone()
        }
    }

    /// Takes in a batch, at its pace; answers queries while it waits. True when it was stopped.
    fn ingest(&mut self, batch: &Batch, queries: Option<&Receiver<Query>>) -> bool {
        let frame = |meta| frame(batch, meta);
        if self.pace.is_none() {
            self.engine.ingest(batch.frames.iter().map(frame), &mut self.sink);
            while let Some(query) = queries.and_then(|q| q.try_recv().ok()) {
                if self.answer(query) {
                    return true;
                }
            }
            return false;
        }
        let mut rest = batch.frames.as_slice();
        while let Some(first) = rest.first() {
            let wait = self.pace.as_mut().map_or(Duration::ZERO, |pace| pace.wait(first.time));
            if wait.is_zero() {
                let (now, later) = rest.split_at(1);
                self.engine.ingest(now.iter().map(frame), &mut self.sink);
                rest = later;
            } else if queries.is_none() {
                thread::sleep(wait);
            }
            if let Some(queries) = queries {
                let query = if wait.is_zero() {
                    queries.try_recv().map_err(|e| e == TryRecvError::Disconnected)
                } else {
                    queries.recv_timeout(wait).map_err(|e| e.is_disconnected())
                };
                let stop = match query {
                    Ok(query) => self.answer(query),
                    // Nobody is left to ask or to see: a paced replay has no use any more.
                    Err(gone) => gone,
                };
                if stop {
                    return true;
                }
            }
        }
        false
    }

    /// The source has ended.
    fn finish(&mut self, settled: &mut impl FnMut(Option<Batch>, u64)) {
        match &mut self.crew {
            Some(crew) => {
                crew.send(Task::Finish);
                self.drain(settled);
            }
            None => self.engine.finish(&mut self.sink),
        }
    }

    /// Waits until the workers have done all they were given.
    fn drain(&mut self, settled: &mut impl FnMut(Option<Batch>, u64)) {
        while let Some(crew) = self.crew.as_ref().filter(|crew| !crew.is_idle()) {
            let done = crew.done().recv().ok();
            self.hear(done, settled);
        }
    }

    /// A worker has done a task: goes through those that all have done. `settled` gets batches that nobody needs any more,
    /// and how much of the capture was read for them.
    fn hear(&mut self, done: Option<Done>, settled: &mut impl FnMut(Option<Batch>, u64)) {
        let Some(crew) = &mut self.crew else { return };
        done.into_iter().for_each(|done| crew.hear(done));
        while let Some((task, mut gathered)) = self.crew.as_mut().and_then(Crew::next_done) {
            self.settle(task, &mut gathered, settled);
            if let Some(crew) = &mut self.crew {
                crew.recycle(gathered);
            }
        }
    }

    /// Goes through a task that all workers have done.
    fn settle(&mut self, task: Task, gathered: &mut Gathered, settled: &mut impl FnMut(Option<Batch>, u64)) {
        let Pipeline { crew: Some(crew), engine, sink, status, .. } = self else { return };
        engine.heed(crew.judge(gathered));
        let mut merged = Merged::new(sink, gathered);
        match task {
            Task::Batch(batch, read) => {
                engine.ingest(batch.frames.iter().map(|meta| frame(&batch, meta)), &mut merged);
                status.bytes_read = read;
                merged.finish();
                settled(Arc::into_inner(batch), read);
            }
            Task::Tick(time) => {
                engine.tick(time, &mut merged);
                merged.finish();
            }
            Task::Finish => {
                engine.finish(&mut merged);
                merged.finish();
            }
            Task::Rules(book, reply) => {
                merged.finish();
                crew.set_rules(Arc::clone(&book.rules));
                engine.set_ruleset(Arc::clone(&book.set), sink);
                let _ = reply.send(());
            }
        }
    }

    /// Answers a query; true when it asks to stop. A viewer that no longer waits for its answer is no fault.
    fn answer(&mut self, query: Query) -> bool {
        match query {
            Query::Live { after, budget, reply } => {
                let delta = self.engine.changed_after(after, budget);
                let mut status = self.status();
                // More rows follow: a viewer hears of the end with the last of them, not before.
                if delta.rows.len() == budget && status.state != SourceState::Starting {
                    status.state = SourceState::Running;
                }
                let live =
                    Live { seq: delta.seq, rows: delta.rows, removed: delta.removed, reset: delta.reset, status };
                let _ = reply.send(live);
            }
            Query::Flows { row, offset, limit, reply } => {
                let _ = reply.send(self.engine.flows(row, offset, limit));
            }
            Query::Values { row, column, reply } => {
                let _ = reply.send(self.engine.values(row, column));
            }
            Query::Hosts { after, budget, reply } => {
                let hosts = self.engine.discovery().map(|discovery| discovery.changed_after(after, budget));
                let _ = reply.send(hosts.unwrap_or_default());
            }
            Query::SetRules { book, reply } if self.crew.is_some() => {
                if let Some(crew) = &mut self.crew {
                    crew.send(Task::Rules(book, reply));
                }
                self.drain(&mut |_, _| ());
            }
            Query::SetRules { book, reply } => {
                self.engine.set_rules(Arc::clone(&book.rules), Arc::clone(&book.set), &mut self.sink);
                let _ = reply.send(());
            }
            Query::Stop { reply } => {
                let _ = reply.send(());
                return true;
            }
        }
        false
    }
}

/// Why one thread has to look at all flows, where it has to.
#[must_use]
pub fn one_thread(config: &Config) -> Option<String> {
    if config.inline {
        return Some("what is dropped depends on what was dropped before".into());
    }
    if config.midstream_policy != MidstreamPolicy::Ignore {
        return Some("stream.midstream-policy is set".into());
    }
    let (rule, reason) = config.rules.as_ref()?.obstacles().next()?;
    Some(format!("rule {}:{}: {reason}", rule.gid, rule.sid))
}

/// What the engine takes of a batch.
pub(crate) fn frame<'a>(batch: &'a Batch, meta: &FrameMeta) -> Frame<'a> {
    let data = batch.arena.get(meta.offset as usize..).and_then(|d| d.get(..meta.captured as usize));
    Frame { time: meta.time, link: meta.link, wire: meta.wire, data: data.unwrap_or_default() }
}

/// Keeps packets to the time between them, divided by the speed.
#[derive(Debug)]
struct Pace {
    speed: f64,
    origin: Option<(i64, Instant)>,
}

impl Pace {
    /// How long until a packet is due.
    #[expect(clippy::disallowed_methods, reason = "a pace is a matter of the wall clock; the engine never sees it")]
    fn wait(&mut self, time: i64) -> Duration {
        let (first, start) = *self.origin.get_or_insert_with(|| (time, Instant::now()));
        let since = (time.saturating_sub(first)).max(0) as f64 / self.speed;
        Duration::from_nanos(since as u64).saturating_sub(start.elapsed())
    }
}

/// Reads a capture on its own thread, a bounded number of batches ahead. Dropping the receiver ends it.
fn read_ahead(mut reader: CaptureReader) -> (Receiver<Message>, Sender<Batch>) {
    let (send, receive) = bounded(BATCHES);
    let (recycle, empty) = bounded::<Batch>(BATCHES);
    thread::spawn(move || {
        loop {
            let mut batch = empty.try_recv().unwrap_or_default();
            let message = match reader.fill(&mut batch) {
                Ok(true) => Message::Batch(batch, reader.progress().0),
                Ok(false) => Message::End(Ok(())),
                Err(error) => Message::End(Err(error)),
            };
            let last = matches!(message, Message::End(_));
            if send.send(message).is_err() || last {
                return;
            }
        }
    });
    (receive, recycle)
}

/// Batches on their way from the reader; 256 KiB each. Few, so that they stay in the cache.
const BATCHES: usize = 8;

/// How often a live capture's output is flushed.
const NOW_AND_THEN: Duration = Duration::from_millis(250);

/// Queries that wait.
const QUERIES: usize = 64;

#[cfg(test)]
mod tests {
    use std::path::Path;

    use sensor_core::engine::Config;

    use super::*;

    fn live(pipeline: &mut Pipeline<()>, after: u64, budget: usize) -> Live {
        let (reply, mut answer) = oneshot::channel();
        assert!(!pipeline.answer(Query::Live { after, budget, reply }));
        answer.try_recv().unwrap()
    }

    /// Rules are compiled beside the packets and swapped between them, time and again while the capture is read.
    #[test]
    fn rules_that_are_swapped_during_a_replay_lose_no_packet_and_no_flow() {
        let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/sample.pcap");
        let mut still = Pipeline::new(Engine::new(Config::default()), (), None);
        still.replay(CaptureReader::open(&sample).unwrap(), None, |_, _| {});
        let mut many = String::new();
        for sid in 1..=32_000 {
            many +=
                &format!("alert tcp any any -> any any (msg:\"{sid}\"; content:\"no such bytes {sid}\"; sid:{sid};)\n");
        }
        let (handle, queries) = queries();
        let mut pipeline = Pipeline::new(Engine::new(Config::default()), (), Some(1000.0));
        let reloads = thread::spawn(move || {
            let mut swapped = 0;
            for round in 0..3 {
                let setup = sensor_wire::rules::RuleSetup { starter: round == 2, ..Default::default() };
                let many = many.clone();
                let book = Arc::new(Book::load(&setup, |set| {
                    set.read("many.rules", many.as_bytes());
                    Vec::new()
                }));
                assert_eq!(book.rules.rules().len(), if round == 2 { 32_000 + 24 } else { 32_000 });
                let (reply, done) = oneshot::channel();
                handle.queries.send(Query::SetRules { book, reply }).unwrap();
                done.blocking_recv().unwrap();
                swapped += 1;
            }
            swapped
        });
        pipeline.replay(CaptureReader::open(&sample).unwrap(), Some(&queries), |_, _| {});
        pipeline.answer_until_gone(&queries);
        assert_eq!(reloads.join().unwrap(), 3);
        let (status, wanted) = (pipeline.status(), still.status());
        assert_eq!((status.packets, status.flows), (wanted.packets, wanted.flows));
    }

    #[test]
    fn regression_the_end_is_told_with_the_last_rows_and_not_before() {
        let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/sample.pcap");
        let mut pipeline = Pipeline::new(Engine::new(Config::default()), (), None);
        pipeline.replay(CaptureReader::open(&sample).unwrap(), None, |_, _| {});
        let total = pipeline.status().rows as usize;
        let (mut seq, mut rows, mut answers) = (0, 0, 0);
        loop {
            let answer = live(&mut pipeline, seq, 20);
            (seq, rows, answers) = (answer.seq, rows + answer.rows.len(), answers + 1);
            if answer.status.state == SourceState::Ended {
                break;
            }
            assert_eq!(answer.rows.len(), 20);
        }
        assert_eq!(rows, total);
        assert_eq!(answers, total / 20 + 1);
    }
}
