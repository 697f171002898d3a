//! What the UI asks of the app, and what the app answers. One request, one reply, each one binary payload; the app
//! pushes nothing but a [`Tick`], at most ten a second, after which the UI pulls what it shows.

mod hosts;
mod rules;
mod why;

use serde::{Deserialize, Serialize};

pub use self::hosts::{HostAsked, HostColumn, HostKey, HostLine, HostSort, HostWindow, HostsAsked, ViewHost, program};
pub use self::rules::{LOCAL, RuleFetch, RuleKept, RulePrefs, RuleSource, RuleWindow, is_address, shown_address};
pub use self::why::{Why, WhyAsked};
use crate::interface::Interfaces;
use crate::live::CaptureFailure;
use crate::request::{ValueColumn, ValueCount};
use crate::row::EventMessage;
use crate::rules::{RuleChecked, RuleCounts, RuleText, RuleVariable, RulesAsked};
use crate::{Addr, Few, FlowRecord, RowId, RowKind, Timestamp};

/// A source of rows in the app: one sensor link. Never used again after the source is closed.
pub type SourceId = u32;

/// A row's identity across sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RowKey {
    /// Which source.
    pub source: SourceId,
    /// Which row of it.
    pub row: RowId,
}

/// A request of the UI.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ViewRequest {
    /// Everything the UI needs once, at its start. Answered by [`ViewReply::Boot`].
    Boot,
    /// A window of the sorted, filtered rows. Answered by [`ViewReply::Rows`].
    Rows {
        /// First row wanted (0 is the top).
        offset: u64,
        /// Rows wanted; the app answers at most 200.
        count: u32,
        /// Hold still: if given, and the row exists, `offset` is replaced so that this row stands `at` rows below
        /// the window's top.
        anchor: Option<Anchor>,
    },
    /// Where a row stands in the current order. Answered by [`ViewReply::Position`].
    Position(RowKey),
    /// Sort order; first key is the primary one. Answered by [`ViewReply::Done`].
    Sort(Vec<SortKey>),
    /// Show only rows that say this: in a message, as a rule's number or class, as the one address or a protocol;
    /// nothing shows all. Answered by [`ViewReply::Done`].
    Find(String),
    /// Rows over time for the strip above the grid. Answered by [`ViewReply::Timeline`].
    Timeline {
        /// Buckets wanted (the app may answer with fewer).
        buckets: u16,
    },
    /// Sources, counters, messages. Answered by [`ViewReply::Status`].
    Status,
    /// Freeze or go on. Answered by [`ViewReply::Done`].
    Pause(bool),
    /// Unique values of one cell of a row. Answered by [`ViewReply::Values`].
    Values {
        /// Which row.
        key: RowKey,
        /// Which cell.
        column: ValueColumn,
    },
    /// Flows of a row. Answered by [`ViewReply::Flows`].
    Flows {
        /// Which row.
        key: RowKey,
        /// Flows to pass over.
        offset: u32,
        /// Flows wanted; the app answers at most 1,000.
        limit: u32,
    },
    /// A window of the list of hosts. Answered by [`ViewReply::Hosts`].
    Hosts(HostsAsked),
    /// One host with everything that is known of it. Answered by [`ViewReply::Host`].
    Host(HostAsked),
    /// A window of the list of rules. Answered by [`ViewReply::Rules`].
    RuleList(RulesAsked),
    /// All that a rule says, as a source runs it. Answered by [`ViewReply::Rule`].
    Rule {
        /// Whose; 0 for the rules as they are set.
        source: SourceId,
        /// Group.
        gid: u32,
        /// Number.
        sid: u32,
    },
    /// Why a rule told of a flow, or did not. One question at a time: it ends the one before. Answered by
    /// [`ViewReply::Why`] after a moment, done or not.
    Explain(WhyAsked),
    /// More of the question of that number. Answered by [`ViewReply::Why`] when it is done, or after a moment.
    ExplainOn(u64),
    /// The question of that number is withdrawn: the sensor reads no further. Answered by [`ViewReply::Done`].
    StopExplain(u64),
    /// Whether rules written here could run. Answered by [`ViewReply::RulesChecked`].
    CheckRules(String),
    /// Keep which rules run, and have every sensor run them; also reads their files anew. Answered by
    /// [`ViewReply::Done`] once the list tells of them; sensors with many packets to read may take longer.
    SetRules(Box<RulePrefs>),
    /// What is wrong with variables set like this, and what all of them stand for. Answered by
    /// [`ViewReply::Variables`].
    CheckVariables(Box<RulePrefs>),
    /// Fetch a source by its address, once: nothing is fetched unless this asks for it. Answered by
    /// [`ViewReply::Done`] when it begins; how it goes stands in [`RuleWindow::fetches`], and with each change of it
    /// [`AppStatus::rules`] grows. What was fetched is used at once.
    FetchRules(String),
    /// Fetch it no further; what was kept before stays. Answered by [`ViewReply::Done`].
    StopFetch(String),
    /// Open captures by path. Answered by [`ViewReply::Done`]; a file that fails shows in the status.
    Open(Vec<String>),
    /// Show the system's file dialog; what is picked is opened. Answered by [`ViewReply::Done`] when it closes.
    OpenDialog,
    /// The interfaces of this machine, listed anew. Answered by [`ViewReply::Interfaces`].
    Interfaces,
    /// Capture from an interface. Answered by [`ViewReply::Capturing`] once it runs, or can't: then no source is left.
    Capture {
        /// What to capture.
        wire: Wire,
        /// Name of the source; empty for the interface's own.
        name: String,
    },
    /// Open anew what a source read or captured from. It goes where it has no rows, and with it other tries that failed
    /// before their first row; else it stays beside the new one.
    /// Answered by [`ViewReply::Done`]; what fails shows in the status.
    Again(SourceId),
    /// Stop reading a capture, or capturing; the rows stay. Answered by [`ViewReply::Done`].
    Stop(SourceId),
    /// Close a source and take its rows away. Answered by [`ViewReply::Done`].
    Close(SourceId),
    /// Rename a source: old rows too. Answered by [`ViewReply::Done`].
    Rename {
        /// Which source.
        source: SourceId,
        /// Its new name.
        name: String,
    },
    /// Forget the recent list. Answered by [`ViewReply::Done`].
    ClearRecent,
    /// Keep preferences. Answered by [`ViewReply::Done`].
    SetPrefs(Prefs),
    /// A fault in the UI (panic, unhandled rejection), for the app's log. Answered by [`ViewReply::Done`].
    Log(String),
}

