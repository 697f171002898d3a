//! TLS over TCP (RFC 5246, RFC 8446) as far as it is in the clear: hellos, certificates, alerts, heartbeats. One
//! transaction a connection; a side is read until it is encrypted.

mod records;
mod transaction;

#[cfg(test)]
mod tests;

use std::ops::Range;

use super::parser::{Context, Live, Parsed, Parser, Protocol};
use super::{AppProto, Side};
use crate::rules::Buffer;
use records::Half;
pub use transaction::Transaction;

/// TLS.
pub static PROTOCOL: Protocol = Protocol {
    app: AppProto::Tls,
    parser: |settings| Box::new(Tls { full: settings.encrypted_tls, ..Tls::default() }),
    events: &EVENTS,
    ready,
    complete: [progress::FINISHED; 2],
    eve: Some("tls"),
};

/// How far a side has come.
pub(super) mod progress {
    /// Its hello is read.
    pub(in crate::applayer) const HELLO: u8 = 1;
    /// Its certificates are, or none will come in the clear.
    pub(in crate::applayer) const CERTIFICATE: u8 = 2;
    /// Nothing more will be read.
    pub(in crate::applayer) const FINISHED: u8 = 3;
}

#[expect(clippy::wildcard_enum_match_arm, reason = "most buffers are of other protocols")]
fn ready(buffer: Buffer, _: Side) -> u8 {
    match buffer {
        Buffer::TlsCerts
        | Buffer::TlsCertIssuer
        | Buffer::TlsCertSubject
        | Buffer::TlsCertSerial
        | Buffer::TlsCertFingerprint
        | Buffer::TlsSubjectAltName => progress::CERTIFICATE,
        _ => progress::HELLO,
    }
}

macro_rules! events {
    ($($name:ident $text:literal,)*) => {
        const EVENTS: [&str; [$($text),*].len()] = [$($text),*];
        #[expect(non_camel_case_types, reason = "spelled as the constants they are")]
        #[derive(Clone, Copy)]
        enum Place { $($name,)* }
        /// Places in [`EVENTS`].
        pub(super) mod event {
            use super::Place;
            $(pub(in crate::applayer) const $name: u8 = Place::$name as u8;)*
        }
    };
}

events! {
    INVALID_SSLV2_HEADER "invalid_sslv2_header",
    INVALID_TLS_HEADER "invalid_tls_header",
    INVALID_RECORD_VERSION "invalid_record_version",
    INVALID_RECORD_TYPE "invalid_record_type",
    INVALID_RECORD_LENGTH "invalid_record_length",
    INVALID_HANDSHAKE_MESSAGE "invalid_handshake_message",
    HEARTBEAT_MESSAGE "heartbeat_message",
    INVALID_HEARTBEAT_MESSAGE "invalid_heartbeat_message",
    OVERFLOW_HEARTBEAT_MESSAGE "overflow_heartbeat_message",
    DATALEAK_HEARTBEAT_MISMATCH "dataleak_heartbeat_mismatch",
    HANDSHAKE_INVALID_LENGTH "handshake_invalid_length",
    MULTIPLE_SNI_EXTENSIONS "multiple_sni_extensions",
    INVALID_SNI_TYPE "invalid_sni_type",
    INVALID_SNI_LENGTH "invalid_sni_length",
    TOO_MANY_RECORDS_IN_PACKET "too_many_records_in_packet",
    INVALID_ALERT_MESSAGE "invalid_alert_message",
    INVALID_CERTIFICATE "invalid_certificate",
    CERTIFICATE_INVALID_LENGTH "certificate_invalid_length",
    CERTIFICATE_INVALID_VERSION "certificate_invalid_version",
    CERTIFICATE_INVALID_SERIAL "certificate_invalid_serial",
    CERTIFICATE_INVALID_ALGORITHM "certificate_invalid_algorithmidentifier",
    CERTIFICATE_INVALID_X509NAME "certificate_invalid_x509name",
    CERTIFICATE_INVALID_DATE "certificate_invalid_date",
    CERTIFICATE_INVALID_EXTENSIONS "certificate_invalid_extensions",
    CERTIFICATE_INVALID_DER "certificate_invalid_der",
    CERTIFICATE_INVALID_SUBJECT "certificate_invalid_subject",
    CERTIFICATE_INVALID_ISSUER "certificate_invalid_issuer",
    CERTIFICATE_INVALID_VALIDITY "certificate_invalid_validity",
    ERROR_MESSAGE_ENCOUNTERED "error_message_encountered",
    INVALID_SSL_RECORD "invalid_ssl_record",
}

/// Reads a connection.
#[derive(Debug, Default)]
struct Tls {
    live: Live<Transaction>,
    halves: [Half; 2],
    released: bool,
    /// Rules look into what is encrypted, too.
    full: bool,
}

impl Parser for Tls {
    fn data(&mut self, side: Side, bytes: &[u8], cx: &mut Context<'_>) -> Parsed {
        if self.live.is_empty() {
            if self.released {
                return Parsed::Enough;
            }
            self.live.push(Transaction::default());
        }
        let [client, server] = &mut self.halves;
        let half = if side == Side::ToServer { client } else { server };
        let Some(transaction) = self.live.last_mut() else { return Parsed::Enough };
        transaction.time = cx.time;
        let parsed = half.read(side, bytes, transaction);
        match parsed {
            Parsed::More => {}
            Parsed::Enough => transaction.advance(side, progress::FINISHED),
            Parsed::Failed => {
                transaction.odd(event::INVALID_SSL_RECORD);
                transaction.advance(Side::ToServer, progress::FINISHED);
                transaction.advance(Side::ToClient, progress::FINISHED);
            }
        }
        parsed
    }

    fn gap(&mut self, side: Side, len: u64, _: &mut Context<'_>) -> Parsed {
        let [client, server] = &mut self.halves;
        let half = if side == Side::ToServer { client } else { server };
        if half.gap(len) {
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
        // A client may send early data (RFC 8446, section 2.3): before the server speaks nothing is settled.
        let [client, server] = &self.halves;
        let sealed = client.is_sealed() && server.is_sealed();
        !self.full && server.has_begun() && (sealed || client.carries_data() || server.carries_data())
    }

    fn bytes(&self) -> usize {
        self.halves.iter().map(Half::bytes).sum::<usize>() + self.live.iter().map(Transaction::bytes).sum::<usize>()
    }
}
