//! Transforms of a buffer: what is done to it before rules look into it.

use std::io::Read;

use super::pcre::{Expression, Found, Memory};
use super::{MAX_VARIABLES, base64, number};
use crate::rules::ast::{Base64Mode, Transform, Value};

/// Most bytes that come of a transform; what is behind is left out.
pub const MAX_BYTES: usize = 1 << 20;
/// Most bytes that decompression gives unless the rule says so.
const MAX_INFLATED: usize = 1024;

/// The transforms of one buffer, one after the other.
#[derive(Debug)]
pub struct Transforms(Box<[Step]>);

#[derive(Debug)]
enum Step {
    Plain(Transform),
    Pcre(Box<Expression>),
}

/// Room for transforms, kept from one buffer to the next.
#[derive(Debug, Default)]
pub struct Work {
    data: Vec<u8>,
    next: Vec<u8>,
    memory: Memory,
    /// How often an expression was given up.
    pub(crate) given_up: u64,
}

impl Transforms {
    /// # Errors
    /// If an expression is not understood: which of the transforms, and why.
    pub fn new(transforms: &[Transform]) -> Result<Transforms, (usize, String)> {
        let step = |(index, transform): (usize, &Transform)| {
            if let Transform::Pcre(pattern) = transform {
                let expression = Expression::of_transform(pattern).map_err(|reason| (index, reason))?;
                return Ok(Step::Pcre(Box::new(expression)));
            }
            Ok(Step::Plain(transform.clone()))
        };
        Ok(Transforms(transforms.iter().enumerate().map(step).collect::<Result<_, _>>()?))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What comes of the data. Only `from_base64` reads variables.
    pub fn apply<'a>(&self, data: &[u8], variables: &[u64; MAX_VARIABLES], work: &'a mut Work) -> &'a [u8] {
        work.data.clear();
        work.data.extend_from_slice(data.get(..MAX_BYTES).unwrap_or(data));
        for step in &self.0 {
            let Work { data, next, memory, given_up } = work;
            next.clear();
            let replaced = match step {
                Step::Plain(transform) => plain(transform, data, next, variables),
                Step::Pcre(expression) => match expression.find(data, 0, memory) {
                    Found::At(..) => memory.group(1).is_some_and(|(start, end)| {
                        next.extend_from_slice(data.get(start..end).unwrap_or_default());
                        true
                    }),
                    Found::No => false,
                    Found::Limit => {
                        *given_up += 1;
                        false
                    }
                },
            };
            if replaced {
                std::mem::swap(data, next);
                data.truncate(MAX_BYTES);
            }
        }
        &work.data
    }
}

/// Changes the data in place, or puts what comes of it into `next`; whether the latter.
fn plain(transform: &Transform, data: &mut Vec<u8>, next: &mut Vec<u8>, variables: &[u64; MAX_VARIABLES]) -> bool {
    match transform {
        Transform::ToLowercase => data.make_ascii_lowercase(),
        Transform::ToUppercase => data.make_ascii_uppercase(),
        Transform::StripWhitespace => data.retain(|byte| !is_blank(*byte)),
        Transform::CompressWhitespace => data.dedup_by(|byte, before| is_blank(*byte) && is_blank(*before)),
        Transform::StripPseudoHeaders => {
            for line in data.split_inclusive(|byte| *byte == b'\n').filter(|line| !line.starts_with(b":")) {
                next.extend_from_slice(line);
            }
            return true;
        }
        Transform::HeaderLowercase => {
            for line in data.split_inclusive_mut(|byte| *byte == b'\n') {
                let name = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
                line.get_mut(..name).unwrap_or_default().make_ascii_lowercase();
            }
        }
        Transform::UrlDecode => url_decode(data),
        Transform::ToMd5 => {
            next.extend_from_slice(&<md5::Md5 as md5::Digest>::digest(&*data));
            return true;
        }
        Transform::ToSha1 => {
            next.extend_from_slice(&<sha1::Sha1 as sha1::Digest>::digest(&*data));
            return true;
        }
        Transform::ToSha256 => {
            next.extend_from_slice(&<sha2::Sha256 as sha2::Digest>::digest(&*data));
            return true;
        }
        Transform::DotPrefix => data.insert(0, b'.'),
        Transform::Domain => {
            let name = psl::domain(data);
            next.extend_from_slice(name.as_ref().map_or(&[][..], |name| name.as_bytes()));
            return true;
        }
        Transform::Tld => {
            let suffix = psl::suffix(data);
            next.extend_from_slice(suffix.as_ref().map_or(&[][..], |suffix| suffix.as_bytes()));
            return true;
        }
        Transform::Gunzip(most) => {
            inflate(flate2::read::MultiGzDecoder::new(data.as_slice()), *most, next);
            return true;
        }
        Transform::ZlibDeflate(most) => {
            inflate(flate2::read::ZlibDecoder::new(data.as_slice()), *most, next);
            return true;
        }
        Transform::Xor(key) => {
            data.iter_mut().zip(key.iter().cycle()).for_each(|(byte, key)| *byte ^= key);
        }
        Transform::XorFrom { offset, key_len, key_offset } => {
            let (key_len, key_offset) = (*key_len as usize, *key_offset as usize);
            let key = key_offset.checked_add(key_len).and_then(|end| data.get(key_offset..end));
            next.extend_from_slice(key.unwrap_or_default());
            let masked = data.get_mut(*offset as usize..).unwrap_or_default();
            masked.iter_mut().zip(next.iter().cycle()).for_each(|(byte, key)| *byte ^= key);
        }
        Transform::FromBase64 { bytes, offset, mode } => {
            return from_base64(data, *bytes, *offset, *mode, next, variables);
        }
        // Has a step of its own.
        Transform::Pcre(_) => {}
    }
    false
}

/// What C's `isspace` says.
fn is_blank(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

/// `%41` and `+`; what is no such pair of digits stays.
fn url_decode(data: &mut Vec<u8>) {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let (mut from, mut to) = (0, 0);
    while let Some(byte) = data.get(from).copied() {
        let (byte, len) = match (byte, digit(data.get(from + 1)), digit(data.get(from + 2))) {
            (b'%', Some(high), Some(low)) => (u8::try_from(high << 4 | low).unwrap_or(0), 3),
            (b'+', _, _) => (b' ', 1),
            _ => (byte, 1),
        };
        if let Some(place) = data.get_mut(to) {
            *place = byte;
        }
        (from, to) = (from + len, to + 1);
    }
    data.truncate(to);
}

/// What can be had of it, up to where it is damaged.
fn inflate(source: impl Read, most: Option<u32>, out: &mut Vec<u8>) {
    let most = most.map_or(MAX_INFLATED, |most| (most as usize).min(MAX_BYTES));
    // What was read before an error stays.
    let _ = source.take(most as u64).read_to_end(out);
}

/// Leaves the data as it is where nothing can be decoded.
fn from_base64(
    data: &[u8],
    bytes: Option<Value>,
    offset: Value,
    mode: Base64Mode,
    out: &mut Vec<u8>,
    variables: &[u64; MAX_VARIABLES],
) -> bool {
    let number = |value| usize::try_from(number::value(value, variables)).unwrap_or(usize::MAX);
    let source = data.get(number(offset)..).unwrap_or_default();
    let source = bytes.and_then(|bytes| source.get(..number(bytes))).unwrap_or(source);
    base64::decode_as(mode, source, MAX_BYTES, out)
}
