//! Expressions and contents that are known to run away, on data that is made for them.

use super::super::pcre::{LOOK_STEPS, LOOK_STEPS_A_BYTE};
use super::*;

/// What a look comes to: whether it matched, steps of expressions, and how often one was given up.
fn look(options: &str, data: &[u8]) -> (bool, usize, Counts) {
    let (mut state, mut sets) = (State::default(), NoSets);
    let matched = chain(options).matches(data, &mut Cx::new(&mut state, &mut sets));
    (matched, most(data) - state.work, state.counts)
}

fn most(data: &[u8]) -> usize {
    LOOK_STEPS + data.len() * LOOK_STEPS_A_BYTE
}

/// Of `a`, `b`, `x` and `y` without order, so that no automaton has seen its states before.
fn noise(len: usize) -> Vec<u8> {
    let mut seed = 1_u32;
    let mut next = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        b"xyab"[(seed >> 28) as usize & 3]
    };
    (0..len).map(|_| next()).collect()
}

/// Known for matchers that need time without bound on them: of the OWASP's page on denial of service by expressions, of
/// filters for addresses, HTML and numbers that were shipped, and of PCRE's own page on what its matching costs.
const CATASTROPHIC: [&str; 34] = [
    r"/(a+)+$/",
    r"/^(a+)+$/",
    r"/([a-zA-Z]+)*$/",
    r"/(a|aa)+$/",
    r"/(a|a?)+$/",
    r"/(.*a){20}$/",
    r"/(.*)*x/",
    r"/(x+x+)+y/",
    r"/^(([a-z])+.)+[A-Z]([a-z])+$/",
    r"/^([a-zA-Z0-9])(([\-.]|[_]+)?([a-zA-Z0-9]+))*(@){1}[a-z0-9]+[.]{1}(([a-z]{2,3})|([a-z]{2,3}[.]{1}[a-z]{2,3}))$/",
    r"/^(?:(?:[a-z0-9]+-?)*[a-z0-9]+)(?:\.(?:[a-z0-9]+-?)*[a-z0-9]+)*$/",
    r"/<(\w+)\s[^>]*>.*?<\/\1>/s",
    r"/^(\d+)*(\d+)*(\d+)*[^\d]$/",
    r"/(?:a?){64}a{64}$/",
    r"/((a{0,100}){0,100}){0,100}$/",
    r"/([ab]*)*([xy]*)*c/",
    r"/(?=(a+)+b)a/",
    r"/(?=(?=(?=(a|aa)+c)a+)a+)a/",
    r"/(?!(a*)*c)(?!(a*)*d)(?!(a*)*e)q/",
    r"/(?<=a)(?<=aa|ba)(a|aa)+(?!a|.)c/",
    r"/(a+)+\1b/",
    r"/(.+)(.+)(.+)\3\2\1$/",
    r"/^(.*?)(.*?)(.*?)(.*?)\1\2c/s",
    r"/(\w+)\s?\1\s?\1\s?\1c/",
    r"/(?>a+|b)*?(a|aa)*+c/",
    r"/(?:(?:a?){50}){50}(?!a)b/",
    r"/(a*?)*?(a+?)+?c/",
    r"/[a-z]{1,1000}[a-z]{1,1000}[a-z]{1,1000}0/",
    r"/(?:.{0,500}a){8}0/s",
    r"/(?:[^0]{1,5000}){3}0/",
    r"/x[^z]{1,5000}z/",
    r"/(?:[a-z]{3}[^\x00-\x20]{900}){20}0/",
    r"/(x+x+)+(?!x)y\1/",
    r"/^(?:(?:(?:(?:(?:(?:a+)+)+)+)+)+)+(?=b)/",
];

