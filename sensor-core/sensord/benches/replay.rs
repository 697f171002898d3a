//! Packets a second of a replay without rules, from memory: flows alone, with summary rows, with EVE lines; and of
//! reading the file alone. One thread, so a second is a CPU second.

#![allow(clippy::print_stderr, reason = "it says what it skips")]

use std::hint::black_box;
use std::io;
use std::path::Path;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use sensor_core::engine::Config;
use sensor_core::{Engine, FlowSink, Frame};
use sensord::capture::Batch;
use sensord::capture::file::CaptureReader;
use sensord::eve::EveWriter;

fn benches(criterion: &mut Criterion) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let sample = root.join("tests/data/sample.pcap");
    let once = Capture::read(&sample);
    reading(criterion, "sample", &sample, once.frames.len());
    replay(criterion, "sample, 40 sites", &once.at_sites(40));

    let larger = root.join("../shared/corpus/pcap/mix/example2.pcap");
    if larger.exists() {
        let once = Capture::read(&larger);
        reading(criterion, "example2", &larger, once.frames.len());
        replay(criterion, "example2", &once);
    } else {
        eprintln!("skipped: no corpus beside the repository");
    }
}

/// From the file to batches of frames.
fn reading(criterion: &mut Criterion, name: &str, path: &Path, packets: usize) {
    let mut group = criterion.benchmark_group("replay");
    group.throughput(Throughput::Elements(packets as u64));
    let mut batch = Batch::default();
    group.bench_function(format!("{name}: read"), |bencher| {
        bencher.iter(|| {
            let Ok(mut reader) = CaptureReader::open(path) else { return };
            while let Ok(true) = reader.fill(&mut batch) {
                black_box(&batch);
            }
        });
    });
    group.finish();
}

/// From frames in memory to flows and what is made of them.
fn replay(criterion: &mut Criterion, name: &str, capture: &Capture) {
    let mut group = criterion.benchmark_group("replay");
    group.throughput(Throughput::Elements(capture.frames.len() as u64));
    for (what, rows, eve) in
        [("flows", false, false), ("flows, rows", true, false), ("flows, EVE", false, true), ("all", true, true)]
    {
        group.bench_function(format!("{name}: {what}"), |bencher| {
            bencher.iter_batched_ref(
                || (engine(rows), EveWriter::new(eve.then(io::sink), Default::default(), Default::default())),
                |(engine, sink)| capture.run(engine, sink),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

fn engine(rows: bool) -> Engine {
    let default = Config::default();
    Engine::new(Config { window_ns: default.window_ns.filter(|_| rows), ..default })
}

/// A capture in memory.
struct Capture {
    bytes: Vec<u8>,
    frames: Vec<Meta>,
}

#[derive(Clone, Copy)]
struct Meta {
    time: i64,
    link: u16,
    wire: u32,
    offset: usize,
    captured: usize,
}

impl Capture {
    /// Reads a capture; what can't be read of it is an empty capture, and shows as such.
    fn read(path: &Path) -> Capture {
        let mut capture = Capture { bytes: Vec::new(), frames: Vec::new() };
        let Ok(mut reader) = CaptureReader::open(path) else { return capture };
        let mut batch = Batch::default();
        while let Ok(true) = reader.fill(&mut batch) {
            let base = capture.bytes.len();
            capture.bytes.extend_from_slice(&batch.arena);
            capture.frames.extend(batch.frames.iter().map(|meta| Meta {
                time: meta.time,
                link: meta.link,
                wire: meta.wire,
                offset: base + meta.offset as usize,
                captured: meta.captured as usize,
            }));
        }
        capture
    }

    /// The same traffic at so many sites at once, as one capture in the order of time. The sites' addresses differ, and
    /// each is a hundred milliseconds behind the one before.
    fn at_sites(&self, sites: u8) -> Capture {
        let mut order: Vec<_> = (0..sites)
            .flat_map(|site| {
                self.frames.iter().map(move |meta| (meta.time + i64::from(site) * 100_000_000, site, meta))
            })
            .collect();
        order.sort_by_key(|(time, ..)| *time);
        let mut capture = Capture { bytes: Vec::new(), frames: Vec::new() };
        for (time, site, meta) in order {
            let offset = capture.bytes.len();
            capture.bytes.extend_from_slice(self.frame(meta));
            move_to(site, capture.bytes.get_mut(offset..).unwrap_or_default());
            capture.frames.push(Meta { time, offset, ..*meta });
        }
        capture
    }

    fn frame(&self, meta: &Meta) -> &[u8] {
        self.bytes.get(meta.offset..meta.offset + meta.captured).unwrap_or_default()
    }

    fn run(&self, engine: &mut Engine, sink: &mut impl FlowSink) {
        // As large as the batches of a replay.
        for frames in self.frames.chunks(512) {
            let frames = frames.iter().map(|meta| Frame {
                time: meta.time,
                link: meta.link,
                wire: meta.wire,
                data: self.frame(meta),
            });
            engine.ingest(frames, sink);
        }
        engine.finish(sink);
        black_box(engine.stats());
    }
}

/// Changes one byte of both addresses of an untagged Ethernet frame with IPv4 or IPv6.
fn move_to(site: u8, frame: &mut [u8]) {
    let places = match frame.get(12..14) {
        Some([0x08, 0x00]) => [27, 31],
        Some([0x86, 0xdd]) => [24, 40],
        _ => return,
    };
    for place in places {
        if let Some(byte) = frame.get_mut(place) {
            *byte ^= site;
        }
    }
}

criterion_group!(replays, benches);
criterion_main!(replays);
