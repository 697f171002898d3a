//! What the app keeps between runs: preferences, the recent list, names of sources. Written by a thread of its own, so
//! that a slow disk never holds the view.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::{fs, io};

use sensor_wire::view::{Column, ColumnPref, DETAIL_HEIGHT, DETAIL_WIDTH, Prefs, Recent, RulePrefs};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::AppError;
use crate::store::{self, MemoryStore, Opened, Store, StoreError};
use crate::zone::{self, Zone};

/// Captures the recent list holds; the oldest give way.
pub const MAX_RECENT: usize = 20;

/// Names by capture path that are kept; the first in the order of paths give way.
pub const MAX_NAMES: usize = 1000;

/// All that is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Kept {
    /// Preferences.
    pub prefs: Prefs,
    /// Captures that were opened, newest first.
    pub recent: Vec<Recent>,
    /// Names the user gave, by capture path.
    pub names: BTreeMap<String, String>,
    /// Which rules run.
    pub rules: RulePrefs,
}

impl Default for Kept {
    /// Of the first start: times in the system's zone.
    fn default() -> Self {
        let prefs = Prefs { zone: zone::system().name().into(), ..Prefs::default() };
        Kept { prefs, recent: Vec::new(), names: BTreeMap::new(), rules: RulePrefs::default() }
    }
}

impl Kept {
    /// Puts a capture at the head of the recent list.
    pub fn remember(&mut self, recent: Recent) {
        self.recent.retain(|old| old.path != recent.path);
        self.recent.insert(0, recent);
        self.recent.truncate(MAX_RECENT);
    }

    /// Keeps the name of a capture's source.
    pub fn name(&mut self, path: &str, name: &str) {
        self.names.insert(path.into(), name.into());
        while self.names.len() > MAX_NAMES {
            self.names.pop_first();
        }
    }
}

/// Mends what an older app or a hand at the export may have left: an unknown zone, columns missing or twice,
/// sizes nobody could work with.
pub fn mend(mut prefs: Prefs) -> Prefs {
    if Zone::parse(&prefs.zone).is_none() {
        prefs.zone = zone::system().name().into();
    }
    let mut columns: Vec<ColumnPref> = Vec::with_capacity(Column::ALL.len());
    for pref in prefs.columns {
        if columns.iter().all(|known| known.column != pref.column) {
            columns.push(ColumnPref { width: pref.width.map(|width| width.clamp(MIN_WIDTH, MAX_WIDTH)), ..pref });
        }
    }
    for column in Column::ALL {
        if columns.iter().all(|known| known.column != column) {
            columns.push(ColumnPref { column, width: None, shown: true });
        }
    }
    prefs.columns = columns;
    prefs.detail_width = prefs.detail_width.clamp(DETAIL_WIDTH.0, DETAIL_WIDTH.1);
    prefs.detail_height = prefs.detail_height.clamp(DETAIL_HEIGHT.0, DETAIL_HEIGHT.1);
    prefs
}

const MIN_WIDTH: u16 = 24;
const MAX_WIDTH: u16 = 2000;

