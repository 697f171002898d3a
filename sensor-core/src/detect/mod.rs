//! Detection: rules compiled to what can be run, and run over packets, streams and transactions.

#![warn(clippy::indexing_slicing)]

mod fast;
mod matcher;
mod sets;
