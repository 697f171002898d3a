//! Objects of a fragment: a header, then points (IEEE 1815 section 4.2.2.7).

use super::fields::Layout;
use super::layouts;
use crate::discover::extract::reader::Reader;

/// Objects of one group and variation.
#[derive(Debug)]
pub(super) struct Object<'a> {
    pub group: u8,
    pub variation: u8,
    pub qualifier: u8,
    pub start: u32,
    pub stop: u32,
    pub count: u32,
    /// How points are read; `None` where there are none, or their form is not known.
    pub layout: Option<&'static Layout>,
    points: &'a [u8],
}

/// A point: its index, what stood before it, and its bytes.
#[derive(Debug)]
pub(super) struct Point<'a> {
    pub index: u32,
    pub prefix: u32,
    /// Whether the prefix is a size.
    pub sized: bool,
    pub body: Body<'a>,
}

/// A point's own.
#[derive(Debug)]
pub(super) enum Body<'a> {
    /// A few bits.
    Bits(u8),
    Bytes(&'a [u8]),
}

/// Why a fragment's objects cannot be read to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// They end early.
    Short,
    /// Of an object's points the length is not known.
    Unknown,
    /// There are too many objects.
    Objects,
    /// There are too many points.
    Points,
    /// One object has too many of them.
    PointsOfOne,
}

/// Objects of a fragment that are read.
const MOST_OBJECTS: usize = 1024;

/// Points of a fragment that are read, and of one object.
const MOST_POINTS: u32 = 16384;

/// Hands over the objects that follow a request's or response's header, until one cannot be read.
pub(super) fn walk<'a>(function: u8, bytes: &'a [u8], take: &mut dyn FnMut(&Object<'a>)) -> Result<(), Fault> {
    let mut reader = Reader::new(bytes);
    let (mut objects, mut points) = (0, 0_u32);
    while !reader.is_empty() {
        objects += 1;
        if objects > MOST_OBJECTS {
            return Err(Fault::Objects);
        }
        let mut object = header(&mut reader).ok_or(Fault::Short)?;
        if object.count == 0 || !has_points(function) {
            take(&object);
            continue;
        }
        if object.count > MOST_POINTS {
            take(&object);
            return Err(Fault::PointsOfOne);
        }
        points += object.count;
        if points > MOST_POINTS {
            take(&object);
            return Err(Fault::Points);
        }
        let layout = layouts::layout(object.group, object.variation);
        let Some(length) = layout.and_then(|layout| object.length(layout, reader.rest())) else {
            take(&object);
            return Err(if layout.is_some() { Fault::Short } else { Fault::Unknown });
        };
        object.points = reader.take(length).ok_or(Fault::Short)?;
        object.layout = layout;
        take(&object);
    }
    Ok(())
}

/// Whether data follows the headers: who reads, freezes or assigns classes only names objects (IEEE 1815 section 4.4).
fn has_points(function: u8) -> bool {
    !matches!(function, 0 | 1 | 7..=10 | 20..=22)
}

fn header<'a>(reader: &mut Reader<'a>) -> Option<Object<'a>> {
    let (group, variation, qualifier) = (reader.u8()?, reader.u8()?, reader.u8()?);
    let (mut start, mut stop) = (0, 0);
    let count = match qualifier & 0x0f {
        code @ 0..=5 => {
            let mut bound = || match code % 3 {
                0 => reader.u8().map(u32::from),
                1 => reader.le16().map(u32::from),
                _ => reader.le32(),
            };
            (start, stop) = (bound()?, bound()?);
            stop.checked_sub(start)?.saturating_add(1)
        }
        6 => 0,
        7 | 11 => reader.u8()?.into(),
        8 => reader.le16()?.into(),
        9 => reader.le32()?,
        _ => return None,
    };
    Some(Object { group, variation, qualifier, start, stop, count, layout: None, points: &[] })
}

impl<'a> Object<'a> {
    /// What stands before each point: an index or a size.
    pub fn prefix_code(&self) -> u8 {
        self.qualifier >> 4 & 7
    }

    pub fn range_code(&self) -> u8 {
        self.qualifier & 0x0f
    }

    /// Bytes of all points; `None` if there are fewer, or that cannot be told.
    fn length(&self, layout: &Layout, bytes: &[u8]) -> Option<usize> {
        if let Layout::Packed(_, bits) = layout
            && self.prefix_code() == 0
        {
            let bits = u64::from(self.count) * u64::from(*bits);
            return usize::try_from(bits.div_ceil(8)).ok();
        }
        let mut reader = Reader::new(bytes);
        for _ in 0..self.count {
            self.point(layout, &mut reader)?;
        }
        Some(bytes.len() - reader.rest().len())
    }

    /// The next point that is not packed: its prefix and its bytes.
    fn point<'b>(&self, layout: &Layout, reader: &mut Reader<'b>) -> Option<(u32, &'b [u8])> {
        let prefix = match self.prefix_code() {
            0 => 0,
            1 | 4 => reader.u8()?.into(),
            2 | 5 => reader.le16()?.into(),
            3 | 6 => reader.le32()?,
            _ => return None,
        };
        let size = if self.is_sized() { usize::try_from(prefix).ok()? } else { layout.size(self.variation)? };
        Some((prefix, reader.take(size)?))
    }

    fn is_sized(&self) -> bool {
        matches!(self.prefix_code(), 4..=6)
    }

    /// The points.
    pub fn points(&self) -> impl Iterator<Item = Point<'a>> {
        let (start, code, sized) = (self.start, self.prefix_code(), self.is_sized());
        let mut reader = Reader::new(self.points);
        let layout = self.layout;
        let count = if layout.is_some() { self.count } else { 0 };
        (0..count).map_while(move |place| {
            let layout = layout?;
            if let (Layout::Packed(_, bits), 0) = (layout, code) {
                let at = usize::try_from(place).ok()? * usize::from(*bits);
                let value = self.points.get(at / 8)? >> (at % 8) & ((1 << bits) - 1);
                return Some(Point { index: start.saturating_add(place), prefix: 0, sized, body: Body::Bits(value) });
            }
            let (prefix, body) = self.point(layout, &mut reader)?;
            let index = if matches!(code, 1..=3) { prefix } else { start.saturating_add(place) };
            Some(Point { index, prefix, sized, body: Body::Bytes(body) })
        })
    }
}
