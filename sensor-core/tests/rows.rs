//! Rows from packets: the summaries of MISSION's example, and sums that agree with the flows.

use proptest::prelude::*;
use sensor_core::engine::Config;
use sensor_core::{Engine, Frame, Limits};
use sensor_wire::Few;
use sensor_wire::request::ValueColumn;

/// An Ethernet frame with IPv4 and a TCP SYN.
fn syn(client: [u8; 4], client_port: u16, server: [u8; 4], server_port: u16) -> Vec<u8> {
    let mut frame = vec![0u8; 12];
    frame.extend([0x08, 0x00]);
    frame.extend([0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0, 0]);
    frame.extend(client);
    frame.extend(server);
    frame.extend(client_port.to_be_bytes());
    frame.extend(server_port.to_be_bytes());
    frame.extend([0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x02, 0xff, 0xff, 0, 0, 0, 0]);
    frame
}

fn ingest(engine: &mut Engine, frames: &[Vec<u8>]) {
    let frames = frames.iter().enumerate().map(|(i, data)| Frame {
        time: 1_700_000_000_000_000_000 + i as i64 * 1_000_000,
        link: 1,
        wire: data.len() as u32,
        data,
    });
    engine.ingest(frames, &mut ());
}

#[test]
fn a_sweep_of_300_servers_and_the_strays_of_another_client_are_two_rows() {
    let mut frames = Vec::new();
    for i in 0..300u16 {
        frames.push(syn([10, 0, 9, 77], 40_000 + i, [10, 1, (i / 256) as u8, (i % 256) as u8], 445));
        if i % 100 == 0 {
            frames.push(syn([10, 0, 9, 78], 50_000 + i, [192, 0, 2, (i / 100) as u8], 8000 + i));
        }
    }
    let mut engine = Engine::new(Config::default());
    // Viewers that look while the window is open change nothing of the outcome.
    ingest(&mut engine, &frames[..50]);
    engine.changed_after(0, 1000);
    ingest(&mut engine, &frames[50..]);
    engine.finish(&mut ());
    let mut rows = engine.changed_after(0, 1000).rows;
    rows.sort_by_key(|row| std::cmp::Reverse(row.flows));
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].flows, 300);
    assert_eq!(rows[0].packets, 300);
    assert_eq!(rows[0].servers, Few::Many(300));
    assert_eq!(rows[0].server_ports, Few::One(445));
    assert_eq!(rows[0].clients, Few::One("10.0.9.77".parse::<std::net::IpAddr>().unwrap().into()));
    assert_eq!(rows[0].client_ports, Few::Many(300));
    assert_eq!((rows[1].flows, rows[1].servers), (3, Few::Many(3)));
    assert_eq!(engine.values(rows[0].id, ValueColumn::Server).total, 300);
    assert_eq!(engine.flows(rows[0].id, 0, 1000).flows.len(), 300);
}

#[test]
fn a_viewer_that_applies_deltas_ends_with_the_same_rows() {
    let frames: Vec<_> =
        (0..200u16).map(|i| syn([10, 0, 0, (i % 7) as u8], 1024 + i, [10, 2, 0, (i % 11) as u8], 80 + i % 3)).collect();
    let mut engine = Engine::new(Config::default());
    let mut held = std::collections::BTreeMap::new();
    let mut seq = 0;
    for chunk in frames.chunks(13) {
        ingest(&mut engine, chunk);
        let delta = engine.changed_after(seq, 5);
        seq = delta.seq;
        delta.removed.iter().for_each(|id| drop(held.remove(id)));
        held.extend(delta.rows.into_iter().map(|row| (row.id, row)));
    }
    engine.finish(&mut ());
    loop {
        let delta = engine.changed_after(seq, 5);
        seq = delta.seq;
        if delta.rows.is_empty() && delta.removed.is_empty() {
            break;
        }
        delta.removed.iter().for_each(|id| drop(held.remove(id)));
        held.extend(delta.rows.into_iter().map(|row| (row.id, row)));
    }
    let whole: std::collections::BTreeMap<_, _> =
        engine.changed_after(0, usize::MAX).rows.into_iter().map(|row| (row.id, row)).collect();
    assert_eq!(held, whole);
    assert_eq!(whole.values().map(|row| u64::from(row.flows)).sum::<u64>(), engine.stats().flows);
}

#[test]
fn regression_a_row_without_ports_lists_no_port_0() {
    let mut ping = syn([10, 0, 0, 1], 0, [10, 0, 0, 2], 0);
    ping[23] = 1;
    ping[34..38].copy_from_slice(&[8, 0, 0, 0]);
    let mut engine = Engine::new(Config::default());
    ingest(&mut engine, &[ping]);
    let row = engine.changed_after(0, 10).rows.remove(0);
    assert_eq!((row.proto, row.server_ports, row.client_ports), (1, Few::None, Few::None));
    assert_eq!(engine.values(row.id, ValueColumn::ServerPort).total, 0);
    assert_eq!(engine.values(row.id, ValueColumn::ClientPort).total, 0);
    assert_eq!(engine.values(row.id, ValueColumn::Server).total, 1);
}

