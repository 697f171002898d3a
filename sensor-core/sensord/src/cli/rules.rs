//! `sensord rules`: what can be run of rules, and why the rest can't.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use flate2::read::MultiGzDecoder;
use sensor_core::applayer::protocols;
use sensor_core::detect;
use sensor_core::rules::{Kind, Refusal, Ruleset, Variables};
use serde::Serialize;

/// Most bytes of one file, unpacked.
const MAX_FILE: u64 = 256 << 20;
/// Most bytes that an archive unpacks to; what is packed may be far smaller.
const MAX_ARCHIVE: u64 = 1 << 30;
/// How deep folders are looked into.
const MAX_DEPTH: usize = 16;
/// Exit code where rules were refused.
const REFUSED: u8 = 1;
/// Exit code where an input could not be read, as for captures.
const UNREADABLE: u8 = 2;

#[derive(Debug, Args)]
pub(super) struct Rules {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say which rules can be run, and of the others why not. Exit code 0: all that are switched on; 1: some are
    /// refused; 2: a file could not be read.
    Check(Check),
}

#[derive(Debug, Args)]
struct Check {
    /// Rule files, folders (their `*.rules`, however deep) or archives (`.tar.gz`); a single `.gz` is unpacked.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Set an address variable; repeatable.
    #[arg(long = "address-var", value_name = "NAME=ADDRESSES")]
    addresses: Vec<String>,
    /// Set a port variable; repeatable.
    #[arg(long = "port-var", value_name = "NAME=PORTS")]
    ports: Vec<String>,
}

/// Runs `sensord rules`; the answer is the exit code.
pub(super) fn run(rules: &Rules) -> Result<u8> {
    let Command::Check(check) = &rules.command;
    let mut variables = Variables::default();
    for (kind, all) in [(Kind::Address, &check.addresses), (Kind::Port, &check.ports)] {
        for setting in all {
            let (name, value) = setting.split_once('=').with_context(|| format!("{setting}: written NAME=VALUE"))?;
            if !variables.set(kind, name, value) {
                bail!("{name}: its value is too long");
            }
        }
    }
    let mut set = Ruleset::new(variables);
    let mut unreadable = false;
    for path in &check.paths {
        if let Err(error) = read(&mut set, path, 0) {
            unreadable = true;
            super::warn(&format!("{error:#}"));
        }
    }
    provide(&mut set);
    let (_, refused) = detect::Rules::compile(&set, protocols::all());
    let report = report(&set, &refused);
    let mut out = BufWriter::new(io::stdout().lock());
    let written =
        if check.json { json(&mut out, &report) } else { table(&mut out, &report) }.and_then(|()| out.flush());
    match written {
        // The reader, a pager say, has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        other => other.context("standard output cannot be written")?,
    }
    Ok(match (unreadable, report.refused) {
        (true, _) => UNREADABLE,
        (false, 0) => 0,
        (false, _) => REFUSED,
    })
}

/// Reads a file, a folder or an archive into a set.
pub(super) fn read(set: &mut Ruleset, path: &Path, depth: usize) -> Result<()> {
    let name = path.display().to_string();
    if path.is_dir() {
        if depth > MAX_DEPTH {
            bail!("{name}: folders stand too deep in each other");
        }
        let mut entries: Vec<PathBuf> = std::fs::read_dir(path)
            .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect())
            .with_context(|| name.clone())?;
        entries.sort();
        for entry in entries {
            let is_rules = entry.extension().is_some_and(|extension| extension == "rules");
            // A link could lead back up.
            if is_rules || (entry.is_dir() && !entry.is_symlink()) {
                read(set, &entry, depth + 1)?;
            }
        }
        return Ok(());
    }
    let file = File::open(path).with_context(|| name.clone())?;
    if name.ends_with(".tar.gz") || name.ends_with(".tgz") {
        return archive(set, &name, MultiGzDecoder::new(file).take(MAX_ARCHIVE));
    }
    let bytes = if name.ends_with(".gz") { limited(MultiGzDecoder::new(file)) } else { limited(file) };
    set.read(&name, &bytes.with_context(|| name.clone())?);
    Ok(())
}

