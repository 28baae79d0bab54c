//! Failures on the command line: which rules broke, the lines that replay them, and how they are printed.

use super::args::{Rules, quoted, value_name};
use super::look::{self, Page};
use super::{Context, Stop, bug, wrong_scenario};
use crate::explore::failure::{Failure, NotReproduced, Origin, Signature};
use crate::explore::{Explored, record_seed, run_plan, run_strictly};
use crate::invariant::{OwnPanic, Violation};
use crate::plan::Plan;
use crate::plan::chooser::{Profile, Seed};
use crate::scenario::{Scenario, ScenarioError};
use crate::sim::Sim;
use crate::trace::export::played_by;
use crate::world::{Options, Run};
use std::path::{Path, PathBuf};

/// The rule behind a scenario's own expectations.
pub(super) const SCENARIO: &str = "story";
/// A plan of more lines than this is not offered for pasting.
const PASTED_LINES_MAX: usize = 12;

/// A rule that broke in a scenario, not yet played again.
#[derive(Clone)]
pub(super) struct Broken<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) signature: Signature,
    /// The first seed that broke it.
    pub(super) seed: Seed,
    /// How many seeds broke it.
    pub(super) seeds: u64,
}

/// What broke while a scenario was explored, in the order of the seeds. A scenario's own expectations come last.
pub(super) fn broken<'a>(scenario: &'a Scenario, explored: &Explored) -> Vec<Broken<'a>> {
    let mut all: Vec<Broken<'a>> = Vec::new();
    for (seed, verdict) in &explored.violations {
        let mut met: Vec<Signature> = Vec::new();
        for violation in verdict.violations() {
            let signature = Signature::of(violation);
            // One rule may be broken twice in one run.
            if met.contains(&signature) {
                continue;
            }
            met.push(signature.clone());
            match all.iter_mut().find(|broken| broken.signature == signature) {
                Some(broken) => broken.seeds += 1,
                None => all.push(Broken { scenario, signature, seed: *seed, seeds: 1 }),
            }
        }
    }
    // What the contract says comes before what a scenario expects of its calm run.
    all.sort_by_key(|broken| broken.signature.claim.rule.id() == SCENARIO);
    all
}

/// A panic of a scenario's own code: whose, in which runs if there were several, and the line that plays the first.
pub(super) fn own_panic(scenario: &Scenario, panic: &OwnPanic, runs: &str, line: &str) -> String {
    let runs = if runs.is_empty() { String::new() } else { format!(" ({runs})") };
    format!("scenario `{}`: {panic}{runs}\n  replay: {line}", scenario.name)
}

/// All of them in a run that this line plays.
pub(super) fn own_panics(scenario: &Scenario, run: &Run, line: &str) -> Vec<String> {
    run.panics.iter().map(|panic| own_panic(scenario, panic, "", line)).collect()
}

/// A run in which the scenario's own code panicked is not sound, and that is no bug of ours: when all else is told, its
/// author hears of it.
pub(super) fn refuse_own_panics(panics: &[String]) -> Result<(), Stop> {
    if panics.is_empty() {
        return Ok(());
    }
    Err(Stop::Wrong(format!("{}\n  Everything else was checked all the same.", panics.join("\n"))))
}

/// How scenarios are played again.
#[derive(Clone, Copy)]
pub(super) struct Stage<'a> {
    pub(super) context: &'a Context,
    pub(super) rules: &'a Rules,
    pub(super) profile: Profile,
}

/// A failure that was played again.
pub(super) struct Retold {
    /// Reproduced and shrunk; or how the second run was not like the first, which is a bug of ours.
    pub(super) failure: Result<Failure, String>,
    /// The line that plays the seed, and the one that plays the shrunk plan.
    pub(super) replay: Vec<String>,
    /// As a Rust test to paste.
    pub(super) test: Option<String>,
}

