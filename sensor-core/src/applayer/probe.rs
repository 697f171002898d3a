//! A flow's probing: candidates that shrink with each message of either side.

use super::AppProto;
use super::prefixes::{Claim, PREFIX, Prefixes};
use super::registry::{self, Prober};
use super::view::{Answer, View};

/// What carries the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// A TCP stream from its start: bytes are handed over in order.
    Tcp,
    /// A TCP stream whose start was not seen: each piece may begin a message.
    TcpMidstream,
    /// UDP: each call is one datagram.
    Udp,
}

/// What a probe is told about the flow beside its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Ctx {
    /// Transport protocol.
    pub transport: Transport,
    /// The originator's and the responder's port. They confirm what content leaves open, and never decide alone.
    pub ports: (u16, u16),
}

/// Direction of the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Side {
    /// From the originator.
    ToServer = 0,
    /// From the responder.
    ToClient = 1,
}

/// What a probe knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not yet known; hand over what comes next.
    NeedMore,
    /// Known. Further bytes change nothing until [`Probe::restart`].
    Is(AppProto),
    /// None of the protocols, or the budget is used up.
    GiveUp,
}

/// A flow's probing state, 32 bytes.
#[derive(Clone, Copy, Debug)]
pub struct Probe {
    /// Probers that neither side has ruled out, by their place in the transport's table.
    candidates: u128,
    /// Probers that said likely, by place, with [`TO_CLIENT`] for the side; [`NONE`] where there is none.
    likely: [u8; 4],
    claim: Claim,
    pieces: [u8; 2],
    state: State,
    /// Per side: what is still to come says nothing.
    closed: [bool; 2],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    Is(AppProto),
    GaveUp,
}

impl Default for Probe {
    fn default() -> Self {
        Probe {
            candidates: u128::MAX,
            likely: [NONE; 4],
            claim: Claim::default(),
            pieces: [0; 2],
            state: State::Open,
            closed: [false; 2],
        }
    }
}

impl Probe {
    /// A probe of a flow that [`Expectations`](super::Expectations) announced: it is known from the start.
    #[must_use]
    pub fn expected(proto: AppProto) -> Self {
        Probe { state: State::Is(proto), ..Probe::default() }
    }

