//! The network interfaces of a sensor's machine: what `sensord interfaces --json` prints.

use serde::{Deserialize, Serialize};

use crate::live::CaptureFailure;

/// All interfaces, or why there is no list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Interfaces {
    /// In the capture library's order: those in use first.
    pub interfaces: Vec<Interface>,
    /// Why they could not be listed.
    pub failure: Option<CaptureFailure>,
}

/// One interface.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Interface {
    /// What `--interface` takes: `eth0`, `\\Device\\NPF_{...}`.
    pub name: String,
    /// For people; empty where the system has no other name for it.
    pub description: String,
    /// Its addresses with prefix lengths, `192.0.2.1/24`.
    pub addresses: Vec<String>,
    /// Hardware address, `02:00:00:00:00:01`; `None` where it has none or the system doesn't tell.
    pub mac: Option<String>,
    /// It is switched on.
    pub up: bool,
    /// It has a carrier.
    pub running: bool,
    /// The machine's own loopback.
    pub loopback: bool,
    /// Wireless.
    pub wireless: bool,
    /// Why it can't be captured from now; `None` where it can.
    pub failure: Option<CaptureFailure>,
}
