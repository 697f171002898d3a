//! The engine shows discovery what tells of hosts: ARP, neighbour discovery, handshakes, first bytes, datagrams.

use std::net::IpAddr;

use sensor_core::discover::{Event, HostKey};
use sensor_core::engine::Config;
use sensor_core::flow::Flow;
use sensor_core::{Engine, FlowSink, Frame, Limits, Networks};
use sensor_wire::request::ValueColumn;
use sensor_wire::{Few, RowKind};

/// What is told, `address: change`.
#[derive(Default)]
struct Told(Vec<String>);

impl FlowSink for Told {
    fn flow(&mut self, _: &Flow) {}

    fn discovered(&mut self, event: &Event) {
        self.0.push(format!("{}: {}", event.address, event.change));
    }
}

const SECOND: i64 = 1_000_000_000;
const START: i64 = 1_700_000_000 * SECOND;

const CLIENT: [u8; 4] = [10, 0, 0, 1];
const SERVER: [u8; 4] = [10, 0, 0, 2];

fn mac(last: u8) -> [u8; 6] {
    [2, 0, 0, 0, 0, last]
}

fn ethernet(from: [u8; 6], kind: u16, body: &[u8]) -> Vec<u8> {
    [&mac(0xff)[..], &from, &kind.to_be_bytes(), body].concat()
}

/// An answer: `address` is at `from`.
fn arp(from: [u8; 6], address: [u8; 4]) -> Vec<u8> {
    let body = [&[0, 1, 8, 0, 6, 4, 0, 2][..], &from, &address, &mac(9), &CLIENT].concat();
    ethernet(from, 0x0806, &body)
}

fn ipv4(proto: u8, source: [u8; 4], destination: [u8; 4], body: &[u8]) -> Vec<u8> {
    let length = (20 + body.len() as u16).to_be_bytes();
    let header = [&[0x45, 0][..], &length, &[0, 0, 0x40, 0, 64, proto, 0, 0], &source, &destination].concat();
    ethernet(mac(source[3]), 0x0800, &[&header, body].concat())
}

fn udp(source: ([u8; 4], u16), destination: ([u8; 4], u16), payload: &[u8]) -> Vec<u8> {
    let length = (8 + payload.len() as u16).to_be_bytes();
    let body = [&source.1.to_be_bytes()[..], &destination.1.to_be_bytes(), &length, &[0, 0], payload].concat();
    ipv4(17, source.0, destination.0, &body)
}

const SYN: u8 = 2;
const ACK: u8 = 16;

fn tcp(source: ([u8; 4], u16), destination: ([u8; 4], u16), flags: u8, at: (u32, u32), payload: &[u8]) -> Vec<u8> {
    let body = [
        &source.1.to_be_bytes()[..],
        &destination.1.to_be_bytes(),
        &at.0.to_be_bytes(),
        &at.1.to_be_bytes(),
        &[0x50, flags, 0x20, 0, 0, 0, 0, 0],
        payload,
    ]
    .concat();
    ipv4(6, source.0, destination.0, &body)
}

/// A handshake, then what the server says first.
fn connection(client: ([u8; 4], u16), server: ([u8; 4], u16), says: &[u8]) -> Vec<Vec<u8>> {
    vec![
        tcp(client, server, SYN, (100, 0), b""),
        tcp(server, client, SYN | ACK, (900, 101), b""),
        tcp(client, server, ACK, (101, 901), b""),
        tcp(server, client, ACK, (901, 101), says),
    ]
}

struct Run {
    engine: Engine,
    told: Told,
}

impl Run {
    fn new(config: Config) -> Run {
        Run { engine: Engine::new(config), told: Told::default() }
    }

    /// Frames a second apart, from `start` seconds on.
    fn ingest(&mut self, start: i64, frames: &[Vec<u8>]) -> &mut Run {
        for (second, data) in (start..).zip(frames) {
            let frame = Frame { time: START + second * SECOND, link: 1, wire: data.len() as u32, data };
            self.engine.ingest([frame], &mut self.told);
        }
        self
    }

