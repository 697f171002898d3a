//! Time that goes on without packets, as live capture tells it: the outcome is that of a packet at that time.

use sensor_core::engine::Config;
use sensor_core::flow::Flow;
use sensor_core::{Engine, FlowSink, Frame};
use sensor_wire::flow::EndReason;

const START: i64 = 1_700_000_000_000_000_000;
const SECOND: i64 = 1_000_000_000;

#[derive(Default)]
struct Ends(Vec<(EndReason, i64)>);

impl FlowSink for Ends {
    fn flow(&mut self, flow: &Flow) {
        self.0.extend(flow.end.map(|end| (end, flow.last)));
    }
}

/// Ethernet, IPv4, UDP from 10.0.0.1:5000 to 10.0.0.2:53 without payload.
fn datagram() -> Vec<u8> {
    let mut frame = vec![0u8; 12];
    frame.extend([0x08, 0x00]);
    frame.extend([0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    frame.extend([0x13, 0x88, 0, 53, 0, 8, 0, 0]);
    frame
}

fn ingest(engine: &mut Engine, time: i64, ends: &mut Ends) {
    let data = datagram();
    engine.ingest([Frame { time, link: 1, wire: data.len() as u32, data: &data }], ends);
}

#[test]
fn a_flow_times_out_and_its_row_closes_on_an_idle_wire() {
    let config = Config::default();
    let timeout = i64::from(config.timeouts.udp_new) * SECOND;
    let (mut engine, mut ends) = (Engine::new(config), Ends::default());
    ingest(&mut engine, START, &mut ends);
    engine.tick(START + timeout - SECOND, &mut ends);
    assert!(ends.0.is_empty());
    assert_eq!(engine.open_flows(), 1);
    assert_eq!(engine.changed_after(0, 10).rows[0].open, 1);
    engine.tick(START + timeout + SECOND, &mut ends);
    assert_eq!(ends.0, [(EndReason::Timeout, START)]);
    assert_eq!(engine.open_flows(), 0);
    let rows = engine.changed_after(0, 10).rows;
    assert_eq!((rows.len(), rows[0].open, rows[0].packets), (1, 0, 1));
    // No packet was made up.
    assert_eq!((engine.stats().packets, engine.stats().newest), (1, START));
    // The same five-tuple is another flow from now on, in a row of its own.
    ingest(&mut engine, START + timeout + 2 * SECOND, &mut ends);
    assert_eq!((engine.stats().flows, engine.open_flows()), (2, 1));
    assert_eq!(engine.changed_after(0, 10).rows.len(), 2);
}

#[test]
fn an_engine_that_saw_nothing_may_be_told_the_time_first() {
    let (mut engine, mut ends) = (Engine::new(Config::default()), Ends::default());
    engine.tick(START, &mut ends);
    // A packet that is a little late, and time that stands still or goes back.
    ingest(&mut engine, START - SECOND, &mut ends);
    engine.tick(START, &mut ends);
    engine.tick(START - 10 * SECOND, &mut ends);
    assert_eq!((engine.open_flows(), ends.0.len()), (1, 0));
}
