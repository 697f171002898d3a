//! What is laid out and shown.

use std::rc::Rc;

use sensor_wire::view::{Boot, Column, Dock, SourceStatus};
use web_sys::{HtmlElement, MouseEvent, PointerEvent};
use yew::{Context, Html, NodeRef, html};

use super::listeners::capture;
use super::{App, Drag, Msg, hosts};
use crate::detail::Detail;
use crate::dom;
use crate::format;
use crate::grid::columns::{self, Layout};
use crate::grid::header::Header;
use crate::grid::keys::Action;
use crate::help::Help;
use crate::live::advice;
use crate::live::picker::Picker;
use crate::parts::{Icon, icon};
use crate::popup::Popup;
use crate::rules::pane::RulesPane;
use crate::screens::{self, ScreenView};
use crate::source;
use crate::source::card::SourceCard;
use crate::state::{self, Overlay, Screen};
use crate::statusbar::{ColumnMenu, StatusBar};
use crate::timeline::Strip;
use crate::topbar::{BarEvent, RecentMenu, TopBar};
use crate::zone::ZonePicker;

/// Width of the grid's own scrollbar.
const SCROLLBAR: u16 = 12;

impl App {
    pub(super) fn window(&self, ctx: &Context<Self>) -> Html {
        let link = ctx.link();
        let Some(boot) = &self.boot else {
            return match &self.lost {
                Some(cause) => screens::disconnected(cause),
                None => html! { <div class="curtain quiet" role="status" aria-label="Starting"></div> },
            };
        };
        html! {
            <div id="window">
                <TopBar status={self.status.clone()} has_dialog={boot.has_dialog} theme={self.prefs.theme}
                    zone={self.prefs.zone.clone()} abbreviation={self.meta.zone.clone()} hosts={self.hosts.open} rules={self.rules}
                    find={self.find.clone()} on={link.callback(Msg::Bar)} />
                { self.banners(ctx) }
                if !self.status.sources.is_empty() {
                    <Strip timeline={self.timeline.clone()} total={self.meta.total} newest_first={self.by_time()}
                        on_jump={link.callback(Msg::Jump)} />
                }
                <main ref={self.nodes.main.clone()} class={(!self.docked_right()).then_some("below")}>
                    { self.view_grid(ctx, boot) }
                    { self.view_detail(ctx) }
                    { self.view_hosts(ctx) }
                    if self.rules {
                        <RulesPane client={self.client.clone()} revision={self.status.rules} rule={self.rule}
                            on_copy={link.callback(|(text, what)| Msg::Copy(text, what))} on_say={link.callback(Msg::Toast)}
                            on_close={link.callback(|()| Msg::CloseRules)} />
                    }
                </main>
                <StatusBar status={self.status.clone()} meta={self.meta.clone()} flow_events={self.prefs.flow_events}
                    annotations={self.prefs.annotations}
                    density={self.prefs.density} on={link.callback(Msg::Do)} />
                { self.view_card() }
                { self.view_overlay(ctx, boot) }
                if let Some(toast) = &self.toast { <div id="toast" role="status">{ toast }</div> }
                if self.dropping { { screens::drop_here() } }
                if let Some(cause) = &self.lost { { screens::disconnected(cause) } }
            </div>
        }
    }

    pub(super) fn resized(&mut self) -> bool {
        self.grid.resized();
        let width = |node: &NodeRef| node.cast::<HtmlElement>().map_or(0, |e| e.client_width().clamp(0, 20_000) as u16);
        let (width, room) = (width(&self.nodes.wide), width(&self.nodes.main));
        if (width, room) == (self.width, self.room) {
            return false;
        }
        (self.width, self.room) = (width, room);
        self.lay_out();
        true
    }

    pub(super) fn laid_out(&mut self, ctx: &Context<Self>) -> bool {
        self.lay_out();
        self.keep_prefs_later(ctx);
        true
    }

    pub(super) fn lay_out(&self) {
        self.grid.set_layout(self.layout());
    }

    fn layout(&self) -> Layout {
        Layout::new(&self.prefs.columns, self.width)
    }

    /// The detail panel lies at the right of the grid, not below it.
    pub(super) fn docked_right(&self) -> bool {
        match self.prefs.detail_dock {
            Dock::Right => true,
            Dock::Below => false,
            Dock::Auto => {
                let wanted = Layout::comfort(&self.prefs.columns).saturating_add(SCROLLBAR);
                self.room >= wanted.saturating_add(self.prefs.detail_width)
            }
        }
    }

    /// Newest first, oldest first, or `None` when something else than time decides.
    fn by_time(&self) -> Option<bool> {
        match self.sort.as_slice() {
            [] => Some(true),
            [key] if key.column == Column::Time => Some(key.descending),
            _ => None,
        }
    }

    fn screen(&self) -> Screen {
        if !self.meta.known {
            return Screen::Rows;
        }
        state::screen(&self.meta, &self.status, self.prefs.flow_events, !self.find.trim().is_empty())
    }

