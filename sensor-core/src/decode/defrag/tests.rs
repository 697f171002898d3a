//! Overlaps by policy, bounds, timeouts.

use proptest::prelude::*;

use super::*;

const SECOND: i64 = 1_000_000_000;

fn ip() -> Ip {
    Ip { source: 1, destination: 2, id: 9, ..Ip::default() }
}

fn key(id: u16) -> Key {
    Key::v4(&Ip { id, ..ip() }, 17, [0; 2])
}

fn limits(policy: OverlapPolicy) -> DefragLimits {
    DefragLimits { policy, ..DefragLimits::default() }
}

struct Case {
    defrag: Defrag,
    counts: Counts,
}

impl Case {
    fn new(limits: DefragLimits) -> Case {
        Case { defrag: Defrag::new(limits, 1), counts: Counts::default() }
    }

    fn add_at(&mut self, id: u16, time: i64, offset: usize, more: bool, data: &[u8]) -> Option<Datagram> {
        let body = Span { data, len: data.len() };
        let fragment = Fragment { ip: ip(), proto: 17, offset, more, body, overhead: 34 };
        let context = Context::of(time, 34 + data.len() as u32);
        self.defrag.expire(time, &mut self.counts);
        self.defrag.fragment(key(id), &fragment, &context, &mut self.counts);
        self.defrag.take()
    }

    fn add(&mut self, offset: usize, more: bool, data: &[u8]) -> Option<Datagram> {
        self.add_at(9, 0, offset, more, data)
    }
}

/// The fragments of figure 4 of Novak and Sturges: letter, offset, length.
const NOVAK: [(u8, usize, usize); 17] = [
    (b'A', 0, 24),
    (b'B', 32, 16),
    (b'C', 48, 24),
    (b'D', 80, 8),
    (b'E', 104, 16),
    (b'F', 120, 24),
    (b'G', 144, 16),
    (b'H', 160, 16),
    (b'I', 176, 8),
    (b'J', 8, 32),
    (b'K', 48, 24),
    (b'L', 72, 24),
    (b'M', 96, 24),
    (b'N', 128, 8),
    (b'O', 152, 8),
    (b'P', 160, 8),
    (b'Q', 176, 16),
];

#[test]
fn each_policy_sees_what_its_systems_were_measured_to_see() {
    // One letter for each 8 bytes. Of BSD-right the paper has the first nine only; the rest follows from its rule.
    for (policy, expected) in [
        (OverlapPolicy::Bsd, "AAAJJBCCCLLLMMMFFFGGHHIQ"),
        (OverlapPolicy::BsdRight, "AJJJBBKKKLDLMEEFNFGOPHQQ"),
        (OverlapPolicy::Linux, "AAAJJBKKKLLLMMMFFFGGPHQQ"),
        (OverlapPolicy::Windows, "AAAJBBCCCLLLMEEFFFGGHHIQ"),
        (OverlapPolicy::Solaris, "AAAJBBCCCLLLMMMFFFGGHHIQ"),
        (OverlapPolicy::First, "AAAJBBCCCLDLMEEFFFGGHHIQ"),
        (OverlapPolicy::Last, "AJJJJBKKKLLLMMMFNFGOPHQQ"),
    ] {
        let mut case = Case::new(limits(policy));
        let mut whole = None;
        for (letter, offset, len) in NOVAK {
            assert!(whole.is_none());
            whole = case.add(offset, letter != b'Q', &vec![letter; len]);
        }
        let whole = whole.unwrap();
        let seen: String = whole.body().data.chunks(8).map(|c| char::from(c[0])).collect();
        assert_eq!(seen, expected, "{policy:?}");
        assert!(whole.body().data.chunks(8).all(|c| c.iter().all(|b| *b == c[0])));
        assert_eq!(case.counts.get(Anomaly::Ipv4FragmentOverlap), 8);
        assert_eq!((whole.context().packets, whole.context().wire), (1, 34 + 192));
    }
}

#[test]
fn a_fragment_past_the_longest_datagram_or_past_its_own_end_is_left_out() {
    let mut case = Case::new(DefragLimits::default());
    assert!(case.add(65_528, false, &[0; 8]).is_none());
    assert_eq!(case.counts.get(Anomaly::Ipv4FragmentTooLarge), 1);
    assert!(case.add(8, false, &[2; 4]).is_none());
    assert!(case.add(16, true, &[3; 8]).is_none());
    assert_eq!(case.counts.get(Anomaly::Ipv4FragmentBeyondEnd), 1);
    assert_eq!(case.add(0, true, &[1; 8]).unwrap().body().data, [1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2]);
    // Units of 8 bytes: 3 of 11 are cut off, nothing is left of 5.
    assert!(case.add(0, true, &[1; 11]).is_none());
    assert!(case.add(0, true, &[1; 5]).is_none());
    assert_eq!(case.counts.get(Anomaly::Ipv4FragmentLength), 2);
    assert_eq!(case.add(8, false, &[2; 1]).unwrap().body().len, 9);
}

#[test]
fn what_the_capture_cut_is_missing_in_the_whole() {
    let mut case = Case::new(DefragLimits::default());
    case.add(0, true, &[1; 16]);
    let body = Span { data: &[2; 4], len: 16 };
    let last = Fragment { ip: ip(), proto: 17, offset: 16, more: false, body, overhead: 34 };
    case.defrag.fragment(key(9), &last, &Context::of(0, 50), &mut case.counts);
    let whole = case.defrag.take().unwrap();
    assert_eq!((whole.body().data.len(), whole.body().len), (20, 32));
}

