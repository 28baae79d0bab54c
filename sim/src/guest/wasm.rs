//! Wasm guests: the same binaries that run on a Kinode node, on the wasmi interpreter.
//!
//! wasmi 1.1.0 and not 2.0: 2.0 overflows the host's stack in debug builds and in loops over `memory.grow`, and
//! panics on a valid module. What 1.1 lacks is a fixed pattern for NaN: a guest that looks at the bits of a NaN may see
//! others on another processor. Fuel prices are wasmi's, so no number of fuel is ever part of a trace.

use super::SPIN_QUANTUM;
use super::abi;
use super::host::{Bounds, Host};
use super::load::{core_module, imported_exports};
use super::wasi;
use kernel_core::Duration;
use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use wasmi::{
    CompilationMode, Config, Engine, Error, ExternType, FuncType, Instance, Linker, Module, Store, StoreLimitsBuilder,
    ValType,
};

pub use super::abi::World;
pub use super::life::WasmGuest;
pub use super::load::Invalid;

/// Calls nested deeper than this are a stack overflow; so is more than [`STACK_BYTES_MAX`] of values.
const RECURSION_MAX: usize = 10_000;
const STACK_BYTES_MAX: usize = 4_000_000;

/// A Rust program has one table, of some thousand functions.
const TABLE_ELEMENTS_MAX: usize = 1_000_000;

/// What an instance takes of the host: by itself, for each import that is looked up and bound, and for what else is in the
/// code, as far as it is set up anew: segments of data, globals, handles of functions.
const INSTANCE_NANOS: u64 = 5_000;
const IMPORT_NANOS: u64 = 250;
const CODE_BYTES_PER_NANO: u64 = 2;

/// What a guest may use up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most memory it may have; a `memory.grow` beyond it fails.
    pub memory_bytes: usize,
    /// The fuel of one spin quantum: so much computing without a stop is [`Turn::Busy`](super::Turn::Busy).
    pub spin_fuel: u64,
    /// The virtual time that a quantum takes.
    pub spin_time: Duration,
    /// Runs the guest in slices of so much fuel. Only the host can tell: turns, text and virtual time are the same.
    pub slice_fuel: Option<u64>,
    /// Which growth of its memory is refused, counted from 1, though there is room: `memory.grow` gives -1.
    pub refused_growth: Option<u32>,
}

impl Default for Limits {
    /// 128 MiB of memory, a quantum of 20 million fuel that takes a second, no slices.
    fn default() -> Limits {
        Limits {
            memory_bytes: 128 << 20,
            spin_fuel: 20_000_000,
            spin_time: SPIN_QUANTUM,
            slice_fuel: None,
            refused_growth: None,
        }
    }
}

/// A program, compiled: a cheap handle. Not a running one: see [`Program::start`].
#[derive(Clone)]
pub struct Program(Arc<Compiled>);

struct Compiled {
    module: Module,
    linker: Linker<Host>,
    world: World,
    instance_nanos: u64,
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program").field("world", &self.0.world).finish_non_exhaustive()
    }
}

impl Program {
    /// Compiles a component, a core module, or the text (`.wat`) of one.
    ///
    /// # Errors
    /// [`Invalid`] says what is wrong with the bytes, and what to do about it.
    pub fn load(bytes: &[u8]) -> Result<Program, Invalid> {
        let wasm = core_module(bytes)?;
        let handed_on = imported_exports(&wasm)?;
        let engine = Engine::new(&config());
        // The interpreter has panicked on valid modules before, and this one may be a stranger's.
        let module = catch_unwind(AssertUnwindSafe(|| Module::new(&engine, &*wasm)));
        let module = module.map_err(|_| Invalid::Engine)?;
        let module = module.map_err(|error| Invalid::Malformed { problem: error.to_string() })?;
        check_exports(&module, &handed_on)?;
        let (linker, world) = link(&engine, &module)?;
        let n_imports = module.imports().len() as u64;
        let instance_nanos = INSTANCE_NANOS + n_imports * IMPORT_NANOS + wasm.len() as u64 / CODE_BYTES_PER_NANO;
        Ok(Program(Arc::new(Compiled { module, linker, world, instance_nanos })))
    }

    /// Which process world it was built for.
    pub fn world(&self) -> World {
        self.0.world
    }

    /// A life of this program that has not begun: nothing of it runs before its first [`Guest::resume`](super::Guest::resume), which is with
    /// [`Answer::Init`](kernel_core::Answer::Init). `seed` gives its random numbers.
    pub fn start(&self, limits: &Limits, seed: u64) -> WasmGuest {
        let bounds = StoreLimitsBuilder::new()
            .memory_size(limits.memory_bytes)
            .table_elements(TABLE_ELEMENTS_MAX)
            .instances(1)
            .memories(1)
            .tables(4)
            .build();
        let bounds = Bounds { limits: bounds, refused: limits.refused_growth, grown: 0, exceeded: false, zeroed: 0 };
        let mut store = Store::new(self.0.module.engine(), Host::new(self.0.world, bounds, seed));
        store.limiter(|host| &mut host.limits);
        WasmGuest::new(self.clone(), limits.clone(), store)
    }

