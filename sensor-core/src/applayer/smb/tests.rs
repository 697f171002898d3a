use super::*;
use crate::applayer::Transport;
use crate::applayer::parser::{FileState, Settings, Transaction as _};
use crate::json::Object;
use crate::rules::ast::Body;
use crate::rules::{Buffer, Field};

/// A record of the session service.
fn record(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u32).to_be_bytes(), message].concat()
}

/// A message of version 2.
fn two(command: u16, response: bool, status: u32, message: u64, body: &[u8]) -> Vec<u8> {
    let mut out = b"\xfeSMB\x40\0\0\0".to_vec(); // protocol, structure, credit charge
    out.extend(status.to_le_bytes());
    out.extend(command.to_le_bytes());
    out.extend([1, 0]); // credits
    out.extend(u32::from(response).to_le_bytes());
    out.extend([0; 4]); // next command
    out.extend(message.to_le_bytes());
    out.extend([0; 4]); // process
    out.extend(5_u32.to_le_bytes()); // tree
    out.extend(77_u64.to_le_bytes()); // session
    out.extend([0; 16]); // signature
    out.extend(body);
    out
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

const GUID: [u8; 16] = [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 1, 2, 3, 4, 5, 6];

/// A request and its answer.
type Exchange = [Vec<u8>; 2];

fn tree(message: u64, name: &str, kind: u8) -> Exchange {
    let name = wide(name);
    let asked = [&[9, 0, 0, 0, 72, 0][..], &(name.len() as u16).to_le_bytes(), &name].concat();
    [two(3, false, 0, message, &asked), two(3, true, 0, message, &[16, 0, kind, 0, 0, 0, 0, 0, 0, 0, 0, 0])]
}

fn create(message: u64, name: &str) -> Exchange {
    let name = wide(name);
    let mut asked = vec![0; 56];
    asked[36] = 5; // disposition: overwrite or create
    asked[41] = 0x10; // options: delete on close
    asked[44] = 120; // where the name is
    asked[46..48].copy_from_slice(&(name.len() as u16).to_le_bytes());
    asked.extend(name);
    let mut told = vec![0; 88];
    told[8..16].copy_from_slice(&(116_444_736_000_000_000_u64 + 50_000_000).to_le_bytes());
    told[48] = 12; // size
    told[64..80].copy_from_slice(&GUID);
    [two(5, false, 0, message, &asked), two(5, true, 0, message, &told)]
}

fn write(message: u64, offset: u64, data: &[u8]) -> Exchange {
    let mut asked = vec![49, 0, 112, 0];
    asked.extend((data.len() as u32).to_le_bytes());
    asked.extend(offset.to_le_bytes());
    asked.extend(GUID);
    asked.extend([0; 16]);
    asked.extend(data);
    [two(9, false, 0, message, &asked), two(9, true, 0, message, &[17, 0, 0, 0, 0, 0, 0, 0])]
}

fn read(message: u64, offset: u64, status: u32, data: &[u8]) -> Exchange {
    let mut asked = vec![49, 0, 0, 0];
    asked.extend((data.len() as u32).to_le_bytes());
    asked.extend(offset.to_le_bytes());
    asked.extend(GUID);
    let mut told = vec![17, 0, 80, 0];
    told.extend((data.len() as u32).to_le_bytes());
    told.extend([0; 8]);
    told.extend(data);
    [two(8, false, 0, message, &asked), two(8, true, status, message, &told)]
}

fn close(message: u64) -> Exchange {
    let asked = [&[24, 0, 0, 0, 0, 0, 0, 0][..], &GUID].concat();
    [two(6, false, 0, message, &asked), two(6, true, 0, message, &[0; 60])]
}

/// A session setup with NTLM's last message.
fn setup(message: u64, domain: &str, user: &str, cut: bool) -> Exchange {
    let (domain, user) = (wide(domain), wide(user));
    let mut token = b"NTLMSSP\0\x03\0\0\0".to_vec();
    token.resize(28, 0);
    for (length, at) in [(domain.len(), 72), (user.len(), 72 + domain.len()), (0, 0), (0, 0)] {
        token.extend((length as u16).to_le_bytes().repeat(2));
        token.extend((at as u32).to_le_bytes());
    }
    token.extend(0x0200_0000_u32.to_le_bytes()); // flags: a version follows
    token.extend([10, 0, 0x63, 0x45, 0, 0, 0, 15]);
    token.extend(domain);
    token.extend(user);
    if cut {
        token.truncate(80);
    }
    let mut asked = vec![0; 24];
    asked[12] = 88;
    asked[14] = token.len() as u8;
    asked.extend(token);
    [two(1, false, 0, message, &asked), two(1, true, 0xc000_006d, message, &[9, 0, 0, 0, 0, 0, 0, 0])]
}

fn context(settings: &Settings) -> Context<'_> {
    Context { time: 0, transport: Transport::Tcp, ports: (40000, 445), settings, next: None, announced: None }
}

