//! FTP's control connection (RFC 959), with extended ports (RFC 2428) and AUTH TLS (RFC 4217). A transaction is a command
//! with its replies. What a command moves over a data connection is announced, and read by [`ftp_data`](super::ftp_data).

mod command;
mod transaction;

#[cfg(test)]
mod tests;

use std::ops::Range;

use super::lines::{End, Lines};
use super::parser::{Announced, Context, Live, Next, Parsed, Parser, Protocol, Settings};
use super::{AppProto, Side};
use transaction::progress;

pub use transaction::Exchange;

/// FTP.
pub static PROTOCOL: Protocol = Protocol {
    app: AppProto::Ftp,
    parser: |_| Box::new(Ftp::default()),
    events: &[
        "request_command_too_long",
        "response_command_too_long",
        "too_many_transactions",
        "file_before_port",
        "file_without_name",
    ],
    ready: transaction::ready,
    complete: [progress::COMPLETE, 1],
    eve: Some("ftp"),
};

/// Places in [`Protocol::events`].
mod event {
    pub(super) const REQUEST_COMMAND_TOO_LONG: u8 = 0;
    pub(super) const RESPONSE_COMMAND_TOO_LONG: u8 = 1;
    pub(super) const TOO_MANY_TRANSACTIONS: u8 = 2;
    pub(super) const FILE_BEFORE_PORT: u8 = 3;
    pub(super) const FILE_WITHOUT_NAME: u8 = 4;
}

/// Reads a connection.
#[derive(Debug, Default)]
struct Ftp {
    live: Live<Exchange>,
    client: Half,
    server: Half,
    /// The oldest that may wait for its reply.
    asked: u64,
    /// The code of a reply of several lines that is open.
    several: Option<[u8; 3]>,
    /// Where the next data connection will be: who listens, and its port.
    data: Option<(Side, u16)>,
    /// AUTH TLS waits for its reply.
    asked_tls: bool,
    /// Too many commands waited.
    is_over: bool,
}

/// One side.
#[derive(Debug, Default)]
struct Half {
    lines: Lines,
    /// What comes until the line's end is the rest of one that was read.
    rest: bool,
}

impl Ftp {
    /// Adds an exchange; false once too many wait for their replies.
    fn open(&mut self, exchange: Exchange, settings: &Settings) -> bool {
        let most = settings.ftp.transactions.max(1) as u64;
        let ids = self.live.ids();
        if ids.end - self.first_asked() >= most {
            if let Some(last) = self.live.last_mut() {
                last.events.add(event::TOO_MANY_TRANSACTIONS);
            }
            self.live.iter_mut().for_each(|exchange| exchange.is_over = true);
            self.is_over = true;
            return false;
        }
        // A reader that gives nothing back does not make the flow grow.
        if ids.end - ids.start >= 2 * most {
            self.live.remove(ids.start);
        }
        self.live.push(exchange);
        true
    }

    /// The id of the oldest that waits for its reply, or of the next to come.
    fn first_asked(&mut self) -> u64 {
        let ids = self.live.ids();
        self.asked = self.asked.max(ids.start);
        while self.asked < ids.end && self.live.get(self.asked).is_none_or(Exchange::is_complete) {
            self.asked += 1;
        }
        self.asked
    }

    fn command(&mut self, line: &[u8], cut: bool, cx: &mut Context<'_>) {
        let Some((verb, data)) = command::parse(line) else {
            let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
            let (verb, how) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            let is_tls = [&b"TLS"[..], b"TLS-C", b"SSL"].iter().any(|name| how.eq_ignore_ascii_case(name));
            self.asked_tls |= verb.eq_ignore_ascii_case(b"AUTH") && is_tls;
            return;
        };
        let mut exchange = Exchange { command: Some((verb, data.to_vec())), ..Exchange::default() };
        if cut {
            exchange.cut_command();
        }
        if let "PORT" | "EPRT" = verb {
            exchange.port = if verb == "PORT" { command::port(data) } else { command::extended_port(data) };
            exchange.is_active = exchange.port.is_some();
            self.announce(Side::ToServer, exchange.port, cx);
        }
        if command::is_transfer(verb) {
            let is_file = matches!(verb, "RETR" | "STOR" | "APPE");
            match self.data {
                None => exchange.events.add(event::FILE_BEFORE_PORT),
                Some(_) if is_file && data.is_empty() => exchange.events.add(event::FILE_WITHOUT_NAME),
                Some((listener, port)) => {
                    let name: &[u8] = match verb {
                        "STOU" => b"<stou>",
                        "LIST" | "NLST" | "MLSD" => b"",
                        _ => data,
                    };
                    let about = [verb.as_bytes(), b" ", name].concat().into();
                    cx.announced = Some(Announced { listener, port, app: AppProto::FtpData, about });
                    self.data = None;
                }
            }
        }
        self.open(exchange, cx.settings);
    }

