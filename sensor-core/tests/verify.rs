//! What published rules say of buffers, compiled: counts of expressions by engine, and of what can't be run.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "what is not in a test's body is still for tests alone")]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;
use sensor_core::detect::verify::{Chain, Cx, Engine, NoSets, Registry, State, Transforms};
use sensor_core::rules::ast::{Dataset, Scope};
use sensor_core::rules::{Buffer, Ruleset, Variables};

#[derive(Default)]
struct Names(u32);

impl Registry for Names {
    fn dataset(&mut self, _: &Dataset) -> Result<u32, String> {
        Ok(0)
    }

    fn variable(&mut self, _: Scope, _: &str) -> Result<u32, String> {
        self.0 += 1;
        Ok(self.0)
    }
}

fn et_open() -> Option<Ruleset> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus/rules/et-open/emerging.rules.tar.gz");
    let Ok(file) = File::open(&path) else {
        println!("skipped: {} is not there", path.display());
        return None;
    };
    let mut archive = Vec::new();
    GzDecoder::new(file).read_to_end(&mut archive).unwrap();
    let mut set = Ruleset::new(Variables::default());
    set.read("et-open", &archive);
    Some(set)
}

#[test]
fn all_of_et_open_compiles() {
    let Some(set) = et_open() else { return };
    let mut engines: BTreeMap<String, usize> = BTreeMap::new();
    let (mut chains, mut steps, mut faults) = (Vec::new(), 0, Vec::new());
    let mut names = Names::default();
    for rule in set.rules().iter().filter(|rule| rule.enabled) {
        for (index, buffer) in rule.buffers.iter().enumerate() {
            if let Err((_, reason)) = Transforms::new(&buffer.transforms) {
                faults.push((rule.sid, reason));
            }
            if buffer.buffer == Buffer::Base64Data {
                continue;
            }
            match Chain::compile(rule, u16::try_from(index).unwrap(), &mut names) {
                Ok(chain) => {
                    steps += chain.len();
                    for expression in chain.expressions() {
                        *engines.entry(format!("{:?}", expression.engine())).or_default() += 1;
                    }
                    chains.push(chain);
                }
                Err(fault) => faults.push((rule.sid, fault.reason)),
            }
        }
    }
    println!("{} chains, {steps} steps, {engines:?}, {faults:?}", chains.len());
    assert!(faults.is_empty(), "{faults:?}");
    let of = |engine: Engine| engines.get(&format!("{engine:?}")).copied().unwrap_or(0);
    let (automaton, backtracking) = (of(Engine::Automaton), of(Engine::Backtracking));
    assert_eq!((automaton, backtracking), (5918, 422), "{engines:?}");

    // All of them are asked about data that is of no protocol, and about some of HTTP; none may be given up early.
    let (mut state, mut sets) = (State::default(), NoSets);
    let request: &[u8] = b"POST /index.php?id=1&cmd=ls HTTP/1.1\r\nHost: example.com\r\nUser-Agent: Mozilla/5.0 (Windows NT 6.1)\r\n\r\nid=1";
    let noise: Vec<u8> = (0..2000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for chain in &chains {
        for data in [request, &noise] {
            state.begin();
            chain.matches(data, &mut Cx::new(&mut state, &mut sets));
        }
    }
    assert_eq!(state.counts, Default::default());
}
