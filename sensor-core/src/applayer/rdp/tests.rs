use super::*;
use crate::applayer::Transport;
use crate::applayer::parser::Settings;

fn packet(rest: &[u8]) -> Vec<u8> {
    [&[3, 0][..], &(rest.len() as u16 + 4).to_be_bytes(), rest].concat()
}

fn request() -> Vec<u8> {
    packet(b"\x28\xe0\0\0\0\0\0Cookie: mstshash=alice\r\n\x01\0\x08\0\x03\0\0\0")
}

fn confirm(kind: u8, number: u8) -> Vec<u8> {
    packet(&[14, 0xd0, 0, 0, 0, 0, 0, kind, 1, 8, 0, number, 0, 0, 0])
}

fn wide(text: &str, length: usize) -> Vec<u8> {
    let mut out: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    out.resize(length, 0);
    out
}

fn connect() -> Vec<u8> {
    let mut core = vec![4, 0, 8, 0]; // version 5
    core.extend([0, 4, 0, 3, 1, 0xca, 3, 0xaa]); // 1024 by 768, 8 bits, access sequence
    core.extend(0x0407_u32.to_le_bytes()); // German
    core.extend(2600_u32.to_le_bytes());
    core.extend(wide("PC1", 32));
    core.extend([4, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0, 0]); // keyboard, its kind, keys
    core.extend([0; 64]);
    core.extend([1, 0xca, 1, 0, 0, 0, 0, 0, 24, 0, 7, 0, 0x21, 0]); // depths, product, capabilities
    core.extend(wide("55274-OEM", 64));
    let block =
        |kind: u16, body: &[u8]| [&kind.to_le_bytes()[..], &(body.len() as u16 + 4).to_le_bytes(), body].concat();
    let network = [&[2, 0, 0, 0][..], b"rdpdr\0\0\0", &[0; 4], b"cliprdr\0", &[0; 4]].concat();
    let blocks = [block(0xc001, &core), block(0xc003, &network)].concat();
    let length = 0x8000 | blocks.len() as u16;
    packet(&[&[2, 0xf0, 0x80, 0x7f, 0x65][..], b"....Duca", &length.to_be_bytes(), &blocks].concat())
}

fn feed(parts: &[(Side, Vec<u8>)], piece: usize) -> (Rdp, Vec<Parsed>) {
    let (settings, mut parser) = (Settings::default(), Rdp::default());
    let mut cx = Context {
        time: 0,
        transport: Transport::Tcp,
        ports: (40000, 3389),
        settings: &settings,
        next: None,
        announced: None,
    };
    let parsed = parts
        .iter()
        .map(|(side, bytes)| {
            bytes.chunks(piece).fold(Parsed::More, |before, part| match before {
                Parsed::More => parser.data(*side, part, &mut cx),
                Parsed::Enough | Parsed::Failed => before,
            })
        })
        .collect();
    (parser, parsed)
}

fn eve(parser: &Rdp, id: u64) -> serde_json::Value {
    let mut line = Vec::new();
    Object::write(&mut line, |object| parser.transaction(id).unwrap().eve(object));
    serde_json::from_slice(&line).unwrap()
}

#[test]
fn a_beginning_without_tls_is_told_in_any_pieces() {
    let parts = [
        (Side::ToServer, request()),
        (Side::ToClient, confirm(2, 0)),
        (Side::ToServer, connect()),
        (Side::ToClient, packet(&[2, 0xf0, 0x80, 0x7f, 0x66, 0])),
    ];
    for piece in [1, 30, 4000] {
        let (parser, parsed) = feed(&parts, piece);
        assert_eq!(parsed, [Parsed::More, Parsed::More, Parsed::Enough, Parsed::Enough]);
        assert_eq!(parser.ids(), 0..4);
        assert_eq!(
            eve(&parser, 0),
            serde_json::json!({"tx_id": 0, "event_type": "initial_request", "cookie": "alice"})
        );
        let line = eve(&parser, 1);
        assert_eq!((&line["protocol"], &line["server_supports"][0]), (&"rdp".into(), &"extended_client_data".into()));
        let line = eve(&parser, 2);
        let expected = serde_json::json!({
            "version": "v5", "desktop_width": 1024, "desktop_height": 768, "color_depth": 24,
            "keyboard_layout": "de-DE", "build": "Windows XP", "client_name": "PC1", "keyboard_type": "enhanced",
            "function_keys": 12, "product_id": 1, "id": "55274-OEM",
            "capabilities": ["support_errinfo_pdf", "valid_connection_type"],
        });
        assert_eq!((&line["client"], &line["channels"]), (&expected, &serde_json::json!(["rdpdr", "cliprdr"])));
        assert_eq!(eve(&parser, 3)["event_type"], "connect_response");
    }
}

#[test]
fn a_refusal_says_why() {
    let (parser, _) = feed(&[(Side::ToServer, request()), (Side::ToClient, confirm(3, 5))], 4000);
    assert_eq!(
        (&eve(&parser, 1)["error_code"], &eve(&parser, 1)["reason"]),
        (&5.into(), &"hybrid required by server".into())
    );
}

#[test]
fn hostile_bytes_stay_within_bounds() {
    let record = [&[22, 3, 3, 0x40, 0][..], &[2, 0xff, 0xff, 0xff], &[0; 0x4000 - 4]].concat();
    let (parser, parsed) = feed(&[(Side::ToServer, request()), (Side::ToClient, record.repeat(20))], 4000);
    assert_eq!(parsed[1], Parsed::Enough);
    assert!(parser.bytes() < 256 << 10, "{}", parser.bytes());
    assert_eq!(feed(&[(Side::ToServer, b"GET / HTTP".to_vec())], 4000).1, [Parsed::Failed]);
    let (parser, _) = feed(&[(Side::ToServer, request().repeat(1000))], 4000);
    assert_eq!(parser.ids(), 0..MOST_TRANSACTIONS);
    let whole = connect();
    (0..whole.len()).for_each(|cut| _ = feed(&[(Side::ToServer, packet(&whole[4..][..cut.saturating_sub(4)]))], 4000));
}
