//! DCE/RPC over TCP and in datagrams (C706, MS-RPCE). A transaction is a bind or a call with its answer, its fragments
//! put together; SMB's pipes use the same calls.

pub(in crate::applayer) mod call;
pub(in crate::applayer) mod pdu;

#[cfg(test)]
mod tests;

use std::ops::Range;

use super::frames::{Framing, Piece};
use super::parser::{self, Context, Live, Parsed, Parser, Protocol};
use super::{AppProto, Side, Transport};
use crate::json::Object;
use crate::rules::ast::Body;
use crate::rules::{Buffer, Field};
use call::{Association, Call};
use pdu::{Datagram, Pdu, kind};

/// DCE/RPC.
pub static PROTOCOL: Protocol = Protocol {
    app: AppProto::Dcerpc,
    parser: |_| Box::new(Dcerpc::default()),
    events: &[],
    ready: |_, _| 1,
    complete: [1, 1],
    eve: Some("dcerpc"),
};

/// Reads a connection, or the datagrams of a flow.
#[derive(Debug, Default)]
struct Dcerpc {
    framing: [Framing; 2],
    calls: Calls,
}

#[derive(Debug, Default)]
struct Calls {
    association: Association,
    live: Live<Transaction>,
}

/// A call and its answer.
#[derive(Debug, Default)]
struct Transaction(Call);

impl Calls {
    /// Takes a unit of a connection.
    fn unit(&mut self, side: Side, pdu: &Pdu<'_>, cx: &Context<'_>) {
        // What belongs to no call of its own: what authenticates, cancels, or closes.
        let own = match side {
            Side::ToServer => matches!(pdu.kind, kind::REQUEST | kind::BIND | kind::ALTER_CONTEXT),
            Side::ToClient => matches!(
                pdu.kind,
                kind::RESPONSE
                    | kind::FAULT
                    | kind::REJECT
                    | kind::BIND_ACK
                    | kind::BIND_NAK
                    | kind::ALTER_CONTEXT_RESPONSE
            ),
        };
        if !own {
            return;
        }
        let known = self.live.iter_mut().rev().any(|transaction| transaction.0.goes_on(side, pdu));
        if !known {
            let mut call = Call::new(pdu.call);
            if side == Side::ToClient {
                call.finish(Side::ToServer);
            }
            self.push(call, cx);
        }
        let Calls { association, live } = self;
        let open = live.iter_mut().rev().find(|transaction| !known || transaction.0.goes_on(side, pdu));
        let Some(Transaction(call)) = open else { return };
        match side {
            Side::ToServer => association.request(pdu, call),
            Side::ToClient => association.response(pdu, call),
        }
    }

    fn datagram(&mut self, side: Side, bytes: &[u8], cx: &Context<'_>) {
        let Some(Datagram { pdu, activity, sequence, interface, version, opnum }) = Datagram::read(bytes) else {
            return;
        };
        let open = |transaction: &&mut Transaction| transaction.0.is_of(&activity, sequence);
        if let Some(Transaction(call)) = self.live.iter_mut().rev().find(open) {
            call.datagram(side, &pdu);
        } else if matches!(pdu.kind, kind::REQUEST | kind::RESPONSE) {
            let mut call = Call::of_activity(activity, sequence, interface, version, opnum);
            if side == Side::ToClient {
                call.finish(Side::ToServer);
            }
            call.datagram(side, &pdu);
            self.push(call, cx);
        }
    }

    /// Adds a call; of too many the oldest is complete as it is.
    fn push(&mut self, call: Call, cx: &Context<'_>) {
        if self.live.len() >= cx.settings.transactions.max(1) {
            self.live.remove(self.live.ids().start);
        }
        self.live.push(Transaction(call));
    }
}

impl Parser for Dcerpc {
    fn data(&mut self, side: Side, bytes: &[u8], cx: &mut Context<'_>) -> Parsed {
        let Dcerpc { framing: [client, server], calls } = self;
        if cx.transport == Transport::Udp {
            calls.datagram(side, bytes, cx);
            return Parsed::More;
        }
        let framing = if side == Side::ToServer { client } else { server };
        let fine = framing.feed(bytes, &pdu::FRAMING, &mut |piece| {
            if let Piece::Whole(message) = piece
                && let Some(pdu) = Pdu::read(message)
            {
                calls.unit(side, &pdu, cx);
            }
            true
        });
        if fine { Parsed::More } else { Parsed::Failed }
    }

    fn gap(&mut self, side: Side, len: u64, _: &mut Context<'_>) -> Parsed {
        let Dcerpc { framing: [client, server], calls } = self;
        let framing = if side == Side::ToServer { client } else { server };
        framing.gap(len, &mut |_| true);
        for Transaction(call) in calls.live.iter_mut() {
            if side == Side::ToClient || !call.is_done(side) {
                call.finish(side);
            }
        }
        Parsed::More
    }

    fn end(&mut self, side: Side, _: &mut Context<'_>) {
        if side == Side::ToServer {
            self.calls.live.iter_mut().for_each(|transaction| transaction.0.finish(side));
        }
    }

    fn ids(&self) -> Range<u64> {
        self.calls.live.ids()
    }

    fn transaction(&self, id: u64) -> Option<&dyn parser::Transaction> {
        self.calls.live.get(id).map(|transaction| transaction as _)
    }

    fn release(&mut self, id: u64) {
        self.calls.live.remove(id);
    }

    fn bytes(&self) -> usize {
        let calls = self.calls.live.iter().map(|call| size_of::<Transaction>() + call.0.bytes()).sum::<usize>();
        calls + self.framing.iter().map(Framing::bytes).sum::<usize>() + self.calls.association.bytes()
    }
}

impl parser::Transaction for Transaction {
    fn progress(&self, side: Side) -> u8 {
        self.0.is_done(side).into()
    }

    fn buffer<'a>(&'a self, buffer: Buffer, side: Side, index: usize, _: &'a mut Vec<u8>) -> Option<&'a [u8]> {
        if index == 0 { self.0.buffer(buffer, side) } else { None }
    }

    fn number(&self, field: Field, _: Side, index: usize) -> Option<i64> {
        if index == 0 { self.0.number(field) } else { None }
    }

    fn holds(&self, test: &Body, _: Side) -> bool {
        self.0.holds(test)
    }

    fn little_endian(&self, side: Side) -> bool {
        self.0.is_little(side)
    }

    fn eve(&self, object: &mut Object<'_>) {
        self.0.eve(object, false);
    }
}
