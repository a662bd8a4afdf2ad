//! Single people and groups: each change is announced and found by its notification.

use serde_json::json;
use uuid::Uuid;

use super::Play;
use super::watch::{Finding, standing};
use crate::cli::{CommandError, output};
use crate::simulator::NewUser;

/// The job and department the mover gets.
const NEW_JOB: &str = "Head of Research";
const NEW_DEPARTMENT: &str = "Research";

impl Play<'_> {
    pub(super) async fn joiner(&mut self) -> Result<Finding, CommandError> {
        let contoso = &self.stage.contoso;
        let person = contoso.tenant.add_user(NewUser::named("Ada", "Lovelace").with("jobTitle", "Analyst"));
        contoso.tenant.add_member(contoso.staff, person);
        let expected = "active, Analyst, create by notification";
        let look = async || {
            let account = self.account(person).await?;
            let job = output::text(&account["job_title"]);
            Ok(format!("{}, {job}, {}", standing(&account), self.finder(person, "create").await?))
        };
        Ok(self.until(expected, look).await)
    }

    pub(super) async fn mover(&mut self) -> Result<Finding, CommandError> {
        let (person, manager) = (self.somebody()?, self.somebody()?);
        let tenant = &self.stage.contoso.tenant;
        let properties = [("jobTitle", json!(NEW_JOB)), ("department", json!(NEW_DEPARTMENT))];
        tenant.update_user_properties(person, &properties);
        tenant.set_manager(person, Some(manager));
        let manager = output::text(&self.account(manager).await?["id"]);
        let expected = format!("{NEW_JOB}, {NEW_DEPARTMENT}, new manager, update by notification");
        let look = async || {
            let account = self.account(person).await?;
            let [job, department] = ["job_title", "department"].map(|field| output::text(&account[field]));
            let managed = if account["manager_id"] == manager.as_str() { "new manager" } else { "old manager" };
            Ok(format!("{job}, {department}, {managed}, {}", self.finder(person, "update").await?))
        };
        Ok(self.until(expected, look).await)
    }

    pub(super) async fn leaver(&mut self) -> Result<Finding, CommandError> {
        let person = self.somebody()?;
        let contoso = &self.stage.contoso;
        contoso.tenant.remove_member(contoso.staff, person);
        self.leaves(person, "left_scope").await
    }

    pub(super) async fn disabled(&mut self) -> Result<Finding, CommandError> {
        let person = self.somebody()?;
        self.stage.contoso.tenant.disable(person);
        self.leaves(person, "disabled_in_source").await
    }

    pub(super) async fn deleted(&mut self) -> Result<Finding, CommandError> {
        let person = self.somebody()?;
        let account = output::text(&self.account(person).await?["id"]);
        self.deleted = Some((person, account));
        self.stage.contoso.tenant.soft_delete_user(person);
        self.leaves(person, "deleted_in_source").await
    }

    async fn leaves(&mut self, person: Uuid, reason: &'static str) -> Result<Finding, CommandError> {
        self.left.insert(person, reason);
        let expected = format!("inactive ({reason}), disable by notification");
        let look = async || {
            let account = self.account(person).await?;
            Ok(format!("{}, {}", standing(&account), self.finder(person, "disable").await?))
        };
        Ok(self.until(expected, look).await)
    }

    pub(super) async fn returned(&mut self) -> Result<Finding, CommandError> {
        let Some((person, before)) = self.deleted.clone() else {
            return Err(CommandError::NotDone("nobody was deleted before".to_owned()));
        };
        self.left.remove(&person);
        self.stage.contoso.tenant.restore(person);
        let look = async || {
            let account = self.account(person).await?;
            let id = if account["id"] == before.as_str() { "the same account id" } else { "another account id" };
            Ok(format!("{}, {id}, {}", standing(&account), self.finder(person, "enable").await?))
        };
        Ok(self.until("active, the same account id, enable by notification", look).await)
    }

    pub(super) async fn nested_group(&mut self) -> Result<Finding, CommandError> {
        let contoso = &self.stage.contoso;
        let interns = contoso.tenant.add_group("Interns");
        let people: Vec<Uuid> = (0..2).map(|_| contoso.tenant.add_random_user()).collect();
        for person in &people {
            contoso.tenant.add_member(interns, *person);
        }
        contoso.tenant.add_member(contoso.engineering, interns);
        self.nested = Some((interns, people.clone()));
        let look = async || {
            let mut in_team = 0;
            for person in &people {
                in_team += self.account(*person).await?["team_ids"].as_array().map_or(0, Vec::len);
            }
            Ok(format!("{} of 2 active, {in_team} of 2 in team Staff", self.active(&people).await?))
        };
        Ok(self.until("2 of 2 active, 2 of 2 in team Staff", look).await)
    }

    pub(super) async fn nested_leaver(&mut self) -> Result<Finding, CommandError> {
        let Some((group, Some(person))) = self.nested.as_ref().map(|(group, people)| (*group, people.first().copied()))
        else {
            return Err(CommandError::NotDone("no group was nested before".to_owned()));
        };
        self.stage.contoso.tenant.remove_member(group, person);
        self.leaves(person, "left_scope").await
    }
}
