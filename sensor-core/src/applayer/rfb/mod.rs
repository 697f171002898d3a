//! RFB, as VNC speaks it (RFC 6143): what goes before pictures, one transaction a connection.

#[cfg(test)]
mod tests;

use std::ops::Range;

use super::parser::{self, Context, EventSet, Parsed, Parser, Protocol};
use super::{AppProto, Side};
use crate::discover::extract::reader::Reader;
use crate::json::Object;
use crate::rules::{Buffer, Field};

/// RFB.
pub static PROTOCOL: Protocol = Protocol {
    app: AppProto::Rfb,
    parser: |_| Box::new(Rfb { there: true, ..Rfb::default() }),
    events: &["malformed_message", "unimplemented_security_type", "unknown_security_result", "confused_state"],
    ready,
    complete: [1, 1],
    eve: Some("rfb"),
};

/// Places in [`Protocol::events`].
const MALFORMED_MESSAGE: u8 = 0;
const UNIMPLEMENTED_SECURITY_TYPE: u8 = 1;
const UNKNOWN_SECURITY_RESULT: u8 = 2;
const CONFUSED_STATE: u8 = 3;

/// Bytes of a name or a reason, and of what a side says before its turn.
const MAX_TEXT: usize = 4096;
/// Security types (section 7.1.2).
const NONE: u32 = 1;
const VNC: u32 = 2;

/// All is there once the handshake is over.
fn ready(_: Buffer, _: Side) -> u8 {
    1
}

/// Reads a connection.
#[derive(Debug, Default)]
struct Rfb {
    there: bool,
    step: Step,
    /// What was not read yet, of client and server.
    open: [Vec<u8>; 2],
    session: Session,
}

/// What comes next (section 7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Step {
    #[default]
    ServerVersion,
    ClientVersion,
    Security,
    Choice,
    Challenge,
    Response,
    Result,
    Reason,
    ClientInit,
    ServerInit,
    Done,
}

impl Step {
    fn side(self) -> Side {
        match self {
            Step::ClientVersion | Step::Choice | Step::Response | Step::ClientInit => Side::ToServer,
            Step::ServerVersion
            | Step::Security
            | Step::Challenge
            | Step::Result
            | Step::Reason
            | Step::ServerInit
            | Step::Done => Side::ToClient,
        }
    }
}

/// See the module.
#[derive(Debug, Default)]
struct Session {
    done: bool,
    server: Option<[[u8; 3]; 2]>,
    client: Option<[[u8; 3]; 2]>,
    security: Option<u32>,
    challenge: Option<[u8; 16]>,
    response: Option<[u8; 16]>,
    result: Option<u32>,
    reason: Option<Vec<u8>>,
    shared: Option<bool>,
    screen: Option<Screen>,
    events: EventSet,
}

/// ServerInit (section 7.3.2).
#[derive(Debug)]
struct Screen {
    width: u16,
    height: u16,
    /// Pixel format (section 7.4).
    format: [u8; 16],
    name: Vec<u8>,
}

/// Why a step was not taken.
enum Stop {
    /// More has to come.
    Wait,
    /// It can't be read; the event.
    Odd(u8),
}

