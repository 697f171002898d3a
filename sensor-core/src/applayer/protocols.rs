//! All protocols that can be parsed.

use super::AppProto;
use super::parser::Protocol;
use super::{
    bittorrent_dht, dcerpc, dhcp, dnp3, dns, enip, ftp, ftp_data, http1, http2, ike, krb5, ldap, modbus, mqtt, nfs,
    ntp, pgsql, pop3, quic, rdp, rfb, sip, smb, smtp, snmp, ssh, tftp, tls, websocket,
};

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
    &pgsql::PROTOCOL,
    &dhcp::PROTOCOL,
    &ike::PROTOCOL,
    &snmp::PROTOCOL,
    &ntp::PROTOCOL,
    &bittorrent_dht::PROTOCOL,
    &dnp3::PROTOCOL,
    &modbus::PROTOCOL,
    &enip::PROTOCOL,
    &dcerpc::PROTOCOL,
    &smb::PROTOCOL,
    &krb5::PROTOCOL,
    &ldap::PROTOCOL,
    &nfs::PROTOCOL,
    &rdp::PROTOCOL,
    &smtp::PROTOCOL,
    &ftp::PROTOCOL,
    &ftp_data::PROTOCOL,
    &pop3::PROTOCOL,
    &tftp::PROTOCOL,
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
