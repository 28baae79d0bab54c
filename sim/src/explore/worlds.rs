//! Shrinking a world and its plan together: from a generated world that fails to a few lines of script and of plan that
//! fail in the same way.
//!
//! Lines are left out first, in halves, quarters and one by one: of the plan, the script, the setup. Then what is left
//! gets simpler: orders and options of orders are left out, times come earlier, processes begin with less. Over and over,
//! until nothing helps any more.

use crate::explore::run_plan;
use crate::explore::shrink::PlanTree;
use crate::guest::image::Loader;
use crate::plan::Plan;
use crate::scenario::{Action, Line, OnExit, Scenario, Start, When};
use crate::world::{Options, Run};
use kernel_core::{Duration, Rule};

/// A world and a plan under which a rule breaks.
#[derive(Clone)]
pub struct Failing {
    /// The world.
    pub scenario: Scenario,
    /// What has to go wrong in it.
    pub plan: Plan,
}

/// Shrinks, and counts its runs.
pub struct Shrinker<'a> {
    /// The rule that is to be broken.
    pub rule: Rule,
    /// How a world is run.
    pub options: &'a Options,
    /// What has been compiled.
    pub loader: &'a Loader,
    /// How many runs it may take.
    pub runs_max: usize,
    runs: usize,
}

impl<'a> Shrinker<'a> {
    /// One that may take a few thousand runs.
    pub fn new(rule: Rule, options: &'a Options, loader: &'a Loader) -> Shrinker<'a> {
        Shrinker { rule, options, loader, runs_max: 3_000, runs: 0 }
    }

    /// How many runs it has taken.
    pub fn runs(&self) -> usize {
        self.runs
    }

    /// The simplest that is found and still breaks the rule.
    pub fn shrink(&mut self, failing: Failing) -> Failing {
        let mut best = failing;
        let calm = Failing { plan: Plan::default(), ..best.clone() };
        if self.fails(&calm) {
            best = calm;
        }
        loop {
            let before = size(&best);
            best = self.fewer_lines(best);
            best = self.simpler_plan(best);
            best = self.simpler_lines(best);
            if size(&best) == before || self.runs >= self.runs_max {
                return best;
            }
        }
    }

    fn fails(&mut self, it: &Failing) -> bool {
        if self.runs >= self.runs_max {
            return false;
        }
        self.runs += 1;
        // What names something that is no longer there is no world.
        let run = run_plan(&it.scenario, &it.plan, self.options, self.loader);
        run.is_ok_and(|run| breaks(&run, self.rule))
    }

    fn fewer_lines(&mut self, mut best: Failing) -> Failing {
        best = self.without(best, |it| it.scenario.script.len(), |it, range| drop(it.scenario.script.drain(range)));
        best = self.without(best, |it| it.plan.lines.len(), |it, range| drop(it.plan.lines.drain(range)));
        best = self.without(best, |it| it.scenario.setup.len(), |it, range| drop(it.scenario.setup.drain(range)));
        best = self.without(best, |it| it.scenario.backups.len(), |it, range| drop(it.scenario.backups.drain(range)));
        best = self.without(best, |it| it.scenario.packages.len(), |it, range| drop(it.scenario.packages.drain(range)));
        // The last nodes first: the first gives the others their numbers.
        self.without(
            best,
            |it| it.scenario.nodes.len().saturating_sub(1),
            |it, range| {
                drop(it.scenario.nodes.drain(range.start + 1..range.end + 1));
            },
        )
    }

    /// Leaves out halves, quarters, … and single things of so many.
    fn without(
        &mut self,
        mut best: Failing,
        len: impl Fn(&Failing) -> usize,
        leave_out: impl Fn(&mut Failing, std::ops::Range<usize>),
    ) -> Failing {
        let mut chunk = len(&best);
        while chunk > 0 {
            let mut from = 0;
            while from < len(&best) {
                let mut tried = best.clone();
                leave_out(&mut tried, from..(from + chunk).min(len(&best)));
                if self.fails(&tried) {
                    best = tried;
                } else {
                    from += chunk;
                }
            }
            chunk /= 2;
        }
        best
    }

    fn simpler_plan(&mut self, mut best: Failing) -> Failing {
        if best.plan.lines.is_empty() {
            return best;
        }
        let mut tree = PlanTree::new(best.plan.clone());
        let mut more = tree.simplify();
        while more && self.runs < self.runs_max {
            let tried = Failing { plan: tree.current().clone(), ..best.clone() };
            if self.fails(&tried) {
                best = tried;
                more = tree.simplify();
            } else {
                more = tree.complicate();
            }
        }
        best
    }

    fn simpler_lines(&mut self, mut best: Failing) -> Failing {
        for place in 0..best.scenario.script.len() {
            best = self.simpler(
                best,
                |it| simpler_line(&it.scenario.script[place]),
                |it, line| {
                    it.scenario.script[place] = line;
                },
            );
        }
        for place in 0..best.scenario.setup.len() {
            best = self.simpler(
                best,
                |it| simpler_action(&it.scenario.setup[place]),
                |it, action| {
                    it.scenario.setup[place] = action;
                },
            );
        }
        best
    }

    /// Puts the first of the simpler values in that still fails, until none does.
    fn simpler<T>(
        &mut self,
        mut best: Failing,
        proposals: impl Fn(&Failing) -> Vec<T>,
        put: impl Fn(&mut Failing, T),
    ) -> Failing {
        'again: loop {
            for proposal in proposals(&best) {
                let mut tried = best.clone();
                put(&mut tried, proposal);
                if self.fails(&tried) {
                    best = tried;
                    continue 'again;
                }
            }
            return best;
        }
    }
}

