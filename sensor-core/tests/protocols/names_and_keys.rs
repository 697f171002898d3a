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
