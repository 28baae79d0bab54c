//! Who may do what, and where a path leads.

use super::*;
use crate::disk::Op;

#[test]
fn a_path_without_package_and_drive_is_malformed() {
    let mut node = node();
    for path in ["", "/", "notes:me.os", "/notes:me.os/", "/notes/home", "/a:b:c/home", "/notes:me.os/.", "/./x/../.."]
    {
        assert_eq!(node.answer(path, json!("Read")), refused("MalformedRequest"), "{path}");
        let rename = json!({ "Rename": { "new_path": path } });
        assert_eq!(node.answer(FILE, rename), refused("MalformedRequest"), "{path}");
        assert_eq!(node.spawn_reads(path), Err(LoadError::NoFile), "{path}");
    }
}

#[test]
fn no_path_leaves_the_root() {
    let mut node = node_with("text");
    node.disk.apply(&Op::CreateDir("/kernel".into())).expect("the root is there");
    node.disk.apply(&Op::Create("/kernel/table".into())).expect("its directory is there");
    for path in [
        "/notes:me.os/home/../../../kernel/table",
        "../kernel/table",
        "/../vfs/notes:me.os/home/a.txt",
        "/notes:me.os/../../kernel/table",
        "\\/kernel/table",
        "//\\//notes:me.os/home/a.txt",
    ] {
        assert_eq!(node.answer(path, json!("Read")), refused("MalformedRequest"), "{path}");
        assert_eq!(store_path(path), "/vfs", "{path}");
    }
    // These are names, and nothing is there.
    for name in ["%2e%2e/%2e%2e/kernel", "..\\..\\kernel", ".../kernel", "..;/kernel", "．．/kernel", "~", "$HOME"] {
        let path = format!("/notes:me.os/home/{name}");
        assert_eq!(node.answer(&path, json!("Read")), no_such_file(), "{path}");
        assert_eq!(store_path(&path), format!("/vfs{path}"));
    }
    let nul = io_error("file name contained an unexpected NUL byte");
    assert_eq!(node.answer("/notes:me.os/home/a.txt\0", json!("Read")), nul);
    let long = io_error("File name too long (os error 36)");
    assert_eq!(node.answer(&format!("{DRIVE}/{}", "x".repeat(256)), json!("CreateFile")), long);
    assert_eq!(node.answer(&format!("{DRIVE}/{}", "x/".repeat(100_000)), json!("CreateDirAll")), long);
}

#[test]
fn a_way_out_of_the_drive_needs_the_right_to_where_it_leads() {
    let mut node = node_with("secret");
    node.by(STRANGER).answer("/spy:it.os/home", json!("CreateDrive"));
    for path in ["/spy:it.os/home/../../notes:me.os/home/a.txt", "/spy:it.os/../notes:me.os/home/a.txt"] {
        assert_eq!(node.answer(path, json!("Read")), refused("NoReadCap"), "{path}");
        assert_eq!(node.give(path, json!("Write"), b""), refused("NoWriteCap"), "{path}");
        assert_eq!(node.spawn_reads(path), Err(LoadError::NoFile), "{path}");
        for action in ["CopyFile", "Rename"] {
            let here = json!({ action: { "new_path": "/spy:it.os/home/got" } });
            assert_eq!(node.answer(path, here), refused("NoWriteCap"), "{path}");
            let there = json!({ action: { "new_path": path } });
            assert_eq!(node.answer("/spy:it.os/home/mine", there), refused("NoWriteCap"), "{path}");
        }
    }
}

#[test]
fn empty_parts_and_dots_count_for_nothing() {
    let mut node = node_with("text");
    for path in [
        "notes:me.os/home/a.txt",
        "//notes:me.os//home///a.txt/",
        "/x/../notes:me.os/./home/b/../a.txt",
        "\\notes:me.os/home/a.txt",
    ] {
        assert_eq!(node.bytes(path, json!("Read")), "text", "{path}");
        assert_eq!(store_path(path), "/vfs/notes:me.os/home/a.txt");
    }
}

fn reads() -> Vec<Value> {
    let mut reads: Vec<Value> =
        ["Read", "ReadDir", "ReadToEnd", "ReadToString", "Metadata", "Len", "Hash"].map(Value::from).into();
    reads.extend([json!({ "ReadExact": { "length": 1 } }), json!({ "Seek": { "Start": 0 } })]);
    reads
}

fn writes() -> Vec<Value> {
    let unit = ["CreateDir", "CreateDirAll", "CreateFile", "CloseFile", "Write", "WriteAll", "Append", "SyncAll"];
    let mut writes: Vec<Value> = unit.map(Value::from).into();
    writes.extend(["RemoveFile", "RemoveDir", "RemoveDirAll", "AddZip"].map(Value::from));
    writes.extend([json!({ "OpenFile": { "create": true } }), json!({ "SetLen": 0 })]);
    let new_path = "/notes:me.os/home/b";
    writes.extend([json!({ "Rename": { "new_path": new_path } }), json!({ "CopyFile": { "new_path": new_path } })]);
    writes
}

#[test]
fn without_a_capability_a_stranger_does_nothing() {
    let mut node = node_with("text");
    let before = node.disk.clone();
    node.by(STRANGER);
    for action in reads() {
        assert_eq!(node.give(FILE, action.clone(), b"x"), refused("NoReadCap"), "{action}");
    }
    for action in writes().into_iter().chain([json!("CreateDrive")]) {
        assert_eq!(node.give(FILE, action.clone(), b"x"), refused("NoWriteCap"), "{action}");
    }
    assert_eq!(node.spawn_reads(FILE), Err(LoadError::NoFile));
    assert_eq!(node.disk, before);
}

