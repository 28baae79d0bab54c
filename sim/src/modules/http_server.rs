//! `http-server:distro:sys`: paths and WebSockets of a node, for visitors with a browser.
//!
//! As in the public runtime (`src/http/server.rs`, `lib/src/http/server_types.rs`). Processes bind paths below their own
//! id; a visitor's request becomes a request to the process, which answers with a status, headers and a body. Bindings
//! and sockets stay until the node goes down, whatever becomes of the process: its next life answers, or nobody, and
//! then the visitor gets 408 after [`PATIENCE`]. An answer that is none is 500, an unbound path 404. Success is
//! answered if anybody waits for it, an error always, to the source. No capability is asked for but messaging.
//!
//! What differs from the public runtime, all told:
//! - A visitor's cookie is a fact of the scenario; a visitor without one, where one is required, gets the login page,
//!   of which only the status is as there.
//! - `local_only` lets in visitors from the node's own machine, as in Kinode 1.0; Hyperdrive 1.9 asks for a switch.
//! - `WebSocketOpen` has the fields of Kinode 1.0, and no header overrides the patience.
//! - Channels are digests, not random numbers; as there, none comes back.
//! - `WebSocketPush` with `Close` closes as `WebSocketClose` does, as in Hyperdrive 1.9; in Kinode 1.0 it brings the
//!   module down (oddity 6).
//! - What is bound at a time, paths and pages, takes at most [`BOUND_BYTES_MAX`]; more is not modelled.
//! - A process id that is too long for a URL is not refused (`InvalidSourceProcess`).
//! - Sockets of extensions and the path `/rpc:distro:sys/message` are not modelled: whoever uses them is told in the
//!   trace. A visitor there gets 501.

use super::{Module, ModuleContext, Support};
use crate::outside::visit::{Frame, FrameKind, HttpRequest, Sight, Visit};
use crate::trace::event::What;
use kernel_core::{
    Address, Blob, Bytes, Content, Duration, Instant, Message, Names, Outgoing, ProcessRef, Received, Request,
};
use routes::Routes;
use serde_json::json;
use std::collections::BTreeMap;
use std::rc::Rc;
use wire::{Action, HttpResponse, HttpServerError, Told};
use xxhash_rust::xxh3::xxh3_64;

mod routes;
#[cfg(test)]
mod tests;
mod wire;

/// How long a visitor waits for a process, in seconds.
pub const PATIENCE: u64 = 15;
/// How long a browser takes to answer a `Close` with its own.
const ROUND_TRIP: Duration = Duration::from_millis(40);
/// The most that a ping or a pong may carry.
const PING_BYTES_MAX: usize = 125;
/// How many bytes what is bound at a time may take, paths and pages (ours: a process could bind without end).
pub const BOUND_BYTES_MAX: usize = 64 << 20;
/// What a bound path takes besides its name and its page.
const PATH_BYTES: usize = 256;
/// The path that is no process's.
const RPC: &str = "/rpc:distro:sys/message";

/// The server.
#[derive(Clone, Default)]
pub struct HttpServer {
    paths: Routes<Option<Bound>>,
    socket_paths: Routes<Option<Bound>>,
    /// Requests of visitors that a process has not answered.
    asked: BTreeMap<u64, Rc<HttpRequest>>,
    sockets: BTreeMap<u32, Socket>,
    /// Sockets that their process has closed, by the number under which the browser's own `Close` is waited for.
    closing: BTreeMap<u64, u32>,
    /// How many requests and sockets there were.
    count: u64,
    /// How many bytes all takes that is bound.
    bytes: usize,
}

/// What a path is bound to; once unbound it is bound to nobody.
#[derive(Clone, Debug)]
struct Bound {
    app: ProcessRef,
    path: String,
    /// The only host it is served at.
    subdomain: Option<String>,
    authenticated: bool,
    local_only: bool,
    extension: bool,
    /// What is served to every `GET` without asking the process.
    page: Option<Blob>,
}

/// An open WebSocket.
#[derive(Clone, Debug)]
struct Socket {
    /// What the visitor calls it.
    name: String,
    app: ProcessRef,
    extension: bool,
    /// Whether its process has closed it, and the browser's own `Close` is on its way.
    is_closing: bool,
}

