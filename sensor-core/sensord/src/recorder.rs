//! Makes events of what the engine tells, and hands them to where they are kept.

use std::sync::Arc;
use std::time::Duration;

use sensor_core::applayer::Side;
use sensor_core::detect::Place;
use sensor_core::discover::maker::{format_mac, maker};
use sensor_core::discover::{Change, Event as Discovered, product_record};
use sensor_core::flow::{Flow, community_id, ip_of};
use sensor_core::rules::{Rule, Ruleset};
use sensor_core::summary::rule_action;
use sensor_core::{Alerted, Dropped, FlowSink, Told};
use sensor_wire::event::{AlertEvent, DiscoveryEvent, SystemSeen, kind, place};
use sensor_wire::{Addr, Timestamp};

use crate::crew::Output;
use crate::eve::Types;
use crate::store::events::{Events, Ring, Writer};

/// Keeps events on disk or in memory.
#[derive(Clone, Debug)]
pub struct Recorder {
    keep: Keep,
    rules: Arc<Ruleset>,
}

#[derive(Clone, Debug)]
enum Keep {
    Disk {
        writer: Writer,
        /// The source waits for the disk; else events are dropped and counted.
        may_wait: bool,
    },
    Memory(Arc<Ring>),
}

impl Recorder {
    /// Keeps them in a log. Whoever reads a wire must not wait for the disk. `rules` are those that alerts come of.
    pub fn disk(writer: Writer, may_wait: bool, rules: Arc<Ruleset>) -> Recorder {
        Recorder { keep: Keep::Disk { writer, may_wait }, rules }
    }

    /// Keeps the newest ones in memory.
    pub fn memory(rules: Arc<Ruleset>) -> Recorder {
        Recorder { keep: Keep::Memory(Arc::default()), rules }
    }

    /// Where they are read.
    pub fn events(&self) -> Events {
        match &self.keep {
            Keep::Disk { writer, .. } => writer.events(),
            Keep::Memory(ring) => Events::memory(Arc::clone(ring)),
        }
    }

    /// Waits until they are on the disk, or for so long.
    pub fn finish(&self, patience: Duration) {
        if let Keep::Disk { writer, .. } = &self.keep {
            writer.finish(patience);
        }
    }

    fn keep(&self, time: Timestamp, kind: u8, body: Vec<u8>) {
        match &self.keep {
            Keep::Disk { writer, may_wait } => writer.append(time, kind, body, *may_wait),
            // One that is too long is counted there.
            Keep::Memory(ring) => drop(ring.append(time, kind, body)),
        }
    }
}

impl Output for Recorder {
    fn wants(&self) -> Types {
        Types::none()
    }

    fn lines(&mut self, _: &[u8]) {}

    fn wants_events(&self) -> bool {
        true
    }

    fn alert_event(&mut self, time: Timestamp, body: &[u8]) {
        self.keep(time, kind::ALERT, body.to_vec());
    }
}

impl FlowSink for Recorder {
    fn flow(&mut self, _: &Flow) {}

    fn discovered(&mut self, event: &Discovered) {
        // Texts and numbers: nothing that could not be written.
        let body = discovery(event).body().unwrap_or_default();
        self.keep(event.time, kind::DISCOVERY, body);
    }

    fn alert(&mut self, alerted: &Alerted<'_>) {
        if let Some(body) = alert_body(alerted, &self.rules) {
            self.keep(alerted.time, kind::ALERT, body);
        }
    }

    fn rules(&mut self, rules: &Arc<Ruleset>) {
        self.rules = Arc::clone(rules);
    }
}

/// A sink beside which events are kept, where there is a recorder.
#[derive(Debug)]
pub struct Recorded<S> {
    /// The sink.
    pub sink: S,
    /// What keeps events.
    pub recorder: Option<Recorder>,
}

impl<S: Output> Output for Recorded<S> {
    fn wants(&self) -> Types {
        self.sink.wants()
    }

    fn lines(&mut self, lines: &[u8]) {
        self.sink.lines(lines);
    }

    fn wants_events(&self) -> bool {
        self.recorder.is_some()
    }

    fn alert_event(&mut self, time: Timestamp, body: &[u8]) {
        if let Some(recorder) = &mut self.recorder {
            recorder.alert_event(time, body);
        }
    }
}

impl<S: FlowSink> FlowSink for Recorded<S> {
    fn flow(&mut self, flow: &Flow) {
        self.sink.flow(flow);
    }

    fn discovered(&mut self, event: &Discovered) {
        self.sink.discovered(event);
        if let Some(recorder) = &mut self.recorder {
            recorder.discovered(event);
        }
    }

