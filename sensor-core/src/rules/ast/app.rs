//! Events, and keywords of single protocols.

use crate::rules::number::Comparison;

/// Families of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// `decode-event`
    Decode,
    /// `stream-event`
    Stream,
    /// `engine-event`
    Engine,
    /// `app-layer-event`; the name begins with the protocol.
    AppLayer,
}

/// Of which direction `app-layer-protocol` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProtocolOf {
    /// The packet's.
    Direction,
    /// The flow's, once both are settled.
    Final,
    /// One of both.
    Either,
    /// What the client speaks.
    ToServer,
    /// What the server speaks.
    ToClient,
}

/// Dates of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsDate {
    /// `tls_cert_notbefore`
    NotBefore,
    /// `tls_cert_notafter`
    NotAfter,
}

/// Texts of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileText {
    /// `filename`: the name contains it.
    Name,
    /// `fileext`: the name ends with a dot and it.
    Extension,
    /// `filemagic`: what libmagic says of it contains it.
    Magic,
}

/// Hashes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hash {
    /// MD5
    Md5,
    /// SHA-1
    Sha1,
    /// SHA-256
    Sha256,
}

/// Which files `filestore` keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileScope {
    /// The one that matched.
    File,
    /// Those of the transaction.
    Transaction,
    /// Those of the flow.
    Flow,
}

/// `modbus`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Modbus {
    /// Unit.
    pub unit: Option<Comparison>,
    /// What the message is.
    pub of: Option<ModbusOf>,
}

/// What a Modbus message is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModbusOf {
    /// Function and subfunction.
    Function(u8, Option<u16>),
    /// Function's category, `!` before it for any other.
    Category(bool, Box<str>),
    /// Access: write or read, what (`coils`, ...), where, which value.
    Access {
        /// Whether it writes.
        write: bool,
        /// Which table.
        table: Option<Box<str>>,
        /// Address.
        address: Option<Comparison>,
        /// Value that is written.
        value: Option<Comparison>,
    },
}

/// `asn1`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Asn1 {
    /// A bit string whose last byte has more unused bits than a byte.
    pub bitstring_overflow: bool,
    /// A real in text that is longer than its buffer.
    pub double_overflow: bool,
    /// A length of at least so many.
    pub oversize_length: Option<u32>,
    /// Where it begins.
    pub absolute_offset: Option<u16>,
    /// Where it begins behind the last match.
    pub relative_offset: Option<i32>,
}
