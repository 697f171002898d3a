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
    /// Bytes read of the capture file, as stored (compressed or not); of a live capture, those of its frames on the wire.
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
    /// What a live capture adds; absent for a replay. The last field, so that a message without it has no place for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capture: Option<CaptureStatus>,
}

/// A live capture and where its packets went: `received` = packets ingested + `kernel_drops` + `queue_drops` + those
/// on their way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CaptureStatus {
    /// Name of the interface.
    pub interface: String,
    /// BPF filter; empty for everything.
    pub filter: String,
    /// Packets that passed the filter in the kernel, those it then dropped among them (Npcap and BPF count their own way).
    pub received: u64,
    /// Packets dropped because the kernel's buffer was full.
    pub kernel_drops: u64,
    /// Packets dropped by the interface or its driver, where the system tells; they passed no filter.
    pub interface_drops: u64,
    /// Packets dropped because the engine was behind and the sensor's own queue was full.
    pub queue_drops: u64,
    /// Which rights the sensor gave up, in words.
    pub confinement: String,
    /// Why the capture could not start, or ended by itself.
    pub failure: Option<CaptureFailure>,
}

/// Why an interface can't be captured from, for a program and for people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CaptureFailure {
    /// Stable over versions: one of [`failure`].
    pub code: String,
    /// One sentence.
    pub message: String,
    /// What to do about it on the sensor's system, a step a line; empty where there is nothing to advise.
    pub advice: String,
}

/// Codes of [`CaptureFailure`].
pub mod failure {
    /// The process may not capture.
    pub const RIGHTS: &str = "capture_rights";
    /// The capture library is not installed.
    pub const LIBRARY: &str = "capture_library";
    /// There is no such interface.
    pub const NO_INTERFACE: &str = "capture_no_interface";
    /// The interface is switched off.
    pub const INTERFACE_DOWN: &str = "capture_interface_down";
    /// The interface went down or away while it was captured from.
    pub const INTERFACE_GONE: &str = "capture_interface_gone";
    /// The filter is not BPF.
    pub const FILTER: &str = "capture_filter";
    /// Anything else.
    pub const FAILED: &str = "capture_failed";
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
