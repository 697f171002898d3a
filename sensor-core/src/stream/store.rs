//! Segments of one side that wait for what lies before them.

use std::collections::VecDeque;

use super::policy::{Extent, Policy};
use super::pool::Pool;
use super::{behind, distance};

/// The segments one side holds out of order: sorted, none overlaps another, each within 2^30 of the next number.
///
/// They keep the borders they came with (less what an overlap took), because the policies decide by them.
#[derive(Debug, Default)]
pub(super) struct Store {
    pieces: VecDeque<Piece>,
    /// Bytes allocated for them, the list's own entries included.
    bytes: usize,
    /// How many of them are still in the packet that is being worked on; they stand from `fresh_from` on.
    fresh: usize,
    fresh_from: u32,
}

/// Consecutive bytes of one segment.
#[derive(Debug)]
pub(super) struct Piece {
    /// Sequence number of the first byte.
    pub seq: u32,
    /// Length in sequence space.
    pub len: u32,
    /// How many of them were captured; the rest is missing for good.
    pub captured: u32,
    /// Where they start in `bytes`.
    offset: u32,
    bytes: Bytes,
}

/// Where a piece's bytes are.
#[derive(Debug)]
enum Bytes {
    /// In the packet that is being worked on; never outlives it.
    Packet,
    /// In a buffer of the pool.
    Buffer(Box<[u8]>),
    /// A byte that went out of band: it takes a number and has no place in the stream.
    OutOfBand,
}

impl Piece {
    /// Sequence number after the last byte.
    pub fn end(&self) -> u32 {
        self.seq.wrapping_add(self.len)
    }

    /// Takes a number without being part of the stream.
    pub fn out_of_band(&self) -> bool {
        matches!(self.bytes, Bytes::OutOfBand)
    }

    /// The captured bytes; `packet` is the payload that is being worked on.
    pub fn data<'a>(&'a self, packet: &'a [u8]) -> &'a [u8] {
        let all = match &self.bytes {
            Bytes::Packet => packet,
            Bytes::Buffer(buffer) => buffer,
            Bytes::OutOfBand => return &[],
        };
        let from = self.offset as usize;
        all.get(from..from + self.captured as usize).unwrap_or(&[])
    }

    /// Gives its buffer back.
    pub fn release(self, pool: &mut Pool) {
        if let Bytes::Buffer(buffer) = self.bytes {
            pool.give_back(buffer);
        }
    }

    /// Bytes allocated for it.
    fn cost(&self) -> usize {
        let buffer = if let Bytes::Buffer(buffer) = &self.bytes { buffer.len() } else { 0 };
        size_of::<Piece>() + buffer
    }

    fn extent(&self, from: u32) -> Extent {
        let start = distance(from, self.seq);
        Extent { start, end: start + i64::from(self.len) }
    }

    /// Drops `n` bytes at the front.
    fn cut_front(&mut self, n: u32) {
        let captured = n.min(self.captured);
        self.seq = self.seq.wrapping_add(n);
        self.len -= n;
        self.captured -= captured;
        self.offset += captured;
    }

    /// Keeps the first `n` bytes.
    fn keep_front(&mut self, n: u32) {
        self.len = n;
        self.captured = self.captured.min(n);
    }

    /// Writes `bytes` at `at`, if the piece has a buffer with bytes there.
    fn overwrite(&mut self, at: u32, bytes: &[u8]) -> bool {
        let from = (self.offset + at) as usize;
        match &mut self.bytes {
            Bytes::Buffer(buffer) if at as usize + bytes.len() <= self.captured as usize => {
                buffer.get_mut(from..from + bytes.len()).is_some_and(|place| {
                    place.copy_from_slice(bytes);
                    true
                })
            }
            Bytes::Buffer(_) | Bytes::Packet | Bytes::OutOfBand => false,
        }
    }
}

impl Store {
    /// True if nothing waits.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Segments that wait.
    pub fn len(&self) -> usize {
        self.pieces.len()
    }

    /// Bytes allocated for them.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The one that stands first.
    pub fn front(&self) -> Option<&Piece> {
        self.pieces.front()
    }

    /// Takes the one that stands first.
    pub fn pop(&mut self) -> Option<Piece> {
        let piece = self.pieces.pop_front()?;
        self.bytes -= piece.cost();
        self.fresh -= usize::from(matches!(piece.bytes, Bytes::Packet));
        Some(piece)
    }

