//! From rules as written to rules as run.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::app::AppRules;
use super::carved::{self, CarvedRules, Sought};
use super::compiled::{Compiled, Condition, Head, Kind, Look, Operand, Suppression, is_app};
use super::concerned::{self, Concerned};
use super::explain::{Asked, Places};
use super::fast::{self, Fast};
use super::group::{Group, Member};
use super::judge;
use super::kept;
use super::lists::{self, List};
use super::option::Parts;
use super::order::rank;
use super::reload::Names;
use super::sets::{Addresses, Ports, Resolver};
use super::test::Test;
use super::verify::{self, Chain, Registry, Transforms};
use super::view::index;
use crate::applayer::carve::Wanted;
use crate::applayer::parser::Protocol as Parsed;
use crate::applayer::{AppProto, Side};
use crate::rules::ast::{Body, Capture, FlowintOperand, Hash, Inspect, Scope, StreamScope, Threshold};
use crate::rules::config::{RateAction, ThresholdLine};
use crate::rules::reputation::Reputations;
use crate::rules::{self, Action, Address, Buffer, Direction, PortRange, Protocol, Refusal, Rule, Ruleset};

/// Rules that can be run; never changes, so that any number of detectors may share it.
#[derive(Debug)]
pub struct Rules {
    pub(super) all: Box<[Compiled]>,
    pub(super) addresses: Box<[Addresses]>,
    pub(super) ports: Box<[Ports]>,
    /// By [`kind`] of packet and direction.
    pub(super) packets: [[Group; 2]; KINDS],
    pub(super) streams: [Group; 2],
    pub(super) by_address: Concerned,
    /// By the number of an [`AppProto`].
    pub(super) by_protocol: Box<[Box<[u32]>]>,
    pub(super) frames: Box<[u32]>,
    /// Rules that ARP messages can match.
    pub(super) arps: Box<[u32]>,
    pub(super) apps: Box<[AppRules]>,
    pub(super) carved: Box<[CarvedRules]>,
    /// Bytes of a window that are looked at again with the next one.
    pub(super) overlap: usize,
    /// Some rule asks what is odd about a connection.
    pub(super) asks_streams: bool,
    pub(super) names: Names,
    /// Some rule asks if a checksum is right.
    pub(super) asks_checksums: bool,
    /// What the files of data sets gave, by their numbers.
    pub(super) lists: Box<[List]>,
    /// Lists of files' hashes.
    pub(super) hashes: Box<[HashSet<Box<[u8]>, RandomState>]>,
    /// What is known of addresses.
    pub(super) reputations: Reputations,
    /// What rules keep of what groups took.
    pub(super) captures: Box<[Capture]>,
    /// The rule that is asked about, where one is.
    pub(super) asked: Option<Box<Asked>>,
}

/// None.
impl Default for Rules {
    fn default() -> Rules {
        Rules::compile(&Ruleset::default(), &[]).0
    }
}

