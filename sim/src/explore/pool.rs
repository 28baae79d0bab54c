//! Many pieces of work on several threads. What comes of them is handed over in the order of the pieces, so that nothing
//! depends on how many threads there are.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

/// How many threads to use if nobody says otherwise: as many as there are processors.
pub fn default_jobs() -> usize {
    thread::available_parallelism().map_or(1, Into::into)
}

/// Does each piece on one of so many threads, and hands the results to `take` in the order of the pieces, until there are
/// no more or `take` says that it has enough. Results behind that one are dropped.
pub fn in_order<T: Sync, R: Send>(
    pieces: &[T],
    jobs: usize,
    each: impl Fn(usize, &T) -> R + Sync,
    mut take: impl FnMut(usize, R) -> ControlFlow<()>,
) {
    let (next, enough) = (AtomicUsize::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        let (send, receive) = mpsc::channel();
        for _ in 0..jobs.clamp(1, pieces.len().max(1)) {
            let (send, next, enough, each) = (send.clone(), &next, &enough, &each);
            scope.spawn(move || {
                while !enough.load(Ordering::Relaxed) {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(piece) = pieces.get(index) else { return };
                    if send.send((index, each(index, piece))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(send);
        let (mut waiting, mut turn) = (BTreeMap::new(), 0);
        for (index, result) in receive {
            waiting.insert(index, result);
            while let Some(result) = waiting.remove(&turn) {
                if take(turn, result).is_break() {
                    enough.store(true, Ordering::Relaxed);
                    return;
                }
                turn += 1;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_and_stop_where_enough_is_said() {
        let pieces: Vec<u32> = (0..100).collect();
        for jobs in [1, 2, 7] {
            let mut taken = Vec::new();
            in_order(
                &pieces,
                jobs,
                |_, n| n * 2,
                |index, double| {
                    taken.push((index, double));
                    if double < 20 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
                },
            );
            let expected: Vec<(usize, u32)> = (0..=10).map(|n| (n, n as u32 * 2)).collect();
            assert_eq!(taken, expected, "{jobs} threads");
        }
    }

    #[test]
    fn nothing_to_do_is_done_at_once() {
        in_order(&[] as &[u32], 4, |_, _| (), |_, ()| panic!("there is nothing to take"));
    }
}
