//! Rights of the process: its user and, on Linux, its capabilities.

use nix::errno::Errno;
use nix::unistd::{self, Gid, Uid, User};

/// Who the process becomes when it was started as root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    user: Uid,
    group: Gid,
}

impl Identity {
    /// The user named, else [`lesser`](Self::lesser).
    pub fn chosen(name: Option<&str>) -> Result<Identity, String> {
        name.map_or_else(|| Ok(Identity::lesser()), Identity::named)
    }

    /// Its numbers, if the process will become it.
    pub fn later(self) -> Option<(u32, u32)> {
        unistd::geteuid().is_root().then_some((self.user.as_raw(), self.group.as_raw()))
    }

    /// The user named, by name or number, with that user's group.
    ///
    /// # Errors
    /// There is no such user, or it is root.
    pub fn named(name: &str) -> Result<Identity, String> {
        let by_number = || name.parse().ok().and_then(|number| User::from_uid(Uid::from_raw(number)).ok().flatten());
        let user = User::from_name(name).map_err(|error| format!("{name}: {error}"))?.or_else(by_number);
        let user = user.ok_or_else(|| format!("there is no user {name:?}"))?;
        if user.uid.is_root() {
            return Err(format!("{name:?} is root: choose one with fewer rights"));
        }
        Ok(Identity { user: user.uid, group: user.gid })
    }

    /// Who called sudo, else nobody.
    pub fn lesser() -> Identity {
        let number = |name| std::env::var(name).ok()?.parse::<u32>().ok().filter(|number| *number != 0);
        match (number("SUDO_UID"), number("SUDO_GID")) {
            (Some(user), Some(group)) => Identity { user: Uid::from_raw(user), group: Gid::from_raw(group) },
            _ => Identity { user: Uid::from_raw(NOBODY), group: Gid::from_raw(NOBODY) },
        }
    }
}

/// Becomes `identity` if the process is root, and gives up all capabilities. Words on what could not be done.
///
/// # Errors
/// Capabilities are left.
pub(super) fn give_up(identity: Identity) -> Result<Option<String>, String> {
    // Before the user changes: afterwards it may no longer be allowed.
    clear_bounding();
    let mut left = None;
    if unistd::geteuid().is_root()
        && let Err(error) = become_user(identity)
    {
        // In a user namespace without that user. What root may do without capabilities is little.
        left = Some(format!("the user is still root ({error})"));
    }
    clear_capabilities()?;
    Ok(left)
}

#[cfg(not(target_os = "macos"))]
fn become_user(Identity { user, group }: Identity) -> Result<(), Errno> {
    unistd::setgroups(&[group])?;
    unistd::setresgid(group, group, group)?;
    unistd::setresuid(user, user, user)
}

#[cfg(target_os = "macos")]
fn become_user(Identity { user, group }: Identity) -> Result<(), Errno> {
    unistd::setgid(group)?;
    unistd::setuid(user)
}

#[cfg(target_os = "linux")]
fn clear_bounding() {
    // Only a process that has CAP_SETPCAP may. One that hasn't can get nothing by this set, for lack of new privileges.
    if let Err(error) = caps::clear(None, caps::CapSet::Bounding) {
        tracing::debug!(%error, "the bounding set stays");
    }
}

#[cfg(target_os = "linux")]
fn clear_capabilities() -> Result<(), String> {
    use caps::CapSet;

    // A kernel without ambient capabilities has none to clear.
    let _ = caps::clear(None, CapSet::Ambient);
    for set in [CapSet::Effective, CapSet::Inheritable, CapSet::Permitted] {
        caps::clear(None, set).map_err(|error| format!("{set:?} capabilities cannot be given up: {error}"))?;
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn clear_bounding() {}

#[cfg(not(target_os = "linux"))]
fn clear_capabilities() -> Result<(), String> {
    Ok(())
}

/// The overflow user and group of Linux; nobody on most systems.
const NOBODY: u32 = if cfg!(target_os = "macos") { u32::MAX - 1 } else { 65_534 };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_name_and_number_and_is_not_root() {
        let daemon = Identity::named("daemon").unwrap();
        assert_eq!(Identity::named(&daemon.user.to_string()).unwrap(), daemon);
        assert!(Identity::named("root").unwrap_err().contains("root"));
        assert!(Identity::named("no such user").unwrap_err().contains("no such user"));
    }
}
