//! TCP conversations as their hosts sent them: of captures, and made up.

use std::collections::HashMap;
use std::path::Path;

use sensor_core::Frame;
use sensor_core::anomaly::Counts;
use sensor_core::decode::{Decoder, Depths, Packet, Packets, Settings, ip_proto};

use super::captures;

pub const FIN: u8 = 1;
pub const SYN: u8 = 2;
pub const RST: u8 = 4;
pub const ACK: u8 = 16;

/// Address and port.
type End = (u128, u16);

/// Segments in the order in which they passed.
#[derive(Clone, Debug)]
pub struct Conversation {
    pub name: String,
    pub segments: Vec<Sent>,
}

/// A TCP segment or a UDP datagram, as its sender made it.
#[derive(Clone, Debug)]
pub struct Sent {
    /// [`ip_proto::TCP`] or [`ip_proto::UDP`].
    pub proto: u8,
    pub from_server: bool,
    pub v6: bool,
    pub source: End,
    pub destination: End,
    pub seq: u32,
    pub ack: u32,
    pub flags: u8,
    pub window: u16,
    pub urgent: u16,
    pub options: Vec<u8>,
    pub payload: Vec<u8>,
}

impl Sent {
    /// The number after its last.
    pub fn end(&self) -> u32 {
        let taken = u32::from(self.flags & SYN != 0) + u32::from(self.flags & FIN != 0);
        self.seq.wrapping_add(self.payload.len() as u32 + taken)
    }

    /// As it stands in an IP packet, without a header's checksum.
    pub fn segment(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend(self.source.1.to_be_bytes());
        out.extend(self.destination.1.to_be_bytes());
        if self.proto == ip_proto::UDP {
            out.extend((self.payload.len() as u16 + 8).to_be_bytes());
            out.extend([0, 0]);
            out.extend(&self.payload);
            return out;
        }
        out.extend(self.seq.to_be_bytes());
        out.extend(self.ack.to_be_bytes());
        out.extend([(5 + self.options.len() as u8 / 4) << 4, self.flags]);
        out.extend(self.window.to_be_bytes());
        out.extend([0, 0]);
        out.extend(self.urgent.to_be_bytes());
        out.extend(&self.options);
        out.extend(&self.payload);
        out
    }
}

/// Packets of a conversation that are taken from a capture at most.
const MOST_SEGMENTS: usize = 300;

/// The conversations of a capture that begin with a SYN, as far as they are whole packets outside of tunnels.
pub fn of_capture(path: &Path) -> Vec<Conversation> {
    let mut found = Vec::<Option<Conversation>>::new();
    // Place and client by both ends, the lower first.
    let mut open: HashMap<[End; 2], (usize, End)> = HashMap::new();
    each_packet(path, |packet| {
        if packet.proto != ip_proto::TCP {
            return;
        }
        let (source, destination) =
            ((packet.source, packet.source_port), (packet.destination, packet.destination_port));
        let key = if source <= destination { [source, destination] } else { [destination, source] };
        let flags = packet.tcp.flags.0;
        let (at, client) = match open.get(&key) {
            Some(known) => *known,
            None if flags & (SYN | ACK | RST) == SYN => {
                let name = format!("{} {}", path.file_name().unwrap_or_default().to_string_lossy(), found.len());
                found.push(Some(Conversation { name, segments: Vec::new() }));
                *open.entry(key).or_insert((found.len() - 1, source))
            }
            None => return,
        };
        let Some(conversation) = &mut found[at] else { return };
        let whole = packet.payload.len() == packet.payload_len as usize && packet.tcp_options.len() % 4 == 0;
        let is_last = conversation.segments.last().is_some_and(|last| last.flags & RST != 0);
        let again = flags & SYN != 0 && conversation.segments.len() > 2;
        if !whole
            || packet.bad_checksum
            || packet.carrier
            || packet.tunnels > 0
            || again
            || conversation.segments.len() > MOST_SEGMENTS
        {
            found[at] = None;
        } else if !is_last {
            conversation.segments.push(sent(packet, source != client));
        }
    });
    found.into_iter().flatten().collect()
}

