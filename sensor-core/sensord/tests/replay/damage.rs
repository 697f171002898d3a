//! Damaged captures, and files that are none: never a signal, a word that names file, place and cause, all whole packets
//! before the damage, EVE lines that are valid to the last.

use std::io::{Read, Write};
use std::path::Path;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use super::{Replay, in_repository, replay, replay_within};

#[test]
fn the_corpus_of_damaged_and_odd_files_is_read_or_refused() {
    let corpus = in_repository("../shared/corpus");
    let Ok(manifest) = std::fs::read_to_string(corpus.join("MANIFEST.tsv")) else {
        eprintln!("skipped: no corpus beside the repository");
        return;
    };
    let (mut read, mut refused) = (0, 0);
    for line in manifest.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        let (name, packets) = (fields[0], fields[5].parse::<u64>());
        if !name.starts_with("pcap/corrupt/") && !name.starts_with("pcap/format/") {
            continue;
        }
        let path = corpus.join(name);
        let replay = replay(&path);
        assert_sound(&path, &replay);
        match replay.code {
            Some(0) => read += 1,
            _ => refused += 1,
        }
        // Where another program could count the packets, there is nothing to refuse and the count is the same.
        if let Ok(packets) = packets {
            assert_eq!((replay.code, replay.counts.unwrap().0), (Some(0), packets), "{name}: {}", replay.said);
        }
    }
    assert!(read >= 30 && refused >= 3, "{read} read, {refused} refused");
}

/// Cut where a header, a record's header or its data is open, and cut between records, which is no damage.
#[test]
fn a_cut_capture_gives_the_whole_packets_before_the_cut() {
    let sample = sample();
    let third = ends(&sample)[2];
    for cut in [1, 23, 24 + 15, third - 1, third, third + 1, third + 16, sample.len() / 2, sample.len() - 1] {
        let whole = packets_in(&sample[..cut]);
        let replay = replay_bytes("cut.pcap", &sample[..cut], |path, replay| {
            assert_sound(path, replay);
        });
        let clean = ends(&sample).contains(&cut);
        assert_eq!(replay.code, Some(if clean { 0 } else { 2 }), "cut at {cut}: {}", replay.said);
        assert_eq!(replay.counts.unwrap().0, whole, "cut at {cut}");
    }
}

#[test]
fn a_record_of_absurd_length_ends_the_capture_and_takes_no_memory() {
    let mut sample = sample();
    let at = ends(&sample)[999];
    sample[at + 8..at + 12].copy_from_slice(&u32::MAX.to_le_bytes());
    let replay = replay_bytes("absurd.pcap", &sample, assert_sound);
    assert_eq!((replay.code, replay.counts.unwrap().0), (Some(2), 1000), "{}", replay.said);
    assert!(replay.said.contains(&format!("damaged at byte {at} of the file")), "{}", replay.said);
}

#[test]
fn a_cut_gzip_gives_the_whole_packets_that_another_reader_finds() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&sample()).unwrap();
    let stored = encoder.finish().unwrap();
    for cut in [stored.len() / 3, stored.len() - 9, stored.len() - 1] {
        let stored = &stored[..cut];
        let mut plain = Vec::new();
        GzDecoder::new(stored).read_to_end(&mut plain).unwrap_err();
        let whole = packets_in(&plain);
        assert!(whole > 500);
        let replay = replay_bytes("cut.pcap.gz", stored, assert_sound);
        assert_eq!((replay.code, replay.counts.unwrap().0), (Some(2), whole), "cut at {cut}: {}", replay.said);
        assert!(replay.said.contains(&format!("damaged at byte {cut} of the file: gzip")), "{}", replay.said);
    }
}

