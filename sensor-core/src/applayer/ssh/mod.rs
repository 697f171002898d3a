//! SSH (RFC 4253) until it is encrypted: each side's identification and what it offers for the exchange of keys. One
//! transaction a connection.

mod transaction;

#[cfg(test)]
mod tests;

use std::ops::Range;

use super::parser::{Context, Live, Parsed, Parser, Protocol};
use super::{AppProto, Side};
use crate::rules::Buffer;
pub use transaction::Transaction;

/// SSH.
pub static PROTOCOL: Protocol = Protocol {
    app: AppProto::Ssh,
    parser: |settings| Box::new(Ssh { full: settings.encrypted_ssh, ..Ssh::default() }),
    events: &["invalid_banner", "long_banner", "invalid_record", "long_kex_record"],
    ready,
    complete: [progress::FINISHED; 2],
    eve: Some("ssh"),
};

/// Places in [`Protocol::events`].
mod event {
    pub(super) const INVALID_BANNER: u8 = 0;
    pub(super) const LONG_BANNER: u8 = 1;
    pub(super) const INVALID_RECORD: u8 = 2;
    pub(super) const LONG_KEX_RECORD: u8 = 3;
}

/// How far a side has come.
mod progress {
    /// Its identification is read.
    pub(super) const BANNER: u8 = 1;
    /// What it offers is.
    pub(super) const KEY_EXCHANGE: u8 = 2;
    /// Nothing more will be read.
    pub(super) const FINISHED: u8 = 3;
}

#[expect(clippy::wildcard_enum_match_arm, reason = "most buffers are of other protocols")]
fn ready(buffer: Buffer, _: Side) -> u8 {
    match buffer {
        Buffer::SshProto | Buffer::SshSoftware => progress::BANNER,
        _ => progress::KEY_EXCHANGE,
    }
}

/// Bytes of an identification: RFC 4253, section 4.2 allows 255 with its end.
const MAX_BANNER: usize = 256;
/// Lines that may stand before it.
const MAX_LINES: u8 = 16;
/// A SSH_MSG_KEXINIT that is put together; RFC 4253, section 6.1 asks for 35,000.
const MAX_KEX: usize = 65_535;
/// Lengths of packets past this are none.
const MAX_PACKET: usize = 1 << 20;

const KEXINIT: u8 = 20;
const NEWKEYS: u8 = 21;

/// Reads a connection.
#[derive(Debug, Default)]
struct Ssh {
    live: Live<Transaction>,
    halves: [Half; 2],
    released: bool,
    /// Rules look into what is encrypted, too.
    full: bool,
}

/// What is open on one side.
#[derive(Debug, Default)]
struct Half {
    /// The line or packet that is not whole.
    open: Vec<u8>,
    lines: u8,
    banner: bool,
    /// What is left of a line that is too long.
    long: bool,
    /// Bytes left of a packet that is not looked at.
    skip: usize,
    /// It said that it encrypts from here on.
    sealed: bool,
}

impl Half {
    fn read(&mut self, side: Side, mut bytes: &[u8], transaction: &mut Transaction) -> Parsed {
        while !bytes.is_empty() {
            if !self.banner || self.long {
                bytes = match self.line(side, bytes, transaction) {
                    Ok(rest) => rest,
                    Err(parsed) => return parsed,
                };
                continue;
            }
            if self.skip > 0 {
                let skipped = self.skip.min(bytes.len());
                self.skip -= skipped;
                bytes = bytes.get(skipped..).unwrap_or_default();
                continue;
            }
            let wanted = match self.open.as_slice() {
                [_, _, _, _, _, KEXINIT, ..] => 4 + self.length(),
                _ => 6,
            };
            let (taken, rest) = bytes.split_at((wanted - self.open.len().min(wanted)).min(bytes.len()));
            self.open.extend_from_slice(taken);
            bytes = rest;
            if self.open.len() < 6 {
                continue;
            }
            if let Some(parsed) = self.packet(side, transaction) {
                return parsed;
            }
        }
        Parsed::More
    }

