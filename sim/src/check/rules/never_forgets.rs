//! A process that takes back what it has answered.

use super::{is, is_asked, said};
use crate::check::workload::Remembers;
use crate::invariant::{Claim, Invariant, Past};
use crate::scenario::On;
use crate::trace::event::{Event, Kind, What};
use kernel_core::{Cause, MessageId, Names, ProcessRef};
use std::collections::{BTreeMap, BTreeSet};

/// What a process has answered it does not take back.
#[derive(Clone)]
pub struct NeverForgets {
    process: On,
    requests: Remembers,
    /// What it was asked and has not answered.
    open: BTreeMap<MessageId, String>,
    /// What it has answered last: to what, as it was said, and what that means.
    last: Option<Answered>,
    /// Whether its node's disk has failed: then an answer of another form may be an honest error, and takes nothing back.
    disk_fails: bool,
    /// What it has answered last of each form.
    of_form: BTreeMap<String, Answered>,
}

/// To what, as it was said, and what that means.
type Answered = (String, String, Said);

impl NeverForgets {
    /// Which, and the requests whose answers count.
    pub fn new(process: On, requests: Remembers) -> NeverForgets {
        let (open, of_form) = (BTreeMap::new(), BTreeMap::new());
        NeverForgets { process, requests, open, last: None, disk_fails: false, of_form }
    }
}

impl Invariant for NeverForgets {
    fn claim(&self) -> Claim {
        Claim::own("never-forgets", "no answer of the process says less than one that it gave before")
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Sent, Kind::ModuleReceived, Kind::IoRefused, Kind::WriteRefused, Kind::Rotted]
    }

    fn on_event(&mut self, _: Cause, event: &Event, _: &Past, names: &Names) -> Result<(), String> {
        match &event.what {
            What::IoRefused(..) | What::WriteRefused | What::Rotted(..) => {
                self.disk_fails |= names.node_text(event.node) == self.process.node;
                Ok(())
            }
            What::Sent(message)
                if is_asked(message) && is(&self.process, event.node, message.target.process, names) =>
            {
                let body = String::from_utf8_lossy(message.body()).into_owned();
                let counts = match &self.requests {
                    Remembers::Nothing => false,
                    Remembers::All => true,
                    Remembers::Of(bodies) => bodies.contains(&body),
                };
                if counts {
                    self.open.insert(message.id, body);
                }
                Ok(())
            }
            What::ModuleReceived(ProcessRef::TERMINAL, message)
                if !message.is_request() && names.node_text(event.node) == self.process.node =>
            {
                let Some(request) = self.open.remove(&message.id) else { return Ok(()) };
                let (answer, means) = (said(message.body()), Said::of(message.body()));
                let form = means.form();
                let last = (request.clone(), answer.clone(), means.clone());
                let same = self.of_form.insert(form, last.clone());
                let before = self.last.replace(last);
                let before = if self.disk_fails { same } else { before };
                match before {
                    Some((asked, told, meant)) if !means.keeps(&meant) => {
                        let who = &self.process.process;
                        Err(format!("{who} answered {told} to {asked:?}, and later {answer} to {request:?}"))
                    }
                    _ => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }
}

/// What an answer means, as far as it can be told: one answer keeps what another said, or not.
#[derive(Clone, Debug, PartialEq)]
enum Said {
    /// A number: none that is smaller keeps it.
    Number(f64),
    /// Things, of JSON or lines of text: what has all of them keeps it, however often and in whatever order.
    Things(BTreeSet<String>),
    /// Fields: each is kept.
    Fields(BTreeMap<String, Said>),
    /// Anything else: only the same keeps it.
    Other(String),
}

impl Said {
    fn of(body: &[u8]) -> Said {
        match serde_json::from_slice::<serde_json::Value>(body) {
            Ok(value) => Said::of_json(&value),
            Err(_) => Said::Things(String::from_utf8_lossy(body).lines().map(str::to_string).collect()),
        }
    }

    fn of_json(value: &serde_json::Value) -> Said {
        use serde_json::Value;
        match value {
            Value::Number(number) => Said::Number(number.as_f64().unwrap_or_default()),
            Value::Array(items) => Said::Things(items.iter().map(Value::to_string).collect()),
            Value::Object(fields) => {
                Said::Fields(fields.iter().map(|(name, value)| (name.clone(), Said::of_json(value))).collect())
            }
            other => Said::Other(other.to_string()),
        }
    }

    /// What sort of answer it is, as far as it can be told; of an enum's, the variant. An error has another than what
    /// was asked for.
    fn form(&self) -> String {
        match self {
            Said::Number(_) => "a number".to_string(),
            Said::Things(_) => "things".to_string(),
            Said::Fields(fields) if fields.len() == 1 => fields.keys().cloned().collect(),
            Said::Fields(_) => "fields".to_string(),
            Said::Other(_) => "another".to_string(),
        }
    }

    /// Whether this says no less than what was said before.
    fn keeps(&self, before: &Said) -> bool {
        match (before, self) {
            (Said::Number(before), Said::Number(now)) => now >= before,
            (Said::Things(before), Said::Things(now)) => before.is_subset(now),
            (Said::Fields(before), Said::Fields(now)) => {
                before.iter().all(|(name, said)| now.get(name).is_some_and(|now| now.keeps(said)))
            }
            // There was nothing yet.
            (Said::Other(before), _) if before == "null" => true,
            (before, now) => now == before,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_keeps_what_was_said_or_says_less() {
        let keeps = |before: &str, now: &str| Said::of(now.as_bytes()).keeps(&Said::of(before.as_bytes()));
        let kept = [
            ("1", "1"),
            ("1", "2.5"),
            ("[1, 2]", "[2, 3, 1]"),
            (r#"{"n": 1, "names": ["a"]}"#, r#"{"names": ["b", "a"], "n": 1, "more": 0}"#),
            (r#"{"Count": 3}"#, r#"{"Count": 4}"#),
            ("hello\nworld", "world\nand more\nhello"),
            ("", "anything"),
            ("null", "5"),
        ];
        for (before, now) in kept {
            assert!(keeps(before, now), "{now} keeps {before}");
        }
        let lost = [
            ("2", "1"),
            ("1", "\"1\""),
            ("[1, 2]", "[2]"),
            (r#"{"n": 1}"#, r#"{"n": 0}"#),
            (r#"{"n": 1}"#, "{}"),
            ("hello\nworld", "hello"),
            ("\"Ok\"", "\"Err\""),
            ("true", "false"),
        ];
        for (before, now) in lost {
            assert!(!keeps(before, now), "{now} says less than {before}");
        }
    }

    #[test]
    fn an_error_has_another_form_than_what_was_asked_for() {
        let form = |text: &str| Said::of(text.as_bytes()).form();
        assert_eq!(form("5"), form("7"));
        assert_eq!(form(r#"{"Ok": 5}"#), form(r#"{"Ok": [1]}"#));
        assert_eq!(form(r#"{"n": 5, "m": 1}"#), form(r#"{"n": 5, "k": 1}"#), "a field that is missing is missed");
        for (answer, error) in [("5", "error: disk full"), (r#"{"Ok": 5}"#, r#"{"Err": "disk full"}"#), ("[1]", "null")]
        {
            assert_ne!(form(answer), form(error), "{answer} and {error}");
        }
    }
}
