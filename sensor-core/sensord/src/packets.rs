//! Packets that a sensor can look at once more, to say why a rule told of a flow or did not.

use std::path::Path;
use std::sync::Arc;

use sensor_core::engine::Config;
use sensor_wire::explain::{Unexplained, unexplained};
use tokio::sync::Semaphore;

use crate::capture::file::Again;

/// Where they can be had again, if they can.
#[derive(Debug)]
pub struct Packets {
    again: Result<Again, Unexplained>,
    config: Config,
    /// An explanation takes a core for as long as the capture is read, and readers share their place in the file.
    one: Arc<Semaphore>,
}

impl Default for Packets {
    /// None are kept.
    fn default() -> Self {
        let words = "This sensor keeps no packets: what a rule found in them can be said only of a capture file.";
        Packets::none(unexplained::NO_PACKETS, words)
    }
}

impl Packets {
    /// Those of a capture file, as an engine of this configuration sees them. Before the sandbox closes the files.
    pub fn of(capture: &Path, config: &Config) -> Packets {
        let again = match Again::open(capture) {
            Ok(Some(again)) => again,
            Ok(None) => {
                let words = "The packets came through a pipe and are gone: a rule can be explained only over a file.";
                return Packets::none(unexplained::READ_ONCE, words);
            }
            Err(error) => {
                let words = format!("The capture could not be opened a second time: {error}.");
                return Packets::none(unexplained::UNREADABLE, &words);
            }
        };
        // The rules are asked for when they are needed: they change.
        let config = Config { rules: None, ruleset: Arc::default(), ..config.clone() };
        Packets { again: Ok(again), config, ..Packets::default() }
    }

    fn none(code: &str, message: &str) -> Packets {
        let refused = Unexplained { code: code.into(), message: message.into() };
        Packets { again: Err(refused), config: Config::default(), one: Arc::new(Semaphore::new(1)) }
    }

    /// The capture.
    ///
    /// # Errors
    /// Why it can't be had.
    pub fn again(&self) -> Result<&Again, Unexplained> {
        self.again.as_ref().map_err(Clone::clone)
    }

    /// How the engine is set up that saw them first, but for its rules.
    pub fn config(&self) -> Config {
        self.config.clone()
    }

    /// Held by the one who reads.
    pub fn one(&self) -> Arc<Semaphore> {
        Arc::clone(&self.one)
    }
}
