//! What runs have tried: each command in each state of its target, each call in each state of its caller.

use crate::trace::event::{Event, What};
use kernel_core::command::{Command, CommandAnswer, Debug as Question};
use kernel_core::{CallKind, Change, Exit, MessageId, NodeId, OnExitKind, ProcessRef};
use serde_json::Value;

/// The commands that are about a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Order {
    /// `InitializeProcess`.
    Initialize,
    /// `RunProcess`.
    Run,
    /// `KillProcess`.
    Kill,
    /// `GrantCapabilities`.
    Grant,
    /// `DropCapabilities`.
    Drop,
    /// `SetOnExit`.
    SetOnExit,
    /// `Debug` of one process.
    Debug,
}

/// What the target of a command is doing when it is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// Nobody of that id has been there.
    #[default]
    Unknown,
    /// Its initialize is under way: code is compiled, or its row written.
    Initializing,
    /// In the table and not run yet.
    Initialized,
    /// Between two calls.
    Running,
    /// Waiting in `receive`.
    Receiving,
    /// Waiting in `send-and-await-response`.
    Awaiting,
    /// Waiting for the disk: for its state, its on-exit value or a child.
    Disk,
    /// Waiting out a back-off.
    BackingOff,
    /// Its end is not durable yet.
    Ending,
    /// Gone.
    Dead,
    /// A runtime module, or the kernel.
    Module,
    /// The command is for the kernel of another node.
    Elsewhere,
}

/// What a caller received last, in this life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Caller {
    /// Nothing.
    #[default]
    Fresh,
    /// A request that wants an answer.
    Asked,
    /// A request that wants none.
    Told,
    /// A response.
    Answered,
    /// The error of a request of its own.
    Failed,
}

impl Order {
    /// All of them.
    pub const ALL: [Order; 7] =
        [Order::Initialize, Order::Run, Order::Kill, Order::Grant, Order::Drop, Order::SetOnExit, Order::Debug];

    /// Its name in a table.
    pub fn name(self) -> &'static str {
        match self {
            Order::Initialize => "InitializeProcess",
            Order::Run => "RunProcess",
            Order::Kill => "KillProcess",
            Order::Grant => "GrantCapabilities",
            Order::Drop => "DropCapabilities",
            Order::SetOnExit => "SetOnExit",
            Order::Debug => "Debug",
        }
    }

    fn of(command: &Command) -> Option<(Order, ProcessRef)> {
        match command {
            Command::Initialize(init) => Some((Order::Initialize, init.id)),
            Command::Run(id) => Some((Order::Run, *id)),
            Command::Kill(id) => Some((Order::Kill, *id)),
            Command::Grant(id, _) => Some((Order::Grant, *id)),
            Command::Drop(id, _) => Some((Order::Drop, *id)),
            Command::SetOnExit(id, _) => Some((Order::SetOnExit, *id)),
            Command::Debug(Question::Process(id)) => Some((Order::Debug, *id)),
            Command::Debug(_) | Command::Shutdown | Command::Booted => None,
        }
    }
}

impl Order {
    /// The command that a message is, of which only its body is at hand.
    fn of_body(body: &[u8]) -> Option<Order> {
        let body: Value = serde_json::from_slice(body).ok()?;
        let (name, details) = body.as_object()?.iter().next()?;
        let order = Order::ALL.into_iter().find(|order| order.name() == name)?;
        (order != Order::Debug || details.get("Process").is_some()).then_some(order)
    }
}

impl Target {
    /// All of them.
    pub const ALL: [Target; 12] = [
        Target::Unknown,
        Target::Initializing,
        Target::Initialized,
        Target::Running,
        Target::Receiving,
        Target::Awaiting,
        Target::Disk,
        Target::BackingOff,
        Target::Ending,
        Target::Dead,
        Target::Module,
        Target::Elsewhere,
    ];

    /// Its name in a table.
    pub fn name(self) -> &'static str {
        match self {
            Target::Unknown => "no such",
            Target::Initializing => "initializing",
            Target::Initialized => "initialized",
            Target::Running => "running",
            Target::Receiving => "receiving",
            Target::Awaiting => "awaiting",
            Target::Disk => "at the disk",
            Target::BackingOff => "backing off",
            Target::Ending => "ending",
            Target::Dead => "dead",
            Target::Module => "module",
            Target::Elsewhere => "other node",
        }
    }
}

impl Caller {
    /// All of them.
    pub const ALL: [Caller; 5] = [Caller::Fresh, Caller::Asked, Caller::Told, Caller::Answered, Caller::Failed];

    /// Its name in a table.
    pub fn name(self) -> &'static str {
        match self {
            Caller::Fresh => "nothing yet",
            Caller::Asked => "a question",
            Caller::Told => "a request",
            Caller::Answered => "an answer",
            Caller::Failed => "an error",
        }
    }
}

/// What one run, or many, have tried.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reach {
    commands: [[u64; Target::ALL.len()]; Order::ALL.len()],
    calls: [[u64; Caller::ALL.len()]; CallKind::ALL.len()],
    /// What is known of each process of each node, while the run goes on.
    processes: Vec<Vec<Known>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Known {
    is: Target,
    caller: Caller,
    on_exit: Option<OnExitKind>,
    /// The initialize that is under way, and what the process was before.
    initialize: Option<(MessageId, Target)>,
}

impl Reach {
    /// All counts, commands before calls.
    #[cfg(feature = "cli")]
    pub(super) fn counts(&mut self) -> impl Iterator<Item = &mut u64> {
        self.commands.iter_mut().flatten().chain(self.calls.iter_mut().flatten())
    }

    /// How often a command was sent to a target in a state.
    pub fn command(&self, order: Order, target: Target) -> u64 {
        self.commands[order as usize][target as usize]
    }

