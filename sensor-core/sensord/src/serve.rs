//! Serves viewers over the Noise link.
//!
//! One viewer is one connection. Its first stream carries `Hello` both ways; each further one is a request. Nothing
//! queues for a viewer: rows are asked of the pipeline when the last ones have gone out, so a slow viewer gets later
//! revisions in fewer messages. At most [`MAX_REQUESTS`] requests of a viewer run at a time; one more is reset.

mod answer;
mod events;
mod explain;

pub(crate) use answer::LIVE_INTERVAL;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sensor_link::{Connection, KeyPair, LinkError, MessageStream, PublicKey, announce};
use sensor_wire::Timestamp;
use sensor_wire::hello::{Hello, Limits, MAY, PROTOCOL};
use sensor_wire::request::Request;
use sensor_wire::rules::RuleSetup;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::pipeline::Handle;
use crate::rules;
use crate::state::Rights;

/// Requests of one viewer that run at a time.
pub const MAX_REQUESTS: usize = 32;

/// How long a viewer may take to say `Hello`, and to say what it wants on a stream it opened.
pub const FIRST_MESSAGE_TIMEOUT: Duration = Duration::from_secs(10);

/// What the sensor says of itself.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    /// Host or sensor name for people.
    pub name: String,
    /// Version of this program.
    pub version: String,
    /// IANA zone of the host; empty when unknown.
    pub zone: String,
    /// Rows the sensor keeps.
    pub rows: u64,
}

/// A viewer that could not be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The link failed before the viewer was known.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The viewer speaks other messages than this sensor.
    #[error("the viewer speaks protocol {theirs}, this sensor speaks {PROTOCOL}")]
    Protocol {
        /// What the viewer speaks.
        theirs: u32,
    },
    /// The viewer did not begin with `Hello`.
    #[error("the viewer did not say hello")]
    NoHello,
}

/// Serves the one viewer at the other end of `reader` and `writer`: announces the key, shakes hands, answers requests.
/// Returns `Ok` when the viewer has gone, whether it said goodbye or was killed.
///
/// With standard input and output, end the process afterwards without waiting for the runtime's blocking threads: the
/// one that reads standard input may be waiting for a line that never comes.
///
/// It says goodbye when `end` completes.
pub async fn serve<R, W>(
    reader: R,
    mut writer: W,
    keys: KeyPair,
    viewers: Vec<PublicKey>,
    identity: Identity,
    handle: Handle,
    end: impl Future<Output = ()>,
) -> Result<(), ServeError>
where
    R: AsyncRead + Unpin + Send + 'static,
    W: AsyncWrite + Unpin + Send + 'static,
{
    let mut end = pin!(end);
    announce::write(&mut writer, &keys.public()).await?;
    let connection = tokio::select! {
        connection = Connection::accept(tokio::io::join(reader, writer), &keys, &viewers) => connection?,
        () = &mut end => return Ok(()),
    };
    tracing::debug!(viewer = %connection.peer(), "connected");
    // It started this sensor.
    session(&connection, &identity, &handle, Rights::ALL, end).await
}

/// Serves a viewer that is connected, as far as its rights go. Returns `Ok` when it has gone, or was told goodbye because
/// `end` completed.
pub(crate) async fn session(
    connection: &Connection,
    identity: &Identity,
    handle: &Handle,
    rights: Rights,
    end: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let mut end = pin!(end);
    let greeted = tokio::select! {
        greeted = greet(connection, identity, rights) => greeted,
        () = &mut end => {
            connection.close().await;
            return Ok(());
        }
    };
    if let Err(error) = greeted {
        connection.close().await;
        return Err(error);
    }
    // What the answers have written goes out before the goodbye: they are dropped after it.
    let mut answers = pin!(answer_requests(connection, handle, rights));
    tokio::select! {
        () = &mut answers => {}
        () = &mut end => connection.close().await,
    }
    match connection.ended().await {
        Ok(()) => tracing::debug!("the viewer said goodbye"),
        Err(error) => tracing::debug!(%error, "the viewer has gone"),
    }
    Ok(())
}

/// `Hello` both ways on the viewer's first stream. A viewer of another protocol gets our `Hello` too, so that it can
/// say which version it needs, and then the end of the connection.
async fn greet(connection: &Connection, identity: &Identity, rights: Rights) -> Result<(), ServeError> {
    let exchange = async {
        let mut stream = connection.incoming().await.ok_or(ServeError::NoHello)?;
        let theirs: Hello = stream.recv().await?.ok_or(ServeError::NoHello)?;
        let ours = Hello {
            protocol: PROTOCOL,
            name: identity.name.clone(),
            version: identity.version.clone(),
            time: wall_clock(),
            zone: identity.zone.clone(),
            features: features(rights),
            limits: Limits { rows: identity.rows, ..Limits::default() },
        };
        stream.send(&ours).await?;
        stream.close().await?;
        if theirs.protocol == PROTOCOL { Ok(()) } else { Err(ServeError::Protocol { theirs: theirs.protocol }) }
    };
    timeout(FIRST_MESSAGE_TIMEOUT, exchange).await.map_err(|_| ServeError::NoHello)?
}

