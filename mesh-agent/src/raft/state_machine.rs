use super::snapshots::{Image, SnapshotError, Snapshots};
use super::types::{
    Applied, Entry, LogId, Membership, Snapshot, SnapshotMeta, StorageError, StorageIoError, TypeConfig,
};
use crate::state::{State, Store};
use openraft::storage::RaftStateMachine;
use openraft::{AnyError, EntryPayload, RaftSnapshotBuilder};
use std::io::Cursor;
use std::sync::Arc;
use tokio::runtime::{Handle, RuntimeFlavor};

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
        save(self.snapshots.clone(), image).await.map_err(|e| write_error(meta, &e))
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<Snapshot>, StorageError> {
        let snapshots = self.snapshots.clone();
        let newest = blocking(move || snapshots.newest()).await;
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
        let encode = move || view.snapshot().map_err(|source| SnapshotError::Encode { source });
        let state = blocking(encode).await?;
        let image = Image { meta, state: state.into() };
        save(self.snapshots.clone(), image.clone()).await?;
        Ok(image)
    }
}

impl RaftSnapshotBuilder<TypeConfig> for SnapshotBuilder {
    async fn build_snapshot(&mut self) -> Result<Snapshot, StorageError> {
        let image = self.build().await.map_err(|e| write_error(&self.meta, &e))?;
        Ok(image.into_snapshot())
    }
}

async fn save(snapshots: Arc<Snapshots>, image: Image) -> Result<(), SnapshotError> {
    blocking(move || snapshots.save(image)).await
}

/// Runs where waiting for a disk keeps nobody else waiting, if there is such a place: a test on one thread has none.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SnapshotError> + Send + 'static,
) -> Result<T, SnapshotError> {
    if Handle::current().runtime_flavor() == RuntimeFlavor::CurrentThread {
        return work();
    }
    tokio::task::spawn_blocking(work).await.map_err(|_| SnapshotError::Interrupted)?
}

fn write_error(meta: &SnapshotMeta, error: &SnapshotError) -> StorageError {
    StorageIoError::write_snapshot(Some(meta.signature()), AnyError::new(error)).into()
}
