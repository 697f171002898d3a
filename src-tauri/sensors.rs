//! Sensors that run as children of the app: one for each capture file and each interface. Their rows go through one bounded channel; while it
//! is full nothing is read from a sensor, which then coalesces its changes.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sensor_link::{Connection, KeyPair, LinkError, MessageStream, announce};
use sensor_wire::explain::ExplainAnswer;
use sensor_wire::hello::{Hello, Limits, PROTOCOL};
use sensor_wire::host::Hosts;
use sensor_wire::interface::Interfaces;
use sensor_wire::live::Live;
use sensor_wire::request::{Done, FlowsAnswer, Request, ValueColumn, ValuesAnswer};
use sensor_wire::rules::{RuleChecked, RuleCounts, RuleText, RuleVariable, RulesAnswer, RulesAsked};
use sensor_wire::view::{SourceId, Values, WhyAsked, Wire};
use sensor_wire::{FlowRecord, RowId};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::error::AppError;
use crate::rules::{self, Chosen, Pairs};
use crate::sources::Origin;
use crate::{interfaces, platform, zone};

/// Messages that wait for the controller; past it sensors are not read.
pub const QUEUE: usize = 8;

/// Values of one cell that are kept of an answer.
pub const MAX_VALUES: usize = 100_000;

/// Flows in one answer.
pub const MAX_FLOWS: u32 = 1000;

/// How long a sensor may take for its `Hello`, and for each part of an answer.
const ANSWER: Duration = Duration::from_secs(15);

/// How long a sensor may take to end after its input closed.
const GOODBYE: Duration = Duration::from_secs(2);

/// Lines of a sensor's log that are kept to say why it died.
const LAST_LINES: usize = 8;

/// Longest line that is kept, in bytes.
const LINE: u64 = 4096;

/// What a sensor reports to the controller.
#[derive(Debug)]
pub enum Event {
    /// The link stands.
    Up(SourceId),
    /// Rows and counters.
    Live(SourceId, Box<Live>),
    /// Hosts that are new or changed.
    Hosts(SourceId, Hosts),
    /// The sensor runs these many rules; 0 is the one that only looks at rules.
    Rules(SourceId, RuleCounts),
    /// The link ended, and why.
    Down(SourceId, AppError),
}

/// Starts sensors.
#[derive(Debug)]
pub struct Sensors {
    program: Option<PathBuf>,
    keys: Arc<KeyPair>,
    events: mpsc::Sender<Event>,
}

impl Sensors {
    /// With a key of this run; what the sensors report goes to `events`. `program` is the sensor's; `None` looks for it
    /// where it is installed, each time.
    pub fn new(program: Option<PathBuf>, events: mpsc::Sender<Event>) -> Result<Sensors, AppError> {
        let keys = KeyPair::generate().map_err(|error| AppError::Keys(error.to_string()))?;
        Ok(Sensors { program, keys: Arc::new(keys), events })
    }

    /// Starts a sensor on a capture file or an interface, or on nothing, to look at rules.
    pub fn start(&self, source: SourceId, origin: Option<Origin>, name: String, rules: Arc<Chosen>) -> Sensor {
        let (up, connection) = watch::channel(None);
        let (stop, stopped) = oneshot::channel();
        let run = Run {
            program: self.program.clone(),
            source,
            origin,
            name,
            rules,
            keys: Arc::clone(&self.keys),
            events: self.events.clone(),
            up,
        };
        Sensor { connection, stop: Some(stop), task: tokio::spawn(run.until(stopped)) }
    }

    /// Lists the interfaces that a sensor could capture from.
    pub fn interfaces(&self) -> impl Future<Output = Result<Interfaces, AppError>> + Send + 'static {
        interfaces::list(self.program.clone())
    }
}

