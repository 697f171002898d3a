//! What looks into buffers: content and its modifiers, pcre, sizes, data sets.

use super::first_word;
use crate::rules::ast::{
    Capture, Content, Dataset, DatasetCommand, DatasetKind, FastPattern, Inspect, IsDataAt, Pcre, Scope, Value,
};
use crate::rules::buffer::Buffer;
use crate::rules::builder::Builder;
use crate::rules::fault::{Fault, Parsed};
use crate::rules::lexer::{negation, pattern, quoted};
use crate::rules::number::{Comparison, bounded, unsigned};

/// Most bytes between a match and what counts from it: Suricata's own limit.
const MAX_DISTANCE: i64 = 1 << 20;

fn read(value: &str) -> Parsed<Content> {
    let (negated, text) = quoted(value)?;
    Ok(Content { bytes: pattern(text)?, negated, ..Content::default() })
}

/// `content:[!]"pattern"`. Snort puts modifiers behind commas, which Suricata doesn't know.
pub(super) fn content(builder: &mut Builder, value: &str) -> Parsed<()> {
    builder.inspect(Inspect::Content(read(value)?))
}

pub(super) fn uricontent(builder: &mut Builder, value: &str) -> Parsed<()> {
    moved(builder, Buffer::HttpUri, read(value)?)
}

pub(super) fn tls_subject(builder: &mut Builder, value: &str) -> Parsed<()> {
    moved(builder, Buffer::TlsCertSubject, read(value)?)
}

pub(super) fn tls_issuer(builder: &mut Builder, value: &str) -> Parsed<()> {
    moved(builder, Buffer::TlsCertIssuer, read(value)?)
}

pub(super) fn tls_fingerprint(builder: &mut Builder, value: &str) -> Parsed<()> {
    let mut content = read(value)?;
    // Fingerprints are in lower case wherever they stand.
    content.bytes.make_ascii_lowercase();
    moved(builder, Buffer::TlsCertFingerprint, Content { startswith: true, endswith: true, ..content })
}

pub(super) fn ssh_version(builder: &mut Builder, value: &str) -> Parsed<()> {
    let content = unquoted(value)?;
    moved(builder, Buffer::SshProto, Content { startswith: true, endswith: true, ..content })
}

pub(super) fn ssh_software(builder: &mut Builder, value: &str) -> Parsed<()> {
    let content = unquoted(value)?;
    moved(builder, Buffer::SshSoftware, content)
}

fn unquoted(value: &str) -> Parsed<Content> {
    let (negated, text) = negation(value);
    Ok(Content { bytes: pattern(text.trim_matches('"'))?, negated, ..Content::default() })
}

/// A content of a keyword that brings its buffer, whichever sticky one is set.
fn moved(builder: &mut Builder, buffer: Buffer, content: Content) -> Parsed<()> {
    builder.content_in(buffer, content)
}

fn place(
    builder: &mut Builder,
    value: &str,
    (least, most): (i64, i64),
    slot: fn(&mut Content) -> &mut Option<Value>,
    name: &str,
) -> Parsed<()> {
    let number = builder.value(value, least, most)?;
    let content = builder.content()?;
    if slot(content).replace(number).is_some() {
        return Err(Fault::here(format!("{name} is given twice for one content")));
    }
    let counted = content.depth.is_some() || content.offset.is_some() || content.startswith;
    if content.is_relative() && counted {
        return Err(Fault::here(
            "distance and within count from the last match, depth, offset and startswith from the start: not both",
        ));
    }
    if content.startswith && content.depth.is_some() {
        return Err(Fault::here("startswith is a depth already"));
    }
    if content.startswith && content.offset.is_some() {
        return Err(Fault::here("startswith is an offset of 0 already"));
    }
    Ok(())
}

pub(super) fn depth(builder: &mut Builder, value: &str) -> Parsed<()> {
    place(builder, value, (1, 65535), |content| &mut content.depth, "depth")
}

pub(super) fn offset(builder: &mut Builder, value: &str) -> Parsed<()> {
    place(builder, value, (0, 65535), |content| &mut content.offset, "offset")
}