impl Rules {
    /// Compiles the enabled rules of a set. What cannot be run is refused with its place and a reason. `parsers` are
    /// the protocols whose transactions will be looked at.
    #[must_use]
    pub fn compile(set: &Ruleset, parsers: &[&'static Parsed]) -> (Rules, Vec<Refusal>) {
        Compiler::new(set, parsers).run(true, |_, rule| rule.enabled)
    }

    /// The same without a search for patterns: each rule is looked at wherever it could match. That is slow; what comes
    /// of it is what the search has to find.
    #[must_use]
    pub fn compile_unsearched(set: &Ruleset, parsers: &[&'static Parsed]) -> (Rules, Vec<Refusal>) {
        Compiler::new(set, parsers).run(false, |_, rule| rule.enabled)
    }

    /// The rule at a place of the set, switched on or not, and those at `beside`: without a search, so that the one is
    /// looked at wherever it could match, and what came of it is kept. Without it if it cannot be run.
    pub(super) fn compile_asked(
        set: &Ruleset,
        parsers: &[&'static Parsed],
        asked: u32,
        beside: &Places,
    ) -> (Rules, Vec<Refusal>) {
        let mut compiler = Compiler::new(set, parsers);
        let rule = set.rules().get(asked as usize);
        let known = rule.map(|rule| Asked::new(rule, &mut compiler));
        let (mut rules, refusals) = compiler.run(false, |place, _| place == asked || beside.contains(&place));
        let number = (0..).zip(&rules.all).find(|(_, rule)| rule.rule == asked).map(|(number, _)| number);
        rules.asked = number.zip(known).map(|(number, known)| Box::new(known.at(number)));
        (rules, refusals)
    }

    /// The rules in the order in which they are looked at: an [`Alert`](super::Alert)'s rule is a place in here.
    #[must_use]
    pub fn rules(&self) -> &[Compiled] {
        &self.all
    }

    /// Bytes of automata, about.
    #[must_use]
    pub fn automata_bytes(&self) -> usize {
        self.packets.iter().flatten().chain(&self.streams).map(Group::bytes).sum::<usize>()
            + self.apps.iter().map(AppRules::bytes).sum::<usize>()
            + self.by_address.bytes()
    }

    /// Whether some rule asks what is odd about a connection: then connections are followed from their first packet on.
    #[must_use]
    pub fn asks_streams(&self) -> bool {
        self.asks_streams
    }

    /// Whether some rule asks for files' hashes.
    #[must_use]
    pub fn asks_hashes(&self) -> bool {
        !self.hashes.is_empty()
    }

    /// Rules for which one engine has to look at all flows of a capture, and why: others can share it.
    pub fn obstacles(&self) -> impl Iterator<Item = (&Compiled, &'static str)> {
        self.all.iter().filter_map(|rule| Some((rule, rule.obstacle?)))
    }

    /// Protocols of which some rule asks for parts of messages.
    #[must_use]
    pub fn asks_carved(&self) -> Wanted {
        let mut wanted = Wanted::default();
        self.carved.iter().for_each(|rules| wanted.add(rules.app));
        wanted
    }

    /// Whether some rule is for ARP.
    #[must_use]
    pub fn asks_arp(&self) -> bool {
        !self.arps.is_empty()
    }

    /// Whether some rule asks what decoding found odd.
    #[must_use]
    pub fn asks_frames(&self) -> bool {
        !self.frames.is_empty() || self.asks_checksums
    }

    pub(super) fn get(&self, rule: u32) -> Option<&Compiled> {
        self.all.get(rule as usize)
    }

    /// Whether addresses and ports are a rule's.
    pub(super) fn meets(&self, head: &Head, addresses: (u128, u128), ports: (u16, u16)) -> bool {
        let way = |(source, destination): (u128, u128), (from, to): (u16, u16)| {
            holds(&self.ports, head.destination_ports, to)
                && holds(&self.ports, head.source_ports, from)
                && holds(&self.addresses, head.destinations, destination)
                && holds(&self.addresses, head.sources, source)
        };
        way(addresses, ports) || (head.both && way((addresses.1, addresses.0), (ports.1, ports.0)))
    }

    /// Which of source addresses, source ports, destination addresses and destination ports are a rule's, one way.
    pub(super) fn fits(&self, head: &Head, addresses: (u128, u128), ports: (u16, u16)) -> [bool; 4] {
        [
            holds(&self.addresses, head.sources, addresses.0),
            holds(&self.ports, head.source_ports, ports.0),
            holds(&self.addresses, head.destinations, addresses.1),
            holds(&self.ports, head.destination_ports, ports.1),
        ]
    }
}

fn holds<T: super::sets::Bound>(sets: &[super::sets::Ranges<T>], set: u32, value: T) -> bool {
    sets.get(set as usize).is_some_and(|set| set.contains(value))
}

/// How many kinds of packets are told apart.
pub(super) const KINDS: usize = 4;

/// The kind of an IP protocol's packets.
pub(super) fn kind(proto: u8) -> usize {
    use crate::decode::ip_proto;
    match proto {
        ip_proto::TCP => 0,
        ip_proto::UDP => 1,
        ip_proto::ICMP | ip_proto::ICMPV6 => 2,
        _ => 3,
    }
}

fn kinds(protocol: Protocol) -> &'static [usize] {
    match protocol {
        Protocol::Ip | Protocol::Ipv4 | Protocol::Ipv6 | Protocol::Ether => &[0, 1, 2, 3],
        Protocol::Tcp | Protocol::TcpPacket | Protocol::TcpStream => &[0],
        Protocol::Udp => &[1],
        Protocol::Icmp | Protocol::Icmpv4 | Protocol::Icmpv6 => &[2],
        Protocol::Sctp | Protocol::Igmp => &[3],
        Protocol::Arp | Protocol::PacketHeader => &[],
        Protocol::Http | Protocol::App(_) => &[0, 1],
    }
}

pub(super) struct Compiler<'a> {
    pub(super) set: &'a Ruleset,
    pub(super) parsers: &'a [&'static Parsed],
    addresses: Resolver<'a, Address>,
    ports: Resolver<'a, PortRange>,
    names: HashMap<&'a str, u32, RandomState>,
    datasets: HashMap<Box<str>, u32, RandomState>,
    lists: Vec<List>,
    hashes: Vec<HashSet<Box<[u8]>, RandomState>>,
    captures: Vec<Capture>,
    /// The rule at hand keeps what groups took.
    has_captures: bool,
    /// By gid and sid, 0 for all.
    beside: HashMap<(u32, u32), Beside, RandomState>,
    /// States of expressions that there is room for.
    states: usize,
    refusals: Vec<Refusal>,
}

