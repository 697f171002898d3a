//! Captures that others made, and any bytes at all.

use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;

/// Frames of a classic little-endian pcap file of the corpus beside the project, with its link type.
pub fn capture(name: &str) -> Option<(u16, Vec<Vec<u8>>)> {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus").join(name);
    let Ok(file) = std::fs::read(&path) else {
        eprintln!("skipped: {} is not there", path.display());
        return None;
    };
    let number = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap()) as usize;
    let (mut at, mut frames) = (24, Vec::new());
    while at + 16 <= file.len() {
        let len = number(at + 8);
        frames.push(file[at + 16..at + 16 + len].to_vec());
        at += 16 + len;
    }
    Some((number(20) as u16, frames))
}

fn packets(decoded: &Decoded, proto: u8, tunnels: u8) -> usize {
    decoded.seen.iter().filter(|s| s.proto == proto && s.tunnels == tunnels).count()
}

#[test]
fn tunnels_of_the_corpus_hold_what_tshark_sees_in_them() {
    // Capture, inner protocol, tunnels around it, packets of it.
    for (name, proto, tunnels, expected) in [
        ("ndpi/captures/vxlan.pcap", 6, 1, 119),
        ("zeek/captures/tunnels__gtp__gtp2_different_udp_port.pcap", 6, 1, 78),
        ("arkime/captures/80211http.pcap", 6, 0, 26),
        ("ndpi/captures/4in6tunnel.pcap", 6, 1, 4),
    ] {
        let Some((link, frames)) = capture(name) else { return };
        let decoded = decode_all(link, &frames, false);
        assert_eq!(packets(&decoded, proto, tunnels), expected, "{name}");
    }
}

#[test]
fn fragments_of_the_corpus_become_whole() {
    let Some((link, frames)) = capture("arkime/captures/socks5-http-302-frag.pcap") else { return };
    let decoded = decode_all(link, &frames, false);
    assert_eq!(decoded.counts.ranked(), [("ipv4.fragment", 62)]);
    // Arkime counts 8 and 6 packets in this flow.
    assert_eq!(packets(&decoded, ip_proto::TCP, 0), 14);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Any bytes under any link type: no panic, and no more packets than there is room for.
    #[test]
    fn any_bytes_are_survived(
        link in prop::sample::select(vec![0u16, 1, 9, 50, 51, 101, 104, 105, 108, 113, 119, 127, 163, 192, 204, 239, 276]),
        frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 1..4),
    ) {
        decode_all(link, &frames, true);
    }

    /// A good frame with a few bytes changed.
    #[test]
    fn damaged_frames_are_survived(
        which in 0usize..4,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let frame = ethernet(0x0800, &inner());
        let mut data = match which {
            0 => in_udp(5, 4789, &[&[8, 0, 0, 0, 0, 0, 9, 0][..], &frame].concat()),
            1 => in_ip(47, &[&[0xb0, 0, 0x65, 0x58][..], &[0; 12], &frame].concat()),
            2 => ethernet(0x86dd, &ipv6([1; 16], [2; 16], 0, &[&[44, 0, 0, 0, 0, 0, 0, 0, 17, 0, 0, 1, 0, 0, 0, 1][..], &udp(1, 2, b"abcdefgh")].concat())),
            _ => in_udp(2152, 2152, &[&[0x30, 255, 0, 36, 0, 0, 0, 1][..], &inner()].concat()),
        };
        for (at, byte) in changes {
            let at = at.index(data.len());
            data[at] = byte;
        }
        data.truncate(cut.index(data.len() + 1));
        decode_all(1, &[data.clone(), data], true);
    }
}
