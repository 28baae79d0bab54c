//! The rules of the contract, as values.
//!
//! Whatever speaks of a rule names the value: the code that obeys it, the invariant that checks it, the deviations and
//! mutants that break it. So an editor's "find references" leads from a sentence of the book to all of them.

use crate::on_exit::OnExitKind;
use std::fmt;

macro_rules! rules {
    ($($id:ident $origin:ident $says:literal;)*) => {
        /// A rule of the contract, or one that a user of the simulator adds.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Rule {
            /// A cell of the exit matrix: how a process exits, and its on-exit behaviour. From the book.
            X(How, OnExitKind),
            $(#[doc = concat!($says, " (", stringify!($origin), ")")] $id,)*
            /// A rule that is not of the contract: a scenario's, a package's or a user's own.
            Own {
                /// What reports call it: one word.
                id: &'static str,
                /// What it says, in one sentence.
                says: &'static str,
            },
        }

        /// The rules outside the exit matrix, in the order of their chapters.
        const PLAIN: &[Rule] = &[$(Rule::$id),*];

        impl Rule {
            /// Its id: `E5`, `X.kill.Restart`, or the name of a user's own rule.
            pub fn id(self) -> &'static str {
                match self {
                    Rule::X(how, on_exit) => cell(how, on_exit).0,
                    $(Rule::$id => stringify!($id),)*
                    Rule::Own { id, .. } => id,
                }
            }

            /// What it says, in short. The contract in full is on this crate's front page.
            pub fn says(self) -> &'static str {
                match self {
                    Rule::X(how, on_exit) => cell(how, on_exit).1,
                    $(Rule::$id => $says,)*
                    Rule::Own { says, .. } => says,
                }
            }

            /// Where it comes from. `None` for a rule that is not of the contract.
            pub fn origin(self) -> Option<Origin> {
                match self {
                    Rule::X(..) => Some(Origin::Book),
                    $(Rule::$id => Some(Origin::$origin),)*
                    Rule::Own { .. } => None,
                }
            }
        }
    };
}

rules! {
    S1 Book "the kernel knows processes only; packages exist in userspace";
    S2 Book "InitializeProcess enters valid code into the table, under a legal id that is free; anything else is refused and changes nothing";
    S3 Book "RunProcess calls init once; it is refused if the process is unknown, already running or waiting out a back-off";
    S4 Runtime "messages that arrive between initialize and run wait, and are delivered after the start, in order";
    S5 Book "first start, restart and boot are alike: fresh memory, empty mailbox, no contexts, no timers";
    S6 Runtime "spawn initializes, grants and runs a child, or answers an error and changes nothing";
    S7 Ours "every start takes a fixed virtual time greater than zero";

    E1 Book "a process exits in exactly one of four ways, and any trap is a panic";
    E2 Ours "an exit takes effect in one step, when its table write is durable; nobody sees half an exit";
    E3 Book "a restart is immediate, and keeps id, code, capabilities, public, on-exit and state, and nothing else";
    E4 Book "on-exit requests are fired in order, with the source and the capabilities of the exiting process, at most once per exit";
    E4b Ours "a boot removes every row that ends in one durable write, before it fires anything";
    E5 Book "a kill overrides Restart whatever the process is doing, and a killed process stays dead";
    E6 Book "None: not restarted, and nothing happens, no matter what";
    E7 Book "if init returns, the on-exit behaviour is always honoured";
    E8 Runtime "set_on_exit replaces the value durably, and the value in force at the exit counts";
    E9 Book "a Restart process that crashes structurally crashes for ever, until it is killed";
    E10 Ours "nothing leaks from one life to the next, and message ids never repeat";
    E11 Runtime "a request to a local process that is not there is a Timeout at once, or dropped";
    E12 Runtime "an exit that ends a process revokes every capability it issued; a restart revokes none";

    K1 Book "a kernel command needs the capability to message kernel:distro:sys, and comes from this node";
    K2 Ours "KilledProcess is answered only when the removal is durable";
    K3 Book "a parent's exit does nothing to a child, nor the reverse";
    K4 Book "a parent ends a child by a request; a killed Restart or None child tells nobody";
    K5 Ours "a kill of a process that is not there is answered KilledProcess too; a runtime module cannot be killed";

    C1 Runtime "a message needs the target's messaging capability, unless the target is public; across nodes, network on both sides";
    C2 Runtime "initial capabilities are cut to those the initializer holds, and the initializer may message the new process";
    C3 Runtime "attached capabilities are cut to those the sender holds or issues; none can be forged";
    C4 Runtime "what is granted or saved is held until it is dropped or revoked, and nothing else is";
    C5 Book "on-exit requests obey C1 and C3, at boot too";

    M1 Runtime "every request that expects a response settles exactly once, in the life that sent it";
    M2 Runtime "what one life sends another arrives in order, each message at most once";
    M3 Runtime "prompting, inheritance, contexts and blobs behave as in the process API";
    M4 Runtime "Offline: the node definitely cannot be reached; Timeout: no answer in time";
    M5 Ours "a process that does not receive, or spins, delays nobody but itself";

    P1 Book "set_state is atomic, and durable when it returns";
    P2 Ours "the table is durable at each answer that depends on it";
    P3 Book "what vfs, kv and sqlite answered as written is there after a crash";
    P4 Book "a well-written process picks up where it left off";
    P5 Book "what was acknowledged before a backup is readable after its restore, and a restore is one consistent cut";
}

