//! The messages of a flow: its parser is fed from the flow's first byte on, also where the protocol was known later.

use crate::applayer::carve::{self, Carver};
use crate::applayer::parser::{Context, Next, Parsed, Parser, Protocol};
use crate::applayer::{AppProto, Side, protocols};
use crate::engine::{FlowSink, Told};
use crate::flow::Flow;

/// The parsing of one flow.
#[derive(Debug, Default)]
pub(super) struct Parsing {
    state: State,
    /// Nothing more of the side is read.
    over: [bool; 2],
    /// The id of the oldest transaction that was not told.
    told: u64,
    /// The flow goes on with another protocol.
    next: Option<Next>,
    /// Something was read since the last [`Parsing::settle`].
    due: bool,
    /// Bytes on the heap when they were last counted.
    held: usize,
    /// Cuts messages for rules that look into their parts.
    carver: Option<Box<Carver>>,
}

#[derive(Debug, Default)]
enum State {
    /// The protocol is not known: what came is kept.
    #[default]
    Unknown,
    /// The same, with bytes.
    Kept(Box<Kept>),
    Reading(&'static Protocol, Box<dyn Parser>),
    /// There is no parser, or it gave up.
    Over,
}

/// What came before the protocol was known, in the order in which it came.
#[derive(Debug, Default)]
struct Kept {
    pieces: Vec<(Side, Vec<u8>)>,
    bytes: usize,
}

impl Parsing {
    /// Takes the next bytes of a side, or its next datagram. `known` is the flow's protocol if it is known by now,
    /// `probing` whether it may still become known. True asks for more of the side.
    pub fn data(
        &mut self,
        known: Option<AppProto>,
        probing: bool,
        side: Side,
        bytes: &[u8],
        cx: &mut Context<'_>,
    ) -> bool {
        let carved = self.carve(side, bytes, cx);
        if self.over[side as usize] {
            return carved;
        }
        // What is kept counts to the bound of all, too.
        self.due |= !matches!(self.state, State::Over);
        match (&mut self.state, known) {
            (State::Over, _) => return false,
            (State::Reading(..), _) => {}
            (State::Unknown | State::Kept(_), None) => {
                if !probing || !self.keep(side, bytes) {
                    self.state = State::Over;
                }
                return probing;
            }
            (State::Unknown | State::Kept(_), Some(app)) => {
                let Some(protocol) = protocols::protocol(app) else {
                    self.state = State::Over;
                    return false;
                };
                let before =
                    std::mem::replace(&mut self.state, State::Reading(protocol, (protocol.parser)(cx.settings)));
                if cx.settings.frames.has(app) {
                    self.carver = carve::layout(app).map(|layout| Box::new(Carver::new(layout)));
                }
                if let State::Kept(kept) = before {
                    for (side, bytes) in &kept.pieces {
                        self.carve(*side, bytes, cx);
                        self.feed(*side, cx, |parser, cx| parser.data(*side, bytes, cx));
                    }
                }
                self.carve(side, bytes, cx);
            }
        }
        self.feed(side, cx, |parser, cx| parser.data(side, bytes, cx)) || self.carver.is_some()
    }

    /// Cuts the messages of a side's next bytes, where rules ask for them.
    fn carve(&mut self, side: Side, bytes: &[u8], cx: &Context<'_>) -> bool {
        let Some(carver) = &mut self.carver else { return false };
        carver.data(side, bytes, cx.transport);
        self.due = true;
        true
    }

    /// What was cut since the last [`Parsing::settle`], if anything was.
    pub fn carved(&self) -> Option<&Carver> {
        self.carver.as_deref().filter(|carver| !carver.is_empty())
    }

    /// Bytes of a side are missing. True asks for more of it.
    pub fn gap(&mut self, side: Side, len: u64, cx: &mut Context<'_>) -> bool {
        if let Some(carver) = &mut self.carver {
            carver.gap(side, len);
            self.due = true;
        }
        match self.state {
            State::Reading(..) => self.feed(side, cx, |parser, cx| parser.gap(side, len, cx)) || self.carver.is_some(),
            // What follows is not the beginning that a parser has to see.
            State::Unknown | State::Kept(_) | State::Over => {
                self.due |= !matches!(self.state, State::Over);
                self.state = State::Over;
                false
            }
        }
    }

