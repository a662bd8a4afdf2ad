//! A full run: groups, then people, then its leavers as one set.

use std::collections::BTreeSet;

use crate::directory::ObjectId;
use crate::directory::account::FoundBy;
use crate::directory::decide::Evidence;
use crate::provisioning::{Session, Trouble};
use crate::queue::{self, Lane, Reason};
use crate::store::leases::Lease;
use crate::store::runs::{self, Run, RunCounts, RunKind};
use crate::store::schedules::{self, Schedule};
use crate::store::{StoreError, connections};

use super::groups::Groups;
use super::runner::{Ended, Reconciler};
use super::schedule;

/// A full run on its way.
pub(super) struct FullRun<'a> {
    pub(super) session: &'a Session,
    pub(super) run: &'a Run,
    pub(super) lease: &'a Lease,
    /// What was done so far.
    pub(super) counts: RunCounts,
    /// People looked at so far, and of how many if that is known.
    pub(super) done: u64,
    pub(super) total: Option<u64>,
    /// Whether differences are no sign of a defect: nothing was listed before, or the settings have changed since.
    pub(super) expects_differences: bool,
    /// People whose groups changed: looked at by the run itself, or by the queue if the run does not get that far.
    pub(super) affected: BTreeSet<ObjectId>,
    /// Who looked like a leaver, and what confirmed it: decided at the end, as one set.
    pub(super) leavers: Vec<(ObjectId, Evidence)>,
}

impl FullRun<'_> {
    /// Who finds what this run changes.
    pub(super) fn found_by(&self) -> FoundBy {
        match self.run.kind {
            RunKind::Initial => FoundBy::Initial,
            _ => FoundBy::Reconcile,
        }
    }
}

impl Reconciler {
    /// Carries out an initial cycle or a reconcile.
    pub(super) async fn full_run(&self, session: &Session, run: &Run, lease: &Lease) -> Result<Ended, Trouble> {
        // Before the listing, so that nothing falls between: what changes from here on is in the next round.
        self.begin_delta(session).await?;
        let mut full = FullRun {
            session,
            run,
            lease,
            counts: RunCounts::default(),
            done: 0,
            total: None,
            expects_differences: self.expects_differences(session, run).await?,
            affected: BTreeSet::new(),
            leavers: Vec::new(),
        };
        let outcome = self.phases(&mut full).await;
        if outcome.is_err() {
            self.queue_affected(&full).await?;
        }
        outcome
    }

    async fn expects_differences(&self, session: &Session, run: &Run) -> Result<bool, StoreError> {
        let id = session.connection().clone();
        let last = self.db.read(move |db| connections::state(db, &id)).await?.and_then(|state| state.last_reconcile_at);
        Ok(run.kind == RunKind::Initial || last.is_none_or(|last| last < session.record.updated_at))
    }

    async fn phases(&self, full: &mut FullRun<'_>) -> Result<Ended, Trouble> {
        let groups = self.read_groups(full).await?;
        self.read_people(full).await?;
        // Before anything is held, so that a crash between the two leaves a connection that still runs every night.
        self.record_end(full).await?;
        let held = self.decide_leavers(full, &groups).await?;
        self.finish(full, &groups).await?;
        Ok(if held { Ended::Held } else { Ended::Succeeded })
    }

    /// The mirror has changed already, so nobody would notice these people again before the next night.
    async fn queue_affected(&self, full: &FullRun<'_>) -> Result<(), Trouble> {
        let (id, now) = (full.session.connection().clone(), self.clock.now());
        let people: Vec<ObjectId> = full.affected.iter().copied().collect();
        let reason = Reason { hint: None, found_by: full.found_by(), received_at: now };
        Ok(self.db.write(move |db| queue::enqueue(db, &id, Lane::User, &people, reason, now)).await?)
    }

    /// Records that everything was read, and when the next night is.
    async fn record_end(&self, full: &FullRun<'_>) -> Result<(), Trouble> {
        let (id, now) = (full.session.connection().clone(), self.clock.now());
        let initial = full.run.kind == RunKind::Initial;
        let next = schedule::next(&full.session.record.settings.reconcile, &id, now);
        Ok(self
            .db
            .write(move |db| {
                schedules::set_last(db, &id, Schedule::Reconcile, now)?;
                if initial {
                    schedules::set_initial_cycle(db, &id, now)?;
                    schedules::set_due(db, &id, Schedule::Reconcile, Some(next))?;
                }
                Ok(())
            })
            .await?)
    }

    async fn finish(&self, full: &FullRun<'_>, groups: &Groups) -> Result<(), Trouble> {
        let changed = full.counts.changed() + groups.changed;
        let repairs = if full.expects_differences { 0 } else { changed };
        if repairs > 0 {
            tracing::warn!(
                connection.id = %full.session.connection(), run.id = %full.run.id, repairs,
                "The reconcile repaired what neither notifications nor delta had found"
            );
        }
        let (id, run, counts) = (full.session.connection().clone(), full.run.id, full.counts);
        let progress = runs::Progress { phase: "leavers", done: full.done, total: Some(full.done) };
        Ok(self
            .db
            .write(move |db| {
                runs::progress(db, &id, run, progress, &counts)?;
                runs::set_repairs(db, &id, run, repairs)
            })
            .await?)
    }
}
