//! Invariants: what must hold in every run, folded over the typed trace as it happens.
//!
//! An invariant reads events and nothing else: not the kernel, not the world. It says which kinds it reads, so that
//! only those reach it. To add one: a struct with what it must remember, [`Invariant`] for it, and a line in
//! [`all`]; then show it failing on a planted bug.

use crate::catch_panic::catch_panic;
use crate::invariant::model::Model;
use crate::trace::event::{Event, Kind};
use kernel_core::{Cause, Instant, Names, Rule, Semantics};

mod model;
pub mod past;

pub mod holdings;
pub mod lives;
pub mod requests;

mod answered;
mod backup;
mod boot;
mod capability;
mod databases;
mod drives;
mod exit;
mod family;
mod files;
mod granted;
mod kill;
mod message;
mod network;
mod on_exit;
mod on_exit_requests;
mod pairs;
mod persistence;
mod progress;
mod prompt;
mod refused;
mod restart;
mod sent;
mod spawn;
mod start;
mod store;

#[cfg(test)]
mod tests {
    mod capability;
    mod exit;
    mod family;
    mod granted;
    mod history;
    mod kill;
    mod message;
    mod pairs;
    mod persistence;
    mod progress;
    mod prompt;
    mod start;
    mod store;
}

pub use past::Past;

/// Something that must hold in every run. Part of the world's value: a clone of it goes on by itself.
pub trait Invariant: Fork {
    /// The rule that it checks, and which part of it.
    fn claim(&self) -> Claim;

    /// The kinds of events it reads.
    fn reads(&self) -> &'static [Kind];

    /// Takes in an event of one of those kinds; the past is what was before it. An error is what is wrong, in words:
    /// the facts.
    fn on_event(&mut self, index: Cause, event: &Event, past: &Past, names: &Names) -> Result<(), String>;

    /// Whether it reads what lives do that are over: no other invariant does, since that says nothing of their
    /// processes.
    fn hears_the_dead(&self) -> bool {
        false
    }

    /// The earlier event that what it has just found is about, if it knows one: reports show it.
    fn began(&self) -> Option<Cause> {
        None
    }

    /// The run is over and the world had time to settle: whatever should have happened by now and has not.
    fn at_end(&mut self, _past: &Past, _names: &Names) -> Result<(), String> {
        Ok(())
    }
}

/// A clone of an invariant behind its trait. Every one that is `Clone` has it.
pub trait Fork {
    /// The same, as far as it has come.
    fn fork(&self) -> Box<dyn Invariant>;
}

impl<I: Invariant + Clone + 'static> Fork for I {
    fn fork(&self) -> Box<dyn Invariant> {
        Box::new(self.clone())
    }
}

impl Clone for Box<dyn Invariant> {
    fn clone(&self) -> Box<dyn Invariant> {
        (**self).fork()
    }
}

