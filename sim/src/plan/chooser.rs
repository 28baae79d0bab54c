//! The one door through which chance enters.
//!
//! Wherever a world could go more than one way it has a [`Stream`] per family and subject, and asks the chooser. A stream
//! counts its sites; between two sites at which something goes wrong, asking costs one comparison.

use crate::plan::fault::{Family, FaultFamily, NEVER};
use crate::plan::site::{Site, SubjectRef};
use crate::plan::{Fault, Line, Plan};
use indexmap::IndexMap;
use kernel_core::Names;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::collections::VecDeque;
use std::marker::PhantomData;
use xxhash_rust::xxh3::xxh3_64;

/// A short name for a plan: all that the seeded chooser draws from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seed(pub u64);

/// How much goes wrong under a seed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Profile {
    /// Nothing.
    Calm,
    /// Everything, often.
    Stormy,
    /// Each seed switches whole families on or off and draws their rates.
    #[default]
    Swarm,
    /// The same, on disks that neither refuse an access nor rot.
    Sound,
}

/// Decides at each site whether something goes wrong, and what.
#[derive(Clone, Debug)]
pub struct Chooser {
    source: Source,
    /// Whether nothing goes wrong for now: while the scenario is set up, and while the world settles.
    lifted: bool,
    /// How much went wrong so far.
    faults: u64,
    /// What went wrong, in its order, if it is kept.
    record: Option<Vec<Line>>,
    /// The lines of a plan that is to be kept to, from the one that comes next.
    strict: Option<VecDeque<Line>>,
    /// The line that did not come up when it was its turn.
    misfit: Option<Line>,
}

#[derive(Clone, Debug)]
enum Source {
    Seeded {
        rng: Box<ChaCha8Rng>,
        rates: [u32; Family::ALL.len()],
    },
    Planned {
        /// By family and subject; the first line of a site counts.
        lines: IndexMap<(Family, String), Vec<(u32, Fault)>>,
    },
    /// Nothing goes wrong; every site outside the setup is noted.
    Census {
        sites: Vec<Site>,
    },
}

/// The sites of one family and one subject.
#[derive(Clone, Debug)]
pub struct Stream<F> {
    subject: SubjectRef,
    asked: u32,
    /// How many operations the write in question has, for a census.
    operations: u32,
    /// The next site at which something may go wrong; none, if it is `u32::MAX`.
    next: u32,
    /// What its draws are made from, once there was one.
    key: Option<u64>,
    family: PhantomData<F>,
}

/// How many sites a stream looks ahead for its next fault: more would be drawn in vain at the end of a run.
const LOOK_AHEAD: u32 = 64;

/// What a draw is made from: independent of every other draw.
#[derive(Clone, Copy, Debug)]
pub struct Draw(u64);

impl Draw {
    /// A number below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.0 = mix(self.0);
        // The high half of the product: as even as 64 bits allow, without a loop.
        ((u128::from(self.0) * u128::from(n)) >> 64) as u64
    }

    /// One of these.
    pub(crate) fn pick<'a, T, const N: usize>(&mut self, all: &'a [T; N]) -> &'a T {
        const { assert!(N > 0) };
        &all[self.below(N as u64) as usize]
    }

    /// One of these, if there are any.
    pub(crate) fn one_of<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        all.get(self.below(all.len().max(1) as u64) as usize)
    }
}

impl Chooser {
    /// Nothing ever goes wrong: the empty plan.
    pub fn calm() -> Chooser {
        Chooser::planned(&Plan::default())
    }

    /// Draws from a seed.
    pub fn seeded(seed: Seed, profile: Profile) -> Chooser {
        let rng = ChaCha8Rng::seed_from_u64(seed.0);
        let mut rates = [NEVER; Family::ALL.len()];
        for (rate, family) in rates.iter_mut().zip(Family::ALL) {
            let mut draw = Draw(key(&rng, &format!("rate {family}")));
            let usual = family.rate();
            *rate = match profile {
                Profile::Calm => NEVER,
                _ if usual == NEVER => NEVER,
                Profile::Stormy => usual,
                Profile::Sound if matches!(family, Family::Io | Family::Rot) => NEVER,
                Profile::Swarm | Profile::Sound if draw.below(2) == 0 => NEVER,
                Profile::Swarm | Profile::Sound if usual == 1 => 1,
                Profile::Swarm | Profile::Sound => usual * [1, 4, 16, 64][draw.below(4) as usize],
            };
        }
        Chooser {
            source: Source::Seeded { rng: Box::new(rng), rates },
            lifted: false,
            faults: 0,
            record: None,
            strict: None,
            misfit: None,
        }
    }

