//! The arguments of each keyword.

mod app;
mod bytes;
mod content;
mod flow;
mod meta;
mod packet;
mod transform;

use std::collections::HashSet;
use std::sync::LazyLock;

pub(super) use flow::Limit;

use crate::rules::ast::{Body, NumberTest, Which};
use crate::rules::buffer::Side;
use crate::rules::buffer::{Buffer, MODIFIERS};
use crate::rules::builder::{Builder, Reader};
use crate::rules::fault::{Fault, Parsed};
use crate::rules::field::Field;
use crate::rules::number::{Comparison, signed};

/// Keywords that need a value.
pub(super) const VALUES: &[(&str, Reader)] = &[
    ("msg", meta::msg),
    ("sid", meta::sid),
    ("gid", meta::gid),
    ("rev", meta::rev),
    ("classtype", meta::classtype),
    ("priority", meta::priority),
    ("reference", meta::reference),
    ("metadata", meta::metadata),
    ("target", meta::target),
    ("requires", meta::requires),
    ("content", content::content),
    ("uricontent", content::uricontent),
    ("pcre", content::pcre),
    ("depth", content::depth),
    ("offset", content::offset),
    ("distance", content::distance),
    ("within", content::within),
    ("replace", content::replace),
    ("bsize", content::bsize),
    ("urilen", content::urilen),
    ("isdataat", content::isdataat),
    ("dataset", content::dataset),
    ("datarep", content::datarep),
    ("entropy", content::entropy),
    ("tls.subject", content::tls_subject),
    ("tls.issuerdn", content::tls_issuer),
    ("tls.fingerprint", content::tls_fingerprint),
    ("ssh.protoversion", content::ssh_version),
    ("ssh.softwareversion", content::ssh_software),
    ("byte_test", bytes::test),
    ("byte_jump", bytes::jump),
    ("byte_extract", bytes::extract),
    ("byte_math", bytes::math),
    ("flow", flow::flow),
    ("flowbits", flow::flowbits),
    ("hostbits", flow::hostbits),
    ("xbits", flow::xbits),
    ("flowint", flow::flowint),
    ("flowvar", flow::flowvar),
    ("pktvar", flow::pktvar),
    ("threshold", flow::threshold),
    ("detection_filter", flow::detection_filter),
    ("stream_size", flow::stream_size),
    ("flags", packet::tcp_flags),
    ("tcp.flags", packet::tcp_flags),
    ("fragbits", packet::fragbits),
    ("ipopts", packet::ipopts),
    ("ip_proto", packet::ip_proto),
    ("l3_proto", packet::l3_proto),
    ("geoip", packet::geoip),
    ("iprep", packet::iprep),
    ("rpc", packet::rpc),
    ("ipv4-csum", packet::csum_ipv4),
    ("tcpv4-csum", packet::csum_tcp4),
    ("tcpv6-csum", packet::csum_tcp6),
    ("udpv4-csum", packet::csum_udp4),
    ("udpv6-csum", packet::csum_udp6),
    ("icmpv4-csum", packet::csum_icmp4),
    ("icmpv6-csum", packet::csum_icmp6),
    ("igmp-csum", packet::csum_igmp),
    ("nfq_set_mark", packet::nfq_set_mark),
    ("decode-event", packet::decode_event),
    ("stream-event", packet::stream_event),
    ("engine-event", packet::engine_event),
    ("app-layer-event", packet::app_layer_event),
    ("app-layer-protocol", packet::app_layer_protocol),
    ("app-layer-state", packet::app_layer_state),
    ("tls.version", app::tls_version),
    ("tls_cert_notbefore", app::tls_not_before),
    ("tls_cert_notafter", app::tls_not_after),
    ("ssl_version", app::ssl_version),
    ("ssl_state", app::ssl_state),
    ("filename", app::filename),
    ("fileext", app::fileext),
    ("filemagic", app::filemagic),
    ("filemd5", app::filemd5),
    ("filesha1", app::filesha1),
    ("filesha256", app::filesha256),
    ("dcerpc.iface", app::dce_iface),
    ("dce_iface", app::dce_iface),
    ("krb5.ticket_encryption", app::krb5_encryption),
    ("mqtt.flags", app::mqtt_flags),
    ("mqtt.connect.flags", app::mqtt_connect_flags),
    ("mqtt.connack.session_present", app::mqtt_session_present),
    ("websocket.flags", app::websocket_flags),
    ("ftp.mode", app::ftp_mode),
    ("ftp.reply_received", app::ftp_reply_received),
    ("ftpdata_command", app::ftpdata_command),
    ("dnp3_ind", app::dnp3_ind),
    ("dnp3_func", app::dnp3_func),
    ("dnp3_obj", app::dnp3_obj),
    ("http2.settings", app::http2_settings),
    ("ike.chosen_sa_attribute", app::ike_attribute),
    ("modbus", app::modbus),
    ("cip_service", app::cip_service),
    ("asn1", app::asn1),
    ("config", meta::config),
    ("xor", transform::xor),
    ("pcrexform", transform::pcre),
];