/// The app's answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ViewReply {
    /// To [`ViewRequest::Boot`].
    Boot(Box<Boot>),
    /// To [`ViewRequest::Rows`].
    Rows(RowWindow),
    /// To [`ViewRequest::Position`]: its index, or `None` when it is filtered out or gone.
    Position(Option<u64>),
    /// To [`ViewRequest::Timeline`].
    Timeline(Timeline),
    /// To [`ViewRequest::Status`].
    Status(AppStatus),
    /// To [`ViewRequest::Values`].
    Values(Values),
    /// To [`ViewRequest::Flows`].
    Flows(Flows),
    /// To [`ViewRequest::Hosts`].
    Hosts(HostWindow),
    /// To [`ViewRequest::Host`]; `None` where nothing is known of it.
    Host(Option<Box<ViewHost>>),
    /// To [`ViewRequest::RuleList`].
    Rules(Box<RuleWindow>),
    /// To [`ViewRequest::Rule`]; `None` where there is no such rule.
    Rule(Option<Box<RuleText>>),
    /// To [`ViewRequest::Explain`] and [`ViewRequest::ExplainOn`].
    Why(Box<Why>),
    /// To [`ViewRequest::CheckRules`].
    RulesChecked(RuleChecked),
    /// To [`ViewRequest::CheckVariables`].
    Variables(Vec<RuleVariable>),
    /// To [`ViewRequest::Interfaces`].
    Interfaces(Interfaces),
    /// To [`ViewRequest::Capture`]: it runs, or why it can't.
    Capturing(Option<CaptureFailure>),
    /// It is done.
    Done,
    /// It failed.
    Error(ViewError),
}

