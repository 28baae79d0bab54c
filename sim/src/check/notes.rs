//! The notes of a run.

use super::QUANTUM_TIME;
use super::judge::{NO_CHAIN, stricter};
use super::note::Note;
use crate::guest::wasm::Limits;
use crate::modules::absent::is_absent;
use crate::package::{self, Content, Package, shortened};
use crate::scenario::Scenario;
use crate::trace::event::{Event, Life, What};
use crate::trace::life_text;
use crate::world::{Run, Verdict};
use kernel_core::{
    CallKind, Cause, Change, DropReason, Duration, Exit, Instant, Message, MessageId, Names, NodeId, ProcessId,
    ProcessRef, SendErrorKind,
};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// So many requests within a second to a provider that is out of order are told.
const FLOOD: usize = 5;
const SECOND: Duration = Duration::from_secs(1);

/// What is worth knowing of a run of which all events were kept. Of one in which things went wrong on purpose,
/// `calm` is false, and what that alone explains is left out.
pub fn notes(run: &Run, calm: bool) -> BTreeSet<Note> {
    let mut notes = BTreeSet::new();
    let dropped = run.trace.events().filter_map(|(_, event)| match &event.what {
        What::Dropped(message, _) => Some(message.id),
        _ => None,
    });
    let mut seen = Seen { dropped: dropped.collect(), ..Seen::default() };
    for (_, event) in run.trace.events() {
        seen.take_in(event, run, calm, &mut notes);
    }
    notes.extend(seen.stricter.drain(..).map(|(_, note)| note));
    if calm {
        notes.extend(computes(run));
        let without_chain = seen.without_chain.difference(&seen.with_chain);
        notes.extend(without_chain.map(|process| Note::NoChain(run.names.process_text(*process).to_string())));
        notes.extend(seen.floods(&run.names));
        let open = seen.open.values().map(|message| {
            let (source, target) = ends(message, &run.names);
            Note::Unsettled(source, target, start(message.body()))
        });
        notes.extend(open);
    }
    if let (Verdict::Limit(bound), true) = (&run.verdict, calm) {
        notes.insert(Note::Bound(bound.clone(), busiest(run)));
    }
    notes
}

/// Who computed for a quantum of fuel or more without a call, and for how long at most.
fn computes(run: &Run) -> Vec<Note> {
    let mut under_way: BTreeMap<Life, Duration> = BTreeMap::new();
    let mut longest: BTreeMap<ProcessRef, Duration> = BTreeMap::new();
    for (_, event) in run.trace.events() {
        let Some(life) = event.what.life() else { continue };
        let What::Spun(_, span) = &event.what else {
            under_way.remove(&life);
            continue;
        };
        let spent = under_way.entry(life).or_default();
        spent.0 += span.0;
        let most = longest.entry(life.process).or_default();
        *most = (*most).max(*spent);
    }
    let note = |(process, span): (ProcessRef, Duration)| {
        let fuel = span.0 / QUANTUM_TIME.0 * Limits::default().spin_fuel;
        Note::Computes(run.names.process_text(process).to_string(), fuel, span.0 / 1_000_000)
    };
    longest.into_iter().map(note).collect()
}

/// What has to be remembered on the way through a run.
#[derive(Default)]
struct Seen<'a> {
    /// Every guest that was ever in a process table.
    known: BTreeSet<ProcessRef>,
    /// Messages that were dropped: that is what is said of them.
    dropped: BTreeSet<MessageId>,
    /// Requests of guests that expect an answer and have none.
    open: BTreeMap<MessageId, &'a Message>,
    /// Lives that have answered something since they last received.
    answered: BTreeMap<(NodeId, ProcessRef), Life>,
    /// Whom `eth` has told that there is no provider, and whom it has told anything else.
    without_chain: BTreeSet<ProcessRef>,
    with_chain: BTreeSet<ProcessRef>,
    /// Whom `eth` has told of an error last, and when each asked again since.
    refused: BTreeSet<ProcessRef>,
    asks_again: BTreeMap<ProcessRef, Vec<Instant>>,
    /// Answers of sqlite that a public runtime's would not give.
    stricter: Vec<(&'a Rc<Message>, Note)>,
}

