//! K3 and K4.

use crate::invariant::tests::history::{History, history};
use kernel_core::{OnExit, Rule};

fn family() -> History {
    history().runs("parent", OnExit::None).spawns("parent", "child")
}

#[test]
fn a_child_survives_its_parent() {
    let orphan = || {
        let mut scenario = family();
        let to_parent = scenario.messaging("parent");
        scenario.panics("parent").is_off_the_disk("parent").loses("child", to_parent)
    };
    orphan().panics("child").starts("child").holds();
    orphan().is_stopped("child").breaks(Rule::K3);
}

#[test]
fn a_killed_child_tells_its_parent_nothing() {
    let killed = || {
        let mut scenario = family();
        let to_child = scenario.messaging("child");
        let killed = scenario.is_killed_by("terminal", "child").is_off_the_disk("child").loses("parent", to_child);
        killed.killing_is_answered("child")
    };
    killed().holds();
    killed().fires("child", "parent", "I am no more").breaks(Rule::K4);
}
