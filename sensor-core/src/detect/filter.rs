//! Which of many patterns are in data: a look at four bytes of each pattern first, at the whole where those are found.
//!
//! Each pattern has a window, the four bytes of it that are met least. At each place of the data four bytes are read,
//! folded to one case and hashed to a bit of a table that fits the first caches. Nearly all places end there. Patterns of
//! one to three bytes have no such window: a few are searched one by one for their least met byte, many in a table of all
//! pairs of bytes.

use std::collections::HashMap;

use foldhash::fast::FixedState;
use memchr::{memchr, memchr2};

/// Finds patterns, whatever the case of their letters.
#[derive(Debug, Default)]
pub(super) struct Filter {
    long: Option<Layer>,
    short: Option<Layer>,
    few: Box<[Single]>,
    /// The patterns, one after the other.
    texts: Box<[u8]>,
}

/// A short pattern that is searched by itself.
#[derive(Debug)]
struct Single {
    /// The byte that is looked for, in lower and upper case, and where it is in the pattern.
    byte: [u8; 2],
    offset: u32,
    /// Place and length in the texts.
    text: u32,
    len: u32,
    number: u32,
}

/// Patterns whose windows are looked for in the same table.
#[derive(Debug)]
struct Layer {
    bits: Bits,
    /// By the upper bits of a window's hash: where its patterns begin; one more at the end.
    starts: Box<[u32]>,
    shift: u32,
    patterns: Box<[Pattern]>,
}

/// A set of hashes of windows, of one of a few sizes, so that no look into it has to ask for its bounds.
#[derive(Debug)]
enum Bits {
    Small(Box<[u64; SMALL]>),
    Medium(Box<[u64; MEDIUM]>),
    Large(Box<[u64; LARGE]>),
    /// By two bytes themselves, not by a hash.
    Pairs(Box<[u64; PAIRS]>),
}

#[derive(Debug, Clone)]
struct Pattern {
    /// Folded.
    window: u32,
    /// Where the window begins in the pattern.
    offset: u32,
    /// Place and length in the texts.
    text: u32,
    len: u32,
    number: u32,
}

impl Filter {
    /// Of patterns in lower case, which have their places in the list as numbers. None is empty.
    pub(super) fn new<'a>(patterns: impl Iterator<Item = &'a [u8]> + Clone) -> Filter {
        let apart = patterns.clone().filter(|pattern| pattern.len() < 4).count() <= MOST_APART;
        let mut few = Vec::new();
        let mut counts: HashMap<u32, u32, FixedState> = HashMap::default();
        for window in patterns.clone().flat_map(|pattern| pattern.windows(4)) {
            *counts.entry(folded(window)).or_insert(0) += 1;
        }
        let mut texts = Vec::new();
        let (mut long, mut short) = (Vec::new(), Vec::new());
        for (number, text) in (0..).zip(patterns) {
            let (offset, window) = least(text, &counts);
            let pattern = Pattern {
                window: folded(window),
                offset: offset as u32,
                text: texts.len() as u32,
                len: text.len() as u32,
                number,
            };
            texts.extend_from_slice(text);
            match window.len() {
                0 => {}
                1 | 2 if apart => few.push(Single::new(text, &pattern)),
                // The byte behind may be any.
                1 => short.extend(
                    (0..=u8::MAX)
                        .filter(|next| *next | FOLD_BYTE == *next)
                        .map(|next| Pattern { window: pattern.window | u32::from(next) << 8, ..pattern }),
                ),
                2 => short.push(pattern),
                _ => long.push(pattern),
            }
        }
        let layer = |patterns: Vec<_>, short| (!patterns.is_empty()).then(|| Layer::new(patterns, short));
        Filter { long: layer(long, false), short: layer(short, true), few: few.into(), texts: texts.into() }
    }

    /// Tells the number of each pattern that is in `data`, where it begins and how long it is, as often as it is there.
    /// A pattern whose places were told enough may be told again, or not.
    #[inline]
    pub(super) fn scan(&self, data: &[u8], mut found: impl FnMut(u32, usize, usize) -> Told) {
        for single in &self.few {
            let text = self.texts.get(single.text as usize..(single.text + single.len) as usize);
            single.scan(text.unwrap_or_default(), data, &mut found);
        }
        let hit = |pattern: &Pattern, start: usize| {
            let text = self.texts.get(pattern.text as usize..(pattern.text + pattern.len) as usize);
            let there = data.get(start..start + pattern.len as usize);
            if text.zip(there).is_some_and(|(text, there)| text.eq_ignore_ascii_case(there)) {
                found(pattern.number, start, pattern.len as usize);
            }
        };
        match (&self.long, &self.short) {
            (Some(long), Some(short)) => long.scan_with(short, data, hit),
            (Some(long), None) => long.scan(data, hit),
            (None, Some(short)) => short.pairs(data, 0, hit),
            (None, None) => {}
        }
    }

    /// Bytes on the heap, about.
    pub(super) fn bytes(&self) -> usize {
        self.texts.len()
            + size_of_val(&*self.few)
            + self.long.iter().chain(&self.short).map(Layer::bytes).sum::<usize>()
    }
}

