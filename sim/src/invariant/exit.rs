//! The exit matrix: four ways to exit by three behaviours, a rule for each cell; and E6, E8.
//!
//! What exactly is fired, and on whose authority, is for `on_exit_requests` and `capability`.

use crate::invariant::lives::{Fate, Node, Process, Restarting};
use crate::invariant::{Claim, Invariant, Past};
use crate::trace::event::{Event, Kind, What};
use crate::trace::life_text;
use kernel_core::{
    BackOff, CallKind, Cause, Change, Duration, How, Names, NodeId, OnExit, OnExitKind, ProcessRef, Rule,
};
use std::rc::Rc;

/// How long a durable write may be under way when the run ends, and a boot may take.
const UNDER_WAY: Duration = Duration::from_secs(60);

/// A cell of the exit matrix.
#[derive(Clone, Debug)]
pub struct Cell {
    how: How,
    column: OnExitKind,
    /// How long a restart may be put off.
    patience: Duration,
    /// Exits of this cell that have just taken effect: their requests are due in this step.
    firing: Vec<Firing>,
}

#[derive(Clone, Debug)]
struct Firing {
    node: NodeId,
    process: ProcessRef,
    /// The last change of the table write that made the exit durable: the cause of all that follows from it.
    written: Cause,
}

/// How long a restart may be put off.
pub(crate) fn patience(back_off: BackOff) -> Duration {
    match back_off {
        BackOff::Off => Duration::ZERO,
        BackOff::Hyperdrive19 => Duration::from_secs(11 * 60),
        // Its waits have no cap: only a world that stays idle for ever tells.
        BackOff::Kinode10 => Duration(u64::MAX / 2),
    }
}

/// All twelve.
pub fn cells(back_off: BackOff) -> impl Iterator<Item = Cell> {
    let patience = patience(back_off);
    let columns = [OnExitKind::None, OnExitKind::Restart, OnExitKind::Requests];
    let cells = How::ALL.into_iter().flat_map(move |how| columns.map(|column| (how, column)));
    cells.map(move |(how, column)| Cell { how, column, patience, firing: vec![] })
}

impl Cell {
    /// Whether a process of this cell comes back.
    fn restarts(&self) -> bool {
        self.column == OnExitKind::Restart && self.how != How::Kill
    }

    fn text(&self, process: ProcessRef, since: Cause, names: &Names) -> String {
        let (process, how) = (names.process_text(process), self.how.text());
        format!("{process} {how} under {:?} (#{})", self.column, since.0)
    }

    /// Requests: those due are sent in the step of the write. When the next one begins, all must have been.
    fn on_step(&mut self, index: Cause, event: &Event, past: &Past, names: &Names) -> Result<(), String> {
        let down = matches!(event.what, What::Down(_) | What::Failed(_));
        let last = past.lives.node(event.node).map(|node| node.last);
        let mut still = Vec::new();
        for mut due in std::mem::take(&mut self.firing) {
            let untold = last == Some(due.written);
            match &event.what {
                _ if due.node != event.node => still.push(due),
                What::Durable(_) if untold => {
                    due.written = index;
                    still.push(due);
                }
                // Down before the kernel heard of the write: they are lost (E2).
                _ if down && untold => {}
                _ => self.check_fired(&due, past, names)?,
            }
        }
        self.firing = still;
        Ok(())
    }

    fn check_fired(&self, due: &Firing, past: &Past, names: &Names) -> Result<(), String> {
        let Some(fate) = past.lives.fate(due.node, due.process) else { return Ok(()) };
        let OnExit::Requests(list) = &fate.on_exit else { return Ok(()) };
        if fate.n_fired >= list.len() {
            return Ok(());
        }
        let (n, of) = (fate.n_fired, list.len());
        let who = self.text(due.process, fate.cause, names);
        Err(format!("{who} and its exit is durable (#{}), but {n} of its {of} requests were fired", due.written.0))
    }

