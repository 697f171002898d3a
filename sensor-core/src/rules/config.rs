//! The files beside rules: classes, reference systems, thresholds.

use super::ast::Threshold;
use super::fault::{Fault, Parsed, Refusal};
use super::header::{Address, List};
use super::number::bounded;
use super::options::{Limit, first_word};
use super::variables::Variables;

/// Most entries of one file; those after are refused.
const MAX_ENTRIES: usize = 1 << 16;

/// A class of `classification.config`: `config classification: name,description,priority`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Classification {
    /// What rules call it.
    pub name: Box<str>,
    /// What people call it.
    pub description: Box<str>,
    /// The lowest number first.
    pub priority: u32,
}

/// A system of `reference.config`: `config reference: name prefix`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferenceSystem {
    /// What rules call it.
    pub name: Box<str>,
    /// What stands before a reference's id in its address.
    pub prefix: Box<str>,
}

/// A line of `threshold.config`. A `gid` or `sid` of 0 stands for all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ThresholdLine {
    /// `threshold`, `event_filter`
    Limit {
        /// Group.
        gid: u32,
        /// Rule.
        sid: u32,
        /// How often is told.
        threshold: Threshold,
    },
    /// `suppress`
    Suppress {
        /// Group.
        gid: u32,
        /// Rule.
        sid: u32,
        /// Of which addresses; of all, where none are given.
        of: Option<(SuppressBy, List<Address>)>,
    },
    /// `rate_filter`
    Rate {
        /// Group.
        gid: u32,
        /// Rule.
        sid: u32,
        /// When it comes into force.
        threshold: Threshold,
        /// What the rule does then.
        action: RateAction,
        /// For how many seconds.
        timeout: u32,
    },
}

impl ThresholdLine {
    /// Group and rule it is about; 0 stands for all.
    #[must_use]
    pub fn of(&self) -> (u32, u32) {
        match self {
            ThresholdLine::Limit { gid, sid, .. }
            | ThresholdLine::Suppress { gid, sid, .. }
            | ThresholdLine::Rate { gid, sid, .. } => (*gid, *sid),
        }
    }
}

/// Which address `suppress` is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SuppressBy {
    /// Source.
    Source,
    /// Destination.
    Destination,
    /// Either.
    Either,
}

/// What a rule does while its rate is too high.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateAction {
    /// Alerts.
    Alert,
    /// Drops.
    Drop,
    /// Passes.
    Pass,
    /// Rejects.
    Reject,
}

/// Reads a `classification.config`; lines that are none are refusals whose file is 0.
#[must_use]
pub fn classifications(file: &[u8]) -> (Vec<Classification>, Vec<Refusal>) {
    entries(file, |line| {
        let body =
            line.strip_prefix("config").map(str::trim_start).and_then(|rest| rest.strip_prefix("classification:"));
        let body = body.ok_or_else(|| Fault::at(line, "written config classification: name,description,priority"))?;
        let (name, rest) = body.split_once(',').ok_or_else(|| Fault::at(body, "the description is missing"))?;
        let (description, priority) =
            rest.rsplit_once(',').ok_or_else(|| Fault::at(rest, "the priority is missing"))?;
        let priority = bounded(priority, 1, 255)?;
        Ok(Classification { name: name.trim().into(), description: description.trim().into(), priority })
    })
}

/// Reads a `reference.config`; as [`classifications`].
#[must_use]
pub fn reference_systems(file: &[u8]) -> (Vec<ReferenceSystem>, Vec<Refusal>) {
    entries(file, |line| {
        let body = line.strip_prefix("config").map(str::trim_start).and_then(|rest| rest.strip_prefix("reference:"));
        let body = body.ok_or_else(|| Fault::at(line, "written config reference: name prefix"))?;
        let (name, prefix) = first_word(body);
        if name.is_empty() || prefix.is_empty() {
            return Err(Fault::at(body, "the name or the prefix is missing"));
        }
        Ok(ReferenceSystem { name: name.into(), prefix: prefix.into() })
    })
}

/// Reads a `threshold.config`; as [`classifications`].
#[must_use]
pub fn thresholds(file: &[u8], variables: &Variables) -> (Vec<ThresholdLine>, Vec<Refusal>) {
    entries(file, |line| threshold_line(line, variables))
}

