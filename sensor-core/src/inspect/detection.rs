//! Rules run over what flows bring, with what is kept of each flow.

use std::sync::Arc;

use slab::Slab;

use super::parsing::Parsing;
use crate::Anomaly;
use crate::applayer::Side;
use crate::decode::{Arp, Packet, TcpFlags, ip_proto};
use crate::detect::explain::Inquiry;
use crate::detect::{self, Alert, Detector, FlowState, FlowView, Kept, Output, PacketView, Place, Rules};
use crate::engine::{Alerted, Config, DropReason, Dropped, FlowSink, MidstreamPolicy};
use crate::flow::{Flow, SERVER};
use crate::rules::Action;
use crate::stream::{Events, State};

/// Runs rules, and keeps the state of flows.
#[derive(Debug)]
pub(super) struct Detection {
    detector: Detector,
    states: Slab<FlowState>,
    out: Output,
    limit: usize,
    refused: u64,
    midstream: bool,
    policy: MidstreamPolicy,
    inline: bool,
    at_once: bool,
}

/// A packet with what was found out about it before rules look at it.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub packet: &'a Packet<'a>,
    pub side: Side,
    pub anomalies: &'a [Anomaly],
    pub events: Events,
    /// Its bytes went to its flow's stream.
    pub streamed: bool,
}

impl Detection {
    /// Of rules.
    pub fn new(rules: Arc<Rules>, config: &Config) -> Detection {
        let settings = detect::Settings {
            alerts: config.packet_alerts,
            inline: config.inline,
            apart: config.share.is_some(),
            ..detect::Settings::default()
        };
        Detection {
            detector: Detector::new(rules, settings),
            states: Slab::new(),
            out: Output::default(),
            limit: config.limits.inspections,
            refused: 0,
            midstream: config.midstream,
            policy: config.midstream_policy,
            inline: config.inline,
            at_once: config.inline || config.stream_inline,
        }
    }

    /// Flows that were not followed because too many others were; each packet of them was looked at alone.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// How often a bound was met.
    pub fn counters(&self) -> detect::Counters {
        self.detector.counters()
    }

    /// Runs other rules from here on; what is kept of flows goes on.
    pub fn set_rules(&mut self, rules: Arc<Rules>) {
        let renumbered = self.detector.replace(rules);
        self.states.iter_mut().for_each(|(_, state)| state.renumber(&renumbered));
    }

    /// The rules.
    pub fn rules(&self) -> &Rules {
        self.detector.rules()
    }

    /// What came of the rule that is asked about, where one is.
    pub fn inquiry(&mut self) -> Option<&mut Inquiry> {
        self.detector.inquiry()
    }

    /// Meets a packet before anything else does. False: it is dropped, or its flow
    /// left alone, and nothing more is to be done with it.
    pub fn admits(&mut self, flow: &mut Flow, packet: &Packet<'_>, side: Side, sink: &mut impl FlowSink) -> bool {
        let mut reason = DropReason::Flow;
        if flow.detection.place().is_none() && self.states.len() < self.limit {
            flow.detection.set_place(Some(self.states.insert(FlowState::default())));
            if flow.midstream && flow.key.proto == ip_proto::TCP && flow.packets() <= 1 {
                reason = DropReason::Midstream;
                match self.policy {
                    MidstreamPolicy::Ignore => {}
                    MidstreamPolicy::Pass | MidstreamPolicy::Bypass => {
                        flow.detection.pass();
                        if let Some(state) = flow.detection.place().and_then(|place| self.states.get_mut(place)) {
                            state.pass();
                        }
                        if self.policy == MidstreamPolicy::Bypass {
                            flow.inspection = super::Inspection::Over;
                        }
                    }
                    MidstreamPolicy::Drop if self.inline => flow.detection.drop(),
                    MidstreamPolicy::Drop => {}
                }
            }
        }
        if flow.detection.is_bypassed() {
            return false;
        }
        if !flow.detection.is_dropped() {
            return true;
        }
        sink.dropped(&Dropped { flow, packet, side, reason, rule: None });
        false
    }

