//! Numbers read from bytes: `byte_test`, `byte_jump`, `byte_extract`, `byte_math`.

use super::{MAX_VARIABLES, Span, Tried};
use crate::rules::ast::{
    Arithmetic, Base, ByteExtract, ByteJump, ByteMath, ByteTest, Encoding, JumpFrom, NumberAt, Operator, Value,
};

/// Most digits of a number in text.
const MAX_DIGITS: usize = 23;

/// A number that was read and did what it should.
pub(super) struct Read {
    /// Where it stood.
    pub(super) span: Span,
    /// Where what is relative counts from.
    pub(super) position: usize,
}

/// A number, or the variable's.
pub(super) fn value(value: Value, variables: &[u64; MAX_VARIABLES]) -> i128 {
    match value {
        Value::Number(number) => i128::from(number),
        Value::Variable(index) => i128::from(variables.get(usize::from(index)).copied().unwrap_or(0)),
    }
}

/// Where a number stands and which it is, its bitmask applied; `None` where there is none.
pub(super) fn masked_at(at: &NumberAt, tried: &Tried<'_>) -> Option<(Span, u64)> {
    let (span, number) = read(at, tried.data, tried.position, tried.variables, tried.dce_little)?;
    Some((span, masked(number, at.bitmask)))
}

pub(super) fn test(
    test: &ByteTest,
    data: &[u8],
    position: usize,
    variables: &[u64; MAX_VARIABLES],
    dce_little: bool,
) -> Option<Read> {
    let (span, number) = read(&test.number, data, position, variables, dce_little)?;
    let number = masked(number, test.number.bitmask);
    // A value below 0 stands for the number of the same bits, as it does to Suricata.
    let against = match test.value {
        Value::Number(value) => value.cast_unsigned(),
        Value::Variable(index) => variables.get(usize::from(index)).copied().unwrap_or(0),
    };
    let holds = match test.operator {
        Operator::Equal => number == against,
        Operator::Less => number < against,
        Operator::LessOrEqual => number <= against,
        Operator::Greater => number > against,
        Operator::GreaterOrEqual => number >= against,
        Operator::And => number & against != 0,
        Operator::Xor => number ^ against != 0,
    };
    (holds != test.negated).then_some(Read { span, position })
}

pub(super) fn jump(
    jump: &ByteJump,
    data: &[u8],
    position: usize,
    variables: &[u64; MAX_VARIABLES],
    dce_little: bool,
) -> Option<Read> {
    let (span, number) = if value(jump.number.bytes, variables) == 0 {
        // Nothing is read: only the offsets count.
        let start = start(&jump.number, position, variables).filter(|start| *start <= data.len())?;
        (Span { offset: start, len: 0 }, 0)
    } else {
        read(&jump.number, data, position, variables, dce_little)?
    };
    let mut by = i128::from(masked(number, jump.number.bitmask)) * i128::from(jump.multiplier);
    if jump.align {
        by = by + 3 - (by + 3) % 4;
    }
    by += value(jump.post_offset, variables);
    let base = match jump.from {
        JumpFrom::Number => span.offset + span.len,
        JumpFrom::Beginning => 0,
        JumpFrom::End => data.len(),
    };
    // What goes before the start ends there, what goes past the end fails.
    let target = usize::try_from((i128::try_from(base).ok()? + by).max(0)).ok()?;
    (target < data.len()).then_some(Read { span, position: target })
}

pub(super) fn extract(
    extract: &ByteExtract,
    data: &[u8],
    position: usize,
    variables: &mut [u64; MAX_VARIABLES],
    dce_little: bool,
) -> Option<Read> {
    let (span, number) = read(&extract.number, data, position, variables, dce_little)?;
    let mut number = masked(number, extract.number.bitmask).wrapping_mul(u64::from(extract.multiplier));
    if extract.align > 1 {
        let align = u64::from(extract.align);
        number = number.wrapping_add((align - number % align) % align);
    }
    *variables.get_mut(usize::from(extract.variable))? = number;
    Some(Read { span, position: span.offset + span.len })
}

