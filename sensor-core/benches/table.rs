//! What a packet costs among few and among very many concurrent flows, and what an idle flow takes of memory.
//!
//! Frames are made in a small arena just before they are counted, so that the flow table is all that grows with the
//! number of flows. An iteration is 1,000 packets: its microseconds are nanoseconds a packet.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it prints what it measured")]

use std::fs;
use std::process::Command;

use criterion::{Criterion, Throughput, criterion_group};
use sensor_core::discover::DiscoverLimits;
use sensor_core::engine::Config;
use sensor_core::{Engine, Frame, Limits};

const FLOWS: [u32; 4] = [1_000, 10_000, 100_000, 1_000_000];

fn time(criterion: &mut Criterion) {
    for (what, payload) in [("known", TELLING), ("probed", NOISE)] {
        let mut group = criterion.benchmark_group(format!("table, protocol {what}"));
        group.throughput(Throughput::Elements(LOT.into())).sample_size(30);
        for flows in FLOWS {
            let mut traffic = Traffic::new();
            let mut engine = opened(flows, payload, false, false, &mut traffic);
            let mut turn = 0;
            group.bench_function(format!("{flows} flows in turn"), |bencher| {
                bencher.iter(|| {
                    traffic.send(&mut engine, LOT, |_| {
                        turn = (turn + 1) % flows;
                        (turn, Part::Data(payload))
                    });
                });
            });
            let mut random = 1u64;
            group.bench_function(format!("{flows} flows at random"), |bencher| {
                bencher.iter(|| {
                    traffic.send(&mut engine, LOT, |_| {
                        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                        ((((random >> 32) * u64::from(flows)) >> 32) as u32, Part::Data(payload))
                    });
                });
            });
            assert_eq!(engine.open_flows(), flows as usize);
        }
        group.finish();
    }
}

/// An engine with this many open flows, whose client has said `payload` and whose server has answered. `hosts` are
/// looked for or not: there are a sixteenth as many as flows.
fn opened(flows: u32, payload: &'static Payload, rows: bool, hosts: bool, traffic: &mut Traffic) -> Engine {
    let most = 2 * flows as usize;
    // Room for all, so that neither emergency nor refusal is measured.
    let limits = Limits { flows: most, kept_flows: most, rows: most, inspections: most, ..Limits::default() };
    let window_ns = rows.then_some(10_000_000_000);
    let discover = hosts.then(DiscoverLimits::default);
    let mut engine = Engine::new(Config { limits, window_ns, discover, seed: 1, ..Config::default() });
    let answer = if payload == TELLING { b"HTTP/1.1 200 O\r\n\r\n" } else { NOISE };
    let parts = [Part::Syn, Part::SynAck, Part::Ack, Part::Data(payload), Part::Answer(answer)];
    traffic.send(&mut engine, 5 * flows, |n| (n / 5, parts[n as usize % 5]));
    assert_eq!(engine.open_flows(), flows as usize);
    assert_eq!(engine.inspections(), if payload == TELLING { 0 } else { flows as usize });
    engine
}

/// Packets that are measured at a time.
const LOT: u32 = 1_000;

/// A message that tells its protocol at once, and one that never does.
const TELLING: &Payload = b"GET / HTTP/1.1\r\n\r\n";
const NOISE: &Payload = b"\xf1\xe2\xd3\xc4\xb5\xa6\x97\x88\x79\x6a\x5b\x4c\x3d\x2e\x1f\xf0\xe1\xd2";

type Payload = [u8; 18];

