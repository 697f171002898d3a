//! A message and its options.

use std::net::Ipv4Addr;

use super::{event, option};
use crate::applayer::parser::EventSet;
use crate::applayer::{Side, datagrams};
use crate::discover::extract::reader::Reader;

/// A DHCP or BOOTP message.
#[derive(Debug)]
pub struct Message {
    pub(super) side: Side,
    pub(super) op: u8,
    pub(super) id: u32,
    pub(super) hardware: Vec<u8>,
    pub(super) client: Ipv4Addr,
    pub(super) assigned: Ipv4Addr,
    pub(super) next_server: Ipv4Addr,
    pub(super) relay: Ipv4Addr,
    /// Options that rules or EVE ask for, in order.
    pub(super) options: Vec<(u8, Value)>,
    pub(super) events: EventSet,
}

/// What an option holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Value {
    Bytes(Vec<u8>),
    Seconds(u32),
}

/// Options of a message that are kept: each code once makes fewer.
const MOST_OPTIONS: usize = 64;

impl datagrams::Message for Message {
    type Flow = ();

    fn read(bytes: &[u8], side: Side, (): &mut ()) -> Result<Message, u8> {
        let mut message = Message::head(bytes, side).ok_or(event::MALFORMED_OPTIONS)?;
        let options = bytes.get(OPTIONS..).unwrap_or_default();
        message.options(options);
        // RFC 2132 section 9.3: the file's and then the server's name hold options, too.
        let overload = message.options.iter().find(|(code, _)| *code == option::OVERLOAD);
        let overload = match overload {
            Some((_, Value::Bytes(bytes))) => bytes.first().copied().unwrap_or(0),
            _ => 0,
        };
        for (bit, place) in [(1, FILE), (2, SERVER_NAME)] {
            if overload & bit != 0 {
                message.options(bytes.get(place).unwrap_or_default());
            }
        }
        Ok(message)
    }

    fn odd(&mut self, event: u8) {
        self.events.add(event);
    }

    fn bytes(&self) -> usize {
        let options = self.options.iter().map(|(_, value)| match value {
            Value::Bytes(bytes) => 32 + bytes.len(),
            Value::Seconds(_) => 32,
        });
        self.hardware.len() + options.sum::<usize>()
    }
}

/// Where names and options stand (RFC 2131 section 2), the options behind their cookie.
const SERVER_NAME: std::ops::Range<usize> = 44..108;
const FILE: std::ops::Range<usize> = 108..236;
const OPTIONS: usize = 240;

impl Message {
    fn head(bytes: &[u8], side: Side) -> Option<Message> {
        let mut reader = Reader::new(bytes);
        let (op, _kind, length) = (reader.u8()?, reader.u8()?, reader.u8()?);
        reader.skip(1)?;
        let id = reader.u32()?;
        reader.skip(4)?;
        let mut address = || reader.u32().map(Ipv4Addr::from);
        let (client, assigned, next_server, relay) = (address()?, address()?, address()?, address()?);
        let hardware = reader.take(16)?;
        let hardware = hardware.get(..usize::from(length)).unwrap_or(hardware).to_vec();
        reader.skip(FILE.end - SERVER_NAME.start)?;
        let options = Vec::new();
        Some(Message { side, op, id, hardware, client, assigned, next_server, relay, options, events: EventSet::NONE })
    }

    fn options(&mut self, bytes: &[u8]) {
        let mut reader = Reader::new(bytes);
        loop {
            let Some(code) = reader.u8() else {
                // BOOTP's vendor area may be missing as a whole.
                if !bytes.is_empty() {
                    self.events.add(event::TRUNCATED_OPTIONS);
                }
                return;
            };
            match code {
                0 => continue,
                255 => return,
                _ => {}
            }
            let Some(value) = reader.vec8() else {
                self.events.add(event::TRUNCATED_OPTIONS);
                return;
            };
            self.option(code, value);
        }
    }

    fn option(&mut self, code: u8, value: &[u8]) {
        let value = match code {
            option::LEASE_TIME | option::RENEWAL_TIME | option::REBINDING_TIME => {
                match value.first_chunk().map(|seconds| u32::from_be_bytes(*seconds)) {
                    Some(seconds) => Value::Seconds(seconds),
                    None => return self.events.add(event::MALFORMED_OPTIONS),
                }
            }
            // A kind and an id (RFC 2132 section 9.14).
            option::CLIENT_ID if value.len() < 2 => return self.events.add(event::MALFORMED_OPTIONS),
            option::SUBNET_MASK
            | option::ROUTERS
            | option::DNS_SERVERS
            | option::HOST_NAME
            | option::REQUESTED
            | option::OVERLOAD
            | option::TYPE
            | option::PARAMETERS
            | option::VENDOR_CLASS
            | option::CLIENT_ID => Value::Bytes(value.to_vec()),
            _ => return,
        };
        if self.options.len() < MOST_OPTIONS {
            self.options.push((code, value));
        }
    }
}
