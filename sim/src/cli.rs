//! The command line, for anyone's scenarios.
//!
//! ```no_run
//! fn main() -> std::process::ExitCode {
//!     sim::cli::main(Vec::new())
//! }
//! ```
//!
//! A command is a file in `cli/`: its arguments, and `run`, which writes what it finds and says whether all held.
//! To add one: that file, a variant of `Command` and its arm. Nothing here decides anything about a run.
//!
//! What goes to standard output is the result and is the same for any number of threads; the progress bar and
//! everything that is wrong goes to standard error.

mod args;
mod bug;
mod check;
mod diff;
mod explore;
mod failure;
mod hunt;
mod list;
mod look;
mod matrix;
mod merge;
mod reach;
mod record;
mod replay;
mod report;
mod shell;
mod status;
mod stop;
mod sweep;
mod terminal;
mod text;
mod tour;

use crate::guest::image::Loader;
use crate::plan::chooser::Chooser;
use crate::scenario::{Scenario, ScenarioError};
use crate::world::{Options, Verdict, World};
use clap::Parser;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use terminal::Color;

/// Play Kinode processes in a simulated world under many seeds, and hold them to the rules of the book.
#[derive(Parser)]
#[command(version, after_help = EXIT_CODES)]
struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", env = "KINODE_SIM_COLOR")]
    color: Color,
    /// Print only what broke, and the last line
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Print also what is otherwise summed up
    #[arg(short, long, global = true)]
    verbose: bool,
}

/// How much is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Detail {
    Quiet,
    #[default]
    Normal,
    Verbose,
}

const EXIT_CODES: &str = "Without a command: a short tour.\n\n\
    Exit codes: 0 everything held, 1 something broke, 2 wrong usage or input, 3 a bug of the simulator, 4 inconclusive\n\
    (a run reached a bound of the simulator, or used something it does not model), 130 interrupted, 141 the output was closed.\n\n\
    Environment: KINODE_SIM_SEEDS, KINODE_SIM_PROFILE, KINODE_SIM_JOBS, KINODE_SIM_TIME_LIMIT and KINODE_SIM_COLOR stand\n\
    for the options of these names where a command has them; an option on the command line wins.";

#[derive(clap::Subcommand)]
enum Command {
    Explore(explore::Explore),
    Merge(merge::Merge),
    Hunt(hunt::Hunt),
    Replay(replay::Replay),
    Sweep(sweep::Sweep),
    Check(check::Check),
    Diff(diff::Diff),
    WhatIf(diff::WhatIf),
    Completions(shell::Completions),
    Man(shell::Man),
    List(list::List),
}

/// What every command works on.
struct Context {
    /// In the order in which they were given.
    scenarios: Vec<Scenario>,
    /// How a reader of the output runs this program again, quoted for a shell.
    program: String,
    /// The expression that gives the scenarios, for tests to paste.
    listed: String,
    loader: Loader,
    /// How much is printed.
    detail: Detail,
}

/// How a command ended that came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Held,
    Violated,
    /// The simulator reached a bound, or was asked for what it does not have: neither held nor violated.
    Inconclusive,
    /// Ended by Ctrl-C: what was found until then has been told.
    Interrupted,
}

impl Outcome {
    /// Of one run.
    fn of(verdict: &Verdict) -> Outcome {
        match verdict {
            Verdict::Held => Outcome::Held,
            Verdict::Violated(_) => Outcome::Violated,
            Verdict::Limit(_) => Outcome::Inconclusive,
        }
    }
}

