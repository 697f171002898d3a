//! Viewers that come over TCP: who is let in, how many at a time, and until when.
//!
//! A stranger costs a handshake's memory (two frames and its task) for [`HANDSHAKE_TIMEOUT`] at most. [`MAX_HANDSHAKES`]
//! run at a time, [`MAX_HANDSHAKES_OF_ONE`] from one address; while all places are taken nothing is accepted, and who
//! comes waits in the kernel's queue. A peer that is not let in sees its connection close and nothing else; why is
//! counted and logged here ([`Refusals`]).
//!
//! The list of viewers is read at each handshake. While a session lasts, the time and length of its file are looked at
//! every [`LOOK`], which costs one `stat` for all sessions; when they have changed each session reads the list and ends if
//! its viewer isn't on it as before.
//!
//! [`HANDSHAKE_TIMEOUT`]: sensor_link::connection::HANDSHAKE_TIMEOUT

mod places;
mod refusals;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use sensor_link::{Connection, KeyPair, Knock, PublicKey, TokenDigest};
use socket2::{Domain, SockRef, Socket, TcpKeepalive, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

pub use places::MAX_HANDSHAKES_OF_ONE;
use places::Places;
pub use refusals::{Reason, Refusals};

use crate::pipeline::Handle;
use crate::serve::{self, Identity};
use crate::state::{Known, Rights, StateError, StateFolder};

/// Handshakes that run at a time.
pub const MAX_HANDSHAKES: usize = 64;

/// Viewers that look at a time.
pub const MAX_SESSIONS: usize = 64;

/// Addresses that are listened on.
pub const MAX_LISTENERS: usize = 16;

/// How often it is looked whether the list of viewers has changed.
pub const LOOK: Duration = Duration::from_millis(250);

/// A peer that is gone without a word is noticed in this time: silence of 10 s, then three probes 5 s apart.
pub const DEAD_AFTER: Duration = Duration::from_secs(25);

/// Sockets that listen, and what is needed to let someone in: to be opened before the sandbox closes.
#[derive(Debug)]
pub struct Listening {
    sockets: Vec<std::net::TcpListener>,
    addresses: Vec<SocketAddr>,
    keys: KeyPair,
    state: StateFolder,
}

impl Listening {
    /// Listens on each address; port 0 is one that is free. The sensor's key is made if there is none yet, and the
    /// addresses are noted in the state folder.
    ///
    /// # Errors
    /// An address can't be listened on; the state folder can't be used.
    pub fn open(addresses: &[SocketAddr], state: StateFolder) -> Result<Listening, ListenError> {
        let bind =
            |address: &SocketAddr| bind(*address).map_err(|error| ListenError::Bind { address: *address, error });
        let sockets = addresses.iter().take(MAX_LISTENERS).map(bind).collect::<Result<Vec<_>, _>>()?;
        let addresses = sockets.iter().filter_map(|socket| socket.local_addr().ok()).collect::<Vec<_>>();
        let keys = state.keys()?;
        state.set_listening(&addresses)?;
        Ok(Listening { sockets, addresses, keys, state })
    }

    /// Where it listens.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The folder that has to stay within reach.
    pub fn state_folder(&self) -> &std::path::Path {
        self.state.path()
    }

    /// The sensor's key.
    pub fn key(&self) -> PublicKey {
        self.keys.public()
    }

    /// Lets viewers in until `end` completes, once the source has ended or been stopped; then gives those who look a
    /// moment for the last rows and says goodbye to all.
    ///
    /// # Errors
    /// A socket can't be handed to the runtime.
    pub async fn serve(self, identity: Identity, handle: Handle, end: impl Future<Output = ()>) -> io::Result<()> {
        let Listening { sockets, keys, state, .. } = self;
        let (changed, changes) = watch::channel(0);
        let (over, ending) = watch::channel(false);
        let house = Arc::new(House {
            keys,
            state: state.clone(),
            identity,
            handle,
            places: Places::new(MAX_HANDSHAKES),
            seats: Arc::new(Semaphore::new(MAX_SESSIONS)),
            refusals: Refusals::default(),
            changes,
            ending,
        });
        let mut doors = JoinSet::new();
        for socket in sockets {
            doors.spawn(receive(TcpListener::from_std(socket)?, Arc::clone(&house)));
        }
        let mut end = pin!(end);
        tokio::select! {
            () = &mut end => {}
            () = look(&state, &changed) => {}
        }
        if house.seats.available_permits() < MAX_SESSIONS {
            // The last rows go to one after another, each of whom asks for them ten times a second.
            let told = async {
                house.handle.told.notified().await;
                sleep(serve::LIVE_INTERVAL * 2).await;
            };
            let _ = timeout(LAST_ROWS, told).await;
        }
        let _ = over.send(true);
        // Each door waits for its visitors, who say goodbye in a bounded time.
        while doors.join_next().await.is_some() {}
        state.clear_listening();
        Ok(())
    }
}

/// Why nobody can come in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListenError {
    /// The address can't be listened on.
    #[error("{address}: cannot be listened on: {error}")]
    Bind {
        /// Which.
        address: SocketAddr,
        /// As the system puts it.
        error: io::Error,
    },
    /// The state folder can't be used.
    #[error(transparent)]
    State(#[from] StateError),
}

/// What all visitors share.
#[derive(Debug)]
struct House {
    keys: KeyPair,
    state: StateFolder,
    identity: Identity,
    handle: Handle,
    places: Places,
    seats: Arc<Semaphore>,
    refusals: Refusals,
    /// Counts changes of the list of viewers.
    changes: watch::Receiver<u64>,
    ending: watch::Receiver<bool>,
}

/// Somebody who may come in: as whom, with which rights, and the token to be used up.
struct Admitted {
    rights: Rights,
    token: Option<TokenDigest>,
    seat: OwnedSemaphorePermit,
}

/// Accepts, as long as there are places.
async fn receive(listener: TcpListener, house: Arc<House>) {
    let mut visits = JoinSet::new();
    let mut ending = house.ending.clone();
    loop {
        let arrival = async {
            let place = house.places.free().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            _ = ending.wait_for(|over| *over) => break,
            Some(_) = visits.join_next() => continue,
            arrival = arrival => arrival,
        };
        match accepted {
            Ok((stream, peer)) => match place.of(peer.ip()) {
                Some(place) => {
                    let house = Arc::clone(&house);
                    visits.spawn(async move { visit(stream, peer, place, &house).await });
                }
                None => {
                    house.refusals.refuse(Reason::Crowd, peer, None);
                }
            },
            // The peer may be gone again, or this process out of descriptors: others may fare better in a moment.
            Err(error) => {
                tracing::debug!(%error, "a connection could not be accepted");
                sleep(AFTER_FAILURE).await;
            }
        }
    }
    drop(listener);
    while visits.join_next().await.is_some() {}
}

/// One connection, from its first byte to its end.
async fn visit(stream: TcpStream, peer: SocketAddr, place: places::Place, house: &House) {
    // Before the list is read: what changes after that is seen.
    let mut changes = house.changes.clone();
    changes.mark_unchanged();
    let mut ending = house.ending.clone();
    let ended = async {
        let _ = ending.wait_for(|over| *over).await;
    };
    let mut ended = pin!(ended);
    let entered = tokio::select! {
        entered = enter(stream, peer, house) => entered,
        () = &mut ended => return,
    };
    let Some((connection, rights, _seat)) = entered else { return };
    // The handshake is over: its place is free for others.
    drop(place);
    let key = connection.peer();
    let until = async {
        tokio::select! {
            () = ended => {}
            () = changed_for(key, rights, &mut changes, &house.state) => {
                tracing::info!(%peer, viewer = %key, "the viewer is not on the list as before: its session ends");
            }
        }
    };
    if let Err(error) = serve::session(&connection, &house.identity, &house.handle, rights, until).await {
        tracing::info!(%peer, viewer = %key, %error, "the session ended early");
    }
    connection.close().await;
}

/// The handshake, and what decides on it.
async fn enter(
    stream: TcpStream,
    peer: SocketAddr,
    house: &House,
) -> Option<(Connection, Rights, OwnedSemaphorePermit)> {
    if let Err(error) = keep_alive(&stream) {
        tracing::debug!(%peer, %error, "a dead peer will be noticed late");
    }
    let knock = match Knock::receive(stream, &house.keys).await {
        Ok(knock) => knock,
        Err(error) => {
            house.refusals.refuse(Reason::of_knock(&error), peer, None);
            return None;
        }
    };
    let key = knock.peer();
    let admitted = match admit(key, knock.token().map(|token| token.digest()), house) {
        Ok(admitted) => admitted,
        Err(reason) => {
            house.refusals.refuse(reason, peer, Some(key));
            return None;
        }
    };
    let connection = match knock.answer().await {
        Ok(connection) => connection,
        Err(error) => {
            house.refusals.refuse(Reason::of_answer(&error), peer, Some(key));
            return None;
        }
    };
    let Admitted { rights, token, seat } = admitted;
    if let Some(token) = token {
        // Waits for a lock, and for the disk.
        let state = house.state.clone();
        let redeemed = spawn_blocking(move || state.redeem(&token, key)).await;
        match redeemed {
            Ok(Ok(viewer)) => tracing::info!(%peer, viewer = %key, name = viewer.name, %rights, "paired"),
            Ok(Err(error)) => {
                house.refusals.refuse(Reason::of_state(&error), peer, Some(key));
                connection.close().await;
                return None;
            }
            Err(_) => return None,
        }
    }
    tracing::info!(%peer, viewer = %key, %rights, "a viewer came in");
    Some((connection, rights, seat))
}

/// Decides on a first message. Files are small and read at once.
fn admit(key: PublicKey, token: Option<TokenDigest>, house: &House) -> Result<Admitted, Reason> {
    let rights = match token {
        None => match house.state.viewers().map_err(|error| Reason::of_state(&error))?.find(&key) {
            Known::Accepted(viewer) => viewer.rights,
            Known::Revoked => return Err(Reason::Revoked),
            Known::Stranger => return Err(Reason::Stranger),
        },
        Some(token) => {
            let tokens = house.state.tokens().map_err(|error| Reason::of_state(&error))?;
            tokens.look(&token, crate::state::now()).map_err(Reason::of_token)?.rights
        }
    };
    let seat = Arc::clone(&house.seats).try_acquire_owned().map_err(|_| Reason::Full)?;
    Ok(Admitted { rights, token, seat })
}

/// Completes when the list no longer says of a viewer what it said.
async fn changed_for(key: PublicKey, rights: Rights, changes: &mut watch::Receiver<u64>, state: &StateFolder) {
    while changes.changed().await.is_ok() {
        match state.viewers() {
            Ok(viewers) if matches!(viewers.find(&key), Known::Accepted(viewer) if viewer.rights == rights) => {}
            Ok(_) => return,
            // Who can't be found on the list isn't on it.
            Err(error) => {
                tracing::warn!(%error, "the list of viewers cannot be read: sessions end");
                return;
            }
        }
    }
}

/// Looks at the file of the list now and then. Never completes.
async fn look(state: &StateFolder, changed: &watch::Sender<u64>) {
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut seen = state.stamp();
    loop {
        ticks.tick().await;
        let now = state.stamp();
        if now != seen {
            seen = now;
            changed.send_modify(|count| *count += 1);
        }
    }
}

fn bind(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    if address.is_ipv6() {
        // So that the same port can be listened on for IPv4 too, on every system alike.
        socket.set_only_v6(true)?;
    }
    // On Windows this would let another program take the port over.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

fn keep_alive(stream: &TcpStream) -> io::Result<()> {
    let socket = SockRef::from(stream);
    socket.set_tcp_nodelay(true)?;
    let probes = TcpKeepalive::new().with_time(SILENCE).with_interval(PROBE);
    #[cfg(not(windows))]
    let probes = probes.with_retries(3);
    socket.set_tcp_keepalive(&probes)?;
    // Probes are sent on an idle connection only; this is for one that has data on the way.
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(DEAD_AFTER))?;
    Ok(())
}

/// Connections that wait for a place; the kernel turns away more.
const BACKLOG: i32 = 128;

/// How long viewers may take for their last rows when the sensor ends.
pub const LAST_ROWS: Duration = Duration::from_secs(2);

const SILENCE: Duration = Duration::from_secs(10);
const PROBE: Duration = Duration::from_secs(5);

/// How long to wait after a connection could not be accepted.
const AFTER_FAILURE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_dead_peer_is_noticed_within_half_a_minute() {
        let listener = TcpListener::from_std(bind("127.0.0.1:0".parse().unwrap()).unwrap()).unwrap();
        let (ours, _theirs) =
            tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), async { listener.accept().await });
        let ours = ours.unwrap();
        keep_alive(&ours).unwrap();
        let socket = SockRef::from(&ours);
        assert!(socket.keepalive().unwrap());
        #[cfg(target_os = "linux")]
        {
            let silence = socket.tcp_keepalive_time().unwrap();
            let probes = socket.tcp_keepalive_interval().unwrap() * socket.tcp_keepalive_retries().unwrap();
            assert_eq!(silence + probes, DEAD_AFTER);
            assert_eq!(socket.tcp_user_timeout().unwrap(), Some(DEAD_AFTER));
        }
        assert!(DEAD_AFTER < Duration::from_secs(30));
    }

    #[test]
    fn both_families_can_be_listened_on_with_one_port() {
        let Ok(six) = bind("[::]:0".parse().unwrap()) else {
            println!("skipped: there is no IPv6 here");
            return;
        };
        let port = six.local_addr().unwrap().port();
        bind(SocketAddr::new("0.0.0.0".parse().unwrap(), port)).unwrap();
    }
}
