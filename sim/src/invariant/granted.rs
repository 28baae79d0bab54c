//! What is granted is held, what was not given is not: C2, C4.

use crate::invariant::capability::{capability_text, loses, was_asked_for, was_given};
use crate::invariant::lives::answers;
use crate::invariant::{Claim, Invariant, Past};
use crate::trace::event::{Event, Kind, What};
use crate::trace::life_text;
use kernel_core::command::{Command, CommandAnswer};
use kernel_core::{Address, Answer, Capability, Cause, Change, Duration, Instant, Names, NodeId, ProcessRef, Rule};

/// C2: a new process has what its initializer could give, and its initializer may message it.
#[derive(Clone, Debug, Default)]
pub struct InitializerGives;

impl Invariant for InitializerGives {
    fn claim(&self) -> Claim {
        Claim {
            rule: Rule::C2,
            says: "initial capabilities are cut to what the initializer holds; it may message the process",
        }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::CommandAnswered, Kind::Durable]
    }

    fn on_event(&mut self, _: Cause, event: &Event, past: &Past, names: &Names) -> Result<(), String> {
        if let What::Durable(change) = &event.what {
            return check_cut(event.node, change, past, names);
        }
        let What::CommandAnswered(answer, said) = &event.what else { return Ok(()) };
        let Some(at) = past.lives.node(event.node) else { return Ok(()) };
        let Some(asked) = at.initializing.iter().find(|asked| answers(answer, &asked.message)) else { return Ok(()) };
        let (node, by) = (event.node, asked.message.source.process);
        let messaging = Capability::messaging(Address { node, process: asked.process });
        let row = |id: ProcessRef| past.lives.process(node, id).and_then(|process| process.row());
        match **said {
            CommandAnswer::InitializedProcess => {
                let lives = past.lives.process(node, by).is_some_and(|by| by.life.is_some() && by.fate.is_none());
                let lacks = row(by).is_some_and(|row| !row.capabilities.contains(&messaging));
                if lives && lacks && !by.is_module() && !past.holdings.may_have_dropped(node, by, &messaging) {
                    let (by, who) = (names.process_text(by), names.process_text(asked.process));
                    return Err(format!("{by} initialized {who}, and lacks the capability to message it"));
                }
            }
            CommandAnswer::InitializeProcessError
            | CommandAnswer::StartedProcess
            | CommandAnswer::RunProcessError
            | CommandAnswer::KilledProcess(_)
            | CommandAnswer::Debug(_) => {}
        }
        Ok(())
    }
}

/// The row of a new process has nothing of its initial capabilities that its initializer did not hold.
fn check_cut(node: NodeId, change: &Change, past: &Past, names: &Names) -> Result<(), String> {
    let Change::Put(process, row) = change else { return Ok(()) };
    let holder = Address { node, process: *process };
    let is_stray = |one: &&Capability| was_asked_for(past, holder, one) && !was_given(past, holder, one);
    match row.capabilities.iter().find(is_stray) {
        Some(stray) => {
            let (who, stray) = (names.process_text(*process), capability_text(stray, names));
            Err(format!("{who} was initialized with {stray}, which its initializer does not hold"))
        }
        None => Ok(()),
    }
}

/// A capability that was given or taken, which must become durable.
#[derive(Clone, Debug)]
struct Owed {
    node: NodeId,
    process: ProcessRef,
    capability: Capability,
    /// Whether it is to be held; else it is to be gone.
    given: bool,
    since: Cause,
    at: Instant,
}

/// How long after the storm a durable write may take.
const UNDER_WAY: Duration = Duration::from_secs(2);

/// C4: what is granted is held until it is dropped, and our-capabilities returns that and nothing else.
#[derive(Clone, Debug, Default)]
pub struct GrantedIsHeld {
    owed: Vec<Owed>,
}

impl GrantedIsHeld {
    fn on_command(&mut self, index: Cause, event: &Event, (by, command): (ProcessRef, &Command), past: &Past) {
        match command {
            Command::Initialize(init) => self.may_gain(event.node, by, init.id),
            Command::Grant(process, list) => self.owe(index, event, (*process, list), true, past),
            Command::Drop(process, list) => self.owe(index, event, (*process, list), false, past),
            Command::Kill(process) => self.on_end(event.node, *process),
            _ => {}
        }
    }

    /// A process is given these, or they are taken from it: the latest counts.
    fn owe(
        &mut self,
        since: Cause,
        event: &Event,
        (process, list): (ProcessRef, &[Capability]),
        given: bool,
        past: &Past,
    ) {
        let (node, at) = (event.node, event.at);
        self.owed.retain(|owed| (owed.node, owed.process) != (node, process) || !list.contains(&owed.capability));
        let known = past.lives.process(node, process);
        let there = known.is_some_and(|known| known.row().is_some() && known.fate.is_none());
        if process.is_module() || !there {
            return;
        }
        self.owed.extend(list.iter().map(|capability| Owed {
            node,
            process,
            capability: *capability,
            given,
            since,
            at,
        }));
    }

    /// Who makes a process may message it, though it dropped that before.
    fn may_gain(&mut self, node: NodeId, holder: ProcessRef, target: ProcessRef) {
        let messaging = Capability::messaging(Address { node, process: target });
        let is_gained = |owed: &Owed| (owed.node, owed.process, owed.capability) == (node, holder, messaging);
        self.owed.retain(|owed| owed.given || !is_gained(owed));
    }