fn feed_with(settings: &Settings, exchanges: &[Exchange], piece: usize) -> Smb {
    let (mut parser, mut cx) = (Smb::default(), context(settings));
    for [asked, told] in exchanges {
        for (side, message) in [(Side::ToServer, asked), (Side::ToClient, told)] {
            for part in record(message).chunks(piece) {
                assert_eq!(parser.data(side, part, &mut cx), Parsed::More);
            }
        }
    }
    parser
}

fn feed(exchanges: &[Exchange], piece: usize) -> Smb {
    feed_with(&Settings::default(), exchanges, piece)
}

fn eve(parser: &Smb) -> Vec<serde_json::Value> {
    let lines = parser.state.live.iter().map(|transaction| {
        let mut line = Vec::new();
        Object::write(&mut line, |object| transaction.eve(object));
        serde_json::from_slice(&line).unwrap()
    });
    lines.collect()
}

#[test]
fn a_file_is_one_transaction_from_its_first_chunk_until_it_is_closed() {
    let exchanges = [
        tree(1, r"\\srv\data", 1),
        create(2, "a.exe"),
        write(3, 6, b" world"),
        write(4, 0, b"hello,"),
        read(5, 0, 0, b"hello, "),
        read(6, 7, 0, b"again"),
        read(7, 12, 0xc000_0011, b""),
        close(8),
    ];
    let whole = eve(&feed(&exchanges, 4000));
    for piece in [1, 13] {
        assert_eq!(eve(&feed(&exchanges, piece)), whole);
    }
    let commands: Vec<_> = whole.iter().map(|line| line["command"].as_str().unwrap()).collect();
    let names = ["TREE_CONNECT", "CREATE", "WRITE", "READ", "CLOSE"].map(|name| format!("SMB2_COMMAND_{name}"));
    assert_eq!(commands, names);
    assert_eq!((&whole[0]["share"], &whole[0]["share_type"]), (&r"\\srv\data".into(), &"FILE".into()));
    let created = &whole[1];
    assert_eq!((&created["disposition"], &created["access"]), (&"FILE_OVERWRITE_IF".into(), &"delete on close".into()));
    assert_eq!((&created["created"], &created["size"]), (&5.into(), &12.into()));
    assert_eq!((&created["fuid"], &created["tree_id"]), (&"06070809-0405-0203-0100-010203040506".into(), &5.into()));
    assert_eq!((&whole[2]["filename"], &whole[2]["share"]), (&"a.exe".into(), &r"\\srv\data".into()));
    assert_eq!((&whole[3]["status"], &whole[3]["session_id"]), (&"STATUS_SUCCESS".into(), &77.into()));
    let parser = feed(&exchanges, 4000);
    let files: Vec<_> = parser.state.live.iter().flat_map(|transaction| transaction.files()).collect();
    let told: Vec<_> = files.iter().map(|file| (file.head.as_slice(), file.to_client, file.state)).collect();
    let closed = FileState::Closed;
    assert_eq!(told, [(&b"hello, world"[..], false, closed), (&b"hello, again"[..], true, closed)]);
    assert!(parser.state.live.iter().all(|it| it.progress(Side::ToServer) == 1 && it.progress(Side::ToClient) == 1));
}

