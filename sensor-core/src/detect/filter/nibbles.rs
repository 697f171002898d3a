//! Windows of up to four bytes, at each place of the data.
//!
//! The windows are dealt out to classes, eight to a set. For each byte of a window a set has two tables of 16: which
//! classes have a byte with that lower half, which with that upper half. So 32 places are looked at with eight look-ups
//! in registers, and are candidates where one class is in all eight answers (as Teddy of Hyperscan does).

use super::layer::{Window, Windows, fold, folded, hash, holds, table};

/// Windows that are looked for at 32 places at a time, where the processor can.
#[derive(Debug)]
pub(super) struct Nibbles {
    #[cfg(target_arch = "x86_64")]
    wide: Option<(pulp::x86::V3, Box<[Set]>)>,
    /// Where the processor can't: the first two bytes of windows, by bit. Of one byte, with any behind it.
    pairs: Box<[u64]>,
    /// By how many bytes they have, less one.
    windows: [Option<Windows>; LEN],
    /// The hashes of all of them.
    bits: Box<Bits>,
}

type Bits = [u64; 512];

/// For the lower and upper half of each byte: the classes that have it, twice over.
type Set = [[[u8; 32]; 2]; LEN];

/// Places that are looked at at a time.
const LANES: usize = 32;

/// Bytes of a window.
const LEN: usize = 4;

impl Nibbles {
    /// Of windows by how many bytes they have, less one. `None` of no windows. `wide` allows instructions that not every
    /// processor has.
    pub(super) fn new(windows: [Vec<Window>; LEN], wide: bool) -> Option<Nibbles> {
        if windows.iter().all(Vec::is_empty) {
            return None;
        }
        // Those that are alike share a class, so that it has few halves; those of one length, so that none is any byte.
        let mut keys = windows.each_ref().map(|list| list.iter().map(|window| window.bytes).collect::<Vec<_>>());
        for keys in &mut keys {
            keys.sort_unstable_by_key(|bytes| bytes.swap_bytes());
            keys.dedup();
        }
        #[cfg(target_arch = "x86_64")]
        let wide = pulp::x86::V3::try_new().filter(|_| wide).map(|wide| (wide, sets(&keys)));
        #[cfg(target_arch = "x86_64")]
        let pairs = if wide.is_some() { Box::default() } else { pairs(&keys) };
        #[cfg(not(target_arch = "x86_64"))]
        let (pairs, _) = (pairs(&keys), wide);
        let bits = table(windows.iter().flatten());
        let windows = windows.map(|list| (!list.is_empty()).then(|| Windows::new(list)));
        Some(Nibbles {
            #[cfg(target_arch = "x86_64")]
            wide,
            pairs,
            windows,
            bits,
        })
    }

    /// Tells the windows that are in the data, and where.
    #[inline]
    pub(super) fn scan(&self, data: &[u8], mut found: impl FnMut(&Window, usize)) {
        #[cfg(target_arch = "x86_64")]
        if let Some((wide, sets)) = &self.wide {
            return wide.vectorize(Sweep { nibbles: self, wide: *wide, sets, data, found });
        }
        for (at, pair) in data.windows(2).enumerate() {
            let pair = folded(pair) as usize;
            if self.pairs.get(pair / 64).is_some_and(|bits| bits & 1 << (pair % 64) != 0) {
                self.look(data, at, &mut found);
            }
        }
        if let Some(last) = data.len().checked_sub(1) {
            self.look(data, last, &mut found);
        }
    }

    /// Tells the windows that are at a place.
    #[inline]
    fn look(&self, data: &[u8], at: usize, found: &mut impl FnMut(&Window, usize)) {
        let rest = data.get(at..).unwrap_or_default();
        let bytes = rest.first_chunk().map_or_else(|| folded(rest), |bytes| fold(u32::from_le_bytes(*bytes)));
        for (len, windows) in (1..).zip(&self.windows) {
            let bytes = bytes & first(len);
            if let Some(windows) = windows
                && holds(&self.bits, hash(bytes))
            {
                windows.tell(bytes, at, found);
            }
        }
    }

    /// Bytes on the heap, about.
    pub(super) fn bytes(&self) -> usize {
        #[cfg(target_arch = "x86_64")]
        let sets = self.wide.as_ref().map_or(0, |(_, sets)| size_of_val(&**sets));
        #[cfg(not(target_arch = "x86_64"))]
        let sets = 0;
        size_of::<Bits>()
            + sets
            + self.pairs.len() * 8
            + self.windows.iter().flatten().map(Windows::bytes).sum::<usize>()
    }
}

/// What is left of four bytes where only the first are of interest.
fn first(len: usize) -> u32 {
    u32::MAX >> (32 - 8 * len)
}

