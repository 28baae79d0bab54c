//! One node: what there is of it while it is up, and what stays while it is down.

use crate::disk::{Disk, Files, Path};
use crate::disk::{state, table};
use crate::guest::{Guest, Reply, Turn, Usage};
use crate::modules::setup::Setup;
use crate::modules::{self, Module};
use crate::plan::chooser::{Chooser, Stream};
use crate::plan::fault;
use crate::plan::site::SubjectRef;
use crate::world::operator::Operator;
use kernel_core::{
    Address, Bytes, Call, CallKind, Cause, Change, Instant, Kernel, LifeId, Message, Names, NodeId, ProcessRef,
    StateOp, Ticket, WriteId,
};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

thread_local! {
    /// What a node's disk is at first: with an empty table, and no saved state.
    static FORMATTED: Disk = {
        let mut disk = Disk::default();
        for op in table::format().iter().chain(&state::format()) {
            disk.apply(op).expect("an empty disk can be formatted");
        }
        disk.sync_all();
        disk
    };
}

/// A node of the world.
pub(crate) struct Node {
    pub id: NodeId,
    /// While the node is up.
    pub up: Option<Up>,
    pub disk: Disk,
    /// How often it has booted.
    pub boots: u32,
    /// How many lives each process has had here, by process.
    pub lives: Vec<u32>,
    pub operator: Operator,
    /// By how many nanoseconds its time of day is off, up or down.
    pub clock_off: i64,
    pub streams: NodeStreams,
    /// What the trace has said is durable: compared with the disk at each boot.
    pub known: Known,
    /// What was written to the table's journal: it need not be parsed again.
    pub written: table::Written,
    /// What was backed up, oldest first.
    pub backups: Vec<Backup>,
    /// At the next boot the disk is swapped for its latest backup.
    pub to_restore: bool,
}

/// A node's disk as it was at an instant.
#[derive(Clone)]
pub(crate) struct Backup {
    pub files: Rc<Files>,
    /// What the trace had said is durable.
    pub known: Known,
}

/// The questions that are asked about a node.
#[derive(Clone)]
pub(crate) struct NodeStreams {
    pub kill: Stream<fault::Kill>,
    pub crash: Stream<fault::Crash>,
    pub write: Stream<fault::Write>,
    pub io: Stream<fault::Io>,
    pub disk_cost: Stream<fault::DiskCost>,
    pub unsynced: Stream<fault::Unsynced>,
    pub rot: Stream<fault::Rot>,
    pub restore: Stream<fault::Restore>,
    pub downtime: Stream<fault::Downtime>,
    pub boot_order: Stream<fault::BootOrder>,
    pub order: Stream<fault::Order>,
    pub provider: Stream<fault::Provider>,
    pub outage: Stream<fault::Outage>,
    pub clock: Stream<fault::Clock>,
}

/// Durable facts, as the trace has them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Known {
    pub rows: table::Rows,
    pub states: BTreeMap<ProcessRef, Bytes>,
}

/// What a node has only while it is up.
pub(crate) struct Up {
    pub kernel: Kernel,
    /// The lives, by process.
    pub guests: Vec<Option<Box<Live>>>,
    /// Lives that the kernel has ended, and that compute on (D25).
    pub orphans: Vec<(ProcessRef, Box<Live>)>,
    pub modules: Vec<Option<Box<dyn Module>>>,
    /// What waits for the disk, in order. The first is under way.
    pub disk_jobs: VecDeque<(Cause, Job)>,
    /// The wake that is in the queue.
    pub armed: Option<Instant>,
    /// What lives that are over used of the host, by process.
    pub used: BTreeMap<ProcessRef, Usage>,
}

/// A life that is under way.
pub(crate) struct Live {
    pub number: u32,
    /// The kernel's name for it.
    pub run: LifeId,
    /// The event that began it, or that it last went on from.
    pub cause: Cause,
    pub guest: Box<dyn Guest>,
    /// Calls that it has made and that have not taken effect.
    pub ahead: VecDeque<Call>,
    /// Why it stopped, to take effect after those; `None` while it waits for an answer.
    pub then: Option<Turn>,
    /// The call that it waits in.
    pub waits_in: Option<CallKind>,
    /// How many quanta it has yet to compute before what comes next.
    pub spins: u32,
    pub trap: Stream<fault::Trap>,
    pub cost: Stream<fault::Cost>,
    pub spin: Stream<fault::Spin>,
}

