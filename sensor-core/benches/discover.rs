//! What discovery costs: a SYN's look-up, a ClientHello's JA4, a QUIC Initial, a DNS answer, a host touched.

#![allow(clippy::expect_used, missing_docs)]

use std::hint::black_box;
use std::net::IpAddr;

use criterion::{Criterion, criterion_group, criterion_main};
use sensor_core::discover::extract::{dns, tls};
use sensor_core::discover::os::{Signatures, Syn};
use sensor_core::discover::{AssetLimits, Assets, DiscoverLimits, Discovery, HostKey, Seen, maker};

const LINUX: [u8; 20] = [2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7];

/// A ClientHello of a browser's size: 17 ciphers, 14 extensions, a key share of 1,216 bytes.
fn hello() -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.push(32);
    body.extend([9; 32]);
    body.extend([0, 34]);
    body.extend((0..17u16).flat_map(|i| (0xc000 + i * 3).to_be_bytes()));
    body.extend([1, 0]);
    let mut extensions = vec![0, 0, 0, 20, 0, 18, 0, 0, 15];
    extensions.extend(b"www.example.com");
    extensions.extend([0, 16, 0, 14, 0, 12, 2, b'h', b'2', 8]);
    extensions.extend(b"http/1.1");
    extensions.extend([0, 43, 0, 5, 4, 3, 4, 3, 3]);
    extensions.extend([0, 13, 0, 18, 0, 16]);
    extensions.extend((0..8u16).flat_map(|i| (0x0401 + i * 256).to_be_bytes()));
    extensions.extend([0, 10, 0, 8, 0, 6, 0x11, 0xec, 0, 29, 0, 23]);
    extensions.extend([0, 51, 4, 192]);
    extensions.extend([1; 1216]);
    for kind in [5u16, 18, 23, 27, 35, 45, 65281, 17513] {
        extensions.extend(kind.to_be_bytes());
        extensions.extend([0, 0]);
    }
    body.extend((extensions.len() as u16).to_be_bytes());
    body.extend(extensions);
    let mut message = vec![1, 0];
    message.extend((body.len() as u16).to_be_bytes());
    message.extend(body);
    let mut stream = vec![22, 3, 1];
    stream.extend((message.len() as u16).to_be_bytes());
    stream.extend(message);
    stream
}

/// An answer with an alias and four addresses.
fn answer() -> Vec<u8> {
    let mut out = vec![0, 1, 0x81, 0x80, 0, 1, 0, 5, 0, 0, 0, 0];
    out.extend(b"\x03www\x07example\x03com\0\0\x01\0\x01");
    out.extend(b"\xc0\x0c\0\x05\0\x01\0\0\0\x3c\0\x06\x03cdn\xc0\x10");
    for n in 0..4 {
        out.extend(b"\xc0\x2d\0\x01\0\x01\0\0\0\x3c\0\x04");
        out.extend([192, 0, 2, n]);
    }
    out
}

fn costs(criterion: &mut Criterion) {
    let signatures = Signatures::new();
    let syn = Syn {
        answer: false,
        v6: false,
        ttl: 57,
        identification: 4711,
        dont_fragment: true,
        window: 64240,
        options: &LINUX,
    };
    criterion.bench_function("SYN look-up", |bench| bench.iter(|| signatures.look_up(black_box(&syn))));

    let stream = hello();
    criterion.bench_function("ClientHello: JA4, JA3, names", |bench| bench.iter(|| tls::messages(black_box(&stream))));
    let parsed = tls::ClientHello::parse(&stream[9..]).expect("a hello");
    criterion.bench_function("JA4 alone", |bench| bench.iter(|| black_box(&parsed).ja4(tls::Transport::Tcp)));

    let message = answer();
    assert_eq!(dns::message(&message).expect("an answer").named.len(), 4);
    criterion.bench_function("DNS answer, read", |bench| bench.iter(|| dns::message(black_box(&message))));
    let mut discovery = Discovery::new(DiscoverLimits::default());
    let seen = Seen {
        time: 1,
        vlan: 0,
        source: IpAddr::from([192, 0, 2, 53]),
        source_port: 53,
        destination: IpAddr::from([10, 0, 0, 1]),
        destination_port: 4000,
        mac: None,
        again: false,
    };
    criterion.bench_function("DNS answer, read and learned", |bench| {
        bench.iter(|| discovery.datagram(black_box(&seen), true, &message));
    });

    let mut assets = Assets::new(AssetLimits::default());
    let mut n = 0u32;
    criterion.bench_function("host touched, of 100,000", |bench| {
        bench.iter(|| {
            n = n.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let address = IpAddr::from((0x0a00_0000 + n % 100_000).to_be_bytes());
            assets.exchanged(1, HostKey { address, vlan: 0 });
        });
    });
    criterion.bench_function("maker", |bench| bench.iter(|| maker::maker(black_box([0, 0x50, 0x56, 1, 2, 3]))));
}

criterion_group!(benches, costs);
criterion_main!(benches);
