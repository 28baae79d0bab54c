//! What of a run counts against the package.
//!
//! A failure counts unless something that this world lacks, or a bound of the simulator, may have led to it: then it leaves
//! the verdict open, with the missing thing named first. A gap reaches the life that met it, the lives that it sends
//! messages to afterwards, and its own later lives if it has saved something since.

use super::note::Note;
use super::notes::start;
use super::rules::{NoPanic, PACKAGE_RULES};
use crate::invariant::{Claim, Violation};
use crate::modules::absent::is_absent;
use crate::trace::event::{Event, Life, PanicCause, What};
use crate::world::{Run, Verdict};
use kernel_core::{Address, Cause, Change, Deviation, DropReason, Message, MessageId, NodeId, ProcessRef};
use std::collections::{BTreeMap, BTreeSet};

/// How many different panics of one run are kept: one more than are told, so that it is known that there are more.
const PANICS_MAX: usize = 101;

/// What a run is judged by, besides its events.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// The processes whose code has a loop that nothing leaves.
    pub endless: BTreeSet<String>,
    /// What the kernel does otherwise than the book.
    pub deviations: Vec<Deviation>,
    /// What must be done once: by which process, what, and whether it must be done at all.
    pub once: Vec<Once>,
    /// What must be heard and printed again when all that went wrong is over.
    pub again: Vec<Again>,
    /// The processes that run scripts, which nothing starts again.
    pub scripts: BTreeSet<String>,
    /// The processes whose code is of Kinode before 1.0.
    pub old_worlds: BTreeSet<String>,
    /// The package, if it is one file whose own files nobody has.
    pub lone: Option<String>,
}

/// What must come about once more when all that went wrong is over, if it does in the calm run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Again {
    /// Over a WebSocket that is opened again comes this.
    Hears {
        /// What the WebSocket is called.
        socket: String,
        /// Where it is opened.
        path: String,
        /// What is somewhere in what comes over it.
        text: String,
    },
    /// A process prints this while it handles what is asked again.
    Prints {
        /// On which node.
        node: String,
        /// Its id.
        process: String,
        /// What is somewhere in what it prints.
        text: String,
    },
}

/// An effect that a process has at most once for each time that it has it when nothing goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Once {
    /// The process's id.
    pub process: String,
    /// What it prints or sends; each `*` stands for any text.
    pub what: String,
    /// Whether it must not be missing either.
    pub exactly: bool,
}

impl Terms {
    /// The note for what a deviating kernel breaks: the deviations that are known to break this rule, or all.
    fn kernels_doing(&self, violation: &Violation) -> Note {
        let rule = violation.claim.rule.id();
        Note::KernelBreaks(rule.to_string(), named(&self.suspects(rule)))
    }

    /// The deviations that may break a rule: those of which it is known, or else all.
    pub fn suspects(&self, rule: &str) -> Vec<Deviation> {
        let breaks = |deviation: &Deviation| deviation.breaks().iter().any(|broken| broken.id() == rule);
        let known: Vec<Deviation> = self.deviations.iter().copied().filter(breaks).collect();
        if known.is_empty() { self.deviations.clone() } else { known }
    }
}

/// The ids of deviations, as a note has them.
pub fn named(deviations: &[Deviation]) -> String {
    deviations.iter().map(|deviation| deviation.name()).collect::<Vec<_>>().join(", ")
}

/// Whether no package can make up for a deviation: what a runtime acknowledges and then loses, it cannot have kept.
pub fn is_beyond_packages(deviation: Deviation) -> bool {
    deviation == Deviation::WritesAreNotSynced
}

