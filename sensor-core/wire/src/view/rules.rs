//! Rules as the page is told of them, and what it sets.

use serde::{Deserialize, Serialize};

use crate::rules::RulesAnswer;

/// Which rules run; kept by the app and told to every sensor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RulePrefs {
    /// Those that the sensor brings along run.
    pub starter: bool,
    /// Files, folders and archives of rules, by their full paths.
    pub sources: Vec<RuleSource>,
    /// Own networks; empty for Suricata's default, the private ones.
    pub home_net: String,
    /// Other addresses that headers name: name and value.
    pub addresses: Vec<(String, String)>,
    /// Ports that headers name.
    pub ports: Vec<(String, String)>,
    /// Rules that are switched off: gid and sid.
    pub off: Vec<(u32, u32)>,
    /// Rules that are switched on though their file has them commented out.
    pub on: Vec<(u32, u32)>,
    /// Rules of the user's own, as in a file.
    pub local: String,
}

impl Default for RulePrefs {
    fn default() -> Self {
        RulePrefs {
            starter: true,
            sources: Vec::new(),
            home_net: String::new(),
            addresses: Vec::new(),
            ports: Vec::new(),
            off: Vec::new(),
            on: Vec::new(),
            local: String::new(),
        }
    }
}

/// A source of rules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RuleSource {
    /// Full path of a file, a folder or an archive.
    pub path: String,
    /// It is used.
    pub on: bool,
}

/// What the pane of rules shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleWindow {
    /// What is set.
    pub prefs: RulePrefs,
    /// Some rules, and how many there are of each state.
    pub answer: RulesAnswer,
}

/// What the user's own rules are called where rules are listed.
pub const LOCAL: &str = "local.rules";
