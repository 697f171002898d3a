//! How far one look into a buffer got.

use std::fmt::Write;

use sensor_wire::explain::{EXCERPT, Found, Step, StepState};

use super::reason;
use crate::detect::verify::{Span, Trace, Tried};
use crate::rules::ast::{Body, Inspect, Rule};

/// Hears how the options fare, and keeps the furthest way that was tried.
pub(super) struct Path<'a> {
    rule: &'a Rule,
    buffer: &'a str,
    place: u32,
    /// Options that hold as things stand.
    now: Vec<(usize, Step)>,
    /// Those of the furthest way, and at its end the one that failed.
    furthest: Vec<(usize, Step)>,
}

impl<'a> Path<'a> {
    /// Of a buffer that is called so, the one of that place of its kind.
    pub(super) fn new(rule: &'a Rule, buffer: &'a str, place: u32) -> Path<'a> {
        Path { rule, buffer, place, now: Vec::new(), furthest: Vec::new() }
    }

    /// Options and what came of them.
    pub(super) fn end(self, matched: bool) -> Vec<(usize, Step)> {
        if matched { self.now } else { self.furthest }
    }

    fn of(&self, option: usize) -> Option<u16> {
        match self.rule.options.get(option).map(|it| &it.body) {
            Some(Body::Inspect(buffer, _)) => Some(*buffer),
            _ => None,
        }
    }
}

impl Trace for Path<'_> {
    fn tried(&mut self, tried: &Tried<'_>) {
        // What stood behind it was found on another way.
        let of = self.of(tried.option);
        let now = std::mem::take(&mut self.now);
        self.now = now.into_iter().filter(|(known, _)| *known < tried.option || self.of(*known) != of).collect();
        let Some(option) = self.rule.options.get(tried.option) else { return };
        let inspect = if let Body::Inspect(_, inspect) = &option.body { Some(inspect) } else { None };
        let span = tried.at.unwrap_or(Span { offset: tried.position, len: 0 });
        let buffer = if self.decoded(of) { "base64_data" } else { self.buffer };
        let at = Some(found(buffer, self.place, tried.data, tried.start, span));
        if tried.at.is_some() {
            let why = inspect.map_or_else(String::new, |inspect| reason::held(inspect, tried));
            self.now.push((tried.option, Step { state: StepState::Held, at, why }));
        } else if self.now.len() >= self.furthest.len() {
            let why = inspect.map_or_else(|| "nothing of the kind".into(), |it| reason::failed(it, tried, buffer));
            self.furthest.clone_from(&self.now);
            self.furthest.push((tried.option, Step { state: StepState::Failed, at, why }));
        }
    }
}

impl Path<'_> {
    fn decoded(&self, of: Option<u16>) -> bool {
        let is = |buffer: u16| self.rule.buffers.get(usize::from(buffer));
        of.and_then(is).is_some_and(|it| it.buffer == crate::rules::Buffer::Base64Data) && self.buffer != "base64_data"
    }
}

/// A part of a buffer with the bytes around it.
pub(super) fn found(buffer: &str, place: u32, data: &[u8], start: u64, span: Span) -> Found {
    let from = span.offset.min(data.len()).saturating_sub(BEFORE);
    let rest = data.get(from..).unwrap_or_default();
    let excerpt = rest.get(..EXCERPT).unwrap_or(rest);
    let mut hex = String::with_capacity(excerpt.len() * 2);
    for byte in excerpt {
        // Writing to a string does not fail.
        let _ = write!(hex, "{byte:02x}");
    }
    Found {
        buffer: buffer.to_owned(),
        place,
        size: start.saturating_add(data.len() as u64),
        offset: start.saturating_add(span.offset as u64),
        len: span.len as u64,
        from: start.saturating_add(from as u64),
        hex,
    }
}

/// Whether an option only makes data for others.
pub(super) fn decodes(body: &Body) -> bool {
    matches!(body, Body::Inspect(_, Inspect::Base64Decode { .. }))
}

/// Bytes of an excerpt before what it is about.
const BEFORE: usize = 16;
