//! Rules run over transactions, buffer by buffer as they become complete.

use super::app::{AppRules, side_of};
use super::compile::Rules;
use super::compiled::Compiled;
use super::detector::{Detector, Output, Place, Work};
use super::explain::Subject;
use super::reload::Renumbered;
use super::state::FlowState;
use super::verify::{self, Cx, Transforms};
use super::view::{FlowView, PacketView, SIDES, Scene, index};
use crate::applayer::Side;
use crate::applayer::parser::{FileState, Parser, Protocol, Transaction};
use crate::rules::ast::{FileText, Hash, NumberTest, Which};
use crate::rules::{Buffer, Comparison, Field};

/// How far a transaction was looked at.
#[derive(Debug, Default)]
pub(super) struct Progress {
    id: u64,
    /// By side: the progress that was looked at, and one more; 0 before.
    looked: [u8; 2],
    /// How often it had grown by then, and how often it was looked at again for that.
    grown: u16,
    again: u8,
    /// Events that were told.
    events: u128,
    /// Rules that wait for a later buffer, with the direction they are looked at for.
    waiting: Vec<(u32, Side)>,
    /// Rules that were told, and of which direction.
    told: Vec<(u32, Side)>,
}

impl Progress {
    /// Goes on under the numbers of other rules.
    pub(super) fn renumber(&mut self, to: &Renumbered) {
        // Rules that are new look at what there is of it already.
        self.looked = [0; 2];
        self.waiting.retain_mut(|(rule, _)| to.rule(*rule).map(|new| *rule = new).is_some());
        self.told.retain_mut(|(rule, _)| to.rule(*rule).map(|new| *rule = new).is_some());
    }

    /// Bytes on the heap, about.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Progress>() + self.waiting.capacity() * 8 + self.told.capacity() * 8
    }
}

/// Whether a transaction matches a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Yes,
    No,
    /// What it asks for is not there yet.
    Wait,
}

/// A transaction and how far it has come.
pub(super) struct At<'a> {
    pub(super) protocol: &'a Protocol,
    parser: &'a dyn Parser,
    pub(super) transaction: &'a dyn Transaction,
    progress: [u8; 2],
}

impl At<'_> {
    /// How far a side has come.
    pub(super) fn progress_of(&self, side: Side) -> u8 {
        self.progress.get(index(side)).copied().unwrap_or(0)
    }
}

impl Detector {
    /// Looks at the transactions of a flow whose parser was fed, after [`Detector::data`] and [`Detector::flush`] got
    /// the same bytes. `packet` is the one that brought them; `ended` says that nothing more comes.
    #[allow(clippy::too_many_arguments)]
    pub fn transactions(
        &mut self,
        flow: &FlowView,
        state: &mut FlowState,
        time: i64,
        packet: Option<PacketView<'_>>,
        protocol: &Protocol,
        parser: &dyn Parser,
        ended: bool,
        out: &mut Output,
    ) {
        let Detector { rules, work, .. } = self;
        if state.of != Some(protocol.app) {
            // The flow has gone on with another protocol, whose transactions count from 0 again.
            state.progress.clear();
            state.events = 0;
            state.of = Some(protocol.app);
        }
        let app = rules.apps.iter().find(|app| app.app == protocol.app);
        for id in parser.ids() {
            let Some(transaction) = parser.transaction(id) else { continue };
            let progress = SIDES.map(|side| {
                let complete = protocol.complete.get(index(side)).copied().unwrap_or(u8::MAX);
                if ended { complete } else { transaction.progress(side).min(complete) }
            });
            let at = At { protocol, parser, transaction, progress };
            let done = progress == protocol.complete;
            if let Some(app) = app
                && !state.passed
            {
                look(rules, app, work, flow, state, time, packet, id, &at, out);
            }
            if done {
                state.progress.retain(|known| known.id != id);
                out.inspected.push(id);
            }
        }
    }
}

