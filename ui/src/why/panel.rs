//! The panel in place of a row's details: a rule and a flow are asked about, and the answer is shown.

use std::rc::Rc;

use sensor_wire::explain::{Explanation, FlowTried, StepState};
use sensor_wire::view::{SourceId, ViewError, ViewFlow, ViewReply, ViewRequest, ViewRow, Why, WhyAsked};
use wasm_bindgen_futures::spawn_local;
use web_sys::{HtmlElement, HtmlInputElement, KeyboardEvent, MouseEvent};
use yew::{Callback, Component, Context, Html, InputEvent, NodeRef, Properties, TargetCast, classes, html};

use super::bytes::{self, Buffer};
use super::hex::{self, HexView, Spot};
use super::steps::Steps;
use super::words::{self, Verdict};
use crate::backend::{Client, unexpected};
use crate::detail::tuple;
use crate::dom::{self, SizeWatch};
use crate::format;
use crate::grid::row;
use crate::rules::own::RuleId;

/// From this width of the panel on there is room for lines of 16 bytes; for bytes beside the options; for both.
const WIDE: i32 = 590;
const BESIDE: i32 = 900;
const BESIDE_WIDE: i32 = 1180;

/// The panel's properties.
#[derive(Properties, PartialEq)]
pub struct PanelProps {
    /// The app.
    pub client: Client,
    /// The row.
    pub row: Rc<ViewRow>,
    /// The rule that is asked about first; `None` waits for a number to be typed.
    pub rule: Option<RuleId>,
    /// The flow; `None` while flows are not here yet.
    pub flow: Option<ViewFlow>,
    /// Its place among the row's flows from 0, and how many there are.
    pub place: (u32, u32),
    /// Another flow of the row.
    pub on_step: Callback<i32>,
    /// Back to the row's details.
    pub on_back: Callback<()>,
    /// A rule in the pane of rules.
    pub on_rule: Callback<RuleId>,
}

/// The panel.
pub struct WhyPanel {
    /// What is typed.
    sid: String,
    /// What was typed is no number.
    wrong: bool,
    rule: Option<RuleId>,
    /// Counts questions: answers to earlier ones are not shown.
    asked: u32,
    /// The app's number of the question that is open.
    number: Option<u64>,
    state: State,
    chosen: Option<usize>,
    cursor: Option<Spot>,
    frame: NodeRef,
    resized: Option<SizeWatch>,
    width: i32,
}

enum State {
    /// Nothing is asked.
    Idle,
    /// The capture is being read: bytes read, and in all.
    Reading(u64, u64),
    /// The user ended it.
    Stopped,
    /// It is told.
    Told(Box<Told>),
    /// It could not be found out.
    Failed(ViewError),
}

/// An explanation as it is shown.
struct Told {
    rule: Rc<Explanation>,
    utc_offset: i32,
    cut: String,
    buffers: Rc<Vec<Buffer>>,
}

/// What happens in the panel.
pub enum Msg {
    /// This rule is asked about.
    Ask(RuleId),
    /// A number was typed.
    Typed(String),
    /// It is asked about.
    Enter,
    /// Something came, for the question of that number.
    Came(u32, Result<Box<Why>, ViewError>),
    /// The question is withdrawn.
    Stop,
    /// An option was chosen.
    Choose(usize),
    /// A byte was chosen.
    Point(Spot),
    /// The keyboard goes to the bytes.
    ToBytes,
    /// And back to the options.
    ToSteps,
    /// The panel has another size.
    Resized,
}

impl Component for WhyPanel {
    type Message = Msg;
    type Properties = PanelProps;

    fn create(ctx: &Context<Self>) -> Self {
        let mut panel = WhyPanel {
            sid: String::new(),
            wrong: false,
            rule: ctx.props().rule,
            asked: 0,
            number: None,
            state: State::Idle,
            chosen: None,
            cursor: None,
            frame: NodeRef::default(),
            resized: None,
            width: 0,
        };
        panel.ask(ctx);
        panel
    }

    fn changed(&mut self, ctx: &Context<Self>, old: &PanelProps) -> bool {
        let flow = |props: &PanelProps| (props.row.key, props.flow.as_ref().map(|view| view.flow.id));
        if ctx.props().rule != old.rule {
            self.rule = ctx.props().rule;
            self.ask(ctx);
        } else if flow(ctx.props()) != flow(old) {
            self.ask(ctx);
        }
        true
    }

