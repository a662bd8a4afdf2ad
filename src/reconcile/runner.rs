//! Picks runs that can begin and carries them out under a lease, one of a connection at a time.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::clock::SharedClock;
use crate::directory::ConnectionId;
use crate::directory::account::Observation;
use crate::provisioning::{Session, Sessions, Trouble, trouble};
use crate::store::leases::{self, Lease, RUN_LEASE};
use crate::store::runs::{self, Run, RunCounts, RunKind, RunStatus};
use crate::store::schedules::{self, Schedule};
use crate::store::{Db, StoreError, accounts, connections};
use crate::telemetry::metrics_names;

use super::schedule;

/// Runs and polls begun in one go.
const CONNECTIONS_MAX: i64 = 8;

/// Carries out runs and delta polls when they are due.
#[derive(Clone)]
pub struct Reconciler {
    pub(super) db: Db,
    pub(super) sessions: Sessions,
    pub(super) clock: SharedClock,
    pub(super) delta_poll: Duration,
    /// Wakes the workers when something was queued.
    pub(super) work: Arc<Notify>,
}

impl Reconciler {
    /// A reconciler that polls delta every `delta_poll`, and wakes the workers by `work`.
    pub fn new(db: Db, sessions: Sessions, clock: SharedClock, delta_poll: Duration, work: Arc<Notify>) -> Self {
        Self { db, sessions, clock, delta_poll, work }
    }

    /// Queues full runs whose time has come; true when there were any.
    pub async fn schedule_once(&self) -> Result<bool, StoreError> {
        let now = self.clock.now();
        self.db
            .write(move |db| {
                let due = schedules::due(db, Schedule::Reconcile, now, CONNECTIONS_MAX)?;
                for id in &due {
                    let Some(record) = connections::get(db, id)? else { continue };
                    let request =
                        runs::RunRequest { kind: RunKind::Reconcile, dry_run: false, object: None, anew: false };
                    runs::request(db, id, &request, now)?;
                    let next = schedule::next(&record.settings.reconcile, id, now);
                    schedules::set_due(db, id, Schedule::Reconcile, Some(next))?;
                }
                Ok(!due.is_empty())
            })
            .await
    }

