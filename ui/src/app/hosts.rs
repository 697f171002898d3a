//! The pane of hosts over the grid, and the card beside an address that the pointer rests on.

use std::rc::Rc;

use gloo_timers::callback::Timeout;
use sensor_wire::Few;
use sensor_wire::view::{Column, HostAsked, ViewHost, ViewReply, ViewRequest, ViewRow};
use wasm_bindgen_futures::spawn_local;
use yew::{Context, Html, html};

use super::{App, Msg};
use crate::dom;
use crate::hosts::card::Card;
use crate::hosts::pane::Pane;

/// How long the pointer has to rest until the card comes, and be away until it goes, in milliseconds.
const REST: u32 = 350;
const AWAY: u32 = 80;

/// The pane of hosts.
#[derive(Default)]
pub(super) struct HostsPane {
    /// It lies over the grid.
    pub open: bool,
    /// The newest revision of the hosts.
    pub revision: u64,
    /// The host to show, and which request for one this is.
    pub wanted: Option<(u32, HostAsked)>,
    /// Requests so far.
    count: u32,
}

/// An address under the pointer.
pub(super) struct Pointed {
    asked: HostAsked,
    place: Place,
    /// What is known of it, once that was asked.
    host: Option<Option<Rc<ViewHost>>>,
    /// Until the card comes, or goes.
    _timer: Option<Timeout>,
}

/// Left, upper and lower edge of a cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub above: f64,
    /// Lower edge.
    pub y: f64,
}

impl App {
    pub(super) fn show_hosts(&mut self, host: Option<HostAsked>) -> bool {
        self.overlay = None;
        self.pointed = None;
        self.rules = false;
        self.hosts.open = true;
        self.hosts.count = self.hosts.count.wrapping_add(1);
        let number = self.hosts.count;
        self.hosts.wanted = host.map(|host| (number, host));
        dom::focus("hosts-search");
        true
    }

    pub(super) fn close_hosts(&mut self) -> bool {
        let was = std::mem::take(&mut self.hosts.open);
        self.hosts.wanted = None;
        self.focus_home();
        was
    }

    /// Keys go to what is topmost in the window's middle.
    pub(super) fn focus_home(&self) {
        dom::focus(match (self.hosts.open, self.rules) {
            (true, _) => "hosts-search",
            (false, true) => "rules-search",
            (false, false) => "grid",
        });
    }

    pub(super) fn close_rules(&mut self) -> bool {
        let was = std::mem::take(&mut self.rules);
        self.focus_home();
        was
    }

    /// The hosts are another revision. Answers whether that is shown.
    pub(super) fn hosts_changed(&mut self, revision: u64) -> bool {
        std::mem::replace(&mut self.hosts.revision, revision) != revision && self.hosts.open
    }

    pub(super) fn point(&mut self, ctx: &Context<Self>, at: Option<(HostAsked, Place)>) -> bool {
        let link = ctx.link().clone();
        match (at, &mut self.pointed) {
            (Some((asked, place)), Some(pointed)) if pointed.asked == asked && pointed.place == place => {
                let rests = Timeout::new(REST, move || link.send_message(Msg::PointRests));
                pointed._timer = pointed.host.is_none().then_some(rests);
                false
            }
            (Some((asked, place)), _) => {
                let timer = Timeout::new(REST, move || link.send_message(Msg::PointRests));
                let shown = self.pointed.replace(Pointed { asked, place, host: None, _timer: Some(timer) });
                shown.is_some_and(|pointed| pointed.host.is_some())
            }
            (None, Some(pointed)) => {
                pointed._timer = Some(Timeout::new(AWAY, move || link.send_message(Msg::PointGone)));
                false
            }
            (None, None) => false,
        }
    }

    pub(super) fn point_rests(&self, ctx: &Context<Self>) -> bool {
        let Some(asked) = self.pointed.as_ref().map(|pointed| pointed.asked) else { return false };
        let (client, link) = (self.client.clone(), ctx.link().clone());
        spawn_local(async move {
            // Without an answer the address stands there as before.
            if let Ok(ViewReply::Host(host)) = client.ask(ViewRequest::Host(asked)).await {
                link.send_message(Msg::Card(asked, host.map(|host| Rc::new(*host))));
            }
        });
        false
    }

    pub(super) fn point_gone(&mut self) -> bool {
        self.pointed.take().is_some_and(|pointed| pointed.host.is_some())
    }

    pub(super) fn card(&mut self, asked: HostAsked, host: Option<Rc<ViewHost>>) -> bool {
        match &mut self.pointed {
            Some(pointed) if pointed.asked == asked => {
                pointed.host = Some(host);
                true
            }
            Some(_) | None => false,
        }
    }

    pub(super) fn view_card(&self) -> Html {
        let Some(Pointed { asked, place, host: Some(host), .. }) = &self.pointed else { return Html::default() };
        html! { <Card address={asked.address} host={host.clone()} x={place.x} y={place.y} above={place.above} /> }
    }

    pub(super) fn view_hosts(&self, ctx: &Context<Self>) -> Html {
        if !self.hosts.open {
            return Html::default();
        }
        let link = ctx.link();
        html! {
            <Pane client={self.client.clone()} revision={self.hosts.revision} several={self.status.sources.len() > 1}
                open={!self.status.sources.is_empty()} wanted={self.hosts.wanted}
                on_copy={link.callback(|(text, what)| Msg::Copy(text, what))} on_say={link.callback(Msg::Toast)}
                on_close={link.callback(|()| Msg::CloseHosts)} />
        }
    }
}

/// The host that a cell of a row names, where it names one.
pub(super) fn host_of(row: &ViewRow, column: Column) -> Option<HostAsked> {
    let few = match column {
        Column::Server | Column::ServerPort => row.servers,
        Column::Client | Column::ClientPort => row.clients,
        _ => return None,
    };
    match few {
        Few::One(address) => Some(HostAsked { source: row.key.source, address, vlan: None }),
        Few::None | Few::Many(_) => None,
    }
}
