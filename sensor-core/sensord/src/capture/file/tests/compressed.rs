use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use super::build::{Little, UNKNOWN_LENGTH, enhanced, interface, pcap_of, section};
use super::read;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec(bytes, CompressionLevel::Fastest)
}

/// Frames that don't compress to nothing, so that there is something to cut.
fn noisy(frames: usize) -> (Vec<u8>, Vec<Vec<u8>>) {
    use super::build::PcapHead;
    let head = PcapHead::default();
    let (mut bytes, mut all, mut state) = (head.bytes(), Vec::new(), 1_u32);
    for i in 0..frames {
        let frame: Vec<u8> = (0..200 + i % 900)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8 & 0x3f
            })
            .collect();
        bytes.extend(head.record(i as u32, 0, &frame));
        all.push(frame);
    }
    (bytes, all)
}

#[test]
fn gzip_and_zstd_give_what_the_plain_file_gives() {
    let (plain, frames) = noisy(1500);
    for stored in [gzip(&plain), zstd(&plain)] {
        let got = read(&stored);
        assert!(got.error.is_none(), "{:?}", got.error);
        assert!(got.data() == frames);
        assert_eq!(got.progress, (stored.len() as u64, stored.len() as u64));
        assert!(got.room <= 1 << 20, "arena of {} bytes", got.room);
    }
}

#[test]
fn pcapng_is_found_inside_compression() {
    let plain =
        [section(Little, (1, 0), UNKNOWN_LENGTH, &[]), interface(Little, 1, 0, &[]), enhanced(Little, 0, 1, b"frame")]
            .concat();
    for stored in [gzip(&plain), zstd(&plain)] {
        assert_eq!(read(&stored).data(), [b"frame"]);
    }
}

#[test]
fn members_and_frames_join_anywhere() {
    let (plain, frames) = noisy(300);
    for cut in [0, 1, 23, 24, 25, 40, 41, 100_000, plain.len()] {
        let (a, b) = plain.split_at(cut);
        let got = read(&[gzip(a), gzip(b)].concat());
        assert!(got.error.is_none() && got.data() == frames, "gzip cut at {cut}: {:?}", got.error);
        let got = read(&[zstd(a), zstd(b)].concat());
        assert!(got.error.is_none() && got.data() == frames, "zstd cut at {cut}: {:?}", got.error);
    }
}

#[test]
fn zstd_frames_to_be_skipped_are_skipped() {
    let (plain, frames) = noisy(3);
    let skipped = [&[0x5a, 0x2a, 0x4d, 0x18, 5, 0, 0, 0][..], b"notes"].concat();
    let got = read(&[skipped.clone(), zstd(&plain), skipped.clone()].concat());
    assert!(got.error.is_none() && got.data() == frames, "{:?}", got.error);

    let got = read(&[zstd(&plain), skipped[..10].to_vec()].concat());
    assert!(got.data() == frames);
    assert!(got.error().ends_with("zstd: truncated inside a frame to be skipped"), "{}", got.error());
}

#[test]
fn padding_after_gzip_is_nothing_and_anything_else_is_damage() {
    let (plain, frames) = noisy(3);
    let stored = gzip(&plain);
    let got = read(&[stored.clone(), vec![0; 700]].concat());
    assert!(got.error.is_none() && got.data() == frames, "{:?}", got.error);

    let got = read(&[stored.clone(), b"tail".to_vec()].concat());
    assert!(got.data() == frames);
    let place = format!("damaged at byte {} of the file: gzip: bytes after the last member", stored.len());
    assert!(got.error().starts_with(&place), "{}", got.error());
}

#[test]
fn a_cut_gzip_gives_the_whole_packets_of_what_can_be_decompressed() {
    let (plain, frames) = noisy(1500);
    let stored = gzip(&plain);
    let mut before = 0;
    for cut in [30, 1000, stored.len() / 2, stored.len() - 9, stored.len() - 8, stored.len() - 1] {
        let got = read(&stored[..cut]);
        assert!(got.data() == frames[..got.frames.len()], "cut at {cut}");
        assert!(got.frames.len() >= before, "more bytes, fewer packets");
        before = got.frames.len();
        let want = format!("damaged at byte {cut} of the file: gzip: truncated inside a member");
        assert_eq!(got.error(), want);
    }
    // Only the checksum was cut, so every packet was there.
    assert_eq!(before, frames.len());
    // Half of the compressed bytes are about half of the packets.
    let half = read(&stored[..stored.len() / 2]).frames.len();
    assert!((650..850).contains(&half), "{half}");
}