impl Rfb {
    /// Takes one step; tells how many bytes it took, and the next.
    fn step(&mut self, bytes: &[u8]) -> Result<(usize, Step), Stop> {
        let session = &mut self.session;
        let old = session.client.is_some_and(|[_, minor]| minor < *b"007");
        let newest = session.client.is_some_and(|[_, minor]| minor >= *b"008");
        let mut reader = Reader::new(bytes);
        let take = |wait: Option<()>| wait.ok_or(Stop::Wait);
        let next = match self.step {
            Step::ServerVersion => {
                session.server = Some(version(&mut reader)?);
                Step::ClientVersion
            }
            Step::ClientVersion => {
                session.client = Some(version(&mut reader)?);
                Step::Security
            }
            Step::Security if old => {
                let kind = reader.u32().ok_or(Stop::Wait)?;
                session.security = Some(kind);
                chosen(kind, false)?
            }
            Step::Security => {
                let count = reader.u8().ok_or(Stop::Wait)?;
                take(reader.skip(count.into()))?;
                if count == 0 { Step::Reason } else { Step::Choice }
            }
            Step::Choice => {
                let kind = reader.u8().ok_or(Stop::Wait)?.into();
                session.security = Some(kind);
                chosen(kind, newest)?
            }
            Step::Challenge => {
                session.challenge = Some(reader.array().ok_or(Stop::Wait)?);
                Step::Response
            }
            Step::Response => {
                session.response = Some(reader.array().ok_or(Stop::Wait)?);
                Step::Result
            }
            Step::Result => {
                let result = reader.u32().ok_or(Stop::Wait)?;
                session.result = Some(result);
                match result {
                    0 => Step::ClientInit,
                    1 | 2 if newest => Step::Reason,
                    1 | 2 => Step::Done,
                    _ => return Err(Stop::Odd(UNKNOWN_SECURITY_RESULT)),
                }
            }
            Step::Reason => {
                session.reason = Some(text(&mut reader)?);
                Step::Done
            }
            Step::ClientInit => {
                session.shared = Some(reader.u8().ok_or(Stop::Wait)? != 0);
                Step::ServerInit
            }
            Step::ServerInit => {
                let (width, height) = (reader.u16().ok_or(Stop::Wait)?, reader.u16().ok_or(Stop::Wait)?);
                let format = reader.array().ok_or(Stop::Wait)?;
                session.screen = Some(Screen { width, height, format, name: text(&mut reader)? });
                Step::Done
            }
            Step::Done => return Err(Stop::Wait),
        };
        Ok((bytes.len() - reader.rest().len(), next))
    }
}

/// What follows a security type (section 7.2). Before version 3.8 there is no result where nothing is asked.
fn chosen(kind: u32, newest: bool) -> Result<Step, Stop> {
    match kind {
        0 => Ok(Step::Reason),
        NONE if newest => Ok(Step::Result),
        NONE => Ok(Step::ClientInit),
        VNC => Ok(Step::Challenge),
        _ => Err(Stop::Odd(UNIMPLEMENTED_SECURITY_TYPE)),
    }
}

/// `RFB xxx.yyy\n` (section 7.1.1).
fn version(reader: &mut Reader<'_>) -> Result<[[u8; 3]; 2], Stop> {
    let [b'R', b'F', b'B', b' ', a, b, c, b'.', d, e, f, b'\n'] = reader.array::<12>().ok_or(Stop::Wait)? else {
        return Err(Stop::Odd(MALFORMED_MESSAGE));
    };
    if [a, b, c, d, e, f].iter().all(u8::is_ascii_digit) {
        Ok([[a, b, c], [d, e, f]])
    } else {
        Err(Stop::Odd(MALFORMED_MESSAGE))
    }
}

fn text(reader: &mut Reader<'_>) -> Result<Vec<u8>, Stop> {
    let length = reader.u32().ok_or(Stop::Wait)? as usize;
    if length > MAX_TEXT {
        return Err(Stop::Odd(MALFORMED_MESSAGE));
    }
    reader.take(length).map(<[u8]>::to_vec).ok_or(Stop::Wait)
}

impl Parser for Rfb {
    fn data(&mut self, side: Side, bytes: &[u8], _: &mut Context<'_>) -> Parsed {
        if self.session.done {
            return Parsed::Enough;
        }
        let [client, server] = &mut self.open;
        let open = if side == Side::ToServer { client } else { server };
        // Two steps follow each other on a side at most, and what follows the last is not asked for.
        let room = (2 * MAX_TEXT).saturating_sub(open.len()).min(bytes.len());
        open.extend_from_slice(bytes.get(..room).unwrap_or_default());
        loop {
            let of = self.step.side();
            let [client, server] = &mut self.open;
            let open = std::mem::take(if of == Side::ToServer { client } else { server });
            let stepped = self.step(&open);
            let [client, server] = &mut self.open;
            let place = if of == Side::ToServer { client } else { server };
            *place = open;
            match stepped {
                Ok((taken, next)) => {
                    place.drain(..taken);
                    self.step = next;
                    if next == Step::Done {
                        self.session.done = true;
                        self.open = Default::default();
                        return Parsed::Enough;
                    }
                }
                Err(Stop::Wait) if room < bytes.len() => {
                    self.session.events.add(CONFUSED_STATE);
                    self.session.done = true;
                    return Parsed::Failed;
                }
                Err(Stop::Wait) => return Parsed::More,
                Err(Stop::Odd(event)) => {
                    self.session.events.add(event);
                    self.session.done = true;
                    self.open = Default::default();
                    return Parsed::Failed;
                }
            }
        }
    }