    /// How often a call was made by a caller in a state.
    pub fn call(&self, call: CallKind, caller: Caller) -> u64 {
        self.calls[call as usize][caller as usize]
    }

    /// Adds what another run has tried.
    pub fn add(&mut self, other: &Reach) {
        let commands = self.commands.iter_mut().flatten().zip(other.commands.iter().flatten());
        let calls = self.calls.iter_mut().flatten().zip(other.calls.iter().flatten());
        commands.chain(calls).for_each(|(mine, theirs)| *mine += theirs);
    }

    /// Takes in an event of a run.
    pub fn on_event(&mut self, event: &Event) {
        let node = event.node;
        match &event.what {
            // It is no command of this kernel.
            What::Sent(message)
                if message.target.node != node
                    && message.target.process == ProcessRef::KERNEL
                    && message.is_request() =>
            {
                if let Some(order) = Order::of_body(message.body()) {
                    self.commands[order as usize][Target::Elsewhere as usize] += 1;
                }
            }
            What::Command(message, command) => {
                let Some((order, id)) = Order::of(command) else { return };
                let target = if id.is_module() { Target::Module } else { self.known(node, id).is };
                self.commands[order as usize][target as usize] += 1;
                if !id.is_module() {
                    self.begin(node, order, id, message.id, message.source.process);
                }
            }
            What::Dropped(message, _) => self.undo(node, message.id),
            What::CommandAnswered(message, answer) => {
                if matches!(**answer, CommandAnswer::InitializeProcessError) {
                    self.undo(node, message.id);
                }
            }
            What::Durable(change) => match &**change {
                Change::Put(id, record) => {
                    let known = self.known(node, *id);
                    known.on_exit = Some(record.on_exit.kind());
                    known.initialize = None;
                    if matches!(known.is, Target::Unknown | Target::Initializing | Target::Dead) {
                        known.is = Target::Initialized;
                    }
                }
                Change::Remove(id) => *self.known(node, *id) = Known { is: Target::Dead, ..Known::default() },
            },
            What::Started(life) => {
                let known = self.known(node, life.process);
                (known.is, known.caller) = (Target::Running, Caller::Fresh);
            }
            What::Called(life, call, _) => {
                let known = self.known(node, life.process);
                if let Some(is) = waits(*call) {
                    known.is = is;
                }
                let caller = known.caller;
                self.calls[*call as usize][caller as usize] += 1;
            }
            What::Received(life, message, _) => {
                let known = self.known(node, life.process);
                let awaited = known.is == Target::Awaiting;
                known.is = Target::Running;
                known.caller = match (message.is_request(), message.expects_response().is_some()) {
                    // What is awaited is no prompt.
                    _ if awaited => known.caller,
                    (true, true) => Caller::Asked,
                    (true, false) => Caller::Told,
                    (false, _) => Caller::Answered,
                };
            }
            What::ReceivedError(life, ..) => {
                let known = self.known(node, life.process);
                if known.is != Target::Awaiting {
                    known.caller = Caller::Failed;
                }
                known.is = Target::Running;
            }
            What::Returned(life, _) | What::ReadState(life, _) | What::Spawned(life, _) => {
                self.known(node, life.process).is = Target::Running;
            }
            What::Exited(life, Exit::Returned | Exit::Panicked, _) => {
                let known = self.known(node, life.process);
                let again = known.on_exit == Some(OnExitKind::Restart);
                known.is = if again { Target::BackingOff } else { Target::Ending };
            }
            What::Killed(life) => self.known(node, life.process).is = Target::Ending,
            What::Down(_) => {
                if let Some(processes) = self.processes.get_mut(node.0 as usize) {
                    processes.iter_mut().for_each(|known| known.initialize = None);
                }
            }
            What::Lost(life) => self.known(node, life.process).is = Target::Initialized,
            _ => {}
        }
    }

    /// A command begins to change what its target is doing. Those of the owner, who may, do so at once.
    fn begin(&mut self, node: NodeId, order: Order, id: ProcessRef, message: MessageId, by: ProcessRef) {
        let known = self.known(node, id);
        match (order, known.is) {
            (Order::Initialize, Target::Unknown | Target::Dead) => {
                known.initialize = Some((message, known.is));
                known.is = Target::Initializing;
            }
            (Order::Kill, Target::Initialized | Target::BackingOff) if by == ProcessRef::TERMINAL => {
                known.is = Target::Ending;
            }
            _ => {}
        }
    }

    /// The initialize of this number came to nothing.
    fn undo(&mut self, node: NodeId, message: MessageId) {
        let Some(processes) = self.processes.get_mut(node.0 as usize) else { return };
        for known in processes.iter_mut() {
            if let Some((_, was)) = known.initialize.filter(|(number, _)| *number == message) {
                (known.is, known.initialize) = (was, None);
            }
        }
    }

    fn known(&mut self, node: NodeId, process: ProcessRef) -> &mut Known {
        let (node, process) = (node.0 as usize, process.0 as usize);
        if self.processes.len() <= node {
            self.processes.resize_with(node + 1, Vec::new);
        }
        let processes = &mut self.processes[node];
        if processes.len() <= process {
            processes.resize(process + 1, Known::default());
        }
        &mut processes[process]
    }
}

/// What a process waits for that makes this call, if it waits.
fn waits(call: CallKind) -> Option<Target> {
    match call {
        CallKind::Receive => Some(Target::Receiving),
        CallKind::SendAndAwaitResponse => Some(Target::Awaiting),
        CallKind::SetOnExit | CallKind::GetState | CallKind::SetState | CallKind::ClearState | CallKind::Spawn => {
            Some(Target::Disk)
        }
        _ => None,
    }
}