/// Where a rule comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// The Kinode book's chapter on startup, spindown and crashes.
    Book,
    /// The public Kinode and Hyperdrive runtimes, where the book is silent.
    Runtime,
    /// Neither says; decided in this project.
    Ours,
}

/// How a process exits: the rows of the exit matrix (E1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum How {
    /// `init` returned.
    Return,
    /// It trapped.
    Panic,
    /// It was killed.
    Kill,
    /// Its node went down.
    Down,
}

impl How {
    /// All four, in the order of the book's matrix.
    pub const ALL: [How; 4] = [How::Return, How::Panic, How::Kill, How::Down];

    /// Its name in the contract.
    pub fn name(self) -> &'static str {
        match self {
            How::Return => "return",
            How::Panic => "panic",
            How::Kill => "kill",
            How::Down => "down",
        }
    }

    /// What a process that exited so did, to be put after its name.
    pub fn text(self) -> &'static str {
        match self {
            How::Return => "returned",
            How::Panic => "panicked",
            How::Kill => "was killed",
            How::Down => "went down with its node",
        }
    }
}

/// A cell's id and sentence.
fn cell(how: How, on_exit: OnExitKind) -> (&'static str, &'static str) {
    use OnExitKind::{None, Requests, Restart};
    match (how, on_exit) {
        (How::Return, None) => ("X.return.None", "a None process that returns is gone"),
        (How::Return, Restart) => ("X.return.Restart", "a Restart process that returns is restarted"),
        (How::Return, Requests) => ("X.return.Requests", "a Requests process that returns fires them and is gone"),
        (How::Panic, None) => ("X.panic.None", "a None process that panics is gone"),
        (How::Panic, Restart) => ("X.panic.Restart", "a Restart process that panics is restarted"),
        (How::Panic, Requests) => ("X.panic.Requests", "a Requests process that panics fires them and is gone"),
        (How::Kill, None) => ("X.kill.None", "a None process that is killed is gone"),
        (How::Kill, Restart) => ("X.kill.Restart", "a Restart process that is killed is gone: it is treated as None"),
        (How::Kill, Requests) => ("X.kill.Requests", "a Requests process that is killed fires them and is gone"),
        (How::Down, None) => ("X.down.None", "a None process is not started by a boot"),
        (How::Down, Restart) => ("X.down.Restart", "a Restart process is started by the next boot"),
        (How::Down, Requests) => ("X.down.Requests", "a Requests process is not started by a boot, and fires them"),
    }
}

impl Rule {
    /// Every rule of the contract: the exit matrix row by row, then the chapters S, E, K, C, M and P.
    pub fn all() -> impl Iterator<Item = Rule> {
        How::ALL.into_iter().flat_map(Rule::row).chain(PLAIN.iter().copied())
    }

    /// A row of the exit matrix.
    pub const fn row(how: How) -> [Rule; 3] {
        [Rule::X(how, OnExitKind::None), Rule::X(how, OnExitKind::Restart), Rule::X(how, OnExitKind::Requests)]
    }

    /// The rule of the contract with this id.
    pub fn parse(id: &str) -> Option<Rule> {
        Rule::all().find(|rule| rule.id() == id)
    }

    /// The ids of several rules, separated by commas. A whole row of the exit matrix is `X.panic`.
    pub fn list(rules: &[Rule]) -> String {
        let mut ids = Vec::new();
        for rule in rules {
            match rule {
                Rule::X(how, on_exit) if Rule::row(*how).iter().all(|cell| rules.contains(cell)) => {
                    if *on_exit == OnExitKind::None {
                        ids.push(format!("X.{}", how.name()));
                    }
                }
                rule => ids.push(rule.id().to_string()),
            }
        }
        ids.join(", ")
    }
}

/// The id.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_id_names_one_rule() {
        let ids: BTreeSet<&str> = Rule::all().map(Rule::id).collect();
        assert_eq!(ids.len(), Rule::all().count());
        for rule in Rule::all() {
            assert_eq!(Rule::parse(rule.id()), Some(rule));
        }
        assert_eq!(Rule::parse("E99"), None);
    }

    #[test]
    fn a_whole_row_of_the_exit_matrix_is_listed_in_one_word() {
        let [none, restart, requests] = Rule::row(How::Panic);
        assert_eq!(Rule::list(&[Rule::E5, none, restart, requests]), "E5, X.panic");
        assert_eq!(Rule::list(&[none, Rule::K2]), "X.panic.None, K2");
    }
}
