//! The TCP connections of a capture file, by plain reading of the formats that the corpus has.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use sensor_core::stream::{Connection, Event, Segment, Settings, Side, Streams, flags};

use super::conversation::Keeper;

/// One connection of a capture.
pub struct Found {
    /// Client and server, as the first packet or the handshake says it.
    pub ends: [(IpAddr, u16); 2],
    pub keeper: Keeper,
    /// All events of its packets.
    pub events: Vec<Event>,
    /// Packets of each side.
    pub packets: [usize; 2],
}

/// The corpus, or a word about its absence.
pub fn corpus() -> Option<PathBuf> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    if !corpus.is_dir() {
        println!("skipped: there is no corpus beside this clone");
        return None;
    }
    Some(corpus)
}

/// Runs the capture's TCP packets through connections, in the order of their beginning.
pub fn connections(file: &Path, settings: Settings) -> Vec<Found> {
    let mut streams = Streams::new(settings);
    let mut found: Vec<(Connection, Found)> = Vec::new();
    let mut open: HashMap<[(IpAddr, u16); 2], usize> = HashMap::new();
    for frame in frames(&std::fs::read(file).unwrap()) {
        let Some(packet) = tcp(&frame) else { continue };
        let [source, destination] = packet.ends;
        let key = if source <= destination { [source, destination] } else { [destination, source] };
        let mut segment = packet.segment;
        let begin = |found: &mut Vec<(Connection, Found)>| {
            let answers = segment.flags & (flags::SYN | flags::ACK) == flags::SYN | flags::ACK;
            let ends = if answers { [destination, source] } else { [source, destination] };
            let one = Found { ends, keeper: Keeper::default(), events: Vec::new(), packets: [0; 2] };
            found.push((Connection::new(settings.policy, settings.policy), one));
            found.len() - 1
        };
        let mut at = *open.entry(key).or_insert_with(|| begin(&mut found));
        segment.side = if found[at].1.ends[0] == source { Side::Client } else { Side::Server };
        if found[at].0.reopens(&segment) {
            at = begin(&mut found);
            open.insert(key, at);
            segment.side = Side::Client;
        }
        let (connection, one) = &mut found[at];
        one.packets[segment.side as usize] += 1;
        one.events.extend(connection.segment(&segment, &mut streams, &mut one.keeper).iter());
    }
    for (connection, one) in &mut found {
        connection.close(&mut streams, &mut one.keeper);
    }
    assert_eq!(streams.used(), 0, "{}", file.display());
    found.into_iter().map(|(_, one)| one).collect()
}

struct Frame {
    link: u16,
    time: i64,
    data: Vec<u8>,
}

struct Tcp<'a> {
    ends: [(IpAddr, u16); 2],
    segment: Segment<'a>,
}