    /// Has those faults happen that a plan says, and no others.
    pub fn planned(plan: &Plan) -> Chooser {
        let mut lines: IndexMap<(Family, String), Vec<(u32, Fault)>> = IndexMap::new();
        for line in &plan.lines {
            let stream = (line.family(), line.subject.to_string());
            lines.entry(stream).or_default().push((line.ordinal, line.fault.clone()));
        }
        lines.values_mut().for_each(|faults| faults.sort_by_key(|(ordinal, _)| *ordinal));
        Chooser {
            source: Source::Planned { lines },
            lifted: false,
            faults: 0,
            record: None,
            strict: None,
            misfit: None,
        }
    }

    /// Answers calmly, and notes every site that comes up while faults may happen, for
    /// [`take_sites`](Chooser::take_sites).
    pub fn census() -> Chooser {
        let source = Source::Census { sites: Vec::new() };
        Chooser { source, lifted: false, faults: 0, record: None, strict: None, misfit: None }
    }

    /// The sites that came up since this was last asked, in their order; none, unless this is a census.
    pub fn take_sites(&mut self) -> Vec<Site> {
        match &mut self.source {
            Source::Census { sites } => std::mem::take(sites),
            Source::Seeded { .. } | Source::Planned { .. } => Vec::new(),
        }
    }

    /// One that answers as a plan of this one line from here on, for a world whose past was calm. Streams that a census has
    /// asked, and only they, are asked on: each of their askings comes to the chooser, until it says otherwise.
    ///
    /// # Panics
    /// Unless this is a census.
    pub fn branch(&self, line: &Line) -> Chooser {
        assert!(matches!(self.source, Source::Census { .. }), "only from a census can one branch off");
        let planned = Chooser::planned(&Plan { lines: vec![line.clone()] });
        Chooser { lifted: self.lifted, faults: self.faults, ..planned }
    }

    /// Answers as a plan says, whose lines are to come up in their order. The first that does not is the
    /// [`misfit`](Chooser::misfit).
    pub fn strict(plan: &Plan) -> Chooser {
        Chooser { strict: Some(plan.lines.iter().cloned().collect()), ..Chooser::planned(plan) }
    }

    /// The line of a strict plan that no longer fits: another came up when it was its turn. At the end of a run that is any
    /// line that has not come up.
    pub fn misfit(&self, at_end: bool) -> Option<&Line> {
        let next = || self.strict.as_ref().and_then(VecDeque::front).filter(|_| at_end);
        self.misfit.as_ref().or_else(next)
    }

    /// Keeps what is answered, for [`plan`](Chooser::plan).
    pub fn recording(mut self) -> Chooser {
        self.record = Some(Vec::new());
        self
    }

    /// The plan that gives the same run again, if answers were kept.
    pub fn plan(&self) -> Option<Plan> {
        Some(Plan { lines: self.record.clone()? })
    }

    /// While faults are lifted every answer is calm, whatever the source says; askings are counted all the same.
    pub fn lift(&mut self, lifted: bool) {
        self.lifted = lifted;
    }

    /// Whether every answer so far was calm.
    pub fn was_calm(&self) -> bool {
        self.faults == 0
    }

    /// How many faults were injected so far.
    pub fn faults(&self) -> u64 {
        self.faults
    }

    /// A stream of which no site has come up yet. Most streams of a world never have one, so all else is left to the first.
    pub fn open<F: FaultFamily>(&self, subject: SubjectRef) -> Stream<F> {
        let next = match &self.source {
            Source::Seeded { rates, .. } if rates[F::FAMILY as usize] == NEVER => u32::MAX,
            Source::Planned { lines } if lines.is_empty() => u32::MAX,
            Source::Seeded { .. } | Source::Planned { .. } | Source::Census { .. } => 1,
        };
        Stream { subject, asked: 0, operations: 0, next, key: None, family: PhantomData }
    }

    /// Whether something goes wrong at the next site of a stream, and what exactly. `offer` says what there is to choose
    /// from; it is called if a seed has something go wrong here.
    #[inline]
    pub fn ask<F: FaultFamily>(
        &mut self,
        stream: &mut Stream<F>,
        names: &Names,
        offer: impl FnOnce() -> F::Offer,
    ) -> Option<F::Detail> {
        stream.asked += 1;
        if stream.asked < stream.next {
            return None;
        }
        self.answer(stream, names, offer)
    }

