//! The desktop app: one [`controller`] owns the state, [`ipc`] (the window) or the bridge (a browser, in debug builds)
//! carry the page's requests to it, [`sensors`] its sensors' rows.

#[cfg(all(debug_assertions, feature = "bridge"))]
pub mod bridge;
pub mod controller;
pub mod error;
pub mod hosts;
mod interfaces;
pub mod ipc;
mod pace;
pub mod pause;
pub mod platform;
pub mod prefs;
pub mod rows;
mod rules;
pub mod sensors;
pub mod sources;
pub mod store;
pub mod zone;