#[test]
fn a_chunk_longer_than_a_message_that_is_kept_is_read_as_it_comes() {
    let settings = Settings { hash_files: true, ..Settings::default() };
    let data: Vec<u8> = (0..200_000_u32).map(|at| at as u8).collect();
    let exchanges = [create(2, "big"), write(3, 0, &data), close(4)];
    for piece in [700, 70_000, 300_000] {
        let parser = feed_with(&settings, &exchanges, piece);
        let [file] = parser.state.live.get(1).unwrap().files() else { panic!() };
        assert_eq!((file.size, file.state), (200_000, FileState::Closed));
        assert_eq!(file.digests().unwrap().2[..], <sha2::Sha256 as md5::Digest>::digest(&data)[..]);
        assert!(parser.framing.iter().all(|framing| framing.bytes() < 130 << 10));
    }
    let (mut parser, mut cx) = (Smb::default(), context(&settings));
    let [asked, _] = write(1, 0, &data);
    let stream = record(&asked);
    parser.data(Side::ToServer, &stream[..100_000], &mut cx);
    parser.gap(Side::ToServer, 1000, &mut cx);
    parser.data(Side::ToServer, &[&stream[101_000..], &record(&close(2)[0])].concat(), &mut cx);
    let [file] = parser.state.live.get(0).unwrap().files() else { panic!() };
    assert_eq!((file.size, file.gaps, file.state), (200_000, true, FileState::Truncated));
}

#[test]
fn a_pipe_carries_calls() {
    let uuid = [0x81, 0xbb, 0x7a, 0x36, 0x44, 0x98, 0xf1, 0x35, 0xad, 0x32, 0x98, 0xf0, 0x38, 0, 0x10, 3];
    let unit = |kind: u8, call: u8, body: &[u8]| {
        let head = [5, 0, kind, 3, 0x10, 0, 0, 0, body.len() as u8 + 16, 0, 0, 0, call, 0, 0, 0];
        [&head, body].concat()
    };
    let context = [&[0, 0, 1, 0][..], &uuid, &[2, 0, 0, 0], &[0; 20]].concat();
    let bind = unit(11, 1, &[&[0; 8][..], &[1, 0, 0, 0], &context].concat());
    let accepted = unit(12, 1, &[&[0; 10][..], &[0, 0], &[1, 0, 0, 0], &[0; 24]].concat());
    let request = unit(0, 2, b"\0\0\0\0\0\0\x0f\0stub");
    let response = unit(2, 2, b"\0\0\0\0\0\0\0\0told");
    let transceive = |message, asked: &[u8], told: &[u8]| {
        let mut body = vec![57, 0, 0, 0, 0x17, 0xc0, 0x11, 0];
        body.extend(GUID);
        body.extend(120_u32.to_le_bytes());
        body.extend((asked.len() as u32).to_le_bytes());
        body.resize(56, 0);
        body.extend(asked);
        let mut answer = vec![49, 0, 0, 0, 0x17, 0xc0, 0x11, 0];
        answer.extend(GUID);
        answer.extend([0; 8]);
        answer.extend(112_u32.to_le_bytes());
        answer.extend((told.len() as u32).to_le_bytes());
        answer.resize(48, 0);
        answer.extend(told);
        [two(11, false, 0, message, &body), two(11, true, 0, message, &answer)]
    };
    let exchanges = [
        tree(1, r"\\srv\IPC$", 2),
        create(2, "svcctl"),
        write(3, 0, &bind),
        read(4, 0, 0, &accepted),
        transceive(5, &request, &response),
    ];
    for piece in [1, 4000] {
        let parser = feed(&exchanges, piece);
        let lines = eve(&parser);
        assert_eq!(lines.len(), 4);
        assert_eq!(lines[0]["named_pipe"], r"\\srv\IPC$");
        let (bound, called) = (&lines[2]["dcerpc"], &lines[3]["dcerpc"]);
        assert_eq!((&bound["request"], &bound["response"]), (&"BIND".into(), &"BINDACK".into()));
        assert_eq!(bound["interfaces"][0]["ack_result"], 0);
        assert_eq!((&called["opnum"], &called["req"]["stub_data_size"]), (&15.into(), &4.into()));
        assert_eq!((&lines[3]["command"], &called["res"]["frag_cnt"]), (&"SMB2_COMMAND_IOCTL".into(), &1.into()));
        let transaction = parser.state.live.get(3).unwrap();
        let uuid = 0x367a_bb81_9844_35f1_ad32_98f0_3800_1003_u128.to_be_bytes();
        assert!(transaction.holds(&Body::DceIface { uuid, version: None, any_fragment: false }, Side::ToServer));
        let mut scratch = Vec::new();
        let stub = transaction.buffer(Buffer::DceStubData, Side::ToServer, 0, &mut scratch);
        assert_eq!((stub, transaction.number(Field::DceOpnum, Side::ToServer, 0)), (Some(&b"stub"[..]), Some(15)));
        let tree = parser.state.live.get(0).unwrap();
        assert_eq!(tree.buffer(Buffer::SmbShare, Side::ToServer, 0, &mut Vec::new()), None);
        assert!(tree.buffer(Buffer::SmbNamedPipe, Side::ToServer, 0, &mut Vec::new()).is_some());
        assert!(parser.bytes() < 64 << 10);
    }
}