#[test]
fn a_cut_zstd_gives_the_whole_packets_of_its_whole_blocks() {
    let (plain, frames) = noisy(1500);
    let stored = zstd(&plain);
    for cut in [17, 1000, stored.len() / 2, stored.len() - 5, stored.len() - 1] {
        let got = read(&stored[..cut]);
        assert!(got.data() == frames[..got.frames.len()], "cut at {cut}");
        assert!(got.error().contains("zstd: truncated inside a "), "{}", got.error());
    }
    // Blocks are of 128 KiB: of six, at least two are whole in the first half.
    let half = read(&stored[..stored.len() / 2]).frames.len();
    assert!(half > 300, "{half}");
    // Only the checksum was cut.
    assert_eq!(read(&stored[..stored.len() - 1]).frames.len(), frames.len());
}

#[test]
fn flipped_bytes_are_found_by_the_checksums_at_the_latest() {
    let (plain, frames) = noisy(400);
    for (name, stored) in [("gzip", gzip(&plain)), ("zstd", zstd(&plain))] {
        for at in [stored.len() / 3, stored.len() / 2, stored.len() - 2] {
            let mut damaged = stored.clone();
            damaged[at] ^= 0x10;
            let got = read(&damaged);
            assert!(got.error.is_some(), "{name}: byte {at} of {} flipped and nothing said", stored.len());
            assert!(got.frames.len() <= frames.len());
        }
    }
}

#[test]
fn damaged_deflate_still_gives_the_packets_before_it() {
    let (plain, frames) = noisy(1500);
    let mut stored = gzip(&plain);
    let middle = stored.len() / 2;
    stored[middle..middle + 64].fill(0xff);
    let got = read(&stored);
    assert!(got.error.is_some());
    let same = got.frames.iter().zip(&frames).take_while(|(got, want)| got.data == **want).count();
    assert!(same > 600, "{same} packets before the damage");
}

#[test]
fn a_bomb_costs_no_memory() {
    // 64 MiB of one unknown pcapng block of zeros, then a packet.
    let filler = 64 << 20;
    let mut plain = [section(Little, (1, 0), UNKNOWN_LENGTH, &[]), interface(Little, 1, 0, &[])].concat();
    plain.extend(super::build::block(Little, 0x0000_0bad, &vec![0; filler]));
    plain.extend(enhanced(Little, 0, 1, b"after it"));
    for stored in [gzip(&plain), zstd(&plain)] {
        assert!(stored.len() < filler / 100, "{} bytes", stored.len());
        let got = read(&stored);
        assert!(got.error.is_none(), "{:?}", got.error);
        assert_eq!(got.data(), [b"after it"]);
        assert!(got.room <= 1 << 20, "arena of {} bytes", got.room);
    }
}

#[test]
fn a_window_no_one_needs_is_refused() {
    // Magic, a descriptor without anything, and a window of 2^41 bytes.
    let got = read(&[0x28, 0xb5, 0x2f, 0xfd, 0, 0xf8, 1, 0, 0]);
    assert!(got.error().contains("the most that is given is 134217728"), "{}", got.error());
}

#[test]
fn compressed_twice_is_named() {
    let (plain, _) = pcap_of(&[60]);
    let error = read(&gzip(&gzip(&plain))).error();
    assert!(
        error.contains("compressed with gzip twice") && error.ends_with("(at byte 0 of the decompressed stream)"),
        "{error}"
    );
}

#[test]
fn damage_inside_is_placed_in_the_decompressed_stream() {
    let (plain, frames) = pcap_of(&[60, 60]);
    let got = read(&gzip(&plain[..plain.len() - 3]));
    assert_eq!(got.data(), &frames[..1]);
    assert_eq!(
        got.error(),
        "damaged at byte 100 of the decompressed stream: truncated: record header says 60 bytes, the file ends after 57"
    );
}
