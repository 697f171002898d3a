//! The rules that a sensor runs: read from files, compiled, told of.

pub mod files;
pub mod variables;

use std::sync::Arc;

use sensor_core::applayer::protocols;
use sensor_core::detect;
use sensor_core::rules::{Refusal, Rule, Ruleset};
use sensor_wire::rules::{RuleChecked, RuleCounts, RuleLine, RuleSetup, RuleState, RuleText, RulesAnswer, RulesAsked};
use sensor_wire::view::LOCAL;

/// Rules, as they were read and as they run.
#[derive(Debug)]
pub struct Book {
    /// As they were read.
    pub set: Arc<Ruleset>,
    /// As they run.
    pub rules: Arc<detect::Rules>,
    /// What could be read but not compiled.
    refused: Vec<Refusal>,
    unreadable: Vec<String>,
}

impl Default for Book {
    fn default() -> Self {
        Book::compile(Ruleset::default(), Vec::new())
    }
}

impl Book {
    /// Reads and compiles: takes seconds where rules are many. `files` reads files into the set, and says which could
    /// not be read.
    pub fn load(setup: &RuleSetup, files: impl FnOnce(&mut Ruleset) -> Vec<String>) -> Book {
        let (set, unreadable) = Book::read(setup, files);
        Book::compile(set, unreadable)
    }

    /// Reads rules, and says what could not be read: see [`Book::load`].
    pub fn read(setup: &RuleSetup, files: impl FnOnce(&mut Ruleset) -> Vec<String>) -> (Ruleset, Vec<String>) {
        let (variables, mut unreadable) = variables::of(setup);
        let mut set = Ruleset::new(variables);
        if setup.starter {
            set.read(STARTER, starter_rules());
        }
        unreadable.extend(files(&mut set));
        for (list, on) in [(&setup.off, false), (&setup.on, true)] {
            for (gid, sid) in list {
                // One that is not there any more is no fault: files change.
                set.switch(*gid, *sid, on);
            }
        }
        (set, unreadable)
    }

    /// Compiles what was read.
    pub fn compile(set: Ruleset, unreadable: Vec<String>) -> Book {
        let (rules, refused) = detect::Rules::compile(&set, protocols::all());
        Book { set: Arc::new(set), rules: Arc::new(rules), refused, unreadable }
    }

    /// How many there are of each state.
    pub fn counts(&self) -> RuleCounts {
        let refused = self.refusals().filter(|refusal| refusal.enabled).count();
        RuleCounts {
            running: count(self.rules.rules().len()),
            refused: count(refused),
            disabled: count(self.set.disabled()),
            unreadable: self.unreadable.clone(),
        }
    }

    /// What is not run and why, whether it was to run or not.
    pub fn refusals(&self) -> impl Iterator<Item = &Refusal> {
        self.set.refusals().iter().chain(&self.refused)
    }

    /// The name of a file of rules.
    pub fn file(&self, number: u32) -> &str {
        usize::try_from(number).ok().and_then(|number| self.set.files().get(number)).map_or("", |name| name)
    }

    /// Some rules.
    pub fn list(&self, asked: &RulesAsked) -> RulesAnswer {
        let wanted = asked.search.to_lowercase();
        let mut lines: Vec<RuleLine> = self.lines().filter(|line| is_wanted(line, &wanted, asked.state)).collect();
        lines.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
        let total = count(lines.len());
        let limit = asked.limit.min(MOST_LINES) as usize;
        let rules = lines.into_iter().skip(asked.offset as usize).take(limit).collect();
        RulesAnswer { counts: self.counts(), total, rules, variables: variables::check(self.set.variables()) }
    }

    /// All that a rule says.
    pub fn rule(&self, gid: u32, sid: u32) -> Option<RuleText> {
        let same = |rule: &&Rule| (rule.gid, rule.sid) == (gid, sid);
        let all = self.set.rules();
        all.iter().filter(same).find(|rule| rule.enabled).or_else(|| all.iter().find(same)).map(|rule| self.text(rule))
    }

    /// A rule that runs, of another file than the user's own, with the same number.
    fn other(&self, rule: &Rule) -> Option<&Rule> {
        let same = |other: &&Rule| other.enabled && (other.gid, other.sid) == (rule.gid, rule.sid);
        self.set.rules().iter().filter(same).find(|other| self.file(other.file) != LOCAL)
    }