    fn announce(&mut self, listener: Side, port: Option<u16>, cx: &mut Context<'_>) {
        let Some(port) = port else { return };
        self.data = Some((listener, port));
        cx.announced = Some(Announced { listener, port, app: AppProto::FtpData, about: Box::default() });
    }

    /// The exchange that a reply is for: the oldest that is not answered, else one of its own.
    fn asked(&mut self, settings: &Settings) -> Option<&mut Exchange> {
        let id = self.first_asked();
        if id == self.live.ids().end && !self.open(Exchange::default(), settings) {
            return None;
        }
        self.live.get_mut(id)
    }

    fn reply(&mut self, line: &[u8], cut: bool, cx: &mut Context<'_>) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let code = line.first_chunk::<3>().copied().filter(|code| code.iter().all(u8::is_ascii_digit));
        let after = code.and_then(|_| line.get(3));
        // Of several lines the last begins with the code of the first and a space (RFC 959, section 4.2).
        let ends = after == Some(&b' ') && self.several.is_none_or(|open| code == Some(open));
        if self.several.is_none() && after == Some(&b'-') {
            self.several = code;
        }
        let goes_on = self.several.is_some() && !ends;
        let Some(exchange) = self.asked(cx.settings) else { return };
        if cut {
            exchange.cut_reply();
        }
        if goes_on || !ends {
            exchange.reply(None, line);
        } else {
            exchange.reply(code, line.get(4..).unwrap_or_default());
        }
        if goes_on {
            return;
        }
        // Another reply follows one that is preliminary.
        exchange.is_answered = code.is_none_or(|code| code.first() != Some(&b'1'));
        let verb = exchange.command.as_ref().map(|(verb, _)| *verb);
        let told = match (verb, code.as_ref()) {
            (Some("PASV"), Some(b"227")) => command::port(line.get(4..).unwrap_or_default()),
            (Some("EPSV"), Some(b"229")) => command::extended_port(line.get(4..).unwrap_or_default()),
            _ => None,
        };
        if told.is_some() {
            exchange.port = told;
        }
        self.several = None;
        self.announce(Side::ToClient, told, cx);
        if std::mem::take(&mut self.asked_tls) && code == Some(*b"234") {
            cx.next = Some(Next::Is(AppProto::Tls));
        }
    }

    fn half(&mut self, side: Side) -> &mut Half {
        if side == Side::ToServer { &mut self.client } else { &mut self.server }
    }
}

impl Parser for Ftp {
    fn data(&mut self, side: Side, mut bytes: &[u8], cx: &mut Context<'_>) -> Parsed {
        let Half { mut lines, mut rest } = std::mem::take(self.half(side));
        while !self.is_over
            && cx.next.is_none()
            && let Some((line, end)) = lines.next(&mut bytes, cx.settings.ftp.line.max(MIN_LINE))
        {
            let cut = end == End::Cut;
            if std::mem::replace(&mut rest, cut) || line.is_empty() {
                continue;
            }
            match side {
                Side::ToServer => self.command(line, cut, cx),
                Side::ToClient => self.reply(line, cut, cx),
            }
        }
        *self.half(side) = Half { lines, rest };
        if self.is_over { Parsed::Failed } else { Parsed::More }
    }

    fn gap(&mut self, side: Side, _: u64, _: &mut Context<'_>) -> Parsed {
        // The line that was cut is passed over; what is behind the next line's end is whole.
        *self.half(side) = Half { lines: Lines::default(), rest: true };
        if side == Side::ToClient {
            self.several = None;
        }
        Parsed::More
    }

    fn end(&mut self, side: Side, _: &mut Context<'_>) {
        if side == Side::ToClient {
            // Nothing answers those that wait.
            self.live.iter_mut().for_each(|exchange| exchange.is_over = true);
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

/// Bytes of a line that are read, whatever is set.
const MIN_LINE: usize = 64;
