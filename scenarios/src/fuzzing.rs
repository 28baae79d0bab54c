//! The bodies of the fuzz targets: what a target does with its bytes, callable from anywhere. The crate in `fuzz/`
//! only hands them bytes; `tests/scenarios/corpus.rs` runs them on the corpus, `tests/generated.rs` on thousands of guests that
//! proptest makes.

mod calls;
mod inputs;
mod kernel;
mod script;
mod smith;
mod stranger;

pub use calls::{guest_abi, play};
pub use inputs::{package, workload};
pub use kernel::kernel_step;
pub use script::{Act, Allocator, Script, call_names};
pub use smith::{SPAN, guest_module, smith};
pub use stranger::{Fate, Met, limits, meet};

use crate::chapters;
use sim::explore::{record_seed, run_plan};
use sim::guest::image::Loader;
use sim::plan::chooser::{Profile, Seed};
use sim::plan::{Line, Plan};
use sim::scenario::Scenario;
use sim::world::{Options, Verdict};
use std::sync::LazyLock;

/// A plan's text round-trips: whatever parses prints as something that parses to the same plan.
pub fn plan_text(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(plan) = text.parse::<Plan>() {
        assert_eq!(plan.to_string().parse().as_ref(), Ok(&plan));
        assert_eq!(plan.one_line().parse().as_ref(), Ok(&plan));
    }
}

/// Any plan over any scenario: the book's kernel keeps every rule, and a second run leaves the same fingerprint. The first
/// byte picks the scenario, each three more a line: one that a stormy seed has drawn, moved by a few ordinals.
pub fn plan(bytes: &[u8]) {
    /// Every scenario, with lines to choose from.
    static SCENARIOS: LazyLock<Vec<(Scenario, Vec<Line>)>> = LazyLock::new(|| {
        let with_lines = |scenario: Scenario| {
            let seeds = (0..8).map(|seed| {
                let run = record_seed(&scenario, Seed(seed), Profile::Stormy, &Options::native(), &Loader::default());
                run.ok().and_then(|run| run.plan).expect("a scenario can be run, and its plan be written down").lines
            });
            let lines = seeds.flatten().collect();
            (scenario, lines)
        };
        chapters::all().into_iter().map(with_lines).collect()
    });
    let Some((which, chunks)) = bytes.split_first() else { return };
    let (scenario, menu) = &SCENARIOS[usize::from(*which) % SCENARIOS.len()];
    let line = |chunk: &[u8]| {
        let mut line = menu[usize::from(u16::from_le_bytes([chunk[0], chunk[1]])) % menu.len()].clone();
        line.ordinal = line.ordinal.saturating_add_signed(i32::from(chunk[2].cast_signed())).max(1);
        line
    };
    let plan = Plan { lines: chunks.chunks_exact(3).take(64).map(line).collect() };
    let run = || run_plan(scenario, &plan, &Options::native(), &Loader::default()).expect("a scenario can be run");
    let (first, second) = (run(), run());
    assert!(!matches!(first.verdict, Verdict::Violated(_)), "{} under\n{plan}\n{}", scenario.name, first.summary());
    assert_eq!(first.fingerprint, second.fingerprint, "two runs of {} under\n{plan}", scenario.name);
}
