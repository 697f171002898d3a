//! Control packets (MQTT 3.1.1 and 5.0, chapters 2 and 3).

use crate::discover::extract::reader::Reader;

/// Topics of a message that are kept.
const MAX_TOPICS: usize = 1024;
/// Properties of a message that are kept.
const MAX_PROPERTIES: usize = 64;

/// The fixed header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub kind: u8,
    pub dup: bool,
    pub qos: u8,
    pub retain: bool,
}

impl Head {
    pub fn of(first: u8) -> Head {
        Head { kind: first >> 4, dup: first & 8 != 0, qos: first >> 1 & 3, retain: first & 1 != 0 }
    }
}

/// Types (section 2.1.2).
pub mod kind {
    pub const CONNECT: u8 = 1;
    pub const CONNACK: u8 = 2;
    pub const PUBLISH: u8 = 3;
    pub const PUBACK: u8 = 4;
    pub const PUBREC: u8 = 5;
    pub const PUBREL: u8 = 6;
    pub const PUBCOMP: u8 = 7;
    pub const SUBSCRIBE: u8 = 8;
    pub const SUBACK: u8 = 9;
    pub const UNSUBSCRIBE: u8 = 10;
    pub const UNSUBACK: u8 = 11;
    pub const DISCONNECT: u8 = 14;
    pub const AUTH: u8 = 15;
}

/// A message's content.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Message {
    pub connect: Option<Box<Connect>>,
    /// Of CONNACK.
    pub session_present: bool,
    /// A reason or return code; of SUBACK and UNSUBACK all of them.
    pub codes: Vec<u8>,
    pub id: Option<u16>,
    /// Of SUBSCRIBE with their QoS, of UNSUBSCRIBE; PUBLISH has one.
    pub topics: Vec<(Vec<u8>, u8)>,
    /// Of PUBLISH.
    pub payload: Vec<u8>,
    pub properties: Vec<Property>,
    /// Not read, being longer than what is.
    pub skipped: Option<u32>,
}

/// CONNECT (section 3.1).
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Connect {
    pub protocol: Vec<u8>,
    pub version: u8,
    pub flags: u8,
    pub client: Vec<u8>,
    pub will: Option<(Vec<u8>, Vec<u8>, Vec<Property>)>,
    pub user: Option<Vec<u8>>,
    pub password: Option<Vec<u8>>,
}

/// A property (MQTT 5.0, section 2.2.2).
#[derive(Debug, PartialEq, Eq)]
pub struct Property {
    pub name: &'static str,
    pub value: Value,
}

/// A property's value.
#[derive(Debug, PartialEq, Eq)]
pub enum Value {
    Number(u32),
    Text(Vec<u8>),
    Pair(Vec<u8>, Vec<u8>),
}

impl Message {
    /// Reads what is behind the fixed header; `None` if it is malformed.
    pub fn parse(head: Head, version: u8, body: &[u8]) -> Option<Message> {
        let mut reader = Reader::new(body);
        let mut message = Message::default();
        let is_5 = version == 5;
        match head.kind {
            kind::CONNECT => {
                let connect = connect(&mut reader, &mut message.properties)?;
                message.connect = Some(Box::new(connect));
            }
            kind::CONNACK => {
                message.session_present = reader.u8()? & 1 != 0;
                message.codes.push(reader.u8()?);
                // A flow whose CONNECT was not seen tells its version by the length.
                if is_5 || !reader.rest().is_empty() {
                    message.properties = properties(&mut reader)?;
                }
            }
            kind::PUBLISH => {
                message.topics.push((text(&mut reader)?, 0));
                if head.qos > 0 {
                    message.id = Some(reader.u16()?);
                }
                if is_5 {
                    message.properties = properties(&mut reader)?;
                }
                message.payload = reader.rest().to_vec();
            }
            kind::PUBACK | kind::PUBREC | kind::PUBREL | kind::PUBCOMP => {
                message.id = Some(reader.u16()?);
                reason(&mut reader, is_5, &mut message)?;
            }
            kind::SUBSCRIBE | kind::UNSUBSCRIBE => {
                message.id = Some(reader.u16()?);
                if is_5 {
                    message.properties = properties(&mut reader)?;
                }
                while !reader.rest().is_empty() && message.topics.len() < MAX_TOPICS {
                    let topic = text(&mut reader)?;
                    let qos = if head.kind == kind::SUBSCRIBE { reader.u8()? & 3 } else { 0 };
                    message.topics.push((topic, qos));
                }
            }
            kind::SUBACK | kind::UNSUBACK => {
                message.id = Some(reader.u16()?);
                if is_5 {
                    message.properties = properties(&mut reader)?;
                }
                message.codes = reader.rest().iter().copied().take(MAX_TOPICS).collect();
            }
            // Suricata 8 shows a reason that stands alone in DISCONNECT as 0, and rules are written for that.
            kind::DISCONNECT if is_5 && body.len() < 2 => message.codes.push(0),
            kind::DISCONNECT | kind::AUTH => reason(&mut reader, is_5, &mut message)?,
            _ => {}
        }
        Some(message)
    }
}

