//! Rules in their text against data, as Suricata's documentation describes each option.

mod expressions;
mod reference;
mod runaway;
mod transforms;

use super::*;
use crate::rules::ast::{Dataset, Rule, Scope};
use crate::rules::{Buffer, Ruleset, Variables};

/// Numbers names in the order in which they come.
#[derive(Default)]
pub(super) struct Names(Vec<String>);

impl Names {
    fn number(&mut self, name: String) -> u32 {
        let at = self.0.iter().position(|known| *known == name).unwrap_or_else(|| {
            self.0.push(name);
            self.0.len() - 1
        });
        u32::try_from(at).unwrap()
    }
}

impl Registry for Names {
    fn dataset(&mut self, set: &Dataset) -> Result<u32, String> {
        Ok(self.number(set.name.to_string()))
    }

    fn variable(&mut self, scope: Scope, name: &str) -> Result<u32, String> {
        Ok(self.number(format!("{scope:?} {name}")))
    }
}

pub(super) fn rule(options: &str) -> Rule {
    let mut set = Ruleset::new(Variables::default());
    set.read("test", format!("alert tcp any any -> any any ({options} sid:1;)").as_bytes());
    assert!(set.refusals().is_empty(), "{options}: {:?}", set.refusals());
    set.rules()[0].clone()
}

pub(super) fn chain(options: &str) -> Chain {
    let rule = rule(options);
    Chain::of_packet(&rule).unwrap_or_else(|| Chain::compile(&rule, 0, &mut Names::default()).unwrap())
}

fn matches(options: &str, data: &[u8]) -> bool {
    let (mut state, mut sets) = (State::default(), NoSets);
    chain(options).matches(data, &mut Cx::new(&mut state, &mut sets))
}

/// Each of the options on the data as it says.
#[track_caller]
fn all(data: &[u8], cases: &[(&str, bool)]) {
    for (options, expected) in cases {
        assert_eq!(matches(options, data), *expected, "{options} on {:?}", String::from_utf8_lossy(data));
    }
}

