use super::*;
use crate::applayer::Transport;
use crate::applayer::parser::{self, Settings, Transaction};
use crate::json::Object;
use crate::rules::ast::{Body, WordField, WordTest};
use crate::rules::{Buffer, Field};

const C: Side = Side::ToServer;
const S: Side = Side::ToClient;

fn context(settings: &Settings) -> Context<'_> {
    Context { time: 0, transport: Transport::Tcp, ports: (40000, 21), settings, next: None, announced: None }
}

/// Feeds a dialogue in pieces; tells what was announced, and what the flow goes on with.
fn talk(dialogue: &[(Side, &str)], piece: usize) -> (Ftp, Vec<Announced>, Option<Next>) {
    let settings = Settings::default();
    let mut cx = context(&settings);
    let (mut ftp, mut announced) = (Ftp::default(), Vec::new());
    for (side, text) in dialogue {
        for part in text.as_bytes().chunks(piece) {
            assert_eq!(ftp.data(*side, part, &mut cx), Parsed::More);
            announced.extend(cx.announced.take());
        }
    }
    (ftp, announced, cx.next)
}

fn lines(ftp: &Ftp) -> Vec<String> {
    ftp.live
        .iter()
        .map(|exchange| {
            let mut line = Vec::new();
            Object::write(&mut line, |object| exchange.eve(object));
            String::from_utf8(line).unwrap()
        })
        .collect()
}

fn events(ftp: &Ftp, id: u64) -> Vec<&'static str> {
    ftp.live.get(id).unwrap().events().iter().map(|event| PROTOCOL.events[usize::from(event)]).collect()
}

const LOGIN: [(Side, &str); 5] = [
    (S, "220-hello\r\n220 ready\r\n"),
    (C, "user anonymous\r\n"),
    (S, "331 password\r\n"),
    (C, "PASS me@x\r\n"),
    (S, "230 in\r\n"),
];

#[test]
fn a_command_and_its_replies_are_a_transaction() {
    let transfer = [
        (C, "PORT 10,0,0,1,195,80\r\n"),
        (S, "200 ok\r\n"),
        (C, "RETR dir/a b.txt\r\n"),
        (S, "150 opening\r\n"),
        (S, "226 done\r\n"),
        (C, "STAT\r\n"),
        (S, "211-status\r\n  one line\r\n211x\r\n211 end\r\n"),
        (S, "421 timeout\r\n"),
    ];
    for piece in [1, 3, 1000] {
        let (ftp, ..) = talk(&[&LOGIN[..], &transfer].concat(), piece);
        assert_eq!(
            lines(&ftp),
            [
                r#"{"completion_code":["220"],"reply":["220-hello","ready"],"reply_received":"yes","reply_truncated":false}"#,
                r#"{"command":"USER","command_data":"anonymous","command_truncated":false,"completion_code":["331"],"reply":["password"],"reply_received":"yes","reply_truncated":false}"#,
                r#"{"command":"PASS","command_data":"me@x","command_truncated":false,"completion_code":["230"],"reply":["in"],"reply_received":"yes","reply_truncated":false}"#,
                r#"{"command":"PORT","command_data":"10,0,0,1,195,80","command_truncated":false,"completion_code":["200"],"reply":["ok"],"dynamic_port":50000,"mode":"active","reply_received":"yes","reply_truncated":false}"#,
                r#"{"command":"RETR","command_data":"dir/a b.txt","command_truncated":false,"completion_code":["150","226"],"reply":["opening","done"],"reply_received":"yes","reply_truncated":false}"#,
                r#"{"command":"STAT","completion_code":["211"],"reply":["211-status","  one line","211x","end"],"reply_received":"yes","reply_truncated":false}"#,
                r#"{"completion_code":["421"],"reply":["timeout"],"reply_received":"yes","reply_truncated":false}"#,
            ]
        );
        let mut scratch = Vec::new();
        let exchange = ftp.live.get(4).unwrap();
        assert_eq!(exchange.buffer(Buffer::FtpCommand, C, 0, &mut scratch), Some(&b"RETR"[..]));
        assert_eq!(exchange.buffer(Buffer::FtpCommandData, C, 0, &mut scratch), Some(&b"dir/a b.txt\0"[..]));
        assert_eq!(exchange.buffer(Buffer::FtpReply, S, 1, &mut Vec::new()), Some(&b"done"[..]));
        assert_eq!(exchange.buffer(Buffer::FtpCompletionCode, S, 0, &mut Vec::new()), Some(&b"150"[..]));
        assert_eq!(exchange.buffer(Buffer::FtpCompletionCode, S, 2, &mut Vec::new()), None);
    }
}

