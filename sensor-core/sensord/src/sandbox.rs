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

/// Gives up what a replaying sensor doesn't need. What is open stays open. Cannot be undone; may be called once more
/// without harm.
/// Files in the folders `writing` can still be made, read, written and removed.
pub fn enter(writing: &[PathBuf]) -> SandboxStatus {
    but_for(system::enter(&[], writing), &[], writing)
}

/// An enforced status says what is still allowed.
fn but_for(status: SandboxStatus, reading: &[PathBuf], writing: &[PathBuf]) -> SandboxStatus {
    let left = [
        (reading, "files in the folders of its rules can be read"),
        (writing, "files in the folder of its events can be written"),
    ];
    let left: Vec<_> = left.into_iter().filter(|(folders, _)| !folders.is_empty()).map(|(_, words)| words).collect();
    if status == SandboxStatus::Enforced && !left.is_empty() { SandboxStatus::Partly(left.join(", ")) } else { status }
}

/// Gives up what a capturing sensor doesn't need once its interface is open: the user if it is root (for `user`; unless
/// given, for the one who called sudo, else nobody), all capabilities, and what [`enter`] gives up, but for reading files
/// in the folders `reading`, and all in those `writing`, which have to be that user's.
///
/// # Errors
/// There is no such user, or capabilities are left: then no packet should be looked at.
pub fn give_up_rights(user: Option<&str>, reading: &[PathBuf], writing: &[PathBuf]) -> Result<SandboxStatus, String> {
    #[cfg(unix)]
    let left = rights::give_up(user.map_or_else(|| Ok(rights::Identity::lesser()), rights::Identity::named)?)?;
    #[cfg(not(unix))]
    let left = user.map(|_| "another user can be chosen on Unix only".to_owned());
    Ok(match (but_for(system::enter(reading, writing), reading, writing), left) {
        (status, None) => status,
        (SandboxStatus::Enforced, Some(left)) => SandboxStatus::Partly(left),
        (SandboxStatus::Partly(what), Some(left)) => SandboxStatus::Partly(format!("{what}; {left}")),
        (SandboxStatus::NotAvailable(why), Some(left)) => SandboxStatus::NotAvailable(format!("{why}; {left}")),
    })
}
