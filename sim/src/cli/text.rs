//! Small help for texts.

use super::Stop;
use crate::explore::report::fold;
use std::borrow::Cow;
use std::io::{self, Write};
use std::path::Path;

/// How large a text may be that a person has written, in bytes.
const TEXT_MAX: u64 = 16 << 20;

/// The text in a file.
pub(super) fn read(path: &Path) -> Result<String, Stop> {
    crate::files::read_text(path, TEXT_MAX).map_err(|error| Stop::Wrong(error.to_string()))
}

/// How much of an error is shown, in bytes: what it quotes may be a stranger's, and without measure.
const ERROR_MAX: usize = 1_500;

/// An error as far as anybody reads it.
pub(super) fn cut(text: &str) -> Cow<'_, str> {
    if text.len() <= ERROR_MAX {
        return Cow::Borrowed(text);
    }
    let (start, end) = (text.floor_char_boundary(ERROR_MAX / 2), text.ceil_char_boundary(text.len() - ERROR_MAX / 2));
    Cow::Owned(format!("{} … {} bytes … {}", &text[..start], end - start, &text[end..]))
}

/// A text as a terminal may show it: names and last words are a guest's, and may hold what clears a screen or turns a
/// line round. Such a character is written as in JSON.
pub(super) fn shown(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_odd) {
        return Cow::Borrowed(text);
    }
    let each = |c: char| if is_odd(c) { format!("\\u{:04x}", c as u32) } else { c.to_string() };
    Cow::Owned(text.chars().map(each).collect())
}

/// Whether it does anything but show, or begin a line.
fn is_odd(c: char) -> bool {
    let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || (c.is_control() && c != '\n' && c != '\t')
}

/// What is written goes on as it may be shown.
pub(super) struct Shown<W>(pub W);

impl<W: Write> Write for Shown<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.0.write_all(shown(text).as_bytes())?,
            Err(_) => self.0.write_all(bytes)?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// A number with its thousands apart: `1,234,567`.
pub(super) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 seed`, `2,000 seeds`.
pub(super) fn counted(n: u64, one: &str) -> String {
    match n {
        1 => format!("1 {one}"),
        _ => format!("{} {one}s", grouped(n)),
    }
}

/// A help text whose long lines go on below themselves: under the second column, where there are two.
pub(super) fn folded_help(help: &str, columns: usize) -> String {
    let fold_line = |line: &str| {
        let text = line.trim_start();
        let start = line.len() - text.len();
        let second = text.find("  ").map(|gap| gap + text[gap..].len() - text[gap..].trim_start().len());
        let indent = start + second.filter(|second| start + second < columns * 2 / 3).unwrap_or(0);
        let (head, rest) = line.split_at(indent);
        let (mut folded, mut column) = (head.to_string(), indent);
        for (nth, word) in rest.split(' ').enumerate() {
            let length = word.chars().count();
            if nth > 0 && column + 1 + length > columns && column > indent {
                folded += &format!("\n{:indent$}{word}", "");
                column = indent + length;
            } else {
                let gap = usize::from(nth > 0);
                folded += &format!("{:gap$}{word}", "");
                column += gap + length;
            }
        }
        folded + "\n"
    };
    help.lines().map(fold_line).collect()
}

/// A name in a column, and a text beside it that goes on below itself.
pub(super) fn entry(name: &str, width: usize, text: &str) -> String {
    format!("  {name:width$}  {}\n", fold(text, width + 4))
}

/// The names that are most like a wrong one, best first: at most three.
pub(super) fn nearest<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut names: Vec<(usize, &str)> = names
        .map(|name| {
            // A part of a name is what people type when they have forgotten the rest.
            let part = !wrong.is_empty() && name.contains(wrong);
            (if part { 0 } else { distance(wrong, name) }, name)
        })
        .collect();
    names.sort_by_key(|(distance, _)| *distance);
    let best = names.first().map_or(0, |(distance, _)| *distance);
    names.iter().filter(|(distance, _)| *distance <= best + 1).take(3).map(|(_, name)| *name).collect()
}

/// How many letters must be put in, left out or changed to make one word of another.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let changed = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// Whether a name fits a pattern: `*` stands for any letters, `?` for one.
pub(super) fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    // The last star, and how much of the name it stands for so far: a later star makes an earlier one's choice final.
    let (mut at, mut of, mut star) = (0, 0, None);
    while of < name.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, of));
                at += 1;
            }
            Some(c) if *c == '?' || *c == name[of] => (at, of) = (at + 1, of + 1),
            _ => {
                let Some((star_at, stands_to)) = star else { return false };
                star = Some((star_at, stands_to + 1));
                (at, of) = (star_at + 1, stands_to + 1);
            }
        }
    }
    pattern[at..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!([0, 12, 999, 1_000, 1_234_567].map(grouped), ["0", "12", "999", "1,000", "1,234,567"]);
        assert_eq!([1, 2].map(|n| counted(n, "seed")), ["1 seed", "2 seeds"]);
    }

    #[test]
    fn what_would_do_something_to_a_terminal_is_shown_and_not_done() {
        assert_eq!(shown("plain\n\tü🦀"), "plain\n\tü🦀");
        assert_eq!(shown("a\u{1b}[2J\0\u{202e}\r\u{9b}"), r"a\u001b[2J\u0000\u202e\u000d\u009b");
        let mut out = Vec::new();
        write!(Shown(&mut out), "\u{7}x").expect("a vector takes all");
        assert_eq!(out, br"\u0007x");
    }

    #[test]
    fn a_long_line_of_a_help_text_goes_on_under_its_second_column() {
        let help = "Usage: it\n\n  explore    plays many seeds of it\n      a plain line that is long\n";
        let folded =
            "Usage: it\n\n  explore    plays many\n             seeds of it\n      a plain line that\n      is long\n";
        assert_eq!(folded_help(help, 24), folded);
        assert_eq!(folded_help(help, 80), help);
    }

    #[test]
    fn the_nearest_names_come_first() {
        let names = ["counter", "two-nodes-chat", "kill-in-a-back-off", "kill-in-a-crash-loop"];
        assert_eq!(nearest("countr", names.into_iter()), ["counter"]);
        assert_eq!(nearest("kill-in", names.into_iter()), ["kill-in-a-back-off", "kill-in-a-crash-loop"]);
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    #[test]
    fn a_pattern_fits_whole_names() {
        for (pattern, name) in [("kill-*", "kill-none"), ("*", ""), ("*-*e", "kill-none"), ("k?ll-*", "kill-none")] {
            assert!(fits(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("kill-*", "skill-none"), ("?", ""), ("*-", "kill-none"), ("a*b*c", "abcd")] {
            assert!(!fits(pattern, name), "{pattern} {name}");
        }
    }
}
