//! The rows of the bench that can be had of madsim: nodes that exchange datagrams on a simulated network. Run it from its
//! folder, whose `.cargo/config.toml` switches the simulation on.

use madsim::Config;
use madsim::net::UdpSocket;
use madsim::runtime::{Handle, Runtime};
use madsim::time::{TimeHandle, interval, sleep};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const PORT: u16 = 7_000;
/// The least CPU time that a row is measured for, in seconds.
const AT_LEAST: f64 = 0.5;

/// CPU seconds of this thread.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells a thread's CPU time");
    let nanos = text.split(' ').next().and_then(|word| word.parse::<u64>().ok());
    nanos.expect("the first word is nanoseconds") as f64 / 1e9
}

/// What was received: how many, and a digest that depends on who received what when, and in which order.
#[derive(Clone, Copy, Default, PartialEq)]
struct Seen {
    count: u64,
    digest: u64,
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Seen>>);

impl Log {
    fn note(&self, who: u64, what: u64) {
        let now = TimeHandle::current().elapsed().as_nanos() as u64;
        let mut seen = self.0.lock().expect("nobody panics while it notes");
        seen.count += 1;
        for word in [now, who, what] {
            seen.digest = (seen.digest.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
    }

    fn seen(&self) -> Seen {
        *self.0.lock().expect("nobody panics while it notes")
    }
}

/// A world with one-way latencies of 1 to 10 ms.
fn world(seed: u64) -> Runtime {
    let mut config = Config::default();
    config.net.packet_loss_rate = 0.0;
    config.net.send_latency = Duration::from_millis(1)..Duration::from_millis(10);
    Runtime::with_seed_and_config(seed, config)
}

fn address(node: u64) -> IpAddr {
    Ipv4Addr::new(10, 1, (node / 200) as u8, (node % 200 + 1) as u8).into()
}

/// Answers every datagram with the same.
async fn serve(id: u64, at: SocketAddr, log: Log) {
    let socket = UdpSocket::bind(at).await.expect("the port is free");
    let mut buffer = [0; 8];
    loop {
        let (_, from) = socket.recv_from(&mut buffer).await.expect("the network holds");
        log.note(id, u64::from_le_bytes(buffer));
        socket.send_to(from, &buffer).await.expect("the network holds");
    }
}

/// Sends so many datagrams at a time and waits for their answers, so often.
async fn call(id: u64, own: IpAddr, server: SocketAddr, rounds: u64, window: u64, log: Log) {
    let socket = UdpSocket::bind((own, 0)).await.expect("a port is free");
    // The server has to bind its socket first.
    sleep(Duration::from_millis(20)).await;
    let mut buffer = [0; 8];
    for round in 0..rounds {
        for place in 0..window {
            socket.send_to(server, &(round * window + place).to_le_bytes()).await.expect("the network holds");
        }
        for _ in 0..window {
            socket.recv_from(&mut buffer).await.expect("the network holds");
            log.note(id, u64::from_le_bytes(buffer));
        }
    }
}

/// Servers, and clients that are spread over them; virtual seconds until all clients are done.
fn clients_and_servers(seed: u64, servers: u64, clients: u64, rounds: u64, window: u64, log: &Log) -> f64 {
    let runtime = world(seed);
    for server in 0..servers {
        let (log, at) = (log.clone(), SocketAddr::new(address(server), PORT));
        let node = runtime.create_node().name(format!("server{server}")).ip(at.ip());
        node.init(move || serve(server, at, log.clone())).build();
    }
    let mut running = Vec::new();
    for client in 0..clients {
        let (own, server) = (address(servers + client), SocketAddr::new(address(client % servers), PORT));
        let node = runtime.create_node().name(format!("client{client}")).ip(own).build();
        running.push(node.spawn(call(1_000 + client, own, server, rounds, window, log.clone())));
    }
    runtime.block_on(async move {
        for client in running {
            client.await.expect("every client ends well");
        }
        TimeHandle::current().elapsed().as_secs_f64()
    })
}

/// Pairs of a client and a server: CPU seconds, virtual seconds, and what was seen.
fn ping_pong(seed: u64, pairs: u64, rounds: u64, window: u64) -> (f64, f64, Seen) {
    let log = Log::default();
    let before = cpu_seconds();
    let elapsed = clients_and_servers(seed, pairs, pairs, rounds, window, &log);
    (cpu_seconds() - before, elapsed, log.seen())
}

/// Nodes with a timer of a second each: CPU seconds, virtual seconds, beats.
fn heartbeat(hosts: u64, beats: u64) -> (f64, f64, Seen) {
    let log = Log::default();
    let before = cpu_seconds();
    let runtime = world(7);
    let mut running = Vec::new();
    for host in 0..hosts {
        let log = log.clone();
        let node = runtime.create_node().ip(address(host)).build();
        running.push(node.spawn(async move {
            let mut timer = interval(Duration::from_secs(1));
            for beat in 0..beats {
                timer.tick().await;
                log.note(host, beat);
            }
        }));
    }
    let elapsed = runtime.block_on(async move {
        for host in running {
            host.await.expect("every node ends well");
        }
        TimeHandle::current().elapsed().as_secs_f64()
    });
    drop(runtime);
    (cpu_seconds() - before, elapsed, log.seen())
}

/// A node is killed and restarted; `served`: and answers one client each time. Restarts per CPU second.
fn restarts(times: u64, served: bool) -> f64 {
    let log = Log::default();
    world(3).block_on(async move {
        let (handle, at) = (Handle::current(), SocketAddr::new(address(0), PORT));
        let of_server = log.clone();
        let server = handle.create_node().ip(at.ip()).init(move || serve(0, at, of_server.clone())).build();
        let client = handle.create_node().ip(address(1)).build();
        sleep(Duration::from_millis(20)).await;
        let before = cpu_seconds();
        for number in 0..times {
            handle.kill(server.id());
            handle.restart(server.id());
            // The new life binds its socket.
            sleep(Duration::from_millis(5)).await;
            if served {
                let asked = client.spawn(call(1_000 + number, address(1), at, 1, 1, log.clone()));
                asked.await.expect("it is answered");
            }
        }
        times as f64 / (cpu_seconds() - before)
    })
}

/// A fresh world per seed, with one server and so many clients, if any. Seeds per CPU second, and messages per seed.
fn seeds(n: u64, clients: u64) -> (f64, f64) {
    let before = cpu_seconds();
    let mut messages = 0;
    for seed in 0..n {
        let log = Log::default();
        if clients == 0 {
            world(seed).block_on(async {});
        } else {
            clients_and_servers(seed, 1, clients, 10, 1, &log);
        }
        messages += log.seen().count;
    }
    (n as f64 / (cpu_seconds() - before), messages as f64 / n as f64)
}

/// The same again and again, until it has taken long enough to be measured.
fn long(once: impl Fn() -> (f64, f64, Seen)) -> (f64, f64, u64) {
    let (mut cpu, mut elapsed, mut count) = (0.0, 0.0, 0);
    while cpu < AT_LEAST {
        let (spent, passed, seen) = once();
        (cpu, elapsed, count) = (cpu + spent, elapsed + passed, count + seen.count);
    }
    (cpu, elapsed, count)
}

fn main() {
    for (hosts, rounds, window) in [(2, 5_000, 1), (10, 2_000, 1), (10, 200, 64), (50, 200, 1), (100, 60, 1)] {
        let (cpu, elapsed, count) = long(|| ping_pong(42, hosts / 2, rounds, window));
        println!(
            r#"{{"sys":"madsim","row":"pingpong","hosts":{hosts},"window":{window},"msgs":{count},"cpu_s":{cpu:.3},"msg_per_cpu_s":{:.0},"sim_s_per_cpu_s":{:.1}}}"#,
            count as f64 / cpu,
            elapsed / cpu
        );
    }
    let seen = |seed| ping_pong(seed, 5, 200, 4).2;
    println!(
        r#"{{"sys":"madsim","row":"determinism","same_seed_equal":{},"other_seed_differs":{}}}"#,
        seen(42) == seen(42),
        seen(42) != seen(43)
    );
    for (hosts, beats) in [(10, 6_000), (100, 600)] {
        let (cpu, elapsed, count) = long(|| heartbeat(hosts, beats));
        println!(
            r#"{{"sys":"madsim","row":"heartbeat","hosts":{hosts},"timer_events":{count},"cpu_s":{cpu:.3},"timer_ev_per_cpu_s":{:.0},"sim_s_per_cpu_s":{:.1}}}"#,
            count as f64 / cpu,
            elapsed / cpu
        );
    }
    println!(
        r#"{{"sys":"madsim","row":"crash+boot","restart_per_cpu_s":{:.0},"restart_and_serve_per_cpu_s":{:.0}}}"#,
        restarts(50_000, false),
        restarts(50_000, true)
    );
    println!(r#"{{"sys":"madsim","row":"seeds_empty","seeds_per_cpu_s":{:.0}}}"#, seeds(200_000, 0).0);
    let (rate, messages) = seeds(4_000, 4);
    println!(
        r#"{{"sys":"madsim","row":"seeds_5hosts_10rounds","seeds_per_cpu_s":{rate:.1},"msgs_per_seed":{messages:.1}}}"#
    );
}
