//! Messages (RFC 4511, section 4).

use crate::discover::extract::reader::Reader;
use crate::discover::extract::x509::element;

/// Numbers of operations, those that are treated apart: their application tags.
pub(super) mod operation {
    pub const BIND_REQUEST: u8 = 0;
    pub const UNBIND_REQUEST: u8 = 2;
    pub const SEARCH_REQUEST: u8 = 3;
    pub const SEARCH_RESULT_ENTRY: u8 = 4;
    pub const MODIFY_REQUEST: u8 = 6;
    pub const ADD_REQUEST: u8 = 8;
    pub const DEL_REQUEST: u8 = 10;
    pub const MOD_DN_REQUEST: u8 = 12;
    pub const COMPARE_REQUEST: u8 = 14;
    pub const ABANDON_REQUEST: u8 = 16;
    pub const SEARCH_RESULT_REFERENCE: u8 = 19;
    pub const EXTENDED_REQUEST: u8 = 23;
    pub const EXTENDED_RESPONSE: u8 = 24;
    pub const INTERMEDIATE_RESPONSE: u8 = 25;
}

type Text = Box<[u8]>;

/// A message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub id: u32,
    /// One of [`operation`].
    pub operation: u8,
    pub detail: Detail,
    pub controls: Vec<Control>,
}

/// A control (section 4.1.11).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Control {
    pub kind: Text,
    pub critical: bool,
    pub value: Option<Text>,
}

/// An attribute and its values.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Attribute {
    pub name: Text,
    pub values: Vec<Text>,
}

/// What an operation says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Detail {
    /// Nothing, or what could not be read.
    None,
    Bind {
        version: u32,
        name: Text,
        sasl: Option<(Text, Option<Text>)>,
    },
    Search(Box<Search>),
    /// An entry that was found or is added.
    Entry {
        name: Text,
        attributes: Vec<Attribute>,
    },
    Modify {
        name: Text,
        changes: Vec<(u32, Attribute)>,
    },
    Delete {
        name: Text,
    },
    Rename {
        name: Text,
        to: Text,
        delete_old: bool,
        superior: Option<Text>,
    },
    Compare {
        name: Text,
        attribute: Text,
        value: Text,
    },
    Abandon(u32),
    /// An extended request or an intermediate answer.
    Extended {
        name: Option<Text>,
        value: Option<Text>,
    },
    Result(Box<Outcome>),
}

/// A search (section 4.5.1).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Search {
    pub base: Text,
    pub scope: u32,
    pub aliases: u32,
    pub size_limit: u32,
    pub time_limit: u32,
    pub types_only: bool,
    /// The attribute of a filter that asks whether it is there.
    pub present: Option<Text>,
    pub attributes: Vec<Text>,
}

/// How an operation went (section 4.1.9), with what binds and extended operations add.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub code: u32,
    pub matched: Text,
    pub message: Text,
    pub credentials: Option<Text>,
    pub name: Option<Text>,
    pub value: Option<Text>,
}

/// Values, attributes and controls of a message that are kept.
const MOST_VALUES: usize = 1024;

impl Message {
    /// Reads a message; of one that is cut, at least its number and operation.
    pub(super) fn read(bytes: &[u8], whole: bool) -> Option<Message> {
        let body = if whole { inner(bytes, 0x30)? } else { behind(bytes)? };
        let mut reader = Reader::new(body);
        let id = integer(element(&mut reader).filter(|(tag, _)| *tag == 2)?.1)?;
        let tag = *reader.rest().first()?;
        // Application tags, constructed but for three.
        let operation = tag & 0x1f;
        if tag & 0xc0 != 0x40 || !matches!(operation, 0..=16 | 19 | 23..=25) {
            return None;
        }
        let mut message = Message { id, operation, detail: Detail::None, controls: Vec::new() };
        if whole {
            let (_, fields) = element(&mut reader)?;
            let mut room = MOST_VALUES;
            message.detail = detail(operation, fields, &mut room)?;
            if let Some((0xa0, controls)) = element(&mut reader) {
                message.controls = list(controls, &mut room, control);
            }
        }
        Some(message)
    }

    /// The name that a request, or the answer, is about.
    pub(super) fn name(&self) -> Option<&[u8]> {
        match &self.detail {
            Detail::Bind { name, .. }
            | Detail::Entry { name, .. }
            | Detail::Modify { name, .. }
            | Detail::Delete { name }
            | Detail::Rename { name, .. }
            | Detail::Compare { name, .. } => Some(name),
            Detail::Search(search) => Some(&search.base),
            Detail::Result(outcome) => Some(&outcome.matched),
            Detail::None | Detail::Abandon(_) | Detail::Extended { .. } => None,
        }
    }

