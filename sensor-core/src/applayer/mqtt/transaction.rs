//! A message and its answers, as rules and EVE see them.

#![allow(clippy::wildcard_enum_match_arm, reason = "most buffers are of other protocols")]

use super::MAX_MESSAGES;
use super::message::{CLEAN, Connect, Head, Message, PASSWORD, Property, USER, Value, WILL, WILL_RETAIN, kind};
use crate::applayer::Side;
use crate::applayer::parser::{EventSet, Transaction};
use crate::json::Object;
use crate::rules::ast::{Body, WordField};
use crate::rules::{Buffer, Field};

/// See the module.
#[derive(Debug)]
pub struct Exchange {
    messages: Vec<(Side, Head, Message)>,
    pub done: bool,
    events: EventSet,
}

impl Exchange {
    pub fn new(side: Side, head: Head, message: Message) -> Exchange {
        Exchange { messages: vec![(side, head, message)], done: false, events: EventSet::NONE }
    }

    pub fn odd(&mut self, event: u8) {
        self.events.add(event);
    }

    /// Adds an answer; false if there are too many.
    pub fn add(&mut self, side: Side, head: Head, message: Message) -> bool {
        let room = self.messages.len() < MAX_MESSAGES;
        if room {
            self.messages.push((side, head, message));
        }
        room
    }

    /// Whether it began with a message of these types from that side.
    pub fn starts(&self, kinds: &[u8], from: Side) -> bool {
        self.messages.first().is_some_and(|(side, head, _)| *side == from && kinds.contains(&head.kind))
    }

    pub fn id(&self) -> Option<u16> {
        self.messages.first()?.2.id
    }

    pub fn bytes(&self) -> usize {
        let of = |message: &Message| {
            size_of::<Message>()
                + message.payload.len()
                + message.topics.iter().map(|(topic, _)| 32 + topic.len()).sum::<usize>()
                + message.properties.len() * 64
                + message.connect.as_ref().map_or(0, |connect| size_of::<Connect>() + connect.client.len())
        };
        size_of::<Exchange>() + self.messages.iter().map(|(.., message)| of(message)).sum::<usize>()
    }

    fn connect(&self) -> Option<&Connect> {
        self.messages.iter().find_map(|(.., message)| message.connect.as_deref())
    }

    /// Messages of a type that a side sent.
    fn of(&self, wanted: u8, from: Side) -> impl Iterator<Item = &Message> {
        let messages = self.messages.iter().filter(move |(side, head, _)| *side == from && head.kind == wanted);
        messages.map(|(.., message)| message)
    }
}

impl Transaction for Exchange {
    /// Rules look at a request with its answer once, for who began.
    fn only(&self) -> Option<Side> {
        self.messages.first().map(|(side, ..)| *side)
    }

    fn record_side(&self) -> Side {
        Side::ToServer
    }

    fn progress(&self, _: Side) -> u8 {
        u8::from(self.done)
    }

    fn buffer<'a>(&'a self, buffer: Buffer, side: Side, index: usize, _: &'a mut Vec<u8>) -> Option<&'a [u8]> {
        let topic = |wanted, index: usize| {
            let mut topics = self.of(wanted, side).flat_map(|message| &message.topics);
            topics.nth(index).map(|(topic, _)| topic.as_slice())
        };
        match buffer {
            Buffer::MqttSubscribeTopic => return topic(kind::SUBSCRIBE, index),
            Buffer::MqttUnsubscribeTopic => return topic(kind::UNSUBSCRIBE, index),
            _ if index > 0 => return None,
            Buffer::MqttPublishTopic => return topic(kind::PUBLISH, 0),
            Buffer::MqttPublishMessage => {
                let message = self.of(kind::PUBLISH, side).find(|message| message.skipped.is_none())?;
                return Some(&message.payload);
            }
            _ => {}
        }
        let connect = self.connect().filter(|_| side == Side::ToServer)?;
        match buffer {
            Buffer::MqttConnectClientId => Some(&connect.client),
            Buffer::MqttConnectUsername => connect.user.as_deref(),
            Buffer::MqttConnectPassword => connect.password.as_deref(),
            Buffer::MqttConnectWillTopic => connect.will.as_ref().map(|(topic, ..)| topic.as_slice()),
            Buffer::MqttConnectWillMessage => connect.will.as_ref().map(|(_, message, _)| message.as_slice()),
            Buffer::MqttConnectProtocolString => Some(&connect.protocol),
            _ => None,
        }
    }

    fn number(&self, field: Field, _: Side, index: usize) -> Option<i64> {
        let head = self.messages.get(index).map(|(_, head, _)| *head);
        match field {
            Field::MqttType => head.map(|head| head.kind.into()),
            Field::MqttQos => head.map(|head| head.qos.into()),
            Field::MqttProtocolVersion if index == 0 => self.connect().map(|connect| connect.version.into()),
            Field::MqttReasonCode => {
                let mut codes = self.messages.iter().flat_map(|(.., message)| &message.codes);
                codes.nth(index).map(|code| (*code).into())
            }
            _ => None,
        }
    }

