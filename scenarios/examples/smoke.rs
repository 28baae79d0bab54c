use kernel_core::Duration;
use scenarios::guests;
use sim::chooser::*;
use sim::explore::*;
use sim::image::Loader;
use sim::scenario::*;
use sim::world::Options;
fn main() {
    let programs = guests::programs().into_iter().map(|p| Program {
        name: p.name().to_string(),
        wasm: std::fs::read(format!("scenarios/guests/built/{}.wasm", p.name())).ok().map(Into::into),
        native: Some(p),
    });
    let c = || on("alice.os", "counter:demo:alice.os");
    let s = Scenario::new("counter", "x")
        .programs(programs)
        .setup(start(c().runs("counter").restarting()))
        .at(Duration::from_secs(1), ask(c(), "add"))
        .at(Duration::from_secs(2), ask(c(), "add"))
        .at(Duration::from_secs(3), down("alice.os", sim::site::Down::Crash))
        .at(Duration::from_secs(7), ask(c(), "add"))
        .at(Duration::from_secs(8), kill(c()))
        .expect(Expect::Answers(c(), "3".into()))
        .expect(Expect::Gone(c()));
    let loader = Loader::default();
    let mut fps = vec![];
    for flavor in [Flavor::Native, Flavor::Wasm] {
        let o = Options { flavor, keep_trace: true, ..Options::default() };
        let run = run_plan(&s, &Default::default(), &o, &loader).unwrap();
        if flavor == Flavor::Native || fps[0] != run.fingerprint {
            for (i, e) in run.trace.events() {
                println!("{}", sim::trace::line(*i, e, &run.names));
            }
        }
        println!("{:?} {}", run.verdict, run.fingerprint);
        fps.push(run.fingerprint);
    }
    let o = Options::default();
    let t = std::time::SystemTime::UNIX_EPOCH;
    let _ = t;
    for jobs in [1, 2] {
        let x =
            explore(&s, &(0..1000).map(Seed).collect::<Vec<_>>(), Profile::Swarm, &o, &loader, jobs, || {}).unwrap();
        println!("{} events {} {:?} {:?}", x.events, x.fingerprint, x.violations.first(), x.coverage.reached());
    }
    for n in 0..20 { let r = record_seed(&s, Seed(n), Profile::Swarm, &o, &loader).unwrap(); println!("{n}: {} lines, {} events: {}", r.plan.as_ref().unwrap().lines.len(), r.trace.len(), r.plan.unwrap().one_line()); }
    let run = record_seed(&s, Seed(3), Profile::Swarm, &o, &loader).unwrap();
    let plan = run.plan.clone().unwrap();
    println!("{plan}");
    let again = run_plan(&s, &plan, &o, &loader).unwrap();
    println!("{} {}", run.fingerprint, again.fingerprint);
}