    fn view_grid(&self, ctx: &Context<Self>, boot: &Rc<Boot>) -> Html {
        let link = ctx.link();
        let layout = self.layout();
        let screen = self.screen();
        let cell_of = |event: &MouseEvent| dom::attribute_around(event.target(), "data-col");
        let body = self.nodes.body.clone();
        let pressed = link.batch_callback(move |event: MouseEvent| {
            let body = body.cast::<HtmlElement>()?;
            let y = f64::from(event.client_y()) - body.get_bounding_client_rect().top();
            let cell = cell_of(&event);
            let at = cell.as_ref().map(|(cell, _)| cell.get_bounding_client_rect());
            let at = at.map_or((0.0, 0.0), |rect| (rect.left(), rect.bottom()));
            Some(Msg::Pressed(y, cell.and_then(|(_, name)| columns::by_name(&name)), at))
        });
        // What a cell says when pointed at is made when it is pointed at, not for every row and frame.
        let (body, grid, on_point) = (self.nodes.body.clone(), self.grid.clone(), link.callback(Msg::Point));
        let pointed = yew::Callback::from(move |event: MouseEvent| {
            let (Some(body), Some((cell, name))) = (body.cast::<HtmlElement>(), cell_of(&event)) else { return };
            let y = f64::from(event.client_y()) - body.get_bounding_client_rect().top();
            let column = columns::by_name(&name);
            let address = column.filter(|column| matches!(column, Column::Server | Column::Client));
            let host = address.and_then(|column| hosts::host_of(&grid.row_under(y)?, column));
            if let Some(host) = host {
                // The card tells all; two hints would lie over each other.
                let _ = cell.remove_attribute("title");
                let rect = cell.get_bounding_client_rect();
                on_point.emit(Some((host, hosts::Place { x: rect.left(), above: rect.top(), y: rect.bottom() })));
                return;
            }
            if let Some(hint) = column.and_then(|column| grid.hint(y, column)) {
                // A cell without its hint is still readable.
                let _ = cell.set_attribute("title", &hint);
            }
        });
        let thumb = |drag: Drag| {
            link.batch_callback(move |event: PointerEvent| {
                capture(&event, drag);
                (drag != Drag::Move || event.buttons() != 0).then(|| Msg::Thumb(drag, event.client_y().into()))
            })
        };
        let label = format!("Rows, {}", format::grouped(self.meta.total));
        html! {
            <section id="grid" role="grid" aria-label={label} tabindex="0" aria-readonly="true"
                class={format!("density-{}", state::density_name(self.prefs.density))}>
                <style>{ layout.css() }</style>
                <div class="sideways" ref={self.nodes.wide.clone()}>
                    <div class="wide">
                        <Header {layout} sort={self.sort.clone()} zone={self.meta.zone.clone()}
                            on={link.callback(Msg::Header)} />
                        <div class="body" role="rowgroup" ref={self.nodes.body.clone()} onclick={pressed}
                            ondblclick={link.callback(|_: MouseEvent| Msg::Opened)} onmouseover={pointed}
                            onmouseout={link.callback(|_: MouseEvent| Msg::Point(None))}></div>
                    </div>
                </div>
                <div class="scrollbar" ref={self.nodes.bar.clone()} onpointerdown={thumb(Drag::Down)}
                    onpointermove={thumb(Drag::Move)} onpointerup={thumb(Drag::Up)} onpointercancel={thumb(Drag::Up)}>
                    <div class="thumb" ref={self.nodes.thumb.clone()}></div>
                </div>
                if self.meta.above > 0 {
                    <button id="new-rows" onclick={link.callback(|_: MouseEvent| Msg::Do(Action::Home))}
                        title="To the top (Home)">{ format!("{} new ↑", format::grouped(self.meta.above)) }</button>
                }
                if screen != Screen::Rows {
                    <ScreenView {screen} status={self.status.clone()} has_dialog={boot.has_dialog}
                        on={link.callback(Msg::Bar)} />
                }
            </section>
        }
    }

    fn view_detail(&self, ctx: &Context<Self>) -> Html {
        let (true, Some(row)) = (self.detail, &self.selected) else { return Html::default() };
        let link = ctx.link();
        let right = self.docked_right();
        let edge = |drag: Drag| {
            link.batch_callback(move |event: PointerEvent| {
                capture(&event, drag);
                let at = if right { event.client_x() } else { event.client_y() };
                (drag != Drag::Move || event.buttons() != 0).then(|| Msg::Wide(drag, at.into()))
            })
        };
        let size = match right {
            true => format!("width:{}px", self.prefs.detail_width),
            false => format!("height:{}px", self.prefs.detail_height),
        };
        html! {
            <aside id="detail" aria-label="The selected row" class={if right { "beside" } else { "below" }} style={size}>
                <div class="detail-edge" title="Drag to resize" onpointerdown={edge(Drag::Down)}
                    onpointermove={edge(Drag::Move)} onpointerup={edge(Drag::Up)} onpointercancel={edge(Drag::Up)}></div>
                <Detail client={self.client.clone()} row={row.clone()} {right}
                    on_close={link.callback(|()| Msg::CloseDetail)}
                    on_dock={link.callback(|()| Msg::Do(Action::Dock))}
                    on_copy={link.callback(|(text, what)| Msg::Copy(text, what))}
                    on_host={link.callback(|host| Msg::Hosts(Some(host)))}
                    on_rule={link.callback(|(gid, sid)| Msg::Rule(gid, sid))}
                    why={self.why} on_why={link.callback(Msg::Why)}
                    on_values={link.callback(|(column, count, x, y)| Msg::Values(column, count, x, y))} />
            </aside>
        }
    }

