//! Nightjar UI.
fn main() {}
