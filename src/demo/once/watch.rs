//! Looking at the service until it shows what is expected, or too long.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;
use uuid::Uuid;

use super::Play;
use crate::cli::{CommandError, output};
use crate::demo::stage::CONNECTION;

/// How long one step may take: many times what it needs.
const STEP_MAX: Duration = Duration::from_secs(12);

/// How often is looked.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// What was expected of a step, and what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    expected: String,
    found: String,
}

impl Finding {
    /// The step could not be played.
    pub(super) fn failed(why: impl ToString) -> Self {
        Self { expected: "an answer".to_owned(), found: why.to_string() }
    }

    pub(super) fn agrees(&self) -> bool {
        self.expected == self.found
    }

    pub(super) fn row(self, title: &str) -> Vec<String> {
        let ok = if self.agrees() { "yes" } else { "NO" };
        vec![title.to_owned(), self.expected, self.found, ok.to_owned()]
    }
}

impl Play<'_> {
    /// Looks until what is found is what is expected, or the time of the step is over.
    pub(super) async fn until(
        &self,
        expected: impl Into<String>,
        mut look: impl AsyncFnMut() -> Result<String, CommandError>,
    ) -> Finding {
        let expected = expected.into();
        let ends_at = self.ends_at.min(Instant::now() + STEP_MAX);
        loop {
            let found = look().await.unwrap_or_else(|error| error.to_string());
            if found == expected || Instant::now() >= ends_at {
                return Finding { expected, found };
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }

    /// The account of a person; null while there is none.
    pub(super) async fn account(&self, person: Uuid) -> Result<Value, CommandError> {
        let person = person.to_string();
        match self.stage.client.get(&["connections", CONNECTION, "accounts", &person], &[]).await {
            Err(CommandError::Refused { status: 404, .. }) => Ok(Value::Null),
            answer => answer,
        }
    }

    /// Who found the last change of this kind to a person first: `update by delta`.
    pub(super) async fn finder(&self, person: Uuid, action: &str) -> Result<String, CommandError> {
        let person = person.to_string();
        let query = [("object", person.as_str()), ("action", action), ("limit", "1")];
        let log = self.stage.client.get(&["connections", CONNECTION, "log"], &query).await?;
        let found_by = log["items"][0]["found_by"].as_str().unwrap_or("nobody");
        Ok(format!("{action} by {found_by}"))
    }

    /// How many of these people have an active account.
    pub(super) async fn active(&self, people: &[Uuid]) -> Result<usize, CommandError> {
        let mut active = 0;
        for person in people {
            active += usize::from(self.account(*person).await?["active"] == true);
        }
        Ok(active)
    }

    /// Asks for a run and waits until it has ended; returns it as it ended.
    pub(super) async fn run(&self, full: bool) -> Result<Value, CommandError> {
        let body = serde_json::json!({ "full": full });
        let mut run = self.stage.client.post(&["connections", CONNECTION, "sync"], Some(body)).await?;
        let id = output::text(&run["id"]);
        let ends_at = self.ends_at.min(Instant::now() + STEP_MAX);
        while matches!(run["status"].as_str(), Some("pending" | "running")) && Instant::now() < ends_at {
            tokio::time::sleep(LOOK_INTERVAL).await;
            run = self.stage.client.get(&["runs", &id], &[]).await?;
        }
        Ok(run)
    }

    /// Makes a change whose notification is lost on the way.
    pub(super) async fn unnoticed(&self, change: impl FnOnce()) -> Result<(), CommandError> {
        let simulator = &self.stage.simulator;
        // Notifications of earlier steps are not to be lost with it.
        self.until("0", async || Ok(simulator.pending_notifications().to_string())).await;
        simulator.lose_notifications(true);
        change();
        let sent = self.until("0", async || Ok(simulator.pending_notifications().to_string())).await;
        simulator.lose_notifications(false);
        if sent.agrees() { Ok(()) } else { Err(CommandError::NotDone("a notification is still pending".to_owned())) }
    }
}

/// `active`, `inactive (left_scope)` or `no account`.
pub(super) fn standing(account: &Value) -> String {
    match account["active"].as_bool() {
        Some(true) => "active".to_owned(),
        Some(false) => format!("inactive ({})", output::text(&account["deactivated_reason"])),
        None => "no account".to_owned(),
    }
}