/// Whether a run broke a rule.
fn breaks(run: &Run, rule: Rule) -> bool {
    run.violations().iter().any(|violation| violation.claim.rule == rule)
}

/// By what progress is measured.
fn size(it: &Failing) -> (usize, usize) {
    let text = it.scenario.text();
    (text.len() + it.plan.to_string().len(), text.lines().count() + it.plan.lines.len())
}

fn simpler_line(line: &Line) -> Vec<Line> {
    let mut simpler: Vec<Line> =
        simpler_action(&line.action).into_iter().map(|action| Line { action, ..line.clone() }).collect();
    let with = |when| Line { when, action: line.action.clone() };
    match &line.when {
        When::At(at) => {
            // A time with fewer digits, not later.
            for unit in [1_000_000_000, 100_000_000, 10_000_000] {
                let round = Duration(at.0 / unit * unit);
                if round.0 > 0 && round != *at {
                    simpler.push(with(When::At(round)));
                    break;
                }
            }
        }
        When::Event(kind, process, nth) if *nth > 1 => simpler.push(with(When::Event(*kind, process.clone(), nth - 1))),
        When::Event(..) => {}
    }
    simpler
}

fn simpler_action(action: &Action) -> Vec<Action> {
    match action {
        Action::Start(start) => {
            let mut simpler: Vec<Action> = simpler_start(start).into_iter().map(Action::Start).collect();
            simpler.push(Action::Initialize(start.clone()));
            simpler
        }
        Action::Initialize(start) => simpler_start(start).into_iter().map(Action::Initialize).collect(),
        Action::Tell(on, body) => shorter(body).into_iter().map(|body| Action::Tell(on.clone(), body)).collect(),
        Action::Ask(on, seconds, body) => {
            let asked = shorter(body).into_iter().map(|body| Action::Ask(on.clone(), *seconds, body));
            [Action::Tell(on.clone(), body.clone())].into_iter().chain(asked).collect()
        }
        Action::Send(on, request) => {
            let Ok(body) = String::from_utf8(request.body.to_vec()) else { return vec![] };
            let mut simpler = vec![];
            if request.blob.is_none() && request.code.is_none() {
                simpler.push(Action::Tell(on.clone(), body.clone()));
            }
            if request.expects.is_some() {
                simpler.push(Action::Send(on.clone(), crate::scenario::Request { expects: None, ..request.clone() }));
            }
            if request.blob.is_some() {
                simpler.push(Action::Send(on.clone(), crate::scenario::Request { blob: None, ..request.clone() }));
            }
            let with = |body: String| crate::scenario::Request { body: body.into_bytes().into(), ..request.clone() };
            simpler.extend(shorter(&body).into_iter().map(|body| Action::Send(on.clone(), with(body))));
            simpler
        }
        Action::SetOnExit(on, value) => simpler_on_exit(value).map(|v| Action::SetOnExit(on.clone(), v)).collect(),
        Action::Run(_)
        | Action::Kill(_)
        | Action::Command(..)
        | Action::Grant(..)
        | Action::Withdraw(..)
        | Action::Install(..)
        | Action::Upgrade(..)
        | Action::Uninstall(..)
        | Action::Down(..)
        | Action::Restore(_)
        | Action::Cut(..)
        | Action::Visit(..)
        | Action::Emit(_) => vec![],
    }
}