/// What can be bound at a path.
#[derive(Clone, Copy)]
enum Kind {
    Pages,
    Sockets,
}

/// Why a visitor is not let in: a status, a header, a body.
type Refusal = (u16, Vec<(String, String)>, &'static str);

impl Module for HttpServer {
    fn uses_disk(&self) -> bool {
        false
    }

    fn on_message(&mut self, message: &Rc<Message>, cx: &mut ModuleContext<'_>) {
        let Content::Request(request) = &message.content else { return };
        let action = serde_json::from_slice(&request.body).map_err(|_| HttpServerError::MalformedRequest);
        match action.and_then(|action| self.act(action, message, cx)) {
            Ok(true) if message.rsvp.is_some() || request.expects_response.is_some() => {
                cx.respond(message, json!({ "Ok": null }).to_string().as_str(), None);
            }
            Ok(_) => {}
            Err(error) => cx.respond_to_source(message, json!({ "Err": error }).to_string().as_str()),
        }
    }

    fn on_answer(&mut self, answer: &Received, cx: &mut ModuleContext<'_>) {
        // A process that is not there is waited for all the same.
        let Received::Message(message, Some(context)) = answer else { return };
        let number = (&**context).try_into().map(u64::from_le_bytes).expect("the context is a number of ours");
        let Some(request) = self.asked.remove(&number) else { return };
        match serde_json::from_slice::<HttpResponse>(message.body()) {
            Ok(HttpResponse { status, headers }) => {
                let status = if (100..1_000).contains(&status) { status } else { 500 };
                let body = message.blob.as_ref().map(|blob| blob.bytes.to_vec()).unwrap_or_default();
                show_response(&request, status, headers.into_iter().collect(), body, cx);
            }
            Err(_) => show_response(&request, 500, vec![], vec![], cx),
        }
    }

    fn on_wake(&mut self, number: u64, cx: &mut ModuleContext<'_>) {
        if let Some(channel) = self.closing.remove(&number) {
            self.browser_closes(channel, cx);
        }
        if let Some(request) = self.asked.remove(&number) {
            show_response(&request, 408, vec![], vec![], cx);
        }
    }

    fn on_visit(&mut self, visit: &Visit, cx: &mut ModuleContext<'_>) {
        match visit {
            Visit::Http(request) => self.on_http(request, cx),
            Visit::Open(name, request) => self.on_open(name, request, cx),
            Visit::Frame(name, frame) => self.on_frame(name, frame, cx),
        }
    }

    fn fork(&self) -> Option<Box<dyn Module>> {
        Some(Box::new(self.clone()))
    }

    fn actions(&self) -> &'static [(&'static str, Support)] {
        &[
            ("Bind", Support::Done),
            ("SecureBind", Support::Done),
            ("Unbind", Support::Done),
            ("WebSocketBind", Support::Done),
            ("WebSocketSecureBind", Support::Done),
            ("WebSocketUnbind", Support::Done),
            ("WebSocketPush", Support::Done),
            ("WebSocketExtPushOutgoing", Support::Refused),
            ("WebSocketClose", Support::Done),
        ]
    }
}

impl HttpServer {
    // ---- for processes ----------------------------------------------------------------------------------------

