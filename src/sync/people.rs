//! A batch of people: fetched together, one set for the guard, written in slices.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::directory::account::FoundBy;
use crate::directory::decide::{Evidence, Unknown};
use crate::directory::guard::ClearedPlans;
use crate::directory::source::{Observed, SourceUser};
use crate::directory::{ConnectionId, ObjectId};
use crate::provisioning::people::{self, Batch, GuardedSet, HoldIn, Knowledge, Planned, Seen};
use crate::provisioning::{SLICE_SIZE, Session, Trouble};
use crate::queue::{self, Hint, Lane, LeasedBatch, WorkItem};
use crate::store::apply::{self, Applied, Context};
use crate::store::leases::Lease;
use crate::store::{DbConnection, StoreError};
use crate::telemetry::metrics_names;

use super::Worker;

impl Worker {
    /// Fetches the people of a batch and brings their accounts to what they are.
    pub(super) async fn people(&self, session: &Session, batch: &LeasedBatch) -> Result<(), Trouble> {
        let began = self.clock.now();
        let people: Vec<ObjectId> = batch.items.iter().map(|item| item.object).collect();
        let before = self.know(session, people).await?;
        let (ours, others): (Vec<WorkItem>, Vec<WorkItem>) =
            batch.items.iter().cloned().partition(|item| before.concerns(item.object));
        self.settle_others(session, batch, others).await?;
        if ours.is_empty() {
            return Ok(());
        }
        let fetched = self.fetch(session, &ours).await?;
        let people: Vec<ObjectId> = ours.iter().map(|item| item.object).collect();
        let knowledge = self.know(session, people).await?;
        let planned = people::plan(&knowledge, &fetched.seen, &session.rules, people::moment(&*self.clock));
        let (plans, rest) = (planned.plans, Planned { plans: Vec::new(), ..planned });
        let second_looks = ours.iter().filter(|item| item.look_count > 0).map(|item| item.object).collect();
        let set = GuardedSet { second_looks, ..GuardedSet::new(HoldIn::Incremental, self.clock.now()) };
        let settings = &session.record.settings;
        let cleared = people::pass_guard(&self.db, session.connection(), settings, &knowledge, plans, set).await?;
        let items: Arc<HashMap<ObjectId, WorkItem>> =
            Arc::new(ours.into_iter().map(|item| (item.object, item)).collect());
        let context = fetched.context(FoundBy::Notification, began, self.clock.now());
        self.settle_rest(session, batch, &rest, &items, &context).await?;
        self.apply(session, batch, cleared, items, context).await
    }

    async fn know(&self, session: &Session, people: Vec<ObjectId>) -> Result<Knowledge, StoreError> {
        let record = Arc::clone(&session.record);
        self.db.read(move |db| people::know(db, &record.id, &record.settings, &people, None)).await
    }

    /// People out of scope without an account are nothing to us: no call, no second look.
    async fn settle_others(
        &self,
        session: &Session,
        batch: &LeasedBatch,
        others: Vec<WorkItem>,
    ) -> Result<(), StoreError> {
        if others.is_empty() {
            return Ok(());
        }
        let (id, lease, lane, now) = (session.connection().clone(), batch.lease.clone(), batch.lane, self.clock.now());
        tracing::debug!(connection.id = %id, people.count = others.len(), "Changes of people outside the scope");
        self.db.write(move |db| queue::settle(db, &lease, lane, &others, &[], now).map(drop)).await
    }

    async fn fetch(&self, session: &Session, items: &[WorkItem]) -> Result<Batch, Trouble> {
        let observation = self.observation(session).await?;
        let ids: Vec<ObjectId> = items.iter().map(|item| item.object).collect();
        let found: HashMap<ObjectId, Observed<SourceUser>> =
            session.graph.users_by_ids(&ids, &session.selection).await?.into_iter().collect();
        let seen = items
            .iter()
            .filter_map(|item| {
                let observed = found.get(&item.object)?.clone();
                Some(Seen { person: item.object, observed, evidence: self.evidence(item), found_by: item.found_by })
            })
            .collect();
        Ok(Batch { observation, seen, run: None })
    }

    /// What besides the fetch confirms that a person is gone.
    fn evidence(&self, item: &WorkItem) -> Evidence {
        if item.hint == Some(Hint::Deleted) {
            Evidence::DeletedHint
        } else if item.look_count as usize >= self.rechecks.len() {
            Evidence::LastLook
        } else {
            Evidence::FetchOnly
        }
    }

    /// People nothing can be done about now: looked at again as long as looks remain, and logged when none does.
    async fn settle_rest(
        &self,
        session: &Session,
        batch: &LeasedBatch,
        rest: &Planned,
        items: &Arc<HashMap<ObjectId, WorkItem>>,
        context: &Context,
    ) -> Result<(), StoreError> {
        let last =
            |person: &ObjectId| items.get(person).is_some_and(|item| item.look_count as usize >= self.rechecks.len());
        let is_limited = |unknown: &Unknown| *unknown == Unknown::LimitedInformation;
        let limited = rest.unknown.iter().filter(|(_, unknown)| is_limited(unknown)).map(|(person, _)| *person);
        let limited = limited.filter(last);
        let limited = limited.map(|person| (person, LIMITED.to_owned()));
        let unmappable = rest.unmappable.iter().map(|(person, error)| (*person, error.to_string()));
        let failures: Vec<_> =
            limited.chain(unmappable).map(|(person, why)| people::failure(person, why, context)).collect();
        let people = rest.unknown.iter().map(|(person, _)| person).chain(rest.unmappable.iter().map(|(id, _)| id));
        let settled: Vec<WorkItem> = people.filter_map(|person| items.get(person)).cloned().collect();
        if settled.is_empty() {
            return Ok(());
        }
        let (id, lease, lane, rechecks) =
            (session.connection().clone(), batch.lease.clone(), batch.lane, self.rechecks.clone());
        let (now, took) = (context.now, context.took);
        self.db
            .write(move |db| {
                queue::settle(db, &lease, lane, &settled, &rechecks, now)?;
                apply::append_log(db, &id, failures.clone(), now, took)
            })
            .await
    }

