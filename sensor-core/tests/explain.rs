//! Why rules told, or did not: over real captures, beside what the same rules do when they run.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "what is not in a test's body is still for tests alone")]

#[path = "captures/mod.rs"]
mod captures;

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sensor_core::applayer::protocols;
use sensor_core::detect::Rules;
use sensor_core::detect::explain::{Chosen, Explainer, Unexplained};
use sensor_core::engine::Config;
use sensor_core::flow::Flow;
use sensor_core::rules::{Kind, Ruleset, Variables};
use sensor_core::{Alerted, Engine, FlowSink, Frame};
use sensor_wire::explain::{Attempt, Excluding, Explanation, Found, Outcome, Place, Step, StepState};

/// Frames of a capture: time, link type, bytes.
struct Capture(Vec<(i64, u16, Vec<u8>)>);

impl Capture {
    fn read(path: &Path) -> Capture {
        let data = std::fs::read(path).unwrap();
        let mut frames = Vec::new();
        captures::frames(&data, &mut |time, link, frame| frames.push((time, link, frame.to_vec())));
        assert!(!frames.is_empty(), "{}", path.display());
        Capture(frames)
    }

    fn bundled(name: &str) -> Capture {
        Capture::read(&in_repository("tests/data").join(name))
    }

    fn frames(&self) -> impl Iterator<Item = Frame<'_>> {
        self.0.iter().map(|(time, link, data)| Frame { time: *time, link: *link, wire: data.len() as u32, data })
    }
}

fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// Rules, with networks of which every address is one.
fn ruleset(text: &[u8]) -> Ruleset {
    let mut variables = Variables::default();
    for name in ["HOME_NET", "EXTERNAL_NET"] {
        assert!(variables.set(Kind::Address, name, "any"));
    }
    let mut set = Ruleset::new(variables);
    set.read("t.rules", text);
    set
}

fn starter() -> Ruleset {
    let set = ruleset(&std::fs::read(in_repository("sensor-core/sensord/src/rules/starter.rules")).unwrap());
    assert_eq!(set.refusals(), []);
    set
}

/// Alerts by sid and flow: how many, and the time of the first.
#[derive(Default)]
struct Alerts(BTreeMap<(u32, u64), (u64, i64)>);

impl FlowSink for Alerts {
    fn flow(&mut self, _: &Flow) {}

    fn alert(&mut self, alert: &Alerted<'_>) {
        let flow = alert.flow.map_or(0, Flow::id);
        self.0.entry((alert.rule.sid, flow)).or_insert((0, alert.time)).0 += 1;
    }
}

fn config() -> Config {
    Config { window_ns: None, discover: None, parse: Some(Default::default()), ..Config::default() }
}

/// What all rules of a set tell of a capture, run as always.
fn alerts(set: &Ruleset, capture: &Capture) -> Alerts {
    let (rules, _) = Rules::compile(set, protocols::all());
    let mut engine = Engine::new(Config { rules: Some(Arc::new(rules)), packet_alerts: 10_000, ..config() });
    let mut alerts = Alerts::default();
    engine.ingest(capture.frames(), &mut alerts);
    engine.finish(&mut alerts);
    alerts
}

fn explained(set: &Ruleset, sid: u32, chosen: Option<Chosen>, capture: &Capture) -> Explanation {
    let mut explainer = Explainer::new(set, (1, sid), chosen, config()).unwrap();
    explainer.ingest(capture.frames());
    let told = explainer.finish(usize::MAX);
    assert_eq!(explainer.disagreed(), 0, "sid {sid}: each option tried alone comes to what the rule comes to");
    told
}

/// The explanation of the one rule that a text holds.
fn of(options: &str, capture: &Capture) -> Explanation {
    let set = ruleset(options.as_bytes());
    assert_eq!(set.refusals(), []);
    explained(&set, set.rules()[0].sid, None, capture)
}

