use super::*;
use crate::applayer::datagrams::tests::{buffer, told};
use crate::applayer::parser::Settings;
use crate::rules::ast::{Body, WordField, WordTest};
use serde_json::json;

/// Frames that carry a fragment, its segments of at most `size` bytes.
fn frames(side: Side, fragment: &[u8], size: usize) -> Vec<u8> {
    let pieces: Vec<&[u8]> = fragment.chunks(size).collect();
    let last = pieces.len() - 1;
    let mut out = Vec::new();
    for (place, piece) in pieces.iter().enumerate() {
        let transport = (u8::from(place == last) << 7) | (u8::from(place == 0) << 6) | (place as u8 & 0x3f);
        out.extend(frame(if side == Side::ToServer { 0xc4 } else { 0x44 }, &[&[transport], *piece].concat()));
    }
    out
}

fn frame(control: u8, data: &[u8]) -> Vec<u8> {
    let head = [0x05, 0x64, data.len() as u8 + 5, control, 4, 0, 3, 0];
    let mut out = [&head[..], &link::check(&head).to_le_bytes()].concat();
    for block in data.chunks(16) {
        out.extend(block);
        out.extend(link::check(block).to_le_bytes());
    }
    out
}

fn feed(steps: &[(Side, Vec<u8>)], transport: Transport, piece: usize) -> Box<dyn Parser> {
    let settings = Settings::default();
    let mut parser = (PROTOCOL.parser)(&settings);
    let mut cx =
        Context { time: 0, transport, ports: (40000, 20000), settings: &settings, next: None, announced: None };
    for (side, bytes) in steps {
        for part in bytes.chunks(piece) {
            parser.data(*side, part, &mut cx);
        }
    }
    parser
}

fn events(parser: &dyn Parser, id: u64) -> Vec<u8> {
    parser.transaction(id).unwrap().events().iter().collect()
}

/// Direct operate of a latch, and the answer with two points.
fn steps(size: usize) -> Vec<(Side, Vec<u8>)> {
    let request = [&[0xc3, 5, 12, 1, 0x17, 1, 9][..], &[0x03, 1, 100, 0, 0, 0, 0, 0, 0, 0, 0]].concat();
    let response = [
        &[0xc3, 129, 0x90, 0x02][..],
        &[1, 1, 0x00, 2, 4, 0b101],
        &[30, 5, 0x00, 7, 7, 0x01, 0, 0, 0xc0, 0x3f],
        &[2, 2, 0x28, 1, 0, 5, 0, 0x81, 1, 0, 0, 0, 0, 1],
    ]
    .concat();
    vec![
        (Side::ToServer, frames(Side::ToServer, &request, size)),
        (Side::ToClient, frames(Side::ToClient, &response, size)),
    ]
}

#[test]
fn fragments_and_their_points_are_read_in_any_pieces() {
    let whole = feed(&steps(200), Transport::Tcp, usize::MAX);
    let lines = told(whole.as_ref());
    assert_eq!(lines.len(), 2);
    let expected = json!({"type": "request",
        "control": {"dir": true, "pri": true, "fcb": false, "fcv": false, "function_code": 4}, "src": 3, "dst": 4,
        "application": {
            "control": {"fir": true, "fin": true, "con": false, "uns": false, "sequence": 3}, "function_code": 5,
            "objects": [{"group": 12, "variation": 1, "qualifier": 23, "prefix_code": 1, "range_code": 7,
                "start": 0, "stop": 0, "count": 1,
                "points": [{"prefix": 9, "index": 9, "op_type": 3, "qu": 0, "cr": 0, "tcc": 0, "count": 1,
                    "onime": 100, "offtime": 0, "status_code": 0, "reserved": 0}]}],
            "complete": true}});
    assert_eq!(lines[0], expected);
    let objects = &lines[1]["application"]["objects"];
    let states: Vec<_> = objects[0]["points"].as_array().unwrap().iter().map(|point| &point["state"]).collect();
    assert_eq!(states, [1, 0, 1]);
    assert_eq!((&objects[0]["points"][2]["index"], &objects[1]["points"][0]["value"]), (&json!(4), &json!(1.5)));
    assert_eq!((&objects[2]["points"][0]["index"], &objects[2]["points"][0]["state"]), (&json!(5), &json!(1)));
    assert_eq!(objects[2]["points"][0]["timestamp"], json!(1_u64 << 40 | 1));
    assert_eq!(lines[1]["iin"]["indicators"], json!(["need_time", "device_restart", "object_unknown"]));
    for piece in 1..30 {
        for size in [5, 16, 200] {
            let parser = feed(&steps(size), Transport::Tcp, piece);
            assert_eq!(told(parser.as_ref()), lines, "{piece} {size}");
        }
    }
    let datagrams = feed(&steps(16), Transport::Udp, usize::MAX);
    assert_eq!(told(datagrams.as_ref()), lines);
}

#[test]
fn rules_see_fragments() {
    let parser = feed(&steps(10), Transport::Tcp, 7);
    let holds = |id: u64, test: &Body, side| parser.transaction(id).unwrap().holds(test, side);
    assert!(holds(0, &Body::Dnp3Function(5), Side::ToServer) && !holds(0, &Body::Dnp3Function(5), Side::ToClient));
    assert!(holds(1, &Body::Dnp3Object(30, 5), Side::ToClient) && !holds(1, &Body::Dnp3Object(30, 4), Side::ToClient));
    let indicators = |name: &str| {
        Body::Words(WordTest { field: WordField::Dnp3Indicators, words: Box::new([(false, name.into())]) })
    };
    assert!(holds(1, &indicators("need_time"), Side::ToClient) && !holds(1, &indicators("reserved_1"), Side::ToClient));
    let data = buffer(parser.as_ref(), 0, Buffer::Dnp3Data, Side::ToServer, 0).unwrap();
    assert_eq!((data.len(), &data[..2]), (18, &[0xc3, 5][..]));
}

