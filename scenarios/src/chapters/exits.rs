//! The exit matrix: four ways to exit, three behaviours, a scenario for each cell (X).

use super::{ALICE, alice, leaving, scenario, to_ask};
use kernel_core::{How, OnExitKind};
use sim::plan::Down;
use sim::scenario::{Action, On, Scenario, alive, down, gone, kill, lives, millis, prints, secs, start, tell};
use sim::trace::coverage::COLUMNS;

pub(super) fn all() -> Vec<Scenario> {
    let mut scenarios: Vec<Scenario> =
        How::ALL.into_iter().flat_map(|how| COLUMNS.map(|on_exit| cell(how, on_exit))).collect();
    scenarios.extend([three_ways_down(), a_busy_node()]);
    scenarios
}

/// A subject exits in one way, with one on-exit value, while it waits for an answer. A witness asks it throughout.
fn cell(how: How, on_exit: OnExitKind) -> Scenario {
    let (subject, witness, silent) = (alice("subject"), alice("witness"), alice("silent"));
    let exit = match how {
        How::Return => tell(&subject, "return"),
        How::Panic => tell(&subject, "panic on purpose"),
        How::Kill => kill(&subject),
        How::Down => down(ALICE, Down::Crash),
    };
    let runs = subject.runs("puppet").messaging(&silent.process).messaging(&witness.process);
    let comes_back = on_exit == OnExitKind::Restart && how != How::Kill;
    let fires = on_exit == OnExitKind::Requests;
    let (heard, missed) = if comes_back { (9, 0) } else { (3, 6) };
    scenario(cell_name(how, on_exit), cell_about(how, on_exit))
        .lasting(secs(10), secs(10))
        .setup(start(silent.runs("idle").restarting()))
        .setup(start(leaving(runs, on_exit, &witness, "print it is gone")))
        .setup(start(witness.runs("puppet").restarting().messaging(&subject.process)))
        .every(secs(1), 9, tell(&witness, &to_ask(&subject, 1, "respond here")))
        .every(secs(3), 3, tell(&subject, &to_ask(&silent, 2, "any news?")))
        .at(millis(3_500), exit)
        .expect(if comes_back { alive(&subject) } else { gone(&subject) })
        .expect(lives(&subject, 1 + u32::from(comes_back)))
        .expect(prints(&witness, "respond here: answered here", heard))
        .expect(prints(&witness, "respond here: timeout", missed))
        .expect(prints(&witness, "it is gone", u32::from(fires)))
        // The request of one life is not answered to the next (E10): only those of 6 s and 9 s time out.
        .expect(prints(&subject, "any news?: timeout", if comes_back { 2 } else { 0 }))
}

fn cell_name(how: How, on_exit: OnExitKind) -> &'static str {
    use OnExitKind::{None, Requests, Restart};
    match (how, on_exit) {
        (How::Return, None) => "return-none",
        (How::Return, Restart) => "return-restart",
        (How::Return, Requests) => "return-requests",
        (How::Panic, None) => "panic-none",
        (How::Panic, Restart) => "panic-restart",
        (How::Panic, Requests) => "panic-requests",
        (How::Kill, None) => "kill-none",
        (How::Kill, Restart) => "kill-restart",
        (How::Kill, Requests) => "kill-requests",
        (How::Down, None) => "down-none",
        (How::Down, Restart) => "down-restart",
        (How::Down, Requests) => "down-requests",
    }
}

fn cell_about(how: How, on_exit: OnExitKind) -> &'static str {
    use OnExitKind::{None, Requests, Restart};
    match (how, on_exit) {
        (How::Return, None) => "init() returns under OnExit::None: the process is not restarted and nothing happens.",
        (How::Return, Restart) => "init() returns under OnExit::Restart: the process is restarted immediately.",
        (How::Return, Requests) => {
            "init() returns under OnExit::Requests: the process is not restarted, and its requests are fired."
        }
        (How::Panic, None) => "The code panics under OnExit::None: the process is not restarted, no matter what.",
        (How::Panic, Restart) => "The code panics under OnExit::Restart: the process is restarted immediately.",
        (How::Panic, Requests) => {
            "The code panics under OnExit::Requests: the process is not restarted, and its requests are fired."
        }
        (How::Kill, None) => "The kernel kills a process under OnExit::None: it is not restarted and nothing happens.",
        (How::Kill, Restart) => {
            "The kernel kills a process under OnExit::Restart, which is treated as None in this \
             case only."
        }
        (How::Kill, Requests) => {
            "The kernel kills a process under OnExit::Requests: its requests are fired all the \
             same."
        }
        (How::Down, None) => "The runtime crashes under OnExit::None: the process is not there after the next boot.",
        (How::Down, Restart) => "The runtime crashes under OnExit::Restart: the next boot restarts the process.",
        (How::Down, Requests) => {
            "The runtime crashes under OnExit::Requests: the next boot tells the processes that restarted that this \
             one has exited."
        }
    }
}

