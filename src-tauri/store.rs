//! Named values on disk, each versioned and checksummed.

use std::any::Any;
use std::collections::BTreeMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::error::AppError;

/// A store that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database says no.
    #[error("{0}")]
    Sled(#[from] sled::Error),
    /// A value is not what was written.
    #[error("the value {0} is damaged")]
    Damaged(String),
    /// A value was written by a newer app.
    #[error("the value {key} has format {found}, newer than {FORMAT}")]
    Newer {
        /// Its name.
        key: String,
        /// Its format.
        found: u16,
    },
    /// The database gave up while it read its own files.
    #[error("the database stopped: {0}")]
    Panicked(String),
}

/// Where named values are kept.
pub trait Store: Send {
    /// The value of that name.
    fn load(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError>;
    /// Keeps a value; durable after [`Store::flush`].
    fn save(&mut self, key: &str, value: &[u8]) -> Result<(), StoreError>;
    /// Returns when all that was saved is on disk.
    fn flush(&mut self) -> Result<(), StoreError>;
}

/// Format of the values; grows when old apps could not read new values.
pub const FORMAT: u16 = 1;

const HEADER: usize = 6;

/// Values in a sled database.
#[derive(Debug)]
pub struct SledStore(sled::Db);

impl Store for SledStore {
    fn load(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        guarded(|| self.0.get(key))?.map(|sealed| unseal(key, &sealed)).transpose()
    }

    fn save(&mut self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        guarded(|| self.0.insert(key, seal(key, value))).map(drop)
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        guarded(|| self.0.flush()).map(drop)
    }
}

/// Values that end with the process.
#[derive(Debug, Default)]
pub struct MemoryStore(BTreeMap<String, Vec<u8>>);

impl Store for MemoryStore {
    fn load(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.0.get(key).cloned())
    }

    fn save(&mut self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.0.insert(key.to_owned(), value.to_owned());
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// What [`open`] came to.
pub struct Opened {
    /// The store to use.
    pub store: Box<dyn Store>,
    /// What the user must know about it.
    pub notice: Option<AppError>,
    /// The old store was wrecked: an export has to fill the new one.
    pub fresh_after_damage: bool,
    /// Another process owns the folder: nothing in it may be written.
    pub read_only: bool,
}

/// Opens the store in a folder. One that won't open is moved aside, never deleted; one that another process holds is
/// left alone, and nothing is kept.
pub fn open(folder: &Path, readable: fn(&dyn Store) -> Result<(), StoreError>) -> Opened {
    let path = folder.join("store");
    let cause = match try_open(&path).and_then(|store| readable(&store).map(|()| store)) {
        Ok(store) => {
            return Opened { store: Box::new(store), notice: None, fresh_after_damage: false, read_only: false };
        }
        Err(StoreError::Sled(error)) if is_locked(&error) => {
            return memory(AppError::StoreLocked(error.to_string()), true);
        }
        Err(error) => error,
    };
    tracing::warn!(%cause, path = %path.display(), "the store does not open");
    let aside = aside(&path);
    let moved = std::fs::rename(&path, &aside).map_err(|error| format!("{cause}; {}: {error}", path.display()));
    match moved.and_then(|()| try_open(&path).map_err(|error| error.to_string())) {
        Ok(store) => Opened {
            store: Box::new(store),
            notice: Some(AppError::StoreMoved(format!("{}: {cause}", aside.display()))),
            fresh_after_damage: true,
            read_only: false,
        },
        Err(detail) => memory(AppError::StoreFailed(detail), false),
    }
}

fn memory(notice: AppError, read_only: bool) -> Opened {
    Opened { store: Box::<MemoryStore>::default(), notice: Some(notice), fresh_after_damage: true, read_only }
}

fn try_open(path: &Path) -> Result<SledStore, StoreError> {
    guarded(|| sled::Config::new().path(path).cache_capacity(4 << 20).flush_every_ms(None).open()).map(SledStore)
}

/// sled panics on some damage; to the app that is a store that won't open.
fn guarded<T>(call: impl FnOnce() -> Result<T, sled::Error>) -> Result<T, StoreError> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => Ok(result?),
        Err(panic) => Err(StoreError::Panicked(panic_words(panic.as_ref()))),
    }
}

