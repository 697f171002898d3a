//! The command line.

mod events;
mod explain;
mod live;
mod manual;
mod pair;
mod rules;
mod serve;

use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use clap::{Args, Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use sensor_core::Networks;
use sensor_core::engine::Config;
use sensor_core::rules::{Kind, Refusal, Ruleset, Variables};
use sensor_wire::rules::RuleSetup;

use crate::capture::file::CaptureReader;
use crate::crew::Output;
use crate::eve::{EveWriter, Types};
use crate::pipeline::{self, Pipeline};
use crate::rules::{Book, STARTER, files, starter_rules};
use crate::{settings, watch};

/// Nightjar's sensor.
#[derive(Debug, Parser)]
#[command(name = "sensord", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Replay a capture (pcap or pcapng, plain, gzip or zstd) and write its flow records.
    Replay(Replay),
    /// Replay a capture and show the rows of the grid as a table.
    Watch(Watch),
    /// Capture from an interface and write its flow records, until Ctrl-C.
    Run(live::Run),
    /// List the interfaces and whether they can be captured from.
    Interfaces(live::List),
    /// Replay or capture for viewers: one over standard input and output, which is how the app runs its local sensor, or
    /// any number over TCP.
    Serve(serve::Serve),
    /// Make the sensor's key, or show it if it has one.
    Keygen(pair::Keygen),
    /// Invite a viewer: print what it needs to find and trust this sensor, good once and for a while.
    Pair(pair::Pair),
    /// Show, add or take away those who may look.
    Viewers(pair::Viewers),
    /// Look at rules.
    Rules(rules::Rules),
    /// Say why a rule told of a flow of a capture, or did not: of each option of the rule the buffer, offset and length
    /// it matched, and the first that did not hold.
    Explain(explain::Explain),
    /// Print what makes a shell complete commands and options.
    Completions(manual::Completions),
    /// Write a manual page for each command into a folder.
    Man(manual::Man),
}

#[derive(Debug, Args)]
struct Replay {
    /// The capture.
    capture: PathBuf,
    #[command(flatten)]
    eve: Eve,
    #[command(flatten)]
    rules: RuleSources,
    #[command(flatten)]
    settings: Settings,
    /// Verify IP, TCP, UDP and ICMP checksums: a packet with a wrong one is counted, but changes no flow's state.
    #[arg(long)]
    verify_checksums: bool,
    /// Behave as an inline sensor.
    #[arg(long)]
    ips: bool,
    #[command(flatten)]
    pace: Pace,
    #[command(flatten)]
    workers: Workers,
}

/// Rules of a replay, and the networks they name.
#[derive(Debug, Args)]
struct RuleSources {
    /// Rules: a file, a folder or an archive; repeatable.
    #[arg(long, value_name = "PATH")]
    rules: Vec<PathBuf>,
    /// Own networks: CIDRs, or `any`. Discovery tells of hosts in them, and of those on the capture's own link.
    #[arg(long, value_name = "CIDRS|any", default_value = "any")]
    home_net: String,
    /// Other networks: CIDRs, or `any`.
    #[arg(long, value_name = "CIDRS|any", default_value = "any")]
    external_net: String,
    /// Set an address variable of rules; repeatable.
    #[arg(long = "address-var", value_name = "NAME=ADDRESSES", value_parser = variable)]
    addresses: Vec<(String, String)>,
    /// Set a port variable of rules; repeatable.
    #[arg(long = "port-var", value_name = "NAME=PORTS", value_parser = variable)]
    ports: Vec<(String, String)>,
}

impl RuleSources {
    /// Reads the rules, those that the sensor brings along first where they are wanted, and the files that settings
    /// name beside them. The engine is told of the own networks.
    fn read(&self, starter: bool, settings: &[String], config: &mut Config) -> Result<Ruleset> {
        let RuleSources { rules, home_net, external_net, addresses, ports } = self;
        config.home = Networks::parse(home_net).with_context(|| format!("--home-net {home_net}"))?;
        Networks::parse(external_net).with_context(|| format!("--external-net {external_net}"))?;
        let mut variables = Variables::default();
        for (name, value) in [("HOME_NET", home_net), ("EXTERNAL_NET", external_net)] {
            let value = if value == "any" || value.starts_with('[') { value.clone() } else { format!("[{value}]") };
            if !variables.set(Kind::Address, name, &value) {
                bail!("{name}: its value is too long");
            }
        }
        for (kind, all) in [(Kind::Address, addresses), (Kind::Port, ports)] {
            for (name, value) in all {
                if !variables.set(kind, name, value) {
                    bail!("{name}: its value is too long");
                }
            }
        }
        let mut set = Ruleset::new(variables);
        if starter {
            set.read(STARTER, starter_rules());
        }
        for path in rules {
            files::read(&mut set, path)?;
        }
        files::provide(&mut set);
        files::beside(&mut set, settings)?;
        Ok(set)
    }
}

