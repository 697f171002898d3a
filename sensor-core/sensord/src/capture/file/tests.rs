//! Captures built field by field, read back from real files.

mod any;
mod build;
mod compressed;
mod corpus;
mod pcap;
mod pcapng;
mod refused;

use std::io::Write;

use super::{CaptureError, CaptureReader, NoticeKind};
use crate::capture::{Batch, FrameMeta};

/// A frame as a test compares it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Frame {
    time: i64,
    data: Vec<u8>,
    wire: u32,
    link: u16,
}

/// All that a capture gave: the frames, then the error if there was one.
#[derive(Debug)]
struct Read {
    frames: Vec<Frame>,
    error: Option<CaptureError>,
    notices: Vec<(NoticeKind, u64)>,
    progress: (u64, u64),
    /// Most bytes that an arena ever had room for.
    room: usize,
}

impl Read {
    /// The error's text, without the path.
    fn error(&self) -> String {
        let text = self.error.as_ref().map(ToString::to_string).unwrap_or_default();
        text.split_once(": ").map(|(_, rest)| rest.to_owned()).unwrap_or_default()
    }

    fn data(&self) -> Vec<&[u8]> {
        self.frames.iter().map(|frame| frame.data.as_slice()).collect()
    }
}

/// Writes a capture to a file and reads it to its end.
fn read(bytes: &[u8]) -> Read {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    read_path(file.path())
}

fn read_path(path: &std::path::Path) -> Read {
    let (mut frames, mut room) = (Vec::new(), 0);
    let mut reader = match CaptureReader::open(path) {
        Ok(reader) => reader,
        Err(error) => return Read { frames, error: Some(error), notices: Vec::new(), progress: (0, 0), room },
    };
    let mut batch = Batch::default();
    let error = loop {
        match reader.fill(&mut batch) {
            Ok(true) => {
                assert!(!batch.frames.is_empty(), "a batch without frames is the end");
                frames.extend(batch.frames.iter().map(|meta| frame(&batch, meta)));
                room = room.max(batch.arena.capacity());
            }
            Ok(false) => break None,
            Err(error) => break Some(error),
        }
    };
    assert!(batch.frames.is_empty(), "no frames come with the end or an error");
    assert!(matches!(reader.fill(&mut batch), Ok(false)), "after the end or an error there is only the end");
    let notices = reader.notices().iter().map(|notice| (notice.kind, notice.count)).collect();
    Read { frames, error, notices, progress: reader.progress(), room }
}

fn frame(batch: &Batch, meta: &FrameMeta) -> Frame {
    let start = meta.offset as usize;
    let data = batch.arena[start..start + meta.captured as usize].to_vec();
    Frame { time: meta.time, data, wire: meta.wire, link: meta.link }
}