/// A reason code that may be left out (MQTT 5.0, section 3.4.2.1), and properties.
fn reason(reader: &mut Reader<'_>, is_5: bool, message: &mut Message) -> Option<()> {
    if !is_5 {
        return Some(());
    }
    message.codes.push(reader.u8().unwrap_or(0));
    if !reader.rest().is_empty() {
        message.properties = properties(reader)?;
    }
    Some(())
}

fn connect(reader: &mut Reader<'_>, list: &mut Vec<Property>) -> Option<Connect> {
    let protocol = text(reader)?;
    let (version, flags) = (reader.u8()?, reader.u8()?);
    reader.skip(2)?;
    if version == 5 {
        *list = properties(reader)?;
    }
    let mut connect = Connect { protocol, version, flags, client: text(reader)?, ..Connect::default() };
    if flags & WILL != 0 {
        let about = if version == 5 { properties(reader)? } else { Vec::new() };
        connect.will = Some((text(reader)?, text(reader)?, about));
    }
    if flags & USER != 0 {
        connect.user = Some(text(reader)?);
    }
    if flags & PASSWORD != 0 {
        connect.password = Some(text(reader)?);
    }
    Some(connect)
}

/// CONNECT's flags (section 3.1.2.3).
pub const CLEAN: u8 = 0x02;
pub const WILL: u8 = 0x04;
pub const WILL_RETAIN: u8 = 0x20;
pub const PASSWORD: u8 = 0x40;
pub const USER: u8 = 0x80;

/// A string or binary data behind its length (section 1.5).
fn text(reader: &mut Reader<'_>) -> Option<Vec<u8>> {
    reader.vec16().map(<[u8]>::to_vec)
}

/// A variable byte integer (section 1.5.5).
fn variable(reader: &mut Reader<'_>) -> Option<u32> {
    let mut value = 0;
    for shift in [0, 7, 14, 21] {
        let byte = reader.u8()?;
        value |= u32::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn properties(reader: &mut Reader<'_>) -> Option<Vec<Property>> {
    let length = variable(reader)? as usize;
    let mut reader = Reader::new(reader.take(length)?);
    let mut list = Vec::new();
    while !reader.rest().is_empty() {
        let id = variable(&mut reader)?;
        let (_, name, form) = PROPERTIES.iter().find(|(known, ..)| u32::from(*known) == id)?;
        let value = match form {
            Form::Byte => Value::Number(reader.u8()?.into()),
            Form::Two => Value::Number(reader.u16()?.into()),
            Form::Four => Value::Number(reader.u32()?),
            Form::Variable => Value::Number(variable(&mut reader)?),
            Form::Text => Value::Text(text(&mut reader)?),
            Form::Pair => Value::Pair(text(&mut reader)?, text(&mut reader)?),
        };
        if list.len() < MAX_PROPERTIES {
            list.push(Property { name, value });
        }
    }
    Some(list)
}

enum Form {
    Byte,
    Two,
    Four,
    Variable,
    Text,
    Pair,
}

/// MQTT 5.0, section 2.2.2.2.
const PROPERTIES: [(u8, &str, Form); 27] = [
    (0x01, "payload_format_indicator", Form::Byte),
    (0x02, "message_expiry_interval", Form::Four),
    (0x03, "content_type", Form::Text),
    (0x08, "response_topic", Form::Text),
    (0x09, "correlation_data", Form::Text),
    (0x0b, "subscription_identifier", Form::Variable),
    (0x11, "session_expiry_interval", Form::Four),
    (0x12, "assigned_client_identifier", Form::Text),
    (0x13, "server_keep_alive", Form::Two),
    (0x15, "authentication_method", Form::Text),
    (0x16, "authentication_data", Form::Text),
    (0x17, "request_problem_information", Form::Byte),
    (0x18, "will_delay_interval", Form::Four),
    (0x19, "request_response_information", Form::Byte),
    (0x1a, "response_information", Form::Text),
    (0x1c, "server_reference", Form::Text),
    (0x1f, "reason_string", Form::Text),
    (0x21, "receive_maximum", Form::Two),
    (0x22, "topic_alias_maximum", Form::Two),
    (0x23, "topic_alias", Form::Two),
    (0x24, "maximum_qos", Form::Byte),
    (0x25, "retain_available", Form::Byte),
    (0x26, "user_property", Form::Pair),
    (0x27, "maximum_packet_size", Form::Four),
    (0x28, "wildcard_subscription_available", Form::Byte),
    (0x29, "subscription_identifier_available", Form::Byte),
    (0x2a, "shared_subscription_available", Form::Byte),
];