/// Saves in the background. Holds no queue: the newest state replaces one that waits.
#[derive(Debug)]
pub struct Keeper {
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    slot: Mutex<Slot>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Slot {
    waiting: Option<Kept>,
    busy: bool,
    closed: bool,
    fault: Option<AppError>,
}

/// Opens what is kept in a folder and exports it; without a folder nothing outlives the process.
pub fn open(folder: Option<&Path>) -> (Keeper, Kept, Vec<AppError>) {
    let Some(folder) = folder else {
        return (Keeper::start(Box::<MemoryStore>::default(), None), Kept::default(), Vec::new());
    };
    let mut notices = Vec::new();
    if let Err(error) = fs::create_dir_all(folder) {
        notices.push(AppError::StoreFailed(format!("{}: {error}", folder.display())));
        return (Keeper::start(Box::<MemoryStore>::default(), None), Kept::default(), notices);
    }
    let Opened { mut store, notice, fresh_after_damage, read_only } =
        store::open(folder, |store| read(store).map(drop));
    notices.extend(notice);
    let export = folder.join("preferences.json");
    let found = if fresh_after_damage { None } else { read(store.as_ref()).ok().flatten() };
    let exported = if found.is_none() { import(&export) } else { None };
    if !fresh_after_damage && exported.is_some() {
        // Damage can leave a store that opens, and is empty: the export must not be overwritten by first settings.
        notices.push(AppError::StoreEmpty(export.display().to_string()));
    }
    let mut kept = found.or(exported).unwrap_or_default();
    kept.prefs = mend(kept.prefs);
    kept.recent.truncate(MAX_RECENT);
    if !read_only {
        if let Err(error) = write(store.as_mut(), &kept) {
            notices.push(AppError::StoreFailed(error.to_string()));
        }
        if let Err(error) = write_export(&export, &kept) {
            notices.push(AppError::StoreFailed(format!("{}: {error}", export.display())));
        }
    }
    let export = (!read_only).then_some(export);
    (Keeper::start(store, export), kept, notices)
}

impl Keeper {
    fn start(store: Box<dyn Store>, export: Option<PathBuf>) -> Keeper {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let writer = std::thread::Builder::new().name("keeper".into()).spawn(move || theirs.run(store, export));
        if let Err(error) = &writer {
            shared.lock().fault = Some(AppError::StoreFailed(error.to_string()));
        }
        Keeper { shared, writer: writer.ok() }
    }

    /// Hands over the state to save; returns at once.
    pub fn keep(&self, kept: &Kept) {
        self.shared.lock().waiting = Some(kept.clone());
        self.shared.changed.notify_all();
    }

    /// What went wrong since the last call.
    pub fn take_fault(&self) -> Option<AppError> {
        self.shared.lock().fault.take()
    }

