//! The command line.

use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::{Args, Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use sensor_core::Engine;
use sensor_core::engine::Config;
use sensor_link::{KeyPair, PublicKey};

use crate::capture::file::CaptureReader;
use crate::eve::EveWriter;
use crate::pipeline::{self, Pipeline};
use crate::{serve, settings, watch};

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
    /// Serve one viewer over standard input and output: how the app runs its local sensor.
    Serve(Serve),
}

#[derive(Debug, Args)]
struct Replay {
    /// The capture.
    capture: PathBuf,
    /// Write EVE JSON lines to this file; `-` is standard output.
    #[arg(long, value_name = "FILE|-")]
    eve: Option<PathBuf>,
    /// Rule file; repeatable.
    #[arg(long, value_name = "FILE")]
    rules: Vec<PathBuf>,
    /// Own networks: CIDRs, or `any`.
    #[arg(long, value_name = "CIDRS|any", default_value = "any")]
    home_net: String,
    /// Other networks: CIDRs, or `any`.
    #[arg(long, value_name = "CIDRS|any", default_value = "any")]
    external_net: String,
    /// Set a value; repeatable.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    /// Verify IP, TCP, UDP and ICMP checksums: a packet with a wrong one is counted, but changes no flow's state.
    #[arg(long)]
    verify_checksums: bool,
    /// Behave as an inline sensor.
    #[arg(long)]
    ips: bool,
    #[command(flatten)]
    pace: Pace,
}

#[derive(Debug, Args)]
struct Watch {
    /// The capture.
    capture: PathBuf,
    /// Set a value; repeatable.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    #[command(flatten)]
    pace: Pace,
}

#[derive(Debug, Args)]
struct Serve {
    /// Speak over standard input and output.
    #[arg(long, required = true)]
    stdio: bool,
    /// Public key of the viewer, 64 hexadecimal digits.
    #[arg(long, value_name = "KEY")]
    viewer: PublicKey,
    /// The capture to replay.
    #[arg(long, value_name = "CAPTURE")]
    replay: PathBuf,
    /// Name of this sensor.
    #[arg(long, default_value = "local")]
    name: String,
    #[command(flatten)]
    pace: Pace,
}

#[derive(Debug, Args)]
struct Pace {
    /// Replay at this multiple of the packets' own time; full speed unless given.
    #[arg(long, value_name = "1..1000", value_parser = clap::value_parser!(u16).range(1..=1000))]
    speed: Option<u16>,
}

/// Runs a command; the answer is the exit code: 2 when the capture was damaged or unreadable.
///
/// # Errors
/// Anything but the capture: settings, keys, an output that cannot be written.
pub fn run(cli: Cli) -> Result<u8> {
    match cli.command {
        Command::Replay(args) => replay(args),
        Command::Watch(args) => watch_rows(&args),
        Command::Serve(args) => serve_stdio(args),
    }
}

fn replay(args: Replay) -> Result<u8> {
    for (option, networks) in [("--home-net", &args.home_net), ("--external-net", &args.external_net)] {
        check_networks(networks).with_context(|| format!("{option} {networks}"))?;
    }
    let mut config = config(&args.settings)?;
    config.window_ns = None;
    for rules in &args.rules {
        File::open(rules).with_context(|| format!("rules {}", rules.display()))?;
        warn(&format!("{}: its rules are not run: this version has no rule engine", rules.display()));
    }
    config.verify_checksums = args.verify_checksums;
    if args.ips {
        warn("--ips: changes nothing without rules");
    }
    let out: Option<Box<dyn Write>> = match &args.eve {
        None => None,
        Some(path) if path.as_os_str() == "-" => Some(Box::new(io::stdout().lock())),
        Some(path) => Some(Box::new(File::create(path).with_context(|| format!("--eve {}", path.display()))?)),
    };
    let eve = EveWriter::new(out.map(|out| BufWriter::with_capacity(256 << 10, out)));
    let mut pipeline = Pipeline::new(Engine::new(config), eve, args.pace.speed.map(f64::from));
    read(&mut pipeline, &args.capture);
    pipeline.sink().finish().context("EVE output cannot be written; it is incomplete")?;
    Ok(report(&mut pipeline))
}

fn watch_rows(args: &Watch) -> Result<u8> {
    let config = config(&args.settings)?;
    let mut pipeline = Pipeline::new(Engine::new(config), (), args.pace.speed.map(f64::from));
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

fn serve_stdio(args: Serve) -> Result<u8> {
    let keys = KeyPair::generate().context("no key could be made")?;
    let opened = CaptureReader::open(&args.replay);
    let sandbox = crate::sandbox::enter();
    tracing::info!(?sandbox, "sandbox");
    let (handle, queries) = pipeline::queries();
    let config = Config { seed: seed(), ..Config::default() };
    let speed = args.pace.speed.map(f64::from);
    let engine = std::thread::spawn(move || {
        let mut pipeline = Pipeline::new(Engine::new(config), (), speed);
        match opened {
            Ok(reader) => pipeline.replay(reader, Some(&queries), |_, _| {}),
            Err(error) => pipeline.fail(error),
        }
        pipeline.answer_until_gone(&queries);
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let identity = serve::Identity {
        name: args.name,
        version: env!("CARGO_PKG_VERSION").into(),
        rows: sensor_core::Limits::default().rows as u64,
        ..serve::Identity::default()
    };
    let served = runtime.block_on(serve::serve(
        tokio::io::stdin(),
        tokio::io::stdout(),
        keys,
        vec![args.viewer],
        identity,
        handle,
    ));
    // A read of standard input that never ends must not hold the process.
    runtime.shutdown_background();
    served?;
    let _ = engine;
    Ok(0)
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
fn read<S: sensor_core::FlowSink>(pipeline: &mut Pipeline<S>, capture: &std::path::Path) {
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
fn report<S: sensor_core::FlowSink>(pipeline: &mut Pipeline<S>) -> u8 {
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

fn warn(words: &str) {
    let _ = writeln!(io::stderr(), "sensord: warning: {words}");
}

/// `any`, or a list of addresses and CIDRs, each may be negated with `!`, in brackets or not.
fn check_networks(networks: &str) -> Result<()> {
    let list = networks.trim().trim_start_matches('!').trim_start_matches('[').trim_end_matches(']');
    for network in list.split(',').map(|n| n.trim().trim_start_matches('!')) {
        if network == "any" {
            continue;
        }
        let (address, prefix) = network.split_once('/').map_or((network, None), |(a, p)| (a, Some(p)));
        let ip: std::net::IpAddr =
            address.parse().with_context(|| format!("{network:?} is neither `any` nor an address or CIDR"))?;
        let most = if ip.is_ipv4() { 32 } else { 128 };
        if prefix.is_some_and(|p| p.parse::<u8>().map_or(true, |p| p > most)) {
            bail!("{network:?}: the prefix is not within 0..{most}");
        }
    }
    Ok(())
}
