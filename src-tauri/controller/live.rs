//! Live captures: listing interfaces, starting, starting again, and the pace of all sources.

use sensor_wire::live::{CaptureFailure, SourceState, failure};
use sensor_wire::view::{SourceId, ViewReply, Wire};
use tokio::time::Instant;

use super::{Controller, Gui, Reply, send};
use crate::error::AppError;
use crate::sources::{self, Origin, Source};

impl<G: Gui> Controller<G> {
    pub(super) fn interfaces(&self, reply: Reply) {
        let list = self.sensors.interfaces();
        tokio::spawn(async move { send(reply, list.await.map(ViewReply::Interfaces)) });
    }

    /// The answer comes from [`Controller::settle`] or [`Controller::give_up`].
    pub(super) fn capture(&mut self, wire: Wire, name: &str, reply: Reply) {
        match self.add(Origin::Interface(wire), sources::clean(name)) {
            Ok(id) => self.starting.push((id, reply)),
            Err(error) => send(reply, Err(error)),
        }
    }

    /// Whoever waits for a capture to run hears that it does, or why it doesn't; one that doesn't leaves no source.
    pub(super) fn settle(&mut self, id: SourceId) {
        let Ok(source) = self.sources.get(id) else { return };
        let failure = match &source.status.state {
            SourceState::Starting => return,
            SourceState::Running | SourceState::Ended | SourceState::Stopped => None,
            SourceState::Failed(words) => {
                let told = source.status.capture.as_ref().and_then(|capture| capture.failure.clone());
                Some(told.unwrap_or_else(|| CaptureFailure {
                    code: failure::FAILED.into(),
                    message: words.clone(),
                    advice: String::new(),
                }))
            }
        };
        let Some(reply) = self.waiting_for(id) else { return };
        if failure.is_some() && self.close(id).is_err() {
            tracing::debug!(source = id, "closed before it started");
        }
        send(reply, Ok(ViewReply::Capturing(failure)));
    }

    /// Whoever waits for a capture to run hears that it never will.
    pub(super) fn give_up(&mut self, id: SourceId, error: AppError) {
        let Some(reply) = self.waiting_for(id) else { return };
        if self.sources.get(id).is_ok() && self.close(id).is_err() {
            tracing::debug!(source = id, "closed before it started");
        }
        send(reply, Err(error));
    }

    fn waiting_for(&mut self, id: SourceId) -> Option<Reply> {
        let at = self.starting.iter().position(|(source, _)| *source == id)?;
        Some(self.starting.swap_remove(at).1)
    }

    pub(super) fn again(&mut self, id: SourceId) -> Result<ViewReply, AppError> {
        let source = self.sources.get(id)?;
        let (origin, name) = (source.origin.clone(), source.name.clone());
        // Tries that came to nothing don't pile up, whichever of them is tried again.
        let over = |source: &Source| {
            source.id == id || source.sensor.is_none() || matches!(source.status.state, SourceState::Failed(_))
        };
        let gone = self.sources.iter().filter(|s| s.origin == origin && over(s) && self.rows.count_of(s.id) == 0);
        for id in gone.map(|source| source.id).collect::<Vec<_>>() {
            self.close(id)?;
        }
        self.add(origin, Some(name))?;
        Ok(ViewReply::Done)
    }

    /// Once a second. Sensors that are not read while the view is paused tell no pace.
    pub(super) fn measure(&mut self) {
        if self.paused && self.waiting.is_full() {
            return;
        }
        let now = Instant::now();
        let mut changed = false;
        for source in self.sources.iter_mut() {
            changed |= source.meter.beat(source.status.packets, source.status.bytes_read, now);
        }
        if changed {
            self.ticks.status();
        }
    }
}
