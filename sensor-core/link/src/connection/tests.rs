use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Context;

use serde::{Deserialize, Serialize};
use tokio::io::{DuplexStream, ReadBuf, duplex};

use super::*;

/// What the tests send.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Note {
    number: u32,
    #[serde(with = "bytes")]
    padding: Vec<u8>,
}

mod bytes {
    use serde::{Deserializer, Serializer};

    pub fn serialize<S: Serializer>(bytes: &[u8], s: S) -> Result<S::Ok, S::Error> {
        s.serialize_bytes(bytes)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<u8>, D::Error> {
        struct Bytes;
        impl serde::de::Visitor<'_> for Bytes {
            type Value = Vec<u8>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
                Ok(bytes.to_vec())
            }
        }
        d.deserialize_bytes(Bytes)
    }
}

fn note(number: u32) -> Note {
    Note { number, padding: Vec::new() }
}

fn big(number: u32) -> Note {
    Note { number, padding: vec![number as u8; 1 << 20] }
}

fn keys() -> KeyPair {
    KeyPair::generate().unwrap()
}

/// Two connected ends over a pipe as large as the system's.
async fn pair() -> (Connection, Connection) {
    pair_over(duplex(64 << 10), RekeyPolicy::default()).await
}

async fn pair_over<T>((ours, theirs): (T, T), rekey: RekeyPolicy) -> (Connection, Connection)
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (app, sensor) = (keys(), keys());
    let allowed = [keys().public(), app.public()];
    let sensor_key = sensor.public();
    let (ours, theirs) = tokio::join!(
        Connection::connect_with(ours, &app, &sensor_key, None, rekey),
        Connection::accept_with(theirs, &sensor, &allowed, rekey),
    );
    let (ours, theirs) = (ours.unwrap(), theirs.unwrap());
    assert_eq!(ours.peer(), sensor.public());
    assert_eq!(theirs.peer(), app.public());
    (ours, theirs)
}

/// Answers each note on each stream with the same note.
fn echo(connection: Connection) -> tokio::task::JoinHandle<Connection> {
    tokio::spawn(async move {
        while let Some(mut stream) = connection.incoming().await {
            tokio::spawn(async move {
                while let Ok(Some(note)) = stream.recv::<Note>().await {
                    if stream.send(&note).await.is_err() {
                        return;
                    }
                }
                let _ = stream.close().await;
            });
        }
        connection
    })
}

#[tokio::test]
async fn a_thousand_messages_go_both_ways() {
    let (app, sensor) = pair().await;
    let sensor = echo(sensor);
    let mut stream = app.open().await.unwrap();
    for number in 0..1000 {
        let sent = Note { number, padding: vec![7; number as usize * 13 % 5000] };
        stream.send(&sent).await.unwrap();
        assert_eq!(stream.recv::<Note>().await.unwrap(), Some(sent));
    }
    stream.close().await.unwrap();
    assert_eq!(stream.recv::<Note>().await.unwrap(), None);
    drop(stream);
    app.close().await;
    assert!(app.ended().await.is_ok());
    assert!(sensor.await.unwrap().ended().await.is_ok());
}

#[tokio::test]
async fn the_sensor_may_open_streams_too() {
    let (app, sensor) = pair().await;
    let mut stream = sensor.open().await.unwrap();
    stream.send(&note(5)).await.unwrap();
    let mut other = app.incoming().await.unwrap();
    assert_eq!(other.recv::<Note>().await.unwrap(), Some(note(5)));
}

#[tokio::test]
async fn another_sensor_key_is_noticed_by_both_ends() {
    let (ours, theirs) = duplex(4096);
    let (app, sensor) = (keys(), keys());
    let (wrong, allowed) = (keys().public(), [app.public()]);
    let (ours, theirs) =
        tokio::join!(Connection::connect(ours, &app, &wrong), Connection::accept(theirs, &sensor, &allowed));
    assert!(matches!(ours.unwrap_err(), LinkError::Refused));
    assert!(matches!(theirs.unwrap_err(), LinkError::Handshake(_)));
}

