//! A datagram as rules and EVE see it.

use super::google;
use crate::applayer::Side;
use crate::applayer::parser::{self, EventSet};
use crate::discover::extract::hashes::md5_hex;
use crate::discover::extract::tls::{ClientHello, ServerHello, Transport};
use crate::json::Object;
use crate::rules::Buffer;

/// A datagram with a long header.
#[derive(Debug)]
pub struct Transaction {
    side: Side,
    version: [u8; 4],
    sni: Option<Vec<u8>>,
    ua: Option<Vec<u8>>,
    cyu: Option<(String, String)>,
    ja3: Option<(String, String)>,
    ja3s: Option<(String, String)>,
    ja4: Option<String>,
    extensions: Vec<u16>,
    alpns: Vec<Vec<u8>>,
    events: EventSet,
}

impl Transaction {
    pub(super) fn new(side: Side, version: u32) -> Transaction {
        Transaction {
            side,
            version: version.to_be_bytes(),
            sni: None,
            ua: None,
            cyu: None,
            ja3: None,
            ja3s: None,
            ja4: None,
            extensions: Vec::new(),
            alpns: Vec::new(),
            events: EventSet::NONE,
        }
    }

    pub(super) fn odd(&mut self, event: u8) {
        self.events.add(event);
    }

    pub(super) fn bytes(&self) -> usize {
        size_of::<Transaction>()
            + self.sni.as_ref().map_or(0, Vec::len)
            + self.ja3.as_ref().map_or(0, |(_, text)| text.len())
            + self.alpns.iter().map(|name| 24 + name.len()).sum::<usize>()
            + 2 * self.extensions.len()
    }

    /// What a ClientHello's body says.
    pub(super) fn hello(&mut self, body: &[u8]) {
        let Some(hello) = ClientHello::parse(body) else { return };
        self.sni = hello.server_name().map(<[u8]>::to_vec);
        self.extensions = hello.extensions().map(|(kind, _)| kind).collect();
        self.alpns = hello.alpns().map(<[u8]>::to_vec).collect();
        let text = hello.ja3_text();
        self.ja3 = Some((md5_hex(text.as_bytes()), text));
        self.ja4 = Some(hello.ja4(Transport::Quic));
    }

    /// What a ServerHello's body says.
    pub(super) fn server_hello(&mut self, body: &[u8]) {
        let Some(hello) = ServerHello::parse(body) else { return };
        self.extensions = hello.extension_kinds().collect();
        let text = hello.ja3s_text();
        self.ja3s = Some((md5_hex(text.as_bytes()), text));
    }

    /// What a CHLO says, if there is one.
    pub(super) fn google(&mut self, packet: &[u8]) {
        let Some(hello) = google::hello(packet, u32::from_be_bytes(self.version)) else { return };
        (self.sni, self.ua) = (hello.sni, hello.ua);
        self.cyu = Some((md5_hex(hello.cyu.as_bytes()), hello.cyu));
    }
}

impl parser::Transaction for Transaction {
    fn progress(&self, _: Side) -> u8 {
        1
    }

    fn only(&self) -> Option<Side> {
        Some(self.side)
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "most buffers are of other protocols")]
    fn buffer<'a>(&'a self, buffer: Buffer, side: Side, index: usize, _: &'a mut Vec<u8>) -> Option<&'a [u8]> {
        if side != self.side || index > 0 {
            return None;
        }
        match buffer {
            Buffer::QuicVersion => Some(&self.version),
            Buffer::QuicSni => self.sni.as_deref(),
            Buffer::QuicUa => self.ua.as_deref(),
            Buffer::QuicCyuHash => Some(self.cyu.as_ref()?.0.as_bytes()),
            Buffer::QuicCyuString => Some(self.cyu.as_ref()?.1.as_bytes()),
            Buffer::Ja3Hash => Some(self.ja3.as_ref()?.0.as_bytes()),
            Buffer::Ja3String => Some(self.ja3.as_ref()?.1.as_bytes()),
            Buffer::Ja3sHash => Some(self.ja3s.as_ref()?.0.as_bytes()),
            Buffer::Ja3sString => Some(self.ja3s.as_ref()?.1.as_bytes()),
            Buffer::Ja4Hash => Some(self.ja4.as_ref()?.as_bytes()),
            _ => None,
        }
    }

    fn events(&self) -> EventSet {
        self.events
    }

    fn eve(&self, object: &mut Object<'_>) {
        match (u32::from_be_bytes(self.version), &self.version) {
            (0x6b33_43cf, _) => object.text("version", "v2"),
            (_, name @ [b'Q' | b'T', ..]) => object.text("version", name),
            (version, _) => object.display("version", format_args!("{version:x}")),
        };
        object.text_if("sni", self.sni.as_deref()).text_if("ua", self.ua.as_deref());
        if let Some((hash, text)) = &self.cyu {
            object.array("cyu", |array| {
                array.object(|object| _ = object.text("hash", hash).text("string", text));
            });
        }
        for (key, ja3) in [("ja3", &self.ja3), ("ja3s", &self.ja3s)] {
            if let Some((hash, text)) = ja3 {
                object.object(key, |object| _ = object.text("hash", hash).text("string", text));
            }
        }
        object.text_if("ja4", self.ja4.as_deref());
        if !self.extensions.is_empty() {
            object.array("extensions", |array| {
                for kind in &self.extensions {
                    array.object(|object| self.extension(*kind, object));
                }
            });
        }
    }
}

impl Transaction {
    fn extension(&self, kind: u16, object: &mut Object<'_>) {
        let name = EXTENSIONS.iter().find(|(known, _)| *known == kind).map(|(_, name)| *name);
        object.text_if("name", name).number("type", kind);
        match kind {
            0 => _ = object.array("values", |array| self.sni.iter().for_each(|name| _ = array.text(name))),
            16 => _ = object.array("values", |array| self.alpns.iter().for_each(|name| _ = array.text(name))),
            _ => {}
        }
    }
}

/// IANA, TLS ExtensionType Values.
const EXTENSIONS: [(u16, &str); 26] = [
    (0, "server_name"),
    (1, "max_fragment_length"),
    (5, "status_request"),
    (10, "supported_groups"),
    (11, "ec_point_formats"),
    (13, "signature_algorithms"),
    (15, "heartbeat"),
    (16, "alpn"),
    (18, "signed_certificate_timestamp"),
    (21, "padding"),
    (22, "encrypt_then_mac"),
    (23, "extended_master_secret"),
    (27, "compress_certificate"),
    (28, "record_size_limit"),
    (35, "session_ticket"),
    (41, "pre_shared_key"),
    (42, "early_data"),
    (43, "supported_versions"),
    (44, "cookie"),
    (45, "psk_key_exchange_modes"),
    (47, "certificate_authorities"),
    (49, "post_handshake_auth"),
    (50, "signature_algorithms_cert"),
    (51, "key_share"),
    (57, "quic_transport_parameters"),
    (65281, "renegotiation_info"),
];
