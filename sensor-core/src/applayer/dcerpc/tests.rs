use super::*;
use crate::applayer::parser::Settings;
use crate::rules::Comparison;

fn unit(kind: u8, flags: u8, call: u32, body: &[u8]) -> Vec<u8> {
    let mut out = vec![5, 0, kind, flags, 0x10, 0, 0, 0]; // version, type, flags, little-endian
    out.extend((body.len() as u16 + 16).to_le_bytes());
    out.extend([0, 0]); // authentication
    out.extend(call.to_le_bytes());
    out.extend(body);
    out
}

const UUID: [u8; 16] = [0x36, 0x7a, 0xbb, 0x81, 0x98, 0x44, 0x35, 0xf1, 0xad, 0x32, 0x98, 0xf0, 0x38, 0, 0x10, 3];

fn bind(kind: u8, call: u32, contexts: &[u16]) -> Vec<u8> {
    let mut body = vec![0xd0, 0x16, 0xd0, 0x16, 0, 0, 0, 0, contexts.len() as u8, 0, 0, 0];
    for context in contexts {
        body.extend(context.to_le_bytes());
        body.extend([1, 0]); // one transfer syntax
        body.extend([0x81, 0xbb, 0x7a, 0x36, 0x44, 0x98, 0xf1, 0x35, 0xad, 0x32, 0x98, 0xf0, 0x38, 0, 0x10, 3]);
        body.extend([2, 0, 1, 0]); // version 2.1
        body.extend([0; 20]);
    }
    unit(kind, 3, call, &body)
}

fn bind_ack(call: u32, results: &[u16]) -> Vec<u8> {
    let mut body = vec![0xd0, 0x16, 0xd0, 0x16, 1, 0, 0, 0, 4, 0, b'1', b'3', b'5', 0, 0, 0];
    body.extend([results.len() as u8, 0, 0, 0]);
    for result in results {
        body.extend(result.to_le_bytes());
        body.extend([0; 22]); // reason, transfer syntax
    }
    unit(kind::BIND_ACK, 3, call, &body)
}

fn request(flags: u8, call: u32, context: u16, stub: &[u8]) -> Vec<u8> {
    let body = [&[0, 0, 0, 0][..], &context.to_le_bytes(), &[15, 0], stub].concat();
    unit(kind::REQUEST, flags, call, &body)
}

fn feed(transport: Transport, parts: &[(Side, &[u8])]) -> Dcerpc {
    let (settings, mut parser) = (Settings::default(), Dcerpc::default());
    let mut cx = Context { time: 0, transport, ports: (40000, 135), settings: &settings, next: None, announced: None };
    for (side, bytes) in parts {
        parser.data(*side, bytes, &mut cx);
    }
    parser
}

fn eve(parser: &Dcerpc, id: u64) -> serde_json::Value {
    let mut line = Vec::new();
    Object::write(&mut line, |object| parser.transaction(id).unwrap().eve(object));
    serde_json::from_slice(&line).unwrap()
}

fn iface(version: Option<Comparison>) -> Body {
    Body::DceIface { uuid: UUID, version, any_fragment: false }
}

