//! A rule while its options are read: which buffer is looked into, what was said already, what can't stand together.

use std::collections::HashMap;

use super::ast::{
    Body, BufferArgument, BufferUse, Content, FastPattern, Inspect, Reference, Rule, RuleOption, StreamScope, Target,
    Transform, Value,
};
use super::buffer::{Buffer, MODIFIERS, Side};
use super::fault::{Fault, Parsed};
use super::field::{self, Field};
use super::header::{Header, Protocol};
use super::lexer::RawOption;
use super::number::Comparison;
use super::options;

/// Most different buffers of a rule.
const MAX_BUFFERS: usize = 64;
/// Most transforms of a buffer; Suricata's own limit is 16.
const MAX_TRANSFORMS: usize = 16;
/// Most numbers read by `byte_extract` and `byte_math` of a rule.
const MAX_VARIABLES: usize = 32;

/// How an option's value is read.
pub(super) type Reader = fn(&mut Builder, &str) -> Parsed<()>;

/// What a keyword is.
#[derive(Debug, Clone, Copy)]
enum Keyword {
    Sticky(Buffer),
    Modifier(Buffer),
    Number(Field),
    /// Needs a value.
    Value(Reader),
    /// Takes none.
    Bare(Reader),
    /// May have one; an empty text stands for none.
    Either(Reader),
    /// Refused, and why.
    Refused(&'static str),
}

/// All keywords by name.
#[derive(Debug)]
pub(super) struct Keywords(HashMap<Box<str>, Keyword, foldhash::fast::RandomState>);

impl Default for Keywords {
    fn default() -> Self {
        let mut all = HashMap::default();
        let mut add = |name: &str, keyword| {
            all.insert(Box::from(name), keyword);
        };
        Buffer::names().for_each(|(name, buffer)| add(&name, Keyword::Sticky(buffer)));
        MODIFIERS.iter().for_each(|(name, buffer)| add(name, Keyword::Modifier(*buffer)));
        Field::ALL.iter().for_each(|field| add(field.name(), Keyword::Number(*field)));
        field::OLD_NAMES.iter().for_each(|(name, field)| add(name, Keyword::Number(*field)));
        options::VALUES.iter().for_each(|(name, reader)| add(name, Keyword::Value(*reader)));
        options::BARE.iter().for_each(|(name, reader)| add(name, Keyword::Bare(*reader)));
        options::EITHER.iter().for_each(|(name, reader)| add(name, Keyword::Either(*reader)));
        options::REFUSED.iter().for_each(|(name, reason)| add(name, Keyword::Refused(reason)));
        Self(all)
    }
}

impl Keywords {
    /// Reads an option into the rule.
    pub(super) fn apply(&self, builder: &mut Builder, option: RawOption<'_>) -> Parsed<()> {
        let keyword = self.0.get(option.keyword).copied();
        let keyword = keyword.ok_or_else(|| Fault::here(format!("{} is no keyword that is known", option.keyword)))?;
        let value = option.value.filter(|value| !value.is_empty());
        let needed = || value.ok_or_else(|| Fault::here(format!("{} needs a value", option.keyword)));
        let unwanted = || match option.value {
            None => Ok(()),
            Some(value) => Err(Fault::at(value, format!("{} takes no value", option.keyword))),
        };
        match keyword {
            Keyword::Sticky(buffer) => builder.sticky(buffer, value),
            Keyword::Modifier(buffer) => unwanted().and_then(|()| builder.modifier(buffer)),
            Keyword::Number(field) => options::number(builder, field, needed()?),
            Keyword::Value(reader) => reader(builder, needed()?),
            Keyword::Bare(reader) => unwanted().and_then(|()| reader(builder, "")),
            Keyword::Either(reader) => reader(builder, value.unwrap_or_default()),
            Keyword::Refused(reason) => Err(Fault::here(reason)),
        }
    }
}

/// The rule so far.
pub(super) struct Builder {
    pub(super) header: Header,
    pub(super) sid: Option<u32>,
    pub(super) gid: Option<u32>,
    pub(super) rev: Option<u32>,
    pub(super) msg: Option<Box<str>>,
    pub(super) classtype: Option<Box<str>>,
    pub(super) priority: Option<u32>,
    pub(super) references: Vec<Reference>,
    pub(super) metadata: Vec<(Box<str>, Box<str>)>,
    pub(super) target: Option<Target>,
    pub(super) options: Vec<RuleOption>,
    buffers: Vec<BufferUse>,
    variables: Vec<Box<str>>,
    /// Index of the option that modifiers are about.
    last_content: Option<usize>,
    sticky: Option<Sticky>,
    place: (u32, u32),
    owner: Option<(Buffer, &'static [&'static str])>,
}

