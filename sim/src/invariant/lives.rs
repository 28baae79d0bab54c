//! Which process of which node lives, what is durable of it, and how it ended: folded from the trace.
//!
//! It keeps facts and what follows from the rules E2, E5, E8 alone; it judges nothing.

use crate::invariant::message::same;
use crate::trace::event::{Event, What};
use folding::{on_answered, on_booted, on_down, on_durable, on_exited, on_restored, on_sent, on_started};
use kernel_core::command::Command;
use kernel_core::{
    CallKind, Capabilities, Cause, Change, DropReason, How, Instant, Message, Names, NodeId, OnExit, OnExitKind,
    ProcessRef, Record,
};
use std::rc::Rc;

mod folding;

/// An exit that ends a process: from the exit until the id is initialized anew.
#[derive(Clone, Debug)]
pub struct Fate {
    /// How it exited.
    pub how: How,
    /// The on-exit value in force then (E8); at a boot, the one on disk.
    pub on_exit: OnExit,
    /// When.
    pub at: Instant,
    /// The exit itself.
    pub cause: Cause,
    /// Whether the on-exit value is beyond doubt: a refused write may leave disk and memory at odds.
    pub certain: bool,
    /// Whether it was killed, first or afterwards (E5).
    pub killed: bool,
    /// Whether the kill was answered (K2).
    pub answered: bool,
    /// Its row is gone from the disk: the exit has taken effect (E2).
    pub effective: Option<Cause>,
    /// How many on-exit requests were sent.
    pub n_fired: usize,
    /// What it held by its row.
    pub held: Capabilities,
}

impl Fate {
    /// Whether it is beyond doubt that it is one of this cell of the exit matrix.
    pub fn is(&self, how: How, column: OnExitKind) -> bool {
        self.certain && self.how == how && self.on_exit.kind() == column
    }
}

/// A process that exited by itself and is to be restarted.
#[derive(Clone, Copy, Debug)]
pub struct Restarting {
    /// How it exited.
    pub how: How,
    /// When.
    pub at: Instant,
    /// The exit itself.
    pub cause: Cause,
    /// Whether its on-exit value is beyond doubt.
    pub certain: bool,
}

/// The last call of a life.
#[derive(Clone, Copy, Debug)]
pub struct LastCall {
    /// Which.
    pub kind: CallKind,
    /// The event.
    pub cause: Cause,
    /// When.
    pub at: Instant,
    /// It receives, and nothing has come yet.
    pub waits: bool,
}

/// Whether a message to a process finds it (E11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It lives, or is a runtime module.
    There,
    /// It is initialized, and not yet run: it should be there.
    Waiting,
    /// It is not there: never initialized, ending, gone, or backing off.
    Nobody,
}

/// One process id on one node.
#[derive(Clone, Debug, Default)]
pub struct Process {
    /// Its durable row.
    row: Option<Rc<Change>>,
    /// A row that was taken off the disk though nothing had ended the process.
    lost: Option<Rc<Change>>,
    /// It has lived, or its initialization was answered. Until then its initialization may be refused, and a row that
    /// another write brought along is removed again (P2).
    is_known: bool,
    /// Its life, by number.
    pub life: Option<u32>,
    /// The event that started its latest life.
    pub started: Cause,
    /// When.
    pub started_at: Instant,
    /// Since when it has been ready for its first life: initialized, or booted.
    pub ready: Cause,
    /// How many lives it has had since.
    pub n_lives: u32,
    /// How it ended, if it has.
    pub fate: Option<Fate>,
    /// It exited and is to come back.
    pub restarting: Option<Restarting>,
    /// It is to be started by the present boot, or the next.
    pub due: bool,
    /// Its latest call.
    pub last_call: Option<LastCall>,
    /// Killed while nothing of it was known, and not answered: a row that appears now must be removed again.
    kill_waits: bool,
    /// An on-exit value that was asked for and is not durable.
    on_exit_pending: Option<OnExit>,
    on_exit_doubtful: bool,
}

impl Process {
    /// Its row on disk.
    pub fn row(&self) -> Option<&Record> {
        record(&self.row)
    }

