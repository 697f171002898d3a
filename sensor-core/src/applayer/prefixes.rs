//! A pool of small buffers for flows whose first bytes come in pieces.

use super::probe::Side;

/// A ring of prefix buffers for the flows of one worker. When all are in use the one given out longest ago is taken
/// back: its flow is probed on as if the kept bytes had not been seen ([`Prefixes::taken_back`] counts). Nothing has
/// to be released: a buffer of a flow that ended comes around again.
#[derive(Debug)]
pub struct Prefixes {
    slots: Vec<Slot>,
    cap: u32,
    /// Buffers given out so far; the number of the next is its place in the ring and its proof of ownership.
    given: u32,
    taken_back: u64,
}

/// A flow's claim to a buffer; 0 is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Claim(u32);

#[derive(Debug)]
struct Slot {
    owner: Claim,
    len: [u8; 2],
    bytes: [[u8; PREFIX]; 2],
}

impl Prefixes {
    /// A pool of at most `cap` buffers of about 400 bytes; they are allocated as they are first needed.
    #[must_use]
    pub fn new(cap: u32) -> Self {
        Prefixes { slots: Vec::new(), cap: cap.max(1), given: 0, taken_back: 0 }
    }

    /// Buffers that were taken from a flow that may still have needed them.
    #[must_use]
    pub fn taken_back(&self) -> u64 {
        self.taken_back
    }

    /// What is kept of a side; empty if nothing is, or no longer.
    pub(super) fn get(&self, claim: Claim, side: Side) -> &[u8] {
        let Some(slot) = self.slot(claim) else { return &[] };
        let [len, bytes] = match side {
            Side::ToServer => [usize::from(slot.len[0]), 0],
            Side::ToClient => [usize::from(slot.len[1]), 1],
        };
        slot.bytes.get(bytes).and_then(|bytes| bytes.get(..len)).unwrap_or_default()
    }

    /// Keeps the beginning of `bytes` for a side, in place of what was kept for it.
    pub(super) fn put(&mut self, claim: &mut Claim, side: Side, bytes: &[u8]) {
        if self.slot(*claim).is_none() {
            *claim = self.give();
        }
        let index = self.index(*claim);
        let which = side as usize;
        let Some(slot) = self.slots.get_mut(index) else { return };
        let n = bytes.len().min(PREFIX);
        if let (Some(kept), Some(len)) = (slot.bytes.get_mut(which), slot.len.get_mut(which)) {
            if let (Some(to), Some(from)) = (kept.get_mut(..n), bytes.get(..n)) {
                to.copy_from_slice(from);
            }
            *len = n as u8;
        }
    }

    /// Gives a buffer back early, so that the ring does not count it as taken.
    pub(super) fn release(&mut self, claim: &mut Claim) {
        let index = self.index(*claim);
        if let Some(slot) = self.slots.get_mut(index)
            && slot.owner == *claim
        {
            slot.owner = Claim::default();
        }
        *claim = Claim::default();
    }

    fn slot(&self, claim: Claim) -> Option<&Slot> {
        self.slots.get(self.index(claim)).filter(|slot| slot.owner == claim && claim != Claim::default())
    }

    fn give(&mut self) -> Claim {
        self.given = self.given.checked_add(1).unwrap_or(1);
        let claim = Claim(self.given);
        let index = self.index(claim);
        if let Some(slot) = self.slots.get_mut(index) {
            self.taken_back += u64::from(slot.owner != Claim::default());
            slot.owner = claim;
            slot.len = [0; 2];
        } else {
            // The ring grows in order, so the next place is always the one at the end.
            self.slots.push(Slot { owner: claim, len: [0; 2], bytes: [[0; PREFIX]; 2] });
        }
        claim
    }

    fn index(&self, claim: Claim) -> usize {
        (claim.0.wrapping_sub(1) % self.cap) as usize
    }
}

/// Bytes kept of each side.
pub(super) const PREFIX: usize = 192;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_pool_takes_back_the_oldest_and_counts_it() {
        let mut pool = Prefixes::new(2);
        let mut claims = [Claim::default(); 3];
        for (claim, text) in claims.iter_mut().zip([b"one", b"two", b"six"]) {
            pool.put(claim, Side::ToServer, text);
        }
        assert_eq!(pool.taken_back(), 1);
        assert_eq!(pool.get(claims[0], Side::ToServer), b"");
        assert_eq!(pool.get(claims[1], Side::ToServer), b"two");
        assert_eq!(pool.get(claims[2], Side::ToServer), b"six");
        assert_eq!(pool.get(claims[2], Side::ToClient), b"");
        assert_eq!(pool.slots.len(), 2);
        pool.release(&mut claims[1]);
        let mut next = Claim::default();
        pool.put(&mut next, Side::ToClient, &[7; 1000]);
        assert_eq!(pool.taken_back(), 1, "a buffer that was given back was not taken");
        assert_eq!(pool.get(next, Side::ToClient), [7; PREFIX]);
    }
}
