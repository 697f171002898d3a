//! One look of the rule that is asked about, option by option. It changes nothing: the rule itself runs afterwards.

use sensor_wire::explain::{Attempt, Excluding, Place, Step, StepState};

use super::asked::{Asked, Home, Part};
use super::header::{self, way};
use super::path::{Path, decodes};
use crate::applayer::Side;
use crate::detect::app::side_of;
use crate::detect::compile::Rules;
use crate::detect::compiled::{Compiled, Condition, Look};
use crate::detect::detector::Work;
use crate::detect::lists::Datasets;
use crate::detect::state::FlowState;
use crate::detect::transaction::{At, each, holds_hash, holds_name, holds_number, transformed};
use crate::detect::verify::{self, Chain, Cx, Sets};
use crate::detect::view::Scene;
use crate::rules::ast;
use crate::rules::ast::{DatasetCommand, NumberTest, RepSide};

/// What is looked at.
#[derive(Clone, Copy)]
pub(in crate::detect) enum Subject<'a> {
    /// A packet, or the frame that holds none.
    Packet,
    /// Bytes of a stream, and where they begin in it.
    Stream(&'a [u8], u64),
    /// The part of a message of that id, where the bytes begin in it, and whether they go to its end.
    Frame(u64, &'a [u8], u64, bool),
    /// The transaction of that id, with the events that it and its flow had.
    Transaction(u64, &'a At<'a>, u128),
}

/// Options, and what came of them.
pub(super) type Steps = Vec<(usize, Step)>;

/// Room to work in, apart from that of the rules that run.
#[derive(Debug, Default)]
pub(super) struct Room {
    verify: verify::State,
    transforms: verify::Work,
    scratch: Vec<u8>,
}

/// All that a look takes.
pub(super) struct Trial<'a> {
    pub(super) work: &'a Work,
    pub(super) rules: &'a Rules,
    pub(super) asked: &'a Asked,
    pub(super) rule: &'a Compiled,
    pub(super) scene: &'a Scene<'a>,
    pub(super) state: &'a FlowState,
}

