//! The one door through which chance enters.
//!
//! Whoever might go more than one way holds a [`Stream`] per question and subject, and asks it. A stream counts its
//! askings; between two sites that are not calm an asking costs one comparison.

use crate::plan::site::{Answer, Question, Subject};
use crate::plan::{Line, Plan};
use indexmap::IndexMap;
use kernel_core::Names;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::collections::VecDeque;
use xxhash_rust::xxh3::xxh3_64;

/// A short name for a plan: all that the seeded chooser draws from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seed(pub u64);

/// How much goes wrong under a seed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
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

/// Who decides at sites.
#[derive(Clone, Debug)]
pub struct Chooser {
    source: Source,
    /// Whether every answer is calm for now: while the scenario is set up, and while the world is to settle.
    lifted: bool,
    /// Whether every answer so far was calm.
    calm: bool,
    /// Answers that were not calm, in their order, if they are kept.
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
        rates: [u32; Question::ALL.len()],
    },
    Planned {
        lines: IndexMap<(Question, String), Vec<(u32, String)>>,
    },
    /// Answers calmly, and notes every asking outside the setup, and about how many operations it was.
    Census {
        sites: Vec<Site>,
    },
}

/// A site: which question, about whom, for the how-many-eth time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Which question.
    pub question: Question,
    /// About whom, as a plan has it.
    pub subject: String,
    /// For the how-many-eth time, counted from 1.
    pub ordinal: u32,
    /// How many operations the question is about, if it is about a write.
    pub operations: u32,
}

impl Site {
    /// A plan's line that answers here.
    pub fn answered(&self, answer: &str) -> Line {
        let Site { question, subject, ordinal, .. } = self.clone();
        Line { question, subject, ordinal, answer: answer.to_string() }
    }
}

/// The askings of one question about one subject.
#[derive(Clone, Debug)]
pub struct Stream {
    question: Question,
    subject: Subject,
    asked: u32,
    /// What the next asking is about, for a census.
    operations: u32,
    /// The next asking that is not calm; none, if it is `u32::MAX`.
    next: u32,
    key: u64,
}

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
}

/// One of n, for rates: a site of a family with rate `n` is not calm once in `n` askings.
const NEVER: u32 = 0;

impl Chooser {
    /// Nothing ever goes wrong: the empty plan.
    pub fn calm() -> Chooser {
        Chooser::planned(&Plan::default())
    }

    /// Draws from a seed.
    pub fn seeded(seed: Seed, profile: Profile) -> Chooser {
        let rng = ChaCha8Rng::seed_from_u64(seed.0);
        let mut rates = [NEVER; Question::ALL.len()];
        for (rate, question) in rates.iter_mut().zip(Question::ALL) {
            let mut draw = Draw(key(&rng, &format!("rate {question}")));
            let usual = usual_rate(question);
            *rate = match profile {
                Profile::Calm => NEVER,
                _ if usual == NEVER => NEVER,
                Profile::Stormy => usual,
                Profile::Sound if matches!(question, Question::Io | Question::Rot) => NEVER,
                Profile::Swarm | Profile::Sound if draw.below(2) == 0 => NEVER,
                Profile::Swarm | Profile::Sound if usual == 1 => 1,
                Profile::Swarm | Profile::Sound => usual * [1, 4, 16, 64][draw.below(4) as usize],
            };
        }
        Chooser {
            source: Source::Seeded { rng: Box::new(rng), rates },
            lifted: false,
            calm: true,
            record: None,
            strict: None,
            misfit: None,
        }
    }

    /// Answers as a plan says, and calmly where it says nothing.
    pub fn planned(plan: &Plan) -> Chooser {
        let mut lines: IndexMap<(Question, String), Vec<(u32, String)>> = IndexMap::new();
        for line in &plan.lines {
            let site = (line.question, line.subject.clone());
            lines.entry(site).or_default().push((line.ordinal, line.answer.clone()));
        }
        lines.values_mut().for_each(|answers| answers.sort());
        Chooser {
            source: Source::Planned { lines },
            lifted: false,
            calm: true,
            record: None,
            strict: None,
            misfit: None,
        }
    }

    /// Answers calmly, and notes every site that comes up while faults may happen, for
    /// [`take_sites`](Chooser::take_sites).
    pub fn census() -> Chooser {
        let source = Source::Census { sites: Vec::new() };
        Chooser { source, lifted: false, calm: true, record: None, strict: None, misfit: None }
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
        Chooser { lifted: self.lifted, calm: self.calm, ..planned }
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
        self.calm
    }

    /// A stream that nobody has asked yet.
    pub fn open(&self, question: Question, subject: Subject, names: &Names) -> Stream {
        let mut stream = Stream { question, subject, asked: 0, operations: 0, next: u32::MAX, key: 0 };
        match &self.source {
            Source::Seeded { rates, .. } if rates[question as usize] == NEVER => {}
            Source::Seeded { rng, .. } => stream.key = key(rng, &format!("{question} {}", subject.text(names))),
            Source::Planned { .. } | Source::Census { .. } => {}
        }
        self.find_next(&mut stream, names);
        stream
    }

