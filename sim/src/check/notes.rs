//! What a run shows of a package's processes: what each did, and what its author may want to know though no rule says
//! that it is wrong.

use super::QUANTUM_TIME;
use super::judge::{NO_CHAIN, stricter};
use crate::guest::Usage;
use crate::guest::wasm::Limits;
use crate::modules::absent::is_absent;
use crate::package::{self, Content, Package, shortened};
use crate::scenario::Scenario;
use crate::trace::event::{Event, Life, What};
use crate::trace::life_text;
use crate::world::{Run, Verdict};
use kernel_core::{
    Address, CallKind, Cause, Change, DropReason, Duration, Exit, Instant, Message, MessageId, Names, NodeId,
    OnExitKind, ProcessId, ProcessRef, SendErrorKind,
};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// How many of the first lines that a process printed are shown.
const PRINTS_SHOWN: usize = 5;

/// So many requests within a second to a provider that is out of order are told.
const FLOOD: usize = 5;
const SECOND: Duration = Duration::from_secs(1);

/// What a process did in a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    /// Lives.
    pub lives: u32,
    /// Its on-exit value, as it was last on the disk.
    pub on_exit: Option<OnExitKind>,
    /// Whether its row is gone from the disk: it has ended.
    pub gone: bool,
    /// Calls of the process world, by name.
    pub calls: BTreeMap<&'static str, u64>,
    /// Requests that it sent.
    pub requests: u64,
    /// Messages that it received.
    pub received: u64,
    /// Requests among those from outside of its package.
    pub asked: u64,
    /// Bytes that it saved last; `None`: it saved nothing.
    pub state: Option<usize>,
    /// What it printed first.
    pub prints: Vec<String>,
    /// Whether it was waiting for messages when the run ended.
    pub receives: bool,
    /// The last words of its last panic.
    pub panicked: Option<String>,
    /// What it used of the host.
    pub usage: Usage,
}

/// What each process did in a run of which all events were kept, by name: its id, and its node's if there are several.
pub fn activity(run: &Run) -> BTreeMap<String, Activity> {
    let mut all: BTreeMap<(NodeId, ProcessRef), Activity> = BTreeMap::new();
    for (_, event) in run.trace.events() {
        match &event.what {
            What::Durable(change) => {
                let (id, on_exit) = match &**change {
                    Change::Put(id, record) => (*id, Some(record.on_exit.kind())),
                    Change::Remove(id) => (*id, None),
                };
                if !id.is_module() {
                    let activity = all.entry((event.node, id)).or_default();
                    activity.on_exit = on_exit.or(activity.on_exit);
                    activity.gone = on_exit.is_none();
                }
            }
            What::Sent(message) if message.is_request() && !message.source.process.is_module() => {
                all.entry((event.node, message.source.process)).or_default().requests += 1;
            }
            What::Received(life, message, _) => {
                let package =
                    |process| (run.names.process_id(process).package, run.names.process_id(process).publisher);
                let outside =
                    message.source.node != event.node || package(message.source.process) != package(life.process);
                let activity = all.entry((event.node, life.process)).or_default();
                activity.received += 1;
                activity.asked += u64::from(message.is_request() && outside);
            }
            what => {
                if let Some(life) = what.life() {
                    all.entry((event.node, life.process)).or_default().take_in(what);
                }
            }
        }
    }
    for (who, usage) in &run.usage {
        all.entry(*who).or_default().usage = *usage;
    }
    let alone = all.keys().all(|(node, _)| *node == NodeId(0));
    let name = |node, process| {
        if alone {
            run.names.process_text(process).to_string()
        } else {
            run.names.address_text(Address { node, process })
        }
    };
    all.into_iter().map(|((node, process), activity)| (name(node, process), activity)).collect()
}

