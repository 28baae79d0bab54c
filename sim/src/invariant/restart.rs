//! What a restart is, and that nothing leaks into it: E3, E10.

use crate::invariant::capability::{capability_text, loses};
use crate::invariant::lives::{answers, entry};
use crate::invariant::{Claim, Invariant, Past};
use crate::trace::event::{Event, Kind, Life, What};
use crate::trace::life_text;
use kernel_core::command::{Command, CommandAnswer};
use kernel_core::{
    BackOff, Cause, Change, Content, Duration, Instant, Message, MessageId, Names, NodeId, ProcessRef, Rule,
};

/// E3: nothing comes between the exit and the next life.
#[derive(Clone, Debug)]
pub struct RestartedAtOnce {
    back_off: BackOff,
    /// Processes that have just exited.
    exited: Vec<(NodeId, ProcessRef, Cause)>,
}

impl RestartedAtOnce {
    /// While nothing has happened.
    pub fn new(back_off: BackOff) -> RestartedAtOnce {
        RestartedAtOnce { back_off, exited: vec![] }
    }

    fn check(&self, past: &Past, names: &Names, which: usize) -> Result<(), String> {
        let (node, id, _) = self.exited[which];
        let restarting = past.lives.process(node, id).and_then(|process| process.restarting);
        match restarting.filter(|restarting| restarting.certain) {
            Some(exit) => {
                let (who, how) = (names.process_text(id), exit.how.text());
                Err(format!(
                    "{who} {how} under Restart (#{}), and something else happened before its restart",
                    exit.cause.0
                ))
            }
            None => Ok(()),
        }
    }
}

impl Invariant for RestartedAtOnce {
    fn claim(&self) -> Claim {
        Claim { rule: Rule::E3, says: "a restart is immediate: no other event of the node comes before it" }
    }

    fn reads(&self) -> &'static [Kind] {
        match self.back_off {
            BackOff::Off => &[
                Kind::Exited,
                Kind::Started,
                Kind::Killed,
                Kind::Called,
                Kind::Received,
                Kind::ReceivedError,
                Kind::ModuleReceived,
                Kind::Arrived,
                Kind::Durable,
                Kind::Down,
                Kind::Failed,
            ],
            BackOff::Kinode10 | BackOff::Hyperdrive19 => &[],
        }
    }

    fn on_event(&mut self, index: Cause, event: &Event, past: &Past, names: &Names) -> Result<(), String> {
        if !self.exited.is_empty() {
            let here = |(node, _, exit): &(NodeId, ProcessRef, Cause)| *node == event.node && event.cause != *exit;
            let next = self.exited.iter().position(here);
            let excused = |which: &usize| match &event.what {
                What::Started(life) => life.process == self.exited[*which].1,
                what => matches!(what, What::Down(_) | What::Failed(_)),
            };
            if let Some(late) = next.filter(|which| !excused(which)) {
                self.check(past, names, late)?;
            }
            self.exited.retain(|exited| !here(exited));
        }
        if let What::Exited(life, ..) = &event.what {
            self.exited.push((event.node, life.process, index));
        }
        Ok(())
    }

    fn at_end(&mut self, past: &Past, names: &Names) -> Result<(), String> {
        (0..self.exited.len()).try_for_each(|which| self.check(past, names, which))
    }
}

/// How long after the end of its wait a first restart may come: a start may have to queue behind others.
const LATE: Duration = Duration::from_secs(1);

/// S5: a process that was initialized anew has no history: its first restart is put off as any first one is.
#[derive(Clone, Debug)]
pub struct BackOffStartsAnew {
    back_off: BackOff,
    /// Processes that were initialized and have not exited since.
    fresh: Vec<(NodeId, ProcessRef)>,
    /// Their first exits: until when the restart is due.
    due: Vec<(NodeId, ProcessRef, Instant)>,
}

impl BackOffStartsAnew {
    /// While nothing has happened.
    pub fn new(back_off: BackOff) -> BackOffStartsAnew {
        BackOffStartsAnew { back_off, fresh: vec![], due: vec![] }
    }

    fn forget(&mut self, node: NodeId, process: ProcessRef) {
        self.fresh.retain(|fresh| *fresh != (node, process));
        self.due.retain(|(at, of, _)| (*at, *of) != (node, process));
    }

    fn late(&self, node: NodeId, process: ProcessRef, now: Instant, names: &Names) -> Result<(), String> {
        match self.due.iter().find(|(at, of, until)| (*at, *of) == (node, process) && now > *until) {
            Some(_) => {
                let who = names.process_text(process);
                Err(format!("{who} exited for the first time since it was initialized, and waits longer than that"))
            }
            None => Ok(()),
        }
    }
}

impl Invariant for BackOffStartsAnew {
    fn claim(&self) -> Claim {
        Claim { rule: Rule::S5, says: "a new process has no history: its first restart is put off as any first one" }
    }

