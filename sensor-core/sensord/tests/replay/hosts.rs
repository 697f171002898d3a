//! What discovery tells of small captures of real traffic, in EVE's order. Makers of cards are IEEE's, the rest was read
//! in the packets.

use serde_json::{Value, json};

use super::{in_repository, replay, replay_with};

/// What is told of one address, without times.
fn told(found: &[Value], address: &str) -> Vec<Value> {
    assert!(found.iter().all(|record| record["event_type"] == "discovery" && record["timestamp"].is_string()));
    found.iter().filter(|record| record["src_ip"] == address).map(|record| record["discovery"].clone()).collect()
}

fn found(name: &str) -> Vec<Value> {
    let replay = replay(&in_repository("tests/data/flows").join(name));
    assert_eq!(replay.code, Some(0), "{}", replay.said);
    replay.found
}

#[test]
fn a_client_is_told_with_its_card_system_and_browser() {
    let agent = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_7_3) AppleWebKit/534.55.3 (KHTML, like Gecko) \
                 Version/5.1.3 Safari/534.53.10";
    assert_eq!(
        told(&found("tcp-closed.pcap"), "172.16.133.132"),
        [
            json!({"change": "new_host", "mac": "00:50:43:01:4d:d4", "mac_vendor": "MARVELL SEMICONDUCTOR"}),
            json!({"change": "new_os", "os": "Linux", "os_version": "2.6", "os_evidence": "syn", "os_confidence": 85}),
            json!({
                "change": "new_client", "app_proto": "http", "product": "Safari", "version": "5.1.3", "banner": agent,
            }),
        ]
    );
}

#[test]
fn a_server_behind_a_router_has_no_card_and_a_service_that_becomes_known() {
    assert_eq!(
        told(&found("tcp-closed.pcap"), "98.138.19.88"),
        [
            json!({"change": "new_host"}),
            json!({"change": "new_service", "port": 80, "proto": "TCP"}),
            json!({
                "change": "new_os", "os": "Linux", "os_version": "2.6", "os_evidence": "syn_ack", "os_confidence": 75,
            }),
            json!({
                "change": "service_changed", "port": 80, "proto": "TCP", "app_proto": "http", "product": "YTS",
                "version": "1.19.11", "banner": "YTS/1.19.11",
            }),
        ]
    );
}

#[test]
fn hosts_of_a_vlan_are_told_with_it() {
    let found = found("vlans.pcap");
    let of: Vec<_> = found.iter().map(|record| (&record["vlan"], &record["src_ip"])).collect();
    assert_eq!(
        of,
        [(&json!([118]), &json!("10.118.10.2")), (&json!([209]), &json!("10.209.20.4"))],
        "who only sent is not told: {found:#?}"
    );
}

#[test]
fn with_own_networks_only_they_are_told_and_what_is_on_the_link() {
    let capture = in_repository("tests/data/flows/tcp-closed.pcap");
    for (networks, expected) in [
        ("98.138.0.0/15", vec!["172.16.133.132", "98.138.19.88", "98.139.161.29", "98.139.240.23"]),
        ("98.138.0.0/16", vec!["172.16.133.132", "98.138.19.88"]),
        ("10.0.0.0/8", vec!["172.16.133.132"]),
    ] {
        let replay = replay_with(&capture, &["--home-net", networks]);
        let mut of: Vec<_> = replay.found.iter().filter_map(|record| record["src_ip"].as_str()).collect();
        of.sort_unstable();
        of.dedup();
        assert_eq!(of, expected, "{networks}");
    }
}

#[test]
fn discovery_can_be_left_out() {
    let capture = in_repository("tests/data/flows/tcp-closed.pcap");
    let replay = replay_with(&capture, &["--set", "inspect.hosts=no"]);
    assert_eq!((replay.found.len(), replay.events.len()), (0, 3));
    assert!(replay.events.iter().all(|event| event["app_proto"] == "http"));
    let replay = replay_with(&capture, &["--set", "inspect.hosts=no", "--set", "inspect.protocols=no"]);
    assert!(replay.events.iter().all(|event| event["app_proto"] == "unknown"));
    let replay = replay_with(&capture, &["--set", "inspect.protocols=no"]);
    assert_eq!(told(&replay.found, "98.138.19.88").len(), 4, "discovery reads streams by itself");
}