fn simpler_start(start: &Start) -> Vec<Start> {
    let mut simpler = Vec::new();
    if start.network {
        simpler.push(Start { network: false, ..start.clone() });
    }
    if start.public {
        simpler.push(Start { public: false, ..start.clone() });
    }
    if start.may_message.len() > 1 {
        simpler.push(Start { may_message: vec![], ..start.clone() });
    }
    for place in 0..start.may_message.len() {
        let mut less = start.clone();
        less.may_message.remove(place);
        simpler.push(less);
    }
    for place in 0..start.holds.len() {
        let mut less = start.clone();
        less.holds.remove(place);
        simpler.push(less);
    }
    simpler.extend(simpler_on_exit(&start.on_exit).map(|on_exit| Start { on_exit, ..start.clone() }));
    simpler
}

fn simpler_on_exit(value: &OnExit) -> impl Iterator<Item = OnExit> {
    let mut simpler = Vec::new();
    if *value != OnExit::None {
        simpler.push(OnExit::None);
    }
    if let OnExit::Requests(list) = value
        && list.len() > 1
    {
        for place in 0..list.len() {
            let mut fewer = list.clone();
            fewer.remove(place);
            simpler.push(OnExit::Requests(fewer));
        }
    }
    simpler.into_iter()
}

/// The same orders without one of them, or without one of the items or options of one.
fn shorter(body: &str) -> Vec<String> {
    let lines: Vec<&str> = body.lines().collect();
    let mut simpler = Vec::new();
    if lines.len() > 1 {
        for place in 0..lines.len() {
            let kept = lines.iter().enumerate().filter(|(other, _)| *other != place).map(|(_, line)| *line);
            simpler.push(kept.collect::<Vec<_>>().join("\n"));
        }
    }
    for (place, line) in lines.iter().enumerate() {
        let mut with = |other: String| {
            let mut lines: Vec<String> = lines.iter().map(|line| line.to_string()).collect();
            lines[place] = other;
            simpler.push(lines.join("\n"));
        };
        if let Some((verb, items)) = line.split_once(' ')
            && items.contains(" & ")
        {
            let items: Vec<&str> = items.split(" & ").collect();
            for out in 0..items.len() {
                let kept: Vec<&str> = items.iter().enumerate().filter(|(n, _)| *n != out).map(|(_, i)| *i).collect();
                with(format!("{verb} {}", kept.join(" & ")));
            }
        }
        let words: Vec<&str> = line.split(' ').collect();
        for (out, word) in words.iter().enumerate().skip(1) {
            if word.starts_with('-') && word.len() > 1 {
                let kept: Vec<&str> = words.iter().enumerate().filter(|(n, _)| *n != out).map(|(_, w)| *w).collect();
                with(kept.join(" "));
            }
        }
    }
    simpler
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_get_shorter_by_a_line_an_item_or_an_option() {
        assert_eq!(shorter("return"), [""; 0]);
        assert_eq!(shorter("print a\nreturn"), ["return", "print a"]);
        assert_eq!(
            shorter("send-all -inherit x a & y b"),
            ["send-all y b", "send-all -inherit x a", "send-all x a & y b"]
        );
    }
}
