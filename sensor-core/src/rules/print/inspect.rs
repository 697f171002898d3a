//! Tests of buffers as text.

use std::fmt::{self, Formatter, Write};

use super::{Pattern, Printed, not, scope_name};
use crate::rules::ast::{
    Arithmetic, Base, ByteExtract, ByteJump, ByteMath, ByteTest, Capture, Content, Dataset, DatasetCommand,
    DatasetKind, Encoding, FastPattern, Inspect, IsDataAt, JumpFrom, NumberAt, Operator, Value,
};

impl Printed<'_> {
    /// What follows the offset of a number.
    fn how(number: &NumberAt) -> String {
        let mut how = String::new();
        if number.relative {
            how.push_str(",relative");
        }
        how.push_str(match number.encoding {
            Encoding::Big => "",
            Encoding::Little => ",little",
            Encoding::Dce => ",dce",
            Encoding::Text(Base::Auto) => ",string",
            Encoding::Text(Base::Octal) => ",string,oct",
            Encoding::Text(Base::Decimal) => ",string,dec",
            Encoding::Text(Base::Hexadecimal) => ",string,hex",
        });
        if let Some(mask) = number.bitmask {
            how.push_str(&format!(",bitmask {mask:#x}"));
        }
        how
    }

    pub(super) fn inspect(&self, f: &mut Formatter<'_>, test: &Inspect) -> fmt::Result {
        match test {
            Inspect::Content(content) => self.content(f, content),
            Inspect::Pcre(pcre) => {
                write!(f, "pcre:{}\"/{}/", not(pcre.negated), pcre.pattern)?;
                for (flag, set) in [
                    ('i', pcre.caseless),
                    ('m', pcre.multiline),
                    ('s', pcre.dot_all),
                    ('x', pcre.extended),
                    ('A', pcre.anchored),
                    ('E', pcre.dollar_end_only),
                    ('G', pcre.ungreedy),
                    ('R', pcre.relative),
                    ('O', pcre.no_limits),
                    ('B', pcre.rawbytes),
                ] {
                    if set {
                        f.write_char(flag)?;
                    }
                }
                for Capture { scope, name } in &pcre.captures {
                    // Groups with such names are captures by themselves.
                    if pcre.pattern.contains(&format!("(?P<{}_{name}>", scope_name(*scope))) {
                        continue;
                    }
                    write!(f, ",{}:{name}", scope_name(*scope))?;
                }
                f.write_char('"')
            }
            Inspect::ByteTest(ByteTest { number, negated, operator, value }) => {
                let operator = match operator {
                    Operator::Equal => "=",
                    Operator::Less => "<",
                    Operator::LessOrEqual => "<=",
                    Operator::Greater => ">",
                    Operator::GreaterOrEqual => ">=",
                    Operator::And => "&",
                    Operator::Xor => "^",
                };
                let (bytes, offset) = (self.value(number.bytes), self.value(number.offset));
                let (not, value, how) = (not(*negated), self.value(*value), Self::how(number));
                write!(f, "byte_test:{bytes},{not}{operator},{value},{offset}{how}")
            }
            Inspect::ByteJump(ByteJump { number, multiplier, align, from, post_offset }) => {
                let (bytes, offset) = (self.value(number.bytes), self.value(number.offset));
                write!(f, "byte_jump:{bytes},{offset}{}", Self::how(number))?;
                if *multiplier != 1 {
                    write!(f, ",multiplier {multiplier}")?;
                }
                f.write_str(if *align { ",align" } else { "" })?;
                f.write_str(match from {
                    JumpFrom::Number => "",
                    JumpFrom::Beginning => ",from_beginning",
                    JumpFrom::End => ",from_end",
                })?;
                if *post_offset == Value::Number(0) {
                    return Ok(());
                }
                write!(f, ",post_offset {}", self.value(*post_offset))
            }
            Inspect::ByteExtract(ByteExtract { number, variable, multiplier, align }) => {
                let (bytes, offset) = (self.value(number.bytes), self.value(number.offset));
                write!(f, "byte_extract:{bytes},{offset},{}{}", self.name(*variable), Self::how(number))?;
                if *multiplier != 1 {
                    write!(f, ",multiplier {multiplier}")?;
                }
                if *align == 1 { Ok(()) } else { write!(f, ",align {align}") }
            }
            Inspect::ByteMath(ByteMath { number, operation, operand, variable }) => {
                let operation = match operation {
                    Arithmetic::Add => "+",
                    Arithmetic::Subtract => "-",
                    Arithmetic::Multiply => "*",
                    Arithmetic::Divide => "/",
                    Arithmetic::ShiftLeft => "<<",
                    Arithmetic::ShiftRight => ">>",
                };
                let (bytes, offset) = (self.value(number.bytes), self.value(number.offset));
                let (operand, result, how) = (self.value(*operand), self.name(*variable), Self::how(number));
                write!(
                    f,
                    "byte_math:bytes {bytes},offset {offset},oper {operation},rvalue {operand},result {result}{how}"
                )
            }
            Inspect::IsDataAt(IsDataAt { negated, bytes, relative, rawbytes }) => {
                write!(f, "isdataat:{}{}", not(*negated), self.value(*bytes))?;
                f.write_str(if *relative { ",relative" } else { "" })?;
                f.write_str(if *rawbytes { ",rawbytes" } else { "" })
            }
            Inspect::Size(comparison) => write!(f, "bsize:{comparison}"),
            Inspect::Absent { or_else } => f.write_str(if *or_else { "absent:or_else" } else { "absent" }),
            Inspect::Base64Decode { bytes, offset, relative } => {
                f.write_str("base64_decode:")?;
                if let Some(bytes) = bytes {
                    write!(f, "bytes {bytes}, ")?;
                }
                write!(f, "offset {offset}{}", if *relative { ", relative" } else { "" })
            }
            Inspect::Dataset(set) => {
                let command = match set.command {
                    DatasetCommand::Set => "set",
                    DatasetCommand::Unset => "unset",
                    DatasetCommand::IsSet => "isset",
                    DatasetCommand::IsNotSet => "isnotset",
                };
                write!(f, "dataset:{command},{}", set.name)?;
                settings(f, set)
            }
            Inspect::Datarep(set, comparison) => {
                let comparison = comparison.to_string();
                let digits = comparison.trim_start_matches(['<', '>']);
                let operator = comparison.strip_suffix(digits).filter(|sign| !sign.is_empty()).unwrap_or("==");
                write!(f, "datarep:{},{operator},{digits}", set.name)?;
                settings(f, set)
            }
            Inspect::Entropy { bytes, offset, value } => {
                let value = value.to_string();
                let digits = value.trim_start_matches(|char: char| !char.is_ascii_digit());
                let operator = value.strip_suffix(digits).unwrap_or_default();
                let thousandths: u64 = digits.parse().map_err(|_| fmt::Error)?;
                let (whole, part) = (thousandths / 1000, thousandths % 1000);
                let bytes = bytes.unwrap_or(0);
                write!(f, "entropy:bytes {bytes},offset {offset},value {operator}{whole}.{part:03}")
            }
        }
    }

    fn content(&self, f: &mut Formatter<'_>, content: &Content) -> fmt::Result {
        write!(f, "content:{}\"{}\"", not(content.negated), Pattern(&content.bytes))?;
        for (name, set) in [
            ("nocase", content.nocase),
            ("startswith", content.startswith),
            ("endswith", content.endswith),
            ("rawbytes", content.rawbytes),
        ] {
            if set {
                write!(f, "; {name}")?;
            }
        }
        for (name, value) in [
            ("offset", content.offset),
            ("depth", content.depth),
            ("distance", content.distance),
            ("within", content.within),
        ] {
            if let Some(value) = value {
                write!(f, "; {name}:{}", self.value(value))?;
            }
        }
        if let Some(replace) = &content.replace {
            write!(f, "; replace:\"{}\"", Pattern(replace))?;
        }
        match content.fast_pattern {
            FastPattern::No => Ok(()),
            FastPattern::Whole => f.write_str("; fast_pattern"),
            FastPattern::Only => f.write_str("; fast_pattern:only"),
            FastPattern::Chop { offset, len } => write!(f, "; fast_pattern:{offset},{len}"),
        }
    }
}

fn settings(f: &mut Formatter<'_>, set: &Dataset) -> fmt::Result {
    if let Some(kind) = set.kind {
        let kind = match kind {
            DatasetKind::String => "string",
            DatasetKind::Md5 => "md5",
            DatasetKind::Sha256 => "sha256",
            DatasetKind::Ipv4 => "ipv4",
            DatasetKind::Ip => "ip",
        };
        write!(f, ",type {kind}")?;
    }
    set.settings.iter().try_for_each(|(key, value)| write!(f, ",{key} {value}"))
}
