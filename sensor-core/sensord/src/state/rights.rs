//! What a viewer may do.

use std::fmt;
use std::ops::BitOr;
use std::str::FromStr;

/// A set of rights; written as their names with commas between them.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rights(u8);

/// A word that names no right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no right: they are watch, packets and act")]
pub struct RightsError(String);

impl Rights {
    /// See rows, flows, hosts and rules.
    pub const WATCH: Rights = Rights(1);
    /// Get what packets hold.
    pub const PACKETS: Rights = Rights(2);
    /// Change what the sensor does: stop it, give it other rules.
    pub const ACT: Rights = Rights(4);
    /// All of them: those of the app that started the sensor.
    pub const ALL: Rights = Rights(7);

    /// All rights of `other` are among these.
    pub fn contain(self, other: Rights) -> bool {
        self.0 & other.0 == other.0
    }

    /// The names of those in the set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        NAMES.into_iter().filter(move |(_, right)| self.contain(*right)).map(|(name, _)| name)
    }
}

impl BitOr for Rights {
    type Output = Rights;

    fn bitor(self, other: Rights) -> Rights {
        Rights(self.0 | other.0)
    }
}

impl fmt::Display for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names().collect::<Vec<_>>().join(","))
    }
}

impl fmt::Debug for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rights({self})")
    }
}

impl FromStr for Rights {
    type Err = RightsError;

    /// At least one: a viewer without any has no place on a list.
    fn from_str(text: &str) -> Result<Self, RightsError> {
        text.split(',').try_fold(Rights(0), |rights, word| {
            let named = NAMES.into_iter().find(|(name, _)| *name == word);
            named.map(|(_, right)| rights | right).ok_or_else(|| RightsError(word.chars().take(20).collect()))
        })
    }
}

const NAMES: [(&str, Rights); 3] = [("watch", Rights::WATCH), ("packets", Rights::PACKETS), ("act", Rights::ACT)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_written_and_read() {
        for (text, rights) in
            [("watch", Rights::WATCH), ("watch,act", Rights::WATCH | Rights::ACT), ("watch,packets,act", Rights::ALL)]
        {
            assert_eq!(text.parse::<Rights>().unwrap(), rights);
            assert_eq!(rights.to_string(), text);
        }
        assert_eq!("act,watch,act".parse::<Rights>().unwrap().to_string(), "watch,act");
        for text in ["", "watch,", "Watch", "all"] {
            assert!(text.parse::<Rights>().is_err(), "{text}");
        }
        assert!(Rights::ALL.contain(Rights::ACT) && !Rights::WATCH.contain(Rights::ACT));
    }
}
