//! What needs which capability, and what becomes of capabilities whose issuer ends: C1, C3, C5, E12.

use crate::invariant::lives::{Process, entry};
use crate::invariant::message::Watched;
use crate::invariant::{Claim, Invariant, Past};
use crate::trace::event::{Event, Kind, What};
use kernel_core::{
    Address, Capability, Cause, Change, Instant, Message, Names, NodeId, ParamsRef, ProcessRef, Record, Rule,
};

/// C1, at the sender's end: whether it may send this message. True if there is any doubt.
pub(crate) fn may_send(past: &Past, message: &Message) -> bool {
    let (source, target) = (message.source, message.target);
    let holds = |capability| {
        if is_dead(past, source) {
            past.holdings.may_have_held(source.node, source.process, &capability)
        } else {
            past.holdings.may_hold(source.node, source.process, &capability)
        }
    };
    if target.node != source.node {
        return holds(Capability::network(source.node));
    }
    let exempt = matches!(source.process, ProcessRef::KERNEL | ProcessRef::STATE | ProcessRef::VFS);
    let own_module = source == target && source.process.is_module();
    exempt || own_module || holds(Capability::messaging(target)) || is_public(past, target)
}

fn is_public(past: &Past, target: Address) -> bool {
    let process = past.lives.process(target.node, target.process);
    let by_row = process.is_some_and(|process| match process.row() {
        Some(row) => row.public,
        None => process.life.is_some(), // It runs without a row; nobody knows.
    });
    by_row || target.process == ProcessRef::TIMER
}

/// Whether this is a guest between its exit and its next initialization: it speaks through its on-exit requests only.
pub(crate) fn is_dead(past: &Past, address: Address) -> bool {
    !address.process.is_module() && past.lives.life(address.node, address.process).is_none()
}

pub(crate) fn capability_text(capability: &Capability, names: &Names) -> String {
    format!("{} of {}", names.params_text(capability.params), names.address_text(capability.issuer))
}

/// C1 for living processes, C5 for on-exit requests: a message without the capability is not delivered.
#[derive(Clone, Debug)]
pub struct MessagingNeedsCapability {
    claim: Claim,
    dead: bool,
    /// Messages that must not be delivered.
    forbidden: Watched,
    /// The target that each process of each node was last seen to be allowed to send to, and when in what all hold.
    allowed: Vec<Vec<Option<(Address, u64)>>>,
}

impl MessagingNeedsCapability {
    fn new(rule: Rule, says: &'static str, dead: bool) -> MessagingNeedsCapability {
        let (forbidden, allowed) = (Watched::default(), vec![]);
        MessagingNeedsCapability { claim: Claim { rule, says }, dead, forbidden, allowed }
    }

    /// What was allowed stays allowed until some process loses a capability.
    fn is_known(&self, message: &Message, past: &Past) -> bool {
        let Address { node, process } = message.source;
        let known = self.allowed.get(node.0 as usize).and_then(|node| node.get(process.0 as usize)?.as_ref());
        known == Some(&(message.target, past.holdings.n_losses()))
    }

    fn note(&mut self, message: &Message, past: &Past) {
        let Address { node, process } = message.source;
        *entry(entry(&mut self.allowed, node.0), process.0) = Some((message.target, past.holdings.n_losses()));
    }

    /// C1.
    pub fn of_the_living() -> MessagingNeedsCapability {
        let says = "a local message needs messaging of its target; across nodes both sides need network";
        MessagingNeedsCapability::new(Rule::C1, says, false)
    }

    /// C5.
    pub fn of_the_dead() -> MessagingNeedsCapability {
        let says = "on-exit requests comport to the capability requirements of the process when it was alive";
        MessagingNeedsCapability::new(Rule::C5, says, true)
    }
}