/// A failure, for the user: a stable code, a sentence, and the detail for a bug report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewError {
    /// Stable, e.g. `sensor_gone`.
    pub code: String,
    /// A sentence that says what failed and what to do.
    pub message: String,
    /// The cause, as the layers below put it.
    pub detail: String,
}

/// Pushed to the UI, at most ten a second, when something changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tick {
    /// Grows with each change of the rows shown.
    pub rows: u64,
    /// Grows with each change of sources, counters or messages.
    pub status: u64,
    /// Grows with each change of hosts.
    pub hosts: u64,
}

/// What the UI needs at its start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Boot {
    /// Version of the app.
    pub version: String,
    /// Preferences.
    pub prefs: Prefs,
    /// The whole IANA list, sorted.
    pub zones: Vec<String>,
    /// The system's own zone.
    pub system_zone: String,
    /// The system's file dialog is there (not in a browser).
    pub has_dialog: bool,
    /// Current sort order.
    pub sort: Vec<SortKey>,
    /// What rows are searched for.
    pub find: String,
}

/// What the user set; kept by the app.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Prefs {
    /// IANA zone in which times are shown.
    pub zone: String,
    /// Colours.
    pub theme: Theme,
    /// Height of a row.
    pub density: Density,
    /// Columns in their order from left to right.
    pub columns: Vec<ColumnPref>,
    /// Show flow rows that have no event.
    pub flow_events: bool,
    /// Show what is known of a host under its address.
    pub annotations: bool,
    /// Where the detail panel lies.
    pub detail_dock: Dock,
    /// Width of the detail panel in CSS pixels where it lies at the right, within [`DETAIL_WIDTH`].
    pub detail_width: u16,
    /// Height of the detail panel in CSS pixels where it lies below, within [`DETAIL_HEIGHT`].
    pub detail_height: u16,
}

/// Narrowest and widest detail panel, in CSS pixels.
pub const DETAIL_WIDTH: (u16, u16) = (320, 900);

/// Lowest and tallest detail panel, in CSS pixels.
pub const DETAIL_HEIGHT: (u16, u16) = (180, 700);

impl Default for Prefs {
    fn default() -> Self {
        Prefs {
            zone: "UTC".into(),
            theme: Theme::System,
            density: Density::Medium,
            columns: Column::ALL.iter().map(|&column| ColumnPref { column, width: None, shown: true }).collect(),
            flow_events: false,
            annotations: true,
            detail_dock: Dock::Auto,
            detail_width: 440,
            detail_height: 300,
        }
    }
}

/// Colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Theme {
    /// As the system says.
    System,
    /// Light on dark.
    Dark,
    /// Dark on light.
    Light,
}

/// Height of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Density {
    /// 22 px.
    Compact,
    /// 28 px.
    Medium,
    /// 36 px.
    Roomy,
}

impl Density {
    /// Row height in CSS pixels.
    pub fn px(self) -> u16 {
        match self {
            Density::Compact => 22,
            Density::Medium => 28,
            Density::Roomy => 36,
        }
    }
}

/// Where the detail panel lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Dock {
    /// At the right where the grid keeps room for its columns, else below.
    Auto,
    /// At the right of the grid.
    Right,
    /// Below the grid.
    Below,
}

/// The grid's columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Column {
    /// `<TZ> Time`.
    Time,
    /// Where the row came from.
    Sensor,
    /// Priority.
    Rank,
    /// Payload bytes.
    Bytes,
    /// Packets.
    Packets,
    /// Flows.
    Flows,
    /// Server addresses.
    Server,
    /// Server ports.
    ServerPort,
    /// Client addresses.
    Client,
    /// Client ports.
    ClientPort,
    /// Event messages.
    Events,
    /// IP protocol number.
    Proto,
}

