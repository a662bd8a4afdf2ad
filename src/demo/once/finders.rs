//! Changes no notification tells of: found by delta, and what delta is not asked for by the reconcile.

use serde_json::json;

use super::Play;
use super::watch::Finding;
use crate::cli::{CommandError, output};

/// The jobs that change without a word.
const JOB_FOR_DELTA: &str = "Dispatcher";
const JOB_FOR_RECONCILE: &str = "Archivist";

impl Play<'_> {
    pub(super) async fn lost_notification(&mut self) -> Result<Finding, CommandError> {
        let person = self.somebody()?;
        let tenant = self.stage.contoso.tenant.clone();
        self.unnoticed(|| tenant.update_user(person, "jobTitle", json!(JOB_FOR_DELTA))).await?;
        let run = self.run(false).await?;
        let status = output::text(&run["status"]);
        let look = async || {
            let job = output::text(&self.account(person).await?["job_title"]);
            Ok(format!("{job}, {}, run {status}", self.finder(person, "update").await?))
        };
        Ok(self.until(format!("{JOB_FOR_DELTA}, update by delta, run succeeded"), look).await)
    }

    pub(super) async fn lost_change(&mut self) -> Result<Finding, CommandError> {
        let person = self.somebody()?;
        let tenant = self.stage.contoso.tenant.clone();
        self.unnoticed(|| tenant.update_user(person, "jobTitle", json!(JOB_FOR_RECONCILE))).await?;
        let run = self.run(true).await?;
        let told = format!("run {} with {} repair", output::text(&run["status"]), run["repairs"]);
        let look = async || {
            let job = output::text(&self.account(person).await?["job_title"]);
            Ok(format!("{job}, {}, {told}", self.finder(person, "update").await?))
        };
        Ok(self.until(format!("{JOB_FOR_RECONCILE}, update by reconcile, run succeeded with 1 repair"), look).await)
    }
}