#[test]
fn a_call_in_fragments_is_one_transaction_in_any_pieces() {
    let client = [bind(kind::BIND, 1, &[0, 1]), request(1, 2, 1, b"ab"), request(2, 2, 1, b"cd")].concat();
    let server = [bind_ack(1, &[2, 0]), unit(kind::RESPONSE, 3, 2, &[0; 12])].concat();
    for size in [1, 7, 4000] {
        // The bind's answer comes before the calls.
        let (first, calls) = client.split_at(bind(kind::BIND, 1, &[0, 1]).len());
        let (answer, rest) = server.split_at(bind_ack(1, &[2, 0]).len());
        let order =
            [(Side::ToServer, first), (Side::ToClient, answer), (Side::ToServer, calls), (Side::ToClient, rest)];
        let parts: Vec<_> = order.iter().flat_map(|(side, all)| all.chunks(size).map(|part| (*side, part))).collect();
        let parser = feed(Transport::Tcp, &parts);
        assert_eq!(parser.ids(), 0..2);
        let line = eve(&parser, 0);
        assert_eq!((&line["request"], &line["response"]), (&"BIND".into(), &"BINDACK".into()));
        assert_eq!(line["interfaces"][0]["uuid"], "367abb81-9844-35f1-ad32-98f038001003");
        assert_eq!(
            (&line["interfaces"][0]["ack_result"], &line["interfaces"][1]["ack_result"]),
            (&2.into(), &0.into())
        );
        let line = eve(&parser, 1);
        assert_eq!((&line["req"]["frag_cnt"], &line["req"]["stub_data_size"]), (&2.into(), &4.into()));
        assert_eq!((&line["req"]["opnum"], &line["res"]["stub_data_size"]), (&15.into(), &12.into()));
        let call = &parser.calls.live.get(1).unwrap().0;
        assert_eq!(call.buffer(Buffer::DceStubData, Side::ToServer), Some(&b"abcd"[..]));
        assert!(call.holds(&iface(None)) && call.holds(&iface(Some(Comparison::Equal(2)))));
        assert!(!call.holds(&iface(Some(Comparison::Greater(2)))) && call.is_little(Side::ToServer));
        assert!(call.holds(&Body::DceOpnums([(3, 4), (10, 15)].into())));
        assert!(
            [Side::ToServer, Side::ToClient].iter().all(|side| parser.transaction(1).unwrap().progress(*side) == 1)
        );
    }
}

#[test]
fn results_are_aligned_behind_an_address_of_any_length() {
    for length in 0..9_u8 {
        let mut body = vec![0; 8];
        body.extend([length, 0]);
        body.extend(vec![b'x'; length.into()]);
        while !body.len().is_multiple_of(4) {
            body.push(0);
        }
        body.extend([1, 0, 0, 0, 3, 0, 1, 0]); // one result, refused for its abstract syntax
        body.extend([0; 20]);
        let parts = [bind(kind::BIND, 1, &[0]), unit(kind::BIND_ACK, 3, 1, &body)];
        let parser = feed(Transport::Tcp, &[(Side::ToServer, &parts[0]), (Side::ToClient, &parts[1])]);
        assert_eq!(eve(&parser, 0)["interfaces"][0]["ack_result"], 3, "{length}");
    }
}

#[test]
fn a_refused_context_is_no_interface() {
    let parts = [bind(kind::BIND, 1, &[0]), bind_ack(1, &[2]), request(3, 2, 0, b"x")];
    let sides = [Side::ToServer, Side::ToClient, Side::ToServer];
    let parser = feed(Transport::Tcp, &sides.into_iter().zip(parts.iter().map(Vec::as_slice)).collect::<Vec<_>>());
    assert!(!parser.calls.live.get(1).unwrap().0.holds(&iface(None)));
}

#[test]
fn a_bind_that_is_no_first_fragment_matches_any_fragment_only() {
    let mut asked = bind(kind::BIND, 1, &[0]);
    asked[3] = 0; // flags
    let parts = [asked, bind_ack(1, &[0]), request(3, 2, 0, b"x")];
    let sides = [Side::ToServer, Side::ToClient, Side::ToServer];
    let parser = feed(Transport::Tcp, &sides.into_iter().zip(parts.iter().map(Vec::as_slice)).collect::<Vec<_>>());
    let call = &parser.calls.live.get(1).unwrap().0;
    assert!(!call.holds(&iface(None)));
    assert!(call.holds(&Body::DceIface { uuid: UUID, version: None, any_fragment: true }));
}

