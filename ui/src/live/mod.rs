//! Live capture in the window: the picker of interfaces, and what to do where one can't be captured from.

pub mod advice;
pub mod picker;
