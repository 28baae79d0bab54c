//! What a generated world is drawn from: one stream of the seed's, apart from all that the chooser draws.

use crate::plan::chooser::Seed;
use kernel_core::Duration;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// The number of the stream. The chooser's are digests of names.
const STREAM: u64 = 0x6765_6e65_7261_7465;

/// Draws, one after the other.
pub(super) struct Draws(ChaCha8Rng);

impl Draws {
    pub(super) fn new(seed: Seed) -> Draws {
        let mut rng = ChaCha8Rng::seed_from_u64(seed.0);
        rng.set_stream(STREAM);
        Draws(rng)
    }

    /// A number below `n`, which is not 0.
    pub(super) fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.0.next_u64()) * n as u128) >> 64) as usize
    }

    /// Yes, once in `n` times.
    pub(super) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// Yes, so many times of a hundred.
    pub(super) fn percent(&mut self, n: usize) -> bool {
        self.below(100) < n
    }

    /// One of them; there is one.
    pub(super) fn pick<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }

    /// One of them by its weight; one weighs something.
    pub(super) fn weighted<T: Copy>(&mut self, of: &[(usize, T)]) -> T {
        let mut left = self.below(of.iter().map(|(weight, _)| weight).sum());
        for (weight, one) in of {
            match left.checked_sub(*weight) {
                Some(rest) => left = rest,
                None => return *one,
            }
        }
        unreachable!("what is drawn lies below the sum of the weights")
    }

    /// A time below `span`, in whole milliseconds.
    pub(super) fn millis(&mut self, span: Duration) -> Duration {
        Duration::from_millis(self.below((span.0 / 1_000_000).max(1) as usize) as u64)
    }
}