/// All invariants, for kernels that put off restarts as these semantics say. Nothing else of them is looked at: the
/// deviations of a kernel are to be found, not excused.
pub fn all(semantics: &Semantics) -> Vec<Box<dyn Invariant>> {
    let patience = exit::patience(semantics.back_off);
    let mut all: Vec<Box<dyn Invariant>> = vec![
        // Start
        Box::new(start::CodeIsValid::default()),
        Box::new(start::RunIsAnswered::default()),
        Box::new(start::EarlyMessagesWait::default()),
        Box::new(start::OneLifeAtATime),
        Box::new(spawn::SpawnedIsThere::default()),
        Box::new(start::StartsTakeTime),
        // Exit
        Box::new(progress::NodesDoNotFail),
        Box::new(restart::RestartedAtOnce::new(semantics.back_off)),
        Box::new(restart::KeepsWhatItIs),
        Box::new(restart::BackOffStartsAnew::new(semantics.back_off)),
        Box::new(on_exit_requests::FiredAsListed),
        Box::new(boot::BootFiresLast::default()),
        Box::new(kill::DeadStayDead),
        Box::new(exit::NoneMeansNothing),
        Box::new(on_exit::ReturnIsHonoured::new(patience)),
        Box::new(exit::OnExitIsDurable::default()),
        Box::new(on_exit::LatestIsInForce::default()),
        Box::new(progress::CrashesForEver::new(patience)),
        Box::new(restart::NothingLeaks::default()),
        Box::new(message::NobodyThere::default()),
        Box::new(capability::RevokedAtTheEnd::default()),
        // Who may kill
        Box::new(kill::RootCommands::default()),
        Box::new(kill::KilledIsDurable),
        Box::new(family::ExitsAreOnesOwn::default()),
        Box::new(family::DeathsAreSilent::default()),
        Box::new(kill::KillIsAnswered::default()),
        // Capabilities
        Box::new(capability::MessagingNeedsCapability::of_the_living()),
        Box::new(capability::MessagingNeedsCapability::of_the_dead()),
        Box::new(refused::RightsAreHonoured::of_the_living()),
        Box::new(refused::RightsAreHonoured::of_the_dead()),
        Box::new(capability::AttachedIsHeld::of_the_living()),
        Box::new(capability::AttachedIsHeld::of_the_dead()),
        Box::new(granted::InitializerGives),
        Box::new(capability::Unforgeable),
        Box::new(granted::GrantedIsHeld::default()),
        // Messages
        Box::new(message::SettlesOnce),
        Box::new(message::InOrder::default()),
        Box::new(sent::AllIsSent::default()),
        Box::new(prompt::PromptedAsReceived::default()),
        Box::new(network::ErrorsSayWhy::default()),
        Box::new(progress::KernelsGoOn::default()),
        // Persistence
        Box::new(persistence::StateIsKept::default()),
        Box::new(persistence::TableIsDurable),
        Box::new(answered::RefusalsAreTold::default()),
        Box::new(backup::RestoredIsOneCut::default()),
        Box::new(files::FilesAreKept::default()),
        Box::new(drives::DrivesAreGuarded::default()),
        Box::new(pairs::PairsAreKept::default()),
        Box::new(databases::DatabasesAreGuarded::default()),
        Box::new(store::StoresAreSound),
        // All together
        Box::new(Model::new(semantics.back_off)),
    ];
    all.extend(exit::cells(semantics.back_off).map(|cell| Box::new(cell) as Box<dyn Invariant>));
    all
}

/// What an invariant checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Claim {
    /// The rule.
    pub rule: Rule,
    /// The part of the rule that is checked, in one sentence.
    pub says: &'static str,
}

impl Claim {
    /// A rule, in the contract's own words.
    pub fn of(rule: Rule) -> Claim {
        Claim { rule, says: rule.says() }
    }

    /// The claim of these words. They live as long as the program.
    #[cfg(feature = "picture")]
    pub(crate) fn named(id: &str, says: &str) -> Claim {
        let says: &'static str = says.to_string().leak();
        let rule = Rule::parse(id).unwrap_or_else(|| Rule::Own { id: id.to_string().leak(), says });
        Claim { rule, says }
    }

    /// A rule that is not of the contract: its name, one word, and what it says.
    pub const fn own(id: &'static str, says: &'static str) -> Claim {
        Claim { rule: Rule::Own { id, says }, says }
    }
}

/// A rule that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which, and which part of it.
    pub claim: Claim,
    /// What happened, in words.
    pub facts: String,
    /// The event at which it was seen; `None`: at the end of the run.
    pub at: Option<Cause>,
    /// The earlier event that the facts are about, if one is known: reports show it.
    pub began: Option<Cause>,
}

/// A panic of code that a scenario brings along, an invariant or a module of its own: a mistake of its author, and not a
/// bug of the simulator. An invariant is not asked again; what a module was about to do is dropped. The rest goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnPanic {
    /// What panicked: the invariant, by its rule, or the module, by its id.
    pub what: String,
    /// What the panic said.
    pub text: String,
    /// The event at which it panicked; `None`: at the end of the run.
    pub at: Option<Cause>,
}

impl OwnPanic {
    fn of_invariant(claim: Claim, text: String, at: Option<Cause>) -> OwnPanic {
        OwnPanic { what: format!("the invariant `{}`", claim.rule), text, at }
    }

    /// A module of the scenario's own, by its id.
    pub(crate) fn of_module(id: &str, text: String, at: Cause) -> OwnPanic {
        OwnPanic { what: format!("the module `{id}`"), text, at: Some(at) }
    }
}

impl std::fmt::Display for OwnPanic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let at = self.at.map_or("at the end of the run".to_string(), |at| format!("at event #{}", at.0));
        write!(f, "{} panicked {at}: {}", self.what, self.text)
    }
}

