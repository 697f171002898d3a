//! Rules as text, in one spelling: sticky buffers, modifiers behind their content, `msg` first and `sid` last.

mod inspect;

use std::fmt::{self, Display, Formatter, Write};

use super::ast::{
    Base64Mode, BitCommand, Bits, Body, BufferArgument, BufferUse, Checksum, EventKind, FileScope, FileText, FlagMode,
    Flow, FlowState, Flowint, FlowintOperand, FlowintOperation, FragBits, GeoSide, Hash, HostSide, Modbus, ModbusOf,
    NumberTest, ProtocolOf, Reference, RepSide, Rule, Scope, StreamScope, StreamSide, Tag, TagUnit, Target, TcpFlags,
    Threshold, ThresholdKind, TlsDate, Track, Transform, Unique, Value, Which, WordField, WordTest, Xbits,
};
use super::buffer::{Buffer, Side};

impl Display for Rule {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if !self.enabled {
            f.write_str("# ")?;
        }
        write!(f, "{} (", self.header)?;
        if !self.msg.is_empty() {
            write!(f, "msg:\"{}\"; ", Escaped(&self.msg))?;
        }
        let mut current: Option<u16> = None;
        for option in &self.options {
            if let Body::Inspect(index, _) = option.body
                && current != Some(index)
            {
                let first = current.is_none();
                current = Some(index);
                if let Some(buffer) = self.buffers.get(usize::from(index)) {
                    // At the start the payload is what is looked into.
                    if !(first && buffer.buffer == Buffer::Payload) {
                        write!(f, "{buffer} ")?;
                    }
                }
            }
            write!(f, "{}; ", Printed(&option.body, self))?;
        }
        for Reference { system, id } in &self.references {
            write!(f, "reference:{system},{id}; ")?;
        }
        if let Some(classtype) = &self.classtype {
            write!(f, "classtype:{classtype}; ")?;
        }
        if let Some(priority) = self.priority {
            write!(f, "priority:{priority}; ")?;
        }
        if let Some(target) = self.target {
            let target = match target {
                Target::Source => "src_ip",
                Target::Destination => "dest_ip",
            };
            write!(f, "target:{target}; ")?;
        }
        if !self.metadata.is_empty() {
            f.write_str("metadata:")?;
            for (number, (key, value)) in self.metadata.iter().enumerate() {
                let (comma, blank) = (if number > 0 { ", " } else { "" }, if value.is_empty() { "" } else { " " });
                write!(f, "{comma}{key}{blank}{value}")?;
            }
            f.write_str("; ")?;
        }
        if self.gid != 1 {
            write!(f, "gid:{}; ", self.gid)?;
        }
        write!(f, "sid:{}; rev:{};)", self.sid, self.rev)
    }
}

impl Rule {
    /// One of its options, as it is printed.
    pub(crate) fn option_text(&self, option: &Body) -> String {
        Printed(option, self).to_string()
    }

    /// Its keywords that say what only other sensors do: it runs as if they were not there.
    pub fn without_effect(&self) -> impl Iterator<Item = String> {
        let none =
            |body: &&Body| matches!(body, Body::Tag(_) | Body::FileStore(..) | Body::TlsStore | Body::NfqSetMark(..));
        self.options.iter().map(|option| &option.body).filter(none).map(|body| self.keyword(body))
    }

    /// The keyword of one of its options, as it is printed.
    pub(crate) fn keyword(&self, option: &Body) -> String {
        let mut text = Printed(option, self).to_string();
        text.truncate(text.find([':', ';']).unwrap_or(text.len()));
        text
    }
}

impl Display for BufferUse {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.buffer.name())?;
        match &self.argument {
            BufferArgument::None => {}
            BufferArgument::Side(side) => write!(f, ":{}", side_name(*side))?,
            BufferArgument::Frame(name) => write!(f, ":{name}")?,
        }
        f.write_str(";")?;
        self.transforms.iter().try_for_each(|transform| write!(f, " {transform};"))
    }
}