/// Why a command did not come to its end.
#[derive(Debug)]
enum Stop {
    /// Wrong usage: the place, and how to fix it.
    Wrong(String),
    /// The simulator is wrong.
    Bug(String),
    /// Nobody reads us any more, or the disk is full.
    Output(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Stop {
        Stop::Output(error)
    }
}

/// The command line over the scenarios that an expression gives: `sim::cli_main!(my_crate::scenarios())`. As
/// [`cli::main`](crate::cli::main); and the tests that reports offer for pasting find their scenario by that expression.
#[macro_export]
macro_rules! cli_main {
    ($scenarios:expr) => {
        $crate::cli::main_of($scenarios, stringify!($scenarios))
    };
}

/// The whole command line: reads the arguments of this program and does what they say with these scenarios. The first
/// of them is the one that the tour shows. Tests to paste take the list from `crate::scenarios()`: [`cli_main!`] names
/// another.
pub fn main(scenarios: Vec<Scenario>) -> ExitCode {
    main_of(scenarios, "crate::scenarios()")
}

/// Gives the command line the report that `list deviations --report` prints.
#[doc(hidden)]
pub fn reporting(report: fn() -> String) {
    let _ = list::REPORT.set(report);
}

/// The same, and the expression that gives the scenarios.
#[doc(hidden)]
pub fn main_of(scenarios: Vec<Scenario>, listed: &str) -> ExitCode {
    let line = match CommandLine::try_parse() {
        Ok(line) => line,
        Err(error) => {
            // Help and version are no errors. If nobody reads them, that is no error either.
            let text = error.render().to_string();
            match terminal::columns().filter(|columns| text.lines().any(|line| line.chars().count() > *columns)) {
                Some(columns) if !error.use_stderr() => {
                    _ = write!(io::stdout(), "{}", text::folded_help(&text, columns))
                }
                _ => _ = error.print(),
            }
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    bug::listen();
    let detail = match (line.quiet, line.verbose) {
        (true, _) => Detail::Quiet,
        (false, true) => Detail::Verbose,
        (false, false) => Detail::Normal,
    };
    let (program, listed) = (program(), listed.to_string());
    let context = Context { scenarios, program, listed, loader: Loader::default(), detail };
    if let Some(columns) = terminal::columns() {
        crate::explore::report::set_width(columns);
    }
    let (on, on_errors) = (line.color.wanted(&io::stdout()), line.color.wanted(&io::stderr()));
    let complain = |text: &str| {
        let text = text::shown(text);
        let first = text.lines().next().unwrap_or_default();
        match on_errors {
            true => eprintln!("{}{}", terminal::coloured(first), &text[first.len()..]),
            false => eprintln!("{text}"),
        }
    };
    let result = bug::guard(|| {
        let mut out = text::Shown(terminal::Coloured::new(io::stdout().lock(), on));
        let outcome = context.run(line.command.as_ref(), &mut out)?;
        out.flush()?;
        Ok(outcome)
    });
    match result.unwrap_or_else(|text| Err(Stop::Bug(text))) {
        Ok(Outcome::Held) => ExitCode::SUCCESS,
        Ok(Outcome::Violated) => ExitCode::from(1),
        Ok(Outcome::Inconclusive) => ExitCode::from(4),
        Ok(Outcome::Interrupted) => ExitCode::from(130),
        Err(Stop::Wrong(text)) => {
            complain(&format!("error: {}", text::cut(&text)));
            ExitCode::from(2)
        }
        // As a program ends that the signal of a closed pipe ends: how the run came out is then unknown.
        Err(Stop::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::from(141),
        Err(Stop::Output(error)) => {
            complain(&format!("error: cannot write the results: {error}"));
            ExitCode::from(2)
        }
        Err(Stop::Bug(text)) => {
            complain(&format!("bug: the simulator failed, and your scenario is not to blame: {text}"));
            ExitCode::from(3)
        }
    }
}

/// What to type, in any folder, to get this program again: its name if it was found by its name, its path otherwise; and
/// the alias of this repository, where cargo runs it inside of it.
fn program() -> String {
    let called = std::env::args().next().unwrap_or_default();
    let by_cargo = std::env::var_os("CARGO_MANIFEST_DIR").is_some_and(|package| {
        let here = std::env::current_dir().unwrap_or_default();
        let is_ours = std::env::var_os("CARGO_PKG_NAME").is_some_and(|name| name == "kinode-sim");
        is_ours && Path::new(&package).parent().is_some_and(|workspace| here.starts_with(workspace))
    });
    let is_path = called.contains(std::path::is_separator);
    match Path::new(&called).file_stem().and_then(|stem| stem.to_str()) {
        None => "kinode-sim".to_string(),
        Some("kinode-sim") if by_cargo => "cargo sim".to_string(),
        Some(_) if !is_path => args::quoted(&called),
        Some(_) => args::quoted(&absolute(Path::new(&called))),
    }
}

/// A path that means the same in every folder.
fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf()).display().to_string()
}

impl Context {
    fn run(&self, command: Option<&Command>, out: &mut impl Write) -> Result<Outcome, Stop> {
        self.check_names()?;
        match command {
            None => tour::run(self, out),
            Some(Command::Explore(explore)) => explore.run(self, out),
            Some(Command::Merge(merge)) => merge.run(self, out),
            Some(Command::Hunt(hunt)) => hunt.run(self, out),
            Some(Command::Replay(replay)) => replay.run(self, out),
            Some(Command::Sweep(sweep)) => sweep.run(self, out),
            Some(Command::Check(check)) => check.run(self, out),
            Some(Command::Diff(diff)) => diff.run(self, out),
            Some(Command::WhatIf(what_if)) => what_if.run(self, out),
            Some(Command::Completions(completions)) => completions.run(out),
            Some(Command::Man(man)) => man.run(out),
            Some(Command::List(list)) => list.run(self, out),
        }
    }

    /// There is something to run, and each name means one scenario.
    fn check_names(&self) -> Result<(), Stop> {
        if self.scenarios.is_empty() {
            return Err(Stop::Wrong("there are no scenarios: pass some to `sim::cli::main`".to_string()));
        }
        for (index, scenario) in self.scenarios.iter().enumerate() {
            if self.scenarios[..index].iter().any(|other| other.name == scenario.name) {
                return Err(Stop::Wrong(format!("two scenarios are called `{}`", scenario.name)));
            }
        }
        Ok(())
    }

    /// The scenarios that these names or patterns (`kill-*`) select, each once, in the order of the names; all, if there
    /// are no names.
    fn select(&self, names: &[String]) -> Result<Vec<&Scenario>, Stop> {
        if names.is_empty() {
            return Ok(self.scenarios.iter().collect());
        }
        let mut selected: Vec<&Scenario> = Vec::new();
        for name in names {
            let of_name: Vec<&Scenario> = if name.contains(['*', '?']) {
                self.scenarios.iter().filter(|scenario| text::fits(name, &scenario.name)).collect()
            } else {
                vec![self.scenario(name)?]
            };
            if of_name.is_empty() {
                let (program, all) = (&self.program, self.scenarios.len());
                return Err(Stop::Wrong(format!("no scenario matches `{name}` (`{program} list` shows all {all})")));
            }
            for scenario in of_name {
                if !selected.iter().any(|other| other.name == scenario.name) {
                    selected.push(scenario);
                }
            }
        }
        Ok(selected)
    }

    /// The scenario of this name, or what the person may have meant.
    fn scenario(&self, name: &str) -> Result<&Scenario, Stop> {
        self.scenarios.iter().find(|scenario| scenario.name == name).ok_or_else(|| {
            let near = text::nearest(name, self.scenarios.iter().map(|scenario| scenario.name.as_str()));
            let near = near.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ");
            Stop::Wrong(format!(
                "no scenario is called `{name}`; nearest: {near} (`{} list` shows all {})",
                self.program,
                self.scenarios.len()
            ))
        })
    }

    /// Whether a scenario can be played at all, before anything is written.
    fn check(&self, scenario: &Scenario, options: &Options) -> Result<(), Stop> {
        World::new(scenario, options.clone(), Chooser::calm(), &self.loader).map_err(wrong_scenario(scenario))?;
        Ok(())
    }
}

/// A scenario's own mistake, with its name.
fn wrong_scenario(scenario: &Scenario) -> impl Fn(ScenarioError) -> Stop {
    move |error| Stop::Wrong(format!("scenario `{}`: {error}", scenario.name))
}
