//! What is durable when it is answered: transactions, saved states, appends to a file. A row per number of them, so that
//! a curve that grows is seen.

use super::{options, play};
use scenarios::loads::storage::{DURABLE, durable};
use sim::guest::image::Loader;
use sim::scenario::Flavor;

pub fn rows(loader: &Loader) {
    for what in DURABLE {
        let counts = if what.starts_with("sqlite") { [100, 800] } else { [250, 2_000] };
        for n in counts {
            let run = play(&durable(what, n), &options(Flavor::Native, true), loader);
            println!(
                r#"{{"sys":"kinode-sim","row":"durable","what":"{what}","n":{n},"cpu_us_each":{:.1}}}"#,
                run.cpu * 1e6 / n as f64
            );
        }
    }
}