/// Gives the rules the files they name: beside their own file, or where the program was started.
pub(super) fn provide(set: &mut Ruleset) {
    let wanted: Vec<(String, PathBuf)> = set
        .wanted()
        .into_iter()
        .map(|(name, file)| (name.to_owned(), Path::new(file).parent().unwrap_or(Path::new("")).join(name)))
        .collect();
    for (name, beside) in wanted {
        let bytes = File::open(&beside).or_else(|_| File::open(&name)).and_then(limited);
        // A rule whose file is missing is refused with its name.
        if let Ok(bytes) = bytes {
            set.provide(&name, bytes);
        }
    }
}

fn archive(set: &mut Ruleset, name: &str, packed: impl Read) -> Result<()> {
    let mut archive = tar::Archive::new(packed);
    let mut files = Vec::new();
    for entry in archive.entries().with_context(|| name.to_owned())? {
        let entry = entry.with_context(|| name.to_owned())?;
        let path = entry.path().with_context(|| name.to_owned())?.into_owned();
        if entry.header().entry_type().is_file() && path.extension().is_some_and(|extension| extension == "rules") {
            let inner = format!("{name}/{}", path.display());
            let bytes = limited(entry).with_context(|| inner.clone())?;
            files.push((inner, bytes));
        }
    }
    files.sort();
    files.iter().for_each(|(inner, bytes)| set.read(inner, bytes));
    Ok(())
}

/// All bytes, if they are not too many.
fn limited(input: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "more than 256 MiB"));
    }
    Ok(bytes)
}

#[derive(Serialize)]
struct Report<'a> {
    loaded: usize,
    refused: usize,
    disabled: usize,
    refusals: Vec<Line<'a>>,
}

#[derive(Serialize)]
struct Line<'a> {
    file: &'a str,
    line: u32,
    column: u32,
    sid: Option<u32>,
    keyword: &'a str,
    reason: &'a str,
}

/// What was refused where rules were read, and where they were compiled.
fn report<'a>(set: &'a Ruleset, compiled: &'a [Refusal]) -> Report<'a> {
    let refusals: Vec<_> = set.refusals().iter().chain(compiled).filter(|refusal| refusal.enabled).collect();
    let line = |refusal: &&'a Refusal| Line {
        file: usize::try_from(refusal.file).ok().and_then(|file| set.files().get(file)).map_or("", |name| name),
        line: refusal.line,
        column: refusal.column,
        sid: refusal.sid,
        keyword: &refusal.keyword,
        reason: &refusal.reason,
    };
    Report {
        loaded: set.loaded().saturating_sub(compiled.iter().filter(|refusal| refusal.enabled).count()),
        refused: refusals.len(),
        disabled: set.disabled(),
        refusals: refusals.iter().map(line).collect(),
    }
}

fn json(out: &mut impl Write, report: &Report<'_>) -> io::Result<()> {
    serde_json::to_writer(&mut *out, report)?;
    writeln!(out)
}

fn table(out: &mut impl Write, report: &Report<'_>) -> io::Result<()> {
    writeln!(out, "{:>10}  loaded", report.loaded)?;
    writeln!(out, "{:>10}  refused", report.refused)?;
    writeln!(out, "{:>10}  disabled", report.disabled)?;
    for Line { file, line, column, sid, keyword, reason } in &report.refusals {
        let sid = sid.map_or_else(String::new, |sid| format!("sid {sid}: "));
        let colon = if keyword.is_empty() { "" } else { ": " };
        writeln!(out, "{file}:{line}:{column}: {sid}{keyword}{colon}{reason}")?;
    }
    Ok(())
}
