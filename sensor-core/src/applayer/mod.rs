//! Above the transport: which protocol a flow carries, told by content and not by port.
//!
//! [`Probe`] is a flow's small state; it is fed stream bytes or datagrams of both directions until it knows.
//! [`Expectations`] holds what one flow announced about another (FTP's data connection, a call's media).

#![warn(clippy::indexing_slicing)]

pub mod bittorrent_dht;
pub mod carve;
mod datagrams;
pub mod dcerpc;
pub mod dhcp;
pub mod dnp3;
pub mod dns;
pub mod enip;
mod expect;
mod frames;
mod framing;
pub mod ftp;
pub mod ftp_data;
pub mod http1;
pub mod http2;
pub mod ike;
pub mod inflate;
mod known;
pub mod krb5;
pub mod ldap;
mod lines;
pub mod mime;
pub mod modbus;
pub mod mqtt;
pub mod nfs;
pub mod ntp;
pub mod parser;
pub mod pgsql;
pub mod pop3;
mod prefixes;
mod probe;
mod probers;
mod proto;
pub mod protocols;
pub mod quic;
pub mod rdp;
mod registry;
pub mod rfb;
mod sdp;
pub mod sip;
pub mod smb;
pub mod smtp;
pub mod snmp;
pub mod ssh;
pub mod tftp;
pub mod tls;
mod transfer;
mod view;
pub mod websocket;

#[cfg(test)]
mod tests;

pub use expect::{Expectations, Flow};
pub use prefixes::Prefixes;
pub use probe::{Ctx, Probe, Side, Transport, Verdict};
pub use proto::AppProto;
