//! Rules run over what a flow brings.

use std::sync::Arc;

use super::compile::{Rules, kind};
use super::compiled::{Compiled, Condition, Effect, is_app};
use super::explain::{Inquiry, Subject};
use super::group::Group;
use super::judge::{self, Claim};
use super::lists::Datasets;
use super::shared::{Ends, Judged, Key, Shared};
use super::state::{FlowState, Window};
use super::verify::{self, Chain, Cx};
use super::view::{FlowView, PacketView, Scene, index};
use crate::Anomaly;
use crate::applayer::Side;
use crate::decode::Packet;
use crate::rules::Action;
use crate::rules::ast::{FlowintOperation, HostSide, RepSide, Track};
use crate::stream::Events;

/// Runs rules over packets, streams and transactions.
#[derive(Debug)]
pub struct Detector {
    pub(super) rules: Arc<Rules>,
    pub(super) work: Work,
    settings: Settings,
}

/// How a detector works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Entries of thresholds, and of bits of hosts and pairs, there is room for.
    pub shared: usize,
    /// Alerts of one packet that are told (`packet-alert-max`).
    pub alerts: usize,
    /// The sensor stands in the way of the packets: what a rule drops is dropped.
    pub inline: bool,
    /// Other engines look at other flows of the same capture: matches are claims, for a [`Judge`](super::Judge).
    pub apart: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { shared: 262_144, alerts: 15, inline: false, apart: false }
    }
}

/// That a rule matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alert {
    /// Place among [`Rules::rules`].
    pub rule: u32,
    /// The direction of what matched.
    pub side: Side,
    /// What matched.
    pub place: Place,
    /// What the sensor does for it, if it stands in the way of the packets.
    pub action: Action,
}

/// What a rule matched in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A packet.
    Packet,
    /// Bytes of a stream.
    Stream,
    /// The transaction of that id.
    Transaction(u64),
    /// The part of a message of that id: see [`Piece`](crate::applayer::carve::Piece).
    Frame(u64),
}

/// What came of looking.
#[derive(Debug, Default)]
pub struct Output {
    /// Matches that are told, in the order of the rules: see [`Detector::conclude`].
    pub alerts: Vec<Alert>,
    /// Those that a judge has to hear of instead: see [`Settings::apart`].
    pub claims: Vec<(Alert, Claim)>,
    /// Transactions that were looked at to their end: nobody here needs them any more.
    pub inspected: Vec<u64>,
    /// A rule says that the flow need not be looked at from here on.
    pub bypass: bool,
    /// The packet is let through or dropped, by this rule.
    pub verdict: Option<Verdict>,
    /// What matched since the last conclusion.
    pub(super) matches: Vec<Match>,
}

impl Output {
    /// Nothing matched, and nothing is told.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.matches.is_empty() && self.alerts.is_empty() && self.claims.is_empty()
    }
}

/// What becomes of a packet that rules passed or dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Place among [`Rules::rules`].
    pub rule: u32,
    /// Pass, drop or one of the rejects.
    pub action: Action,
    /// It holds for the rest of the flow too.
    pub flow: bool,
}

/// A match that is not told yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Match {
    rule: u32,
    side: Side,
    place: Place,
    ends: Ends,
}

/// How often what had to be bounded was full.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Alerts past the most of one call.
    pub alerts: u64,
    /// Bits, numbers and so on of a flow that were not kept.
    pub variables: u64,
    /// Rules that should have waited for a transaction to come further, and transactions that were not followed.
    pub waiting: u64,
    /// Expressions that were given up because they took too many steps: they did not match.
    pub expressions: u64,
    /// Looks into a buffer that ended because contents were tried again too often: they did not match.
    pub looks: u64,
}

/// Room to work in, and what outlives a call.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) shared: Shared,
    pub(super) counters: Counters,
    pub(super) found: Found,
    pub(super) scratch: Vec<u8>,
    pub(super) verify: verify::State,
    pub(super) transforms: verify::Work,
    pub(super) sets: Datasets,
    /// See [`Settings::apart`].
    apart: bool,
    /// The rule that is asked about; none has that number where none is.
    pub(super) asked: u32,
    /// What came of it.
    pub(super) inquiry: Option<Box<Inquiry>>,
}

/// Rules to be looked at, each once.
#[derive(Debug)]
pub(super) struct Found {
    list: Vec<u32>,
    /// By rule: the round in which it was found last.
    rounds: Box<[u32]>,
    round: u32,
}

