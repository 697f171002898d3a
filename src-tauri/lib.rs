//! The app: it keeps links to sensors, holds their rows, and answers the window.

pub mod rows;
pub mod zone;
