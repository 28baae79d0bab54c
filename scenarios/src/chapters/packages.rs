//! Packages: a userspace construction that contains one or more processes (S1).

use super::{ALICE, DEMO, alice, scenario, to_ask};
use sim::package::Package;
use sim::plan::Down;
use sim::scenario::{
    On, Scenario, alive, answers, ask, down, gone, install, lives, millis, on, prints, secs, start, tell, uninstall,
};

pub(super) fn all() -> Vec<Scenario> {
    vec![a_package_installed(), a_manifest_that_grants(), uninstalled_while_crash_looping()]
}

const STORE: &str = r#"[
  {"process_name": "keeper", "process_wasm_path": "/keeper.wasm", "on_exit": "Restart", "public": false,
   "request_capabilities": ["saver:demo:alice.os"], "grant_capabilities": []},
  {"process_name": "saver", "process_wasm_path": "/saver.wasm", "on_exit": "Restart", "public": true,
   "request_capabilities": ["keeper:demo:alice.os", "terminal:distro:sys"], "grant_capabilities": []},
  {"process_name": "guest-book", "process_wasm_path": "/puppet.wasm", "public": true,
   "on_exit": {"Requests": [["our@herald:demo:alice.os", {"body": [112, 114, 105, 110, 116, 32, 98, 121, 101]}, null]]},
   "request_capabilities": ["herald:demo:alice.os", "terminal:distro:sys"]}
]"#;

/// S1: `on_exit` of the manifest, and its capabilities.
fn a_package_installed() -> Scenario {
    let (keeper, saver, book, herald) = (alice("keeper"), alice("saver"), alice("guest-book"), alice("herald"));
    let package = Package::new(DEMO, STORE)
        .file("/keeper.wasm", "keeper")
        .file("/saver.wasm", "saver")
        .file("/puppet.wasm", "puppet");
    scenario(
        "a-package-installed",
        "A package contains one or more processes; manifest.json requests and grants their capabilities and sets their \
         on-exit values. Once installed, the processes run; uninstalling kills them.",
    )
    .package(ALICE, package)
    .lasting(secs(13), secs(10))
    .setup(start(herald.runs("puppet").restarting()))
    .at(millis(500), install(ALICE, DEMO))
    .every(secs(1), 12, ask(&saver, "add"))
    .at(millis(3_500), down(ALICE, Down::Crash))
    .at(millis(6_500), ask(&book, "respond I was not restarted"))
    .at(millis(9_500), uninstall(ALICE, DEMO))
    .expect(answers(&saver, "9"))
    .expect(prints(&saver, "resumed at 3", 1))
    .expect(lives(&saver, 2))
    .expect(prints(&herald, "bye", 1))
    .expect(gone(&saver))
    .expect(gone(&keeper))
    .expect(gone(&book))
}

const LIBRARY: &str = r#"[
  {"process_name": "shelf", "process_wasm_path": "/puppet.wasm", "on_exit": "Restart", "public": false,
   "request_networking": false, "request_capabilities": [],
   "grant_capabilities": ["reader:press:bob.os", {"process": "clerk:press:bob.os", "params": "stamp"}]}
]"#;

/// S1: `grant_capabilities` of the manifest; E12.
fn a_manifest_that_grants() -> Scenario {
    let shelf = alice("shelf");
    let (reader, clerk) = (on(ALICE, "reader:press:bob.os"), on(ALICE, "clerk:press:bob.os"));
    let package = Package::new(DEMO, LIBRARY).file("/puppet.wasm", "puppet");
    let asking = |who: &On| tell(who, &to_ask(&shelf, 1, "respond a book"));
    let reading = |who: &On| start(who.runs("puppet").restarting().public());
    scenario(
        "a-manifest-that-grants",
        "A package's manifest grants capabilities to processes of another package: the reader may message the shelf, \
         the clerk gets a capability with a meaning of the shelf's own, which does not let it message. Grants survive \
         a crash, and end with the package.",
    )
    .package(ALICE, package)
    .lasting(secs(11), secs(10))
    .setup(reading(&reader))
    .setup(reading(&clerk))
    .every(secs(1), 10, asking(&reader))
    .every(secs(2), 5, asking(&clerk))
    .at(millis(2_500), install(ALICE, DEMO))
    .at(millis(3_500), tell(&clerk, "print-capabilities"))
    .at(millis(5_500), down(ALICE, Down::Crash))
    .at(millis(8_500), uninstall(ALICE, DEMO))
    .at(millis(9_500), tell(&clerk, "print-capabilities"))
    .expect(prints(&reader, "respond a book: timeout", 4))
    .expect(prints(&reader, "respond a book: answered a book", 6))
    .expect(prints(&clerk, "respond a book: timeout", 5))
    .expect(prints(&clerk, &format!(r#"capability: {shelf} "stamp""#), 1))
    .expect(gone(&shelf))
}

const BROKEN: &str = r#"[
  {"process_name": "crasher", "process_wasm_path": "/crasher.wasm", "on_exit": "Restart"},
  {"process_name": "counter", "process_wasm_path": "/counter.wasm", "on_exit": "Restart",
   "request_capabilities": ["terminal:distro:sys"]}
]"#;

/// E9.
fn uninstalled_while_crash_looping() -> Scenario {
    let (crasher, counter, bystander) = (alice("crasher"), alice("counter"), alice("bystander"));
    let package = Package::new(DEMO, BROKEN).file("/crasher.wasm", "crasher").file("/counter.wasm", "counter");
    scenario(
        "uninstalled-while-crash-looping",
        "A Restart process that crashes for a structural reason crashes continuously until it is killed or \
         uninstalled. Uninstalling its package ends the loop at any point.",
    )
    .package(ALICE, package)
    .lasting(secs(2), secs(3))
    .setup(start(bystander.runs("puppet").restarting()))
    .at(millis(200), install(ALICE, DEMO))
    .every(millis(250), 7, ask(&bystander, "respond well"))
    .at(millis(600), ask(&counter, "add"))
    .at(millis(1_100), uninstall(ALICE, DEMO))
    .at(millis(1_400), tell(&counter, "add"))
    .expect(answers(&counter, "1"))
    .expect(answers(&bystander, "well"))
    .expect(gone(&crasher))
    .expect(gone(&counter))
    .expect(lives(&counter, 1))
    .expect(alive(&bystander))
}
