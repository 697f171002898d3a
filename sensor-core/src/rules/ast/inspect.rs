//! Tests of a buffer.

use super::Value;
use crate::rules::number::Comparison;

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

impl Inspect {
    /// Whether it reads what stands behind the last match. Contents and expressions are not meant.
    pub(crate) fn is_relative(&self) -> bool {
        match self {
            Inspect::ByteTest(ByteTest { number, .. })
            | Inspect::ByteJump(ByteJump { number, .. })
            | Inspect::ByteExtract(ByteExtract { number, .. })
            | Inspect::ByteMath(ByteMath { number, .. }) => number.relative,
            Inspect::IsDataAt(IsDataAt { relative, .. }) => *relative,
            Inspect::Content(_)
            | Inspect::Pcre(_)
            | Inspect::Size(_)
            | Inspect::Absent { .. }
            | Inspect::Base64Decode { .. }
            | Inspect::Dataset(_)
            | Inspect::Datarep(..)
            | Inspect::Entropy { .. } => false,
        }
    }
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
    /// Index into [`Rule::variables`](super::Rule::variables) of what gets it.
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
    /// Index into [`Rule::variables`](super::Rule::variables) of what gets the result.
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
