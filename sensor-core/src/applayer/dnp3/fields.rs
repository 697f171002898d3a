//! How points are written.

/// How points of a group and variation are read.
#[derive(Debug)]
pub(super) enum Layout {
    /// So many bits each, under a name, packed into bytes.
    Packed(&'static str, u8),
    /// Fields one behind the other.
    Fields(&'static [Field]),
    /// As many bytes as the variation says, under a name.
    Octets(&'static str),
}

/// A field: its name, and how it is written.
pub(super) type Field = (&'static str, Kind);

/// How a field is written; numbers are little-endian.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    U8,
    U16,
    U32,
    /// Milliseconds since 1970, of six bytes.
    U48,
    U64,
    I16,
    I32,
    F32,
    F64,
    /// Parts of a byte, the lowest first, with how many bits each has.
    Bits(&'static [(&'static str, u8)]),
    /// What is left.
    Rest,
    /// As many bytes as the field of that place says.
    Counted(usize),
}

impl Layout {
    /// Bytes of a point; `None` where only a prefix tells.
    pub fn size(&self, variation: u8) -> Option<usize> {
        match self {
            Layout::Packed(..) => Some(1),
            Layout::Octets(_) => Some(variation.into()),
            Layout::Fields(fields) => fields.iter().map(|(_, kind)| kind.size()).sum(),
        }
    }
}

impl Kind {
    /// Bytes of it, where that is fixed.
    pub fn size(self) -> Option<usize> {
        Some(match self {
            Kind::U8 | Kind::Bits(_) => 1,
            Kind::U16 | Kind::I16 => 2,
            Kind::U32 | Kind::I32 | Kind::F32 => 4,
            Kind::U48 => 6,
            Kind::U64 | Kind::F64 => 8,
            Kind::Rest | Kind::Counted(_) => return None,
        })
    }
}
