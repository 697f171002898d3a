//! Comparisons with numbers, as most keywords that look at one write them.

use std::fmt;

use super::fault::{Fault, Parsed};

/// What a number is compared with. Both ends of `Inside` are left out of the range, as Suricata counts `a<>b`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `n`
    Equal(u64),
    /// `!n`
    NotEqual(u64),
    /// `<n`
    Less(u64),
    /// `<=n`
    LessOrEqual(u64),
    /// `>n`
    Greater(u64),
    /// `>=n`
    GreaterOrEqual(u64),
    /// `a<>b` or `a-b`: more than `a` and less than `b`.
    Inside(u64, u64),
    /// `!a<>b`: at most `a`, or at least `b`.
    Outside(u64, u64),
    /// `&mask=value`, or `!=`: the masked number is, or is not, the value.
    Masked {
        /// The mask.
        mask: u64,
        /// What the masked number is compared with.
        value: u64,
        /// Whether it must differ.
        negated: bool,
    },
}

impl Comparison {
    /// Whether a number passes.
    #[must_use]
    pub fn holds(self, number: u64) -> bool {
        match self {
            Comparison::Equal(value) => number == value,
            Comparison::NotEqual(value) => number != value,
            Comparison::Less(value) => number < value,
            Comparison::LessOrEqual(value) => number <= value,
            Comparison::Greater(value) => number > value,
            Comparison::GreaterOrEqual(value) => number >= value,
            Comparison::Inside(low, high) => low < number && number < high,
            Comparison::Outside(low, high) => number <= low || high <= number,
            Comparison::Masked { mask, value, negated } => (number & mask == value) != negated,
        }
    }

    /// The comparison that a text as [`Display`](std::fmt::Display) writes it stands for.
    pub(crate) fn of(text: &str) -> Option<Self> {
        Self::parse(text, u64::MAX, &[]).ok()
    }

    /// Reads a comparison whose numbers are at most `max`, or one of `names`.
    pub(super) fn parse(text: &str, max: u64, names: &[(&str, u64)]) -> Parsed<Self> {
        let number = |part: &str| one(part, max, names);
        let text = text.trim();
        if let Some(rest) = text.strip_prefix('&') {
            let (mask, value) =
                rest.split_once('=').ok_or_else(|| Fault::at(text, "a mask is written &mask=value or &mask!=value"))?;
            let (mask, negated) = match mask.trim_end().strip_suffix('!') {
                Some(mask) => (mask, true),
                None => (mask, false),
            };
            return Ok(Comparison::Masked { mask: number(mask)?, value: number(value)?, negated });
        }
        if let Some(rest) = text.strip_prefix("!=") {
            return Ok(Comparison::NotEqual(number(rest)?));
        }
        let (negated, rest) = super::lexer::negation(text);
        if let Some((low, high)) = range(rest) {
            let (from, to) = (number(low)?, number(high)?);
            // Nothing would be inside.
            if to <= from || to - from < 2 {
                return Err(Fault::at(low, format!("no number is between {from} and {to}")));
            }
            return Ok(if negated { Comparison::Outside(from, to) } else { Comparison::Inside(from, to) });
        }
        if negated {
            return Ok(Comparison::NotEqual(number(rest)?));
        }
        if let Some(rest) = text.strip_prefix("<=") {
            return Ok(Comparison::LessOrEqual(number(rest)?));
        }
        if let Some(rest) = text.strip_prefix(">=") {
            return Ok(Comparison::GreaterOrEqual(number(rest)?));
        }
        if let Some(rest) = text.strip_prefix('<') {
            return match number(rest)? {
                0 => Err(Fault::at(rest, "no number is less than 0")),
                value => Ok(Comparison::Less(value)),
            };
        }
        if let Some(rest) = text.strip_prefix('>') {
            let value = number(rest)?;
            return if value == max {
                Err(Fault::at(rest, format!("no number here is greater than {max}")))
            } else {
                Ok(Comparison::Greater(value))
            };
        }
        Ok(Comparison::Equal(number(text.strip_prefix('=').unwrap_or(text))?))
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Comparison::Equal(value) => write!(f, "{value}"),
            Comparison::NotEqual(value) => write!(f, "!{value}"),
            Comparison::Less(value) => write!(f, "<{value}"),
            Comparison::LessOrEqual(value) => write!(f, "<={value}"),
            Comparison::Greater(value) => write!(f, ">{value}"),
            Comparison::GreaterOrEqual(value) => write!(f, ">={value}"),
            Comparison::Inside(low, high) => write!(f, "{low}<>{high}"),
            Comparison::Outside(low, high) => write!(f, "!{low}<>{high}"),
            Comparison::Masked { mask, value, negated } => {
                write!(f, "&{mask:#x}{}{value:#x}", if *negated { "!=" } else { "=" })
            }
        }
    }
}

