//! The process table: which processes a node has, found by number.

use crate::name::ProcessRef;
use crate::process::Process;

/// All processes of one node, guests and runtime modules.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ProcessTable(Vec<Option<Box<Process>>>);

impl ProcessTable {
    /// The process of this id, if there is one.
    pub fn get(&self, id: ProcessRef) -> Option<&Process> {
        self.0.get(id.0 as usize)?.as_deref()
    }

    /// The process of this id, to be changed.
    pub fn get_mut(&mut self, id: ProcessRef) -> Option<&mut Process> {
        self.0.get_mut(id.0 as usize)?.as_deref_mut()
    }

    /// Whether the id is taken.
    pub fn contains(&self, id: ProcessRef) -> bool {
        self.get(id).is_some()
    }

    /// Enters a process. Its id must be free.
    pub fn insert(&mut self, id: ProcessRef, process: Process) {
        let index = id.0 as usize;
        if self.0.len() <= index {
            self.0.resize_with(index + 1, || None);
        }
        let before = self.0[index].replace(Box::new(process));
        assert!(before.is_none(), "an id in the table is never initialized again");
    }

    /// Takes a process out.
    pub fn remove(&mut self, id: ProcessRef) -> Option<Process> {
        let process = self.0.get_mut(id.0 as usize)?.take();
        while let Some(None) = self.0.last() {
            self.0.pop();
        }
        process.map(|process| *process)
    }

    /// All of them, in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (ProcessRef, &Process)> {
        let numbered = self.0.iter().enumerate();
        numbered.filter_map(|(index, slot)| Some((ProcessRef(index as u32), slot.as_deref()?)))
    }

    /// All of them, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (ProcessRef, &mut Process)> {
        let numbered = self.0.iter_mut().enumerate();
        numbered.filter_map(|(index, slot)| Some((ProcessRef(index as u32), slot.as_deref_mut()?)))
    }
}
