//! Lines of a stream that comes in pieces.

/// Takes lines out of the bytes of one side.
#[derive(Debug, Default)]
pub struct Lines {
    /// What came of a line that is not whole.
    held: Vec<u8>,
    /// What is held was handed out.
    spent: bool,
}

/// What a line ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Carriage return and line feed.
    CrLf,
    /// Line feed.
    Lf,
    /// It is longer than the bound and goes on in the next piece.
    Cut,
}

impl Lines {
    /// The next line without its end, or a piece of `most` bytes of a longer one; what it takes is taken off `bytes`.
    /// `None` once all is taken.
    pub fn next<'a, 'b: 'a>(&'a mut self, bytes: &mut &'b [u8], most: usize) -> Option<(&'a [u8], End)> {
        if std::mem::take(&mut self.spent) {
            self.held.clear();
        }
        let room = most.saturating_sub(self.held.len());
        let window = bytes.get(..bytes.len().min(room + 1))?;
        let (taken, ended) = match memchr::memchr(b'\n', window) {
            Some(at) => (at, true),
            None if window.len() > room => (room, false),
            None => {
                self.held.extend_from_slice(window);
                *bytes = &[];
                return None;
            }
        };
        let (piece, rest) = bytes.split_at_checked(taken)?;
        *bytes = if ended { rest.get(1..).unwrap_or_default() } else { rest };
        let line = if self.held.is_empty() {
            piece
        } else {
            self.held.extend_from_slice(piece);
            self.spent = true;
            self.held.as_slice()
        };
        Some(match (ended, line.strip_suffix(b"\r")) {
            (false, _) => (line, End::Cut),
            (true, Some(line)) => (line, End::CrLf),
            (true, None) => (line, End::Lf),
        })
    }

    /// The line that the stream's end leaves without one; empty if there is none.
    pub fn rest(&mut self) -> &[u8] {
        if std::mem::replace(&mut self.spent, true) { &[] } else { &self.held }
    }

    /// Bytes on the heap.
    pub fn bytes(&self) -> usize {
        self.held.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_the_same_in_pieces_of_any_size() {
        let text = b"one\r\ntwo\n\r\n12345678\n123456789\r\n12345678901234567\nrest";
        for size in 1..text.len() {
            let (mut lines, mut told) = (Lines::default(), Vec::new());
            for mut piece in text.chunks(size) {
                while let Some((line, end)) = lines.next(&mut piece, 8) {
                    told.push((line.to_vec(), end));
                }
            }
            let wanted: [(&[u8], End); 9] = [
                (b"one", End::CrLf),
                (b"two", End::Lf),
                (b"", End::CrLf),
                (b"12345678", End::Lf),
                (b"12345678", End::Cut),
                (b"9", End::CrLf),
                (b"12345678", End::Cut),
                (b"90123456", End::Cut),
                (b"7", End::Lf),
            ];
            let told: Vec<(&[u8], End)> = told.iter().map(|(line, end)| (line.as_slice(), *end)).collect();
            assert_eq!(told, wanted, "in pieces of {size}");
            assert_eq!(lines.rest(), b"rest");
            assert_eq!(lines.rest(), b"");
        }
    }
}
