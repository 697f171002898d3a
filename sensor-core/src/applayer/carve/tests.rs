//! Messages cut into parts, whatever the pieces they come in.

use super::*;

/// Name, where it begins in its part, whether it ends it, and the bytes.
type Seen = (&'static str, u64, bool, Vec<u8>);

fn carve(app: AppProto, feed: impl FnOnce(&mut Carver)) -> Vec<Seen> {
    let mut carver = Carver::new(layout(app).unwrap());
    feed(&mut carver);
    seen(&carver)
}

fn seen(carver: &Carver) -> Vec<Seen> {
    let name = |piece: &Piece| carver.layout.names[usize::from(piece.kind)];
    carver.pieces().map(|(piece, bytes)| (name(&piece), piece.start, piece.ends, bytes.to_vec())).collect()
}

fn whole(name: &'static str, bytes: &[u8]) -> Seen {
    (name, 0, true, bytes.to_vec())
}

#[test]
fn every_layout_is_of_another_protocol_and_fits_the_set() {
    for (place, layout) in LAYOUTS.iter().enumerate() {
        assert!(LAYOUTS.iter().skip(place + 1).all(|other| other.app != layout.app), "{layout:?}");
        let mut wanted = Wanted::default();
        wanted.add(layout.app);
        assert!(wanted.has(layout.app) && !wanted.has(AppProto::Ntp));
    }
    assert!(AppProto::ALL.len() <= 128);
}

#[test]
fn pieces_of_a_stream_do_not_matter() {
    // Two records of TLS: a handshake of 3 bytes and an alert of 2.
    let stream = [22, 3, 1, 0, 3, 1, 2, 3, 21, 3, 3, 0, 2, 1, 40];
    let once = carve(AppProto::Tls, |carver| carver.data(Side::ToServer, &stream, Transport::Tcp));
    assert_eq!(
        once,
        [
            whole("pdu", &stream[..8]),
            whole("hdr", &stream[..5]),
            whole("data", &stream[5..8]),
            whole("pdu", &stream[8..]),
            whole("hdr", &stream[8..13]),
            whole("data", &stream[13..]),
            whole("alert", &stream[13..]),
        ]
    );
    for size in 1..stream.len() {
        let pieces = carve(AppProto::Tls, |carver| {
            stream.chunks(size).for_each(|piece| carver.data(Side::ToServer, piece, Transport::Tcp));
        });
        assert_eq!(pieces, once, "{size}");
    }
}

#[test]
fn a_gap_inside_a_message_leaves_its_ends() {
    let head = b"HTTP/1.0 200 OK\r\nContent-Length: 10\r\n\r\n";
    let out = carve(AppProto::Http, |carver| {
        carver.data(Side::ToClient, &[&head[..], b"abc"].concat(), Transport::Tcp);
        assert!(carver.is_empty());
        carver.gap(Side::ToClient, 4);
        carver.data(Side::ToClient, b"xyz\r\nHTTP/1.0 204 No\r\n\r\n", Transport::Tcp);
    });
    let start = head.len() as u64 + 7;
    assert_eq!(
        out,
        [
            ("response", 0, false, [&head[..], b"abc"].concat()),
            ("response", start, true, b"xyz".to_vec()),
            whole("response", b"HTTP/1.0 204 No\r\n\r\n"),
        ]
    );
}

#[test]
fn bodies_of_http_end_where_they_say() {
    let request: &[u8] = b"HEAD / HTTP/1.1\r\n\r\n";
    let chunked: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let of_head: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n";
    let open: &[u8] = b"HTTP/1.0 200 OK\r\n\r\nto the end";
    let out = carve(AppProto::Http, |carver| {
        carver.data(Side::ToServer, request, Transport::Tcp);
        for answer in [of_head, chunked, open] {
            carver.data(Side::ToClient, answer, Transport::Tcp);
        }
        carver.end(Side::ToClient);
    });
    let answers = [of_head, chunked, open].map(|answer| whole("response", answer));
    assert_eq!(out, [&[whole("request", request)][..], &answers].concat());
}

#[test]
fn messages_of_smb_stand_one_behind_the_other() {
    let mut message = vec![0xfe, b'S', b'M', b'B'];
    message.resize(64, 0);
    message.extend([7; 8]);
    let mut first = message.clone();
    first[20] = 72;
    let stream = [&[0, 0, 0, 144][..], &first, &message].concat();
    let out = carve(AppProto::Smb, |carver| {
        // A side that was not seen from its beginning is read from the next message on.
        carver.gap(Side::ToServer, 1);
        carver.data(Side::ToServer, &[&b"rest"[..], &stream].concat(), Transport::Tcp);
    });
    let names: Vec<_> = out.iter().map(|(name, _, ends, bytes)| (*name, *ends, bytes.len())).collect();
    let parts = [("smb2.pdu", true, 72), ("smb2.hdr", true, 64), ("smb2.data", true, 8)];
    assert_eq!(names[..3], [("nbss.pdu", true, 148), ("nbss.hdr", true, 4), ("nbss.data", true, 144)]);
    assert_eq!((&names[3..6], &names[6..]), (&parts[..], &parts[..]));
}

#[test]
fn a_long_message_comes_as_it_comes_and_is_not_kept() {
    let length = (1_u32 << 20) - 1;
    let head = [&[0][..], &length.to_be_bytes()[1..], &[0xfd, b'S', b'M', b'B']].concat();
    let mut carver = Carver::new(layout(AppProto::Smb).unwrap());
    carver.data(Side::ToServer, &head, Transport::Tcp);
    let (mut sent, mut got, mut ended) = (4, 0, 0);
    while sent < length {
        let now = 1400.min(length - sent);
        carver.data(Side::ToServer, &vec![1; now as usize], Transport::Tcp);
        sent += now;
        assert!(carver.bytes() < 4 * MOST_OPEN + (64 << 10), "{}", carver.bytes());
        for (piece, bytes) in carver.pieces().filter(|(piece, _)| piece.kind == 9) {
            assert_eq!(piece.start, got);
            got += bytes.len() as u64;
            ended += u32::from(piece.ends);
        }
        carver.clear();
    }
    assert_eq!((got, ended), (length.into(), 1));
}

#[test]
fn mail_is_data_between_its_commands() {
    let out = carve(AppProto::Smtp, |carver| {
        carver.data(Side::ToServer, b"DATA\r\n", Transport::Tcp);
        carver.data(Side::ToClient, b"354 Go on\r\n", Transport::Tcp);
        carver.data(Side::ToServer, b"Subject: a\r\n\r\nb\r\n.\r\nBDAT 3 LAST\r\nabcQUIT\r\n", Transport::Tcp);
    });
    assert_eq!(
        out,
        [
            whole("command_line", b"DATA\r\n"),
            whole("response_line", b"354 Go on\r\n"),
            whole("data", b"Subject: a\r\n\r\nb\r\n.\r\n"),
            whole("command_line", b"BDAT 3 LAST\r\n"),
            whole("data", b"abc"),
            whole("command_line", b"QUIT\r\n"),
        ]
    );
}

#[test]
fn a_datagram_is_a_message() {
    let bytes = b"OPTIONS sip:a SIP/2.0\r\nVia: b\r\n\r\nbody";
    let out = carve(AppProto::Sip, |carver| carver.data(Side::ToServer, bytes, Transport::Udp));
    assert_eq!(
        out,
        [
            whole("pdu", bytes),
            whole("request.line", b"OPTIONS sip:a SIP/2.0\r\n"),
            whole("request.headers", b"Via: b\r\n\r\n"),
            whole("request.body", b"body"),
        ]
    );
}
