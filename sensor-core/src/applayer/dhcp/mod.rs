//! DHCP and BOOTP (RFC 2131, RFC 2132). Each message is a transaction.

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
use message::Value;

/// DHCP.
pub static PROTOCOL: Protocol = Protocol {
    app: AppProto::Dhcp,
    parser: |_| Box::new(Datagrams::<Message>::default()),
    events: &["truncated_options", "malformed_options"],
    ready: datagrams::ready,
    complete: [1, 1],
    eve: Some("dhcp"),
};

/// Places in [`Protocol::events`].
mod event {
    pub(super) const TRUNCATED_OPTIONS: u8 = 0;
    pub(super) const MALFORMED_OPTIONS: u8 = 1;
}

impl parser::Transaction for Message {
    fn progress(&self, _: Side) -> u8 {
        1
    }

    fn only(&self) -> Option<Side> {
        Some(self.side)
    }

    fn buffer<'a>(&'a self, _: Buffer, _: Side, _: usize, _: &'a mut Vec<u8>) -> Option<&'a [u8]> {
        None
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "most are of other protocols")]
    fn number(&self, field: Field, side: Side, index: usize) -> Option<i64> {
        let code = match field {
            Field::DhcpLeaseTime => option::LEASE_TIME,
            Field::DhcpRenewalTime => option::RENEWAL_TIME,
            Field::DhcpRebindingTime => option::REBINDING_TIME,
            _ => return None,
        };
        if side != self.side || index > 0 {
            return None;
        }
        self.options.iter().find_map(|option| match option {
            (known, Value::Seconds(seconds)) if *known == code => Some((*seconds).into()),
            _ => None,
        })
    }

    fn events(&self) -> EventSet {
        self.events
    }

    fn eve(&self, object: &mut Object<'_>) {
        let kind = match self.op {
            1 => "request",
            2 => "reply",
            _ => "unknown",
        };
        object.text("type", kind).number("id", self.id);
        mac(object, "client_mac", &self.hardware);
        object.display("assigned_ip", self.assigned).display("client_ip", self.client);
        if self.op == 2 {
            object.display("relay_ip", self.relay).display("next_server_ip", self.next_server);
        }
        let mut seen = [false; 256];
        for (code, value) in &self.options {
            // Of an option that comes again the first counts.
            if let Some(seen) = seen.get_mut(usize::from(*code))
                && !std::mem::replace(seen, true)
            {
                told(object, *code, value);
            }
        }
    }
}

fn told(object: &mut Object<'_>, code: u8, value: &Value) {
    match (code, value) {
        (option::TYPE, Value::Bytes(bytes)) => {
            let kind = bytes.first().and_then(|kind| TYPES.get(usize::from(kind.checked_sub(1)?)));
            object.text("dhcp_type", kind.unwrap_or(&"unknown"));
        }
        (option::CLIENT_ID, Value::Bytes(bytes)) => mac(object, "client_id", bytes.get(1..).unwrap_or_default()),
        (option::HOST_NAME, Value::Bytes(bytes)) => _ = object.text("hostname", bytes),
        (option::VENDOR_CLASS, Value::Bytes(bytes)) => _ = object.text("vendor_class_identifier", bytes),
        (option::PARAMETERS, Value::Bytes(bytes)) => {
            let name = |code: &u8| PARAMETERS.iter().find(|(known, _)| known == code).map(|(_, name)| *name);
            object.array("params", |array| bytes.iter().filter_map(name).for_each(|name| _ = array.text(name)));
        }
        (option::LEASE_TIME, Value::Seconds(seconds)) => _ = object.number("lease_time", *seconds),
        (option::RENEWAL_TIME, Value::Seconds(seconds)) => _ = object.number("renewal_time", *seconds),
        (option::REBINDING_TIME, Value::Seconds(seconds)) => _ = object.number("rebinding_time", *seconds),
        (option::SUBNET_MASK, Value::Bytes(bytes)) => first_address(object, "subnet_mask", bytes),
        (option::REQUESTED, Value::Bytes(bytes)) => first_address(object, "requested_ip", bytes),
        (option::ROUTERS, Value::Bytes(bytes)) => addresses(object, "routers", bytes),
        (option::DNS_SERVERS, Value::Bytes(bytes)) => addresses(object, "dns_servers", bytes),
        _ => {}
    }
}

fn mac(object: &mut Object<'_>, key: &str, bytes: &[u8]) {
    struct Colons<'a>(&'a [u8]);
    impl std::fmt::Display for Colons<'_> {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            for (place, byte) in self.0.iter().enumerate() {
                write!(f, "{}{byte:02x}", if place > 0 { ":" } else { "" })?;
            }
            Ok(())
        }
    }
    object.display(key, Colons(bytes));
}

fn list(bytes: &[u8]) -> impl Iterator<Item = Ipv4Addr> {
    bytes.as_chunks::<4>().0.iter().map(|address| Ipv4Addr::from(*address))
}

fn first_address(object: &mut Object<'_>, key: &str, bytes: &[u8]) {
    if let Some(address) = list(bytes).next() {
        object.display(key, address);
    }
}

fn addresses(object: &mut Object<'_>, key: &str, bytes: &[u8]) {
    object.array(key, |array| list(bytes).for_each(|address| _ = array.display(address)));
}

/// Options (RFC 2132).
mod option {
    pub(super) const SUBNET_MASK: u8 = 1;
    pub(super) const ROUTERS: u8 = 3;
    pub(super) const DNS_SERVERS: u8 = 6;
    pub(super) const HOST_NAME: u8 = 12;
    pub(super) const REQUESTED: u8 = 50;
    pub(super) const LEASE_TIME: u8 = 51;
    pub(super) const OVERLOAD: u8 = 52;
    pub(super) const TYPE: u8 = 53;
    pub(super) const PARAMETERS: u8 = 55;
    pub(super) const RENEWAL_TIME: u8 = 58;
    pub(super) const REBINDING_TIME: u8 = 59;
    pub(super) const VENDOR_CLASS: u8 = 60;
    pub(super) const CLIENT_ID: u8 = 61;
}

/// Message types from 1 on (RFC 2132 section 9.6).
const TYPES: [&str; 8] = ["discover", "offer", "request", "decline", "ack", "nak", "release", "inform"];

/// Options that a client asks for, as far as EVE has names for them.
const PARAMETERS: [(u8, &str); 8] = [
    (1, "subnet_mask"),
    (3, "router"),
    (6, "dns_server"),
    (15, "domain"),
    (35, "arp_timeout"),
    (42, "ntp_server"),
    (66, "tftp_server_name"),
    (150, "tftp_server_ip"),
];