impl Detector {
    /// Of rules.
    #[must_use]
    pub fn new(rules: Arc<Rules>, settings: Settings) -> Detector {
        let most = settings.shared;
        let found = Found::new(rules.all.len());
        let work = Work {
            shared: Shared::new(most),
            counters: Counters::default(),
            found,
            scratch: Vec::new(),
            verify: verify::State::default(),
            transforms: verify::Work::default(),
            sets: Datasets::new(&rules.lists, most),
            apart: settings.apart,
            asked: rules.asked.as_ref().map_or(u32::MAX, |asked| asked.number),
            inquiry: rules.asked.as_ref().map(|_| Box::default()),
        };
        Detector { rules, work, settings }
    }

    /// The rules.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// How often something was full.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let Work { verify, transforms, counters, .. } = &self.work;
        let verify::Counts { steps, pcre, .. } = verify.counts;
        Counters { expressions: pcre.saturating_add(transforms.given_up), looks: steps, ..*counters }
    }

    /// What is shared between flows.
    #[must_use]
    pub fn shared(&self) -> &Shared {
        &self.work.shared
    }

    /// What came of the rule that is asked about, where one is.
    pub(crate) fn inquiry(&mut self) -> Option<&mut Inquiry> {
        self.work.inquiry.as_deref_mut()
    }

    /// Looks at a packet of a flow, the flow having counted it, its bytes having gone to [`Detector::data`].
    pub fn packet(&mut self, flow: &FlowView, state: &mut FlowState, packet: PacketView<'_>, out: &mut Output) {
        if state.passed {
            return;
        }
        let Detector { rules, work, .. } = self;
        let scene = Scene { flow, side: packet.side, time: packet.packet.time, packet: Some(packet) };
        let way = index(packet.side);
        let payload = if state.encrypted { &[] } else { packet.packet.payload };
        work.found.begin();
        if let Some(done) = state.addresses_done.get_mut(way)
            && !std::mem::replace(done, true)
        {
            let (source, destination) = scene.addresses();
            rules.by_address.of(source, destination).into_iter().for_each(|rules| work.found.extend(rules));
        }
        if let Some(app) = flow.app
            && let Some(done) = state.protocol_done.get_mut(way)
            && !std::mem::replace(done, true)
        {
            work.found.extend(rules.by_protocol.get(app as usize).map_or(&[][..], |list| list));
        }
        let port = match packet.side {
            Side::ToServer => scene.ports().1,
            Side::ToClient => scene.ports().0,
        };
        if let Some(group) = rules.packets.get(kind(flow.proto)).and_then(|group| group.get(way)) {
            work.search(group, port, payload, 0);
        }
        if flow.proto == crate::decode::ip_proto::TCP
            && !packet.streamed
            && !payload.is_empty()
            && let Some(group) = rules.streams.get(way)
        {
            work.search(group, port, payload, 0);
        }
        if !packet.anomalies.is_empty() {
            work.found.extend(&rules.frames);
        }
        let list = work.found.take();
        for number in &list {
            let Some(rule) = rules.get(*number) else { continue };
            if *number == work.asked {
                work.explain(rules, &scene, state, Subject::Packet);
            }
            if !rule.headers.is_empty() && !work.headers(rule, packet.packet) {
                continue;
            }
            if let Some(chain) = &rule.payload {
                let looked = rule.in_packets || !packet.streamed;
                if !looked
                    || state.encrypted
                    || !work.holds(rules, rule, &scene, state)
                    || !work.payload(chain, payload, 0, true)
                {
                    continue;
                }
                if rule.kind == super::Kind::Transaction {
                    work.counters.variables += u64::from(!state.find(*number));
                    continue;
                }
            } else if (rule.head.protocol.is_app() && !packet.app_told) || !work.holds(rules, rule, &scene, state) {
                continue;
            }
            work.matched(rules, *number, &scene, state, Place::Packet, out);
        }
        work.found.give(list);
    }

    /// Looks at a frame for what decoding found odd about it. `packet` tells its ends as far as they are known: its
    /// headers are cut, or it holds no packet at all.
    pub fn frame(&mut self, packet: &Packet<'_>, anomalies: &[Anomaly], out: &mut Output) {
        let rules = Arc::clone(&self.rules);
        self.alone(packet, anomalies, &rules.frames, out);
    }

    /// Looks at an ARP message, of which `packet` has the hardware addresses of its frame.
    pub fn arp(&mut self, packet: &Packet<'_>, out: &mut Output) {
        let rules = Arc::clone(&self.rules);
        self.alone(packet, &[], &rules.arps, out);
    }

    /// Looks at a frame of no flow with these rules, which ask for nothing but headers.
    fn alone(&mut self, packet: &Packet<'_>, anomalies: &[Anomaly], numbers: &[u32], out: &mut Output) {
        let Detector { rules, work, .. } = self;
        let (time, flow) = (packet.time, FlowView::alone(packet));
        let view = PacketView {
            packet,
            side: Side::ToServer,
            streamed: false,
            app_told: true,
            anomalies,
            events: Events::NONE,
        };
        let scene = Scene { flow: &flow, side: view.side, time, packet: Some(view) };
        let mut state = FlowState::default();
        for number in numbers {
            let Some(rule) = rules.get(*number) else { continue };
            if *number == work.asked {
                work.explain(rules, &scene, &state, Subject::Packet);
            }
            if (rule.headers.is_empty() || work.headers(rule, packet)) && work.holds(rules, rule, &scene, &state) {
                work.matched(rules, *number, &scene, &mut state, Place::Packet, out);
            }
        }
        self.conclude(&mut state, time, out);
    }

    /// Looks at the next bytes of a side's stream. They are gathered until there are enough, or until
    /// [`Detector::flush`].
    pub fn data(
        &mut self,
        flow: &FlowView,
        state: &mut FlowState,
        side: Side,
        time: i64,
        mut bytes: &[u8],
        out: &mut Output,
    ) {
        if state.passed || state.encrypted || !self.wants_stream(flow, side) {
            return;
        }
        while !bytes.is_empty() {
            let Some(window) = state.windows.get_mut(index(side)) else { return };
            let window = window.get_or_insert_default();
            let room = (window.old + CHUNK).saturating_sub(window.bytes.len()).min(bytes.len());
            let (now, later) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
            window.bytes.extend_from_slice(now);
            bytes = later;
            if window.bytes.len() >= window.old + CHUNK {
                self.flush(flow, state, side, time, out);
            }
            if state.passed {
                return;
            }
        }
    }

    /// Bytes of a side's stream are missing: what comes next is looked at apart from what was before.
    pub fn gap(&mut self, flow: &FlowView, state: &mut FlowState, side: Side, time: i64, len: u64, out: &mut Output) {
        self.flush(flow, state, side, time, out);
        if let Some(Some(window)) = state.windows.get_mut(index(side)) {
            window.at = window.at.saturating_add(window.bytes.len() as u64).saturating_add(len);
            window.bytes.clear();
            window.old = 0;
        }
    }

    /// Looks at what has gathered of a side's stream: a message ended, or the stream.
    pub fn flush(&mut self, flow: &FlowView, state: &mut FlowState, side: Side, time: i64, out: &mut Output) {
        let Detector { rules, work, .. } = self;
        let Some(slot) = state.windows.get_mut(index(side)) else { return };
        let Some(mut window) = slot.take() else { return };
        if state.passed || window.bytes.len() <= window.old {
            state.windows.get_mut(index(side)).map(|slot| *slot = Some(window)).unwrap_or(());
            return;
        }
        let scene = Scene { flow, side, time, packet: None };
        work.found.begin();
        if let Some(group) = rules.streams.get(index(side)) {
            let port = flow.ports[1];
            work.search(group, port, &window.bytes, window.at);
        }
        let list = work.found.take();
        for number in &list {
            let Some(rule) = rules.get(*number) else { continue };
            let Some(chain) = &rule.payload else { continue };
            let skipped = window.skipped(*number);
            let data = window.bytes.get(skipped..).unwrap_or_default();
            if *number == work.asked {
                work.explain(rules, &scene, state, Subject::Stream(data, window.at + skipped as u64));
            }
            if !work.holds(rules, rule, &scene, state) || !work.payload(chain, data, window.at + skipped as u64, false)
            {
                continue;
            }
            window.tell(*number, 0);
            if rule.kind == super::Kind::Transaction {
                work.counters.variables += u64::from(!state.find(*number));
                continue;
            }
            work.matched(rules, *number, &scene, state, Place::Stream, out);
        }
        work.found.give(list);
        window.slide(rules.overlap);
        state.windows.get_mut(index(side)).map(|slot| *slot = Some(window)).unwrap_or(());
    }

    /// What is left of the flow is encrypted: what has gathered of its stream is looked at, and nothing after it.
    pub fn encrypted(&mut self, flow: &FlowView, state: &mut FlowState, time: i64, out: &mut Output) {
        for side in super::view::SIDES {
            self.flush(flow, state, side, time, out);
        }
        state.encrypted = true;
        state.windows = [None, None];
    }

    /// Tells what matched since the last time, in the order of the rules, each rule once for each transaction or frame:
    /// how often it is told, and what it does. A rule that lets pass ends it.
    pub fn conclude(&mut self, state: &mut FlowState, time: i64, out: &mut Output) {
        out.alerts.clear();
        out.verdict = None;
        out.bypass = false;
        let mut matches = std::mem::take(&mut out.matches);
        // A match in the packet and in its stream is one.
        let transaction = |place: Place| match place {
            Place::Transaction(id) | Place::Frame(id) => Some(id),
            Place::Packet | Place::Stream => None,
        };
        matches.sort_by_key(|it| (it.rule, transaction(it.place), it.place, it.side));
        matches.dedup_by_key(|it| (it.rule, transaction(it.place), it.side));
        if self.settings.apart {
            self.claim(&matches, state, time, out);
            matches.clear();
            out.matches = matches;
            return;
        }
        let Detector { rules, work, settings } = self;
        for Match { rule: number, side, place, ends } in matches.drain(..) {
            let Some(rule) = rules.get(number) else { continue };
            let (mut action, mut silent) = (rule.action, false);
            let judged = work.shared.judge(number, rule, &ends, time);
            if number == work.asked {
                work.explain_judged(rules, judged, side, place, &ends);
            }
            match judged {
                Judged::Not => continue,
                Judged::Silent => silent = true,
                Judged::As(other) => action = other,
                Judged::Told => {}
            }
            out.bypass |= rule.bypass;
            let dropped = matches!(out.verdict, Some(verdict) if verdict.action != Action::Pass);
            if action != Action::Alert && !dropped && (settings.inline || action == Action::Pass) {
                let flow = rule.acts_on_flow(place);
                out.verdict = Some(Verdict { rule: number, action, flow });
                if flow && action == Action::Pass {
                    state.passed = true;
                }
            }
            let passed = matches!(out.verdict, Some(verdict) if verdict.action == Action::Pass);
            // What only lets pass tells nothing, unless the rule asks for it.
            let tells = !silent && !rule.quiet && (action != Action::Pass || rule.action == Action::Pass);
            if tells && out.alerts.len() < settings.alerts {
                out.alerts.push(Alert { rule: number, side, place, action });
            } else if tells {
                work.counters.alerts += 1;
            }
            if passed {
                work.explain_passed(rule, &ends);
                break;
            }
        }
        out.matches = matches;
    }

    /// Leaves to a judge what matched, but for what lets pass, which ends it: such rules ask nothing of other flows, or
    /// [`Rules::obstacles`] names them.
    fn claim(&self, matches: &[Match], state: &mut FlowState, time: i64, out: &mut Output) {
        out.claims.clear();
        for Match { rule: number, side, place, ends } in matches {
            let Some(rule) = self.rules.get(*number) else { continue };
            out.bypass |= rule.bypass;
            if rule.is_claimed() {
                let alert = Alert { rule: *number, side: *side, place: *place, action: rule.action };
                let claim = Claim { rule: *number, ends: *ends, time, first: out.claims.is_empty() };
                out.claims.push((alert, claim));
            }
            if rule.action == Action::Pass {
                let flow = rule.acts_on_flow(*place);
                out.verdict = Some(Verdict { rule: *number, action: Action::Pass, flow });
                state.passed |= flow;
                break;
            }
        }
    }

    fn wants_stream(&self, flow: &FlowView, side: Side) -> bool {
        let group = self.rules.streams.get(index(side));
        group.is_some_and(|group| group.buckets(flow.ports[1]).into_iter().flatten().any(|it| !it.is_empty()))
    }
}

