//! What the sensor keeps.

pub mod events;
