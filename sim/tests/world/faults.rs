//! Faults, one by one: a plan of a line or two brings each about, and the trace shows what it does and what it does not.

use kernel_core::{Change, Duration, Instant, ProcessRef};
use sim::explore::run_plan;
use sim::guest::Clock;
use sim::guest::image::Loader;
use sim::guest::native::{self, Os, ReceivedExt};
use sim::plan::Down;
use sim::plan::Plan;
use sim::scenario::{Flavor, On, Program, Scenario, down, kill, millis, on, secs, start, tell};
use sim::trace::event::{Event, Kind, What};
use sim::trace::line;
use sim::world::{CALL_COST, Options, Run, START_COST};

const ALICE: &str = "alice.os";
const BOB: &str = "bob.os";

fn process(node: &str, name: &str) -> On {
    on(node, &format!("{name}:demo:alice.os"))
}

/// Prints what its clocks say, every time it is asked.
async fn watcher(os: Os) {
    loop {
        os.receive().await;
        let (real, steady) = (os.now().await, os.read(Clock::Steady).await);
        os.print(0, &format!("{} {}", real.0 / 1_000_000_000, steady.0 / 1_000_000_000));
    }
}

/// Asks its namesake on the other node for ever, and prints what comes of it.
async fn caller(os: Os) {
    let other = if os.address_text(os.init_argument()).starts_with(ALICE) { BOB } else { ALICE };
    let other = os.parse_address(&format!("{other}@answerer:demo:alice.os")).expect("it is an address");
    loop {
        match os.call_and_wait(other, 1, "there?").await {
            Ok(_) => os.print(0, "there"),
            Err(error) => os.print(0, &format!("{:?}", error.kind)),
        }
        os.busy(Duration::from_millis(200)).await;
    }
}

async fn answerer(os: Os) {
    loop {
        if os.receive().await.request().is_some() {
            os.respond("yes");
        }
    }
}

/// Computes nothing, says two things.
async fn speaker(os: Os) {
    os.print(0, "one");
    os.our().await;
    os.print(0, "two");
    os.receive().await;
}

/// Sleeps, and says so.
async fn sleeper(os: Os) {
    os.sleep(secs(5)).await;
    os.print(0, "awake");
    os.receive().await;
}

/// The same.
const SLEEPER: &str = r#"(module
    (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
    (import "hyperware:process/standard@1.0.0" "print-to-terminal" (func $print (param i32 i32 i32)))
    (import "hyperware:process/standard@1.0.0" "receive" (func $receive (param i32)))
    (memory (export "memory") 1)
    (data (i32.const 1024) "awake")
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 2048))
    (func (export "init") (param i32 i32)
        (i64.store (i32.const 24) (i64.const 5000000000))
        (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))
        (call $print (i32.const 0) (i32.const 1024) (i32.const 5))
        (call $receive (i32.const 512))))"#;

/// A program that needs more memory twice, and dies if it does not get it.
const GROWER: &str = r#"(module
    (memory (export "memory") 1)
    (func $grow (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable)))
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
    (func (export "init") (param i32 i32) (call $grow) (call $grow)))"#;

fn programs() -> Vec<Program> {
    let native = |program: native::Program| {
        let name = program.name().to_string();
        Program { name, native: Some(program), wasm: None }
    };
    vec![
        native(native::Program::new("watcher", watcher)),
        native(native::Program::new("caller", caller)),
        native(native::Program::new("answerer", answerer)),
        native(native::Program::new("speaker", speaker)),
        Program {
            name: "sleeper".to_string(),
            native: Some(native::Program::new("sleeper", sleeper)),
            wasm: Some(SLEEPER.as_bytes().into()),
        },
        Program { name: "grower".to_string(), native: None, wasm: Some(GROWER.as_bytes().into()) },
    ]
}

fn scenario() -> Scenario {
    Scenario::new("it", "").programs(programs())
}

