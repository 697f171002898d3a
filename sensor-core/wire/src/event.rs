//! Events as they are archived: each under a number that its sensor's log gives once.
//!
//! What an event says is MessagePack within MessagePack: whoever keeps or passes on events need not know all kinds, and
//! the bytes stay as the sensor wrote them.

use serde::{Deserialize, Serialize};

use crate::codec::{CodecError, decode, encode};
use crate::host::ProductRecord;
use crate::row::RuleAction;
use crate::{Addr, Timestamp};

/// What a sensor that answers [`Request::Events`](crate::request::Request::Events) says of itself in
/// [`Hello`](crate::hello::Hello).
pub const FEATURE: &str = "events";

/// Which log: 16 random bytes, made with it. Numbers of different logs have nothing to do with each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LogId(#[serde(with = "serde_bytes")] pub [u8; 16]);

/// A part of the answer to [`Request::Events`](crate::request::Request::Events).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Events {
    /// The sensor's log. Where it isn't the one that was asked for, events begin with its first.
    pub log: LogId,
    /// Number of the oldest event that the sensor still has, or of the next one where it has none.
    pub first_available: u64,
    /// Number of the newest event; 0 before the first.
    pub last: u64,
    /// Events, each number once, ascending. Between two numbers that don't follow each other lies a gap.
    pub events: Vec<Event>,
    /// Numbers whose events are gone.
    pub gaps: Vec<Gap>,
    /// The newest event is among them, or was told before.
    pub caught_up: bool,
    /// Events that got no number because the log could not be written, in this run of the sensor.
    pub unrecorded: u64,
    /// Why it can't be written at the moment; empty while it can.
    pub fault: String,
}

/// Numbers of events that a sensor no longer has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Gap {
    /// The first.
    pub first: u64,
    /// The last.
    pub last: u64,
    /// One of [`gap`].
    pub reason: String,
}

/// Reasons of a [`Gap`].
pub mod gap {
    /// They gave way to newer ones.
    pub const EXPIRED: &str = "expired";
    /// They could not be read any more.
    pub const DAMAGED: &str = "damaged";
}

/// An archived event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Event {
    /// Its number in the log, from 1.
    pub seq: u64,
    /// When it happened, by the packets.
    pub time: Timestamp,
    /// One of [`kind`].
    pub kind: u8,
    /// What [`Event::read`] reads.
    #[serde(with = "serde_bytes")]
    pub body: Vec<u8>,
}

/// Kinds of events.
pub mod kind {
    /// [`AlertEvent`](super::AlertEvent).
    pub const ALERT: u8 = 1;
    /// [`DiscoveryEvent`](super::DiscoveryEvent).
    pub const DISCOVERY: u8 = 2;
}

/// What an event says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventBody {
    /// A rule matched.
    Alert(Box<AlertEvent>),
    /// Something about a host is new.
    Discovery(Box<DiscoveryEvent>),
    /// A kind of a newer version. It can be kept and passed on.
    Unknown,
}

impl Event {
    /// What it says.
    ///
    /// # Errors
    /// The body isn't one of its kind.
    pub fn read(&self) -> Result<EventBody, CodecError> {
        Ok(match self.kind {
            kind::ALERT => EventBody::Alert(decode(&self.body)?),
            kind::DISCOVERY => EventBody::Discovery(decode(&self.body)?),
            _ => EventBody::Unknown,
        })
    }
}

