//! Which on-exit value is in force, and that a return honours it: E7, E8.

use crate::invariant::{Claim, Invariant, Past};
use crate::trace::event::{Event, Kind, What};
use crate::trace::life_text;
use kernel_core::command::Command;
use kernel_core::{Answer, Cause, Change, Duration, How, Names, NodeId, OnExit, OnExitKind, ProcessRef, Rule};

/// E8: the value in force is the durable one, whether the process or a command set it.
#[derive(Clone, Debug, Default)]
pub struct LatestIsInForce {
    /// Values set by command, and whether they have been durable since.
    outside: Vec<(NodeId, ProcessRef, OnExit, bool)>,
}

impl LatestIsInForce {
    /// Whether the value in force was set from outside, durably.
    fn has(&self, node: NodeId, process: ProcessRef) -> bool {
        self.outside.iter().any(|(at, id, _, durable)| (*at, *id, *durable) == (node, process, true))
    }

    fn forget(&mut self, node: NodeId, process: ProcessRef) {
        self.outside.retain(|(at, id, ..)| (*at, *id) != (node, process));
    }
}

impl Invariant for LatestIsInForce {
    fn claim(&self) -> Claim {
        Claim { rule: Rule::E8, says: "the on-exit value in force at the exit counts, whoever set it" }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Command, Kind::SetsOnExit, Kind::Durable, Kind::Started, Kind::Learned, Kind::Down, Kind::Failed]
    }

    fn on_event(&mut self, _: Cause, event: &Event, past: &Past, names: &Names) -> Result<(), String> {
        let node = event.node;
        match &event.what {
            What::Command(message, command) if message.target.node == node => {
                if let Command::SetOnExit(id, value) = &**command {
                    self.forget(node, *id);
                    self.outside.push((node, *id, value.clone(), false));
                }
            }
            What::SetsOnExit(life, _) => self.forget(node, life.process),
            What::Durable(change) => match &**change {
                Change::Put(id, row) => {
                    let of =
                        |(at, process, ..): &&mut (NodeId, ProcessRef, OnExit, bool)| (*at, *process) == (node, *id);
                    for (_, _, value, durable) in self.outside.iter_mut().filter(of) {
                        *durable = *value == row.on_exit;
                    }
                }
                Change::Remove(id) => {
                    let known = past.lives.process(node, *id);
                    let restarting = known.and_then(|known| known.restarting).filter(|restarting| restarting.certain);
                    if let Some(restarting) = restarting.filter(|_| self.has(node, *id)) {
                        let (who, cause) = (names.process_text(*id), restarting.cause.0);
                        return Err(format!("{who} exited (#{cause}) and ends, though its owner set Restart for it"));
                    }
                    self.forget(node, *id);
                }
            },
            What::Started(life) => {
                let fate = past.lives.fate(node, life.process).filter(|fate| fate.certain && fate.how != How::Kill);
                if let Some(fate) = fate.filter(|_| self.has(node, life.process)) {
                    let (who, kind) = (life_text(*life, names), fate.on_exit.kind());
                    return Err(format!("{who} starts, though its owner set {kind:?} for it before the exit"));
                }
            }
            What::Learned(life, _, answer) => {
                let Answer::OnExit(value) = &**answer else { return Ok(()) };
                let known = past.lives.process(node, life.process);
                let durable = known.filter(|known| known.on_exit_is_certain()).and_then(|known| known.row());
                if let Some(row) = durable.filter(|row| row.on_exit != *value) {
                    let (who, is, said) = (life_text(*life, names), row.on_exit.kind(), value.kind());
                    return Err(format!("{who} is {is:?} by its row, and get-on-exit returns {said:?}"));
                }
            }
            What::Down(_) | What::Failed(_) => self.outside.retain(|(at, ..)| *at != node),
            _ => {}
        }
        Ok(())
    }
}

/// E7: whatever `init` returns under comes about.
#[derive(Clone, Debug)]
pub struct ReturnIsHonoured {
    /// How long a restart may be put off.
    patience: Duration,
}

impl ReturnIsHonoured {
    /// While nothing has happened.
    pub fn new(patience: Duration) -> ReturnIsHonoured {
        ReturnIsHonoured { patience }
    }
}

impl Invariant for ReturnIsHonoured {
    fn claim(&self) -> Claim {
        Claim { rule: Rule::E7, says: "if init returns, the on-exit behaviour is always honoured" }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Started]
    }

    fn on_event(&mut self, _: Cause, event: &Event, past: &Past, names: &Names) -> Result<(), String> {
        let What::Started(life) = &event.what else { return Ok(()) };
        let fate = past.lives.fate(event.node, life.process);
        match fate.filter(|fate| fate.certain && fate.how == How::Return) {
            Some(fate) if fate.on_exit.kind() != OnExitKind::Restart => {
                let (who, cause) = (life_text(*life, names), fate.cause.0);
                Err(format!("{who} starts, though init returned under {:?} (#{cause})", fate.on_exit.kind()))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn at_end(&mut self, past: &Past, names: &Names) -> Result<(), String> {
        for (_, node) in past.lives.nodes().filter(|(_, node)| node.up) {
            for (id, process) in node.processes() {
                let returned = process.restarting.filter(|exit| exit.certain && exit.how == How::Return);
                if let Some(exit) = returned.filter(|exit| past.now - exit.at >= self.patience) {
                    let (who, cause) = (names.process_text(id), exit.cause.0);
                    return Err(format!("{who} returned under Restart (#{cause}), and has no life"));
                }
            }
        }
        Ok(())
    }
}
