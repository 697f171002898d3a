//! Nightjar's sensor, as a library behind the `sensord` command: sources of packets, the pipeline that feeds them to
//! the engine, EVE output, and the link server for viewers.

pub mod capture;
pub mod cli;
pub mod crew;
pub mod eve;
pub mod explanation;
pub mod listen;
pub mod packets;
pub mod pipeline;
pub mod recorder;
pub mod rules;
pub mod sandbox;
pub mod serve;
pub mod settings;
pub mod signals;
pub mod state;
pub mod store;
pub mod watch;
