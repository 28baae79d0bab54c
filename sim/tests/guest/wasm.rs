//! The lives of Wasm guests: turns, limits, and that nothing but the program and its replies decides them.

use super::odd::{ALLOCATOR, Life, STANDARD, call, guest, imports, wasi};
use kernel_core::{Answer, Bytes, Call, Content, Instant, Message, MessageId, Received, Request};
use sim::guest::wasm::{Limits, Program};
use sim::guest::{AHEAD_MAX, Reply, SPIN_QUANTUM, TrapReason, Turn};
use std::rc::Rc;

fn quick() -> Limits {
    Limits { spin_fuel: 100_000, ..Limits::default() }
}

fn request(life: &Life, body: &str) -> Answer {
    let message = Message {
        id: MessageId(1),
        source: life.our,
        target: life.our,
        rsvp: None,
        content: Content::Request(Request { body: Bytes::from(body), ..Request::default() }),
        blob: None,
        cause: kernel_core::Cause(0),
    };
    Answer::Received(Received::Message(Rc::new(message), None))
}

#[test]
fn a_guest_that_returns_from_init_has_returned() {
    assert_eq!(Life::of(&guest(STANDARD, 2, &[], "")).init(), Turn::Returned);
}

#[test]
fn init_is_told_its_own_address() {
    let body = "(call $set-state (local.get $our) (local.get $our-n))";
    let turn = Life::of(&guest(STANDARD, 2, &[], body)).init();
    assert_eq!(turn, Turn::Call(Call::SetState(Bytes::from("alice.os@odd:test:alice.os"))));
}

#[test]
fn a_guest_receives_one_message_after_another() {
    let body = "(loop $more
        (call $receive (i32.const 1024))
        (call $set-state (i32.load (i32.const 1096)) (i32.load (i32.const 1100)))
        (br $more))";
    let mut life = Life::of(&guest(STANDARD, 2, &[], body));
    assert_eq!(life.init(), Turn::Call(Call::Receive));
    for text in ["one", "", "drei ✓"] {
        let answer = request(&life, text);
        assert_eq!(life.answer(answer), Turn::Call(Call::SetState(Bytes::from(text))));
        assert_eq!(life.answer(Answer::Done), Turn::Call(Call::Receive));
    }
}

#[test]
fn initialize_runs_before_init_and_may_make_calls() {
    let text = format!(
        r#"(module {} (memory (export "memory") 2) {ALLOCATOR}
            (func (export "_initialize") (call $print-to-terminal (i32.const 1) (i32.const 0) (i32.const 0)) (call $clear-state))
            (func (export "init") (param i32 i32) (call $set-state (local.get 0) (local.get 1))))"#,
        imports(STANDARD)
    );
    let mut life = Life::of(&text);
    assert_eq!(life.init(), Turn::Call(Call::ClearState));
    assert_eq!(life.ahead, [Call::Print { verbosity: 1, text: "".into() }]);
    assert_eq!(life.answer(Answer::Done), Turn::Call(Call::SetState(Bytes::from("alice.os@odd:test:alice.os"))));
    assert_eq!(life.answer(Answer::Done), Turn::Returned);
}

#[test]
fn a_start_function_is_bounded_and_makes_no_calls() {
    let start = |body: &str| {
        guest(STANDARD, 2, &[], "")
            .replace("(global $next", &format!("(func $start {body}) (start $start) (global $next"))
    };
    assert_eq!(Life::of(&start("(memory.fill (i32.const 0) (i32.const 1) (i32.const 9))")).init(), Turn::Returned);
    let trap = Life::with(&start("(loop $spin (br $spin))"), &quick()).trap();
    assert_eq!(trap.reason, TrapReason::Abi);
    assert!(trap.text.contains("the start function computed for a whole spin quantum"), "{}", trap.text);
    let trap = Life::of(&start("(call $clear-state)")).trap();
    assert!(trap.text.contains("the start function called clear-state"), "{}", trap.text);
    assert_eq!(Life::of(&start("(unreachable)")).trap().reason, TrapReason::Unreachable);
}

