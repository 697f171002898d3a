use super::build::{
    Big, Little, Order, UNKNOWN_LENGTH, block, enhanced, enhanced_of, interface, old, option, padded, section, simple,
};
use super::{NoticeKind, Read, read};
use crate::capture::file::{MAX_BLOCK, MAX_CAPTURED};

const FRAME: &[u8] = b"an Ethernet frame";
const RESOLUTION: u16 = 9;
const OFFSET: u16 = 14;

fn start(order: Order) -> Vec<u8> {
    [section(order, (1, 0), UNKNOWN_LENGTH, &[]), interface(order, 1, 0, &[])].concat()
}

/// Reads a little-endian section of one interface and these blocks.
fn after_start(blocks: &[u8]) -> Read {
    read(&[start(Little), blocks.to_vec()].concat())
}

const START: usize = 28 + 20;

#[test]
fn each_kind_of_packet_block_is_read_in_both_byte_orders() {
    for order in [Little, Big] {
        let bytes = [
            start(order),
            enhanced_of(order, 0, 1_700_000_000_123_456, 17, 1500, FRAME, &option(order, 1, b"a comment")),
            simple(order, 17, FRAME),
            old(order, 0, 0xffff, 1_700_000_000_123_457, FRAME),
        ]
        .concat();
        let got = read(&bytes);
        assert!(got.error.is_none(), "{order:?}: {got:?}");
        assert_eq!(got.data(), [FRAME; 3], "{order:?}");
        let times: Vec<i64> = got.frames.iter().map(|frame| frame.time).collect();
        assert_eq!(times, [1_700_000_000_123_456_000, 1_700_000_000_123_456_000, 1_700_000_000_123_457_000]);
        assert_eq!(got.frames[0].wire, 1500);
        assert_eq!(got.notices, [(NoticeKind::NoTime, 1)]);
        assert_eq!(got.progress, (bytes.len() as u64, bytes.len() as u64));
    }
}

#[test]
fn interfaces_have_their_own_link_type_and_clock() {
    let seconds = 1_700_000_000_u64;
    // if_tsresol, ticks since 1970, nanoseconds of the second that they mean.
    let clocks: &[(u8, u64, i64)] = &[
        (6, seconds * 1_000_000 + 250_000, 250_000_000),
        (9, seconds * 1_000_000_000 + 7, 7),
        (3, seconds * 1_000 + 7, 7_000_000),
        (0, seconds, 0),
        (10, seconds * 10_000_000_000 + 79, 7),
        (0x80 | 10, seconds * 1024 + 512, 500_000_000),
        (0x80 | 30, (seconds << 30) + 1, 0),
        (0x80 | 32, (seconds << 32) + (1 << 31), 500_000_000),
        (0x80, seconds, 0),
    ];
    for order in [Little, Big] {
        let mut bytes = section(order, (1, 0), UNKNOWN_LENGTH, &[]);
        for (i, (resolution, _, _)) in clocks.iter().enumerate() {
            bytes.extend(interface(order, 100 + i as u16, 0, &option(order, RESOLUTION, &[*resolution])));
        }
        for (i, (_, ticks, _)) in clocks.iter().enumerate().rev() {
            bytes.extend(enhanced(order, i as u32, *ticks, FRAME));
        }
        let got = read(&bytes);
        assert!(got.error.is_none(), "{got:?}");
        for (frame, (i, (resolution, _, want))) in got.frames.iter().zip(clocks.iter().enumerate().rev()) {
            assert_eq!(frame.time - 1_700_000_000_000_000_000, *want, "resolution {resolution:#x}, {order:?}");
            assert_eq!(frame.link, 100 + i as u16);
        }
    }
}

#[test]
fn extreme_resolutions_and_times_are_bounded_and_noticed() {
    for (resolution, ticks, want, odd) in [
        (127, u64::MAX, 0, 0),
        (0xff, u64::MAX, 0, 0),
        (0, u64::MAX, i64::MAX, 1),
        (9, u64::MAX, i64::MAX, 1),
        (9, i64::MAX as u64, i64::MAX, 0),
        (0x80, u64::MAX, i64::MAX, 1),
    ] {
        let bytes = [
            section(Little, (1, 0), UNKNOWN_LENGTH, &[]),
            interface(Little, 1, 0, &option(Little, RESOLUTION, &[resolution])),
            enhanced(Little, 0, ticks, FRAME),
        ]
        .concat();
        let got = read(&bytes);
        assert_eq!(got.frames[0].time, want, "resolution {resolution}");
        assert_eq!(got.notices.len(), odd, "resolution {resolution}: {:?}", got.notices);
    }
}

