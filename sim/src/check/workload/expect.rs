//! `[[expect]]`: what must hold of a process.

use serde::Deserialize;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What must hold of a process.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// The process's own name, or its id.
    pub process: String,
    /// On which node; `None`: the first.
    pub on: Option<String>,
    /// It is alive at the end of every run, unless it was killed.
    #[serde(default)]
    pub alive: bool,
    /// Somewhere in what it prints when nothing goes wrong.
    pub prints: Option<String>,
    /// It prints or sends this, `*` standing for any text, no more often than when nothing goes wrong.
    pub at_most_once: Option<String>,
    /// The same, and if all that the owner sends reaches it, no less.
    pub exactly_once: Option<String>,
    /// No answer to these requests says less than one before.
    #[serde(default, rename = "never_forgets")]
    pub remembers: Remembers,
}

impl Expectation {
    /// Whether it says nothing of what must hold.
    pub fn is_empty(&self) -> bool {
        let once = self.at_most_once.is_some() || self.exactly_once.is_some();
        !self.alive && !once && self.prints.is_none() && self.remembers == Remembers::Nothing
    }
}

/// Which answers may not be taken back.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(from = "Forgets")]
pub enum Remembers {
    /// None: anything goes.
    #[default]
    Nothing,
    /// All.
    All,
    /// Those to these requests.
    Of(Arc<BTreeSet<String>>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Forgets {
    Never(bool),
    What(BTreeSet<String>),
}

impl From<Forgets> for Remembers {
    fn from(text: Forgets) -> Remembers {
        match text {
            Forgets::Never(false) => Remembers::Nothing,
            Forgets::Never(true) => Remembers::All,
            Forgets::What(requests) => Remembers::Of(Arc::new(requests)),
        }
    }
}
