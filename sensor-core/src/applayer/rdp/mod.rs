//! Remote Desktop (MS-RDPBCGR) until it is encrypted: each message of the connection's beginning is a transaction of its
//! side. Where it goes on in TLS, the server's certificates are read (RFC 5246, section 7.4.2).

mod client;
mod eve;
mod names;

#[cfg(test)]
mod tests;

use std::ops::Range;

use super::frames::{Framing, Length, Piece, Rules};
use super::parser::{self, Context, EventSet, Live, Parsed, Parser, Protocol};
use super::{AppProto, Side};
use crate::discover::extract::reader::Reader;
use crate::discover::extract::x509;
use crate::json::Object;
use crate::rules::Buffer;
use client::Client;

/// Remote Desktop.
pub static PROTOCOL: Protocol = Protocol {
    app: AppProto::Rdp,
    parser: |_| Box::new(Rdp::default()),
    events: &[],
    ready: |_, _| 1,
    complete: [1, 1],
    eve: Some("rdp"),
};

/// Packets of RFC 1006, section 6, and records of TLS.
const FRAMING: Rules = Rules {
    length: |bytes| match bytes {
        [3, _, high, low, ..] => Length::Is(usize::from(u16::from_be_bytes([*high, *low])).max(4)),
        [20..=23, 3, _, high, low, ..] => Length::Is(5 + usize::from(u16::from_be_bytes([*high, *low]))),
        [3, ..] | [] => Length::Needs(4),
        [20..=23] | [20..=23, 3, ..] => Length::Needs(5),
        _ => Length::Bad,
    },
    most: 65_535 + 5,
    begins: |bytes| matches!(bytes, [3, 0, _, _, _, 0xd0 | 0xe0 | 0xf0, ..] | [22, 3, 0..=3, _, _, _, ..]),
    begins_in: 6,
};

/// Bytes of the server's handshake that are kept until its certificates are whole.
const MOST_HANDSHAKE: usize = 64 << 10;
/// Certificates that are told.
const MOST_CERTIFICATES: usize = 16;
/// Bytes of a cookie.
const MOST_COOKIE: usize = 1024;
/// Transactions of a flow: there are five kinds, each once.
const MOST_TRANSACTIONS: u64 = 16;

/// Reads a connection.
#[derive(Debug, Default)]
struct Rdp {
    framing: [Framing; 2],
    session: Session,
}

#[derive(Debug, Default)]
struct Session {
    live: Live<Transaction>,
    /// The server's handshake, as far as it came.
    handshake: Vec<u8>,
    /// Nothing more of a side is read.
    over: [bool; 2],
}

/// A message of the beginning.
#[derive(Debug)]
struct Transaction {
    id: u64,
    side: Side,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// The client's first message, with the name behind `mstshash=`.
    Request(Option<Vec<u8>>),
    /// What the server chose, with what it supports.
    Response(Option<(u8, u32)>),
    /// Why it refuses.
    Refusal(u32),
    /// The client tells of itself.
    Connect(Box<Client>),
    /// The server answers.
    Connected,
    /// Serial numbers of the server's certificates.
    Tls(Vec<Vec<u8>>),
}

impl Session {
    fn piece(&mut self, side: Side, bytes: &[u8]) {
        match bytes {
            [3, _, _, _, _, 0xe0, ..] if side == Side::ToServer => self.push(side, Kind::Request(cookie(bytes))),
            [3, _, _, _, _, 0xd0, ..] if side == Side::ToClient => self.push(side, confirm(bytes)),
            // MCS connect initial and response, of ITU-T T.125 in BER.
            [3, _, _, _, 2, 0xf0, _, 0x7f, 0x65, ..] if side == Side::ToServer => {
                self.push(side, Kind::Connect(Box::new(Client::read(bytes).unwrap_or_default())));
                self.over = [true, self.over[1]];
            }
            [3, _, _, _, 2, 0xf0, _, 0x7f, 0x66, ..] if side == Side::ToClient => {
                self.push(side, Kind::Connected);
                self.over = [self.over[0], true];
            }
            [22, _, _, _, _, record @ ..] if side == Side::ToClient => self.record(record),
            // What the client says in TLS is its own affair.
            [20..=23, ..] if side == Side::ToServer => self.over = [true, self.over[1]],
            [20 | 21 | 23, ..] => self.over = [self.over[0], true],
            _ => {}
        }
    }

