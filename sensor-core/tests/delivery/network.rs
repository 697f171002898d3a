//! What lies between hosts and an observer.

use super::conversation::{ACK, Conversation, FIN, RST, SYN, Sent};

/// How rough the network is. Rates are in per cent of the packets.
#[derive(Clone, Copy, Debug, Default)]
pub struct Weather {
    pub seed: u64,
    /// Packets that may overtake another.
    pub reorder: usize,
    /// Packets that come twice.
    pub repeat: u32,
    /// Packets that are cut in fragments, which come in any order.
    pub fragment: u32,
    /// Fragments that reach into the next one, with what that has there.
    pub overlap: u32,
    /// Segments of which a part is sent again.
    pub retransmit: u32,
    /// Segments that are sent as two.
    pub split: u32,
    /// Packets of which a fragment is lost before they are sent once more, as a whole.
    pub lose: u32,
}

/// What an observer sees.
#[derive(Debug, Default)]
pub struct Delivered {
    /// IP packets.
    pub packets: Vec<Vec<u8>>,
    /// Packets and whole datagrams in them.
    pub datagrams: u64,
}

/// The IP packets as they were sent.
pub fn calm(conversation: &Conversation) -> Delivered {
    let packets = conversation.segments.iter().zip(1..).map(|(sent, id)| whole(sent, id)).collect();
    Delivered { packets, datagrams: conversation.segments.len() as u64 }
}

/// The IP packets as an observer sees them.
pub fn deliver(conversation: &Conversation, weather: Weather) -> Delivered {
    let mut chance = Chance(weather.seed | 1);
    let segments = &split(conversation, weather, &mut chance);
    let first_end = segments.iter().position(|sent| sent.flags & (FIN | RST) != 0).unwrap_or(segments.len());
    let mut came = vec![false; segments.len()];
    let mut left: Vec<usize> = (0..segments.len()).collect();
    // Repeats on their way, with the packets that come before them.
    let mut late: Vec<(usize, Sent, u16)> = Vec::new();
    let mut out = Delivered::default();
    while !left.is_empty() {
        let ready: Vec<usize> =
            (0..left.len().min(weather.reorder + 1)).filter(|place| may_come(segments, left[*place], &came)).collect();
        let at = left.remove(ready[chance.below(ready.len())]);
        let (sent, id) = (&segments[at], at as u16 + 1);
        came[at] = true;
        let ends = at >= first_end;
        for (wait, again, id) in std::mem::take(&mut late) {
            // Nothing is repeated into the connection's end.
            if wait == 0 || ends {
                put(&mut out, &again, id, weather, &mut chance);
            } else {
                late.push((wait - 1, again, id));
            }
        }
        if !ends && chance.is(weather.lose) {
            lose(&mut out, sent, id + 20_000, &mut chance);
        }
        put(&mut out, sent, id, weather, &mut chance);
        if !ends && chance.is(weather.repeat) {
            late.push((chance.below(6), sent.clone(), id));
        }
        if !ends && sent.payload.len() > 1 && sent.flags & SYN == 0 && chance.is(weather.retransmit) {
            let from = chance.below(sent.payload.len());
            let to = from + 1 + chance.below(sent.payload.len() - from);
            let mut again = sent.clone();
            again.seq = sent.seq.wrapping_add(from as u32);
            again.payload = sent.payload[from..to].to_vec();
            // Its urgent byte lies elsewhere now.
            if sent.urgent == 0 {
                late.push((chance.below(6), again, 10_000 + id));
            }
        }
    }
    out
}

/// The segments, some of them in two parts.
fn split(conversation: &Conversation, weather: Weather, chance: &mut Chance) -> Vec<Sent> {
    let mut out = Vec::new();
    for sent in &conversation.segments {
        let (len, is_plain) = (sent.payload.len(), sent.flags & (SYN | RST) == 0 && sent.urgent == 0);
        if len < 2 || !is_plain || !chance.is(weather.split) {
            out.push(sent.clone());
            continue;
        }
        let (first, second) = sent.payload.split_at(1 + chance.below(len - 1));
        out.push(Sent { payload: first.to_vec(), flags: sent.flags & !FIN, ..sent.clone() });
        let seq = sent.seq.wrapping_add(first.len() as u32);
        out.push(Sent { payload: second.to_vec(), seq, ..sent.clone() });
    }
    out
}

