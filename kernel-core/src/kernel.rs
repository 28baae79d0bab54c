//! One node's kernel: all the dispatch, none of the details.

use crate::capability::{Capabilities, Capability};
use crate::durable::After;
use crate::effect::{Change, Effect, Record, Ticket, WriteId};
use crate::input::Input;
use crate::message::{Cause, MessageId};
use crate::name::{Names, NodeId, ProcessRef};
use crate::on_exit::OnExit;
use crate::process::{Process, Status};
use crate::process_table::ProcessTable;
use crate::quirks::{Held, Quirks};
use crate::semantics::Semantics;
use crate::start::Loading;
use crate::time::Instant;
use crate::{Address, OnExitKind};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

/// One node's kernel. It is a value: equal histories make equal kernels.
///
/// What it does not do: run guests, keep time, write to a disk or reach another node. It says in [`Effect`]s what
/// it wants of each, and learns in [`Input`]s what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Kernel {
    pub(crate) our: NodeId,
    pub(crate) semantics: Semantics,
    pub(crate) processes: ProcessTable,
    /// What is due when. An entry is removed when what it is for is settled otherwise.
    pub(crate) timers: BTreeSet<(Instant, Timer)>,
    /// Code that is being loaded, and for whom.
    pub(crate) loads: BTreeMap<Ticket, Loading>,
    /// Table writes under way, in their order, and what each is waited for.
    pub(crate) writes: VecDeque<(WriteId, After)>,
    /// On-exit values in rows on their way, of processes of which another value may come to the disk before or after.
    pub(crate) carried: Vec<(WriteId, ProcessRef, OnExit)>,
    pub(crate) quirks: Quirks,
    /// Counts messages, runs, loads and writes, from the base given at boot.
    pub(crate) next_id: u64,
}

/// What a deadline is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// A request of this process has waited long enough ([M1](crate::Rule::M1)).
    Timeout(ProcessRef, MessageId),
    /// This process's back-off is over ([E3](crate::Rule::E3)).
    Restart(ProcessRef),
}

/// When something happens, and because of what.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The instant.
    pub now: Instant,
    /// The trace event that brings it about; messages made now carry it.
    pub cause: Cause,
}

/// What a step works with besides the kernel itself.
pub(crate) struct Context<'a> {
    pub at: Moment,
    pub names: &'a mut Names,
    pub out: &'a mut Vec<Effect>,
}

impl Context<'_> {
    /// Wants something done.
    pub fn emit(&mut self, effect: Effect) {
        self.out.push(effect);
    }
}

impl Kernel {
    /// A kernel that has just come up on node `our`, with the rows of the process table as they are on disk, in the
    /// order in which they are to be started. Rules [X.down](crate::Rule::X), [E4b](crate::Rule::E4b).
    ///
    /// `base` is where ids are counted from: it must be beyond every id of the node's earlier boots ([E10](crate::Rule::E10)).
    pub fn boot(
        our: NodeId,
        semantics: Semantics,
        base: u64,
        rows: Vec<(ProcessRef, Record)>,
        names: &mut Names,
        at: Moment,
        out: &mut Vec<Effect>,
    ) -> Kernel {
        let mut kernel = Kernel {
            our,
            semantics,
            processes: ProcessTable::default(),
            timers: BTreeSet::new(),
            loads: BTreeMap::new(),
            writes: VecDeque::new(),
            carried: Vec::new(),
            quirks: Quirks::default(),
            next_id: base,
        };
        let cx = &mut Context { at, names, out };
        #[cfg(feature = "mutants")]
        if let Some(mutant) = kernel.semantics.mutant() {
            kernel.mutated(mutant, None, rows, cx);
            return kernel;
        }
        kernel.on_boot(rows, cx);
        kernel
    }

    /// Advances by one input: the only way a kernel ever changes. What it wants done is appended to `out`.
    pub fn step(&mut self, names: &mut Names, at: Moment, input: Input, out: &mut Vec<Effect>) {
        let cx = &mut Context { at, names, out };
        #[cfg(feature = "mutants")]
        if let Some(mutant) = self.semantics.mutant() {
            return self.mutated(mutant, Some(input), vec![], cx);
        }
        self.advance(input, cx);
    }

    /// A step, as the semantics have it.
    pub(crate) fn advance(&mut self, input: Input, cx: &mut Context<'_>) {
        let mut next = self.hold_back(input).or_else(|| self.next_held_back());
        while let Some(held) = next {
            let so_far = cx.out.len();
            match held {
                Held::Input(input, _) => self.dispatch(input, cx),
                Held::Message(source, message) => self.route(source, message, cx),
                Held::Quit => self.on_shutdown(cx),
            }
            // A guest that is trapped has ended before anything that was kept back goes on: its exit is the next input.
            let traps = cx.out[so_far..].iter().any(|effect| matches!(effect, Effect::Trap(..)));
            next = if traps { None } else { self.next_held_back() };
        }
    }

