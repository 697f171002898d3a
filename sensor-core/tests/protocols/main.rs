//! Parsers of protocols on captures of the corpus; what is asserted is what tshark or Suricata say of them.

#[path = "../captures/mod.rs"]
mod captures;
mod cases;
mod mail;
mod names_and_keys;
mod replay;
mod simple;
mod web2;
mod windows;
