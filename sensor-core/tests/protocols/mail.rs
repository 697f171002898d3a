//! SMTP, FTP and its data, POP3, TFTP.

use sensor_core::applayer::{AppProto, Side};
use sensor_core::json::Object;
use sensor_core::rules::Buffer;
use serde_json::{Value, json};

use crate::replay::{Parsers, replay};

/// What stands beside the objects of transactions.
fn beside(parsers: &Parsers) -> Vec<Value> {
    let transactions = parsers.iter().flat_map(|parser| parser.ids().filter_map(|id| parser.transaction(id)));
    let beside = transactions.map(|transaction| {
        let mut line = Vec::new();
        Object::write(&mut line, |event| transaction.beside(event));
        serde_json::from_slice(&line).unwrap_or_else(|error| panic!("{error}"))
    });
    beside.collect()
}

#[test]
fn mails_of_captures_read_as_suricata_reads_them() {
    let name = "smtptest-2021-02-25T13-54-22Z-aefb2fc1308d62f4b6c74769f69b13ddf80e995fd98ae442f3be499ea928c67f..zip";
    for piece in [1, 1500] {
        let file = "suricata-verify/pcaps/d08ea3e2e4720cbc.pcap";
        let Some((lines, parsers)) = replay(file, AppProto::Smtp, 25, piece) else { return };
        assert_eq!(
            lines,
            [json!({"helo": "smtp.intra", "mail_from": "blah@smtp.lab.com", "rcpt_to": ["test@wut.com"]})]
        );
        let email = &beside(&parsers)[0]["email"];
        assert_eq!((&email["status"], &email["attachment"]), (&json!("PARSE_DONE"), &json!([name])));
        let transaction = parsers[0].transaction(0).expect("there is one");
        let [attachment] = transaction.files() else { panic!("there is one file") };
        assert_eq!((attachment.name.as_slice(), attachment.size), (name.as_bytes(), 286));
        assert!(attachment.head.starts_with(b"PK\x03\x04"), "a ZIP archive");
    }
    let file = "suricata-verify/pcaps/68cced05f8414c47.pcap";
    let Some((_, parsers)) = replay(file, AppProto::Smtp, 25, 1500) else { return };
    let transaction = parsers[0].transaction(0).expect("there is one");
    let mut scratch = Vec::new();
    let id = transaction.buffer(Buffer::EmailMessageId, Side::ToServer, 0, &mut scratch);
    assert_eq!(id, Some(&b"<alpine.DEB.2.00.1311261630120.9535@sd-26634.dedibox.fr>"[..]));
}

#[test]
fn mails_in_chunks_and_behind_resets_are_told_apart() {
    for (file, senders, from) in [
        ("e02ba6b5ba8588f2", ["<alice@example.com>", "<bob@example.com>"], [json!(null), json!("bob@example.com")]),
        ("8cf91c061508f834", ["<alice@example.com>", "<bob@example.com>"], [json!(null), json!("bob@example.com")]),
        ("07e86415f9475d67", ["<alice@example.com>", "<bob@example.com>"], [json!(null), json!("bob@example.com")]),
        (
            "90865a8eab777bb6",
            ["<alice@example.com>", "<bob@example.com>"],
            [json!("alice@example.com"), json!("bob@example.com")],
        ),
    ] {
        let path = format!("suricata-verify/pcaps/{file}.pcap");
        let Some((lines, parsers)) = replay(&path, AppProto::Smtp, 25, 1500) else { return };
        let told: Vec<_> = lines.iter().map(|line| line["mail_from"].as_str().unwrap_or_default()).collect();
        assert_eq!(told, senders, "{file}");
        let told: Vec<_> = beside(&parsers).iter().map(|event| event["email"]["from"].clone()).collect();
        assert_eq!(told, from, "{file}");
    }
}

#[test]
fn ftp_of_captures_reads_as_suricata_reads_it() {
    for piece in [1, 1500] {
        let file = "suricata-verify/pcaps/0525d9bb0ccc7a0d.pcap";
        let Some((lines, _)) = replay(file, AppProto::Ftp, 21, piece) else { return };
        assert_eq!(lines.len(), 8);
        let cut = |line: &&Value| line["command"] == "RETR" && line["command_truncated"] == true;
        let long = lines.iter().find(cut).expect("one is too long");
        assert_eq!(long["command_data"].as_str().map(str::len), Some(4091));
        let whole = lines.iter().find(|line| line["command_data"] == "index.html").expect("one is not");
        assert_eq!(
            (&whole["command_truncated"], &whole["reply_truncated"]),
            (&Value::Bool(false), &Value::Bool(false))
        );
        let file = "suricata-verify/pcaps/7039099f92eb4393.pcap";
        let Some((lines, _)) = replay(file, AppProto::Ftp, 21, piece) else { return };
        let passive = lines.iter().find(|line| line["command"] == "PASV").expect("the port is asked for");
        assert_eq!((&passive["dynamic_port"], &passive["mode"]), (&json!(47373), &json!("passive")));
    }
}

#[test]
fn pop3_of_captures_reads_as_suricata_reads_it() {
    for piece in [1, 1500] {
        let file = "suricata-verify/pcaps/e4e3c30509d08062.pcap";
        let Some((lines, _)) = replay(file, AppProto::Pop3, 110, piece) else { return };
        let commands: Vec<_> =
            lines.iter().map(|line| line["request"]["command"].as_str().unwrap_or_default()).collect();
        assert_eq!(commands, ["CAPA", "AUTH", "<SASL DATA>", "STAT", "LIST", "UIDL", "QUIT"]);
        let [capa, .., list, uidl, _] = &lines[..] else { panic!("there are seven") };
        assert_eq!(
            (&capa["response"]["header"], &capa["response"]["data"][7]),
            (&json!("Capability list follows"), &json!("SASL PLAIN XOAUTH2 OAUTHBEARER"))
        );
        assert_eq!(list["response"]["data"], json!(["1 308661"]));
        assert_eq!(uidl["response"]["data"], json!(["1 GmailId123456789"]));
    }
}

#[test]
fn tftp_of_captures_reads_as_suricata_reads_it() {
    let file = "suricata-verify/pcaps/c0380a316152f1e2.pcap";
    let Some((lines, _)) = replay(file, AppProto::Tftp, 69, 1) else { return };
    assert_eq!(lines, [json!({"packet": "write", "file": "rfc1350.txt", "mode": "octet"})]);
}
