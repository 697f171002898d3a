//! PCRE's syntax read into a tree over bytes, as the pcre2pattern page describes it for a pattern without UTF.

use super::class::Escape;
use super::set::{Set, is_space, is_word};

/// Most groups in each other, and of all.
const MAX_DEPTH: usize = 64;
const MAX_GROUPS: u32 = 256;
/// Most repetitions, as in PCRE.
const MAX_REPEAT: u32 = 65_535;

/// What the flags behind an expression say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flags {
    pub(super) caseless: bool,
    pub(super) multiline: bool,
    pub(super) dot_all: bool,
    pub(super) extended: bool,
    pub(super) anchored: bool,
    pub(super) dollar_end_only: bool,
    pub(super) ungreedy: bool,
}

/// A whole expression.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    pub(super) root: Node,
    /// How many groups it has.
    pub(super) groups: u32,
    /// It matches only where the search begins.
    pub(super) anchored: bool,
}

impl Tree {
    /// What never matches.
    pub(super) fn nothing() -> Tree {
        Tree { root: Node::Class(Set::default()), groups: 0, anchored: true }
    }
}

/// Part of an expression.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// One byte of these.
    Class(Set),
    /// One behind the other.
    Concat(Vec<Node>),
    /// The first that lets the rest match.
    Alternatives(Vec<Node>),
    /// So often.
    Repeat(Box<Node>, u32, Option<u32>, Greed),
    /// A group that is counted.
    Group(u32, Box<Node>),
    /// Once it has matched it is not tried again.
    Atomic(Box<Node>),
    /// What follows matches it, or must not.
    Ahead(Box<Node>, bool),
    /// What comes before matches it, or must not.
    Behind(Box<Node>, bool),
    /// What a group has matched; letters' case counts or not.
    Same(u32, bool),
    /// A place.
    At(Place),
}

/// Places in the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The start.
    Start,
    /// Behind a newline that is not the last byte, or the start.
    LineStart,
    /// The end, or before a newline at the end.
    EndOrNewline,
    /// The end.
    End,
    /// Before a newline, or the end.
    LineEnd,
    /// Where a word begins or ends.
    WordEdge,
    /// Where none does.
    NoWordEdge,
    /// Where the search began.
    SearchStart,
}

/// In which order numbers of repetitions are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Greed {
    /// The most first.
    Greedy,
    /// The fewest first.
    Lazy,
    /// The most, and no other.
    Possessive,
}

/// Reads an expression.
pub(super) fn parse(pattern: &str, flags: Flags) -> Result<Tree, String> {
    let total = count_groups(pattern.as_bytes());
    let mut reader = Reader {
        text: pattern.as_bytes(),
        at: 0,
        groups: 0,
        total,
        names: Vec::new(),
        later: Vec::new(),
        dollar_end_only: flags.dollar_end_only,
        depth: 0,
    };
    let root = reader.alternatives(flags)?;
    if reader.at < reader.text.len() {
        return Err("a parenthesis is closed that was not opened".into());
    }
    if let Some(group) = reader.later.iter().find(|group| **group > reader.groups) {
        return Err(format!("there is no group {group}"));
    }
    Ok(Tree { root, groups: reader.groups, anchored: flags.anchored })
}

/// How many groups there are, about: what decides between a back reference of two digits and an octal number.
fn count_groups(text: &[u8]) -> u32 {
    let mut count = 0;
    let mut at = 0;
    let mut class = false;
    while let Some(byte) = text.get(at) {
        match byte {
            b'\\' => at += 1,
            b'[' if !class => {
                class = true;
                at += usize::from(text.get(at + 1) == Some(&b'^'));
                at += usize::from(text.get(at + 1) == Some(&b']'));
            }
            b']' => class = false,
            b'(' if !class => {
                let named = matches!(text.get(at + 1..at + 4), Some([b'?', b'P', b'<'] | [b'?', b'\'', _]))
                    || matches!(text.get(at + 1..at + 4), Some([b'?', b'<', next]) if !matches!(next, b'=' | b'!'));
                count += u32::from(text.get(at + 1) != Some(&b'?') || named);
            }
            _ => {}
        }
        at += 1;
    }
    count
}

