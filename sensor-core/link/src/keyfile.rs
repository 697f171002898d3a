//! A key pair in a file that its owner alone can read: one line of 64 hexadecimal digits, lines with `#` are passed over.
//!
//! On Unix the file has mode 0600, and one that its group or others can read or write is refused: its key may be known
//! to anyone. Elsewhere that isn't looked at. A file in a folder of the user's profile on Windows can be read by that
//! user, administrators and the system, by what it inherits; whoever puts it elsewhere has to see to that.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::keys::hex;
use crate::{KeyError, KeyPair};

/// A file whose key can't be had, or kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// It can't be opened or read.
    #[error("{}: {error}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// As the system puts it.
        error: io::Error,
    },
    /// It can't be written.
    #[error("{}: the key cannot be kept: {error}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// As the system puts it.
        error: io::Error,
    },
    /// There is one already.
    #[error("{}: there is a key already, and it stays", path.display())]
    Exists {
        /// Which.
        path: PathBuf,
    },
    /// Others can read or write it.
    #[error("{}: others than its owner have access to this key (mode {mode:04o}): make a new one, or, if nobody has \
             read it, `chmod 600 {}`", path.display(), path.display())]
    Open {
        /// Which.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// There is no key in it.
    #[error("{}: this is no key file", path.display())]
    NoKey {
        /// Which.
        path: PathBuf,
    },
    /// The key is none.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// The key pair kept in `path`.
pub fn read(path: &Path) -> Result<KeyPair, KeyFileError> {
    let failed = |error| KeyFileError::Read { path: path.into(), error };
    let file = File::open(path).map_err(failed)?;
    // Of the open file: the path may have become another one.
    check(path, &file.metadata().map_err(failed)?)?;
    let mut text = Zeroizing::new(String::with_capacity(MAX_FILE));
    file.take(MAX_FILE as u64).read_to_string(&mut text).map_err(failed)?;
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    match (lines.next().and_then(hex).map(Zeroizing::new), lines.next()) {
        (Some(private), None) => Ok(KeyPair::from_bytes(*private)?),
        _ => Err(KeyFileError::NoKey { path: path.into() }),
    }
}

/// Keeps a key pair in `path`, where nothing may be yet: the file is there whole or not at all, and never readable to
/// others.
pub fn create(path: &Path, keys: &KeyPair) -> Result<(), KeyFileError> {
    let failed = |error| KeyFileError::Write { path: path.into(), error };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut text = Zeroizing::new(format!("{HEADING}\n# Public: {}\n", keys.public()));
    // Room first: a string that grows leaves a copy of the key behind.
    text.reserve_exact(2 * keys.private_bytes().len() + 1);
    keys.private_bytes().iter().for_each(|byte| {
        for digit in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(digit.into(), 16));
        }
    });
    text.push('\n');
    // Made with mode 0600.
    let mut file = tempfile::Builder::new().prefix(".key-").tempfile_in(folder).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    file.persist_noclobber(path).map_err(|error| {
        if error.error.kind() == io::ErrorKind::AlreadyExists {
            KeyFileError::Exists { path: path.into() }
        } else {
            failed(error.error)
        }
    })?;
    Ok(())
}

const HEADING: &str = "# Private key of a Nightjar link. Whoever reads it can pass for its owner.";

/// A key file has some 220 bytes.
const MAX_FILE: usize = 4096;

#[cfg(unix)]
fn check(path: &Path, metadata: &fs::Metadata) -> Result<(), KeyFileError> {
    use std::os::unix::fs::MetadataExt;

    let mode = metadata.mode() & 0o7777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(KeyFileError::Open { path: path.into(), mode }) }
}

/// Who may read a file is not in a mode there.
#[cfg(not(unix))]
fn check(_: &Path, _: &fs::Metadata) -> Result<(), KeyFileError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_read_and_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let keys = KeyPair::generate().unwrap();
        create(&path, &keys).unwrap();
        assert_eq!(read(&path).unwrap().private_bytes(), keys.private_bytes());
        let error = create(&path, &KeyPair::generate().unwrap()).unwrap_err();
        assert!(matches!(error, KeyFileError::Exists { .. }), "{error}");
        assert_eq!(read(&path).unwrap().public(), keys.public());
        // Nothing is left beside it.
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        create(&path, &KeyPair::generate().unwrap()).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        for mode in [0o640, 0o604, 0o660, 0o601] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = read(&path).unwrap_err();
            assert!(matches!(error, KeyFileError::Open { mode: found, .. } if found == mode), "{error}");
            assert!(error.to_string().contains("chmod 600"), "{error}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        assert!(read(&path).is_ok());
    }

    #[test]
    fn what_is_no_key_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        assert!(matches!(read(&path).unwrap_err(), KeyFileError::Read { .. }));
        let digits = "0".repeat(64);
        for text in ["", "# only words\n", "00\n", &format!("{digits}\n{digits}\n"), &"x".repeat(10_000)] {
            let mut file = tempfile::NamedTempFile::new_in(folder.path()).unwrap();
            file.write_all(text.as_bytes()).unwrap();
            file.persist(&path).unwrap();
            let error = read(&path).unwrap_err();
            assert!(matches!(error, KeyFileError::NoKey { .. }), "{error}");
        }
        assert!(matches!(
            create(&folder.path().join("no/key"), &KeyPair::generate().unwrap()),
            Err(KeyFileError::Write { .. })
        ));
    }
}
