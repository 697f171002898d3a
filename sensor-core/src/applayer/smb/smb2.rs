//! Messages of versions 2 and 3 (MS-SMB2, section 2.2).

#![expect(clippy::wildcard_enum_match_arm, reason = "each place is about one or two kinds of many")]

use super::bytes::{Guid, guid_at, plain, u8_at, u16_at, u32_at, u64_at};
use super::event;
use super::security::Token;
use super::state::{Chunk, Share, State};
use super::transaction::{Create, Dialect, Head, Kind, Negotiate, Session, Status, Tree};
use crate::applayer::Side;
use crate::applayer::parser::Context;

/// Commands (MS-SMB2, section 2.2.1).
mod command {
    pub const NEGOTIATE: u16 = 0;
    pub const SESSION_SETUP: u16 = 1;
    pub const TREE_CONNECT: u16 = 3;
    pub const TREE_DISCONNECT: u16 = 4;
    pub const CREATE: u16 = 5;
    pub const CLOSE: u16 = 6;
    pub const READ: u16 = 8;
    pub const WRITE: u16 = 9;
    pub const IOCTL: u16 = 11;
    pub const CANCEL: u16 = 12;
    pub const GET_INFO: u16 = 16;
    pub const SET_INFO: u16 = 17;
}

const HEADER: usize = 64;
/// Messages of a compound that are read.
const MOST_COMPOUND: usize = 64;
const RESPONSE: u32 = 1;
const ASYNC: u32 = 2;
const PENDING: u32 = 0x103;
const END_OF_FILE: u32 = 0xc000_0011;
const BUFFER_OVERFLOW: u32 = 0x8000_0005;
/// FSCTL_PIPE_TRANSCEIVE.
const TRANSCEIVE: u32 = 0x0011_c017;
/// A file's id in a compound that stands for the one before.
const SAME: Guid = [0xff; 16];

/// Reads what a record holds: one message, or several.
pub(super) fn messages(state: &mut State, side: Side, mut record: &[u8], cx: &Context<'_>) {
    let (mut before, mut guid) = (None, None);
    for _ in 0..MOST_COMPOUND {
        let (Some(head), Some(next)) = (header(record, before), u32_at(record, 20)) else {
            state.odd(event::MALFORMED_DATA);
            return;
        };
        let next = next as usize;
        let message = if next == 0 { record } else { record.get(..next).unwrap_or(record) };
        match (head.response, side) {
            (true, Side::ToServer) => state.odd(event::RESPONSE_TO_SERVER),
            (false, Side::ToClient) => state.odd(event::REQUEST_TO_CLIENT),
            (true, Side::ToClient) => response(state, &head, message, cx),
            (false, Side::ToServer) => request(state, &head, message, &mut guid, cx),
        }
        before = Some(head);
        match record.get(next..).filter(|_| next >= HEADER) {
            Some(rest) if rest.len() >= HEADER && rest.starts_with(b"\xfeSMB") => record = rest,
            _ => return,
        }
    }
}

/// A header; what is the same as in the message before it stands as all ones.
fn header(bytes: &[u8], before: Option<Head>) -> Option<Head> {
    let body = bytes.get(..HEADER)?;
    let flags = u32_at(body, 16)?;
    let tree = if flags & ASYNC == 0 { u32_at(body, 36)? } else { 0 };
    let session = u64_at(body, 40)?;
    Some(Head {
        version: 2,
        command: u16_at(body, 12)?,
        status: if flags & RESPONSE == 0 { Status::None } else { Status::Nt(u32_at(body, 8)?) },
        response: flags & RESPONSE != 0,
        session: before.map_or(session, |before| if session == u64::MAX { before.session } else { session }),
        tree: before.map_or(tree, |before| if tree == u32::MAX { before.tree } else { tree }),
        message: u64_at(body, 24)?,
    })
}

