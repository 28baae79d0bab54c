//! Where the public runtimes differ from the contract: one switch for each point.
//!
//! Kinode 1.0 was read from its public source. The kernel of Hyperdrive 1.9.2 was read and, on 2026-11-28, run: its
//! kernel, state, timer and vfs modules, driven through the kernel's channels. [`Known`] says for each switch which.

use crate::on_exit::OnExitKind;
use crate::rule::{How, Rule};
use std::fmt;

macro_rules! deviations {
    ($(
        $id:ident $name:ident: $summary:literal,
        $in:ident $known:ident $source:literal, $severity:ident breaks [$($rule:expr),*],
        send $send:literal,
        happens $happens:literal,
        book $book:literal;
    )*) => {
        /// A point in which the public runtimes differ from the contract.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Deviation {
            $(#[doc = concat!(
                stringify!($id), ": ", $summary, ". In `", $source, "`; breaks ", stringify!($($rule),*), ".",
            )] $name,)*
        }

        impl Deviation {
            /// Every deviation this kernel can be told to show.
            pub const ALL: &[Deviation] = &[$(Deviation::$name),*];

            $(#[doc = concat!("[`Deviation::", stringify!($name), "`], by its id.")]
            pub const $id: Deviation = Deviation::$name;)*

            /// Its id in the contract: `D1`.
            pub fn name(self) -> &'static str {
                match self { $(Deviation::$name => stringify!($id),)* }
            }

            /// What the runtimes do, in one sentence.
            pub fn summary(self) -> &'static str {
                match self { $(Deviation::$name => $summary,)* }
            }

            /// Which of the two runtimes shows it.
            pub fn runtimes(self) -> Runtimes {
                match self { $(Deviation::$name => Runtimes::$in,)* }
            }

            /// How it is known of Hyperdrive. Of Kinode all is read.
            pub fn known(self) -> Known {
                match self { $(Deviation::$name => Known::$known,)* }
            }

            /// Where the public source of the runtimes does it.
            pub fn source(self) -> &'static str {
                match self { $(Deviation::$name => $source,)* }
            }

            /// The rules it breaks.
            pub fn breaks(self) -> &'static [Rule] {
                use How::{Down, Kill, Panic};
                use OnExitKind::{None, Requests, Restart};
                use Rule::*;
                match self { $(Deviation::$name => &[$($rule),*],)* }
            }

            /// How bad it is.
            pub fn severity(self) -> Severity {
                match self { $(Deviation::$name => Severity::$severity,)* }
            }

            /// For a maintainer of the runtime: what to send.
            pub fn send(self) -> &'static str {
                match self { $(Deviation::$name => $send,)* }
            }

            /// For a maintainer of the runtime: what happens.
            pub fn happens(self) -> &'static str {
                match self { $(Deviation::$name => $happens,)* }
            }

            /// For a maintainer of the runtime: what the contract says.
            pub fn contract(self) -> &'static str {
                match self { $(Deviation::$name => $book,)* }
            }
        }
    };
}

/// Which of the public runtimes shows a deviation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Runtimes {
    /// Kinode 1.0 and Hyperdrive 1.9.
    Both,
    /// Hyperdrive 1.9 alone.
    Hyperdrive,
}

/// How a deviation is known of Hyperdrive 1.9.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Known {
    /// The real kernel was run and did it.
    Seen,
    /// Its public source says so; it was not run.
    Read,
}

/// How bad a deviation is, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// A process gets rights that nobody gave it.
    Authority,
    /// One process stops the node or takes it down.
    Outage,
    /// What a process saved is lost, or another one writes over it.
    Damage,
    /// A kill, a revocation or an on-exit behaviour that was acknowledged does not hold.
    Undone,
    /// A message or an answer is wrong, late or missing.
    Slip,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Authority => "a process gets rights that nobody gave it",
            Severity::Outage => "one process stops the node or takes it down",
            Severity::Damage => "saved data is lost or overwritten",
            Severity::Undone => "what was acknowledged does not hold",
            Severity::Slip => "a message or an answer is wrong, late or missing",
        })
    }
}

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Known::Seen => "seen",
            Known::Read => "read",
        })
    }
}

