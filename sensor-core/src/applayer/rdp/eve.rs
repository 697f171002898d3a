//! Remote Desktop in EVE.

use super::client::Client;
use super::{Kind, Transaction, names};
use crate::json::Object;

pub(super) fn write(transaction: &Transaction, object: &mut Object<'_>) {
    object.number("tx_id", transaction.id);
    match &transaction.kind {
        Kind::Request(cookie) => {
            object.text("event_type", "initial_request").text_if("cookie", cookie.as_ref());
        }
        Kind::Response(chosen) => {
            object.text("event_type", "initial_response");
            if let Some((flags, protocol)) = chosen {
                if names::SUPPORTS.iter().any(|(bit, _)| flags & bit != 0) {
                    object.array("server_supports", |array| {
                        for (_, name) in names::SUPPORTS.iter().filter(|(bit, _)| flags & bit != 0) {
                            array.text(name);
                        }
                    });
                }
                match names::protocol(*protocol) {
                    Some(name) => object.text("protocol", name),
                    None => object.display("protocol", protocol),
                };
            }
        }
        Kind::Refusal(code) => {
            object.text("event_type", "initial_response").number("error_code", *code);
            object.text_if("reason", names::failure(*code));
        }
        Kind::Connect(it) => {
            object.text("event_type", "connect_request");
            object.object("client", |object| client(it, object));
            if !it.channels.is_empty() {
                object.array("channels", |array| it.channels.iter().for_each(|name| _ = array.text(name)));
            }
        }
        Kind::Connected => _ = object.text("event_type", "connect_response"),
        Kind::Tls(serials) => {
            object.text("event_type", "tls_handshake");
            if !serials.is_empty() {
                object.array("x509_serials", |array| {
                    for serial in serials {
                        array.display(format_args!("{}", Hex(serial)));
                    }
                });
            }
        }
    }
}

fn client(it: &Client, object: &mut Object<'_>) {
    object.text_if("version", names::version(it.version));
    object.number("desktop_width", it.width).number("desktop_height", it.height);
    if it.depth != 0 {
        object.number("color_depth", it.depth);
    }
    object.text_if("keyboard_layout", names::layout(it.layout));
    match names::build(it.build) {
        Some(name) => object.text("build", name),
        None => object.display("build", format_args!("Build {}", it.build)),
    };
    if !it.name.is_empty() {
        object.text("client_name", &it.name);
    }
    object.text_if("keyboard_type", names::keyboard(it.keyboard));
    if it.function_keys != 0 {
        object.number("function_keys", it.function_keys);
    }
    if it.product != 0 {
        object.number("product_id", it.product);
    }
    if it.capabilities != 0 {
        object.array("capabilities", |array| {
            for (_, name) in names::CAPABILITIES.iter().filter(|(bit, _)| it.capabilities & bit != 0) {
                array.text(name);
            }
        });
    }
    if !it.id.is_empty() {
        object.text("id", &it.id);
    }
}

/// Prints hexadecimal digits.
struct Hex<'a>(&'a [u8]);

impl std::fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
