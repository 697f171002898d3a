//! Fragments of a few datagrams in any order and overlap, under every policy and low bounds.

use std::collections::HashMap;

use sensor_core::Frame;
use sensor_core::anomaly::Counts;
use sensor_core::decode::{Decoder, DefragLimits, Depths, OverlapPolicy, Packet, Packets, Settings};

use crate::frames::BEGIN;
use crate::input::Input;

/// Bounds hold, and no datagram is longer than IP allows. Where nothing gives way, what comes out and when is what a
/// plain model of one owner a byte says.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let limits = DefragLimits {
        policy: input.pick(&POLICIES),
        datagrams: input.pick(&[65_535, 1, 2, 5]),
        bytes: input.pick(&[32 << 20, 2048, 10_000, 100_000]),
        timeout: 60,
    };
    let is_exact = limits.datagrams == 65_535 && limits.bytes == 32 << 20;
    let depths = Depths { vlans: 4, extensions: 16, tunnels: 8 };
    let mut decoder = Decoder::new(Settings { depths, verify_checksums: false, defrag: limits }, 0);
    let (mut anomalies, mut time, mut fed) = (Counts::default(), BEGIN, 0);
    let mut model = Model { policy: limits.policy, waiting: HashMap::new() };
    let mut frame = Vec::new();
    while !input.is_empty() {
        let mut fragment = Fragment::read(&mut input);
        if is_exact {
            (fragment.proto, fragment.captured, fragment.later) = (UNASSIGNED, usize::MAX, 0);
        }
        time += i64::from(fragment.later) * 1_000_000_000;
        fragment.write(&mut frame);
        let wire = frame.len() as u32;
        frame.truncate(fragment.captured.max(MOST_HEADERS));
        let mut packets = Packets::default();
        let raw = Frame { time, link: 101, wire, data: &frame };
        decoder.frame(&raw, &mut packets, &mut anomalies);
        fed += 1;
        let (waiting, bytes) = decoder.fragments_waiting();
        assert!(waiting <= limits.datagrams && bytes <= limits.bytes, "{waiting} datagrams, {bytes} bytes");
        let expected = is_exact.then(|| model.take(&fragment));
        let mut given = 0;
        take(&mut decoder, &mut anomalies, |packet| {
            given += 1;
            assert!(packet.packets <= fed);
            if let Some(expected) = &expected {
                let payload = expected.as_ref().map(|bytes| (1, bytes.as_slice()));
                assert_eq!(Some((packet.packets, packet.payload)), payload);
            }
        });
        if let Some(expected) = expected {
            assert_eq!(given, usize::from(expected.is_some()));
        }
    }
    decoder.finish(&mut anomalies);
    let mut left: Vec<u32> = Vec::new();
    take(&mut decoder, &mut anomalies, |packet| left.push(packet.packets));
    assert!(left.iter().sum::<u32>() <= fed);
    if is_exact {
        let mut frames: Vec<u32> = model.waiting.values().map(|datagram| datagram.frames).collect();
        left.sort_unstable();
        frames.sort_unstable();
        assert_eq!(left, frames);
    }
    let waiting = decoder.fragments_waiting();
    assert_eq!(waiting, (0, 0));
}

fn take(decoder: &mut Decoder, anomalies: &mut Counts, mut each: impl FnMut(&Packet<'_>)) {
    while let Some(datagram) = decoder.take_datagram() {
        let mut packets = Packets::default();
        decoder.datagram(&datagram, &mut packets, anomalies);
        for packet in packets.list() {
            assert!(packet.payload_len <= 65_535 && packet.payload.len() <= packet.payload_len as usize);
            assert!(packet.packets > 1 || packet.wire <= 65_535 + MOST_HEADERS as u32);
            each(packet);
        }
        decoder.recycle(datagram);
    }
}

/// A fragment as the input has it.
#[derive(Debug)]
pub struct Fragment<'a> {
    pub v6: bool,
    pub id: u8,
    pub source: u8,
    pub proto: u8,
    /// In units of 8 bytes.
    pub offset: u16,
    pub more: bool,
    pub len: usize,
    /// Bytes of the frame that were captured.
    pub captured: usize,
    /// Seconds after the one before.
    pub later: u8,
    pub content: Content<'a>,
}

/// What a fragment carries.
#[derive(Debug)]
pub enum Content<'a> {
    /// Words of 8 bytes that begin with this one.
    Words(u8),
    /// These, for protocols that look further.
    Bytes(&'a [u8]),
}

