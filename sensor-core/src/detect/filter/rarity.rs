//! How rarely the windows of patterns are met.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use super::layer::{Window, folded};

/// What patterns have in common.
#[derive(Debug)]
pub(super) struct Rarity {
    /// In how many of them it is, by windows of four bytes.
    shared: HashMap<u32, u32, FixedState>,
}

impl Rarity {
    pub(super) fn of<'a>(patterns: impl Iterator<Item = &'a [u8]>) -> Rarity {
        let mut shared = HashMap::default();
        for window in patterns.flat_map(|pattern| pattern.windows(4)) {
            *shared.entry(folded(window)).or_insert(0) += 1;
        }
        Rarity { shared }
    }

    /// The `count` windows in a row of four bytes that are met least, of a pattern that has as many; none where one of
    /// them is met everywhere.
    pub(super) fn row(&self, pattern: &[u8], count: usize, number: u32) -> impl Iterator<Item = Window> {
        let rows = pattern.windows(3 + count).enumerate();
        // With each two that it costs more a window is met about twice as often.
        let met = |row: &[u8]| row.windows(4).map(|window| 1_u64 << (self.cost(window) / 2).min(48)).sum::<u64>();
        let best = rows.map(|(first, row)| (met(row), first, row)).min_by_key(|(met, _, _)| *met);
        let best = best.filter(|(met, _, _)| count == 1 || *met < EVERYWHERE);
        best.into_iter().flat_map(move |(_, first, row)| {
            row.windows(4).enumerate().map(move |(at, window)| Window::new(window, first + at, number))
        })
    }

    fn cost(&self, window: &[u8]) -> u32 {
        let shared = self.shared.get(&folded(window)).map_or(0, |count| count.ilog2());
        let bytes: u32 = window.iter().map(|byte| frequency(*byte)).sum();
        let alike = window.windows(2).filter(|pair| pair.first() == pair.last()).count() as u32;
        shared * 4 + bytes + alike * 3
    }
}

/// How often a byte is met, from 0 on.
pub(super) fn frequency(byte: u8) -> u32 {
    match byte {
        0 | 0xff => 9,
        b' ' | b'e' | b't' | b'a' => 6,
        b'o' | b'i' | b'n' | b's' | b'r' | b'/' | b'0' | b'1' | b'=' | b'.' | b'-' | b'"' | b'\r' | b'\n' => 5,
        b'c' | b'd' | b'l' | b'p' | b'm' | b'h' | b'u' | b'2'..=b'9' | b':' => 4,
        byte if byte.is_ascii_graphic() => 3,
        _ => 2,
    }
}

/// How often, by the scale of [`Rarity::row`], what is met everywhere is met: a run of zeros, say.
const EVERYWHERE: u64 = 1 << 18;
