//! Replays the committed corpus of the fuzz targets of this crate, without a fuzzer and on any compiler. Those of `wire`
//! and `capture_file` are replayed in their own crates.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "what is not in a test's body is still for tests alone")]

use std::path::Path;

#[path = "../fuzz/src/applayer.rs"]
mod applayer;
#[path = "../fuzz/src/decode.rs"]
mod decode;
#[path = "../fuzz/src/defrag.rs"]
mod defrag;
#[path = "../fuzz/src/detection.rs"]
mod detection;
#[path = "../fuzz/src/discovery.rs"]
mod discovery;
#[path = "../fuzz/src/engine.rs"]
mod engine;
#[path = "../fuzz/src/frames.rs"]
mod frames;
#[path = "../fuzz/src/input.rs"]
mod input;
#[path = "../fuzz/src/probing.rs"]
mod probing;
#[path = "../fuzz/src/reassembly.rs"]
mod reassembly;
#[path = "../fuzz/src/rules.rs"]
mod rules;

macro_rules! replayed {
    ($($target:ident,)*) => {$(
        #[test]
        fn $target() {
            replay(stringify!($target), $target::run);
        }
    )*};
}

mod corpus {
    use super::*;

    replayed!(applayer, decode, defrag, detection, discovery, engine, probing, reassembly, rules,);
}

/// Rules of nearly every buffer and number run in the target `detection`.
#[test]
fn rules_of_every_kind_run() {
    let [kinds, buffers, numbers] = detection::running();
    println!("{kinds} of the file, {buffers} of buffers, {numbers} of numbers");
    assert!(kinds >= 80 && buffers >= 160 && numbers >= 75, "{kinds} {buffers} {numbers}");
}

/// Runs a target on each of its inputs; a failure names the input.
fn replay(target: &str, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut paths: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} is empty", folder.display());
    for path in paths {
        let input = std::fs::read(&path).unwrap();
        // Shown where the target panics.
        println!("{}", path.display());
        run(&input);
    }
}
