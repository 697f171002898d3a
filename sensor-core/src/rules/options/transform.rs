//! Transforms of a buffer.

use super::first_word;
use crate::rules::ast::{Base64Mode, Transform, Value};
use crate::rules::builder::Builder;
use crate::rules::fault::{Fault, Parsed};
use crate::rules::lexer::{quoted, unescape};
use crate::rules::number::bounded;

macro_rules! bare {
    ($($reader:ident $transform:ident;)*) => {
        $(pub(super) fn $reader(builder: &mut Builder, _: &str) -> Parsed<()> {
            builder.transform(Transform::$transform)
        })*
    };
}

bare! {
    to_lowercase ToLowercase;
    to_uppercase ToUppercase;
    strip_whitespace StripWhitespace;
    compress_whitespace CompressWhitespace;
    strip_pseudo_headers StripPseudoHeaders;
    header_lowercase HeaderLowercase;
    url_decode UrlDecode;
    to_md5 ToMd5;
    to_sha1 ToSha1;
    to_sha256 ToSha256;
    dotprefix DotPrefix;
    domain Domain;
    tld Tld;
}

/// Most bytes of a key.
const MAX_KEY: usize = 255;

pub(super) fn xor(builder: &mut Builder, value: &str) -> Parsed<()> {
    if !value.starts_with('"') {
        return xor_from(builder, value);
    }
    let (_, hex) = quoted(value)?;
    let hex = hex.trim();
    let bad = || Fault::at(hex, "the key has to be pairs of hexadecimal digits, at most 255");
    let digits: Vec<u8> = hex
        .chars()
        .filter(|char| *char != ' ')
        .map(|char| char.to_digit(16).and_then(|digit| u8::try_from(digit).ok()).ok_or_else(bad))
        .collect::<Parsed<_>>()?;
    let (pairs, odd) = digits.as_chunks::<2>();
    if pairs.is_empty() || pairs.len() > MAX_KEY || !odd.is_empty() {
        return Err(bad());
    }
    builder.transform(Transform::Xor(pairs.iter().map(|[high, low]| high << 4 | low).collect()))
}

/// `offset n, extract key_len key_offset`
fn xor_from(builder: &mut Builder, value: &str) -> Parsed<()> {
    let (mut offset, mut key) = (0, None);
    for part in value.split(',') {
        match first_word(part) {
            ("offset", rest) => offset = bounded(rest, 0, u32::MAX)?,
            ("extract", rest) => {
                let (len, at) = first_word(rest);
                key = Some((bounded(len, 1, 255)?, bounded(at, 0, u32::MAX)?));
            }
            (word, _) => return Err(Fault::at(word, "the key has to stand in quotes, or be offset and extract")),
        }
    }
    let (key_len, key_offset) = key.ok_or_else(|| Fault::at(value, "extract is missing"))?;
    builder.transform(Transform::XorFrom { offset, key_len, key_offset })
}

pub(super) fn pcre(builder: &mut Builder, value: &str) -> Parsed<()> {
    let (negated, text) = quoted(value)?;
    if negated || text.is_empty() {
        return Err(Fault::at(value, "an expression with one group is needed"));
    }
    builder.transform(Transform::Pcre(unescape_quotes(text)))
}

fn unescape_quotes(text: &str) -> Box<str> {
    // Backslashes belong to the expression, apart from those before what would end the option.
    if text.contains("\\;") || text.contains("\\\"") {
        unescape(&text.replace("\\\\", "\\\\\\\\"))
    } else {
        text.into()
    }
}

pub(super) fn from_base64(builder: &mut Builder, value: &str) -> Parsed<()> {
    let (mut bytes, mut offset, mut mode) = (None, Value::Number(0), Base64Mode::Rfc4648);
    for part in value.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        match first_word(part) {
            ("bytes", rest) => bytes = Some(builder.value(rest, 1, 65535)?),
            ("offset", rest) => offset = builder.value(rest, 0, 65535)?,
            ("mode", rest) => {
                mode = super::one_of(
                    rest,
                    &[
                        ("rfc4648", Base64Mode::Rfc4648),
                        ("rfc2045", Base64Mode::Rfc2045),
                        ("strict", Base64Mode::Strict),
                    ],
                )?;
            }
            (word, _) => return Err(Fault::at(word, format!("{word:?} is none of bytes, offset, mode"))),
        }
    }
    builder.transform(Transform::FromBase64 { bytes, offset, mode })
}

pub(super) fn gunzip(builder: &mut Builder, value: &str) -> Parsed<()> {
    let most = max_size(value)?;
    builder.transform(Transform::Gunzip(most))
}

pub(super) fn zlib_deflate(builder: &mut Builder, value: &str) -> Parsed<()> {
    let most = max_size(value)?;
    builder.transform(Transform::ZlibDeflate(most))
}

fn max_size(value: &str) -> Parsed<Option<u32>> {
    match first_word(value) {
        ("", _) => Ok(None),
        ("max-size", rest) => bounded(rest, 1, u32::MAX).map(Some),
        (word, _) => Err(Fault::at(word, "only max-size can be given")),
    }
}