#[test]
fn data_connections_are_announced_with_what_they_will_move() {
    let said = |listener, port, about: &str| Announced {
        listener,
        port,
        app: AppProto::FtpData,
        about: about.as_bytes().into(),
    };
    for (port, reply, listener, mode) in [
        ("PASV\r\n", "227 Entering Passive Mode (10,0,0,2,195,80).\r\n", S, "passive"),
        ("PASV\r\n", "227 at 10,0,0,2,195,80\r\n", S, "passive"),
        ("EPSV\r\n", "229 Extended (|||50000|)\r\n", S, "passive"),
        ("PORT 10,0,0,1,195,80\r\n", "200 ok\r\n", C, "active"),
        ("EPRT |2|::1|50000|\r\n", "200 ok\r\n", C, "active"),
    ] {
        for (command, about) in [
            ("RETR dir/a b.txt\r\n", "RETR dir/a b.txt"),
            ("STOR up\r\n", "STOR up"),
            ("STOU\r\n", "STOU <stou>"),
            ("LIST -l\r\n", "LIST "),
        ] {
            let dialogue =
                [(C, port), (S, reply), (C, command), (S, "150 go\r\n"), (S, "226 ok\r\n"), (C, "RETR x\r\n")];
            let (ftp, announced, _) = talk(&dialogue, 1000);
            assert_eq!(announced, [said(listener, 50000, ""), said(listener, 50000, about)]);
            let exchange = ftp.live.get(0).unwrap();
            assert_eq!(exchange.number(Field::FtpDynamicPort, C, 0), Some(50000));
            let word = |field, word: &str| Body::Words(WordTest { field, words: Box::new([(false, word.into())]) });
            assert!(exchange.holds(&word(WordField::FtpMode, mode), C));
            assert!(exchange.holds(&word(WordField::FtpReplyReceived, "yes"), C));
            assert!(!exchange.holds(&word(WordField::FtpReplyReceived, "no"), C));
            // The port is good for one.
            assert_eq!(events(&ftp, 2), ["file_before_port"]);
        }
    }
}

#[test]
fn ports_that_are_none_are_not_announced() {
    for dialogue in [
        [(C, "PORT 10,0,0,1,300,80\r\n"), (S, "500 no\r\n")],
        [(C, "PORT\r\n"), (S, "500 no\r\n")],
        [(C, "EPRT |1|10.0.0.1|70000|\r\n"), (S, "500 no\r\n")],
        [(C, "EPRT |\r\n"), (S, "500 no\r\n")],
        [(C, "PASV\r\n"), (S, "227 nothing here\r\n")],
        [(C, "PASV\r\n"), (S, "500 (10,0,0,2,195,80)\r\n")],
        [(C, "EPSV\r\n"), (S, "229 (|||x|)\r\n")],
        [(C, "SYST\r\n"), (S, "227 (10,0,0,2,195,80)\r\n")],
    ] {
        let (ftp, announced, _) = talk(&dialogue, 1000);
        assert_eq!((announced.len(), ftp.live.get(0).unwrap().port), (0, None), "{dialogue:?}");
    }
}

#[test]
fn what_is_odd_is_an_event() {
    let long = format!("CWD {}\r\n", "x".repeat(5000));
    let reply = format!("250 {}\r\n", "x".repeat(5000));
    for (dialogue, event) in [
        (vec![(C, long.as_str())], "request_command_too_long"),
        (vec![(C, "SYST\r\n"), (S, &reply)], "response_command_too_long"),
        (vec![(C, "RETR x\r\n")], "file_before_port"),
        (vec![(C, "LIST\r\n")], "file_before_port"),
    ] {
        for piece in [1, 10_000] {
            assert_eq!(events(&talk(&dialogue, piece).0, 0), [event]);
        }
    }
    let nameless = [(C, "PASV\r\n"), (S, "227 (10,0,0,2,195,80)\r\n"), (C, "RETR\r\n")];
    assert_eq!(events(&talk(&nameless, 100).0, 1), ["file_without_name"]);
    let (ftp, ..) = talk(&[(C, &long)], 100);
    let exchange = ftp.live.get(0).unwrap();
    assert_eq!((exchange.command.as_ref().unwrap().1.len(), exchange.is_command_cut), (4092, true));
}