/// Looks at one transaction.
#[allow(clippy::too_many_arguments)]
fn look(
    rules: &Rules,
    app: &AppRules,
    work: &mut Work,
    flow: &FlowView,
    state: &mut FlowState,
    time: i64,
    packet: Option<PacketView<'_>>,
    id: u64,
    at: &At<'_>,
    out: &mut Output,
) {
    let place = match state.progress.iter().position(|known| known.id == id) {
        Some(place) => place,
        None if state.progress.len() >= MOST_TRANSACTIONS => {
            work.counters.waiting += 1;
            return;
        }
        None => {
            state.progress.push(Progress { id, ..Progress::default() });
            state.progress.len() - 1
        }
    };
    let Some(known) = state.progress.get_mut(place) else { return };
    let mut known = std::mem::take(known);
    let events = at.transaction.events().0 | (at.parser.events().0 & !state.events);
    let came = events & !known.events;
    let mut further = known.looked.iter().zip(at.progress).any(|(looked, now)| *looked <= now);
    let grown = at.transaction.grown();
    if grown != known.grown && (further || known.again < MOST_AGAIN) {
        // All of it is looked at again, which a sender must not be able to ask for without end.
        known.again = known.again.saturating_add(1);
        (known.grown, known.looked, further) = (grown, [0; 2], true);
    }
    for side in SIDES {
        if !further && came == 0 {
            break;
        }
        // A message has nothing for rules of the other direction.
        if at.transaction.only().is_some_and(|only| only != side) {
            continue;
        }
        // A packet of the other direction has its addresses the other way round.
        let scene = Scene { flow, side, time, packet: packet.filter(|packet| packet.side == side) };
        work.found.begin();
        for (event, rule) in &app.events {
            if came & 1_u128.checked_shl((*event).into()).unwrap_or(0) != 0 {
                work.found.add(*rule);
            }
        }
        if let Some(of_side) = app.side(side) {
            if further {
                work.found.extend(&of_side.always);
            }
            for slot in &of_side.slots {
                let looked = known.looked.get(index(slot.side)).copied().unwrap_or(0);
                let now = at.progress.get(index(slot.side)).copied().unwrap_or(0);
                if looked > slot.ready || slot.ready > now {
                    continue;
                }
                let Some(matcher) = &slot.bucket.matcher else { continue };
                let Work { scratch, found, verify, transforms, .. } = &mut *work;
                each(at, slot.buffer.buffer, slot.side, scratch, |data| {
                    let data = transformed(&slot.transforms, data, verify, transforms);
                    matcher.scan(data, 0, |rule| found.add(rule));
                    false
                });
            }
        }
        known.waiting.retain(|(rule, of)| {
            if *of == side {
                work.found.add(*rule);
            }
            *of != side
        });
        let list = work.found.take();
        for number in &list {
            let Some(rule) = rules.get(*number) else { continue };
            if *number == work.asked && !known.told.contains(&(*number, side)) {
                work.explain(rules, &scene, state, Subject::Transaction(id, at, events));
            }
            if known.told.contains(&(*number, side)) || !work.holds(rules, rule, &scene, state) {
                continue;
            }
            match verdict(rules, *number, rule, side, at, &scene, state, events, work) {
                Verdict::No => {}
                Verdict::Wait if known.waiting.len() < MOST_WAITING => known.waiting.push((*number, side)),
                Verdict::Wait => work.counters.waiting += 1,
                Verdict::Yes => {
                    if known.told.len() < MOST_WAITING {
                        known.told.push((*number, side));
                    }
                    work.matched(rules, *number, &scene, state, Place::Transaction(id), out);
                }
            }
        }
        work.found.give(list);
    }
    known.looked = at.progress.map(|progress| progress.saturating_add(1));
    known.events |= events;
    state.events |= at.parser.events().0;
    if let Some(slot) = state.progress.get_mut(place) {
        *slot = known;
    }
}

#[allow(clippy::too_many_arguments)]
fn verdict(
    rules: &Rules,
    number: u32,
    rule: &Compiled,
    side: Side,
    at: &At<'_>,
    scene: &Scene<'_>,
    state: &FlowState,
    events: u128,
    work: &mut Work,
) -> Verdict {
    let asked = rule.events.iter().fold(0, |sum, (_, event)| sum | 1_u128.checked_shl((*event).into()).unwrap_or(0));
    if events & asked != asked {
        return Verdict::No;
    }
    let progress = |side: Side| at.progress_of(side);
    let complete = progress(side) >= at.protocol.complete.get(index(side)).copied().unwrap_or(0);
    let later = if complete { Verdict::No } else { Verdict::Wait };
    let mut verdict = Verdict::Yes;
    work.verify.begin();
    for look in &rule.looks {
        let of = side_of(&look.buffer).unwrap_or(side);
        if progress(of) < (at.protocol.ready)(look.buffer.buffer, of) {
            verdict = Verdict::Wait;
            continue;
        }
        let Work { scratch, verify, transforms, sets, .. } = &mut *work;
        let found = each(at, look.buffer.buffer, of, scratch, |data| {
            let data = transformed(&look.transforms, data, verify, transforms);
            let mut cx = Cx::new(verify, sets);
            cx.dce_little = at.transaction.little_endian(of);
            look.chain.matches(data, &mut cx)
        });
        if !found.unwrap_or_else(|| look.chain.matches_absent()) {
            return Verdict::No;
        }
    }
    if verdict == Verdict::Wait {
        return verdict;
    }
    let numbers = rule.numbers.iter().all(|test| holds_number(at.transaction, test, side));
    let own = rule.own.iter().all(|test| at.transaction.holds(test, side));
    let names = rule.names.iter().all(|name| holds_name(at.transaction, name, side));
    let hashes = rule.hashes.iter().all(|test| holds_hash(rules, at.transaction, test, side));
    if !(numbers && own && names && hashes) {
        return later;
    }
    if let Some(chain) = &rule.payload {
        let here = scene.packet.is_some_and(|view| work.payload(chain, view.packet.payload, 0, true));
        if !here && !state.has_found(number) {
            return later;
        }
    }
    Verdict::Yes
}

