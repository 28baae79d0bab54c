//! A run in the form that the page's script reads: columns of numbers and texts, one entry an event.

use super::moments::{Moment, Moments};
use crate::invariant::Violation;
use crate::trace::Trace;
use crate::trace::causal::Links;
use crate::trace::event::{Event, Life, What};
use crate::trace::export::document::{Outcome, Played};
use crate::trace::line_text;
use kernel_core::command::Command;
use kernel_core::{Address, Cause, Change, Exit, Message, Names, NodeId, ProcessRef};
use serde::Serialize;
use std::collections::BTreeMap;

/// How many letters of an event's text are kept.
const TEXT_MAX: usize = 400;
/// Of runs with more events than this the bodies are not kept beyond their excerpts.
const BODIES_EVENTS_MAX: usize = 5_000;
/// How many bytes of a body are kept.
const BODY_MAX: usize = 4_000;

/// One run.
#[derive(Debug, Serialize)]
pub(super) struct RunData {
    title: String,
    scenario: String,
    kernel: String,
    programs: String,
    verdict: String,
    limit: Option<String>,
    broken: Vec<BrokenData>,
    replay: String,
    plan: Vec<String>,
    script: Vec<String>,
    fingerprint: String,
    nodes: Vec<String>,
    lanes: Vec<LaneData>,
    /// The names of the kinds of events.
    kinds: Vec<String>,
    /// By event: when, in nanoseconds.
    at: Vec<u64>,
    lane: Vec<usize>,
    kind: Vec<usize>,
    cause: Vec<u64>,
    text: Vec<String>,
    /// Which mark it has: see `mark` in the script; 0: none.
    marks: Vec<u8>,
    /// Lane, number, first event, last event (-1: none), how it ended.
    lives: Vec<(usize, u32, u64, i64, u8)>,
    /// Lane and event of the sending, lane and event of the end (-1: none), whether it is a request, what became of it,
    /// and why.
    arrows: Vec<(usize, u64, usize, i64, u8, u8, &'static str)>,
    /// Whether the states of the processes are known.
    has_states: bool,
    /// Event, lane, and the fields as places among the strings (-1 first: it is gone).
    states: Vec<Vec<i64>>,
    strings: Vec<String>,
    /// Whole bodies, by event.
    bodies: BTreeMap<u64, String>,
    offending: Vec<u64>,
    past: Vec<u64>,
    /// The first event at which it differs from the other run.
    parts: Option<u64>,
}

#[derive(Debug, Serialize)]
struct BrokenData {
    rule: String,
    says: String,
    facts: String,
}

/// A row of the diagram.
#[derive(Debug, Serialize)]
struct LaneData {
    node: usize,
    name: String,
    /// 0: a process, 1: a runtime module, 2: the node itself.
    module: u8,
}

/// Where a message ended, as the script has it.
#[derive(Clone, Copy)]
enum Fate {
    Received = 0,
    Command = 1,
    Dropped = 2,
    Lost = 3,
    Offline = 4,
    Open = 5,
}

/// What is drawn.
pub(super) struct Drawn<'a> {
    pub trace: &'a Trace,
    pub names: &'a Names,
    pub violations: &'a [Violation],
    pub outcome: Outcome,
    pub played: Played,
}

/// Everything that the diagram of a run needs. Without moments it has no states.
pub(super) fn run_data(title: String, drawn: Drawn<'_>, moments: Option<Moments>, parts: Option<u64>) -> RunData {
    let Drawn { trace, names, violations, outcome, played } = drawn;
    let (has_states, moments) = (moments.is_some(), moments.unwrap_or_default());
    let events: Vec<&(Cause, Event)> = trace.events().collect();
    let links = Links::of(events.iter().copied());
    let union = |of: &dyn Fn(&Violation) -> Vec<u64>| {
        let mut all: Vec<u64> = violations.iter().flat_map(of).collect();
        all.sort_unstable();
        all.dedup();
        all
    };
    let offending = union(&|violation| links.offending(violation, names));
    let past = union(&|violation| links.why(violation, names));
    let mut draw = Drawing::new(names, &events);
    events.iter().for_each(|(index, event)| draw.event(index.0, event));
    draw.finish();
    let bodies = if events.len() <= BODIES_EVENTS_MAX { bodies(&events) } else { BTreeMap::new() };
    let states = moments.changes.iter().filter_map(|moment| draw.state(moment)).collect();
    let Outcome { verdict, limit, broken, fingerprint, .. } = outcome;
    let Played { scenario, kernel, programs, plan, script, replay, .. } = played;
    let broken = broken.into_iter().map(|b| BrokenData { rule: b.rule, says: b.says, facts: b.facts });
    RunData {
        title,
        scenario,
        kernel,
        programs,
        verdict,
        limit,
        broken: broken.collect(),
        replay,
        plan,
        script,
        fingerprint,
        nodes: names.all_nodes().map(str::to_string).collect(),
        lanes: draw.lanes,
        kinds: draw.kinds,
        at: events.iter().map(|(_, event)| event.at.0).collect(),
        lane: draw.lane,
        kind: draw.kind,
        cause: events.iter().map(|(_, event)| event.cause.0).collect(),
        text: events.iter().map(|(_, event)| clipped(&line_text(event, names), TEXT_MAX)).collect(),
        marks: events.iter().map(|(_, event)| mark(&event.what)).collect(),
        lives: draw.lives,
        arrows: draw.arrows,
        has_states,
        states,
        strings: moments.texts.into_iter().collect(),
        bodies,
        offending,
        past,
        parts,
    }
}

