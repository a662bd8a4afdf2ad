//! A mass leave: held as a whole by the guard, rejected by a person, undone in the directory.

use serde_json::Value;
use uuid::Uuid;

use super::Play;
use super::watch::Finding;
use crate::cli::{CommandError, output};
use crate::demo::stage::CONNECTION;

/// One in so many people in scope leaves: twice the share the guard lets go.
const ONE_IN: usize = 5;

impl Play<'_> {
    pub(super) async fn mass_leave(&mut self) -> Result<Finding, CommandError> {
        let contoso = &self.stage.contoso;
        let size = contoso.in_scope().len() / ONE_IN;
        let people: Vec<Uuid> = contoso.enabled_in(contoso.sales).into_iter().take(size).collect();
        for person in &people {
            contoso.tenant.remove_member(contoso.sales, *person);
        }
        self.mass = people.clone();
        let mut held = None;
        let look = async || {
            held = self.held_run().await?;
            let count = match &held {
                Some(run) => self.accounts_held(run).await?,
                None => 0,
            };
            Ok(format!("{count} held, {} of {size} active", self.active(&people).await?))
        };
        let finding = self.until(format!("{size} held, {size} of {size} active"), look).await;
        self.held = held;
        Ok(finding)
    }

    async fn held_run(&self) -> Result<Option<String>, CommandError> {
        let runs = self.stage.client.get(&["connections", CONNECTION, "runs"], &[]).await?;
        let held = |run: &&Value| run["status"] == "held";
        Ok(runs["items"].as_array().into_iter().flatten().find(held).map(|run| output::text(&run["id"])))
    }

    async fn accounts_held(&self, run: &str) -> Result<usize, CommandError> {
        let plan = self.stage.client.items(&["runs", run, "plan"], &[]).await?;
        Ok(plan.iter().filter(|item| item["action"] == "disable").count())
    }

    pub(super) async fn mass_leave_rejected(&mut self) -> Result<Finding, CommandError> {
        let Some(held) = self.held.clone() else {
            return Err(CommandError::NotDone("no run is held that could be rejected".to_owned()));
        };
        let size = self.mass.len();
        let rejected = self.stage.client.post(&["runs", &held, "reject"], None).await;
        let rejected = rejected.map_or_else(|error| error.to_string(), |run| output::text(&run["status"]));
        let contoso = &self.stage.contoso;
        for person in &self.mass {
            contoso.tenant.add_member(contoso.sales, *person);
        }
        let look = async || {
            let connection = self.stage.client.get(&["connections", CONNECTION], &[]).await?;
            let status = output::text(&connection["status"]);
            Ok(format!("run {rejected}, {} of {size} active, {status}", self.active(&self.mass).await?))
        };
        Ok(self.until(format!("run cancelled, {size} of {size} active, healthy"), look).await)
    }
}