pub(super) fn distance(builder: &mut Builder, value: &str) -> Parsed<()> {
    place(builder, value, (-MAX_DISTANCE, MAX_DISTANCE), |content| &mut content.distance, "distance")
}

pub(super) fn within(builder: &mut Builder, value: &str) -> Parsed<()> {
    place(builder, value, (-MAX_DISTANCE, MAX_DISTANCE), |content| &mut content.within, "within")
}

pub(super) fn nocase(builder: &mut Builder, _: &str) -> Parsed<()> {
    let content = builder.content()?;
    if std::mem::replace(&mut content.nocase, true) {
        return Err(Fault::here("nocase is given twice for one content"));
    }
    Ok(())
}

pub(super) fn rawbytes(builder: &mut Builder, _: &str) -> Parsed<()> {
    if builder.is_sticky() {
        return Err(Fault::here("rawbytes has no meaning in a buffer of a protocol"));
    }
    let content = builder.content()?;
    if std::mem::replace(&mut content.rawbytes, true) {
        return Err(Fault::here("rawbytes is given twice for one content"));
    }
    Ok(())
}

pub(super) fn startswith(builder: &mut Builder, _: &str) -> Parsed<()> {
    let content = builder.content()?;
    if content.depth.is_some() || content.startswith {
        return Err(Fault::here("startswith is a depth, and there is one already"));
    }
    if content.offset.is_some() {
        return Err(Fault::here("startswith is an offset of 0, and there is one already"));
    }
    if content.is_relative() {
        return Err(Fault::here("startswith counts from the start, distance and within from the last match"));
    }
    content.startswith = true;
    Ok(())
}

pub(super) fn endswith(builder: &mut Builder, _: &str) -> Parsed<()> {
    builder.content()?.endswith = true;
    Ok(())
}

pub(super) fn replace(builder: &mut Builder, value: &str) -> Parsed<()> {
    let (negated, text) = quoted(value)?;
    if negated {
        return Err(Fault::at(value, "replace cannot be negated"));
    }
    let bytes = pattern(text)?;
    builder.content()?.replace = Some(bytes);
    Ok(())
}

pub(super) fn fast_pattern(builder: &mut Builder, value: &str) -> Parsed<()> {
    let content = builder.content()?;
    if content.fast_pattern != FastPattern::No {
        return Err(Fault::here("fast_pattern is given twice for one content"));
    }
    content.fast_pattern = match value {
        "" => FastPattern::Whole,
        "only" => FastPattern::Only,
        chop => {
            let (offset, len) =
                chop.split_once(',').ok_or_else(|| Fault::at(chop, "only `only` or offset,length can be given"))?;
            let number = |text| -> Parsed<u16> {
                let number = bounded(text, 0, u32::from(u16::MAX))?;
                u16::try_from(number).map_err(|_| Fault::at(text, "too large"))
            };
            let (from, count) = (number(offset)?, number(len)?);
            if count == 0 || usize::from(from) + usize::from(count) > content.bytes.len() {
                return Err(Fault::at(offset, "the part is not within the content"));
            }
            FastPattern::Chop { offset: from, len: count }
        }
    };
    Ok(())
}

/// Flags of pcre that choose a buffer.
const BUFFER_FLAGS: [(char, Buffer); 13] = [
    ('U', Buffer::HttpUri),
    ('I', Buffer::HttpUriRaw),
    ('P', Buffer::HttpRequestBody),
    ('Q', Buffer::FileData),
    ('H', Buffer::HttpHeader),
    ('D', Buffer::HttpHeaderRaw),
    ('M', Buffer::HttpMethod),
    ('C', Buffer::HttpCookie),
    ('V', Buffer::HttpUserAgent),
    ('W', Buffer::HttpHost),
    ('Z', Buffer::HttpHostRaw),
    ('S', Buffer::HttpStatCode),
    ('Y', Buffer::HttpStatMsg),
];

/// Most groups that are kept of one expression.
const MAX_CAPTURES: usize = 8;