impl Invariant for MessagingNeedsCapability {
    fn claim(&self) -> Claim {
        self.claim
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Sent, Kind::Arrived, Kind::Dropped, Kind::Received, Kind::ModuleReceived]
    }

    fn on_event(&mut self, _: Cause, event: &Event, past: &Past, names: &Names) -> Result<(), String> {
        match &event.what {
            What::Sent(message) if past.sender_is_dead == self.dead && !self.is_known(message, past) => {
                if may_send(past, message) { self.note(message, past) } else { self.forbidden.watch(message) }
            }
            What::Arrived(message) if !self.dead => {
                let network = Capability::network(event.node);
                if !past.holdings.may_hold(event.node, message.target.process, &network) {
                    self.forbidden.watch(message);
                }
            }
            What::Dropped(message, _) => self.forbidden.on_dropped(message),
            What::Received(_, message, _) | What::ModuleReceived(_, message) if self.forbidden.has(message) => {
                let (from, to) = (names.address_text(message.source), names.address_text(message.target));
                return Err(format!(
                    "a message from {from} (#{}) reached {to} without the capability",
                    message.cause.0
                ));
            }
            _ => {}
        }
        Ok(())
    }
}

/// C3 for living processes, C5 for on-exit requests: the sender held or issued what is attached.
#[derive(Clone, Debug)]
pub struct AttachedIsHeld {
    claim: Claim,
    dead: bool,
}

impl AttachedIsHeld {
    /// C3.
    pub fn of_the_living() -> AttachedIsHeld {
        let says = "capabilities attached to a message are cut to those the sender holds or issues";
        AttachedIsHeld { claim: Claim { rule: Rule::C3, says }, dead: false }
    }

    /// C5.
    pub fn of_the_dead() -> AttachedIsHeld {
        let says = "capabilities attached to on-exit requests are cut to those held at the exit";
        AttachedIsHeld { claim: Claim { rule: Rule::C5, says }, dead: true }
    }
}

impl Invariant for AttachedIsHeld {
    fn claim(&self) -> Claim {
        self.claim
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Sent]
    }

    fn on_event(&mut self, _: Cause, event: &Event, past: &Past, names: &Names) -> Result<(), String> {
        let What::Sent(message) = &event.what else { return Ok(()) };
        if past.sender_is_dead != self.dead || message.capabilities().is_empty() {
            return Ok(());
        }
        let Address { node, process } = message.source;
        let held = |capability: &&Capability| {
            past.holdings.may_attach(message.source, capability)
                || self.dead && past.holdings.may_have_held(node, process, capability)
        };
        match message.capabilities().iter().find(|capability| !held(capability)) {
            Some(stray) => {
                let (who, stray) = (names.address_text(message.source), capability_text(stray, names));
                Err(format!("{who} attached {stray}, which it neither holds nor issues"))
            }
            None => Ok(()),
        }
    }
}

/// C3: a capability that is new in a row was given to its process.
#[derive(Clone, Debug, Default)]
pub struct Unforgeable;

impl Invariant for Unforgeable {
    fn claim(&self) -> Claim {
        Claim { rule: Rule::C3, says: "a guest cannot obtain a capability other than by being given it" }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Durable]
    }

    fn on_event(&mut self, _: Cause, event: &Event, past: &Past, names: &Names) -> Result<(), String> {
        let What::Durable(change) = &event.what else { return Ok(()) };
        let Change::Put(id, row) = &**change else { return Ok(()) };
        if id.is_module() {
            return Ok(());
        }
        let holder = Address { node: event.node, process: *id };
        // What an initializer asked for and could not give is for C2.
        let is_stray = |one: &&Capability| !was_given(past, holder, one) && !was_asked_for(past, holder, one);
        match row.capabilities.iter().find(is_stray) {
            Some(stray) => {
                let (who, stray) = (names.address_text(holder), capability_text(stray, names));
                Err(format!("{who} holds {stray}, which it was never given"))
            }
            None => Ok(()),
        }
    }
}

