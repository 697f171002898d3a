//! NFS 2 to 4 over TCP and in datagrams. A transaction is a call with its reply, or a file while parts of it are read or
//! written.

mod calls;
mod names;
mod rpc;
mod transaction;

#[cfg(test)]
mod tests;

use std::ops::Range;

use super::frames::{Framing, Length, Piece, Rules};
use super::known::Known;
use super::parser::{self, Context, EventSet, Live, Parsed, Parser, Protocol};
use super::transfer::Transfer;
use super::{AppProto, Side, Transport};
use calls::{Asked, Data, Given, Handle};
use rpc::{Call, Credentials, Message, Reply};
use transaction::{OfFile, Transaction};

/// NFS.
pub static PROTOCOL: Protocol = Protocol {
    app: AppProto::Nfs,
    parser: |_| Box::new(Nfs::default()),
    events: &["malformed_data", "too_many_transactions"],
    ready: |_, _| 1,
    complete: [1, 1],
    eve: Some("nfs"),
};

/// Places in [`Protocol::events`].
mod event {
    pub(super) const MALFORMED_DATA: u8 = 0;
    pub(super) const TOO_MANY_TRANSACTIONS: u8 = 1;
}

/// Records (RFC 5531, section 11): the highest bit marks the last fragment, which is nearly always the only one.
const FRAMING: Rules = Rules {
    length: |bytes| match bytes.first_chunk::<4>() {
        None => Length::Needs(4),
        Some(mark) => Length::Is(4 + (u32::from_be_bytes(*mark) & 0x7fff_ffff) as usize),
    },
    most: 64 << 10,
    begins: |bytes| match bytes {
        [0x80..=0xff, _, _, _, _, _, _, _, 0, 0, 0, 0, 0, 0, 0, 2, program @ ..] => program.starts_with(&NFS),
        [0x80..=0xff, _, _, _, _, _, _, _, 0, 0, 0, 1, 0, 0, 0, 0 | 1, ..] => true,
        _ => false,
    },
    begins_in: 20,
};

const NFS: [u8; 4] = rpc::NFS.to_be_bytes();

/// Reads a flow.
#[derive(Debug, Default)]
struct Nfs {
    framing: [Framing; 2],
    state: State,
}

#[derive(Debug, Default)]
struct State {
    live: Live<Transaction>,
    events: EventSet,
    /// Names of files that were looked up or made.
    names: Known<Handle, Vec<u8>>,
    /// Calls that wait for their reply, by their number.
    waiting: Known<u32, Waiting>,
    /// By side: the file whose data come in pieces.
    streaming: [Option<Streaming>; 2],
}

/// Data that come in pieces.
#[derive(Clone, Copy, Debug)]
struct Streaming {
    /// The file's transaction.
    id: u64,
    /// Bytes that still come.
    left: usize,
    /// They are the file's last.
    ends: bool,
}

/// A call that waits for its reply.
#[derive(Debug)]
struct Waiting {
    version: u32,
    procedure: u32,
    /// The transaction that its reply completes, or the file that is read or written.
    of: Of,
}

#[derive(Debug)]
enum Of {
    Call(u64),
    Read { handle: Handle, offset: u64, credentials: Credentials },
    Written(u64),
}

impl State {
    fn odd(&mut self, event: u8) {
        match self.live.last_mut() {
            Some(transaction) => transaction.events.add(event),
            None => self.events.add(event),
        }
    }

    /// Takes a message without its mark; of a long one the beginning.
    fn message(&mut self, side: Side, bytes: &[u8], cx: &Context<'_>) {
        match (Message::read(bytes), side) {
            (Some(Message::Call(call)), Side::ToServer) => self.call(call, cx),
            (Some(Message::Reply(reply)), Side::ToClient) => self.reply(&reply, cx),
            (Some(Message::Other), _) => {}
            (Some(Message::Call(_) | Message::Reply(_)) | None, _) => self.odd(event::MALFORMED_DATA),
        }
    }

