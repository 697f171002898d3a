//! The messages of one flow, of a protocol that the input names, cut anywhere and with pieces missing.

use sensor_core::applayer::parser::{Context, FileState, Next, Parsed, Parser, Protocol, Settings, Transaction};
use sensor_core::applayer::{AppProto, Side, Transport, protocols};
use sensor_core::json::Object;
use sensor_core::rules::{Buffer, Field};

use crate::frames::BEGIN;
use crate::input::Input;

/// Ids only go up, progress too, and what is held stays within bounds that the bytes so far explain.
pub fn run(data: &[u8]) {
    run_in(data, || 0);
}

/// The same, with a way to ask how many bytes are allocated.
pub fn run_in(data: &[u8], allocated: fn() -> usize) {
    let mut input = Input::new(data);
    let mut protocol = input.pick(protocols::all());
    let flags = input.u8();
    let transport = if flags & 1 == 0 { Transport::Tcp } else { Transport::Udp };
    let ports = (input.u16(), input.u16());
    let mut settings = Settings { hash_files: flags & 2 != 0, ..Settings::default() };
    if flags & 4 != 0 {
        settings.transactions = 3;
        settings.file_bytes = 16;
        settings.ftp.transactions = 3;
        settings.ftp.line = 32;
        settings.http.request_body = 64;
        settings.http.response_body = 64;
        settings.http.bomb = 4096;
        settings.http.field = 128;
        settings.http.headers = 8;
    }
    let before = allocated();
    let mut bed = Bed::new(protocol, &settings);
    let (mut time, mut fed) = (BEGIN, 0);
    let mut announced = None;
    while !input.is_empty() {
        let bits = input.u8();
        let side = if bits & 1 == 0 { Side::ToServer } else { Side::ToClient };
        let mut cx = Context { time, transport, ports, settings: &settings, next: None, announced: announced.take() };
        match bits >> 1 & 7 {
            0 => {
                let len = u64::from(input.u16()) << (bits >> 4);
                bed.feed(side, &mut cx, |parser, cx| parser.gap(side, len, cx));
            }
            1 if bits & 0xf0 == 0xf0 => bed.end(side, &mut cx),
            1 => time += i64::from(bits >> 4) * 10_000_000_000,
            _ => {
                let cut = [usize::MAX, 1, 2, 3, 7, 64, 512, 1460][usize::from(bits >> 4 & 7)];
                let bytes = input.block();
                // A datagram comes whole.
                let cut = if transport == Transport::Udp { usize::MAX } else { cut };
                for piece in bytes.chunks(cut.min(bytes.len().max(1))) {
                    fed += piece.len();
                    bed.feed(side, &mut cx, |parser, cx| parser.data(side, piece, cx));
                    if bits & 0x80 != 0 {
                        bed.settle(false);
                    }
                }
            }
        }
        let next = cx.next.take();
        announced = cx.announced.take();
        if let Some(about) = &announced {
            assert!(about.about.len() <= 8192, "{} bytes are announced", about.about.len());
        }
        bed.settle(next.is_some());
        let claimed = bed.parser.bytes();
        assert!(claimed <= MOST_HELD, "{protocol:?} says that it holds {claimed} bytes of {fed}");
        let held = allocated().saturating_sub(before);
        // A parser that holds more than it says would get past the bound of all.
        assert!(held <= UNCLAIMED + 4 * claimed, "{protocol:?} holds {held} bytes, and says {claimed}, of {fed}");
        if let Some(next) = next {
            let known = match next {
                Next::Is(app) => protocols::protocol(app),
                Next::Probe => Some(protocols::all()[usize::from(bits >> 4)]),
            };
            protocol = known.unwrap_or(protocol);
            bed = Bed::new(protocol, &settings);
        }
    }
    let mut cx = Context { time, transport, ports, settings: &settings, next: None, announced: None };
    bed.end(Side::ToServer, &mut cx);
    bed.end(Side::ToClient, &mut cx);
    bed.settle(true);
    let ids = bed.parser.ids();
    assert!(ids.clone().all(|id| bed.parser.transaction(id).is_none()), "{protocol:?} keeps what was released");
}

/// A parser as the engine drives it.
struct Bed<'a> {
    protocol: &'static Protocol,
    parser: Box<dyn Parser>,
    settings: &'a Settings,
    over: [bool; 2],
    told: u64,
    end: u64,
    progress: Vec<(u64, [u8; 2])>,
    text: Vec<u8>,
}