impl Column {
    /// All twelve, in their first order.
    pub const ALL: [Column; 12] = [
        Column::Time,
        Column::Sensor,
        Column::Rank,
        Column::Bytes,
        Column::Packets,
        Column::Flows,
        Column::Server,
        Column::ServerPort,
        Column::Client,
        Column::ClientPort,
        Column::Events,
        Column::Proto,
    ];

    /// Width in CSS pixels that a column has, at least, until the user gives it one.
    pub fn width(self) -> u16 {
        match self {
            Column::Time => 122,
            Column::Sensor => 104,
            Column::Rank => 60,
            // `~999.9 MB` and an arrow in the heading.
            Column::Bytes => 92,
            Column::Packets => 84,
            Column::Flows => 66,
            Column::Server | Column::Client => 150,
            // `65,535 ports`
            Column::ServerPort | Column::ClientPort => 92,
            Column::Events => 180,
            Column::Proto => 64,
        }
    }
}

/// One column of the layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnPref {
    /// Which.
    pub column: Column,
    /// Width in CSS pixels that the user gave it; `None` leaves it to the layout.
    pub width: Option<u16>,
    /// Shown or hidden.
    pub shown: bool,
}

/// One key of the sort order. Ties fall back to time, newest first, then to source and row id, so that the order is
/// total and stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SortKey {
    /// By which column.
    pub column: Column,
    /// Greatest first.
    pub descending: bool,
}

/// See [`ViewRequest::Rows`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// The row that holds still.
    pub key: RowKey,
    /// How many rows below the top it stands.
    pub at: u32,
}

/// A window of rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RowWindow {
    /// [`Tick::rows`] when this was made.
    pub revision: u64,
    /// Rows that pass the filter.
    pub total: u64,
    /// Rows in the view, filtered or not.
    pub unfiltered: u64,
    /// Index of the first row in `rows`.
    pub offset: u64,
    /// Abbreviation of the zone at the newest row (`CET`), for the header of the time column.
    pub zone: String,
    /// Rows that wait while the view is paused.
    pub waiting: u64,
    /// Sums over the rows that pass the filter.
    pub totals: Totals,
    /// The rows.
    pub rows: Vec<ViewRow>,
}

/// Sums over the rows that pass the filter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Payload bytes.
    pub bytes: u64,
    /// Packets.
    pub packets: u64,
    /// Flows.
    pub flows: u64,
}

/// A row as the grid draws it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ViewRow {
    /// Identity.
    pub key: RowKey,
    /// Revision.
    pub rev: u32,
    /// Kind of record.
    pub kind: RowKind,
    /// Name of the sensor.
    pub sensor: String,
    /// Start of the row's first flow, UTC.
    pub first: Timestamp,
    /// Last packet, UTC.
    pub last: Timestamp,
    /// Seconds to add to UTC for the zone of the preferences at `first`.
    pub utc_offset: i32,
    /// Priority; `None` is "no information".
    pub rank: Option<i8>,
    /// Payload bytes.
    pub bytes: u64,
    /// Whole frames, in bytes.
    pub frame_bytes: u64,
    /// `bytes` is an estimate.
    pub estimate: bool,
    /// Packets.
    pub packets: u64,
    /// Flows.
    pub flows: u32,
    /// Flows still open.
    pub open: u32,
    /// Server addresses.
    pub servers: Few<Addr>,
    /// Client addresses.
    pub clients: Few<Addr>,
    /// Server ports.
    pub server_ports: Few<u16>,
    /// Client ports.
    pub client_ports: Few<u16>,
    /// Application protocols.
    pub app_protos: Vec<String>,
    /// Flows that are new, established, closed.
    pub states: [u32; 3],
    /// Messages.
    pub events: Vec<EventMessage>,
    /// IP protocol number.
    pub proto: u8,
    /// What is known of the one server: its name, and what answers on the row's port; else empty.
    pub server_note: String,
    /// What is known of the one client: its name, and what it runs; else empty.
    pub client_note: String,
}

