//! SNMP 1, 2c and 3 (RFC 1157, RFC 3416, RFC 3412). Each message is a transaction.

mod message;

#[cfg(test)]
mod tests;

use std::net::Ipv4Addr;

use super::datagrams::{self, Datagrams};
use super::parser::{self, EventSet, Protocol};
use super::{AppProto, Side};
use crate::json::Object;
use crate::rules::{Buffer, Field};
pub use message::Message;

/// SNMP.
pub static PROTOCOL: Protocol = Protocol {
    app: AppProto::Snmp,
    parser: |_| Box::new(Datagrams::<Message>::default()),
    events: &["malformed_data", "unknown_security_model", "version_mismatch"],
    ready: datagrams::ready,
    complete: [1, 1],
    eve: Some("snmp"),
};

/// Places in [`Protocol::events`].
mod event {
    pub(super) const MALFORMED_DATA: u8 = 0;
    pub(super) const UNKNOWN_SECURITY_MODEL: u8 = 1;
    pub(super) const VERSION_MISMATCH: u8 = 2;
}

impl parser::Transaction for Message {
    fn progress(&self, _: Side) -> u8 {
        1
    }

    fn only(&self) -> Option<Side> {
        Some(self.side)
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "most are of other protocols")]
    fn buffer<'a>(&'a self, buffer: Buffer, side: Side, index: usize, _: &'a mut Vec<u8>) -> Option<&'a [u8]> {
        match buffer {
            _ if side != self.side || index > 0 => None,
            Buffer::SnmpCommunity => self.community.as_deref(),
            Buffer::SnmpUsm => self.usm.as_deref(),
            _ => None,
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "most are of other protocols")]
    fn number(&self, field: Field, side: Side, index: usize) -> Option<i64> {
        match field {
            _ if side != self.side || index > 0 => None,
            Field::SnmpVersion => Some(self.version.into()),
            Field::SnmpPduType => self.pdu.as_ref().map(|pdu| pdu.kind.into()),
            Field::SnmpTrapType => self.pdu.as_ref()?.trap.as_ref().map(|trap| trap.generic.into()),
            _ => None,
        }
    }

    fn events(&self) -> EventSet {
        self.events
    }

    fn eve(&self, object: &mut Object<'_>) {
        object.number("version", self.version);
        match &self.pdu {
            None => _ = object.text("pdu_type", "encrypted"),
            Some(pdu) => {
                object.text_if("pdu_type", PDUS.get(usize::from(pdu.kind)));
                if pdu.error != 0 {
                    match usize::try_from(pdu.error).ok().and_then(|error| ERRORS.get(error.checked_sub(1)?)) {
                        Some(name) => object.text("error", name),
                        None => object.display("error", format_args!("ErrorStatus({})", pdu.error)),
                    };
                }
                if let Some(trap) = &pdu.trap {
                    match TRAPS.get(usize::from(trap.generic)) {
                        Some(name) => object.text("trap_type", name),
                        None => object.display("trap_type", format_args!("TrapType({})", trap.generic)),
                    };
                    object.display("trap_oid", Dotted(&trap.enterprise));
                    object.display("trap_address", Ipv4Addr::from(trap.agent));
                }
                if !pdu.variables.is_empty() {
                    object.array("vars", |array| {
                        for name in &pdu.variables {
                            array.display(Dotted(name));
                        }
                    });
                }
            }
        }
        object.text_if("community", self.community.as_ref()).text_if("usm", self.usm.as_ref());
    }
}

/// An object identifier as it is encoded (X.690 section 8.19), in dots.
struct Dotted<'a>(&'a [u8]);

impl std::fmt::Display for Dotted<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (mut number, mut first) = (0_u64, true);
        for byte in self.0 {
            number = number << 7 | u64::from(byte & 0x7f);
            if byte & 0x80 != 0 {
                continue;
            }
            if std::mem::take(&mut first) {
                let root = (number / 40).min(2);
                write!(f, "{root}.{}", number - 40 * root)?;
            } else {
                write!(f, ".{number}")?;
            }
            number = 0;
        }
        Ok(())
    }
}

/// By the number of the choice (RFC 3416 section 3, RFC 1157 section 4.1).
const PDUS: [&str; 9] = [
    "get_request",
    "get_next_request",
    "response",
    "set_request",
    "trap_v1",
    "get_bulk_request",
    "inform_request",
    "trap_v2",
    "report",
];

/// From 1 on (RFC 3416 section 3).
const ERRORS: [&str; 18] = [
    "TooBig",
    "NoSuchName",
    "BadValue",
    "ReadOnly",
    "GenErr",
    "NoAccess",
    "WrongType",
    "WrongLength",
    "WrongEncoding",
    "WrongValue",
    "NoCreation",
    "InconsistentValue",
    "ResourceUnavailable",
    "CommitFailed",
    "UndoFailed",
    "AuthorizationError",
    "NotWritable",
    "InconsistentName",
];

/// RFC 1157 section 4.1.6.
const TRAPS: [&str; 7] =
    ["ColdStart", "WarmStart", "LinkDown", "LinkUp", "AuthenticationFailure", "EgpNeighborLoss", "EnterpriseSpecific"];
