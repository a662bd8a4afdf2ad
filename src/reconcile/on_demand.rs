//! One person, now.

use crate::directory::ObjectId;
use crate::directory::account::FoundBy;
use crate::directory::decide::Evidence;
use crate::directory::mapping::MappingError;
use crate::provisioning::people::{self, Batch, GuardedSet, HoldIn, Seen};
use crate::provisioning::{Session, Trouble};
use crate::store::StoreError;
use crate::store::apply::{self, Context, LogLine};
use crate::store::leases::Lease;
use crate::store::runs::{Progress, Run, RunCounts};

use super::runner::{Ended, Reconciler};

impl Reconciler {
    /// Fetches one person and brings their account to what they are.
    pub(super) async fn on_demand(&self, session: &Session, run: &Run, lease: &Lease) -> Result<Ended, Trouble> {
        let began = self.clock.now();
        let person = self.person(session, run).await?;
        let batch = self.look_at(session, run, person).await?;
        let record = session.record.clone();
        let knowledge = self.db.read(move |db| people::know(db, &record.id, &record.settings, &[person], None)).await?;
        let planned = people::plan(&knowledge, &batch.seen, &session.rules, people::moment(&*self.clock));
        if !planned.unknown.is_empty() {
            return Err(Trouble::NotFound(person.to_string()));
        }
        let set = GuardedSet::new(HoldIn::Incremental, self.clock.now());
        let (id, settings) = (session.connection(), &session.record.settings);
        let cleared = people::pass_guard(&self.db, id, settings, &knowledge, planned.plans, set).await?;
        let context = batch.context(FoundBy::OnDemand, began, self.clock.now());
        let applied = people::apply_all(&self.db, lease, id, cleared, &context).await?;
        let mut counts = RunCounts { failed: planned.unmappable.len() as u64, ..RunCounts::default() };
        counts.add(&applied);
        self.log_unmappable(session, planned.unmappable, context).await?;
        self.progress(session, run, Progress { phase: "people", done: 1, total: Some(1) }, counts).await?;
        Ok(Ended::Succeeded)
    }

    async fn look_at(&self, session: &Session, run: &Run, person: ObjectId) -> Result<Batch, Trouble> {
        let observation = self.observation(session).await?;
        let found = session.graph.users_by_ids(&[person], &session.selection).await?;
        let (evidence, found_by) = (Evidence::FetchOnly, FoundBy::OnDemand);
        let seen = found.into_iter().map(|(person, observed)| Seen { person, observed, evidence, found_by }).collect();
        Ok(Batch { observation, seen, run: Some(run.id) })
    }

    async fn log_unmappable(
        &self,
        session: &Session,
        unmappable: Vec<(ObjectId, MappingError)>,
        context: Context,
    ) -> Result<(), StoreError> {
        let id = session.connection().clone();
        let failure =
            |(person, error): &(ObjectId, MappingError)| people::failure(*person, error.to_string(), &context);
        let failures: Vec<LogLine> = unmappable.iter().map(failure).collect();
        self.db.write(move |db| apply::append_log(db, &id, failures.clone(), context.now, context.took)).await
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
