//! A scenario that must be found broken by about one seed in a hundred: what reports it as kept does not look.
//!
//! `cargo run --example canary -- explore --seeds 1000` must exit with 1. Nothing is wrong with the kernel: the rule that
//! is broken is made up, and the chooser decides whether it is.

use kernel_core::{Cause, Instant, MessageId, Names};
use scenarios::programs;
use sim::invariant::{Claim, Invariant, Past};
use sim::scenario::{Scenario, millis, on, secs, start, tell};
use sim::trace::event::{Event, Kind, What};

/// Two nodes, and a word every second from one to the other.
pub fn canary() -> Scenario {
    let (here, there) = (on("alice.os", "chat:demo:alice.os"), on("bob.os", "chat:demo:alice.os"));
    Scenario::new("canary", "Words between two nodes; by one seed in a hundred one of them takes a forbidden time.")
        .programs(programs())
        .node("bob.os")
        .lasting(secs(4), secs(10))
        .setup(start(here.runs("chat").restarting().networking()))
        .setup(start(there.runs("chat").restarting().networking()))
        .every(millis(500), 4, tell(&here, "say bob.os hello"))
        .holding(|| Box::new(Canary::default()))
}

/// No message takes as long as this on its way.
#[derive(Clone, Debug, Default)]
struct Canary {
    sent: Vec<(MessageId, Instant)>,
}

/// The forbidden times, in microseconds.
const FORBIDDEN: std::ops::Range<u64> = 42_000..43_200;

impl Invariant for Canary {
    fn claim(&self) -> Claim {
        Claim::own("canary", "no message takes a forbidden time")
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Sent, Kind::Arrived]
    }

    fn on_event(&mut self, _: Cause, event: &Event, _: &Past, _: &Names) -> Result<(), String> {
        match &event.what {
            What::Sent(message) if message.target.node != event.node => self.sent.push((message.id, event.at)),
            What::Arrived(message) => {
                let sent = self.sent.iter().find(|(id, _)| *id == message.id);
                let took = sent.map_or(0, |(_, at)| (event.at - *at).0 / 1_000);
                if FORBIDDEN.contains(&took) {
                    return Err(format!("a message was {took} us on its way"));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn main() -> std::process::ExitCode {
    sim::cli::main(vec![canary()])
}