impl Stage<'_> {
    /// The line that plays a scenario again, with what decides in the words of the command line.
    pub(super) fn line(&self, scenario: &Scenario, what: &str) -> String {
        format!("{} replay {}{} {what}", self.context.program, quoted(&scenario.name), self.rules.flags())
    }

    /// The line that plays a scenario under a seed.
    pub(super) fn seed_line(&self, scenario: &Scenario, seed: Seed) -> String {
        let profile = match self.profile {
            Profile::Swarm => String::new(),
            other => format!("--profile {} ", value_name(&other)),
        };
        self.line(scenario, &format!("{profile}--seed {}", seed.0))
    }

    /// The line that plays a scenario under a plan.
    pub(super) fn plan_line(&self, scenario: &Scenario, plan: &Plan) -> String {
        if plan.lines.is_empty() { self.line(scenario, "calm") } else { self.line(scenario, &quoted(&plan.one_line())) }
    }

    /// The simulation that this command plays of a scenario.
    pub(super) fn sim<'s>(&self, scenario: &'s Scenario) -> Sim<'s> {
        let sim = Sim::of(scenario).with_options(self.rules.options(scenario));
        sim.profile(self.profile).with_loader(self.context.loader.clone())
    }

    /// Plays what broke again, checks that it is the same failure, and shrinks it.
    pub(super) fn retell(&self, broken: &Broken<'_>) -> Result<Retold, Stop> {
        self.retell_from(broken.scenario, &Origin::Seed(broken.seed), &broken.signature)
    }

    /// The same, of a seed or a plan.
    pub(super) fn retell_from(
        &self,
        scenario: &Scenario,
        origin: &Origin,
        signature: &Signature,
    ) -> Result<Retold, Stop> {
        let line = match origin {
            Origin::Seed(seed) => self.seed_line(scenario, *seed),
            Origin::Plan(plan) => self.plan_line(scenario, plan),
        };
        let sim = self.sim(scenario);
        let failure = match bug::guard(|| sim.failure(origin, signature)) {
            Ok(Ok(failure)) => Ok(failure),
            Ok(Err(NotReproduced::Scenario(error))) => return Err(wrong_scenario(scenario)(error)),
            Ok(Err(NotReproduced::Drift(text))) => Err(format!("{text}\n  {line}")),
            Err(text) => return Err(Stop::Bug(format!("{text}\n  replay: {line}"))),
        };
        let mut replay = vec![line];
        if let Ok(failure @ Failure { world: None, .. }) = &failure {
            let of_plan = self.plan_line(scenario, &failure.plan);
            replay.extend(Some(of_plan).filter(|line| *line != replay[0]));
        }
        let test = failure.as_ref().ok().and_then(|failure| failure.test(&self.context.listed));
        Ok(Retold { failure, replay, test })
    }

    /// Plays a scenario under a seed and writes its plan down.
    pub(super) fn record(&self, scenario: &Scenario, seed: Seed, options: &Options) -> Result<Run, Stop> {
        let line = self.seed_line(scenario, seed);
        self.guarded(scenario, &line, || record_seed(scenario, seed, self.profile, options, &self.context.loader))
    }

    /// Plays a scenario under a plan.
    pub(super) fn play(&self, scenario: &Scenario, plan: &Plan, options: &Options) -> Result<Run, Stop> {
        let line = self.plan_line(scenario, plan);
        self.guarded(scenario, &line, || run_plan(scenario, plan, options, &self.context.loader))
    }

    /// Plays a scenario under a plan whose lines are to come up in their order.
    pub(super) fn play_strictly(&self, scenario: &Scenario, plan: &Plan, options: &Options) -> Result<Run, Stop> {
        let line = self.plan_line(scenario, plan);
        self.guarded(scenario, &line, || run_strictly(scenario, plan, options, &self.context.loader))
    }

    /// Runs something that panics only if the simulator is wrong, and then says which line makes it panic.
    pub(super) fn guarded<T>(
        &self,
        scenario: &Scenario,
        line: &str,
        run: impl FnOnce() -> Result<T, ScenarioError>,
    ) -> Result<T, Stop> {
        match bug::guard(run) {
            Ok(result) => result.map_err(wrong_scenario(scenario)),
            Err(text) => Err(Stop::Bug(format!("{text}\n  replay: {line}"))),
        }
    }
}

impl Retold {
    /// How it broke in the run of the shrunk plan.
    pub(super) fn violation(&self) -> Option<&Violation> {
        self.failure.as_ref().ok().map(Failure::violation)
    }

    /// Draws the failure: writes a page into a folder, if one was named. Gives back where.
    pub(super) fn draw(
        &self,
        folder: Option<&Path>,
        broken: &Broken<'_>,
        stage: Stage<'_>,
    ) -> Result<Option<PathBuf>, Stop> {
        let (Some(folder), Ok(failure)) = (folder, &self.failure) else { return Ok(None) };
        let (scenario, rules) = (failure.world.as_ref().unwrap_or(broken.scenario), stage.rules);
        let options = rules.options(scenario);
        let (kernel, programs) = (rules.kernels(), value_name(&options.flavor));
        let words = [scenario.name.as_str(), broken.signature.claim.rule.id(), kernel.as_str()];
        let replay = self.replay.last().cloned().unwrap_or_default();
        let played = played_by(scenario, &failure.plan, kernel.clone(), programs, replay);
        let page = Page { scenario, run: &failure.run, options: &options, context: stage.context, played };
        look::write_failure(folder, &words, &failure.signature, &page).map(Some)
    }