impl Display for Transform {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Transform::ToLowercase => "to_lowercase",
            Transform::ToUppercase => "to_uppercase",
            Transform::StripWhitespace => "strip_whitespace",
            Transform::CompressWhitespace => "compress_whitespace",
            Transform::StripPseudoHeaders => "strip_pseudo_headers",
            Transform::HeaderLowercase => "header_lowercase",
            Transform::UrlDecode => "url_decode",
            Transform::ToMd5 => "to_md5",
            Transform::ToSha1 => "to_sha1",
            Transform::ToSha256 => "to_sha256",
            Transform::DotPrefix => "dotprefix",
            Transform::Domain => "domain",
            Transform::Tld => "tld",
            Transform::Gunzip(None) => "gunzip",
            Transform::ZlibDeflate(None) => "zlib_deflate",
            Transform::Gunzip(Some(most)) => return write!(f, "gunzip:max-size {most}"),
            Transform::ZlibDeflate(Some(most)) => return write!(f, "zlib_deflate:max-size {most}"),
            Transform::Xor(key) => {
                let key: Vec<_> = key.iter().map(|byte| format!("{byte:02x}")).collect();
                return write!(f, "xor:\"{}\"", key.concat());
            }
            Transform::XorFrom { offset, key_len, key_offset } => {
                return write!(f, "xor:offset {offset}, extract {key_len} {key_offset}");
            }
            Transform::Pcre(pattern) => return write!(f, "pcrexform:\"{pattern}\""),
            Transform::FromBase64 { bytes, offset, mode } => {
                let mode = match mode {
                    Base64Mode::Rfc4648 => "rfc4648",
                    Base64Mode::Rfc2045 => "rfc2045",
                    Base64Mode::Strict => "strict",
                };
                write!(f, "from_base64:")?;
                // Numbers read by other options have no name here: a buffer does not know its rule.
                if let Some(Value::Number(bytes)) = bytes {
                    write!(f, "bytes {bytes}, ")?;
                }
                if let Value::Number(offset) = offset {
                    write!(f, "offset {offset}, ")?;
                }
                return write!(f, "mode {mode}");
            }
        })
    }
}

/// A message, with what would end it escaped.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for char in self.0.chars() {
            if matches!(char, '"' | ';' | '\\') {
                f.write_char('\\')?;
            }
            f.write_char(char)?;
        }
        Ok(())
    }
}

/// A pattern, with everything but letters, digits and harmless signs in hexadecimal.
struct Pattern<'a>(&'a [u8]);

impl Display for Pattern<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut hex = false;
        for byte in self.0 {
            let plain = matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b';' | b':' | b'\\' | b'|');
            match (plain, hex) {
                (true, true) | (false, false) => f.write_char('|')?,
                (false, true) => f.write_char(' ')?,
                (true, false) => {}
            }
            hex = !plain;
            if plain { f.write_char(char::from(*byte))? } else { write!(f, "{byte:02X}")? }
        }
        if hex { f.write_char('|') } else { Ok(()) }
    }
}

/// An option with the rule whose variables it names.
struct Printed<'a>(&'a Body, &'a Rule);

impl Printed<'_> {
    fn value(&self, value: Value) -> String {
        match value {
            Value::Number(number) => number.to_string(),
            Value::Variable(index) => self.name(index).to_owned(),
        }
    }

    fn name(&self, index: u8) -> &str {
        self.1.variables.get(usize::from(index)).map_or("", |name| name)
    }
}

fn not(negated: bool) -> &'static str {
    if negated { "!" } else { "" }
}

fn scope_name(scope: Scope) -> &'static str {
    match scope {
        Scope::Packet => "pkt",
        Scope::Flow => "flow",
        Scope::Alert => "alert",
    }
}

fn side_name(side: Side) -> &'static str {
    match side {
        Side::ToServer => "to_server",
        Side::ToClient => "to_client",
        Side::Both => "both",
    }
}

fn command_name(command: BitCommand) -> &'static str {
    match command {
        BitCommand::Set => "set",
        BitCommand::Unset => "unset",
        BitCommand::Toggle => "toggle",
        BitCommand::IsSet => "isset",
        BitCommand::IsNotSet => "isnotset",
        BitCommand::NoAlert => "noalert",
    }
}