/// Several frames, so that it is known what lies whole before the cut whatever the blocks of a frame are.
#[test]
fn a_cut_zstd_gives_the_whole_packets_of_the_frames_before_the_cut() {
    let sample = sample();
    let frames: Vec<_> =
        sample.chunks(100_000).map(|piece| compress_to_vec(piece, CompressionLevel::Fastest)).collect();
    assert_eq!(frames.len(), 8);
    let before: usize = frames[..5].iter().map(Vec::len).sum();
    // In the middle of the sixth frame's header no block of it is whole.
    let cut = before + 5;
    let replay = replay_bytes("cut.pcap.zst", &frames.concat()[..cut], assert_sound);
    assert_eq!(replay.code, Some(2), "{}", replay.said);
    assert_eq!(replay.counts.unwrap().0, packets_in(&sample[..500_000]));
    assert!(replay.said.contains("of the file: zstd"), "{}", replay.said);
}

#[test]
fn a_file_that_is_missing_is_named() {
    let path = Path::new("no/such/capture.pcap");
    let replay = replay(path);
    assert_eq!(replay.code, Some(2));
    assert!(replay.said.contains("no/such/capture.pcap: cannot be opened: "), "{}", replay.said);
}

/// The other tests rest on it.
#[cfg(target_os = "linux")]
#[test]
fn the_limit_of_memory_holds() {
    let replay = replay_within(&in_repository("tests/data/sample.pcap"), &[], 4 << 10);
    assert!(!matches!(replay.code, Some(0 | 2)), "{:?}", replay.code);
}

/// What holds for every file, whatever is in it.
fn assert_sound(path: &Path, replay: &Replay) {
    let (name, said) = (path.display(), &replay.said);
    let (packets, flows) = replay.counts.unwrap_or_else(|| panic!("{name}: no report: {said}"));
    match replay.code {
        Some(0) => assert!(!said.contains("sensord: "), "{name}: {said}"),
        Some(2) => {
            let error = said.lines().last().unwrap_or_default();
            let rest = error.strip_prefix(&format!("sensord: {name}: ")).unwrap_or_else(|| panic!("{name}: {said}"));
            let place = rest.split_once("byte ").map(|(_, place)| place.split(' ').next().unwrap_or_default());
            assert!(place.is_some_and(|place| place.parse::<u64>().is_ok()), "{name}: no offset: {error}");
            assert!(rest.split_whitespace().count() >= 8, "{name}: no cause: {error}");
        }
        code => panic!("{name}: exit {code:?}: {said}"),
    }
    assert_eq!(replay.events.len() as u64, flows, "{name}: one event a flow");
    let mut counted = 0;
    for event in &replay.events {
        for key in ["timestamp", "src_ip", "dest_ip", "proto", "community_id"] {
            assert!(event[key].is_string(), "{name}: {key} of {event}");
        }
        assert!(event["event_type"] == "flow" && event["flow_id"].as_i64().is_some_and(|id| id >= 0), "{event}");
        for key in ["pkts_toserver", "pkts_toclient"] {
            counted += event["flow"][key].as_u64().unwrap_or_else(|| panic!("{name}: {key} of {event}"));
        }
    }
    assert!(counted <= packets, "{name}: {counted} packets in flows of {packets}");
}

/// Replays bytes as a file, and tells `check` its name.
fn replay_bytes(name: &str, bytes: &[u8], check: impl FnOnce(&Path, &Replay)) -> Replay {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    let replay = replay(&path);
    check(&path, &replay);
    replay
}

fn sample() -> Vec<u8> {
    std::fs::read(in_repository("tests/data/sample.pcap")).unwrap()
}

/// Whole records of a little-endian pcap, which may be cut.
fn packets_in(pcap: &[u8]) -> u64 {
    ends(pcap).len() as u64
}

/// Where the whole records of a little-endian pcap end.
fn ends(pcap: &[u8]) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut at = 24;
    while let Some(length) = pcap.get(at + 8..at + 12) {
        at += 16 + u32::from_le_bytes(length.try_into().unwrap()) as usize;
        if at > pcap.len() {
            break;
        }
        ends.push(at);
    }
    ends
}