#[derive(Clone, Copy)]
enum Part {
    Syn,
    SynAck,
    Ack,
    Data(&'static Payload),
    Answer(&'static Payload),
}

/// Ethernet, IPv4, TCP, payload.
const FRAME: usize = 14 + 20 + 20 + 18;

/// Makes TCP frames of numbered flows.
struct Traffic {
    arena: [[u8; FRAME]; 64],
    time: i64,
}

impl Traffic {
    fn new() -> Traffic {
        let mut frame = [0; FRAME];
        frame[12..14].copy_from_slice(&[8, 0]);
        // IPv4, whose length is written later, then TCP with 20 bytes of header.
        frame[14..34].copy_from_slice(&[0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 0, 192, 0, 2, 1]);
        frame[46..54].copy_from_slice(&[0x50, 0, 0xff, 0xff, 0, 0, 0, 0]);
        Traffic { arena: [frame; 64], time: 1_700_000_000_000_000_000 }
    }

    /// Sends this many packets, a microsecond apart: `next` gives the flow's number and the packet of the n-th.
    fn send(&mut self, engine: &mut Engine, packets: u32, mut next: impl FnMut(u32) -> (u32, Part)) {
        let mut sent = 0;
        while sent < packets {
            let n = (packets - sent).min(self.arena.len() as u32);
            for (frame, number) in self.arena.iter_mut().zip(sent..sent + n) {
                let (flow, part) = next(number);
                part.write(flow, frame);
            }
            let times = (self.time..).step_by(1_000);
            let frames = self.arena.iter().zip(times).take(n as usize);
            engine.ingest(frames.map(|(data, time)| Frame { time, link: 1, wire: FRAME as u32, data }), &mut ());
            self.time += i64::from(n) * 1_000;
            sent += n;
        }
    }
}

impl Part {
    fn write(self, flow: u32, frame: &mut [u8; FRAME]) {
        let client = (0x0a00_0000 + (flow >> 4)).to_be_bytes();
        let server = [192, 0, 2, flow as u8];
        let client_port = (20_000 + (flow & 15) as u16).to_be_bytes();
        let (from_client, length, flags, seq, ack, payload) = match self {
            Part::Syn => (true, 40, 2, FIRST, 0, &[0; 18]),
            Part::SynAck => (false, 40, 18, ANSWER, FIRST + 1, &[0; 18]),
            Part::Ack => (true, 40, 16, FIRST + 1, ANSWER + 1, &[0; 18]),
            Part::Data(payload) => (true, 58, 24, FIRST + 1, ANSWER + 1, payload),
            Part::Answer(payload) => (false, 58, 24, ANSWER + 1, FIRST + 19, payload),
        };
        let port = 7_777u16.to_be_bytes();
        let [from, to] =
            if from_client { [(client, client_port), (server, port)] } else { [(server, port), (client, client_port)] };
        frame[17] = length;
        frame[26..30].copy_from_slice(&from.0);
        frame[30..34].copy_from_slice(&to.0);
        frame[34..36].copy_from_slice(&from.1);
        frame[36..38].copy_from_slice(&to.1);
        frame[38..42].copy_from_slice(&seq.to_be_bytes());
        frame[42..46].copy_from_slice(&ack.to_be_bytes());
        frame[47] = flags;
        frame[54..FRAME].copy_from_slice(payload);
    }
}

/// First numbers of the two sides.
const FIRST: u32 = 1_000;
const ANSWER: u32 = 9_000;

/// Bytes of an idle flow, each case in a process of its own so that no other's memory is in it.
fn memory() {
    let Ok(program) = std::env::current_exe() else { return };
    for case in ["known", "probed", "known, hosts", "probed, hosts", "known, rows, hosts", "probed, rows, hosts"] {
        if let Err(error) = Command::new(&program).args([MEMORY, case]).status() {
            eprintln!("memory not measured: {error}");
        }
    }
}

fn memory_of(case: &str) {
    let flows = 1_000_000;
    let Some((before, _)) = resident() else {
        println!("memory is measured on Linux only");
        return;
    };
    let payload = if case.starts_with("known") { TELLING } else { NOISE };
    let mut engine = opened(flows, payload, case.contains("rows"), case.contains("hosts"), &mut Traffic::new());
    engine.changed_after(0, 1);
    let Some((after, peak)) = resident() else { return };
    let each = |bytes: u64| bytes.saturating_sub(before) / u64::from(flows);
    println!("{case}: {} bytes an idle flow, {} at most on the way", each(after), each(peak));
}

/// Bytes of memory of this process: now, and at most.
fn resident() -> Option<(u64, u64)> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
    };
    Some((field("VmRSS:")?, field("VmHWM:")?))
}

const MEMORY: &str = "--memory-of";

criterion_group!(benches, time);

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, first, case] = arguments.as_slice()
        && first == MEMORY
    {
        return memory_of(case);
    }
    memory();
    benches();
    Criterion::default().configure_from_args().final_summary();
}
