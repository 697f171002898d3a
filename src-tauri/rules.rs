//! Rules on their way to a sensor: files as they are. The app reads no rule: what strangers wrote is the sensor's to parse.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sensor_link::MessageStream;
use sensor_wire::request::Request;
use sensor_wire::rules::{PART, RuleCounts, RulePart, RuleSetup};
use sensor_wire::view::{LOCAL, RulePrefs};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::error::AppError;
use crate::sensors::gone;

/// How long a sensor may take to compile rules: tens of thousands of them, on a machine that does other things too.
const COMPILING: Duration = Duration::from_secs(300);

/// How deep folders are looked into.
const MAX_DEPTH: usize = 16;

/// Parts that wait for the link.
const PARTS: usize = 4;

/// Sends rules and waits until they run. Files that can't be read are named in the answer.
pub async fn send(stream: &mut MessageStream, prefs: Arc<RulePrefs>) -> Result<RuleCounts, AppError> {
    stream.send(&Request::SetRules(setup(&prefs))).await.map_err(gone)?;
    let (parts, mut read) = mpsc::channel(PARTS);
    let reader = tokio::task::spawn_blocking(move || read_all(&prefs, &parts));
    while let Some(part) = read.recv().await {
        stream.send(&part).await.map_err(gone)?;
    }
    let unreadable = reader.await.unwrap_or_default();
    stream.send(&RulePart { last: true, ..RulePart::default() }).await.map_err(gone)?;
    let slow = |_| AppError::SensorTimeout("rules that take minutes to compile".into());
    let counts: Option<RuleCounts> = timeout(COMPILING, stream.recv()).await.map_err(slow)?.map_err(gone)?;
    let mut counts = counts.ok_or_else(|| AppError::SensorGone("it did not take the rules".into()))?;
    counts.unreadable.splice(0..0, unreadable);
    Ok(counts)
}

fn setup(prefs: &RulePrefs) -> RuleSetup {
    let home = prefs.home_net.trim();
    let home = (!home.is_empty()).then(|| {
        let list = home.contains(',') && !home.starts_with('[');
        ("HOME_NET".to_owned(), if list { format!("[{home}]") } else { home.to_owned() })
    });
    RuleSetup {
        starter: prefs.starter,
        addresses: home.into_iter().chain(prefs.addresses.iter().cloned()).collect(),
        ports: prefs.ports.clone(),
        off: prefs.off.clone(),
        on: prefs.on.clone(),
    }
}

/// Reads every source, in their order, the user's own rules last; answers what could not be read.
fn read_all(prefs: &RulePrefs, parts: &mpsc::Sender<RulePart>) -> Vec<String> {
    let mut unreadable = Vec::new();
    for source in prefs.sources.iter().filter(|source| source.on) {
        if let Err(error) = read(Path::new(&source.path), 0, parts) {
            unreadable.push(format!("{}: {error}", source.path));
        }
    }
    if !prefs.local.is_empty()
        && let Err(error) = send_file(LOCAL, prefs.local.as_bytes(), parts)
    {
        unreadable.push(format!("{LOCAL}: {error}"));
    }
    unreadable
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
    use sensor_wire::view::RuleSource;

    use super::*;

    fn sent(prefs: &RulePrefs) -> (Vec<(String, usize)>, Vec<String>) {
        let (parts, mut read) = mpsc::channel(PARTS);
        let prefs = prefs.clone();
        let reader = std::thread::spawn(move || read_all(&prefs, &parts));
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
        let sources = vec![source(&whole, true), source(&missing, true), source(&path("a.rules"), false)];
        let prefs = RulePrefs { sources, local: "# own".into(), ..RulePrefs::default() };
        let (parts, unreadable) = sent(&prefs);
        let expected = [(path("a.rules"), 3), (path("b.rules"), PART), (path("b.rules"), 5), (LOCAL.to_owned(), 5)];
        assert_eq!(parts, expected);
        assert_eq!(unreadable.len(), 1);
        assert!(unreadable[0].starts_with(&missing), "{unreadable:?}");
    }

    #[test]
    fn own_networks_become_a_list() {
        let home = |text: &str| setup(&RulePrefs { home_net: text.into(), ..RulePrefs::default() }).addresses;
        assert_eq!(home(" "), []);
        assert_eq!(home("10.0.0.0/8"), [("HOME_NET".to_owned(), "10.0.0.0/8".to_owned())]);
        assert_eq!(home("10.0.0.0/8, 2001:db8::/32")[0].1, "[10.0.0.0/8, 2001:db8::/32]");
    }
}
