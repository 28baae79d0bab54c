//! A plan: the faults of a run, a line of text each.
//!
//! ```text
//! kill alice.os #40 counter:demo:alice.os
//! crash bob.os #7 power-loss
//! latency alice.os>bob.os #5 37ms
//! ```
//!
//! A line says which family of faults, what it happens to, for which time the world asks, and what exactly goes wrong.
//! A plan is typed; text is its form at the edge: it prints, and what it prints parses back. A line taken out changes no
//! other line's draw.

pub mod chooser;
pub mod detail;
pub mod fault;
mod lines;
pub mod site;

pub use detail::{Down, ProviderFault};
pub use fault::{Family, Fault};
pub use lines::Lines;
pub use site::{Site, Subject};

use std::fmt;
use std::str::FromStr;

/// The faults of a run. The empty plan is the calm run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// In the order in which they came up, or were written.
    pub lines: Vec<Line>,
}

/// One site, and what goes wrong there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    /// What the fault happens to.
    pub subject: Subject,
    /// At which of the sites of its family and subject, counted from 1.
    pub ordinal: u32,
    /// What goes wrong.
    pub fault: Fault,
}

/// A text that is no plan: which line, what is wrong, and how to fix it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("plan, line {line} (`{text}`): {problem}")]
pub struct PlanError {
    /// Counted from 1.
    pub line: usize,
    /// The line.
    pub text: String,
    /// What is wrong with it, and how to fix it.
    pub problem: String,
}

impl Line {
    /// Which family of faults it is of.
    pub fn family(&self) -> Family {
        self.fault.family()
    }

    /// Whether both lines are about the same site.
    pub fn is_at_site_of(&self, other: &Line) -> bool {
        (self.family(), &self.subject, self.ordinal) == (other.family(), &other.subject, other.ordinal)
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} #{} {}", self.family(), self.subject, self.ordinal, self.fault)
    }
}

impl From<Line> for Plan {
    /// The plan of this one line.
    fn from(line: Line) -> Plan {
        Plan { lines: vec![line] }
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
    /// Which lines of the script are played, if not all are.
    pub fn script(&self) -> Option<Lines> {
        self.lines.iter().find_map(|line| if let Fault::Script(lines) = line.fault { Some(lines) } else { None })
    }

    /// The plan in one line, for a shell: lines separated by `; `.
    pub fn one_line(&self) -> String {
        let lines: Vec<String> = self.lines.iter().map(Line::to_string).collect();
        lines.join("; ")
    }
}

impl FromStr for Plan {
    type Err = PlanError;

    /// Reads lines separated by line breaks or semicolons. Empty lines are skipped, and so is what follows `//`.
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
    let [family, subject, ordinal, detail] = words[..] else {
        return Err(format!("a line has four words, `fault subject #count detail`; this has {}", words.len()));
    };
    let family = Family::parse(family).ok_or_else(|| {
        let all: Vec<&str> = Family::ALL.iter().map(|family| family.name()).collect();
        format!("`{family}` is no fault; the faults are {}", all.join(", "))
    })?;
    let subject = family.about().parse(subject).ok_or_else(|| {
        format!("`{family}` cannot happen to `{subject}`; its subject has the form {}", family.about().form())
    })?;
    let number = ordinal.strip_prefix('#').and_then(|digits| digits.parse().ok()).filter(|n| *n > 0);
    let ordinal = number.ok_or_else(|| format!("`{ordinal}` should be `#` and a number from 1"))?;
    let fault = family
        .parse_fault(detail)
        .ok_or_else(|| format!("`{detail}` does not fit `{family}`, which takes {}", family.detail_form()))?;
    Ok(Line { subject, ordinal, fault })
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
    fn a_mistake_in_a_plan_is_named_with_its_place_and_its_fix() {
        for (text, says) in [
            ("crash a.os #1 crash\nkrash a.os #1 crash", "line 2 (`krash a.os #1 crash`): `krash` is no fault"),
            ("crash a.os 1 crash", "should be `#` and a number"),
            ("crash a.os #0 crash", "should be `#` and a number"),
            ("crash a.os>b.os #1 crash", "`crash` cannot happen to `a.os>b.os`"),
            (
                "crash a.os #1 explode",
                "`explode` does not fit `crash`, which takes `shutdown`, `crash` or `power-loss`",
            ),
            ("crash a.os #1", "four words"),
            ("latency a>b #1 12", "a duration"),
            ("write a #1 shutdown@1", "does not fit `write`"),
            ("kill a #1 p:q:r@soon", "`@350ms` behind it"),
            ("clock a #1 5s", "with its sign"),
            ("script story #1 5,3", "the lines that are played"),
            ("script story #1 0", "the lines that are played"),
            ("script story #1 257", "the lines that are played"),
            ("script a.os #1 1", "`script` cannot happen to `a.os`"),
        ] {
            let error = text.parse::<Plan>().expect_err(text).to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
