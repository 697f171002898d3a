//! Messages of version 1 (MS-CIFS, section 2.2; MS-SMB, section 2.2).

#![expect(clippy::wildcard_enum_match_arm, reason = "each place is about one or two kinds of many")]

use super::bytes::{Guid, ended, guid_at, plain, u8_at, u16_at, u32_at, u64_at};
use super::event;
use super::security::Token;
use super::smb2::unix;
use super::state::{Chunk, Share, State};
use super::transaction::{Create, Dialect, Head, Kind, Negotiate, Session, Status, Tree};
use crate::applayer::Side;
use crate::applayer::parser::Context;

pub(super) const NEGOTIATE: u16 = 0x72;

/// Commands (MS-CIFS, section 2.2.2.1).
mod command {
    pub const CLOSE: u16 = 0x04;
    pub const RENAME: u16 = 0x07;
    pub const WRITE: u16 = 0x0b;
    pub const TRANS: u16 = 0x25;
    pub const WRITE_AND_CLOSE: u16 = 0x2c;
    pub const READ_ANDX: u16 = 0x2e;
    pub const WRITE_ANDX: u16 = 0x2f;
    pub const TRANS2: u16 = 0x32;
    pub const TREE_DISCONNECT: u16 = 0x71;
    pub const NEGOTIATE: u16 = super::NEGOTIATE;
    pub const SESSION_SETUP_ANDX: u16 = 0x73;
    pub const TREE_CONNECT_ANDX: u16 = 0x75;
    pub const NT_CREATE_ANDX: u16 = 0xa2;
}

const HEADER: usize = 32;
/// Commands of a chain that are read.
const MOST_CHAINED: usize = 16;
/// Dialects of a negotiation that are kept.
const MOST_DIALECTS: usize = 32;

/// A command's parameters and data, in their message.
struct Block<'a> {
    message: &'a [u8],
    words: &'a [u8],
    data: &'a [u8],
    /// Where the data begins in the message.
    at: usize,
    /// Texts are in UTF-16.
    wide: bool,
}

/// Reads a message, and the commands that are chained to it (MS-CIFS, section 2.2.3.4).
pub(super) fn message(state: &mut State, side: Side, message: &[u8], cx: &Context<'_>) {
    let Some((mut head, wide)) = header(message) else { return state.odd(event::MALFORMED_DATA) };
    match (head.response, side) {
        (true, Side::ToServer) => return state.odd(event::RESPONSE_TO_SERVER),
        (false, Side::ToClient) => return state.odd(event::REQUEST_TO_CLIENT),
        _ => {}
    }
    let mut at = HEADER;
    for _ in 0..MOST_CHAINED {
        let Some(block) = block(message, at, wide) else { return state.odd(event::MALFORMED_DATA) };
        if head.response {
            response(state, &head, &block, cx);
        } else {
            request(state, &head, &block, cx);
        }
        let (next, offset) = (u8_at(block.words, 0), u16_at(block.words, 2));
        let (true, Some(next), Some(offset)) = (chains(head.command), next, offset) else { return };
        // 0xff ends a chain, and each command lies behind the one before.
        if next == 0xff || usize::from(offset) <= at {
            return;
        }
        (head.command, at) = (next.into(), offset.into());
    }
}

/// Whether a command may have another chained to it.
fn chains(command: u16) -> bool {
    matches!(command, 0x24 | 0x2d..=0x2f | 0x73..=0x75 | 0xa2)
}

fn header(message: &[u8]) -> Option<(Head, bool)> {
    let bytes = message.get(..HEADER)?;
    let (flags, flags2) = (u8_at(bytes, 9)?, u16_at(bytes, 10)?);
    let response = flags & 0x80 != 0;
    let status = match (response, u32_at(bytes, 5)?, flags2 & 0x4000 != 0) {
        (false, ..) => Status::None,
        (true, status, true) => Status::Nt(status),
        (true, 0, false) => Status::Nt(0),
        (true, ..) => Status::Dos(u8_at(bytes, 5)?, u16_at(bytes, 7)?),
    };
    // Process and multiplex number.
    let message = u64::from(u16_at(bytes, 26)?) << 16 | u64::from(u16_at(bytes, 30)?);
    let head = Head {
        version: 1,
        command: u8_at(bytes, 4)?.into(),
        status,
        response,
        session: u16_at(bytes, 28)?.into(),
        tree: u16_at(bytes, 24)?.into(),
        message,
    };
    Some((head, flags2 & 0x8000 != 0))
}

