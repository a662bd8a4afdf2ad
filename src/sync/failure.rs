//! What a failed batch means for its connection.

use crate::directory::ConnectionId;
use crate::provisioning::{Trouble, trouble};
use crate::queue::LeasedBatch;
use crate::store::StoreError;

use super::Worker;

impl Worker {
    /// The connection works: whatever was recorded against it is over.
    pub(super) async fn succeeded(&self, connection: &ConnectionId) -> Result<(), StoreError> {
        trouble::clear(&self.db, connection, self.clock.now()).await
    }

    /// Leaves the batch due, and the connection waiting: the failure concerns more than the objects of one batch.
    pub(super) async fn failed(
        &self,
        connection: &ConnectionId,
        batch: &LeasedBatch,
        trouble: &Trouble,
    ) -> Result<(), StoreError> {
        let until = trouble::record(&self.db, connection, trouble, self.clock.now()).await?;
        tracing::warn!(
            connection.id = %connection, lane = batch.lane.as_str(), items.count = batch.items.len(),
            "A batch failed, trying again at {until}: {trouble}"
        );
        Ok(())
    }
}
