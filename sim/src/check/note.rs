//! What the author of a package may want to know though no rule says that it is wrong.

/// Something worth knowing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Note {
    /// The simulator does not have what was asked for: no verdict can be given. Module, and the start of the body.
    Unmodelled(String, String),
    /// A process of userspace was asked that every node of the public runtime has, and this one has not, as a node has not
    /// that comes without it (E11): which, the start of the body.
    Elsewhere(String, String),
    /// `sqlite` refused a process for want of a right that the public runtime does not ask for: the process, the error.
    Stricter(String, String),
    /// A process of a lone file asked `vfs` for a file of its package: which, the path.
    NoFolder(String, String),
    /// A process of Kinode before 1.0 sent a module what that understood then, and was refused: which, to which module, the
    /// start of the body.
    OldMessage(String, String, String),
    /// A process asked `eth` for a chain that is not there: the process.
    NoChain(String),
    /// A run reached a bound of the simulator: which, and who kept it busiest.
    Bound(String, String),
    /// A message went nowhere since its target was not there: source, target.
    NobodyThere(String, String),
    /// A message went nowhere for want of a capability: source, target.
    NotAllowed(String, String),
    /// A request was not answered in time: source, target, the start of the body.
    Unanswered(String, String, String),
    /// A request had no answer yet when the run ended: source, target, the start of the body.
    Unsettled(String, String, String),
    /// A process answers, and then saves: what it answered may be lost.
    AnswersFirst(String),
    /// A line of the workload never happened: the line.
    NeverHappened(String),
    /// An `[[expect]]` of the workload says nothing of what must hold: of which process.
    ExpectsNothing(String),
    /// A process sends requests to another that never exists: which, to which.
    NoSuchProcess(String, String),
    /// A process is not there after a crash, since its on-exit is None: which.
    GoneAfterCrash(String),
    /// A process is alive and lacks what it holds at the end of the calm run: which, what.
    NotSetUpAgain(String, String),
    /// A process does something more often than in the calm run: which, what, how often there, how often at most.
    DoneAgain(String, String, u64, u64),
    /// Requests of the owner were never answered, since the life that had them ended: of whom, how many in a run at most.
    NeverAnswered(String, u64),
    /// What a process has saved changes at every start, though nobody asked: which, how.
    ChangesAtStart(String, String),
    /// A deviating kernel breaks a rule of the contract on the way: which rule, by which deviations.
    KernelBreaks(String, String),
    /// What breaks by a deviation that no package can make up for, so that the verdict is of the same kernel without it:
    /// the deviation's id and what it does, the facts, what to type to see it.
    SetAside(String, String, String),
    /// What metadata.json calls the package is no name that a node accepts: what it says, and what it is checked as.
    IllegalName(String, String),
    /// A process computed for a while without a call: the process, how much fuel, and about how many milliseconds that
    /// takes on a node.
    Computes(String, u64, u64),
    /// `http-client` was asked for a page that no workload has: the process, the error.
    NoPage(String, String),
    /// A process asked for more than this simulator gives, and panicked: the process, the bound.
    AtBound(String, &'static str),
    /// Something broke, and is not counted, since a gap of this world may have led to it: the gap, the facts.
    NotCounted(Box<Note>, String),
    /// A lone file has no manifest that says so: this on-exit is assumed, and that is what it rests on: the process.
    AssumedOnExit(String, &'static str),
    /// A process asked the provider of a chain that is out of order again and again: which, how often in a second at most.
    FloodsProvider(String, u64),
    /// Messages of the owner were lost with a mailbox when a life ended: of whom, how many in a run at most.
    LostWithMailbox(String, u64),
    /// More different things broke than are told: how many, at least.
    NotTold(u64),
    /// An entry of a process's capability lists that the installer leaves out: process, list, entry.
    LeftOut(String, &'static str, String),
}

impl Note {
    /// Whether it leaves open how the package would have fared.
    pub fn is_open(&self) -> bool {
        matches!(
            self,
            Note::Unmodelled(..)
                | Note::Stricter(..)
                | Note::NoFolder(..)
                | Note::OldMessage(..)
                | Note::AtBound(..)
                | Note::NotCounted(..)
                | Note::Bound(..)
        )
    }

    /// Whether it tells that a run did not come to the end that it would have had.
    pub fn hides_the_end(&self) -> bool {
        matches!(self, Note::AtBound(..) | Note::NotCounted(..))
    }

    /// Whether it belongs beside the verdict, and not among what is worth knowing.
    pub fn is_headline(&self) -> bool {
        matches!(
            self,
            Note::NeverHappened(_)
                | Note::ExpectsNothing(_)
                | Note::NoSuchProcess(..)
                | Note::GoneAfterCrash(_)
                | Note::IllegalName(..)
                | Note::NotTold(_)
                | Note::SetAside(..)
        )
    }

    /// A word for it, for programs.
    pub fn kind(&self) -> &'static str {
        match self {
            Note::Unmodelled(..) => "not-modelled",
            Note::Elsewhere(..) => "elsewhere",
            Note::Stricter(..) => "stricter",
            Note::NoFolder(..) => "no-folder",
            Note::OldMessage(..) => "old-message",
            Note::AssumedOnExit(..) => "assumed-on-exit",
            Note::FloodsProvider(..) => "floods-provider",
            Note::LostWithMailbox(..) => "lost-with-mailbox",
            Note::NoChain(..) => "no-chain",
            Note::Bound(..) => "bound",
            Note::NobodyThere(..) => "nobody-there",
            Note::NotAllowed(..) => "not-allowed",
            Note::Unanswered(..) => "unanswered",
            Note::Unsettled(..) => "unsettled",
            Note::AnswersFirst(_) => "answers-before-saving",
            Note::NeverHappened(_) => "never-happened",
            Note::ExpectsNothing(_) => "expects-nothing",
            Note::NoSuchProcess(..) => "no-such-process",
            Note::GoneAfterCrash(_) => "gone-after-crash",
            Note::NotSetUpAgain(..) => "not-set-up-again",
            Note::DoneAgain(..) => "done-again",
            Note::NeverAnswered(..) => "never-answered",
            Note::ChangesAtStart(..) => "changes-at-start",
            Note::KernelBreaks(..) => "kernel-breaks",
            Note::SetAside(..) => "set-aside",
            Note::IllegalName(..) => "illegal-name",
            Note::Computes(..) => "computes",
            Note::NoPage(..) => "no-page",
            Note::AtBound(..) => "at-bound",
            Note::NotCounted(..) => "not-counted",
            Note::NotTold(_) => "not-told",
            Note::LeftOut(..) => "left-out",
        }
    }
}

impl std::fmt::Display for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Note::Unmodelled(module, body) => {
                write!(f, "{module} was sent what this simulator does not have: {body}")
            }
            Note::Elsewhere(process, body) => {
                let fix = "a `[[stub]]` of the workload can answer";
                write!(f, "{process} was not there, as it is on a real node, to be asked {body}; {fix}")
            }
            Note::Stricter(process, error) => {
                let says =
                    "which the public runtime does not ask for (its sqlite looks rights up and does not heed them)";
                write!(f, "sqlite:distro:sys refused {process} with {error}, for want of a right {says}")
            }
            Note::NoFolder(process, path) => write!(
                f,
                "{process} asked vfs:distro:sys for {path}, a file of its package, and this is a lone file: check the folder"
            ),
            Note::OldMessage(process, module, body) => write!(
                f,
                "{process} is of Kinode before 1.0, and {module} was sent what this simulator does not have, a message of \
                 that time: {body}"
            ),
            Note::AssumedOnExit(process, "None") => write!(
                f,
                "{process} returns before anybody asks it anything, as a script does: on-exit None is assumed; \
                 `--on-exit restart` checks it as a service"
            ),
            Note::AssumedOnExit(process, on_exit) => write!(
                f,
                "on-exit {on_exit} is assumed of {process}, as a lone file has no manifest: `--on-exit none` or \
                 `--on-exit restart` gives it"
            ),
            Note::FloodsProvider(process, times) => write!(
                f,
                "{process} asked eth:distro:sys {times} times within a second while the provider was out of order: wait \
                 before asking again"
            ),
            Note::LostWithMailbox(process, n) => {
                let messages = if *n == 1 { "1 message".to_string() } else { format!("{n} messages") };
                write!(
                    f,
                    "{messages} of the owner to {process} lost with its mailbox, as the life ended that had not received them"
                )
            }
            Note::NoChain(process) => {
                let fix = "the `[chain]` of a workload makes one";
                write!(f, "{process} asked eth:distro:sys for a chain, and this node has no provider of it; {fix}")
            }
            Note::Bound(bound, who) => write!(f, "a run was stopped at a bound, {bound}; busiest was {who}"),
            Note::NobodyThere(source, target) => {
                write!(f, "a message from {source} was dropped: {target} was not there")
            }
            Note::NotAllowed(source, target) => {
                write!(
                    f,
                    "a message from {source} to {target} was dropped: it lacks the capability; see \
                     `request_capabilities` of the one, `grant_capabilities` of the other and, between nodes, \
                     `request_networking`"
                )
            }
            Note::Unanswered(source, target, body) => {
                write!(f, "{source} was not answered by {target} in time: {body}")
            }
            Note::Unsettled(source, target, body) => {
                write!(f, "{source} still waited for {target} when the run ended: {body}")
            }
            Note::AnswersFirst(process) => {
                write!(f, "{process} answers before it saves: a crash between the two loses what was answered")
            }
            Note::NeverHappened(line) => write!(f, "a line of the workload never happened: {line}"),
            Note::ExpectsNothing(process) => {
                write!(
                    f,
                    "`[[expect]]` of {process} expects nothing: give it `alive`, `prints` or `never_forgets`, say"
                )
            }
            Note::NoSuchProcess(source, target) => {
                write!(f, "{source} sends requests to {target}, and no process of that name ever exists")
            }
            Note::GoneAfterCrash(process) => {
                write!(f, "{process} is not there after a crash: its on-exit is None, so nothing starts it again")
            }
            Note::NotSetUpAgain(process, what) => {
                write!(f, "{process} has not set up {what} again after a restart, though it is alive")
            }
            Note::DoneAgain(process, what, calm, most) => {
                let form = "if that must not be, say so with `at_most_once` in an `[[expect]]`";
                write!(f, "{process} {what} {most} times in a run, and {calm} when nothing goes wrong; {form}")
            }
            Note::NeverAnswered(process, n) => {
                let requests = if *n == 1 { "1 request".to_string() } else { format!("{n} requests") };
                write!(f, "{requests} of the owner to {process} never answered, since the life that had them ended")
            }
            Note::ChangesAtStart(process, how) => {
                write!(f, "what {process} has saved changes with every restart, though nobody asked: {how}")
            }
            Note::KernelBreaks(rule, deviations) => {
                write!(f, "the kernel breaks {rule} by itself, which does not count against the package: {deviations}")
            }
            Note::SetAside(deviation, facts, line) => write!(
                f,
                "{deviation}; no package can make up for that, so the verdict is of the same kernel without it. With it, \
                 {facts}: {line}"
            ),
            Note::IllegalName(says, id) => write!(
                f,
                "metadata.json says `{says}`, which no node accepts: `package_name` has a-z 0-9 and -, `publisher` a . \
                 as well, and both are there; it is checked as {id}"
            ),
            Note::Computes(process, fuel, millis) => {
                let fuel = *fuel / 1_000_000;
                write!(
                    f,
                    "{process} computed for {fuel} million fuel without a call: about {millis} ms of a node's processor"
                )
            }
            Note::NoPage(process, error) => {
                write!(f, "{process} asked the web for a page that no `[[web]]` of the workload has: {error}")
            }
            Note::AtBound(process, bound) => {
                write!(f, "{process} panicked after it asked for more than {bound}; a node may have more")
            }
            Note::NotCounted(gap, facts) => write!(f, "{gap}; after that, which does not count: {facts}"),
            Note::NotTold(n) => write!(f, "at least {n} more different things broke, which are not told"),
            Note::LeftOut(process, list, entry) => write!(
                f,
                "the manifest's `{list}` of {process} has {entry}, which is left out: it is neither a process id nor an \
                 object with a process id as `process` and with `params`"
            ),
        }
    }
}