impl Trial<'_> {
    /// What comes of it, and whether everything held. `earlier` is what was found in the flow's payload before, of a
    /// rule that looks into a transaction too.
    pub(super) fn run(&self, subject: Subject<'_>, earlier: Option<&Steps>, room: &mut Room) -> (Attempt, bool) {
        let place = match subject {
            Subject::Packet => Place::Packet,
            Subject::Stream(..) => Place::Stream,
            Subject::Frame(id, ..) => Place::Frame(id),
            Subject::Transaction(id, ..) => Place::Transaction(id),
        };
        let (time, to_client) = (self.scene.time, self.scene.side == Side::ToClient);
        let mut attempt = Attempt { time, to_client, place, header: self.header(subject), ..Attempt::default() };
        if attempt.header.state == StepState::Failed {
            return (attempt, false);
        }
        let mut steps: Vec<Step> = self.asked.parts.iter().map(|part| self.part(*part, subject)).collect();
        match subject {
            Subject::Packet => {
                self.headers(&mut steps, room);
                if let (Some(chain), Some(view)) = (&self.rule.payload, self.scene.packet) {
                    self.payload(chain, "payload", view.packet.payload, 0, true, room).fold(self, &mut steps);
                }
            }
            Subject::Stream(data, at) => {
                if let Some(chain) = &self.rule.payload {
                    self.payload(chain, "stream", data, at, false, room).fold(self, &mut steps);
                }
            }
            Subject::Frame(_, data, start, ends) => self.framed(data, start, ends, &mut steps, room),
            Subject::Transaction(_, at, _) => {
                self.looks(at, &mut steps, room);
                if let Some(chain) = &self.rule.payload {
                    self.payload_of_transaction(chain, earlier, room).fold(self, &mut steps);
                }
            }
        }
        let held = !steps.iter().any(|step| matches!(step.state, StepState::Failed | StepState::Waiting));
        attempt.steps = steps;
        (attempt, held)
    }

    /// What the payload holds for a rule that looks into a transaction too, if all of it is there.
    pub(super) fn payload_of(&self, data: &[u8], subject: Subject<'_>, room: &mut Room) -> Option<Steps> {
        let (name, start, ends) = match subject {
            Subject::Stream(_, at) => ("stream", at, false),
            Subject::Packet | Subject::Frame(..) | Subject::Transaction(..) => ("payload", 0, true),
        };
        let looked = self.payload(self.rule.payload.as_ref()?, name, data, start, ends, room);
        looked.matched.then_some(looked.steps)
    }

    fn header(&self, subject: Subject<'_>) -> Step {
        let fault = header::fault(self.rules, self.asked, self.rule, self.scene);
        let fault = fault.or_else(|| {
            let flow = self.asked.parts.contains(&Part::Flow);
            let other = self.rule.side.filter(|side| !flow && *side != self.scene.side)?;
            Some((Excluding::Direction, format!("what it looks into goes {}", way(other))))
        });
        let fault = fault.or_else(|| {
            // Where the protocol is all that is asked, the packet that showed it does not count.
            let early = self.rule.payload.is_none() && self.rule.head.protocol.is_app();
            let told = self.scene.packet.is_none_or(|view| view.app_told);
            let early = early && !told && matches!(subject, Subject::Packet);
            early.then(|| (Excluding::Protocol, "what the flow carries was not known before this packet".into()))
        });
        match fault {
            Some((_, why)) => Step { state: StepState::Failed, why, ..Step::default() },
            None => Step { state: StepState::Held, ..Step::default() },
        }
    }

    /// What is asked for outside of buffers.
    fn part(&self, part: Part, subject: Subject<'_>) -> Step {
        let (rule, scene) = (self.rule, self.scene);
        let transaction = match subject {
            Subject::Transaction(_, at, events) => Some((at, events)),
            Subject::Packet | Subject::Stream(..) | Subject::Frame(..) => None,
        };
        let of = |found: Option<(bool, String)>| match found {
            Some((held, why)) => step(held, why),
            None => Step::default(),
        };
        match part {
            Part::Aside => Step { state: StepState::Aside, ..Step::default() },
            Part::Flow => flow(rule, scene),
            Part::Test(at) => of(rule.tests.get(at).map(|test| (test.holds(scene), test.there(scene)))),
            Part::Condition(at) => of(rule.conditions.get(at).map(|condition| {
                let held = self.work.condition(self.rules, condition, scene, self.state);
                (held, self.kept(condition, held))
            })),
            Part::Number(at) => of(rule.numbers.get(at).zip(transaction).map(|(test, (at, _))| {
                (holds_number(at.transaction, test, scene.side), numbers(at, test, scene.side))
            })),
            Part::Own(at) => of(rule.own.get(at).zip(transaction).map(|(test, (at, _))| {
                let held = at.transaction.holds(test, scene.side);
                (held, if held { String::new() } else { "not so in this transaction".into() })
            })),
            Part::Name(at) => of(rule.names.get(at).zip(transaction).map(|(test, (at, _))| {
                let files =
                    at.transaction.files().iter().filter(|file| file.to_client == (scene.side == Side::ToClient));
                let names: Vec<_> = files.take(MOST_VALUES).map(|file| String::from_utf8_lossy(&file.name)).collect();
                let said = if names.is_empty() { "there is no file".into() } else { names.join(", ") };
                (holds_name(at.transaction, test, scene.side), said)
            })),
            Part::Hash(at) => of(rule.hashes.get(at).zip(transaction).map(|(test, (at, _))| {
                let held = holds_hash(self.rules, at.transaction, test, scene.side);
                (held, if held { String::new() } else { "no whole file whose hash would do".into() })
            })),
            Part::Event(at) => of(rule.events.get(at).zip(transaction).map(|((_, event), (_, events))| {
                let held = events & 1_u128.checked_shl((*event).into()).unwrap_or(0) != 0;
                (held, if held { String::new() } else { "it did not happen".into() })
            })),
            Part::Buffer(_) | Part::Packet | Part::Threshold | Part::Filter => Step::default(),
        }
    }

    /// What is kept of flows and hosts.
    fn kept(&self, condition: &Condition, held: bool) -> String {
        match condition {
            Condition::Bits(_, wanted) | Condition::HostBits(_, _, wanted) | Condition::PairBit(_, _, wanted) => {
                if held == *wanted { "is set".into() } else { "is not set".into() }
            }
            Condition::Int(name, ..) => {
                self.state.int(*name).map_or_else(|| "was never set".into(), |number| format!("is {number}"))
            }
            Condition::Value(..) => {
                if held {
                    String::new()
                } else {
                    "was not kept, or has another value".into()
                }
            }
            Condition::Reputation { which, category, .. } => {
                let (source, destination) = self.scene.addresses();
                let of = |address| match self.rules.reputations.score(address, *category) {
                    Some(score) => score.to_string(),
                    None => "none".into(),
                };
                match which {
                    RepSide::Source => format!("the source's is {}", of(source)),
                    RepSide::Destination => format!("the destination's is {}", of(destination)),
                    RepSide::Any | RepSide::Both => {
                        format!("the source's is {}, the destination's {}", of(source), of(destination))
                    }
                }
            }
            Condition::App { .. } => {
                let carries = self.scene.flow.app.map_or("nothing that was recognised", |app| app.name());
                format!("the flow carries {carries}")
            }
        }
    }

    fn headers(&self, steps: &mut [Step], room: &mut Room) {
        let Some(packet) = self.scene.packet.map(|view| view.packet) else { return };
        room.verify.begin();
        for (at, look) in self.rule.headers.iter().enumerate() {
            let Room { verify, transforms, scratch } = &mut *room;
            scratch.clear();
            let mut looked = Looked::new(self.asked.buffer_at(Home::Header(at)));
            match crate::detect::header::buffer(packet, look.buffer.buffer, scratch) {
                Some(data) => {
                    let data = transformed(&look.transforms, data, verify, transforms);
                    let mut sets = Peek(&self.work.sets);
                    looked.look(self, &look.chain, &name(look), 0, data, &mut Cx::new(verify, &mut sets));
                }
                None => looked.absent(look, "the packet has no such header"),
            }
            looked.fold(self, steps);
        }
    }

    fn looks(&self, at: &At<'_>, steps: &mut [Step], room: &mut Room) {
        room.verify.begin();
        for (place, look) in self.rule.looks.iter().enumerate() {
            let mut looked = Looked::new(self.asked.buffer_at(Home::Look(place)));
            let of = side_of(&look.buffer).unwrap_or(self.scene.side);
            if at.progress_of(of) < (at.protocol.ready)(look.buffer.buffer, of) {
                looked.wait(self, steps);
                continue;
            }
            let Room { verify, transforms, scratch } = &mut *room;
            let (name, mut number) = (name(look), 0);
            let found = each(at, look.buffer.buffer, of, scratch, |data| {
                let data = transformed(&look.transforms, data, verify, transforms);
                let mut sets = Peek(&self.work.sets);
                let mut cx = Cx::new(verify, &mut sets);
                cx.dce_little = at.transaction.little_endian(of);
                number += 1;
                looked.look(self, &look.chain, &name, number - 1, data, &mut cx)
            });
            if found.is_none() {
                looked.absent(look, "the transaction has no such buffer");
            }
            looked.fold(self, steps);
        }
    }

    /// What is asked of a part of a message.
    fn framed(&self, data: &[u8], start: u64, ends: bool, steps: &mut [Step], room: &mut Room) {
        room.verify.begin();
        for (place, look) in self.rule.looks.iter().enumerate() {
            let Room { verify, transforms, .. } = &mut *room;
            let mut looked = Looked::new(self.asked.buffer_at(Home::Look(place)));
            let data = transformed(&look.transforms, data, verify, transforms);
            let mut sets = Peek(&self.work.sets);
            let mut cx = Cx { start, ends, ..Cx::new(verify, &mut sets) };
            looked.look(self, &look.chain, &name(look), 0, data, &mut cx);
            looked.fold(self, steps);
        }
    }

    fn payload(&self, chain: &Chain, name: &str, data: &[u8], start: u64, ends: bool, room: &mut Room) -> Looked {
        let mut looked = Looked::new(self.asked.buffer_at(Home::Payload));
        room.verify.begin();
        let mut sets = Peek(&self.work.sets);
        let mut cx = Cx { start, ends, ..Cx::new(&mut room.verify, &mut sets) };
        looked.look(self, chain, name, 0, data, &mut cx);
        looked
    }

    /// In the packet at hand, or as it was found before.
    fn payload_of_transaction(&self, chain: &Chain, earlier: Option<&Steps>, room: &mut Room) -> Looked {
        let mut looked = match self.scene.packet {
            Some(view) => self.payload(chain, "payload", view.packet.payload, 0, true, room),
            None => Looked::new(self.asked.buffer_at(Home::Payload)),
        };
        if !looked.matched && self.state.has_found(self.asked.number) {
            looked.matched = true;
            looked.steps = earlier.cloned().unwrap_or_default();
        }
        looked.otherwise = "not in the flow's data so far".into();
        looked
    }
}