    /// The attribute of that index.
    pub(super) fn attribute(&self, index: usize) -> Option<&[u8]> {
        match &self.detail {
            Detail::Search(search) => search.attributes.get(index).map(|name| &**name),
            Detail::Entry { attributes, .. } => attributes.get(index).map(|attribute| &*attribute.name),
            Detail::Modify { changes, .. } => changes.get(index).map(|(_, attribute)| &*attribute.name),
            Detail::Compare { attribute, .. } if index == 0 => Some(attribute),
            Detail::None
            | Detail::Bind { .. }
            | Detail::Delete { .. }
            | Detail::Rename { .. }
            | Detail::Compare { .. }
            | Detail::Abandon(_)
            | Detail::Extended { .. }
            | Detail::Result(_) => None,
        }
    }

    /// Bytes on the heap, about.
    pub(super) fn bytes(&self) -> usize {
        let of = |attribute: &Attribute| {
            40 + attribute.name.len() + attribute.values.iter().map(|value| 16 + value.len()).sum::<usize>()
        };
        let optional = |text: &Option<Text>| text.as_ref().map_or(0, |text| text.len());
        let detail = match &self.detail {
            Detail::None | Detail::Abandon(_) => 0,
            Detail::Bind { name, sasl, .. } => {
                name.len() + sasl.as_ref().map_or(0, |(mechanism, value)| mechanism.len() + optional(value))
            }
            Detail::Search(it) => {
                let attributes = it.attributes.iter().map(|name| 16 + name.len()).sum::<usize>();
                size_of::<Search>() + it.base.len() + optional(&it.present) + attributes
            }
            Detail::Entry { name, attributes } => name.len() + attributes.iter().map(of).sum::<usize>(),
            Detail::Modify { name, changes } => name.len() + changes.iter().map(|(_, it)| 8 + of(it)).sum::<usize>(),
            Detail::Delete { name } => name.len(),
            Detail::Rename { name, to, superior, .. } => name.len() + to.len() + optional(superior),
            Detail::Compare { name, attribute, value } => name.len() + attribute.len() + value.len(),
            Detail::Extended { name, value } => optional(name) + optional(value),
            Detail::Result(it) => {
                let more = optional(&it.credentials) + optional(&it.name) + optional(&it.value);
                size_of::<Outcome>() + it.matched.len() + it.message.len() + more
            }
        };
        let controls = self.controls.iter().map(|it| 48 + it.kind.len() + optional(&it.value)).sum::<usize>();
        size_of::<Message>() + detail + controls
    }
}

