//! Replays the committed corpus of the fuzz target `link`, without a fuzzer.

#![allow(clippy::unwrap_used, reason = "what is not in a test's body is still for tests alone")]

use std::path::Path;

#[path = "../../fuzz/src/link.rs"]
mod link;

#[test]
fn corpus_link() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/link");
    let mut inputs = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        println!("{}", path.display());
        link::run(&std::fs::read(&path).unwrap());
        inputs += 1;
    }
    assert!(inputs > 0, "{} is empty", folder.display());
}
