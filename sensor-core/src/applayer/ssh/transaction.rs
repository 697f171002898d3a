//! A connection as rules and EVE see it.

use super::event;
use crate::applayer::Side;
use crate::applayer::parser::{self, EventSet};
use crate::discover::extract::hashes::md5_hex;
use crate::discover::extract::ssh;
use crate::json::Object;
use crate::rules::Buffer;

/// A connection.
#[derive(Debug, Default)]
pub struct Transaction {
    client: Peer,
    server: Peer,
    events: EventSet,
}

#[derive(Debug, Default)]
struct Peer {
    progress: u8,
    proto: Vec<u8>,
    software: Vec<u8>,
    hassh: Option<(String, String)>,
}

impl Transaction {
    fn peer(&self, side: Side) -> &Peer {
        if side == Side::ToServer { &self.client } else { &self.server }
    }

    fn peer_mut(&mut self, side: Side) -> &mut Peer {
        if side == Side::ToServer { &mut self.client } else { &mut self.server }
    }

    pub(super) fn advance(&mut self, side: Side, to: u8) {
        let peer = self.peer_mut(side);
        peer.progress = peer.progress.max(to);
    }

    pub(super) fn odd(&mut self, event: u8) {
        self.events.add(event);
    }

    pub(super) fn bytes(&self) -> usize {
        let peer = |peer: &Peer| {
            let hassh = peer.hassh.as_ref().map_or(0, |(hash, text)| hash.len() + text.len());
            peer.proto.len() + peer.software.len() + hassh
        };
        size_of::<Transaction>() + peer(&self.client) + peer(&self.server)
    }

    /// An identification without its line's end: `SSH-2.0-software comment`. Returns whether it has its parts.
    pub(super) fn banner(&mut self, side: Side, line: &[u8]) -> bool {
        let rest = line.strip_prefix(b"SSH-").unwrap_or_default();
        let Some(dash) = rest.iter().position(|byte| *byte == b'-') else { return false };
        let (proto, software) = rest.split_at(dash);
        let software = software.get(1..).unwrap_or_default();
        let end = software.iter().position(|byte| *byte == b' ').unwrap_or(software.len());
        let peer = self.peer_mut(side);
        peer.proto = proto.to_vec();
        peer.software = software.get(..end).unwrap_or_default().to_vec();
        !peer.proto.is_empty() && !peer.software.is_empty()
    }

    /// The body of a SSH_MSG_KEXINIT; of several the first counts.
    pub(super) fn key_exchange(&mut self, side: Side, body: &[u8]) {
        if self.peer(side).hassh.is_some() {
            return;
        }
        match ssh::texts(body) {
            Some((client, server)) => {
                let text = if side == Side::ToServer { client } else { server };
                self.peer_mut(side).hassh = Some((md5_hex(text.as_bytes()), text));
            }
            None => self.odd(event::INVALID_RECORD),
        }
    }
}

impl parser::Transaction for Transaction {
    fn progress(&self, side: Side) -> u8 {
        self.peer(side).progress
    }

    fn buffer<'a>(&'a self, buffer: Buffer, side: Side, index: usize, _: &'a mut Vec<u8>) -> Option<&'a [u8]> {
        if index > 0 {
            return None;
        }
        let peer = self.peer(side);
        let there = |bytes: &'a [u8]| Some(bytes).filter(|bytes| !bytes.is_empty());
        match (buffer, side) {
            (Buffer::SshProto, _) => there(&peer.proto),
            (Buffer::SshSoftware, _) => there(&peer.software),
            (Buffer::SshHassh, Side::ToServer) | (Buffer::SshHasshServer, Side::ToClient) => {
                Some(peer.hassh.as_ref()?.0.as_bytes())
            }
            (Buffer::SshHasshString, Side::ToServer) | (Buffer::SshHasshServerString, Side::ToClient) => {
                Some(peer.hassh.as_ref()?.1.as_bytes())
            }
            _ => None,
        }
    }

    fn events(&self) -> EventSet {
        self.events
    }

    fn eve(&self, object: &mut Object<'_>) {
        for (key, peer) in [("client", &self.client), ("server", &self.server)] {
            if peer.proto.is_empty() && peer.hassh.is_none() {
                continue;
            }
            object.object(key, |object| {
                if !peer.proto.is_empty() {
                    object.text("proto_version", &peer.proto).text("software_version", &peer.software);
                }
                if let Some((hash, text)) = &peer.hassh {
                    object.object("hassh", |object| _ = object.text("hash", hash).text("string", text));
                }
            });
        }
    }
}
