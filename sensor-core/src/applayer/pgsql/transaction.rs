//! A request and what answers it, as rules and EVE see them.

use super::message::{Auth, Back, Front};
use crate::applayer::Side;
use crate::applayer::parser::{self, EventSet};
use crate::json::Object;
use crate::rules::Buffer;

/// A request, or several that are answered together, and the server's messages up to the one that ends the answer.
#[derive(Debug)]
pub struct Transaction {
    id: u64,
    /// What was asked; `None` where the client was not seen.
    front: Option<Front>,
    /// The client's side of a copy: messages, bytes.
    copied: (u64, u64),
    copy_ended: Option<&'static str>,
    reply: Reply,
    asked: bool,
    answered: bool,
    events: EventSet,
}

/// What the server has said. Of what comes several times the last counts.
#[derive(Debug, Default)]
struct Reply {
    encryption: Option<bool>,
    message: Option<&'static str>,
    salt: Option<Vec<u8>>,
    sasl_final: Option<Vec<u8>>,
    parameters: Vec<(Vec<u8>, Vec<u8>)>,
    key: Option<(u32, u32)>,
    fields: Option<u16>,
    rows: u64,
    row_bytes: u64,
    completed: Option<Vec<u8>>,
    notice: Vec<(u8, Vec<u8>)>,
    notification: Option<(u32, Vec<u8>, Vec<u8>)>,
    copy_in: Option<u16>,
    copy_out: Option<u16>,
    copied: (u64, u64),
    any: bool,
}

/// Parameters of a server that are kept: it has about fourteen.
const MOST_PARAMETERS: usize = 64;

impl Transaction {
    pub(super) fn new(id: u64) -> Transaction {
        Transaction {
            id,
            front: None,
            copied: (0, 0),
            copy_ended: None,
            reply: Reply::default(),
            asked: false,
            answered: false,
            events: EventSet::NONE,
        }
    }

    pub(super) fn odd(&mut self, event: u8) {
        self.events.add(event);
    }

    /// Whether the server's next message is no longer for it.
    pub(super) fn is_answered(&self) -> bool {
        self.answered
    }

    pub(super) fn asks_for_encryption(&self) -> bool {
        matches!(self.front, Some(Front::Ssl | Front::Gss))
    }

    /// Whether a client's message belongs to the same request.
    pub(super) fn goes_on(&self, front: &Front) -> bool {
        match front {
            Front::CopyData(_) | Front::CopyDone | Front::CopyFail => {
                !self.answered && self.copy_ended.is_none() && self.copied.0 > 0
            }
            Front::Extended(_) => !self.answered && self.front == Some(Front::Extended(false)),
            Front::Ssl
            | Front::Gss
            | Front::Startup(..)
            | Front::Cancel(..)
            | Front::Password
            | Front::SaslInitial(..)
            | Front::SaslResponse(_)
            | Front::Query(_)
            | Front::Terminate => false,
        }
    }

    /// The client was not seen.
    pub(super) fn unasked(&mut self) {
        self.asked = true;
    }

    /// Nothing more comes.
    pub(super) fn end(&mut self) {
        (self.asked, self.answered) = (true, true);
    }

    pub(super) fn request(&mut self, front: Front) {
        self.asked = true;
        match front {
            Front::CopyData(bytes) => {
                self.copied = (self.copied.0 + 1, self.copied.1.saturating_add(bytes));
                self.asked = false;
            }
            Front::CopyDone => self.copy_ended = Some("copy_done"),
            Front::CopyFail => self.copy_ended = Some("copy_fail"),
            // Nothing answers these.
            Front::Terminate | Front::Cancel(..) => {
                self.answered = true;
                self.front = Some(front);
            }
            Front::Ssl
            | Front::Gss
            | Front::Startup(..)
            | Front::Password
            | Front::SaslInitial(..)
            | Front::SaslResponse(_)
            | Front::Query(_)
            | Front::Extended(_) => self.front = Some(front),
        }
    }

