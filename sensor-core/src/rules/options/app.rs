//! Options of application protocols and files.

use super::{first_word, one_of, side};
use crate::rules::ast::{Asn1, Body, FileScope, FileText, Hash, Modbus, ModbusOf, TlsDate, WordField, WordTest};
use crate::rules::builder::Builder;
use crate::rules::fault::{Fault, Parsed};
use crate::rules::lexer::{negation, pattern, quoted};
use crate::rules::number::{Comparison, bounded, signed, unsigned};

/// Most words, ranges or the like of one option.
const MAX_WORDS: usize = 256;

/// `tls.version:[!]1.2`
pub(super) fn tls_version(builder: &mut Builder, value: &str) -> Parsed<()> {
    let (negated, version) = negation(value);
    // RFC 8446 appendix D; before TLS the record said 2.0 or 3.0.
    let known = [("1.0", 0x0301), ("1.1", 0x0302), ("1.2", 0x0303), ("1.3", 0x0304), ("3.0", 0x0300)];
    let version = match version.trim_matches('"').strip_prefix("0x") {
        Some(_) => u16::try_from(bounded(version.trim_matches('"'), 0, 0xffff)?).unwrap_or(u16::MAX),
        None => one_of(version.trim_matches('"'), &known)?,
    };
    builder.push(Body::TlsVersion(negated, version))
}

pub(super) fn tls_not_before(builder: &mut Builder, value: &str) -> Parsed<()> {
    let comparison = date_comparison(value)?;
    builder.push(Body::TlsDate(TlsDate::NotBefore, comparison))
}

pub(super) fn tls_not_after(builder: &mut Builder, value: &str) -> Parsed<()> {
    let comparison = date_comparison(value)?;
    builder.push(Body::TlsDate(TlsDate::NotAfter, comparison))
}

fn date_comparison(value: &str) -> Parsed<Comparison> {
    if let Some((from, to)) = value.split_once("<>") {
        let (from_seconds, to_seconds) = (seconds(from)?, seconds(to)?);
        if to_seconds <= from_seconds {
            return Err(Fault::at(to, "the range ends before it begins"));
        }
        return Ok(Comparison::Inside(from_seconds, to_seconds));
    }
    if let Some(date) = value.strip_prefix('<') {
        return Ok(Comparison::Less(seconds(date)?));
    }
    if let Some(date) = value.strip_prefix('>') {
        return Ok(Comparison::Greater(seconds(date)?));
    }
    Ok(Comparison::Equal(seconds(value)?))
}

/// Seconds since 1970 of `2015[-10[-22[ T]23[:59[:59]]]]`, UTC.
fn seconds(text: &str) -> Parsed<u64> {
    let text = text.trim();
    let bad = || Fault::at(text, format!("{text:?} is no date; 2015-10-22 23:59:59 is one"));
    let mut numbers = text.split(['-', 'T', ' ', ':']).map(str::parse::<u64>);
    let mut next = |least: u64, most: u64| match numbers.next() {
        None => Ok(least),
        Some(Ok(number)) if (least..=most).contains(&number) => Ok(number),
        Some(_) => Err(bad()),
    };
    let (year, month, day) = (next(1970, 9999)?, next(1, 12)?, next(1, 31)?);
    let (hour, minute, second) = (next(0, 23)?, next(0, 59)?, next(0, 60)?);
    // Days of the civil calendar, years counted from March so that the leap day comes last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1;
    // Days from 1 March of year 0 to 1 January 1970.
    let days = days.checked_sub(719_468).ok_or_else(bad)?;
    Ok(days * 86_400 + hour * 3_600 + minute * 60 + second)
}

pub(super) fn tls_expired(builder: &mut Builder, _: &str) -> Parsed<()> {
    builder.push(Body::TlsExpired)
}

pub(super) fn tls_valid(builder: &mut Builder, _: &str) -> Parsed<()> {
    builder.push(Body::TlsValid)
}

pub(super) fn tls_store(builder: &mut Builder, _: &str) -> Parsed<()> {
    builder.push(Body::TlsStore)
}