    fn update(&mut self, ctx: &Context<Self>, msg: Msg) -> bool {
        match msg {
            Msg::Ask(rule) => {
                self.rule = Some(rule);
                self.ask(ctx);
            }
            Msg::Typed(sid) => (self.sid, self.wrong) = (sid, false),
            Msg::Enter => match number(&self.sid) {
                Some(rule) => {
                    self.rule = Some(rule);
                    self.ask(ctx);
                }
                None => self.wrong = true,
            },
            Msg::Came(asked, answer) => return self.came(ctx, asked, answer),
            Msg::Stop => {
                self.withdraw(ctx);
                self.state = State::Stopped;
            }
            Msg::Choose(at) => {
                self.chosen = Some(at);
                self.cursor = self.place_of(at);
                if let Some(spot) = self.cursor {
                    dom::reveal(&hex::id(spot));
                }
            }
            Msg::Point(spot) => self.point(spot),
            Msg::ToBytes => {
                if self.cursor.is_none() {
                    self.cursor = self.chosen.and_then(|at| self.place_of(at));
                }
                dom::focus("why-bytes");
            }
            Msg::ToSteps => dom::focus("why-steps"),
            Msg::Resized => {
                let width = self.frame.cast::<HtmlElement>().map_or(0, |frame| frame.client_width());
                return std::mem::replace(&mut self.width, width) != width;
            }
        }
        true
    }

    fn rendered(&mut self, ctx: &Context<Self>, first: bool) {
        if !first {
            return;
        }
        if let Some(frame) = self.frame.cast::<HtmlElement>() {
            let resized = ctx.link().callback(|()| Msg::Resized);
            self.resized = SizeWatch::new(&[&frame], move || resized.emit(()));
        }
        dom::focus(if ctx.props().rule.is_some() { "why" } else { "why-sid" });
        ctx.link().send_message(Msg::Resized);
    }

    fn destroy(&mut self, ctx: &Context<Self>) {
        self.withdraw(ctx);
    }

    fn view(&self, ctx: &Context<Self>) -> Html {
        let beside = (self.width >= BESIDE).then_some("beside");
        html! {
            <section id="why" class={classes!("why", beside)} ref={self.frame.clone()} tabindex="-1"
                aria-label="Why a rule told of this flow, or did not">
                <div class="why-info">
                    { self.head(ctx) }
                    { self.answer(ctx) }
                </div>
                { self.main(ctx) }
            </section>
        }
    }
}

impl WhyPanel {
    /// Asks about the rule and the flow at hand, as soon as both are there.
    fn ask(&mut self, ctx: &Context<Self>) {
        self.withdraw(ctx);
        (self.chosen, self.cursor) = (None, None);
        let (Some((gid, sid)), Some(flow)) = (self.rule, &ctx.props().flow) else {
            self.state = State::Idle;
            return;
        };
        self.state = State::Reading(0, 0);
        let asked = WhyAsked { source: self.source(ctx), gid, sid, flow: flow.flow.id };
        self.request(ctx, ViewRequest::Explain(asked));
    }

    fn source(&self, ctx: &Context<Self>) -> SourceId {
        ctx.props().row.key.source
    }

    fn request(&self, ctx: &Context<Self>, request: ViewRequest) {
        let (client, link, asked) = (ctx.props().client.clone(), ctx.link().clone(), self.asked);
        spawn_local(async move {
            let answer = match client.ask(request).await {
                Ok(ViewReply::Why(why)) => Ok(why),
                Ok(_) => Err(unexpected()),
                Err(error) => Err(error),
            };
            link.send_message(Msg::Came(asked, answer));
        });
    }

    /// Nobody waits for the answer any more.
    fn withdraw(&mut self, ctx: &Context<Self>) {
        self.asked += 1;
        if let Some(number) = self.number.take() {
            stop(&ctx.props().client, number);
        }
    }

