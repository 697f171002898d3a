//! Workers: engines on threads of their own that share a capture, as [`sensor_core::share`] has it.
//!
//! Each worker gets every batch and hands back what it found in it, in the order of the frames. Once all have, the
//! thread that keeps the books judges what was found ([`Judge`]) and goes through the batch itself, so that all output
//! comes out in one order, the same for any number of workers. Workers are a bounded number of batches ahead of it.

mod found;

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread;

use crossbeam_channel::{Receiver, Sender, unbounded};
use sensor_core::Engine;
use sensor_core::detect::{self, Judge, Rules};
use sensor_core::engine::Config;
use sensor_core::rules::Ruleset;
use sensor_core::share::{Note, Share};
use sensor_wire::Timestamp;
use tokio::sync::oneshot;

use crate::capture::Batch;
use crate::eve::Types;
use crate::pipeline::frame;
use crate::rules::Book;
pub use found::{Effort, Merged, Output};
use found::{Found, Gatherer, Room, What};

/// Workers, and what they have not done yet.
#[derive(Debug)]
pub struct Crew {
    workers: Vec<Sender<Work>>,
    done: Receiver<Done>,
    pending: VecDeque<Pending>,
    /// Number of the first that is pending.
    first: u64,
    judge: Judge,
    efforts: Vec<Effort>,
    /// Room that was gathered in before.
    spare: Vec<Room>,
}

/// What workers do with one another's frames in step.
#[derive(Debug)]
pub enum Task {
    /// Take frames; and how much of the capture was read for them.
    Batch(Arc<Batch>, u64),
    /// Time goes on without frames.
    Tick(Timestamp),
    /// Run other rules, and tell when they run.
    Rules(Arc<Book>, oneshot::Sender<()>),
    /// The source has ended.
    Finish,
}

#[derive(Debug)]
enum Work {
    Batch(Arc<Batch>, Room),
    Tick(Timestamp),
    Rules(Arc<Rules>, Arc<Ruleset>),
    Finish,
}

/// What a worker did; nothing of what came after a bug.
#[derive(Debug)]
pub struct Done {
    nth: usize,
    task: u64,
    found: Option<Found>,
}

#[derive(Debug)]
struct Pending {
    task: Task,
    found: Vec<Option<Found>>,
}

/// What all workers found in a task, in order.
#[derive(Debug)]
pub struct Gathered {
    found: Vec<Found>,
    order: Vec<Place>,
}

/// Number of the frame, the worker, and the place among what it found.
type Place = (u64, usize, usize);

impl Crew {
    /// `count` workers that run the rules of `config` and parse what it says; events of `types` are wanted of them.
    #[must_use]
    pub fn start(config: &Config, count: u32, types: &Types) -> Crew {
        let (send, done) = unbounded();
        let worker = |nth| {
            let (work, tasks) = unbounded();
            let config =
                Config { share: Some(Share { nth, of: count }), window_ns: None, discover: None, ..config.clone() };
            let last = Last { done: send.clone(), nth: nth as usize };
            let types = types.clone();
            thread::spawn(move || run(config, types, &tasks, &last));
            work
        };
        let settings = detect::Settings { alerts: config.packet_alerts, ..detect::Settings::default() };
        Crew {
            workers: (0..count).map(worker).collect(),
            done,
            pending: VecDeque::new(),
            first: 0,
            judge: Judge::new(config.rules.clone().unwrap_or_default(), settings),
            efforts: vec![Effort::default(); count as usize],
            spare: Vec::new(),
        }
    }

    /// What comes of the books' own engine beside them: it runs no rules and parses nothing.
    #[must_use]
    pub fn books(config: Config) -> Config {
        Config { rules: None, parse: None, ..config }
    }

    /// Tells of tasks that are done; to be given to [`Crew::hear`].
    #[must_use]
    pub fn done(&self) -> Receiver<Done> {
        self.done.clone()
    }

