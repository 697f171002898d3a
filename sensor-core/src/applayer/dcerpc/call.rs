//! A call and its answer, and the interfaces that an association knows: what TCP, datagrams and SMB's pipes share.

use super::pdu::{Fields, Pdu, flag, kind, name, uuid_text};
use crate::applayer::Side;
use crate::json::Object;
use crate::rules::ast::Body;
use crate::rules::{Buffer, Field};

/// An interface that a client asked for, under the number of its context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interface {
    context: u16,
    uuid: [u8; 16],
    version: (u16, u16),
    /// The bind said that it is a first fragment: without, only `any_frag` matches, as in Suricata.
    first: bool,
    /// Result and reason of the server's answer.
    answer: Option<(u16, u16)>,
}

/// The interfaces of an association: of a connection, or of a pipe.
#[derive(Debug, Default)]
pub(crate) struct Association {
    /// The newest of a context counts, the oldest come first.
    interfaces: Vec<Interface>,
    /// How many of them the last bind or change asked for.
    asked: usize,
}

/// Interfaces of an association that are kept; the oldest give way.
const MOST_INTERFACES: usize = 64;

/// Bytes kept of what a call carries in one direction.
const MOST_STUB: usize = 1 << 20;

/// A call, or a bind, and its answer.
#[derive(Debug, Default)]
pub(crate) struct Call {
    /// Which of its association.
    id: u32,
    version: (u8, u8),
    context: u16,
    opnum: u16,
    sides: [Half; 2],
    /// Of a bind all that were asked for, of a call the one it uses.
    interfaces: Vec<Interface>,
    /// Activity and sequence number of a datagram.
    activity: Option<([u8; 16], u32)>,
}

/// One direction of a call.
#[derive(Debug, Default)]
struct Half {
    kind: Option<u8>,
    done: bool,
    little: bool,
    fragments: u32,
    /// Bytes of the stub; those past the bound are counted alone.
    size: u64,
    stub: Vec<u8>,
}

impl Half {
    fn take(&mut self, pdu: &Pdu<'_>, stub: &[u8]) {
        self.kind.get_or_insert(pdu.kind);
        self.done |= pdu.flags & flag::LAST != 0 || !matches!(pdu.kind, kind::REQUEST | kind::RESPONSE);
        self.little = pdu.little;
        self.fragments += 1;
        self.size += stub.len() as u64;
        let room = MOST_STUB.saturating_sub(self.stub.len()).min(stub.len());
        self.stub.extend_from_slice(stub.get(..room).unwrap_or_default());
    }
}

impl Association {
    /// Bytes on the heap.
    pub(crate) fn bytes(&self) -> usize {
        self.interfaces.capacity() * size_of::<Interface>()
    }

    /// Takes a unit of a client to the call it is of.
    pub(crate) fn request(&mut self, pdu: &Pdu<'_>, call: &mut Call) {
        call.version = pdu.version;
        call.id = pdu.call;
        let mut fields = Fields { rest: pdu.body, little: pdu.little };
        match pdu.kind {
            kind::BIND | kind::ALTER_CONTEXT => {
                self.asked = 0;
                let _ = self.contexts(fields, pdu.flags & flag::FIRST != 0);
                let from = self.interfaces.len().saturating_sub(self.asked);
                call.interfaces = self.interfaces.get(from..).unwrap_or_default().to_vec();
                call.half_mut(Side::ToServer).take(pdu, &[]);
            }
            _ => {
                let stub = pdu.body.get(8..).unwrap_or_default();
                if call.half(Side::ToServer).fragments == 0 && fields.skip(4).is_some() {
                    call.context = fields.u16().unwrap_or_default();
                    call.opnum = fields.u16().unwrap_or_default();
                    let of = |interface: &&Interface| interface.context == call.context;
                    call.interfaces = self.interfaces.iter().rev().find(of).copied().into_iter().collect();
                }
                call.half_mut(Side::ToServer).take(pdu, stub);
            }
        }
    }