fn clipped(text: &str, letters: usize) -> String {
    match text.char_indices().nth(letters) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_string(),
    }
}

/// The bodies that an excerpt cuts off.
fn bodies(events: &[&(Cause, Event)]) -> BTreeMap<u64, String> {
    let body = |(index, event): &&(Cause, Event)| {
        let What::Sent(message) = &event.what else { return None };
        let bytes = message.body();
        let text = std::str::from_utf8(bytes).ok().filter(|text| text.chars().count() > 60)?;
        let more = if bytes.len() > BODY_MAX { format!("\n({} bytes in all)", bytes.len()) } else { String::new() };
        Some((index.0, clipped(text, BODY_MAX) + &more))
    };
    events.iter().filter_map(body).collect()
}

/// The mark of an event: the numbers of the script.
fn mark(what: &What) -> u8 {
    match what {
        What::WriteRefused
        | What::IoRefused(..)
        | What::Rotted(..)
        | What::ClockJumped(_)
        | What::Restored(_)
        | What::StoreChecked(_, _, Some(_)) => 1,
        What::Durable(_) | What::StateDurable(..) | What::BackedUp(_) => 2,
        What::Booted(_) => 3,
        What::SavesCapabilities(..) | What::DropsCapabilities(..) => 4,
        What::Command(_, command) if matches!(**command, Command::Grant(..) | Command::Drop(..)) => 4,
        What::Printed(..) => 5,
        What::Unmodelled(..) => 6,
        What::Down(_) | What::Failed(_) => 7,
        _ => 0,
    }
}

/// Which message: a copy that has lost a capability is the same.
type Key = (Address, Address, u64, u64, bool);

fn key(message: &Message) -> Key {
    (message.source, message.target, message.id.0, message.cause.0, message.is_request())
}

struct Drawing {
    lanes: Vec<LaneData>,
    /// The lane of each process on each node; of the node itself, under `None`.
    places: BTreeMap<(NodeId, Option<ProcessRef>), usize>,
    kinds: Vec<String>,
    kind_places: BTreeMap<u8, usize>,
    lane: Vec<usize>,
    kind: Vec<usize>,
    lives: Vec<(usize, u32, u64, i64, u8)>,
    open: BTreeMap<(NodeId, ProcessRef), usize>,
    arrows: Vec<(usize, u64, usize, i64, u8, u8, &'static str)>,
    /// Arrows whose end has not come.
    ways: BTreeMap<Key, usize>,
}

impl Drawing {
    fn new(names: &Names, events: &[&(Cause, Event)]) -> Drawing {
        let mut draw = Drawing {
            lanes: Vec::new(),
            places: BTreeMap::new(),
            kinds: Vec::new(),
            kind_places: BTreeMap::new(),
            lane: Vec::new(),
            kind: Vec::new(),
            lives: Vec::new(),
            open: BTreeMap::new(),
            arrows: Vec::new(),
            ways: BTreeMap::new(),
        };
        let mut found: BTreeMap<(NodeId, Option<ProcessRef>), u64> = BTreeMap::new();
        let mut meet = |node: NodeId, process: Option<ProcessRef>, index: u64| {
            found.entry((node, None)).or_insert(index);
            found.entry((node, process)).or_insert(index);
        };
        for (index, event) in events {
            meet(event.node, process_of(event), index.0);
            if let Some(message) = event.what.message() {
                for end in [message.source, message.target] {
                    meet(end.node, Some(end.process), index.0);
                }
            }
        }
        // By node: itself, its processes in the order in which they appear, and the runtime modules.
        let mut order: Vec<_> = found.into_iter().collect();
        order.sort_by_key(|((node, process), first)| match process {
            None => (*node, 0, 0),
            Some(id) if id.is_module() => (*node, 2, u64::from(id.0)),
            Some(_) => (*node, 1, *first),
        });
        for ((node, process), _) in order {
            draw.places.insert((node, process), draw.lanes.len());
            let (name, module) = match process {
                None => (names.node_text(node), 2),
                Some(id) => (names.process_text(id), u8::from(id.is_module())),
            };
            draw.lanes.push(LaneData { node: node.0 as usize, name: name.to_string(), module });
        }
        draw
    }

