//! A request and its answer as rules see them, or a file while it is open.

use super::bytes::Guid;
use super::security::{Ntlm, Ticket, Token};
use crate::applayer::Side;
use crate::applayer::dcerpc::call::Call;
use crate::applayer::parser::{self, EventSet, File};
use crate::applayer::transfer::Transfer;
use crate::json::Object;
use crate::rules::ast::Body;
use crate::rules::{Buffer, Field};

/// A request and its answer.
#[derive(Debug)]
pub(super) struct Transaction {
    /// Its number, from 1.
    pub id: u64,
    pub head: Head,
    pub dialect: Dialect,
    pub kind: Kind,
    /// The request's, the answer's side is complete.
    pub done: [bool; 2],
    pub events: EventSet,
}

/// What the headers of both versions say.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Head {
    /// 1 or 2.
    pub version: u8,
    pub command: u16,
    pub status: Status,
    /// A server sent it.
    pub response: bool,
    /// Session of version 2, user of version 1.
    pub session: u64,
    pub tree: u32,
    /// What an answer has in common with its request.
    pub message: u64,
}

/// What a server says of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Status {
    /// Nothing yet.
    #[default]
    None,
    /// MS-ERREF, section 2.3.
    Nt(u32),
    /// Class and code (MS-CIFS, section 2.2.2.4).
    Dos(u8, u16),
}

/// What was negotiated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Dialect {
    #[default]
    Unknown,
    /// One of version 1, by its name.
    Named(Box<[u8]>),
    /// Of version 2 and 3.
    Number(u16),
}

/// What a transaction is about.
#[derive(Debug)]
pub(super) enum Kind {
    Other,
    Negotiate(Box<Negotiate>),
    Session(Box<Session>),
    Tree(Box<Tree>),
    Create(Box<Create>),
    File(Box<OfFile>),
    Rename { guid: Guid, from: Vec<u8>, to: Vec<u8> },
    SetInfo { name: Vec<u8>, delete: bool, function: &'static str, level: &'static str },
    Dcerpc { guid: Guid, call: Box<Call> },
    Ioctl(u32),
}

#[derive(Debug, Default)]
pub(super) struct Negotiate {
    pub names: Vec<Vec<u8>>,
    pub numbers: Vec<u16>,
    pub client: Option<Guid>,
    pub server: Guid,
    pub max_read: u32,
    pub max_write: u32,
}

#[derive(Debug, Default)]
pub(super) struct Session {
    pub ntlm: Option<Ntlm>,
    pub ticket: Option<Ticket>,
    /// Native system and LAN manager of client and server.
    pub hosts: [Option<(Vec<u8>, Vec<u8>)>; 2],
    /// The NTLM message was cut, or its fields lie outside of it.
    pub malformed: bool,
}