#[test]
fn calls_run_ahead_up_to_a_bound_and_keep_their_order() {
    let body = "(local $i i32) (loop $more
        (i32.store8 (i32.const 0) (i32.add (i32.const 32) (i32.rem_u (local.get $i) (i32.const 90))))
        (call $print-to-terminal (i32.const 0) (i32.const 0) (i32.const 1))
        (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 200))))";
    let mut life = Life::of(&guest(STANDARD, 2, &[], body));
    let mut printed = Vec::new();
    let mut turn = life.init();
    loop {
        assert!(life.ahead.len() <= AHEAD_MAX);
        printed.extend(life.ahead.drain(..));
        match turn {
            Turn::Call(call) => printed.push(call),
            turn => break assert_eq!(turn, Turn::Returned),
        }
        turn = life.answer(Answer::Done);
    }
    assert_eq!(printed.len(), 200);
    for (i, call) in (0..).zip(printed) {
        let text = char::from(32 + (i % 90) as u8).to_string();
        assert_eq!(call, Call::Print { verbosity: 0, text: text.into() });
    }
}

#[test]
fn calls_that_carry_much_do_not_pile_up() {
    let body = "(loop $more (call $print-to-terminal (i32.const 0) (i32.const 0) (i32.const 8388608)) (br $more))";
    let mut life = Life::of(&guest(STANDARD, 200, &[], body));
    for turn in [life.init(), life.answer(Answer::Done)] {
        assert!(matches!(turn, Turn::Call(Call::Print { .. })));
        assert_eq!(life.ahead.len(), 2);
    }
}

#[test]
fn a_guest_that_spins_is_busy_again_and_again_and_can_be_dropped() {
    for body in [
        "(loop $spin (br $spin))",
        "(loop $spin (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536)) (br $spin))",
    ] {
        let mut life = Life::with(&guest(STANDARD, 2, &[], body), &quick());
        let mut turn = life.init();
        for _ in 0..20 {
            assert_eq!(turn, Turn::Busy(SPIN_QUANTUM));
            turn = life.resume(Reply::Continue);
        }
        drop(life);
    }
}

#[test]
fn a_step_that_costs_more_than_a_quantum_is_done_all_the_same() {
    let body = "(memory.fill (i32.const 65536) (i32.const 1) (i32.const 4194304)) (call $clear-state)";
    let limits = Limits { spin_fuel: 1_000, ..Limits::default() };
    let mut life = Life::with(&guest(STANDARD, 100, &[], body), &limits);
    assert_eq!(life.init(), Turn::Busy(SPIN_QUANTUM));
    assert_eq!(life.resume(Reply::Continue), Turn::Call(Call::ClearState));
}

#[test]
fn each_turn_begins_with_a_full_quantum() {
    // Three quarters of a quantum, a call, and the same again.
    let count = "(local.set $i (i32.const 0)) (loop $more
        (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 20000))))";
    let body = format!("(local $i i32) {}", format!("{count} (call $clear-state)").repeat(5));
    let used = |limits: &Limits| {
        let mut life = Life::with(&guest(STANDARD, 2, &[], &body), limits);
        let mut turn = life.init();
        for _ in 0..5 {
            assert_eq!(turn, Turn::Call(Call::ClearState));
            turn = life.answer(Answer::Done);
        }
        assert_eq!(turn, Turn::Returned);
        life.guest.fuel_used()
    };
    let per_turn = used(&Limits::default()) / 5;
    let limits = Limits { spin_fuel: per_turn * 4 / 3, ..Limits::default() };
    assert_eq!(used(&limits), used(&Limits::default()));
}

#[test]
fn the_hosts_use_of_an_allocator_costs_the_guest_nothing() {
    let body = "(call $receive (i32.const 1024))";
    let used = |text: &str| {
        let mut life = Life::of(&guest(STANDARD, 2, &[], body));
        life.init();
        let answer = request(&life, text);
        assert_eq!(life.answer(answer), Turn::Returned);
        life.guest.fuel_used()
    };
    assert_eq!(used(""), used(&"long ".repeat(1_000)));
}

