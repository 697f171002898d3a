//! The live grid. Yew draws its frame and its header; the rows are [`viewport::Viewport`]'s own.

pub mod columns;
pub mod header;
pub mod keys;
pub mod perf;
pub mod row;
pub mod scroll;
pub mod selection;
pub mod slot;
pub mod viewport;
