//! The handshake: two messages of Noise, after which both ends know each other's static key. No IO.
//!
//! The initiator says in one plain byte before its first message which of two handshakes it makes; this byte is the last
//! of the prologue, so that it can't be changed on its way:
//!
//! | byte | handshake | first message carries |
//! | --- | --- | --- |
//! | 0 | `Noise_IK_25519_ChaChaPoly_BLAKE2s` | nothing |
//! | 1 | `Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s` | the one-time token, which is the pre-shared key too |
//!
//! The app is the initiator and has to know the sensor's key before it begins; the sensor learns the app's key, and the
//! token, from the first message and decides on them before it answers. A first message can be recorded and sent again
//! by anyone. So the handshake ends for the sensor with the first record of the app's that opens: only who has the keys
//! can have sealed it.

use std::fmt;

use snow::{Builder, HandshakeState};

use crate::error::Fault;
use crate::session::{RekeyPolicy, Session};
use crate::{KeyPair, PublicKey, Token};

/// Name and version of the link; both ends mix it into the handshake with the byte of the [`Pattern`] behind it, so that
/// no other protocol can be mistaken for it.
pub const PROLOGUE: &[u8] = b"nightjar/2";

/// Largest handshake message accepted. The first one has 97 or 129 bytes, the second 48, and a payload may come one day.
pub const MAX_HANDSHAKE: usize = 1024;

/// A handshake that failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The peer's message can't be read with our keys: it means another sensor, speaks another protocol, or was changed
    /// on its way.
    #[error("the handshake message is not for this key and protocol")]
    NotForUs,
    /// The first message is no handshake of the link: it is too short, or begins with a byte that stands for none.
    #[error("the first message is no handshake of Nightjar's")]
    Garbage,
    /// The handshake can't go on on this side.
    #[error("the handshake cannot be made: {0}")]
    Here(String),
}

impl HandshakeError {
    pub(crate) fn fault(&self) -> Fault {
        match self {
            HandshakeError::NotForUs | HandshakeError::Garbage => Fault::Peer,
            HandshakeError::Here(_) => Fault::Here,
        }
    }
}

/// Which handshake is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Pattern {
    /// The sensor has the app's key on its list.
    Ik = 0,
    /// The app pairs: it has a one-time token.
    IkPsk2 = 1,
}

impl Pattern {
    /// The full Noise name.
    pub fn name(self) -> &'static str {
        match self {
            Pattern::Ik => "Noise_IK_25519_ChaChaPoly_BLAKE2s",
            Pattern::IkPsk2 => "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s",
        }
    }

    fn of(byte: u8) -> Option<Pattern> {
        [Pattern::Ik, Pattern::IkPsk2].into_iter().find(|pattern| *pattern as u8 == byte)
    }
}

/// The app's end, which waits for the answer to its first message.
#[derive(Debug)]
pub struct Initiator {
    noise: HandshakeState,
}

impl Initiator {
    /// Begins; the second is the first message, its byte in front. With a token it pairs.
    pub fn begin(
        keys: &KeyPair,
        peer: &PublicKey,
        token: Option<&Token>,
    ) -> Result<(Initiator, Vec<u8>), HandshakeError> {
        let pattern = if token.is_some() { Pattern::IkPsk2 } else { Pattern::Ik };
        let prologue = prologue(pattern);
        let mut noise = builder(pattern, &prologue, keys)
            .and_then(|builder| builder.remote_public_key(peer.as_bytes())?.build_initiator())
            .map_err(here)?;
        if let Some(token) = token {
            noise.set_psk(PSK_PLACE, token.as_bytes()).map_err(here)?;
        }
        let payload = token.map_or(&[][..], |token| token.as_bytes());
        let mut message = vec![pattern as u8];
        message.extend(write(&mut noise, payload)?);
        Ok((Initiator { noise }, message))
    }

    /// Takes the sensor's answer. What the session sends first has to be its confirmation.
    pub fn finish(mut self, answer: &[u8], rekey: RekeyPolicy) -> Result<Session, HandshakeError> {
        read(&mut self.noise, answer)?;
        session(self.noise, rekey)
    }
}

/// The sensor's end, which has read a first message and not yet answered.
pub struct Responder {
    noise: HandshakeState,
    peer: PublicKey,
    token: Option<Token>,
}