/// A running sensor. Dropped, it ends.
#[derive(Debug)]
pub struct Sensor {
    connection: watch::Receiver<Option<Arc<Connection>>>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Sensor {
    /// A way to ask it that outlives the borrow.
    pub fn asker(&self) -> Asker {
        Asker(self.connection.clone())
    }

    /// Ends the sensor and waits until its process is gone.
    pub async fn end(mut self) {
        self.stop.take();
        if let Err(error) = (&mut self.task).await {
            tracing::error!(%error, "a sensor's task failed");
        }
    }
}

/// Asks a sensor, each question on a stream of its own.
#[derive(Clone, Debug)]
pub struct Asker(watch::Receiver<Option<Arc<Connection>>>);

impl Asker {
    /// Unique values of a cell, cut at [`MAX_VALUES`].
    pub async fn values(&mut self, row: RowId, column: ValueColumn) -> Result<Values, AppError> {
        let (_connection, mut stream) = self.ask(Request::Values { row, column }).await?;
        let mut values = Values::default();
        loop {
            let part: ValuesAnswer = answer(&mut stream).await?;
            if part.gone {
                return Err(AppError::RowGone);
            }
            values.total = part.total;
            let room = MAX_VALUES - values.values.len();
            values.values.extend(part.values.into_iter().take(room));
            if part.done || values.values.len() == MAX_VALUES {
                return Ok(values);
            }
        }
    }

    /// Some flows of a row, and how many it has in all.
    pub async fn flows(&mut self, row: RowId, offset: u32, limit: u32) -> Result<(u32, Vec<FlowRecord>), AppError> {
        let limit = limit.min(MAX_FLOWS);
        let (_connection, mut stream) = self.ask(Request::Flows { row, offset, limit }).await?;
        let mut flows = Vec::new();
        loop {
            let part: FlowsAnswer = answer(&mut stream).await?;
            if part.gone {
                return Err(AppError::RowGone);
            }
            let room = limit as usize - flows.len();
            flows.extend(part.flows.into_iter().take(room));
            if part.done {
                return Ok((part.total, flows));
            }
        }
    }

    /// Stops reading the capture; the rows stay.
    pub async fn stop(&mut self) -> Result<(), AppError> {
        let (_connection, mut stream) = self.ask(Request::Stop).await?;
        answer::<Done>(&mut stream).await.map(drop)
    }

    /// Has it run other rules; says what came of it.
    pub async fn set_rules(&mut self, chosen: Arc<Chosen>) -> Result<RuleCounts, AppError> {
        let (_connection, mut stream) = self.open().await?;
        rules::send(&mut stream, chosen).await
    }

    /// Some rules.
    pub async fn rules(&mut self, asked: RulesAsked) -> Result<RulesAnswer, AppError> {
        let (_connection, mut stream) = self.ask(Request::Rules(asked)).await?;
        answer(&mut stream).await
    }

    /// All that a rule says; `None` where there is no such rule.
    pub async fn rule(&mut self, gid: u32, sid: u32) -> Result<Option<RuleText>, AppError> {
        let (_connection, mut stream) = self.ask(Request::Rule { gid, sid }).await?;
        answer::<Vec<RuleText>>(&mut stream).await.map(|mut list| list.pop())
    }

    /// Why a rule told of a flow, or did not; hears how far it is, and in the end the explanation.
    pub async fn explain(&mut self, asked: WhyAsked, mut heard: impl FnMut(ExplainAnswer)) -> Result<(), AppError> {
        let WhyAsked { gid, sid, flow, .. } = asked;
        let (_connection, mut stream) = self.ask(Request::Explain { gid, sid, flow: Some(flow) }).await?;
        loop {
            let part: ExplainAnswer = answer(&mut stream).await?;
            let done = part.done;
            heard(part);
            if done {
                return Ok(());
            }
        }
    }

    /// Whether rules could run.
    pub async fn check_rules(&mut self, text: String) -> Result<RuleChecked, AppError> {
        let (_connection, mut stream) = self.ask(Request::CheckRules { text }).await?;
        answer(&mut stream).await
    }

    /// All variables if they are set like this, with what is wrong.
    pub async fn check_variables(&mut self, (addresses, ports): (Pairs, Pairs)) -> Result<Vec<RuleVariable>, AppError> {
        let (_connection, mut stream) = self.ask(Request::CheckVariables { addresses, ports }).await?;
        answer(&mut stream).await
    }

    /// The connection is held as long as the answer is read.
    async fn ask(&mut self, request: Request) -> Result<(Arc<Connection>, MessageStream), AppError> {
        let (connection, mut stream) = self.open().await?;
        stream.send(&request).await.map_err(gone)?;
        Ok((connection, stream))
    }

