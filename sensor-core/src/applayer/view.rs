//! What a prober looks at, and what it may answer.

/// A prober's answer on what it was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is this protocol; no other direction is needed. Random bytes get here in fewer than one of 100,000 cases.
    Certain,
    /// It fits, but so might others. From both sides, or once on the protocol's port, it counts. Random bytes get
    /// here in fewer than one of 300 cases.
    Likely,
    /// Nothing speaks against it yet.
    Unsure,
    /// It is something else.
    NotForUs,
}

/// What a prober returns: `None` says that the bytes end before it can tell, so that `?` reads on.
pub type Told = Option<Answer>;

/// [`Answer::Certain`].
pub const CERTAIN: Told = Some(Answer::Certain);
/// [`Answer::Likely`].
pub const LIKELY: Told = Some(Answer::Likely);
/// [`Answer::Unsure`].
pub const UNSURE: Told = Some(Answer::Unsure);
/// [`Answer::NotForUs`].
pub const NO: Told = Some(Answer::NotForUs);

/// Certain if it fits, else no.
#[inline]
pub fn certain_if(fits: bool) -> Told {
    if fits { CERTAIN } else { NO }
}

/// Likely if it fits, else no.
#[inline]
pub fn likely_if(fits: bool) -> Told {
    if fits { LIKELY } else { NO }
}

/// One side's bytes: a stream from its start, or one datagram.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The bytes.
    pub bytes: &'a [u8],
    /// How the datagram before began that went the same way; empty where there was none or it is not known.
    pub previous: &'a [u8],
    /// Either of the flow's ports.
    pub ports: (u16, u16),
}

impl<'a> View<'a> {
    /// Number of bytes.
    #[inline]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes begin so; `None` if they end while they still agree.
    #[inline]
    pub fn starts(&self, with: &[u8]) -> Option<bool> {
        self.has(0, with)
    }

    /// The bytes at `at` are these; `None` if they end while they still agree.
    #[inline]
    pub fn has(&self, at: usize, what: &[u8]) -> Option<bool> {
        let here = self.bytes.get(at..)?;
        match here.get(..what.len()) {
            Some(whole) => Some(whole == what),
            None if what.starts_with(here) => None,
            None => Some(false),
        }
    }

    /// Byte at `at`.
    #[inline]
    pub fn u8(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    /// Big-endian, two bytes.
    #[inline]
    pub fn be16(&self, at: usize) -> Option<u16> {
        self.bytes.get(at..)?.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
    }

    /// Big-endian, three bytes.
    #[inline]
    pub fn be24(&self, at: usize) -> Option<u32> {
        let [a, b, c] = *self.bytes.get(at..)?.first_chunk()?;
        Some(u32::from_be_bytes([0, a, b, c]))
    }

    /// Big-endian, four bytes.
    #[inline]
    pub fn be32(&self, at: usize) -> Option<u32> {
        self.bytes.get(at..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
    }

    /// Little-endian, two bytes.
    #[inline]
    pub fn le16(&self, at: usize) -> Option<u16> {
        self.be16(at).map(u16::swap_bytes)
    }

    /// Little-endian, four bytes.
    #[inline]
    pub fn le32(&self, at: usize) -> Option<u32> {
        self.be32(at).map(u32::swap_bytes)
    }

    /// What follows the first `n` bytes, as a view of its own; empty past the end.
    #[inline]
    pub fn after(&self, n: usize) -> View<'a> {
        View { bytes: self.bytes.get(n..).unwrap_or_default(), ..*self }
    }

    /// The bytes end exactly after this many; `None` while there are fewer.
    #[inline]
    pub fn whole(&self, length: u64) -> Option<bool> {
        let n = self.bytes.len() as u64;
        if n < length { None } else { Some(n == length) }
    }

    /// The bytes are this many. On a stream only where fewer speak against nothing.
    #[inline]
    pub fn ends_at(&self, length: u64) -> bool {
        self.bytes.len() as u64 == length
    }

    /// Either port is among these. Ports break ties between protocols that look alike; they prove nothing.
    #[inline]
    pub fn on_port(&self, ports: &[u16]) -> bool {
        ports.contains(&self.ports.0) || ports.contains(&self.ports.1)
    }

    /// The first line without its end, and whether the end was seen.
    #[inline]
    pub fn line(&self) -> (&'a [u8], bool) {
        let within = self.bytes.get(..LINE).unwrap_or(self.bytes);
        match within.iter().position(|&byte| byte == b'\n') {
            Some(end) => {
                let line = within.get(..end).unwrap_or_default();
                (line.strip_suffix(b"\r").unwrap_or(line), true)
            }
            None => (within.strip_suffix(b"\r").unwrap_or(within), self.bytes.len() >= LINE),
        }
    }

    /// The bytes begin with this word in either case, and a space or an end of line; `None` if they end before.
    #[inline]
    pub fn word(&self, word: &[u8]) -> Option<bool> {
        let n = word.len().min(self.bytes.len());
        let same = self.bytes.iter().zip(word).all(|(a, b)| a.eq_ignore_ascii_case(b));
        if !same {
            return Some(false);
        }
        if n < word.len() {
            return None;
        }
        self.u8(n).map(|next| matches!(next, b' ' | b'\r' | b'\n'))
    }

    /// One of the words, as [`View::word`].
    #[inline]
    pub fn any_word(&self, words: &[&[u8]]) -> Option<bool> {
        let mut open = false;
        for word in words {
            match self.word(word) {
                Some(true) => return Some(true),
                Some(false) => {}
                None => open = true,
            }
        }
        if open { None } else { Some(false) }
    }

    /// One of these beginnings, as [`View::starts`].
    #[inline]
    pub fn any_start(&self, beginnings: &[&[u8]]) -> Option<bool> {
        let mut open = false;
        for with in beginnings {
            match self.starts(with) {
                Some(true) => return Some(true),
                Some(false) => {}
                None => open = true,
            }
        }
        if open { None } else { Some(false) }
    }

    /// A BER tag's content: where it begins and its length. `None` if the bytes end first; length above 3 bytes is
    /// `Some(None)`, as is another tag.
    #[inline]
    pub fn ber(&self, at: usize, tag: u8) -> Option<Option<(usize, usize)>> {
        if self.u8(at)? != tag {
            return Some(None);
        }
        let first = self.u8(at + 1)?;
        Some(match first {
            0..=0x7f => Some((at + 2, usize::from(first))),
            0x81 => Some((at + 3, usize::from(self.u8(at + 2)?))),
            0x82 => Some((at + 4, usize::from(self.be16(at + 2)?))),
            0x83 => Some((at + 5, self.be24(at + 2)? as usize)),
            // Windows writes four bytes of length wherever it can.
            0x84 => usize::try_from(self.be32(at + 2)?).ok().filter(|&n| n < 1 << 24).map(|n| (at + 6, n)),
            _ => None,
        })
    }
}

/// The needle stands in the bytes, letters in either case.
#[inline]
pub fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window.eq_ignore_ascii_case(needle))
}

/// Text: printable ASCII, tabs and what lies above ASCII.
#[inline]
pub fn is_text(bytes: &[u8]) -> bool {
    bytes.iter().all(|&byte| byte == b'\t' || (byte >= 0x20 && byte != 0x7f))
}

/// Printable ASCII.
#[inline]
pub fn is_ascii(bytes: &[u8]) -> bool {
    bytes.iter().all(|&byte| (0x20..0x7f).contains(&byte))
}

/// A first line is looked at this far.
const LINE: usize = 512;
