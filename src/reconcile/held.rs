//! Runs held by the accidental-deletion guard: what an administrator's allow and reject do.

use std::collections::{BTreeSet, HashSet};

use crate::directory::account::FoundBy;
use crate::directory::decide::Evidence;
use crate::directory::guard::{self, LeaverKey};
use crate::directory::source::Observed;
use crate::directory::{ConnectionId, ObjectId, RunId, TeamId};
use crate::provisioning::groups::{self, SeenGroup, TakeIn};
use crate::provisioning::people::{self, Batch, Seen};
use crate::provisioning::{Session, Trouble, teams as team_acts};
use crate::queue::{self, Lane, Reason};
use crate::store::apply::{Applied, Context};
use crate::store::leases::{self, Lease, RUN_LEASE};
use crate::store::runs::{self, Run, RunStatus};
use crate::store::{StoreError, guard as guard_store, mirror, teams as all_teams};

use super::runner::Reconciler;

/// People checked again in one request.
const CHUNK_SIZE: usize = 1_000;

/// What became of an administrator's decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldDecision {
    /// It was carried out.
    Done,
    /// There is no such run, or it is not held (any more).
    NotHeld,
    /// Another run of the connection is at work; try again when it has ended.
    Busy,
}

impl Reconciler {
    /// Lets the leavers of a held run go, each checked again: who returned meanwhile stays.
    pub async fn allow(&self, connection: &ConnectionId, run: RunId) -> Result<HeldDecision, Trouble> {
        let Some(held) = self.held(connection, run).await? else { return Ok(HeldDecision::NotHeld) };
        let Some(session) = self.sessions.open(connection).await? else { return Ok(HeldDecision::NotHeld) };
        let (id, now) = (connection.clone(), self.clock.now());
        let leased = self.db.write(move |db| leases::acquire(db, id.as_str(), RUN_LEASE, now)).await?;
        let Some(lease) = leased else { return Ok(HeldDecision::Busy) };
        let outcome = leases::holding(&self.db, &lease, &self.clock, self.let_go(&session, &held, &lease)).await;
        self.db.write(move |db| leases::release(db, &lease)).await?;
        outcome??;
        Ok(HeldDecision::Done)
    }

    /// Keeps everybody on a held run's list as they are, until a later full run or a new change finds them again.
    pub async fn reject(&self, connection: &ConnectionId, run: RunId) -> Result<HeldDecision, StoreError> {
        let (id, now) = (connection.clone(), self.clock.now());
        let decision = self
            .db
            .write(move |db| {
                // Under the lease of runs: an allow that is at work has it.
                let Some(lease) = leases::acquire(db, id.as_str(), RUN_LEASE, now)? else {
                    return Ok(HeldDecision::Busy);
                };
                let held = runs::get(db, &id, run)?.is_some_and(|run| run.status == RunStatus::Held);
                if held {
                    guard_store::set_state(db, &id, run, "held", "rejected")?;
                    let why = Some("rejected by an administrator");
                    runs::set_status(db, &id, run, RunStatus::Cancelled, why, now)?;
                }
                leases::release(db, &lease)?;
                Ok(if held { HeldDecision::Done } else { HeldDecision::NotHeld })
            })
            .await?;
        tracing::info!(connection.id = %connection, run.id = %run, ?decision, "A held run was to be rejected");
        Ok(decision)
    }

    async fn held(&self, connection: &ConnectionId, run: RunId) -> Result<Option<Run>, StoreError> {
        let id = connection.clone();
        let found = self.db.read(move |db| runs::get(db, &id, run)).await?;
        Ok(found.filter(|run| run.status == RunStatus::Held))
    }

    async fn let_go(&self, session: &Session, run: &Run, lease: &Lease) -> Result<(), Trouble> {
        let (id, run_id) = (session.connection().clone(), run.id);
        let allowed: HashSet<LeaverKey> =
            self.db.read(move |db| guard_store::listed(db, &id, run_id, "held")).await?.into_iter().collect();
        let mut people: Vec<ObjectId> = allowed.iter().filter_map(LeaverKey::person).collect();
        people.sort_unstable();
        people.dedup();
        if !people.is_empty() {
            self.read_groups_again(session).await?;
        }
        for chunk in people.chunks(CHUNK_SIZE) {
            self.check_again(session, run, lease, chunk, &allowed).await?;
        }
        self.end_allowed_teams(session, lease, &allowed).await?;
        let (id, now) = (session.connection().clone(), self.clock.now());
        tracing::info!(connection.id = %id, run.id = %run.id, leavers.count = allowed.len(), "A held run was allowed");
        Ok(self
            .db
            .write(move |db| {
                // Who came onto the list meanwhile was not looked at by whoever allowed it: they stay held.
                guard_store::allow(db, &id, run_id, allowed.iter().cloned())?;
                runs::finish_empty_held(db, &id, now)
            })
            .await?)
    }

