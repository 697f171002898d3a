//! A plain matcher that tries every way of placing contents, against chains.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
struct Plain {
    bytes: Vec<u8>,
    negated: bool,
    nocase: bool,
    /// Offset and depth, or distance and within.
    relative: bool,
    from: Option<i64>,
    within: Option<i64>,
    at_end: bool,
}

impl Plain {
    fn text(&self) -> String {
        let mut text = format!("content:{}\"", if self.negated { "!" } else { "" });
        self.bytes.iter().for_each(|byte| text.push(char::from(*byte)));
        text.push_str("\";");
        let (from, within) = if self.relative { ("distance", "within") } else { ("offset", "depth") };
        let mut say = |name: &str, value: Option<i64>| {
            if let Some(value) = value {
                text.push_str(&format!(" {name}:{value};"));
            }
        };
        say(from, self.from);
        say(within, self.within);
        if self.nocase {
            text.push_str(" nocase;");
        }
        if self.at_end {
            text.push_str(" endswith;");
        }
        text
    }

    /// All places where it stands.
    fn places(&self, data: &[u8], last: usize) -> Vec<usize> {
        let base = if self.relative { i64::try_from(last).unwrap() } else { 0 };
        let low = base + self.from.unwrap_or(0);
        (0..data.len())
            .filter(|at| {
                let Some(part) = data.get(*at..*at + self.bytes.len()) else { return false };
                let (start, end) = (i64::try_from(*at).unwrap(), i64::try_from(at + self.bytes.len()).unwrap());
                let same = if self.nocase { part.eq_ignore_ascii_case(&self.bytes) } else { part == self.bytes };
                same && start >= low
                    && self.within.is_none_or(|within| end <= low + within)
                    && (!self.at_end || at + self.bytes.len() == data.len())
            })
            .collect()
    }
}

fn reference(contents: &[Plain], data: &[u8], last: usize) -> bool {
    let Some((content, rest)) = contents.split_first() else { return true };
    let places = content.places(data, last);
    if content.negated {
        return places.is_empty() && reference(rest, data, last);
    }
    places.iter().any(|at| reference(rest, data, at + content.bytes.len()))
}

fn contents() -> impl Strategy<Value = Plain> {
    let bytes = prop::collection::vec(prop::sample::select(b"abAB".to_vec()), 1..4);
    let flags = (prop::bool::weighted(0.2), any::<bool>(), any::<bool>(), prop::bool::weighted(0.1));
    (bytes, flags, prop::option::of(-4_i64..6), prop::option::of(0_i64..6)).prop_map(
        |(bytes, (negated, nocase, relative, at_end), from, more)| {
            let len = i64::try_from(bytes.len()).unwrap();
            let relative = relative && (from.is_some() || more.is_some());
            let from = if relative { from } else { from.map(i64::abs) };
            Plain { bytes, negated, nocase, relative, from, within: more.map(|more| more + len), at_end }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn a_chain_matches_where_some_placing_does(
        contents in prop::collection::vec(contents(), 1..5),
        data in prop::collection::vec(prop::sample::select(b"abAB".to_vec()), 0..14),
    ) {
        let text: String = contents.iter().map(|content| content.text() + " ").collect();
        let mut set = Ruleset::new(Variables::default());
        set.read("test", format!("alert tcp any any -> any any ({text} sid:1;)").as_bytes());
        // Some of them could never match, and are refused.
        prop_assume!(set.refusals().is_empty());
        let chain = Chain::compile(&set.rules()[0], 0, &mut Names::default()).unwrap();
        let (mut state, mut sets) = (State::default(), NoSets);
        let matched = chain.matches(&data, &mut Cx::new(&mut state, &mut sets));
        // Where both are true a negated content may have been looked for behind another match of what stands before.
        prop_assert_eq!(matched, reference(&contents, &data, 0), "{} on {:?}", text, String::from_utf8_lossy(&data));
    }
}
