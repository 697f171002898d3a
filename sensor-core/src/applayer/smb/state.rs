//! What a connection knows: its transactions, trees, open files and pipes.

#![expect(clippy::wildcard_enum_match_arm, reason = "each place is about one or two kinds of many")]

use super::bytes::Guid;
use super::transaction::{Dialect, Head, Kind, OfFile, Status, Transaction};
use super::{event, smb1, smb2};
use crate::applayer::Side;
use crate::applayer::dcerpc::call::{Association, Call};
use crate::applayer::dcerpc::pdu::{self, Pdu, kind};
use crate::applayer::frames::{Framing, Piece};
use crate::applayer::known::Known;
use crate::applayer::parser::{Context, EventSet, Live};
use crate::applayer::transfer::{Odd, Transfer};

/// What a connection knows.
#[derive(Debug, Default)]
pub(super) struct State {
    pub live: Live<Transaction>,
    pub events: EventSet,
    pub dialect: Dialect,
    /// The largest read and write that the server allows, of version 2; 0 if it is not known.
    pub most: [u32; 2],
    /// Trees by session and number.
    pub trees: Known<(u64, u32), Share>,
    /// Names of open files.
    pub names: Known<Guid, Vec<u8>>,
    /// Reads and writes that wait for their answer, by message.
    pub waiting: Known<u64, Chunk>,
    pipes: Known<Guid, Pipe>,
    /// By side: the file whose chunk comes in pieces, and how many bytes of it still do.
    streaming: [Option<(u64, usize)>; 2],
}

/// A tree.
#[derive(Debug, Default)]
pub(super) struct Share {
    pub name: Vec<u8>,
    pub pipe: bool,
}

/// A part of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chunk {
    pub guid: Guid,
    pub offset: u64,
}

/// An open pipe.
#[derive(Debug, Default)]
struct Pipe {
    association: Association,
    framing: [Framing; 2],
}

impl State {
    /// Bytes on the heap, about.
    pub(super) fn bytes(&self) -> usize {
        let pipe = |(_, pipe): &(Guid, Pipe)| {
            size_of::<Pipe>() + pipe.association.bytes() + pipe.framing.iter().map(Framing::bytes).sum::<usize>()
        };
        self.live.iter().map(Transaction::bytes).sum::<usize>()
            + self.trees.iter().map(|(_, share)| 64 + share.name.len()).sum::<usize>()
            + self.names.iter().map(|(_, name)| 40 + name.len()).sum::<usize>()
            + self.waiting.iter().count() * 40
            + self.pipes.iter().map(pipe).sum::<usize>()
    }

    /// What belongs to no transaction is noted at the last one, else at the flow.
    pub(super) fn odd(&mut self, event: u8) {
        match self.live.last_mut() {
            Some(transaction) => transaction.odd(event),
            None => self.events.add(event),
        }
    }

    /// A message with the session service's header; of a long one its beginning.
    pub(super) fn record(&mut self, side: Side, bytes: &[u8], cx: &Context<'_>) {
        let (Some(0), Some(message)) = (bytes.first(), bytes.get(4..)) else { return };
        match message {
            [0xff, b'S', b'M', b'B', ..] => smb1::message(self, side, message, cx),
            [0xfe, b'S', b'M', b'B', ..] => smb2::messages(self, side, message, cx),
            // Encrypted or compressed.
            [0xfd | 0xfc, b'S', b'M', b'B', ..] => {}
            _ => self.odd(event::MALFORMED_DATA),
        }
    }

    /// What follows the beginning of a long message.
    pub(super) fn rest(&mut self, side: Side, part: &[u8], left: usize, cx: &Context<'_>) {
        let Some((id, wanted)) = self.streaming(side) else { return };
        let taken = part.get(..wanted.min(part.len())).unwrap_or_default();
        if let Some(Transaction { kind: Kind::File(file), .. }) = self.live.get_mut(id) {
            file.transfer.more(taken, cx.settings);
        }
        self.stream(side, (left > 0).then_some((id, wanted - taken.len())));
    }

    /// Bytes that follow the beginning of a long message were not captured.
    pub(super) fn missing(&mut self, side: Side, missing: usize, left: usize) {
        let Some((id, wanted)) = self.streaming(side) else { return };
        let missing = missing.min(wanted);
        if let Some(Transaction { kind: Kind::File(file), .. }) = self.live.get_mut(id) {
            file.transfer.missing(missing as u64);
        }
        self.stream(side, (left > 0).then_some((id, wanted - missing)));
    }

