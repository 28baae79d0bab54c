//! Processes that send each other messages, and processes that wait for timers.

use crate::chapters::programs;
use kernel_core::{Address, Duration, ProcessRef};
use sim::guest::native::{self, Os};
use sim::scenario::{On, Program, Scenario, millis, on, secs, start, tell};

const PING: &str = "ping:bench:alice.os";
const PONG: &str = "pong:bench:alice.os";

/// Asks its partner, over and over: on the next node where nodes are numbered, else on its own.
async fn ping(os: Os) {
    let our = os.init_argument();
    let partner = os.with_names(|names| {
        let node = next_host(names.node_text(our.node)).map_or(our.node, |node| names.node(&node));
        Address { node, process: names.process(PONG) }
    });
    loop {
        os.ask(partner, 5, "ping me!", None);
        os.receive().await;
    }
}

async fn pong(os: Os) {
    loop {
        os.receive().await;
        os.respond("ping me!");
    }
}

/// The name of a numbered node.
pub fn host(n: usize) -> String {
    format!("h{n:05}.os")
}

fn next_host(node: &str) -> Option<String> {
    let n: usize = node.strip_prefix('h')?.strip_suffix(".os")?.parse().ok()?;
    Some(host(n + 1))
}

/// The lean Wasm of both ends, which asks its partner on this node.
fn lean(partner: &str) -> Vec<u8> {
    let text = include_str!("pingpong.wat");
    let node = text.replace(r#"(data (i32.const 16) "our")"#, &format!(r#"(data (i32.const 16) "{partner}")"#));
    let length = format!("(i32.store (i32.const 260) (i32.const {}))", partner.len());
    node.replace("(i32.store (i32.const 260) (i32.const 3))", &length).into_bytes()
}

fn ping_program(name: &str, partner: &str) -> Program {
    let native = Some(native::Program::new("ping", ping));
    Program { name: name.to_string(), native, wasm: Some(lean(partner).into()) }
}

fn pong_program() -> Program {
    Program {
        name: "pong".to_string(),
        native: Some(native::Program::new("pong", pong)),
        wasm: Some(lean("our").into()),
    }
}

/// Two processes that play ping-pong on one node.
pub fn on_one_node(span: Duration) -> Scenario {
    Scenario::new("ping-pong on one node", "two processes that play ping-pong")
        .programs([ping_program("ping", "our"), pong_program()])
        .setup(start(on("alice.os", PONG).runs("pong").public()))
        .setup(start(on("alice.os", PING).runs("ping").public()))
        .lasting(span, millis(1))
}

/// Pairs of nodes with a process on each; each pair plays ping-pong.
pub fn across(hosts: usize, span: Duration) -> Scenario {
    let mut scenario = Scenario::new("ping-pong", "pairs of nodes that play ping-pong").programs([pong_program()]);
    scenario.nodes = (0..hosts).map(host).collect();
    for n in (0..hosts).step_by(2) {
        let (client, server) = (host(n), host(n + 1));
        let program = format!("ping{n}");
        scenario = scenario
            .programs([ping_program(&program, &server)])
            .setup(start(on(&server, PONG).runs("pong").public().networking()))
            .setup(start(on(&client, PING).runs(&program).public().networking()));
    }
    scenario.lasting(span, millis(1))
}

/// So many processes, ten on each node, which play ping-pong in pairs on their node; their starts are part of the run.
pub fn crowd(processes: usize, span: Duration) -> Scenario {
    let pair = |who: &str, n: usize| format!("{who}{n}:bench:alice.os");
    let ask = |n: usize| {
        let partner = pair("pong", n);
        move |os: Os| {
            let partner = partner.clone();
            async move {
                let process = os.with_names(|names| names.process(&partner));
                let partner = Address { process, ..os.init_argument() };
                loop {
                    os.ask(partner, 5, "ping me!", None);
                    os.receive().await;
                }
            }
        }
    };
    let names = ["ping0", "ping1", "ping2", "ping3", "ping4"];
    let asking = names.iter().enumerate().map(|(n, name)| Program {
        name: name.to_string(),
        native: Some(native::Program::new(name, ask(n))),
        wasm: None,
    });
    let mut scenario = Scenario::new("crowd", "many processes that play ping-pong").programs(asking);
    scenario = scenario.programs([pong_program()]);
    scenario.nodes = (0..processes / 10).map(host).collect();
    for node in 0..processes / 10 {
        for (n, name) in names.iter().enumerate() {
            scenario = scenario
                .setup(start(on(&host(node), &pair("pong", n)).runs("pong").public()))
                .setup(start(on(&host(node), &pair("ping", n)).runs(name).public()));
        }
    }
    scenario.lasting(span, millis(1))
}

/// A guest as Rust's tools make it, with std and wit-bindgen: it carries out orders to ask, one message each.
pub fn orders(span: Duration) -> Scenario {
    let (asks, answers): (On, On) = (on("alice.os", "asks:demo:alice.os"), on("alice.os", "answers:demo:alice.os"));
    let order = vec!["ask our@answers:demo:alice.os 5 respond ping me!"; 100].join("\n");
    Scenario::new("orders", "a process that carries out orders to ask")
        .programs(programs())
        .setup(start(answers.runs("puppet").public()))
        .setup(start(asks.runs("puppet").public()))
        .every(millis(50), (span.0 / 50_000_000) as u32, tell(&asks, &order))
        .lasting(span, secs(1))
}

async fn beat(os: Os, beats: u64) {
    let timer = Address { process: ProcessRef::TIMER, ..os.init_argument() };
    for _ in 0..beats {
        os.ask(timer, 5, r#"{"SetTimer":1000}"#, None);
        os.receive().await;
    }
    os.receive().await;
}

/// Nodes with a process each that waits for a timer of a second, over and over.
pub fn heartbeat(hosts: usize, beats: u64) -> Scenario {
    let native = native::Program::new("beat", move |os| beat(os, beats));
    let program = Program { name: "beat".to_string(), native: Some(native), wasm: None };
    let mut scenario = Scenario::new("heartbeat", "a timer on each node").programs([program]);
    scenario.nodes = (0..hosts).map(host).collect();
    for n in 0..hosts {
        scenario = scenario
            .setup(start(on(&host(n), "beat:bench:alice.os").runs("beat").public().messaging("timer:distro:sys")));
    }
    scenario.lasting(secs(2 * beats), millis(1))
}

const SERVER: &str = "server:bench:alice.os";

/// Asks the server ten times, and is done.
async fn client(os: Os) {
    let server = os.with_names(|names| Address { node: names.node(&host(0)), process: names.process(SERVER) });
    for _ in 0..10 {
        os.ask(server, 5, "round", None);
        os.receive().await;
    }
    os.receive().await;
}

async fn server(os: Os) {
    loop {
        os.receive().await;
        os.respond("trip");
    }
}

/// A server and four clients, each on a node of its own, and ten round trips for each client.
pub fn five_hosts() -> Scenario {
    let native = |name, native| Program { name: String::from(name), native: Some(native), wasm: None };
    let mut scenario = Scenario::new("five hosts", "a server and four clients").programs([
        native("client", native::Program::new("client", client)),
        native("server", native::Program::new("server", server)),
    ]);
    scenario.nodes = (0..5).map(host).collect();
    scenario = scenario.setup(start(on(&host(0), SERVER).runs("server").public().networking()));
    for n in 1..5 {
        scenario = scenario.setup(start(on(&host(n), "client:bench:alice.os").runs("client").public().networking()));
    }
    scenario.lasting(secs(2), millis(1))
}
