//! What the admin API asks of the workers.

use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::Instant;

use crate::clock::Timestamp;
use crate::directory::{ConnectionId, RunId};
use crate::http::operations::{OperationError, Operations, RenewAction, RenewReport, RenewResult, RunRequest};
use crate::provisioning::Trouble;
use crate::reconcile::HeldDecision;
use crate::secrets::KeyVersion;
use crate::store::runs::{self, RunKind, RunStatus};
use crate::store::{DbConnection, StoreError, connections, delta_links, subscriptions};
use crate::subscriptions::{RESOURCES, Renewed, RenewedAction};

use super::Engine;

/// How long a renewal is waited for; what is left then goes on in the background.
const RENEW_WAIT: Duration = Duration::from_secs(24);

impl Engine {
    /// Begins to keep a connection in step: subscriptions and an initial cycle, unless it is paused.
    async fn begin(&self, id: &ConnectionId) -> Result<(), StoreError> {
        let (connection, key_version, now) = (id.clone(), self.keyring.current(), self.clock.now());
        self.db.write(move |db| begin(db, &connection, key_version, now)).await?;
        self.intake.registry.reload().await?;
        self.fold.work.notify_waiters();
        Ok(())
    }

    async fn changed(&self, id: &ConnectionId, rescan: bool) -> Result<(), StoreError> {
        if rescan {
            let (connection, now) = (id.clone(), self.clock.now());
            let request = runs::RunRequest { kind: RunKind::Reconcile, dry_run: false, object: None, anew: true };
            self.db
                .write(move |db| {
                    // A delta link tracks what was selected when it began (Graph: delta-query-overview); the full run
                    // begins a new one before it lists.
                    delta_links::forget(db, &connection, "users")?;
                    runs::request(db, &connection, &request, now)
                })
                .await?;
        }
        // A resumed connection that was created paused begins here.
        self.begin(id).await
    }

    async fn request(&self, id: &ConnectionId, request: RunRequest) -> Result<RunId, OperationError> {
        if request.dry_run {
            return Err(OperationError::Conflict("This version makes no dry runs; leave dry_run out.".to_owned()));
        }
        let (connection, now) = (id.clone(), self.clock.now());
        let run = self
            .db
            .write(move |db| {
                let wanted = kind(db, &connection, &request)?;
                runs::request(db, &connection, &wanted, now)
            })
            .await
            .map_err(unavailable)?;
        self.fold.work.notify_waiters();
        Ok(run)
    }

    async fn cancel(&self, id: &ConnectionId, run: RunId) -> Result<(), OperationError> {
        let (connection, now) = (id.clone(), self.clock.now());
        let cancelled = self
            .db
            .write(move |db| match runs::get(db, &connection, run)?.map(|run| run.status) {
                Some(RunStatus::Pending | RunStatus::Running) => {
                    runs::set_status(db, &connection, run, RunStatus::Cancelled, None, now)
                }
                _ => Ok(false),
            })
            .await
            .map_err(unavailable)?;
        if cancelled { Ok(()) } else { Err(OperationError::Conflict("This run has ended or is held.".to_owned())) }
    }

    async fn renew(&self, connection: Option<ConnectionId>, force: bool) -> Result<Vec<Renewed>, StoreError> {
        let connections = match connection {
            Some(id) => vec![id],
            None => self.db.read(connections::all).await?.into_iter().map(|record| record.id).collect(),
        };
        let deadline = Instant::now() + RENEW_WAIT;
        let mut results = Vec::new();
        for id in connections {
            results.extend(self.renew_until(&id, force, deadline).await?);
        }
        Ok(results)
    }

    async fn renew_until(&self, id: &ConnectionId, force: bool, deadline: Instant) -> Result<Vec<Renewed>, StoreError> {
        if Instant::now() >= deadline {
            return self.keeper.scheduled(id).await;
        }
        // In a task of its own: what is not done in time goes on, and a subscription made is remembered.
        let (keeper, of) = (self.keeper.clone(), id.clone());
        let renewing = tokio::spawn(async move { keeper.renew(&of, force).await });
        match tokio::time::timeout_at(deadline, renewing).await {
            Ok(Ok(renewed)) => renewed,
            Ok(Err(panicked)) => Err(StoreError::Panicked(panicked.to_string())),
            Err(_) => self.keeper.scheduled(id).await,
        }
    }
}

