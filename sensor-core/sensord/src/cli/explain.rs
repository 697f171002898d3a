//! `sensord explain`: why a rule told of a flow of a capture, or did not.

use std::io::{self, BufWriter, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use sensor_core::detect::explain::{Chosen, Explainer, MOST_LISTED, Unexplained};
use sensor_core::rules::{Refusal, Ruleset};

use super::{RuleSources, Settings};
use crate::capture::Batch;
use crate::capture::file::CaptureReader;
use crate::{explanation, pipeline, settings};

#[derive(Debug, Args)]
pub(super) struct Explain {
    /// The capture.
    capture: PathBuf,
    /// Number of the rule.
    #[arg(long)]
    sid: u32,
    /// Group of the rule.
    #[arg(long, default_value_t = 1)]
    gid: u32,
    /// This flow alone: its id (`flow_id` in EVE), or its ends in either order, as 10.0.0.1:49152-192.0.2.7:80, the
    /// ports left out for any.
    #[arg(long, value_name = "ID|ENDS", value_parser = chosen)]
    flow: Option<Chosen>,
    /// List 1,000 flows at most; ten without.
    #[arg(long)]
    all: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    rules: RuleSources,
    /// Run the rules that the sensor brings along beside those of --rules; they are taken where no --rules are given.
    #[arg(long)]
    starter_rules: bool,
    #[command(flatten)]
    settings: Settings,
    /// Verify checksums as `replay` does.
    #[arg(long)]
    verify_checksums: bool,
}

/// Runs `sensord explain`; the answer is the exit code: 0 if there is an explanation, 2 if the capture was damaged.
pub(super) fn run(args: &Explain) -> Result<u8> {
    let settings = args.settings.all()?;
    let mut config = super::config(&settings)?;
    if !config.protocols {
        bail!("--set inspect.protocols=no: rules need the protocols of flows");
    }
    config.verify_checksums = args.verify_checksums;
    settings::conclude(&mut config, &settings);
    let starter = args.starter_rules || args.rules.rules.is_empty();
    let set = args.rules.read(starter, &settings, &mut config)?;
    let explainer = Explainer::new(&set, (args.gid, args.sid), args.flow, config);
    let mut explainer = explainer.map_err(|error| unexplained(&set, error))?;
    let ended = read(&mut explainer, &args.capture);
    let told = explainer.finish(if args.all { MOST_LISTED } else { FEW });
    let mut out = BufWriter::new(io::stdout().lock());
    let written = if args.json {
        serde_json::to_writer(&mut out, &told).map_err(io::Error::from).and_then(|()| writeln!(out))
    } else {
        explanation::write(&mut out, &told)
    };
    match written.and_then(|()| out.flush()) {
        // The reader, a pager say, has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        other => other.context("standard output cannot be written")?,
    }
    Ok(match ended {
        Ok(()) => 0,
        Err(error) => {
            // Standard error may be closed: there is nobody left to tell then.
            let _ = writeln!(io::stderr(), "sensord: {error}");
            2
        }
    })
}

/// Reads the capture to its end, or to where it is damaged.
fn read(explainer: &mut Explainer, capture: &std::path::Path) -> Result<(), crate::capture::file::CaptureError> {
    let mut reader = CaptureReader::open(capture)?;
    let mut batch = Batch::default();
    while reader.fill(&mut batch)? {
        explainer.ingest(batch.frames.iter().map(|meta| pipeline::frame(&batch, meta)));
    }
    Ok(())
}

/// Says where a rule that is refused stands, and which come next to one that is not there.
fn unexplained(set: &Ruleset, error: Unexplained) -> anyhow::Error {
    if let Unexplained::Refused(refusal) = &error {
        let file = set.files().get(refusal.file as usize).map_or("", |name| name);
        let Refusal { line, column, keyword, reason, .. } = refusal;
        let colon = if keyword.is_empty() { "" } else { ": " };
        return anyhow!("the rule cannot be run: {file}:{line}:{column}: {keyword}{colon}{reason}");
    }
    if let Unexplained::Unknown { gid, sid, near } = &error
        && !near.is_empty()
    {
        let near: Vec<_> = near.iter().map(ToString::to_string).collect();
        return anyhow!("there is no rule {gid}:{sid} among {}; next to it are {}", set.rules().len(), near.join(", "));
    }
    error.into()
}

/// A flow's id, or its ends.
fn chosen(text: &str) -> Result<Chosen, String> {
    if let Ok(id) = text.parse() {
        return Ok(Chosen::Id(id));
    }
    let end = |text: &str| -> Option<(IpAddr, Option<u16>)> {
        let with_port = text.parse::<SocketAddr>().ok().map(|end| (end.ip(), Some(end.port())));
        with_port.or_else(|| Some((text.parse().ok()?, None)))
    };
    let ends = text.split_once('-').and_then(|(a, b)| Some([end(a)?, end(b)?]));
    ends.map(Chosen::Ends).ok_or_else(|| "a flow's id, or its ends as ADDRESS:PORT-ADDRESS:PORT".to_owned())
}

/// Flows that are listed unless all are asked for.
const FEW: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flows_are_named_by_id_or_by_their_ends() {
        assert_eq!(chosen("184"), Ok(Chosen::Id(184)));
        let (a, b) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        assert_eq!(chosen("10.0.0.1:5-10.0.0.2:80"), Ok(Chosen::Ends([(a, Some(5)), (b, Some(80))])));
        assert_eq!(chosen("10.0.0.1-10.0.0.2:80"), Ok(Chosen::Ends([(a, None), (b, Some(80))])));
        let v6 = "2001:db8::1".parse().unwrap();
        assert_eq!(chosen("[2001:db8::1]:53-2001:db8::1"), Ok(Chosen::Ends([(v6, Some(53)), (v6, None)])));
        assert!(chosen("10.0.0.1").is_err() && chosen("a-b").is_err());
    }
}
