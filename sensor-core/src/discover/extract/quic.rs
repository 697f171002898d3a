//! QUIC Initial packets: the first flight's ClientHello, decrypted with keys that anyone can derive from the packet
//! (RFC 9001, section 5.2; RFC 9369 for version 2; the drafts and Facebook's variants by their own salts).

use aes::Aes128;
use aes::cipher::{BlockEncrypt, KeyInit};
use aes_gcm::aead::AeadInPlace;
use aes_gcm::{Aes128Gcm, Nonce, Tag};
use hkdf::Hkdf;
use sha2::Sha256;

use super::reader::Reader;
use super::tls::{Client, ClientHello, Transport};

/// Bytes of the CRYPTO stream that are put together at most; a hello with post-quantum key shares is about 2 KiB.
pub const MAX_CRYPTO: usize = 16 * 1024;
const MAX_RANGES: usize = 64;
const MAX_PACKET: usize = 4096;

/// A long header: what every version agrees on (RFC 8999, section 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LongHeader<'a> {
    /// Version; 0 is a version negotiation.
    pub version: u32,
    /// Destination connection id.
    pub destination: &'a [u8],
    /// Source connection id.
    pub source: &'a [u8],
    first: u8,
    rest: &'a [u8],
    before: usize,
}

impl<'a> LongHeader<'a> {
    /// Reads a long header with the fixed bit.
    pub fn parse(packet: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(packet);
        let first = reader.u8().filter(|first| first & 0x80 != 0)?;
        let version = reader.u32()?;
        let destination = reader.vec8().filter(|id| id.len() <= 20)?;
        let source = reader.vec8().filter(|id| id.len() <= 20)?;
        let rest = reader.rest();
        Some(LongHeader { version, destination, source, first, rest, before: packet.len() - rest.len() })
    }

    /// Whether it is an Initial of a version that [`Initial`] decrypts.
    pub fn is_initial(&self) -> bool {
        Suite::of(self.version).is_some_and(|suite| self.first >> 4 & 3 == suite.initial)
    }

    /// Whether it is a Retry of a version that [`Initial`] decrypts.
    pub fn is_retry(&self) -> bool {
        Suite::of(self.version).is_some_and(|suite| self.first >> 4 & 3 == (suite.initial + 3) % 4)
    }

    /// Whether the version is one that [`Initial`] decrypts.
    pub fn is_known(&self) -> bool {
        Suite::of(self.version).is_some()
    }
}

/// Collects the first flight of one side of a connection until its hello is whole; the client's, unless it is
/// [`answering`](Initial::answering).
#[derive(Clone, Debug, Default)]
pub struct Initial {
    crypto: Vec<u8>,
    /// What of `crypto` has been filled: disjoint, sorted.
    filled: Vec<(usize, usize)>,
    /// The connection id that the keys come from: the first packet's.
    keyed: Option<([u8; 20], u8, u32)>,
    opened: u32,
    server: bool,
}

impl Initial {
    /// For the server's side of a connection whose client was read.
    #[must_use]
    pub fn answering(client: &Initial) -> Initial {
        Initial { keyed: client.keyed, server: true, ..Initial::default() }
    }

    /// Takes a client's datagram; gives the hello once it is whole. Packets that do not authenticate add nothing.
    pub fn datagram(&mut self, datagram: &[u8]) -> Option<Client> {
        let mut rest = datagram;
        // A datagram coalesces a few packets (RFC 9000, section 12.2).
        for _ in 0..8 {
            let Some(header) = LongHeader::parse(rest) else { break };
            let Some(next) = self.packet(rest, &header) else { break };
            rest = next;
        }
        self.hello()
    }

    /// Bytes held.
    pub fn allocated(&self) -> usize {
        self.crypto.capacity() + self.filled.capacity() * size_of::<(usize, usize)>()
    }