/// Two nodes that ask each other all the time.
fn talk() -> Scenario {
    let mut scenario = scenario().node(BOB);
    for node in [ALICE, BOB] {
        scenario = scenario.setup(start(process(node, "answerer").runs("answerer").restarting().networking().public()));
        scenario = scenario.setup(start(process(node, "caller").runs("caller").restarting().networking()));
    }
    scenario
}

fn play(scenario: &Scenario, plan: &str) -> Run {
    let plan: Plan = plan.parse().expect("it is a plan");
    let options = Options { flavor: Flavor::Native, keep_trace: true, ..Options::default() };
    let run = run_plan(scenario, &plan, &options, &Loader::default()).expect("it is a sound scenario");
    assert!(run.held(), "{}", run.summary());
    run
}

fn events(run: &Run) -> impl Iterator<Item = &Event> {
    run.trace.events().map(|(_, event)| event)
}

fn printed(run: &Run) -> Vec<(Instant, String)> {
    let said = |event: &Event| match &event.what {
        What::Printed(_, _, text) => Some((event.at, text.to_string())),
        _ => None,
    };
    events(run).filter_map(said).collect()
}

fn texts(run: &Run) -> Vec<String> {
    printed(run).into_iter().map(|(_, text)| text).collect()
}

/// How many events are told with these words.
fn count(run: &Run, words: &str) -> usize {
    run.trace.events().filter(|(index, event)| line(*index, event, &run.names).contains(words)).count()
}

#[test]
fn a_life_computes_for_some_quanta_before_a_call_and_can_be_killed_meanwhile() {
    let scenario = scenario().at(secs(1), start(process(ALICE, "speaker").runs("speaker")));
    let plan = "spin alice.os@speaker:demo:alice.os/1 #2 3";
    let (calm, spun) = (play(&scenario, ""), play(&scenario, plan));
    let (on_time, late) = (printed(&calm), printed(&spun));
    assert_eq!(late[0], on_time[0], "what was said before is said on time");
    assert_eq!(late[1].0 - on_time[1].0, secs(3));
    assert_eq!((count(&spun, "computed for 1s"), spun.flavored), (3, false), "these quanta are no engine's");
    let killed = play(&scenario.at(millis(2_500), kill(process(ALICE, "speaker"))), plan);
    assert_eq!((texts(&killed), count(&killed, "computed for 1s")), (vec!["one".to_string()], 1));
    assert_eq!(count(&killed, "is killed"), 1);
}

fn is_sleeper(run: &Run, process: ProcessRef) -> bool {
    run.names.process_text(process) == "sleeper:demo:alice.os"
}

/// Else the quanta before each look would add up to a process that computes on and on.
#[test]
fn quanta_come_before_calls_and_not_before_a_look_at_a_clock() {
    let watcher = process(ALICE, "watcher");
    let scenario = scenario().at(secs(1), start(watcher.runs("watcher").public())).at(secs(2), tell(&watcher, "now?"));
    let plan: Vec<String> = (1..9).map(|nth| format!("spin alice.os@watcher:demo:alice.os/1 #{nth} 5")).collect();
    let run = play(&scenario, &plan.join("; "));
    let mut stretches = vec![0];
    for event in events(&run) {
        match event.what {
            What::Spun(..) => *stretches.last_mut().expect("there is one") += 1,
            What::Called(..) => stretches.push(0),
            _ => {}
        }
    }
    stretches.retain(|quanta| *quanta > 0);
    assert_eq!(stretches, [5, 5, 5], "before receive, print and receive");
}