/// Rows over time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timeline {
    /// Start of the first bucket, UTC nanoseconds.
    pub start: Timestamp,
    /// Width of a bucket in nanoseconds; 0 when there are no rows.
    pub step: i64,
    /// Seconds to add to UTC for the zone of the preferences at each bucket's start, and at the end of the last.
    pub utc_offsets: Vec<i32>,
    /// Rows that start in each bucket, by kind in the order of [`RowKind`].
    pub buckets: Vec<[u32; 5]>,
}

/// Unique values of one cell.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Values {
    /// Unique values in all; more than `values.len()` where the list was cut at 100,000.
    pub total: u32,
    /// In ascending order.
    pub values: Vec<ValueCount>,
}

/// Flows of a row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Flows {
    /// Flows of the row in all.
    pub total: u32,
    /// The part asked for.
    pub flows: Vec<ViewFlow>,
}

/// A flow with its time in the zone of the preferences.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ViewFlow {
    /// The record.
    pub flow: FlowRecord,
    /// Seconds to add to UTC for the zone of the preferences at the flow's start.
    pub utc_offset: i32,
}

/// Sources, counters, messages.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AppStatus {
    /// [`Tick::status`] when this was made.
    pub revision: u64,
    /// Sources in the order they were opened.
    pub sources: Vec<SourceStatus>,
    /// Captures opened before, newest first.
    pub recent: Vec<Recent>,
    /// The view is paused.
    pub paused: bool,
    /// Rows that wait while it is paused.
    pub waiting: u64,
    /// Row changes taken in during the last second.
    pub changes_per_second: u32,
    /// Most rows the app keeps; the oldest give way past it.
    pub row_cap: u64,
    /// Rows that gave way.
    pub rows_evicted: u64,
    /// Hosts the app keeps.
    pub hosts: u64,
    /// Hosts that gave way.
    pub hosts_evicted: u64,
    /// Grows with each change of which rules run, and of what is fetched.
    pub rules: u64,
    /// What came of rules when a sensor last took some.
    pub rule_counts: RuleCounts,
    /// Standing messages (preferences could not be kept, ...), newest last.
    pub notices: Vec<ViewError>,
}

/// A capture that was opened before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recent {
    /// Full path.
    pub path: String,
    /// Size in bytes when it was opened.
    pub size: u64,
    /// When, UTC nanoseconds.
    pub opened: Timestamp,
}

/// One source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SourceStatus {
    /// Identity.
    pub id: SourceId,
    /// Name on screen.
    pub name: String,
    /// Where its packets come from.
    pub origin: Origin,
    /// State of the link to its sensor.
    pub link: LinkState,
    /// What the sensor says of its source.
    pub status: crate::live::Status,
    /// Rows of this source the app keeps.
    pub rows: u64,
    /// What came in during the last second.
    pub pace: Pace,
}

/// Where a source's packets come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// A capture file, by its full path.
    File(String),
    /// A network interface of this machine.
    Interface(Wire),
}

/// A live capture as it is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wire {
    /// Name of the interface, as the sensor lists it.
    pub interface: String,
    /// BPF filter, as for tcpdump; empty for everything.
    pub filter: String,
}

/// How fast packets come in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    /// Packets in the last second.
    pub packets: u64,
    /// Bytes in the last second: of a capture file as stored, of an interface as they were on the wire.
    pub bytes: u64,
    /// None came for a few seconds.
    pub idle: bool,
}

/// State of the link to a sensor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LinkState {
    /// The sensor is being started.
    Starting,
    /// Connected.
    Up,
    /// Gone, and why, in words.
    Down(String),
}
