//! Nightjar.
fn main() {}
