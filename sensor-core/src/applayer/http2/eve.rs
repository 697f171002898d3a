//! A stream in EVE.

use super::frame::kind;
use super::transaction::{Message, Stream};
use crate::applayer::http1::shared::number;
use crate::json::Object;

/// Writes the members of its object.
pub fn write(stream: &Stream, object: &mut Object<'_>) {
    let [request, response] = &stream.sides;
    for (key, message) in [("request_headers", request), ("response_headers", response)] {
        if message.fields.is_empty() {
            continue;
        }
        object.array(key, |array| {
            for (name, value) in &message.fields {
                array.object(|object| _ = object.text("name", name).text("value", value));
            }
        });
    }
    object.text_if("hostname", Some(&stream.host).filter(|host| !host.is_empty()));
    object.text_if("http_method", request.get(b":method")).text_if("url", request.get(b":path"));
    object.text_if("http_user_agent", request.get(b"user-agent"));
    object.number_if("status", response.get(b":status").and_then(number));
    object.number_if("length", response.get(b"content-length").and_then(number));
    object.text("version", "2");
    object.object("http2", |object| {
        object.number("stream_id", stream.id);
        object.object("request", |object| frames(object, request));
        object.object("response", |object| frames(object, response));
    });
}

/// What the frames of a side say beside headers and bodies.
fn frames(object: &mut Object<'_>, message: &Message) {
    if !message.settings.is_empty() {
        object.array("settings", |array| {
            for (id, value) in &message.settings {
                array.object(|object| {
                    match setting_name(*id) {
                        Some(name) => object.text("settings_id", name),
                        None => object.display("settings_id", format_args!("SETTINGSUNKNOWN({id})")),
                    };
                    object.number("settings_value", *value);
                });
            }
        });
    }
    let last = |kinds: &[u8]| {
        message.frames.iter().filter(|frame| kinds.contains(&frame.kind)).filter_map(|frame| frame.value).next_back()
    };
    if let Some(code) = last(&[kind::RST_STREAM, kind::GOAWAY]) {
        match ERRORS.get(code as usize) {
            Some(name) => object.text("error_code", name),
            None => object.display("error_code", code),
        };
    }
    object.number_if("priority", last(&[kind::HEADERS, kind::PRIORITY]));
}

/// RFC 9113, section 6.5.2, as EVE writes them.
pub fn setting_name(id: u16) -> Option<&'static str> {
    Some(match id {
        1 => "SETTINGSHEADERTABLESIZE",
        2 => "SETTINGSENABLEPUSH",
        3 => "SETTINGSMAXCONCURRENTSTREAMS",
        4 => "SETTINGSINITIALWINDOWSIZE",
        5 => "SETTINGSMAXFRAMESIZE",
        6 => "SETTINGSMAXHEADERLISTSIZE",
        _ => return None,
    })
}

/// RFC 9113, section 7, as EVE writes them.
const ERRORS: [&str; 14] = [
    "NOERROR",
    "PROTOCOLERROR",
    "INTERNALERROR",
    "FLOWCONTROLERROR",
    "SETTINGSTIMEOUT",
    "STREAMCLOSED",
    "FRAMESIZEERROR",
    "REFUSEDSTREAM",
    "CANCEL",
    "COMPRESSIONERROR",
    "CONNECTERROR",
    "ENHANCEYOURCALM",
    "INADEQUATESECURITY",
    "HTTP11REQUIRED",
];
