//! What each action does and answers, and where it leaves the cursor.

use super::*;

#[test]
fn a_drive_is_made_with_all_above_it_and_its_maker_holds_it() {
    let mut node = node();
    assert!(node.disk.files().is_dir("/vfs/notes:me.os/home"));
    let owner = node.names.process(OWNER);
    for capability in drive_capabilities(node.module, DRIVE, &mut node.names) {
        assert!(node.kernel.holds(owner, &capability));
    }
    assert_eq!(node.answer(DRIVE, json!("CreateDrive")), "Ok", "again is fine");
}

#[test]
fn the_right_to_a_drive_is_given_before_its_making_is_answered() {
    let mut node = node();
    let message = node.by(OWNER).request(br#"{"path":"/notes:me.os/new","action":"CreateDrive"}"#);
    let Node { names, kernel, disk, module, .. } = &mut node;
    let mut outside = Outside::default();
    let mut cx = ModuleContext::new(*module, NOW.now, names, disk.session(None), kernel, &mut outside);
    Vfs::default().on_message(&Rc::new(message), &mut cx);
    let [(_, Input::ModuleRequest(..)), (_, Input::ModuleResponse(..))] = &cx.out[..] else {
        panic!("a command, then the answer: {:?}", cx.out);
    };
}

#[test]
fn directories_are_made_and_removed() {
    let mut node = node_with("x");
    let dir = "/notes:me.os/home/a/b";
    assert_eq!(node.answer(dir, json!("CreateDir")), no_such_file());
    assert_eq!(node.answer(dir, json!("CreateDirAll")), "Ok");
    assert_eq!(node.answer(dir, json!("CreateDirAll")), "Ok");
    assert_eq!(node.answer(dir, json!("CreateDir")), io_error("File exists (os error 17)"));
    assert_eq!(node.answer(FILE, json!("CreateDirAll")), io_error("File exists (os error 17)"));
    let below_a_file = format!("{FILE}/b");
    assert_eq!(node.answer(&below_a_file, json!("CreateDir")), io_error("Not a directory (os error 20)"));
    assert_eq!(node.answer(&below_a_file, json!("CreateDirAll")), io_error("Not a directory (os error 20)"));
    let above = "/notes:me.os/home/a";
    assert_eq!(node.answer(above, json!("RemoveDir")), io_error("Directory not empty (os error 39)"));
    assert_eq!(node.answer(dir, json!("RemoveDir")), "Ok");
    assert_eq!(node.answer(dir, json!("RemoveDir")), no_such_file());
    assert_eq!(node.answer(FILE, json!("RemoveDir")), io_error("Not a directory (os error 20)"));
    assert_eq!(node.answer(FILE, json!("RemoveDirAll")), io_error("Not a directory (os error 20)"));
    assert_eq!(node.answer(DRIVE, json!("RemoveDirAll")), "Ok");
    assert_eq!(node.answer(FILE, json!("Read")), no_such_file());
}

#[test]
fn write_replaces_the_whole_file_and_makes_it() {
    let mut node = node_with("a long text");
    assert_eq!(node.give(FILE, json!("Write"), b"short"), "Ok");
    assert_eq!(node.bytes(FILE, json!("Read")), "short");
    assert_eq!(node.give(FILE, json!("Write"), b""), "Ok");
    assert_eq!(node.answer(FILE, json!("Len")), json!({ "Len": 0 }));
    assert_eq!(node.give(DRIVE, json!("Write"), b"x"), io_error("Is a directory (os error 21)"));
    assert_eq!(node.give("/notes:me.os/home/no/f", json!("Write"), b"x"), no_such_file());
    for action in ["Write", "WriteAll", "Append", "AddZip"] {
        assert_eq!(node.answer(FILE, json!(action)), refused("NoBlob"), "{action}");
    }
}

#[test]
fn create_truncates_and_open_does_not() {
    let mut node = node_with("text");
    assert_eq!(node.answer(FILE, json!({ "OpenFile": { "create": true } })), "Ok");
    assert_eq!(node.bytes(FILE, json!("Read")), "text");
    assert_eq!(node.answer(FILE, json!("CreateFile")), "Ok");
    assert_eq!(node.bytes(FILE, json!("Read")), "");
    let new = "/notes:me.os/home/new";
    assert_eq!(node.answer(new, json!({ "OpenFile": { "create": false } })), no_such_file());
    assert_eq!(node.answer(new, json!({ "OpenFile": { "create": true } })), "Ok");
    assert_eq!(node.answer(new, json!("Len")), json!({ "Len": 0 }));
    let open_drive = node.answer(DRIVE, json!({ "OpenFile": { "create": true } }));
    assert_eq!(open_drive, io_error("Is a directory (os error 21)"));
}

#[test]
fn only_a_file_that_exists_is_written_at_the_cursor_or_the_end() {
    let mut node = node();
    for action in [json!("WriteAll"), json!("Append"), json!({ "SetLen": 3 }), json!("SyncAll")] {
        assert_eq!(node.give(FILE, action.clone(), b"x"), no_such_file(), "{action}");
    }
    assert_eq!(node.answer(FILE, json!("CreateFile")), "Ok");
    assert_eq!(node.give(FILE, json!("WriteAll"), b"one "), "Ok");
    assert_eq!(node.give(FILE, json!("WriteAll"), b"two"), "Ok");
    assert_eq!(node.answer(FILE, json!({ "Seek": { "Start": 0 } })), json!({ "SeekFrom": { "new_offset": 0 } }));
    assert_eq!(node.give(FILE, json!("Append"), b"!"), "Ok");
    assert_eq!(node.give(FILE, json!("WriteAll"), b"?"), "Ok");
    assert_eq!(node.bytes(FILE, json!("Read")), "one two!?");
}

#[test]
fn set_len_cuts_and_extends_and_leaves_the_cursor() {
    let mut node = node_with("123456");
    node.answer(FILE, json!({ "Seek": { "Start": 4 } }));
    assert_eq!(node.answer(FILE, json!({ "SetLen": 2 })), "Ok");
    assert_eq!(node.bytes(FILE, json!("ReadToEnd")), "", "the cursor is beyond the end");
    assert_eq!(node.give(FILE, json!("WriteAll"), b"5"), "Ok");
    assert_eq!(node.bytes(FILE, json!("Read")), "12\0\x005");
    assert_eq!(node.answer(FILE, json!({ "SetLen": u64::MAX })), io_error("File too large (os error 27)"));
    assert!(node.unmodelled.is_some(), "a host may take larger ones");
    node.answer(FILE, json!({ "Seek": { "Start": 1u64 << 40 } }));
    assert_eq!(node.unmodelled, None);
    assert_eq!(node.give(FILE, json!("WriteAll"), b"5"), io_error("File too large (os error 27)"));
    assert!(node.unmodelled.is_some());
    assert_eq!(node.give(FILE, json!("WriteAll"), b""), "Ok", "nothing fits anywhere");
    assert_eq!(node.answer(FILE, json!("Len")), json!({ "Len": 5 }));
}

#[test]
fn reads_go_from_the_cursor_on() {
    let mut node = node_with("héllo");
    assert_eq!(node.answer(FILE, json!({ "ReadExact": { "length": 2 } })), "Read");
    assert_eq!(node.answer(FILE, json!("ReadToString")), io_error("stream did not contain valid UTF-8"));
    assert_eq!(node.bytes(FILE, json!("ReadToEnd")), "", "a text that is none was read all the same");
    node.answer(FILE, json!({ "Seek": { "Start": 3 } }));
    assert_eq!(node.answer(FILE, json!({ "ReadExact": { "length": 4 } })), io_error("early eof"));
    assert_eq!(node.bytes(FILE, json!("ReadToEnd")), "", "too few bytes were read all the same");
    node.answer(FILE, json!({ "Seek": { "Start": 3 } }));
    assert_eq!(node.answer(FILE, json!("ReadToString")), json!({ "ReadToString": "llo" }));
    assert_eq!(node.bytes(FILE, json!("Read")), "héllo", "a whole read asks no cursor");
    assert_eq!(node.answer(FILE, json!({ "ReadExact": { "length": u64::MAX } })), io_error("early eof"));
}

#[test]
fn a_seek_is_from_the_start_the_end_or_here() {
    let mut node = node_with("12345");
    let offset = |n: u64| json!({ "SeekFrom": { "new_offset": n } });
    assert_eq!(node.answer(FILE, json!({ "Seek": { "Start": 2 } })), offset(2));
    assert_eq!(node.answer(FILE, json!({ "Seek": { "Current": 1 } })), offset(3));
    assert_eq!(node.answer(FILE, json!({ "Seek": { "End": -1 } })), offset(4));
    assert_eq!(node.answer(FILE, json!({ "Seek": { "End": 9 } })), offset(14));
    let invalid = io_error("Invalid argument (os error 22)");
    for to in [json!({ "End": -6 }), json!({ "Current": i64::MIN }), json!({ "Start": u64::MAX })] {
        assert_eq!(node.answer(FILE, json!({ "Seek": to })), invalid, "{to}");
    }
    assert_eq!(node.answer(FILE, json!({ "Seek": { "Current": 0 } })), offset(14), "a refused one moves nothing");
}

#[test]
fn a_hash_is_sha_256_and_leaves_the_cursor_at_the_end() {
    let mut node = node_with("abc");
    let Value::Object(answer) = node.answer(FILE, json!("Hash")) else { panic!("not an object") };
    let hash: Vec<u8> = serde_json::from_value(answer["Hash"].clone()).expect("numbers");
    assert_eq!((hash.len(), &hash[..4]), (32, &[0xba, 0x78, 0x16, 0xbf][..]));
    assert_eq!(node.bytes(FILE, json!("ReadToEnd")), "");
}

#[test]
fn a_directory_lists_its_names_from_the_root_without_a_slash() {
    let mut node = node_with("x");
    node.answer("/notes:me.os/home/sub", json!("CreateDir"));
    node.give("/notes:me.os/home/sub/deep", json!("Write"), b"");
    let entries = json!({ "ReadDir": [
        { "path": "notes:me.os/home/a.txt", "file_type": "File" },
        { "path": "notes:me.os/home/sub", "file_type": "Directory" },
    ] });
    assert_eq!(node.answer(DRIVE, json!("ReadDir")), entries);
    assert_eq!(node.answer(FILE, json!("ReadDir")), io_error("Not a directory (os error 20)"));
    assert_eq!(node.answer("/notes:me.os/none", json!("ReadDir")), no_such_file());
}

#[test]
fn metadata_tells_files_from_directories() {
    let mut node = node_with("abc");
    assert_eq!(node.answer(FILE, json!("Metadata")), json!({ "Metadata": { "file_type": "File", "len": 3 } }));
    let drive = json!({ "Metadata": { "file_type": "Directory", "len": 4096 } });
    assert_eq!(node.answer(DRIVE, json!("Metadata")), drive);
    assert_eq!(node.answer("/notes:me.os/none/f", json!("Metadata")), no_such_file());
    assert_eq!(node.answer(&format!("{FILE}/f"), json!("Metadata")), io_error("Not a directory (os error 20)"));
    assert_eq!(node.answer(DRIVE, json!("Len")), io_error("Is a directory (os error 21)"));
}

#[test]
fn a_rename_moves_files_and_directories_as_the_host_does() {
    let mut node = node_with("text");
    let (dir, other) = ("/notes:me.os/home/dir", "notes:me.os/home/other");
    node.answer(dir, json!("CreateDir"));
    node.answer(other, json!("CreateDirAll"));
    let to = |path: &str| json!({ "Rename": { "new_path": path } });
    assert_eq!(node.answer(FILE, to(FILE)), "Ok");
    assert_eq!(node.answer(FILE, to(dir)), io_error("Is a directory (os error 21)"));
    assert_eq!(node.answer(dir, to(FILE)), io_error("Not a directory (os error 20)"));
    assert_eq!(node.answer(dir, to("notes:me.os/home/dir/in")), io_error("Invalid argument (os error 22)"));
    assert_eq!(node.answer(dir, to(DRIVE)), io_error("Directory not empty (os error 39)"));
    assert_eq!(node.answer(FILE, to("notes:me.os/no/f")), no_such_file());
    assert_eq!(node.answer(FILE, to("notes:me.os/home/dir/f")), "Ok");
    assert_eq!(node.answer(FILE, to(dir)), no_such_file());
    assert_eq!(node.answer(other, to(dir)), io_error("Directory not empty (os error 39)"));
    assert_eq!(node.answer(dir, to(other)), "Ok", "an empty directory is replaced");
    assert_eq!(node.bytes("/notes:me.os/home/other/f", json!("Read")), "text");
}

#[test]
fn a_copy_replaces_and_a_copy_onto_itself_empties() {
    let mut node = node_with("text");
    let to = |path: &str| json!({ "CopyFile": { "new_path": path } });
    let copy = "/notes:me.os/home/copy";
    node.give(copy, json!("Write"), b"something longer");
    assert_eq!(node.answer(FILE, to(copy)), "Ok");
    assert_eq!(node.bytes(copy, json!("Read")), "text");
    assert_eq!(node.bytes(FILE, json!("Read")), "text");
    assert_eq!(node.answer(FILE, to(FILE)), "Ok");
    assert_eq!(node.bytes(FILE, json!("Read")), "");
    let not_a_file = "the source path is neither a regular file nor a symlink to a regular file";
    assert_eq!(node.answer(DRIVE, to(copy)), io_error(not_a_file));
    assert_eq!(node.answer(copy, to(DRIVE)), io_error("Is a directory (os error 21)"));
    assert_eq!(node.answer("/notes:me.os/home/none", to(copy)), no_such_file());
}

#[test]
fn a_file_is_removed_and_a_directory_is_not_a_file() {
    let mut node = node_with("x");
    assert_eq!(node.answer(DRIVE, json!("RemoveFile")), io_error("Is a directory (os error 21)"));
    assert_eq!(node.answer(FILE, json!("RemoveFile")), "Ok");
    assert_eq!(node.answer(FILE, json!("RemoveFile")), no_such_file());
}

/// An archive of directories (no content) and files, the last of which may be a link.
fn zip(entries: &[(&str, Option<&str>)], link: Option<&str>) -> Vec<u8> {
    use std::io::Write;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    for (name, content) in entries {
        match content {
            None => zip.add_directory(*name, options).expect("an archive in memory takes all"),
            Some(text) => {
                zip.start_file(*name, options).expect("an archive in memory takes all");
                zip.write_all(text.as_bytes()).expect("an archive in memory takes all");
            }
        }
    }
    link.into_iter().for_each(|name| zip.add_symlink(name, "x", options).expect("an archive in memory takes all"));
    zip.finish().expect("an archive in memory can be finished").into_inner()
}

#[test]
fn a_zip_is_unpacked_below_its_path_entry_by_entry() {
    let mut node = node();
    let into = "/notes:me.os/home/new";
    let sound = zip(&[("ui", None), ("ui/a.txt", Some("one")), ("b.txt", Some(""))], None);
    assert_eq!(node.give(into, json!("AddZip"), &sound), "Ok");
    assert_eq!(node.bytes("/notes:me.os/home/new/ui/a.txt", json!("Read")), "one");
    assert_eq!(node.answer("/notes:me.os/home/new/b.txt", json!("Len")), json!({ "Len": 0 }));
    let again = zip(&[("ui/a.txt", Some("two"))], None);
    assert_eq!(node.give(into, json!("AddZip"), &again), "Ok", "what is there is replaced");
    assert_eq!(node.bytes("/notes:me.os/home/new/ui/a.txt", json!("Read")), "two");
    // As in the runtime: directories are made for entries that say so, not for files.
    let homeless = zip(&[("c.txt", Some("three")), ("no/d.txt", Some("four"))], None);
    assert_eq!(node.give(into, json!("AddZip"), &homeless), no_such_file());
    assert_eq!(node.bytes("/notes:me.os/home/new/c.txt", json!("Read")), "three", "what came before is there");
}

#[test]
fn a_zip_that_is_none_or_holds_what_is_no_file_is_refused() {
    let mut node = node();
    let into = "/notes:me.os/home/new";
    let refusal = node.give(into, json!("AddZip"), b"PK");
    assert!(refusal["Err"]["ParseError"]["error"].is_string(), "{refusal}");
    assert_eq!(refusal["Err"]["ParseError"]["path"], "/vfs/notes:me.os/home/new");
    assert_eq!(node.answer(into, json!("Len")), no_such_file(), "nothing was made for it");
    assert_eq!(node.give(into, json!("AddZip"), &zip(&[("a", Some("x"))], Some("link"))), refused("UnzipError"));
    assert_eq!(node.bytes("/notes:me.os/home/new/a", json!("Read")), "x");
    assert_eq!(node.by(STRANGER).give(DRIVE, json!("AddZip"), b"PK"), refused("NoWriteCap"));
}

#[test]
fn a_zip_whose_names_lead_out_of_it_is_not_modelled_and_says_so() {
    let mut node = node();
    let mut bytes = zip(&[("xxxx", Some("x"))], None);
    for at in 0..bytes.len() - 4 {
        if bytes[at..].starts_with(b"xxxx") {
            bytes[at..at + 4].copy_from_slice(b"../x");
        }
    }
    let mut message = node.request(br#"{"path":"/notes:me.os/home","action":"AddZip"}"#);
    message.blob = Some(Blob { mime: None, bytes: bytes.as_slice().into() });
    assert!(node.deliver(message).is_empty());
    assert!(node.unmodelled.as_deref().is_some_and(|what| what.contains("AddZip")));
}

#[test]
fn one_cursor_per_path_is_shared_by_all_processes() {
    let mut node = node_with("123456");
    assert_eq!(node.bytes(FILE, json!({ "ReadExact": { "length": 2 } })), "12");
    assert_eq!(node.by(SIBLING).bytes("notes:me.os//home/./x/../a.txt", json!({ "ReadExact": { "length": 2 } })), "34");
    assert_eq!(node.by(OWNER).bytes(FILE, json!("ReadToEnd")), "56");
}

#[test]
fn opening_creating_and_closing_put_the_cursor_to_the_start() {
    let mut node = node_with("text");
    for action in [json!({ "OpenFile": { "create": false } }), json!("CloseFile")] {
        assert_eq!(node.bytes(FILE, json!("ReadToEnd")), "text");
        assert_eq!(node.bytes(FILE, json!("ReadToEnd")), "");
        assert_eq!(node.answer(FILE, action), "Ok");
    }
    assert_eq!(node.bytes(FILE, json!("ReadToEnd")), "text");
    assert_eq!(node.answer(FILE, json!("CreateFile")), "Ok");
    assert_eq!(node.give(FILE, json!("WriteAll"), b"new"), "Ok");
    assert_eq!(node.bytes(FILE, json!("Read")), "new");
    assert_eq!(node.answer("/notes:me.os/home/none", json!("CloseFile")), "Ok", "even what was never open");
}

#[test]
fn closing_a_directory_closes_no_file_in_it() {
    let mut node = node_with("text");
    node.bytes(FILE, json!("ReadToEnd"));
    assert_eq!(node.answer(DRIVE, json!("CloseFile")), "Ok");
    assert_eq!(node.bytes(FILE, json!("ReadToEnd")), "");
}

#[test]
fn a_whole_write_ignores_the_cursor() {
    let mut node = node_with("123456");
    node.bytes(FILE, json!({ "ReadExact": { "length": 2 } }));
    assert_eq!(node.give(FILE, json!("Write"), b"abcdef"), "Ok");
    assert_eq!(node.bytes(FILE, json!("ReadToEnd")), "cdef");
}

#[test]
fn a_cursor_dies_with_its_file_and_with_its_node() {
    let mut node = node_with("text");
    node.bytes(FILE, json!("ReadToEnd"));
    node.crash();
    assert_eq!(node.bytes(FILE, json!("ReadToEnd")), "text");
    node.answer(FILE, json!("RemoveFile"));
    node.give(FILE, json!("Write"), b"again");
    assert_eq!(node.bytes(FILE, json!("ReadToEnd")), "again");
    node.answer(FILE, json!({ "Rename": { "new_path": "/notes:me.os/home/b" } }));
    node.give(FILE, json!("Write"), b"third");
    assert_eq!(node.bytes(FILE, json!("ReadToEnd")), "third");
    assert_eq!(node.bytes("/notes:me.os/home/b", json!("ReadToEnd")), "again");
    node.answer(DRIVE, json!("RemoveDirAll"));
    node.answer(DRIVE, json!("CreateDrive"));
    node.give(FILE, json!("Write"), b"fourth");
    assert_eq!(node.bytes(FILE, json!("ReadToEnd")), "fourth");
}