    /// Does what a process asks for; whether it is then to be answered.
    fn act(&mut self, action: Action, message: &Message, cx: &mut ModuleContext<'_>) -> Result<bool, HttpServerError> {
        let app = message.source.process;
        let names = &*cx.names;
        let bound = |path: &str| Bound {
            app,
            path: below(names, app, path),
            subdomain: None,
            authenticated: false,
            local_only: false,
            extension: false,
            page: None,
        };
        let page = |cache: bool| match (cache, &message.blob) {
            (true, None) => Err(HttpServerError::NoBlob),
            (true, Some(blob)) => Ok(Some(blob.clone())),
            (false, _) => Ok(None),
        };
        let secure = |bound: Bound| {
            let subdomain = Some(subdomain(names, app));
            Bound { subdomain, authenticated: true, ..bound }
        };
        match action {
            Action::Bind { path, authenticated, local_only, cache } => {
                let bound = Bound { authenticated, local_only, page: page(cache)?, ..bound(&path) };
                return Ok(self.bind(Kind::Pages, bound.path.clone(), Some(bound), cx));
            }
            Action::SecureBind { path, cache } => {
                let bound = Bound { page: page(cache)?, ..secure(bound(&path)) };
                return Ok(self.bind(Kind::Pages, bound.path.clone(), Some(bound), cx));
            }
            Action::Unbind { path } => return Ok(self.bind(Kind::Pages, below(names, app, &path), None, cx)),
            Action::WebSocketBind { path, authenticated, extension } => {
                let bound = Bound { authenticated, extension, ..bound(&path) };
                return Ok(self.bind(Kind::Sockets, bound.path.clone(), Some(bound), cx));
            }
            Action::WebSocketSecureBind { path, extension } => {
                let bound = Bound { extension, ..secure(bound(&path)) };
                return Ok(self.bind(Kind::Sockets, bound.path.clone(), Some(bound), cx));
            }
            Action::WebSocketUnbind { path } => {
                return Ok(self.bind(Kind::Sockets, below(names, app, &path), None, cx));
            }
            Action::WebSocketPush { channel_id, message_type } => {
                self.push(channel_id, message_type, message, cx)?;
            }
            Action::WebSocketExtPushOutgoing { .. } => {
                cx.refuse(message);
                return Ok(false);
            }
            Action::WebSocketClose(channel) => self.close(channel, app, cx)?,
        }
        Ok(true)
    }

    /// Binds a path, or unbinds it; false: there is no room for it, which is said.
    fn bind(&mut self, kind: Kind, path: String, to: Option<Bound>, cx: &mut ModuleContext<'_>) -> bool {
        let routes = match kind {
            Kind::Pages => &mut self.paths,
            Kind::Sockets => &mut self.socket_paths,
        };
        let gives = routes.get(&path).map_or(0, |former| takes(&path, former.as_ref()));
        let bytes = self.bytes - gives + takes(&path, to.as_ref());
        if bytes > BOUND_BYTES_MAX {
            cx.unmodelled = Some(format!("more than {} MiB of paths and pages", BOUND_BYTES_MAX >> 20));
            return false;
        }
        self.bytes = bytes;
        routes.bind(path, to);
        true
    }

    /// A process sends a frame. The frame is looked at before the channel.
    fn push(
        &mut self,
        channel: u32,
        kind: FrameKind,
        message: &Message,
        cx: &mut ModuleContext<'_>,
    ) -> Result<(), HttpServerError> {
        let app = message.source.process;
        let bytes = &message.blob.as_ref().ok_or(HttpServerError::NoBlob)?.bytes;
        let bytes = match kind {
            FrameKind::Ping | FrameKind::Pong if bytes.len() > PING_BYTES_MAX => {
                return Err(HttpServerError::WsPingPongTooLong);
            }
            FrameKind::Close => return self.close(channel, app, cx),
            FrameKind::Text => String::from_utf8_lossy(bytes).into_owned().into_bytes(),
            FrameKind::Binary | FrameKind::Ping | FrameKind::Pong => bytes.to_vec(),
        };
        let socket = self.sockets.get(&channel).filter(|socket| socket.app == app);
        let Some(socket) = socket else { return Err(HttpServerError::WsChannelNotFound) };
        if socket.is_closing {
            return Ok(());
        }
        show(Sight::Frame(socket.name.clone(), Frame { kind, bytes }), cx);
        Ok(())
    }

    /// A socket is closed by its process, which gets a notice itself. One that is not there is closed already.
    fn close(&mut self, channel: u32, app: ProcessRef, cx: &mut ModuleContext<'_>) -> Result<(), HttpServerError> {
        let Some(socket) = self.sockets.get_mut(&channel) else { return Ok(()) };
        if socket.app != app {
            return Err(HttpServerError::WsChannelNotFound);
        }
        if !std::mem::replace(&mut socket.is_closing, true) {
            show(Sight::Frame(socket.name.clone(), Frame::empty(FrameKind::Close)), cx);
            self.count += 1;
            self.closing.insert(self.count, channel);
            cx.wake_after(ROUND_TRIP, self.count);
        }
        Ok(())
    }

