//! `sensord rules`: what can be run of rules, and why the rest can't.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use sensor_core::applayer::protocols;
use sensor_core::detect;
use sensor_core::rules::{Kind, Refusal, Rule, Ruleset, Variables};
use serde::Serialize;

use crate::rules::files;

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
        if let Err(error) = files::read(&mut set, path) {
            unreadable = true;
            super::warn(&format!("{error:#}"));
        }
    }
    files::provide(&mut set);
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

#[derive(Serialize)]
struct Report<'a> {
    loaded: usize,
    refused: usize,
    disabled: usize,
    /// Keywords that rules use and that change nothing here: how many running rules each is in.
    without_effect: BTreeMap<String, usize>,
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
    let refused = |rule: &Rule| compiled.iter().any(|it| (it.file, it.sid) == (rule.file, Some(rule.sid)));
    let mut without_effect = BTreeMap::new();
    for rule in set.rules().iter().filter(|rule| rule.enabled) {
        let keywords: BTreeSet<String> = rule.without_effect().collect();
        if !keywords.is_empty() && !refused(rule) {
            keywords.into_iter().for_each(|keyword| *without_effect.entry(keyword).or_default() += 1);
        }
    }
    Report {
        without_effect,
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
    for (keyword, rules) in &report.without_effect {
        writeln!(out, "{rules:>10}  run without {keyword}, which has no effect here")?;
    }
    for Line { file, line, column, sid, keyword, reason } in &report.refusals {
        let sid = sid.map_or_else(String::new, |sid| format!("sid {sid}: "));
        let colon = if keyword.is_empty() { "" } else { ": " };
        writeln!(out, "{file}:{line}:{column}: {sid}{keyword}{colon}{reason}")?;
    }
    Ok(())
}