impl<'a> Fragment<'a> {
    fn read(input: &mut Input<'a>) -> Fragment<'a> {
        let bits = input.u8();
        let place = input.u16();
        let len = usize::from(input.u16());
        let cut = input.u8();
        let later = input.u8();
        let content = match input.u8() {
            0xff => Content::Bytes(input.block()),
            first => Content::Words(first),
        };
        let len = if let Content::Bytes(bytes) = &content { bytes.len() } else { len };
        // Most lengths are those of Ethernet frames; every sixteenth is any that fits.
        let len = if len & 15 == 15 { len.min(65_400) } else { len & 0x5ff };
        Fragment {
            v6: bits & 1 != 0,
            id: bits >> 1 & 3,
            source: bits >> 3 & 1,
            proto: [UNASSIGNED, 17, 6, 1, 58, 4, 41, 47][usize::from(bits >> 4 & 7)],
            offset: place & 0x1fff,
            more: place & 0x2000 != 0,
            len,
            captured: if cut == 0 { usize::MAX } else { (len + MOST_HEADERS) * usize::from(cut) / 256 },
            later: if later >= 0xf0 { 61 } else { u8::from(later >= 0x80) },
            content,
        }
    }

    /// Writes it as an IP packet.
    fn write(&self, out: &mut Vec<u8>) {
        out.clear();
        if self.v6 {
            out.extend([0x60, 0, 0, 0]);
            out.extend((self.len as u16 + 8).to_be_bytes());
            out.extend([44, 64]);
            out.extend([self.source; 16]);
            out.extend([2; 16]);
            out.extend([self.proto, 0]);
            out.extend((self.offset << 3 | u16::from(self.more)).to_be_bytes());
            out.extend(u32::from(self.id).to_be_bytes());
        } else {
            out.extend([0x45, 0]);
            out.extend((self.len as u16 + 20).to_be_bytes());
            out.extend(u16::from(self.id).to_be_bytes());
            out.extend((self.offset | u16::from(self.more) << 13).to_be_bytes());
            out.extend([64, self.proto, 0, 0]);
            out.extend([10, 0, 0, self.source]);
            out.extend([10, 0, 0, 9]);
        }
        match self.content {
            Content::Words(first) => out.extend((0..self.len).map(|i| word(first, i))),
            Content::Bytes(bytes) => out.extend(bytes.iter().copied().chain(std::iter::repeat(0)).take(self.len)),
        }
    }
}

fn word(first: u8, i: usize) -> u8 {
    first.wrapping_add((i / 8) as u8)
}

/// What reassembly is, said as simply as can be: every byte has one owner, and keeps its owner's whole extent.
struct Model {
    policy: OverlapPolicy,
    waiting: HashMap<(bool, u8, u8), Waiting>,
}

#[derive(Default)]
struct Waiting {
    owners: Vec<Option<Owner>>,
    total: Option<usize>,
    frames: u32,
}

#[derive(Clone, Copy)]
struct Owner {
    start: usize,
    end: usize,
    byte: u8,
}

impl Model {
    /// The datagram that this fragment completes.
    fn take(&mut self, fragment: &Fragment<'_>) -> Option<Vec<u8>> {
        // Neither offset nor more: a datagram that came whole. The decoder gives it at once.
        if fragment.offset == 0 && !fragment.more {
            return None;
        }
        let len = if fragment.more { fragment.len & !7 } else { fragment.len };
        let start = usize::from(fragment.offset) * 8;
        let end = start + len;
        if len == 0 || end > 65_535 {
            return None;
        }
        let key = (fragment.v6, fragment.id, fragment.source);
        let waiting = self.waiting.entry(key).or_default();
        waiting.frames += 1;
        let contradicts = match waiting.total {
            Some(total) => end > total,
            None => !fragment.more && end < waiting.owners.len(),
        };
        if contradicts {
            return None;
        }
        if !fragment.more {
            waiting.total.get_or_insert(end);
        }
        if waiting.owners.len() < end {
            waiting.owners.resize(end, None);
        }
        for (i, owner) in waiting.owners[start..end].iter_mut().enumerate() {
            if owner.is_none_or(|old| Model::takes(self.policy, start, end, old)) {
                let byte = match fragment.content {
                    Content::Words(first) => word(first, i),
                    Content::Bytes(bytes) => bytes.get(i).copied().unwrap_or(0),
                };
                *owner = Some(Owner { start, end, byte });
            }
        }
        let waiting = self.waiting.get(&key)?;
        let is_whole = waiting.total == Some(waiting.owners.len()) && waiting.owners.iter().all(Option::is_some);
        let whole = is_whole.then(|| self.waiting.remove(&key))??;
        Some(whole.owners.iter().flatten().map(|owner| owner.byte).collect())
    }

    fn takes(policy: OverlapPolicy, start: usize, end: usize, old: Owner) -> bool {
        let before = start < old.start;
        match policy {
            OverlapPolicy::First => false,
            OverlapPolicy::Last => true,
            OverlapPolicy::Bsd => before,
            OverlapPolicy::BsdRight => !before,
            OverlapPolicy::Linux => start <= old.start,
            OverlapPolicy::Windows => before && end > old.end,
            OverlapPolicy::Solaris => before && end >= old.end,
        }
    }
}

const POLICIES: [OverlapPolicy; 7] = [
    OverlapPolicy::First,
    OverlapPolicy::Last,
    OverlapPolicy::Bsd,
    OverlapPolicy::BsdRight,
    OverlapPolicy::Linux,
    OverlapPolicy::Windows,
    OverlapPolicy::Solaris,
];

/// For experiments (RFC 3692): no decoder looks into it.
const UNASSIGNED: u8 = 253;
/// IPv6 and its fragment header.
const MOST_HEADERS: usize = 48;