/// Keywords that take no value.
pub(super) const BARE: &[(&str, Reader)] = &[
    ("nocase", content::nocase),
    ("rawbytes", content::rawbytes),
    ("startswith", content::startswith),
    ("endswith", content::endswith),
    ("sameip", packet::same_ip),
    ("ftpbounce", app::ftpbounce),
    ("noalert", meta::noalert),
    ("alert", meta::alert),
    ("bypass", meta::bypass),
    ("prefilter", meta::prefilter),
    ("tls_cert_expired", app::tls_expired),
    ("tls_cert_valid", app::tls_valid),
    ("tls_store", app::tls_store),
    ("to_lowercase", transform::to_lowercase),
    ("to_uppercase", transform::to_uppercase),
    ("strip_whitespace", transform::strip_whitespace),
    ("compress_whitespace", transform::compress_whitespace),
    ("strip_pseudo_headers", transform::strip_pseudo_headers),
    ("header_lowercase", transform::header_lowercase),
    ("url_decode", transform::url_decode),
    ("to_md5", transform::to_md5),
    ("to_sha1", transform::to_sha1),
    ("to_sha256", transform::to_sha256),
    ("dotprefix", transform::dotprefix),
    ("domain", transform::domain),
    ("tld", transform::tld),
];

/// Keywords that may have a value.
pub(super) const EITHER: &[(&str, Reader)] = &[
    ("fast_pattern", content::fast_pattern),
    ("absent", content::absent),
    ("base64_decode", content::base64_decode),
    ("filestore", app::filestore),
    ("tag", flow::tag),
    ("from_base64", transform::from_base64),
    ("gunzip", transform::gunzip),
    ("zlib_deflate", transform::zlib_deflate),
];

/// Keywords that are refused, and why.
pub(super) const REFUSED: &[(&str, &str)] = &[
    ("lua", "Lua scripts are not run: a rule file must not bring code"),
    ("luajit", "Lua scripts are not run: a rule file must not bring code"),
    ("luaxform", "Lua scripts are not run: a rule file must not bring code"),
    ("template2", "a keyword of Suricata's own examples"),
    ("template.buffer", "a keyword of Suricata's own examples"),
];

/// Whether rules may use a keyword of that name.
pub(super) fn is_keyword(name: &str) -> bool {
    names().contains(name)
}

/// Names of all keywords that rules may use.
pub(super) fn names() -> &'static HashSet<String> {
    static NAMES: LazyLock<HashSet<String>> = LazyLock::new(|| {
        let tables = [VALUES, BARE, EITHER].into_iter().flatten().map(|(name, _)| (*name).to_owned());
        let fields = Field::ALL.iter().map(|field| field.name().to_owned());
        let modifiers = MODIFIERS.iter().map(|(name, _)| (*name).to_owned());
        Buffer::names().map(|(name, _)| name).chain(tables).chain(fields).chain(modifiers).collect()
    });
    &NAMES
}

/// `field: comparison[, which of several]`.
pub(super) fn number(builder: &mut Builder, field: Field, value: &str) -> Parsed<()> {
    let (side, value) = match (field, value.split_once(',')) {
        (Field::FileSize, Some((side, rest))) => (Some(self::side(side)?), rest),
        _ => (None, value),
    };
    if field == Field::DceOpnum && (value.contains(',') || value.contains('-')) {
        return app::dce_opnums(builder, value);
    }
    let (comparison, which) = match value.split_once(',') {
        None => (value, Which::Any),
        Some((comparison, which)) => (comparison, self::which(which)?),
    };
    let comparison = Comparison::parse(comparison, field.max(), field.names())?;
    builder.push(Body::Number(NumberTest { field, comparison, which, side }))
}

fn which(text: &str) -> Parsed<Which> {
    let text = text.trim();
    match text {
        "any" => Ok(Which::Any),
        "all" => Ok(Which::All),
        "all1" => Ok(Which::AllOfSome),
        "or_absent" => Ok(Which::AnyOrNone),
        _ => {
            let at = signed(text, i64::from(i32::MIN), i64::from(i32::MAX))?;
            i32::try_from(at).map(Which::At).map_err(|_| Fault::at(text, "no index"))
        }
    }
}

fn side(text: &str) -> Parsed<Side> {
    let text = text.trim();
    match text {
        "to_server" | "request" | "toserver" => Ok(Side::ToServer),
        "to_client" | "response" | "toclient" => Ok(Side::ToClient),
        "both" => Ok(Side::Both),
        _ => Err(Fault::at(text, format!("{text:?} is no direction"))),
    }
}

/// What a table has under a word.
fn one_of<T: Copy>(text: &str, table: &[(&str, T)]) -> Parsed<T> {
    let text = text.trim();
    match table.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)) {
        Some((_, value)) => Ok(*value),
        None => {
            let names: Vec<_> = table.iter().map(|(name, _)| *name).collect();
            Err(Fault::at(text, format!("{text:?} is none of {}", names.join(", "))))
        }
    }
}

/// The first word and what follows it.
pub(super) fn first_word(text: &str) -> (&str, &str) {
    let text = text.trim();
    match text.split_once(|char: char| char.is_ascii_whitespace()) {
        Some((word, rest)) => (word, rest.trim()),
        None => (text, text.get(text.len()..).unwrap_or_default()),
    }
}
