//! Rules as values.

use super::buffer::{Buffer, Side};
use super::field::Field;
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

/// A test of a buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Inspect {
    /// `content`
    Content(Content),
    /// `pcre`
    Pcre(Pcre),
    /// `byte_test`
    ByteTest(ByteTest),
    /// `byte_jump`
    ByteJump(ByteJump),
    /// `byte_extract`
    ByteExtract(ByteExtract),
    /// `byte_math`
    ByteMath(ByteMath),
    /// `isdataat`
    IsDataAt(IsDataAt),
    /// `bsize`; `urilen` is this on `http.uri`.
    Size(Comparison),
    /// `absent`; with `or_else` what else the rule says of the buffer will do as well.
    Absent {
        /// Whether the rest is an alternative.
        or_else: bool,
    },
    /// `base64_decode`: what it gives is what `base64_data` looks into.
    Base64Decode {
        /// Most bytes that are read.
        bytes: Option<u32>,
        /// Where they begin.
        offset: u32,
        /// Whether that counts from the last match.
        relative: bool,
    },
    /// `dataset`
    Dataset(Dataset),
    /// `datarep`
    Datarep(Dataset, Comparison),
    /// `entropy`: where, and thousandths of a bit a byte.
    Entropy {
        /// How many bytes; all, where it is not given.
        bytes: Option<u32>,
        /// From where.
        offset: u32,
        /// What it is compared with, in thousandths.
        value: Comparison,
    },
}

/// `content` with its modifiers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Content {
    /// The bytes, at least one.
    pub bytes: Box<[u8]>,
    /// Whether they must not be there.
    pub negated: bool,
    /// Whether letters' case does not count.
    pub nocase: bool,
    /// Within how many bytes from `offset`, or the buffer's start, it has to end.
    pub depth: Option<Value>,
    /// Where it starts at the earliest.
    pub offset: Option<Value>,
    /// How far behind the last match it starts at the earliest.
    pub distance: Option<Value>,
    /// Within how many bytes behind the last match (and `distance`) it has to end.
    pub within: Option<Value>,
    /// Whether it has to stand at the buffer's start.
    pub startswith: bool,
    /// Whether it has to stand at the buffer's end.
    pub endswith: bool,
    /// Whether packets rather than the stream are looked into; means nothing beside that.
    pub rawbytes: bool,
    /// What the rule's author would search for first.
    pub fast_pattern: FastPattern,
    /// What an inline sensor puts in its place, of the same length.
    pub replace: Option<Box<[u8]>>,
}

impl Content {
    /// Whether it counts from the last match.
    #[must_use]
    pub fn is_relative(&self) -> bool {
        self.distance.is_some() || self.within.is_some()
    }
}

/// `fast_pattern`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FastPattern {
    /// Not asked for.
    #[default]
    No,
    /// The whole content.
    Whole,
    /// The content, which need not be looked for again.
    Only,
    /// A part of it.
    Chop {
        /// Where the part begins.
        offset: u16,
        /// How long it is.
        len: u16,
    },
}

/// `pcre`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pcre {
    /// Whether it must not match.
    pub negated: bool,
    /// The expression between the slashes, backslashes as written.
    pub pattern: Box<str>,
    /// `i`
    pub caseless: bool,
    /// `m`
    pub multiline: bool,
    /// `s`
    pub dot_all: bool,
    /// `x`
    pub extended: bool,
    /// `A`
    pub anchored: bool,
    /// `E`
    pub dollar_end_only: bool,
    /// `G`
    pub ungreedy: bool,
    /// `R`: it starts where the last match ended.
    pub relative: bool,
    /// `O`: the limits of matching do not hold.
    pub no_limits: bool,
    /// `B`
    pub rawbytes: bool,
    /// Where groups go, in the groups' order.
    pub captures: Box<[Capture]>,
}

/// Where a group of a `pcre` goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    /// Whose variable.
    pub scope: Scope,
    /// Its name.
    pub name: Box<str>,
}

/// Whose variable one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The packet's.
    Packet,
    /// The flow's.
    Flow,
    /// The alert's.
    Alert,
}

