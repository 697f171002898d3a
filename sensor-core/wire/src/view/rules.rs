//! Rules as the page is told of them, and what it sets.

use serde::{Deserialize, Serialize};

use super::ViewError;
use crate::Timestamp;
use crate::rules::RulesAnswer;

/// Which rules run; kept by the app and told to every sensor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RulePrefs {
    /// Those that the sensor brings along run.
    pub starter: bool,
    /// Files, folders and archives of rules, by their full paths or addresses.
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
    /// Full path of a file, a folder or an archive; or the address of a file or an archive, which is fetched when the
    /// user says so and kept.
    pub path: String,
    /// It is used.
    pub on: bool,
}

impl RuleSource {
    /// It is an address, not a path.
    pub fn is_remote(&self) -> bool {
        is_address(&self.path)
    }
}

/// This is the address of rules, not a path.
pub fn is_address(text: &str) -> bool {
    ["https://", "http://"]
        .iter()
        .any(|scheme| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
}

/// An address without what may be secret in it: who one is there, and what follows its `?`.
pub fn shown_address(address: &str) -> String {
    let plain = address.split(['?', '#']).next().unwrap_or(address);
    let Some((scheme, rest)) = plain.split_once("://") else { return plain.to_owned() };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    format!("{scheme}://{}{path}", host.rsplit('@').next().unwrap_or(host))
}

/// How it stands with a source that is fetched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RuleFetch {
    /// The source's address.
    pub address: String,
    /// It is being fetched: bytes that came, and how many there will be if the server said.
    pub under_way: Option<(u64, Option<u64>)>,
    /// What is kept of it; `None` until it was fetched once.
    pub kept: Option<RuleKept>,
    /// Why the last fetch failed. What was kept before is still used.
    pub failed: Option<ViewError>,
}

/// Rules that were fetched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RuleKept {
    /// When they were fetched.
    pub fetched: Timestamp,
    /// When the server last said that there are none newer.
    pub looked: Timestamp,
    /// Their bytes, packed as they came.
    pub bytes: u64,
    /// MD5 of these bytes, in hexadecimal digits.
    pub md5: String,
    /// The server offers this sum too, and it was the same.
    pub verified: bool,
    /// The server's name for this state of the file; empty where it gave none.
    pub etag: String,
}

/// What the pane of rules shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleWindow {
    /// What is set.
    pub prefs: RulePrefs,
    /// Some rules, and how many there are of each state.
    pub answer: RulesAnswer,
    /// How it stands with sources that are fetched, in their order.
    pub fetches: Vec<RuleFetch>,
    /// Seconds to add to UTC for the zone of the preferences, now.
    pub utc_offset: i32,
}

/// What the user's own rules are called where rules are listed.
pub const LOCAL: &str = "local.rules";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_paths_and_shown_without_secrets() {
        assert!(is_address("https://rules.example/a.tar.gz") && is_address("HTTP://rules.example"));
        assert!(!is_address("/https://a") && !is_address("C:\\rules") && !is_address("ht"));
        assert_eq!(shown_address("https://me:word@rules.example/a.tar.gz?code=1#x"), "https://rules.example/a.tar.gz");
        assert_eq!(shown_address("https://rules.example?code=1"), "https://rules.example");
    }
}
