//! Hosts in the app without a window: what a real sensor tells of them, and how it is asked for.

#![allow(clippy::wildcard_enum_match_arm, reason = "any other answer fails the test")]
#![allow(clippy::expect_used, reason = "clippy allows it in the bodies of tests alone")]

mod support;

use nightjar_app::controller::Options;
use sensor_wire::view::{
    Boot, HostAsked, HostColumn, HostSort, HostWindow, HostsAsked, Prefs, SourceId, ViewHost, ViewReply, ViewRequest,
};
use sensor_wire::{Addr, Few};
use support::{App, sample};

fn all() -> HostsAsked {
    HostsAsked { search: String::new(), sort: HostSort::default(), offset: 0, count: 200, anchor: None }
}

async fn hosts(app: &App, asked: HostsAsked) -> HostWindow {
    match app.ask(ViewRequest::Hosts(asked)).await {
        ViewReply::Hosts(window) => window,
        other => panic!("{other:?}"),
    }
}

async fn host(app: &App, source: SourceId, address: &str) -> Option<ViewHost> {
    let address = Addr(address.parse().expect("an address"));
    match app.ask(ViewRequest::Host(HostAsked { source, address, vlan: None })).await {
        ViewReply::Host(host) => host.map(|host| *host),
        other => panic!("{other:?}"),
    }
}

/// Opens the sample and waits until the last host that its last seconds change is here.
async fn opened(app: &App) -> SourceId {
    let id = app.open(&sample()).await;
    app.read(id).await;
    app.until("the hosts are here", || async { settled(app, id).await.then_some(()) }).await;
    id
}

/// The sample's domain controller, and the host that is seen last.
async fn settled(app: &App, id: SourceId) -> bool {
    let controller = host(app, id, "192.168.10.10").await.is_some_and(|host| host.record.services_total >= 3);
    controller && host(app, id, "131.151.37.122").await.is_some_and(|host| !host.record.systems.is_empty())
}

async fn set_prefs(app: &App, change: impl FnOnce(&mut Prefs)) {
    let ViewReply::Boot(boot) = app.ask(ViewRequest::Boot).await else { panic!("no boot") };
    let Boot { mut prefs, .. } = *boot;
    change(&mut prefs);
    app.tell(ViewRequest::SetPrefs(prefs)).await;
}

#[tokio::test]
async fn a_capture_tells_its_hosts_with_names_services_and_systems() {
    let Some(app) = App::start(Options::default()) else { return };
    let id = opened(&app).await;
    let controller = host(&app, id, "192.168.10.10").await.expect("the domain controller is known");
    assert_eq!((controller.sensor.as_str(), controller.key.source), ("sample", id));
    let record = &controller.record;
    assert!(record.names.iter().any(|name| name.name.eq_ignore_ascii_case("dc1")), "{:?}", record.names);
    let ports: Vec<(u16, u8)> = record.services.iter().map(|service| (service.port, service.proto)).collect();
    assert!([(135, 6), (445, 6), (53, 17)].iter().all(|port| ports.contains(port)), "{ports:?}");
    assert!(record.systems.iter().any(|seen| seen.family == "Windows"), "{:?}", record.systems);
    assert!(record.first <= record.last);
    assert!(host(&app, id, "203.0.113.99").await.is_none());

    let found = hosts(&app, HostsAsked { search: "DC1 smb".into(), ..all() }).await;
    assert_eq!((found.total, found.hosts[0].key), (1, controller.key));
    assert!(found.hosts[0].first_services.contains("445 smb"), "{}", found.hosts[0].first_services);
    assert!(found.unfiltered > 50);

    let sort = HostSort { column: HostColumn::Services, descending: true };
    let most = hosts(&app, HostsAsked { sort, ..all() }).await;
    assert!(most.hosts.is_sorted_by(|a, b| a.services >= b.services));
    assert!(most.hosts[0].services >= 3);
    app.handle.shut_down().await;
}