deviations! {
    D1 KillSkipsRequests: "a killed process's on-exit requests are never fired",
        Both Seen "kernel/mod.rs, KillProcess", Undone breaks [X(Kill, Requests)],
        send "KillProcess for a process whose on-exit behaviour is Requests.",
        happens "Its task is aborted and the requests are never sent.",
        book "A killed Requests process fires its requests, and is gone.";
    D2 KillMissesBackOff: "a kill during the restart back-off finds no process, is not answered, and the restart still comes; one that is queued before a restart at once is answered and undone",
        Both Seen "kernel/process.rs, OnExit::Restart", Undone breaks [E5],
        send "KillProcess for a Restart process that has just crashed and waits out its back-off.",
        happens "No answer comes, and the process starts again when the back-off is over.",
        book "A kill overrides Restart whatever the process is doing; a killed process stays dead.";
    D3 BackOffLeavesTable: "during the restart back-off the process is in no table: the next table write of anybody takes its row off the disk, and a crash then loses it for ever",
        Both Seen "kernel/process.rs, OnExit::Restart", Damage breaks [X(Down, Restart)],
        send "Let a Restart process crash; during its back-off let another process change the table; then crash the node.",
        happens "The process is not in the table after the boot.",
        book "A Restart process is started by the next boot, in a back-off too.";
    D4 BootStartsRequests: "at boot a Requests process fires its requests and is started again as well",
        Both Seen "kernel/mod.rs, kernel()", Slip breaks [X(Down, Requests)],
        send "Crash a node with a running Requests process, and boot it.",
        happens "The requests are fired, the process runs again, and fires again at its next exit.",
        book "At boot a Requests process is not started; its requests are fired once.";
    D5 NoneIsBooted: "a None process is booted after a shutdown or a crash",
        Both Seen "kernel/mod.rs, persist_state", Undone breaks [E6],
        send "Start a process with on-exit None, change the table once more, and reboot the node.",
        happens "The process runs again.",
        book "None: no restart, no matter what, a boot included.";
    D6 KillForgetsRow: "a process killed after a reboot stays on disk until the next table write, unless it issued a capability since",
        Both Seen "kernel/mod.rs, RevokeAll; state.rs", Undone breaks [K2, E5],
        send "Reboot a node, kill one of its processes, and crash the node after KilledProcess.",
        happens "The killed process is booted.",
        book "KilledProcess is answered only when the removal is durable.";
    D7 SpawnIgnoresRefusal: "spawn takes a failed initialize for success: under a taken name it answers Ok, starts or tells the namesake to run, and makes its grants in the namesake's name",
        Both Seen "standard_host_v1.rs, spawn", Authority breaks [S6, C2, C3],
        send "spawn under the name of a running process, with grant_capabilities.",
        happens "The answer is Ok; the namesake gets a stray `run`, both may message each other, and the grants are capabilities that the namesake never issued.",
        book "A taken name is NameTaken, and nothing has changed.";
    D8 InvalidCodeIsAccepted: "code that is not valid becomes a process that never runs nor exits, and holds its name until it is killed",
        Both Seen "kernel/process.rs", Slip breaks [S2],
        send "InitializeProcess with a blob that is no component, then RunProcess.",
        happens "Both are answered as done; requests to the process run into their timeout.",
        book "Invalid code is answered InitializeProcessError, and the table is unchanged.";
    D9 RebootForgetsIssuers: "after a reboot a killed process's capabilities are not revoked, unless it issued one since",
        Both Seen "kernel/mod.rs, RevokeAll; state.rs", Undone breaks [E12],
        send "Reboot a node, and kill a process that had issued a capability before.",
        happens "Its holders keep the capability.",
        book "An exit that ends a process revokes every capability it issued.";
    D10 LateRestartAborts: "the exit of a process that was started as None or Requests and has set Restart takes the node down",
        Both Seen "kernel/process.rs", Outage breaks [E8, E2],
        send "Start a process with on-exit None; let it call set_on_exit(Restart) and return.",
        happens "The kernel unwraps a missing back-off, and the node aborts.",
        book "The on-exit value in force at the exit counts; an exit never takes its node down.";
    D11 OnExitRequestsUnchecked: "on-exit requests may carry capabilities that the process never held",
        Both Seen "kernel/process.rs", Authority breaks [E4, C3, C5],
        send "A process with on-exit Requests that attach a capability it does not hold, then an exit.",
        happens "A local target receives the capability, and can save and use it.",
        book "Attached capabilities are cut to those the sender holds or issues.";
    D12 EarlyMessagesOvertaken: "messages that came before the run are queued again behind those that come within a millisecond of it",
        Both Seen "kernel/process.rs", Slip breaks [S4, M2],
        send "Initialize a process, send it a message, run it, and send another within a millisecond.",
        happens "The second message is delivered first.",
        book "Messages that arrive before the run are delivered after the start, in order.";
    D13 EarlyMessagesChoke: "a process that was sent more than 100 messages before its run waits on its own full channel for ever; one message more stops the node",
        Both Seen "kernel/process.rs", Outage breaks [S4],
        send "Initialize a process, send it 101 messages, and run it.",
        happens "It never reaches its first call; the next message for it stops the event loop.",
        book "Messages that arrive before the run wait and are delivered after the start, however many.";
    D14 FullChannelStopsLoop: "the 101st message to a guest that computes stops the event loop of the node, kill included",
        Both Seen "kernel/mod.rs", Outage breaks [M5, E9],
        send "101 messages to a guest that computes.",
        happens "The event loop waits for the guest's channel; nothing on the node is served, kills included.",
        book "A process that does not receive delays nobody but itself.";
    D15 BlobForgotten: "state calls and spawn change whether the last message had a blob: get-blob is then empty or stale",
        Both Seen "standard_host_v1.rs", Slip breaks [M3],
        send "A message with a blob; let the process call set_state and then get_blob.",
        happens "get_blob gives nothing.",
        book "get_blob gives the blob of the message last received, whatever is saved meanwhile.";
    D16 InheritedIdReused: "inheriting requests reuse the prompting id: two that expect answers share one context, and the replaced one's timer times the later one out",
        Both Seen "standard_host_v1.rs, send_request", Slip breaks [M1, M3],
        send "A request; let its receiver send two inheriting requests that expect responses.",
        happens "They share an id: contexts are mixed, one answer is lost, and the first one's timer ends the second.",
        book "Each settles exactly once, with its own context and timeout.";
    D17 BackOffKeepsCapabilities: "capabilities granted during a back-off are dropped, and those revoked meanwhile are given back",
        Both Seen "kernel/mod.rs; kernel/process.rs", Undone breaks [C4, E12],
        send "GrantCapabilities or DropCapabilities for a process in its back-off.",
        happens "After the restart it holds what it held at the exit.",
        book "Grants, drops and revocations apply to a process in its back-off.";
    D18 VainKillUnanswered: "a kill of a process that is not there is never answered",
        Both Seen "kernel/mod.rs, KillProcess", Slip breaks [K5],
        send "KillProcess for an id that is not in the table.",
        happens "No answer comes.",
        book "It is answered KilledProcess.";
    D19 AnythingIsSaved: "save-capabilities stores any capability: any process can make itself root",
        Both Seen "standard_host_v1.rs; kernel/mod.rs", Authority breaks [C3, K1],
        send "From any process: save_capabilities with `messaging` of kernel:distro:sys, then KillProcess for any other.",
        happens "The capability is stored, checked by nobody, and the kill is obeyed.",
        book "Only what came attached to a received message, or was issued by the process itself, can be saved.";
    D20 AnyKernelCommands: "a message to any local process whose first name is kernel is taken as a kernel command",
        Both Seen "kernel/mod.rs, event loop", Authority breaks [K1],
        send "A kernel command to kernel:any:thing that the sender may message.",
        happens "The kernel executes it.",
        book "Only kernel:distro:sys is the kernel.";
    D21 AnswersBeforeWrites: "answers come before the write they depend on",
        Both Seen "kernel/mod.rs; standard_host_v1.rs", Damage breaks [P2, K2, E8],
        send "InitializeProcess, KillProcess or set_on_exit, and a crash right after the answer.",
        happens "After the boot it never happened.",
        book "The table is durable at each answer that depends on it.";
    D22 StateErrorsSwallowed: "a refused set-state or clear-state counts as success, a refused get-state as no state",
        Both Seen "standard_host_v1.rs", Damage breaks [P1],
        send "set_state while the state module answers an error, on a full disk for instance.",
        happens "The call returns as if the state were saved.",
        book "A failed read or write is a panic of the caller, never a silent success.";
    D23 SetOnExitMissesLife: "SetOnExit from outside never reaches the running life, which exits by its old value",
        Both Seen "kernel/mod.rs; kernel/process.rs", Undone breaks [E8],
        send "SetOnExit(Restart) for a running None process, then let it exit.",
        happens "It is gone; a Restart process writes its old value back into the table.",
        book "The value in force at the exit counts, whoever set it.";
    D24 IllegiblePanicIgnored: "a panic text that is not UTF-8, or whose 5,000-byte ring cuts a character in two, skips the on-exit behaviour",
        Both Seen "kernel/process.rs", Undone breaks [X(Panic, None), X(Panic, Restart), X(Panic, Requests)],
        send "Let a guest write a byte that is not UTF-8 to its standard error, and panic.",
        happens "It stays in the table without a life; RunProcess is RunProcessError.",
        book "A panic is a panic, whatever its last words are.";
    D25 KilledGuestComputes: "a kill of a guest that computes is answered at once, and the guest goes on computing",
        Both Seen "kernel/mod.rs", Undone breaks [M5, E5],
        send "KillProcess for a guest that spins.",
        happens "KilledProcess comes within a millisecond, the row is gone and the name free; the guest still computes.",
        book "A spinning guest can be killed.";
    D26 SecondRunAnswered: "RunProcess on a running process answers StartedProcess and sends it a stray run",
        Both Seen "kernel/mod.rs", Slip breaks [S3],
        send "RunProcess for a running process.",
        happens "StartedProcess, and the process receives a message `run` from the kernel.",
        book "RunProcessError, and nothing else happens.";
    D27 WritesAreNotSynced: "state and kv acknowledge writes without a sync, so that a power loss takes acknowledged data",
        Both Seen "state.rs", Damage breaks [P1, P2, P3],
        send "set_state, and a power loss after it returned.",
        happens "The old state is there after the boot. (Seen of state; read of kv.)",
        book "set_state is durable when it returns.";
    D28 KilledGuestActs: "a killed guest that still computes acts, at its next call, with the authority of its name",
        Hyperdrive Seen "kernel/process.rs", Damage breaks [E5, E10, P1, E8],
        send "KillProcess for a guest that computes; initialize another under the same id; let the first one call set_state.",
        happens "The killed life's bytes overwrite the state of its successor, its set_on_exit the successor's row (4 of 4).",
        book "A killed process stays dead, and nothing leaks from one life to the next.";
    D29 ComputingGuestStopsLoop: "a guest that makes a call which wakes the kernel, and then computes, stops the whole event loop for as long as it computes",
        Hyperdrive Seen "kernel/mod.rs, event loop", Outage breaks [M5, E9],
        send "Let a guest send any message and then spin.",
        happens "Nothing on the node is served while it computes, for ever if it spins, kill included (8 of 8).",
        book "A process that spins delays nobody but itself.";
    D30 AskingGuestDeadlocks: "a guest that computes while more than 100 messages come, and then asks the kernel, and the event loop wait for one another for ever",
        Hyperdrive Seen "standard_host_v1.rs; kernel/mod.rs", Outage breaks [M5],
        send "101 messages to a guest that computes; let it then call our_capabilities.",
        happens "The node stands still for ever (4 of 4).",
        book "Mailboxes do not block the kernel.";
    D31 WritesOvertake: "state and vfs serve each request as a task of its own: two writes of one sender that it does not await can take effect in either order",
        Hyperdrive Seen "state.rs, vfs.rs", Damage breaks [K2, P2, E8, P3],
        send "A burst of KillProcess, or two Writes to one file without awaiting the first.",
        happens "A killed row stays on disk (5 of 25); the file has the first bytes or a mixture (17 of 20).",
        book "KilledProcess is answered when the removal is durable; requests of one sender are served in order.";
    D32 InitialCapabilitiesStay: "capabilities given as initial_capabilities are never revoked when their issuer ends",
        Hyperdrive Seen "kernel/mod.rs, RevokeAll", Undone breaks [E12],
        send "Initialize a process with a capability of another among its initial_capabilities; kill the other.",
        happens "The process still holds it.",
        book "An exit that ends a process revokes every capability it issued.";
    D33 IssuerWithoutNode: "a capability's issuer is compared without its node",
        Hyperdrive Seen "kernel/mod.rs", Authority breaks [E12, C3],
        send "From a process p on alice.os: a message with an attached capability issued by bob.os@p.",
        happens "The kernel takes it for p's own and passes it on; a kill of p revokes bob.os@p's as well.",
        book "A sender may attach what it holds or issues, and only that.";
    D34 CapabilitiesComparedAsJson: "capabilities are compared as JSON: params that are not JSON all equal one another and null",
        Hyperdrive Seen "types, Capability", Authority breaks [C1, C3, C4],
        send "Attach a capability whose params are not JSON, while holding another of the same issuer whose params are not JSON either.",
        happens "It passes as held.",
        book "A sender may attach what it holds or issues, and only that.";
    D35 BootRequestsNeedMessaging: "at boot a Requests process must hold messaging of the target, even of a public one, or its request is not fired",
        Hyperdrive Seen "kernel/mod.rs, kernel()", Slip breaks [E4, C5],
        send "A Requests process whose target is public and whose messaging it does not hold; crash the node and boot it.",
        happens "The request is not fired. (A target `our@…` never matches there either.)",
        book "On-exit requests obey C1, at boot too: a public target needs no capability.";
    D36 KernelIsInitialized: "kernel:distro:sys can be initialized and killed like a process; the next initialize after that aborts the node",
        Hyperdrive Seen "kernel/mod.rs", Outage breaks [S2, K5, E2],
        send "InitializeProcess for kernel:distro:sys, KillProcess for it, InitializeProcess for any.",
        happens "The kernel's row is replaced, then removed; the last command aborts the node.",
        book "An id that is taken is refused; a runtime module cannot be killed.";
    D37 BackOffOutlivesProcess: "the back-off's history outlives a kill and a new initialize under the same id",
        Hyperdrive Seen "kernel/process.rs", Slip breaks [S5, E3],
        send "Let a process crash twice (waits of 2 and 4 s), kill it, initialize it anew, and let it crash.",
        happens "It waits 8 s.",
        book "First start, restart and boot are alike: a new process has no history.";
    D38 BackOffFreesId: "during a back-off the id is free: a new initialize succeeds, and the sleeping restart sends it a stray run",
        Hyperdrive Seen "kernel/process.rs", Slip breaks [E3, S3],
        send "InitializeProcess under the id of a process in its back-off.",
        happens "InitializedProcess; when the back-off is over the new process gets a stray `run`.",
        book "A process in back-off is in the table and keeps its id.";
    D39 SpawnLeavesOrphan: "a parent that is killed in the middle of its spawn leaves a child that is initialized and never run, until the next boot starts it",
        Hyperdrive Seen "standard_host_v1.rs, spawn", Slip breaks [S6],
        send "KillProcess for a process in the middle of spawn.",
        happens "The child is in the table, and does not run (1 of 40).",
        book "spawn initializes, grants and runs; if the caller's life is over before the row is written, no child appears.";
    D40 AwaitSettlesTwice: "with a send_and_await_response in between, one request settles twice",
        Hyperdrive Seen "kernel/process.rs", Slip breaks [M1, M3],
        send "A request; then send_and_await_response to another; meanwhile let the first be answered and time out, or be answered twice.",
        happens "Both are delivered, the second without its context.",
        book "Every request that expects a response settles exactly once.";
    D41 QuitWaitsForGuests: "a graceful quit writes no table, and never ends while a guest computes",
        Hyperdrive Seen "main.rs; kernel/mod.rs", Outage breaks [X(Down, None), M5],
        send "Shutdown while a guest spins.",
        happens "The event loop has ended, nothing has written the table, and the node never goes down.",
        book "A process that spins delays nobody but itself.";
    D42 BootLoadsPath: "a boot loads the code that lies at the process's path then: a replaced file boots another program, a missing one takes the row off for good",
        Hyperdrive Seen "kernel/mod.rs, kernel()", Damage breaks [S5, X(Down, Restart)],
        send "Spawn a Restart process from a file, remove the file, and reboot the node.",
        happens "The process is gone for good.",
        book "First start, restart and boot are the same to the code; a Restart process is started by the next boot.";
    D43 EarlyRunRepeated: "a command that reaches the loop before the node has booted gets a stray run besides",
        Hyperdrive Seen "kernel/mod.rs, kernel()", Slip breaks [S3],
        send "InitializeProcess and RunProcess while the node still boots.",
        happens "The process runs, and gets a stray `run` when the boot is over.",
        book "RunProcess calls init; nothing else happens.";
    D44 ReadExactAllocates: "vfs allocates what a ReadExact asks for: a huge length takes the node down",
        Hyperdrive Read "vfs.rs", Outage breaks [E2],
        send "A vfs request ReadExact, with a length of 2^40, for a file that exists and may be read.",
        happens "The allocation fails, and release builds abort.",
        book "No request of a process takes its node down.";
}

