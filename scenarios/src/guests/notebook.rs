//! A program without a Wasm sibling: counts, and keeps the count in a file of vfs.
//!
//! A step is written aside, synced, renamed over the former one and synced again before it is announced. Whatever vfs
//! refuses is a panic: the next life reads what the file holds.

use super::process::{await_answer, next_request, print, reason, text};
use kernel_core::{Address, Blob, Outgoing, ProcessRef};
use sim::guest::native::Os;

const DRIVE: &str = "/demo:alice.os/notes";

pub(crate) async fn notebook(os: Os) {
    let vfs = Address { process: ProcessRef::VFS, ..os.init_argument() };
    ask(&os, vfs, "", r#""CreateDrive""#).await.expect("there is a drive");
    let mut n: u64 = match ask(&os, vfs, "/count", r#""Read""#).await {
        Ok(()) => {
            let count = os.get_blob().await.map(|blob| text(&blob.bytes)).unwrap_or_default();
            print(&os, &format!("resumes at {count}"));
            count.parse().expect("the file holds a count")
        }
        Err(error) if error.contains("os error 2)") => 0,
        Err(error) => panic!("the count cannot be read: {error}"),
    };
    loop {
        let (_source, body) = next_request(&os).await;
        if body != "add" {
            continue;
        }
        n += 1;
        if let Err(error) = keep(&os, vfs, n).await {
            panic!("the count is not kept: {error}");
        }
        os.respond(n.to_string().as_str());
    }
}

/// Replaces the count by another one: a crash at any time leaves the one or the other.
async fn keep(os: &Os, vfs: Address, n: u64) -> Result<(), String> {
    let blob = Some(Blob { mime: None, bytes: n.to_string().as_str().into() });
    let mut write = Outgoing {
        target: vfs,
        request: super::process::request(&body("/count.new", r#""Write""#)),
        context: None,
        blob,
    };
    write.request.expects_response = Some(5);
    match os.send_and_await_response(write).await {
        Ok(answer) => read(text(answer.body()))?,
        Err(error) => return Err(reason(error.kind).into()),
    }
    ask(os, vfs, "/count.new", r#""SyncAll""#).await?;
    ask(os, vfs, "/count.new", &format!(r#"{{"Rename":{{"new_path":"{DRIVE}/count"}}}}"#)).await?;
    ask(os, vfs, "/count", r#""SyncAll""#).await
}

/// Asks vfs for something that carries no blob.
async fn ask(os: &Os, vfs: Address, file: &str, action: &str) -> Result<(), String> {
    match await_answer(os, vfs, 5, &body(file, action)).await {
        Ok(answer) => read(answer),
        Err(kind) => Err(reason(kind).into()),
    }
}

fn body(file: &str, action: &str) -> String {
    format!(r#"{{"path":"{DRIVE}{file}","action":{action}}}"#)
}

/// The answer, unless it is an error.
fn read(answer: String) -> Result<(), String> {
    if answer.starts_with(r#"{"Err""#) { Err(answer) } else { Ok(()) }
}
