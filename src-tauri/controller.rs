//! The one owner of the app's state: a single loop that is asked, told and timed, and never waits.

mod answers;
mod fetches;
mod live;
mod rules;
mod ticks;
mod why;

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sensor_wire::codec;
use sensor_wire::live::Live;
use sensor_wire::rules::RuleCounts;
use sensor_wire::view::{LinkState, Recent, RowKey, SourceId, Tick, ViewError, ViewReply, ViewRequest};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use crate::error::AppError;
use crate::hosts::{self, Hosts};
use crate::pace::Meter;
use crate::pause::Waiting;
use crate::prefs::{self, Keeper, Kept};
use crate::rows::{self, Rows};
use crate::rules::shelf::Shelf;
use crate::sensors::{self, Event, Sensor, Sensors};
use crate::sources::{self, Origin, Source, Sources};
use crate::zone::Zone;
use fetches::Fetches;
use ticks::Ticks;

/// Requests that wait for the loop; past it the page waits.
const QUEUE: usize = 64;

/// Standing messages; the oldest give way.
const MAX_NOTICES: usize = 20;

/// What the loop needs of the window, or of what stands in for it.
pub trait Gui: Send + 'static {
    /// Tells the page that something changed; must not wait.
    fn tick(&self, tick: Tick);
    /// There is a file dialog.
    fn has_dialog(&self) -> bool;
    /// Shows the file dialog and answers with what was picked; must not wait.
    fn pick(&self, picked: oneshot::Sender<Vec<PathBuf>>);
}

/// How to start.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where settings are kept; `None` keeps nothing.
    pub data: Option<PathBuf>,
    /// Rows to keep.
    pub row_cap: usize,
    /// Hosts to keep.
    pub host_cap: usize,
    /// The sensor's program; `None` looks for it where it is installed.
    pub sensord: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Options { data: None, row_cap: rows::DEFAULT_CAP, host_cap: hosts::DEFAULT_CAP, sensord: None }
    }
}

/// A way to the loop.
#[derive(Clone, Debug)]
pub struct Handle(mpsc::Sender<Command>);

impl Handle {
    /// Asks, and waits for the answer.
    pub async fn request(&self, request: ViewRequest) -> ViewReply {
        let (reply, answer) = oneshot::channel();
        if self.0.send(Command::Ask(request, reply)).await.is_err() {
            return refusal(AppError::Closing);
        }
        answer.await.unwrap_or_else(|_| refusal(AppError::Closing))
    }

    /// The same in MessagePack, as it comes from the page.
    pub async fn request_bytes(&self, request: &[u8]) -> Result<Vec<u8>, AppError> {
        let reply = match codec::decode_compact(request) {
            Ok(request) => self.request(request).await,
            Err(error) => refusal(AppError::BadRequest(error.to_string())),
        };
        codec::encode_compact(&reply).map_err(|error| AppError::BadRequest(error.to_string()))
    }

    /// Opens capture files.
    pub async fn open(&self, paths: Vec<PathBuf>) -> ViewReply {
        self.open_all(paths.into_iter().map(Origin::File).collect()).await
    }

    /// Opens capture files and interfaces; what fails shows in the status.
    pub async fn open_all(&self, origins: Vec<Origin>) -> ViewReply {
        let (reply, answer) = oneshot::channel();
        if self.0.send(Command::Open(origins, reply)).await.is_err() {
            return refusal(AppError::Closing);
        }
        answer.await.unwrap_or_else(|_| refusal(AppError::Closing))
    }

    /// A sensor runs other rules.
    async fn rules(&self, counts: RuleCounts) {
        // The loop may have ended: then nobody is left to be told.
        self.0.send(Command::Rules(counts)).await.unwrap_or(());
    }

    /// Ends the sensors, saves, ends the loop; returns when all is done.
    pub async fn shut_down(&self) {
        let (reply, done) = oneshot::channel();
        // Either failure means that the loop has ended already.
        if self.0.send(Command::ShutDown(reply)).await.is_ok() {
            done.await.unwrap_or(());
        }
    }
}

type Reply = oneshot::Sender<ViewReply>;

#[derive(Debug)]
enum Command {
    Ask(ViewRequest, Reply),
    Open(Vec<Origin>, Reply),
    Rules(RuleCounts),
    Fetch(fetches::News),
    ShutDown(oneshot::Sender<()>),
}