/// Judges a run of which all events were kept: its verdict is then what counts against the package. Each panic is in it
/// once by its place, though the invariant stops at the first; `PANICS_MAX` different ones are enough. What does not
/// count is given back, with why. What a deviating kernel breaks of the contract is a note.
pub fn judge(run: &mut Run, terms: &Terms) -> BTreeSet<Note> {
    if let (Verdict::Limit(_), Some(spins)) = (&run.verdict, spins(run, &terms.endless)) {
        run.verdict = Verdict::Violated(vec![spins]);
    }
    let mut open = BTreeSet::new();
    let mut broken: Vec<Violation> = Vec::new();
    let gaps = Gaps::of(run, terms);
    open.extend(gaps.told.iter().cloned());
    let found = match &run.verdict {
        Verdict::Violated(found) => found.as_slice(),
        Verdict::Held | Verdict::Limit(_) => &[],
    };
    let panics = run.trace.events().filter_map(|(index, event)| {
        let facts = NoPanic::facts(event, &run.names)?;
        Some(Violation { claim: NoPanic::CLAIM, facts, at: Some(*index), began: None })
    });
    let others = found.iter().filter(|violation| violation.claim != NoPanic::CLAIM).cloned();
    let (mut counted, mut not_counted) = (BTreeSet::new(), BTreeSet::new());
    let is_new = |known: &mut BTreeSet<(Claim, String)>, violation: &Violation| {
        let is_told = violation.claim != NoPanic::CLAIM || known.len() < PANICS_MAX;
        is_told && known.insert(key(violation))
    };
    for violation in panics.chain(others) {
        let is_kernels = !PACKAGE_RULES.contains(&violation.claim.rule.id());
        match gaps.behind(&violation, run) {
            _ if is_kernels && !terms.deviations.is_empty() => _ = open.insert(terms.kernels_doing(&violation)),
            Some(gap) if is_new(&mut not_counted, &violation) => {
                open.insert(Note::NotCounted(Box::new(gap.clone()), violation.facts));
            }
            None if is_new(&mut counted, &violation) => broken.push(violation),
            Some(_) | None => {}
        }
    }
    broken.sort_by_key(|violation| violation.at.map_or(u64::MAX, |at| at.0));
    for (_, event) in run.trace.events() {
        if let What::Exited(life, _, words) = &event.what
            && let PanicCause::Bound(bound) = words.made_by
        {
            open.insert(Note::AtBound(run.names.process_text(life.process).to_string(), bound));
        }
    }
    if matches!(run.verdict, Verdict::Violated(_)) || !broken.is_empty() {
        run.verdict = if broken.is_empty() { Verdict::Held } else { Verdict::Violated(broken) };
    }
    open
}

/// What of these violations counts; and, for each that may come of a gap of this world, a note that says so.
pub(super) fn what_counts(found: Vec<Violation>, run: &Run, terms: &Terms) -> (Vec<Violation>, Vec<Note>) {
    if found.is_empty() {
        return (found, vec![]);
    }
    let gaps = Gaps::of(run, terms);
    let (mut counts, mut open) = (Vec::new(), Vec::new());
    for violation in found {
        match gaps.behind(&violation, run) {
            Some(gap) => open.push(Note::NotCounted(Box::new(gap.clone()), violation.facts)),
            None => counts.push(violation),
        }
    }
    (counts, open)
}

/// Who was computing when the run reached its bound, if that would never have ended.
fn spins(run: &Run, endless: &BTreeSet<String>) -> Option<Violation> {
    let all: Vec<&(Cause, Event)> = run.trace.events().collect();
    let mut events = all.into_iter().rev();
    let (at, event) = events.next()?;
    let What::Spun(life, quantum) = &event.what else { return None };
    let process = run.names.process_text(life.process);
    let turns =
        1 + events.take_while(|(_, event)| matches!(event.what, What::Spun(other, _) if other == *life)).count();
    let millis = quantum.0 * turns as u64 / 1_000_000;
    let facts = format!(
        "{process} computed for some {millis} ms of a node's processor without a call when the run was stopped, and \
         its code has a loop that nothing leaves"
    );
    endless.contains(process).then_some(Violation { claim: SPINS, facts, at: Some(*at), began: None })
}

/// The rule that computing ends.
const SPINS: Claim = Claim::own("spins", "no process computes on and on without a call");

/// What makes two violations one failure: the rule, and the place.
pub fn key(violation: &Violation) -> (Claim, String) {
    (violation.claim, place(&violation.facts))
}

