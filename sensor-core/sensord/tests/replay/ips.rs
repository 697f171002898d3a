//! A sensor in the way of the packets: what it drops, and what it tells of that. Numbers of packets, their lengths and
//! sequence numbers were read with tshark.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Replay, in_repository, replay_with};

const RULES: &str = r#"drop http any any -> any any (msg:"no shop"; http.host; content:"bowlsbybruno"; sid:1;)
alert http any any -> any any (msg:"told only"; http.host; content:"geo."; sid:2;)
reject http any any -> any any (msg:"away"; http.host; content:"us.bc."; sid:3;)
"#;

/// Client ports of the capture's three flows.
const SHOP: u64 = 44_305;
const GEO: u64 = 54_615;
const AWAY: u64 = 52_328;

fn run(options: &[&str]) -> Replay {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ips.rules");
    std::fs::write(&file, RULES).unwrap();
    let options = [options, &["--rules", file.to_str().unwrap()]].concat();
    let replay = replay_with(&in_repository("tests/data/flows/tcp-closed.pcap"), &options);
    assert_eq!(replay.code, Some(0), "{}", replay.said);
    replay
}

fn of_type<'a>(replay: &'a Replay, name: &str) -> Vec<&'a Value> {
    replay.others.iter().filter(|record| record["event_type"] == name).collect()
}

/// Sid and action of the alerts.
fn actions(replay: &Replay) -> BTreeMap<u64, &str> {
    let alerts = of_type(replay, "alert").into_iter();
    alerts.map(|it| (it["alert"]["signature_id"].as_u64().unwrap(), it["alert"]["action"].as_str().unwrap())).collect()
}

/// `flow.action` by the client's port.
fn of_flows(replay: &Replay) -> BTreeMap<u64, Option<&str>> {
    replay.events.iter().map(|it| (it["src_port"].as_u64().unwrap(), it["flow"]["action"].as_str())).collect()
}

#[test]
fn what_rules_drop_is_told_packet_by_packet_and_the_rest_of_their_flows_goes_too() {
    let replay = run(&["--ips"]);
    assert_eq!(actions(&replay), BTreeMap::from([(1, "blocked"), (2, "allowed"), (3, "blocked")]));
    assert_eq!(of_flows(&replay), BTreeMap::from([(SHOP, Some("drop")), (GEO, None), (AWAY, Some("drop"))]));

    let mut told: BTreeMap<u64, Vec<(u64, &str)>> = BTreeMap::new();
    for drop in of_type(&replay, "drop") {
        let ports = [&drop["src_port"], &drop["dest_port"]].map(|port| port.as_u64().unwrap());
        let client = ports.into_iter().find(|port| *port != 80).unwrap();
        let towards = if ports[0] == client { "to_server" } else { "to_client" };
        assert_eq!(drop["direction"], towards);
        let reason = drop["drop"]["reason"].as_str().unwrap();
        told.entry(client).or_default().push((drop["pcap_cnt"].as_u64().unwrap(), reason));
    }
    // The request that the rule is about, and every later packet of its flow; the handshake had gone through.
    let all = |first: u64, later: &[u64]| {
        [vec![(first, "rules")], later.iter().map(|number| (*number, "flow drop")).collect()].concat()
    };
    let expected = [(SHOP, all(9, &[22, 23, 24, 25, 26, 28])), (AWAY, all(12, &[17, 18, 19, 20, 27]))];
    assert_eq!(told, BTreeMap::from(expected));

    let first = of_type(&replay, "drop").into_iter().find(|drop| drop["pcap_cnt"] == 9).unwrap();
    assert_eq!(
        first["drop"],
        json!({"len": 447, "ttl": 64, "ipid": 0x3a76, "tcpseq": 1_025_963_776, "tcpack": 3_380_108_790_u32, "tcpwin": 6,
               "tcpurgp": 0, "syn": false, "ack": true, "psh": true, "rst": false, "urg": false, "fin": false,
               "reason": "rules"})
    );
    assert_eq!(
        ["signature_id", "action", "signature"].map(|key| &first["alert"][key]),
        [&json!(1), &json!("blocked"), &json!("no shop")]
    );
    let later = of_type(&replay, "drop").into_iter().find(|drop| drop["pcap_cnt"] == 22).unwrap();
    assert!(later["alert"].is_null(), "no rule is about this packet: {later}");
}

#[test]
fn a_sensor_beside_the_path_tells_the_same_rules_and_drops_nothing() {
    let replay = run(&[]);
    assert_eq!(actions(&replay), BTreeMap::from([(1, "allowed"), (2, "allowed"), (3, "allowed")]));
    assert_eq!(of_type(&replay, "drop").len(), 0);
    assert!(of_flows(&replay).values().all(Option::is_none));
    assert_eq!(of_type(&replay, "http").len(), 3);
}

#[test]
fn a_sensor_in_the_path_drops_flows_whose_start_it_did_not_see_unless_told_otherwise() {
    let capture = in_repository("tests/data/flows/tcp-closed.pcap");
    // Without the three first packets, which are the SYNs: the file's header has 24 bytes, a record's 16.
    let bytes = std::fs::read(capture).unwrap();
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let after = (0..3).fold(24, |at, _| at + 16 + word(at + 8));
    let folder = tempfile::tempdir().unwrap();
    let cut = folder.path().join("cut.pcap");
    std::fs::write(&cut, [&bytes[..24], &bytes[after..]].concat()).unwrap();
    let rules = folder.path().join("none.rules");
    std::fs::write(&rules, "alert http any any -> any any (http.host; content:\"absent\"; sid:1;)").unwrap();
    let run = |options: &[&str]| {
        let options = [&["--ips", "--rules", rules.to_str().unwrap()], options].concat();
        let replay = replay_with(&cut, &options);
        let reasons: Vec<String> =
            of_type(&replay, "drop").into_iter().map(|it| it["drop"]["reason"].as_str().unwrap().to_owned()).collect();
        ["stream midstream", "flow drop"].map(|reason| reasons.iter().filter(|it| **it == reason).count())
    };
    // Each of the three flows by its first packet, then by what it is.
    assert_eq!(run(&[]), [3, 22]);
    assert_eq!(run(&["--set", "stream.midstream-policy=ignore"]), [0, 0]);
}