/// The UDP datagrams of a capture, as far as they are whole and outside of tunnels.
pub fn datagrams(path: &Path) -> Conversation {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut all = Conversation { name, segments: Vec::new() };
    each_packet(path, |packet| {
        let whole = packet.payload.len() == packet.payload_len as usize && !packet.bad_checksum && !packet.carrier;
        if packet.proto == ip_proto::UDP && whole && packet.tunnels == 0 && all.segments.len() < MOST_SEGMENTS {
            all.segments.push(sent(packet, false));
        }
    });
    all
}

/// The packets of a capture's frames; what came in fragments is left out.
fn each_packet(path: &Path, mut each: impl FnMut(&Packet<'_>)) {
    let file = std::fs::read(path).unwrap_or_default();
    let depths = Depths { vlans: 4, extensions: 16, tunnels: 8 };
    let mut decoder = Decoder::new(Settings { depths, verify_checksums: true, defrag: Default::default() }, 0);
    let mut anomalies = Counts::default();
    captures::frames(&file, &mut |time, link, data| {
        let mut packets = Packets::default();
        decoder.frame(&Frame { time, link, wire: data.len() as u32, data }, &mut packets, &mut anomalies);
        packets.list().iter().for_each(&mut each);
    });
}

fn sent(packet: &Packet<'_>, from_server: bool) -> Sent {
    Sent {
        proto: packet.proto,
        from_server,
        v6: packet.v6,
        source: (packet.source, packet.source_port),
        destination: (packet.destination, packet.destination_port),
        seq: packet.tcp.seq,
        ack: packet.tcp.ack,
        flags: packet.tcp.flags.0,
        window: packet.tcp.window,
        urgent: packet.tcp.urgent,
        options: packet.tcp_options.to_vec(),
        payload: packet.payload.to_vec(),
    }
}

impl Conversation {
    /// Handshake, turns of so many bytes by the server or the client, acknowledged at their end, and both FINs.
    pub fn made_up(turns: &[(bool, usize)], segment: usize, isn: [u32; 2], v6: bool, stamps: bool) -> Conversation {
        let mut maker = Maker { next: isn, v6, stamps, clock: 1000, segments: Vec::new() };
        maker.send(0, SYN, &[]);
        maker.send(1, SYN | ACK, &[]);
        maker.send(0, ACK, &[]);
        for (n, (from_server, len)) in turns.iter().enumerate() {
            let side = usize::from(*from_server);
            let start: &[u8] = match n {
                0 if side == 0 => b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n",
                0 => b"220 mail.example ESMTP ready\r\n",
                _ => b"",
            };
            let mut bytes = start.to_vec();
            bytes.extend((0..*len as u32).map(|i| (i.wrapping_mul(0x9e37_79b1) >> 24) as u8));
            // A first message comes whole, as programs write it: what follows is cut.
            let (first, rest) = bytes.split_at(start.len());
            first.chunks(1460).chain(rest.chunks(segment)).for_each(|piece| maker.send(side, ACK, piece));
            maker.send(1 - side, ACK, &[]);
        }
        for (side, flags) in [(0, FIN | ACK), (1, FIN | ACK), (0, ACK)] {
            maker.send(side, flags, &[]);
        }
        Conversation { name: "made up".into(), segments: maker.segments }
    }
}

struct Maker {
    next: [u32; 2],
    v6: bool,
    stamps: bool,
    clock: u32,
    segments: Vec<Sent>,
}

impl Maker {
    fn send(&mut self, side: usize, flags: u8, payload: &[u8]) {
        self.clock += 1;
        let mut options = Vec::new();
        if self.stamps {
            options.extend([1, 1, 8, 10]);
            options.extend(self.clock.to_be_bytes());
            options.extend([0; 4]);
        }
        let ends = match self.v6 {
            true => [(0x2001_0db8 << 96 | 1, 40_000), (0x2001_0db8 << 96 | 2, 8000)],
            false => [(0xffff_0a00_0001, 40_000), (0xffff_0a00_0002, 8000)],
        };
        let sent = Sent {
            proto: ip_proto::TCP,
            from_server: side == 1,
            v6: self.v6,
            source: ends[side],
            destination: ends[1 - side],
            seq: self.next[side],
            ack: if flags & ACK != 0 { self.next[1 - side] } else { 0 },
            flags,
            window: 65_535,
            urgent: 0,
            options,
            payload: payload.to_vec(),
        };
        self.next[side] = sent.end();
        self.segments.push(sent);
    }
}
