//! `sensord`: the sensor as a command.
fn main() {}