impl Responder {
    /// Reads the first message, its byte in front.
    pub fn begin(keys: &KeyPair, message: &[u8]) -> Result<Responder, HandshakeError> {
        let (&byte, message) = message.split_first().ok_or(HandshakeError::Garbage)?;
        let pattern = Pattern::of(byte).filter(|_| message.len() >= SHORTEST).ok_or(HandshakeError::Garbage)?;
        let prologue = prologue(pattern);
        let mut noise = builder(pattern, &prologue, keys).and_then(Builder::build_responder).map_err(here)?;
        let payload = read(&mut noise, message)?;
        let peer = noise
            .get_remote_static()
            .and_then(|key| key.try_into().ok())
            .map(PublicKey::from_bytes)
            .ok_or(HandshakeError::NotForUs)?;
        let token = match pattern {
            Pattern::Ik => None,
            Pattern::IkPsk2 => {
                let token = Token::from_slice(&payload).ok_or(HandshakeError::NotForUs)?;
                noise.set_psk(PSK_PLACE, token.as_bytes()).map_err(here)?;
                Some(token)
            }
        };
        Ok(Responder { noise, peer, token })
    }

    /// The peer's static key. That the peer is there, and not someone who repeats its message, shows with its first record.
    pub fn peer(&self) -> PublicKey {
        self.peer
    }

    /// The token, from a peer that pairs.
    pub fn token(&self) -> Option<&Token> {
        self.token.as_ref()
    }

    /// The answer, and the session behind it. Nothing may be sent in it before a record of the peer's has opened.
    pub fn answer(mut self, rekey: RekeyPolicy) -> Result<(Vec<u8>, Session), HandshakeError> {
        let message = write(&mut self.noise, &[])?;
        Ok((message, session(self.noise, rekey)?))
    }
}

impl fmt::Debug for Responder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Responder").field("peer", &self.peer).field("pairs", &self.token.is_some()).finish()
    }
}

/// Of `psk2`: mixed in at the end of the second message, so that a responder can choose it after the first.
const PSK_PLACE: usize = 2;

/// An ephemeral key, and a static key and an empty payload with their tags.
const SHORTEST: usize = 32 + 48 + 16;

fn prologue(pattern: Pattern) -> Vec<u8> {
    [PROLOGUE, &[pattern as u8]].concat()
}

fn builder<'a>(pattern: Pattern, prologue: &'a [u8], keys: &'a KeyPair) -> Result<Builder<'a>, snow::Error> {
    Builder::new(pattern.name().parse()?).prologue(prologue)?.local_private_key(keys.private_bytes())
}

fn write(noise: &mut HandshakeState, payload: &[u8]) -> Result<Vec<u8>, HandshakeError> {
    let mut message = vec![0; MAX_HANDSHAKE];
    let length = noise.write_message(payload, &mut message).map_err(here)?;
    message.truncate(length);
    Ok(message)
}

/// The payload, which may be a token and is wiped by whoever drops it.
fn read(noise: &mut HandshakeState, message: &[u8]) -> Result<zeroize::Zeroizing<Vec<u8>>, HandshakeError> {
    let mut payload = zeroize::Zeroizing::new(vec![0; MAX_HANDSHAKE]);
    if message.len() > MAX_HANDSHAKE {
        return Err(HandshakeError::NotForUs);
    }
    let length = noise.read_message(message, &mut payload).map_err(|_| HandshakeError::NotForUs)?;
    payload.truncate(length);
    Ok(payload)
}

fn session(noise: HandshakeState, rekey: RekeyPolicy) -> Result<Session, HandshakeError> {
    Ok(Session::new(noise.into_transport_mode().map_err(here)?, rekey))
}