#[test]
fn to_read_is_not_to_write_nor_to_write_to_read() {
    let mut node = node_with("text");
    node.grant(STRANGER, json!({ "kind": "read", "drive": DRIVE }));
    assert_eq!(node.by(STRANGER).bytes(FILE, json!("Read")), "text");
    for action in writes() {
        assert_eq!(node.give(FILE, action.clone(), b"x"), refused("NoWriteCap"), "{action}");
    }
    let mut node = node_with("text");
    node.grant(STRANGER, json!({ "kind": "write", "drive": DRIVE }));
    assert_eq!(node.by(STRANGER).give(FILE, json!("Append"), b"!"), "Ok");
    for action in reads() {
        assert_eq!(node.answer(FILE, action.clone()), refused("NoReadCap"), "{action}");
    }
    assert_eq!(node.spawn_reads(FILE), Err(LoadError::NoFile));
}

#[test]
fn a_capability_is_for_one_drive_of_this_module() {
    let mut node = node_with("text");
    for drive in ["/notes:me.os/other", "notes:me.os/home", "/notes:me.os", "/notes:me.os/home/"] {
        node.grant(STRANGER, json!({ "kind": "read", "drive": drive }));
    }
    node.by(STRANGER);
    assert_eq!(node.answer(FILE, json!("Read")), refused("NoReadCap"));
    // The same words of another issuer.
    node.module = Address { process: ProcessRef::KV, ..node.module };
    node.grant(STRANGER, json!({ "kind": "read", "drive": DRIVE }));
    node.module = Address { process: ProcessRef::VFS, ..node.module };
    assert_eq!(node.answer(FILE, json!("Read")), refused("NoReadCap"));
}

#[test]
fn root_may_do_everything() {
    let mut node = node_with("text");
    node.grant(STRANGER, json!({ "root": true }));
    assert_eq!(node.by(STRANGER).bytes(FILE, json!("Read")), "text");
    assert_eq!(node.give(FILE, json!("Write"), b"mine"), "Ok");
    assert_eq!(node.answer("/notes:me.os/second", json!("CreateDrive")), "Ok");
    let to = json!({ "Rename": { "new_path": "/notes:me.os/second/a.txt" } });
    assert_eq!(node.answer(FILE, to), "Ok");
    let packages = json!({ "ReadDir": [{ "path": "notes:me.os", "file_type": "Directory" }] });
    assert_eq!(node.answer("/", json!("ReadDir")), packages);
    assert_eq!(node.by(OWNER).answer("/", json!("ReadDir")), refused("NoReadCap"));
}

#[test]
fn the_kernel_is_not_asked() {
    let mut node = node_with("text");
    node.who = ProcessRef::KERNEL;
    assert_eq!(node.bytes(FILE, json!("Read")), "text");
    assert_eq!(node.answer("/a:b/c", json!("CreateDrive")), "Ok");
    let [read, _] = drive_capabilities(node.module, "/a:b/c", &mut node.names);
    assert!(!node.kernel.holds(ProcessRef::KERNEL, &read));
}

#[test]
fn the_drive_of_the_own_package_needs_no_capability() {
    let mut node = node_with("text");
    assert_eq!(node.by(SIBLING).bytes(FILE, json!("Read")), "text");
    assert_eq!(node.give(FILE, json!("Write"), b"new"), "Ok");
    assert_eq!(node.spawn_reads(FILE), Ok("new".into()));
}

#[test]
fn from_package_to_package_a_rename_needs_both_capabilities_even_of_the_owner() {
    let mut node = node_with("text");
    node.by(STRANGER).answer("/spy:it.os/home", json!("CreateDrive"));
    node.grant(SIBLING, json!({ "kind": "write", "drive": "/spy:it.os/home" }));
    let to = json!({ "CopyFile": { "new_path": "/spy:it.os/home/got" } });
    // It owns the source, and holds the target; it does not hold the source.
    assert_eq!(node.by(SIBLING).answer(FILE, to.clone()), refused("NoWriteCap"));
    node.grant(SIBLING, json!({ "kind": "write", "drive": DRIVE }));
    assert_eq!(node.answer(FILE, to), "Ok");
    assert_eq!(node.by(STRANGER).bytes("/spy:it.os/home/got", json!("Read")), "text");
}

#[test]
fn who_is_gone_gets_no_capability_and_no_drive() {
    let mut node = node();
    node.by("gone:notes:me.os");
    assert_eq!(node.answer("/notes:me.os/new", json!("CreateDrive")), refused("AddCapFailed"));
    assert!(!node.disk.files().is_dir("/vfs/notes:me.os/new"));
}

#[test]
fn spawn_reads_what_its_parent_may_read() {
    let mut node = node_with("wasm");
    assert_eq!(node.by(OWNER).spawn_reads(FILE), Ok("wasm".into()));
    assert_eq!(node.spawn_reads("/notes:me.os/home/none"), Err(LoadError::NoFile));
    assert_eq!(node.spawn_reads(DRIVE), Err(LoadError::NoFile));
    assert_eq!(node.by(STRANGER).spawn_reads(FILE), Err(LoadError::NoFile));
    node.grant(STRANGER, json!({ "kind": "read", "drive": DRIVE }));
    assert_eq!(node.spawn_reads(FILE), Ok("wasm".into()));
}
