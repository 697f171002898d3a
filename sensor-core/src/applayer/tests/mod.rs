//! Probing as a flow sees it: first messages of each protocol, near misses, noise.

mod cases;
mod noise;

use super::registry;
use super::view::{Answer, View};
use super::{AppProto, Ctx, Prefixes, Probe, Side, Transport, Verdict};
use cases::{Case, cases};

use Side::{ToClient, ToServer};

fn run(transport: Transport, ports: (u16, u16), pieces: &[(Side, &[u8])]) -> Verdict {
    let mut prefixes = Prefixes::new(16);
    let mut probe = Probe::default();
    for (side, bytes) in pieces {
        probe.data(Ctx { transport, ports }, *side, bytes, &mut prefixes);
    }
    probe.verdict()
}

fn pieces(case: &Case) -> Vec<(Side, &[u8])> {
    case.messages.iter().map(|(side, bytes)| (*side, bytes.as_slice())).collect()
}

#[test]
fn first_messages_are_told() {
    for case in cases() {
        let got = run(case.transport, case.ports, &pieces(&case));
        assert_eq!(got, Verdict::Is(case.proto), "{}", case.what);
    }
}

#[test]
fn a_stream_in_single_bytes_tells_the_same() {
    for case in cases().into_iter().filter(|case| case.transport == Transport::Tcp && case.in_bytes) {
        let bytes: Vec<(Side, &[u8])> =
            case.messages.iter().flat_map(|(side, bytes)| bytes.chunks(1).map(|byte| (*side, byte))).collect();
        // More pieces than the budget: it is the pieces that are few, so the flow's end is put together first.
        let many = bytes.len() > 8;
        let mut grouped = Vec::new();
        for (side, message) in pieces(&case) {
            let (head, tail) = message.split_at(message.len().min(3));
            grouped.extend(head.chunks(1).map(|byte| (side, byte)));
            grouped.push((side, tail));
        }
        let got = run(case.transport, case.ports, if many { &grouped } else { &bytes });
        assert_eq!(got, Verdict::Is(case.proto), "{}", case.what);
    }
}

#[test]
fn no_beginning_of_a_message_is_told_wrong_or_panics() {
    for case in cases() {
        let Some((side, message)) = case.messages.first() else { continue };
        for n in 0..message.len() {
            let got = run(case.transport, case.ports, &[(*side, &message[..n])]);
            let fine = match got {
                Verdict::NeedMore | Verdict::GiveUp => true,
                Verdict::Is(proto) => proto == case.proto,
            };
            assert!(fine, "{} cut at {n}: {got:?}", case.what);
        }
    }
}

/// The table of first bytes may leave out only what the prober leaves out.
#[test]
fn first_bytes_rule_out_nothing_that_a_prober_wants() {
    for case in cases() {
        let table = registry::table(case.transport == Transport::Udp);
        for (_, message) in &case.messages {
            for (index, prober) in table.probers.iter().enumerate() {
                let view = View { bytes: message, previous: &[], ports: case.ports };
                if !matches!((prober.check)(&view), None | Some(Answer::NotForUs)) {
                    let bit = table.possible(message[0]) >> index & 1;
                    assert_eq!(bit, 1, "{} as {}", case.what, prober.proto.name());
                }
            }
        }
    }
}

/// What is ruled out on a beginning stays ruled out, or single bytes would be told otherwise than whole messages.
#[test]
fn probers_of_streams_are_monotonic() {
    for case in cases().into_iter().filter(|case| case.transport == Transport::Tcp) {
        for (_, message) in &case.messages {
            for prober in registry::TCP {
                let ask = |bytes| (prober.check)(&View { bytes, previous: &[], ports: case.ports });
                if !matches!(ask(message), Some(Answer::Certain)) || prober.proto != case.proto {
                    continue;
                }
                for n in 1..message.len() {
                    assert_ne!(ask(&message[..n]), Some(Answer::NotForUs), "{} cut at {n}", case.what);
                }
            }
        }
    }
}