    /// A process that ends holds nothing, and no process holds what it issued.
    fn on_end(&mut self, node: NodeId, process: ProcessRef) {
        let issuer = Address { node, process };
        self.owed.retain(|owed| (owed.node, owed.process) != (node, process) && owed.capability.issuer != issuer);
    }
}

impl Invariant for GrantedIsHeld {
    fn claim(&self) -> Claim {
        Claim { rule: Rule::C4, says: "what is granted is held until it is dropped or revoked, and nothing else is" }
    }

    fn reads(&self) -> &'static [Kind] {
        &[
            Kind::Command,
            Kind::Dropped,
            Kind::Durable,
            Kind::SavesCapabilities,
            Kind::DropsCapabilities,
            Kind::Learned,
            Kind::Spawned,
            Kind::Down,
            Kind::Failed,
        ]
    }

    fn on_event(&mut self, index: Cause, event: &Event, past: &Past, names: &Names) -> Result<(), String> {
        match &event.what {
            What::Command(message, command) if message.target.node == event.node => {
                self.on_command(index, event, (message.source.process, command), past);
            }
            // Nothing came of the command just made.
            What::Dropped(message, _) => {
                let command = past.lives.node(event.node).map(|node| node.last);
                if message.target.process == ProcessRef::KERNEL {
                    self.owed.retain(|owed| Some(owed.since) != command);
                }
            }
            What::Durable(change) => match &**change {
                Change::Put(id, row) => {
                    if let Some(lost) = loses(event.node, *id, row, past) {
                        let (who, lost) = (names.process_text(*id), capability_text(&lost, names));
                        return Err(format!("{who} lost {lost}, which was not dropped and whose issuer has not ended"));
                    }
                    let is_so = |owed: &Owed| row.capabilities.contains(&owed.capability) == owed.given;
                    self.owed.retain(|owed| (owed.node, owed.process) != (event.node, *id) || !is_so(owed));
                }
                Change::Remove(id) => self.on_end(event.node, *id),
            },
            What::DropsCapabilities(life, list) => self.owe(index, event, (life.process, list), false, past),
            What::SavesCapabilities(life, list) => {
                let (node, process) = (event.node, life.process);
                let may = |one: &&Capability| {
                    one.issuer == Address { node, process } || past.holdings.has_received(node, process, one)
                };
                let kept: Vec<Capability> = list.iter().filter(may).copied().collect();
                self.owe(index, event, (process, &kept), true, past);
            }
            What::Learned(life, _, answer) => {
                let Answer::Capabilities(list) = &**answer else { return Ok(()) };
                let holder = Address { node: event.node, process: life.process };
                if let Some(lacking) = surely_held(past, holder).find(|capability| !list.contains(capability)) {
                    let (who, lacking) = (life_text(*life, names), capability_text(&lacking, names));
                    return Err(format!("our-capabilities of {who} leaves out {lacking}"));
                }
                if let Some(stray) = list.iter().find(|capability| !was_given(past, holder, capability)) {
                    let (who, stray) = (life_text(*life, names), capability_text(stray, names));
                    return Err(format!("our-capabilities of {who} returns {stray}, which it was never given"));
                }
            }
            What::Spawned(life, Ok(child)) => {
                self.may_gain(event.node, life.process, *child);
                self.may_gain(event.node, *child, life.process);
            }
            What::Down(_) | What::Failed(_) => self.owed.retain(|owed| owed.node != event.node),
            _ => {}
        }
        Ok(())
    }

    fn at_end(&mut self, past: &Past, names: &Names) -> Result<(), String> {
        let broken = |owed: &&Owed| {
            let process = past.lives.process(owed.node, owed.process);
            let row = process.filter(|process| process.fate.is_none()).and_then(|process| process.row());
            let issuer = past.lives.fate(owed.node, owed.capability.issuer.process);
            let revoked = owed.capability.issuer.node == owed.node && issuer.is_some();
            row.is_some_and(|row| row.capabilities.contains(&owed.capability) != owed.given) && !revoked
        };
        let since = |owed: &Owed| owed.at.max(past.lifted_at.unwrap_or_default()) + UNDER_WAY;
        match self.owed.iter().filter(|owed| past.now >= since(owed)).find(broken) {
            Some(owed) => {
                let (who, what) = (names.process_text(owed.process), capability_text(&owed.capability, names));
                if owed.given {
                    Err(format!("{who} was granted {what} (#{}), and does not hold it", owed.since.0))
                } else {
                    Err(format!("{who} has dropped {what} (#{}), and holds it still", owed.since.0))
                }
            }
            None => Ok(()),
        }
    }
}

/// What a process certainly holds: it is in its row, and was not dropped since.
pub(crate) fn surely_held(past: &Past, holder: Address) -> impl Iterator<Item = Capability> {
    let Address { node, process } = holder;
    let row = past.lives.process(node, process).and_then(|process| process.row());
    let ended = move |issuer: Address| issuer.node == node && past.lives.fate(node, issuer.process).is_some();
    let held = row.into_iter().flat_map(|row| row.capabilities.iter().copied());
    held.filter(move |one| !past.holdings.may_have_dropped(node, process, one) && !ended(one.issuer))
}
