//! From a file's bytes to the one core module that is a guest, and what can be wrong with it.
//!
//! Nothing here runs or compiles code; it reads sections.

use std::borrow::Cow;
use wasmparser::{ExternalKind, Parser, Payload, TypeRef};

/// Why bytes are no program. Each text says what is wrong and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// Neither Wasm nor its text form.
    #[error("not a Wasm file: {looks_like}; expected a component, a core module (\\0asm …) or .wat text")]
    NotWasm {
        /// What the first bytes look like.
        looks_like: String,
    },
    /// The file ends early.
    #[error("the Wasm file is truncated at byte {at}: {problem}; build or copy it again")]
    Truncated {
        /// Where it ends.
        at: u64,
        /// What was expected there.
        problem: String,
    },
    /// Wasm by its first bytes, but broken, or in need of a feature that is off.
    #[error("not a valid Wasm module: {problem}; build it for wasm32 without proposals beyond Wasm 2.0")]
    Malformed {
        /// What the validator said.
        problem: String,
    },
    /// Text that does not parse.
    #[error("not valid .wat text: {problem}")]
    Text {
        /// What the parser said, with line and column.
        problem: String,
    },
    /// A component that holds no guest that can be taken out.
    #[error(
        "a component of another shape: {problem}; supported are components made of one core module that exports `init` \
         (Rust with wit-bindgen): JavaScript and Python toolchains make others"
    )]
    Component {
        /// What it is instead.
        problem: String,
    },
    /// Something that every guest exports is not exported.
    #[error("no export `{name}`: {mend}")]
    NoExport {
        /// What is missing.
        name: &'static str,
        /// What would make it be there.
        mend: &'static str,
    },
    /// An import or export has another type than the world says.
    #[error("`{name}` has the type {found}, expected {expected}: its bindings were made for another world")]
    Signature {
        /// The import or export.
        name: String,
        /// Its type in the world.
        expected: String,
        /// Its type in the file.
        found: String,
    },
    /// An import that nobody provides.
    #[error("imports `{name}` from `{module}`: {why}")]
    Import {
        /// The import's module.
        module: String,
        /// The import's name.
        name: String,
        /// Why it is refused, and what to do.
        why: &'static str,
    },
    /// Imports from two versions of the process world.
    #[error("imports from both `{one}` and `{other}`: link it against one version of the process world")]
    TwoWorlds {
        /// The version seen first.
        one: String,
        /// The other.
        other: String,
    },
    /// The interpreter failed on a module that may well be valid.
    #[error(
        "the interpreter panicked on this module: a fault of wasmi or of the simulator, not of the module; please report it with the file"
    )]
    Engine,
}

/// The core module that `bytes` is, holds (component) or says (text).
pub(super) fn core_module(bytes: &[u8]) -> Result<Cow<'_, [u8]>, Invalid> {
    const MAGIC: &[u8] = b"\0asm";
    if !bytes.is_empty() && bytes.len() < 8 && (MAGIC.starts_with(bytes) || bytes.starts_with(MAGIC)) {
        return Err(Invalid::Truncated { at: bytes.len() as u64, problem: "not even a header".into() });
    }
    if bytes.starts_with(MAGIC) {
        return match &bytes[4..8] {
            [1, 0, 0, 0] => Ok(Cow::Borrowed(bytes)),
            [_, _, 1, 0] => take_out(bytes).map(Cow::Borrowed),
            version => Err(Invalid::Malformed { problem: format!("the version field is {version:02x?}") }),
        };
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if is_wat(text) => {
            let module = wat::parse_str(text).map_err(|error| Invalid::Text { problem: error.to_string() })?;
            Ok(Cow::Owned(module))
        }
        Ok(_) | Err(_) => Err(Invalid::NotWasm { looks_like: looks_like(bytes) }),
    }
}

/// Whether the first thing that is neither blank nor comment is a parenthesis.
fn is_wat(text: &str) -> bool {
    let mut rest = text.trim_start();
    loop {
        rest = match (rest.strip_prefix(";;"), rest.strip_prefix("(;")) {
            (Some(comment), _) => comment.split_once('\n').map_or("", |(_, rest)| rest).trim_start(),
            (None, Some(comment)) => comment.split_once(";)").map_or("", |(_, rest)| rest).trim_start(),
            (None, None) => return rest.starts_with('('),
        };
    }
}

fn looks_like(bytes: &[u8]) -> String {
    let kinds: [(&[u8], &str); 7] = [
        (b"\x7fELF", "an ELF program, built for the host and not for wasm32"),
        (b"\x1f\x8b", "a gzip archive"),
        (b"PK\x03\x04", "a zip archive"),
        (b"MZ", "a Windows program"),
        (b"<", "HTML or XML, perhaps the answer of a web server"),
        (b"{", "JSON"),
        (b"[", "JSON or TOML"),
    ];
    if bytes.is_empty() {
        return "the file is empty".into();
    }
    match kinds.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        Some((_, kind)) => format!("looks like {kind}"),
        None => format!("its first bytes are {:02x?}", &bytes[..bytes.len().min(8)]),
    }
}

/// What a core module's sections say that the interpreter does not tell: which exports are imports handed on.
pub(super) fn imported_exports(module: &[u8]) -> Result<Vec<String>, Invalid> {
    let mut n_imported = 0;
    let mut handed_on = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        match payload.map_err(broken)? {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    if let TypeRef::Func(_) | TypeRef::FuncExact(_) = import.map_err(broken)?.ty {
                        n_imported += 1;
                    }
                }
            }
            Payload::ExportSection(exports) => {
                for export in exports {
                    let export = export.map_err(broken)?;
                    if export.kind == ExternalKind::Func && export.index < n_imported {
                        handed_on.push(export.name.to_string());
                    }
                }
            }
            _ => {}
        }
    }
    Ok(handed_on)
}

/// The core module of a component that exports `init`: the guest, and not the WASI adapter or a shim.
fn take_out(component: &[u8]) -> Result<&[u8], Invalid> {
    let mut n_modules = 0;
    let mut guest = None;
    let mut current = None;
    for payload in Parser::new(0).parse_all(component) {
        match payload.map_err(broken)? {
            // The sections of the module itself come next.
            Payload::ModuleSection { unchecked_range, .. } => {
                n_modules += 1;
                current = Some(unchecked_range);
            }
            Payload::ExportSection(exports) => {
                let mut exports = exports.into_iter().filter_map(Result::ok);
                if !exports.any(|export| export.kind == ExternalKind::Func && export.name == "init") {
                    continue;
                }
                if guest.is_some() {
                    return Err(Invalid::Component { problem: "two of its core modules export `init`".into() });
                }
                guest = current.take();
            }
            _ => {}
        }
    }
    match guest {
        // Only ranges within the file come out of the parser: it has read the module's sections.
        Some(range) => Ok(&component[range.start as usize..range.end as usize]),
        None => Err(Invalid::Component { problem: format!("none of its {n_modules} core modules exports `init`") }),
    }
}

fn broken(error: wasmparser::BinaryReaderError) -> Invalid {
    let problem = error.message().to_string();
    if problem.contains("unexpected end") {
        Invalid::Truncated { at: error.offset(), problem }
    } else {
        Invalid::Malformed { problem: format!("{problem} (at byte {:#x})", error.offset()) }
    }
}