    fn call(&mut self, call: Call<'_>, cx: &Context<'_>) {
        let Call { id, version, procedure, credentials, arguments } = call;
        let Some(asked) = Asked::read(version, procedure, arguments) else {
            return self.odd(event::MALFORMED_DATA);
        };
        if let (true, Some(handle)) = (asked.closes, &asked.handle) {
            self.close(handle, Side::ToServer, cx);
        }
        let of = match (asked.chunk, &asked.handle) {
            (Some((offset, None)), Some(handle)) => Of::Read { handle: handle.clone(), offset, credentials },
            (Some((offset, Some(data))), Some(handle)) => {
                let number = asked.operation.unwrap_or(procedure);
                let file = self.file(Side::ToServer, handle, (version, number, id), credentials, cx);
                self.chunk(file, Side::ToServer, id, offset, data, false, cx);
                Of::Written(file)
            }
            _ => {
                let known = asked.handle.as_ref().and_then(|handle| self.names.get(handle));
                let transaction = Transaction {
                    call: id,
                    version,
                    procedure: asked.operation.unwrap_or(procedure),
                    credentials,
                    name: if asked.name.is_empty() { known.cloned().unwrap_or_default() } else { asked.name },
                    handle: asked.handle,
                    to: asked.to,
                    ..Transaction::default()
                };
                Of::Call(self.push(transaction, cx))
            }
        };
        self.waiting.insert(id, Waiting { version, procedure, of });
    }

    fn reply(&mut self, reply: &Reply<'_>, cx: &Context<'_>) {
        // One whose call was not seen tells nothing that could be read.
        let Some(Waiting { version, procedure, of }) = self.waiting.remove(&reply.id) else { return };
        let given = reply.outcome.filter(|(outcome, _)| *outcome == 0);
        let given = given.and_then(|(_, results)| Given::read(version, procedure, results));
        let status = given.as_ref().map(|given| given.status);
        let id = match of {
            Of::Read { handle, offset, credentials } => {
                let file =
                    self.file(Side::ToClient, &handle, (version, calls::read(version), reply.id), credentials, cx);
                if let Some((data, end)) = given.and_then(|given| given.data) {
                    self.chunk(file, Side::ToClient, reply.id, offset, data, end, cx);
                    if end && data.missing == 0 {
                        self.close(&handle, Side::ToClient, cx);
                    }
                }
                file
            }
            Of::Written(file) => file,
            Of::Call(id) => {
                let Some(transaction) = self.live.get_mut(id) else { return };
                transaction.done = true;
                // What was looked up or made is what its record is about.
                if let Some(handle) = given.and_then(|given| given.handle) {
                    self.names.insert(handle.clone(), transaction.name.clone());
                    if calls::looks_up(version, procedure) {
                        transaction.handle = Some(handle);
                    }
                } else if calls::looks_up(version, procedure) {
                    transaction.handle = None;
                }
                id
            }
        };
        if let Some(transaction) = self.live.get_mut(id) {
            transaction.accepted = Some(reply.state == 0);
            transaction.status = status.or(transaction.status);
        }
    }

    /// The transaction of a file that a side sends: the open one, or a new one.
    fn file(
        &mut self,
        side: Side,
        handle: &Handle,
        (version, procedure, call): (u32, u32, u32),
        credentials: Credentials,
        cx: &Context<'_>,
    ) -> u64 {
        if let Some(open) = self.live.iter().rev().find(|transaction| transaction.carries(side, handle)) {
            return open.id - 1;
        }
        let name = self.names.get(handle).cloned().unwrap_or_default();
        let transfer = Transfer::new(name.clone(), side, cx.settings);
        let file = OfFile { side, transfer, chunks: 0, first: false, last: false, last_call: call };
        let transaction = Transaction {
            call,
            version,
            procedure,
            credentials,
            name,
            handle: Some(handle.clone()),
            file: Some(Box::new(file)),
            ..Transaction::default()
        };
        self.push(transaction, cx)
    }

    /// Data of a file, its last if it `ends` with them.
    #[allow(clippy::too_many_arguments)]
    fn chunk(&mut self, id: u64, side: Side, call: u32, offset: u64, data: Data<'_>, ends: bool, cx: &Context<'_>) {
        let Some(file) = self.live.get_mut(id).and_then(|transaction| transaction.file.as_deref_mut()) else { return };
        file.chunks = file.chunks.saturating_add(1);
        file.first |= offset == 0;
        file.last_call = call;
        // What comes twice is the transport's affair: calls are repeated (RFC 1813, section 4.5).
        let _ = file.transfer.chunk(offset, data.there, cx.settings);
        self.stream(side, (data.missing > 0).then_some(Streaming { id, left: data.missing, ends }));
    }

    fn close(&mut self, handle: &Handle, side: Side, cx: &Context<'_>) {
        let open = self.live.iter_mut().rev().find(|transaction| transaction.carries(side, handle));
        if let Some(transaction) = open {
            transaction.close(cx.settings);
        }
    }