/// In one transaction, so that no run begins to list before the connection subscribed: a change between the two would
/// be told by neither.
fn begin(db: &mut DbConnection, id: &ConnectionId, key_version: KeyVersion, now: Timestamp) -> Result<(), StoreError> {
    if connections::get(db, id)?.is_none_or(|record| record.paused) {
        return Ok(());
    }
    subscriptions::want(db, id, &RESOURCES, key_version, now)?;
    if connections::state(db, id)?.is_some_and(|state| state.initial_cycle_at.is_none()) {
        let request = runs::RunRequest { kind: RunKind::Initial, dry_run: false, object: None, anew: false };
        runs::request(db, id, &request, now)?;
    }
    Ok(())
}

fn kind(db: &mut DbConnection, id: &ConnectionId, request: &RunRequest) -> Result<runs::RunRequest, StoreError> {
    let initial_done = connections::state(db, id)?.is_some_and(|state| state.initial_cycle_at.is_some());
    let kind = match (&request.user, request.full) {
        (Some(_), _) => RunKind::OnDemand,
        (None, true) if initial_done => RunKind::Reconcile,
        (None, true) => RunKind::Initial,
        (None, false) => RunKind::Incremental,
    };
    Ok(runs::RunRequest { kind, dry_run: false, object: request.user.clone(), anew: false })
}

fn unavailable(error: StoreError) -> OperationError {
    tracing::warn!("An administrator's request could not be written: {error}");
    OperationError::Unavailable("The database does not answer; try again in a moment.".to_owned())
}

fn logged(what: &str, id: &ConnectionId, outcome: Result<(), StoreError>) {
    if let Err(error) = outcome {
        tracing::warn!(connection.id = %id, "{what} failed; the schedulers try again: {error}");
    }
}

fn decided(outcome: Result<HeldDecision, Trouble>) -> Result<(), OperationError> {
    match outcome {
        Ok(HeldDecision::Done) => Ok(()),
        Ok(HeldDecision::NotHeld) => Err(OperationError::Conflict("This run is not held (any more).".to_owned())),
        Ok(HeldDecision::Busy) => Err(OperationError::Conflict(
            "Another run of this connection is at work; try again when it ended.".to_owned(),
        )),
        Err(trouble) => Err(OperationError::Unavailable(format!("Nothing or only a part was done: {trouble}"))),
    }
}

impl Operations for Engine {
    fn connection_created<'a>(&'a self, id: &'a ConnectionId) -> BoxFuture<'a, ()> {
        Box::pin(async move { logged("Starting a connection", id, self.begin(id).await) })
    }

    fn connection_changed<'a>(&'a self, id: &'a ConnectionId, rescan: bool) -> BoxFuture<'a, ()> {
        Box::pin(async move { logged("Taking a change over", id, self.changed(id, rescan).await) })
    }

    fn before_removal<'a>(&'a self, id: &'a ConnectionId) -> BoxFuture<'a, ()> {
        Box::pin(async move { logged("Removing subscriptions", id, self.keeper.remove(id).await) })
    }

    fn request_run<'a>(
        &'a self,
        id: &'a ConnectionId,
        request: RunRequest,
    ) -> BoxFuture<'a, Result<RunId, OperationError>> {
        Box::pin(self.request(id, request))
    }

    fn cancel_run<'a>(&'a self, id: &'a ConnectionId, run: RunId) -> BoxFuture<'a, Result<(), OperationError>> {
        Box::pin(self.cancel(id, run))
    }

    fn allow_run<'a>(&'a self, id: &'a ConnectionId, run: RunId) -> BoxFuture<'a, Result<(), OperationError>> {
        Box::pin(async move { decided(self.reconciler.allow(id, run).await) })
    }

    fn reject_run<'a>(&'a self, id: &'a ConnectionId, run: RunId) -> BoxFuture<'a, Result<(), OperationError>> {
        Box::pin(async move { decided(self.reconciler.reject(id, run).await.map_err(Trouble::from)) })
    }

    fn renew_subscriptions(
        &self,
        connection: Option<ConnectionId>,
        force: bool,
    ) -> BoxFuture<'_, Result<RenewReport, OperationError>> {
        Box::pin(async move {
            let results = self.renew(connection, force).await.map_err(unavailable)?;
            Ok(RenewReport { results: results.into_iter().map(result).collect() })
        })
    }
}

fn result(renewed: Renewed) -> RenewResult {
    RenewResult {
        connection: renewed.connection,
        resource: renewed.resource,
        subscription_id: renewed.subscription_id.map(|id| id.to_string()),
        action: match renewed.action {
            RenewedAction::Renewed => RenewAction::Renewed,
            RenewedAction::Recreated => RenewAction::Recreated,
            RenewedAction::Created => RenewAction::Created,
            RenewedAction::Skipped => RenewAction::Skipped,
            RenewedAction::Failed => RenewAction::Failed,
            RenewedAction::Scheduled => RenewAction::Scheduled,
        },
        expires_at: renewed.expires_at,
        error: renewed.error,
    }
}
