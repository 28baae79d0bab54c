//! What a Rust guest's standard library gets of WASI.

use super::odd::{Life, wasi};
use kernel_core::{Call, Duration, Instant};
use sim::guest::wasm::{Limits, Program};
use sim::guest::{Clock, Reply, SPIN_QUANTUM, TrapReason, Turn};

#[test]
fn the_last_of_stderr_is_the_panic_text() {
    // A buffer list at 0: 5 bytes at 64 and 6 at 69.
    let write = |fd: u32| {
        format!(
            "(i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 5))
             (i32.store (i32.const 8) (i32.const 69)) (i32.store (i32.const 12) (i32.const 6))
             (if (call $fd_write (i32.const {fd}) (i32.const 0) (i32.const 2) (i32.const 32)) (then (call $clear-state)))
             (if (i32.ne (i32.load (i32.const 32)) (i32.const 11)) (then (call $clear-state)))"
        )
    };
    let data = "panic at 7\\0a";
    let trap = Life::of(&wasi(data, &(write(2) + &write(1) + "(unreachable)"))).trap();
    assert_eq!((trap.reason, &*trap.text), (TrapReason::Unreachable, "panic at 7"));
    // Nothing else is open; the error is the guest's to handle.
    assert_eq!(Life::of(&wasi(data, &write(3))).init(), Turn::Call(Call::ClearState));
    // Of much, the last: 10 x 600 bytes and one that is half a letter.
    let much = "(local $i i32) (i32.store (i32.const 0) (i32.const 100)) (i32.store (i32.const 4) (i32.const 600))
        (memory.fill (i32.const 100) (i32.const 120) (i32.const 600)) (i32.store8 (i32.const 699) (i32.const 0xc3))
        (loop $more (drop (call $fd_write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 32)))
        (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 10)))) (unreachable)";
    let trap = Life::of(&wasi("", much)).trap();
    assert!(trap.text.len() <= 5_000 && trap.text.len() > 4_900, "{}", trap.text.len());
    assert!(trap.text.ends_with("xx\u{fffd}"));
}

#[test]
fn fd_write_believes_no_pointer_either() {
    let lies = [
        "(i32.const 2) (i32.const -8) (i32.const 1) (i32.const 0)",
        "(i32.const 2) (i32.const 0) (i32.const -1) (i32.const 0)",
    ];
    for lie in lies {
        let body = format!(
            "(i32.store (i32.const 0) (i32.const -1)) (i32.store (i32.const 4) (i32.const -1))
             (i32.store (i32.const 0) (call $fd_write {lie})) (call $set-state (i32.const 0) (i32.const 1))"
        );
        assert_eq!(Life::of(&wasi("", &body)).init(), Turn::Call(Call::SetState(vec![21].into())), "{lie}");
    }
}

#[test]
fn random_numbers_come_from_the_seed() {
    let text = wasi(
        "",
        "(drop (call $random_get (i32.const 100) (i32.const 16))) (call $set-state (i32.const 100) (i32.const 16))",
    );
    let program = Program::load(text.as_bytes()).expect("a program");
    let bytes = |seed| {
        let mut life = Life::start(&program, &Limits::default());
        life.guest = program.start(&Limits::default(), seed);
        life.init()
    };
    assert_eq!(bytes(1), bytes(1));
    assert_ne!(bytes(1), bytes(2));
    // A length that lies is an error code.
    let text = wasi(
        "",
        "(i32.store (i32.const 0) (call $random_get (i32.const 100) (i32.const -1))) (call $set-state (i32.const 0) (i32.const 1))",
    );
    assert_eq!(Life::of(&text).init(), Turn::Call(Call::SetState(vec![21].into())));
}

#[test]
fn random_numbers_without_end_are_spinning_too() {
    let text = wasi("", "(loop $more (drop (call $random_get (i32.const 0) (i32.const 65536))) (br $more))");
    let rounds = [None, Some(1), Some(1_000)].map(|slice_fuel| {
        let limits = Limits { spin_fuel: 1_000_000, slice_fuel, ..Limits::default() };
        let mut life = Life::with(&text, &limits);
        assert_eq!(life.init(), Turn::Busy(SPIN_QUANTUM));
        assert_eq!(life.resume(Reply::Continue), Turn::Busy(SPIN_QUANTUM));
        life.guest.fuel_used()
    });
    assert!(rounds[0] == rounds[1] && rounds[1] == rounds[2], "{rounds:?}");
}