#[test]
fn every_required_protocol_has_a_case() {
    let cases = cases();
    for name in "http http2 tls dns mdns llmnr quic ssh smtp imap pop3 ftp smb dcerpc krb5 ldap rdp sip rtp dhcp ntp snmp \
                 tftp telnet irc mqtt modbus dnp3 enip bittorrent bittorrent-dht stun wireguard openvpn ike radius mysql \
                 pgsql mssql redis nfs rpc rfb syslog"
        .split_whitespace()
    {
        let proto = AppProto::from_name(name).unwrap();
        assert!(cases.iter().any(|case| case.proto == proto), "{name}");
    }
}

#[test]
fn near_misses_stay_unknown() {
    let tcp: &[&[u8]] = &[
        b"HELLO world\r\n",
        b"GETTING / HTTPS\r\n",
        b"get up, stand up\r\n",
        b"SSH is a protocol\r\n",
        b"\x16\x03\x01\x02\x00\x07\x00\x01\xfc\x03\x03", // a TLS record whose handshake type does not exist
        b"\x16\x04\x01\x02\x00\x01\x00\x01\xfc\x03\x03", // a version that does not exist
        b"\x00\x00\x00\x54\xfeSMC@\x00",                 // SMB misspelt
        b"\x10\x0c\x00\x04MQTX\x04\x02\x00\x3c\x00\x00", // MQTT misspelt
        b"\x05\x64\x05\xc0\x01\x00\x00\x00\x00\x00",     // DNP3 whose header check is wrong
        b"\x00\x01\x00\x05\x00\x06\x01\x03\x00\x00\x00\x0a", // Modbus with another protocol number
        b"RFC 003.008\n",
        b"\x13BitTorrent protocal\0\0\0\0\0\0\0\0",
        b"+OKAY\r\n",
        b"220x ready\r\n",
        b"\xff\xff\xff\xff\xff\xff\xff\xff",
    ];
    for bytes in tcp {
        let got = run(Transport::Tcp, (40000, 50000), &[(ToServer, bytes), (ToClient, b"\x81\x99\xd1\xff\x13\x77")]);
        assert!(!matches!(got, Verdict::Is(_)), "{}: {got:?}", bytes.escape_ascii());
    }
    let udp: &[&[u8]] = &[
        b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x07example\x03com\x00\x00\x01\x00\x09", // DNS of a class unknown
        b"\xe3\x00\x06\xec\x00\x00\x00\x00",                         // NTP cut short
        b"\x00\x01\x00\x08\x21\x12\xa4\x43\0\0\0\0\0\0\0\0\0\0\0\0", // STUN with another cookie and length
        b"\x01\x00\x00\x00\x11\x22",                                 // WireGuard of no such length
        b"\x80\x00\x00\x01\x00\x00\x00\xa0\x11\x22\x33\x44\x00",     // one RTP packet is none
        b"d1:axe",
    ];
    for bytes in udp {
        let got = run(Transport::Udp, (40000, 50000), &[(ToServer, bytes)]);
        assert!(!matches!(got, Verdict::Is(_)), "{}: {got:?}", bytes.escape_ascii());
    }
}

#[test]
fn a_greeting_two_protocols_share_waits_for_the_other_side() {
    let greeting = (ToClient, &b"220 ready\r\n"[..]);
    let ports = (40000, 50000);
    assert_eq!(run(Transport::Tcp, ports, &[greeting]), Verdict::NeedMore);
    assert_eq!(run(Transport::Tcp, ports, &[greeting, (ToServer, b"USER a\r\n")]), Verdict::Is(AppProto::Ftp));
    assert_eq!(run(Transport::Tcp, ports, &[greeting, (ToServer, b"EHLO a\r\n")]), Verdict::Is(AppProto::Smtp));
    let ok = (ToClient, &b"+OK ready\r\n"[..]);
    assert_eq!(run(Transport::Tcp, ports, &[ok, (ToServer, b"USER a\r\n")]), Verdict::Is(AppProto::Pop3));
    // The port breaks the tie.
    assert_eq!(run(Transport::Tcp, (40000, 21), &[greeting]), Verdict::Is(AppProto::Ftp));
    assert_eq!(run(Transport::Tcp, (40000, 25), &[greeting]), Verdict::Is(AppProto::Smtp));
    // Saying it twice proves nothing new.
    assert_eq!(run(Transport::Tcp, ports, &[greeting, greeting]), Verdict::NeedMore);
}