    fn holds(&self, test: &Body, _: Side) -> bool {
        let Body::Words(test) = test else { return false };
        let all = |has: &dyn Fn(&str) -> bool| test.words.iter().all(|(negated, word)| has(word) != *negated);
        match test.field {
            WordField::MqttFlags => self.messages.iter().any(|(_, head, _)| {
                all(&|word| match word {
                    "dup" => head.dup,
                    _ => head.retain,
                })
            }),
            WordField::MqttConnectFlags => self.connect().is_some_and(|connect| {
                all(&|word| {
                    let bit = match word {
                        "username" => USER,
                        "password" => PASSWORD,
                        "will" => WILL,
                        "will_retain" => WILL_RETAIN,
                        _ => CLEAN,
                    };
                    connect.flags & bit != 0
                })
            }),
            WordField::MqttSessionPresent => {
                let mut answers = self.messages.iter().filter(|(_, head, _)| head.kind == kind::CONNACK);
                answers.any(|(.., message)| all(&|word| message.session_present == matches!(word, "yes" | "true")))
            }
            _ => false,
        }
    }

    fn events(&self) -> EventSet {
        self.events
    }

    fn eve(&self, object: &mut Object<'_>) {
        for (_, head, message) in &self.messages {
            let Some(name) = NAMES.get(usize::from(head.kind)) else { continue };
            object.object(name, |object| write(object, *head, message));
        }
    }
}

fn write(object: &mut Object<'_>, head: Head, message: &Message) {
    object.number("qos", head.qos).boolean("retain", head.retain).boolean("dup", head.dup);
    if let Some(length) = message.skipped {
        object.boolean("truncated", true).number("skipped_length", length);
        return;
    }
    if let Some(connect) = &message.connect {
        write_connect(object, connect);
    }
    let code = message.codes.first().copied();
    match head.kind {
        kind::CONNACK => {
            object.boolean("session_present", message.session_present).number_if("return_code", code);
        }
        kind::PUBLISH => {
            object.text_if("topic", message.topics.first().map(|(topic, _)| topic));
            object.number_if("message_id", message.id).text("message", &message.payload);
        }
        kind::SUBSCRIBE => {
            object.number_if("message_id", message.id);
            object.array("topics", |array| {
                for (topic, qos) in &message.topics {
                    array.object(|object| _ = object.text("topic", topic).number("qos", *qos));
                }
            });
        }
        kind::UNSUBSCRIBE => {
            object.number_if("message_id", message.id);
            object.array("topics", |array| message.topics.iter().for_each(|(topic, _)| _ = array.text(topic)));
        }
        kind::SUBACK | kind::UNSUBACK => {
            object.number_if("message_id", message.id);
            if !message.codes.is_empty() {
                let key = if head.kind == kind::SUBACK { "qos_granted" } else { "reason_codes" };
                object.array(key, |array| message.codes.iter().for_each(|code| _ = array.number(*code)));
            }
        }
        _ => {
            object.number_if("message_id", message.id).number_if("reason_code", code);
        }
    }
    properties(object, &message.properties);
}

fn write_connect(object: &mut Object<'_>, connect: &Connect) {
    object.text("protocol_string", &connect.protocol).number("protocol_version", connect.version);
    object.object("flags", |object| {
        for (name, bit) in FLAGS {
            object.boolean(name, connect.flags & bit != 0);
        }
    });
    object.text("client_id", &connect.client);
    object.text_if("username", connect.user.as_deref()).text_if("password", connect.password.as_deref());
    if let Some((topic, message, about)) = &connect.will {
        object.object("will", |object| {
            object.text("topic", topic).text("message", message);
            properties(object, about);
        });
    }
}

fn properties(object: &mut Object<'_>, list: &[Property]) {
    if list.is_empty() {
        return;
    }
    object.object("properties", |object| {
        for (place, property) in list.iter().enumerate() {
            if let Value::Pair(key, value) = &property.value {
                object.text(&String::from_utf8_lossy(key), value);
                continue;
            }
            // A key stands once.
            if list.iter().take(place).any(|before| before.name == property.name) {
                continue;
            }
            match &property.value {
                Value::Number(number) => object.number(property.name, *number),
                Value::Text(text) | Value::Pair(text, _) => object.text(property.name, text),
            };
        }
    });
}

const FLAGS: [(&str, u8); 5] = [
    ("username", USER),
    ("password", PASSWORD),
    ("will", WILL),
    ("will_retain", WILL_RETAIN),
    ("clean_session", CLEAN),
];

/// By type; 0 is forbidden.
const NAMES: [&str; 16] = [
    "unassigned",
    "connect",
    "connack",
    "publish",
    "puback",
    "pubrec",
    "pubrel",
    "pubcomp",
    "subscribe",
    "suback",
    "unsubscribe",
    "unsuback",
    "pingreq",
    "pingresp",
    "disconnect",
    "auth",
];