impl<'a> Bed<'a> {
    fn new(protocol: &'static Protocol, settings: &'a Settings) -> Bed<'a> {
        let parser = (protocol.parser)(settings);
        Bed { protocol, parser, settings, over: [false; 2], told: 0, end: 0, progress: Vec::new(), text: Vec::new() }
    }

    fn feed(
        &mut self,
        side: Side,
        cx: &mut Context<'_>,
        take: impl FnOnce(&mut dyn Parser, &mut Context<'_>) -> Parsed,
    ) {
        if self.over[side as usize] || cx.next.is_some() {
            return;
        }
        match take(self.parser.as_mut(), cx) {
            Parsed::More => {}
            Parsed::Enough => self.over[side as usize] = true,
            Parsed::Failed => self.over = [true; 2],
        }
        let ids = self.parser.ids();
        assert!(ids.end >= self.end && ids.start <= ids.end, "{ids:?} after {}", self.end);
        self.end = ids.end;
    }

    fn end(&mut self, side: Side, cx: &mut Context<'_>) {
        self.parser.end(side, cx);
    }

    /// Looks at all transactions that are not done with, and gives those back that are complete; all once the flow has
    /// `ended`.
    fn settle(&mut self, ended: bool) {
        let ids = self.parser.ids();
        let (mut waits, mut live) = (false, 0);
        let mut progress = Vec::new();
        for id in ids.start.max(self.told)..ids.end {
            let Some(transaction) = self.parser.transaction(id) else { continue };
            live += 1;
            let now = SIDES.map(|side| transaction.progress(side));
            if let Ok(at) = self.progress.binary_search_by_key(&id, |(id, _)| *id) {
                let (_, was) = self.progress[at];
                assert!(now[0] >= was[0] && now[1] >= was[1], "{:?} {id}: {was:?} to {now:?}", self.protocol);
            }
            let complete = now.iter().zip(self.protocol.complete).all(|(now, complete)| *now >= complete);
            if complete || ended {
                read(self.protocol, transaction, &mut self.text);
                self.parser.release(id);
            } else {
                progress.push((id, now));
            }
            waits |= !complete;
            if !waits {
                self.told = id + 1;
            }
        }
        self.progress = progress;
        let most = self.settings.transactions.max(self.settings.ftp.transactions) + A_CALL;
        assert!(live <= most, "{:?} keeps {live} transactions", self.protocol);
        assert!(self.parser.events().iter().all(|event| usize::from(event) < self.protocol.events.len()));
    }
}

/// Asks a transaction all that rules and records can.
fn read(protocol: &Protocol, transaction: &dyn Transaction, text: &mut Vec<u8>) {
    assert!(transaction.events().iter().all(|event| usize::from(event) < protocol.events.len()));
    let mut scratch = Vec::new();
    for side in SIDES {
        for buffer in Buffer::ALL {
            let most = if buffer.is_multiple() { 4 } else { 1 };
            for index in (0..most).chain([usize::MAX]) {
                scratch.clear();
                if let Some(bytes) = transaction.buffer(*buffer, side, index, &mut scratch) {
                    assert!(bytes.len() <= LONGEST, "{protocol:?} {buffer:?}: {} bytes", bytes.len());
                }
            }
        }
        for field in Field::ALL {
            for index in [0, 1, usize::MAX] {
                transaction.number(*field, side, index);
            }
        }
        transaction.little_endian(side);
    }
    for file in transaction.files() {
        assert!(file.head.len() as u64 <= file.size, "{file:?}");
        assert!(file.digests().is_none() || file.state == FileState::Closed);
    }
    text.clear();
    Object::write(text, |object| {
        transaction.eve(object);
        transaction.beside(object);
    });
    assert!(text.len() <= LONGEST_RECORD, "{protocol:?}: a record of {} bytes", text.len());
    let name = protocol.eve.and_then(|usual| transaction.record(usual));
    assert!(name.is_none_or(|name| !name.is_empty()));
}

/// The number by which an input names a protocol.
#[allow(dead_code, reason = "the maker of seeds uses it, the replay of the corpus does not")]
pub fn number(app: AppProto) -> Option<u8> {
    protocols::all().iter().position(|protocol| protocol.app == app).map(|at| at as u8)
}

/// How bits say which side sends bytes that come whole.
#[allow(dead_code, reason = "the maker of seeds uses it, the replay of the corpus does not")]
pub fn whole(from_server: bool) -> u8 {
    u8::from(from_server) | 2 << 1
}

const SIDES: [Side; 2] = [Side::ToServer, Side::ToClient];

/// Transactions that one call may begin past the bound: those of the bytes it is given.
const A_CALL: usize = 8192;

/// Bytes that a flow may hold.
const MOST_HELD: usize = 64 << 20;
/// Bytes that a parser need not say.
const UNCLAIMED: usize = 4 << 20;
const LONGEST: usize = 4 << 20;
const LONGEST_RECORD: usize = 16 << 20;
