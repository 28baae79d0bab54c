//! The exit matrix of many scenarios: which of the twelve cells were reached, how often, in how many of them.

use super::record::{CellRecord, cell_name};
use super::text::{entry, grouped};
use crate::coverage::{COLUMNS, Coverage, How};
use kernel_core::OnExitKind;
use std::fmt;

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
            self.scenarios[how as usize][on_exit as usize] += u64::from(coverage.cell(how, on_exit).exits > 0);
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
            let (exits, in_flight, capable) = (cell.exits, cell.in_flight, cell.capable);
            CellRecord { how: how.name(), on_exit, exits, scenarios, in_flight, capable }
        };
        cells().map(record).collect()
    }

    fn cell(&self, how: How, on_exit: OnExitKind) -> (crate::coverage::Cell, u64) {
        (self.all.cell(how, on_exit), self.scenarios[how as usize][on_exit as usize])
    }

    /// The names of the cells of which something is true.
    fn names(&self, is: impl Fn(crate::coverage::Cell) -> bool) -> String {
        let fit = cells().filter(|(how, on_exit)| is(self.all.cell(*how, *on_exit)));
        fit.map(|(how, on_exit)| cell_name(how, on_exit)).collect::<Vec<_>>().join(", ")
    }
}

/// The twelve cells, row by row.
fn cells() -> impl Iterator<Item = (How, OnExitKind)> {
    How::ALL.into_iter().flat_map(|how| COLUMNS.into_iter().map(move |on_exit| (how, on_exit)))
}

impl fmt::Display for Matrix {
    /// A line per row of the matrix, and a line that names what is missing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit matrix")?;
        COLUMNS.iter().try_for_each(|on_exit| write!(f, "  {:>30}", format!("{on_exit:?}")))?;
        write!(f, "\n           ")?;
        COLUMNS.iter().try_for_each(|_| write!(f, "  {:>10} {:>9} {:>9}", "exits", "scenarios", "in flight"))?;
        for how in How::ALL {
            write!(f, "\n  {:9}", how.name())?;
            for on_exit in COLUMNS {
                let (cell, scenarios) = self.cell(how, on_exit);
                write!(f, "  {:>10} {scenarios:>9} {:>9}", grouped(cell.exits), grouped(cell.in_flight))?;
            }
        }
        writeln!(f, "\n  {} of 12 cells reached", self.reached())?;
        for (says, cells) in [
            ("dark", self.names(|cell| cell.exits == 0)),
            ("none in flight", self.names(|cell| cell.exits > 0 && cell.in_flight == 0)),
        ] {
            if !cells.is_empty() {
                write!(f, "{}", entry(says, "none in flight".len(), &cells))?;
            }
        }
        Ok(())
    }
}
