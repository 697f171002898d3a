//! Expressions: both engines against each other and against what PCRE's documentation says.

use proptest::prelude::*;

use super::super::pcre::{Engine, Expression, Found, Memory};
use super::*;
use crate::rules::ast::{Body, Inspect, Pcre};

fn pcre(text: &str) -> Pcre {
    let rule = rule(&format!("pcre:\"{text}\";"));
    let Body::Inspect(_, Inspect::Pcre(pcre)) = &rule.options[0].body else { panic!("{text}") };
    pcre.clone()
}

fn find(text: &str, data: &[u8]) -> Option<(usize, usize)> {
    let expression = Expression::new(&pcre(text)).unwrap();
    match expression.find(data, 0, &mut Memory::default()) {
        Found::At(start, end) => Some((start, end)),
        Found::No => None,
        Found::Limit => panic!("{text} was given up"),
    }
}

#[test]
fn syntax_means_what_it_means_to_pcre() {
    type Case = (&'static str, &'static [u8], Option<(usize, usize)>);
    let cases: &[Case] = &[
        (r"/a.c/", b"abc", Some((0, 3))),
        (r"/a.c/", b"a\nc", None),
        (r"/a.c/s", b"a\nc", Some((0, 3))),
        (r"/A.C/i", b"xabc", Some((1, 4))),
        (r"/\xff\x{41}\101\e/", b"\xffAA\x1b", Some((0, 4))),
        (r"/\d\D\w\W\s\S/", b"1aB- x", Some((0, 6))),
        // Letters and digits of ASCII only.
        (r"/\w/", "é".as_bytes(), None),
        (r"/\s/", b"\x0b", Some((0, 1))),
        (r"/\h\v\R/", b" \n\r\n", Some((0, 4))),
        (r"/^abc$/", b"abc\n", Some((0, 3))),
        (r"/^abc$/E", b"abc\n", None),
        (r"/^b$/", b"a\nb\nc", None),
        (r"/^b$/m", b"a\nb\nc", Some((2, 3))),
        (r"/\Aabc\z/", b"abc\n", None),
        (r"/abc\Z/", b"abc\n", Some((0, 3))),
        (r"/b/A", b"ab", None),
        (r"/b/A", b"ba", Some((0, 1))),
        (r"/a b # c/x", b"abc", Some((0, 2))),
        (r"/a b\ c/x", b"ab c", Some((0, 4))),
        (r"/a+?/", b"aaa", Some((0, 1))),
        (r"/a+/G", b"aaa", Some((0, 1))),
        (r"/a+?/G", b"aaa", Some((0, 3))),
        (r"/a{2}/", b"aaa", Some((0, 2))),
        (r"/a{2,}/", b"aaa", Some((0, 3))),
        (r"/a{1,2}b/", b"aaab", Some((1, 4))),
        (r"/a{,2}b/", b"aaab", Some((1, 4))),
        (r"/a{,}/", b"a{,}", Some((0, 4))),
        (r"/x{a}/", b"x{a}", Some((0, 4))),
        (r"/[]a]+/", b"x]a", Some((1, 3))),
        (r"/[^]a]/", b"]ax", Some((2, 3))),
        (r"/[a-c\d-]+/", b"b-2z", Some((0, 3))),
        (r"/[[:alpha:]_]+/", b"1ab_2", Some((1, 4))),
        (r"/[[:^digit:]]/", b"12x", Some((2, 3))),
        (r"/[\x00-\x1f]/", b"a\x05", Some((1, 2))),
        (r"/[\b]/", b"\x08", Some((0, 1))),
        (r"/\bcat\b/", b"a cat.", Some((2, 5))),
        (r"/\Bat\b/", b"a cat", Some((3, 5))),
        // The first alternative wins, not the longest.
        (r"/a|ab/", b"ab", Some((0, 1))),
        (r"/(?:ab|a)(?:c|bcd)/", b"abcd", Some((0, 3))),
        (r"/(?i)a(?-i)b/", b"Ab", Some((0, 2))),
        (r"/(?i)a(?-i)b/", b"AB", None),
        (r"/a(?i:b)c/", b"aBc", Some((0, 3))),
        (r"/(?s-i:a.)/", b"a\n", Some((0, 2))),
        (r"/a(?#note)b/", b"ab", Some((0, 2))),
        (r"/\Qa.b\E+/", b"a.bb", Some((0, 4))),
        // Only an engine that goes back can do these.
        (r"/(a|b)\1/", b"abb", Some((1, 3))),
        (r"/(?P<x>..)-(?P=x)/", b"ab-abc", Some((0, 5))),
        (r"/(a)\g{-1}\g1/", b"aaa", Some((0, 3))),
        (r"/(A)\1/i", b"aA", Some((0, 2))),
        (r"/(a)?\1b/", b"b", None),
        (r"/foo(?=bar)/", b"foobaz foobar", Some((7, 10))),
        (r"/foo(?!bar)/", b"foobar foobaz", Some((7, 10))),
        (r"/(?<=foo)bar/", b"bar foobar", Some((7, 10))),
        (r"/(?<!foo)bar/", b"foobar bar", Some((7, 10))),
        (r"/(?<=a|bc)x/", b"x ax", Some((3, 4))),
        (r"/(?>a+)ab/", b"aaab", None),
        (r"/a++b/", b"aaab", Some((0, 4))),
        (r"/a++ab/", b"aaab", None),
        (r"/(?:a?+b)*+$/", b"abbab", Some((0, 5))),
        (r"/(?:a*)*b/", b"aab", Some((0, 3))),
        (r"/(?:a|b)*?c(?!d)/", b"abcd bc", Some((5, 7))),
        (r"/^(?=.{3}$)[a-z]+/", b"abc", Some((0, 3))),
        (r"/(?=(a+))\1b/", b"aab", Some((0, 3))),
        (r"/^(?(?=a)ab|.c)$/", b"bc", Some((0, 2))),
        (r"/^(?(?=a)ab|.c)$/", b"ac", None),
        (r"/x(?(?<=ax)b)$/", b"axc", None),
        (r"/^a/m", b"b\na", Some((2, 3))),
        (r"/^/m", b"a\n", Some((0, 0))),
        (r"/\n^/m", b"a\n", None),
        (r"/\n^/m", b"a\nb", Some((1, 2))),
    ];
    for (text, data, expected) in cases {
        // `$` is written loosely where nothing counts from the match's end.
        let mut expression = Expression::new(&pcre(text)).unwrap();
        expression.ends_exactly(true);
        let found = expression.find(data, 0, &mut Memory::default());
        assert_eq!(found, expected.map_or(Found::No, |(start, end)| Found::At(start, end)), "{text}");
        assert_eq!(find(text, data).is_some(), expected.is_some(), "{text}");
    }
}

