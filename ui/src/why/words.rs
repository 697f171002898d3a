//! What an explanation says, in sentences.

use sensor_wire::explain::{Attempt, Beside, Explanation, FlowTried, Found, Outcome, Place, Step, StepState};

use super::bytes;
use crate::format;

/// How it ended for a flow: decides the sign before the sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It told.
    Told,
    /// Everything held, and nothing was told.
    Silent,
    /// Something did not hold.
    Failed,
    /// It was never tried.
    Never,
}

/// How it ended for a flow, in a sentence.
pub fn verdict(told: &Explanation, tried: &FlowTried) -> (Verdict, String) {
    if let Some(excluded) = &tried.excluded {
        return (Verdict::Never, format!("It was never tried on this flow: {}", format::sentence(&excluded.why)));
    }
    let tries = match tried.attempts {
        1 => "in the one attempt".to_owned(),
        tries => format!("in {} attempts", format::grouped(tries)),
    };
    let Some(best) = &tried.best else {
        return (
            Verdict::Failed,
            format!("It was tried {tries}. How far it got was not kept: too many flows were open."),
        );
    };
    match best.outcome {
        Outcome::Told => {
            let action = told.header.split(' ').next().unwrap_or_default();
            let silent = tried.matched.saturating_sub(tried.alerts);
            let more = match silent {
                0 => String::new(),
                silent => format!("; {} more held and told nothing", format::grouped(silent)),
            };
            let alerts = match tried.alerts {
                1 => "once".to_owned(),
                alerts => format!("{} times", format::grouped(alerts)),
            };
            (Verdict::Told, format!("Everything held. {} {alerts}{more}, {tries}.", did(action)))
        }
        Outcome::Silent => {
            (Verdict::Silent, format!("Everything held, but nothing was told: {}", format::sentence(&best.why)))
        }
        Outcome::Failed => (Verdict::Failed, stopped(best, &tries)),
    }
}

/// What an action did.
fn did(action: &str) -> &'static str {
    match action {
        "drop" => "Dropped and told",
        "reject" | "rejectsrc" | "rejectdst" | "rejectboth" => "Rejected and told",
        "pass" => "Let pass",
        _ => "Told",
    }
}

fn stopped(best: &Attempt, tries: &str) -> String {
    let why = |step: &Step| {
        if step.why.is_empty() { ".".to_owned() } else { format!(": {}", format::sentence(&step.why)) }
    };
    if best.header.state == StepState::Failed {
        return format!("Its header does not fit{}", why(&best.header));
    }
    let of = best.steps.len();
    match best.failed_at().and_then(|at| Some((at + 1, best.steps.get(at)?))) {
        Some((at, step)) if step.state == StepState::Waiting => {
            format!("It got to option {at} of {of}, {tries}, and what that looks at was not there{}", why(step))
        }
        Some((at, step)) => format!("Option {at} of {of} did not hold{} It got no further {tries}.", why(step)),
        None => format!("It did not match, {tries}."),
    }
}

/// The frame, in words.
pub fn frame(attempt: &Attempt) -> String {
    attempt.frame.map_or_else(|| "at the capture's end".into(), |frame| format!("frame {}", format::grouped(frame)))
}

/// What was looked at, in words.
pub fn place(place: Place) -> String {
    match place {
        Place::Packet => "the packet".into(),
        Place::Stream => "bytes of the stream".into(),
        Place::Transaction(number) => format!("transaction {}", format::grouped(number)),
        Place::Frame(number) => format!("part {} of a message", format::grouped(number)),
    }
}

/// The mark of a state: a sign, a class, and what it means.
pub fn mark(state: StepState) -> (&'static str, &'static str, &'static str) {
    match state {
        StepState::Held => ("✓", "held", "held"),
        StepState::Failed => ("✗", "failed", "did not hold"),
        StepState::Waiting => ("…", "waiting", "what it looks at was not there yet"),
        StepState::Untried => ("–", "untried", "not reached"),
        StepState::Aside => ("·", "aside", "asks for nothing"),
    }
}

/// Where an option matched, or was looked for.
pub fn at(step: &Step, asked: &str) -> String {
    let Some(found) = &step.at else { return asked.to_owned() };
    let Found { offset, len, size, .. } = found;
    let buffer = name(&found.buffer, found.place);
    match (step.state, len) {
        (StepState::Held, 1..) => {
            let cut = bytes::shown(found);
            let cut = if cut < *len { format!(", the first {cut} shown") } else { String::new() };
            format!("{buffer} · offset {} · {}{cut}", format::grouped(*offset), format::counted(*len, "byte"))
        }
        (StepState::Failed, _) if *offset > 0 => {
            format!("{buffer} · {} · sought from {}", format::counted(*size, "byte"), format::grouped(*offset))
        }
        _ => format!("{buffer} · {}", format::counted(*size, "byte")),
    }
}

