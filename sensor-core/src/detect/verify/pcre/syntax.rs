//! PCRE's syntax read into a tree over bytes, as the pcre2pattern page describes it for a pattern without UTF.

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

/// A set of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Set([u64; 4]);

impl Set {
    pub(super) const ALL: Set = Set([u64::MAX; 4]);

    pub(super) fn of(bytes: impl IntoIterator<Item = u8>) -> Set {
        let mut set = Set::default();
        bytes.into_iter().for_each(|byte| set.add(byte));
        set
    }

    fn with(test: impl Fn(&u8) -> bool) -> Set {
        Set::of((0..=255).filter(test))
    }

    pub(super) fn add(&mut self, byte: u8) {
        if let Some(word) = self.0.get_mut(usize::from(byte >> 6)) {
            *word |= 1 << (byte & 63);
        }
    }

    pub(super) fn has(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte >> 6)).is_some_and(|word| word >> (byte & 63) & 1 != 0)
    }

    pub(super) fn join(self, other: Set) -> Set {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        Set([a | e, b | f, c | g, d | h])
    }

    fn inverted(self) -> Set {
        Set(self.0.map(|word| !word))
    }

    fn caseless(self) -> Set {
        let other = |byte: &u8| self.has(byte.to_ascii_lowercase()) || self.has(byte.to_ascii_uppercase());
        Set::with(|byte| self.has(*byte) || byte.is_ascii_alphabetic() && other(byte))
    }

    /// From, to: both in.
    pub(super) fn ranges(&self) -> Vec<(u8, u8)> {
        let mut ranges: Vec<(u8, u8)> = Vec::new();
        for byte in (0..=255).filter(|byte| self.has(*byte)) {
            match ranges.last_mut() {
                Some((_, last)) if last.checked_add(1) == Some(byte) => *last = byte,
                _ => ranges.push((byte, byte)),
            }
        }
        ranges
    }
}

pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
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

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    groups: u32,
    total: u32,
    names: Vec<(&'a [u8], u32)>,
    /// Groups that were referred to.
    later: Vec<u32>,
    dollar_end_only: bool,
    depth: usize,
}

