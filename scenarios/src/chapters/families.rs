//! Parents and children, as the book advises (K3, K4). The kernel does not know them.

use super::{ALICE, DEMO, alice, scenario, to_ask};
use sim::package::Package;
use sim::plan::Down;
use sim::scenario::{On, Scenario, Start, alive, down, gone, kill, lives, millis, prints, secs, start, tell};

pub(super) fn all() -> Vec<Scenario> {
    vec![
        death_by_timeout(),
        a_child_that_persists(),
        a_childs_product(),
        a_child_raised_anew(),
        a_child_spawned_with_last_words(),
        a_cooperative_kill(),
        children_handed_over(),
        a_parent_that_comes_back(),
        a_name_already_taken(),
    ]
}

/// A scenario whose package has the programs of children on its drive.
fn family(name: &str, about: &str) -> Scenario {
    let package = Package::new(DEMO, "[]").file("/child.wasm", "puppet").file("/worker.wasm", "worker");
    scenario(name, about).package(ALICE, package)
}

fn raising(child: &On, program: &str, on_exit: &str) -> String {
    format!("raise {} /{DEMO}/pkg/{program}.wasm {on_exit}", own_name(child))
}

/// Makes the parent ask its child.
fn asking(child: &On, seconds: u64, body: &str) -> String {
    format!("ask {} {seconds} {body}", own_name(child))
}

/// A process's own name, without its package.
fn own_name(on: &On) -> &str {
    on.process.split(':').next().expect("a text has a first part")
}

/// "A parent process should usually use `OnExit::Restart` as its behavior."
fn a_parent(parent: &On) -> Start {
    parent.runs("parent").restarting()
}

fn death_by_timeout() -> Scenario {
    let (parent, child) = (alice("parent"), alice("child"));
    family(
        "death-by-timeout",
        "A None child can exit at any time without notifying its parent. A parent with outstanding requests to the \
         child can assume that it failed when they time out.",
    )
    .lasting(secs(10), secs(10))
    .setup(start(a_parent(&parent)))
    .at(millis(500), tell(&parent, &raising(&child, "child", "none")))
    .every(secs(1), 8, tell(&parent, &asking(&child, 2, "respond fine")))
    .at(millis(3_500), tell(&parent, &asking(&child, 3, "panic on purpose")))
    .expect(prints(&parent, "child answered fine", 3))
    // The request at which it died runs into its timeout; later ones find no process.
    .expect(prints(&parent, "child is gone: timeout", 6))
    .expect(lives(&child, 1))
    .expect(gone(&child))
}

fn a_child_that_persists() -> Scenario {
    let (parent, child) = (alice("parent"), alice("child"));
    family(
        "a-child-that-persists",
        "A Restart child returns, panics, and is there again. When the owner kills it, the parent is not notified, and \
         learns of it from its next request.",
    )
    .lasting(secs(12), secs(10))
    .setup(start(a_parent(&parent)))
    .at(millis(500), tell(&parent, &raising(&child, "child", "restart")))
    .every(secs(1), 10, tell(&parent, &asking(&child, 2, "respond fine")))
    .at(millis(2_500), tell(&parent, &asking(&child, 1, "panic on purpose")))
    .at(millis(4_500), tell(&parent, &asking(&child, 1, "return")))
    .at(millis(7_500), kill(&child))
    .expect(prints(&parent, "child answered fine", 7))
    .expect(prints(&parent, "child is gone: timeout", 2 + 3))
    .expect(lives(&child, 3))
    .expect(gone(&child))
}

fn a_childs_product() -> Scenario {
    let (parent, worker) = (alice("parent"), alice("worker"));
    family(
        "a-childs-product",
        "A Requests child makes a work product for its parent: the child puts it into an on-exit request, which is \
         fired when it exits.",
    )
    .lasting(secs(10), secs(10))
    .setup(start(a_parent(&parent)))
    .at(millis(500), tell(&parent, &raising(&worker, "worker", "none")))
    .every(secs(1), 9, tell(&parent, &asking(&worker, 1, "how far are you?")))
    .at(millis(3_500), tell(&parent, &asking(&worker, 1, "work 12")))
    .at(millis(5_500), tell(&parent, &raising(&worker, "worker", "none")))
    .at(millis(7_500), tell(&parent, &asking(&worker, 1, "work 7")))
    .expect(prints(&worker, "worked 12", 1))
    .expect(prints(&parent, "got product 144 from worker", 1))
    .expect(prints(&parent, "got product 49 from worker", 1))
    .expect(lives(&worker, 2))
    .expect(gone(&worker))
}

