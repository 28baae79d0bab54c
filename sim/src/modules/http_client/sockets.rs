//! WebSockets from a node to servers on the web, one channel each.
//!
//! A process calls a channel by a number of its own. What a server sends comes [`LATENCY`] later, as a request that
//! expects nothing, to whom the answer to the opening went: `WebSocketPush`, with a blob for text and bytes and none for
//! a ping or a pong, or `WebSocketClose`. A ping is answered with a pong by the server itself, both empty.
//!
//! As in the public runtime, a process that closes a channel gets a notice once the server has closed its side. One
//! that opens a number that is in use closes the other socket: when the server closes that, the number is forgotten,
//! whoever has it by then. What differs: the messages have ids of their own and not that of the opening request, which
//! no guest can see; a server hears what is pushed at once.

use super::{HttpClientError, LATENCY};
use crate::modules::ModuleContext;
use crate::outside::visit::{Frame, FrameKind, Sight};
use crate::outside::web::SocketServer;
use crate::trace::event::What;
use kernel_core::{Address, Blob, Duration, ProcessRef};
use serde::Serialize;
use std::collections::BTreeMap;
use std::rc::Rc;

/// How long after a process said something an answer of the server comes.
const ROUND_TRIP: Duration = Duration(2 * LATENCY.0);

/// All sockets that the node has open.
#[derive(Clone, Default)]
pub struct Sockets {
    /// Whose number is which socket's.
    channels: BTreeMap<(ProcessRef, u32), u64>,
    /// Sockets that the server has not closed, by a number that none has twice.
    open: BTreeMap<u64, Socket>,
    /// What is on its way, by the number of the wake: a socket, and what comes over it.
    coming: BTreeMap<u64, (u64, Coming)>,
    /// How many sockets and wakes there were.
    count: u64,
}

#[derive(Clone)]
struct Socket {
    url: String,
    /// Which server it is: its place among the scenario's.
    server: usize,
    /// The process that gets what comes.
    app: Address,
    channel: u32,
}

#[derive(Clone)]
enum Coming {
    Frame(Frame),
    /// What the server sends by itself; and again, so much later.
    Feed(Duration, Frame),
}

/// A message to the process.
#[derive(Serialize)]
enum Told {
    WebSocketPush { channel_id: u32, message_type: FrameKind },
    WebSocketClose { channel_id: u32 },
}

impl Sockets {
    /// A process opens a socket.
    pub(super) fn open(
        &mut self,
        url: String,
        app: Address,
        channel: u32,
        cx: &mut ModuleContext<'_>,
    ) -> Result<(), HttpClientError> {
        let is_socket = ["ws://", "wss://"].iter().any(|scheme| url.starts_with(scheme));
        let server = cx.outside.socket_servers.iter().position(|server| is_socket && server.is_at(&url));
        let Some(server) = server else { return Err(HttpClientError::WsOpenFailed { url }) };
        let other = self.channels.get(&(app.process, channel)).copied();
        if let Some(other) = other {
            self.hang_up(other, cx);
        }
        self.count += 1;
        let socket = self.count;
        self.channels.insert((app.process, channel), socket);
        self.open.insert(socket, Socket { url, server, app, channel });
        let SocketServer { greets, feed, .. } = cx.outside.socket_servers[server].clone();
        for frame in greets {
            self.comes(socket, ROUND_TRIP, Coming::Frame(frame), cx);
        }
        if let Some((apart, frame)) = feed {
            self.comes(socket, Duration(LATENCY.0 + apart.0), Coming::Feed(apart, frame), cx);
        }
        Ok(())
    }

