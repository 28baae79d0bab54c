//! How processes start: S2 to S7.

use crate::invariant::lives::{Presence, Process, answers};
use crate::invariant::message::same;
use crate::invariant::{Claim, Invariant, Past};
use crate::trace::event::{Event, Kind, What};
use crate::trace::life_text;
use kernel_core::command::{Command, CommandAnswer};
use kernel_core::{Address, Cause, Change, Message, Names, NodeId, ProcessRef, Rule};
use std::rc::Rc;

/// S2: code that is not valid makes no process, and no row is without code.
#[derive(Clone, Debug, Default)]
pub struct CodeIsValid {
    /// Commands to initialize that must fail.
    invalid: Vec<Rc<Message>>,
}

const N_KEPT: usize = 64;

impl Invariant for CodeIsValid {
    fn claim(&self) -> Claim {
        Claim { rule: Rule::S2, says: "only valid code, under a legal id that is free, is answered InitializedProcess" }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::InvalidCode, Kind::Command, Kind::CommandAnswered, Kind::Durable]
    }

    fn on_event(&mut self, _: Cause, event: &Event, past: &Past, names: &Names) -> Result<(), String> {
        match &event.what {
            What::InvalidCode(message) => self.must_fail(message),
            What::Command(message, command) => {
                if let Command::Initialize(init) = &**command
                    && message.target.node == event.node
                    && (!names.process_id(init.id).is_legal() || is_taken(past, event.node, init.id))
                {
                    self.must_fail(message);
                }
            }
            What::CommandAnswered(answer, said)
                if **said == CommandAnswer::InitializedProcess
                    && self.invalid.iter().any(|message| answers(answer, message)) =>
            {
                let who = names.address_text(answer.target);
                return Err(format!("{who} was answered InitializedProcess, though its code or id is not valid"));
            }
            What::Durable(change) => {
                if let Change::Put(id, row) = &**change
                    && row.image.is_none()
                    && !id.is_module()
                {
                    return Err(format!("{} has a row and no valid code", names.process_text(*id)));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl CodeIsValid {
    fn must_fail(&mut self, message: &Rc<Message>) {
        if self.invalid.len() == N_KEPT {
            self.invalid.remove(0);
        }
        self.invalid.push(message.clone());
    }
}

/// Whether an id is certainly in the table: it lives, waits to be run or restarted, or ends (E2).
fn is_taken(past: &Past, node: NodeId, id: ProcessRef) -> bool {
    let is_there = |process: &Process| match &process.fate {
        Some(fate) => fate.effective.is_none() && process.row().is_some(),
        None => process.life.is_some() || process.row().is_some(),
    };
    id.is_module() || past.lives.process(node, id).is_some_and(is_there)
}

/// A `RunProcess` that has not been answered.
#[derive(Clone, Debug)]
struct Asked {
    message: Rc<Message>,
    node: NodeId,
    process: ProcessRef,
    at: Cause,
    /// It is initialized beyond doubt, and waits for this.
    waits: bool,
    /// It waits out a back-off beyond doubt.
    backs_off: bool,
}

/// S3: the answer to a run says what has happened, and the kernel sends guests nothing but answers.
#[derive(Clone, Debug, Default)]
pub struct RunIsAnswered {
    asked: Vec<Asked>,
}

impl Invariant for RunIsAnswered {
    fn claim(&self) -> Claim {
        Claim {
            rule: Rule::S3,
            says: "StartedProcess means that init was called now; RunProcessError, that nothing happened",
        }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Command, Kind::CommandAnswered, Kind::Received, Kind::Down, Kind::Failed]
    }

    fn on_event(&mut self, index: Cause, event: &Event, past: &Past, names: &Names) -> Result<(), String> {
        match &event.what {
            What::Command(message, command) if message.target.node == event.node => {
                if let Command::Run(process) = **command {
                    let making = past.lives.node(event.node).is_some_and(|node| node.is_making(process));
                    let waits = !making && past.lives.presence(event.node, process) == Presence::Waiting;
                    let known = past.lives.process(event.node, process);
                    let backs_off = known.and_then(|known| known.restarting).is_some_and(|exit| exit.certain);
                    let message = message.clone();
                    self.asked.push(Asked { message, node: event.node, process, at: index, waits, backs_off });
                }
            }
            What::CommandAnswered(answer, said) => {
                let (started, error) =
                    (**said == CommandAnswer::StartedProcess, **said == CommandAnswer::RunProcessError);
                let is = |asked: &Asked| asked.node == event.node && answers(answer, &asked.message);
                let Some(place) = self.asked.iter().position(is).filter(|_| started || error) else { return Ok(()) };
                let Asked { process, at, waits, backs_off, .. } = self.asked.swap_remove(place);
                let known = past.lives.process(event.node, process);
                let lives = known.is_some_and(|known| known.life.is_some() && known.started > at);
                let who = names.process_text(process);
                if started && backs_off {
                    return Err(format!("{who} waited out a back-off, and was run (#{}) before it was over", at.0));
                }
                if started && !lives {
                    return Err(format!("{who} was answered StartedProcess (#{}), and no life of it began", at.0));
                }
                if error && (waits || lives) {
                    return Err(format!("{who} was there to be run, and that was answered with the error (#{})", at.0));
                }
            }
            What::Received(life, message, _)
                if message.is_request()
                    && message.source == (Address { node: event.node, process: ProcessRef::KERNEL }) =>
            {
                return Err(format!("{} receives a request from the kernel", life_text(*life, names)));
            }
            What::Down(_) | What::Failed(_) => self.asked.retain(|asked| asked.node != event.node),
            _ => {}
        }
        Ok(())
    }
}

/// S4: what came before the run is received first, in the order in which it came.
#[derive(Clone, Debug, Default)]
pub struct EarlyMessagesWait {
    /// Messages that found their process initialized and not yet run, oldest first.
    waiting: Vec<(NodeId, ProcessRef, Rc<Message>)>,
    /// Processes that were said to be started, and when.
    run: Vec<(NodeId, ProcessRef, Cause)>,
    asked: Vec<(NodeId, ProcessRef, Rc<Message>)>,
}

impl EarlyMessagesWait {
    fn forget(&mut self, node: NodeId, process: ProcessRef) {
        self.waiting.retain(|(at, id, _)| (*at, *id) != (node, process));
        self.run.retain(|(at, id, _)| (*at, *id) != (node, process));
    }
}

impl Invariant for EarlyMessagesWait {
    fn claim(&self) -> Claim {
        Claim {
            rule: Rule::S4,
            says: "messages that arrive before the run wait and are delivered after the start, in order",
        }
    }

    fn reads(&self) -> &'static [Kind] {
        &[
            Kind::Sent,
            Kind::Arrived,
            Kind::Dropped,
            Kind::Received,
            Kind::Exited,
            Kind::Killed,
            Kind::Down,
            Kind::Failed,
            Kind::Durable,
            Kind::Command,
            Kind::CommandAnswered,
        ]
    }

    fn on_event(&mut self, index: Cause, event: &Event, past: &Past, names: &Names) -> Result<(), String> {
        let node = event.node;
        match &event.what {
            // A process initialized again under this id has not been run.
            What::Durable(change) => {
                if let Change::Remove(process) = **change {
                    self.forget(node, process);
                }
            }
            What::Sent(message) | What::Arrived(message) if message.target.node == node && message.is_request() => {
                let target = message.target.process;
                if past.lives.presence(node, target) == Presence::Waiting {
                    self.waiting.push((node, target, message.clone()));
                }
            }
            _ if self.waiting.is_empty() && self.run.is_empty() && !matches!(event.what, What::Command(..)) => {}
            What::Dropped(message, _) => self.waiting.retain(|(_, _, waiting)| !same(waiting, message)),
            What::Received(life, message, _) if message.is_request() => {
                let mine = |(at, id, _): &(NodeId, ProcessRef, Rc<Message>)| (*at, *id) == (node, life.process);
                let Some(first) = self.waiting.iter().position(mine) else { return Ok(()) };
                let (_, _, oldest) = &self.waiting[first];
                if !same(oldest, message) {
                    let (who, cause) = (life_text(*life, names), message.cause.0);
                    return Err(format!("{who} receives #{cause} before #{}, which came first", oldest.cause.0));
                }
                self.waiting.remove(first);
            }
            What::Exited(life, ..) | What::Killed(life) => self.forget(node, life.process),
            What::Down(_) | What::Failed(_) => {
                self.waiting.retain(|(at, ..)| *at != node);
                self.run.retain(|(at, ..)| *at != node);
                self.asked.retain(|(at, ..)| *at != node);
            }
            What::Command(message, command) => {
                if let Command::Run(process) = **command {
                    self.asked.push((node, process, message.clone()));
                }
            }
            What::CommandAnswered(answer, said) if **said == CommandAnswer::StartedProcess => {
                let is = |(_, _, asked): &(NodeId, ProcessRef, Rc<Message>)| answers(answer, asked);
                if let Some(place) = self.asked.iter().position(is) {
                    let (node, process, _) = self.asked.swap_remove(place);
                    self.run.push((node, process, index));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn at_end(&mut self, past: &Past, names: &Names) -> Result<(), String> {
        for (node, process, at) in &self.run {
            let waits = past.lives.presence(*node, *process) == Presence::Waiting;
            let waiting = self.waiting.iter().filter(|(at, id, _)| (at, id) == (node, process)).count();
            if waits && waiting > 0 {
                let who = names.process_text(*process);
                return Err(format!("{who} was run (#{}), and {waiting} messages still wait for its start", at.0));
            }
        }
        Ok(())
    }
}

/// S5: a life begins from what is durable of its process, when no other is under way.
#[derive(Clone, Debug, Default)]
pub struct OneLifeAtATime;

impl Invariant for OneLifeAtATime {
    fn claim(&self) -> Claim {
        Claim { rule: Rule::S5, says: "every start is alike: one life at a time, from what was persisted" }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Started]
    }

    fn on_event(&mut self, _: Cause, event: &Event, past: &Past, names: &Names) -> Result<(), String> {
        let What::Started(life) = &event.what else { return Ok(()) };
        let process = past.lives.process(event.node, life.process);
        let who = || life_text(*life, names);
        match process {
            Some(process) if process.life.is_some() => Err(format!("{} starts beside a life of its own", who())),
            Some(process) if process.is_on_record() => Ok(()),
            Some(_) | None => Err(format!("{} starts, and nothing of it is durable", who())),
        }
    }
}

/// S7: between the start of a life and its end time passes.
#[derive(Clone, Debug, Default)]
pub struct StartsTakeTime;

impl Invariant for StartsTakeTime {
    fn claim(&self) -> Claim {
        Claim { rule: Rule::S7, says: "every start takes a fixed virtual time greater than zero" }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Exited]
    }

    fn on_event(&mut self, _: Cause, event: &Event, past: &Past, names: &Names) -> Result<(), String> {
        let What::Exited(life, ..) = &event.what else { return Ok(()) };
        match past.lives.process(event.node, life.process) {
            Some(process) if process.life.is_some() && process.started_at >= event.at => {
                Err(format!("{} exits at the instant at which it started", life_text(*life, names)))
            }
            Some(_) | None => Ok(()),
        }
    }
}
