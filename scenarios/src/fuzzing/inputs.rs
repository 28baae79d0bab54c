//! What a user hands to `check`: any bytes are a workload or a package, or an error that says why not.

use sim::check::{Checked, Workload, read_bytes};
use sim::guest::image::Loader;
use sim::package::{Content, Package, missing_field, parse_manifest};
use std::path::Path;

/// A process that does nothing, for a manifest to name.
const WAITS: &str = r#"(module (import "hyperware:process/standard@1.0.0" "receive" (func $receive (param i32)))
    (memory (export "memory") 1)
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
    (func (export "init") (param i32 i32) (loop $next (call $receive (i32.const 16)) (br $next))))"#;
const MANIFEST: &str = r#"[{"process_name":"app","process_wasm_path":"/app.wat","on_exit":"Restart","public":false,
    "request_networking":false,"request_capabilities":[],"grant_capabilities":[]}]"#;

/// A workload's text is read, and becomes a scenario that can be played, or is refused; twice alike.
pub fn workload(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let read = || Workload::parse(text, "workload.toml");
    let workload = read();
    assert_eq!(workload, read());
    if let Ok(workload) = workload {
        let mut package = Package::new("app:demo.os", MANIFEST);
        package.files.push(("/app.wat".to_string(), Content::Bytes(WAITS.as_bytes().into())));
        // A workload may name a process that this package does not have.
        if let Ok(checked) = Checked::new(package, None, &workload, &Loader::default()) {
            assert!(checked.scenario.script.len() <= 20_000 + 8, "{} lines", checked.scenario.script.len());
        }
    }
}

/// A package's one file is read, or is refused. After a first byte that is odd, the rest is a manifest.
pub fn package(bytes: &[u8]) {
    let Some((kind, rest)) = bytes.split_first() else { return };
    if kind % 2 == 1 {
        let entries = parse_manifest("app:demo.os", rest);
        assert!(entries.as_ref().map_or(0, Vec::len) <= 256, "a manifest has a bound");
        let _ = missing_field("app:demo.os", rest);
        return;
    }
    let read = |name: &str| read_bytes(Path::new(name), rest.to_vec(), None, &[], &Loader::default());
    let package = read("package.zip");
    assert_eq!(package, read("package.zip"));
    let _ = package.map(|package| Checked::new(package, None, &Workload::default(), &Loader::default()).map(drop));
    let _ = read("process.wasm");
}
