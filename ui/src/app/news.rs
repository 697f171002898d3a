//! What reaches the window from outside its own code: the app's answers and ticks, the grid's reports.

use std::rc::Rc;

use gloo_timers::callback::Timeout;
use sensor_wire::view::{AppStatus, Boot, Tick, ViewError, ViewReply, ViewRequest, ViewRow};
use wasm_bindgen_futures::spawn_local;
use yew::Context;

use super::{App, Msg};
use crate::backend::{self, Client, Heard, unexpected};
use crate::grid::columns;
use crate::grid::viewport::GridEvent;
use crate::state::{self, Overlay};
use crate::theme;

/// Buckets of the strip above the grid.
const BUCKETS: u16 = 240;
/// How long a word at the bottom stays, in milliseconds.
const TOAST: u32 = 3_500;

impl App {
    pub(super) fn booted(&mut self, ctx: &Context<Self>, answer: Result<Rc<Boot>, ViewError>) -> bool {
        match answer {
            Ok(boot) => {
                self.prefs = boot.prefs.clone();
                self.prefs.columns = columns::repaired(&self.prefs.columns);
                self.sort = boot.sort.clone();
                self.find = boot.find.clone();
                self.boot = Some(boot);
                self.lost = None;
                theme::apply(self.prefs.theme);
                self.grid.set_row_height(state::row_height(&self.prefs));
                self.lay_out();
                self.pull_status(ctx);
                self.pulls.strip_stale = true;
                self.pull_strip(ctx);
            }
            Err(error) => self.lost = Some(error.detail),
        }
        true
    }

    pub(super) fn heard(&mut self, ctx: &Context<Self>, heard: Heard) -> bool {
        match heard {
            Heard::Tick(Tick { rows, status, hosts }) => {
                if self.boot.is_none() || self.lost.is_some() {
                    // The app is back, perhaps as another run of itself.
                    boot(ctx, &self.client);
                    self.grid.pull();
                }
                self.pulls.strip_stale = true;
                self.pulls.status_due |= self.status.revision != status;
                // Rows go first: a status that is drawn before them would take their frame.
                if !self.grid.tick(rows) {
                    self.pull_due_status(ctx);
                }
                self.hosts_changed(hosts)
            }
            Heard::Lost(cause) => {
                let changed = self.lost.as_ref() != Some(&cause);
                self.lost = Some(cause);
                changed
            }
        }
    }

    pub(super) fn status(&mut self, ctx: &Context<Self>, answer: Result<AppStatus, ViewError>) -> bool {
        self.pulls.status = false;
        if std::mem::take(&mut self.pulls.status_again) {
            self.pull_status(ctx);
        }
        match answer {
            Ok(status) if *self.status != status => {
                self.dismissed.retain(|id| status.sources.iter().any(|s| s.id == *id));
                if let Some(Overlay::Source(id)) = self.overlay
                    && status.sources.iter().all(|s| s.id != id)
                {
                    self.close_overlay();
                }
                self.status = Rc::new(status);
                true
            }
            Ok(_) => false,
            Err(error) => self.failed(ctx, error),
        }
    }

    pub(super) fn grid_event(&mut self, ctx: &Context<Self>, event: GridEvent) -> bool {
        match event {
            GridEvent::Meta(meta) => {
                self.meta = meta;
                true
            }
            GridEvent::Pulled => {
                self.pull_due_status(ctx);
                false
            }
            GridEvent::Selected(selected) => {
                let same = match (&self.selected, &selected) {
                    (Some(a), Some(b)) => Rc::ptr_eq(a, b),
                    (None, None) => true,
                    (Some(_), None) | (None, Some(_)) => false,
                };
                let key = |row: &Option<Rc<ViewRow>>| row.as_ref().map(|row| row.key);
                if key(&self.selected) != key(&selected) {
                    self.why = None;
                }
                self.selected = selected;
                if self.selected.is_none() {
                    self.detail = false;
                }
                !same
            }
            GridEvent::Failed(error) => self.failed(ctx, error),
        }
    }

    pub(super) fn failed(&mut self, ctx: &Context<Self>, error: ViewError) -> bool {
        // The carrier itself says when it is gone and when it is back: a request that fails meanwhile is no news.
        if error.code == backend::UNREACHABLE && self.lost.is_some() {
            return false;
        }
        let text = if error.detail.is_empty() || error.detail == error.message {
            error.message
        } else {
            format!("{} ({})", error.message, error.detail)
        };
        self.say(ctx, text)
    }

    pub(super) fn say(&mut self, ctx: &Context<Self>, text: String) -> bool {
        self.toast = Some(text);
        let link = ctx.link().clone();
        self.timers.toast = Some(Timeout::new(TOAST, move || link.send_message(Msg::Toasted)));
        true
    }

    fn pull_due_status(&mut self, ctx: &Context<Self>) {
        if std::mem::take(&mut self.pulls.status_due) {
            self.pull_status(ctx);
        }
    }

    pub(super) fn pull_status(&mut self, ctx: &Context<Self>) {
        if std::mem::replace(&mut self.pulls.status, true) {
            self.pulls.status_again = true;
            return;
        }
        let (client, link) = (self.client.clone(), ctx.link().clone());
        spawn_local(async move {
            link.send_message(Msg::Status(match client.ask(ViewRequest::Status).await {
                Ok(ViewReply::Status(status)) => Ok(status),
                Ok(_) => Err(unexpected()),
                Err(error) => Err(error),
            }));
        });
    }

    pub(super) fn pull_strip(&mut self, ctx: &Context<Self>) {
        if self.boot.is_none() || self.pulls.strip || !std::mem::take(&mut self.pulls.strip_stale) {
            return;
        }
        self.pulls.strip = true;
        let (client, link) = (self.client.clone(), ctx.link().clone());
        spawn_local(async move {
            link.send_message(Msg::Strip(match client.ask(ViewRequest::Timeline { buckets: BUCKETS }).await {
                Ok(ViewReply::Timeline(timeline)) => Ok(timeline),
                Ok(_) => Err(unexpected()),
                Err(error) => Err(error),
            }));
        });
    }
}

pub(super) fn boot(ctx: &Context<App>, client: &Client) {
    let (client, link) = (client.clone(), ctx.link().clone());
    spawn_local(async move {
        link.send_message(Msg::Booted(match client.ask(ViewRequest::Boot).await {
            Ok(ViewReply::Boot(boot)) => Ok(boot.into()),
            Ok(_) => Err(unexpected()),
            Err(error) => Err(error),
        }));
    });
}
