//! Both sides' payload of a flow, cut anywhere, shown to the probers.

use sensor_core::applayer::{AppProto, Ctx, Expectations, Flow, Prefixes, Probe, Side, Transport, Verdict};

use crate::frames::BEGIN;
use crate::input::Input;

/// A verdict stands once it is given, comes in bounded time, and depends on the flow's own bytes alone; announcements
/// stay within their bound.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let transport = input.pick(&[Transport::Tcp, Transport::TcpMidstream, Transport::Udp]);
    let ctx = Ctx { transport, ports: (input.u16(), input.u16()) };
    // As it is, and beside a stranger in a pool that both share.
    let (mut own, mut shared) = (Prefixes::new(4), Prefixes::new(64));
    let (mut probe, mut twin, mut stranger) = (Probe::default(), Probe::default(), Probe::default());
    let mut expectations = Expectations::new(8);
    let flow = Flow { udp: transport == Transport::Udp, originator: (1, ctx.ports.0), responder: (2, ctx.ports.1) };
    let (mut pieces, mut time) = (0, BEGIN);
    while !input.is_empty() {
        let bits = input.u8();
        let side = if bits & 1 == 0 { Side::ToServer } else { Side::ToClient };
        let bytes = input.block();
        let before = probe.verdict();
        let verdict = probe.data(ctx, side, bytes, &mut own);
        assert_eq!(verdict, probe.verdict());
        assert!(before == Verdict::NeedMore || verdict == before, "{before:?} became {verdict:?}");
        stranger.data(ctx, side, b"\x16", &mut shared);
        assert_eq!(twin.data(ctx, side, bytes, &mut shared), verdict);
        pieces += u32::from(!bytes.is_empty());
        assert!(verdict != Verdict::NeedMore || pieces < 32, "never ends");
        for proto in AppProto::ALL.iter().copied().filter(|proto| Expectations::wants(*proto)) {
            expectations.learn(proto, flow, side, bytes, time);
        }
        time += i64::from(bits >> 1) * 1_000_000_000;
        assert!(expectations.len() <= 8);
        expectations.take(flow, time);
        if bits & 0x80 != 0 && verdict != Verdict::NeedMore {
            // As after STARTTLS.
            probe.restart(&mut own);
            twin.restart(&mut shared);
            pieces = 0;
        }
    }
    assert_eq!(own.taken_back(), 0, "buffers of one flow");
}
