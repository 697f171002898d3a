//! Published sets of rules, read and compiled: how many run, and why the others do not.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "what is not in a test's body is still for tests alone")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use sensor_core::applayer::protocols;
use sensor_core::detect::Rules;
use sensor_core::rules::{Refusal, Ruleset, Variables};

/// What came of a set.
#[derive(Debug, PartialEq, Eq)]
struct Counted {
    /// Run.
    running: usize,
    /// Refused when read or when compiled.
    refused: usize,
    /// Commented out.
    disabled: usize,
}

impl Counted {
    fn enabled(&self) -> usize {
        self.running + self.refused
    }

    /// Whether of 1,000 enabled rules so many run.
    fn runs(&self, of_thousand: usize) -> bool {
        self.enabled() > 0 && self.running * 1000 >= self.enabled() * of_thousand
    }
}

fn corpus() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus/rules");
    if !folder.is_dir() {
        println!("skipped: there is no corpus of rules at {}", folder.display());
        return None;
    }
    Some(folder)
}

/// Rule files of a folder: plain, packed, and those in a tar archive.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let unpack = |path: &Path| {
        let mut bytes = Vec::new();
        GzDecoder::new(fs::File::open(path).unwrap()).read_to_end(&mut bytes).unwrap();
        bytes
    };
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.ends_with(".tar.gz") {
            let archive = unpack(&path);
            let mut rest = archive.as_slice();
            // A header of 512 bytes with the name and the size in octal digits (POSIX ustar), then the file.
            while rest.len() > 512 && rest[0] != 0 {
                let text = |from: usize, to: usize| {
                    String::from_utf8_lossy(&rest[from..to]).trim_end_matches(['\0', ' ']).to_owned()
                };
                let (member, size) = (text(0, 100), usize::from_str_radix(&text(124, 136), 8).unwrap());
                if member.ends_with(".rules") {
                    files.push((member, rest[512..512 + size].to_vec()));
                }
                rest = &rest[512 + size.next_multiple_of(512)..];
            }
        } else if name.ends_with(".rules.gz") {
            files.push((name, unpack(&path)));
        } else if name.ends_with(".rules") && name != "sample.rules" {
            files.push((name, fs::read(&path).unwrap()));
        }
    }
    files
}

/// Reads and compiles a set, and lists what is refused: by reason, with the first rule of each.
fn count(folder: &Path) -> Counted {
    let mut set = Ruleset::new(Variables::default());
    for (name, bytes) in files(folder) {
        set.read(&name, &bytes);
    }
    let named = |file: &str| folder.join(Path::new(file).file_name().unwrap_or_default());
    let wanted: Vec<String> = set.wanted().iter().map(|(name, _)| (*name).to_owned()).collect();
    for name in wanted {
        if let Ok(bytes) = fs::read(named(&name)) {
            set.provide(&name, bytes);
        }
    }
    let (rules, failed) = Rules::compile(&set, protocols::all());
    let refusals = || set.refusals().iter().filter(|refusal| refusal.enabled).chain(&failed);
    let counted = Counted { running: rules.rules().len(), refused: refusals().count(), disabled: set.disabled() };
    let Counted { running, refused, disabled } = counted;
    println!("{}: {running} run, {refused} are refused, {disabled} are commented out", folder.display());
    let mut reasons: BTreeMap<(&str, &str), (usize, &Refusal)> = BTreeMap::new();
    for refusal in refusals() {
        assert!(refusal.line > 0 && refusal.column > 0 && !refusal.reason.is_empty(), "{refusal:?}");
        reasons.entry((&*refusal.keyword, &*refusal.reason)).or_insert((0, refusal)).0 += 1;
    }
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, (times, _))| usize::MAX - times);
    for ((keyword, reason), (times, first)) in reasons.into_iter().take(60) {
        let Refusal { file, line, sid, .. } = first;
        let file = &set.files()[*file as usize];
        println!("  {times:5} {keyword}: {reason} ({file}:{line}, sid {})", sid.unwrap_or(0));
    }
    counted
}

#[test]
fn all_but_one_in_a_thousand_rules_of_et_open_run() {
    let Some(corpus) = corpus() else { return };
    let counted = count(&corpus.join("et-open"));
    assert_eq!((counted.enabled(), counted.disabled), (32_151, 12_307));
    assert!(counted.runs(999), "{counted:?}");
}

#[test]
fn the_other_sets_of_the_corpus_run() {
    let Some(corpus) = corpus() else { return };
    // Of 1,000 enabled rules so many have to run at least, and so many are there.
    for (name, of_thousand, enabled) in [
        ("suricata", 965, 443),
        ("snort2-community", 990, 498),
        ("hunting", 990, 682),
        ("stamus-lateral", 990, 546),
        ("abuse-ch", 1000, 8_586),
        ("oisf-trafficid", 1000, 34),
    ] {
        let counted = count(&corpus.join(name));
        assert!(counted.enabled() >= enabled && counted.runs(of_thousand), "{name}: {counted:?}");
    }
}

/// Snort 3 has another language; what is read of it is read rightly, or refused with its reason.
#[test]
fn a_set_in_another_language_is_refused_rule_by_rule() {
    let Some(corpus) = corpus() else { return };
    let counted = count(&corpus.join("snort3-community"));
    assert_eq!(counted.enabled(), 4_017);
    assert!(counted.refused > 3_000, "{counted:?}");
}