/// What of some facts tells one failure from another. Of a panic: who panicked, and `file:line:column`, or if there is
/// none, its last line. Of all else, the facts. But for numbers, so that the third message and the fifth are one.
pub fn place(facts: &str) -> String {
    let Some((who, words)) = facts.split_once(" panicked: ") else { return without_numbers(facts) };
    // What was logged before the panic stands before its message.
    let message = words.rfind("panicked at ").map(|at| &words[at + "panicked at ".len()..]);
    match message.and_then(location) {
        Some(location) => format!("{who} {location}"),
        None => format!("{who} {}", without_numbers(words.lines().last().unwrap_or_default())),
    }
}

/// The `file:line:column` in the first line of a panic message, as Rust writes it: before the message today, behind it
/// and quoted before 1.73.
fn location(message: &str) -> Option<&str> {
    let line = message.lines().next()?;
    let is_location = |word: &&str| {
        let mut parts = word.rsplitn(3, ':');
        let number =
            |part: Option<&str>| part.is_some_and(|part| !part.is_empty() && part.bytes().all(|c| c.is_ascii_digit()));
        number(parts.next()) && number(parts.next()) && parts.next().is_some_and(|file| !file.is_empty())
    };
    let words = line.split_whitespace().map(|word| word.trim_end_matches([':', ',']));
    if line.starts_with(['\'', '"']) { words.rev().find(is_location) } else { words.clone().find(is_location) }
}

/// Facts without their numbers.
fn without_numbers(facts: &str) -> String {
    let mut plain = String::new();
    for c in facts.chars() {
        if !c.is_ascii_digit() {
            plain.push(c);
        } else if !plain.ends_with('0') {
            plain.push('0');
        }
    }
    plain
}

/// Which lives have met a gap of this world, since when, and which gap.
#[derive(Default)]
struct Gaps {
    lives: BTreeMap<(NodeId, Life), (Cause, Note)>,
    /// Modules that were asked for something that they do not have, or have no room for.
    modules: BTreeMap<ProcessRef, (Cause, Note)>,
    /// Gaps that are worth knowing whatever came of them.
    told: BTreeSet<Note>,
}

impl Gaps {
    fn of(run: &Run, terms: &Terms) -> Gaps {
        let events: Vec<&(Cause, Event)> = run.trace.events().collect();
        let (alive, calls, known) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        let (inherited, gaps) = (BTreeMap::new(), Gaps::default());
        let asked = BTreeMap::new();
        let mut walk = Walk { run, terms, events: &events, alive, calls, known, inherited, asked, gaps };
        for (index, event) in &events {
            walk.take_in(*index, event);
        }
        walk.gaps
    }

    /// The gap that may have led to a violation, if one may.
    fn behind(&self, violation: &Violation, run: &Run) -> Option<&Note> {
        let seen = violation.at.unwrap_or(Cause(u64::MAX));
        let before = |entry: &&(Cause, Note)| entry.0 <= seen;
        if !PACKAGE_RULES.contains(&violation.claim.rule.id()) {
            return self.modules.values().find(before).map(|(_, gap)| gap);
        }
        let event = violation.at.and_then(|at| run.trace.event(at));
        match event.map(|event| (event.node, &event.what)) {
            Some((node, what)) if what.life().is_some() => {
                let life = what.life().expect("it was just there");
                self.lives.get(&(node, life)).filter(before).map(|(_, gap)| gap)
            }
            Some((_, What::ModuleReceivedError(_, _, request) | What::Sent(request))) => {
                let Address { node, process } = request.target;
                let mut of_process = self.lives.iter().filter(|((on, life), _)| (*on, life.process) == (node, process));
                of_process.find(|(_, entry)| before(entry)).map(|(_, (_, gap))| gap)
            }
            // Seen at the end, or by a visitor: of the process that the facts name, or of any.
            _ => {
                let about = run.processes.iter().find(|(_, process)| violation.facts.starts_with(process.as_str()));
                let is_about = |process| about.is_none_or(|(_, about)| run.names.process_text(process) == about);
                let mut fits = self.lives.iter().filter(|((_, life), _)| is_about(life.process));
                fits.find(|(_, entry)| before(entry)).map(|(_, (_, gap))| gap)
            }
        }
    }
}

