//! The pane's table: headings, lines, and what stands where there are none.

use sensor_wire::view::{HostColumn, HostLine};
use yew::{Context, Html, MouseEvent, html};

use super::{LINE, Msg, Pane};
use crate::format;

impl Pane {
    pub(super) fn titles(&self, ctx: &Context<Pane>) -> Html {
        let title = |(column, text, name): (HostColumn, String, &'static str)| {
            let active = self.sort.column == column;
            let sorted = match (active, self.sort.descending) {
                (false, _) => "none",
                (true, true) => "descending",
                (true, false) => "ascending",
            };
            let arrow = match sorted {
                "descending" => " ▼",
                "ascending" => " ▲",
                _ => "",
            };
            html! {
                <span role="columnheader" class={format!("c-{name}")} aria-sort={sorted}>
                    <button class={yew::classes!("sort", active.then_some("on"))} data-sort={name}
                        onclick={ctx.link().callback(move |_: MouseEvent| Msg::Sort(column))}>
                        { text }<span class="arrow">{ arrow }</span>
                    </button>
                </span>
            }
        };
        let zone = &self.window.zone;
        let titles = [
            (HostColumn::Address, "Address".to_owned(), "address"),
            (HostColumn::Sensor, "Sensor".into(), "sensor"),
            (HostColumn::Name, "Name".into(), "name"),
            (HostColumn::Mac, "MAC · maker".into(), "mac"),
            (HostColumn::System, "System".into(), "system"),
            (HostColumn::Services, "Services".into(), "services"),
            (HostColumn::Clients, "Clients".into(), "clients"),
            (HostColumn::First, format!("{zone} First seen"), "first"),
            (HostColumn::Last, format!("{zone} Last seen"), "last"),
        ];
        html! { <div class="hosts-row hosts-titles" role="row">{ for titles.into_iter().map(title) }</div> }
    }

    pub(super) fn lines(&self, ctx: &Context<Pane>) -> Html {
        let (first, last) = self.in_sight();
        let lines = (first..last).filter_map(|at| {
            let line = self.window.hosts.get(at.checked_sub(self.window.offset)? as usize)?;
            Some(self.line(ctx, at, line))
        });
        let height = format!("height:{}px", self.window.total as f64 * LINE);
        html! {
            <div class="hosts-list" ref={self.list.clone()} tabindex="0" role="rowgroup"
                onscroll={ctx.link().callback(|_: yew::Event| Msg::Scrolled)}>
                <div class="hosts-all" style={height}>{ for lines }</div>
                { self.note(ctx) }
            </div>
        }
    }

    /// What stands where there are no lines.
    fn note(&self, ctx: &Context<Pane>) -> Html {
        if let Some(error) = &self.error {
            return html! {
                <div class="note bad" role="alert"><p>{ &error.message }</p><p class="faint">{ &error.detail }</p></div>
            };
        }
        match (self.known, self.window.unfiltered, self.window.total) {
            (false, ..) => html! { <p class="note" role="status">{ "Asking for the hosts…" }</p> },
            (true, 0, _) => html! {
                <div class="hosts-empty">
                    <h3>{ "No hosts yet" }</h3>
                    <p class="mute">{ if ctx.props().open {
                        "A host is listed as soon as it was seen in an exchange: with its names, hardware address, system, \
                         services and programs as the traffic tells them."
                    } else {
                        "Open a capture, or capture live: each host that is seen in an exchange is listed here, with what \
                         the traffic tells of it."
                    } }</p>
                </div>
            },
            (true, _, 0) => html! { <p class="note">{ format!("No host matches “{}”.", self.search.trim()) }</p> },
            (true, ..) => Html::default(),
        }
    }

    fn line(&self, ctx: &Context<Pane>, at: u64, line: &HostLine) -> Html {
        let key = line.key;
        let chosen = self.cursor.is_some_and(|(cursor, _)| cursor == key);
        let vlan = (key.vlan != 0).then(|| html! { <span class="tag">{ format!("VLAN {}", key.vlan) }</span> });
        let cell = |name: &'static str, class: &'static str, text: &str| {
            html! {
                <span role="gridcell" class={yew::classes!(format!("c-{name}"), class)} title={text.to_owned()}>{ text.to_owned() }</span>
            }
        };
        let counted = |name: &'static str, count: u32, text: &str| {
            html! {
                <span role="gridcell" class={format!("c-{name}")} title={text.to_owned()}>
                    if count > 0 { <span class="mono number">{ format::grouped(count.into()) }</span>{ text.to_owned() } }
                </span>
            }
        };
        let when = |name: &'static str, (at, offset): (i64, i32)| {
            html! {
                <span role="gridcell" class={format!("c-{name} mono")} title={format::utc(at)}>{ format::time(at, offset) }</span>
            }
        };
        let name = match line.more_names {
            0 => line.name.clone(),
            more => format!("{} +{more}", line.name),
        };
        html! {
            <div key={format!("{}-{}-{}", key.source, key.address, key.vlan)} role="row" data-host={key.address.to_string()}
                aria-rowindex={(at + 2).to_string()} aria-selected={chosen.to_string()}
                class={yew::classes!("hosts-row", "host-line", chosen.then_some("on"))} style={format!("top:{}px", at as f64 * LINE)}
                onclick={ctx.link().callback(move |_: MouseEvent| Msg::Choose(key, at))}>
                <span role="gridcell" class="c-address mono" title={key.address.to_string()}>{ key.address.to_string() }{ for vlan }</span>
                { cell("sensor", "", &line.sensor) }
                { cell("name", "", &name) }
                <span role="gridcell" class="c-mac" title={format!("{} {}", line.mac, line.maker)}>
                    <span class="mono">{ &line.mac }</span>
                    if !line.maker.is_empty() { <span class="mute">{ format!(" · {}", line.maker) }</span> }
                </span>
                { cell("system", "", &line.system) }
                { counted("services", line.services, &line.first_services) }
                { counted("clients", line.clients, &line.last_clients) }
                { when("first", line.first) }
                { when("last", line.last) }
            </div>
        }
    }
}
