//! A connection: handshake, then streams. One task drives it; it ends with its io, with [`Connection::close`], or when
//! the last handle is dropped.
//!
//! Bounds: [`MAX_OPEN`] streams opened by this end at a time ([`Connection::open`] waits), [`MAX_STREAMS`] streams in
//! all (a peer that opens more is cut off), each with its own window, all windows together at most [`MAX_WINDOWS`]
//! bytes. A stream that isn't read stalls its own sender and nobody else.

use std::future::poll_fn;
use std::io::ErrorKind;
use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{Mutex, Semaphore, mpsc, oneshot};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::frame::{Deframer, LENGTH, MAX_FRAME};
use crate::handshake::{Initiator, MAX_HANDSHAKE, Responder};
use crate::message::MessageStream;
use crate::session::{RekeyPolicy, Session, SessionError};
use crate::transport::{Failure, Transport};
use crate::{KeyPair, LinkError, PublicKey, Token};

/// Streams this end may have open at a time.
pub const MAX_OPEN: usize = 64;

/// Streams both ends together may have open at a time.
pub const MAX_STREAMS: usize = 256;

/// Bytes of unread data that all streams together may hold: each stream's first window, and room to grow for a few.
pub const MAX_WINDOWS: usize = MAX_STREAMS * yamux::DEFAULT_CREDIT as usize + (16 << 20);

/// How long the handshake may take, up to the record by which the sensor knows the app.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a goodbye may take against a peer that doesn't read.
pub const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// An established connection to a peer whose key is proven.
#[derive(Debug)]
pub struct Connection {
    peer: PublicKey,
    opens: mpsc::Sender<oneshot::Sender<yamux::Stream>>,
    incoming: Mutex<mpsc::Receiver<yamux::Stream>>,
    permits: Arc<Semaphore>,
    end: End,
}

impl Connection {
    /// The app's end: connects to the sensor that has the key `peer` and knows this viewer.
    pub async fn connect<T>(io: T, keys: &KeyPair, peer: &PublicKey) -> Result<Connection, LinkError>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        Self::connect_with(io, keys, peer, None, RekeyPolicy::default()).await
    }

    /// The app's end at its first contact: the sensor that gave out `token` puts this viewer on its list. The token is
    /// used up once the handshake has gone through.
    pub async fn pair<T>(io: T, keys: &KeyPair, peer: &PublicKey, token: &Token) -> Result<Connection, LinkError>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        Self::connect_with(io, keys, peer, Some(token), RekeyPolicy::default()).await
    }

    /// The sensor's end: accepts a viewer whose key is among `allowed`. Anyone else, and who pairs, sees the connection
    /// close without having received a byte. A sensor that pairs goes by way of [`Knock`].
    pub async fn accept<T>(io: T, keys: &KeyPair, allowed: &[PublicKey]) -> Result<Connection, LinkError>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        Self::accept_with(io, keys, allowed, RekeyPolicy::default()).await
    }

    pub(crate) async fn connect_with<T>(
        mut io: T,
        keys: &KeyPair,
        peer: &PublicKey,
        token: Option<&Token>,
        rekey: RekeyPolicy,
    ) -> Result<Connection, LinkError>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut incoming = Deframer::new(MAX_HANDSHAKE);
        let session = in_time(Instant::now() + HANDSHAKE_TIMEOUT, async {
            let (handshake, first) = Initiator::begin(keys, peer, token)?;
            send_handshake(&mut io, &first).await.map_err(refused)?;
            let answer = receive_frame(&mut io, &mut incoming).await.map_err(refused)?;
            let mut session = handshake.finish(&answer, rekey)?;
            let mut confirmation = Vec::new();
            session.confirm(&mut confirmation)?;
            io.write_all(&confirmation).await?;
            io.flush().await?;
            Ok(session)
        })
        .await?;
        Ok(Self::start(io, session, *peer, incoming, yamux::Mode::Client))
    }

    pub(crate) async fn accept_with<T>(
        io: T,
        keys: &KeyPair,
        allowed: &[PublicKey],
        rekey: RekeyPolicy,
    ) -> Result<Connection, LinkError>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let knock = Knock::receive(io, keys).await?;
        if knock.token().is_some() || !allowed.contains(&knock.peer()) {
            return Err(LinkError::NotAllowed(knock.peer()));
        }
        knock.answer_with(rekey).await
    }

    fn start<T>(io: T, session: Session, peer: PublicKey, mut incoming: Deframer, mode: yamux::Mode) -> Connection
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        incoming.set_limit(MAX_FRAME);
        let end = End::default();
        let transport = Transport::new(io, session, incoming, end.failure.clone());
        let mut config = yamux::Config::default();
        // The order matters: the library checks each value against the other.
        config.set_max_num_streams(MAX_STREAMS).set_max_connection_receive_window(Some(MAX_WINDOWS));
        let (opens, open_requests) = mpsc::channel(MAX_OPEN);
        let (arrivals, incoming) = mpsc::channel(MAX_STREAMS);
        let driver = Driver {
            streams: yamux::Connection::new(transport, config, mode),
            opens: open_requests,
            arrivals,
            end: end.clone(),
        };
        tokio::spawn(driver.run());
        Connection { peer, opens, incoming: Mutex::new(incoming), permits: Arc::new(Semaphore::new(MAX_OPEN)), end }
    }

    /// The key the peer proved to have.
    pub fn peer(&self) -> PublicKey {
        self.peer
    }

    /// Opens a stream; waits while [`MAX_OPEN`] are open. The peer sees it with the first message on it.
    pub async fn open(&self) -> Result<MessageStream, LinkError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| LinkError::Ended)?;
        let (reply, stream) = oneshot::channel();
        self.opens.send(reply).await.map_err(|_| self.end.error())?;
        let stream = stream.await.map_err(|_| self.end.error())?;
        Ok(MessageStream::new(stream, Some(permit), self.end.clone()))
    }

    /// The next stream the peer opened; `None` once the connection has ended.
    pub async fn incoming(&self) -> Option<MessageStream> {
        let stream = self.incoming.lock().await.recv().await?;
        Some(MessageStream::new(stream, None, self.end.clone()))
    }

    /// Says goodbye, ends all streams, and waits until it is done ([`CLOSE_TIMEOUT`] at most).
    pub async fn close(&self) {
        self.end.closing.cancel();
        self.end.reached.cancelled().await;
    }

    /// Waits until the connection has ended: `Ok` after a goodbye of either side, else why.
    pub async fn ended(&self) -> Result<(), LinkError> {
        self.end.reached.cancelled().await;
        self.end.failure.get().cloned().map_or(Ok(()), Err)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.end.closing.cancel();
    }
}

