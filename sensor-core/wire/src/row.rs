//! A row of the grid: flows of one window summarised by what they have in common.

use serde::{Deserialize, Serialize};

use crate::{Addr, Timestamp};

/// A row's id: stable while the row lives, unique within one run of a sensor.
pub type RowId = u64;

/// A summary row. The newest revision replaces older ones whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Stable id.
    pub id: RowId,
    /// Grows with each change; the newest wins.
    pub rev: u32,
    /// Which of the five kinds of record.
    pub kind: RowKind,
    /// Start of the row's first flow.
    pub first: Timestamp,
    /// Last packet of any of the row's flows.
    pub last: Timestamp,
    /// IP protocol number.
    pub proto: u8,
    /// Payload bytes, both directions.
    pub bytes: u64,
    /// Whole frames, both directions, in bytes.
    pub frame_bytes: u64,
    /// At least one of the flows has only an estimate of its payload bytes.
    pub estimate: bool,
    /// Packets, both directions.
    pub packets: u64,
    /// Flows in the row.
    pub flows: u32,
    /// Flows that have not ended yet.
    pub open: u32,
    /// Server addresses.
    pub servers: Few<Addr>,
    /// Client addresses.
    pub clients: Few<Addr>,
    /// Server ports.
    pub server_ports: Few<u16>,
    /// Client ports.
    pub client_ports: Few<u16>,
    /// Application protocols named in the flows, most flows first; at most four.
    #[serde(default)]
    pub app_protos: Vec<String>,
    /// Flow states in the row: how many are new, established, closed.
    #[serde(default)]
    pub states: [u32; 3],
    /// Event messages tied to the flows, each once with its count.
    #[serde(default)]
    pub events: Vec<EventMessage>,
    /// Priority from global correlation, -100..100; `None` is "no information".
    #[serde(default)]
    pub rank: Option<i8>,
}

/// The five kinds of record that share the grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RowKind {
    /// Flow summary without an event.
    Flow,
    /// IDS event with its flows.
    Alert,
    /// Host or service discovery.
    Discovery,
    /// Syslog record.
    Syslog,
    /// Incident report.
    Incident,
}

/// One value, or the number of unique ones (the list is asked for when it is opened).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Few<T> {
    /// The protocol has no such thing (ports of ICMP).
    None,
    /// Exactly one.
    One(T),
    /// This many unique ones, at least two.
    Many(u32),
}

/// A message of an event, with how often it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventMessage {
    /// 1 is the highest severity.
    pub severity: u8,
    /// The signature's message.
    pub message: String,
    /// How many times.
    pub count: u32,
    /// The rule that an IDS event is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<Box<RuleNote>>,
}

impl EventMessage {
    /// A message that came once and is of no rule.
    pub fn new(severity: u8, message: String) -> EventMessage {
        EventMessage { severity, message, count: 1, rule: None }
    }
}

/// What the alerts of a rule say beside its message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleNote {
    /// Group.
    pub gid: u32,
    /// Number within the group.
    pub sid: u32,
    /// Revision.
    pub rev: u32,
    /// Class, as rules name it; empty where the rule has none.
    #[serde(default)]
    pub class: String,
    /// What the rule does.
    #[serde(default)]
    pub action: RuleAction,
    /// Time of the first alert.
    #[serde(default)]
    pub first: Timestamp,
    /// Time of the last alert.
    #[serde(default)]
    pub last: Timestamp,
}

/// What a rule does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RuleAction {
    /// Tells.
    #[default]
    Alert,
    /// Says that what it matched is fine.
    Pass,
    /// Drops, where the sensor is in the path.
    Drop,
    /// Drops and tells an end of it.
    Reject,
}