    /// Whether the workers are as far ahead as they may be.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.pending.len() >= AHEAD
    }

    /// Whether nothing is pending.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.pending.is_empty()
    }

    /// Gives all workers a task.
    pub fn send(&mut self, task: Task) {
        for worker in &self.workers {
            let work = match &task {
                Task::Batch(batch, _) => Work::Batch(Arc::clone(batch), self.spare.pop().unwrap_or_default()),
                Task::Tick(time) => Work::Tick(*time),
                Task::Rules(book, _) => Work::Rules(Arc::clone(&book.rules), Arc::clone(&book.set)),
                Task::Finish => Work::Finish,
            };
            // One that is gone has said so: it is heard with the next task that is done.
            let _ = worker.send(work);
        }
        self.pending.push_back(Pending { task, found: self.workers.iter().map(|_| None).collect() });
    }

    /// Takes what a worker did.
    ///
    /// # Panics
    /// The worker did: what it would have found is not known, and rows without it would be wrong.
    pub fn hear(&mut self, done: Done) {
        let Done { nth, task, found } = done;
        let Some(found) = found else { panic!("worker {nth} has failed") };
        if let Some(effort) = self.efforts.get_mut(nth) {
            *effort = found.effort;
        }
        let place = usize::try_from(task - self.first).ok().and_then(|at| self.pending.get_mut(at));
        if let Some(slot) = place.and_then(|pending| pending.found.get_mut(nth)) {
            *slot = Some(found);
        }
    }

    /// The next task that all workers have done, with what they found.
    pub fn next_done(&mut self) -> Option<(Task, Gathered)> {
        let pending = self.pending.pop_front_if(|pending| pending.found.iter().all(Option::is_some))?;
        self.first += 1;
        let found: Vec<Found> = pending.found.into_iter().flatten().collect();
        let places = |(nth, found): (usize, &Found)| {
            found.records.iter().enumerate().map(move |(at, record)| (record.number, nth, at)).collect::<Vec<Place>>()
        };
        let mut order: Vec<Place> = found.iter().enumerate().flat_map(places).collect();
        // What a worker found in a frame stays in its order.
        order.sort_unstable();
        Some((pending.task, Gathered { found, order }))
    }

    /// Judges what was found: what the books have to note of it is returned.
    pub fn judge(&mut self, gathered: &mut Gathered) -> Vec<Note> {
        let Gathered { found, order } = gathered;
        let mut notes = Vec::new();
        for (_, nth, at) in order {
            let Some(record) = found.get_mut(*nth).and_then(|found| found.records.get_mut(*at)) else { continue };
            match record.what {
                What::Lines => {}
                What::Noted(note) => notes.push(note),
                What::Claim(claim, note) => {
                    record.kept = self.judge.judge(&claim);
                    notes.extend(note.filter(|_| record.kept));
                }
            }
        }
        notes
    }

    /// Takes back the room of what was handed on.
    pub fn recycle(&mut self, gathered: Gathered) {
        self.spare.extend(gathered.found.into_iter().map(Found::into_room));
        self.spare.truncate(AHEAD * self.workers.len());
    }

    /// Judges by other rules from here on.
    pub fn set_rules(&mut self, rules: Arc<Rules>) {
        self.judge.replace(rules);
    }

    /// What bounds the workers met so far.
    #[must_use]
    pub fn effort(&self) -> Effort {
        self.efforts.iter().fold(Effort::default(), |sum, effort| sum.plus(effort))
    }
}

/// Says that a worker has ended when it ends by a bug.
struct Last {
    done: Sender<Done>,
    nth: usize,
}

impl Drop for Last {
    fn drop(&mut self) {
        if thread::panicking() {
            let _ = self.done.send(Done { nth: self.nth, task: 0, found: None });
        }
    }
}

/// Does tasks until nobody gives any.
fn run(config: Config, types: Types, tasks: &Receiver<Work>, last: &Last) {
    let mut gatherer = Gatherer::new(types, Arc::clone(&config.ruleset));
    let mut engine = Engine::new(config);
    for (task, work) in (0..).zip(tasks) {
        match work {
            Work::Batch(batch, room) => {
                gatherer.gather_in(room);
                engine.ingest(batch.frames.iter().map(|meta| frame(&batch, meta)), &mut gatherer);
            }
            Work::Tick(time) => engine.tick(time, &mut gatherer),
            Work::Rules(rules, set) => engine.set_rules(rules, set, &mut gatherer),
            Work::Finish => engine.finish(&mut gatherer),
        }
        let found = Some(gatherer.take(Effort::of(&engine)));
        if last.done.send(Done { nth: last.nth, task, found }).is_err() {
            return;
        }
    }
}

/// Batches that workers are ahead of the books: enough for one of them to be busy with a large flow while the others
/// go on.
const AHEAD: usize = 64;
