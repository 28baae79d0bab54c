//! The crash sweep: every crash point of a scenario's calm run, each visited by a run, or the rest of a run, of its own.
//!
//! The crash points of a node are before each input to its kernel and, in each durable write, before and after each of
//! its operations on the disk, boot included. Between two of them nothing observable happens: processes share nothing
//! and act only through calls, and a kernel step is atomic. So for the calm schedule the list is complete.
//!
//! The calm run is played twice: once to learn which points there are, once to stop before each and fork the world
//! there. A world in which a module has something open that cannot be cloned is not forked: its branch is run again
//! from the start. Either way a branch is the run that its plan gives.

use crate::explore::{pool, run_plan};
use crate::guest::image::Loader;
use crate::invariant::OwnPanic;
use crate::plan::chooser::Chooser;
use crate::plan::{Line, Plan, Site};
use crate::scenario::{Scenario, ScenarioError};
use crate::world::{Options, Run, Verdict, World};
use std::ops::ControlFlow;

/// How many points a thread takes at once. It plays the calm run up to the first of them again: a small part of its work.
const CHUNK: usize = 32;

/// What sweeping a scenario came to.
#[derive(Clone, Debug, Default)]
pub struct Swept {
    /// How many crash points there are.
    pub points: usize,
    /// How many were visited: all, unless the visits were cut short.
    pub visited: usize,
    /// How many of those by forking the calm run; the others were run again from the start.
    pub forked: usize,
    /// The plans that broke an invariant, and how.
    pub violations: Vec<(Plan, Verdict)>,
    /// The plans whose run reached a bound of the simulator, and which.
    pub limits: Vec<(Plan, String)>,
    /// The plans under which an invariant or a module of the scenario's own panicked.
    pub panics: Vec<(Plan, OwnPanic)>,
}

/// A crash point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// What happens there: a plan of one line.
    pub line: Line,
    /// How many steps of the calm run come before it.
    step: usize,
}

/// How a crash point was visited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The calm run was forked there.
    Forked,
    /// The scenario was run again from the start.
    RunAgain,
}

/// Every crash point of a scenario's calm run, in their order: a panic at each call of each life, a kill of
/// each process before each step of its kernel, a crash and a power loss there, and both after any number
/// of the operations of each durable write. Where there is a chain: each failure of its provider, and a reorganisation at each block, too.
///
/// # Errors
/// A scenario that names what it does not have.
pub fn points(scenario: &Scenario, options: &Options, loader: &Loader) -> Result<Vec<Point>, ScenarioError> {
    census(scenario, options, loader).map(|(points, _)| points)
}

/// The same, and what of the scenario's own code panicked in the calm run.
fn census(
    scenario: &Scenario,
    options: &Options,
    loader: &Loader,
) -> Result<(Vec<Point>, Vec<OwnPanic>), ScenarioError> {
    let mut world = World::new(scenario, options.clone(), Chooser::census(), loader)?;
    world.begin();
    let mut sites: Vec<(usize, Site)> = world.new_sites().into_iter().map(|site| (0, site)).collect();
    let mut step = 0;
    while world.advance() {
        sites.extend(world.new_sites().into_iter().map(|site| (step, site)));
        step += 1;
    }
    let census = world.play_out();
    let points = sites.iter().flat_map(|(step, site)| {
        let there = census.processes.iter().filter(|(node, _)| site.subject.nodes() == [node]);
        let processes: Vec<&str> = there.map(|(_, process)| process.as_str()).collect();
        let faults = site.family.sweep(site, &processes).into_iter();
        faults.map(|fault| Point { line: site.with(fault), step: *step })
    });
    Ok((points.collect(), census.panics.clone()))
}

/// Plays the branch of each of these points, in their order, and hands it over; the receiver says whether to go on.
///
/// # Errors
/// A scenario that names what it does not have.
pub fn branches(
    scenario: &Scenario,
    options: &Options,
    loader: &Loader,
    points: &[Point],
    mut on_branch: impl FnMut(&Line, Way, Run) -> bool,
) -> Result<(), ScenarioError> {
    let mut calm = World::new(scenario, options.clone(), Chooser::census(), loader)?.recording_answers();
    calm.begin();
    let mut step = 0;
    for Point { line, step: at } in points {
        while step < *at {
            assert!(calm.advance(), "the calm run comes as far as before");
            step += 1;
        }
        let (way, run) = match calm.fork(line) {
            Some(branch) => (Way::Forked, branch.play_out()),
            None => (Way::RunAgain, run_plan(scenario, &line.clone().into(), options, loader)?),
        };
        if !on_branch(line, way, run) {
            break;
        }
    }
    Ok(())
}

/// Visits every crash point of a scenario's calm run. `on_visit` gets how many were visited, and how many there are, and
/// says whether to go on.
///
/// # Errors
/// A scenario that names what it does not have.
pub fn sweep(
    scenario: &Scenario,
    options: &Options,
    loader: &Loader,
    mut on_visit: impl FnMut(usize, usize) -> bool,
) -> Result<Swept, ScenarioError> {
    sweep_until(scenario, options, loader, 1, |swept| {
        if on_visit(swept.visited, swept.points) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })
}

/// The same on so many threads, until `on_visit` has enough. It gets what the visits so far came to, after each of them and
/// in the order of the points; what comes out does not depend on the number of threads.
///
/// # Errors
/// A scenario that names what it does not have.
pub(crate) fn sweep_until(
    scenario: &Scenario,
    options: &Options,
    loader: &Loader,
    jobs: usize,
    mut on_visit: impl FnMut(&Swept) -> ControlFlow<()>,
) -> Result<Swept, ScenarioError> {
    let (points, panics) = census(scenario, options, loader)?;
    let (mut swept, mut wrong) = (Swept { points: points.len(), ..Swept::default() }, None);
    swept.panics = panics.into_iter().map(|panic| (Plan::default(), panic)).collect();
    let chunks: Vec<&[Point]> = points.chunks(CHUNK).collect();
    let each = |_, chunk: &&[Point]| {
        let mut visited = Vec::new();
        branches(scenario, options, loader, chunk, |line, way, run| {
            visited.push((Plan::from(line.clone()), way, run.verdict, run.panics));
            true
        })
        .map(|()| visited)
    };
    pool::in_order(&chunks, jobs, each, |_, visited| match visited {
        Ok(visited) => visited.into_iter().try_for_each(|(plan, way, verdict, panics)| {
            swept.panics.extend(panics.into_iter().map(|panic| (plan.clone(), panic)));
            swept.take(plan, way, verdict);
            on_visit(&swept)
        }),
        Err(error) => {
            wrong = Some(error);
            ControlFlow::Break(())
        }
    });
    wrong.map_or(Ok(swept), Err)
}

impl Swept {
    /// Takes in the next visit.
    fn take(&mut self, plan: Plan, way: Way, verdict: Verdict) {
        self.visited += 1;
        self.forked += usize::from(way == Way::Forked);
        match verdict {
            Verdict::Held => {}
            Verdict::Limit(limit) => self.limits.push((plan, limit)),
            violated @ Verdict::Violated(_) => self.violations.push((plan, violated)),
        }
    }
}