/// The sticky buffer that was named last.
struct Sticky {
    buffer: BufferUse,
    /// Where it is in the rule's buffers, once something looks into it.
    index: Option<u16>,
}

impl Builder {
    pub(super) fn new(header: Header) -> Self {
        Self {
            header,
            sid: None,
            gid: None,
            rev: None,
            msg: None,
            classtype: None,
            priority: None,
            references: Vec::new(),
            metadata: Vec::new(),
            target: None,
            options: Vec::new(),
            buffers: Vec::new(),
            variables: Vec::new(),
            last_content: None,
            sticky: None,
            place: (0, 0),
            owner: None,
        }
    }

    /// The next option stands at this line and column.
    pub(super) fn begin(&mut self, place: (u32, u32)) {
        self.place = place;
    }

    pub(super) fn push(&mut self, body: Body) -> Parsed<()> {
        let (line, column) = self.place;
        self.options.push(RuleOption { line, column, body });
        Ok(())
    }

    /// A test of the buffer that is current. What counts from the last match is of that one's buffer, if none is sticky.
    pub(super) fn inspect(&mut self, test: Inspect) -> Parsed<()> {
        let last = self.options.iter().rev().find_map(|option| {
            if let Body::Inspect(index, Inspect::Content(_) | Inspect::Pcre(_) | Inspect::ByteJump(_)) = &option.body {
                Some(*index)
            } else {
                None
            }
        });
        let index = match last {
            Some(index) if self.sticky.is_none() && test.is_relative() => index,
            _ => self.current()?,
        };
        let content = matches!(test, Inspect::Content(_));
        self.push(Body::Inspect(index, test))?;
        if content {
            self.last_content = self.options.len().checked_sub(1);
        }
        Ok(())
    }

    /// A test of a buffer that one of its flags names; no other sticky one must be set.
    pub(super) fn inspect_in(&mut self, buffer: Buffer, test: Inspect) -> Parsed<()> {
        if let Some(sticky) = &self.sticky {
            // To Suricata `http.response_body` and `file.data` are the same buffer.
            let body = buffer == Buffer::FileData && sticky.buffer == plain(Buffer::HttpResponseBody);
            if body || sticky.buffer == plain(buffer) {
                return self.inspect(test);
            }
            return Err(Fault::here("a sticky buffer is set; pkt_data before this would end it"));
        }
        self.inspect_beside(buffer, test)
    }

    /// A test of a buffer of its own, whichever is current.
    pub(super) fn inspect_beside(&mut self, buffer: Buffer, test: Inspect) -> Parsed<()> {
        let index = self.intern_known(plain(buffer))?;
        self.push(Body::Inspect(index, test))
    }

    /// A content of a keyword that brings its buffer, whichever is current; modifiers may follow.
    pub(super) fn content_in(&mut self, buffer: Buffer, content: Content) -> Parsed<()> {
        self.inspect_beside(buffer, Inspect::Content(content))?;
        self.last_content = self.options.len().checked_sub(1);
        Ok(())
    }

    pub(super) fn is_sticky(&self) -> bool {
        self.sticky.is_some()
    }

    fn current(&mut self) -> Parsed<u16> {
        match &self.sticky {
            None => self.intern(plain(Buffer::Payload)),
            Some(Sticky { index: Some(index), .. }) => Ok(*index),
            Some(Sticky { buffer, index: None }) => {
                let index = self.intern(buffer.clone())?;
                if let Some(sticky) = &mut self.sticky {
                    sticky.index = Some(index);
                }
                Ok(index)
            }
        }
    }

    fn intern(&mut self, wanted: BufferUse) -> Parsed<u16> {
        if wanted.buffer.is_multiple() { self.add(wanted, None) } else { self.intern_known(wanted) }
    }

    /// The entry that is there, also of a buffer that a transaction can have several times.
    fn intern_known(&mut self, wanted: BufferUse) -> Parsed<u16> {
        let known = self.buffers.iter().position(|it| *it == wanted);
        self.add(wanted, known)
    }

    fn add(&mut self, wanted: BufferUse, known: Option<usize>) -> Parsed<u16> {
        let index = match known {
            Some(index) => index,
            None => {
                self.belongs(wanted.buffer)?;
                if self.buffers.len() >= MAX_BUFFERS {
                    return Err(Fault::here("more than 64 buffers"));
                }
                self.buffers.push(wanted);
                self.buffers.len() - 1
            }
        };
        u16::try_from(index).map_err(|_| Fault::here("more than 64 buffers"))
    }

