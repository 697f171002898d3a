//! Why a rule told of a flow, or did not.
//!
//! [`Explanation`] is what `sensord explain --json` prints and what a viewer shows over a flow's bytes. Texts are for
//! people; everything a program decides by has a field of its own.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// What a sensor lists in its `Hello` if it answers [`Request::Explain`](crate::request::Request::Explain).
pub const FEATURE: &str = "explain";

/// A part of the answer to [`Request::Explain`](crate::request::Request::Explain): how far the packets have been looked
/// at, and in the last one what came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExplainAnswer {
    /// Bytes of the capture, as it is stored, that were looked at.
    pub read: u64,
    /// Its bytes in all; 0 where that is not known.
    pub total: u64,
    /// The explanation.
    pub told: Option<Box<Explanation>>,
    /// Why there is none.
    pub refused: Option<Unexplained>,
    /// Why the packets end early: the capture is damaged. Empty otherwise.
    pub cut: String,
    /// No more parts follow.
    pub done: bool,
}

/// Why a sensor explains nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Unexplained {
    /// One of [`unexplained`]; others may come.
    pub code: String,
    /// A sentence for people.
    pub message: String,
}

/// Codes of [`Unexplained`].
pub mod unexplained {
    /// The sensor keeps no packets of what it captures.
    pub const NO_PACKETS: &str = "no_packets";
    /// The capture can't be read a second time: it is a pipe.
    pub const READ_ONCE: &str = "read_once";
    /// The capture could not be read this time.
    pub const UNREADABLE: &str = "unreadable";
    /// There is no such rule.
    pub const UNKNOWN_RULE: &str = "unknown_rule";
    /// The rule can't be run.
    pub const RULE_REFUSED: &str = "rule_refused";
    /// The rule is of a kind that is not explained.
    pub const NOT_EXPLAINED: &str = "not_explained";
}

/// What came of one rule over a capture, or over one flow of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Explanation {
    /// Group of the rule.
    pub gid: u32,
    /// Number of the rule.
    pub sid: u32,
    /// Its revision.
    pub rev: u32,
    /// Its message.
    pub message: String,
    /// The file it stands in.
    pub file: String,
    /// Line in it, from 1.
    pub line: u32,
    /// It is switched off there; it was run all the same.
    pub off: bool,
    /// Action, protocol, addresses and ports as they are written.
    pub header: String,
    /// Its options in order, without those that only describe it.
    pub options: Vec<Asked>,
    /// Rules that ran beside it, because they leave behind what it asks for, or let pass.
    pub beside: Vec<Beside>,
    /// Of all flows, listed or not.
    pub counts: Counts,
    /// Why flows were not looked at closer, the reason of most flows first.
    pub excluded: Vec<Excluded>,
    /// Flows, those first in which it got furthest.
    pub flows: Vec<FlowTried>,
}

/// An option of the rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// In the one spelling in which the sensor writes rules.
    pub text: String,
    /// The buffer it looks into, with its transforms; empty if none.
    pub buffer: String,
}

/// A rule that ran beside the one that is asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Beside {
    /// Group.
    pub gid: u32,
    /// Number.
    pub sid: u32,
    /// What for, such as `sets flowbits seen`.
    pub why: String,
    /// Why it could not run; empty if it did.
    pub refused: String,
}

/// How many flows came how far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Flows there were.
    pub flows: u64,
    /// Flows that the rule's header is about.
    pub met: u64,
    /// Flows in which every option held.
    pub matched: u64,
    /// Flows it told of.
    pub told: u64,
    /// Alerts.
    pub alerts: u64,
    /// Flows that are not listed.
    pub left_out: u64,
}

/// A reason for which flows were not looked at closer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Excluded {
    /// What did not fit.
    pub by: Excluding,
    /// How many flows.
    pub flows: u64,
    /// What did not fit in the first of them.
    pub why: String,
}

/// What of a rule does not fit a flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Excluding {
    /// The protocol that its header names.
    #[default]
    Protocol,
    /// The header's source addresses.
    Source,
    /// The header's source ports.
    SourcePort,
    /// The header's destination addresses.
    Destination,
    /// The header's destination ports.
    DestinationPort,
    /// Nothing went the way it asks for.
    Direction,
    /// The flow's protocol has none of the buffers it looks into.
    Buffers,
    /// The flow's start was not seen, and such flows are not looked into.
    Midstream,
    /// A rule let the flow pass.
    Passed,
    /// There was nothing of the kind it looks at: data, a transaction, an event.
    Nothing,
}

