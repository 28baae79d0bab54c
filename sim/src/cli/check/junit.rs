//! A check as JUnit's XML, which continuous integration shows: a test per failure, or one that passed or was skipped.

use super::summary::Summary;
use crate::check::Outcome;
use std::fmt;

pub(super) struct Junit<'a>(pub &'a Summary<'a>);

impl fmt::Display for Junit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary { name, cases, findings, .. } = self.0;
        let (tests, failures) = (cases.len().max(1), cases.len());
        let skipped = u32::from(findings.outcome() == Outcome::Inconclusive);
        writeln!(f, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
        writeln!(f, r#"<testsuites tests="{tests}" failures="{failures}" skipped="{skipped}">"#)?;
        let suite = escaped(name);
        writeln!(f, r#"  <testsuite name="{suite}" tests="{tests}" failures="{failures}" skipped="{skipped}">"#)?;
        for case in cases {
            let (rule, facts) = (escaped(case.failure.claim.rule.id()), escaped(case.facts()));
            writeln!(f, r#"    <testcase classname="{suite}" name="{rule}: {facts}">"#)?;
            let report = escaped(&case.report(name).unwrap_or_default());
            writeln!(f, "      <failure type=\"{rule}\" message=\"{facts}\">{report}</failure>\n    </testcase>")?;
        }
        let verdict = escaped(&self.0.verdict());
        match findings.outcome() {
            Outcome::Failed => {}
            Outcome::Passed => writeln!(f, r#"    <testcase classname="{suite}" name="{verdict}"/>"#)?,
            Outcome::Inconclusive => {
                writeln!(f, r#"    <testcase classname="{suite}" name="INCONCLUSIVE">"#)?;
                writeln!(f, "      <skipped message=\"{verdict}\"/>\n    </testcase>")?;
            }
        }
        let lines = self.0.headlines().into_iter().chain(self.0.notes().map(|(note, _)| note.to_string()));
        let out: Vec<String> = [self.0.verdict()].into_iter().chain(lines).collect();
        writeln!(f, "    <system-out>{}</system-out>", escaped(&out.join("\n")))?;
        writeln!(f, "  </testsuite>\n</testsuites>")
    }
}

/// Text of a guest's, without what XML takes for its own or does not allow.
fn escaped(text: &str) -> String {
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
    use super::escaped;

    #[test]
    fn what_a_guest_says_stays_text() {
        assert_eq!(escaped("a<b & \"c\"\u{1b}[2J"), "a&lt;b &amp; &quot;c&quot;\u{fffd}[2J");
    }
}