#[tokio::test]
async fn a_viewer_that_is_not_accepted_gets_no_byte() {
    let (mut ours, theirs) = duplex(4096);
    let (app, sensor) = (keys(), keys());
    let allowed = [keys().public()];
    let (_, first) = Initiator::begin(&app, &sensor.public(), None).unwrap();
    send_handshake(&mut ours, &first).await.unwrap();
    let error = Connection::accept(theirs, &sensor, &allowed).await.unwrap_err();
    assert!(matches!(error, LinkError::NotAllowed(key) if key == app.public()), "{error}");
    let mut rest = Vec::new();
    ours.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, [0u8; 0]);
}

#[tokio::test]
async fn a_token_pairs_where_the_sensor_says_so() {
    let (app, sensor, token) = (keys(), keys(), Token::generate().unwrap());
    let (ours, theirs) = duplex(4096);
    let sensor_key = sensor.public();
    let accept = async {
        let knock = Knock::receive(theirs, &sensor).await.unwrap();
        assert_eq!((knock.peer(), knock.token()), (app.public(), Some(&token)));
        knock.answer().await
    };
    let (ours, theirs) = tokio::join!(Connection::pair(ours, &app, &sensor_key, &token), accept);
    let _sensor = echo(theirs.unwrap());
    let mut stream = ours.as_ref().unwrap().open().await.unwrap();
    stream.send(&note(3)).await.unwrap();
    assert_eq!(stream.recv::<Note>().await.unwrap(), Some(note(3)));
    // Where nobody is paired the same token is as good as no key, even for a viewer on the list.
    let (ours, theirs) = duplex(4096);
    let allowed = [app.public()];
    let (ours, theirs) =
        tokio::join!(Connection::pair(ours, &app, &sensor_key, &token), Connection::accept(theirs, &sensor, &allowed),);
    assert!(matches!(ours.unwrap_err(), LinkError::Refused));
    assert!(matches!(theirs.unwrap_err(), LinkError::NotAllowed(_)));
}

#[tokio::test]
async fn who_repeats_what_a_viewer_sent_is_given_no_connection() {
    let (app, sensor, token) = (keys(), keys(), Token::generate().unwrap());
    for token in [None, Some(&token)] {
        let (ours, theirs) = duplex(4096);
        let sent = Arc::new(std::sync::Mutex::new(Vec::new()));
        let ours = Recorded { io: ours, sent: sent.clone() };
        let accept = async { Knock::receive(theirs, &sensor).await.unwrap().answer().await };
        let sensor_key = sensor.public();
        let (ours, theirs) =
            tokio::join!(Connection::connect_with(ours, &app, &sensor_key, token, RekeyPolicy::default()), accept);
        ours.unwrap().close().await;
        theirs.unwrap().ended().await.unwrap();
        let sent = sent.lock().unwrap().clone();
        let first = 2 + if token.is_some() { 129 } else { 97 };
        // The first message alone, then all.
        for (bytes, cut) in [(&sent[..first], true), (&sent[..], false)] {
            let (mut ours, theirs) = duplex(4096);
            ours.write_all(bytes).await.unwrap();
            ours.shutdown().await.unwrap();
            let error = Knock::receive(theirs, &sensor).await.unwrap().answer().await.unwrap_err();
            if cut {
                assert!(matches!(error, LinkError::Cut), "{error}");
            } else {
                assert!(matches!(error, LinkError::Session(SessionError::Tampered)), "{error}");
            }
            let mut answer = Vec::new();
            ours.read_to_end(&mut answer).await.unwrap();
            assert_eq!(answer.len(), 2 + 48, "the answer to a first message, which only its author can read");
        }
    }
}