#[test]
fn who_reads_names_objects_alone() {
    let request = [&[0xc0, 1][..], &[60, 2, 0x06, 60, 3, 0x06], &[1, 0, 0x00, 0, 9]].concat();
    let parser = feed(&[(Side::ToServer, frames(Side::ToServer, &request, 100))], Transport::Tcp, 100);
    let line = &told(parser.as_ref())[0]["application"];
    assert_eq!((&line["complete"], line["objects"].as_array().unwrap().len()), (&json!(true), 3));
    assert_eq!(line["objects"][2]["count"], json!(10));
}

#[test]
fn what_is_odd_is_told() {
    let response = |objects: &[u8]| frames(Side::ToClient, &[&[0xc0, 129, 0, 0], objects].concat(), 200);
    for (objects, expected) in
        [(&[99, 1, 0x07, 1, 0][..], event::UNKNOWN_OBJECT), (&[1, 1, 0x09, 0, 0, 1, 0], event::MAX_POINTS_PER_OBJECT)]
    {
        let parser = feed(&[(Side::ToClient, response(objects))], Transport::Tcp, 100);
        assert_eq!(events(parser.as_ref(), 0), [expected]);
        assert_eq!(told(parser.as_ref())[0]["application"]["complete"], json!(false));
    }
    let mut bad_head = response(&[]);
    bad_head[4] ^= 1;
    let mut bad_data = response(&[]);
    *bad_data.last_mut().unwrap() ^= 1;
    for (bytes, expected) in [
        (bad_head, event::BAD_LINK_CRC),
        (bad_data, event::BAD_TRANSPORT_CRC),
        (vec![0x05, 0x64, 4], event::LEN_TOO_SMALL),
        (frame(0x44, &[]), event::LEN_TOO_SMALL),
    ] {
        let parser = feed(&[(Side::ToClient, response(&[])), (Side::ToClient, bytes)], Transport::Tcp, 100);
        assert_eq!(events(parser.as_ref(), 0), [expected]);
    }
}

#[test]
fn bounds_hold() {
    let request = frames(Side::ToServer, &[0xc0, 1, 60, 2, 6], 100);
    let parser = feed(&vec![(Side::ToServer, request.clone()); 40], Transport::Tcp, 100);
    let flooded: Vec<u64> = (0..40).filter(|id| events(parser.as_ref(), *id) == [event::FLOODED]).collect();
    assert_eq!(flooded, [32]);
    let long = frames(Side::ToClient, &[0; 6000], 240);
    let parser = feed(&[(Side::ToClient, long)], Transport::Tcp, 1000);
    assert_eq!(events(parser.as_ref(), 0), [event::TOO_LONG_REASSEMBLY]);
    assert!(parser.bytes() < 16_384);
    let many = frames(Side::ToServer, &[&[0xc0, 1][..], &[60, 2, 6].repeat(1100)].concat(), 240);
    let parser = feed(&[(Side::ToServer, many)], Transport::Tcp, 1000);
    assert_eq!(events(parser.as_ref(), 0), [event::TOO_MANY_OBJECTS]);
    let points = [&[0xc0, 129, 0, 0][..], &[&[1, 1, 0x08, 0xd0, 0x07][..], &[0; 250]].concat().repeat(9)].concat();
    let parser = feed(&[(Side::ToClient, frames(Side::ToClient, &points, 240))], Transport::Tcp, 1000);
    assert_eq!(events(parser.as_ref(), 0), [event::TOO_MANY_POINTS]);
}

#[test]
fn a_gap_ends_the_fragment_that_it_cuts() {
    let settings = Settings::default();
    let bytes = frames(Side::ToClient, &[0; 40], 20);
    let mut parser = feed(&[(Side::ToClient, bytes[..bytes.len() - 10].to_vec())], Transport::Tcp, 100);
    let mut cx = Context {
        time: 0,
        transport: Transport::Tcp,
        ports: (40000, 20000),
        settings: &settings,
        next: None,
        announced: None,
    };
    assert_eq!(parser.transaction(0).unwrap().progress(Side::ToClient), 0);
    parser.gap(Side::ToClient, 10, &mut cx);
    assert_eq!(parser.transaction(0).unwrap().progress(Side::ToClient), 1);
    parser.data(Side::ToClient, &frames(Side::ToClient, &[0xc0, 129, 0, 0], 20), &mut cx);
    assert_eq!((parser.ids(), told(parser.as_ref())[1]["application"]["complete"] == true), (0..2, true));
}

#[test]
fn hostile_bytes_do_no_harm() {
    for (side, bytes) in steps(16) {
        for at in 0..bytes.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut bytes = bytes.clone();
                bytes[at] = value;
                told(feed(&[(side, bytes)], Transport::Tcp, 7).as_ref());
            }
        }
    }
    for variation in 0..=255 {
        for group in 0..=255 {
            let fragment = [&[0xc0, 129, 0, 0, group, variation, 0x5b, 1, 12, 0][..], &[0xff; 12]].concat();
            told(feed(&[(Side::ToClient, frames(Side::ToClient, &fragment, 100))], Transport::Tcp, 100).as_ref());
        }
    }
}