    /// Applies in slices. Who is refused because a user name is taken is tried once more, together: people of
    /// different slices may swap.
    async fn apply(
        &self,
        session: &Session,
        batch: &LeasedBatch,
        cleared: ClearedPlans,
        items: Arc<HashMap<ObjectId, WorkItem>>,
        context: Context,
    ) -> Result<(), Trouble> {
        let mut refused = BTreeSet::new();
        for slice in cleared.slices(SLICE_SIZE) {
            let applied = self.apply_slice(session, batch, slice, &items, &context, Refused::Leave).await?;
            refused.extend(applied.refused.into_iter().map(|(person, _)| person));
        }
        if !refused.is_empty() {
            self.apply_slice(session, batch, cleared.of(&refused), &items, &context, Refused::Bury).await?;
        }
        Ok(())
    }

    async fn apply_slice(
        &self,
        session: &Session,
        batch: &LeasedBatch,
        slice: ClearedPlans,
        items: &Arc<HashMap<ObjectId, WorkItem>>,
        context: &Context,
        refused: Refused,
    ) -> Result<Applied, Trouble> {
        let (id, lease, lane, rechecks) =
            (session.connection().clone(), batch.lease.clone(), batch.lane, self.rechecks.clone());
        let (items_in, context_in) = (Arc::clone(items), context.clone());
        let applied = self
            .db
            .write(move |db| {
                let applied = apply::apply(db, &id, &slice, &context_in)?;
                let overtaken: HashSet<ObjectId> = applied.overtaken.iter().copied().collect();
                let left: HashSet<ObjectId> = applied.refused.iter().map(|(person, _)| *person).collect();
                let item = |person: ObjectId| items_in.get(&person).cloned();
                let (again, done): (Vec<WorkItem>, Vec<WorkItem>) = slice
                    .plans()
                    .iter()
                    .filter(|plan| !left.contains(&plan.object))
                    .filter_map(|plan| item(plan.object))
                    .partition(|item| overtaken.contains(&item.object));
                queue::settle(db, &lease, lane, &done, &rechecks, context_in.now)?;
                look_again(db, &lease, lane, again, context_in.now)?;
                if refused == Refused::Bury {
                    bury_refused(db, &id, &lease, lane, &applied, &items_in, &context_in)?;
                }
                Ok(applied)
            })
            .await?;
        observe(&applied, items, context, self.clock.now());
        Ok(applied)
    }
}

/// What becomes of people whose user name is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refused {
    /// They are tried once more.
    Leave,
    /// They are logged and kept for a person; a user name that becomes free makes them due.
    Bury,
}

fn bury_refused(
    db: &mut DbConnection,
    id: &ConnectionId,
    lease: &Lease,
    lane: Lane,
    applied: &Applied,
    items: &HashMap<ObjectId, WorkItem>,
    context: &Context,
) -> Result<(), StoreError> {
    let of = |(person, why): &(ObjectId, String)| Some((items.get(person)?.clone(), why.clone()));
    let buried: Vec<(WorkItem, String)> = applied.refused.iter().filter_map(of).collect();
    queue::bury(db, lease, lane, &buried, context.now)?;
    let failures = applied.refused.iter().map(|(person, why)| people::failure(*person, why.clone(), context)).collect();
    apply::append_log(db, id, failures, context.now, context.took)
}

/// Why a person whose object came without the properties everyone has is left as they are.
const LIMITED: &str = "Graph shows only limited information about this person; \
     grant the application User.Read.All and consent to it";

/// A newer observation was applied meanwhile; this one is dropped, and another fetch will tell.
fn look_again(
    db: &mut DbConnection,
    lease: &Lease,
    lane: Lane,
    items: Vec<WorkItem>,
    now: Timestamp,
) -> Result<(), StoreError> {
    if items.is_empty() {
        return Ok(());
    }
    let items: Vec<_> = items.into_iter().map(|item| (item, "a newer observation was applied".to_owned())).collect();
    queue::retry(db, lease, lane, &items, now, false, now)
}

/// Counts what was applied, and how long after its receipt.
fn observe(applied: &Applied, items: &HashMap<ObjectId, WorkItem>, context: &Context, now: Timestamp) {
    for person in &applied.changed {
        let finder = context.finder(*person).as_str();
        metrics::counter!(metrics_names::CHANGES_FOUND_TOTAL, "found_by" => finder).increment(1);
        if let Some(item) = items.get(person) {
            let seconds = now.since(item.received_at).as_secs_f64();
            metrics::histogram!(metrics_names::CHANGE_APPLIED_SECONDS, "found_by" => finder).record(seconds);
        }
    }
}