    /// How many nanoseconds the host takes to make an instance, by what is in the module and as measured.
    pub(super) fn instance_nanos(&self) -> u64 {
        self.0.instance_nanos
    }

    /// Makes the instance: its start function runs.
    pub(super) fn instantiate(&self, store: &mut Store<Host>) -> Result<Instance, Error> {
        self.0.linker.instantiate_and_start(store, &self.0.module)
    }
}

fn config() -> Config {
    let mut config = Config::default();
    config
        .consume_fuel(true)
        // Lazily the same guest costs more on its first run than on its second.
        .compilation_mode(CompilationMode::Eager)
        .ignore_custom_sections(true)
        .set_max_recursion_depth(RECURSION_MAX)
        .set_max_stack_height(STACK_BYTES_MAX)
        // A tail call into a suspending import cannot be resumed: the frame to return to is gone.
        .wasm_tail_call(false)
        // The process world knows one 32-bit memory.
        .wasm_multi_memory(false)
        .wasm_memory64(false);
    config
}

fn check_exports(module: &Module, handed_on: &[String]) -> Result<(), Invalid> {
    use ValType::I32;
    match module.get_export("memory") {
        Some(ExternType::Memory(_)) => {}
        Some(_) | None => {
            return Err(Invalid::NoExport { name: "memory", mend: "export the linear memory under this name" });
        }
    }
    let init = Some("a process exports `init: func(our: string)`; build it for the world process-v1");
    let realloc = Some("answers are written into memory that it gives; wit-bindgen makes it");
    let functions = [
        ("init", vec![I32; 2], vec![], init),
        ("cabi_realloc", vec![I32; 4], vec![I32], realloc),
        // What has no text need not be there.
        ("_initialize", vec![], vec![], None),
    ];
    for (name, params, results, mend) in functions {
        let expected = FuncType::new(params, results);
        match (module.get_export(name), mend) {
            (Some(ExternType::Func(found)), _) if found == expected => {}
            (Some(ExternType::Func(found)), _) => return Err(abi::wrong_type(name, &expected, &found)),
            (Some(_) | None, Some(mend)) => return Err(Invalid::NoExport { name, mend }),
            (Some(_) | None, None) => {}
        }
        if handed_on.iter().any(|export| export == name) {
            return Err(Invalid::Malformed { problem: format!("the export `{name}` is an import handed on") });
        }
    }
    Ok(())
}

/// Binds every import, or says which one nobody provides.
fn link(engine: &Engine, module: &Module) -> Result<(Linker<Host>, World), Invalid> {
    let mut linker = Linker::new(engine);
    let mut world: Option<(World, String)> = None;
    let mut seen = BTreeMap::new();
    for import in module.imports() {
        let refused = |why| Invalid::Import { module: import.module().into(), name: import.name().into(), why };
        let ExternType::Func(ty) = import.ty() else {
            return Err(refused("only functions are provided, and the memory is the guest's own to export"));
        };
        // One import may stand in a module twice.
        match seen.insert((import.module().to_string(), import.name().to_string()), ty.clone()) {
            Some(before) if before != *ty => return Err(abi::wrong_type(import.name(), &before, ty)),
            Some(_) => continue,
            None => {}
        }
        if import.module() == wasi::MODULE {
            wasi::define(&mut linker, import.name(), ty)?;
            continue;
        }
        let Some(found) = abi::world_of(import.module()) else {
            return Err(refused(stranger(import.module())));
        };
        match &world {
            Some((_, first)) if first != import.module() => {
                return Err(Invalid::TwoWorlds { one: first.clone(), other: import.module().into() });
            }
            Some(_) | None => world = Some((found, import.module().into())),
        }
        let kind = abi::import(import.module(), import.name(), found, ty)?;
        abi::define(&mut linker, import.module(), kind).expect("each import is defined once");
    }
    Ok((linker, world.map_or(World::V1_0, |(world, _)| world)))
}

/// Why nobody provides what this module is to provide.
fn stranger(module: &str) -> &'static str {
    let before = ["nectar:", "uqbar:"].iter().any(|old| module.starts_with(old));
    match module.split_once(':') {
        Some(_) if before || module.contains(":process/standard") => {
            "a process world older than 0.7; build against hyperware:process@1.0.0 or kinode:process@0.7.0 to 1.0.0"
        }
        Some(("wasi", _)) => {
            "WASI preview 2, which a JavaScript or Python toolchain imports directly; supported are Rust programs made \
             with wit-bindgen, whose core module imports wasi_snapshot_preview1"
        }
        _ => {
            "neither of the process world (hyperware:process/standard, kinode:process/standard) nor of \
             wasi_snapshot_preview1"
        }
    }
}
