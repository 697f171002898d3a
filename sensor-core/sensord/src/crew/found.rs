//! What a worker finds, and how it comes out in one order with what others find.

use std::sync::Arc;

use sensor_core::detect::Claim;
use sensor_core::discover::Event;
use sensor_core::flow::Flow;
use sensor_core::rules::Ruleset;
use sensor_core::share::{Note, Noted};
use sensor_core::{Alerted, Engine, FlowSink, Told};

use super::Gathered;
use crate::eve::{EveWriter, Types};

/// Where records go.
pub trait Output: FlowSink {
    /// The types of events that lines are written of.
    fn wants(&self) -> Types;

    /// Takes whole lines as they are.
    fn lines(&mut self, lines: &[u8]);
}

/// Where records aren't wanted.
impl Output for () {
    fn wants(&self) -> Types {
        Types::none()
    }

    fn lines(&mut self, _: &[u8]) {}
}

/// What a worker found in a task.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) records: Vec<Record>,
    lines: Vec<u8>,
    pub(super) effort: Effort,
}

/// Room to gather in, empty. It goes round: a worker's allocations are not freed by another thread time and again.
#[derive(Debug, Default)]
pub(super) struct Room {
    records: Vec<Record>,
    lines: Vec<u8>,
}

impl Found {
    pub(super) fn into_room(self) -> Room {
        let Found { mut records, mut lines, .. } = self;
        records.clear();
        lines.clear();
        Room { records, lines }
    }
}

#[derive(Debug)]
pub(super) struct Record {
    /// Of the frame, from 1.
    pub(super) number: u64,
    /// Where its lines begin and end.
    lines: (usize, usize),
    /// They are written.
    pub(super) kept: bool,
    pub(super) what: What,
}

#[derive(Debug)]
pub(super) enum What {
    /// Lines, and nothing else.
    Lines,
    /// What the books have to know.
    Noted(Note),
    /// A match; what the books have to know of it if it is told.
    Claim(Claim, Option<Note>),
}

/// What bounds an engine met.
#[derive(Clone, Copy, Debug, Default)]
pub struct Effort {
    /// See [`Engine::detection_refused`].
    pub detection_refused: u64,
    /// See [`Engine::expressions_given_up`].
    pub expressions_given_up: u64,
    /// See [`Engine::looks_given_up`].
    pub looks_given_up: u64,
    /// See [`Engine::flows_unparsed`].
    pub flows_unparsed: u64,
}

impl Effort {
    /// Of an engine so far.
    #[must_use]
    pub fn of(engine: &Engine) -> Effort {
        Effort {
            detection_refused: engine.detection_refused(),
            expressions_given_up: engine.expressions_given_up(),
            looks_given_up: engine.looks_given_up(),
            flows_unparsed: engine.flows_unparsed(),
        }
    }

    /// Both.
    #[must_use]
    pub fn plus(self, other: &Effort) -> Effort {
        Effort {
            detection_refused: self.detection_refused + other.detection_refused,
            expressions_given_up: self.expressions_given_up + other.expressions_given_up,
            looks_given_up: self.looks_given_up + other.looks_given_up,
            flows_unparsed: self.flows_unparsed + other.flows_unparsed,
        }
    }
}

/// Gathers what a worker's engine tells.
pub(super) struct Gatherer {
    eve: EveWriter<Vec<u8>>,
    records: Vec<Record>,
    number: u64,
}

impl Gatherer {
    pub(super) fn new(types: Types, rules: Arc<Ruleset>) -> Gatherer {
        let out = (!types.is_empty()).then(Vec::new);
        Gatherer { eve: EveWriter::new(out, types, rules), records: Vec::new(), number: 0 }
    }

    /// Gathers in there; nothing was gathered yet.
    pub(super) fn gather_in(&mut self, room: Room) {
        self.records = room.records;
        if let Some(out) = self.eve.out() {
            *out = room.lines;
        }
    }

    /// What was gathered since the last time.
    pub(super) fn take(&mut self, effort: Effort) -> Found {
        let lines = self.eve.out().map(std::mem::take).unwrap_or_default();
        Found { records: std::mem::take(&mut self.records), lines, effort }
    }

    fn end(&mut self) -> usize {
        self.eve.out().map_or(0, |out| out.len())
    }

    fn record(&mut self, from: usize, what: What) {
        let lines = (from, self.end());
        self.records.push(Record { number: self.number, lines, kept: true, what });
    }
}

impl FlowSink for Gatherer {
    /// Flows are the books'.
    fn flow(&mut self, _: &Flow) {}

    fn transaction(&mut self, told: &Told<'_>) {
        let from = self.end();
        self.eve.transaction(told);
        if self.end() > from {
            self.record(from, What::Lines);
        }
    }

    fn claim(&mut self, claim: &Claim, alert: &Alerted<'_>) {
        let from = self.end();
        self.eve.alert(alert);
        let note = alert.flow.map(|flow| {
            let (gid, sid, rule) = (alert.rule.gid, alert.rule.sid, alert.rule.rule);
            let what = Noted::Alert { time: alert.time, gid, sid, action: alert.action, rule };
            Note { number: self.number, flow: flow.id(), what }
        });
        self.record(from, What::Claim(*claim, note));
    }

    fn changed(&mut self, flow: &Flow) {
        let from = self.end();
        let note = |what| What::Noted(Note { number: self.number, flow: flow.id(), what });
        let passed = flow.action().map(|_| note(Noted::Passed));
        let bypassed = flow.bypassed().then(|| note(Noted::Bypassed));
        let notes = [Some(note(Noted::App(flow.app))), passed, bypassed];
        notes.into_iter().flatten().for_each(|what| self.record(from, what));
    }

    fn at(&mut self, number: u64) {
        self.number = number;
    }

    fn rules(&mut self, rules: &Arc<Ruleset>) {
        self.eve.rules(rules);
    }
}

/// Hands on what the books tell, and before each frame's what workers found up to it.
#[derive(Debug)]
pub struct Merged<'a, S> {
    sink: &'a mut S,
    gathered: &'a Gathered,
    next: usize,
}

impl<'a, S: Output> Merged<'a, S> {
    /// Hands on to `sink`.
    pub fn new(sink: &'a mut S, gathered: &'a Gathered) -> Merged<'a, S> {
        Merged { sink, gathered, next: 0 }
    }

    /// Hands on what is left.
    pub fn finish(mut self) {
        self.until(u64::MAX);
    }

    #[inline]
    fn until(&mut self, number: u64) {
        while let Some((of, nth, at)) = self.gathered.order.get(self.next)
            && *of < number
        {
            self.next += 1;
            let Some(found) = self.gathered.found.get(*nth) else { continue };
            if let Some(record) = found.records.get(*at).filter(|record| record.kept) {
                self.sink.lines(found.lines.get(record.lines.0..record.lines.1).unwrap_or_default());
            }
        }
    }
}

impl<S: Output> FlowSink for Merged<'_, S> {
    fn flow(&mut self, flow: &Flow) {
        self.sink.flow(flow);
    }

    fn discovered(&mut self, event: &Event) {
        self.sink.discovered(event);
    }

    fn at(&mut self, number: u64) {
        self.until(number);
    }
}