    /// Whole messages of a side were not captured: what waits for them waits no longer.
    pub(super) fn lost(&mut self, side: Side) {
        self.stream(side, None);
        if side == Side::ToClient {
            for transaction in self.live.iter_mut().filter(|transaction| !matches!(transaction.kind, Kind::File(_))) {
                transaction.finish(Side::ToClient);
            }
        }
    }

    /// A request begins a transaction.
    pub(super) fn open(&mut self, head: Head, kind: Kind, cx: &Context<'_>) -> u64 {
        let most = cx.settings.transactions.max(1);
        if self.live.len() >= most {
            if let Some(oldest) = self.live.iter_mut().find(|transaction| transaction.done != [true; 2]) {
                oldest.odd(event::TOO_MANY_TRANSACTIONS);
                oldest.done = [true; 2];
            }
            // Nobody has read them.
            if self.live.len() >= 2 * most {
                self.live.remove(self.live.ids().start);
            }
        }
        let id = self.live.ids().end;
        let dialect = self.dialect.clone();
        let done = [!matches!(kind, Kind::File(_)), false];
        let mut events = EventSet::NONE;
        if matches!(&kind, Kind::Session(session) if session.malformed) {
            events.add(event::MALFORMED_NTLMSSP_REQUEST);
        }
        self.live.push(Transaction { id: id + 1, head, dialect, kind, done, events })
    }

    /// The transaction that an answer is of: it is complete with it.
    pub(super) fn answered(&mut self, head: &Head) -> Option<&mut Transaction> {
        let dialect = &self.dialect;
        let transaction = self.live.iter_mut().rev().find(|transaction| {
            let asked = &transaction.head;
            // A negotiation that begins in version 1 may end in version 2.
            let same = asked.message == head.message && asked.command == head.command && asked.version == head.version
                || matches!(transaction.kind, Kind::Negotiate(_)) && head.version == 2 && head.command == 0;
            same && !transaction.is_done(Side::ToClient) && !matches!(transaction.kind, Kind::File(_))
        })?;
        transaction.head.status = head.status;
        transaction.head.version = head.version;
        if head.version == 2 && transaction.head.command == smb1::NEGOTIATE {
            transaction.head.command = head.command;
        }
        transaction.dialect = dialect.clone();
        if !matches!(transaction.kind, Kind::Dcerpc { .. }) {
            transaction.finish(Side::ToClient);
        }
        Some(transaction)
    }

    /// Whether a tree is one of pipes; where it is not known, whether a call begins here.
    pub(super) fn is_pipe(&self, head: &Head, data: &[u8]) -> bool {
        self.trees.get(&(head.session, head.tree)).map_or_else(|| Pdu::begins(data), |share| share.pipe)
    }

    /// Data of a file, of which `missing` bytes still come.
    pub(super) fn chunk(
        &mut self,
        head: &Head,
        side: Side,
        at: Chunk,
        data: &[u8],
        missing: usize,
        cx: &Context<'_>,
    ) -> Option<u64> {
        let open = self.live.iter().rev().find_map(|transaction| match &transaction.kind {
            Kind::File(file) if file.guid == at.guid && file.side == side && transaction.done != [true; 2] => {
                Some(transaction.id - 1)
            }
            _ => None,
        });
        let id = open.unwrap_or_else(|| {
            let share = self.trees.get(&(head.session, head.tree)).map(|share| share.name.clone()).unwrap_or_default();
            let name = self.names.get(&at.guid).cloned().unwrap_or_default();
            let transfer = Transfer::new(name, side, cx.settings);
            let head = Head { status: Status::None, ..*head };
            self.open(head, Kind::File(Box::new(OfFile { guid: at.guid, share, side, transfer })), cx)
        });
        let known = self.trees.get(&(head.session, head.tree)).is_some();
        let transaction = self.live.get_mut(id)?;
        if side == Side::ToClient {
            transaction.head.status = head.status;
        }
        if let Kind::File(file) = &mut transaction.kind
            && let Some(odd) = file.transfer.chunk(at.offset, data, cx.settings)
            // What is no known tree may be a pipe, where offsets mean nothing.
            && (known || odd != Odd::Overlap)
        {
            transaction.odd(match (odd, side) {
                (Odd::Overlap, _) => event::FILE_OVERLAP,
                (Odd::QueueSize, Side::ToServer) => event::WRITE_QUEUE_SIZE_EXCEEDED,
                (Odd::QueueSize, Side::ToClient) => event::READ_QUEUE_SIZE_EXCEEDED,
                (Odd::QueueCount, Side::ToServer) => event::WRITE_QUEUE_CNT_EXCEEDED,
                (Odd::QueueCount, Side::ToClient) => event::READ_QUEUE_CNT_EXCEEDED,
            });
        }
        if missing > 0 {
            self.stream(side, Some((id, missing)));
        }
        Some(id)
    }

