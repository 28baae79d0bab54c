//! Nodes that crash and boot, and processes that panic and are restarted.

use super::messages::host;
use kernel_core::{Address, Duration};
use sim::guest::native::{self, Os, ReceivedExt};
use sim::plan::Down;
use sim::scenario::{Action, Program, Scenario, millis, on, start, tell};

const SERVER: &str = "server:bench:alice.os";
const CLIENT: &str = "client:bench:alice.os";
/// From one crash to the next.
const APART: Duration = Duration::from_millis(200);

/// Some time after the nth crash: its node has booted.
fn after_crash(nth: u64) -> Duration {
    Duration(APART.0 * nth + Duration::from_millis(100).0)
}

/// Answers requests, and panics on request.
async fn serve(os: Os) {
    loop {
        if let Some(request) = os.receive().await.request() {
            assert!(request.body()[..] != b"panic"[..], "told to panic");
            os.respond("here");
        }
    }
}

/// Asks the server on request.
async fn ask(os: Os) {
    let server = os.with_names(|names| Address { node: names.node(&host(0)), process: names.process(SERVER) });
    loop {
        if os.receive().await.request().is_some() {
            os.ask(server, 5, "are you there?", None);
        }
    }
}

/// A node with a server on it, and another with a client.
fn two_nodes() -> Scenario {
    let native = |name, native| Program { name: String::from(name), native: Some(native), wasm: None };
    let mut scenario = Scenario::new("restarts", "a server that goes down and comes back").programs([
        native("serve", native::Program::new("serve", serve)),
        native("ask", native::Program::new("ask", ask)),
    ]);
    scenario.nodes = vec![host(0), host(1)];
    scenario
        .setup(start(on(&host(0), SERVER).runs("serve").restarting().public().networking()))
        .setup(start(on(&host(1), CLIENT).runs("ask").public().networking()))
}

/// The server's node crashes so often, and boots each time; `served`: and is asked once before the next crash.
pub fn crashes(times: u32, served: bool) -> Scenario {
    let crash = Action::Down(host(0), Down::Crash, millis(50));
    let mut scenario = two_nodes().every(APART, times, crash);
    if served {
        for nth in 1..=u64::from(times) {
            scenario = scenario.at(after_crash(nth), tell(on(&host(1), CLIENT), "go"));
        }
    }
    scenario.lasting(Duration(APART.0 * u64::from(times + 1)), millis(100))
}

/// The server panics so often, and is asked after each restart.
pub fn panics(times: u32) -> Scenario {
    let server = on(&host(0), SERVER);
    let mut scenario = two_nodes().every(APART, times, tell(&server, "panic"));
    for nth in 1..=u64::from(times) {
        scenario = scenario.at(after_crash(nth), tell(&server, "are you there?"));
    }
    scenario.lasting(Duration(APART.0 * u64::from(times + 1)), millis(100))
}
