//! Rules of any number of files.

use std::collections::HashMap;

use super::ast::{Body, Inspect, Rule};
use super::builder::{Builder, Keywords};
use super::classes::Classes;
use super::config::{self, Classification, ThresholdLine};
use super::fault::{Fault, Refusal};
use super::header::Header;
use super::lexer::{BadLine, Line, Lines, MAX_OPTIONS, Options, split_rule};
use super::reputation::Reputations;
use super::variables::Variables;

/// Most rules, and most refusals, of a set; what comes after is left out and counted.
pub const MAX_RULES: usize = 1 << 20;

/// Rules, what was refused, and the files they come from.
#[derive(Debug, Default)]
pub struct Ruleset {
    files: Vec<Box<str>>,
    rules: Vec<Rule>,
    refusals: Vec<Refusal>,
    disabled: usize,
    left_out: usize,
    /// Where enabled rules are, by gid and sid.
    by_id: HashMap<(u32, u32), usize, foldhash::fast::RandomState>,
    keywords: Keywords,
    variables: Variables,
    classes: Classes,
    thresholds: Vec<ThresholdLine>,
    reputations: Option<Reputations>,
    provided: HashMap<Box<str>, Box<[u8]>, foldhash::fast::RandomState>,
}

impl Ruleset {
    /// An empty set whose rules' headers may name these variables.
    #[must_use]
    pub fn new(variables: Variables) -> Self {
        Self { variables, ..Self::default() }
    }

    /// Reads a file of rules. `name` is what refusals call it.
    pub fn read(&mut self, name: &str, bytes: &[u8]) {
        let file = u32::try_from(self.files.len()).unwrap_or(u32::MAX);
        self.files.push(name.into());
        for line in Lines::new(bytes) {
            match line {
                Ok(line) => self.line(file, &line),
                Err(BadLine { line, column, reason }) => {
                    let (keyword, reason) = (Box::default(), reason.into());
                    self.refuse(Refusal { file, line, column, sid: None, keyword, reason, enabled: true });
                }
            }
        }
    }

    /// Reads a `classification.config`.
    pub fn read_classes(&mut self, name: &str, bytes: &[u8]) {
        let (classes, refusals) = config::classifications(bytes);
        self.classes.extend(classes);
        self.beside(name, refusals);
    }

    /// Reads a `threshold.config`.
    pub fn read_thresholds(&mut self, name: &str, bytes: &[u8]) {
        let (lines, refusals) = config::thresholds(bytes, &self.variables);
        self.thresholds.extend(lines);
        self.beside(name, refusals);
    }

    fn beside(&mut self, name: &str, refusals: Vec<Refusal>) {
        let file = u32::try_from(self.files.len()).unwrap_or(u32::MAX);
        self.files.push(name.into());
        refusals.into_iter().for_each(|refusal| self.refuse(Refusal { file, ..refusal }));
    }

    /// Takes what is known of addresses, for `iprep`.
    pub fn set_reputations(&mut self, reputations: Reputations) {
        self.reputations = Some(reputations);
    }

    /// What is known of addresses.
    #[must_use]
    pub fn reputations(&self) -> Option<&Reputations> {
        self.reputations.as_ref()
    }

    /// The class of a rule, if it names one that is known.
    #[must_use]
    pub fn class(&self, rule: &Rule) -> Option<&Classification> {
        self.classes.get(rule.classtype.as_deref()?)
    }

    /// A rule's priority: its own, that of its class, or Suricata's where it has neither. 1 is the most urgent.
    #[must_use]
    pub fn priority(&self, rule: &Rule) -> u32 {
        rule.priority.or_else(|| self.class(rule).map(|class| class.priority)).unwrap_or(DEFAULT_PRIORITY)
    }

    /// What files said of how often rules are told.
    #[must_use]
    pub fn thresholds(&self) -> &[ThresholdLine] {
        &self.thresholds
    }