/// Words with commas or bars between them, each of `known`, each may be negated.
fn words(builder: &mut Builder, field: WordField, value: &str, known: &[&str]) -> Parsed<()> {
    let mut words = Vec::new();
    for part in value.split([',', '|']).map(str::trim) {
        let (negated, word) = negation(part);
        let lower = word.to_ascii_lowercase();
        if !known.contains(&lower.as_str()) {
            return Err(Fault::at(word, format!("{word:?} is none of {}", known.join(", "))));
        }
        words.push((negated, lower.into()));
        if words.len() > MAX_WORDS {
            return Err(Fault::at(part, "more than 256 words"));
        }
    }
    builder.push(Body::Words(WordTest { field, words: words.into() }))
}

pub(super) fn ssl_version(builder: &mut Builder, value: &str) -> Parsed<()> {
    let known = ["sslv2", "sslv3", "tls1.0", "tls1.1", "tls1.2", "tls1.3"];
    words(builder, WordField::SslVersion, value, &known)
}

pub(super) fn ssl_state(builder: &mut Builder, value: &str) -> Parsed<()> {
    let known = ["client_hello", "server_hello", "client_keyx", "server_keyx", "unknown"];
    words(builder, WordField::SslState, value, &known)
}

pub(super) fn mqtt_flags(builder: &mut Builder, value: &str) -> Parsed<()> {
    words(builder, WordField::MqttFlags, value, &["dup", "retain"])
}

pub(super) fn mqtt_connect_flags(builder: &mut Builder, value: &str) -> Parsed<()> {
    let known = ["username", "password", "will", "will_retain", "clean_session"];
    words(builder, WordField::MqttConnectFlags, value, &known)
}

pub(super) fn mqtt_session_present(builder: &mut Builder, value: &str) -> Parsed<()> {
    words(builder, WordField::MqttSessionPresent, value, &["yes", "no", "true", "false"])
}

pub(super) fn websocket_flags(builder: &mut Builder, value: &str) -> Parsed<()> {
    words(builder, WordField::WebsocketFlags, value, &["fin", "comp"])
}

pub(super) fn ftp_mode(builder: &mut Builder, value: &str) -> Parsed<()> {
    words(builder, WordField::FtpMode, value, &["active", "passive"])
}

pub(super) fn ftp_reply_received(builder: &mut Builder, value: &str) -> Parsed<()> {
    words(builder, WordField::FtpReplyReceived, value, &["yes", "no", "true", "false", "1", "0"])
}

pub(super) fn ftpdata_command(builder: &mut Builder, value: &str) -> Parsed<()> {
    words(builder, WordField::FtpDataCommand, value, &["stor", "retr"])
}

pub(super) fn dnp3_ind(builder: &mut Builder, value: &str) -> Parsed<()> {
    // IEEE 1815 section 4.2.2.
    let known = [
        "all_stations",
        "class_1_events",
        "class_2_events",
        "class_3_events",
        "need_time",
        "local_control",
        "device_trouble",
        "device_restart",
        "no_func_code_support",
        "object_unknown",
        "parameter_error",
        "event_buffer_overflow",
        "already_executing",
        "config_corrupt",
        "reserved_2",
        "reserved_1",
    ];
    words(builder, WordField::Dnp3Indicators, value, &known)
}

pub(super) fn krb5_encryption(builder: &mut Builder, value: &str) -> Parsed<()> {
    // RFC 3961 section 8, RFC 3962, RFC 4757, RFC 8009.
    let named = [
        "weak",
        "des-cbc-crc",
        "des-cbc-md4",
        "des-cbc-md5",
        "des3-cbc-md5",
        "des3-cbc-sha1",
        "des3-cbc-sha1-kd",
        "aes128-cts-hmac-sha1-96",
        "aes256-cts-hmac-sha1-96",
        "aes128-cts-hmac-sha256-128",
        "aes256-cts-hmac-sha384-192",
        "rc4-hmac",
        "rc4-hmac-exp",
        "camellia128-cts-cmac",
        "camellia256-cts-cmac",
    ];
    let mut words = Vec::new();
    for part in value.split(',').map(str::trim) {
        let (negated, word) = negation(part);
        let lower = word.to_ascii_lowercase();
        if !named.contains(&lower.as_str()) {
            signed(word, i64::from(i32::MIN), i64::from(i32::MAX))
                .map_err(|_| Fault::at(word, format!("{word:?} is no encryption type")))?;
        }
        words.push((negated, lower.into()));
        if words.len() > MAX_WORDS {
            return Err(Fault::at(part, "more than 256 words"));
        }
    }
    builder.push(Body::Words(WordTest { field: WordField::Krb5TicketEncryption, words: words.into() }))
}

