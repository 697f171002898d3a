//! What goes on once a viewer is in: rights, their end, other ways to listen, and errors of the command line.

use std::time::Duration;

use sensor_link::{LinkError, PairingString};
use sensor_wire::event::{EventBody, Events, kind};
use sensor_wire::live::{Live, SourceState};
use sensor_wire::request::{Done, Request};
use sensor_wire::rules::{RulesAnswer, RulesAsked};
use tokio::time::{Instant, sleep};

use super::{LOOK, PATIENCE, Sensor, ask, command, folder, greet, in_time, keys, totals};

#[tokio::test]
async fn sixty_four_look_at_a_time_and_one_more_waits_for_a_seat() {
    let (_around, state) = folder();
    let sensor = Sensor::start(&state).await;
    let (keys, key, first) = sensor.viewer("watch").await;
    let mut all = vec![first];
    while all.len() < 64 {
        let connection = sensor.connect(&keys, &key).await.unwrap();
        greet(&connection).await;
        all.push(connection);
    }
    let error = sensor.connect(&keys, &key).await.unwrap_err();
    assert!(matches!(error, LinkError::Refused), "{error}");
    sensor.said("too many viewers").await;
    all.pop().unwrap().close().await;
    // The sensor learns of the goodbye in its own time.
    let end = Instant::now() + PATIENCE;
    let one_more = loop {
        match sensor.connect(&keys, &key).await {
            Ok(connection) => break connection,
            Err(error) => assert!(Instant::now() < end, "{error}"),
        }
        sleep(LOOK).await;
    };
    greet(&one_more).await;
    sensor.end().await;
}

#[tokio::test]
async fn a_revoked_viewer_is_out_at_once() {
    let (_around, state) = folder();
    let sensor = Sensor::start(&state).await;
    let (keys, key, connection) = sensor.viewer("watch").await;
    let (_, _, other) = sensor.viewer("watch").await;
    let mut rows = ask(&connection, Request::Live { after: 0 }).await;
    in_time(rows.recv::<Live>()).await.unwrap().expect("rows");
    let output = command(&state, "viewers revoke", &[&keys.public().to_string()]).await;
    assert!(output.status.success(), "{output:?}");
    let revoked = Instant::now();
    assert!(in_time(connection.ended()).await.is_ok(), "it was told goodbye");
    assert!(revoked.elapsed() < Duration::from_secs(1), "{:?}", revoked.elapsed());
    while let Ok(Some(_)) = rows.recv::<Live>().await {}
    let error = sensor.connect(&keys, &key).await.unwrap_err();
    assert!(matches!(error, LinkError::Refused), "{error}");
    sensor.said("revoked").await;
    // The other one stays, and an invitation brings this one back.
    assert!(totals(&other).await.0 > 0);
    let invitation = sensor.invite(&[]).await;
    greet(&sensor.pair(&keys, &invitation).await.unwrap()).await;
    sensor.end().await;
}

#[tokio::test]
async fn a_line_that_is_taken_out_by_hand_revokes_too() {
    let (_around, state) = folder();
    let sensor = Sensor::start(&state).await;
    let (_, _, connection) = sensor.viewer("watch").await;
    std::fs::write(state.join("viewers"), "").unwrap();
    let ended = Instant::now();
    assert!(in_time(connection.ended()).await.is_ok());
    assert!(ended.elapsed() < Duration::from_secs(1), "{:?}", ended.elapsed());
    sensor.end().await;
}

#[tokio::test]
async fn rights_hold_for_each_request() {
    let (_around, state) = folder();
    // Slow enough to be stopped.
    let sensor = Sensor::start_at(&state, "127.0.0.1:0", &["--speed", "1"]).await;
    let (_, _, watching) = sensor.viewer("watch").await;
    let explain = || Request::Explain { gid: 1, sid: 1, flow: None };
    for request in [Request::Stop, explain()] {
        let mut refused = ask(&watching, request).await;
        assert!(matches!(in_time(refused.recv::<Done>()).await, Ok(None) | Err(_)));
    }
    let mut rules = ask(&watching, Request::Rules(RulesAsked::default())).await;
    assert!(in_time(rules.recv::<RulesAnswer>()).await.unwrap().is_some());
    let mut rows = ask(&watching, Request::Live { after: 0 }).await;
    let live = in_time(rows.recv::<Live>()).await.unwrap().unwrap();
    assert_eq!(live.status.state, SourceState::Running);
    let (_, _, acting) = sensor.viewer("act").await;
    let mut stop = ask(&acting, Request::Stop).await;
    assert!(in_time(stop.recv::<Done>()).await.unwrap().is_some());
    while in_time(rows.recv::<Live>()).await.unwrap().unwrap().status.state != SourceState::Stopped {}
    sensor.end().await;
}