    /// Looks at a packet of a flow and at the messages it completed, and tells what was found since the last time.
    pub fn packet(&mut self, flow: &mut Flow, seen: Seen<'_>, parsing: Option<&Parsing>, sink: &mut impl FlowSink) {
        let Seen { packet, side, anomalies, events, streamed } = seen;
        let (mut view, heard) = (self.view(flow), self.heard(flow));
        let mut alone = FlowState::default();
        let place = flow.detection.place();
        let state = place.and_then(|place| self.states.get_mut(place)).unwrap_or_else(|| {
            self.refused += 1;
            &mut alone
        });
        // The packet that ends a handshake is none of an established connection yet.
        let first = !std::mem::replace(&mut state.established, view.established);
        view.established &= !first || flow.key.proto != ip_proto::TCP || packet.payload_len > 0;
        // Where bytes are looked at once they are acknowledged, their packet is none of a known protocol yet.
        // What a SYN brings is looked at once it is agreed upon.
        let early = flow.key.proto == ip_proto::TCP
            && !flow.midstream
            && flow.tcp_state < State::Established
            && flow.sides[SERVER].payload.bytes() == 0;
        let known = std::mem::replace(&mut state.known, view.app.is_some() && !early);
        let app_told = known || self.at_once || flow.key.proto != ip_proto::TCP;
        let streamed = streamed && heard;
        let seen = PacketView { packet, side, streamed, anomalies, events, app_told };
        self.detector.packet(&view, state, seen, &mut self.out);
        let parsing_of = parsing.filter(|_| heard && (!early || self.at_once));
        if let Some((protocol, parser)) = parsing_of.and_then(Parsing::parser) {
            self.detector.transactions(&view, state, packet.time, Some(seen), protocol, parser, false, &mut self.out);
            if !state.is_encrypted() && parser.is_encrypted() {
                self.detector.encrypted(&view, state, packet.time, &mut self.out);
            }
        }
        if let Some(carved) = parsing_of.and_then(Parsing::carved) {
            self.detector.carved(&view, state, packet.time, Some(seen), carved, &mut self.out);
        }
        if self.out.is_empty() {
            return;
        }
        self.detector.conclude(state, packet.time, &mut self.out);
        if let Some(verdict) = self.out.verdict {
            match (verdict.flow, verdict.action) {
                (true, Action::Pass) => {
                    flow.detection.pass();
                    sink.changed(flow);
                }
                (true, _) => flow.detection.drop(),
                (false, _) => {}
            }
            if verdict.action != Action::Pass {
                let rule = self.detector.rules().rules().get(verdict.rule as usize);
                sink.dropped(&Dropped { flow, packet, side, reason: DropReason::Rules, rule });
            }
        }
        self.tell(flow, packet.time, Some(packet), parsing, sink);
        if self.out.bypass {
            flow.detection.bypass();
            sink.changed(flow);
            if let Some(state) = flow.detection.place().and_then(|place| self.states.get_mut(place)) {
                state.pass();
            }
        }
    }

    /// What rules ask of a flow. One whose handshake was not seen is established, and carries something, for nobody
    /// who asks for handshakes.
    fn view(&self, flow: &Flow) -> FlowView {
        let view = FlowView::of(flow);
        if self.heard(flow) { view } else { FlowView { established: false, app: None, ..view } }
    }

    /// Whether a flow's stream is looked into.
    pub fn reads(&self, flow: &Flow) -> bool {
        let asks_streams = self.rules().asks_streams();
        self.heard(flow)
            && self.state(flow).is_some_and(|state| !state.is_passed() && (asks_streams || !state.is_encrypted()))
    }

    /// Whether both sides of a connection's handshake were seen, as far as it has come, or need not have been.
    fn heard(&self, flow: &Flow) -> bool {
        let answered = || flow.packets() <= 1 || flow.sides[SERVER].payload.flags().has(TcpFlags::SYN);
        self.midstream || flow.key.proto != ip_proto::TCP || (!flow.midstream && answered())
    }

    fn state(&self, flow: &Flow) -> Option<&FlowState> {
        self.states.get(flow.detection.place()?)
    }

    /// The next bytes of a side's stream. What gathered of the other side is a message that has ended.
    pub fn data(&mut self, flow: &Flow, time: i64, side: Side, bytes: &[u8]) {
        let view = self.view(flow);
        let Some(state) = flow.detection.place().and_then(|place| self.states.get_mut(place)) else { return };
        let other = if side == Side::ToServer { Side::ToClient } else { Side::ToServer };
        self.detector.flush(&view, state, other, time, &mut self.out);
        self.detector.data(&view, state, side, time, bytes, &mut self.out);
        if self.at_once {
            // Who stands in the way can't wait for more.
            self.detector.flush(&view, state, side, time, &mut self.out);
        }
    }

    /// Bytes of a side's stream are missing.
    pub fn gap(&mut self, flow: &Flow, time: i64, side: Side, len: u64) {
        let view = self.view(flow);
        let Some(state) = flow.detection.place().and_then(|place| self.states.get_mut(place)) else { return };
        self.detector.gap(&view, state, side, time, len, &mut self.out);
    }

