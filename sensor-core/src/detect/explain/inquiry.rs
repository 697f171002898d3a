//! What came of the rule that is asked about, flow by flow.

use std::collections::HashMap;
use std::net::IpAddr;

use foldhash::fast::RandomState;
use sensor_wire::explain::{Attempt, Counts, Excluded, Excluding, FlowTried, Outcome, Place, StepState};

use super::asked::{Asked, Part};
use super::attempt::{Room, Steps, Subject, Trial};
use super::header::address;
use crate::applayer::Side;
use crate::detect::compile::Rules;
use crate::detect::compiled::{Compiled, Kind};
use crate::detect::detector::{self, Work};
use crate::detect::shared::{Ends, FILTER, Judged, THRESHOLD, is_suppressed};
use crate::detect::state::FlowState;
use crate::detect::view::{FlowView, Scene};
use crate::rules::ast::{Threshold, ThresholdKind, Track};

/// The flow that is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// By its id: EVE's `flow_id`.
    Id(u64),
    /// By its ends, in whichever order; a port of `None` is any.
    Ends([(IpAddr, Option<u16>); 2]),
}

/// Keeps the furthest attempt of each flow.
#[derive(Debug, Default)]
pub struct Inquiry {
    /// The frame at hand.
    pub(super) frame: Option<u64>,
    pub(super) chosen: Option<Chosen>,
    open: HashMap<u64, Known, RandomState>,
    ended: Vec<FlowTried>,
    counts: Counts,
    excluded: Vec<Excluded>,
    room: Room,
    /// The last attempt said that the rule matches, and the rule has not run since.
    expected: bool,
    disagreed: u64,
}

/// A flow that has not ended.
#[derive(Debug, Default)]
struct Known {
    told: FlowTried,
    /// Everything held; whether it is told is yet to be seen.
    pending: Vec<Attempt>,
    /// What was found in the payload, of a rule that looks into a transaction too.
    payload: Option<Steps>,
}

impl Inquiry {
    /// Whether the flow is one that is asked about.
    pub(super) fn follows(&self, flow: &FlowView) -> bool {
        match self.chosen {
            None => true,
            Some(Chosen::Id(id)) => flow.id == id,
            Some(Chosen::Ends(ends)) => {
                let [a, b] = ends.map(|(address, port)| (bits(address), port));
                let is = |(wanted, port): (u128, Option<u16>), at: usize| {
                    flow.addresses.get(at) == Some(&wanted) && port.is_none_or(|port| flow.ports.get(at) == Some(&port))
                };
                (is(a, 0) && is(b, 1)) || (is(b, 0) && is(a, 1))
            }
        }
    }

    /// The one flow that is asked about has ended: no other has its number.
    pub(super) fn is_settled(&self) -> bool {
        matches!(self.chosen, Some(Chosen::Id(id)) if id != 0 && self.ended.iter().any(|told| told.id == id))
    }

    /// How often the explanation and what the rule did were not the same; anything but 0 is a fault of the engine.
    pub(super) fn disagreed(&self) -> u64 {
        self.disagreed + u64::from(self.expected)
    }

    fn known(&mut self, flow: &FlowView) -> &mut Known {
        self.open.entry(flow.id).or_insert_with(|| Known { told: about(flow), ..Known::default() })
    }

    fn note(&mut self, flow: &FlowView, attempt: Attempt, held: bool) {
        self.disagreed += u64::from(std::mem::replace(&mut self.expected, held));
        let (frame, room) = (self.frame, self.open.len() < MOST_OPEN);
        let known = self.known(flow);
        known.told.attempts += 1;
        let attempt = Attempt { frame, ..attempt };
        if held {
            known.told.matched += 1;
            // What was never told was another's match too.
            known.pending.retain(|old| old.frame == frame);
            if known.pending.len() < MOST_PENDING {
                known.pending.push(attempt);
            }
        } else if known.told.best.as_ref().map_or(room, |best| attempt.reach() > best.reach()) {
            known.told.best = Some(attempt);
        }
    }

    /// A match is told, or not.
    fn judged(
        &mut self,
        flow: u64,
        place: Place,
        to_client: bool,
        outcome: Outcome,
        settle: impl FnOnce(&mut Attempt),
    ) {
        let Some(known) = self.open.get_mut(&flow) else { return };
        known.told.alerts += u64::from(outcome == Outcome::Told);
        let same = |it: &Attempt| it.to_client == to_client && (it.place == place || !is_transaction(place));
        let Some(at) = known.pending.iter().position(same) else { return };
        let mut attempt = known.pending.swap_remove(at);
        attempt.outcome = outcome;
        settle(&mut attempt);
        // Of equals the first: it is the one that made the alert.
        if known.told.best.as_ref().is_none_or(|best| attempt.outcome > best.outcome) {
            known.told.best = Some(attempt);
        }
    }

