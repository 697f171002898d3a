//! POP3 (RFC 1939), with capabilities (RFC 2449), STLS (RFC 2595) and AUTH (RFC 5034). A transaction is a command with
//! its response.

mod transaction;

#[cfg(test)]
mod tests;

use std::ops::{Range, RangeInclusive};

use super::lines::{End, Lines};
use super::parser::{Context, Live, Next, Parsed, Parser, Protocol};
use super::{AppProto, Side};
use transaction::{Request, Response};

pub use transaction::Exchange;

/// POP3.
pub static PROTOCOL: Protocol = Protocol {
    app: AppProto::Pop3,
    parser: |_| Box::new(Pop3::default()),
    events: &[
        "too_many_transactions",
        "request_too_long",
        "incorrect_argument_count",
        "unknown_command",
        "response_too_long",
    ],
    ready: |_, _| 1,
    complete: [1, 1],
    eve: Some("pop3"),
};

/// Places in [`Protocol::events`].
mod event {
    pub(super) const TOO_MANY_TRANSACTIONS: u8 = 0;
    pub(super) const REQUEST_TOO_LONG: u8 = 1;
    pub(super) const INCORRECT_ARGUMENT_COUNT: u8 = 2;
    pub(super) const UNKNOWN_COMMAND: u8 = 3;
    pub(super) const RESPONSE_TOO_LONG: u8 = 4;
}

/// Reads a connection.
#[derive(Debug, Default)]
struct Pop3 {
    live: Live<Exchange>,
    client: Half,
    server: Half,
    /// The oldest that may wait for its response.
    asked: u64,
    /// Lines follow the response that was read, until one with a dot: those of a message, or others.
    follows: Option<Lists>,
    /// The server asks for more of AUTH.
    challenged: bool,
}

/// One side.
#[derive(Debug, Default)]
struct Half {
    lines: Lines,
    /// What comes until the line's end is the rest of one that was read.
    rest: bool,
}

/// What the lines behind a response are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lists {
    Entries,
    Message,
}

impl Pop3 {
    fn open(&mut self, mut exchange: Exchange, most: usize) -> u64 {
        let ids = self.live.ids();
        let most = most.max(1) as u64;
        if ids.end - ids.start >= most {
            exchange.events.add(event::TOO_MANY_TRANSACTIONS);
            if let Some(old) = self.live.get_mut(ids.end - most) {
                old.is_complete = true;
            }
            // A reader that gives nothing back does not make the flow grow.
            if ids.end - ids.start >= 2 * most {
                self.live.remove(ids.start);
            }
        }
        self.live.push(exchange)
    }

    fn command(&mut self, line: &[u8], cx: &Context<'_>) {
        let mut exchange = Exchange::default();
        if line.len() > MAX_REQUEST {
            exchange.events.add(event::REQUEST_TOO_LONG);
        }
        if std::mem::take(&mut self.challenged) {
            exchange.request = Some(Request { command: b"<SASL DATA>".to_vec(), arguments: Vec::new() });
        } else {
            let mut words = line.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
            let command = words.next().unwrap_or_default().to_vec();
            let arguments: Vec<_> = words.map(<[u8]>::to_vec).collect();
            match COMMANDS.iter().find(|(known, _)| known.as_bytes() == command) {
                None => exchange.events.add(event::UNKNOWN_COMMAND),
                Some((_, count)) if !count.contains(&arguments.len()) => {
                    exchange.events.add(event::INCORRECT_ARGUMENT_COUNT);
                }
                Some(_) => {}
            }
            exchange.request = Some(Request { command, arguments });
        }
        self.open(exchange, cx.settings.transactions);
    }

    /// The exchange that a response is for: the oldest that is not complete, else one of its own.
    fn asked(&mut self, cx: &Context<'_>) -> Option<&mut Exchange> {
        let ids = self.live.ids();
        self.asked = self.asked.max(ids.start);
        while self.asked < ids.end && self.live.get(self.asked).is_none_or(|exchange| exchange.is_complete) {
            self.asked += 1;
        }
        if self.asked == ids.end {
            self.asked = self.open(Exchange::default(), cx.settings.transactions);
        }
        self.live.get_mut(self.asked)
    }