/// The first two bytes of windows, which are given by how many bytes they have, less one.
fn pairs(keys: &[Vec<u32>; LEN]) -> Box<[u64]> {
    let mut bits = vec![0; 1024];
    for (len, keys) in (1..).zip(keys) {
        for pair in keys.iter().map(|key| key & 0xffff) {
            for any in (0..=if len == 1 { 0xff } else { 0 }).map(|next| (pair | next << 8) as usize) {
                if let Some(bits) = bits.get_mut(any / 64) {
                    *bits |= 1 << (any % 64);
                }
            }
        }
    }
    bits.into()
}

/// The tables of windows, which are given by how many bytes they have, less one.
#[cfg(target_arch = "x86_64")]
fn sets(keys: &[Vec<u32>; LEN]) -> Box<[Set]> {
    let count: usize = keys.iter().map(Vec::len).sum();
    let sets = count.div_ceil(A_SET).min(MOST_SETS);
    let classes = |most| (1..).zip(keys).flat_map(move |(len, keys)| keys.chunks(most).map(move |alike| (len, alike)));
    let most = (1..=count).find(|most| classes(*most).count() <= 8 * sets).unwrap_or(count);
    let classes: Vec<_> = classes(most).collect();
    classes.chunks(8).map(set).collect()
}

/// The tables of up to eight classes of windows: how many bytes these have, and which.
#[cfg(target_arch = "x86_64")]
fn set(classes: &[(usize, &[u32])]) -> Set {
    let mut set = Set::default();
    for (class, (len, keys)) in classes.iter().enumerate() {
        for key in *keys {
            for (at, (halves, byte)) in set.iter_mut().zip(key.to_le_bytes()).enumerate() {
                // A folded byte stands for that of its upper case too, and a missing one for any.
                for any in (0..=u8::MAX).filter(|any| at >= *len || fold(u32::from(*any)) == u32::from(byte)) {
                    for (half, nibble) in halves.iter_mut().zip([any & 15, any >> 4]) {
                        // Instructions look up in each 16 bytes apart.
                        for classes in half.iter_mut().skip(nibble.into()).step_by(16) {
                            *classes |= 1 << class;
                        }
                    }
                }
            }
        }
    }
    set
}

/// Windows of a set there are about, and the most sets there are.
#[cfg(target_arch = "x86_64")]
const A_SET: usize = 24;
#[cfg(target_arch = "x86_64")]
const MOST_SETS: usize = 6;

/// A look at data with the instructions of AVX2.
#[cfg(target_arch = "x86_64")]
struct Sweep<'a, F> {
    nibbles: &'a Nibbles,
    wide: pulp::x86::V3,
    sets: &'a [Set],
    data: &'a [u8],
    found: F,
}

#[cfg(target_arch = "x86_64")]
impl<F: FnMut(&Window, usize)> pulp::NullaryFnOnce for Sweep<'_, F> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Sweep { nibbles, wide, sets, data, mut found } = self;
        let mut at = 0;
        while let Some(block) = data.get(at..).and_then(|rest| rest.first_chunk()) {
            let mut candidates = candidates(wide, sets, block);
            while candidates != 0 {
                nibbles.look(data, at + candidates.trailing_zeros() as usize, &mut found);
                candidates &= candidates - 1;
            }
            at += LANES;
        }
        // What is missing behind the end counts as zeros.
        while at < data.len() {
            let rest = data.get(at..).unwrap_or_default();
            let mut block = [0; LANES + LEN - 1];
            for (to, from) in block.iter_mut().zip(rest) {
                *to = *from;
            }
            let mut candidates = candidates(wide, sets, &block);
            if rest.len() < LANES {
                candidates &= (1 << rest.len()) - 1;
            }
            while candidates != 0 {
                nibbles.look(data, at + candidates.trailing_zeros() as usize, &mut found);
                candidates &= candidates - 1;
            }
            at += LANES;
        }
    }
}

/// The places of a block, by bit, at which a class has all halves.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn candidates(wide: pulp::x86::V3, sets: &[Set], block: &[u8; LANES + LEN - 1]) -> u32 {
    let simd = wide.avx2;
    let lower = wide.avx._mm256_set1_epi8(15);
    let halves = |at: usize| {
        let bytes: [u8; LANES] = block.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; LANES]);
        let bytes = pulp::cast(bytes);
        (simd._mm256_and_si256(bytes, lower), simd._mm256_and_si256(simd._mm256_srli_epi16::<4>(bytes), lower))
    };
    let halves = [halves(0), halves(1), halves(2), halves(3)];
    let mut all = wide.avx._mm256_setzero_si256();
    for set in sets {
        let mut classes = wide.avx._mm256_set1_epi8(-1);
        for (tables, (low, high)) in set.iter().zip(halves) {
            let [of_low, of_high] = tables;
            let low = simd._mm256_shuffle_epi8(pulp::cast(*of_low), low);
            let high = simd._mm256_shuffle_epi8(pulp::cast(*of_high), high);
            classes = simd._mm256_and_si256(classes, simd._mm256_and_si256(low, high));
        }
        all = simd._mm256_or_si256(all, classes);
    }
    let none = simd._mm256_cmpeq_epi8(all, wide.avx._mm256_setzero_si256());
    !simd._mm256_movemask_epi8(none) as u32
}
