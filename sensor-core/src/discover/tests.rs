use std::net::IpAddr;

use proptest::prelude::*;

use super::*;
use crate::discover::extract::dns::tests::{response, www};
use crate::discover::extract::smb::tests::challenge;
use crate::discover::extract::tls::tests::{hello_body, records};

const CLIENT: &str = "10.0.0.5";
const SERVER: &str = "192.0.2.7";
/// mss 1460, sackOK, timestamp, nop, scale 7: Linux.
const OPTIONS: [u8; 20] = [2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7];

fn seen(time: i64, source: (&str, u16), destination: (&str, u16)) -> Seen {
    Seen {
        time,
        vlan: 0,
        source: source.0.parse().unwrap(),
        source_port: source.1,
        destination: destination.0.parse().unwrap(),
        destination_port: destination.1,
        mac: None,
        again: false,
    }
}

fn syn(answer: bool) -> Syn<'static> {
    Syn { answer, v6: false, ttl: 64, identification: 1, dont_fragment: true, window: 64240, options: &OPTIONS }
}

fn key(address: &str) -> HostKey {
    HostKey { address: address.parse().unwrap(), vlan: 0 }
}

fn events(discovery: &mut Discovery) -> Vec<(IpAddr, &'static str)> {
    discovery.assets.take_events().map(|event| (event.address, event.change.name())).collect()
}

#[test]
fn a_connection_tells_server_client_systems_and_name() {
    let mut discovery = Discovery::new(DiscoverLimits::default());
    let (up, down) = ((CLIENT, 40_000), (SERVER, 443));
    discovery.syn(&seen(1, up, down), &syn(false), false);
    assert!(discovery.assets.is_empty());
    discovery.syn(&seen(2, down, up), &syn(true), true);
    discovery.established(&seen(3, up, down));
    let hello = records(&hello_body(), 4000);
    assert!(discovery.stream(&seen(4, up, down), false, &hello[..10]));
    assert!(!discovery.stream(&seen(5, up, down), false, &hello));
    let server: IpAddr = SERVER.parse().unwrap();
    let client: IpAddr = CLIENT.parse().unwrap();
    assert_eq!(
        events(&mut discovery),
        [
            (server, "new_host"),
            (server, "new_service"),
            (server, "new_os"),
            (client, "new_host"),
            (client, "new_os"),
            (client, "new_client")
        ]
    );
    assert_eq!(&*discovery.names.best(server, 5).unwrap().name, "a.local");
    let host = discovery.assets.host(key(CLIENT)).unwrap();
    assert!(host.clients[0].product.ja4.as_deref().unwrap().starts_with("t13d0204h2_"));
    assert_eq!(host.system().unwrap().system.family, "Linux");
    assert_eq!((host.first, host.last), (1, 5));
}

#[test]
fn a_scan_makes_neither_services_nor_hosts_of_its_victims() {
    let mut discovery = Discovery::new(DiscoverLimits::default());
    for n in 0..200u8 {
        let victim = format!("198.51.100.{n}");
        discovery.syn(&seen(1, (CLIENT, 40_000), (&victim, 445)), &syn(false), false);
        discovery.datagram(&seen(1, (CLIENT, 40_000), (&victim, 161)), false, &[0x30, 1]);
    }
    assert!(discovery.assets.is_empty());
    assert_eq!(discovery.assets.trials().count(), 1);
    assert!(events(&mut discovery).is_empty());
}

#[test]
fn backscatter_makes_no_service() {
    let mut discovery = Discovery::new(DiscoverLimits::default());
    discovery.syn(&seen(1, (SERVER, 80), (CLIENT, 1234)), &syn(true), false);
    assert!(discovery.assets.is_empty());
}

#[test]
fn names_count_only_where_someone_asked() {
    let mut discovery = Discovery::new(DiscoverLimits::default());
    let (resolver, stub) = (("192.0.2.53", 53), (CLIENT, 5000));
    let address: IpAddr = SERVER.parse().unwrap();
    discovery.datagram(&seen(0, resolver, stub), false, &www());
    assert!(discovery.names.of(address).is_empty());
    discovery.datagram(&seen(1_000_000_000, resolver, stub), true, &www());
    let name = discovery.names.best(address, 2_000_000_000).unwrap();
    assert_eq!((&*name.name, name.until), ("www.example.com", Some(31_000_000_000)));
    // The address was named, but has sent nothing: it is no host.
    assert!(discovery.assets.host(key(SERVER)).is_none());
    let service = &discovery.assets.host(key("192.0.2.53")).unwrap().services[0];
    assert_eq!((service.port, service.proto, service.product.protocol), (53, 17, Some("dns")));
}

