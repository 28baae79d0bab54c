//! A process that takes back what it has answered: to the owner, to a browser's request, or over a browser's WebSocket.
//!
//! An answer is compared with the last one to the same request, and with those to others if the calm run shows that the
//! two may be compared: it has answers to both, one after the other in either order, and no later one says less. With
//! others only the first requests are compared, and only so much of their answers: who asks thousands of different things
//! would wait for millions of comparisons.

use super::answers::{Answer, Answers};
use crate::check::workload::Remembers;
use crate::invariant::{Claim, Invariant, Past};
use crate::scenario::On;
use crate::trace::event::{Event, Kind, What};
use crate::world::Run;
use kernel_core::{Cause, Names};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many different requests are compared with each other: the first ones of the calm run.
const COMPARED_MAX: usize = 100;
/// How much of answers to different requests is compared in a run, in all expectations together: numbers, fields, items.
const ROOM: u64 = 4_000_000;

/// What a process has answered it does not take back.
#[derive(Clone)]
pub struct NeverForgets {
    process: On,
    answers: Answers,
    comparable: Comparable,
    /// Whether its node's disk has failed: then an answer of another form may be an honest error, and takes nothing back.
    disk_fails: bool,
    given: BTreeMap<Arc<str>, Last>,
    room: Room,
    /// Where the answer was given that was taken back.
    began: Option<Cause>,
}

/// What was answered to a request last: at all, and of each form.
#[derive(Clone)]
struct Last {
    latest: Arc<Answer>,
    of_form: BTreeMap<String, Arc<Answer>>,
}

/// How much may still be compared with answers to other requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Room(u64);

impl Room {
    /// Whether there is room to compare two more answers.
    fn take(&mut self, one: &Answer, other: &Answer) -> bool {
        let left = self.0.checked_sub(one.size + other.size);
        self.0 = left.unwrap_or_default();
        left.is_some()
    }
}

/// Which answers may be compared, as the calm run shows it. All runs share it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparable(Arc<Shown>);

#[derive(Debug, Default, PartialEq, Eq)]
struct Shown {
    /// Whether no answer to a request says less than the one before it.
    same: BTreeMap<Arc<str>, bool>,
    /// The requests that are compared with each other, by number.
    numbers: BTreeMap<Arc<str>, usize>,
    /// Of two of them, the earlier first: whether the later one never said less.
    others: BTreeMap<(usize, usize), bool>,
    /// How much a run may compare of answers to different requests.
    room: Room,
}

impl Comparable {
    /// What the calm run shows of a process, if so many expectations share the room.
    pub fn of(calm: &Run, process: &On, requests: &Remembers, n_expects: usize) -> Comparable {
        let room = Room(ROOM / n_expects.max(1) as u64);
        let mut answers = Answers::new(process.clone(), requests.clone());
        let (mut given, mut left) = (BTreeMap::<Arc<str>, Answer>::new(), room);
        let mut shown = Shown { room, ..Shown::default() };
        for (_, event) in calm.trace.events() {
            let Some(answer) = answers.take_in(event, &calm.names) else { continue };
            shown.take_in(&answer, &given, &mut left);
            given.insert(answer.request.clone(), answer);
        }
        Comparable(Arc::new(shown))
    }

    /// Whether an answer may be compared with an earlier one.
    fn allows(&self, earlier: &Answer, later: &Answer) -> bool {
        if earlier.request == later.request {
            // Which frame answers which is a guess, unless the calm run bears it out.
            return later.is_certain || self.0.same.get(&later.request) == Some(&true);
        }
        let number = |of: &Answer| self.0.numbers.get(&of.request).copied();
        let (Some(earlier), Some(later)) = (number(earlier), number(later)) else { return false };
        let shown = |one, other| self.0.others.get(&(one, other)) == Some(&true);
        shown(earlier, later) && shown(later, earlier)
    }
}

impl Shown {
    /// Takes in the next answer, after these were given.
    fn take_in(&mut self, answer: &Answer, given: &BTreeMap<Arc<str>, Answer>, left: &mut Room) {
        if let Some(before) = given.get(&answer.request) {
            *self.same.entry(answer.request.clone()).or_insert(true) &= answer.means.keeps(&before.means);
        }
        let next = self.numbers.len();
        if next < COMPARED_MAX {
            self.numbers.entry(answer.request.clone()).or_insert(next);
        }
        let Some(later) = self.numbers.get(&answer.request) else { return };
        for (request, earlier) in self.numbers.iter().filter(|(_, number)| *number != later) {
            let Some(before) = given.get(request) else { continue };
            if !left.take(answer, before) {
                // What is known of a part of the run says nothing of the rest.
                *left = Room(0);
                self.others.clear();
                return;
            }
            *self.others.entry((*earlier, *later)).or_insert(true) &= answer.means.keeps(&before.means);
        }
    }
}

impl NeverForgets {
    /// Which, the requests whose answers count, and which of them may be compared with each other.
    pub fn new(process: On, requests: Remembers, comparable: Comparable) -> NeverForgets {
        let answers = Answers::new(process.clone(), requests);
        let room = comparable.0.room;
        NeverForgets { process, answers, comparable, disk_fails: false, given: BTreeMap::new(), room, began: None }
    }

