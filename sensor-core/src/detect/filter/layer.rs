//! Windows of four bytes, at every fourth place of the data.

/// Windows that are looked for in one table of bits.
#[derive(Debug)]
pub(super) struct Layer {
    bits: Bits,
    windows: Windows,
}

/// A set of hashes of windows, of one of a few sizes, so that no look into it has to ask for its bounds.
#[derive(Debug)]
enum Bits {
    Small(Box<[u64; SMALL]>),
    Medium(Box<[u64; MEDIUM]>),
    Large(Box<[u64; LARGE]>),
}

/// Bytes of a pattern that are looked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    /// Folded; see [`super::nibbles`] for windows of other lengths.
    pub(super) bytes: u32,
    /// Where it begins in the pattern.
    pub(super) offset: u32,
    /// The pattern.
    pub(super) number: u32,
}

impl Window {
    pub(super) fn new(bytes: &[u8], offset: usize, number: u32) -> Window {
        Window { bytes: folded(bytes), offset: offset as u32, number }
    }
}

/// Windows by their bytes.
#[derive(Debug)]
pub(super) struct Windows {
    /// By the upper bits of a window's hash: where its windows begin; one more at the end.
    starts: Box<[u32]>,
    shift: u32,
    list: Box<[Window]>,
}

impl Layer {
    /// `None` of no windows.
    pub(super) fn new(list: Vec<Window>) -> Option<Layer> {
        let bits = match list.len() {
            0 => return None,
            1..=300 => Bits::Small(table(&list)),
            301..=1200 => Bits::Medium(table(&list)),
            1201.. => Bits::Large(table(&list)),
        };
        Some(Layer { bits, windows: Windows::new(list) })
    }

    /// Tells the windows that begin at a multiple of four of the data, and where.
    #[inline]
    pub(super) fn words(&self, data: &[u8], found: impl FnMut(&Window, usize)) {
        match &self.bits {
            Bits::Small(bits) => self.words_of(bits, data, found),
            Bits::Medium(bits) => self.words_of(bits, data, found),
            Bits::Large(bits) => self.words_of(bits, data, found),
        }
    }

    #[inline]
    fn words_of<const N: usize>(&self, bits: &[u64; N], data: &[u8], mut found: impl FnMut(&Window, usize)) {
        let (words, _) = data.as_chunks::<4>();
        for (at, word) in words.iter().enumerate() {
            let word = fold(u32::from_le_bytes(*word));
            if holds(bits, hash(word)) {
                self.windows.tell(word, at * 4, &mut found);
            }
        }
    }

    /// Bytes on the heap, about.
    pub(super) fn bytes(&self) -> usize {
        let bits = match self.bits {
            Bits::Small(_) => SMALL,
            Bits::Medium(_) => MEDIUM,
            Bits::Large(_) => LARGE,
        };
        bits * 8 + self.windows.bytes()
    }
}

impl Windows {
    pub(super) fn new(mut list: Vec<Window>) -> Windows {
        let shift = u32::BITS - list.len().next_power_of_two().trailing_zeros().clamp(4, 16);
        list.sort_by_key(|window| (hash(window.bytes) >> shift, window.number, window.offset));
        let mut starts = Vec::with_capacity((1 << (u32::BITS - shift)) + 1);
        for (at, window) in (0..).zip(&list) {
            starts.resize(starts.len().max((hash(window.bytes) >> shift) as usize + 1), at);
        }
        starts.resize((1 << (u32::BITS - shift)) + 1, list.len() as u32);
        Windows { starts: starts.into(), shift, list: list.into() }
    }

    /// Tells those of the bytes.
    #[inline(never)]
    pub(super) fn tell(&self, bytes: u32, at: usize, found: &mut impl FnMut(&Window, usize)) {
        let bucket = (hash(bytes) >> self.shift) as usize;
        let (Some(from), Some(to)) = (self.starts.get(bucket), self.starts.get(bucket + 1)) else { return };
        for window in self.list.get(*from as usize..*to as usize).unwrap_or_default() {
            if window.bytes == bytes {
                found(window, at);
            }
        }
    }

    /// Bytes on the heap, about.
    pub(super) fn bytes(&self) -> usize {
        self.starts.len() * 4 + size_of_val(&*self.list)
    }
}

/// The bits of windows.
pub(super) fn table<'a, const N: usize>(windows: impl IntoIterator<Item = &'a Window>) -> Box<[u64; N]> {
    let mut bits = Box::new([0; N]);
    for window in windows {
        let (at, bit) = place::<N>(hash(window.bytes));
        if let Some(word) = bits.get_mut(at) {
            *word |= bit;
        }
    }
    bits
}

#[inline]
pub(super) fn holds<const N: usize>(bits: &[u64; N], hash: u32) -> bool {
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
pub(super) fn hash(window: u32) -> u32 {
    (u64::from(window).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32
}

/// At most four bytes; what is missing is 0.
#[inline]
pub(super) fn folded(bytes: &[u8]) -> u32 {
    fold(bytes.iter().take(4).rev().fold(0, |word, byte| word << 8 | u32::from(*byte)))
}

/// Letters in lower case, and what differs from them in their upper bits alone; the rest as it is.
#[inline]
pub(super) fn fold(word: u32) -> u32 {
    word | (word & 0x4040_4040) >> 1
}

/// Words of the tables: 4 KiB, 16 KiB, 64 KiB.
const SMALL: usize = 512;
const MEDIUM: usize = 2048;
const LARGE: usize = 8192;