/// `http2.settings:NAME[ comparison]`
pub(super) fn http2_settings(builder: &mut Builder, value: &str) -> Parsed<()> {
    // RFC 9113 section 6.5.2.
    let known = [
        "settings_header_table_size",
        "settings_enable_push",
        "settings_max_concurrent_streams",
        "settings_initial_window_size",
        "settings_max_frame_size",
        "settings_max_header_list_size",
    ];
    let lower = value.to_ascii_lowercase();
    let end = lower.find(|char: char| !(char.is_ascii_alphabetic() || char == '_')).unwrap_or(lower.len());
    let (name, rest) = value.split_at_checked(end).unwrap_or((value, ""));
    if !known.contains(&name.to_ascii_lowercase().as_str()) {
        return Err(Fault::at(name, format!("{name:?} is no setting of HTTP/2")));
    }
    let mut words: Vec<(bool, Box<str>)> = vec![(false, name.to_ascii_lowercase().into())];
    if !rest.trim().is_empty() {
        words.push((false, Comparison::parse(rest, u64::from(u32::MAX), &[])?.to_string().into()));
    }
    builder.push(Body::Words(WordTest { field: WordField::Http2Settings, words: words.into() }))
}

fn file_text(builder: &mut Builder, what: FileText, value: &str) -> Parsed<()> {
    let (negated, text) = quoted(value)?;
    builder.push(Body::FileText { what, negated, pattern: pattern(text)? })
}

pub(super) fn filename(builder: &mut Builder, value: &str) -> Parsed<()> {
    file_text(builder, FileText::Name, value)
}

pub(super) fn fileext(builder: &mut Builder, value: &str) -> Parsed<()> {
    file_text(builder, FileText::Extension, value)
}

pub(super) fn filemagic(builder: &mut Builder, value: &str) -> Parsed<()> {
    file_text(builder, FileText::Magic, value)
}

fn file_hash(builder: &mut Builder, hash: Hash, value: &str) -> Parsed<()> {
    let (negated, list) = negation(value);
    if list.is_empty() {
        return Err(Fault::at(value, "the list's file is missing"));
    }
    builder.push(Body::FileHash(hash, negated, list.into()))
}

pub(super) fn filemd5(builder: &mut Builder, value: &str) -> Parsed<()> {
    file_hash(builder, Hash::Md5, value)
}

pub(super) fn filesha1(builder: &mut Builder, value: &str) -> Parsed<()> {
    file_hash(builder, Hash::Sha1, value)
}

pub(super) fn filesha256(builder: &mut Builder, value: &str) -> Parsed<()> {
    file_hash(builder, Hash::Sha256, value)
}

/// `filestore[:direction[,scope]]`
pub(super) fn filestore(builder: &mut Builder, value: &str) -> Parsed<()> {
    if value.is_empty() {
        return builder.push(Body::FileStore(None, None));
    }
    let (direction, scope) = match value.split_once(',') {
        None => (value, None),
        Some((direction, scope)) => (direction, Some(scope)),
    };
    let direction = side(direction)?;
    let known = [
        ("file", FileScope::File),
        ("tx", FileScope::Transaction),
        ("flow", FileScope::Flow),
        ("ssn", FileScope::Flow),
    ];
    let scope = scope.map(|scope| one_of(scope, &known)).transpose()?;
    builder.push(Body::FileStore(Some(direction), scope))
}

/// `dcerpc.iface:uuid[,version][,any_frag]`
pub(super) fn dce_iface(builder: &mut Builder, value: &str) -> Parsed<()> {
    let mut parts = value.split(',').map(str::trim);
    let uuid_text = parts.next().unwrap_or_default();
    let bad = || Fault::at(uuid_text, format!("{uuid_text:?} is no UUID"));
    let groups: Vec<usize> = uuid_text.split('-').map(str::len).collect();
    if groups != [8, 4, 4, 4, 12] {
        return Err(bad());
    }
    let digits: String = uuid_text.chars().filter(|char| *char != '-').collect();
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(bad());
    }
    let uuid = u128::from_str_radix(&digits, 16).map_err(|_| bad())?.to_be_bytes();
    let (mut version, mut any_fragment) = (None, false);
    for part in parts {
        match part {
            "any_frag" => any_fragment = true,
            _ => version = Some(Comparison::parse(part, u64::from(u16::MAX), &[])?),
        }
    }
    builder.push(Body::DceIface { uuid, version, any_fragment })
}

