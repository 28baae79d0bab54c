//! Code: from bytes to programs that can be started. Compiled once per file, however many worlds use it.

use crate::guest::{Guest, native, wasm};
use kernel_core::{Bytes, ImageId, LoadError};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use xxhash_rust::xxh3::xxh3_128;

/// What a file holds instead of Wasm when it stands for a native program: this, and the program's name.
const NATIVE: &[u8] = b"native:";

/// A program that can be started.
#[derive(Clone)]
pub enum Program {
    /// In native Rust.
    Native(native::Program),
    /// In Wasm.
    Wasm(wasm::Program),
}

/// Compiled Wasm by content, for all worlds of a process: compiling is a pure function, so that nobody can tell.
#[derive(Clone, Default)]
pub struct Loader(Arc<Mutex<Compiled>>);

type Compiled = BTreeMap<(u128, usize), Result<wasm::Program, wasm::Invalid>>;

impl Loader {
    /// The program in these bytes.
    pub fn load(&self, bytes: &[u8]) -> Result<wasm::Program, wasm::Invalid> {
        self.load_known(bytes, (xxh3_128(bytes), bytes.len()))
    }

    /// The same, if their digest is known.
    fn load_known(&self, bytes: &[u8], key: (u128, usize)) -> Result<wasm::Program, wasm::Invalid> {
        let mut compiled = self.0.lock().expect("nothing panics while it holds the lock");
        compiled.entry(key).or_insert_with(|| wasm::Program::load(bytes)).clone()
    }
}

/// The code that one world has met, by number: in the order in which it was first met.
#[derive(Clone)]
pub struct Images {
    loader: Loader,
    native: Vec<native::Program>,
    programs: Vec<Program>,
    by_content: BTreeMap<(u128, usize), Result<ImageId, LoadError>>,
    /// Bytes that several worlds share, and what is in them: known without a look.
    known: Vec<Known>,
}

/// Shared bytes, and what is in them.
type Known = (Arc<[u8]>, Result<ImageId, LoadError>);

impl Images {
    /// No code yet; these native programs can be named by files.
    pub fn new(loader: Loader, native: Vec<native::Program>) -> Images {
        Images { loader, native, programs: Vec::new(), by_content: BTreeMap::new(), known: Vec::new() }
    }

    /// S2: whether these bytes are a program, and which.
    pub fn load(&mut self, bytes: &Bytes) -> Result<ImageId, LoadError> {
        let Some(place) = bytes.shared() else { return self.look(bytes) };
        if let Some((_, known)) = self.known.iter().find(|(known, _)| Arc::ptr_eq(known, place)) {
            return *known;
        }
        let result = self.look(bytes);
        self.known.push((place.clone(), result));
        result
    }

    fn look(&mut self, bytes: &[u8]) -> Result<ImageId, LoadError> {
        let key = (xxh3_128(bytes), bytes.len());
        if let Some(known) = self.by_content.get(&key) {
            return *known;
        }
        let program = match bytes.strip_prefix(NATIVE) {
            Some(name) => {
                let named = self.native.iter().find(|program| program.name().as_bytes() == name);
                named.cloned().map(Program::Native)
            }
            None => self.loader.load_known(bytes, key).ok().map(Program::Wasm),
        };
        let result = match program {
            Some(program) => {
                self.programs.push(program);
                Ok(ImageId(self.programs.len() as u32 - 1))
            }
            None => Err(LoadError::Invalid),
        };
        self.by_content.insert(key, result);
        result
    }

    /// Begins a life, and the same again each time it is called. `seed` is for the randomness that a Wasm guest may ask for.
    pub fn begins(&self, image: ImageId, limits: wasm::Limits, seed: u64) -> Rc<dyn Fn() -> Box<dyn Guest>> {
        match self.programs[image.0 as usize].clone() {
            Program::Native(program) => Rc::new(move || Box::new(program.start())),
            Program::Wasm(program) => Rc::new(move || Box::new(program.start(&limits, seed))),
        }
    }
}