impl Window {
    /// A rule is told of all up to here, and of `ahead` bytes that are still to come.
    fn tell(&mut self, rule: u32, ahead: usize) {
        let until = self.at.saturating_add((self.bytes.len() + ahead) as u64);
        if let Some((_, known)) = self.told.iter_mut().find(|(known, _)| *known == rule) {
            *known = until;
        } else if self.told.len() < MOST_TOLD {
            self.told.push((rule, until));
        }
    }

    /// How much of the bytes a rule was told of.
    fn skipped(&self, rule: u32) -> usize {
        let until = self.told.iter().find(|(known, _)| *known == rule).map_or(0, |(_, until)| *until);
        usize::try_from(until.saturating_sub(self.at)).unwrap_or(usize::MAX).min(self.bytes.len())
    }

    /// Keeps what the next window begins with.
    fn slide(&mut self, overlap: usize) {
        let gone = self.bytes.len().saturating_sub(overlap);
        self.bytes.drain(..gone);
        self.at = self.at.saturating_add(gone as u64);
        self.old = self.bytes.len();
        self.told.retain(|(_, until)| *until > self.at);
    }
}

impl Found {
    pub(super) fn new(rules: usize) -> Found {
        Found { list: Vec::new(), rounds: vec![0; rules].into(), round: 0 }
    }