    /// A flow has ended. `why_not` says why the rule was never tried in it, or its header does not fit it.
    pub(super) fn ended(&mut self, flow: &FlowView, why_not: impl FnOnce() -> Excluded) {
        if !self.follows(flow) {
            return;
        }
        self.counts.flows += 1;
        let known = self.open.remove(&flow.id);
        let mut told = known.map_or_else(|| about(flow), |known| known.told);
        told.app = flow.app.map_or_else(String::new, |app| app.name().to_owned());
        // Packets of one direction may have been tried although it is the other that the header is about.
        let unfit = told.best.as_ref().is_some_and(|best| best.header.state == StepState::Failed);
        let excluded = (told.attempts == 0 || unfit).then(why_not);
        let excluded = excluded.filter(|it| told.attempts == 0 || it.by <= Excluding::DestinationPort);
        match excluded {
            Some(excluded) => self.exclude(&mut told, excluded),
            None => self.count(&told),
        }
        self.keep(told);
    }

    fn exclude(&mut self, told: &mut FlowTried, excluded: Excluded) {
        self.counts.met += u64::from(excluded.by > Excluding::DestinationPort);
        match self.excluded.iter_mut().find(|known| known.by == excluded.by) {
            Some(known) => known.flows += 1,
            None => self.excluded.push(Excluded { flows: 1, ..excluded.clone() }),
        }
        (told.best, told.excluded) = (None, Some(excluded));
    }

    fn count(&mut self, told: &FlowTried) {
        let met = told.matched > 0 || told.best.as_ref().is_some_and(|best| best.header.state == StepState::Held);
        self.counts.met += u64::from(met);
        self.counts.matched += u64::from(told.matched > 0);
        self.counts.told += u64::from(told.alerts > 0);
        self.counts.alerts += told.alerts;
    }

    fn keep(&mut self, told: FlowTried) {
        self.ended.push(told);
        if self.ended.len() >= 2 * MOST_LISTED {
            sort(&mut self.ended);
            self.ended.truncate(MOST_LISTED);
        }
    }

    /// What came of it in all: counts, reasons, and at most so many flows.
    pub(super) fn end(&mut self, most: usize) -> (Counts, Vec<Excluded>, Vec<FlowTried>) {
        // Packets of no flow, and flows of which the table never told the end.
        let mut open: Vec<_> = self.open.drain().map(|(_, known)| known.told).collect();
        open.sort_by_key(|told| told.id);
        for told in open {
            self.counts.flows += u64::from(told.id != 0);
            self.count(&told);
            self.keep(told);
        }
        let mut flows = std::mem::take(&mut self.ended);
        sort(&mut flows);
        flows.truncate(most.min(MOST_LISTED));
        let mut excluded = std::mem::take(&mut self.excluded);
        excluded.sort_by_key(|it| (std::cmp::Reverse(it.flows), it.by));
        let listed = flows.iter().filter(|told| told.id != 0).count() as u64;
        let counts = Counts { left_out: self.counts.flows.saturating_sub(listed), ..self.counts };
        (counts, excluded, flows)
    }
}

impl Work {
    /// Notes what will come of the rule that is asked about, option by option.
    #[cold]
    #[inline(never)]
    pub(in crate::detect) fn explain(
        &mut self,
        rules: &Rules,
        scene: &Scene<'_>,
        state: &FlowState,
        subject: Subject<'_>,
    ) {
        let Some(mut inquiry) = self.inquiry.take() else { return };
        if let Some(asked) = rules.asked.as_deref()
            && let Some(rule) = rules.get(asked.number)
            && inquiry.follows(scene.flow)
        {
            inquiry.tried(&Trial { work: self, rules, asked, rule, scene, state }, subject);
        }
        self.inquiry = Some(inquiry);
    }

    /// The rule that is asked about matched.
    #[cold]
    pub(in crate::detect) fn explain_matched(&mut self) {
        if let Some(inquiry) = &mut self.inquiry
            && !std::mem::replace(&mut inquiry.expected, false)
            && inquiry.chosen.is_none()
        {
            inquiry.disagreed += 1;
        }
    }

    /// A match of the rule that is asked about comes to something.
    #[cold]
    #[inline(never)]
    pub(in crate::detect) fn explain_judged(
        &mut self,
        rules: &Rules,
        judged: Judged,
        side: Side,
        place: detector::Place,
        ends: &Ends,
    ) {
        let Some(mut inquiry) = self.inquiry.take() else { return };
        if let Some(asked) = rules.asked.as_deref()
            && let Some(rule) = rules.get(asked.number)
        {
            let (outcome, why, limit) = self.outcome(asked, rule, judged, ends);
            inquiry.judged(ends.flow, of(place), side == Side::ToClient, outcome, |attempt| {
                attempt.why = why;
                settle(asked, rule, attempt, limit);
            });
        }
        self.inquiry = Some(inquiry);
    }

