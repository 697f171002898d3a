//! Where packets come from: recycled batches of frames.

pub mod file;
pub mod live;

/// A run of frames, read into one byte arena. Recycled: reading allocates only until the arena has its size.
#[derive(Debug, Default)]
pub struct Batch {
    /// Raw bytes; frames lie in it in the order they were captured, not necessarily back to back.
    pub arena: Vec<u8>,
    /// The frames.
    pub frames: Vec<FrameMeta>,
}

impl Batch {
    /// Empties the batch and keeps its allocations.
    pub fn clear(&mut self) {
        self.arena.clear();
        self.frames.clear();
    }
}

/// Where a frame lies in its batch, and what the capture says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameMeta {
    /// Nanoseconds since 1970, UTC.
    pub time: i64,
    /// Offset of the first byte in [`Batch::arena`].
    pub offset: u32,
    /// Bytes captured.
    pub captured: u32,
    /// Bytes on the wire; at least `captured`.
    pub wire: u32,
    /// Link type of the interface: <https://www.tcpdump.org/linktypes.html>.
    pub link: u16,
}
