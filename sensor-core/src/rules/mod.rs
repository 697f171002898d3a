//! The rule language: files of Suricata's rules into typed values.
//!
//! [`Ruleset`] takes files and keeps rules and refusals; a bad rule is refused with its place, keyword and reason, and
//! never keeps another from loading. Old content modifiers, sticky buffers and pcre's flags of buffers end in one form:
//! each test of a buffer names an entry of [`Rule::buffers`](ast::Rule::buffers). Semantics are those of Suricata 8, see
//! <https://docs.suricata.io>.

pub mod ast;
mod buffer;
mod builder;
mod classes;
pub mod config;
mod fault;
mod field;
mod header;
mod lexer;
mod number;
mod options;
mod print;
pub mod reputation;
mod ruleset;
mod variables;

pub use ast::Rule;
pub use buffer::{Buffer, Side};
pub use classes::Classes;
pub use fault::Refusal;
pub use field::Field;
pub use header::{Action, Address, Direction, Entry, Header, Item, List, MAX_LIST, MAX_NESTING, PortRange, Protocol};
pub use lexer::{MAX_OPTIONS, MAX_RULE_BYTES};
pub use number::Comparison;
pub use ruleset::{MAX_RULES, Ruleset};
pub use variables::{Kind, Variables};

/// Names of the keywords that rules may use, in no order; those that are known and refused are not among them.
pub fn keywords() -> impl Iterator<Item = &'static str> {
    options::names().iter().map(String::as_str)
}
