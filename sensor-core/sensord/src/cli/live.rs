//! Live capture on the command line: `sensord run`, `sensord interfaces`, and what `sensord serve` shares with them.

use std::io::{self, Write};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use sensor_wire::interface::Interface;
use sensor_wire::live::{CaptureStatus, SourceState, failure};
use tokio::sync::Notify;

use super::events::{EventArgs, LAST_EVENTS};
use super::serve::{Listen, Visitors};
use super::{Eve, RuleArgs, Settings, Workers, config, report, say, warn, warn_of};
use crate::capture::live::{BUFFER, LiveCapture, LiveError, LiveOptions, SNAPLEN, interfaces};
use crate::eve::EveWriter;
use crate::pipeline::{self, Query};
use crate::recorder::Recorded;
use crate::sandbox::{self, Kept};
use crate::signals;

/// What to capture.
#[derive(Debug, Args)]
pub(super) struct Wire {
    /// Capture only what this BPF filter lets pass, written as for tcpdump.
    #[arg(long, value_name = "BPF", default_value = "", hide_default_value = true)]
    filter: String,
    /// Capture so many bytes of each frame.
    #[arg(long, value_name = "BYTES", default_value_t = SNAPLEN, value_parser = clap::value_parser!(u32).range(64..=i64::from(SNAPLEN)))]
    snaplen: u32,
    /// Leave the interface as it is: only what is addressed to this machine is seen.
    #[arg(long)]
    no_promiscuous: bool,
    /// Size of the kernel's buffer.
    #[arg(long, value_name = "MIB", default_value_t = BUFFER, value_parser = clap::value_parser!(u32).range(1..=2047))]
    buffer: u32,
    /// Started as root, become this user once the interface is open; unless given, the caller of sudo, else nobody.
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
}

impl Wire {
    /// Who the process will be once the interface is open, if that is someone else.
    ///
    /// # Errors
    /// There is no such user.
    pub(super) fn later_user(&self) -> Result<Option<(u32, u32)>> {
        sandbox::later_user(self.user.as_deref()).map_err(|words| anyhow!(words))
    }

    /// Opens the interface and gives up the rights that took; the second is what the status says of it. A capture that
    /// can't be opened is no error here: it is told to whoever looks. What is `kept` can still be used.
    ///
    /// # Errors
    /// Rights are left that should not be.
    pub(super) fn open(&self, interface: &str, kept: &Kept) -> Result<(Result<LiveCapture, LiveError>, CaptureStatus)> {
        let opened = LiveCapture::open(LiveOptions {
            interface: interface.to_owned(),
            filter: self.filter.clone(),
            snaplen: self.snaplen,
            promiscuous: !self.no_promiscuous,
            buffer: self.buffer,
        });
        let confinement = sandbox::give_up_rights(self.user.as_deref(), kept).map_err(|words| anyhow!(words))?;
        tracing::info!(%confinement, "rights");
        let about = CaptureStatus {
            interface: interface.to_owned(),
            filter: self.filter.clone(),
            confinement: confinement.to_string(),
            ..CaptureStatus::default()
        };
        Ok((opened, about))
    }
}

#[derive(Debug, Args)]
pub(super) struct Run {
    /// The interface: see `sensord interfaces`.
    #[arg(long, value_name = "INTERFACE")]
    interface: String,
    #[command(flatten)]
    eve: Eve,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    rules: RuleArgs,
    #[command(flatten)]
    workers: Workers,
    #[command(flatten)]
    wire: Wire,
    #[command(flatten)]
    listen: Listen,
    #[command(flatten)]
    events: EventArgs,
}

