//! Reports for others than the terminal: Markdown for a pull request and for the summary of a GitHub job, JUnit's XML for
//! continuous integration. What a report says is its command's; here is where it goes, and how texts of guests stay texts.

use super::Stop;
use super::text::shown;
use crate::check::is_read;
use std::env;
use std::fmt::Display;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The file that GitHub shows as the summary of a job. Each command adds its report to it.
const STEP_SUMMARY: &str = "GITHUB_STEP_SUMMARY";

/// Where a report in Markdown goes.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Reports {
    /// Write a report in Markdown as well, for a pull request. In a GitHub job it is also added to the job's summary,
    /// $GITHUB_STEP_SUMMARY
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

impl Reports {
    /// Whether the report can be written where it is to be, and is none of these inputs: known before the work, not after.
    pub(super) fn check<'a>(&self, mut inputs: impl Iterator<Item = &'a PathBuf>) -> Result<(), Stop> {
        let Some(path) = &self.report else { return Ok(()) };
        if inputs.any(|input| is_read(input, path)) {
            return Err(wrong(path, &"this file is part of what is checked; write the report to another file"));
        }
        match fs::metadata(path) {
            // Opening a pipe would wait for its reader.
            Ok(metadata) if !metadata.is_file() => {
                Err(wrong(path, &"this is not a regular file; name a file to write to"))
            }
            _ => {
                let opened = OpenOptions::new().append(true).create(true).open(path);
                opened.map(drop).map_err(|error| wrong(path, &error))
            }
        }
    }

    /// Whether there is anywhere to write a report to.
    pub(super) fn are_wanted(&self) -> bool {
        self.report.is_some() || step_summary().is_some()
    }

    /// Writes the report to its file, and adds it to the summary of the GitHub job that this is part of.
    pub(super) fn write(&self, markdown: &impl Display) -> Result<(), Stop> {
        if !self.are_wanted() {
            return Ok(());
        }
        let text = markdown.to_string();
        let text = shown(&text);
        if let Some(path) = &self.report {
            fs::write(path, &*text).map_err(|error| wrong(path, &error))?;
        }
        if let Some(path) = &step_summary() {
            let opened = OpenOptions::new().append(true).create(true).open(path);
            let written = opened.and_then(|mut file| writeln!(file, "{text}"));
            written.map_err(|error| Stop::Wrong(format!("{STEP_SUMMARY}: {}: {error}", path.display())))?;
        }
        Ok(())
    }
}

/// The summary of the GitHub job that this is part of.
fn step_summary() -> Option<PathBuf> {
    env::var_os(STEP_SUMMARY).filter(|path| !path.is_empty()).map(PathBuf::from)
}

fn wrong(path: &Path, problem: &dyn Display) -> Stop {
    Stop::Wrong(format!("--report: {}: {problem}", path.display()))
}

/// Text without what Markdown takes for its own.
pub(super) fn markdown(text: &str) -> String {
    let special = |c: char| "\\`*_{}[]<>#|!".contains(c);
    text.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}

/// A block of text as it is, in a fence that nothing in it can close.
pub(super) fn fenced(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat((longest + 1).max(3));
    format!("{fence}text\n{}\n{fence}\n", text.trim_end_matches('\n'))
}

/// Text without what XML takes for its own or does not allow.
pub(super) fn xml(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(c),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c if c.is_control() => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_guest_says_stays_text() {
        assert_eq!(xml("a<b & \"c\"\u{1b}[2J"), "a&lt;b &amp; &quot;c&quot;\u{fffd}[2J");
        assert_eq!(markdown("a|b <c> `d`"), r"a\|b \<c\> \`d\`");
    }

    #[test]
    fn no_text_closes_the_fence_that_it_stands_in() {
        assert_eq!(fenced("a\n"), "```text\na\n```\n");
        assert_eq!(fenced("a\n````\n# b"), "`````text\na\n````\n# b\n`````\n");
    }
}