/// Frames of a pcap or pcapng file.
fn frames(file: &[u8]) -> Vec<Frame> {
    let word = |at: usize, big: bool| -> Option<u32> {
        let bytes = *file.get(at..)?.first_chunk::<4>()?;
        Some(if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    };
    let mut frames = Vec::new();
    let magic = word(0, false).unwrap_or(0);
    if magic == 0x0a0d_0d0a {
        let big = word(8, true) == Some(0x1a2b_3c4d);
        let (mut at, mut links) = (0, Vec::new());
        while let (Some(kind), Some(len)) = (word(at, big), word(at + 4, big)) {
            if kind == 1 {
                links.push(word(at + 8, big).unwrap() as u16);
            } else if kind == 6 {
                let captured = word(at + 20, big).unwrap() as usize;
                let time = i64::from(word(at + 12, big).unwrap()) << 32 | i64::from(word(at + 16, big).unwrap());
                let link = links.get(word(at + 8, big).unwrap() as usize).copied().unwrap_or(u16::MAX);
                frames.push(Frame {
                    link,
                    time: time.wrapping_mul(1000),
                    data: file.get(at + 28..at + 28 + captured).unwrap_or(&[]).to_vec(),
                });
            }
            at += (len as usize).max(12);
        }
        return frames;
    }
    let big = matches!(magic.swap_bytes(), 0xa1b2_c3d4 | 0xa1b2_3c4d);
    let link = word(20, big).unwrap_or(0) as u16;
    let mut at = 24;
    while let (Some(seconds), Some(part), Some(captured)) = (word(at, big), word(at + 4, big), word(at + 8, big)) {
        let Some(data) = file.get(at + 16..at + 16 + captured as usize) else { break };
        let time = i64::from(seconds) * 1_000_000_000 + i64::from(part) * 1000;
        frames.push(Frame { link, time, data: data.to_vec() });
        at += 16 + captured as usize;
    }
    frames
}

/// The TCP segment in a frame, if there is one that isn't fragmented.
fn tcp(frame: &Frame) -> Option<Tcp<'_>> {
    let data = frame.data.as_slice();
    let be = |at: usize| Some(u16::from_be_bytes(*data.get(at..)?.first_chunk::<2>()?));
    let mut ip = match frame.link {
        0 | 108 => 4,
        1 => 14,
        101 | 12 | 228 | 229 => 0,
        113 => 16,
        276 => 20,
        _ => return None,
    };
    if frame.link == 1 {
        while matches!(be(ip - 2)?, 0x8100 | 0x88a8 | 0x9100) {
            ip += 4;
        }
        if be(ip - 2)? == 0x8864 {
            ip += 8;
        } else if !matches!(be(ip - 2)?, 0x0800 | 0x86dd) {
            return None;
        }
    }
    let (source, destination, tcp, end): (IpAddr, IpAddr, usize, usize) = match data.get(ip)? >> 4 {
        4 => {
            if data.get(ip + 9)? != &6 || be(ip + 6)? & 0x3fff != 0 {
                return None;
            }
            let address = |at: usize| Some(IpAddr::from(*data.get(at..)?.first_chunk::<4>()?));
            let header = usize::from(data.get(ip)? & 15) * 4;
            (address(ip + 12)?, address(ip + 16)?, ip + header, ip + usize::from(be(ip + 2)?))
        }
        6 => {
            let address = |at: usize| Some(IpAddr::from(*data.get(at..)?.first_chunk::<16>()?));
            let (mut next, mut at) = (*data.get(ip + 6)?, ip + 40);
            while matches!(next, 0 | 43 | 60) {
                next = *data.get(at)?;
                at += usize::from(*data.get(at + 1)?) * 8 + 8;
            }
            if next != 6 {
                return None;
            }
            (address(ip + 8)?, address(ip + 24)?, at, ip + 40 + usize::from(be(ip + 4)?))
        }
        _ => return None,
    };
    let header = data.get(tcp..tcp + 20)?;
    let long = |at: usize| u32::from_be_bytes(*header[at..].first_chunk::<4>().unwrap());
    let payload_at = tcp + usize::from(header[12] >> 4) * 4;
    let options = options(data.get(tcp + 20..payload_at)?);
    // Offloaded segments have a total length of 0.
    let end = if end == ip { data.len() } else { end };
    Some(Tcp {
        ends: [(source, be(tcp)?), (destination, be(tcp + 2)?)],
        segment: Segment {
            time: frame.time,
            side: Side::Client,
            seq: long(4),
            ack: long(8),
            flags: header[13],
            window: be(tcp + 14)?,
            urgent: be(tcp + 18)?,
            scale: options.0,
            timestamp: options.1,
            fast_open: options.2,
            len: end.checked_sub(payload_at)? as u32,
            payload: data.get(payload_at..)?,
        },
    })
}

/// Window scale, timestamp value, fast open.
fn options(mut rest: &[u8]) -> (Option<u8>, Option<u32>, bool) {
    let mut found = (None, None, false);
    while let [kind, tail @ ..] = rest {
        let Some(len) = (match kind {
            0 => None,
            1 => Some(1),
            _ => tail.first().map(|len| usize::from(*len)).filter(|len| *len >= 2),
        }) else {
            break;
        };
        match (kind, rest.get(2..len)) {
            (3, Some([shift])) => found.0 = Some(*shift),
            (8, Some([a, b, c, d, ..])) => found.1 = Some(u32::from_be_bytes([*a, *b, *c, *d])),
            (34, _) => found.2 = true,
            // RFC 6994: the experiment's number that fast open had.
            (254, Some([0xf9, 0x89, ..])) => found.2 = true,
            _ => {}
        }
        rest = rest.get(len..).unwrap_or(&[]);
    }
    found
}