#[test]
fn commands_that_are_none_make_no_transaction() {
    let (ftp, ..) =
        talk(&[(C, "FEAT\r\n\r\nNOSUCH x\r\n"), (S, "211-a\r\n b\r\n211 c\r\n"), (C, "xcwd  d \r\nSYSTTT\r\n")], 100);
    let [alone, known, longer] = &lines(&ftp)[..] else { panic!("there are three") };
    assert!(longer.contains(r#""command":"SYST","command_data":"TT""#));
    assert!(!alone.contains("command") && alone.contains(r#""reply":["211-a"," b","c"]"#));
    assert!(known.contains(r#""command":"CWD","command_data":"d""#) && known.contains(r#""reply_received":"no""#));
}

#[test]
fn replies_come_to_pipelined_commands_in_order() {
    let dialogue = [(C, "USER a\r\nPASS b\r\nSYST\r\n"), (S, "331 a\r\n150 no\r\n230 b\r\nhello\r\n")];
    let (ftp, ..) = talk(&dialogue, 1000);
    let replies: Vec<_> = ftp.live.iter().map(|exchange| exchange.replies.join(&b'|')).collect();
    assert_eq!(replies, [&b"a"[..], b"no|b", b"hello"]);
}

#[test]
fn tls_follows_an_accepted_auth() {
    assert_eq!(talk(&[(C, "AUTH TLS\r\n"), (S, "234 go\r\n\x16\x03")], 100).2, Some(Next::Is(AppProto::Tls)));
    assert_eq!(talk(&[(C, "AUTH TLS\r\n"), (S, "500 no\r\n"), (C, "SYST\r\n"), (S, "234 x\r\n")], 100).2, None);
    assert_eq!(talk(&[(C, "AUTH GSSAPI\r\n"), (S, "234 go\r\n")], 100).2, None);
}

#[test]
fn a_gap_costs_its_line_alone() {
    let settings = Settings::default();
    let mut cx = context(&settings);
    let mut ftp = Ftp::default();
    ftp.data(C, b"CWD half", &mut cx);
    assert_eq!(ftp.gap(C, 100, &mut cx), Parsed::More);
    ftp.data(C, b"rest\r\nSYST\r\n", &mut cx);
    assert_eq!((lines(&ftp).len(), lines(&ftp)[0].contains("SYST")), (1, true));
}

#[test]
fn nothing_grows_without_end() {
    let settings = Settings { ftp: parser::Ftp { transactions: 4, line: 4096 }, ..Settings::default() };
    let mut cx = context(&settings);
    let mut ftp = Ftp::default();
    for _ in 0..100 {
        assert_eq!(ftp.data(C, b"SYST\r\n", &mut cx), Parsed::More);
        ftp.data(S, b"215 x\r\n", &mut cx);
    }
    assert_eq!((ftp.live.iter().count(), ftp.live.ids().end), (8, 100));
    assert_eq!(ftp.data(C, b"SYST\r\nSYST\r\nSYST\r\nSYST\r\nSYST\r\n", &mut cx), Parsed::Failed);
    assert_eq!((events(&ftp, 103), ftp.live.ids().end), (vec!["too_many_transactions"], 104));
    assert!(ftp.live.iter().all(Exchange::is_complete));
    let line = ["211-", &"x".repeat(4000), "\r\n"].concat();
    let mut ftp = Ftp::default();
    for _ in 0..2000 {
        ftp.data(S, line.as_bytes(), &mut cx);
    }
    assert_eq!(ftp.live.get(0).unwrap().replies.len(), 256);
    ftp.data(C, &vec![b'x'; 1 << 20], &mut cx);
    assert!(ftp.bytes() < 1_200_000, "{}", ftp.bytes());
}
