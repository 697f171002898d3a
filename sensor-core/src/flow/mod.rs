//! Flows: who talks to whom, since when, how much, and how it ended.

mod clock;
mod community_id;
mod flows;
mod key;
mod record;
mod slots;
mod table;
mod tcp;
mod timer;
mod yielding;

pub use community_id::{LEN as COMMUNITY_ID_LEN, community_id};
pub use key::{FlowKey, ip_of};
pub use record::{CLIENT, Flow, SERVER, Side};
pub use table::{Change, FlowTable, Place};
pub use tcp::SeqCounter;

/// Index of a flow in its table; valid until the flow is released.
pub type FlowIndex = u32;
