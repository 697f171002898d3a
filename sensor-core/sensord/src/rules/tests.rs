use super::*;

fn book(setup: RuleSetup, text: &'static str) -> Book {
    Book::load(&setup, |set| {
        set.read("local.rules", text.as_bytes());
        Vec::new()
    })
}

const LOCAL: &str = r#"alert tcp any any -> any any (msg:"one"; content:"a"; classtype:trojan-activity; sid:1; rev:2;)
# alert tcp any any -> any any (msg:"two"; content:"b"; sid:2;)
alert tcp any any -> any any (msg:"three"; nonsense; sid:3;)
alert tcp any any -> $NOBODY any (msg:"four"; sid:4;)
"#;

#[test]
fn all_starter_rules_run_and_are_in_the_local_range() {
    let book = Book::load(&RuleSetup::default(), |_| Vec::new());
    let RuleCounts { running, refused, disabled, unreadable } = book.counts();
    let why: Vec<String> = book.refusals().map(|refusal| refusal.reason.to_string()).collect();
    assert_eq!((refused, disabled, why, unreadable), (0, 0, Vec::new(), Vec::new()));
    assert!(running >= 20, "{running}");
    for rule in book.set.rules() {
        assert!((1_000_000..2_000_000).contains(&rule.sid) && rule.msg.starts_with("NIGHTJAR "), "{}", rule.msg);
        assert!(book.set.class(rule).is_some(), "{}: its class is known", rule.sid);
    }
}

#[test]
fn rules_are_listed_by_state_and_searched() {
    let book = book(RuleSetup { starter: false, ..RuleSetup::default() }, LOCAL);
    let counts = book.counts();
    assert_eq!((counts.running, counts.refused, counts.disabled), (1, 2, 1));
    let list = |search: &str, state| {
        let answer = book.list(&RulesAsked { search: search.into(), state, offset: 0, limit: 10 });
        assert_eq!(answer.total as usize, answer.rules.len());
        answer.rules.into_iter().map(|line| (line.sid, line.line, line.state)).collect::<Vec<_>>()
    };
    let (running, refused, disabled) = (RuleState::Running, RuleState::Refused, RuleState::Disabled);
    assert_eq!(list("", None), [(1, 1, running), (2, 2, disabled), (3, 3, refused), (4, 4, refused)]);
    assert_eq!(list("", Some(refused)), [(3, 3, refused), (4, 4, refused)]);
    assert_eq!(list("NONSENSE", None), [(3, 3, refused)]);
    assert_eq!(list("TROJAN", None), [(1, 1, running)]);
    assert_eq!(list("2", None), [(2, 2, disabled)]);
    let cut = book.list(&RulesAsked { offset: 1, limit: 2, ..RulesAsked::default() });
    assert_eq!((cut.total, cut.rules.iter().map(|line| line.sid).collect::<Vec<_>>()), (4, vec![2, 3]));
}

#[test]
fn rules_are_switched_on_and_off_whatever_their_file_says() {
    let setup = RuleSetup { starter: false, off: vec![(1, 1), (1, 99)], on: vec![(1, 2)], ..RuleSetup::default() };
    let book = book(setup, LOCAL);
    assert_eq!(book.rules.rules().iter().map(|rule| rule.sid).collect::<Vec<_>>(), [2]);
    assert_eq!((book.counts().running, book.counts().disabled), (1, 1));
}

#[test]
fn a_rule_tells_all_it_says_and_can_be_read_again() {
    let book = Book::load(&RuleSetup::default(), |_| Vec::new());
    let text = book.rule(1, 1_000_031).unwrap();
    assert_eq!((text.line.severity, text.line.state), (1, RuleState::Running));
    assert_eq!(text.references, [("url".to_owned(), "attack.mitre.org/techniques/T1569/002/".to_owned())]);
    assert!(!text.class.is_empty());
    let copy = text.text.replace("sid:1000031;", "sid:1999999;");
    let checked = check(&book, &copy);
    assert_eq!((checked.good.len(), checked.bad), (1, Vec::new()));
    // As it is it would stand beside itself.
    let checked = check(&book, &text.text);
    assert_eq!((checked.good.len(), checked.bad.len(), checked.bad[0].sid), (0, 1, 1_000_031));
    assert!(checked.bad[0].message.contains(STARTER), "{}", checked.bad[0].message);
    assert_eq!(book.rule(1, 7), None);
}

#[test]
fn a_rule_is_checked_with_the_place_of_what_is_wrong() {
    let checked = check(&Book::default(), "alert tcp any any -> any any (msg:\"x\"; contend:\"a\"; sid:5;)");
    assert_eq!(checked.good, []);
    let bad: Vec<_> = checked.bad.iter().map(|line| (line.sid, line.line, line.column)).collect();
    assert_eq!(bad, [(5, 1, 40)]);
    assert!(checked.bad[0].message.starts_with("contend: "), "{}", checked.bad[0].message);
}

/// A file of an archive.
fn entry(archive: &mut tar::Builder<Vec<u8>>, path: &str, bytes: &[u8]) {
    let mut header = tar::Header::new_ustar();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    archive.append_data(&mut header, path, bytes).unwrap();
}

#[test]
fn archives_are_known_by_what_is_in_them_and_bring_the_files_that_their_rules_name() {
    let rule =
        r#"alert dns any any -> any any (msg:"listed"; dns.query; dataset:isset,bad,type string,load bad.lst; sid:7;)"#;
    let mut archive = tar::Builder::new(Vec::new());
    entry(&mut archive, "rules/bad.lst", b"YmFkLmV4YW1wbGU=\n");
    entry(&mut archive, "bad.lst", b"not base64, and of another folder\n");
    entry(&mut archive, "rules/names.rules", rule.as_bytes());
    let plain = archive.into_inner().unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, &plain).unwrap();
    let packed = gzip.finish().unwrap();
    for (name, bytes) in [("a.tar.gz", &packed), ("https://rules.example/latest", &packed), ("https://x/y", &plain)] {
        let mut set = Ruleset::default();
        files::read_packed(&mut set, name, bytes.as_slice()).unwrap();
        assert_eq!(set.provided("bad.lst"), Some(b"YmFkLmV4YW1wbGU=\n".as_slice()), "{name}");
        assert_eq!(set.files(), [format!("{name}/rules/names.rules").into_boxed_str()]);
        let book = Book::compile(set, Vec::new());
        assert_eq!(book.counts(), RuleCounts { running: 1, ..RuleCounts::default() }, "{:?}", book.refused);
    }
}
