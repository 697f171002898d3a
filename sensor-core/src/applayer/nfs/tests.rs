use super::*;
use crate::applayer::parser::{FileState, Settings, Transaction as _};
use crate::json::Object;
use crate::rules::Field;

fn opaque(bytes: &[u8]) -> Vec<u8> {
    let mut out = (bytes.len() as u32).to_be_bytes().to_vec();
    out.extend(bytes);
    out.resize(out.len().next_multiple_of(4), 0);
    out
}

fn call(id: u32, version: u32, procedure: u32, arguments: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    // Number, call, version of RPC, program.
    for number in [id, 0, 2, rpc::NFS, version, procedure, 1] {
        out.extend(number.to_be_bytes());
    }
    let machine = [&[0; 4][..], &opaque(b"box"), &[0, 0, 3, 0xe8], &[0, 0, 0, 7], &[0; 4]].concat();
    out.extend(opaque(&machine));
    out.extend([0; 8]); // verifier
    out.extend(arguments);
    out
}

fn reply(id: u32, results: &[u8]) -> Vec<u8> {
    // Number, reply, accepted, verifier, success.
    let mut out = [id.to_be_bytes(), [0, 0, 0, 1]].concat();
    out.extend([0; 16]);
    out.extend(results);
    out
}

fn record(message: &[u8]) -> Vec<u8> {
    let mark = 0x8000_0000 | message.len() as u32;
    [&mark.to_be_bytes(), message].concat()
}

fn feed(messages: &[(Side, Vec<u8>)], piece: usize) -> Nfs {
    let (settings, mut parser) = (Settings::default(), Nfs::default());
    let mut cx = Context {
        time: 0,
        transport: Transport::Tcp,
        ports: (40000, 2049),
        settings: &settings,
        next: None,
        announced: None,
    };
    for (side, message) in messages {
        for part in record(message).chunks(piece) {
            assert_eq!(parser.data(*side, part, &mut cx), Parsed::More);
        }
    }
    parser
}

fn eve(parser: &Nfs, id: u64) -> serde_json::Value {
    let mut line = Vec::new();
    Object::write(&mut line, |event| {
        let transaction = parser.transaction(id).unwrap();
        event.object("nfs", |object| transaction.eve(object));
        transaction.beside(event);
    });
    serde_json::from_slice(&line).unwrap()
}

const HANDLE: &[u8] = b"handle of 20 bytes..";

fn exchanges() -> Vec<(Side, Vec<u8>)> {
    let lookup = [opaque(b"directory"), opaque(b"name.txt")].concat();
    let found = [&[0; 4][..], &opaque(HANDLE), &[0; 8]].concat();
    let part = |offset: u8| [&opaque(HANDLE)[..], &[0, 0, 0, 0, 0, 0, 0, offset], &[0, 0, 0, 6]].concat();
    // Status, attributes, count, end, data.
    let data = |end: u8, data: &[u8]| [&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, end][..], &opaque(data)].concat();
    let mut written = [&opaque(HANDLE)[..], &[0; 8], &[0, 0, 0, 3, 0, 0, 0, 2]].concat();
    written.extend(opaque(b"new"));
    vec![
        (Side::ToServer, call(1, 3, 3, &lookup)),
        (Side::ToClient, reply(1, &found)),
        (Side::ToServer, call(2, 3, 6, &part(0))),
        (Side::ToClient, reply(2, &data(0, b"hello "))),
        (Side::ToServer, call(3, 3, 6, &part(6))),
        (Side::ToClient, reply(3, &data(1, b"world"))),
        (Side::ToServer, call(4, 3, 7, &written)),
        (Side::ToClient, reply(4, &[0; 12])),
        (Side::ToServer, call(5, 3, 21, &opaque(HANDLE))),
        (Side::ToClient, reply(5, &[0; 4])),
    ]
}