    #[cold]
    fn answer<F: FaultFamily>(
        &mut self,
        stream: &mut Stream<F>,
        names: &Names,
        offer: impl FnOnce() -> F::Offer,
    ) -> Option<F::Detail> {
        let ordinal = stream.asked;
        let detail = match &mut self.source {
            _ if self.lifted => None,
            Source::Census { sites } => {
                let (family, operations) = (F::FAMILY, stream.operations);
                sites.push(Site { family, subject: stream.subject.named(names), ordinal, operations });
                None
            }
            Source::Seeded { rng, rates } => {
                let key = *stream
                    .key
                    .get_or_insert_with(|| key(rng, &format!("{} {}", F::FAMILY, stream.subject.named(names))));
                let hits = hits(key, ordinal, rates[F::FAMILY as usize]);
                if hits { F::draw(&mut Draw(draw(key, ordinal)), offer(), names) } else { None }
            }
            Source::Planned { lines } => {
                let faults = lines.get(&stream.name(names));
                let fault = faults.and_then(|faults| faults.iter().find(|(at, _)| *at == ordinal));
                fault.and_then(|(_, fault)| F::detail(fault)).cloned()
            }
        };
        if let Some(detail) = &detail {
            self.faults += 1;
            let line = || Line { subject: stream.subject.named(names), ordinal, fault: F::fault(detail.clone()) };
            if let Some(record) = &mut self.record {
                record.push(line());
            }
            if let Some(next) = self.strict.as_mut().and_then(VecDeque::pop_front)
                && !next.is_at_site_of(&line())
            {
                self.misfit.get_or_insert(next);
            }
        }
        self.find_next(stream, names);
        detail
    }

    /// Sets the next site at which something may go wrong.
    fn find_next<F: FaultFamily>(&self, stream: &mut Stream<F>, names: &Names) {
        stream.next = match &self.source {
            Source::Seeded { rates, .. } => match (rates[F::FAMILY as usize], stream.key) {
                (NEVER, _) => u32::MAX,
                // While faults are lifted nothing is drawn.
                (_, None) => stream.asked.saturating_add(1),
                // Looks no further ahead than pays; where nothing is found, asking there finds the next.
                (rate, Some(key)) => {
                    let far = stream.asked.saturating_add(LOOK_AHEAD);
                    (stream.asked + 1..far).find(|ordinal| hits(key, *ordinal, rate)).unwrap_or(far)
                }
            },
            Source::Planned { lines } if lines.is_empty() => u32::MAX,
            Source::Planned { lines } => {
                let faults = lines.get(&stream.name(names)).map_or(&[][..], Vec::as_slice);
                faults.iter().map(|(at, _)| *at).find(|at| *at > stream.asked).unwrap_or(u32::MAX)
            }
            Source::Census { .. } => stream.asked + 1,
        };
    }
}

impl<F: FaultFamily> Stream<F> {
    /// The next site is about a write of so many operations.
    pub fn about(&mut self, operations: usize) -> &mut Stream<F> {
        self.operations = operations as u32;
        self
    }

    /// Its family and subject, as plans name them.
    fn name(&self, names: &Names) -> (Family, String) {
        (F::FAMILY, self.subject.named(names).to_string())
    }
}

/// The draw of a site: a hash of its stream's key and the ordinal, whatever else was drawn.
fn draw(key: u64, ordinal: u32) -> u64 {
    mix(key.wrapping_add(u64::from(ordinal).wrapping_mul(0x9e37_79b9_7f4a_7c15)))
}

/// Whether this site is one of those, one in `rate`, at which something goes wrong.
fn hits(key: u64, ordinal: u32, rate: u32) -> bool {
    Draw(!draw(key, ordinal)).below(u64::from(rate)) == 0
}

/// The key of a stream: of the seed and of the stream's own name only.
fn key(rng: &ChaCha8Rng, name: &str) -> u64 {
    let mut rng = rng.clone();
    rng.set_stream(xxh3_64(name.as_bytes()));
    rng.next_u64()
}

/// The finalizer of SplitMix64: every bit of the input reaches every bit of the output.
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_disks_are_the_swarm_without_what_disks_do() {
        let rates = |seed, profile| match Chooser::seeded(Seed(seed), profile).source {
            Source::Seeded { rates, .. } => rates,
            Source::Planned { .. } | Source::Census { .. } => panic!("it is seeded"),
        };
        let mut refused = 0;
        for seed in 0..64 {
            let (mut swarm, sound) = (rates(seed, Profile::Swarm), rates(seed, Profile::Sound));
            refused += u32::from(swarm[Family::Io as usize] != NEVER);
            (swarm[Family::Io as usize], swarm[Family::Rot as usize]) = (NEVER, NEVER);
            assert_eq!(swarm, sound);
        }
        assert!(refused > 0, "a swarm's disks refuse");
    }
}