fn request(state: &mut State, head: &Head, message: &[u8], last: &mut Option<Guid>, cx: &Context<'_>) {
    let body = message.get(HEADER..).unwrap_or_default();
    let mut guid = |at: usize| {
        let guid = guid_at(body, at)?;
        if guid != SAME {
            *last = Some(guid);
        }
        *last
    };
    let kind = match head.command {
        command::NEGOTIATE => negotiate(body),
        command::SESSION_SETUP => Some(setup(message, body)),
        command::TREE_CONNECT => part(message, u16_at(body, 4), u16_at(body, 6).map(u32::from))
            .map(|name| Kind::Tree(Box::new(Tree { name: plain(name), ..Tree::default() }))),
        command::CREATE => create(message, body),
        command::CLOSE => guid(8).map(|guid| {
            state.close(&guid, None, cx);
            Kind::Other
        }),
        command::READ => {
            let read = || Some((u32_at(body, 4)?, u64_at(body, 8)?));
            let (Some((length, offset)), Some(guid)) = (read(), guid(16)) else {
                return state.odd(event::MALFORMED_DATA);
            };
            state.waiting.insert(head.message, Chunk { guid, offset });
            let [most, _] = state.most;
            if most > 0 && length > most {
                state.odd(event::READ_REQUEST_TOO_LARGE);
            }
            return;
        }
        command::WRITE => {
            let write = || Some((u16_at(body, 2)?, u32_at(body, 4)?, u64_at(body, 8)?));
            let (Some((at, length, offset)), Some(guid)) = (write(), guid(16)) else {
                return state.odd(event::MALFORMED_DATA);
            };
            let [_, most] = state.most;
            if most > 0 && length > most {
                state.odd(event::WRITE_REQUEST_TOO_LARGE);
            }
            let (data, missing) = data(message, at.into(), length);
            if state.is_pipe(head, data) {
                state.pipe(head, Side::ToServer, guid, data, cx);
            } else {
                state.waiting.insert(head.message, Chunk { guid, offset });
                state.chunk(head, Side::ToServer, Chunk { guid, offset }, data, missing, cx);
            }
            return;
        }
        command::IOCTL => {
            let function = u32_at(body, 4);
            let input = part(message, u32_at(body, 24), u32_at(body, 28));
            if let (Some(TRANSCEIVE), Some(guid), Some(input)) = (function, guid(8), input) {
                state.waiting.insert(head.message, Chunk { guid, offset: 0 });
                if state.pipe(head, Side::ToServer, guid, input, cx) {
                    return;
                }
            }
            function.map(Kind::Ioctl)
        }
        command::SET_INFO => match guid(16).and_then(|guid| set_info(state, message, body, guid)) {
            Some(kind) => Some(kind),
            None => return,
        },
        command::GET_INFO => return,
        command::TREE_DISCONNECT => {
            state.trees.remove(&(head.session, head.tree));
            Some(Kind::Other)
        }
        _ => Some(Kind::Other),
    };
    let malformed = kind.is_none();
    let id = state.open(*head, kind.unwrap_or(Kind::Other), cx);
    let Some(transaction) = state.live.get_mut(id) else { return };
    if malformed {
        transaction.odd(event::MALFORMED_DATA);
    }
    if head.command == command::CANCEL {
        // Nobody answers it (MS-SMB2, section 3.3.5.16).
        transaction.finish(Side::ToClient);
    }
}

