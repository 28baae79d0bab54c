//! What a spawn gives: S6.

use crate::invariant::drives::{drive, may_read};
use crate::invariant::lives::Process;
use crate::invariant::{Claim, Invariant, Past};
use crate::trace::event::{Event, Kind, Life, What};
use crate::trace::life_text;
use kernel_core::command::Command;
use kernel_core::{Address, Capability, Cause, Duration, Instant, Names, NodeId, ProcessRef, Rule, Spawn, SpawnError};
use std::rc::Rc;

/// A spawn that has not returned.
#[derive(Clone, Debug)]
struct Asked {
    node: NodeId,
    parent: Life,
    at: Cause,
    since: Instant,
    spawn: Rc<Spawn>,
    /// Whether its caller might read the drive that the code is on.
    may_read: bool,
    /// What it asked for and certainly held.
    wished: Vec<Capability>,
}

/// How long a spawn may be under way.
const SETTLED: Duration = Duration::from_secs(2);

/// S6: a child that was spawned is there, as it was asked for.
#[derive(Clone, Debug, Default)]
pub struct SpawnedIsThere {
    asked: Vec<Asked>,
    /// Spawns whose caller ended before they returned.
    orphaned: Vec<Asked>,
    /// Processes whose on-exit value somebody else has set meanwhile, or that somebody else was to initialize.
    changed: Vec<(NodeId, ProcessRef)>,
}

impl Invariant for SpawnedIsThere {
    fn claim(&self) -> Claim {
        Claim { rule: Rule::S6, says: "spawn answers Ok for a new process that runs, and otherwise changes nothing" }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Spawns, Kind::Spawned, Kind::Command, Kind::Exited, Kind::Killed, Kind::Lost, Kind::Down, Kind::Failed]
    }

    fn on_event(&mut self, index: Cause, event: &Event, past: &Past, names: &Names) -> Result<(), String> {
        let node = event.node;
        match &event.what {
            What::Spawns(parent, spawn) => {
                let (parent, spawn, since) = (*parent, spawn.clone(), event.at);
                let may_read = reads_its_code(node, parent, &spawn, past, names);
                let wished = held(node, parent, &spawn.request_capabilities, past);
                let initializing = past.lives.node(node).map_or(&[][..], |node| &node.initializing);
                self.changed.extend(initializing.iter().map(|one| (node, one.process)));
                self.asked.push(Asked { node, parent, at: index, since, spawn, may_read, wished });
            }
            What::Exited(life, ..) | What::Killed(life) | What::Lost(life) => {
                let of_it = |asked: &Asked| (asked.node, asked.parent) == (node, *life);
                if let Some(place) = self.asked.iter().position(of_it) {
                    let asked = self.asked.swap_remove(place);
                    self.orphaned.extend((!matches!(event.what, What::Lost(_))).then_some(asked));
                }
            }
            // The next boot starts what is there.
            What::Down(_) | What::Failed(_) => self.orphaned.retain(|asked| asked.node != node),
            What::Command(_, command) if !(self.asked.is_empty() && self.orphaned.is_empty()) => match &**command {
                Command::SetOnExit(process, _) => self.changed.push((node, *process)),
                Command::Initialize(init) => self.changed.push((node, init.id)),
                _ => {}
            },
            What::Spawned(parent, result) => {
                let place = self.asked.iter().position(|asked| (asked.node, asked.parent) == (node, *parent));
                let Some(asked) = place.map(|place| self.asked.swap_remove(place)) else { return Ok(()) };
                let told = match result {
                    Ok(child) => self.is_as_asked(&asked, *child, past, names),
                    Err(error) => self.is_excused(&asked, *error, past, names),
                };
                if self.asked.is_empty() && self.orphaned.is_empty() {
                    self.changed.clear();
                }
                return told;
            }
            _ => {}
        }
        Ok(())
    }

    fn at_end(&mut self, past: &Past, names: &Names) -> Result<(), String> {
        self.orphaned.iter().try_for_each(|asked| self.is_not_left(asked, past, names))
    }
}

impl SpawnedIsThere {
    /// A child whose parent ended in the middle of its spawn is not there, or it runs: nobody else will run it.
    fn is_not_left(&self, asked: &Asked, past: &Past, names: &Names) -> Result<(), String> {
        let package = names.process_text(asked.parent.process).split_once(':').map(|(_, package)| package);
        let (Some(name), Some(package)) = (asked.spawn.name.as_deref(), package) else { return Ok(()) };
        let child = format!("{name}:{package}");
        let Some(node) = past.lives.node(asked.node) else { return Ok(()) };
        let namesake = node.processes().find(|(id, _)| names.process_text(*id) == child);
        let Some((id, process)) = namesake.filter(|(id, _)| !self.changed.contains(&(asked.node, *id))) else {
            return Ok(());
        };
        let left =
            process.row().is_some() && process.fate.is_none() && process.n_lives == 0 && process.ready > asked.at;
        if left && past.now - asked.since >= SETTLED {
            let (who, parent) = (names.process_text(id), life_text(asked.parent, names));
            return Err(format!("{who} is in the table and was never run: {parent} ended while it spawned it"));
        }
        Ok(())
    }