    pub(super) fn begin(&mut self) {
        self.list.clear();
        self.round = self.round.wrapping_add(1);
        if self.round == 0 {
            self.rounds.fill(0);
            self.round = 1;
        }
    }

    #[inline]
    pub(super) fn add(&mut self, rule: u32) {
        if let Some(round) = self.rounds.get_mut(rule as usize)
            && *round != self.round
        {
            *round = self.round;
            self.list.push(rule);
        }
    }

    pub(super) fn extend(&mut self, rules: &[u32]) {
        rules.iter().for_each(|rule| self.add(*rule));
    }

    /// What was found, in the order of the rules; to be given back.
    pub(super) fn take(&mut self) -> Vec<u32> {
        self.list.sort_unstable();
        std::mem::take(&mut self.list)
    }

    pub(super) fn give(&mut self, list: Vec<u32>) {
        self.list = list;
    }
}

impl Work {
    /// Whether a rule's test of the payload holds.
    pub(super) fn payload(&mut self, chain: &Chain, data: &[u8], start: u64, ends: bool) -> bool {
        self.verify.begin();
        chain.matches(data, &mut Cx { start, ends, ..Cx::new(&mut self.verify, &mut self.sets) })
    }

    /// Whether a rule's tests of the packet's headers hold.
    fn headers(&mut self, rule: &Compiled, packet: &Packet<'_>) -> bool {
        let Work { scratch, verify, transforms, sets, .. } = self;
        verify.begin();
        rule.headers.iter().all(|look| {
            scratch.clear();
            match super::header::buffer(packet, look.buffer.buffer, scratch) {
                Some(data) => {
                    let data = super::transaction::transformed(&look.transforms, data, verify, transforms);
                    look.chain.matches(data, &mut Cx::new(verify, sets))
                }
                None => look.chain.matches_absent(),
            }
        })
    }

