//! zstd, with as many frames as there are. <https://www.rfc-editor.org/rfc/rfc8878>

use std::fmt;
use std::io::Read;

use ruzstd::decoding::errors::FrameDecoderError;
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::input::{InputErrorKind, Stored};

/// Decompresses block by block; holds the window the frame asks for, [`MAX_WINDOW`] bytes at most.
pub(super) struct Zstd {
    decoder: FrameDecoder,
    state: State,
    /// Bytes of the frame's checksum.
    checksum: usize,
}

impl Default for Zstd {
    fn default() -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(MAX_WINDOW);
        Zstd { decoder, state: State::Between, checksum: 0 }
    }
}

impl fmt::Debug for Zstd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Zstd").field("state", &self.state).finish_non_exhaustive()
    }
}

impl Zstd {
    /// A file that begins so is zstd: with a frame, or with one to be skipped.
    pub(super) fn is(magic: &[u8]) -> bool {
        magic.first_chunk().is_some_and(|&m| {
            let m = u32::from_le_bytes(m);
            m == FRAME || skippable(m)
        })
    }

    /// Appends up to `most` bytes. `Ok(false)` at the end of the last frame. On an error what could be decompressed
    /// before it was appended.
    pub(super) fn append(
        &mut self,
        stored: &mut Stored,
        arena: &mut Vec<u8>,
        most: usize,
    ) -> Result<bool, InputErrorKind> {
        if self.collect(arena, most)? {
            return Ok(true);
        }
        match &mut self.state {
            State::Broken(cause) => Err(InputErrorKind::Damaged(format!("zstd: {cause}"))),
            State::Skip(left) => {
                let ahead = stored.at_least(1).map_err(InputErrorKind::Io)?.len();
                if ahead == 0 && *left > 0 {
                    return self.broken("truncated inside a frame to be skipped");
                }
                let now = ahead.min(*left as usize);
                *left -= now as u32;
                if *left == 0 {
                    self.state = State::Between;
                }
                stored.take(now);
                Ok(true)
            }
            State::Between => self.start(stored),
            State::Inside => self.block(stored),
        }
    }

    /// Moves decompressed bytes that the decoder needs no more. False if there are none.
    fn collect(&mut self, arena: &mut Vec<u8>, most: usize) -> Result<bool, InputErrorKind> {
        let ready = self.decoder.can_collect().min(most);
        if ready == 0 {
            return Ok(false);
        }
        let length = arena.len();
        arena.resize(length + ready, 0);
        let got = self.decoder.read(arena.get_mut(length..).unwrap_or_default()).map_err(InputErrorKind::Io)?;
        arena.truncate(length + got);
        if self.decoder.can_collect() == 0 && matches!(self.state, State::Between) {
            self.verify()?;
        }
        Ok(true)
    }

    /// The next frame's header, or the end.
    fn start(&mut self, stored: &mut Stored) -> Result<bool, InputErrorKind> {
        let ahead = stored.at_least(FRAME_HEADER).map_err(InputErrorKind::Io)?;
        if ahead.is_empty() {
            return Ok(false);
        }
        let (magic, next) = match ahead {
            &[a, b, c, d, ref rest @ ..] => (u32::from_le_bytes([a, b, c, d]), rest),
            _ => return self.broken("truncated inside a frame's header"),
        };
        if skippable(magic) {
            let Some(&length) = next.first_chunk() else {
                return self.broken("truncated inside a frame's header");
            };
            self.state = State::Skip(u32::from_le_bytes(length));
            stored.take(8);
            return Ok(true);
        }
        if magic != FRAME {
            return self.broken("bytes after the last frame that belong to nothing");
        }
        self.checksum = if next.first().is_some_and(|descriptor| descriptor & 4 != 0) { 4 } else { 0 };
        let mut source = ahead;
        match self.decoder.reset(&mut source) {
            Ok(()) => {
                let used = ahead.len() - source.len();
                stored.take(used);
                self.state = State::Inside;
                Ok(true)
            }
            Err(FrameDecoderError::WindowSizeTooBig { requested, .. }) => self
                .broken(&format!("a window of {requested} bytes is asked for, the most that is given is {MAX_WINDOW}")),
            Err(FrameDecoderError::DictNotProvided { dict_id }) => {
                self.broken(&format!("compressed with dictionary {dict_id}, which isn't here"))
            }
            Err(error) => self.broken(&format!("frame header: {error}")),
        }
    }