/// What came of a look into one buffer, or into several of one kind.
struct Looked {
    buffer: Option<usize>,
    matched: bool,
    steps: Steps,
    /// Why it failed, where no option says.
    otherwise: String,
}

impl Looked {
    fn new(buffer: Option<usize>) -> Looked {
        Looked { buffer, matched: false, steps: Vec::new(), otherwise: String::new() }
    }

    /// Looks into the buffer of that place of its kind; what got further before stays.
    fn look(&mut self, trial: &Trial<'_>, chain: &Chain, name: &str, place: u32, data: &[u8], cx: &mut Cx<'_>) -> bool {
        let before = cx.state.counts;
        let mut path = Path::new(&trial.asked.rule, name, place);
        let matched = chain.traced(data, cx, &mut path);
        let mut steps = path.end(matched);
        if !matched
            && cx.state.counts.pcre > before.pcre
            && let Some((_, last)) = steps.last_mut()
        {
            last.why = format!("the expression was given up after too many steps: {}", last.why);
        }
        if matched || steps.len() >= self.steps.len() {
            (self.matched, self.steps) = (matched, steps);
        }
        self.otherwise = if cx.state.counts.steps > before.steps {
            format!("given up after {} tests", verify::MAX_STEPS)
        } else {
            format!("{name} is there")
        };
        matched
    }