/// A list of operation numbers and ranges.
pub(super) fn dce_opnums(builder: &mut Builder, value: &str) -> Parsed<()> {
    let number = |text: &str| -> Parsed<u16> {
        let number = bounded(text, 0, u32::from(u16::MAX))?;
        u16::try_from(number).map_err(|_| Fault::at(text, "no operation number"))
    };
    let mut ranges = Vec::new();
    for part in value.split(',').map(str::trim) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let range = (number(first)?, number(last)?);
        if range.0 > range.1 {
            return Err(Fault::at(part, "the range ends before it begins"));
        }
        ranges.push(range);
        if ranges.len() > MAX_WORDS {
            return Err(Fault::at(part, "more than 256 numbers"));
        }
    }
    builder.push(Body::DceOpnums(ranges.into()))
}

/// `ike.chosen_sa_attribute:name=number`
pub(super) fn ike_attribute(builder: &mut Builder, value: &str) -> Parsed<()> {
    let (name, number) = value.split_once('=').ok_or_else(|| Fault::at(value, "written attribute=number"))?;
    let known = [
        "alg_enc",
        "alg_hash",
        "alg_auth",
        "alg_dh",
        "alg_prf",
        "alg_esn",
        "sa_group_type",
        "sa_life_type",
        "sa_life_duration",
        "sa_key_length",
        "sa_field_size",
    ];
    let name = name.trim();
    if !known.contains(&name) {
        return Err(Fault::at(name, format!("{name:?} is none of {}", known.join(", "))));
    }
    builder.push(Body::IkeAttribute(name.into(), bounded(number, 0, u32::MAX)?))
}

/// Function codes of DNP3 by name: IEEE 1815 section 4.2.2.4.
const DNP3_FUNCTIONS: [(&str, u64); 36] = [
    ("confirm", 0),
    ("read", 1),
    ("write", 2),
    ("select", 3),
    ("operate", 4),
    ("direct_operate", 5),
    ("direct_operate_nr", 6),
    ("immed_freeze", 7),
    ("immed_freeze_nr", 8),
    ("freeze_clear", 9),
    ("freeze_clear_nr", 10),
    ("freeze_at_time", 11),
    ("freeze_at_time_nr", 12),
    ("cold_restart", 13),
    ("warm_restart", 14),
    ("initialize_data", 15),
    ("initialize_appl", 16),
    ("start_appl", 17),
    ("stop_appl", 18),
    ("save_config", 19),
    ("enable_unsolicited", 20),
    ("disable_unsolicited", 21),
    ("assign_class", 22),
    ("delay_measure", 23),
    ("record_current_time", 24),
    ("open_file", 25),
    ("close_file", 26),
    ("delete_file", 27),
    ("get_file_info", 28),
    ("authenticate_file", 29),
    ("abort_file", 30),
    ("activate_config", 31),
    ("authenticate_req", 32),
    ("authenticate_err", 33),
    ("response", 129),
    ("unsolicited_response", 130),
];

fn byte(text: &str) -> Parsed<u8> {
    let number = bounded(text, 0, u32::from(u8::MAX))?;
    u8::try_from(number).map_err(|_| Fault::at(text, "no byte"))
}

pub(super) fn dnp3_func(builder: &mut Builder, value: &str) -> Parsed<()> {
    let named = DNP3_FUNCTIONS.iter().find(|(name, _)| name.eq_ignore_ascii_case(value));
    let code = match named {
        Some((_, code)) => u8::try_from(*code).unwrap_or(u8::MAX),
        None => byte(value)?,
    };
    builder.push(Body::Dnp3Function(code))
}

/// `dnp3_obj:group,variation`
pub(super) fn dnp3_obj(builder: &mut Builder, value: &str) -> Parsed<()> {
    let (group, variation) = value.split_once(',').ok_or_else(|| Fault::at(value, "written group,variation"))?;
    builder.push(Body::Dnp3Object(byte(group)?, byte(variation)?))
}