    /// One block of at most 128 KiB.
    fn block(&mut self, stored: &mut Stored) -> Result<bool, InputErrorKind> {
        let ahead = stored.at_least(BLOCK_HEADER + MAX_BLOCK + 4).map_err(InputErrorKind::Io)?;
        let Some((&[a, b, c], body)) = ahead.split_first_chunk::<BLOCK_HEADER>() else {
            return self.abandon("truncated inside a frame", None);
        };
        let header = u32::from_le_bytes([a, b, c, 0]);
        let (last, kind, size) = (header & 1 == 1, header >> 1 & 3, (header >> 3) as usize);
        let stored_size = if kind == RUN { 1 } else { size };
        let trailer = if last { self.checksum } else { 0 };
        if body.len() < stored_size {
            return self.abandon("truncated inside a block", None);
        }
        if body.len() < stored_size + trailer {
            let mut whole = ahead.to_vec();
            whole.resize(BLOCK_HEADER + stored_size + trailer, 0);
            return self.abandon("truncated inside a frame's checksum", Some(&whole));
        }
        let mut source = ahead;
        match self.decoder.decode_blocks(&mut source, BlockDecodingStrategy::UptoBlocks(1)) {
            Ok(finished) => {
                let used = ahead.len() - source.len();
                stored.take(used);
                if finished {
                    self.state = State::Between;
                    if self.decoder.can_collect() == 0 {
                        self.verify()?;
                    }
                }
                Ok(true)
            }
            Err(error) => self.abandon(&format!("damaged block: {error}"), None),
        }
    }

    /// Compares the checksums of a frame whose bytes were all collected.
    fn verify(&mut self) -> Result<(), InputErrorKind> {
        let said = self.decoder.get_checksum_from_data();
        if self.checksum > 0 && said.is_some() && said != self.decoder.get_calculated_checksum() {
            return self.broken("a frame's checksum is wrong").map(|_| ());
        }
        Ok(())
    }

    /// Ends a frame that goes on no more, so that the decoder hands out what it holds back as its window; the error
    /// comes after that.
    fn abandon(&mut self, cause: &str, last_block: Option<&[u8]>) -> Result<bool, InputErrorKind> {
        let mut source = last_block.unwrap_or(EMPTY_LAST_BLOCK);
        let ended = self.decoder.decode_blocks(&mut source, BlockDecodingStrategy::UptoBlocks(1));
        self.state = State::Broken(cause.to_owned());
        match ended {
            Ok(_) => Ok(true),
            Err(_) => self.broken(cause),
        }
    }

    fn broken(&mut self, cause: &str) -> Result<bool, InputErrorKind> {
        self.state = State::Broken(cause.to_owned());
        Err(InputErrorKind::Damaged(format!("zstd: {cause}")))
    }
}

#[derive(Debug)]
enum State {
    /// Before a frame, where the file may end.
    Between,
    /// In a frame that has no content.
    Skip(u32),
    /// In a frame.
    Inside,
    /// Nothing more comes, and why.
    Broken(String),
}

fn skippable(magic: u32) -> bool {
    magic & 0xffff_fff0 == SKIPPABLE
}

/// Largest window, which is what `zstd --ultra -22` asks for and zstd itself allows unasked.
const MAX_WINDOW: u64 = 128 << 20;

const FRAME: u32 = 0xfd2f_b528;
/// With any low four bits.
const SKIPPABLE: u32 = 0x184d_2a50;
/// Longest header of a frame.
const FRAME_HEADER: usize = 18;
const BLOCK_HEADER: usize = 3;
const MAX_BLOCK: usize = 128 << 10;
/// Type of a block that is one byte repeated.
const RUN: u32 = 1;
/// A last block, raw, of no bytes, and room for a checksum.
const EMPTY_LAST_BLOCK: &[u8] = &[1, 0, 0, 0, 0, 0, 0];