/// Explanation and rules agree on who is told of, how often and when.
fn agrees(set: &Ruleset, sid: u32, alerts: &Alerts, capture: &Capture) -> Explanation {
    let told = explained(set, sid, None, capture);
    let of_rule = || alerts.0.iter().filter(|((known, _), _)| *known == sid);
    assert_eq!(told.counts.alerts, of_rule().map(|(_, (count, _))| count).sum::<u64>(), "sid {sid}");
    for ((_, flow), (count, first)) in of_rule() {
        let of_flow = told.flows.iter().find(|it| it.id == *flow).unwrap();
        let best = of_flow.best.as_ref().unwrap();
        assert_eq!((of_flow.alerts, best.outcome, best.time), (*count, Outcome::Told, *first), "sid {sid}");
        let failed = best.steps.iter().position(|it| !matches!(it.state, StepState::Held | StepState::Aside));
        assert_eq!((failed, best.header.state), (None, StepState::Held), "sid {sid}: {best:?}");
        assert!(best.frame.is_none_or(|frame| capture.0[frame as usize - 1].0 == best.time));
    }
    // Of those that came to nothing, each has its reason.
    for flow in told.flows.iter().filter(|it| it.alerts == 0) {
        let why = match (&flow.best, &flow.excluded) {
            (None, Some(excluded)) => excluded.why.clone(),
            (Some(best), None) => why(best),
            other => panic!("sid {sid}: {other:?}"),
        };
        assert_ne!(why, "", "sid {sid}: {flow:?}");
    }
    told
}

/// Why an attempt came to nothing.
fn why(attempt: &Attempt) -> String {
    let step = attempt.failed_at().map(|at| &attempt.steps[at]);
    match (attempt.header.state, step) {
        (StepState::Failed, _) => attempt.header.why.clone(),
        (_, Some(step)) => step.why.clone(),
        (_, None) => attempt.why.clone(),
    }
}

fn best(told: &Explanation) -> &Attempt {
    told.flows[0].best.as_ref().unwrap()
}

/// The step of the option whose text begins so.
fn step<'a>(told: &'a Explanation, attempt: &'a Attempt, option: &str) -> &'a Step {
    let at = told.options.iter().position(|it| it.text.starts_with(option)).unwrap();
    &attempt.steps[at]
}

fn bytes(found: &Found) -> Vec<u8> {
    let digits = found.hex.as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// What matched, of the excerpt.
fn matched(found: &Found) -> Vec<u8> {
    let from = (found.offset - found.from) as usize;
    bytes(found)[from..from + found.len as usize].to_vec()
}

#[test]
fn starter_rules_on_the_sample_are_explained_as_they_run() {
    let (set, capture) = (starter(), Capture::bundled("sample.pcap"));
    let alerts = alerts(&set, &capture);
    assert!(alerts.0.len() > 3, "{:?}", alerts.0);
    for rule in set.rules() {
        agrees(&set, rule.sid, &alerts, &capture);
    }
}

#[test]
fn a_password_over_ftp_or_imap_shows_where_it_stands_in_the_stream() {
    let (set, capture) = (starter(), Capture::bundled("sample.pcap"));
    let told = explained(&set, 1_000_002, None, &capture);
    assert!(told.counts.told >= 1, "{:?}", told.counts);
    let attempt = best(&told);
    assert_eq!((attempt.outcome, attempt.place, attempt.to_client), (Outcome::Told, Place::Stream, false));
    let login = step(&told, attempt, "content:").at.as_ref().unwrap();
    assert_eq!((login.buffer.as_str(), login.len), ("stream", 7));
    assert_eq!(matched(login).to_ascii_uppercase(), b" LOGIN ");
    // The expression takes in the tag before it and the name behind it.
    let expression = step(&told, attempt, "pcre:").at.as_ref().unwrap();
    assert!(expression.offset < login.offset && expression.offset + expression.len > login.offset + login.len);
    // Most flows of the sample go to other ports.
    let most = &told.excluded[0];
    assert!(told.counts.flows > 200 && most.flows > 20, "{:?}", told.excluded);
    assert!(told.excluded.iter().any(|it| it.by == Excluding::DestinationPort && it.why.ends_with("is not in [143]")));
    assert!(
        told.excluded.iter().any(|it| it.by == Excluding::Protocol && it.why.contains("about tcp, the flow is udp"))
    );
}

#[test]
fn http_buffers_say_what_matched_and_what_was_there_instead() {
    let capture = Capture::bundled("flows/tcp-closed.pcap");
    let told = of(
        r#"alert http any any -> any 80 (flow:established,to_server; http.method; content:"GET"; http.host; to_uppercase;
           content:"BOWLS"; content:"BRUNO"; distance:2; within:5; sid:1;)"#
            .replace('\n', " ")
            .as_str(),
        &capture,
    );
    assert_eq!((told.counts.flows, told.counts.met, told.counts.matched, told.counts.alerts), (3, 3, 1, 1));
    let attempt = best(&told);
    assert_eq!(attempt.place, Place::Transaction(0));
    let bruno = step(&told, attempt, "content:\"BRUNO\"").at.as_ref().unwrap();
    // www.bowlsbybruno.com
    assert_eq!((bruno.buffer.as_str(), bruno.offset, bruno.len, bruno.size), ("http.host; to_uppercase", 11, 5, 20));
    assert_eq!((matched(bruno).as_slice(), bytes(bruno).as_slice()), (&b"BRUNO"[..], &b"WWW.BOWLSBYBRUNO.COM"[..]));
    // The other two hosts: the first content of the buffer fails, the method held.
    for flow in &told.flows[1..] {
        let attempt = flow.best.as_ref().unwrap();
        assert_eq!((attempt.outcome, attempt.failed_at()), (Outcome::Failed, Some(2)));
        assert_eq!(step(&told, attempt, "content:\"GET\"").state, StepState::Held);
        let failed = step(&told, attempt, "content:\"BOWLS\"");
        assert!(failed.why.starts_with("not found in http.host; to_uppercase ("), "{}", failed.why);
        assert!(bytes(failed.at.as_ref().unwrap()).ends_with(b".YAHOO.COM"));
        assert_eq!(step(&told, attempt, "content:\"BRUNO\"").state, StepState::Untried);
    }
}

