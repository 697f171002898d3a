//! IKE, version 1 (RFC 2408, RFC 2409) and version 2 (RFC 7296). Each message is a transaction.

mod eve;
mod message;
mod names;
mod version1;
mod version2;

#[cfg(test)]
mod tests;

use super::datagrams::{self, Datagrams};
use super::parser::{self, EventSet, Protocol};
use super::{AppProto, Side};
use crate::json::Object;
use crate::rules::ast::Body;
use crate::rules::{Buffer, Field};
pub use message::Message;

/// IKE.
pub static PROTOCOL: Protocol = Protocol {
    app: AppProto::Ike,
    parser: |_| Box::new(Datagrams::<Message>::default()),
    events: &[
        "malformed_data",
        "no_encryption",
        "weak_crypto_enc",
        "weak_crypto_prf",
        "weak_crypto_dh",
        "weak_crypto_auth",
        "weak_crypto_no_dh",
        "weak_crypto_no_auth",
        "invalid_proposal",
        "unknown_proposal",
        "payload_extra_data",
        "multiple_server_proposal",
    ],
    ready: datagrams::ready,
    complete: [1, 1],
    eve: Some("ike"),
};

/// Places in [`Protocol::events`].
mod event {
    pub(super) const MALFORMED_DATA: u8 = 0;
    pub(super) const NO_ENCRYPTION: u8 = 1;
    pub(super) const WEAK_ENCRYPTION: u8 = 2;
    pub(super) const WEAK_PRF: u8 = 3;
    pub(super) const WEAK_DH: u8 = 4;
    pub(super) const WEAK_AUTH: u8 = 5;
    pub(super) const NO_DH: u8 = 6;
    pub(super) const NO_AUTH: u8 = 7;
    pub(super) const INVALID_PROPOSAL: u8 = 8;
    pub(super) const UNKNOWN_PROPOSAL: u8 = 9;
    pub(super) const PAYLOAD_EXTRA_DATA: u8 = 10;
    pub(super) const MULTIPLE_SERVER_PROPOSAL: u8 = 11;
}

impl parser::Transaction for Message {
    fn progress(&self, _: Side) -> u8 {
        1
    }

    fn only(&self) -> Option<Side> {
        Some(self.side)
    }

    fn buffer<'a>(&'a self, buffer: Buffer, side: Side, index: usize, scratch: &'a mut Vec<u8>) -> Option<&'a [u8]> {
        if side != self.side || (index > 0 && buffer != Buffer::IkeVendor) {
            return None;
        }
        match (buffer, side) {
            (Buffer::IkeInitSpi, Side::ToServer) => Some(digits(&self.initiator, scratch)),
            (Buffer::IkeRespSpi, Side::ToClient) => Some(digits(&self.responder, scratch)),
            (Buffer::IkeVendor, _) => Some(digits(self.vendors.get(index)?, scratch)),
            (Buffer::IkeNonce, _) => self.nonce.as_deref(),
            (Buffer::IkeKeyExchange, _) => self.key_exchange.as_deref(),
            _ => None,
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "most are of other protocols")]
    fn number(&self, field: Field, side: Side, index: usize) -> Option<i64> {
        if side != self.side || index > 0 {
            return None;
        }
        let length = |bytes: &Option<Vec<u8>>| bytes.as_ref().and_then(|bytes| i64::try_from(bytes.len()).ok());
        match field {
            Field::IkeExchType => Some(self.exchange.into()),
            Field::IkeNonceLen => length(&self.nonce),
            Field::IkeKeyExchangeLen => length(&self.key_exchange),
            _ => None,
        }
    }

    fn holds(&self, test: &Body, side: Side) -> bool {
        let Body::IkeAttribute(name, number) = test else { return false };
        side == self.side
            && side == Side::ToClient
            && self.chosen.iter().any(|(known, value)| *known == &**name && *value == Some(*number))
    }

    fn events(&self) -> EventSet {
        self.events
    }

    fn eve(&self, object: &mut Object<'_>) {
        eve::write(self, object);
    }
}

/// Bytes as hexadecimal digits: so Suricata has indexes and vendors.
fn digits<'a>(bytes: &[u8], scratch: &'a mut Vec<u8>) -> &'a [u8] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0');
    scratch.extend(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]));
    scratch
}