    /// Whether the run of the shrunk plan shows another failure, too.
    pub(super) fn shows(&self, signature: &Signature) -> bool {
        self.failure.as_ref().is_ok_and(|failure| signature.find(&failure.run).is_some())
    }

    /// The plan that breaks it.
    pub(super) fn plan(&self) -> Plan {
        self.failure.as_ref().map(|failure| failure.plan.clone()).unwrap_or_default()
    }

    /// The line to paste: that of the plan, unless it is long.
    pub(super) fn line(&self) -> &str {
        let short = self.plan().lines.len() <= PASTED_LINES_MAX;
        self.replay.get(1).filter(|_| short).unwrap_or(&self.replay[0])
    }

    /// The failure as text.
    pub(super) fn report(&self) -> Option<String> {
        let failure = self.failure.as_ref().ok()?;
        let pasted = if failure.plan.lines.len() > PASTED_LINES_MAX { 1 } else { self.replay.len() };
        Some(failure.report(&self.replay[..pasted.min(self.replay.len())], self.test.as_deref()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{CommandLine, Detail, Outcome};
    use super::*;
    use crate::guest::image::Loader;
    use crate::invariant::{Claim, Invariant, Past};
    use crate::scenario::{kill, millis, on};
    use crate::trace::event::{Event, Kind};
    use clap::Parser;
    use kernel_core::{Cause, Names};

    /// An invariant with a bug of its own.
    #[derive(Clone)]
    struct Buggy;

    impl Invariant for Buggy {
        fn claim(&self) -> Claim {
            Claim::own("buggy", "it would hold, could it count")
        }

        fn reads(&self) -> &'static [Kind] {
            &[Kind::Booted]
        }

        fn on_event(&mut self, _: Cause, _: &Event, _: &Past, _: &Names) -> Result<(), String> {
            panic!("off by one")
        }
    }

    #[test]
    fn no_command_takes_a_run_for_sound_in_which_an_invariant_of_ones_own_panicked() {
        let refuses = |words: &[&str]| {
            let line = ["kinode-sim"].iter().chain(words);
            let line = CommandLine::try_parse_from(line).unwrap_or_else(|error| panic!("{error}"));
            let kills_nobody = kill(on("alice.os", "nobody:it:alice.os"));
            let scenario = Scenario::new("it", "").at(millis(10), kills_nobody).holding(|| Box::new(Buggy));
            let scenarios = vec![scenario];
            let (program, listed) = ("kinode-sim".to_string(), "mine::all()".to_string());
            let context = Context { scenarios, program, listed, loader: Loader::default(), detail: Detail::default() };
            let mut out = Vec::new();
            let result: Result<Outcome, Stop> = context.run(line.command.as_ref(), &mut out);
            let Err(Stop::Wrong(text)) = result else { panic!("{result:?}") };
            for part in ["scenario `it`: the invariant `buggy` panicked at event #", "off by one", "replay: kinode-sim"]
            {
                assert!(text.contains(part), "no {part:?} in\n{text}");
            }
        };
        for line in [
            "",
            "explore it --seeds 3",
            "replay it calm",
            "replay it --seed 2",
            "replay it calm --format json",
            "replay it calm --trace-format json",
            "replay it calm --at 0",
            "sweep it",
            "sweep it --format json",
            "diff it 0 1",
            "diff it calm calm",
        ] {
            refuses(&line.split_whitespace().collect::<Vec<_>>());
        }
        refuses(&["what-if", "it", "calm", "--from", "0", "--with", "crash alice.os #next power-loss"]);
        let folder = tempfile::tempdir().expect("a folder can be made");
        let path = folder.path().to_str().expect("a path of letters");
        refuses(&["hunt", "it", "--folder", path, "--blocks", "1", "--block", "2"]);
        let left = |part: &str| std::fs::read_dir(folder.path().join(part)).expect("a hunt makes it").count();
        assert_eq!((left("blocks"), left("failures")), (0, 0), "the block is not taken for played");
    }
}
