//! Reads captures of the corpus for tests: records of pcap and pcapng, and of each packet what discovery takes. Small
//! on purpose: no reassembly of fragments; TCP is put in order by sequence number, first bytes win.
#![allow(dead_code, clippy::print_stdout)]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

/// The corpus beside the repository, or `None` after saying so.
pub fn corpus() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    if path.join("README.md").exists() {
        return Some(path);
    }
    println!("skipped: no corpus beside the repository");
    None
}

/// One packet's headers and payload.
#[derive(Clone, Debug)]
pub struct Packet {
    pub time: i64,
    pub macs: Option<([u8; 6], [u8; 6])>,
    pub vlan: u16,
    pub source: IpAddr,
    pub destination: IpAddr,
    pub ttl: u8,
    pub ip_id: u16,
    pub dont_fragment: bool,
    pub ip_options: bool,
    pub proto: u8,
    pub source_port: u16,
    pub destination_port: u16,
    pub tcp: Tcp,
    pub payload: Vec<u8>,
}

#[derive(Clone, Debug, Default)]
pub struct Tcp {
    pub flags: u8,
    pub seq: u32,
    pub ack: u32,
    pub window: u16,
    pub options: Vec<u8>,
}

/// Packets of a capture, as far as it can be read.
pub fn packets(path: &Path) -> Vec<Packet> {
    let data = std::fs::read(path).unwrap_or_default();
    let mut out = Vec::new();
    frames(&data, &mut |time, link, frame| out.extend(packet(time, link, frame)));
    out
}

