//! The command line over all our scenarios.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut scenarios = scenarios::all();
    scenarios.push(scenarios::generated());
    sim::cli::main(scenarios)
}
