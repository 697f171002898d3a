//! SMTP (RFC 5321) with pipelining (RFC 2920), chunks (RFC 3030) and STARTTLS (RFC 3207). A transaction is a mail: from
//! the first command to the answer to its end, or to a reset.

mod event;
mod reply;
mod transaction;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::ops::Range;

use super::lines::{End, Lines};
use super::mime::Mime;
use super::parser::{Context, EventSet, Live, Next, Parsed, Parser, Protocol, Settings};
use super::{AppProto, Side, Transport};
use transaction::progress;

pub use transaction::Mail;

/// SMTP.
pub static PROTOCOL: Protocol = Protocol {
    app: AppProto::Smtp,
    parser: |_| Box::new(Smtp::default()),
    events: event::NAMES,
    ready: transaction::ready,
    complete: [progress::COMPLETE, 1],
    eve: Some("smtp"),
};

/// Reads a connection.
#[derive(Debug, Default)]
struct Smtp {
    live: Live<Mail>,
    client: Half,
    server: Half,
    mode: Mode,
    greeting: Greeting,
    /// Commands that wait for their reply, with the mail they are of.
    waiting: VecDeque<(Command, Option<u64>)>,
    helo: Option<Vec<u8>>,
    /// The server said that it takes commands before it answered those before.
    pipelines: bool,
    events: EventSet,
}

/// One side.
#[derive(Debug, Default)]
struct Half {
    lines: Lines,
    /// What comes until the line's end is the rest of one that was read.
    rest: bool,
}

/// What the client sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mode {
    #[default]
    Commands,
    /// A message, until a line with a dot.
    Message,
    /// So many bytes of a chunk, the last one or not.
    Chunk(u64, bool),
}

/// What became of the server's first reply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Greeting {
    #[default]
    Waiting,
    Seen,
    /// It was none, and no command came before it.
    Refused,
}

/// A command whose reply means something, or what stands for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    Hello,
    StartTls,
    Data,
    /// The end of a message or of its last chunk, RSET, QUIT: its answer ends the mail.
    Ends,
    Other,
}

impl Smtp {
    /// The mail that commands are of.
    fn current(&mut self) -> Option<&mut Mail> {
        self.live.last_mut().filter(|mail| !mail.is_ended())
    }

    fn last(&self) -> Option<u64> {
        self.live.ids().end.checked_sub(1)
    }

    /// Notes something odd at a mail, else at the newest, else at the flow.
    fn odd(&mut self, mail: Option<u64>, event: u8) {
        let id = mail.or(self.last()).unwrap_or_default();
        match self.live.get_mut(id) {
            Some(mail) => mail.odd(event),
            None => self.events.add(event),
        }
    }

    fn open(&mut self, settings: &Settings) {
        let ids = self.live.ids();
        let most = settings.transactions.max(1) as u64;
        if ids.end - ids.start >= most {
            if let Some(mail) = self.live.get_mut(ids.end - most) {
                mail.end(false, settings);
                mail.is_answered = true;
            }
            // A reader that gives nothing back does not make the flow grow.
            if ids.end - ids.start >= 2 * most {
                self.live.remove(ids.start);
            }
        }
        let progress = if self.helo.is_some() { progress::HELO } else { 0 };
        self.live.push(Mail { progress, helo: self.helo.clone(), ..Mail::default() });
    }

