//! TCP as hosts see it: connections with window checks, and each side's bytes in order.
//!
//! [`Connection::segment`] takes one TCP packet after the other and hands a [`Reader`] what the receiving application
//! would get: bytes in order at once and borrowed from the packet; what comes out of order waits in bounded, pooled
//! buffers; what is missing is told as a gap. What is odd comes back as [`Events`].
//!
//! The module knows nothing of packets, flow tables or protocols: it takes numbers and slices.

#![warn(clippy::indexing_slicing)]

mod connection;
mod event;
mod half;
mod handshake;
mod policy;
mod pool;
mod settings;
mod state;
mod store;
mod window;

pub use connection::Connection;
pub use event::{Counts, Event, Events};
pub use policy::Policy;
pub use settings::{Settings, Stats, Streams};
pub use state::State;

/// One of the two ends of a connection, by its role in the flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Side {
    /// The flow's client.
    Client = 0,
    /// The flow's server.
    Server = 1,
}

impl Side {
    /// The other one.
    #[inline]
    pub fn other(self) -> Side {
        match self {
            Side::Client => Side::Server,
            Side::Server => Side::Client,
        }
    }
}

/// A TCP packet, as far as its connection needs it. Numbers are as in the header, unscaled.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    /// Packet time in nanoseconds since 1970, UTC.
    pub time: i64,
    /// Who sent it.
    pub side: Side,
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgement number.
    pub ack: u32,
    /// Flags, in the bits of the header's 14th byte: see [`flags`].
    pub flags: u8,
    /// Window.
    pub window: u16,
    /// Urgent pointer.
    pub urgent: u16,
    /// Shift of the window scale option, if it is there (RFC 7323 section 2).
    pub scale: Option<u8>,
    /// Value of the timestamps option, if it is there (RFC 7323 section 3).
    pub timestamp: Option<u32>,
    /// The fast open option is there (RFC 7413 section 4.1).
    pub fast_open: bool,
    /// Payload length on the wire.
    pub len: u32,
    /// What was captured of the payload; bytes past `len` (padding) are not looked at.
    pub payload: &'a [u8],
}

impl Segment<'_> {
    /// All bits of `mask` are set.
    #[inline]
    fn has(&self, mask: u8) -> bool {
        self.flags & mask == mask
    }
}

/// The bits of [`Segment::flags`] that connections look at.
pub mod flags {
    /// No more data from the sender.
    pub const FIN: u8 = 0x01;
    /// Synchronise sequence numbers.
    pub const SYN: u8 = 0x02;
    /// Reset.
    pub const RST: u8 = 0x04;
    /// The acknowledgement number counts.
    pub const ACK: u8 = 0x10;
    /// The urgent pointer counts.
    pub const URG: u8 = 0x20;
}

/// Whether a reader wants more of a side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wants {
    /// Go on.
    More,
    /// Nothing more of this side, not even its end: from here on it costs only counters.
    Enough,
}

/// How a side's stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// All bytes up to the FIN were told.
    Fin,
    /// Reset by either side.
    Reset,
    /// `Settings::depth` was reached.
    Depth,
    /// The connection was given up without an end: idle, evicted, the capture's end.
    Open,
}

/// What reads the streams of a connection.
///
/// For each side, data and gaps come in stream order, then one end, then nothing. A side that never said anything has
/// no end. A gap is told when data from behind the hole was seen and the hole was acknowledged, when a bound is
/// reached, or when the connection is closed. A reset is told with the close: hosts that don't believe it go on.
pub trait Reader {
    /// The next bytes that `side` sent; never empty. They live in the packet or in a buffer that is used again.
    fn data(&mut self, side: Side, bytes: &[u8]) -> Wants;

    /// The next `len` bytes that `side` sent were not captured.
    fn gap(&mut self, side: Side, len: u64) -> Wants;

    /// Nothing more comes from `side`.
    fn end(&mut self, side: Side, how: End);
}

/// Reads nothing: what a connection costs that nobody is interested in.
impl Reader for () {
    #[inline]
    fn data(&mut self, _: Side, _: &[u8]) -> Wants {
        Wants::Enough
    }

    #[inline]
    fn gap(&mut self, _: Side, _: u64) -> Wants {
        Wants::Enough
    }

    #[inline]
    fn end(&mut self, _: Side, _: End) {}
}

/// Signed distance from `from` to `to` in sequence space (RFC 9293 section 3.4).
#[inline]
fn distance(from: u32, to: u32) -> i64 {
    i64::from(to.wrapping_sub(from) as i32)
}

/// True if `a` comes before `b` in sequence space.
#[inline]
fn behind(a: u32, b: u32) -> bool {
    distance(a, b) > 0
}
