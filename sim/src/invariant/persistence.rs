//! What an answer says is durable, is: P1, P2.

use crate::invariant::lives::{answers, entry};
use crate::invariant::{Claim, Invariant, Past};
use crate::trace::event::{Event, Kind, Life, What};
use crate::trace::life_text;
use kernel_core::command::{Command, CommandAnswer};
use kernel_core::{Bytes, CallKind, Cause, Change, Names, NodeId, ProcessRef, Rule};

/// A saved state; `None`: there is none.
type State = Option<Bytes>;

/// What is known of one process's saved state.
#[derive(Clone, Debug, Default)]
struct Saved {
    durable: State,
    /// What was durable before, and the event that replaced it: a read under way may still give it. The last few.
    replaced: Vec<(State, Cause)>,
    /// What the present call saves, for which life, and whether it is durable.
    saving: Option<(u32, State, bool)>,
    /// What was being saved when its life ended, oldest first: the disk may have it, or not.
    perhaps: Vec<State>,
    /// There were too many of those.
    lost_count: bool,
}

const N_KEPT: usize = 16;

impl Saved {
    /// The call under way is not heard of again; what it saves may come all the same.
    fn abandon(&mut self) {
        let Some((_, state, false)) = self.saving.take() else { return };
        if !self.perhaps.contains(&state) {
            self.lost_count |= self.perhaps.len() == N_KEPT;
            self.perhaps.truncate(N_KEPT - 1);
            self.perhaps.push(state);
        }
    }

    fn on_durable(&mut self, index: Cause, state: &State) {
        let before = std::mem::replace(&mut self.durable, state.clone());
        if self.replaced.len() == N_KEPT {
            self.replaced.remove(0);
        }
        self.replaced.push((before, index));
        match self.perhaps.iter().position(|perhaps| perhaps == state) {
            Some(place) => drop(self.perhaps.drain(..=place)),
            None => self.perhaps.clear(),
        }
        self.lost_count = false;
        if let Some((_, saving, durable)) = &mut self.saving {
            *durable |= saving == state;
        }
    }

    /// Whether the disk may come to have this: it has it, or a call was saving it.
    fn may_become(&self, state: &State) -> bool {
        let saving = self.saving.as_ref().is_some_and(|(_, saving, _)| saving == state);
        self.durable == *state || saving || self.perhaps.contains(state) || self.lost_count
    }

    /// Whether a read that began at `since` may have found this.
    fn may_read(&self, got: &State, since: Cause) -> bool {
        let saving = self.saving.as_ref().is_some_and(|(_, state, _)| state == got);
        let replaced = || self.replaced.iter().any(|(state, at)| *at > since && state == got);
        self.durable == *got || saving || self.perhaps.contains(got) || self.lost_count || replaced()
    }
}

/// P1: what was saved is there, and is what is read back.
#[derive(Clone, Debug, Default)]
pub struct StateIsKept {
    saved: Vec<Vec<Saved>>,
    /// What it was at each node's backups.
    cuts: Vec<Vec<Vec<Saved>>>,
}

impl StateIsKept {
    fn saved(&mut self, node: NodeId, process: ProcessRef) -> &mut Saved {
        entry(entry(&mut self.saved, node.0), process.0)
    }

    fn on_returned(&mut self, event: &Event, life: Life, names: &Names) -> Result<(), String> {
        let saved = self.saved(event.node, life.process);
        match saved.saving.take() {
            // The same again, or nothing to clear: there may be nothing to write.
            Some((number, state, durable)) if number == life.number && (durable || state == saved.durable) => Ok(()),
            Some(_) | None => {
                Err(format!("set-state of {} returned before the state was durable", life_text(life, names)))
            }
        }
    }
}

impl Invariant for StateIsKept {
    fn claim(&self) -> Claim {
        Claim {
            rule: Rule::P1,
            says: "set_state is atomic and durable when it returns; get_state reads it back in any later life",
        }
    }

