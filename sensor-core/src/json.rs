//! A writer of JSON into a byte buffer: what EVE lines are made of. It allocates nothing but the buffer's growth.
//!
//! ```
//! use sensor_core::json::Object;
//!
//! let mut line = Vec::new();
//! Object::write(&mut line, |o| {
//!     o.text("name", b"a\"b").number("n", 3);
//!     o.array("list", |a| {
//!         a.text(b"x").text(b"\xff");
//!     });
//! });
//! assert_eq!(line, br#"{"name":"a\"b","n":3,"list":["x","\\xff"]}"#);
//! ```

use std::fmt::{self, Write};

/// The members of an object that is being written.
#[derive(Debug)]
pub struct Object<'a> {
    out: &'a mut Vec<u8>,
    empty: bool,
}

/// The elements of an array that is being written.
#[derive(Debug)]
pub struct Array<'a> {
    out: &'a mut Vec<u8>,
    empty: bool,
}

impl Object<'_> {
    /// Appends an object to `out`.
    pub fn write(out: &mut Vec<u8>, members: impl FnOnce(&mut Object<'_>)) {
        out.push(b'{');
        members(&mut Object { out, empty: true });
        out.push(b'}');
    }

    /// A string; see [`text`].
    pub fn text(&mut self, key: &str, value: impl AsRef<[u8]>) -> &mut Self {
        text(self.key(key), value.as_ref());
        self
    }

    /// A string, if there is one.
    pub fn text_if(&mut self, key: &str, value: Option<impl AsRef<[u8]>>) -> &mut Self {
        if let Some(value) = value {
            self.text(key, value);
        }
        self
    }

    /// A string of what `value` prints.
    pub fn display(&mut self, key: &str, value: impl fmt::Display) -> &mut Self {
        display(self.key(key), value);
        self
    }

    /// An integer.
    pub fn number(&mut self, key: &str, value: impl itoa::Integer) -> &mut Self {
        number(self.key(key), value);
        self
    }

    /// An integer, if there is one.
    pub fn number_if(&mut self, key: &str, value: Option<impl itoa::Integer>) -> &mut Self {
        if let Some(value) = value {
            self.number(key, value);
        }
        self
    }

    /// `true` or `false`.
    pub fn boolean(&mut self, key: &str, value: bool) -> &mut Self {
        self.key(key).extend_from_slice(if value { b"true" } else { b"false" });
        self
    }

    /// An object.
    pub fn object(&mut self, key: &str, members: impl FnOnce(&mut Object<'_>)) -> &mut Self {
        Object::write(self.key(key), members);
        self
    }

    /// An array.
    pub fn array(&mut self, key: &str, elements: impl FnOnce(&mut Array<'_>)) -> &mut Self {
        Array::write(self.key(key), elements);
        self
    }

    /// Hexadecimal digits in lower case.
    pub fn hex(&mut self, key: &str, bytes: &[u8]) -> &mut Self {
        hex(self.key(key), bytes);
        self
    }

    /// The buffer, behind `"key":`, for a value that the caller writes.
    pub fn raw(&mut self, key: &str) -> &mut Vec<u8> {
        self.key(key)
    }

    fn key(&mut self, key: &str) -> &mut Vec<u8> {
        if !std::mem::take(&mut self.empty) {
            self.out.push(b',');
        }
        text(self.out, key.as_bytes());
        self.out.push(b':');
        self.out
    }
}

impl Array<'_> {
    /// Appends an array to `out`.
    pub fn write(out: &mut Vec<u8>, elements: impl FnOnce(&mut Array<'_>)) {
        out.push(b'[');
        elements(&mut Array { out, empty: true });
        out.push(b']');
    }

    /// A string; see [`text`].
    pub fn text(&mut self, value: impl AsRef<[u8]>) -> &mut Self {
        text(self.element(), value.as_ref());
        self
    }

    /// A string of what `value` prints.
    pub fn display(&mut self, value: impl fmt::Display) -> &mut Self {
        display(self.element(), value);
        self
    }

    /// An integer.
    pub fn number(&mut self, value: impl itoa::Integer) -> &mut Self {
        number(self.element(), value);
        self
    }

    /// An object.
    pub fn object(&mut self, members: impl FnOnce(&mut Object<'_>)) -> &mut Self {
        Object::write(self.element(), members);
        self
    }

    /// An array.
    pub fn array(&mut self, elements: impl FnOnce(&mut Array<'_>)) -> &mut Self {
        Array::write(self.element(), elements);
        self
    }

    fn element(&mut self) -> &mut Vec<u8> {
        if !std::mem::take(&mut self.empty) {
            self.out.push(b',');
        }
        self.out
    }
}

/// Appends a string of any bytes. What is UTF-8 stays; in anything else each byte that is no printable ASCII stands as
/// the four characters `\xHH`, as Suricata writes it.
pub fn text(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    match std::str::from_utf8(bytes) {
        Ok(_) => escaped(out, bytes),
        Err(_) => {
            for &byte in bytes {
                if (0x20..0x7f).contains(&byte) {
                    escaped(out, &[byte]);
                } else {
                    out.extend_from_slice(&[b'\\', b'\\', b'x', digit(byte >> 4), digit(byte & 15)]);
                }
            }
        }
    }
    out.push(b'"');
}

/// Copies runs that need no escape at once.
fn escaped(out: &mut Vec<u8>, mut bytes: &[u8]) {
    while let Some(at) = bytes.iter().position(|&byte| byte < 0x20 || matches!(byte, b'"' | b'\\' | 0x7f)) {
        let (plain, rest) = bytes.split_at(at);
        out.extend_from_slice(plain);
        let Some((&byte, rest)) = rest.split_first() else { return };
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => out.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte & 15)]),
        }
        bytes = rest;
    }
    out.extend_from_slice(bytes);
}

