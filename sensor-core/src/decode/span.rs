//! A run of bytes of which the capture may hold only the start.

use crate::Anomaly;

/// Bytes of a layer: what was captured, and how long the layer is by the headers around it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Span<'a> {
    /// Captured bytes; never more than `len`.
    pub data: &'a [u8],
    /// Length on the wire.
    pub len: usize,
}

impl<'a> Span<'a> {
    /// What follows the first `n` bytes, if they were captured.
    #[inline]
    pub fn after(self, n: usize) -> Option<Span<'a>> {
        Some(Span { data: self.data.get(n..)?, len: self.len - n })
    }

    /// The first `len` bytes: drops padding.
    #[inline]
    pub fn first(self, len: usize) -> Span<'a> {
        let len = len.min(self.len);
        Span { data: self.data.get(..len).unwrap_or(self.data), len }
    }

    /// Something of it was not captured.
    #[inline]
    pub fn is_cut(self) -> bool {
        self.data.len() < self.len
    }

    /// The anomaly for a header that ends too early: the capture's doing, or the packet's.
    #[inline]
    pub fn short(self, otherwise: Anomaly) -> Anomaly {
        if self.is_cut() { Anomaly::SnapLength } else { otherwise }
    }

    /// The first `N` bytes as an array, or the anomaly that they are missing.
    #[inline]
    pub fn head<const N: usize>(self, otherwise: Anomaly) -> Result<&'a [u8; N], Anomaly> {
        self.data.first_chunk::<N>().ok_or(self.short(otherwise))
    }

    /// What follows the first `n` bytes, or the anomaly that they are missing.
    #[inline]
    pub fn past(self, n: usize, otherwise: Anomaly) -> Result<Span<'a>, Anomaly> {
        self.after(n).ok_or(self.short(otherwise))
    }

    /// Big-endian u16 at `at`, if it was captured.
    #[inline]
    pub fn be16(self, at: usize) -> Option<u16> {
        Some(u16::from_be_bytes(*self.data.get(at..)?.first_chunk::<2>()?))
    }

    /// Byte at `at`, if it was captured.
    #[inline]
    pub fn byte(self, at: usize) -> Option<u8> {
        self.data.get(at).copied()
    }
}