    fn lines(&self) -> impl Iterator<Item = RuleLine> {
        let failed: std::collections::HashSet<(u32, u32)> =
            self.refused.iter().filter_map(|refusal| Some((refusal.file, refusal.sid?))).collect();
        let read = self.set.rules().iter();
        let read = read.filter(move |rule| !rule.enabled || !failed.contains(&(rule.file, rule.sid)));
        read.map(|rule| self.line(rule)).chain(self.refusals().map(|refusal| self.refusal(refusal)))
    }

    fn line(&self, rule: &Rule) -> RuleLine {
        RuleLine {
            state: if rule.enabled { RuleState::Running } else { RuleState::Disabled },
            gid: rule.gid,
            sid: rule.sid,
            rev: rule.rev,
            severity: u8::try_from(self.set.priority(rule)).unwrap_or(u8::MAX),
            message: rule.msg.to_string(),
            class: rule.classtype.as_deref().unwrap_or_default().to_owned(),
            file: self.file(rule.file).to_owned(),
            line: rule.line,
            column: rule.column,
        }
    }

    fn refusal(&self, refusal: &Refusal) -> RuleLine {
        let colon = if refusal.keyword.is_empty() { "" } else { ": " };
        RuleLine {
            // Of a rule that is commented out nobody needs to hear why it could not run.
            state: if refusal.enabled { RuleState::Refused } else { RuleState::Disabled },
            gid: u32::from(refusal.sid.is_some()),
            sid: refusal.sid.unwrap_or_default(),
            message: format!("{}{colon}{}", refusal.keyword, refusal.reason),
            file: self.file(refusal.file).to_owned(),
            line: refusal.line,
            column: refusal.column,
            ..RuleLine::default()
        }
    }

    fn text(&self, rule: &Rule) -> RuleText {
        let pair = |(key, value): &(Box<str>, Box<str>)| (key.to_string(), value.to_string());
        RuleText {
            line: self.line(rule),
            text: rule.to_string(),
            class: self.set.class(rule).map_or_else(String::new, |class| class.description.to_string()),
            metadata: rule.metadata.iter().map(pair).collect(),
            without_effect: rule.without_effect().collect(),
            references: rule.references.iter().map(|it| (it.system.to_string(), it.id.to_string())).collect(),
        }
    }
}

/// Whether rules written here could run beside those of other files; variables are those of `book`.
pub fn check(book: &Book, text: &str) -> RuleChecked {
    let mut set = Ruleset::new(book.set.variables().clone());
    set.read("", text.as_bytes());
    let checked = Book::compile(set, Vec::new());
    let failed: Vec<Option<u32>> = checked.refused.iter().map(|refusal| refusal.sid).collect();
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for rule in checked.set.rules().iter().filter(|rule| !failed.contains(&Some(rule.sid))) {
        match book.other(rule) {
            Some(other) if rule.enabled => bad.push(RuleLine {
                state: RuleState::Refused,
                message: format!("sid: {} is also at {}:{}", rule.sid, book.file(other.file), other.line),
                ..checked.line(rule)
            }),
            Some(_) | None => good.push(rule),
        }
    }
    bad.extend(checked.refusals().map(|refusal| checked.refusal(refusal)));
    bad.truncate(MOST_LINES as usize);
    RuleChecked { good: good.into_iter().take(MOST_LINES as usize).map(|rule| checked.text(rule)).collect(), bad }
}

fn is_wanted(line: &RuleLine, wanted: &str, state: Option<RuleState>) -> bool {
    let has = |text: &str| text.to_lowercase().contains(wanted);
    state.is_none_or(|state| line.state == state)
        && (wanted.is_empty()
            || has(&line.message)
            || line.sid.to_string() == wanted
            || has(&line.class)
            || has(&line.file))
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// What the file of the rules that the sensor brings along is called.
pub const STARTER: &str = "nightjar-starter.rules";

/// The rules that the sensor brings along.
pub fn starter_rules() -> &'static [u8] {
    include_bytes!("starter.rules")
}

/// Rules of one answer.
const MOST_LINES: u32 = 500;

#[cfg(test)]
mod tests;
