//! What probing costs a flow: the first message of each side until the protocol is known, or given up on.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use sensor_core::applayer::{Ctx, Prefixes, Probe, Side, Transport, Verdict};

fn probe(criterion: &mut Criterion) {
    let tls = [&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..], &[0x5a; 506]].concat();
    let http = b"GET /index.html HTTP/1.1\r\nHost: example.com\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n".to_vec();
    let dns = b"\x12\x34\x01\x00\0\x01\0\0\0\0\0\0\x03www\x07example\x03com\0\0\x01\0\x01".to_vec();
    // A fixed sequence of noise; its first byte is every one in turn, as encrypted flows have it.
    let noise: Vec<Vec<u8>> = (0..=255_u8)
        .map(|first| {
            let mut state = u32::from(first) + 1;
            let mut bytes: Vec<u8> = (0..400)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 24) as u8
                })
                .collect();
            bytes[0] = first;
            bytes
        })
        .collect();
    let mut prefixes = Prefixes::new(4096);
    let mut group = criterion.benchmark_group("probe");
    for (name, transport, flow) in [
        ("tls", Transport::Tcp, std::slice::from_ref(&tls)),
        ("http", Transport::Tcp, std::slice::from_ref(&http)),
        ("dns", Transport::Udp, std::slice::from_ref(&dns)),
        ("noise over tcp", Transport::Tcp, &noise),
        ("noise over udp", Transport::Udp, &noise),
    ] {
        let ctx = Ctx { transport, ports: (40000, 50000) };
        let mut at = 0;
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut probe = Probe::default();
                for side in [Side::ToServer, Side::ToClient] {
                    at = (at + 1) % flow.len();
                    if probe.data(ctx, side, black_box(&flow[at]), &mut prefixes) != Verdict::NeedMore {
                        break;
                    }
                }
                probe.verdict()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, probe);
criterion_main!(benches);
