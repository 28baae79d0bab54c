//! The command line over all our scenarios.

use std::process::ExitCode;

fn main() -> ExitCode {
    sim::cli::reporting(scenarios::report::report);
    let mut scenarios = scenarios::all();
    scenarios.push(scenarios::generated());
    sim::cli::main_of(scenarios, "scenarios::all()")
}