#[test]
fn what_is_no_expression_is_refused() {
    for text in [
        "/(/",
        "/)/",
        "/a(b/",
        "/[a/",
        "/*a/",
        "/a|+/",
        r"/\\1(?:a)/x",
        "/a{3,2}/",
        "/a{70000}/",
        "/[z-a]/",
        r"/\u0041/",
        r"/\x{100}/",
        "/(?<=a+)b/",
        "/(?<n/",
        "/(?R)/",
        "/(*FAIL)/",
        "/[[:wrong:]]/",
        r"/(a)\2/",
        "/(?P=no)/",
    ] {
        // One that is written as text of a backslash stands among them: it is fine.
        let text_is_fine = text.starts_with(r"/\\1");
        assert_eq!(Expression::new(&pcre(text)).is_ok(), text_is_fine, "{text}");
    }
    assert!(Expression::new(&pcre(&format!("/{}a{}/", "(".repeat(100), ")".repeat(100)))).is_err(), "too deep");
    assert!(Expression::new(&pcre("/(?:(?:(?:a|b){1000}){1000}){1000}/")).is_err(), "too large");
    assert!(Expression::new(&pcre("/(?:(?:(?:){65535}){65535}){65535}/")).is_err(), "too much of nothing");
}

#[test]
fn expressions_that_would_run_away_do_not() {
    let data: Vec<u8> = std::iter::repeat_n(b'a', 60_000).collect();
    for text in [
        r"/^(a+)+$/",
        r"/(a|aa)+$/",
        r"/(.*a){12}x/",
        r"/(a*)*b/",
        r"/(?=(a+)+b)/",
        r"/(a+)+\1b/",
        r"/(?:a|a)*+x/",
        r"/(?<!b)(a*a*)*x/",
        r"/([a-z]+)*\d(?!x)/",
        r"/.*.*.*=.*(?!x)/",
        r"/(?:(?:a?){50}){50}(?!a)b/",
    ] {
        let expression = Expression::new(&pcre(text)).unwrap();
        let mut memory = Memory::default();
        // That it comes back is the test; the bound on steps makes that a matter of a moment.
        let found = expression.find(&data, 0, &mut memory);
        if expression.engine() == Engine::Automaton {
            assert_ne!(found, Found::Limit, "{text}");
        }
    }
    let expression = Expression::new(&pcre(r"/(?=(a+)+b)a/")).unwrap();
    assert_eq!(expression.find(&data, 0, &mut Memory::default()), Found::Limit);
    let (mut state, mut sets) = (State::default(), NoSets);
    let negated = chain(r#"pcre:!"/(?=(a+)+b)a/";"#);
    assert!(!negated.matches(&data, &mut Cx::new(&mut state, &mut sets)), "given up is no match, negated or not");
    assert_eq!(state.counts.pcre, 1);
}

#[test]
fn an_automaton_that_is_too_large_gives_way() {
    let text = r"/(?:[a-z]{3}[^\x00-\x20]{900}){20}x/";
    let expression = Expression::new(&pcre(text)).unwrap();
    assert_eq!(expression.engine(), Engine::Automaton);
    let unit = [b'a'; 903];
    let mut data = unit.repeat(20);
    data.push(b'x');
    assert_eq!(expression.find(&data, 0, &mut Memory::default()), Found::At(0, data.len()));
}

#[test]
fn relative_expressions_see_nothing_before_them() {
    all(
        b"abc abd",
        &[
            (r#"content:"ab"; pcre:"/^d/R";"#, true),
            (r#"content:"abc"; pcre:"/^ abd$/R";"#, true),
            (r#"content:"abc"; pcre:"/(?<=c) /R";"#, false),
            (r#"content:"ab"; pcre:!"/^c/R";"#, true),
            (r#"pcre:"/ab/"; pcre:"/^d/R";"#, true),
            (r#"pcre:"/zz/"; content:"a";"#, false),
            (r#"pcre:!"/zz/"; content:"a";"#, true),
        ],
    );
    // The place before a newline at the end is where `$` ends.
    all(b"ab\n", &[(r#"pcre:"/b$/"; content:"|0a|"; within:1;"#, true)]);
}

/// Expressions that both engines run.
fn expressions() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        4 => "[abc]".prop_map(|text| text),
        1 => Just(".".to_owned()),
        1 => Just(r"\w".to_owned()),
        1 => Just("[^a]".to_owned()),
        1 => Just("[b-c]".to_owned()),
        1 => Just(r"\b".to_owned()),
        1 => Just("^".to_owned()),
        1 => Just(r"\z".to_owned()),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
            prop::collection::vec(inner.clone(), 1..3).prop_map(|parts| format!("(?:{})", parts.join("|"))),
            inner.clone().prop_map(|part| format!("({part})")),
            (inner, prop::sample::select(vec!["*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{1,}?"]))
                .prop_map(|(part, count)| format!("(?:{part}){count}")),
        ]
    })
}

proptest! {
    /// An empty look-ahead keeps an expression from the automaton without changing what it means.
    #[test]
    fn both_engines_find_the_same(text in expressions(), data in "[abc \n]{0,12}", from in 0_usize..4) {
        let mut automaton = Expression::new(&pcre(&format!("/{text}/"))).unwrap();
        automaton.ends_exactly(true);
        let backtracking = Expression::new(&pcre(&format!("/{text}(?!x(?!x)x)/"))).unwrap();
        prop_assert_eq!(backtracking.engine(), Engine::Backtracking);
        let found = automaton.find(data.as_bytes(), from, &mut Memory::default());
        prop_assert_eq!(found, backtracking.find(data.as_bytes(), from, &mut Memory::default()), "{}", text);
    }

    #[test]
    fn any_text_is_an_expression_or_refused(text in "[\\\\(\\[)\\]{}^$|*+?a-c0-3<>=!:P.,-]{0,24}", data in "[abc0-3]{0,12}") {
        let pcre = Pcre { pattern: text.into(), ..pcre("/a/") };
        if let Ok(expression) = Expression::new(&pcre) {
            expression.find(data.as_bytes(), 0, &mut Memory::default());
        }
    }
}