    fn told(&mut self) -> Vec<String> {
        std::mem::take(&mut self.told.0)
    }
}

#[test]
fn arp_tells_of_a_host_and_of_another_card_at_its_address() {
    let mut run = Run::new(Config::default());
    run.ingest(0, &[arp(mac(2), SERVER), arp(mac(2), SERVER)]);
    assert_eq!(run.told(), ["10.0.0.2: new host, 02:00:00:00:00:02"]);
    run.ingest(2, &[arp(mac(66), SERVER)]);
    assert_eq!(run.told(), ["10.0.0.2: MAC changed from 02:00:00:00:00:02 to 02:00:00:00:00:42"]);
    // A probe for an address that nobody has yet.
    run.ingest(3, &[arp(mac(5), [0; 4])]);
    assert_eq!(run.told(), [""; 0]);
    assert_eq!(run.engine.stats().arp, 4);
}

#[test]
fn neighbour_discovery_tells_of_a_host_only_from_this_link() {
    let source: IpAddr = "fe80::7".parse().unwrap();
    let IpAddr::V6(source) = source else { unreachable!() };
    let advertisement = |hops: u8| {
        let body = [&[136, 0, 0, 0, 0x60, 0, 0, 0][..], &source.octets(), &[2, 1], &mac(7)].concat();
        let header = [
            &[0x60, 0, 0, 0][..],
            &(body.len() as u16).to_be_bytes(),
            &[58, hops],
            &source.octets(),
            &[0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        ];
        ethernet(mac(7), 0x86dd, &[&header.concat()[..], &body].concat())
    };
    let mut run = Run::new(Config::default());
    run.ingest(0, &[advertisement(254)]);
    assert_eq!(run.told(), [""; 0]);
    run.ingest(1, &[advertisement(255)]);
    assert_eq!(run.told(), ["fe80::7: new host, 02:00:00:00:00:07"]);
}

#[test]
fn a_service_is_told_when_it_answers_and_again_when_it_says_what_it_is() {
    let mut run = Run::new(Config::default());
    let frames = connection((CLIENT, 40_000), (SERVER, 2222), b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n");
    run.ingest(0, &frames[..2]);
    assert_eq!(run.told(), ["10.0.0.2: new host, 02:00:00:00:00:02", "10.0.0.2: new service 2222/tcp"]);
    run.ingest(2, &frames[2..]);
    let told = run.told();
    assert!(told.contains(&"10.0.0.1: new host, 02:00:00:00:00:01".to_owned()), "{told:?}");
    assert!(told.contains(&"10.0.0.2: service changed 2222/tcp ssh: OpenSSH 9.2p1".to_owned()), "{told:?}");

    // One row a host in a window: what was told as new a moment ago is told better, not twice.
    let rows = run.engine.changed_after(0, 100).rows;
    let rows: Vec<_> = rows.iter().filter(|row| row.kind == RowKind::Discovery).collect();
    let server = rows.iter().find(|row| row.servers != Few::None).unwrap();
    assert_eq!((server.server_ports, server.proto), (Few::One(2222), 6));
    let messages: Vec<_> = server.events.iter().map(|event| event.message.as_str()).collect();
    assert_eq!(messages[0], "new service 2222/tcp ssh: OpenSSH 9.2p1", "{messages:?}");
    assert_eq!(messages.iter().filter(|message| message.contains("2222")).count(), 1);

    // In a later window the host has another row, and only for what is new.
    run.ingest(60, &connection((CLIENT, 40_001), (SERVER, 80), b""));
    let later = run.engine.changed_after(0, 100).rows;
    let later: Vec<_> =
        later.iter().filter(|row| row.kind == RowKind::Discovery && row.first > START + 30 * SECOND).collect();
    let [row] = *later else { panic!("{later:#?}") };
    assert_eq!(row.events.iter().map(|event| event.message.as_str()).collect::<Vec<_>>(), ["new service 80/tcp"]);
}

#[test]
fn a_scan_that_nobody_answers_makes_no_host() {
    let mut run = Run::new(Config::default());
    let frames: Vec<_> = (1..=200).map(|last| tcp(([10, 9, 9, last], 4000), (SERVER, 80), SYN, (1, 0), b"")).collect();
    run.ingest(0, &frames);
    assert_eq!(run.told(), [""; 0]);
    let discovery = run.engine.discovery().unwrap();
    assert_eq!((discovery.assets.len(), discovery.assets.trials().count()), (0, 200));
}

#[test]
fn the_port_of_an_ftp_transfer_is_no_service() {
    let control = ((CLIENT, 40_000), (SERVER, 21));
    let mut frames = connection(control.0, control.1, b"220 ProFTPD 1.3.7 Server ready\r\n");
    frames.push(tcp(control.0, control.1, ACK, (101, 933), b"PASV\r\n"));
    frames.push(tcp(control.1, control.0, ACK, (933, 107), b"227 Entering Passive Mode (10,0,0,2,195,80).\r\n"));
    // 195 * 256 + 80.
    frames.extend(connection((CLIENT, 40_001), (SERVER, 50_000), b"SSH-2.0-a file that begins like this\r\n"));
    let mut run = Run::new(Config::default());
    run.ingest(0, &frames);
    let told = run.told();
    assert!(told.iter().any(|line| line.contains("21/tcp ftp")), "{told:?}");
    assert!(!told.iter().any(|line| line.contains("50000") || line.contains("ssh")), "{told:?}");
}

#[test]
fn names_come_from_answers_and_hold_for_their_time() {
    let question = [&[0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], b"\x03www\x07example\x00", &[0, 1, 0, 1]].concat();
    let mut answer = question.clone();
    answer[2] = 0x81;
    answer[7] = 1;
    answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 0, 0, 9]);
    let resolver = ([10, 0, 0, 53], 53);
    let mut run = Run::new(Config::default());
    run.ingest(0, &[udp((CLIENT, 5000), resolver, &question), udp(resolver, (CLIENT, 5000), &answer)]);
    let discovery = run.engine.discovery().unwrap();
    let name = discovery.names.of([10, 0, 0, 9].into()).first().unwrap();
    assert_eq!((&*name.name, name.until), ("www.example", Some(START + 61 * SECOND)));
    // Not asked for, so not believed.
    let mut run = Run::new(Config::default());
    run.ingest(0, &[udp(resolver, (CLIENT, 5000), &answer)]);
    assert!(run.engine.discovery().unwrap().names.is_empty());
}

