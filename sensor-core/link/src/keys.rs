//! Curve25519 static keys: who an app or a sensor is.

use std::fmt;
use std::str::FromStr;

use snow::params::DHChoice;
use snow::resolvers::{CryptoResolver, DefaultResolver};
use zeroize::Zeroizing;

/// Bytes of a key, private or public.
pub const KEY_LENGTH: usize = 32;

/// A key that cannot be read or made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Not 64 hexadecimal digits.
    #[error("a public key is 64 hexadecimal digits, not {0:?}")]
    NotHex(String),
    /// The system has no randomness to give.
    #[error("no key could be made: {0}")]
    Random(String),
}

/// A static key pair. The private half is wiped when this is dropped; the Noise library keeps its own copy for as long
/// as a handshake lasts and doesn't wipe it.
pub struct KeyPair {
    private: Zeroizing<[u8; KEY_LENGTH]>,
    public: PublicKey,
}

impl KeyPair {
    /// A new pair from the system's randomness.
    pub fn generate() -> Result<KeyPair, KeyError> {
        let mut private = Zeroizing::new([0; KEY_LENGTH]);
        DefaultResolver
            .resolve_rng()
            .ok_or_else(|| KeyError::Random("the Noise library has no random source".into()))?
            .try_fill_bytes(private.as_mut_slice())
            .map_err(|e| KeyError::Random(e.to_string()))?;
        Self::from_bytes(*private)
    }

    /// The pair of a kept private key.
    pub fn from_bytes(private: [u8; KEY_LENGTH]) -> Result<KeyPair, KeyError> {
        let private = Zeroizing::new(private);
        let mut dh = DefaultResolver
            .resolve_dh(&DHChoice::Curve25519)
            .ok_or_else(|| KeyError::Random("the Noise library has no Curve25519".into()))?;
        dh.set(private.as_slice());
        let mut public = [0; KEY_LENGTH];
        public.copy_from_slice(dh.pubkey());
        Ok(KeyPair { private, public: PublicKey(public) })
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        self.public
    }

    /// The private half, to be kept where only its owner can read it.
    pub fn private_bytes(&self) -> &[u8; KEY_LENGTH] {
        &self.private
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPair").field("public", &self.public).finish_non_exhaustive()
    }
}

/// The public half of a static key; written and read as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PublicKey([u8; KEY_LENGTH]);

impl PublicKey {
    /// A key from its bytes.
    pub fn from_bytes(bytes: [u8; KEY_LENGTH]) -> PublicKey {
        PublicKey(bytes)
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8; KEY_LENGTH] {
        &self.0
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        hex(text).map(PublicKey).ok_or_else(|| KeyError::not_hex(text))
    }
}

impl KeyError {
    /// The text may be anything a person pasted: an error shows no more of it than a key has digits.
    pub(crate) fn not_hex(text: &str) -> KeyError {
        KeyError::NotHex(text.chars().take(2 * KEY_LENGTH).collect())
    }
}

/// 64 hexadecimal digits, in lower case.
pub(crate) fn write_hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

/// The bytes of 64 hexadecimal digits of either case.
pub(crate) fn hex(text: &str) -> Option<[u8; KEY_LENGTH]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * KEY_LENGTH {
        return None;
    }
    let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let mut bytes = [0; KEY_LENGTH];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let &[high, low] = pair else { return None };
        *byte = digit(high).zip(digit(low)).map(|(high, low)| high << 4 | low)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7748, section 5.2: the scalar of the iterated test, and what its first iteration gives.
    const PRIVATE: &str = "0900000000000000000000000000000000000000000000000000000000000000";
    const PUBLIC: &str = "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079";

    fn known() -> KeyPair {
        // A private key has as many digits as a public one, so the same reader does.
        KeyPair::from_bytes(*PRIVATE.parse::<PublicKey>().unwrap().as_bytes()).unwrap()
    }

    #[test]
    fn the_public_key_is_the_one_of_the_standard() {
        assert_eq!(known().public().to_string(), PUBLIC);
    }

    #[test]
    fn public_key_is_written_and_read_as_hex() {
        let keys = KeyPair::generate().unwrap();
        let text = keys.public().to_string();
        assert_eq!(text.len(), 64);
        assert_eq!(text.parse::<PublicKey>().unwrap(), keys.public());
        assert_eq!(text.to_uppercase().parse::<PublicKey>().unwrap(), keys.public());
    }

    #[test]
    fn a_private_key_has_one_public_key() {
        let keys = KeyPair::generate().unwrap();
        let again = KeyPair::from_bytes(*keys.private_bytes()).unwrap();
        assert_eq!(again.public(), keys.public());
        assert_ne!(KeyPair::generate().unwrap().public(), keys.public());
    }

    #[test]
    fn debug_shows_no_secret() {
        let keys = KeyPair::from_bytes([0xab; KEY_LENGTH]).unwrap();
        let shown = format!("{keys:?}");
        assert!(shown.contains(&keys.public().to_string()));
        assert!(!shown.contains("abab") && !shown.contains("171,"), "{shown}");
    }

    #[test]
    fn what_is_not_a_key_is_refused() {
        for text in ["", "00", &"0".repeat(63), &"0".repeat(65), &"g".repeat(64), &"é".repeat(32)] {
            assert!(text.parse::<PublicKey>().is_err(), "{text}");
        }
    }
}
