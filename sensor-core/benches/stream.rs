//! What a TCP segment costs, beside a plain sum over the same bytes' first words.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sensor_core::stream::{Connection, End, Policy, Reader, Segment, Settings, Side, Streams, Wants, flags};

/// Touches what it is given, as little as possible.
#[derive(Default)]
struct Touch(u64);

impl Reader for Touch {
    fn data(&mut self, _: Side, bytes: &[u8]) -> Wants {
        self.0 = self.0.wrapping_add(u64::from(bytes[0]) + bytes.len() as u64);
        Wants::More
    }

    fn gap(&mut self, _: Side, _: u64) -> Wants {
        Wants::More
    }

    fn end(&mut self, _: Side, _: End) {}
}

fn segment(side: Side, seq: u32, ack: u32, flags: u8, payload: &[u8]) -> Segment<'_> {
    let len = payload.len() as u32;
    let time = 1_700_000_000_000_000_000;
    Segment {
        time,
        side,
        seq,
        ack,
        flags,
        window: 65535,
        urgent: 0,
        scale: None,
        timestamp: None,
        fast_open: false,
        len,
        payload,
    }
}

fn open(streams: &mut Streams, reader: &mut impl Reader) -> Connection {
    let mut connection = Connection::new(Policy::Linux, Policy::Linux);
    connection.segment(&segment(Side::Client, 0, 0, flags::SYN, b""), streams, reader);
    connection.segment(&segment(Side::Server, 0, 1, flags::SYN | flags::ACK, b""), streams, reader);
    connection.segment(&segment(Side::Client, 1, 1, flags::ACK, b""), streams, reader);
    connection
}

fn bench(criterion: &mut Criterion) {
    let payload = [7; 1460];
    let settings = Settings { depth: 0, ..Settings::default() };
    let mut group = criterion.benchmark_group("stream");
    group.throughput(Throughput::Elements(3));

    // Two segments and their acknowledgement.
    group.bench_function("in order", |b| {
        let (mut streams, mut reader) = (Streams::new(settings), Touch::default());
        let mut connection = open(&mut streams, &mut reader);
        let mut seq = 1u32;
        b.iter(|| {
            for _ in 0..2 {
                let one = segment(Side::Server, seq, 1, flags::ACK, &payload);
                black_box(connection.segment(black_box(&one), &mut streams, &mut reader));
                seq = seq.wrapping_add(1460);
            }
            let ack = segment(Side::Client, 1, seq, flags::ACK, b"");
            black_box(connection.segment(black_box(&ack), &mut streams, &mut reader));
        });
    });

    group.bench_function("nobody reads", |b| {
        let mut streams = Streams::new(settings);
        let mut connection = open(&mut streams, &mut ());
        let mut seq = 1u32;
        b.iter(|| {
            for _ in 0..2 {
                let one = segment(Side::Server, seq, 1, flags::ACK, &payload);
                black_box(connection.segment(black_box(&one), &mut streams, &mut ()));
                seq = seq.wrapping_add(1460);
            }
            let ack = segment(Side::Client, 1, seq, flags::ACK, b"");
            black_box(connection.segment(black_box(&ack), &mut streams, &mut ()));
        });
    });

    group.bench_function("two change places", |b| {
        let (mut streams, mut reader) = (Streams::new(settings), Touch::default());
        let mut connection = open(&mut streams, &mut reader);
        let mut seq = 1u32;
        b.iter(|| {
            for at in [seq.wrapping_add(1460), seq] {
                let one = segment(Side::Server, at, 1, flags::ACK, &payload);
                black_box(connection.segment(black_box(&one), &mut streams, &mut reader));
            }
            seq = seq.wrapping_add(2920);
            let ack = segment(Side::Client, 1, seq, flags::ACK, b"");
            black_box(connection.segment(black_box(&ack), &mut streams, &mut reader));
        });
    });
    group.finish();

    // The worst that one packet can do: it fills the hole before a full list.
    let mut group = criterion.benchmark_group("stream, hostile");
    group.throughput(Throughput::Elements(4096));
    group.bench_function("4,096 bytes backwards", |b| {
        let (mut streams, mut reader) = (Streams::new(settings), Touch::default());
        b.iter(|| {
            let mut connection = open(&mut streams, &mut reader);
            for i in (0..4096u32).rev() {
                let one = segment(Side::Server, 1 + i * 2, 1, flags::ACK, &payload[..1]);
                black_box(connection.segment(&one, &mut streams, &mut reader));
            }
            connection.close(&mut streams, &mut reader);
        });
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