fn here(error: snow::Error) -> HandshakeError {
    HandshakeError::Here(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Opened;

    fn keys() -> KeyPair {
        KeyPair::generate().unwrap()
    }

    /// A record goes over.
    fn talk(from: &mut Session, to: &mut Session) {
        let mut out = Vec::new();
        from.seal(b"word", &mut out).unwrap();
        assert_eq!(to.open(&out[2..]), Ok(Opened::Data));
        assert_eq!(to.content(), b"word");
    }

    #[test]
    fn two_messages_of_known_length_settle_both_keys() {
        for token in [None, Some(Token::generate().unwrap())] {
            let (app, sensor) = (keys(), keys());
            let (ours, first) = Initiator::begin(&app, &sensor.public(), token.as_ref()).unwrap();
            assert_eq!(first.len(), if token.is_some() { 129 } else { 97 });
            let theirs = Responder::begin(&sensor, &first).unwrap();
            assert_eq!(theirs.peer(), app.public());
            assert_eq!(theirs.token(), token.as_ref());
            let (answer, mut theirs) = theirs.answer(RekeyPolicy::default()).unwrap();
            assert_eq!(answer.len(), 48);
            let mut ours = ours.finish(&answer, RekeyPolicy::default()).unwrap();
            talk(&mut ours, &mut theirs);
            talk(&mut theirs, &mut ours);
        }
    }

    #[test]
    fn a_message_for_another_key_says_so() {
        for token in [None, Some(Token::generate().unwrap())] {
            let (app, sensor, other) = (keys(), keys(), keys());
            let (_, first) = Initiator::begin(&app, &other.public(), token.as_ref()).unwrap();
            assert_eq!(Responder::begin(&sensor, &first).unwrap_err(), HandshakeError::NotForUs);
        }
    }

    #[test]
    fn no_changed_byte_passes() {
        for token in [None, Some(Token::generate().unwrap())] {
            let (app, sensor) = (keys(), keys());
            let (_, first) = Initiator::begin(&app, &sensor.public(), token.as_ref()).unwrap();
            for at in 0..first.len() {
                // The first byte becomes that of the other pattern too.
                for bit in [1, 0x80] {
                    let mut changed = first.clone();
                    changed[at] ^= bit;
                    assert!(Responder::begin(&sensor, &changed).is_err(), "byte {at}");
                }
            }
            for length in 0..first.len() {
                assert!(Responder::begin(&sensor, &first[..length]).is_err(), "{length} bytes");
            }
        }
        assert!(Responder::begin(&keys(), &[0; MAX_HANDSHAKE + 2]).is_err());
        assert_eq!(Responder::begin(&keys(), &[2; 97]).unwrap_err(), HandshakeError::Garbage);
    }

    #[test]
    fn who_repeats_a_first_message_has_no_session() {
        let (app, sensor, token) = (keys(), keys(), Token::generate().unwrap());
        for token in [None, Some(&token)] {
            let (ours, first) = Initiator::begin(&app, &sensor.public(), token).unwrap();
            let (answer, _) = Responder::begin(&sensor, &first).unwrap().answer(RekeyPolicy::default()).unwrap();
            let mut ours = ours.finish(&answer, RekeyPolicy::default()).unwrap();
            let mut record = Vec::new();
            ours.confirm(&mut record).unwrap();
            // All that the app has sent, once more, to the same sensor.
            let (_, mut again) = Responder::begin(&sensor, &first).unwrap().answer(RekeyPolicy::default()).unwrap();
            assert!(again.open(&record[2..]).is_err());
        }
    }

    #[test]
    fn another_token_than_the_one_told_gives_no_session() {
        // One who knew a token's place in the message, but sealed with another.
        let (app, sensor) = (keys(), keys());
        let (mut ours, first) = Initiator::begin(&app, &sensor.public(), Some(&Token::generate().unwrap())).unwrap();
        ours.noise.set_psk(PSK_PLACE, Token::generate().unwrap().as_bytes()).unwrap();
        let (answer, _) = Responder::begin(&sensor, &first).unwrap().answer(RekeyPolicy::default()).unwrap();
        assert_eq!(ours.finish(&answer, RekeyPolicy::default()).unwrap_err(), HandshakeError::NotForUs);
    }

    #[test]
    fn debug_shows_no_token() {
        let (app, sensor, token) = (keys(), keys(), Token::from_bytes([0xab; 32]));
        let (_, first) = Initiator::begin(&app, &sensor.public(), Some(&token)).unwrap();
        let shown = format!("{:?} {token:?}", Responder::begin(&sensor, &first).unwrap());
        assert!(!shown.contains("abab") && !shown.contains("171,"), "{shown}");
    }
}