/// All came of which the sender of segment `at` may have known.
fn may_come(segments: &[Sent], at: usize, came: &[bool]) -> bool {
    let this = &segments[at];
    let is_barrier = |index: usize| index < 3 || segments[index].flags & (SYN | RST) != 0;
    segments.iter().zip(came).take(at).enumerate().all(|(index, (before, came))| {
        let ahead = |from: u32, to: u32| to.wrapping_sub(from) as i32;
        let says = before.end() != before.seq;
        // Something that the peer sent and this acknowledges; or an acknowledgement, which may have opened a window.
        let known = before.from_server != this.from_server
            && (!says || this.flags & ACK != 0 && ahead(before.seq, this.ack) > 0);
        // What its own side said last stays last.
        let closes = this.flags & FIN != 0 && before.from_server == this.from_server && !says;
        *came || !(is_barrier(index) || is_barrier(at) || known || closes)
    })
}

fn put(out: &mut Delivered, sent: &Sent, id: u16, weather: Weather, chance: &mut Chance) {
    out.datagrams += 1;
    if !chance.is(weather.fragment) {
        return out.packets.push(whole(sent, id));
    }
    let body = sent.segment();
    let mut fragments = Vec::new();
    let mut from = 0;
    while from < body.len() {
        // An end that is not the datagram's lies between two units of 8 bytes.
        let end = (from + 8 + chance.below(32) * 8).min(body.len());
        let longer = (end + 8 + chance.below(8) * 8).min(body.len());
        // One that reached over all would be a packet and no fragment.
        let reach = if chance.is(weather.overlap) && (from > 0 || longer < body.len()) { longer } else { end };
        fragments.push((from, reach, fragment(sent, id, from, reach < body.len(), &body[from..reach])));
        from = end;
    }
    for n in (1..fragments.len()).rev() {
        fragments.swap(n, chance.below(n + 1));
    }
    if weather.repeat > 0 {
        let again = fragments[chance.below(fragments.len())].clone();
        fragments.insert(chance.below(fragments.len()), again);
    }
    // What comes after the datagram is whole would wait for a new one, and be a flow without ports.
    let mut here = vec![false; body.len()];
    for (from, reach, packet) in fragments {
        here[from..reach].fill(true);
        out.packets.push(packet);
        if here.iter().all(|here| *here) {
            return;
        }
    }
}

/// All fragments of a packet but one.
fn lose(out: &mut Delivered, sent: &Sent, id: u16, chance: &mut Chance) {
    let body = sent.segment();
    let parts = body.len().div_ceil(16);
    let lost = chance.below(parts);
    for from in (0..body.len()).step_by(16).filter(|from| parts > 1 && from / 16 != lost) {
        let end = (from + 16).min(body.len());
        out.packets.push(fragment(sent, id, from, end < body.len(), &body[from..end]));
    }
}

/// An IP packet without fragmentation.
fn whole(sent: &Sent, id: u16) -> Vec<u8> {
    let body = sent.segment();
    if sent.v6 {
        return [header_v6(sent, body.len(), sent.proto).as_slice(), &body].concat();
    }
    [header_v4(sent, id, body.len(), 0).as_slice(), &body].concat()
}

fn fragment(sent: &Sent, id: u16, from: usize, more: bool, body: &[u8]) -> Vec<u8> {
    if !sent.v6 {
        let place = (from / 8) as u16 | u16::from(more) << 13;
        return [header_v4(sent, id, body.len(), place).as_slice(), body].concat();
    }
    let mut out = header_v6(sent, body.len() + 8, FRAGMENT);
    out.extend([sent.proto, 0]);
    out.extend((from as u16 | u16::from(more)).to_be_bytes());
    out.extend(u32::from(id).to_be_bytes());
    out.extend(body);
    out
}

fn header_v4(sent: &Sent, id: u16, len: usize, place: u16) -> Vec<u8> {
    let mut out = vec![0x45, 0];
    out.extend((len as u16 + 20).to_be_bytes());
    // Each side counts its own.
    out.extend((id | u16::from(sent.from_server) << 15).to_be_bytes());
    out.extend(place.to_be_bytes());
    out.extend([64, sent.proto, 0, 0]);
    out.extend(&sent.source.0.to_be_bytes()[12..]);
    out.extend(&sent.destination.0.to_be_bytes()[12..]);
    out
}

fn header_v6(sent: &Sent, len: usize, next: u8) -> Vec<u8> {
    let mut out = vec![0x60, 0, 0, 0];
    out.extend((len as u16).to_be_bytes());
    out.extend([next, 64]);
    out.extend(sent.source.0.to_be_bytes());
    out.extend(sent.destination.0.to_be_bytes());
    out
}

/// Numbers from a seed, so that a failure can be seen again (xorshift, Marsaglia 2003).
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % n.max(1)
    }

    fn is(&mut self, per_cent: u32) -> bool {
        self.below(100) < per_cent as usize
    }
}

const FRAGMENT: u8 = 44;