impl Display for Printed<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Body::Inspect(_, test) => self.inspect(f, test),
            Body::Number(NumberTest { field, comparison, which, side }) => {
                let side = side.map_or_else(String::new, |side| format!("{}, ", side_name(side)));
                let which = match which {
                    Which::Any => String::new(),
                    Which::All => ",all".into(),
                    Which::AllOfSome => ",all1".into(),
                    Which::AnyOrNone => ",or_absent".into(),
                    Which::At(index) => format!(",{index}"),
                };
                write!(f, "{}:{side}{comparison}{which}", field.name())
            }
            Body::Words(WordTest { field, words }) => {
                let (name, between) = word_field(*field);
                write!(f, "{name}:")?;
                words.iter().enumerate().try_for_each(|(number, (negated, word))| {
                    write!(f, "{}{}{word}", if number > 0 { between } else { "" }, not(*negated))
                })
            }
            Body::Flow(flow) => print_flow(f, flow),
            Body::Flowbits(bits) => write!(f, "flowbits:{bits}"),
            Body::Hostbits(bits, side) => {
                write!(f, "hostbits:{bits}")?;
                if bits.command == BitCommand::NoAlert { Ok(()) } else { write!(f, ",{}", host_side(*side)) }
            }
            Body::Xbits(Xbits { command, name, track, expire }) => {
                write!(f, "xbits:{}", command_name(*command))?;
                if *command == BitCommand::NoAlert {
                    return Ok(());
                }
                let track = match track {
                    Track::Destination => "ip_dst",
                    Track::Both => "ip_pair",
                    Track::Transaction => "tx",
                    Track::Source | Track::Rule | Track::Flow => "ip_src",
                };
                write!(f, ",{name},track {track},expire {expire}")
            }
            Body::Flowint(Flowint { name, operation, operand }) => {
                let operation = match operation {
                    FlowintOperation::Assign => "=",
                    FlowintOperation::Add => "+",
                    FlowintOperation::Subtract => "-",
                    FlowintOperation::Equal => "==",
                    FlowintOperation::NotEqual => "!=",
                    FlowintOperation::Less => "<",
                    FlowintOperation::LessOrEqual => "<=",
                    FlowintOperation::Greater => ">",
                    FlowintOperation::GreaterOrEqual => ">=",
                    FlowintOperation::IsSet => "isset",
                    FlowintOperation::IsNotSet => "notset",
                };
                write!(f, "flowint:{name},{operation}")?;
                match operand {
                    FlowintOperand::None => Ok(()),
                    FlowintOperand::Number(number) => write!(f, ",{number}"),
                    FlowintOperand::Name(name) => write!(f, ",{name}"),
                }
            }
            Body::Captured { scope, name, pattern } => {
                let keyword = if *scope == Scope::Flow { "flowvar" } else { "pktvar" };
                write!(f, "{keyword}:{name},\"{}\"", Pattern(pattern))
            }
            Body::Threshold(threshold) => write!(f, "threshold:{threshold}"),
            Body::DetectionFilter(threshold) => write!(f, "detection_filter:{threshold}"),
            Body::Tag(Tag { host, count, unit }) => {
                let unit = match unit {
                    TagUnit::Packets => "packets",
                    TagUnit::Seconds => "seconds",
                    TagUnit::Bytes => "bytes",
                };
                match host {
                    None => write!(f, "tag:session,{count},{unit}"),
                    Some(side) => write!(f, "tag:host,{count},{unit},{}", host_side(*side)),
                }
            }
            Body::TcpFlags(TcpFlags { mode, flags, ignored }) => {
                write!(f, "tcp.flags:{}{}", flag_mode(*mode), Letters(*flags, "FSRPAUEC"))?;
                if *ignored == 0 { Ok(()) } else { write!(f, ",{}", Letters(*ignored, "FSRPAUEC")) }
            }
            Body::FragBits(FragBits { mode, bits }) => {
                write!(f, "fragbits:{}{}", flag_mode(*mode), Letters(*bits, "MDR"))
            }
            Body::IpOption(name) => write!(f, "ipopts:{name}"),
            Body::IpProto(comparison) => write!(f, "ip_proto:{comparison}"),
            Body::SameIp => f.write_str("sameip"),
            Body::IpVersion(version) => write!(f, "l3_proto:ipv{version}"),
            Body::Checksum(checksum, valid) => {
                let name = match checksum {
                    Checksum::Ipv4 => "ipv4",
                    Checksum::TcpV4 => "tcpv4",
                    Checksum::TcpV6 => "tcpv6",
                    Checksum::UdpV4 => "udpv4",
                    Checksum::UdpV6 => "udpv6",
                    Checksum::IcmpV4 => "icmpv4",
                    Checksum::IcmpV6 => "icmpv6",
                    Checksum::Igmp => "igmp",
                };
                write!(f, "{name}-csum:{}", if *valid { "valid" } else { "invalid" })
            }
            Body::Geoip { which, countries } => {
                f.write_str(match which {
                    GeoSide::Any => "geoip:any",
                    GeoSide::Both => "geoip:both",
                    GeoSide::Source => "geoip:src",
                    GeoSide::Destination => "geoip:dst",
                })?;
                countries.iter().try_for_each(|(negated, country)| write!(f, ",{}{country}", not(*negated)))
            }
            Body::Iprep { which, category, test, set } => {
                let which = match which {
                    RepSide::Any => "any",
                    RepSide::Source => "src",
                    RepSide::Destination => "dst",
                    RepSide::Both => "both",
                };
                match test {
                    Some(test) => write!(f, "iprep:{which},{category},{test}"),
                    None => write!(f, "iprep:{which},{category},{}", if *set { "isset" } else { "isnotset" }),
                }
            }
            Body::StreamSize { side, bytes } => {
                let side = match side {
                    StreamSide::Server => "server",
                    StreamSide::Client => "client",
                    StreamSide::Both => "both",
                    StreamSide::Either => "either",
                };
                write!(f, "stream_size:{side},{bytes}")
            }
            Body::Rpc(program, version, procedure) => {
                let number = |number: &Option<u32>| number.map_or_else(|| "*".to_owned(), |number| number.to_string());
                write!(f, "rpc:{program},{},{}", number(version), number(procedure))
            }
            Body::Event(kind, name) => {
                let kind = match kind {
                    EventKind::Decode => "decode-event",
                    EventKind::Stream => "stream-event",
                    EventKind::Engine => "engine-event",
                    EventKind::AppLayer => "app-layer-event",
                };
                write!(f, "{kind}:{name}")
            }
            Body::AppLayerProtocol { negated, name, of, .. } => {
                let of = match of {
                    ProtocolOf::Direction => "direction",
                    ProtocolOf::Final => "final",
                    ProtocolOf::Either => "either",
                    ProtocolOf::ToServer => "to_server",
                    ProtocolOf::ToClient => "to_client",
                };
                write!(f, "app-layer-protocol:{}{name},{of}", not(*negated))
            }
            Body::AppLayerState(state) => write!(f, "app-layer-state:{state}"),
            Body::TlsVersion(negated, version) => write!(f, "tls.version:{}{version:#06x}", not(*negated)),
            Body::FileText { what, negated, pattern } => {
                let what = match what {
                    FileText::Name => "filename",
                    FileText::Extension => "fileext",
                    FileText::Magic => "filemagic",
                };
                write!(f, "{what}:{}\"{}\"", not(*negated), Pattern(pattern))
            }
            Body::FileHash(hash, negated, list) => {
                let hash = match hash {
                    Hash::Md5 => "filemd5",
                    Hash::Sha1 => "filesha1",
                    Hash::Sha256 => "filesha256",
                };
                write!(f, "{hash}:{}{list}", not(*negated))
            }
            Body::FileStore(side, scope) => {
                f.write_str("filestore")?;
                if let Some(side) = side {
                    write!(f, ":{}", side_name(*side))?;
                }
                f.write_str(match scope {
                    None => "",
                    Some(FileScope::File) => ",file",
                    Some(FileScope::Transaction) => ",tx",
                    Some(FileScope::Flow) => ",flow",
                })
            }
            Body::DceIface { uuid, version, any_fragment } => {
                f.write_str("dcerpc.iface:")?;
                for (number, byte) in uuid.iter().enumerate() {
                    write!(f, "{}{byte:02x}", if matches!(number, 4 | 6 | 8 | 10) { "-" } else { "" })?;
                }
                if let Some(version) = version {
                    write!(f, ",{version}")?;
                }
                f.write_str(if *any_fragment { ",any_frag" } else { "" })
            }
            Body::DceOpnums(ranges) => {
                f.write_str("dcerpc.opnum:")?;
                ranges.iter().enumerate().try_for_each(|(number, (first, last))| {
                    write!(f, "{}{first}-{last}", if number > 0 { "," } else { "" })
                })
            }
            Body::TlsDate(which, comparison) => {
                let which = match which {
                    TlsDate::NotBefore => "tls_cert_notbefore",
                    TlsDate::NotAfter => "tls_cert_notafter",
                };
                if let super::Comparison::Inside(from, to) = comparison {
                    return write!(f, "{which}:{}<>{}", Date(*from), Date(*to));
                }
                let comparison = comparison.to_string();
                let digits = comparison.trim_start_matches(['<', '>']);
                let sign = comparison.strip_suffix(digits).unwrap_or_default();
                write!(f, "{which}:{sign}{}", Date(digits.parse().map_err(|_| fmt::Error)?))
            }
            Body::TlsExpired => f.write_str("tls_cert_expired"),
            Body::TlsValid => f.write_str("tls_cert_valid"),
            Body::TlsStore => f.write_str("tls_store"),
            Body::IkeAttribute(name, number) => write!(f, "ike.chosen_sa_attribute:{name}={number}"),
            Body::Modbus(modbus) => write!(f, "{modbus}"),
            Body::Dnp3Function(code) => write!(f, "dnp3_func:{code}"),
            Body::Dnp3Object(group, variation) => write!(f, "dnp3_obj:{group},{variation}"),
            Body::CipService(service, class, attribute) => {
                write!(f, "cip_service:{service}")?;
                if let Some(class) = class {
                    write!(f, ",{class}")?;
                }
                attribute.map_or(Ok(()), |(negated, number)| write!(f, ",{}{number}", not(negated)))
            }
            Body::FtpBounce => f.write_str("ftpbounce"),
            Body::Asn1(asn1) => {
                let mut words = Vec::new();
                words.extend(asn1.bitstring_overflow.then(|| "bitstring_overflow".to_owned()));
                words.extend(asn1.double_overflow.then(|| "double_overflow".to_owned()));
                words.extend(asn1.oversize_length.map(|number| format!("oversize_length {number}")));
                words.extend(asn1.absolute_offset.map(|number| format!("absolute_offset {number}")));
                words.extend(asn1.relative_offset.map(|number| format!("relative_offset {number}")));
                write!(f, "asn1:{}", words.join(","))
            }
            Body::NoAlert => f.write_str("noalert"),
            Body::AlertToo => f.write_str("alert"),
            Body::Bypass => f.write_str("bypass"),
            Body::Prefilter => f.write_str("prefilter"),
            Body::Config(words) => write!(f, "config:{words}"),
            Body::NfqSetMark(mark, mask) => write!(f, "nfq_set_mark:{mark:#x}/{mask:#x}"),
        }
    }
}

