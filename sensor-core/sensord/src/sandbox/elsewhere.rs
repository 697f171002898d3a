//! Systems other than Linux.

use super::{Kept, SandboxStatus};

pub(super) fn enter(_: &Kept) -> SandboxStatus {
    SandboxStatus::NotAvailable(REASON.into())
}

#[cfg(target_os = "macos")]
const REASON: &str = "on macOS a process is confined by its signed entitlements, not by itself";

#[cfg(windows)]
const REASON: &str = "on Windows a process is confined by the token it is started with, not by itself";

#[cfg(not(any(target_os = "macos", windows)))]
const REASON: &str = "the sensor knows no way to confine itself on this system";
