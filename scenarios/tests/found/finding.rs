//! What the tests share that look for wrong kernels.

use kernel_core::Rule;
use sim::explore::pool::in_order;
use sim::world::{Run, Verdict};
use std::ops::ControlFlow;

/// Threads.
const JOBS: usize = 2;

/// The rules that a run broke, and how.
pub fn violations(run: &Run) -> impl Iterator<Item = (Rule, &str)> {
    let violations = match &run.verdict {
        Verdict::Violated(violations) => &violations[..],
        Verdict::Held | Verdict::Limit(_) => &[],
    };
    violations.iter().map(|violation| (violation.claim.rule, &*violation.facts))
}

/// Does something to each of many, on two threads; the results are in the order of the many.
pub fn in_parallel<T: Sync, R: Send>(items: &[T], each: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let mut all = Vec::new();
    in_order(
        items,
        JOBS,
        |_, item| each(item),
        |_, result| {
            all.push(result);
            ControlFlow::Continue(())
        },
    );
    all
}