/// Something that waits for the disk.
#[derive(Clone)]
pub(crate) enum Job {
    /// A write of the process table.
    Table(WriteId, Vec<Change>),
    /// A process's saved state.
    State(ProcessRef, LifeId, StateOp),
    /// A request to a module that uses the disk.
    Module(ProcessRef, Rc<Message>),
    /// Code for `spawn`.
    Load(Ticket, ProcessRef, Path),
}

impl Node {
    /// A node with an empty table, not yet booted.
    pub fn new(id: NodeId, chooser: &Chooser) -> Node {
        let of = SubjectRef::Node(id);
        Node {
            id,
            up: None,
            disk: FORMATTED.with(Disk::clone),
            boots: 0,
            lives: Vec::new(),
            operator: Operator::default(),
            clock_off: 0,
            streams: NodeStreams {
                kill: chooser.open(of),
                crash: chooser.open(of),
                write: chooser.open(of),
                io: chooser.open(of),
                disk_cost: chooser.open(of),
                rot: chooser.open(of),
                restore: chooser.open(of),
                unsynced: chooser.open(of),
                downtime: chooser.open(of),
                boot_order: chooser.open(of),
                order: chooser.open(of),
                provider: chooser.open(of),
                outage: chooser.open(of),
                clock: chooser.open(of),
            },
            known: Known::default(),
            written: table::Written::default(),
            backups: Vec::new(),
            to_restore: false,
        }
    }

    /// The same node, for a world that is forked. Its modules are left out unless they are `wanted`: they die with it
    /// before they are asked. `None`: one of them cannot be cloned.
    pub fn fork(&self, wanted: bool) -> Option<Node> {
        let up = match &self.up {
            Some(up) => Some(up.fork(wanted)?),
            None => None,
        };
        Some(Node {
            id: self.id,
            up,
            disk: self.disk.clone(),
            boots: self.boots,
            lives: self.lives.clone(),
            operator: self.operator.clone(),
            clock_off: self.clock_off,
            streams: self.streams.clone(),
            known: self.known.clone(),
            written: self.written.clone(),
            backups: self.backups.clone(),
            to_restore: self.to_restore,
        })
    }

    /// The number of a process's next life here.
    pub fn next_life(&mut self, process: ProcessRef) -> u32 {
        let index = process.0 as usize;
        if self.lives.len() <= index {
            self.lives.resize(index + 1, 0);
        }
        self.lives[index] += 1;
        self.lives[index]
    }

    /// How many lives a process has had here.
    pub fn lives_of(&self, process: ProcessRef) -> u32 {
        self.lives.get(process.0 as usize).copied().unwrap_or(0)
    }

    /// A process's address.
    pub fn address(&self, process: ProcessRef) -> Address {
        Address { node: self.id, process }
    }
}

impl Up {
    /// A node that has just come up, with these modules besides the public runtime's, or instead of them.
    pub fn new(kernel: Kernel, setup: &Setup, own: Vec<(ProcessRef, Box<dyn Module>)>) -> Up {
        let mut modules: Vec<Option<Box<dyn Module>>> = Vec::new();
        modules.resize_with(ProcessRef::FIRST_GUEST as usize, || None);
        for (id, module) in modules::all(setup).into_iter().chain(own) {
            modules[id.0 as usize] = Some(module);
        }
        Up {
            kernel,
            guests: Vec::new(),
            orphans: Vec::new(),
            modules,
            disk_jobs: VecDeque::new(),
            armed: None,
            used: BTreeMap::new(),
        }
    }

    /// The same, for a world that is forked; see [`Node::fork`].
    fn fork(&self, wanted: bool) -> Option<Up> {
        let module = |module: &Option<Box<dyn Module>>| match module {
            Some(module) if wanted => module.fork().map(Some),
            _ => Some(None),
        };
        Some(Up {
            kernel: self.kernel.clone(),
            guests: self.guests.iter().map(|live| live.as_ref().map(|live| Box::new(live.fork()))).collect(),
            orphans: self.orphans.iter().map(|(process, live)| (*process, Box::new(live.fork()))).collect(),
            modules: self.modules.iter().map(module).collect::<Option<_>>()?,
            disk_jobs: self.disk_jobs.clone(),
            armed: self.armed,
            used: self.used.clone(),
        })
    }

    /// The life of a process, if it has one.
    pub fn guest(&mut self, process: ProcessRef) -> Option<&mut Live> {
        self.guests.get_mut(process.0 as usize)?.as_deref_mut()
    }

