//! The worker that looks after subscriptions that are due.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use crate::clock::{SharedClock, Timestamp};
use crate::directory::{ConnectionId, SubscriptionId};
use crate::provisioning::{Session, Sessions, Trouble};
use crate::secrets::Keyring;
use crate::store::leases::{self, Lease};
use crate::store::subscriptions::{self as rows, SubscriptionRow};
use crate::store::{Db, StoreError};

use super::act::{self, Act};
use super::decide::{Renewal, decide_renewal};

/// The lease under which one process looks after a connection's subscriptions.
const LEASE: &str = "subscriptions";

/// Connections taken up in one go; each costs at most two calls of a minute.
const CONNECTIONS_MAX: i64 = 16;

/// How long a removal waits for whoever is at the subscriptions: longer than the term of a lease whose holder died.
const REMOVAL_WAIT: Duration = Duration::from_secs(15);

/// How often a removal looks whether the lease is free.
const REMOVAL_GLANCE: Duration = Duration::from_millis(200);

/// What the keeper needs to know.
#[derive(Clone, Debug)]
pub struct KeeperSettings {
    /// Where Graph sends change notifications.
    pub notification_url: url::Url,
    /// Where Graph sends lifecycle notifications.
    pub lifecycle_url: url::Url,
    /// The lifetime asked for.
    pub lifetime: Duration,
}

/// Looks after subscriptions.
#[derive(Clone)]
pub struct Keeper {
    pub(super) db: Db,
    pub(super) sessions: Sessions,
    pub(super) keyring: Arc<Keyring>,
    pub(super) clock: SharedClock,
    pub(super) settings: KeeperSettings,
}

/// What became of one subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Renewed {
    /// The connection.
    pub connection: ConnectionId,
    /// `users` or `groups`.
    pub resource: String,
    /// Graph's id, if there is one.
    pub subscription_id: Option<SubscriptionId>,
    /// What was done.
    pub action: RenewedAction,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// Why it failed.
    pub error: Option<String>,
}

/// What was done about one subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RenewedAction {
    /// It has a new end.
    Renewed,
    /// It had ended; there is a new one.
    Recreated,
    /// There was none; there is one now.
    Created,
    /// It needed nothing.
    Skipped,
    /// It could not be renewed.
    Failed,
    /// Somebody is at it, or it is left for later.
    Scheduled,
}

impl Keeper {
    /// A keeper.
    pub fn new(
        db: Db,
        sessions: Sessions,
        keyring: Arc<Keyring>,
        clock: SharedClock,
        settings: KeeperSettings,
    ) -> Self {
        Self { db, sessions, keyring, clock, settings }
    }

    /// Looks after every connection that is due; true when there was something to do.
    pub async fn run_once(&self) -> Result<bool, StoreError> {
        let due = self.due().await?;
        for connection in &due {
            self.renew(connection, false).await?;
        }
        Ok(!due.is_empty())
    }

    /// Connections with a subscription that is due, the longest overdue first.
    pub async fn due(&self) -> Result<Vec<ConnectionId>, StoreError> {
        let now = self.clock.now();
        self.db.read(move |db| rows::due(db, now, CONNECTIONS_MAX)).await
    }

    /// Does what a connection's subscriptions need; with `force` renews them whether due or not.
    pub async fn renew(&self, connection: &ConnectionId, force: bool) -> Result<Vec<Renewed>, StoreError> {
        let Some(lease) = self.acquire(connection).await? else {
            return self.scheduled(connection).await;
        };
        let outcome = self.renew_leased(connection, force, &lease).await;
        self.db.write(move |db| leases::release(db, &lease)).await?;
        outcome
    }

    /// Waits for the lease: whoever is inside a create remembers what was made before it gives the lease back.
    async fn acquire_within(&self, connection: &ConnectionId, wait: Duration) -> Result<bool, StoreError> {
        let deadline = Instant::now() + wait;
        while self.acquire(connection).await?.is_none() {
            if Instant::now() >= deadline {
                return Ok(false);
            }
            tokio::time::sleep(REMOVAL_GLANCE).await;
        }
        Ok(true)
    }

    async fn acquire(&self, connection: &ConnectionId) -> Result<Option<Lease>, StoreError> {
        let (id, now) = (connection.clone(), self.clock.now());
        self.db.write(move |db| leases::acquire(db, id.as_str(), LEASE, now)).await
    }

    /// What a connection's subscriptions are while somebody is at them.
    pub async fn scheduled(&self, connection: &ConnectionId) -> Result<Vec<Renewed>, StoreError> {
        let rows = self.rows(connection).await?;
        Ok(rows.iter().map(|row| report(connection, row, RenewedAction::Scheduled)).collect())
    }

    async fn rows(&self, connection: &ConnectionId) -> Result<Vec<SubscriptionRow>, StoreError> {
        let id = connection.clone();
        self.db.read(move |db| rows::of(db, &id)).await
    }

    async fn renew_leased(
        &self,
        connection: &ConnectionId,
        force: bool,
        lease: &Lease,
    ) -> Result<Vec<Renewed>, StoreError> {
        let session = self.sessions.open(connection).await;
        let mut reports = Vec::new();
        for mut row in self.rows(connection).await? {
            let renewal = decide_renewal(&row, self.clock.now(), force);
            if renewal == Renewal::Keep {
                reports.push(report(connection, &row, RenewedAction::Skipped));
                continue;
            }
            let act = match &session {
                Ok(Some(session)) => {
                    leases::holding(&self.db, lease, &self.clock, self.act(session, &mut row, renewal)).await?
                }
                Ok(None) => return Ok(Vec::new()),
                Err(trouble) => Err(Trouble::NoSession(trouble.to_string())),
            };
            reports.push(self.record(connection, lease, (row, renewal), act).await?);
        }
        Ok(reports)
    }

    async fn act(&self, session: &Session, row: &mut SubscriptionRow, renewal: Renewal) -> Result<Act, Trouble> {
        match renewal {
            Renewal::Keep => Ok(Act::Kept),
            Renewal::Renew => act::renew(self, session, row).await,
            Renewal::Create | Renewal::Recreate => act::create(self, session, row).await,
        }
    }

    /// Deletes a connection's subscriptions at Graph before the connection is removed. What cannot be deleted ends by
    /// itself, and its notifications are dropped, so a failure only delays nothing.
    ///
    /// Keeps the lease, so that nobody makes another one before the connection is gone and its leases with it.
    pub async fn remove(&self, connection: &ConnectionId) -> Result<(), StoreError> {
        if !self.acquire_within(connection, REMOVAL_WAIT).await? {
            tracing::warn!(connection.id = %connection, "Somebody is still at the subscriptions; removing all the same");
        }
        let session = match self.sessions.open(connection).await {
            Ok(Some(session)) => session,
            Ok(None) => return Ok(()),
            Err(trouble) => {
                tracing::warn!(connection.id = %connection, "Leaving subscriptions to expire: {trouble}");
                return Ok(());
            }
        };
        for id in self.rows(connection).await?.into_iter().filter_map(|row| row.id) {
            if let Err(error) = session.graph.delete_subscription(id).await {
                tracing::warn!(connection.id = %connection, subscription.id = %id, "Leaving a subscription to expire: {error}");
            }
        }
        Ok(())
    }
}

pub(super) fn report(connection: &ConnectionId, row: &SubscriptionRow, action: RenewedAction) -> Renewed {
    Renewed {
        connection: connection.clone(),
        resource: row.resource.clone(),
        subscription_id: row.id,
        action,
        expires_at: row.expires_at,
        error: row.error.clone(),
    }
}
