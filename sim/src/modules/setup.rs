//! How the runtime modules of a run work, where there is a choice.

use crate::disk::planted::Planted;

/// What a scenario and a run choose about its modules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Setup {
    /// How `sqlite` makes its transactions atomic.
    pub journal: Journal,
    /// What they do wrong, if it is to be found.
    pub planted: Option<Planted>,
}

/// How SQLite makes a transaction atomic and durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Journal {
    /// A write-ahead log, synced at each commit: as the public runtime has it.
    #[default]
    Wal,
    /// A rollback journal, removed at each commit and its directory synced then (`synchronous=EXTRA`): with `FULL`, a
    /// power loss may bring the journal back, and with it the state before the commit.
    Rollback,
}