/// What came of the rule in one flow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FlowTried {
    /// EVE's `flow_id`; 0 stands for frames of no flow.
    pub id: u64,
    /// Address of the client.
    pub client: String,
    /// Its port; 0 where there are none.
    pub client_port: u16,
    /// Address of the server.
    pub server: String,
    /// Its port.
    pub server_port: u16,
    /// IP protocol.
    pub proto: u8,
    /// What it carries; empty where that is not known.
    pub app: String,
    /// Time of its first packet.
    pub first: Timestamp,
    /// How often the rule was tried in it.
    pub attempts: u64,
    /// How often everything held.
    pub matched: u64,
    /// How often it told.
    pub alerts: u64,
    /// The attempt that got furthest; `None` if it was never tried, or too many flows were open to keep it.
    pub best: Option<Attempt>,
    /// Why it was never tried, or its header fits no packet of the flow.
    pub excluded: Option<Excluded>,
}

/// One look of a rule at a packet, at a part of a stream, or at a transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Attempt {
    /// Number of the frame at which it was made, from 1; `None` at the end of the capture.
    pub frame: Option<u64>,
    /// Time of that frame.
    pub time: Timestamp,
    /// From the server to the client.
    pub to_client: bool,
    /// What was looked at.
    pub place: Place,
    /// What came of it.
    pub outcome: Outcome,
    /// Why it was not told although everything held; empty otherwise.
    pub why: String,
    /// The header.
    pub header: Step,
    /// What came of each option, as in [`Explanation::options`]. Empty where the header did not fit.
    pub steps: Vec<Step>,
}

/// What a rule looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// A packet.
    #[default]
    Packet,
    /// Bytes of a stream.
    Stream,
    /// The transaction of that number.
    Transaction(u64),
    /// The part of a message of that number.
    Frame(u64),
}

/// What came of an attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Something did not hold.
    #[default]
    Failed,
    /// Everything held, and nothing was told.
    Silent,
    /// An alert.
    Told,
}

/// What came of an option, or of the header.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Step {
    /// Whether it held.
    pub state: StepState,
    /// Where it matched; where it was looked for if it failed.
    pub at: Option<Found>,
    /// What was there: why it failed, or what held.
    pub why: String,
}

/// Whether an option held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// It was not looked at: one before it failed.
    #[default]
    Untried,
    /// It held.
    Held,
    /// It did not.
    Failed,
    /// What it looks at was not there yet.
    Waiting,
    /// It asks for nothing.
    Aside,
}

/// A part of a buffer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Found {
    /// The buffer, with its transforms; `payload` of a packet, `stream` of a direction.
    pub buffer: String,
    /// Which of several of its kind, from 0.
    pub place: u32,
    /// Bytes of the buffer; of a stream, those up to the end of the part that was looked at.
    pub size: u64,
    /// Where it begins: from the buffer's start, of a stream from the stream's start.
    pub offset: u64,
    /// How long it is; 0 for what matches without being anywhere.
    pub len: u64,
    /// Where `hex` begins in the buffer.
    pub from: u64,
    /// Bytes around it, two hexadecimal digits each; at most [`EXCERPT`] of them.
    pub hex: String,
}

/// Most bytes of an excerpt.
pub const EXCERPT: usize = 64;

impl Attempt {
    /// The first option that did not hold, as a place in [`Attempt::steps`].
    #[must_use]
    pub fn failed_at(&self) -> Option<usize> {
        self.steps.iter().position(|step| matches!(step.state, StepState::Failed | StepState::Waiting))
    }

    /// How far it got: the higher the further.
    #[must_use]
    pub fn reach(&self) -> (Outcome, usize, usize) {
        let fits = self.header.state != StepState::Failed;
        let until = if fits { 1 + self.failed_at().unwrap_or(self.steps.len()) } else { 0 };
        (self.outcome, until, self.steps.iter().filter(|step| step.state == StepState::Held).count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_got_further_reaches_higher() {
        let step = |state| Step { state, ..Step::default() };
        let attempt = |states: &[StepState]| Attempt {
            header: step(Held),
            steps: states.iter().copied().map(step).collect(),
            ..Attempt::default()
        };
        use StepState::{Aside, Failed, Held, Untried};
        let far = attempt(&[Held, Aside, Held, Failed]);
        let near = attempt(&[Held, Failed, Held, Untried]);
        let early = Attempt { header: step(Failed), ..Attempt::default() };
        assert_eq!((far.failed_at(), near.failed_at(), early.failed_at()), (Some(3), Some(1), None));
        assert!(far.reach() > near.reach() && near.reach() > early.reach());
        let told = Attempt { outcome: Outcome::Told, ..early };
        assert!(told.reach() > far.reach());
    }

    #[test]
    fn an_explanation_survives_the_link_unchanged() {
        let told = Explanation {
            sid: 7,
            flows: vec![FlowTried {
                best: Some(Attempt {
                    place: Place::Transaction(3),
                    steps: vec![Step { state: StepState::Held, at: Some(Found::default()), why: String::new() }],
                    ..Attempt::default()
                }),
                ..FlowTried::default()
            }],
            ..Explanation::default()
        };
        let bytes = crate::codec::encode(&told).unwrap();
        assert_eq!(crate::codec::decode::<Explanation>(&bytes).unwrap(), told);
    }
}