    fn absent(&mut self, look: &Look, why: &str) {
        self.matched = look.chain.matches_absent();
        self.otherwise = why.to_owned();
    }

    /// What was looked for is not there yet.
    fn wait(&self, trial: &Trial<'_>, steps: &mut [Step]) {
        for option in self.options(trial) {
            if let Some(step) = steps.get_mut(option) {
                *step = Step {
                    state: StepState::Waiting,
                    why: "the transaction had not come that far".into(),
                    ..Step::default()
                };
            }
        }
    }

    fn options(&self, trial: &Trial<'_>) -> Vec<usize> {
        let named = self.buffer.into_iter().flat_map(|buffer| trial.asked.options_of(buffer));
        let unnamed = (0..).zip(&trial.asked.parts).filter(|(_, part)| **part == Part::Packet && !self.is_look(trial));
        named.chain(unnamed.map(|(option, _)| option)).collect()
    }

    /// Whether it is of something other than the payload.
    fn is_look(&self, trial: &Trial<'_>) -> bool {
        self.buffer.and_then(|buffer| trial.asked.homes.get(buffer)).is_some_and(|home| *home != Home::Payload)
    }

    /// Puts it where the options stand.
    fn fold(self, trial: &Trial<'_>, steps: &mut [Step]) {
        let mut options = self.options(trial);
        let failed = self.steps.iter().any(|(_, step)| step.state == StepState::Failed);
        for (option, step) in self.steps {
            if let Some(slot) = steps.get_mut(option) {
                *slot = step;
            }
        }
        options.retain(|option| steps.get(*option).is_some_and(|step| step.state == StepState::Untried));
        let body = |option: usize| trial.asked.rule.options.get(option).map(|it| &it.body);
        for (number, option) in options.into_iter().enumerate() {
            let Some(step) = steps.get_mut(option) else { continue };
            if self.matched || (failed && body(option).is_some_and(decodes)) {
                step.state = StepState::Held;
            } else if !failed && number == 0 {
                (step.state, step.why) = (StepState::Failed, self.otherwise.clone());
            }
        }
    }
}

fn step(held: bool, why: String) -> Step {
    Step { state: if held { StepState::Held } else { StepState::Failed }, why, ..Step::default() }
}

fn flow(rule: &Compiled, scene: &Scene<'_>) -> Step {
    let side = rule.side.is_none_or(|side| side == scene.side);
    let state = match rule.state {
        Some(ast::FlowState::Established) => scene.flow.established,
        Some(ast::FlowState::NotEstablished) => !scene.flow.established,
        Some(ast::FlowState::Stateless) | None => true,
    };
    let established = if scene.flow.established { "established" } else { "not established" };
    step(side && state, format!("{}, {established}", way(scene.side)))
}

fn numbers(at: &At<'_>, test: &NumberTest, side: Side) -> String {
    let values = if test.field == crate::rules::Field::FileSize {
        at.transaction.files().iter().take(MOST_VALUES).map(|file| file.size.to_string()).collect::<Vec<_>>()
    } else {
        let values = (0..MOST_VALUES).map_while(|place| at.transaction.number(test.field, side, place));
        values.map(|value| value.to_string()).collect()
    };
    if values.is_empty() { "there is none".into() } else { format!("is {}", values.join(", ")) }
}

/// A buffer with its transforms.
fn name(look: &Look) -> String {
    look.buffer.to_string().trim_end_matches(';').to_owned()
}

/// Data sets as they are: what a rule would put in or take out stays.
struct Peek<'a>(&'a Datasets);

impl Sets for Peek<'_> {
    fn dataset(&mut self, set: u32, command: DatasetCommand, data: &[u8]) -> bool {
        self.0.would(set, command, data)
    }

    fn reputation(&mut self, set: u32, data: &[u8]) -> Option<u16> {
        self.0.rank(set, data)
    }
}

/// Values that are told of one option.
const MOST_VALUES: usize = 8;
