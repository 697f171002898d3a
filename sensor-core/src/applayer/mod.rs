//! Above the transport: which protocol a flow carries, told by content and not by port.
//!
//! [`Probe`] is a flow's small state; it is fed stream bytes or datagrams of both directions until it knows.
//! [`Expectations`] holds what one flow announced about another (FTP's data connection, a call's media).

#![warn(clippy::indexing_slicing)]

pub mod bittorrent_dht;
mod datagrams;
pub mod dcerpc;
pub mod dhcp;
pub mod dnp3;
pub mod dns;
pub mod enip;
mod expect;
mod frames;
mod framing;
pub mod http1;
pub mod ike;
pub mod inflate;
mod lines;
pub mod mime;
pub mod modbus;
pub mod ntp;
pub mod parser;
pub mod pgsql;
mod prefixes;
mod probe;
mod probers;
mod proto;
pub mod protocols;
pub mod quic;
mod registry;
pub mod smtp;
pub mod snmp;
pub mod ssh;
pub mod tls;
mod view;

#[cfg(test)]
mod tests;

pub use expect::{Expectations, Flow};
pub use prefixes::Prefixes;
pub use probe::{Ctx, Probe, Side, Transport, Verdict};
pub use proto::AppProto;
