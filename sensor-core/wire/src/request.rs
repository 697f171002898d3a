//! What an app asks of a sensor. Each request opens its own stream: the request is its first message, the answers
//! follow, and closing the stream cancels. So a slow download never delays an event.

use serde::{Deserialize, Serialize};

use crate::event::LogId;
use crate::rules::{RuleSetup, RulesAsked};
use crate::{Addr, FlowRecord, RowId};

/// First message on a stream that the app opened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Request {
    /// Live rows: answered by [`crate::live::Live`] messages until either side closes.
    Live {
        /// Last `seq` the app holds of this run of the sensor; 0 for everything the sensor keeps.
        after: u64,
    },
    /// The flows of a row, in order of their start: answered by [`FlowsAnswer`] messages, the last with `done`.
    Flows {
        /// Which row.
        row: RowId,
        /// Flows to pass over.
        offset: u32,
        /// Flows wanted at most.
        limit: u32,
    },
    /// Unique values of one column of a row, in ascending order: answered by [`ValuesAnswer`] messages, the last with
    /// `done`.
    Values {
        /// Which row.
        row: RowId,
        /// Which column.
        column: ValueColumn,
    },
    /// Stop reading the capture; what was read stays. Answered by one [`Done`].
    Stop,
    /// Run other rules: [`RulePart`](crate::rules::RulePart) messages follow, the last with `last`. Answered by
    /// [`RuleCounts`](crate::rules::RuleCounts) once they run.
    SetRules(RuleSetup),
    /// Some rules. Answered by [`RulesAnswer`](crate::rules::RulesAnswer).
    Rules(RulesAsked),
    /// All that a rule says. Answered by a list of one [`RuleText`](crate::rules::RuleText), or of none where there is
    /// no such rule.
    Rule {
        /// Group.
        gid: u32,
        /// Number.
        sid: u32,
    },
    /// Whether rules written here could run. Answered by [`RuleChecked`](crate::rules::RuleChecked).
    CheckRules {
        /// As they would stand in a file.
        text: String,
    },
    /// What is wrong with variables set like this: answered by a list of all
    /// [`RuleVariable`](crate::rules::RuleVariable)s.
    CheckVariables {
        /// Addresses: name and value.
        addresses: Vec<(String, String)>,
        /// Ports.
        ports: Vec<(String, String)>,
    },
    /// Why a rule told of a flow, or did not, found out from the packets once more. Answered by
    /// [`ExplainAnswer`](crate::explain::ExplainAnswer) messages, the last with `done`. One runs at a time, others wait.
    Explain {
        /// Group of the rule.
        gid: u32,
        /// Its number.
        sid: u32,
        /// The flow, as in [`FlowRecord::id`]; `None` for all, of which those are listed in which it got furthest.
        flow: Option<u64>,
    },
    /// Hosts as they become known or change: answered by [`crate::host::Hosts`] messages until either side closes.
    Hosts {
        /// Last `seq` the app holds of this run of the sensor; 0 for every host.
        after: u64,
    },
    /// Events from the sensor's log, the oldest first, then as they come: answered by [`crate::event::Events`] messages
    /// until either side closes; the first at once, even without an event. None is lost on the way, whatever breaks; one
    /// that was sent before a break may come again.
    Events {
        /// Number of the last event that the app holds; 0 for all that the sensor has.
        after: u64,
        /// The log that it is of; `None` for the one that the sensor has. With another the sensor begins at its first.
        #[serde(default)]
        log: Option<LogId>,
    },
}

/// Columns whose values a row counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ValueColumn {
    /// Server addresses.
    Server,
    /// Client addresses.
    Client,
    /// Server ports.
    ServerPort,
    /// Client ports.
    ClientPort,
}

/// A part of the answer to [`Request::Flows`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FlowsAnswer {
    /// Flows of the row in all; 0 with `gone` when the sensor no longer has it.
    pub total: u32,
    /// This part.
    pub flows: Vec<FlowRecord>,
    /// The sensor no longer keeps this row.
    #[serde(default)]
    pub gone: bool,
    /// No more parts follow.
    pub done: bool,
}

/// A part of the answer to [`Request::Values`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ValuesAnswer {
    /// Unique values in all.
    pub total: u32,
    /// This part.
    pub values: Vec<ValueCount>,
    /// The sensor no longer keeps this row.
    #[serde(default)]
    pub gone: bool,
    /// No more parts follow.
    pub done: bool,
}

/// One value with what it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValueCount {
    /// The value.
    pub value: Value,
    /// Flows with it.
    pub flows: u32,
    /// Packets of these flows.
    pub packets: u64,
    /// Payload bytes of these flows.
    pub bytes: u64,
}

/// An address or a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Value {
    /// IP address.
    Addr(Addr),
    /// Port number.
    Port(u16),
}

/// The answer to a request that only acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {}
