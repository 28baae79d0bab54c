//! Which lines of a script are played: what shrinking one takes away.

use super::detail::Detail;
use std::fmt;

/// Some of the first 256 lines of a script. Those behind them are always played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lines([u64; 4]);

impl Lines {
    /// How many lines it can tell apart.
    pub const MAX: usize = 256;

    /// These lines, counted from 0.
    pub fn of(lines: impl IntoIterator<Item = usize>) -> Lines {
        let mut set = Lines::default();
        for line in lines.into_iter().filter(|line| *line < Lines::MAX) {
            set.0[line / 64] |= 1 << (line % 64);
        }
        set
    }

    /// Whether this line, counted from 0, is played.
    pub fn has(self, line: usize) -> bool {
        line >= Lines::MAX || self.0[line / 64] & (1 << (line % 64)) != 0
    }
}

impl Detail for Lines {
    const FORM: &'static str = "the lines that are played, `2,5-7`, or `none`";

    /// Lines are counted from 1, in ascending order.
    fn parse(text: &str) -> Option<Lines> {
        if text == "none" {
            return Some(Lines::default());
        }
        let mut lines = Vec::new();
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
            if first <= lines.last().map_or(0, |line| line + 1) && first != 1 || first > last || last > Lines::MAX {
                return None;
            }
            lines.extend(first - 1..last);
        }
        Some(Lines::of(lines))
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<usize> = (0..Lines::MAX).filter(|line| self.has(*line)).collect();
        if lines.is_empty() {
            return f.write_str("none");
        }
        for (index, run) in lines.chunk_by(|one, next| one + 1 == *next).enumerate() {
            f.write_str(if index > 0 { "," } else { "" })?;
            match run {
                [only] => write!(f, "{}", only + 1)?,
                [first, .., last] => write!(f, "{}-{}", first + 1, last + 1)?,
                [] => {}
            }
        }
        Ok(())
    }
}