#[test]
fn an_answer_proves_what_a_broken_question_does_not() {
    let pieces = [(ToServer, &b"GET/ HTTP\r\n"[..]), (ToClient, b"HTTP/1.0 400 Bad Request\r\n\r\n")];
    assert_eq!(run(Transport::Tcp, (40000, 50000), &pieces), Verdict::Is(AppProto::Http));
}

#[test]
fn the_budget_ends_in_giving_up() {
    let mut prefixes = Prefixes::new(4);
    let ctx = Ctx { transport: Transport::Tcp, ports: (40000, 50000) };
    // A line that may become a request for ever.
    let mut probe = Probe::default();
    let mut calls = 0;
    while probe.data(ctx, ToServer, b"A", &mut prefixes) == Verdict::NeedMore {
        calls += 1;
        assert!(calls < 32);
    }
    assert_eq!(probe.verdict(), Verdict::GiveUp);
    // Noise on both sides.
    let noise = [0x5b, 0x81, 0xfe, 0x12, 0xf8, 0x77, 0x01, 0xee].repeat(6);
    assert_eq!(run(Transport::Tcp, ctx.ports, &[(ToServer, &noise), (ToClient, &noise)]), Verdict::GiveUp);
    assert_eq!(run(Transport::Udp, ctx.ports, &[(ToServer, &noise), (ToClient, &noise)]), Verdict::GiveUp);
    assert_eq!(run(Transport::Tcp, ctx.ports, &[]), Verdict::NeedMore);
    assert_eq!(run(Transport::Tcp, ctx.ports, &[(ToServer, b"")]), Verdict::NeedMore);
}

#[test]
fn after_a_restart_what_is_inside_is_told() {
    let mut prefixes = Prefixes::new(4);
    let ctx = Ctx { transport: Transport::Tcp, ports: (40000, 8080) };
    let mut probe = Probe::default();
    assert_eq!(probe.data(ctx, ToServer, b"CONNECT a:22 HTTP/1.1\r\n\r\n", &mut prefixes), Verdict::Is(AppProto::Http));
    assert_eq!(probe.data(ctx, ToClient, b"SSH-2.0-x\r\n", &mut prefixes), Verdict::Is(AppProto::Http));
    probe.restart(&mut prefixes);
    assert_eq!(probe.data(ctx, ToClient, b"SSH-2.0-x\r\n", &mut prefixes), Verdict::Is(AppProto::Ssh));
}

#[test]
fn midstream_a_later_piece_may_begin_a_message() {
    let pieces = [(ToClient, &b"\x8e\x11 rest of a body"[..]), (ToServer, b"GET /next HTTP/1.1\r\n")];
    assert_eq!(run(Transport::TcpMidstream, (40000, 50000), &pieces), Verdict::Is(AppProto::Http));
    let pieces = [(ToServer, &b"\x8e\x11 rest of a body"[..]), (ToServer, b"GET /next HTTP/1.1\r\n")];
    assert_eq!(run(Transport::TcpMidstream, (40000, 50000), &pieces), Verdict::Is(AppProto::Http));
    assert_ne!(run(Transport::Tcp, (40000, 50000), &pieces), Verdict::Is(AppProto::Http));
}

#[test]
fn flows_that_lose_their_prefix_are_not_told_wrong() {
    let mut prefixes = Prefixes::new(1);
    let ctx = Ctx { transport: Transport::Tcp, ports: (40000, 50000) };
    let (mut one, mut two) = (Probe::default(), Probe::default());
    one.data(ctx, ToServer, b"SS", &mut prefixes);
    two.data(ctx, ToServer, b"RF", &mut prefixes);
    assert_eq!(two.data(ctx, ToServer, b"B 003.008\n", &mut prefixes), Verdict::Is(AppProto::Rfb));
    assert_eq!(one.data(ctx, ToServer, b"H-2.0-x\r\n", &mut prefixes), Verdict::NeedMore);
    assert_eq!(one.data(ctx, ToClient, b"SSH-2.0-x\r\n", &mut prefixes), Verdict::Is(AppProto::Ssh));
    assert_eq!(prefixes.taken_back(), 1);
}

#[test]
fn the_state_of_a_flow_is_small() {
    assert!(size_of::<Probe>() <= 32);
}
