//! What storage engines have of a disk: the session of the call under way, and nothing between two calls.
//!
//! An engine keeps its handle from call to call, and a handle cannot borrow from the world. So for the length of a call
//! the session is *lent*: a module puts it into a place of the thread with [`lend`], and the engine's backend, which owns
//! nothing but a path, reaches it there with [`on_disk`]. No simulated thing crosses threads; the place is the thread's
//! because explorations run worlds side by side.
//!
//! Between calls nothing is lent, and so it is while a [`Handle`] is dropped: what a destructor wants to write is
//! refused. So a handle can be dropped at any time, ahead of its disk or not, and the next one is opened on the bytes
//! that are really there, by the engine's own recovery.

use crate::catch_panic::catch_panic;
use crate::disk::{DiskError, Session};
use std::cell::RefCell;

thread_local! {
    static LENT: RefCell<Option<Session>> = const { RefCell::new(None) };
}

/// An engine panicked, as it may on bytes that it did not write: what it said. Its handle is not to be used again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panicked(pub String);

/// Lets engines work on a session, until `work` is done.
///
/// # Errors
/// The engine panicked. What it has done to the session until then is done.
pub fn lend<T>(session: &mut Session, work: impl FnOnce() -> T) -> Result<T, Panicked> {
    let before = LENT.replace(Some(std::mem::take(session)));
    assert!(before.is_none(), "an engine works on one disk at a time");
    let done = catch_panic(work).map_err(Panicked);
    *session = LENT.take().expect("what is lent stays until it is given back");
    done
}

/// An access to the disk, by an engine's backend.
///
/// # Errors
/// The disk refuses it; or there is no session, since no call is under way: that is an I/O error.
pub fn on_disk<T>(access: impl FnOnce(&mut Session) -> Result<T, DiskError>) -> Result<T, DiskError> {
    LENT.with_borrow_mut(|lent| access(lent.as_mut().ok_or(DiskError::Io)?))
}

/// An engine's handle, which can be dropped at any time: it then writes nothing.
#[derive(Debug)]
pub struct Handle<E>(Option<E>);

impl<E> Handle<E> {
    /// A handle that was just opened.
    pub fn new(engine: E) -> Handle<E> {
        Handle(Some(engine))
    }

    /// The engine.
    pub fn get(&mut self) -> &mut E {
        self.0.as_mut().expect("it is taken out when the handle is dropped")
    }
}

impl<E> Drop for Handle<E> {
    fn drop(&mut self) {
        let Some(engine) = self.0.take() else { return };
        let session = LENT.take();
        // After a panic inside it, its destructor may panic as well. That is nobody's loss.
        let _ = catch_panic(|| drop(engine));
        LENT.set(session);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{Disk, Op};

    /// An engine that writes a file as often as it is asked to, and once more when it is dropped.
    struct Writer(&'static str);

    impl Writer {
        fn write(&mut self) -> Result<(), DiskError> {
            on_disk(|session| session.apply(Op::Create(self.0.into())))
        }
    }

    impl Drop for Writer {
        fn drop(&mut self) {
            self.0 = "/dropped";
            let _ = self.write();
        }
    }

    fn session() -> Session {
        Disk::default().session(None)
    }

    #[test]
    fn an_engine_reaches_the_disk_within_a_call_and_never_else() {
        let mut handle = Handle::new(Writer("/file"));
        let mut session = session();
        assert_eq!(handle.get().write(), Err(DiskError::Io));
        assert_eq!(lend(&mut session, || handle.get().write()), Ok(Ok(())));
        assert_eq!(handle.get().write(), Err(DiskError::Io));
        assert_eq!(Disk::default().finish(session), [Op::Create("/file".into())]);
    }

    #[test]
    fn a_handle_that_is_dropped_writes_nothing_within_a_call_or_between() {
        let mut session = session();
        drop(Handle::new(Writer("/file")));
        let done = lend(&mut session, || {
            drop(Handle::new(Writer("/file")));
            Writer("/file").write()
        });
        assert_eq!(done, Ok(Ok(())));
        // The second writer was in no handle: its destructor did write.
        assert_eq!(Disk::default().finish(session), ["/file", "/dropped"].map(|path| Op::Create(path.into())));
    }

    #[test]
    fn a_panic_is_told_and_the_session_comes_back_with_what_was_done() {
        let mut session = session();
        let done = lend(&mut session, || {
            Handle::new(Writer("/file")).get().write().expect("nothing is refused");
            panic!("page {} is rotten", 7);
        });
        assert_eq!(done, Err::<(), _>(Panicked("page 7 is rotten".into())));
        assert_eq!(on_disk(|_| Ok(())), Err(DiskError::Io));
        assert_eq!(Disk::default().finish(session), [Op::Create("/file".into())]);
    }
}