fn block(message: &[u8], at: usize, wide: bool) -> Option<Block<'_>> {
    let words = usize::from(u8_at(message, at)?) * 2;
    let words = message.get(at + 1..)?.get(..words)?;
    let at = at + 1 + words.len() + 2;
    // The count of bytes is too small for large writes (MS-SMB, section 2.2.4.3.1), and left out by some answers.
    let data = message.get(at..).unwrap_or_default();
    Some(Block { message, words, data, at, wide })
}

impl<'a> Block<'a> {
    /// Data from a place in the message on, as far as it is there, and how many bytes still come.
    fn part(&self, at: usize, length: usize) -> (&'a [u8], usize) {
        let there = self.message.get(at..).unwrap_or_default();
        let there = there.get(..length).unwrap_or(there);
        (there, length - there.len())
    }

    /// Texts from a place in the data on, each behind its zero; in UTF-16 they are aligned in the message.
    fn texts(&self, from: usize) -> impl Iterator<Item = Vec<u8>> + use<'a> {
        let pad = usize::from(self.wide && (self.at + from) % 2 == 1);
        let (mut rest, wide) = (self.data.get(from + pad..).unwrap_or_default(), self.wide);
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let (text, after) = ended(rest, wide);
            rest = after;
            Some(plain(text))
        })
    }
}

/// A file's number in its tree, as what version 2 has for it.
fn guid(head: &Head, file: u16) -> Guid {
    let mut guid = [0; 16];
    let parts = file.to_le_bytes().into_iter().chain(head.tree.to_le_bytes()).chain(head.session.to_le_bytes());
    guid.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
    guid
}

fn request(state: &mut State, head: &Head, block: &Block<'_>, cx: &Context<'_>) {
    let words = block.words;
    let kind = match head.command {
        command::NEGOTIATE => Some(Kind::Negotiate(Box::new(negotiate(state, block)))),
        command::SESSION_SETUP_ANDX => setup(block).map(|session| Kind::Session(Box::new(session))),
        command::TREE_CONNECT_ANDX => u16_at(words, 6).map(|password| {
            let mut tree = Tree { name: block.texts(password.into()).next().unwrap_or_default(), ..Tree::default() };
            // The service is never in UTF-16.
            let service = block.data.strip_suffix(&[0]).unwrap_or(block.data);
            let from = service.iter().rposition(|byte| *byte == 0).map_or(0, |at| at + 1);
            let [asked, _] = &mut tree.services;
            *asked = plain(service.get(from..).unwrap_or_default());
            Kind::Tree(Box::new(tree))
        }),
        command::NT_CREATE_ANDX => create(block).map(|create| Kind::Create(Box::new(create))),
        command::CLOSE => u16_at(words, 0).map(|file| {
            state.close(&guid(head, file), None, cx);
            Kind::Other
        }),
        command::RENAME => {
            let names = || {
                let (from, rest) = ended(block.data.get(1..)?, block.wide);
                let (to, _) = ended(rest.get(1 + usize::from(block.wide)..)?, block.wide);
                Some(Kind::Rename { guid: [0; 16], from: plain(from), to: plain(to) })
            };
            names()
        }
        command::READ_ANDX => {
            let high = u32_at(words, 20).unwrap_or_default();
            if let (Some(file), Some(low)) = (u16_at(words, 4), u32_at(words, 6)) {
                let offset = u64::from(high) << 32 | u64::from(low);
                state.waiting.insert(head.message, Chunk { guid: guid(head, file), offset });
            }
            return;
        }
        command::WRITE_ANDX | command::WRITE | command::WRITE_AND_CLOSE => {
            return write(state, head, block, cx).unwrap_or_else(|| state.odd(event::MALFORMED_DATA));
        }
        command::TRANS => {
            let function = u16_at(words, 28);
            let (Some(length), Some(at)) = (u16_at(words, 22), u16_at(words, 24)) else {
                return state.odd(event::MALFORMED_DATA);
            };
            // TRANS_TRANSACT_NMPIPE, TRANS_RAW_WRITE_NMPIPE, TRANS_WRITE_NMPIPE (MS-CIFS, section 2.2.5).
            if let (Some(0x26 | 0x31 | 0x37), Some(file)) = (function, u16_at(words, 30)) {
                let guid = guid(head, file);
                let (data, _) = block.part(at.into(), length.into());
                state.waiting.insert(head.message, Chunk { guid, offset: 0 });
                state.pipe(head, Side::ToServer, guid, data, cx);
            }
            return;
        }
        command::TRANS2 => match trans2(state, head, block) {
            Some(kind) => Some(kind),
            None => return,
        },
        command::TREE_DISCONNECT => {
            state.trees.remove(&(head.session, head.tree));
            Some(Kind::Other)
        }
        _ => Some(Kind::Other),
    };
    let malformed = kind.is_none();
    let id = state.open(*head, kind.unwrap_or(Kind::Other), cx);
    if let Some(transaction) = state.live.get_mut(id)
        && malformed
    {
        transaction.odd(event::MALFORMED_DATA);
    }
}

