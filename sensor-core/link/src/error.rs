//! What can go wrong on a link, and whose fault it is.

use std::io;

use crate::handshake::HandshakeError;
use crate::keys::{KeyError, PublicKey};
use crate::session::SessionError;

/// A link that failed. Cheap to clone: every stream of a connection that died can say why.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// The pipe or socket under the link failed.
    #[error("the connection failed: {text}")]
    Io {
        /// Kind of the failure.
        kind: io::ErrorKind,
        /// As the system puts it.
        text: String,
    },
    /// The other end went away without a goodbye: it crashed, was killed, or something cut the connection.
    #[error("the other end is gone: the connection was cut without a goodbye")]
    Cut,
    /// Nothing came in time.
    #[error("nothing came within {seconds} s while waiting for {what}")]
    Timeout {
        /// What was waited for.
        what: &'static str,
        /// How long.
        seconds: u64,
    },
    /// The child's first line isn't a sensor's announcement.
    #[error("this is not a sensor: its first line is {got:?}")]
    NotASensor {
        /// What it wrote instead, cut to a line.
        got: String,
    },
    /// The sensor speaks another version of the link.
    #[error("the sensor speaks version {got:?} of the link, this program speaks version {ours}")]
    OtherVersion {
        /// Its version.
        got: String,
        /// This program's version.
        ours: u32,
    },
    /// The responder closed the connection in the handshake; on purpose it doesn't say why.
    #[error("the sensor refused the connection: it has another key than expected, or does not accept this viewer")]
    Refused,
    /// The viewer's key isn't one this sensor accepts.
    #[error("viewer {0} is not accepted by this sensor")]
    NotAllowed(PublicKey),
    /// The handshake failed.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    /// The session failed: a record was tampered with, or the peer broke a rule.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The multiplexer failed.
    #[error("the peer broke a rule of the stream layer: {0}")]
    Streams(String),
    /// The peer announced a message above the limit.
    #[error("a message of {0} bytes is announced, the limit is {max}", max = sensor_wire::codec::MAX_MESSAGE)]
    TooLong(usize),
    /// A message isn't what was expected.
    #[error("a message of the peer is not readable: {0}")]
    Unreadable(String),
    /// A message cannot be written.
    #[error("a message cannot be written: {0}")]
    Unwritable(String),
    /// The stream ended inside a message.
    #[error("the stream ended inside a message")]
    Truncated,
    /// The peer closed this stream; for a request that is how it is cancelled.
    #[error("the other end closed the stream")]
    StreamClosed,
    /// The connection has ended, in good order.
    #[error("the connection has ended")]
    Ended,
    /// A key isn't a key.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// On which side the cause lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// This program.
    Here,
    /// The program at the other end.
    Peer,
    /// What lies between the two: the pipe, the network, or an attacker on it.
    Between,
    /// Nobody's: an ordinary end.
    None,
}

impl LinkError {
    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            LinkError::Io { .. } | LinkError::Cut => Fault::Between,
            LinkError::Timeout { .. }
            | LinkError::NotASensor { .. }
            | LinkError::OtherVersion { .. }
            | LinkError::Refused
            | LinkError::NotAllowed(_)
            | LinkError::Streams(_)
            | LinkError::TooLong(_)
            | LinkError::Unreadable(_)
            | LinkError::Truncated => Fault::Peer,
            LinkError::Handshake(e) => e.fault(),
            LinkError::Session(e) => e.fault(),
            LinkError::Unwritable(_) | LinkError::Key(_) => Fault::Here,
            LinkError::StreamClosed | LinkError::Ended => Fault::None,
        }
    }
}

impl From<io::Error> for LinkError {
    fn from(error: io::Error) -> Self {
        LinkError::Io { kind: error.kind(), text: error.to_string() }
    }
}
