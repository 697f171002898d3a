//! Frames end to end through an engine that runs rules of every kind, while its bounds are low.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::{Arc, OnceLock};

use sensor_core::applayer::{parser, protocols};
use sensor_core::decode::DefragLimits;
use sensor_core::detect::{Compiled, Place, Rules};
use sensor_core::engine::{Alerted, Config, Dropped, MidstreamPolicy, Told};
use sensor_core::flow::Flow;
use sensor_core::rules::{Buffer, Field, Ruleset, Variables};
use sensor_core::{Engine, FlowSink, Frame, Limits};

use crate::frames;
use crate::input::Input;

/// What matches is a rule that runs, in a packet or a transaction that there is; the search for patterns loses no
/// alert; other rules can come between any two packets; and bounds hold.
pub fn run(data: &[u8]) {
    run_in(data, || 0);
}

/// The same, with a way to ask how many bytes are allocated.
pub fn run_in(data: &[u8], allocated: fn() -> usize) {
    let kit = kit();
    let mut input = Input::new(data);
    let (flags, more) = (input.u8(), input.u8());
    let config = config(flags, more);
    let limits = config.limits;
    // What the search leaves out is looked at too, where nothing else may tell the two apart.
    let twin = flags & 0x20 != 0;
    let before = allocated();
    let mut engine = Engine::new(Config { rules: Some(Arc::clone(&kit.searched)), ..config.clone() });
    let mut unsearched = twin.then(|| Engine::new(Config { rules: Some(Arc::clone(&kit.unsearched)), ..config }));
    let mut sink = Sink::new(kit);
    let mut other = Sink::new(kit);
    let (mut time, mut fed) = (frames::BEGIN, 0);
    let lot = usize::from(more >> 5) + 1;
    while !input.is_empty() {
        let mut frames: Vec<Frame<'_>> = Vec::new();
        while frames.len() < lot && !input.is_empty() {
            frames.push(frames::next(&mut input, &mut time));
        }
        fed += frames.len() as u64;
        engine.ingest(frames.iter().copied(), &mut sink);
        if let Some(engine) = &mut unsearched {
            engine.ingest(frames.iter().copied(), &mut other);
        }
        assert!(engine.open_flows() <= limits.flows && engine.inspections() <= limits.inspections);
        if more & 0x10 != 0 && fed.is_multiple_of(5) {
            // Half of the rules, then all of them again.
            let rules = if fed.is_multiple_of(2) { &kit.searched } else { &kit.half };
            engine.set_rules(Arc::clone(rules), Arc::clone(&kit.ruleset), &mut sink);
            if let Some(engine) = &mut unsearched {
                let rules = if fed.is_multiple_of(2) { &kit.unsearched } else { &kit.half };
                engine.set_rules(Arc::clone(rules), Arc::clone(&kit.ruleset), &mut other);
            }
        }
        let held = allocated().saturating_sub(before);
        assert!(held <= MOST_HELD, "{held} bytes are held after {fed} frames");
    }
    engine.finish(&mut sink);
    assert_eq!(engine.stats().packets, fed);
    assert_eq!((engine.open_flows(), engine.inspections()), (0, 0));
    assert_eq!(sink.flows, engine.stats().flows);
    if let Some(mut engine) = unsearched {
        engine.finish(&mut other);
        let only = |a: &Sink, b: &Sink| a.alerts.difference(&b.alerts).copied().collect::<Vec<_>>();
        let (lost, made_up) = (only(&other, &sink), only(&sink, &other));
        assert!(lost.is_empty() && made_up.is_empty(), "lost {lost:?}, made up {made_up:?}");
        assert_eq!(sink.transactions, other.transactions);
        // What was told of a transaction before there were other rules may be told again.
        let told_again = more & 0x10 != 0 || sink.alerts != other.alerts;
        assert!(sink.told == other.told || told_again, "{} {}", sink.told, other.told);
    }
}

fn config(flags: u8, more: u8) -> Config {
    let limits = Limits {
        flows: 16,
        kept_flows: 32,
        rows: 16,
        defrag: DefragLimits { datagrams: 2, bytes: 16_384, ..Default::default() },
        inspections: 8,
        stream_bytes: 16_384,
        parser_bytes: if flags & 0x80 != 0 { 4096 } else { 1 << 20 },
        opening_bytes: 4096,
        ..Limits::default()
    };
    Config {
        limits,
        verify_checksums: flags & 1 != 0,
        window_ns: (flags & 2 != 0).then_some(10_000_000_000),
        parse: Some(parser::Settings { hash_files: flags & 0x40 != 0, ..Default::default() }),
        ruleset: Arc::clone(&kit().ruleset),
        midstream: flags & 4 != 0,
        inline: flags & 8 != 0,
        stream_inline: flags & 0x10 != 0,
        midstream_policy: [
            MidstreamPolicy::Ignore,
            MidstreamPolicy::Pass,
            MidstreamPolicy::Bypass,
            MidstreamPolicy::Drop,
        ][usize::from(more & 3)],
        // All that match are told, or the most of a packet would hide what differs.
        packet_alerts: usize::MAX,
        discover: (more & 4 != 0).then(Default::default),
        ..Config::default()
    }
}

