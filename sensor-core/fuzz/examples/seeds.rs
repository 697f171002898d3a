//! Writes seeds for every target from captures: `seeds CORPUS CAPTURE...`, where `CORPUS/TARGET/` take the files.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::{env, fs};

use sensor_core::Frame;
use sensor_core::anomaly::Counts;
use sensor_core::applayer::{Ctx, Prefixes, Probe, Side, Transport, Verdict};
use sensor_core::decode::{Decoder, Depths, Packet, Packets, Settings, ip_proto};
use sensor_core::rules::keywords;
use sensor_fuzz::{applayer, discovery, frames};
use sensor_wire::codec;
use sensor_wire::interface::Interfaces;
use sensor_wire::view::Prefs;
use sensord::capture::Batch;
use sensord::capture::file::CaptureReader;

/// Frames of one seed; more make the fuzzer slow.
const FRAMES: usize = 12;
/// The same where flows have to be seen whole.
const FLOW_FRAMES: usize = 40;
/// Bytes of one flow's messages.
const MESSAGES: usize = 16 << 10;
/// Longest frame or payload that is taken.
const LONGEST: usize = 1600;

fn main() {
    let mut arguments = env::args_os().skip(1).map(PathBuf::from);
    let corpus = arguments.next().expect("a folder for the seeds");
    messages(&corpus);
    fragments(&corpus);
    rules(&corpus);
    for path in arguments {
        let name = path.file_name().unwrap_or_default().to_string_lossy().replace(['.', ' '], "-");
        capture(&corpus, &path, &name);
    }
}

/// The messages of the first protocol, with the number that [`sensor_fuzz::wire`] has for their kind.
fn messages(corpus: &Path) {
    const KINDS: [(&str, u8); 5] = [("hello", 0), ("request", 1), ("live", 2), ("flows", 3), ("values", 4)];
    let golden = include_str!("../../wire/tests/golden/protocol-1.txt");
    for (name, hex) in golden.lines().filter_map(|line| line.split_once(": ")) {
        let Some((_, kind)) = KINDS.iter().find(|(prefix, _)| name.starts_with(prefix)) else { continue };
        let digits = hex.bytes().filter_map(|digit| char::from(digit).to_digit(16)).collect::<Vec<_>>();
        let message = digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | *digit as u8));
        write(corpus, "wire", &name.replace(' ', "-"), &std::iter::once(*kind).chain(message).collect::<Vec<_>>());
    }
    for (kind, name, message) in
        [(5, "interfaces", codec::encode(&Interfaces::default())), (8, "preferences", codec::encode(&Prefs::default()))]
    {
        write(corpus, "wire", name, &[&[kind], message.expect("a message").as_slice()].concat());
    }
}

/// The rules that the target `detection` runs, a few at a time, with what stands beside rules; and a dictionary of
/// keywords, for `-dict=`.
fn rules(corpus: &Path) {
    const BESIDE: &str = "\0suppress gen_id 1, sig_id 2, track by_src, ip [10.0.0.0/8,!10.0.0.1]\n\
        threshold gen_id 0, sig_id 0, type limit, track by_src, count 1, seconds 60\n\
        rate_filter gen_id 1, sig_id 3, track by_rule, count 2, seconds 5, new_action drop, timeout 9\n\0\
        config classification: misc-activity,Misc activity,3\n\0HOME_NET=[10.0.0.0/8,$OTHER]\nOTHER=192.0.2.0/24\n\
        HTTP_PORTS:=[80,8000:8080,!8001]\n\0YQ==,5\nYg==\n";
    let text = include_str!("../src/detection.rules");
    let all: Vec<&str> = text.lines().filter(|line| line.starts_with(char::is_alphabetic)).collect();
    for (n, some) in all.chunks(3).enumerate() {
        write(corpus, "rules", &format!("kinds-{n}"), (some.join("\n") + BESIDE).as_bytes());
    }
    let mut words: Vec<&str> = keywords().collect();
    words.extend([
        "alert",
        "any any -> any any",
        "to_server",
        "established",
        "/[^a]{1,3}.*b/R",
        "msg:\\\"\\\"",
        "sid:",
    ]);
    words.sort_unstable();
    let words: String = words.iter().map(|word| format!("\"{word}\"\n")).collect();
    fs::write(corpus.join("rules.dict"), words).expect("a dictionary");
}

/// A datagram in halves, in both versions and both orders, under each policy.
fn fragments(corpus: &Path) {
    for policy in 0..7 {
        for (n, order) in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [0, 2, 1]].into_iter().enumerate() {
            let mut seed = vec![policy, 0, 0];
            for v6 in [0, 1] {
                for part in order {
                    // Three parts of 24 bytes that overlap by 8.
                    let more = if part < 2 { 0x20 } else { 0 };
                    seed.extend([v6, more, part * 2, 0, 24, 0, 0, 1 + 50 * part]);
                }
            }
            write(corpus, "defrag", &format!("halves-{policy}-{n}"), &seed);
        }
    }
}

