//! Cuts a stream into messages whose beginning tells their length.

/// What the beginning of a message tells of its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    /// So many bytes are needed to tell; there are fewer.
    Needs(usize),
    /// All of it, with what was looked at.
    Is(usize),
    /// No message begins so.
    Bad,
}

/// A message or a part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// A whole message.
    Whole(&'a [u8]),
    /// The beginning of one that is too long to be kept, and how many bytes follow.
    Head(&'a [u8], usize),
    /// What follows that beginning, and how many bytes still do.
    Rest(&'a [u8], usize),
    /// Bytes of what follows were not captured, and how many still come.
    Missing(usize, usize),
}

/// How the messages of a protocol are told.
#[derive(Clone, Copy)]
pub(super) struct Rules {
    /// How long the message is that begins here.
    pub length: fn(&[u8]) -> Length,
    /// Bytes of a message that are kept until it is whole; a longer one comes in pieces.
    pub most: usize,
    /// Whether a message seems to begin here: asked after a gap. Given at least `begins_in` bytes.
    pub begins: fn(&[u8]) -> bool,
    /// See `begins`.
    pub begins_in: usize,
}

/// One direction of a stream.
#[derive(Debug, Default)]
pub(super) struct Framing {
    /// A message that is not whole, at most [`Rules::most`].
    open: Vec<u8>,
    /// Bytes to come of a message that comes in pieces.
    left: usize,
    /// Where a message begins is not known.
    lost: bool,
}

impl Framing {
    /// Bytes on the heap.
    pub(super) fn bytes(&self) -> usize {
        self.open.capacity()
    }

    /// Takes the stream's next bytes, handing over pieces until `take` says no. False if it did, or if what came is no
    /// message.
    pub(super) fn feed(&mut self, bytes: &[u8], rules: &Rules, take: &mut dyn FnMut(Piece<'_>) -> bool) -> bool {
        let joined;
        let mut bytes = bytes;
        if self.lost {
            self.open.extend_from_slice(bytes);
            let ends = self.open.len().saturating_sub(rules.begins_in.saturating_sub(1));
            match (0..ends).find(|at| self.open.get(*at..).is_some_and(rules.begins)) {
                Some(at) => {
                    joined = std::mem::take(&mut self.open);
                    bytes = joined.get(at..).unwrap_or_default();
                    self.lost = false;
                }
                None => {
                    self.open.drain(..ends);
                    return true;
                }
            }
        }
        while !bytes.is_empty() {
            if self.left > 0 {
                let (part, rest) = bytes.split_at(self.left.min(bytes.len()));
                self.left -= part.len();
                bytes = rest;
                if !take(Piece::Rest(part, self.left)) {
                    return false;
                }
            } else if self.open.is_empty() {
                match (rules.length)(bytes) {
                    Length::Is(length) if length <= rules.most && length <= bytes.len() => {
                        let (message, rest) = bytes.split_at(length);
                        bytes = rest;
                        // A message of no bytes would be read for ever.
                        if length == 0 || !take(Piece::Whole(message)) {
                            return false;
                        }
                    }
                    Length::Bad => return false,
                    Length::Is(_) | Length::Needs(_) => {
                        let (part, rest) = bytes.split_at(bytes.len().min(rules.most));
                        self.open.extend_from_slice(part);
                        bytes = rest;
                        if !self.turn(rules, take) {
                            return false;
                        }
                    }
                }
            } else {
                let wanted = match (rules.length)(&self.open) {
                    Length::Needs(wanted) | Length::Is(wanted) => wanted.min(rules.most),
                    Length::Bad => return false,
                };
                let room = wanted.saturating_sub(self.open.len()).max(1);
                let (part, rest) = bytes.split_at(room.min(bytes.len()));
                self.open.extend_from_slice(part);
                bytes = rest;
                if !self.turn(rules, take) {
                    return false;
                }
            }
        }
        true
    }

    /// Bytes of the stream are missing. Hands over a piece if they are of a message that comes in pieces.
    pub(super) fn gap(&mut self, len: u64, take: &mut dyn FnMut(Piece<'_>) -> bool) {
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let inside = self.left.min(len);
        if inside > 0 {
            self.left -= inside;
            take(Piece::Missing(inside, self.left));
        }
        if len > inside {
            self.open = Vec::new();
            self.lost = true;
        }
    }

    /// Looks whether what is open is a message.
    fn turn(&mut self, rules: &Rules, take: &mut dyn FnMut(Piece<'_>) -> bool) -> bool {
        let length = match (rules.length)(&self.open) {
            Length::Is(length) => length,
            Length::Needs(wanted) => return wanted > self.open.len() && wanted <= rules.most,
            Length::Bad => return false,
        };
        if length <= self.open.len() {
            let open = std::mem::take(&mut self.open);
            // Never more was taken than the length asked for.
            return !open.is_empty() && take(Piece::Whole(&open));
        }
        if self.open.len() >= rules.most {
            let open = std::mem::take(&mut self.open);
            self.left = length - open.len();
            return take(Piece::Head(&open, self.left));
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two bytes of length, behind it that many bytes.
    const RULES: Rules = Rules {
        length: |bytes| match bytes {
            [0xff, ..] => Length::Bad,
            [high, low, ..] => Length::Is(2 + usize::from(*high) * 256 + usize::from(*low)),
            _ => Length::Needs(2),
        },
        most: 8,
        begins: |bytes| bytes.starts_with(&[0, 3, b'm']),
        begins_in: 3,
    };

    fn told(pieces: &[&[u8]], gap: Option<(usize, u64)>) -> (Vec<String>, bool) {
        let mut framing = Framing::default();
        let (mut out, mut fine) = (Vec::new(), true);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes.get(2..).unwrap_or_default()).into_owned();
        let mut take = |piece: Piece<'_>| {
            match piece {
                Piece::Whole(message) => out.push(text(message)),
                Piece::Head(head, left) => out.push(format!("{}+{left}", text(head))),
                Piece::Rest(part, left) => out.push(format!("..{}+{left}", String::from_utf8_lossy(part))),
                Piece::Missing(missing, left) => out.push(format!("-{missing}+{left}")),
            }
            true
        };
        for (place, piece) in pieces.iter().enumerate() {
            if let Some((_, len)) = gap.filter(|(at, _)| *at == place) {
                framing.gap(len, &mut take);
            }
            fine &= framing.feed(piece, &RULES, &mut take);
            assert!(framing.bytes() <= 64);
        }
        (out, fine)
    }

    #[test]
    fn messages_are_the_same_in_any_pieces() {
        let stream = b"\0\x03one\0\x00\0\x06longer\0\x01x";
        let whole = told(&[stream], None);
        assert_eq!(whole, (["one", "", "longer", "x"].map(String::from).to_vec(), true));
        for size in 1..stream.len() {
            assert_eq!(told(&stream.chunks(size).collect::<Vec<_>>(), None), whole, "{size}");
        }
    }

    #[test]
    fn a_long_message_comes_in_pieces() {
        let (out, _) = told(&[b"\0\x0aabcdefghij\0\x01x"], None);
        assert_eq!(out, ["abcdef+4", "..ghij+0", "x"]);
        let (out, _) = told(&[b"\0\x0aabcdefg", b"j\0\x01x"], Some((1, 2)));
        assert_eq!(out, ["abcdef+4", "..g+3", "-2+1", "..j+0", "x"]);
    }

    #[test]
    fn after_a_gap_the_next_beginning_is_looked_for() {
        let (out, fine) = told(&[b"\0\x05ab", b"\xff\xff\0", b"\x03", b"mno\0\x01x"], Some((1, 1)));
        assert_eq!((out, fine), (vec!["mno".to_owned(), "x".to_owned()], true));
        assert_eq!(told(&[b"\xff\x00"], None), (vec![], false));
    }
}
