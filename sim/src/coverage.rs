//! What runs have reached: the cells of the exit matrix, with what was at stake.

use crate::event::{Event, What};
use kernel_core::{Change, Exit, Message, NodeId, OnExitKind, ProcessRef};

/// The four ways to exit: the rows of the exit matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// `init` returned.
    Return,
    /// The guest panicked.
    Panic,
    /// The kernel killed it.
    Kill,
    /// Its node went down.
    Down,
}

/// One cell of the exit matrix, and how often runs came to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// Exits.
    pub exits: u64,
    /// Those with a message under way: in the mailbox, or a request of its own not yet answered.
    pub in_flight: u64,
    /// Those of a process that held a capability that is not its owner's.
    pub capable: u64,
}

/// What one run, or many, have reached.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Coverage {
    cells: [[Cell; 3]; 4],
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

impl How {
    /// All four, in the order of the matrix.
    pub const ALL: [How; 4] = [How::Return, How::Panic, How::Kill, How::Down];

    /// The row's name in rule ids.
    pub fn name(self) -> &'static str {
        match self {
            How::Return => "return",
            How::Panic => "panic",
            How::Kill => "kill",
            How::Down => "down",
        }
    }
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
        self.cells.iter().flatten().filter(|cell| cell.exits > 0).count()
    }

    /// Adds what another run has reached.
    pub fn add(&mut self, other: &Coverage) {
        for (mine, theirs) in self.cells.iter_mut().flatten().zip(other.cells.iter().flatten()) {
            mine.exits += theirs.exits;
            mine.in_flight += theirs.in_flight;
            mine.capable += theirs.capable;
        }
    }

    /// Takes in an event of a run.
    pub fn on_event(&mut self, event: &Event) {
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
            cell.exits += 1;
            cell.in_flight += u64::from(was.mailbox + was.outstanding > 0);
            cell.capable += u64::from(was.capabilities > 0);
        }
    }
}