    /// Switches a rule on or off, whatever its file says. False where there is no such rule that could be run: none was
    /// read, or it was refused.
    pub fn switch(&mut self, gid: u32, sid: u32, on: bool) -> bool {
        let known = self.by_id.get(&(gid, sid)).copied();
        if known.is_some() == on {
            return on;
        }
        let place = known.or_else(|| self.rules.iter().rposition(|rule| (rule.gid, rule.sid) == (gid, sid)));
        let Some((place, rule)) = place.and_then(|place| Some((place, self.rules.get_mut(place)?))) else {
            return false;
        };
        rule.enabled = on;
        if on {
            self.by_id.insert((gid, sid), place);
            self.disabled = self.disabled.saturating_sub(1);
        } else {
            self.by_id.remove(&(gid, sid));
            self.disabled += 1;
        }
        true
    }

    /// Files that enabled rules name (data sets, lists of hashes), and the file of the rule that does; each name once.
    /// They are to be given to [`Ruleset::provide`] before the rules are compiled.
    #[must_use]
    pub fn wanted(&self) -> Vec<(&str, &str)> {
        let mut wanted: Vec<(&str, &str)> = Vec::new();
        for rule in self.rules.iter().filter(|rule| rule.enabled) {
            let file = self.files.get(rule.file as usize).map_or("", |file| file);
            for option in &rule.options {
                let name = if let Body::FileHash(_, _, name) = &option.body {
                    Some(&**name)
                } else if let Body::Inspect(_, Inspect::Dataset(set) | Inspect::Datarep(set, _)) = &option.body {
                    let mut settings = set.settings.iter();
                    settings.find(|(key, _)| matches!(&**key, "load" | "state")).map(|(_, name)| &**name)
                } else {
                    None
                };
                if let Some(name) = name
                    && !wanted.iter().any(|(known, _)| *known == name)
                {
                    wanted.push((name, file));
                }
            }
        }
        wanted
    }

    /// Gives the bytes of a file that rules name.
    pub fn provide(&mut self, name: &str, bytes: Vec<u8>) {
        self.provided.insert(name.into(), bytes.into());
    }

    /// The bytes of a file that rules name; `None` if nobody gave them.
    #[must_use]
    pub fn provided(&self, name: &str) -> Option<&[u8]> {
        self.provided.get(name).map(|bytes| &**bytes)
    }

    /// Names of the files, in the order they were read.
    #[must_use]
    pub fn files(&self) -> &[Box<str>] {
        &self.files
    }

    /// Rules in the order of their files and lines, those that are commented out among them.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// What is not run and why, of enabled and disabled rules.
    #[must_use]
    pub fn refusals(&self) -> &[Refusal] {
        &self.refusals
    }

    /// How many rules are to run.
    #[must_use]
    pub fn loaded(&self) -> usize {
        self.by_id.len()
    }

    /// How many enabled rules were refused.
    #[must_use]
    pub fn refused(&self) -> usize {
        self.refusals.iter().filter(|refusal| refusal.enabled).count()
    }

    /// How many rules are commented out, whether they could be run or not.
    #[must_use]
    pub fn disabled(&self) -> usize {
        self.disabled
    }

    /// How many rules and refusals found no room.
    #[must_use]
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// The variables headers may name.
    #[must_use]
    pub fn variables(&self) -> &Variables {
        &self.variables
    }

    fn line(&mut self, file: u32, line: &Line<'_>) {
        let text = line.text.trim_start();
        let (enabled, text) = match text.strip_prefix('#') {
            None => (true, text),
            Some(comment) => match commented_rule(comment) {
                Some(rule) => (false, rule),
                None => return,
            },
        };
        self.disabled += usize::from(!enabled);
        let (line_no, column) = line.position(Fault::at(text, "").offset_in(&line.text).unwrap_or(0));
        match self.rule(line, text) {
            Ok(rule) => self.add(Rule { file, line: line_no, column, enabled, ..rule }),
            Err(Failed { fault, keyword }) => {
                let place = fault.offset_in(&line.text);
                let place = place.or_else(|| Fault::at(keyword, "").offset_in(&line.text)).unwrap_or(0);
                let (line_no, column) = line.position(place);
                let (keyword, reason) = (keyword.into(), fault.reason.into());
                self.refuse(Refusal { file, line: line_no, column, sid: find_sid(text), keyword, reason, enabled });
            }
        }
    }

