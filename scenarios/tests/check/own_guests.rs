//! Every committed guest goes through `check`: with what its workload sends it, at crash points and under seeds.

use super::called::{Folder, built, check, package, workload};
use std::collections::BTreeSet;
use std::fs;

const RESTART: &str = "\"Restart\"";
/// Enough to meet faults of each kind; the tests beside this one look closer.
const SOME: [&str; 4] = ["--points", "40", "--seeds", "8"];

/// The guests whose every process survives, alone in their package, and a sign that they did something.
const SURVIVE: [(&str, &str, &str); 9] = [
    ("archive", "archive:check.os", " logs\""),
    ("bank", "bank:check.os", "22 send-and-await-response"),
    ("chat", "chat:check.os", "heard hi from bob.os"),
    ("counter", "counter:check.os", "8 messages received"),
    ("idle", "idle:check.os", "waits for messages at the end"),
    ("indexer", "indexer:check.os", " logs\""),
    ("ledger", "demo:alice.os", "36 send-and-await-response"),
    ("puppet", "puppet:check.os", "state: kept"),
    ("ticker", "ticker:check.os", "price 12"),
];
/// Those that are wrong on purpose, and the rule that they break.
const BREAK: [(&str, &str); 2] = [("crasher", "restart-loop"), ("fragile", "never-forgets")];
/// Those that need others beside them.
const FAMILIES: [&str; 4] = ["keeper", "parent", "saver", "worker"];

#[test]
fn none_is_left_out() {
    let folder = fs::read_dir(built("idle").parent().expect("it lies in a folder")).expect("it can be read");
    let files = folder.map(|entry| entry.expect("it can be read").file_name().into_string().expect("it is UTF-8"));
    let there: BTreeSet<String> = files.filter_map(|file| Some(file.strip_suffix(".wasm")?.to_string())).collect();
    let named = SURVIVE.iter().map(|(guest, ..)| *guest).chain(BREAK.map(|(guest, _)| guest)).chain(FAMILIES);
    assert_eq!(there, named.map(str::to_string).collect());
}

#[test]
fn who_is_right_by_itself_passes() {
    for (guest, id, did) in SURVIVE {
        let folder = Folder::new().with("it.toml", workload(guest));
        let arguments = [&["--id", id, "--workload", "it.toml"][..], &SOME].concat();
        check(&built(guest), folder.0.path(), &arguments).must_end(0).must_say(&[did, "PASSED"]);
    }
}

/// What a package developer asks: does it live on the runtime that I deploy to?
#[test]
fn on_the_kernels_of_the_runtimes_guests_pass_and_what_no_package_can_make_up_for_is_set_aside() {
    for kernel in ["kinode-1.0", "hyperdrive-1.9"] {
        for (guest, id, did) in SURVIVE {
            let folder = Folder::new().with("it.toml", workload(guest));
            let few = ["--points", "16", "--seeds", "2"];
            let kernel = ["--kernel", kernel, "--id", id, "--workload", "it.toml"];
            let checked = check(&built(guest), folder.0.path(), &[&kernel[..], &few].concat());
            let kill = "the kernel breaks K5 by itself, which does not count against the package: D18 (";
            let checked = checked.must_end(0).must_say(&["PASSED", did, kill]);
            // It trusts what set-state says it has saved, as every package has to.
            if guest == "counter" {
                let lost = "D27: state and kv acknowledge writes without a sync, so that a power loss takes";
                checked.must_say(&[lost, "With it, counter:counter:check.os answered", "power-loss@0"]);
            }
        }
    }
}

/// After a few injected panics a process waits out its back-off when the run ends, or when it is asked again; or its owner
/// kills it then.
#[test]
fn who_is_in_a_back_off_is_neither_gone_nor_owes_anything() {
    let traps = |id: &str, steps: &[u32]| {
        let lines = steps.iter().zip(1..).map(|(step, life)| format!("trap alice.os@{id}/{life} #{step} panic"));
        lines.collect::<Vec<_>>().join("; ")
    };
    let killed = "kill alice.os #42 indexer:indexer:check.os; trap alice.os@indexer:indexer:check.os/1 #6 panic";
    for (guest, id, plan) in [
        ("bank", "bank:check.os", traps("bank:bank:check.os", &[9, 6, 8, 1])),
        ("ticker", "ticker:check.os", traps("ticker:ticker:check.os", &[8, 8, 3, 7])),
        ("indexer", "indexer:check.os", killed.to_string()),
    ] {
        let folder = Folder::new().with("it.toml", workload(guest));
        let arguments = ["--id", id, "--workload", "it.toml", "--kernel", "hyperdrive-1.9", "--plan", &plan];
        check(&built(guest), folder.0.path(), &arguments).must_end(0);
    }
}

#[test]
fn who_is_wrong_on_purpose_is_caught() {
    for (guest, rule) in BREAK {
        let folder = Folder::new().with("it.toml", workload(guest));
        let arguments = [&["--workload", "it.toml"][..], &SOME].concat();
        check(&built(guest), folder.0.path(), &arguments).must_end(1).must_say(&[rule, "FAILED"]);
    }
}

#[test]
fn those_that_need_each_other_pass_together() {
    let store =
        [("keeper", "keeper", RESTART, &["saver:demo:me.os"][..]), ("saver", "saver", RESTART, &["keeper:demo:me.os"])];
    let family = [("parent", "parent", RESTART, &["vfs:distro:sys"][..])];
    for (processes, more, file, did) in [
        (&store[..], &[][..], "saver", "\"resumed at 0\""),
        (&family[..], &["worker"][..], "parent", "\"got product 9 from kid\""),
    ] {
        let folder = package(processes, more).with("it.toml", workload(file));
        for kernel in ["book", "kinode-1.0", "hyperdrive-1.9"] {
            let arguments = [&["--workload", "it.toml", "--kernel", kernel][..], &SOME].concat();
            check(folder.0.path(), folder.0.path(), &arguments).must_end(0).must_say(&[did, "PASSED"]);
        }
    }
}