fn detail(operation: u8, fields: &[u8], room: &mut usize) -> Option<Detail> {
    let mut reader = Reader::new(fields);
    let mut next = |wanted: u8| element(&mut reader).filter(|(tag, _)| *tag == wanted).map(|(_, value)| value);
    Some(match operation {
        operation::BIND_REQUEST => {
            let (version, name) = (integer(next(2)?)?, next(4)?.into());
            let sasl = match element(&mut reader)? {
                (0xa3, sasl) => {
                    let mut sasl = Reader::new(sasl);
                    let (_, mechanism) = element(&mut sasl)?;
                    Some((mechanism.into(), element(&mut sasl).map(|(_, credentials)| credentials.into())))
                }
                _ => None,
            };
            Detail::Bind { version, name, sasl }
        }
        operation::SEARCH_REQUEST => {
            let base = next(4)?.into();
            let (scope, aliases) = (integer(next(10)?)?, integer(next(10)?)?);
            let (size_limit, time_limit) = (integer(next(2)?)?, integer(next(2)?)?);
            let types_only = next(1)?.first()? != &0;
            let present = match element(&mut reader)? {
                (0x87, name) => Some(name.into()),
                _ => None,
            };
            let attributes = match element(&mut reader) {
                Some((0x30, names)) => list(names, room, |_, name| Some(name.into())),
                _ => Vec::new(),
            };
            let search = Search { base, scope, aliases, size_limit, time_limit, types_only, present, attributes };
            Detail::Search(Box::new(search))
        }
        operation::SEARCH_RESULT_ENTRY | operation::ADD_REQUEST => {
            let name = next(4)?.into();
            let attributes = next(0x30)?;
            Detail::Entry { name, attributes: attributes_of(attributes, room) }
        }
        operation::MODIFY_REQUEST => {
            let name = next(4)?.into();
            let mut changes = Vec::new();
            let mut reader = Reader::new(next(0x30)?);
            while let (true, Some((0x30, change))) = (*room > 0, element(&mut reader)) {
                let mut change = Reader::new(change);
                let kind = integer(element(&mut change)?.1)?;
                let (_, modified) = element(&mut change)?;
                changes.push((kind, attribute(modified, room)?));
            }
            Detail::Modify { name, changes }
        }
        operation::DEL_REQUEST => Detail::Delete { name: fields.into() },
        operation::MOD_DN_REQUEST => {
            let (name, to) = (next(4)?.into(), next(4)?.into());
            let delete_old = next(1)?.first()? != &0;
            let superior = next(0x80).map(Into::into);
            Detail::Rename { name, to, delete_old, superior }
        }
        operation::COMPARE_REQUEST => {
            let name = next(4)?.into();
            let mut assertion = Reader::new(next(0x30)?);
            let (attribute, value) = (element(&mut assertion)?.1.into(), element(&mut assertion)?.1.into());
            Detail::Compare { name, attribute, value }
        }
        operation::ABANDON_REQUEST => Detail::Abandon(integer(fields)?),
        operation::EXTENDED_REQUEST | operation::INTERMEDIATE_RESPONSE => {
            let (mut name, mut value) = (None, None);
            while let Some((tag, text)) = element(&mut reader) {
                match tag {
                    0x80 => name = Some(text.into()),
                    0x81 => value = Some(text.into()),
                    _ => {}
                }
            }
            Detail::Extended { name, value }
        }
        operation::UNBIND_REQUEST | operation::SEARCH_RESULT_REFERENCE => Detail::None,
        _ => {
            let (code, matched, message) = (integer(next(10)?)?, next(4)?.into(), next(4)?.into());
            let mut found = Outcome { code, matched, message, credentials: None, name: None, value: None };
            while let Some((tag, text)) = element(&mut reader) {
                match tag {
                    0x87 => found.credentials = Some(text.into()),
                    0x8a => found.name = Some(text.into()),
                    0x8b => found.value = Some(text.into()),
                    _ => {}
                }
            }
            Detail::Result(Box::new(found))
        }
    })
}

fn attributes_of(bytes: &[u8], room: &mut usize) -> Vec<Attribute> {
    let (mut reader, mut found) = (Reader::new(bytes), Vec::new());
    while let (true, Some((0x30, one))) = (*room > 0, element(&mut reader)) {
        found.extend(attribute(one, room));
    }
    found
}

fn attribute(bytes: &[u8], room: &mut usize) -> Option<Attribute> {
    *room = room.saturating_sub(1);
    let mut reader = Reader::new(bytes);
    let (_, name) = element(&mut reader)?;
    let values = match element(&mut reader) {
        Some((0x31, values)) => list(values, room, |_, value| Some(value.into())),
        _ => Vec::new(),
    };
    Some(Attribute { name: name.into(), values })
}

fn control(_: u8, bytes: &[u8]) -> Option<Control> {
    let mut reader = Reader::new(bytes);
    let kind = element(&mut reader)?.1.into();
    let mut control = Control { kind, critical: false, value: None };
    while let Some((tag, value)) = element(&mut reader) {
        match tag {
            1 => control.critical = value.first().is_some_and(|byte| *byte != 0),
            4 => control.value = Some(value.into()),
            _ => {}
        }
    }
    Some(control)
}

/// The elements of a list, as long as there is room.
fn list<T>(bytes: &[u8], room: &mut usize, read: impl Fn(u8, &[u8]) -> Option<T>) -> Vec<T> {
    let (mut reader, mut found) = (Reader::new(bytes), Vec::new());
    while let (true, Some((tag, value))) = (*room > 0, element(&mut reader)) {
        *room -= 1;
        found.extend(read(tag, value));
    }
    found
}

/// A number that is not negative.
fn integer(digits: &[u8]) -> Option<u32> {
    let first = digits.first().filter(|first| **first & 0x80 == 0)?;
    let digits = if *first == 0 { digits.get(1..)? } else { digits };
    (digits.len() <= 4).then(|| digits.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
}

fn inner(data: &[u8], wanted: u8) -> Option<&[u8]> {
    element(&mut Reader::new(data)).filter(|(tag, _)| *tag == wanted).map(|(_, body)| body)
}

/// What follows a tag and a length, as far as it is there.
fn behind(bytes: &[u8]) -> Option<&[u8]> {
    let length = *bytes.get(1)?;
    let more = if length < 0x80 { 0 } else { usize::from(length & 0x7f) };
    bytes.get(2 + more..)
}
