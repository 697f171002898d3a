//! How many rules a second are read: the whole of ET Open, where it is there.

use std::io::{Read, Write};
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use flate2::read::GzDecoder;
use sensor_core::rules::{Ruleset, Variables};

fn parse(criterion: &mut Criterion) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus/rules/et-open/emerging.rules.tar.gz");
    let mut archive = Vec::new();
    if std::fs::File::open(&path).and_then(|file| GzDecoder::new(file).read_to_end(&mut archive)).is_err() {
        let _ = writeln!(std::io::stderr(), "skipped: {} is not there", path.display());
        return;
    }
    // Headers of the archive's members are lines that are no rules; they cost next to nothing.
    let rules = {
        let mut set = Ruleset::new(Variables::default());
        set.read("et-open", &archive);
        set.rules().len()
    };
    let mut group = criterion.benchmark_group("rules");
    group.sample_size(10).throughput(Throughput::Elements(rules as u64));
    group.bench_function("parse et-open", |bencher| {
        bencher.iter(|| {
            let mut set = Ruleset::new(Variables::default());
            set.read("et-open", &archive);
            set.loaded()
        });
    });
    group.finish();
}

criterion_group!(benches, parse);
criterion_main!(benches);
