//! A request and its reply, as rules see them.

use super::cip::{Cip, Kind};
use super::message::{Data, Message, command};
use crate::applayer::Side;
use crate::applayer::parser::{self, EventSet};
use crate::json::Object;
use crate::rules::ast::Body;
use crate::rules::{Buffer, Field};

/// A request and its reply.
#[derive(Debug)]
pub struct Transaction {
    pub(super) request: Option<Message>,
    pub(super) response: Option<Message>,
    events: EventSet,
}

impl Transaction {
    /// One that a side's message begins.
    pub(super) fn new(side: Side, message: Message) -> Transaction {
        let events = message.events;
        match side {
            Side::ToServer => Transaction { request: Some(message), response: None, events },
            Side::ToClient => Transaction { request: None, response: Some(message), events },
        }
    }

    pub(super) fn odd(&mut self, event: u8) {
        self.events.add(event);
    }

    /// Whether a reply is the one it waits for. In connections the sequence number tells, else what the sender chose.
    pub(super) fn waits_for(&self, reply: &Message) -> bool {
        self.response.is_none()
            && self.request.as_ref().is_some_and(|request| {
                request.command == reply.command
                    && if reply.command == command::SEND_UNIT_DATA {
                        request.session == reply.session && request.sequence() == reply.sequence()
                    } else {
                        request.context == reply.context
                    }
            })
    }

    pub(super) fn answer(&mut self, reply: Message) {
        self.events.0 |= reply.events.0;
        self.response = Some(reply);
    }

    pub(super) fn bytes(&self) -> usize {
        size_of::<Transaction>() + self.request.iter().chain(&self.response).map(Message::bytes).sum::<usize>()
    }

    fn message(&self, side: Side) -> Option<&Message> {
        if side == Side::ToServer { self.request.as_ref() } else { self.response.as_ref() }
    }
}

impl parser::Transaction for Transaction {
    fn progress(&self, side: Side) -> u8 {
        match (side, &self.request) {
            (Side::ToServer, _) => 1,
            // Nothing answers these: NOP, UnRegisterSession.
            (Side::ToClient, Some(request)) if matches!(request.command, 0 | 0x66) => 1,
            (Side::ToClient, _) => u8::from(self.response.is_some()),
        }
    }

    fn buffer<'a>(&'a self, buffer: Buffer, side: Side, index: usize, _: &'a mut Vec<u8>) -> Option<&'a [u8]> {
        match (buffer, &self.message(side)?.data) {
            _ if index > 0 => None,
            (Buffer::EnipProductName, Data::Identity(identity)) => Some(&identity.name),
            (Buffer::EnipServiceName, Data::Services(services)) => Some(&services.name),
            _ => None,
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "most are of other protocols")]
    fn number(&self, field: Field, side: Side, index: usize) -> Option<i64> {
        let message = self.message(side)?;
        let of_cip = |number: &mut dyn Iterator<Item = u32>| number.nth(index).map(i64::from);
        let cip = || message.cip().into_iter().flat_map(Cip::all);
        let statuses = || cip().filter_map(|cip| cip.reply.as_ref());
        match field {
            Field::EnipCipAttribute => return of_cip(&mut cip().flat_map(Cip::all_attributes)),
            Field::EnipCipClass => return of_cip(&mut cip().flat_map(|cip| cip.values(Kind::Class))),
            Field::EnipCipInstance => return of_cip(&mut cip().flat_map(|cip| cip.values(Kind::Instance))),
            Field::EnipCipStatus => return of_cip(&mut statuses().map(|status| status.general.into())),
            Field::EnipCipExtendedStatus => {
                return of_cip(&mut statuses().filter_map(|status| status.extended.map(u32::from)));
            }
            _ if index > 0 => return None,
            Field::EnipCommand => return Some(message.command.into()),
            Field::EnipStatus => return Some(message.status.into()),
            _ => {}
        }
        match (field, &message.data) {
            (Field::EnipProtocolVersion, Data::Register(version, _)) => Some((*version).into()),
            (Field::EnipProtocolVersion, Data::Services(services)) => Some(services.version.into()),
            (Field::EnipProtocolVersion, Data::Identity(identity)) => Some(identity.version.into()),
            (Field::EnipCapabilities, Data::Services(services)) => Some(services.capabilities.into()),
            (_, Data::Identity(identity)) => Some(match field {
                Field::EnipVendorId => identity.vendor.into(),
                Field::EnipDeviceType => identity.device.into(),
                Field::EnipProductCode => identity.product.into(),
                Field::EnipIdentityStatus => identity.status.into(),
                Field::EnipState => identity.state.into(),
                Field::EnipSerial => identity.serial.into(),
                Field::EnipRevision => i64::from(identity.revision.0) << 8 | i64::from(identity.revision.1),
                _ => return None,
            }),
            _ => None,
        }
    }

    fn holds(&self, test: &Body, side: Side) -> bool {
        let (Body::CipService(service, class, attribute), Some(message)) = (test, self.message(side)) else {
            return false;
        };
        let fits = |cip: &Cip| {
            let class = class.is_none_or(|class| cip.values(Kind::Class).any(|known| known == u32::from(class)));
            let attribute = attribute.is_none_or(|(negated, attribute)| {
                cip.all_attributes().any(|known| known == u32::from(attribute)) != negated
            });
            cip.service == *service && class && attribute
        };
        message.cip().is_some_and(|cip| cip.all().any(fits))
    }

    fn events(&self) -> EventSet {
        self.events
    }

    fn eve(&self, object: &mut Object<'_>) {
        super::eve::write(self, object);
    }
}