/// A window that is closed because it holds enough flows is followed by one that starts where it did.
#[test]
fn regression_windows_with_the_same_start_have_rows_of_their_own() {
    let limits = Limits { kept_flows: 40, ..Limits::default() };
    let mut engine = Engine::new(Config { limits, ..Config::default() });
    for host in 0..36 {
        ingest(&mut engine, &[syn([10, 0, 0, 1], 1000, [10, 9, 0, host], 80)]);
        engine.changed_after(0, 100);
    }
    engine.finish(&mut ());
    let mut sums: Vec<_> = engine.changed_after(0, 100).rows.iter().map(|row| (row.flows, row.packets)).collect();
    sums.sort_unstable();
    assert_eq!(sums, [(16, 16), (20, 20)]);
}

/// Time goes back to where a window was that is closed: groups alike in both are two rows.
#[test]
fn regression_a_window_that_starts_where_a_closed_one_did_has_rows_of_its_own() {
    let mut engine = Engine::new(Config::default());
    for (second, host) in [(0, 1), (0, 2), (0, 3), (6000, 4), (0, 5), (0, 6), (0, 7)] {
        let data = syn([10, 0, 0, 1], 1000, [10, 9, 0, host], 80);
        let time = 1_700_000_000_000_000_000 + second * 1_000_000_000;
        engine.ingest([Frame { time, link: 1, wire: 54, data: &data }], &mut ());
        engine.changed_after(0, 100);
    }
    engine.finish(&mut ());
    let mut rows = engine.changed_after(0, 100).rows;
    rows.sort_by_key(|row| (row.first, row.flows));
    let sums: Vec<_> = rows.iter().map(|row| (row.flows, row.packets)).collect();
    assert_eq!(sums, [(3, 3), (3, 3), (1, 1)]);
}

/// A capture can say any time (pcapng: `if_tsoffset`).
#[test]
fn regression_the_first_and_the_last_time_there_are_have_windows() {
    let mut engine = Engine::new(Config::default());
    for (host, time) in (0..).zip([i64::MIN, i64::MAX, i64::MIN, 0, i64::MIN, i64::MAX - 1]) {
        let data = syn([10, 0, 0, host], 1000, [10, 9, host, 1], 80);
        engine.ingest([Frame { time, link: 1, wire: 54, data: &data }], &mut ());
        engine.changed_after(0, 100);
    }
    engine.finish(&mut ());
    assert_eq!(engine.changed_after(0, 100).rows.iter().map(|row| row.flows).sum::<u32>(), 6);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Each flow is in exactly one row, and a row is the sum of its flows, whatever the traffic.
    #[test]
    fn rows_equal_the_sums_of_their_flows(
        packets in prop::collection::vec((0u8..6, 0u16..5, 0u8..6, 0u16..4), 1..300)
    ) {
        let frames: Vec<_> = packets
            .iter()
            .map(|(c, cp, s, sp)| syn([10, 0, 0, *c], 40_000 + cp, [10, 1, 0, *s], 80 + sp))
            .collect();
        let mut engine = Engine::new(Config::default());
        ingest(&mut engine, &frames);
        engine.finish(&mut ());
        let rows = engine.changed_after(0, usize::MAX).rows;
        prop_assert_eq!(rows.iter().map(|r| r.packets).sum::<u64>(), frames.len() as u64);
        prop_assert_eq!(rows.iter().map(|r| u64::from(r.flows)).sum::<u64>(), engine.stats().flows);
        for row in rows {
            let flows = engine.flows(row.id, 0, u32::MAX).flows;
            prop_assert_eq!(flows.len(), row.flows as usize);
            prop_assert_eq!(flows.iter().map(|f| f.to_server.packets + f.to_client.packets).sum::<u64>(), row.packets);
            let frame_bytes = flows.iter().map(|f| f.to_server.frame_bytes + f.to_client.frame_bytes).sum::<u64>();
            prop_assert_eq!(frame_bytes, row.frame_bytes);
        }
    }
}

#[test]
fn arbitrary_bytes_are_anomalies_and_never_a_panic() {
    let mut state = 1u64;
    let mut engine = Engine::new(Config::default());
    for link in [0u16, 1, 12, 101, 108, 113, 228, 229, 276, 9999] {
        for len in 0..200usize {
            let data: Vec<u8> = (0..len)
                .map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    (state >> 56) as u8
                })
                .collect();
            engine.ingest([Frame { time: 0, link, wire: len as u32, data: &data }], &mut ());
        }
    }
    assert_eq!(engine.stats().packets, 2000);
    assert!(!engine.stats().anomalies.ranked().is_empty());
}
