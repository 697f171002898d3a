use super::*;
use crate::applayer::Transport;
use crate::applayer::parser::{Settings, Transaction as _};
use crate::json::Object;
use serde_json::{Value, json};

/// A typed message.
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind], &(body.len() as u32 + 4).to_be_bytes()[..], body].concat()
}

/// A message of a connection's start.
fn opening(code: u32, body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32 + 8).to_be_bytes()[..], &code.to_be_bytes(), body].concat()
}

fn feed(settings: &Settings, steps: &[(Side, Vec<u8>)], piece: usize) -> (Pgsql, Parsed, Option<Next>) {
    let mut parser = Pgsql::default();
    let mut cx =
        Context { time: 0, transport: Transport::Tcp, ports: (40000, 5432), settings, next: None, announced: None };
    let mut parsed = Parsed::More;
    for (side, bytes) in steps {
        for part in bytes.chunks(piece) {
            parsed = parser.data(*side, part, &mut cx);
            if parsed != Parsed::More {
                return (parser, parsed, cx.next);
            }
        }
    }
    (parser, parsed, cx.next)
}

fn told(parser: &Pgsql) -> Vec<Value> {
    let mut lines = Vec::new();
    for transaction in parser.live.iter() {
        let mut line = Vec::new();
        Object::write(&mut line, |object| transaction.eve(object));
        lines.push(serde_json::from_slice(&line).unwrap());
    }
    lines
}

fn session() -> Vec<(Side, Vec<u8>)> {
    let row = |value: &[u8]| message(b'D', &[&[0, 1][..], &(value.len() as u32).to_be_bytes(), value].concat());
    vec![
        (Side::ToServer, opening(80_877_103, b"")),
        (Side::ToClient, b"N".to_vec()),
        (Side::ToServer, opening(0x0003_0000, b"user\0ann\0database\0db\0\0")),
        (Side::ToClient, message(b'R', &[0, 0, 0, 5, 1, 2, 3, 4])),
        (Side::ToServer, message(b'p', b"md5secret\0")),
        (
            Side::ToClient,
            [
                message(b'R', &[0; 4]),
                message(b'S', b"TimeZone\0UTC\0"),
                message(b'K', &[0, 0, 0, 7, 0, 0, 0, 9]),
                message(b'Z', b"I"),
            ]
            .concat(),
        ),
        // Two at once, answered in turn.
        (Side::ToServer, [message(b'Q', b"select 1\0"), message(b'Q', b"boom\0")].concat()),
        (
            Side::ToClient,
            [
                message(b'T', &[0, 1, b'a', 0]),
                row(b"12"),
                row(b"345"),
                message(b'C', b"SELECT 2\0"),
                message(b'Z', b"I"),
                message(b'E', b"SERROR\0VERROR\0C42601\0Mno\0\0"),
                message(b'Z', b"I"),
            ]
            .concat(),
        ),
        (Side::ToServer, message(b'X', b"")),
    ]
}

#[test]
fn requests_meet_their_answers_in_any_pieces() {
    let settings = Settings::default();
    let (whole, parsed, _) = feed(&settings, &session(), usize::MAX);
    assert_eq!(parsed, Parsed::More);
    let lines = told(&whole);
    let expected = [
        json!({"tx_id": 1, "request": {"message": "SSL Request"}, "response": {"ssl_accepted": false}}),
        json!({"tx_id": 2,
            "request": {"protocol_version": "3.0",
                "startup_parameters": {"user": "ann", "optional_parameters": [{"database": "db"}]}},
            "response": {"authentication_md5_password": "\u{1}\u{2}\u{3}\u{4}"}}),
        json!({"tx_id": 3, "request": {"password_redacted": true},
            "response": {"message": "authentication_ok", "parameter_status": [{"time_zone": "UTC"}],
                "process_id": 7, "secret_key": 9}}),
        json!({"tx_id": 4, "request": {"simple_query": "select 1"},
            "response": {"field_count": 1, "data_rows": 2, "data_size": 5, "command_completed": "SELECT 2"}}),
        json!({"tx_id": 5, "request": {"simple_query": "boom"},
            "response": {"severity_localizable": "ERROR", "severity_non_localizable": "ERROR", "code": "42601",
                "message": "no"}}),
        json!({"tx_id": 6, "request": {"message": "termination_message"}}),
    ];
    assert_eq!(lines, expected);
    for transaction in whole.live.iter() {
        assert_eq!([Side::ToServer, Side::ToClient].map(|side| transaction.progress(side)), [1, 1]);
    }
    let mut scratch = Vec::new();
    let query = whole.transaction(3).unwrap().buffer(Buffer::PgsqlQuery, Side::ToServer, 0, &mut scratch);
    assert_eq!(query.map(<[u8]>::len), Some(8));
    for piece in 1..20 {
        assert_eq!(told(&feed(&settings, &session(), piece).0), lines, "{piece}");
    }
}