    pub(super) fn response(&mut self, back: Back) {
        let reply = &mut self.reply;
        reply.any |= !matches!(back, Back::Ready | Back::Other);
        match back {
            Back::Encryption(accepted) => {
                reply.encryption = Some(accepted);
                self.answered = true;
            }
            Back::Auth(Auth::Ok) => reply.message = Some(Auth::Ok.name()),
            Back::Auth(auth) => {
                reply.message = Some(auth.name());
                self.answered = true;
            }
            Back::Salt(salt) => {
                reply.salt = Some(salt);
                self.answered = true;
            }
            Back::SaslFinal(last) => reply.sasl_final = Some(last),
            Back::Parameter(name, value) => {
                if reply.parameters.len() < MOST_PARAMETERS {
                    reply.parameters.push((name, value));
                }
            }
            Back::Key(process, key) => reply.key = Some((process, key)),
            Back::Ready => self.answered = true,
            Back::Fields(fields) => reply.fields = Some(fields),
            Back::Row(bytes) => {
                reply.rows += 1;
                reply.row_bytes = reply.row_bytes.saturating_add(bytes);
            }
            Back::Completed(text) => reply.completed = Some(text),
            Back::Error(fields) => {
                // Whoever isn't let in hears nothing more.
                let fatal = fields.iter().any(|(kind, text)| *kind == b'V' && matches!(&**text, b"FATAL" | b"PANIC"));
                self.answered |= fatal || self.asks_for_encryption();
                self.reply.notice = fields;
            }
            Back::Notice(fields) => {
                if reply.notice.is_empty() {
                    reply.notice = fields;
                }
            }
            Back::Notification(process, channel, payload) => {
                reply.notification = Some((process, channel, payload));
            }
            Back::CopyIn(columns) => {
                reply.copy_in = Some(columns);
                self.answered = true;
            }
            Back::CopyOut(columns) => reply.copy_out = Some(columns),
            Back::CopyData(bytes) => {
                reply.copied = (reply.copied.0 + 1, reply.copied.1.saturating_add(bytes));
            }
            Back::CopyDone | Back::Other => {}
        }
    }

    pub(super) fn bytes(&self) -> usize {
        let pairs = |pairs: &[(Vec<u8>, Vec<u8>)]| pairs.iter().map(|(a, b)| 48 + a.len() + b.len()).sum::<usize>();
        let front = self.front.as_ref().map_or(0, |front| match front {
            Front::Startup(_, parameters) => pairs(parameters),
            Front::SaslInitial(mechanism, response) => mechanism.len() + response.len(),
            Front::SaslResponse(bytes) | Front::Query(bytes) => bytes.len(),
            Front::Ssl
            | Front::Gss
            | Front::Cancel(..)
            | Front::Password
            | Front::CopyData(_)
            | Front::CopyDone
            | Front::CopyFail
            | Front::Terminate
            | Front::Extended(_) => 0,
        });
        let reply = &self.reply;
        let notice: usize = reply.notice.iter().map(|(_, text)| 32 + text.len()).sum();
        let texts = [&reply.salt, &reply.sasl_final, &reply.completed];
        let texts: usize = texts.into_iter().flatten().map(Vec::len).sum();
        size_of::<Transaction>() + front + pairs(&reply.parameters) + notice + texts
    }
}

impl parser::Transaction for Transaction {
    fn progress(&self, side: Side) -> u8 {
        u8::from(if side == Side::ToServer { self.asked } else { self.answered })
    }

    fn buffer<'a>(&'a self, buffer: Buffer, side: Side, index: usize, _: &'a mut Vec<u8>) -> Option<&'a [u8]> {
        match (buffer, side, index, &self.front) {
            (Buffer::PgsqlQuery, Side::ToServer, 0, Some(Front::Query(query))) => Some(query),
            _ => None,
        }
    }

    fn events(&self) -> EventSet {
        self.events
    }

    fn eve(&self, object: &mut Object<'_>) {
        object.number("tx_id", self.id + 1);
        if self.front.is_some() || self.copied.0 > 0 || self.copy_ended.is_some() {
            object.object("request", |object| self.request_eve(object));
        }
        if self.reply.any {
            object.object("response", |object| self.reply.eve(object));
        }
    }
}