/// Whether this may have been given. True if there is any doubt.
pub(crate) fn was_given(past: &Past, holder: Address, capability: &Capability) -> bool {
    let issuer = capability.issuer;
    // Drives and databases: their modules may give without a message.
    let module = issuer.process.is_module() && issuer.process != ProcessRef::KERNEL;
    let held = issuer == holder || past.holdings.may_be_written(holder.node, holder.process, capability);
    // What was revoked and comes back is for E12.
    let held = held || past.holdings.was_revoked(holder.node, holder.process, capability);
    held || module && capability.params != ParamsRef::MESSAGING || was_given_anew(past, holder, capability)
}

/// Whether an initialization under way names this among the initial capabilities, whoever may give it.
pub(crate) fn was_asked_for(past: &Past, holder: Address, capability: &Capability) -> bool {
    let asked = past.lives.node(holder.node).map_or(&[][..], |node| &node.initializing);
    let asked = asked.iter().filter(|asked| asked.process == holder.process);
    asked.into_iter().any(|asked| asked.init().initial_capabilities.contains(capability))
}

/// Whether an initialization under way may have given this.
fn was_given_anew(past: &Past, holder: Address, capability: &Capability) -> bool {
    let (node, issuer) = (past.lives.node(holder.node), capability.issuer);
    let Some(node) = node else { return false };
    let new = |process: ProcessRef| past.lives.process(holder.node, process).is_none_or(|p| p.n_lives == 0);
    let by_parent = node.spawning.iter().any(|parent| {
        let parent = Address { node: holder.node, process: *parent };
        // A process killed since has given what it held then.
        let ended = past.lives.fate(parent.node, parent.process).is_some();
        past.holdings.may_attach(parent, capability)
            || ended && past.holdings.may_have_held(parent.node, parent.process, capability)
            || *capability == Capability::messaging(parent)
    });
    // What a parent shares out at a spawn is issued by the child, whose row is as new (S6).
    let by_spawn = !node.spawning.is_empty() && issuer.node == holder.node && new(issuer.process);
    let by_initializer = node.initializing.iter().filter(|asked| asked.process == holder.process).any(|asked| {
        past.holdings.may_hold(holder.node, asked.message.source.process, capability)
            && asked.init().initial_capabilities.contains(capability)
    });
    by_parent || by_spawn || by_initializer
}

/// E12: once a process has ended, no process on the node holds a capability issued by it.
#[derive(Clone, Debug, Default)]
pub struct RevokedAtTheEnd {
    /// Issuers whose rows have just gone, when, and the last change of the write that took them.
    ended: Vec<(NodeId, ProcessRef, Instant, Cause)>,
}

impl RevokedAtTheEnd {
    fn check(&self, node: NodeId, issuer: ProcessRef, past: &Past, names: &Names) -> Result<(), String> {
        let issuer = Address { node, process: issuer };
        let holds = |row: &Record| row.capabilities.iter().any(|capability| capability.issuer == issuer);
        let Some(at) = past.lives.node(node) else { return Ok(()) };
        // A row that a refused initialize has left is of nobody, and is removed again.
        let is_there =
            |(id, process): &(ProcessRef, &Process)| process.fate.is_none() && (id.is_module() || process.was_there());
        let mut others = at.processes().filter(|(id, _)| *id != issuer.process).filter(is_there);
        match others.find(|(_, process)| process.row().is_some_and(holds)) {
            Some((holder, _)) => {
                let (issuer, holder) = (names.process_text(issuer.process), names.process_text(holder));
                Err(format!("{issuer} has ended, and {holder} still holds a capability issued by it"))
            }
            None => Ok(()),
        }
    }
}