type Read<T> = Result<T, String>;

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn take(&mut self, text: &[u8]) -> bool {
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

    fn until(&mut self, end: u8) -> Read<&'a [u8]> {
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
    fn octal(&mut self, first: u8) -> u8 {
        let mut number = u32::from(first - b'0');
        for _ in 0..2 {
            let Some(digit @ b'0'..=b'7') = self.peek() else { break };
            number = number * 8 + u32::from(digit - b'0');
            self.at += 1;
        }
        u8::try_from(number & 0xff).unwrap_or(0)
    }

    /// What means the same within brackets and without.
    fn class_escape(&mut self, byte: u8) -> Read<Escape> {
        let set = |test: fn(u8) -> bool, inverted: bool| Escape::Set(Set::with(|byte| test(*byte) != inverted));
        Ok(match byte {
            b'd' => set(|byte| byte.is_ascii_digit(), false),
            b'D' => set(|byte| byte.is_ascii_digit(), true),
            b's' => set(is_space, false),
            b'S' => set(is_space, true),
            b'w' => set(is_word, false),
            b'W' => set(is_word, true),
            b'h' => set(|byte| matches!(byte, b'\t' | b' ' | 0xa0), false),
            b'H' => set(|byte| matches!(byte, b'\t' | b' ' | 0xa0), true),
            b'v' => set(|byte| matches!(byte, b'\n'..=b'\r' | 0x85), false),
            b'V' => set(|byte| matches!(byte, b'\n'..=b'\r' | 0x85), true),
            b'a' => Escape::Byte(7),
            b'e' => Escape::Byte(27),
            b'f' => Escape::Byte(12),
            b'n' => Escape::Byte(b'\n'),
            b'r' => Escape::Byte(b'\r'),
            b't' => Escape::Byte(b'\t'),
            b'0' => Escape::Byte(self.octal(b'0')),
            b'c' => match self.next() {
                Some(byte @ b' '..=b'~') => Escape::Byte(byte.to_ascii_uppercase() ^ 0x40),
                _ => return Err("\\c needs a character".into()),
            },
            b'x' => Escape::Byte(self.hexadecimal()?),
            b'o' => {
                let text = if self.take(b"{") { self.until(b'}')? } else { b"" };
                let number = std::str::from_utf8(text).ok().and_then(|text| u8::from_str_radix(text, 8).ok());
                Escape::Byte(number.ok_or("\\o{} needs a number up to 377")?)
            }
            _ if byte.is_ascii_alphanumeric() => return Err(format!("\\{} is not supported", char::from(byte))),
            _ => Escape::Byte(byte),
        })
    }

    fn hexadecimal(&mut self) -> Read<u8> {
        if self.take(b"{") {
            let text = self.until(b'}')?;
            let number = std::str::from_utf8(text).ok().and_then(|text| u32::from_str_radix(text, 16).ok());
            return number.and_then(|number| u8::try_from(number).ok()).ok_or_else(|| "\\x{} is past a byte".into());
        }
        let mut number = 0;
        for _ in 0..2 {
            let Some(digit) = self.peek().and_then(|byte| char::from(byte).to_digit(16)) else { break };
            number = number * 16 + digit;
            self.at += 1;
        }
        Ok(u8::try_from(number).unwrap_or(0))
    }

    /// Behind the opening bracket.
    fn class(&mut self, flags: &Flags) -> Read<Set> {
        let negated = self.take(b"^");
        let mut set = Set::default();
        let mut first = true;
        let mut quoted = false;
        loop {
            if self.take(b"\\E") {
                quoted = false;
                continue;
            }
            if !quoted && self.take(b"\\Q") {
                quoted = true;
                continue;
            }
            let byte = self.next().ok_or("a bracket is not closed")?;
            if byte == b']' && !first && !quoted {
                break;
            }
            first = false;
            let low = if quoted { Escape::Byte(byte) } else { self.class_item(byte)? };
            let low = match low {
                Escape::Set(some) => {
                    set = set.join(some);
                    continue;
                }
                Escape::Byte(low) => low,
            };
            // A hyphen is a range unless it stands last, or before a set.
            let rest = self.text.get(self.at..).unwrap_or_default();
            if quoted || !matches!(rest, [b'-', next, ..] if *next != b']') {
                set.add(low);
                continue;
            }
            self.at += 1;
            let byte = self.next().ok_or("a bracket is not closed")?;
            match self.class_item(byte)? {
                Escape::Set(some) => {
                    set.add(low);
                    set.add(b'-');
                    set = set.join(some);
                }
                Escape::Byte(high) if high < low => return Err("a range's ends are the wrong way round".into()),
                Escape::Byte(high) => set = set.join(Set::of(low..=high)),
            }
        }
        let set = if flags.caseless { set.caseless() } else { set };
        Ok(if negated { set.inverted() } else { set })
    }

    fn class_item(&mut self, byte: u8) -> Read<Escape> {
        match byte {
            b'[' => Ok(self.posix()?.map_or(Escape::Byte(b'['), Escape::Set)),
            b'\\' => match self.next().ok_or("a bracket is not closed")? {
                b'b' => Ok(Escape::Byte(8)),
                digit @ b'1'..=b'7' => Ok(Escape::Byte(self.octal(digit))),
                byte => self.class_escape(byte),
            },
            _ => Ok(Escape::Byte(byte)),
        }
    }

    /// `[:alpha:]`, behind its bracket.
    fn posix(&mut self) -> Read<Option<Set>> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let Some(name) = rest.strip_prefix(b":") else { return Ok(None) };
        let Some(end) = name.windows(2).position(|pair| pair == b":]") else { return Ok(None) };
        let name = name.get(..end).unwrap_or_default();
        let (negated, word) = match name.strip_prefix(b"^") {
            Some(word) => (true, word),
            None => (false, name),
        };
        let test: fn(u8) -> bool = match word {
            b"alpha" => |byte| byte.is_ascii_alphabetic(),
            b"digit" => |byte| byte.is_ascii_digit(),
            b"alnum" => |byte| byte.is_ascii_alphanumeric(),
            b"upper" => |byte| byte.is_ascii_uppercase(),
            b"lower" => |byte| byte.is_ascii_lowercase(),
            b"space" => is_space,
            b"blank" => |byte| matches!(byte, b' ' | b'\t'),
            b"punct" => |byte| byte.is_ascii_punctuation(),
            b"print" => |byte| byte.is_ascii_graphic() || byte == b' ',
            b"graph" => |byte| byte.is_ascii_graphic(),
            b"cntrl" => |byte| byte.is_ascii_control(),
            b"xdigit" => |byte| byte.is_ascii_hexdigit(),
            b"word" => is_word,
            b"ascii" => |byte| byte.is_ascii(),
            word if word.iter().all(u8::is_ascii_lowercase) => return Err("an unknown class of characters".into()),
            _ => return Ok(None),
        };
        self.at += end + 3;
        Ok(Some(Set::with(|byte| test(*byte) != negated)))
    }
}

enum Escape {
    Byte(u8),
    Set(Set),
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
