//! The network: what becomes of a message between two nodes.
//!
//! Each way from one node to another has its own faults. Messages on one way arrive in the order in which they left (M2).

use super::LATENCY;
use crate::plan::chooser::{Chooser, Stream};
use crate::plan::fault;
use crate::plan::site::SubjectRef;
use kernel_core::{Duration, Instant, Names, NodeId};

/// All ways between nodes, each made when it is first used.
#[derive(Clone)]
pub(super) struct Network {
    n_nodes: usize,
    /// The way from node `f` to node `t` is at `f * n_nodes + t`.
    links: Vec<Option<Box<Link>>>,
}

/// The way from one node to another.
#[derive(Clone)]
struct Link {
    latency: Stream<fault::Latency>,
    loss: Stream<fault::Loss>,
    link: Stream<fault::Link>,
    partition: Stream<fault::Partition>,
    cut_until: Instant,
    last_arrival: Instant,
}

/// What becomes of a message.
pub(super) enum Fate {
    Lost,
    Arrives(Instant),
}

impl Network {
    /// The network of so many nodes.
    pub fn new(n_nodes: usize) -> Network {
        Network { n_nodes, links: vec![None; n_nodes * n_nodes] }
    }

    fn link(&mut self, from: NodeId, to: NodeId, chooser: &Chooser) -> &mut Link {
        let of = SubjectRef::Link(from, to);
        self.links[from.0 as usize * self.n_nodes + to.0 as usize].get_or_insert_with(|| {
            Box::new(Link {
                latency: chooser.open(of),
                loss: chooser.open(of),
                link: chooser.open(of),
                partition: chooser.open(of),
                cut_until: Instant::default(),
                last_arrival: Instant::default(),
            })
        })
    }

    /// A message leaves now.
    pub fn fate(&mut self, from: NodeId, to: NodeId, now: Instant, chooser: &mut Chooser, names: &Names) -> Fate {
        let link = self.link(from, to, chooser);
        if let Some(span) = chooser.ask(&mut link.link, names, || ()) {
            link.cut_until = link.cut_until.max(now + span);
        }
        let both = chooser.ask(&mut link.partition, names, || ());
        let lost = chooser.ask(&mut link.loss, names, || ()).is_some();
        let latency = chooser.ask(&mut link.latency, names, || ()).unwrap_or(LATENCY);
        if let Some(span) = both {
            self.cut(from, to, now + span, chooser);
            self.cut(to, from, now + span, chooser);
        }
        let link = self.link(from, to, chooser);
        if lost || now < link.cut_until {
            return Fate::Lost;
        }
        // Never at the instant of the one before: there they might change places.
        link.last_arrival = (now + latency).max(link.last_arrival + Duration(1));
        Fate::Arrives(link.last_arrival)
    }

    /// Nothing gets from one node to another until then, at least.
    pub fn cut(&mut self, from: NodeId, to: NodeId, until: Instant, chooser: &Chooser) {
        let link = self.link(from, to, chooser);
        link.cut_until = link.cut_until.max(until);
    }

    /// Every way is open again.
    pub fn heal(&mut self) {
        self.links.iter_mut().flatten().for_each(|link| link.cut_until = Instant::default());
    }
}
