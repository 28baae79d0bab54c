//! Processes that have something made durable over and over, and processes that are started.

use super::messages::host;
use crate::chapters::programs;
use crate::summing::summing_to;
use kernel_core::{Address, Blob, Capability, Duration, OnExit, Outgoing, ProcessRef, Request};
use sim::guest::native::{self, Os};
use sim::modules::setup::Journal;
use sim::scenario::{Program, Scenario, millis, on, prints, secs, start, tell};

/// A scenario of one native process that does something so often and then says so.
fn one_process<F, L>(n: u64, each: Duration, life: F) -> Scenario
where
    F: Fn(Os, u64) -> L + Send + Sync + Copy + 'static,
    L: Future<Output = ()> + 'static,
{
    let native = native::Program::new("worker", move |os: Os| async move {
        life(os.clone(), n).await;
        os.print(0, "all done");
        os.receive().await;
    });
    let who = on("alice.os", "worker:bench:alice.os");
    let modules = ["vfs:distro:sys", "kv:distro:sys"];
    let runs = modules.iter().fold(who.runs("worker").public(), |start, module| start.messaging(module));
    Scenario::new("worker", "a process that does one thing over and over")
        .programs([Program { name: "worker".to_string(), native: Some(native), wasm: None }])
        .setup(start(runs))
        .lasting(Duration(each.0 * (n + 10)), secs(2))
        .expect(prints(&who, "all done", 1))
}

/// Saves a state, over and over.
async fn saves(os: Os, n: u64) {
    for n in 0..n {
        os.set_state(n.to_string().as_str()).await;
    }
}

/// Sets its on-exit behaviour, over and over: a write of the table each.
async fn sets(os: Os, n: u64) {
    for n in 0..n {
        os.set_on_exit(if n % 2 == 0 { OnExit::Restart } else { OnExit::None }).await;
    }
}

/// Appends a kilobyte to a file, over and over.
async fn appends(os: Os, n: u64) {
    let ask = async |action: &str, blob: Option<Blob>| {
        let target = Address { process: ProcessRef::VFS, ..os.init_argument() };
        let path = if action.contains("Drive") { "/bench:alice.os/files" } else { "/bench:alice.os/files/log" };
        let body = format!(r#"{{"path":"{path}","action":{action}}}"#);
        let request = Request { body: body.as_str().into(), expects_response: Some(5), ..Request::default() };
        let answer = os.send_and_await_response(Outgoing { target, request, context: None, blob }).await;
        let answer = answer.expect("vfs answers");
        assert!(!String::from_utf8_lossy(answer.body()).contains("Err"), "{:?}", answer.body());
    };
    ask(r#""CreateDrive""#, None).await;
    ask(r#""CreateFile""#, None).await;
    for _ in 0..n {
        ask(r#""Append""#, Some(Blob { mime: None, bytes: [7; 1_024].as_slice().into() })).await;
    }
}

/// A bank that moves money every few milliseconds: a transaction of three statements each.
fn moving(n: u64, journal: Journal) -> Scenario {
    let bank = on("alice.os", "bank:demo:alice.os");
    Scenario::new("moving", "a bank that moves money")
        .programs(programs())
        .journal(journal)
        .setup(start(bank.runs("bank").restarting().public().messaging("sqlite:distro:sys")))
        .every(millis(5), n as u32, tell(&bank, "move"))
        .lasting(millis(5 * n + 100), secs(1))
        .expect(prints(&bank, &format!("moved {n}"), 1))
}

/// What can be made durable.
pub const DURABLE: [&str; 6] = [
    "states saved",
    "table writes",
    "vfs appends",
    "kv transactions",
    "sqlite transactions, log",
    "sqlite transactions, journal",
];

/// A scenario in which something is made durable `n` times. What that can be is in [`DURABLE`].
///
/// # Panics
/// If there is no such thing.
pub fn durable(what: &str, n: u64) -> Scenario {
    match what {
        "states saved" => one_process(n, millis(1), saves),
        "table writes" => one_process(n, millis(1), sets),
        "vfs appends" => one_process(n, millis(1), appends),
        "kv transactions" => summing_to(n),
        "sqlite transactions, log" => moving(n, Journal::Wal),
        "sqlite transactions, journal" => moving(n, Journal::Rollback),
        _ => panic!("no such row: {what}"),
    }
}

async fn waits(os: Os) {
    os.receive().await;
}

/// So many processes are started and wait, spread over so many nodes.
pub fn starts(processes: usize, nodes: usize) -> Scenario {
    let native = Some(native::Program::new("waits", waits));
    let wasm = Some(include_bytes!("pingpong.wat").as_slice().into());
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

/// A process that saves so many capabilities, one by one.
pub fn capabilities(n: u64) -> Scenario {
    one_process(n, millis(1), saves_capabilities)
}