    fn is_as_asked(&self, asked: &Asked, child: ProcessRef, past: &Past, names: &Names) -> Result<(), String> {
        let Asked { node, parent, at, spawn, .. } = asked;
        let Some(process) = past.lives.process(*node, child) else {
            return Err(format!("{} was spawned, and is not in the table", names.process_text(child)));
        };
        let who = || format!("{}, which {} spawned,", names.process_text(child), life_text(*parent, names));
        if !asked.may_read && !reads_its_code(*node, *parent, spawn, past, names) {
            let (parent, path) = (life_text(*parent, names), &spawn.path);
            return Err(format!("{} was made from {path}, which {parent} may not read", names.process_text(child)));
        }
        let killed = process.fate.as_ref().is_some_and(|fate| fate.killed);
        if process.ready < *at {
            return Err(format!("{} was there before", who()));
        }
        if process.started <= *at && !killed {
            return Err(format!("{} was never started", who()));
        }
        let Some(row) = process.row().filter(|_| process.fate.is_none()) else { return Ok(()) };
        if row.public != spawn.public {
            return Err(format!("{} is public or not, other than the spawn asked for", who()));
        }
        if row.on_exit != spawn.on_exit && !self.changed.contains(&(*node, child)) {
            return Err(format!("{} has another on-exit value than the spawn asked for", who()));
        }
        let of = |process| Capability::messaging(Address { node: *node, process });
        let issued = |params| Capability { issuer: Address { node: *node, process: child }, params };
        let grants = spawn.grant_capabilities.iter().map(|(holder, params)| (*holder, issued(*params)));
        let mutual = [(parent.process, of(child)), (child, of(parent.process))];
        // What the parent still has, so that nothing has taken it from the child, either.
        let wished = held(*node, *parent, &asked.wished, past).into_iter().map(|right| (child, right));
        match mutual.into_iter().chain(grants).chain(wished).find(|(holder, right)| lacks(past, *node, *holder, right))
        {
            Some((holder, _)) => {
                Err(format!("{} did not give {} all that the spawn asked for", who(), names.process_text(holder)))
            }
            None => Ok(()),
        }
    }

    /// Whether somebody else, too, is to be the first process of this id: another spawn, or a command.
    fn is_claimed(&self, asked: &Asked, child: &str, past: &Past, names: &Names) -> bool {
        let same_package = |other: &&Asked| {
            let package = |process| names.process_text(process).split_once(':').map(|(_, package)| package);
            package(other.parent.process) == package(asked.parent.process)
        };
        let here = self.asked.iter().filter(|other| other.node == asked.node).filter(same_package);
        let spawned = here.filter(|other| other.spawn.name == asked.spawn.name).count() > 0;
        let changed = self.changed.iter().any(|(node, id)| *node == asked.node && names.process_text(*id) == child);
        let node = past.lives.node(asked.node);
        let commanded =
            node.is_some_and(|node| node.initializing.iter().any(|one| names.process_text(one.process) == child));
        spawned || changed || commanded
    }

    /// Whether the error is the right one: `NameTaken` for a name that is taken.
    fn is_excused(&self, asked: &Asked, error: SpawnError, past: &Past, names: &Names) -> Result<(), String> {
        let sibling = |name: &str| {
            let package = names.process_text(asked.parent.process).split_once(':').map(|(_, package)| package);
            package.map(|package| format!("{name}:{package}"))
        };
        let Some(child) = asked.spawn.name.as_deref().and_then(sibling) else { return Ok(()) };
        let Some(at) = past.lives.node(asked.node) else { return Ok(()) };
        let namesake = at.processes().find(|(id, _)| names.process_text(*id) == child);
        let others = at.spawning.len() > 1 || namesake.is_some_and(|(id, _)| self.changed.contains(&(asked.node, id)));
        let namesake = namesake.map(|(_, process)| process);
        let lives = |process: &Process| process.life.is_some() && process.fate.is_none() && process.ready < asked.at;
        let is_new = |process: &Process| process.row().is_some() && process.ready > asked.at;
        match error {
            SpawnError::NoFileAtPath if namesake.is_some_and(lives) => {
                Err(format!("{child} was there, and a second spawn of it returned NoFileAtPath"))
            }
            SpawnError::NoFileAtPath if !others && namesake.is_some_and(is_new) => {
                Err(format!("{child} could not be spawned, and has been there since"))
            }
            SpawnError::NameTaken if namesake.is_none() && !self.is_claimed(asked, &child, past, names) => {
                Err(format!("{child} was never there, and a spawn of it returned NameTaken"))
            }
            SpawnError::NoFileAtPath | SpawnError::NameTaken => Ok(()),
        }
    }
}

/// Whether a parent may read the drive that its child's code is on.
fn reads_its_code(node: NodeId, parent: Life, spawn: &Spawn, past: &Past, names: &Names) -> bool {
    drive(&spawn.path).is_some_and(|drive| may_read(past, names, (node, parent.process), &drive))
}

/// Those of these capabilities that a process certainly holds.
fn held(node: NodeId, life: Life, list: &[Capability], past: &Past) -> Vec<Capability> {
    let row = past.lives.process(node, life.process).and_then(Process::row);
    let holds = |right: &&Capability| {
        row.is_some_and(|row| row.capabilities.contains(*right))
            && !past.holdings.may_have_dropped(node, life.process, right)
    };
    list.iter().filter(holds).copied().collect()
}

/// Whether a process that is there certainly has not got this, and has not dropped it.
fn lacks(past: &Past, node: NodeId, holder: ProcessRef, right: &Capability) -> bool {
    let process = past.lives.process(node, holder).filter(|process| process.fate.is_none());
    let row = process.and_then(Process::row);
    let dropped = past.holdings.may_have_dropped(node, holder, right);
    row.is_some_and(|row| !row.capabilities.contains(right)) && !dropped
}