impl<'a> Seen<'a> {
    fn take_in(&mut self, event: &'a Event, run: &Run, calm: bool, notes: &mut BTreeSet<Note>) {
        let names = &run.names;
        let text = |process: ProcessRef| names.process_text(process).to_string();
        match &event.what {
            What::Unmodelled(module, body) => {
                notes.insert(Note::Unmodelled(text(*module), body.to_string()));
            }
            What::Dropped(message, reason) => {
                if *reason == DropReason::NotRunning {
                    // Who asked is dead, and its right with it: a refusal changes nothing any more.
                    self.stricter.retain(|(answer, _)| !Rc::ptr_eq(answer, message));
                }
                let (source, target) = ends(message, names);
                // The owner knows whom it killed, and an answer that comes too late is nobody's loss.
                let of_guest = !message.source.process.is_module();
                let is_answer = !message.is_request() && !message.target.process.is_module();
                match reason {
                    // On a real node somebody would have answered.
                    DropReason::NotRunning
                        if of_guest && message.expects_response().is_some() && self.is_absent(message, names) =>
                    {
                        let (asked, body) = (names.process_id(message.target.process), start(message.body()));
                        let is_runtime = is_old_name(asked);
                        notes.insert(if is_runtime {
                            Note::Unmodelled(target, body)
                        } else {
                            Note::Elsewhere(target, body)
                        });
                    }
                    DropReason::NotRunning
                        if of_guest
                            && self.is_absent(message, names)
                            && is_old_name(names.process_id(message.target.process)) =>
                    {
                        notes.insert(Note::Unmodelled(target, start(message.body())));
                    }
                    // Told something that expects no answer, it would have taken it.
                    DropReason::NotRunning if of_guest && self.is_absent(message, names) => {}
                    DropReason::NotRunning if of_guest && message.is_request() && self.never_was(message, names) => {
                        notes.insert(Note::NoSuchProcess(source, target));
                    }
                    DropReason::NotRunning if of_guest => _ = notes.insert(Note::NobodyThere(source, target)),
                    // Of a module it is an answer that its asker made no room for.
                    DropReason::NoCapability | DropReason::NoNetwork
                        if of_guest || (calm && (is_answer || message.source.node != message.target.node)) =>
                    {
                        notes.insert(Note::NotAllowed(source, target));
                    }
                    _ => {}
                }
            }
            What::Durable(change) => {
                if let Change::Put(id, _) = &**change {
                    self.known.insert(*id);
                }
            }
            What::Sent(message) if message.is_request() && !message.source.process.is_module() => {
                let source = message.source.process;
                if message.target.process == ProcessRef::ETH && self.refused.contains(&source) {
                    self.asks_again.entry(source).or_default().push(event.at);
                }
                if message.expects_response().is_some() {
                    self.open.insert(message.id, message);
                }
            }
            // A provider that fails is answered for so, too.
            What::Sent(message)
                if calm && message.source.process == ProcessRef::ETH && **message.body() == *NO_CHAIN =>
            {
                self.without_chain.insert(message.target.process);
                self.refused.insert(message.target.process);
            }
            What::Sent(message) if calm && message.source.process == ProcessRef::ETH => {
                self.with_chain.insert(message.target.process);
                let is_error = message.body().starts_with(br#"{"Err""#);
                if is_error {
                    self.refused.insert(message.target.process);
                } else {
                    self.refused.remove(&message.target.process);
                }
            }
            What::Sent(message) if message.source.process == ProcessRef::SQLITE => {
                if let Some(error) = stricter(message.body()) {
                    self.stricter.push((message, Note::Stricter(text(message.target.process), error.to_string())));
                }
            }
            What::ReceivedError(_, kind, request, _) => {
                self.open.remove(&request.id);
                if calm && *kind == SendErrorKind::Timeout && !self.dropped.contains(&request.id) {
                    let (source, target) = ends(request, names);
                    notes.insert(Note::Unanswered(source, target, start(request.body())));
                }
            }
            What::Received(life, message, _) => {
                if !message.is_request() {
                    self.open.remove(&message.id);
                }
                self.answered.remove(&(event.node, life.process));
            }
            What::Called(life, CallKind::SendResponse, _) => {
                _ = self.answered.insert((event.node, life.process), *life)
            }
            What::Called(life, CallKind::Receive, _) => _ = self.answered.remove(&(event.node, life.process)),
            What::SavesState(life, _) if self.answered.get(&(event.node, life.process)) == Some(life) => {
                notes.insert(Note::AnswersFirst(text(life.process)));
            }
            _ => {}
        }
    }
}

impl Seen<'_> {
    /// Who asked again and again a provider that is out of order.
    fn floods(&self, names: &Names) -> Vec<Note> {
        let counts = self.asks_again.iter().map(|(process, times)| (process, within_a_second(times)));
        let floods = counts.filter(|(_, n)| *n >= FLOOD);
        floods.map(|(process, n)| Note::FloodsProvider(names.process_text(*process).to_string(), n as u64)).collect()
    }

    /// Whether a message is for a guest that no node ever had.
    fn never_was(&self, message: &Message, names: &Names) -> bool {
        let target = message.target.process;
        !target.is_module() && !self.known.contains(&target) && !is_absent(names.process_id(target))
    }