    /// Carries out the runs that can begin; true when there were any.
    pub async fn run_once(&self) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let pending = self.db.read(move |db| runs::connections_with_pending(db, now, CONNECTIONS_MAX)).await?;
        let mut worked = false;
        for connection in &pending {
            worked |= self.runs_of(connection).await?;
        }
        Ok(worked)
    }

    /// Connections with runs that can begin now.
    pub async fn pending(&self) -> Result<Vec<ConnectionId>, StoreError> {
        let now = self.clock.now();
        self.db.read(move |db| runs::connections_with_pending(db, now, CONNECTIONS_MAX)).await
    }

    /// Carries out the next run of one connection, unless another process is at it; true when one was.
    pub async fn runs_of(&self, connection: &ConnectionId) -> Result<bool, StoreError> {
        let (id, now) = (connection.clone(), self.clock.now());
        let leased = self.db.write(move |db| leases::acquire(db, id.as_str(), RUN_LEASE, now)).await?;
        let Some(lease) = leased else { return Ok(false) };
        let outcome = self.next_run(connection, &lease).await;
        self.db.write(move |db| leases::release(db, &lease)).await?;
        outcome
    }

    async fn next_run(&self, connection: &ConnectionId, lease: &Lease) -> Result<bool, StoreError> {
        if self.finish_drained(connection).await? {
            return Ok(true);
        }
        let id = connection.clone();
        let run = self
            .db
            .write(move |db| {
                // We hold the lease, so what is still called running was cut off with its process.
                runs::rescue(db, &id)?;
                Ok(runs::in_status(db, &id, RunStatus::Pending)?.into_iter().min_by_key(urgency))
            })
            .await?;
        let Some(run) = run else { return Ok(false) };
        self.carry_out(connection, &run, lease).await?;
        Ok(true)
    }

    async fn carry_out(&self, connection: &ConnectionId, run: &Run, lease: &Lease) -> Result<(), StoreError> {
        let began = self.clock.now();
        let (id, run_id) = (connection.clone(), run.id);
        if !self.db.write(move |db| runs::start(db, &id, run_id, began)).await? {
            return Ok(());
        }
        let outcome = leases::holding(&self.db, lease, &self.clock, self.work(connection, run, lease)).await?;
        let status = self.end(connection, run, outcome).await?;
        let labels = [("kind", run.kind.as_str()), ("status", status.as_str())];
        metrics::histogram!(metrics_names::RUN_SECONDS, &labels).record(self.clock.now().since(began).as_secs_f64());
        Ok(())
    }

    async fn work(&self, connection: &ConnectionId, run: &Run, lease: &Lease) -> Result<Ended, Trouble> {
        let Some(session) = self.sessions.open(connection).await? else {
            return Err(Trouble::Cancelled);
        };
        match run.kind {
            RunKind::Initial | RunKind::Reconcile => self.full_run(&session, run, lease).await,
            RunKind::Incremental => self.incremental(&session, run).await,
            RunKind::OnDemand => self.on_demand(&session, run, lease).await,
        }
    }

    /// Records how a run ended; returns the status it was given.
    async fn end(
        &self,
        connection: &ConnectionId,
        run: &Run,
        outcome: Result<Ended, Trouble>,
    ) -> Result<RunStatus, StoreError> {
        let (status, error) = match &outcome {
            Ok(Ended::Succeeded) => (RunStatus::Succeeded, None),
            Ok(Ended::Draining) => return Ok(RunStatus::Running),
            // The guard has set its status and its reason.
            Ok(Ended::Held) => return Ok(RunStatus::Held),
            // Cancelled by an administrator, or paused: then it still counts as running, and begins again after.
            Err(Trouble::Cancelled | Trouble::Store(StoreError::RunEnded)) => return Ok(RunStatus::Cancelled),
            // Our own trouble: it stays as it is, and whoever takes the lease next begins it again.
            Err(Trouble::Store(error)) => return Err(StoreError::Unreachable(error.to_string())),
            Err(trouble) => (RunStatus::Failed, Some(trouble.to_string())),
        };
        let (id, run_id, now) = (connection.clone(), run.id, self.clock.now());
        self.db.write(move |db| runs::set_status(db, &id, run_id, status, error.as_deref(), now)).await?;
        match &outcome {
            Ok(_) => trouble::clear(&self.db, connection, now).await?,
            // Ended before the next is queued: a request joins an initial cycle that has not ended.
            Err(trouble) if status == RunStatus::Failed => self.failed(connection, run, trouble).await?,
            Err(_) => {}
        }
        Ok(status)
    }

    /// A full run that failed is queued again, to begin when the connection no longer waits.
    async fn failed(&self, connection: &ConnectionId, run: &Run, trouble: &Trouble) -> Result<(), StoreError> {
        let until = trouble::record(&self.db, connection, trouble, self.clock.now()).await?;
        if run.kind == RunKind::OnDemand {
            // Why is told in the run: it may name the person who was asked for, which no log line does.
            tracing::info!(connection.id = %connection, run.id = %run.id, "Provisioning on demand failed, see the run");
            return Ok(());
        }
        tracing::warn!(
            connection.id = %connection, run.id = %run.id, run.kind = run.kind.as_str(),
            "A run failed, the connection is tried again at {until}: {trouble}"
        );
        if run.dry_run {
            return Ok(());
        }
        let (id, now) = (connection.clone(), self.clock.now());
        let request = runs::RunRequest { kind: run.kind, dry_run: false, object: None, anew: false };
        self.db.write(move |db| runs::request(db, &id, &request, now).map(drop)).await
    }

    /// Ends incremental runs that were waiting for the queue to be drained.
    async fn finish_drained(&self, connection: &ConnectionId) -> Result<bool, StoreError> {
        let (id, now) = (connection.clone(), self.clock.now());
        self.db.write(move |db| runs::finish_drained(db, &id, now)).await
    }

    pub(super) async fn observation(&self, session: &Session) -> Result<Observation, StoreError> {
        let id = session.connection().clone();
        self.db.write(move |db| accounts::next_observation(db, &id)).await
    }

    /// Records how far a run is; ends it when an administrator cancelled it meanwhile.
    pub(super) async fn progress(
        &self,
        session: &Session,
        run: &Run,
        progress: runs::Progress,
        counts: RunCounts,
    ) -> Result<(), Trouble> {
        let (id, run_id) = (session.connection().clone(), run.id);
        let goes_on = self.db.write(move |db| runs::progress(db, &id, run_id, progress, &counts)).await?;
        if goes_on { Ok(()) } else { Err(Trouble::Cancelled) }
    }
}

/// How a run's work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// All is done.
    Succeeded,
    /// Its leavers wait for an administrator.
    Held,
    /// Delta was polled; it ends when the queue is drained.
    Draining,
}

/// People wait for provisioning on demand; the rest goes in the order it was asked for.
fn urgency(run: &Run) -> (bool, crate::clock::Timestamp) {
    (run.kind != RunKind::OnDemand, run.queued_at)
}