    /// A side has ended.
    pub fn end(&mut self, side: Side, cx: &mut Context<'_>) {
        if let Some(carver) = &mut self.carver {
            carver.end(side);
        }
        if let State::Reading(_, parser) = &mut self.state {
            parser.end(side, cx);
            self.due = true;
        }
    }

    /// Tells the transactions that are complete, all once the flow has `ended`, and gives them back.
    pub fn settle(&mut self, flow: &Flow, time: i64, ended: bool, sink: &mut impl FlowSink) {
        self.due = false;
        if let Some(carver) = &mut self.carver {
            carver.clear();
        }
        let State::Reading(protocol, parser) = &mut self.state else { return };
        let ended = ended || self.next.is_some();
        let ids = parser.ids();
        let mut waits = false;
        for id in ids.start.max(self.told)..ids.end {
            let Some(transaction) = parser.transaction(id) else { continue };
            let complete = [Side::ToServer, Side::ToClient]
                .into_iter()
                .zip(protocol.complete)
                .all(|(side, complete)| transaction.progress(side) >= complete);
            if complete || ended {
                sink.transaction(&Told { flow, time, protocol, id, transaction });
                parser.release(id);
            }
            waits |= !complete;
            if !waits {
                self.told = id + 1;
            }
        }
    }

    /// What the flow carries from here on, if that has changed: then it is parsed anew. Asked after [`Parsing::settle`],
    /// which tells all of what was before.
    pub fn take_next(&mut self) -> Option<Next> {
        let next = self.next.take()?;
        *self = Parsing { held: self.held, ..Parsing::default() };
        Some(next)
    }

    /// The parser at work.
    pub fn parser(&self) -> Option<(&'static Protocol, &dyn Parser)> {
        match &self.state {
            State::Reading(protocol, parser) => Some((protocol, parser.as_ref())),
            State::Unknown | State::Kept(_) | State::Over => None,
        }
    }

    /// No parser has begun.
    pub fn is_fresh(&self) -> bool {
        matches!(self.state, State::Unknown | State::Kept(_))
    }

    /// Something was read since the last [`Parsing::settle`].
    pub fn is_due(&self) -> bool {
        self.due
    }

    /// A side may still be read.
    pub fn wants_more(&self) -> bool {
        self.carver.is_some() || !matches!(self.state, State::Over) && self.over != [true; 2]
    }

    /// Bytes on the heap, about: as they were counted last, and now.
    pub fn account(&mut self) -> (usize, usize) {
        let cut = self.carver.as_ref().map_or(0, |carver| carver.bytes());
        let now = cut
            + match &self.state {
                State::Unknown | State::Over => 0,
                State::Kept(kept) => kept.bytes,
                State::Reading(_, parser) => parser.bytes(),
            };
        (std::mem::replace(&mut self.held, now), now)
    }

    /// Bytes on the heap when they were last counted.
    pub fn held(&self) -> usize {
        self.held
    }

    /// Nothing more is parsed, and nothing is kept. Tells how many bytes that gave back.
    pub fn give_up(&mut self) -> usize {
        self.state = State::Over;
        self.carver = None;
        std::mem::take(&mut self.held)
    }

    /// Keeps bytes until the protocol is known; false if there is no room.
    fn keep(&mut self, side: Side, bytes: &[u8]) -> bool {
        if let State::Unknown = self.state {
            self.state = State::Kept(Box::default());
        }
        let State::Kept(kept) = &mut self.state else { return false };
        kept.bytes += bytes.len();
        if kept.bytes > MOST_KEPT || kept.pieces.len() >= MOST_PIECES {
            return false;
        }
        kept.pieces.push((side, bytes.to_vec()));
        true
    }

    fn feed(
        &mut self,
        side: Side,
        cx: &mut Context<'_>,
        take: impl FnOnce(&mut dyn Parser, &mut Context<'_>) -> Parsed,
    ) -> bool {
        if self.over[side as usize] {
            return false;
        }
        let State::Reading(_, parser) = &mut self.state else { return false };
        self.due = true;
        let parsed = take(parser.as_mut(), cx);
        if cx.next.is_some() {
            self.next = cx.next.take();
            return true;
        }
        match parsed {
            Parsed::More => return true,
            Parsed::Enough => self.over[side as usize] = true,
            Parsed::Failed => self.over = [true; 2],
        }
        false
    }
}

/// Bytes of a flow that are kept until its protocol is known. Probing gives up before.
const MOST_KEPT: usize = 64 << 10;

/// Pieces of these.
const MOST_PIECES: usize = 64;
