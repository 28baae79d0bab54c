//! A check as JUnit's XML, which continuous integration shows: a test per failure, or one that passed or was skipped.

use super::super::report::xml;
use super::summary::Summary;
use crate::check::Outcome;
use std::fmt;

pub(super) struct Junit<'a>(pub &'a Summary<'a>);

impl fmt::Display for Junit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary { name, cases, .. } = self.0;
        let (tests, failures) = (cases.len().max(1), cases.len());
        let skipped = u32::from(self.0.outcome() == Outcome::Inconclusive);
        writeln!(f, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
        writeln!(f, r#"<testsuites tests="{tests}" failures="{failures}" skipped="{skipped}">"#)?;
        let suite = xml(name);
        writeln!(f, r#"  <testsuite name="{suite}" tests="{tests}" failures="{failures}" skipped="{skipped}">"#)?;
        for case in cases {
            let (rule, facts) = (xml(case.failure.claim.rule.id()), xml(case.facts()));
            writeln!(f, r#"    <testcase classname="{suite}" name="{rule}: {facts}">"#)?;
            let report = xml(&case.report(self.0).unwrap_or_default());
            writeln!(f, "      <failure type=\"{rule}\" message=\"{facts}\">{report}</failure>\n    </testcase>")?;
        }
        let verdict = xml(&self.0.verdict());
        match self.0.outcome() {
            Outcome::Failed => {}
            Outcome::Passed => writeln!(f, r#"    <testcase classname="{suite}" name="{verdict}"/>"#)?,
            Outcome::Inconclusive => {
                writeln!(f, r#"    <testcase classname="{suite}" name="INCONCLUSIVE">"#)?;
                writeln!(f, "      <skipped message=\"{verdict}\"/>\n    </testcase>")?;
            }
        }
        let lines = self.0.headlines().into_iter().chain(self.0.notes().map(|(note, _)| note.to_string()));
        let out: Vec<String> = [self.0.verdict()].into_iter().chain(lines).collect();
        writeln!(f, "    <system-out>{}</system-out>", xml(&out.join("\n")))?;
        writeln!(f, "  </testsuite>\n</testsuites>")
    }
}