#[tokio::test]
async fn ipv6_is_listened_on_too() {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        eprintln!("skipped: there is no IPv6 here");
        return;
    }
    let (_around, state) = folder();
    let sensor = Sensor::start_at(&state, "[::1]:0", &[]).await;
    let invitation = sensor.invite(&[]).await;
    assert!(invitation.to_string().starts_with("nightjar://[::1]:"), "{:?}", invitation.address);
    greet(&sensor.pair(&keys(), &invitation).await.unwrap()).await;
    sensor.end().await;
}

/// As a service: started as root it becomes another user, whose the state folder is, and confines itself to it.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_capture_lets_viewers_in_after_its_rights_are_gone() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    if !nix::unistd::geteuid().is_root() {
        eprintln!("skipped: not root");
        return;
    }
    let (around, state) = folder();
    std::fs::set_permissions(around.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let receiver = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let to = receiver.local_addr().unwrap();
    let filter = format!("udp port {}", to.port());
    let rules = around.path().join("some.rules");
    std::fs::write(&rules, "alert udp any any -> any any (msg:\"a datagram\"; content:\"datagram\"; sid:7;)").unwrap();
    let rules = rules.to_str().unwrap();
    let words = ["run", "--interface", "lo", "--filter", &filter, "--user", "daemon", "--rules", rules];
    let sensor = Sensor::spawn(&state, "127.0.0.1:0", &words).await;
    let daemon = nix::unistd::User::from_name("daemon").unwrap().unwrap().uid.as_raw();
    sensor.said("capturing from lo").await;
    let (keys, _, watching) = sensor.viewer("watch").await;
    let (_, _, acting) = sensor.viewer("act").await;
    for name in ["", "key", "tokens", "viewers"] {
        assert_eq!(std::fs::metadata(state.join(name)).unwrap().uid(), daemon, "{name}");
    }
    let mut rows = ask(&watching, Request::Live { after: 0 }).await;
    let sender = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    loop {
        sender.send_to(b"datagram", to).unwrap();
        let live: Live = in_time(rows.recv()).await.unwrap().expect("the stream goes on");
        if live.status.packets > 0 {
            let about = live.status.capture.unwrap();
            assert!(about.confinement.contains("state folder"), "{about:?}");
            break;
        }
    }
    // Its events are recorded in the state folder, by the user that it is now.
    let mut events = ask(&watching, Request::Events { after: 0, log: None }).await;
    let alert = loop {
        let part = in_time(events.recv::<Events>()).await.unwrap().expect("the stream goes on");
        if let Some(alert) = part.events.into_iter().find(|event| event.kind == kind::ALERT) {
            break alert;
        }
    };
    let EventBody::Alert(alert) = alert.read().unwrap() else { panic!("{alert:?}") };
    assert_eq!((alert.sid, alert.message.as_str()), (7, "a datagram"));
    let segment = std::fs::read_dir(state.join("events")).unwrap().next().unwrap().unwrap();
    assert_eq!(segment.metadata().unwrap().uid(), daemon);
    // What a viewer has stopped stays there to be looked at.
    let mut stop = ask(&acting, Request::Stop).await;
    assert!(in_time(stop.recv::<Done>()).await.unwrap().is_some());
    while in_time(rows.recv::<Live>()).await.unwrap().unwrap().status.state != SourceState::Stopped {}
    assert!(command(&state, "viewers revoke", &[&keys.public().to_string()]).await.status.success());
    assert!(in_time(watching.ended()).await.is_ok());
    let ended = tokio::spawn(async move { acting.ended().await });
    sensor.end().await;
    assert!(in_time(ended).await.unwrap().is_ok());
}

#[tokio::test]
async fn what_cannot_be_is_said_in_words() {
    let (_around, state) = folder();
    let output = command(&state, "pair", &[]).await;
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("--address"), "{output:?}");
    let output = command(&state, "pair", &["--address", "sensor.example:7723", "--qr"]).await;
    let text = String::from_utf8(output.stdout).unwrap();
    let (first, code) = text.split_once('\n').unwrap();
    assert_eq!(first.parse::<PairingString>().unwrap().address.to_string(), "sensor.example:7723");
    assert!(code.lines().count() > 20 && code.contains('▀'), "{code}");
    let output = command(&state, "viewers revoke", &["nobody"]).await;
    assert_eq!(output.status.code(), Some(2));
    let output = command(&state, "run", &["--interface", "lo"]).await;
    assert!(String::from_utf8_lossy(&output.stderr).contains("--listen"), "{output:?}");
    let sensor = Sensor::start(&state).await;
    let taken = sensor.address.to_string();
    let (_around, other) = folder();
    let output = command(&other, "serve", &["--listen", &taken, "--idle"]).await;
    assert!(String::from_utf8_lossy(&output.stderr).contains(&format!("{taken}: cannot be listened on")), "{output:?}");
    sensor.end().await;
}