impl Session {
    pub(super) fn token(&mut self, token: Token) {
        match token {
            Token::Ntlm(ntlm) => self.ntlm = Some(ntlm),
            Token::Kerberos(ticket) => self.ticket = Some(ticket),
            Token::BadNtlm => self.malformed = true,
            Token::Other => {}
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Tree {
    pub name: Vec<u8>,
    pub pipe: bool,
    pub id: u32,
    pub share_type: u8,
    /// Version 1's service, asked for and told.
    pub services: [Vec<u8>; 2],
}

#[derive(Debug, Default)]
pub(super) struct Create {
    pub name: Vec<u8>,
    pub directory: bool,
    pub delete_on_close: bool,
    pub disposition: u32,
    /// Created, accessed, modified, changed: seconds since 1970.
    pub times: [u64; 4],
    pub size: u64,
    pub guid: Guid,
}

#[derive(Debug)]
pub(super) struct OfFile {
    pub guid: Guid,
    pub share: Vec<u8>,
    /// Who sends it.
    pub side: Side,
    pub transfer: Transfer,
}

impl Transaction {
    pub(super) fn odd(&mut self, event: u8) {
        self.events.add(event);
    }

    /// A side is complete.
    pub(super) fn finish(&mut self, side: Side) {
        let [client, server] = &mut self.done;
        *(if side == Side::ToServer { client } else { server }) = true;
    }

    pub(super) fn is_done(&self, side: Side) -> bool {
        let [client, server] = self.done;
        if side == Side::ToServer { client } else { server }
    }

    /// Bytes on the heap, about.
    pub(super) fn bytes(&self) -> usize {
        let inside = match &self.kind {
            Kind::Other | Kind::Ioctl(_) => 0,
            Kind::Negotiate(it) => {
                size_of::<Negotiate>()
                    + it.names.iter().map(|name| 24 + name.len()).sum::<usize>()
                    + it.numbers.len() * 2
            }
            Kind::Session(it) => {
                let ntlm = it.ntlm.as_ref().map_or(0, |ntlm| ntlm.domain.len() + ntlm.user.len() + ntlm.host.len());
                let hosts = it.hosts.iter().flatten().map(|(system, manager)| system.len() + manager.len());
                let names = it.ticket.iter().flat_map(|ticket| &ticket.names).map(|name| 24 + name.len());
                size_of::<Session>() + ntlm + hosts.sum::<usize>() + names.sum::<usize>()
            }
            Kind::Tree(it) => size_of::<Tree>() + it.name.len() + it.services.iter().map(Vec::len).sum::<usize>(),
            Kind::Create(it) => size_of::<Create>() + it.name.len(),
            Kind::File(it) => size_of::<OfFile>() + it.share.len() + it.transfer.bytes(),
            Kind::Rename { from, to, .. } => from.len() + to.len(),
            Kind::SetInfo { name, .. } => name.len(),
            Kind::Dcerpc { call, .. } => size_of::<Call>() + call.bytes(),
        };
        size_of::<Transaction>() + inside
    }
}

impl parser::Transaction for Transaction {
    fn progress(&self, side: Side) -> u8 {
        // Whether a tree is a pipe is told by the answer.
        let waits = matches!(self.kind, Kind::Tree(_)) && !self.is_done(Side::ToClient);
        u8::from(self.is_done(side) && !waits)
    }

    fn buffer<'a>(&'a self, buffer: Buffer, side: Side, index: usize, _: &'a mut Vec<u8>) -> Option<&'a [u8]> {
        if index > 0 {
            return None;
        }
        match (&self.kind, buffer, side) {
            (Kind::Tree(tree), Buffer::SmbNamedPipe, Side::ToServer) => tree.pipe.then_some(&tree.name),
            (Kind::Tree(tree), Buffer::SmbShare, Side::ToServer) => (!tree.pipe).then_some(&tree.name),
            (Kind::Session(session), Buffer::SmbNtlmsspUser, Side::ToServer) => Some(&session.ntlm.as_ref()?.user),
            (Kind::Session(session), Buffer::SmbNtlmsspDomain, Side::ToServer) => Some(&session.ntlm.as_ref()?.domain),
            (Kind::Dcerpc { call, .. }, ..) => call.buffer(buffer, side),
            _ => None,
        }
    }

    fn number(&self, field: Field, _: Side, index: usize) -> Option<i64> {
        match (field, &self.kind) {
            _ if index > 0 => None,
            (Field::SmbVersion, _) => Some(self.head.version.into()),
            (_, Kind::Dcerpc { call, .. }) => call.number(field),
            _ => None,
        }
    }

    fn holds(&self, test: &Body, _: Side) -> bool {
        if let Kind::Dcerpc { call, .. } = &self.kind { call.holds(test) } else { false }
    }

    fn little_endian(&self, side: Side) -> bool {
        if let Kind::Dcerpc { call, .. } = &self.kind { call.is_little(side) } else { false }
    }

    fn events(&self) -> EventSet {
        self.events
    }

    fn files(&self) -> &[File] {
        if let Kind::File(file) = &self.kind { file.transfer.files() } else { &[] }
    }

    fn eve(&self, object: &mut Object<'_>) {
        super::eve::write(self, object);
    }
}