    /// The earlier answer that this one takes back, if there is one.
    fn taken_back(&mut self, answer: &Answer) -> Option<Arc<Answer>> {
        let form = answer.means.form();
        let numbers = &self.comparable.0.numbers;
        let requests = match numbers.get_key_value(&answer.request) {
            Some(_) => numbers.keys().collect(),
            None => vec![&answer.request],
        };
        for request in requests {
            let Some(last) = self.given.get(request) else { continue };
            let earlier = if self.disk_fails { last.of_form.get(&form) } else { Some(&last.latest) };
            let Some(earlier) = earlier.filter(|earlier| self.comparable.allows(earlier, answer)) else { continue };
            if *request != answer.request && !self.room.take(earlier, answer) {
                continue;
            }
            if !answer.means.keeps(&earlier.means) {
                return Some(earlier.clone());
            }
        }
        None
    }

    fn add(&mut self, answer: Arc<Answer>) {
        let new = || Last { latest: answer.clone(), of_form: BTreeMap::new() };
        let last = self.given.entry(answer.request.clone()).or_insert_with(new);
        last.of_form.insert(answer.means.form(), answer.clone());
        last.latest = answer;
    }
}

impl Invariant for NeverForgets {
    fn claim(&self) -> Claim {
        Claim::own("never-forgets", "no answer of the process says less than one that it gave before")
    }

    fn reads(&self) -> &'static [Kind] {
        &[
            Kind::Sent,
            Kind::ModuleReceived,
            Kind::Visited,
            Kind::Shown,
            Kind::Down,
            Kind::IoRefused,
            Kind::WriteRefused,
            Kind::Rotted,
        ]
    }

    fn began(&self) -> Option<Cause> {
        self.began
    }

    fn on_event(&mut self, index: Cause, event: &Event, _: &Past, names: &Names) -> Result<(), String> {
        if let What::IoRefused(..) | What::WriteRefused | What::Rotted(..) = &event.what {
            self.disk_fails |= names.node_text(event.node) == self.process.node;
            return Ok(());
        }
        let Some(answer) = self.answers.take_in(event, names) else { return Ok(()) };
        let answer = Answer { at: Some(index), ..answer };
        let broken = self.taken_back(&answer).map(|earlier| {
            self.began = earlier.at;
            let who = &self.process.process;
            let (told, asked) = (&earlier.text, &earlier.request);
            format!("{who} answered {told} to {asked}, and later {} to {}", answer.text, answer.request)
        });
        self.add(Arc::new(answer));
        broken.map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::super::meaning::Meaning;
    use super::*;

    fn answer(request: &str, text: &str, is_certain: bool) -> Answer {
        Answer::new(request.into(), text.to_string(), Meaning::of(text.as_bytes()), is_certain)
    }

    /// What a calm run shows that has these answers, where so much may be compared.
    fn shown(answers: &[(&str, &str)], room: u64) -> Comparable {
        let (mut shown, mut given, mut left) = (Shown::default(), BTreeMap::new(), Room(room));
        for (request, text) in answers {
            let answer = answer(request, text, true);
            shown.take_in(&answer, &given, &mut left);
            given.insert(answer.request.clone(), answer);
        }
        Comparable(Arc::new(shown))
    }

    #[test]
    fn answers_to_different_requests_are_compared_only_if_the_calm_run_bears_it_out() {
        let both = shown(&[("add", "1"), ("get", "1"), ("add", "2")], ROOM);
        let one = shown(&[("get", "1"), ("add", "0"), ("get", "1")], ROOM);
        let (add, get) = (answer("add", "2", true), answer("get", "1", true));
        assert!(both.allows(&add, &get) && both.allows(&get, &add));
        assert!(!one.allows(&add, &get) && !Comparable::default().allows(&add, &get));
        assert!(Comparable::default().allows(&add, &add), "the same request needs no proof");
        let frame = answer("\"go\" over socket 1", "2", false);
        assert!(!Comparable::default().allows(&frame, &frame), "a frame may be no answer at all");
    }

    #[test]
    fn only_the_first_requests_are_compared_with_others() {
        let names: Vec<String> = (0..=COMPARED_MAX).map(|n| format!("r{n}")).collect();
        let answers: Vec<(&str, &str)> = names.iter().chain(&names).map(|name| (name.as_str(), "1")).collect();
        let all = shown(&answers, ROOM);
        let of = |n: usize| answer(&names[n], "1", false);
        assert!(all.allows(&of(0), &of(1)) && all.allows(&of(COMPARED_MAX - 1), &of(0)));
        assert!(!all.allows(&of(0), &of(COMPARED_MAX)) && !all.allows(&of(COMPARED_MAX), &of(0)));
        assert!(all.allows(&of(COMPARED_MAX), &of(COMPARED_MAX)), "with itself every request is");
        let none = shown(&answers, 1_000);
        assert!(!none.allows(&of(0), &of(1)), "what a part of the run shows is not enough");
        assert!(none.allows(&of(0), &of(0)));
    }
}
