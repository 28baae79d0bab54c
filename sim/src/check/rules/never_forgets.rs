//! A process that takes back what it has answered: to the owner, to a browser's request, or over a browser's WebSocket.
//!
//! An answer is compared with the last one to the same request, and with those to others if the calm run shows that the
//! two may be compared: it has answers to both, one after the other in either order, and no later one says less.

use super::answers::{Answer, Answers};
use crate::check::workload::Remembers;
use crate::invariant::{Claim, Invariant, Past};
use crate::scenario::On;
use crate::trace::event::{Event, Kind, What};
use crate::world::Run;
use kernel_core::{Cause, Names};
use std::collections::BTreeMap;

/// What a process has answered it does not take back.
#[derive(Clone)]
pub struct NeverForgets {
    process: On,
    answers: Answers,
    comparable: Comparable,
    /// Whether its node's disk has failed: then an answer of another form may be an honest error, and takes nothing back.
    disk_fails: bool,
    given: Given,
}

/// The last answers, by request.
#[derive(Clone, Default)]
struct Given(BTreeMap<String, Last>);

/// What was answered to a request last: at all, and of each form.
#[derive(Clone)]
struct Last {
    latest: Answer,
    of_form: BTreeMap<String, Answer>,
}

/// Which answers may be compared, by their requests, the earlier first: whether the later one never said less.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparable(BTreeMap<(String, String), bool>);

impl Comparable {
    /// What the calm run shows of a process.
    pub fn of(calm: &Run, process: &On, requests: &Remembers) -> Comparable {
        let mut answers = Answers::new(process.clone(), requests.clone());
        let (mut given, mut shown) = (Given::default(), Comparable::default());
        for (_, event) in calm.trace.events() {
            let Some(answer) = answers.take_in(event, &calm.names) else { continue };
            for (request, last) in &given.0 {
                let keeps = answer.means.keeps(&last.latest.means);
                *shown.0.entry((request.clone(), answer.request.clone())).or_insert(true) &= keeps;
            }
            given.add(answer);
        }
        shown
    }

    /// Whether an answer may be compared with an earlier one.
    fn allows(&self, earlier: &Answer, later: &Answer) -> bool {
        let shown = |one: &Answer, other: &Answer| self.0.get(&(one.request.clone(), other.request.clone())).copied();
        if earlier.request == later.request {
            // Which frame answers which is a guess, unless the calm run bears it out.
            return later.is_certain || shown(earlier, later) == Some(true);
        }
        shown(earlier, later) == Some(true) && shown(later, earlier) == Some(true)
    }
}

impl Given {
    fn add(&mut self, answer: Answer) {
        let last = self
            .0
            .entry(answer.request.clone())
            .or_insert_with(|| Last { latest: answer.clone(), of_form: BTreeMap::new() });
        last.of_form.insert(answer.means.form(), answer.clone());
        last.latest = answer;
    }
}

impl NeverForgets {
    /// Which, the requests whose answers count, and which of them may be compared with each other.
    pub fn new(process: On, requests: Remembers, comparable: Comparable) -> NeverForgets {
        let answers = Answers::new(process.clone(), requests);
        NeverForgets { process, answers, comparable, disk_fails: false, given: Given::default() }
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

    fn on_event(&mut self, _: Cause, event: &Event, _: &Past, names: &Names) -> Result<(), String> {
        if let What::IoRefused(..) | What::WriteRefused | What::Rotted(..) = &event.what {
            self.disk_fails |= names.node_text(event.node) == self.process.node;
            return Ok(());
        }
        let Some(answer) = self.answers.take_in(event, names) else { return Ok(()) };
        let form = answer.means.form();
        let earlier = self
            .given
            .0
            .values()
            .filter_map(|last| if self.disk_fails { last.of_form.get(&form) } else { Some(&last.latest) });
        let mut taken_back =
            earlier.filter(|earlier| self.comparable.allows(earlier, &answer) && !answer.means.keeps(&earlier.means));
        let broken = taken_back.next().map(|earlier| {
            let who = &self.process.process;
            let (told, asked) = (&earlier.text, &earlier.request);
            format!("{who} answered {told} to {asked}, and later {} to {}", answer.text, answer.request)
        });
        self.given.add(answer);
        broken.map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::super::meaning::Meaning;
    use super::*;

    fn answer(request: &str, text: &str, is_certain: bool) -> Answer {
        let means = Meaning::of(text.as_bytes());
        Answer { request: request.to_string(), text: text.to_string(), means, is_certain }
    }

    #[test]
    fn answers_to_different_requests_are_compared_only_if_the_calm_run_bears_it_out() {
        let pair = |one: &str, other: &str, kept: bool| ((one.to_string(), other.to_string()), kept);
        let both = Comparable([pair("add", "get", true), pair("get", "add", true)].into());
        let one = Comparable([pair("add", "get", true), pair("get", "add", false)].into());
        let (add, get) = (answer("add", "2", true), answer("get", "1", true));
        assert!(both.allows(&add, &get) && both.allows(&get, &add));
        assert!(!one.allows(&add, &get) && !Comparable::default().allows(&add, &get));
        assert!(Comparable::default().allows(&add, &add), "the same request needs no proof");
        let frame = answer("\"go\" over socket 1", "2", false);
        assert!(!Comparable::default().allows(&frame, &frame), "a frame may be no answer at all");
    }
}