fn panic_words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("no cause given").to_owned()
}

/// sled tells a held lock as an IO error whose kind differs between its versions; its words do not.
fn is_locked(error: &sled::Error) -> bool {
    matches!(error, sled::Error::Io(io) if io.kind() == io::ErrorKind::WouldBlock
        || io.to_string().contains("could not acquire lock"))
}

fn aside(path: &Path) -> PathBuf {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_nanos());
    path.with_file_name(format!("store-damaged-{now}"))
}

/// Format, checksum over name and value, value.
fn seal(key: &str, value: &[u8]) -> Vec<u8> {
    let mut sealed = Vec::with_capacity(HEADER + value.len());
    sealed.extend_from_slice(&FORMAT.to_be_bytes());
    sealed.extend_from_slice(&checksum(key, value).to_be_bytes());
    sealed.extend_from_slice(value);
    sealed
}

fn unseal(key: &str, sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
    let damaged = || StoreError::Damaged(key.to_owned());
    let (format, rest) = sealed.split_first_chunk::<2>().ok_or_else(damaged)?;
    let (sum, value) = rest.split_first_chunk::<4>().ok_or_else(damaged)?;
    let found = u16::from_be_bytes(*format);
    if u32::from_be_bytes(*sum) != checksum(key, value) {
        Err(damaged())
    } else if found > FORMAT {
        Err(StoreError::Newer { key: key.to_owned(), found })
    } else {
        Ok(value.to_vec())
    }
}

fn checksum(key: &str, value: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key.as_bytes());
    hasher.update(value);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flipped_bit_is_noticed() {
        let sealed = seal("prefs", b"{}");
        assert_eq!(unseal("prefs", &sealed).unwrap(), b"{}");
        for bit in 16..sealed.len() * 8 {
            let mut bad = sealed.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(unseal("prefs", &bad), Err(StoreError::Damaged(_))), "bit {bit}");
        }
        assert!(matches!(unseal("recent", &sealed), Err(StoreError::Damaged(_))), "a value under another name");
    }

    #[test]
    fn a_newer_format_is_told_apart() {
        let mut sealed = seal("prefs", b"{}");
        sealed[..2].copy_from_slice(&9u16.to_be_bytes());
        assert!(matches!(unseal("prefs", &sealed), Err(StoreError::Newer { found: 9, .. })));
    }

    #[test]
    fn values_outlive_the_store() {
        let folder = tempfile::tempdir().unwrap();
        {
            let mut opened = open(folder.path(), |_| Ok(()));
            assert_eq!(opened.notice, None);
            opened.store.save("a", b"1").unwrap();
            opened.store.flush().unwrap();
        }
        assert_eq!(open(folder.path(), |_| Ok(())).store.load("a").unwrap(), Some(b"1".to_vec()));
    }

    #[test]
    fn a_second_process_keeps_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let _first = open(folder.path(), |_| Ok(()));
        let second = open(folder.path(), |_| Ok(()));
        assert_eq!(second.notice.map(|notice| notice.code()), Some("store_locked"));
        assert!(second.read_only);
    }

    #[test]
    fn a_store_that_will_not_open_is_moved_aside() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("store"), b"not a folder").unwrap();
        let opened = open(folder.path(), |_| Ok(()));
        assert_eq!(opened.notice.map(|notice| notice.code()), Some("store_moved"));
        let kept = std::fs::read_dir(folder.path()).unwrap().filter_map(Result::ok);
        assert!(kept.map(|entry| entry.file_name()).any(|name| name.to_string_lossy().starts_with("store-damaged-")));
    }
}