/// Seeds of one capture.
fn capture(corpus: &Path, path: &Path, name: &str) {
    let whole = fs::read(path).unwrap_or_default();
    if whole.len() <= 8192 {
        write(corpus, "capture_file", name, &whole);
    }
    let Ok(mut reader) = CaptureReader::open(path) else { return };
    let mut batch = Batch::default();
    let (mut lots, mut long): (Vec<Vec<u8>>, Vec<Vec<u8>>) = Default::default();
    let mut flows = HashMap::new();
    let (mut seen, mut last) = (0, 0);
    while let Ok(true) = reader.fill(&mut batch) {
        for meta in &batch.frames {
            let data = &batch.arena[meta.offset as usize..][..meta.captured as usize];
            if data.len() > LONGEST || seen == 4096 {
                continue;
            }
            if seen < 4 * FRAMES {
                if seen % FRAMES == 0 {
                    lots.push(vec![0]);
                }
                let later = (meta.time - last) / 1_000_000;
                lots.last_mut().into_iter().for_each(|lot| frames::write(lot, meta.link, later, meta.wire, data));
                if seen % FLOW_FRAMES == 0 {
                    // Rules see streams without handshake, and rows are made.
                    long.push(vec![0x46, 4]);
                }
                long.last_mut().into_iter().for_each(|lot| frames::write(lot, meta.link, later, meta.wire, data));
                last = meta.time;
            }
            seen += 1;
            flow_packets(&Frame { time: meta.time, link: meta.link, wire: meta.wire, data }, &mut flows);
        }
    }
    for (n, lot) in lots.iter().enumerate() {
        write(corpus, "decode", &format!("{name}-{n}"), lot);
        write(corpus, "engine", &format!("{name}-{n}"), lot);
    }
    for (n, lot) in long.iter().enumerate() {
        write(corpus, "detection", &format!("{name}-{n}"), lot);
    }
    let mut flows: Vec<Flow> = flows.into_values().collect();
    flows.sort_by_key(|flow| (flow.client, flow.port));
    for (n, flow) in flows.iter().take(24).enumerate() {
        let name = format!("{name}-{n}");
        write(corpus, "probing", &name, &flow.probing);
        write(corpus, "discovery", &name, &flow.discovery);
        flow.messages(corpus, &name);
        if flow.segments > 2 {
            write(corpus, "reassembly", &name, &flow.reassembly);
        }
    }
}

/// What is written of a flow for the targets that begin above packets.
struct Flow {
    client: u128,
    port: u16,
    segments: usize,
    /// After the highest number of each side.
    top: [Option<u32>; 2],
    probing: Vec<u8>,
    discovery: Vec<u8>,
    reassembly: Vec<u8>,
    payloads: Vec<(bool, Vec<u8>)>,
    ports: (u16, u16),
    udp: bool,
}

type Key = (u8, [(u128, u16); 2]);

fn flow_packets(frame: &Frame<'_>, flows: &mut HashMap<Key, Flow>) {
    let depths = Depths { vlans: 4, extensions: 16, tunnels: 8 };
    let settings = Settings { depths, verify_checksums: false, defrag: Default::default() };
    let (mut packets, mut anomalies) = (Packets::default(), Counts::default());
    Decoder::new(settings, 0).frame(frame, &mut packets, &mut anomalies);
    for packet in packets.list() {
        if !matches!(packet.proto, ip_proto::TCP | ip_proto::UDP) {
            continue;
        }
        let ends = [(packet.source, packet.source_port), (packet.destination, packet.destination_port)];
        let mut key = ends;
        key.sort_unstable();
        flows.entry((packet.proto, key)).or_insert_with(|| Flow::new(packet)).packet(packet);
    }
}

impl Flow {
    fn new(packet: &Packet<'_>) -> Flow {
        let is_udp = packet.proto == ip_proto::UDP;
        let mut probing = vec![if is_udp { 2 } else { 0 }];
        probing.extend(packet.source_port.to_be_bytes());
        probing.extend(packet.destination_port.to_be_bytes());
        // Midstream and one side are taken, bounds are wide, both are BSD; numbers begin near the wrap.
        let reassembly = [3, 1, 0, 0, 0, 2, 2, 0xff, 0xff, 0xff, 0, 0, 0, 1, 0].to_vec();
        Flow {
            client: packet.source,
            port: packet.source_port,
            segments: 0,
            top: [None; 2],
            probing,
            discovery: Vec::new(),
            reassembly,
            payloads: Vec::new(),
            ports: (packet.source_port, packet.destination_port),
            udp: is_udp,
        }
    }

