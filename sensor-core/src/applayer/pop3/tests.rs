use super::*;
use crate::applayer::Transport;
use crate::applayer::parser::{Settings, Transaction};
use crate::json::Object;

const C: Side = Side::ToServer;
const S: Side = Side::ToClient;

fn context(settings: &Settings) -> Context<'_> {
    Context { time: 0, transport: Transport::Tcp, ports: (40000, 110), settings, next: None, announced: None }
}

fn talk(dialogue: &[(Side, &str)], piece: usize) -> (Pop3, Option<Next>) {
    let settings = Settings::default();
    let mut cx = context(&settings);
    let mut pop3 = Pop3::default();
    for (side, text) in dialogue {
        for part in text.as_bytes().chunks(piece) {
            assert_eq!(pop3.data(*side, part, &mut cx), Parsed::More);
        }
    }
    (pop3, cx.next)
}

fn lines(pop3: &Pop3) -> Vec<String> {
    let line = |exchange: &Exchange| {
        let mut line = Vec::new();
        Object::write(&mut line, |object| exchange.eve(object));
        String::from_utf8(line).unwrap()
    };
    pop3.live.iter().map(line).collect()
}

fn events(dialogue: &[(Side, &str)]) -> Vec<&'static str> {
    let (pop3, _) = talk(dialogue, 7);
    pop3.live.get(0).unwrap().events().iter().map(|event| PROTOCOL.events[usize::from(event)]).collect()
}

#[test]
fn a_command_and_its_response_are_a_transaction() {
    let dialogue = [
        (S, "+OK ready <1@x>\r\n"),
        (C, "USER bob\r\n"),
        (S, "+OK\r\n"),
        (C, "LIST\r\nLIST 2\r\nRETR 1\r\nQUIT\r\n"),
        (S, "+OK 2 messages\r\n1 120\r\n..2\r\n.\r\n-ERR none\r\n+OK 120 octets\r\nFrom: a\r\n\r\n+OK no\r\n.\r\n"),
    ];
    for piece in [1, 5, 1000] {
        let (pop3, _) = talk(&dialogue, piece);
        assert_eq!(
            lines(&pop3),
            [
                r#"{"response":{"success":true,"status":"OK","header":"ready <1@x>","data":[]}}"#,
                r#"{"request":{"command":"USER","args":["bob"]},"response":{"success":true,"status":"OK","header":"","data":[]}}"#,
                r#"{"request":{"command":"LIST","args":[]},"response":{"success":true,"status":"OK","header":"2 messages","data":["1 120",".2"]}}"#,
                r#"{"request":{"command":"LIST","args":["2"]},"response":{"success":false,"status":"ERR","header":"none","data":[]}}"#,
                r#"{"request":{"command":"RETR","args":["1"]},"response":{"success":true,"status":"OK","header":"120 octets","data":[]}}"#,
                r#"{"request":{"command":"QUIT","args":[]}}"#,
            ]
        );
        assert!(pop3.live.iter().take(5).all(|exchange| exchange.progress(S) == 1));
        assert_eq!(pop3.live.get(5).unwrap().progress(S), 0);
    }
}

#[test]
fn what_answers_a_challenge_is_not_kept() {
    let dialogue = [(C, "AUTH PLAIN\r\n"), (S, "+ \r\n"), (C, "c2VjcmV0\r\n"), (S, "+OK in\r\n"), (C, "QUIT\r\n")];
    let (pop3, _) = talk(&dialogue, 1);
    assert_eq!(
        lines(&pop3),
        [
            r#"{"request":{"command":"AUTH","args":["PLAIN"]},"response":{"success":true,"status":"OK","header":"","data":[]}}"#,
            r#"{"request":{"command":"<SASL DATA>","args":[]},"response":{"success":true,"status":"OK","header":"in","data":[]}}"#,
            r#"{"request":{"command":"QUIT","args":[]}}"#,
        ]
    );
}

#[test]
fn what_is_odd_is_an_event() {
    let (long, answer) = (format!("USER {}\r\n", "x".repeat(250)), format!("+OK {}\r\n", "x".repeat(507)));
    for (dialogue, event) in [
        (vec![(C, long.as_str())], vec!["request_too_long"]),
        (vec![(C, long.get(1..).unwrap_or_default())], vec!["unknown_command"]),
        (vec![(C, "stat\r\n")], vec!["unknown_command"]),
        (vec![(C, "PASS two words\r\n")], vec!["incorrect_argument_count"]),
        (vec![(C, "TOP 1\r\n")], vec!["incorrect_argument_count"]),
        (vec![(C, "AUTH\r\n")], vec!["incorrect_argument_count"]),
        (vec![(C, "NOOP\r\n"), (S, &answer)], vec!["response_too_long"]),
        (vec![(C, "TOP 1 10\r\n"), (S, "+OK\r\n"), (S, &answer), (S, ".\r\n")], vec![]),
    ] {
        assert_eq!(events(&dialogue), event, "{dialogue:?}");
    }
}

#[test]
fn tls_follows_an_accepted_stls() {
    assert_eq!(talk(&[(C, "STLS\r\n"), (S, "+OK go\r\n\x16\x03")], 100).1, Some(Next::Probe));
    assert_eq!(talk(&[(C, "STLS\r\n"), (S, "-ERR no\r\n")], 100).1, None);
}

#[test]
fn nothing_grows_without_end() {
    let settings = Settings { transactions: 4, ..Settings::default() };
    let mut cx = context(&settings);
    let mut pop3 = Pop3::default();
    for _ in 0..100 {
        pop3.data(C, b"CAPA\r\n", &mut cx);
    }
    assert_eq!((pop3.live.iter().count(), pop3.live.ids().end), (8, 100));
    pop3.data(S, b"+OK\r\n", &mut cx);
    for _ in 0..100_000 {
        pop3.data(S, b"a line of a list\r\n", &mut cx);
    }
    pop3.data(S, &vec![b'x'; 1 << 20], &mut cx);
    assert!(pop3.bytes() < 100_000, "{}", pop3.bytes());
}

#[test]
fn a_gap_costs_its_line_alone() {
    let settings = Settings::default();
    let mut cx = context(&settings);
    let mut pop3 = Pop3::default();
    pop3.data(C, b"USER ha", &mut cx);
    assert_eq!(pop3.gap(C, 10, &mut cx), Parsed::More);
    pop3.data(C, b"lf\r\nSTAT\r\n", &mut cx);
    assert_eq!(lines(&pop3), [r#"{"request":{"command":"STAT","args":[]}}"#]);
}