    fn transaction(&mut self, told: &Told<'_>) {
        self.sink.transaction(told);
    }

    fn alert(&mut self, alerted: &Alerted<'_>) {
        self.sink.alert(alerted);
        if let Some(recorder) = &mut self.recorder {
            recorder.alert(alerted);
        }
    }

    fn dropped(&mut self, dropped: &Dropped<'_>) {
        self.sink.dropped(dropped);
    }

    fn rules(&mut self, rules: &Arc<Ruleset>) {
        self.sink.rules(rules);
        if let Some(recorder) = &mut self.recorder {
            recorder.rules(rules);
        }
    }
}

/// What is archived of an alert; `None` where its rule is not one of these.
pub(crate) fn alert_body(alerted: &Alerted<'_>, rules: &Ruleset) -> Option<Vec<u8>> {
    let rule = rules.rules().get(alerted.rule.rule as usize)?;
    alert(alerted, rule, rules).body().ok()
}

fn alert(alerted: &Alerted<'_>, rule: &Rule, rules: &Ruleset) -> AlertEvent {
    let class = rules.class(rule).map(|class| &*class.description).or(rule.classtype.as_deref());
    let (place, transaction) = match alerted.place {
        Place::Packet => (place::PACKET, None),
        Place::Stream => (place::STREAM, None),
        Place::Transaction(id) => (place::TRANSACTION, Some(id)),
        Place::Frame(_) => (place::FRAME, None),
    };
    let event = AlertEvent {
        gid: rule.gid,
        sid: rule.sid,
        rev: rule.rev,
        message: rule.msg.to_string(),
        class: rule.classtype.as_deref().unwrap_or_default().into(),
        category: class.unwrap_or_default().into(),
        severity: u8::try_from(rules.priority(rule)).unwrap_or(u8::MAX),
        action: rule_action(alerted.action),
        frame: alerted.packet.map(|packet| packet.number),
        place: place.into(),
        transaction: alerted.transaction.map(|(_, id, _)| id).or(transaction),
        to_client: alerted.side == Side::ToClient,
        ..AlertEvent::default()
    };
    if let Some(flow) = alerted.flow {
        let ((client, client_port), (server, server_port)) = (flow.client(), flow.server());
        let ports = if flow.has_ports() { (client_port, server_port) } else { (0, 0) };
        return AlertEvent {
            flow: Some(flow.id()),
            client: Some(Addr(client)),
            server: Some(Addr(server)),
            client_port: ports.0,
            server_port: ports.1,
            proto: flow.key.proto,
            vlans: flow.key.vlans.iter().copied().filter(|vlan| *vlan != 0).collect(),
            app_proto: flow.app.map(|app| app.name()).unwrap_or_default().into(),
            community_id: String::from_utf8_lossy(&community_id(flow)).into_owned(),
            ..event
        };
    }
    let Some(packet) = alerted.packet.filter(|packet| packet.proto != 0) else { return event };
    AlertEvent {
        client: Some(Addr(ip_of(packet.source, packet.v6))),
        server: Some(Addr(ip_of(packet.destination, packet.v6))),
        client_port: packet.source_port,
        server_port: packet.destination_port,
        proto: packet.proto,
        to_client: false,
        ..event
    }
}

fn discovery(event: &Discovered) -> DiscoveryEvent {
    let told = DiscoveryEvent {
        address: Addr(event.address),
        vlan: event.vlan,
        change: event.change.name().into(),
        severity: event.change.severity(),
        ..DiscoveryEvent::default()
    };
    let card = |mac: [u8; 6], told| DiscoveryEvent {
        mac: format_mac(mac),
        maker: maker(mac).unwrap_or_default().to_owned(),
        ..told
    };
    match &event.change {
        Change::Host { mac: None } => told,
        Change::Host { mac: Some(mac) } => card(*mac, told),
        Change::MacChanged { from, to } => card(*to, DiscoveryEvent { previous_mac: format_mac(*from), ..told }),
        Change::Service { port, proto, product: known } | Change::ServiceChanged { port, proto, product: known } => {
            DiscoveryEvent { service: Some((*port, *proto)), product: Some(product_record(known)), ..told }
        }
        Change::Client { product: known } => DiscoveryEvent { product: Some(product_record(known)), ..told },
        Change::System { system, evidence } => {
            let system = SystemSeen {
                family: system.family.into(),
                version: system.version.into(),
                evidence: evidence.name().into(),
                confidence: system.confidence,
            };
            DiscoveryEvent { system: Some(system), ..told }
        }
        Change::Name { name, source } => {
            DiscoveryEvent { name: name.clone(), name_source: source.name().into(), ..told }
        }
    }
}