    /// The flow's messages, if they are of a protocol that can be parsed.
    fn messages(&self, corpus: &Path, name: &str) {
        let transport = if self.udp { Transport::Udp } else { Transport::Tcp };
        let ctx = Ctx { transport, ports: self.ports };
        let (mut probe, mut prefixes) = (Probe::default(), Prefixes::new(4));
        for (from_server, payload) in &self.payloads {
            let side = if *from_server { Side::ToClient } else { Side::ToServer };
            probe.data(ctx, side, payload, &mut prefixes);
        }
        let Verdict::Is(app) = probe.verdict() else { return };
        let Some(number) = applayer::number(app) else { return };
        let mut seed = vec![number, u8::from(self.udp) | 2];
        seed.extend(self.ports.0.to_be_bytes());
        seed.extend(self.ports.1.to_be_bytes());
        for (from_server, payload) in &self.payloads {
            seed.push(applayer::whole(*from_server));
            block(&mut seed, payload);
        }
        write(corpus, "applayer", &format!("{}-{name}", app.name()), &seed);
    }

    fn packet(&mut self, packet: &Packet<'_>) {
        let from_server = (packet.source, packet.source_port) != (self.client, self.port);
        if packet.proto == ip_proto::TCP {
            self.segment(packet, from_server);
        }
        let payload = packet.payload;
        let taken: usize = self.payloads.iter().map(|(_, payload)| payload.len()).sum();
        if !payload.is_empty() && payload.len() <= LONGEST && taken < MESSAGES {
            self.payloads.push((from_server, payload.to_vec()));
        }
        if payload.is_empty() || payload.len() > LONGEST || self.probing.len() > 4 * LONGEST {
            return;
        }
        self.probing.push(u8::from(from_server));
        block(&mut self.probing, payload);
        let what = if packet.proto == ip_proto::UDP { 0 } else { 2 };
        self.told(what, packet, from_server);
        if what == 2 {
            // The whole at once.
            self.discovery.push(255);
        }
        block(&mut self.discovery, payload);
    }

    /// The head of a step of discovery.
    fn told(&mut self, what: u8, packet: &Packet<'_>, from_server: bool) {
        let hosts = if from_server { 1 | 2 << 3 } else { 2 | 1 << 3 };
        self.discovery.extend([what | u8::from(from_server) << 3, hosts]);
        let (source, destination) = (packet.source_port, packet.destination_port);
        let [client, server] = if from_server { [destination, source] } else { [source, destination] };
        discovery::write_port(&mut self.discovery, client);
        discovery::write_port(&mut self.discovery, server);
    }

    fn segment(&mut self, packet: &Packet<'_>, from_server: bool) {
        if packet.tcp.flags.0 & 2 != 0 && packet.tcp_options.len() <= 40 {
            self.told(7 | 0x80, packet, from_server);
            self.discovery.push(packet.ttl);
            self.discovery.extend(packet.tcp.window.to_be_bytes());
            self.discovery.extend(packet.ip_id.to_be_bytes());
            self.discovery.push(packet.tcp_options.len() as u8);
            self.discovery.extend(packet.tcp_options);
        }
        if self.segments > 64 || packet.payload_len > 0x1fff {
            return;
        }
        self.segments += 1;
        let [mine, peers] = if from_server { [1, 0] } else { [0, 1] };
        let first = packet.tcp.seq.wrapping_add(1);
        let ahead = packet.tcp.seq.wrapping_sub(*self.top[mine].get_or_insert(first)) as i16;
        let acked = self.top[peers].map_or(0, |top| packet.tcp.ack.wrapping_sub(top) as i16);
        self.reassembly.extend([u8::from(from_server) | 2 | 4 | 8 | 0x10 | 0x80, 1, packet.tcp.flags.0]);
        self.reassembly.extend(ahead.to_be_bytes());
        self.reassembly.extend(acked.to_be_bytes());
        self.reassembly.extend((packet.payload_len as u16).to_be_bytes());
        self.reassembly.extend(packet.tcp.window.to_be_bytes());
        if packet.tcp.flags.0 & 0x20 != 0 {
            self.reassembly.extend(packet.tcp.urgent.to_be_bytes());
        }
        if ahead >= 0 {
            self.top[mine] = Some(packet.tcp.seq.wrapping_add(packet.payload_len));
        }
    }
}

fn block(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend((bytes.len() as u16).to_be_bytes());
    out.extend(bytes);
}

fn write(corpus: &Path, target: &str, name: &str, seed: &[u8]) {
    let folder = corpus.join(target);
    fs::create_dir_all(&folder).expect("a folder for the seeds");
    fs::write(folder.join(name), seed).expect("a seed");
}
