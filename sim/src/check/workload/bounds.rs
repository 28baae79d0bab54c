//! How much a workload may come to in all. What an entry says is checked where it is read; what all of them multiply to
//! is checked here, before a line of it is made.

use super::{Browse, Moment, Send, Socket, Workload};
use kernel_core::Duration;
use std::collections::BTreeSet;

/// How many nodes have the package, besides the first.
const NODES_MAX: u64 = 15;
/// How many messages, requests and frames are sent in a run, each time counted.
const LINES_MAX: u64 = 20_000;
/// How many of them wait for an event.
const WAITING_MAX: u64 = 5_000;
/// How many bytes of bodies are sent in a run, each time counted.
const BYTES_MAX: u64 = 64 << 20;
/// How many pages, servers, stubs and their answers there are together: each request is compared with them.
const ANSWERS_MAX: u64 = 2_000;
/// How many `[[expect]]` and `hears` there are: each of them sees every event.
const EXPECTS_MAX: u64 = 100;
/// How many nodes there are besides, whose owners only send.
const SENDERS_MAX: u64 = 16;
/// How many logs a chain has in one block, and how many bytes of data.
const LOGS_MAX: u64 = 1_000;
const LOG_BYTES_MAX: u64 = 1 << 20;
/// When the last of it is sent, after the install.
const LAST_MAX: Duration = Duration::from_secs(100 * 24 * 3_600);

impl Workload {
    /// Checks that a run of it is bounded.
    ///
    /// # Errors
    /// What there is too much of, and how much there may be.
    pub fn check_size(&self) -> Result<(), String> {
        let logs = || self.chain.iter().flat_map(|chain| &chain.events);
        let waiting = self.sends.iter().filter(|send| matches!(send.at, Moment::When(..)));
        let answers = self.servers.iter().map(|server| server.answers.len() + server.greets.len());
        let answers = answers.chain(self.stubs.iter().map(|(_, stub)| stub.n_answers())).sum::<usize>();
        let of_chain = self.chain.iter().map(|chain| chain.answers.len()).sum::<usize>();
        let entries = self.web.len() + self.servers.len() + self.stubs.len() + answers + of_chain;
        let hears = self.sockets.iter().filter(|socket| socket.hears.is_some()).count() as u64;
        let senders: BTreeSet<&str> = self.senders().collect();
        within(self.nodes.len() as u64, NODES_MAX, "`nodes`", "nodes")?;
        within(self.expects.len() as u64, EXPECTS_MAX, "`[[expect]]`", "of them")?;
        within(hears, EXPECTS_MAX, "`hears`", "of them")?;
        within(senders.len() as u64, SENDERS_MAX, "`from`", "nodes")?;
        within(self.n_lines(), LINES_MAX, "`[[send]]`, `[[http]]` and `[[socket]]`", "lines, each of `times` counted")?;
        within(waiting.map(|send| u64::from(send.times)).sum(), WAITING_MAX, "`when`", "lines that wait for an event")?;
        within(self.n_bytes(), BYTES_MAX, "`[[send]]`, `[[http]]` and `[[socket]]`", "bytes, each of `times` counted")?;
        within(
            entries as u64,
            ANSWERS_MAX,
            "`[[web]]`, `[[web_socket]]`, `[[stub]]` and `[chain]`",
            "pages and answers",
        )?;
        within(logs().map(|log| u64::from(log.at_a_time)).sum(), LOGS_MAX, "`emits`", "logs in one block")?;
        let bytes = logs().map(|log| u64::from(log.at_a_time) * log.log.data.len() as u64).sum();
        within(bytes, LOG_BYTES_MAX, "`emits`", "bytes of data in one block")?;
        if self.last() > LAST_MAX {
            return Err(format!("its last line is {} after the install; {LAST_MAX} is the most", self.last()));
        }
        Ok(())
    }

    /// How many lines of a script it makes.
    fn n_lines(&self) -> u64 {
        let sends = self.sends.iter().map(|send| u64::from(send.times));
        let visits = self.visits.iter().map(|visit| u64::from(visit.times));
        let sockets = self.sockets.iter().map(|socket| socket.says.len() as u64 + 2);
        sends.chain(visits).chain(sockets).sum::<u64>() + self.acts.len() as u64
    }

    /// How many bytes they send.
    fn n_bytes(&self) -> u64 {
        let blob = |send: &Send| send.request.blob.as_ref().map_or(0, |(_, bytes)| bytes.len());
        let send = |send: &Send| u64::from(send.times) * (send.request.body.len() + blob(send)) as u64;
        let visit =
            |visit: &Browse| u64::from(visit.times) * (visit.request.body.len() + visit.request.path.len()) as u64;
        let socket = |socket: &Socket| socket.says.iter().map(|text| text.len() as u64).sum::<u64>();
        let sends = self.sends.iter().map(send).chain(self.visits.iter().map(visit));
        sends.chain(self.sockets.iter().map(socket)).sum()
    }
}

fn within(n: u64, most: u64, what: &str, of: &str) -> Result<(), String> {
    if n > most { Err(format!("{what}: {n} {of}; {most} are the most")) } else { Ok(()) }
}