/// A first message that has come and is not yet answered: who knocks is told nothing unless [`answer`](Self::answer) is
/// called. Dropping it closes the connection. Holds two frames' memory, and ends [`HANDSHAKE_TIMEOUT`] after it began.
#[derive(Debug)]
pub struct Knock<T> {
    io: T,
    incoming: Deframer,
    responder: Responder,
    deadline: Instant,
}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> Knock<T> {
    /// Waits for the first message.
    pub async fn receive(mut io: T, keys: &KeyPair) -> Result<Knock<T>, LinkError> {
        let deadline = Instant::now() + HANDSHAKE_TIMEOUT;
        let mut incoming = Deframer::new(MAX_HANDSHAKE);
        let message = in_time(deadline, receive_frame(&mut io, &mut incoming)).await?;
        Ok(Knock { responder: Responder::begin(keys, &message)?, io, incoming, deadline })
    }

    /// The key of who sent it, or of whom it was recorded from.
    pub fn peer(&self) -> PublicKey {
        self.responder.peer()
    }

    /// The token, from one who pairs.
    pub fn token(&self) -> Option<&Token> {
        self.responder.token()
    }

    /// Answers, and waits for the record that only the owner of the key (and the token) can have sealed.
    pub async fn answer(self) -> Result<Connection, LinkError> {
        self.answer_with(RekeyPolicy::default()).await
    }

    async fn answer_with(self, rekey: RekeyPolicy) -> Result<Connection, LinkError> {
        let Knock { mut io, mut incoming, responder, deadline } = self;
        let peer = responder.peer();
        let session = in_time(deadline, async {
            let (answer, mut session) = responder.answer(rekey)?;
            send_handshake(&mut io, &answer).await?;
            incoming.set_limit(MAX_FRAME);
            session.open(&receive_frame(&mut io, &mut incoming).await?)?;
            Ok(session)
        })
        .await?;
        Ok(Connection::start(io, session, peer, incoming, yamux::Mode::Server))
    }
}

/// How a connection ended, shared with its streams.
#[derive(Clone, Debug, Default)]
pub(crate) struct End {
    /// This end wants to close.
    closing: CancellationToken,
    /// All is over.
    pub(crate) reached: CancellationToken,
    failure: Failure,
}

impl End {
    /// The failure, or [`LinkError::Ended`] when there was none.
    pub(crate) fn error(&self) -> LinkError {
        self.failure.get().cloned().unwrap_or(LinkError::Ended)
    }

