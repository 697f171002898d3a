//! Who gets in: by a token once, by a key afterwards, and nobody by what was recorded.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use sensor_link::handshake::Initiator;
use sensor_link::{Connection, LinkError, PairingString, Token};
use sensor_wire::hello::Hello;
use sensord::state::now;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;

use super::{Sensor, answer, command, folder, frame, greet, hello, in_time, keys, totals, until};

#[tokio::test]
async fn a_viewer_pairs_once_and_comes_back_with_its_key() {
    let (_around, state) = folder();
    let sensor = Sensor::start(&state).await;
    let invitation = sensor.invite(&["--name", "Anna's desk"]).await;
    assert_eq!(invitation.address.to_string(), sensor.address.to_string());
    let keys = keys();
    let connection = sensor.pair(&keys, &invitation).await.unwrap();
    assert_eq!(greet(&connection).await, ["rules", "events", "explain", "may.watch", "may.packets"]);
    let seen = totals(&connection).await;
    assert!(seen.0 > 100 && seen.1 > 5, "{seen:?}");
    connection.close().await;
    let list = String::from_utf8(command(&state, "viewers list", &[]).await.stdout).unwrap();
    let words = keys.public().fingerprint().to_string();
    assert!(
        list.contains(&keys.public().to_string()) && list.contains("Anna's desk") && list.contains(&words),
        "{list}"
    );
    let again = sensor.connect(&keys, &invitation.key).await.unwrap();
    greet(&again).await;
    assert_eq!(totals(&again).await, seen);
    // Beside it another one, which sees the same.
    let (_, _, other) = sensor.viewer("watch").await;
    assert_eq!(totals(&other).await, seen);
    let ended = tokio::spawn(async move { (again.ended().await, other.ended().await) });
    sensor.end().await;
    // It said goodbye to both.
    let (first, second) = in_time(ended).await.unwrap();
    assert!(first.is_ok() && second.is_ok(), "{first:?} {second:?}");
    assert!(!state.join("listening").exists());

    // What it knows it knows after a restart: the viewer, and that the token is used.
    let sensor = Sensor::start(&state).await;
    greet(&sensor.connect(&keys, &invitation.key).await.unwrap()).await;
    let error = sensor.pair(&super::keys(), &invitation).await.unwrap_err();
    assert!(matches!(error, LinkError::Refused), "{error}");
    sensor.said("reused token").await;
    sensor.end().await;
}

#[tokio::test]
async fn who_has_no_good_key_or_token_is_refused_and_named() {
    let (_around, state) = folder();
    let sensor = Sensor::start(&state).await;
    let invitation = sensor.invite(&[]).await;
    let key = invitation.key;

    let stream = TcpStream::connect(sensor.address).await.unwrap();
    let from = stream.local_addr().unwrap();
    let error = in_time(Connection::connect(stream, &keys(), &keys().public())).await.unwrap_err();
    assert!(matches!(error, LinkError::Refused), "{error}");
    let log = sensor.said("wrong key").await;
    let line = log.lines().find(|line| line.contains("wrong key")).unwrap();
    assert!(line.contains(&from.to_string()), "{line}");

    let stranger = keys();
    let error = sensor.connect(&stranger, &key).await.unwrap_err();
    assert!(matches!(error, LinkError::Refused), "{error}");
    assert!(sensor.said("not on the list").await.contains(&stranger.public().to_string()));

    let guess = PairingString { token: Some(Token::generate().unwrap()), ..invitation.clone() };
    assert!(matches!(sensor.pair(&keys(), &guess).await.unwrap_err(), LinkError::Refused));
    sensor.said("unknown token").await;

    let short = sensor.invite(&["--expires", "1s"]).await;
    let given = now();
    until(|| now() > given + 1).await.unwrap();
    assert!(matches!(sensor.pair(&keys(), &short).await.unwrap_err(), LinkError::Refused));
    sensor.said("expired token").await;

    // Nobody was put on the list, and the good invitation still is one.
    assert!(command(&state, "viewers list", &[]).await.stdout.is_empty());
    greet(&sensor.pair(&keys(), &invitation).await.unwrap()).await;
    assert!(matches!(sensor.pair(&keys(), &invitation).await.unwrap_err(), LinkError::Refused));
    sensor.said("reused token").await;
    sensor.end().await;
}