#[test]
fn a_time_offset_is_added_in_seconds() {
    for (offset, want) in [(1_700_000_000_i64, 1_700_000_000_000_005_000), (-3, -2_999_995_000)] {
        for order in [Little, Big] {
            let bytes = [
                section(order, (1, 0), UNKNOWN_LENGTH, &[]),
                interface(order, 1, 0, &option(order, OFFSET, &order.long(offset as u64))),
                enhanced(order, 0, 5, FRAME),
            ]
            .concat();
            assert_eq!(read(&bytes).frames[0].time, want, "{order:?}");
        }
    }
}

#[test]
fn sections_have_their_own_byte_order_and_interfaces() {
    let bytes = [
        section(Little, (1, 0), UNKNOWN_LENGTH, &option(Little, 4, b"a writer")),
        interface(Little, 1, 0, &[]),
        interface(Little, 113, 0, &[]),
        enhanced(Little, 1, 1, b"first"),
        section(Big, (1, 2), UNKNOWN_LENGTH, &[]),
        interface(Big, 276, 0, &[]),
        enhanced(Big, 0, 2, b"second"),
        section(Little, (1, 0), UNKNOWN_LENGTH, &[]),
        interface(Little, 101, 0, &[]),
        enhanced(Little, 0, 3, b"third"),
    ]
    .concat();
    let got = read(&bytes);
    assert!(got.error.is_none(), "{got:?}");
    assert_eq!(got.data(), [b"first" as &[u8], b"second", b"third"]);
    assert_eq!(got.frames.iter().map(|frame| frame.link).collect::<Vec<_>>(), [113, 276, 101]);

    // The interfaces of the first section are gone in the second.
    let bytes = [
        start(Little),
        start(Big),
        enhanced(Big, 0, 1, FRAME),
        section(Big, (1, 0), 0, &[]),
        enhanced(Big, 0, 1, FRAME),
    ];
    let got = read(&bytes.concat());
    assert_eq!(got.data(), [FRAME]);
    assert!(got.error().ends_with("packet of interface 0, the section has described 0"), "{}", got.error());
}

#[test]
fn a_section_length_is_checked_and_not_believed() {
    let inside = [interface(Little, 1, 0, &[]), enhanced(Little, 0, 1, FRAME)].concat();
    for (length, odd) in [(inside.len() as u64, 0), (UNKNOWN_LENGTH, 0), (4, 1), (u64::MAX - 3, 1)] {
        let part = [section(Little, (1, 0), length, &[]), inside.clone()].concat();
        let got = read(&[part.clone(), part].concat());
        assert!(got.error.is_none(), "{got:?}");
        assert_eq!(got.data(), [FRAME; 2]);
        assert_eq!(got.notices.len(), odd, "length {length}: {:?}", got.notices);
    }
}

#[test]
fn other_versions_are_refused_or_end_the_reading() {
    let got = read(&section(Little, (2, 0), UNKNOWN_LENGTH, &[]));
    assert!(got.error().contains("pcapng of version 2.0, which nobody knows"), "{}", got.error());
    assert!(got.error().starts_with("not a capture"), "{}", got.error());

    let got = after_start(&[enhanced(Little, 0, 1, FRAME), section(Big, (0, 1), UNKNOWN_LENGTH, &[])].concat());
    assert_eq!(got.data(), [FRAME]);
    assert!(got.error().contains("pcapng of version 0.1, which nobody knows"), "{}", got.error());
}

#[test]
fn blocks_without_packets_are_passed_over() {
    let kinds = [
        ("name resolution", 4),
        ("interface statistics", 5),
        ("journal", 9),
        ("decryption secrets", 10),
        ("custom", 0x0bad),
        ("custom, not to be copied", 0x4000_0bad),
        ("unknown", 0x7777_7777),
    ];
    let mut bytes = Vec::new();
    for (_, kind) in kinds {
        bytes.extend(block(Little, kind, &[0xee; 64]));
        bytes.extend(block(Little, kind, &[]));
        bytes.extend(enhanced(Little, 0, 1, FRAME));
    }
    let got = after_start(&bytes);
    assert!(got.error.is_none(), "{got:?}");
    assert_eq!(got.data(), vec![FRAME; kinds.len()]);
}

#[test]
fn a_passed_over_block_of_any_length_takes_no_room() {
    for length in [4, 256 << 10, (256 << 10) - 60, (256 << 10) + 4, 5 << 20] {
        let got = after_start(&[block(Little, 10, &vec![0xee; length]), enhanced(Little, 0, 1, FRAME)].concat());
        assert!(got.error.is_none(), "{length}: {:?}", got.error);
        assert_eq!(got.data(), [FRAME]);
        assert!(got.room <= 1 << 20, "{length}: arena of {} bytes", got.room);
    }
}

