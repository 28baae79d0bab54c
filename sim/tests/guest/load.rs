//! What is a program, and what an answer says about what is not.

use super::odd::{ALLOCATOR, Life, STANDARD, guest, imports};
use sim::guest::Turn;
use sim::guest::wasm::{Invalid, Program, World};

fn is_shared_between_threads<T: Send + Sync + Clone>(_: &T) {}

fn error(bytes: impl AsRef<[u8]>) -> Invalid {
    Program::load(bytes.as_ref()).expect_err("no program")
}

fn assert_says(bytes: impl AsRef<[u8]>, expected: &[&str]) {
    let text = error(bytes).to_string();
    for part in expected {
        assert!(text.contains(part), "{text:?} should say {part:?}");
    }
}

fn compiled(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("text of a test parses")
}

/// A guest with these items besides memory, allocator and `init`.
fn with(items: &str) -> String {
    format!(r#"(module {items} (memory (export "memory") 2) {ALLOCATOR} (func (export "init") (param i32 i32)))"#)
}

/// A component of these core modules.
fn component(modules: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = b"\0asm\x0d\0\x01\0".to_vec();
    for module in modules {
        bytes.push(1);
        let mut n = module.len();
        while n >= 128 {
            bytes.push(n as u8 | 128);
            n >>= 7;
        }
        bytes.push(n as u8);
        bytes.extend(module);
    }
    bytes
}

#[test]
fn text_a_core_module_and_a_component_of_it_are_one_program() {
    let text = guest(STANDARD, 2, &[], "(call $set-state (local.get $our) (local.get $our-n))");
    let core = compiled(&text);
    let shim = compiled(r#"(module (func (export "0")))"#);
    let component = component(&[shim.clone(), core.clone(), shim]);
    let turns = [text.as_bytes(), &core, &component].map(|bytes| {
        let program = Program::load(bytes).unwrap_or_else(|error| panic!("{error}"));
        is_shared_between_threads(&program);
        Life::start(&program, &Default::default()).init()
    });
    assert!(matches!(turns[0], Turn::Call(_)));
    assert!(turns[0] == turns[1] && turns[1] == turns[2]);
}

#[test]
fn comments_may_stand_before_text() {
    for comment in [";; a guest\n", "(; (nested ;)\n", " \n;; one\n(; two ;) ;; three\n"] {
        Program::load((comment.to_string() + &with("")).as_bytes())
            .unwrap_or_else(|error| panic!("{comment:?}: {error}"));
    }
}

#[test]
fn the_world_is_told_by_its_version() {
    let worlds = [
        ("kinode:process/standard@0.7.0", World::V0_7),
        ("kinode:process/standard@0.8.0", World::V0_8),
        ("kinode:process/standard@0.10.1", World::V0_8),
        ("kinode:process/standard@1.0.0", World::V1_0),
        ("hyperware:process/standard@1.0.0", World::V1_0),
        ("hyperware:process/standard@1.2.3-rc.1", World::V1_0),
        ("hyperware:process/standard", World::V1_0),
    ];
    for (module, world) in worlds {
        let program =
            Program::load(guest(module, 2, &[], "").as_bytes()).unwrap_or_else(|error| panic!("{module}: {error}"));
        assert_eq!(program.world(), world, "{module}");
    }
    assert_eq!(Program::load(with("").as_bytes()).expect("a program").world(), World::V1_0);
}

#[test]
fn what_is_no_wasm_is_said_by_its_first_bytes() {
    let files: [(&[u8], &str); 9] = [
        (b"", "the file is empty"),
        (b"\x7fELF\x02\x01\x01", "an ELF program"),
        (b"\x1f\x8b\x08", "a gzip archive"),
        (b"PK\x03\x04", "a zip archive"),
        (b"<!DOCTYPE html>", "HTML"),
        (b"{\"a\": 1}", "JSON"),
        (b"hello", "[68, 65, 6c, 6c, 6f]"),
        (b"\xff\xfe\0\0", "[ff, fe, 00, 00]"),
        (b";; only a comment", "[3b, 3b"),
    ];
    for (bytes, expected) in files {
        assert!(matches!(error(bytes), Invalid::NotWasm { .. }));
        assert_says(bytes, &["not a Wasm file", expected]);
    }
    assert_says("(module (func $f (i32.add)))", &["not a valid Wasm module", "nothing on stack"]);
    assert_says("(module (fun))", &["not valid .wat text", "1:10"]);
}

#[test]
fn a_truncated_file_is_an_error_wherever_it_ends() {
    let core = compiled(&guest(STANDARD, 2, b"data", "(call $receive (i32.const 0))"));
    let component = component(std::slice::from_ref(&core));
    for file in [core, component] {
        let whole = |end: &usize| Program::load(&file[..*end]).is_ok();
        let sound: Vec<usize> = (0..file.len()).filter(whole).collect();
        // A cut before the data or before the names leaves a sound core module.
        assert!(sound.len() <= 2 && (file[4] == 1 || sound.is_empty()), "{sound:?}");
        assert!(matches!(error(&file[..file.len() - 3]), Invalid::Truncated { .. }));
        assert_says(&file[..file.len() - 3], &["truncated at byte"]);
        assert_says(&file[..5], &["truncated at byte 5"]);
    }
}

#[test]
fn a_flipped_byte_is_an_error_or_a_program_but_no_panic() {
    let core = compiled(&guest(STANDARD, 2, b"data", "(call $receive (i32.const 0))"));
    let file = component(&[core]);
    for at in 8..file.len() {
        for bit in [1, 128] {
            let mut file = file.clone();
            file[at] ^= bit;
            if let Ok(program) = Program::load(&file) {
                Life::start(&program, &Default::default()).init();
            }
        }
    }
}

#[test]
fn what_a_guest_has_to_export_is_named() {
    let module = |exports: &str| format!("(module {exports})");
    let init = r#"(func (export "init") (param i32 i32))"#;
    let memory = r#"(memory (export "memory") 2)"#;
    assert_says(module(&format!("{memory} {ALLOCATOR}")), &["no export `init`", "process-v1"]);
    assert_says(module(init), &["no export `memory`", "export the linear memory"]);
    assert_says(module(&format!("{memory} {init}")), &["no export `cabi_realloc`", "wit-bindgen"]);
    let strange = r#"(func (export "init") (param i64) (result i32) (i32.const 0))"#;
    assert_says(module(&format!("{memory} {ALLOCATOR} {strange}")), &["`init`", "[i64] -> [i32]", "[i32, i32] -> []"]);
    let import = format!(r#"(import "{STANDARD}" "set-state" (func $f (param i32 i32))) (export "init" (func $f))"#);
    assert_says(module(&format!("{import} {memory} {ALLOCATOR}")), &["the export `init` is an import handed on"]);
}

#[test]
fn an_import_that_nobody_provides_is_named() {
    assert_says(
        with(r#"(import "env" "abort" (func))"#),
        &["imports `abort` from `env`", "hyperware:process/standard"],
    );
    let memory = r#"(import "env" "memory" (memory $m 1)) (export "memory" (memory $m))"#;
    let without = with(memory).replace(r#"(memory (export "memory") 2)"#, "");
    assert_says(without, &["imports `memory` from `env`", "the guest's own"]);
    assert_says(with(r#"(import "env" "g" (global i32))"#), &["imports `g` from `env`", "only functions"]);
    assert_says(
        with(r#"(import "wasi:cli/exit@0.2.0" "exit" (func (param i32)))"#),
        &["`exit` from `wasi:cli/exit@0.2.0`", "WASI preview 2", "JavaScript or Python"],
    );
    for old in ["nectar:process/standard@0.1.0", "uqbar:process/standard@0.3.0", "kinode:process/standard@0.6.0"] {
        assert_says(with(&format!(r#"(import "{old}" "receive" (func (param i32)))"#)), &[old, "older than 0.7"]);
    }
    assert_says(with(&format!(r#"(import "{STANDARD}" "fork" (func))"#)), &["imports `fork`", "no such call"]);
    assert_says(
        with(r#"(import "kinode:process/standard@0.8.0" "our" (func (param i32)))"#),
        &["imports `our`", "since world 1.0"],
    );
    assert_says(
        with(&format!(r#"(import "{STANDARD}" "our" (func))"#)),
        &["`our` has the type [] -> []", "expected [i32] -> []"],
    );
    assert_says(with(r#"(import "wasi_snapshot_preview1" "fd_write" (func))"#), &["`fd_write` has the type"]);
    let two = r#"(import "kinode:process/standard@0.8.0" "receive" (func (param i32)))"#;
    assert_says(with(&(imports(STANDARD) + two)), &["from both", "0.8.0", "1.0.0"]);
}

#[test]
fn an_import_may_stand_twice() {
    let import = format!(r#"(import "{STANDARD}" "clear-state" (func))"#);
    Program::load(with(&import.repeat(2)).as_bytes()).unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn components_of_other_shapes_are_told_apart() {
    let shim = compiled(r#"(module (func (export "0")))"#);
    assert_says(component(&[]), &["a component of another shape", "none of its 0 core modules exports `init`"]);
    assert_says(component(&[shim.clone(), shim]), &["none of its 2 core modules", "JavaScript"]);
    let guest = compiled(&with(""));
    assert_says(component(&[guest.clone(), guest]), &["two of its core modules export `init`"]);
}

#[test]
fn proposals_that_cannot_be_suspended_or_lifted_are_off() {
    assert_says(with("(func $f (return_call $f))"), &["not a valid Wasm module", "tail call"]);
    assert_says(
        with("").replace("(memory (export \"memory\") 2)", "(memory (export \"memory\") i64 2)"),
        &["not a valid Wasm module"],
    );
    assert_says(with("(memory 1)"), &["not a valid Wasm module"]);
}

#[test]
fn a_module_that_broke_another_engine_loads() {
    // wasmi 2.0 panics in `Module::new` on this (wasm-notes.md); whatever engine is used has to pass.
    let module =
        with("(func (param i32) (local.set 0 (i32.const 1)) (i32.store offset=70000 (local.get 0) (local.get 0)))");
    Program::load(module.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
}
