//! For tests: scenarios told event by event, as a world would record them, and what the invariants say of them.
//!
//! A scenario is one node's, `alice.os`; processes go by their first names, messages by their bodies. Nothing is checked
//! here: a history can be as wrong as its test needs.

use crate::invariant::{Invariants, all};
use crate::plan::Down;
use crate::trace::event::{Event, Life, What};
use kernel_core::command::{Command, CommandAnswer, Initialize};
use kernel_core::{
    Address, Answer, BackOff, Blob, Bytes, Call, CallKind, Capability, Cause, Change, Content, DropReason, Duration,
    Exit, ImageId, Instant, Message, MessageId, Names, NodeId, OnExit, OnExitRequest, Outgoing, ProcessRef, Record,
    Request, Response, Rule, Semantics, SendErrorKind, Spawn, SpawnError,
};
use std::collections::BTreeMap;
use std::rc::Rc;

/// A scenario, so far.
pub(crate) struct History {
    names: Names,
    node: NodeId,
    now: Instant,
    events: Vec<Event>,
    back_off: BackOff,
    lives: BTreeMap<ProcessRef, u32>,
    rows: BTreeMap<ProcessRef, Record>,
    messages: Vec<Rc<Message>>,
    commands: Vec<(Rc<Message>, Command)>,
    boots: u32,
    ids: u64,
    /// What the next message carries.
    blob: Option<Blob>,
    /// The address of the answer, if it is not the sender's.
    rsvp: Option<Address>,
    /// What the step under way was brought about by.
    step: Cause,
}

/// The scenario of a node that has just come up.
pub(crate) fn history() -> History {
    let mut names = Names::new();
    let node = names.node("alice.os");
    names.node("bob.os");
    let (lives, rows) = Default::default();
    let (now, step) = (Instant(0), Cause(0));
    let (events, messages, commands) = (vec![], vec![], vec![]);
    let (back_off, boots, ids) = (BackOff::Off, 0, 0);
    History {
        names,
        node,
        now,
        events,
        back_off,
        lives,
        rows,
        messages,
        commands,
        boots,
        ids,
        blob: None,
        rsvp: None,
        step,
    }
    .boots()
}

/// Fires one request at a process, by its first name: its body.
pub(crate) fn telling(target: &'static str, body: &str) -> (&'static str, Request) {
    (target, Request { body: body.into(), ..Request::default() })
}

#[allow(clippy::wrong_self_convention)] // A scenario's verbs are passive where its processes are.
impl History {
    // ---- what it comes to -----------------------------------------------------------------------------------------

    /// The rules that are broken in it, in the order in which that shows.
    fn broken(&self) -> Vec<(Rule, String)> {
        let mut semantics = Semantics::book();
        semantics.back_off = self.back_off;
        let mut invariants = Invariants::new(all(&semantics));
        for (index, event) in self.events.iter().enumerate() {
            invariants.on_event(Cause(index as u64), event, &self.names);
        }
        invariants.ran_until(Instant(u64::MAX));
        invariants.at_end(&self.names);
        invariants.violations().iter().map(|violation| (violation.claim.rule, violation.facts.clone())).collect()
    }

    /// No rule is broken in it.
    #[track_caller]
    pub fn holds(self) {
        assert_eq!(self.broken(), []);
    }

    /// This rule is broken in it, whatever else is.
    #[track_caller]
    pub fn breaks(self, rule: Rule) {
        let broken = self.broken();
        assert!(broken.iter().any(|(broken, _)| *broken == rule), "not {rule} but {broken:?}");
    }

    // ---- nodes ----------------------------------------------------------------------------------------------------

    pub fn under(mut self, back_off: BackOff) -> History {
        self.back_off = back_off;
        self
    }

    pub fn after(mut self, span: Duration) -> History {
        self.now = self.now + span;
        self
    }

    pub fn boots(mut self) -> History {
        self.boots += 1;
        self.ids = u64::from(self.boots) << 40;
        let boots = self.boots;
        self.begins(What::Booted(boots))
    }

    /// The node's kernel fails.
    pub fn fails(self) -> History {
        self.begins(What::Failed("boo".into()))
    }

    pub fn goes_down(mut self, how: Down) -> History {
        let lives: Vec<Life> = self.lives.iter().map(|(process, number)| self.life_of(*process, *number)).collect();
        self = self.begins(What::Down(how));
        for life in lives {
            self = self.then(What::Lost(life));
        }
        self
    }

