//! What the tests share that look for wrong kernels.

use kernel_core::Rule;
use sim::world::{Run, Verdict};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

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

/// Does something to each of many, on all threads; what comes of it is in the order of the many.
pub fn in_parallel<T: Sync, R: Send>(items: &[T], each: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..JOBS {
            scope.spawn(|| {
                while let Some((index, item)) = take(&next, items) {
                    let result = each(item);
                    done.lock().expect("nobody panics while it is locked").push((index, result));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("nobody panics while it is locked");
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

/// The next that nobody has taken.
fn take<'i, T>(next: &AtomicUsize, items: &'i [T]) -> Option<(usize, &'i T)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    Some((index, items.get(index)?))
}