/// Whether there is something to tell of further places of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    Enough,
    More,
}

impl Single {
    fn new(text: &[u8], pattern: &Pattern) -> Single {
        let cost = |byte: u8| frequency(byte) + if byte.is_ascii_alphabetic() { 3 } else { 0 };
        let least = (0..).zip(text).min_by_key(|(_, byte)| cost(**byte));
        let (offset, byte) = least.map_or((0, 0), |(offset, byte)| (offset, *byte));
        let Pattern { text, len, number, .. } = *pattern;
        Single { byte: [byte, byte.to_ascii_uppercase()], offset, text, len, number }
    }

    #[inline]
    fn scan(&self, text: &[u8], data: &[u8], found: &mut impl FnMut(u32, usize, usize) -> Told) {
        let offset = self.offset as usize;
        let [lower, upper] = self.byte;
        let mut from = offset;
        while let Some(rest) = data.get(from..) {
            let next = if lower == upper { memchr(lower, rest) } else { memchr2(lower, upper, rest) };
            let Some(next) = next else { return };
            let start = from + next - offset;
            if data.get(start..start + text.len()).is_some_and(|there| there.eq_ignore_ascii_case(text))
                && found(self.number, start, text.len()) == Told::Enough
            {
                return;
            }
            from += next + 1;
        }
    }
}

impl Layer {
    fn new(mut patterns: Vec<Pattern>, short: bool) -> Layer {
        let shift = u32::BITS - patterns.len().next_power_of_two().trailing_zeros().clamp(4, 16);
        patterns.sort_by_key(|pattern| (hash(pattern.window) >> shift, pattern.number));
        let bucket = |at: u32| patterns.partition_point(|pattern| hash(pattern.window) >> shift < at) as u32;
        let starts = (0..=1_u32 << (u32::BITS - shift)).map(bucket).collect();
        let hashes = patterns.iter().map(|pattern| hash(pattern.window));
        let bits = match patterns.len() {
            _ if short => Bits::Pairs(table(patterns.iter().map(|pattern| pattern.window << 16))),
            0..=300 => Bits::Small(table(hashes)),
            301..=1500 => Bits::Medium(table(hashes)),
            1501.. => Bits::Large(table(hashes)),
        };
        Layer { bits, starts, shift, patterns: patterns.into() }
    }

    /// Looks for the layer's patterns, which are of four bytes at least.
    #[inline]
    fn scan(&self, data: &[u8], found: impl FnMut(&Pattern, usize)) {
        match &self.bits {
            Bits::Small(bits) => self.windows(bits, data, found),
            Bits::Medium(bits) => self.windows(bits, data, found),
            Bits::Large(bits) => self.windows(bits, data, found),
            Bits::Pairs(_) => {}
        }
    }

    /// The same, and for those of a layer of short ones.
    #[inline]
    fn scan_with(&self, short: &Layer, data: &[u8], found: impl FnMut(&Pattern, usize)) {
        match &self.bits {
            Bits::Small(bits) => self.windows_and_pairs(bits, short, data, found),
            Bits::Medium(bits) => self.windows_and_pairs(bits, short, data, found),
            Bits::Large(bits) => self.windows_and_pairs(bits, short, data, found),
            Bits::Pairs(_) => {}
        }
    }

