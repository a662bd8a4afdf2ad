//! The people of a full run: everybody in scope, and everybody who has an account.

use std::collections::{BTreeSet, HashMap};

use crate::directory::ObjectId;
use crate::directory::decide::{Evidence, PersonPlan};
use crate::directory::guard;
use crate::directory::source::{Observed, SourceUser};
use crate::graph::{NextLink, PAGE_SIZE_MAX};
use crate::provisioning::Trouble;
use crate::provisioning::people::{self, Batch, GuardedSet, HoldIn, Planned, Seen};
use crate::queue::{self, Lane, Reason};
use crate::store::apply::{self, Applied, Context};
use crate::store::runs::Progress;
use crate::store::{accounts, mirror};

use super::full::FullRun;
use super::runner::Reconciler;

/// People fetched in one request (Graph: directoryobject-getbyids).
pub(super) const CHUNK_SIZE: usize = 1_000;

/// A walk this long is over ten million people: the next link does not advance.
const PAGES_MAX: u32 = 10_000;

impl Reconciler {
    /// Looks at everybody in scope and at everybody with an account.
    pub(super) async fn read_people(&self, full: &mut FullRun<'_>) -> Result<(), Trouble> {
        let listed = if full.session.record.settings.scope.all_users {
            self.walk_everybody(full).await?
        } else {
            self.read_members(full).await?
        };
        self.read_others_with_accounts(full, &listed).await
    }

    /// Everybody in the tenant, page by page.
    async fn walk_everybody(&self, full: &mut FullRun<'_>) -> Result<BTreeSet<ObjectId>, Trouble> {
        let mut listed = BTreeSet::new();
        let mut next: Option<NextLink> = None;
        for _ in 0..PAGES_MAX {
            let observation = self.observation(full.session).await?;
            let graph = full.session.graph.in_background();
            let page = graph.users_page(next.as_ref(), &full.session.selection, PAGE_SIZE_MAX).await?;
            let new = page.items.into_iter().filter(|user| listed.insert(user.id));
            let users: Vec<(ObjectId, Observed<SourceUser>)> =
                new.map(|user| (user.id, Observed::Present(user))).collect();
            self.take_in(
                full,
                Batch { observation, seen: self.seen(full, users, Evidence::FetchOnly), run: Some(full.run.id) },
            )
            .await?;
            next = page.next;
            if next.is_none() {
                return Ok(listed);
            }
        }
        Err(Trouble::Endless { what: "users", pages: PAGES_MAX })
    }

    /// The members of the groups, as the mirror has just been brought to.
    async fn read_members(&self, full: &mut FullRun<'_>) -> Result<BTreeSet<ObjectId>, Trouble> {
        let (id, roots) = (full.session.connection().clone(), full.session.record.settings.scope.groups.clone());
        let members: Vec<ObjectId> = self.db.read(move |db| mirror::people_below(db, &id, roots)).await?;
        full.total = Some(members.len() as u64);
        for chunk in members.chunks(CHUNK_SIZE) {
            self.read_chunk(full, chunk, Evidence::FetchOnly).await?;
        }
        Ok(members.into_iter().collect())
    }

    /// People who have an account but were not in the listing, which was read to its end.
    async fn read_others_with_accounts(
        &self,
        full: &mut FullRun<'_>,
        listed: &BTreeSet<ObjectId>,
    ) -> Result<(), Trouble> {
        let mut after = None;
        loop {
            let id = full.session.connection().clone();
            let people =
                self.db.read(move |db| accounts::linked_people_after(db, &id, after, CHUNK_SIZE as i64)).await?;
            let Some(last) = people.last().copied() else { return Ok(()) };
            let others: Vec<ObjectId> = people.into_iter().filter(|person| !listed.contains(person)).collect();
            if !others.is_empty() {
                self.read_chunk(full, &others, Evidence::CompleteListing).await?;
            }
            after = Some(last);
        }
    }

    async fn read_chunk(&self, full: &mut FullRun<'_>, people: &[ObjectId], evidence: Evidence) -> Result<(), Trouble> {
        let observation = self.observation(full.session).await?;
        let found = full.session.graph.in_background().users_by_ids(people, &full.session.selection).await?;
        let seen = self.seen(full, found, evidence);
        self.take_in(full, Batch { observation, seen, run: Some(full.run.id) }).await
    }

