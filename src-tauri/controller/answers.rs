//! What the page asks, and the answers. Questions to a sensor run as tasks of their own.

use sensor_wire::request::ValueColumn;
use sensor_wire::view::{
    Anchor, AppStatus, Boot, Flows, HostsAsked, Prefs, RowKey, SourceId, SourceStatus, ViewFlow, ViewReply, ViewRequest,
};
use tokio::sync::oneshot;

use super::{Controller, Gui, Reply, now, send};
use crate::error::AppError;
use crate::prefs;
use crate::sensors::Asker;
use crate::sources::Origin;
use crate::zone::{self, Zone};

/// Characters of one line of the page's log.
const MAX_LOG: usize = 4000;

/// Characters of a search that are told again.
const MAX_FIND: usize = 200;

impl<G: Gui> Controller<G> {
    pub(super) fn answer(&mut self, request: ViewRequest, reply: Reply) {
        let answer = match request {
            ViewRequest::Boot => Ok(self.boot()),
            ViewRequest::Rows { offset, count, anchor } => Ok(self.window(offset, count, anchor)),
            ViewRequest::Position(key) => Ok(ViewReply::Position(self.rows.position(key))),
            ViewRequest::Sort(keys) => {
                self.rows.set_sort(&keys);
                self.ticks.rows();
                Ok(ViewReply::Done)
            }
            ViewRequest::Find(text) => {
                self.rows.set_find(&text);
                self.find = text.chars().take(MAX_FIND).collect();
                self.ticks.rows();
                Ok(ViewReply::Done)
            }
            ViewRequest::Timeline { buckets } => Ok(self.timeline(buckets)),
            ViewRequest::Status => Ok(ViewReply::Status(self.status())),
            ViewRequest::Pause(paused) => {
                self.pause(paused);
                Ok(ViewReply::Done)
            }
            ViewRequest::Values { key, column } => return self.values(key, column, reply),
            ViewRequest::Flows { key, offset, limit } => return self.flows(key, offset, limit, reply),
            ViewRequest::Hosts(asked) => Ok(self.host_window(&asked)),
            ViewRequest::Host(asked) => {
                let sensor = self.sources.get(asked.source).map(|source| source.name.clone()).unwrap_or_default();
                Ok(ViewReply::Host(self.hosts.view(asked, &sensor, self.zone).map(Box::new)))
            }
            ViewRequest::RuleList(asked) => return self.rule_list(asked, reply),
            ViewRequest::Rule { source, gid, sid } => return self.rule(source, gid, sid, reply),
            ViewRequest::Explain(asked) => return self.explain(asked, reply),
            ViewRequest::ExplainOn(number) => return self.explain_on(number, reply),
            ViewRequest::StopExplain(number) => self.stop_explain(number),
            ViewRequest::CheckRules(text) => return self.check_rules(text, reply),
            ViewRequest::SetRules(prefs) => return self.set_rules(*prefs, reply),
            ViewRequest::CheckVariables(prefs) => return self.check_variables(&prefs, reply),
            ViewRequest::FetchRules(address) => self.fetch_rules(&address),
            ViewRequest::StopFetch(address) => self.stop_fetch(&address),
            ViewRequest::Open(paths) => self.open(paths.into_iter().map(|path| Origin::File(path.into())).collect()),
            ViewRequest::OpenDialog => return self.open_dialog(reply),
            ViewRequest::Interfaces => return self.interfaces(reply),
            ViewRequest::Capture { wire, name } => return self.capture(wire, &name, reply),
            ViewRequest::Again(source) => self.again(source),
            ViewRequest::Stop(source) => return self.stop(source, reply),
            ViewRequest::Close(source) => self.close(source),
            ViewRequest::Rename { source, name } => self.rename(source, &name),
            ViewRequest::ClearRecent => {
                self.kept.recent.clear();
                self.keeper.keep(&self.kept);
                self.ticks.status();
                Ok(ViewReply::Done)
            }
            ViewRequest::SetPrefs(prefs) => self.set_prefs(prefs),
            ViewRequest::Log(text) => {
                let text: String = text.chars().take(MAX_LOG).collect();
                tracing::error!(target: "ui", "{text}");
                Ok(ViewReply::Done)
            }
        };
        send(reply, answer);
    }

    fn boot(&self) -> ViewReply {
        ViewReply::Boot(Box::new(Boot {
            version: env!("CARGO_PKG_VERSION").into(),
            prefs: self.kept.prefs.clone(),
            zones: zone::names(),
            system_zone: zone::system().name().into(),
            has_dialog: self.gui.has_dialog(),
            sort: self.rows.sort().to_vec(),
            find: self.find.clone(),
        }))
    }

