//! What an answer means: enough to tell whether a later one takes something back.

use std::collections::BTreeMap;
use xxhash_rust::xxh3::xxh3_64;

/// What an answer means, as far as it can be told: one answer keeps what another said, or not.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Meaning {
    /// A number: none that is smaller keeps it.
    Number(f64),
    /// Things, of JSON or lines of text, each by its digest and once: what has all of them keeps it, in whatever order.
    Things(Vec<u64>),
    /// Fields: each is kept.
    Fields(BTreeMap<String, Meaning>),
    /// Anything else: only the same keeps it.
    Other(String),
}

impl Meaning {
    /// Of a body.
    pub(super) fn of(body: &[u8]) -> Meaning {
        match serde_json::from_slice::<serde_json::Value>(body) {
            Ok(value) => Meaning::of_json(&value),
            Err(_) => things(String::from_utf8_lossy(body).lines().map(|line| xxh3_64(line.as_bytes()))),
        }
    }

    fn of_json(value: &serde_json::Value) -> Meaning {
        use serde_json::Value;
        match value {
            Value::Number(number) => Meaning::Number(number.as_f64().unwrap_or_default()),
            Value::Array(items) => things(items.iter().map(|item| xxh3_64(item.to_string().as_bytes()))),
            Value::Object(fields) => {
                Meaning::Fields(fields.iter().map(|(name, value)| (name.clone(), Meaning::of_json(value))).collect())
            }
            other => Meaning::Other(other.to_string()),
        }
    }

    /// What sort of answer it is, as far as it can be told; of an enum's, the variant. An error has another than what
    /// was asked for.
    pub(super) fn form(&self) -> String {
        match self {
            Meaning::Number(_) => "a number".to_string(),
            Meaning::Things(_) => "things".to_string(),
            Meaning::Fields(fields) if fields.len() == 1 => fields.keys().cloned().collect(),
            Meaning::Fields(_) => "fields".to_string(),
            Meaning::Other(_) => "another".to_string(),
        }
    }

    /// How much there is to compare.
    pub(super) fn size(&self) -> u64 {
        match self {
            Meaning::Number(_) => 1,
            Meaning::Things(things) => 1 + things.len() as u64,
            Meaning::Fields(fields) => 1 + fields.values().map(Meaning::size).sum::<u64>(),
            Meaning::Other(text) => 1 + text.len() as u64 / 64,
        }
    }

    /// Whether this says no less than what was said before.
    pub(super) fn keeps(&self, before: &Meaning) -> bool {
        match (before, self) {
            (Meaning::Number(before), Meaning::Number(now)) => now >= before,
            (Meaning::Things(before), Meaning::Things(now)) => {
                let mut now = now.iter();
                before.iter().all(|thing| now.by_ref().find(|other| *other >= thing) == Some(thing))
            }
            (Meaning::Fields(before), Meaning::Fields(now)) => {
                before.iter().all(|(name, said)| now.get(name).is_some_and(|now| now.keeps(said)))
            }
            // There was nothing yet.
            (Meaning::Other(before), _) if before == "null" => true,
            (before, now) => now == before,
        }
    }
}

/// These things.
fn things(digests: impl Iterator<Item = u64>) -> Meaning {
    let mut things: Vec<u64> = digests.collect();
    things.sort_unstable();
    things.dedup();
    Meaning::Things(things)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_keeps_what_was_said_or_says_less() {
        let keeps = |before: &str, now: &str| Meaning::of(now.as_bytes()).keeps(&Meaning::of(before.as_bytes()));
        let kept = [
            ("1", "1"),
            ("1", "2.5"),
            ("[1, 2]", "[2, 3, 1]"),
            (r#"{"n": 1, "names": ["a"]}"#, r#"{"names": ["b", "a"], "n": 1, "more": 0}"#),
            (r#"{"Count": 3}"#, r#"{"Count": 4}"#),
            ("[1, 1, 2]", "[2, 1]"),
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
            ("[1, 2, 3]", "[1, 3, 4, 5]"),
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
        let form = |text: &str| Meaning::of(text.as_bytes()).form();
        assert_eq!(form("5"), form("7"));
        assert_eq!(form(r#"{"Ok": 5}"#), form(r#"{"Ok": [1]}"#));
        assert_eq!(form(r#"{"n": 5, "m": 1}"#), form(r#"{"n": 5, "k": 1}"#), "a field that is missing is missed");
        for (answer, error) in [("5", "error: disk full"), (r#"{"Ok": 5}"#, r#"{"Err": "disk full"}"#), ("[1]", "null")]
        {
            assert_ne!(form(answer), form(error), "{answer} and {error}");
        }
    }
}
