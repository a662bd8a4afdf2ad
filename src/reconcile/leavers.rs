//! The leavers of a full run: judged at its end as one set, teams included.

use std::collections::HashSet;
use std::time::Duration;

use crate::directory::account::Team;
use crate::directory::guard::{self, HeldLeaver, LeaverKey};
use crate::directory::{ConnectionId, ObjectId};
use crate::provisioning::people::{self, GuardedSet, HoldIn};
use crate::provisioning::{Trouble, teams as team_acts};
use crate::store::apply::Context;
use crate::store::{DbConnection, StoreError, guard as guard_store, leases, runs, teams};

use super::full::FullRun;
use super::groups::Groups;
use super::runner::Reconciler;

impl Reconciler {
    /// Decides about everybody who would lose something; true when they are held.
    pub(super) async fn decide_leavers(&self, full: &mut FullRun<'_>, groups: &Groups) -> Result<bool, Trouble> {
        let plans = std::mem::take(&mut full.leavers);
        let ids: Vec<ObjectId> = plans.iter().map(|plan| plan.object).collect();
        let record = full.session.record.clone();
        let knowledge = {
            let ids = ids.clone();
            self.db.read(move |db| people::know(db, &record.id, &record.settings, &ids, None)).await?
        };
        let now = self.clock.now();
        let set = GuardedSet {
            source_gone: groups.gone.first().cloned(),
            ..GuardedSet::new(HoldIn::FullRun(full.run.id), now)
        };
        let (id, settings) = (full.session.connection(), &full.session.record.settings);
        let cleared = people::pass_guard(&self.db, id, settings, &knowledge, plans, set).await?;
        let context = Context {
            observation: full.first_observation,
            found_by: Default::default(),
            found_by_default: full.found_by(),
            run: Some(full.run.id),
            now,
            took: Duration::ZERO,
        };
        let applied = people::apply_all(&self.db, full.lease, id, cleared, &context).await?;
        full.counts.add(&applied);
        self.end_teams(full).await?;
        let (id, run) = (id.clone(), full.run.id);
        let status = self.db.read(move |db| runs::get(db, &id, run)).await?.map(|run| run.status);
        Ok(status == Some(runs::RunStatus::Held))
    }

    /// Ends teams whose group no longer makes a team or no longer exists, once nobody is in them.
    async fn end_teams(&self, full: &FullRun<'_>) -> Result<(), Trouble> {
        let wanted: HashSet<ObjectId> = full.session.record.settings.team_groups().into_iter().collect();
        let (id, lease, limits) =
            (full.session.connection().clone(), full.lease.clone(), full.session.record.settings.guard);
        let (found_by, run, now) = (full.found_by(), full.run.id, self.clock.now());
        Ok(self
            .db
            .write(move |db| {
                leases::check(db, &lease, now)?;
                let empty = empty_teams(db, &id, &wanted)?;
                let set: Vec<HeldLeaver> = empty.iter().map(leaver).collect();
                let ledger = guard_store::ledger(db, &id, &set, now)?;
                if let Some(reason) = guard::judge(&set, &ledger, limits) {
                    guard_store::hold(db, &id, run, &set)?;
                    runs::set_status(db, &id, run, runs::RunStatus::Held, Some(&reason), now)?;
                    return Ok(());
                }
                for team in &empty {
                    guard_store::reserve(db, &id, &[LeaverKey::Team(team.id)], now)?;
                    team_acts::end(db, &id, team, found_by, now)?;
                }
                Ok(())
            })
            .await?)
    }
}

/// Active teams that no group of the settings makes any more, and that nobody is in.
fn empty_teams(db: &mut DbConnection, id: &ConnectionId, wanted: &HashSet<ObjectId>) -> Result<Vec<Team>, StoreError> {
    let mut ending: Vec<Team> =
        teams::all(db, id)?.into_values().filter(|team| team.active && !wanted.contains(&team.external_id)).collect();
    let sizes = teams::sizes(db, id, ending.iter().map(|team| team.id))?;
    ending.retain(|team| sizes.get(&team.id) == Some(&0));
    Ok(ending)
}

fn leaver(team: &Team) -> HeldLeaver {
    HeldLeaver { key: LeaverKey::Team(team.id), name: Some(team.name.clone()), reason: None }
}