impl Display for Modbus {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut words = Vec::new();
        words.extend(self.unit.map(|unit| format!("unit {unit}")));
        match &self.of {
            None => {}
            Some(ModbusOf::Function(code, sub)) => {
                words.push(format!("function {code}"));
                words.extend(sub.map(|sub| format!("subfunction {sub}")));
            }
            Some(ModbusOf::Category(negated, name)) => words.push(format!("function {}{name}", not(*negated))),
            Some(ModbusOf::Access { write, table, address, value }) => {
                let kind = if *write { "write" } else { "read" };
                words.push(format!("access {kind} {}", table.as_deref().unwrap_or_default()));
                words.extend(address.map(|address| format!("address {address}")));
                words.extend(value.map(|value| format!("value {value}")));
            }
        }
        write!(f, "modbus:{}", words.join(", "))
    }
}

impl Display for Bits {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(command_name(self.command))?;
        if self.names.is_empty() { Ok(()) } else { write!(f, ",{}", self.names.join("|")) }
    }
}

impl Display for Threshold {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            ThresholdKind::Limit => "type limit, ",
            ThresholdKind::Threshold => "type threshold, ",
            ThresholdKind::Both => "type both, ",
            ThresholdKind::Backoff => "type backoff, ",
            ThresholdKind::Filter => "",
        })?;
        let track = match self.track {
            Track::Source | Track::Transaction => "by_src",
            Track::Destination => "by_dst",
            Track::Both => "by_both",
            Track::Rule => "by_rule",
            Track::Flow => "by_flow",
        };
        write!(f, "track {track}, count {}", self.count)?;
        if self.seconds > 0 {
            write!(f, ", seconds {}", self.seconds)?;
        }
        if self.kind == ThresholdKind::Backoff {
            write!(f, ", multiplier {}", self.multiplier)?;
        }
        match self.unique {
            None => Ok(()),
            Some(Unique::SourcePort) => f.write_str(", unique_on src_port"),
            Some(Unique::DestinationPort) => f.write_str(", unique_on dst_port"),
        }
    }
}