    /// Takes a unit of a server to the call it is of.
    pub(crate) fn response(&mut self, pdu: &Pdu<'_>, call: &mut Call) {
        call.version = pdu.version;
        call.id = pdu.call;
        let accepts = matches!(pdu.kind, kind::BIND_ACK | kind::ALTER_CONTEXT_RESPONSE);
        if accepts && !call.interfaces.is_empty() {
            let _ = results(Fields { rest: pdu.body, little: pdu.little }, &mut call.interfaces);
            for answered in &call.interfaces {
                let is = |known: &&mut Interface| known.context == answered.context && known.uuid == answered.uuid;
                if let Some(known) = self.interfaces.iter_mut().rev().find(is) {
                    known.answer = answered.answer;
                }
            }
        }
        let stub = if pdu.kind == kind::RESPONSE { pdu.body } else { &[] };
        call.half_mut(Side::ToClient).take(pdu, stub);
    }

    /// The contexts of a bind (C706, section 12.6.4.3).
    fn contexts(&mut self, mut fields: Fields<'_>, first: bool) -> Option<()> {
        fields.skip(8)?;
        let count = fields.u8()?;
        fields.skip(3)?;
        for _ in 0..count {
            let context = fields.u16()?;
            let transfers = fields.u8()?;
            fields.skip(1)?;
            let uuid = fields.uuid()?;
            let version = (fields.u16()?, fields.u16()?);
            fields.skip(20 * usize::from(transfers))?;
            if self.interfaces.len() >= MOST_INTERFACES {
                self.interfaces.remove(0);
            }
            self.interfaces.push(Interface { context, uuid, version, first, answer: None });
            self.asked = (self.asked + 1).min(MOST_INTERFACES);
        }
        Some(())
    }
}

/// The results of an answer to a bind (C706, section 12.6.4.4).
fn results(mut fields: Fields<'_>, interfaces: &mut [Interface]) -> Option<()> {
    fields.skip(8)?;
    let address = usize::from(fields.u16()?);
    // The list is aligned to four bytes, as the header before it is.
    fields.skip(address + (6 - address % 4) % 4)?;
    let count = fields.u8()?;
    fields.skip(3)?;
    for interface in interfaces.iter_mut().take(count.into()) {
        interface.answer = Some((fields.u16()?, fields.u16()?));
        fields.skip(20)?;
    }
    Some(())
}

impl Call {
    /// A call of an association.
    pub(crate) fn new(id: u32) -> Call {
        Call { id, ..Call::default() }
    }

    /// A call of a datagram's activity, which names its interface.
    pub(super) fn of_activity(
        activity: [u8; 16],
        sequence: u32,
        interface: [u8; 16],
        version: u32,
        opnum: u16,
    ) -> Call {
        let version = ((version & 0xffff) as u16, (version >> 16) as u16);
        let interface = Interface { context: 0, uuid: interface, version, first: true, answer: Some((0, 0)) };
        let interfaces = vec![interface];
        Call {
            id: sequence,
            opnum,
            interfaces,
            activity: Some((activity, sequence)),
            version: (4, 0),
            ..Call::default()
        }
    }

    /// Takes a datagram of its activity.
    pub(super) fn datagram(&mut self, side: Side, pdu: &Pdu<'_>) {
        let stub = if matches!(pdu.kind, kind::REQUEST | kind::RESPONSE) { pdu.body } else { &[] };
        self.half_mut(side).take(pdu, stub);
    }

    /// Whether it is of an activity.
    pub(super) fn is_of(&self, activity: &[u8; 16], sequence: u32) -> bool {
        self.activity.as_ref().is_some_and(|(known, number)| known == activity && *number == sequence)
    }

    /// Whether a unit of a side goes on with it.
    pub(crate) fn goes_on(&self, side: Side, pdu: &Pdu<'_>) -> bool {
        let half = self.half(side);
        if self.id != pdu.call || half.done {
            return false;
        }
        match side {
            Side::ToServer => half.kind == Some(pdu.kind) && pdu.kind == kind::REQUEST,
            Side::ToClient => {
                let asked = self.half(Side::ToServer).kind;
                let fits = match pdu.kind {
                    kind::BIND_ACK | kind::BIND_NAK => asked == Some(kind::BIND),
                    kind::ALTER_CONTEXT_RESPONSE => asked == Some(kind::ALTER_CONTEXT),
                    kind::RESPONSE => asked.is_none() || asked == Some(kind::REQUEST),
                    _ => true,
                };
                fits && half.kind.is_none_or(|known| known == pdu.kind || pdu.kind == kind::FAULT)
            }
        }
    }

