//! A full run: groups, then people, then its leavers as one set.

use crate::directory::ObjectId;
use crate::directory::account::FoundBy;
use crate::directory::decide::Evidence;
use crate::provisioning::{Session, Trouble};
use crate::store::leases::Lease;
use crate::store::runs::{self, Run, RunCounts, RunKind};
use crate::store::schedules::{self, Schedule};

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
        let mut full =
            FullRun { session, run, lease, counts: RunCounts::default(), done: 0, total: None, leavers: Vec::new() };
        let groups = self.read_groups(&mut full).await?;
        self.read_people(&mut full).await?;
        let held = self.decide_leavers(&mut full, &groups).await?;
        self.finish(&full, &groups).await?;
        Ok(if held { Ended::Held } else { Ended::Succeeded })
    }

    async fn finish(&self, full: &FullRun<'_>, groups: &Groups) -> Result<(), Trouble> {
        let changed = full.counts.changed() + groups.changed;
        let repairs = if full.run.kind == RunKind::Initial { 0 } else { changed };
        if repairs > 0 {
            tracing::warn!(
                connection.id = %full.session.connection(), run.id = %full.run.id, repairs,
                "The reconcile repaired what neither notifications nor delta had found"
            );
        }
        let (id, run, counts, now) = (full.session.connection().clone(), full.run.id, full.counts, self.clock.now());
        let progress = runs::Progress { phase: "leavers", done: full.done, total: Some(full.done) };
        let initial = full.run.kind == RunKind::Initial;
        let next = schedule::next(&full.session.record.settings.reconcile, &id, now);
        Ok(self
            .db
            .write(move |db| {
                runs::progress(db, &id, run, progress, &counts)?;
                runs::set_repairs(db, &id, run, repairs)?;
                schedules::set_last(db, &id, Schedule::Reconcile, now)?;
                if initial {
                    schedules::set_initial_cycle(db, &id, now)?;
                    schedules::set_due(db, &id, Schedule::Reconcile, Some(next))?;
                }
                Ok(())
            })
            .await?)
    }
}