/// What has to be remembered on the way through a run.
struct Walk<'a> {
    run: &'a Run,
    terms: &'a Terms,
    events: &'a [&'a (Cause, Event)],
    alive: BTreeMap<(NodeId, ProcessRef), Life>,
    /// Calls of lives that had met a gap.
    calls: BTreeMap<u64, Note>,
    /// Every guest that was ever in a process table.
    known: BTreeSet<ProcessRef>,
    /// Processes whose next lives have met a gap, too: what they read may come from it.
    inherited: BTreeMap<(NodeId, ProcessRef), Note>,
    /// Requests whose refusal is a gap, and which.
    asked: BTreeMap<(NodeId, MessageId), Note>,
    gaps: Gaps,
}

impl Walk<'_> {
    fn take_in(&mut self, index: Cause, event: &Event) {
        let (node, names) = (event.node, &self.run.names);
        match &event.what {
            What::Started(life) => {
                self.alive.insert((node, life.process), *life);
                if let Some(gap) = self.inherited.get(&(node, life.process)) {
                    self.gaps.lives.insert((node, *life), (index, gap.clone()));
                }
            }
            What::Durable(change) => {
                if let Change::Put(id, _) = &**change {
                    self.known.insert(*id);
                }
            }
            What::Unmodelled(module, text) => {
                let gap = Note::Unmodelled(names.process_text(*module).to_string(), text.to_string());
                self.gaps.modules.entry(*module).or_insert((index, gap.clone()));
                let asker = self.events.get(event.cause.0 as usize).and_then(|(_, event)| event.what.life());
                if let Some(asker) = asker {
                    self.meets(index, node, asker.process, gap);
                }
            }
            What::Called(life, ..) => {
                if let Some((_, gap)) = self.gaps.lives.get(&(node, *life)) {
                    self.calls.insert(index.0, gap.clone());
                }
            }
            What::Exited(life, _, words) => {
                if let PanicCause::Bound(bound) = words.made_by {
                    let gap = Note::AtBound(names.process_text(life.process).to_string(), bound);
                    self.gaps.lives.entry((node, *life)).or_insert((index, gap));
                }
            }
            What::SavesState(life, _) => self.saves(node, *life),
            What::Sent(message) => self.sent(index, node, message),
            What::Received(life, message, _) => {
                if let Some(gap) = self.calls.get(&message.cause.0).cloned() {
                    self.meets(index, node, life.process, gap);
                }
            }
            What::Dropped(message, DropReason::NotRunning) => {
                let (source, target) = (message.source.process, message.target.process);
                let is_missing = is_absent(names.process_id(target)) && !self.known.contains(&target);
                if is_missing && message.expects_response().is_some() && !source.is_module() {
                    let gap = Note::Elsewhere(names.process_text(target).to_string(), start(message.body()));
                    self.meets(index, node, source, gap);
                }
            }
            _ => {}
        }
    }

    /// A module's answer may tell of a gap; what a life writes to a store may come from one.
    fn sent(&mut self, index: Cause, node: NodeId, message: &Message) {
        let (source, target) = (message.source.process, message.target.process);
        let target_text = || self.run.names.process_text(target).to_string();
        if message.is_request() && target.is_module() && !source.is_module() {
            if let Some(gap) = self.is_gap_if_refused(message) {
                self.asked.insert((node, message.id), gap);
            }
        } else if source.is_module()
            && let Some(gap) = self.asked.remove(&(node, message.id))
            && is_refusal(message.body(), &gap)
        {
            self.gaps.told.insert(gap.clone());
            self.meets(index, node, target, gap);
        }
        match source {
            ProcessRef::ETH if **message.body() == *NO_CHAIN => {
                let gap = Note::NoChain(target_text());
                self.meets(index, node, target, gap);
            }
            ProcessRef::HTTP_CLIENT if String::from_utf8_lossy(message.body()).contains(NO_PAGE) => {
                let gap = Note::NoPage(target_text(), start(message.body()));
                self.meets(index, node, target, gap);
            }
            ProcessRef::SQLITE => {
                if let Some(error) = stricter(message.body()) {
                    let gap = Note::Stricter(target_text(), error.to_string());
                    self.meets(index, node, target, gap);
                }
            }
            _ if matches!(target, ProcessRef::VFS | ProcessRef::KV | ProcessRef::SQLITE) => {
                if let Some(life) = self.alive.get(&(node, source)).copied() {
                    self.saves(node, life);
                }
            }
            _ => {}
        }
    }

    /// What a request shows that this world lacks, if a module refuses it: a file of a package of which only the code is
    /// here, or a message of a time before 1.0.
    fn is_gap_if_refused(&self, message: &Message) -> Option<Note> {
        let names = &self.run.names;
        let process = names.process_text(message.source.process);
        if message.target.process == ProcessRef::VFS
            && let Some(package) = &self.terms.lone
            && process.strip_suffix(package.as_str()).is_some_and(|name| name.ends_with(':'))
        {
            let ask: serde_json::Value = serde_json::from_slice(message.body()).unwrap_or_default();
            let path = ask["path"].as_str().unwrap_or_default().trim_start_matches('/');
            if path.starts_with(&format!("{package}/pkg")) {
                return Some(Note::NoFolder(process.to_string(), format!("/{path}")));
            }
        }
        let is_old = self.terms.old_worlds.contains(process);
        let module = || names.process_text(message.target.process).to_string();
        is_old.then(|| Note::OldMessage(process.to_string(), module(), start(message.body())))
    }

    fn meets(&mut self, index: Cause, node: NodeId, process: ProcessRef, gap: Note) {
        if let Some(life) = self.alive.get(&(node, process)) {
            self.gaps.lives.entry((node, *life)).or_insert((index, gap));
        }
    }

    fn saves(&mut self, node: NodeId, life: Life) {
        if let Some((_, gap)) = self.gaps.lives.get(&(node, life)) {
            self.inherited.entry((node, life.process)).or_insert_with(|| gap.clone());
        }
    }
}

