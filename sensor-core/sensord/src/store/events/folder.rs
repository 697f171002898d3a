//! The folder of a log: made for this user alone, and written by one process at a time.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

use super::{EventsError, failed};

/// Makes the folder of a log where there is none, for this user alone.
///
/// # Errors
/// It can't be made.
pub fn make(folder: &Path) -> Result<(), EventsError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(failed("made", folder))
}

/// How files are opened that are written: whoever made the folder readable for others did not mean the events. On
/// Windows files have the rights of their folder.
pub(super) fn writing() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Held as long as the file is open; the system gives it back when the process dies.
pub(super) fn lock(folder: &Path) -> Result<File, EventsError> {
    let path = folder.join("lock");
    let file = writing().open(&path).map_err(failed("opened", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(EventsError::Locked { path: folder.to_owned() }),
        Err(TryLockError::Error(error)) => Err(failed("locked", path)(error)),
    }
}

/// That a file was made or taken away is on the disk. Only Unix has this of folders; NTFS keeps its own journal.
#[cfg(unix)]
pub(super) fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
pub(super) fn sync(_: &Path) -> io::Result<()> {
    Ok(())
}
