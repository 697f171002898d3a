//! gzip, with as many members as there are. <https://www.rfc-editor.org/rfc/rfc1952>

use flate2::{Decompress, FlushDecompress, Status};

use super::input::{InputErrorKind, Stored};

/// Decompresses into the caller's memory; holds a window of 32 KiB.
#[derive(Debug)]
pub(super) struct Gzip {
    inflate: Decompress,
    /// Between members, the file may end.
    between: bool,
}

impl Default for Gzip {
    fn default() -> Self {
        Gzip { inflate: Decompress::new_gzip(WINDOW_BITS), between: true }
    }
}

impl Gzip {
    /// Appends what fits in the spare capacity of `arena`. `Ok(false)` at the end of the last member. On an error what
    /// could be decompressed before it was appended.
    pub(super) fn append(&mut self, stored: &mut Stored, arena: &mut Vec<u8>) -> Result<bool, InputErrorKind> {
        let ahead = stored.at_least(if self.between { 2 } else { 1 }).map_err(InputErrorKind::Io)?;
        if self.between {
            match ahead {
                [] => return Ok(false),
                [0x1f, 0x8b, ..] => self.between = false,
                // Padding up to a block of a tape or disk, as gzip itself allows.
                [0, ..] => {
                    let zeros = ahead.iter().take_while(|&&byte| byte == 0).count();
                    stored.take(zeros);
                    return Ok(true);
                }
                _ => {
                    return Err(InputErrorKind::Damaged(
                        "gzip: bytes after the last member that belong to nothing".into(),
                    ));
                }
            }
        }
        if ahead.is_empty() {
            return Err(InputErrorKind::Damaged("gzip: truncated inside a member".into()));
        }
        let (taken_before, length_before) = (self.inflate.total_in(), arena.len());
        let result = self.inflate.decompress_vec(ahead, arena, FlushDecompress::None);
        let taken = (self.inflate.total_in() - taken_before) as usize;
        stored.take(taken);
        match result {
            Ok(Status::StreamEnd) => {
                // For a gzip decoder `true` keeps it one.
                self.inflate.reset(true);
                self.between = true;
                Ok(true)
            }
            Ok(Status::Ok | Status::BufError) if taken > 0 || arena.len() > length_before => Ok(true),
            Ok(Status::Ok | Status::BufError) => Err(InputErrorKind::Damaged("gzip: the decoder is stuck".into())),
            Err(error) => {
                let cause = error.message().unwrap_or("not deflated data").to_owned();
                Err(InputErrorKind::Damaged(format!("gzip: {cause}")))
            }
        }
    }
}

/// The largest window of the format, 32 KiB.
const WINDOW_BITS: u8 = 15;