    /// Whether the buffer is of the rule's protocol, and of one that those before it are of too.
    fn belongs(&mut self, buffer: Buffer) -> Parsed<()> {
        let Some(owner) = buffer.owner() else { return Ok(()) };
        if !buffer.is_of(self.header.protocol) {
            let (name, protocol) = (buffer.name(), self.header.protocol.name());
            return Err(Fault::here(format!("{name} is not of {protocol}, the rule's protocol")));
        }
        match self.owner {
            Some((other, known)) if !known.iter().any(|name| owner.contains(name)) => {
                let (name, other) = (buffer.name(), other.name());
                Err(Fault::here(format!("{name} and {other} are never of one protocol")))
            }
            Some((_, known)) if known.len() <= owner.len() => Ok(()),
            _ => {
                self.owner = Some((buffer, owner));
                Ok(())
            }
        }
    }

    fn sticky(&mut self, buffer: Buffer, value: Option<&str>) -> Parsed<()> {
        self.check_looked_into()?;
        self.last_content = None;
        let argument = match (buffer, value) {
            (Buffer::Frame, Some(name)) => BufferArgument::Frame(name.into()),
            (Buffer::Frame, None) => return Err(Fault::here("frame needs the name of one")),
            (_, None) => BufferArgument::None,
            (Buffer::Payload, Some(value)) => return Err(Fault::at(value, "pkt_data takes no value")),
            (_, Some("to_server" | "request")) => BufferArgument::Side(Side::ToServer),
            (_, Some("to_client" | "response")) => BufferArgument::Side(Side::ToClient),
            (_, Some(value)) => return Err(Fault::at(value, "only to_server or to_client can be said of a buffer")),
        };
        if buffer == Buffer::Payload {
            self.sticky = None;
            return Ok(());
        }
        let buffer = BufferUse { argument, ..plain(buffer) };
        self.sticky = Some(Sticky { buffer, index: None });
        Ok(())
    }