    async fn open(&mut self) -> Result<(Arc<Connection>, MessageStream), AppError> {
        let connected = timeout(ANSWER, self.0.wait_for(Option::is_some)).await.map_err(|_| slow("the link"))?;
        let connection = connected.map_err(|_| AppError::SensorGone("its process ended".into()))?.clone();
        let connection = connection.ok_or_else(|| AppError::SensorGone("its process ended".into()))?;
        let stream = connection.open().await.map_err(gone)?;
        Ok((connection, stream))
    }
}

async fn answer<T: serde::de::DeserializeOwned>(stream: &mut MessageStream) -> Result<T, AppError> {
    let part = timeout(ANSWER, stream.recv()).await.map_err(|_| slow("an answer"))?.map_err(gone)?;
    part.ok_or_else(|| AppError::SensorGone("the answer ended early".into()))
}

fn slow(what: &str) -> AppError {
    AppError::SensorTimeout(format!("waited {} s for {what}", ANSWER.as_secs()))
}

pub(crate) fn gone(error: LinkError) -> AppError {
    AppError::SensorGone(error.to_string())
}

/// One sensor from start to end.
struct Run {
    program: Option<PathBuf>,
    source: SourceId,
    origin: Option<Origin>,
    name: String,
    rules: Arc<Chosen>,
    keys: Arc<KeyPair>,
    events: mpsc::Sender<Event>,
    up: watch::Sender<Option<Arc<Connection>>>,
}

impl Run {
    /// Until the sensor dies or the handle is dropped.
    async fn until(self, mut stopped: oneshot::Receiver<()>) {
        let mut child = match self.spawn() {
            Ok(child) => child,
            Err(error) => return self.down(error, stopped).await,
        };
        let log = child.stderr.take().map(Log::follow);
        let outcome = tokio::select! {
            outcome = self.serve(&mut child) => Some(outcome),
            _ = &mut stopped => None,
        };
        let connection = self.up.send_replace(None);
        if let Some(connection) = connection {
            connection.close().await;
        }
        end(&mut child).await;
        let lines = match log {
            Some(log) => log.lines().await,
            None => String::new(),
        };
        if let Some(Err(error)) = outcome {
            self.down(explain(error, &lines), stopped).await;
        }
    }

    fn spawn(&self) -> Result<Child, AppError> {
        let program = self.program.clone().map_or_else(platform::sensord, Ok)?;
        let mut command = Command::new(&program);
        command.args(["serve", "--stdio", "--viewer"]).arg(self.keys.public().to_string());
        match &self.origin {
            None => command.arg("--idle"),
            Some(Origin::File(path)) => command.arg("--replay").arg(path),
            Some(Origin::Interface(Wire { interface, filter })) => {
                command.arg(format!("--interface={interface}")).arg(format!("--filter={filter}"))
            }
        };
        // No packet is read before the rules are there.
        command.arg("--await-rules");
        command.arg(format!("--name={}", self.name));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        platform::hide_console(&mut command);
        command.spawn().map_err(|error| AppError::SensorStart(format!("{}: {error}", program.display())))
    }

    /// Only ever ends with a reason.
    async fn serve(&self, child: &mut Child) -> Result<(), AppError> {
        let pipes = child.stdout.take().zip(child.stdin.take());
        let (mut output, input) = pipes.ok_or_else(|| AppError::SensorStart("no pipes".into()))?;
        let start = |error: LinkError| AppError::SensorStart(error.to_string());
        let key = announce::read(&mut output).await.map_err(start)?;
        let connection = Connection::connect(tokio::io::join(output, input), &self.keys, &key).await.map_err(start)?;
        let connection = Arc::new(connection);
        // The control stream stays open as long as the link.
        let mut control = connection.open().await.map_err(start)?;
        control.send(&hello()).await.map_err(start)?;
        let theirs: Hello = answer(&mut control).await?;
        if theirs.protocol != PROTOCOL {
            let detail = format!("it speaks protocol {}, the app {PROTOCOL}", theirs.protocol);
            return Err(AppError::SensorVersion(detail));
        }
        self.up.send_replace(Some(Arc::clone(&connection)));
        self.report(Event::Up(self.source)).await?;
        tokio::select! {
            rows = self.rows(&connection) => rows?,
            never = self.hosts(&connection) => match never {},
            failed = self.send_rules(&connection) => return Err(failed),
        }
        connection.ended().await.map_err(gone)?;
        Err(AppError::SensorGone("it ended the link".into()))
    }

