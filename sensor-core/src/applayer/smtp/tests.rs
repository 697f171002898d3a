use super::*;
use crate::applayer::parser::{Settings, Transaction};
use crate::json::Object;
use crate::rules::Buffer;

const C: Side = Side::ToServer;
const S: Side = Side::ToClient;

fn context(settings: &Settings) -> Context<'_> {
    Context { time: 0, transport: Transport::Tcp, ports: (40000, 25), settings, next: None, announced: None }
}

/// Feeds a dialogue in pieces; stops where the flow goes on with another protocol.
fn talk(dialogue: &[(Side, &str)], piece: usize) -> (Smtp, Option<Next>) {
    let settings = Settings::default();
    let mut cx = context(&settings);
    let mut smtp = Smtp::default();
    for (side, text) in dialogue {
        for part in text.as_bytes().chunks(piece) {
            assert_eq!(smtp.data(*side, part, &mut cx), Parsed::More);
        }
    }
    (smtp, cx.next)
}

fn line(smtp: &Smtp, id: u64) -> String {
    let mut line = Vec::new();
    Object::write(&mut line, |object| {
        let mail = smtp.live.get(id).expect("it is there");
        object.object("smtp", |object| mail.eve(object));
        mail.beside(object);
    });
    String::from_utf8(line).unwrap()
}

fn events(smtp: &Smtp, id: u64) -> Vec<&'static str> {
    smtp.live.get(id).unwrap().events().iter().map(|event| event::NAMES[usize::from(event)]).collect()
}

fn done(smtp: &Smtp, id: u64) -> bool {
    let mail = smtp.live.get(id).unwrap();
    (mail.progress(C), mail.progress(S)) == (progress::COMPLETE, 1)
}

const HELLO: [(Side, &str); 3] =
    [(S, "220 mx.example ESMTP\r\n"), (C, "EHLO client.example\r\n"), (S, "250-mx\r\n250-PIPELINING\r\n250 DSN\r\n")];
const ENVELOPE: [(Side, &str); 4] = [
    (C, "MAIL FROM:<a@x> SIZE=9\r\n"),
    (S, "250 ok\r\n"),
    (C, "rcpt to: <b@x>\r\nRCPT TO:<c@x>\r\n"),
    (S, "250 ok\r\n250 ok\r\n"),
];
const MESSAGE: [(Side, &str); 4] = [
    (C, "DATA\r\n"),
    (S, "354 go\r\n"),
    (C, "From: a@x\r\nTo: b@x,\r\n \"C, c\" <c@x>\r\nSubject: hi\r\nContent-Type: a/b; name=f\r\n\r\n..x\r\n.\r\n"),
    (S, "250 queued\r\n"),
];
const QUIT: [(Side, &str); 2] = [(C, "QUIT\r\n"), (S, "221 bye\r\n")];

#[test]
fn a_mail_is_a_transaction_with_its_buffers() {
    let dialogue = [&HELLO[..], &ENVELOPE, &MESSAGE, &QUIT].concat();
    for piece in [1, 2, 7, 1000] {
        let (smtp, _) = talk(&dialogue, piece);
        assert_eq!(smtp.ids(), 0..1);
        assert!(done(&smtp, 0));
        assert_eq!(events(&smtp, 0), [""; 0]);
        assert_eq!(
            line(&smtp, 0),
            r#"{"smtp":{"helo":"client.example","mail_from":"<a@x>","rcpt_to":["<b@x>","<c@x>"]},"email":{"from":"a@x","to":["b@x","\"C, c\" <c@x>"],"status":"PARSE_DONE","attachment":["f"]}}"#
        );
        let mail = smtp.live.get(0).unwrap();
        for (buffer, index, wanted) in [
            (Buffer::SmtpHelo, 0, Some("client.example")),
            (Buffer::SmtpMailFrom, 0, Some("<a@x>")),
            (Buffer::SmtpRcptTo, 1, Some("<c@x>")),
            (Buffer::SmtpRcptTo, 2, None),
            (Buffer::EmailTo, 0, Some("b@x,\"C, c\" <c@x>")),
            (Buffer::EmailSubject, 0, Some("hi")),
            (Buffer::EmailCc, 0, None),
        ] {
            let mut scratch = Vec::new();
            assert_eq!(mail.buffer(buffer, C, index, &mut scratch), wanted.map(str::as_bytes), "{buffer:?}");
        }
        // A dot before a dot stays: so rules know it.
        assert_eq!(mail.files()[0].head, b"..x");
    }
}

