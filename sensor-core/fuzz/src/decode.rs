//! Frames of any link type, one after the other, through one decoder.

use sensor_core::anomaly::Counts;
use sensor_core::decode::{Decoder, DefragLimits, Depths, Packet, Packets, Settings, quoted};

use crate::frames;
use crate::input::Input;

/// A packet never says more than its frame or datagram holds, and fragments stay within their bounds.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let flags = input.u8();
    let narrow = flags & 2 != 0;
    let depths = if narrow {
        Depths { vlans: 1, extensions: 1, tunnels: 1 }
    } else {
        Depths { vlans: 4, extensions: 16, tunnels: 8 }
    };
    let defrag =
        if narrow { DefragLimits { datagrams: 2, bytes: 4096, ..Default::default() } } else { Default::default() };
    let mut decoder = Decoder::new(Settings { depths, verify_checksums: flags & 1 != 0, defrag }, 0);
    let (mut anomalies, mut time) = (Counts::default(), frames::BEGIN);
    let mut packets = Packets::default();
    while !input.is_empty() {
        let frame = frames::next(&mut input, &mut time);
        packets.clear();
        decoder.frame(&frame, &mut packets, &mut anomalies);
        let longest = frame.wire.max(frame.data.len() as u32);
        packets.list().iter().for_each(|packet| {
            assert_eq!((packet.wire, packet.packets, packet.time), (frame.wire, 1, frame.time));
            check(packet, longest, depths);
        });
        datagrams(&mut decoder, &mut anomalies, depths);
    }
    decoder.finish(&mut anomalies);
    datagrams(&mut decoder, &mut anomalies, depths);
}

fn datagrams(decoder: &mut Decoder, anomalies: &mut Counts, depths: Depths) {
    while let Some(datagram) = decoder.take_datagram() {
        let mut packets = Packets::default();
        decoder.datagram(&datagram, &mut packets, anomalies);
        for packet in packets.list() {
            assert!(packet.packets >= 1);
            check(packet, 65_535, depths);
        }
        decoder.recycle(datagram);
    }
}

fn check(packet: &Packet<'_>, longest: u32, depths: Depths) {
    assert!(packet.payload.len() <= packet.payload_len as usize, "{packet:?}");
    // An IP header may claim more than its frame had on the wire (`ipv4.trunc_pkt`).
    assert!(packet.payload_len <= longest.max(65_535), "{packet:?}");
    assert!(packet.tcp_options.len() <= 40, "{packet:?}");
    assert!(usize::from(packet.tunnels) <= depths.tunnels, "{packet:?}");
    if packet.icmp_error
        && let Some(inner) = quoted(packet)
    {
        assert!(inner.payload.len() <= packet.payload.len(), "{inner:?}");
    }
}