    #[inline]
    fn windows<const N: usize>(&self, bits: &[u64; N], data: &[u8], mut found: impl FnMut(&Pattern, usize)) {
        for (at, window) in data.windows(4).enumerate() {
            let word = word(window) | FOLD;
            let hash = hash(word);
            if holds(bits, hash) {
                self.check(word, hash, at, &mut found);
            }
        }
    }

    #[inline]
    fn windows_and_pairs<const N: usize>(
        &self,
        bits: &[u64; N],
        short: &Layer,
        data: &[u8],
        mut found: impl FnMut(&Pattern, usize),
    ) {
        let Bits::Pairs(pairs) = &short.bits else { return };
        for (at, window) in data.windows(4).enumerate() {
            let word = word(window) | FOLD;
            let hash = hash(word);
            let (long, pair) = (holds(bits, hash), holds(pairs, word << 16));
            // One branch for both, which is hardly ever taken.
            if long | pair {
                if long {
                    self.check(word, hash, at, &mut found);
                }
                if pair {
                    short.check_pair(word & 0xffff, at, &mut found);
                }
            }
        }
        // The last three bytes begin no window of four.
        short.pairs(data, data.len().saturating_sub(3), found);
    }

    /// Looks for the layer's patterns, whose windows are pairs, from a place on.
    #[inline]
    fn pairs(&self, data: &[u8], from: usize, mut found: impl FnMut(&Pattern, usize)) {
        let Bits::Pairs(pairs) = &self.bits else { return };
        for (at, pair) in (from..).zip(data.get(from..).unwrap_or_default().windows(2)) {
            let word = folded(pair);
            if holds(pairs, word << 16) {
                self.check_pair(word, at, &mut found);
            }
        }
        // Behind the last byte there is none: a pattern of one byte has a window for what could be.
        if let Some(last) = data.last() {
            self.check_pair(folded(&[*last, 0]), data.len() - 1, &mut found);
        }
    }

    #[inline]
    fn check_pair(&self, pair: u32, at: usize, found: &mut impl FnMut(&Pattern, usize)) {
        self.check(pair, hash(pair), at, found);
    }

    #[inline(never)]
    fn check(&self, word: u32, hash: u32, at: usize, found: &mut impl FnMut(&Pattern, usize)) {
        let bucket = (hash >> self.shift) as usize;
        let (Some(from), Some(to)) = (self.starts.get(bucket), self.starts.get(bucket + 1)) else { return };
        for pattern in self.patterns.get(*from as usize..*to as usize).unwrap_or_default() {
            if pattern.window == word
                && let Some(start) = at.checked_sub(pattern.offset as usize)
            {
                found(pattern, start);
            }
        }
    }

    fn bytes(&self) -> usize {
        let bits = match self.bits {
            Bits::Small(_) => SMALL,
            Bits::Medium(_) => MEDIUM,
            Bits::Large(_) => LARGE,
            Bits::Pairs(_) => PAIRS,
        };
        bits * 8 + self.starts.len() * 4 + self.patterns.len() * size_of::<Pattern>()
    }
}

fn table<const N: usize>(hashes: impl Iterator<Item = u32>) -> Box<[u64; N]> {
    let mut bits = Box::new([0; N]);
    for hash in hashes {
        let (at, bit) = place::<N>(hash);
        if let Some(word) = bits.get_mut(at) {
            *word |= bit;
        }
    }
    bits
}

#[inline]
fn holds<const N: usize>(bits: &[u64; N], hash: u32) -> bool {
    let (at, bit) = place::<N>(hash);
    bits.get(at).is_some_and(|word| word & bit != 0)
}

/// The bit of a hash among `N` words, `N` a power of two.
#[inline]
fn place<const N: usize>(hash: u32) -> (usize, u64) {
    let bit = hash >> (u32::BITS - N.trailing_zeros() - u64::BITS.trailing_zeros());
    ((bit / u64::BITS) as usize & (N - 1), 1 << (bit % u64::BITS))
}

#[inline]
fn hash(window: u32) -> u32 {
    window.wrapping_mul(0x9e37_79b1)
}

