//! Rules over small captures of real traffic, and the records of the protocols they look into. What the packets say was
//! read with tshark.

use std::process::Command;

use serde_json::{Value, json};

use super::{Replay, in_repository, replay, replay_with};

/// Replays a capture with rules, one a line.
fn with_rules(capture: &str, rules: &[&str]) -> Replay {
    with_options(capture, rules, &[])
}

/// The same with more options.
fn with_options(capture: &str, rules: &[&str], options: &[&str]) -> Replay {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("test.rules");
    std::fs::write(&file, rules.join("\n")).unwrap();
    replay_with(
        &in_repository("tests/data/flows").join(capture),
        &[&["--rules", file.to_str().unwrap()], options].concat(),
    )
}

/// Sid and direction of the alerts, in order of sid.
fn alerts(replay: &Replay) -> Vec<(u64, &str)> {
    let alerts = replay.others.iter().filter(|record| record["event_type"] == "alert");
    let mut alerts: Vec<_> = alerts
        .map(|alert| (alert["alert"]["signature_id"].as_u64().unwrap(), alert["direction"].as_str().unwrap()))
        .collect();
    alerts.sort_unstable();
    alerts
}

fn of_type<'a>(replay: &'a Replay, name: &str) -> Vec<&'a Value> {
    replay.others.iter().filter(|record| record["event_type"] == name).collect()
}

#[test]
fn requests_and_answers_are_records_of_their_protocols() {
    let replay = replay(&in_repository("tests/data/flows/tcp-closed.pcap"));
    let http = of_type(&replay, "http");
    let mut said: Vec<_> = http
        .iter()
        .map(|event| ["hostname", "http_method", "status", "protocol"].map(|key| event["http"][key].clone()))
        .collect();
    said.sort_by_key(|said| said[0].to_string());
    assert_eq!(
        said,
        ["geo.yahoo.com", "us.bc.yahoo.com", "www.bowlsbybruno.com"].map(|host| [
            json!(host),
            json!("GET"),
            json!(200),
            json!("HTTP/1.1")
        ])
    );
    assert!(http.iter().all(|event| event["dest_port"] == 80 && event["tx_id"] == 0));
    let replay = super::replay(&in_repository("tests/data/flows/udp.pcap"));
    let dns = of_type(&replay, "dns");
    let said: Vec<_> = dns.iter().map(|event| (&event["dns"]["type"], &event["dns"]["queries"][0])).collect();
    let query = json!({"rrname": "psu.edu", "rrtype": "AAAA"});
    assert_eq!(said, [(&json!("request"), &query), (&json!("response"), &query)]);
}

#[test]
fn what_tls_encrypted_is_looked_into_only_if_a_setting_says_so() {
    let rules = [
        "alert tcp any any -> any any (msg:\"ServerHello\"; content:\"|16 03 03 00 7a 02|\"; sid:1;)",
        "alert tcp any any -> any any (msg:\"record 27\"; content:\"|17 03 03 02 83 24 27 7f|\"; sid:2;)",
        "alert tcp-pkt any any -> any any (msg:\"packet 27\"; content:\"|17 03 03 02 83 24 27 7f|\"; sid:3;)",
        "alert tls any any -> any any (msg:\"name\"; tls.sni; content:\"enabled.tls13.com\"; sid:4;)",
        "alert tcp any any -> any any (msg:\"size\"; dsize:648; sid:5;)",
    ];
    let read = [(1, "to_client"), (4, "to_server"), (5, "to_client")];
    assert_eq!(alerts(&with_rules("tls13.pcap", &rules)), read);
    let full = ["--set", "app-layer.protocols.tls.encryption-handling=full"];
    let all = [&read[..1], &[(2, "to_client"), (3, "to_client")], &read[1..]].concat();
    assert_eq!(alerts(&with_options("tls13.pcap", &rules, &full)), all);
}

