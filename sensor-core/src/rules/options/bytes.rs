//! Numbers read from bytes: byte_test, byte_jump, byte_extract, byte_math.

use super::first_word;
use crate::rules::ast::{
    Arithmetic, Base, ByteExtract, ByteJump, ByteMath, ByteTest, Encoding, Inspect, JumpFrom, NumberAt, Operator, Value,
};
use crate::rules::builder::Builder;
use crate::rules::fault::{Fault, Parsed};
use crate::rules::lexer::negation;
use crate::rules::number::bounded;

/// Most bytes of a number; and of one in text.
const MAX_BYTES: i64 = 8;
const MAX_DIGITS: i64 = 23;
/// How far from where it counts a number may stand.
const MAX_OFFSET: i64 = 65535;

/// What all four have: how the bytes are read.
#[derive(Default)]
struct How {
    relative: bool,
    order: Option<Encoding>,
    text: bool,
    base: Option<Base>,
    bitmask: Option<u32>,
}

impl How {
    /// Takes the part if it is one of these.
    fn take(&mut self, part: &str) -> Parsed<bool> {
        let (word, rest) = first_word(part);
        match (word, rest) {
            ("relative", "") => self.relative = true,
            ("big", "") => self.order(part, Encoding::Big)?,
            ("little", "") => self.order(part, Encoding::Little)?,
            ("dce", "") => self.order(part, Encoding::Dce)?,
            ("endian", order) => match order {
                "big" => self.order(part, Encoding::Big)?,
                "little" => self.order(part, Encoding::Little)?,
                _ => return Err(Fault::at(order, "endian is big or little")),
            },
            ("string", "") => self.text = true,
            ("string", base) => {
                self.text = true;
                self.base = Some(super::one_of(base, &BASES)?);
            }
            ("dec" | "hex" | "oct", "") => self.base = Some(super::one_of(word, &BASES)?),
            ("bitmask", mask) => {
                let hex = mask.strip_prefix("0x").or_else(|| mask.strip_prefix("0X")).unwrap_or(mask);
                let bad = || Fault::at(mask, format!("{mask:?} is no mask in hexadecimal digits"));
                if !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                    return Err(bad());
                }
                let mask = u32::from_str_radix(hex, 16).map_err(|_| bad())?;
                if mask == 0 {
                    return Err(bad());
                }
                self.bitmask = Some(mask);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn order(&mut self, part: &str, order: Encoding) -> Parsed<()> {
        match self.order.replace(order) {
            None => Ok(()),
            Some(_) => Err(Fault::at(part, "the order of bytes is given twice")),
        }
    }

    fn number(self, at: &str, bytes: Value, offset: Value, none_allowed: bool) -> Parsed<NumberAt> {
        let encoding = match (self.text, self.order) {
            (true, Some(Encoding::Dce)) => return Err(Fault::at(at, "dce and string exclude each other")),
            (true, _) => Encoding::Text(self.base.unwrap_or(Base::Auto)),
            (false, _) if self.base.is_some() => return Err(Fault::at(at, "a base is for string only")),
            (false, order) => order.unwrap_or(Encoding::Big),
        };
        let most = if self.text { MAX_DIGITS } else { MAX_BYTES };
        let least = i64::from(!(none_allowed || self.text));
        if let Value::Number(count) = bytes
            && !(least..=most).contains(&count)
        {
            return Err(Fault::at(at, format!("{least} to {most} bytes can be read as a number")));
        }
        Ok(NumberAt { bytes, offset, relative: self.relative, encoding, bitmask: self.bitmask })
    }
}

const BASES: [(&str, Base); 3] = [("oct", Base::Octal), ("dec", Base::Decimal), ("hex", Base::Hexadecimal)];

fn unknown<T>(part: &str) -> Parsed<T> {
    Err(Fault::at(part, format!("{part:?} cannot be said here")))
}

fn next<'a>(parts: &mut impl Iterator<Item = &'a str>, whole: &'a str, what: &str) -> Parsed<&'a str> {
    parts.next().filter(|part| !part.is_empty()).ok_or_else(|| Fault::at(whole, format!("{what} is missing")))
}

/// `byte_test:bytes, [!]operator, value, offset[, ...]`
pub(super) fn test(builder: &mut Builder, value: &str) -> Parsed<()> {
    let mut parts = value.split(',').map(str::trim);
    let bytes_text = next(&mut parts, value, "how many bytes")?;
    let bytes = builder.value(bytes_text, 0, MAX_DIGITS)?;
    let (negated, operator_text) = negation(next(&mut parts, value, "the operator")?);
    let operator = match operator_text {
        "" | "=" => Operator::Equal,
        "<" => Operator::Less,
        "<=" => Operator::LessOrEqual,
        ">" => Operator::Greater,
        ">=" => Operator::GreaterOrEqual,
        "&" => Operator::And,
        "^" => Operator::Xor,
        _ => return Err(Fault::at(operator_text, format!("{operator_text:?} is no operator"))),
    };
    let against = builder.value(next(&mut parts, value, "the value")?, i64::MIN + 1, i64::MAX)?;
    let offset = builder.value(next(&mut parts, value, "the offset")?, -MAX_OFFSET, i64::from(i32::MAX))?;
    let mut how = How::default();
    for part in parts {
        if !how.take(part)? {
            return unknown(part);
        }
    }
    let number = how.number(bytes_text, bytes, offset, false)?;
    builder.inspect(Inspect::ByteTest(ByteTest { number, negated, operator, value: against }))
}

/// `byte_jump:bytes, offset[, ...]`
pub(super) fn jump(builder: &mut Builder, value: &str) -> Parsed<()> {
    let mut parts = value.split(',').map(str::trim);
    let bytes_text = next(&mut parts, value, "how many bytes")?;
    let bytes = builder.value(bytes_text, 0, MAX_DIGITS)?;
    let offset = builder.value(next(&mut parts, value, "the offset")?, -MAX_OFFSET, MAX_OFFSET)?;
    let (mut how, mut multiplier, mut align) = (How::default(), 1, false);
    let (mut from, mut post_offset) = (JumpFrom::Number, Value::Number(0));
    for part in parts {
        if how.take(part)? {
            continue;
        }
        match first_word(part) {
            ("align", "") => align = true,
            ("from_beginning", "") => from = JumpFrom::Beginning,
            ("from_end", "") => from = JumpFrom::End,
            ("multiplier", rest) => multiplier = bounded(rest, 1, 65535)?,
            ("post_offset", rest) => post_offset = builder.value(rest, -MAX_OFFSET, MAX_OFFSET)?,
            _ => return unknown(part),
        }
    }
    let number = how.number(bytes_text, bytes, offset, true)?;
    builder.inspect(Inspect::ByteJump(ByteJump { number, multiplier, align, from, post_offset }))
}

/// `byte_extract:bytes, offset, name[, ...]`
pub(super) fn extract(builder: &mut Builder, value: &str) -> Parsed<()> {
    let mut parts = value.split(',').map(str::trim);
    let bytes_text = next(&mut parts, value, "how many bytes")?;
    let bytes = Value::Number(i64::from(bounded(bytes_text, 1, 23)?));
    let offset = builder.value(next(&mut parts, value, "the offset")?, -MAX_OFFSET, MAX_OFFSET)?;
    let name = next(&mut parts, value, "the variable's name")?;
    let (mut how, mut multiplier, mut align) = (How::default(), 1, 1);
    for part in parts {
        if how.take(part)? {
            continue;
        }
        match first_word(part) {
            ("align", "2") => align = 2,
            ("align", "4") => align = 4,
            ("multiplier", rest) => multiplier = bounded(rest, 1, 65535)?,
            _ => return unknown(part),
        }
    }
    let number = how.number(bytes_text, bytes, offset, false)?;
    let variable = builder.define(name)?;
    builder.inspect(Inspect::ByteExtract(ByteExtract { number, variable, multiplier, align }))
}

/// `byte_math:bytes n, offset n, oper op, rvalue v, result name[, ...]`
pub(super) fn math(builder: &mut Builder, value: &str) -> Parsed<()> {
    let (mut bytes, mut offset, mut operation, mut operand, mut result) = (None, None, None, None, None);
    let mut how = How::default();
    for part in value.split(',').map(str::trim) {
        match first_word(part) {
            ("bytes", rest) => bytes = Some((rest, builder.value(rest, 1, 10)?)),
            ("offset", rest) => offset = Some(builder.value(rest, -MAX_OFFSET, MAX_OFFSET)?),
            ("oper", rest) => {
                let known = [
                    ("+", Arithmetic::Add),
                    ("-", Arithmetic::Subtract),
                    ("*", Arithmetic::Multiply),
                    ("/", Arithmetic::Divide),
                    ("<<", Arithmetic::ShiftLeft),
                    (">>", Arithmetic::ShiftRight),
                ];
                operation = Some(super::one_of(rest, &known)?);
            }
            ("rvalue", rest) => operand = Some((rest, builder.value(rest, 0, i64::from(u32::MAX))?)),
            ("result", rest) => result = Some(rest),
            _ if how.take(part)? => {}
            _ => return unknown(part),
        }
    }
    let missing = |what: &str| Fault::at(value, format!("{what} is missing"));
    let (bytes_text, bytes) = bytes.ok_or_else(|| missing("bytes"))?;
    let offset = offset.ok_or_else(|| missing("offset"))?;
    let operation = operation.ok_or_else(|| missing("oper"))?;
    let (operand_text, operand) = operand.ok_or_else(|| missing("rvalue"))?;
    if operation == Arithmetic::Divide && operand == Value::Number(0) {
        return Err(Fault::at(operand_text, "a division by 0"));
    }
    let number = how.number(bytes_text, bytes, offset, false)?;
    let variable = builder.define(result.ok_or_else(|| missing("result"))?)?;
    builder.inspect(Inspect::ByteMath(ByteMath { number, operation, operand, variable }))
}
