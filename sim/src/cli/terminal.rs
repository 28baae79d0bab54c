//! What the terminal is, and colours for it.
//!
//! Commands write plain text. Where colours are wanted, [`Coloured`] adds them to whole lines that it knows: no text of
//! a guest can bring colours of its own, since control characters are shown and not done (`text::shown`).

use console::Term;
use std::io::{self, IsTerminal, Write};

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless NO_COLOR is set or TERM is `dumb`
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl Color {
    /// Whether to colour what goes to a stream.
    pub(super) fn wanted(self, stream: &impl IsTerminal) -> bool {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        match self {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
                stream.is_terminal() && !set("NO_COLOR") && !dumb
            }
        }
    }
}

/// How many columns standard output has, if it is a terminal.
pub(super) fn columns() -> Option<usize> {
    if !io::stdout().is_terminal() {
        return None;
    }
    Term::stdout().size_checked().map(|(_, columns)| columns.into())
}

const RED: &str = "\x1b[1;31m";
const GREEN: &str = "\x1b[1;32m";
/// Yellow cannot be read on white.
const MAGENTA: &str = "\x1b[1;35m";
const CYAN: &str = "\x1b[36m";
const BOLD: &str = "\x1b[1m";
const PLAIN: &str = "\x1b[0m";

/// What stands at the beginning of a line, and its colour.
const LABELS: &[(&str, &str)] = &[
    ("  says:", BOLD),
    ("  but:", BOLD),
    ("  plan:", BOLD),
    ("  script:", BOLD),
    ("  replay:", CYAN),
    ("      or:", CYAN),
    ("  picture:", CYAN),
    ("  as a test:", BOLD),
    ("broken:", RED),
    ("  go on:", CYAN),
    ("bug:", RED),
    ("error:", RED),
];
/// Words that say how something ended, wherever they stand alone.
const VERDICTS: &[(&str, &str)] = &[
    ("BROKEN", RED),
    ("FAILED", RED),
    ("NOT the same", RED),
    ("INCONCLUSIVE", MAGENTA),
    ("PASSED", GREEN),
    (": held", GREEN),
];

/// One line with its colours.
pub(super) fn coloured(line: &str) -> String {
    if line.starts_with("  > ") {
        return format!("{MAGENTA}{line}{PLAIN}");
    }
    // An event of a trace is shown as it is: what it prints is no verdict of ours.
    if line.split_whitespace().nth(1).is_some_and(|word| word.starts_with('#')) {
        return line.to_string();
    }
    if let Some((label, colour)) = LABELS.iter().find(|(label, _)| line.starts_with(label)) {
        return format!("{colour}{label}{PLAIN}{}", &line[label.len()..]);
    }
    for (word, colour) in VERDICTS {
        let Some(start) = line.find(word) else { continue };
        let end = start + word.len();
        let alone = line[end..].chars().next().is_none_or(|c| !c.is_alphanumeric());
        if alone {
            return format!("{}{colour}{word}{PLAIN}{}", &line[..start], &line[end..]);
        }
    }
    line.to_string()
}

/// Colours whole lines on their way.
pub(super) struct Coloured<W: Write> {
    out: W,
    /// Whether to colour at all.
    on: bool,
    /// The beginning of a line that has not ended.
    line: Vec<u8>,
}

impl<W: Write> Coloured<W> {
    /// Colours what goes to `out`, if `on`.
    pub(super) fn new(out: W, on: bool) -> Coloured<W> {
        Coloured { out, on, line: Vec::new() }
    }
}

impl<W: Write> Write for Coloured<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.on {
            return self.out.write(bytes);
        }
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                let line = String::from_utf8_lossy(&self.line[..self.line.len() - 1]);
                let text = coloured(&line);
                self.out.write_all(text.as_bytes())?;
                self.out.write_all(b"\n")?;
                self.line.clear();
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.write_all(&std::mem::take(&mut self.line))?;
        self.out.flush()
    }
}

impl<W: Write> Drop for Coloured<W> {
    /// A last line without an end goes out as it is; a reader that has gone is reported by the writes before.
    fn drop(&mut self) {
        _ = self.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_and_labels_are_coloured_and_what_a_guest_prints_is_not() {
        assert_eq!(coloured("E5: BROKEN in it"), "E5: \x1b[1;31mBROKEN\x1b[0m in it");
        assert_eq!(coloured("  says: x"), "\x1b[1m  says:\x1b[0m x");
        assert_eq!(coloured("counter:demo:me PASSED"), "counter:demo:me \x1b[1;32mPASSED\x1b[0m");
        let printed = "  0.1s #3  a.os prints \"PASSED\"";
        assert_eq!(coloured(printed), printed);
        assert_eq!(coloured("it was UNBROKENLY so"), "it was UNBROKENLY so");
    }

    #[test]
    fn a_line_is_coloured_once_it_is_whole() {
        let mut out = Vec::new();
        {
            let mut coloured = Coloured::new(&mut out, true);
            write!(coloured, "  replay: ").expect("a vector takes all");
            write!(coloured, "x\nrest").expect("a vector takes all");
        }
        assert_eq!(String::from_utf8(out).as_deref(), Ok("\x1b[36m  replay:\x1b[0m x\nrest"));
    }
}
