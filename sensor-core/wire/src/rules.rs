//! Rules of a sensor: which it is to run, what came of them, what one says.

use serde::{Deserialize, Serialize};

/// Which rules a sensor is to run, and how they are read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RuleSetup {
    /// Those that the sensor brings along are among them.
    pub starter: bool,
    /// Addresses that headers name: name and value, as in `suricata.yaml`. What is not named has Suricata's own.
    pub addresses: Vec<(String, String)>,
    /// Ports that headers name.
    pub ports: Vec<(String, String)>,
    /// Rules that are not to run whatever their file says: gid and sid.
    pub off: Vec<(u32, u32)>,
    /// Rules that are to run although their file has them commented out.
    pub on: Vec<(u32, u32)>,
    /// Whoever sends the rules gives files that they name too, if asked: after the last part the sensor tells
    /// [`RuleNeeds`], and more parts follow, the last with `last`.
    pub gives: bool,
}

impl Default for RuleSetup {
    fn default() -> Self {
        RuleSetup {
            starter: true,
            addresses: Vec::new(),
            ports: Vec::new(),
            off: Vec::new(),
            on: Vec::new(),
            gives: false,
        }
    }
}

/// A part of a file of rules. Files follow each other; a part of the same name goes on where the one before ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RulePart {
    /// What the file is called; one that ends in `.gz`, `.tar.gz` or `.tgz` is unpacked.
    pub name: String,
    /// What is in it.
    #[serde(with = "serde_bytes")]
    pub bytes: Vec<u8>,
    /// Nothing more follows.
    pub last: bool,
}

/// Files that rules name: data sets, lists of hashes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RuleNeeds {
    /// Each name once.
    pub files: Vec<RuleNeed>,
}

/// A file that a rule names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RuleNeed {
    /// As the rule has it; the parts that bring the file are called so.
    pub name: String,
    /// The file of the rule, as its parts were called.
    pub beside: String,
}

/// What a sensor that takes rules says of itself in [`Hello`](crate::hello::Hello).
pub const FEATURE: &str = "rules";

/// Most bytes of a part.
pub const PART: usize = 1 << 20;

/// What came of rules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RuleCounts {
    /// Rules that run.
    pub running: u32,
    /// Rules that were to run and can't.
    pub refused: u32,
    /// Rules that are switched off.
    pub disabled: u32,
    /// Files that could not be read, and why.
    pub unreadable: Vec<String>,
}

/// Where a rule stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RuleState {
    /// It runs.
    #[default]
    Running,
    /// It was to run and can't.
    Refused,
    /// It is switched off.
    Disabled,
}

/// Which rules are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RulesAsked {
    /// In their message, sid, class, file or reason, whatever the case; empty for all.
    pub search: String,
    /// In this state only.
    pub state: Option<RuleState>,
    /// Rules to pass over.
    pub offset: u32,
    /// Rules wanted; at most 500 are told.
    pub limit: u32,
}

/// A variable that rules' headers name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RuleVariable {
    /// It stands for ports, not for addresses.
    pub port: bool,
    /// Its name, without the `$`.
    pub name: String,
    /// What it stands for.
    pub value: String,
    /// What it stands for where nobody sets it; empty for one that only the user knows.
    pub default: String,
    /// What is wrong with its value; else empty.
    pub fault: String,
}

/// Some rules of a sensor, in the order of their files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RulesAnswer {
    /// Of all rules.
    pub counts: RuleCounts,
    /// How many are as they were asked for.
    pub total: u32,
    /// Some of them.
    pub rules: Vec<RuleLine>,
    /// What headers may name, and what it stands for.
    pub variables: Vec<RuleVariable>,
}

/// A rule in a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RuleLine {
    /// Where it stands.
    pub state: RuleState,
    /// Group; 0 where none could be read.
    pub gid: u32,
    /// Number; 0 where none could be read.
    pub sid: u32,
    /// Revision.
    pub rev: u32,
    /// 1 is the highest.
    pub severity: u8,
    /// Message; of a refused rule why it is refused, with the option at fault.
    pub message: String,
    /// Class, as rules name it.
    pub class: String,
    /// Its file.
    pub file: String,
    /// Line in it, from 1.
    pub line: u32,
    /// Column of what is at fault, or of the rule, from 1.
    pub column: u32,
}

/// All that a rule says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RuleText {
    /// As in a list.
    pub line: RuleLine,
    /// In the one spelling in which the sensor writes rules.
    pub text: String,
    /// What its class means.
    pub class: String,
    /// Keys and values, in order.
    pub metadata: Vec<(String, String)>,
    /// What is written about it elsewhere: the system, and the id or address in it.
    pub references: Vec<(String, String)>,
    /// Keywords of it that this sensor knows, and that change nothing there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub without_effect: Vec<String>,
}

/// Whether a rule could run: the answer to a rule that is looked at before it is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RuleChecked {
    /// The rules that could.
    pub good: Vec<RuleText>,
    /// What is wrong with others.
    pub bad: Vec<RuleLine>,
}
