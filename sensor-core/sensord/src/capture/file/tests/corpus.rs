use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::read_path;
use crate::capture::file::CaptureError;

/// Every capture of the corpus that lies beside the repository gives as many packets as its manifest says.
#[test]
fn the_corpus_gives_the_packets_its_manifest_counts() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    let Ok(manifest) = std::fs::read_to_string(corpus.join("MANIFEST.tsv")) else {
        println!("skipped: no corpus beside the repository");
        return;
    };
    let (mut read, mut wrong) = (0, Vec::new());
    let mut refused = BTreeMap::new();
    for line in manifest.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        let (name, counted) = (fields[0], fields[5]);
        if !is_capture(name) {
            continue;
        }
        let got = read_path(&corpus.join(PathBuf::from(name)));
        read += 1;
        match (counted.parse::<usize>(), &got.error) {
            (Ok(packets), _) if packets == got.frames.len() => {}
            // The manifest counts none where the program that counted could not read the file.
            (Err(_), error) => {
                refused.insert(name, error.as_ref().map(ToString::to_string));
            }
            (Ok(packets), error) => wrong.push(format!("{name}: {} of {packets}, {error:?}", got.frames.len())),
        }
        assert!(
            !matches!(got.error, Some(CaptureError::Open { .. } | CaptureError::Read { .. })),
            "{name}: {:?}",
            got.error
        );
        assert!(got.room <= 2 << 20, "{name}: arena of {} bytes", got.room);
    }
    println!("{read} captures read; uncounted by the manifest: {refused:#?}");
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(read > 1000, "only {read} captures found");
}

fn is_capture(name: &str) -> bool {
    [".pcap", ".pcapng", ".cap", ".snoop", ".pcap.gz", ".ntar", ".trace"].iter().any(|end| name.ends_with(end))
}
