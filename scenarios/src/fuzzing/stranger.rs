//! A stranger on a node: any bytes, installed like a process, beside one that does its work.

use kernel_core::{Duration, Exit};
use sim::guest::image::Loader;
use sim::guest::native::{self, ReceivedExt};
use sim::guest::wasm::Limits;
use sim::plan::chooser::Chooser;
use sim::scenario::{Flavor, Program, Scenario, alive, answers, ask, gone, kill, lives, on, start};
use sim::trace::event::What;
use sim::world::{Bounds, Options, Verdict, World};

/// What became of a stranger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It never began: its code is not valid, or it is none.
    Refused,
    /// It lived, and was killed in the end; its panics, if it panicked.
    Lived {
        /// The texts of its panics, each once.
        panics: Vec<String>,
        /// Whether it computed for a quantum and longer.
        spun: bool,
    },
    /// The run reached this bound.
    Limit(String),
}

/// A stranger that was met.
#[derive(Clone, Debug)]
pub struct Met {
    /// What became of it.
    pub fate: Fate,
    /// The fuel that all its lives burned together.
    pub fuel: u64,
}

/// What a stranger may use up in one life.
pub fn limits() -> Limits {
    Limits { memory_bytes: 4 << 20, spin_fuel: 50_000, ..Limits::default() }
}

/// Runs a program of any bytes on a node, beside a witness that answers, for so long; kills it before the end, and says
/// what became of it and what it burned.
///
/// # Panics
/// If anybody else suffers: a rule is broken, the witness dies or does not answer, the stranger cannot be killed; and if
/// a second run leaves another fingerprint.
pub fn meet(wasm: &[u8], span: Duration) -> Met {
    let (witness, stranger) = (on("alice.os", "witness:fuzz:alice.os"), on("alice.os", "stranger:fuzz:alice.os"));
    let program = |name: &str, native, wasm| Program { name: name.to_string(), native, wasm };
    let everybody = ["kernel:distro:sys", "vfs:distro:sys", "timer:distro:sys", "net:distro:sys"];
    let mut invited = stranger.runs("stranger").restarting().networking().messaging(&witness.process);
    for module in &everybody[1..] {
        invited = invited.messaging(module);
    }
    let scenario = Scenario::new("a-stranger", "any program, beside one that does its work")
        .programs([
            program("witness", Some(native::Program::new("witness", witness_that_answers)), None),
            program("stranger", None, Some(wasm.into())),
        ])
        .lasting(span, span)
        .setup(start(witness.runs("witness").restarting().public()))
        .setup(start(invited))
        .every(Duration(span.0 / 6), 4, ask(&witness, "are you there?"))
        .at(Duration(span.0 / 6 * 5), kill(&stranger))
        .expect(answers(&witness, "here"))
        .expect(alive(&witness))
        .expect(lives(&witness, 1))
        .expect(gone(&stranger));
    let bounds = Bounds {
        begun: 16 << 30,
        events: 5_000,
        fuel: 5_000_000,
        copied: 16 << 20,
        rewritten: 1 << 30,
        memory: 32 << 20,
        host: 10_000_000_000,
        mailboxes: 16 << 20,
    };
    let options = Options { flavor: Flavor::Native, limits: limits(), bounds, keep_trace: true, ..Options::default() };
    let loader = Loader::default();
    let run = |options: Options| {
        World::new(&scenario, options, Chooser::calm(), &loader).expect("the scenario names what it has").run()
    };
    let first = run(options.clone());
    if let Verdict::Violated(_) = first.verdict {
        panic!("{}", first.summary());
    }
    let again = run(Options { keep_trace: false, ..options });
    assert_eq!(first.fingerprint, again.fingerprint, "a second run of the same");
    // The witness is native, and burns none.
    Met { fate: fate(&first), fuel: first.usage.values().map(|usage| usage.fuel).sum() }
}

fn fate(run: &sim::world::Run) -> Fate {
    if let Verdict::Limit(bound) = &run.verdict {
        return Fate::Limit(bound.clone());
    }
    let stranger = |process| run.names.process_text(process).starts_with("stranger:");
    let events = || run.trace.events().map(|(_, event)| &event.what);
    if !events().any(|what| matches!(what, What::Started(life) if stranger(life.process))) {
        return Fate::Refused;
    }
    let mut panics: Vec<String> = events()
        .filter_map(|what| match what {
            What::Exited(life, Exit::Panicked, words) if stranger(life.process) => Some(words.text.to_string()),
            _ => None,
        })
        .collect();
    panics.sort();
    panics.dedup();
    let spun = events().any(|what| matches!(what, What::Spun(..)));
    Fate::Lived { panics, spun }
}

async fn witness_that_answers(os: native::Os) {
    loop {
        if os.receive().await.request().is_some() {
            os.respond("here");
        }
    }
}
