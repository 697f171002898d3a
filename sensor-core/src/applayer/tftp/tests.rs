use super::*;
use crate::applayer::Transport;
use crate::applayer::parser::Settings;

fn read(settings: &Settings, datagrams: &[(Side, &[u8])]) -> (Tftp, Vec<String>) {
    let transport = Transport::Udp;
    let mut cx = Context { time: 0, transport, ports: (40000, 69), settings, next: None, announced: None };
    let mut tftp = Tftp::default();
    for (side, datagram) in datagrams {
        assert_eq!(tftp.data(*side, datagram, &mut cx), Parsed::More);
    }
    let line = |request: &Request| {
        let mut line = Vec::new();
        Object::write(&mut line, |object| request.eve(object));
        String::from_utf8(line).unwrap()
    };
    let lines = tftp.live.iter().map(line).collect();
    (tftp, lines)
}

#[test]
fn requests_are_read_and_nothing_else() {
    const C: Side = Side::ToServer;
    let datagrams: [(Side, &[u8]); 10] = [
        (C, b"\0\x01file\0octet\0"),
        (C, b"\0\x02a file\0NetASCII\0blksize\x001432\0"),
        (C, b"\0\x01\0mail\0"),
        (C, b"\0\x01file\0strange\0"),
        (C, b"\0\x01file\0octet"),
        (C, b"\0\x01file"),
        (C, b"\0\x03\0\x01abc\0octet\0"),
        (C, b"\0"),
        (C, b""),
        (Side::ToClient, b"\0\x01file\0octet\0"),
    ];
    let (_, lines) = read(&Settings::default(), &datagrams);
    assert_eq!(
        lines,
        [
            r#"{"packet":"read","file":"file","mode":"octet"}"#,
            r#"{"packet":"write","file":"a file","mode":"netascii"}"#,
            r#"{"packet":"read","file":"","mode":"mail"}"#,
        ]
    );
}

#[test]
fn requests_that_nobody_reads_give_way() {
    let settings = Settings { transactions: 3, ..Settings::default() };
    let (tftp, lines) = read(&settings, &[(Side::ToServer, &b"\0\x01f\0octet\0"[..]); 10]);
    assert_eq!((tftp.ids(), lines.len()), (7..10, 3));
}
