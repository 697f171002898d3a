use super::build::{Big, Little, MICRO, NANO, PcapHead, pcap_of};
use super::{Frame, NoticeKind, read};
use crate::capture::file::MAX_CAPTURED;

const FRAME: &[u8] = b"an Ethernet frame";

#[test]
fn both_byte_orders_and_both_resolutions_give_the_same_frame() {
    for order in [Little, Big] {
        for (magic, fraction) in [(MICRO, 123_456), (NANO, 123_456_000)] {
            let head = PcapHead { order, magic, link: 113, ..PcapHead::default() };
            let bytes = [head.bytes(), head.record_of(1_700_000_000, fraction, 17, 1500, FRAME)].concat();
            let got = read(&bytes);
            assert!(got.error.is_none(), "{order:?} {magic:x}: {got:?}");
            let want = Frame { time: 1_700_000_000_123_456_000, data: FRAME.to_vec(), wire: 1500, link: 113 };
            assert_eq!(got.frames, [want], "{order:?} {magic:x}");
            assert!(got.notices.is_empty());
            assert_eq!(got.progress, (bytes.len() as u64, bytes.len() as u64));
        }
    }
}

#[test]
fn patched_libpcap_records_have_eight_more_bytes() {
    for order in [Little, Big] {
        let head = PcapHead { order, magic: 0xa1b2_cd34, ..PcapHead::default() };
        let mut bytes = head.bytes();
        for second in 1..=3 {
            let extra = [order.word(2), order.half(0x0800), vec![0, 0]].concat(); // interface, protocol, packet type, pad
            bytes.extend(head.record_of(second, 5, 17, 17, &[extra, FRAME.to_vec()].concat()));
        }
        let got = read(&bytes);
        assert!(got.error.is_none(), "{got:?}");
        assert_eq!(got.data(), [FRAME; 3]);
        assert_eq!(got.frames[2].time, 3_000_005_000);
    }
}

#[test]
fn other_patched_magics_have_usual_records() {
    for magic in [0xa1b2_34cd, 0xa1e2_cb12] {
        let head = PcapHead { magic, ..PcapHead::default() };
        let got = read(&[head.bytes(), head.record(1, 5, FRAME)].concat());
        assert_eq!((got.data(), got.error.is_none()), (vec![FRAME], true), "{magic:x}");
    }
}

#[test]
fn old_versions_give_their_lengths_in_another_order() {
    for (version, first, second) in [
        ((2, 2), 1500, 17),
        ((2, 0), 1500, 17),
        ((543, 0), 1500, 17),
        ((2, 3), 1500, 17),
        ((2, 3), 17, 1500),
        ((2, 4), 17, 1500),
    ] {
        let head = PcapHead { version, ..PcapHead::default() };
        let got = read(&[head.bytes(), head.record_of(1, 0, first, second, FRAME)].concat());
        assert_eq!(got.data(), [FRAME], "{version:?} {got:?}");
        assert_eq!(got.frames[0].wire, 1500, "{version:?}");
    }
}

#[test]
fn unknown_versions_are_refused() {
    for version in [(1, 4), (2, 5), (3, 0), (0, 0), (543, 1)] {
        let got = read(&PcapHead { version, ..PcapHead::default() }.bytes());
        let want = format!(
            "not a capture that can be read: pcap of version {}.{}, which nobody knows (2.4 is usual) (at byte 0 of the file)",
            version.0, version.1
        );
        assert_eq!(got.error(), want);
    }
}

#[test]
fn only_the_low_half_of_the_link_field_is_the_link_type() {
    // Frame check sequence of four bytes, present, and no reserved bit.
    let head = PcapHead { link: 0x5400_0001, ..PcapHead::default() };
    let got = read(&[head.bytes(), head.record(1, 0, FRAME)].concat());
    assert_eq!((got.frames[0].link, got.notices.len()), (1, 0));

    let head = PcapHead { link: 0x0030_0001, ..PcapHead::default() };
    let got = read(&[head.bytes(), head.record(1, 0, FRAME)].concat());
    assert_eq!((got.frames[0].link, got.notices), (1, vec![(NoticeKind::LinkTypeBits, 1)]));
}