    fn view_overlay(&self, ctx: &Context<Self>, boot: &Rc<Boot>) -> Html {
        let link = ctx.link();
        let on_close = link.callback(|()| Msg::Close);
        match &self.overlay {
            None => Html::default(),
            Some(Overlay::Values(asked)) => html! {
                <Popup client={self.client.clone()} asked={asked.clone()} {on_close}
                    on_copy={link.callback(|(text, what)| Msg::Copy(text, what))} />
            },
            Some(Overlay::Zone) => html! {
                <ZonePicker zones={Rc::new(boot.zones.clone())} system={boot.system_zone.clone()}
                    current={self.prefs.zone.clone()} abbreviation={self.meta.zone.clone()}
                    on_pick={link.callback(Msg::Zone)} {on_close} />
            },
            Some(Overlay::Help) => html! {
                <Help has_dialog={boot.has_dialog} version={boot.version.clone()} {on_close} />
            },
            Some(Overlay::Columns) => html! {
                <ColumnMenu columns={self.prefs.columns.clone()} on_toggle={link.callback(Msg::Toggle)}
                    on_reset={link.callback(|()| Msg::ResetColumns)} {on_close} />
            },
            Some(Overlay::Recent) => html! {
                <RecentMenu recent={self.status.recent.clone()} on={link.callback(Msg::Bar)} {on_close} />
            },
            Some(Overlay::Capture) => html! {
                <Picker client={self.client.clone()} last={self.asked.last.clone()} starting={self.asked.starting}
                    refused={self.asked.refused.clone()} has_dialog={boot.has_dialog}
                    on_start={link.callback(|(wire, name)| Msg::Capture(wire, name))}
                    on_change={link.callback(|()| Msg::CaptureChanged)} on={link.callback(Msg::Bar)} {on_close} />
            },
            Some(Overlay::Source(id)) => {
                let Some(source) = self.status.sources.iter().find(|s| s.id == *id) else { return Html::default() };
                let chip = dom::document().and_then(|d| d.query_selector(&format!("[data-source-id='{id}']")).ok()?);
                let x = chip.map_or(100.0, |chip| chip.get_bounding_client_rect().left());
                html! { <SourceCard source={source.clone()} {x} on={link.callback(Msg::Bar)} {on_close} /> }
            }
        }
    }

    /// Faults of sources beside what is in the grid, and the app's standing messages.
    fn banners(&self, ctx: &Context<Self>) -> Html {
        // Where nothing else can be shown the screen in the grid's place tells of them.
        let told = self.screen() == Screen::Failed || !self.meta.known;
        let faults = self.status.sources.iter().filter(|s| !told && !self.dismissed.contains(&s.id));
        let faults = faults.filter_map(|s| Some((s, source::fault(s)?)));
        html! {
            <div class="banners">
                { for faults.map(|(source, why)| self.fault(ctx, source, why)) }
                { for self.status.notices.iter().map(|notice| html! {
                    <div key={format!("notice-{}", notice.code)} class="banner warn" role="status" title={notice.detail.clone()}>
                        { icon(Icon::Warning) }<span>{ &notice.message }</span>
                    </div>
                }) }
            </div>
        }
    }

    fn fault(&self, ctx: &Context<Self>, source: &SourceStatus, why: &str) -> Html {
        let (id, link) = (source.id, ctx.link());
        let what = match source.rows {
            0 => "Nothing of it is in the grid.".to_owned(),
            rows if source::wire(source).is_some() => {
                format!("What was captured before stays: {}.", format::counted(rows, "row"))
            }
            rows => format!("What was read before the fault is shown: {}.", format::counted(rows, "row")),
        };
        let failure = source::failure(source);
        let why = failure.map_or_else(|| why.to_owned(), |failure| advice::title(failure, source::place(source)));
        let bar = |event: fn(u32) -> BarEvent| link.callback(move |_: MouseEvent| Msg::Bar(event(id)));
        html! {
            <div key={format!("source-{id}")} class="banner bad" role="alert" data-banner={id.to_string()}>
                { icon(Icon::Warning) }
                <span>
                    if failure.is_none() || source.name != source::place(source) { <b>{ &source.name }</b>{ ": " } }
                    { format!("{} {what}", format::sentence(&why)) }
                </span>
                <span class="grow"></span>
                if failure.is_some() {
                    <button class="btn" onclick={bar(BarEvent::Source)}>{ "What to do" }</button>
                    <button class="btn" onclick={bar(BarEvent::Again)}>{ "Try again" }</button>
                }
                <button class="bare" title="Close" aria-label="Close"
                    onclick={link.callback(move |_: MouseEvent| Msg::Dismiss(id))}>{ icon(Icon::Close) }</button>
            </div>
        }
    }
}
