//! The bound of a kernel that runs its processes in wasmi: the same engine as the simulator's, and next to nothing around
//! it. A guest gets a message of 64 bytes, sums some of it up, and sends it on.

use std::collections::VecDeque;
use std::fmt;
use std::hint::black_box;
use wasmi::errors::HostError;
use wasmi::{
    Caller, CompilationMode, Config, Engine, Error, Instance, Linker, Memory, Module, ResumableCall, Store, Val,
};

/// `turn` handles one message; `live` waits for one, handles it, and waits again. Both share the work.
const GUEST: &str = r#"(module
    (import "host" "send" (func $send (param i32 i32)))
    (import "host" "wait" (func $wait (result i32)))
    (memory (export "memory") 1)
    (func $work (param $length i32)
        (local $at i32) (local $sum i64)
        (loop $next
            (local.set $sum (i64.add (local.get $sum) (i64.load8_u (local.get $at))))
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (br_if $next (i32.lt_u (local.get $at) (i32.const 16))))
        (i64.store (i32.const 512) (local.get $sum))
        (call $send (i32.const 0) (local.get $length)))
    (func (export "turn") (param $length i32) (call $work (local.get $length)))
    (func (export "live") (loop $again (call $work (call $wait)) (br $again))))"#;

/// CPU seconds of this thread.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells a thread's CPU time");
    let nanos = text.split(' ').next().and_then(|word| word.parse::<u64>().ok());
    nanos.expect("the first word is nanoseconds") as f64 / 1e9
}

/// The guest waits: it is resumed with the next message.
#[derive(Debug)]
struct Waits;

impl fmt::Display for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("waits for a message")
    }
}

impl HostError for Waits {}

#[derive(Default)]
struct Host {
    sent: VecDeque<Vec<u8>>,
    memory: Option<Memory>,
}

/// A compiled guest, and how to begin a life of it.
struct Kernel {
    engine: Engine,
    module: Module,
    linker: Linker<Host>,
}

struct Life {
    store: Store<Host>,
    instance: Instance,
    memory: Memory,
}

impl Kernel {
    fn new() -> Kernel {
        let mut config = Config::default();
        config.consume_fuel(true).compilation_mode(CompilationMode::Eager);
        let engine = Engine::new(&config);
        let wasm = wat::parse_str(GUEST).expect("the guest is well formed");
        let module = Module::new(&engine, &wasm).expect("the guest is valid");
        let mut linker = Linker::new(&engine);
        let send = |mut caller: Caller<'_, Host>, at: i32, length: i32| {
            let memory = caller.data().memory.expect("it is set when a life begins");
            let (bytes, host) = memory.data_and_store_mut(&mut caller);
            host.sent.push_back(bytes[at as usize..(at + length) as usize].to_vec());
        };
        linker.func_wrap("host", "send", send).expect("it is defined once");
        let wait = |_: Caller<'_, Host>| -> Result<i32, Error> { Err(Error::host(Waits)) };
        linker.func_wrap("host", "wait", wait).expect("it is defined once");
        Kernel { engine, module, linker }
    }

    fn begin(&self) -> Life {
        let mut store = Store::new(&self.engine, Host::default());
        store.set_fuel(u64::MAX / 2).expect("fuel is metered");
        let instance = self.linker.instantiate_and_start(&mut store, &self.module).expect("its imports are there");
        let memory = instance.get_memory(&store, "memory").expect("it exports its memory");
        store.data_mut().memory = Some(memory);
        Life { store, instance, memory }
    }
}

/// Two guests, each called for each message. Messages per CPU second.
fn called(n: usize) -> f64 {
    let kernel = Kernel::new();
    let mut lives = [kernel.begin(), kernel.begin()];
    let turns = lives.each_ref().map(|life| {
        life.instance.get_typed_func::<i32, ()>(&life.store, "turn").expect("it is exported")
    });
    let mut message = vec![7; 64];
    let before = cpu_seconds();
    for nth in 0..n {
        let Life { store, memory, .. } = &mut lives[nth % 2];
        memory.write(&mut *store, 0, &message).expect("it fits");
        turns[nth % 2].call(&mut *store, message.len() as i32).expect("it returns");
        message = store.data_mut().sent.pop_front().expect("it sends one on");
    }
    n as f64 / (cpu_seconds() - before)
}

/// Two guests that wait in a call, as a process does in `receive`. Messages per CPU second.
fn parked(n: usize) -> f64 {
    let kernel = Kernel::new();
    let waits = |call: ResumableCall| match call {
        ResumableCall::HostTrap(waits) => waits,
        ResumableCall::Finished | ResumableCall::OutOfFuel(_) => panic!("it waits for ever"),
    };
    let mut lives = [kernel.begin(), kernel.begin()].map(|mut life| {
        let live = life.instance.get_func(&life.store, "live").expect("it is exported");
        let parked = waits(live.call_resumable(&mut life.store, &[], &mut []).expect("it waits"));
        (life, Some(parked))
    });
    let mut message = vec![7; 64];
    let before = cpu_seconds();
    for nth in 0..n {
        let (Life { store, memory, .. }, parked) = &mut lives[nth % 2];
        memory.write(&mut *store, 0, &message).expect("it fits");
        let resumed = parked.take().expect("it waits between two messages");
        let length = Val::I32(message.len() as i32);
        *parked = Some(waits(resumed.resume(&mut *store, &[length], &mut []).expect("it waits")));
        message = store.data_mut().sent.pop_front().expect("it sends one on");
    }
    n as f64 / (cpu_seconds() - before)
}

/// Lives that are begun and dropped. Lives per CPU second.
fn begun(n: usize) -> f64 {
    let kernel = Kernel::new();
    let before = cpu_seconds();
    for _ in 0..n {
        black_box(kernel.begin());
    }
    n as f64 / (cpu_seconds() - before)
}

/// A life that is killed in the middle of its turn, another begun in its place, and one message served.
fn killed(n: usize) -> f64 {
    let kernel = Kernel::new();
    let turn = |life: &mut Life| {
        let turn = life.instance.get_typed_func::<i32, ()>(&life.store, "turn").expect("it is exported");
        turn.call(&mut life.store, 64)
    };
    let before = cpu_seconds();
    for nth in 0..n {
        let mut life = kernel.begin();
        life.store.set_fuel(10 + (nth % 8) as u64 * 10).expect("fuel is metered");
        assert!(turn(&mut life).is_err(), "it is killed before it is done");
        turn(&mut kernel.begin()).expect("it returns");
    }
    n as f64 / (cpu_seconds() - before)
}

fn main() {
    println!(r#"{{"sys":"wasmi","row":"reactor_msgs","fuel":true,"msg_per_cpu_s":{:.0}}}"#, called(2_000_000));
    println!(r#"{{"sys":"wasmi","row":"parked_recv_msgs","fuel":true,"msg_per_cpu_s":{:.0}}}"#, parked(2_000_000));
    println!(r#"{{"sys":"wasmi","row":"spawn_warm_module_1page","per_cpu_s":{:.0}}}"#, begun(100_000));
    println!(
        r#"{{"sys":"wasmi","row":"crash_point_sweep","crash_restart_serve_per_cpu_s":{:.0}}}"#,
        killed(50_000)
    );
}