    fn gap(&mut self, _: Side, _: u64, _: &mut Context<'_>) -> Parsed {
        self.session.done = true;
        Parsed::Failed
    }

    fn end(&mut self, _: Side, _: &mut Context<'_>) {}

    fn ids(&self) -> Range<u64> {
        if self.there { 0..1 } else { 1..1 }
    }

    fn transaction(&self, id: u64) -> Option<&dyn parser::Transaction> {
        (self.there && id == 0).then_some(&self.session)
    }

    fn release(&mut self, id: u64) {
        if id == 0 {
            self.there = false;
            self.session.done = true;
        }
    }

    fn bytes(&self) -> usize {
        size_of::<Rfb>() + self.open.iter().map(Vec::capacity).sum::<usize>()
    }
}

impl parser::Transaction for Session {
    fn progress(&self, _: Side) -> u8 {
        u8::from(self.done)
    }

    fn buffer<'a>(&'a self, buffer: Buffer, side: Side, index: usize, _: &'a mut Vec<u8>) -> Option<&'a [u8]> {
        let name = &self.screen.as_ref()?.name;
        (buffer == Buffer::RfbName && side == Side::ToClient && index == 0).then_some(name)
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "most numbers are of other protocols")]
    fn number(&self, field: Field, side: Side, index: usize) -> Option<i64> {
        // The server says both.
        if side == Side::ToServer {
            return None;
        }
        match field {
            Field::RfbSecType if index == 0 => self.security.map(i64::from),
            Field::RfbSecResult if index == 0 => self.result.map(i64::from),
            _ => None,
        }
    }

    fn events(&self) -> EventSet {
        self.events
    }

    fn eve(&self, object: &mut Object<'_>) {
        for (key, version) in [("server_protocol_version", self.server), ("client_protocol_version", self.client)] {
            if let Some([major, minor]) = version {
                object.object(key, |object| _ = object.text("major", major).text("minor", minor));
            }
        }
        object.object("authentication", |object| {
            object.number_if("security_type", self.security);
            if let Some(challenge) = &self.challenge {
                object.object("vnc", |object| {
                    object.hex("challenge", challenge);
                    if let Some(response) = &self.response {
                        object.hex("response", response);
                    }
                });
            }
            match self.result {
                Some(0) => _ = object.text("security_result", "OK"),
                Some(1) => _ = object.text("security_result", "FAIL"),
                Some(2) => _ = object.text("security_result", "TOOMANY"),
                Some(code) => _ = object.display("security_result", format_args!("UNKNOWN ({code})")),
                None => {}
            }
        });
        object.text_if("server_security_failure_reason", self.reason.as_deref());
        if let Some(shared) = self.shared {
            object.boolean("screen_shared", shared);
        }
        if let Some(screen) = &self.screen {
            object.object("framebuffer", |object| {
                object.number("width", screen.width).number("height", screen.height).text("name", &screen.name);
                let [bits, depth, big, colour, r, rr, g, gg, b, bb, red, green, blue, ..] = screen.format;
                object.object("pixel_format", |object| {
                    object.number("bits_per_pixel", bits).number("depth", depth);
                    object.boolean("big_endian", big != 0).boolean("true_color", colour != 0);
                    object.number("red_max", u16::from_be_bytes([r, rr]));
                    object.number("green_max", u16::from_be_bytes([g, gg]));
                    object.number("blue_max", u16::from_be_bytes([b, bb]));
                    object.number("red_shift", red).number("green_shift", green).number("blue_shift", blue);
                });
            });
        }
    }
}
