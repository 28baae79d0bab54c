//! Which process may kill, and that killed processes stay dead: E5, K1, K2, K5.

use crate::invariant::capability::may_send;
use crate::invariant::lives::answers;
use crate::invariant::message::same;
use crate::invariant::{Claim, Invariant, Past};
use crate::trace::event::{Event, Kind, What};
use crate::trace::life_text;
use kernel_core::command::{Command, CommandAnswer};
use kernel_core::{Cause, Change, Content, Message, Names, NodeId, OnExitKind, ProcessRef, Request, Rule};
use std::collections::BTreeSet;
use std::rc::Rc;

/// E5: after a kill, no life, no message and no call until the id is initialized again.
#[derive(Clone, Debug, Default)]
pub struct DeadStayDead;

impl Invariant for DeadStayDead {
    fn claim(&self) -> Claim {
        Claim { rule: Rule::E5, says: "a killed process stays dead: only a new InitializeProcess brings it back" }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Started, Kind::Sent, Kind::Called, Kind::Spun]
    }

    fn hears_the_dead(&self) -> bool {
        true
    }

    fn on_event(&mut self, _: Cause, event: &Event, past: &Past, names: &Names) -> Result<(), String> {
        if past.of_the_dead {
            let who = event.what.life().map(|life| life_text(life, names)).unwrap_or_default();
            return match &event.what {
                What::Called(_, call, _) => Err(format!("{who} calls {}, though its life is over", call.name())),
                What::Spun(..) => Err(format!("{who} computes on, though its life is over")),
                _ => Ok(()),
            };
        }
        let process = match &event.what {
            What::Started(life) => life.process,
            What::Sent(message) if past.sender_is_dead => message.source.process,
            _ => return Ok(()),
        };
        let Some(dead) = past.lives.process(event.node, process) else { return Ok(()) };
        let Some(fate) = dead.fate.as_ref().filter(|fate| fate.killed && dead.life.is_none()) else { return Ok(()) };
        match &event.what {
            What::Started(life) => {
                Err(format!("{} starts, though it was killed (#{})", life_text(*life, names), fate.cause.0))
            }
            _ if fate.certain && fate.on_exit.kind() == OnExitKind::Restart => {
                let who = names.process_text(process);
                Err(format!("{who} sends a message, though it was killed (#{})", fate.cause.0))
            }
            _ => Ok(()),
        }
    }
}

/// How many refused commands are remembered.
const N_REFUSED: usize = 64;

/// K1: a command without the capability, or from another node, has no effect.
#[derive(Clone, Debug, Default)]
pub struct RootCommands {
    /// The latest commands that must have no effect.
    refused: Vec<Rc<Message>>,
    /// Processes whose kill was requested by a process with root.
    may_die: BTreeSet<(NodeId, ProcessRef)>,
    /// A command that must be dropped before anything else is said of it.
    undecided: Option<Rc<Message>>,
}

impl RootCommands {
    fn on_command(&mut self, event: &Event, message: &Rc<Message>, command: &Command, past: &Past) {
        if message.target.node != event.node {
            return; // On its way to another node, where it will be dropped.
        }
        let local = message.source.node == event.node && message.target.process == ProcessRef::KERNEL;
        if local && may_send(past, message) {
            if let Command::Kill(process) = command {
                self.may_die.insert((event.node, *process));
            }
        } else {
            self.undecided = Some(message.clone())
        }
    }

    fn refuse(&mut self, message: Rc<Message>) {
        let Content::Request(Request { inherit: false, .. }) = &message.content else {
            return; // Its id is somebody else's: an answer to that one proves nothing.
        };
        if self.refused.len() == N_REFUSED {
            self.refused.remove(0);
        }
        self.refused.push(message);
    }
}

fn sender(message: &Message, names: &Names) -> String {
    format!("a kernel command of {} (#{})", names.address_text(message.source), message.cause.0)
}

