//! What was seen in the real kernel, switch by switch: each test names the fact.

use super::node::{Node, loads, the_answer, the_sent, the_write};
use kernel_core::command::{Command, CommandAnswer, Initialize};
use kernel_core::{
    Address, Answer, Bytes, Call, Capability, Change, Deviation, Duration, Effect, Exit, ImageId, Input, LifeId,
    LoadError, Message, OnExit, OnExitRequest, Outgoing, ProcessRef, Received, Request, Response, Semantics,
    SendErrorKind, Spawn, StateOp,
};
use std::rc::Rc;

/// A node whose kernel deviates, with these Restart processes.
fn node(deviation: Deviation, processes: &[&str]) -> Node {
    let rows: Vec<(&str, OnExit)> = processes.iter().map(|name| (*name, OnExit::Restart)).collect();
    Node::boot(Semantics::book().with(deviation), &rows).0
}

fn panics(process: ProcessRef) -> Input {
    Input::Exited { process, exit: Exit::Panicked, last_words: "".into() }
}

fn request(target: Address, body: &str, expects_response: Option<u64>) -> Outgoing {
    let request = Request { body: body.into(), expects_response, ..Request::default() };
    Outgoing { target, request, context: expects_response.map(|_| body.into()), blob: None }
}

/// A process sends a request.
fn tells(node: &mut Node, from: &str, to: &str, body: &str) -> Vec<Effect> {
    let (from, to) = (node.process(from), node.address(to));
    node.step(Input::Call(from, Call::SendRequest(Rc::new(request(to, body, None)))))
}

/// What a process receives at once.
fn receives(node: &mut Node, process: &str) -> Option<String> {
    let process = node.process(process);
    let out = node.step(Input::Call(process, Call::Receive));
    received(&out, process)
}

fn received(out: &[Effect], process: ProcessRef) -> Option<String> {
    let text = |message: &Message| String::from_utf8_lossy(message.body()).to_string();
    out.iter().find_map(|effect| match effect {
        Effect::Resume(who, Answer::Received(Received::Message(message, _))) if *who == process => Some(text(message)),
        Effect::Resume(who, Answer::Received(Received::Error(error, _))) if *who == process => {
            Some(format!("{:?}", error.kind))
        }
        _ => None,
    })
}

/// Whether the node answers the owner's terminal.
fn is_served(node: &mut Node) -> bool {
    let absent = node.process("absent");
    the_answer(&node.command(&Command::Run(absent))).is_some()
}

/// Initializes a process, to the end.
fn initialize(node: &mut Node, name: &str, result: Result<ImageId, LoadError>) -> Vec<Effect> {
    let id = node.process(name);
    let init = Initialize { id, on_exit: OnExit::Restart, initial_capabilities: vec![], public: true };
    let out = node.command(&Command::Initialize(Box::new(init)));
    let Some(ticket) = loads(&out) else { return out };
    let out = node.step(Input::Loaded(ticket, result));
    let writes = out.iter().any(|effect| matches!(effect, Effect::Write(..)));
    if writes { node.written(the_write(&out).0) } else { out }
}

fn starts(out: &[Effect], process: ProcessRef) -> bool {
    out.iter().any(|effect| matches!(effect, Effect::Start { process: who, .. } if *who == process))
}

fn is_killed(out: &[Effect]) -> bool {
    matches!(the_answer(out), Some(CommandAnswer::KilledProcess(_)))
}

/// A spawn of `child`.
fn spawn(holder: Option<(ProcessRef, kernel_core::ParamsRef)>) -> Call {
    Call::Spawn(Box::new(Spawn {
        name: Some("child".into()),
        path: "/demo:a.os/pkg/child.wasm".into(),
        on_exit: OnExit::Restart,
        request_capabilities: vec![],
        grant_capabilities: holder.into_iter().collect(),
        public: false,
    }))
}

/// On-exit requests: one, for `heir`.
fn last_words() -> OnExit {
    let target = node(Deviation::D1, &[]).address("heir");
    let request = Request { body: "adieu".into(), ..Request::default() };
    OnExit::Requests([OnExitRequest { target, request, blob: None }].into())
}

