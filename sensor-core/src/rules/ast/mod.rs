//! Rules as values.

mod app;
mod field;
mod flow;
mod inspect;
mod packet;

pub use app::*;
pub use field::*;
pub use flow::*;
pub use inspect::*;
pub use packet::*;

use super::buffer::{Buffer, Side};
use super::header::Header;
use super::number::Comparison;

/// A rule. Two are equal that mean the same, wherever they stand: see [`Rule::same`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Index into [`Ruleset::files`](super::Ruleset::files).
    pub file: u32,
    /// Line of the rule's first character, from 1.
    pub line: u32,
    /// Column of it in characters, from 1.
    pub column: u32,
    /// Whether the rule is to run; `false` if it is commented out.
    pub enabled: bool,
    /// Action, protocol, addresses, ports, direction.
    pub header: Header,
    /// Number of the rule within its group.
    pub sid: u32,
    /// Group; 1 unless given.
    pub gid: u32,
    /// Revision; 0 unless given.
    pub rev: u32,
    /// Message; empty unless given.
    pub msg: Box<str>,
    /// Class, as `classification.config` names it.
    pub classtype: Option<Box<str>>,
    /// Priority of 1 to 255, the lowest number first; where none is given the class has one.
    pub priority: Option<u32>,
    /// What is written about it elsewhere.
    pub references: Box<[Reference]>,
    /// `metadata`: keys and values in order, a key may come again.
    pub metadata: Box<[(Box<str>, Box<str>)]>,
    /// Who was attacked.
    pub target: Option<Target>,
    /// Everything else, in the order written.
    pub options: Box<[RuleOption]>,
    /// Buffers that options look into.
    pub buffers: Box<[BufferUse]>,
    /// Names of the numbers that `byte_extract` and `byte_math` leave to later options.
    pub variables: Box<[Box<str>]>,
}

impl Rule {
    /// Whether both mean the same; where they stand does not count.
    #[must_use]
    pub fn same(&self, other: &Rule) -> bool {
        let place = |rule: &Rule| {
            let mut rule = rule.clone();
            (rule.file, rule.line, rule.column) = (0, 0, 0);
            rule.options.iter_mut().for_each(|option| (option.line, option.column) = (0, 0));
            rule
        };
        place(self) == place(other)
    }
}

/// A reference: the system it is in, and its name there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// `url`, `cve`, ...: a key of `reference.config`.
    pub system: Box<str>,
    /// The rest.
    pub id: Box<str>,
}

/// Which end of the packet is the attacked one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Its source.
    Source,
    /// Its destination.
    Destination,
}

/// An option with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleOption {
    /// Line of its name, from 1.
    pub line: u32,
    /// Column of its name in characters, from 1.
    pub column: u32,
    /// What it says.
    pub body: Body,
}

/// A buffer that a rule looks into. The options that refer to one entry are about one and the same data: for a buffer
/// that a transaction can have several times, the same one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BufferUse {
    /// Which.
    pub buffer: Buffer,
    /// What the keyword was given.
    pub argument: BufferArgument,
    /// What is done to the data first, in this order.
    pub transforms: Box<[Transform]>,
}

/// What the keyword of a sticky buffer can be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BufferArgument {
    /// Nothing.
    None,
    /// Data of one direction only: to the server, to the client.
    Side(Side),
    /// The frame's name, with the protocol or without.
    Frame(Box<str>),
}

/// What is done to a buffer before it is looked into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transform {
    /// `to_lowercase`
    ToLowercase,
    /// `to_uppercase`
    ToUppercase,
    /// `strip_whitespace`
    StripWhitespace,
    /// `compress_whitespace`
    CompressWhitespace,
    /// `strip_pseudo_headers`
    StripPseudoHeaders,
    /// `header_lowercase`
    HeaderLowercase,
    /// `url_decode`
    UrlDecode,
    /// `to_md5`: the bytes of the hash.
    ToMd5,
    /// `to_sha1`
    ToSha1,
    /// `to_sha256`
    ToSha256,
    /// `dotprefix`
    DotPrefix,
    /// `domain`
    Domain,
    /// `tld`
    Tld,
    /// `gunzip`, with the most bytes that come of it.
    Gunzip(Option<u32>),
    /// `zlib_deflate`, with the most bytes that come of it.
    ZlibDeflate(Option<u32>),
    /// `xor` with a key that repeats.
    Xor(Box<[u8]>),
    /// `xor` with a key of so many bytes that stand at an offset of the data.
    XorFrom {
        /// Where the data begins.
        offset: u32,
        /// How long the key is.
        key_len: u32,
        /// Where the key begins.
        key_offset: u32,
    },
    /// `pcrexform`: the first group of the expression.
    Pcre(Box<str>),
    /// `from_base64`
    FromBase64 {
        /// How many bytes are decoded; all, where it is not given.
        bytes: Option<Value>,
        /// Where they begin.
        offset: Value,
        /// How strictly.
        mode: Base64Mode,
    },
}

/// How base64 is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base64Mode {
    /// Any character outside the alphabet ends it.
    Rfc4648,
    /// Characters outside the alphabet are passed over.
    Rfc2045,
    /// Characters outside the alphabet, or a wrong length, make it nothing.
    Strict,
}