    fn place(&self, node: NodeId, process: Option<ProcessRef>) -> usize {
        self.places[&(node, process)]
    }

    fn event(&mut self, index: u64, event: &Event) {
        let node = event.node;
        let process = process_of(event);
        self.lane.push(self.place(node, process));
        let kind = event.what.kind();
        let kinds = &mut self.kinds;
        let place = *self.kind_places.entry(kind as u8).or_insert_with(|| {
            kinds.push(words(&format!("{kind:?}")));
            kinds.len() - 1
        });
        self.kind.push(place);
        match &event.what {
            What::Started(life) => {
                let lane = self.place(node, Some(life.process));
                self.open.insert((node, life.process), self.lives.len());
                self.lives.push((lane, life.number, index, -1, 0));
            }
            What::Exited(life, Exit::Returned, _) => self.end(node, *life, index, 1),
            What::Exited(life, Exit::Panicked, _) => self.end(node, *life, index, 2),
            What::Killed(life) => self.end(node, *life, index, 3),
            What::Lost(life) => self.end(node, *life, index, 4),
            What::Sent(message) => {
                let (source, target) = (message.source, message.target);
                let from = self.place(source.node, Some(source.process));
                let to = self.place(target.node, Some(target.process));
                self.ways.insert(key(message), self.arrows.len());
                let request = u8::from(message.is_request());
                self.arrows.push((from, index, to, -1, request, Fate::Open as u8, "never received"));
            }
            What::Received(_, message, _) | What::ModuleReceived(_, message) => {
                self.arrive(message, index, Fate::Received, "");
            }
            What::Command(message, _) => self.arrive(message, index, Fate::Command, ""),
            What::Dropped(message, reason) => self.arrive(message, index, Fate::Dropped, reason.text()),
            What::NetworkLost(message) => self.arrive(message, index, Fate::Lost, "lost by the network"),
            What::NetworkOffline(message) => self.arrive(message, index, Fate::Offline, "node is offline"),
            _ => {}
        }
    }

    fn end(&mut self, node: NodeId, life: Life, index: u64, how: u8) {
        if let Some(open) = self.open.remove(&(node, life.process)) {
            (self.lives[open].3, self.lives[open].4) = (index as i64, how);
        }
    }

    fn arrive(&mut self, message: &Message, index: u64, fate: Fate, why: &'static str) {
        if let Some(arrow) = self.ways.remove(&key(message)) {
            let arrow = &mut self.arrows[arrow];
            (arrow.3, arrow.5, arrow.6) = (index as i64, fate as u8, why);
        }
    }

    /// A message that was never received ends, for the eye, where its target's life did.
    fn finish(&mut self) {
        let ends: Vec<(usize, i64)> = self.lives.iter().map(|life| (life.0, life.3)).collect();
        for arrow in self.ways.values() {
            let arrow = &mut self.arrows[*arrow];
            let sent = arrow.1 as i64;
            let end = ends.iter().filter(|(lane, end)| *lane == arrow.2 && *end > sent).map(|(_, end)| *end).min();
            if let Some(end) = end {
                (arrow.3, arrow.6) = (end, "its target ended first");
            }
        }
    }

    /// A change of a process for the script; `None`: no event is about that process.
    fn state(&self, moment: &Moment) -> Option<Vec<i64>> {
        let lane = *self.places.get(&(moment.node, Some(moment.process)))?;
        let mut row = vec![moment.event as i64, lane as i64];
        match &moment.fields {
            Some(fields) => row.extend(fields.iter().map(|place| *place as i64)),
            None => row.push(-1),
        }
        Some(row)
    }
}

/// Whose lane an event stands in; `None`: its node's.
fn process_of(event: &Event) -> Option<ProcessRef> {
    let local = |address: Address| (address.node == event.node).then_some(address.process);
    match &event.what {
        What::ModuleReceived(module, _)
        | What::ModuleReceivedError(module, ..)
        | What::Unmodelled(module, _)
        | What::IoRefused(module, _)
        | What::StoreChecked(module, ..) => Some(*module),
        What::StateDurable(process, _) => Some(*process),
        What::Durable(change) => {
            let (Change::Put(process, _) | Change::Remove(process)) = &**change;
            Some(*process)
        }
        What::Command(message, _) | What::InvalidCode(message) | What::Arrived(message) => local(message.target),
        what => match (what.life(), what.message()) {
            (Some(life), _) => Some(life.process),
            (None, Some(message)) => local(message.source).or(local(message.target)),
            (None, None) => None,
        },
    }
}

/// `ModuleReceivedError` as `module received error`.
fn words(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !text.is_empty() {
            text.push(' ');
        }
        text.extend(c.to_lowercase());
    }
    text
}
