//! Worlds that nobody wrote: a seed gives a scenario.
//!
//! One to three nodes, two to eight processes, and a script of ten to eighty lines over every kernel command, every call
//! of the process interface and the modules that keep data. Most processes are puppets: they take orders over messages.
//! What is drawn is aimed at names that exist, at states that are rare and at the instants of a write; each seed
//! switches whole families of work on and off, as the chooser does with faults.
//!
//! What comes out is a scenario like any other. Its script is lines of plain data that print and are read back, so it
//! can be shrunk, and kept as a text that means the same when the generator has changed.

mod cast;
mod commands;
mod draws;
mod family;
mod modules;
mod orders;
mod plot;
mod writer;

use crate::package::{Content, Package};
use crate::plan::chooser::Seed;
use crate::scenario::{Action, Program, Scenario, secs};
use cast::{APP, Cast, PACKAGE};
use draws::Draws;
use family::{Families, Family};
use kernel_core::{BackOff, Duration, Semantics};
use serde_json::json;
use writer::Writer;

/// The programs that generated worlds use. A caller must have them.
pub const PROGRAMS: [&str; 5] = ["puppet", "crasher", "idle", "counter", "saver"];

/// The world of a seed, over programs among which are those of [`PROGRAMS`].
pub fn world(seed: Seed, programs: &[Program]) -> Scenario {
    let mut draws = Draws::new(seed);
    let families = Families::draw(&mut draws);
    let cast = Cast::draw(&mut draws, &families);
    let programs = programs.iter().filter(|program| PROGRAMS.contains(&program.name.as_str())).cloned();
    let storm = secs(3 + draws.below(10) as u64);
    let mut scenario = Scenario::new(&format!("generated-{}", seed.0), "A world that nobody wrote.")
        .programs(programs)
        .lasting(storm, secs(20));
    scenario.nodes = cast.nodes.clone();
    let back_off = draws.weighted(&[(3, BackOff::Off), (1, BackOff::Kinode10), (2, BackOff::Hyperdrive19)]);
    scenario.semantics = Semantics::book().with_back_off(back_off);
    for node in &cast.nodes {
        scenario = scenario.package(node, library());
    }
    if families.has(Family::Packages) {
        scenario = scenario.package(&cast.nodes[0], app(&cast, &mut draws));
        if draws.percent(60) {
            scenario = scenario.setup(Action::Install(cast.nodes[0].clone(), APP.to_string()));
        }
    }
    if families.has(Family::Nodes) && draws.percent(30) {
        scenario = scenario.backed_up_every(&cast.nodes[0], secs(1 + draws.below(4) as u64));
    }
    for member in &cast.members {
        let start = member.start.clone();
        scenario = scenario.setup(if member.runs { Action::Start(start) } else { Action::Initialize(start) });
    }
    let n = 10 + draws.below(50) * (1 + draws.below(2)) * 7 / 10;
    let mut writer = Writer {
        cast: &cast,
        families: &families,
        draws: &mut draws,
        storm: Duration(storm.0 * 9 / 10),
        focus: None,
        texts: 0,
        lines: Vec::new(),
    };
    writer.write(n);
    scenario.script = writer.lines;
    scenario
}

/// What children are made of.
fn library() -> Package {
    let mut library = Package::new(PACKAGE, "[]").file("/puppet.wasm", "puppet").file("/crasher.wasm", "crasher");
    library.files.push(("/garbage.wasm".to_string(), Content::Bytes((*b"no code").into())));
    library
}

/// A package of two processes, which asks for capabilities and grants some.
fn app(cast: &Cast, draws: &mut Draws) -> Package {
    let mut entries = Vec::new();
    for name in ["p", "q"] {
        let on_exit = match draws.below(3) {
            0 => json!("None"),
            1 => json!("Restart"),
            _ => {
                let target = cast.address(draws, &cast.nodes[0]);
                let request = json!({
                    "inherit": false, "expects_response": null, "body": b"print p is gone".as_slice(), "metadata": null,
                    "capabilities": [],
                });
                json!({ "Requests": [[target, request, null]] })
            }
        };
        let mut some = |n: usize| -> Vec<serde_json::Value> {
            let one = |draws: &mut Draws| {
                let id = loop {
                    let id = cast.id(draws);
                    if kernel_core::ProcessId::split(&id).is_some_and(|parts| parts.is_legal()) {
                        break id;
                    }
                };
                if draws.one_in(3) { json!({ "process": id, "params": { "x": 1 } }) } else { json!(id) }
            };
            (0..draws.below(n)).map(|_| one(draws)).collect()
        };
        let (asks, grants) = (some(4), some(4));
        entries.push(json!({
            "process_name": name, "process_wasm_path": "/puppet.wasm", "on_exit": on_exit,
            "request_networking": draws.one_in(2), "request_capabilities": asks, "grant_capabilities": grants,
            "public": draws.one_in(2),
        }));
    }
    Package::new(APP, &json!(entries).to_string()).file("/puppet.wasm", "puppet")
}
