//! What many scenarios reached: the exit matrix, with what was at stake, and the probes.

use super::record::{CellRecord, ProbeRecord, cell_name};
use super::text::{entry, grouped};
use crate::explore::report::{fold, width};
use crate::trace::coverage::{COLUMNS, Cell, Coverage, Stake};
use crate::trace::probe::Probe;
use kernel_core::{How, OnExitKind};

const RARE: &str =
    "a process with on-exit requests may message their target, until that ends and the capability is revoked";
/// Why a part of a cell may be dark.
const RARE_PARTS: &[(How, OnExitKind, Stake, &str)] = &[
    (How::Return, OnExitKind::Requests, Stake::Nothing, RARE),
    (How::Return, OnExitKind::Requests, Stake::Message, RARE),
    (How::Panic, OnExitKind::Requests, Stake::Nothing, RARE),
    (How::Panic, OnExitKind::Requests, Stake::Message, RARE),
    (How::Kill, OnExitKind::Requests, Stake::Nothing, RARE),
    (How::Kill, OnExitKind::Requests, Stake::Message, RARE),
    (How::Down, OnExitKind::Requests, Stake::Nothing, RARE),
    (How::Down, OnExitKind::Requests, Stake::Message, RARE),
];
/// Probes that some scenarios cannot show, and why.
const UNSEEN: &[(Probe, &str)] = &[
    (Probe::AllDown, "that takes two nodes"),
    (Probe::OfflineAndTimeout, "that takes two nodes"),
    (Probe::LossBothWays, "that takes two nodes"),
    (Probe::OrphanedSpawn, "that takes a guest that spawns"),
    (Probe::ClockJumped, "that takes a guest that reads the time of day"),
];

/// From how many columns on the table is set wide.
const WIDE: usize = 86;
/// From how many columns on it says in how many scenarios each cell was reached.
const MIDDLE: usize = 74;

/// What the scenarios reached together.
#[derive(Default)]
pub(super) struct Matrix {
    all: Coverage,
    /// In how many scenarios each cell was reached.
    scenarios: [[u64; 3]; 4],
}

impl Matrix {
    /// One scenario more.
    pub(super) fn add(&mut self, coverage: &Coverage) {
        self.all.add(coverage);
        for (how, on_exit) in cells() {
            self.scenarios[how as usize][on_exit as usize] += u64::from(coverage.cell(how, on_exit).exits() > 0);
        }
    }

    /// How many cells were reached.
    pub(super) fn reached(&self) -> usize {
        self.all.reached()
    }

    /// The cells, for programs.
    pub(super) fn records(&self) -> Vec<CellRecord> {
        let record = |(how, on_exit)| {
            let (cell, scenarios) = self.cell(how, on_exit);
            let on_exit = format!("{on_exit:?}");
            let (exits, in_flight, capable) = (cell.exits(), cell.in_flight(), cell.capable());
            CellRecord { how: how.name(), on_exit, exits, scenarios, in_flight, capable, both: cell.of(Stake::Both) }
        };
        cells().map(record).collect()
    }

    /// The probes, for programs.
    pub(super) fn probes(&self) -> Vec<ProbeRecord> {
        let record = |probe: Probe| ProbeRecord { sometimes: probe.says(), runs: self.all.probes.seen(probe) };
        Probe::ALL.into_iter().map(record).collect()
    }

    fn cell(&self, how: How, on_exit: OnExitKind) -> (Cell, u64) {
        (self.all.cell(how, on_exit), self.scenarios[how as usize][on_exit as usize])
    }

    /// The parts of cells that no run has come to: each with the reason, if there is one.
    fn dark(&self) -> Vec<String> {
        let parts = cells().flat_map(|(how, on_exit)| Stake::ALL.map(|stake| (how, on_exit, stake)));
        let dark = parts.filter(|(how, on_exit, stake)| self.all.cell(*how, *on_exit).of(*stake) == 0);
        let named = dark.map(|(how, on_exit, stake)| {
            let why = RARE_PARTS.iter().find(|part| (part.0, part.1, part.2) == (how, on_exit, stake));
            let why = why.map(|part| format!(" ({})", part.3)).unwrap_or_default();
            format!("{} {}{why}", cell_name(how, on_exit), stake.name())
        });
        named.collect()
    }

    fn unseen(&self) -> Vec<String> {
        let unseen = Probe::ALL.into_iter().filter(|probe| self.all.probes.seen(*probe) == 0);
        let named = unseen.map(|probe| {
            let why = UNSEEN.iter().find(|(unseen, _)| *unseen == probe);
            format!("{}{}", probe.says(), why.map(|(_, why)| format!(" ({why})")).unwrap_or_default())
        });
        named.collect()
    }
}

/// The twelve cells, row by row.
fn cells() -> impl Iterator<Item = (How, OnExitKind)> {
    How::ALL.into_iter().flat_map(|how| COLUMNS.into_iter().map(move |on_exit| (how, on_exit)))
}

impl Matrix {
    /// A line per cell of the matrix: how many exits, by what was at stake. Then what is missing: by name, if `all`.
    pub(super) fn text(&self, all: bool) -> String {
        let (column, has_scenarios) = match width() {
            WIDE.. => (14, true),
            MIDDLE.. => (11, true),
            _ => (10, false),
        };
        let mut text = format!("{:17}", "exits");
        Stake::ALL.iter().for_each(|stake| text += &format!("{:>column$}", stake.name()));
        if has_scenarios {
            text += &format!("  {:>9}", "scenarios");
        }
        for (how, on_exit) in cells() {
            let (cell, scenarios) = self.cell(how, on_exit);
            text += &format!("\n  {:15}", cell_name(how, on_exit));
            Stake::ALL.iter().for_each(|stake| text += &format!("{:>column$}", grouped(cell.of(*stake))));
            if has_scenarios {
                text += &format!("  {scenarios:>9}");
            }
        }
        let (dark, unseen) = (self.dark(), self.unseen());
        let parts = How::ALL.len() * COLUMNS.len() * Stake::ALL.len();
        let more = if all || dark.len() + unseen.len() == 0 { "" } else { "; --coverage names the others" };
        let reached = format!("{} of 12 cells reached, {} of {parts} parts", self.reached(), parts - dark.len());
        let seen = format!("{} of {}", Probe::ALL.len() - unseen.len(), Probe::ALL.len());
        if all {
            text += &format!("\n  {}\n", fold(&reached, 2));
            dark.iter().for_each(|part| text += &entry("dark", 5, part));
            text += &format!("sometimes\n  {seen} were seen\n");
        } else {
            let sum = format!("{reached}, and {seen} things that should be seen sometimes{more}");
            text += &format!("\n  {}\n", fold(&sum, 2));
        }
        if all {
            unseen.iter().for_each(|probe| text += &entry("never", 5, probe));
        }
        text
    }
}