    /// A line of the client outside of messages.
    fn command(&mut self, line: &[u8], settings: &Settings) {
        let verb = Verb::of(line);
        let is_new = self.live.ids().end == 0;
        let is_ended = self.last().and_then(|id| self.live.get_mut(id)).is_none_or(|mail| mail.is_ended());
        if is_new || is_ended && !matches!(verb, Verb::Rset | Verb::Quit) {
            self.open(settings);
        }
        // After these nothing is to come before they are answered (RFC 2920, section 3.1; RFC 3207, section 4).
        if self.waiting.iter().any(|(before, _)| matches!(before, Command::Data | Command::StartTls)) {
            self.odd(None, event::INVALID_PIPELINED_SEQUENCE);
        }
        let mut command = Command::Other;
        let is_open = self.current().is_some();
        let id = self.last().filter(|_| is_open);
        match verb {
            Verb::Hello => {
                command = self.hello(argument(line.get(4..).unwrap_or_default()), settings);
            }
            Verb::Mail => {
                let Some(mail) = self.current() else { return };
                if mail.mail_from.is_some() {
                    mail.odd(event::DUPLICATE_FIELDS);
                } else {
                    mail.mail_from = Some(path(line, b"MAIL FROM"));
                    mail.advance(progress::SENDER);
                }
            }
            Verb::Rcpt => {
                if let Some(mail) = self.current().filter(|mail| mail.rcpt_to.len() < MAX_RECIPIENTS) {
                    mail.rcpt_to.push(path(line, b"RCPT TO"));
                }
            }
            Verb::Data => {
                let pipelines = self.pipelines;
                let Some(mail) = self.current() else { return };
                if mail.message.is_some() {
                    // A message in a mail that had one.
                    mail.odd(event::UNPARSABLE_CONTENT);
                } else {
                    mail.message = Some(Box::new(Mime::new(Side::ToServer)));
                    mail.advance(progress::MESSAGE);
                }
                command = Command::Data;
                if pipelines {
                    self.mode = Mode::Message;
                }
            }
            Verb::Bdat => match chunk(line.get(4..).unwrap_or_default()) {
                Some((len, last)) => {
                    if let Some(mail) = self.current() {
                        mail.advance(progress::MESSAGE);
                    }
                    if last {
                        command = Command::Ends;
                    }
                    self.mode = Mode::Chunk(len, last);
                    self.end_of_chunk(settings);
                }
                None => self.odd(None, event::INVALID_BDAT),
            },
            Verb::StartTls => command = Command::StartTls,
            Verb::Rset | Verb::Quit => command = Command::Ends,
            Verb::Other => {}
        }
        self.wait(command, id);
    }

    /// HELO and EHLO: a mail that has begun is forgotten by both (RFC 5321, section 4.1.4).
    fn hello(&mut self, name: &[u8], settings: &Settings) -> Command {
        let again = self.helo.is_some();
        if !again {
            self.helo = Some(name.to_vec());
        }
        let helo = self.helo.clone();
        let Some(mail) = self.current() else { return Command::Hello };
        if again {
            mail.odd(event::DUPLICATE_FIELDS);
        } else {
            mail.helo = helo;
            mail.advance(progress::HELO);
        }
        if mail.mail_from.is_some() {
            mail.end(false, settings);
        }
        Command::Hello
    }

    fn wait(&mut self, command: Command, mail: Option<u64>) {
        if self.waiting.len() < MAX_WAITING {
            self.waiting.push_back((command, mail));
        }
    }

    /// A line of a message, or a piece of one.
    fn message(&mut self, line: &[u8], end: End, is_rest: bool, cx: &Context<'_>) {
        let id = self.last();
        if line == b"." && end != End::Cut && !is_rest {
            self.mode = Mode::Commands;
            if self.waiting.iter().any(|(before, _)| *before == Command::Data) {
                self.odd(id, event::INVALID_PIPELINED_SEQUENCE);
            }
            if let Some(mail) = self.current() {
                mail.end(true, cx.settings);
            }
            self.wait(Command::Ends, id);
        } else if let Some(message) = self.current().and_then(|mail| mail.message.as_mut()) {
            message.line(line, end, cx.settings);
        }
    }

    /// Passes over a chunk's bytes; tells how many.
    fn chunk(&mut self, bytes: &[u8], settings: &Settings) -> usize {
        let Mode::Chunk(left, last) = self.mode else { return 0 };
        let taken = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        self.mode = Mode::Chunk(left - taken as u64, last);
        self.end_of_chunk(settings);
        taken
    }

