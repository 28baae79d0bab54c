//! What happens to a disk outside of the node's own work: scheduled backups, a swap for an older one, rot (P5).

use super::{Phase, Task, World};
use crate::disk::planted::Planted;
use crate::disk::{Disk, Files, Op, Path};
use crate::disk::{state, table};
use crate::plan::Down;
use crate::plan::detail::{NthLatest, Rotten};
use crate::trace::encode::is_code;
use crate::trace::event::What;
use crate::world::node::Backup;
use kernel_core::Duration;
use std::rc::Rc;

impl World<'_> {
    /// The first backup of every node that has any is of what the setup left.
    pub(super) fn begin_backups(&mut self) {
        for (name, apart) in &self.scenario.backups {
            let node = self.node_index(name).expect("the script was checked");
            self.back_up(node, *apart);
        }
    }

    /// P5: all that is on a node's disk is backed up, as it is at this instant: between two of its jobs, so that nothing
    /// that was answered is missing and nothing is there by half. A node that is down is passed over.
    pub(super) fn back_up(&mut self, node: usize, apart: Duration) {
        if self.phase != Phase::Storm {
            return;
        }
        let at = self.now + apart;
        self.queue.push(at, u32::MAX, Task::Backup(node, apart));
        if self.nodes[node].up.is_none() {
            return;
        }
        // What is on the disk and was refused all the same belongs to the cut, and is said before it.
        self.nodes[node].disk.apply(&state::settle()).expect("a formatted disk has saved state");
        self.record_what_the_disk_has(node);
        let Self { nodes, options, .. } = self;
        let value = &mut nodes[node];
        let files = match (options.planted, value.backups.last()) {
            (Some(Planted::BackupInParts), Some(before)) => in_parts(&value.disk, &before.files),
            (_, _) => value.disk.snapshot(),
        };
        value.backups.push(Backup { files, known: value.known.clone() });
        let nth = value.backups.len() as u32;
        self.spend_on_copies(node);
        self.record(node, None, What::BackedUp(nth));
    }

    /// The owner swaps the disk of a node for one with its latest backup on it.
    pub(super) fn restore(&mut self, node: usize) {
        self.nodes[node].to_restore = true;
        if self.nodes[node].up.is_some() {
            self.go_down(node, None, Down::Shutdown, None);
        }
    }

    /// Before a node boots: what has happened to its disk while it was down.
    pub(super) fn changes_at_rest(&mut self, node: usize) {
        let value = &mut self.nodes[node];
        let n_backups = value.backups.len() as u32;
        let nth_latest = match self.chooser.ask(&mut value.streams.restore, &self.names, || n_backups) {
            Some(NthLatest(nth)) => Some(nth.min(n_backups)).filter(|nth| *nth > 0),
            None => (value.to_restore && n_backups > 0).then_some(1),
        };
        value.to_restore = false;
        if let Some(nth_latest) = nth_latest {
            let nth = n_backups + 1 - nth_latest;
            let Backup { files, known } = &value.backups[nth as usize - 1];
            value.disk.restore(files);
            value.known = known.clone();
            self.spend_on_copies(node);
            self.record(node, None, What::Restored(nth));
        }
        self.rots(node);
    }

    fn rots(&mut self, node: usize) {
        let value = &mut self.nodes[node];
        let files = value.disk.files();
        let rotten = self.chooser.ask(&mut value.streams.rot, &self.names, || {
            let with_len = |path: &Path| Some((path.clone(), files.len(path).ok().filter(|len| *len > 0)?));
            files.all().filter_map(with_len).collect()
        });
        // A boot that went down during its repairs goes on with them before more rots.
        if let Some(Rotten { path, byte }) = rotten.filter(|_| table::is_whole(&value.disk)) {
            let path: Path = path.into();
            self.flavored |= value.disk.files().read(&path).is_ok_and(|content| is_code(content));
            match self.options.planted {
                Some(Planted::NoChecksums) => value.disk.flip(&path, byte),
                _ => value.disk.rot(&path, byte),
            }
            self.record(node, None, What::Rotted(path, byte));
        }
    }
}

/// Planted: the table as it is now, and all else as it was at the backup before.
fn in_parts(disk: &Disk, before: &Rc<Files>) -> Rc<Files> {
    let mut parts = disk.clone();
    parts.restore(before);
    for path in table::COPIES {
        let now = disk.files().read(path).expect("a node that is up has a table");
        // In the files that are there: the disk itself does not count new ones, and a number must not be given twice.
        let overwrite = [Op::Create(path.into()), Op::Write(path.into(), 0, (&**now).into())];
        overwrite.iter().for_each(|op| parts.apply(op).expect("there was a table before"));
    }
    parts.snapshot()
}
