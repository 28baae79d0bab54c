//! The rows of the bench, one file per subject, and how a row is measured and printed.

use crate::clock::cpu_seconds;
use sim::guest::image::Loader;
use sim::plan::Plan;
use sim::plan::chooser::Chooser;
use sim::scenario::{Flavor, Scenario};
use sim::world::{Bounds, Options, Run, Verdict, World};

pub mod growth;
pub mod messages;
pub mod restarts;
pub mod runs;
pub mod storage;

/// What prints the rows of a subject.
type Rows = fn(&Loader);

/// Each subject, and what prints its rows.
const SUBJECTS: [(&str, Rows); 5] = [
    ("messages", messages::rows),
    ("restarts", restarts::rows),
    ("runs", runs::rows),
    ("storage", storage::rows),
    ("growth", growth::rows),
];

/// Prints the rows of these subjects; of all, if none is named.
///
/// # Errors
/// There is no such subject.
pub fn print<S: AsRef<str>>(asked: &[S]) -> Result<(), String> {
    let known = SUBJECTS.map(|(name, _)| name);
    if let Some(unknown) = asked.iter().map(AsRef::as_ref).find(|asked| !known.contains(asked)) {
        return Err(format!("no rows are called `{unknown}`; there are: {}", known.join(", ")));
    }
    let loader = Loader::default();
    for (name, rows) in SUBJECTS {
        if asked.is_empty() || asked.iter().any(|asked| asked.as_ref() == name) {
            rows(&loader);
        }
    }
    Ok(())
}

/// The least CPU time that a row is measured for, in seconds.
const AT_LEAST: f64 = 0.5;

/// What one or more runs came to.
#[derive(Default)]
pub struct Measured {
    /// CPU seconds of this thread, the building of the world included.
    pub cpu: f64,
    /// Virtual seconds.
    pub virtual_seconds: f64,
    pub messages: u64,
    pub events: u64,
}

impl Measured {
    fn add(&mut self, run: &Run, cpu: f64) {
        self.cpu += cpu;
        self.virtual_seconds += run.elapsed.0 as f64 / 1e9;
        self.messages += run.messages;
        self.events += run.trace.len();
    }
}

/// How a bench runs its worlds: without the bounds that protect a host, and with or without everything that watches.
pub fn options(flavor: Flavor, watched: bool) -> Options {
    let bounds = Bounds {
        events: u64::MAX,
        copied: u64::MAX,
        rewritten: u64::MAX,
        fuel: u64::MAX,
        memory: u64::MAX,
        begun: u64::MAX,
        host: u64::MAX,
        mailboxes: u64::MAX,
    };
    Options { flavor, bounds, watched, ..Options::default() }
}

/// Plays a scenario calmly, once.
pub fn play(scenario: &Scenario, options: &Options, loader: &Loader) -> Measured {
    let mut measured = Measured::default();
    let before = cpu_seconds();
    let chooser = Chooser::planned(&Plan::default());
    let run = World::new(scenario, options.clone(), chooser, loader).expect("the scenario names what it has").run();
    measured.add(&run, cpu_seconds() - before);
    assert_eq!(run.verdict, Verdict::Held, "{}: a bench is a run like any other", scenario.name);
    measured
}

/// Plays a scenario calmly, again and again until that has taken long enough to be measured.
pub fn play_long(scenario: &Scenario, options: &Options, loader: &Loader) -> Measured {
    let mut all = Measured::default();
    while all.cpu < AT_LEAST {
        let once = play(scenario, options, loader);
        all.cpu += once.cpu;
        all.virtual_seconds += once.virtual_seconds;
        all.messages += once.messages;
        all.events += once.events;
    }
    all
}

/// The form of the programs, as a row has it.
pub fn form(flavor: Flavor) -> &'static str {
    match flavor {
        Flavor::Native => "native",
        Flavor::Wasm => "wasm",
    }
}
