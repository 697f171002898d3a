//! Which rules run, and what is asked of them.

use std::sync::Arc;

use sensor_wire::rules::{RuleCounts, RulesAsked};
use sensor_wire::view::{RulePrefs, RuleWindow, SourceId, ViewReply};

use crate::rules::{self, Chosen};

use super::{Controller, Gui, Reply, now, send};
use crate::error::AppError;
use crate::sensors::Asker;

/// Bytes of the user's own rules, and entries of each list that is set.
const MOST_LOCAL: usize = 1 << 20;
const MOST_ENTRIES: usize = 100_000;

/// The source that the sensor is told under which only looks at rules.
const DESK: SourceId = 0;

impl<G: Gui> Controller<G> {
    /// The rules as they are to run.
    pub(super) fn rules(&self) -> Arc<Chosen> {
        Arc::new(Chosen { prefs: self.kept.rules.clone(), shelf: Arc::clone(&self.fetches.shelf) })
    }

    /// A sensor without packets answers for the rules: there need not be a capture, and what strangers wrote is not
    /// parsed here.
    fn desk(&mut self) -> Asker {
        let (rules, sensors) = (self.rules(), &self.sensors);
        self.desk.get_or_insert_with(|| sensors.start(DESK, None, "rules".into(), rules)).asker()
    }

    pub(super) fn rule_list(&mut self, asked: RulesAsked, reply: Reply) {
        let (mut asker, prefs) = (self.desk(), self.kept.rules.clone());
        let (fetches, utc_offset) = (self.fetches.shown(&prefs), self.zone.offset_at(now()));
        tokio::spawn(async move {
            let window = |answer| RuleWindow { prefs, answer, fetches, utc_offset };
            send(reply, asker.rules(asked).await.map(|answer| ViewReply::Rules(Box::new(window(answer)))));
        });
    }

    pub(super) fn rule(&mut self, source: SourceId, gid: u32, sid: u32, reply: Reply) {
        let asker = if source == DESK { Ok(self.desk()) } else { self.asker(source) };
        match asker {
            Err(error) => send(reply, Err(error)),
            Ok(mut asker) => drop(tokio::spawn(async move {
                send(reply, asker.rule(gid, sid).await.map(|rule| ViewReply::Rule(rule.map(Box::new))));
            })),
        }
    }

    pub(super) fn check_rules(&mut self, text: String, reply: Reply) {
        let mut asker = self.desk();
        tokio::spawn(async move { send(reply, asker.check_rules(text).await.map(ViewReply::RulesChecked)) });
    }

    pub(super) fn check_variables(&mut self, prefs: &RulePrefs, reply: Reply) {
        let (mut asker, variables) = (self.desk(), rules::variables(prefs));
        tokio::spawn(async move { send(reply, asker.check_variables(variables).await.map(ViewReply::Variables)) });
    }

    /// Keeps which rules run, and has every sensor run them. Answered once the list of rules tells of them.
    pub(super) fn set_rules(&mut self, mut prefs: RulePrefs, reply: Reply) {
        if prefs.local.len() > MOST_LOCAL {
            let long = AppError::RulesUnreadable("own rules of more than a mebibyte are not kept".into());
            return send(reply, Err(long));
        }
        prefs.off.truncate(MOST_ENTRIES);
        prefs.on.truncate(MOST_ENTRIES);
        prefs.sources.truncate(MOST_ENTRIES);
        self.fetches.keep_only(&prefs);
        self.kept.rules = prefs;
        self.keeper.keep(&self.kept);
        self.run_rules(Some(reply));
    }

    /// Has every sensor read and run the rules.
    pub(super) fn run_rules(&mut self, reply: Option<Reply>) {
        let rules = self.rules();
        let (mut desk, theirs, handle) = (self.desk(), Arc::clone(&rules), self.handle.clone());
        tokio::spawn(async move {
            let taken = desk.set_rules(theirs).await;
            if let Ok(counts) = &taken {
                handle.rules(counts.clone()).await;
            }
            if let Some(reply) = reply {
                send(reply, taken.map(|_| ViewReply::Done));
            }
        });
        let all = self.sources.iter().filter_map(|source| Some((source.id, source.sensor.as_ref()?.asker())));
        for (source, mut asker) in all {
            let rules = Arc::clone(&rules);
            tokio::spawn(async move {
                match asker.set_rules(rules).await {
                    Ok(counts) => tracing::info!(source, running = counts.running, refused = counts.refused, "rules"),
                    Err(error) => tracing::warn!(source, error = error.words(), "the rules stay as they were"),
                }
            });
        }
    }

    /// A sensor runs these. All have the same, so that it needs to be said once.
    pub(super) fn rules_run(&mut self, counts: &RuleCounts) {
        self.notices.retain(|notice| notice.code != "rules_unreadable");
        if let Some(first) = counts.unreadable.first() {
            let more = counts.unreadable.len() - 1;
            let more = if more > 0 { format!(" (+{more} more)") } else { String::new() };
            self.notice(AppError::RulesUnreadable(format!("{first}{more}")));
        }
        self.rule_counts = counts.clone();
        self.rules_changed();
    }

    /// Which rules run, or what is fetched, is another thing than before.
    pub(super) fn rules_changed(&mut self) {
        self.rules_revision += 1;
        self.ticks.status();
    }
}
