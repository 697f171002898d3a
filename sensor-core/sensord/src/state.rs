//! The folder in which a sensor keeps who it is, who may look, and who may still come: text files that people can read.
//!
//! | file | holds |
//! | --- | --- |
//! | `key` | the private key ([`sensor_link::keyfile`]) |
//! | `viewers` | whom the sensor accepts, and who was taken away ([`Viewers`]) |
//! | `tokens` | digests of one-time tokens ([`Tokens`]) |
//! | `listening` | addresses of the sensor that runs, for `sensord pair` |
//! | `lock` | nothing; held by whoever changes one of the others |
//!
//! Files are replaced whole, so that readers need no lock; on Unix the folder has mode 0700, files have 0600 and the
//! folder's owner. A sensor that runs reads `viewers` and `tokens` at each handshake, and writes them when it pairs.

mod rights;
mod tokens;
mod viewers;

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use sensor_link::{KeyFileError, KeyPair, PublicKey, TokenDigest, keyfile};

pub use rights::{Rights, RightsError};
pub use tokens::{MAX_TOKENS, TokenLine, TokenRefused, Tokens};
pub use viewers::{Known, MAX_VIEWERS, Viewer, Viewers};

/// A state folder that can't be used as it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// A file in it, or the folder itself.
    #[error("{}: {error}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// As the system puts it.
        error: io::Error,
    },
    /// Others than its owner can look into it.
    #[error("{}: others than its owner have access to this state folder (mode {mode:04o}): `chmod 700 {}`",
            path.display(), path.display())]
    Open {
        /// Which.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The sensor will run as another user than the one it belongs to.
    #[error("{}: this state folder belongs to user {owner}, and the sensor will run as user {user}: \
             `chown -R {user} {}`, or choose with --user", path.display(), path.display())]
    Owner {
        /// Which.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Who will want it.
        user: u32,
    },
    /// A file is far larger than any that the sensor writes.
    #[error("{}: larger than {} KiB: this is none of the sensor's files", path.display(), MAX_FILE >> 10)]
    TooLarge {
        /// Which.
        path: PathBuf,
    },
    /// The key can't be had or kept.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// The list is full.
    #[error("{MAX_VIEWERS} viewers are on the list: revoke one first")]
    Full,
    /// The token isn't good, or no longer.
    #[error(transparent)]
    Token(#[from] TokenRefused),
}

/// Who will use the folder, where that is another user than the one that opens it: user and group.
pub type Owner = Option<(u32, u32)>;

/// A sensor's state folder.
#[derive(Clone, Debug)]
pub struct StateFolder {
    path: PathBuf,
}

impl StateFolder {
    /// Opens it; makes it where there is none, for `owner`.
    pub fn open(path: &Path, owner: Owner) -> Result<StateFolder, StateError> {
        // Whoever opens it may change folders, or be confined to this one.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.into());
        let state = StateFolder { path };
        let failed = |error| state.failed("", error);
        match system::make_folder(&state.path) {
            Ok(()) => system::give(&File::open(&state.path).map_err(failed)?, owner).map_err(failed)?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(error)),
        }
        system::check(&state.path, &fs::metadata(&state.path).map_err(failed)?, owner)?;
        Ok(state)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The sensor's key pair; a new one where there is none yet.
    pub fn keys(&self) -> Result<KeyPair, StateError> {
        let path = self.path.join(KEY);
        if !path.exists() {
            match self.new_keys() {
                // Another process was faster.
                Err(StateError::Key(KeyFileError::Exists { .. })) => {}
                other => return other,
            }
        }
        Ok(keyfile::read(&path)?)
    }

    /// Makes the sensor's key pair, where there is none yet.
    pub fn new_keys(&self) -> Result<KeyPair, StateError> {
        let keys = KeyPair::generate().map_err(KeyFileError::from)?;
        let path = self.path.join(KEY);
        keyfile::create(&path, &keys)?;
        self.give_to_owner(&path)?;
        Ok(keys)
    }

    /// Who may look, as the file stands now.
    pub fn viewers(&self) -> Result<Viewers, StateError> {
        Ok(Viewers::parse(&self.read(VIEWERS)?))
    }

    /// Which tokens there are, as the file stands now.
    pub fn tokens(&self) -> Result<Tokens, StateError> {
        Ok(Tokens::parse(&self.read(TOKENS)?))
    }

    /// Changes the list of viewers; nobody else does meanwhile. It stays as it was where `change` fails.
    pub fn change_viewers<T>(
        &self,
        change: impl FnOnce(&mut Viewers) -> Result<T, StateError>,
    ) -> Result<T, StateError> {
        let _held = self.lock()?;
        let mut viewers = self.viewers()?;
        let done = change(&mut viewers)?;
        self.write(VIEWERS, &viewers.to_string())?;
        Ok(done)
    }

    /// Notes a token by its digest. Tokens that can't be used any more give way.
    pub fn add_token(&self, token: TokenLine) -> Result<(), StateError> {
        let _held = self.lock()?;
        let mut tokens = self.tokens()?;
        tokens.add(token, now());
        self.write(TOKENS, &tokens.to_string())
    }

    /// Uses up a token and puts `key` on the list with what the token grants. On disk the token is used up first: should
    /// the machine fail in between, it has to be paired anew, and no token is good twice.
    pub fn redeem(&self, token: &TokenDigest, key: PublicKey) -> Result<Viewer, StateError> {
        let _held = self.lock()?;
        let (mut tokens, mut viewers) = (self.tokens()?, self.viewers()?);
        let now = now();
        let granted = tokens.redeem(token, now)?;
        let viewer = Viewer { key, rights: granted.rights, added: time_text(now), name: granted.name };
        viewers.put(viewer.clone())?;
        self.write(TOKENS, &tokens.to_string())?;
        self.write(VIEWERS, &viewers.to_string())?;
        Ok(viewer)
    }

    /// What tells one state of the list of viewers from the next without reading it.
    pub fn stamp(&self) -> Stamp {
        fs::metadata(self.path.join(VIEWERS))
            .ok()
            .map(|about| (about.modified().ok(), about.len(), system::inode(&about)))
    }

    /// Notes where the sensor listens.
    pub fn set_listening(&self, addresses: &[std::net::SocketAddr]) -> Result<(), StateError> {
        let text: String = addresses.iter().map(|address| format!("{address}\n")).collect();
        self.write(LISTENING, &text)
    }

    /// Where the sensor that runs listens, or the one that ran last and was killed.
    pub fn listening(&self) -> Result<Vec<std::net::SocketAddr>, StateError> {
        Ok(self.read(LISTENING)?.lines().filter_map(|line| line.parse().ok()).collect())
    }

    /// No sensor listens any more.
    pub fn clear_listening(&self) {
        if let Err(error) = fs::remove_file(self.path.join(LISTENING)) {
            tracing::debug!(%error, "where the sensor listened stays noted");
        }
    }

    fn lock(&self) -> Result<File, StateError> {
        let failed = |error| self.failed("lock", error);
        let path = self.path.join("lock");
        let file = system::open_lock(&path).map_err(failed)?;
        self.give_to_owner(&path)?;
        file.lock().map_err(failed)?;
        Ok(file)
    }

    /// The text of a file, none where there is no file.
    fn read(&self, name: &str) -> Result<String, StateError> {
        let failed = |error| self.failed(name, error);
        let mut text = String::new();
        match File::open(self.path.join(name)) {
            Ok(file) => file.take(MAX_FILE + 1).read_to_string(&mut text).map_err(failed)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(text),
            Err(error) => return Err(failed(error)),
        };
        if text.len() as u64 > MAX_FILE { Err(StateError::TooLarge { path: self.path.join(name) }) } else { Ok(text) }
    }

    /// Replaces a file; on disk once this returns.
    fn write(&self, name: &str, text: &str) -> Result<(), StateError> {
        let failed = |error| self.failed(name, error);
        // Made with mode 0600.
        let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(&self.path).map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        self.give_to_owner(file.path())?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(self.path.join(name)).map_err(|error| failed(error.error))?;
        system::sync_folder(&self.path).map_err(failed)
    }

    /// A file that root made in another user's folder is that user's.
    fn give_to_owner(&self, path: &Path) -> Result<(), StateError> {
        system::give_as_folder(path, &self.path).map_err(|error| StateError::Io { path: path.into(), error })
    }

    fn failed(&self, name: &str, error: io::Error) -> StateError {
        StateError::Io { path: if name.is_empty() { self.path.clone() } else { self.path.join(name) }, error }
    }
}

/// Of a file: when it was changed, its length, and its number where it has one.
pub type Stamp = Option<(Option<SystemTime>, u64, u64)>;

/// Seconds since 1970.
#[expect(clippy::disallowed_methods, reason = "tokens end by the wall clock; nothing of the engine depends on it")]
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// `2026-12-01T16:40:00Z`
pub fn time_text(seconds: u64) -> String {
    let mut line = Vec::new();
    crate::eve::time(&mut line, i64::try_from(seconds).unwrap_or_default().saturating_mul(1_000_000_000));
    let text = String::from_utf8_lossy(&line).into_owned();
    format!("{}Z", text.get(..19).unwrap_or_default())
}

/// What root makes at `path` in another user's `folder` is that user's.
pub(crate) fn give_as_folder(path: &Path, folder: &Path) -> io::Result<()> {
    system::give_as_folder(path, folder)
}

const KEY: &str = "key";
const VIEWERS: &str = "viewers";
const TOKENS: &str = "tokens";
const LISTENING: &str = "listening";

/// A full list of viewers has some 200 KiB.
const MAX_FILE: u64 = 1 << 20;

/// A name that is put into a line: what could end the line or change a terminal is left out.
fn printable(name: &str) -> String {
    let name: String = name.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect();
    name.trim().to_owned()
}

/// Characters of a viewer's name.
const MAX_NAME: usize = 64;

#[cfg(unix)]
mod system {
    use std::fs::{File, Metadata};
    use std::io;
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, fchown, lchown};
    use std::path::Path;

    use super::{Owner, StateError};

    pub(super) fn make_folder(path: &Path) -> io::Result<()> {
        std::fs::DirBuilder::new().mode(0o700).create(path)
    }

    pub(super) fn give(folder: &File, owner: Owner) -> io::Result<()> {
        owner.map_or(Ok(()), |(user, group)| fchown(folder, Some(user), Some(group)))
    }

    /// The folder's owner may have put a link in the file's place, for root to give away what it leads to.
    pub(super) fn give_as_folder(path: &Path, folder: &Path) -> io::Result<()> {
        let (file, folder) = (std::fs::symlink_metadata(path)?, std::fs::metadata(folder)?);
        if file.uid() == folder.uid() { Ok(()) } else { lchown(path, Some(folder.uid()), Some(folder.gid())) }
    }

    /// Without following a link, for the same reason.
    pub(super) fn open_lock(path: &Path) -> io::Result<File> {
        let follow_none = nix::fcntl::OFlag::O_NOFOLLOW.bits();
        File::options().create(true).truncate(false).write(true).mode(0o600).custom_flags(follow_none).open(path)
    }

    pub(super) fn check(path: &Path, about: &Metadata, owner: Owner) -> Result<(), StateError> {
        let mode = about.mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(StateError::Open { path: path.into(), mode });
        }
        match owner {
            Some((user, _)) if user != about.uid() => {
                Err(StateError::Owner { path: path.into(), owner: about.uid(), user })
            }
            _ => Ok(()),
        }
    }

    pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    pub(super) fn inode(about: &Metadata) -> u64 {
        about.ino()
    }
}

/// Files have what they inherit from the folder, whose rights are not looked at: it belongs into the profile of the user
/// that the sensor runs as.
#[cfg(not(unix))]
mod system {
    use std::fs::{File, Metadata};
    use std::io;
    use std::path::Path;

    use super::{Owner, StateError};

    pub(super) fn make_folder(path: &Path) -> io::Result<()> {
        std::fs::create_dir(path)
    }

    pub(super) fn give(_: &File, _: Owner) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn give_as_folder(_: &Path, _: &Path) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn open_lock(path: &Path) -> io::Result<File> {
        File::options().create(true).truncate(false).write(true).open(path)
    }

    pub(super) fn check(_: &Path, _: &Metadata, _: Owner) -> Result<(), StateError> {
        Ok(())
    }

    pub(super) fn sync_folder(_: &Path) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn inode(_: &Metadata) -> u64 {
        0
    }
}

#[cfg(test)]
mod tests;
