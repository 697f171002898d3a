//! Why a rule told of a flow, or did not: asked for by people, found out from the packets once more.
//!
//! The rule that is asked about is compiled alone, with those that leave behind what it asks for, and without a search,
//! so that it is looked at wherever it could match. An engine that runs nothing else takes the capture; at each look
//! the options are tried one by one beside the rule itself, and the attempt that got furthest is kept for each flow.
//! What runs every rule asks for none, and pays a comparison of two numbers for each candidate.

mod asked;
mod attempt;
mod header;
mod inquiry;
mod needed;
mod path;
mod reason;

use std::sync::Arc;

use sensor_wire::explain as wire;
use sensor_wire::explain::{Excluded, Excluding, Explanation};

pub(super) use asked::{Asked, Places};
pub(super) use attempt::Subject;
pub use inquiry::{Chosen, Inquiry, MOST_LISTED};

use super::compile::Rules;
use super::compiled::Kind;
use super::view::FlowView;
use crate::applayer::protocols;
use crate::engine::{Config, Engine, FlowSink, Frame};
use crate::flow::Flow;
use crate::rules::ast::{Body, Rule};
use crate::rules::{Refusal, Ruleset};
use needed::Needed;

/// A rule that is asked about, and an engine that tries it.
#[derive(Debug)]
pub struct Explainer {
    engine: Engine,
    rules: Arc<Rules>,
    midstream: bool,
    frames: u64,
    ended: Ended,
    told: Explanation,
}

/// Why a rule cannot be explained.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unexplained {
    /// There is none of that group and number. Of the group those that come next to it.
    #[error("there is no rule {gid}:{sid}")]
    Unknown {
        /// Group.
        gid: u32,
        /// Number.
        sid: u32,
        /// Numbers before and behind.
        near: Vec<u32>,
    },
    /// It cannot be run.
    #[error("the rule cannot be run: {}", .0.reason)]
    Refused(Refusal),
}

impl Explainer {
    /// Of a rule of a set. `config` says how the engine is set up but for rules, rows and hosts. With a flow chosen the
    /// others are neither tried nor counted.
    ///
    /// # Errors
    /// If there is no such rule, or it cannot be run.
    pub fn new(
        set: &Ruleset,
        (gid, sid): (u32, u32),
        chosen: Option<Chosen>,
        config: Config,
    ) -> Result<Explainer, Unexplained> {
        let asked = find(set, gid, sid)?;
        let beside = needed::beside(set, asked);
        let places: Places = beside.iter().map(|it| it.place).collect();
        let (rules, refusals) = Rules::compile_asked(set, protocols::all(), asked, &places);
        let of = |rule: &Rule| refusals.iter().find(|it| it.sid == Some(rule.sid) && it.file == rule.file).cloned();
        let rule = set.rules().get(asked as usize);
        if let Some(refusal) = rule.filter(|_| rules.asked.is_none()).and_then(of) {
            return Err(Unexplained::Refused(refusal));
        }
        let rules = Arc::new(rules);
        let midstream = config.midstream;
        let mut engine = Engine::new(Config {
            window_ns: None,
            discover: None,
            protocols: true,
            parse: Some(config.parse.clone().unwrap_or_default()),
            rules: Some(Arc::clone(&rules)),
            ..config
        });
        if let Some(inquiry) = engine.inquiry() {
            inquiry.chosen = chosen;
        }
        let beside = beside.iter().filter_map(|it| ran_beside(it, set, of)).collect();
        let told = Explanation { beside, ..rule.map(|rule| described(rule, set)).unwrap_or_default() };
        Ok(Explainer { engine, rules, midstream, frames: 0, ended: Ended::default(), told })
    }

    /// Takes frames in the order of their capture.
    pub fn ingest<'a>(&mut self, frames: impl IntoIterator<Item = Frame<'a>>) {
        for frame in frames {
            self.frames += 1;
            if let Some(inquiry) = self.engine.inquiry() {
                inquiry.frame = Some(self.frames);
            }
            // One at a time, so that what is tried is tried of this one.
            self.engine.ingest([frame], &mut self.ended);
            self.settle();
        }
    }

    /// The capture has ended: what came of the rule, with at most so many flows.
    pub fn finish(&mut self, most: usize) -> Explanation {
        if let Some(inquiry) = self.engine.inquiry() {
            inquiry.frame = None;
        }
        self.engine.finish(&mut self.ended);
        self.settle();
        if let Some(inquiry) = self.engine.inquiry() {
            let (counts, excluded, flows) = inquiry.end(most);
            self.told = Explanation { counts, excluded, flows, ..std::mem::take(&mut self.told) };
        }
        std::mem::take(&mut self.told)
    }

    /// The one flow that is asked about has ended: frames that follow tell nothing more.
    pub fn is_settled(&mut self) -> bool {
        self.engine.inquiry().is_some_and(|inquiry| inquiry.is_settled())
    }

    /// How often what was explained and what the rule did were not the same so far. Anything but 0 is a fault of the
    /// engine; for tests.
    pub fn disagreed(&mut self) -> u64 {
        self.engine.inquiry().map_or(0, |inquiry| inquiry.disagreed())
    }

    fn settle(&mut self) {
        let Explainer { engine, rules, ended, midstream, .. } = self;
        let Some(inquiry) = engine.inquiry() else { return };
        for end in ended.0.drain(..) {
            inquiry.ended(&end.view, || why_not(rules, &end, *midstream));
        }
    }
}