    fn check_looked_into(&self) -> Parsed<()> {
        match &self.sticky {
            Some(Sticky { buffer, index: None }) => {
                Err(Fault::here(format!("nothing looks into {}, which was set before", buffer.buffer.name())))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn transform(&mut self, transform: Transform) -> Parsed<()> {
        let Some(sticky) = &mut self.sticky else {
            return Err(Fault::here("a transform has to follow a sticky buffer"));
        };
        if sticky.buffer.transforms.len() >= MAX_TRANSFORMS {
            return Err(Fault::here("more than 16 transforms of a buffer"));
        }
        let mut transforms = std::mem::take(&mut sticky.buffer.transforms).into_vec();
        transforms.push(transform);
        sticky.buffer.transforms = transforms.into();
        // What follows looks into the transformed data, what came before does not.
        sticky.index = None;
        Ok(())
    }

    /// The content that modifiers are about.
    pub(super) fn content(&mut self) -> Parsed<&mut Content> {
        match self.last_content.and_then(|index| self.options.get_mut(index)) {
            Some(RuleOption { body: Body::Inspect(_, Inspect::Content(content)), .. }) => Ok(content),
            _ => Err(Fault::here("there is no content before this that it could be about")),
        }
    }

    fn modifier(&mut self, buffer: Buffer) -> Parsed<()> {
        let content = self.content()?;
        if content.rawbytes {
            return Err(Fault::here("rawbytes has no meaning in a buffer of a protocol"));
        }
        if self.sticky.is_some() {
            return Err(Fault::here("a sticky buffer is set; pkt_data before the content would end it"));
        }
        let target = self.intern_known(plain(buffer))?;
        let payload = self.buffers.iter().position(|it| it.buffer == Buffer::Payload);
        let last = self.last_content.and_then(|index| self.options.get_mut(index));
        if let Some(RuleOption { body: Body::Inspect(index, _), .. }) = last {
            if Some(usize::from(*index)) != payload {
                return Err(Fault::here("the content was moved into a buffer already"));
            }
            *index = target;
        }
        Ok(())
    }

    /// A number, or the name of one that was read before.
    pub(super) fn value(&self, text: &str, least: i64, most: i64) -> Parsed<Value> {
        let text = text.trim();
        if let Some(index) = self.variables.iter().position(|name| **name == *text) {
            return u8::try_from(index).map(Value::Variable).map_err(|_| Fault::at(text, "too many variables"));
        }
        if text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') {
            return Err(Fault::at(text, format!("no option before this reads {text}")));
        }
        super::number::signed(text, least, most).map(Value::Number)
    }

    /// The variable that an option is to fill.
    pub(super) fn define(&mut self, name: &str) -> Parsed<u8> {
        let name = name.trim();
        if !name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') {
            return Err(Fault::at(name, "a variable's name has to begin with a letter"));
        }
        let index = match self.variables.iter().position(|known| **known == *name) {
            Some(index) => index,
            None if self.variables.len() >= MAX_VARIABLES => return Err(Fault::at(name, "more than 32 variables")),
            None => {
                self.variables.push(name.into());
                self.variables.len() - 1
            }
        };
        u8::try_from(index).map_err(|_| Fault::at(name, "more than 32 variables"))
    }

    /// Whether an option of the kind is there already.
    pub(super) fn has(&self, is: fn(&Body) -> bool) -> bool {
        self.options.iter().any(|option| is(&option.body))
    }

    /// The rule, or the keyword at fault and why.
    pub(super) fn finish(mut self) -> Result<Rule, (&'static str, Fault)> {
        self.check_looked_into().map_err(|fault| ("", fault))?;
        let sid = self.sid.ok_or_else(|| ("", Fault::here("sid is missing")))?;
        self.drop_unused_payload();
        self.check_contents()?;
        self.check_direction()?;
        let only_stream = self.header.protocol == Protocol::TcpStream
            || self.has(|body| matches!(body, Body::Flow(flow) if flow.stream == Some(StreamScope::Only)));
        if only_stream && self.has(|body| matches!(body, Body::Number(test) if test.field == Field::Dsize)) {
            return Err(("dsize", Fault::here("dsize is of packets, the rule of the stream")));
        }
        Ok(Rule {
            file: 0,
            line: 0,
            column: 0,
            enabled: true,
            header: self.header,
            sid,
            gid: self.gid.unwrap_or(1),
            rev: self.rev.unwrap_or(0),
            msg: self.msg.unwrap_or_default(),
            classtype: self.classtype,
            priority: self.priority,
            references: self.references.into(),
            metadata: self.metadata.into(),
            target: self.target,
            options: self.options.into(),
            buffers: self.buffers.into(),
            variables: self.variables.into(),
        })
    }

    /// Contents that modifiers moved may leave the payload unused; then it is none of the rule's buffers, and the
    /// others stand in the order in which options use them.
    fn drop_unused_payload(&mut self) {
        let mut order: Vec<u16> = Vec::new();
        for option in &mut self.options {
            if let Body::Inspect(index, _) = &mut option.body {
                let at = order.iter().position(|known| known == index).unwrap_or_else(|| {
                    order.push(*index);
                    order.len() - 1
                });
                // No more than there are buffers.
                *index = u16::try_from(at).unwrap_or(u16::MAX);
            }
        }
        self.buffers = order.iter().filter_map(|index| self.buffers.get(usize::from(*index)).cloned()).collect();
    }

    fn check_contents(&self) -> Result<(), (&'static str, Fault)> {
        let mut fast = 0;
        for (index, buffer) in self.buffers.iter().enumerate() {
            let tests = self.options.iter().filter_map(|option| {
                if let Body::Inspect(of, test) = &option.body
                    && usize::from(*of) == index
                {
                    Some(test)
                } else {
                    None
                }
            });
            let mut end = 0i64;
            let mut needed = 0i64;
            let mut most = None;
            let mut absent = false;
            let mut count = 0;
            for test in tests {
                count += 1;
                if let Inspect::Content(content) = test {
                    check_content(content, buffer)?;
                    fast += usize::from(content.fast_pattern != FastPattern::No);
                    if !content.negated {
                        let len = i64::try_from(content.bytes.len()).unwrap_or(i64::MAX);
                        let start = if content.is_relative() {
                            end + plain_number(content.distance)
                        } else {
                            plain_number(content.offset)
                        };
                        end = start + len;
                        needed = needed.max(end);
                    }
                } else if let Inspect::Size(comparison) = test {
                    most = largest(*comparison);
                } else if let Inspect::Absent { or_else } = test {
                    absent = !or_else;
                } else {
                    // What stands between two contents moves the place that the second counts from.
                    end = 0;
                }
            }
            if absent && count > 1 {
                return Err(("absent", Fault::here("what is absent cannot be looked into; or_else would allow it")));
            }
            if let Some(most) = most
                && u64::try_from(needed).is_ok_and(|needed| needed > most)
            {
                return Err(("bsize", Fault::here(format!("the contents need {needed} bytes, {most} are allowed"))));
            }
            let dsize = self.options.iter().find_map(|option| {
                if let Body::Number(test) = &option.body
                    && test.field == Field::Dsize
                {
                    largest(test.comparison)
                } else {
                    None
                }
            });
            if buffer.buffer == Buffer::Payload
                && let Some(most) = dsize
                && u64::try_from(needed).is_ok_and(|needed| needed > most)
            {
                return Err(("dsize", Fault::here(format!("the contents need {needed} bytes, {most} are allowed"))));
            }
        }
        if fast > 1 {
            return Err(("fast_pattern", Fault::here("only one content of a rule can be the fast pattern")));
        }
        Ok(())
    }

    fn check_direction(&self) -> Result<(), (&'static str, Fault)> {
        let flow =
            self.options.iter().find_map(|option| if let Body::Flow(flow) = &option.body { flow.side } else { None });
        let side = |buffer: &BufferUse| match buffer.argument {
            BufferArgument::Side(side) => side,
            BufferArgument::None | BufferArgument::Frame(_) => buffer.buffer.side(),
        };
        let both_ways = self.header.direction == super::header::Direction::Transaction;
        let (mut server, mut client) = (None, None);
        for buffer in &self.buffers {
            match side(buffer) {
                Side::ToServer => server = Some(buffer.buffer.name()),
                Side::ToClient => client = Some(buffer.buffer.name()),
                Side::Both => {}
            }
        }
        match (flow, server, client) {
            _ if both_ways => Ok(()),
            (Some(Side::ToServer), _, Some(name)) | (Some(Side::ToClient), Some(name), _) => {
                Err(("flow", Fault::here(format!("{name} is of the other direction"))))
            }
            (_, Some(one), Some(other)) => {
                Err(("", Fault::here(format!("{one} and {other} are of different directions"))))
            }
            _ => Ok(()),
        }
    }
}

fn plain(buffer: Buffer) -> BufferUse {
    BufferUse { buffer, argument: BufferArgument::None, transforms: Box::default() }
}

fn plain_number(value: Option<Value>) -> i64 {
    match value {
        Some(Value::Number(number)) => number,
        Some(Value::Variable(_)) | None => 0,
    }
}

/// The most that passes a comparison.
fn largest(comparison: Comparison) -> Option<u64> {
    match comparison {
        Comparison::Equal(value) | Comparison::LessOrEqual(value) => Some(value),
        Comparison::Less(value) | Comparison::Inside(_, value) => Some(value.saturating_sub(1)),
        Comparison::NotEqual(_)
        | Comparison::Greater(_)
        | Comparison::GreaterOrEqual(_)
        | Comparison::Outside(..)
        | Comparison::Masked { .. } => None,
    }
}

fn check_content(content: &Content, buffer: &BufferUse) -> Result<(), (&'static str, Fault)> {
    let len = i64::try_from(content.bytes.len()).unwrap_or(i64::MAX);
    let too_short = |value: Option<Value>| matches!(value, Some(Value::Number(most)) if most < len);
    if too_short(content.depth) {
        return Err(("depth", Fault::here(format!("less than the content's {len} bytes, so it can never match"))));
    }
    if too_short(content.within) {
        return Err(("within", Fault::here(format!("less than the content's {len} bytes, so it can never match"))));
    }
    let placed = content.is_relative() || content.depth.is_some() || content.offset.is_some() || content.startswith;
    match content.fast_pattern {
        FastPattern::Only if placed || content.negated => {
            return Err(("fast_pattern", Fault::here("only is for a content that is neither negated nor placed")));
        }
        FastPattern::Whole | FastPattern::Chop { .. } if placed && content.negated => {
            return Err(("fast_pattern", Fault::here("a negated content that is placed cannot be searched for first")));
        }
        FastPattern::No | FastPattern::Whole | FastPattern::Only | FastPattern::Chop { .. } => {}
    }
    if content.replace.as_ref().is_some_and(|replace| replace.len() != content.bytes.len()) {
        return Err(("replace", Fault::here("has to be as long as the content")));
    }
    if !buffer.transforms.is_empty() {
        return Ok(());
    }
    if buffer.buffer == Buffer::HttpHost {
        if content.nocase {
            return Err(("nocase", Fault::here("http.host is in lower case already")));
        }
        if content.bytes.iter().any(u8::is_ascii_uppercase) {
            return Err(("content", Fault::here("http.host is in lower case, so this can never match")));
        }
    }
    if buffer.buffer == Buffer::HttpMethod {
        if content.bytes.first().is_some_and(|first| matches!(first, b' ' | b'\t')) {
            return Err(("content", Fault::here("a method has no space before it")));
        }
        if content.bytes.last().is_some_and(|last| matches!(last, b' ' | b'\t')) {
            return Err(("content", Fault::here("a method has no space behind it")));
        }
    }
    Ok(())
}
