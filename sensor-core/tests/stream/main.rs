//! TCP connections and their streams, against hand-made segments, properties, captures and other programs.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

mod capture;
mod captures;
mod conversation;
mod handshakes;
mod order;
mod overlaps;
mod properties;