    fn came(&mut self, ctx: &Context<Self>, asked: u32, answer: Result<Box<Why>, ViewError>) -> bool {
        if asked != self.asked {
            // Its number was not known yet when it was withdrawn.
            if let Ok(why) = answer
                && !why.answer.done
            {
                stop(&ctx.props().client, why.number);
            }
            return false;
        }
        let why = match answer {
            Ok(why) => *why,
            Err(error) => {
                (self.number, self.state) = (None, State::Failed(error));
                return true;
            }
        };
        let Why { number, answer, utc_offset } = why;
        if !answer.done {
            self.number = Some(number);
            self.state = State::Reading(answer.read, answer.total);
            self.request(ctx, ViewRequest::ExplainOn(number));
            return true;
        }
        self.number = None;
        self.state = match (answer.told, answer.refused) {
            (Some(told), _) => {
                self.chosen = first_of_note(&told);
                let best = told.flows.first().and_then(|tried| tried.best.as_ref());
                let buffers = Rc::new(best.map_or_else(Vec::new, |best| bytes::buffers(&best.steps)));
                State::Told(Box::new(Told { rule: Rc::from(told), utc_offset, cut: answer.cut, buffers }))
            }
            (None, Some(refused)) => {
                let (code, message) = (refused.code, refused.message);
                State::Failed(ViewError { code, message, detail: String::new() })
            }
            (None, None) => State::Failed(unexpected()),
        };
        self.cursor = self.chosen.and_then(|at| self.place_of(at));
        true
    }

    fn told(&self) -> Option<&Told> {
        if let State::Told(told) = &self.state { Some(told) } else { None }
    }

    fn place_of(&self, option: usize) -> Option<Spot> {
        let buffers = self.told()?.buffers.iter().enumerate();
        buffers.filter_map(|(number, buffer)| Some((number, buffer.place_of(option)?))).next()
    }

    /// The byte's option is chosen; of several the next one each time.
    fn point(&mut self, spot: Spot) {
        let again = self.cursor.replace(spot) == Some(spot);
        let Some(byte) = self.told().and_then(|told| told.buffers.get(spot.0)?.bytes.get(&spot.1)) else { return };
        let of: Vec<usize> = byte.of.iter().chain(&byte.sought).copied().collect();
        let known = self.chosen.and_then(|chosen| of.iter().position(|at| *at == chosen));
        let next = match known {
            Some(at) if again => of.get((at + 1) % of.len().max(1)),
            Some(at) => of.get(at),
            None => of.first(),
        };
        if let Some(next) = next.copied() {
            self.chosen = Some(next);
            dom::reveal(&format!("why-step-{next}"));
        }
    }

    fn head(&self, ctx: &Context<Self>) -> Html {
        let (link, props) = (ctx.link(), ctx.props());
        let oninput = link
            .batch_callback(|event: InputEvent| Some(Msg::Typed(event.target_dyn_into::<HtmlInputElement>()?.value())));
        let onkeydown = link.batch_callback(|event: KeyboardEvent| (event.key() == "Enter").then_some(Msg::Enter));
        let (at, total) = props.place;
        let step = |by: i32, name: &'static str, sign: &'static str, end: bool| {
            let on = props.on_step.reform(move |_: MouseEvent| by);
            html! { <button class="bare" title={name} aria-label={name} disabled={end} onclick={on}>{ sign }</button> }
        };
        html! {
            <>
                <div class="why-head">
                    <button class="btn small" id="why-back" onclick={props.on_back.reform(|_: MouseEvent| ())}
                        title="Back to the row (Esc)" aria-label="Back to the row">{ "‹" }</button>
                    <span class="why-flow mono" id="why-flow">
                        { props.flow.as_ref().map_or_else(String::new, |view| tuple(&view.flow)) }
                    </span>
                    if total > 1 {
                        <span class="why-place">
                            { step(-1, "Flow before", "‹", at == 0) }
                            <span class="faint">{ format!("flow {} of {}", format::grouped(u64::from(at) + 1), format::grouped(total.into())) }</span>
                            { step(1, "Next flow", "›", at + 1 >= total) }
                        </span>
                    }
                </div>
                <div class="why-ask">
                    { for props.row.events.iter().filter_map(|event| Some((event, event.rule.as_ref()?))).map(|(event, rule)| {
                        let id = (rule.gid, rule.sid);
                        let (letter, class) = row::badge(props.row.kind, event.severity);
                        let on = self.rule == Some(id);
                        html! {
                            <button class={classes!("btn", "small", "why-pick", on.then_some("picked"))} aria-pressed={on.to_string()}
                                data-why={rule.sid.to_string()} title={event.message.clone()}
                                onclick={link.callback(move |_: MouseEvent| Msg::Ask(id))}>
                                <span class={class}>{ letter }</span><span class="mono">{ rule.sid }</span>
                            </button>
                        }
                    }) }
                    <label class="why-other" title="The number of any rule, as 2027397; with its group as 3:7"><span class="mute">{ "Why not" }</span>
                        <input id="why-sid" class={classes!("mono", self.wrong.then_some("wrong"))} inputmode="numeric"
                            spellcheck="false" autocomplete="off" placeholder="any sid" value={self.sid.clone()}
                            aria-label="Number of a rule to try on this flow" aria-invalid={self.wrong.to_string()} {oninput} {onkeydown} />
                    </label>
                    <button class="btn small" id="why-go" onclick={link.callback(|_: MouseEvent| Msg::Enter)}>{ "Ask" }</button>
                    if self.wrong { <span class="fault" role="alert">{ "A sid is a number, as 2027397." }</span> }
                </div>
            </>
        }
    }