    /// Whether it was there beyond doubt before it ended, and not only a row of it, which a write that was refused has left.
    pub fn was_there(&self) -> bool {
        self.is_known || self.fate.as_ref().is_some_and(|fate| fate.certain)
    }

    /// Whether it ends when its row is taken off the disk. A row that is lost though nothing ended its process, or that an
    /// initialize has left which was refused, takes nothing with it.
    pub fn ends_with_its_row(&self) -> bool {
        self.fate.as_ref().is_some_and(|fate| fate.effective.is_none()) && self.was_there()
    }

    /// Whether it has a row, or should have.
    pub fn is_on_record(&self) -> bool {
        self.rightful_row().is_some()
    }

    /// Its row as it should be on disk.
    fn rightful_row(&self) -> Option<&Record> {
        record(&self.row).or(record(&self.lost))
    }

    /// Whether the value of its row is the one in force: none is on its way, or may have come to the disk by a write that
    /// was refused.
    pub fn on_exit_is_certain(&self) -> bool {
        self.on_exit_pending.is_none() && !self.on_exit_doubtful
    }

    /// No kill waits for a row of it any more.
    fn kill_has_waited(&mut self) {
        if std::mem::take(&mut self.kill_waits) {
            self.was_not_refused();
        }
    }

    /// What was refused was no initialize of it: there is doubt only of an on-exit value that is asked for.
    fn was_not_refused(&mut self) {
        self.on_exit_doubtful &= self.on_exit_pending.is_some();
    }

    fn ends(&mut self, how: How, at: Instant, cause: Cause) {
        let on_exit = self.rightful_row().map(|row| row.on_exit.clone());
        let held = self.rightful_row().map(|row| row.capabilities.clone()).unwrap_or_default();
        self.restarting = None;
        self.due = false;
        self.fate = Some(Fate {
            how,
            at,
            cause,
            certain: on_exit.is_some() && !self.on_exit_doubtful,
            on_exit: on_exit.unwrap_or_default(),
            killed: how == How::Kill,
            answered: false,
            effective: None,
            n_fired: 0,
            held,
        });
    }
}

fn record(change: &Option<Rc<Change>>) -> Option<&Record> {
    match change.as_deref() {
        Some(Change::Put(_, record)) => Some(record),
        Some(Change::Remove(_)) | None => None,
    }
}

/// An `InitializeProcess` that has not been answered.
#[derive(Clone, Debug)]
pub struct Initializing {
    /// The command.
    pub message: Rc<Message>,
    /// What it asks for.
    pub command: Rc<Command>,
    /// Whose.
    pub process: ProcessRef,
    /// When it was given.
    pub at: Instant,
}

/// One node.
#[derive(Clone, Debug, Default)]
pub struct Node {
    /// Whether it is up.
    pub up: bool,
    /// How often it has booted.
    pub n_boots: u32,
    /// When it last did.
    pub booted_at: Instant,
    /// When a row was last taken off its disk.
    pub removed_at: Instant,
    /// The latest event on it.
    pub last: Cause,
    /// Commands that are to be answered `InitializedProcess`, or with the error.
    pub initializing: Vec<Initializing>,
    /// Processes that called `spawn` in this boot and have no answer; the dead among them may still get a child.
    pub spawning: Vec<ProcessRef>,
    processes: Vec<Process>,
    /// Its processes as they were at each of its backups.
    cuts: Vec<Vec<Process>>,
}

impl Node {
    /// Its processes that ever were, by number.
    pub fn processes(&self) -> impl Iterator<Item = (ProcessRef, &Process)> {
        self.processes.iter().enumerate().map(|(index, process)| (ProcessRef(index as u32), process))
    }

    /// Whether a process is being initialized by this one.
    pub fn makes(&self, id: ProcessRef) -> bool {
        self.spawning.contains(&id) || self.initializing.iter().any(|asked| asked.message.source.process == id)
    }

    /// Whether this process may be being initialized.
    pub fn is_making(&self, id: ProcessRef) -> bool {
        !self.spawning.is_empty() || self.n_initializing(id) > 0
    }