    /// What it comes to, why it is not told, and the limit that keeps it back.
    fn outcome(&self, asked: &Asked, rule: &Compiled, judged: Judged, ends: &Ends) -> (Outcome, String, Option<Part>) {
        let so_far = |slot, threshold: &Threshold| self.shared.counted(asked.number, slot, threshold, ends);
        match judged {
            Judged::Told | Judged::As(_) if !rule.quiet => (Outcome::Told, String::new(), None),
            Judged::Told | Judged::As(_) => (Outcome::Silent, "the rule tells nothing by itself".into(), None),
            Judged::Not => {
                let why = rule.filter.as_ref().map_or_else(String::new, |it| limit(it, so_far(FILTER, it)));
                (Outcome::Silent, why, Some(Part::Filter))
            }
            Judged::Silent if is_suppressed(rule, ends) => {
                (Outcome::Silent, "it is suppressed between these hosts".into(), None)
            }
            Judged::Silent => {
                let why = rule.threshold.as_ref().map_or_else(String::new, |it| limit(it, so_far(THRESHOLD, it)));
                (Outcome::Silent, why, Some(Part::Threshold))
            }
        }
    }

    /// A rule lets pass: what matched behind it comes to nothing.
    pub(in crate::detect) fn explain_passed(&mut self, by: &Compiled, ends: &Ends) {
        if let Some(inquiry) = &mut self.inquiry {
            inquiry.passed(by, ends.flow);
        }
    }
}

impl Inquiry {
    fn tried(&mut self, trial: &Trial<'_>, subject: Subject<'_>) {
        let (rule, flow) = (trial.rule, trial.scene.flow);
        let view = trial.scene.packet;
        let data = match subject {
            Subject::Packet => view.map(|view| view.packet.payload),
            Subject::Stream(data, _) => Some(data),
            Subject::Frame(..) | Subject::Transaction(..) => None,
        };
        // What its packets bring to their stream is looked at there.
        let looked = rule.in_packets || view.is_none_or(|view| !view.streamed);
        if matches!(subject, Subject::Packet) && rule.payload.is_some() && !looked {
            return;
        }
        if rule.kind == Kind::Transaction
            && let Some(data) = data
        {
            if let Some(steps) = trial.payload_of(data, subject, &mut self.room) {
                self.known(flow).payload = Some(steps);
            }
            return;
        }
        let earlier = self.open.get_mut(&flow.id).and_then(|known| known.payload.take());
        let (attempt, held) = trial.run(subject, earlier.as_ref(), &mut self.room);
        self.note(flow, attempt, held);
        if let Some(known) = self.open.get_mut(&flow.id) {
            known.payload = earlier;
        }
    }

    #[cold]
    fn passed(&mut self, by: &Compiled, flow: u64) {
        let Some(known) = self.open.get_mut(&flow) else { return };
        for mut attempt in known.pending.drain(..) {
            attempt.outcome = Outcome::Silent;
            attempt.why = format!("rule {}:{} lets it pass", by.gid, by.sid);
            if known.told.best.as_ref().is_none_or(|best| attempt.outcome > best.outcome) {
                known.told.best = Some(attempt);
            }
        }
    }
}

/// Says of limits what they came to, now that it is known.
fn settle(asked: &Asked, rule: &Compiled, attempt: &mut Attempt, kept_by: Option<Part>) {
    for (part, step) in asked.parts.iter().zip(&mut attempt.steps) {
        let is_limit = matches!(part, Part::Threshold | Part::Filter);
        if is_limit && kept_by == Some(*part) {
            (step.state, step.why) = (StepState::Failed, attempt.why.clone());
        } else if is_limit && (attempt.outcome == Outcome::Told || *part == Part::Filter || rule.quiet) {
            step.state = StepState::Held;
        }
    }
}

fn limit(threshold: &Threshold, so_far: u32) -> String {
    let by = match threshold.track {
        Track::Source => "source",
        Track::Destination => "destination",
        Track::Both => "pair of hosts",
        Track::Rule => "rule",
        Track::Flow => "flow",
        Track::Transaction => "transaction",
    };
    let Threshold { count, seconds, .. } = threshold;
    match threshold.kind {
        ThresholdKind::Limit => {
            format!("match {so_far} of this {by} within {seconds} s, of which the first {count} are told")
        }
        ThresholdKind::Threshold => {
            format!("match {so_far} of this {by} within {seconds} s, of which every {count}th is told")
        }
        ThresholdKind::Both => {
            format!("match {so_far} of this {by} within {seconds} s, of which the {count}th is told")
        }
        ThresholdKind::Filter => {
            format!("match {so_far} of this {by} within {seconds} s, told are those after {count}")
        }
        ThresholdKind::Backoff => format!("match {so_far} of this {by}, told ever more seldom"),
    }
}

