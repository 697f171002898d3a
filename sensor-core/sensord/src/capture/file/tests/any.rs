use std::io::Write;

use proptest::collection::vec;
use proptest::prelude::*;

use super::build::{
    Big, Little, Order, PcapHead, UNKNOWN_LENGTH, block, enhanced, interface, old, option, padded, section, simple,
};
use super::read;

/// Starts that lead into each reader.
const STARTS: &[&[u8]] = &[
    b"",
    b"\xd4\xc3\xb2\xa1\x02\x00\x04\x00\0\0\0\0\0\0\0\0\xff\xff\0\0\x01\0\0\0",
    b"\xa1\xb2\x3c\x4d\x00\x02\x00\x04\0\0\0\0\0\0\0\0\0\0\xff\xff\0\0\0\x01",
    b"\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a\x01\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\x1c\0\0\0",
    b"\x0a\x0d\x0d\x0a\0\0\0\x1c\x1a\x2b\x3c\x4d\0\x01\0\0\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\x1c",
    b"\x0a\x0d\x0d\x0a",
    b"\x1f\x8b\x08\0\0\0\0\0\0\x03",
    b"\x28\xb5\x2f\xfd\x04\x58",
    b"\x50\x2a\x4d\x18",
];

/// A block or record, by what it holds.
#[derive(Clone, Debug)]
enum Piece {
    Enhanced(Vec<u8>),
    Simple(Vec<u8>),
    Old(Vec<u8>),
    Unknown(Vec<u8>),
    Interface,
    Section(bool),
}

fn pieces() -> impl Strategy<Value = Vec<Piece>> {
    let data = || vec(any::<u8>(), 0..90);
    vec(
        prop_oneof![
            4 => data().prop_map(Piece::Enhanced),
            1 => data().prop_map(Piece::Simple),
            1 => data().prop_map(Piece::Old),
            1 => data().prop_map(Piece::Unknown),
            1 => Just(Piece::Interface),
            1 => any::<bool>().prop_map(Piece::Section),
        ],
        0..20,
    )
}

/// A pcapng file under construction.
#[derive(Default)]
struct Blocks {
    bytes: Vec<u8>,
    /// Where each block ends, and the frame it holds if any.
    ends: Vec<(usize, Option<Vec<u8>>)>,
}

impl Blocks {
    fn of(pieces: &[Piece]) -> Blocks {
        let (mut blocks, mut order) = (Blocks::default(), Little);
        blocks.start(order);
        for piece in pieces {
            match piece {
                Piece::Enhanced(data) => blocks.push(&enhanced(order, 0, 77, data), Some(data)),
                Piece::Simple(data) => blocks.push(&simple(order, data.len() as u32, data), Some(data)),
                Piece::Old(data) => blocks.push(&old(order, 0, 3, 77, data), Some(data)),
                Piece::Unknown(data) => blocks.push(&block(order, 0x4000_0bad, &padded(data)), None),
                Piece::Interface => blocks.push(&interface(order, 113, 96, &[]), None),
                Piece::Section(big) => {
                    order = if *big { Big } else { Little };
                    blocks.start(order);
                }
            }
        }
        blocks
    }

    fn start(&mut self, order: Order) {
        self.push(&section(order, (1, 0), UNKNOWN_LENGTH, &option(order, 4, b"a writer")), None);
        self.push(&interface(order, 1, 0, &option(order, 9, &[9])), None);
    }

    fn push(&mut self, block: &[u8], frame: Option<&Vec<u8>>) {
        self.bytes.extend_from_slice(block);
        self.ends.push((self.bytes.len(), frame.cloned()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_give_an_answer_in_bounded_memory(start in 0..STARTS.len(), tail in vec(any::<u8>(), 0..600)) {
        let got = read(&[STARTS[start], &tail].concat());
        prop_assert!(got.room <= 2 << 20, "arena of {} bytes", got.room);
    }

    /// Small numbers where lengths stand lead deeper than random ones.
    #[test]
    fn any_words_give_an_answer(start in 0..STARTS.len(), words in vec(prop_oneof![0..64_u32, any::<u32>()], 0..80)) {
        let tail: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let got = read(&[STARTS[start], &tail].concat());
        prop_assert!(got.room <= 2 << 20, "arena of {} bytes", got.room);
    }

    #[test]
    fn a_pcap_cut_anywhere_gives_exactly_the_whole_packets_before(
        frames in vec(vec(any::<u8>(), 0..90), 0..20),
        big in any::<bool>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let head = PcapHead { order: if big { Big } else { Little }, ..PcapHead::default() };
        let mut bytes = head.bytes();
        let mut ends = vec![bytes.len()];
        for frame in &frames {
            bytes.extend(head.record(1, 1, frame));
            ends.push(bytes.len());
        }
        let cut = cut.index(bytes.len() + 1);
        let got = read(&bytes[..cut]);
        let whole = ends.iter().filter(|&&end| end <= cut).count().saturating_sub(1);
        prop_assert_eq!(got.data(), &frames[..whole]);
        prop_assert_eq!(got.error.is_none(), ends.contains(&cut), "{:?}", got.error);
    }

    #[test]
    fn a_pcapng_cut_anywhere_gives_exactly_the_whole_packets_before(
        pieces in pieces(),
        cut in any::<prop::sample::Index>(),
    ) {
        let Blocks { bytes, ends } = Blocks::of(&pieces);
        let cut = cut.index(bytes.len() + 1);
        let got = read(&bytes[..cut]);
        let whole: Vec<&Vec<u8>> =
            ends.iter().filter(|(end, _)| *end <= cut).filter_map(|(_, frame)| frame.as_ref()).collect();
        prop_assert_eq!(got.data(), whole);
        prop_assert_eq!(got.error.is_none(), ends.iter().any(|(end, _)| *end == cut), "{:?}", got.error);
    }

    #[test]
    fn compression_changes_nothing(pieces in pieces(), at in any::<prop::sample::Index>()) {
        let Blocks { bytes, .. } = Blocks::of(&pieces);
        let plain = read(&bytes);
        let (a, b) = bytes.split_at(at.index(bytes.len()));
        let mut stored = Vec::new();
        for part in [a, b] {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(part).unwrap();
            stored.extend(encoder.finish().unwrap());
        }
        prop_assert_eq!(read(&stored).frames, plain.frames);
    }
}
