//! An IP address as 4 or 16 bytes on the wire.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An IPv4 or IPv6 address. Ordered IPv4 first, then by value, which is the order of every list on screen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Addr(pub IpAddr);

impl Addr {
    /// The unspecified IPv4 address, for records that have none.
    pub const NONE: Addr = Addr(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
}

impl From<IpAddr> for Addr {
    fn from(ip: IpAddr) -> Self {
        Addr(ip)
    }
}

impl fmt::Display for Addr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Addr {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            IpAddr::V4(a) => s.serialize_bytes(&a.octets()),
            IpAddr::V6(a) => s.serialize_bytes(&a.octets()),
        }
    }
}

impl<'de> Deserialize<'de> for Addr {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_bytes(AddrVisitor)
    }
}

struct AddrVisitor;

impl Visitor<'_> for AddrVisitor {
    type Value = Addr;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an address of 4 or 16 bytes")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Addr, E> {
        if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
            Ok(Addr(Ipv4Addr::from(v4).into()))
        } else if let Ok(v6) = <[u8; 16]>::try_from(bytes) {
            Ok(Addr(Ipv6Addr::from(v6).into()))
        } else {
            Err(E::invalid_length(bytes.len(), &self))
        }
    }
}