/// What files beside the rules say of a rule, of a group of rules, or of all. All rules share it: there may be many of
/// both.
#[derive(Default)]
struct Beside {
    limit: Option<Threshold>,
    rate: Option<(Threshold, Action, u32)>,
    suppress: Arc<[Suppression]>,
    failed: Option<String>,
}

fn beside<'a>(
    lines: &'a [ThresholdLine],
    addresses: &mut Resolver<'a, Address>,
) -> HashMap<(u32, u32), Beside, RandomState> {
    let mut all: HashMap<(u32, u32), (Beside, Vec<Suppression>), RandomState> = HashMap::default();
    for line in lines {
        let (beside, suppress) = all.entry(line.of()).or_default();
        match line {
            ThresholdLine::Limit { threshold, .. } => {
                beside.limit.get_or_insert(*threshold);
            }
            ThresholdLine::Rate { threshold, action, timeout, .. } => {
                let action = match action {
                    RateAction::Alert => Action::Alert,
                    RateAction::Drop => Action::Drop,
                    RateAction::Pass => Action::Pass,
                    RateAction::Reject => Action::Reject,
                };
                beside.rate.get_or_insert((*threshold, action, *timeout));
            }
            ThresholdLine::Suppress { of: None, .. } => suppress.push((None, Addresses::all())),
            ThresholdLine::Suppress { of: Some((by, list)), .. } => match addresses.set(list) {
                Ok(number) => {
                    let set = addresses.get(number).cloned().unwrap_or_else(Addresses::all);
                    suppress.push((Some(*by), set));
                }
                Err(reason) => drop(beside.failed.get_or_insert(reason)),
            },
        }
    }
    all.into_iter().map(|(of, (beside, suppress))| (of, Beside { suppress: suppress.into(), ..beside })).collect()
}

/// Why a rule cannot be run: the option at fault, unless it is the rule as a whole.
type Fault = (Option<usize>, String);

