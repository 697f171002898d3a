//! HTTP/2, MQTT, SIP, RFB.

use sensor_core::applayer::parser::Parser;
use sensor_core::applayer::{AppProto, Side};
use sensor_core::rules::Buffer;

use crate::replay::replay;

/// A buffer of a parser's first transaction that has it.
fn buffer(parser: &dyn Parser, buffer: Buffer, side: Side, index: usize) -> Option<String> {
    parser.ids().filter_map(|id| parser.transaction(id)).find_map(|transaction| {
        let mut scratch = Vec::new();
        let found = transaction.buffer(buffer, side, index, &mut scratch)?;
        Some(String::from_utf8_lossy(found).into_owned())
    })
}

#[test]
fn http2_of_captures_reads_as_suricata_reads_it() {
    for piece in [1, 1500] {
        let file = "suricata-verify/pcaps/29fff3d523be84b9.pcap";
        let Some((lines, parsers)) = replay(file, AppProto::Http2, 8080, piece) else { return };
        let line = lines.iter().find(|line| line["http2"]["stream_id"] == 1).expect("there is a request");
        // Its header came in pieces of continuations.
        assert_eq!(line["request_headers"][6]["name"], "name".repeat(10));
        assert_eq!(line["request_headers"][6]["value"], "value".repeat(20));
        assert_eq!((&line["url"], &line["status"]), (&"/tata".into(), &200.into()));
        assert_eq!(buffer(&*parsers[0], Buffer::HttpUri, Side::ToServer, 0).as_deref(), Some("/tata"));
    }
}

#[test]
fn dns_over_http2_of_a_capture_reads_as_suricata_reads_it() {
    let file = "suricata-verify/pcaps/eea156395ab127a3.pcap";
    let Some((lines, _)) = replay(file, AppProto::Http2, 80, 1500) else { return };
    let answers: Vec<_> = lines.iter().filter(|line| line["type"] == "response").collect();
    assert_eq!(answers.len(), 34);
    let first = answers[0];
    assert_eq!((&first["queries"][0]["rrname"], &first["queries"][0]["rrtype"]), (&"example.com".into(), &"NS".into()));
    assert_eq!(first["answers"][0]["rdata"], "b.iana-servers.net");
}

#[test]
fn mqtt_of_captures_reads_as_suricata_reads_it() {
    for piece in [1, 1500] {
        let file = "suricata-verify/pcaps/d6073221cd8fb76e.pcap";
        let Some((lines, parsers)) = replay(file, AppProto::Mqtt, 1883, piece) else { return };
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[0]["connect"]["client_id"], "myvoiceismypassport");
        assert_eq!(lines[1]["publish"]["message"], "baabaablacksheep");
        assert_eq!((&lines[1]["pubrel"]["qos"], &lines[1]["pubcomp"]["message_id"]), (&1.into(), &1.into()));
        let user = buffer(&*parsers[0], Buffer::MqttConnectUsername, Side::ToServer, 0);
        assert_eq!(user.as_deref(), Some("user"));
    }
}

#[test]
fn sip_of_captures_reads_as_suricata_reads_it() {
    let file = "suricata-verify/pcaps/48255475d2883cb8.pcap";
    let Some((lines, parsers)) = replay(file, AppProto::Sip, 5060, 1) else { return };
    let sdp = &lines[0]["sdp"];
    assert_eq!((&sdp["session_name"], &sdp["timezone"]), (&"SIP call".into(), &"2882844526 -1h 2898848070 0".into()));
    assert_eq!(sdp["media_descriptions"][0]["media"], "audio 30000 RTP/AVP 0 8 97 2 3");
    let agent = parsers.iter().find_map(|parser| buffer(&**parser, Buffer::SipUserAgent, Side::ToServer, 0));
    assert_eq!(agent.as_deref(), Some("Nero SIPPS IP Phone Version 2.0.51.16"));
    for piece in [1, 1500] {
        let file = "suricata-verify/pcaps/38154e7455510908.pcap";
        let Some((lines, _)) = replay(file, AppProto::Sip, 5062, piece) else { return };
        assert_eq!(lines[0]["request_line"], "REGISTER sip:sip.cybercity.dk SIP/2.0");
        assert_eq!((&lines[1]["code"], &lines[1]["reason"]), (&"401".into(), &"Unauthorized".into()));
    }
}

#[test]
fn rfb_of_a_capture_reads_as_suricata_reads_it() {
    for piece in [1, 1500] {
        let file = "suricata-verify/pcaps/6e61d2511e7ecdc1.pcap";
        let Some((lines, _)) = replay(file, AppProto::Rfb, 5900, piece) else { return };
        let (login, screen) = (&lines[0]["authentication"], &lines[0]["framebuffer"]);
        assert_eq!(login["vnc"]["challenge"], "ea5150a99e0feb6343c045c6f95ce44c");
        assert_eq!((&login["security_type"], &login["security_result"]), (&2.into(), &"OK".into()));
        assert_eq!((&screen["width"], &screen["pixel_format"]["red_shift"]), (&1280.into(), &16.into()));
    }
}