fn threshold_line(line: &str, variables: &Variables) -> Parsed<ThresholdLine> {
    let (kind, rest) = first_word(line);
    let missing = |what: &str| Fault::at(line, format!("{what} is missing"));
    let (mut gid, mut sid, mut limit) = (None, None, Limit::default());
    let (mut by, mut ip, mut action, mut timeout) = (None, None, None, None);
    for part in top_level(rest) {
        match (kind, first_word(part)) {
            (_, ("gen_id", number)) => gid = Some(bounded(number, 0, u32::MAX)?),
            (_, ("sig_id", number)) => sid = Some(bounded(number, 0, u32::MAX)?),
            ("suppress", ("track", word)) => {
                by = Some(match word {
                    "by_src" => SuppressBy::Source,
                    "by_dst" => SuppressBy::Destination,
                    "by_either" => SuppressBy::Either,
                    _ => return Err(Fault::at(word, "by_src, by_dst or by_either")),
                });
            }
            ("suppress", ("ip", list)) => ip = Some(List::<Address>::parse(list, variables)?),
            ("rate_filter", ("new_action", word)) => {
                action = Some(match word {
                    "alert" => RateAction::Alert,
                    "drop" => RateAction::Drop,
                    "pass" => RateAction::Pass,
                    "reject" => RateAction::Reject,
                    _ => return Err(Fault::at(word, "alert, drop, pass or reject")),
                });
            }
            ("rate_filter", ("timeout", number)) => timeout = Some(bounded(number, 0, u32::MAX)?),
            ("threshold" | "event_filter" | "rate_filter", _) if limit.take(part)? => {}
            _ => return Err(Fault::at(part, format!("{part:?} cannot be said here"))),
        }
    }
    let (gid, sid) = (gid.ok_or_else(|| missing("gen_id"))?, sid.ok_or_else(|| missing("sig_id"))?);
    match kind {
        "threshold" | "event_filter" => Ok(ThresholdLine::Limit { gid, sid, threshold: limit.done(line, None)? }),
        "suppress" => match (by, ip) {
            (None, None) => Ok(ThresholdLine::Suppress { gid, sid, of: None }),
            (Some(by), Some(ip)) => Ok(ThresholdLine::Suppress { gid, sid, of: Some((by, ip)) }),
            (None, Some(_)) => Err(missing("track")),
            (Some(_), None) => Err(missing("ip")),
        },
        "rate_filter" => Ok(ThresholdLine::Rate {
            gid,
            sid,
            threshold: limit.done(line, Some(super::ast::ThresholdKind::Filter))?,
            action: action.ok_or_else(|| missing("new_action"))?,
            timeout: timeout.ok_or_else(|| missing("timeout"))?,
        }),
        _ => Err(Fault::at(kind, format!("{kind:?} is none of threshold, event_filter, suppress, rate_filter"))),
    }
}

/// Parts between commas that are not within brackets.
fn top_level(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0usize;
    text.split(move |char| {
        match char {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        char == ',' && depth == 0
    })
    .map(str::trim)
}

fn entries<T>(file: &[u8], read: impl Fn(&str) -> Parsed<T>) -> (Vec<T>, Vec<Refusal>) {
    let (mut all, mut refusals) = (Vec::new(), Vec::new());
    for (number, bytes) in (1u32..).zip(file.split(|byte| *byte == b'\n')) {
        let text = String::from_utf8_lossy(bytes);
        let line = text.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let entry = if all.len() + refusals.len() < MAX_ENTRIES {
            read(line)
        } else {
            Err(Fault::here("more than 65536 entries"))
        };
        match entry {
            Ok(entry) => all.push(entry),
            Err(fault) => {
                let before = fault.offset_in(&text).and_then(|offset| text.get(..offset));
                let column = before.map_or(1, |before| before.chars().count() + 1);
                let column = u32::try_from(column).unwrap_or(u32::MAX);
                let (keyword, reason) = (Box::default(), fault.reason.into());
                refusals.push(Refusal { file: 0, line: number, column, sid: None, keyword, reason, enabled: true });
                if refusals.len() >= MAX_ENTRIES {
                    break;
                }
            }
        }
    }
    (all, refusals)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::ast::{ThresholdKind, Track};

    #[test]
    fn classes_and_references() {
        let (classes, refused) = classifications(b"# x\r\nconfig classification: a-b,Some, thing,2\r\nconfig c\n");
        assert_eq!(classes, [Classification { name: "a-b".into(), description: "Some, thing".into(), priority: 2 }]);
        assert_eq!((refused.len(), refused[0].line, refused[0].column), (1, 3, 1));
        let (systems, refused) = reference_systems(b"config reference: cve   https://x/?n=\nconfig reference: cve");
        assert_eq!(systems, [ReferenceSystem { name: "cve".into(), prefix: "https://x/?n=".into() }]);
        assert_eq!(refused.len(), 1);
    }

    #[test]
    fn threshold_lines() {
        let file = b"threshold gen_id 1, sig_id 7, type limit, track by_src, count 1, seconds 60\n\
            suppress gen_id 1, sig_id 8, track by_either, ip [10.0.0.0/8,!$HOME_NET]\n\
            suppress gen_id 1, sig_id 9\n\
            rate_filter gen_id 1, sig_id 2, track by_rule, count 3, seconds 5, new_action drop, timeout 30\n\
            threshold gen_id 1, sig_id 7, type limit, track by_nobody, count 1, seconds 60\n";
        let (lines, refused) = thresholds(file, &Variables::default());
        assert_eq!(lines.len(), 4);
        let ThresholdLine::Limit { sid: 7, threshold, .. } = &lines[0] else { panic!("{:?}", lines[0]) };
        assert_eq!((threshold.kind, threshold.track), (ThresholdKind::Limit, Track::Source));
        assert!(matches!(&lines[1], ThresholdLine::Suppress { of: Some((SuppressBy::Either, _)), .. }));
        assert!(matches!(&lines[3], ThresholdLine::Rate { action: RateAction::Drop, timeout: 30, .. }));
        assert_eq!((refused[0].line, refused[0].column), (5, 49));
    }
}