/// Whether an answer says that a module cannot do what it was asked, for the reason that the gap is about.
fn is_refusal(body: &[u8], gap: &Note) -> bool {
    let text = String::from_utf8_lossy(body);
    match gap {
        Note::OldMessage(..) => {
            ["MalformedRequest", "BadRequest", "InputError"].iter().any(|error| text.contains(error))
        }
        _ => text.contains("Err"),
    }
}

/// What `eth` answers where there is no provider of a chain.
pub(super) const NO_CHAIN: &[u8] = br#"{"Err":"NoRpcForChain"}"#;
/// What the error of `http-client` says where a workload has no page.
const NO_PAGE: &str = "the scenario has no such";

/// The error of `sqlite` that a public runtime would not give, if the answer is one.
pub(super) fn stricter(body: &[u8]) -> Option<&'static str> {
    ["NoReadCap", "NoWriteCap"].into_iter().find(|error| *body == *format!(r#"{{"Err":"{error}"}}"#).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn a_panic_is_known_by_its_place_whatever_was_logged_before_and_whatever_it_says() {
        let facts = |words: &str| place(&format!("a:b:c.os panicked: {words}"));
        let one = facts("thread '<unnamed>' panicked at src/lib.rs:42:9:\ncalled `unwrap` on 17");
        assert_eq!(one, "a:b:c.os src/lib.rs:42:9");
        assert_eq!(facts("3 rows read\nthread '<unnamed>' panicked at src/lib.rs:42:9:\ncalled `unwrap` on 18"), one);
        assert_eq!(facts("panicked at src/lib.rs:1:1:\nearlier\npanicked at src/lib.rs:42:9:\nx"), one);
        assert_eq!(facts("thread 'main' panicked at 'a/b.rs:7:8 is odd', src/lib.rs:42:9"), one);
        assert_ne!(facts("panicked at src/lib.rs:97:9:\ncalled `unwrap` on 17"), one);
        assert_ne!(place("b:b:c.os panicked: panicked at src/lib.rs:42:9:\nx"), one, "another process");
        assert_eq!(facts("read 3 rows\nunreachable"), facts("read 4 rows\nunreachable"), "no place: its last line");
        assert_ne!(facts("no row 3"), facts("no file 3"));
        assert_eq!(place("a answered 3, and later 2"), place("a answered 30, and later 29"));
    }
}
