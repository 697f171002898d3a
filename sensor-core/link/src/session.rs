//! The session: records sealed with the keys of the handshake. No IO, no clock.
//!
//! A frame holds one Noise message; its plaintext is a record: one byte of [kind](Kind) and the content.
//!
//! **Rekeying.** Each direction has its own key. The sender replaces its key (Noise's `Rekey`, the nonce counts on) by
//! sending a record of kind `Rekey`: it is the last one under the old key. It does so at the latest with the
//! [`RekeyPolicy::records`]-th record under a key, and earlier when the key is [`RekeyPolicy::age`] old. The receiver
//! holds the sender to the count, so a key never protects more than that.
//!
//! **Closing.** A record of kind `Close` is the last of its direction. A connection that ends without it was cut.

use std::fmt;
use std::time::Duration;

use snow::TransportState;

use crate::error::Fault;
use crate::frame::{FrameTooLong, LENGTH, MAX_FRAME};

/// Bytes of the authentication tag that each record carries.
pub const TAG: usize = 16;

/// Most content of one record: a Noise message less the tag and the record's kind.
pub const MAX_CONTENT: usize = MAX_FRAME - TAG - 1;

/// A session that cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// A record doesn't authenticate.
    #[error("a record was changed, lost or repeated on its way")]
    Tampered,
    /// The peer announced a frame over the limit.
    #[error(transparent)]
    Frame(#[from] FrameTooLong),
    /// A record of a kind this version doesn't know, or with content where there is none.
    #[error("the peer sent a malformed record (kind {0:?})")]
    Malformed(Option<u8>),
    /// The peer used a key for more records than allowed.
    #[error("the peer did not renew its key in time")]
    RekeyOverdue,
    /// The peer sent something after its `Close`.
    #[error("the peer went on after its goodbye")]
    AfterClose,
    /// Encryption failed on this side.
    #[error("a record could not be sealed")]
    Seal,
}

impl SessionError {
    pub(crate) fn fault(&self) -> Fault {
        match self {
            SessionError::Tampered => Fault::Between,
            SessionError::Frame(_)
            | SessionError::Malformed(_)
            | SessionError::RekeyOverdue
            | SessionError::AfterClose => Fault::Peer,
            SessionError::Seal => Fault::Here,
        }
    }
}

/// First byte of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Bytes of the stream layer.
    Data = 0,
    /// Goodbye; no content, nothing follows.
    Close = 1,
    /// The sender's next record is under its next key; no content.
    Rekey = 2,
}

/// When a sender renews its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RekeyPolicy {
    /// Most records under one key, the `Rekey` record included; at least 2. Part of the protocol: both ends must agree.
    pub records: u64,
    /// Age at which a key is renewed with the next record. The sender's own choice.
    pub age: Duration,
}

impl Default for RekeyPolicy {
    fn default() -> Self {
        RekeyPolicy { records: 1 << 20, age: Duration::from_secs(3600) }
    }
}

/// What a frame held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    /// Content, to be fetched with [`Session::content`].
    Data,
    /// The peer's goodbye.
    Close,
    /// The peer renewed its key.
    Rekey,
}

/// An established session, both directions.
pub struct Session {
    noise: TransportState,
    policy: RekeyPolicy,
    now: Duration,
    sent: Direction,
    received: Direction,
    /// Plaintext of the record being sealed.
    record: Vec<u8>,
    /// Plaintext of the record opened last.
    opened: Box<[u8]>,
    content: std::ops::Range<usize>,
}

/// What one direction's current key was used for.
#[derive(Debug, Default)]
struct Direction {
    records: u64,
    since: Duration,
    closed: bool,
}

impl Session {
    pub(crate) fn new(noise: TransportState, policy: RekeyPolicy) -> Session {
        Session {
            noise,
            policy: RekeyPolicy { records: policy.records.max(2), ..policy },
            now: Duration::ZERO,
            sent: Direction::default(),
            received: Direction::default(),
            record: Vec::with_capacity(MAX_CONTENT + 1),
            opened: vec![0; MAX_FRAME].into_boxed_slice(),
            content: 0..0,
        }
    }