    fn dispatch(&mut self, input: Input, cx: &mut Context<'_>) {
        match input {
            Input::Call(process, call) => self.on_call(process, call, cx),
            Input::OrphanCall(run, call) => self.on_orphan_call(run, call, cx),
            Input::Exited { process, exit, last_words } => self.on_exited(process, exit, &last_words, cx),
            Input::ModuleRequest(module, outgoing) => self.on_module_request(module, *outgoing, cx),
            Input::ModuleResponse(module, reply) => self.on_module_response(module, reply, cx),
            Input::Arrived(message) => self.on_arrived(message, cx),
            Input::Undeliverable(message, kind) => self.on_undeliverable(message, kind, cx),
            Input::Loaded(ticket, result) => self.on_loaded(ticket, result, cx),
            Input::Written(write, result) => self.on_written(write, result, cx),
            Input::State(process, run, result) => self.on_state(process, run, result, cx),
            Input::Wake => self.on_wake(cx),
        }
    }

    /// When to call `step` with [`Input::Wake`], if nothing else happens before.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.timers.first().map(|(at, _)| *at).filter(|_| !self.is_stuck())
    }

    /// Everything that is due: timeouts, and restarts that have waited long enough.
    fn on_wake(&mut self, cx: &mut Context<'_>) {
        while let Some(&(at, timer)) = self.timers.first() {
            if at > cx.at.now {
                return;
            }
            self.timers.pop_first();
            match timer {
                Timer::Timeout(process, id) => self.on_timeout(process, id, cx),
                Timer::Restart(process) => self.on_back_off_over(process, cx),
            }
        }
    }

    /// Whether a process of this node holds a capability: what a runtime module asks before it serves.
    pub fn holds(&self, process: ProcessRef, capability: &Capability) -> bool {
        self.processes.get(process).is_some_and(|p| p.capabilities.contains(capability))
    }

    /// What a process holds; nothing if there is no such process.
    pub fn capabilities(&self, process: ProcessRef) -> Capabilities {
        self.processes.get(process).map(|p| p.capabilities.clone()).unwrap_or_default()
    }

    /// The processes that have a life or wait for one, and their on-exit behaviour; runtime modules left out.
    pub fn guests(&self) -> impl Iterator<Item = (ProcessRef, OnExitKind)> {
        let guests = self.processes.iter().filter(|(id, process)| !id.is_module() && !process.is_ending());
        guests.map(|(id, process)| (id, process.on_exit.kind()))
    }

    /// The processes of the table, runtime modules left out: those that end and are not gone, too.
    pub fn processes(&self) -> impl Iterator<Item = ProcessRef> {
        self.processes.iter().map(|(id, _)| id).filter(|id| !id.is_module())
    }

    /// Bytes of all that waits in mailboxes, bodies and blobs: they are not bounded here ([M5](crate::Rule::M5)), the world watches them.
    pub fn mailbox_bytes(&self) -> usize {
        self.processes.iter().map(|(_, process)| process.mailbox_bytes()).sum()
    }

    /// This process's address on this node.
    pub(crate) fn address(&self, process: ProcessRef) -> Address {
        Address { node: self.our, process }
    }

    /// A number never given before on this node.
    pub(crate) fn fresh_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// The row of a process as it belongs on disk: without what is being revoked at this moment ([E12](crate::Rule::E12)), and with an
    /// on-exit value that is on its way there.
    pub(crate) fn record(&self, id: ProcessRef, process: &Process) -> Record {
        let lapsed = |capability: &&Capability| {
            let issuer = self.address(capability.issuer.process);
            self.processes.get(issuer.process).is_some_and(Process::is_ending)
                && self.is_revoked(id, process, capability, issuer)
        };
        Record {
            image: process.image,
            on_exit: process.on_exit_next.as_ref().unwrap_or(&process.on_exit).clone(),
            public: process.public,
            capabilities: process.capabilities.iter().filter(|c| !lapsed(c)).copied().collect(),
        }
    }

    /// The change that brings a process's row up to date; `None` if its row is on its way out or not there.
    pub(crate) fn put(&self, id: ProcessRef) -> Option<Change> {
        let process = self.processes.get(id)?;
        match process.status {
            Status::Ending(_) | Status::Initializing { refused: true, .. } => None,
            Status::Initializing { .. } | Status::Initialized | Status::Running(_) | Status::BackingOff => {
                (!self.is_left_out(process)).then(|| Change::Put(id, Rc::new(self.record(id, process))))
            }
        }
    }

    /// Writes the rows of these processes, and then goes on with `after`.
    pub(crate) fn write(&mut self, mut changes: Vec<Change>, rows: &[ProcessRef], after: After, cx: &mut Context<'_>) {
        self.add_to_write(&mut changes, rows);
        changes.extend(rows.iter().filter_map(|id| self.put(*id)));
        let write = WriteId(self.fresh_id());
        self.writes.push_back((write, after));
        self.note_carried(write, &changes);
        cx.emit(Effect::Write(write, changes));
    }
}
