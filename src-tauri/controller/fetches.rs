//! Rules that are fetched: begun and stopped by the user alone, each on a thread of its own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use sensor_wire::view::{RuleFetch, RuleKept, RulePrefs, ViewReply};

use super::{Command, Controller, Gui, now};
use crate::error::AppError;
use crate::rules::fetch::{self, Fetched, Trust};
use crate::rules::shelf::Shelf;

/// Fetches that run at a time.
const AT_ONCE: usize = 4;

/// Time between two words of how far a fetch is.
const APART: Duration = Duration::from_millis(200);

/// Sources that are fetched, and how it stands with each.
#[derive(Debug)]
pub(super) struct Fetches {
    /// What was fetched.
    pub(super) shelf: Arc<Shelf>,
    states: BTreeMap<String, State>,
    begun: u64,
}

#[derive(Debug, Default)]
struct State {
    shown: RuleFetch,
    /// The fetch that runs: its number, and what stops it.
    running: Option<(u64, Arc<AtomicBool>)>,
}

/// What a fetch tells the loop.
#[derive(Debug)]
pub(super) struct News {
    address: String,
    number: u64,
    what: What,
}

#[derive(Debug)]
enum What {
    /// Bytes that came, and how many will.
    Progress(u64, Option<u64>),
    /// It is kept; whether it is another than before.
    Kept(RuleKept, bool),
    /// It failed.
    Failed(AppError),
}

impl Fetches {
    pub(super) fn new(shelf: Shelf, prefs: &RulePrefs) -> Fetches {
        let mut fetches = Fetches { shelf: Arc::new(shelf), states: BTreeMap::new(), begun: 0 };
        fetches.keep_only(prefs);
        fetches
    }

    /// Of sources that are gone nothing is fetched further, and what was is taken away.
    pub(super) fn keep_only(&mut self, prefs: &RulePrefs) {
        let wanted = |address: &str| prefs.sources.iter().any(|source| source.path == address);
        let shelf = Arc::clone(&self.shelf);
        self.states.retain(|address, state| {
            let stays = wanted(address);
            if !stays {
                state.stop();
                shelf.remove(address);
            }
            stays
        });
        for source in prefs.sources.iter().filter(|source| source.is_remote()) {
            self.states.entry(source.path.clone()).or_insert_with(|| State {
                shown: RuleFetch {
                    address: source.path.clone(),
                    kept: shelf.kept(&source.path),
                    ..RuleFetch::default()
                },
                running: None,
            });
        }
    }

    /// How it stands with each, in the order of the sources.
    pub(super) fn shown(&self, prefs: &RulePrefs) -> Vec<RuleFetch> {
        prefs.sources.iter().filter_map(|source| Some(self.states.get(&source.path)?.shown.clone())).collect()
    }
}

impl State {
    fn stop(&mut self) {
        if let Some((_, stop)) = self.running.take() {
            stop.store(true, Ordering::Relaxed);
        }
        self.shown.under_way = None;
    }
}

impl<G: Gui> Controller<G> {
    pub(super) fn fetch_rules(&mut self, address: &str) -> Result<ViewReply, AppError> {
        let running = self.fetches.states.values().filter(|state| state.running.is_some()).count();
        let unknown = || AppError::RulesFetch(format!("{address}: it is no source"));
        let state = self.fetches.states.get_mut(address).ok_or_else(unknown)?;
        if state.running.is_some() {
            return Ok(ViewReply::Done);
        }
        if running >= AT_ONCE {
            return Err(AppError::RulesFetch(format!("{AT_ONCE} others are being fetched: wait for one of them")));
        }
        self.fetches.begun += 1;
        let (number, stop) = (self.fetches.begun, Arc::new(AtomicBool::new(false)));
        let job = Job {
            address: address.to_owned(),
            number,
            known: state.shown.kept.clone(),
            shelf: Arc::clone(&self.fetches.shelf),
            stop: Arc::clone(&stop),
            commands: self.handle.0.clone(),
        };
        // A thread that is left alone: a server that sends nothing would hold up the end of the app.
        thread::Builder::new()
            .name("fetch".into())
            .spawn(move || job.run())
            .map_err(|error| AppError::RulesFetch(error.to_string()))?;
        state.running = Some((number, stop));
        (state.shown.under_way, state.shown.failed) = (Some((0, None)), None);
        self.rules_changed();
        Ok(ViewReply::Done)
    }

    pub(super) fn stop_fetch(&mut self, address: &str) -> Result<ViewReply, AppError> {
        if let Some(state) = self.fetches.states.get_mut(address) {
            state.stop();
            self.rules_changed();
        }
        Ok(ViewReply::Done)
    }

    /// What a fetch says that was stopped in the meantime is dropped.
    pub(super) fn fetch_news(&mut self, news: News) {
        let Some(state) = self.fetches.states.get_mut(&news.address) else { return };
        if state.running.as_ref().is_none_or(|(number, _)| *number != news.number) {
            return;
        }
        let mut fresh = false;
        match news.what {
            What::Progress(bytes, of) => state.shown.under_way = Some((bytes, of)),
            What::Kept(kept, new) => {
                state.stop();
                state.shown.kept = Some(kept);
                fresh = new;
            }
            What::Failed(error) => {
                tracing::warn!(error = error.words(), "fetch");
                state.stop();
                state.shown.failed = Some(error.into());
            }
        }
        self.rules_changed();
        if fresh {
            self.run_rules(None);
        }
    }
}

/// One fetch.
struct Job {
    address: String,
    number: u64,
    known: Option<RuleKept>,
    shelf: Arc<Shelf>,
    stop: Arc<AtomicBool>,
    commands: tokio::sync::mpsc::Sender<Command>,
}

impl Job {
    fn run(self) {
        let what = self.fetched().unwrap_or_else(What::Failed);
        // The loop may have ended: then nobody is left to be told.
        self.commands.blocking_send(self.news(what)).unwrap_or(());
    }

    fn fetched(&self) -> Result<What, AppError> {
        let mut told: Option<Instant> = None;
        let progress = |bytes, of| {
            if told.is_none_or(|told| told.elapsed() >= APART) {
                told = Some(Instant::now());
                // Where the queue is full the next word tells more.
                self.commands.try_send(self.news(What::Progress(bytes, of))).unwrap_or(());
            }
            !self.stop.load(Ordering::Relaxed)
        };
        let fetched = fetch::fetch(&self.address, self.known.as_ref(), &Trust::System, progress)?;
        if self.stop.load(Ordering::Relaxed) {
            return Err(AppError::RulesFetch(format!("{}: it was stopped", self.address)));
        }
        let (kept, fresh) = match (fetched, &self.known) {
            (Fetched::New(bytes, kept), _) => {
                let at = now();
                let kept = RuleKept { fetched: at, looked: at, ..kept };
                let failed = |error: std::io::Error| AppError::RulesFetch(format!("it could not be kept: {error}"));
                self.shelf.put(&self.address, &bytes, &kept).map_err(failed)?;
                (kept, true)
            }
            (Fetched::Unchanged, known) => {
                let kept = RuleKept { looked: now(), ..known.clone().unwrap_or_default() };
                if let Err(error) = self.shelf.note_down(&self.address, &kept) {
                    tracing::warn!(%error, "when rules were last looked for");
                }
                (kept, false)
            }
        };
        Ok(What::Kept(kept, fresh))
    }

    fn news(&self, what: What) -> Command {
        Command::Fetch(News { address: self.address.clone(), number: self.number, what })
    }
}