fn range(text: &str) -> Option<(&str, &str)> {
    if let Some(ends) = text.split_once("<>") {
        return Some(ends);
    }
    // Names have hyphens too; a range of them is written with <>.
    if text.starts_with(|first: char| first.is_ascii_digit()) { text.split_once('-') } else { None }
}

fn one(text: &str, max: u64, names: &[(&str, u64)]) -> Parsed<u64> {
    let text = text.trim();
    if let Some((_, value)) = names.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)) {
        return Ok(*value);
    }
    let value = unsigned(text)?;
    if value > max {
        return Err(Fault::at(text, format!("{value} is more than {max}, the most this can be")));
    }
    Ok(value)
}

/// A number from 0, decimal or hexadecimal behind `0x`; units of 1024 may follow (`kib`, `kb`, `mib`, ...).
pub(super) fn unsigned(text: &str) -> Parsed<u64> {
    let text = text.trim();
    let bad = || Fault::at(text, format!("{text:?} is no number"));
    if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        // `from_str_radix` would take a sign.
        if !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(bad());
        }
        return u64::from_str_radix(hex, 16).map_err(|_| bad());
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, unit) = text.split_at_checked(digits).ok_or_else(bad)?;
    let unit: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" => 1,
        "kb" | "kib" => 1 << 10,
        "mb" | "mib" => 1 << 20,
        "gb" | "gib" => 1 << 30,
        _ => return Err(bad()),
    };
    digits.parse::<u64>().ok().and_then(|value| value.checked_mul(unit)).ok_or_else(bad)
}

/// A number that may be negative, within `least..=most`.
pub(super) fn signed(text: &str, least: i64, most: i64) -> Parsed<i64> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let value = unsigned(digits)
        .ok()
        .and_then(|value| i64::try_from(value).ok())
        .ok_or_else(|| Fault::at(text, format!("{text:?} is no number")))?;
    let value = if negative { -value } else { value };
    if (least..=most).contains(&value) {
        Ok(value)
    } else {
        Err(Fault::at(text, format!("{value} is not between {least} and {most}")))
    }
}

/// A number within `least..=most`.
pub(super) fn bounded(text: &str, least: u32, most: u32) -> Parsed<u32> {
    let value = unsigned(text)?;
    match u32::try_from(value) {
        Ok(value) if (least..=most).contains(&value) => Ok(value),
        _ => Err(Fault::at(text.trim(), format!("{value} is not between {least} and {most}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparisons_are_read_and_printed() {
        for (text, holds, fails) in [
            ("5", 5, 6),
            ("=5", 5, 6),
            ("!5", 6, 5),
            ("!=5", 6, 5),
            ("<5", 4, 5),
            ("<= 5", 5, 6),
            (">5", 6, 5),
            (">=5", 5, 4),
            ("5<>9", 6, 9),
            ("5-9", 8, 5),
            ("!5<>9", 9, 6),
            ("& 0x0f = 3", 0x13, 0x14),
            ("&0x0f!=3", 0x14, 0x13),
            ("get", 1, 2),
            ("!get", 2, 1),
        ] {
            let read = Comparison::parse(text, 255, &[("GET", 1)]).unwrap();
            assert!(read.holds(holds) && !read.holds(fails), "{text}");
            assert_eq!(Comparison::parse(&read.to_string(), 255, &[]).unwrap(), read, "{text}");
        }
    }

    #[test]
    fn comparisons_that_cannot_be() {
        for (text, at) in [
            ("", 0),
            ("x", 0),
            ("256", 0),
            ("< 256", 2),
            ("<0", 1),
            (">255", 1),
            ("9<>5", 0),
            ("5<>6", 0),
            ("1<>x", 3),
            ("&3", 0),
            ("-1", 0),
            ("0x", 0),
            ("0x+1", 0),
            ("99999999999999999999", 0),
        ] {
            let fault = Comparison::parse(text, 255, &[]).unwrap_err();
            assert_eq!(fault.offset_in(text), Some(at), "{text}: {}", fault.reason);
        }
    }

    #[test]
    fn units() {
        assert_eq!(unsigned("2kb").unwrap(), 2048);
        assert_eq!(unsigned("1 MiB").unwrap(), 1 << 20);
        assert!(unsigned("99999999999GB").is_err());
        assert_eq!(signed("-7", -8, 8).unwrap(), -7);
        assert!(signed("--7", -8, 8).is_err());
    }
}
