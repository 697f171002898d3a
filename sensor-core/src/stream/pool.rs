//! Buffers for segments that wait, recycled and bounded by what they take.

use super::store::Store;

/// Buffers of few sizes, given back and used again. Counts what is allocated, whether in use or waiting.
#[derive(Debug)]
pub(super) struct Pool {
    /// Waiting buffers by size class.
    free: [Vec<Box<[u8]>>; CLASSES.len()],
    /// Waiting lists of segments.
    #[expect(clippy::vec_box, reason = "a side holds its list boxed: it moves there as it is")]
    lists: Vec<Box<Store>>,
    /// Bytes of all buffers that exist.
    allocated: usize,
    /// Bytes of those in use.
    used: usize,
    /// Bound on `allocated`.
    cap: usize,
}

impl Pool {
    /// An empty pool that never holds more than `cap` bytes.
    pub fn new(cap: usize) -> Pool {
        Pool { free: Default::default(), lists: Vec::new(), allocated: 0, used: 0, cap }
    }

    /// Bytes allocated.
    pub fn allocated(&self) -> usize {
        self.allocated
    }

    /// Bytes in use.
    pub fn used(&self) -> usize {
        self.used
    }

    /// A buffer with a copy of `bytes` at its start; `None` past the bound, or for more than the largest class holds.
    pub fn copy(&mut self, bytes: &[u8]) -> Option<Box<[u8]>> {
        let (class, size) = CLASSES.iter().copied().enumerate().find(|(_, size)| *size >= bytes.len())?;
        let waiting = self.free.get_mut(class).and_then(Vec::pop);
        let mut buffer = match waiting {
            Some(buffer) => buffer,
            None => self.allocate(size)?,
        };
        buffer.get_mut(..bytes.len())?.copy_from_slice(bytes);
        self.used += size;
        Some(buffer)
    }

    /// Takes a buffer back.
    pub fn give_back(&mut self, buffer: Box<[u8]>) {
        self.used = self.used.saturating_sub(buffer.len());
        let class = CLASSES.iter().position(|size| *size == buffer.len());
        match class.and_then(|class| self.free.get_mut(class)) {
            Some(free) if self.allocated <= self.cap => free.push(buffer),
            _ => self.allocated = self.allocated.saturating_sub(buffer.len()),
        }
    }

    /// An empty list of segments.
    pub fn list(&mut self) -> Box<Store> {
        self.lists.pop().unwrap_or_default()
    }

    /// Takes an empty list back.
    pub fn give_back_list(&mut self, mut list: Box<Store>) {
        if self.lists.len() < SPARE_LISTS {
            list.shrink();
            self.lists.push(list);
        }
    }

    fn allocate(&mut self, size: usize) -> Option<Box<[u8]>> {
        if self.allocated + size > self.cap {
            self.shrink(size);
        }
        if self.allocated + size > self.cap {
            return None;
        }
        self.allocated += size;
        Some(vec![0; size].into_boxed_slice())
    }

    /// Frees waiting buffers of other sizes until `size` more bytes fit, if they ever do.
    #[cold]
    fn shrink(&mut self, size: usize) {
        for free in self.free.iter_mut().rev() {
            while self.allocated + size > self.cap {
                let Some(buffer) = free.pop() else { break };
                self.allocated = self.allocated.saturating_sub(buffer.len());
            }
        }
    }
}

/// Sizes of buffers: small messages, an Ethernet frame, a jumbo frame, the largest IP packet.
const CLASSES: [usize; 4] = [256, 1536, 9216, 65536];

/// Lists kept for later.
const SPARE_LISTS: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cap_holds_and_buffers_come_back() {
        let mut pool = Pool::new(10_000);
        let mut held: Vec<_> = std::iter::from_fn(|| pool.copy(&[7; 1000])).collect();
        assert_eq!((held.len(), pool.used(), pool.allocated()), (6, 9216, 9216));
        assert!(pool.copy(&[1; 2000]).is_none());
        let buffer = held.pop().unwrap();
        pool.give_back(buffer);
        assert_eq!((pool.used(), pool.allocated()), (7680, 9216));
        let again = pool.copy(b"abc").unwrap();
        assert_eq!((again.len(), &again[..3]), (256, &b"abc"[..]));
        // Waiting buffers of other sizes make room for a large one.
        held.drain(..).for_each(|buffer| pool.give_back(buffer));
        pool.give_back(again);
        assert!(pool.copy(&[2; 9000]).is_some());
        assert!(pool.allocated() <= 10_000);
        assert!(pool.copy(&[2; 70_000]).is_none());
    }
}
