//! What strangers send, and what many of them cost.

#[cfg(target_os = "linux")]
use std::net::SocketAddr;
#[cfg(target_os = "linux")]
use std::time::Duration;

#[cfg(target_os = "linux")]
use sensor_link::Connection;
use sensor_link::handshake::Initiator;
use tokio::io::AsyncWriteExt;
#[cfg(target_os = "linux")]
use tokio::net::TcpSocket;
use tokio::net::TcpStream;
#[cfg(target_os = "linux")]
use tokio::time::timeout;

use super::{Sensor, answer, folder, frame, greet, keys};
#[cfg(target_os = "linux")]
use super::{in_time, until};

#[tokio::test]
async fn damaged_bytes_get_no_answer() {
    let (_around, state) = folder();
    let sensor = Sensor::start(&state).await;
    let invitation = sensor.invite(&[]).await;
    let (_, first) = Initiator::begin(&keys(), &invitation.key, invitation.token.as_ref()).unwrap();
    let cases: [(&str, Vec<u8>); 6] = [
        ("garbage", b"GET / HTTP/1.1\r\nHost: sensor\r\n\r\n".to_vec()),
        ("garbage", vec![0xff; 70_000]),
        ("garbage", 1025u16.to_be_bytes().to_vec()),
        ("garbage", frame(&[])),
        ("garbage", frame(&[7; 97])),
        ("wrong key", frame(&[&[0][..], &[9; 96]].concat())),
    ];
    for (reason, bytes) in cases {
        let mut stream = TcpStream::connect(sensor.address).await.unwrap();
        // The sensor may have hung up before the last byte.
        let _ = stream.write_all(&bytes).await;
        assert_eq!(answer(stream).await, [0u8; 0]);
        sensor.said(reason).await;
    }
    // Cut in the middle of a good one.
    let mut stream = TcpStream::connect(sensor.address).await.unwrap();
    stream.write_all(&frame(&first)[..60]).await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(answer(stream).await, [0u8; 0]);
    sensor.said("reason=\"cut\"").await;
    // The sensor stands.
    greet(&sensor.pair(&keys(), &invitation).await.unwrap()).await;
    sensor.end().await;
}

/// Sockets that the sensor has open; its files come and go.
#[cfg(target_os = "linux")]
fn sockets(sensor: &Sensor) -> usize {
    let open = std::fs::read_dir(format!("/proc/{}/fd", sensor.child.id().unwrap())).unwrap();
    let targets = open.filter_map(|one| std::fs::read_link(one.ok()?.path()).ok());
    targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count()
}

#[cfg(target_os = "linux")]
async fn stranger(address: SocketAddr, from: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
    in_time(socket.connect(address)).await.unwrap()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_flood_of_strangers_is_bounded_and_a_viewer_gets_in_behind_it() {
    const PLACES: usize = 64;
    let (_around, state) = folder();
    let sensor = Sensor::start(&state).await;
    let invitation = sensor.invite(&[]).await;
    let before = sockets(&sensor);
    let mut strangers = Vec::new();
    for number in 0..PLACES + 6 {
        strangers.push(stranger(sensor.address, &format!("127.0.7.{}", 1 + number / 4)).await);
    }
    until(|| sockets(&sensor) == before + PLACES).await.expect("as many as there are places");
    // A good viewer waits behind them, and costs the sensor nothing yet.
    let keys = keys();
    let stream = TcpStream::connect(sensor.address).await.unwrap();
    let token = invitation.token.unwrap();
    let pairing = Connection::pair(stream, &keys, &invitation.key, &token);
    let mut pairing = Box::pin(pairing);
    assert!(timeout(Duration::from_millis(300), &mut pairing).await.is_err());
    assert_eq!(sockets(&sensor), before + PLACES);
    // Some of them go. The rest stays silent as before.
    drop(strangers.drain(..12));
    greet(&in_time(pairing).await.unwrap()).await;
    drop(strangers);
    sensor.end().await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn one_address_has_four_handshakes_and_no_more() {
    let (_around, state) = folder();
    let sensor = Sensor::start(&state).await;
    let invitation = sensor.invite(&[]).await;
    let mut strangers = Vec::new();
    for _ in 0..4 {
        strangers.push(stranger(sensor.address, "127.0.8.1").await);
    }
    assert_eq!(answer(stranger(sensor.address, "127.0.8.1").await).await, [0u8; 0]);
    sensor.said("too many handshakes from this address").await;
    // Others are not concerned.
    greet(&sensor.pair(&keys(), &invitation).await.unwrap()).await;
    // Who says nothing for ten seconds makes room.
    sensor.said("time-out").await;
    drop(strangers);
    sensor.end().await;
}