/// The first four bytes; what is missing counts as 0.
#[inline]
fn word(bytes: &[u8]) -> u32 {
    match *bytes {
        [a, b, c, d, ..] => u32::from_le_bytes([a, b, c, d]),
        [a, b, c] => u32::from_le_bytes([a, b, c, 0]),
        [a, b] => u32::from_le_bytes([a, b, 0, 0]),
        [a] => a.into(),
        [] => 0,
    }
}

/// The same, letters in lower case; other bytes fall together with others too. What is missing stays 0.
#[inline]
fn folded(bytes: &[u8]) -> u32 {
    let missing = 4_usize.saturating_sub(bytes.len()) as u32;
    word(bytes) | FOLD.checked_shr(8 * missing).unwrap_or(0)
}

/// The window of a pattern that is met least, and where it begins: four bytes, of shorter patterns two, or the only one.
fn least<'a>(pattern: &'a [u8], counts: &HashMap<u32, u32, FixedState>) -> (usize, &'a [u8]) {
    let cost = |window: &[u8]| {
        let shared = counts.get(&folded(window)).map_or(0, |count| count.ilog2());
        let bytes: u32 = window.iter().map(|byte| frequency(*byte)).sum();
        let alike = window.windows(2).filter(|pair| pair.first() == pair.last()).count() as u32;
        shared * 4 + bytes + alike * 3
    };
    let len = match pattern.len() {
        0 | 1 => 1,
        2 | 3 => 2,
        _ => 4,
    };
    pattern.windows(len).enumerate().min_by_key(|(_, window)| cost(window)).unwrap_or((0, pattern))
}

/// How often a byte is met, from 0 on.
fn frequency(byte: u8) -> u32 {
    match byte {
        0 | 0xff => 9,
        b' ' | b'e' | b't' | b'a' => 6,
        b'o' | b'i' | b'n' | b's' | b'r' | b'/' | b'0' | b'1' | b'=' | b'.' | b'-' | b'"' | b'\r' | b'\n' => 5,
        b'c' | b'd' | b'l' | b'p' | b'm' | b'h' | b'u' | b'2'..=b'9' | b':' => 4,
        byte if byte.is_ascii_graphic() => 3,
        _ => 2,
    }
}

/// The bit in which upper and lower case differ.
const FOLD_BYTE: u8 = 0x20;
const FOLD: u32 = u32::from_le_bytes([FOLD_BYTE; 4]);

/// Short patterns that are searched one by one at most.
const MOST_APART: usize = 4;

/// Words of the tables: 4 KiB, 16 KiB, 64 KiB; 8 KiB.
const SMALL: usize = 512;
const MEDIUM: usize = 2048;
const LARGE: usize = 8192;
const PAIRS: usize = 1024;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes(most: usize) -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(prop::sample::select(b"aAbB[{\0 \x80\xa0".to_vec()), 1..most)
    }

    proptest! {
        /// What it finds is what is there, no matter which other patterns it has.
        #[test]
        fn finds_what_is_there(patterns in prop::collection::vec(bytes(7), 0..60), data in bytes(60)) {
            let patterns: Vec<_> = patterns.iter().map(|pattern| pattern.to_ascii_lowercase()).collect();
            let filter = Filter::new(patterns.iter().map(Vec::as_slice));
            let mut found = Vec::new();
            filter.scan(&data, |number, start, _| {
                found.push((number as usize, start));
                Told::More
            });
            let mut wanted = Vec::new();
            for (number, pattern) in patterns.iter().enumerate() {
                let places = data.windows(pattern.len()).enumerate();
                let places = places.filter(|(_, part)| part.eq_ignore_ascii_case(pattern));
                wanted.extend(places.map(|(start, _)| (number, start)));
            }
            found.sort_unstable();
            wanted.sort_unstable();
            prop_assert_eq!(found, wanted);
        }
    }

    #[test]
    fn many_patterns_are_found_too() {
        let patterns: Vec<_> = (0..5000_u32).map(|number| format!("pattern {:x}", number * 7919)).collect();
        let filter = Filter::new(patterns.iter().map(String::as_bytes));
        let data = patterns.concat().to_uppercase();
        let mut found = vec![false; patterns.len()];
        filter.scan(data.as_bytes(), |number, _, _| {
            found[number as usize] = true;
            Told::Enough
        });
        assert!(found.iter().all(|found| *found));
    }
}