/// `pcre:[!]"/expression/flags[,scope:name...]"`
pub(super) fn pcre(builder: &mut Builder, value: &str) -> Parsed<()> {
    let (negated, rest) = negation(value);
    // Quotes within an expression need no backslash: it ends with the last one. Old rules have none around it.
    let text = match rest.strip_prefix('"') {
        Some(quoted) => quoted.strip_suffix('"').ok_or_else(|| Fault::at(rest, "the closing quote is missing"))?,
        None => rest,
    };
    let body = text.strip_prefix('/').ok_or_else(|| Fault::at(text, "the expression has to begin with /"))?;
    let (expression, rest) =
        body.rsplit_once('/').ok_or_else(|| Fault::at(text, "the expression has to end with /"))?;
    let mut parts = rest.split(',');
    let flags = parts.next().unwrap_or_default();
    let mut pcre = Pcre {
        negated,
        pattern: expression.into(),
        caseless: false,
        multiline: false,
        dot_all: false,
        extended: false,
        anchored: false,
        dollar_end_only: false,
        ungreedy: false,
        relative: false,
        no_limits: false,
        rawbytes: false,
        captures: Box::default(),
    };
    let mut buffer = None;
    for (at, flag) in flags.char_indices() {
        let here = flags.get(at..).unwrap_or_default();
        match flag {
            'i' => pcre.caseless = true,
            'm' => pcre.multiline = true,
            's' => pcre.dot_all = true,
            'x' => pcre.extended = true,
            'A' => pcre.anchored = true,
            'E' => pcre.dollar_end_only = true,
            'G' => pcre.ungreedy = true,
            'R' => pcre.relative = true,
            'O' => pcre.no_limits = true,
            'B' => pcre.rawbytes = true,
            ' ' => {}
            _ => match BUFFER_FLAGS.iter().find(|(known, _)| *known == flag) {
                None => return Err(Fault::at(here, format!("{flag:?} is no flag of pcre"))),
                Some(_) if buffer.is_some() => return Err(Fault::at(here, "two flags choose a buffer")),
                Some((_, chosen)) => buffer = Some(*chosen),
            },
        }
    }
    let mut captures: Vec<Capture> = parts.map(capture).collect::<Parsed<_>>()?;
    captures.extend(named_groups(expression));
    if captures.len() > MAX_CAPTURES {
        return Err(Fault::at(text, "more than 8 groups to keep"));
    }
    pcre.captures = captures.into();
    if pcre.rawbytes && (buffer.is_some() || builder.is_sticky()) {
        return Err(Fault::at(flags, "rawbytes has no meaning in a buffer of a protocol"));
    }
    match buffer {
        None => builder.inspect(Inspect::Pcre(pcre)),
        Some(buffer) => builder.inspect_in(buffer, Inspect::Pcre(pcre)),
    }
}

fn capture(text: &str) -> Parsed<Capture> {
    let bad = || Fault::at(text, "what a group is kept as is written pkt:name, flow:name or alert:name");
    let (scope, name) = text.trim().split_once(':').ok_or_else(bad)?;
    let scopes = [("pkt", Scope::Packet), ("flow", Scope::Flow), ("alert", Scope::Alert)];
    let (_, scope) = scopes.into_iter().find(|(known, _)| *known == scope.trim()).ok_or_else(bad)?;
    let name = name.trim();
    if name.is_empty() { Err(bad()) } else { Ok(Capture { scope, name: name.into() }) }
}

/// Groups of the form `(?P<flow_name>...)`, `(?P<pkt_name>...)` and `(?P<alert_name>...)`.
fn named_groups(expression: &str) -> impl Iterator<Item = Capture> {
    expression.split("(?P<").skip(1).filter_map(|rest| {
        let (name, _) = rest.split_once('>')?;
        let scopes = [("flow_", Scope::Flow), ("pkt_", Scope::Packet), ("alert_", Scope::Alert)];
        let mut of = scopes.into_iter().filter_map(|(prefix, scope)| Some((scope, name.strip_prefix(prefix)?)));
        of.next().map(|(scope, name)| Capture { scope, name: name.into() })
    })
}

