//! How far a log is acknowledged, in a file of its own: `NJEVMARK`, log id (16 bytes), number of the last acknowledged
//! event (8, little-endian), CRC-32 of these (4).
//!
//! It is overwritten in place after each flush and not synced: after a crash of the process it is exact, after one of the
//! machine it may be older. So it is a lower bound, which keeps numbers from being given twice where the end of the log
//! was lost.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sensor_wire::event::LogId;

use super::{EventsError, failed, folder};

/// The file.
#[derive(Debug)]
pub(super) struct Mark {
    path: PathBuf,
    file: File,
}

/// What it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Marked {
    pub(super) log: LogId,
    pub(super) acknowledged: u64,
}

/// What stands in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing: the log is new.
    Nothing,
    /// How far the log went at least.
    Marked(Marked),
    /// Something else.
    Damaged,
}

impl Mark {
    /// Opens it, and reads it.
    pub(super) fn open(folder: &Path) -> Result<(Mark, Found), EventsError> {
        let path = folder.join("acknowledged");
        let mut file = folder::writing().open(&path).map_err(failed("opened", &path))?;
        let mut bytes = Vec::new();
        (&mut file).take(2 * SIZE).read_to_end(&mut bytes).map_err(failed("read", &path))?;
        Ok((Mark { path, file }, Marked::read(&bytes)))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// In one write, which a crash of the process leaves whole.
    pub(super) fn write(&mut self, marked: &Marked) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&marked.bytes())
    }

    /// Nothing else stands in it, and it is on the disk.
    pub(super) fn renew(&mut self, marked: &Marked) -> Result<(), EventsError> {
        let renew = |mark: &mut Mark| {
            mark.file.set_len(0)?;
            mark.write(marked)?;
            mark.file.sync_data()
        };
        renew(self).map_err(failed("written", &self.path))
    }
}

impl Marked {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(self.log.0);
        bytes.extend(self.acknowledged.to_le_bytes());
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        bytes
    }

    fn read(bytes: &[u8]) -> Found {
        if bytes.is_empty() {
            return Found::Nothing;
        }
        let parts = || {
            let (head, checksum) = bytes.split_last_chunk()?;
            let (log, rest) = head.strip_prefix(MAGIC)?.split_first_chunk()?;
            let acknowledged = u64::from_le_bytes(rest.try_into().ok()?);
            let is_right = crc32fast::hash(head).to_le_bytes() == *checksum;
            is_right.then_some(Marked { log: LogId(*log), acknowledged })
        };
        parts().map_or(Found::Damaged, Found::Marked)
    }
}

const MAGIC: &[u8] = b"NJEVMARK";

/// Bytes of the file.
const SIZE: u64 = 36;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_marked_is_found_and_nothing_else() {
        let marked = Marked { log: LogId([3; 16]), acknowledged: 70_000 };
        let bytes = marked.bytes();
        assert_eq!(bytes.len() as u64, SIZE);
        assert_eq!(Marked::read(&bytes), Found::Marked(marked));
        assert_eq!(Marked::read(&[]), Found::Nothing);
        assert_eq!(Marked::read(&[&bytes[..], &[0]].concat()), Found::Damaged);
        for at in 0..bytes.len() {
            let mut wrong = bytes.clone();
            wrong[at] ^= 1;
            assert_eq!(Marked::read(&wrong), Found::Damaged, "byte {at}");
            assert_eq!(Marked::read(&bytes[..at]), if at == 0 { Found::Nothing } else { Found::Damaged });
        }
    }
}
