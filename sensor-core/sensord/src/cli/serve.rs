//! `sensord serve`, and what `sensord run` shares with it to let viewers in.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use anyhow::{Context, Result, bail};
use clap::Args;
use crossbeam_channel::{Receiver, bounded};
use sensor_core::applayer::parser;
use sensor_core::engine::Config;
use sensor_link::{KeyPair, PublicKey};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Notify, oneshot};

use super::events::{EventArgs, LAST_EVENTS};
use super::{Pace, RuleArgs, Workers, live, say, seed};
use crate::capture::file::CaptureReader;
use crate::crew::Output;
use crate::listen::{LAST_ROWS, Listening, MAX_LISTENERS};
use crate::packets::Packets;
use crate::pipeline::{self, Handle, Pipeline, Query};
use crate::sandbox::Kept;
use crate::serve::{self, Identity};
use crate::signals;
use crate::state::{Owner, StateFolder};

/// Where viewers come in.
#[derive(Debug, Args)]
pub(super) struct Listen {
    /// Let viewers in over TCP at this address, as `192.0.2.7:7723` or `[::]:7723`; repeatable. They are invited with
    /// `sensord pair`.
    #[arg(id = "listen", long, value_name = "ADDRESS:PORT", requires = "state")]
    pub(super) addresses: Vec<SocketAddr>,
    /// Folder with the sensor's key, the list of its viewers, and the log of its events; made where there is none.
    #[arg(long, value_name = "FOLDER")]
    pub(super) state: Option<PathBuf>,
    /// Name of this sensor, for those who look.
    #[arg(long, default_value = "local")]
    name: String,
}

impl Listen {
    /// Opens what is listened on, before the sandbox closes; `None` where nothing is. `owner` is who the sensor will be.
    pub(super) fn open(&self, owner: Owner) -> Result<Option<Listening>> {
        let Some(folder) = self.state.as_ref().filter(|_| !self.addresses.is_empty()) else { return Ok(None) };
        if self.addresses.len() > MAX_LISTENERS {
            bail!("--listen: {MAX_LISTENERS} addresses at most");
        }
        let state = StateFolder::open(folder, owner).context("--state")?;
        let listening = Listening::open(&self.addresses, state).context("--listen")?;
        let addresses: Vec<String> = listening.addresses().iter().map(ToString::to_string).collect();
        say(format_args!("listening on {}; the key in words: {}", addresses.join(", "), listening.key().fingerprint()));
        Ok(Some(listening))
    }

    /// What the sensor says of itself.
    pub(super) fn identity(&self, rows: u64) -> Identity {
        Identity { name: self.name.clone(), version: env!("CARGO_PKG_VERSION").into(), rows, ..Identity::default() }
    }
}

/// Viewers that are let in on a thread beside the packets'.
#[derive(Debug)]
pub(super) struct Visitors {
    /// Dropped when the source has ended for good: they are told the last rows and then goodbye.
    end: oneshot::Sender<()>,
    terminated: Arc<Notify>,
    /// Disconnected once all are gone.
    over: Receiver<()>,
    thread: JoinHandle<()>,
}

impl Visitors {
    /// Lets them in from now on. `terminated` is told when the process is to end.
    pub(super) fn receive(
        listening: Listening,
        identity: Identity,
        handle: Handle,
        terminated: Arc<Notify>,
    ) -> Result<Visitors> {
        let runtime = runtime()?;
        let (end, ended) = oneshot::channel::<()>();
        let (going, over) = bounded(0);
        let until = async move {
            let _ = ended.await;
        };
        let thread = std::thread::spawn(move || {
            if let Err(error) = runtime.block_on(listening.serve(identity, handle, until)) {
                tracing::error!(%error, "no viewer can come in");
            }
            drop(going);
        });
        Ok(Visitors { end, terminated, over, thread })
    }

