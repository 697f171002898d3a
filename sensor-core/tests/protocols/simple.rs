//! PostgreSQL, DHCP, IKE, SNMP, NTP, DNP3, Modbus, EtherNet/IP, BitTorrent's distributed table.

use sensor_core::applayer::{AppProto, Side, protocols};
use sensor_core::rules::{Buffer, Field};

use crate::replay::replay;

#[test]
fn pgsql_of_captures_reads_as_suricata_reads_it() {
    for piece in [1, 7, 1500] {
        let file = "suricata-verify/pcaps/4ef220ccc6f00fd2.pcap";
        let Some((lines, parsers)) = replay(file, AppProto::Pgsql, 5432, piece) else { return };
        assert_eq!(lines.len(), 27, "{piece}");
        assert_eq!(lines[1]["response"]["message"], "authentication_sasl");
        assert_eq!(lines[2]["request"]["sasl_authentication_mechanism"], "scram_SHA256");
        assert_eq!(lines[3]["response"]["parameter_status"][10]["time_zone"], "Europe/London");
        assert_eq!(lines[13]["response"]["code"], "22012");
        assert_eq!(lines[25]["response"]["data_size"], 236);
        assert_eq!(lines[26]["request"]["message"], "termination_message");
        let mut scratch = Vec::new();
        let query =
            parsers[0].transaction(25).expect("there").buffer(Buffer::PgsqlQuery, Side::ToServer, 0, &mut scratch);
        assert_eq!(query, Some(&b"SELECT * FROM new_table;"[..]));
    }
}

#[test]
fn dhcp_of_captures_reads_as_suricata_reads_it() {
    let Some((lines, parsers)) = replay("suricata-verify/pcaps/a1680fa5c847813d.pcap", AppProto::Dhcp, 67, 1) else {
        return;
    };
    assert_eq!((&lines[0]["dhcp_type"], &lines[0]["hostname"]), (&"request".into(), &"nas1\u{0}".into()));
    assert_eq!(lines[0]["params"].as_array().map(Vec::len), Some(4));
    assert_eq!((&lines[1]["dhcp_type"], &lines[1]["rebinding_time"]), (&"ack".into(), &3031.into()));
    let lease = parsers[0].transaction(1).and_then(|reply| reply.number(Field::DhcpLeaseTime, Side::ToClient, 0));
    assert_eq!(lease, Some(3600));
}

#[test]
fn ike_of_captures_reads_as_suricata_reads_it() {
    let Some((lines, _)) = replay("suricata-verify/pcaps/d6861b2884bc3abf.pcap", AppProto::Ike, 500, 1) else { return };
    assert_eq!(lines.len(), 9);
    assert_eq!(lines[3]["ikev1"]["client"]["nonce_payload"], "89d7c8fbf94b515b521d5d9589c2602021e1a709");
    assert_eq!(lines[3]["ikev1"]["server"]["nonce_payload"], "15b688421ed5c3dd92d3b86e47a76f0d39cc09e0");
    assert_eq!((&lines[3]["alg_enc"], &lines[3]["alg_auth"]), (&"EncAesCbc".into(), &"AuthPreSharedKey".into()));
    let Some((lines, parsers)) = replay("suricata-verify/pcaps/59407d79af762f1b.pcap", AppProto::Ike, 500, 1) else {
        return;
    };
    let payloads = serde_json::json!(["Nonce", "KeyExchange", "SecurityAssociation", "NoNextPayload"]);
    assert_eq!((&lines[0]["payload"], &lines[0]["role"]), (&payloads, &"initiator".into()));
    let weak =
        protocols::protocol(AppProto::Ike).expect("there").events.iter().position(|name| *name == "weak_crypto_dh");
    let weak = weak.and_then(|place| u8::try_from(place).ok()).expect("there");
    assert!(parsers[0].transaction(0).expect("there").events().has(weak));
}

#[test]
fn snmp_of_captures_reads_as_tshark_reads_it() {
    let Some((lines, _)) = replay("ndpi/captures/snmp.pcap", AppProto::Snmp, 161, 1) else { return };
    assert_eq!(lines[0]["pdu_type"], "get_next_request");
    assert_eq!((&lines[1]["vars"][0], &lines[1]["community"]), (&"1.3.6.1.2.1.1.6.0".into(), &"public".into()));
}

#[test]
fn ntp_of_captures_reads_as_tshark_reads_it() {
    let Some((lines, _)) = replay("pcap/app/ntp.pcap", AppProto::Ntp, 123, 1) else { return };
    assert!(lines.iter().any(|line| line["mode"] == "client") && lines.iter().any(|line| line["mode"] == "server"));
}

#[test]
fn dnp3_of_captures_reads_as_suricata_reads_it() {
    for piece in [1, 7, 1500] {
        let file = "suricata-verify/pcaps/169f828684c38cf2.pcap";
        let Some((lines, _)) = replay(file, AppProto::Dnp3, 20000, piece) else { return };
        assert_eq!(lines.len(), 6, "{piece}");
        assert!(lines.iter().all(|line| line["application"]["complete"] == true));
        let point = &lines[0]["application"]["objects"][0]["points"][0];
        assert_eq!(point["filename"], "C:/temp/DNPDeviceConfiguration written to Remote Device.xml");
        assert_eq!((&point["permissions"], &point["size"]), (&511.into(), &85.into()));
        assert_eq!(lines[5]["application"]["objects"][0]["points"][0]["file_handle"], 305_419_896);
        let file = "suricata-verify/pcaps/8e8c08175097d5b0.pcap";
        let Some((lines, _)) = replay(file, AppProto::Dnp3, 20000, piece) else { return };
        let point = &lines[0]["application"]["objects"][0]["points"][0];
        assert_eq!(point["timestamp"], 1_324_332_393_859_u64);
    }
}
