//! The delta poll: what changed since the last round, by id; fetching and deciding is the worker's.

use crate::clock::Timestamp;
use crate::directory::account::{FoundBy, Observation};
use crate::directory::{ConnectionId, ObjectId};
use crate::graph::{DeltaFrom, DeltaLink, DeltaNext, DeltaPage, GraphError, NextLink, RemovedReason};
use crate::provisioning::{Session, Trouble, trouble};
use crate::queue::{self, Hint, Lane, Reason};
use crate::store::leases::{self, DELTA_LEASE};
use crate::store::runs::{self, RunKind, RunRequest};
use crate::store::schedules::{self, Schedule};
use crate::store::{StoreError, delta_links};

use super::runner::{Ended, Reconciler};

/// A round this long does not advance.
const PAGES_MAX: u32 = 10_000;

/// Connections polled in one go.
const CONNECTIONS_MAX: i64 = 8;

/// The resources polled, and the lane their changes go to.
const RESOURCES: [(&str, Lane); 2] = [("users", Lane::User), ("groups", Lane::Group)];

/// What one page of delta says, whatever the resource.
struct Changes {
    changed: Vec<ObjectId>,
    deleted: Vec<ObjectId>,
    next: DeltaNext,
}

impl Changes {
    fn of<T>(page: DeltaPage<T>, part: impl Fn(&T) -> (ObjectId, Option<RemovedReason>)) -> Self {
        let (removed, changed): (Vec<_>, Vec<_>) =
            page.changes.iter().map(part).partition(|(_, removed)| removed.is_some());
        let ids = |parts: Vec<(ObjectId, Option<RemovedReason>)>| parts.into_iter().map(|(id, _)| id).collect();
        Self { changed: ids(changed), deleted: ids(removed), next: page.next }
    }
}

impl Reconciler {
    /// Polls delta for the connections whose time has come; true when there were any.
    pub async fn poll_once(&self) -> Result<bool, StoreError> {
        let due = self.due().await?;
        for connection in &due {
            self.poll_connection(connection).await?;
        }
        Ok(!due.is_empty())
    }

    /// Connections whose delta poll is due, the longest overdue first.
    pub async fn due(&self) -> Result<Vec<ConnectionId>, StoreError> {
        let now = self.clock.now();
        self.db.read(move |db| schedules::due(db, Schedule::Delta, now, CONNECTIONS_MAX)).await
    }

    /// Polls delta of one connection and says when it is due next.
    pub async fn poll_connection(&self, connection: &ConnectionId) -> Result<(), StoreError> {
        let outcome = match self.sessions.open(connection).await {
            Ok(Some(session)) => self.poll(&session).await,
            Ok(None) => Ok(()),
            Err(trouble) => Err(trouble),
        };
        let next = self.clock.now().plus(self.delta_poll);
        let due_at = match outcome {
            Ok(()) => {
                self.work.notify_waiters();
                next
            }
            Err(trouble) => {
                let until = trouble::record(&self.db, connection, &trouble, self.clock.now()).await?;
                tracing::warn!(connection.id = %connection, "The delta poll failed, trying again at {until}: {trouble}");
                until.max(self.clock.now().plus(trouble::PAUSE_MIN))
            }
        };
        let id = connection.clone();
        self.db.write(move |db| schedules::set_due(db, &id, Schedule::Delta, Some(due_at))).await
    }

    /// Reads delta of both resources to its end, unless somebody else does.
    pub(super) async fn poll(&self, session: &Session) -> Result<(), Trouble> {
        let (id, now) = (session.connection().clone(), self.clock.now());
        let leased = self.db.write(move |db| leases::acquire(db, id.as_str(), DELTA_LEASE, now)).await?;
        let Some(lease) = leased else { return Ok(()) };
        let outcome = leases::holding(&self.db, &lease, &self.clock, self.rounds(session)).await;
        self.db.write(move |db| leases::release(db, &lease)).await?;
        outcome?
    }

    async fn rounds(&self, session: &Session) -> Result<(), Trouble> {
        for (resource, lane) in RESOURCES {
            match self.round(session, resource, lane).await {
                Err(Trouble::Graph(GraphError::DeltaReset)) => self.start_over(session, resource).await?,
                outcome => outcome?,
            }
        }
        let (id, now) = (session.connection().clone(), self.clock.now());
        Ok(self.db.write(move |db| schedules::set_last(db, &id, Schedule::Delta, now)).await?)
    }

