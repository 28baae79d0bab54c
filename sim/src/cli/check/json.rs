//! A check for programs: a line of JSON per process, failure and note, and the verdict last.

use super::super::Stop;
use super::super::record::{self, Lost, Record};
use super::summary::Summary;
use crate::explore::report::shown;
use crate::trace::lost::lost;
use crate::trace::{self, lost_text};
use std::io::Write;

/// The version of these records. It grows when a field changes its meaning; new fields may come at any time.
const VERSION: u32 = 3;

pub(super) fn write(summary: &Summary<'_>, out: &mut impl Write) -> Result<(), Stop> {
    let Summary { name, findings, .. } = summary;
    for (process, did) in &summary.activity {
        let record = Record::Process {
            process,
            on_exit: did.on_exit.map(|on_exit| format!("{on_exit:?}")),
            lives: did.lives,
            calls: &did.calls,
            requests: did.requests,
            received: did.received,
            asked: did.asked,
            state_bytes: did.state,
            memory: did.usage.memory,
            fuel: did.usage.fuel,
            waits: did.receives,
            gone: did.gone,
            panicked: did.panicked.as_deref(),
        };
        record::write(out, &record)?;
    }
    for case in &summary.cases {
        let kept: Vec<_> = case.run.trace.events().collect();
        let violation = case.violation();
        let shown = violation.map_or_else(Vec::new, |violation| shown(violation, &kept));
        let line = |place: &usize| {
            let (index, event) = kept[*place];
            trace::line(*index, event, &case.run.names).trim().to_string()
        };
        let lost = lost(&kept).into_iter().flat_map(|(with, messages)| {
            lost_text(&messages, &case.run.names).into_iter().map(move |message| Lost { with: with.0, message })
        });
        let record = Record::Failure {
            package: name,
            rule: case.failure.claim.rule.id(),
            says: case.failure.claim.says,
            facts: case.facts(),
            runs: case.failure.runs,
            plan: record::lines(&case.plan),
            replay: &case.line,
            deviations: case.kernel.iter().map(|deviation| deviation.name()).collect(),
            began: violation.and_then(|violation| violation.began).map(|began| began.0),
            seen: violation.and_then(|violation| violation.at).map(|seen| seen.0),
            events: shown.iter().map(line).collect(),
            lost: lost.collect(),
        };
        record::write(out, &record)?;
    }
    for (note, runs) in &findings.notes {
        record::write(out, &Record::Note { package: name, note: note.kind(), text: note.to_string(), runs: *runs })?;
    }
    let record = Record::Check {
        version: VERSION,
        package: name,
        verdict: summary.outcome().name(),
        says: &summary.verdict(),
        headlines: &summary.headlines(),
        seeds: findings.seeds,
        points: findings.points,
        violations: findings.violations,
        unmodelled: &findings.open().map(ToString::to_string).collect::<Vec<_>>(),
        replay: summary.cases.first().map(|case| case.line.as_str()),
        points_left_out: summary.left_out.map_or(0, |(points, _)| points),
        seeds_left_out: summary.left_out.map_or(0, |(_, seeds)| seeds),
        bounded: findings.bounded.as_ref().map_or(0, |(_, runs)| *runs),
        spoken_to: summary.was_spoken_to(),
        failures: findings.n_failures(),
    };
    record::write(out, &record)?;
    Ok(())
}