#[test]
fn a_session_setup_tells_who_logs_on() {
    let parser = feed(&[setup(1, "CORP", "alice", false), setup(2, "CORP", "alice", true)], 4000);
    let lines = eve(&parser);
    let ntlm = &lines[0]["ntlmssp"];
    assert_eq!((&ntlm["domain"], &ntlm["user"]), (&"CORP".into(), &"alice".into()));
    assert_eq!(ntlm["version"], "10.0 build 17763 rev 15");
    assert_eq!(lines[0]["status"], "STATUS_LOGON_FAILURE");
    let mut scratch = Vec::new();
    let user = parser.state.live.get(0).unwrap().buffer(Buffer::SmbNtlmsspUser, Side::ToServer, 0, &mut scratch);
    assert_eq!(user, Some(&b"alice"[..]));
    assert!(parser.state.live.get(1).unwrap().events.has(event::MALFORMED_NTLMSSP_REQUEST));
}

#[test]
fn messages_of_a_compound_have_their_file_in_common() {
    let [mut first, _] = create(1, "x");
    let [mut closing, _] = close(2);
    closing[72..88].fill(0xff); // the same file
    first.resize(first.len().next_multiple_of(8), 0);
    let length = first.len() as u32;
    first[20..24].copy_from_slice(&length.to_le_bytes());
    let parser = feed(&[[[first, closing].concat(), two(5, true, 0xc000_0022, 1, &[0; 9])]], 7);
    let lines = eve(&parser);
    assert_eq!(lines.len(), 2);
    assert_eq!(
        (&lines[0]["status"], &lines[1]["command"]),
        (&"STATUS_ACCESS_DENIED".into(), &"SMB2_COMMAND_CLOSE".into())
    );
}

#[test]
fn what_is_odd_is_an_event() {
    let of = |side, bytes: &[u8]| {
        let settings = Settings::default();
        let mut parser = Smb::default();
        parser.data(side, bytes, &mut context(&settings));
        let set = parser.events();
        set.iter().map(|event| PROTOCOL.events[usize::from(event)]).collect::<Vec<_>>()
    };
    assert_eq!(of(Side::ToServer, b"GET / HTTP/1.0\r\n"), ["malformed_data"]);
    assert_eq!(of(Side::ToServer, &record(b"\xfeSMB short")), ["malformed_data"]);
    let [asked, told] = close(1);
    assert_eq!(of(Side::ToServer, &record(&told)), ["response_to_server"]);
    assert_eq!(of(Side::ToClient, &record(&asked)), ["request_to_client"]);
    let overlap = [tree(1, "t", 1), create(2, "a"), write(3, 0, b"abc"), write(4, 1, b"bcd")];
    let parser = feed(&overlap, 4000);
    assert!(parser.state.live.get(2).unwrap().events.has(event::FILE_OVERLAP));
}

