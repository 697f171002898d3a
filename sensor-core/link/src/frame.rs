//! Frames: a big-endian u16 length and that many bytes. No IO.

/// Bytes of the length before a frame.
pub const LENGTH: usize = 2;

/// Longest frame: the longest Noise message.
pub const MAX_FRAME: usize = 65_535;

/// Cuts frames out of bytes as they arrive. Holds at most two frames' worth, allocated once.
#[derive(Debug)]
pub struct Deframer {
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    limit: usize,
}

/// A frame that is announced longer than the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a frame of {length} bytes is announced, the limit is {limit}")]
pub struct FrameTooLong {
    /// Bytes announced.
    pub length: usize,
    /// Bytes allowed.
    pub limit: usize,
}

impl Deframer {
    /// Accepts frames up to `limit` bytes.
    pub fn new(limit: usize) -> Deframer {
        Deframer { buffer: vec![0; CAPACITY].into_boxed_slice(), start: 0, end: 0, limit }
    }

    /// Accepts frames up to `limit` bytes from here on.
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Where the next bytes are to be put; tell [`filled`](Self::filled) how many. Never empty once
    /// [`next_frame`](Self::next_frame) had no whole frame to give.
    pub fn space(&mut self) -> &mut [u8] {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.start > 0 && self.buffer.len() - self.end < LENGTH + MAX_FRAME {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        self.buffer.get_mut(self.end..).unwrap_or_default()
    }

    /// `count` bytes were put into [`space`](Self::space).
    pub fn filled(&mut self, count: usize) {
        self.end = (self.end + count).min(self.buffer.len());
    }

    /// The next whole frame, without its length.
    pub fn next_frame(&mut self) -> Result<Option<&[u8]>, FrameTooLong> {
        let Some((length, rest)) = self.buffer.get(self.start..self.end).and_then(<[u8]>::split_first_chunk) else {
            return Ok(None);
        };
        let length = usize::from(u16::from_be_bytes(*length));
        if length > self.limit {
            return Err(FrameTooLong { length, limit: self.limit });
        }
        let frame = rest.get(..length);
        if frame.is_some() {
            self.start += LENGTH + length;
        }
        Ok(frame)
    }

    /// No part of a frame waits for the rest of it.
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }
}

/// Two whole frames: one that is being cut out, one that arrives.
const CAPACITY: usize = 2 * (LENGTH + MAX_FRAME);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(content: &[u8]) -> Vec<u8> {
        [&u16::try_from(content.len()).unwrap().to_be_bytes(), content].concat()
    }

    /// Feeds `bytes` in pieces and collects the frames.
    fn cut(bytes: &[u8], pieces: impl IntoIterator<Item = usize>) -> Vec<Vec<u8>> {
        let mut deframer = Deframer::new(MAX_FRAME);
        let (mut rest, mut frames) = (bytes, Vec::new());
        for piece in pieces.into_iter().chain(std::iter::repeat(usize::MAX)) {
            let space = deframer.space();
            assert!(!space.is_empty());
            let count = piece.min(space.len()).min(rest.len());
            space[..count].copy_from_slice(&rest[..count]);
            deframer.filled(count);
            rest = &rest[count..];
            while let Some(frame) = deframer.next_frame().unwrap() {
                frames.push(frame.to_vec());
            }
            if rest.is_empty() {
                break;
            }
        }
        assert!(deframer.is_empty());
        frames
    }

    #[test]
    fn the_longest_frames_pass_one_after_another() {
        let frames: Vec<_> = (0..5).map(|n| vec![n; MAX_FRAME]).collect();
        let bytes: Vec<u8> = frames.iter().flat_map(|f| frame(f)).collect();
        assert_eq!(cut(&bytes, []), frames);
        assert_eq!(cut(&bytes, std::iter::repeat_n(40_001, 9)), frames);
    }

    #[test]
    fn a_frame_over_the_limit_is_refused_from_its_length_alone() {
        let mut deframer = Deframer::new(100);
        deframer.space()[..2].copy_from_slice(&101u16.to_be_bytes());
        deframer.filled(2);
        assert_eq!(deframer.next_frame(), Err(FrameTooLong { length: 101, limit: 100 }));
        deframer.set_limit(101);
        assert_eq!(deframer.next_frame(), Ok(None));
    }

    proptest! {
        #[test]
        fn any_cutting_gives_the_same_frames(
            frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..400), 1..20),
            pieces in prop::collection::vec(1usize..300, 0..200),
        ) {
            let bytes: Vec<u8> = frames.iter().flat_map(|f| frame(f)).collect();
            prop_assert_eq!(cut(&bytes, pieces), frames);
        }
    }
}
