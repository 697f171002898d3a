//! Tests of packets and addresses.

/// `tcp.flags`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TcpFlags {
    /// How they are compared.
    pub mode: FlagMode,
    /// The flags, as in the header's byte 13.
    pub flags: u8,
    /// Flags that do not count.
    pub ignored: u8,
}

/// How a set of flags is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlagMode {
    /// These and no other.
    Exactly,
    /// `+`: these, and others if there are.
    All,
    /// `*`: any of these.
    Any,
    /// `!`: none of these.
    None,
}

/// `fragbits`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FragBits {
    /// How they are compared.
    pub mode: FlagMode,
    /// 1 more fragments, 2 don't fragment, 4 reserved.
    pub bits: u8,
}

/// Keywords of checksums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checksum {
    /// `ipv4-csum`
    Ipv4,
    /// `tcpv4-csum`
    TcpV4,
    /// `tcpv6-csum`
    TcpV6,
    /// `udpv4-csum`
    UdpV4,
    /// `udpv6-csum`
    UdpV6,
    /// `icmpv4-csum`
    IcmpV4,
    /// `icmpv6-csum`
    IcmpV6,
    /// `igmp-csum`
    Igmp,
}

/// Which address `geoip` is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GeoSide {
    /// Any of both.
    Any,
    /// Both.
    Both,
    /// Source.
    Source,
    /// Destination.
    Destination,
}

/// Which address `iprep` is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RepSide {
    /// Any of both.
    Any,
    /// Source.
    Source,
    /// Destination.
    Destination,
    /// Both.
    Both,
}

/// Of which direction `stream_size` counts bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamSide {
    /// What the server sent.
    Server,
    /// What the client sent.
    Client,
    /// Each of both.
    Both,
    /// One of both.
    Either,
}