    /// How many commands to initialize this process are under way.
    pub fn n_initializing(&self, id: ProcessRef) -> usize {
        self.initializing.iter().filter(|asked| asked.process == id).count()
    }

    fn process(&mut self, id: ProcessRef) -> &mut Process {
        entry(&mut self.processes, id.0)
    }
}

/// All nodes.
#[derive(Clone, Debug, Default)]
pub struct Lives(Vec<Node>);

/// The place of this number in a table that grows as needed.
pub(crate) fn entry<T: Default>(table: &mut Vec<T>, index: u32) -> &mut T {
    let index = index as usize;
    if table.len() <= index {
        table.resize_with(index + 1, T::default);
    }
    &mut table[index]
}

impl Lives {
    /// All nodes that were heard of.
    pub fn nodes(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.0.iter().enumerate().map(|(index, node)| (NodeId(index as u32), node))
    }

    /// A node, if it was heard of.
    pub fn node(&self, node: NodeId) -> Option<&Node> {
        self.0.get(node.0 as usize)
    }

    /// A process, if it was heard of.
    pub fn process(&self, node: NodeId, id: ProcessRef) -> Option<&Process> {
        self.node(node)?.processes.get(id.0 as usize)
    }

    /// How a process ended, if it has.
    pub fn fate(&self, node: NodeId, id: ProcessRef) -> Option<&Fate> {
        self.process(node, id)?.fate.as_ref()
    }

    /// The number of its life; a runtime module lives as long as its node.
    pub fn life(&self, node: NodeId, id: ProcessRef) -> Option<u32> {
        if id.is_module() { Some(self.node(node)?.n_boots) } else { self.process(node, id)?.life }
    }

    /// Whether a message to it finds it.
    pub fn presence(&self, node: NodeId, id: ProcessRef) -> Presence {
        if id.is_module() {
            return Presence::There;
        }
        let Some(process) = self.process(node, id) else { return Presence::Nobody };
        match (process.life, &process.fate) {
            (_, Some(_)) => Presence::Nobody,
            (Some(_), None) => Presence::There,
            (None, None) if process.row.is_some() && process.n_lives == 0 => Presence::Waiting,
            (None, None) => Presence::Nobody,
        }
    }

    /// Takes in what a command that is carried out means.
    pub(crate) fn on_command(&mut self, node: NodeId, index: Cause, event: &Event, of: (&Rc<Message>, &Rc<Command>)) {
        let node = entry(&mut self.0, node.0);
        let (message, command) = of;
        match &**command {
            Command::Kill(id) if !id.is_module() => {
                let is_making = node.is_making(*id);
                let process = node.process(*id);
                match &mut process.fate {
                    Some(fate) if fate.effective.is_none() => fate.killed = true,
                    None if process.row.is_some() || process.life.is_some() || process.lost.is_some() => {
                        process.ends(How::Kill, event.at, index);
                        // Its initialize may have been refused, and not be answered yet: then it never was (P2).
                        if let Some(fate) = process.fate.as_mut().filter(|_| is_making && !process.is_known) {
                            fate.certain = false;
                        }
                    }
                    Some(_) | None => process.kill_waits = true,
                }
            }
            Command::Initialize(init) => {
                let process = init.id;
                // Of two at once for one id the second is refused, and a kill that waits for the first waits on.
                if !node.initializing.iter().any(|asked| asked.process == process) {
                    node.process(process).kill_has_waited();
                }
                let (message, command) = (message.clone(), command.clone());
                node.initializing.push(Initializing { message, command, process, at: event.at });
            }
            Command::SetOnExit(id, value) => node.process(*id).on_exit_pending = Some(value.clone()),
            Command::Kill(_)
            | Command::Run(_)
            | Command::Grant(..)
            | Command::Drop(..)
            | Command::Shutdown
            | Command::Booted
            | Command::Debug(_) => {}
        }
    }

