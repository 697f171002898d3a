//! Replays the committed corpus of the fuzz target `capture_file`, without a fuzzer.

use std::path::Path;

#[path = "../../fuzz/src/capture_file.rs"]
mod capture_file;

#[test]
fn corpus_capture_file() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/capture_file");
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut inputs = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        println!("{}", path.display());
        capture_file::run(&std::fs::read(&path).unwrap(), file.path());
        inputs += 1;
    }
    assert!(inputs > 0, "{} is empty", folder.display());
}
