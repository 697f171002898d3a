//! The parts of a datagram that are there, and whose they are.

use super::OverlapPolicy;
use crate::decode::span::Span;

/// The bytes of a datagram so far. Pieces are in order and never overlap.
#[derive(Debug)]
pub struct Pieces {
    buffer: Vec<u8>,
    list: Vec<Piece>,
    filled: usize,
    /// First byte that a fragment had on the wire and not in the capture.
    missing: usize,
}

/// Bytes from `start` to `end`, brought by a fragment that reached over `extent`.
#[derive(Clone, Copy, Debug)]
struct Piece {
    start: usize,
    end: usize,
    extent: (usize, usize),
}

impl Pieces {
    /// None yet, in a buffer that is used again.
    pub fn new(buffer: Vec<u8>) -> Pieces {
        Pieces { buffer, list: Vec::new(), filled: 0, missing: usize::MAX }
    }

    /// Bytes allocated.
    pub fn bytes(&self) -> usize {
        self.buffer.capacity() + self.list.capacity() * size_of::<Piece>()
    }

    /// Bytes that are there.
    pub fn filled(&self) -> usize {
        self.filled
    }

    /// End of the last piece.
    pub fn end(&self) -> usize {
        self.list.last().map_or(0, |p| p.end)
    }

    /// Length without a hole from the start on.
    pub fn first_run(&self) -> usize {
        self.list.iter().try_fold(0, |end, p| if p.start == end { Ok(p.end) } else { Err(end) }).unwrap_or_else(|e| e)
    }

    /// What lies before this was captured, where it is there.
    pub fn captured(&self) -> usize {
        self.missing
    }

    /// The bytes.
    pub fn into_buffer(self) -> Vec<u8> {
        self.buffer
    }

    /// Takes in a fragment's body; true when it overlapped.
    pub fn insert(&mut self, offset: usize, body: Span<'_>, policy: OverlapPolicy) -> bool {
        let new = Piece { start: offset, end: offset + body.len, extent: (offset, offset + body.len) };
        let low = self.list.partition_point(|p| p.end <= new.start);
        let high = self.list.partition_point(|p| p.start < new.end);
        if low >= high {
            self.list.insert(low, new);
            self.store(new, body);
            return false;
        }
        let mut merged = Vec::with_capacity(2 * (high - low) + 1);
        let mut won = Vec::with_capacity(high - low + 1);
        let mut rest = new.start;
        let mut after = None;
        for old in self.list.get(low..high).unwrap_or_default() {
            if policy.newer_wins(new.extent, old.extent) {
                self.filled -= old.end.min(new.end) - old.start.max(new.start);
                if old.start < new.start {
                    merged.push(Piece { end: new.start, ..*old });
                }
                after = (old.end > new.end).then_some(Piece { start: new.end, ..*old });
            } else {
                if rest < old.start {
                    won.push(Piece { start: rest, end: old.start, ..new });
                    merged.push(Piece { start: rest, end: old.start, ..new });
                }
                merged.push(*old);
                rest = old.end;
            }
        }
        if rest < new.end {
            won.push(Piece { start: rest, ..new });
            merged.push(Piece { start: rest, ..new });
        }
        merged.extend(after);
        self.list.splice(low..high, merged);
        for piece in won {
            let from = piece.start - offset;
            let part = Span { data: body.data.get(from..).unwrap_or_default(), len: body.len - from };
            self.store(piece, part.first(piece.end - piece.start));
        }
        true
    }

    /// Writes a piece's bytes, as far as they were captured.
    fn store(&mut self, piece: Piece, body: Span<'_>) {
        self.filled += piece.end - piece.start;
        if self.buffer.len() < piece.end {
            self.buffer.resize(piece.end, 0);
        }
        if let Some(to) = self.buffer.get_mut(piece.start..piece.start + body.data.len()) {
            to.copy_from_slice(body.data);
        }
        if body.is_cut() {
            self.missing = self.missing.min(piece.start + body.data.len());
        }
    }
}

#[cfg(test)]
impl Pieces {
    /// The invariant: in order, apart, not empty, and the sum of their lengths is what is there.
    pub fn is_in_order(&self) -> bool {
        let sum: usize = self.list.iter().map(|p| p.end - p.start).sum();
        self.list.windows(2).all(|w| w[0].end <= w[1].start)
            && self.list.iter().all(|p| p.start < p.end)
            && sum == self.filled
    }
}