#[test]
fn traps_are_told_apart() {
    let traps = [
        ("(unreachable)", TrapReason::Unreachable, "unreachable"),
        ("(drop (i32.load (i32.const -4)))", TrapReason::OutOfBounds, "memory access out of bounds"),
        ("(drop (i32.div_u (i32.const 1) (local.get $zero)))", TrapReason::Arithmetic, "division by zero"),
        (
            "(drop (i32.div_s (i32.const 0x80000000) (i32.sub (local.get $zero) (i32.const 1))))",
            TrapReason::Arithmetic,
            "overflow",
        ),
        ("(drop (i32.trunc_f32_s (f32.const nan)))", TrapReason::Arithmetic, "no integer"),
        ("(call_indirect (local.get $zero))", TrapReason::OutOfBounds, "null"),
        ("(call_indirect (i32.const 99))", TrapReason::OutOfBounds, "table access"),
        ("(call_indirect (i32.const 1))", TrapReason::OutOfBounds, "another type"),
        ("(drop (call $deep (i32.const 0)))", TrapReason::StackOverflow, "stack overflow"),
        ("(memory.fill (i32.const 0) (i32.const 0) (i32.const -1))", TrapReason::OutOfBounds, "memory"),
    ];
    for (body, reason, text) in traps {
        let extra = "(table 2 funcref) (elem (i32.const 1) $deep)
            (func $deep (param i32) (result i32) (i32.add (local.get 0) (call $deep (i32.add (local.get 0) (i32.const 1)))))";
        let text_of = guest(STANDARD, 2, &[], &format!("(local $zero i32) {body}"))
            .replace("(global $next", &format!("{extra} (global $next"));
        let trap = Life::of(&text_of).trap();
        assert_eq!(trap.reason, reason, "{body}: {trap:?}");
        assert!(trap.text.contains(text), "{body}: {trap:?}");
    }
}

#[test]
fn memory_grows_to_the_limit_and_no_further() {
    let body = "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) (call $clear-state)";
    let limits = Limits { memory_bytes: 10 * 65536 + 1, ..Limits::default() };
    let mut life = Life::with(&guest(STANDARD, 2, &[], body), &limits);
    assert_eq!(life.init(), Turn::Call(Call::ClearState));
    assert_eq!(life.guest.memory_pages(), 10);
}

#[test]
fn a_memory_or_table_beyond_the_limit_is_a_trap_at_the_start() {
    let limits = Limits { memory_bytes: 65536, ..Limits::default() };
    let trap = Life::with(&guest(STANDARD, 2, &[], ""), &limits).trap();
    assert_eq!(
        (trap.reason, &*trap.text),
        (TrapReason::OutOfMemory, "its memory is larger at the start than the limit")
    );
    let text = guest(STANDARD, 2, &[], "").replace("(global $next", "(table 10000000 funcref) (global $next");
    assert_eq!(Life::of(&text).trap().reason, TrapReason::OutOfMemory);
    let text = guest(STANDARD, 2, &[], "").replace("(global $next", "(data (i32.const 131071) \"ab\") (global $next");
    assert_eq!(Life::of(&text).trap().reason, TrapReason::OutOfBounds);
}

#[test]
fn a_loop_over_memory_grow_does_not_exhaust_the_host() {
    // In plain release builds wasmi 2.0 aborts after 10 to 50 thousand rounds.
    let body = "(local $i i32) (loop $more (drop (memory.grow (i32.const 0))) (drop (memory.grow (i32.const 9999)))
        (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 100000))))";
    assert_eq!(Life::of(&guest(STANDARD, 2, &[], body)).init(), Turn::Returned);
}

#[test]
fn a_loop_in_a_debug_build_does_not_overflow_the_hosts_stack() {
    let body = "(local $i i32) (loop $more
        (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1000000))))";
    assert_eq!(Life::of(&guest(STANDARD, 2, &[], body)).init(), Turn::Returned);
}

/// A guest that does a little of everything, and all its turns and calls.
fn scenario(program: &Program, limits: &Limits) -> (Vec<String>, u64) {
    let mut life = Life::start(program, limits);
    let mut scenario = Vec::new();
    let mut turn = life.init();
    for i in 0..200 {
        scenario.extend(life.ahead.drain(..).map(|call| format!("{call:?}")));
        scenario.push(format!("{turn:?}"));
        turn = match turn {
            Turn::Call(Call::Receive) => {
                let answer = request(&life, &"x".repeat(i * 7));
                life.answer(answer)
            }
            Turn::Call(Call::GetState) => life.answer(Answer::State(Some(vec![i as u8; 100].into()))),
            Turn::Call(_) => life.answer(Answer::Done),
            Turn::Clock(_) => life.resume(Reply::Clock(Instant(i as u64))),
            Turn::Busy(_) | Turn::Sleep(_) => life.resume(Reply::Continue),
            Turn::Returned | Turn::Trapped(_) => break,
        }
    }
    (scenario, life.guest.fuel_used())
}