fn response(state: &mut State, head: &Head, block: &Block<'_>, cx: &Context<'_>) {
    let words = block.words;
    let fine = matches!(head.status, Status::Nt(0 | 0x8000_0005));
    match head.command {
        command::READ_ANDX => {
            let Some(at) = state.waiting.remove(&head.message).filter(|_| fine) else { return };
            let (Some(low), Some(place)) = (u16_at(words, 10), u16_at(words, 12)) else {
                return state.odd(event::MALFORMED_DATA);
            };
            let length = usize::from(u16_at(words, 14).unwrap_or_default()) << 16 | usize::from(low);
            let (data, missing) = block.part(place.into(), length);
            if state.is_pipe(head, data) {
                state.pipe(head, Side::ToClient, at.guid, data, cx);
            } else {
                state.chunk(head, Side::ToClient, at, data, missing, cx);
            }
            return;
        }
        command::WRITE_ANDX | command::WRITE | command::WRITE_AND_CLOSE => {
            if let Some(at) = state.waiting.remove(&head.message) {
                state.written(&at.guid, head.status);
            }
            return;
        }
        command::TRANS => {
            let Some(at) = state.waiting.remove(&head.message) else { return };
            if let (Some(length), Some(place)) = (u16_at(words, 12), u16_at(words, 14)) {
                let (data, _) = block.part(place.into(), length.into());
                state.pipe(head, Side::ToClient, at.guid, data, cx);
            }
            return;
        }
        _ => {}
    }
    if let (command::NEGOTIATE, Some(index)) = (head.command, u16_at(words, 0)) {
        let asked = state.live.iter().rev().find_map(|transaction| match &transaction.kind {
            Kind::Negotiate(it) => it.names.get(usize::from(index)),
            _ => None,
        });
        if let Some(name) = asked {
            state.dialect = Dialect::Named(name.as_slice().into());
        }
    }
    let (mut opened, mut tree) = (None, None);
    let Some(transaction) = state.answered(head) else { return };
    match &mut transaction.kind {
        // With extended security the server's GUID comes first (MS-SMB, section 2.2.4.5.2.1).
        Kind::Negotiate(it) if words.len() == 34 && u32_at(words, 19).is_some_and(|caps| caps & 0x8000_0000 != 0) => {
            it.server = guid_at(block.data, 0).unwrap_or_default();
        }
        Kind::Session(it) => {
            let token = if words.len() == 8 { u16_at(words, 6).unwrap_or_default() } else { 0 };
            let mut texts = block.texts(token.into());
            let [_, told] = &mut it.hosts;
            *told = texts.next().map(|system| (system, texts.next().unwrap_or_default()));
            transaction.head.session = head.session;
        }
        Kind::Tree(it) if fine => {
            let [asked, told] = &mut it.services;
            *told = plain(ended(block.data, false).0);
            it.pipe = told == b"IPC" || (told.is_empty() && asked == b"IPC");
            it.id = head.tree;
            transaction.head.tree = head.tree;
            tree = Some(Share { name: it.name.clone(), pipe: it.pipe });
        }
        Kind::Create(it) if fine => {
            it.times = [11, 19, 27, 35].map(|at| unix(u64_at(words, at).unwrap_or_default()));
            it.size = u64_at(words, 55).unwrap_or_default();
            it.guid = guid(head, u16_at(words, 5).unwrap_or_default());
            opened = Some((it.guid, it.name.clone()));
        }
        _ => {}
    }
    if let Some((guid, name)) = opened {
        state.names.insert(guid, name);
    }
    if let Some(share) = tree {
        state.trees.insert((head.session, head.tree), share);
    }
}

/// MS-CIFS, section 2.2.4.52.1: dialects behind a 2 each.
fn negotiate(state: &mut State, block: &Block<'_>) -> Negotiate {
    let mut found = Negotiate::default();
    let count = usize::from(u16_at(block.message, block.at.saturating_sub(2)).unwrap_or_default());
    let mut rest = block.data.get(..count).unwrap_or(block.data);
    while let (Some((2, after)), true) = (rest.split_first(), found.names.len() < MOST_DIALECTS) {
        let (name, after) = ended(after, false);
        found.names.push(plain(name));
        rest = after;
    }
    if !rest.is_empty() || found.names.is_empty() {
        state.odd(event::NEGOTIATE_MALFORMED_DIALECTS);
    }
    found
}