/// What is set, in a file and on the command line.
#[derive(Debug, Args)]
struct Settings {
    /// Read values from this TOML file; `--set` outweighs it.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Set a value; repeatable.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
}

impl Settings {
    /// As `KEY=VALUE`, the later ones outweighing the earlier.
    fn all(&self) -> Result<Vec<String>> {
        let mut all = Vec::new();
        if let Some(path) = &self.config {
            let text = std::fs::read_to_string(path).with_context(|| format!("--config {}", path.display()))?;
            all = settings::of_toml(&text).with_context(|| format!("--config {}", path.display()))?;
        }
        all.extend_from_slice(&self.set);
        Ok(all)
    }
}

#[derive(Debug, Args)]
struct Watch {
    /// The capture.
    capture: PathBuf,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    rules: RuleArgs,
    #[command(flatten)]
    pace: Pace,
    #[command(flatten)]
    workers: Workers,
}

/// Which rules run where nothing else says so.
#[derive(Clone, Debug, Args)]
struct RuleArgs {
    /// Rules to run in place of those that the sensor brings along: a file, a folder (its `*.rules`) or an archive
    /// (`.tar.gz`); repeatable.
    #[arg(long, value_name = "PATH")]
    rules: Vec<PathBuf>,
    /// Run those that the sensor brings along beside those of --rules.
    #[arg(long)]
    starter_rules: bool,
    /// Own networks, for rules and for discovery: CIDRs, or `any`; private ones unless given.
    #[arg(long, value_name = "CIDRS|any")]
    home_net: Option<String>,
    /// Set an address variable of rules; repeatable.
    #[arg(long = "address-var", value_name = "NAME=ADDRESSES", value_parser = variable)]
    addresses: Vec<(String, String)>,
    /// Set a port variable of rules; repeatable.
    #[arg(long = "port-var", value_name = "NAME=PORTS", value_parser = variable)]
    ports: Vec<(String, String)>,
}

impl RuleArgs {
    /// Reads and compiles the rules and has them run; what is refused is told.
    fn load(&self, settings: &[String], config: &mut Config) -> Result<Arc<Book>> {
        if let Some(home) = &self.home_net {
            config.home = Networks::parse(home).with_context(|| format!("--home-net {home}"))?;
        }
        let book = self.read(settings);
        if let Some(error) = book.counts().unreadable.first() {
            bail!("{error}");
        }
        warn_of(&book);
        if config.protocols {
            config.rules = Some(Arc::clone(&book.rules));
            config.ruleset = Arc::clone(&book.set);
            config.parse.get_or_insert_default();
        } else if !self.rules.is_empty() {
            bail!("--rules and --set inspect.protocols=no: rules need the protocols of flows");
        }
        Ok(Arc::new(book))
    }

    /// Folders from which they can be read again: files are replaced more often than written to.
    fn folders(&self) -> Vec<PathBuf> {
        let folder = |path: &PathBuf| {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            if path.is_dir() { path } else { path.parent().map_or_else(|| path.clone(), Into::into) }
        };
        self.rules.iter().map(folder).collect()
    }

    /// Reads and compiles the rules.
    fn read(&self, settings: &[String]) -> Book {
        let home = self.home_net.iter().map(|value| ("HOME_NET".to_owned(), listed(value)));
        let setup = RuleSetup {
            starter: self.starter_rules || self.rules.is_empty(),
            addresses: home.chain(self.addresses.iter().cloned()).collect(),
            ports: self.ports.clone(),
            ..RuleSetup::default()
        };
        let read = |set: &mut Ruleset| {
            let read = |path| files::read(set, path).err().map(|error| format!("--rules {error:#}"));
            let mut unreadable: Vec<String> = self.rules.iter().map(PathBuf::as_path).filter_map(read).collect();
            files::provide(set);
            unreadable.extend(files::beside(set, settings).err().map(|error| format!("{error:#}")));
            unreadable
        };
        Book::load(&setup, read)
    }
}