    /// Reports rows until the sensor ends their stream.
    async fn rows(&self, connection: &Connection) -> Result<(), AppError> {
        let mut live = connection.open().await.map_err(gone)?;
        live.send(&Request::Live { after: 0 }).await.map_err(gone)?;
        while let Some(message) = live.recv::<Live>().await.map_err(gone)? {
            self.report(Event::Live(self.source, Box::new(message))).await?;
        }
        Ok(())
    }

    /// Tells the sensor which rules run, and waits for no more; answers only if that fails.
    async fn send_rules(&self, connection: &Connection) -> AppError {
        let sent = async {
            let mut stream = connection.open().await.map_err(gone)?;
            let counts = rules::send(&mut stream, Arc::clone(&self.rules)).await?;
            self.report(Event::Rules(self.source, counts)).await
        };
        match sent.await {
            Ok(()) => std::future::pending().await,
            Err(error) => error,
        }
    }

    /// Reports hosts for as long as it is awaited. A sensor that tells of none, as an older one, still has its rows.
    async fn hosts(&self, connection: &Connection) -> Infallible {
        if let Err(error) = self.report_hosts(connection).await {
            tracing::info!(source = self.source, error = error.words(), "no more hosts");
        }
        std::future::pending().await
    }

    async fn report_hosts(&self, connection: &Connection) -> Result<(), AppError> {
        let mut stream = connection.open().await.map_err(gone)?;
        stream.send(&Request::Hosts { after: 0 }).await.map_err(gone)?;
        while let Some(hosts) = stream.recv::<Hosts>().await.map_err(gone)? {
            self.report(Event::Hosts(self.source, hosts)).await?;
        }
        Ok(())
    }

    async fn report(&self, event: Event) -> Result<(), AppError> {
        self.events.send(event).await.map_err(|_| AppError::Closing)
    }

    /// The controller may never take this one when it closes the source: so it must not be waited for.
    async fn down(&self, error: AppError, stopped: oneshot::Receiver<()>) {
        tokio::select! {
            sent = self.report(Event::Down(self.source, error)) => {
                if sent.is_err() {
                    tracing::debug!("the app closes: nobody hears that a sensor ended");
                }
            }
            _ = stopped => {}
        }
    }
}

fn hello() -> Hello {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_nanos());
    Hello {
        protocol: PROTOCOL,
        name: "Nightjar".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        time: i64::try_from(now).unwrap_or(i64::MAX),
        zone: zone::system().name().into(),
        features: Vec::new(),
        limits: Limits::default(),
    }
}

/// The link is closed, and with it the sensor's input: it ends by itself, or is killed.
async fn end(child: &mut Child) {
    if timeout(GOODBYE, child.wait()).await.is_err()
        && let Err(error) = child.kill().await
    {
        tracing::warn!(%error, "a sensor could not be ended");
    }
}

/// What the sensor last said tells more than that its link ended.
fn explain(error: AppError, lines: &str) -> AppError {
    let with = |detail: String| if lines.is_empty() { detail } else { format!("{detail}: {lines}") };
    if let AppError::SensorStart(detail) = error {
        AppError::SensorStart(with(detail))
    } else if let AppError::SensorGone(detail) = error {
        AppError::SensorGone(with(detail))
    } else {
        error
    }
}

/// The last lines a sensor wrote.
struct Log {
    lines: Arc<Mutex<VecDeque<String>>>,
    reader: JoinHandle<()>,
}

impl Log {
    fn follow(output: impl AsyncRead + Unpin + Send + 'static) -> Log {
        let lines = Arc::new(Mutex::new(VecDeque::with_capacity(LAST_LINES)));
        let kept = Arc::clone(&lines);
        let reader = tokio::spawn(async move {
            let mut output = BufReader::new(output);
            let mut line = Vec::new();
            while matches!((&mut output).take(LINE).read_until(b'\n', &mut line).await, Ok(1..)) {
                let text = String::from_utf8_lossy(&line).trim().to_owned();
                line.clear();
                if text.is_empty() {
                    continue;
                }
                tracing::info!(target: "sensord", "{text}");
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                if kept.len() == LAST_LINES {
                    kept.pop_front();
                }
                kept.push_back(text);
            }
        });
        Log { lines, reader }
    }

    /// After the sensor's end. A grandchild may hold the pipe open, so this doesn't wait for long.
    async fn lines(mut self) -> String {
        if timeout(GOODBYE, &mut self.reader).await.is_err() {
            self.reader.abort();
        }
        let kept = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().map(String::as_str).collect::<Vec<_>>().join("; ")
    }
}