#[test]
fn each_mail_and_each_reset_begins_a_transaction() {
    let noop = [(C, "NOOP\r\n"), (S, "250 ok\r\n")];
    let rset = [(C, "RSET\r\n"), (S, "250 ok\r\n")];
    let ids = |dialogue: &[&[(Side, &str)]]| talk(&dialogue.concat(), 5).0.ids().end;
    assert_eq!(ids(&[&HELLO, &QUIT]), 1);
    assert_eq!(ids(&[&HELLO, &ENVELOPE, &MESSAGE, &ENVELOPE, &MESSAGE, &QUIT]), 2);
    assert_eq!(ids(&[&HELLO, &ENVELOPE, &MESSAGE, &rset, &QUIT]), 1);
    assert_eq!(ids(&[&HELLO, &ENVELOPE, &MESSAGE, &noop, &QUIT]), 2);
    assert_eq!(ids(&[&HELLO, &rset, &ENVELOPE, &MESSAGE, &QUIT]), 2);
    let (smtp, _) = talk(&[&HELLO[..], &ENVELOPE, &rset, &ENVELOPE, &MESSAGE].concat(), 5);
    assert!(done(&smtp, 0) && done(&smtp, 1));
    assert_eq!(line(&smtp, 0), r#"{"smtp":{"helo":"client.example","mail_from":"<a@x>","rcpt_to":["<b@x>","<c@x>"]}}"#);
    // EHLO forgets a mail that has begun.
    let again = [(C, "EHLO y\r\n"), (S, "250 ok\r\n")];
    let (smtp, _) = talk(&[&HELLO[..], &ENVELOPE, &again, &ENVELOPE, &MESSAGE].concat(), 5);
    assert!(done(&smtp, 0) && done(&smtp, 1));
    assert_eq!((events(&smtp, 0), events(&smtp, 1)), (vec!["duplicate_fields"], vec![]));
}

#[test]
fn a_reset_behind_a_mail_does_not_end_the_next() {
    let pipelined = [(C, "RSET\r\nMAIL FROM:<d@x>\r\n"), (S, "250 ok\r\n250 ok\r\n")];
    let (smtp, _) = talk(&[&HELLO[..], &ENVELOPE, &MESSAGE, &pipelined].concat(), 1000);
    assert_eq!((smtp.ids(), done(&smtp, 0), done(&smtp, 1)), (0..2, true, false));
}

#[test]
fn what_is_odd_is_an_event() {
    let long = format!("250 {}\r\n", "x".repeat(5000));
    for (dialogue, event) in [
        (&[(S, "250 hello\r\n")][..], "no_server_welcome_message"),
        (&[HELLO[0], (C, "NOOP\r\n"), (S, "hello\r\n")], "invalid_reply"),
        (&[HELLO[0], (C, "NOOP\r\n"), (S, "299 odd\r\n")], "invalid_reply"),
        (&[HELLO[0], (C, "NOOP\r\n"), (S, &long)], "truncated_line"),
        (&[HELLO[0], (C, "STARTTLS\r\n"), (S, "454 no\r\n")], "tls_rejected"),
        (&[HELLO[0], (C, "STARTTLS\r\nNOOP\r\n")], "invalid_pipelined_sequence"),
        (&[HELLO[0], (C, "DATA\r\n"), (S, "554 no\r\n")], "data_command_rejected"),
        (&[HELLO[0], (C, "DATA\r\nFrom: x\r\n")], "invalid_pipelined_sequence"),
        (&[HELLO[0], HELLO[1], HELLO[2], (C, "DATA\r\nFrom: x\r\n.\r\n")], "invalid_pipelined_sequence"),
        (&[HELLO[0], (C, "MAIL FROM:<a>\r\nMAIL FROM:<b>\r\n")], "duplicate_fields"),
        (&[HELLO[0], (C, "BDAT x\r\n")], "invalid_bdat"),
        (&[HELLO[0], (C, "BDAT 5 X\r\n")], "invalid_bdat"),
        (&[HELLO[0], (C, "BDAT -5\r\n")], "invalid_bdat"),
        (&[HELLO[0], (C, "BDAT\r\n")], "invalid_bdat"),
        (&[HELLO[0], (C, "BDAT 99999999999999999999\r\n")], "invalid_bdat"),
    ] {
        for piece in [1, 10_000] {
            let (smtp, _) = talk(dialogue, piece);
            assert_eq!(events(&smtp, 0).first().copied().unwrap_or_default(), event, "{dialogue:?}");
        }
    }
    let boundary = format!("Content-Type: multipart/x; boundary={}\r\n\r\n", "b".repeat(300));
    let (smtp, _) = talk(&[HELLO[0], (C, "DATA\r\n"), (S, "354 go\r\n"), (C, &boundary)], 100);
    assert_eq!(events(&smtp, 0), ["mime_long_boundary"]);
}

#[test]
fn a_refusal_at_the_door_is_no_welcome() {
    let (smtp, _) = talk(&[(S, "554 no\r\n"), (C, "QUIT\r\n"), (S, "221 bye\r\n")], 100);
    assert_eq!(events(&smtp, 0), ["invalid_reply", "no_server_welcome_message"]);
}

#[test]
fn another_protocol_follows_an_accepted_starttls_at_once() {
    let dialogue = [&HELLO[..], &[(C, "STARTTLS\r\n"), (S, "220 go\r\n\x16\x03\x01")]].concat();
    assert_eq!(talk(&dialogue, 1000).1, Some(Next::Probe));
}

#[test]
fn chunks_are_passed_over_by_their_length() {
    let chunks = [
        (C, "BDAT 12\r\nMAIL FROM:<q"),
        (S, "250 ok\r\n"),
        (C, "BDAT 3 LAST\r\nabcMAIL FROM:<d@x>\r\nRCPT TO:<e@x>\r\n"),
        (S, "250 ok\r\n250 ok\r\n250 ok\r\n"),
    ];
    for piece in [1, 4, 1000] {
        let (smtp, _) = talk(&[&HELLO[..], &ENVELOPE, &chunks].concat(), piece);
        assert_eq!((smtp.ids(), done(&smtp, 0), done(&smtp, 1)), (0..2, true, false));
        assert_eq!(
            line(&smtp, 1),
            r#"{"smtp":{"helo":"client.example","mail_from":"<d@x>","rcpt_to":["<e@x>"]}}"#,
            "in pieces of {piece}"
        );
        assert_eq!((events(&smtp, 0).len(), events(&smtp, 1).len()), (0, 0));
    }
}

#[test]
fn messages_before_their_go_ahead_are_read_where_the_server_pipelines() {
    let early =
        [(C, "MAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\nFrom: early@x\r\n"), (S, "250 a\r\n250 b\r\n354 c\r\n")];
    let rest = [(C, "To: q\r\n\r\nx\r\n.\r\n"), (S, "250 ok\r\n")];
    let (smtp, _) = talk(&[&HELLO[..], &early, &rest].concat(), 1000);
    assert_eq!(events(&smtp, 0), [""; 0]);
    assert!(line(&smtp, 0).contains(r#""from":"early@x","to":["q"]"#) && done(&smtp, 0));
}

#[test]
fn a_gap_ends_what_is_read() {
    let (mut smtp, _) = talk(&[&HELLO[..], &ENVELOPE, &MESSAGE[..2]].concat(), 1000);
    let settings = Settings::default();
    assert_eq!(smtp.gap(C, 10, &mut context(&settings)), Parsed::Failed);
    assert_eq!(smtp.live.get(0).unwrap().progress(C), progress::COMPLETE);
}

#[test]
fn nothing_grows_without_end() {
    let settings = Settings { transactions: 4, ..Settings::default() };
    let mut cx = context(&settings);
    let mut smtp = Smtp::default();
    smtp.data(S, b"220 x\r\n", &mut cx);
    smtp.data(C, b"MAIL FROM:<a>\r\n", &mut cx);
    for _ in 0..5000 {
        smtp.data(C, b"RCPT TO:<b@x>\r\n", &mut cx);
    }
    assert_eq!((smtp.live.get(0).unwrap().rcpt_to.len(), smtp.waiting.len()), (MAX_RECIPIENTS, MAX_WAITING));
    for _ in 0..100 {
        smtp.data(C, b"BDAT 0 LAST\r\n", &mut cx);
    }
    assert!(smtp.live.iter().count() <= 8, "{}", smtp.live.iter().count());
    smtp.data(C, &vec![b'x'; 1 << 20], &mut cx);
    assert!(smtp.bytes() < 400_000, "{}", smtp.bytes());
}

#[test]
fn a_released_mail_goes_on_without_being_kept() {
    let (mut smtp, _) = talk(&[&HELLO[..], &ENVELOPE, &MESSAGE[..2]].concat(), 1000);
    smtp.release(0);
    let settings = Settings::default();
    let mut cx = context(&settings);
    smtp.data(C, b"From: a\r\n\r\nMAIL FROM:<no>\r\n.\r\nMAIL FROM:<yes>\r\n", &mut cx);
    assert_eq!(
        (smtp.ids(), line(&smtp, 1)),
        (1..2, r#"{"smtp":{"helo":"client.example","mail_from":"<yes>"}}"#.into())
    );
}