#[test]
fn the_ends_of_blocks_repeat_their_length() {
    for kind in [6, 10] {
        let mut broken = block(Little, kind, &[0; 64]);
        let end = broken.len() - 4;
        broken[end] ^= 4;
        let got = after_start(&[enhanced(Little, 0, 1, FRAME), broken].concat());
        assert_eq!(got.data(), [FRAME]);
        let place = START + enhanced(Little, 0, 1, FRAME).len();
        assert_eq!(
            got.error(),
            format!("damaged at byte {place} of the file: block header says 76 bytes, the block's end says 72")
        );
    }
}

#[test]
fn impossible_lengths_of_blocks_are_damage() {
    for total in [0, 8, 11, 13, 77] {
        let got = after_start(&[Little.word(10), Little.word(total), vec![0; 80]].concat());
        assert!(
            got.error().ends_with(&format!("says {total} bytes, which is no length of a block")),
            "{}",
            got.error()
        );
    }
    let got = after_start(&[Little.word(6), Little.word(MAX_BLOCK + 4), vec![0; 80]].concat());
    assert!(got.error().contains("says 1048580 bytes, the most possible is 1048576"), "{}", got.error());
}

#[test]
fn captured_lengths_are_held_against_their_block() {
    for (captured, cause) in [
        (21, "says 21 bytes were captured and has room for 20"),
        (MAX_CAPTURED + 1, "says 262145 bytes were captured, the most possible is 262144"),
        (u32::MAX, "says 4294967295 bytes were captured, the most possible is 262144"),
    ] {
        let broken = enhanced_of(Little, 0, 1, captured, 60, FRAME, &[]);
        let got = after_start(&[enhanced(Little, 0, 1, FRAME), broken].concat());
        assert_eq!(got.data(), [FRAME]);
        assert!(got.error().ends_with(cause), "{}", got.error());
    }
    let got = after_start(&block(Little, 6, &[0; 16]));
    assert!(
        got.error().ends_with("packet block of 16 bytes is too short for its 20 bytes of fields"),
        "{}",
        got.error()
    );
}

#[test]
fn the_longest_frame_is_read() {
    let longest = vec![3; MAX_CAPTURED as usize];
    let got = after_start(
        &[enhanced(Little, 0, 1, &longest), enhanced(Little, 0, 1, FRAME), simple(Little, MAX_CAPTURED, &longest)]
            .concat(),
    );
    assert!(got.error.is_none(), "{:?}", got.error);
    assert_eq!(got.data(), [&longest, FRAME, &longest]);
}

#[test]
fn a_frame_longer_than_it_was_on_the_wire_is_noticed() {
    let got = after_start(&enhanced_of(Little, 0, 1, 17, 5, FRAME, &[]));
    assert_eq!((got.frames[0].wire, got.notices), (17, vec![(NoticeKind::CapturedOverWire, 1)]));
}

#[test]
fn simple_packets_end_at_the_snap_length() {
    let bytes = [
        section(Little, (1, 0), UNKNOWN_LENGTH, &[]),
        interface(Little, 1, 8, &[]),
        simple(Little, 1500, &FRAME[..8]),
        simple(Little, 5, &FRAME[..5]),
    ]
    .concat();
    let got = read(&bytes);
    assert!(got.error.is_none(), "{got:?}");
    assert_eq!(got.data(), [&FRAME[..8], &FRAME[..5]]);
    assert_eq!(got.frames[0].wire, 1500);

    let got = after_start(&simple(Little, 1500, FRAME));
    assert!(got.error().ends_with("says 1500 bytes were captured and has room for 20"), "{}", got.error());
    let got = read(&[section(Little, (1, 0), UNKNOWN_LENGTH, &[]), simple(Little, 17, FRAME)].concat());
    assert!(got.error().ends_with("packet of interface 0, the section has described 0"), "{}", got.error());
}

#[test]
fn packets_of_undescribed_interfaces_are_damage() {
    for packet in [enhanced(Little, 1, 1, FRAME), old(Little, 1, 0, 1, FRAME)] {
        let got = after_start(&[enhanced(Little, 0, 1, FRAME), packet].concat());
        assert_eq!(got.data(), [FRAME]);
        assert!(got.error().ends_with("packet of interface 1, the section has described 1"), "{}", got.error());
    }
}