#[test]
fn a_life_sleeps_for_as_long_as_it_asked_and_can_be_killed_meanwhile() {
    let scenario = scenario().at(secs(1), start(process(ALICE, "sleeper").runs("sleeper")));
    let killed = scenario.clone().at(secs(3), kill(process(ALICE, "sleeper")));
    let started = |run: &Run| {
        let of = |event: &&Event| matches!(&event.what, What::Started(life) if is_sleeper(run, life.process));
        events(run).find(of).expect("it is started").at
    };
    let [native, wasm] = [Flavor::Native, Flavor::Wasm].map(|flavor| {
        let run = |scenario| {
            let options = Options { flavor, keep_trace: true, ..Options::default() };
            run_plan(scenario, &Plan::default(), &options, &Loader::default()).expect("it is a sound scenario")
        };
        let run_of_it = run(&scenario);
        let said = printed(&run_of_it);
        assert_eq!((said.len(), &*said[0].1), (1, "awake"));
        let passed = said[0].0 - started(&run_of_it);
        assert_eq!(passed.0, START_COST.0 + secs(5).0 + CALL_COST.0);
        assert_eq!((count(&run_of_it, "computed"), run_of_it.flavored), (0, false), "that is not computing");
        let killed = run(&killed);
        assert!(killed.held() && count(&killed, "is killed") == 1 && texts(&killed).is_empty());
        (run_of_it.fingerprint, killed.fingerprint)
    });
    assert_eq!(native, wasm, "both leave the same trace");
}

#[test]
fn a_life_that_is_refused_memory_panics_and_its_successor_has_enough() {
    let grower = process(ALICE, "grower");
    let scenario = scenario().at(secs(1), start(grower.runs("grower")));
    for (nth, panics, returns) in [(1, 1, 0), (2, 1, 0), (3, 0, 1)] {
        let run = play(&scenario, &format!("memory alice.os@grower:demo:alice.os/1 #1 {nth}"));
        assert_eq!((count(&run, "panics: unreachable"), count(&run, "returns from init")), (panics, returns), "{nth}");
        assert!(run.flavored, "no native program has a memory that grows");
    }
    let scenario = self::scenario().at(secs(1), start(grower.runs("grower").restarting())).at(secs(2), kill(grower));
    let run = play(&scenario, "memory alice.os@grower:demo:alice.os/1 #1 1");
    assert_eq!(count(&run, "panics"), 1, "{}", run.summary());
    assert!(count(&run, "returns from init") > 1);
}

#[test]
fn one_line_takes_all_nodes_down_at_one_instant() {
    let run = play(&talk(), "outage alice.os #20 power-loss");
    let down: Vec<(Instant, u32)> = events(&run)
        .filter(|event| matches!(event.what, What::Down(_)))
        .map(|event| (event.at, event.node.0))
        .collect();
    assert_eq!(down.len(), 2);
    assert_eq!((down[0].0, down[0].1 + down[1].1), (down[1].0, 1), "both, at the same instant: {down:?}");
    assert_eq!(count(&run, "boots, for the 2nd time"), 2);
}

/// From which node to which messages were lost.
fn lost(run: &Run) -> Vec<(u32, u32)> {
    let mut lost: Vec<(u32, u32)> = events(run)
        .filter_map(|event| match &event.what {
            What::NetworkLost(message) => Some((message.source.node.0, message.target.node.0)),
            _ => None,
        })
        .collect();
    lost.sort();
    lost.dedup();
    lost
}

#[test]
fn a_link_fails_one_way_and_a_partition_both_ways() {
    assert_eq!(lost(&play(&talk(), "link alice.os>bob.os #1 8s")), [(0, 1)]);
    let run = play(&talk(), "partition alice.os>bob.os #1 8s");
    assert_eq!(lost(&run), [(0, 1), (1, 0)]);
    assert_eq!(count(&run, "offline"), 0, "a node that is up cannot be known not to be reachable");
    assert_eq!(texts(&run).last().map(String::as_str), Some("there"), "it heals");
}

#[test]
fn a_node_that_stays_away_is_timed_out_first_and_then_offline() {
    let run = play(&talk(), "crash bob.os #20 crash; downtime bob.os #1 15s");
    let said = texts(&run);
    let times = |what: &str| said.iter().filter(|text| *text == what).count();
    assert!(times("Offline") > 20, "{said:?}");
    assert!(times("Timeout") > 0, "{said:?}");
    assert_eq!(said.last().map(String::as_str), Some("there"), "it comes back");
}