#[test]
fn a_content_that_stands_elsewhere_is_named_with_its_place() {
    let capture = Capture::bundled("flows/tcp-closed.pcap");
    let told = of(r#"alert http any any -> any any (http.host; content:"bruno"; depth:9; sid:1;)"#, &capture);
    assert_eq!(told.counts.matched, 0);
    let reasons: Vec<_> = told.flows.iter().map(|flow| why(flow.best.as_ref().unwrap())).collect();
    assert!(reasons.contains(&"is at offset 11 of http.host (20 bytes), not where it has to be".into()), "{reasons:?}");
    let told = of(r#"alert http any any -> any any (http.host; content:!"yahoo"; sid:1;)"#, &capture);
    assert_eq!(told.counts.matched, 1);
    let reasons: Vec<_> = told.flows[1..].iter().map(|flow| why(flow.best.as_ref().unwrap())).collect();
    assert!(reasons.iter().all(|why| why.contains("where it must not be")), "{reasons:?}");
}

#[test]
fn the_first_field_of_a_header_that_does_not_fit_is_told_with_its_value() {
    let capture = Capture::bundled("flows/tcp-closed.pcap");
    let excluded = |header: &str| {
        let told = of(&format!("alert {header} (content:\"GET\"; sid:1;)"), &capture);
        assert_eq!((told.counts.met, told.counts.matched, told.excluded.len()), (0, 0, 1), "{:?}", told.excluded);
        assert_eq!(told.excluded[0].flows, 3);
        assert!(told.flows.iter().all(|flow| flow.best.is_none() && flow.excluded.is_some()));
        (told.excluded[0].by, told.excluded[0].why.clone())
    };
    let why = |by, why: &str| (by, why.to_owned());
    assert_eq!(
        excluded("tcp any any -> any [8080,8888]"),
        why(Excluding::DestinationPort, "destination port 80 is not in [8080,8888]")
    );
    assert_eq!(excluded("udp any any -> any any"), why(Excluding::Protocol, "the rule is about udp, the flow is tcp"));
    assert_eq!(
        excluded("dns any any -> any any"),
        why(Excluding::Protocol, "the rule is about dns, the flow carries http")
    );
    let (by, said) = excluded("tcp any any -> [10.0.0.0/8,192.168.0.0/16] any");
    assert_eq!(by, Excluding::Destination);
    assert!(said.starts_with("destination ") && said.contains("is not in [10.0.0.0-10.255.255.255,"), "{said}");
    // What is about the other direction is told of that one.
    let told = of(r#"alert tcp any 81 -> any any (flow:to_client; content:"200"; sid:1;)"#, &capture);
    assert_eq!(told.excluded[0].why, "source port 80 is not in [81]");
}

#[test]
fn buffers_of_another_protocol_and_flows_without_a_start_have_reasons_of_their_own() {
    let capture = Capture::bundled("flows/tcp-closed.pcap");
    let told = of(r#"alert tcp any any -> any any (tls.sni; content:"yahoo"; sid:1;)"#, &capture);
    assert_eq!((told.excluded[0].by, told.excluded[0].flows), (Excluding::Buffers, 3));
    assert_eq!(told.excluded[0].why, "tls.sni is a buffer of tls, the flow carries http");
    let told = of(
        r#"alert tcp any any -> any any (flow:only_stream; content:"x"; sid:1;)"#,
        &Capture::bundled("flows/loopback-midstream.pcap"),
    );
    assert_eq!(told.counts.matched, 0);
    let reasons: Vec<_> = told.excluded.iter().map(|it| it.by).collect();
    assert!(reasons == [Excluding::Midstream] || told.flows[0].best.is_some(), "{told:?}");
}

#[test]
fn rules_of_frames_are_explained() {
    let capture = Capture::bundled("flows/tcp-closed.pcap");
    let text = br#"
alert http any any -> any any (frame:http1.request; content:"GET "; startswith; content:"Host: geo."; sid:1;)
alert http any any -> any any (frame:http1.response; content:"HTTP/1."; startswith; sid:2;)
alert http any any -> any any (frame:http1.stream; content:"Host: geo."; sid:3;)
alert http any any -> any any (frame:http1.request; content:"GET "; content:"no such host"; sid:4;)"#;
    let set = ruleset(text);
    let alerts = alerts(&set, &capture);
    let told = agrees(&set, 1, &alerts, &capture);
    assert_eq!((told.counts.matched, told.counts.alerts), (1, 1));
    assert!(matches!(best(&told).place, Place::Frame(_)), "{:?}", best(&told));
    let method = step(&told, best(&told), "content:\"GET ").at.as_ref().unwrap();
    assert_eq!((method.offset, method.len), (0, 4), "{method:?}");
    let told = agrees(&set, 2, &alerts, &capture);
    assert_eq!((told.counts.matched, told.counts.alerts), (3, 3));
    let told = agrees(&set, 3, &alerts, &capture);
    assert_eq!((told.counts.matched, told.counts.alerts), (1, 1));
    let told = agrees(&set, 4, &alerts, &capture);
    assert_eq!((told.counts.matched, told.counts.flows), (0, 3));
    assert_eq!(step(&told, best(&told), "content:\"no such").state, StepState::Failed);
}

#[test]
fn bits_of_flows_are_set_by_the_rules_that_set_them() {
    let capture = Capture::bundled("flows/tcp-closed.pcap");
    let text = br#"
alert http any any -> any any (flow:to_server; http.host; content:"geo."; flowbits:set,geo; noalert; sid:8;)
alert http any any -> any any (flow:to_client; flowbits:isset,geo; http.stat_code; content:"200"; sid:9;)
alert http any any -> any any (http.host; content:"nothing to do with it"; sid:10;)"#;
    let set = ruleset(text);
    let told = agrees(&set, 9, &alerts(&set, &capture), &capture);
    let beside: Vec<_> = told.beside.iter().map(|it| (it.sid, it.why.as_str())).collect();
    assert_eq!(beside, [(8, "changes flowbits geo")]);
    assert_eq!((told.counts.flows, told.counts.matched, told.counts.alerts), (3, 1, 1));
    let failed = told.flows[1].best.as_ref().unwrap();
    let bit = step(&told, failed, "flowbits:isset");
    assert_eq!((bit.state, bit.why.as_str()), (StepState::Failed, "is not set"));
    // What is in the buffer was looked at all the same.
    assert_eq!(step(&told, failed, "content:").state, StepState::Held);
    assert_eq!(failed.failed_at(), Some(1));
    // The setter itself holds, and tells nothing.
    let told = explained(&set, 8, None, &capture);
    assert_eq!((told.counts.matched, told.counts.told), (1, 0));
    assert_eq!((best(&told).outcome, best(&told).why.as_str()), (Outcome::Silent, "the rule tells nothing by itself"));
}

#[test]
fn numbers_that_were_read_are_told() {
    // A query for AAAA of psu.edu and its answer.
    let capture = Capture::bundled("flows/udp.pcap");
    let rule = |test: &str| {
        format!(r#"alert udp any any -> any 53 (content:"|03|psu|03|edu|00|"; byte_test:2,{test},0,relative; sid:1;)"#)
    };
    let told = of(&rule("=,28"), &capture);
    assert_eq!((told.counts.matched, told.counts.alerts), (1, 1));
    let number = step(&told, best(&told), "byte_test:");
    assert_eq!(number.why, "28 (0x1c) at offset 21");
    assert_eq!(matched(number.at.as_ref().unwrap()), [0, 28]);
    let told = of(&rule(">,28"), &capture);
    assert_eq!(told.counts.matched, 0);
    assert_eq!(why(best(&told)), "28 (0x1c) at offset 21, which is not > 28");
    let told = of(&rule("=,28").replace("byte_test:2,=,28,0", "byte_test:4,=,28,4"), &capture);
    assert!(why(best(&told)).starts_with("no number of 4 bytes at 4 behind offset "), "{}", why(best(&told)));
}

#[test]
fn sizes_times_to_live_and_flags_are_told_with_what_they_are() {
    let capture = Capture::bundled("flows/udp.pcap");
    let told = of("alert udp any any -> any 53 (dsize:>500; ttl:>1; sid:1;)", &capture);
    assert_eq!(told.counts.matched, 0);
    let attempt = best(&told);
    assert!(step(&told, attempt, "dsize:").why.starts_with("dsize is "));
    assert_eq!(step(&told, attempt, "ttl:").state, StepState::Held);
    let capture = Capture::bundled("flows/tcp-closed.pcap");
    let told = of("alert tcp any any -> any 80 (flags:SFU; sid:1;)", &capture);
    assert!(why(best(&told)).starts_with("flags are "), "{}", why(best(&told)));
}

#[test]
fn limits_keep_back_what_matched_and_say_how_many_it_were() {
    let capture = Capture::bundled("flows/tcp-closed.pcap");
    let rule = |limit: &str| format!(r#"alert http any any -> any any (http.method; content:"GET"; {limit}; sid:1;)"#);
    let text = rule("threshold:type limit, track by_src, count 1, seconds 600");
    let set = ruleset(text.as_bytes());
    let told = agrees(&set, 1, &alerts(&set, &capture), &capture);
    assert_eq!((told.counts.matched, told.counts.told, told.counts.alerts), (3, 1, 1));
    let silent = told.flows[1].best.as_ref().unwrap();
    assert_eq!(silent.outcome, Outcome::Silent);
    assert_eq!(silent.why, "match 2 of this source within 600 s, of which the first 1 are told");
    assert_eq!(step(&told, silent, "threshold:").state, StepState::Failed);
    assert_eq!(step(&told, best(&told), "threshold:").state, StepState::Held);
    let set = ruleset(rule("detection_filter:track by_src, count 2, seconds 600").as_bytes());
    let told = agrees(&set, 1, &alerts(&set, &capture), &capture);
    assert_eq!((told.counts.matched, told.counts.told), (3, 1));
    let silent: Vec<_> = told.flows[1..].iter().map(|flow| why(flow.best.as_ref().unwrap())).collect();
    let wanted = [1, 2].map(|n| format!("match {n} of this source within 600 s, told are those after 2"));
    assert_eq!(silent, wanted);
    let mut set = ruleset(rule("nocase").as_bytes());
    set.read_thresholds("threshold.config", b"suppress gen_id 1, sig_id 1\n");
    let told = explained(&set, 1, None, &capture);
    assert_eq!((told.counts.matched, told.counts.told), (3, 0));
    assert_eq!(best(&told).why, "it is suppressed between these hosts");
}

#[test]
fn what_another_rule_lets_pass_names_that_rule() {
    let capture = Capture::bundled("flows/tcp-closed.pcap");
    let set = ruleset(
        br#"alert http any any -> any any (http.method; content:"GET"; sid:1;)
pass http any any -> any any (http.host; content:"geo."; sid:2;)"#,
    );
    let told = agrees(&set, 1, &alerts(&set, &capture), &capture);
    assert_eq!((told.counts.matched, told.counts.told), (3, 2));
    let passed = told.flows.iter().find(|flow| flow.alerts == 0).unwrap();
    assert_eq!(passed.best.as_ref().unwrap().why, "rule 1:2 lets it pass");
}

#[test]
fn one_flow_is_explained_alone() {
    let capture = Capture::bundled("flows/tcp-closed.pcap");
    let set = ruleset(br#"alert http any any -> any any (http.host; content:"bowls"; sid:1;)"#);
    let all = explained(&set, 1, None, &capture);
    let one = &all.flows[2];
    let by_id = explained(&set, 1, Some(Chosen::Id(one.id)), &capture);
    let ends = [(&one.server, Some(one.server_port)), (&one.client, None)];
    let ends = ends.map(|(address, port)| (address.parse().unwrap(), port));
    let by_ends = explained(&set, 1, Some(Chosen::Ends(ends)), &capture);
    assert_eq!((by_id.counts.flows, &by_id.flows), (1, &vec![one.clone()]));
    assert!(by_ends.flows.contains(one));
    let other = explained(&set, 1, Some(Chosen::Id(1)), &capture);
    assert_eq!((other.counts.flows, other.flows.len()), (0, 0));
}

#[test]
fn rules_that_are_unknown_refused_or_off_say_so() {
    let set = ruleset(
        br#"alert tcp any any -> any any (content:"a"; sid:10;)
alert tcp any any -> any any (content:"a"; sid:14;)
# alert http any any -> any any (http.method; content:"GET"; sid:20;)
alert tcp any any -> any any (content:"a"; geoip:src,DE; sid:30;)
alert tcp any any -> any any (content:"a"; distanc:1; sid:31;)"#,
    );
    let refused = |sid| match Explainer::new(&set, (1, sid), None, config()) {
        Err(Unexplained::Refused(refusal)) => (refusal.line, refusal.keyword.to_string()),
        other => panic!("{other:?}"),
    };
    assert_eq!((refused(30), refused(31)), ((4, "geoip".into()), (5, "distanc".into())));
    match Explainer::new(&set, (1, 12), None, config()) {
        Err(Unexplained::Unknown { sid: 12, near, .. }) => assert_eq!(near, [10, 14, 20, 30]),
        other => panic!("{other:?}"),
    }
    let told = explained(&set, 20, None, &Capture::bundled("flows/tcp-closed.pcap"));
    assert_eq!((told.off, told.counts.told), (true, 3));
}

/// Published rules over captures of attacks: what runs and what is explained are the same.
#[test]
fn published_rules_are_explained_as_they_run() {
    let Some(corpus) = captures::corpus() else { return };
    let packed = std::fs::File::open(corpus.join("rules/et-open/emerging.rules.tar.gz")).unwrap();
    let mut text = Vec::new();
    // What stands between the files of an archive is no rule.
    flate2::read::GzDecoder::new(packed).read_to_end(&mut text).unwrap();
    let mut set = ruleset(b"");
    set.read("et", &text);
    for name in [
        "suricata/http-events.rules",
        "suricata/stream-events.rules",
        "suricata/decoder-events.rules",
        "suricata/dns-events.rules",
    ] {
        set.read(name, &std::fs::read(corpus.join("rules").join(name)).unwrap());
    }
    let captures =
        ["attack/malware.pcap", "attack/sql_injection.pcap", "attack/xss.pcap", "attack/lateral_movement.pcap"];
    let (mut told, mut silent) = (0, 0);
    for name in captures {
        let capture = Capture::read(&corpus.join("pcap").join(name));
        let alerts = alerts(&set, &capture);
        let mut sids: Vec<u32> = alerts.0.keys().map(|(sid, _)| *sid).collect();
        sids.dedup();
        told += sids.len();
        for sid in sids {
            agrees(&set, sid, &alerts, &capture);
        }
        // Some of the others, from all over the set.
        let others: Vec<_> = set.rules().iter().filter(|rule| rule.enabled && rule.gid == 1).collect();
        for rule in others.iter().step_by(others.len() / 30) {
            if !matches!(Explainer::new(&set, (1, rule.sid), None, config()), Err(Unexplained::Refused(_))) {
                agrees(&set, rule.sid, &alerts, &capture);
                silent += 1;
            }
        }
    }
    println!("{told} rules that told, {silent} others");
    assert!(told >= 4 && silent >= 100, "{told} {silent}");
}
