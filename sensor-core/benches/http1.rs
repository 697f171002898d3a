//! What HTTP costs, in bytes a second: requests and responses with small and large, plain and compressed bodies.

#![allow(clippy::expect_used, missing_docs)]

use std::hint::black_box;
use std::io::Write as _;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sensor_core::applayer::http1::PROTOCOL;
use sensor_core::applayer::parser::{Context, Settings};
use sensor_core::applayer::{Side, Transport};

const REQUEST: &[u8] = b"GET /news/2024/05/index.html?id=4711&lang=en HTTP/1.1\r\nHost: www.example.com\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0\r\n\
    Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\nAccept-Language: en-US,en;q=0.5\r\n\
    Accept-Encoding: gzip, deflate, br\r\nReferer: http://www.example.com/\r\nConnection: keep-alive\r\n\
    Cookie: session=0123456789abcdef; theme=dark\r\n\r\n";

fn response(coding: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nDate: Tue, 14 May 2024 10:00:00 GMT\r\nServer: Apache\r\nContent-Type: text/html\r\n{coding}\
         Cache-Control: max-age=60\r\nContent-Length: {}\r\nConnection: keep-alive\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// Ten requests and their responses, in segments.
fn run(response: &[u8], settings: &Settings) {
    let mut parser = (PROTOCOL.parser)(settings);
    let mut cx =
        Context { time: 0, transport: Transport::Tcp, ports: (40_000, 80), settings, next: None, announced: None };
    for id in 0..10 {
        parser.data(Side::ToServer, REQUEST, &mut cx);
        for segment in response.chunks(1460) {
            parser.data(Side::ToClient, segment, &mut cx);
        }
        parser.release(id);
    }
    black_box(parser.ids());
}

fn bench(c: &mut Criterion) {
    let settings = Settings::default();
    let text: Vec<u8> =
        (0..200_000_u32).map(|n| b"<p>a text of words</p>\n"[(n.wrapping_mul(n) / 7 % 23) as usize]).collect();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&text).expect("a vector takes all");
    let gzip = gzip.finish().expect("a vector takes all");
    let mut group = c.benchmark_group("http1");
    for (name, response) in [
        ("no body", response("", b"")),
        ("4 KB", response("", text.get(..4096).unwrap_or_default())),
        ("200 KB", response("", &text)),
        ("200 KB in gzip", response("Content-Encoding: gzip\r\n", &gzip)),
    ] {
        group.throughput(Throughput::Bytes(10 * (REQUEST.len() + response.len()) as u64));
        group.bench_function(name, |b| b.iter(|| run(black_box(&response), &settings)));
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
