//! NTP (RFC 5905; control messages: RFC 9327). Each message is a transaction.

#[cfg(test)]
mod tests;

use super::datagrams::{self, Datagrams};
use super::parser::{self, EventSet, Protocol};
use super::{AppProto, Side};
use crate::discover::extract::reader::Reader;
use crate::json::Object;
use crate::rules::{Buffer, Field};

/// NTP.
pub static PROTOCOL: Protocol = Protocol {
    app: AppProto::Ntp,
    parser: |_| Box::new(Datagrams::<Message>::default()),
    events: &["unsolicited_response", "malformed_data", "not_request", "not_response"],
    ready: datagrams::ready,
    complete: [1, 1],
    eve: Some("ntp"),
};

/// Place of `malformed_data` in [`Protocol::events`].
const MALFORMED_DATA: u8 = 1;

/// A message.
#[derive(Debug)]
pub struct Message {
    side: Side,
    version: u8,
    mode: u8,
    /// Of the modes that tell the time.
    clock: Option<Clock>,
    events: EventSet,
}

/// The head of a message that tells the time.
#[derive(Debug)]
struct Clock {
    stratum: u8,
    reference: [u8; 4],
}

/// RFC 5905 section 3.
const MODES: [&str; 8] =
    ["reserved", "symmetric_active", "symmetric_passive", "client", "server", "broadcast", "control", "private"];

impl datagrams::Message for Message {
    type Flow = ();

    fn read(bytes: &[u8], side: Side, (): &mut ()) -> Result<Message, u8> {
        Message::parse(bytes, side).ok_or(MALFORMED_DATA)
    }

    fn odd(&mut self, event: u8) {
        self.events.add(event);
    }

    fn bytes(&self) -> usize {
        0
    }
}

impl Message {
    fn parse(bytes: &[u8], side: Side) -> Option<Message> {
        let mut reader = Reader::new(bytes);
        let first = reader.u8()?;
        let (version, mode) = (first >> 3 & 7, first & 7);
        let clock = if mode >= 6 {
            // A head of twelve bytes in control messages, of eight in private ones.
            reader.skip(if mode == 6 { 11 } else { 7 })?;
            None
        } else {
            let stratum = reader.u8()?;
            // Poll and precision, the root's delay and dispersion.
            reader.skip(10)?;
            let reference = reader.array()?;
            // Four times, of reference, origin, receipt and transmission.
            reader.skip(32)?;
            Some(Clock { stratum, reference })
        };
        (1..=4).contains(&version).then_some(Message { side, version, mode, clock, events: EventSet::NONE })
    }
}

impl parser::Transaction for Message {
    fn progress(&self, _: Side) -> u8 {
        1
    }

    fn only(&self) -> Option<Side> {
        Some(self.side)
    }

    fn buffer<'a>(&'a self, buffer: Buffer, side: Side, index: usize, _: &'a mut Vec<u8>) -> Option<&'a [u8]> {
        let asked = buffer == Buffer::NtpReferenceId && side == self.side && index == 0;
        self.clock.as_ref().filter(|_| asked).map(|clock| &clock.reference[..])
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "most are of other protocols")]
    fn number(&self, field: Field, side: Side, index: usize) -> Option<i64> {
        if side != self.side || index > 0 {
            return None;
        }
        match field {
            Field::NtpVersion => Some(self.version.into()),
            Field::NtpMode => Some(self.mode.into()),
            Field::NtpStratum => self.clock.as_ref().map(|clock| clock.stratum.into()),
            _ => None,
        }
    }

    fn events(&self) -> EventSet {
        self.events
    }

    fn eve(&self, object: &mut Object<'_>) {
        object.number("version", self.version);
        object.text_if("mode", MODES.get(usize::from(self.mode)));
        if let Some(clock) = &self.clock {
            object.number("stratum", clock.stratum).hex("reference_id", &clock.reference);
        }
    }
}
