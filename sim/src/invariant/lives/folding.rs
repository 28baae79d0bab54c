//! What each event says of a node and its processes.

use super::{Fate, How, Initializing, Node, Process, Restarting, answers};
use crate::trace::event::Life;
use kernel_core::command::CommandAnswer;
use kernel_core::{Cause, Change, Exit, Instant, Message, Names, OnExitKind, ProcessRef};
use std::rc::Rc;

pub(super) fn on_sent(node: &mut Node, message: &Message) {
    let Some(source) = node.processes.get_mut(message.source.process.0 as usize) else { return };
    if let (None, Some(fate)) = (source.life, &mut source.fate) {
        fate.n_fired += 1;
    }
}

pub(super) fn on_started(process: &mut Process, life: Life, index: Cause, at: Instant) {
    process.life = Some(life.number);
    process.is_known = true;
    process.started = index;
    process.started_at = at;
    process.n_lives += 1;
    process.due = false;
    process.restarting = None;
    process.last_call = None;
    process.fate = None;
}

pub(super) fn on_exited(process: &mut Process, exit: Exit, index: Cause, at: Instant) {
    process.life = None;
    let how = match exit {
        Exit::Returned => How::Return,
        Exit::Panicked => How::Panic,
    };
    let kind = process.rightful_row().map(|row| row.on_exit.kind());
    match (&process.fate, kind) {
        (Some(_), _) | (None, None) => {}
        (None, Some(OnExitKind::Restart)) => {
            let certain = !process.on_exit_doubtful;
            process.restarting = Some(Restarting { how, at, cause: index, certain });
        }
        (None, Some(OnExitKind::None | OnExitKind::Requests)) => process.ends(how, at, index),
    }
}

pub(super) fn on_durable(node: &mut Node, change: &Rc<Change>, index: Cause, at: Instant) {
    match &**change {
        Change::Put(id, record) => {
            let made = node.up || node.is_making(*id);
            let process = node.process(*id);
            if process.on_exit_pending.as_ref() == Some(&record.on_exit) {
                process.on_exit_pending = None;
            }
            let new = process.row.is_none() && process.lost.is_none();
            process.row = Some(change.clone());
            process.lost = None;
            if new {
                // A row that a crash brings back is not a new process.
                process.fate = process.fate.take().filter(|_| !made);
                process.is_known = false;
                if process.life.is_none() {
                    process.ready = index;
                    process.n_lives = 0;
                }
                if std::mem::take(&mut process.kill_waits) {
                    process.ends(How::Kill, at, index);
                }
            }
        }
        Change::Remove(id) => {
            node.removed_at = at;
            let process = node.process(*id);
            let row = process.row.take();
            match &mut process.fate {
                Some(fate) => fate.effective = fate.effective.or(Some(index)),
                None => process.lost = row.filter(|_| process.is_known),
            }
            if process.fate.is_some() {
                process.on_exit_doubtful = false;
                process.on_exit_pending = None;
                process.lost = None;
            }
        }
    }
}

pub(super) fn on_answered(node: &mut Node, answer: &Message, what: &CommandAnswer, names: &Names) {
    match what {
        CommandAnswer::KilledProcess(text) => {
            let named = |(place, _): &(usize, &mut Process)| names.process_text(ProcessRef(*place as u32)) == text;
            if let Some((_, process)) = node.processes.iter_mut().enumerate().find(named) {
                // Had a row appeared, the answer would have waited until it is gone.
                process.kill_has_waited();
                if let Some(fate) = &mut process.fate {
                    fate.answered |= fate.killed;
                }
            }
        }
        CommandAnswer::InitializedProcess | CommandAnswer::InitializeProcessError => {
            let answered = |command: &Initializing| answers(answer, &command.message);
            let Some(place) = node.initializing.iter().position(answered) else { return };
            let id = node.initializing.remove(place).process;
            let process = node.process(id);
            if *what == CommandAnswer::InitializedProcess {
                // Whatever became of its row: a process that was answered KilledProcess is initialized again.
                process.fate = process.fate.take().filter(|fate| !fate.answered);
                process.is_known = true;
                process.was_not_refused();
            }
        }
        CommandAnswer::StartedProcess | CommandAnswer::RunProcessError | CommandAnswer::Debug(_) => {}
    }
}

/// Its lives are over. What became of its rows shows at the next boot: a write that the crash interrupted may be there.
pub(super) fn on_down(node: &mut Node) {
    node.up = false;
    for process in &mut node.processes {
        process.life = None;
        process.restarting = None;
        process.kill_waits = false;
        process.on_exit_pending = None;
        process.on_exit_doubtful = false;
        process.last_call = None;
    }
}

/// P5: what is known of its processes is what was known at the cut. A process killed before stays dead, one killed
/// since was never killed.
pub(super) fn on_restored(node: &mut Node, nth: u32) {
    if let Some(cut) = node.cuts.get(nth as usize - 1) {
        node.processes.clone_from(cut);
        on_down(node);
    }
}

/// X.down: from here on the rows say which processes start and which have ended.
pub(super) fn on_booted(node: &mut Node, index: Cause, at: Instant) {
    node.up = true;
    node.n_boots += 1;
    node.booted_at = at;
    node.initializing.clear();
    node.spawning.clear();
    let guests = node.processes.iter_mut().enumerate().filter(|(id, _)| !ProcessRef(*id as u32).is_module());
    for (_, process) in guests {
        process.ready = index;
        process.n_lives = 0;
        process.due = false;
        // An exit that was durable, or a death that was acknowledged, stands; any other is an exit by `down` (E2).
        let stands = |fate: &Fate| fate.effective.is_some() || fate.answered;
        if process.fate.as_ref().is_some_and(stands) {
            continue;
        }
        process.fate = None;
        match process.rightful_row().map(|row| row.on_exit.kind()) {
            Some(OnExitKind::None | OnExitKind::Requests) => process.ends(How::Down, at, index),
            Some(OnExitKind::Restart) => process.due = true,
            None => {}
        }
        if let (None, Some(fate)) = (&process.row, &mut process.fate) {
            fate.effective = Some(index);
        }
    }
}
