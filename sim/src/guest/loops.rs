//! Loops that nothing leaves, found in the code: a life that computes in such a program will not come back.

use super::load::core_module;
use wasmparser::{Operator, Parser, Payload};

/// A block that is open where the reader stands.
#[derive(Default)]
struct Frame {
    is_loop: bool,
    /// A branch leads to its end, or for a loop back to its beginning.
    targeted: bool,
    /// For a loop: something in it may leave it.
    left: bool,
}

/// Whether a program has a loop that no branch, return, call or trap instruction leaves. Code that cannot be read has none.
pub fn has_endless_loop(bytes: &[u8]) -> bool {
    let Ok(wasm) = core_module(bytes) else { return false };
    Parser::new(0).parse_all(&wasm).any(|payload| match payload {
        Ok(Payload::CodeSectionEntry(body)) => body.get_operators_reader().is_ok_and(|mut operators| {
            let mut reader = Reader { frames: vec![Frame::default()], reachable: true, found: false };
            while let Ok(operator) = operators.read() {
                reader.take(&operator);
            }
            reader.found
        }),
        _ => false,
    })
}

struct Reader {
    frames: Vec<Frame>,
    /// Whether what comes next can be reached.
    reachable: bool,
    found: bool,
}

impl Reader {
    fn take(&mut self, operator: &Operator<'_>) {
        match operator {
            Operator::Block { .. } | Operator::If { .. } => self.open(false),
            Operator::Loop { .. } => self.open(true),
            Operator::Else => self.reachable = true,
            Operator::End => self.close(),
            Operator::Br { relative_depth } => {
                self.branch(*relative_depth);
                self.reachable = false;
            }
            Operator::BrIf { relative_depth } => self.branch(*relative_depth),
            Operator::BrTable { targets } => {
                let all = targets.targets().chain([Ok(targets.default())]);
                all.flatten().for_each(|depth| self.branch(depth));
                self.reachable = false;
            }
            Operator::Return | Operator::Unreachable => {
                self.leave(0);
                self.reachable = false;
            }
            // What is called may stop the program, or wait.
            Operator::Call { .. } | Operator::CallIndirect { .. } => self.leave(0),
            _ => {}
        }
    }

    fn open(&mut self, is_loop: bool) {
        self.frames.push(Frame { is_loop, ..Frame::default() });
    }

    fn close(&mut self) {
        let Some(frame) = self.frames.pop() else { return };
        if frame.is_loop {
            self.found |= frame.targeted && !frame.left && !self.reachable;
        } else {
            self.reachable |= frame.targeted;
        }
    }

    fn branch(&mut self, depth: u32) {
        let Some(target) = self.frames.len().checked_sub(1 + depth as usize).filter(|_| self.reachable) else { return };
        self.frames[target].targeted = true;
        self.leave(target + 1);
    }

    /// Every loop from here inwards may be left.
    fn leave(&mut self, from: usize) {
        if self.reachable {
            self.frames[from..].iter_mut().for_each(|frame| frame.left = true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::has_endless_loop;

    #[test]
    fn a_loop_is_endless_if_nothing_leaves_it() {
        let program = |body: &str| format!("(module (func $f) (func (param i32) (local $i i32) {body}))");
        for body in [
            "(loop (br 0))",
            "(loop (local.set $i (i32.add (local.get $i) (i32.const 1))) (br 0))",
            "(loop (block (br_if 0 (local.get 0)) (nop)) (br 0))",
            "(loop (if (local.get 0) (then (nop)) (else (nop))) (br 0))",
            "(loop (loop (br_if 0 (local.get 0))) (br 0))",
        ] {
            assert!(has_endless_loop(program(body).as_bytes()), "{body}");
        }
        for body in [
            "",
            "(loop (br_if 0 (local.get 0)))",
            "(block (loop (br_if 1 (local.get 0)) (br 0)))",
            "(loop (call $f) (br 0))",
            "(loop (if (local.get 0) (then (return))) (br 0))",
            "(loop (nop))",
            "(block (loop (loop (br_if 2 (local.get 0)) (br 0))))",
        ] {
            assert!(!has_endless_loop(program(body).as_bytes()), "{body}");
        }
        assert!(!has_endless_loop(b"no code"));
    }
}