    // ---- lives ----------------------------------------------------------------------------------------------------

    /// The owner initializes it: not public, holding nothing.
    pub fn initializes(self, name: &str, on_exit: OnExit) -> History {
        self.is_to_be_initialized(name, on_exit.clone()).puts(name, on_exit).initializing_is_answered(name)
    }

    pub fn is_to_be_initialized(mut self, name: &str, on_exit: OnExit) -> History {
        let init = Initialize { id: self.id(name), on_exit, initial_capabilities: vec![], public: false };
        self.commands("terminal", Command::Initialize(Box::new(init)))
    }

    pub fn initializing_is_answered(mut self, name: &str) -> History {
        let id = self.id(name);
        let is = |command: &Command| matches!(command, Command::Initialize(init) if init.id == id);
        self.answers_command(is, CommandAnswer::InitializedProcess)
    }

    pub fn initializing_is_refused(mut self, name: &str) -> History {
        let id = self.id(name);
        let is = |command: &Command| matches!(command, Command::Initialize(init) if init.id == id);
        self.answers_command(is, CommandAnswer::InitializeProcessError)
    }

    /// The code that an `InitializeProcess` brings is not valid.
    pub fn is_to_be_initialized_from_rubbish(mut self, name: &str) -> History {
        let init = Initialize { id: self.id(name), on_exit: OnExit::None, initial_capabilities: vec![], public: false };
        let command = Command::Initialize(Box::new(init));
        self = self.sends("terminal", "kernel", Request { expects_response: Some(60), ..Request::default() });
        let message = self.messages.last().expect("it was just made").clone();
        self.commands.push((message.clone(), command.clone()));
        self.then(What::InvalidCode(message.clone())).then(What::Command(message, Rc::new(command)))
    }

    pub fn initializes_by(mut self, initializer: &str, name: &str) -> History {
        let init = Initialize { id: self.id(name), on_exit: OnExit::None, initial_capabilities: vec![], public: false };
        self.commands(initializer, Command::Initialize(Box::new(init))).puts(name, OnExit::None)
    }

    /// It is initialized with a capability, which its row then has.
    pub fn initializes_with(mut self, initializer: &str, name: &str, capability: Capability) -> History {
        let (id, on_exit) = (self.id(name), OnExit::None);
        let initial_capabilities = vec![capability];
        let init = Initialize { id, on_exit: on_exit.clone(), initial_capabilities, public: false };
        self = self.commands(initializer, Command::Initialize(Box::new(init)));
        let capabilities = [capability].into_iter().collect();
        self.rows.insert(id, Record { image: Some(ImageId(0)), on_exit: on_exit.clone(), public: false, capabilities });
        self.puts(name, on_exit)
    }

    pub fn is_to_be_run(mut self, name: &str) -> History {
        let process = self.id(name);
        self.commands("terminal", Command::Run(process))
    }

    pub fn running_is_answered(mut self, name: &str, answer: CommandAnswer) -> History {
        let id = self.id(name);
        self.answers_command(|command| *command == Command::Run(id), answer)
    }

    /// It asks for a child.
    pub fn calls_spawn(self, name: &str, child: &str) -> History {
        self.calls_spawn_of(name, child, "/demo:alice.os/pkg/child.wasm")
    }

    /// It asks for a child that is made from this file.
    pub fn calls_spawn_of(self, name: &str, child: &str, path: &str) -> History {
        self.spawns_of_with(name, child, path, vec![])
    }

    /// It asks for a child that is to have these capabilities.
    pub fn calls_spawn_with(self, name: &str, child: &str, list: Vec<Capability>) -> History {
        self.spawns_of_with(name, child, "/demo:alice.os/pkg/child.wasm", list)
    }

    fn spawns_of_with(mut self, name: &str, child: &str, path: &str, wishes: Vec<Capability>) -> History {
        let life = self.life(name);
        let spawn = Spawn {
            name: Some(child.into()),
            path: path.into(),
            on_exit: OnExit::Restart,
            request_capabilities: wishes,
            grant_capabilities: vec![],
            public: false,
        };
        self.calls(name, CallKind::Spawn).then(What::Spawns(life, Rc::new(spawn)))
    }

    pub fn is_answered_no_file(mut self, name: &str) -> History {
        let life = self.life(name);
        self.then(What::Spawned(life, Err(SpawnError::NoFileAtPath)))
    }