/// A pipe's end that keeps what was written to it.
struct Recorded {
    io: DuplexStream,
    sent: Arc<std::sync::Mutex<Vec<u8>>>,
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

#[tokio::test(start_paused = true)]
async fn a_peer_that_is_silent_after_the_answer_is_given_up_too() {
    let (app, sensor) = (keys(), keys());
    let (mut ours, theirs) = duplex(4096);
    let (_, first) = Initiator::begin(&app, &sensor.public(), None).unwrap();
    send_handshake(&mut ours, &first).await.unwrap();
    let began = Instant::now();
    let error = Connection::accept(theirs, &sensor, &[app.public()]).await.unwrap_err();
    assert!(matches!(error, LinkError::Timeout { .. }), "{error}");
    assert!(began.elapsed() < HANDSHAKE_TIMEOUT * 2);
}

#[tokio::test]
async fn no_list_means_nobody() {
    let (ours, theirs) = duplex(4096);
    let (app, sensor) = (keys(), keys());
    let key = sensor.public();
    let (ours, theirs) = tokio::join!(Connection::connect(ours, &app, &key), Connection::accept(theirs, &sensor, &[]));
    assert!(matches!(ours.unwrap_err(), LinkError::Refused));
    assert!(matches!(theirs.unwrap_err(), LinkError::NotAllowed(_)));
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_given_up_in_the_handshake() {
    let (app, sensor) = (keys(), keys());
    let (ours, _held) = duplex(4096);
    let error = Connection::connect(ours, &app, &sensor.public()).await.unwrap_err();
    assert!(matches!(error, LinkError::Timeout { .. }), "{error}");
    let (ours, _held) = duplex(4096);
    let error = Connection::accept(ours, &sensor, &[app.public()]).await.unwrap_err();
    assert!(matches!(error, LinkError::Timeout { .. }), "{error}");
}

#[tokio::test]
async fn garbage_instead_of_a_handshake_is_refused_at_once() {
    let sensor = keys();
    for garbage in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0, 0], &[0, 3, 1, 2, 3], &[0xff; 70_000]] {
        let (mut ours, theirs) = duplex(128 << 10);
        ours.write_all(garbage).await.unwrap();
        let error = Connection::accept(theirs, &sensor, &[keys().public()]).await.unwrap_err();
        assert!(matches!(error, LinkError::Handshake(_) | LinkError::Session(_)), "{error}");
    }
}

#[tokio::test]
async fn one_stream_that_is_never_read_stops_nobody_else() {
    let (app, sensor) = pair().await;
    // The first stream of the sensor's is filled until it stalls; nobody reads it.
    let stuck = tokio::spawn(async move {
        let mut first = sensor.incoming().await.unwrap();
        first.recv::<Note>().await.unwrap();
        let sensor = echo(sensor);
        let mut sent = 0;
        while first.send(&big(sent)).await.is_ok() {
            sent += 1;
        }
        (sent, sensor)
    });
    let mut unread = app.open().await.unwrap();
    unread.send(&note(0)).await.unwrap();
    let mut others = Vec::new();
    for number in 1..8 {
        let mut stream = app.open().await.unwrap();
        others.push(tokio::spawn(async move {
            for round in 0..50 {
                let sent = Note { number, padding: vec![round; 50_000] };
                stream.send(&sent).await.unwrap();
                assert_eq!(stream.recv::<Note>().await.unwrap(), Some(sent));
            }
        }));
    }
    for other in others {
        other.await.unwrap();
    }
    assert!(!stuck.is_finished(), "the unread stream waits for its reader");
    drop(unread);
    let (sent, _sensor) = stuck.await.unwrap();
    assert!(u64::from(sent) << 20 <= MAX_WINDOWS as u64, "{sent} MB went into a stream that nobody read");
}

/// A pipe's end that counts the bytes written to it.
struct Counted {
    io: DuplexStream,
    written: Arc<AtomicU64>,
    read: Arc<AtomicU64>,
}