#[test]
fn under_d1_a_killed_process_fires_nothing() {
    let (mut node, _) = Node::boot(
        Semantics::book().with(Deviation::D1).with(Deviation::D4),
        &[("heir", OnExit::Restart), ("p", last_words())],
    );
    let process = node.process("p");
    let (write, _) = the_write(&node.command(&Command::Kill(process)));
    let out = node.written(write);
    assert!(is_killed(&out));
    assert!(out.iter().all(|effect| !matches!(effect, Effect::Sent(message) if message.source.process == process)));
}

#[test]
fn under_d21_a_kill_is_answered_first_and_then_written_with_all_that_it_revokes() {
    let mut node = node(Deviation::D21, &["holder", "p"]);
    let (holder, process) = (node.process("holder"), node.process("p"));
    let right = Capability::messaging(node.address("p"));
    let out = node.command(&Command::Grant(holder, vec![right]));
    node.written(the_write(&out).0);
    let out = node.command(&Command::Kill(process));
    assert!(is_killed(&out), "nothing is on the disk yet");
    let (_, changes) = the_write(&out);
    assert_eq!(changes[0], Change::Remove(process));
    assert!(matches!(&changes[1..], [Change::Put(id, row)] if *id == holder && !row.capabilities.contains(&right)));
}

#[test]
fn under_d2_a_kill_in_the_back_off_is_not_answered_and_the_restart_still_comes() {
    let mut node = node(Deviation::D2, &["p"]);
    let process = node.process("p");
    node.step(panics(process));
    assert_eq!(the_answer(&node.command(&Command::Kill(process))), None);
    node.now = node.now + Duration::from_secs(2);
    assert!(starts(&node.step(Input::Wake), process));
}

#[test]
fn under_d2_a_kill_that_is_queued_before_a_restart_at_once_is_answered_and_undone() {
    let mut node = node(Deviation::D2, &["p"]);
    let process = node.process("p");
    node.now = node.now + Duration::from_secs(60);
    node.step(panics(process));
    let out = node.command(&Command::Kill(process));
    assert!(is_killed(&out));
    let (write, changes) = the_write(&out);
    assert_eq!(changes, [Change::Remove(process)]);
    node.written(write);
    node.now = node.now + Duration::from_millis(1);
    let out = node.step(Input::Wake);
    assert!(starts(&out, process));
    assert!(matches!(the_write(&out).1[..], [Change::Put(id, _)] if id == process), "and it is on the disk again");
}

#[test]
fn under_d3_the_row_leaves_the_disk_with_somebody_elses_write_and_not_before() {
    let mut node = node(Deviation::D3, &["p", "other"]);
    let (process, other) = (node.process("p"), node.process("other"));
    let out = node.step(panics(process));
    assert!(!out.iter().any(|effect| matches!(effect, Effect::Write(..))), "a crash now loses nothing");
    let right = Capability::network(node.our);
    let (write, changes) = the_write(&node.command(&Command::Grant(other, vec![right])));
    assert!(changes.contains(&Change::Remove(process)));
    node.written(write);
    node.now = node.now + Duration::from_secs(2);
    let out = node.step(Input::Wake);
    assert!(starts(&out, process));
    assert!(the_write(&out).1.iter().any(|change| matches!(change, Change::Put(id, _) if *id == process)));
}

#[test]
fn under_d4_a_boot_starts_a_process_and_fires_its_requests_as_well() {
    let rows = [("heir", OnExit::Restart), ("p", last_words())];
    let (mut node, out) = Node::boot(Semantics::book().with(Deviation::D4), &rows);
    let process = node.process("p");
    assert!(starts(&out, process));
    assert_eq!(the_sent(&out).source.process, process);
}

