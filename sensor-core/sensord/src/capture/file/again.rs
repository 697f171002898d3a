//! A capture that is read once more, by a sensor that can open no file any more.

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::input::Input;
use super::{CaptureError, CaptureReader};

/// An open capture file with a place of its own in it, apart from the one that reads it first.
#[derive(Debug)]
pub struct Again {
    path: PathBuf,
    file: File,
}

impl Again {
    /// Opens it; `None` of what is no file and gives its bytes once: a pipe, which may not even be opened twice.
    ///
    /// # Errors
    /// It can't be opened.
    pub fn open(path: &Path) -> std::io::Result<Option<Again>> {
        if !std::fs::metadata(path)?.is_file() {
            return Ok(None);
        }
        Ok(Some(Again { path: path.to_owned(), file: File::open(path)? }))
    }

    /// Reads it from its start. Two readers at a time would disturb each other: they share their place in the file.
    ///
    /// # Errors
    /// As [`CaptureReader::open`].
    pub fn reader(&self) -> Result<CaptureReader, CaptureError> {
        let open = |source| CaptureError::Open { path: self.path.clone(), source };
        let mut file = self.file.try_clone().map_err(open)?;
        file.seek(SeekFrom::Start(0)).map_err(open)?;
        CaptureReader::of(Input::of(file, &self.path)?, &self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Batch;

    fn frames(mut reader: CaptureReader) -> usize {
        let (mut batch, mut frames) = (Batch::default(), 0);
        while reader.fill(&mut batch).unwrap() {
            frames += batch.frames.len();
        }
        frames
    }

    #[test]
    fn a_capture_is_read_again_while_the_first_reader_is_under_way_and_after_it_is_gone_from_the_folder() {
        let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/sample.pcap");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.pcap");
        std::fs::copy(sample, &path).unwrap();
        let first = CaptureReader::open(&path).unwrap();
        let again = Again::open(&path).unwrap().unwrap();
        std::fs::remove_file(&path).unwrap();
        let wanted = frames(again.reader().unwrap());
        assert!(wanted > 100, "{wanted} frames");
        assert_eq!(frames(again.reader().unwrap()), wanted);
        assert_eq!(frames(first), wanted);
    }

    #[cfg(unix)]
    #[test]
    fn what_gives_its_bytes_once_is_not_read_again() {
        // Opening a pipe that nobody writes to would wait for ever.
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        assert!(Again::open(&pipe).unwrap().is_none());
        assert!(Again::open(folder.path()).unwrap().is_none());
        assert!(Again::open(&folder.path().join("gone")).is_err());
    }
}