    /// This life of a process, whether the kernel knows of it or has ended it (D25).
    pub fn life(&mut self, process: ProcessRef, number: u32) -> Option<&mut Live> {
        let at = self.orphans.iter().position(|(of, live)| (*of, live.number) == (process, number));
        match at {
            Some(at) => Some(&mut self.orphans[at].1),
            None => self.guest(process).filter(|live| live.number == number),
        }
    }

    /// The kernel has ended a life that computes on.
    pub fn orphan(&mut self, process: ProcessRef) {
        if let Some(live) = self.guests.get_mut(process.0 as usize).and_then(Option::take) {
            self.orphans.push((process, live));
        }
    }

    /// Whether the kernel has ended this life.
    pub fn is_orphan(&self, process: ProcessRef, number: u32) -> bool {
        self.orphans.iter().any(|(of, live)| (*of, live.number) == (process, number))
    }

    /// A life that the kernel has ended.
    pub fn orphan_of(&self, run: LifeId) -> Option<(ProcessRef, u32)> {
        let orphan = self.orphans.iter().find(|(_, live)| live.run == run);
        orphan.map(|(process, live)| (*process, live.number))
    }

    /// A life that the kernel has ended computes no more. False: it is none.
    pub fn end_orphan(&mut self, process: ProcessRef, number: u32) -> bool {
        let at = self.orphans.iter().position(|(of, live)| (*of, live.number) == (process, number));
        at.map(|at| self.orphans.remove(at)).is_some()
    }

    /// Puts a life in its place.
    pub fn put_guest(&mut self, process: ProcessRef, live: Live) {
        let index = process.0 as usize;
        if self.guests.len() <= index {
            self.guests.resize_with(index + 1, || None);
        }
        self.guests[index] = Some(Box::new(live));
    }

    /// Ends the life of a process.
    pub fn take_guest(&mut self, process: ProcessRef) -> Option<Box<Live>> {
        let live = self.guests.get_mut(process.0 as usize)?.take()?;
        let used = self.used.entry(process).or_default();
        *used = used.and(live.guest.usage());
        Some(live)
    }

    /// What each process has used of the host since the node came up.
    pub fn usage(&self) -> BTreeMap<ProcessRef, Usage> {
        let mut all = self.used.clone();
        for (process, live) in self.guests.iter().enumerate() {
            if let Some(live) = live {
                let used = all.entry(ProcessRef(process as u32)).or_default();
                *used = used.and(live.guest.usage());
            }
        }
        all
    }
}

impl Live {
    /// The same life, for a world that is forked.
    fn fork(&self) -> Live {
        Live {
            number: self.number,
            run: self.run,
            cause: self.cause,
            guest: self.guest.fork(),
            ahead: self.ahead.clone(),
            then: self.then.clone(),
            waits_in: self.waits_in,
            spins: self.spins,
            trap: self.trap.clone(),
            cost: self.cost.clone(),
            spin: self.spin.clone(),
        }
    }

    /// Runs the guest to where it next needs something. What that has used; of memory, what it has now.
    pub fn resume(&mut self, names: &mut Names, reply: Reply) -> Usage {
        self.waits_in = None;
        let before = self.guest.usage();
        self.then = Some(self.guest.resume(names, reply, &mut self.ahead));
        let after = self.guest.usage();
        let (fuel, copied) = (after.fuel - before.fuel, after.copied - before.copied);
        Usage { fuel, copied, host: after.host - before.host, ..after }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modules::{ModuleContext, Support};
    use kernel_core::{Moment, Semantics};

    /// A module with a file open, say.
    struct Open;

    impl Module for Open {
        fn uses_disk(&self) -> bool {
            true
        }

        fn on_message(&mut self, _message: &Rc<Message>, _cx: &mut ModuleContext<'_>) {}

        fn actions(&self) -> &'static [(&'static str, Support)] {
            &[]
        }
    }

    #[test]
    fn a_node_with_something_open_is_cloned_only_if_that_dies_at_once() {
        let mut names = Names::new();
        let our = names.node("alice.os");
        let mut node = Node::new(our, &Chooser::census());
        let at = Moment { now: Instant(0), cause: Cause(0) };
        let kernel = Kernel::boot(our, Semantics::book(), 0, vec![], &mut names, at, &mut Vec::new());
        let up = node.up.insert(Up::new(kernel, &Setup::default(), vec![]));
        up.modules[ProcessRef::VFS.0 as usize] = Some(Box::new(Open));
        assert!(node.fork(true).is_none());
        let dying = node.fork(false).expect("its modules do not count");
        assert!(dying.up.is_some_and(|up| up.modules.iter().all(Option::is_none)));
    }
}
