//! A viewer in Python with another implementation of Noise, which knows the protocol from its description alone.

use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;

use super::{Sensor, folder, in_time};

#[tokio::test]
async fn a_client_by_others_pairs_and_reads_the_events() {
    let Ok(python) = std::env::var("NIGHTJAR_PYTHON") else {
        eprintln!("skipped: NIGHTJAR_PYTHON names no Python with `noiseprotocol` and `msgpack`; `./dev test` does");
        return;
    };
    let (around, state) = folder();
    let sensor = Sensor::start(&state).await;
    let invitation = sensor.invite(&[]).await.to_string();
    let key = around.path().join("client-key");
    let read = async |string: &str, more: &[&str]| {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/client/viewer.py");
        let mut command = Command::new(&python);
        let output = command.arg(script).arg(&key).arg(string).args(more).stdin(Stdio::null()).output();
        let output = in_time(output).await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let lines = output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice::<Value>(line).unwrap()).collect::<Vec<_>>()
    };
    let all = read(&invitation, &[]).await;
    assert_eq!(all[0]["hello"]["protocol"], 1);
    let numbers: Vec<u64> = all[1..].iter().map(|event| event["seq"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    let of = |kind: u64| all.iter().filter(|event| event["kind"] == kind).count();
    assert!(of(1) >= 4 && of(2) > 20, "{} alerts, {} discoveries", of(1), of(2));
    let alert = all.iter().find(|event| event["kind"] == 1).unwrap();
    assert!(alert["body"]["sid"].as_u64().unwrap() >= 1_000_000, "{alert}");
    // It is on the list now, and goes on where it was.
    let (string, _) = invitation.split_once("&token=").unwrap();
    let rest = read(string, &["--after", "5", "--count", "7"]).await;
    assert_eq!(rest[1..], all[6..13]);
    sensor.end().await;
}