/// Captures until it is told to end, or the interface goes away.
pub(super) fn run(args: &Run) -> Result<u8> {
    if args.listen.state.is_some() && args.listen.addresses.is_empty() {
        bail!("--state: what is kept there is for viewers: --listen says where they come in");
    }
    let settings = args.settings.all()?;
    let mut config = config(&settings)?;
    if args.listen.addresses.is_empty() {
        config.window_ns = None;
    }
    let out = args.eve.open()?;
    let book = args.rules.load(&settings, &mut config)?;
    if args.eve.reads_messages() {
        config.parse.get_or_insert_default();
    }
    let eve = EveWriter::new(out, args.eve.types(), Arc::clone(&book.set));
    let listening = args.listen.open(args.wire.later_user()?)?;
    let kept = Kept { reading: args.rules.folders(), state: listening.as_ref().map(|open| open.state_folder().into()) };
    let folder = args.events.folder(args.listen.state.as_deref())?;
    let (opened, about) = args.wire.open(&args.interface, &kept)?;
    // Nobody asks for events where no viewer comes in.
    let recorder = listening.as_ref().map(|_| args.events.recorder(folder.as_deref(), true, Arc::clone(&book.set)));
    let recorder = recorder.transpose()?;
    let rows = config.limits.rows as u64;
    let mut pipeline = args.workers.pipeline(config, Recorded { sink: eve, recorder: recorder.clone() }, None);
    let (mut unwritten, ran) = (None, opened.is_ok());
    match opened {
        Ok(capture) => {
            let (mut handle, queries) = pipeline::queries();
            if let Some(recorder) = &recorder {
                handle.events = recorder.events();
            }
            handle.set_book(Arc::clone(&book));
            let (stop, terminated) = (handle.clone(), Arc::new(Notify::new()));
            let visitors = listening
                .map(|open| {
                    Visitors::receive(open, args.listen.identity(rows), handle.clone(), Arc::clone(&terminated))
                })
                .transpose()?;
            signals::on_terminated(move || {
                terminated.notify_one();
                let (reply, _) = tokio::sync::oneshot::channel();
                // It has ended by itself if nobody takes it.
                let _ = stop.queries.send(Query::Stop { reply });
            })?;
            let (rules, reload) = (args.rules.clone(), handle);
            signals::on_hangup(move || reload_rules(&rules, &settings, &reload))?;
            say(format_args!("capturing from {}, {}; Ctrl-C ends it", args.interface, about.confinement));
            pipeline.capture(capture, about, &queries, |recorded| {
                unwritten = recorded.sink.finish().err();
                unwritten.is_none()
            });
            if let Some(visitors) = visitors {
                // A viewer that has it stopped keeps what there is; an interface that is gone ends all, so that whoever
                // watches over this process can start it anew.
                let stopped = unwritten.is_none() && pipeline.status().state == SourceState::Stopped;
                visitors.say_goodbye(&mut pipeline, &queries, stopped);
            }
        }
        Err(error) => pipeline.fail_live(error, about),
    }
    if let Some(recorder) = &recorder {
        recorder.finish(LAST_EVENTS);
    }
    match unwritten.map_or_else(|| pipeline.sink().sink.finish(), Err) {
        // The reader has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        written => written.context("EVE output cannot be written; it is incomplete")?,
    }
    let capture = pipeline.status().capture.unwrap_or_default();
    if ran {
        let CaptureStatus { received, kernel_drops, interface_drops, queue_drops, .. } = &capture;
        say(format_args!(
            "{received} packets received, {kernel_drops} dropped by the kernel, {interface_drops} by the interface, \
             {queue_drops} by the sensor"
        ));
    }
    let code = report(&mut pipeline);
    if let Some(failure) = &capture.failure {
        say(format_args!("[{}] {}", failure.code, failure.advice));
    }
    Ok(code)
}

/// Reads the rules anew and has them run; where they can't be read those before stay.
fn reload_rules(rules: &RuleArgs, settings: &[String], handle: &pipeline::Handle) {
    let book = rules.read(settings);
    let counts = book.counts();
    if let Some(error) = counts.unreadable.first() {
        return warn(&format!("the rules stay as they are: {error}"));
    }
    warn_of(&book);
    let (reply, _) = tokio::sync::oneshot::channel();
    // The capture has ended by itself if nobody takes it.
    if handle.queries.send(Query::SetRules { book: Arc::new(book), reply }).is_ok() {
        say(format_args!("{} rules run now, {} are refused", counts.running, counts.refused));
    }
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// As JSON, for programs.
    #[arg(long)]
    json: bool,
}

/// Lists the interfaces; the exit code is 2 if they can't be listed.
pub(super) fn list(args: &List) -> Result<u8> {
    let list = interfaces::list();
    let mut out = io::stdout().lock();
    let written = if args.json {
        let json = serde_json::to_string_pretty(&list).context("JSON")?;
        writeln!(out, "{json}")
    } else {
        list.interfaces.iter().try_for_each(|interface| write_interface(&mut out, interface))
    };
    match written.and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        other => other.context("standard output cannot be written")?,
    }
    // What holds for all is told once; that an interface is down shows in its line.
    let all = list.failure.iter().chain(list.interfaces.iter().filter_map(|interface| interface.failure.as_ref()));
    if let Some(failure) = all.into_iter().find(|failure| failure.code != failure::INTERFACE_DOWN) {
        warn(&format!("{}\n[{}] {}", failure.message, failure.code, failure.advice));
    }
    Ok(if list.failure.is_some() { 2 } else { 0 })
}

fn write_interface(out: &mut impl Write, interface: &Interface) -> io::Result<()> {
    let state = match (&interface.failure, interface.up, interface.running) {
        (Some(failure), ..) => failure.code.as_str(),
        (None, true, true) => "up",
        (None, true, false) => "no carrier",
        (None, false, _) => "down",
    };
    write!(out, "{:<16} {state:<24}", interface.name)?;
    let words = [interface.mac.as_deref().unwrap_or_default(), &interface.description];
    let addresses = interface.addresses.iter().map(String::as_str);
    for word in words.into_iter().chain(addresses).filter(|word| !word.is_empty()) {
        write!(out, " {word}")?;
    }
    writeln!(out)
}
