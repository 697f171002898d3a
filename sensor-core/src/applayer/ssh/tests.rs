use super::*;
use crate::applayer::Transport;
use crate::applayer::parser::{Settings, Transaction as _};
use crate::json::Object;

fn feed(parts: &[(Side, &[u8])]) -> (Ssh, Vec<Parsed>) {
    let (settings, mut parser) = (Settings::default(), Ssh::default());
    let mut cx = Context {
        time: 0,
        transport: Transport::Tcp,
        ports: (40000, 22),
        settings: &settings,
        next: None,
        announced: None,
    };
    let parsed = parts.iter().map(|(side, bytes)| parser.data(*side, bytes, &mut cx)).collect();
    (parser, parsed)
}

fn packet(number: u8, body: &[u8]) -> Vec<u8> {
    let mut out = (body.len() as u32 + 2).to_be_bytes().to_vec();
    out.extend([0, number]); // padding, message
    out.extend(body);
    out
}

fn kexinit() -> Vec<u8> {
    let mut body = vec![7; 16]; // cookie
    for list in ["kex", "key", "c-up", "c-down", "m-up", "m-down", "none", "zlib", "", ""] {
        body.extend((list.len() as u32).to_be_bytes());
        body.extend(list.as_bytes());
    }
    body.extend([0; 5]);
    packet(KEXINIT, &body)
}

fn events(parser: &Ssh) -> Vec<&'static str> {
    let set = parser.live.get(0).unwrap().events();
    set.iter().map(|event| PROTOCOL.events[usize::from(event)]).collect()
}

#[test]
fn both_sides_are_told_whatever_pieces_they_come_in() {
    let client = [b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n".to_vec(), kexinit(), packet(30, &[1; 40])].concat();
    let server = [b"hello\nSSH-1.99-Cisco-1.25\n".to_vec(), kexinit(), packet(NEWKEYS, &[])].concat();
    for piece in [1, 5, 4000] {
        let mut parts: Vec<_> = client.chunks(piece).map(|part| (Side::ToServer, part)).collect();
        parts.extend(server.chunks(piece).map(|part| (Side::ToClient, part)));
        let (parser, parsed) = feed(&parts);
        assert_eq!(parsed.last(), Some(&Parsed::Enough));
        let mut line = Vec::new();
        Object::write(&mut line, |object| parser.live.get(0).unwrap().eve(object));
        let line: serde_json::Value = serde_json::from_slice(&line).unwrap();
        assert_eq!(line["client"]["software_version"], "OpenSSH_9.2p1");
        assert_eq!(
            (&line["server"]["proto_version"], &line["server"]["software_version"]),
            (&"1.99".into(), &"Cisco-1.25".into())
        );
        assert_eq!(line["client"]["hassh"]["string"], "kex;c-up;m-up;none");
        assert_eq!(line["server"]["hassh"]["string"], "kex;c-down;m-down;zlib");
        let transaction = parser.live.get(0).unwrap();
        let mut scratch = Vec::new();
        assert_eq!(transaction.buffer(Buffer::SshHasshString, Side::ToClient, 0, &mut scratch), None);
        assert_eq!(transaction.progress(Side::ToServer), progress::KEY_EXCHANGE);
        assert!(events(&parser).is_empty() && parser.bytes() < 2000);
        // One side alone does not encrypt yet.
        assert!(!parser.is_encrypted());
        parts.push((Side::ToServer, &[0, 0, 0, 2, 0, NEWKEYS]));
        assert!(feed(&parts).0.is_encrypted());
    }
}

#[test]
fn what_is_odd_is_an_event() {
    let first = |bytes: &[u8]| events(&feed(&[(Side::ToServer, bytes)]).0);
    assert_eq!(first(b"SSH-2.0\r\n"), ["invalid_banner"]);
    assert_eq!(first(b"hello\r\n"), ["invalid_banner"]);
    let long = [b"SSH-2.0-".to_vec(), vec![b'x'; 300], b"\n".to_vec(), kexinit()].concat();
    assert_eq!(first(&long), ["long_banner"]);
    assert_eq!(first(b"SSH-2.0-a\n\x00\x00\x00\x01\x00\x14"), ["invalid_record"]);
    assert_eq!(first(b"SSH-2.0-a\n\x00\x01\x00\x00\x00\x14"), ["long_kex_record"]);
    let (parser, _) = feed(&[(Side::ToServer, &[b'x'; 100_000])]);
    assert!(parser.bytes() < 2000);
}