fn display(out: &mut Vec<u8>, value: impl fmt::Display) {
    out.push(b'"');
    // A write to a vector cannot fail.
    let _ = write!(Escaping(out), "{value}");
    out.push(b'"');
}

struct Escaping<'a>(&'a mut Vec<u8>);

impl Write for Escaping<'_> {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        escaped(self.0, part.as_bytes());
        Ok(())
    }
}

fn number(out: &mut Vec<u8>, value: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

fn hex(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    out.extend(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]));
    out.push(b'"');
}

fn digit(nibble: u8) -> u8 {
    if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_read_back_as_json() {
        let texts: [&[u8]; 5] =
            [b"", b"a\x00\x1f\x7f\"\\/\r\n\t", "gr\u{fc}n \u{1f98a}".as_bytes(), b"\xff\x00a\"", b"\\x41"];
        let mut line = Vec::new();
        Object::write(&mut line, |o| {
            for (at, bytes) in texts.iter().enumerate() {
                o.text(&at.to_string(), bytes);
            }
            o.display("d", format_args!("{}\"", 1)).hex("h", &[0, 0xab]).number("n", -5_i64).boolean("b", true);
            o.text_if("none", None::<&str>).number_if("some", Some(1_u8));
            o.array("a", |a| {
                a.number(1_u8).array(|a| {
                    a.text("x");
                });
                a.object(|_| {});
            });
        });
        let value: serde_json::Value = serde_json::from_slice(&line).unwrap();
        assert_eq!(value["1"], "a\u{0}\u{1f}\u{7f}\"\\/\r\n\t");
        assert_eq!(value["2"], "gr\u{fc}n \u{1f98a}");
        assert_eq!(value["3"], "\\xff\\x00a\"");
        assert_eq!((&value["d"], &value["h"]), (&"1\"".into(), &"00ab".into()));
        assert_eq!(value["a"], serde_json::json!([1, ["x"], {}]));
        assert!(value.get("none").is_none() && value["some"] == 1 && value["n"] == -5 && value["b"] == true);
    }
}