#[test]
fn under_d7_a_spawn_under_a_taken_name_starts_who_was_not_run_and_grants_in_its_name() {
    let mut node = node(Deviation::D7, &["parent", "holder"]);
    let (parent, child, holder) = (node.process("parent"), node.process("child"), node.process("holder"));
    initialize(&mut node, "child", Ok(ImageId(2)));
    let params = node.names.params(r#""forged""#);
    let ticket = loads(&node.step(Input::Call(parent, spawn(Some((holder, params)))))).expect("it asks for the code");
    let out = node.step(Input::Loaded(ticket, Ok(ImageId(3))));
    assert!(out.contains(&Effect::Resume(parent, Answer::Spawned(Ok(child)))));
    assert!(starts(&out, child), "it was initialized, and nobody had run it");
    let forged = Capability { issuer: node.address("child"), params };
    assert!(node.kernel.holds(holder, &forged), "it never issued this");
}

#[test]
fn under_d7_a_spawn_under_ones_own_name_tells_oneself_to_run() {
    let mut node = node(Deviation::D7, &["child"]);
    let child = node.process("child");
    let ticket = loads(&node.step(Input::Call(child, spawn(None)))).expect("it asks for the code");
    let out = node.step(Input::Loaded(ticket, Ok(ImageId(3))));
    assert!(out.contains(&Effect::Resume(child, Answer::Spawned(Ok(child)))));
    assert_eq!(receives(&mut node, "child").as_deref(), Some("run"));
}

#[test]
fn under_d8_a_process_without_valid_code_runs_once_for_the_table_and_a_flood_of_it_freezes_nothing() {
    let semantics = Semantics::book().with(Deviation::D8).with(Deviation::D14).with(Deviation::D26);
    let (mut node, _) = Node::boot(semantics, &[("friend", OnExit::Restart)]);
    let process = node.process("p");
    let out = initialize(&mut node, "p", Err(LoadError::Invalid));
    assert_eq!(the_answer(&out), Some(CommandAnswer::InitializedProcess));
    assert_eq!(the_answer(&node.command(&Command::Run(process))), Some(CommandAnswer::StartedProcess));
    assert_eq!(the_answer(&node.command(&Command::Run(process))), Some(CommandAnswer::RunProcessError));
    for _ in 0..300 {
        tells(&mut node, "friend", "p", "anybody?");
    }
    assert!(is_served(&mut node));
}

#[test]
fn under_d12_only_what_comes_within_a_millisecond_of_the_run_overtakes() {
    for (after, first) in [(900, "late"), (1_100, "early")] {
        let mut node = node(Deviation::D12, &["friend"]);
        let process = node.process("p");
        initialize(&mut node, "p", Ok(ImageId(2)));
        tells(&mut node, "friend", "p", "early");
        node.command(&Command::Run(process));
        node.now = node.now + Duration::from_micros(after);
        tells(&mut node, "friend", "p", "late");
        assert_eq!(receives(&mut node, "p").as_deref(), Some(first), "{after} us");
    }
}

#[test]
fn under_d13_a_hundred_before_the_run_are_fine_and_a_hundred_and_one_are_not() {
    for (n, runs) in [(100, true), (101, false)] {
        let mut node = node(Deviation::D13, &["friend"]);
        let process = node.process("p");
        initialize(&mut node, "p", Ok(ImageId(2)));
        for _ in 0..n {
            tells(&mut node, "friend", "p", "early");
        }
        assert_eq!(starts(&node.command(&Command::Run(process)), process), runs, "{n}");
        assert!(is_served(&mut node), "{n}: the loop still answers");
        tells(&mut node, "friend", "p", "one more");
        assert_eq!(is_served(&mut node), runs, "{n}");
    }
}

#[test]
fn under_d14_only_the_hundred_and_first_message_to_a_guest_that_computes_freezes_the_loop() {
    let mut node = node(Deviation::D14, &["friend", "deaf"]);
    let deaf = node.process("deaf");
    for _ in 0..100 {
        tells(&mut node, "friend", "deaf", "hello?");
    }
    assert!(is_served(&mut node));
    tells(&mut node, "friend", "deaf", "hello?");
    assert!(!is_served(&mut node), "a kill would not be served either");
    node.step(Input::Call(deaf, Call::Receive));
    assert!(is_served(&mut node), "its channel is empty again");
}

#[test]
fn under_d14_a_process_that_is_not_run_or_is_blocked_takes_five_hundred() {
    let mut node = node(Deviation::D14, &["friend", "saves"]);
    let saves = node.process("saves");
    initialize(&mut node, "waits", Ok(ImageId(2)));
    node.step(Input::Call(saves, Call::SetState("mine".into())));
    for _ in 0..500 {
        tells(&mut node, "friend", "waits", "hello?");
        tells(&mut node, "friend", "saves", "hello?");
    }
    assert!(is_served(&mut node));
}

#[test]
fn under_d16_the_replaced_requests_timer_times_the_later_one_out() {
    let mut node = node(Deviation::D16, &["friend", "clerk", "slow"]);
    let [friend, clerk] = ["friend", "clerk"].map(|name| node.process(name));
    let [to_clerk, to_slow] = ["clerk", "slow"].map(|name| node.address(name));
    node.step(Input::Call(friend, Call::SendRequest(Rc::new(request(to_clerk, "prompt", Some(60))))));
    assert_eq!(receives(&mut node, "clerk").as_deref(), Some("prompt"));
    for seconds in [1, 30] {
        let mut inherits = request(to_slow, "inherits", Some(seconds));
        inherits.request.inherit = true;
        node.step(Input::Call(clerk, Call::SendRequest(Rc::new(inherits))));
    }
    node.step(Input::Call(clerk, Call::Receive));
    node.now = node.now + Duration::from_secs(1);
    let timeout = format!("{:?}", SendErrorKind::Timeout);
    assert_eq!(received(&node.step(Input::Wake), clerk), Some(timeout), "29 seconds too soon");
}

#[test]
fn under_d17_a_revocation_passes_by_who_waits_out_a_back_off_and_nobody_else() {
    let mut node = node(Deviation::D17, &["waits", "runs", "issues"]);
    let [waits, runs, issues] = ["waits", "runs", "issues"].map(|name| node.process(name));
    let right = Capability::messaging(node.address("issues"));
    for process in [waits, runs] {
        let (write, _) = the_write(&node.command(&Command::Grant(process, vec![right])));
        node.written(write);
    }
    node.step(panics(waits));
    let (write, _) = the_write(&node.command(&Command::Kill(issues)));
    node.written(write);
    assert!(node.kernel.holds(waits, &right) && !node.kernel.holds(runs, &right));
}

#[test]
fn under_d23_a_restart_writes_the_old_value_back_into_the_table() {
    let mut node = node(Deviation::D23, &["p"]);
    let process = node.process("p");
    let on_disk = |out: &[Effect]| match &the_write(out).1[..] {
        [Change::Put(_, row)] => row.on_exit.clone(),
        other => panic!("one row: {other:?}"),
    };
    let out = node.command(&Command::SetOnExit(process, OnExit::None));
    assert_eq!(on_disk(&out), OnExit::None);
    node.written(the_write(&out).0);
    let out = node.step(panics(process));
    assert!(starts(&out, process), "it exits by its old value");
    assert_eq!(on_disk(&out), OnExit::Restart);
}

#[test]
fn under_d24_valid_text_is_illegible_if_the_ring_cuts_a_character() {
    let fits = "é".repeat(2_500);
    for (last_words, restarts) in [(fits.clone(), true), (format!("{fits}!"), false)] {
        let mut node = node(Deviation::D24, &["p"]);
        let process = node.process("p");
        let last_words = Bytes::from(&*last_words);
        let out = node.step(Input::Exited { process, exit: Exit::Panicked, last_words });
        assert_eq!(starts(&out, process), restarts);
        if !restarts {
            assert_eq!(the_answer(&node.command(&Command::Run(process))), Some(CommandAnswer::RunProcessError));
            let (write, _) = the_write(&node.command(&Command::Kill(process)));
            assert!(is_killed(&node.written(write)));
        }
    }
}

/// The run of the life that computes on after a kill.
fn orphaned(out: &[Effect]) -> Option<LifeId> {
    out.iter().find_map(|effect| match effect {
        Effect::Orphan(_, run) => Some(*run),
        _ => None,
    })
}

#[test]
fn under_d25_a_kill_of_a_guest_that_computes_is_answered_and_the_guest_goes_on() {
    let mut node = node(Deviation::D25, &["p"]);
    let process = node.process("p");
    let out = node.command(&Command::Kill(process));
    assert!(!out.contains(&Effect::Stop(process)), "it computes on");
    let run = orphaned(&out).expect("its life is over for the table");
    assert!(is_killed(&node.written(the_write(&out).0)));
    let out = initialize(&mut node, "p", Ok(ImageId(2)));
    assert_eq!(the_answer(&out), Some(CommandAnswer::InitializedProcess), "the name is free");
    assert_eq!(node.step(Input::OrphanCall(run, Call::SetState("old".into()))), [Effect::EndOrphan(run)]);
}

#[test]
fn under_d28_the_next_call_of_a_killed_guest_overwrites_the_state_and_the_row_of_its_successor() {
    for (call, of_the_row) in [(Call::SetState("old".into()), false), (Call::SetOnExit(OnExit::None), true)] {
        let mut node = node(Deviation::D28, &["p"]);
        let process = node.process("p");
        let out = node.command(&Command::Kill(process));
        let run = orphaned(&out).expect("its life is over for the table");
        node.written(the_write(&out).0);
        initialize(&mut node, "p", Ok(ImageId(2)));
        let out = node.step(Input::OrphanCall(run, call));
        assert_eq!(out.contains(&Effect::State(process, run, StateOp::Set("old".into()))), !of_the_row);
        let row =
            |change: &Change| matches!(change, Change::Put(id, row) if *id == process && row.on_exit == OnExit::None);
        assert_eq!(out.iter().any(|e| matches!(e, Effect::Write(_, changes) if changes.iter().any(row))), of_the_row);
        assert_eq!(out.last(), Some(&Effect::EndOrphan(run)), "it is aborted where it waits");
    }
}

#[test]
fn under_d29_a_guest_that_sends_and_computes_stops_the_loop_until_it_waits() {
    let mut node = node(Deviation::D29, &["p", "friend"]);
    let process = node.process("p");
    tells(&mut node, "p", "friend", "hello");
    assert!(!is_served(&mut node), "a kill would not be served either");
    node.step(Input::Call(process, Call::Our));
    assert!(!is_served(&mut node), "a call that waits for nothing does not help");
    let out = node.step(Input::Call(process, Call::Receive));
    assert!(the_answer(&out).is_some(), "what was kept back is served");
    assert_eq!(receives(&mut node, "friend").as_deref(), Some("hello"));
}

#[test]
fn under_d14_a_guest_that_traps_has_ended_before_a_kill_that_was_kept_back() {
    let mut node = node(Deviation::D14, &["friend", "deaf"]);
    let (deaf, friend) = (node.process("deaf"), node.address("friend"));
    for _ in 0..101 {
        tells(&mut node, "friend", "deaf", "hello?");
    }
    assert_eq!(node.command(&Command::Kill(deaf)), [], "it waits for the loop");
    let no_answer = Rc::new(request(friend, "and await nothing", None));
    let out = node.step(Input::Call(deaf, Call::SendAndAwaitResponse(no_answer)));
    assert!(matches!(out[..], [Effect::Trap(who, _)] if who == deaf), "{out:?}");
    let out = node.step(panics(deaf));
    assert!(starts(&out, deaf), "its exit came first");
    assert!(out.contains(&Effect::Stop(deaf)), "and then the kill");
    assert!(is_killed(&node.written(the_write(&out).0)));
}

#[test]
fn under_d30_a_guest_that_asks_the_kernel_when_its_channel_is_full_stops_the_node_for_ever() {
    let mut node = node(Deviation::D30, &["friend", "deaf"]);
    let deaf = node.process("deaf");
    for _ in 0..101 {
        tells(&mut node, "friend", "deaf", "hello?");
    }
    let out = node.step(Input::Call(deaf, Call::OurCapabilities));
    assert_eq!(out, [], "it waits for the loop, and the loop for it");
    assert!(!is_served(&mut node));
}

#[test]
fn under_d31_writes_are_done_in_any_order_and_each_has_the_whole_table() {
    let mut node = node(Deviation::D31, &["p", "q"]);
    let [p, q] = ["p", "q"].map(|name| node.process(name));
    let (first, _) = the_write(&node.command(&Command::Kill(p)));
    let (second, _) = the_write(&node.command(&Command::Kill(q)));
    assert!(is_killed(&node.written(second)));
    assert!(is_killed(&node.written(first)));
    let out = initialize(&mut node, "r", Ok(ImageId(2)));
    assert_eq!(the_answer(&out), Some(CommandAnswer::InitializedProcess));
    let r = node.process("r");
    let (_, changes) = the_write(&node.command(&Command::Grant(r, vec![Capability::network(node.our)])));
    assert!([p, q].iter().all(|gone| changes.contains(&Change::Remove(*gone))), "a later write heals the table");
}

#[test]
fn under_d32_what_a_process_was_initialized_with_outlives_its_issuer() {
    let mut node = node(Deviation::D32, &["issuer"]);
    let (issuer, process) = (node.process("issuer"), node.process("p"));
    let right = Capability::messaging(node.address("issuer"));
    let grant = node.command(&Command::Grant(ProcessRef::TERMINAL, vec![right]));
    node.written(the_write(&grant).0);
    let init = Initialize { id: process, on_exit: OnExit::Restart, initial_capabilities: vec![right], public: true };
    let ticket = loads(&node.command(&Command::Initialize(Box::new(init)))).expect("it asks for the code");
    let out = node.step(Input::Loaded(ticket, Ok(ImageId(2))));
    node.written(the_write(&out).0);
    let killed = node.command(&Command::Kill(issuer));
    node.written(the_write(&killed).0);
    assert!(node.kernel.holds(process, &right));
    assert!(!node.kernel.holds(ProcessRef::TERMINAL, &right), "what was granted is revoked");
}

#[test]
fn under_d33_a_guest_attaches_what_its_namesake_on_another_node_issued() {
    let mut node = node(Deviation::D33, &["p", "friend"]);
    let (process, bob) = (node.process("p"), node.names.node("bob.os"));
    let params = node.names.params(r#""forged""#);
    let forged = Capability { issuer: Address { node: bob, process }, params };
    let mut outgoing = request(node.address("friend"), "take this", None);
    outgoing.request.capabilities = vec![forged];
    let out = node.step(Input::Call(process, Call::SendRequest(Rc::new(outgoing))));
    assert_eq!(the_sent(&out).capabilities(), [forged]);
    let friend = node.process("friend");
    let granted = node.command(&Command::Grant(friend, vec![forged]));
    node.written(the_write(&granted).0);
    let killed = node.command(&Command::Kill(process));
    node.written(the_write(&killed).0);
    assert!(!node.kernel.holds(friend, &forged), "and a kill revokes it");
}

#[test]
fn under_d34_params_that_are_not_json_are_all_alike() {
    let mut node = node(Deviation::D34, &["p", "friend"]);
    let (process, issuer) = (node.process("p"), node.address("friend"));
    let [held, wanted] = ["read", "write"].map(|params| Capability { issuer, params: node.names.params(params) });
    let granted = node.command(&Command::Grant(process, vec![held]));
    node.written(the_write(&granted).0);
    let mut outgoing = request(issuer, "let me", None);
    outgoing.request.capabilities = vec![wanted];
    let out = node.step(Input::Call(process, Call::SendRequest(Rc::new(outgoing))));
    assert_eq!(the_sent(&out).capabilities(), [wanted], "it holds another one");
}

#[test]
fn under_d35_a_boot_fires_only_at_whom_the_process_may_message_though_the_target_is_public() {
    for (semantics, fires) in [(Semantics::book(), true), (Semantics::book().with(Deviation::D35), false)] {
        let (mut node, out) = Node::boot(semantics, &[("heir", OnExit::Restart), ("p", last_words())]);
        let out = node.written(the_write(&out).0);
        assert_eq!(out.iter().any(|effect| matches!(effect, Effect::Dropped(..))), !fires);
        assert_eq!(receives(&mut node, "heir").is_some(), fires);
    }
}

#[test]
fn under_d36_the_kernel_is_initialized_and_killed_and_the_next_initialize_aborts_the_node() {
    let mut node = node(Deviation::D36, &[]);
    let init = |id| {
        let init = Initialize { id, on_exit: OnExit::None, initial_capabilities: vec![], public: false };
        Command::Initialize(Box::new(init))
    };
    let out = node.command(&init(ProcessRef::KERNEL));
    assert_eq!(the_answer(&out), Some(CommandAnswer::InitializedProcess));
    assert!(is_killed(&node.command(&Command::Kill(ProcessRef::KERNEL))));
    let process = node.process("p");
    let out = node.command(&init(process));
    assert!(out.iter().any(|effect| matches!(effect, Effect::Fail(_))));
}

#[test]
fn under_d37_a_new_process_waits_as_long_as_the_old_one_would_have() {
    let mut node = node(Deviation::D37, &["p"]);
    let process = node.process("p");
    for seconds in [2, 4] {
        node.step(panics(process));
        node.now = node.now + Duration::from_secs(seconds);
        assert!(starts(&node.step(Input::Wake), process), "after {seconds} s");
    }
    let killed = node.command(&Command::Kill(process));
    node.written(the_write(&killed).0);
    initialize(&mut node, "p", Ok(ImageId(2)));
    node.command(&Command::Run(process));
    node.step(panics(process));
    assert_eq!(node.kernel.next_deadline(), Some(node.now + Duration::from_secs(8)));
}

#[test]
fn under_d38_a_new_process_takes_the_id_and_the_sleeping_restart_sends_it_a_stray_run() {
    let mut node = node(Deviation::D38, &["p"]);
    let process = node.process("p");
    node.step(panics(process));
    let out = initialize(&mut node, "p", Ok(ImageId(2)));
    assert_eq!(the_answer(&out), Some(CommandAnswer::InitializedProcess));
    node.command(&Command::Run(process));
    node.now = node.now + Duration::from_secs(2);
    assert!(!starts(&node.step(Input::Wake), process));
    assert_eq!(receives(&mut node, "p").as_deref(), Some("run"));
}

#[test]
fn under_d38_and_d2_an_id_whose_restart_is_queued_is_taken() {
    let semantics = Semantics::book().with(Deviation::D2).with(Deviation::D38);
    let (mut node, _) = Node::boot(semantics, &[("p", OnExit::Restart)]);
    let process = node.process("p");
    node.now = node.now + Duration::from_secs(60);
    node.step(panics(process));
    let out = initialize(&mut node, "p", Ok(ImageId(2)));
    assert_eq!(the_answer(&out), Some(CommandAnswer::InitializeProcessError));
    node.now = node.now + Duration::from_millis(1);
    assert!(starts(&node.step(Input::Wake), process));
}

#[test]
fn under_d39_the_child_of_a_parent_that_was_killed_is_there_and_does_not_run() {
    for deviates in [false, true] {
        let semantics = if deviates { Semantics::book().with(Deviation::D39) } else { Semantics::book() };
        let (mut node, _) = Node::boot(semantics, &[("parent", OnExit::Restart)]);
        let (parent, child) = (node.process("parent"), node.process("child"));
        let ticket = loads(&node.step(Input::Call(parent, spawn(None)))).expect("it asks for the code");
        let killed = node.command(&Command::Kill(parent));
        node.written(the_write(&killed).0);
        let out = node.step(Input::Loaded(ticket, Ok(ImageId(2))));
        assert_eq!(out.is_empty(), !deviates, "by the book no child appears");
        if deviates {
            let out = node.written(the_write(&out).0);
            assert!(!starts(&out, child));
            let answer = the_answer(&node.command(&Command::Run(child)));
            assert_eq!(answer, Some(CommandAnswer::StartedProcess), "it was there all the time");
        }
    }
}

#[test]
fn under_d40_a_request_that_is_answered_during_an_await_settles_again() {
    let mut node = node(Deviation::D40, &["p", "quick", "slow"]);
    let [process, quick] = ["p", "quick"].map(|name| node.process(name));
    let [to_quick, to_slow] = ["quick", "slow"].map(|name| node.address(name));
    node.step(Input::Call(process, Call::SendRequest(Rc::new(request(to_quick, "first", Some(5))))));
    node.step(Input::Call(process, Call::SendAndAwaitResponse(Rc::new(request(to_slow, "second", Some(10))))));
    assert_eq!(receives(&mut node, "quick").as_deref(), Some("first"));
    let response = Response { body: "here".into(), ..Response::default() };
    node.step(Input::Call(quick, Call::SendResponse(Rc::new((response, None)))));
    for _ in 0..2 {
        node.now = node.now + Duration::from_secs(5);
        node.step(Input::Wake);
    }
    assert_eq!(receives(&mut node, "p").as_deref(), Some("here"));
    assert_eq!(receives(&mut node, "p").as_deref(), Some("Timeout"), "and timed out as well");
}

#[test]
fn under_d41_a_quit_waits_for_a_guest_that_computes() {
    let mut node = node(Deviation::D41, &["p"]);
    let process = node.process("p");
    assert!(!node.command(&Command::Shutdown).contains(&Effect::Shutdown));
    assert!(!is_served(&mut node), "the loop has ended");
    assert!(node.step(Input::Call(process, Call::Receive)).contains(&Effect::Shutdown));
}

#[test]
fn under_d43_what_is_run_while_the_node_boots_gets_a_stray_run() {
    // D21 answers before the writes behind the boot's own are done.
    let semantics = Semantics::book().with(Deviation::D43).with(Deviation::D21);
    let (mut node, out) = Node::boot(semantics, &[("ends", OnExit::None)]);
    let boot = the_write(&out).0;
    let process = node.process("p");
    let init = Initialize { id: process, on_exit: OnExit::Restart, initial_capabilities: vec![], public: true };
    let ticket = loads(&node.command(&Command::Initialize(Box::new(init)))).expect("it asks for the code");
    node.step(Input::Loaded(ticket, Ok(ImageId(2))));
    assert!(starts(&node.command(&Command::Run(process)), process));
    node.written(boot);
    assert_eq!(receives(&mut node, "p").as_deref(), Some("run"));
}