    fn seen(&self, full: &FullRun<'_>, found: Vec<(ObjectId, Observed<SourceUser>)>, evidence: Evidence) -> Vec<Seen> {
        let found_by = full.found_by();
        found.into_iter().map(|(person, observed)| Seen { person, observed, evidence, found_by }).collect()
    }

    /// Decides about a batch; applies joiners and movers, and keeps leavers for the end.
    async fn take_in(&self, full: &mut FullRun<'_>, batch: Batch) -> Result<(), Trouble> {
        let began = self.clock.now();
        let record = full.session.record.clone();
        let ids: Vec<ObjectId> = batch.seen.iter().map(|seen| seen.person).collect();
        full.done += ids.len() as u64;
        let knowledge = self.db.read(move |db| people::know(db, &record.id, &record.settings, &ids, None)).await?;
        let mut planned = people::plan(&knowledge, &batch.seen, &full.session.rules, people::moment(&*self.clock));
        let (leaving, staying): (Vec<_>, Vec<_>) =
            std::mem::take(&mut planned.plans).into_iter().partition(|plan| !guard::leavers_of(plan).is_empty());
        let evidence: HashMap<ObjectId, Evidence> = batch.seen.iter().map(|one| (one.person, one.evidence)).collect();
        let of = |plan: &PersonPlan| (plan.object, evidence.get(&plan.object).copied().unwrap_or_default());
        full.leavers.extend(leaving.iter().map(of));
        let context = batch.context(full.found_by(), began, self.clock.now());
        self.look_again(full, &planned, &context).await?;
        let set = GuardedSet::new(HoldIn::FullRun(full.run.id), context.now);
        let (id, settings) = (full.session.connection(), &full.session.record.settings);
        let cleared = people::pass_guard(&self.db, id, settings, &knowledge, staying, set).await?;
        let applied = people::apply_all(&self.db, full.lease, id, cleared, &context).await?;
        full.counts.add(&applied);
        self.queue_refused(full, &applied).await?;
        let progress = Progress { phase: "people", done: full.done, total: full.total };
        self.progress(full.session, full.run, progress, full.counts).await
    }

    /// People who are not known well enough go to the queue, whose second looks decide; those who cannot be mapped are
    /// logged.
    pub(super) async fn look_again(
        &self,
        full: &mut FullRun<'_>,
        rest: &Planned,
        context: &Context,
    ) -> Result<(), Trouble> {
        full.counts.failed += rest.unmappable.len() as u64;
        if rest.unknown.is_empty() && rest.unmappable.is_empty() {
            return Ok(());
        }
        let id = full.session.connection().clone();
        let unknown: Vec<ObjectId> = rest.unknown.iter().map(|(person, _)| *person).collect();
        let failures: Vec<_> = rest
            .unmappable
            .iter()
            .map(|(person, error)| people::failure(*person, error.to_string(), context))
            .collect();
        let (now, took) = (context.now, context.took);
        let reason = Reason { hint: None, found_by: full.found_by(), received_at: now };
        Ok(self
            .db
            .write(move |db| {
                queue::enqueue(db, &id, Lane::User, &unknown, reason, now)?;
                apply::append_log(db, &id, failures.clone(), now, took)
            })
            .await?)
    }

    /// People whose user name is taken are kept in the queue, which takes them up when a user name becomes free; those
    /// somebody else decided about meanwhile are looked at once more.
    pub(super) async fn queue_refused(&self, full: &FullRun<'_>, applied: &Applied) -> Result<(), Trouble> {
        let refused: Vec<ObjectId> =
            applied.refused.iter().map(|(person, _)| person).chain(&applied.overtaken).copied().collect();
        if refused.is_empty() {
            return Ok(());
        }
        let (id, now) = (full.session.connection().clone(), self.clock.now());
        let reason = Reason { hint: None, found_by: full.found_by(), received_at: now };
        Ok(self.db.write(move |db| queue::enqueue(db, &id, Lane::User, &refused, reason, now)).await?)
    }
}
