//! What rules ask of flows and hosts, what they leave there, and how often they tell.

use crate::rules::buffer::Side;

/// `flow`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flow {
    /// Which way the packet goes.
    pub side: Option<Side>,
    /// What the flow's state has to be.
    pub state: Option<FlowState>,
    /// Of the stream or of packets.
    pub stream: Option<StreamScope>,
    /// Of fragments: only reassembled ones, or none of them.
    pub reassembled: Option<bool>,
}

/// State of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlowState {
    /// Both sides were heard.
    Established,
    /// They were not yet.
    NotEstablished,
    /// Whatever it is.
    Stateless,
}

/// Of the stream or of packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamScope {
    /// `only_stream`
    Only,
    /// `no_stream`
    Never,
}

/// A command on bits that have names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bits {
    /// What is done.
    pub command: BitCommand,
    /// The names; any of them, where several stand with `|`. None with `noalert`.
    pub names: Box<[Box<str>]>,
}

/// What is done with bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BitCommand {
    /// Sets.
    Set,
    /// Clears.
    Unset,
    /// Sets or clears.
    Toggle,
    /// Matches if set.
    IsSet,
    /// Matches if not set.
    IsNotSet,
    /// The rule does not tell.
    NoAlert,
}

/// Whose bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostSide {
    /// The source's.
    Source,
    /// The destination's.
    Destination,
    /// Both.
    Both,
}

/// `xbits`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Xbits {
    /// What is done.
    pub command: BitCommand,
    /// The name; empty with `noalert`.
    pub name: Box<str>,
    /// Whose bit.
    pub track: Track,
    /// After how many seconds it is cleared; 30 unless given.
    pub expire: u32,
}

/// By what is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Track {
    /// Source address.
    Source,
    /// Destination address.
    Destination,
    /// Pair of addresses.
    Both,
    /// Rule.
    Rule,
    /// Flow.
    Flow,
    /// Transaction.
    Transaction,
}

/// `flowint`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flowint {
    /// The number's name.
    pub name: Box<str>,
    /// What is done.
    pub operation: FlowintOperation,
    /// With what.
    pub operand: FlowintOperand,
}

/// What `flowint` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlowintOperation {
    /// `=`
    Assign,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `isset`
    IsSet,
    /// `notset`, `isnotset`
    IsNotSet,
}

/// The right side of `flowint`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FlowintOperand {
    /// None, for `isset`.
    None,
    /// A number.
    Number(u32),
    /// Another number of the flow.
    Name(Box<str>),
}

/// `threshold`, `detection_filter`, and what `threshold.config` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Threshold {
    /// What is done.
    pub kind: ThresholdKind,
    /// By what is counted.
    pub track: Track,
    /// How many.
    pub count: u32,
    /// In how many seconds; 0 with `backoff`.
    pub seconds: u32,
    /// `backoff` only: what the count is multiplied with each time.
    pub multiplier: u32,
    /// Only different values count.
    pub unique: Option<Unique>,
}

/// What a threshold does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThresholdKind {
    /// The first `count` in each time.
    Limit,
    /// Every `count`th.
    Threshold,
    /// Once in each time, if there are `count`.
    Both,
    /// The `count`th, then that times the multiplier, ...
    Backoff,
    /// From the one after `count` on.
    Filter,
}

/// Which values have to differ to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unique {
    /// Source ports.
    SourcePort,
    /// Destination ports.
    DestinationPort,
}

/// `tag`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag {
    /// What is tagged: the session, or the host of that side.
    pub host: Option<HostSide>,
    /// How many of `unit`.
    pub count: u32,
    /// Of what.
    pub unit: TagUnit,
}

/// Until when a tag holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagUnit {
    /// Packets.
    Packets,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
}
