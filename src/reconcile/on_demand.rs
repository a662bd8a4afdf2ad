//! One person, now.

use crate::directory::ObjectId;
use crate::directory::account::FoundBy;
use crate::directory::decide::Evidence;
use crate::provisioning::people::{self, Batch, GuardedSet, HoldIn, Seen};
use crate::provisioning::{Session, Trouble};
use crate::store::apply;
use crate::store::leases::Lease;
use crate::store::runs::{Progress, Run, RunCounts};

use super::runner::{Ended, Reconciler};

impl Reconciler {
    /// Fetches one person and brings their account to what they are.
    pub(super) async fn on_demand(&self, session: &Session, run: &Run, lease: &Lease) -> Result<Ended, Trouble> {
        let began = self.clock.now();
        let person = self.person(session, run).await?;
        let observation = self.observation(session).await?;
        let found = session.graph.users_by_ids(&[person], &session.selection).await?;
        let seen = found
            .into_iter()
            .map(|(person, observed)| Seen {
                person,
                observed,
                evidence: Evidence::FetchOnly,
                found_by: FoundBy::OnDemand,
            })
            .collect();
        let batch = Batch { observation, seen, run: Some(run.id) };
        let record = session.record.clone();
        let knowledge = self.db.read(move |db| people::know(db, &record.id, &record.settings, &[person], None)).await?;
        let planned = people::plan(&knowledge, &batch.seen, &session.rules);
        if !planned.unknown.is_empty() {
            return Err(Trouble::NotFound(person.to_string()));
        }
        let set = GuardedSet::new(HoldIn::Incremental, self.clock.now());
        let (id, settings) = (session.connection(), &session.record.settings);
        let cleared = people::pass_guard(&self.db, id, settings, &knowledge, planned.plans, set).await?;
        let context = batch.context(FoundBy::OnDemand, began, self.clock.now());
        let applied = people::apply_all(&self.db, lease, id, cleared, &context).await?;
        let failed = (applied.refused.len() + planned.unmappable.len()) as u64;
        let counts = RunCounts {
            created: applied.created,
            updated: applied.updated,
            reactivated: applied.reactivated,
            deactivated: applied.deactivated,
            unchanged: applied.unchanged,
            skipped: applied.skipped,
            failed,
        };
        let failures: Vec<_> = planned
            .unmappable
            .iter()
            .map(|(person, error)| people::failure(*person, error.to_string(), &context))
            .collect();
        let id = id.clone();
        self.db.write(move |db| apply::append_log(db, &id, failures.clone(), context.now, context.took)).await?;
        self.progress(session, run, Progress { phase: "people", done: 1, total: Some(1) }, counts).await?;
        Ok(Ended::Succeeded)
    }

    /// The person meant: an object id, or the user name of somebody with an account.
    async fn person(&self, session: &Session, run: &Run) -> Result<ObjectId, Trouble> {
        let text = run.object.clone().unwrap_or_default();
        if let Ok(id) = text.parse() {
            return Ok(id);
        }
        session.graph.user_id_by_name(&text).await?.ok_or(Trouble::NotFound(text))
    }
}
