//! What must be so in every kernel between two steps: a bug of ours, if it is not.

use crate::durable::After;
use crate::kernel::{Kernel, Timer};
use crate::process::{Activity, Status};

impl Kernel {
    /// Checks the kernel against itself; the first thing that is wrong, in words.
    /// Says nothing about the rules: those are checked from outside, against what happened.
    pub fn check(&self) -> Result<(), String> {
        for (id, process) in self.processes.iter() {
            let idle = process.life.outstanding.is_empty();
            match &process.status {
                Status::Initializing { .. } | Status::Initialized | Status::BackingOff | Status::Ending(_) => {
                    expect(idle, || format!("{id:?} has requests outstanding and no life"))?;
                }
                Status::Running(Activity::Awaiting(message)) => {
                    let waits = process.life.outstanding.contains_key(message);
                    expect(waits, || format!("{id:?} awaits {message:?}, which is not outstanding"))?;
                }
                Status::Running(Activity::Receiving) => {
                    let empty = process.life.mailbox.is_empty();
                    expect(empty, || format!("{id:?} waits for a message and has one"))?;
                }
                Status::Running(Activity::Computing | Activity::Blocked) => {}
            }
            for (message, outstanding) in &process.life.outstanding {
                let timer = (outstanding.deadline, Timer::Timeout(id, *message));
                expect(self.timers.contains(&timer) || self.has_stray_timers(), || {
                    format!("{message:?} of {id:?} waits without a timeout")
                })?;
            }
            let written = self.writes.iter().any(|(_, after)| match after {
                After::Ended(ended) => *ended == id,
                After::Boot { ended, .. } => ended.contains(&id),
                After::Initialized { .. } | After::NotInitialized { .. } | After::OnExit { .. } | After::Nobody(_) => {
                    false
                }
            });
            expect(written || !process.is_ending(), || format!("{id:?} is ending and no write says so"))?;
        }
        for (_, timer) in &self.timers {
            let live = match timer {
                Timer::Timeout(id, message) => {
                    self.processes.get(*id).is_some_and(|p| p.life.outstanding.contains_key(message))
                }
                Timer::Restart(id) => self.processes.get(*id).is_some_and(|p| p.status == Status::BackingOff),
            };
            expect(live || self.has_stray_timers(), || format!("{timer:?} is due for nobody"))?;
        }
        Ok(())
    }
}

fn expect(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::{Names, ProcessRef};
    use crate::semantics::Semantics;
    use crate::time::Instant;
    use crate::{Cause, Moment};

    #[test]
    fn a_kernel_that_contradicts_itself_says_so() {
        let mut names = Names::new();
        let (our, at) = (names.node("a.os"), Moment { now: Instant(0), cause: Cause(0) });
        let mut kernel = Kernel::boot(our, Semantics::book(), 0, vec![], &mut names, at, &mut vec![]);
        assert_eq!(kernel.check(), Ok(()));
        kernel.timers.insert((Instant(1), Timer::Restart(ProcessRef::VFS)));
        assert!(kernel.check().is_err_and(|wrong| wrong.contains("is due for nobody")));
    }
}