/// What a buffer's transforms make of its data.
pub(super) fn transformed<'a>(
    transforms: &Transforms,
    data: &'a [u8],
    state: &verify::State,
    room: &'a mut verify::Work,
) -> &'a [u8] {
    if transforms.is_empty() { data } else { transforms.apply(data, &state.variables, room) }
}

/// Hands over each content of a buffer until one is taken; `None` if there is none.
pub(super) fn each(
    at: &At<'_>,
    buffer: Buffer,
    side: Side,
    scratch: &mut Vec<u8>,
    mut take: impl FnMut(&[u8]) -> bool,
) -> Option<bool> {
    let most = if buffer.is_multiple() { MOST_CONTENTS } else { 1 };
    let mut any = false;
    for place in 0..most {
        scratch.clear();
        let Some(data) = at.transaction.buffer(buffer, side, place, scratch) else { break };
        any = true;
        if take(data) {
            return Some(true);
        }
    }
    if any || !matches!(buffer, Buffer::FileData | Buffer::FileName) {
        return any.then_some(false);
    }
    for file in at.transaction.files().iter().filter(|file| file.to_client == (side == Side::ToClient)) {
        any = true;
        if take(if buffer == Buffer::FileData { &file.head } else { &file.name }) {
            return Some(true);
        }
    }
    any.then_some(false)
}

pub(super) fn holds_number(transaction: &dyn Transaction, test: &NumberTest, side: Side) -> bool {
    let side = match test.side {
        Some(crate::rules::Side::ToServer) => Side::ToServer,
        Some(crate::rules::Side::ToClient) => Side::ToClient,
        Some(crate::rules::Side::Both) | None => side,
    };
    if test.field == Field::FileSize {
        return transaction.files().iter().filter(|file| file.to_client == (side == Side::ToClient)).any(|file| {
            // A file only grows: what is more already will be.
            let grown = matches!(test.comparison, Comparison::Greater(_) | Comparison::GreaterOrEqual(_));
            (file.state != FileState::Open || grown) && test.comparison.holds(file.size)
        });
    }
    let value = |place: usize| transaction.number(test.field, side, place);
    let holds = |value: i64| u64::try_from(value).is_ok_and(|value| test.comparison.holds(value));
    let values = || (0..MOST_CONTENTS).map_while(value);
    match test.which {
        Which::Any => values().any(holds),
        Which::All => values().all(holds),
        Which::AllOfSome => value(0).is_some() && values().all(holds),
        Which::AnyOrNone => value(0).is_none() || values().any(holds),
        Which::At(place) => {
            let place = match usize::try_from(place) {
                Ok(place) => Some(place),
                Err(_) => values().count().checked_sub(place.unsigned_abs() as usize),
            };
            place.and_then(value).is_some_and(holds)
        }
    }
}

/// Whether a file that was seen whole has a hash that is in a list, or none that is.
pub(super) fn holds_hash(
    rules: &Rules,
    transaction: &dyn Transaction,
    (hash, negated, list): &(Hash, bool, u32),
    side: Side,
) -> bool {
    let Some(list) = rules.hashes.get(*list as usize) else { return false };
    let files = transaction.files().iter().filter(|file| file.to_client == (side == Side::ToClient));
    files.filter_map(crate::applayer::parser::File::digests).any(|(md5, sha1, sha256)| {
        let digest: &[u8] = match hash {
            Hash::Md5 => &md5,
            Hash::Sha1 => &sha1,
            Hash::Sha256 => &sha256,
        };
        list.contains(digest) != *negated
    })
}

pub(super) fn holds_name(
    transaction: &dyn Transaction,
    (what, negated, sought): &(FileText, bool, Box<[u8]>),
    side: Side,
) -> bool {
    let files = transaction.files().iter().filter(|file| file.to_client == (side == Side::ToClient));
    let mut names = files.map(|file| file.name.as_slice()).filter(|name| !name.is_empty());
    names.any(|name| {
        let found = match what {
            FileText::Name => name.windows(sought.len()).any(|part| part.eq_ignore_ascii_case(sought)),
            FileText::Extension => {
                let dot = name.len().checked_sub(sought.len() + 1);
                dot.and_then(|dot| name.get(dot..)).is_some_and(|end| {
                    end.first() == Some(&b'.') && end.get(1..).is_some_and(|end| end.eq_ignore_ascii_case(sought))
                })
            }
            FileText::Magic => false,
        };
        found != *negated
    })
}

/// Transactions of a flow that are followed at a time.
const MOST_TRANSACTIONS: usize = 512;

/// How often a transaction that was complete is looked at again because it grew.
const MOST_AGAIN: u8 = 32;

/// Rules that wait for a transaction, and that were told of one.
const MOST_WAITING: usize = 128;

/// Contents of one buffer, and values of one number, that are looked at.
const MOST_CONTENTS: usize = 1024;