#[test]
fn multicast_names_are_believed_of_the_sender_only() {
    let mut discovery = Discovery::new(DiscoverLimits::default());
    // A record of `box.local` for 192.0.2.7.
    let mut record = vec![0xc0, 12, 0, 1, 0x80, 1, 0, 0, 0, 120, 0, 4];
    record.extend([192, 0, 2, 7]);
    let answer = response("box.local", 1, &[record]);
    discovery.datagram(&seen(1, (CLIENT, 5353), ("224.0.0.251", 5353)), false, &answer);
    assert!(discovery.names.is_empty());
    discovery.datagram(&seen(2, (SERVER, 5353), ("224.0.0.251", 5353)), false, &answer);
    assert_eq!(&*discovery.names.best(SERVER.parse().unwrap(), 3).unwrap().name, "box.local");
}

#[test]
fn a_lease_ties_address_card_and_name() {
    let mut discovery = Discovery::new(DiscoverLimits::default());
    let mac = [0x00, 0x50, 0x56, 1, 2, 3];
    let mut ack = vec![2, 1, 6, 0]; // op, hardware, length, hops
    ack.extend([0; 8]); // xid, secs, flags
    ack.extend([0; 4]); // client's address
    ack.extend([10, 0, 0, 5]); // given address
    ack.extend([0; 8]); // server, gateway
    ack.extend(mac);
    ack.extend([0; 10 + 64 + 128]);
    ack.extend([0x63, 0x82, 0x53, 0x63, 53, 1, 5, 51, 4, 0, 0, 0, 60, 12, 3, b'p', b'c', b'1', 255]);
    discovery.datagram(&seen(1, ("10.0.0.1", 67), ("255.255.255.255", 68)), false, &ack);
    let host = discovery.assets.host(key(CLIENT)).unwrap();
    assert_eq!(host.macs[0].address, mac);
    assert_eq!(maker::maker(mac).as_deref(), Some("VMware"));
    let name = discovery.names.best(CLIENT.parse().unwrap(), 2).unwrap();
    assert_eq!((&*name.name, name.source, name.until), ("pc1", NameSource::Dhcp, Some(60_000_000_001)));
    discovery.hardware(9, 0, CLIENT.parse().unwrap(), [0x00, 0x50, 0x56, 9, 9, 9]);
    assert!(events(&mut discovery).contains(&(CLIENT.parse().unwrap(), "mac_changed")));
}

#[test]
fn the_same_address_on_two_vlans_is_two_hosts() {
    let mut discovery = Discovery::new(DiscoverLimits::default());
    for vlan in [0, 10] {
        let seen = Seen { vlan, ..seen(1, (SERVER, 80), (CLIENT, 4000)) };
        discovery.stream(&seen, true, b"HTTP/1.1 200 OK\r\nServer: Apache/2.4.1 (Win64)\r\n\r\n");
    }
    assert_eq!(discovery.assets.len(), 2);
    let host = discovery.assets.host(HostKey { vlan: 10, ..key(SERVER) }).unwrap();
    assert_eq!(host.services[0].product.version.as_deref(), Some("2.4.1"));
    assert_eq!(host.system().unwrap().system.family, "Windows");
}

#[test]
fn quic_flights_are_bounded_and_counted() {
    use crate::discover::extract::quic::tests::{crypto, seal};
    let mut discovery = Discovery::new(DiscoverLimits { flights: 8, ..DiscoverLimits::default() });
    let cut = seal(1, &[7; 8], &crypto(0, &[1, 0, 1, 0]), 0);
    for port in 0..100 {
        discovery.datagram(&seen(1, (CLIENT, 1000 + port), (SERVER, 443)), false, &cut);
    }
    assert_eq!((discovery.flights.len(), discovery.flights_evicted()), (8, 92));
}