/// Bytes that are read as a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberAt {
    /// How many; 0 with text is as many as are digits.
    pub bytes: Value,
    /// Where they begin.
    pub offset: Value,
    /// Whether that counts from the last match.
    pub relative: bool,
    /// How they are read.
    pub encoding: Encoding,
    /// What is kept of the number; it is then shifted down by the mask's trailing zeros.
    pub bitmask: Option<u32>,
}

/// How bytes are read as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// The highest byte first.
    Big,
    /// The lowest byte first.
    Little,
    /// As the DCERPC message says.
    Dce,
    /// Text.
    Text(Base),
}

/// Base of a number in text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// By its prefix, as C writes numbers.
    Auto,
    /// 8
    Octal,
    /// 10
    Decimal,
    /// 16
    Hexadecimal,
}

/// `byte_test`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByteTest {
    /// The number.
    pub number: NumberAt,
    /// Whether the comparison must fail.
    pub negated: bool,
    /// How it is compared.
    pub operator: Operator,
    /// With what.
    pub value: Value,
}

/// How numbers are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `=`
    Equal,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `&`: both have a bit.
    And,
    /// `^`: they differ in a bit.
    Xor,
}

/// `byte_jump`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByteJump {
    /// The number.
    pub number: NumberAt,
    /// What it is multiplied with.
    pub multiplier: u32,
    /// Whether it is rounded up to a multiple of four.
    pub align: bool,
    /// From where the jump goes.
    pub from: JumpFrom,
    /// What is added at last.
    pub post_offset: Value,
}

/// From where a `byte_jump` goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JumpFrom {
    /// From behind the number.
    Number,
    /// From the buffer's start.
    Beginning,
    /// From the buffer's end.
    End,
}

/// `byte_extract`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByteExtract {
    /// The number.
    pub number: NumberAt,
    /// Index into [`Rule::variables`] of what gets it.
    pub variable: u8,
    /// What it is multiplied with.
    pub multiplier: u32,
    /// To a multiple of what it is rounded up; 1, 2 or 4.
    pub align: u8,
}

/// `byte_math`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByteMath {
    /// The number.
    pub number: NumberAt,
    /// What is done.
    pub operation: Arithmetic,
    /// With what.
    pub operand: Value,
    /// Index into [`Rule::variables`] of what gets the result.
    pub variable: u8,
}

/// What `byte_math` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arithmetic {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `<<`
    ShiftLeft,
    /// `>>`
    ShiftRight,
}

/// `isdataat`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IsDataAt {
    /// Whether there must be none.
    pub negated: bool,
    /// At least so many bytes.
    pub bytes: Value,
    /// Whether they count from the last match.
    pub relative: bool,
    /// As [`Content::rawbytes`].
    pub rawbytes: bool,
}

/// `dataset` and what `datarep` shares with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dataset {
    /// What is done.
    pub command: DatasetCommand,
    /// The set.
    pub name: Box<str>,
    /// Of what it is.
    pub kind: Option<DatasetKind>,
    /// Further settings in order: `load`, `save`, `state`, `memcap`, `hashsize`, `format`, ...
    pub settings: Box<[(Box<str>, Box<str>)]>,
}

/// What `dataset` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatasetCommand {
    /// Puts the buffer's data in.
    Set,
    /// Takes it out.
    Unset,
    /// Matches if it is in.
    IsSet,
    /// Matches if it is not.
    IsNotSet,
}

/// Of what a dataset is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatasetKind {
    /// `string`
    String,
    /// `md5`
    Md5,
    /// `sha256`
    Sha256,
    /// `ipv4`
    Ipv4,
    /// `ip`
    Ip,
}

/// A comparison of a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberTest {
    /// Which number.
    pub field: Field,
    /// With what.
    pub comparison: Comparison,
    /// Which of several, where there can be more than one.
    pub which: Which,
    /// `filesize` only: of which direction.
    pub side: Option<Side>,
}

/// Which of several values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Any one of them.
    Any,
    /// All; of none it holds.
    All,
    /// All, and there is one.
    AllOfSome,
    /// Any, or there is none.
    AnyOrNone,
    /// The one of this index; from the end if negative.
    At(i32),
}