    /// A process sends a frame.
    pub(super) fn push(
        &mut self,
        app: Address,
        channel_id: u32,
        kind: FrameKind,
        blob: &Option<Blob>,
        cx: &mut ModuleContext<'_>,
    ) -> Result<(), HttpClientError> {
        let socket = self.channels.get(&(app.process, channel_id)).copied();
        let socket = socket.ok_or(HttpClientError::WsPushUnknownChannel { channel_id })?;
        let bytes = || blob.as_ref().map(|blob| blob.bytes.to_vec()).ok_or(HttpClientError::WsPushNoBlob);
        let frame = match kind {
            FrameKind::Text => {
                let text = String::from_utf8(bytes()?).map_err(|_| HttpClientError::WsPushBadText)?;
                Frame::text(&text)
            }
            FrameKind::Binary => Frame { kind, bytes: bytes()? },
            FrameKind::Ping | FrameKind::Pong => Frame::empty(kind),
            FrameKind::Close => {
                self.hang_up(socket, cx);
                return Ok(());
            }
        };
        let Some(Socket { url, server, .. }) = self.open.get(&socket) else { return Ok(()) };
        cx.facts.push(What::Shown(Rc::new(Sight::Served(url.clone(), frame.clone()))));
        let answers = match kind {
            FrameKind::Ping => vec![Frame::empty(FrameKind::Pong)],
            FrameKind::Pong => vec![],
            _ => cx.outside.socket_servers[*server].answer(&frame).to_vec(),
        };
        for answer in answers {
            self.comes(socket, ROUND_TRIP, Coming::Frame(answer), cx);
        }
        Ok(())
    }

    /// A process closes a channel: its number is free at once.
    pub(super) fn close(
        &mut self,
        app: Address,
        channel_id: u32,
        cx: &mut ModuleContext<'_>,
    ) -> Result<(), HttpClientError> {
        let socket = self.channels.remove(&(app.process, channel_id));
        self.hang_up(socket.ok_or(HttpClientError::WsCloseFailed { channel_id })?, cx);
        Ok(())
    }

    /// A frame to close goes to the server, which closes its side.
    fn hang_up(&mut self, socket: u64, cx: &mut ModuleContext<'_>) {
        if let Some(Socket { url, .. }) = self.open.get(&socket) {
            let close = Frame::empty(FrameKind::Close);
            cx.facts.push(What::Shown(Rc::new(Sight::Served(url.clone(), close.clone()))));
            self.comes(socket, ROUND_TRIP, Coming::Frame(close), cx);
        }
    }

    fn comes(&mut self, socket: u64, after: Duration, what: Coming, cx: &mut ModuleContext<'_>) {
        self.count += 1;
        self.coming.insert(self.count, (socket, what));
        cx.wake_after(after, self.count);
    }

    /// Something has come.
    pub(super) fn on_wake(&mut self, number: u64, cx: &mut ModuleContext<'_>) {
        let (socket, what) = self.coming.remove(&number).expect("a wake is for what was on its way");
        let Some(Socket { app, channel, .. }) = self.open.get(&socket) else { return };
        let (app, channel) = (*app, *channel);
        let frame = match what {
            Coming::Frame(frame) => frame,
            Coming::Feed(apart, frame) => {
                self.comes(socket, apart, Coming::Feed(apart, frame.clone()), cx);
                frame
            }
        };
        if frame.kind == FrameKind::Close {
            self.open.remove(&socket);
            self.channels.remove(&(app.process, channel));
            return tell(app, &Told::WebSocketClose { channel_id: channel }, None, cx);
        }
        // What still comes over a socket that its process has closed is not told.
        if self.channels.contains_key(&(app.process, channel)) {
            let mime = match frame.kind {
                FrameKind::Text => Some("text/plain"),
                FrameKind::Binary => Some("application/octet-stream"),
                FrameKind::Ping | FrameKind::Pong | FrameKind::Close => None,
            };
            let blob = mime.map(|mime| Blob { mime: Some(mime.into()), bytes: frame.bytes.into() });
            tell(app, &Told::WebSocketPush { channel_id: channel, message_type: frame.kind }, blob, cx);
        }
    }
}

fn tell(app: Address, told: &Told, blob: Option<Blob>, cx: &mut ModuleContext<'_>) {
    let body = serde_json::to_vec(told).expect("it is JSON");
    cx.tell_with(app, body, blob);
}