/// Real messages of each reader, for mutations.
fn samples() -> Vec<Vec<u8>> {
    use crate::discover::extract::quic::tests::{crypto, seal};
    vec![
        records(&hello_body(), 100),
        seal(1, &[7; 8], &crypto(0, &hello_body()), 0),
        www(),
        [&[0, 0, 1, 0, 0xff][..], b"SMBr", &[0; 32], &challenge()].concat(),
        b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n\x00\x00\x00\x20\x04\x14aaaaaaaaaaaaaaaa\x00\x00\x00\x01a".to_vec(),
        b"GET /a HTTP/1.1\r\nHost: x\r\nUser-Agent: y (Windows NT 10.0)\r\n\r\n".to_vec(),
        b"HTTP/1.1 200 OK\r\nServer: nginx/1.2 (Ubuntu)\r\n\r\n".to_vec(),
        b"220 mx.example.com ESMTP Postfix\r\n".to_vec(),
        b"\x4a\x00\x00\x00\x0a5.5.5-10.6.12-MariaDB\x00aaaa".to_vec(),
        b"\x05\x01\x00\x05\x01\x00\x03\x01a\x01\xbb\x16\x03\x01\x00\x01\x01".to_vec(),
        b"\x30\x2d\x02\x01\x01\x04\x06public\xa2\x20\x02\x01\x01".to_vec(),
    ]
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(data in prop::collection::vec(any::<u8>(), 0..600), port in any::<u16>()) {
        everything(&data, port);
    }

    #[test]
    fn no_mutation_makes_it_panic(
        which in 0..11usize, cut in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        port in prop::sample::select(vec![21, 25, 53, 67, 68, 80, 88, 119, 123, 137, 138, 161, 443, 502, 547, 1900, 5353, 6379]),
    ) {
        let mut data = samples()[which].clone();
        for (at, value) in edits {
            let at = at.index(data.len());
            data[at] = value;
        }
        everything(&data, port);
        data.truncate(cut.index(data.len() + 1));
        everything(&data, port);
    }

    /// A longer prefix tells what a shorter one told, or more: never another protocol.
    #[test]
    fn prefixes_agree_about_the_protocol(which in 0..11usize, cut in any::<prop::sample::Index>()) {
        let whole = samples()[which].clone();
        let cut = &whole[..cut.index(whole.len() + 1)];
        for server in [false, true] {
            let protocols = |data| -> Vec<_> {
                read::stream(data, server, 9999).facts.into_iter().filter_map(|fact| match fact {
                    Fact::Service(product) | Fact::Client(product) => product.protocol,
                    Fact::Name { .. } | Fact::System { .. } | Fact::Hardware { .. } => None,
                }).collect()
            };
            let (short, long) = (protocols(cut), protocols(&whole));
            prop_assert!(short.iter().all(|protocol| long.contains(protocol)), "{short:?} {long:?}");
        }
    }

    #[test]
    fn no_packet_makes_the_signatures_panic(options in prop::collection::vec(any::<u8>(), 0..44), ttl in any::<u8>()) {
        let table = Signatures::new();
        for answer in [false, true] {
            table.look_up(&Syn { answer, ttl, options: &options, ..syn(answer) });
        }
    }
}

fn everything(data: &[u8], port: u16) {
    let mut discovery = Discovery::new(DiscoverLimits::default());
    for from_server in [false, true] {
        discovery.stream(&seen(1, (CLIENT, port), (SERVER, port)), from_server, data);
        discovery.datagram(&seen(1, (CLIENT, port), (SERVER, port)), from_server, data);
    }
    extract::tls::messages(data);
    extract::tls::ClientHello::parse_dtls(data);
    extract::tls::dtls(data);
    extract::x509::names(data);
    extract::kerberos::message(data);
    extract::netbios::name_service(data);
    extract::netbios::datagram(data);
    extract::dhcp::message(data);
    extract::dhcp::message6(data);
    extract::dns::message(data);
}

#[test]
fn regression_an_empty_text_is_no_product_and_no_banner() {
    assert_eq!(read::stream(b"EHLO \r\n", false, 25).facts, [Fact::Client(Product::of("smtp"))]);
    assert_eq!(read::stream(b"RFB \n", false, 5900).facts, [Fact::Client(Product::of("vnc"))]);
    assert_eq!(Product::slashed("http", ""), Product::of("http"));
    assert_eq!(Product::of("ssh").named("", Some("")), Product::of("ssh"));
}

#[test]
fn regression_an_ssh_banner_is_at_most_255_bytes() {
    let identification = [b"SSH-2.0-".as_slice(), &[b'x'; 300], b"\r\n"].concat();
    let facts = read::stream(&identification, true, 22).facts;
    let [Fact::Service(product)] = facts.as_slice() else { panic!("{facts:?}") };
    assert_eq!(product.banner.as_ref().map(String::len), Some(255));
}
