//! HTTP and its kin.

use super::super::view::{CERTAIN, LIKELY, NO, Told, View, certain_if, contains, is_text};

/// HTTP/0.9 to 1.1: a request line whose method and target are HTTP's, or any line that ends in its version; or a
/// status line. RFC 9112 sections 3 and 4.
pub fn http(v: &View<'_>) -> Told {
    let first = v.u8(0)?;
    // Servers are to skip empty lines before a request (RFC 9112 section 2.2), and answers with a stray one exist.
    if matches!(first, b'\r' | b'\n') {
        let skip = v.bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n'))?;
        return if skip <= 4 { http(&v.after(skip)) } else { NO };
    }
    if !first.is_ascii_alphabetic() {
        return NO;
    }
    if first == b'H' && v.starts(b"HTTP/")? {
        return certain_if(v.u8(5)?.is_ascii_digit());
    }
    let (line, whole) = v.line();
    let Some(space) = line.iter().take(MAX_METHOD + 1).position(|&byte| byte == b' ') else {
        let word = line.len() <= MAX_METHOD && line.iter().all(|&byte| is_token(byte));
        return if whole || !word { NO } else { None };
    };
    let (method, target) = line.split_at_checked(space)?;
    let target = target.get(1..)?;
    // HTTP/2's preface is made to look like a request.
    if method.is_empty() || method == b"PRI" || !method.iter().all(|&byte| is_token(byte)) {
        return NO;
    }
    if target.windows(6).any(|window| window == b" HTTP/") {
        return CERTAIN;
    }
    if !METHODS.contains(&method) || !is_text(target) {
        return NO;
    }
    match target.first() {
        Some(b'/') => CERTAIN,
        Some(b'*') if method == b"OPTIONS" => CERTAIN,
        Some(b'h' | b'H') if whole || target.len() >= 8 => {
            certain_if(target.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"http")))
        }
        Some(_) if whole => NO,
        Some(_) | None => None,
    }
}

/// HTTP/2 in the clear: the client's preface, or the server's SETTINGS (RFC 9113 sections 3.4 and 6.5).
pub fn http2(v: &View<'_>) -> Told {
    match v.u8(0)? {
        b'P' => certain_if(v.starts(b"PRI * HTTP/2.0\r\n")?),
        0 => {
            let length = v.be24(0)?;
            let settings = length % 6 == 0 && length <= 6 * 32 && v.u8(3)? == 4 && v.u8(4)? == 0 && v.be32(5)? == 0;
            // The first setting has a number that exists; an empty frame says too little.
            if !settings || (length > 0 && !(1..=16).contains(&v.be16(9)?)) {
                NO
            } else if length == 0 {
                LIKELY
            } else {
                CERTAIN
            }
        }
        _ => NO,
    }
}

/// SSDP: HTTP's lines in datagrams (UPnP Device Architecture 1.1 section 1.1.2).
pub fn ssdp(v: &View<'_>) -> Told {
    if v.any_start(&[b"M-SEARCH * HTTP/1.", b"NOTIFY * HTTP/1."])? {
        return CERTAIN;
    }
    if !v.starts(b"HTTP/1.")? {
        return NO;
    }
    if contains(v.bytes, b"\r\nUSN:") || contains(v.bytes, b"\r\nST:") { CERTAIN } else { LIKELY }
}

/// WS-Discovery: SOAP in datagrams.
pub fn ws_discovery(v: &View<'_>) -> Told {
    if v.u8(0)? != b'<' {
        return NO;
    }
    v.u8(64)?;
    let soap = contains(v.bytes, b"envelope") && contains(v.bytes, b"/discovery");
    certain_if(soap)
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

const MAX_METHOD: usize = 24;

/// Methods that make a request line without a version HTTP's: RFC 9110, RFC 5789, WebDAV's.
const METHODS: &[&[u8]] = &[
    b"GET",
    b"POST",
    b"HEAD",
    b"PUT",
    b"DELETE",
    b"OPTIONS",
    b"TRACE",
    b"CONNECT",
    b"PATCH",
    b"PROPFIND",
    b"PROPPATCH",
    b"MKCOL",
    b"COPY",
    b"MOVE",
    b"LOCK",
    b"UNLOCK",
    b"SEARCH",
    b"REPORT",
    b"SUBSCRIBE",
    b"NOTIFY",
    b"RPC_IN_DATA",
    b"RPC_OUT_DATA",
    b"VERSION-CONTROL",
    b"CHECKOUT",
    b"BMOVE",
    b"BCOPY",
    b"BPROPFIND",
];
