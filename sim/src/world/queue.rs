//! What is due when.

use kernel_core::Instant;
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// Things that are due, earliest first. At one instant those with a lower `rank` come first, then those pushed first.
#[derive(Clone, Debug)]
pub struct Queue<T> {
    /// What is due before all else: it never needs to go into the heap.
    soonest: Option<(Instant, T)>,
    heap: BinaryHeap<Reverse<Entry<T>>>,
    pushed: u64,
}

#[derive(Clone, Debug)]
struct Entry<T> {
    at: Instant,
    rank: u32,
    nth: u64,
    what: T,
}

impl<T> Default for Queue<T> {
    fn default() -> Queue<T> {
        Queue { soonest: None, heap: BinaryHeap::new(), pushed: 0 }
    }
}

impl<T> Queue<T> {
    /// Something is due at an instant.
    pub fn push(&mut self, at: Instant, rank: u32, what: T) {
        if let Some((other_at, other)) = self.soonest.take() {
            self.push_on_heap(other_at, 0, other);
            self.push_on_heap(at, rank, what);
        } else if rank == 0 && self.heap.peek().is_none_or(|Reverse(next)| at < next.at) {
            self.soonest = Some((at, what));
        } else {
            self.push_on_heap(at, rank, what);
        }
    }

    fn push_on_heap(&mut self, at: Instant, rank: u32, what: T) {
        self.pushed += 1;
        self.heap.push(Reverse(Entry { at, rank, nth: self.pushed, what }));
    }

    /// Takes the next.
    pub fn pop(&mut self) -> Option<(Instant, T)> {
        self.soonest.take().or_else(|| self.heap.pop().map(|Reverse(entry)| (entry.at, entry.what)))
    }

    /// All that is due, in the order in which it will be taken.
    pub fn in_order(&self) -> impl Iterator<Item = (Instant, &T)> {
        let mut all: Vec<&Entry<T>> = self.heap.iter().map(|Reverse(entry)| entry).collect();
        all.sort_by_key(|entry| entry.key());
        let soonest = self.soonest.iter().map(|(at, what)| (*at, what));
        soonest.chain(all.into_iter().map(|entry| (entry.at, &entry.what)))
    }

    /// Whether nothing is due, ever.
    pub fn is_empty(&self) -> bool {
        self.soonest.is_none() && self.heap.is_empty()
    }
}

impl<T> Entry<T> {
    fn key(&self) -> (Instant, u32, u64) {
        (self.at, self.rank, self.nth)
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Entry<T>) -> bool {
        self.key() == other.key()
    }
}

impl<T> Eq for Entry<T> {}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Entry<T>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Entry<T>) -> Ordering {
        self.key().cmp(&other.key())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_comes_first_then_the_lowest_rank_then_the_oldest() {
        let mut queue = Queue::default();
        for (at, rank, what) in [(2, 0, 'd'), (1, 1, 'c'), (1, 0, 'a'), (1, 0, 'b'), (2, 0, 'e')] {
            queue.push(Instant(at), rank, what);
        }
        let order: String = std::iter::from_fn(|| queue.pop()).map(|(_, what)| what).collect();
        assert_eq!(order, "abcde");
        assert!(queue.is_empty());
    }
}
