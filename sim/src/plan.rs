//! A plan: the sites whose answer is not the calm one, a line of text each.
//!
//! ```text
//! kill alice.os #40 counter:demo:alice.os
//! crash bob.os #7 power-loss
//! latency alice.os>bob.os #5 37ms
//! ```
//!
//! A plan is data: it prints, parses back, and a line taken out shifts no other line's draw.

pub mod chooser;
pub mod site;

use crate::plan::site::Question;
use kernel_core::Names;
use std::fmt;
use std::str::FromStr;

/// The sites of a run that are not calm. The empty plan is the calm run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// In the order in which they came up, or were written.
    pub lines: Vec<Line>,
}

/// One site and its answer, in text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    /// Which question.
    pub question: Question,
    /// About whom.
    pub subject: String,
    /// For the how-many-eth time, counted from 1.
    pub ordinal: u32,
    /// What is answered.
    pub answer: String,
}

/// A text that is no plan: which line, what is wrong, and what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("plan, line {line} (`{text}`): {problem}")]
pub struct PlanError {
    /// Counted from 1.
    pub line: usize,
    /// The line.
    pub text: String,
    /// What is wrong with it, and the mend.
    pub problem: String,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} #{} {}", self.question, self.subject, self.ordinal, self.answer)
    }
}

impl fmt::Display for Plan {
    /// One line each, with no line break after the last.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, line) in self.lines.iter().enumerate() {
            write!(f, "{}{line}", if index > 0 { "\n" } else { "" })?;
        }
        Ok(())
    }
}

impl Plan {
    /// The plan in one line, for a shell: lines parted by `; `.
    pub fn one_line(&self) -> String {
        let lines: Vec<String> = self.lines.iter().map(Line::to_string).collect();
        lines.join("; ")
    }
}

impl FromStr for Plan {
    type Err = PlanError;

    /// Reads lines parted by line breaks or semicolons. Empty lines, and what follows `//`, count for nothing.
    fn from_str(text: &str) -> Result<Plan, PlanError> {
        let mut lines = Vec::new();
        let rows = text.lines().flat_map(|row| row.split("//").next().unwrap_or_default().split(';'));
        for (index, row) in rows.map(str::trim).enumerate() {
            if !row.is_empty() {
                let fail = |problem| PlanError { line: index + 1, text: row.to_string(), problem };
                lines.push(parse_line(row).map_err(fail)?);
            }
        }
        Ok(Plan { lines })
    }
}

fn parse_line(row: &str) -> Result<Line, String> {
    let words: Vec<&str> = row.split_whitespace().collect();
    let [question, subject, ordinal, answer] = words[..] else {
        return Err(format!("a line has four words, `question subject #ordinal answer`; this has {}", words.len()));
    };
    let question = Question::parse(question).ok_or_else(|| {
        let all: Vec<&str> = Question::ALL.iter().map(|question| question.name()).collect();
        format!("`{question}` is no question; there are {}", all.join(", "))
    })?;
    if !fits(subject, question.subject_form()) {
        return Err(format!(
            "`{subject}` is not whom `{question}` is about; that has the form {}",
            question.subject_form()
        ));
    }
    let number = ordinal.strip_prefix('#').and_then(|digits| digits.parse().ok()).filter(|n| *n > 0);
    let ordinal = number.ok_or_else(|| format!("`{ordinal}` should be `#` and a number from 1"))?;
    if question.parse_answer(answer, &mut Names::new()).is_none() {
        return Err(format!("`{answer}` is no answer to `{question}`; that is {}", question.answer_form()));
    }
    Ok(Line { question, subject: subject.to_string(), ordinal, answer: answer.to_string() })
}

/// Whether a subject has the same separators, in the same order, as the form asked for; of some there is but one.
fn fits(subject: &str, form: &str) -> bool {
    if ["chain", "story"].contains(&form) {
        return subject == form;
    }
    let separators = |text: &str| text.chars().filter(|c| "@:/>".contains(*c)).collect::<String>();
    separators(subject) == separators(form)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_prints_so_that_it_parses_back() {
        let text = "kill alice.os #40 counter:demo:alice.os\ncrash bob.os #7 power-loss\nwrite a.os #1 crash@2\n\
                    latency alice.os>bob.os #5 37ms\ntrap a.os@p:q:r/2 #17 panic\ncost a.os@p:q:r/1 #3 x100\n\
                    kill a.os #2 p:q:r@350ms\nspin a.os@p:q:r/1 #4 3\nmemory a.os@p:q:r/1 #1 2\n\
                    outage a.os #9 power-loss\npartition a.os>b.os #2 1.5s\nclock a.os #1 -3s\nclock a.os #2 +20ms\n\
                    script story #1 2,5-7,256\nscript story #1 none";
        let plan: Plan = text.parse().expect("it is a plan");
        assert_eq!(plan.lines.len(), 15);
        assert_eq!(plan.to_string(), text);
        assert_eq!(plan.one_line().parse::<Plan>(), Ok(plan));
    }

    #[test]
    fn a_mistake_in_a_plan_is_named_with_its_place_and_its_mend() {
        for (text, says) in [
            ("crash a.os #1 crash\nkrash a.os #1 crash", "line 2 (`krash a.os #1 crash`): `krash` is no question"),
            ("crash a.os 1 crash", "should be `#` and a number"),
            ("crash a.os #0 crash", "should be `#` and a number"),
            ("crash a.os>b.os #1 crash", "is not whom `crash` is about"),
            ("crash a.os #1 explode", "`explode` is no answer to `crash`; that is `shutdown`, `crash` or `power-loss`"),
            ("crash a.os #1", "four words"),
            ("latency a>b #1 12", "a duration"),
            ("write a #1 shutdown@1", "is no answer"),
            ("kill a #1 p:q:r@soon", "with `@350ms` behind it"),
            ("clock a #1 5s", "with its sign"),
            ("script story #1 5,3", "the lines that are played"),
            ("script story #1 0", "the lines that are played"),
            ("script story #1 257", "the lines that are played"),
            ("script a.os #1 1", "is not whom `script` is about"),
        ] {
            let error = text.parse::<Plan>().expect_err(text).to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