/// "If it is important that the parent do some action immediately upon the child's exit."
fn a_child_raised_anew() -> Scenario {
    let (parent, child) = (alice("parent"), alice("child"));
    let raise = raising(&child, "child", "none");
    family(
        "a-child-raised-anew",
        "A parent acts on its child's last words. The child asks with them to be raised anew: it panics, returns and is \
         killed, and is there again at once. After a crash of the node the boot sends them to the parent, which was \
         restarted.",
    )
    .lasting(secs(13), secs(10))
    .setup(start(a_parent(&parent)))
    .at(millis(500), tell(&parent, &raise))
    .every(secs(1), 12, tell(&parent, &asking(&child, 2, &format!("on-exit requests {parent} {raise}\nrespond fine"))))
    .at(millis(2_500), tell(&parent, &asking(&child, 1, "panic on purpose")))
    .at(millis(4_500), tell(&parent, &asking(&child, 1, "return")))
    .at(millis(6_500), kill(&child))
    .at(millis(8_500), down(ALICE, Down::Crash))
    .expect(prints(&parent, "raised child:demo:alice.os", 5))
    .expect(prints(&parent, "not raised: name-taken", 0))
    .expect(lives(&child, 5))
    .expect(lives(&parent, 2))
    .expect(alive(&child))
}

/// S6, E4: `spawn` with `Requests`.
fn a_child_spawned_with_last_words() -> Scenario {
    let (parent, aunt, stranger, child) = (alice("parent"), alice("aunt"), alice("stranger"), alice("child"));
    let bears = format!(
        r#"child -heir={parent}|print_it_is_gone -heir={aunt}|print_poor_thing -heir={stranger}|print_who? -want={aunt}|"messaging" {} /{DEMO}/pkg/child.wasm"#,
        own_name(&child)
    );
    family(
        "a-child-spawned-with-last-words",
        "A parent spawns a child as Requests: what is fired when the child exits is there from its first instant. The \
         parent and the aunt, whom the child may message, receive it; a stranger does not.",
    )
    .lasting(secs(11), secs(10))
    .setup(start(aunt.runs("puppet").restarting()))
    .setup(start(stranger.runs("puppet").restarting()))
    .setup(start(parent.runs("puppet").restarting().messaging(&aunt.process)))
    .every(secs(1), 10, tell(&parent, &to_ask(&child, 1, "respond fine")))
    .at(millis(1_500), tell(&parent, &bears))
    .at(millis(3_500), kill(&child))
    .at(millis(5_500), tell(&parent, &bears))
    .at(millis(7_500), down(ALICE, Down::PowerLoss))
    .expect(prints(&parent, "spawned child:demo:alice.os", 2))
    .expect(prints(&parent, "it is gone", 2))
    .expect(prints(&aunt, "poor thing", 2))
    .expect(prints(&stranger, "who?", 0))
    .expect(prints(&parent, "respond fine: answered fine", 4))
    .expect(lives(&child, 2))
    .expect(gone(&child))
}

/// K4: the parent asks, and the child returns.
fn a_cooperative_kill() -> Scenario {
    let (parent, child, sibling) = (alice("parent"), alice("child"), alice("sibling"));
    family(
        "a-cooperative-kill",
        "A parent ends a child by a request that the child answers by exiting. The child's sibling is not affected.",
    )
    .lasting(secs(8), secs(10))
    .setup(start(a_parent(&parent)))
    .at(millis(500), tell(&parent, &raising(&child, "child", "none")))
    .at(millis(600), tell(&parent, &raising(&sibling, "child", "none")))
    .every(secs(1), 6, tell(&parent, &asking(&child, 2, "respond here")))
    .every(secs(1), 6, tell(&parent, &asking(&sibling, 2, "respond here")))
    .at(millis(3_500), tell(&parent, &asking(&child, 2, "return")))
    .expect(prints(&parent, "child answered here", 3))
    .expect(prints(&parent, "child is gone: timeout", 4))
    .expect(prints(&parent, "sibling answered here", 6))
    .expect(gone(&child))
    .expect(alive(&sibling))
}