#[test]
fn a_clock_that_jumps_moves_the_time_of_day_and_no_deadline() {
    let watcher = process(ALICE, "watcher");
    let mut scenario = scenario().at(secs(1), start(watcher.runs("watcher").public()));
    for at in [5, 10, 15] {
        scenario = scenario.at(secs(at), tell(&watcher, "now?"));
    }
    assert_eq!(texts(&play(&scenario, "")), ["5 5", "10 10", "15 15"]);
    let run = play(&scenario, "clock alice.os #2 -7s; clock alice.os #3 +1h");
    assert_eq!(texts(&run), ["5 5", "3 10", "3608 15"]);
    assert_eq!((count(&run, "jumps back by 7s"), count(&run, "jumps forth by 3600s")), (1, 1));
    assert_eq!(run.elapsed, play(&scenario, "").elapsed);
    let down = play(&scenario.at(secs(12), down(ALICE, Down::Crash)), "clock alice.os #1 +1s");
    assert!(texts(&down).contains(&"11 10".to_string()), "a clock that is off stays so: {:?}", texts(&down));
}

#[test]
fn a_kill_comes_at_any_instant_and_never_after_a_fall() {
    let speaker = process(ALICE, "speaker");
    let scenario = scenario().setup(start(speaker.runs("speaker").restarting()));
    let scenario = scenario.at(secs(1), tell(&speaker, "")).at(secs(9), down(ALICE, Down::Crash));
    let killed = |after: &str| {
        let plan = |nth| format!("kill alice.os #{nth} {}@{after}", speaker.process);
        let at = |run: &Run| events(run).find(|event| event.what.kind() == Kind::Killed).map(|event| event.at);
        (1..20).find_map(|nth| at(&play(&scenario, &plan(nth))))
    };
    let (soon, later) = (killed("5s"), killed("5.5s"));
    assert_eq!(later.zip(soon).map(|(later, soon)| later - soon), Some(millis(500)));
    assert_eq!(killed("20s"), None, "the node that was to kill it has been down meanwhile");
}

/// Going down is possible at every point of coming up, too.
#[test]
fn a_node_goes_down_while_it_recovers() {
    let scenario =
        scenario().setup(start(process(ALICE, "speaker").runs("speaker"))).at(secs(2), down(ALICE, Down::Crash));
    use Kind::{Booted, Down as Falls, Durable};
    // Of what a boot does, the kinds of events from the first fall on.
    let from_the_fall = |plan: &str| -> Vec<Kind> {
        let run = play(&scenario, plan);
        let told = events(&run).filter(|event| match &event.what {
            What::Down(_) | What::Booted(_) => true,
            What::Durable(change) => matches!(**change, Change::Remove(_)),
            _ => false,
        });
        let kinds: Vec<Kind> = told.map(|event| event.what.kind()).collect();
        kinds.into_iter().skip_while(|kind| *kind != Falls).collect()
    };
    assert_eq!(from_the_fall(""), [Falls, Booted, Durable], "the boot takes the row of None off the disk");
    let settling = [Falls, Falls, Booted, Durable];
    let before_its_write = [Falls, Booted, Falls, Booted, Durable];
    let after_its_write = [Falls, Booted, Durable, Falls, Booted];
    for (family, answers, expected) in [
        ("write", ["crash@0", "power-loss@0", "power-loss@1", "power-loss@2"].as_slice(), settling.as_slice()),
        ("write", &["crash@0", "power-loss@0"], &before_its_write),
        ("write", &["crash@9", "power-loss@9"], &after_its_write),
        ("crash", &["crash", "power-loss"], &before_its_write),
    ] {
        for answer in answers {
            let mut each = (1..20).map(|nth| from_the_fall(&format!("{family} alice.os #{nth} {answer}")));
            assert!(each.any(|kinds| kinds == expected), "{family} {answer} never gives {expected:?}");
        }
    }
}
