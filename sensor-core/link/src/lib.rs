//! The link between an app and its sensors: a Noise session, streams over it, messages on the streams.
//!
//! Two layers. The core knows no socket and no clock and is fed bytes: [`handshake`], [`frame`], [`session`]. The shell
//! moves those bytes over anything tokio can read and write: [`transport`] under [`connection`] under [`message`].
//! [`announce`] is how a sensor that was started as a child tells its key; [`pairing`] how one elsewhere does.
//!
//! ```text
//! app                                        sensor
//! announce::read(child's output)        <-   announce::write(key)
//! Connection::connect(io, keys, key)    <->  Connection::accept(io, keys, allowed)
//! Connection::pair(io, keys, key, token)      Knock::receive(io, keys), Knock::answer()
//! connection.open() -> MessageStream    ->   connection.incoming() -> MessageStream
//! ```

pub mod announce;
pub mod connection;
mod error;
pub mod fingerprint;
pub mod frame;
pub mod handshake;
pub mod keyfile;
pub mod keys;
pub mod message;
pub mod pairing;
pub mod session;
pub mod transport;

pub use connection::{Connection, Knock};
pub use error::{Fault, LinkError};
pub use fingerprint::Fingerprint;
pub use keyfile::KeyFileError;
pub use keys::{KeyError, KeyPair, PublicKey};
pub use message::MessageStream;
pub use pairing::{Address, Host, PairingString, Token, TokenDigest};