#[test]
fn encryption_ends_what_can_be_read() {
    let steps = [(Side::ToServer, opening(80_877_103, b"")), (Side::ToClient, b"S".to_vec())];
    let (parser, parsed, next) = feed(&Settings::default(), &steps, 9);
    assert_eq!((parsed, next), (Parsed::Enough, Some(Next::Is(AppProto::Tls))));
    assert_eq!(told(&parser)[0]["response"], json!({"ssl_accepted": true}));
}

#[test]
fn copies_are_counted() {
    let steps = [
        (Side::ToServer, message(b'Q', b"COPY t FROM STDIN\0")),
        (Side::ToClient, message(b'G', &[0, 0, 2, 0, 0, 0, 0])),
        (Side::ToServer, [message(b'd', b"1\t2\n"), message(b'd', b"3\t4\n"), message(b'c', b"")].concat()),
        (Side::ToClient, [message(b'C', b"COPY 2\0"), message(b'Z', b"I")].concat()),
        (Side::ToServer, message(b'Q', b"COPY t TO STDOUT\0")),
        (
            Side::ToClient,
            [message(b'H', &[0, 0, 2, 0, 0, 0, 0]), message(b'd', b"1\t2\n"), message(b'c', b""), message(b'Z', b"I")]
                .concat(),
        ),
    ];
    let lines = told(&feed(&Settings::default(), &steps, 3).0);
    assert_eq!(lines[0]["response"], json!({"copy_in_response": {"columns": 2}}));
    assert_eq!(lines[1]["request"], json!({"copy_data_in": {"msg_count": 2, "data_size": 8}, "message": "copy_done"}));
    assert_eq!(lines[1]["response"], json!({"command_completed": "COPY 2"}));
    assert_eq!(lines[2]["response"]["copy_data_out"], json!({"row_count": 1, "data_size": 4}));
}

#[test]
fn what_cannot_be_read_is_told() {
    for (side, bytes, event) in [
        (Side::ToServer, opening(0x00ff_00ff, b""), event::MALFORMED_REQUEST),
        (Side::ToServer, message(b'?', b"a"), event::MALFORMED_REQUEST),
        (Side::ToServer, b"Q\0\0\0\x03".to_vec(), event::INVALID_LENGTH),
        (Side::ToClient, message(b'?', b"a"), event::MALFORMED_RESPONSE),
        (Side::ToClient, message(b'C', b"no end"), event::MALFORMED_RESPONSE),
    ] {
        let steps = [(Side::ToServer, message(b'Q', b"x\0")), (side, bytes)];
        let (parser, parsed, _) = feed(&Settings::default(), &steps, 2);
        assert_eq!(parsed, Parsed::Failed);
        assert!(parser.live.iter().any(|transaction| transaction.events().has(event)), "{event}");
    }
}

#[test]
fn bounds_hold() {
    let settings = Settings { transactions: 4, ..Settings::default() };
    let queries: Vec<_> = (0..9).map(|_| (Side::ToServer, message(b'Q', b"x\0"))).collect();
    let (parser, ..) = feed(&settings, &queries, 100);
    assert_eq!(parser.ids(), 5..9);
    assert!(parser.live.get(8).unwrap().events().has(event::TOO_MANY_TRANSACTIONS));
    // A long query is kept to its bound, and what follows it is read.
    let long = [vec![b'x'; 3 * MOST_MESSAGE], vec![0]].concat();
    let steps = [(Side::ToServer, [message(b'Q', &long), message(b'Q', b"y\0")].concat())];
    let (parser, ..) = feed(&settings, &steps, 1000);
    assert!(parser.bytes() < 3 * MOST_MESSAGE);
    assert_eq!(told(&parser)[1]["request"]["simple_query"], "y");
    let parameters: Vec<u8> = (0..500).flat_map(|_| message(b'S', b"a\0b\0")).collect();
    let (parser, ..) = feed(&settings, &[queries[0].clone(), (Side::ToClient, parameters)], 1000);
    assert_eq!(told(&parser)[0]["response"]["parameter_status"].as_array().unwrap().len(), 64);
}

#[test]
fn a_gap_costs_what_it_cuts() {
    let settings = Settings::default();
    let mut parser = feed(&settings, &[(Side::ToServer, message(b'Q', b"select\0")[..8].to_vec())], 8).0;
    let mut cx = Context {
        time: 0,
        transport: Transport::Tcp,
        ports: (40000, 5432),
        settings: &settings,
        next: None,
        announced: None,
    };
    parser.gap(Side::ToServer, 4, &mut cx);
    parser.data(Side::ToServer, &message(b'Q', b"y\0"), &mut cx);
    assert_eq!(told(&parser)[0]["request"]["simple_query"], "y");
}
