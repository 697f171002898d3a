//! Servers that speak first, and programs that say their version in a line or a fixed place: mail, FTP, VNC, databases,
//! remote desktops and more.

use super::reader::{Reader, find, line, text};
use crate::discover::fact::Product;

/// The SMTP or FTP greeting (`220`): the product, and the host name that stands first.
pub fn greeting_220(stream: &[u8], port: u16) -> Option<(Product, Option<String>)> {
    let rest = stream.strip_prefix(b"220").and_then(|rest| rest.strip_prefix(b" ").or(rest.strip_prefix(b"-")))?;
    // What is said last may tell mail from FTP.
    let first = text(line(rest)?.0, 255);
    let lower = first.to_ascii_lowercase();
    let mail = lower.contains("smtp") || lower.contains("mail") || lower.contains("postfix") || lower.contains("exim");
    let ftp = lower.contains("ftp") || lower.contains("filezilla");
    let mail = if mail != ftp { mail } else { matches!(port, 25 | 465 | 587 | 2525) };
    let host = first.split(' ').next().filter(|name| name.contains('.') && !name.starts_with(['(', '[']));
    let host = host.map(|host| host.to_owned()).filter(|_| mail);
    let marks: &[(&str, &str)] = if mail {
        &[
            ("postfix", "Postfix"),
            ("sendmail", "Sendmail"),
            ("exim", "Exim"),
            ("microsoft esmtp", "Microsoft Exchange"),
            ("gsmtp", "Google SMTP"),
            ("qmail", "qmail"),
            ("lotus", "Lotus Domino"),
        ]
    } else {
        &[
            ("vsftpd", "vsFTPd"),
            ("proftpd", "ProFTPD"),
            ("pure-ftpd", "Pure-FTPd"),
            ("filezilla", "FileZilla Server"),
            ("microsoft ftp", "Microsoft FTP"),
            ("wu-", "WU-FTPD"),
        ]
    };
    let mut product = Product::of(if mail { "smtp" } else { "ftp" });
    if let Some((mark, name)) = marks.iter().find(|(mark, _)| lower.contains(mark)) {
        let version = lower.find(mark).and_then(|at| first.get(at + mark.len()..)).and_then(version_in);
        product = product.named(name, version.as_deref());
    }
    Some((product.said(first), host))
}