pub(super) fn bsize(builder: &mut Builder, value: &str) -> Parsed<()> {
    if !builder.is_sticky() {
        return Err(Fault::here("no sticky buffer is set whose size this could be"));
    }
    builder.inspect(Inspect::Size(Comparison::parse(value, u64::MAX, &[])?))
}

/// `urilen:comparison[,norm|raw]`
pub(super) fn urilen(builder: &mut Builder, value: &str) -> Parsed<()> {
    let (comparison, buffer) = match value.rsplit_once(',') {
        None => (value, Buffer::HttpUri),
        Some((comparison, kind)) => {
            (comparison, super::one_of(kind, &[("norm", Buffer::HttpUri), ("raw", Buffer::HttpUriRaw)])?)
        }
    };
    let comparison = Comparison::parse(comparison, u64::from(u16::MAX), &[])?;
    builder.inspect_beside(buffer, Inspect::Size(comparison))
}

/// `isdataat:[!]bytes[,relative][,rawbytes]`
pub(super) fn isdataat(builder: &mut Builder, value: &str) -> Parsed<()> {
    let (negated, rest) = negation(value);
    let mut parts = rest.split(',').map(str::trim);
    let bytes = builder.value(parts.next().unwrap_or_default(), 0, 65535)?;
    let (mut relative, mut raw) = (false, false);
    for part in parts {
        match part {
            "relative" => relative = true,
            "rawbytes" => raw = true,
            _ => return Err(Fault::at(part, format!("{part:?} is neither relative nor rawbytes"))),
        }
    }
    builder.inspect(Inspect::IsDataAt(IsDataAt { negated, bytes, relative, rawbytes: raw }))
}

pub(super) fn absent(builder: &mut Builder, value: &str) -> Parsed<()> {
    let or_else = match value {
        "" => false,
        "or_else" => true,
        _ => return Err(Fault::at(value, "only or_else can be given")),
    };
    if !builder.is_sticky() {
        return Err(Fault::here("no sticky buffer is set that could be absent"));
    }
    builder.inspect(Inspect::Absent { or_else })
}

/// `base64_decode[:bytes n, offset n, relative]`
pub(super) fn base64_decode(builder: &mut Builder, value: &str) -> Parsed<()> {
    let (mut bytes, mut offset, mut relative) = (None, 0, false);
    for part in value.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        match first_word(part) {
            ("bytes", rest) => bytes = Some(bounded(rest, 1, u32::MAX)?),
            ("offset", rest) => offset = bounded(rest, 0, u32::MAX)?,
            ("relative", "") => relative = true,
            (word, _) => return Err(Fault::at(word, format!("{word:?} is none of bytes, offset, relative"))),
        }
    }
    builder.inspect(Inspect::Base64Decode { bytes, offset, relative })
}

/// Most settings of a data set.
const MAX_SETTINGS: usize = 32;

const DATASET_KINDS: [(&str, DatasetKind); 6] = [
    ("string", DatasetKind::String),
    ("md5", DatasetKind::Md5),
    ("sha256", DatasetKind::Sha256),
    ("ipv4", DatasetKind::Ipv4),
    ("ipv6", DatasetKind::Ip),
    ("ip", DatasetKind::Ip),
];

fn set_of(command: DatasetCommand, name: &str, parts: &mut dyn Iterator<Item = &str>) -> Parsed<Dataset> {
    let name = name.trim();
    if name.is_empty() || name.len() > 63 {
        return Err(Fault::at(name, "a set's name has 1 to 63 characters"));
    }
    let mut kind = None;
    let mut settings = Vec::new();
    for part in parts {
        let (key, value) = first_word(part);
        match key {
            "type" => kind = Some(super::one_of(value, &DATASET_KINDS)?),
            "load" | "save" | "state" | "memcap" | "hashsize" | "format" | "value_key" | "context_key"
            | "array_key" | "match" | "remove_key" | "enrichment_key" => settings.push((key.into(), value.into())),
            _ => return Err(Fault::at(part, format!("{key:?} is no setting of a set"))),
        }
        if settings.len() > MAX_SETTINGS {
            return Err(Fault::at(part, "more than 32 settings"));
        }
    }
    Ok(Dataset { command, name: name.into(), kind, settings: settings.into() })
}

