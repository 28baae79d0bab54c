//! A runtime module as a user writes one: `tally` keeps a count on its node's disk.

use kernel_core::{Cause, Message, Names};
use sim::disk::{Disk, DiskError, Op, Session, parent};
use sim::explore::sweep::sweep;
use sim::explore::{run_plan, run_seed};
use sim::guest::image::Loader;
use sim::invariant::{Claim, Invariant, Past};
use sim::modules::{Module, ModuleContext, Support};
use sim::plan::Down;
use sim::plan::Plan;
use sim::scenario::{Scenario, down, millis, on, prints, secs, start, tell};
use sim::trace::event::{Event, Kind, What};
use sim::world::{Options, Run, Verdict};
use std::rc::Rc;

const TALLY: &str = "tally:demo:alice.os";
const FILE: &str = "/tally/count";

/// Adds one for each request and answers the count, which it then has on disk; unless it is careless.
struct Tally {
    careless: bool,
}

impl Tally {
    fn add(&self, disk: &mut Session) -> Result<u64, DiskError> {
        let before = match disk.read(FILE) {
            Ok(text) => std::str::from_utf8(&text).ok().and_then(|text| text.parse().ok()).unwrap_or(0),
            Err(DiskError::NotFound) => 0,
            Err(error) => return Err(error),
        };
        let count = before + 1;
        Disk::create_dir_all(parent(FILE)).into_iter().try_for_each(|op| disk.apply(op))?;
        disk.apply(Op::SyncDir("/".into()))?;
        if self.careless {
            disk.apply(Op::Create(FILE.into()))?;
            disk.apply(Op::Write(FILE.into(), 0, count.to_string().as_bytes().into()))?;
        } else {
            disk.replace(FILE, count.to_string().as_bytes())?
        }
        Ok(count)
    }
}

impl Module for Tally {
    fn uses_disk(&self) -> bool {
        true
    }

    fn on_message(&mut self, message: &Rc<Message>, cx: &mut ModuleContext<'_>) {
        let answer = match self.add(&mut cx.disk) {
            Ok(count) => count.to_string(),
            Err(error) => error.to_string(),
        };
        cx.respond(message, answer.as_str(), None);
    }

    fn fork(&self) -> Option<Box<dyn Module>> {
        Some(Box::new(Tally { careless: self.careless }))
    }

    fn actions(&self) -> &'static [(&'static str, Support)] {
        &[("add", Support::Done)]
    }
}

/// No count is answered twice.
#[derive(Clone, Debug, Default)]
struct CountsUp {
    last: u64,
}

impl Invariant for CountsUp {
    fn claim(&self) -> Claim {
        Claim::own("tally", "a count that was answered is never answered again")
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Sent]
    }

    fn on_event(&mut self, _: Cause, event: &Event, _: &Past, names: &Names) -> Result<(), String> {
        let What::Sent(message) = &event.what else { return Ok(()) };
        if message.is_request() || names.process_text(message.source.process) != TALLY {
            return Ok(());
        }
        let count = std::str::from_utf8(message.body()).ok().and_then(|text| text.parse::<u64>().ok());
        match count {
            Some(count) if count <= self.last => Err(format!("{count} is answered after {}", self.last)),
            Some(count) => {
                self.last = count;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

fn scenario(careless: bool) -> Scenario {
    let client = on("alice.os", "client:demo:alice.os");
    let add = tell(&client, &format!("await alice.os@{TALLY} 5 add"));
    Scenario::new("a-tally", "A module that counts, through a crash and a power loss.")
        .programs(scenarios::programs())
        .module(TALLY, move || Box::new(Tally { careless }))
        .holding(|| Box::new(CountsUp::default()))
        .lasting(secs(10), secs(10))
        .setup(start(client.runs("puppet").restarting().public().messaging(TALLY)))
        .every(secs(1), 9, add)
        .at(millis(3_500), down("alice.os", Down::Crash))
        .at(millis(6_500), down("alice.os", Down::PowerLoss))
        .expect(prints(&client, "add: answered 1", 1))
}

fn play(scenario: &Scenario, seed: u64) -> Run {
    let seed = sim::plan::chooser::Seed(seed);
    run_seed(scenario, seed, Default::default(), &Options::native(), &Loader::default()).expect("it is sound")
}

#[test]
fn a_module_of_ones_own_is_asked_and_answers_like_any_other() {
    let calm = run_plan(&scenario(false), &Plan::default(), &Options::native(), &Loader::default());
    let calm = calm.expect("it is sound");
    assert!(calm.held(), "{}", calm.summary());
}

#[test]
fn what_it_keeps_on_the_disk_survives_every_crash_point_and_every_seed() {
    let swept = sweep(&scenario(false), &Options::native(), &Loader::default(), |_, _| true).expect("it is sound");
    assert!(swept.points > 100 && swept.visited == swept.points, "{swept:?}");
    assert!(swept.violations.is_empty(), "{:?}", swept.violations);
    for seed in 0..300 {
        let run = play(&scenario(false), seed);
        assert!(run.held(), "seed {seed}: {}", run.summary());
    }
}

#[test]
fn one_that_answers_before_its_sync_is_caught() {
    let broken = (0..300).find_map(|seed| match play(&scenario(true), seed).verdict {
        Verdict::Violated(violations) => Some(violations[0].claim.rule.id()),
        Verdict::Held | Verdict::Limit(_) => None,
    });
    assert_eq!(broken, Some("tally"));
}

/// Panics at whatever it is asked.
struct Broken;

impl Module for Broken {
    fn uses_disk(&self) -> bool {
        false
    }

    fn on_message(&mut self, _message: &Rc<Message>, _cx: &mut ModuleContext<'_>) {
        panic!("an index out of range");
    }

    fn actions(&self) -> &'static [(&'static str, Support)] {
        &[]
    }
}

#[test]
fn a_panic_of_ones_own_module_is_named_and_the_run_goes_on() {
    let client = on("alice.os", "client:demo:alice.os");
    let broken = Scenario::new("broken", "")
        .programs(scenarios::programs())
        .module("broken:demo:alice.os", || Box::new(Broken))
        .setup(start(client.runs("puppet").messaging("broken:demo:alice.os")))
        .every(secs(1), 3, tell(&client, "await alice.os@broken:demo:alice.os 1 ask"))
        .at(secs(20), tell(&client, "print still there"))
        .expect(prints(&client, "still there", 1));
    let run = run_plan(&broken, &Plan::default(), &Options::native(), &Loader::default()).expect("it is sound");
    assert_eq!((&run.verdict, run.held()), (&Verdict::Held, false));
    let said: Vec<String> = run.panics.iter().map(|panic| format!("{} {}", panic.what, panic.text)).collect();
    assert_eq!(said, ["the module `broken:demo:alice.os` an index out of range"]);
}

#[test]
fn a_module_that_no_node_can_have_is_told_of() {
    let run = |id: &str| {
        let wrong = Scenario::new("wrong", "").module(id, || Box::new(Tally { careless: false }));
        let run = run_plan(&wrong, &Plan::default(), &Options::native(), &Loader::default());
        run.err().expect("it cannot be played").to_string()
    };
    assert!(run("tally").contains("legal id"));
    assert!(run("kernel:distro:sys").contains("cannot be replaced"));
}