/// Starts the loop on the current tokio runtime.
pub fn start<G: Gui>(gui: G, options: Options) -> Result<Handle, AppError> {
    let (commands, asked) = mpsc::channel(QUEUE);
    let (events, told) = mpsc::channel(sensors::QUEUE);
    let sensors = Sensors::new(options.sensord, events)?;
    let (keeper, kept, notices) = prefs::open(options.data.as_deref());
    let shelf = Shelf::open(options.data.as_deref()).map_err(|error| AppError::StoreFailed(error.to_string()))?;
    let fetches = Fetches::new(shelf, &kept.rules);
    let mut rows = Rows::new(options.row_cap);
    rows.set_flow_events(kept.prefs.flow_events);
    let handle = Handle(commands);
    let controller = Controller {
        gui,
        zone: Zone::parse(&kept.prefs.zone).unwrap_or(Zone::UTC),
        keeper,
        kept,
        notices: notices.into_iter().map(ViewError::from).collect(),
        sensors,
        sources: Sources::default(),
        starting: Vec::new(),
        rows,
        hosts: Hosts::new(options.host_cap),
        paused: false,
        waiting: Waiting::default(),
        ticks: Ticks::default(),
        changes: 0,
        changes_per_second: 0,
        handle: handle.clone(),
        desk: None,
        fetches,
        find: String::new(),
        inquiry: None,
        inquiries: 0,
        rules_revision: 0,
        rule_counts: RuleCounts::default(),
    };
    tokio::spawn(controller.run(asked, told));
    Ok(handle)
}

struct Controller<G: Gui> {
    gui: G,
    keeper: Keeper,
    kept: Kept,
    zone: Zone,
    notices: Vec<ViewError>,
    sensors: Sensors,
    sources: Sources,
    /// Live captures of which somebody waits to hear whether they run.
    starting: Vec<(SourceId, Reply)>,
    rows: Rows,
    hosts: Hosts,
    paused: bool,
    waiting: Waiting,
    ticks: Ticks,
    changes: u32,
    changes_per_second: u32,
    handle: Handle,
    /// The sensor that only looks at rules, once it was needed.
    desk: Option<Sensor>,
    fetches: Fetches,
    /// What rows are searched for, as it was typed.
    find: String,
    /// What is being explained, and how often something was.
    inquiry: Option<why::Inquiry>,
    inquiries: u64,
    /// Grows with each change of which rules run and of what is fetched.
    rules_revision: u64,
    rule_counts: RuleCounts,
}

