//! `sensord replay` as it is called: flows and hosts of small captures field by field, and damaged captures.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, reason = "clippy allows them in tests alone")]

mod damage;
mod explain;
mod flows;
mod hosts;
mod ips;
mod rules;
mod workers;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// What a replay gave.
struct Replay {
    /// The exit code; `None` after a signal.
    code: Option<i32>,
    /// Packets and flows, as the report counts them; `None` where there was no report.
    counts: Option<(u64, u64)>,
    /// The flow records of the EVE lines.
    events: Vec<Value>,
    /// What discovery found.
    found: Vec<Value>,
    /// All other records: alerts, and what protocols said.
    others: Vec<Value>,
    /// Standard error.
    said: String,
}

/// Replays a capture with EVE lines on standard output.
fn replay(capture: &Path) -> Replay {
    replay_with(capture, &[])
}

/// The same with more options.
fn replay_with(capture: &Path, options: &[&str]) -> Replay {
    replay_within(capture, options, ADDRESS_SPACE_KIB)
}

/// The same with so many KiB of address space, where the system has such a limit. What goes past it is an abort, and
/// shows as a signal.
fn replay_within(capture: &Path, options: &[&str], kib: u64) -> Replay {
    let binary = env!("CARGO_BIN_EXE_sensord");
    let mut command = if cfg!(target_os = "linux") {
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("ulimit -v {kib} && exec \"$0\" \"$@\"")).arg(binary);
        command
    } else {
        Command::new(binary)
    };
    let output = command
        .arg("replay")
        .arg(capture)
        .args(["--eve", "-"])
        .args(options)
        .env_remove("NIGHTJAR_LOG")
        .stdin(Stdio::null())
        .output()
        .expect("the sensor starts");
    let said = String::from_utf8(output.stderr).expect("standard error is UTF-8");
    let lines = String::from_utf8(output.stdout).expect("EVE is UTF-8");
    assert!(lines.is_empty() || lines.ends_with('\n'), "{}: the last line is whole", capture.display());
    let records = lines.lines().map(|line| -> Value {
        serde_json::from_str(line).unwrap_or_else(|e| panic!("{}: {e}: {line}", capture.display()))
    });
    let (events, others): (Vec<Value>, Vec<Value>) = records.partition(|record| record["event_type"] == "flow");
    let (found, others) = others.into_iter().partition(|record| record["event_type"] == "discovery");
    Replay { code: output.status.code(), counts: said.lines().find_map(counts), events, found, others, said }
}

/// `3 packets, 1 flows`.
fn counts(line: &str) -> Option<(u64, u64)> {
    let (packets, flows) = line.split_once(" packets, ")?;
    Some((packets.parse().ok()?, flows.strip_suffix(" flows")?.parse().ok()?))
}

/// A file below the root of the repository.
fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// Address space that is enough for any small capture, however it is damaged: the sensor itself takes a fifth of it.
const ADDRESS_SPACE_KIB: u64 = 256 << 10;
