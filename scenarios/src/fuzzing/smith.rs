//! Modules that wasm-smith makes, in the shape of a process: valid whatever the bytes, and strange throughout.

use super::script::imports;
use super::stranger::meet;
use arbitrary::Unstructured;
use kernel_core::Duration;
use std::sync::LazyLock;
use wasm_smith::{Config, Module};

/// How long a module is met: for some thirty lives of one that ends at once.
pub const SPAN: Duration = Duration::from_millis(400);

/// Whatever a valid module does, only it dies. The bytes are what wasm-smith makes its decisions with.
pub fn guest_module(bytes: &[u8]) {
    if let Some(module) = smith(bytes) {
        meet(&module, SPAN);
    }
}

/// The module that wasm-smith makes of these bytes: it imports every call of the process world and WASI's, and exports what a
/// process does. `None`: the bytes were not enough.
pub fn smith(bytes: &[u8]) -> Option<Vec<u8>> {
    static SHAPE: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let shape = format!(
            r#"(module {} (memory (export "memory") 1)
                (func (export "init") (param i32 i32))
                (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable))"#,
            imports()
        );
        wat::parse_str(shape).expect("the shape of a process is a module")
    });
    // What the interpreter does not run is off, or most modules would be refused at the door.
    let config = Config {
        module_shape: Some(SHAPE.clone()),
        compact_imports_enabled: false,
        gc_enabled: false,
        exceptions_enabled: false,
        threads_enabled: false,
        memory64_enabled: false,
        simd_enabled: false,
        relaxed_simd_enabled: false,
        tail_call_enabled: false,
        wide_arithmetic_enabled: false,
        max_memory32_bytes: 32 << 20,
        // To fill larger ones took a third of the time.
        max_table_elements: 10_000,
        max_funcs: 12,
        max_instructions: 200,
        ..Config::default()
    };
    Some(Module::new(config, &mut Unstructured::new(bytes)).ok()?.to_bytes())
}
