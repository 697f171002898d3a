//! Replies (RFC 5321, section 4.2).

/// The code of a reply's line, and whether it is the reply's last; `None` if it is none.
pub fn parse(line: &[u8]) -> Option<(u16, bool)> {
    let [a @ b'2'..=b'5', b @ b'0'..=b'9', c @ b'0'..=b'9', rest @ ..] = line else { return None };
    let code = [a, b, c].iter().fold(0, |code, digit| code * 10 + u16::from(*digit - b'0'));
    CODES.contains(&code).then_some((code, rest.first() != Some(&b'-')))
}

/// Those that are in use: RFC 5321, RFC 4954 and what servers say beside.
const CODES: [u16; 37] = [
    211, 214, 220, 221, 235, 250, 251, 252, 334, 354, 401, 402, 421, 450, 451, 452, 454, 455, 500, 501, 502, 503, 504,
    511, 521, 522, 525, 530, 534, 535, 541, 550, 551, 552, 553, 554, 555,
];
