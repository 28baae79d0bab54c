//! The crash sweep: every crash point of a scenario's calm run, each visited by a run of its own.
//!
//! The crash points of a node are before each input to its kernel and, in each durable write, before and after each of its
//! operations on the disk, boot included. Between two of them nothing observable happens: processes share nothing and act only through calls, and a
//! kernel step is atomic. So for the calm schedule the list is complete.

use crate::chooser::{Chooser, Site};
use crate::explore::run_plan;
use crate::image::Loader;
use crate::plan::{Line, Plan};
use crate::scenario::{Scenario, ScenarioError};
use crate::site::{ProviderFault, Question};
use crate::world::{Options, Verdict, World};

/// What sweeping a scenario came to.
#[derive(Clone, Debug, Default)]
pub struct Swept {
    /// How many crash points there are.
    pub points: usize,
    /// How many were visited: all, unless the visits were cut short.
    pub visited: usize,
    /// The plans that broke an invariant, and how.
    pub violations: Vec<(Plan, Verdict)>,
    /// The plans whose run reached a bound of the simulator, and which.
    pub limits: Vec<(Plan, String)>,
}

/// Every crash point of a scenario's calm run, each as a plan of one line: a panic at each call of each life, a kill of
/// each process before each step of its kernel, a crash and a power loss there, and both after any number of the
/// operations of each durable write. Where there is a chain: each failure of its provider, and a reorganisation at each block, too.
///
/// # Errors
/// A scenario that names what it does not have.
pub fn points(scenario: &Scenario, options: &Options, loader: &Loader) -> Result<Vec<Line>, ScenarioError> {
    let census = World::new(scenario, options.clone(), Chooser::census(), loader)?.run();
    let answers = |site: &Site| -> Vec<String> {
        let fixed = |answers: &[&str]| answers.iter().map(|answer| answer.to_string()).collect();
        match site.question {
            Question::Trap => fixed(&["panic"]),
            Question::Crash => fixed(&["crash", "power-loss"]),
            Question::Write => {
                let done = (0..=site.operations).flat_map(|n| [format!("crash@{n}"), format!("power-loss@{n}")]);
                done.collect()
            }
            Question::Reorg => fixed(&["3"]),
            Question::Provider => ProviderFault::ALL.map(|fault| fault.name().to_string()).to_vec(),
            Question::Kill => {
                let there = census.processes.iter().filter(|(node, _)| *node == site.subject);
                there.map(|(_, process)| process.clone()).collect()
            }
            Question::Cost
            | Question::Io
            | Question::DiskCost
            | Question::Unsynced
            | Question::Rot
            | Question::Restore
            | Question::Downtime
            | Question::BootOrder
            | Question::Latency
            | Question::Loss
            | Question::Link
            | Question::Order
            | Question::Spin
            | Question::Memory
            | Question::Outage
            | Question::Partition
            | Question::Clock
            | Question::Script => vec![],
        }
    };
    let lines = census.sites.iter().flat_map(|site| answers(site).into_iter().map(|answer| site.answered(&answer)));
    Ok(lines.collect())
}

/// Visits every crash point of a scenario's calm run. `on_visit` is told of each visit, and says whether to go on.
///
/// # Errors
/// A scenario that names what it does not have.
pub fn sweep(
    scenario: &Scenario,
    options: &Options,
    loader: &Loader,
    mut on_visit: impl FnMut(usize, usize) -> bool,
) -> Result<Swept, ScenarioError> {
    let points = points(scenario, options, loader)?;
    let mut swept = Swept { points: points.len(), ..Swept::default() };
    for line in points {
        let plan = Plan { lines: vec![line] };
        let run = run_plan(scenario, &plan, options, loader)?;
        swept.visited += 1;
        match run.verdict {
            Verdict::Held => {}
            Verdict::Limit(limit) => swept.limits.push((plan, limit)),
            violated @ Verdict::Violated(_) => swept.violations.push((plan, violated)),
        }
        if !on_visit(swept.visited, swept.points) {
            break;
        }
    }
    Ok(swept)
}