/// The first word that begins with a digit and has a dot, within the next few.
fn version_in(rest: &str) -> Option<String> {
    let words = rest.split([' ', '/', '(', ')', ';', ',', '-', '_']).take(6);
    let mut versions = words.filter(|word| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.'));
    versions.next().map(|version| version.trim_end_matches('.').to_owned())
}

/// Servers that greet in a line of text: POP3, IMAP, NNTP, VNC, rsync, SIP, RTSP, IRC.
pub fn line_server(stream: &[u8], port: u16) -> Option<Product> {
    if matches!(stream, [0xff, 0xfb..=0xfe, _, ..]) {
        return Some(Product::of("telnet"));
    }
    let (first, _) = line(stream)?;
    let first = first.get(..255).unwrap_or(first);
    let said = || text(first, 255);
    let words = |protocol| named_by_words(Product::of(protocol), &said()).said(said());
    if stream.starts_with(b"+OK") {
        return Some(words("pop3"));
    }
    if stream.starts_with(b"* OK") || stream.starts_with(b"* PREAUTH") || stream.starts_with(b"* BYE") {
        return Some(words("imap"));
    }
    if let Some(version) = stream.strip_prefix(b"RFB ") {
        let version = text(version.get(..7)?, 7);
        return Some(Product::of("vnc").named("", Some(&version)).said(said()));
    }
    if let Some(version) = stream.strip_prefix(b"@RSYNCD: ") {
        let version = text(line(version).map_or(version, |(version, _)| version), 16);
        return Some(Product::of("rsync").named("rsync", None).said(version));
    }
    if stream.starts_with(b"SIP/2.0 ") {
        return Some(header_product("sip", stream, &[b"server", b"user-agent"]));
    }
    if stream.starts_with(b"RTSP/1.0 ") {
        return Some(header_product("rtsp", stream, &[b"server"]));
    }
    if (stream.starts_with(b"200 ") || stream.starts_with(b"201 ")) && (port == 119 || contains(first, b"NNTP")) {
        return Some(words("nntp"));
    }
    let irc = stream.starts_with(b":") && (contains(first, b" NOTICE ") || contains(first, b" 001 "));
    if irc || stream.starts_with(b"NOTICE AUTH") {
        return Some(Product::of("irc").said(said()));
    }
    None
}

fn contains(data: &[u8], needle: &[u8]) -> bool {
    find(data, needle).is_some()
}

fn named_by_words(product: Product, banner: &str) -> Product {
    const PROGRAMS: [&str; 10] =
        ["Dovecot", "Courier", "Cyrus", "Microsoft Exchange", "Zimbra", "Qpopper", "hMailServer", "INN", "Gimap", "UW"];
    match PROGRAMS.iter().find(|name| banner.contains(**name)) {
        Some(name) => {
            let version = banner.find(name).and_then(|at| banner.get(at + name.len()..)).and_then(version_in);
            product.named(name, version.as_deref())
        }
        None => product,
    }
}

/// A product by the first of these headers of a head in HTTP's style.
pub fn header_product(protocol: &'static str, head: &[u8], headers: &[&[u8]]) -> Product {
    let mut found = Product::of(protocol);
    super::http::fields(head, |name, value| {
        if found.product.is_none() && headers.iter().any(|header| name.eq_ignore_ascii_case(header)) {
            found = Product::slashed(protocol, &text(value, 255));
        }
    });
    found
}

/// MySQL's and MariaDB's initial handshake, or the error that a refused client gets.
pub fn mysql(stream: &[u8]) -> Option<Product> {
    let mut reader = Reader::new(stream);
    let [low, middle, high, sequence] = reader.array::<4>()?;
    let length = usize::from(low) | usize::from(middle) << 8 | usize::from(high) << 16;
    (sequence == 0 && (8..=1024).contains(&length)).then_some(())?;
    match reader.u8()? {
        10 => {
            let rest = reader.rest();
            let end = rest.iter().take(64).position(|byte| *byte == 0)?;
            let version = text(rest.get(..end)?, 64);
            version.starts_with(|c: char| c.is_ascii_digit()).then_some(())?;
            let maria = version.contains("MariaDB");
            let bare = version.strip_prefix("5.5.5-").filter(|_| maria).unwrap_or(&version);
            Some(Product::of("mysql").named(if maria { "MariaDB" } else { "MySQL" }, Some(bare)).said(version.clone()))
        }
        // ER_HOST_NOT_PRIVILEGED (1130) and ER_HOST_IS_BLOCKED (1129).
        255 => matches!(reader.le16()?, 1129 | 1130).then(|| Product::of("mysql").named("MySQL", None)),
        _ => None,
    }
}

/// PostgreSQL's answer: authentication first, its version among the parameters.
pub fn postgresql(stream: &[u8]) -> Option<Product> {
    let start = if stream.len() > 1 && matches!(stream.first(), Some(b'S' | b'N')) { 1 } else { 0 };
    let mut reader = Reader::new(stream.get(start..)?);
    match (reader.u8()?, reader.u32()?) {
        (b'R', 8..=64) => {}
        (b'E', length @ 8..=1024) if reader.rest().len() + 4 >= length as usize => {
            contains(reader.rest(), b"SFATAL").then_some(())?;
        }
        _ => return None,
    }
    let version = find(stream.get(..2048).unwrap_or(stream), b"server_version\0").and_then(|at| {
        let value = stream.get(at + 15..)?;
        Some(text(value.get(..value.iter().take(32).position(|byte| *byte == 0)?)?, 32))
    });
    Some(Product::of("pgsql").named("PostgreSQL", version.as_deref()))
}

/// Microsoft SQL Server's PRELOGIN answer ([MS-TDS] 2.2.6.5): its version stands behind option 0.
pub fn mssql(stream: &[u8]) -> Option<Product> {
    let mut reader = Reader::new(stream);
    (reader.array::<2>()? == [4, 1]).then_some(())?;
    reader.skip(6)?;
    let body = reader.rest();
    let mut options = Reader::new(body);
    (options.u8()? == 0).then_some(())?;
    let (at, length) = (options.u16()?, options.u16()?);
    (length == 6).then_some(())?;
    let mut version = Reader::new(body.get(at.into()..)?);
    let (major, minor, build) = (version.u8()?, version.u8()?, version.u16()?);
    Some(Product::of("mssql").named("Microsoft SQL Server", Some(&format!("{major}.{minor}.{build}"))))
}

/// Redis answers.
pub fn redis(stream: &[u8], port: u16) -> Option<Product> {
    let starts = |marks: &[&[u8]]| marks.iter().any(|mark| stream.starts_with(mark));
    let version = find(stream.get(..1024).unwrap_or(stream), b"redis_version:").and_then(|at| {
        let value = stream.get(at + 14..)?;
        line(value).map(|(version, _)| text(version, 32))
    });
    let known = version.is_some() || starts(&[b"+PONG\r\n", b"-NOAUTH ", b"-DENIED Redis"]);
    let likely = port == 6379 && starts(&[b"+OK\r\n", b"$", b"*", b":", b"-ERR "]);
    (known || likely).then(|| Product::of("redis").named("Redis", version.as_deref()))
}

/// RDP's connection confirm behind TPKT (RFC 1006; [MS-RDPBCGR] 2.2.1.2), or its request with the user's cookie.
pub fn rdp(stream: &[u8], server: bool) -> Option<Product> {
    let (tpkt, code) = (stream.starts_with(&[3, 0]), *stream.get(5)?);
    let length = usize::from(Reader::new(stream.get(2..)?).u16()?);
    let negotiates = |body: &[u8]| matches!(body, [1..=3, _, 8, 0, ..]);
    let rdp = if server {
        code == 0xd0 && (length == 11 || negotiates(stream.get(11..)?))
    } else {
        let cookie = stream.get(11..)?.starts_with(b"Cookie: mstshash=");
        code == 0xe0 && (length == 11 || cookie || negotiates(stream.get(11..)?))
    };
    (tpkt && rdp && length < 256).then(|| Product::of("rdp"))
}

/// SNMP's version, and the sysDescr in a plain answer (RFC 3418: 1.3.6.1.2.1.1.1.0).
pub fn snmp(data: &[u8]) -> Option<(bool, Product)> {
    use super::x509::element;
    let (tag, body) = element(&mut Reader::new(data))?;
    let mut reader = Reader::new(body);
    let version = match (tag, element(&mut reader)?) {
        (0x30, (2, [0])) => "1",
        (0x30, (2, [1])) => "2c",
        (0x30, (2, [3])) => "3",
        _ => return None,
    };
    let mut product = Product { version: Some(version.to_owned()), ..Product::of("snmp") };
    if version == "3" {
        // A scoped message: requests of a manager have the reportable bit set (RFC 3412, section 6.4).
        let mut global = Reader::new(element(&mut reader)?.1);
        element(&mut global)?;
        element(&mut global)?;
        let (_, flags) = element(&mut global)?;
        return Some((flags.first()? & 4 == 0, product));
    }
    let (4, _) = element(&mut reader)? else { return None };
    let (pdu, _) = element(&mut reader).filter(|(pdu, _)| (0xa0..=0xa8).contains(pdu))?;
    const SYS_DESCR: &[u8] = &[6, 8, 0x2b, 6, 1, 2, 1, 1, 1, 0];
    if pdu == 0xa2
        && let Some(at) = find(data.get(..1400).unwrap_or(data), SYS_DESCR)
        && let Some((4, value)) = element(&mut Reader::new(data.get(at + SYS_DESCR.len()..)?))
    {
        product.banner = Some(text(value, 255)).filter(|text| !text.is_empty());
    }
    Some((pdu == 0xa2, product))
}

/// NTP (RFC 5905, section 7.3): the second value is whether it is a server's or broadcast answer.
pub fn ntp(data: &[u8]) -> Option<(Product, bool)> {
    let first = *data.first()?;
    let (version, mode) = (first >> 3 & 7, first & 7);
    let long = data.len() >= 48 || (matches!(mode, 6 | 7) && data.len() >= 8);
    ((1..=4).contains(&version) && long && mode != 0).then(|| {
        let answer = matches!(mode, 2 | 4 | 5) || (matches!(mode, 6 | 7) && data.get(1).is_some_and(|b| b & 0x80 != 0));
        (Product { version: Some(version.to_string()), ..Product::of("ntp") }, answer)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greetings_tell_mail_from_ftp() {
        let (mail, host) = greeting_220(b"220 mx.example.com ESMTP Postfix (Debian/GNU)\r\n", 25).unwrap();
        assert_eq!((mail.protocol, mail.product.as_deref()), (Some("smtp"), Some("Postfix")));
        assert_eq!(host.as_deref(), Some("mx.example.com"));
        let (ftp, host) = greeting_220(b"220 (vsFTPd 3.0.3)\r\n", 21).unwrap();
        assert_eq!((ftp.product.as_deref(), ftp.version.as_deref()), (Some("vsFTPd"), Some("3.0.3")));
        assert_eq!((ftp.protocol, host), (Some("ftp"), None));
        let (sendmail, _) = greeting_220(b"220 a.b ESMTP Sendmail 8.14.4/8.14.4; Fri\r\n", 2500).unwrap();
        assert_eq!(sendmail.version.as_deref(), Some("8.14.4"));
        assert_eq!(greeting_220(b"2200 x", 25), None);
    }

    #[test]
    fn databases_tell_their_version() {
        let mut handshake = vec![74, 0, 0, 0, 10];
        handshake.extend(b"5.5.5-10.6.12-MariaDB\0");
        let found = mysql(&handshake).unwrap();
        assert_eq!((found.product.as_deref(), found.version.as_deref()), (Some("MariaDB"), Some("10.6.12-MariaDB")));
        let mut answer = vec![b'R', 0, 0, 0, 8, 0, 0, 0, 0, b'S', 0, 0, 0, 24];
        answer.extend(b"server_version\x0014.2\0");
        assert_eq!(postgresql(&answer).unwrap().version.as_deref(), Some("14.2"));
        let prelogin = [4, 1, 0, 20, 0, 0, 1, 0, 0, 0, 6, 0, 6, 0xff, 15, 0, 0x07, 0xd0, 0, 0];
        assert_eq!(mssql(&prelogin).unwrap().version.as_deref(), Some("15.0.2000"));
    }

    #[test]
    fn servers_in_lines_and_fixed_places() {
        assert_eq!(line_server(b"RFB 003.008\n", 5900).unwrap().version.as_deref(), Some("003.008"));
        let imap = line_server(b"* OK [CAPABILITY IMAP4rev1] Dovecot ready.\r\n", 143).unwrap();
        assert_eq!((imap.protocol, imap.product.as_deref()), (Some("imap"), Some("Dovecot")));
        let sip = line_server(b"SIP/2.0 200 OK\r\nServer: Asterisk PBX/18.1\r\n\r\n", 5060).unwrap();
        assert_eq!(sip.product.as_deref(), Some("Asterisk"));
        assert!(rdp(&[3, 0, 0, 19, 14, 0xd0, 0, 0, 0, 0, 0, 2, 0, 8, 0, 1, 0, 0, 0], true).is_some());
        assert_eq!(redis(b"$90\r\nredis_version:7.0.1\r\n", 1).unwrap().version.as_deref(), Some("7.0.1"));
    }

    #[test]
    fn snmp_and_ntp_tell_answers_from_questions() {
        let mut answer = vec![0x30, 45, 2, 1, 1, 4, 6];
        answer.extend(b"public");
        answer.extend([0xa2, 32, 2, 1, 1, 2, 1, 0, 2, 1, 0, 0x30, 21, 0x30, 19, 6, 8, 0x2b, 6, 1, 2, 1, 1, 1, 0, 4, 7]);
        answer.extend(b"Linux x");
        let (reply, product) = snmp(&answer).unwrap();
        assert!(reply);
        assert_eq!(product.banner.as_deref(), Some("Linux x"));
        let mut time = [0u8; 48];
        time[0] = 0x24; // version 4, server
        assert!(ntp(&time).unwrap().1);
        assert_eq!(ntp(&time[..40]), None);
    }
}
