//! Detection: rules compiled to what can be run, and run over packets, streams and transactions.
//!
//! [`Rules::compile`] takes a [`Ruleset`](crate::rules::Ruleset); a [`Detector`] looks at what a flow brings, and keeps
//! a [`FlowState`] for each. One search for the patterns of all rules tells which few are looked at closely, in the order
//! of Suricata: by action, those that set what others ask for, then by priority.

#![warn(clippy::indexing_slicing)]

mod app;
mod carved;
mod compile;
mod compiled;
mod concerned;
mod detector;
pub mod explain;
mod fast;
mod filter;
mod group;
mod header;
mod judge;
mod kept;
mod lists;
mod matcher;
mod option;
mod order;
mod reload;
mod sets;
mod shared;
mod state;
mod test;
mod transaction;
pub mod verify;
mod view;

pub use compile::Rules;
pub use compiled::{Compiled, Kind};
pub use detector::{Alert, Counters, Detector, Output, Place, Settings, Verdict};
pub use judge::{Claim, Judge};
pub use kept::Kept;
pub use reload::Renumbered;
pub use shared::Shared;
pub use state::FlowState;
pub use view::{FlowView, PacketView};