#[test]
fn contents_stand_where_they_should() {
    all(
        b"abcdefghij",
        &[
            (r#"content:"def";"#, true),
            (r#"content:"dfe";"#, false),
            (r#"content:!"dfe";"#, true),
            (r#"content:!"def";"#, false),
            (r#"content:"def"; depth:6;"#, true),
            (r#"content:"def"; depth:5;"#, false),
            (r#"content:"def"; offset:3;"#, true),
            (r#"content:"def"; offset:4;"#, false),
            // Depth counts from the offset.
            (r#"content:"def"; offset:3; depth:3;"#, true),
            (r#"content:"def"; offset:2; depth:3;"#, false),
            (r#"content:"j"; offset:9;"#, true),
            (r#"content:"j"; offset:10;"#, false),
            (r#"content:"j"; offset:5000;"#, false),
            (r#"content:!"j"; offset:5000;"#, true),
            (r#"content:"abc"; startswith;"#, true),
            (r#"content:"bcd"; startswith;"#, false),
            (r#"content:"hij"; endswith;"#, true),
            (r#"content:"ghi"; endswith;"#, false),
            (r#"content:!"ghi"; endswith;"#, true),
            (r#"content:!"hij"; endswith;"#, false),
            (r#"content:"abcdefghij"; startswith; endswith;"#, true),
            (r#"content:"DEF"; nocase;"#, true),
            (r#"content:"DEF";"#, false),
            (r#"content:"HIJ"; nocase; endswith;"#, true),
            (r#"content:"abcdefghijk";"#, false),
        ],
    );
    all(b"", &[(r#"content:"a";"#, false), (r#"content:!"a";"#, true)]);
    // Only the letters of ASCII have a case.
    all("ÄÖ".as_bytes(), &[(r#"content:"ä"; nocase;"#, false), (r#"content:"Ä"; nocase;"#, true)]);
}

#[test]
fn relative_contents_count_from_the_last_match() {
    all(
        b"abcdefghij",
        &[
            (r#"content:"abc"; content:"def"; distance:0;"#, true),
            (r#"content:"abc"; content:"cde"; distance:0;"#, false),
            (r#"content:"abc"; content:"cde"; distance:-1;"#, true),
            (r#"content:"abc"; content:"abc"; distance:-100;"#, true),
            (r#"content:"abc"; content:"efg"; distance:1; within:3;"#, true),
            (r#"content:"abc"; content:"efg"; within:3;"#, false),
            (r#"content:"abc"; content:"efg"; within:4;"#, true),
            (r#"content:"abc"; content:"fgh"; distance:1; within:4;"#, true),
            (r#"content:"abc"; content:"fgh"; distance:1; within:3;"#, false),
            (r#"content:"abc"; content:!"efg"; within:3;"#, true),
            (r#"content:"abc"; content:!"efg"; within:4;"#, false),
            (r#"content:"hij"; content:!"k"; distance:0;"#, true),
            (r#"content:"hij"; content:!"k"; distance:5;"#, true),
            // What is negated moves nothing.
            (r#"content:"abc"; content:!"xyz"; distance:0; content:"def"; within:3;"#, true),
            // Counted from the start where nothing came before.
            (r#"content:"abc"; distance:0; within:3;"#, true),
            (r#"content:"bcd"; distance:0; within:3;"#, false),
        ],
    );
}

#[test]
fn an_earlier_content_is_searched_on_if_a_later_one_fails() {
    all(
        b"a1 a2 a3 b",
        &[
            (r#"content:"a"; content:"3"; distance:0; within:1;"#, true),
            (r#"content:"a"; content:"4"; distance:0; within:1;"#, false),
            (r#"content:"a"; content:!"1"; within:1;"#, true),
            (r#"pcre:"/a/"; content:"3"; within:1;"#, true),
            (r#"content:"a"; pcre:"/^3/R";"#, true),
            (r#"content:"a"; byte_test:1,=,3,0,relative,string,dec;"#, true),
            (r#"content:"a"; byte_test:1,>,3,0,relative,string,dec;"#, false),
            (r#"content:"a"; content:" "; distance:1; within:1; content:"b"; within:1;"#, true),
            (r#"content:"a"; isdataat:!4,relative;"#, true),
            (r#"content:"a"; isdataat:!3,relative;"#, false),
            // A content that counts from the start is not searched on for those that do too.
            (r#"content:"a"; content:"b"; offset:9; content:"3"; offset:7; depth:1;"#, true),
        ],
    );
    // Occurrences that overlap.
    all(b"aaab", &[(r#"content:"aa"; content:"b"; within:1;"#, true)]);
}

#[test]
fn steps_are_bounded() {
    let data = vec![b'a'; 10_000];
    let (mut state, mut sets) = (State::default(), NoSets);
    let chain = chain(r#"content:"a"; content:"a"; distance:0; content:"b"; within:1;"#);
    assert!(!chain.matches(&data, &mut Cx::new(&mut state, &mut sets)));
    assert_eq!(state.counts.steps, 1);
    assert!(!chain.matches(&data[..10], &mut Cx::new(&mut state, &mut sets)));
    assert_eq!(state.counts.steps, 1);
}

#[test]
fn isdataat_counts_as_suricata_does() {
    // The 32 bytes of suricata-verify's issue-8031-01.
    let data = b"abcdefghijklmnopqrstuvwabcdefghi";
    all(
        data,
        &[
            ("isdataat:31;", true),
            ("isdataat:32;", false),
            ("isdataat:!32;", true),
            ("isdataat:31,relative;", true),
            ("isdataat:32,relative;", true),
            ("isdataat:33,relative;", false),
            (r#"content:"a"; depth:1; isdataat:31,relative;"#, true),
            (r#"content:"a"; depth:1; isdataat:32,relative;"#, false),
            (r#"content:"ghi"; isdataat:!1,relative;"#, true),
        ],
    );
}

#[test]
fn numbers_are_read_and_compared() {
    all(
        b"\x00\x01\x02\xff 12 0x1F 017",
        &[
            ("byte_test:1,=,1,1;", true),
            ("byte_test:2,=,1,0;", true),
            ("byte_test:2,=,256,0,little;", true),
            ("byte_test:4,=,66303,0;", true),
            ("byte_test:1,!=,1,1;", false),
            ("byte_test:1,!=,1,2;", true),
            ("byte_test:1,>,254,3;", true),
            ("byte_test:1,>=,255,3;", true),
            ("byte_test:1,<,255,3;", false),
            ("byte_test:1,<=,255,3;", true),
            ("byte_test:1,&,0x80,3;", true),
            ("byte_test:1,!&,0x80,3;", false),
            ("byte_test:1,&,0x80,2;", false),
            ("byte_test:1,^,255,3;", false),
            ("byte_test:1,^,1,3;", true),
            ("byte_test:1,=,15,3,bitmask 0xf0;", true),
            ("byte_test:2,=,12,5,string,dec;", true),
            ("byte_test:3,=,12,4,string,dec;", true),
            ("byte_test:4,=,31,8,string,hex;", true),
            ("byte_test:4,=,31,8,string;", true),
            ("byte_test:3,=,15,13,string,oct;", true),
            ("byte_test:0,=,12,5,string,dec;", true),
            // No digits, or not so many bytes: it can't be compared, negated or not.
            ("byte_test:1,=,0,0,string,dec;", false),
            ("byte_test:1,!=,0,0,string,dec;", false),
            ("byte_test:8,!=,0,10;", false),
            ("byte_test:1,!=,0,65000;", false),
        ],
    );
}

#[test]
fn jumps_go_where_the_number_says() {
    // A length, so many bytes, then text.
    all(
        b"\x03abcXY\x00Z",
        &[
            (r#"byte_jump:1,0; content:"XY"; within:2;"#, true),
            (r#"byte_jump:1,0; content:"Y"; within:1;"#, false),
            (r#"byte_jump:1,0,multiplier 2; content:"|00|"; distance:-1; within:1;"#, true),
            (r#"byte_jump:1,0,align; content:"Y"; within:1;"#, true),
            (r#"byte_jump:1,0,post_offset 1; content:"Y"; within:1;"#, true),
            (r#"byte_jump:1,0,post_offset -2; content:"b"; within:1;"#, true),
            (r#"byte_jump:1,0,from_beginning; content:"cXY"; within:3;"#, true),
            (r#"byte_jump:1,6,from_end,post_offset -1; content:"Z"; within:1;"#, true),
            (r#"byte_jump:0,0,from_end,post_offset -2; content:"|00|Z"; within:2;"#, true),
            (r#"content:"abc"; byte_jump:1,-4,relative; content:"XY"; within:2;"#, true),
            // Past the end there is nothing to jump to; before the start is the start.
            ("byte_jump:1,1;", false),
            ("byte_jump:1,0,post_offset 4;", false),
            (r#"byte_jump:1,0,post_offset -200; content:"|03|"; within:1;"#, true),
            ("byte_jump:1,100;", false),
            ("content:\"abc\"; byte_jump:1,-5,relative;", false),
        ],
    );
    // The digits are what is stepped over, not the bytes allowed.
    all(b"2 xxab", &[(r#"byte_jump:4,0,string,dec; content:"xa"; within:2;"#, true)]);
    all(b"2 xab", &[(r#"byte_jump:4,0,string,dec; content:"ab"; within:2;"#, true)]);
}

#[test]
fn numbers_are_left_to_later_options() {
    all(
        b"\x02\x05abcdefgh",
        &[
            (r#"byte_extract:1,0,skip; content:"cd"; offset:skip; depth:3;"#, false),
            (r#"byte_extract:1,0,skip; content:"abc"; offset:skip; depth:3;"#, true),
            (r#"byte_extract:1,1,n; content:"ab"; content:"h"; distance:n; within:1;"#, true),
            (r#"byte_extract:1,1,n; content:"ab"; content:"h"; within:n;"#, false),
            (r#"byte_extract:1,1,n; content:"ab"; content:"g"; within:n;"#, true),
            (r#"byte_extract:1,0,n; byte_test:1,>,n,1;"#, true),
            (r#"byte_extract:1,0,n; byte_test:1,<,n,1;"#, false),
            (r#"byte_extract:1,0,n; byte_test:n,=,517,0;"#, true),
            (r#"byte_extract:1,0,n; isdataat:n;"#, true),
            // It moves the place that others count from.
            (r#"byte_extract:1,0,n; byte_extract:1,0,m,relative; content:"a"; within:1;"#, true),
            (r#"byte_extract:1,0,n,multiplier 3; byte_test:1,<,n,1;"#, true),
            (r#"byte_extract:1,1,n,align 4; byte_test:1,=,n,0;"#, false),
            (r#"byte_math:bytes 1, offset 0, oper +, rvalue 3, result n; byte_test:1,=,n,1;"#, true),
            (r#"byte_math:bytes 1, offset 1, oper -, rvalue 3, result n; byte_test:1,=,n,0;"#, true),
            (r#"byte_math:bytes 1, offset 1, oper /, rvalue 2, result n; byte_test:1,=,n,0;"#, true),
            (r#"byte_math:bytes 1, offset 0, oper <<, rvalue 1, result n; byte_test:1,>,n,1;"#, true),
            (r#"byte_extract:1,0,a; byte_math:bytes 1, offset 1, oper *, rvalue a, result n; isdataat:n;"#, false),
        ],
    );
    // Each occurrence gives another number, which a later option may need.
    all(b"n\x09 n\x01 x", &[(r#"content:"n"; byte_extract:1,0,v,relative; content:"x"; distance:v; within:1;"#, true)]);
}

#[test]
fn sizes_and_absence() {
    let sized = |options: &str, data: &[u8]| matches(&format!("file.data; {options}"), data);
    assert!(sized("bsize:3;", b"abc") && !sized("bsize:3;", b"abcd") && sized("bsize:0;", b""));
    assert!(sized("bsize:2<>4;", b"abc") && !sized("bsize:3<>5;", b"abc") && sized("bsize:>2;", b"abc"));
    let absent = |options: &str| chain(&format!("file.data; {options}"));
    let (mut state, mut sets) = (State::default(), NoSets);
    let mut is = |chain: &Chain, data: &[u8]| chain.matches(data, &mut Cx::new(&mut state, &mut sets));
    let only = absent("absent;");
    assert!(only.matches_absent() && !is(&only, b"") && !is(&only, b"a"));
    let or_else = absent(r#"absent:or_else; content:!"abc";"#);
    assert!(or_else.matches_absent() && is(&or_else, b"x") && !is(&or_else, b"abc"));
    assert!(!absent(r#"content:!"abc";"#).matches_absent());
}

#[test]
fn windows_of_a_stream_know_where_they_begin() {
    let (mut state, mut sets) = (State::default(), NoSets);
    let mut at = |options: &str, data: &[u8], start: u64, ends: bool| {
        let mut cx = Cx { start, ends, ..Cx::new(&mut state, &mut sets) };
        chain(options).matches(data, &mut cx)
    };
    assert!(at(r#"content:"abc"; depth:13;"#, b"abc", 10, true));
    assert!(!at(r#"content:"abc"; depth:12;"#, b"abc", 10, true));
    assert!(at(r#"content:"abc"; offset:10;"#, b"abc", 10, true));
    assert!(!at(r#"content:"abc"; offset:11;"#, b"abc", 10, true));
    assert!(!at(r#"content:"abc"; startswith;"#, b"abc", 10, true));
    assert!(at(r#"content:"b"; distance:1;"#, b"abc", 10, true), "what is relative counts in the window");
    assert!(at("file.data; bsize:13;", b"abc", 10, true));
    assert!(!at("file.data; bsize:13;", b"abc", 10, false), "more may come");
    assert!(at("file.data; bsize:>12;", b"abc", 10, false));
}

#[test]
fn base64_is_looked_into() {
    all(
        b"x=SGVs bG8gd29ybGQ=&more",
        &[
            (
                r#"content:"x="; base64_decode:relative; base64_data; content:"Hello world"; startswith; endswith;"#,
                true,
            ),
            (r#"base64_decode:offset 2; base64_data; content:"Hello"; startswith;"#, true),
            (r#"base64_decode:bytes 4,offset 2; base64_data; bsize:3;"#, true),
            (r#"base64_decode:bytes 2,offset 2; base64_data; bsize:1; content:"H";"#, true),
            (r#"base64_decode:offset 2; base64_data; content:"nothing";"#, false),
            (r#"base64_decode:offset 500; base64_data; content:!"nothing";"#, false),
            (r#"content:"="; base64_decode:relative; base64_data; content:"world";"#, true),
        ],
    );
}

#[test]
fn captures_are_kept_once_for_what_matched() {
    let rule = rule(r#"pcre:"/(\w)=(\w+)/, flow:key, pkt:value"; content:"!"; distance:0; within:1;"#);
    let chain = Chain::compile(&rule, 0, &mut Names::default()).unwrap();
    let (mut state, mut sets) = (State::default(), NoSets);
    assert!(chain.matches(b"a=one b=two!", &mut Cx::new(&mut state, &mut sets)));
    let found: Vec<_> = state.captured.iter().collect();
    assert_eq!(found, [(0, &b"b"[..]), (1, &b"two"[..])]);
    state.begin();
    assert!(state.captured.is_empty());
}

#[test]
fn captures_are_bounded() {
    let chain = chain(r#"pcre:"/^(a+)$/, flow:all";"#);
    let (mut state, mut sets) = (State::default(), NoSets);
    let data = vec![b'a'; MAX_CAPTURED / 2 + 1];
    for _ in 0..2 {
        assert!(chain.matches(&data, &mut Cx::new(&mut state, &mut sets)));
    }
    assert_eq!((state.captured.iter().count(), state.counts.captures), (1, 1));
}

#[test]
fn sets_are_asked_by_number() {
    #[derive(Default)]
    struct One(Vec<(u32, DatasetCommand, Vec<u8>)>);
    impl Sets for One {
        fn dataset(&mut self, set: u32, command: DatasetCommand, data: &[u8]) -> bool {
            self.0.push((set, command, data.to_vec()));
            data == b"in"
        }
        fn reputation(&mut self, _: u32, data: &[u8]) -> Option<u16> {
            (data == b"in").then_some(80)
        }
    }
    let (mut state, mut sets) = (State::default(), One::default());
    let dataset = chain("file.data; dataset:isset,a,type string;");
    assert!(dataset.matches(b"in", &mut Cx::new(&mut state, &mut sets)));
    assert!(!dataset.matches(b"out", &mut Cx::new(&mut state, &mut sets)));
    assert_eq!(sets.0[0], (0, DatasetCommand::IsSet, b"in".to_vec()));
    let datarep = chain("file.data; datarep:a,>,50,type string;");
    assert!(datarep.matches(b"in", &mut Cx::new(&mut state, &mut sets)));
    assert!(!datarep.matches(b"out", &mut Cx::new(&mut state, &mut sets)));
}

#[test]
fn entropy_is_of_bits_a_byte() {
    let entropy = |options: &str, data: &[u8]| matches(&format!("file.data; entropy:{options};"), data);
    let every: Vec<u8> = (0..=255).collect();
    assert!(entropy("value = 8", &every) && entropy("value < 0.001", b"aaaa") && entropy("value = 1", b"abab"));
    assert!(entropy("bytes 4, offset 1, value = 2", b"aabcdeee"));
    assert!(!entropy("value >= 0", b""), "of nothing there is none");
}

#[test]
fn asn1_finds_what_hurts() {
    // BIT STRING of one byte that says 16 bits of it are unused; REAL of 300 characters; a length of four bytes.
    all(b"\x30\x03\x03\x01\x10", &[("asn1:bitstring_overflow;", true), ("asn1:double_overflow;", false)]);
    all(b"\x03\x02\x07\x80", &[("asn1:bitstring_overflow;", false)]);
    all(b"\x09\x82\x01\x2c\x03", &[("asn1:double_overflow;", true)]);
    all(b"\x09\x82\x01\x2c\x80", &[("asn1:double_overflow;", false)]);
    all(
        b"xx\x04\x84\x00\x01\x00\x00",
        &[
            ("asn1:oversize_length 65535, absolute_offset 2;", true),
            ("asn1:oversize_length 65536, absolute_offset 2;", false),
            (r#"content:"xx"; asn1:oversize_length 100, relative_offset 0;"#, true),
            ("asn1:oversize_length 1, absolute_offset 500;", false),
        ],
    );
}

#[test]
fn asn1_needs_no_payload_option() {
    assert!(Chain::of_packet(&rule(r#"content:"a"; asn1:bitstring_overflow;"#)).is_none());
    assert!(Chain::of_packet(&rule("flow:established;")).is_none());
    assert_eq!(Chain::of_packet(&rule("asn1:bitstring_overflow;")).unwrap().len(), 1);
}

#[test]
fn a_trace_tells_where_each_option_matched() {
    #[derive(Default)]
    struct All(Vec<(usize, Option<(usize, usize)>)>);
    impl Trace for All {
        fn tried(&mut self, tried: &Tried<'_>) {
            self.0.push((tried.option, tried.at.map(|span| (span.offset, span.len))));
        }
    }
    let (mut state, mut sets, mut trace) = (State::default(), NoSets, All::default());
    let chain = chain(r#"flow:established; content:"ab"; content:"c"; within:1;"#);
    assert!(chain.traced(b"abxabc", &mut Cx::new(&mut state, &mut sets), &mut trace));
    assert_eq!(trace.0, [(1, Some((0, 2))), (2, None), (1, Some((3, 2))), (2, Some((5, 1)))]);
}

#[test]
fn every_buffer_of_a_rule_has_its_own_options() {
    let rule = rule(r#"http.method; content:"GET"; http.uri; content:"/a"; content:"b"; distance:0;"#);
    assert_eq!(rule.buffers.iter().map(|it| it.buffer).collect::<Vec<_>>(), [Buffer::HttpMethod, Buffer::HttpUri]);
    let lens: Vec<_> = (0..2).map(|at| Chain::compile(&rule, at, &mut Names::default()).unwrap().len()).collect();
    assert_eq!(lens, [1, 2]);
}

#[test]
fn what_cannot_run_is_told_with_its_option() {
    let rule = rule(r#"content:"a"; pcre:"/(?R)/";"#);
    let fault = Chain::compile(&rule, 0, &mut Names::default()).unwrap_err();
    assert_eq!((fault.option, fault.reason.as_str()), (1, "(?R is not supported"));
}