#[test]
fn hostile_messages_stay_within_bounds() {
    let many: Vec<_> = (0..3000).map(|message| create(message, "name")).collect();
    let parser = feed(&many, 4000);
    assert!(parser.state.live.len() <= 1000 && parser.bytes() < 1 << 20, "{}", parser.bytes());
    let encrypted = || b"\xfdSMB".to_vec();
    let [asked, _] = create(1, "x");
    let parser = feed(&vec![[asked, encrypted()]; 600], 4000);
    assert!(parser.state.live.get(0).unwrap().events.has(event::TOO_MANY_TRANSACTIONS));
    let whole = [tree(1, "x", 1), create(2, "y"), write(3, 0, b"z"), read(4, 0, 0, b"zz"), setup(5, "d", "u", false)];
    for message in whole.as_flattened() {
        for cut in 8..message.len() {
            feed(&[[message[..cut].to_vec(), message[..cut].to_vec()]], 4000);
        }
    }
}

#[test]
fn version_1_names_its_dialect_system_share_and_file() {
    let one = |command: u8, response: bool, words: &[u8], data: &[u8]| {
        let mut out = b"\xffSMB".to_vec();
        out.push(command);
        out.extend([0; 4]); // status
        out.push(if response { 0x80 } else { 0 });
        out.extend([1, 0x40]); // flags: statuses are NT's, texts are ASCII
        out.extend([0; 12]);
        out.extend([8, 0, 1, 0, 3, 0, 4, 0]); // tree, process, user, number
        out.push(words.len() as u8 / 2);
        out.extend(words);
        out.extend((data.len() as u16).to_le_bytes());
        out.extend(data);
        out
    };
    let chain = |rest: &[u8]| [&[0xff, 0, 0, 0], rest].concat();
    let mut setup = chain(&[0; 20]);
    setup[14] = 2; // length of the token
    let mut open = chain(&[0; 44]);
    open[5] = 2; // length of the name
    open[35] = 1; // disposition: open
    let mut opened = chain(&[0; 64]);
    opened[5] = 0x40; // the file's number
    let mut write = chain(&[0; 24]);
    write[4] = 0x40;
    write[20] = 3; // length of the data
    write[22] = 64; // where they are
    let exchanges = [
        [one(0x72, false, &[], b"\x02LANMAN1.0\0\x02NT LM 0.12\0"), one(0x72, true, &[1, 0], b"")],
        [one(0x73, false, &setup, b"toUnix\0Samba\0"), one(0x73, true, &chain(&[0, 0]), b"Windows 5.1\0W2K\0")],
        [
            one(0x75, false, &chain(&[0, 0, 1, 0]), b"\0\\\\s\\pub\0?????\0"),
            one(0x75, true, &chain(&[0, 0]), b"A:\0NTFS\0"),
        ],
        [one(0xa2, false, &open, b"\\f\0"), one(0xa2, true, &opened, b"")],
        [one(0x2f, false, &write, b"\0abc"), one(0x2f, true, &chain(&[3, 0, 0, 0, 0, 0, 0, 0]), b"")],
        [one(0x04, false, &[0x40, 0, 0, 0, 0, 0], b""), one(0x04, true, &[], b"")],
    ];
    for piece in [1, 4000] {
        let parser = feed(&exchanges, piece);
        let lines = eve(&parser);
        assert_eq!(lines.len(), 6);
        assert_eq!(lines[0]["dialect"], "NT LM 0.12");
        assert_eq!(lines[0]["client_dialects"], serde_json::json!(["LANMAN1.0", "NT LM 0.12"]));
        assert_eq!(
            (&lines[1]["request"]["native_os"], &lines[1]["response"]["native_lm"]),
            (&"Unix".into(), &"W2K".into())
        );
        assert_eq!((&lines[2]["share"], &lines[2]["service"]["response"]), (&r"\\s\pub".into(), &"A:".into()));
        assert_eq!((&lines[3]["filename"], &lines[3]["disposition"]), (&"\\f".into(), &"FILE_OPEN".into()));
        assert_eq!((&lines[4]["command"], &lines[4]["filename"]), (&"SMB1_COMMAND_WRITE_ANDX".into(), &"\\f".into()));
        let transaction = parser.state.live.get(4).unwrap();
        assert_eq!(transaction.number(Field::SmbVersion, Side::ToServer, 0), Some(1));
        let [file] = transaction.files() else { panic!() };
        assert_eq!((file.head.as_slice(), file.state), (&b"abc"[..], FileState::Closed));
    }
}