#[test]
fn odd_fields_are_noticed_and_read_past() {
    let head = PcapHead { snaplen: 20, ..PcapHead::default() };
    let bytes = [
        head.bytes(),
        head.record_of(10, 1_000_000, 17, 17, FRAME), // a whole second of microseconds
        head.record_of(11, 4_294_967_295, 17, 17, FRAME),
        head.record_of(12, 0, 17, 3, FRAME), // more captured than there was
        head.record(13, 0, &[7; 21]),        // more captured than the snap length
        head.record(14, 0, FRAME),
    ]
    .concat();
    let got = read(&bytes);
    assert!(got.error.is_none(), "{got:?}");
    assert_eq!(
        got.notices,
        [(NoticeKind::FractionOutOfRange, 2), (NoticeKind::CapturedOverWire, 1), (NoticeKind::CapturedOverSnaplen, 1)]
    );
    let times: Vec<i64> = got.frames.iter().map(|frame| frame.time).collect();
    assert_eq!(times, [11_000_000_000, 4_305_967_295_000, 12_000_000_000, 13_000_000_000, 14_000_000_000]);
    assert_eq!(got.frames[2].wire, 17);
    assert_eq!(got.frames[3].data.len(), 21);
}

#[test]
fn times_up_to_2106_are_read_unsigned() {
    let head = PcapHead { magic: NANO, ..PcapHead::default() };
    let got = read(&[head.bytes(), head.record(u32::MAX, 999_999_999, FRAME)].concat());
    assert_eq!(got.frames[0].time, 4_294_967_295_999_999_999);
}

#[test]
fn a_header_alone_is_a_capture_without_packets() {
    let got = read(&PcapHead::default().bytes());
    assert!(got.error.is_none() && got.frames.is_empty(), "{got:?}");
}

#[test]
fn a_frame_of_no_bytes_is_a_frame() {
    let head = PcapHead::default();
    let got = read(&[head.bytes(), head.record_of(1, 0, 0, 60, b""), head.record(2, 0, FRAME)].concat());
    assert_eq!(got.data(), [b"" as &[u8], FRAME]);
}

#[test]
fn the_longest_frame_is_read_and_a_longer_one_is_damage() {
    let head = PcapHead { snaplen: 0, ..PcapHead::default() };
    let longest = vec![3; MAX_CAPTURED as usize];
    let got =
        read(&[head.bytes(), head.record(1, 0, FRAME), head.record(2, 0, &longest), head.record(3, 0, FRAME)].concat());
    assert!(got.error.is_none(), "{:?}", got.error);
    assert_eq!(got.data(), [FRAME, &longest, FRAME]);

    let longer = vec![3; MAX_CAPTURED as usize + 1];
    let got = read(&[head.bytes(), head.record(1, 0, FRAME), head.record(2, 0, &longer)].concat());
    assert_eq!(got.data(), [FRAME]);
    assert_eq!(
        got.error(),
        "damaged at byte 57 of the file: record header says 262145 bytes were captured, the most possible is 262144"
    );
}

#[test]
fn a_cut_record_gives_the_ones_before_it_and_says_what_is_missing() {
    let (bytes, frames) = pcap_of(&[60, 60, 100]);
    let got = read(&bytes[..bytes.len() - 1]);
    assert_eq!(got.data(), &frames[..2]);
    assert_eq!(
        got.error(),
        "damaged at byte 176 of the file: truncated: record header says 100 bytes, the file ends after 99"
    );

    let got = read(&bytes[..176 + 15]);
    assert_eq!(got.data(), &frames[..2]);
    assert_eq!(
        got.error(),
        "damaged at byte 176 of the file: truncated: a record header has 16 bytes, the file ends after 15"
    );

    let got = read(&bytes[..23]);
    assert!(got.error().contains("a pcap header has 24 bytes, the file ends after 23"), "{}", got.error());
}

#[test]
fn damage_in_the_first_record_comes_at_once() {
    let head = PcapHead::default();
    let got = read(&[head.bytes(), head.record_of(1, 0, u32::MAX, 60, FRAME)].concat());
    assert!(got.frames.is_empty());
    assert!(got.error().starts_with("damaged at byte 24 of the file: record header says 4294967295 bytes"), "{got:?}");
}

#[test]
fn frames_across_batches_are_whole_and_in_order() {
    // 1000 frames of up to 3000 bytes: some six batches, with a record across every border.
    let lengths: Vec<usize> = (0..1000).map(|i| (i * 37) % 3000).collect();
    let (bytes, frames) = pcap_of(&lengths);
    let got = read(&bytes);
    assert!(got.error.is_none());
    assert!(got.frames.iter().map(|frame| &frame.data).eq(&frames));
    assert!(got.room <= 1 << 20, "arena of {} bytes", got.room);
}
