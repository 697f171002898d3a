//! `sensord explain` as it is called.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::in_repository;

/// The exit code, standard output and standard error.
fn explain(capture: &Path, options: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sensord"));
    let output = command.arg("explain").arg(capture).args(options).env_remove("NIGHTJAR_LOG").output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn json(capture: &Path, options: &[&str]) -> Value {
    let (code, said, errors) = explain(capture, &[options, &["--json"]].concat());
    assert_eq!(code, Some(0), "{errors}");
    serde_json::from_str(&said).unwrap()
}

const RULES: &str = r#"alert http any any -> any 80 (msg:"a shop"; flow:established,to_server; http.method; content:"GET"; http.host; content:"bruno"; pcre:"/\.com$/"; sid:1; rev:3;)
alert http any any -> any any (http.host; content:"x"; geoip:src,DE; sid:2;)
alert http any any -> $HOME_NET any (http.host; content:"bruno"; sid:3;)
"#;

/// Rules in a file, and the file's name.
fn rules() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("test.rules");
    std::fs::write(&file, RULES).unwrap();
    let name = file.to_str().unwrap().to_owned();
    (folder, name)
}

#[test]
fn a_starter_rule_is_explained_option_by_option() {
    let sample = in_repository("tests/data/sample.pcap");
    let (code, said, errors) = explain(&sample, &["--sid", "1000002"]);
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    let lines: Vec<_> = said.lines().collect();
    assert!(lines[0].starts_with("rule 1:1000002 rev 1  NIGHTJAR IMAP password"), "{said}");
    assert!(said.contains("destination port ") && said.contains(" is not in [143]"), "{said}");
    let at = lines.iter().position(|line| line.contains("✓ content:\" LOGIN \"")).unwrap();
    assert!(lines[at].contains("stream, offset ") && lines[at].ends_with(", length 7"), "{}", lines[at]);
    assert!(lines[at + 1].to_lowercase().contains("[ login ]"), "{}", lines[at + 1]);
    assert!(lines.iter().any(|line| line.contains("✓ flow:") && line.contains("to_server, established")), "{said}");
    assert_eq!(lines.iter().filter(|line| line.starts_with("flow ")).count(), 10, "{said}");
    let told = json(&sample, &["--sid", "1000002", "--all"]);
    let flow = &told["flows"][0];
    assert_eq!((&flow["best"]["outcome"], &flow["best"]["place"]), (&"told".into(), &"stream".into()));
    assert_eq!(told["counts"]["flows"].as_u64().unwrap(), told["flows"].as_array().unwrap().len() as u64);
    // The same alerts as those of a replay.
    let rules = in_repository("sensor-core/sensord/src/rules/starter.rules");
    let replay = super::replay_with(&sample, &["--rules", rules.to_str().unwrap()]);
    let alerts = replay.others.iter().filter(|it| it["alert"]["signature_id"] == 1_000_002);
    let alerts: Vec<_> = alerts.map(|it| (&it["flow_id"], &it["pcap_cnt"])).collect();
    assert_eq!(told["counts"]["alerts"], alerts.len());
    assert_eq!((&flow["id"], &flow["best"]["frame"]), alerts[0]);
}

#[test]
fn one_flow_by_its_ends_and_what_kept_another_out() {
    let capture = in_repository("tests/data/flows/tcp-closed.pcap");
    let (_folder, rules) = rules();
    let told = json(&capture, &["--rules", &rules, "--sid", "1"]);
    let ends = |flow: &Value| {
        let text = |key: &str| flow[key].as_str().unwrap().to_owned();
        format!("{}:{}-{}:80", text("client"), flow["client_port"], text("server"))
    };
    let other = &told["flows"][1];
    assert_eq!((&told["counts"]["flows"], &told["counts"]["told"]), (&3.into(), &1.into()));
    let (code, said, _) = explain(&capture, &["--rules", &rules, "--sid", "1", "--flow", &ends(other)]);
    assert_eq!(code, Some(0));
    assert!(said.contains("1 flow: the header fits 1, everything held in 0, told of 0 (0 alerts)"), "{said}");
    assert!(said.contains("✓ content:\"GET\"") && said.contains("✗ content:\"bruno\""), "{said}");
    assert!(said.contains("not found in http.host (") && said.contains("|") && said.contains("yahoo.com"), "{said}");
    assert!(said.contains("· pcre:"), "{said}");
    // Networks are given as to a replay.
    let told = json(&capture, &["--rules", &rules, "--sid", "3", "--home-net", "10.0.0.0/8"]);
    assert_eq!((&told["counts"]["met"], &told["excluded"][0]["by"]), (&0.into(), &"destination".into()));
    assert!(told["excluded"][0]["why"].as_str().unwrap().ends_with("is not in [$HOME_NET]"), "{told}");
}

#[test]
fn rules_that_are_not_there_or_refused_are_errors_with_the_reason() {
    let capture = in_repository("tests/data/flows/tcp-closed.pcap");
    let (_folder, rules) = rules();
    let (code, said, errors) = explain(&capture, &["--rules", &rules, "--sid", "7"]);
    assert_eq!((code, said.as_str()), (Some(1), ""));
    assert!(errors.contains("no rule 1:7") && errors.contains("next to it are 1, 2, 3"), "{errors}");
    let (code, _, errors) = explain(&capture, &["--rules", &rules, "--sid", "2"]);
    assert_eq!(code, Some(1));
    for part in ["test.rules:2:", "geoip", "no countries"] {
        assert!(errors.contains(part), "{part}: {errors}");
    }
}

#[test]
fn what_stands_before_the_damage_of_a_capture_is_explained() {
    let (folder, rules) = rules();
    let whole = std::fs::read(in_repository("tests/data/flows/tcp-closed.pcap")).unwrap();
    let cut = folder.path().join("cut.pcap");
    std::fs::write(&cut, &whole[..whole.len() - 10]).unwrap();
    let (code, said, errors) = explain(&cut, &["--rules", &rules, "--sid", "1"]);
    assert_eq!(code, Some(2), "{errors}");
    assert!(said.starts_with("rule 1:1 rev 3  a shop") && errors.contains("cut.pcap"), "{said}{errors}");
}
