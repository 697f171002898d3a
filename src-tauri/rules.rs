//! Rules on their way to a sensor: files as they are. The app reads no rule: what strangers wrote is the sensor's to parse.

pub mod fetch;
pub mod shelf;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sensor_link::MessageStream;
use sensor_wire::request::Request;
use sensor_wire::rules::{PART, RuleCounts, RuleNeed, RuleNeeds, RulePart, RuleSetup};
use sensor_wire::view::{LOCAL, RulePrefs, shown_address};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::error::AppError;
use crate::sensors::gone;
use shelf::Shelf;

/// How long a sensor may take to compile rules: tens of thousands of them, on a machine that does other things too.
const COMPILING: Duration = Duration::from_secs(300);

/// How deep folders are looked into.
const MAX_DEPTH: usize = 16;

/// Parts that wait for the link.
const PARTS: usize = 4;

/// Which rules run, and where those are that were fetched.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// What is set.
    pub prefs: RulePrefs,
    /// Fetched files.
    pub shelf: Arc<Shelf>,
}

/// Sends rules and waits until they run. Files that can't be read are named in the answer.
pub async fn send(stream: &mut MessageStream, chosen: Arc<Chosen>) -> Result<RuleCounts, AppError> {
    stream.send(&Request::SetRules(setup(&chosen.prefs))).await.map_err(gone)?;
    let theirs = Arc::clone(&chosen);
    let unreadable = pass_on(stream, move |parts| read_all(&theirs, parts)).await?;
    let slow = |_| AppError::SensorTimeout("rules that take minutes to compile".into());
    let ended = || AppError::SensorGone("it did not take the rules".into());
    let needs: Option<RuleNeeds> = timeout(COMPILING, stream.recv()).await.map_err(slow)?.map_err(gone)?;
    let needs = needs.ok_or_else(ended)?;
    pass_on(stream, move |parts| give(&chosen.prefs, &needs.files, parts)).await?;
    let counts: Option<RuleCounts> = timeout(COMPILING, stream.recv()).await.map_err(slow)?.map_err(gone)?;
    let mut counts = counts.ok_or_else(ended)?;
    counts.unreadable.splice(0..0, unreadable);
    Ok(counts)
}

/// Sends what is read, on another thread, and after it the last part; gives what the reader says.
async fn pass_on<T: Default + Send + 'static>(
    stream: &mut MessageStream,
    reader: impl FnOnce(&mpsc::Sender<RulePart>) -> T + Send + 'static,
) -> Result<T, AppError> {
    let (parts, mut read) = mpsc::channel(PARTS);
    let reader = tokio::task::spawn_blocking(move || reader(&parts));
    while let Some(part) = read.recv().await {
        stream.send(&part).await.map_err(gone)?;
    }
    let said = reader.await.unwrap_or_default();
    stream.send(&RulePart { last: true, ..RulePart::default() }).await.map_err(gone)?;
    Ok(said)
}

fn setup(prefs: &RulePrefs) -> RuleSetup {
    let (addresses, ports) = variables(prefs);
    RuleSetup { starter: prefs.starter, addresses, ports, off: prefs.off.clone(), on: prefs.on.clone(), gives: true }
}

/// Addresses and ports as rules name them. Lists may be typed without their brackets.
pub fn variables(prefs: &RulePrefs) -> (Pairs, Pairs) {
    let value = |text: &str| {
        let text = text.trim();
        if text.contains(',') && !text.starts_with('[') && !text.starts_with("![") {
            format!("[{text}]")
        } else {
            text.to_owned()
        }
    };
    let pairs = |all: &Pairs| -> Pairs {
        let set = all.iter().filter(|(_, text)| !text.trim().is_empty());
        set.map(|(name, text)| (name.trim().trim_start_matches('$').to_owned(), value(text))).collect()
    };
    let home = Vec::from([("HOME_NET".to_owned(), prefs.home_net.clone())]);
    ([pairs(&home), pairs(&prefs.addresses)].concat(), pairs(&prefs.ports))
}

