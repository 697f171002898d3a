//! IKE in EVE.

use super::Message;
use super::message::Peer;
use super::names;
use super::version1::Transform;
use crate::json::Object;

pub(super) fn write(message: &Message, object: &mut Object<'_>) {
    object.number("version_major", message.version.0).number("version_minor", message.version.1);
    object.hex("init_spi", &message.initiator).hex("resp_spi", &message.responder);
    object.number("message_id", message.id).number("exchange_type", message.exchange);
    if message.version.0 == 1 { version1(message, object) } else { version2(message, object) }
}

fn version1(message: &Message, object: &mut Object<'_>) {
    let seen = &message.seen;
    let [client, server] = &seen.peers;
    if let Some(chosen) = server.proposals.first() {
        attributes(object, chosen);
    }
    if !message.payloads.is_empty() {
        let mut told: Vec<u8> = Vec::new();
        object.array("payload", |array| {
            for kind in &message.payloads {
                if !told.contains(kind) {
                    array.text(names::payload1(*kind));
                    told.push(*kind);
                }
            }
        });
    }
    object.object("ikev1", |object| {
        object.number_if("doi", seen.domain).boolean("encrypted_payloads", message.encrypted);
        if message.encrypted {
            return;
        }
        object.object("client", |object| peer(object, client));
        object.object("server", |object| peer(object, server));
        if !seen.vendors.is_empty() {
            object.array("vendor_ids", |array| {
                for vendor in &seen.vendors {
                    let mut scratch = Vec::new();
                    array.text(super::digits(vendor, &mut scratch));
                }
            });
        }
    });
}

fn peer(object: &mut Object<'_>, peer: &Peer) {
    if !peer.key_exchange.is_empty() {
        object.hex("key_exchange_payload", &peer.key_exchange);
        object.number("key_exchange_payload_length", peer.key_exchange.len());
    }
    if !peer.nonce.is_empty() {
        object.hex("nonce_payload", &peer.nonce).number("nonce_payload_length", peer.nonce.len());
    }
    if !peer.proposals.is_empty() {
        object.array("proposals", |array| {
            for transform in &peer.proposals {
                array.object(|object| attributes(object, transform));
            }
        });
    }
}

fn attributes(object: &mut Object<'_>, transform: &Transform) {
    for (place, (attribute, number)) in transform.iter().enumerate() {
        if transform.iter().take(place).any(|(before, _)| before.name == attribute.name) {
            continue;
        }
        let name = number.and_then(|number| attribute.values.iter().find(|(known, _)| *known == number));
        object.text(attribute.name, name.map_or("Unknown", |(_, name)| name));
        object.number_if(attribute.raw, *number);
    }
}

fn version2(message: &Message, object: &mut Object<'_>) {
    let initiator = message.flags & 0x08 != 0;
    object.text("role", if initiator { "initiator" } else { "responder" });
    if !initiator {
        let chosen = &message.seen.transforms;
        for (key, names, number) in [
            ("alg_enc", names::ENCRYPTION, chosen.encryption),
            ("alg_auth", names::INTEGRITY, chosen.integrity),
            ("alg_prf", names::PRF, chosen.prf),
            ("alg_dh", names::GROUPS, chosen.group),
            ("alg_esn", names::SEQUENCE, chosen.sequence),
        ] {
            if let Some(number) = number {
                match names.iter().find(|(known, _)| *known == number) {
                    Some((_, name)) => object.text(key, name),
                    None => object.display(key, format_args!("Unknown({number})")),
                };
            }
        }
    }
    object.array("payload", |array| {
        for kind in &message.payloads {
            array.text(names::payload2(*kind));
        }
    });
    if !message.notifications.is_empty() {
        object.array("notify", |array| {
            for kind in &message.notifications {
                match names::NOTIFICATIONS.iter().find(|(known, _)| known == kind) {
                    Some((_, name)) => array.text(name),
                    None => array.display(format_args!("Unknown({kind})")),
                };
            }
        });
    }
    // RFC 7296 section 3.10.1: the lower types are errors.
    let errors = message.notifications.iter().filter(|kind| **kind < 16384).count();
    object.object("ikev2", |object| _ = object.number("errors", errors));
}
