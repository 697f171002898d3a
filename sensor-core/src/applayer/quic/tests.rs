use super::*;
use crate::applayer::Transport;
use crate::applayer::parser::{Settings, Transaction as _};
use crate::discover::extract::quic::tests::{crypto, seal};
use crate::discover::extract::tls::tests::hello_body;

fn feed(datagrams: &[(Side, &[u8])]) -> Quic {
    let settings = Settings { transactions: 4, ..Settings::default() };
    let mut parser = Quic::default();
    let mut cx = Context {
        time: 0,
        transport: Transport::Udp,
        ports: (40000, 443),
        settings: &settings,
        next: None,
        announced: None,
    };
    for (side, datagram) in datagrams {
        assert_eq!(parser.data(*side, datagram, &mut cx), Parsed::More);
    }
    parser
}

fn handshake() -> Vec<u8> {
    let body = hello_body();
    [vec![1, 0], (body.len() as u16).to_be_bytes().to_vec(), body].concat()
}

#[test]
fn a_hello_in_two_datagrams_is_told_with_the_second() {
    let message = handshake();
    let first = seal(0x6b33_43cf, &[9; 8], &crypto(0, &message[..50]), 0);
    let second = seal(0x6b33_43cf, &[9; 8], &crypto(50, &message[50..]), 1);
    let parser = feed(&[(Side::ToServer, &first), (Side::ToServer, &second)]);
    assert_eq!(parser.ids(), 0..2);
    let transaction = parser.live.get(1).unwrap();
    let mut scratch = Vec::new();
    let first = parser.live.get(0).unwrap();
    assert_eq!(first.buffer(Buffer::QuicSni, Side::ToServer, 0, &mut scratch), None);
    assert_eq!(transaction.buffer(Buffer::QuicSni, Side::ToServer, 0, &mut scratch), Some(&b"a.local"[..]));
    assert_eq!(
        transaction.buffer(Buffer::QuicVersion, Side::ToServer, 0, &mut scratch),
        Some(&[0x6b, 0x33, 0x43, 0xcf][..])
    );
    assert!(transaction.buffer(Buffer::Ja4Hash, Side::ToServer, 0, &mut scratch).unwrap().starts_with(b"q13d"));
    assert_eq!(transaction.buffer(Buffer::QuicSni, Side::ToClient, 0, &mut scratch), None);
}

#[test]
fn what_does_not_open_is_an_event_and_transactions_are_bounded() {
    let mut broken = seal(1, &[9; 8], &crypto(0, &handshake()), 0);
    *broken.last_mut().unwrap() ^= 1;
    let parser = feed(&[(Side::ToServer, &broken[..]); 9]);
    assert_eq!(parser.ids(), 5..9);
    assert!(parser.live.get(8).unwrap().events().has(FAILED_DECRYPT));
    for cut in 0..broken.len() {
        feed(&[(Side::ToServer, &broken[..cut])]);
    }
}

#[test]
fn a_chlo_of_google_is_told() {
    let mut packet = b"\xc3Q046\x50\0\0\0\0\0\0\0\0\0\0\0\x01".to_vec();
    packet.extend(b"CHLO\x02\0\0\0SNI\0\x05\0\0\0UAID\x08\0\0\0a.comxyz");
    let parser = feed(&[(Side::ToServer, &packet)]);
    let transaction = parser.live.get(0).unwrap();
    let mut scratch = Vec::new();
    let mut told = |buffer| transaction.buffer(buffer, Side::ToServer, 0, &mut scratch).map(<[u8]>::to_vec).unwrap();
    assert_eq!((told(Buffer::QuicSni), told(Buffer::QuicUa)), (b"a.com".to_vec(), b"xyz".to_vec()));
    assert_eq!(told(Buffer::QuicCyuString), b"46,SNI-UAID");
}
