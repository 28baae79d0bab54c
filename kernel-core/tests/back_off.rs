//! The back-off of the runtimes, in the kernel as a value.

use kernel_core::{
    BackOff, Capabilities, Cause, Duration, Effect, Exit, ImageId, Input, Instant, Kernel, Moment, Names, OnExit,
    Record, Semantics,
};

fn at(seconds: u64) -> Moment {
    Moment { now: Instant(0) + Duration::from_secs(seconds), cause: Cause(0) }
}

/// How long a life lasted is counted from its start, and not from the start of the node.
#[test]
fn a_crash_loop_on_a_node_that_is_long_up_is_held_back() {
    let mut names = Names::new();
    let (our, process) = (names.node("a.os"), names.process("looping:demo:a.os"));
    let row = Record {
        image: Some(ImageId(1)),
        on_exit: OnExit::Restart,
        public: false,
        capabilities: Capabilities::default(),
    };
    for (policy, wait) in [(BackOff::Off, None), (BackOff::Hyperdrive19, Some(2))] {
        let semantics = Semantics::book().with_back_off(policy);
        let rows = vec![(process, row.clone())];
        let mut out = Vec::new();
        let mut kernel = Kernel::boot(our, semantics, 0, rows, &mut names, at(1_000), &mut out);
        let starts = |out: &[Effect]| {
            out.iter().filter(|effect| matches!(effect, Effect::Start { process: who, .. } if *who == process)).count()
        };
        assert_eq!(starts(&out), 1, "{policy:?}: it starts at boot");
        out.clear();
        let exited = Input::Exited { process, exit: Exit::Panicked, legible: true };
        kernel.step(&mut names, at(1_000), exited, &mut out);
        assert_eq!(kernel.next_deadline(), wait.map(|seconds| at(1_000 + seconds).now), "{policy:?}");
        assert_eq!(starts(&out), usize::from(wait.is_none()), "{policy:?}");
        assert_eq!(kernel.check(), Ok(()));
    }
}