    /// A flow is read no more: what gathered and what was said last is looked at.
    pub fn settle(&mut self, flow: &mut Flow, time: i64, parsing: Option<&Parsing>, sink: &mut impl FlowSink) {
        let (view, heard) = (self.view(flow), self.heard(flow));
        let Some(state) = flow.detection.place().and_then(|place| self.states.get_mut(place)) else { return };
        for side in [Side::ToServer, Side::ToClient] {
            self.detector.flush(&view, state, side, time, &mut self.out);
        }
        let parsing_of = parsing.filter(|_| heard);
        if let Some((protocol, parser)) = parsing_of.and_then(Parsing::parser) {
            self.detector.transactions(&view, state, time, None, protocol, parser, true, &mut self.out);
        }
        if let Some(carved) = parsing_of.and_then(Parsing::carved) {
            self.detector.carved(&view, state, time, None, carved, &mut self.out);
        }
        self.detector.conclude(state, time, &mut self.out);
        self.tell(flow, time, None, parsing, sink);
    }

    /// Forgets a flow.
    pub fn ended(&mut self, flow: &mut Flow) {
        if let Some(place) = flow.detection.place() {
            self.states.try_remove(place);
        }
        flow.detection.set_place(None);
    }

    /// Looks at a frame in which no packet was found, or none whose headers are whole.
    #[cold]
    pub fn frame(&mut self, packet: &Packet<'_>, anomalies: &[Anomaly], sink: &mut impl FlowSink) {
        self.detector.frame(packet, anomalies, &mut self.out);
        self.tell_of(packet, sink);
    }

    /// Looks at an ARP message.
    pub fn arp(&mut self, arp: &Arp, sink: &mut impl FlowSink) {
        if self.detector.rules().asks_arp() {
            let packet = Packet { time: arp.time, number: arp.number, macs: arp.macs, ..Packet::default() };
            self.detector.arp(&packet, &mut self.out);
            self.tell_of(&packet, sink);
        }
    }

    /// Looks at an ICMP error.
    pub fn error(&mut self, packet: &Packet<'_>, anomalies: &[Anomaly], sink: &mut impl FlowSink) {
        let mut state = FlowState::default();
        let seen = PacketView {
            packet,
            side: Side::ToServer,
            streamed: false,
            app_told: true,
            anomalies,
            events: Events::NONE,
        };
        self.detector.packet(&FlowView::alone(packet), &mut state, seen, &mut self.out);
        if !self.out.is_empty() {
            self.detector.conclude(&mut state, packet.time, &mut self.out);
            self.tell_of(packet, sink);
        }
    }

    /// Hands on alerts about a packet of no flow.
    fn tell_of(&mut self, packet: &Packet<'_>, sink: &mut impl FlowSink) {
        let (rules, inline) = (self.detector.rules().rules(), self.inline);
        let alerted = |alert: &Alert| {
            Some(Alerted {
                flow: None,
                packet: Some(packet),
                time: packet.time,
                side: alert.side,
                rule: rules.get(alert.rule as usize)?,
                action: if inline { alert.action } else { Action::Alert },
                place: alert.place,
                transaction: None,
                kept: Kept::new(self.detector.rules(), None, alert.rule),
            })
        };
        hand_on(&mut self.out, alerted, sink);
    }

    /// Hands on alerts, with their transactions where these are still there.
    fn tell(
        &mut self,
        flow: &mut Flow,
        time: i64,
        packet: Option<&Packet<'_>>,
        parsing: Option<&Parsing>,
        sink: &mut impl FlowSink,
    ) {
        self.out.inspected.clear();
        let place = flow.detection.place();
        let state = place.and_then(|place| self.states.get(place));
        if !self.out.alerts.is_empty() {
            flow.detection.tell();
        }
        let (rules, inline, flow) = (self.detector.rules().rules(), self.inline, &*flow);
        let alerted = |alert: &Alert| {
            let transaction = match alert.place {
                Place::Transaction(id) => parsing
                    .and_then(Parsing::parser)
                    .and_then(|(protocol, parser)| Some((protocol, id, parser.transaction(id)?))),
                Place::Packet | Place::Stream | Place::Frame(_) => None,
            };
            Some(Alerted {
                flow: Some(flow),
                time,
                packet,
                side: alert.side,
                rule: rules.get(alert.rule as usize)?,
                action: if inline { alert.action } else { Action::Alert },
                place: alert.place,
                transaction,
                kept: Kept::new(self.detector.rules(), state, alert.rule),
            })
        };
        hand_on(&mut self.out, alerted, sink);
        if let Some(state) = place.and_then(|place| self.states.get_mut(place)) {
            state.forget(self.detector.rules());
        }
    }
}

/// Hands on what was found, as `alerted` puts it.
fn hand_on<'a>(out: &mut Output, alerted: impl Fn(&Alert) -> Option<Alerted<'a>>, sink: &mut impl FlowSink) {
    for alerted in out.alerts.drain(..).filter_map(|alert| alerted(&alert)) {
        sink.alert(&alerted);
    }
    for (alert, claim) in out.claims.drain(..) {
        if let Some(alerted) = alerted(&alert) {
            sink.claim(&claim, &alerted);
        }
    }
}
