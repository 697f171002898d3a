//! Readers of single messages: from a stream's first bytes or a datagram to bounded, owned facts. Whatever is cut,
//! wrong or hostile gives `None`.

pub mod carrier;
pub mod dhcp;
pub mod dns;
pub mod greeting;
pub mod hashes;
pub mod http;
pub mod kerberos;
pub mod neighbour;
pub mod netbios;
pub mod quic;
pub(crate) mod reader;
pub mod smb;
pub mod ssh;
pub mod tls;
pub mod x509;
