//! A session as a byte stream over anything tokio can read and write.
//!
//! Bounds: one record's content staged and one record sealed in the sending direction, two frames in the
//! receiving one. Once these are full, writing waits for the peer.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use futures::io::{AsyncRead, AsyncWrite};
use tokio::io::ReadBuf;
use tokio::time::Instant;

use crate::LinkError;
use crate::frame::Deframer;
use crate::session::{Opened, Session};

/// Most content of a record this end sends: one bulk frame of the stream layer and its header. More would only put more
/// of a bulk answer in front of an alert.
const STAGED: usize = (16 << 10) + 12;

/// Why a connection failed, set once by whoever saw it first. The stream layer only passes `io::Error` on.
pub type Failure = Arc<OnceLock<LinkError>>;

/// An established session over `io`. Speaks the `futures` traits because the stream layer does.
#[derive(Debug)]
pub struct Transport<T> {
    io: T,
    session: Session,
    incoming: Deframer,
    /// Content that waits to be sealed; at most [`STAGED`] bytes.
    staged: Vec<u8>,
    /// Frames that wait to be written, and how much of them was.
    sealed: Vec<u8>,
    written: usize,
    started: Instant,
    failure: Failure,
}

impl<T> Transport<T> {
    /// `incoming` may already hold frames that came right behind the handshake.
    pub fn new(io: T, session: Session, incoming: Deframer, failure: Failure) -> Transport<T> {
        Transport {
            io,
            session,
            incoming,
            staged: Vec::with_capacity(STAGED),
            sealed: Vec::new(),
            written: 0,
            started: Instant::now(),
            failure,
        }
    }

    fn fail(&self, error: impl Into<LinkError>) -> io::Error {
        let error = error.into();
        let text = error.to_string();
        // The first cause is the true one; what fails after it only follows from it.
        let _ = self.failure.set(error);
        io::Error::other(text)
    }
}

impl<T: tokio::io::AsyncWrite + Unpin> Transport<T> {
    /// Writes all sealed frames.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest) = self.sealed.get(self.written..).filter(|rest| !rest.is_empty()) {
            match ready!(Pin::new(&mut self.io).poll_write(cx, rest)) {
                Ok(0) => return Poll::Ready(Err(self.fail(LinkError::Cut))),
                Ok(count) => self.written += count,
                Err(error) => return Poll::Ready(Err(self.fail(gone(error)))),
            }
        }
        self.sealed.clear();
        self.written = 0;
        Poll::Ready(Ok(()))
    }

    /// Seals and writes what is staged.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_drain(cx))?;
        if !self.staged.is_empty() {
            self.session.tick(self.started.elapsed());
            if let Err(error) = self.session.seal(&self.staged, &mut self.sealed) {
                return Poll::Ready(Err(self.fail(error)));
            }
            self.staged.clear();
            ready!(self.poll_drain(cx))?;
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: tokio::io::AsyncWrite + Unpin> AsyncWrite for Transport<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.staged.len() >= STAGED {
            ready!(this.poll_send(cx))?;
        }
        let count = bytes.len().min(STAGED - this.staged.len());
        this.staged.extend_from_slice(bytes.get(..count).unwrap_or_default());
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_send(cx))?;
        Pin::new(&mut this.io).poll_flush(cx).map_err(|error| this.fail(gone(error)))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_send(cx))?;
        if let Err(error) = this.session.seal_close(&mut this.sealed) {
            return Poll::Ready(Err(this.fail(error)));
        }
        ready!(this.poll_drain(cx))?;
        Pin::new(&mut this.io).poll_shutdown(cx).map_err(|error| this.fail(gone(error)))
    }
}

impl<T: tokio::io::AsyncRead + Unpin> AsyncRead for Transport<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if into.is_empty() {
            return Poll::Ready(Ok(0));
        }
        loop {
            let content = this.session.content();
            if let (count @ 1.., Some(from)) =
                (content.len().min(into.len()), content.get(..into.len().min(content.len())))
            {
                if let Some(place) = into.get_mut(..count) {
                    place.copy_from_slice(from);
                }
                this.session.consume(count);
                return Poll::Ready(Ok(count));
            }
            if this.session.is_closed_by_peer() {
                return Poll::Ready(Ok(0));
            }
            let opened = match this.incoming.next_frame() {
                Ok(Some(frame)) => Some(this.session.open(frame)),
                Ok(None) => None,
                Err(error) => Some(Err(error.into())),
            };
            match opened {
                Some(Ok(Opened::Data | Opened::Close | Opened::Rekey)) => continue,
                Some(Err(error)) => return Poll::Ready(Err(this.fail(error))),
                None => {}
            }
            let mut space = ReadBuf::new(this.incoming.space());
            let result = ready!(Pin::new(&mut this.io).poll_read(cx, &mut space));
            let count = space.filled().len();
            match result {
                Ok(()) if count == 0 => return Poll::Ready(Err(this.fail(LinkError::Cut))),
                Ok(()) => this.incoming.filled(count),
                Err(error) => return Poll::Ready(Err(this.fail(gone(error)))),
            }
        }
    }
}

/// A pipe whose other end was closed reports it differently when written than when read: it is the same to us.
fn gone(error: io::Error) -> LinkError {
    if matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::UnexpectedEof
    ) {
        LinkError::Cut
    } else {
        error.into()
    }
}