    fn answer(&self, ctx: &Context<Self>) -> Html {
        let link = ctx.link();
        let again = self.rule.map(|rule| {
            html! { <button class="btn small" id="why-again" onclick={link.callback(move |_: MouseEvent| Msg::Ask(rule))}>{ "Ask again" }</button> }
        });
        match &self.state {
            State::Idle if ctx.props().flow.is_none() => {
                html! { <p class="note" role="status">{ "Asking the sensor for the flows…" }</p> }
            }
            State::Idle => html! {
                <p class="note">{ "Type the number of a rule: it is tried on this flow, option by option, and the first that \
                    does not hold is shown with what was there." }</p>
            },
            State::Reading(read, total) => html! {
                <div class="note why-reading" role="status">
                    <p>{ reading(*read, *total) }</p>
                    <span class="progress wide"><span style={format!("width:{}%", format::percent(*read, *total).unwrap_or(0))}></span></span>
                    <button class="btn small" id="why-stop" onclick={link.callback(|_: MouseEvent| Msg::Stop)}>{ "Stop" }</button>
                </div>
            },
            State::Stopped => {
                html! { <div class="note why-again"><p>{ "Stopped: nothing was found out." }</p>{ again }</div> }
            }
            State::Failed(error) => html! {
                <div class="note bad why-again" role="alert" id="why-failed" data-code={error.code.clone()}>
                    <p>{ &error.message }</p>
                    if !error.detail.is_empty() { <p class="faint">{ &error.detail }</p> }
                    { again }
                </div>
            },
            State::Told(told) => self.explained(ctx, told),
        }
    }

    fn explained(&self, ctx: &Context<Self>, told: &Told) -> Html {
        let rule = &told.rule;
        let id = (rule.gid, rule.sid);
        let beside = words::beside(&rule.beside);
        let file = rule.file.rsplit(['/', '\\']).next().unwrap_or(&rule.file);
        let in_pane = ctx.props().on_rule.reform(move |_: MouseEvent| id);
        html! {
            <>
                <div class="why-rule">
                    <h3>{ &rule.message }</h3>
                    <p class="faint mono">{ format!("{}:{}:{} · ", rule.gid, rule.sid, rule.rev) }
                        <button class="link-button" id="why-in-pane" onclick={in_pane}
                            title={format!("{}: the rule in the pane of rules", rule.file)}>{ format!("{file}:{}", rule.line) }</button></p>
                    if rule.off { <p class="warn-text">{ "It is switched off, and was tried all the same." }</p> }
                </div>
                { match rule.flows.first() {
                    Some(tried) => said(told, tried),
                    None => html! { <p class="note" id="why-verdict">{ "There is no such flow in the packets that could be read." }</p> },
                } }
                if !told.cut.is_empty() { <p class="note warn">{ format!("What follows was not looked at: {}", format::sentence(&told.cut)) }</p> }
                if !beside.is_empty() { <p class="note why-beside">{ format!("Beside it ran {beside}.") }</p> }
            </>
        }
    }

