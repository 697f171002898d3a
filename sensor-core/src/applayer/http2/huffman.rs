//! The Huffman code of HPACK (RFC 7541, appendix B). It is canonical: the symbols of each length tell all of it.

/// Decodes a string; `None` if its end is not padded as section 5.2 asks, if it holds the end of a string, or if it is
/// longer than `most`.
pub fn decode(bytes: &[u8], most: usize) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity((bytes.len() * 8 / 5).min(most));
    let (mut code, mut len) = (0_u32, 0_u8);
    for byte in bytes {
        for bit in (0..8).rev() {
            code = code << 1 | u32::from(byte >> bit & 1);
            len += 1;
            if len < SHORTEST {
                continue;
            }
            let group = LENGTHS.get(usize::from(len))?;
            if let Some(place) = code.checked_sub(group.first).filter(|place| *place < group.count) {
                let symbol = *group.symbols.get(place as usize)?;
                if out.len() >= most {
                    return None;
                }
                out.push(symbol);
                (code, len) = (0, 0);
            }
        }
    }
    // The rest is the beginning of the code of the end: ones, fewer than a byte.
    (len < 8 && code == (1 << len) - 1).then_some(out)
}

/// Codes of one length.
#[derive(Clone, Copy)]
struct Length {
    first: u32,
    /// The last code of the longest length stands for the end of the string: it is counted, and has no symbol.
    count: u32,
    symbols: &'static [u8],
}

const SHORTEST: u8 = 5;
const LONGEST: u8 = 30;

static LENGTHS: [Length; LONGEST as usize + 1] = lengths();

const fn lengths() -> [Length; LONGEST as usize + 1] {
    let mut all = [Length { first: u32::MAX, count: 0, symbols: &[] }; LONGEST as usize + 1];
    let (mut code, mut before, mut at) = (0, 0, 0);
    while at < SYMBOLS.len() {
        #[expect(clippy::indexing_slicing, reason = "computed when compiled")]
        {
            let (len, symbols) = SYMBOLS[at];
            code <<= len - before;
            let end = (len == LONGEST) as u32;
            let count = symbols.len() as u32 + end;
            all[len as usize] = Length { first: code, count, symbols };
            code += count;
            before = len;
        }
        at += 1;
    }
    all
}

/// Lengths of codes, and their symbols in the order of the codes.
const SYMBOLS: [(u8, &[u8]); 21] = [
    (5, b"012aceiost"),
    (6, b" %-./3456789=A_bdfghlmnpru"),
    (7, b":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz"),
    (8, b"&*,;XZ"),
    (10, b"!\"()?"),
    (11, b"'+|"),
    (12, b"#>"),
    (13, b"\0$@[]~"),
    (14, b"^}"),
    (15, b"<`{"),
    (19, &[b'\\', 195, 208]),
    (20, &[128, 130, 131, 162, 184, 194, 224, 226]),
    (21, &[153, 161, 167, 172, 176, 177, 179, 209, 216, 217, 227, 229, 230]),
    (
        22,
        &[
            129, 132, 133, 134, 136, 146, 154, 156, 160, 163, 164, 169, 170, 173, 178, 181, 185, 186, 187, 189, 190,
            196, 198, 228, 232, 233,
        ],
    ),
    (
        23,
        &[
            1, 135, 137, 138, 139, 140, 141, 143, 147, 149, 150, 151, 152, 155, 157, 158, 165, 166, 168, 174, 175, 180,
            182, 183, 188, 191, 197, 231, 239,
        ],
    ),
    (24, &[9, 142, 144, 145, 148, 159, 171, 206, 215, 225, 236, 237]),
    (25, &[199, 207, 234, 235]),
    (26, &[192, 193, 200, 201, 202, 205, 210, 213, 218, 219, 238, 240, 242, 243, 255]),
    (27, &[203, 204, 211, 212, 214, 221, 222, 223, 241, 244, 245, 246, 247, 248, 250, 251, 252, 253, 254]),
    (
        28,
        &[
            2, 3, 4, 5, 6, 7, 8, 11, 12, 14, 15, 16, 17, 18, 19, 20, 21, 23, 24, 25, 26, 27, 28, 29, 30, 31, 127, 220,
            249,
        ],
    ),
    (30, &[10, 13, 22]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_complete_and_each_byte_has_one() {
        let filled: u64 = (0_u8..).zip(LENGTHS).map(|(len, group)| u64::from(group.count) << (30 - len)).sum();
        assert_eq!(filled, 1 << 30);
        let mut symbols: Vec<u8> = SYMBOLS.iter().flat_map(|(_, symbols)| symbols.iter().copied()).collect();
        symbols.sort_unstable();
        assert_eq!(symbols, (0..=255).collect::<Vec<u8>>());
    }

    #[test]
    fn strings_of_the_specification_are_read() {
        // RFC 7541, appendix C.4.1 and C.6.1.
        let host = [0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff];
        assert_eq!(decode(&host, 99).as_deref(), Some(&b"www.example.com"[..]));
        let date = [
            0xd0, 0x7a, 0xbe, 0x94, 0x10, 0x54, 0xd4, 0x44, 0xa8, 0x20, 0x05, 0x95, 0x04, 0x0b, 0x81, 0x66, 0xe0, 0x82,
            0xa6, 0x2d, 0x1b, 0xff,
        ];
        assert_eq!(decode(&date, 99).as_deref(), Some(&b"Mon, 21 Oct 2013 20:13:21 GMT"[..]));
        assert_eq!(decode(&host, 3), None);
        assert_eq!(decode(&[0xff], 3), None, "padding of a whole byte");
        assert_eq!(decode(&[0x06], 3), None, "padding that is not ones");
        assert_eq!(decode(&[0xff; 4], 3), None, "the end of the string");
    }
}
