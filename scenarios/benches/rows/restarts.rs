//! Nodes that crash and boot, and processes that panic and are restarted.

use super::{options, play};
use scenarios::loads::restarts::{crashes, panics};
use sim::guest::image::Loader;
use sim::scenario::{Flavor, Scenario};

pub fn rows(loader: &Loader) {
    let rate = |scenario: &Scenario, times: u32| {
        let run = play(scenario, &options(Flavor::Native, true), loader);
        f64::from(times) / run.cpu
    };
    let (alone, served) = (rate(&crashes(20_000, false), 20_000), rate(&crashes(20_000, true), 20_000));
    println!(
        r#"{{"sys":"kinode-sim","row":"crash+boot","form":"native","restart_per_cpu_s":{alone:.0},"restart_and_serve_per_cpu_s":{served:.0}}}"#
    );
    let panics = rate(&panics(20_000), 20_000);
    println!(
        r#"{{"sys":"kinode-sim","row":"panic+restart+serve","form":"native","restart_and_serve_per_cpu_s":{panics:.0}}}"#
    );
}