    fn end_of_chunk(&mut self, settings: &Settings) {
        if let Mode::Chunk(0, last) = self.mode {
            self.mode = Mode::Commands;
            if let Some(mail) = self.current().filter(|_| last) {
                mail.end(true, settings);
            }
        }
    }

    /// A line of the server.
    fn reply(&mut self, line: &[u8], cx: &mut Context<'_>) {
        if self.live.ids().end == 0 {
            self.open(cx.settings);
        }
        let Some((code, is_last)) = reply::parse(line) else { return self.odd(None, event::INVALID_REPLY) };
        if self.greeting == Greeting::Waiting && cx.transport == Transport::TcpMidstream {
            self.greeting = Greeting::Seen;
        }
        match self.greeting {
            Greeting::Seen => {}
            Greeting::Refused => return self.odd(None, event::INVALID_REPLY),
            Greeting::Waiting if code == 220 => {
                if is_last {
                    self.greeting = Greeting::Seen;
                }
                return;
            }
            Greeting::Waiting => {
                self.odd(None, event::NO_SERVER_WELCOME_MESSAGE);
                if self.waiting.is_empty() {
                    self.greeting = Greeting::Refused;
                    return;
                }
            }
        }
        if let Some((Command::Hello, _)) = self.waiting.front()
            && line.get(3..).is_some_and(|rest| rest.starts_with(b"-PIPELINING"))
        {
            self.pipelines = true;
        }
        if is_last && let Some((command, mail)) = self.waiting.pop_front() {
            self.answered(command, mail, code, cx);
        }
    }

    fn answered(&mut self, command: Command, id: Option<u64>, code: u16, cx: &mut Context<'_>) {
        match command {
            // It is TLS; where the capture was decrypted it goes on as it was.
            Command::StartTls if code == 220 => cx.next = Some(Next::Probe),
            Command::StartTls => self.odd(id, event::TLS_REJECTED),
            Command::Data if code == 354 => {
                let mail = id.and_then(|id| self.live.get_mut(id));
                if mail.is_some_and(|mail| !mail.is_ended()) && self.mode == Mode::Commands {
                    self.mode = Mode::Message;
                }
            }
            Command::Data => {
                self.odd(id, event::DATA_COMMAND_REJECTED);
                self.mode = Mode::Commands;
            }
            Command::Ends => {
                if let Some(mail) = id.and_then(|id| self.live.get_mut(id)) {
                    mail.end(false, cx.settings);
                    mail.is_answered = true;
                }
            }
            Command::Hello => {
                // It ended the mail before.
                if let Some(mail) = id.and_then(|id| self.live.get_mut(id)).filter(|mail| mail.is_ended()) {
                    mail.is_answered = true;
                }
            }
            Command::Other => {}
        }
    }
}

impl Parser for Smtp {
    fn data(&mut self, side: Side, mut bytes: &[u8], cx: &mut Context<'_>) -> Parsed {
        let half = if side == Side::ToServer { &mut self.client } else { &mut self.server };
        let Half { mut lines, mut rest } = std::mem::take(half);
        while !bytes.is_empty() && cx.next.is_none() {
            if let (Side::ToServer, Mode::Chunk(..)) = (side, self.mode) {
                let taken = self.chunk(bytes, cx.settings);
                bytes = bytes.get(taken..).unwrap_or_default();
                continue;
            }
            let Some((line, end)) = lines.next(&mut bytes, MAX_LINE) else { break };
            let is_rest = std::mem::replace(&mut rest, end == End::Cut);
            match side {
                Side::ToServer if self.mode == Mode::Message => self.message(line, end, is_rest, cx),
                _ if is_rest => {}
                Side::ToServer => self.command(line, cx.settings),
                Side::ToClient => self.reply(line, cx),
            }
            if end == End::Cut && self.mode != Mode::Message && !is_rest {
                self.odd(None, event::TRUNCATED_LINE);
            }
        }
        let half = if side == Side::ToServer { &mut self.client } else { &mut self.server };
        *half = Half { lines, rest };
        Parsed::More
    }

