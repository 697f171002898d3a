use proptest::prelude::*;

use super::*;
use crate::applayer::parser::FileState;

fn read(text: &[u8], settings: &Settings) -> Mime {
    let mut mime = Mime::new(Side::ToServer);
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let (line, end) = match line.strip_suffix(b"\r\n") {
            Some(line) => (line, End::CrLf),
            None => (line.strip_suffix(b"\n").unwrap_or(line), End::Lf),
        };
        mime.line(line, end, settings);
    }
    mime.end(true, settings);
    mime
}

fn mime(text: &str) -> Mime {
    read(text.replace('\n', "\r\n").as_bytes(), &Settings::default())
}

fn files(mime: &Mime) -> Vec<(&[u8], &[u8])> {
    mime.files().iter().map(|file| (file.name.as_slice(), file.head.as_slice())).collect()
}

fn texts(list: &[Vec<u8>]) -> Vec<&str> {
    list.iter().map(|text| std::str::from_utf8(text).unwrap()).collect()
}

#[test]
fn fields_are_unfolded_and_the_first_of_a_name_counts() {
    let mime = mime(
        "From: \"Alice A\" <alice@example.com>\nSUBJECT: a\n  b\n\tc\nsubject: other\nno field\nX-Mailer:  y  \n\
         Received: one;\n two\nReceived: three\nTo : x\nDate:\n\nbody\n",
    );
    assert_eq!(mime.field("from", 0), Some(&b"\"Alice A\" <alice@example.com>"[..]));
    assert_eq!(mime.field("subject", 0), Some(&b"a bc"[..]));
    assert_eq!(mime.field("x-mailer", 0), Some(&b"y  "[..]));
    assert_eq!((mime.field("received", 0), mime.field("received", 1)), (Some(&b"one;two"[..]), Some(&b"three"[..])));
    assert_eq!((mime.field("to", 0), mime.field("date", 0)), (None, Some(&b""[..])));
    assert_eq!(mime.odd(), 0);
}

const MIXED: &str = "From: a@b\nContent-Type: multipart/mixed; boundary=\"XX\"\n\npreamble http://no.example/\n--XX\n\
    Content-Type: text/plain\n\nsee http://one.example/a?b=c, (http://two.example/x) HTTP://three.example\n--XX\n\
    Content-Type: application/octet-stream; name=\"one.bin\"\nContent-Transfer-Encoding: base64\n\
    Content-Disposition: attachment; filename=\"other.bin\"\n\nSGVs\nbG8h!SGVs\n--XX\n\
    Content-Disposition: inline; filename=two.txt; size=3\n\nline one\n\nline two\n--XX\n\
    Content-Type: a/b; name=three\nContent-Transfer-Encoding: quoted-printable\n\nabc=3Ddef=\nghi\n--XX--\nepilogue\n";

#[test]
fn parts_become_files_and_texts_give_urls() {
    let mime = mime(MIXED);
    let wanted: [(&[u8], &[u8]); 3] =
        [(b"one.bin", b"Hello!Hel"), (b"two.txt", b"line one\r\n\r\nline two"), (b"three", b"abc=defghi\r\n")];
    assert_eq!(files(&mime), wanted);
    assert!(mime.files().iter().all(|file| file.state == FileState::Closed && !file.to_client));
    assert_eq!(texts(mime.urls()), ["one.example/a?b=c,", "two.example/x)", "three.example\r\n"]);
}

#[test]
fn parts_in_parts_and_messages_in_messages_are_taken_apart() {
    let mime = mime(
        "Subject: outer\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/alternative; \
         boundary=bb\n\n--bb\n\nhttp://in.example/\n--bb\nContent-Type: a/b; name=in\n\n1\n--bb--\n--b\n\
         Content-Type: message/rfc822\n\nSubject: inner\nContent-Type: a/b; name=mail\n\n2\n--b--\n--b\n\
         Content-Type: a/b; name=late\n\n3\n",
    );
    let wanted: [(&[u8], &[u8]); 3] = [(b"in", b"1"), (b"mail", b"2"), (b"late", b"3")];
    assert_eq!(files(&mime), wanted);
    assert_eq!((mime.field("subject", 0), mime.field("subject", 1)), (Some(&b"outer"[..]), None));
    assert_eq!(texts(mime.urls()), ["in.example/\r\n"]);
}

