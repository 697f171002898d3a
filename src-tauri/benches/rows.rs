//! What a batch of changes costs a full row cache, and what a change of the sort order costs; and what the list of hosts
//! costs at its bound.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use nightjar_app::hosts::Hosts;
use nightjar_app::rows::Rows;
use nightjar_app::zone::Zone;
use sensor_wire::host::{HostRecord, NameRecord, ProductRecord, ServiceRecord};
use sensor_wire::view::{Column, HostColumn, HostSort, HostsAsked};
use sensor_wire::{Addr, Few, Row, RowKind};

const ROWS: u64 = 1_000_000;
const BATCH: u64 = 500;
const HOSTS: u32 = 100_000;

fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("rows");
    for column in [Column::Time, Column::Bytes, Column::Server] {
        let (mut rows, mut numbers) = full();
        rows.sort_by(column, true);
        let mut next = ROWS;
        // Half of a batch is new, half is changes to rows anywhere.
        group.bench_function(format!("batch of 500 into 1,000,000 by {column:?}"), |bencher| {
            bencher.iter_custom(|times| {
                let mut spent = Duration::ZERO;
                for _ in 0..times {
                    let old = (0..BATCH / 2).map(|_| numbers.next() % ROWS).collect::<Vec<_>>();
                    let ids = old.into_iter().chain(next..next + BATCH / 2);
                    let batch: Vec<Row> =
                        ids.map(|id| row(id, u32::try_from(next).unwrap_or(0), &mut numbers)).collect();
                    next += BATCH / 2;
                    let start = Instant::now();
                    black_box(rows.apply(1, &[], batch));
                    spent += start.elapsed();
                }
                spent
            });
        });
    }
    group.sample_size(10);
    let (mut rows, _) = full();
    let mut descending = false;
    group.bench_function("sort 1,000,000 by bytes", |bencher| {
        bencher.iter(|| {
            descending = !descending;
            rows.sort_by(Column::Bytes, descending);
        });
    });
    group.bench_function("timeline of 1,000,000", |bencher| {
        bencher.iter(|| black_box(rows.timeline(300, Zone::UTC)));
    });
    group.bench_function("window of 60 in 1,000,000", |bencher| {
        bencher.iter(|| black_box(rows.window(500_000, 60, None, Zone::UTC, 0)));
    });
    group.finish();
}

fn hosts(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hosts");
    group.sample_size(10);
    let mut hosts = Hosts::new(HOSTS as usize);
    hosts.apply(1, (0..HOSTS).map(host).collect());
    let names = BTreeMap::from([(1, "lab".to_owned())]);
    let asked = |search: &str, column| {
        let sort = HostSort { column, descending: false };
        HostsAsked { search: search.into(), sort, offset: 50_000, count: 100, anchor: None }
    };
    group.bench_function("40 changes of 100,000", |bencher| {
        let mut next = 0;
        bencher.iter(|| {
            next = (next + 40) % (HOSTS - 40);
            hosts.apply(1, (next..next + 40).map(host).collect());
        });
    });
    for (search, column) in [("", HostColumn::Address), ("", HostColumn::Name), ("nginx 10.0", HostColumn::Last)] {
        let asked = asked(search, column);
        group.bench_function(format!("window after a change, {search:?} by {column:?}"), |bencher| {
            bencher.iter(|| {
                hosts.renamed();
                black_box(hosts.window(&asked, &names, Zone::UTC, 0))
            });
        });
    }
    let asked = asked("", HostColumn::Address);
    group.bench_function("window of the same order", |bencher| {
        bencher.iter(|| black_box(hosts.window(&asked, &names, Zone::UTC, 0)));
    });
    group.finish();
}

/// One with a name and a service, as most are.
fn host(number: u32) -> HostRecord {
    let product = ProductRecord {
        protocol: "http".into(),
        product: "nginx".into(),
        version: "1.18.0".into(),
        ..ProductRecord::default()
    };
    let names = vec![NameRecord {
        name: format!("host-{}.example.net", number.wrapping_mul(2_654_435_761)),
        source: "dns".into(),
        ..NameRecord::default()
    }];
    let services = vec![ServiceRecord { port: 80, proto: 6, product, ..ServiceRecord::default() }];
    let address = Addr(IpAddr::from((0x0a00_0000 + number).to_be_bytes()));
    HostRecord { address, last: number.into(), names, services, services_total: 1, ..HostRecord::default() }
}

/// A full cache with a little room, so that what is measured is not eviction.
fn full() -> (Rows, Numbers) {
    let mut numbers = Numbers(0x9E37_79B9_7F4A_7C15);
    let mut rows = Rows::new(usize::MAX);
    rows.apply(1, &[], (0..ROWS).map(|id| row(id, 0, &mut numbers)).collect());
    (rows, numbers)
}

fn row(id: u64, rev: u32, numbers: &mut Numbers) -> Row {
    let n = numbers.next();
    let addr = |n: u64| Few::One(Addr(IpAddr::from(((n as u32) & 0xFFFF | 0x0A00_0000).to_be_bytes())));
    Row {
        id,
        rev,
        kind: RowKind::Flow,
        first: id as i64 * 1_000_000,
        last: id as i64 * 1_000_000,
        proto: if n.is_multiple_of(3) { 17 } else { 6 },
        bytes: n >> 40,
        frame_bytes: n >> 39,
        estimate: false,
        packets: n >> 50,
        flows: 1,
        open: 0,
        servers: addr(n),
        clients: addr(n >> 16),
        server_ports: Few::One(443),
        client_ports: Few::One(n as u16),
        app_protos: vec!["tls".into()],
        states: [0, 0, 1],
        events: Vec::new(),
        rank: None,
    }
}

/// Pseudo-random, and the same in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

criterion_group!(all, benches, hosts);
criterion_main!(all);