#[tokio::test]
async fn rows_say_what_is_known_of_their_hosts_until_that_is_switched_off() {
    let Some(app) = App::start(Options::default()) else { return };
    opened(&app).await;
    let rows = app.rows().await.rows;
    let one = |few: Few<Addr>, address: &str| matches!(few, Few::One(one) if one.to_string() == address);
    let server = rows.iter().filter(|row| one(row.servers, "192.168.10.10"));
    let notes: Vec<&str> = server.map(|row| row.server_note.as_str()).collect();
    assert!(!notes.is_empty() && notes.iter().all(|note| note.to_lowercase().starts_with("dc1")), "{notes:?}");
    let client = rows.iter().filter(|row| one(row.clients, "131.151.37.122"));
    let notes: Vec<&str> = client.map(|row| row.client_note.as_str()).collect();
    assert!(!notes.is_empty() && notes.iter().all(|note| note.contains("Windows")), "{notes:?}");
    let many = rows.iter().filter(|row| matches!(row.servers, Few::Many(_)));
    assert!(many.clone().count() > 0 && many.into_iter().all(|row| row.server_note.is_empty()));

    set_prefs(&app, |prefs| prefs.annotations = false).await;
    let rows = app.rows().await.rows;
    assert!(rows.iter().all(|row| row.server_note.is_empty() && row.client_note.is_empty()));
    app.handle.shut_down().await;
}

#[tokio::test]
async fn times_of_hosts_follow_the_zone() {
    let Some(app) = App::start(Options::default()) else { return };
    let id = opened(&app).await;
    let before = app.ticks().borrow().hosts;
    set_prefs(&app, |prefs| prefs.zone = "Asia/Kathmandu".into()).await;
    app.until("the page is told", || async { (app.ticks().borrow().hosts > before).then_some(()) }).await;
    let window = hosts(&app, all()).await;
    assert_eq!((window.zone.as_str(), window.hosts[0].first.1), ("+0545", 20_700));
    let controller = host(&app, id, "192.168.10.10").await.expect("known");
    assert_eq!(controller.utc_offset(controller.record.last), 20_700);
    app.handle.shut_down().await;
}

#[tokio::test]
async fn each_source_has_its_own_hosts_and_takes_them_away() {
    let Some(app) = App::start(Options::default()) else { return };
    let first = opened(&app).await;
    let one = app.until("all hosts are here", || async { still(&app).await }).await;
    let second = opened(&app).await;
    app.until("twice as many", || async { (hosts(&app, all()).await.unfiltered == 2 * one).then_some(()) }).await;
    app.tell(ViewRequest::Rename { source: second, name: "Lab".into() }).await;
    assert_eq!(host(&app, second, "192.168.10.10").await.map(|host| host.sensor), Some("Lab".into()));
    app.tell(ViewRequest::Close(second)).await;
    let window = hosts(&app, all()).await;
    assert_eq!(window.unfiltered, one);
    assert!(window.hosts.iter().all(|line| line.key.source == first && line.sensor == "sample"));
    assert!(host(&app, second, "192.168.10.10").await.is_none());
    app.handle.shut_down().await;
}

/// The number of hosts, once it is that of the sample: every address of its exchanges.
async fn still(app: &App) -> Option<u64> {
    let count = hosts(app, all()).await.unfiltered;
    (count >= 75).then_some(count)
}

#[tokio::test]
async fn the_table_is_bounded_and_counts_what_gave_way() {
    let Some(app) = App::start(Options { host_cap: 10, ..Options::default() }) else { return };
    let id = app.open(&sample()).await;
    app.read(id).await;
    app.until("hosts gave way", || async { (app.status().await.hosts_evicted > 20).then_some(()) }).await;
    let status = app.status().await;
    assert_eq!((status.hosts, hosts(&app, all()).await.unfiltered), (10, 10));
    app.handle.shut_down().await;
}
