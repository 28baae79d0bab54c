//! `completions` and `man`: what a shell and a manual know of the command line.

use super::{CommandLine, Outcome, Stop};
use clap::CommandFactory;
use clap_complete::Shell;
use std::io::Write;

/// The program's name, in completions and in its manual.
const PROGRAM: &str = "kinode-sim";

/// Print a completion script for a shell: `kinode-sim completions bash > ~/.local/share/bash-completion/completions/kinode-sim`
#[derive(clap::Args)]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

/// Print the manual page: `kinode-sim man | man -l -`
#[derive(clap::Args)]
pub(super) struct Man {
    /// The command to print the page of; kinode-sim itself if none is named
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
}

impl Completions {
    pub(super) fn run(&self, out: &mut impl Write) -> Result<Outcome, Stop> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut CommandLine::command(), PROGRAM, &mut script);
        out.write_all(&script)?;
        Ok(Outcome::Held)
    }
}

impl Man {
    pub(super) fn run(&self, out: &mut impl Write) -> Result<Outcome, Stop> {
        let mut all = CommandLine::command().name(PROGRAM);
        all.build();
        let command = match &self.command {
            None => all,
            Some(name) => {
                let found = all.find_subcommand(name).cloned();
                found.ok_or_else(|| Stop::Wrong(format!("there is no command `{name}`")))?
            }
        };
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page)?;
        out.write_all(&page)?;
        Ok(Outcome::Held)
    }
}