    /// Down: nobody fires while a process that is to be started by this boot is not.
    fn check_all_up(&self, event: &Event, past: &Past, names: &Names) -> Result<(), String> {
        let What::Sent(message) = &event.what else { return Ok(()) };
        if !past.sender_is_dead {
            return Ok(());
        }
        let process = past.lives.process(event.node, message.source.process);
        let fires = process.is_some_and(|p| p.life.is_none() && p.fate.as_ref().is_some_and(|fate| self.has(fate)));
        let Some(node) = past.lives.node(event.node).filter(|_| fires) else { return Ok(()) };
        match node.processes().find(|(_, process)| process.due && process.row().is_some()) {
            Some((late, _)) => {
                let (late, who) = (names.process_text(late), names.process_text(message.source.process));
                Err(format!("{who} fires its requests at the boot before {late} is started"))
            }
            None => Ok(()),
        }
    }

    fn has(&self, fate: &Fate) -> bool {
        fate.is(self.how, self.column)
    }

    /// Down: what is to be started has been, once the rows that end are off the disk.
    fn check_booted(&self, node: &Node, past: &Past, names: &Names) -> Result<(), String> {
        let ends = |process: &Process| process.fate.as_ref().is_some_and(|fate| fate.effective.is_none());
        let settled = node.booted_at.max(node.removed_at) + Duration::from_secs(1);
        if !node.up || past.now < settled || node.processes().any(|(_, process)| ends(process)) {
            return Ok(());
        }
        match node.processes().find(|(_, process)| process.due) {
            Some((late, _)) => {
                let late = names.process_text(late);
                Err(format!("{late} was a Restart process when its node went down, and was not started since the boot"))
            }
            None => Ok(()),
        }
    }

    /// At the end: a process that exited by itself is back, one that ended is off the disk.
    fn check_end(&self, node: &Node, past: &Past, names: &Names) -> Result<(), String> {
        for (id, process) in node.processes() {
            let is_late = |r: &Restarting| r.how == self.how && past.now - r.at >= self.patience;
            if let Some(late) = process.restarting.filter(|r| self.restarts() && r.certain && is_late(r)) {
                return Err(format!("{} and was not restarted", self.text(id, late.cause, names)));
            }
            let Some(fate) = process.fate.as_ref().filter(|fate| self.has(fate)) else { continue };
            let since = fate.at.max(node.booted_at).max(node.removed_at).max(past.lifted_at.unwrap_or_default());
            let under_way = if past.lifted_at.is_some() { Duration::from_secs(2) } else { UNDER_WAY };
            if process.row().is_some() && fate.effective.is_none() && past.now - since >= under_way {
                let who = self.text(id, fate.cause, names);
                return Err(format!("{who} and its row is still on the disk"));
            }
        }
        Ok(())
    }
}

impl Invariant for Cell {
    fn claim(&self) -> Claim {
        Claim::of(Rule::X(self.how, self.column))
    }

