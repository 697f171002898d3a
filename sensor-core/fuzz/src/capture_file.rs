//! Any bytes as a capture file: pcap, pcapng, gzip, zstd.

use std::path::Path;

use sensord::capture::Batch;
use sensord::capture::file::{CaptureReader, MAX_CAPTURED};

/// Frames lie in their batch, and reading ends with at most one error. `path` is a file that may be written over.
pub fn run(data: &[u8], path: &Path) {
    if std::fs::write(path, data).is_err() {
        return;
    }
    let Ok(mut reader) = CaptureReader::open(path) else { return };
    let mut batch = Batch::default();
    // What decompresses to more than this is left there.
    for _ in 0..64 {
        match reader.fill(&mut batch) {
            Ok(true) => assert!(!batch.frames.is_empty()),
            Ok(false) => {
                assert!(batch.frames.is_empty());
                break;
            }
            Err(_) => {
                assert!(matches!(reader.fill(&mut batch), Ok(false)), "an error is the last that is said");
                break;
            }
        }
        let mut end = 0;
        for frame in &batch.frames {
            assert!(frame.offset as usize >= end && frame.captured <= frame.wire.max(frame.captured));
            assert!(frame.captured <= MAX_CAPTURED && frame.captured <= frame.wire);
            end = frame.offset as usize + frame.captured as usize;
        }
        assert!(end <= batch.arena.len() && batch.arena.capacity() <= 4 << 20, "{}", batch.arena.capacity());
        let (consumed, size) = reader.progress();
        assert!(consumed <= size);
    }
    assert!(reader.notices().len() <= 64);
}
