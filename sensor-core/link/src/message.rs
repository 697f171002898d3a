//! Messages on a stream: a big-endian u32 length and a MessagePack value.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::io::{AsyncRead, AsyncWrite};
use sensor_wire::codec::{self, CodecError, MAX_MESSAGE, PREFIX};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::OwnedSemaphorePermit;

use crate::LinkError;
use crate::connection::End;

/// One stream of a connection. Dropping it resets the stream: the peer's reads end and its writes fail.
///
/// [`send`](Self::send) and [`recv`](Self::recv) may be cancelled (in a `select!`) without damage: what was half sent
/// goes out before the next message, what was half received stays.
#[derive(Debug)]
pub struct MessageStream {
    stream: yamux::Stream,
    end: End,
    inbox: Inbox,
    outbox: Vec<u8>,
    sent: usize,
    /// Held as long as the stream is: it counts against what this end may open.
    _permit: Option<OwnedSemaphorePermit>,
}

impl MessageStream {
    pub(crate) fn new(stream: yamux::Stream, permit: Option<OwnedSemaphorePermit>, end: End) -> MessageStream {
        MessageStream { stream, end, inbox: Inbox::default(), outbox: Vec::new(), sent: 0, _permit: permit }
    }

    /// Sends one message; waits while the peer's window is full. Fails with [`LinkError::StreamClosed`] as soon as the
    /// peer has closed its side, because that is how a request is cancelled.
    pub async fn send<T: Serialize>(&mut self, message: &T) -> Result<(), LinkError> {
        self.finish_sending().await?;
        let body = codec::encode(message).map_err(|error| LinkError::Unwritable(error.to_string()))?;
        let length = u32::try_from(body.len()).map_err(|_| LinkError::TooLong(body.len()))?;
        self.outbox.reserve_exact(PREFIX + body.len());
        self.outbox.extend_from_slice(&length.to_be_bytes());
        self.outbox.extend_from_slice(&body);
        self.finish_sending().await
    }

    /// The next message; `None` when the peer closed the stream or the connection ended in good order.
    pub async fn recv<T: DeserializeOwned>(&mut self) -> Result<Option<T>, LinkError> {
        loop {
            if let Some(message) = self.inbox.take()? {
                return Ok(Some(message));
            }
            if !self.fill().await {
                return match self.end.failure() {
                    Some(error) => Err(error),
                    None if self.inbox.is_empty() => Ok(None),
                    None => Err(LinkError::Truncated),
                };
            }
        }
    }

    /// Waits until the peer has closed its side or the connection has ended. A message that arrives meanwhile is kept
    /// for [`recv`](Self::recv).
    pub async fn closed(&mut self) {
        while self.inbox.len() < READ_AHEAD {
            if !self.fill().await {
                return;
            }
        }
        self.end.reached.cancelled().await;
    }

    /// Closes this end's side: the peer reads what was sent and then the end.
    pub async fn close(&mut self) -> Result<(), LinkError> {
        self.finish_sending().await?;
        let Self { stream, end, .. } = self;
        tokio::select! {
            biased;
            result = poll_fn(|cx| Pin::new(&mut *stream).poll_close(cx)) => result.map_err(|_| end.error()),
            () = end.reached.cancelled() => Err(end.error()),
        }
    }

    /// The stream without messages.
    #[cfg(test)]
    pub(crate) fn into_raw(self) -> yamux::Stream {
        self.stream
    }

    /// Takes in what has come, waiting for something to come; false at the end.
    async fn fill(&mut self) -> bool {
        let Self { stream, inbox, end, .. } = self;
        tokio::select! {
            biased;
            more = poll_fn(|cx| inbox.poll_fill(stream, cx)) => more,
            // The stream layer doesn't wake the readers of a connection that this end closes.
            () = end.reached.cancelled() => {
                poll_fn(|cx| Poll::Ready(matches!(inbox.poll_fill(stream, cx), Poll::Ready(true)))).await
            }
        }
    }

    async fn finish_sending(&mut self) -> Result<(), LinkError> {
        let end = self.end.clone();
        tokio::select! {
            biased;
            result = poll_fn(|cx| self.poll_send(cx)) => result,
            () = end.reached.cancelled() => Err(end.error()),
        }
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        while let Some(rest) = self.outbox.get(self.sent..).filter(|rest| !rest.is_empty()) {
            // Looked at before each write, and so that it wakes us while the window is full.
            while self.inbox.len() < READ_AHEAD {
                match self.inbox.poll_fill(&mut self.stream, cx) {
                    Poll::Ready(true) => {}
                    Poll::Ready(false) => return Poll::Ready(Err(self.end.stream_error())),
                    Poll::Pending => break,
                }
            }
            match Pin::new(&mut self.stream).poll_write(cx, rest) {
                Poll::Ready(Ok(count)) => self.sent += count,
                Poll::Ready(Err(_)) => return Poll::Ready(Err(self.end.stream_error())),
                Poll::Pending => return Poll::Pending,
            }
        }
        self.outbox.clear();
        self.outbox.shrink_to(KEPT);
        self.sent = 0;
        Poll::Ready(Ok(()))
    }
}

/// Most bytes of the peer taken in while this end is only sending: enough to notice a close.
const READ_AHEAD: usize = 64 << 10;

/// Read from the stream at once.
const CHUNK: usize = 16 << 10;

/// What a buffer keeps of its memory between messages; a stream rarely sends a second big one.
const KEPT: usize = 64 << 10;

/// Bytes that came and are not yet a whole message: at most one message and a chunk, or [`READ_AHEAD`] and a chunk.
#[derive(Debug, Default)]
struct Inbox {
    bytes: Vec<u8>,
    start: usize,
}

impl Inbox {
    fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Decodes the first message, if it is whole. A length over the limit is an error before anything is kept for it.
    fn take<T: DeserializeOwned>(&mut self) -> Result<Option<T>, LinkError> {
        let Some((length, rest)) = self.bytes.get(self.start..).and_then(<[u8]>::split_first_chunk::<PREFIX>) else {
            return Ok(None);
        };
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        if length > MAX_MESSAGE {
            return Err(LinkError::TooLong(length));
        }
        let Some(body) = rest.get(..length) else { return Ok(None) };
        let message = codec::decode(body).map_err(unreadable)?;
        self.start += PREFIX + length;
        if self.start == self.bytes.len() {
            self.bytes.clear();
            self.bytes.shrink_to(KEPT);
            self.start = 0;
        }
        Ok(Some(message))
    }

    /// Reads once; true when something came, false at the end of the stream.
    fn poll_fill(&mut self, stream: &mut yamux::Stream, cx: &mut Context<'_>) -> Poll<bool> {
        if self.start > 0 {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        let length = self.bytes.len();
        self.bytes.resize(length + CHUNK, 0);
        let place = self.bytes.get_mut(length..).unwrap_or_default();
        let result = Pin::new(stream).poll_read(cx, place);
        let count = if let Poll::Ready(Ok(count)) = &result { *count } else { 0 };
        self.bytes.truncate(length + count);
        // An error of the stream is its end: why the connection failed stands with the connection.
        result.map(|_| count > 0)
    }
}

fn unreadable(error: CodecError) -> LinkError {
    if let CodecError::TooLong(length) = error {
        LinkError::TooLong(length)
    } else {
        LinkError::Unreadable(error.to_string())
    }
}