/// A buffer's name, with its place where there are several.
pub fn name(buffer: &str, place: u32) -> String {
    if place > 0 { format!("{buffer} #{}", place + 1) } else { buffer.to_owned() }
}

/// What ran beside the rule, in a sentence; nothing if nothing did.
pub fn beside(all: &[Beside]) -> String {
    let named = |it: &Beside| {
        let refused = if it.refused.is_empty() { String::new() } else { format!("; it can't be run: {}", it.refused) };
        format!("{}:{} ({}{refused})", it.gid, it.sid, it.why)
    };
    let named: Vec<_> = all.iter().take(MOST_BESIDE).map(named).collect();
    match all.len() - named.len() {
        _ if named.is_empty() => String::new(),
        0 => named.join(", "),
        rest => format!("{} and {}", named.join(", "), format::counted(rest as u64, "other")),
    }
}

/// Rules beside it that are named.
const MOST_BESIDE: usize = 3;

#[cfg(test)]
mod tests {
    use sensor_wire::explain::{Excluded, Excluding};

    use super::*;

    fn step(state: StepState, why: &str) -> Step {
        Step { state, why: why.into(), at: None }
    }

    fn tried(outcome: Outcome, steps: Vec<Step>) -> FlowTried {
        let best = Attempt { outcome, header: step(StepState::Held, ""), steps, ..Attempt::default() };
        FlowTried { attempts: 4, matched: 3, alerts: 1, best: Some(best), ..FlowTried::default() }
    }

    fn said(tried: &FlowTried) -> (Verdict, String) {
        verdict(&Explanation { header: "alert tcp any any -> any any".into(), ..Explanation::default() }, tried)
    }

    #[test]
    fn a_verdict_says_where_a_rule_stopped_and_why() {
        let all = || vec![step(StepState::Held, ""), step(StepState::Failed, "\"a\" is not in payload")];
        let (verdict, words) = said(&tried(Outcome::Failed, all()));
        assert_eq!(verdict, Verdict::Failed);
        assert_eq!(words, "Option 2 of 2 did not hold: \"a\" is not in payload. It got no further in 4 attempts.");
        let header = Attempt { header: step(StepState::Failed, "to the client"), ..Attempt::default() };
        let header = FlowTried { attempts: 1, best: Some(header), ..FlowTried::default() };
        assert_eq!(said(&header).1, "Its header does not fit: to the client.");
        let excluded = Excluded { by: Excluding::Protocol, flows: 1, why: "it is UDP".into() };
        let never = FlowTried { excluded: Some(excluded), ..FlowTried::default() };
        assert_eq!(said(&never), (Verdict::Never, "It was never tried on this flow: it is UDP.".into()));
    }

    #[test]
    fn a_verdict_counts_what_was_told_and_what_was_not() {
        let told = tried(Outcome::Told, Vec::new());
        let words = "Everything held. Told once; 2 more held and told nothing, in 4 attempts.";
        assert_eq!(said(&told), (Verdict::Told, words.into()));
        let mut silent = tried(Outcome::Silent, Vec::new());
        silent.best.as_mut().unwrap().why = "rule 1:7 lets it pass".into();
        let words = "Everything held, but nothing was told: rule 1:7 lets it pass.";
        assert_eq!(said(&silent), (Verdict::Silent, words.into()));
    }

    #[test]
    fn an_option_says_where_it_matched_or_was_sought() {
        let found = |len| Found {
            buffer: "http.uri".into(),
            place: 1,
            size: 300,
            offset: 20,
            len,
            from: 4,
            hex: "00".repeat(64),
        };
        let of = |state, len| at(&Step { state, at: Some(found(len)), why: String::new() }, "");
        assert_eq!(of(StepState::Held, 1), "http.uri #2 · offset 20 · 1 byte");
        assert_eq!(of(StepState::Held, 100), "http.uri #2 · offset 20 · 100 bytes, the first 48 shown");
        assert_eq!(of(StepState::Held, 0), "http.uri #2 · 300 bytes");
        assert_eq!(of(StepState::Failed, 0), "http.uri #2 · 300 bytes · sought from 20");
        assert_eq!(at(&Step::default(), "dns.query"), "dns.query");
    }

    #[test]
    fn rules_that_ran_beside_it_are_named_up_to_a_few() {
        let one = |sid| Beside { gid: 1, sid, why: "sets flowbits a".into(), refused: String::new() };
        assert_eq!(beside(&[]), "");
        assert_eq!(beside(&[one(7)]), "1:7 (sets flowbits a)");
        let many: Vec<_> = (1..=5).map(one).collect();
        assert!(beside(&many).ends_with("1:3 (sets flowbits a) and 2 others"));
    }
}
