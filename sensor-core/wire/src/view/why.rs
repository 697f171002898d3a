//! Why a rule told of a flow, or did not, as the page is told.

use serde::{Deserialize, Serialize};

use super::SourceId;
use crate::explain::ExplainAnswer;

/// See [`ViewRequest::Explain`](super::ViewRequest::Explain).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhyAsked {
    /// Whose flow and rule.
    pub source: SourceId,
    /// Group of the rule.
    pub gid: u32,
    /// Its number.
    pub sid: u32,
    /// The flow.
    pub flow: u64,
}

/// How far an explanation is, and in the end the explanation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Why {
    /// Which question it answers: counted from the app's start.
    pub number: u64,
    /// As the sensor put it; the question is over with its `done`.
    pub answer: ExplainAnswer,
    /// Seconds to add to UTC for the zone of the preferences at the frame that the explanation is about.
    pub utc_offset: i32,
}
