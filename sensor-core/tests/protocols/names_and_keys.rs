//! DNS, TLS, SSH, QUIC.

use sensor_core::applayer::{AppProto, Side};
use sensor_core::rules::Buffer;

use crate::replay::replay;

#[test]
fn dns_of_captures_reads_as_suricata_reads_it() {
    let Some((lines, _)) = replay("suricata-verify/pcaps/0d0a41cb2f98f634.pcap", AppProto::Dns, 53, 1) else { return };
    assert_eq!(lines[0]["queries"][1]["rrname"], "codemonkey.net");
    assert_eq!(
        (&lines[1]["answers"][0]["rdata"], &lines[1]["answers"][0]["ttl"]),
        (&"152.53.82.239".into(), &300.into())
    );
    let Some((lines, _)) = replay("suricata-verify/pcaps/3bb99a91d777ba15.pcap", AppProto::Dns, 53, 1) else { return };
    assert_eq!((&lines[0]["opcode"], &lines[1]["flags"]), (&9.into(), &"c800".into()));
    assert_eq!(lines[1]["grouped"]["A"][0], "127.0.0.1");
}

#[test]
fn tls_of_captures_reads_as_suricata_reads_it() {
    let file = "suricata-verify/pcaps/4fff30d5a9ed1d5d.pcap";
    for piece in [1, 1500] {
        let Some((lines, parsers)) = replay(file, AppProto::Tls, 443, piece) else { return };
        let name = "C=FR, ST=IDF, L=Paris, O=Stamus, CN=SELKS";
        let line = lines.iter().find(|line| line["subject"] == name).expect("the certificate is read");
        assert_eq!((&line["issuerdn"], &line["serial"]), (&name.into(), &"00:97:E6:47:09:8E:EA:C9:B4".into()));
        assert_eq!(line["fingerprint"], "3a:0b:3b:23:15:2c:44:5c:27:ac:6a:0c:41:d6:fa:74:af:b4:09:5b");
        assert_eq!((&line["version"], &line["notbefore"]), (&"TLS 1.2".into(), &"2015-02-12T18:07:27".into()));
        assert_eq!(
            (&line["notafter"], &line["ja4"]),
            (&"2025-02-09T18:07:27".into(), &"t12i1810s1_27d4652c4487_06a4338d0495".into())
        );
        let mut scratch = Vec::new();
        let transaction = parsers[0].transaction(0).expect("there is one");
        let time = transaction.buffer(Buffer::TlsRandomTime, Side::ToClient, 0, &mut scratch);
        assert_eq!(time, Some(&[0x54, 0xf9, 0xfc, 0x15][..]));
    }
}

#[test]
fn ssh_of_captures_reads_as_suricata_reads_it() {
    for piece in [1, 1500] {
        let file = "suricata-verify/pcaps/ee595e8f60b19897.pcap";
        let Some((lines, _)) = replay(file, AppProto::Ssh, 22, piece) else { return };
        assert_eq!(lines[0]["client"]["hassh"]["hash"], "2dd6531c7e89d3c925db9214711be76a");
        assert_eq!(lines[0]["server"]["hassh"]["hash"], "6832f1ce43d4397c2c0a3e2f8c94334e");
        let file = "suricata-verify/pcaps/b5071379c736c7ea.pcap";
        let Some((lines, _)) = replay(file, AppProto::Ssh, 22, piece) else { return };
        assert_eq!(lines[0]["client"]["software_version"], "OpenSSH_for_Windows_7.7");
        assert_eq!(lines[0]["server"]["software_version"], "OpenSSH_7.4");
    }
}

#[test]
fn quic_of_captures_reads_as_suricata_reads_it() {
    let file = "suricata-verify/pcaps/f62f5266ab9db7ef.pcap";
    let Some((lines, _)) = replay(file, AppProto::Quic, 443, 1) else { return };
    let told = lines.iter().filter(|line| line["ja4"] == "q13d0310h3_55b375c5d22e_cd85d2d88918").count();
    assert_eq!(told, 11);
    let file = "suricata-verify/pcaps/f2f487b12a84e2bb.pcap";
    let Some((lines, _)) = replay(file, AppProto::Quic, 443, 1) else { return };
    assert!(lines.iter().all(|line| line["version"] == "Q046"));
    assert_eq!(lines[0]["cyu"][0]["hash"], "910a5e3a4d51593bd59a44611544f209");
    assert_eq!(lines.iter().filter(|line| line["sni"] == "clients1.google.com").count(), 2);
}

/// The value at a dotted path with indexes.
fn at<'a>(value: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(value, |value, part| {
        let (key, index) = part.split_once('[').unwrap_or((part, ""));
        let value = &value[key];
        index.strip_suffix(']').and_then(|index| index.parse::<usize>().ok()).map_or(value, |index| &value[index])
    })
}

#[test]
fn checks_of_public_cases_hold() {
    let Some(corpus) = corpus() else { return };
    let (mut held, mut wrong) = (0, Vec::new());
    let protocols = [
        ("dns", AppProto::Dns, 53),
        ("tls", AppProto::Tls, 443),
        ("ssh", AppProto::Ssh, 22),
        ("quic", AppProto::Quic, 443),
    ];
    let cases = corpus.join("suricata-verify/cases");
    let Ok(folders) = std::fs::read_dir(&cases) else { return };
    for folder in folders.flatten() {
        let Ok(text) = std::fs::read(folder.path().join("case.json")) else { continue };
        let Ok(case) = serde_json::from_slice::<Value>(&text) else { continue };
        if case["verified"] != "shipped-config" {
            continue;
        }
        for check in case["checks"].as_array().into_iter().flatten() {
            let Some((name, app, port)) = protocols.iter().find(|(name, ..)| check["match"]["event_type"] == *name)
            else {
                continue;
            };
            let prefix = format!("{name}.");
            let wanted: Vec<_> = (check["match"].as_object().into_iter().flatten())
                .filter_map(|(key, value)| Some((key.strip_prefix(&prefix)?, value)))
                .filter(|(key, _)| !key.contains("__"))
                .collect();
            if check["count"] == 0 || wanted.is_empty() {
                continue;
            }
            let pcap = case["pcap"].as_str().unwrap_or_default().trim_start_matches("../../");
            let Some((lines, _)) = replay(&format!("suricata-verify/{pcap}"), *app, *port, 1500) else { return };
            // Other ports are told by content, which isn't done here.
            if lines.is_empty() {
                continue;
            }
            if lines.iter().any(|line| wanted.iter().all(|(key, value)| at(line, key) == *value)) {
                held += 1;
            } else {
                wrong.push(format!("{:?} {pcap} {wanted:?}", folder.file_name()));
            }
        }
    }
    assert!(wrong.is_empty() && held > 100, "{held} hold; these don't: {wrong:#?}");
}
