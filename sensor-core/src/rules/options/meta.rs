//! Options about the rule itself.

use super::first_word;
use crate::rules::ast::{BitCommand, Bits, Body, Reference, Target};
use crate::rules::builder::Builder;
use crate::rules::fault::{Fault, Parsed};
use crate::rules::lexer::{quoted, unescape};
use crate::rules::number::bounded;

/// The version whose language this is, for `requires`.
const VERSION: [u32; 3] = [8, 0, 7];

fn once<T>(slot: &mut Option<T>, value: T, name: &str) -> Parsed<()> {
    if slot.is_some() {
        return Err(Fault::here(format!("{name} is given twice")));
    }
    *slot = Some(value);
    Ok(())
}

pub(super) fn msg(builder: &mut Builder, value: &str) -> Parsed<()> {
    let (negated, text) = quoted(value)?;
    if negated {
        return Err(Fault::at(value, "a message cannot be negated"));
    }
    once(&mut builder.msg, unescape(text), "msg")
}

pub(super) fn sid(builder: &mut Builder, value: &str) -> Parsed<()> {
    once(&mut builder.sid, bounded(value, 1, u32::MAX)?, "sid")
}

pub(super) fn gid(builder: &mut Builder, value: &str) -> Parsed<()> {
    once(&mut builder.gid, bounded(value, 0, u32::MAX)?, "gid")
}

pub(super) fn rev(builder: &mut Builder, value: &str) -> Parsed<()> {
    once(&mut builder.rev, bounded(value, 0, u32::MAX)?, "rev")
}

pub(super) fn classtype(builder: &mut Builder, value: &str) -> Parsed<()> {
    once(&mut builder.classtype, value.trim_matches('"').into(), "classtype")
}

pub(super) fn priority(builder: &mut Builder, value: &str) -> Parsed<()> {
    once(&mut builder.priority, bounded(value, 0, u32::MAX)?, "priority")
}

pub(super) fn reference(builder: &mut Builder, value: &str) -> Parsed<()> {
    let (system, id) = value.split_once(',').ok_or_else(|| Fault::at(value, "a reference is written system,id"))?;
    let (system, id) = (system.trim(), id.trim());
    if system.is_empty() || id.is_empty() {
        return Err(Fault::at(value, "a reference is written system,id"));
    }
    builder.references.push(Reference { system: system.into(), id: id.into() });
    Ok(())
}

pub(super) fn metadata(builder: &mut Builder, value: &str) -> Parsed<()> {
    for part in value.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (key, text) = first_word(part);
        builder.metadata.push((key.into(), text.into()));
    }
    Ok(())
}

pub(super) fn target(builder: &mut Builder, value: &str) -> Parsed<()> {
    let target = super::one_of(value, &[("src_ip", Target::Source), ("dest_ip", Target::Destination)])?;
    // Publishers repeat it.
    match builder.target.replace(target) {
        Some(other) if other != target => Err(Fault::at(value, "another target was named before")),
        _ => Ok(()),
    }
}

/// What the rule needs of the program that runs it: `version >= 7.0.3 < 8 | >= 9, feature x, keyword y`. A rule that
/// asks for more than there is, is refused.
pub(super) fn requires(_: &mut Builder, value: &str) -> Parsed<()> {
    for part in value.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        match first_word(part) {
            ("version", rest) => version(rest)?,
            ("keyword", name) if !name.is_empty() => {
                if !super::is_keyword(name) {
                    return Err(Fault::at(name, format!("the rule needs the keyword {name}, which is not there")));
                }
            }
            // Scripts are the one thing asked for in the wild that is not there.
            ("feature", name) if !name.is_empty() => {
                if name.contains("lua") {
                    return Err(Fault::at(name, format!("the rule needs {name}, which is not there")));
                }
            }
            (word, _) => return Err(Fault::at(word, format!("{word:?} is none of version, feature, keyword"))),
        }
    }
    Ok(())
}

fn version(text: &str) -> Parsed<()> {
    for any in text.split('|') {
        let mut words = any.split_whitespace();
        let mut all = true;
        let mut some = false;
        while let Some(operator) = words.next() {
            let (operator, number) = match operator.find(|char: char| char.is_ascii_digit()) {
                Some(at) => operator.split_at_checked(at).unwrap_or((operator, "")),
                None => (operator, words.next().unwrap_or_default()),
            };
            let mut wanted = [0; 3];
            let mut parts = number.split('.');
            for (slot, part) in wanted.iter_mut().zip(&mut parts) {
                *slot = bounded(part, 0, 10_000)?;
            }
            all &= match operator {
                ">=" => VERSION >= wanted,
                ">" => VERSION > wanted,
                "<=" => VERSION <= wanted,
                "<" => VERSION < wanted,
                _ => return Err(Fault::at(operator, "a version is compared with < <= > >=")),
            };
            some = true;
        }
        if all && some {
            return Ok(());
        }
    }
    Err(Fault::at(text, format!("the rule is for another version: {text}")))
}

pub(super) fn noalert(builder: &mut Builder, _: &str) -> Parsed<()> {
    builder.push(Body::NoAlert)
}

pub(super) fn alert(builder: &mut Builder, _: &str) -> Parsed<()> {
    let silent =
        builder.has(|body| matches!(body, Body::NoAlert | Body::Flowbits(Bits { command: BitCommand::NoAlert, .. })));
    if silent {
        return Err(Fault::here("the rule says noalert already"));
    }
    builder.push(Body::AlertToo)
}

pub(super) fn bypass(builder: &mut Builder, _: &str) -> Parsed<()> {
    builder.push(Body::Bypass)
}

pub(super) fn prefilter(builder: &mut Builder, _: &str) -> Parsed<()> {
    if builder.options.is_empty() {
        return Err(Fault::here("there is no option before this that it could be about"));
    }
    builder.push(Body::Prefilter)
}

pub(super) fn config(builder: &mut Builder, value: &str) -> Parsed<()> {
    let words = ["logging", "tracking"];
    if !words.contains(&first_word(value).0) {
        return Err(Fault::at(value, "only logging and tracking can be configured"));
    }
    builder.push(Body::Config(value.into()))
}
