//! The handshake: two messages of Noise IK, after which both ends know each other's static key. No IO.
//!
//! `Noise_IK_25519_ChaChaPoly_BLAKE2s`, prologue `nightjar/1`, both payloads empty. The app is the initiator and has to
//! know the sensor's key before it begins; the sensor learns the app's key from the first message and decides on it
//! before it answers.

use snow::{Builder, HandshakeState};

use crate::error::Fault;
use crate::session::{RekeyPolicy, Session};
use crate::{KeyPair, PublicKey};

/// Name and version of the link; both ends mix it into the handshake, so that no other protocol can be mistaken for it.
pub const PROLOGUE: &[u8] = b"nightjar/1";

/// Largest handshake message accepted. The first one has 96 bytes, the second 48, and a payload may come one day.
pub const MAX_HANDSHAKE: usize = 1024;

/// A handshake that failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The peer's message can't be read with our keys: it means another sensor, speaks another protocol, or was changed
    /// on its way.
    #[error("the handshake message is not for this key and protocol")]
    NotForUs,
    /// The handshake can't go on on this side.
    #[error("the handshake cannot be made: {0}")]
    Here(String),
}

impl HandshakeError {
    pub(crate) fn fault(&self) -> Fault {
        match self {
            HandshakeError::NotForUs => Fault::Peer,
            HandshakeError::Here(_) => Fault::Here,
        }
    }
}

/// Which handshake is made. Pairing with a one-time token (`IKpsk2`) will be a second one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pattern {
    /// Both static keys are settled; the initiator knows the responder's.
    Ik,
}

impl Pattern {
    /// The full Noise name.
    pub fn name(self) -> &'static str {
        match self {
            Pattern::Ik => "Noise_IK_25519_ChaChaPoly_BLAKE2s",
        }
    }
}

/// One end of a handshake in progress.
#[derive(Debug)]
pub struct Handshake {
    noise: HandshakeState,
}

impl Handshake {
    /// The app's end.
    pub fn initiator(pattern: Pattern, keys: &KeyPair, peer: &PublicKey) -> Result<Handshake, HandshakeError> {
        let noise = builder(pattern, keys)
            .and_then(|builder| builder.remote_public_key(peer.as_bytes())?.build_initiator())
            .map_err(here)?;
        Ok(Handshake { noise })
    }

    /// The sensor's end.
    pub fn responder(pattern: Pattern, keys: &KeyPair) -> Result<Handshake, HandshakeError> {
        let noise = builder(pattern, keys).and_then(Builder::build_responder).map_err(here)?;
        Ok(Handshake { noise })
    }

    /// Our next message.
    pub fn write(&mut self) -> Result<Vec<u8>, HandshakeError> {
        let mut message = vec![0; MAX_HANDSHAKE];
        let length = self.noise.write_message(&[], &mut message).map_err(here)?;
        message.truncate(length);
        Ok(message)
    }

    /// The peer's next message. Its payload is left aside: version 1 has none.
    pub fn read(&mut self, message: &[u8]) -> Result<(), HandshakeError> {
        let mut payload = [0; MAX_HANDSHAKE];
        if message.len() > MAX_HANDSHAKE {
            return Err(HandshakeError::NotForUs);
        }
        self.noise.read_message(message, &mut payload).map_err(|_| HandshakeError::NotForUs)?;
        Ok(())
    }

    /// The peer's static key: on the sensor's end known once the first message was read.
    pub fn peer(&self) -> Option<PublicKey> {
        self.noise.get_remote_static().and_then(|key| key.try_into().ok()).map(PublicKey::from_bytes)
    }

    /// The session, once both messages went over.
    pub fn into_session(self, rekey: RekeyPolicy) -> Result<Session, HandshakeError> {
        Ok(Session::new(self.noise.into_transport_mode().map_err(here)?, rekey))
    }
}

fn builder(pattern: Pattern, keys: &KeyPair) -> Result<Builder<'_>, snow::Error> {
    Builder::new(pattern.name().parse()?).prologue(PROLOGUE)?.local_private_key(keys.private_bytes())
}

fn here(error: snow::Error) -> HandshakeError {
    HandshakeError::Here(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_messages_of_known_length_settle_both_keys() {
        let (app, sensor) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let mut ours = Handshake::initiator(Pattern::Ik, &app, &sensor.public()).unwrap();
        let mut theirs = Handshake::responder(Pattern::Ik, &sensor).unwrap();
        let first = ours.write().unwrap();
        assert_eq!(first.len(), 96);
        assert_eq!(theirs.peer(), None);
        theirs.read(&first).unwrap();
        assert_eq!(theirs.peer(), Some(app.public()));
        let second = theirs.write().unwrap();
        assert_eq!(second.len(), 48);
        ours.read(&second).unwrap();
        assert!(ours.into_session(RekeyPolicy::default()).is_ok());
        assert!(theirs.into_session(RekeyPolicy::default()).is_ok());
    }

    #[test]
    fn a_message_for_another_key_says_so() {
        let (app, sensor, other) =
            (KeyPair::generate().unwrap(), KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let mut ours = Handshake::initiator(Pattern::Ik, &app, &other.public()).unwrap();
        let mut theirs = Handshake::responder(Pattern::Ik, &sensor).unwrap();
        assert_eq!(theirs.read(&ours.write().unwrap()), Err(HandshakeError::NotForUs));
        assert_eq!(theirs.peer(), None);
    }

    #[test]
    fn no_changed_byte_passes() {
        let (app, sensor) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let first = Handshake::initiator(Pattern::Ik, &app, &sensor.public()).unwrap().write().unwrap();
        for at in 0..first.len() {
            let mut changed = first.clone();
            changed[at] ^= 1;
            let mut theirs = Handshake::responder(Pattern::Ik, &sensor).unwrap();
            assert!(theirs.read(&changed).is_err(), "byte {at}");
        }
        for length in 0..first.len() {
            let mut theirs = Handshake::responder(Pattern::Ik, &sensor).unwrap();
            assert!(theirs.read(&first[..length]).is_err(), "{length} bytes");
        }
        let mut theirs = Handshake::responder(Pattern::Ik, &sensor).unwrap();
        assert!(theirs.read(&[0; MAX_HANDSHAKE + 1]).is_err());
    }

    #[test]
    fn no_session_before_the_handshake_ended() {
        let keys = KeyPair::generate().unwrap();
        let ours = Handshake::initiator(Pattern::Ik, &keys, &keys.public()).unwrap();
        assert!(matches!(ours.into_session(RekeyPolicy::default()), Err(HandshakeError::Here(_))));
    }
}