pub(super) fn math(
    math: &ByteMath,
    data: &[u8],
    position: usize,
    variables: &mut [u64; MAX_VARIABLES],
    dce_little: bool,
) -> Option<Read> {
    let (span, number) = read(&math.number, data, position, variables, dce_little)?;
    let operand = match math.operand {
        Value::Number(number) => number.cast_unsigned(),
        Value::Variable(index) => variables.get(usize::from(index)).copied().unwrap_or(0),
    };
    let shift = u32::try_from(operand).unwrap_or(u32::MAX);
    let result = match math.operation {
        Arithmetic::Add => number.wrapping_add(operand),
        Arithmetic::Subtract => number.wrapping_sub(operand),
        Arithmetic::Multiply => number.wrapping_mul(operand),
        Arithmetic::Divide => number.checked_div(operand)?,
        Arithmetic::ShiftLeft => number.checked_shl(shift).unwrap_or(0),
        Arithmetic::ShiftRight => number.checked_shr(shift).unwrap_or(0),
    };
    // Of the result here, of the number that was read elsewhere.
    *variables.get_mut(usize::from(math.variable))? = masked(result, math.number.bitmask);
    Some(Read { span, position: span.offset + span.len })
}

fn masked(number: u64, mask: Option<u32>) -> u64 {
    match mask {
        None => number,
        Some(mask) => (number & u64::from(mask)) >> mask.trailing_zeros().min(31),
    }
}

fn start(at: &NumberAt, position: usize, variables: &[u64; MAX_VARIABLES]) -> Option<usize> {
    let base = if at.relative { i128::try_from(position).ok()? } else { 0 };
    usize::try_from(base + value(at.offset, variables)).ok()
}

/// Where a number stands, and which it is.
fn read(
    at: &NumberAt,
    data: &[u8],
    position: usize,
    variables: &[u64; MAX_VARIABLES],
    dce_little: bool,
) -> Option<(Span, u64)> {
    let offset = start(at, position, variables)?;
    let rest = data.get(offset..)?;
    let count = usize::try_from(value(at.bytes, variables)).ok()?;
    let little = match at.encoding {
        Encoding::Big => false,
        Encoding::Little => true,
        Encoding::Dce => dce_little,
        Encoding::Text(base) => {
            let bytes = if count == 0 { rest.get(..MAX_DIGITS).unwrap_or(rest) } else { rest.get(..count)? };
            let (number, len) = text(bytes.get(..MAX_DIGITS).unwrap_or(bytes), base)?;
            return Some((Span { offset, len }, number));
        }
    };
    if !(1..=8).contains(&count) {
        return None;
    }
    let bytes = rest.get(..count)?;
    let add = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
    let number = if little { bytes.iter().rev().fold(0, add) } else { bytes.iter().fold(0, add) };
    Some((Span { offset, len: count }, number))
}

/// A number in text as C's `strtoull` reads it, and how many bytes that took; `None` where there is no digit, or too
/// many.
fn text(bytes: &[u8], base: Base) -> Option<(u64, usize)> {
    let blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0x0b;
    let mut at = bytes.iter().position(|byte| !blank(byte))?;
    let negative = bytes.get(at) == Some(&b'-');
    at += usize::from(negative || bytes.get(at) == Some(&b'+'));
    let rest = bytes.get(at..)?;
    let hexadecimal = matches!(rest, [b'0', b'x' | b'X', digit, ..] if digit.is_ascii_hexdigit());
    let radix = match base {
        Base::Octal => 8,
        Base::Decimal => 10,
        Base::Hexadecimal => 16,
        Base::Auto if hexadecimal => 16,
        Base::Auto if rest.first() == Some(&b'0') => 8,
        Base::Auto => 10,
    };
    at += if radix == 16 && hexadecimal { 2 } else { 0 };
    let digit = |byte: &u8| char::from(*byte).to_digit(radix);
    let digits = bytes.get(at..)?;
    let digits = digits.get(..digits.iter().position(|byte| digit(byte).is_none()).unwrap_or(digits.len()))?;
    if digits.is_empty() {
        return None;
    }
    let number = digits
        .iter()
        .try_fold(0_u64, |number, byte| number.checked_mul(u64::from(radix))?.checked_add(u64::from(digit(byte)?)))?;
    Some((if negative { number.wrapping_neg() } else { number }, at + digits.len()))
}
