//! Bencoding (BEP 3): numbers, texts, lists and dictionaries, read without keeping anything.

/// Something that is encoded; lists and dictionaries are what stands between their first and last byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item<'a> {
    Number(i64),
    Text(&'a [u8]),
    List(&'a [u8]),
    Dictionary(&'a [u8]),
}

/// How deep lists and dictionaries may lie in each other.
const MOST_DEPTH: usize = 16;

/// Hands over the members of a dictionary that fills the bytes; `None` if it is none or `take` says so.
pub(super) fn members<'a>(bytes: &'a [u8], mut take: impl FnMut(&'a [u8], Item<'a>) -> Option<()>) -> Option<()> {
    // What lies in another item comes without its first and last byte.
    let mut rest = match bytes {
        [b'd', inside @ .., b'e'] => inside,
        _ => bytes,
    };
    while !rest.is_empty() {
        let (Item::Text(key), after) = item(rest, 0)? else { return None };
        let (value, after) = item(after, 0)?;
        take(key, value)?;
        rest = after;
    }
    Some(())
}

/// Hands over the elements of a list's inside.
pub(super) fn elements<'a>(mut rest: &'a [u8], mut take: impl FnMut(Item<'a>) -> Option<()>) -> Option<()> {
    while !rest.is_empty() {
        let (element, after) = item(rest, 0)?;
        take(element)?;
        rest = after;
    }
    Some(())
}

/// The first item, and what follows it.
fn item(bytes: &[u8], depth: usize) -> Option<(Item<'_>, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    match first {
        b'i' => {
            let (digits, rest) = until(rest, b'e')?;
            Some((Item::Number(std::str::from_utf8(digits).ok()?.parse().ok()?), rest))
        }
        b'0'..=b'9' => {
            let (digits, rest) = until(bytes, b':')?;
            let length: usize = std::str::from_utf8(digits).ok()?.parse().ok()?;
            let (text, rest) = rest.split_at_checked(length)?;
            Some((Item::Text(text), rest))
        }
        b'l' | b'd' if depth < MOST_DEPTH => {
            let mut left = rest;
            while *left.first()? != b'e' {
                (_, left) = item(left, depth + 1)?;
            }
            let inside = rest.get(..rest.len() - left.len())?;
            let item = if *first == b'l' { Item::List(inside) } else { Item::Dictionary(inside) };
            Some((item, left.get(1..)?))
        }
        _ => None,
    }
}

/// What stands before a byte near the beginning, and what behind it.
fn until(bytes: &[u8], end: u8) -> Option<(&[u8], &[u8])> {
    let place = bytes.iter().take(21).position(|byte| *byte == end)?;
    Some((bytes.get(..place)?, bytes.get(place + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_told_apart() {
        let mut seen = Vec::new();
        let bytes = b"d1:ai-5e1:b2:xy1:cl1:pi1ee1:dd1:q0:ee";
        members(bytes, |key, item| {
            seen.push((key, item));
            Some(())
        })
        .unwrap();
        let expected: [(&[u8], Item<'_>); 4] = [
            (b"a", Item::Number(-5)),
            (b"b", Item::Text(b"xy")),
            (b"c", Item::List(b"1:pi1e")),
            (b"d", Item::Dictionary(b"1:q0:")),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn depth_and_lengths_are_bounded() {
        let deep = [&b"d1:a"[..], &[b'l'; 5000], &[b'e'; 5000], b"e"].concat();
        assert_eq!(members(&deep, |_, _| Some(())), None);
        for bytes in [&b"d1:a9:xe"[..], b"d1:ai1", b"di1e1:ae", b"d1:ai99999999999999999999ee", b"x", b"d1:ae"] {
            assert_eq!(members(bytes, |_, _| Some(())), None, "{}", bytes.escape_ascii());
        }
    }
}
