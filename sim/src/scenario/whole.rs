//! A whole scenario as text: nodes, packages, setup and script, a line each. For worlds that were generated and for files
//! that keep them; what is a program, a module or an invariant is code, and is not in it.
//!
//! ```text
//! nodes alice.os bob.os
//! back-off hyperdrive-1.9
//! lasting 5s 20s
//! package alice.os gen:alice.os file /puppet.wasm puppet file /manifest.json = []
//! backup alice.os 2s
//! setup: start alice.os@a:gen:alice.os puppet
//! at 250ms: kill alice.os@a:gen:alice.os
//! ```

use super::read::Words;
use super::text::word;
use super::{Program, ReadError, Scenario};
use crate::package::{Content, Package};
use kernel_core::BackOff;
use std::fmt::Write;

/// The back-off policies by name.
const BACK_OFFS: [(&str, BackOff); 3] =
    [("off", BackOff::Off), ("kinode-1.0", BackOff::Kinode10), ("hyperdrive-1.9", BackOff::Hyperdrive19)];

impl Scenario {
    /// All of it that is plain data, a line each; [`Scenario::read`] reads it back.
    pub fn text(&self) -> String {
        let mut text = format!("nodes {}\n", self.nodes.join(" "));
        let mut line = |line: String| writeln!(text, "{line}").expect("text grows");
        if let Some((name, _)) = BACK_OFFS.iter().find(|(_, policy)| *policy == self.semantics.back_off)
            && *name != "off"
        {
            line(format!("back-off {name}"));
        }
        line(format!("lasting {} {}", self.storm, self.settle));
        for (node, package) in &self.packages {
            let files = package.files.iter().map(|(path, content)| match content {
                Content::Program(program) => format!(" file {path} {program}"),
                Content::Bytes(bytes) => format!(" file {path} = {}", word(bytes)),
            });
            line(format!("package {node} {}{}", package.id, files.collect::<String>()));
        }
        self.disks.iter().for_each(|(node, bytes)| line(format!("disk {node} {bytes}")));
        self.backups.iter().for_each(|(node, apart)| line(format!("backup {node} {apart}")));
        self.setup.iter().for_each(|action| line(format!("setup: {action}")));
        self.script.iter().for_each(|entry| line(entry.to_string()));
        text
    }

    /// The scenario of this name that a text is, played by these programs. Empty lines count for nothing.
    ///
    /// # Errors
    /// A line that is none, and which.
    pub fn read(name: &str, text: &str, programs: &[Program]) -> Result<Scenario, ReadError> {
        let mut scenario = Scenario::new(name, "Read from a text.").programs(programs.iter().cloned());
        for (index, line) in text.lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty()) {
            let read = scenario.read_line(line);
            read.map_err(|error| ReadError(format!("line {} of the scenario (`{line}`): {error}", index + 1)))?;
        }
        Ok(scenario)
    }

    fn read_line(&mut self, line: &str) -> Result<(), ReadError> {
        if let Some(action) = line.strip_prefix("setup: ") {
            self.setup.push(action.parse()?);
            return Ok(());
        }
        let mut words = Words(line);
        match words.next("a line")? {
            "at" | "when" => {
                self.script.push(line.parse()?);
                return Ok(());
            }
            "nodes" => {
                self.nodes.clear();
                while !words.0.is_empty() {
                    self.nodes.push(words.next("a node")?.to_string());
                }
            }
            "back-off" => {
                let name = words.next("a policy")?;
                let known = BACK_OFFS.iter().find(|(known, _)| *known == name);
                let all = BACK_OFFS.map(|(name, _)| name).join(", ");
                let (_, policy) = known.ok_or_else(|| ReadError(format!("`{name}` is none of {all}")))?;
                self.semantics = self.semantics.clone().with_back_off(*policy);
            }
            "lasting" => (self.storm, self.settle) = (words.duration()?, words.duration()?),
            "package" => {
                let node = words.next("a node")?.to_string();
                let mut package = Package { id: words.next("a package")?.to_string(), files: Vec::new() };
                while !words.0.is_empty() {
                    let ("file", path) = (words.next("`file`")?, words.next("a path")?) else {
                        return Err(ReadError("a file is `file PATH PROGRAM` or `file PATH = CONTENT`".to_string()));
                    };
                    let content = match words.next("a program")? {
                        "=" => Content::Bytes(words.bytes("the content")?.into()),
                        program => Content::Program(program.to_string()),
                    };
                    package.files.push((path.to_string(), content));
                }
                self.packages.push((node, package));
            }
            "disk" => {
                let node = words.next("a node")?.to_string();
                let bytes = words.next("a number of bytes")?;
                let bytes = bytes.parse().map_err(|_| ReadError(format!("`{bytes}` is no number of bytes")))?;
                self.disks.push((node, bytes));
            }
            "backup" => {
                let node = words.next("a node")?.to_string();
                self.backups.push((node, words.duration()?));
            }
            other => {
                let all = "`nodes`, `back-off`, `lasting`, `package`, `disk`, `backup`, `setup:`, `at` and `when`";
                return Err(ReadError(format!("`{other}` is none of {all}")));
            }
        }
        words.end()
    }
}

#[cfg(test)]
mod tests {
    use crate::generate;
    use crate::plan::chooser::Seed;
    use crate::scenario::Scenario;

    #[test]
    fn a_generated_world_prints_so_that_it_is_read_back() {
        for seed in 0..300 {
            let world = generate::world(Seed(seed), &[]);
            let text = world.text();
            let read = Scenario::read(&world.name, &text, &[]).expect("it is a scenario's text");
            assert_eq!(read.text(), text);
            assert_eq!((&read.setup, &read.script), (&world.setup, &world.script));
            assert_eq!((&read.packages, &read.backups), (&world.packages, &world.backups));
            assert_eq!(read.semantics, world.semantics);
        }
    }

    #[test]
    fn a_line_that_is_none_is_named() {
        for (text, says) in [
            ("nodes a.os\n\nwho knows", "line 3 of the scenario (`who knows`): `who` is none of"),
            ("back-off never", "`never` is none of off, kinode-1.0, hyperdrive-1.9"),
            ("package a.os p:a.os folder /x y", "a file is `file PATH PROGRAM`"),
            ("disk a.os much", "`much` is no number of bytes"),
            ("lasting 5s", "a duration is missing"),
            ("setup: dance", "`dance` is no action"),
        ] {
            let error = Scenario::read("it", text, &[]).err().expect(text).to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
