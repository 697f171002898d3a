//! Hosts in the window: the pane that lists them, one host with everything that is known of it, and the card that a
//! pointer over an address brings.

pub mod card;
pub mod detail;
pub mod pane;
pub mod words;