/// `cip_service:service[,class[,[!]attribute]]`
pub(super) fn cip_service(builder: &mut Builder, value: &str) -> Parsed<()> {
    let mut parts = value.split(',').map(str::trim);
    let service = byte(parts.next().unwrap_or_default())?;
    let word = |text: &str| -> Parsed<u16> {
        u16::try_from(bounded(text, 0, u32::from(u16::MAX))?).map_err(|_| Fault::at(text, "too large"))
    };
    let class = parts.next().map(word).transpose()?;
    let attribute = parts
        .next()
        .map(|text| {
            let (negated, text) = negation(text);
            word(text).map(|number| (negated, number))
        })
        .transpose()?;
    if let Some(more) = parts.next() {
        return Err(Fault::at(more, "too many values"));
    }
    builder.push(Body::CipService(service, class, attribute))
}

pub(super) fn ftpbounce(builder: &mut Builder, _: &str) -> Parsed<()> {
    builder.push(Body::FtpBounce)
}

/// `asn1:word[ value][, ...]`
pub(super) fn asn1(builder: &mut Builder, value: &str) -> Parsed<()> {
    let mut asn1 = Asn1::default();
    for part in value.split(',').map(str::trim) {
        match first_word(part) {
            ("bitstring_overflow", "") => asn1.bitstring_overflow = true,
            ("double_overflow", "") => asn1.double_overflow = true,
            ("oversize_length", number) => asn1.oversize_length = Some(bounded(number, 0, u32::MAX)?),
            ("absolute_offset", number) => {
                asn1.absolute_offset = u16::try_from(bounded(number, 0, 65535)?).ok();
            }
            ("relative_offset", number) => {
                asn1.relative_offset = i32::try_from(signed(number, -65535, 65535)?).ok();
            }
            (word, _) => return Err(Fault::at(word, format!("{word:?} is nothing that asn1 looks for"))),
        }
    }
    builder.push(Body::Asn1(asn1))
}

/// `modbus:[unit n,] function n[, subfunction n] | function category | access kind table[, address n[, value n]]`
pub(super) fn modbus(builder: &mut Builder, value: &str) -> Parsed<()> {
    let mut modbus = Modbus { unit: None, of: None };
    for part in value.split(',').map(str::trim) {
        let (word, rest) = first_word(part);
        match (word, &mut modbus.of) {
            ("unit", _) => modbus.unit = Some(Comparison::parse(rest, 255, &[])?),
            ("function", of @ None) => *of = Some(modbus_function(rest)?),
            ("subfunction", Some(ModbusOf::Function(_, sub @ None))) => {
                *sub = u16::try_from(bounded(rest, 0, 65535)?).ok();
            }
            ("access", of @ None) => *of = Some(modbus_access(rest)?),
            ("address", Some(ModbusOf::Access { address: address @ None, .. })) => {
                *address = Some(Comparison::parse(rest, 65535, &[])?);
            }
            ("value", Some(ModbusOf::Access { value: number @ None, write: true, .. })) => {
                *number = Some(Comparison::parse(rest, 65535, &[])?);
            }
            _ => return Err(Fault::at(part, format!("{word:?} cannot be said here"))),
        }
    }
    builder.push(Body::Modbus(modbus))
}

fn modbus_function(text: &str) -> Parsed<ModbusOf> {
    if unsigned(text).is_ok() {
        return byte(text).map(|code| ModbusOf::Function(code, None));
    }
    let (negated, word) = negation(text);
    let known = ["assigned", "unassigned", "public", "user", "reserved", "all"];
    if !known.contains(&word.to_ascii_lowercase().as_str()) {
        return Err(Fault::at(word, format!("{word:?} is none of {}", known.join(", "))));
    }
    Ok(ModbusOf::Category(negated, word.to_ascii_lowercase().into()))
}

fn modbus_access(text: &str) -> Parsed<ModbusOf> {
    let (kind, table) = first_word(text);
    let write = one_of(kind, &[("read", false), ("write", true)])?;
    let known: &[&str] = if write { &["coils", "holding"] } else { &["discretes", "coils", "input", "holding"] };
    let table = match table {
        "" => None,
        table if known.contains(&table) => Some(table.into()),
        other => return Err(Fault::at(other, format!("{other:?} is none of {}", known.join(", ")))),
    };
    Ok(ModbusOf::Access { write, table, address: None, value: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        assert_eq!(seconds("1970").unwrap(), 0);
        assert_eq!(seconds("2000-02-29 12:30:15").unwrap(), 951_827_415);
        assert_eq!(seconds("2015-10-22T23").unwrap(), 1_445_554_800);
        assert!(seconds("1969").is_err() && seconds("2015-13").is_err() && seconds("x").is_err());
    }
}
