//! Capture files as a source: pcap and pcapng, plain, gzip or zstd.
//!
//! Bytes are read in large pieces straight into the arena of a batch and framed where they lie; only the partial record
//! at the end of a piece is copied, into the start of the next batch. What a file says of itself is never trusted for
//! memory: a record is at most [`MAX_CAPTURED`] bytes, a block that has to be held at most [`MAX_BLOCK`].

#![deny(clippy::indexing_slicing)]

mod again;
mod error;
mod gzip;
mod input;
mod notice;
mod pcap;
mod pcapng;
mod refuse;
mod zstd;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

pub use again::Again;
pub use error::{CaptureError, Place};
pub use notice::{Notice, NoticeKind};

use super::{Batch, FrameMeta};
use input::{Input, InputError};
use notice::Notices;

/// Most bytes captured of one frame. It is what libpcap holds to for network link types (`MAXIMUM_SNAPLEN`), so a larger
/// record was written by no capture tool: its length field is damaged.
pub const MAX_CAPTURED: u32 = 256 << 10;

/// Longest pcapng block that is held as a whole: a frame of [`MAX_CAPTURED`] bytes and eleven options of full length.
/// Blocks that are passed over may have any length.
pub const MAX_BLOCK: u32 = 1 << 20;

/// Bytes a batch is filled to. Such a piece stays in a core's second-level cache while it is framed.
const PIECE: usize = 256 << 10;

/// A capture file that is read batch by batch.
#[derive(Debug)]
pub struct CaptureReader {
    path: PathBuf,
    input: Input,
    format: Format,
    notices: Notices,
    /// Bytes read and not framed yet; they go in front of the next batch.
    carry: Vec<u8>,
    /// Where in the (decompressed) stream `carry` begins.
    position: u64,
    /// What the next call of [`CaptureReader::fill`] has to say.
    failed: Option<CaptureError>,
    ended: bool,
}

impl CaptureReader {
    /// Opens a capture and reads only enough of it to know the format.
    ///
    /// # Errors
    /// The file can't be opened or read, or it is no capture; the error then names what it is where that is known.
    pub fn open(path: &Path) -> Result<Self, CaptureError> {
        CaptureReader::of(Input::open(path)?, path)
    }

    fn of(mut input: Input, path: &Path) -> Result<Self, CaptureError> {
        let mut head = Vec::new();
        // Damage right after the first bytes shows again when those are used up.
        if let Err(error) = input.fill(&mut head, pcap::HEAD)
            && head.is_empty()
        {
            return Err(error.at(path));
        }
        let refused = |cause| CaptureError::Refused { path: path.to_owned(), place: input.place(0), cause };
        let mut notices = Notices::default();
        let (format, used) = if let Some(magic) = pcap::Magic::of(&head) {
            (Format::Pcap(pcap::Framer::new(magic, &head, &mut notices).map_err(refused)?), pcap::HEAD)
        } else if pcapng::is(&head) {
            pcapng::check(&head).map_err(refused)?;
            (Format::Pcapng(pcapng::Framer::default()), 0)
        } else {
            return Err(refused(refuse::name(&head, path)));
        };
        let carry = head.get(used..).unwrap_or_default().to_vec();
        let position = used as u64;
        Ok(CaptureReader { path: path.to_owned(), input, format, notices, carry, position, failed: None, ended: false })
    }

