//! Orders to puppets that speak with runtime modules: `timer`, `vfs`, `kv` and `sqlite`.

use super::cast::{APP, Member, PACKAGE};
use super::writer::Writer;

/// The action that makes the one table of a database of SQLite.
const CREATE_TABLE: &str = r#"{"Write":{"statement":"CREATE TABLE t (k INTEGER)","tx_id":null}}"#;

impl Writer<'_> {
    pub(super) fn timer(&mut self, who: &Member, depth: usize) -> String {
        let span = if self.draws.one_in(12) { 0 } else { 50 * (1 + self.draws.below(40)) };
        let timer = "our@timer:distro:sys";
        match self.draws.below(4) {
            0 => format!("call -expects=4 {timer} {{\"SetTimer\":{span}}}"),
            1 => format!("send -expects=4 -context=do_respond_late {timer} {{\"SetTimer\":{span}}}"),
            2 => {
                let order = self.small(who, depth.min(1));
                let order = order.lines().next().unwrap_or_default();
                if order.contains(['_', '&', '|']) {
                    return format!("send -expects=1 {timer} {{\"SetTimer\":{span}}}");
                }
                format!("send -expects=4 -context=do_{} {timer} {{\"SetTimer\":{span}}}", order.replace(' ', "_"))
            }
            _ => format!("send -expects=1 -context={} {timer} {{\"SetTimer\":{span}}}", self.fresh("t")),
        }
    }

    pub(super) fn file(&mut self, _who: &Member) -> String {
        let drive = format!("/{PACKAGE}/data");
        let file = format!("{drive}/{}", self.draws.pick(&["f1", "f2"]));
        let text = self.fresh("w");
        let call = |action: &str| ask_vfs("call", &file, &quoted(action));
        let blob = format!("call -blob={text}");
        let created = format!("{}\n{}", ask_vfs("call", &drive, &quoted("CreateDrive")), call("CreateFile"));
        match self.draws.below(10) {
            9 => {
                // Of a file that is there, or of one that perhaps is not.
                let written = format!("{created}\n{}\n", ask_vfs(&blob, &file, &quoted("Write")));
                let first = if self.draws.one_in(2) { written } else { String::new() };
                let length = [1, 4, 1 << 40, u64::MAX][self.draws.below(4)];
                let read = ask_vfs("call", &file, &format!(r#"{{"ReadExact":{{"length":{length}}}}}"#));
                format!("{first}{read}\nprint-blob")
            }
            0 | 1 => created,
            2 => ask_vfs(&blob, &file, &quoted("Write")),
            3 => ask_vfs(&blob, &file, &quoted("Append")),
            4 => {
                let send = format!("send -expects=3 -blob={text}");
                format!("{}\n{}", ask_vfs(&send, &file, &quoted("WriteAll")), call("SyncAll"))
            }
            5 => call("SyncAll"),
            6 => call("RemoveFile"),
            7 => {
                let manifest = format!("/{APP}/pkg/manifest.json");
                format!("{}\nprint-blob", ask_vfs("call", &manifest, &quoted("Read")))
            }
            _ => format!("{}\nprint-blob", call("Read")),
        }
    }

    /// What writes two files and syncs them, and what reads them.
    pub(super) fn files_of(&mut self) -> (String, String) {
        let drive = format!("/{PACKAGE}/data");
        let mut writes = vec![ask_vfs("call", &drive, &quoted("CreateDrive"))];
        let mut reads = vec![];
        for file in ["f1", "f2"] {
            let (file, blob) = (format!("{drive}/{file}"), format!("call -blob={}", self.fresh("w")));
            let call = |action: &str| ask_vfs("call", &file, &quoted(action));
            writes.extend([call("CreateFile"), ask_vfs(&blob, &file, &quoted("Write")), call("SyncAll")]);
            reads.extend([call("Read"), "print-blob".to_string()]);
        }
        (writes.join("\n"), reads.join("\n"))
    }

    /// What commits two changes of a database in a transaction, and what reads them.
    pub(super) fn tables_of(&mut self) -> (String, String) {
        let kv = self.draws.percent(50);
        let ask = |options: &str, action: &str| ask_database(kv, options, action);
        let blob = format!("-blob={} ", self.fresh("v"));
        let change = |n: usize| {
            if kv {
                ask(&blob, &format!(r#"{{"Set":{{"key":[{n}],"tx_id":$tx}}}}"#))
            } else {
                ask("", &format!(r#"{{"Write":{{"statement":"INSERT INTO t VALUES ({n})","tx_id":$tx}}}}"#))
            }
        };
        let mut writes = vec![ask("", r#""Open""#)];
        if !kv {
            writes.push(ask("", CREATE_TABLE));
        }
        writes.extend([ask("", r#""BeginTx""#), change(1), change(2), ask("", r#"{"Commit":{"tx_id":$tx}}"#)]);
        let looks = if kv {
            [r#"{"Get":[1]}"#, r#"{"Get":[2]}"#]
        } else {
            [r#"{"Query":"SELECT k FROM t"}"#, r#"{"Query":"SELECT count(*) FROM t"}"#]
        };
        let mut reads = vec![ask("", r#""Open""#)];
        reads.extend(looks.iter().flat_map(|look| [ask("", look), "print-blob".to_string()]));
        (writes.join("\n"), reads.join("\n"))
    }

    pub(super) fn database(&mut self, _who: &Member) -> String {
        let kv = self.draws.percent(60);
        let ask = |options: &str, action: &str| ask_database(kv, options, action);
        let key = 1 + self.draws.below(3);
        let blob = format!("-blob={} ", self.fresh("v"));
        let change = |n: usize, tx: &str| match (kv, n) {
            (true, 0) => ask(&blob, &format!(r#"{{"Set":{{"key":[{key}],"tx_id":{tx}}}}}"#)),
            (true, _) => ask("", &format!(r#"{{"Delete":{{"key":[{key}],"tx_id":{tx}}}}}"#)),
            (false, 0) => {
                ask("", &format!(r#"{{"Write":{{"statement":"INSERT INTO t VALUES ({key})","tx_id":{tx}}}}}"#))
            }
            (false, _) => {
                ask("", &format!(r#"{{"Write":{{"statement":"DELETE FROM t WHERE k = {key}","tx_id":{tx}}}}}"#))
            }
        };
        match self.draws.below(7) {
            0 | 1 if kv => ask("", r#""Open""#),
            0 | 1 => format!("{}\n{}", ask("", r#""Open""#), ask("", CREATE_TABLE)),
            2 => change(self.draws.below(2), "null"),
            3 | 4 => {
                let (first, second) = (change(self.draws.below(2), "$tx"), change(self.draws.below(2), "$tx"));
                let commit = ask("", r#"{"Commit":{"tx_id":$tx}}"#);
                let end = if self.draws.percent(75) { commit } else { change(0, "null") };
                format!("{}\n{first}\n{second}\n{end}", ask("", r#""BeginTx""#))
            }
            5 if self.draws.one_in(4) => ask("", r#""RemoveDb""#),
            _ if kv => format!("{}\nprint-blob", ask("", &format!(r#"{{"Get":[{key}]}}"#))),
            _ => format!("{}\nprint-blob", ask("", r#"{"Query":"SELECT count(*) FROM t"}"#)),
        }
    }
}

/// An order to ask `vfs`: how (`call`, `send`, with options), about which path, and the action as JSON.
fn ask_vfs(how: &str, path: &str, action: &str) -> String {
    format!(r#"{how} our@vfs:distro:sys {{"path":"{path}","action":{action}}}"#)
}

/// A word as JSON.
fn quoted(word: &str) -> String {
    format!("\"{word}\"")
}

/// An order to call `kv`, or else `sqlite`, about the one database; each option ends with a blank.
fn ask_database(kv: bool, options: &str, action: &str) -> String {
    let module = if kv { "kv" } else { "sqlite" };
    let package = r#"{"package_name":"gen","publisher_node":"alice.os"}"#;
    format!(r#"call {options}our@{module}:distro:sys {{"package_id":{package},"db":"d","action":{action}}}"#)
}
