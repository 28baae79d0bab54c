//! A process of userspace that a scenario has no code for, and what it answers: contacts, say.
//!
//! Ours. It is no part of the runtime; it takes the place of one, so that a process that needs the other can be played.
//! Of several answers to a request the first that fits counts. A request that none fits is not modelled, and said so, if
//! it expects a response; one that does not is taken.

use super::{Module, ModuleContext, Support};
use crate::outside::web::is_like;
use kernel_core::{Blob, Bytes, Message};
use std::rc::Rc;
use std::sync::Arc;

/// What is answered in its place.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stub {
    answers: Vec<Answer>,
}

#[derive(Clone, Debug, PartialEq)]
struct Answer {
    /// The request's body; each `*` stands for any text.
    to: String,
    /// What is answered, and what the answer carries; nothing: the request is taken without an answer.
    says: Option<Says>,
}

/// A body, and what goes along with it.
type Says = (Arc<[u8]>, Option<Arc<[u8]>>);

impl Stub {
    /// How many requests it knows.
    #[cfg(feature = "check")]
    pub(crate) fn n_answers(&self) -> usize {
        self.answers.len()
    }

    /// A request that is like this is answered with this body.
    pub fn answering(self, to: &str, body: &[u8]) -> Stub {
        self.with(to, Some((body.into(), None)))
    }

    /// The same, and the answer carries this.
    pub fn handing_over(self, to: &str, body: &[u8], blob: &[u8]) -> Stub {
        self.with(to, Some((body.into(), Some(blob.into()))))
    }

    /// A request that is like this is taken, and nobody answers.
    pub fn taking(self, to: &str) -> Stub {
        self.with(to, None)
    }

    fn with(mut self, to: &str, says: Option<Says>) -> Stub {
        self.answers.push(Answer { to: to.to_string(), says });
        self
    }
}

impl Module for Stub {
    fn uses_disk(&self) -> bool {
        false
    }

    fn on_message(&mut self, message: &Rc<Message>, cx: &mut ModuleContext<'_>) {
        let asked = String::from_utf8_lossy(message.body()).into_owned();
        let Some(answer) = self.answers.iter().find(|answer| is_like(&asked, &answer.to)) else {
            if message.expects_response().is_some() {
                cx.refuse(message);
            }
            return;
        };
        if let Some((body, blob)) = &answer.says {
            let blob = blob.as_ref().map(|bytes| Blob { mime: None, bytes: Bytes::from(&bytes[..]) });
            cx.respond(message, &body[..], blob);
        }
    }

    fn fork(&self) -> Option<Box<dyn Module>> {
        Some(Box::new(self.clone()))
    }

    fn actions(&self) -> &'static [(&'static str, Support)] {
        &[]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modules::Heard;
    use crate::modules::harness::Harness;
    use kernel_core::ProcessRef;

    #[test]
    fn the_first_answer_that_fits_is_given_and_what_none_fits_is_not_modelled() {
        let contacts =
            Stub::default().answering("\"GetNames\"", b"[]").handing_over("{\"Get*", b"ok", b"Ann").taking("*x");
        let mut harness = Harness::new(ProcessRef::TIMER, contacts);
        let mut ask = |body: &str| {
            let message = harness.request(body, None);
            harness.tell(Heard::Message(Rc::new(message)));
            let reply = harness.replies.pop().map(|(_, reply)| (reply.response.body.to_vec(), reply.blob));
            (reply.map(|(body, blob)| (body, blob.map(|blob| blob.bytes.to_vec()))), harness.unmodelled.take())
        };
        assert_eq!(ask("\"GetNames\""), (Some((b"[]".to_vec(), None)), None));
        assert_eq!(ask("{\"GetContact\": 1}"), (Some((b"ok".to_vec(), Some(b"Ann".to_vec()))), None));
        assert_eq!(ask("anything x"), (None, None));
        assert_eq!(ask("\"Remove\""), (None, Some("\"Remove\"".to_string())));
        let told = harness.telling("\"Remove\"", None);
        harness.tell(Heard::Message(Rc::new(told)));
        assert_eq!((harness.replies.len(), harness.unmodelled.take()), (0, None), "nobody waits");
    }
}
