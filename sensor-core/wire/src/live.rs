//! The live stream: row deltas, at most ten a second, each a whole revision of its row.
//!
//! A sensor keeps one cursor per viewer over the order in which rows changed. A viewer that reads slowly gets later
//! revisions of fewer messages; nothing queues on its behalf.

use serde::{Deserialize, Serialize};

use crate::{Row, RowId, Timestamp};

/// One message of the live stream.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Live {
    /// Order of change; the app tells its last one to resume.
    pub seq: u64,
    /// Rows that are new or changed.
    pub rows: Vec<Row>,
    /// The sensor no longer knows the place the viewer stood at: drop all rows of this source; what follows is a fresh
    /// snapshot.
    #[serde(default)]
    pub reset: bool,
    /// Rows whose flows moved into other rows while their window was open. Applied before `rows`.
    pub removed: Vec<RowId>,
    /// What the source is doing.
    pub status: Status,
}

/// What a sensor's source is doing, and its counters.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    /// State of the source.
    pub state: SourceState,
    /// Time of the newest packet; 0 before the first.
    pub packet_time: Timestamp,
    /// Time of the first packet; 0 before it.
    pub first_packet_time: Timestamp,
    /// Packets read.
    pub packets: u64,
    /// Bytes read of the capture file, as stored (compressed or not).
    pub bytes_read: u64,
    /// Size of the capture file in bytes; 0 when unknown.
    pub bytes_total: u64,
    /// Flows seen.
    pub flows: u64,
    /// Flows that are open.
    pub open_flows: u64,
    /// Rows the sensor keeps.
    pub rows: u64,
    /// Rows given up because the sensor's row cap was reached.
    pub rows_evicted: u64,
    /// Flows that gave way because the flow table was full.
    pub flows_forced: u64,
    /// Packets lost before the engine saw them.
    pub drops: u64,
    /// Decode anomalies by name, most frequent first.
    pub anomalies: Vec<(String, u64)>,
}

/// State of a source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SourceState {
    /// Not yet reading.
    #[default]
    Starting,
    /// Reading.
    Running,
    /// The whole capture was read.
    Ended,
    /// Stopped by request before the end.
    Stopped,
    /// The capture is damaged or unreadable: what stood before the damage was read. Says file, offset and cause.
    Failed(String),
}
