//! Undoes the compression of bodies: gzip, deflate (zlib's and raw) and brotli, in several layers, as they come.
//!
//! Senders lie about codings, and receivers are tolerant: what does not begin as its coding does is passed on as it is.

mod layer;

use layer::Layer;

/// How bytes are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// RFC 1952, any number of members.
    Gzip,
    /// RFC 1950, or RFC 1951 without it.
    Deflate,
    /// RFC 7932.
    Brotli,
}

/// Undoes the codings of one body.
#[derive(Debug)]
pub struct Decoder {
    layers: Vec<Layer>,
    run: Run,
}

/// What is counted over all layers.
#[derive(Debug, Default)]
struct Run {
    came: u64,
    gave: u64,
    bomb: u64,
    stopped: bool,
    failed: bool,
}

/// More than this many times its input is what no harmless body gives: deflate cannot give more than 1032 times, but two
/// layers and brotli can.
const BOMB_RATIO: u64 = 2048;

impl Decoder {
    /// `codings` are in the order in which they were applied; a body that gives more than `bomb` bytes, and more than
    /// 2048 times what came, is not decoded further.
    #[must_use]
    pub fn new(codings: &[Coding], bomb: u64) -> Decoder {
        let layers = codings.iter().rev().map(|coding| Layer::new(*coding)).collect();
        Decoder { layers, run: Run { bomb, ..Run::default() } }
    }

    /// The next bytes of the body; what they give goes to `sink` piece by piece.
    pub fn data(&mut self, bytes: &[u8], sink: &mut dyn FnMut(&[u8])) {
        self.run.came = self.run.came.saturating_add(bytes.len() as u64);
        push(&mut self.layers, bytes, &mut self.run, sink);
    }

    /// The body has ended: what is still held goes to `sink`.
    pub fn end(&mut self, sink: &mut dyn FnMut(&[u8])) {
        let mut layers = self.layers.as_mut_slice();
        while let Some((layer, rest)) = layers.split_first_mut() {
            layer.end(&mut self.run, &mut |run, out| push(rest, out, run, sink));
            layers = rest;
        }
    }

    /// It gave too much for what came.
    #[must_use]
    pub fn is_bomb(&self) -> bool {
        self.run.stopped
    }

    /// Something was not coded as it should be.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.run.failed
    }

    /// Bytes on the heap, about.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.layers.iter().map(Layer::bytes).sum()
    }
}

/// Gives bytes to the outermost of the layers, and what comes of them to the next.
fn push(layers: &mut [Layer], bytes: &[u8], run: &mut Run, sink: &mut dyn FnMut(&[u8])) {
    if run.stopped {
        return;
    }
    match layers.split_first_mut() {
        Some((layer, rest)) => layer.data(bytes, run, &mut |run, out| push(rest, out, run, sink)),
        None => {
            run.gave = run.gave.saturating_add(bytes.len() as u64);
            if run.gave > run.bomb && run.gave / BOMB_RATIO > run.came {
                run.stopped = true;
            }
            sink(bytes);
        }
    }
}

#[cfg(test)]
mod tests;
