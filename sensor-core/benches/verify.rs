//! How many chains a second: what ET Open's enabled rules say of a URI, on one that a browser asks for. Most fail at
//! their first content, as candidates of a prefilter do not; `matching` is of chains that go to their end.

use std::io::{Read, Write};
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use flate2::read::GzDecoder;
use sensor_core::detect::verify::{Chain, Cx, NoSets, Registry, State};
use sensor_core::rules::ast::{Dataset, Scope};
use sensor_core::rules::{Buffer, Ruleset, Variables};

struct Names;

impl Registry for Names {
    fn dataset(&mut self, _: &Dataset) -> Result<u32, String> {
        Ok(0)
    }

    fn variable(&mut self, _: Scope, _: &str) -> Result<u32, String> {
        Ok(0)
    }
}

const URI: &[u8] =
    b"/wp-content/plugins/gallery/index.php?page=12&id=5%20union&sort=desc&token=7f3a9b2c4d5e6f708192a3b4c5d6e7f8";

fn compile(set: &Ruleset, wanted: fn(Buffer) -> bool) -> Vec<Chain> {
    let mut chains = Vec::new();
    for rule in set.rules().iter().filter(|rule| rule.enabled) {
        for (index, _) in rule.buffers.iter().enumerate().filter(|(_, it)| wanted(it.buffer)) {
            chains.extend(u16::try_from(index).ok().and_then(|index| Chain::compile(rule, index, &mut Names).ok()));
        }
    }
    chains
}

fn verify(criterion: &mut Criterion) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus/rules/et-open/emerging.rules.tar.gz");
    let mut archive = Vec::new();
    if std::fs::File::open(&path).and_then(|file| GzDecoder::new(file).read_to_end(&mut archive)).is_err() {
        let _ = writeln!(std::io::stderr(), "skipped: {} is not there", path.display());
        return;
    }
    let mut set = Ruleset::new(Variables::default());
    set.read("et-open", &archive);
    let mut group = criterion.benchmark_group("verify");
    group.sample_size(10);
    let all = compile(&set, |buffer| buffer != Buffer::Base64Data).len() as u64;
    group.throughput(Throughput::Elements(all));
    group.bench_function("compile et-open", |bencher| {
        bencher.iter(|| compile(&set, |buffer| buffer != Buffer::Base64Data).len());
    });

    let chains = compile(&set, |buffer| buffer == Buffer::HttpUri);
    let (mut state, mut sets) = (State::default(), NoSets);
    group.throughput(Throughput::Elements(chains.len() as u64));
    group.bench_function("chains on a URI", |bencher| {
        bencher.iter(|| {
            let mut cx = Cx::new(&mut state, &mut sets);
            chains.iter().filter(|chain| chain.matches(URI, &mut cx)).count()
        });
    });

    let options = [
        r#"content:"GET"; startswith; content:"/index.php?"; distance:1; content:"id="; distance:0; isdataat:10,relative;"#,
        r#"content:"user-agent|3a| "; nocase; content:"mozilla"; within:20; nocase; content:!"Chrome"; distance:0;"#,
        r#"content:"token="; pcre:"/^[a-f0-9]{32}/R"; content:"HTTP/1."; distance:1; within:7;"#,
        r#"byte_test:1,=,0x47,0; byte_jump:1,0,multiplier 0x1,post_offset -60; content:"Host|3a|"; nocase;"#,
    ];
    let text: String =
        options.iter().enumerate().map(|(at, it)| format!("alert tcp any any -> any any ({it} sid:{at};)\n")).collect();
    let mut own = Ruleset::new(Variables::default());
    own.read("own", text.replace("sid:0", "sid:9").as_bytes());
    let chains = compile(&own, |_| true);
    let mut data = b"GET ".to_vec();
    data.extend_from_slice(URI);
    data.extend_from_slice(
        b" HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux) Firefox/128.0\r\n\r\n",
    );
    group.throughput(Throughput::Elements(chains.len() as u64));
    group.bench_function("matching chains on a request", |bencher| {
        bencher.iter(|| {
            let mut cx = Cx::new(&mut state, &mut sets);
            chains.iter().filter(|chain| chain.matches(&data, &mut cx)).count()
        });
    });
    group.finish();
}

criterion_group!(benches, verify);
criterion_main!(benches);