    fn window(&self, offset: u64, count: u32, anchor: Option<Anchor>) -> ViewReply {
        let mut window = self.rows.window(offset, count, anchor, self.zone, now());
        window.revision = self.ticks.now().rows;
        window.waiting = self.waiting.fresh();
        if self.kept.prefs.annotations {
            window.rows.iter_mut().for_each(|row| self.hosts.annotate(row));
        }
        ViewReply::Rows(window)
    }

    fn host_window(&mut self, asked: &HostsAsked) -> ViewReply {
        let names = self.sources.iter().map(|source| (source.id, source.name.clone())).collect();
        let mut window = self.hosts.window(asked, &names, self.zone, now());
        window.revision = self.ticks.now().hosts;
        ViewReply::Hosts(window)
    }

    fn timeline(&self, buckets: u16) -> ViewReply {
        ViewReply::Timeline(self.rows.timeline(buckets, self.zone))
    }

    fn status(&self) -> AppStatus {
        let source = |source: &crate::sources::Source| SourceStatus {
            id: source.id,
            name: source.name.clone(),
            origin: source.origin.view(),
            link: source.link.clone(),
            status: source.status.clone(),
            rows: self.rows.count_of(source.id),
            pace: source.meter.pace(),
        };
        AppStatus {
            revision: self.ticks.now().status,
            sources: self.sources.iter().map(source).collect(),
            recent: self.kept.recent.clone(),
            paused: self.paused,
            waiting: self.waiting.fresh(),
            changes_per_second: self.changes_per_second,
            row_cap: self.rows.cap() as u64,
            rows_evicted: self.rows.evicted(),
            hosts: self.hosts.len() as u64,
            hosts_evicted: self.hosts.evicted(),
            rules: self.rules_revision,
            rule_counts: self.rule_counts.clone(),
            notices: self.notices.clone(),
        }
    }

    fn set_prefs(&mut self, prefs: Prefs) -> Result<ViewReply, AppError> {
        let zone = Zone::parse(&prefs.zone).ok_or_else(|| AppError::UnknownZone(prefs.zone.clone()))?;
        let zone_changes = zone != self.zone;
        let rows_change = zone_changes
            || prefs.flow_events != self.kept.prefs.flow_events
            || prefs.annotations != self.kept.prefs.annotations;
        self.zone = zone;
        self.rows.set_flow_events(prefs.flow_events);
        self.kept.prefs = prefs::mend(prefs);
        self.keeper.keep(&self.kept);
        if rows_change {
            self.ticks.rows();
        }
        if zone_changes {
            self.ticks.hosts();
        }
        Ok(ViewReply::Done)
    }

    pub(super) fn asker(&self, source: SourceId) -> Result<Asker, AppError> {
        let source = self.sources.get(source)?;
        let gone = || AppError::SensorGone(format!("{} has none any more", source.name));
        source.sensor.as_ref().map(|sensor| sensor.asker()).ok_or_else(gone)
    }

    fn values(&self, key: RowKey, column: ValueColumn, reply: Reply) {
        match self.asker(key.source) {
            Err(error) => send(reply, Err(error)),
            Ok(mut asker) => drop(tokio::spawn(async move {
                send(reply, asker.values(key.row, column).await.map(ViewReply::Values));
            })),
        }
    }

    fn flows(&self, key: RowKey, offset: u32, limit: u32, reply: Reply) {
        let zone = self.zone;
        match self.asker(key.source) {
            Err(error) => send(reply, Err(error)),
            Ok(mut asker) => drop(tokio::spawn(async move {
                let flows = asker.flows(key.row, offset, limit).await.map(|(total, flows)| {
                    let shown = flows.into_iter().map(|flow| ViewFlow { utc_offset: zone.offset_at(flow.first), flow });
                    ViewReply::Flows(Flows { total, flows: shown.collect() })
                });
                send(reply, flows);
            })),
        }
    }

    fn stop(&self, source: SourceId, reply: Reply) {
        match self.asker(source) {
            Err(error) => send(reply, Err(error)),
            Ok(mut asker) => drop(tokio::spawn(async move {
                send(reply, asker.stop().await.map(|()| ViewReply::Done));
            })),
        }
    }

    fn open_dialog(&self, reply: Reply) {
        if !self.gui.has_dialog() {
            return send(reply, Err(AppError::NoDialog));
        }
        let (picked, paths) = oneshot::channel();
        self.gui.pick(picked);
        let handle = self.handle.clone();
        tokio::spawn(async move {
            // A dialog that goes away without an answer picked nothing.
            let paths = paths.await.unwrap_or_default();
            send(reply, Ok(handle.open(paths).await));
        });
    }
}