#[test]
fn a_minute_without_the_rest_gives_it_up_with_its_frames_and_bytes() {
    let mut case = Case::new(DefragLimits::default());
    assert!(case.add_at(1, 0, 0, true, &[7; 16]).is_none());
    assert!(case.add_at(1, 59 * SECOND, 24, true, &[7; 8]).is_none());
    assert!(case.add_at(2, 59 * SECOND, 8, true, &[7; 8]).is_none());
    case.defrag.expire(60 * SECOND - 1, &mut case.counts);
    assert!(case.defrag.take().is_none());
    case.defrag.expire(60 * SECOND, &mut case.counts);
    let part = case.defrag.take().unwrap();
    assert_eq!((part.context().packets, part.context().wire), (2, 34 + 16 + 34 + 8));
    assert!(part.ip().partial && !part.ip().headless);
    assert_eq!((part.body().data.len(), part.body().len), (16, 24));
    assert!(case.defrag.take().is_none());
    case.defrag.finish(&mut case.counts);
    assert!(case.defrag.take().unwrap().ip().headless);
    assert_eq!(case.counts.get(Anomaly::DefragIncomplete), 2);
    assert_eq!(case.defrag.bytes, 0);
}

#[test]
fn full_of_datagrams_the_oldest_gives_way() {
    let mut case = Case::new(DefragLimits { datagrams: 4, ..DefragLimits::default() });
    for id in 0..10 {
        let gone = case.add_at(id, i64::from(id), 0, true, &[id as u8; 8]);
        assert_eq!(gone.map(|d| d.body().data[0]), id.checked_sub(4).map(|oldest| oldest as u8));
    }
    assert_eq!(case.counts.get(Anomaly::DefragTrackers), 6);
    assert!(case.add_at(9, 9, 8, false, &[1; 8]).is_some());
}

#[test]
fn full_of_bytes_the_oldest_gives_way_and_the_sum_stays_true() {
    let mut case = Case::new(DefragLimits { bytes: 100_000, ..DefragLimits::default() });
    for id in 0..500u16 {
        case.add_at(id, i64::from(id), 1024, true, &[1; 1024]);
        assert!(case.defrag.bytes <= 100_000);
        let held: usize = case.defrag.waiting.values().map(|w| w.pieces.bytes()).sum();
        assert_eq!(case.defrag.bytes, held);
    }
    assert!(case.counts.get(Anomaly::DefragMemory) > 400);
    assert!(case.defrag.waiting.len() > 20);
}

#[test]
fn turns_of_datagrams_that_are_done_do_not_pile_up() {
    let mut case = Case::new(DefragLimits::default());
    for round in 0..20_000u32 {
        let id = (round % 60_000) as u16;
        case.add_at(id, 0, 0, true, &[1; 8]);
        assert!(case.add_at(id, 0, 8, false, &[1; 8]).is_some());
    }
    assert!(case.defrag.order.len() < 200, "{}", case.defrag.order.len());
}

proptest! {
    /// Whatever the cuts, the order and the repeats: what comes out is what went in, once.
    #[test]
    fn order_and_repeats_never_change_the_datagram(
        data in prop::collection::vec(any::<u8>(), 9..2000),
        cuts in prop::collection::btree_set(1usize..240, 0..12),
        order in prop::collection::vec(any::<u32>(), 16),
        policy in prop::sample::select(vec![
            OverlapPolicy::First, OverlapPolicy::Last, OverlapPolicy::Bsd, OverlapPolicy::BsdRight,
            OverlapPolicy::Linux, OverlapPolicy::Windows, OverlapPolicy::Solaris,
        ]),
    ) {
        let mut ends: Vec<usize> = cuts.iter().map(|c| c * 8).filter(|c| *c < data.len()).collect();
        ends.push(data.len());
        let mut start = 0;
        let mut parts: Vec<(usize, usize)> = ends.iter().map(|end| (std::mem::replace(&mut start, *end), *end)).collect();
        let all = parts.clone();
        // Some come twice.
        parts.extend(all.iter().step_by(2));
        let mut keyed: Vec<_> = parts.into_iter().zip(order.iter().cycle()).collect();
        keyed.sort_by_key(|((start, _), o)| start.wrapping_mul(2_654_435_761) ^ **o as usize);
        let mut case = Case::new(limits(policy));
        let mut whole = None;
        for ((start, end), _) in keyed {
            if whole.is_none() {
                whole = case.add(start, end < data.len(), &data[start..end]);
            }
        }
        let whole = whole.unwrap();
        prop_assert_eq!(whole.body().data, &data[..]);
    }

    /// Anything at all: no panic, pieces in order without overlap, and the sums true.
    #[test]
    fn pieces_never_overlap(
        fragments in prop::collection::vec((0usize..40, 1usize..200, any::<bool>()), 1..60),
        last in any::<bool>(),
    ) {
        let policy = if last { OverlapPolicy::Last } else { OverlapPolicy::Linux };
        let mut case = Case::new(limits(policy));
        for (offset, len, more) in fragments {
            case.add(offset * 8, more, &vec![1; len]);
            let held: usize = case.defrag.waiting.values().map(|w| w.pieces.bytes()).sum();
            prop_assert_eq!(case.defrag.bytes, held);
            for waiting in case.defrag.waiting.values() {
                prop_assert!(waiting.pieces.is_in_order());
            }
        }
    }
}