    pub fn is_answered_a_child(mut self, name: &str, child: &str) -> History {
        let (life, child) = (self.life(name), self.id(child));
        self.then(What::Spawned(life, Ok(child)))
    }

    /// It has a child that runs under Restart.
    pub fn spawns(self, name: &str, child: &str) -> History {
        self.raises(name, child).gain_each_other(name, child).is_answered_a_child(name, child)
    }

    /// A spawn that has not returned: the child lives.
    pub fn raises(self, name: &str, child: &str) -> History {
        self.calls_spawn(name, child).puts(child, OnExit::Restart).starts(child)
    }

    /// Each may message the other, durably.
    pub fn gain_each_other(mut self, one: &str, other: &str) -> History {
        let (to_one, to_other) = (self.messaging(one), self.messaging(other));
        self.gains(one, to_other).gains(other, to_one)
    }

    pub fn spins(mut self, name: &str) -> History {
        let life = self.life(name);
        self.begins(What::Spun(life, Duration::from_secs(1)))
    }

    /// It panics before any time has passed.
    pub fn panics_at_once(mut self, name: &str) -> History {
        let life = self.life(name);
        self.then(What::Exited(life, Exit::Panicked, "boo".into()))
    }

    pub fn starts(mut self, name: &str) -> History {
        let process = self.id(name);
        let number = self.lives.get(&process).map_or(1, |number| number + 1);
        self.lives.insert(process, number);
        let life = self.life_of(process, number);
        self.then(What::Started(life))
    }

    /// It is initialized and started.
    pub fn runs(self, name: &str, on_exit: OnExit) -> History {
        self.initializes(name, on_exit).starts(name)
    }

    pub fn returns(mut self, name: &str) -> History {
        let life = self.life(name);
        self.begins(What::Exited(life, Exit::Returned, "".into()))
    }

    pub fn panics(mut self, name: &str) -> History {
        let life = self.life(name);
        self.begins(What::Exited(life, Exit::Panicked, "boo".into()))
    }

    /// Somebody asks the kernel to kill it.
    pub fn is_to_be_killed_by(mut self, killer: &str, name: &str) -> History {
        let process = self.id(name);
        self.commands(killer, Command::Kill(process))
    }

    /// It runs, and is killed at somebody's word.
    pub fn is_killed_by(self, killer: &str, name: &str) -> History {
        self.is_to_be_killed_by(killer, name).is_stopped(name)
    }

    pub fn is_stopped(mut self, name: &str) -> History {
        let life = self.life(name);
        self.then(What::Killed(life))
    }

    pub fn killing_is_answered(mut self, name: &str) -> History {
        let id = self.id(name);
        let text = self.names.process_text(id).to_string();
        self.answers_command(|command| *command == Command::Kill(id), CommandAnswer::KilledProcess(text))
    }

    // ---- the disk -------------------------------------------------------------------------------------------------

    /// Its row is durable, with what it held.
    pub fn puts(mut self, name: &str, on_exit: OnExit) -> History {
        let id = self.id(name);
        let capabilities = self.rows.get(&id).map(|row| row.capabilities.clone()).unwrap_or_default();
        let row = Record { image: Some(ImageId(0)), on_exit, public: false, capabilities };
        self.rows.insert(id, row.clone());
        self.written(Change::Put(id, Rc::new(row)))
    }

    /// Its row is durably gone.
    pub fn is_off_the_disk(mut self, name: &str) -> History {
        let id = self.id(name);
        self.rows.remove(&id);
        self.written(Change::Remove(id))
    }

    /// Its row is durable with one capability more.
    pub fn gains(mut self, name: &str, capability: Capability) -> History {
        let id = self.id(name);
        let row = self.rows.get_mut(&id).expect("who gains has a row");
        row.capabilities.insert(capability);
        let row = row.clone();
        self.written(Change::Put(id, Rc::new(row)))
    }

    /// Its row is durable with one capability less.
    pub fn loses(mut self, name: &str, capability: Capability) -> History {
        let id = self.id(name);
        let row = self.rows.get_mut(&id).expect("who loses has a row");
        row.capabilities.remove(&capability);
        let row = row.clone();
        self.written(Change::Put(id, Rc::new(row)))
    }

    /// The owner lets it message another.
    pub fn may_message(mut self, name: &str, target: &str) -> History {
        let (process, capability) = (self.id(name), self.messaging(target));
        self.commands("terminal", Command::Grant(process, vec![capability])).gains(name, capability)
    }