#[test]
fn what_runs_away_elsewhere_takes_bounded_steps() {
    let data: Vec<Vec<u8>> = vec![
        vec![b'a'; 40_000],
        [vec![b'a'; 40_000], b"!".to_vec()].concat(),
        vec![b'x'; 40_000],
        noise(40_000),
        b"ab".repeat(20_000),
        b"<a ".repeat(10_000),
        b"1".repeat(30_000),
        b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!".to_vec(),
    ];
    let (mut given_up, mut looks) = (0, 0);
    for expression in CATASTROPHIC {
        for data in &data {
            for options in [
                format!("pcre:\"{expression}\";"),
                format!("pcre:!\"{expression}\";"),
                // Where the content is not, the expression is searched on from each of its places.
                format!("pcre:\"{expression}\"; content:\"|ff|\"; distance:0;"),
                format!("content:\"a\"; pcre:\"{expression}R\"; content:\"|ff|\"; distance:0;"),
            ] {
                let (matched, steps, counts) = look(&options, data);
                assert!(steps <= most(data), "{options}: {steps}");
                // What was given up did not match, negated or not.
                assert!(!(matched && counts.pcre > 0), "{options}: {counts:?}");
                given_up += u32::from(counts.pcre > 0);
                looks += u32::from(counts.steps > 0);
            }
        }
    }
    println!("{given_up} gave up an expression, {looks} looks ended early");
    assert!(given_up > 100 && looks > 10, "{given_up} {looks}");
}

#[test]
fn an_expression_that_is_tried_at_each_place_has_the_steps_of_one_look() {
    let data = vec![b'a'; 100_000];
    let (matched, steps, counts) = look(r#"pcre:"/a(?=(a+)+b|a)/"; content:"zz"; distance:0;"#, &data);
    assert!(!matched && counts.pcre > 0);
    // One search alone may take 50,000 and four a byte.
    assert!((450_000..=most(&data)).contains(&steps), "{steps}");
    // A search without retries has no less than before.
    let (matched, _, counts) = look(r#"pcre:"/a(?=a{5})(?!b)/"; content:"a"; distance:50000;"#, &data);
    assert!(matched && counts == Counts::default(), "{counts:?}");
}

#[test]
fn an_automaton_of_many_states_is_given_up() {
    let data = noise(100_000);
    let (matched, steps, counts) = look(r#"pcre:"/x[^z]{1,5000}z/";"#, &data);
    assert!(!matched && counts.pcre == 1 && steps <= most(&data), "{steps} {counts:?}");
    // What is found before that is found all the same.
    let found = [b"xaaz".as_slice(), &data].concat();
    assert!(look(r#"pcre:"/x[^z]{1,5000}z/";"#, &found).0);
    // A few hundred states are enough for what rules ask of a body.
    let (_, _, counts) = look(r#"pcre:"/x[^z]{1,200}z/";"#, &data);
    assert_eq!(counts, Counts::default());
    // A part's end is not the data's.
    for expression in [r"/[^z]{4000}[^z]{1000}$/", r"/[^z]{4000}[^z]{500,}\b\z/", r"/(?:[xyab]{1,5000})+$/"] {
        let (matched, _, counts) = look(&format!("pcre:\"{expression}\";"), &data);
        assert!(!matched || counts.pcre == 0, "{expression}");
        assert!(matched || counts.pcre > 0, "{expression}: it matches, so it may only be given up");
    }
}

#[test]
fn loops_that_are_emptied_at_each_place_count() {
    // Each `(?:ab)*` has a place of its own for where its round began.
    let many = "(?:ab)*".repeat(2000);
    let (_, steps, counts) = look(&format!("pcre:\"/{many}(?!a)c/\";"), &noise(50_000));
    assert!(counts.pcre > 0 && steps <= most(&noise(50_000)), "{steps}");
}

#[test]
fn contents_that_are_tried_again_end() {
    let data = vec![b'a'; 100_000];
    let chain: String = "content:\"a\"; distance:0; ".repeat(40);
    let (matched, _, counts) = look(&format!("content:\"a\"; {chain} content:\"b\"; within:2;"), &data);
    assert!(!matched && counts.steps == 1, "{counts:?}");
}

#[test]
fn contents_without_case_that_nearly_match_everywhere_have_the_steps_of_one_look() {
    let data = [vec![b'z'; 250], b"y".to_vec(), vec![b'z'; 100_000]].concat();
    let long = "z".repeat(240);
    let options = format!("content:\"z\"; content:\"{long}x\"; nocase; distance:0; within:60000;");
    let (matched, steps, counts) = look(&options, &data);
    assert!(!matched && counts.steps > 0 && steps == most(&data), "{steps} {counts:?}");
    // As many tries, each of them short.
    let (matched, steps, counts) = look(r#"content:"z"; content:"y"; distance:0; within:30;"#, &data);
    assert!(matched && counts == Counts::default() && steps < 10_000, "{steps} {counts:?}");
}
