//! One coding.

use std::fmt;

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use flate2::{Decompress, FlushDecompress, Status};

use super::{Coding, Run};

/// Where output goes.
type Sink<'a> = &'a mut dyn FnMut(&mut Run, &[u8]);

/// A coding that is being undone.
#[derive(Debug)]
pub struct Layer {
    coding: Coding,
    state: State,
    /// What came while it is not sure that it is of the coding; a header that is not whole.
    held: Vec<u8>,
    /// What it gave in that time.
    staged: Vec<u8>,
    on_trial: bool,
    /// A gzip member was whole: junk behind it is none of the body.
    had_member: bool,
}

#[derive(Debug)]
enum State {
    /// Before the coding's header.
    Header,
    Inflate(Box<Decompress>),
    Brotli(Box<Brotli>),
    /// So many bytes of gzip's trailer are to come.
    Trailer(u8),
    /// Is as it came.
    Plain,
    /// What comes is not looked at.
    Over,
}

struct Brotli(BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>);

impl fmt::Debug for Brotli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Brotli")
    }
}

/// Bytes that must decode before output counts, where no header says that the coding is what it is said to be.
const TRIAL: usize = 512;
/// Output that ends a trial too.
const MAX_STAGED: usize = 64 << 10;
/// Of a gzip member's header (names and comments).
const MAX_HEADER: usize = 4096;
/// Output at a time.
const PIECE: usize = 16 << 10;
/// What a decoder has on the heap, about: zlib's window and tables.
const DECODER_BYTES: usize = 48 << 10;

impl Layer {
    pub fn new(coding: Coding) -> Layer {
        let (state, on_trial) = match coding {
            Coding::Gzip | Coding::Deflate => (State::Header, false),
            Coding::Brotli => {
                let alloc = StandardAlloc::default;
                (State::Brotli(Box::new(Brotli(BrotliState::new(alloc(), alloc(), alloc())))), true)
            }
        };
        Layer { coding, state, held: Vec::new(), staged: Vec::new(), on_trial, had_member: false }
    }

    pub fn bytes(&self) -> usize {
        let decoder = if let State::Inflate(_) | State::Brotli(_) = self.state { DECODER_BYTES } else { 0 };
        decoder + self.held.capacity() + self.staged.capacity()
    }

    pub fn data(&mut self, mut bytes: &[u8], run: &mut Run, sink: Sink<'_>) {
        while !bytes.is_empty() && !run.stopped {
            bytes = match &mut self.state {
                State::Plain => return sink(run, bytes),
                State::Over => return,
                State::Trailer(left) => {
                    let skip = usize::from(*left).min(bytes.len());
                    *left -= skip as u8;
                    if *left == 0 {
                        self.state = State::Header;
                    }
                    bytes.get(skip..).unwrap_or_default()
                }
                State::Header => self.header(bytes, run, sink),
                State::Inflate(_) | State::Brotli(_) => self.decode(bytes, run, sink),
            };
        }
    }

    pub fn end(&mut self, run: &mut Run, sink: Sink<'_>) {
        match self.state {
            // Shorter than any header, or it ended in one.
            State::Header if !self.had_member => {
                let held = std::mem::take(&mut self.held);
                if !held.is_empty() {
                    sink(run, &held);
                }
            }
            State::Inflate(_) | State::Brotli(_) if self.on_trial => self.pass_trial(run, sink),
            State::Header | State::Inflate(_) | State::Brotli(_) | State::Trailer(_) | State::Plain | State::Over => {}
        }
        self.state = State::Over;
    }

    /// Takes bytes into a header until it is whole; returns those behind it.
    fn header<'a>(&mut self, bytes: &'a [u8], run: &mut Run, sink: Sink<'_>) -> &'a [u8] {
        let before = self.held.len();
        let room = MAX_HEADER.saturating_sub(before).min(bytes.len());
        self.held.extend_from_slice(bytes.get(..room).unwrap_or_default());
        let header = if self.coding == Coding::Gzip { gzip_header(&self.held) } else { zlib_header(&self.held) };
        let inflate = || State::Inflate(Box::new(Decompress::new(false)));
        match header {
            Header::Open if self.held.len() < MAX_HEADER => bytes.get(room..).unwrap_or_default(),
            Header::Whole(len) => {
                self.state = inflate();
                // Two bytes may be chance.
                self.on_trial = self.coding == Coding::Deflate;
                if !self.on_trial {
                    self.held.clear();
                    return bytes.get(len.saturating_sub(before)..).unwrap_or_default();
                }
                self.again(len, run, sink);
                bytes.get(room..).unwrap_or_default()
            }
            Header::Other if self.coding == Coding::Deflate => {
                self.state = inflate();
                self.on_trial = true;
                self.again(0, run, sink);
                bytes.get(room..).unwrap_or_default()
            }
            Header::Open | Header::Other => {
                let held = std::mem::take(&mut self.held);
                if self.had_member {
                    self.state = State::Over;
                    return &[];
                }
                run.failed = true;
                self.state = State::Plain;
                sink(run, &held);
                bytes.get(room..).unwrap_or_default()
            }
        }
    }

    /// Decodes what is held, behind a header of `skip` bytes.
    fn again(&mut self, skip: usize, run: &mut Run, sink: Sink<'_>) {
        let held = std::mem::take(&mut self.held);
        self.held.extend_from_slice(held.get(..skip).unwrap_or_default());
        self.data(held.get(skip..).unwrap_or_default(), run, sink);
    }