impl<'a> Compiler<'a> {
    fn new(set: &'a Ruleset, parsers: &'a [&'static Parsed]) -> Self {
        let (addresses, ports) = (Resolver::new(set.variables()), Resolver::new(set.variables()));
        let (names, datasets, captures) = (HashMap::default(), HashMap::default(), Vec::new());
        let (lists, hashes) = (Vec::new(), Vec::new());
        let (beside, refusals) = (HashMap::default(), Vec::new());
        Compiler {
            set,
            parsers,
            addresses,
            ports,
            names,
            datasets,
            lists,
            hashes,
            captures,
            has_captures: false,
            beside,
            states: MOST_STATES,
            refusals,
        }
    }

    fn run(mut self, searched: bool, wanted: impl Fn(u32, &Rule) -> bool) -> (Rules, Vec<Refusal>) {
        self.beside = beside(self.set.thresholds(), &mut self.addresses);
        let wanted = (0..).zip(self.set.rules()).filter(|(place, rule)| wanted(*place, rule));
        let mut order: Vec<(u32, &Rule)> = wanted.collect();
        order.sort_by_cached_key(|(at, rule)| (rank(rule, self.set.priority(rule)), *at));
        let mut all = Vec::with_capacity(order.len());
        let mut patterns = Vec::with_capacity(order.len());
        for (at, rule) in order {
            match self.rule(at, rule) {
                Ok((compiled, fast)) => {
                    all.push(compiled);
                    patterns.push(fast);
                }
                Err(fault) => self.refuse(rule, fault),
            }
        }
        let (rules, failed) = self.build(all, &patterns, searched);
        let mut refusals = failed;
        refusals.sort_by_key(|refusal| (refusal.file, refusal.line, refusal.column));
        (rules, refusals)
    }

    fn refuse(&mut self, rule: &Rule, (option, reason): Fault) {
        let option = option.and_then(|at| rule.options.get(at));
        let (line, column) = option.map_or((rule.line, rule.column), |it| (it.line, it.column));
        let keyword = option.map_or_else(String::new, |it| rule.keyword(&it.body));
        self.refusals.push(Refusal {
            file: rule.file,
            line,
            column,
            sid: Some(rule.sid),
            keyword: keyword.into(),
            reason: reason.into(),
            enabled: true,
        });
    }

    /// A list of files' hashes.
    pub(super) fn hashes(&mut self, hash: Hash, name: &str) -> Result<u32, String> {
        let file = self.set.provided(name).ok_or_else(|| format!("{name} cannot be read"))?;
        let len = match hash {
            Hash::Md5 => 16,
            Hash::Sha1 => 20,
            Hash::Sha256 => 32,
        };
        self.hashes.push(lists::hashes(file, len).map_err(|reason| format!("{name}: {reason}"))?);
        u32::try_from(self.hashes.len() - 1).map_err(|_| "too many lists".into())
    }

    /// The number of a variable that groups are kept in.
    pub(super) fn capture(&mut self, scope: Scope, name: &str) -> Result<u32, String> {
        kept::number(&mut self.captures, scope, name)
    }

    pub(super) fn name(&mut self, name: &'a str) -> u32 {
        let next = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        *self.names.entry(name).or_insert(next)
    }

    pub(super) fn operand(&mut self, operand: &'a FlowintOperand) -> Operand {
        match operand {
            FlowintOperand::None => Operand::None,
            FlowintOperand::Number(number) => Operand::Number(*number),
            FlowintOperand::Name(name) => Operand::Name(self.name(name)),
        }
    }

    fn rule(&mut self, at: u32, rule: &'a Rule) -> Result<(Compiled, Patterns), Fault> {
        let header = &rule.header;
        let whole = |reason: String| (None, reason);
        let head = Head {
            protocol: header.protocol,
            sources: self.addresses.set(&header.source).map_err(whole)?,
            source_ports: self.ports.set(&header.source_ports).map_err(whole)?,
            destinations: self.addresses.set(&header.destination).map_err(whole)?,
            destination_ports: self.ports.set(&header.destination_ports).map_err(whole)?,
            both: header.direction == Direction::Both,
        };
        if header.action == Action::Config {
            return Err(whole("rules with the action config are not run in this version".into()));
        }
        let mut parts = Parts { quiet: header.action == Action::Pass, ..Parts::default() };
        for (option, it) in rule.options.iter().enumerate() {
            self.option(&it.body, &mut parts).map_err(|reason| (Some(option), reason))?;
        }
        let mut payload = None;
        self.has_captures = false;
        let (mut looks, mut headers, mut part) = (Vec::new(), Vec::new(), None);
        for (place, buffer) in (0..).zip(&rule.buffers) {
            let first = rule.options.iter().position(|it| matches!(&it.body, Body::Inspect(of, _) if *of == place));
            if let Some(sought) = carved::sought(rule, buffer).map_err(|reason| (first, reason))?
                && part.replace(sought).is_some_and(|known| known != sought)
            {
                return Err((first, "frames of two kinds are not looked into in one rule".into()));
            }
            if buffer.buffer == Buffer::Base64Data {
                continue;
            }
            let chain =
                Chain::compile(rule, place, self).map_err(|verify::Fault { option, reason }| (Some(option), reason))?;
            if buffer.buffer == Buffer::Frame && part == Some(Sought::Stream) {
                parts.scope = Some(StreamScope::Only);
                payload = Some(chain);
            } else if buffer.buffer == Buffer::Payload && buffer.transforms.is_empty() {
                payload = Some(chain);
            } else if is_of_packet(buffer.buffer) {
                let transforms = Transforms::new(&buffer.transforms).map_err(|(_, reason)| (first, reason))?;
                headers.push(Look { buffer: buffer.clone(), transforms, chain });
            } else {
                self.owners(rule, buffer.buffer.owner()).map_err(|reason| (first, reason))?;
                let transforms = Transforms::new(&buffer.transforms).map_err(|(_, reason)| (first, reason))?;
                looks.push(Look { buffer: buffer.clone(), transforms, chain });
            }
        }
        payload = payload.or_else(|| Chain::of_packet(rule));
        let of_transaction = !looks.is_empty() || parts.asks_transactions();
        // A rule that only names a protocol in its header is looked at with each packet of it.
        let names_app =
            !header.protocol.is_app() && parts.conditions.iter().any(|it| matches!(it, Condition::App { .. }));
        let kind = if header.protocol == Protocol::PacketHeader || parts.tests.iter().any(Test::asks_frames) {
            Kind::Frame
        } else if let Some(Sought::Part(app, kind)) = part {
            if looks.len() > 1 || payload.is_some() || !headers.is_empty() || parts.asks_transactions() {
                return Err(whole("frames and other buffers are not looked into in one rule".into()));
            }
            Kind::Carved(app, kind)
        } else if of_transaction {
            Kind::Transaction
        } else if payload.is_some() {
            Kind::Data
        } else if names_app && !parts.tests.iter().any(Test::needs_packets) {
            Kind::Protocol
        } else if headers.is_empty() && self.is_of_addresses(&head, &parts) {
            Kind::Addresses
        } else {
            Kind::Data
        };
        let (in_packets, in_stream) =
            if headers.is_empty() { scopes(rule, &parts, payload.is_some()) } else { (true, false) };
        let side = match parts.side {
            None if header.direction != Direction::Transaction => side_of(&looks),
            side => side,
        };
        let fast = Patterns {
            payload: fast::choose(rule, |buffer| {
                let it = rule.buffers.get(usize::from(buffer))?;
                (it.buffer == Buffer::Payload && it.transforms.is_empty()).then_some(0)
            }),
            app: fast::choose(rule, |buffer| {
                let it = rule.buffers.get(usize::from(buffer))?;
                let app = it.buffer != Buffer::Payload && it.buffer != Buffer::Base64Data && !is_of_packet(it.buffer);
                app.then_some(app_rank(it.buffer))
            })
            .map(|fast| (rule.buffers.get(usize::from(fast.buffer)).cloned(), fast)),
        };
        let compiled = Compiled {
            rule: at,
            gid: rule.gid,
            sid: rule.sid,
            action: header.action,
            tag: parts.tag,
            filestore: parts.filestore,
            bypass: parts.bypass,
            captures: self.has_captures,
            quiet: parts.quiet,
            head,
            direction: header.direction,
            side,
            state: parts.state,
            tests: parts.tests.into(),
            conditions: parts.conditions.into(),
            effects: parts.effects.into(),
            payload,
            in_packets,
            in_stream,
            looks: looks.into(),
            headers: headers.into(),
            numbers: parts.numbers.into(),
            own: parts.own.into(),
            names: parts.names.into(),
            hashes: parts.hashes.into(),
            events: parts.events.into(),
            threshold: parts.threshold,
            filter: parts.filter,
            rate: None,
            suppress: [const { None }; 4],
            kind,
            obstacle: None,
        };
        let mut compiled = self.limited(compiled).map_err(whole)?;
        compiled.obstacle = judge::obstacle(&compiled, rule);
        Ok((compiled, fast))
    }

    /// What the files beside the rules say of one: what names the rule goes before what names its group, and that before
    /// what names all.
    fn limited(&self, mut rule: Compiled) -> Result<Compiled, String> {
        let (mut limit, mut rate) = (None, None);
        for of in [(rule.gid, rule.sid), (0, rule.sid), (rule.gid, 0), (0, 0)] {
            let Some(beside) = self.beside.get(&of) else { continue };
            if let Some(reason) = &beside.failed {
                return Err(reason.clone());
            }
            // A rule's own goes before what is said of all.
            if of.1 != 0 || rule.threshold.is_none() {
                limit = limit.or(beside.limit);
            }
            rate = rate.or(beside.rate);
            if let Some(place) = rule.suppress.iter_mut().find(|place| place.is_none()) {
                *place = Some(Arc::clone(&beside.suppress)).filter(|suppress| !suppress.is_empty());
            }
        }
        rule.threshold = limit.or(rule.threshold);
        rule.rate = rate;
        Ok(rule)
    }

    /// Nothing is asked but who speaks to whom.
    fn is_of_addresses(&self, head: &Head, parts: &Parts) -> bool {
        let any = |set| self.ports.get(set).is_some_and(Ports::is_all);
        let everyone = |set| self.addresses.get(set).is_some_and(Addresses::is_all);
        // What lists say of addresses is asked once too.
        let by_lists = !parts.has_flow
            && !parts.conditions.is_empty()
            && parts.conditions.iter().all(|it| matches!(it, Condition::Reputation { .. }));
        parts.tests.is_empty()
            && any(head.source_ports)
            && any(head.destination_ports)
            && (by_lists || parts.conditions.is_empty() && !(everyone(head.sources) && everyone(head.destinations)))
    }

    /// A parser has to be there of one of these protocols, or of the one the rule's header names.
    fn owners(&self, rule: &Rule, owners: Option<&[&str]>) -> Result<(), String> {
        let named = rule.header.protocol;
        let known = self.parsers.iter().any(|parser| {
            owners.is_none_or(|owners| owners.contains(&parser.app.name()))
                && (!named.is_app() || is_app(named, parser.app))
        });
        if known {
            return Ok(());
        }
        let name = match owners.and_then(<[_]>::first) {
            Some(owner) if !named.is_app() => owner,
            _ => named.name(),
        };
        Err(format!("no parser for {name} in this version"))
    }

    fn build(mut self, all: Vec<Compiled>, patterns: &[Patterns], searched: bool) -> (Rules, Vec<Refusal>) {
        let mut packets: [[Vec<Member>; 2]; KINDS] = Default::default();
        let mut streams: [Vec<Member>; 2] = Default::default();
        let (mut by_address, mut frames, mut longest) = (Vec::new(), Vec::new(), LEAST_OVERLAP);
        let mut by_protocol = vec![Vec::new(); AppProto::ALL.len()];
        let mut arps = Vec::new();
        for ((number, rule), patterns) in (0..).zip(&all).zip(patterns) {
            let is_of_frames = matches!(rule.head.protocol, Protocol::Arp | Protocol::Ether);
            if is_of_frames && rule.payload.is_none() && matches!(rule.kind, Kind::Data | Kind::Addresses) {
                arps.push(number);
            }
            let member = |side: Side| {
                let ports = match side {
                    Side::ToServer => rule.head.destination_ports,
                    Side::ToClient => rule.head.source_ports,
                };
                // In both directions either list can be the one of the port at hand: any port will do.
                let ports = if rule.head.both { u32::MAX } else { ports };
                Member { rule: number, fast: patterns.payload.clone().filter(|_| searched), ports }
            };
            match rule.kind {
                Kind::Addresses if rule.head.protocol == Protocol::Arp => {}
                Kind::Addresses => {
                    let Head { sources, destinations, both, .. } = rule.head;
                    if let (Some(sources), Some(destinations)) =
                        (self.addresses.get(sources), self.addresses.get(destinations))
                    {
                        by_address.push(concerned::Member { rule: number, sources, destinations, both });
                    }
                }
                Kind::Frame => frames.push(number),
                Kind::Carved(..) => {}
                Kind::Protocol => {
                    for (list, app) in by_protocol.iter_mut().zip(AppProto::ALL) {
                        if is_app(rule.head.protocol, *app) {
                            list.push(number);
                        }
                    }
                }
                Kind::Transaction if rule.payload.is_none() => {}
                Kind::Data | Kind::Transaction => {
                    for side in super::view::SIDES.into_iter().filter(|side| rule.side.is_none_or(|of| of == *side)) {
                        if rule.in_stream {
                            let len = patterns.payload.as_ref().map_or(0, |fast| fast.lower.len());
                            longest = longest.max(len);
                            push(streams.get_mut(index(side)), member(side));
                        }
                        for kind in kinds(rule.head.protocol) {
                            // What is only of the stream stands there, where packets that it lacks find it too.
                            if rule.in_packets || *kind != 0 {
                                push(packets.get_mut(*kind).and_then(|of| of.get_mut(index(side))), member(side));
                            }
                        }
                    }
                }
            }
        }
        let group = |members: &Vec<Member>| Group::new(members, |set| self.ports.get(set));
        let packets = packets.each_ref().map(|of| of.each_ref().map(group));
        let streams = streams.each_ref().map(group);
        let mut failed = Vec::new();
        let apps: Box<[AppRules]> = self
            .parsers
            .iter()
            .filter_map(|parser| {
                let rules =
                    AppRules::new(parser, &all, |rule| patterns.get(rule as usize)?.app.as_ref().filter(|_| searched));
                rules.map_err(|reason| failed.push(reason)).ok()
            })
            .collect();
        let of_carved = |rule: u32| patterns.get(rule as usize)?.app.as_ref().filter(|_| searched);
        let carved = CarvedRules::all(&all, of_carved).unwrap_or_else(|reason| {
            failed.push(reason);
            Box::default()
        });
        for reason in failed {
            self.refusals.push(Refusal {
                file: 0,
                line: 0,
                column: 0,
                sid: None,
                keyword: Box::default(),
                reason: format!("a search could not be built: {reason}").into(),
                enabled: true,
            });
        }
        let by_address = Concerned::new(&by_address);
        let rules = Rules {
            lists: self.lists.into(),
            hashes: self.hashes.into(),
            asks_checksums: all.iter().any(|rule| rule.tests.iter().any(Test::asks_checksums)),
            asks_streams: all.iter().any(|rule| rule.tests.iter().any(Test::asks_streams)),
            all: all.into(),
            addresses: self.addresses.sets(),
            ports: self.ports.sets(),
            packets,
            streams,
            by_address,
            by_protocol: by_protocol.into_iter().map(Into::into).collect(),
            frames: frames.into(),
            arps: arps.into(),
            apps,
            carved,
            overlap: longest.min(MOST_OVERLAP),
            names: Names { variables: Names::ordered(self.names), datasets: Names::ordered(self.datasets) },
            captures: self.captures.into(),
            reputations: self.set.reputations().cloned().unwrap_or_default(),
            asked: None,
        };
        (rules, self.refusals)
    }
}

impl Registry for Compiler<'_> {
    fn dataset(&mut self, set: &rules::ast::Dataset) -> Result<u32, String> {
        if let Some(known) = self.datasets.get(&set.name) {
            return Ok(*known);
        }
        let setting = |name: &str| set.settings.iter().find(|(known, _)| **known == *name).map(|(_, value)| &**value);
        let json = match setting("format") {
            None | Some("csv") => None,
            Some(format) => Some(lists::Json {
                lines: matches!(format, "ndjson" | "jsonline"),
                list: setting("array_key"),
                value: setting("value_key").ok_or("the value's key is not said")?,
            }),
        };
        let list = match setting("load").or_else(|| setting("state")) {
            None => List::default(),
            Some(name) => {
                let kind = set.kind.ok_or("the set's type is not said")?;
                // A file of a state is written later.
                let file = self.set.provided(name).or_else(|| setting("state").map(|_| &[][..]));
                let file = file.ok_or_else(|| format!("{name} cannot be read"))?;
                let subdomains = setting("match") == Some("subdomain");
                let list = match json {
                    Some(json) => List::read_json(kind, subdomains, &json, file),
                    None => List::read(kind, subdomains, file),
                };
                list.map_err(|reason| format!("{name}: {reason}"))?
            }
        };
        let next = u32::try_from(self.datasets.len()).map_err(|_| "too many data sets")?;
        self.lists.push(list);
        self.datasets.insert(set.name.clone(), next);
        Ok(next)
    }

