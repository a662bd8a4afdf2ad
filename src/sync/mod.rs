//! The worker: leases a batch of one connection, fetches, decides, applies, settles.
//!
//! [`Worker::run_once`] does one batch of every connection that has due work.

mod failure;
mod groups;
mod people;

use std::time::Duration;

use crate::clock::SharedClock;
use crate::directory::ConnectionId;
use crate::provisioning::{Session, Sessions, Trouble};
use crate::queue::{self, Lane, LeasedBatch};
use crate::store::{Db, StoreError, leases};

/// People fetched in one go: as many as Graph returns by id in one request (Graph: directoryobject-getbyids).
const PEOPLE_MAX: u32 = 1_000;

/// Groups taken up in one go: each may be a long listing, and a lost lease loses them all.
const GROUPS_MAX: u32 = 10;

/// Connections looked up in one go.
const CONNECTIONS_MAX: u32 = 16;

/// What a batch says about the next one of the same connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Worked {
    /// It may follow at once.
    MayGoOn,
    /// The connection waits, or is somebody else's.
    ConnectionWaits,
}

/// Brings people and groups that are due to what Graph shows of them.
#[derive(Clone)]
pub struct Worker {
    db: Db,
    sessions: Sessions,
    clock: SharedClock,
    rechecks: Vec<Duration>,
}

impl Worker {
    /// A worker that takes second looks after each of `rechecks`.
    pub fn new(db: Db, sessions: Sessions, clock: SharedClock, rechecks: Vec<Duration>) -> Self {
        Self { db, sessions, clock, rechecks }
    }

    /// Works off one batch of every connection with due work; true when there was any.
    pub async fn run_once(&self) -> Result<bool, StoreError> {
        let due = queue::next_connections(&self.db, self.clock.now(), CONNECTIONS_MAX).await?;
        for work in &due {
            self.work(&work.connection, work.lane).await?;
        }
        Ok(!due.is_empty())
    }

    /// Connections with due work, the longest due first.
    pub async fn due(&self) -> Result<Vec<ConnectionId>, StoreError> {
        let due = queue::next_connections(&self.db, self.clock.now(), CONNECTIONS_MAX).await?;
        Ok(due.into_iter().map(|work| work.connection).collect())
    }

    /// Works off one batch of each lane of a connection: groups first, because they say who is in scope.
    pub async fn work_off(&self, connection: &ConnectionId) -> Result<(), StoreError> {
        for lane in [Lane::Group, Lane::User] {
            if self.work(connection, lane).await? == Worked::ConnectionWaits {
                break;
            }
        }
        Ok(())
    }

    /// Works off one batch.
    async fn work(&self, connection: &ConnectionId, lane: Lane) -> Result<Worked, StoreError> {
        let limit = if lane == Lane::Group { GROUPS_MAX } else { PEOPLE_MAX };
        let now = self.clock.now();
        let Some(batch) = queue::lease(&self.db, connection, lane, now, limit).await? else {
            return Ok(Worked::MayGoOn);
        };
        let outcome = leases::holding(&self.db, &batch.lease, &self.clock, self.batch(connection, &batch)).await;
        let worked = match outcome {
            Ok(Ok(())) => self.succeeded(connection).await.map(|()| Worked::MayGoOn)?,
            Ok(Err(Trouble::Store(error))) => {
                queue::release(&self.db, &batch.lease).await?;
                return Err(error);
            }
            Ok(Err(trouble)) => self.failed(connection, &batch, &trouble).await.map(|()| Worked::ConnectionWaits)?,
            // Somebody else has taken over and will do it all again.
            Err(StoreError::LeaseLost) => return Ok(Worked::ConnectionWaits),
            Err(error) => return Err(error),
        };
        queue::release(&self.db, &batch.lease).await?;
        Ok(worked)
    }

    async fn batch(&self, connection: &ConnectionId, batch: &LeasedBatch) -> Result<(), Trouble> {
        let Some(session) = self.sessions.open(connection).await? else {
            // The connection was removed, and its work with it.
            return Ok(());
        };
        match batch.lane {
            Lane::Group => self.groups(&session, batch).await,
            _ => self.people(&session, batch).await,
        }
    }

    async fn observation(&self, session: &Session) -> Result<crate::directory::account::Observation, StoreError> {
        let id = session.connection().clone();
        self.db.write(move |db| crate::store::accounts::next_observation(db, &id)).await
    }
}
