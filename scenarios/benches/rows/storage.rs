//! What is durable when it is answered: transactions, saved states, appends to a file. A row per number of them, so that
//! a curve that grows is seen.

use super::{options, play};
use kernel_core::{Address, Blob, OnExit, Outgoing, ProcessRef, Request};
use scenarios::chapters::programs;
use scenarios::summing::summing_to;
use sim::guest::image::Loader;
use sim::guest::native::{self, Os};
use sim::modules::setup::Journal;
use sim::scenario::{Flavor, Program, Scenario, millis, on, prints, secs, start, tell};

/// A scenario of one native process that does something so often and then says so.
pub fn one_process<F, L>(n: u64, each: kernel_core::Duration, life: F) -> Scenario
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
        .lasting(kernel_core::Duration(each.0 * (n + 10)), secs(2))
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

/// The scenario of a row.
fn durable(what: &str, n: u64) -> Scenario {
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

/// What is measured, and how often it is done.
const ROWS: [(&str, [u64; 2]); 6] = [
    ("states saved", [500, 4_000]),
    ("table writes", [500, 4_000]),
    ("vfs appends", [250, 2_000]),
    ("kv transactions", [250, 2_000]),
    ("sqlite transactions, log", [100, 800]),
    ("sqlite transactions, journal", [100, 800]),
];

pub fn rows(loader: &Loader) {
    for (what, counts) in ROWS {
        for n in counts {
            let run = play(&durable(what, n), &options(Flavor::Native, true), loader);
            println!(
                r#"{{"sys":"kinode-sim","row":"durable","what":"{what}","n":{n},"cpu_us_each":{:.1}}}"#,
                run.cpu * 1e6 / n as f64
            );
        }
    }
}