    /// The owner grants it something; that is not on the disk.
    pub fn is_granted(mut self, name: &str, capability: Capability) -> History {
        let process = self.id(name);
        self.commands("terminal", Command::Grant(process, vec![capability]))
    }

    /// The owner sets its on-exit value.
    pub fn is_to_be(mut self, name: &str, on_exit: OnExit) -> History {
        let process = self.id(name);
        self.commands("terminal", Command::SetOnExit(process, on_exit))
    }

    /// Its row is durable without code.
    pub fn puts_no_code(mut self, name: &str) -> History {
        let id = self.id(name);
        let row = Record { image: None, on_exit: OnExit::None, public: false, capabilities: Default::default() };
        self.written(Change::Put(id, Rc::new(row)))
    }

    pub fn keeps(mut self, name: &str, capability: Capability) -> History {
        let life = self.life(name);
        self.calls(name, CallKind::SaveCapabilities).then(What::SavesCapabilities(life, [capability].into()))
    }

    pub fn drops(mut self, name: &str, capability: Capability) -> History {
        let life = self.life(name);
        self.calls(name, CallKind::DropCapabilities).then(What::DropsCapabilities(life, [capability].into()))
    }

    pub fn sets_on_exit(mut self, name: &str, on_exit: OnExit) -> History {
        let life = self.life(name);
        self.calls(name, CallKind::SetOnExit).then(What::SetsOnExit(life, Rc::new(on_exit)))
    }

    pub fn saves(mut self, name: &str, state: &str) -> History {
        let life = self.life(name);
        self.calls(name, CallKind::SetState).then(What::SavesState(life, Some(state.into())))
    }

    pub fn state_is_durable(mut self, name: &str, state: &str) -> History {
        let id = self.id(name);
        self.begins(What::StateDurable(id, Some(state.into())))
    }

    pub fn reads(mut self, name: &str, state: Option<&str>) -> History {
        let life = self.life(name);
        self.calls(name, CallKind::GetState).then(What::ReadState(life, state.map(Bytes::from)))
    }

    // ---- calls and messages ---------------------------------------------------------------------------------------

    pub fn calls(mut self, name: &str, kind: CallKind) -> History {
        let life = self.life(name);
        self.begins(What::Called(life, kind, None))
    }

    pub fn call_returns(mut self, name: &str, kind: CallKind) -> History {
        let life = self.life(name);
        self.then(What::Returned(life, kind))
    }

    pub fn tells(self, from: &str, to: &str, body: &str) -> History {
        self.calls(from, CallKind::SendRequest).sends(from, to, Request { body: body.into(), ..Request::default() })
    }

    pub fn tells_with(self, from: &str, to: &str, body: &str, attached: Capability) -> History {
        let request = Request { body: body.into(), capabilities: vec![attached], ..Request::default() };
        self.calls(from, CallKind::SendRequest).sends(from, to, request)
    }

    pub fn asks(self, from: &str, to: &str, seconds: u64, body: &str) -> History {
        let request = Request { body: body.into(), expects_response: Some(seconds), ..Request::default() };
        self.calls(from, CallKind::SendRequest).sends(from, to, request)
    }

    pub fn awaits(self, from: &str, to: &str, seconds: u64, body: &str) -> History {
        let request = Request { body: body.into(), expects_response: Some(seconds), ..Request::default() };
        self.calls(from, CallKind::SendAndAwaitResponse).sends(from, to, request)
    }

