//! Types and codec shared by sensor, app and UI.
//!
//! Three edges meet here:
//!
//! - sensor <-> app, over a Noise link: [`hello`], [`request`], [`live`], [`row`], [`flow`], [`event`];
//! - app <-> UI, over Tauri's IPC: [`view`];
//! - the [`codec`] of both: MessagePack, maps on the link (so that an older app and a newer sensor understand each
//!   other), arrays towards the UI (both ends are always built together).
//!
//! Pure data: no IO, no clock; builds for wasm32.

pub mod addr;
pub mod codec;
pub mod event;
pub mod explain;
pub mod flow;
pub mod hello;
pub mod host;
pub mod interface;
pub mod live;
pub mod request;
pub mod row;
pub mod rules;
pub mod view;

pub use addr::Addr;
pub use flow::FlowRecord;
pub use row::{Few, Row, RowId, RowKind};

/// Nanoseconds since 1970-01-01T00:00:00Z, as the packet carried them.
pub type Timestamp = i64;
