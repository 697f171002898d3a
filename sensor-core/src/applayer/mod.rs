//! Above the transport: which protocol a flow carries, told by content and not by port.
//!
//! [`Probe`] is a flow's small state; it is fed stream bytes or datagrams of both directions until it knows.
//! [`Expectations`] holds what one flow announced about another (FTP's data connection, a call's media).

#![warn(clippy::indexing_slicing)]

pub mod dns;
mod expect;
pub mod http1;
pub mod http2;
pub mod inflate;
pub mod mqtt;
pub mod parser;
mod prefixes;
mod probe;
mod probers;
mod proto;
pub mod protocols;
pub mod quic;
mod registry;
pub mod rfb;
mod sdp;
pub mod sip;
pub mod ssh;
pub mod tls;
mod view;
pub mod websocket;

#[cfg(test)]
mod tests;

pub use expect::{Expectations, Flow};
pub use prefixes::Prefixes;
pub use probe::{Ctx, Probe, Side, Transport, Verdict};
pub use proto::AppProto;