    fn reads(&self) -> &'static [Kind] {
        match (self.column, self.how) {
            (OnExitKind::Requests, How::Down) => {
                &[Kind::Sent, Kind::Started, Kind::Exited, Kind::Durable, Kind::Down, Kind::Failed]
            }
            (OnExitKind::Requests, How::Return | How::Panic | How::Kill) => {
                &[Kind::Started, Kind::Exited, Kind::Durable, Kind::Down, Kind::Failed]
            }
            (OnExitKind::None | OnExitKind::Restart, _) => &[Kind::Started, Kind::Down, Kind::Failed],
        }
    }

    fn on_event(&mut self, index: Cause, event: &Event, past: &Past, names: &Names) -> Result<(), String> {
        if let What::Sent(_) = event.what {
            return self.check_all_up(event, past, names);
        }
        // A start begins no step: at a boot those of the restarted come before the requests.
        if !self.firing.is_empty() && !matches!(event.what, What::Started(_)) {
            self.on_step(index, event, past, names)?;
        }
        match &event.what {
            What::Started(life) => match past.lives.fate(event.node, life.process) {
                Some(fate) if self.has(fate) => {
                    let who = self.text(life.process, fate.cause, names);
                    Err(format!("{who}, and starts again as {}", life_text(*life, names)))
                }
                Some(_) | None => Ok(()),
            },
            What::Durable(change) => {
                if let (Change::Remove(process), OnExitKind::Requests) = (&**change, self.column) {
                    let fate = past.lives.fate(event.node, *process);
                    let up = past.lives.node(event.node).is_some_and(|node| node.up);
                    // What shows at a boot was durable before its kernel heard of it: the requests are lost (E2).
                    if up && fate.is_some_and(|fate| self.has(fate) && fate.effective.is_none()) {
                        self.firing.push(Firing { node: event.node, process: *process, written: index });
                    }
                }
                Ok(())
            }
            What::Down(_) | What::Failed(_) if self.how == How::Down && self.restarts() => {
                match past.lives.node(event.node) {
                    Some(node) => self.check_booted(node, past, names),
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    fn at_end(&mut self, past: &Past, names: &Names) -> Result<(), String> {
        for due in &self.firing {
            self.check_fired(due, past, names)?;
        }
        for (_, node) in past.lives.nodes().filter(|(_, node)| node.up) {
            if self.how == How::Down && self.restarts() {
                self.check_booted(node, past, names)?;
            }
            self.check_end(node, past, names)?;
        }
        Ok(())
    }
}

/// E6: one life more after an exit under None, or one word, is one too many.
#[derive(Clone, Debug, Default)]
pub struct NoneMeansNothing;

impl Invariant for NoneMeansNothing {
    fn claim(&self) -> Claim {
        Claim { rule: Rule::E6, says: "None: not restarted, and nothing happens, no matter what" }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Started, Kind::Sent]
    }

    fn on_event(&mut self, _: Cause, event: &Event, past: &Past, names: &Names) -> Result<(), String> {
        let (process, does) = match &event.what {
            What::Started(life) => (life.process, "is started again"),
            What::Sent(message) if past.sender_is_dead => (message.source.process, "sends a message"),
            _ => return Ok(()),
        };
        let Some(ended) = past.lives.process(event.node, process) else { return Ok(()) };
        match &ended.fate {
            Some(fate) if fate.certain && fate.on_exit.kind() == OnExitKind::None && ended.life.is_none() => {
                let (who, how) = (names.process_text(process), fate.how.text());
                Err(format!("{who} {how} under None (#{}), and {does}", fate.cause.0))
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// E8: what a life sets is durable when the call returns.
#[derive(Clone, Debug, Default)]
pub struct OnExitIsDurable {
    /// Values asked for, and whether they have been durable since.
    asked: Vec<(NodeId, ProcessRef, Rc<OnExit>, bool)>,
}

impl Invariant for OnExitIsDurable {
    fn claim(&self) -> Claim {
        Claim { rule: Rule::E8, says: "set_on_exit replaces the value, durably before it returns" }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::SetsOnExit, Kind::Durable, Kind::Returned, Kind::Started, Kind::Down, Kind::Failed]
    }

    fn on_event(&mut self, _: Cause, event: &Event, past: &Past, names: &Names) -> Result<(), String> {
        match &event.what {
            What::SetsOnExit(life, value) => {
                let row = past.lives.process(event.node, life.process).and_then(|process| process.row());
                let already = row.is_some_and(|row| row.on_exit == **value);
                self.asked.retain(|(node, process, ..)| (*node, *process) != (event.node, life.process));
                self.asked.push((event.node, life.process, value.clone(), already));
            }
            What::Durable(change) => {
                if let Change::Put(id, row) = &**change {
                    let of = |(node, process, ..): &&mut (NodeId, ProcessRef, Rc<OnExit>, bool)| {
                        (*node, *process) == (event.node, *id)
                    };
                    for (_, _, value, durable) in self.asked.iter_mut().filter(of) {
                        *durable |= **value == row.on_exit;
                    }
                }
            }
            What::Returned(life, CallKind::SetOnExit) => {
                let of = |(node, process, ..): &(NodeId, ProcessRef, Rc<OnExit>, bool)| {
                    (*node, *process) == (event.node, life.process)
                };
                if let Some(place) = self.asked.iter().position(of) {
                    let (_, _, value, durable) = self.asked.swap_remove(place);
                    if !durable {
                        let who = life_text(*life, names);
                        return Err(format!("set-on-exit of {who} returned before {:?} was durable", value.kind()));
                    }
                }
            }
            What::Started(life) => {
                self.asked.retain(|(node, process, ..)| (*node, *process) != (event.node, life.process));
            }
            What::Down(_) | What::Failed(_) => self.asked.retain(|(node, ..)| *node != event.node),
            _ => {}
        }
        Ok(())
    }
}