/// Names and values.
pub type Pairs = Vec<(String, String)>;

/// Reads every source, in their order, the user's own rules last; answers what could not be read. What was not fetched
/// yet is nothing that failed.
fn read_all(chosen: &Chosen, parts: &mpsc::Sender<RulePart>) -> Vec<String> {
    let prefs = &chosen.prefs;
    let mut unreadable = Vec::new();
    for source in prefs.sources.iter().filter(|source| source.on) {
        let read = match source.is_remote() {
            true => match File::open(chosen.shelf.file(&source.path)) {
                Ok(file) => send_file(&shown_address(&source.path), file, parts),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                Err(error) => Err(error),
            },
            false => read(Path::new(&source.path), 0, parts),
        };
        if let Err(error) = read {
            unreadable.push(format!("{}: {error}", shown_address(&source.path)));
        }
    }
    if !prefs.local.is_empty()
        && let Err(error) = send_file(LOCAL, prefs.local.as_bytes(), parts)
    {
        unreadable.push(format!("{LOCAL}: {error}"));
    }
    unreadable
}

/// Gives the files that rules name, as far as they lie beside them: what strangers wrote can't have others read.
fn give(prefs: &RulePrefs, needs: &[RuleNeed], parts: &mpsc::Sender<RulePart>) {
    for need in needs {
        let Some(path) = beside(prefs, need) else {
            tracing::info!(file = need.name, beside = need.beside, "a file that a rule names does not lie beside it");
            continue;
        };
        // The sensor refuses a rule whose file doesn't come, with the file's name.
        if let Err(error) = File::open(&path).and_then(|file| send_file(&need.name, file, parts)) {
            tracing::warn!(%error, file = %path.display(), "a file that a rule names");
        }
    }
}

/// Where a file is that a rule names: in the folder of the rule's file or below, which in turn is one of the sources.
fn beside(prefs: &RulePrefs, need: &RuleNeed) -> Option<PathBuf> {
    let file = Path::new(&need.beside);
    let mut sources = prefs.sources.iter().filter(|source| source.on && !source.is_remote());
    sources.find(|source| file.starts_with(&source.path))?;
    let folder = file.parent()?.canonicalize().ok()?;
    let name = Path::new(&need.name);
    let plain = name.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    let path = plain.then(|| folder.join(name).canonicalize().ok()).flatten()?;
    (path.starts_with(&folder) && path.is_file()).then_some(path)
}

fn read(path: &Path, depth: usize, parts: &mpsc::Sender<RulePart>) -> io::Result<()> {
    if !path.is_dir() {
        return send_file(&path.to_string_lossy(), File::open(path)?, parts);
    }
    if depth > MAX_DEPTH {
        return Err(io::Error::other("folders stand too deep in each other"));
    }
    let mut entries: Vec<PathBuf> =
        path.read_dir()?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<_>>()?;
    entries.sort();
    for entry in entries {
        let is_rules = entry.extension().is_some_and(|extension| extension == "rules");
        // A link could lead back up.
        if is_rules || (entry.is_dir() && !entry.is_symlink()) {
            read(&entry, depth + 1, parts)?;
        }
    }
    Ok(())
}

fn send_file(name: &str, mut file: impl Read, parts: &mpsc::Sender<RulePart>) -> io::Result<()> {
    loop {
        let mut bytes = Vec::new();
        (&mut file).take(PART as u64).read_to_end(&mut bytes)?;
        if bytes.is_empty() {
            return Ok(());
        }
        let part = RulePart { name: name.to_owned(), bytes, last: false };
        parts.blocking_send(part).map_err(|_| io::Error::other("the sensor has gone"))?;
    }
}

#[cfg(test)]
mod tests {
    use sensor_wire::view::{RuleKept, RuleSource};

    use super::*;

    const FETCHED: &str = "https://me:word@rules.example/a.tar.gz?code=1";

