//! What each process may at most hold: an upper bound on its capabilities, folded from grants, rows and messages.
//!
//! A bound and not the truth, because contents of some calls (`drop-capabilities`, a `spawn`'s grants) are not in the
//! trace. A process that uses a capability outside of the bound was never given it.

use crate::invariant::lives::{Initializing, Lives, Process, answers, entry};
use crate::trace::event::{Event, What};
use kernel_core::command::{Command, CommandAnswer};
use kernel_core::{Address, Capabilities, Capability, Change, Message, NodeId, ParamsRef, ProcessRef};

/// What one process may hold.
#[derive(Clone, Debug, Default)]
struct Held {
    /// At most this.
    bound: Capabilities,
    /// At most this when its last row was taken off the disk.
    at_exit: Capabilities,
    /// What came attached to what its present life received.
    received: Capabilities,
    /// What came so when its issuer had ended, in last words: nobody says that it can be kept, nor that it cannot.
    lapsed: Capabilities,
    /// Taken from it by command: a write under way may still have it.
    taken: Capabilities,
    /// What it holds only because it initializes a process. If that fails, it has no right to message it (C2).
    promised: Capabilities,
    /// Revoked with its issuer, and not given again.
    revoked: Capabilities,
    /// What it may have dropped since it was initialized, though its row still has it.
    dropped: Capabilities,
}

impl Held {
    fn give<'a>(&mut self, list: impl IntoIterator<Item = &'a Capability>) {
        for capability in list {
            self.promised.remove(capability);
            self.bound.insert(*capability);
        }
    }
}

/// What all processes may hold.
#[derive(Clone, Debug, Default)]
pub struct Holdings {
    held: Vec<Vec<Held>>,
    n_losses: u64,
}

impl Holdings {
    /// How often any process has lost anything. While this is unchanged, every bound still stands.
    pub fn n_losses(&self) -> u64 {
        self.n_losses
    }

    /// Whether a process may hold a capability. False: it certainly does not.
    pub fn may_hold(&self, node: NodeId, process: ProcessRef, capability: &Capability) -> bool {
        self.held(node, process).is_some_and(|held| held.bound.contains(capability)) || first(node, process, capability)
    }

    /// All that a process may hold, but for what runtime modules hold from the first boot on.
    pub fn at_most(&self, node: NodeId, process: ProcessRef) -> impl Iterator<Item = &Capability> {
        self.held(node, process).into_iter().flat_map(|held| &held.bound)
    }

    /// Whether a process may attach a capability to a message: it may hold or issues it (C3).
    pub fn may_attach(&self, source: Address, capability: &Capability) -> bool {
        capability.issuer == source || self.may_hold(source.node, source.process, capability)
    }

    /// Whether a process that has exited may have held a capability then.
    pub fn may_have_held(&self, node: NodeId, process: ProcessRef, capability: &Capability) -> bool {
        self.held(node, process).is_some_and(|held| held.at_exit.contains(capability))
            || self.may_hold(node, process, capability)
    }

    /// Whether a process may have held a capability when a write was made that is durable only now.
    pub fn may_be_written(&self, node: NodeId, process: ProcessRef, capability: &Capability) -> bool {
        self.held(node, process).is_some_and(|held| held.taken.contains(capability))
            || self.may_hold(node, process, capability)
    }

    /// Whether this was revoked from it when its issuer ended, and not given to it since (E12).
    pub fn was_revoked(&self, node: NodeId, process: ProcessRef, capability: &Capability) -> bool {
        self.held(node, process).is_some_and(|held| held.revoked.contains(capability))
            && !self.may_be_written(node, process, capability)
    }

    /// Whether it holds root beyond doubt: the owner's terminal does.
    pub fn surely_holds_root(&self, address: Address) -> bool {
        let root = Capability::messaging(Address { node: address.node, process: ProcessRef::KERNEL });
        address.process == ProcessRef::TERMINAL && !self.may_have_dropped(address.node, address.process, &root)
    }

    /// Whether it may have dropped this, though its row still has it, or had.
    pub fn may_have_dropped(&self, node: NodeId, process: ProcessRef, capability: &Capability) -> bool {
        self.held(node, process).is_some_and(|held| held.dropped.contains(capability))
    }