/// What a viewer can ask for, and its rights.
fn features(rights: Rights) -> Vec<String> {
    let explain = rights.contain(Rights::PACKETS).then_some(sensor_wire::explain::FEATURE);
    let own = [sensor_wire::rules::FEATURE, sensor_wire::event::FEATURE].into_iter().chain(explain).map(str::to_owned);
    own.chain(rights.names().map(|right| format!("{MAY}{right}"))).collect()
}

/// The right that a request takes.
fn right_for(request: &Request) -> Rights {
    match request {
        Request::Live { .. }
        | Request::Flows { .. }
        | Request::Values { .. }
        | Request::Hosts { .. }
        | Request::Events { .. }
        | Request::Rules(_)
        | Request::Rule { .. }
        | Request::CheckRules { .. }
        | Request::CheckVariables { .. } => Rights::WATCH,
        Request::Explain { .. } => Rights::PACKETS,
        Request::Stop | Request::SetRules(_) => Rights::ACT,
    }
}

/// Runs each request as its own task until the viewer goes; then they all end with it.
async fn answer_requests(connection: &Connection, handle: &Handle, rights: Rights) {
    let places = Arc::new(Semaphore::new(MAX_REQUESTS));
    let mut running = JoinSet::new();
    loop {
        let stream = tokio::select! {
            stream = connection.incoming() => stream,
            Some(_) = running.join_next() => continue,
        };
        let Some(stream) = stream else { return };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            tracing::warn!("a request is refused: the viewer already has {MAX_REQUESTS} running");
            continue;
        };
        let handle = handle.clone();
        running.spawn(async move {
            match answer_one(stream, &handle, rights).await {
                Ok(()) | Err(LinkError::StreamClosed | LinkError::Ended) => {}
                Err(error) => tracing::debug!(%error, "a request ended early"),
            }
            drop(place);
        });
    }
}

async fn answer_one(mut stream: MessageStream, handle: &Handle, rights: Rights) -> Result<(), LinkError> {
    let request = timeout(FIRST_MESSAGE_TIMEOUT, stream.recv::<Request>()).await.map_err(|_| LinkError::Timeout {
        what: "a request on an open stream",
        seconds: FIRST_MESSAGE_TIMEOUT.as_secs(),
    })?;
    let request = request?;
    if let Some(request) = &request
        && !rights.contain(right_for(request))
    {
        // The stream is reset: the viewer knows its rights from our `Hello`.
        tracing::debug!(%rights, takes = %right_for(request), "a request is refused");
        return Ok(());
    }
    match request {
        Some(Request::Live { after }) => answer::live(&mut stream, handle, after).await?,
        Some(Request::Flows { row, offset, limit }) => answer::flows(&mut stream, handle, row, offset, limit).await?,
        Some(Request::Values { row, column }) => answer::values(&mut stream, handle, row, column).await?,
        Some(Request::Hosts { after }) => answer::hosts(&mut stream, handle, after).await?,
        Some(Request::SetRules(setup)) => answer::set_rules(&mut stream, handle, setup).await?,
        Some(Request::Rules(asked)) => stream.send(&handle.book().await.list(&asked)).await?,
        Some(Request::Rule { gid, sid }) => {
            stream.send(&handle.book().await.rule(gid, sid).into_iter().collect::<Vec<_>>()).await?;
        }
        Some(Request::CheckRules { text }) => {
            let book = handle.book().await;
            stream.send(&rules::check(&book, &text)).await?;
        }
        Some(Request::CheckVariables { addresses, ports }) => {
            let setup = RuleSetup { addresses, ports, ..RuleSetup::default() };
            stream.send(&rules::variables::check(&rules::variables::of(&setup).0)).await?;
        }
        Some(Request::Explain { gid, sid, flow }) => explain::explain(&mut stream, handle, (gid, sid), flow).await?,
        Some(Request::Events { after, log }) => events::events(&mut stream, handle, after, log).await?,
        Some(Request::Stop) => answer::stop(&mut stream, handle).await?,
        None => {}
    }
    stream.close().await
}

/// The work's result, or `None` when the viewer closed the stream first.
async fn unless_closed<T>(stream: &mut MessageStream, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        result = work => Some(result),
        () = stream.closed() => None,
    }
}

#[expect(clippy::disallowed_methods, reason = "Hello tells the host's clock; nothing of the engine depends on it")]
fn wall_clock() -> Timestamp {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::try_from(elapsed.as_nanos()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