#[test]
fn after_a_gap_reading_goes_on_with_the_next_unit() {
    let (settings, mut parser) = (Settings::default(), Dcerpc::default());
    let mut cx = Context {
        time: 0,
        transport: Transport::Tcp,
        ports: (40000, 135),
        settings: &settings,
        next: None,
        announced: None,
    };
    parser.data(Side::ToServer, &request(3, 1, 0, b"whole"), &mut cx);
    parser.data(Side::ToServer, &request(3, 2, 0, b"cut")[..20], &mut cx);
    parser.gap(Side::ToServer, 100, &mut cx);
    let rest = [b"\x05\x00rubbish".to_vec(), request(3, 3, 0, b"next")].concat();
    rest.chunks(3).for_each(|part| assert_eq!(parser.data(Side::ToServer, part, &mut cx), Parsed::More));
    parser.data(Side::ToClient, &unit(kind::RESPONSE, 3, 2, &[0; 9]), &mut cx);
    assert_eq!(parser.ids(), 0..3);
    assert_eq!((&eve(&parser, 1)["call_id"], &eve(&parser, 2)["request"]), (&3.into(), &"REQUEST_LOST".into()));
    assert_eq!(eve(&parser, 0)["response"], "UNREPLIED");
    parser.gap(Side::ToClient, 1, &mut cx);
    assert_eq!(eve(&parser, 0)["response"], "RESPONSE_LOST");
}

#[test]
fn hostile_units_stay_within_bounds() {
    assert_eq!(feed(Transport::Tcp, &[(Side::ToServer, &[b'x'; 30])]).ids(), 0..0);
    let many: Vec<u8> = (0..5000).flat_map(|call| bind(kind::ALTER_CONTEXT, call, &[call as u16])).collect();
    let parser = feed(Transport::Tcp, &[(Side::ToServer, &many)]);
    assert_eq!(parser.calls.live.len(), Settings::default().transactions);
    assert!(parser.bytes() < 500 * 4096, "{}", parser.bytes());
    let part = request(0, 1, 0, &[7; 60_000]);
    let parser = feed(Transport::Tcp, &vec![(Side::ToServer, part.as_slice()); 100]);
    assert!(parser.bytes() < 3 << 20 && parser.ids() == (0..1));
    assert_eq!(eve(&parser, 0)["req"]["stub_data_size"], 6_000_000);
    for cut in 0..bind_ack(1, &[0]).len() {
        let whole = bind_ack(1, &[0]);
        feed(Transport::Tcp, &[(Side::ToServer, &bind(kind::BIND, 1, &[0])), (Side::ToClient, &whole[..cut])]);
    }
}

#[test]
fn a_datagram_names_its_interface() {
    let mut bytes = vec![4, 0, 0x20, 0, 0x10, 0, 0, 0]; // version, request, idempotent, little-endian
    bytes.extend([0; 16]); // object
    bytes.extend([0x81, 0xbb, 0x7a, 0x36, 0x44, 0x98, 0xf1, 0x35, 0xad, 0x32, 0x98, 0xf0, 0x38, 0, 0x10, 3]);
    bytes.extend([9; 16]); // activity
    bytes.extend([0, 0, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0]); // boot time, version, sequence
    bytes.extend([15, 0, 0xff, 0xff, 0xff, 0xff, 4, 0, 0, 0, 0, 0]); // operation, hints, length, fragment
    bytes.extend(b"stub");
    let mut answer = bytes.clone();
    answer[1] = kind::RESPONSE;
    let parser = feed(Transport::Udp, &[(Side::ToServer, &bytes), (Side::ToClient, &answer)]);
    let line = eve(&parser, 0);
    assert_eq!((&line["seqnum"], &line["rpc_version"]), (&7.into(), &"4.0".into()));
    assert_eq!((&line["req"]["opnum"], &line["res"]["stub_data_size"]), (&15.into(), &4.into()));
    assert!(parser.calls.live.get(0).unwrap().0.holds(&iface(Some(Comparison::Equal(1)))) && parser.ids() == (0..1));
    for cut in 0..bytes.len() {
        assert_eq!(feed(Transport::Udp, &[(Side::ToServer, &bytes[..cut])]).ids(), 0..0);
    }
}