    /// The browser's own `Close` comes, a round trip after its process has closed a socket; then the socket is gone.
    fn browser_closes(&mut self, channel: u32, cx: &mut ModuleContext<'_>) {
        let Some(socket) = self.sockets.get(&channel) else { return };
        let told = Told::WebSocketPush { channel_id: channel, message_type: FrameKind::Close };
        tell(socket.app, &told, Some(Blob { mime: None, bytes: vec![].into() }), cx);
        self.leave(channel, cx);
    }

    // ---- for visitors -----------------------------------------------------------------------------------------

    fn on_http(&mut self, request: &HttpRequest, cx: &mut ModuleContext<'_>) {
        let (path, query) = split(&request.path);
        if path == RPC {
            cx.unmodelled = Some(format!("{} {RPC}", request.method));
            return show_response(request, 501, vec![], vec![], cx);
        }
        // What is bound at a process's root gets all below it that is not bound itself.
        let root = path.trim_start_matches('/').split('/').next().unwrap_or_default();
        let found = self.paths.find(&path).or_else(|| self.paths.find(root));
        let Some((Some(bound), url_params)) = found else {
            return show_response(request, 404, vec![], vec![], cx);
        };
        if let Err((status, headers, body)) = bound.lets_in(request, &path) {
            return show_response(request, status, headers, body.into(), cx);
        }
        if let (Some(page), "GET") = (&bound.page, request.method.as_str()) {
            let mime = page.mime.as_deref().unwrap_or("text/plain");
            let headers = vec![("Content-Type".to_string(), mime.to_string())];
            return show_response(request, 200, headers, page.bytes.to_vec(), cx);
        }
        let told = Told::Http {
            source_socket_addr: Some(if request.local { "127.0.0.1:50000" } else { "203.0.113.7:50000" }.to_string()),
            method: request.method.clone(),
            url: format!("http://{}{path}", request.host),
            bound_path: bound.path.clone(),
            headers: headers(request, cx.names.node_text(cx.module.node)),
            url_params,
            query_params: query,
        };
        self.count += 1;
        let target = Address { node: cx.module.node, process: bound.app };
        let expects_response = Some(PATIENCE);
        cx.send(Outgoing {
            target,
            request: Request { expects_response, body: told.to_body().into(), ..Request::default() },
            context: Some(Bytes::from(self.count.to_le_bytes().as_slice())),
            blob: Some(Blob { mime: None, bytes: request.body.clone().into() }),
        });
        self.asked.insert(self.count, Rc::new(request.clone()));
        cx.wake_after(Duration::from_secs(PATIENCE), self.count);
    }

    fn on_open(&mut self, name: &str, request: &HttpRequest, cx: &mut ModuleContext<'_>) {
        let (path, _) = split(&request.path);
        let found = self.socket_paths.find(&path).and_then(|(bound, _)| bound.as_ref());
        let Some(bound) = found.filter(|bound| bound.lets_in(request, &path).is_ok()) else {
            return show(Sight::Refused(name.to_string(), 404), cx);
        };
        self.count += 1;
        let channel = channel(cx.module, self.count, cx.now);
        let id = cx.names.process_text(bound.app);
        let rest = path.trim_start_matches('/').strip_prefix(id).unwrap_or_default().trim_start_matches('/');
        let told = Told::WebSocketOpen { path: format!("/{rest}"), channel_id: channel };
        let (app, extension) = (bound.app, bound.extension);
        // A visitor who opens a socket under a name that is in use has let go of the other.
        let other = self.sockets.iter().find(|(_, socket)| socket.name == name).map(|(channel, _)| *channel);
        if let Some(other) = other {
            self.leave(other, cx);
        }
        self.sockets.insert(channel, Socket { name: name.to_string(), app, extension, is_closing: false });
        show(Sight::Opened(name.to_string()), cx);
        tell(app, &told, None, cx);
    }

    fn on_frame(&mut self, name: &str, frame: &Frame, cx: &mut ModuleContext<'_>) {
        let found = self.sockets.iter().find(|(_, socket)| socket.name == name);
        let Some((channel, Socket { app, extension, is_closing, .. })) = found else {
            return show(Sight::NobodyThere, cx);
        };
        // After its `Close` a browser sends nothing more.
        if *is_closing {
            return;
        }
        if *extension {
            cx.unmodelled = Some(format!("a frame from an extension: {frame}"));
            return;
        }
        let (channel, app) = (*channel, *app);
        let told = Told::WebSocketPush { channel_id: channel, message_type: frame.kind };
        tell(app, &told, Some(Blob { mime: None, bytes: frame.bytes.clone().into() }), cx);
        if frame.kind == FrameKind::Close {
            self.leave(channel, cx);
        }
    }