/// Keywords of fixed words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WordField {
    /// `ssl_version`
    SslVersion,
    /// `ssl_state`
    SslState,
    /// `krb5.ticket_encryption`
    Krb5TicketEncryption,
    /// `mqtt.flags`
    MqttFlags,
    /// `mqtt.connect.flags`
    MqttConnectFlags,
    /// `mqtt.connack.session_present`
    MqttSessionPresent,
    /// `websocket.flags`
    WebsocketFlags,
    /// `ftp.mode`
    FtpMode,
    /// `ftp.reply_received`
    FtpReplyReceived,
    /// `ftpdata_command`
    FtpDataCommand,
    /// `dnp3_ind`
    Dnp3Indicators,
    /// `http2.settings`
    Http2Settings,
}

/// A test for words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WordTest {
    /// Of what.
    pub field: WordField,
    /// Negated, and the word in lower case.
    pub words: Box<[(bool, Box<str>)]>,
}

/// `flow`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flow {
    /// Which way the packet goes.
    pub side: Option<Side>,
    /// What the flow's state has to be.
    pub state: Option<FlowState>,
    /// Of the stream or of packets.
    pub stream: Option<StreamScope>,
    /// Of fragments: only reassembled ones, or none of them.
    pub reassembled: Option<bool>,
}

/// State of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlowState {
    /// Both sides were heard.
    Established,
    /// They were not yet.
    NotEstablished,
    /// Whatever it is.
    Stateless,
}

/// Of the stream or of packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamScope {
    /// `only_stream`
    Only,
    /// `no_stream`
    Never,
}

/// A command on bits that have names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bits {
    /// What is done.
    pub command: BitCommand,
    /// The names; any of them, where several stand with `|`. None with `noalert`.
    pub names: Box<[Box<str>]>,
}

/// What is done with bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BitCommand {
    /// Sets.
    Set,
    /// Clears.
    Unset,
    /// Sets or clears.
    Toggle,
    /// Matches if set.
    IsSet,
    /// Matches if not set.
    IsNotSet,
    /// The rule does not tell.
    NoAlert,
}

/// Whose bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostSide {
    /// The source's.
    Source,
    /// The destination's.
    Destination,
    /// Both.
    Both,
}

/// `xbits`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Xbits {
    /// What is done.
    pub command: BitCommand,
    /// The name; empty with `noalert`.
    pub name: Box<str>,
    /// Whose bit.
    pub track: Track,
    /// After how many seconds it is cleared; 30 unless given.
    pub expire: u32,
}

/// By what is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Track {
    /// Source address.
    Source,
    /// Destination address.
    Destination,
    /// Pair of addresses.
    Both,
    /// Rule.
    Rule,
    /// Flow.
    Flow,
    /// Transaction.
    Transaction,
}

/// `flowint`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flowint {
    /// The number's name.
    pub name: Box<str>,
    /// What is done.
    pub operation: FlowintOperation,
    /// With what.
    pub operand: FlowintOperand,
}

/// What `flowint` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlowintOperation {
    /// `=`
    Assign,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `isset`
    IsSet,
    /// `notset`, `isnotset`
    IsNotSet,
}

/// The right side of `flowint`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FlowintOperand {
    /// None, for `isset`.
    None,
    /// A number.
    Number(u32),
    /// Another number of the flow.
    Name(Box<str>),
}

/// `threshold`, `detection_filter`, and what `threshold.config` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Threshold {
    /// What is done.
    pub kind: ThresholdKind,
    /// By what is counted.
    pub track: Track,
    /// How many.
    pub count: u32,
    /// In how many seconds; 0 with `backoff`.
    pub seconds: u32,
    /// `backoff` only: what the count is multiplied with each time.
    pub multiplier: u32,
    /// Only different values count.
    pub unique: Option<Unique>,
}

/// What a threshold does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThresholdKind {
    /// The first `count` in each time.
    Limit,
    /// Every `count`th.
    Threshold,
    /// Once in each time, if there are `count`.
    Both,
    /// The `count`th, then that times the multiplier, ...
    Backoff,
    /// From the one after `count` on.
    Filter,
}

/// Which values have to differ to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unique {
    /// Source ports.
    SourcePort,
    /// Destination ports.
    DestinationPort,
}

/// `tag`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag {
    /// What is tagged: the session, or the host of that side.
    pub host: Option<HostSide>,
    /// How many of `unit`.
    pub count: u32,
    /// Of what.
    pub unit: TagUnit,
}

/// Until when a tag holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagUnit {
    /// Packets.
    Packets,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
}

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