    /// Fills a batch with up to about 256 KiB of frames, at least one if any is left. `Ok(false)`: the end was reached
    /// and the batch is empty.
    ///
    /// # Errors
    /// Damage and failing reads. All whole frames before it are returned first, then the error once, then `Ok(false)`.
    pub fn fill(&mut self, batch: &mut Batch) -> Result<bool, CaptureError> {
        batch.clear();
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        if self.ended {
            return Ok(false);
        }
        batch.arena.extend_from_slice(&self.carry);
        self.carry.clear();
        let mut want = PIECE;
        loop {
            let read = self.input.fill(&mut batch.arena, want);
            let Framed { used, stop } =
                self.format.frame(&batch.arena, self.position, &mut batch.frames, &mut self.notices);
            let rest = batch.arena.get(used..).unwrap_or_default();
            self.position += used as u64;
            // What stops the reading for good, if anything does: damage, a failing read, or the end.
            let end = match (stop, read) {
                (Stop::Damage { before, cause }, _) => Some(Err(self.damaged(before, cause))),
                (Stop::Need(_), Err(error)) => Some(Err(error.at(&self.path))),
                (Stop::Need(_), Ok(false)) => Some(match self.format.unfinished(rest) {
                    Some(Stop::Damage { before, cause }) => Err(self.damaged(before, cause)),
                    Some(Stop::Need(_)) | None => Ok(false),
                }),
                (Stop::Need(needed), Ok(true)) => {
                    want = PIECE.max(needed);
                    None
                }
            };
            if let Some(end) = end {
                self.ended = true;
                if batch.frames.is_empty() {
                    return end;
                }
                self.failed = end.err();
                return Ok(true);
            }
            if !batch.frames.is_empty() {
                self.carry.extend_from_slice(rest);
                return Ok(true);
            }
            // Nothing but blocks to pass over so far: their room is free again.
            batch.arena.drain(..used);
        }
    }

    /// Bytes of the file as stored that were consumed, and its size (0 where it has none, as a pipe).
    pub fn progress(&self) -> (u64, u64) {
        (self.input.consumed(), self.input.size())
    }

    /// What was odd and did not stop the reading: at most one entry a kind, with a count.
    pub fn notices(&self) -> &[Notice] {
        self.notices.all()
    }

    /// What the file is, for people: `pcap`, `pcapng`, with the compression.
    pub fn format(&self) -> String {
        let format = match &self.format {
            Format::Pcap(_) => "pcap",
            Format::Pcapng(_) => "pcapng",
        };
        format!("{format}{}", self.input.compression())
    }

    /// Damage in the record that starts `before` bytes before the position.
    fn damaged(&self, before: u64, cause: String) -> CaptureError {
        let place = self.input.place(self.position.saturating_sub(before));
        CaptureError::Damaged { path: self.path.clone(), place, cause }
    }
}

#[derive(Debug)]
enum Format {
    Pcap(pcap::Framer),
    Pcapng(pcapng::Framer),
}

impl Format {
    /// Frames what lies whole in `arena`, whose first byte is at `position` of the stream.
    fn frame(&mut self, arena: &[u8], position: u64, frames: &mut Vec<FrameMeta>, notices: &mut Notices) -> Framed {
        match self {
            Format::Pcap(framer) => framer.frame(arena, position, frames, notices),
            Format::Pcapng(framer) => framer.frame(arena, position, frames, notices),
        }
    }

    /// Why the stream may not end here, with `rest` left over.
    fn unfinished(&self, rest: &[u8]) -> Option<Stop> {
        match self {
            Format::Pcap(framer) => framer.unfinished(rest),
            Format::Pcapng(framer) => framer.unfinished(rest),
        }
    }
}

/// How far framing came.
struct Framed {
    /// Bytes of the arena that are done with.
    used: usize,
    stop: Stop,
}

/// Why framing stopped.
enum Stop {
    /// The next record needs so many bytes in all.
    Need(usize),
    /// The record that starts so many bytes before the end of what was used can't be right.
    Damage { before: u64, cause: String },
}

impl InputError {
    fn at(self, path: &Path) -> CaptureError {
        let (path, place) = (path.to_owned(), Place::File(self.offset));
        match self.kind {
            input::InputErrorKind::Io(source) => CaptureError::Read { path, place, source },
            input::InputErrorKind::Damaged(cause) => CaptureError::Damaged { path, place, cause },
        }
    }
}