    fn search(&mut self, group: &Group, port: u16, data: &[u8], at: u64) {
        for bucket in group.buckets(port).into_iter().flatten() {
            if let Some(matcher) = &bucket.matcher {
                matcher.scan(data, at, |rule| self.found.add(rule));
            }
            self.found.extend(&bucket.always);
        }
    }

    /// Whether everything of a rule holds but what it looks for in payload and buffers.
    pub(super) fn holds(&self, rules: &Rules, rule: &Compiled, scene: &Scene<'_>, state: &FlowState) -> bool {
        rule.holds(scene)
            && rules.meets(&rule.head, scene.addresses(), scene.ports())
            && rule.conditions.iter().all(|condition| self.condition(rules, condition, scene, state))
    }

    pub(super) fn condition(&self, rules: &Rules, condition: &Condition, scene: &Scene<'_>, state: &FlowState) -> bool {
        let ends = ends(scene);
        match condition {
            Condition::Bits(names, set) => names.iter().any(|name| state.has_bit(*name) == *set),
            Condition::Int(name, operation, operand) => {
                let (known, operand) = (state.int(*name), state.operand(*operand));
                let compared = |holds: fn(u32, u32) -> bool| {
                    known.zip(operand).is_some_and(|(known, operand)| holds(known, operand))
                };
                match operation {
                    FlowintOperation::IsSet => known.is_some(),
                    FlowintOperation::IsNotSet => known.is_none(),
                    FlowintOperation::Equal => compared(|a, b| a == b),
                    FlowintOperation::NotEqual => compared(|a, b| a != b),
                    FlowintOperation::Less => compared(|a, b| a < b),
                    FlowintOperation::LessOrEqual => compared(|a, b| a <= b),
                    FlowintOperation::Greater => compared(|a, b| a > b),
                    FlowintOperation::GreaterOrEqual => compared(|a, b| a >= b),
                    FlowintOperation::Assign | FlowintOperation::Add | FlowintOperation::Subtract => true,
                }
            }
            // What other flows left behind is for the judge to ask for.
            Condition::HostBits(..) if self.apart => true,
            Condition::PairBit(_, track, _) if self.apart && !judge::is_of_pair(*track) => true,
            Condition::HostBits(names, of, set) => names.iter().any(|name| {
                hosts(*of, &ends).into_iter().flatten().all(|key| self.shared.has_bit(*name, key, scene.time) == *set)
            }),
            Condition::PairBit(name, track, set) => self.shared.has_bit(*name, ends.key(*track), scene.time) == *set,
            Condition::Value(variable, part) => state.has_value(*variable, part),
            Condition::Reputation { which, category, test, set } => {
                let holds = |address: u128| match (rules.reputations.score(address, *category), test) {
                    (score, None) => score.is_some() == *set,
                    (Some(score), Some(test)) => test.holds(score.into()),
                    (None, Some(_)) => false,
                };
                let (source, destination) = scene.addresses();
                match which {
                    RepSide::Source => holds(source),
                    RepSide::Destination => holds(destination),
                    RepSide::Any => holds(source) || holds(destination),
                    RepSide::Both => holds(source) && holds(destination),
                }
            }
            Condition::App { negated, protocol, .. } => {
                let is = match (protocol, scene.flow.app) {
                    (Some(protocol), Some(app)) => is_app(*protocol, app),
                    (Some(_), None) => return false,
                    // `failed` and `unknown`.
                    (None, app) => app.is_none(),
                };
                is != *negated
            }
        }
    }

