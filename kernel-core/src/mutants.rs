//! Wrong kernels, for tests: each breaks one rule of the contract, and some invariant must say so.
//!
//! They were written from the rules, before anybody looked at how a breach would be seen. A mutant is laid around a
//! step of the kernel: it may change what the kernel hears, or what comes of it. So the kernel's own files know nothing
//! of them but that they are there; and without the feature `mutants` they are not.

use crate::capability::Capability;
use crate::effect::{Change, Effect, Record};
use crate::input::{Exit, Input};
use crate::kernel::{Context, Kernel, Moment};
use crate::message::Message;
use crate::name::{Names, ProcessRef};
use crate::on_exit::OnExitKind;
use crate::process::{Ending, Process, Status};
use crate::rule::Rule;
use std::fmt;
use std::rc::Rc;

mod adversary;
mod capabilities;
mod disk;
mod exits;
mod lives;
mod messages;
mod outsider;
mod starts;
mod words;

/// A wrong kernel.
pub struct Mutant {
    /// What it is called.
    pub name: &'static str,
    /// The rules that it breaks.
    pub breaks: &'static [Rule],
    /// What it does that the contract forbids.
    pub does: &'static str,
    before: fn(&mut Step<'_>),
    after: fn(&mut Step<'_>),
}

impl Mutant {
    /// Every mutant, in the order of the rules' chapters.
    pub fn all() -> impl Iterator<Item = &'static Mutant> {
        let chapters = [exits::ALL, words::ALL, lives::ALL, starts::ALL, capabilities::ALL, messages::ALL, disk::ALL];
        chapters.into_iter().flatten()
    }

    /// Others that an adversary would plant: each goes wrong only in a corner. Generated worlds must find them.
    pub fn of_an_adversary() -> impl Iterator<Item = &'static Mutant> {
        adversary::ALL.iter()
    }

    /// Forty that somebody wrote who had not read the generator of worlds nor the invariants: what generated worlds
    /// find of these is a measurement.
    pub fn of_an_outsider() -> impl Iterator<Item = &'static Mutant> {
        outsider::ALL.into_iter().flatten()
    }

    /// One that does nothing yet.
    const fn new(name: &'static str, breaks: &'static [Rule], does: &'static str) -> Mutant {
        Mutant { name, breaks, does, before: |_| {}, after: |_| {} }
    }

    /// Changes what the kernel hears.
    const fn before(mut self, change: fn(&mut Step<'_>)) -> Mutant {
        self.before = change;
        self
    }

    /// Changes what comes of it.
    const fn after(mut self, change: fn(&mut Step<'_>)) -> Mutant {
        self.after = change;
        self
    }
}

impl fmt::Debug for Mutant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// A mutant in a kernel.
#[derive(Clone, Debug)]
pub(crate) struct Planted {
    pub mutant: &'static Mutant,
    /// What a mutant that counts has counted since the boot.
    count: u32,
}

impl From<&'static Mutant> for Planted {
    fn from(mutant: &'static Mutant) -> Planted {
        Planted { mutant, count: 0 }
    }
}

impl PartialEq for Planted {
    fn eq(&self, other: &Planted) -> bool {
        (self.mutant.name, self.count) == (other.mutant.name, other.count)
    }
}

impl Eq for Planted {}

/// One step of a kernel, as a mutant sees it.
struct Step<'a> {
    kernel: &'a mut Kernel,
    /// The kernel before the step.
    was: Kernel,
    /// What it hears; `None` at boot.
    input: Option<Input>,
    /// At boot: the rows on disk.
    rows: Vec<(ProcessRef, Record)>,
    /// What it wants done.
    out: Vec<Effect>,
    /// Capabilities that are given for the length of the step.
    lent: Vec<(ProcessRef, Capability)>,
    at: Moment,
    names: &'a mut Names,
}

impl Kernel {
    /// A step, or at boot the beginning (`input` is `None`), as a mutant does it.
    pub(crate) fn mutated(
        &mut self,
        mutant: &Mutant,
        input: Option<Input>,
        rows: Vec<(ProcessRef, Record)>,
        cx: &mut Context<'_>,
    ) {
        let was = self.clone();
        let (out, lent) = (vec![], vec![]);
        let mut step = Step { kernel: self, was, input, rows, out, lent, at: cx.at, names: cx.names };
        (mutant.before)(&mut step);
        let (input, rows) = (step.input.clone(), step.rows.clone());
        step.with(|kernel, cx| match input {
            Some(input) => kernel.advance(input, cx),
            None => kernel.on_boot(rows, cx),
        });
        step.take_back();
        (mutant.after)(&mut step);
        cx.out.append(&mut step.out);
    }
}

