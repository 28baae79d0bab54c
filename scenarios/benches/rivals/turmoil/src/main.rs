//! The rows of the bench that can be had of turmoil: hosts that exchange datagrams on a simulated network.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::{Duration, UNIX_EPOCH};
use tokio::time::{interval, sleep};
use turmoil::net::UdpSocket;
use turmoil::{Builder, Sim};

const PORT: u16 = 7_000;
/// The least CPU time that a row is measured for, in seconds.
const AT_LEAST: f64 = 0.5;

type Done = Result<(), Box<dyn Error>>;

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
struct Log(Rc<RefCell<Seen>>);

impl Log {
    fn note(&self, who: u64, what: u64) {
        let now = turmoil::sim_elapsed().map_or(0, |elapsed| elapsed.as_nanos() as u64);
        let mut seen = self.0.borrow_mut();
        seen.count += 1;
        for word in [now, who, what] {
            seen.digest = (seen.digest.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
    }

    fn seen(&self) -> Seen {
        *self.0.borrow()
    }
}

/// A world with one-way latencies of 1 to 10 ms.
fn world(seed: u64) -> Sim<'static> {
    Builder::new()
        .rng_seed(seed)
        .epoch(UNIX_EPOCH + Duration::from_secs(1_700_000_000))
        .simulation_duration(Duration::from_secs(10_000_000))
        .tick_duration(Duration::from_millis(1))
        .min_message_latency(Duration::from_millis(1))
        .max_message_latency(Duration::from_millis(10))
        .udp_capacity(1 << 16)
        .build()
}

/// Answers every datagram with the same.
async fn serve(id: u64, log: Log) -> Done {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, PORT)).await?;
    let mut buffer = [0; 8];
    loop {
        let (_, from) = socket.recv_from(&mut buffer).await?;
        log.note(id, u64::from_le_bytes(buffer));
        socket.send_to(&buffer, from).await?;
    }
}

/// Sends so many datagrams at a time and waits for their answers, so often.
async fn call(id: u64, server: String, rounds: u64, window: u64, log: Log) -> Done {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
    let server: SocketAddr = (turmoil::lookup(server), PORT).into();
    let mut buffer = [0; 8];
    for round in 0..rounds {
        for place in 0..window {
            socket.send_to(&(round * window + place).to_le_bytes(), server).await?;
        }
        for _ in 0..window {
            socket.recv_from(&mut buffer).await?;
            log.note(id, u64::from_le_bytes(buffer));
        }
    }
    Ok(())
}

/// Pairs of a client and a server: CPU seconds, virtual seconds, and what was seen.
fn ping_pong(seed: u64, pairs: u64, rounds: u64, window: u64) -> (f64, f64, Seen) {
    let log = Log::default();
    let before = cpu_seconds();
    let mut sim = world(seed);
    for pair in 0..pairs {
        let of_server = log.clone();
        sim.host(format!("server{pair}"), move || serve(pair, of_server.clone()));
        sim.client(format!("client{pair}"), call(1_000 + pair, format!("server{pair}"), rounds, window, log.clone()));
    }
    sim.run().expect("every client ends well");
    let elapsed = sim.elapsed().as_secs_f64();
    drop(sim);
    (cpu_seconds() - before, elapsed, log.seen())
}

/// Hosts with a timer of a second each: CPU seconds, virtual seconds, beats.
fn heartbeat(hosts: u64, beats: u64) -> (f64, f64, Seen) {
    let log = Log::default();
    let before = cpu_seconds();
    let mut sim = world(7);
    for host in 0..hosts {
        let log = log.clone();
        sim.client(format!("host{host}"), async move {
            let mut timer = interval(Duration::from_secs(1));
            for beat in 0..beats {
                timer.tick().await;
                log.note(host, beat);
            }
            Ok(())
        });
    }
    sim.run().expect("every host ends well");
    let elapsed = sim.elapsed().as_secs_f64();
    drop(sim);
    (cpu_seconds() - before, elapsed, log.seen())
}

