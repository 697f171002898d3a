//! Commands, and the ports that they and their replies tell (RFC 959, RFC 2428).

/// The verb of a command, in upper case, and its arguments; `None` if it is none that Suricata knows of. As there, a verb
/// may have its arguments right behind it.
pub fn parse(line: &[u8]) -> Option<(&'static str, &[u8])> {
    let line = line.trim_ascii();
    let verb = |line: &[u8]| {
        let is = |known: &str| line.get(..known.len()).is_some_and(|verb| verb.eq_ignore_ascii_case(known.as_bytes()));
        VERBS.iter().find(|known| is(known)).copied()
    };
    if let Some(known) = verb(line) {
        return Some((known, line.get(known.len()..)?.trim_ascii_start()));
    }
    // Names of RFC 775 for what RFC 959 has without the X.
    let plain = line.strip_prefix(b"X").or_else(|| line.strip_prefix(b"x"))?;
    let known = verb(plain).filter(|known| matches!(*known, "CWD" | "MKD" | "PWD" | "RMD"))?;
    Some((known, plain.get(known.len()..)?.trim_ascii_start()))
}

/// Whether a verb opens the data connection.
pub fn is_transfer(verb: &str) -> bool {
    matches!(verb, "RETR" | "STOR" | "STOU" | "APPE" | "LIST" | "NLST" | "MLSD")
}

/// `h1,h2,h3,h4,p1,p2` of PORT, or in the text of a 227 (RFC 959, sections 4.1.2 and 5.3.2; RFC 1123, section 4.1.2.6).
pub fn port(text: &[u8]) -> Option<u16> {
    let start = text.windows(2).position(|pair| matches!(pair, [b'0'..=b'9', b'0'..=b'9' | b',']))?;
    let mut numbers = text.get(start..)?.split(|byte| !byte.is_ascii_digit()).map(number::<u8>);
    for _ in 0..4 {
        numbers.next()??;
    }
    let (high, low) = (numbers.next()??, numbers.next()??);
    Some(u16::from_be_bytes([high, low])).filter(|port| *port != 0)
}

/// `|protocol|address|port|` of EPRT, or `(|||port|)` in the text of a 229.
pub fn extended_port(text: &[u8]) -> Option<u16> {
    let open = memchr::memchr(b'(', text).map_or(0, |open| open + 1);
    let text = text.get(open..)?;
    let delimiter = *text.first()?;
    number(text.split(|byte| *byte == delimiter).nth(3)?).filter(|port| *port != 0)
}

fn number<T: std::str::FromStr>(digits: &[u8]) -> Option<T> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// What Suricata 8 takes for a command; the reply to another stands alone.
const VERBS: [&str; 48] = [
    "ABOR", "ACCT", "ALLO", "APPE", "CDUP", "CHMOD", "CWD", "DELE", "EPRT", "EPSV", "HELP", "IDLE", "LIST", "MAIL",
    "MDTM", "MKD", "MLFL", "MLSD", "MODE", "MRCP", "MRSQ", "MSAM", "MSND", "MSOM", "NLST", "NOOP", "PASS", "PASV",
    "PORT", "PWD", "QUIT", "REIN", "REST", "RETR", "RMD", "RNFR", "RNTO", "SITE", "SIZE", "SMNT", "STAT", "STOR",
    "STOU", "STRU", "SYST", "TYPE", "UMASK", "USER",
];