#[test]
fn calls_and_files_are_transactions_in_any_pieces() {
    let whole = feed(&exchanges(), 4000);
    assert_eq!(whole.ids(), 0..4);
    for piece in [1, 17] {
        let parser = feed(&exchanges(), piece);
        (0..4).for_each(|id| assert_eq!(eve(&parser, id), eve(&whole, id)));
    }
    let line = eve(&whole, 0);
    assert_eq!((&line["nfs"]["procedure"], &line["nfs"]["filename"]), (&"LOOKUP".into(), &"name.txt".into()));
    assert_eq!((&line["rpc"]["xid"], &line["rpc"]["status"]), (&1.into(), &"ACCEPTED".into()));
    assert_eq!(line["rpc"]["creds"], serde_json::json!({"machine_name": "box", "uid": 1000, "gid": 7}));
    let read = &eve(&whole, 1)["nfs"];
    assert_eq!(
        (&read["filename"], &read["read"]["chunks"], &read["read"]["last"]),
        (&"name.txt".into(), &2.into(), &true.into())
    );
    let file = |id: u64| {
        let [file] = whole.state.live.get(id).unwrap().files() else { panic!() };
        (file.head.clone(), file.to_client, file.state)
    };
    assert_eq!(file(1), (b"hello world".to_vec(), true, FileState::Closed));
    assert_eq!(file(2), (b"new".to_vec(), false, FileState::Closed));
    let number = |id, field| whole.transaction(id).unwrap().number(field, Side::ToServer, 0);
    assert_eq!((number(2, Field::NfsProcedure), number(2, Field::NfsVersion)), (Some(7), Some(3)));
    assert!((0..4).all(|id| whole.transaction(id).unwrap().progress(Side::ToClient) == 1));
}

#[test]
fn a_compound_is_about_its_last_operation_that_does_something() {
    let operations = [
        &opaque(b"")[..],          // tag
        &[0, 0, 0, 0, 0, 0, 0, 3], // minor version, how many
        &[0, 0, 0, 22],            // PUTFH
        &opaque(HANDLE),
        &[0, 0, 0, 25], // READ
        &[0; 24],       // state, offset
        &[0, 0, 0, 5],
        &[0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, 1], // GETATTR
    ];
    let results = [
        &[0; 4][..], // status
        &opaque(b""),
        &[0, 0, 0, 2],
        &[0, 0, 0, 22, 0, 0, 0, 0],
        &[0, 0, 0, 25, 0, 0, 0, 0, 0, 0, 0, 1], // READ, to the end
        &opaque(b"data!"),
    ];
    let parser = feed(
        &[(Side::ToServer, call(9, 4, 1, &operations.concat())), (Side::ToClient, reply(9, &results.concat()))],
        5,
    );
    let line = &eve(&parser, 0)["nfs"];
    assert_eq!((&line["version"], &line["procedure"]), (&4.into(), &"READ".into()));
    let [file] = parser.state.live.get(0).unwrap().files() else { panic!() };
    assert_eq!((file.head.as_slice(), file.state), (&b"data!"[..], FileState::Closed));
}

#[test]
fn long_data_are_read_as_they_come_and_hostile_messages_stay_within_bounds() {
    let data = vec![7; 300_000];
    let results = [&[0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0x93, 0xe0, 0, 0, 0, 1][..], &opaque(&data)].concat();
    let asked = call(2, 3, 6, &[&opaque(HANDLE)[..], &[0; 12]].concat());
    let parser = feed(&[(Side::ToServer, asked), (Side::ToClient, reply(2, &results))], 1000);
    let [file] = parser.state.live.get(0).unwrap().files() else { panic!() };
    assert_eq!((file.size, file.state), (300_000, FileState::Closed));
    assert!(parser.framing.iter().all(|framing| framing.bytes() < 130 << 10));
    let calls: Vec<_> =
        (0..3000).map(|id| (Side::ToServer, call(id, 3, 3, &[opaque(b"d"), opaque(b"n")].concat()))).collect();
    let parser = feed(&calls, 4000);
    assert!(parser.state.live.len() <= 1000 && parser.bytes() < 1 << 20, "{}", parser.bytes());
    for (side, message) in exchanges() {
        (0..message.len()).for_each(|cut| _ = feed(&[(side, message[..cut].to_vec())], 4000));
    }
    let parser = feed(&[(Side::ToServer, call(1, 3, 3, &[0xff; 8]))], 4000);
    assert!(parser.events().has(event::MALFORMED_DATA));
}