/// `dataset:command,name[,type t][,load file]...`
pub(super) fn dataset(builder: &mut Builder, value: &str) -> Parsed<()> {
    let mut parts = value.split(',').map(str::trim);
    let commands = [
        ("set", DatasetCommand::Set),
        ("unset", DatasetCommand::Unset),
        ("isset", DatasetCommand::IsSet),
        ("isnotset", DatasetCommand::IsNotSet),
    ];
    let command = super::one_of(parts.next().unwrap_or_default(), &commands)?;
    let name = parts.next().ok_or_else(|| Fault::at(value, "the set's name is missing"))?;
    let set = set_of(command, name, &mut parts)?;
    if !builder.is_sticky() {
        return Err(Fault::here("no sticky buffer is set whose data could be in the set"));
    }
    builder.inspect(Inspect::Dataset(set))
}

/// `datarep:name, operator, value[, load file][, type t]`
pub(super) fn datarep(builder: &mut Builder, value: &str) -> Parsed<()> {
    let mut parts = value.split(',').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let (operator, number) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let bound = unsigned(number)?;
    let comparison = match operator {
        ">" => Comparison::Greater(bound),
        "<" => Comparison::Less(bound),
        "==" | "=" => Comparison::Equal(bound),
        _ => return Err(Fault::at(operator, "a reputation is compared with <, > or ==")),
    };
    if bound > u64::from(u16::MAX) {
        return Err(Fault::at(number, "a reputation is at most 65535"));
    }
    let set = set_of(DatasetCommand::IsSet, name, &mut parts)?;
    if !builder.is_sticky() {
        return Err(Fault::here("no sticky buffer is set whose data could have a reputation"));
    }
    builder.inspect(Inspect::Datarep(set, comparison))
}

/// `entropy:[bytes n, offset n,] value comparison`; the comparison is of bits a byte, with up to three decimals.
pub(super) fn entropy(builder: &mut Builder, value: &str) -> Parsed<()> {
    let (mut bytes, mut offset, mut comparison) = (None, 0, None);
    for part in value.split(',').map(str::trim) {
        match first_word(part) {
            ("bytes", rest) => bytes = Some(bounded(rest, 0, u32::MAX)?).filter(|bytes| *bytes > 0),
            ("offset", rest) => offset = bounded(rest, 0, u32::MAX)?,
            ("value", rest) => comparison = Some(thousandths(rest)?),
            (_, _) => comparison = Some(thousandths(part)?),
        }
    }
    let value = comparison.ok_or_else(|| Fault::at(value, "what the entropy is compared with is missing"))?;
    if !builder.is_sticky() {
        return Err(Fault::here("no sticky buffer is set whose entropy this could be"));
    }
    builder.inspect(Inspect::Entropy { bytes, offset, value })
}

fn thousandths(text: &str) -> Parsed<Comparison> {
    let digits = text.trim_start_matches(|char: char| !char.is_ascii_digit());
    let operator = text.strip_suffix(digits).unwrap_or_default().trim();
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let bad = || Fault::at(text, "entropy is compared with a number of 0 to 8 and up to three decimals");
    if part.len() > 3 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(bad());
    }
    let part: u64 = format!("{part:0<3}").parse().map_err(|_| bad())?;
    let number = u64::from(bounded(whole, 0, 8)?) * 1000 + part;
    match operator {
        "" | "=" | "==" => Ok(Comparison::Equal(number)),
        "!" | "!=" => Ok(Comparison::NotEqual(number)),
        "<" => Ok(Comparison::Less(number)),
        "<=" => Ok(Comparison::LessOrEqual(number)),
        ">" => Ok(Comparison::Greater(number)),
        ">=" => Ok(Comparison::GreaterOrEqual(number)),
        _ => Err(bad()),
    }
}
