//! Why a rule told of a flow, or did not: what came of each of its options, over the bytes they looked at.

mod bytes;
mod hex;
pub mod panel;
mod steps;
mod words;