/// The fourth way to exit has three forms.
fn three_ways_down() -> Scenario {
    let (lasting, fleeting, leaver) = (alice("lasting"), alice("fleeting"), alice("leaver"));
    let witness = alice("witness");
    let fleeting_starts = || start(fleeting.runs("puppet").messaging(&lasting.process));
    let leaver_starts =
        || start(leaving(leaver.runs("idle"), OnExitKind::Requests, &witness, "print the leaver is gone"));
    let nights = [(3, Down::Shutdown), (8, Down::Crash), (13, Down::PowerLoss)];
    let mut scenario = scenario(
        "three-ways-down",
        "The runtime shuts down gracefully, crashes, and loses power. Each time the Restart process comes back, the \
         None process does not, and the boot fires the request of the Requests process.",
    )
    .lasting(secs(17), secs(10))
    .setup(start(lasting.runs("puppet").restarting()))
    .setup(start(witness.runs("puppet").restarting()))
    .setup(fleeting_starts())
    .setup(leaver_starts())
    .every(secs(1), 16, tell(&fleeting, &to_ask(&lasting, 4, "print I heard you")))
    .expect(lives(&lasting, 4))
    .expect(lives(&fleeting, 3))
    .expect(lives(&leaver, 3))
    .expect(gone(&fleeting))
    .expect(gone(&leaver))
    .expect(prints(&witness, "the leaver is gone", 3));
    for (night, how) in nights {
        scenario = scenario.at(millis(night * 1_000 + 500), down(ALICE, how));
    }
    for (morning, _) in &nights[..2] {
        scenario = scenario.at(secs(morning + 3), fleeting_starts()).at(secs(morning + 3), leaver_starts());
    }
    scenario
}

/// E6, E7: all on-exit values side by side, each with every way to exit, while all exchange messages.
fn a_busy_node() -> Scenario {
    let (none, restart, requests) = (alice("none"), alice("restart"), alice("requests"));
    let witness = alice("witness");
    let starts = |on_exit| {
        let (subject, other) = match on_exit {
            OnExitKind::None => (&none, &restart),
            OnExitKind::Restart => (&restart, &requests),
            OnExitKind::Requests => (&requests, &restart),
        };
        let puppet = subject.runs("puppet").public().messaging(&other.process);
        start(leaving(puppet, on_exit, &witness, "print one has left"))
    };
    /// In which second, and what the owner does to each.
    type Way = (u64, fn(&On) -> Action);
    let ways: [Way; 3] = [(2, |on| tell(on, "return")), (5, |on| tell(on, "panic on purpose")), (8, |on| kill(on))];
    let mut scenario = scenario(
        "a-busy-node",
        "A process of each on-exit value on one node, all exchanging messages: all return, all panic, all are killed, \
         and those that do not come back are started again.",
    )
    .lasting(secs(13), secs(10))
    .setup(start(witness.runs("puppet").restarting()))
    .setup(starts(OnExitKind::None))
    .setup(starts(OnExitKind::Restart))
    .setup(starts(OnExitKind::Requests))
    .every(secs(1), 12, tell(&none, &to_ask(&restart, 2, "respond well")))
    .every(secs(1), 12, tell(&restart, &to_ask(&requests, 2, "print I do not answer")))
    .every(secs(1), 12, tell(&requests, &to_ask(&restart, 2, "respond well")));
    for (second, exit) in ways {
        for subject in [&none, &restart, &requests] {
            scenario = scenario.at(millis(second * 1_000 + 500), exit(subject));
        }
        for on_exit in COLUMNS {
            scenario = scenario.at(secs(second + 2), starts(on_exit));
        }
    }
    scenario
        .expect(lives(&none, 4))
        .expect(lives(&restart, 4))
        .expect(lives(&requests, 4))
        .expect(prints(&witness, "one has left", 3))
        .expect(alive(&none))
        .expect(alive(&restart))
        .expect(alive(&requests))
}