impl AsyncRead for Counted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let result = Pin::new(&mut self.io).poll_read(cx, buf);
        self.read.fetch_add((buf.filled().len() - before) as u64, Ordering::SeqCst);
        result
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.io).poll_write(cx, buf);
        if let Poll::Ready(Ok(count)) = &result {
            self.written.fetch_add(*count as u64, Ordering::SeqCst);
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

/// Bytes of a bulk answer's frame: the stream layer's 16 KiB.
const BULK_FRAME: u64 = 16 << 10;

#[tokio::test]
async fn a_bulk_answer_delays_a_small_message_by_a_few_frames_only() {
    const PIPE: usize = 32 << 10;
    let (ours, theirs) = duplex(PIPE);
    let (sent, received) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let ours = Counted { io: ours, written: Arc::default(), read: received.clone() };
    let theirs = Counted { io: theirs, written: sent.clone(), read: Arc::default() };
    let (app, sensor) = pair_over((ours, theirs), RekeyPolicy::default()).await;
    let server = tokio::spawn(async move {
        let mut bulk = sensor.incoming().await.unwrap();
        bulk.recv::<Note>().await.unwrap();
        let bulk = tokio::spawn(async move {
            for number in 0..100 {
                bulk.send(&big(number)).await.unwrap();
            }
            bulk.close().await.unwrap();
        });
        let mut small = sensor.incoming().await.unwrap();
        // Where on the wire each answer was handed over.
        let mut handed_over = Vec::new();
        while let Some(note) = small.recv::<Note>().await.unwrap() {
            handed_over.push(sent.load(Ordering::SeqCst));
            small.send(&note).await.unwrap();
        }
        bulk.await.unwrap();
        handed_over
    });
    let mut bulk = app.open().await.unwrap();
    bulk.send(&note(0)).await.unwrap();
    let reader = tokio::spawn(async move {
        let mut count = 0;
        while let Some(note) = bulk.recv::<Note>().await.unwrap() {
            assert_eq!(note.padding.len(), 1 << 20);
            count += 1;
        }
        count
    });
    let mut small = app.open().await.unwrap();
    // A task of its own: the runtime looks at a test's own future only once in many turns.
    let asker = tokio::spawn(async move {
        let mut arrived = Vec::new();
        while !reader.is_finished() {
            small.send(&note(arrived.len() as u32)).await.unwrap();
            small.recv::<Note>().await.unwrap().unwrap();
            arrived.push(received.load(Ordering::SeqCst));
        }
        small.close().await.unwrap();
        assert_eq!(reader.await.unwrap(), 100);
        arrived
    });
    let arrived = asker.await.unwrap();
    let handed_over = server.await.unwrap();
    assert_eq!(handed_over.len(), arrived.len());
    assert!(arrived.len() > 100, "only {} small messages went past the bulk answer", arrived.len());
    let delays: Vec<_> = arrived.iter().zip(&handed_over).map(|(a, h)| a.saturating_sub(*h)).collect();
    let worst = delays.iter().max().unwrap() / BULK_FRAME;
    // Unavoidable: what already fills the pipe and the frame that is being written. Beyond that a few frames.
    assert!(worst <= 10, "a small message waited for {worst} bulk frames; {} messages", delays.len());
}

#[tokio::test]
async fn a_peer_cut_inside_a_frame_ends_everything_with_that_cause() {
    let (ours, theirs) = duplex(64 << 10);
    let (mut relay_in, relay_out) = duplex(64 << 10);
    // What the sensor writes goes through a relay that cuts after 500 bytes.
    let (app, sensor) = (keys(), keys());
    let (sensor_key, allowed) = (sensor.public(), [app.public()]);
    let (mut from_sensor, to_sensor) = tokio::io::split(theirs);
    let relay = tokio::spawn(async move {
        tokio::io::copy(&mut (&mut from_sensor).take(500), &mut relay_in).await.unwrap();
    });
    let app_io = tokio::io::join(relay_out, to_sensor);
    let (app, sensor) =
        tokio::join!(Connection::connect(app_io, &app, &sensor_key), Connection::accept(ours, &sensor, &allowed));
    let (app, sensor) = (app.unwrap(), sensor.unwrap());
    let sensor = echo(sensor);
    let mut stream = app.open().await.unwrap();
    let mut second = app.open().await.unwrap();
    second.send(&note(2)).await.unwrap();
    stream.send(&big(1)).await.unwrap();
    second.recv::<Note>().await.unwrap();
    let error = stream.recv::<Note>().await.unwrap_err();
    assert!(matches!(error, LinkError::Cut), "{error}");
    assert!(matches!(second.recv::<Note>().await.unwrap_err(), LinkError::Cut));
    assert!(matches!(app.ended().await.unwrap_err(), LinkError::Cut));
    assert!(matches!(app.open().await.unwrap_err(), LinkError::Cut));
    assert!(app.incoming().await.is_none());
    relay.await.unwrap();
    // The relay is gone, so the sensor's end learns it too.
    assert!(matches!(sensor.await.unwrap().ended().await.unwrap_err(), LinkError::Cut));
}

#[tokio::test]
async fn keys_are_renewed_under_way() {
    let few = RekeyPolicy { records: 5, ..RekeyPolicy::default() };
    let (app, sensor) = pair_over(duplex(16 << 10), few).await;
    let _sensor = echo(sensor);
    let mut tasks = Vec::new();
    for number in 0..4 {
        let mut stream = app.open().await.unwrap();
        tasks.push(tokio::spawn(async move {
            for round in 0..100u8 {
                let sent = Note { number, padding: vec![round; 3000] };
                stream.send(&sent).await.unwrap();
                assert_eq!(stream.recv::<Note>().await.unwrap(), Some(sent));
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    app.close().await;
    assert!(app.ended().await.is_ok());
}

#[tokio::test]
async fn a_peer_with_another_renewal_rule_is_cut_off() {
    let (ours, theirs) = duplex(64 << 10);
    let (app, sensor) = (keys(), keys());
    let (sensor_key, allowed) = (sensor.public(), [app.public()]);
    let strict = RekeyPolicy { records: 5, ..RekeyPolicy::default() };
    let (app, sensor) = tokio::join!(
        Connection::connect(ours, &app, &sensor_key),
        Connection::accept_with(theirs, &sensor, &allowed, strict),
    );
    let (app, sensor) = (app.unwrap(), echo(sensor.unwrap()));
    let mut stream = app.open().await.unwrap();
    for number in 0.. {
        if stream.send(&note(number)).await.is_err() || stream.recv::<Note>().await.is_err() {
            assert!(number <= 5);
            break;
        }
    }
    let error = sensor.await.unwrap().ended().await.unwrap_err();
    assert!(matches!(error, LinkError::Session(SessionError::RekeyOverdue)), "{error}");
}

#[tokio::test]
async fn closing_one_end_wakes_everyone_at_both_ends() {
    let (app, sensor) = pair().await;
    let mut stream = app.open().await.unwrap();
    stream.send(&note(1)).await.unwrap();
    let mut other = sensor.incoming().await.unwrap();
    other.recv::<Note>().await.unwrap();
    let waiting_here = tokio::spawn(async move { stream.recv::<Note>().await });
    let waiting_there = tokio::spawn(async move { other.recv::<Note>().await });
    let accepting = tokio::spawn(async move {
        let none = sensor.incoming().await.is_none();
        (none, sensor.ended().await)
    });
    tokio::task::yield_now().await;
    app.close().await;
    assert_eq!(waiting_here.await.unwrap().unwrap(), None);
    assert_eq!(waiting_there.await.unwrap().unwrap(), None);
    let (none, ended) = accepting.await.unwrap();
    assert!(none && ended.is_ok());
    assert!(matches!(app.open().await.unwrap_err(), LinkError::Ended));
}

#[tokio::test]
async fn dropping_the_connection_says_goodbye() {
    let (app, sensor) = pair().await;
    drop(app);
    assert!(sensor.ended().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn closing_against_a_peer_that_reads_nothing_ends_in_time() {
    let (ours, theirs) = duplex(4096);
    let (app, sensor) = (keys(), keys());
    let sensor_key = sensor.public();
    let (mut held, peer) = tokio::io::split(theirs);
    // A sensor that answers the handshake and then never reads again.
    let handshake = async {
        let mut incoming = Deframer::new(MAX_HANDSHAKE);
        let first = receive_frame(&mut held, &mut incoming).await.unwrap();
        let (answer, _) = Responder::begin(&sensor, &first).unwrap().answer(RekeyPolicy::default()).unwrap();
        let mut peer = peer;
        send_handshake(&mut peer, &answer).await.unwrap();
        peer
    };
    let (app, _peer) = tokio::join!(Connection::connect(ours, &app, &sensor_key), handshake);
    let app = app.unwrap();
    let mut stream = app.open().await.unwrap();
    let sending = tokio::spawn(async move { stream.send(&big(1)).await });
    tokio::task::yield_now().await;
    app.close().await;
    assert!(matches!(sending.await.unwrap().unwrap_err(), LinkError::Ended));
}

#[tokio::test]
async fn a_closed_stream_cancels_the_one_who_sends_on_it() {
    let (app, sensor) = pair().await;
    for by_dropping in [true, false] {
        let mut stream = app.open().await.unwrap();
        stream.send(&note(1)).await.unwrap();
        let mut other = sensor.incoming().await.unwrap();
        other.recv::<Note>().await.unwrap();
        let sending = tokio::spawn(async move {
            loop {
                if let Err(error) = other.send(&big(1)).await {
                    return error;
                }
            }
        });
        assert_eq!(stream.recv::<Note>().await.unwrap(), Some(big(1)));
        if by_dropping {
            drop(stream);
        } else {
            stream.close().await.unwrap();
        }
        assert!(matches!(sending.await.unwrap(), LinkError::StreamClosed));
    }
}

#[tokio::test]
async fn waiting_for_the_close_keeps_what_came_before_it() {
    let (app, sensor) = pair().await;
    let mut stream = app.open().await.unwrap();
    stream.send(&note(1)).await.unwrap();
    stream.send(&note(2)).await.unwrap();
    stream.close().await.unwrap();
    let mut other = sensor.incoming().await.unwrap();
    other.closed().await;
    assert_eq!(other.recv::<Note>().await.unwrap(), Some(note(1)));
    assert_eq!(other.recv::<Note>().await.unwrap(), Some(note(2)));
    assert_eq!(other.recv::<Note>().await.unwrap(), None);
}

#[tokio::test]
async fn a_cancelled_send_still_goes_out_whole() {
    let (app, sensor) = pair().await;
    let mut stream = app.open().await.unwrap();
    stream.send(&note(0)).await.unwrap();
    let mut other = sensor.incoming().await.unwrap();
    other.recv::<Note>().await.unwrap();
    // Longer than the window: it cannot be done before the other end reads.
    let long = big(1);
    tokio::select! {
        biased;
        result = stream.send(&long) => panic!("the window should be full: {result:?}"),
        () = async { for _ in 0..100 { tokio::task::yield_now().await } } => {}
    }
    let reading =
        tokio::spawn(async move { (other.recv::<Note>().await.unwrap(), other.recv::<Note>().await.unwrap()) });
    stream.send(&note(2)).await.unwrap();
    assert_eq!(reading.await.unwrap(), (Some(big(1)), Some(note(2))));
}

#[tokio::test]
async fn an_announced_length_over_the_limit_is_refused() {
    let (app, sensor) = pair().await;
    let stream = app.open().await.unwrap();
    let mut raw = stream.into_raw();
    futures::AsyncWriteExt::write_all(&mut raw, &[0xff; 4]).await.unwrap();
    let mut other = sensor.incoming().await.unwrap();
    assert!(matches!(other.recv::<Note>().await.unwrap_err(), LinkError::TooLong(0xffff_ffff)));
    let stream = app.open().await.unwrap();
    let mut raw = stream.into_raw();
    futures::AsyncWriteExt::write_all(&mut raw, &[0, 0, 0, 1, 0xc1]).await.unwrap();
    let mut other = sensor.incoming().await.unwrap();
    assert!(matches!(other.recv::<Note>().await.unwrap_err(), LinkError::Unreadable(_)));
}

#[tokio::test]
async fn a_stream_that_ends_inside_a_message_says_so() {
    let (app, sensor) = pair().await;
    let mut raw = app.open().await.unwrap().into_raw();
    futures::AsyncWriteExt::write_all(&mut raw, &[0, 0, 0, 9, 1, 2]).await.unwrap();
    futures::AsyncWriteExt::close(&mut raw).await.unwrap();
    let mut other = sensor.incoming().await.unwrap();
    assert!(matches!(other.recv::<Note>().await.unwrap_err(), LinkError::Truncated));
}

#[tokio::test]
async fn a_message_over_the_limit_is_not_sent() {
    let (app, sensor) = pair().await;
    let _sensor = echo(sensor);
    let mut stream = app.open().await.unwrap();
    let error = stream.send(&Note { number: 0, padding: vec![0; 5 << 20] }).await.unwrap_err();
    assert!(matches!(error, LinkError::Unwritable(_)), "{error}");
    stream.send(&note(1)).await.unwrap();
    assert_eq!(stream.recv::<Note>().await.unwrap(), Some(note(1)));
}

#[tokio::test]
async fn opening_waits_at_the_limit() {
    let (app, sensor) = pair().await;
    let _sensor = echo(sensor);
    let mut streams = Vec::new();
    for _ in 0..MAX_OPEN {
        streams.push(app.open().await.unwrap());
    }
    let mut one_more = Box::pin(app.open());
    assert!(futures::poll!(&mut one_more).is_pending());
    streams.pop();
    let mut stream = one_more.await.unwrap();
    stream.send(&note(1)).await.unwrap();
    assert_eq!(stream.recv::<Note>().await.unwrap(), Some(note(1)));
}