#[test]
fn rules_of_packets_streams_and_transactions_tell_what_is_there_and_nothing_else() {
    let replay = with_rules(
        "tcp-closed.pcap",
        &[
            r#"alert http any any -> any 80 (msg:"a host"; flow:established,to_server; http.host; content:"bowlsbybruno"; sid:1; rev:3; metadata:kind shop;)"#,
            r#"alert http any any -> any any (http.host; content:"absent.example"; sid:2;)"#,
            r#"alert tcp any any -> any 80 (content:"GET "; depth:4; sid:3;)"#,
            r#"alert tcp any any -> any 81 (content:"GET "; depth:4; sid:4;)"#,
            r#"alert http any any -> any any (http.stat_code; content:"200"; sid:5;)"#,
            r#"alert http any any -> any any (http.user_agent; content:"Safari"; pcre:"/Version\/\d+\.\d+/R"; sid:6;)"#,
            r#"alert http any any -> any any (http.user_agent; content:"Mozilla"; pcre:"/Version\/\d+\.\d+/"; sid:7;)"#,
            r#"alert http any any -> any any (flow:to_server; http.host; content:"geo."; flowbits:set,geo; noalert; sid:8;)"#,
            r#"alert http any any -> any any (flow:to_client; flowbits:isset,geo; http.stat_code; content:"200"; sid:9;)"#,
        ],
    );
    assert_eq!(replay.code, Some(0), "{}", replay.said);
    let (up, down) = ("to_server", "to_client");
    // What asks for a place is told of the packet and of its stream.
    assert_eq!(
        alerts(&replay),
        [
            (1, up),
            (3, up),
            (3, up),
            (3, up),
            (3, up),
            (3, up),
            (3, up),
            (5, down),
            (5, down),
            (5, down),
            (7, up),
            (7, up),
            (7, up),
            (9, down)
        ]
    );
    let alert = replay.others.iter().find(|record| record["alert"]["signature_id"] == 1).unwrap();
    assert_eq!(
        alert["alert"],
        json!({"action": "allowed", "gid": 1, "signature_id": 1, "rev": 3, "signature": "a host", "category": "",
               "severity": 3, "metadata": {"kind": ["shop"]}})
    );
    assert_eq!((&alert["src_ip"], &alert["dest_ip"]), (&json!("172.16.133.132"), &json!("98.138.19.88")));
    assert_eq!((&alert["app_proto"], &alert["tx_id"]), (&json!("http"), &json!(0)));
    assert_eq!(alert["http"]["hostname"], "www.bowlsbybruno.com");
}