    fn response(&mut self, line: &[u8], cx: &mut Context<'_>) {
        if let Some(lists) = self.follows {
            let exchange = self.live.get_mut(self.asked);
            if line == b"." {
                self.follows = None;
                if let Some(exchange) = exchange {
                    exchange.is_complete = true;
                }
            } else if lists == Lists::Entries
                && let Some(response) = exchange.and_then(|exchange| exchange.response.as_mut())
            {
                // RFC 1939, section 3: a dot that begins a line is sent twice.
                response.line(if line.starts_with(b"..") { line.get(1..).unwrap_or_default() } else { line });
            }
            return;
        }
        let (is_ok, rest) = if let Some(rest) = line.strip_prefix(b"+OK") {
            (true, rest)
        } else if let Some(rest) = line.strip_prefix(b"-ERR") {
            (false, rest)
        } else if let Some(rest) = line.strip_prefix(b"+").filter(|rest| rest.is_empty() || rest.starts_with(b" ")) {
            self.challenged = true;
            (true, rest)
        } else {
            // No response begins so.
            return;
        };
        let Some(exchange) = self.asked(cx) else { return };
        if line.len() > MAX_RESPONSE {
            exchange.events.add(event::RESPONSE_TOO_LONG);
        }
        let header = rest.strip_prefix(b" ").unwrap_or(rest).to_vec();
        exchange.response = Some(Response { is_ok, header, lines: Vec::new(), bytes: 0 });
        let request = exchange.request.as_ref().filter(|_| is_ok && line.starts_with(b"+OK"));
        let (command, has_arguments) = request
            .map(|request| (request.command.to_ascii_uppercase(), !request.arguments.is_empty()))
            .unwrap_or_default();
        let follows = match command.as_slice() {
            b"RETR" | b"TOP" => Some(Lists::Message),
            b"CAPA" => Some(Lists::Entries),
            b"LIST" | b"UIDL" | b"AUTH" if !has_arguments => Some(Lists::Entries),
            _ => None,
        };
        exchange.is_complete = follows.is_none();
        self.follows = follows;
        if command == b"STLS" {
            // It is TLS; where the capture was decrypted it goes on as it was.
            cx.next = Some(Next::Probe);
        }
    }

    fn half(&mut self, side: Side) -> &mut Half {
        if side == Side::ToServer { &mut self.client } else { &mut self.server }
    }
}

impl Parser for Pop3 {
    fn data(&mut self, side: Side, mut bytes: &[u8], cx: &mut Context<'_>) -> Parsed {
        let Half { mut lines, mut rest } = std::mem::take(self.half(side));
        while cx.next.is_none()
            && let Some((line, end)) = lines.next(&mut bytes, MAX_LINE)
        {
            if std::mem::replace(&mut rest, end == End::Cut) {
                continue;
            }
            match side {
                Side::ToServer => self.command(line, cx),
                Side::ToClient => self.response(line, cx),
            }
        }
        *self.half(side) = Half { lines, rest };
        Parsed::More
    }

    fn gap(&mut self, side: Side, _: u64, _: &mut Context<'_>) -> Parsed {
        // The line that was cut is passed over; what is behind the next line's end is whole.
        *self.half(side) = Half { lines: Lines::default(), rest: true };
        Parsed::More
    }

    fn end(&mut self, side: Side, _: &mut Context<'_>) {
        if side == Side::ToClient {
            // Nothing answers those that wait.
            self.live.iter_mut().for_each(|exchange| exchange.is_complete = true);
        }
    }

    fn ids(&self) -> Range<u64> {
        self.live.ids()
    }

    fn transaction(&self, id: u64) -> Option<&dyn super::parser::Transaction> {
        self.live.get(id).map(|exchange| exchange as _)
    }

    fn release(&mut self, id: u64) {
        self.live.remove(id);
    }

    fn bytes(&self) -> usize {
        self.client.lines.bytes() + self.server.lines.bytes() + self.live.iter().map(Exchange::bytes).sum::<usize>()
    }
}

/// Commands, as Suricata knows them (in upper case), and how many arguments they have.
const COMMANDS: [(&str, RangeInclusive<usize>); 15] = [
    ("APOP", 2..=2),
    ("AUTH", 1..=2),
    ("CAPA", 0..=0),
    ("DELE", 1..=1),
    ("LIST", 0..=1),
    ("NOOP", 0..=0),
    ("PASS", 1..=1),
    ("QUIT", 0..=0),
    ("RETR", 1..=1),
    ("RSET", 0..=0),
    ("STAT", 0..=0),
    ("STLS", 0..=0),
    ("TOP", 2..=2),
    ("UIDL", 0..=1),
    ("USER", 1..=1),
];

/// Bytes of a line that are looked at.
const MAX_LINE: usize = 4096;
/// RFC 2449, section 4, without the line's end.
const MAX_REQUEST: usize = 254;
/// RFC 1939, section 3, without the line's end.
const MAX_RESPONSE: usize = 510;
