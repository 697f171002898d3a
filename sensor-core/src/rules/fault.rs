//! What is wrong with a rule, and where.

/// Why a rule is not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Index into [`Ruleset::files`](super::Ruleset::files).
    pub file: u32,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// The rule's sid, where one could be read.
    pub sid: Option<u32>,
    /// The option at fault, as written; empty for the header and the rule as a whole.
    pub keyword: Box<str>,
    /// What is wrong, for people.
    pub reason: Box<str>,
    /// Whether the rule was switched on; of a disabled one nobody needs to be told.
    pub enabled: bool,
}

/// A fault inside the text of a rule.
///
/// The place is the address of the text at fault: every part a parser sees is a slice of the rule's one line, so the
/// offset is the difference of two addresses and no parser has to carry it along.
#[derive(Debug)]
pub(crate) struct Fault {
    place: Option<usize>,
    pub(crate) reason: String,
}

impl Fault {
    pub(super) fn at(part: &str, reason: impl Into<String>) -> Self {
        Self { place: Some(part.as_ptr() as usize), reason: reason.into() }
    }

    /// Of an option as a whole.
    pub(super) fn here(reason: impl Into<String>) -> Self {
        Self { place: None, reason: reason.into() }
    }

    /// Byte offset of the fault in `line`, if it lies in there.
    pub(super) fn offset_in(&self, line: &str) -> Option<usize> {
        let offset = self.place?.checked_sub(line.as_ptr() as usize)?;
        (offset <= line.len()).then_some(offset)
    }
}

pub(crate) type Parsed<T> = Result<T, Fault>;
