use super::*;

fn key(n: u32) -> HostKey {
    HostKey { address: IpAddr::V4(std::net::Ipv4Addr::from(0x0a00_0000 + n)), vlan: 0 }
}

fn changes(assets: &mut Assets) -> Vec<&'static str> {
    assets.take_events().map(|event| event.change.name()).collect()
}

#[test]
fn a_host_is_told_once_with_what_was_known_of_it() {
    let mut assets = Assets::new(AssetLimits::default());
    let linux = System { family: "Linux", version: "", confidence: 75 };
    assets.sent(1, key(1));
    assets.system(1, key(1), linux, Evidence::Syn);
    assert!(changes(&mut assets).is_empty(), "an address on trial makes no events");
    assets.exchanged(2, key(1));
    assets.exchanged(3, key(1));
    assert_eq!(changes(&mut assets), ["new_host", "new_os"]);
    let host = assets.host(key(1)).unwrap();
    assert_eq!((host.first, host.last), (1, 3));
}

#[test]
fn a_flood_of_spoofed_sources_displaces_no_host() {
    let mut assets = Assets::new(AssetLimits { hosts: 4, trials: 16, ..AssetLimits::default() });
    assets.exchanged(0, key(0));
    for n in 1..1000 {
        assets.sent(1, key(n));
    }
    assert_eq!(assets.len(), 1);
    assert_eq!(assets.trials().count(), 16);
    assert_eq!(assets.stats().trials_evicted, 999 - 16);
    for n in 0..50 {
        assets.client(2, key(999), Product::slashed("sip", &format!("agent/{n}")));
    }
    assert_eq!(assets.trial(key(999)).unwrap().clients.len(), TRIAL_CLIENTS);
}

#[test]
fn another_hardware_address_is_a_change_and_the_old_one_again_is_none() {
    let mut assets = Assets::new(AssetLimits::default());
    assets.exchanged(0, key(1));
    for (time, last) in [(1, 1), (2, 2), (3, 1), (4, 2)] {
        assets.mac(time, key(1), [0, 0, 0, 0, 0, last]);
    }
    assets.mac(5, key(1), [1, 0, 0, 0, 0, 9]);
    assert_eq!(changes(&mut assets), ["new_host", "mac_changed"]);
    for n in 0..20 {
        assets.mac(10, key(1), [0, 0, 0, 0, 1, n]);
    }
    assert_eq!(assets.host(key(1)).unwrap().macs.len(), MAX_MACS);
}

#[test]
fn a_service_is_told_when_it_is_new_and_when_it_changes() {
    let mut assets = Assets::new(AssetLimits::default());
    assets.service(1, key(1), 80, 6, Product::default());
    assets.service(2, key(1), 80, 6, Product::slashed("http", "nginx/1.18.0"));
    assets.service(3, key(1), 80, 6, Product::slashed("http", "nginx/1.18.0"));
    assets.service(4, key(1), 80, 6, Product::default());
    assets.service(5, key(1), 80, 6, Product::of("tls"));
    assets.service(6, key(1), 80, 6, Product::slashed("http", "nginx/1.20.0"));
    assert_eq!(changes(&mut assets), ["new_host", "new_service", "service_changed", "service_changed"]);
    let services = &assets.host(key(1)).unwrap().services;
    assert_eq!(services.len(), 1);
    assert_eq!((services[0].first, services[0].last), (1, 6));
    assert_eq!(services[0].product.version.as_deref(), Some("1.20.0"));
}

#[test]
fn every_bound_holds_and_is_counted() {
    let limits = AssetLimits { hosts: 10, services: 5, clients: 3, events: 7, ..AssetLimits::default() };
    let mut assets = Assets::new(limits);
    for n in 0..30 {
        assets.exchanged(i64::from(n), key(n));
    }
    assert_eq!((assets.len(), assets.stats().hosts_evicted), (10, 20));
    assert!(assets.host(key(19)).is_none() && assets.host(key(20)).is_some());
    assert_eq!(assets.take_events().count(), 7);
    assert_eq!(assets.stats().events_lost, 23);
    for port in 0..20 {
        assets.service(100 + i64::from(port), key(25), port, 6, Product::default());
        assets.client(100, key(25), Product::slashed("http", &format!("agent/{port}")));
    }
    let host = assets.host(key(25)).unwrap();
    assert_eq!((host.services.len(), host.clients.len()), (5, 3));
    assert_eq!((assets.stats().services_evicted, assets.stats().clients_evicted), (15, 17));

    let mut assets = Assets::new(AssetLimits { bytes: 100_000, ..AssetLimits::default() });
    for n in 0..500 {
        assets.service(0, key(n), 80, 6, Product::slashed("http", &"x".repeat(200)));
        assert!(assets.bytes() <= 100_000 + 2_000);
    }
    assert!(assets.stats().hosts_evicted > 300);
    let measured: usize = assets.hosts().map(|(_, host)| host.measure()).sum();
    assert_eq!(measured, assets.bytes());
}

#[test]
fn evidence_of_two_kinds_outweighs_a_lone_claim() {
    let mut assets = Assets::new(AssetLimits::default());
    assets.exchanged(0, key(1));
    let system = |family, confidence| System { family, version: "", confidence };
    assets.system(1, key(1), system("Linux", 75), Evidence::Syn);
    assets.system(2, key(1), system("Windows", 70), Evidence::UserAgent);
    assert_eq!(assets.host(key(1)).unwrap().system().unwrap().system.family, "Linux");
    assets.system(3, key(1), system("Windows", 65), Evidence::Banner);
    assert_eq!(assets.host(key(1)).unwrap().system().unwrap().system.family, "Windows");
    assert_eq!(changes(&mut assets), ["new_host", "new_os", "new_os"]);
}