    /// Puts a segment in, or those parts of it that the policy lets stand. Its bytes stay in `packet` until
    /// [`Store::settle`]; it begins at `offset` there, and where that holds less than `len` bytes the packet was cut.
    /// True if it overlaps another one and says something else.
    pub fn insert(&mut self, policy: Policy, seq: u32, len: u32, packet: &[u8], offset: u32, pool: &mut Pool) -> bool {
        let captured = (packet.len() as u32).saturating_sub(offset).min(len);
        let mut new = Piece { seq, len, captured, offset, bytes: Bytes::Packet };
        let mut different = false;
        let mut at = self.first_after(seq);
        while new.len > 0 {
            let Some(old) = self.pieces.get(at).filter(|old| behind(old.seq, new.end())) else { break };
            different |= differ(&new, old, packet);
            let (old_extent, new_extent) = (old.extent(seq), new.extent(seq));
            let hole_before =
                at.checked_sub(1).and_then(|left| self.pieces.get(left)).is_some_and(|left| left.end() != old.seq);
            if policy.new_wins(new_extent, old_extent, hole_before) && !old.out_of_band() {
                at = self.yield_to(at, &mut new, new_extent, old_extent, packet, pool);
            } else {
                if new_extent.start < old_extent.start {
                    let mut before = Piece { bytes: Bytes::Packet, ..new };
                    before.keep_front((old_extent.start - new_extent.start) as u32);
                    self.put(at, before);
                    at += 1;
                }
                let known = (old_extent.end - new_extent.start).min(i64::from(new.len)) as u32;
                new.cut_front(known);
                at += 1;
            }
        }
        if new.len > 0 {
            self.put(at, new);
        }
        different
    }

    /// Puts an out-of-band byte in, unless something is there.
    pub fn insert_out_of_band(&mut self, seq: u32) {
        let at = self.first_after(seq);
        let end = seq.wrapping_add(1);
        if self.pieces.get(at).is_none_or(|next| !behind(next.seq, end)) {
            self.put(at, Piece { seq, len: 1, captured: 0, offset: 0, bytes: Bytes::OutOfBand });
        }
    }

    /// Frees what an empty list keeps for more entries than usual.
    pub fn shrink(&mut self) {
        self.pieces.shrink_to(64);
    }

    /// Copies what is still in the packet to buffers. False if a buffer was not to be had: the caller then has to
    /// take everything out while the packet is there.
    pub fn settle(&mut self, packet: &[u8], pool: &mut Pool) -> bool {
        let from = self.first_after(self.fresh_from);
        for piece in self.pieces.range_mut(from..) {
            if self.fresh == 0 {
                break;
            }
            if matches!(piece.bytes, Bytes::Packet) {
                self.bytes -= piece.cost();
                let buffer = pool.copy(piece.data(packet));
                let settled = buffer.is_some();
                if let Some(buffer) = buffer {
                    piece.offset = 0;
                    piece.bytes = Bytes::Buffer(buffer);
                    self.fresh -= 1;
                }
                self.bytes += piece.cost();
                if !settled {
                    return false;
                }
            }
        }
        true
    }

    /// The old piece at `at` gives way to the new one where both have bytes. Says where to go on.
    fn yield_to(
        &mut self,
        at: usize,
        new: &mut Piece,
        new_extent: Extent,
        old_extent: Extent,
        packet: &[u8],
        pool: &mut Pool,
    ) -> usize {
        let Some(old) = self.pieces.get_mut(at) else { return at };
        if old_extent.start < new_extent.start && old_extent.end > new_extent.end {
            // Where the old bytes can't be written over (a cut packet), they stay.
            old.overwrite((new_extent.start - old_extent.start) as u32, new.data(packet));
            new.cut_front(new.len);
            return at + 1;
        }
        if old_extent.start < new_extent.start {
            old.keep_front((new_extent.start - old_extent.start) as u32);
            return at + 1;
        }
        if old_extent.end > new_extent.end {
            old.cut_front((new_extent.end - old_extent.start) as u32);
            return at;
        }
        if let Some(gone) = self.pieces.remove(at) {
            self.bytes -= gone.cost();
            gone.release(pool);
        }
        at
    }

    fn put(&mut self, at: usize, piece: Piece) {
        if matches!(piece.bytes, Bytes::Packet) {
            if self.fresh == 0 {
                self.fresh_from = piece.seq;
            }
            self.fresh += 1;
        }
        self.bytes += piece.cost();
        self.pieces.insert(at, piece);
    }

    /// Index of the first piece that ends after `seq`. Most segments go to the end.
    fn first_after(&self, seq: u32) -> usize {
        match self.pieces.back() {
            Some(last) if behind(seq, last.end()) => self.pieces.partition_point(|piece| !behind(seq, piece.end())),
            _ => self.pieces.len(),
        }
    }
}

/// True if both have captured bytes at the same numbers and they are not the same.
fn differ(new: &Piece, old: &Piece, packet: &[u8]) -> bool {
    let ahead = distance(old.seq, new.seq);
    let (skip_new, skip_old) = if ahead >= 0 { (0, ahead as usize) } else { (ahead.unsigned_abs() as usize, 0) };
    match (new.data(packet).get(skip_new..), old.data(packet).get(skip_old..)) {
        (Some(a), Some(b)) => a.iter().zip(b).any(|(a, b)| a != b),
        _ => false,
    }
}