fn response(state: &mut State, head: &Head, message: &[u8], cx: &Context<'_>) {
    let body = message.get(HEADER..).unwrap_or_default();
    if head.status == Status::Nt(PENDING) {
        return;
    }
    let fine = matches!(head.status, Status::Nt(0 | BUFFER_OVERFLOW));
    match head.command {
        command::READ => {
            let Some(at) = state.waiting.remove(&head.message) else { return };
            if !fine {
                if head.status == Status::Nt(END_OF_FILE) {
                    state.close(&at.guid, Some(Side::ToClient), cx);
                }
                return;
            }
            let (Some(offset), Some(length)) = (u8_at(body, 2), u32_at(body, 4)) else {
                return state.odd(event::MALFORMED_DATA);
            };
            let [most, _] = state.most;
            if most > 0 && length > most {
                state.odd(event::READ_RESPONSE_TOO_LARGE);
            }
            let (data, missing) = data(message, offset.into(), length);
            if state.is_pipe(head, data) {
                state.pipe(head, Side::ToClient, at.guid, data, cx);
            } else {
                state.chunk(head, Side::ToClient, at, data, missing, cx);
            }
            return;
        }
        command::WRITE => {
            if let Some(at) = state.waiting.remove(&head.message) {
                state.written(&at.guid, head.status);
            }
            return;
        }
        command::IOCTL => {
            if let Some(at) = state.waiting.remove(&head.message) {
                let output = part(message, u32_at(body, 32), u32_at(body, 36));
                if let Some(output) = output.filter(|_| fine)
                    && state.pipe(head, Side::ToClient, at.guid, output, cx)
                {
                    return;
                }
            }
        }
        command::NEGOTIATE if fine => {
            if let (Some(dialect), Some(read), Some(write)) = (u16_at(body, 4), u32_at(body, 32), u32_at(body, 36)) {
                state.dialect = Dialect::Number(dialect);
                state.most = [read, write];
            }
        }
        _ => {}
    }
    let most = state.most;
    let mut opened = None;
    let mut tree = None;
    let Some(transaction) = state.answered(head) else { return };
    match &mut transaction.kind {
        Kind::Negotiate(it) => {
            it.server = guid_at(body, 8).unwrap_or_default();
            [it.max_read, it.max_write] = most;
        }
        Kind::Session(_) if transaction.head.session == 0 => transaction.head.session = head.session,
        Kind::Tree(it) if fine => {
            it.share_type = u8_at(body, 2).unwrap_or_default();
            it.pipe = it.share_type == 2;
            it.id = head.tree;
            transaction.head.tree = head.tree;
            tree = Some(Share { name: it.name.clone(), pipe: it.pipe });
        }
        Kind::Create(it) if fine => {
            it.times = [8, 16, 24, 32].map(|at| unix(u64_at(body, at).unwrap_or_default()));
            it.size = u64_at(body, 48).unwrap_or_default();
            it.guid = guid_at(body, 64).unwrap_or_default();
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

/// Section 2.2.3.
fn negotiate(body: &[u8]) -> Option<Kind> {
    let count = usize::from(u16_at(body, 2)?);
    let list = body.get(36..)?.chunks_exact(2).take(count.min(64));
    let numbers = list.filter_map(|pair| u16_at(pair, 0)).collect();
    let found = Negotiate { numbers, client: guid_at(body, 12), ..Negotiate::default() };
    Some(Kind::Negotiate(Box::new(found)))
}

/// Section 2.2.5.
fn setup(message: &[u8], body: &[u8]) -> Kind {
    let mut session = Session::default();
    if let Some(token) = part(message, u16_at(body, 12), u16_at(body, 14).map(u32::from)) {
        session.token(Token::read(token));
    }
    Kind::Session(Box::new(session))
}

/// Section 2.2.13.
fn create(message: &[u8], body: &[u8]) -> Option<Kind> {
    let options = u32_at(body, 40)?;
    let name = part(message, u16_at(body, 44), u16_at(body, 46).map(u32::from))?;
    Some(Kind::Create(Box::new(Create {
        name: plain(name),
        directory: options & 1 != 0,
        delete_on_close: options & 0x1000 != 0,
        disposition: u32_at(body, 36)?,
        ..Create::default()
    })))
}

/// Section 2.2.39: what renames a file or deletes it.
fn set_info(state: &State, message: &[u8], body: &[u8], guid: Guid) -> Option<Kind> {
    let data = part(message, u16_at(body, 8), u32_at(body, 4))?;
    let name = || state.names.get(&guid).cloned().unwrap_or_else(|| b"<unknown>".to_vec());
    match (u8_at(body, 2)?, u8_at(body, 3)?) {
        // FILE_RENAME_INFORMATION_TYPE_2 and FILE_DISPOSITION_INFORMATION (MS-FSCC, sections 2.4.42.2 and 2.4.11).
        (1, 10) => {
            let length = u32_at(data, 16)? as usize;
            Some(Kind::Rename { guid, from: name(), to: plain(data.get(20..)?.get(..length)?) })
        }
        (1, 13) => Some(Kind::SetInfo {
            name: name(),
            delete: u8_at(data, 0)? != 0,
            function: "",
            level: "SMB2_FILE_DISPOSITION_INFO",
        }),
        _ => None,
    }
}

/// A part of a message by its place, from the header on, and length.
fn part(message: &[u8], at: Option<impl TryInto<usize>>, length: Option<u32>) -> Option<&[u8]> {
    let (at, length) = (at?.try_into().ok()?, usize::try_from(length?).ok()?);
    if length == 0 { Some(&[]) } else { message.get(at..)?.get(..length) }
}

/// Data by its place and length, as far as it is there, and how many bytes of it still come.
fn data(message: &[u8], at: usize, length: u32) -> (&[u8], usize) {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let there = message.get(at..).unwrap_or_default();
    let there = there.get(..length).unwrap_or(there);
    (there, length - there.len())
}

/// Seconds since 1970 of a count of 100 ns since 1601 (MS-DTYP, section 2.3.3).
pub(super) fn unix(time: u64) -> u64 {
    time.checked_sub(116_444_736_000_000_000).map_or(0, |since| since / 10_000_000)
}