    async fn check_again(
        &self,
        session: &Session,
        run: &Run,
        lease: &Lease,
        people: &[ObjectId],
        allowed: &HashSet<LeaverKey>,
    ) -> Result<(), Trouble> {
        let began = self.clock.now();
        let observation = self.observation(session).await?;
        let found = session.graph.users_by_ids(people, &session.selection).await?;
        // Their absence was confirmed before they came on the list; an administrator has looked at it since.
        let seen = found
            .into_iter()
            .map(|(person, observed)| Seen {
                person,
                observed,
                evidence: Evidence::CompleteListing,
                found_by: FoundBy::Operator,
            })
            .collect();
        let batch = Batch { observation, seen, run: Some(run.id) };
        let (record, ids) = (session.record.clone(), people.to_vec());
        let knowledge = self.db.read(move |db| people::know(db, &record.id, &record.settings, &ids, None)).await?;
        let planned = people::plan(&knowledge, &batch.seen, &session.rules, people::moment(&*self.clock));
        let cleared = guard::pass_allowed(planned.plans, allowed);
        let context: Context = batch.context(FoundBy::Operator, began, self.clock.now());
        let applied = people::apply_all(&self.db, lease, session.connection(), cleared, &context).await?;
        self.count_allowed(session, run, &applied).await?;
        let (id, now) = (session.connection().clone(), self.clock.now());
        let reason = Reason { hint: None, found_by: FoundBy::Operator, received_at: now };
        // Somebody else decided about them meanwhile: they are looked at once more, by the rules for everybody.
        Ok(self.db.write(move |db| queue::enqueue(db, &id, Lane::User, &applied.overtaken, reason, now)).await?)
    }

    /// The run shows what was done after it was allowed.
    async fn count_allowed(&self, session: &Session, run: &Run, applied: &Applied) -> Result<(), StoreError> {
        let (id, run, applied) = (session.connection().clone(), run.id, applied.clone());
        self.db.write(move |db| runs::add_counts(db, &id, run, &applied)).await
    }

    async fn end_allowed_teams(
        &self,
        session: &Session,
        lease: &Lease,
        allowed: &HashSet<LeaverKey>,
    ) -> Result<(), StoreError> {
        let team = |key: &LeaverKey| match key {
            LeaverKey::Team(team) => Some(*team),
            _ => None,
        };
        let teams: BTreeSet<TeamId> = allowed.iter().filter_map(team).collect();
        let (id, lease, now) = (session.connection().clone(), lease.clone(), self.clock.now());
        let wanted = session.record.settings.team_groups();
        self.db
            .write(move |db| {
                leases::check(db, &lease, now)?;
                let groups = mirror::groups(db, &id)?;
                let is_there = |group: &ObjectId| groups.get(group).is_some_and(|group| group.gone_at.is_none());
                let mut teams = teams.clone();
                for team in all_teams::all(db, &id)?.values() {
                    // Put back into the settings meanwhile, with a group that exists: it is wanted again.
                    if wanted.contains(&team.external_id) && is_there(&team.external_id) {
                        teams.remove(&team.id);
                    }
                }
                team_acts::end_empty(db, &id, &teams, FoundBy::Operator, now)
            })
            .await
    }

    /// Reads every mirrored group again: who returned meanwhile is seen even if no notification told of it.
    async fn read_groups_again(&self, session: &Session) -> Result<(), Trouble> {
        let id = session.connection().clone();
        let mirrored: Vec<ObjectId> = self.db.read(move |db| mirror::groups(db, &id)).await?.into_keys().collect();
        for group in mirrored {
            let observation = self.observation(session).await?;
            let observed = groups::read(&session.graph, group).await?;
            // Only what is there can bring anybody back; a missing group is for the workers to confirm.
            if matches!(observed, Observed::Present(_)) {
                let now = self.clock.now();
                let how = TakeIn::Alone { found_by: FoundBy::Operator, received_at: now };
                groups::take_in(&self.db, session, SeenGroup { id: group, observation, observed }, how, now).await?;
            }
        }
        self.work.notify_waiters();
        Ok(())
    }
}
