//! Many runs of a package, each of which is looked at: crash points, spread evenly, and seeds.
//!
//! The work is bounded, by what it takes and not by a clock: the same package is visited at the same points on any
//! machine, with any number of threads.

use super::judge::{judge, what_counts};
use super::note::Note;
use super::notes::notes;
use super::recovery::{Baseline, Recovered};
use crate::explore::{pool, run_plan, run_seed};
use crate::guest::image::Loader;
use crate::package::Content;
use crate::plan::chooser::{Profile, Seed};
use crate::plan::{Line, Plan};
use crate::scenario::{Scenario, ScenarioError};
use crate::trace::coverage::Coverage;
use crate::trace::event::What;
use crate::world::{Options, Run, Spent, Verdict};
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// How many visits are begun before the work done is compared with the bound: so many, fewer if they are so much work
/// that this would go far beyond it, and at least as many as common processors can share.
const BATCH: usize = 32;
const BATCH_MIN: usize = 2;
/// Into how many batches the bound is divided at least.
const BATCHES: u64 = 8;

/// Work: about a microsecond of one processor, in a release build.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Work(pub u64);

/// How a run is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Visit {
    /// One thing goes wrong.
    Point(Line),
    /// A seed, as it is drawn for swarms.
    Seed(Seed),
}

/// What is kept of a visit.
#[derive(Clone, Debug)]
pub struct Visited {
    /// How it was made.
    pub visit: Visit,
    /// How it ended.
    pub verdict: Verdict,
    /// What is worth knowing of it.
    pub notes: BTreeSet<Note>,
    /// What it took.
    pub work: Work,
    /// What it reached.
    pub coverage: Coverage,
    /// What it shows, compared with the calm run.
    pub recovered: Recovered,
}

/// Crash points in an order of which every beginning is spread evenly over the run.
pub fn spread(points: Vec<Line>) -> Vec<Visit> {
    let mut numbered: Vec<(u32, Line)> = (0..).zip(points).collect();
    numbered.sort_by_key(|(index, _)| index.reverse_bits());
    numbered.into_iter().map(|(_, line)| Visit::Point(line)).collect()
}

/// Makes visits, in their order, seeds by this profile, until all are made or the work exceeds the bound, if there is one;
/// one of them is about as much work as `each`; or until `on_visit`, which is called after each, has enough. Each is compared
/// with the calm run. What comes out does not depend on the number of threads, `jobs`.
///
/// # Errors
/// A scenario that names what it does not have.
pub fn visit(
    scenario: &Scenario,
    visits: &[Visit],
    (profile, calm): (Profile, &Baseline),
    (each, bound): (Work, Option<Work>),
    options: &Options,
    (loader, jobs): (&Loader, usize),
    mut on_visit: impl FnMut() -> ControlFlow<()>,
) -> Result<Vec<Visited>, ScenarioError> {
    let options = Options { keep_trace: true, ..options.clone() };
    let mut all = Vec::new();
    let mut done = Work::default();
    while all.len() < visits.len() && bound.is_none_or(|bound| done < bound) {
        let each = (done.0 / all.len().max(1) as u64).max(each.0).max(1);
        let n = bound.map_or(BATCH, |bound| (bound.0 / BATCHES / each) as usize).clamp(BATCH_MIN, BATCH);
        let batch = &visits[all.len()..(all.len() + n).min(visits.len())];
        let visited = visit_batch(scenario, batch, (profile, calm), &options, (loader, jobs), &mut on_visit)?;
        let is_enough = visited.len() < batch.len();
        done.0 += visited.iter().map(|visited| visited.work.0).sum::<u64>();
        all.extend(visited);
        if is_enough {
            break;
        }
    }
    Ok(all)
}

fn visit_batch(
    scenario: &Scenario,
    batch: &[Visit],
    how: (Profile, &Baseline),
    options: &Options,
    (loader, jobs): (&Loader, usize),
    on_visit: &mut impl FnMut() -> ControlFlow<()>,
) -> Result<Vec<Visited>, ScenarioError> {
    let (mut visited, mut wrong) = (Vec::new(), None);
    let each = |_, visit: &Visit| visit_one(scenario, visit, how, options, loader);
    pool::in_order(batch, jobs, each, |_, result| match result {
        Ok(one) => {
            visited.push(one);
            on_visit()
        }
        Err(error) => {
            wrong = Some(error);
            ControlFlow::Break(())
        }
    });
    wrong.map_or(Ok(visited), Err)
}

fn visit_one(
    scenario: &Scenario,
    visit: &Visit,
    (profile, calm): (Profile, &Baseline),
    options: &Options,
    loader: &Loader,
) -> Result<Visited, ScenarioError> {
    let mut run = match visit {
        Visit::Point(line) => run_plan(scenario, &Plan { lines: vec![line.clone()] }, options, loader)?,
        Visit::Seed(seed) => run_seed(scenario, *seed, profile, options, loader)?,
    };
    assert_eq!(run.panics, [], "what a package is held to does not panic");
    let (mut notes, work) = (notes(&run, false), work(&run, scenario));
    notes.extend(judge(&mut run, &calm.terms));
    let recovered = recovered(calm, &mut run);
    let (verdict, coverage) = (run.verdict, run.coverage);
    Ok(Visited { visit: visit.clone(), verdict, notes, work, coverage, recovered })
}

/// Compares a judged run with the calm one; what that breaks is then in its verdict, too.
pub fn recovered(calm: &Baseline, run: &mut Run) -> Recovered {
    // Of a run that reached a bound nobody knows how it would have ended.
    if matches!(run.verdict, Verdict::Limit(_)) {
        return Recovered::default();
    }
    let mut recovered = calm.compare(run);
    let (found, not_counted) = what_counts(std::mem::take(&mut recovered.broken), run, &calm.terms);
    recovered.notes.extend(not_counted);
    if !found.is_empty() {
        match &mut run.verdict {
            Verdict::Violated(known) => known.extend(found),
            verdict => *verdict = Verdict::Violated(found),
        }
    }
    recovered
}

/// What a run of which all events were kept took: its events and the turns that are none, the lives that it began, each an instance of its code,
/// and what it cost beside them, at what the parts of it take as measured.
pub fn work(run: &Run, scenario: &Scenario) -> Work {
    let sizes = scenario.packages.iter().flat_map(|(_, package)| &package.files).map(|(_, content)| match content {
        Content::Bytes(bytes) => bytes.len() as u64,
        Content::Program(_) => 0,
    });
    let life = 20 + sizes.max().unwrap_or(0) / 2_500;
    let of_event = |what: &What| match what {
        What::Started(_) => life,
        _ => 1,
    };
    let events: u64 = run.trace.events().map(|(_, event)| of_event(&event.what)).sum();
    let silent = run.spent.n_silent();
    let Spent { fuel, copied, rewritten, begun, host, .. } = run.spent;
    Work(events + silent + fuel / 300 + copied / 300 + rewritten / 2_000 + begun / 1_000 + host / 250)
}