pub(super) struct Reader<'a> {
    pub(super) text: &'a [u8],
    pub(super) at: usize,
    groups: u32,
    total: u32,
    names: Vec<(&'a [u8], u32)>,
    /// Groups that were referred to.
    later: Vec<u32>,
    dollar_end_only: bool,
    depth: usize,
}

pub(super) type Read<T> = Result<T, String>;

impl<'a> Reader<'a> {
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    pub(super) fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    pub(super) fn take(&mut self, text: &[u8]) -> bool {
        let there = self.text.get(self.at..).is_some_and(|rest| rest.starts_with(text));
        self.at += if there { text.len() } else { 0 };
        there
    }

    /// Up to a closing parenthesis or the end.
    fn alternatives(&mut self, mut flags: Flags) -> Read<Node> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("more than 64 groups in each other".into());
        }
        let mut all = Vec::new();
        loop {
            all.push(self.sequence(&mut flags)?);
            if !self.take(b"|") {
                break;
            }
        }
        self.depth -= 1;
        Ok(match all.pop() {
            Some(only) if all.is_empty() => only,
            last => {
                all.extend(last);
                Node::Alternatives(all)
            }
        })
    }

    fn sequence(&mut self, flags: &mut Flags) -> Read<Node> {
        let mut all: Vec<Node> = Vec::new();
        while let Some(byte) = self.peek() {
            if matches!(byte, b'|' | b')') {
                break;
            }
            if flags.extended {
                if is_space(byte) {
                    self.at += 1;
                    continue;
                }
                if byte == b'#' {
                    while self.next().is_some_and(|byte| byte != b'\n') {}
                    continue;
                }
            }
            if self.take(b"(?#") {
                while self.next().ok_or("a comment is not closed")? != b')' {}
                continue;
            }
            if self.take(b"\\Q") {
                self.quoted(&mut all, flags)?;
                continue;
            }
            if self.take(b"\\E") {
                continue;
            }
            let Some(atom) = self.atom(flags)? else { continue };
            let atom = self.repeated(atom, flags)?;
            all.push(atom);
        }
        Ok(match all.pop() {
            Some(only) if all.is_empty() => only,
            last => {
                all.extend(last);
                Node::Concat(all)
            }
        })
    }

    /// Up to `\E`; what follows that may repeat the last byte.
    fn quoted(&mut self, all: &mut Vec<Node>, flags: &Flags) -> Read<()> {
        let start = all.len();
        while !self.take(b"\\E") {
            let Some(byte) = self.next() else { return Ok(()) };
            all.push(literal(byte, flags));
        }
        if all.len() > start
            && let Some(last) = all.pop()
        {
            let last = self.repeated(last, flags)?;
            all.push(last);
        }
        Ok(())
    }

    /// The repetitions behind an atom.
    fn repeated(&mut self, mut node: Node, flags: &Flags) -> Read<Node> {
        loop {
            while flags.extended && self.peek().is_some_and(is_space) {
                self.at += 1;
            }
            let (least, most) = if self.take(b"*") {
                (0, None)
            } else if self.take(b"+") {
                (1, None)
            } else if self.take(b"?") {
                (0, Some(1))
            } else if self.peek() == Some(b'{')
                && let Some(counts) = self.counts()?
            {
                counts
            } else {
                return Ok(node);
            };
            let greed = if self.take(b"+") {
                Greed::Possessive
            } else if self.take(b"?") != flags.ungreedy {
                Greed::Lazy
            } else {
                Greed::Greedy
            };
            node = Node::Repeat(Box::new(node), least, most, greed);
        }
    }

    /// `{n}`, `{n,}`, `{n,m}`, `{,m}`; anything else in braces stands for itself.
    fn counts(&mut self) -> Read<Option<(u32, Option<u32>)>> {
        let Some(rest) = self.text.get(self.at + 1..) else { return Ok(None) };
        let Some(end) = rest.iter().position(|byte| *byte == b'}') else { return Ok(None) };
        let inside = rest.get(..end).unwrap_or_default();
        let mut parts = inside.splitn(2, |byte| *byte == b',');
        let number = |part: &[u8]| -> Option<u32> {
            if part.is_empty() || !part.iter().all(u8::is_ascii_digit) {
                return None;
            }
            Some(
                part.iter()
                    .fold(0_u32, |number, digit| number.saturating_mul(10).saturating_add(u32::from(digit - b'0'))),
            )
        };
        // `{,n}` is a repetition since PCRE2 10.43, and what those who write it mean.
        let least = match parts.next() {
            Some([]) if inside.len() > 1 => 0,
            Some(part) => match number(part) {
                Some(least) => least,
                None => return Ok(None),
            },
            None => return Ok(None),
        };
        let most = match parts.next() {
            None => Some(least),
            Some([]) => None,
            Some(part) => match number(part) {
                None => return Ok(None),
                most => most,
            },
        };
        if least > MAX_REPEAT || most.is_some_and(|most| most > MAX_REPEAT) {
            return Err("more than 65535 repetitions".into());
        }
        if most.is_some_and(|most| most < least) {
            return Err("a repetition's numbers are the wrong way round".into());
        }
        self.at += end + 2;
        Ok(Some((least, most)))
    }

    /// What can be repeated; `None` for a setting of flags.
    fn atom(&mut self, flags: &mut Flags) -> Read<Option<Node>> {
        let Some(byte) = self.next() else { return Ok(None) };
        Ok(Some(match byte {
            b'(' => return self.group(flags),
            b'[' => Node::Class(self.class(flags)?),
            b'.' if flags.dot_all => Node::Class(Set::ALL),
            b'.' => Node::Class(Set::of([b'\n']).inverted()),
            b'^' if flags.multiline => Node::At(Place::LineStart),
            b'^' => Node::At(Place::Start),
            b'$' if flags.multiline => Node::At(Place::LineEnd),
            b'$' if self.dollar_end_only => Node::At(Place::End),
            b'$' => Node::At(Place::EndOrNewline),
            b'*' | b'+' | b'?' => return Err(format!("{} repeats nothing", char::from(byte))),
            b'\\' => self.escape(flags)?,
            _ => literal(byte, flags),
        }))
    }

    fn group(&mut self, flags: &mut Flags) -> Read<Option<Node>> {
        if self.peek() == Some(b'*') {
            return Err("verbs in (*...) are not supported".into());
        }
        if !self.take(b"?") {
            let number = self.open()?;
            let inner = self.closed_group(*flags)?;
            return Ok(Some(Node::Group(number, Box::new(inner))));
        }
        let node = if self.take(b":") {
            self.closed_group(*flags)?
        } else if self.take(b"=") {
            Node::Ahead(Box::new(self.closed_group(*flags)?), false)
        } else if self.take(b"!") {
            Node::Ahead(Box::new(self.closed_group(*flags)?), true)
        } else if self.take(b"<=") {
            self.behind(*flags, false)?
        } else if self.take(b"<!") {
            self.behind(*flags, true)?
        } else if self.take(b">") {
            Node::Atomic(Box::new(self.closed_group(*flags)?))
        } else if self.take(b"P=") {
            let name = self.until(b')')?;
            self.named(name, flags)?
        } else if self.take(b"P<") || self.take(b"<") {
            let name = self.until(b'>')?;
            self.named_group(name, *flags)?
        } else if self.take(b"'") {
            let name = self.until(b'\'')?;
            self.named_group(name, *flags)?
        } else if self.peek() == Some(b'(') {
            self.conditional(*flags)?
        } else {
            return self.settings(flags);
        };
        Ok(Some(node))
    }

    /// `(?(?=condition)yes|no)`: yes where the condition holds, else no.
    fn conditional(&mut self, flags: Flags) -> Read<Node> {
        let conditions = [&b"(?="[..], b"(?!", b"(?<=", b"(?<!"];
        let rest = self.text.get(self.at..).unwrap_or_default();
        if !conditions.iter().any(|condition| rest.starts_with(condition)) {
            return Err("conditions other than looking around are not supported".into());
        }
        self.at += 1;
        let condition = self.group(&mut flags.clone())?;
        let inverted = match &condition {
            Some(Node::Ahead(inner, negated)) => Node::Ahead(inner.clone(), !negated),
            Some(Node::Behind(inner, negated)) => Node::Behind(inner.clone(), !negated),
            _ => return Err("a condition has to look around".into()),
        };
        let branches = self.closed_group(flags)?;
        let ways = if let Node::Alternatives(ways) = branches { ways } else { vec![branches] };
        let mut ways = ways.into_iter();
        let (yes, no) = (ways.next(), ways.next());
        if ways.next().is_some() {
            return Err("a condition has more than two branches".into());
        }
        Ok(Node::Alternatives(vec![
            Node::Concat(condition.into_iter().chain(yes).collect()),
            Node::Concat(std::iter::once(inverted).chain(no).collect()),
        ]))
    }

    fn open(&mut self) -> Read<u32> {
        self.groups += 1;
        if self.groups > MAX_GROUPS { Err("more than 256 groups".into()) } else { Ok(self.groups) }
    }

    fn closed_group(&mut self, flags: Flags) -> Read<Node> {
        let inner = self.alternatives(flags)?;
        if self.take(b")") { Ok(inner) } else { Err("a parenthesis is not closed".into()) }
    }

    fn behind(&mut self, flags: Flags, negated: bool) -> Read<Node> {
        let inner = self.closed_group(flags)?;
        let ways: &[Node] = if let Node::Alternatives(ways) = &inner { ways } else { std::slice::from_ref(&inner) };
        if ways.iter().any(|way| length(way).is_none()) {
            return Err("what is looked for backwards has to be of fixed length".into());
        }
        Ok(Node::Behind(Box::new(inner), negated))
    }

    fn named_group(&mut self, name: &'a [u8], flags: Flags) -> Read<Node> {
        let number = self.open()?;
        self.names.push((name, number));
        let inner = self.closed_group(flags)?;
        Ok(Node::Group(number, Box::new(inner)))
    }

    fn named(&mut self, name: &[u8], flags: &Flags) -> Read<Node> {
        let number = self.names.iter().find(|(known, _)| *known == name).map(|(_, number)| *number);
        number.map(|number| Node::Same(number, flags.caseless)).ok_or_else(|| "there is no group of that name".into())
    }

    pub(super) fn until(&mut self, end: u8) -> Read<&'a [u8]> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let len = rest.iter().position(|byte| *byte == end).ok_or("a name is not closed")?;
        let name = rest.get(..len).unwrap_or_default();
        if name.is_empty() || !name.iter().all(|byte| is_word(*byte)) {
            return Err("a name has to be of letters, digits and _".into());
        }
        self.at += len + 1;
        Ok(name)
    }

    /// `(?i)`, `(?-i:...)`
    fn settings(&mut self, flags: &mut Flags) -> Read<Option<Node>> {
        let mut set = *flags;
        let mut on = true;
        loop {
            match self.next() {
                Some(b'-') => on = false,
                Some(b'i') => set.caseless = on,
                Some(b'm') => set.multiline = on,
                Some(b's') => set.dot_all = on,
                Some(b'x') => set.extended = on,
                Some(b'U') => set.ungreedy = on,
                Some(b'J') => {}
                Some(b')') => {
                    *flags = set;
                    return Ok(None);
                }
                Some(b':') => return self.closed_group(set).map(Some),
                Some(byte) => return Err(format!("(?{} is not supported", char::from(byte))),
                None => return Err("a parenthesis is not closed".into()),
            }
        }
    }

    fn escape(&mut self, flags: &Flags) -> Read<Node> {
        let Some(byte) = self.next() else { return Err("nothing follows the last backslash".into()) };
        Ok(match byte {
            b'b' => Node::At(Place::WordEdge),
            b'B' => Node::At(Place::NoWordEdge),
            b'A' => Node::At(Place::Start),
            b'Z' => Node::At(Place::EndOrNewline),
            b'z' => Node::At(Place::End),
            b'G' => Node::At(Place::SearchStart),
            b'C' => Node::Class(Set::ALL),
            b'N' if self.peek() != Some(b'{') => Node::Class(Set::of([b'\n']).inverted()),
            b'R' => {
                let pair = Node::Concat([b'\r', b'\n'].map(|byte| Node::Class(Set::of([byte]))).into());
                let one = Node::Class(Set::of((b'\n'..=b'\r').chain([0x85])));
                Node::Atomic(Box::new(Node::Alternatives(vec![pair, one])))
            }
            b'k' => {
                let end = match self.next() {
                    Some(b'{') => b'}',
                    Some(b'<') => b'>',
                    Some(b'\'') => b'\'',
                    _ => return Err("\\k needs a name".into()),
                };
                let name = self.until(end)?;
                self.named(name, flags)?
            }
            b'g' => self.reference(flags)?,
            b'1'..=b'9' => match self.decimal(byte)? {
                Some(group) => self.same(group, flags)?,
                None => literal(self.octal(byte), flags),
            },
            _ => match self.class_escape(byte)? {
                Escape::Byte(byte) => literal(byte, flags),
                Escape::Set(set) => Node::Class(set),
            },
        })
    }

    fn same(&mut self, group: u32, flags: &Flags) -> Read<Node> {
        self.later.push(group);
        Ok(Node::Same(group, flags.caseless))
    }

    /// `\g1`, `\g{1}`, `\g{-1}`, `\g{name}`
    fn reference(&mut self, flags: &Flags) -> Read<Node> {
        let braces = self.take(b"{");
        let back = self.take(b"-");
        let start = self.at;
        while self.peek().is_some_and(|byte| if braces { is_word(byte) } else { byte.is_ascii_digit() }) {
            self.at += 1;
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        if braces && !self.take(b"}") || text.is_empty() {
            return Err("\\g needs a group".into());
        }
        let Some(number) = std::str::from_utf8(text).ok().and_then(|text| text.parse::<u32>().ok()) else {
            return self.named(text, flags);
        };
        let number = if back { (self.groups + 1).checked_sub(number) } else { Some(number) };
        match number {
            Some(number) if number > 0 => self.same(number, flags),
            _ => Err("there is no such group".into()),
        }
    }

    /// The group of a back reference; `None` where the digits are an octal number.
    fn decimal(&mut self, first: u8) -> Read<Option<u32>> {
        let start = self.at;
        let mut number = u32::from(first - b'0');
        while let Some(digit) = self.peek().filter(u8::is_ascii_digit) {
            number = number.saturating_mul(10).saturating_add(u32::from(digit - b'0'));
            self.at += 1;
        }
        if number < 10 || number <= self.total {
            return Ok(Some(number));
        }
        self.at = start;
        if first >= b'8' { Err(format!("there is no group {number}")) } else { Ok(None) }
    }

    /// Up to three octal digits, of which the first was read.
    pub(super) fn octal(&mut self, first: u8) -> u8 {
        let mut number = u32::from(first - b'0');
        for _ in 0..2 {
            let Some(digit @ b'0'..=b'7') = self.peek() else { break };
            number = number * 8 + u32::from(digit - b'0');
            self.at += 1;
        }
        u8::try_from(number & 0xff).unwrap_or(0)
    }
}

fn literal(byte: u8, flags: &Flags) -> Node {
    let set = Set::of([byte]);
    Node::Class(if flags.caseless { set.caseless() } else { set })
}

/// How many bytes it matches, if that is always the same.
pub(super) fn length(node: &Node) -> Option<usize> {
    match node {
        Node::Class(_) => Some(1),
        Node::Concat(all) => all.iter().try_fold(0_usize, |sum, node| sum.checked_add(length(node)?)),
        Node::Alternatives(all) => {
            let mut lengths = all.iter().map(length);
            let first = lengths.next()??;
            lengths.all(|length| length == Some(first)).then_some(first)
        }
        Node::Repeat(node, least, most, _) if Some(*least) == *most => length(node)?.checked_mul(*least as usize),
        Node::Group(_, node) | Node::Atomic(node) => length(node),
        Node::Ahead(..) | Node::Behind(..) | Node::At(_) => Some(0),
        Node::Repeat(..) | Node::Same(..) => None,
    }
}
