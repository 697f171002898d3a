//! What is no protocol must not look like one.

use proptest::prelude::*;

use super::super::registry::{TCP, UDP};
use super::super::view::{Answer, View};
use super::*;

/// Each prober by itself, on random bytes of the sizes that first messages have, without a hint from ports.
#[test]
fn random_bytes_are_certain_for_no_prober() {
    const ROUNDS: usize = 400_000;
    let mut random = Random(7);
    let mut buffer = [0; 320];
    let mut counts = vec![(0, 0); TCP.len() + UDP.len()];
    for round in 0..ROUNDS {
        random.fill(&mut buffer);
        let n = [20, 48, 64, 150, 320][round % 5];
        let view = View { bytes: &buffer[..n], previous: &[], ports: (40000, 50000) };
        for (count, prober) in counts.iter_mut().zip(TCP.iter().chain(UDP)) {
            match (prober.check)(&view) {
                Some(Answer::Certain) => count.0 += 1,
                Some(Answer::Likely) => count.1 += 1,
                Some(Answer::Unsure | Answer::NotForUs) | None => {}
            }
        }
    }
    for ((certain, likely), prober) in counts.iter().zip(TCP.iter().chain(UDP)) {
        assert!(*certain <= ROUNDS / 100_000, "{}: certain {certain} of {ROUNDS}", prober.proto.name());
        assert!(*likely <= ROUNDS / 300, "{}: likely {likely} of {ROUNDS}", prober.proto.name());
    }
}

/// Whole flows of random bytes in both directions, as an encrypted protocol without a header looks.
#[test]
fn random_flows_stay_unknown() {
    const FLOWS: u32 = 200_000;
    let mut random = Random(11);
    let mut prefixes = Prefixes::new(64);
    for (transport, allowed) in [(Transport::Tcp, 2), (Transport::Udp, 4), (Transport::TcpMidstream, 8)] {
        let mut told = std::collections::BTreeMap::new();
        let mut buffer = [0; 256];
        for _ in 0..FLOWS {
            let mut probe = Probe::default();
            for piece in 0..6 {
                random.fill(&mut buffer);
                let n = 16 + random.next() as usize % 240;
                let side = if piece % 2 == 0 { ToServer } else { ToClient };
                let ctx = Ctx { transport, ports: (40000, 50000) };
                if let Verdict::Is(proto) = probe.data(ctx, side, &buffer[..n], &mut prefixes) {
                    *told.entry(proto.name()).or_insert(0) += 1;
                    break;
                }
            }
        }
        assert!(told.values().sum::<u32>() <= allowed, "{transport:?}: {told:?} of {FLOWS}");
    }
}

/// Lines of random words: the protocols of text must not take them.
#[test]
fn random_text_stays_unknown() {
    const FLOWS: usize = 100_000;
    let mut random = Random(13);
    let mut prefixes = Prefixes::new(64);
    let mut told = 0;
    for _ in 0..FLOWS {
        let mut line = Vec::new();
        for _ in 0..6 {
            for _ in 0..1 + random.next() % 8 {
                line.push(b'!' + (random.next() % 94) as u8);
            }
            line.push(b' ');
        }
        line.extend_from_slice(b"\r\n");
        let ctx = Ctx { transport: Transport::Tcp, ports: (40000, 50000) };
        let mut probe = Probe::default();
        told += usize::from(matches!(probe.data(ctx, ToServer, &line, &mut prefixes), Verdict::Is(_)));
    }
    assert!(told <= 2, "{told} of {FLOWS}");
}

proptest! {
    /// Nothing panics, budgets hold, and the same bytes give the same verdict.
    #[test]
    fn any_bytes_in_any_pieces(
        pieces in proptest::collection::vec((any::<bool>(), proptest::collection::vec(any::<u8>(), 0..300)), 0..40),
        ports in any::<(u16, u16)>(),
        kind in 0..3_u8,
    ) {
        let transport = [Transport::Tcp, Transport::Udp, Transport::TcpMidstream][usize::from(kind)];
        let pieces: Vec<_> =
            pieces.iter().map(|(client, bytes)| (if *client { ToServer } else { ToClient }, bytes.as_slice())).collect();
        let verdict = run(transport, ports, &pieces);
        prop_assert_eq!(verdict, run(transport, ports, &pieces));
        let said = [ToServer, ToClient].map(|side| pieces.iter().filter(|(of, bytes)| *of == side && !bytes.is_empty()).count());
        if said.iter().any(|&n| n >= 16) {
            prop_assert_ne!(verdict, Verdict::NeedMore);
        }
    }

    /// Damage to real messages: any byte changed, any cut, never a panic.
    #[test]
    fn damaged_messages(which in any::<usize>(), at in any::<usize>(), to in any::<u8>(), cut in any::<usize>()) {
        let cases = cases();
        let case = &cases[which % cases.len()];
        let mut messages = case.messages.clone();
        for (_, message) in &mut messages {
            let n = message.len();
            message[at % n] = to;
            message.truncate(1 + cut % n);
        }
        let pieces: Vec<_> = messages.iter().map(|(side, bytes)| (*side, bytes.as_slice())).collect();
        run(case.transport, case.ports, &pieces);
    }
}

/// SplitMix64: noise that is the same in each run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn fill(&mut self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            let bytes = self.next().to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
    }
}