fn u32_at(data: &[u8], at: usize, big: bool) -> Option<u32> {
    let bytes: [u8; 4] = data.get(at..at + 4)?.try_into().ok()?;
    Some(if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
}

fn u16_at(data: &[u8], at: usize, big: bool) -> Option<u16> {
    let bytes: [u8; 2] = data.get(at..at + 2)?.try_into().ok()?;
    Some(if big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
}

/// Frames of a capture, as far as it can be read: time, link type, bytes.
pub fn frames(data: &[u8], each: &mut impl FnMut(i64, u16, &[u8])) -> Option<()> {
    let magic = u32_at(data, 0, true)?;
    if magic == 0x0a0d_0d0a {
        return blocks(data, each);
    }
    let (big, nanoseconds) = match magic {
        0xa1b2_c3d4 => (true, false),
        0xa1b2_3c4d => (true, true),
        0xd4c3_b2a1 => (false, false),
        0x4d3c_b2a1 => (false, true),
        _ => return None,
    };
    let link = u32_at(data, 20, big)? as u16;
    let mut at = 24;
    loop {
        let seconds = i64::from(u32_at(data, at, big)?);
        let fraction = i64::from(u32_at(data, at + 4, big)?);
        let length = u32_at(data, at + 8, big)? as usize;
        let frame = data.get(at + 16..(at + 16 + length).min(data.len()))?;
        each(seconds * 1_000_000_000 + fraction * if nanoseconds { 1 } else { 1000 }, link, frame);
        at += 16 + length;
    }
}

fn blocks(data: &[u8], each: &mut impl FnMut(i64, u16, &[u8])) -> Option<()> {
    let (mut at, mut big) = (0, false);
    let mut interfaces: Vec<(u16, u8)> = Vec::new();
    loop {
        let kind = u32_at(data, at, big)?;
        if kind == 0x0a0d_0d0a {
            big = u32_at(data, at + 8, true)? == 0x1a2b_3c4d;
            interfaces.clear();
        }
        let length = u32_at(data, at + 4, big)? as usize;
        let block = data.get(at..at + length)?;
        match kind {
            1 => {
                let mut resolution = 6;
                let mut option = 16;
                while let (Some(code), Some(n)) = (u16_at(block, option, big), u16_at(block, option + 2, big)) {
                    if code == 9 {
                        resolution = *block.get(option + 4)?;
                    }
                    if code == 0 {
                        break;
                    }
                    option += 4 + usize::from(n).next_multiple_of(4);
                }
                interfaces.push((u16_at(block, 8, big)?, resolution));
            }
            6 => {
                let (link, resolution) = *interfaces.get(u32_at(block, 8, big)? as usize)?;
                let ticks = i64::from(u32_at(block, 12, big)?) << 32 | i64::from(u32_at(block, 16, big)?);
                let scale = 10i64.pow(9 - u32::from(resolution & 0x7f).min(9));
                let captured = u32_at(block, 20, big)? as usize;
                each(ticks.wrapping_mul(scale), link, block.get(28..28 + captured)?);
            }
            3 => {
                let (link, _) = *interfaces.first()?;
                each(0, link, block.get(12..length - 4)?);
            }
            _ => {}
        }
        at += length.max(12);
    }
}

fn packet(time: i64, link: u16, frame: &[u8]) -> Option<Packet> {
    let (mut kind, mut at, mut macs, mut vlan) = (0u16, 0, None, 0);
    match link {
        1 => {
            macs = Some((frame.get(6..12)?.try_into().ok()?, frame.get(0..6)?.try_into().ok()?));
            kind = u16_at(frame, 12, true)?;
            at = 14;
        }
        113 => (kind, at) = (u16_at(frame, 14, true)?, 16),
        276 => (kind, at) = (u16_at(frame, 0, true)?, 20),
        0 | 108 => at = 4,
        12 | 14 | 101 | 228 | 229 => {}
        9 => (kind, at) = (if u16_at(frame, 2, true)? == 0x57 { 0x86dd } else { 0x0800 }, 4),
        _ => return None,
    }
    for _ in 0..4 {
        match kind {
            0x8100 | 0x88a8 | 0x9100 => {
                if vlan == 0 {
                    vlan = u16_at(frame, at, true)? & 0xfff;
                }
                kind = u16_at(frame, at + 2, true)?;
                at += 4;
            }
            0x8864 => {
                kind = if u16_at(frame, at + 6, true)? == 0x57 { 0x86dd } else { 0x0800 };
                at += 8;
            }
            0x8847 => {
                while frame.get(at + 2)? & 1 == 0 {
                    at += 4;
                }
                (kind, at) = (0, at + 4);
            }
            _ => break,
        }
    }
    if kind == 0 {
        kind = match frame.get(at)? >> 4 {
            4 => 0x0800,
            6 => 0x86dd,
            _ => return None,
        };
    }
    let mut packet = Packet {
        time,
        macs,
        vlan,
        source: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        destination: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        ttl: 0,
        ip_id: 0,
        dont_fragment: false,
        ip_options: false,
        proto: 0,
        source_port: 0,
        destination_port: 0,
        tcp: Tcp::default(),
        payload: Vec::new(),
    };
    let ip = frame.get(at..)?;
    ip_packet(kind, ip, &mut packet, 0)
}

fn ip_packet(kind: u16, ip: &[u8], packet: &mut Packet, depth: u8) -> Option<Packet> {
    let body;
    if kind == 0x0800 {
        let header = usize::from(ip.first()? & 15) * 4;
        let total = usize::from(u16_at(ip, 2, true)?);
        let fragment = u16_at(ip, 6, true)?;
        if fragment & 0x1fff != 0 {
            return None;
        }
        packet.dont_fragment = fragment & 0x4000 != 0;
        packet.ip_id = u16_at(ip, 4, true)?;
        packet.ip_options = header > 20;
        packet.ttl = *ip.get(8)?;
        packet.proto = *ip.get(9)?;
        packet.source = IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(ip.get(12..16)?).ok()?));
        packet.destination = IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(ip.get(16..20)?).ok()?));
        let end = if total < header { ip.len() } else { total.min(ip.len()) };
        body = ip.get(header..end)?;
    } else if kind == 0x86dd {
        packet.ttl = *ip.get(7)?;
        packet.source = IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(ip.get(8..24)?).ok()?));
        packet.destination = IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(ip.get(24..40)?).ok()?));
        packet.dont_fragment = true;
        let end = (40 + usize::from(u16_at(ip, 4, true)?)).min(ip.len());
        let (mut next, mut at) = (*ip.get(6)?, 40);
        while matches!(next, 0 | 43 | 60) {
            next = *ip.get(at)?;
            at += 8 + usize::from(*ip.get(at + 1)?) * 8;
        }
        packet.proto = next;
        body = ip.get(at..end)?;
    } else {
        return None;
    }
    match packet.proto {
        4 if depth < 4 => return ip_packet(0x0800, body, packet, depth + 1),
        41 if depth < 4 => return ip_packet(0x86dd, body, packet, depth + 1),
        47 if depth < 4 => {
            let flags = u16_at(body, 0, true)?;
            let mut at = 4;
            for bit in [0x8000, 0x2000, 0x1000] {
                if flags & bit != 0 {
                    at += 4;
                }
            }
            let mut kind = u16_at(body, 2, true)?;
            if flags & 7 == 0 {
                if kind == 0x6558 {
                    kind = u16_at(body, at + 12, true)?;
                    at += 14;
                }
                return ip_packet(kind, body.get(at..)?, packet, depth + 1);
            }
        }
        6 => {
            packet.source_port = u16_at(body, 0, true)?;
            packet.destination_port = u16_at(body, 2, true)?;
            let header = usize::from(body.get(12)? >> 4) * 4;
            packet.tcp = Tcp {
                seq: u32_at(body, 4, true)?,
                ack: u32_at(body, 8, true)?,
                flags: *body.get(13)?,
                window: u16_at(body, 14, true)?,
                options: body.get(20..header)?.to_vec(),
            };
            packet.payload = body.get(header..)?.to_vec();
        }
        17 => {
            packet.source_port = u16_at(body, 0, true)?;
            packet.destination_port = u16_at(body, 2, true)?;
            packet.payload = body.get(8..)?.to_vec();
        }
        _ => {}
    }
    Some(packet.clone())
}

/// One direction of a TCP connection, in order from its first byte seen.
#[derive(Debug, Default)]
pub struct Stream {
    next: Option<u32>,
    pub bytes: Vec<u8>,
    waiting: Vec<(u32, Vec<u8>)>,
}

impl Stream {
    /// Takes a segment; a SYN sets where the stream begins. Keeps the first 64 KiB.
    pub fn segment(&mut self, tcp: &Tcp, payload: &[u8]) {
        if tcp.flags & 2 != 0 {
            self.next = Some(tcp.seq.wrapping_add(1));
            return;
        }
        if payload.is_empty() || self.bytes.len() > 65_536 {
            return;
        }
        self.next.get_or_insert(tcp.seq);
        self.waiting.push((tcp.seq, payload.to_vec()));
        loop {
            let next = self.next.unwrap_or_default();
            let Some(i) = self.waiting.iter().position(|(seq, data)| {
                let behind = next.wrapping_sub(*seq);
                behind < data.len() as u32
            }) else {
                break;
            };
            let (seq, data) = self.waiting.swap_remove(i);
            let fresh = &data[next.wrapping_sub(seq) as usize..];
            self.bytes.extend(fresh);
            self.next = Some(next.wrapping_add(fresh.len() as u32));
        }
        if self.waiting.len() > 64 {
            self.waiting.remove(0);
        }
    }
}
