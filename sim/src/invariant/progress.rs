//! That a node does not fail, and goes on whatever its processes do: E2, E9, M5.

use crate::invariant::{Claim, Invariant, Past};
use crate::trace::event::{Event, Kind, What};
use crate::trace::life_text;
use kernel_core::command::Command;
use kernel_core::{CallKind, Cause, Duration, Exit, Instant, Message, Names, NodeId, ProcessRef, Rule};
use std::rc::Rc;

/// E2: no exit of a process takes its node down.
#[derive(Clone, Debug, Default)]
pub struct NodesDoNotFail;

impl Invariant for NodesDoNotFail {
    fn claim(&self) -> Claim {
        Claim { rule: Rule::E2, says: "an exit ends a process in one step, and never takes its node down" }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Failed]
    }

    fn on_event(&mut self, _: Cause, event: &Event, _: &Past, names: &Names) -> Result<(), String> {
        let What::Failed(text) = &event.what else { return Ok(()) };
        Err(format!("{} went down by itself: {text}", names.node_text(event.node)))
    }
}

/// M5: a kernel acts on a call when it takes effect, and on a kill or a shutdown whatever the guests do.
#[derive(Clone, Debug, Default)]
pub struct KernelsGoOn {
    /// A call that is a message, and whose message must come next.
    owed: Option<(Cause, CallKind)>,
    /// Nodes that were commanded to shut down and are still up.
    shuts_down: Vec<ShutsDown>,
}

#[derive(Clone, Debug)]
struct ShutsDown {
    node: NodeId,
    since: Instant,
    command: Rc<Message>,
}

/// How long a shutdown may take: it writes nothing that could take longer.
const SHUTDOWN: Duration = Duration::from_secs(1);

impl KernelsGoOn {
    fn check(&mut self) -> Result<(), String> {
        match self.owed.take() {
            Some((call, kind)) => {
                Err(format!("{} (#{}) takes effect, and the kernel does nothing", kind.name(), call.0))
            }
            None => Ok(()),
        }
    }
}

impl Invariant for KernelsGoOn {
    fn claim(&self) -> Claim {
        Claim { rule: Rule::M5, says: "a process that does not receive, or spins, delays nobody but itself" }
    }

    fn reads(&self) -> &'static [Kind] {
        &[
            Kind::Called,
            Kind::Sent,
            Kind::Exited,
            Kind::Killed,
            Kind::Down,
            Kind::Failed,
            Kind::Lifted,
            Kind::Spun,
            Kind::Command,
            Kind::Dropped,
        ]
    }

    fn on_event(&mut self, index: Cause, event: &Event, past: &Past, names: &Names) -> Result<(), String> {
        match &event.what {
            What::Called(_, kind, _) => {
                self.check()?;
                if matches!(kind, CallKind::SendRequest | CallKind::SendResponse | CallKind::SendAndAwaitResponse) {
                    self.owed = Some((index, *kind));
                }
            }
            What::Sent(_) | What::Exited(..) | What::Killed(_) => self.owed = None,
            What::Down(_) | What::Failed(_) => {
                self.owed = None;
                self.shuts_down.retain(|shutdown| shutdown.node != event.node);
            }
            What::Command(message, command) if **command == Command::Shutdown && message.target.node == event.node => {
                self.shuts_down.push(ShutsDown { node: event.node, since: event.at, command: message.clone() });
            }
            // Nothing comes of a command that its sender may not give.
            What::Dropped(message, _) => {
                self.shuts_down.retain(|shutdown| !Rc::ptr_eq(&shutdown.command, message));
            }
            What::Lifted => return self.check(),
            What::Spun(life, _) => {
                let fate = past.lives.fate(event.node, life.process).filter(|fate| fate.killed);
                if let Some(fate) = fate.filter(|fate| fate.at < event.at) {
                    let who = life_text(*life, names);
                    return Err(format!("{who} was killed (#{}), and still computes", fate.cause.0));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn at_end(&mut self, past: &Past, names: &Names) -> Result<(), String> {
        self.check()?;
        if let Some(late) = self.shuts_down.iter().find(|shutdown| past.now >= shutdown.since + SHUTDOWN) {
            let node = names.node_text(late.node);
            return Err(format!("{node} was commanded to shut down (#{}), and never went down", late.command.cause.0));
        }
        for (node, id, asked) in past.requests.open() {
            let process = asked.asker.process;
            let up = past.lives.node(node).is_some_and(|at| at.up && at.n_boots == asked.asker.number);
            if process.is_module() && up && past.now >= asked.deadline + Duration::from_secs(1) {
                let (who, node) = (names.process_text(process), names.node_text(node));
                return Err(format!(
                    "{who} sent a request (#{}, id {}), and the kernel of {node} is stuck",
                    asked.sent.0, id.0
                ));
            }
        }
        Ok(())
    }
}

/// How a process has crashed since it was initialized or its node booted.
#[derive(Clone, Debug)]
struct Loop {
    node: NodeId,
    process: ProcessRef,
    n_crashes: u32,
    last: Instant,
}

/// E9: who crashes under Restart crashes for ever, and not in no time.
#[derive(Clone, Debug, Default)]
pub struct CrashesForEver {
    loops: Vec<Loop>,
    /// How long a restart may be put off.
    patience: Duration,
}

impl CrashesForEver {
    /// While nothing has happened.
    pub fn new(patience: Duration) -> CrashesForEver {
        CrashesForEver { loops: vec![], patience }
    }
}

impl Invariant for CrashesForEver {
    fn claim(&self) -> Claim {
        Claim {
            rule: Rule::E9,
            says: "a Restart process that crashes structurally crashes for ever, until it is killed",
        }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Exited, Kind::Killed, Kind::Down, Kind::Failed]
    }

    fn on_event(&mut self, _: Cause, event: &Event, _: &Past, names: &Names) -> Result<(), String> {
        match &event.what {
            What::Exited(life, Exit::Panicked, _) => {
                let (node, process) = (event.node, life.process);
                let known = self.loops.iter_mut().find(|known| (known.node, known.process) == (node, process));
                match known {
                    Some(known) if known.last == event.at => {
                        return Err(format!("{} crashes twice at one instant", names.process_text(process)));
                    }
                    Some(known) => (known.n_crashes, known.last) = (known.n_crashes + 1, event.at),
                    None => self.loops.push(Loop { node, process, n_crashes: 1, last: event.at }),
                }
            }
            What::Exited(life, Exit::Returned, _) | What::Killed(life) => {
                self.loops.retain(|known| (known.node, known.process) != (event.node, life.process));
            }
            What::Down(_) | What::Failed(_) => self.loops.retain(|known| known.node != event.node),
            _ => {}
        }
        Ok(())
    }

    fn at_end(&mut self, past: &Past, names: &Names) -> Result<(), String> {
        for Loop { node, process, n_crashes, last } in self.loops.iter().filter(|known| known.n_crashes > 1) {
            let known = past.lives.process(*node, *process);
            let over = known.and_then(|known| known.restarting).is_some_and(|restarting| restarting.certain);
            if over && past.now - *last >= self.patience {
                let who = names.process_text(*process);
                return Err(format!("{who} crashed {n_crashes} times, and its crash loop ended without a kill"));
            }
        }
        Ok(())
    }
}
