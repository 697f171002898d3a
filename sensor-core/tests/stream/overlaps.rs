//! What stands where segments say different things.

use sensor_core::stream::{Event, Policy, Side};

use super::conversation::{ACK, Talk};

/// What waits (`o`), what comes then (`n`), by first number and length; and for each policy what stands.
///
/// Numbers 1 and 2 come last, so that all else waits.
type Case = (&'static [(u32, u32, u8)], &'static [(&'static str, &'static [Policy])]);

use Policy::*;

const NEW_IF_BEFORE: &[Policy] = &[Bsd, Linux, OldLinux, Windows, Windows2003, HpUx10, Irix, MacOs];
const OLD_EVER: &[Policy] = &[First, BsdRight, WindowsVista];

const CASES: &[Case] = &[
    // From before into the old one.
    (
        &[(6, 4, b'o'), (4, 4, b'n')],
        &[("..nnnnoo", NEW_IF_BEFORE), ("..nnnnoo", &[Last]), ("..nnoooo", OLD_EVER), ("..nnoooo", &[Solaris, HpUx11])],
    ),
    // Over all of it and more.
    (
        &[(6, 4, b'o'), (4, 8, b'n')],
        &[("..nnnnnnnn", NEW_IF_BEFORE), ("..nnnnnnnn", &[Last, Solaris, HpUx11]), ("..nnoooonn", OLD_EVER)],
    ),
    // From its start, longer.
    (
        &[(4, 4, b'o'), (4, 6, b'n')],
        &[
            ("..nnnnnn", &[Linux, OldLinux, HpUx10, Irix, Last, Solaris, HpUx11]),
            ("..oooonn", &[Bsd, Windows, Windows2003, MacOs]),
            ("..oooonn", OLD_EVER),
        ],
    ),
    // From its start, shorter.
    (
        &[(4, 4, b'o'), (4, 2, b'n')],
        &[("..nnoo", &[Last]), ("..oooo", NEW_IF_BEFORE), ("..oooo", OLD_EVER), ("..oooo", &[Solaris, HpUx11])],
    ),
    // The same numbers.
    (
        &[(4, 4, b'o'), (4, 4, b'n')],
        &[
            ("..nnnn", &[Last, OldLinux, Solaris, HpUx11]),
            ("..oooo", &[Bsd, Linux, Windows, Windows2003, HpUx10, Irix, MacOs]),
            ("..oooo", OLD_EVER),
        ],
    ),
    // Inside of it.
    (
        &[(4, 6, b'o'), (6, 2, b'n')],
        &[("..oonnoo", &[Last]), ("..oooooo", NEW_IF_BEFORE), ("..oooooo", OLD_EVER), ("..oooooo", &[Solaris, HpUx11])],
    ),
    // From inside past its end.
    (
        &[(4, 4, b'o'), (6, 4, b'n')],
        &[("..oonnnn", &[Last, Solaris, HpUx11]), ("..oooonn", NEW_IF_BEFORE), ("..oooonn", OLD_EVER)],
    ),
    // Over two and the hole between, to the end of the second.
    (
        &[(4, 2, b'o'), (8, 2, b'p'), (4, 6, b'n')],
        &[
            ("..nnnnnn", &[Last, Solaris, HpUx11, Linux, OldLinux, HpUx10, Irix]),
            ("..oonnnn", &[Bsd, Windows, Windows2003, MacOs]),
            ("..oonnpp", OLD_EVER),
        ],
    ),
    // Solaris and HP-UX 11 keep a segment behind a hole that comes again.
    (
        &[(4, 2, b'o'), (8, 2, b'p'), (8, 2, b'n')],
        &[("..oo  pp", &[Solaris, HpUx11, Bsd, Linux, Windows, First]), ("..oo  nn", &[Last, OldLinux])],
    ),
];

#[test]
fn policies_decide_what_stands() {
    for (segments, outcomes) in CASES {
        for (expected, policies) in *outcomes {
            for policy in *policies {
                let mut talk = Talk::with_policy(*policy);
                let mut different = 0;
                for (first, len, byte) in *segments {
                    let events = talk.client(*first - 1, 1, ACK, &vec![*byte; *len as usize]);
                    different += usize::from(events.contains(&Event::OverlapDifferent));
                }
                assert_eq!(different, 1, "{segments:?}");
                talk.client(1, 1, ACK, b"..");
                talk.close();
                let got = String::from_utf8(talk.keeper.data_of(Side::Client)).unwrap();
                assert_eq!(got, expected.replace(' ', ""), "{policy:?} {segments:?}");
                let holes = expected.matches(' ').count() as u64;
                assert_eq!(talk.keeper.gaps_of(Side::Client), holes);
            }
        }
    }
}

#[test]
fn every_policy_is_in_the_table() {
    for policy in Policy::ALL {
        for (_, outcomes) in CASES.iter().take(8) {
            let times: usize =
                outcomes.iter().map(|(_, policies)| policies.iter().filter(|p| **p == policy).count()).sum();
            assert_eq!(times, 1, "{policy:?}");
        }
    }
}

#[test]
fn what_was_in_order_is_with_the_host_under_any_policy() {
    for policy in Policy::ALL {
        let mut talk = Talk::with_policy(policy);
        talk.client(1, 1, ACK, b"first");
        talk.client(1, 1, ACK, b"FIRST and more");
        talk.close();
        assert_eq!(talk.keeper.data_of(Side::Client), b"first and more", "{policy:?}");
    }
}

#[test]
fn the_segment_that_fills_a_hole_is_judged_with_what_waits() {
    for (policy, expected) in [(Linux, b"nnnn"), (First, b"nnoo")] {
        let mut talk = Talk::with_policy(policy);
        talk.client(3, 1, ACK, b"oo");
        assert_eq!(talk.client(1, 1, ACK, b"nnnn"), [Event::OverlapDifferent]);
        assert_eq!(talk.keeper.data_of(Side::Client), expected);
    }
}