    /// A record of the server's handshake.
    fn record(&mut self, record: &[u8]) {
        let room = MOST_HANDSHAKE.saturating_sub(self.handshake.len());
        self.handshake.extend_from_slice(record.get(..room).unwrap_or(record));
        let mut reader = Reader::new(&self.handshake);
        while let (Some(kind), Some(length)) = (reader.u8(), reader.u24()) {
            let Some(body) = reader.take(length as usize) else { break };
            if kind == 11 {
                let serials = serials(body);
                self.handshake = Vec::new();
                self.over = [self.over[0], true];
                return self.push(Side::ToClient, Kind::Tls(serials));
            }
        }
        if room <= record.len() {
            self.handshake = Vec::new();
            self.over = [self.over[0], true];
        }
    }

    fn push(&mut self, side: Side, kind: Kind) {
        let id = self.live.ids().end;
        if id < MOST_TRANSACTIONS {
            self.live.push(Transaction { id, side, kind });
        }
    }
}

/// The name in the cookie of a connection request (MS-RDPBCGR, section 2.2.1.1).
fn cookie(bytes: &[u8]) -> Option<Vec<u8>> {
    let text = bytes.get(11..)?.strip_prefix(b"Cookie: mstshash=")?;
    let end = text.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(text.len());
    text.get(..end.min(MOST_COOKIE)).map(<[u8]>::to_vec)
}

/// A connection confirm (sections 2.2.1.2.1 and 2.2.1.2.2).
fn confirm(bytes: &[u8]) -> Kind {
    match bytes.get(11..19) {
        Some(&[2, flags, 8, 0, a, b, c, d]) => Kind::Response(Some((flags, u32::from_le_bytes([a, b, c, d])))),
        Some(&[3, _, 8, 0, a, b, c, d]) => Kind::Refusal(u32::from_le_bytes([a, b, c, d])),
        _ => Kind::Response(None),
    }
}

fn serials(body: &[u8]) -> Vec<Vec<u8>> {
    let mut reader = Reader::new(body);
    let mut found = Vec::new();
    reader.u24();
    while let (true, Some(length)) = (found.len() < MOST_CERTIFICATES, reader.u24()) {
        let Some(der) = reader.take(length as usize) else { break };
        found.extend(x509::certificate(der).ok().map(|certificate| certificate.serial));
    }
    found
}

impl Parser for Rdp {
    fn data(&mut self, side: Side, bytes: &[u8], _: &mut Context<'_>) -> Parsed {
        let Rdp { framing: [client, server], session } = self;
        let (framing, place) = if side == Side::ToServer { (client, 0) } else { (server, 1) };
        let fine = framing.feed(bytes, &FRAMING, &mut |piece| {
            if let Piece::Whole(message) = piece {
                session.piece(side, message);
            }
            session.over.get(place) != Some(&true)
        });
        match (session.over.get(place), fine) {
            (Some(true), _) => Parsed::Enough,
            (_, true) => Parsed::More,
            (_, false) => Parsed::Failed,
        }
    }

    fn gap(&mut self, side: Side, len: u64, _: &mut Context<'_>) -> Parsed {
        let [client, server] = &mut self.framing;
        let framing = if side == Side::ToServer { client } else { server };
        framing.gap(len, &mut |_| true);
        if side == Side::ToClient {
            self.session.handshake = Vec::new();
        }
        Parsed::More
    }

    fn end(&mut self, _: Side, _: &mut Context<'_>) {}

    fn ids(&self) -> Range<u64> {
        self.session.live.ids()
    }

    fn transaction(&self, id: u64) -> Option<&dyn parser::Transaction> {
        self.session.live.get(id).map(|transaction| transaction as _)
    }

    fn release(&mut self, id: u64) {
        self.session.live.remove(id);
    }

    fn bytes(&self) -> usize {
        let transactions = self.session.live.iter().map(|transaction| {
            let inside = match &transaction.kind {
                Kind::Request(cookie) => cookie.as_ref().map_or(0, Vec::len),
                Kind::Connect(client) => client.bytes(),
                Kind::Tls(serials) => serials.iter().map(|serial| 24 + serial.len()).sum(),
                Kind::Response(_) | Kind::Refusal(_) | Kind::Connected => 0,
            };
            size_of::<Transaction>() + inside
        });
        let open = self.framing.iter().map(Framing::bytes).sum::<usize>();
        transactions.sum::<usize>() + open + self.session.handshake.capacity()
    }
}

impl parser::Transaction for Transaction {
    fn progress(&self, _: Side) -> u8 {
        1
    }

    fn only(&self) -> Option<Side> {
        Some(self.side)
    }

    fn buffer<'a>(&'a self, _: Buffer, _: Side, _: usize, _: &'a mut Vec<u8>) -> Option<&'a [u8]> {
        None
    }

    fn events(&self) -> EventSet {
        EventSet::NONE
    }

    fn eve(&self, object: &mut Object<'_>) {
        eve::write(self, object);
    }
}