    /// The server's answer to a write.
    pub(super) fn written(&mut self, guid: &Guid, status: Status) {
        for transaction in self.live.iter_mut().rev() {
            if let Kind::File(file) = &transaction.kind
                && file.guid == *guid
                && file.side == Side::ToServer
            {
                transaction.head.status = status;
                return;
            }
        }
    }

    /// A file was closed, in one direction or both.
    pub(super) fn close(&mut self, guid: &Guid, side: Option<Side>, cx: &Context<'_>) {
        for transaction in self.live.iter_mut() {
            if let Kind::File(file) = &mut transaction.kind
                && file.guid == *guid
                && side.is_none_or(|side| file.side == side)
                && transaction.done != [true; 2]
            {
                file.transfer.close(cx.settings);
                transaction.done = [true; 2];
            }
        }
        if side.is_none() {
            self.names.remove(guid);
            self.pipes.remove(guid);
        }
    }

    /// Data of a pipe: calls and their answers. Tells whether there were any.
    pub(super) fn pipe(&mut self, head: &Head, side: Side, guid: Guid, data: &[u8], cx: &Context<'_>) -> bool {
        let mut pipe = self.pipes.remove(&guid).unwrap_or_default();
        let Pipe { association, framing: [client, server] } = &mut pipe;
        let framing = if side == Side::ToServer { client } else { server };
        let fine = framing.feed(data, &pdu::FRAMING, &mut |piece| {
            if let Piece::Whole(message) = piece
                && let Some(pdu) = Pdu::read(message)
            {
                self.unit(head, side, guid, &pdu, association, cx);
            }
            true
        });
        if fine {
            self.pipes.insert(guid, pipe);
        }
        fine
    }

    fn unit(
        &mut self,
        head: &Head,
        side: Side,
        guid: Guid,
        pdu: &Pdu<'_>,
        association: &mut Association,
        cx: &Context<'_>,
    ) {
        let own = match side {
            Side::ToServer => matches!(pdu.kind, kind::REQUEST | kind::BIND | kind::ALTER_CONTEXT),
            Side::ToClient => !matches!(pdu.kind, kind::REQUEST | kind::BIND | kind::ALTER_CONTEXT),
        };
        if !own {
            return;
        }
        let open = self.live.iter().rev().find_map(|transaction| match &transaction.kind {
            Kind::Dcerpc { guid: of, call } if *of == guid && call.goes_on(side, pdu) => Some(transaction.id - 1),
            _ => None,
        });
        let id = open.unwrap_or_else(|| {
            let mut call = Call::new(pdu.call);
            if side == Side::ToClient {
                call.finish(Side::ToServer);
            }
            self.open(*head, Kind::Dcerpc { guid, call: Box::new(call) }, cx)
        });
        let Some(transaction) = self.live.get_mut(id) else { return };
        let Kind::Dcerpc { call, .. } = &mut transaction.kind else { return };
        match side {
            Side::ToServer => association.request(pdu, call),
            Side::ToClient => association.response(pdu, call),
        }
        transaction.done = [Side::ToServer, Side::ToClient].map(|side| call.is_done(side));
        if side == Side::ToClient {
            transaction.head.status = head.status;
        }
    }

    fn streaming(&self, side: Side) -> Option<(u64, usize)> {
        let [client, server] = self.streaming;
        if side == Side::ToServer { client } else { server }
    }

    fn stream(&mut self, side: Side, file: Option<(u64, usize)>) {
        let [client, server] = &mut self.streaming;
        *(if side == Side::ToServer { client } else { server }) = file;
    }
}