    fn sent(prefs: &RulePrefs) -> (Vec<(String, usize)>, Vec<String>) {
        let (parts, mut read) = mpsc::channel(PARTS);
        let chosen = Chosen { prefs: prefs.clone(), shelf: Arc::new(Shelf::open(None).unwrap()) };
        chosen.shelf.put(FETCHED, b"# fetched", &RuleKept::default()).unwrap();
        let reader = std::thread::spawn(move || read_all(&chosen, &parts));
        let mut all = Vec::new();
        while let Some(part) = read.blocking_recv() {
            all.push((part.name, part.bytes.len()));
        }
        (all, reader.join().unwrap())
    }

    #[test]
    fn files_go_in_parts_and_in_order_and_what_is_missing_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        std::fs::write(path("b.rules"), vec![b'#'; PART + 5]).unwrap();
        std::fs::write(path("a.rules"), b"# a").unwrap();
        std::fs::write(path("notes.txt"), b"none").unwrap();
        let source = |path: &str, on| RuleSource { path: path.to_owned(), on };
        let (whole, missing) = (folder.path().to_string_lossy().into_owned(), path("missing.rules"));
        let sources = vec![
            source(&whole, true),
            source(&missing, true),
            source(&path("a.rules"), false),
            source(FETCHED, true),
            source("https://rules.example/never-fetched", true),
        ];
        let prefs = RulePrefs { sources, local: "# own".into(), ..RulePrefs::default() };
        let (parts, unreadable) = sent(&prefs);
        let expected = [
            (path("a.rules"), 3),
            (path("b.rules"), PART),
            (path("b.rules"), 5),
            ("https://rules.example/a.tar.gz".to_owned(), 9),
            (LOCAL.to_owned(), 5),
        ];
        assert_eq!(parts, expected);
        assert_eq!(unreadable.len(), 1);
        assert!(unreadable[0].starts_with(&missing), "{unreadable:?}");
    }

    #[test]
    fn lists_are_typed_with_or_without_brackets_and_what_is_empty_stays_as_it_is_shipped() {
        let home = |text: &str| setup(&RulePrefs { home_net: text.into(), ..RulePrefs::default() }).addresses;
        assert_eq!(home(" "), []);
        assert_eq!(home("10.0.0.0/8"), [("HOME_NET".to_owned(), "10.0.0.0/8".to_owned())]);
        assert_eq!(home("10.0.0.0/8, 2001:db8::/32")[0].1, "[10.0.0.0/8, 2001:db8::/32]");
        assert_eq!(home("![10.0.0.0/8,10.1.0.0/16]")[0].1, "![10.0.0.0/8,10.1.0.0/16]");
        let ports = vec![("$HTTP_PORTS".into(), "80,8080".into()), ("SSH_PORTS".into(), String::new())];
        let set = setup(&RulePrefs { ports, ..RulePrefs::default() });
        assert_eq!(set.ports, [("HTTP_PORTS".to_owned(), "[80,8080]".to_owned())]);
    }

    #[test]
    fn only_files_beside_the_rules_of_a_source_are_given() {
        let folder = tempfile::tempdir().unwrap();
        let rules = folder.path().join("rules");
        std::fs::create_dir_all(rules.join("lists")).unwrap();
        for file in ["secret", "rules/a.rules", "rules/bad.lst", "rules/lists/worse.lst"] {
            std::fs::write(folder.path().join(file), b"x").unwrap();
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(folder.path().join("secret"), rules.join("linked")).unwrap();
        let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        let sources = vec![RuleSource { path: path("rules"), on: true }];
        let prefs = RulePrefs { sources, ..RulePrefs::default() };
        let found = |name: &str, of: &str| beside(&prefs, &RuleNeed { name: name.into(), beside: path(of) }).is_some();
        assert!(found("bad.lst", "rules/a.rules") && found("lists/worse.lst", "rules/a.rules"));
        for name in ["../secret", "linked", "none.lst", "lists", "/etc/hostname", ""] {
            assert!(!found(name, "rules/a.rules"), "{name}");
        }
        // The sensor can't make up a file of rules elsewhere.
        assert!(!found("secret", "a.rules") && !found("bad.lst", "rules/../rules2/a.rules"));
    }
}