/// Letters of the bits that are set, from the lowest.
struct Letters(u8, &'static str);

impl Display for Letters {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_char('0');
        }
        self.1
            .chars()
            .enumerate()
            .filter(|(bit, _)| self.0 >> bit & 1 == 1)
            .try_for_each(|(_, letter)| f.write_char(letter))
    }
}

/// A date of seconds since 1970, UTC.
struct Date(u64);

impl Display for Date {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (days, second) = (self.0 / 86_400 + 719_468, self.0 % 86_400);
        // The inverse of reading: eras of 400 years, years that begin in March.
        let (era, day) = (days / 146_097, days % 146_097);
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let (day, year) = (day - (153 * month + 2) / 5 + 1, year + era * 400);
        let (month, year) = if month < 10 { (month + 3, year) } else { (month - 9, year + 1) };
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
    }
}

fn print_flow(f: &mut Formatter<'_>, flow: &Flow) -> fmt::Result {
    let mut words = Vec::new();
    words.extend(flow.side.map(side_name));
    words.extend(flow.state.map(|state| match state {
        FlowState::Established => "established",
        FlowState::NotEstablished => "not_established",
        FlowState::Stateless => "stateless",
    }));
    words.extend(flow.stream.map(|stream| match stream {
        StreamScope::Only => "only_stream",
        StreamScope::Never => "no_stream",
    }));
    words.extend(flow.reassembled.map(|reassembled| if reassembled { "only_frag" } else { "no_frag" }));
    write!(f, "flow:{}", words.join(","))
}