    fn reads(&self) -> &'static [Kind] {
        match self.back_off {
            BackOff::Hyperdrive19 => &[
                Kind::CommandAnswered,
                Kind::Started,
                Kind::Exited,
                Kind::Command,
                Kind::Killed,
                Kind::Durable,
                Kind::Down,
                Kind::Failed,
            ],
            BackOff::Off | BackOff::Kinode10 => &[],
        }
    }

    fn on_event(&mut self, _: Cause, event: &Event, past: &Past, names: &Names) -> Result<(), String> {
        let node = event.node;
        match &event.what {
            What::CommandAnswered(answer, said) if **said == CommandAnswer::InitializedProcess => {
                let initialized = past.lives.node(node).and_then(|known| {
                    let asked = known.initializing.iter().find(|asked| answers(answer, &asked.message));
                    asked.map(|asked| asked.process)
                });
                if let Some(process) = initialized {
                    self.forget(node, process);
                    self.fresh.push((node, process));
                }
            }
            What::Exited(life, ..) => {
                let was_fresh = self.fresh.contains(&(node, life.process));
                self.forget(node, life.process);
                if was_fresh {
                    self.due.push((node, life.process, event.at + Duration::from_secs(2) + LATE));
                }
            }
            What::Started(life) => {
                let late = self.late(node, life.process, event.at, names);
                self.due.retain(|(at, of, _)| (*at, *of) != (node, life.process));
                return late;
            }
            // Whatever else befalls it meanwhile may put an end to it, or give it another on-exit behaviour.
            What::Command(_, command) => match &**command {
                Command::Kill(process) | Command::SetOnExit(process, _) => self.forget(node, *process),
                _ => {}
            },
            What::Killed(life) => self.forget(node, life.process),
            What::Durable(change) => {
                if let Change::Remove(process) = **change {
                    self.forget(node, process);
                }
            }
            What::Down(_) | What::Failed(_) => {
                self.fresh.retain(|(at, _)| *at != node);
                self.due.retain(|(at, ..)| *at != node);
            }
            _ => {}
        }
        Ok(())
    }
}

/// E3: a process keeps its code, and stays public or not, for as long as it is in the table.
#[derive(Clone, Debug, Default)]
pub struct KeepsWhatItIs;

impl Invariant for KeepsWhatItIs {
    fn claim(&self) -> Claim {
        Claim {
            rule: Rule::E3,
            says: "a restart keeps id, code, capabilities, public, on-exit and state, and nothing else",
        }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Durable]
    }

    fn on_event(&mut self, _: Cause, event: &Event, past: &Past, names: &Names) -> Result<(), String> {
        let What::Durable(change) = &event.what else { return Ok(()) };
        let Change::Put(id, row) = &**change else { return Ok(()) };
        let before = past.lives.process(event.node, *id).and_then(|process| process.row());
        match before {
            Some(before) if (before.image, before.public) != (row.image, row.public) => {
                Err(format!("the code of {}, or whether it is public, has changed", names.process_text(*id)))
            }
            Some(_) if past.lives.process(event.node, *id).is_some_and(|process| process.n_lives > 1) => {
                match loses(event.node, *id, row, past) {
                    Some(lost) => {
                        let (who, lost) = (names.process_text(*id), capability_text(&lost, names));
                        Err(format!("{who} was restarted and has lost {lost}"))
                    }
                    None => Ok(()),
                }
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// E10: a life gets nothing that was for another, and no id comes twice.
#[derive(Clone, Debug, Default)]
pub struct NothingLeaks {
    ids: Vec<Ids>,
}

/// The ids of one node's requests.
#[derive(Clone, Debug, Default)]
struct Ids {
    highest: Option<MessageId>,
    /// The highest of the boots before the present one.
    before: Option<MessageId>,
}

impl NothingLeaks {
    fn on_sent(&mut self, event: &Event, message: &Message, past: &Past, names: &Names) -> Result<(), String> {
        let Content::Request(request) = &message.content else { return Ok(()) };
        if request.inherit && request.expects_response.is_none() {
            return Ok(()); // The prompting message's id (M3).
        }
        let ids = entry(&mut self.ids, event.node.0);
        let open = request.expects_response.is_some() && past.requests.get(event.node, message.id).is_some();
        if open || ids.before >= Some(message.id) {
            let who = names.address_text(message.source);
            return Err(format!(
                "{who} sends a request with an id given before, {} (#{})",
                message.id.0, message.cause.0
            ));
        }
        ids.highest = ids.highest.max(Some(message.id));
        Ok(())
    }

    fn on_request(
        &self,
        event: &Event,
        life: Life,
        message: &Message,
        past: &Past,
        names: &Names,
    ) -> Result<(), String> {
        // A local request is in the mailbox the moment it is sent. What a module sends may have an old cause.
        if message.source.node != event.node || message.source.process.is_module() {
            return Ok(());
        }
        match past.lives.process(event.node, life.process) {
            // Before the first run messages wait (S4).
            Some(process) if message.cause < process.started && process.n_lives > 1 => {
                let who = life_text(life, names);
                Err(format!("{who} receives #{}, which was for a life before it", message.cause.0))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn on_outcome(
        &self,
        event: &Event,
        life: Life,
        message: &Message,
        past: &Past,
        names: &Names,
    ) -> Result<(), String> {
        match past.requests.get(event.node, message.id) {
            Some(asked) if asked.asker != life => {
                let (who, asker) = (life_text(life, names), life_text(asked.asker, names));
                Err(format!("{who} receives the outcome of a request of {asker} (#{})", asked.sent.0))
            }
            Some(_) | None => Ok(()),
        }
    }
}

impl Invariant for NothingLeaks {
    fn claim(&self) -> Claim {
        Claim { rule: Rule::E10, says: "nothing leaks from one life to the next, and message ids never repeat" }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Sent, Kind::Received, Kind::ReceivedError, Kind::Booted]
    }

    fn on_event(&mut self, _: Cause, event: &Event, past: &Past, names: &Names) -> Result<(), String> {
        match &event.what {
            What::Sent(message) => self.on_sent(event, message, past, names),
            What::Received(life, message, _) if message.is_request() => {
                self.on_request(event, *life, message, past, names)
            }
            What::Received(life, message, _) | What::ReceivedError(life, _, message, _) => {
                self.on_outcome(event, *life, message, past, names)
            }
            What::Booted(_) => {
                let ids = entry(&mut self.ids, event.node.0);
                ids.before = ids.highest;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