    fn variable(&mut self, scope: Scope, name: &str) -> Result<u32, String> {
        self.has_captures = true;
        kept::number(&mut self.captures, scope, name)
    }

    fn expression(&mut self, states: usize) -> Result<(), String> {
        // What would be larger is done by a matcher that is not.
        match self.states.checked_sub(states.min(MOST_OF_ONE)) {
            Some(left) => {
                self.states = left;
                Ok(())
            }
            None => Err(format!("the expressions of all rules have more than {MOST_STATES} states")),
        }
    }
}

fn push<T>(list: Option<&mut Vec<T>>, item: T) {
    if let Some(list) = list {
        list.push(item);
    }
}

/// The patterns of a rule: of payloads, and of one of a transaction's buffers.
#[derive(Debug, Clone)]
struct Patterns {
    payload: Option<Fast>,
    app: Option<(Option<rules::ast::BufferUse>, Fast)>,
}

/// Whether a rule's payload is looked for in packets, and in the stream.
#[allow(clippy::wildcard_enum_match_arm, reason = "what is named is the exception")]
fn scopes(rule: &Rule, parts: &Parts, payload: bool) -> (bool, bool) {
    let tcp = match rule.header.protocol {
        Protocol::TcpPacket => return (true, false),
        Protocol::TcpStream => return (false, true),
        protocol => kinds(protocol).contains(&0),
    };
    if !payload || !tcp {
        return (true, false);
    }
    match parts.scope {
        Some(StreamScope::Only) => return (false, true),
        Some(StreamScope::Never) => return (true, false),
        None => {}
    }
    if parts.tests.iter().any(Test::needs_packets) {
        return (true, false);
    }
    let placed = rule.options.iter().any(|option| {
        matches!(&option.body, Body::Inspect(of, Inspect::Content(content))
            if (content.depth.is_some() || content.offset.is_some() || content.startswith)
                && rule.buffers.get(usize::from(*of)).is_some_and(|it| it.buffer == Buffer::Payload))
    });
    (placed, true)
}

/// The one direction in which a rule's buffers are filled.
fn side_of(looks: &[Look]) -> Option<Side> {
    looks.iter().find_map(|look| super::app::side_of(&look.buffer))
}

/// Buffers that are seldom filled, or short, come first.
#[allow(clippy::wildcard_enum_match_arm, reason = "what is named is the exception")]
fn app_rank(buffer: Buffer) -> u8 {
    match buffer {
        Buffer::HttpMethod | Buffer::HttpProtocol | Buffer::HttpStatCode | Buffer::HttpStatMsg => 0,
        Buffer::FileData | Buffer::HttpRequestBody | Buffer::HttpResponseBody => 1,
        _ => 2,
    }
}

pub(super) fn is_of_packet(buffer: Buffer) -> bool {
    (Buffer::EtherHeader..Buffer::Frame).contains(&buffer)
}

/// States of all expressions, each of some tens of bytes once it is used. Those of ET Open have a tenth of it.
const MOST_STATES: usize = 1 << 23;
const MOST_OF_ONE: usize = 1 << 15;

/// How much of a stream's window is looked at again with the next: as much as the longest pattern, between these.
const LEAST_OVERLAP: usize = 256;
const MOST_OVERLAP: usize = 1024;