fn flag_mode(mode: FlagMode) -> &'static str {
    match mode {
        FlagMode::Exactly => "",
        FlagMode::All => "+",
        FlagMode::Any => "*",
        FlagMode::None => "!",
    }
}

fn host_side(side: HostSide) -> &'static str {
    match side {
        HostSide::Source => "src",
        HostSide::Destination => "dst",
        HostSide::Both => "both",
    }
}

/// The keyword, and what stands between its words.
fn word_field(field: WordField) -> (&'static str, &'static str) {
    match field {
        WordField::SslVersion => ("ssl_version", ","),
        WordField::SslState => ("ssl_state", "|"),
        WordField::Krb5TicketEncryption => ("krb5.ticket_encryption", ","),
        WordField::MqttFlags => ("mqtt.flags", ","),
        WordField::MqttConnectFlags => ("mqtt.connect.flags", ","),
        WordField::MqttSessionPresent => ("mqtt.connack.session_present", ","),
        WordField::WebsocketFlags => ("websocket.flags", ","),
        WordField::FtpMode => ("ftp.mode", ","),
        WordField::FtpReplyReceived => ("ftp.reply_received", ","),
        WordField::FtpDataCommand => ("ftpdata_command", ","),
        WordField::Dnp3Indicators => ("dnp3_ind", ","),
        WordField::Http2Settings => ("http2.settings", " "),
    }
}
