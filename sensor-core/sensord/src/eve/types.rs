//! Which types of events are written.

use std::str::FromStr;
use std::sync::Arc;

use sensor_core::applayer::protocols;

/// A choice of event types; all of them unless it is made.
#[derive(Debug, Clone, Default)]
pub struct Types(Option<Arc<[Box<str>]>>);

impl Types {
    /// None at all.
    #[must_use]
    pub fn none() -> Types {
        Types(Some(Arc::default()))
    }

    /// Whether an event type is one of them.
    #[must_use]
    #[inline]
    pub fn has(&self, name: &str) -> bool {
        self.0.as_ref().is_none_or(|names| names.iter().any(|one| **one == *name))
    }

    /// Whether one of them comes of the messages of flows.
    #[must_use]
    pub fn of_messages(&self) -> bool {
        self.0.as_ref().is_none_or(|names| names.iter().any(|name| !OF_NO_MESSAGE.contains(&&**name)))
    }

    /// Whether it is no type.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.as_ref().is_some_and(|names| names.is_empty())
    }
}

impl FromStr for Types {
    type Err = String;

    fn from_str(text: &str) -> Result<Types, String> {
        let known = || OF_NO_MESSAGE.iter().chain(&OF_ANY_MESSAGE).copied().chain(of_protocols());
        let unknown = text.split(',').find(|name| known().all(|known| known != *name));
        if let Some(unknown) = unknown {
            let mut known: Vec<_> = known().collect();
            known.sort_unstable();
            known.dedup();
            return Err(format!("no event type is called \"{unknown}\"; there are {}", known.join(", ")));
        }
        Ok(Types(Some(text.split(',').map(Into::into).collect())))
    }
}

/// The types that are named after a protocol.
fn of_protocols() -> impl Iterator<Item = &'static str> {
    protocols::all().iter().filter_map(|protocol| protocol.eve)
}

/// Types that need no message to be read.
const OF_NO_MESSAGE: [&str; 4] = ["alert", "discovery", "drop", "flow"];

/// Types that messages of any protocol can have.
const OF_ANY_MESSAGE: [&str; 2] = ["anomaly", "fileinfo"];
