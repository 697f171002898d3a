//! Hosts and the network cut, reorder and repeat packets as they like: streams, protocols and payload counts stay the same.
//!
//! Only what a host would take is done. A packet never comes before one that its sender had seen: nothing is
//! acknowledged before it came, and nothing comes before the SYNs or after the connection's end.

#[path = "captures/mod.rs"]
mod captures;
#[path = "delivery/conversation.rs"]
mod conversation;
#[path = "delivery/network.rs"]
mod network;
#[path = "delivery/observer.rs"]
mod observer;

use std::path::{Path, PathBuf};

use proptest::prelude::*;

use conversation::{Conversation, of_capture};
use network::Weather;
use observer::observe;

/// Checks that an observer of the delivered packets learns what one of the sent ones does.
fn check(conversation: &Conversation, weather: Weather) {
    let plain = observe(&network::calm(conversation).packets);
    let network::Delivered { packets, datagrams } = network::deliver(conversation, weather);
    let mut delivered = observe(&packets);
    for (side, (before, after)) in plain.streams.iter().zip(&delivered.streams).enumerate() {
        assert_eq!(after.gaps, 0, "{}: a gap in side {side} under {weather:?}", conversation.name);
        assert!(before.bytes == after.bytes, "{}: side {side} differs under {weather:?}", conversation.name);
    }
    // What is left of fragments without the first is a flow without ports.
    delivered.flows.retain(|flow| flow.ports != (0, 0));
    assert_eq!(delivered.flows, plain.flows, "{} under {weather:?}", conversation.name);
    if weather.lose == 0 {
        assert_eq!(delivered.packets, datagrams, "{} under {weather:?}", conversation.name);
    }
}

/// Conversations of a capture that are whole: from their SYN on, without a gap.
fn whole(path: &Path) -> Vec<Conversation> {
    let mut found = of_capture(path);
    found.retain(|conversation| {
        let seen = observe(&network::calm(conversation).packets);
        seen.streams.iter().all(|stream| stream.gaps == 0) && seen.streams.iter().any(|stream| !stream.bytes.is_empty())
    });
    found
}

/// Each kind of weather, and all together.
fn weathers(seed: u64) -> [Weather; 8] {
    let calm = Weather { seed, ..Weather::default() };
    [
        Weather { reorder: 8, ..calm },
        Weather { repeat: 30, ..calm },
        Weather { fragment: 60, ..calm },
        Weather { fragment: 60, overlap: 50, repeat: 20, ..calm },
        Weather { retransmit: 30, ..calm },
        Weather { split: 60, ..calm },
        Weather { lose: 30, ..calm },
        Weather { reorder: 5, repeat: 15, fragment: 30, overlap: 30, retransmit: 15, split: 20, lose: 10, ..calm },
    ]
}

#[test]
fn conversations_of_the_sample_are_delivered_whole() {
    let found = whole(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/sample.pcap"));
    assert!(found.len() >= 20, "{} conversations", found.len());
    for (seed, conversation) in (0..).zip(&found) {
        weathers(seed).into_iter().for_each(|weather| check(conversation, weather));
    }
}

#[test]
fn conversations_of_the_corpus_are_delivered_whole() {
    let Some(corpus) = captures::corpus() else { return };
    let mut checked = 0;
    for set in ["pcap/tcp", "pcap/http", "pcap/tls", "pcap/app", "zeek/captures", "ndpi/captures"] {
        for path in captures_in(&corpus.join(set)) {
            for conversation in whole(&path).iter().take(20) {
                weathers(checked).into_iter().for_each(|weather| check(conversation, weather));
                checked += 1;
            }
        }
    }
    println!("{checked} conversations");
    assert!(checked > 200, "{checked} conversations");
}

/// Of datagrams a repeat counts and their order tells who asked; in fragments they are what they were.
#[test]
fn datagrams_of_the_corpus_are_the_same_in_fragments() {
    let Some(corpus) = captures::corpus() else { return };
    let mut checked = 0;
    for set in ["pcap/dns", "pcap/quic", "pcap/app", "zeek/captures", "ndpi/captures"] {
        for path in captures_in(&corpus.join(set)) {
            let datagrams = conversation::datagrams(&path);
            check(&datagrams, Weather { seed: checked, fragment: 80, overlap: 30, ..Weather::default() });
            checked += u64::from(!datagrams.segments.is_empty());
        }
    }
    println!("{checked} captures");
    assert!(checked > 100, "{checked} captures");
}

/// The smaller ones, by name.
fn captures_in(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.metadata().is_ok_and(|meta| meta.len() < 400_000));
    paths.sort();
    paths
}

fn weather() -> impl Strategy<Value = Weather> {
    (any::<u64>(), 0usize..20, any::<[u8; 6]>()).prop_map(|(seed, reorder, rates)| {
        let [repeat, fragment, overlap, retransmit, split, lose] = rates.map(|rate| u32::from(rate) / 4);
        Weather { seed, reorder, repeat, fragment, overlap, retransmit, split, lose }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn conversations_made_up_are_delivered_whole(
        turns in prop::collection::vec((any::<bool>(), 1usize..6000), 1..12),
        segment in 1usize..1460,
        isn in any::<[u32; 2]>(),
        v6 in any::<bool>(),
        stamps in any::<bool>(),
        weather in weather(),
    ) {
        // Not more packets than a test has time for.
        let segment = segment.max(turns.iter().map(|(_, len)| len).sum::<usize>() / 200);
        check(&Conversation::made_up(&turns, segment, isn, v6, stamps), weather);
    }
}