    /// Waits until all that was handed over is on disk.
    pub fn flush(&self) {
        if self.writer.is_none() {
            return;
        }
        let mut slot = self.shared.lock();
        while slot.busy || slot.waiting.is_some() {
            slot = self.shared.changed.wait(slot).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("the keeper's thread panicked");
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, mut store: Box<dyn Store>, export: Option<PathBuf>) {
        while let Some(kept) = self.next() {
            let mut failed = write(store.as_mut(), &kept).err().map(|error| error.to_string());
            if let Some(export) = &export
                && let Err(error) = write_export(export, &kept)
            {
                failed.get_or_insert(format!("{}: {error}", export.display()));
            }
            let mut slot = self.lock();
            slot.busy = false;
            slot.fault = failed.map(AppError::StoreFailed).or(slot.fault.take());
            drop(slot);
            self.changed.notify_all();
        }
    }

    /// The next state to save; `None` once closed and nothing waits.
    fn next(&self) -> Option<Kept> {
        let mut slot = self.lock();
        loop {
            if let Some(kept) = slot.waiting.take() {
                slot.busy = true;
                return Some(kept);
            }
            if slot.closed {
                return None;
            }
            slot = self.changed.wait(slot).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// `None` from a store in which nothing was ever kept.
fn read(store: &dyn Store) -> Result<Option<Kept>, StoreError> {
    let Some(prefs) = value(store, "prefs")? else { return Ok(None) };
    let (recent, names) = (value(store, "recent")?.unwrap_or_default(), value(store, "names")?.unwrap_or_default());
    let rules = value(store, "rules")?.unwrap_or_default();
    Ok(Some(Kept { prefs, recent, names, rules }))
}

fn value<T: DeserializeOwned>(store: &dyn Store, key: &str) -> Result<Option<T>, StoreError> {
    let read = |bytes: Vec<u8>| serde_json::from_slice(&bytes).map_err(|_| StoreError::Damaged(key.to_owned()));
    store.load(key)?.map(read).transpose()
}

fn write(store: &mut dyn Store, kept: &Kept) -> Result<(), StoreError> {
    let json = |key: &str, value: serde_json::Result<Vec<u8>>| value.map_err(|_| StoreError::Damaged(key.to_owned()));
    store.save("prefs", &json("prefs", serde_json::to_vec(&kept.prefs))?)?;
    store.save("recent", &json("recent", serde_json::to_vec(&kept.recent))?)?;
    store.save("names", &json("names", serde_json::to_vec(&kept.names))?)?;
    store.save("rules", &json("rules", serde_json::to_vec(&kept.rules))?)?;
    store.flush()
}

fn import(export: &Path) -> Option<Kept> {
    let text = fs::read(export).ok()?;
    serde_json::from_slice(&text).inspect_err(|error| tracing::warn!(%error, "the export is unreadable")).ok()
}

/// Whole or not at all: a crash half-way leaves the old export.
fn write_export(export: &Path, kept: &Kept) -> io::Result<()> {
    let fresh = export.with_extension("json.new");
    fs::write(&fresh, serde_json::to_vec_pretty(kept)?)?;
    fs::rename(fresh, export)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed() -> Kept {
        let mut kept = Kept::default();
        kept.prefs.zone = "Asia/Tokyo".into();
        kept.prefs.flow_events = true;
        kept.remember(Recent { path: "/a.pcap".into(), size: 1, opened: 2 });
        kept.name("/a.pcap", "Lab");
        kept.rules.off.push((1, 2_027_397));
        kept
    }

    #[test]
    fn what_was_kept_is_there_at_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let (keeper, first, notices) = open(Some(folder.path()));
        assert_eq!((first, notices), (Kept::default(), Vec::new()));
        keeper.keep(&changed());
        drop(keeper);
        assert_eq!(open(Some(folder.path())).1, changed());
    }

    #[test]
    fn a_wrecked_store_is_replaced_by_the_export() {
        let folder = tempfile::tempdir().unwrap();
        let (keeper, ..) = open(Some(folder.path()));
        keeper.keep(&changed());
        drop(keeper);
        fs::remove_dir_all(folder.path().join("store")).unwrap();
        fs::write(folder.path().join("store"), b"wreck").unwrap();
        let (_keeper, kept, notices) = open(Some(folder.path()));
        assert_eq!(kept, changed());
        assert_eq!(notices.iter().map(AppError::code).collect::<Vec<_>>(), ["store_moved"]);
    }

    #[test]
    fn columns_are_mended() {
        let twice = ColumnPref { column: Column::Rank, width: Some(0), shown: false };
        let prefs = mend(Prefs { columns: vec![twice, twice], zone: "Mars/Olympus".into(), ..Prefs::default() });
        assert_eq!(prefs.columns.len(), Column::ALL.len());
        assert_eq!(prefs.columns[0], ColumnPref { width: Some(MIN_WIDTH), ..twice });
        assert!(Zone::parse(&prefs.zone).is_some());
    }

    #[test]
    fn the_detail_panels_sizes_are_mended() {
        let tiny = mend(Prefs { detail_width: 0, detail_height: 3, ..Prefs::default() });
        assert_eq!((tiny.detail_width, tiny.detail_height), (DETAIL_WIDTH.0, DETAIL_HEIGHT.0));
        let huge = mend(Prefs { detail_width: u16::MAX, detail_height: u16::MAX, ..Prefs::default() });
        assert_eq!((huge.detail_width, huge.detail_height), (DETAIL_WIDTH.1, DETAIL_HEIGHT.1));
    }

    #[test]
    fn the_recent_list_is_bounded_and_newest_first() {
        let mut kept = Kept::default();
        for number in 0..30 {
            kept.remember(Recent { path: format!("/{number}"), size: 0, opened: number });
        }
        kept.remember(Recent { path: "/20".into(), size: 0, opened: 99 });
        assert_eq!(kept.recent.len(), MAX_RECENT);
        assert_eq!((kept.recent[0].path.as_str(), kept.recent[0].opened), ("/20", 99));
    }
}
