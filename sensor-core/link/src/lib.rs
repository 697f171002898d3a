//! The link between an app and its sensors: a Noise session, streams over it, messages on the streams.
//!
//! Two layers. The core knows no socket and no clock and is fed bytes: [`handshake`], [`frame`], [`session`]. The shell
//! moves those bytes over anything tokio can read and write: [`transport`] under [`connection`] under [`message`].
//! [`announce`] is how a sensor that was started as a child tells its key.
//!
//! ```text
//! app                                        sensor
//! announce::read(child's output)        <-   announce::write(key)
//! Connection::connect(io, keys, key)    <->  Connection::accept(io, keys, allowed)
//! connection.open() -> MessageStream    ->   connection.incoming() -> MessageStream
//! ```

pub mod announce;
pub mod connection;
mod error;
pub mod frame;
pub mod handshake;
pub mod keys;
pub mod message;
pub mod session;
pub mod transport;

pub use connection::Connection;
pub use error::{Fault, LinkError};
pub use keys::{KeyError, KeyPair, PublicKey};
pub use message::MessageStream;