/// A number, or one that an earlier option of the rule has read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// The number.
    Number(i64),
    /// Index into [`Rule::variables`].
    Variable(u8),
}

/// What an option says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Body {
    /// A test of a buffer: index into [`Rule::buffers`], and the test.
    Inspect(u16, Inspect),
    /// A number is compared.
    Number(NumberTest),
    /// Words of a fixed list.
    Words(WordTest),
    /// `flow`
    Flow(Flow),
    /// `flowbits`
    Flowbits(Bits),
    /// `hostbits`: the name, and whose bit it is.
    Hostbits(Bits, HostSide),
    /// `xbits`
    Xbits(Xbits),
    /// `flowint`
    Flowint(Flowint),
    /// `flowvar` and `pktvar`: whether a variable's value contains the pattern.
    Captured {
        /// Whose variable.
        scope: Scope,
        /// Its name.
        name: Box<str>,
        /// The pattern.
        pattern: Box<[u8]>,
    },
    /// `threshold`
    Threshold(Threshold),
    /// `detection_filter`
    DetectionFilter(Threshold),
    /// `tag`
    Tag(Tag),
    /// `flags`, `tcp.flags`
    TcpFlags(TcpFlags),
    /// `fragbits`
    FragBits(FragBits),
    /// `ipopts`: the name of the IP option, `any` for any.
    IpOption(Box<str>),
    /// `ip_proto`
    IpProto(Comparison),
    /// `sameip`
    SameIp,
    /// `l3_proto`: 4 or 6.
    IpVersion(u8),
    /// `ipv4-csum` and its like: the keyword, and whether the sum has to be right.
    Checksum(Checksum, bool),
    /// `geoip`
    Geoip {
        /// Which address.
        which: GeoSide,
        /// Negated, and two letters.
        countries: Box<[(bool, Box<str>)]>,
    },
    /// `iprep`
    Iprep {
        /// Which address.
        which: RepSide,
        /// The category.
        category: Box<str>,
        /// `None`: isset or isnotset, by the second.
        test: Option<Comparison>,
        /// With no test: whether it has to be set.
        set: bool,
    },
    /// `stream_size`
    StreamSize {
        /// Of which direction.
        side: StreamSide,
        /// How many bytes.
        bytes: Comparison,
    },
    /// `rpc`: program, version, procedure.
    Rpc(u32, Option<u32>, Option<u32>),
    /// `decode-event`, `stream-event`, `engine-event`, `app-layer-event`: the kind, and the name behind it.
    Event(EventKind, Box<str>),
    /// `app-layer-protocol`
    AppLayerProtocol {
        /// Whether it must not be.
        negated: bool,
        /// The protocol; `None` is `failed` or `unknown`, see `name`.
        protocol: Option<super::header::Protocol>,
        /// As written.
        name: Box<str>,
        /// Of which direction.
        of: ProtocolOf,
    },
    /// `app-layer-state`
    AppLayerState(Box<str>),
    /// `tls.version`: negated, and the number in the record (0x0303 is 1.2).
    TlsVersion(bool, u16),
    /// `tls_cert_notbefore`, `tls_cert_notafter`: which, and seconds since 1970.
    TlsDate(TlsDate, Comparison),
    /// `tls_cert_expired`
    TlsExpired,
    /// `tls_cert_valid`
    TlsValid,
    /// `tls_store`
    TlsStore,
    /// `filename`, `fileext`, `filemagic`
    FileText {
        /// Which text.
        what: FileText,
        /// Whether it must not.
        negated: bool,
        /// What is looked for.
        pattern: Box<[u8]>,
    },
    /// `filemd5`, `filesha1`, `filesha256`: the hash, negated, the list's file.
    FileHash(Hash, bool, Box<str>),
    /// `filestore`: direction and scope as written, both may be left out.
    FileStore(Option<Side>, Option<FileScope>),
    /// `dcerpc.iface`
    DceIface {
        /// The interface's UUID in the order of its text.
        uuid: [u8; 16],
        /// The interface's version.
        version: Option<Comparison>,
        /// Whether any fragment will do.
        any_fragment: bool,
    },
    /// `dcerpc.opnum` with a list: ranges, ends in.
    DceOpnums(Box<[(u16, u16)]>),
    /// `ike.chosen_sa_attribute`
    IkeAttribute(Box<str>, u32),
    /// `modbus`
    Modbus(Modbus),
    /// `dnp3_func`
    Dnp3Function(u8),
    /// `dnp3_obj`: group and variation.
    Dnp3Object(u8, u8),
    /// `cip_service`: service, class, attribute; the last two may be left out, the attribute may be negated.
    CipService(u8, Option<u16>, Option<(bool, u16)>),
    /// `ftpbounce`
    FtpBounce,
    /// `asn1`
    Asn1(Asn1),
    /// `noalert`
    NoAlert,
    /// `alert`: the opposite, where the action would not tell.
    AlertToo,
    /// `bypass`: the rest of the flow is not looked at.
    Bypass,
    /// `prefilter`: the option before it is the one to filter by.
    Prefilter,
    /// `config`: subsystem, type, scope as written.
    Config(Box<str>),
    /// `nfq_set_mark`: value and mask.
    NfqSetMark(u32, u32),
}