impl Deviation {
    /// The deviation of this id, in any case.
    pub fn parse(name: &str) -> Option<Deviation> {
        Deviation::ALL.iter().copied().find(|deviation| deviation.name().eq_ignore_ascii_case(name))
    }

    /// Every deviation, the worst first.
    pub fn worst_first() -> Vec<Deviation> {
        let mut all = Deviation::ALL.to_vec();
        let worst = Deviation::WORST;
        let place = |deviation: &Deviation| worst.iter().position(|one| one == deviation).unwrap_or(worst.len());
        all.sort_by_key(|deviation| (place(deviation), deviation.severity(), *deviation));
        all
    }

    /// The most direct attack, the most direct outage, and the two that damage what was saved without any crash.
    pub const WORST: [Deviation; 4] = [Deviation::D19, Deviation::D29, Deviation::D28, Deviation::D31];

    /// Whether it only shows while a restart is backed off.
    pub(crate) fn needs_back_off(self) -> bool {
        use Deviation::{
            BackOffFreesId, BackOffKeepsCapabilities, BackOffLeavesTable, BackOffOutlivesProcess, KillMissesBackOff,
        };
        matches!(
            self,
            KillMissesBackOff | BackOffLeavesTable | BackOffKeepsCapabilities | BackOffOutlivesProcess | BackOffFreesId
        )
    }

    /// Why the kernel cannot be told to show it, if it cannot.
    pub fn not_modelled(self) -> Option<&'static str> {
        match self {
            Deviation::BootLoadsPath => Some(
                "a row on the simulated disk has the code of its process, and not the path that the code came from; \
                 there is nothing that could lie at that path later",
            ),
            _ => None,
        }
    }

    /// The deviations without which it does not show.
    pub(crate) fn needs(self) -> &'static [Deviation] {
        match self {
            // A killed guest acts only if it goes on at all.
            Deviation::KilledGuestActs => &[Deviation::KilledGuestComputes],
            // The loop waits for the guest, and the guest for the loop.
            Deviation::AskingGuestDeadlocks => &[Deviation::FullChannelStopsLoop],
            _ => &[],
        }
    }
}
