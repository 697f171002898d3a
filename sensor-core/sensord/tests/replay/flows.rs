//! Flows of small captures of real traffic. What is expected was worked out from the packets, and its counts and
//! community ids agree with tshark.

use serde_json::{Value, json};

use super::{in_repository, replay};

/// Replays a capture of `tests/data/flows` that has nothing wrong.
fn events_of(name: &str) -> Vec<Value> {
    let replay = replay(&in_repository("tests/data/flows").join(name));
    assert_eq!(replay.code, Some(0), "{}", replay.said);
    replay.events
}

/// Exactly one event has the expected client, and in it everything else is as expected. Events may have more.
fn assert_flow(events: &[Value], expected: Value) {
    let client = |event: &Value| ["src_ip", "src_port", "vlan", "icmp_type"].map(|key| event[key].clone());
    let found: Vec<_> = events.iter().filter(|event| client(event) == client(&expected)).collect();
    assert_eq!(found.len(), 1, "flows of {:?} in {events:#?}", client(&expected));
    assert_holds("", found[0], &expected);
}

fn assert_holds(path: &str, event: &Value, expected: &Value) {
    match expected {
        Value::Object(fields) => {
            for (key, expected) in fields {
                assert_holds(&format!("{path}.{key}"), &event[key], expected);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            assert_eq!(event, expected, "{path}");
        }
    }
}

#[test]
fn tcp_opened_and_closed_by_both_sides() {
    let events = events_of("tcp-closed.pcap");
    assert_eq!(events.len(), 3);
    assert_flow(
        &events,
        json!({
            "event_type": "flow", "proto": "TCP", "ip_v": 4, "vlan": null,
            "src_ip": "172.16.133.132", "src_port": 54615, "dest_ip": "98.139.161.29", "dest_port": 80,
            "community_id": "1:9PITZ+SWoY9+BZPdl2uqpULpEhM=",
            "flow": {
                "pkts_toserver": 5, "pkts_toclient": 4, "bytes_toserver": 715, "bytes_toclient": 713,
                "payload_bytes_toserver": 377, "payload_bytes_toclient": 441, "payload_estimate": false,
                "midstream": false, "state": "closed", "reason": "shutdown", "age": 0,
                "start": "2013-02-26T22:02:36.677488+0000", "end": "2013-02-26T22:02:36.803380+0000",
            },
            "tcp": {
                "tcp_flags": "1b", "tcp_flags_ts": "1b", "tcp_flags_tc": "1b", "state": "closed",
                "syn": true, "fin": true, "psh": true, "ack": true, "rst": null,
            },
        }),
    );
    assert_flow(
        &events,
        json!({
            "src_ip": "172.16.133.132", "src_port": 52328, "dest_ip": "98.139.240.23", "dest_port": 80,
            "community_id": "1:qWcFlPtbsEEhvOEMIdVDcStHeug=",
            "flow": {
                "pkts_toserver": 5, "pkts_toclient": 4, "bytes_toserver": 1036, "bytes_toclient": 618,
                "payload_bytes_toserver": 728, "payload_bytes_toclient": 384, "state": "closed",
            },
        }),
    );
    assert_flow(
        &events,
        json!({
            "src_ip": "172.16.133.132", "src_port": 44305, "dest_ip": "98.138.19.88", "dest_port": 80,
            "community_id": "1:5ClYQZOKn41eWr2KdgbiIJVeIHc=",
            "flow": {
                "pkts_toserver": 5, "pkts_toclient": 5, "bytes_toserver": 733, "bytes_toclient": 948,
                "payload_bytes_toserver": 395, "payload_bytes_toclient": 610, "state": "closed",
            },
        }),
    );
}

/// The client sends a FIN, and answers its acknowledgement with two resets. The FIN's and the resets' numbers are no
/// payload, nor is the padding of short frames.
#[test]
fn tcp_reset() {
    let events = events_of("tcp-reset.pcap");
    assert_eq!(events.len(), 1);
    assert_flow(
        &events,
        json!({
            "proto": "TCP",
            "src_ip": "192.168.221.130", "src_port": 43766, "dest_ip": "172.16.0.112", "dest_port": 3306,
            "community_id": "1:zh80aFgZHAWSQrVh106cDp3FzII=",
            "flow": {
                "pkts_toserver": 8, "pkts_toclient": 5, "bytes_toserver": 703, "bytes_toclient": 372,
                "payload_bytes_toserver": 53 + 182, "payload_bytes_toclient": 78, "payload_estimate": false,
                "midstream": false, "state": "closed", "reason": "shutdown", "age": 63,
                "start": "2021-05-27T10:17:30.591424+0000", "end": "2021-05-27T10:18:33.616802+0000",
            },
            "tcp": { "tcp_flags_ts": "1f", "tcp_flags_tc": "1a", "rst": true, "fin": true, "state": "closed" },
        }),
    );
}

/// BSD loopback frames: one segment of a connection whose start was not captured, and a broadcast.
#[test]
fn tcp_picked_up_midstream_and_udp_over_loopback_frames() {
    let events = events_of("loopback-midstream.pcap");
    assert_flow(
        &events,
        json!({
            "proto": "TCP", "ip_v": 6, "src_ip": "::1", "src_port": 49888, "dest_ip": "::1", "dest_port": 81,
            "community_id": "1:XH0i7jEw5AXuP44dxa6CyvPlIeI=",
            "flow": {
                "pkts_toserver": 1, "pkts_toclient": 0, "bytes_toserver": 479, "bytes_toclient": 0,
                "payload_bytes_toserver": 403, "payload_bytes_toclient": 0, "payload_estimate": true,
                "midstream": true, "state": "established",
            },
            "tcp": { "tcp_flags_ts": "18", "tcp_flags_tc": "00", "syn": null },
        }),
    );
    assert_flow(
        &events,
        json!({
            "proto": "UDP", "ip_v": 4,
            "src_ip": "172.16.1.117", "src_port": 55369, "dest_ip": "172.16.1.255", "dest_port": 8612,
            "community_id": "1:R4wxSOXd/KoZS1walbrRAvanPlA=",
            "flow": {
                "pkts_toserver": 1, "pkts_toclient": 0, "bytes_toserver": 48, "payload_bytes_toserver": 16,
                "payload_estimate": false, "midstream": false, "state": "new",
            },
            "tcp": null,
        }),
    );
}

#[test]
fn udp_question_and_answer() {
    let events = events_of("udp.pcap");
    assert_eq!(events.len(), 1);
    assert_flow(
        &events,
        json!({
            "proto": "UDP", "src_ip": "10.0.0.64", "src_port": 49204, "dest_ip": "146.186.163.66", "dest_port": 53,
            "community_id": "1:X15qK+WWHPjhD0KqSrKThCCgvUY=", "tcp": null,
            "flow": {
                "pkts_toserver": 1, "pkts_toclient": 1, "bytes_toserver": 67, "bytes_toclient": 119,
                "payload_bytes_toserver": 25, "payload_bytes_toclient": 77, "payload_estimate": false,
                "midstream": false, "state": "established", "reason": "shutdown",
                "start": "2012-10-05T13:52:01.080922+0000", "end": "2012-10-05T13:52:01.138640+0000",
            },
        }),
    );
}

/// The capture's packets lie years apart, so the flow timed out long before the end.
#[test]
fn icmp_echo() {
    assert_flow(
        &events_of("icmp.pcap"),
        json!({
            "proto": "ICMP", "src_ip": "192.168.43.9", "dest_ip": "8.8.8.8", "src_port": null, "dest_port": null,
            "icmp_type": 8, "icmp_code": 0, "community_id": "1:kdx6IQTsw/yxxWg74WNJRIxnur8=",
            "flow": {
                "pkts_toserver": 1, "pkts_toclient": 1, "bytes_toserver": 98, "bytes_toclient": 98,
                "payload_bytes_toserver": 56, "payload_bytes_toclient": 56, "state": "established",
                "reason": "timeout",
                "start": "2013-05-30T22:45:17.283187+0000", "end": "2013-05-30T22:45:17.775391+0000",
            },
        }),
    );
}

#[test]
fn icmpv6_echo() {
    let events = events_of("icmpv6-echo.pcap");
    assert_eq!(events.len(), 1);
    assert_flow(
        &events,
        json!({
            "proto": "IPv6-ICMP", "ip_v": 6, "src_ip": "2001:db8:0:12::1", "dest_ip": "2001:db8:0:12::2",
            "icmp_type": 128, "icmp_code": 0, "community_id": "1:QL9sV8H3EG4VCSBTiy9sEHrETTg=",
            "flow": {
                "pkts_toserver": 5, "pkts_toclient": 5, "bytes_toserver": 5 * 114, "bytes_toclient": 5 * 114,
                "payload_bytes_toserver": 5 * 52, "payload_bytes_toclient": 5 * 52, "state": "established",
                "reason": "shutdown",
            },
        }),
    );
}

/// Two 802.1Q tags, the outer one first; the same in two networks.
#[test]
fn stacked_vlan_tags() {
    let events = events_of("vlans.pcap");
    for (vlan, client, server, community_id) in [
        ([118, 10], "10.118.10.1", "10.118.10.2", "1:NPKmDxxpcyQSe31j9FOb0YyZjWI="),
        ([209, 20], "10.209.20.3", "10.209.20.4", "1:XBYaqUj8jtobB8c1yzyiAhdxoLg="),
    ] {
        assert_flow(
            &events,
            json!({
                "proto": "ICMP", "vlan": vlan, "src_ip": client, "dest_ip": server, "icmp_type": 8,
                "community_id": community_id,
                "flow": {
                    "pkts_toserver": 5, "pkts_toclient": 5, "bytes_toserver": 5 * 122, "bytes_toclient": 5 * 122,
                    "payload_bytes_toserver": 5 * 72, "payload_bytes_toclient": 5 * 72, "state": "established",
                },
            }),
        );
    }
}

/// An 802.1ad tag around an 802.1Q tag, and a protocol number that is left for experiments.
#[test]
fn provider_tag_around_a_vlan_tag() {
    let events = events_of("qinq.pcapng");
    assert_eq!(events.len(), 1);
    assert_flow(
        &events,
        json!({
            "proto": "253", "vlan": [30, 100], "src_ip": "192.85.1.22", "dest_ip": "192.85.1.14",
            "community_id": "1:0vrxOOaKelo4xurQwE+UErTBDxo=",
            "flow": {
                "pkts_toserver": 1, "pkts_toclient": 0, "bytes_toserver": 1500,
                "payload_bytes_toserver": 1474 - 20, "state": "new",
                "start": "2015-04-30T07:22:03.814664+0000",
            },
        }),
    );
}

/// Of a frame of 1,296 bytes 128 were captured: it counts with its length on the wire. It comes from the server.
#[test]
fn linux_cooked_v1_cut_by_the_snap_length() {
    let events = events_of("sll.pcap");
    assert_eq!(events.len(), 1);
    assert_flow(
        &events,
        json!({
            "proto": "TCP", "ip_v": 6, "src_ip": "2404:138:4002:4000:230:48ff:fedd:53", "src_port": 50243,
            "dest_ip": "2404:6800:8004::68", "dest_port": 80, "community_id": "1:baeQkmIrtWefw4O8xvkZsycgxSI=",
            "flow": {
                "pkts_toserver": 0, "pkts_toclient": 1, "bytes_toserver": 0, "bytes_toclient": 1296,
                "payload_bytes_toserver": 0, "payload_bytes_toclient": 1208, "payload_estimate": true,
                "midstream": true,
            },
        }),
    );
}

/// Data and a FIN that is sent twice, from the server alone.
#[test]
fn linux_cooked_v2() {
    let events = events_of("sll2.pcap");
    assert_eq!(events.len(), 1);
    assert_flow(
        &events,
        json!({
            "proto": "TCP", "src_ip": "7.249.151.114", "src_port": 57292,
            "dest_ip": "116.63.66.108", "dest_port": 443, "community_id": "1:sFgqefg+09JiNjZdqC8MXNomaYc=",
            "flow": {
                "pkts_toserver": 0, "pkts_toclient": 3, "bytes_toserver": 0, "bytes_toclient": 91 + 60 + 60,
                "payload_bytes_toserver": 0, "payload_bytes_toclient": 31, "payload_estimate": true,
                "midstream": true,
            },
            "tcp": { "tcp_flags_ts": "00", "tcp_flags_tc": "19" },
        }),
    );
}

/// Reports of multicast listeners, behind a hop-by-hop header that is no payload.
#[test]
fn ipv6_extension_header() {
    assert_flow(
        &events_of("hop-by-hop.pcap"),
        json!({
            "proto": "IPv6-ICMP", "ip_v": 6, "src_ip": "fe80::215:17ff:fecc:e546", "dest_ip": "ff02::16",
            "icmp_type": 143, "icmp_code": 0, "community_id": "1:116qYlNQ3S4Gm2fXXj2xU7SsaBU=",
            "flow": {
                "pkts_toserver": 3, "pkts_toclient": 0, "bytes_toserver": 90 + 150 + 90, "bytes_toclient": 0,
                "payload_bytes_toserver": 20 + 80 + 20, "state": "new", "reason": "shutdown", "age": 34,
                "start": "2013-01-19T04:54:07.748985+0000", "end": "2013-01-19T04:54:41.057031+0000",
            },
        }),
    );
}

/// EVE has microseconds; what is finer is cut off, not rounded (the start is at 15.783285526).
#[test]
fn pcapng_in_nanoseconds() {
    let events = events_of("nanoseconds.pcapng");
    assert_eq!(events.len(), 1);
    assert_flow(
        &events,
        json!({
            "proto": "TCP", "src_ip": "127.0.0.1", "src_port": 35928, "dest_ip": "127.0.0.1", "dest_port": 3306,
            "community_id": "1:AuNA2hqZpr2SJgCvwxCUyferjs4=",
            "flow": {
                "pkts_toserver": 16, "pkts_toclient": 11, "bytes_toserver": 1497, "bytes_toclient": 1617,
                "payload_bytes_toserver": 433, "payload_bytes_toclient": 883, "payload_estimate": false,
                "midstream": false, "state": "closed", "reason": "shutdown", "age": 4,
                "start": "2023-04-12T06:25:15.783285+0000", "end": "2023-04-12T06:25:19.446340+0000",
            },
            "tcp": { "tcp_flags_ts": "1b", "tcp_flags_tc": "1b", "state": "closed" },
        }),
    );
}