/// Flows that have ended.
#[derive(Debug, Default)]
struct Ended(Vec<End>);

#[derive(Debug)]
struct End {
    view: FlowView,
    v6: bool,
    midstream: bool,
    passed: bool,
}

impl FlowSink for Ended {
    fn flow(&mut self, flow: &Flow) {
        let passed = flow.detection.action() == Some("pass");
        let view = FlowView::of(flow);
        self.0.push(End { view, v6: flow.key.v6, midstream: flow.midstream, passed });
    }
}

/// Why the rule was never tried in a flow.
fn why_not(rules: &Rules, end: &End, midstream: bool) -> Excluded {
    let nothing = |why: &str| (Excluding::Nothing, why.to_owned());
    let fault = || {
        let asked = rules.asked.as_deref()?;
        let rule = rules.get(asked.number)?;
        if let Some(fault) = header::fault_of_flow(rules, asked, rule, &end.view, end.v6) {
            return Some(fault);
        }
        if end.passed {
            return Some((Excluding::Passed, "a rule lets the flow pass".into()));
        }
        if rule.kind == Kind::Frame {
            return Some(nothing("decoding found nothing odd"));
        }
        let reads = rule.kind == Kind::Transaction || rule.in_stream;
        if reads && end.midstream && !midstream {
            return Some((Excluding::Midstream, "the flow's start was not seen (stream.midstream)".into()));
        }
        if rule.kind != Kind::Transaction {
            return Some(nothing("no data went the way it asks for"));
        }
        let app = end.view.app;
        let others = header::buffer_of_others(rule, app).or_else(|| header::event_of_others(rule, app));
        others.or_else(|| {
            let carries = app.map_or("nothing that was recognised", |app| app.name());
            Some((
                Excluding::Nothing,
                format!("the flow carries {carries}: no message of the kind it looks at was read"),
            ))
        })
    };
    let (by, why) = fault().unwrap_or_else(|| nothing("there was nothing to look at"));
    Excluded { by, why, flows: 1 }
}

fn find(set: &Ruleset, gid: u32, sid: u32) -> Result<u32, Unexplained> {
    let same = |rule: &Rule| (rule.gid, rule.sid) == (gid, sid);
    let place = |wanted: &dyn Fn(&Rule) -> bool| {
        (0_u32..).zip(set.rules()).find(|(_, rule)| wanted(rule)).map(|(place, _)| place)
    };
    // One that is switched on goes before another revision that is not.
    if let Some(place) = place(&|rule| same(rule) && rule.enabled).or_else(|| place(&same)) {
        return Ok(place);
    }
    if let Some(refusal) = set.refusals().iter().find(|refusal| refusal.sid == Some(sid)) {
        return Err(Unexplained::Refused(refusal.clone()));
    }
    let mut near: Vec<u32> = set.rules().iter().filter(|rule| rule.gid == gid).map(|rule| rule.sid).collect();
    near.sort_by_key(|known| (known.abs_diff(sid), *known));
    near.dedup();
    near.truncate(MOST_NEAR);
    near.sort_unstable();
    Err(Unexplained::Unknown { gid, sid, near })
}

fn described(rule: &Rule, set: &Ruleset) -> Explanation {
    let option = |option: &crate::rules::ast::RuleOption| {
        let buffer = if let Body::Inspect(of, _) = &option.body { rule.buffers.get(usize::from(*of)) } else { None };
        let buffer = buffer.map_or_else(String::new, |it| it.to_string().trim_end_matches(';').to_owned());
        wire::Asked { text: rule.option_text(&option.body), buffer }
    };
    Explanation {
        gid: rule.gid,
        sid: rule.sid,
        rev: rule.rev,
        message: rule.msg.to_string(),
        file: set.files().get(rule.file as usize).map_or_else(String::new, |file| file.to_string()),
        line: rule.line,
        off: !rule.enabled,
        header: rule.header.to_string(),
        options: rule.options.iter().map(option).collect(),
        ..Explanation::default()
    }
}

fn ran_beside(it: &Needed, set: &Ruleset, refused: impl Fn(&Rule) -> Option<Refusal>) -> Option<wire::Beside> {
    let rule = set.rules().get(it.place as usize)?;
    let refused = refused(rule).map_or_else(String::new, |refusal| refusal.reason.to_string());
    Some(wire::Beside { gid: rule.gid, sid: rule.sid, why: it.why.clone(), refused })
}

/// Numbers of other rules that are told where one is unknown.
const MOST_NEAR: usize = 6;