fn children_handed_over() -> Scenario {
    let (parent, aunt) = (alice("parent"), alice("aunt"));
    let (child, sibling) = (alice("child"), alice("sibling"));
    family(
        "children-handed-over",
        "A parent may be other than Restart if it hands its children to another process. The kernel knows no parents \
         and children: when the parent exits, the children stay.",
    )
    .lasting(secs(11), secs(10))
    .setup(start(aunt.runs("parent").restarting().public()))
    .setup(start(parent.runs("parent").messaging(&aunt.process)))
    .at(millis(500), tell(&parent, &raising(&child, "child", "restart")))
    .at(millis(600), tell(&parent, &raising(&sibling, "child", "none")))
    .every(secs(1), 9, tell(&aunt, &asking(&child, 2, "respond I am well")))
    .every(secs(1), 9, tell(&aunt, &asking(&sibling, 2, "respond so am I")))
    .at(millis(3_500), tell(&parent, "hand child aunt"))
    .at(millis(4_500), tell(&parent, "hand sibling aunt"))
    .at(millis(6_500), tell(&parent, "leave"))
    // She may not ask children that were not handed to her.
    .expect(prints(&aunt, "child is gone: timeout", 3))
    .expect(prints(&aunt, "sibling is gone: timeout", 4))
    .expect(prints(&aunt, "adopted child", 1))
    .expect(prints(&aunt, "child answered I am well", 6))
    .expect(prints(&aunt, "sibling answered so am I", 5))
    .expect(gone(&parent))
    .expect(alive(&child))
    .expect(alive(&sibling))
}

/// K3: a parent's exit does nothing to its children.
fn a_parent_that_comes_back() -> Scenario {
    let (parent, child, lodger) = (alice("parent"), alice("child"), alice("lodger"));
    family(
        "a-parent-that-comes-back",
        "A Restart parent and its Restart child come back with the node and may still message each other. The None \
         lodger does not, and the parent spawns it again.",
    )
    .lasting(secs(11), secs(10))
    .setup(start(a_parent(&parent)))
    .at(millis(500), tell(&parent, &raising(&child, "child", "restart")))
    .at(millis(600), tell(&parent, &raising(&lodger, "child", "none")))
    .every(secs(1), 9, tell(&parent, &asking(&child, 2, "respond fine")))
    .every(secs(1), 9, tell(&parent, &asking(&lodger, 2, "respond fine")))
    .at(millis(3_500), down(ALICE, Down::Crash))
    .at(millis(6_500), tell(&parent, &raising(&lodger, "child", "none")))
    .expect(prints(&parent, "child answered fine", 9))
    .expect(prints(&parent, "lodger answered fine", 6))
    .expect(prints(&parent, "lodger is gone: timeout", 3))
    .expect(lives(&parent, 2))
    .expect(lives(&child, 2))
    .expect(lives(&lodger, 2))
}

/// S6.
fn a_name_already_taken() -> Scenario {
    let (parent, child) = (alice("parent"), alice("child"));
    family(
        "a-name-already-taken",
        "A parent that spawns under a name that is taken, or from a path without code, gets an error. The process that \
         has the name goes on undisturbed.",
    )
    .lasting(secs(8), secs(10))
    .setup(start(a_parent(&parent)))
    .at(millis(500), tell(&parent, &raising(&child, "child", "restart")))
    .every(secs(1), 6, tell(&parent, &asking(&child, 2, "respond fine")))
    .at(millis(2_500), tell(&parent, &raising(&child, "worker", "none")))
    .at(millis(3_500), tell(&parent, &raising(&alice("twin"), "nothing", "none")))
    .at(millis(4_500), tell(&parent, &asking(&child, 2, "panic on purpose")))
    .expect(prints(&parent, "raised child:demo:alice.os", 1))
    .expect(prints(&parent, "not raised: name-taken", 1))
    .expect(prints(&parent, "not raised: no-file-at-path", 1))
    .expect(prints(&parent, "child answered fine", 6))
    .expect(lives(&child, 2))
    .expect(gone(alice("twin")))
}
