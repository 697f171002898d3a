//! DNP3 in EVE.

use std::io::Write;

use super::Transaction;
use super::fields::{Field, Kind, Layout};
use super::objects::{self, Body, Point};
use super::transaction::INDICATIONS;
use crate::applayer::Side;
use crate::discover::extract::reader::Reader;
use crate::json::Object;

/// Points of an object that are written.
const MOST_POINTS: usize = 1024;

pub(super) fn write(transaction: &Transaction, object: &mut Object<'_>) {
    let (control, destination, source) = transaction.link;
    object.text("type", if transaction.side == Side::ToServer { "request" } else { "response" });
    object.object("control", |object| {
        for (name, bit) in [("dir", 0x80), ("pri", 0x40), ("fcb", 0x20), ("fcv", 0x10)] {
            object.boolean(name, control & bit != 0);
        }
        object.number("function_code", control & 0x0f);
    });
    object.number("src", source).number("dst", destination);
    object.object("application", |object| {
        let control = transaction.control();
        object.object("control", |object| {
            for (name, bit) in [("fir", 0x80), ("fin", 0x40), ("con", 0x20), ("uns", 0x10)] {
                object.boolean(name, control & bit != 0);
            }
            object.number("sequence", control & 0x0f);
        });
        object.number("function_code", transaction.function());
        if !transaction.objects().is_empty() {
            object.array("objects", |array| {
                let mut take = |found: &objects::Object<'_>| _ = array.object(|object| header(object, found));
                // What could be read is told; that it isn't all is told below.
                let _ = objects::walk(transaction.function(), transaction.objects(), &mut take);
            });
        }
        object.boolean("complete", transaction.read);
    });
    if let Some(set) = transaction.indications() {
        object.object("iin", |object| {
            object.array("indicators", |array| {
                for (name, _) in INDICATIONS.iter().filter(|(_, bit)| set & bit != 0) {
                    array.text(name);
                }
            });
        });
    }
}

fn header(object: &mut Object<'_>, found: &objects::Object<'_>) {
    object.number("group", found.group).number("variation", found.variation).number("qualifier", found.qualifier);
    object.number("prefix_code", found.prefix_code()).number("range_code", found.range_code());
    object.number("start", found.start).number("stop", found.stop).number("count", found.count);
    let Some(layout) = found.layout else { return };
    object.array("points", |array| {
        for point in found.points().take(MOST_POINTS) {
            array.object(|object| self::point(object, layout, &point));
        }
    });
}

fn point(object: &mut Object<'_>, layout: &Layout, point: &Point<'_>) {
    object.number("prefix", point.prefix).number("index", point.index);
    if point.sized {
        object.number("size", point.prefix);
    }
    match (layout, &point.body) {
        (Layout::Packed(name, _), Body::Bits(value)) => _ = object.number(name, *value),
        (Layout::Packed(name, bits), Body::Bytes(bytes)) => {
            object.number(name, bytes.first().copied().unwrap_or(0) & ((1 << bits) - 1));
        }
        (Layout::Octets(name), Body::Bytes(bytes)) => _ = object.text(name, bytes),
        (Layout::Fields(list), Body::Bytes(bytes)) => _ = fields(object, list, bytes),
        (Layout::Octets(_) | Layout::Fields(_), Body::Bits(_)) => {}
    }
}

/// Writes fields until the bytes end.
fn fields(object: &mut Object<'_>, list: &[Field], bytes: &[u8]) -> Option<()> {
    let mut reader = Reader::new(bytes);
    // What later fields may count by.
    let mut counts = [0; 4];
    for (place, (name, kind)) in list.iter().enumerate() {
        match kind {
            Kind::U8 => _ = object.number(name, reader.u8()?),
            Kind::U16 => {
                let number = reader.le16()?;
                object.number(name, number);
                if let Some(count) = counts.get_mut(place) {
                    *count = usize::from(number);
                }
            }
            Kind::U32 => _ = object.number(name, reader.le32()?),
            Kind::U48 => {
                let (low, high) = (reader.le32()?, reader.le16()?);
                object.number(name, u64::from(low) | u64::from(high) << 32);
            }
            Kind::U64 => _ = object.number(name, u64::from_le_bytes(reader.array()?)),
            Kind::I16 => _ = object.number(name, i16::from_le_bytes(reader.array()?)),
            Kind::I32 => _ = object.number(name, i32::from_le_bytes(reader.array()?)),
            Kind::F32 => float(object, name, f32::from_le_bytes(reader.array()?).into()),
            Kind::F64 => float(object, name, f64::from_le_bytes(reader.array()?)),
            Kind::Bits(parts) => {
                let mut byte = reader.u8()?;
                for (name, bits) in *parts {
                    object.number(name, byte & ((1 << bits) - 1));
                    byte = byte.checked_shr((*bits).into()).unwrap_or(0);
                }
            }
            Kind::Rest => _ = object.text(name, reader.take_up_to(bytes.len())),
            Kind::Counted(by) => {
                let count = counts.get(*by).copied().unwrap_or(0);
                object.text(name, reader.take_up_to(count));
            }
        }
    }
    Some(())
}

/// A number that is one: JSON has no others.
fn float(object: &mut Object<'_>, key: &str, value: f64) {
    if value.is_finite() {
        // A write to a vector cannot fail.
        let _ = write!(object.raw(key), "{value}");
    }
}