impl Invariant for RevokedAtTheEnd {
    fn claim(&self) -> Claim {
        Claim {
            rule: Rule::E12,
            says: "an exit that ends a process revokes every capability it issued; a restart none",
        }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Durable, Kind::Received, Kind::Down, Kind::Failed]
    }

    fn on_event(&mut self, index: Cause, event: &Event, past: &Past, names: &Names) -> Result<(), String> {
        let last = past.lives.node(event.node).map(|node| node.last);
        for (node, issuer, at, written) in std::mem::take(&mut self.ended) {
            match &event.what {
                _ if node != event.node => self.ended.push((node, issuer, at, written)),
                // The same write goes on; the next takes its time, and may be of a namesake.
                What::Durable(_) if last == Some(written) && event.at == at => {
                    self.ended.push((node, issuer, at, index));
                }
                _ => self.check(node, issuer, past, names)?,
            }
        }
        if let What::Received(life, message, _) = &event.what {
            return check_lapsed(event.node, life.process, message, past, names);
        }
        let What::Durable(change) = &event.what else { return Ok(()) };
        match &**change {
            Change::Remove(id) => {
                if past.lives.process(event.node, *id).is_some_and(Process::ends_with_its_row) {
                    self.ended.push((event.node, *id, event.at, index));
                }
                Ok(())
            }
            Change::Put(id, row) => {
                check_not_back(event.node, *id, row, past, names)?;
                check_kept(event.node, *id, row, past, names)
            }
        }
    }

    fn at_end(&mut self, past: &Past, names: &Names) -> Result<(), String> {
        self.ended.iter().try_for_each(|(node, issuer, ..)| self.check(*node, *issuer, past, names))
    }
}

/// What comes attached is not of an issuer that has ended since it was sent.
fn check_lapsed(node: NodeId, id: ProcessRef, message: &Message, past: &Past, names: &Names) -> Result<(), String> {
    let has_ended = |capability: &&Capability| {
        let fate = past.lives.fate(node, capability.issuer.process).filter(|_| capability.issuer.node == node);
        fate.and_then(|fate| fate.effective).is_some_and(|effective| effective > message.cause)
    };
    match message.capabilities().iter().find(has_ended).filter(|_| message.source.node == node) {
        Some(lapsed) => {
            let (who, lapsed) = (names.process_text(id), capability_text(lapsed, names));
            Err(format!("{who} receives {lapsed} with #{}, and its issuer has ended since", message.cause.0))
        }
        None => Ok(()),
    }
}

/// What was revoked does not come back by itself.
fn check_not_back(node: NodeId, id: ProcessRef, row: &Record, past: &Past, names: &Names) -> Result<(), String> {
    let holder = Address { node, process: id };
    // A new process of the issuer's name may have been given out anew.
    let is_back = |capability: &&Capability| {
        past.holdings.was_revoked(node, id, capability) && !was_given_anew(past, holder, capability)
    };
    match row.capabilities.iter().find(is_back) {
        Some(back) => {
            let (who, back) = (names.process_text(id), capability_text(back, names));
            Err(format!("{who} holds {back} again, which was revoked when its issuer ended"))
        }
        None => Ok(()),
    }
}

/// What a row had and has no more, though it was not dropped and its issuer has not ended.
pub(crate) fn loses(node: NodeId, id: ProcessRef, row: &Record, past: &Past) -> Option<Capability> {
    let before = past.lives.process(node, id).and_then(|process| process.row())?;
    let stays = |capability: &Capability| {
        let issuer = capability.issuer;
        let process = past.lives.process(node, issuer.process);
        // A row that a refused initialize left is removed again, and what was granted for it is taken back.
        let is_there = |issuer: &Process| issuer.row().is_some() && issuer.fate.is_none() && issuer.was_there();
        let there = process.is_some_and(is_there);
        let stays = issuer.node != node || issuer.process.is_module() || there;
        stays && !past.holdings.may_have_dropped(node, id, capability)
    };
    before.capabilities.difference(&row.capabilities).find(|capability| stays(capability)).copied()
}

/// An issuer that was restarted takes nothing back.
fn check_kept(node: NodeId, id: ProcessRef, row: &Record, past: &Past, names: &Names) -> Result<(), String> {
    let restarted = |issuer: Address| past.lives.process(node, issuer.process).is_some_and(|issuer| issuer.n_lives > 1);
    match loses(node, id, row, past).filter(|lost| restarted(lost.issuer)) {
        Some(lost) => {
            let (who, lost) = (names.process_text(id), capability_text(&lost, names));
            Err(format!("{who} lost {lost}, which was not dropped and whose issuer has not ended"))
        }
        None => Ok(()),
    }
}
