//! Messages: requests, responses, and what travels with them.

use crate::address::Address;
use crate::bytes::Bytes;
use crate::capability::Capability;
use std::rc::Rc;

/// A request's number, unique on its node over all lives and boots (rule [E10](crate::Rule::E10)). A response carries its request's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub u64);

/// The index of the trace event that made something happen. The kernel only hands it on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cause(pub u64);

/// A lazy-load blob: bytes beside the body, of any size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    /// A MIME type, if the sender gave one.
    pub mime: Option<Rc<str>>,
    /// The content.
    pub bytes: Bytes,
}

/// What a sender says in a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// Take the prompting message's id, rsvp and blob (rule [M3](crate::Rule::M3)).
    pub inherit: bool,
    /// Seconds to wait for a response; `None`: none is expected.
    pub expects_response: Option<u64>,
    /// The content.
    pub body: Bytes,
    /// A short text beside it.
    pub metadata: Option<Rc<str>>,
    /// Capabilities handed along, cut to those the sender holds or issues (rule [C3](crate::Rule::C3)).
    pub capabilities: Vec<Capability>,
}

/// What a sender says in a response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// Take the last blob received (rule [M3](crate::Rule::M3)).
    pub inherit: bool,
    /// The content.
    pub body: Bytes,
    /// A short text beside it.
    pub metadata: Option<Rc<str>>,
    /// Capabilities handed along, cut to those the sender holds or issues (rule [C3](crate::Rule::C3)).
    pub capabilities: Vec<Capability>,
}

/// One of the two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A request.
    Request(Request),
    /// The answer to the request of the same id.
    Response(Response),
}

/// A message on its way, as the kernel sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its number.
    pub id: MessageId,
    /// Who sent it.
    pub source: Address,
    /// Who is to get it.
    pub target: Address,
    /// Who is to get the response; the source, if nobody is named.
    pub rsvp: Option<Address>,
    /// What it says.
    pub content: Content,
    /// What it carries.
    pub blob: Option<Blob>,
    /// The trace event that made it.
    pub cause: Cause,
}

impl Message {
    /// The body, whichever kind it is.
    pub fn body(&self) -> &Bytes {
        match &self.content {
            Content::Request(request) => &request.body,
            Content::Response(response) => &response.body,
        }
    }

    /// The capabilities that came with it.
    pub fn capabilities(&self) -> &[Capability] {
        match &self.content {
            Content::Request(request) => &request.capabilities,
            Content::Response(response) => &response.capabilities,
        }
    }

    /// Seconds after which the sender stops waiting; `None` for what expects nothing.
    pub fn expects_response(&self) -> Option<u64> {
        match &self.content {
            Content::Request(request) => request.expects_response,
            Content::Response(_) => None,
        }
    }

    /// About how many bytes of memory it takes.
    pub fn bytes(&self) -> usize {
        size_of::<Message>() + self.body().len() + self.blob.as_ref().map_or(0, |blob| blob.bytes.len())
    }

    /// Whether this is a request.
    pub fn is_request(&self) -> bool {
        matches!(self.content, Content::Request(_))
    }

    /// Where a response to it goes.
    pub fn reply_to(&self) -> Address {
        self.rsvp.unwrap_or(self.source)
    }

    /// Takes out the capabilities that `lapsed` says are no more (rule [E12](crate::Rule::E12)).
    pub fn strip_capabilities(&mut self, lapsed: impl Fn(&Capability) -> bool) {
        let capabilities = match &mut self.content {
            Content::Request(request) => &mut request.capabilities,
            Content::Response(response) => &mut response.capabilities,
        };
        capabilities.retain(|capability| !lapsed(capability));
    }
}