#[test]
fn a_clock_is_asked_for_and_told() {
    let read = |clock| {
        format!("(i32.store (i32.const 8) (call $clock_time_get (i32.const {clock}) (i64.const 1) (i32.const 0)))")
    };
    let text = wasi("", &(read(0) + &read(1) + "(call $set-state (i32.const 0) (i32.const 12))"));
    let mut life = Life::of(&text);
    assert_eq!(life.init(), Turn::Clock(Clock::Real));
    assert_eq!(life.resume(Reply::Clock(Instant(1))), Turn::Clock(Clock::Steady));
    let turn = life.resume(Reply::Clock(Instant(0x0102_0304_0506_0708)));
    assert_eq!(turn, Turn::Call(Call::SetState(vec![8, 7, 6, 5, 4, 3, 2, 1, 0, 0, 0, 0].into())));
    let text = wasi("", &(read(2) + "(call $set-state (i32.const 8) (i32.const 1))"));
    assert_eq!(Life::of(&text).init(), Turn::Call(Call::SetState(vec![28].into())));
}

/// Waits by a subscription at 0 with these fields, and saves the error, the number of events, and the event.
fn polls(n: u32, kind: u32, span: i64, flags: u32) -> String {
    format!(
        "(i64.store (i32.const 0) (i64.const 0x0807060504030201)) (i32.store8 (i32.const 8) (i32.const {kind}))
         (i32.store (i32.const 16) (i32.const 1)) (i64.store (i32.const 24) (i64.const {span}))
         (i32.store16 (i32.const 40) (i32.const {flags})) (memory.fill (i32.const 104) (i32.const 255) (i32.const 36))
         (i32.store (i32.const 100) (call $poll_oneoff (i32.const 0) (i32.const 108) (i32.const {n}) (i32.const 104)))
         (call $set-state (i32.const 100) (i32.const 40))"
    )
}

#[test]
fn a_sleep_ends_with_the_event_that_a_standard_library_expects() {
    let mut life = Life::of(&wasi("", &polls(1, 0, 5_000_000_000, 0)));
    assert_eq!(life.init(), Turn::Sleep(Duration::from_secs(5)));
    let told = [&[0, 0, 0, 0, 1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8], &[0; 24][..]].concat();
    assert_eq!(life.resume(Reply::Continue), Turn::Call(Call::SetState(told.into())));
    // Whatever it asks for: the world sees to it that such a night ends.
    assert_eq!(Life::of(&wasi("", &polls(1, 0, -1, 0))).init(), Turn::Sleep(Duration(u64::MAX)));
}

#[test]
fn whatever_else_is_waited_for_is_not_there() {
    let error = |body: &str| match Life::of(&wasi("", body)).init() {
        Turn::Call(Call::SetState(saved)) => saved[0],
        turn => panic!("{turn:?}"),
    };
    assert_eq!(error(&polls(0, 0, 1, 0)), 28, "nothing to wait for");
    assert_eq!(error(&polls(2, 0, 1, 0)), 52, "two things");
    assert_eq!(error(&polls(1, 1, 1, 0)), 52, "a file");
    assert_eq!(error(&polls(1, 0, 1, 1)), 52, "an instant");
    for lie in ["(i32.const -40) (i32.const 0)", "(i32.const 0) (i32.const -8)", "(i32.const 131040) (i32.const 0)"] {
        let body = format!(
            "(i32.store (i32.const 0) (call $poll_oneoff {lie} (i32.const 1) (i32.const 0)))
             (call $set-state (i32.const 0) (i32.const 1))"
        );
        assert_eq!(error(&body), 21, "{lie}");
    }
    let body = "(i32.store (i32.const 0) (call $poll_oneoff (i32.const 0) (i32.const 0) (i32.const 1) (i32.const -1)))
        (call $set-state (i32.const 0) (i32.const 1))";
    assert_eq!(error(body), 21);
}

#[test]
fn other_wasi_functions_are_not_there_and_say_so() {
    let body = "(call $nothing (i64.const 1)) (drop (call $sched_yield))
        (i32.store (i32.const 0) (call $path_open (i32.const 1) (i64.const 2) (f32.const 3)))
        (i32.store (i32.const 4) (i32.const -1)) (i32.store (i32.const 8) (i32.const -1))
        (drop (call $environ_sizes_get (i32.const 4) (i32.const 8))) (drop (call $environ_get (i32.const 0) (i32.const 0)))
        (call $set-state (i32.const 0) (i32.const 12))";
    let turn = Life::of(&wasi("", body)).init();
    assert_eq!(turn, Turn::Call(Call::SetState(vec![52, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0].into())));
}

#[test]
fn proc_exit_is_a_panic_whatever_its_code() {
    for code in [0, 1, -7] {
        let trap = Life::of(&wasi("", &format!("(call $proc_exit (i32.const {code}))"))).trap();
        assert_eq!((trap.reason, &*trap.text), (TrapReason::Exited, &*format!("exit code {code}")));
    }
}