#[test]
fn strangers_are_known_but_not_told() {
    let stranger = [203, 0, 113, 9];
    let mut frames = connection((CLIENT, 40_000), (stranger, 443), b"");
    // It is some hops away.
    frames[1][22] = 55;
    for (home, expected) in [(Networks::private(), false), (Networks::any(), true)] {
        let mut run = Run::new(Config { home, ..Config::default() });
        run.ingest(0, &frames[..3]);
        let told = run.told();
        assert!(told.iter().any(|line| line.starts_with("10.0.0.1: new host")), "{told:?}");
        assert_eq!(told.iter().any(|line| line.starts_with("203.0.113.9")), expected, "{told:?}");
        let key = HostKey { address: stranger.into(), vlan: 0 };
        assert_eq!(run.engine.discovery().unwrap().assets.host(key).unwrap().services.len(), 1);
    }
}

#[test]
fn viewers_are_told_hosts_in_the_order_they_changed() {
    let mut run = Run::new(Config::default());
    run.ingest(0, &[arp(mac(1), CLIENT), arp(mac(2), SERVER)]);
    let of = |run: &Run, after| {
        let told = run.engine.discovery().unwrap().changed_after(after, 10);
        (told.seq, told.hosts.iter().map(|host| host.address.to_string()).collect::<Vec<_>>())
    };
    let (place, hosts) = of(&run, 0);
    assert_eq!(hosts, ["10.0.0.1", "10.0.0.2"]);
    assert_eq!(of(&run, place), (place, Vec::new()));
    // Seen again: told again, but at most once a minute.
    run.ingest(30, &[arp(mac(1), CLIENT)]);
    assert_eq!(of(&run, place).1, [""; 0]);
    run.ingest(70, &[arp(mac(1), CLIENT)]);
    assert_eq!(of(&run, place).1, ["10.0.0.1"]);
    let told = run.engine.discovery().unwrap().changed_after(place, 10);
    assert_eq!((told.hosts[0].first, told.hosts[0].last), (START, START + 70 * SECOND));
}