#[test]
fn base64_is_read_over_lines_padding_and_junk() {
    for (encoded, decoded) in [
        ("QUI=\nQUJD\n", &b"ABABC"[..]),
        ("QUJDQQ\n", b"ABCA"),
        ("QUJD\nb c ;*-\n\n", b"ABCm"),
        ("QUJDQ===QQ=\n=QUJD\n", b"ABCAABC"),
        ("QUJD=QQ=Q\n", b"ABCA"),
        ("QQ==\n", b"A"),
        ("@@@!\nQ U\nJD\n", b"ABC"),
        ("====\n", b""),
    ] {
        let mime = mime(&format!("Content-Type: a/b; name=f\nContent-Transfer-Encoding: base64\n\n{encoded}"));
        assert_eq!(files(&mime), [(&b"f"[..], decoded)], "{encoded}");
    }
}

#[test]
fn urls_are_looked_for_in_what_base64_hides() {
    // "see http://b.example/x now\nhttp://c.example/"
    let mime =
        mime("Content-Transfer-Encoding: base64\n\nc2VlIGh0dHA6Ly9iLmV4YW1wbGUveCBub3cKaHR0\ncDovL2MuZXhhbXBsZS8=\n");
    assert_eq!(texts(mime.urls()), ["b.example/x", "c.example/"]);
}

#[test]
fn escapes_that_are_none_are_left_out_and_noted() {
    let head = "Content-Type: a/b; name=f\nContent-Transfer-Encoding: quoted-printable\n\n";
    let broken = mime(&format!("{head}ab=ZZcd=\nAA=3d=3D\n"));
    assert_eq!(files(&broken), [(&b"f"[..], &b"abcdAA=\r\n"[..])]);
    assert_eq!(broken.odd(), 1 << odd::INVALID_QP);
    assert_eq!(mime(&format!("{head}ab=3Dcd= \nx\n")).odd(), 0);
}

#[test]
fn names_come_from_parameters_whole_and_in_parts() {
    for (field, name) in [
        ("Content-Type: a/b; name=one two;x=y", Some("one two")),
        ("Content-Type: a/b; xname=no", None),
        ("Content-Type: a/b; x; NAME=\"a;b\"", Some("a;b")),
        ("Content-Disposition: attachment;filename='single'", Some("'single'")),
        ("Content-Disposition: attachment; filename*0=abc; filename*1=\"def\";\n filename*2=.pdf", Some("abcdef.pdf")),
        ("Content-Disposition: attachment; filename*1=b; filename*0=a", Some("a")),
        ("Content-Disposition: attachment; filename*=UTF-8''a%20b.pdf", None),
        ("Content-Disposition: attachment", None),
    ] {
        let mime = mime(&format!("{field}\n\nx\n"));
        let names: Vec<_> = mime.files().iter().map(|file| file.name.as_slice()).collect();
        assert_eq!(names, name.map(str::as_bytes).into_iter().collect::<Vec<_>>(), "{field}");
    }
    let mime = mime("Content-Type: a/b; name=\"\"\n\nx\n");
    assert_eq!((mime.files().len(), texts(mime.attachments())), (0, vec![""]));
}