/// A host crashes and is started again; `served`: and answers one client each time. Restarts per CPU second.
fn restarts(times: u64, served: bool) -> f64 {
    let (log, asked) = (Log::default(), Rc::new(Cell::new(0)));
    let mut sim = world(3);
    let of_server = log.clone();
    sim.host("server", move || serve(0, of_server.clone()));
    let (of_client, wanted) = (log.clone(), asked.clone());
    sim.client("client", async move {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
        let server: SocketAddr = (turmoil::lookup("server"), PORT).into();
        let mut buffer = [0; 8];
        for number in 1_u64.. {
            while wanted.get() < number {
                sleep(Duration::from_millis(1)).await;
            }
            socket.send_to(&number.to_le_bytes(), server).await?;
            socket.recv_from(&mut buffer).await?;
            of_client.note(1, number);
        }
        Ok(())
    });
    sim.step().expect("the server binds its socket");
    let before = cpu_seconds();
    for _ in 0..times {
        sim.crash("server");
        sim.bounce("server");
        sim.step().expect("the server binds its socket");
        if served {
            let both = log.seen().count + 2;
            asked.set(asked.get() + 1);
            while log.seen().count < both {
                sim.step().expect("nobody fails");
            }
        }
    }
    times as f64 / (cpu_seconds() - before)
}

/// A fresh world per seed, with one server and so many clients, if any. Seeds per CPU second, and messages per seed.
fn seeds(n: u64, clients: u64) -> (f64, f64) {
    let before = cpu_seconds();
    let mut messages = 0;
    for seed in 0..n {
        let log = Log::default();
        let mut sim = world(seed);
        if clients == 0 {
            sim.client("nobody", async { Ok(()) });
        } else {
            let of_server = log.clone();
            sim.host("server", move || serve(0, of_server.clone()));
        }
        for client in 0..clients {
            sim.client(format!("client{client}"), call(1_000 + client, "server".to_string(), 10, 1, log.clone()));
        }
        sim.run().expect("every client ends well");
        drop(sim);
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
            r#"{{"sys":"turmoil","row":"pingpong","hosts":{hosts},"window":{window},"msgs":{count},"cpu_s":{cpu:.3},"msg_per_cpu_s":{:.0},"sim_s_per_cpu_s":{:.1}}}"#,
            count as f64 / cpu,
            elapsed / cpu
        );
    }
    let seen = |seed| ping_pong(seed, 5, 200, 4).2;
    println!(
        r#"{{"sys":"turmoil","row":"determinism","same_seed_equal":{},"other_seed_differs":{}}}"#,
        seen(42) == seen(42),
        seen(42) != seen(43)
    );
    for (hosts, beats) in [(10, 60), (100, 3)] {
        let (cpu, elapsed, count) = long(|| heartbeat(hosts, beats));
        println!(
            r#"{{"sys":"turmoil","row":"heartbeat","hosts":{hosts},"timer_events":{count},"cpu_s":{cpu:.3},"timer_ev_per_cpu_s":{:.0},"sim_s_per_cpu_s":{:.1}}}"#,
            count as f64 / cpu,
            elapsed / cpu
        );
    }
    println!(
        r#"{{"sys":"turmoil","row":"crash+boot","restart_per_cpu_s":{:.0},"restart_and_serve_per_cpu_s":{:.0}}}"#,
        restarts(50_000, false),
        restarts(10_000, true)
    );
    println!(r#"{{"sys":"turmoil","row":"seeds_empty","seeds_per_cpu_s":{:.0}}}"#, seeds(50_000, 0).0);
    let (rate, messages) = seeds(2_000, 4);
    println!(
        r#"{{"sys":"turmoil","row":"seeds_5hosts_10rounds","seeds_per_cpu_s":{rate:.1},"msgs_per_seed":{messages:.1}}}"#
    );
}
