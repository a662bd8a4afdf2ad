//! A batch of groups: each read whole and taken into the mirror by itself.

use crate::directory::account::Observation;
use crate::directory::source::{Absence, Observed};
use crate::provisioning::groups::{self, SeenGroup, TakeIn};
use crate::provisioning::{Session, Trouble};
use crate::queue::{self, Hint, LeasedBatch, WorkItem};
use crate::store::{StoreError, mirror};

use super::Worker;

impl Worker {
    /// Reads the groups of a batch that matter and takes them in.
    pub(super) async fn groups(&self, session: &Session, batch: &LeasedBatch) -> Result<(), Trouble> {
        let id = session.connection().clone();
        let mirrored = self.db.read(move |db| mirror::groups(db, &id)).await?;
        for item in &batch.items {
            match mirrored.get(&item.object) {
                Some(group) => self.group(session, batch, item, group.listed).await?,
                None => self.settle_group(batch, item, &[]).await?,
            }
        }
        Ok(())
    }

    async fn group(
        &self,
        session: &Session,
        batch: &LeasedBatch,
        item: &WorkItem,
        listed: Observation,
    ) -> Result<(), Trouble> {
        let observation = self.observation(session).await?;
        let observed = groups::read(&session.graph, item.object).await?;
        if self.is_conclusive(&observed, item, listed) {
            let seen = SeenGroup { id: item.object, observation, observed };
            let how = TakeIn::Alone { found_by: item.found_by, received_at: item.received_at };
            groups::take_in(&self.db, session, seen, how, self.clock.now()).await?;
        }
        Ok(self.settle_group(batch, item, &self.rechecks).await?)
    }

    /// A group that is not found may not be replicated yet; a missing group is believed only when something confirms
    /// it, or when no look remains.
    fn is_conclusive<T>(&self, observed: &Observed<T>, item: &WorkItem, listed: Observation) -> bool {
        match observed {
            Observed::Present(_) | Observed::Absent(Absence::SoftDeleted) => true,
            Observed::Absent(Absence::NotFound) => {
                let last_look = item.look_count as usize >= self.rechecks.len();
                listed > Observation(0) && (item.hint == Some(Hint::Deleted) || last_look)
            }
        }
    }

    async fn settle_group(
        &self,
        batch: &LeasedBatch,
        item: &WorkItem,
        rechecks: &[std::time::Duration],
    ) -> Result<(), StoreError> {
        let (lease, lane, now) = (batch.lease.clone(), batch.lane, self.clock.now());
        let (items, rechecks) = (vec![item.clone()], rechecks.to_vec());
        self.db.write(move |db| queue::settle(db, &lease, lane, &items, &rechecks, now).map(drop)).await
    }
}
