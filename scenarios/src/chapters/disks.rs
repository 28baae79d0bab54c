//! Disks that are shared, full, backed up and swapped (P1, P3, P5).

use super::{ALICE, alice, scenario, to_ask};
use crate::counts_once::CountsOnce;
use sim::package::Package;
use sim::plan::Down;
use sim::scenario::{
    Scenario, alive, down, gone, install, lives, millis, on, prints, restore, secs, start, tell, uninstall,
};

pub(super) fn all() -> Vec<Scenario> {
    vec![two_at_one_file(), a_full_disk(), a_disk_swapped_for_a_backup(), a_drive_that_goes_with_its_package()]
}

const VFS: &str = "vfs:distro:sys";
const SQLITE: &str = "sqlite:distro:sys";
const DRIVE: &str = "/demo:alice.os/home";

/// A request to vfs about a file or directory of a drive.
fn to(drive: &str, rest: &str, action: &str) -> String {
    format!(r#"{{"path":"{drive}{rest}","action":{action}}}"#)
}

/// Makes a puppet ask vfs for this and print the outcome.
fn asks_vfs(request: &str) -> String {
    format!("await {ALICE}@{VFS} 5 {request}")
}

/// Makes a puppet replace a file: written aside, synced, renamed, synced.
fn replaces(file: &str, content: &str) -> String {
    let aside = format!("{file}.new");
    let rename = format!(r#"{{"Rename":{{"new_path":"{DRIVE}{file}"}}}}"#);
    [
        format!("blob {content} {ALICE}@{VFS} {}", to(DRIVE, &aside, r#""Write""#)),
        asks_vfs(&to(DRIVE, &aside, r#""SyncAll""#)),
        asks_vfs(&to(DRIVE, &aside, &rename)),
        asks_vfs(&to(DRIVE, file, r#""SyncAll""#)),
        asks_vfs(&to(DRIVE, file, r#""Read""#)),
    ]
    .join("\n")
}

/// P3.
fn two_at_one_file() -> Scenario {
    let (writer, stranger) = (alice("writer"), alice("stranger"));
    let reader = on(ALICE, "reader:press:bob.os");
    let spy = on(ALICE, "spy:press:bob.os");
    let read = to(DRIVE, "/news", r#""Read""#);
    let reads = format!("{}\nprint-blob", asks_vfs(&read));
    let may_read = format!(r#"{{"kind":"read","drive":"{DRIVE}"}}"#);
    let mut scenario = scenario(
        "two-at-one-file",
        "Two processes share a file of vfs: one writes it, and one of another package has the capability to read it. A \
         file written aside, synced and renamed is the old file or the new, whatever happens to the node. A process \
         without the capability is refused.",
    )
    .lasting(secs(12), secs(10))
    .setup(start(writer.runs("puppet").restarting().messaging(VFS)))
    .setup(start(reader.runs("puppet").restarting().messaging(VFS).capable(VFS, &may_read)))
    .setup(start(spy.runs("puppet").restarting().messaging(VFS)))
    .setup(start(stranger.runs("puppet").restarting()))
    .setup(tell(&writer, &asks_vfs(&to(DRIVE, "", r#""CreateDrive""#))));
    for edition in 1..=10_u64 {
        scenario = scenario
            .at(millis(1_000 * edition), tell(&writer, &replaces("/news", &format!("edition-{edition}"))))
            .at(millis(1_000 * edition + 500), tell(&reader, &reads));
    }
    scenario
        .at(millis(2_700), tell(&spy, &reads))
        .at(millis(2_700), tell(&stranger, &reads))
        .at(millis(3_600), down(ALICE, Down::PowerLoss))
        .at(millis(7_600), down(ALICE, Down::Crash))
        .expect(prints(&reader, "blob: edition-2", 1))
        .expect(prints(&reader, "blob: edition-7", 3))
        .expect(prints(&reader, "blob: edition-10", 1))
        .expect(prints(&spy, &format!(r#"{read}: answered {{"Err":"NoReadCap"}}"#), 1))
        .expect(prints(&stranger, &format!("{read}: timeout"), 1))
        .expect(lives(&writer, 3))
}

/// P1, P3: an error is an answer.
fn a_full_disk() -> Scenario {
    let (counter, client, hoarder) = (alice("counter"), alice("client"), alice("hoarder"));
    // Files of half what is left, and half of that, to the last byte.
    let sizes = (0..16).rev().map(|power| 1_u64 << power);
    let hoards: Vec<String> = sizes
        .map(|size| {
            let file = format!("/{size}");
            let make = asks_vfs(&to(DRIVE, &file, r#""CreateFile""#));
            format!("{make}\n{}", asks_vfs(&to(DRIVE, &file, &format!(r#"{{"SetLen":{size}}}"#))))
        })
        .collect();
    let clears = asks_vfs(&to(DRIVE, "", r#""RemoveDirAll""#));
    scenario(
        "a-full-disk",
        "A process fills its node's disk to the last byte. Saving state is then a panic of another process, which \
         keeps what it had saved and goes on from there as soon as there is space again.",
    )
    .disk_of(ALICE, 1 << 16)
    .lasting(secs(12), secs(10))
    .setup(start(counter.runs("counter").restarting().messaging(&client.process)))
    .setup(start(client.runs("puppet").restarting().messaging(&counter.process)))
    .setup(start(hoarder.runs("puppet").restarting().messaging(VFS)))
    .setup(tell(&hoarder, &asks_vfs(&to(DRIVE, "", r#""CreateDrive""#))))
    .every(secs(1), 11, tell(&client, &to_ask(&counter, 1, "add")))
    .at(millis(3_500), tell(&hoarder, &hoards.join("\n")))
    .at(millis(7_500), tell(&hoarder, &clears))
    .holding(CountsOnce::of_adds)
    .expect(prints(&client, "add: answered 3", 1))
    .expect(prints(&client, "add: timeout", 4))
    .expect(prints(&client, "add: answered 4", 1))
    .expect(prints(&client, "add: answered 7", 1))
    .expect(lives(&counter, 5))
}

/// P5.
fn a_disk_swapped_for_a_backup() -> Scenario {
    let (counter, client, late) = (alice("counter"), alice("client"), alice("late"));
    scenario(
        "a-disk-swapped-for-a-backup",
        "The owner has configured a backup. The disk fails and is swapped for one with the latest backup on it: the \
         node is in every respect what it was then. A count goes on from there, and a process started since was never \
         there.",
    )
    .backed_up_every(ALICE, secs(3))
    .lasting(secs(14), secs(10))
    .setup(start(counter.runs("counter").restarting().messaging(&client.process)))
    .setup(start(client.runs("puppet").restarting().messaging(&counter.process)))
    .every(secs(1), 13, tell(&client, &to_ask(&counter, 3, "add")))
    .at(millis(6_500), start(late.runs("idle").restarting()))
    .at(millis(8_500), restore(ALICE))
    .holding(CountsOnce::of_adds)
    .expect(prints(&client, "add: answered 6", 2))
    .expect(prints(&client, "add: answered 8", 2))
    .expect(prints(&client, "add: answered 10", 1))
    .expect(prints(&client, "add: answered 11", 0))
    .expect(gone(&late))
    .expect(lives(&late, 1))
    .expect(alive(&counter))
}

/// E9, P3: "capability and drive of an uninstalled package are gone".
fn a_drive_that_goes_with_its_package() -> Scenario {
    const PRESS: &str = "press:bob.os";
    const PRESS_DRIVE: &str = "/press:bob.os/archive";
    const MANIFEST: &str = r#"[
      {"process_name": "printer", "process_wasm_path": "/puppet.wasm", "on_exit": "Restart", "public": true,
       "request_capabilities": ["vfs:distro:sys", "terminal:distro:sys"]}
    ]"#;
    let printer = on(ALICE, "printer:press:bob.os");
    let reader = alice("reader");
    let package = Package::new(PRESS, MANIFEST).file("/puppet.wasm", "puppet");
    // With their keys in order, as they are printed.
    let may_read = format!(r#"{{"drive":"{PRESS_DRIVE}","kind":"read"}}"#);
    let may_ask = r#"{"db_key":[{"package_name":"press","publisher_node":"bob.os"},"ads"],"kind":"read"}"#;
    let read = to(PRESS_DRIVE, "/news", r#""Read""#);
    let writes = [
        asks_vfs(&to(PRESS_DRIVE, "", r#""CreateDrive""#)),
        format!("blob old-news {ALICE}@{VFS} {}", to(PRESS_DRIVE, "/news", r#""Write""#)),
        asks_vfs(&to(PRESS_DRIVE, "/news", r#""SyncAll""#)),
    ];
    scenario(
        "a-drive-that-goes-with-its-package",
        "Uninstalling a package removes its drives, and the capabilities that others were given to read them and to \
         use its databases.",
    )
    .package(ALICE, package)
    .lasting(secs(8), secs(10))
    .setup(start(reader.runs("puppet").restarting().messaging(VFS).capable(VFS, &may_read).capable(SQLITE, may_ask)))
    .at(millis(500), install(ALICE, PRESS))
    .at(millis(1_000), tell(&printer, &writes.join("\n")))
    .every(secs(2), 3, tell(&reader, &format!("{}\nprint-blob", asks_vfs(&read))))
    .at(millis(3_000), uninstall(ALICE, PRESS))
    .at(millis(5_000), down(ALICE, Down::Crash))
    .at(millis(2_500), tell(&reader, "print-capabilities"))
    .at(millis(7_500), tell(&reader, "print-capabilities"))
    .expect(prints(&reader, "blob: old-news", 1))
    .expect(prints(&reader, &format!(r#"{read}: answered {{"Err":"NoReadCap"}}"#), 2))
    .expect(prints(&reader, &format!("capability: {ALICE}@{VFS} {may_read}"), 1))
    .expect(prints(&reader, &format!("capability: {ALICE}@{SQLITE} {may_ask}"), 1))
    .expect(gone(&printer))
}