    /// A socket is gone, and its process gets a notice.
    fn leave(&mut self, channel: u32, cx: &mut ModuleContext<'_>) {
        let socket = self.sockets.remove(&channel).expect("a socket that is left was open");
        tell(socket.app, &Told::WebSocketClose(channel), None, cx);
    }
}

impl Bound {
    /// Whether a visitor may come in; if not, what they get.
    fn lets_in(&self, request: &HttpRequest, path: &str) -> Result<(), Refusal> {
        if let Some(subdomain) = &self.subdomain {
            let first = request.host.split('.').next().unwrap_or_default();
            if first.is_empty() {
                return Err((401, vec![], "attempted to access secure subdomain without host"));
            }
            if first != subdomain {
                let location = format!("http://{subdomain}.{}{path}", request.host);
                return Err((307, vec![("Location".to_string(), location)], ""));
            }
        }
        match (self.authenticated && !request.logged_in, self.local_only && !request.local) {
            (true, _) => Err((200, vec![], "the login page")),
            (false, true) => Err((403, vec![], "")),
            (false, false) => Ok(()),
        }
    }
}

/// How many bytes a path takes, and what is bound there.
fn takes(path: &str, bound: Option<&Bound>) -> usize {
    let page = bound.and_then(|bound| bound.page.as_ref());
    let page = page.map_or(0, |page| page.bytes.len() + page.mime.as_ref().map_or(0, |mime| mime.len()));
    PATH_BYTES + 2 * path.len() + page
}

fn show(sight: Sight, cx: &mut ModuleContext<'_>) {
    cx.facts.push(What::Shown(Rc::new(sight)));
}

fn show_response(
    request: &HttpRequest,
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    cx: &mut ModuleContext<'_>,
) {
    show(Sight::Http(request.method.clone(), request.path.clone(), status, headers, body), cx);
}

fn tell(app: ProcessRef, told: &Told, blob: Option<Blob>, cx: &mut ModuleContext<'_>) {
    cx.tell_with(Address { node: cx.module.node, process: app }, told.to_body(), blob);
}

/// A path without the slash at its end, and the query behind it.
fn split(path: &str) -> (String, BTreeMap<String, String>) {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let path = path.strip_suffix('/').filter(|rest| !rest.is_empty()).unwrap_or(path);
    (path.to_string(), form_urlencoded::parse(query.as_bytes()).into_owned().collect())
}

/// A process's path as visitors know it: only the homepage has paths of its own.
fn below(names: &Names, app: ProcessRef, path: &str) -> String {
    let path = path.strip_suffix('/').unwrap_or(path);
    match names.process_text(app) {
        "homepage:homepage:sys" => path.to_string(),
        id if path.is_empty() || path.starts_with('/') => format!("/{id}{path}"),
        id => format!("/{id}/{path}"),
    }
}

/// The host of what a process binds securely.
fn subdomain(names: &Names, app: ProcessRef) -> String {
    let id = names.process_id(app);
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    format!("{}-{}", id.package, id.publisher).chars().map(plain).collect()
}

/// The headers as a process gets them: names in lower case, of two alike the last.
fn headers(request: &HttpRequest, node: &str) -> BTreeMap<String, String> {
    let cookie = request.logged_in.then(|| ("cookie".to_string(), format!("kinode-auth_{node}=valid")));
    let own = request.headers.iter().map(|(name, value)| (name.to_lowercase(), value.clone()));
    [("host".to_string(), request.host.clone())].into_iter().chain(cookie).chain(own).collect()
}

/// A channel's number, random there and a digest here: none comes back, in this boot or another.
fn channel(module: Address, count: u64, now: Instant) -> u32 {
    let mut bytes = module.node.0.to_le_bytes().to_vec();
    bytes.extend(count.to_le_bytes());
    bytes.extend(now.0.to_le_bytes());
    xxh3_64(&bytes) as u32
}
