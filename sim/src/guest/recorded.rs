//! A guest that can be made again: its answers are kept, and what it did each time.
//!
//! A guest that waits in a call cannot be cloned, whether it is Wasm or native Rust. But all that it ever learned are its
//! answers: told the same again it comes to the same place. A copy is made when it is first resumed, and each thing that
//! it does on the way is compared with what was done before; so every copy that is used is a check of determinism, too.

use super::{Guest, Reply, Turn, Usage};
use kernel_core::{Call, Names};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

/// One turn: what the guest was told, and what it did.
struct Told {
    reply: Reply,
    ahead: Vec<Call>,
    turn: Turn,
}

/// A life whose turns are kept, or a copy of one.
pub(crate) struct Recorded {
    /// Begins the same life.
    begin: Rc<dyn Fn() -> Box<dyn Guest>>,
    /// The original's turns. It goes on adding to them; a copy has the first `n_turns`.
    turns: Rc<RefCell<Vec<Told>>>,
    n_turns: usize,
    /// `None`: a copy that was not resumed yet.
    guest: Option<Box<dyn Guest>>,
    usage: Usage,
    is_copy: bool,
}

impl Recorded {
    /// A life that has not begun.
    pub(crate) fn new(begin: Rc<dyn Fn() -> Box<dyn Guest>>) -> Recorded {
        let guest = Some(begin());
        Recorded { begin, turns: Rc::default(), n_turns: 0, guest, usage: Usage::default(), is_copy: false }
    }

    /// Makes the copy's guest, and brings it to where the original was.
    fn make_again(&self, names: &mut Names) -> Box<dyn Guest> {
        let mut guest = (self.begin)();
        let mut ahead = VecDeque::new();
        for (nth, told) in self.turns.borrow()[..self.n_turns].iter().enumerate() {
            let turn = guest.resume(names, told.reply.clone(), &mut ahead);
            assert!(
                ahead == told.ahead && turn == told.turn,
                "a guest that gets the same answers again acts differently in turn {nth}: {ahead:?} and {turn:?} instead of \
                 {:?} and {:?}",
                told.ahead,
                told.turn,
            );
            ahead.clear();
        }
        guest
    }
}

impl Guest for Recorded {
    fn resume(&mut self, names: &mut Names, reply: Reply, ahead: &mut VecDeque<Call>) -> Turn {
        let mut guest = self.guest.take().unwrap_or_else(|| self.make_again(names));
        if self.is_copy {
            let turn = guest.resume(names, reply, ahead);
            self.usage = guest.usage();
            self.guest = Some(guest);
            return turn;
        }
        let turn = guest.resume(names, reply.clone(), ahead);
        self.usage = guest.usage();
        self.guest = Some(guest);
        let told = Told { reply, ahead: ahead.iter().cloned().collect(), turn: turn.clone() };
        self.turns.borrow_mut().push(told);
        self.n_turns += 1;
        turn
    }

    fn usage(&self) -> Usage {
        self.usage
    }

    /// # Panics
    /// If it is a copy that has gone on: its turns were not kept.
    fn fork(&self) -> Box<dyn Guest> {
        assert!(!self.is_copy || self.guest.is_none(), "a copy that has gone on is not copied again");
        let Recorded { begin, turns, n_turns, usage, .. } = self;
        let (begin, turns) = (begin.clone(), turns.clone());
        Box::new(Recorded { begin, turns, n_turns: *n_turns, guest: None, usage: *usage, is_copy: true })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guest::native::{Os, Program};
    use kernel_core::{Address, Answer, Bytes, ProcessRef};
    use std::cell::Cell;

    async fn counts(os: Os) {
        for nth in 0.. {
            os.print(0, &format!("turn {nth}"));
            os.get_state().await;
        }
    }

    /// A life of three turns, and its copy.
    fn copied(program: Program) -> (Recorded, Box<dyn Guest>, Names) {
        let mut names = Names::new();
        let our = Address { node: names.node("alice.os"), process: ProcessRef(99) };
        let mut guest = Recorded::new(Rc::new(move || Box::new(program.start())));
        for reply in [Answer::Init(our), state(1), state(2)] {
            guest.resume(&mut names, Reply::Answer(reply), &mut VecDeque::new());
        }
        let copy = guest.fork();
        (guest, copy, names)
    }

    fn state(byte: u8) -> Answer {
        Answer::State(Some(Bytes::from(vec![byte])))
    }

    #[test]
    fn a_copy_goes_on_where_its_original_was_and_by_itself() {
        let (mut guest, mut copy, mut names) = copied(Program::new("counts", counts));
        let mut next = |guest: &mut dyn Guest| {
            let mut ahead = VecDeque::new();
            let turn = guest.resume(&mut names, Reply::Answer(state(3)), &mut ahead);
            (ahead, turn)
        };
        let (third, fourth) = (next(&mut guest), next(&mut guest));
        assert!(format!("{third:?}").contains("turn 3"));
        assert_eq!(next(copy.as_mut()), third, "the original has gone on meanwhile");
        assert_eq!(next(copy.as_mut()), fourth);
    }

    #[test]
    #[should_panic(expected = "acts differently in turn 1")]
    fn a_guest_that_is_not_the_same_again_is_found_out() {
        thread_local!(static LIVES: Cell<u32> = const { Cell::new(0) });
        async fn leaks(os: Os) {
            let nth = LIVES.replace(LIVES.get() + 1);
            os.get_state().await;
            os.print(0, &format!("life {nth}"));
            os.get_state().await;
            os.get_state().await;
        }
        let (_guest, mut copy, mut names) = copied(Program::new("leaks", leaks));
        copy.resume(&mut names, Reply::Answer(state(3)), &mut VecDeque::new());
    }
}
