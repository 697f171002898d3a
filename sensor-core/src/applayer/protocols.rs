//! All protocols that can be parsed.

use super::AppProto;
use super::parser::Protocol;
use super::{dns, http1, http2, mqtt, quic, rfb, sip, ssh, tls, websocket};

/// The protocols, one a line.
const ALL: &[&Protocol] = &[
    &http1::PROTOCOL,
    &http2::PROTOCOL,
    &dns::PROTOCOL,
    &dns::MDNS,
    &dns::LLMNR,
    &tls::PROTOCOL,
    &ssh::PROTOCOL,
    &quic::PROTOCOL,
    &websocket::PROTOCOL,
    &mqtt::PROTOCOL,
    &sip::PROTOCOL,
    &rfb::PROTOCOL,
];

/// What is known of a protocol; `None` if it has no parser.
#[must_use]
pub fn protocol(app: AppProto) -> Option<&'static Protocol> {
    ALL.iter().copied().find(|protocol| protocol.app == app)
}

/// All protocols that have a parser.
#[must_use]
pub fn all() -> &'static [&'static Protocol] {
    ALL
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_protocol_is_there_once_and_its_events_fit_a_set() {
        for protocol in all() {
            assert!(std::ptr::eq(super::protocol(protocol.app).unwrap(), *protocol), "{protocol:?}");
            assert!(protocol.events.len() <= 128);
            let names: std::collections::HashSet<_> = protocol.events.iter().collect();
            assert_eq!(names.len(), protocol.events.len(), "{protocol:?}");
        }
    }
}