    /// One round: every page up to the next delta link.
    async fn round(&self, session: &Session, resource: &'static str, lane: Lane) -> Result<(), Trouble> {
        let observation = self.observation(session).await?;
        let id = session.connection().clone();
        let link = self.db.read(move |db| delta_links::get(db, &id, resource)).await?.map(DeltaLink::from);
        let Some(link) = link else {
            return self.begin(session, resource).await;
        };
        let mut changes = self.page(session, lane, DeltaFrom::Link(&link)).await?;
        for _ in 0..PAGES_MAX {
            match self.keep(session, resource, lane, &changes, observation).await? {
                None => return Ok(()),
                Some(next) => changes = self.page(session, lane, DeltaFrom::Page(&next)).await?,
            }
        }
        Err(Trouble::Endless { what: "changes", pages: PAGES_MAX })
    }

    async fn page(&self, session: &Session, lane: Lane, from: DeltaFrom<'_>) -> Result<Changes, Trouble> {
        let graph = &session.graph;
        Ok(match lane {
            Lane::Group => Changes::of(graph.groups_delta(from).await?, |change| (change.id, change.removed)),
            _ => Changes::of(graph.users_delta(from, &session.selection).await?, |change| (change.id, change.removed)),
        })
    }

    /// Queues what a page says; the link is kept in the same transaction as the last of it. Returns the next page.
    async fn keep(
        &self,
        session: &Session,
        resource: &'static str,
        lane: Lane,
        changes: &Changes,
        observation: Observation,
    ) -> Result<Option<NextLink>, Trouble> {
        let (id, now) = (session.connection().clone(), self.clock.now());
        let (changed, deleted) = (changes.changed.clone(), changes.deleted.clone());
        let settled = match &changes.next {
            DeltaNext::Settled(link) => Some(link.as_str().to_owned()),
            DeltaNext::Page(_) => None,
        };
        self.db
            .write(move |db| {
                queue::enqueue(db, &id, lane, &changed, reason(None, now), now)?;
                queue::enqueue(db, &id, lane, &deleted, reason(Some(Hint::Deleted), now), now)?;
                match &settled {
                    Some(link) => delta_links::put(db, &id, resource, link, observation, now),
                    None => Ok(()),
                }
            })
            .await?;
        Ok(match &changes.next {
            DeltaNext::Page(next) => Some(next.clone()),
            DeltaNext::Settled(_) => None,
        })
    }

    /// Asks for links from now on where there are none, before a full listing begins.
    pub(super) async fn begin_delta(&self, session: &Session) -> Result<(), Trouble> {
        for (resource, _) in RESOURCES {
            let id = session.connection().clone();
            if self.db.read(move |db| delta_links::get(db, &id, resource)).await?.is_none() {
                self.begin(session, resource).await?;
            }
        }
        let (id, due) = (session.connection().clone(), self.clock.now().plus(self.delta_poll));
        Ok(self.db.write(move |db| schedules::set_due(db, &id, Schedule::Delta, Some(due))).await?)
    }

    async fn begin(&self, session: &Session, resource: &'static str) -> Result<(), Trouble> {
        let observation = self.observation(session).await?;
        let lane = if resource == "groups" { Lane::Group } else { Lane::User };
        match self.page(session, lane, DeltaFrom::Now).await?.next {
            DeltaNext::Settled(link) => {
                let (id, now) = (session.connection().clone(), self.clock.now());
                let link = link.as_str().to_owned();
                Ok(self.db.write(move |db| delta_links::put(db, &id, resource, &link, observation, now)).await?)
            }
            DeltaNext::Page(_) => Err(GraphError::Protocol("delta from now on did not give a delta link").into()),
        }
    }

    /// Graph gave the link up: a new one from now on, and a full run for what was missed.
    async fn start_over(&self, session: &Session, resource: &'static str) -> Result<(), Trouble> {
        tracing::warn!(
            connection.id = %session.connection(), resource,
            "Graph gave up the delta link; starting over with a full run"
        );
        let id = session.connection().clone();
        self.db.write(move |db| delta_links::forget(db, &id, resource)).await?;
        self.begin(session, resource).await?;
        let (id, now) = (session.connection().clone(), self.clock.now());
        let request = RunRequest { kind: RunKind::Reconcile, dry_run: false, object: None, anew: false };
        Ok(self.db.write(move |db| runs::request(db, &id, &request, now).map(drop)).await?)
    }

    /// An incremental run: delta now; it ends when the queue is drained.
    pub(super) async fn incremental(&self, session: &Session, run: &runs::Run) -> Result<Ended, Trouble> {
        self.poll(session).await?;
        let progress = runs::Progress { phase: "queue", done: 0, total: None };
        self.progress(session, run, progress, runs::RunCounts::default()).await?;
        Ok(Ended::Draining)
    }
}

fn reason(hint: Option<Hint>, now: Timestamp) -> Reason {
    // A user who was removed from delta is gone for now; the fetch looks among the deleted items as well.
    Reason { hint, found_by: FoundBy::Delta, received_at: now }
}
