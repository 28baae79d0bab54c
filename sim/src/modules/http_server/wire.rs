//! What the HTTP server reads and says: JSON, as the types of `lib/src/http/server_types.rs` of both runtimes.

use crate::outside::visit::FrameKind;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What can be asked for.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[allow(missing_docs)] // Named as in the runtime.
pub enum Action {
    Bind {
        path: String,
        authenticated: bool,
        local_only: bool,
        cache: bool,
    },
    SecureBind {
        path: String,
        cache: bool,
    },
    Unbind {
        path: String,
    },
    WebSocketBind {
        path: String,
        authenticated: bool,
        extension: bool,
    },
    WebSocketSecureBind {
        path: String,
        extension: bool,
    },
    WebSocketUnbind {
        path: String,
    },
    WebSocketPush {
        channel_id: u32,
        message_type: FrameKind,
    },
    /// Not modelled.
    WebSocketExtPushOutgoing {
        channel_id: u32,
        message_type: FrameKind,
        desired_reply_type: ReplyType,
    },
    WebSocketClose(u32),
}

/// What an extension is to answer with.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[allow(missing_docs)]
pub enum ReplyType {
    Request,
    Response,
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs)] // Named as in the runtime.
pub enum HttpServerError {
    MalformedRequest,
    NoBlob,
    WsPingPongTooLong,
    WsChannelNotFound,
}

/// A message to the process.
#[derive(Debug, Serialize)]
#[allow(missing_docs)] // Named as in the runtime.
pub enum Told {
    Http {
        source_socket_addr: Option<String>,
        method: String,
        url: String,
        bound_path: String,
        headers: BTreeMap<String, String>,
        url_params: BTreeMap<String, String>,
        query_params: BTreeMap<String, String>,
    },
    WebSocketOpen {
        path: String,
        channel_id: u32,
    },
    WebSocketPush {
        channel_id: u32,
        message_type: FrameKind,
    },
    WebSocketClose(u32),
}

/// What a process answers to `Http`; the body is its blob.
#[derive(Debug, Deserialize)]
pub struct HttpResponse {
    /// 200.
    pub status: u16,
    /// By name.
    pub headers: BTreeMap<String, String>,
}

impl Told {
    /// As a message body.
    pub fn to_body(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("it has only string keys")
    }
}
