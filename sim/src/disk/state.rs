//! Saved state on disk (P1): one file per process, replaced atomically.

use crate::disk::{Disk, DiskError, Op, Session};
use kernel_core::{Bytes, Names, ProcessRef, StateDone, StateOp};
use std::collections::BTreeMap;

const DIR: &str = "/state";

/// The operations that prepare a new disk.
pub fn format() -> Vec<Op> {
    vec![Op::CreateDir(DIR.into())]
}

/// What a boot begins with: what a crash left half done is read, and so must not be taken back by a later power loss.
pub fn settle() -> Op {
    Op::SyncDir(DIR.into())
}

/// Does what a process asks of its saved state.
///
/// # Errors
/// The disk refused, for once or because the file has rotted. The state is the old one or the new.
pub fn serve(
    disk: &mut Session,
    process: ProcessRef,
    op: &StateOp,
    unsynced: bool,
    names: &Names,
) -> Result<StateDone, DiskError> {
    let path = format!("{DIR}/{}", names.process_text(process));
    match op {
        StateOp::Get => {
            // After a sync that was refused: what is read must not be taken back.
            if unsynced {
                disk.apply(settle())?;
            }
            let saved = disk.files().is_file(&path).then(|| disk.read(&path)).transpose()?;
            Ok(StateDone::Got(saved.map(|bytes| Bytes::from(bytes.as_slice()))))
        }
        StateOp::Set(bytes) => disk.replace(&path, bytes).map(|()| StateDone::Saved),
        StateOp::Clear => {
            if disk.files().is_file(&path) {
                disk.apply(Op::Remove(path.into()))?;
                disk.apply(settle())?;
            }
            Ok(StateDone::Saved)
        }
    }
}

/// Whether what was done to saved state may be taken back by a power loss.
pub fn is_unsynced(disk: &Disk) -> bool {
    disk.is_unsynced(DIR)
}

/// What all processes have saved; `None`, where it cannot be read.
pub fn all(disk: &Disk, names: &mut Names) -> BTreeMap<ProcessRef, Option<Bytes>> {
    let files = disk.files().list(DIR).unwrap_or_default();
    let saved = files.iter().filter(|(path, dir)| !dir && !path.ends_with(".new"));
    let saved = saved.map(|(path, _)| (path, disk.files().read(path).ok().map(|bytes| Bytes::from(bytes.as_slice()))));
    saved.map(|(path, bytes)| (names.process(&path[DIR.len() + 1..]), bytes)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{IoFault, IoWrong, all_losses};

    /// What one process has asked of its state, so far.
    struct Saver {
        disk: Disk,
        names: Names,
        process: ProcessRef,
    }

    fn saver() -> Saver {
        let mut disk = Disk::default();
        format().iter().chain(&[settle()]).for_each(|op| disk.apply(op).expect("an empty disk takes state"));
        let mut names = Names::new();
        let process = names.process("p:q:r");
        Saver { disk, names, process }
    }

    impl Saver {
        fn asks(&mut self, op: &StateOp, fault: Option<IoFault>) -> (Vec<Op>, Result<StateDone, DiskError>) {
            let unsynced = is_unsynced(&self.disk);
            let mut session = self.disk.session(fault);
            let done = serve(&mut session, self.process, op, unsynced, &self.names);
            (self.disk.finish(session), done)
        }

        fn does(&mut self, op: &StateOp, fault: Option<IoFault>) -> Result<StateDone, DiskError> {
            let (ops, done) = self.asks(op, fault);
            ops.iter().for_each(|op| self.disk.apply(op).expect("it fits"));
            done
        }

        fn on(&self, disk: Disk) -> Saver {
            Saver { disk, names: self.names.clone(), process: self.process }
        }
    }

    fn set(byte: u8) -> StateOp {
        StateOp::Set(Bytes::from([byte; 1_100].as_slice()))
    }

    fn got(byte: u8) -> Result<StateDone, DiskError> {
        Ok(StateDone::Got(Some(Bytes::from([byte; 1_100].as_slice()))))
    }

    const NONE: Result<StateDone, DiskError> = Ok(StateDone::Got(None));

    #[test]
    fn a_state_is_the_old_or_the_new_at_any_crash_and_after_any_power_loss() {
        for (op, new) in [(set(2), got(2)), (StateOp::Clear, NONE)] {
            let mut start = saver();
            assert_eq!(start.does(&set(1), None), Ok(StateDone::Saved));
            let (ops, _) = start.asks(&op, None);
            for done in 0..=ops.len() {
                let mut crashed = start.on(start.disk.clone());
                ops[..done].iter().for_each(|op| crashed.disk.apply(op).expect("it fits"));
                let lost = all_losses(&crashed.disk).into_iter().map(|disk| start.on(disk));
                for mut left in lost.chain([crashed]) {
                    let read = left.does(&StateOp::Get, None);
                    assert!(read == new || (read == got(1) && done < ops.len()), "{done}: {read:?}");
                    for lost in all_losses(&left.disk) {
                        assert_eq!(start.on(lost).does(&StateOp::Get, None), read, "what was read stays");
                    }
                }
            }
        }
    }

    #[test]
    fn a_save_that_the_disk_refuses_leaves_the_old_state_or_the_new_and_no_litter() {
        for at in 1..=5 {
            for wrong in [IoWrong::NoSpace, IoWrong::Error, IoWrong::Short] {
                let mut saver = saver();
                saver.does(&set(1), None).expect("nothing is wrong yet");
                if saver.does(&set(2), Some(IoFault { at, wrong })).is_ok() {
                    continue; // Names and syncs take no space.
                }
                let read = saver.does(&StateOp::Get, None);
                assert!(read == got(1) || (at == 5 && read == got(2)), "{wrong:?} at {at}: {read:?}");
                assert_eq!(saver.disk.files().list(DIR).map(|list| list.len()), Ok(1), "{wrong:?} at {at}");
                for lost in all_losses(&saver.disk) {
                    assert_eq!(saver.on(lost).does(&StateOp::Get, None), read, "{wrong:?} at {at}");
                }
            }
        }
    }

    #[test]
    fn a_state_that_has_rotted_is_an_error_until_it_is_saved_anew_or_cleared() {
        let mut saver = saver();
        saver.does(&set(1), None).expect("nothing is wrong yet");
        saver.disk.rot("/state/p:q:r", 600);
        assert_eq!(saver.does(&StateOp::Get, None), Err(DiskError::Io));
        assert_eq!(saver.on(saver.disk.clone()).does(&StateOp::Clear, None), Ok(StateDone::Saved));
        saver.does(&set(2), None).expect("it is replaced");
        assert_eq!(saver.does(&StateOp::Get, None), got(2));
    }
}