/// `NAME=VALUE`
fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("written NAME=VALUE")?;
    Ok((name.to_owned(), listed(value)))
}

/// As headers of rules write a list.
fn listed(value: &str) -> String {
    if value.contains(',') && !value.starts_with('[') { format!("[{value}]") } else { value.to_owned() }
}

/// Says on standard error which rules are not run.
fn warn_of(book: &Book) {
    let all = book.refusals().filter(|refusal| refusal.enabled);
    for Refusal { file, line, column, keyword, reason, .. } in all.take(MOST_REFUSALS) {
        warn(&format!("{}:{line}:{column}: {keyword}: {reason}: the rule is not run", book.file(*file)));
    }
    let rest = (book.counts().refused as usize).saturating_sub(MOST_REFUSALS);
    if rest > 0 {
        warn(&format!("{rest} more rules are not run: see `sensord rules check`"));
    }
}

/// Threads that run rules.
#[derive(Debug, Args)]
struct Workers {
    /// Run rules on so many threads beside the one that keeps flows and rows; the results are the same. `auto` leaves a
    /// core to the latter, and 1 has all done on one thread.
    #[arg(long, value_name = "N|auto", default_value = "auto", value_parser = workers)]
    workers: u32,
}

/// `auto`, or a number.
fn workers(text: &str) -> Result<u32, String> {
    if text == "auto" {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        return Ok(u32::try_from(cores.saturating_sub(1)).unwrap_or(u32::MAX).clamp(1, MOST_WORKERS_UNASKED));
    }
    text.parse().ok().filter(|n| (1..=MOST_WORKERS).contains(n)).ok_or(format!("auto, or 1 to {MOST_WORKERS}"))
}

/// Each worker looks at all frames, if only to pass them over.
const MOST_WORKERS: u32 = 64;
const MOST_WORKERS_UNASKED: u32 = 8;

impl Workers {
    /// A pipeline with as many as can share a capture; says so where they can't.
    fn pipeline<S: Output>(&self, config: Config, sink: S, pace: Option<f64>) -> Pipeline<S> {
        if self.workers > 1
            && let Some(reason) = pipeline::one_thread(&config)
        {
            warn(&format!("all flows are looked at on one thread: {reason}"));
        }
        Pipeline::with_workers(config, sink, pace, self.workers)
    }
}

#[derive(Debug, Args)]
struct Eve {
    /// Write EVE JSON lines to this file; `-` is standard output.
    #[arg(long, value_name = "FILE|-")]
    eve: Option<PathBuf>,
    /// Write only events of these types: alert, flow, dns, ... [default: all]
    #[arg(long, value_name = "TYPE,...", requires = "eve")]
    eve_types: Option<Types>,
}

/// Where lines go.
type Lines = BufWriter<Box<dyn Write>>;

impl Eve {
    fn open(&self) -> Result<Option<Lines>> {
        let out: Box<dyn Write> = match &self.eve {
            None => return Ok(None),
            Some(path) if path.as_os_str() == "-" => Box::new(io::stdout().lock()),
            Some(path) => Box::new(File::create(path).with_context(|| format!("--eve {}", path.display()))?),
        };
        Ok(Some(BufWriter::with_capacity(256 << 10, out)))
    }

    fn types(&self) -> Types {
        self.eve_types.clone().unwrap_or_default()
    }

    /// Whether messages of flows are read for what is written.
    fn reads_messages(&self) -> bool {
        self.eve.is_some() && self.types().of_messages()
    }
}

#[derive(Debug, Args)]
struct Pace {
    /// Replay at this multiple of the packets' own time; full speed unless given.
    #[arg(long, value_name = "1..1000", value_parser = clap::value_parser!(u16).range(1..=1000))]
    speed: Option<u16>,
}

/// Runs a command; the answer is the exit code: 2 when the capture, or rules, were damaged or unreadable.
///
/// # Errors
/// Anything but the capture: settings, keys, an output that cannot be written.
pub fn run(cli: Cli) -> Result<u8> {
    match cli.command {
        Command::Replay(args) => replay(args),
        Command::Watch(args) => watch_rows(&args),
        Command::Run(args) => live::run(&args),
        Command::Interfaces(args) => live::list(&args),
        Command::Serve(args) => serve::run(args),
        Command::Keygen(args) => pair::keygen(&args),
        Command::Pair(args) => pair::pair(&args),
        Command::Viewers(args) => pair::viewers(&args),
        Command::Rules(args) => rules::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Completions(args) => manual::completions(&args),
        Command::Man(args) => manual::pages(&args),
    }
}