impl<G: Gui> Controller<G> {
    async fn run(mut self, mut asked: mpsc::Receiver<Command>, mut told: mpsc::Receiver<Event>) {
        let mut second = interval(Duration::from_secs(1));
        second.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            let takes = !(self.paused && self.waiting.is_full());
            tokio::select! {
                command = asked.recv() => match command {
                    Some(Command::Ask(request, reply)) => self.answer(request, reply),
                    Some(Command::Rules(counts)) => self.rules_run(&counts),
                    Some(Command::Fetch(news)) => self.fetch_news(news),
                    Some(Command::Open(origins, reply)) => send(reply, self.open(origins)),
                    Some(Command::ShutDown(done)) => {
                        self.end().await;
                        // The store is free for the next run before anyone hears that this one is over.
                        drop(self);
                        // Whoever asked may have gone.
                        done.send(()).unwrap_or(());
                        return;
                    }
                    None => return,
                },
                Some(event) = told.recv(), if takes => self.take(event),
                () = sleep_until(self.ticks.due()), if self.ticks.are_due() => self.gui.tick(self.ticks.push()),
                _ = second.tick() => self.second(),
            }
        }
    }

    fn take(&mut self, event: Event) {
        self.ticks.status();
        match event {
            Event::Up(id) => self.link(id, LinkState::Up),
            Event::Live(id, live) => {
                self.take_live(id, *live);
                self.settle(id);
            }
            Event::Hosts(id, told) => self.take_hosts(id, told),
            Event::Rules(_, counts) => self.rules_run(&counts),
            Event::Down(id, error) => {
                tracing::warn!(source = id, error = error.words(), "a sensor ended");
                if self.sources.get(id).is_err() {
                    // It looked at rules; another is started when it is needed.
                    self.desk = None;
                }
                self.link(id, LinkState::Down(error.words()));
                self.give_up(id, error);
            }
        }
    }

    /// What a source that was closed in the meantime still says is dropped.
    fn link(&mut self, id: SourceId, link: LinkState) {
        let Ok(source) = self.sources.get_mut(id) else { return };
        if matches!(link, LinkState::Down(_)) {
            source.sensor = None;
        }
        source.link = link;
    }

    fn take_live(&mut self, id: SourceId, live: Live) {
        let Ok(source) = self.sources.get_mut(id) else { return };
        source.status = live.status.clone();
        let changes = live.rows.len() + live.removed.len();
        if changes == 0 && !live.reset {
            return;
        }
        self.changes = self.changes.saturating_add(u32::try_from(changes).unwrap_or(u32::MAX));
        if self.paused {
            let rows = &self.rows;
            self.waiting.hold(id, live, |key: RowKey| rows.contains(key));
        } else {
            apply(&mut self.rows, id, live);
        }
        // The window of rows tells how many wait, so it changes while paused too.
        self.ticks.rows();
    }

    /// Hosts are no part of what a pause holds: they make no row move.
    fn take_hosts(&mut self, id: SourceId, told: sensor_wire::host::Hosts) {
        if self.sources.get(id).is_err() {
            return;
        }
        self.hosts.apply(id, told.hosts);
        self.hosts_changed();
    }

    fn hosts_changed(&mut self) {
        self.ticks.hosts();
        if self.kept.prefs.annotations {
            self.ticks.rows();
        }
    }

    fn pause(&mut self, paused: bool) {
        self.paused = paused;
        if !paused {
            for (source, live) in self.waiting.release() {
                apply(&mut self.rows, source, live);
            }
        }
        self.ticks.both();
    }

    fn open(&mut self, origins: Vec<Origin>) -> Result<ViewReply, AppError> {
        for origin in origins {
            self.add(origin, None)?;
        }
        Ok(ViewReply::Done)
    }

    /// Adds a source and starts its sensor. Unless a name is given it has the one it had before.
    fn add(&mut self, origin: Origin, name: Option<String>) -> Result<SourceId, AppError> {
        let origin = match origin {
            Origin::File(path) => Origin::File(std::path::absolute(&path).unwrap_or(path)),
            Origin::Interface(wire) => Origin::Interface(wire),
        };
        let id = self.sources.next_id()?;
        let wanted = self.kept.names.get(&origin.key()).cloned().or(name).unwrap_or_else(|| origin.name());
        let name = self.sources.unique(&wanted, None);
        // A file that isn't there is the sensor's to report; it isn't worth remembering.
        if let Origin::File(path) = &origin
            && let Ok(file) = path.metadata().inspect_err(|error| tracing::info!(%error, "no such capture"))
            && file.is_file()
        {
            self.kept.remember(Recent { path: origin.key(), size: file.len(), opened: now() });
            self.keeper.keep(&self.kept);
        }
        let sensor = Some(self.sensors.start(id, Some(origin.clone()), name.clone(), self.rules()));
        let (status, meter) = (Default::default(), Meter::new(Instant::now()));
        self.sources.add(Source { id, name, origin, link: LinkState::Starting, status, meter, sensor });
        self.names();
        self.ticks.status();
        Ok(id)
    }

    fn close(&mut self, id: SourceId) -> Result<ViewReply, AppError> {
        // Dropping the source ends its sensor.
        self.sources.remove(id)?;
        self.give_up(id, AppError::UnknownSource);
        self.waiting.forget(id);
        self.rows.close(id);
        self.hosts.close(id);
        self.names();
        self.ticks.both();
        self.ticks.hosts();
        Ok(ViewReply::Done)
    }

    fn rename(&mut self, id: SourceId, name: &str) -> Result<ViewReply, AppError> {
        let wanted = sources::clean(name).unwrap_or_else(|| "capture".into());
        let name = self.sources.unique(&wanted, Some(id));
        let source = self.sources.get_mut(id)?;
        source.name.clone_from(&name);
        self.kept.name(&source.origin.key(), &name);
        self.keeper.keep(&self.kept);
        self.names();
        self.ticks.both();
        self.ticks.hosts();
        Ok(ViewReply::Done)
    }

    /// Rows bear the names of their sources.
    fn names(&mut self) {
        let names: Vec<_> = self.sources.iter().map(|source| (source.id, source.name.as_str())).collect();
        self.rows.set_names(&names);
        self.hosts.renamed();
    }

    fn second(&mut self) {
        let changes = std::mem::take(&mut self.changes);
        if self.changes_per_second != changes {
            self.changes_per_second = changes;
            self.ticks.status();
        }
        self.measure();
        if let Some(fault) = self.keeper.take_fault() {
            self.notice(fault);
        }
    }

    /// A message that stands; one of a kind.
    fn notice(&mut self, error: AppError) {
        tracing::warn!(error = error.words(), "notice");
        self.notices.retain(|old| old.code != error.code());
        if self.notices.len() >= MAX_NOTICES {
            self.notices.remove(0);
        }
        self.notices.push(error.into());
        self.ticks.status();
    }

    async fn end(&mut self) {
        let mut ends = JoinSet::new();
        let sensors = self.sources.take_all().into_iter().filter_map(|source| source.sensor);
        for sensor in sensors.chain(self.desk.take()) {
            ends.spawn(sensor.end());
        }
        ends.join_all().await;
        self.keeper.flush();
    }
}

fn apply(rows: &mut Rows, source: SourceId, live: Live) {
    if live.reset {
        rows.close(source);
    }
    rows.apply(source, &live.removed, live.rows);
}

fn refusal(error: AppError) -> ViewReply {
    ViewReply::Error(error.into())
}

/// Whoever asked may have gone; then nobody misses the answer.
fn send(reply: Reply, answer: Result<ViewReply, AppError>) {
    if reply.send(answer.unwrap_or_else(refusal)).is_err() {
        tracing::debug!("an answer that nobody waits for");
    }
}

pub(crate) fn now() -> i64 {
    let age = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_nanos());
    i64::try_from(age).unwrap_or(i64::MAX)
}