    /// Whether this came attached to what the present life of a process received, and its issuer has not ended since.
    pub fn has_received(&self, node: NodeId, process: ProcessRef, capability: &Capability) -> bool {
        self.held(node, process).is_some_and(|held| held.received.contains(capability))
    }

    fn held(&self, node: NodeId, process: ProcessRef) -> Option<&Held> {
        self.held.get(node.0 as usize)?.get(process.0 as usize)
    }

    fn entry(&mut self, node: NodeId, process: ProcessRef) -> &mut Held {
        entry(entry(&mut self.held, node.0), process.0)
    }

    /// Takes in what a command that is carried out means.
    pub(crate) fn on_command(&mut self, node: NodeId, message: &Message, command: &Command, lives: &Lives) {
        match command {
            Command::Grant(id, list) => self.entry(node, *id).give(list),
            Command::Drop(id, list) => self.on_dropped(node, *id, list, lives),
            Command::Initialize(init) => {
                let messaging = Capability::messaging(Address { node, process: init.id });
                let by = self.entry(node, message.source.process);
                if by.bound.insert(messaging) {
                    by.promised.insert(messaging);
                }
                let there = lives.process(node, init.id).is_some_and(|at| at.row().is_some() || at.life.is_some());
                let asked = lives.node(node).map_or(0, |at| at.n_initializing(init.id));
                if !there && asked == 1 {
                    self.entry(node, init.id).dropped.clear();
                }
            }
            Command::Run(_)
            | Command::Kill(_)
            | Command::SetOnExit(..)
            | Command::Shutdown
            | Command::Booted
            | Command::Debug(_) => {}
        }
    }

    /// C4: what is dropped is not held from then on.
    fn on_dropped(&mut self, node: NodeId, id: ProcessRef, list: &[Capability], lives: &Lives) {
        // From one that ends nothing is taken any more, unless its successor is being initialized.
        let ends = lives.fate(node, id).is_some();
        if ends && !lives.node(node).is_some_and(|node| node.is_making(id)) {
            return;
        }
        self.n_losses += 1;
        let held = self.entry(node, id);
        held.dropped.extend(list);
        if ends || lives.node(node).is_some_and(|node| node.makes(id)) {
            return; // It may have been handed on already.
        }
        for capability in list {
            if held.bound.remove(capability) {
                held.taken.insert(*capability);
            }
        }
    }

    pub(crate) fn on_event(&mut self, event: &Event, lives: &Lives) {
        let node = event.node;
        match &event.what {
            What::Received(life, message, _) if !message.capabilities().is_empty() => {
                let held = self.entry(node, life.process);
                for capability in message.capabilities() {
                    let Address { node: at, process: issuer } = capability.issuer;
                    let ended = lives.fate(at, issuer).is_some_and(|fate| fate.effective.is_some());
                    let to = if ended && at == node { &mut held.lapsed } else { &mut held.received };
                    to.insert(*capability);
                }
            }
            What::SavesCapabilities(life, list) => {
                let issuer = Address { node, process: life.process };
                let held = self.entry(node, life.process);
                let may = |one: &&Capability| {
                    one.issuer == issuer || held.received.contains(one) || held.lapsed.contains(one)
                };
                let kept: Vec<Capability> = list.iter().filter(may).copied().collect();
                held.give(&kept);
            }
            What::DropsCapabilities(life, list) => self.on_dropped(node, life.process, list, lives),
            What::Started(life) => {
                let unwritten = lives.process(node, life.process).is_none_or(|process| process.row().is_none());
                let own = Capability::messaging(Address { node, process: life.process });
                let held = self.entry(node, life.process);
                held.received.clear();
                held.lapsed.clear();
                // It has what its row says; while there is none, at least this (C1).
                if unwritten {
                    held.bound.insert(own);
                }
            }
            What::Durable(change) => self.on_durable(node, change, lives),
            What::CommandAnswered(answer, said) if **said == CommandAnswer::InitializeProcessError => {
                self.on_not_initialized(node, answer, lives);
            }
            What::Booted(_) => self.on_booted(node, lives),
            // Nothing else gives or takes a capability.
            _ => {}
        }
    }