    /// What a match leaves behind; it is told by [`Detector::conclude`].
    pub(super) fn matched(
        &mut self,
        rules: &Rules,
        number: u32,
        scene: &Scene<'_>,
        state: &mut FlowState,
        place: Place,
        out: &mut Output,
    ) {
        let Some(rule) = rules.get(number) else { return };
        let ends = ends(scene);
        if number == self.asked {
            self.explain_matched();
        }
        if rule.captures {
            self.counters.variables += state.keep(rules, number, rule, &self.verify.captured);
        }
        for effect in &rule.effects {
            self.effect(effect, &ends, scene.time, state);
        }
        if out.matches.len() < MOST_MATCHES {
            out.matches.push(Match { rule: number, side: scene.side, place, ends });
        } else {
            self.counters.alerts += 1;
        }
    }

    fn effect(&mut self, effect: &Effect, ends: &Ends, time: i64, state: &mut FlowState) {
        let kept = match effect {
            Effect::HostBit(..) if self.apart => true,
            Effect::PairBit(_, track, ..) if self.apart && !judge::is_of_pair(*track) => true,
            Effect::Bit(name, command) => state.change_bit(*name, *command),
            Effect::Int(name, operation, operand) => state.change_int(*name, *operation, *operand),
            Effect::HostBit(name, of, command) => {
                for key in hosts(*of, ends).into_iter().flatten() {
                    self.shared.change_bit(*name, key, *command, HOSTBIT_SECONDS, time);
                }
                true
            }
            Effect::PairBit(name, track, command, expire) => {
                self.shared.change_bit(*name, ends.key(*track), *command, *expire, time);
                true
            }
        };
        self.counters.variables += u64::from(!kept);
    }
}

fn ends(scene: &Scene<'_>) -> Ends {
    Ends { addresses: scene.addresses(), ports: scene.ports(), flow: scene.flow.id }
}

pub(super) fn hosts(of: HostSide, ends: &Ends) -> [Option<Key>; 2] {
    let (source, destination) = (ends.key(Track::Source), ends.key(Track::Destination));
    match of {
        HostSide::Source => [Some(source), None],
        HostSide::Destination => [Some(destination), None],
        HostSide::Both => [Some(source), Some(destination)],
    }
}

/// Bytes of a stream that are looked at together: Suricata's `toserver-chunk-size`.
const CHUNK: usize = 2560;

/// Matches of one packet that are remembered until they are told.
const MOST_MATCHES: usize = 1024;

/// Rules that are remembered as told of a window.
const MOST_TOLD: usize = 64;

/// How long a host's bit holds, which nothing says.
pub(super) const HOSTBIT_SECONDS: u32 = 3600;