    fn decode<'a>(&mut self, bytes: &'a [u8], run: &mut Run, sink: Sink<'_>) -> &'a [u8] {
        // A trial takes no more than it may hold.
        let take =
            if self.on_trial { TRIAL.saturating_sub(self.held.len()).clamp(1, bytes.len()) } else { bytes.len() };
        let (now, later) = bytes.split_at_checked(take).unwrap_or((bytes, &[]));
        if self.on_trial {
            self.held.extend_from_slice(now);
        }
        let mut left = now;
        let mut room = [0_u8; PIECE];
        loop {
            let step = match &mut self.state {
                State::Inflate(inflate) => step_inflate(inflate, left, &mut room),
                State::Brotli(brotli) => step_brotli(brotli, left, &mut room),
                State::Header | State::Trailer(_) | State::Plain | State::Over => return later,
            };
            left = left.get(step.read..).unwrap_or_default();
            let out = room.get(..step.wrote).unwrap_or_default();
            if self.on_trial {
                self.staged.extend_from_slice(out);
            } else if !out.is_empty() {
                sink(run, out);
            }
            if self.on_trial && self.staged.len() > MAX_STAGED {
                self.pass_trial(run, sink);
            }
            match step.end {
                End::No if run.stopped => return &[],
                End::No if step.wrote == 0 && (left.is_empty() || step.read == 0) => break,
                End::No => {}
                End::Whole => {
                    self.pass_trial(run, sink);
                    self.had_member = true;
                    self.state = if self.coding == Coding::Gzip { State::Trailer(8) } else { State::Over };
                    let behind = left.len() + later.len();
                    return bytes.get(bytes.len() - behind..).unwrap_or_default();
                }
                End::Failed => {
                    run.failed = true;
                    self.state = if self.on_trial { State::Plain } else { State::Over };
                    self.staged = Vec::new();
                    let held = std::mem::take(&mut self.held);
                    if self.on_trial {
                        sink(run, &held);
                    }
                    return later;
                }
            }
        }
        if self.on_trial && self.held.len() >= TRIAL {
            self.pass_trial(run, sink);
        }
        later
    }

    /// It is what it is said to be.
    fn pass_trial(&mut self, run: &mut Run, sink: Sink<'_>) {
        self.on_trial = false;
        self.held = Vec::new();
        let staged = std::mem::take(&mut self.staged);
        if !staged.is_empty() {
            sink(run, &staged);
        }
    }
}

struct Step {
    read: usize,
    wrote: usize,
    end: End,
}

enum End {
    No,
    Whole,
    Failed,
}

fn step_inflate(inflate: &mut Decompress, bytes: &[u8], room: &mut [u8]) -> Step {
    let (read, wrote) = (inflate.total_in(), inflate.total_out());
    let status = inflate.decompress(bytes, room, FlushDecompress::None);
    let end = match status {
        Ok(Status::Ok | Status::BufError) => End::No,
        Ok(Status::StreamEnd) => End::Whole,
        Err(_) => End::Failed,
    };
    Step { read: (inflate.total_in() - read) as usize, wrote: (inflate.total_out() - wrote) as usize, end }
}

fn step_brotli(brotli: &mut Brotli, bytes: &[u8], room: &mut [u8]) -> Step {
    let (mut available_in, mut read, mut available_out, mut wrote, mut total) = (bytes.len(), 0, room.len(), 0, 0);
    let result = BrotliDecompressStream(
        &mut available_in,
        &mut read,
        bytes,
        &mut available_out,
        &mut wrote,
        room,
        &mut total,
        &mut brotli.0,
    );
    let end = match result {
        BrotliResult::NeedsMoreInput | BrotliResult::NeedsMoreOutput => End::No,
        BrotliResult::ResultSuccess => End::Whole,
        BrotliResult::ResultFailure => End::Failed,
    };
    Step { read, wrote, end }
}

enum Header {
    /// More is needed.
    Open,
    /// Of that many bytes.
    Whole(usize),
    /// It is none.
    Other,
}

/// RFC 1952 section 2.3. Reserved flags are not minded, as browsers don't.
fn gzip_header(bytes: &[u8]) -> Header {
    const MAGIC: [u8; 3] = [0x1f, 0x8b, 8];
    if bytes.iter().zip(MAGIC).any(|(byte, magic)| *byte != magic) {
        return Header::Other;
    }
    let whole = || {
        let flags = *bytes.get(3)?;
        let mut at = 10;
        if flags & 4 != 0 {
            let len = bytes.get(at..at + 2)?;
            at += 2 + len.iter().rev().fold(0, |len, byte| len << 8 | usize::from(*byte));
        }
        for flag in [8, 16] {
            if flags & flag != 0 {
                at += memchr::memchr(0, bytes.get(at..)?)? + 1;
            }
        }
        if flags & 2 != 0 {
            at += 2;
        }
        (bytes.len() >= at).then_some(at)
    };
    whole().map_or(Header::Open, Header::Whole)
}

/// RFC 1950 section 2.2.
fn zlib_header(bytes: &[u8]) -> Header {
    match *bytes {
        [] => Header::Open,
        [first, ..] if first & 15 != 8 || first >> 4 > 7 => Header::Other,
        [_] => Header::Open,
        [first, second, ..] if (u16::from(first) << 8 | u16::from(second)) % 31 == 0 && second & 0x20 == 0 => {
            Header::Whole(2)
        }
        [..] => Header::Other,
    }
}