    /// What is known now.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self.state {
            State::Open => Verdict::NeedMore,
            State::Is(proto) => Verdict::Is(proto),
            State::GaveUp => Verdict::GiveUp,
        }
    }

    /// Starts afresh with the next bytes: after STARTTLS, CONNECT, an upgrade or a proxy's handshake.
    pub fn restart(&mut self, prefixes: &mut Prefixes) {
        prefixes.release(&mut self.claim);
        *self = Probe::default();
    }

    /// Takes the next bytes of a side (TCP, in order) or a datagram (UDP), and says what is known. Allocates nothing
    /// once `prefixes` has grown.
    #[inline]
    pub fn data(&mut self, ctx: Ctx, side: Side, bytes: &[u8], prefixes: &mut Prefixes) -> Verdict {
        if self.state == State::Open && !bytes.is_empty() {
            self.look(ctx, side, bytes, prefixes);
            if self.state != State::Open {
                prefixes.release(&mut self.claim);
            }
        }
        self.verdict()
    }

    fn look(&mut self, ctx: Ctx, side: Side, bytes: &[u8], prefixes: &mut Prefixes) {
        let bytes = bytes.get(..MAX_VIEW).unwrap_or(bytes);
        let Some(pieces) = self.pieces.get_mut(side as usize) else { return };
        let first = *pieces == 0;
        *pieces = pieces.saturating_add(1);
        let last = *pieces >= MAX_PIECES;
        if !self.closed(side) {
            let kept = prefixes.get(self.claim, side);
            let stream = ctx.transport == Transport::Tcp;
            let mut joined = [0; PREFIX];
            let (bytes, previous) = if !stream {
                (bytes, kept)
            } else if first {
                (bytes, &[][..])
            } else {
                let n = join(&mut joined, kept, bytes);
                // Where the beginning was taken back, what comes now begins nowhere.
                (joined.get(..if kept.is_empty() { 0 } else { n }).unwrap_or_default(), &[][..])
            };
            let whole = last || stream && bytes.len() >= PREFIX;
            let left = self.ask(View { bytes, previous, ports: ctx.ports }, ctx.transport, side, first, whole);
            let over = whole || bytes.is_empty() || left == 0 && ctx.transport != Transport::TcpMidstream;
            if let Some(closed) = self.closed.get_mut(side as usize) {
                *closed = over;
            }
            if !over && self.state == State::Open {
                prefixes.put(&mut self.claim, side, bytes);
            }
        }
        // A side that is over waits for the other one, but not for ever.
        let over = self.closed == [true; 2] || self.pieces.iter().any(|&n| n >= MAX_PIECES_WAITING);
        if self.state == State::Open && over {
            self.state = State::GaveUp;
        }
    }

    fn closed(&self, side: Side) -> bool {
        self.closed.get(side as usize).copied().unwrap_or(true)
    }

    /// Shows a side's bytes to the probers; those that did not say no. `whole`: nothing will be added to the bytes. A
    /// side's first bytes are shown to all: what they prove stands, even where the other side said something else.
    fn ask(&mut self, view: View<'_>, transport: Transport, side: Side, first: bool, whole: bool) -> u128 {
        let table = registry::table(transport == Transport::Udp);
        let each = transport != Transport::Tcp;
        let possible = table.possible(view.bytes.first().copied().unwrap_or(0));
        let all = first || transport != Transport::Udp;
        let mut left = if all { possible } else { possible & self.candidates };
        let mut stay = left;
        while left != 0 {
            let index = left.trailing_zeros() as u8;
            left &= left - 1;
            let Some(prober) = table.probers.get(usize::from(index)) else { continue };
            match (prober.check)(&view).unwrap_or(if whole || each { Answer::NotForUs } else { Answer::Unsure }) {
                Answer::NotForUs => stay &= !(1 << index),
                Answer::Unsure => {}
                Answer::Certain => {
                    self.state = State::Is(prober.proto);
                    return stay;
                }
                Answer::Likely => {
                    if self.candidates >> index & 1 != 0 && self.counts(index, prober, &view, side) {
                        self.state = State::Is(prober.proto);
                        return stay;
                    }
                }
            }
        }
        // Where any piece may begin a message, one that does not rules nothing out.
        if transport != Transport::TcpMidstream {
            self.candidates &= stay;
        }
        stay
    }

    /// Notes a likely answer. It counts on the protocol's own port, and with one from the other side. Twice from one
    /// side is no more than once: programs repeat what they say.
    fn counts(&mut self, index: u8, prober: &Prober, view: &View<'_>, side: Side) -> bool {
        if view.on_port(prober.ports) {
            return true;
        }
        let mine = if side == Side::ToClient { index | TO_CLIENT } else { index };
        if self.likely.contains(&(mine ^ TO_CLIENT)) {
            return true;
        }
        if self.likely.contains(&mine) {
            return false;
        }
        // Four are enough: only a handful of greetings are shared, and one that finds no room needs a stronger sign.
        if let Some(free) = self.likely.iter_mut().find(|slot| **slot == NONE) {
            *free = mine;
        }
        false
    }
}

/// Puts two slices behind each other into `to`, as far as they fit; how far they did.
fn join(to: &mut [u8; PREFIX], first: &[u8], then: &[u8]) -> usize {
    let mut n = 0;
    for (slot, byte) in to.iter_mut().zip(first.iter().chain(then)) {
        *slot = *byte;
        n += 1;
    }
    n
}

/// Of one piece this much is looked at.
const MAX_VIEW: usize = 2048;
/// Pieces of a side that are looked at.
const MAX_PIECES: u8 = 8;
/// Pieces of one side after which the other is not waited for any longer.
const MAX_PIECES_WAITING: u8 = 16;
const TO_CLIENT: u8 = 0x80;
const NONE: u8 = 0xff;