    /// Tells how long the session has lasted; only [`RekeyPolicy::age`] depends on it.
    pub fn tick(&mut self, since_start: Duration) {
        self.now = self.now.max(since_start);
    }

    /// Appends the frames of `content` to `out`: as many as it takes, with a `Rekey` among them when it is due.
    pub fn seal(&mut self, content: &[u8], out: &mut Vec<u8>) -> Result<(), SessionError> {
        for part in content.chunks(MAX_CONTENT) {
            if self.sent.records + 1 >= self.policy.records || self.now >= self.sent.since + self.policy.age {
                self.seal_record(Kind::Rekey, &[], out)?;
                self.noise.rekey_outgoing();
                self.sent = Direction { records: 0, since: self.now, ..self.sent };
            }
            self.seal_record(Kind::Data, part, out)?;
        }
        Ok(())
    }

    /// Appends a record without content to `out`: the app's first, by which the sensor knows that it isn't a recording.
    pub fn confirm(&mut self, out: &mut Vec<u8>) -> Result<(), SessionError> {
        self.seal_record(Kind::Data, &[], out)
    }

    /// Appends the goodbye to `out`, once.
    pub fn seal_close(&mut self, out: &mut Vec<u8>) -> Result<(), SessionError> {
        if !self.sent.closed {
            self.seal_record(Kind::Close, &[], out)?;
            self.sent.closed = true;
        }
        Ok(())
    }

    fn seal_record(&mut self, kind: Kind, content: &[u8], out: &mut Vec<u8>) -> Result<(), SessionError> {
        if self.sent.closed {
            return Err(SessionError::Seal);
        }
        self.record.clear();
        self.record.push(kind as u8);
        self.record.extend_from_slice(content);
        let length = self.record.len() + TAG;
        let prefix = u16::try_from(length).map_err(|_| SessionError::Seal)?.to_be_bytes();
        let start = out.len();
        out.extend_from_slice(&prefix);
        out.resize(start + LENGTH + length, 0);
        let place = out.get_mut(start + LENGTH..).ok_or(SessionError::Seal)?;
        self.noise.write_message(&self.record, place).map_err(|_| SessionError::Seal)?;
        self.sent.records += 1;
        Ok(())
    }

    /// Opens one frame. What [`content`](Self::content) held before is gone.
    pub fn open(&mut self, frame: &[u8]) -> Result<Opened, SessionError> {
        if self.received.closed {
            return Err(SessionError::AfterClose);
        }
        self.content = 0..0;
        let length = self.noise.read_message(frame, &mut self.opened).map_err(|_| SessionError::Tampered)?;
        self.received.records += 1;
        let kind = self.opened.get(..length).and_then(<[u8]>::first).copied();
        if kind != Some(Kind::Rekey as u8) && self.received.records >= self.policy.records {
            return Err(SessionError::RekeyOverdue);
        }
        match (kind, length) {
            (Some(kind), _) if kind == Kind::Data as u8 => {
                self.content = 1..length;
                Ok(Opened::Data)
            }
            (Some(kind), 1) if kind == Kind::Close as u8 => {
                self.received.closed = true;
                Ok(Opened::Close)
            }
            (Some(kind), 1) if kind == Kind::Rekey as u8 => {
                self.noise.rekey_incoming();
                self.received.records = 0;
                Ok(Opened::Rekey)
            }
            _ => Err(SessionError::Malformed(kind)),
        }
    }

    /// What is left of the content opened last.
    pub fn content(&self) -> &[u8] {
        self.opened.get(self.content.clone()).unwrap_or_default()
    }

    /// The first `count` bytes of [`content`](Self::content) were taken.
    pub fn consume(&mut self, count: usize) {
        self.content.start = (self.content.start + count).min(self.content.end);
    }

    /// The peer said goodbye.
    pub fn is_closed_by_peer(&self) -> bool {
        self.received.closed
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("sent", &self.sent).field("received", &self.received).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
