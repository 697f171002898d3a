//! Which of many patterns are in data: a look at a few bytes of each pattern first, at the whole where those are found.
//!
//! A pattern of seven bytes has a window of four bytes at each of four places in a row. One of them begins at a multiple
//! of four of the data, wherever the pattern is: so data are looked at four bytes at a time, and what is read is hashed to
//! a bit of a table that fits the first caches ([`layer`]). Nearly all places end there. Of the shorter ones, which are
//! fewer, a window of up to four bytes is looked for at each place, at 32 places at a time ([`nibbles`]).

mod layer;
mod nibbles;
mod rarity;

use memchr::{memchr, memchr2};

use layer::{Layer, Window};
use nibbles::Nibbles;
use rarity::{Rarity, frequency};

/// Finds patterns, whatever the case of their letters.
#[derive(Debug, Default)]
pub(super) struct Filter {
    long: Option<Layer>,
    short: Option<Nibbles>,
    few: Box<[Single]>,
    /// The patterns, one after the other, and where each begins; one more at the end.
    texts: Box<[u8]>,
    starts: Box<[u32]>,
}

/// A short pattern that is searched by itself.
#[derive(Debug)]
struct Single {
    /// The byte that is looked for, in lower and upper case, and where it is in the pattern.
    byte: [u8; 2],
    offset: usize,
    number: u32,
}

impl Filter {
    /// Of patterns in lower case, which have their places in the list as numbers. None is empty.
    pub(super) fn new<'a>(patterns: impl Iterator<Item = &'a [u8]> + Clone) -> Filter {
        Filter::with(patterns, true)
    }

    fn with<'a>(patterns: impl Iterator<Item = &'a [u8]> + Clone, wide: bool) -> Filter {
        let apart = patterns.clone().filter(|pattern| pattern.len() < LONG).count() <= MOST_APART;
        let rarity = Rarity::of(patterns.clone());
        let (mut texts, mut starts) = (Vec::new(), vec![0]);
        let (mut long, mut short, mut few) = (Vec::new(), [const { Vec::new() }; 4], Vec::new());
        for (number, text) in (0..).zip(patterns) {
            let before = long.len();
            if text.len() >= LONG {
                long.extend(rarity.row(text, 4, number));
            }
            match text.len() {
                0 => {}
                LONG.. if long.len() > before => {}
                1..LONG if apart => few.push(Single::new(text, number)),
                4.. => short[3].extend(rarity.row(text, 1, number)),
                len @ 1..4 => {
                    short.iter_mut().skip(len - 1).take(1).for_each(|list| list.push(Window::new(text, 0, number)))
                }
            }
            texts.extend_from_slice(text);
            starts.push(texts.len() as u32);
        }
        Filter {
            long: Layer::new(long),
            short: Nibbles::new(short, wide),
            few: few.into(),
            texts: texts.into(),
            starts: starts.into(),
        }
    }

    /// Tells the number of each pattern that is in `data`, where it begins and how long it is, as often as it is there.
    /// A pattern whose places were told enough may be told again, or not.
    #[inline]
    pub(super) fn scan(&self, data: &[u8], mut found: impl FnMut(u32, usize, usize) -> Told) {
        for single in &self.few {
            single.scan(self.text(single.number), data, &mut found);
        }
        if let Some(short) = &self.short {
            short.scan(data, |window, at| self.hit(window, at, data, &mut found));
        }
        if let Some(long) = &self.long {
            long.words(data, |window, at| self.hit(window, at, data, &mut found));
        }
    }

    /// A window is in the data: is its pattern?
    #[inline]
    fn hit(&self, window: &Window, at: usize, data: &[u8], found: &mut impl FnMut(u32, usize, usize) -> Told) {
        let text = self.text(window.number);
        if let Some(start) = at.checked_sub(window.offset as usize)
            && data.get(start..start + text.len()).is_some_and(|there| text.eq_ignore_ascii_case(there))
        {
            found(window.number, start, text.len());
        }
    }

    #[inline]
    fn text(&self, number: u32) -> &[u8] {
        let at = |number| self.starts.get(number).map_or(0, |at| *at as usize);
        self.texts.get(at(number as usize)..at(number as usize + 1)).unwrap_or_default()
    }

    /// Bytes on the heap, about.
    pub(super) fn bytes(&self) -> usize {
        let fixed = self.texts.len() + self.starts.len() * 4 + size_of_val(&*self.few);
        fixed + self.long.as_ref().map_or(0, Layer::bytes) + self.short.as_ref().map_or(0, Nibbles::bytes)
    }
}

/// Whether there is something to tell of further places of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    Enough,
    More,
}

impl Single {
    fn new(text: &[u8], number: u32) -> Single {
        let cost = |byte: u8| frequency(byte) + if byte.is_ascii_alphabetic() { 3 } else { 0 };
        let least = text.iter().enumerate().min_by_key(|(_, byte)| cost(**byte));
        let (offset, byte) = least.map_or((0, 0), |(offset, byte)| (offset, *byte));
        Single { byte: [byte, byte.to_ascii_uppercase()], offset, number }
    }

    #[inline]
    fn scan(&self, text: &[u8], data: &[u8], found: &mut impl FnMut(u32, usize, usize) -> Told) {
        let [lower, upper] = self.byte;
        let mut from = self.offset;
        while let Some(rest) = data.get(from..) {
            let next = if lower == upper { memchr(lower, rest) } else { memchr2(lower, upper, rest) };
            let Some(next) = next else { return };
            let start = from + next - self.offset;
            if data.get(start..start + text.len()).is_some_and(|there| there.eq_ignore_ascii_case(text))
                && found(self.number, start, text.len()) == Told::Enough
            {
                return;
            }
            from += next + 1;
        }
    }
}

/// Bytes from which on a pattern has windows at four places.
const LONG: usize = 7;

/// Shorter patterns that are searched one by one at most, each in a pass of its own.
const MOST_APART: usize = 2;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes(most: usize) -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(prop::sample::select(b"aAbB[{\0 \x80\xa0".to_vec()), 1..most)
    }

    proptest! {
        /// What it finds is what is there, no matter which other patterns it has, and what the processor can.
        #[test]
        fn finds_what_is_there(patterns in prop::collection::vec(bytes(14), 0..60), data in bytes(150), wide: bool) {
            let patterns: Vec<_> = patterns.iter().map(|pattern| pattern.to_ascii_lowercase()).collect();
            let filter = Filter::with(patterns.iter().map(Vec::as_slice), wide);
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