fn busy_guest() -> String {
    wasi(
        "note",
        "(local $i i32) (local $j i32)
        (loop $more
            (call $receive (i32.const 1024))
            (call $print-to-terminal (i32.const 1) (i32.load (i32.const 1096)) (i32.load (i32.const 1100)))
            (drop (call $random_get (i32.const 2048) (i32.const 300)))
            (call $set-state (i32.const 2048) (i32.const 300))
            (local.set $j (i32.const 0))
            (loop $count (br_if $count (i32.lt_u (local.tee $j (i32.add (local.get $j) (i32.const 1))) (i32.mul (local.get $i) (i32.const 1500)))))
            (memory.fill (i32.const 70000) (local.get $i) (i32.const 60000))
            (memory.copy (i32.const 70001) (i32.const 70000) (i32.const 60000))
            (drop (memory.grow (i32.const 1)))
            (drop (call $clock_time_get (i32.const 0) (i64.const 0) (i32.const 8)))
            (drop (call $poll_oneoff (i32.const 3000) (i32.const 3100) (i32.const 1) (i32.const 3200)))
            (call $get-state (i32.const 16))
            (call $set-state (i32.load (i32.const 20)) (i32.load (i32.const 24)))
            (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 12))))
        (unreachable)",
    )
}

#[test]
fn slices_of_fuel_change_no_turn() {
    let program = Program::load(busy_guest().as_bytes()).expect("a program");
    let limits = |slice_fuel| Limits { spin_fuel: 20_000, slice_fuel, ..Limits::default() };
    let (whole, used) = scenario(&program, &limits(None));
    for spoken in ["Busy", "Clock", "Sleep", "Print", "SetState", "Trapped"] {
        assert!(whole.iter().any(|turn| turn.contains(spoken)), "{spoken} is not in {whole:?}");
    }
    for slice in [1, 2, 3, 7, 10, 33, 100, 333, 1_000, 19_999, 20_000, 1_000_000] {
        assert_eq!(scenario(&program, &limits(Some(slice))), (whole.clone(), used), "slices of {slice}");
    }
}

#[test]
fn a_run_does_not_depend_on_what_ran_before_it() {
    let text = busy_guest();
    let first = scenario(&Program::load(text.as_bytes()).expect("a program"), &quick());
    let program = Program::load(text.as_bytes()).expect("a program");
    // Others come and go, some of them in the middle of a call, some from other programs.
    let others: Vec<Life> = (0..20)
        .map(|i| {
            let mut life = match i % 3 {
                0 => Life::of(&guest(STANDARD, 2, &[], &call("receive", &[1024]))),
                1 => Life::with(&guest(STANDARD, 2, &[], "(loop $spin (br $spin))"), &quick()),
                _ => Life::start(&program, &quick()),
            };
            life.init();
            life
        })
        .collect();
    assert_eq!(scenario(&program, &quick()), first);
    drop(others);
    assert_eq!(scenario(&program, &quick()), first);
}

#[test]
fn guests_take_turns_without_touching_each_other() {
    let program = Program::load(busy_guest().as_bytes()).expect("a program");
    let (alone, _) = scenario(&program, &quick());
    let mut lives: Vec<(Life, Option<Turn>, Vec<String>)> =
        (0..3).map(|_| (Life::start(&program, &quick()), None, vec![])).collect();
    for i in 0..40 {
        for (life, turn, scenario) in &mut lives {
            let next = match turn.take() {
                None => life.init(),
                Some(Turn::Call(Call::Receive)) => {
                    let answer = request(life, &"x".repeat((i - 1) * 7));
                    life.answer(answer)
                }
                Some(Turn::Call(Call::GetState)) => life.answer(Answer::State(Some(vec![i as u8 - 1; 100].into()))),
                Some(Turn::Call(_)) => life.answer(Answer::Done),
                Some(Turn::Clock(_)) => life.resume(Reply::Clock(Instant(i as u64 - 1))),
                Some(Turn::Busy(_) | Turn::Sleep(_)) => life.resume(Reply::Continue),
                Some(turn) => panic!("{turn:?}"),
            };
            scenario.extend(life.ahead.drain(..).map(|call| format!("{call:?}")));
            scenario.push(format!("{next:?}"));
            *turn = Some(next);
        }
    }
    for (_, _, scenario) in &lives {
        assert_eq!(scenario[..], alone[..scenario.len()]);
    }
}

#[test]
#[should_panic(expected = "receive is not answered with State(None)")]
fn an_answer_to_another_call_is_the_worlds_mistake() {
    let mut life = Life::of(&guest(STANDARD, 2, &[], &call("receive", &[1024])));
    life.init();
    life.answer(Answer::State(None));
}

#[test]
#[should_panic(expected = "a guest that is over is not resumed with Continue")]
fn to_resume_the_dead_is_the_worlds_mistake() {
    let mut life = Life::of(&guest(STANDARD, 2, &[], "(unreachable)"));
    life.trap();
    life.resume(Reply::Continue);
}
