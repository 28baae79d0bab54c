//! The command line over all our scenarios.

use std::process::ExitCode;

fn main() -> ExitCode {
    sim::cli::main(scenarios::all())
}