    fn rule<'a>(&self, line: &'a Line<'_>, text: &'a str) -> Result<Rule, Failed<'a>> {
        let start = text.get(..0).unwrap_or_default();
        let of_header = |fault| Failed { fault, keyword: start };
        let (header, body) = split_rule(text).map_err(of_header)?;
        let header = Header::parse(header, &self.variables).map_err(of_header)?;
        let mut builder = Builder::new(header);
        for (number, option) in Options::new(body).enumerate() {
            if number == MAX_OPTIONS {
                return Err(Failed { fault: Fault::here("more than 1024 options"), keyword: start });
            }
            let option = option.map_err(|fault| Failed { fault, keyword: start })?;
            let place = Fault::at(option.keyword, "").offset_in(&line.text).unwrap_or(0);
            builder.begin(line.position(place));
            let taken = self.keywords.apply(&mut builder, option);
            taken.map_err(|fault| Failed { fault, keyword: option.keyword })?;
        }
        builder.finish().map_err(|(keyword, fault)| {
            let option = Options::new(body).filter_map(Result::ok).filter(|option| option.keyword == keyword).last();
            Failed { fault, keyword: option.map_or(start, |option| option.keyword) }
        })
    }

    fn add(&mut self, rule: Rule) {
        if self.rules.len() >= MAX_RULES {
            self.left_out += 1;
            return;
        }
        if rule.enabled
            && let Some(known) = self.by_id.get(&(rule.gid, rule.sid)).copied()
            && let Some(other) = self.rules.get_mut(known)
        {
            let place = |rule: &Rule| {
                let file = self.files.get(usize::try_from(rule.file).unwrap_or(usize::MAX));
                format!("{}:{}", file.map_or("", |file| file), rule.line)
            };
            // The later of two equal ones is the one that gives way.
            let newer = rule.rev > other.rev;
            let (loser, winner) = if newer { (&*other, &rule) } else { (&rule, &*other) };
            let reason = format!("sid {} is also at {}, with revision {}", rule.sid, place(winner), winner.rev);
            let refusal = Refusal {
                file: loser.file,
                line: loser.line,
                column: loser.column,
                sid: Some(rule.sid),
                keyword: "sid".into(),
                reason: reason.into(),
                enabled: true,
            };
            if newer {
                *other = rule;
            }
            self.refuse(refusal);
            return;
        }
        if rule.enabled {
            self.by_id.insert((rule.gid, rule.sid), self.rules.len());
        }
        self.rules.push(rule);
    }

    fn refuse(&mut self, refusal: Refusal) {
        if self.refusals.len() >= MAX_RULES {
            self.left_out += 1;
            return;
        }
        self.refusals.push(refusal);
    }
}

/// Suricata's, where neither the rule nor its class has one.
const DEFAULT_PRIORITY: u32 = 3;

/// What is wrong, and the option (a slice of the rule's text) it is wrong in.
struct Failed<'a> {
    fault: Fault,
    keyword: &'a str,
}

/// A rule behind the `#` of a comment: one that begins as rules do, and has options.
fn commented_rule(comment: &str) -> Option<&str> {
    let rule = comment.trim_start_matches(|char: char| char == '#' || char.is_whitespace());
    let action = rule.split_whitespace().next()?;
    let actions = ["alert", "drop", "pass", "reject", "rejectsrc", "rejectdst", "rejectboth", "config", "log"];
    (actions.contains(&action) && rule.contains('(') && rule.trim_end().ends_with(')')).then_some(rule)
}

/// The sid of a rule that could not be read, for the one who has to find it.
fn find_sid(text: &str) -> Option<u32> {
    let mut parts = text.split("sid:");
    let before = parts.next()?;
    // `gsid:`, say, is another word.
    if !before.ends_with([';', ' ', '(', '\t']) {
        return None;
    }
    let digits = parts.next()?.trim_start();
    let end = digits.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
    digits.get(..end)?.parse().ok()
}