    /// Answers them on once the source has ended: until the process is to end if it was `stopped` by one of them, and in
    /// any case until they have the last rows or don't take them.
    pub(super) fn say_goodbye<S: Output>(self, pipeline: &mut Pipeline<S>, queries: &Receiver<Query>, stopped: bool) {
        let Visitors { end, terminated, over, thread } = self;
        let waiting = std::thread::spawn(move || {
            if stopped && let Ok(runtime) = runtime() {
                runtime.block_on(terminated.notified());
            }
            drop(end);
        });
        pipeline.answer_until(queries, &over);
        let _ = waiting.join();
        let _ = thread.join();
    }
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("way").required(true).args(["stdio", "listen"]))]
pub(super) struct Serve {
    /// Speak over standard input and output.
    #[arg(long, requires = "viewer")]
    stdio: bool,
    /// Public key of the viewer at the other end of --stdio, 64 hexadecimal digits.
    #[arg(long, value_name = "KEY", requires = "stdio")]
    viewer: Option<PublicKey>,
    #[command(flatten)]
    listen: Listen,
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    rules: RuleArgs,
    /// Read no packet before the viewer has said which rules are to run.
    #[arg(long)]
    await_rules: bool,
    #[command(flatten)]
    pace: Pace,
    #[command(flatten)]
    workers: Workers,
    #[command(flatten)]
    wire: live::Wire,
    #[command(flatten)]
    events: EventArgs,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Source {
    /// The capture to replay.
    #[arg(long, value_name = "CAPTURE")]
    replay: Option<PathBuf>,
    /// The interface to capture from: see `sensord interfaces`.
    #[arg(long, value_name = "INTERFACE")]
    interface: Option<String>,
    /// Nothing: only questions about rules are answered.
    #[arg(long)]
    idle: bool,
}

/// Serves until the one viewer has gone, or, over TCP, until the process is told to end.
pub(super) fn run(args: Serve) -> Result<u8> {
    let (mut handle, queries) = pipeline::queries();
    // Rules may come later: flows are parsed from the start.
    let mut config = Config { seed: seed(), parse: Some(parser::Settings::default()), ..Config::default() };
    if !args.await_rules {
        handle.set_book(args.rules.load(&[], &mut config)?);
    }
    if let Some(replay) = &args.source.replay {
        handle.packets = Arc::new(Packets::of(replay, &config));
    }
    // A replay needs no other user's rights, so it gives up none.
    let owner = if args.source.interface.is_some() { args.wire.later_user()? } else { None };
    let listening = args.listen.open(owner)?;
    let folder = args.events.folder(args.listen.state.as_deref())?;
    let state = listening.as_ref().map(|open| open.state_folder().into()).or_else(|| folder.clone());
    let kept = Kept { state, ..Kept::default() };
    let await_rules = args.await_rules;
    // The source is opened first, then rights are given up, then the log is opened and threads start.
    let start = |handle: &mut Handle| {
        let live = args.source.interface.is_some();
        let recorder = args.events.recorder(folder.as_deref(), live, Arc::clone(&config.ruleset))?;
        handle.events = recorder.events();
        let pipeline = args.workers.pipeline(config, recorder.clone(), args.pace.speed.map(f64::from));
        anyhow::Ok((pipeline, recorder))
    };
    let recorder;
    let engine: Box<dyn FnOnce() + Send> = match (&args.source.replay, &args.source.interface) {
        (_, Some(interface)) => {
            let (opened, about) = args.wire.open(interface, &kept)?;
            let mut pipeline;
            (pipeline, recorder) = start(&mut handle)?;
            Box::new(move || {
                match opened {
                    Ok(_) if await_rules && !pipeline.await_rules(&queries) => {}
                    Ok(capture) => pipeline.capture(capture, about, &queries, |_| true),
                    Err(error) => pipeline.fail_live(error, about),
                }
                pipeline.answer_until_gone(&queries);
            })
        }
        (Some(replay), None) => {
            let opened = CaptureReader::open(replay);
            let sandbox = crate::sandbox::enter(&kept);
            tracing::info!(%sandbox, "sandbox");
            let mut pipeline;
            (pipeline, recorder) = start(&mut handle)?;
            Box::new(move || {
                match opened {
                    Ok(_) if await_rules && !pipeline.await_rules(&queries) => {}
                    Ok(reader) => pipeline.replay(reader, Some(&queries), |_, _| {}),
                    Err(error) => pipeline.fail(error),
                }
                pipeline.answer_until_gone(&queries);
            })
        }
        (None, None) => {
            let sandbox = crate::sandbox::enter(&kept);
            tracing::info!(%sandbox, "sandbox");
            let mut pipeline;
            (pipeline, recorder) = start(&mut handle)?;
            Box::new(move || pipeline.answer_until_gone(&queries))
        }
    };
    std::thread::spawn(engine);
    let runtime = runtime()?;
    let identity = args.listen.identity(sensor_core::Limits::default().rows as u64);
    let terminated = {
        let _within = runtime.enter();
        signals::listen().context("signals cannot be listened to")?
    };
    if let Some(listening) = listening {
        let end = stop_when(terminated, handle.clone(), false);
        let served = runtime.block_on(listening.serve(identity, handle, end)).context("--listen");
        recorder.finish(LAST_EVENTS);
        return served.map(|()| 0);
    }
    let keys = KeyPair::generate().context("no key could be made")?;
    let end = stop_when(terminated, handle.clone(), true);
    let (input, output) = (tokio::io::stdin(), tokio::io::stdout());
    let viewers = args.viewer.into_iter().collect();
    let served = runtime.block_on(serve::serve(input, output, keys, viewers, identity, handle, end));
    // A read of standard input that never ends must not hold the process.
    runtime.shutdown_background();
    recorder.finish(LAST_EVENTS);
    served?;
    Ok(0)
}

fn runtime() -> Result<Runtime> {
    Builder::new_current_thread().enable_all().build().context("no runtime could be started")
}

/// Then stops the source; completes when it has stopped, or, with `told`, once a viewer has its last rows. In any case
/// after [`LAST_ROWS`].
async fn stop_when(terminated: impl Future<Output = ()>, handle: Handle, told: bool) {
    terminated.await;
    let (reply, stopped) = oneshot::channel();
    let last_rows = async {
        let notified = handle.told.notified();
        // A queue that is full, or nobody behind it: then there is nothing more to tell in time.
        if handle.queries.try_send(Query::Stop { reply }).is_ok() && stopped.await.is_ok() && told {
            notified.await;
        }
    };
    let _ = tokio::time::timeout(LAST_ROWS, last_rows).await;
}
