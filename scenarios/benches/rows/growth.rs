//! What a thing costs when there are many of it.

use super::{options, play};
use crate::clock::cpu_seconds;
use scenarios::loads::storage::{capabilities, starts};
use sim::guest::image::Loader;
use sim::plan::chooser::{Chooser, Profile, Seed};
use sim::scenario::Flavor;
use sim::world::World;

fn print(what: &str, n: usize, form: &str, cpu: f64) {
    let each = cpu * 1e6 / n as f64;
    println!(
        r#"{{"sys":"kinode-sim","row":"growth","what":"{what}","form":"{form}","n":{n},"cpu_us_each":{each:.1}}}"#
    );
}

pub fn rows(loader: &Loader) {
    for n in [125, 250, 500, 1_000] {
        let run = play(&starts(n, 1), &options(Flavor::Native, true), loader);
        print("starts on one node", n, "native", run.cpu);
    }
    for n in [100, 200, 400] {
        print(
            "capabilities saved",
            n as usize,
            "native",
            play(&capabilities(n), &options(Flavor::Native, true), loader).cpu,
        );
    }
    for n in [1_000, 4_000] {
        print("starts on 100 nodes", n, "native", play(&starts(n, 100), &options(Flavor::Native, true), loader).cpu);
        print("starts on 100 nodes", n, "wasm", play(&starts(n, 100), &options(Flavor::Wasm, true), loader).cpu);
    }
    for nodes in [30, 100, 300, 600] {
        let scenario = starts(0, nodes);
        let before = cpu_seconds();
        let chooser = Chooser::seeded(Seed(1), Profile::Stormy);
        drop(World::new(&scenario, options(Flavor::Native, true), chooser, loader).expect("it can be built"));
        print("nodes of a world that is built", nodes, "native", cpu_seconds() - before);
    }
}
