//! What runs have reached: the cells of the exit matrix, with what was at stake.

pub mod reach;

use crate::trace::coverage::reach::Reach;
use crate::trace::event::{Event, What};
use crate::trace::probe::Probes;
use kernel_core::{Change, Exit, How, Message, NodeId, OnExitKind, ProcessRef};

/// What an exit can affect: a message under way (in the mailbox, or a request of its own not yet answered), a
/// capability that its owner cannot simply give again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stake {
    /// Neither.
    Nothing,
    /// A message.
    Message,
    /// A capability.
    Capability,
    /// Both.
    Both,
}

/// One cell of the exit matrix, and how often runs reached it, by what was at stake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cell([u64; 4]);

impl Stake {
    /// All four.
    pub const ALL: [Stake; 4] = [Stake::Nothing, Stake::Message, Stake::Capability, Stake::Both];

    /// In a word or two: the exit is …
    pub fn name(self) -> &'static str {
        match self {
            Stake::Nothing => "at rest",
            Stake::Message => "in flight",
            Stake::Capability => "capable",
            Stake::Both => "both",
        }
    }
}

impl Cell {
    /// Exits with this at stake, and nothing else.
    pub fn of(self, stake: Stake) -> u64 {
        self.0[stake as usize]
    }

    /// Exits.
    pub fn exits(self) -> u64 {
        self.0.iter().sum()
    }

    /// Those with a message under way.
    pub fn in_flight(self) -> u64 {
        self.of(Stake::Message) + self.of(Stake::Both)
    }

    /// Those of a process that held a capability.
    pub fn capable(self) -> u64 {
        self.of(Stake::Capability) + self.of(Stake::Both)
    }
}

/// What one run, or many, have reached.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Coverage {
    cells: [[Cell; 3]; 4],
    /// What was seen that should be seen sometimes.
    pub probes: Probes,
    /// Which commands and calls were tried, and when.
    pub reach: Reach,
    /// What is known of each process of each node, while the run goes on.
    processes: Vec<Vec<Known>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Known {
    on_exit: Option<OnExitKind>,
    capabilities: usize,
    mailbox: u32,
    outstanding: u32,
}

/// The columns of the exit matrix, in order.
pub const COLUMNS: [OnExitKind; 3] = [OnExitKind::None, OnExitKind::Restart, OnExitKind::Requests];

impl Coverage {
    /// How often a cell was reached.
    pub fn cell(&self, how: How, on_exit: OnExitKind) -> Cell {
        self.cells[how as usize][on_exit as usize]
    }

    /// How many of the twelve cells were reached.
    pub fn reached(&self) -> usize {
        self.cells.iter().flatten().filter(|cell| cell.exits() > 0).count()
    }

    /// Adds what another run has reached.
    pub fn add(&mut self, other: &Coverage) {
        for (mine, theirs) in self.cells.iter_mut().flatten().zip(other.cells.iter().flatten()) {
            mine.0.iter_mut().zip(theirs.0).for_each(|(mine, theirs)| *mine += theirs);
        }
        self.probes.add(&other.probes);
        self.reach.add(&other.reach);
    }

    /// All counts, in an order that stays: for files that another process adds up.
    #[cfg(feature = "cli")]
    pub(crate) fn counts(&mut self) -> impl Iterator<Item = &mut u64> {
        let cells = self.cells.iter_mut().flatten().flat_map(|cell| cell.0.iter_mut());
        cells.chain(self.probes.counts()).chain(self.reach.counts())
    }

    /// Takes in an event of a run.
    pub fn on_event(&mut self, event: &Event) {
        self.probes.on_event(event);
        self.reach.on_event(event);
        let node = event.node;
        match &event.what {
            What::Durable(change) => match &**change {
                Change::Put(id, record) => {
                    let known = self.known(node, *id);
                    known.on_exit = Some(record.on_exit.kind());
                    let terminal = |issuer: ProcessRef| issuer == ProcessRef::TERMINAL;
                    known.capabilities = record.capabilities.iter().filter(|c| !terminal(c.issuer.process)).count();
                }
                Change::Remove(id) => *self.known(node, *id) = Known::default(),
            },
            What::Sent(message) => {
                if message.expects_response().is_some() && !message.source.process.is_module() {
                    self.known(node, message.source.process).outstanding += 1;
                }
                self.under_way(node, message, 1);
            }
            What::Arrived(message) => self.under_way(node, message, 1),
            What::Dropped(message, _) => self.under_way(node, message, -1),
            What::Received(life, message, _) => {
                let known = self.known(node, life.process);
                known.mailbox = known.mailbox.saturating_sub(1);
                if !message.is_request() {
                    known.outstanding = known.outstanding.saturating_sub(1);
                }
            }
            What::ReceivedError(life, ..) => {
                let known = self.known(node, life.process);
                known.outstanding = known.outstanding.saturating_sub(1);
            }
            What::Exited(life, Exit::Returned, _) => self.exit(node, life.process, How::Return),
            What::Exited(life, Exit::Panicked, _) => self.exit(node, life.process, How::Panic),
            What::Killed(life) => self.exit(node, life.process, How::Kill),
            What::Lost(life) => self.exit(node, life.process, How::Down),
            What::Booted(_)
            | What::Down(_)
            | What::Failed(_)
            | What::Started(_)
            | What::Called(..)
            | What::Printed(..)
            | What::SetsOnExit(..)
            | What::SavesState(..)
            | What::SavesCapabilities(..)
            | What::DropsCapabilities(..)
            | What::Spawns(..)
            | What::Returned(..)
            | What::Learned(..)
            | What::InvalidCode(_)
            | What::ReadState(..)
            | What::Spawned(..)
            | What::Spun(..)
            | What::Command(..)
            | What::CommandAnswered(..)
            | What::ModuleReceived(..)
            | What::ModuleReceivedError(..)
            | What::NetworkLost(_)
            | What::NetworkOffline(_)
            | What::Unmodelled(..)
            | What::Visited(_)
            | What::Shown(_)
            | What::News(_)
            | What::StateDurable(..)
            | What::WriteRefused
            | What::IoRefused(..)
            | What::ClockJumped(_)
            | What::StoreChecked(..)
            | What::Rotted(..)
            | What::BackedUp(_)
            | What::Restored(_)
            | What::Script(_)
            | What::Lifted => {}
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

    /// A message for a process of this node is on its way to it, or no longer.
    fn under_way(&mut self, node: NodeId, message: &Message, change: i32) {
        let target = message.target;
        if target.node == node && !target.process.is_module() {
            let known = self.known(node, target.process);
            known.mailbox = known.mailbox.saturating_add_signed(change);
        }
    }

    fn exit(&mut self, node: NodeId, process: ProcessRef, how: How) {
        let known = self.known(node, process);
        let was = *known;
        known.mailbox = 0;
        known.outstanding = 0;
        if let Some(on_exit) = was.on_exit {
            let cell = &mut self.cells[how as usize][on_exit as usize];
            let stake = match (was.mailbox + was.outstanding > 0, was.capabilities > 0) {
                (false, false) => Stake::Nothing,
                (true, false) => Stake::Message,
                (false, true) => Stake::Capability,
                (true, true) => Stake::Both,
            };
            cell.0[stake as usize] += 1;
        }
    }
}