fn about(flow: &FlowView) -> FlowTried {
    let [client, server] = flow.addresses.map(address);
    let [client_port, server_port] = flow.ports;
    let app = flow.app.map_or_else(String::new, |app| app.name().to_owned());
    let (id, proto, first) = (flow.id, flow.proto, flow.first);
    FlowTried { id, client, client_port, server, server_port, proto, app, first, ..FlowTried::default() }
}

fn of(place: detector::Place) -> Place {
    match place {
        detector::Place::Packet => Place::Packet,
        detector::Place::Stream => Place::Stream,
        detector::Place::Frame(id) => Place::Frame(id),
        detector::Place::Transaction(id) => Place::Transaction(id),
    }
}

fn is_transaction(place: Place) -> bool {
    matches!(place, Place::Transaction(_))
}

fn sort(flows: &mut [FlowTried]) {
    let reach = |told: &FlowTried| told.best.as_ref().map(Attempt::reach);
    flows.sort_by(|a, b| reach(b).cmp(&reach(a)).then(a.first.cmp(&b.first)).then(a.id.cmp(&b.id)));
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// Open flows whose furthest attempt is kept; of those past it only matches are.
const MOST_OPEN: usize = 16_384;

/// Flows that are listed at most.
pub const MOST_LISTED: usize = 1000;

/// Matches of one packet in one flow whose outcome is waited for.
const MOST_PENDING: usize = 64;

#[cfg(test)]
mod tests {
    use sensor_wire::explain::Step;

    use super::*;

    fn flow(id: u64) -> FlowView {
        FlowView { id, first: i64::try_from(id).unwrap(), ..FlowView::none(0) }
    }

    fn attempt(held: usize) -> Attempt {
        let step = |state| Step { state, ..Step::default() };
        let steps = (0..5).map(|at| step(if at < held { StepState::Held } else { StepState::Failed }));
        Attempt { header: step(StepState::Held), steps: steps.collect(), ..Attempt::default() }
    }

    #[test]
    fn past_the_bound_of_open_flows_only_matches_are_kept() {
        let mut inquiry = Inquiry::default();
        let most = MOST_OPEN as u64;
        for id in 1..=most + 10 {
            inquiry.note(&flow(id), attempt(1), false);
        }
        inquiry.note(&flow(most + 20), attempt(5), true);
        inquiry.judged(most + 20, Place::Packet, false, Outcome::Told, |_| {});
        for id in (1..=most + 10).chain([most + 20]) {
            inquiry.ended(&flow(id), Excluded::default);
        }
        assert_eq!(inquiry.open.len(), 0);
        let (counts, excluded, flows) = inquiry.end(usize::MAX);
        assert_eq!((counts.flows, counts.met, counts.told, counts.alerts), (most + 11, most + 1, 1, 1));
        assert_eq!((excluded.len(), flows.len()), (0, MOST_LISTED));
        assert_eq!((flows[0].id, flows[0].alerts), (most + 20, 1));
        assert_eq!(counts.left_out, most + 11 - MOST_LISTED as u64);
    }

    #[test]
    fn the_furthest_attempts_are_listed_first_and_reasons_by_how_many_flows_they_are_of() {
        let mut inquiry = Inquiry::default();
        for id in 1..=3000 {
            let far = id % 1000 == 0;
            if far {
                inquiry.note(&flow(id), attempt(2), false);
                inquiry.note(&flow(id), attempt(4), false);
                inquiry.note(&flow(id), attempt(3), false);
            }
            let by = if id % 3 == 0 { Excluding::Source } else { Excluding::Protocol };
            inquiry.ended(&flow(id), || Excluded { by, flows: 1, why: id.to_string() });
        }
        let (counts, excluded, flows) = inquiry.end(10);
        let reach: Vec<_> = flows.iter().filter_map(|told| told.best.as_ref()?.failed_at()).collect();
        assert_eq!((reach, flows.len(), flows[0].attempts), (vec![4, 4, 4], 10, 3));
        let told: Vec<_> = excluded.iter().map(|it| (it.by, it.flows, it.why.as_str())).collect();
        assert_eq!(told, [(Excluding::Protocol, 1998, "1"), (Excluding::Source, 999, "3")]);
        assert_eq!((counts.flows, counts.met, counts.left_out), (3000, 3, 2990));
    }
}