    /// The options and the bytes.
    fn main(&self, ctx: &Context<Self>) -> Html {
        let Some((told, best)) = self.told().and_then(|told| Some((told, told.rule.flows.first()?.best.as_ref()?)))
        else {
            return Html::default();
        };
        let link = ctx.link();
        html! {
            <>
                <div class="why-main">
                    <Steps told={Rc::clone(&told.rule)} attempt={best.clone()} chosen={self.chosen}
                        on_choose={link.callback(Msg::Choose)} on_enter={link.callback(|()| Msg::ToBytes)} />
                    if told.buffers.is_empty() {
                        <p class="note why-none">{ "No option that was tried looks into bytes." }</p>
                    } else {
                        <HexView buffers={Rc::clone(&told.buffers)} width={self.line()} chosen={self.chosen} cursor={self.cursor}
                            on_point={link.callback(Msg::Point)} on_leave={link.callback(|()| Msg::ToSteps)} />
                    }
                </div>
                <p class="why-keys faint"><kbd>{ "↑ ↓" }</kbd>{ " options " }<kbd>{ "→" }</kbd>{ " their bytes, then arrows " }
                    <kbd>{ "Enter" }</kbd>{ " back " }<kbd>{ "Esc" }</kbd>{ " row" }</p>
            </>
        }
    }

    /// Bytes of a line.
    fn line(&self) -> u64 {
        let wide = if self.width >= BESIDE { self.width >= BESIDE_WIDE } else { self.width >= WIDE };
        if wide { 16 } else { 8 }
    }
}

/// How it ended, and where.
fn said(told: &Told, tried: &FlowTried) -> Html {
    let (verdict, said) = words::verdict(&told.rule, tried);
    let (sign, class) = match verdict {
        Verdict::Told => ("✓", "held"),
        Verdict::Silent => ("…", "waiting"),
        Verdict::Failed => ("✗", "failed"),
        Verdict::Never => ("–", "untried"),
    };
    html! {
        <>
            <p class="why-verdict" id="why-verdict" role="status" data-verdict={class}>
                <span class={classes!("why-mark", class)} aria-hidden="true">{ sign }</span><span>{ said }</span>
            </p>
            if let Some(best) = &tried.best {
                <p class="why-where mono" id="why-where">
                    <span>{ words::frame(best) }</span>
                    if best.frame.is_some() {
                        <span title={format::utc(best.time)}>{ format!("{} {}", format::time_micros(best.time, told.utc_offset),
                            format::offset(told.utc_offset)) }</span>
                    }
                    <span>{ if best.to_client { "to the client" } else { "to the server" } }</span>
                    <span>{ words::place(best.place) }</span>
                </p>
            }
        </>
    }
}

/// What to look at first: the option that stopped it, else the first that matched bytes.
fn first_of_note(told: &Explanation) -> Option<usize> {
    let best = told.flows.first()?.best.as_ref()?;
    let matched = |step: &sensor_wire::explain::Step| {
        step.state == StepState::Held && step.at.as_ref().is_some_and(|found| found.len > 0)
    };
    best.failed_at().or_else(|| best.steps.iter().position(matched))
}

fn reading(read: u64, total: u64) -> String {
    match format::percent(read, total) {
        Some(percent) => format!("Reading the packets once more… {percent} % of {}", format::bytes(total)),
        None => "Reading the packets once more…".into(),
    }
}

fn stop(client: &Client, number: u64) {
    // One that is over already needs no stop.
    client.tell(ViewRequest::StopExplain(number), |_| ());
}

/// `2027397`, or `1:2027397` with its group.
fn number(text: &str) -> Option<RuleId> {
    let (gid, sid) = text.trim().split_once(':').unwrap_or(("1", text.trim()));
    Some((gid.trim().parse().ok()?, sid.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_asked_for_by_sid_or_with_their_group() {
        assert_eq!(number(" 2027397 "), Some((1, 2_027_397)));
        assert_eq!(number("3:7"), Some((3, 7)));
        assert!(number("").is_none() && number("seven").is_none() && number("-1").is_none() && number("1:").is_none());
    }

    #[test]
    fn progress_is_told_once_it_is_known() {
        assert_eq!(reading(0, 0), "Reading the packets once more…");
        assert_eq!(reading(50, 200), "Reading the packets once more… 25 % of 200 B");
    }
}
