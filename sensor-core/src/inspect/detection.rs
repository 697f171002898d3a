//! Rules run over what flows bring, with what is kept of each flow.

use std::sync::Arc;

use slab::Slab;

use super::parsing::Parsing;
use crate::applayer::Side;
use crate::decode::{Packet, ip_proto};
use crate::detect::{Detector, FlowState, FlowView, Output, PacketView, Place, Rules};
use crate::engine::{Alerted, FlowSink};
use crate::flow::Flow;
use crate::stream::Events;

/// Runs rules, and keeps the state of flows.
#[derive(Debug)]
pub(super) struct Detection {
    detector: Detector,
    states: Slab<FlowState>,
    out: Output,
    limit: usize,
    refused: u64,
    midstream: bool,
}

impl Detection {
    /// Of rules; `limit` bounds the flows that are followed, `midstream` whether streams without a handshake are.
    pub fn new(rules: Arc<Rules>, limit: usize, midstream: bool) -> Detection {
        Detection {
            detector: Detector::new(rules, SHARED),
            states: Slab::new(),
            out: Output::default(),
            limit,
            refused: 0,
            midstream,
        }
    }

    /// Flows that were not followed because too many others were; each packet of them was looked at alone.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Looks at a packet of a flow before its bytes go to the stream.
    pub fn packet(&mut self, flow: &mut Flow, packet: &Packet<'_>, from_client: bool, sink: &mut impl FlowSink) {
        let view = self.view(flow);
        if flow.detection == 0 && self.states.len() < self.limit {
            flow.detection = self.states.insert(FlowState::default()) as u32 + 1;
        }
        let mut alone = FlowState::default();
        let state = self.states.get_mut((flow.detection as usize).wrapping_sub(1)).unwrap_or_else(|| {
            self.refused += 1;
            &mut alone
        });
        let seen = PacketView {
            packet,
            side: if from_client { Side::ToServer } else { Side::ToClient },
            streamed: flow.key.proto == ip_proto::TCP && self.midstream >= flow.midstream,
            anomalies: &[],
            events: Events::NONE,
        };
        self.detector.packet(&view, state, seen, &mut self.out);
        self.tell(flow, packet.time, None, sink);
    }

    /// What rules ask of a flow. One whose handshake was not seen is established for nobody who asks for handshakes.
    fn view(&self, flow: &Flow) -> FlowView {
        let view = FlowView::of(flow);
        FlowView { established: view.established && self.midstream >= flow.midstream, ..view }
    }

    /// Whether a flow's stream is looked into.
    pub fn reads(&self, flow: &Flow) -> bool {
        self.midstream >= flow.midstream
            && self.states.get((flow.detection as usize).wrapping_sub(1)).is_some_and(|state| !state.is_passed())
    }

    /// The next bytes of a side's stream. What gathered of the other side is a message that has ended.
    pub fn data(&mut self, flow: &Flow, time: i64, side: Side, bytes: &[u8]) {
        let view = self.view(flow);
        let Some(state) = self.states.get_mut((flow.detection as usize).wrapping_sub(1)) else { return };
        let other = if side == Side::ToServer { Side::ToClient } else { Side::ToServer };
        self.detector.flush(&view, state, other, time, &mut self.out);
        self.detector.data(&view, state, side, time, bytes, &mut self.out);
    }

    /// Bytes of a side's stream are missing.
    pub fn gap(&mut self, flow: &Flow, time: i64, side: Side, len: u64) {
        let view = self.view(flow);
        let Some(state) = self.states.get_mut((flow.detection as usize).wrapping_sub(1)) else { return };
        self.detector.gap(&view, state, side, time, len, &mut self.out);
    }

    /// Looks at what the parser made of it, if it read something since, and tells what was found since the last time. `ended`: nothing more comes.
    pub fn settle(
        &mut self,
        flow: &Flow,
        time: i64,
        packet: Option<(&Packet<'_>, Side)>,
        parsing: Option<&Parsing>,
        ended: bool,
        sink: &mut impl FlowSink,
    ) {
        let parsed = parsing.and_then(Parsing::parser);
        if !ended && parsed.is_none() && self.out.alerts.is_empty() {
            return;
        }
        let view = self.view(flow);
        let Some(state) = self.states.get_mut((flow.detection as usize).wrapping_sub(1)) else { return };
        if ended {
            for side in [Side::ToServer, Side::ToClient] {
                self.detector.flush(&view, state, side, time, &mut self.out);
            }
        }
        if let Some((protocol, parser)) = parsed {
            let packet = packet.map(|(packet, side)| PacketView {
                packet,
                side,
                streamed: flow.key.proto == ip_proto::TCP,
                anomalies: &[],
                events: Events::NONE,
            });
            self.detector.transactions(&view, state, time, packet, protocol, parser, ended, &mut self.out);
        }
        self.tell(flow, time, parsing, sink);
    }

    /// Forgets a flow.
    pub fn ended(&mut self, flow: &mut Flow) {
        self.states.try_remove((flow.detection as usize).wrapping_sub(1));
        flow.detection = 0;
    }

    /// Hands on alerts, with their transactions where these are still there.
    fn tell(&mut self, flow: &Flow, time: i64, parsing: Option<&Parsing>, sink: &mut impl FlowSink) {
        self.out.inspected.clear();
        for alert in self.out.alerts.drain(..) {
            let Some(rule) = self.detector.rules().rules().get(alert.rule as usize) else { continue };
            let transaction = match alert.place {
                Place::Transaction(id) => parsing
                    .and_then(Parsing::parser)
                    .and_then(|(protocol, parser)| Some((protocol, id, parser.transaction(id)?))),
                Place::Packet | Place::Stream => None,
            };
            sink.alert(&Alerted { flow, time, side: alert.side, rule, place: alert.place, transaction });
        }
    }
}

/// Entries of thresholds, and of bits of hosts and pairs, that are kept.
const SHARED: usize = 262_144;