    /// Whether a message is for a process that a node of the public runtime has, and this world never had.
    fn is_absent(&self, message: &Message, names: &Names) -> bool {
        let target = message.target.process;
        is_absent(names.process_id(target)) && !self.known.contains(&target)
    }
}

/// How many of these instants, in their order, lie within one second at most.
fn within_a_second(times: &[Instant]) -> usize {
    let (mut from, mut most) = (0, 0);
    for (to, at) in times.iter().enumerate() {
        while *at - times[from] >= SECOND {
            from += 1;
        }
        most = most.max(to + 1 - from);
    }
    most
}

/// A process whose first life returned before anybody had asked it anything, if there is one: it runs to completion, as a
/// script does.
pub fn ends_unasked(run: &Run) -> Option<String> {
    let mut asked = BTreeSet::new();
    for (_, event) in run.trace.events() {
        match &event.what {
            What::Received(life, message, _) if message.is_request() => _ = asked.insert(life.process),
            What::Exited(life, Exit::Returned, _) if !asked.contains(&life.process) => {
                return Some(run.names.process_text(life.process).to_string());
            }
            _ => {}
        }
    }
    None
}

/// What is worth knowing of a package before it runs.
pub fn manifest_notes(package: &Package) -> BTreeSet<Note> {
    let manifest = package.files.iter().find(|(path, _)| path == "/manifest.json");
    let Some((_, Content::Bytes(manifest))) = manifest else { return BTreeSet::new() };
    let entries = package::parse_manifest(&package.id, manifest).unwrap_or_default();
    let of = |entry: package::Entry| {
        let process = format!("{}:{}", entry.process_name, package.id);
        entry
            .left_out
            .into_iter()
            .map(move |(list, entry)| Note::LeftOut(process.clone(), list, shortened(&entry.to_string())))
    };
    entries.into_iter().flat_map(of).collect()
}

/// The lines of a workload that never happened in the calm run, each with where it stands.
pub fn never_happened(calm: &Run, scenario: &Scenario, places: &[String]) -> BTreeSet<Note> {
    if matches!(calm.verdict, Verdict::Limit(_)) {
        return BTreeSet::new();
    }
    let script = |(_, event): &(Cause, Event)| match event.what {
        What::Script(line) => Some(line as usize),
        _ => None,
    };
    let played: BTreeSet<usize> = calm.trace.events().filter_map(script).collect();
    let missed = scenario.script.iter().enumerate().filter(|(index, _)| !played.contains(index));
    let place = |index: usize| places.get(index).map_or(String::new(), |place| format!("{place}, "));
    missed.map(|(index, line)| Note::NeverHappened(format!("{}{}: {}", place(index), line.when, line.action))).collect()
}

/// Whether a process is a module of the runtime that this simulator does not have, or has under another name: before 1.0
/// there was `http_server:distro:sys`, and names of userspace had underscores, too.
fn is_old_name(process: ProcessId<'_>) -> bool {
    ["distro", "sys"].contains(&process.package) || process.process.contains('_') || process.package.contains('_')
}

/// Who had the most events: whose doing it is that a run reached a bound.
fn busiest(run: &Run) -> String {
    let mut counts: BTreeMap<Life, u64> = BTreeMap::new();
    for life in run.trace.events().filter_map(|(_, event)| event.what.life()) {
        *counts.entry(life).or_default() += 1;
    }
    let busiest = counts.into_iter().max_by_key(|(life, count)| (*count, std::cmp::Reverse(*life)));
    let most = busiest.map_or(0, |(_, count)| count);
    let silent = run.spent.silent.iter().max_by_key(|(process, times)| (**times, std::cmp::Reverse(**process)));
    match (silent, busiest) {
        (Some(((_, process), times)), _) if *times > most => {
            format!("{} ({times} times that it read a clock or slept)", run.names.process_text(*process))
        }
        (_, Some((life, count))) => format!("{} ({count} events)", life_text(life, &run.names)),
        (_, None) => "nobody".to_string(),
    }
}

fn ends(message: &Message, names: &Names) -> (String, String) {
    let text = |process: ProcessRef| names.process_text(process).to_string();
    (text(message.source.process), text(message.target.process))
}

/// The start of a body, in a sentence.
pub(super) fn start(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_within_a_second_is_counted_in_one_pass() {
        let count = |millis: &[u64]| {
            let times: Vec<Instant> = millis.iter().map(|at| Instant(at * 1_000_000)).collect();
            within_a_second(&times)
        };
        assert_eq!((count(&[]), count(&[5])), (0, 1));
        assert_eq!(count(&[0, 999, 1_000, 1_500, 1_998, 3_000]), 4);
        assert_eq!(count(&[0, 1_000, 2_000]), 1);
        let many: Vec<u64> = vec![7; 200_000];
        assert_eq!(count(&many), 200_000);
    }
}