fn replay(args: Replay) -> Result<u8> {
    let settings = args.settings.all()?;
    let mut config = config(&settings)?;
    config.window_ns = None;
    let set = load_rules(&args, &settings, &mut config)?;
    config.verify_checksums = args.verify_checksums;
    config.inline = args.ips;
    settings::conclude(&mut config, &settings);
    let out = args.eve.open()?;
    // What nobody reads is not parsed.
    config.parse =
        (args.eve.reads_messages() || config.rules.is_some()).then(|| config.parse.take().unwrap_or_default());
    config.ruleset = Arc::clone(&set);
    let eve = EveWriter::new(out, args.eve.types(), set);
    let mut pipeline = args.workers.pipeline(config, eve, args.pace.speed.map(f64::from));
    read(&mut pipeline, &args.capture);
    pipeline.sink().finish().context("EVE output cannot be written; it is incomplete")?;
    Ok(report(&mut pipeline))
}

/// Reads and compiles the rules of a replay; what is refused is told.
fn load_rules(args: &Replay, settings: &[String], config: &mut Config) -> Result<Arc<Ruleset>> {
    let set = args.rules.read(false, settings, config)?;
    if args.rules.rules.is_empty() {
        return Ok(Arc::new(set));
    }
    if !config.protocols {
        bail!("--rules and --set inspect.protocols=no: rules need the protocols of flows");
    }
    let book = Book::compile(set, Vec::new());
    warn_of(&book);
    config.rules = Some(Arc::clone(&book.rules));
    Ok(book.set)
}

/// Refusals that are told one by one.
const MOST_REFUSALS: usize = 20;

fn watch_rows(args: &Watch) -> Result<u8> {
    let settings = args.settings.all()?;
    let mut config = config(&settings)?;
    args.rules.load(&settings, &mut config)?;
    let mut pipeline = args.workers.pipeline(config, (), args.pace.speed.map(f64::from));
    read(&mut pipeline, &args.capture);
    let mut rows = pipeline.engine().changed_after(0, usize::MAX).rows;
    let mut out = BufWriter::new(io::stdout().lock());
    let written = watch::write_table(&mut out, &mut rows).and_then(|()| out.flush());
    drop(out);
    match written {
        // The reader, a pager say, has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        other => other.context("standard output cannot be written")?,
    }
    Ok(report(&mut pipeline))
}

fn config(settings: &[String]) -> Result<Config> {
    let mut config = Config { seed: seed(), ..Config::default() };
    for warning in settings::apply(settings, &mut config)? {
        warn(&warning);
    }
    Ok(config)
}

/// Unpredictable to those who send packets: the standard library's per-process random keys.
fn seed() -> u64 {
    RandomState::new().hash_one("flow table")
}

/// Replays a capture into a pipeline, with a progress bar on a terminal.
fn read<S: Output>(pipeline: &mut Pipeline<S>, capture: &std::path::Path) {
    let bar = if io::stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {bytes_per_sec} eta {eta}") {
        bar.set_style(style);
    }
    match CaptureReader::open(capture) {
        Ok(reader) => pipeline.replay(reader, None, |read, total| {
            bar.set_length(total);
            bar.set_position(read);
        }),
        Err(error) => pipeline.fail(error),
    }
    bar.finish_and_clear();
}

/// Says on standard error what was read and what was wrong; the exit code.
fn report<S: Output>(pipeline: &mut Pipeline<S>) -> u8 {
    let status = pipeline.status();
    let mut err = io::stderr().lock();
    // Standard error may be closed: there is nobody left to tell then.
    let _ = writeln!(err, "{} packets, {} flows", status.packets, status.flows);
    for (name, count) in &status.anomalies {
        let _ = writeln!(err, "  {count:>10}  {name}");
    }
    match pipeline.take_error() {
        None => 0,
        Some(error) => {
            let _ = writeln!(err, "sensord: {error}");
            2
        }
    }
}

/// A line on standard error, which may be closed: there is nobody to tell then.
fn say(words: std::fmt::Arguments) {
    let _ = writeln!(io::stderr(), "sensord: {words}");
}

fn warn(words: &str) {
    let _ = writeln!(io::stderr(), "sensord: warning: {words}");
}
