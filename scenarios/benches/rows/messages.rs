//! Messages: a request with a timeout of five seconds, or its response.

use super::{form, options, play_long};
use scenarios::loads::messages::{across, crowd, heartbeat, on_one_node, orders};
use sim::guest::image::Loader;
use sim::scenario::{Flavor, Scenario, millis, secs};

pub fn rows(loader: &Loader) {
    for flavor in [Flavor::Native, Flavor::Wasm] {
        for hosts in [2, 10, 50, 100] {
            let virtual_seconds = 4_000 / hosts as u64;
            print(&across(hosts, secs(virtual_seconds)), flavor, hosts, true, loader);
        }
        let one = on_one_node(secs(5));
        print(&one, flavor, 1, true, loader);
        print(&one, flavor, 1, false, loader);
        let crowd = crowd(1_000, millis(20));
        if flavor == Flavor::Native {
            print(&crowd, flavor, 100, true, loader);
        }
    }
    let std = play_long(&orders(secs(5)), &options(Flavor::Wasm, true), loader);
    println!(
        r#"{{"sys":"kinode-sim","row":"orders","form":"std","hosts":1,"msgs":{},"cpu_s":{:.3},"msg_per_cpu_s":{:.0}}}"#,
        std.messages,
        std.cpu,
        std.messages as f64 / std.cpu
    );
    for (hosts, beats) in [(10, 6_000), (100, 600)] {
        let run = play_long(&heartbeat(hosts, beats), &options(Flavor::Native, true), loader);
        let n = hosts as u64 * beats;
        let times = (run.virtual_seconds / (2.0 * beats as f64)).max(1.0).floor();
        println!(
            r#"{{"sys":"kinode-sim","row":"heartbeat","form":"native","hosts":{hosts},"timer_events":{},"cpu_s":{:.3},"timer_ev_per_cpu_s":{:.0},"sim_s_per_cpu_s":{:.1}}}"#,
            n as f64 * times,
            run.cpu,
            n as f64 * times / run.cpu,
            run.virtual_seconds / run.cpu
        );
    }
}

fn print(scenario: &Scenario, flavor: Flavor, hosts: usize, watched: bool, loader: &Loader) {
    let run = play_long(scenario, &options(flavor, watched), loader);
    println!(
        r#"{{"sys":"kinode-sim","row":"{}","form":"{}","hosts":{hosts},"window":1,"watched":{watched},"msgs":{},"cpu_s":{:.3},"msg_per_cpu_s":{:.0},"sim_s_per_cpu_s":{:.1},"events_per_msg":{:.2}}}"#,
        if scenario.name == "crowd" { "crowd" } else { "pingpong" },
        form(flavor),
        run.messages,
        run.cpu,
        run.messages as f64 / run.cpu,
        run.virtual_seconds / run.cpu,
        run.events as f64 / run.messages as f64
    );
}
