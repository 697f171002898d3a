//! The bytes of a capture, decompressed where they are compressed. The magic bytes decide, never the file's name.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::error::{CaptureError, Place};
use super::gzip::Gzip;
use super::zstd::Zstd;

/// A file, and how it is compressed.
#[derive(Debug)]
pub(super) struct Input {
    stored: Stored,
    codec: Codec,
}

/// Reading failed.
#[derive(Debug)]
pub(super) struct InputError {
    /// Offset in the file as stored.
    pub(super) offset: u64,
    pub(super) kind: InputErrorKind,
}

#[derive(Debug)]
pub(super) enum InputErrorKind {
    Io(io::Error),
    Damaged(String),
}

impl Input {
    pub(super) fn open(path: &Path) -> Result<Input, CaptureError> {
        let failed = |source| CaptureError::Open { path: path.to_owned(), source };
        // Asked first: some systems open directories, others call it a lack of permission.
        if path.is_dir() {
            return Err(failed(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory")));
        }
        Input::of(File::open(path).map_err(failed)?, path)
    }

    /// Of an open file, from where it stands.
    pub(super) fn of(file: File, path: &Path) -> Result<Input, CaptureError> {
        let failed = |source| CaptureError::Open { path: path.to_owned(), source };
        let meta = file.metadata().map_err(failed)?;
        let size = if meta.is_file() { meta.len() } else { 0 };
        let mut stored = Stored { file, size, buffer: Vec::new(), taken: 0, read: 0 };
        let magic = stored.at_least(MAGIC).map_err(|source| CaptureError::Read {
            path: path.to_owned(),
            place: Place::File(0),
            source,
        })?;
        let codec = if magic.starts_with(&[0x1f, 0x8b]) {
            Codec::Gzip(Box::default())
        } else if Zstd::is(magic) {
            Codec::Zstd(Box::default())
        } else {
            Codec::Plain
        };
        Ok(Input { stored, codec })
    }

    /// Appends to `arena` until it has `want` bytes (or somewhat more, within its capacity). `Ok(false)`: the end came
    /// first. On an error everything before it was appended.
    pub(super) fn fill(&mut self, arena: &mut Vec<u8>, want: usize) -> Result<bool, InputError> {
        arena.reserve_exact(want.saturating_sub(arena.len()));
        while arena.len() < want {
            let before = arena.len();
            let open = match &mut self.codec {
                Codec::Plain => self.stored.append(arena, want - before).map_err(InputErrorKind::Io),
                Codec::Gzip(gzip) => gzip.append(&mut self.stored, arena),
                Codec::Zstd(zstd) => zstd.append(&mut self.stored, arena, want - before),
            };
            match open {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(kind) => return Err(InputError { offset: self.stored.taken, kind }),
            }
        }
        Ok(true)
    }

    pub(super) fn consumed(&self) -> u64 {
        self.stored.taken
    }

    pub(super) fn size(&self) -> u64 {
        self.stored.size
    }

    /// An offset of the stream that [`Input::fill`] gives.
    pub(super) fn place(&self, offset: u64) -> Place {
        match self.codec {
            Codec::Plain => Place::File(offset),
            Codec::Gzip(_) | Codec::Zstd(_) => Place::Decompressed(offset),
        }
    }

    /// For people, behind the name of the format.
    pub(super) fn compression(&self) -> &'static str {
        match self.codec {
            Codec::Plain => "",
            Codec::Gzip(_) => ", gzip",
            Codec::Zstd(_) => ", zstd",
        }
    }
}

/// Longest magic of a compressed file.
const MAGIC: usize = 4;

#[derive(Debug)]
enum Codec {
    Plain,
    Gzip(Box<Gzip>),
    Zstd(Box<Zstd>),
}

/// The file as stored, with a look-ahead that decoders ask for.
#[derive(Debug)]
pub(super) struct Stored {
    file: File,
    size: u64,
    /// Bytes read from the file; those before `read` are used up.
    buffer: Vec<u8>,
    read: usize,
    /// Bytes of the file that were used up.
    taken: u64,
}

impl Stored {
    /// What lies ahead: at least `wanted` bytes unless the file ends first. `wanted` bounds the memory.
    pub(super) fn at_least(&mut self, wanted: usize) -> io::Result<&[u8]> {
        if self.buffer.len() - self.read < wanted {
            self.buffer.drain(..self.read);
            self.read = 0;
            let target = wanted.max(if self.taken == 0 { 0 } else { AHEAD });
            let Stored { file, buffer, .. } = self;
            file.take(target.saturating_sub(buffer.len()) as u64).read_to_end(buffer)?;
        }
        Ok(self.buffer.get(self.read..).unwrap_or_default())
    }

    /// Marks bytes of [`Stored::at_least`] as used up.
    pub(super) fn take(&mut self, bytes: usize) {
        self.read = self.buffer.len().min(self.read + bytes);
        self.taken += bytes as u64;
    }

    /// Moves up to `most` bytes to `arena` as they are. `Ok(false)` at the end of the file.
    fn append(&mut self, arena: &mut Vec<u8>, most: usize) -> io::Result<bool> {
        let ahead = self.buffer.get(self.read..).unwrap_or_default();
        if !ahead.is_empty() {
            let (now, _) = ahead.split_at(ahead.len().min(most));
            arena.extend_from_slice(now);
            self.take(now.len());
            return Ok(true);
        }
        // `read_to_end` on a part takes care of interruptions and leaves no byte to be zeroed first.
        let got = (&self.file).take(most as u64).read_to_end(arena)?;
        self.taken += got as u64;
        Ok(got == most)
    }
}

/// Bytes of a compressed file that are read at once.
const AHEAD: usize = 128 << 10;
