//! A file that is read or written in chunks, which may come in any order.

use std::collections::BTreeMap;

use super::Side;
use super::parser::{File, Settings};

/// A file of one opening.
#[derive(Debug)]
pub(super) struct Transfer {
    /// Itself; always one.
    file: [File; 1],
    /// The place of the next byte.
    next: u64,
    /// Chunks that wait for what is before them.
    queue: BTreeMap<u64, Vec<u8>>,
    queued: usize,
}

/// What is odd about a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Odd {
    /// It has bytes that were there.
    Overlap,
    /// Too many bytes wait, too many chunks do.
    QueueSize,
    QueueCount,
}

/// Bytes and chunks that wait for what is before them; past it the hole is left out.
const MOST_QUEUED: usize = 1 << 20;
const MOST_CHUNKS: usize = 64;

impl Transfer {
    pub(super) fn new(name: Vec<u8>, side: Side, settings: &Settings) -> Transfer {
        Transfer { file: [File::new(name, side, settings)], next: 0, queue: BTreeMap::new(), queued: 0 }
    }

    pub(super) fn files(&self) -> &[File] {
        &self.file
    }

    /// Takes a chunk. Tells what was odd.
    pub(super) fn chunk(&mut self, offset: u64, bytes: &[u8], settings: &Settings) -> Option<Odd> {
        if bytes.is_empty() {
            return None;
        }
        if offset < self.next {
            let known = usize::try_from(self.next - offset).unwrap_or(usize::MAX);
            if let Some(fresh) = bytes.get(known..) {
                self.append(fresh, settings);
                self.settle(settings);
            }
            return Some(Odd::Overlap);
        }
        if offset == self.next {
            self.append(bytes, settings);
            self.settle(settings);
            return None;
        }
        self.queued += bytes.len();
        let replaced = self.queue.insert(offset, bytes.to_vec());
        self.queued -= replaced.map_or(0, |before| before.len());
        let over = match (self.queued > MOST_QUEUED, self.queue.len() > MOST_CHUNKS) {
            (true, _) => Odd::QueueSize,
            (_, true) => Odd::QueueCount,
            (false, false) => return None,
        };
        self.leave_out();
        self.settle(settings);
        Some(over)
    }

    /// More of the chunk that was given last, where it comes in pieces.
    pub(super) fn more(&mut self, bytes: &[u8], settings: &Settings) {
        self.append(bytes, settings);
    }

    /// Bytes of the chunk that was given last are missing.
    pub(super) fn missing(&mut self, len: u64) {
        let [file] = &mut self.file;
        file.gap(len);
        self.next = self.next.saturating_add(len);
    }

    /// It was closed.
    pub(super) fn close(&mut self, settings: &Settings) {
        while !self.queue.is_empty() {
            self.leave_out();
            self.settle(settings);
        }
        let [file] = &mut self.file;
        file.close(true);
    }

    pub(super) fn bytes(&self) -> usize {
        let [file] = &self.file;
        self.queued + file.head.capacity() + file.name.capacity()
    }

    fn append(&mut self, bytes: &[u8], settings: &Settings) {
        let [file] = &mut self.file;
        file.append(bytes, settings);
        self.next = self.next.saturating_add(bytes.len() as u64);
    }

    /// Leaves out the hole before the first chunk that waits.
    fn leave_out(&mut self) {
        if let Some((offset, _)) = self.queue.first_key_value() {
            let hole = offset.saturating_sub(self.next);
            self.missing(hole);
        }
    }

    /// Takes what waits and is next.
    fn settle(&mut self, settings: &Settings) {
        while let Some(entry) = self.queue.first_entry().filter(|entry| *entry.key() <= self.next) {
            let (offset, bytes) = entry.remove_entry();
            self.queued -= bytes.len();
            let known = usize::try_from(self.next - offset).unwrap_or(usize::MAX);
            self.append(bytes.get(known..).unwrap_or_default(), settings);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::applayer::parser::FileState;

    #[test]
    fn chunks_in_any_order_are_one_file() {
        let settings = Settings::default();
        let mut transfer = Transfer::new(b"a".to_vec(), Side::ToServer, &settings);
        assert_eq!(transfer.chunk(4, b"ef", &settings), None);
        assert_eq!(transfer.chunk(0, b"abcd", &settings), None);
        assert_eq!(transfer.chunk(5, b"fgh", &settings), Some(Odd::Overlap));
        transfer.close(&settings);
        let [file] = transfer.files() else { panic!() };
        assert_eq!((file.head.as_slice(), file.size, file.state), (&b"abcdefgh"[..], 8, FileState::Closed));
    }

    #[test]
    fn a_full_queue_leaves_out_the_hole() {
        let settings = Settings::default();
        let mut transfer = Transfer::new(Vec::new(), Side::ToClient, &settings);
        let mut odd: Vec<_> = (1..=65).filter_map(|at| transfer.chunk(at * 10, b"x", &settings)).collect();
        assert_eq!(odd, [Odd::QueueCount]);
        odd.extend(transfer.chunk(2_000_000, &vec![1; (1 << 20) + 1], &settings));
        assert_eq!(odd.last(), Some(&Odd::QueueSize));
        assert!(transfer.bytes() < 3 << 20);
        transfer.close(&settings);
        assert_eq!((transfer.files()[0].state, transfer.files()[0].gaps), (FileState::Truncated, true));
    }
}
