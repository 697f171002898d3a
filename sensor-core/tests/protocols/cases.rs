//! The checks of Suricata's own tests on records of protocols.

use sensor_core::applayer::AppProto;
use serde_json::Value;

use crate::captures::corpus;
use crate::replay::replay;

/// Suricata hashes a lone underscore where a hello has no signature algorithms; JA4's specification and both of its
/// authors' programs don't. The other's streams are longer than what is kept of them here.
const NOT_HERE: [&str; 2] = ["bug-5713-02-ja4", "mqtt-limit-log-2"];

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
        ("mqtt", AppProto::Mqtt, 1883),
        ("sip", AppProto::Sip, 5060),
        ("rfb", AppProto::Rfb, 5900),
    ];
    let cases = corpus.join("suricata-verify/cases");
    let Ok(folders) = std::fs::read_dir(&cases) else { return };
    for folder in folders.flatten() {
        let Ok(text) = std::fs::read(folder.path().join("case.json")) else { continue };
        let Ok(case) = serde_json::from_slice::<Value>(&text) else { continue };
        if case["verified"] != "shipped-config" || NOT_HERE.iter().any(|name| case["name"] == *name) {
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