    fn reads(&self) -> &'static [Kind] {
        &[
            Kind::SavesState,
            Kind::StateDurable,
            Kind::Returned,
            Kind::ReadState,
            Kind::Down,
            Kind::Failed,
            Kind::BackedUp,
            Kind::Restored,
        ]
    }

    fn on_event(&mut self, index: Cause, event: &Event, past: &Past, names: &Names) -> Result<(), String> {
        match &event.what {
            What::SavesState(life, state) => {
                let saved = self.saved(event.node, life.process);
                saved.abandon();
                saved.saving = Some((life.number, state.clone(), false));
            }
            What::StateDurable(process, state) => {
                let saved = self.saved(event.node, *process);
                if !saved.may_become(state) {
                    let (who, was) = (names.process_text(*process), &saved.durable);
                    return Err(format!("the disk has {state:?} of {who}, which no call was saving; it had {was:?}"));
                }
                saved.on_durable(index, state);
            }
            What::Returned(life, CallKind::SetState | CallKind::ClearState) => {
                return self.on_returned(event, *life, names);
            }
            What::ReadState(life, got) => {
                let call = past.lives.process(event.node, life.process).and_then(|process| process.last_call);
                let since = call.map_or(Cause(0), |call| call.cause);
                if !self.saved(event.node, life.process).may_read(got, since) {
                    let who = life_text(*life, names);
                    return Err(format!("{who} reads {got:?}, which is not what was saved last"));
                }
            }
            What::Down(_) | What::Failed(_) => entry(&mut self.saved, event.node.0).iter_mut().for_each(Saved::abandon),
            What::BackedUp(_) => {
                let cut = entry(&mut self.saved, event.node.0).clone();
                entry(&mut self.cuts, event.node.0).push(cut);
            }
            // P5: what was acknowledged before the backup is there, and nothing since.
            What::Restored(nth) => {
                if let Some(cut) = entry(&mut self.cuts, event.node.0).get(*nth as usize - 1) {
                    let saved = entry(&mut self.saved, event.node.0);
                    saved.clone_from(cut);
                    saved.iter_mut().for_each(Saved::abandon);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// P2: InitializedProcess can be relied on, and no row appears without a process.
#[derive(Clone, Debug, Default)]
pub struct TableIsDurable;

impl Invariant for TableIsDurable {
    fn claim(&self) -> Claim {
        Claim { rule: Rule::P2, says: "the table is durable at each answer that depends on it" }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::CommandAnswered, Kind::Spawned, Kind::Durable]
    }

    fn on_event(&mut self, _: Cause, event: &Event, past: &Past, names: &Names) -> Result<(), String> {
        let Some(node) = past.lives.node(event.node) else { return Ok(()) };
        match &event.what {
            What::CommandAnswered(answer, said) if **said == CommandAnswer::InitializedProcess => {
                let mut asked = node.initializing.iter().filter(|asked| answers(answer, &asked.message)).peekable();
                let Some(first) = asked.peek().map(|asked| asked.process) else { return Ok(()) };
                let as_asked = |asked: &super::lives::Initializing| {
                    let row = past.lives.process(event.node, asked.process).and_then(|process| process.row());
                    let init = asked.init();
                    row.is_some_and(|row| row.public == init.public && row.on_exit == init.on_exit)
                };
                if asked.any(as_asked) {
                    Ok(())
                } else {
                    let who = names.process_text(first);
                    Err(format!("{who} was answered InitializedProcess before its row was durable as asked for"))
                }
            }
            What::Spawned(life, Ok(child)) => {
                let call = past.lives.process(event.node, life.process).and_then(|process| process.last_call);
                let child_since = past.lives.process(event.node, *child).map(|child| child.ready);
                if call.is_some_and(|call| call.kind == CallKind::Spawn && child_since < Some(call.cause)) {
                    Err(format!("{} was spawned, and its row is not durable", names.process_text(*child)))
                } else {
                    Ok(())
                }
            }
            What::Durable(change) => {
                let Change::Put(id, _) = &**change else { return Ok(()) };
                let known = past.lives.process(event.node, *id).is_some_and(|process| process.is_on_record());
                if known || node.is_making(*id) || id.is_module() {
                    Ok(())
                } else {
                    Err(format!("{} has a row, and nothing is initializing it", names.process_text(*id)))
                }
            }
            _ => Ok(()),
        }
    }
}

impl super::lives::Initializing {
    /// What the command asks for.
    pub fn init(&self) -> &kernel_core::command::Initialize {
        match &*self.command {
            Command::Initialize(init) => init,
            _ => unreachable!("only such commands are kept here"),
        }
    }
}
