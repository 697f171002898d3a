//! What the process gives up before it looks at bytes that a stranger may have made.
//!
//! **When to call [`enter`]**: after every file the process will ever need is open (the capture, an EVE output, rules)
//! and its log is set up, before a byte of the capture is parsed, and before the first further thread starts (an async
//! runtime's included): it restricts the calling thread and those that thread starts later, not those already there.
//!
//! A live capture calls [`give_up_rights`] in its place, at the same moment: after the interface is open, which takes
//! rights, and before the first packet is looked at, which must have none.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(not(target_os = "linux"))]
use elsewhere as system;
#[cfg(unix)]
mod rights;

use std::fmt;
use std::path::PathBuf;

/// What a process needs later on, and so keeps.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// Folders whose files can still be read: those of rules.
    pub reading: Vec<PathBuf>,
    /// A folder in which files can be read, made, replaced and removed: the sensor's state. What is there can't be run,
    /// and no folder, link or device made.
    pub state: Option<PathBuf>,
}

impl Kept {
    /// In words; `None` for nothing.
    fn words(&self) -> Option<&'static str> {
        match (self.reading.is_empty(), self.state.is_none()) {
            (true, true) => None,
            (false, true) => Some("files in the folders of its rules can be read"),
            (true, false) => {
                Some("files of its state folder can be read and replaced, and viewers come in where it listens")
            }
            (false, false) => Some(
                "files in the folders of its rules can be read, those of its state folder replaced too, and viewers come \
                 in where it listens",
            ),
        }
    }
}

/// How far the process is confined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SandboxStatus {
    /// No file can be opened any more and no TCP connection made or accepted.
    Enforced,
    /// Some of it; the text says what is missing.
    Partly(String),
    /// None of it; the text says why.
    NotAvailable(String),
}

impl fmt::Display for SandboxStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SandboxStatus::Enforced => f.write_str("confined: no file can be opened, no connection made"),
            SandboxStatus::Partly(what) => write!(f, "partly confined: {what}"),
            SandboxStatus::NotAvailable(why) => write!(f, "not confined: {why}"),
        }
    }
}

/// Gives up what a replaying sensor doesn't need, but for what is `kept`. What is open stays open, sockets that listen
/// among it. Cannot be undone; may be called once more without harm.
pub fn enter(kept: &Kept) -> SandboxStatus {
    with_kept(system::enter(kept), kept)
}

/// Gives up what a capturing sensor doesn't need once its interface is open: the user if it is root (for `user`; unless
/// given, for the one who called sudo, else nobody), all capabilities, and what [`enter`] gives up.
///
/// # Errors
/// There is no such user, or capabilities are left: then no packet should be looked at.
pub fn give_up_rights(user: Option<&str>, kept: &Kept) -> Result<SandboxStatus, String> {
    #[cfg(unix)]
    let left = rights::give_up(rights::Identity::chosen(user)?)?;
    #[cfg(not(unix))]
    let left = user.map(|_| "another user can be chosen on Unix only".to_owned());
    Ok(match (enter(kept), left) {
        (status, None) => status,
        (SandboxStatus::Enforced, Some(left)) => SandboxStatus::Partly(left),
        (SandboxStatus::Partly(what), Some(left)) => SandboxStatus::Partly(format!("{what}; {left}")),
        (SandboxStatus::NotAvailable(why), Some(left)) => SandboxStatus::NotAvailable(format!("{why}; {left}")),
    })
}

/// Who [`give_up_rights`] makes of this process, as numbers of user and group; `None` where it stays who it is.
///
/// # Errors
/// There is no such user.
pub fn later_user(user: Option<&str>) -> Result<Option<(u32, u32)>, String> {
    #[cfg(unix)]
    let later = rights::Identity::chosen(user)?.later();
    #[cfg(not(unix))]
    let later = user.and(None);
    Ok(later)
}

fn with_kept(status: SandboxStatus, kept: &Kept) -> SandboxStatus {
    match (status, kept.words()) {
        (SandboxStatus::Enforced, Some(words)) => SandboxStatus::Partly(words.into()),
        (SandboxStatus::Partly(what), Some(words)) => SandboxStatus::Partly(format!("{words}; {what}")),
        (status, _) => status,
    }
}