/// A rule that matched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AlertEvent {
    /// Group of the rule.
    pub gid: u32,
    /// Its number.
    pub sid: u32,
    /// Its revision.
    pub rev: u32,
    /// Its message.
    pub message: String,
    /// Its class, as rules name it; empty where it has none.
    pub class: String,
    /// What the class means; EVE's `category`.
    pub category: String,
    /// 1 is the highest.
    pub severity: u8,
    /// What the sensor did.
    pub action: RuleAction,
    /// Number of the frame that brought it, from 1 in the capture; `None` where the flow's end did.
    pub frame: Option<u64>,
    /// What it matched in: one of [`place`].
    pub place: String,
    /// Number of the transaction within the flow that it matched in.
    pub transaction: Option<u64>,
    /// The flow, as in [`FlowRecord::id`](crate::FlowRecord::id); `None` where the packet is of none. Then the packet's
    /// source stands for the client.
    pub flow: Option<u64>,
    /// The side that opened the flow; `None` where the frame holds no packet.
    pub client: Option<Addr>,
    /// The other side.
    pub server: Option<Addr>,
    /// Port of the client; 0 where the protocol has none.
    pub client_port: u16,
    /// Port of the server.
    pub server_port: u16,
    /// What matched went from the server to the client.
    pub to_client: bool,
    /// IP protocol number.
    pub proto: u8,
    /// Outer VLAN ids, outermost first.
    pub vlans: Vec<u16>,
    /// Application protocol by EVE's `app_proto` name; empty while unknown.
    pub app_proto: String,
    /// Community ID v1, seed 0; empty where there is no flow.
    pub community_id: String,
}

/// What a rule matched in.
pub mod place {
    /// A packet.
    pub const PACKET: &str = "packet";
    /// Bytes of a stream.
    pub const STREAM: &str = "stream";
    /// A transaction.
    pub const TRANSACTION: &str = "transaction";
    /// A part of a message as it lies in the stream.
    pub const FRAME: &str = "frame";
}

impl Default for AlertEvent {
    fn default() -> Self {
        AlertEvent {
            gid: 0,
            sid: 0,
            rev: 0,
            message: String::new(),
            class: String::new(),
            category: String::new(),
            severity: 0,
            action: RuleAction::Alert,
            frame: None,
            place: String::new(),
            transaction: None,
            flow: None,
            client: None,
            server: None,
            client_port: 0,
            server_port: 0,
            to_client: false,
            proto: 0,
            vlans: Vec::new(),
            app_proto: String::new(),
            community_id: String::new(),
        }
    }
}

/// Something that became known of a host. Which fields hold something depends on the change; others are left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DiscoveryEvent {
    /// The host.
    pub address: Addr,
    /// Outer VLAN id, 0 for none.
    pub vlan: u16,
    /// What changed: EVE's `discovery.change`.
    pub change: String,
    /// 1 is the highest.
    pub severity: u8,
    /// Hardware address: `02:00:00:00:00:01`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mac: String,
    /// Who made the card.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub maker: String,
    /// The hardware address before.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub previous_mac: String,
    /// A service's port and IP protocol.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<(u16, u8)>,
    /// What is known of the service or client program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<ProductRecord>,
    /// The operating system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<SystemSeen>,
    /// A name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Where the name stood: `dns`, `mdns`, `dhcp`, ...
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name_source: String,
}

/// An operating system and how it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SystemSeen {
    /// `Linux`, `Windows`, ...
    pub family: String,
    /// Version or kind; may be empty.
    pub version: String,
    /// What it was seen by: `syn`, `dhcp`, `user_agent`, ...
    pub evidence: String,
    /// 0-100.
    pub confidence: u8,
}

impl Default for DiscoveryEvent {
    fn default() -> Self {
        DiscoveryEvent {
            address: Addr::NONE,
            vlan: 0,
            change: String::new(),
            severity: 0,
            mac: String::new(),
            maker: String::new(),
            previous_mac: String::new(),
            service: None,
            product: None,
            system: None,
            name: String::new(),
            name_source: String::new(),
        }
    }
}

impl AlertEvent {
    /// As the body of an event of [`kind::ALERT`].
    ///
    /// # Errors
    /// It is longer than a message may be.
    pub fn body(&self) -> Result<Vec<u8>, CodecError> {
        encode(self)
    }
}

impl DiscoveryEvent {
    /// As the body of an event of [`kind::DISCOVERY`].
    ///
    /// # Errors
    /// It is longer than a message may be.
    pub fn body(&self) -> Result<Vec<u8>, CodecError> {
        encode(self)
    }
}