    /// It asks for these to be sent at once; nothing has been yet.
    pub fn calls_to_send(mut self, from: &str, list: &[(&'static str, Request)]) -> History {
        let life = self.life(from);
        let outgoing = |(target, request): &(&'static str, Request)| {
            let (target, request) = (self.address(target), request.clone());
            Outgoing { target, request, context: None, blob: None }
        };
        let list: Vec<_> = list.iter().map(outgoing).collect();
        self.begins(What::Called(life, CallKind::SendRequests, Some(Call::SendRequests(list.into()))))
    }

    /// The kernel sends this for it, in the step under way: an on-exit request, say.
    pub fn fires(self, from: &str, to: &str, body: &str) -> History {
        self.sends(from, to, Request { body: body.into(), ..Request::default() })
    }

    pub fn fires_with(self, from: &str, to: &str, body: &str, attached: Capability) -> History {
        self.sends(from, to, Request { body: body.into(), capabilities: vec![attached], ..Request::default() })
    }

    /// As `fires`, with the address of another process that is to be answered.
    pub fn fires_for_another(mut self, from: &str, to: &str, body: &str) -> History {
        self.rsvp = Some(self.address("terminal"));
        self = self.fires(from, to, body);
        self.rsvp = None;
        self
    }

    /// A request that has that id, on purpose.
    pub fn asks_with_id(mut self, from: &str, to: &str, id: u64, body: &str) -> History {
        let ids = std::mem::replace(&mut self.ids, id - 1);
        self = self.asks(from, to, 5, body);
        self.ids = ids;
        self
    }

    pub fn answers(mut self, from: &str, question: &str, body: &str) -> History {
        let source = self.address(from);
        let question = self.message(question);
        self = self.calls(from, CallKind::SendResponse);
        let content = Content::Response(Response { body: body.into(), ..Response::default() });
        self.made(question.id, source, question.reply_to(), content)
    }

    /// The network cannot reach the target's node.
    pub fn is_unreachable(self, body: &str) -> History {
        let message = self.message(body);
        self.then(What::NetworkOffline(message))
    }

    /// It looks something up, and gets this.
    pub fn learns(mut self, name: &str, call: CallKind, answer: Answer) -> History {
        let life = self.life(name);
        self.calls(name, call).then(What::Learned(life, call, Rc::new(answer)))
    }

    pub fn tells_with_blob(mut self, from: &str, to: &str, body: &str, blob: &str) -> History {
        self = self.calls(from, CallKind::SendRequest);
        self.blob = Some(History::blob(blob));
        let scenario = self.sends(from, to, Request { body: body.into(), ..Request::default() });
        History { blob: None, ..scenario }
    }

    /// A request that inherits, with the id of another message.
    pub fn asks_inheriting(
        mut self,
        from: &str,
        to: &str,
        expects: Option<u64>,
        like: Option<&str>,
        body: &str,
    ) -> History {
        let request = Request { inherit: true, body: body.into(), expects_response: expects, ..Request::default() };
        self = self.calls(from, CallKind::SendRequest);
        let (source, target) = (self.address(from), self.address(to));
        self.ids += 1;
        let id = like.map_or(MessageId(self.ids), |like| self.message(like).id);
        let rsvp = like.and_then(|like| self.message(like).rsvp);
        let (content, blob, cause) = (Content::Request(request), None, self.step);
        let message = Rc::new(Message { id, source, target, rsvp, content, blob, cause });
        self.messages.push(message.clone());
        self.then(What::Sent(message))
    }

    pub fn blob(text: &str) -> Blob {
        Blob { mime: None, bytes: text.into() }
    }

    pub fn receives(mut self, name: &str, body: &str) -> History {
        let (life, message) = (self.life(name), self.message(body));
        self.then(What::Received(life, message, None))
    }

    /// It calls `receive`, and gets this.
    pub fn takes(self, name: &str, body: &str) -> History {
        self.calls(name, CallKind::Receive).receives(name, body)
    }

    pub fn meets(mut self, name: &str, kind: SendErrorKind, body: &str) -> History {
        let (life, message) = (self.life(name), self.message(body));
        self.then(What::ReceivedError(life, kind, message, None))
    }

    pub fn is_dropped(self, body: &str, reason: DropReason) -> History {
        let message = self.message(body);
        self.then(What::Dropped(message, reason))
    }

    /// SQLite goes over a file of its own, and finds this wrong with it, or nothing.
    pub fn finds_its_file(self, trouble: Option<&str>) -> History {
        self.begins(What::StoreChecked(ProcessRef::SQLITE, "/sqlite/x".into(), trouble.map(Into::into)))
    }

    pub fn command_is_dropped(self) -> History {
        let (command, _) = self.commands.last().expect("a command was sent").clone();
        self.then(What::Dropped(command, DropReason::NoCapability))
    }

    // ---- words ----------------------------------------------------------------------------------------------------

    pub fn requests(&mut self, list: &[(&'static str, Request)]) -> OnExit {
        let request = |(target, request): &(&'static str, Request)| OnExitRequest {
            target: self.address(target),
            request: request.clone(),
            blob: None,
        };
        OnExit::Requests(list.iter().map(request).collect())
    }

    /// A scenario about somebody with on-exit requests, who runs.
    pub fn runs_to_tell(mut self, name: &str, list: &[(&'static str, Request)]) -> History {
        let on_exit = self.requests(list);
        self.runs(name, on_exit)
    }

    /// The right to read the drive of another package.
    pub fn reading(&mut self, drive: &str) -> Capability {
        let issuer = Address { node: self.node, process: ProcessRef::VFS };
        Capability { issuer, params: self.names.params(&format!(r#"{{"drive":"{drive}","kind":"read"}}"#)) }
    }

    pub fn messaging(&mut self, name: &str) -> Capability {
        Capability::messaging(self.address(name))
    }

    fn id(&mut self, name: &str) -> ProcessRef {
        match name {
            "kernel" => ProcessRef::KERNEL,
            "terminal" => ProcessRef::TERMINAL,
            name => self.names.process(&format!("{name}:demo:alice.os")),
        }
    }

    fn address(&mut self, name: &str) -> Address {
        Address { node: self.node, process: self.id(name) }
    }

    fn life(&mut self, name: &str) -> Life {
        let process = self.id(name);
        self.life_of(process, *self.lives.get(&process).expect("a process that acts has lived"))
    }

    fn life_of(&self, process: ProcessRef, number: u32) -> Life {
        Life { process, number }
    }

    /// The latest message with this body.
    fn message(&self, body: &str) -> Rc<Message> {
        let found = self.messages.iter().rfind(|message| message.body()[..] == *body.as_bytes());
        found.expect("a message of that body was sent").clone()
    }

    // ---- events ---------------------------------------------------------------------------------------------------

    fn push(mut self, cause: Cause, what: What) -> History {
        self.events.push(Event { at: self.now, node: self.node, cause, what });
        self
    }

    /// Something happens by itself: a step begins.
    fn begins(mut self, what: What) -> History {
        self.now = self.now + Duration::from_millis(1);
        self.step = Cause(self.events.len() as u64);
        let step = self.step;
        self.push(step, what)
    }

    /// Something happens in the step under way.
    fn then(self, what: What) -> History {
        let step = self.step;
        self.push(step, what)
    }

    /// A change is durable. Those of one write follow each other.
    fn written(mut self, change: Change) -> History {
        self.step = Cause(self.events.len() as u64);
        self.then(What::Durable(Rc::new(change)))
    }

    fn sends(mut self, from: &str, to: &str, request: Request) -> History {
        self.ids += 1;
        let (id, source, target) = (MessageId(self.ids), self.address(from), self.address(to));
        self.made(id, source, target, Content::Request(request))
    }

    fn made(mut self, id: MessageId, source: Address, target: Address, content: Content) -> History {
        let blob = self.blob.clone();
        let message = Rc::new(Message { id, source, target, rsvp: self.rsvp, content, blob, cause: self.step });
        self.messages.push(message.clone());
        self.then(What::Sent(message))
    }

    /// A command to the kernel, by whoever has the right to it or not.
    pub fn commands(mut self, from: &str, command: Command) -> History {
        let expects_response =
            matches!(command, Command::Initialize(_) | Command::Kill(_) | Command::Run(_)).then_some(60);
        let request = Request { body: command.to_body(&self.names), expects_response, ..Request::default() };
        if from == "terminal" {
            self.now = self.now + Duration::from_millis(1);
            self.step = Cause(self.events.len() as u64);
        } else {
            self = self.calls(from, CallKind::SendRequest);
        }
        self = self.sends(from, "kernel", request);
        let message = self.messages.last().expect("it was just made").clone();
        self.commands.push((message.clone(), command.clone()));
        self.then(What::Command(message, Rc::new(command)))
    }

    /// The latest command that is so is answered.
    fn answers_command(mut self, is: impl Fn(&Command) -> bool, answer: CommandAnswer) -> History {
        let (command, _) = self.commands.iter().rfind(|(_, command)| is(command)).expect("such a command").clone();
        let content = Content::Response(Response { body: answer.to_body(), ..Response::default() });
        let kernel = self.address("kernel");
        self = self.made(command.id, kernel, command.reply_to(), content);
        let message = self.messages.last().expect("it was just made").clone();
        self = self.then(What::CommandAnswered(message.clone(), Rc::new(answer)));
        match command.source.process {
            ProcessRef::TERMINAL => self.then(What::ModuleReceived(ProcessRef::TERMINAL, message)),
            _ => self,
        }
    }
}