impl Invariant for RootCommands {
    fn claim(&self) -> Claim {
        Claim {
            rule: Rule::K1,
            says: "a kernel command needs the capability to message kernel:distro:sys, and this node",
        }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Command, Kind::Dropped, Kind::CommandAnswered, Kind::Killed, Kind::Durable, Kind::Started, Kind::Down]
    }

    fn on_event(&mut self, _: Cause, event: &Event, past: &Past, names: &Names) -> Result<(), String> {
        if let Some(message) = self.undecided.take() {
            match &event.what {
                What::Dropped(dropped, _) if same(dropped, &message) => self.refuse(message),
                _ => return Err(format!("{}, which lacks the right, was not dropped", sender(&message, names))),
            }
        }
        match &event.what {
            What::Command(message, command) => self.on_command(event, message, command, past),
            What::CommandAnswered(answer, _) => {
                if let Some(refused) = self.refused.iter().find(|refused| answers(answer, refused)) {
                    return Err(format!("{}, which lacks the right, was answered", sender(refused, names)));
                }
            }
            What::Killed(life) => {
                let asked = self.may_die.remove(&(event.node, life.process));
                let who = || life_text(*life, names);
                let wrong = || format!("{} is killed, and no process with the right to kill it asked for that", who());
                return if asked { Ok(()) } else { Err(wrong()) };
            }
            What::Durable(change) => {
                if let Change::Remove(process) = **change
                    && ends_unasked(event, process, past)
                {
                    let who = names.process_text(process);
                    return Err(format!(
                        "{who} is taken off the disk, and no process with the right to kill it asked for that"
                    ));
                }
            }
            What::Started(life) => {
                self.may_die.remove(&(event.node, life.process));
            }
            _ => {}
        }
        Ok(())
    }

    fn at_end(&mut self, _: &Past, names: &Names) -> Result<(), String> {
        match self.undecided.take() {
            Some(message) => Err(format!("{}, which lacks the right, was not dropped", sender(&message, names))),
            None => Ok(()),
        }
    }
}

/// Whether a process that nothing has ended loses its row. One in a back-off may only seem to (X.down.Restart).
fn ends_unasked(event: &Event, process: ProcessRef, past: &Past) -> bool {
    let up = past.lives.node(event.node).is_some_and(|node| node.up && !node.is_making(process));
    let known = past.lives.process(event.node, process);
    up && known.is_some_and(|known| known.row().is_some() && known.fate.is_none() && known.restarting.is_none())
}

/// K2: KilledProcess can be relied on.
#[derive(Clone, Debug, Default)]
pub struct KilledIsDurable;

impl Invariant for KilledIsDurable {
    fn claim(&self) -> Claim {
        Claim { rule: Rule::K2, says: "KilledProcess is answered only when the removal is durable" }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::CommandAnswered]
    }

    fn on_event(&mut self, _: Cause, event: &Event, past: &Past, names: &Names) -> Result<(), String> {
        let What::CommandAnswered(_, answer) = &event.what else { return Ok(()) };
        let CommandAnswer::KilledProcess(text) = &**answer else { return Ok(()) };
        let Some(node) = past.lives.node(event.node) else { return Ok(()) };
        let on_disk = |(id, _): &(ProcessRef, _)| names.process_text(*id) == text;
        match node.processes().filter(|(_, process)| process.row().is_some()).find(on_disk) {
            Some(_) => Err(format!("{text} was answered KilledProcess, and its row is still on the disk")),
            None => Ok(()),
        }
    }
}

/// K5: a permitted kill is answered whether the process was there or not. A dropped command means that it was not.
#[derive(Clone, Debug, Default)]
pub struct KillIsAnswered {
    /// The command just made, by a process with root.
    asked: Option<(Rc<Message>, ProcessRef)>,
}

impl Invariant for KillIsAnswered {
    fn claim(&self) -> Claim {
        Claim {
            rule: Rule::K5,
            says: "a kill of a process that is not there is answered KilledProcess too; a runtime module cannot be killed",
        }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Command, Kind::Dropped, Kind::CommandAnswered]
    }

    fn on_event(&mut self, _: Cause, event: &Event, past: &Past, names: &Names) -> Result<(), String> {
        match (&event.what, self.asked.take()) {
            (What::CommandAnswered(_, said), _) => match &**said {
                CommandAnswer::KilledProcess(text)
                    if names.modules().any(|module| names.process_text(module) == text) =>
                {
                    Err(format!("{text} is a runtime module, and was answered KilledProcess"))
                }
                _ => Ok(()),
            },
            (What::Command(message, command), _) => {
                let Command::Kill(process) = **command else { return Ok(()) };
                let surely = past.holdings.surely_holds_root(message.source);
                self.asked = (surely && !process.is_module()).then(|| (message.clone(), process));
                Ok(())
            }
            (What::Dropped(dropped, _), Some((asked, process))) if same(dropped, &asked) => {
                Err(format!("{}, to kill {}, was dropped", sender(&asked, names), names.process_text(process)))
            }
            (_, _) => Ok(()),
        }
    }
}