impl Transaction {
    fn request_eve(&self, object: &mut Object<'_>) {
        match &self.front {
            Some(Front::Ssl) => _ = object.text("message", "SSL Request"),
            Some(Front::Gss) => _ = object.text("message", "GSSENC Request"),
            Some(Front::Startup((major, minor), parameters)) => {
                object.display("protocol_version", format_args!("{major}.{minor}"));
                object.object("startup_parameters", |object| startup(object, parameters));
            }
            Some(Front::Cancel(process, key)) => {
                object.text("message", "cancel_request").number("process_id", *process).number("secret_key", *key);
            }
            Some(Front::Password) => _ = object.boolean("password_redacted", true),
            Some(Front::SaslInitial(mechanism, response)) => {
                match &**mechanism {
                    b"SCRAM-SHA-256" => object.text("sasl_authentication_mechanism", "scram_SHA256"),
                    b"SCRAM-SHA-256-PLUS" => object.text("sasl_authentication_mechanism", "scram_SHA256_plus"),
                    other => object.text("sasl_authentication_mechanism", other),
                };
                object.text("sasl_param", response);
            }
            Some(Front::SaslResponse(response)) => _ = object.text("sasl_response", response),
            Some(Front::Query(query)) => _ = object.text("simple_query", query),
            Some(Front::Terminate) => _ = object.text("message", "termination_message"),
            Some(Front::CopyData(_) | Front::CopyDone | Front::CopyFail | Front::Extended(_)) | None => {}
        }
        if self.copied.0 > 0 {
            let (messages, bytes) = self.copied;
            let copy = |object: &mut Object<'_>| _ = object.number("msg_count", messages).number("data_size", bytes);
            object.object("copy_data_in", copy);
        }
        object.text_if("message", self.copy_ended);
    }
}

fn startup(object: &mut Object<'_>, parameters: &[(Vec<u8>, Vec<u8>)]) {
    let user = parameters.iter().find(|(name, _)| name == b"user");
    object.text_if("user", user.map(|(_, value)| value));
    if parameters.len() > usize::from(user.is_some()) {
        object.array("optional_parameters", |array| {
            for (name, value) in parameters.iter().filter(|(name, _)| name != b"user") {
                array.object(|object| _ = object.text(&String::from_utf8_lossy(name), value));
            }
        });
    }
}

impl Reply {
    fn eve(&self, object: &mut Object<'_>) {
        if let Some(accepted) = self.encryption {
            object.boolean("ssl_accepted", accepted);
        }
        let told = self.notice.iter().any(|(kind, _)| *kind == b'M');
        object.text_if("message", self.message.filter(|_| !told));
        object.text_if("authentication_md5_password", self.salt.as_ref());
        object.text_if("authentication_sasl_final", self.sasl_final.as_ref());
        if !self.parameters.is_empty() {
            object.array("parameter_status", |array| {
                for (name, value) in &self.parameters {
                    array.object(|object| _ = object.text(&parameter(name), value));
                }
            });
        }
        if let Some((process, key)) = self.key {
            object.number("process_id", process).number("secret_key", key);
        }
        object.number_if("field_count", self.fields);
        if self.rows > 0 {
            object.number("data_rows", self.rows).number("data_size", self.row_bytes);
        }
        for (key, columns) in [("copy_in_response", self.copy_in), ("copy_out_response", self.copy_out)] {
            if let Some(columns) = columns {
                object.object(key, |object| _ = object.number("columns", columns));
            }
        }
        if self.copied.0 > 0 {
            let (rows, bytes) = self.copied;
            let copy = |object: &mut Object<'_>| _ = object.number("row_count", rows).number("data_size", bytes);
            object.object("copy_data_out", copy);
        }
        object.text_if("command_completed", self.completed.as_ref());
        let mut seen = 0_u128;
        for (kind, text) in &self.notice {
            let bit = 1_u128.checked_shl((*kind).into()).unwrap_or(0);
            if let Some((_, name)) = FIELDS.iter().find(|(known, _)| known == kind).filter(|_| seen & bit == 0) {
                object.text(name, text);
                seen |= bit;
            }
        }
        if let Some((process, channel, payload)) = &self.notification {
            if self.key.is_none() {
                object.number("process_id", *process);
            }
            object.text("channel_name", channel).text("payload", payload);
        }
    }
}

/// A parameter's name, words apart.
fn parameter(name: &[u8]) -> String {
    match name {
        b"TimeZone" => "time_zone".to_owned(),
        b"DateStyle" => "date_style".to_owned(),
        b"IntervalStyle" => "interval_style".to_owned(),
        other => String::from_utf8_lossy(other).into_owned(),
    }
}

/// "Error and Notice Message Fields".
const FIELDS: [(u8, &str); 18] = [
    (b'S', "severity_localizable"),
    (b'V', "severity_non_localizable"),
    (b'C', "code"),
    (b'M', "message"),
    (b'D', "detail"),
    (b'H', "hint"),
    (b'P', "position"),
    (b'p', "internal_position"),
    (b'q', "internal_query"),
    (b'W', "where"),
    (b's', "schema_name"),
    (b't', "table_name"),
    (b'c', "column_name"),
    (b'd', "data_type_name"),
    (b'n', "constraint_name"),
    (b'F', "file"),
    (b'L', "line"),
    (b'R', "routine"),
];