    fn gap(&mut self, _: Side, _: u64, cx: &mut Context<'_>) -> Parsed {
        // Where in the dialogue it goes on is not known; Suricata gives up here, too.
        if let Some(mail) = self.current() {
            mail.end(false, cx.settings);
        }
        Parsed::Failed
    }

    fn end(&mut self, side: Side, cx: &mut Context<'_>) {
        if side == Side::ToServer && self.mode == Mode::Message {
            let mut lines = std::mem::take(&mut self.client.lines);
            let rest = lines.rest();
            if !rest.is_empty() && rest != b"." {
                self.message(rest, End::Cut, self.client.rest, cx);
            }
        }
        if side == Side::ToServer
            && let Some(mail) = self.current()
        {
            mail.end(false, cx.settings);
        }
    }

    fn ids(&self) -> Range<u64> {
        self.live.ids()
    }

    fn transaction(&self, id: u64) -> Option<&dyn super::parser::Transaction> {
        self.live.get(id).map(|mail| mail as _)
    }

    fn release(&mut self, id: u64) {
        self.live.remove(id);
    }

    fn events(&self) -> EventSet {
        self.events
    }

    fn bytes(&self) -> usize {
        self.client.lines.bytes()
            + self.server.lines.bytes()
            + self.waiting.capacity() * size_of::<(Command, Option<u64>)>()
            + self.live.iter().map(Mail::bytes).sum::<usize>()
    }
}

/// What a command is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Hello,
    Mail,
    Rcpt,
    Data,
    Bdat,
    StartTls,
    Rset,
    Quit,
    Other,
}

impl Verb {
    fn of(line: &[u8]) -> Verb {
        const VERBS: [(&[u8], Verb); 9] = [
            (b"HELO", Verb::Hello),
            (b"EHLO", Verb::Hello),
            (b"MAIL FROM", Verb::Mail),
            (b"RCPT TO", Verb::Rcpt),
            (b"DATA", Verb::Data),
            (b"BDAT", Verb::Bdat),
            (b"STARTTLS", Verb::StartTls),
            (b"RSET", Verb::Rset),
            (b"QUIT", Verb::Quit),
        ];
        let is = |verb: &[u8]| line.get(..verb.len()).is_some_and(|start| start.eq_ignore_ascii_case(verb));
        VERBS.iter().find(|(verb, _)| is(verb)).map_or(Verb::Other, |(_, verb)| *verb)
    }
}

/// The first word of what follows a verb.
fn argument(rest: &[u8]) -> &[u8] {
    rest.trim_ascii_start().split(|byte| *byte == b' ').next().unwrap_or_default()
}

/// The path of MAIL and RCPT, up to its parameters (RFC 5321, section 4.1.2). What stands behind the verb is a colon.
fn path(line: &[u8], verb: &[u8]) -> Vec<u8> {
    argument(line.get(verb.len() + 1..).unwrap_or_default()).to_vec()
}

/// The length of BDAT's chunk and whether it is the last (RFC 3030, section 2).
fn chunk(rest: &[u8]) -> Option<(u64, bool)> {
    let mut words = rest.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    let len = words.next().filter(|len| rest.first() == Some(&b' ') && len.iter().all(u8::is_ascii_digit))?;
    let len = std::str::from_utf8(len).ok()?.parse().ok().filter(|len| *len <= MAX_CHUNK)?;
    match (words.next(), words.next()) {
        (None, _) => Some((len, false)),
        (Some(last), None) if last.eq_ignore_ascii_case(b"LAST") => Some((len, true)),
        _ => None,
    }
}

/// Bytes of a line that are looked at; Suricata's. RFC 5321, section 4.5.3.1 asks for 1,000.
const MAX_LINE: usize = 4096;
/// Of a chunk.
const MAX_CHUNK: u64 = u32::MAX as u64;
/// RFC 5321, section 4.5.3.1.8 asks for 100.
const MAX_RECIPIENTS: usize = 1024;
/// Commands that wait for a reply; those past them are not waited for.
const MAX_WAITING: usize = 1024;