    /// Why a stream that worked no longer does: the connection's end, or the peer's wish.
    pub(crate) fn stream_error(&self) -> LinkError {
        if self.failure.get().is_some() || self.closing.is_cancelled() { self.error() } else { LinkError::StreamClosed }
    }

    /// The failure, if there is one already.
    pub(crate) fn failure(&self) -> Option<LinkError> {
        self.failure.get().cloned()
    }
}

/// Owns the stream layer; the only one that touches the io.
struct Driver<T> {
    streams: yamux::Connection<Transport<T>>,
    opens: mpsc::Receiver<oneshot::Sender<yamux::Stream>>,
    arrivals: mpsc::Sender<yamux::Stream>,
    end: End,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Driver<T> {
    async fn run(mut self) {
        let closing = self.end.closing.clone();
        let result = tokio::select! {
            biased;
            () = closing.cancelled() => Ok(()),
            result = poll_fn(|cx| self.poll(cx)) => result,
        };
        match result {
            Ok(()) => {
                let _ = timeout(CLOSE_TIMEOUT, poll_fn(|cx| self.streams.poll_close(cx))).await;
            }
            Err(error) => fail(&self.end.failure, error),
        }
        // Dropping the stream layer drops the io, so the peer sees the end of it, and then our own streams do.
        let end = self.end.clone();
        drop(self);
        end.reached.cancel();
    }

    /// Ready when the peer has ended the connection (`Ok` after its goodbye).
    fn poll(&mut self, cx: &mut std::task::Context<'_>) -> Poll<Result<(), yamux::ConnectionError>> {
        loop {
            match self.streams.poll_next_inbound(cx) {
                Poll::Ready(Some(Ok(stream))) => {
                    // There are as many places as streams; dropping one resets it.
                    if self.arrivals.try_send(stream).is_err() {
                        tracing::debug!("a stream of the peer is reset: nobody takes it");
                    }
                    continue;
                }
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(error)),
                Poll::Ready(None) => return Poll::Ready(Ok(())),
                Poll::Pending => {}
            }
            match self.opens.poll_recv(cx) {
                Poll::Ready(Some(reply)) => match self.streams.poll_new_outbound(cx) {
                    Poll::Ready(Ok(stream)) => {
                        // The asker may have given up; its stream was never seen by the peer.
                        let _ = reply.send(stream);
                    }
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    // Only when more streams wait for the peer's word than may be open at all.
                    Poll::Pending => drop(reply),
                },
                Poll::Ready(None) | Poll::Pending => return Poll::Pending,
            }
        }
    }
}

fn fail(failure: &OnceLock<LinkError>, error: yamux::ConnectionError) {
    let error = if let yamux::ConnectionError::Io(error) = error {
        error.into()
    } else {
        LinkError::Streams(error.to_string())
    };
    // The transport has already said why when it was the one that failed.
    let _ = failure.set(error);
}

async fn in_time<T>(deadline: Instant, handshake: impl Future<Output = Result<T, LinkError>>) -> Result<T, LinkError> {
    timeout_at(deadline, handshake)
        .await
        .map_err(|_| LinkError::Timeout { what: "the handshake", seconds: HANDSHAKE_TIMEOUT.as_secs() })?
}

async fn send_handshake<T: AsyncWrite + Unpin>(io: &mut T, message: &[u8]) -> Result<(), LinkError> {
    let mut frame = Vec::with_capacity(LENGTH + MAX_HANDSHAKE);
    frame.extend_from_slice(&u16::try_from(message.len()).unwrap_or(u16::MAX).to_be_bytes());
    frame.extend_from_slice(message);
    io.write_all(&frame).await?;
    Ok(io.flush().await?)
}

async fn receive_frame<T: AsyncRead + Unpin>(io: &mut T, incoming: &mut Deframer) -> Result<Vec<u8>, LinkError> {
    loop {
        if let Some(frame) = incoming.next_frame().map_err(SessionError::from)? {
            return Ok(frame.to_vec());
        }
        let count = io.read(incoming.space()).await?;
        if count == 0 {
            return Err(LinkError::Cut);
        }
        incoming.filled(count);
    }
}

/// What an initiator calls a connection that ends before its handshake was answered.
fn refused(error: LinkError) -> LinkError {
    let ended = if let LinkError::Io { kind, .. } = &error {
        matches!(kind, ErrorKind::BrokenPipe | ErrorKind::ConnectionReset)
    } else {
        matches!(error, LinkError::Cut)
    };
    if ended { LinkError::Refused } else { error }
}

#[cfg(test)]
mod tests;