    /// Adds a transaction; of too many the oldest is complete as it is.
    fn push(&mut self, mut transaction: Transaction, cx: &Context<'_>) -> u64 {
        let most = cx.settings.transactions.max(1);
        if self.live.len() >= most {
            transaction.events.add(event::TOO_MANY_TRANSACTIONS);
            if let Some(oldest) = self.live.iter_mut().find(|transaction| !transaction.done) {
                oldest.close(cx.settings);
            }
            // Nobody has read them.
            if self.live.len() >= 2 * most {
                self.live.remove(self.live.ids().start);
            }
        }
        let id = self.live.ids().end;
        transaction.id = id + 1;
        self.live.push(transaction)
    }

    fn rest(&mut self, side: Side, part: &[u8], cx: &Context<'_>) {
        let Some(mut streaming) = self.streaming(side) else { return };
        let taken = part.get(..streaming.left.min(part.len())).unwrap_or_default();
        streaming.left -= taken.len();
        let Some(transaction) = self.live.get_mut(streaming.id) else { return self.stream(side, None) };
        if let Some(file) = transaction.file.as_deref_mut() {
            file.transfer.more(taken, cx.settings);
        }
        if streaming.left == 0 && streaming.ends {
            transaction.close(cx.settings);
        }
        self.stream(side, (streaming.left > 0).then_some(streaming));
    }

    fn missing(&mut self, side: Side, missing: usize, cx: &Context<'_>) {
        let Some(mut streaming) = self.streaming(side) else { return };
        let missing = missing.min(streaming.left);
        streaming.left -= missing;
        let Some(transaction) = self.live.get_mut(streaming.id) else { return self.stream(side, None) };
        if let Some(file) = transaction.file.as_deref_mut() {
            file.transfer.missing(missing as u64);
        }
        if streaming.left == 0 && streaming.ends {
            transaction.close(cx.settings);
        }
        self.stream(side, (streaming.left > 0).then_some(streaming));
    }

    fn streaming(&self, side: Side) -> Option<Streaming> {
        let [client, server] = self.streaming;
        if side == Side::ToServer { client } else { server }
    }

    fn stream(&mut self, side: Side, file: Option<Streaming>) {
        let [client, server] = &mut self.streaming;
        *(if side == Side::ToServer { client } else { server }) = file;
    }
}

impl Parser for Nfs {
    fn data(&mut self, side: Side, bytes: &[u8], cx: &mut Context<'_>) -> Parsed {
        let Nfs { framing: [client, server], state } = self;
        if cx.transport == Transport::Udp {
            state.message(side, bytes, cx);
            return Parsed::More;
        }
        let framing = if side == Side::ToServer { client } else { server };
        let fine = framing.feed(bytes, &FRAMING, &mut |piece| {
            match piece {
                Piece::Whole(record) | Piece::Head(record, _) => {
                    state.message(side, record.get(4..).unwrap_or_default(), cx);
                }
                Piece::Rest(part, _) => state.rest(side, part, cx),
                Piece::Missing(missing, _) => state.missing(side, missing, cx),
            }
            true
        });
        if fine {
            return Parsed::More;
        }
        state.odd(event::MALFORMED_DATA);
        Parsed::Failed
    }

    fn gap(&mut self, side: Side, len: u64, cx: &mut Context<'_>) -> Parsed {
        let Nfs { framing: [client, server], state } = self;
        let framing = if side == Side::ToServer { client } else { server };
        let mut inside = 0;
        framing.gap(len, &mut |piece| {
            if let Piece::Missing(missing, _) = piece {
                inside = missing as u64;
                state.missing(side, missing, cx);
            }
            true
        });
        if len > inside {
            state.stream(side, None);
            // Replies may be among what is missing.
            if side == Side::ToClient {
                state.live.iter_mut().for_each(|transaction| transaction.done |= transaction.file.is_none());
            }
        }
        Parsed::More
    }

    fn end(&mut self, _: Side, _: &mut Context<'_>) {}

    fn ids(&self) -> Range<u64> {
        self.state.live.ids()
    }

    fn transaction(&self, id: u64) -> Option<&dyn parser::Transaction> {
        self.state.live.get(id).map(|transaction| transaction as _)
    }

    fn release(&mut self, id: u64) {
        self.state.live.remove(id);
    }

    fn events(&self) -> EventSet {
        self.state.events
    }

    fn bytes(&self) -> usize {
        let names = self.state.names.iter().map(|(handle, name)| 48 + handle.len() + name.len());
        self.state.live.iter().map(Transaction::bytes).sum::<usize>()
            + names.sum::<usize>()
            + self.state.waiting.iter().count() * (size_of::<Waiting>() + 64)
            + self.framing.iter().map(Framing::bytes).sum::<usize>()
    }
}
