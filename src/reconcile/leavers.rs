//! The leavers of a full run: judged at its end as one set, teams included.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use crate::directory::account::{Observation, Team};
use crate::directory::decide::Evidence;
use crate::directory::guard::{HeldLeaver, LeaverKey};
use crate::directory::{ObjectId, TeamId};
use crate::provisioning::people::{self, GuardedSet, HoldIn, Seen};
use crate::provisioning::{Trouble, teams as team_acts};
use crate::store::apply::Context;
use crate::store::{leases, runs, teams};

use super::full::FullRun;
use super::groups::Groups;
use super::people::CHUNK_SIZE;
use super::runner::Reconciler;

impl Reconciler {
    /// Decides about everybody who would lose something; true when they are held.
    pub(super) async fn decide_leavers(&self, full: &mut FullRun<'_>, groups: &Groups) -> Result<bool, Trouble> {
        let (observation, seen) = self.look_at_leavers_again(full).await?;
        // A pause or a cancel is obeyed before anybody is deactivated.
        let progress = runs::Progress { phase: "leavers", done: full.done, total: Some(full.done) };
        self.progress(full.session, full.run, progress, full.counts).await?;
        let ids: Vec<ObjectId> = seen.iter().map(|one| one.person).collect();
        let record = full.session.record.clone();
        let knowledge = self.db.read(move |db| people::know(db, &record.id, &record.settings, &ids, None)).await?;
        let mut planned = people::plan(&knowledge, &seen, &full.session.rules, people::moment(&*self.clock));
        let plans = std::mem::take(&mut planned.plans);
        let now = self.clock.now();
        let (id, settings) = (full.session.connection(), &full.session.record.settings);
        let set = GuardedSet {
            source_gone: groups.gone.first().cloned(),
            emptied_groups: groups.emptied.clone(),
            teams: Some(self.ending_teams(full).await?.iter().map(leaver).collect()),
            ..GuardedSet::new(HoldIn::FullRun(full.run.id), now)
        };
        let cleared = people::pass_guard(&self.db, id, settings, &knowledge, plans, set).await?;
        let context = Context {
            observation,
            found_by: Default::default(),
            found_by_default: full.found_by(),
            run: Some(full.run.id),
            now,
            took: Duration::ZERO,
        };
        let teams = cleared.teams().clone();
        let applied = people::apply_all(&self.db, full.lease, id, cleared, &context).await?;
        full.counts.add(&applied);
        self.look_again(full, &planned, &context).await?;
        self.queue_refused(full, &applied).await?;
        self.end_teams(full, teams).await?;
        let (id, run) = (id.clone(), full.run.id);
        let status = self.db.read(move |db| runs::get(db, &id, run)).await?.map(|run| run.status);
        Ok(status == Some(runs::RunStatus::Held))
    }

    /// The listing may have taken hours: whoever looked like a leaver in it is fetched once more, under a number drawn
    /// before, so that nothing a worker saw meanwhile is overwritten.
    async fn look_at_leavers_again(&self, full: &mut FullRun<'_>) -> Result<(Observation, Vec<Seen>), Trouble> {
        let observation = self.observation(full.session).await?;
        let leavers = std::mem::take(&mut full.leavers);
        let mut seen = Vec::with_capacity(leavers.len());
        for chunk in leavers.chunks(CHUNK_SIZE) {
            let people: Vec<ObjectId> = chunk.iter().map(|(person, _)| *person).collect();
            let found = full.session.graph.in_background().users_by_ids(&people, &full.session.selection).await?;
            let evidence: HashMap<ObjectId, Evidence> = chunk.iter().copied().collect();
            let found_by = full.found_by();
            seen.extend(found.into_iter().map(|(person, observed)| Seen {
                person,
                observed,
                evidence: evidence.get(&person).copied().unwrap_or_default(),
                found_by,
            }));
        }
        Ok((observation, seen))
    }

    /// Active teams that no group of the settings makes any more. A group that is gone while the settings name it needs
    /// an administrator (`attention`), so its team stays. All their members are leaving them, in this run.
    async fn ending_teams(&self, full: &FullRun<'_>) -> Result<Vec<Team>, Trouble> {
        let wanted: HashSet<ObjectId> = full.session.record.settings.team_groups().into_iter().collect();
        let id = full.session.connection().clone();
        let teams = self.db.read(move |db| teams::all(db, &id)).await?;
        Ok(teams.into_values().filter(|team| team.active && !wanted.contains(&team.external_id)).collect())
    }

    /// Ends teams that passed the guard, once nobody is in them; those with somebody left wait for the next full run.
    async fn end_teams(&self, full: &FullRun<'_>, passed: BTreeSet<TeamId>) -> Result<(), Trouble> {
        if passed.is_empty() {
            return Ok(());
        }
        let (id, lease) = (full.session.connection().clone(), full.lease.clone());
        let (found_by, now) = (full.found_by(), self.clock.now());
        Ok(self
            .db
            .write(move |db| {
                leases::check(db, &lease, now)?;
                team_acts::end_empty(db, &id, &passed, found_by, now)
            })
            .await?)
    }
}

fn leaver(team: &Team) -> HeldLeaver {
    HeldLeaver { key: LeaverKey::Team(team.id), name: Some(team.name.clone()), reason: None }
}