    /// Takes one packet and gives what follows it in the datagram.
    fn packet<'a>(&mut self, data: &'a [u8], header: &LongHeader<'a>) -> Option<&'a [u8]> {
        let suite = Suite::of(header.version)?;
        let mut reader = Reader::new(header.rest);
        let kind = header.first >> 4 & 3;
        if kind == suite.initial {
            let token = usize::try_from(reader.varint()?).ok()?;
            reader.skip(token)?;
        } else if kind == (suite.initial + 3) % 4 {
            // A retry has no length; nothing follows it.
            return None;
        }
        let length = usize::try_from(reader.varint()?).ok()?;
        let offset = header.before + (header.rest.len() - reader.rest().len());
        reader.skip(length)?;
        if kind == suite.initial && length <= MAX_PACKET {
            let packet = data.get(..offset + length)?;
            self.initial(packet, offset, header, &suite);
        }
        Some(reader.rest())
    }

    fn initial(&mut self, packet: &[u8], offset: usize, header: &LongHeader<'_>, suite: &Suite) -> Option<()> {
        // Later packets of the flight may go to the id the server chose; the keys stay (RFC 9001, section 5.2).
        let own = connection(header);
        let first = *self.keyed.get_or_insert(own);
        let plain = match open(packet, offset, first, suite, self.server) {
            Some(plain) => plain,
            None if self.server => return None,
            // A Retry's client begins anew, with keys of the id it was given (RFC 9001, section 5.2).
            None if own != first => {
                let plain = open(packet, offset, own, suite, false)?;
                self.keyed = Some(own);
                plain
            }
            None => {
                if self.filled.is_empty() {
                    self.keyed = None;
                }
                return None;
            }
        };
        // Google's versions number the CRYPTO frame otherwise.
        let crypto = if matches!(header.version, 0x5430_3530 | 0x5430_3531) { 8 } else { 6 };
        self.opened += 1;
        self.frames(&plain, crypto);
        Some(())
    }

    /// Keeps the CRYPTO frames of an Initial's plaintext (RFC 9000, section 12.5 lists what may stand there).
    fn frames(&mut self, plain: &[u8], crypto: u8) -> Option<()> {
        let mut reader = Reader::new(plain);
        while let Some(kind) = reader.u8() {
            match kind {
                0 | 1 => {}
                2 | 3 => {
                    reader.varint()?;
                    reader.varint()?;
                    let ranges = reader.varint()?;
                    reader.varint()?;
                    for _ in 0..ranges.min(256) * 2 {
                        reader.varint()?;
                    }
                    if kind == 3 {
                        for _ in 0..3 {
                            reader.varint()?;
                        }
                    }
                }
                kind if kind == crypto => {
                    let at = usize::try_from(reader.varint()?).ok()?;
                    let n = usize::try_from(reader.varint()?).ok()?;
                    self.keep(at, reader.take(n)?)?;
                }
                _ => return None,
            }
        }
        Some(())
    }

    fn keep(&mut self, at: usize, data: &[u8]) -> Option<()> {
        let end = at.checked_add(data.len()).filter(|end| *end <= MAX_CRYPTO)?;
        if data.is_empty() {
            return Some(());
        }
        if self.crypto.len() < end {
            self.crypto.resize(end, 0);
        }
        self.crypto.get_mut(at..end)?.copy_from_slice(data);
        let (mut start, mut stop) = (at, end);
        self.filled.retain(|(from, to)| {
            let apart = *to < start || *from > stop;
            if !apart {
                start = start.min(*from);
                stop = stop.max(*to);
            }
            apart
        });
        if self.filled.len() < MAX_RANGES {
            let place = self.filled.partition_point(|(from, _)| *from < start);
            self.filled.insert(place, (start, stop));
        }
        Some(())
    }

    /// How many packets authenticated.
    pub fn opened(&self) -> u32 {
        self.opened
    }

    /// Whether a part of a hello is held.
    pub fn is_open(&self) -> bool {
        !self.filled.is_empty()
    }

