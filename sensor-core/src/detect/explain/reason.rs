//! Why a test of a buffer held or failed, in words.

use crate::detect::verify::{self, Tried};
use crate::rules::ast::{
    ByteExtract, ByteJump, ByteMath, ByteTest, Content, DatasetCommand, Inspect, IsDataAt, NumberAt, Operator, Value,
};

/// What an option that held saw; empty where its place says it all.
pub(super) fn held(inspect: &Inspect, tried: &Tried<'_>) -> String {
    match inspect {
        Inspect::ByteTest(test) => number(&test.number, tried),
        Inspect::ByteJump(jump) if tried.value(jump.number.bytes) != 0 => number(&jump.number, tried),
        Inspect::ByteExtract(ByteExtract { number: at, variable, .. })
        | Inspect::ByteMath(ByteMath { number: at, variable, .. }) => {
            let value = tried.value(Value::Variable(*variable));
            format!("{}, kept as {value}", number(at, tried))
        }
        Inspect::Size(_) => size(tried),
        Inspect::Content(Content { negated: true, .. }) => "is not there".into(),
        Inspect::Pcre(pcre) if pcre.negated => "does not match".into(),
        Inspect::IsDataAt(_) => size(tried),
        Inspect::Entropy { bytes, offset, .. } => entropy(*bytes, *offset, tried),
        Inspect::ByteJump(_)
        | Inspect::Content(_)
        | Inspect::Pcre(_)
        | Inspect::Absent { .. }
        | Inspect::Base64Decode { .. }
        | Inspect::Dataset(_)
        | Inspect::Datarep(..) => String::new(),
    }
}

/// Why an option failed.
pub(super) fn failed(inspect: &Inspect, tried: &Tried<'_>, buffer: &str) -> String {
    let whole = || format!("{buffer} ({})", size(tried));
    match inspect {
        Inspect::Content(content) => failed_content(content, tried, buffer),
        Inspect::Pcre(pcre) if pcre.negated => format!("matches {}, which it must not", whole()),
        Inspect::Pcre(pcre) if pcre.relative => {
            format!("does not match {} from offset {} on", whole(), tried.position)
        }
        Inspect::Pcre(_) => format!("does not match {}", whole()),
        Inspect::ByteTest(test) => match tried.number(&test.number) {
            None => no_number(&test.number, tried, buffer),
            Some(_) => format!("{}, which is not {}", number(&test.number, tried), wanted(test, tried)),
        },
        Inspect::ByteJump(ByteJump { number: at, .. }) => match tried.number(at) {
            None => no_number(at, tried, buffer),
            Some(_) => format!("{}: the jump leads out of {}", number(at, tried), whole()),
        },
        Inspect::ByteExtract(ByteExtract { number: at, .. }) | Inspect::ByteMath(ByteMath { number: at, .. }) => {
            match tried.number(at) {
                None => no_number(at, tried, buffer),
                Some(_) => format!("{}, of which nothing can be made", number(at, tried)),
            }
        }
        Inspect::IsDataAt(IsDataAt { negated, bytes, relative, .. }) => {
            let behind = if *relative { format!(" behind offset {}", tried.position) } else { String::new() };
            let (is, count) = (if *negated { "there is" } else { "there is no" }, tried.value(*bytes));
            format!("{is} data at {count}{behind}: {}", whole())
        }
        Inspect::Size(_) => format!("{buffer} has {}", size(tried)),
        Inspect::Base64Decode { .. } => format!("nothing that was asked for is encoded in {}", whole()),
        Inspect::Dataset(set) => match set.command {
            DatasetCommand::IsSet => format!("{} is not in the set", whole()),
            DatasetCommand::IsNotSet => format!("{} is in the set", whole()),
            DatasetCommand::Set => format!("{} was in the set before", whole()),
            DatasetCommand::Unset => format!("{} was not in the set", whole()),
        },
        Inspect::Datarep(..) => format!("{} has no such reputation", whole()),
        Inspect::Entropy { bytes, offset, .. } => entropy(*bytes, *offset, tried),
        Inspect::Absent { .. } => format!("{buffer} is there"),
    }
}

fn failed_content(content: &Content, tried: &Tried<'_>, buffer: &str) -> String {
    let whole = format!("{buffer} ({})", size(tried));
    let shown = |at: usize| tried.start.saturating_add(at as u64);
    let place = places(content, tried.data).next();
    match (content.negated, place) {
        (true, Some(at)) => format!("is at offset {} of {whole}, where it must not be", shown(at)),
        (true, None) => format!("is in {whole}, where it must not be"),
        (false, None) => format!("not found in {whole}"),
        (false, Some(at)) => {
            let behind =
                if content.is_relative() { places(content, tried.data).find(|at| *at >= tried.position) } else { None };
            let from = if content.is_relative() {
                format!(", counted from the last match's end at {}", shown(tried.position))
            } else {
                String::new()
            };
            format!("is at offset {} of {whole}, not where it has to be{from}", shown(behind.unwrap_or(at)))
        }
    }
}

/// Where a content stands, wherever that is.
fn places<'a>(content: &'a Content, data: &'a [u8]) -> impl Iterator<Item = usize> {
    let same = |part: &[u8]| {
        if content.nocase { part.eq_ignore_ascii_case(&content.bytes) } else { *part == *content.bytes }
    };
    (0..).zip(data.windows(content.bytes.len().max(1))).filter(move |(_, part)| same(part)).map(|(at, _)| at)
}

fn size(tried: &Tried<'_>) -> String {
    let bytes = |len: usize| if len == 1 { "1 byte".to_owned() } else { format!("{len} bytes") };
    match tried.start {
        0 => bytes(tried.data.len()),
        start => format!("{} from {start} on", bytes(tried.data.len())),
    }
}

fn number(at: &NumberAt, tried: &Tried<'_>) -> String {
    match tried.number(at) {
        None => "no number".into(),
        Some((span, number)) => {
            format!("{number} ({number:#x}) at offset {}", tried.start.saturating_add(span.offset as u64))
        }
    }
}

fn no_number(at: &NumberAt, tried: &Tried<'_>, buffer: &str) -> String {
    let (offset, bytes) = (tried.value(at.offset), tried.value(at.bytes));
    let from = if at.relative { format!(" behind offset {}", tried.position) } else { String::new() };
    format!("no number of {bytes} bytes at {offset}{from}: {buffer} has {}", size(tried))
}

fn wanted(test: &ByteTest, tried: &Tried<'_>) -> String {
    let operator = match test.operator {
        Operator::Equal => "=",
        Operator::Less => "<",
        Operator::LessOrEqual => "<=",
        Operator::Greater => ">",
        Operator::GreaterOrEqual => ">=",
        Operator::And => "&",
        Operator::Xor => "^",
    };
    format!("{}{operator} {}", if test.negated { "!" } else { "" }, tried.value(test.value))
}

fn entropy(bytes: Option<u32>, offset: u32, tried: &Tried<'_>) -> String {
    let part = tried.data.get(offset as usize..).unwrap_or_default();
    let part = part.get(..bytes.map_or(usize::MAX, |bytes| bytes as usize)).unwrap_or(part);
    let thousandths = verify::entropy(part);
    format!("the entropy is {}.{:03}", thousandths / 1000, thousandths % 1000)
}