    /// Takes in an event.
    pub(crate) fn on_event(&mut self, index: Cause, event: &Event, names: &Names) {
        let node = entry(&mut self.0, event.node.0);
        node.last = index;
        match &event.what {
            What::Called(life, kind, _) => {
                let waits = matches!(kind, CallKind::Receive | CallKind::SendAndAwaitResponse);
                node.process(life.process).last_call =
                    Some(LastCall { kind: *kind, cause: index, at: event.at, waits });
                if *kind == CallKind::Spawn {
                    node.spawning.push(life.process);
                }
            }
            What::Received(life, _, _) | What::ReceivedError(life, ..) => {
                if let Some(call) = &mut node.process(life.process).last_call {
                    call.waits = false;
                }
            }
            What::Sent(message) => on_sent(node, message),
            What::Started(life) => on_started(node.process(life.process), *life, index, event.at),
            What::Exited(life, exit, _) => on_exited(node.process(life.process), *exit, index, event.at),
            What::Killed(life) => {
                let process = node.process(life.process);
                process.life = None;
                if process.fate.is_none() {
                    process.ends(How::Kill, event.at, index);
                }
            }
            What::Lost(life) => node.process(life.process).life = None,
            What::Spawned(life, result) => {
                if let Ok(child) = result {
                    node.process(*child).is_known = true;
                }
                if let Some(place) = node.spawning.iter().position(|process| *process == life.process) {
                    node.spawning.swap_remove(place);
                }
            }
            What::SetsOnExit(life, value) => {
                node.process(life.process).on_exit_pending = Some((**value).clone());
            }
            What::WriteRefused => {
                for (index, process) in node.processes.iter_mut().enumerate() {
                    // One that is being initialized may have been refused: a row of it is then another write's.
                    let is_new = process.row.is_none() && process.life.is_none();
                    let is_made = |asked: &Initializing| asked.process == ProcessRef(index as u32);
                    let may_be_refused = is_new && node.initializing.iter().any(is_made);
                    process.on_exit_doubtful |=
                        process.on_exit_pending.is_some() || process.kill_waits || may_be_refused;
                }
            }
            What::Durable(change) => on_durable(node, change, index, event.at),
            What::CommandAnswered(message, answer) => on_answered(node, message, answer, names),
            What::Down(_) | What::Failed(_) => on_down(node),
            What::BackedUp(_) => node.cuts.push(node.processes.clone()),
            What::Restored(nth) => on_restored(node, *nth),
            What::Booted(_) => on_booted(node, index, event.at),
            What::Printed(..)
            | What::SavesState(..)
            | What::SavesCapabilities(..)
            | What::DropsCapabilities(..)
            | What::Spawns(..)
            | What::Returned(..)
            | What::Learned(..)
            | What::InvalidCode(_)
            | What::ReadState(..)
            | What::Spun(..)
            | What::Command(..)
            | What::ModuleReceived(..)
            | What::ModuleReceivedError(..)
            | What::Dropped(..)
            | What::NetworkLost(_)
            | What::NetworkOffline(_)
            | What::Arrived(_)
            | What::Unmodelled(..)
            | What::IoRefused(..)
            | What::StoreChecked(..)
            | What::Rotted(..)
            | What::Visited(_)
            | What::Shown(_)
            | What::News(_)
            | What::StateDurable(..)
            | What::ClockJumped(_)
            | What::Script(_)
            | What::Lifted => {}
        }
    }
}

/// Whether one message answers the other.
pub(crate) fn answers(answer: &Message, request: &Message) -> bool {
    answer.id == request.id && answer.target == request.reply_to()
}

/// A command that was made and may yet be dropped: what it means is taken in with the next event.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    pub index: Cause,
    pub event: Event,
}

impl Given {
    /// Whether this event says that nothing came of it.
    pub fn is_dropped_by(&self, event: &Event) -> bool {
        match (&self.event.what, &event.what) {
            // By the book a kill is never in vain: one that found nobody is to be obeyed all the same (K5, E5).
            (What::Command(_, command), What::Dropped(_, DropReason::NotRunning))
                if matches!(**command, Command::Kill(_)) =>
            {
                false
            }
            (What::Command(message, _), What::Dropped(dropped, _)) => same(message, dropped),
            (_, _) => false,
        }
    }
}
