//! The first message, both ways.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// Version of the messages in this crate. A peer with another major is refused with a clear word.
pub const PROTOCOL: u32 = 1;

/// A sensor that keeps a list of viewers names this viewer's rights among its features, with this in front:
/// `may.watch` (rows, flows, hosts, rules), `may.packets` (what packets hold: explanations), `may.act` (stopping, other
/// rules). A request that takes another right is reset without an answer.
pub const MAY: &str = "may.";

/// Who speaks. Sent first by the app, answered by the sensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    /// [`PROTOCOL`] of the sender.
    pub protocol: u32,
    /// Host or sensor name for people.
    pub name: String,
    /// Software version, e.g. `0.1.0`.
    pub version: String,
    /// The sender's clock, to measure skew. 0 where it has none to tell.
    #[serde(default)]
    pub time: Timestamp,
    /// IANA zone of the sender, e.g. `Europe/Berlin`; empty when unknown.
    #[serde(default)]
    pub zone: String,
    /// What the sender can do beyond the base protocol; unknown names are ignored.
    #[serde(default)]
    pub features: Vec<String>,
    /// What the sender holds to.
    #[serde(default)]
    pub limits: Limits,
}

/// Bounds a peer holds to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Rows the sensor keeps.
    pub rows: u64,
    /// Largest message in bytes.
    pub message: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { rows: 0, message: crate::codec::MAX_MESSAGE as u32 }
    }
}
