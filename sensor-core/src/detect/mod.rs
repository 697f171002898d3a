//! Rules run over traffic.

pub mod verify;
