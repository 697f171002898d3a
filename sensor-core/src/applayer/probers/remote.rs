//! Terminals and screens from afar.

use super::super::view::{CERTAIN, LIKELY, NO, Told, View, certain_if, is_ascii, likely_if};

/// Telnet: options are negotiated first (RFC 854, RFC 855).
pub fn telnet(v: &View<'_>) -> Told {
    let mut at = 0;
    let mut options = 0;
    while options < 2 {
        if v.u8(at)? != 0xff {
            break;
        }
        // WILL, WON'T, DO, DON'T with an option; a subnegotiation never comes first.
        if !matches!(v.u8(at + 1)?, 0xfb..=0xfe) || !matches!(v.u8(at + 2)?, 0..=49 | 138..=140 | 200 | 255) {
            return NO;
        }
        options += 1;
        at += 3;
        if at >= v.len() && options == 1 {
            return LIKELY;
        }
    }
    if options >= 2 {
        CERTAIN
    } else if options == 1 {
        LIKELY
    } else {
        NO
    }
}

/// RFB: the version line (RFC 6143 section 7.1.1).
pub fn rfb(v: &View<'_>) -> Told {
    certain_if(v.u8(0)? == b'R' && v.starts(b"RFB 0")? && v.u8(7)? == b'.')
}

/// X11: a byte order and version 11.0, or the server's answer (X protocol, section 8).
pub fn x11(v: &View<'_>) -> Told {
    match v.u8(0)? {
        b'B' => {
            let fits = v.u8(1)? == 0 && v.be16(2)? == 11 && v.be16(4)? == 0 && v.be16(6)? < 256 && v.be16(8)? < 256;
            certain_if(fits)
        }
        b'l' => {
            let fits = v.u8(1)? == 0 && v.le16(2)? == 11 && v.le16(4)? == 0 && v.le16(6)? < 256 && v.le16(8)? < 256;
            certain_if(fits)
        }
        0..=2 if v.u8(1)? == 0 => likely_if(v.be16(2)? == 11 && v.be16(4)? == 0 || v.le16(2)? == 11 && v.le16(4)? == 0),
        _ => NO,
    }
}

/// XDMCP: version 1, an operation and the datagram's length.
pub fn xdmcp(v: &View<'_>) -> Told {
    certain_if(v.be16(0)? == 1 && (1..=15).contains(&v.be16(2)?) && v.ends_at(u64::from(v.be16(4)?) + 6))
}

/// Rlogin: a zero, two users, a terminal with its speed (RFC 1282).
pub fn rlogin(v: &View<'_>) -> Told {
    if v.u8(0)? != 0 {
        return NO;
    }
    // The client may send its zero alone first.
    let mut words = v.bytes.get(1..)?.split(|&byte| byte == 0);
    let (local, remote, terminal) = (words.next()?, words.next()?, words.next()?);
    let named = |word: &[u8]| !word.is_empty() && word.len() <= 64 && is_ascii(word);
    if !named(local) || !is_ascii(remote) {
        return NO;
    }
    words.next()?;
    certain_if(named(terminal) && terminal.contains(&b'/'))
}

/// Remote shell: a port for errors, two users, a command, each with a zero behind it.
pub fn rsh(v: &View<'_>) -> Told {
    if !v.u8(0)?.is_ascii_digit() && v.u8(0)? != 0 {
        return NO;
    }
    let mut words = v.bytes.split(|&byte| byte == 0);
    let (port, local, remote, command) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let digits = port.len() <= 5 && port.iter().all(u8::is_ascii_digit);
    let users = !local.is_empty()
        && !remote.is_empty()
        && local.len() <= 32
        && remote.len() <= 32
        && is_ascii(local)
        && is_ascii(remote);
    if !digits || !users || !is_ascii(command) || command.is_empty() {
        return NO;
    }
    words.next()?;
    LIKELY
}
