use super::snapshots::{Image, SnapshotError, Snapshots};
use super::types::{
    Applied, Entry, LogId, Membership, Snapshot, SnapshotMeta, StorageError, StorageIoError, TypeConfig,
};
use crate::state::{State, Store};
use openraft::storage::RaftStateMachine;
use openraft::{AnyError, EntryPayload, RaftSnapshotBuilder};
use std::io::Cursor;
use std::sync::Arc;

/// Applies committed entries to the store.
pub(super) struct StateMachine {
    store: Arc<Store>,
    snapshots: Arc<Snapshots>,
    /// The last entry applied, blank ones and changes of membership among them.
    applied: Option<LogId>,
    membership: Membership,
}

impl StateMachine {
    /// Starts from the newest intact snapshot, if there is one.
    ///
    /// # Errors
    /// Snapshots cannot be read, or the newest intact one is not of this version.
    pub(super) fn restore(store: Arc<Store>, snapshots: Arc<Snapshots>) -> Result<Self, SnapshotError> {
        let mut machine = Self { store, snapshots, applied: None, membership: Membership::default() };
        if let Some(image) = machine.snapshots.newest()? {
            machine.adopt(&image)?;
        }
        Ok(machine)
    }

    pub(super) fn applied(&self) -> Option<LogId> {
        self.applied
    }

    fn adopt(&mut self, image: &Image) -> Result<(), SnapshotError> {
        self.store.restore(&image.state).map_err(|source| SnapshotError::Decode { source })?;
        self.applied = image.meta.last_log_id;
        self.membership = image.meta.last_membership.clone();
        Ok(())
    }

    fn apply_entry(&mut self, entry: Entry) -> Applied {
        self.applied = Some(entry.log_id);
        match entry.payload {
            EntryPayload::Blank => Applied(Vec::new()),
            EntryPayload::Membership(membership) => {
                self.membership = Membership::new(Some(entry.log_id), membership);
                Applied(Vec::new())
            }
            EntryPayload::Normal(batch) => Applied(self.store.apply(entry.log_id.index, batch.0.to_vec())),
        }
    }

    fn meta(&self) -> SnapshotMeta {
        let snapshot_id = self.applied.map_or_else(|| "empty".to_owned(), |id| id.to_string());
        SnapshotMeta { last_log_id: self.applied, last_membership: self.membership.clone(), snapshot_id }
    }
}

impl RaftStateMachine<TypeConfig> for StateMachine {
    type SnapshotBuilder = SnapshotBuilder;

    async fn applied_state(&mut self) -> Result<(Option<LogId>, Membership), StorageError> {
        Ok((self.applied, self.membership.clone()))
    }

    async fn apply<I>(&mut self, entries: I) -> Result<Vec<Applied>, StorageError>
    where
        I: IntoIterator<Item = Entry> + Send,
        I::IntoIter: Send,
    {
        Ok(entries.into_iter().map(|entry| self.apply_entry(entry)).collect())
    }

    async fn get_snapshot_builder(&mut self) -> SnapshotBuilder {
        let (view, meta) = (self.store.state(), self.meta());
        SnapshotBuilder { view, meta, snapshots: self.snapshots.clone() }
    }

    async fn begin_receiving_snapshot(&mut self) -> Result<Box<Cursor<Vec<u8>>>, StorageError> {
        Ok(Box::default())
    }

    async fn install_snapshot(
        &mut self,
        meta: &SnapshotMeta,
        snapshot: Box<Cursor<Vec<u8>>>,
    ) -> Result<(), StorageError> {
        let image = Image { meta: meta.clone(), state: snapshot.into_inner().into() };
        // Decoded first, so that what this server cannot read never becomes its newest snapshot.
        self.adopt(&image).map_err(|e| write_error(meta, &e))?;
        tracing::info!(
            upto = self.applied.map(|id| id.index),
            "a snapshot of the leader replaces the state: this server had fallen behind its log"
        );
        save(&self.snapshots, image).await.map_err(|e| write_error(meta, &e))
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<Snapshot>, StorageError> {
        let newest = on_snapshots(&self.snapshots, Snapshots::newest).await;
        let newest = newest.map_err(|e| StorageIoError::read_snapshot(None, AnyError::new(&e)))?;
        Ok(newest.map(Image::into_snapshot))
    }
}

/// Makes a snapshot of a view that nobody changes any more, off the apply path.
pub(super) struct SnapshotBuilder {
    view: Arc<State>,
    meta: SnapshotMeta,
    snapshots: Arc<Snapshots>,
}

impl SnapshotBuilder {
    async fn build(&self) -> Result<Image, SnapshotError> {
        let (view, meta) = (self.view.clone(), self.meta.clone());
        let encode = move |_: &Snapshots| view.snapshot().map_err(|source| SnapshotError::Encode { source });
        let state = on_snapshots(&self.snapshots, encode).await?;
        let image = Image { meta, state: state.into() };
        save(&self.snapshots, image.clone()).await?;
        Ok(image)
    }
}

impl RaftSnapshotBuilder<TypeConfig> for SnapshotBuilder {
    async fn build_snapshot(&mut self) -> Result<Snapshot, StorageError> {
        let image = self.build().await.map_err(|e| write_error(&self.meta, &e))?;
        Ok(image.into_snapshot())
    }
}

async fn save(snapshots: &Arc<Snapshots>, image: Image) -> Result<(), SnapshotError> {
    on_snapshots(snapshots, move |snapshots| snapshots.save(image)).await
}

/// Runs where it keeps nobody else waiting: Raft has one thread, and heartbeats to send. A simulation, whose file system
/// does not block, has everything on its one thread.
async fn on_snapshots<T: Send + 'static>(
    snapshots: &Arc<Snapshots>,
    work: impl FnOnce(&Snapshots) -> Result<T, SnapshotError> + Send + 'static,
) -> Result<T, SnapshotError> {
    if !snapshots.block() {
        return work(snapshots);
    }
    let snapshots = snapshots.clone();
    let worked = tokio::task::spawn_blocking(move || work(&snapshots)).await;
    worked.map_err(|_| SnapshotError::Interrupted)?
}

fn write_error(meta: &SnapshotMeta, error: &SnapshotError) -> StorageError {
    StorageIoError::write_snapshot(Some(meta.signature()), AnyError::new(error)).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raft::files::simulated::SimulatedFileSystem;
    use crate::raft::files::{Directory, StdFileSystem};
    use std::thread;

    /// As in an agent, where Raft's runtime has one thread.
    #[tokio::test]
    async fn work_on_snapshots_does_not_keep_the_thread_of_raft() {
        let disk = tempfile::tempdir().unwrap();
        let on_disk = Directory::open(Arc::new(StdFileSystem), disk.path().into()).unwrap();
        let simulated = Directory::open(Arc::new(SimulatedFileSystem::at_once()), "/raft".into()).unwrap();
        for (what, snapshots, here) in [
            ("in memory", Snapshots::in_memory(), false),
            ("on disk", Snapshots::in_files(on_disk), false),
            ("simulated", Snapshots::in_files(simulated), true),
        ] {
            let worked = on_snapshots(&Arc::new(snapshots), |_| Ok(thread::current().id())).await.unwrap();
            assert_eq!(worked == thread::current().id(), here, "{what}");
        }
    }
}
