//! Nightjar's engine: packets in, flow records and summary rows out.
//!
//! Pure: no IO, no clock, no threads. All time comes from packets, so replay is deterministic at any speed, and live
//! capture and replay share every line. [`Engine`] is the way in.

pub mod anomaly;
pub mod applayer;
pub mod decode;
pub mod detect;
pub mod discover;
pub mod engine;
pub mod flow;
pub mod inspect;
pub mod json;
pub mod limits;
pub mod networks;
pub mod rules;
pub mod share;
pub mod stream;
pub mod summary;

pub use anomaly::Anomaly;
pub use engine::{Alerted, Dropped, Engine, FlowSink, Frame, Stats, Told};
pub use limits::{Limits, Timeouts};
pub use networks::Networks;
