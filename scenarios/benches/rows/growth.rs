//! What a thing costs when there are many of it.

use super::messages::host;
use super::storage::one_process;
use super::{options, play};
use crate::clock::cpu_seconds;
use kernel_core::Capability;
use sim::guest::image::Loader;
use sim::guest::native::{self, Os};
use sim::plan::chooser::{Chooser, Profile, Seed};
use sim::scenario::{Flavor, Program, Scenario, millis, on, start};
use sim::world::World;

async fn waits(os: Os) {
    os.receive().await;
}

/// So many processes are started on one node and wait, spread over so many nodes.
fn starts(processes: usize, nodes: usize) -> Scenario {
    let native = Some(native::Program::new("waits", waits));
    let wasm = Some(include_bytes!("../pingpong.wat").as_slice().into());
    let mut scenario =
        Scenario::new("starts", "processes that wait").programs([Program { name: "waits".to_string(), native, wasm }]);
    scenario.nodes = (0..nodes).map(host).collect();
    for n in 0..processes {
        let who = on(&host(n % nodes), &format!("pong{}:bench:alice.os", n / nodes));
        scenario = scenario.setup(start(who.runs("waits").public()));
    }
    scenario.lasting(millis(1), millis(1))
}

/// A process saves one capability more, over and over.
async fn saves_capabilities(os: Os, n: u64) {
    let issuer = os.init_argument();
    for n in 0..n {
        let params = os.with_names(|names| names.params(&n.to_string()));
        os.save_capabilities(vec![Capability { issuer, params }]);
        // A call with an answer: the next is made when this is done.
        os.get_on_exit().await;
    }
}

fn capabilities(n: u64) -> Scenario {
    one_process(n, millis(1), saves_capabilities)
}

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
