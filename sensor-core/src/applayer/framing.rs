//! Streams of messages that say their own length: cuts them up, whatever the pieces they come in.

/// One direction of such a stream.
#[derive(Debug, Default)]
pub(super) struct Framing {
    /// The beginning of a message that is not whole yet: no more than [`Framing::next`] is told to keep.
    open: Vec<u8>,
    /// `open` was handed over.
    spent: bool,
    /// Bytes left of a message whose beginning was handed over, or that a gap has cut.
    skip: u64,
    /// Where a message begins is not known, after a gap.
    lost: bool,
}

/// What a message's first bytes say of its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    /// More of them are needed.
    Short,
    /// It has so many bytes, those included.
    Bytes(u64),
    /// This is no message.
    Wrong,
}

/// What comes next in the stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Framed<'a> {
    /// A message: its bytes, as many as are kept, and its length.
    Message(&'a [u8], u64),
    /// Not whole yet.
    Open,
    /// What comes is no message.
    Wrong,
}

impl Framing {
    /// The next message of `bytes`, which are moved on. At most `most` bytes of a message are handed over, `length` is
    /// asked about no more than those.
    pub fn next<'a, 'b: 'a>(
        &'a mut self,
        bytes: &mut &'b [u8],
        most: usize,
        length: impl Fn(&[u8]) -> Length,
    ) -> Framed<'a> {
        if std::mem::take(&mut self.spent) {
            self.open.clear();
        }
        if self.skip > 0 {
            let skipped = usize::try_from(self.skip).unwrap_or(usize::MAX).min(bytes.len());
            self.skip -= skipped as u64;
            *bytes = bytes.get(skipped..).unwrap_or_default();
        }
        if bytes.is_empty() {
            return Framed::Open;
        }
        if self.open.is_empty()
            && let Length::Bytes(total) = length(bytes)
            && let Some((message, rest)) =
                bytes.split_at_checked(usize::try_from(total).unwrap_or(usize::MAX).min(most))
            && !message.is_empty()
        {
            self.lost = false;
            self.skip = total - message.len() as u64;
            *bytes = rest;
            return Framed::Message(message, total);
        }
        loop {
            let wanted = match length(&self.open) {
                Length::Short => self.open.len() + 1,
                Length::Bytes(total) => usize::try_from(total).unwrap_or(usize::MAX).min(most),
                Length::Wrong => {
                    self.open.clear();
                    // After a gap the next piece may begin with a message.
                    if self.lost {
                        *bytes = &[];
                        return Framed::Open;
                    }
                    return Framed::Wrong;
                }
            };
            if let (Length::Bytes(total), true) = (length(&self.open), self.open.len() >= wanted.max(1)) {
                self.lost = false;
                self.spent = true;
                self.skip = total.saturating_sub(self.open.len() as u64);
                return Framed::Message(&self.open, total);
            }
            if bytes.is_empty() {
                return Framed::Open;
            }
            if self.open.len() >= most {
                self.open.clear();
                return Framed::Wrong;
            }
            let (taken, rest) = bytes.split_at(wanted.saturating_sub(self.open.len()).clamp(1, bytes.len()));
            self.open.extend_from_slice(taken);
            *bytes = rest;
        }
    }

    /// The next `len` bytes of the stream are missing.
    pub fn gap(&mut self, len: u64, length: impl Fn(&[u8]) -> Length) {
        if std::mem::take(&mut self.spent) {
            self.open.clear();
        }
        let open = std::mem::take(&mut self.open);
        let left = match length(&open) {
            _ if open.is_empty() || self.skip > 0 => self.skip,
            Length::Bytes(total) => total.saturating_sub(open.len() as u64),
            Length::Short | Length::Wrong => 0,
        };
        (self.skip, self.lost) = match left.checked_sub(len) {
            Some(left) => (left, self.lost),
            None => (0, true),
        };
    }

    /// Bytes on the heap.
    pub fn bytes(&self) -> usize {
        self.open.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A length of one byte that counts itself; 0 is wrong.
    fn length(bytes: &[u8]) -> Length {
        match bytes.first() {
            None => Length::Short,
            Some(0) => Length::Wrong,
            Some(length) => Length::Bytes((*length).into()),
        }
    }

    fn read(pieces: &[&[u8]], most: usize) -> Vec<(Vec<u8>, u64)> {
        let (mut framing, mut out) = (Framing::default(), Vec::new());
        for piece in pieces {
            let mut bytes = *piece;
            while let Framed::Message(message, total) = framing.next(&mut bytes, most, length) {
                out.push((message.to_vec(), total));
            }
        }
        assert!(framing.bytes() <= 2 * most.max(8));
        out
    }

    #[test]
    fn pieces_do_not_matter() {
        let stream = [3, 1, 2, 1, 5, 9, 9, 9, 9, 2, 7];
        let whole = read(&[&stream], 4);
        assert_eq!(whole, [(vec![3, 1, 2], 3), (vec![1], 1), (vec![5, 9, 9, 9], 5), (vec![2, 7], 2)]);
        for size in 1..stream.len() {
            assert_eq!(read(&stream.chunks(size).collect::<Vec<_>>(), 4), whole, "{size}");
        }
    }

    #[test]
    fn what_is_no_message_is_told() {
        let mut framing = Framing::default();
        assert_eq!(framing.next(&mut &[0, 1][..], 8, length), Framed::Wrong);
    }

    #[test]
    fn a_gap_inside_a_message_costs_that_message_alone() {
        let mut framing = Framing::default();
        let mut bytes = &[6, 1][..];
        assert_eq!(framing.next(&mut bytes, 8, length), Framed::Open);
        framing.gap(3, length);
        let mut bytes = &[1, 2, 7][..];
        assert_eq!(framing.next(&mut bytes, 8, length), Framed::Message(&[2, 7], 2));
        // Past its end, messages are looked for at the beginning of pieces.
        framing.gap(3, length);
        assert_eq!(framing.next(&mut &[0, 2, 7][..], 8, length), Framed::Open);
        assert_eq!(framing.next(&mut &[2, 7][..], 8, length), Framed::Message(&[2, 7], 2));
        assert_eq!(framing.next(&mut &[0][..], 8, length), Framed::Wrong);
    }
}
