//! The groups of a full run: every one that matters, read whole.

use std::collections::{BTreeSet, VecDeque};

use crate::directory::ObjectId;
use crate::directory::source::Observed;
use crate::provisioning::groups::{self, SeenGroup, TakeIn};
use crate::provisioning::{Session, Trouble};
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
            let nested = self.read_group(session, group, &mut found).await?;
            waiting.extend(nested.into_iter().filter(|nested| seen.insert(*nested)));
            if seen.len() > GROUPS_MAX {
                return Err(Trouble::Endless { what: "nested groups", pages: GROUPS_MAX as u32 });
            }
            done += 1;
            let progress = Progress { phase: "groups", done, total: Some(seen.len() as u64) };
            self.progress(session, full.run, progress, full.counts).await?;
        }
        self.forget_others(session, seen).await?;
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
        session: &Session,
        group: ObjectId,
        found: &mut Groups,
    ) -> Result<Vec<ObjectId>, Trouble> {
        let observation = self.observation(session).await?;
        let observed = groups::read(&session.graph.in_background(), group).await?;
        if matches!(observed, Observed::Absent(_)) && session.record.settings.scope.groups.contains(&group) {
            found.gone.push(self.group_name(session, group).await?);
        }
        let nested = groups::nested_in(&observed, session.record.settings.scope.nested);
        let seen = SeenGroup { id: group, observation, observed };
        let outcome = groups::take_in(&self.db, session, seen, TakeIn::InFullRun, self.clock.now()).await?;
        found.changed += u64::from(!outcome.affected.is_empty());
        Ok(nested)
    }

    async fn group_name(&self, session: &Session, group: ObjectId) -> Result<String, Trouble> {
        let id = session.connection().clone();
        let known = self.db.read(move |db| mirror::groups(db, &id)).await?;
        Ok(known.get(&group).and_then(|known| known.display_name.clone()).unwrap_or_else(|| group.to_string()))
    }

    async fn forget_others(&self, session: &Session, keep: BTreeSet<ObjectId>) -> Result<(), Trouble> {
        let id = session.connection().clone();
        Ok(self
            .db
            .write(move |db| {
                let others: Vec<ObjectId> =
                    mirror::groups(db, &id)?.into_keys().filter(|group| !keep.contains(group)).collect();
                if others.is_empty() { Ok(()) } else { mirror::forget(db, &id, &others) }
            })
            .await?)
    }
}