/// The invariants of one run, each with the events it reads.
#[derive(Clone)]
pub struct Invariants {
    all: Vec<Box<dyn Invariant>>,
    /// For each kind, the invariants that read it.
    readers: [Vec<usize>; Kind::COUNT],
    past: Past,
    failed: Vec<bool>,
    /// How many are ours: a panic of one of those is a bug of the simulator.
    ours: usize,
    violations: Vec<Violation>,
    panics: Vec<OwnPanic>,
}

impl Invariants {
    /// A fresh set.
    pub fn new(all: Vec<Box<dyn Invariant>>) -> Invariants {
        Invariants::with_own(all, Vec::new())
    }

    /// A fresh set, and a user's own, which may panic: they run inside a guard.
    pub fn with_own(mut all: Vec<Box<dyn Invariant>>, own: Vec<Box<dyn Invariant>>) -> Invariants {
        let ours = all.len();
        all.extend(own);
        // A world begins with this: each list is allocated once.
        let mut counts = [0; Kind::COUNT];
        all.iter().flat_map(|invariant| invariant.reads()).for_each(|kind| counts[*kind as usize] += 1);
        let mut readers = counts.map(Vec::with_capacity);
        for (index, invariant) in all.iter().enumerate() {
            for kind in invariant.reads() {
                readers[*kind as usize].push(index);
            }
        }
        let failed = vec![false; all.len()];
        Invariants { all, readers, failed, ours, past: Past::default(), violations: Vec::new(), panics: Vec::new() }
    }

    /// Hands an event to the invariants that read its kind. An invariant that has failed is not asked again.
    pub fn on_event(&mut self, index: Cause, event: &Event, names: &Names) {
        self.past.before(event);
        let kind = event.what.kind() as usize;
        let mut failed = false;
        for reader in &self.readers[kind] {
            if self.past.of_the_dead && !self.all[*reader].hears_the_dead() {
                continue;
            }
            let (invariant, past) = (&mut self.all[*reader], &self.past);
            let asked = if *reader < self.ours {
                Ok(invariant.on_event(index, event, past, names))
            } else {
                catch_panic(|| invariant.on_event(index, event, past, names))
            };
            if !matches!(asked, Ok(Ok(()))) {
                let (claim, began) = (invariant.claim(), invariant.began());
                match asked {
                    Ok(Ok(())) => {}
                    Ok(Err(facts)) => self.violations.push(Violation { claim, facts, at: Some(index), began }),
                    Err(text) => self.panics.push(OwnPanic::of_invariant(claim, text, Some(index))),
                }
                failed = true;
                self.failed[*reader] = true;
            }
        }
        if failed {
            let failed = &self.failed;
            self.readers.iter_mut().for_each(|readers| readers.retain(|reader| !failed[*reader]));
        }
        self.past.after(index, event, names);
    }

    /// The world ran on until then, and nothing more happened: `Instant(u64::MAX)` if nothing ever would.
    pub fn ran_until(&mut self, until: Instant) {
        self.past.now = self.past.now.max(until);
    }

    /// The run is over.
    pub fn at_end(&mut self, names: &Names) {
        let (ours, past) = (self.ours, &self.past);
        let open = self.all.iter_mut().zip(&self.failed).enumerate().filter(|(_, (_, failed))| !**failed);
        for (place, (invariant, _)) in open {
            let asked = if place < ours {
                Ok(invariant.at_end(past, names))
            } else {
                catch_panic(|| invariant.at_end(past, names))
            };
            match asked {
                Ok(Ok(())) => {}
                Ok(Err(facts)) => {
                    let (claim, began) = (invariant.claim(), invariant.began());
                    self.violations.push(Violation { claim, facts, at: None, began });
                }
                Err(text) => self.panics.push(OwnPanic::of_invariant(invariant.claim(), text, None)),
            }
        }
    }

    /// Something was found broken outside the trace.
    pub fn add(&mut self, violation: Violation) {
        self.violations.push(violation);
    }

    /// A module of the scenario's own panicked.
    pub(crate) fn add_panic(&mut self, panic: OwnPanic) {
        if self.panics.iter().all(|other| other.what != panic.what) {
            self.panics.push(panic);
        }
    }

    /// What of the scenario's own code panicked, each once.
    pub fn panics(&self) -> &[OwnPanic] {
        &self.panics
    }

    /// What was broken, in the order in which it was seen.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }
}