#[test]
fn own_networks_decide_whom_a_rule_is_about() {
    let rules = [
        r#"alert dns $HOME_NET any -> any any (dns.query; content:"psu.edu"; bsize:7; sid:1;)"#,
        r#"alert dns $EXTERNAL_NET any -> any any (dns.query; content:"psu.edu"; sid:2;)"#,
    ];
    let replay = with_rules("udp.pcap", &rules);
    assert_eq!(alerts(&replay), [(1, "to_server"), (2, "to_server")]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("test.rules");
    std::fs::write(&file, rules.join("\n")).unwrap();
    let options = ["--rules", file.to_str().unwrap(), "--home-net", "10.0.0.0/8", "--external-net", "192.0.2.0/24"];
    let replay = replay_with(&in_repository("tests/data/flows/udp.pcap"), &options);
    assert_eq!(alerts(&replay), [(1, "to_server")]);
}

#[test]
fn rules_that_cannot_be_run_are_named_by_replay_and_by_check_and_keep_no_other_from_running() {
    let rules = [
        r#"alert http any any -> any any (http.host; content:"geo."; sid:1;)"#,
        r#"alert http any any -> any any (http.host; content:"x"; geoip:src,DE; sid:2;)"#,
        r#"alert tcp any any -> any any (content:"x"; distanc:1; sid:3;)"#,
    ];
    let replay = with_rules("tcp-closed.pcap", &rules);
    assert_eq!(alerts(&replay), [(1, "to_server")]);
    for part in ["test.rules:2:", "no countries", "test.rules:3:", "distanc"] {
        assert!(replay.said.contains(part), "{part}: {}", replay.said);
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("test.rules");
    std::fs::write(&file, rules.join("\n")).unwrap();
    let check =
        Command::new(env!("CARGO_BIN_EXE_sensord")).args(["rules", "check", "--json"]).arg(&file).output().unwrap();
    assert_eq!(check.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&check.stdout).unwrap();
    assert_eq!((&report["loaded"], &report["refused"], &report["disabled"]), (&json!(1), &json!(2), &json!(0)));
    let mut refused: Vec<_> = report["refusals"].as_array().unwrap().iter().collect();
    refused.sort_by_key(|refusal| refusal["line"].as_u64());
    let told = |refusal: &Value| ["line", "sid", "keyword"].map(|key| refusal[key].clone());
    let expected = [[json!(2), json!(2), json!("geoip")], [json!(3), json!(3), json!("distanc")]];
    assert_eq!(refused.into_iter().map(told).collect::<Vec<_>>(), expected);
}

#[test]
fn alerts_tell_what_rules_have_kept() {
    let rules = [
        r#"alert http any any -> any any (http.host; pcre:"/^(?P<flow_site>\w+)\.(?P<alert_rest>.+)/"; content:"geo."; sid:1;)"#,
        r#"alert http any any -> any any (http.host; content:"geo."; flowbits:set,traffic/label/web; flowbits:set,geo; noalert; sid:2;)"#,
        r#"alert http any any -> any any (flow:to_client; http.stat_code; content:"200"; flowvar:site,"eo"; bypass; sid:3;)"#,
    ];
    let replay = with_rules("tcp-closed.pcap", &rules);
    assert_eq!(alerts(&replay), [(1, "to_server"), (3, "to_client")]);
    let alert = |sid: u64| *of_type(&replay, "alert").iter().find(|it| it["alert"]["signature_id"] == sid).unwrap();
    assert_eq!(alert(1)["alert"]["context"], json!({"rest": "yahoo.com"}));
    let metadata = json!({"flowbits": ["geo"], "flowvars": [{"site": "geo"}]});
    assert_eq!((&alert(3)["metadata"], &alert(3)["traffic"]), (&metadata, &json!({"label": ["web"]})));
    let states: Vec<_> = replay.events.iter().filter(|flow| flow["flow"]["bypass"] == "local").collect();
    assert_eq!(states.len(), 1);
    assert_eq!(states[0]["flow"]["state"], "bypassed");
}

#[test]
fn reputations_and_keywords_without_effect() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).unwrap();
        folder.path().join(name).display().to_string()
    };
    let categories = write("categories.txt", "1,Busy,hosts that are\n");
    write("hosts.list", "0.0.0.0/0,1,50\n");
    let rules = ["alert ip any any -> any any (iprep:src,Busy,>,49; tag:session; filestore; sid:1;)"];
    let replay = with_rules("udp.pcap", &rules);
    assert!(alerts(&replay).is_empty() && replay.said.contains("reputation-categories-file"), "{}", replay.said);
    let settings = [
        format!("reputation-categories-file={categories}"),
        format!("default-reputation-path={}", folder.path().display()),
        "reputation-files=hosts.list".to_owned(),
    ];
    let options: Vec<&str> = settings.iter().flat_map(|setting| ["--set", setting]).collect();
    let replay = with_options("udp.pcap", &rules, &options);
    assert!(alerts(&replay).iter().any(|(sid, _)| *sid == 1), "{}", replay.said);
    let file = write("test.rules", "alert ip any any -> any any (tag:session; filestore; sid:1;)");
    let check = Command::new(env!("CARGO_BIN_EXE_sensord")).args(["rules", "check", "--json", &file]).output().unwrap();
    let report: Value = serde_json::from_slice(&check.stdout).unwrap();
    assert_eq!(report["without_effect"], json!({"filestore": 1, "tag": 1}));
}

#[test]
fn rules_without_protocols_are_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("test.rules");
    std::fs::write(&file, "alert dns any any -> any any (dns.query; content:\"psu\"; sid:1;)").unwrap();
    let options = ["--rules", file.to_str().unwrap(), "--set", "inspect.protocols=no"];
    let replay = replay_with(&in_repository("tests/data/flows/udp.pcap"), &options);
    assert_eq!(replay.code, Some(1));
    assert!(replay.said.contains("rules need the protocols"), "{}", replay.said);
}