/// The rules, read and compiled once.
struct Kit {
    ruleset: Arc<Ruleset>,
    searched: Arc<Rules>,
    unsearched: Arc<Rules>,
    half: Arc<Rules>,
}

fn kit() -> &'static Kit {
    static KIT: OnceLock<Kit> = OnceLock::new();
    KIT.get_or_init(|| {
        let ruleset = read(|_| true);
        let half = read(|sid| sid.is_multiple_of(2));
        let compile = |set: &Ruleset| {
            let (rules, refusals) = Rules::compile(set, protocols::all());
            assert!(refusals.is_empty(), "{refusals:?}");
            Arc::new(rules)
        };
        let (unsearched, _) = Rules::compile_unsearched(&ruleset, protocols::all());
        Kit {
            searched: compile(&ruleset),
            unsearched: Arc::new(unsearched),
            half: compile(&half),
            ruleset: Arc::new(ruleset),
        }
    })
}

/// The rules of the file, and one for each buffer and each number that rules can ask for.
fn read(wanted: impl Fn(u32) -> bool) -> Ruleset {
    let mut text = String::from(include_str!("detection.rules"));
    for (sid, buffer) in (10_000..).zip(Buffer::ALL) {
        let rule = |rest: &str| format!("alert ip any any -> any any ({}; {rest} sid:{sid};)\n", buffer.name());
        // Some are compared with lower case alone.
        let rule = rule("content:\"e\"; content:!\"qzq\"; distance:-1; within:9; pcre:\"/[^a]e?/\";");
        text.push_str(&rule);
    }
    for (sid, field) in (20_000..).zip(Field::ALL) {
        let _ = writeln!(text, "alert ip any any -> any any ({}:>0; sid:{sid};)", field.name());
    }
    let mut set = Ruleset::new(Variables::default());
    set.read("detection.rules", text.as_bytes());
    let sids: Vec<u32> = set.rules().iter().map(|rule| rule.sid).collect();
    for sid in sids {
        if !wanted(sid) {
            set.switch(1, sid, false);
        }
    }
    let (_, refused) = Rules::compile(&set, protocols::all());
    for refusal in refused {
        // What this version does not look into.
        set.switch(1, refusal.sid.unwrap_or(0), false);
    }
    set
}

/// How many of the rules of the file, of those of buffers and of those of numbers run; for the test that most do.
#[allow(dead_code, reason = "the replay of the corpus asks")]
pub fn running() -> [usize; 3] {
    let mut count = [0; 3];
    for rule in kit().searched.rules() {
        count[(rule.sid / 10_000) as usize] += 1;
    }
    count
}

/// Takes what the engine tells and holds it against the rules.
struct Sink {
    kit: &'static Kit,
    alerts: BTreeSet<(u64, u32, i64, bool, Place)>,
    told: u64,
    flows: u64,
    transactions: u64,
}

impl Sink {
    fn new(kit: &'static Kit) -> Sink {
        Sink { kit, alerts: BTreeSet::new(), told: 0, flows: 0, transactions: 0 }
    }
}

impl FlowSink for Sink {
    fn flow(&mut self, flow: &Flow) {
        assert!(flow.end.is_some() && flow.last >= flow.first);
        self.flows += 1;
    }

    fn transaction(&mut self, told: &Told<'_>) {
        assert!(told.flow.app.is_some(), "a transaction of a flow without a protocol");
        self.transactions += 1;
    }

    fn alert(&mut self, alert: &Alerted<'_>) {
        let Compiled { rule, gid, sid, .. } = *alert.rule;
        let known = &self.kit.ruleset.rules()[rule as usize];
        assert!((known.gid, known.sid) == (gid, sid) && known.enabled, "{gid}:{sid} is no rule that runs");
        if let (Place::Transaction(id), Some((_, of, _))) = (alert.place, alert.transaction) {
            assert_eq!(id, of);
        }
        self.told += 1;
        let flow = alert.flow.map_or(0, Flow::id);
        self.alerts.insert((flow, sid, alert.time, alert.side as u8 == 0, alert.place));
    }

    fn dropped(&mut self, dropped: &Dropped<'_>) {
        assert!(dropped.rule.is_none_or(|rule| self.kit.ruleset.rules()[rule.rule as usize].sid == rule.sid));
    }
}

/// What an engine of these bounds may hold, its tables and the discovery's signatures included.
const MOST_HELD: usize = 96 << 20;
