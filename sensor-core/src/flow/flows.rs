//! Where the flows of a table lie: in slabs, so that growing moves none of them.

use super::{Flow, FlowIndex};

/// Flows by their index. One `Vec` would copy all of them whenever it grows, which takes long at a million flows and, on
/// the way, twice the memory.
#[derive(Debug, Default)]
pub struct Flows {
    /// All full but the last.
    slabs: Vec<Vec<Flow>>,
}

impl Flows {
    /// Places that were ever taken: one more than the highest index.
    pub fn len(&self) -> usize {
        self.slabs.last().map_or(0, |last| (self.slabs.len() - 1) * SLAB + last.len())
    }

    /// A flow.
    #[inline]
    pub fn get(&self, index: FlowIndex) -> Option<&Flow> {
        self.slabs.get(index as usize / SLAB)?.get(index as usize % SLAB)
    }

    /// A flow, to change it.
    #[inline]
    pub fn get_mut(&mut self, index: FlowIndex) -> Option<&mut Flow> {
        self.slabs.get_mut(index as usize / SLAB)?.get_mut(index as usize % SLAB)
    }

    /// Puts a flow at the next index, [`Flows::len`].
    pub fn push(&mut self, flow: Flow) {
        if self.slabs.last().is_none_or(|last| last.len() == SLAB) {
            self.slabs.push(Vec::with_capacity(SLAB));
        }
        if let Some(last) = self.slabs.last_mut() {
            last.push(flow);
        }
    }

    /// All flows in the order of their indices.
    pub fn iter(&self) -> impl Iterator<Item = (FlowIndex, &Flow)> {
        (0..).zip(self.slabs.iter().flatten())
    }

    /// All flows, to change them.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (FlowIndex, &mut Flow)> {
        (0..).zip(self.slabs.iter_mut().flatten())
    }
}

/// Flows a slab; a power of two, so that the division is a shift. 768 KiB: few slabs, and little that is not used.
const SLAB: usize = 4096;