#[test]
fn a_hello_in_pieces_is_read_once_it_is_whole_and_without_room_not_at_all() {
    // A ClientHello with nothing but a server name, in a record of its own.
    let name = b"pieces.example";
    let list = [&[0, (name.len() + 3) as u8, 0, 0, name.len() as u8][..], name].concat();
    let extension = [&[0, 0, 0, list.len() as u8][..], &list].concat();
    let body = [&[3, 3][..], &[7; 32], &[0, 0, 2, 0x13, 1, 1, 0, 0, extension.len() as u8], &extension].concat();
    let hello = [&[1, 0, 0, body.len() as u8][..], &body].concat();
    let record = [&[22, 3, 1, 0, hello.len() as u8][..], &hello].concat();
    for (room, expected) in [(1 << 20, true), (30, false)] {
        let limits = Limits { opening_bytes: room, ..Limits::default() };
        let mut run = Run::new(Config { limits, ..Config::default() });
        let (client, server) = ((CLIENT, 40_000), (SERVER, 443));
        let mut frames = connection(client, server, b"")[..3].to_vec();
        for (at, piece) in record.chunks(11).enumerate() {
            frames.push(tcp(client, server, ACK, (101 + 11 * at as u32, 901), piece));
        }
        run.ingest(0, &frames);
        let told = run.told();
        assert_eq!(told.iter().any(|line| line.contains("new client tls")), expected, "{told:?}");
        assert_eq!(run.engine.openings_refused(), u64::from(!expected));
        let names = run.engine.discovery().unwrap().names.of(SERVER.into());
        assert_eq!(names.iter().any(|name| &*name.name == "pieces.example"), expected);
    }
}

#[test]
fn a_host_that_answers_on_every_port_has_one_row_with_a_bounded_list_of_messages() {
    let mut run = Run::new(Config::default());
    let frames: Vec<_> = (1..=500u16)
        .flat_map(|port| {
            let ends = ((CLIENT, 40_000), (SERVER, port));
            [tcp(ends.0, ends.1, SYN, (100, 0), b""), tcp(ends.1, ends.0, SYN | ACK, (900, 101), b"")]
        })
        .collect();
    let frames = frames.iter().map(|data| Frame { time: START, link: 1, wire: data.len() as u32, data });
    run.engine.ingest(frames, &mut run.told);
    let rows = run.engine.changed_after(0, 2_000).rows;
    let found: Vec<_> = rows.iter().filter(|row| row.kind == RowKind::Discovery).collect();
    let [row] = *found else { panic!("{found:#?}") };
    assert_eq!(row.server_ports, Few::Many(500));
    assert_eq!(run.engine.values(row.id, ValueColumn::ServerPort).total, 500);
    // 500 services and the host itself; 32 have room.
    assert_eq!(row.events.len(), 33);
    assert_eq!(row.events.last().map(|more| (more.message.as_str(), more.count)), Some(("more about this host", 469)));
    assert_eq!(run.engine.discovery().unwrap().assets.stats().services_evicted, 500 - 128);
}