impl Activity {
    fn take_in(&mut self, what: &What) {
        match what {
            What::Started(_) => self.lives += 1,
            What::Called(_, call, _) => {
                *self.calls.entry(call.name()).or_default() += 1;
                self.receives = *call == CallKind::Receive;
            }
            What::SavesState(_, bytes) => self.state = bytes.as_ref().map(|bytes| bytes.len()),
            What::Printed(_, _, text) if self.prints.len() < PRINTS_SHOWN => self.prints.push(text.to_string()),
            What::Exited(_, exit, words) => {
                self.receives = false;
                if *exit == Exit::Panicked {
                    self.panicked = Some(words.text.trim().to_string());
                }
            }
            _ => {}
        }
    }
}

/// Something worth knowing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Note {
    /// The simulator does not have what was asked for: no verdict can be given. Module, and the start of the body.
    Unmodelled(String, String),
    /// A process of userspace was asked that every node of the public runtime has, and this one has not, as a node has not
    /// that comes without it (E11): which, the start of the body.
    Elsewhere(String, String),
    /// `sqlite` refused a process for want of a right that the public runtime does not ask for: the process, the error.
    Stricter(String, String),
    /// A process of a lone file asked `vfs` for a file of its package: which, the path.
    NoFolder(String, String),
    /// A process of Kinode before 1.0 sent a module what that understood then, and was refused: which, to which module, the
    /// start of the body.
    OldMessage(String, String, String),
    /// A process asked `eth` for a chain that is not there: the process.
    NoChain(String),
    /// A run reached a bound of the simulator: which, and who kept it busiest.
    Bound(String, String),
    /// A message went nowhere since its target was not there: source, target.
    NobodyThere(String, String),
    /// A message went nowhere for want of a capability: source, target.
    NotAllowed(String, String),
    /// A request was not answered in time: source, target, the start of the body.
    Unanswered(String, String, String),
    /// A request had no answer yet when the run ended: source, target, the start of the body.
    Unsettled(String, String, String),
    /// A process answers, and then saves: what it answered may be lost.
    AnswersFirst(String),
    /// A line of the workload never happened: the line.
    NeverHappened(String),
    /// An `[[expect]]` of the workload says nothing of what must hold: of which process.
    ExpectsNothing(String),
    /// A process sends requests to another that never exists: which, to which.
    NoSuchProcess(String, String),
    /// A process is not there after a crash, since its on-exit is None: which.
    GoneAfterCrash(String),
    /// A process is alive and lacks what it holds at the end of the calm run: which, what.
    NotSetUpAgain(String, String),
    /// A process does something more often than in the calm run: which, what, how often there, how often at most.
    DoneAgain(String, String, u64, u64),
    /// Requests of the owner were never answered, since the life that had them ended: of whom, how many in a run at most.
    NeverAnswered(String, u64),
    /// What a process has saved changes at every start, though nobody asked: which, how.
    ChangesAtStart(String, String),
    /// A deviating kernel breaks a rule of the contract on the way: which rule, by which deviations.
    KernelBreaks(String, String),
    /// What metadata.json calls the package is no name that a node accepts: what it says, and what it is checked as.
    IllegalName(String, String),
    /// A process computed for a while without a call: the process, how much fuel, and about how many milliseconds that
    /// takes on a node.
    Computes(String, u64, u64),
    /// `http-client` was asked for a page that no workload has: the process, the error.
    NoPage(String, String),
    /// A process asked for more than this simulator gives, and panicked: the process, the bound.
    AtBound(String, &'static str),
    /// Something broke, and is not counted, since a gap of this world may have led to it: the gap, the facts.
    NotCounted(Box<Note>, String),
    /// A lone file has no manifest that says so: this on-exit is assumed, and that is what it rests on: the process.
    AssumedOnExit(String, &'static str),
    /// A process asked the provider of a chain that is out of order again and again: which, how often in a second at most.
    FloodsProvider(String, u64),
    /// Messages of the owner were lost with a mailbox when a life ended: of whom, how many in a run at most.
    LostWithMailbox(String, u64),
    /// More different things broke than are told: how many, at least.
    NotTold(u64),
    /// An entry of a process's capability lists that the installer leaves out: process, list, entry.
    LeftOut(String, &'static str, String),
}

impl Note {
    /// Whether it leaves open how the package would have fared.
    pub fn is_open(&self) -> bool {
        matches!(
            self,
            Note::Unmodelled(..)
                | Note::Stricter(..)
                | Note::NoFolder(..)
                | Note::OldMessage(..)
                | Note::AtBound(..)
                | Note::NotCounted(..)
                | Note::Bound(..)
        )
    }

    /// Whether it tells that a run did not come to the end that it would have had.
    pub fn hides_the_end(&self) -> bool {
        matches!(self, Note::AtBound(..) | Note::NotCounted(..))
    }

    /// Whether it belongs beside the verdict, and not among what is worth knowing.
    pub fn is_headline(&self) -> bool {
        matches!(
            self,
            Note::NeverHappened(_)
                | Note::ExpectsNothing(_)
                | Note::NoSuchProcess(..)
                | Note::GoneAfterCrash(_)
                | Note::IllegalName(..)
                | Note::NotTold(_)
        )
    }

    /// A word for it, for programs.
    pub fn kind(&self) -> &'static str {
        match self {
            Note::Unmodelled(..) => "not-modelled",
            Note::Elsewhere(..) => "elsewhere",
            Note::Stricter(..) => "stricter",
            Note::NoFolder(..) => "no-folder",
            Note::OldMessage(..) => "old-message",
            Note::AssumedOnExit(..) => "assumed-on-exit",
            Note::FloodsProvider(..) => "floods-provider",
            Note::LostWithMailbox(..) => "lost-with-mailbox",
            Note::NoChain(..) => "no-chain",
            Note::Bound(..) => "bound",
            Note::NobodyThere(..) => "nobody-there",
            Note::NotAllowed(..) => "not-allowed",
            Note::Unanswered(..) => "unanswered",
            Note::Unsettled(..) => "unsettled",
            Note::AnswersFirst(_) => "answers-before-saving",
            Note::NeverHappened(_) => "never-happened",
            Note::ExpectsNothing(_) => "expects-nothing",
            Note::NoSuchProcess(..) => "no-such-process",
            Note::GoneAfterCrash(_) => "gone-after-crash",
            Note::NotSetUpAgain(..) => "not-set-up-again",
            Note::DoneAgain(..) => "done-again",
            Note::NeverAnswered(..) => "never-answered",
            Note::ChangesAtStart(..) => "changes-at-start",
            Note::KernelBreaks(..) => "kernel-breaks",
            Note::IllegalName(..) => "illegal-name",
            Note::Computes(..) => "computes",
            Note::NoPage(..) => "no-page",
            Note::AtBound(..) => "at-bound",
            Note::NotCounted(..) => "not-counted",
            Note::NotTold(_) => "not-told",
            Note::LeftOut(..) => "left-out",
        }
    }
}

impl std::fmt::Display for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Note::Unmodelled(module, body) => {
                write!(f, "{module} was sent what this simulator does not have: {body}")
            }
            Note::Elsewhere(process, body) => {
                let fix = "a `[[stub]]` of the workload can answer";
                write!(f, "{process} was not there, as it is on a real node, to be asked {body}; {fix}")
            }
            Note::Stricter(process, error) => {
                let says =
                    "which the public runtime does not ask for (its sqlite looks rights up and does not heed them)";
                write!(f, "sqlite:distro:sys refused {process} with {error}, for want of a right {says}")
            }
            Note::NoFolder(process, path) => write!(
                f,
                "{process} asked vfs:distro:sys for {path}, a file of its package, and this is a lone file: check the folder"
            ),
            Note::OldMessage(process, module, body) => write!(
                f,
                "{process} is of Kinode before 1.0, and {module} was sent what this simulator does not have, a message of \
                 that time: {body}"
            ),
            Note::AssumedOnExit(process, "None") => write!(
                f,
                "{process} returns before anybody asks it anything, as a script does: on-exit None is assumed; \
                 `--on-exit restart` checks it as a service"
            ),
            Note::AssumedOnExit(process, on_exit) => write!(
                f,
                "on-exit {on_exit} is assumed of {process}, as a lone file has no manifest: `--on-exit none` or \
                 `--on-exit restart` gives it"
            ),
            Note::FloodsProvider(process, times) => write!(
                f,
                "{process} asked eth:distro:sys {times} times within a second while the provider was out of order: wait \
                 before asking again"
            ),
            Note::LostWithMailbox(process, n) => {
                let messages = if *n == 1 { "1 message".to_string() } else { format!("{n} messages") };
                write!(
                    f,
                    "{messages} of the owner to {process} lost with its mailbox, as the life ended that had not received them"
                )
            }
            Note::NoChain(process) => {
                let fix = "the `[chain]` of a workload makes one";
                write!(f, "{process} asked eth:distro:sys for a chain, and this node has no provider of it; {fix}")
            }
            Note::Bound(bound, who) => write!(f, "a run was stopped at a bound, {bound}; busiest was {who}"),
            Note::NobodyThere(source, target) => {
                write!(f, "a message from {source} was dropped: {target} was not there")
            }
            Note::NotAllowed(source, target) => {
                write!(
                    f,
                    "a message from {source} to {target} was dropped: it lacks the capability; see \
                     `request_capabilities` of the one, `grant_capabilities` of the other and, between nodes, \
                     `request_networking`"
                )
            }
            Note::Unanswered(source, target, body) => {
                write!(f, "{source} was not answered by {target} in time: {body}")
            }
            Note::Unsettled(source, target, body) => {
                write!(f, "{source} still waited for {target} when the run ended: {body}")
            }
            Note::AnswersFirst(process) => {
                write!(f, "{process} answers before it saves: a crash between the two loses what was answered")
            }
            Note::NeverHappened(line) => write!(f, "a line of the workload never happened: {line}"),
            Note::ExpectsNothing(process) => {
                write!(
                    f,
                    "`[[expect]]` of {process} expects nothing: give it `alive`, `prints` or `never_forgets`, say"
                )
            }
            Note::NoSuchProcess(source, target) => {
                write!(f, "{source} sends requests to {target}, and no process of that name ever exists")
            }
            Note::GoneAfterCrash(process) => {
                write!(f, "{process} is not there after a crash: its on-exit is None, so nothing starts it again")
            }
            Note::NotSetUpAgain(process, what) => {
                write!(f, "{process} has not set up {what} again after a restart, though it is alive")
            }
            Note::DoneAgain(process, what, calm, most) => {
                let form = "if that must not be, say so with `at_most_once` in an `[[expect]]`";
                write!(f, "{process} {what} {most} times in a run, and {calm} when nothing goes wrong; {form}")
            }
            Note::NeverAnswered(process, n) => {
                let requests = if *n == 1 { "1 request".to_string() } else { format!("{n} requests") };
                write!(f, "{requests} of the owner to {process} never answered, since the life that had them ended")
            }
            Note::ChangesAtStart(process, how) => {
                write!(f, "what {process} has saved changes with every restart, though nobody asked: {how}")
            }
            Note::KernelBreaks(rule, deviations) => {
                write!(f, "the kernel breaks {rule} by itself, which does not count against the package: {deviations}")
            }
            Note::IllegalName(says, id) => write!(
                f,
                "metadata.json says `{says}`, which no node accepts: `package_name` has a-z 0-9 and -, `publisher` a . \
                 as well, and both are there; it is checked as {id}"
            ),
            Note::Computes(process, fuel, millis) => {
                let fuel = *fuel / 1_000_000;
                write!(
                    f,
                    "{process} computed for {fuel} million fuel without a call: about {millis} ms of a node's processor"
                )
            }
            Note::NoPage(process, error) => {
                write!(f, "{process} asked the web for a page that no `[[web]]` of the workload has: {error}")
            }
            Note::AtBound(process, bound) => {
                write!(f, "{process} panicked after it asked for more than {bound}; a node may have more")
            }
            Note::NotCounted(gap, facts) => write!(f, "{gap}; after that, which does not count: {facts}"),
            Note::NotTold(n) => write!(f, "at least {n} more different things broke, which are not told"),
            Note::LeftOut(process, list, entry) => write!(
                f,
                "the manifest's `{list}` of {process} has {entry}, which is left out: it is neither a process id nor an \
                 object with a process id as `process` and with `params`"
            ),
        }
    }
}

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
