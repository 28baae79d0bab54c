//! What some deviations do besides what gives them away.

use super::node::{Node, the_sent, the_write};
use kernel_core::command::Command;
use kernel_core::{
    Call, Capability, Change, Deviation, Effect, Exit, Input, OnExit, OnExitRequest, Request, Semantics,
};

#[test]
fn under_d4_a_boot_starts_a_process_and_fires_its_requests_as_well() {
    let (mut quiet, _) = Node::boot(Semantics::book(), &[]);
    let target = quiet.address("heir");
    let request = Request { body: "adieu".into(), ..Request::default() };
    let words = OnExit::Requests([OnExitRequest { target, request, blob: None }].into());
    let rows = [("heir", OnExit::Restart), ("p", words)];
    let (mut node, out) = Node::boot(Semantics::book().with(Deviation::D4), &rows);
    let process = node.process("p");
    assert!(out.iter().any(|effect| matches!(effect, Effect::Start { process: who, .. } if *who == process)));
    assert_eq!(the_sent(&out).source.process, process);
}

#[test]
fn under_d17_a_revocation_passes_by_who_waits_out_a_back_off_and_nobody_else() {
    let rows = [("waits", OnExit::Restart), ("runs", OnExit::Restart), ("issues", OnExit::Restart)];
    let (mut node, _) = Node::boot(Semantics::book().with(Deviation::D17), &rows);
    let [waits, runs, issues] = ["waits", "runs", "issues"].map(|name| node.process(name));
    let right = Capability::messaging(node.address("issues"));
    for process in [waits, runs] {
        let (write, _) = the_write(&node.command(&Command::Grant(process, vec![right])));
        node.written(write);
    }
    node.step(Input::Exited { process: waits, exit: Exit::Panicked, legible: true });
    let (write, _) = the_write(&node.command(&Command::Kill(issues)));
    node.written(write);
    assert!(node.kernel.holds(waits, &right) && !node.kernel.holds(runs, &right));
}

#[test]
fn under_d25_a_kill_lands_at_the_next_call() {
    let (mut node, _) = Node::boot(Semantics::book().with(Deviation::D25), &[("p", OnExit::Restart)]);
    let process = node.process("p");
    let out = node.command(&Command::Kill(process));
    assert!(!out.contains(&Effect::Stop(process)), "it computes on");
    let out = node.step(Input::Call(process, Call::Our));
    assert!(out.contains(&Effect::Stop(process)));
    assert_eq!(the_write(&out).1, [Change::Remove(process)]);
}
