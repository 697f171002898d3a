//! URLs in texts.

/// Finds the URLs of `http` in a line that ends with `end`, and appends them without their scheme. One that nothing
/// ends holds the line's end, as in Suricata.
pub fn find(line: &[u8], end: &[u8], urls: &mut Vec<Vec<u8>>) {
    let mut at = 0;
    while let Some(found) = line.get(at..).and_then(|rest| memchr::memmem::find(rest, b"://")) {
        let mark = at + found;
        at = mark + 3;
        let scheme = mark.checked_sub(4).and_then(|start| line.get(start..mark));
        if !scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"http")) {
            continue;
        }
        if urls.len() >= MAX_URLS {
            return;
        }
        let rest = line.get(at..).unwrap_or_default();
        match rest.iter().position(|byte| ENDS.contains(byte)) {
            Some(len) => {
                urls.push(rest.get(..len).unwrap_or_default().to_vec());
                at += len;
            }
            None => {
                urls.push([rest, end].concat());
                return;
            }
        }
    }
}

/// Hands over the whole lines of a decoded text; `open` holds the one that goes on.
pub fn lines(open: &mut Vec<u8>, mut text: &[u8], mut take: impl FnMut(&[u8])) {
    while let Some(end) = memchr::memchr(b'\n', text) {
        open.extend_from_slice(text.get(..end).unwrap_or_default());
        take(open.strip_suffix(b"\r").unwrap_or(open));
        open.clear();
        text = text.get(end + 1..).unwrap_or_default();
    }
    if open.len() + text.len() > MAX_OPEN {
        take(open);
        open.clear();
    }
    open.extend_from_slice(text);
}

/// What a URL ends before.
const ENDS: &[u8] = b"\"'<>] \t";
/// URLs of a message.
const MAX_URLS: usize = 1024;
/// Bytes of a decoded line; a longer one is looked at in pieces.
const MAX_OPEN: usize = 4096;