#[test]
fn options_stay_inside_their_block() {
    let too_long = [Little.half(4), Little.half(100), padded(b"short")].concat();
    let in_section = section(Little, (1, 0), UNKNOWN_LENGTH, &too_long);
    let in_interface = [section(Little, (1, 0), UNKNOWN_LENGTH, &[]), interface(Little, 1, 0, &too_long)].concat();
    for bytes in [in_section, in_interface] {
        let got = read(&bytes);
        assert!(got.error().ends_with("option 4 says 100 bytes, its block has 8 left"), "{}", got.error());
    }
    for (code, value, cause) in [
        (RESOLUTION, &[6, 6][..], "if_tsresol has 2 bytes instead of 1"),
        (OFFSET, &[0; 4][..], "if_tsoffset has 4 bytes instead of 8"),
    ] {
        let bytes =
            [section(Little, (1, 0), UNKNOWN_LENGTH, &[]), interface(Little, 1, 0, &option(Little, code, value))];
        assert!(read(&bytes.concat()).error().ends_with(cause));
    }
    // What stands after the end of the options is none.
    let ended = [option(Little, 0, &[]), Little.half(4), Little.half(100)].concat();
    let bytes = [
        section(Little, (1, 0), UNKNOWN_LENGTH, &ended),
        interface(Little, 1, 0, &ended),
        enhanced(Little, 0, 1, FRAME),
    ];
    assert_eq!(read(&bytes.concat()).data(), [FRAME]);
}

#[test]
fn a_broken_option_of_a_packet_costs_no_packet() {
    let too_long = [Little.half(1), Little.half(100), padded(b"short")].concat();
    let got = after_start(&enhanced_of(Little, 0, 1, 17, 17, FRAME, &too_long));
    assert!(got.error.is_none(), "{got:?}");
    assert_eq!(got.data(), [FRAME]);
}

#[test]
fn interfaces_are_bounded() {
    let one = interface(Little, 1, 0, &[]);
    let bytes =
        [section(Little, (1, 0), UNKNOWN_LENGTH, &[]), one.repeat(65_536), enhanced(Little, 65_535, 1, FRAME)].concat();
    let got = read(&bytes);
    assert!(got.error.is_none(), "{:?}", got.error);
    assert_eq!(got.data(), [FRAME]);

    let got = read(&[bytes, one].concat());
    assert_eq!(got.data(), [FRAME]);
    assert!(got.error().ends_with("more than 65536 interfaces in a section"), "{}", got.error());
}

#[test]
fn a_section_header_needs_its_magic() {
    let mut bytes = section(Little, (1, 0), UNKNOWN_LENGTH, &[]);
    bytes[8] = 0;
    assert!(read(&bytes).error().starts_with("not a capture"), "{}", read(&bytes).error());
    let got = after_start(&[enhanced(Little, 0, 1, FRAME), bytes].concat());
    assert_eq!(got.data(), [FRAME]);
    assert!(got.error().ends_with("section header without its byte-order magic"), "{}", got.error());
}

#[test]
fn cut_blocks_say_what_is_missing() {
    let packet = enhanced(Little, 0, 1, FRAME);
    let bytes = [start(Little), packet.clone(), packet.clone()].concat();
    let at = START + packet.len();
    for (left, cause) in [
        (packet.len() - 1, "truncated: block header says 52 bytes, the file ends after 51"),
        (12, "truncated: block header says 52 bytes, the file ends after 12"),
        (11, "truncated: a block has at least 12 bytes, the file ends after 11"),
        (1, "truncated: a block has at least 12 bytes, the file ends after 1"),
    ] {
        let got = read(&bytes[..at + left]);
        assert_eq!(got.data(), [FRAME]);
        assert_eq!(got.error(), format!("damaged at byte {at} of the file: {cause}"));
    }
    // The header of a section in the other order is read in its own.
    let other = section(Big, (1, 0), UNKNOWN_LENGTH, &[]);
    let got = after_start(&other[..20]);
    assert!(got.error().ends_with("block header says 28 bytes, the file ends after 20"), "{}", got.error());

    let unknown = block(Little, 10, &vec![0; 400_000]);
    let got = after_start(&[packet.clone(), unknown[..300_000].to_vec()].concat());
    assert_eq!(got.data(), [FRAME]);
    assert_eq!(
        got.error(),
        format!(
            "damaged at byte {at} of the file: truncated: block header says 400012 bytes, the file ends after 300000"
        )
    );
    let got = read(&bytes[..20]);
    assert!(got.error().ends_with("truncated: block header says 28 bytes, the file ends after 20"), "{}", got.error());
}