    /// Takes bytes of lines, up to the identification.
    fn line<'a>(&mut self, side: Side, bytes: &'a [u8], transaction: &mut Transaction) -> Result<&'a [u8], Parsed> {
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let (part, rest) = bytes.split_at(end.map_or(bytes.len(), |end| end + 1));
        if self.long {
            self.long = end.is_none();
            return Ok(rest);
        }
        let room = MAX_BANNER.saturating_sub(self.open.len()).min(part.len());
        self.open.extend_from_slice(part.get(..room).unwrap_or_default());
        let long = room < part.len() || (end.is_none() && self.open.len() == MAX_BANNER);
        if end.is_none() && !long {
            return Ok(rest);
        }
        let line = std::mem::take(&mut self.open);
        self.long = long && end.is_none();
        if !line.starts_with(b"SSH-") {
            self.lines += 1;
            // Servers may say something before (RFC 4253, section 4.2).
            if side == Side::ToServer || self.lines > MAX_LINES {
                transaction.odd(event::INVALID_BANNER);
                return Err(Parsed::Failed);
            }
            return Ok(rest);
        }
        if long {
            transaction.odd(event::LONG_BANNER);
        }
        self.banner = true;
        if !transaction.banner(side, line.trim_ascii_end()) {
            transaction.odd(event::INVALID_BANNER);
        }
        transaction.advance(side, progress::BANNER);
        Ok(rest)
    }

    /// The length of the packet that is open.
    fn length(&self) -> usize {
        self.open.first_chunk::<4>().map_or(0, |length| u32::from_be_bytes(*length) as usize)
    }

    /// Looks at a packet whose length and number are there (RFC 4253, section 6).
    fn packet(&mut self, side: Side, transaction: &mut Transaction) -> Option<Parsed> {
        let length = self.length();
        let number = self.open.get(5).copied().unwrap_or_default();
        if !(2..=MAX_PACKET).contains(&length) {
            transaction.odd(event::INVALID_RECORD);
            return Some(Parsed::Failed);
        }
        if number == KEXINIT && length <= MAX_KEX {
            if self.open.len() < 4 + length {
                return None;
            }
            let packet = std::mem::take(&mut self.open);
            transaction.key_exchange(side, packet.get(6..).unwrap_or_default());
            transaction.advance(side, progress::KEY_EXCHANGE);
            return None;
        }
        if number == KEXINIT {
            transaction.odd(event::LONG_KEX_RECORD);
            transaction.advance(side, progress::KEY_EXCHANGE);
        }
        self.skip = 4 + length - self.open.len();
        self.open.clear();
        self.sealed |= number == NEWKEYS;
        (number == NEWKEYS).then_some(Parsed::Enough)
    }
}

impl Parser for Ssh {
    fn data(&mut self, side: Side, bytes: &[u8], _: &mut Context<'_>) -> Parsed {
        if self.live.is_empty() {
            if self.released {
                return Parsed::Enough;
            }
            self.live.push(Transaction::default());
        }
        let [client, server] = &mut self.halves;
        let half = if side == Side::ToServer { client } else { server };
        let Some(transaction) = self.live.last_mut() else { return Parsed::Enough };
        let parsed = half.read(side, bytes, transaction);
        match parsed {
            Parsed::More => {}
            Parsed::Enough => transaction.advance(side, progress::FINISHED),
            Parsed::Failed => {
                transaction.advance(Side::ToServer, progress::FINISHED);
                transaction.advance(Side::ToClient, progress::FINISHED);
            }
        }
        parsed
    }

    fn gap(&mut self, side: Side, len: u64, _: &mut Context<'_>) -> Parsed {
        let [client, server] = &mut self.halves;
        let half = if side == Side::ToServer { client } else { server };
        if let Some(left) = usize::try_from(len).ok().and_then(|len| half.skip.checked_sub(len)) {
            half.skip = left;
            return Parsed::More;
        }
        if let Some(transaction) = self.live.last_mut() {
            transaction.advance(side, progress::FINISHED);
        }
        Parsed::Enough
    }

    fn end(&mut self, side: Side, _: &mut Context<'_>) {
        if let Some(transaction) = self.live.last_mut() {
            transaction.advance(side, progress::FINISHED);
        }
    }

    fn ids(&self) -> Range<u64> {
        self.live.ids()
    }

    fn transaction(&self, id: u64) -> Option<&dyn super::parser::Transaction> {
        self.live.get(id).map(|transaction| transaction as _)
    }

    fn release(&mut self, id: u64) {
        self.released |= self.live.remove(id).is_some();
    }

    fn is_encrypted(&self) -> bool {
        !self.full && self.halves.iter().all(|half| half.sealed)
    }

    fn bytes(&self) -> usize {
        self.halves.iter().map(|half| half.open.capacity()).sum::<usize>()
            + self.live.iter().map(Transaction::bytes).sum::<usize>()
    }
}
