//! How fast runs are, with trace and invariants on. One line of JSON per row; rates are per CPU-second of the one
//! thread that runs.
//!
//! ```text
//! cargo bench -p kinode-sim
//! ```

mod clock;

use clock::cpu_seconds;
use kernel_core::{Address, Duration};
use scenarios::chapters::programs;
use scenarios::summing::summing_to;
use sim::explore::run_plan;
use sim::explore::sweep::{branches, points};
use sim::guest::image::Loader;
use sim::guest::native::{self, Os};
use sim::modules::setup::Journal;
use sim::plan::Plan;
use sim::plan::chooser::{Chooser, Profile, Seed};
use sim::scenario::{Flavor, Program, Scenario, millis, on, prints, secs, start, tell};
use sim::world::{Bounds, Options, Run, Verdict, World};

/// How many transactions, and how many states saved.
const N_TRANSACTIONS: u64 = 2_000;

async fn ping(os: Os) {
    let pong = os.with_names(|names| names.process("pong:bench:alice.os"));
    let pong = Address { process: pong, ..os.init_argument() };
    loop {
        os.ask(pong, 5, "ping me!", None);
        os.receive().await;
    }
}

async fn pong(os: Os) {
    loop {
        os.receive().await;
        os.respond("ping me!");
    }
}

/// Pairs that play ping-pong on one node for some virtual seconds, with a timeout on each request.
fn ping_pong(virtual_seconds: u64) -> Scenario {
    let wasm = Some(include_bytes!("pingpong.wat").as_slice().into());
    let program =
        |name: &'static str, native| Program { name: name.to_string(), native: Some(native), wasm: wasm.clone() };
    let (ping_id, pong_id) = ("ping:bench:alice.os", "pong:bench:alice.os");
    Scenario::new("ping-pong", "two processes that play ping-pong")
        .programs([
            program("ping", native::Program::new("ping", ping)),
            program("pong", native::Program::new("pong", pong)),
        ])
        .setup(start(on("alice.os", pong_id).runs("pong").public()))
        .setup(start(on("alice.os", ping_id).runs("ping").public()))
        .lasting(Duration::from_secs(virtual_seconds), Duration::from_millis(1))
}

/// Runs a scenario calmly, or under a seed, and gives the run and what it cost.
fn timed(scenario: &Scenario, flavor: Flavor, chooser: Chooser, loader: &Loader) -> (Run, f64) {
    let options = Options {
        flavor,
        bounds: Bounds { events: u64::MAX, copied: u64::MAX, fuel: u64::MAX, ..Bounds::default() },
        ..Options::default()
    };
    let world = World::new(scenario, options, chooser, loader).expect("the scenario names what it has");
    let before = cpu_seconds();
    let run = world.run();
    let spent = cpu_seconds() - before;
    assert_eq!(run.verdict, Verdict::Held, "a bench is a run like any other");
    (run, spent)
}

/// Branches a second of a sweep's crash points: forked off the calm run, and each run again from the start.
fn sweeps(name: &str, flavor: Flavor, loader: &Loader) {
    let scenario =
        scenarios::all().into_iter().find(|scenario| scenario.name == name).expect("a scenario of this name");
    let options = Options { flavor, ..Options::default() };
    let points = points(&scenario, &options, loader).expect("a scenario can be run");
    let before = cpu_seconds();
    let done = branches(&scenario, &options, loader, &points, |_, _, _| true);
    done.expect("a scenario can be run");
    let forked = cpu_seconds() - before;
    let before = cpu_seconds();
    for point in &points {
        let plan = Plan { lines: vec![point.line.clone()] };
        run_plan(&scenario, &plan, &options, loader).expect("a scenario can be run");
    }
    let again = cpu_seconds() - before;
    let n = points.len() as f64;
    println!(
        r#"{{"row":"sweep of {name}, {flavor:?}","points":{n},"forked_per_cpu_s":{:.0},"run_again_per_cpu_s":{:.0}}}"#,
        n / forked,
        n / again
    );
}

/// A process that saves a state, over and over.
fn saving(n: u64) -> Scenario {
    let program = native::Program::new("saving", move |os: Os| async move {
        for n in 0..n {
            os.set_state(n.to_string().as_str()).await;
        }
        os.print(0, "saved all");
        os.receive().await;
    });
    let who = on("alice.os", "saving:bench:alice.os");
    Scenario::new("saving", "a process that saves its state")
        .programs([Program { name: "saving".to_string(), native: Some(program), wasm: None }])
        .setup(start(who.runs("saving").public()))
        .lasting(millis(n), secs(1))
        .expect(prints(&who, "saved all", 1))
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

/// What is durable a second: each transaction is, when it is answered.
fn on_the_disk(row: &str, scenario: &Scenario, loader: &Loader) {
    let (_, spent) = timed(scenario, Flavor::Native, Chooser::planned(&Plan::default()), loader);
    println!(
        r#"{{"row":"{row}","transactions":{N_TRANSACTIONS},"cpu_s":{spent:.3},"transactions_per_cpu_s":{:.0}}}"#,
        N_TRANSACTIONS as f64 / spent
    );
}

fn main() {
    let loader = Loader::default();
    for name in [
        "panic-restart",
        "a-chat-through-crashes",
        "a-ledger-that-resumes",
        "a-bank-with-a-log",
        "a-bank-with-a-journal",
    ] {
        for flavor in [Flavor::Native, Flavor::Wasm] {
            sweeps(name, flavor, &loader);
        }
    }
    let scenario = ping_pong(15);
    for (row, flavor) in [("native messages", Flavor::Native), ("wasm messages", Flavor::Wasm)] {
        for chooser in
            [("calm", Chooser::planned(&Plan::default())), ("calm swarm", Chooser::seeded(Seed(1), Profile::Calm))]
        {
            let (name, chooser) = chooser;
            let (run, spent) = timed(&scenario, flavor, chooser, &loader);
            let (rate, events) = (run.messages as f64 / spent, run.trace.len());
            println!(
                r#"{{"row":"{row}, {name}","messages":{},"events":{events},"cpu_s":{spent:.3},"messages_per_cpu_s":{rate:.0},"fingerprint":"{}"}}"#,
                run.messages, run.fingerprint
            );
        }
    }
    on_the_disk("kv transactions", &summing_to(N_TRANSACTIONS), &loader);
    on_the_disk("states saved", &saving(N_TRANSACTIONS), &loader);
    for journal in [Journal::Wal, Journal::Rollback] {
        on_the_disk(&format!("sqlite transactions, {journal:?}"), &moving(N_TRANSACTIONS, journal), &loader);
    }
}
