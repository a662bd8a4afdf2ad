//! The groups of a full run: every one that matters, read whole.

use std::collections::{BTreeSet, VecDeque};

use crate::directory::ObjectId;
use crate::directory::source::{Absence, MemberKind, Observed};
use crate::provisioning::groups::{self, SeenGroup, TakeIn};
use crate::provisioning::{Session, Trouble};
use crate::queue::{self, Lane, Reason};
use crate::store::mirror;
use crate::store::runs::Progress;

use super::full::FullRun;
use super::runner::Reconciler;

/// More groups than this below one scope is taken for a mistake in the settings: each costs a call every night.
const GROUPS_MAX: usize = 100_000;

/// What the groups of a full run showed.
#[derive(Clone, Debug, Default)]
pub(super) struct Groups {
    /// Names of scope groups that no longer exist.
    pub(super) gone: Vec<String>,
    /// Names of scope groups of five or more that were found empty.
    pub(super) emptied: Vec<String>,
    /// Groups whose members differed from the mirror.
    pub(super) changed: u64,
}

impl Reconciler {
    /// Reads the scope and team groups and everything nested below them, and forgets what is not below them.
    pub(super) async fn read_groups(&self, full: &mut FullRun<'_>) -> Result<Groups, Trouble> {
        let session = full.session;
        let roots = self.track_roots(session).await?;
        let mut waiting: VecDeque<ObjectId> = roots.iter().copied().collect();
        let mut seen: BTreeSet<ObjectId> = roots;
        let mut found = Groups::default();
        let mut done = 0;
        while let Some(group) = waiting.pop_front() {
            let nested = self.read_group(full, group, &mut found).await?;
            waiting.extend(nested.into_iter().filter(|nested| seen.insert(*nested)));
            if seen.len() > GROUPS_MAX {
                return Err(Trouble::Endless { what: "nested groups", pages: GROUPS_MAX as u32 });
            }
            done += 1;
            let progress = Progress { phase: "groups", done, total: Some(seen.len() as u64) };
            self.progress(session, full.run, progress, full.counts).await?;
        }
        self.forget_unreachable(session).await?;
        Ok(found)
    }

    async fn track_roots(&self, session: &Session) -> Result<BTreeSet<ObjectId>, Trouble> {
        let settings = &session.record.settings;
        let roots: BTreeSet<ObjectId> = settings.scope.groups.iter().copied().chain(settings.team_groups()).collect();
        let (id, wanted) = (session.connection().clone(), roots.clone());
        self.db.write(move |db| mirror::track(db, &id, wanted.iter().copied())).await?;
        Ok(roots)
    }

    /// Takes one group in; returns the groups nested directly in it.
    async fn read_group(
        &self,
        full: &mut FullRun<'_>,
        group: ObjectId,
        found: &mut Groups,
    ) -> Result<Vec<ObjectId>, Trouble> {
        let session = full.session;
        let observation = self.observation(session).await?;
        let observed = groups::read(&session.graph.in_background(), group).await?;
        let is_scope = session.record.settings.scope.groups.contains(&group);
        match &observed {
            Observed::Absent(_) if is_scope => found.gone.push(self.group_name(session, group).await?),
            // One 404 proves little. Its members stay as they are, and the queue's second looks decide.
            Observed::Absent(Absence::NotFound) => return self.look_again_later(full, group).await,
            _ => {}
        }
        let nested = groups::nested_in(&observed, session.record.settings.scope.nested);
        let seen = SeenGroup { id: group, observation, observed };
        let outcome = groups::take_in(&self.db, session, seen, TakeIn::InFullRun, self.clock.now()).await?;
        if outcome.emptied && is_scope {
            found.emptied.push(self.group_name(session, group).await?);
        }
        found.changed += u64::from(!outcome.affected.is_empty());
        full.affected.extend(outcome.affected);
        Ok(nested)
    }

    /// Leaves a group that was not found to the queue; returns the groups nested in it as far as is known.
    async fn look_again_later(&self, full: &FullRun<'_>, group: ObjectId) -> Result<Vec<ObjectId>, Trouble> {
        let (id, now) = (full.session.connection().clone(), self.clock.now());
        let reason = Reason { hint: None, found_by: full.found_by(), received_at: now };
        Ok(self
            .db
            .write(move |db| {
                queue::enqueue(db, &id, Lane::Group, &[group], reason, now)?;
                let members = mirror::members(db, &id, group)?;
                Ok(members.iter().filter(|member| member.kind == MemberKind::Group).map(|member| member.id).collect())
            })
            .await?)
    }

    async fn group_name(&self, session: &Session, group: ObjectId) -> Result<String, Trouble> {
        let id = session.connection().clone();
        let known = self.db.read(move |db| mirror::groups(db, &id)).await?;
        Ok(known.get(&group).and_then(|known| known.display_name.clone()).unwrap_or_else(|| group.to_string()))
    }

    /// Forgets groups that no edge leads to any more, as the edges are now: a worker may have added some meanwhile.
    async fn forget_unreachable(&self, session: &Session) -> Result<(), Trouble> {
        let (id, settings) = (session.connection().clone(), session.record.settings.clone());
        Ok(self
            .db
            .write(move |db| {
                let reachable = mirror::graph(db, &id, &settings, None)?.reachable();
                let others: Vec<ObjectId> =
                    mirror::groups(db, &id)?.into_keys().filter(|group| !reachable.contains(group)).collect();
                if others.is_empty() { Ok(()) } else { mirror::forget(db, &id, &others) }
            })
            .await?)
    }
}
