//! One function a protocol. Each looks at the beginning of one side and answers; none keeps state.
//!
//! On a stream a prober has to be monotonic: what it rules out on a beginning it rules out on more of the same.

pub mod crypto;
pub mod database;
pub mod industrial;
pub mod mail;
pub mod media;
pub mod names;
pub mod network;
pub mod p2p;
pub mod queue;
pub mod remote;
pub mod routing;
pub mod tunnel;
pub mod web;
pub mod windows;
