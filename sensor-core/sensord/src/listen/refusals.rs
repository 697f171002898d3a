//! Who was not let in, and why: counted, and told in the log once a second at most for each reason.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sensor_link::handshake::HandshakeError;
use sensor_link::session::SessionError;
use sensor_link::{LinkError, PublicKey};
use tokio::time::Instant;

use crate::state::{StateError, TokenRefused};

/// Why a peer was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// What it sent is no handshake of the link.
    Garbage,
    /// What it sent is for another sensor's key, or was changed.
    WrongKey,
    /// Its key is not on the list.
    Stranger,
    /// Its key was taken from the list.
    Revoked,
    /// Its token was never given out, or ended long ago.
    UnknownToken,
    /// Its token has ended.
    ExpiredToken,
    /// Its token was used before.
    UsedToken,
    /// It could not go on from its first message, as the key's owner can: that was a recording.
    Unproven,
    /// It took too long.
    Late,
    /// It went away in the handshake.
    Cut,
    /// Its address has as many handshakes under way as one may.
    Crowd,
    /// As many viewers look as may.
    Full,
    /// The state folder can't be read or written.
    State,
}

impl Reason {
    /// All of them.
    pub const ALL: [Reason; 13] = [
        Reason::Garbage,
        Reason::WrongKey,
        Reason::Stranger,
        Reason::Revoked,
        Reason::UnknownToken,
        Reason::ExpiredToken,
        Reason::UsedToken,
        Reason::Unproven,
        Reason::Late,
        Reason::Cut,
        Reason::Crowd,
        Reason::Full,
        Reason::State,
    ];

    /// In the log.
    pub fn words(self) -> &'static str {
        match self {
            Reason::Garbage => "garbage",
            Reason::WrongKey => "wrong key",
            Reason::Stranger => "not on the list",
            Reason::Revoked => "revoked",
            Reason::UnknownToken => "unknown token",
            Reason::ExpiredToken => "expired token",
            Reason::UsedToken => "reused token",
            Reason::Unproven => "replayed",
            Reason::Late => "time-out",
            Reason::Cut => "cut",
            Reason::Crowd => "too many handshakes from this address",
            Reason::Full => "too many viewers",
            Reason::State => "state folder",
        }
    }

    /// Of a failure before the first message was read.
    pub(super) fn of_knock(error: &LinkError) -> Reason {
        if let LinkError::Handshake(HandshakeError::NotForUs) = error {
            Reason::WrongKey
        } else {
            Reason::of_link(error)
        }
    }

    /// Of a failure after it was answered.
    pub(super) fn of_answer(error: &LinkError) -> Reason {
        if let LinkError::Session(SessionError::Tampered) = error { Reason::Unproven } else { Reason::of_link(error) }
    }

    fn of_link(error: &LinkError) -> Reason {
        if let LinkError::Timeout { .. } = error {
            Reason::Late
        } else if let LinkError::Cut | LinkError::Io { .. } = error {
            Reason::Cut
        } else {
            Reason::Garbage
        }
    }

    pub(super) fn of_token(refused: TokenRefused) -> Reason {
        match refused {
            TokenRefused::Unknown => Reason::UnknownToken,
            TokenRefused::Expired => Reason::ExpiredToken,
            TokenRefused::Used => Reason::UsedToken,
        }
    }

    /// Of a state folder that could not be read or written; what is wrong with it is said too.
    pub(super) fn of_state(error: &StateError) -> Reason {
        if let StateError::Token(refused) = error {
            return Reason::of_token(*refused);
        }
        tracing::debug!(%error, "the state folder");
        Reason::State
    }
}

/// Counts by reason.
#[derive(Debug, Default)]
pub struct Refusals {
    counts: Mutex<[Count; Reason::ALL.len()]>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    all: u64,
    untold: u64,
    told: Option<Instant>,
}

impl Refusals {
    /// Counts one; true when it was told too.
    pub(super) fn refuse(&self, reason: Reason, peer: SocketAddr, viewer: Option<PublicKey>) -> bool {
        let (all, untold) = {
            let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(count) = counts.get_mut(reason as usize) else { return false };
            count.all += 1;
            let now = Instant::now();
            if count.told.is_some_and(|told| now < told + BETWEEN) {
                count.untold += 1;
                return false;
            }
            count.told = Some(now);
            (count.all, std::mem::take(&mut count.untold))
        };
        let viewer = viewer.map(|key| key.to_string()).unwrap_or_default();
        tracing::warn!(%peer, reason = reason.words(), viewer, all, untold, "a peer was not let in");
        true
    }

    /// How many there were for a reason.
    pub fn count(&self, reason: Reason) -> u64 {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).get(reason as usize).map_or(0, |count| count.all)
    }
}

/// Between two lines of one reason.
const BETWEEN: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_counted_and_told_once_a_second() {
        let (refusals, peer) = (Refusals::default(), "192.0.2.1:5".parse().unwrap());
        let told = (0..1000).filter(|_| refusals.refuse(Reason::Garbage, peer, None)).count();
        assert_eq!((told, refusals.count(Reason::Garbage)), (1, 1000));
        assert!(refusals.refuse(Reason::WrongKey, peer, None), "another reason is news");
        tokio::time::advance(BETWEEN).await;
        assert!(refusals.refuse(Reason::Garbage, peer, None));
        assert!(!refusals.refuse(Reason::Garbage, peer, None));
    }

    #[test]
    fn each_reason_has_its_place() {
        for (place, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, place);
        }
    }
}
