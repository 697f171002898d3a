//! What ET Open costs: payloads in which next to nothing is found, in bytes a second; whole captures, in frames a second,
//! beside the same without rules.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use flate2::read::GzDecoder;
use sensor_core::applayer::{Side, parser, protocols};
use sensor_core::decode::{Packet, ip_proto};
use sensor_core::detect::{Detector, FlowState, FlowView, Output, PacketView, Rules, Settings};
use sensor_core::engine::Config;
use sensor_core::flow::Flow;
use sensor_core::rules::{Ruleset, Variables};
use sensor_core::stream::Events;
use sensor_core::{Engine, FlowSink, Frame};

#[path = "../tests/captures/mod.rs"]
mod captures;

struct Nobody;

impl FlowSink for Nobody {
    fn flow(&mut self, _: &Flow) {}
}

fn rules() -> Option<Arc<Rules>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus/rules/et-open/emerging.rules.tar.gz");
    let mut archive = Vec::new();
    if std::fs::File::open(&path).and_then(|file| GzDecoder::new(file).read_to_end(&mut archive)).is_err() {
        let _ = writeln!(std::io::stderr(), "skipped: {} is not there", path.display());
        return None;
    }
    let mut set = Ruleset::new(Variables::default());
    set.read("et-open", &archive);
    Some(Arc::new(Rules::compile(&set, protocols::all()).0))
}

/// Text of a web page, and bytes that look like nothing.
fn payloads() -> [(&'static str, Vec<u8>); 2] {
    let text = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 8192\r\n\r\n<html><head><title>Index</title></head><body><p class=\"note\">The quick brown fox jumps over the lazy dog.</p>";
    let mut state = 1_u32;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    });
    [("text", text.iter().copied().cycle().take(1400).collect()), ("noise", noise.take(1400).collect())]
}

fn detect(criterion: &mut Criterion) {
    let Some(rules) = rules() else { return };
    let mut group = criterion.benchmark_group("detect");
    group.sample_size(10);
    let address = |last: u8| u128::from(std::net::Ipv4Addr::from([10, 0, 0, last]).to_ipv6_mapped());
    for (name, payload) in &payloads() {
        group.throughput(Throughput::Bytes(payload.len() as u64));
        for (proto, port) in [(ip_proto::TCP, 80), (ip_proto::TCP, 4433), (ip_proto::UDP, 4433)] {
            let flow = FlowView {
                id: 1,
                addresses: [address(1), address(2)],
                ports: [40_000, port],
                proto,
                app: None,
                established: true,
                first: 0,
                packets: [9, 9],
                bytes: [9000, 9000],
                payload: [9000, 9000],
            };
            let packet = Packet {
                source: flow.addresses[1],
                destination: flow.addresses[0],
                payload,
                payload_len: payload.len() as u32,
                proto,
                ..Packet::default()
            };
            let (streamed, anomalies, events) = (proto == ip_proto::TCP, &[][..], Events::NONE);
            let view =
                PacketView { packet: &packet, side: Side::ToClient, streamed, app_told: true, anomalies, events };
            let mut detector = Detector::new(Arc::clone(&rules), Settings::default());
            let (mut state, mut out) = (FlowState::default(), Output::default());
            let transport = if streamed { "tcp" } else { "udp" };
            group.bench_function(format!("{name}, {transport} {port}"), |bencher| {
                bencher.iter(|| {
                    if streamed {
                        detector.data(&flow, &mut state, Side::ToClient, 0, payload, &mut out);
                    }
                    detector.packet(&flow, &mut state, view, &mut out);
                    detector.conclude(&mut state, 0, &mut out);
                });
            });
        }
    }

    let Some(corpus) = captures::corpus() else { return };
    let data = std::fs::read(corpus.join(CAPTURE)).unwrap_or_default();
    let mut frames = Vec::new();
    captures::frames(&data, &mut |time, link, data| frames.push((time, link, data.to_vec())));
    group.throughput(Throughput::Elements(frames.len() as u64));
    for (name, rules) in [("without rules", None), ("with rules", Some(&rules))] {
        let config = Config {
            parse: Some(parser::Settings::default()),
            rules: rules.cloned(),
            discover: None,
            window_ns: None,
            ..Config::default()
        };
        group.bench_function(format!("frames, {name}"), |bencher| {
            let frames = frames.iter().map(|(time, link, data)| Frame {
                time: *time,
                link: *link,
                wire: data.len() as u32,
                data,
            });
            bencher.iter_batched(
                || Engine::new(config.clone()),
                |mut engine| {
                    engine.ingest(frames.clone(), &mut Nobody);
                    engine.finish(&mut Nobody);
                    engine
                },
                BatchSize::LargeInput,
            );
        });
    }
}

/// Of the corpus.
const CAPTURE: &str = "pcap/mix/example2.pcap";

criterion_group!(benches, detect);
criterion_main!(benches);
