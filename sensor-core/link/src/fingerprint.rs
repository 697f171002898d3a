//! A key as words, for two people to compare by eye or over the phone.
//!
//! The first 80 bits of the key's BLAKE2s-256, ten at a time from the most significant on, each a word of a list of 1,024
//! (`words.txt`). To make another key with the same words takes 2^80 tries.

use std::fmt;

use blake2::{Blake2s256, Digest};

use crate::PublicKey;

/// Words of a fingerprint.
pub const WORDS: usize = 8;

/// The words of a key; shown with spaces between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint([&'static str; WORDS]);

impl PublicKey {
    /// Its words.
    pub fn fingerprint(&self) -> Fingerprint {
        let digest = Blake2s256::digest(self.as_bytes());
        let bits = digest.iter().take(WORDS * BITS / 8).fold(0u128, |bits, byte| bits << 8 | u128::from(*byte));
        let list: Vec<&str> = LIST.split_ascii_whitespace().collect();
        let word = |index: usize| {
            let number = bits >> ((WORDS - 1 - index) * BITS) & ((1 << BITS) - 1);
            usize::try_from(number).ok().and_then(|number| list.get(number)).copied().unwrap_or_default()
        };
        Fingerprint(std::array::from_fn(word))
    }
}

impl Fingerprint {
    /// The words in order.
    pub fn words(&self) -> [&'static str; WORDS] {
        self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

/// Bits of a word.
const BITS: usize = 10;

/// Sorted, and fixed for as long as keys are compared: another list gives other words.
const LIST: &str = include_str!("words.txt");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::KeyPair;

    #[test]
    fn the_list_has_each_word_once() {
        let words: Vec<&str> = LIST.split_ascii_whitespace().collect();
        assert_eq!(words.len(), 1 << BITS);
        assert!(words.is_sorted_by(|a, b| a < b));
        assert!(words.iter().all(|word| (3..=8).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_lowercase())));
    }

    /// Words from Python's `hashlib.blake2s` and the list.
    #[test]
    fn a_key_has_always_the_same_words() {
        let key: PublicKey = "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079".parse().unwrap();
        assert_eq!(key.fingerprint().to_string(), "ivory exit lodge flask squid wedge guest camera");
    }

    #[test]
    fn each_key_has_its_own() {
        let keys: Vec<_> = (0..50).map(|_| KeyPair::generate().unwrap().public()).collect();
        let words: std::collections::HashSet<_> = keys.iter().map(|key| key.fingerprint().to_string()).collect();
        assert_eq!(words.len(), keys.len());
    }
}