    /// A row that is durable is trusted here; whether it has what it should have is for C3 to ask.
    fn on_durable(&mut self, node: NodeId, change: &Change, lives: &Lives) {
        match change {
            Change::Put(id, row) => {
                let new = lives.process(node, *id).is_none_or(|process| process.row().is_none());
                // Something may be dropped while the row is on its way to the disk. The first row of a module is no new process.
                let making = lives.node(node).is_some_and(|node| node.is_making(*id));
                let held = self.entry(node, *id);
                if new && !making && !id.is_module() {
                    held.dropped.clear();
                }
                held.bound.extend(&row.capabilities);
                if new {
                    self.on_child(node, *id, lives);
                }
            }
            Change::Remove(id) if lives.process(node, *id).is_some_and(Process::ends_with_its_row) => {
                self.n_losses += 1;
                let issuer = Address { node, process: *id };
                // What others that end held stays, until their requests are fired: as it was at their exit (E4).
                for (place, held) in entry(&mut self.held, node.0).iter_mut().enumerate() {
                    if lives.fate(node, ProcessRef(place as u32)).is_none() {
                        let of_issuer = held.bound.iter().filter(|capability| capability.issuer == issuer);
                        held.revoked.extend(of_issuer);
                        held.bound.retain(|capability| capability.issuer != issuer);
                    }
                    held.received.retain(|capability| capability.issuer != issuer);
                    held.lapsed.retain(|capability| capability.issuer != issuer);
                }
                let held = self.entry(node, *id);
                held.at_exit = std::mem::take(&mut held.bound);
            }
            Change::Remove(_) => {}
        }
    }

    /// A new process may be the child of any process that waits for one: they can message each other (S6).
    fn on_child(&mut self, node: NodeId, child: ProcessRef, lives: &Lives) {
        let Some(spawning) = lives.node(node).map(|node| &node.spawning) else { return };
        for parent in spawning {
            self.entry(node, *parent).bound.insert(Capability::messaging(Address { node, process: child }));
            self.entry(node, child).bound.insert(Capability::messaging(Address { node, process: *parent }));
        }
    }

    /// A failed initialize leaves its sender nothing (C2); what its row has it had before.
    fn on_not_initialized(&mut self, node: NodeId, answer: &Message, lives: &Lives) {
        let Some(at) = lives.node(node) else { return };
        let Some(asked) = at.initializing.iter().find(|asked| answers(answer, &asked.message)) else { return };
        let (child, by) = (Address { node, process: asked.process }, asked.message.source.process);
        let messaging = Capability::messaging(child);
        let kept =
            lives.process(node, by).and_then(|by| by.row()).is_some_and(|row| row.capabilities.contains(&messaging));
        let there =
            lives.process(node, child.process).is_some_and(|child| child.row().is_some() || child.life.is_some());
        // Of two at once for one id the other may succeed still.
        let again = |other: &Initializing| {
            (other.process, other.message.source.process) == (asked.process, by) && !answers(answer, &other.message)
        };
        let held = self.entry(node, by);
        if !kept && !there && !at.initializing.iter().any(again) && held.promised.remove(&messaging) {
            held.bound.remove(&messaging);
            self.n_losses += 1;
        }
    }

    /// Only what is on disk outlives the node.
    fn on_booted(&mut self, node: NodeId, lives: &Lives) {
        self.n_losses += 1;
        let held = entry(&mut self.held, node.0);
        for (place, held) in held.iter_mut().enumerate() {
            let row = lives.process(node, ProcessRef(place as u32)).and_then(|process| process.row());
            held.bound = row.map(|row| row.capabilities.clone()).unwrap_or_default();
            held.received.clear();
            held.lapsed.clear();
            held.taken.clear();
            held.revoked.clear();
        }
    }
}

/// What runtime modules hold from the first boot on, whether or not it is on the disk: all may reach other nodes; those
/// that grant something may message the kernel; the owner's terminal may message every module.
fn first(node: NodeId, process: ProcessRef, capability: &Capability) -> bool {
    let Address { node: of, process: issuer } = capability.issuer;
    let gives = process.is_own_module() || matches!(process, ProcessRef::KV | ProcessRef::SQLITE);
    let may = match capability.params {
        ParamsRef::NETWORK => issuer == ProcessRef::KERNEL,
        ParamsRef::MESSAGING if process == ProcessRef::TERMINAL => issuer.is_module(),
        ParamsRef::MESSAGING => issuer == ProcessRef::KERNEL && gives,
        _ => false,
    };
    process.is_module() && of == node && may
}