#[test]
fn what_is_past_a_bound_is_noted() {
    let body = "Content-Type: a/b; name=f\nContent-Transfer-Encoding: base64\n\n";
    let name = |len| format!("Content-Type: a/b; name={}\n\nx\n", "n".repeat(len));
    let boundary = |len| format!("Content-Type: multipart/mixed; boundary={}\n\nx\n", "n".repeat(len));
    let line = |len| format!("\n{}\n", "x".repeat(len));
    let header = |len| format!("{}: x\n\n", "X".repeat(len));
    let encoded = |len| format!("{body}{}\n", "A".repeat(len));
    for (note, ok, over) in [
        (odd::LONG_FILENAME, name(255), name(256)),
        (odd::LONG_BOUNDARY, boundary(254), boundary(255)),
        (odd::LONG_LINE, line(998), line(999)),
        (odd::LONG_HEADER_NAME, header(75), header(76)),
        (odd::LONG_ENCODED_LINE, encoded(76), encoded(77)),
    ] {
        assert_eq!((mime(&ok).odd(), mime(&over).odd()), (0, 1 << note), "{note}");
    }
    let folded = |lines| format!("Subject: {}\n\n", vec!["y".repeat(900); lines].join("\n "));
    assert_eq!((mime(&folded(18)).odd(), mime(&folded(19)).odd()), (0, 1 << odd::LONG_HEADER_VALUE));
    assert_eq!(mime(&folded(19)).field("subject", 0).map(<[u8]>::len), Some(16 << 10));
    assert_eq!(mime(&name(300)).files()[0].name.len(), 255);
}

#[test]
fn no_list_grows_without_end() {
    let settings = Settings { file_bytes: 64, ..Settings::default() };
    let mut text = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n".to_vec();
    for _ in 0..1000 {
        text.extend_from_slice(b"--b\r\nContent-Type: a/b; name=f\r\n\r\nx\r\n");
    }
    for place in 0..1000 {
        text.extend_from_slice(
            format!("--b\r\nContent-Type: multipart/x; boundary=n{place}\r\n\r\n--n{place}\r\n").as_bytes(),
        );
    }
    text.extend_from_slice(b"\r\n");
    text.extend_from_slice("http://x.example/ ".repeat(5000).as_bytes());
    text.extend_from_slice(b"\r\n");
    let mime = read(&text, &settings);
    assert_eq!((mime.files().len(), mime.attachments().len(), mime.urls().len()), (256, 256, 1024));
    let fields = "Received: x\r\n".repeat(1000);
    assert_eq!(read(fields.as_bytes(), &settings).fields.len(), 64);
    let nested: String =
        (0..1000).map(|n| format!("Content-Type: multipart/x; boundary=n{n}\r\n\r\n--n{n}\r\n")).collect();
    let mut deep = Mime::new(Side::ToServer);
    nested.split("\r\n").for_each(|line| deep.line(line.as_bytes(), End::CrLf, &settings));
    assert_eq!(deep.boundaries.len(), 64);
}

#[test]
fn a_message_that_is_cut_leaves_its_file_open_ended() {
    let mut mime = Mime::new(Side::ToServer);
    for line in ["Content-Type: a/b; name=f", "", "half"] {
        mime.line(line.as_bytes(), End::CrLf, &Settings::default());
    }
    mime.end(false, &Settings::default());
    assert_eq!((mime.files()[0].state, mime.files()[0].size), (FileState::Truncated, 4));
}

proptest! {
    /// Whatever comes, nothing panics, and what is kept stays near what came.
    #[test]
    fn any_lines_are_read(lines in prop::collection::vec(
        prop_oneof![
            "[ -~]{0,40}",
            Just("Content-Type: multipart/mixed; boundary=b".to_string()),
            Just("Content-Type: message/rfc822".to_string()),
            Just("Content-Type: a/b; name=f".to_string()),
            Just("Content-Transfer-Encoding: base64".to_string()),
            Just("Content-Transfer-Encoding: quoted-printable".to_string()),
            Just("--b".to_string()),
            Just("--b--".to_string()),
            Just(String::new()),
        ], 0..60))
    {
        let text = lines.join("\r\n");
        let mime = read(text.as_bytes(), &Settings::default());
        let held: usize = mime.files().iter().map(|file| file.head.len()).sum();
        prop_assert!(held <= 2 * text.len() + 4 * lines.len());
    }
}