#[tokio::test]
async fn of_two_that_pair_at_once_with_one_token_one_is_let_in() {
    let (_around, state) = folder();
    let sensor = Sensor::start(&state).await;
    let invitation = sensor.invite(&[]).await;
    let (first, second) = (keys(), keys());
    let (one, other) = tokio::join!(sensor.pair(&first, &invitation), sensor.pair(&second, &invitation));
    // Both may get through the handshake; an answer gets the one whose token it was.
    let mut answered = 0;
    for connection in [one, other].into_iter().flatten() {
        let Ok(mut stream) = connection.open().await else { continue };
        let _ = stream.send(&hello()).await;
        answered += usize::from(matches!(in_time(stream.recv::<Hello>()).await, Ok(Some(_))));
    }
    assert_eq!(answered, 1);
    let list = String::from_utf8(command(&state, "viewers list", &[]).await.stdout).unwrap();
    assert_eq!(list.lines().count(), 2, "{list}");
    sensor.said("reused token").await;
    sensor.end().await;
}

/// A connection that keeps what was sent on it.
struct Recorded {
    io: TcpStream,
    sent: Arc<Mutex<Vec<u8>>>,
}

impl AsyncRead for Recorded {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl AsyncWrite for Recorded {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.io).poll_write(cx, buf);
        if let Poll::Ready(Ok(count)) = &result {
            self.sent.lock().unwrap().extend_from_slice(&buf[..*count]);
        }
        result
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[tokio::test]
async fn what_was_recorded_opens_nothing() {
    let (_around, state) = folder();
    let sensor = Sensor::start(&state).await;
    let invitation = sensor.invite(&[]).await;
    let keys = keys();
    let mut recordings = Vec::new();
    for token in [invitation.token.as_ref(), None] {
        let sent: Arc<Mutex<Vec<u8>>> = Arc::default();
        let io = Recorded { io: TcpStream::connect(sensor.address).await.unwrap(), sent: Arc::clone(&sent) };
        let connection = match token {
            Some(token) => in_time(Connection::pair(io, &keys, &invitation.key, token)).await.unwrap(),
            None => in_time(Connection::connect(io, &keys, &invitation.key)).await.unwrap(),
        };
        greet(&connection).await;
        connection.close().await;
        recordings.push(sent.lock().unwrap().clone());
    }
    // The token is used: not a byte.
    let mut stream = TcpStream::connect(sensor.address).await.unwrap();
    stream.write_all(&recordings[0]).await.unwrap();
    assert_eq!(answer(stream).await, [0u8; 0]);
    sensor.said("reused token").await;
    // The key is on the list: the answer to the first message, which only the key's owner can read, and then nothing.
    let mut stream = TcpStream::connect(sensor.address).await.unwrap();
    stream.write_all(&recordings[1]).await.unwrap();
    assert!(answer(stream).await.len() <= 2 + 48);
    sensor.said("replayed").await;
    let mut stream = TcpStream::connect(sensor.address).await.unwrap();
    stream.write_all(&recordings[1][..2 + 97]).await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(answer(stream).await.len(), 2 + 48);
    sensor.said("reason=\"cut\"").await;
    sensor.end().await;
}

#[tokio::test]
async fn a_first_message_that_was_held_back_uses_no_token_up() {
    let (_around, state) = folder();
    let sensor = Sensor::start(&state).await;
    let invitation = sensor.invite(&[]).await;
    let keys = keys();
    // Somebody repeats the first message before its author gets through.
    let (_, first) = Initiator::begin(&keys, &invitation.key, invitation.token.as_ref()).unwrap();
    let mut stream = TcpStream::connect(sensor.address).await.unwrap();
    stream.write_all(&frame(&first)).await.unwrap();
    stream.write_all(&frame(&[0; 17])).await.unwrap();
    assert!(answer(stream).await.len() <= 2 + 48);
    sensor.said("replayed").await;
    assert!(command(&state, "viewers list", &[]).await.stdout.is_empty());
    greet(&sensor.pair(&keys, &invitation).await.unwrap()).await;
    sensor.end().await;
}