    /// A side is as complete as it will be.
    pub(crate) fn finish(&mut self, side: Side) {
        self.half_mut(side).done = true;
    }

    /// Whether a side is complete.
    pub(crate) fn is_done(&self, side: Side) -> bool {
        self.half(side).done
    }

    /// Numbers in what a side sent have their lowest byte first.
    pub(crate) fn is_little(&self, side: Side) -> bool {
        self.half(side).little
    }

    /// Bytes on the heap.
    pub(crate) fn bytes(&self) -> usize {
        let stubs: usize = self.sides.iter().map(|half| half.stub.capacity()).sum();
        stubs + self.interfaces.capacity() * size_of::<Interface>()
    }

    /// The stub of a side.
    pub(crate) fn buffer(&self, buffer: Buffer, side: Side) -> Option<&[u8]> {
        let stub = &self.half(side).stub;
        (buffer == Buffer::DceStubData && !stub.is_empty()).then_some(stub)
    }

    /// The operation of a call.
    pub(crate) fn number(&self, field: Field) -> Option<i64> {
        (field == Field::DceOpnum && self.is_request()).then_some(self.opnum.into())
    }

    /// `dcerpc.iface` and lists of operations.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other tests are of other protocols")]
    pub(crate) fn holds(&self, test: &Body) -> bool {
        match test {
            Body::DceOpnums(ranges) => {
                self.is_request() && ranges.iter().any(|(first, last)| (*first..=*last).contains(&self.opnum))
            }
            Body::DceIface { uuid, version, any_fragment } => {
                self.is_request()
                    && self.interfaces.iter().any(|interface| {
                        interface.uuid == *uuid
                            && (*any_fragment || interface.first)
                            && interface.answer.is_some_and(|(result, _)| result == 0)
                            && version.is_none_or(|version| version.holds(interface.version.0.into()))
                    })
            }
            _ => false,
        }
    }

    /// Writes its members in EVE: those of a connection's record, `in_smb` those of SMB's `dcerpc` object.
    pub(crate) fn eve(&self, object: &mut Object<'_>, in_smb: bool) {
        let [asked, answered] = &self.sides;
        object.text("request", asked.kind.map_or("REQUEST_LOST", name));
        let lost = if answered.done && self.activity.is_none() && !in_smb { "RESPONSE_LOST" } else { "UNREPLIED" };
        object.text("response", answered.kind.map_or(lost, name));
        if !self.interfaces.is_empty() && self.activity.is_none() {
            object.array("interfaces", |array| {
                for interface in &self.interfaces {
                    array.object(|object| interface.eve(object, in_smb));
                }
            });
        }
        if asked.kind == Some(kind::REQUEST) {
            if in_smb {
                object.number("opnum", self.opnum);
            }
            object.object("req", |object| {
                if !in_smb {
                    object.number("opnum", self.opnum);
                }
                object.number("frag_cnt", asked.fragments).number("stub_data_size", asked.size);
            });
        }
        if answered.kind == Some(kind::RESPONSE) {
            object.object("res", |object| {
                object.number("frag_cnt", answered.fragments).number("stub_data_size", answered.size);
            });
        }
        match &self.activity {
            Some((activity, sequence)) => {
                object.text("activityuuid", uuid_text(activity)).number("seqnum", *sequence);
            }
            None => _ = object.number("call_id", self.id),
        }
        if !in_smb {
            object.display("rpc_version", format_args!("{}.{}", self.version.0, self.version.1));
        }
    }

    fn is_request(&self) -> bool {
        self.half(Side::ToServer).kind == Some(kind::REQUEST)
    }

    fn half(&self, side: Side) -> &Half {
        let [client, server] = &self.sides;
        if side == Side::ToServer { client } else { server }
    }

    fn half_mut(&mut self, side: Side) -> &mut Half {
        let [client, server] = &mut self.sides;
        if side == Side::ToServer { client } else { server }
    }
}

impl Interface {
    fn eve(&self, object: &mut Object<'_>, in_smb: bool) {
        object.text("uuid", uuid_text(&self.uuid));
        object.display("version", format_args!("{}.{}", self.version.0, self.version.1));
        if let Some((result, reason)) = self.answer {
            object.number("ack_result", result);
            if in_smb {
                object.number("ack_reason", reason);
            }
        }
    }
}