/// MS-SMB, section 2.2.4.6.1, and without extended security MS-CIFS, section 2.2.4.53.1.
fn setup(block: &Block<'_>) -> Option<Session> {
    let mut session = Session::default();
    let length = usize::from(u16_at(block.words, 14)?);
    let mut host = |from: usize, skip: usize| {
        let mut texts = block.texts(from).skip(skip);
        let [asked, _] = &mut session.hosts;
        *asked = texts.next().map(|system| (system, texts.next().unwrap_or_default()));
    };
    if block.words.len() == 24 {
        host(length, 0);
        session.token(Token::read(block.data.get(..length)?));
    } else {
        let second = usize::from(u16_at(block.words, 16).unwrap_or_default());
        // Account and domain come first.
        host(length + second, 2);
    }
    Some(session)
}

/// MS-CIFS, section 2.2.4.64.1.
fn create(block: &Block<'_>) -> Option<Create> {
    let words = block.words;
    let options = u32_at(words, 39)?;
    let length = usize::from(u16_at(words, 5)?);
    let pad = usize::from(block.wide && block.at % 2 == 1);
    let name = block.data.get(pad..)?;
    Some(Create {
        name: plain(name.get(..length).unwrap_or(name)),
        directory: options & 1 != 0,
        delete_on_close: options & 0x1000 != 0,
        disposition: u32_at(words, 35)?,
        ..Create::default()
    })
}

/// MS-CIFS, sections 2.2.4.12, 2.2.4.40 and 2.2.4.43.
fn write(state: &mut State, head: &Head, block: &Block<'_>, cx: &Context<'_>) -> Option<()> {
    let words = block.words;
    let (file, offset, at, length) = match head.command {
        command::WRITE_ANDX => {
            let high = u32_at(words, 24).unwrap_or_default();
            let offset = u64::from(high) << 32 | u64::from(u32_at(words, 6)?);
            let length = usize::from(u16_at(words, 18)?) << 16 | usize::from(u16_at(words, 20)?);
            (u16_at(words, 4)?, offset, usize::from(u16_at(words, 22)?), length)
        }
        command::WRITE => {
            let length = u16_at(words, 2)?.into();
            // A format and a length stand before the data.
            (u16_at(words, 0)?, u32_at(words, 4)?.into(), block.at + 3, length)
        }
        _ => (u16_at(words, 0)?, u32_at(words, 4)?.into(), block.at + 1, u16_at(words, 2)?.into()),
    };
    let guid = guid(head, file);
    let (data, missing) = block.part(at, length);
    if state.is_pipe(head, data) {
        state.pipe(head, Side::ToServer, guid, data, cx);
        return Some(());
    }
    state.waiting.insert(head.message, Chunk { guid, offset });
    state.chunk(head, Side::ToServer, Chunk { guid, offset }, data, missing, cx);
    if head.command == command::WRITE_AND_CLOSE {
        state.close(&guid, None, cx);
    }
    Some(())
}

/// Files' information that is set (MS-CIFS, sections 2.2.6.7 and 2.2.6.9): what deletes or renames.
fn trans2(state: &State, head: &Head, block: &Block<'_>) -> Option<Kind> {
    let words = block.words;
    let (parameters, _) = block.part(u16_at(words, 20)?.into(), u16_at(words, 18)?.into());
    let (data, _) = block.part(u16_at(words, 24)?.into(), u16_at(words, 22)?.into());
    let (function, level, name, guid) = match u16_at(words, 28)? {
        8 => {
            let guid = guid(head, u16_at(parameters, 0)?);
            let name = state.names.get(&guid).cloned().unwrap_or_else(|| b"<unknown>".to_vec());
            ("SET_FILE_INFO", u16_at(parameters, 2)?, name, guid)
        }
        6 => ("SET_PATH_INFO", u16_at(parameters, 0)?, plain(parameters.get(6..)?), [0; 16]),
        _ => return None,
    };
    match level {
        // SMB_SET_FILE_DISPOSITION_INFO, and the level of the file system behind 1000 (MS-SMB, section 2.2.2.3.5).
        0x102 | 1013 => {
            let level = "Set Disposition Information";
            Some(Kind::SetInfo { name, delete: u8_at(data, 0)? & 1 != 0, function, level })
        }
        1010 => {
            let length = u32_at(data, 8)? as usize;
            Some(Kind::Rename { guid, from: name, to: plain(data.get(12..)?.get(..length)?) })
        }
        _ => None,
    }
}
