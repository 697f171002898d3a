//! Whatever the network does to segments: content, sums and bounds.

use proptest::prelude::*;
use sensor_core::stream::{Connection, Event, Policy, Segment, Settings, Side, Streams};

use super::conversation::{ACK, FIN, Keeper, Talk, Told};

/// Bytes that tell their place.
fn content(len: usize) -> Vec<u8> {
    (0..len as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

fn policies() -> impl Strategy<Value = Policy> {
    prop::sample::select(Policy::ALL.to_vec())
}

/// A connection after its handshake, of random numbers.
fn talk(settings: Settings, isn: [u32; 2]) -> Talk {
    let mut talk = Talk::new(settings);
    talk.isn = isn;
    talk.client(0, 0, super::conversation::SYN, b"");
    talk.server(0, 1, super::conversation::SYN | ACK, b"");
    talk.client(1, 1, ACK, b"");
    talk
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Segments cut anyhow, in any order, repeated, overlapping with the same data, under any policy: the stream.
    #[test]
    fn order_repeats_and_cuts_change_nothing(
        len in 1usize..3000,
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..30),
        extra in prop::collection::vec((any::<prop::sample::Index>(), 1usize..600), 0..20),
        order in prop::collection::vec(any::<u32>(), 60),
        isn in any::<[u32; 2]>(),
        policy in policies(),
        acks in any::<bool>(),
    ) {
        let bytes = content(len);
        let mut borders: Vec<usize> = cuts.iter().map(|cut| cut.index(len)).chain([0, len]).collect();
        borders.sort_unstable();
        let mut segments: Vec<(usize, usize)> = borders.windows(2).map(|w| (w[0], w[1])).filter(|(a, b)| a < b).collect();
        segments.extend(extra.iter().map(|(at, n)| { let at = at.index(len); (at, (at + n).min(len)) }));
        let mut order: Vec<(u32, (usize, usize))> = order.into_iter().cycle().zip(segments).collect();
        order.sort();
        let mut talk = talk(Settings { policy, ..Settings::default() }, isn);
        let mut seen = vec![false; len];
        for (i, (_, (from, to))) in order.into_iter().enumerate() {
            let flags = if to == len { FIN } else { ACK };
            talk.client(1 + from as u32, 1, flags, &bytes[from..to]);
            seen[from..to].fill(true);
            if acks && i % 3 == 0 {
                let got = seen.iter().take_while(|seen| **seen).count();
                talk.server(1, 1 + got as u32, ACK, b"");
            }
        }
        talk.close();
        prop_assert_eq!(talk.told(Side::Client), [Told::Data(bytes), Told::End(sensor_core::stream::End::Fin)]);
    }

    /// Some segments are missing: data and gaps stand where they belong, and add up.
    #[test]
    fn with_drops_bytes_and_gaps_add_up(
        lens in prop::collection::vec((1usize..700, any::<bool>()), 1..60),
        swaps in prop::collection::vec(0usize..4, 60),
        isn in any::<[u32; 2]>(),
        every in 1usize..9,
        settings in prop::sample::select(vec![
            Settings::default(),
            Settings { side_bytes: 4000, side_segments: 7, ..Settings::default() },
            Settings { memcap: 3000, ..Settings::default() },
            Settings { memcap: 0, ..Settings::default() },
        ]),
    ) {
        let total: usize = lens.iter().map(|(len, _)| len).sum();
        let bytes = content(total);
        let mut at = 0;
        let mut segments: Vec<(usize, usize, bool)> = lens.iter().map(|(len, kept)| { let s = (at, at + len, *kept); at += len; s }).collect();
        for (i, swap) in swaps.iter().enumerate() {
            if i + swap < segments.len() {
                segments.swap(i, i + swap);
            }
        }
        let mut talk = talk(settings, isn);
        let mut sent = 0;
        for (i, (from, to, kept)) in segments.iter().enumerate() {
            sent = sent.max(*to);
            if *kept {
                talk.client(1 + *from as u32, 1, ACK, &bytes[*from..*to]);
                prop_assert!(talk.streams.allocated() <= settings.memcap);
            }
            if i % every == 0 {
                // The receiver got all of it.
                let got = segments[..=i].iter().map(|s| s.1).max().unwrap();
                let missing = segments[i + 1..].iter().map(|s| s.0).min().unwrap_or(got);
                talk.server(1, 1 + got.min(missing) as u32, ACK, b"");
            }
        }
        talk.server(1, 1 + sent as u32 + 1, ACK, b"");
        talk.client(1 + sent as u32, 1, FIN, b"");
        talk.close();
        let mut place = 0;
        for told in talk.told(Side::Client) {
            match told {
                Told::Data(data) => {
                    prop_assert_eq!(data.as_slice(), &bytes[place..place + data.len()]);
                    place += data.len();
                }
                Told::Gap(len) => place += *len as usize,
                Told::End(_) => {}
            }
        }
        prop_assert_eq!(place, total);
        let kept: usize = segments.iter().filter(|s| s.2).map(|s| s.1 - s.0).sum();
        let data = talk.keeper.data_of(Side::Client).len();
        prop_assert!(data <= kept);
        if settings == Settings::default() && swaps.iter().all(|s| *s == 0) {
            prop_assert_eq!(data, kept);
        }
    }

    /// Anything at all: no panic, no broken promise to the reader (which the keeper checks), bounds, nothing kept.
    #[test]
    fn hostile_packets_break_nothing(
        packets in prop::collection::vec(
            (any::<bool>(), 0u32..5000, 0u32..5000, any::<u8>(), any::<u16>(), 0usize..1500, 0u32..40, any::<u16>(), prop::option::of(0u32..40)),
            1..200,
        ),
        wild in prop::collection::vec(any::<(u32, u32)>(), 1..20),
        isn in any::<[u32; 2]>(),
        opened in any::<bool>(),
        settings in (any::<[bool; 3]>(), 0u64..4000, policies(), 0usize..60_000, 0usize..30_000, 0usize..20),
    ) {
        let ([midstream, one_sided, urgent_out_of_band], depth, policy, memcap, side_bytes, side_segments) = settings;
        let settings = Settings { midstream, one_sided, urgent_out_of_band, depth, policy, memcap, side_bytes, side_segments, ..Settings::default() };
        let mut talk = if opened { talk(settings, isn) } else { Talk { isn, ..Talk::new(settings) } };
        let bytes = content(1500);
        for (i, (server, seq, ack, flags, window, captured, cut, urgent, stamp)) in packets.into_iter().enumerate() {
            let side = if server { Side::Server } else { Side::Client };
            // RST ends most of the fun: less of it.
            let flags = if i % 7 == 0 { flags } else { flags & !4 };
            let mut segment = talk.segment(side, seq, ack, flags, &bytes[..captured]);
            segment.len += cut;
            segment.window = window;
            segment.urgent = urgent;
            segment.timestamp = stamp;
            segment.scale = stamp.map(|s| s as u8);
            if i % 20 == 19 {
                let (seq, ack) = wild[i / 20 % wild.len()];
                (segment.seq, segment.ack) = (seq, ack);
            }
            talk.take(&segment);
            prop_assert!(talk.streams.allocated() <= memcap);
        }
        talk.close();
        for side in [Side::Client, Side::Server] {
            let told = talk.keeper.data_of(side).len() as u64 + talk.keeper.gaps_of(side);
            prop_assert!(depth == 0 || told <= depth);
            prop_assert!(told <= talk.connection.told(side));
        }
    }
}

/// More than 4 GiB in one connection: the numbers wrap and the count doesn't.
#[test]
fn a_stream_goes_on_past_the_wrap() {
    let settings = Settings { depth: 0, ..Settings::default() };
    let mut streams = Streams::new(settings);
    let mut connection = Connection::new(Policy::Bsd, Policy::Bsd);
    let mut keeper = Keeper { enough: Some(1), ..Keeper::default() };
    let payload = vec![1; 60_000];
    let base = talk(settings, [5, 9]);
    let mut take = |segment: Segment<'_>| connection.segment(&segment, &mut streams, &mut keeper);
    take(base.segment(Side::Client, 0, 0, super::conversation::SYN, b""));
    take(base.segment(Side::Server, 0, 1, super::conversation::SYN | ACK, b""));
    take(base.segment(Side::Client, 1, 1, ACK, b""));
    let mut seq = 1u32;
    for i in 0..100_000u32 {
        // Now and then two change places.
        let swap = i % 100 == 0;
        let (first, second) = if swap { (seq.wrapping_add(30_000), seq) } else { (seq, seq.wrapping_add(30_000)) };
        assert!(take(base.segment(Side::Client, first, 1, ACK, &payload[..30_000])).is_empty());
        let events = super::conversation::list(take(base.segment(Side::Client, second, 1, ACK, &payload[..30_000])));
        // Once nobody reads, what is late can't be told from what is sent again.
        assert_eq!(events, if swap && i > 0 { vec![Event::Retransmission] } else { vec![] });
        seq = seq.wrapping_add(60_000);
        assert!(take(base.segment(Side::Server, 1, seq, ACK, b"")).is_empty());
    }
    assert_eq!(connection.told(Side::Client), 6_000_000_000);
}