    /// Forgets what came of the CRYPTO stream, not the keys: after a Retry the client begins anew.
    pub fn restart(&mut self) {
        self.crypto = Vec::new();
        self.filled.clear();
    }

    fn hello(&self) -> Option<Client> {
        self.hello_body().and_then(ClientHello::parse).map(|hello| hello.facts(Transport::Quic))
    }

    /// The body of the hello, once it is whole.
    pub fn hello_body(&self) -> Option<&[u8]> {
        let (start, end) = *self.filled.first()?;
        let mut reader = Reader::new(self.crypto.get(..end).filter(|_| start == 0)?);
        (reader.u8()? == if self.server { 2 } else { 1 }).then_some(())?;
        let length = reader.u24()?;
        reader.take(length as usize)
    }
}

/// What differs between versions.
struct Suite {
    salt: [u8; 20],
    labels: [&'static str; 3],
    /// The long packet type of an Initial.
    initial: u8,
}

const LABELS_1: [&str; 3] = ["quic key", "quic iv", "quic hp"];
const LABELS_2: [&str; 3] = ["quicv2 key", "quicv2 iv", "quicv2 hp"];

impl Suite {
    fn of(version: u32) -> Option<Suite> {
        // Draft 22's, 23-28's, 29-32's and version 1's salts, from the drafts' section 5.2.
        const DRAFT_22: u128 = 0x7fbc_db0e_7c66_bbe9_193a_96cd_2151_9ebd;
        const DRAFT_23: u128 = 0xc3ee_f712_c72e_bb5a_11a7_d243_2bb4_6365;
        const DRAFT_29: u128 = 0xafbf_ec28_9993_d24c_9e97_86f1_9c61_11e0;
        // Google's own versions with TLS, in the time of the drafts.
        const T050: u128 = 0x7ff5_79e5_acd0_7291_5580_304c_43a2_367c;
        const T051: u128 = 0x7a4e_def4_e7cc_ee5f_a450_6c19_124f_c8cc;
        const V1: u128 = 0x3876_2cf7_f559_34b3_4d17_9ae6_a4c8_0cad;
        const V2: u128 = 0x0ded_e3de_f700_a6db_8193_81be_6e26_9dcb;
        const V2_DRAFT: u128 = 0xa707_c203_a59b_4718_4a1d_62ca_5704_06ea;
        let (high, low, two) = match version {
            0xff00_0016 | 0xface_b001 => (DRAFT_22, 0x7a02_644a, false),
            0xff00_0017..=0xff00_001c | 0xface_b002 | 0xface_b00e => (DRAFT_23, 0xbef9_f502, false),
            0xff00_001d..=0xff00_0020 | 0xface_b010..=0xface_b013 => (DRAFT_29, 0x4390_a899, false),
            0x0000_0001 | 0xff00_0021 | 0xff00_0022 => (V1, 0xccbb_7f0a, false),
            0x6b33_43cf => (V2, 0xf9bd_2ed9, true),
            0x709a_50c4 | 0xff02_0000 => (V2_DRAFT, 0xe7ae_e5d3_u32, true),
            0x5430_3530 => (T050, 0x6048_8310, false),
            0x5430_3531 => (T051, 0xda6e_033d, false),
            _ => return None,
        };
        let mut salt = [0; 20];
        for (to, from) in salt.iter_mut().zip(high.to_be_bytes().into_iter().chain(low.to_be_bytes())) {
            *to = from;
        }
        Some(Suite { salt, labels: if two { LABELS_2 } else { LABELS_1 }, initial: u8::from(two) })
    }
}

fn connection(header: &LongHeader<'_>) -> ([u8; 20], u8, u32) {
    let mut id = [0; 20];
    for (to, from) in id.iter_mut().zip(header.destination) {
        *to = *from;
    }
    (id, header.destination.len().min(20) as u8, header.version)
}

/// Removes header protection and decrypts an Initial (RFC 9001, sections 5.3 and 5.4).
fn open(
    packet: &[u8],
    offset: usize,
    (id, length, _): ([u8; 20], u8, u32),
    suite: &Suite,
    server: bool,
) -> Option<Vec<u8>> {
    let initial = Hkdf::<Sha256>::new(Some(&suite.salt), id.get(..usize::from(length))?);
    let side: [u8; 32] = expand(&initial, if server { "server in" } else { "client in" })?;
    let secret = Hkdf::<Sha256>::from_prk(&side).ok()?;
    let [key_label, iv_label, hp_label] = suite.labels;
    let key: [u8; 16] = expand(&secret, key_label)?;
    let iv: [u8; 12] = expand(&secret, iv_label)?;
    let hp: [u8; 16] = expand(&secret, hp_label)?;

    // The sample is taken as if the packet number had four bytes.
    let sample = *packet.get(offset + 4..)?.first_chunk::<16>()?;
    let mut mask = sample.into();
    Aes128::new(&hp.into()).encrypt_block(&mut mask);
    let (first_mask, number_mask) = mask.split_first()?;
    let mut header = packet.get(..offset + 4)?.to_vec();
    let first = header.first_mut()?;
    *first ^= first_mask & 0x0f;
    let number_length = usize::from(*first & 3) + 1;
    header.truncate(offset + number_length);
    let mut number = 0u64;
    for (byte, mask) in header.iter_mut().skip(offset).zip(number_mask) {
        *byte ^= mask;
        number = number << 8 | u64::from(*byte);
    }
    let mut nonce = iv;
    for (byte, number) in nonce.iter_mut().skip(4).zip(number.to_be_bytes()) {
        *byte ^= number;
    }
    let sealed = packet.get(header.len()..)?;
    let (body, tag) = sealed.split_at_checked(sealed.len().checked_sub(16)?)?;
    let mut plain = body.to_vec();
    let tag: [u8; 16] = tag.try_into().ok()?;
    Aes128Gcm::new(&key.into())
        .decrypt_in_place_detached(&Nonce::from(nonce), &header, &mut plain, &Tag::from(tag))
        .ok()?;
    Some(plain)
}

/// HKDF-Expand-Label with an empty context (RFC 8446, section 7.1).
fn expand<const N: usize>(secret: &Hkdf<Sha256>, label: &str) -> Option<[u8; N]> {
    let mut out = [0; N];
    let length = (N as u16).to_be_bytes();
    let label_length = [label.len() as u8 + 6];
    secret.expand_multi_info(&[&length, &label_length, b"tls13 ", label.as_bytes(), &[0]], &mut out).ok()?;
    Some(out)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::discover::extract::tls::tests::hello_body;

    /// Seals CRYPTO frames as a client's Initial of the version would be.
    pub(crate) fn seal(version: u32, id: &[u8], frames: &[u8], number: u8) -> Vec<u8> {
        let suite = Suite::of(version).unwrap();
        let mut plain = frames.to_vec();
        plain.resize(plain.len().max(64), 0);
        let mut header = vec![0xc0 | suite.initial << 4];
        header.extend(version.to_be_bytes());
        header.push(id.len() as u8);
        header.extend(id);
        header.extend([0, 0]); // source id, token
        let length = (plain.len() + 16 + 1) as u16 | 0x4000;
        header.extend(length.to_be_bytes());
        let offset = header.len();
        header.push(number);
        let client: [u8; 32] = expand(&Hkdf::<Sha256>::new(Some(&suite.salt), id), "client in").unwrap();
        let secret = Hkdf::<Sha256>::from_prk(&client).unwrap();
        let key: [u8; 16] = expand(&secret, suite.labels[0]).unwrap();
        let mut nonce: [u8; 12] = expand(&secret, suite.labels[1]).unwrap();
        let hp: [u8; 16] = expand(&secret, suite.labels[2]).unwrap();
        nonce[11] ^= number;
        let tag =
            Aes128Gcm::new(&key.into()).encrypt_in_place_detached(&Nonce::from(nonce), &header, &mut plain).unwrap();
        let mut packet = [header, plain, tag.to_vec()].concat();
        let mut mask = (*packet[offset + 4..].first_chunk::<16>().unwrap()).into();
        Aes128::new(&hp.into()).encrypt_block(&mut mask);
        packet[0] ^= mask[0] & 0x0f;
        packet[offset] ^= mask[1];
        packet
    }

    pub(crate) fn crypto(at: usize, data: &[u8]) -> Vec<u8> {
        let mut frame = vec![6];
        frame.extend((at as u16 | 0x4000).to_be_bytes());
        frame.extend((data.len() as u16 | 0x4000).to_be_bytes());
        frame.extend(data);
        frame
    }

    fn handshake() -> Vec<u8> {
        let body = hello_body();
        let mut message = vec![1, 0];
        message.extend((body.len() as u16).to_be_bytes());
        message.extend(body);
        message
    }

    #[test]
    fn keys_are_those_of_rfc_9001_appendix_a() {
        let id = [0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08];
        let suite = Suite::of(1).unwrap();
        let client: [u8; 32] = expand(&Hkdf::<Sha256>::new(Some(&suite.salt), &id), "client in").unwrap();
        let secret = Hkdf::<Sha256>::from_prk(&client).unwrap();
        let key: [u8; 16] = expand(&secret, "quic key").unwrap();
        let iv: [u8; 12] = expand(&secret, "quic iv").unwrap();
        assert_eq!(u128::from_be_bytes(key), 0x1f36_9613_dd76_d546_7730_efcb_e3b1_a22d);
        assert_eq!(iv, [0xfa, 0x04, 0x4b, 0x2f, 0x42, 0xa3, 0xfd, 0x3b, 0x46, 0xfb, 0x25, 0x5c]);
    }

    #[test]
    fn a_hello_is_put_together_across_packets_out_of_order_in_every_version() {
        let message = handshake();
        for version in [1, 0x6b33_43cf, 0x709a_50c4, 0xff00_001d, 0xff00_001b, 0xff00_0022, 0xface_b001, 0xface_b002] {
            let id = [1, 2, 3, 4, 5, 6, 7, 8];
            let second = [crypto(80, &message[80..]), crypto(20, &message[20..60])].concat();
            let first = [crypto(60, &message[60..80]), vec![0, 1], crypto(0, &message[..20])].concat();
            let mut flight = Initial::default();
            assert_eq!(flight.datagram(&seal(version, &id, &second, 2)), None);
            let hello = flight.datagram(&seal(version, &id, &first, 1)).unwrap();
            assert_eq!(hello.server_name.as_deref(), Some("a.local"), "{version:x}");
            assert!(hello.ja4.starts_with("q13d0204h2_"), "{}", hello.ja4);
        }
    }

    #[test]
    fn what_does_not_authenticate_adds_nothing() {
        let message = handshake();
        let whole = seal(1, &[9; 8], &crypto(0, &message), 0);
        for at in 0..whole.len() {
            let mut broken = whole.clone();
            broken[at] ^= 0x55;
            let mut flight = Initial::default();
            assert_eq!(flight.datagram(&broken), None, "byte {at}");
            assert_eq!(flight.datagram(&whole[..at]), None, "cut at {at}");
        }
    }

    #[test]
    fn the_crypto_stream_is_bounded() {
        let mut flight = Initial::default();
        for i in 0..400 {
            flight.datagram(&seal(1, &[9; 8], &crypto(i * 40 + 1, &[1; 8]), i as u8));
        }
        assert!(flight.filled.len() <= MAX_RANGES);
        assert!(flight.allocated() <= 2 * MAX_CRYPTO + MAX_RANGES * 32, "{}", flight.allocated());
    }
}