impl Step<'_> {
    /// Does something with the kernel itself.
    fn with<T>(&mut self, what: impl FnOnce(&mut Kernel, &mut Context<'_>) -> T) -> T {
        what(self.kernel, &mut Context { at: self.at, names: self.names, out: &mut self.out })
    }

    /// A process as it is now.
    fn process(&mut self, id: ProcessRef) -> Option<&mut Process> {
        self.kernel.processes.get_mut(id)
    }

    /// A process that is about to exit, or just has, if it exits like this and was to do that then.
    fn exits(&self, how: Exit, on_exit: OnExitKind) -> Option<ProcessRef> {
        match &self.input {
            Some(Input::Exited { process, exit, .. }) if *exit == how => {
                let was = self.was.processes.get(*process)?;
                (was.on_exit.kind() == on_exit).then_some(*process)
            }
            _ => None,
        }
    }

    /// A process that has exited and has its next life now, with what it was before.
    fn restarted(&mut self) -> Option<(&mut Process, &Process)> {
        let Some(Input::Exited { process, .. }) = &self.input else { return None };
        let now = self.kernel.processes.get_mut(*process)?;
        matches!(now.status, Status::Running(_)).then_some((now, self.was.processes.get(*process)?))
    }

    /// Those whose end has begun in this step.
    fn ending(&self) -> Vec<ProcessRef> {
        let ends = self.kernel.processes.iter().filter(|(_, process)| process.is_ending()).map(|(id, _)| id);
        ends.filter(|id| self.was.processes.get(*id).is_none_or(|was| !was.is_ending())).collect()
    }

    /// Those whose end has begun in this step, to be changed.
    fn each_ending(&mut self, mut change: impl FnMut(&mut Process)) {
        for id in self.ending() {
            change(self.kernel.processes.get_mut(id).expect("an ending process is in the table"));
        }
    }

    /// Those whose end has taken effect in this step, as they were.
    fn gone(&self) -> Vec<(ProcessRef, Process)> {
        let ended = self.was.processes.iter().filter(|(_, process)| process.is_ending());
        let gone = ended.filter(|(id, _)| !self.kernel.processes.contains(*id));
        gone.map(|(id, process)| (id, process.clone())).collect()
    }

    /// What it wants changed on disk.
    fn changes(&mut self) -> impl Iterator<Item = &mut Vec<Change>> {
        self.out.iter_mut().filter_map(|effect| match effect {
            Effect::Write(_, changes) => Some(changes),
            _ => None,
        })
    }

    /// The rows that it wants on disk.
    fn puts(&mut self) -> impl Iterator<Item = &mut Record> {
        self.changes().flatten().filter_map(|change| match change {
            Change::Put(_, record) => Some(Rc::make_mut(record)),
            Change::Remove(_) => None,
        })
    }

    /// Gives a process a capability for the length of the step, unless it holds it.
    fn lend(&mut self, id: ProcessRef, capability: Capability) {
        if self.process(id).is_some_and(|process| process.capabilities.insert(capability)) {
            self.lent.push((id, capability));
        }
    }

    fn take_back(&mut self) {
        for (id, capability) in std::mem::take(&mut self.lent) {
            if let Some(process) = self.process(id) {
                process.capabilities.remove(&capability);
            }
            for change in self.changes().flatten() {
                match change {
                    Change::Put(put, row) if *put == id => Rc::make_mut(row).capabilities.remove(&capability),
                    Change::Put(..) | Change::Remove(_) => false,
                };
            }
        }
    }

    /// How often this mutant has counted since the boot.
    fn count(&mut self) -> u32 {
        let planted = self.kernel.semantics.planted.as_mut().expect("a mutant is planted");
        planted.count += 1;
        planted.count
    }
}

impl Process {
    /// Its exit, if it is ending.
    fn ending_mut(&mut self) -> Option<&mut Ending> {
        match &mut self.status {
            Status::Ending(ending) => Some(ending),
            _ => None,
        }
    }

    /// Whether its end has begun, and by a kill.
    fn is_killed(&self) -> bool {
        matches!(&self.status, Status::Ending(Ending { killers, .. }) if !killers.is_empty())
    }
}

/// Whether two are the same message, and not only alike.
fn same(one: &Rc<Message>, other: &Rc<Message>) -> bool {
    Rc::ptr_eq(one, other)
}
