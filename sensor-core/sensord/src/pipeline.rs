//! One thread owns the engine: it takes batches from a source and, between batches, answers the queries of viewers.

use crossbeam_channel::Sender;
use sensor_wire::RowId;
use sensor_wire::live::Live;
use sensor_wire::request::{FlowsAnswer, ValueColumn, ValuesAnswer};
use tokio::sync::oneshot;

/// A question to the thread that owns the engine. Dropping the receiver of `reply` cancels.
#[derive(Debug)]
pub enum Query {
    /// What changed after `after`: at most `budget` rows, and [`Live::seq`] to go on from. Answered at once, with no
    /// rows when nothing changed.
    Live {
        /// The `seq` of the last answer; 0 for everything.
        after: u64,
        /// Rows wanted at most.
        budget: usize,
        /// Where the answer goes.
        reply: oneshot::Sender<Live>,
    },
    /// Flows of a row.
    Flows {
        /// Which row.
        row: RowId,
        /// Flows to pass over.
        offset: u32,
        /// Flows wanted at most.
        limit: u32,
        /// Where the answer goes.
        reply: oneshot::Sender<FlowsAnswer>,
    },
    /// All unique values of a column of a row (the server cuts the answer in parts).
    Values {
        /// Which row.
        row: RowId,
        /// Which column.
        column: ValueColumn,
        /// Where the answer goes.
        reply: oneshot::Sender<ValuesAnswer>,
    },
    /// Stop reading the source.
    Stop {
        /// Where the answer goes.
        reply: oneshot::Sender<()>,
    },
}

/// How the link server reaches the pipeline. The channel is bounded; the pipeline answers within a batch's time.
#[derive(Clone, Debug)]
pub struct Handle {
    /// Queries; bounded.
    pub queries: Sender<Query>,
}
