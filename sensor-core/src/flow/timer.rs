//! A timer wheel over the seconds of the table's clock.
//!
//! A flow has one valid entry. A packet doesn't touch the wheel: an entry that comes due looks at the flow's last
//! packet and goes back in if the flow was active since.

use super::FlowIndex;

/// The wheel. Holds one entry a flow, and stale ones until their second comes.
#[derive(Debug)]
pub struct Wheel {
    slots: Vec<Vec<Entry>>,
    /// The second that has been served last.
    now: i64,
}

/// A flow that wants to be looked at.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Which flow.
    pub flow: FlowIndex,
    /// In which second; an entry whose second is not the flow's own is stale.
    pub at: u32,
}

impl Wheel {
    /// An empty wheel.
    pub fn new() -> Wheel {
        Wheel { slots: vec![Vec::new(); SLOTS as usize], now: i64::MIN }
    }

    /// The second that has been served last; `i64::MIN` before the first packet.
    pub fn now(&self) -> i64 {
        self.now
    }

    /// Sets the clock at the first packet.
    pub fn start(&mut self, now: i64) {
        self.now = now;
    }

    /// Puts a flow in for second `at`, or for the furthest the wheel reaches; returns the second it stands at.
    pub fn insert(&mut self, flow: FlowIndex, at: i64) -> u32 {
        let at = at.clamp(self.now + 1, self.now + SLOTS - 1);
        if let Some(slot) = self.slots.get_mut(at.rem_euclid(SLOTS) as usize) {
            slot.push(Entry { flow, at: at as u32 });
        }
        at as u32
    }

    /// Goes to the next second up to `to` that has entries, and takes them out into `due`. False when there is none.
    /// `due` is emptied first; its allocation goes back to the wheel, so that nothing is allocated in the long run.
    pub fn advance(&mut self, to: i64, due: &mut Vec<Entry>) -> bool {
        due.clear();
        // After a jump in time every slot is due once; walking the seconds between would take for ever.
        if to - self.now > SLOTS {
            self.now = to - SLOTS;
        }
        while self.now < to {
            self.now += 1;
            if let Some(slot) = self.slots.get_mut(self.now.rem_euclid(SLOTS) as usize)
                && !slot.is_empty()
            {
                std::mem::swap(slot, due);
                return true;
            }
        }
        false
    }
}

/// Seconds the wheel reaches; a longer timeout is looked at more than once.
const SLOTS: i64 = 4096;