    /// Asks. `None` is the calm answer. Where a seed wants another, `draw` says which; it may say `None` too.
    #[inline]
    pub fn ask(
        &mut self,
        stream: &mut Stream,
        names: &mut Names,
        draw: impl FnOnce(&mut Draw) -> Option<Answer>,
    ) -> Option<Answer> {
        stream.asked += 1;
        if stream.asked < stream.next {
            return None;
        }
        self.answer(stream, names, draw)
    }

    #[cold]
    fn answer(
        &mut self,
        stream: &mut Stream,
        names: &mut Names,
        draw: impl FnOnce(&mut Draw) -> Option<Answer>,
    ) -> Option<Answer> {
        let ordinal = stream.asked;
        let answer = match &mut self.source {
            _ if self.lifted => None,
            Source::Census { sites } => {
                let Stream { question, operations, .. } = *stream;
                sites.push(Site { question, subject: stream.subject.text(names), ordinal, operations });
                None
            }
            Source::Seeded { rates, .. } if !stream.hits(ordinal, rates[stream.question as usize]) => None,
            Source::Seeded { .. } => draw(&mut Draw(stream.draw(ordinal))),
            Source::Planned { lines } => {
                let site = (stream.question, stream.subject.text(names));
                let text = lines.get(&site).and_then(|answers| answers.iter().find(|(at, _)| *at == ordinal));
                text.and_then(|(_, text)| stream.question.parse_answer(text, names))
            }
        };
        self.calm &= answer.is_none();
        if let (Some(answer), Some(record)) = (&answer, &mut self.record) {
            let subject = stream.subject.text(names);
            let text = stream.question.answer_text(answer.clone(), names);
            record.push(Line { question: stream.question, subject, ordinal, answer: text });
        }
        if answer.is_some() {
            self.keep_to_plan(stream, names);
        }
        self.find_next(stream, names);
        answer
    }

    /// Sees to it that what was answered is the next line of a strict plan.
    fn keep_to_plan(&mut self, stream: &Stream, names: &Names) {
        let Some(line) = self.strict.as_mut().and_then(VecDeque::pop_front) else { return };
        let site = (stream.question, stream.subject.text(names), stream.asked);
        if site != (line.question, line.subject.clone(), line.ordinal) {
            self.misfit.get_or_insert(line);
        }
    }

    /// Sets the next asking that is not calm.
    fn find_next(&self, stream: &mut Stream, names: &Names) {
        stream.next = match &self.source {
            Source::Seeded { rates, .. } => match rates[stream.question as usize] {
                NEVER => u32::MAX,
                // Looks no further ahead than pays; where nothing is found, asking there finds the next.
                rate => {
                    let far = stream.asked.saturating_add(4_096);
                    (stream.asked + 1..far).find(|ordinal| stream.hits(*ordinal, rate)).unwrap_or(far)
                }
            },
            Source::Planned { lines } if lines.is_empty() => u32::MAX,
            Source::Planned { lines } => {
                let answers = lines.get(&(stream.question, stream.subject.text(names)));
                let later =
                    |answers: &Vec<(u32, String)>| answers.iter().map(|(at, _)| *at).find(|at| *at > stream.asked);
                answers.and_then(later).unwrap_or(u32::MAX)
            }
            Source::Census { .. } => stream.asked + 1,
        };
    }
}

impl Stream {
    /// The next asking is about so many operations.
    pub fn about(&mut self, operations: usize) -> &mut Stream {
        self.operations = operations as u32;
        self
    }

    /// The draw of an asking: a hash of the stream's key and the ordinal, whatever else was drawn.
    fn draw(&self, ordinal: u32) -> u64 {
        mix(self.key.wrapping_add(u64::from(ordinal).wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }

    /// Whether this asking is one of those, one in `rate`, that are not calm.
    fn hits(&self, ordinal: u32, rate: u32) -> bool {
        Draw(!self.draw(ordinal)).below(u64::from(rate)) == 0
    }
}

/// How rare a family's faults are when it is on: one in so many askings.
fn usual_rate(question: Question) -> u32 {
    match question {
        // What survives a power loss is always a draw: that nothing does is the least of it.
        Question::Latency | Question::Downtime | Question::Unsynced => 1,
        Question::BootOrder | Question::Order => 2,
        Question::Loss | Question::Provider => 5,
        Question::Rot | Question::Restore => 6,
        Question::Write | Question::Io | Question::Reorg => 8,
        Question::DiskCost => 16,
        Question::Cost | Question::Trap => 12,
        Question::Clock => 2,
        Question::Kill | Question::Link | Question::Partition => 20,
        Question::Crash | Question::Memory | Question::Spin => 30,
        Question::Outage => 60,
        Question::Script => NEVER,
    }
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
            refused += u32::from(swarm[Question::Io as usize] != NEVER);
            (swarm[Question::Io as usize], swarm[Question::Rot as usize]) = (NEVER, NEVER);
            assert_eq!(swarm, sound);
        }
        assert!(refused > 0, "a swarm's disks refuse");
    }
}
