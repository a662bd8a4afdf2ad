//! `rollcall sync`.

use std::time::Duration;

use serde_json::{Value, json};

use super::arguments::SyncArguments;
use super::client::AdminClient;
use super::{CommandError, output};

/// How often a run is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);

/// Asks for a run and waits until it has ended.
pub async fn sync(arguments: SyncArguments) -> Result<(), CommandError> {
    let client = AdminClient::from_process(&arguments.api.config)?;
    let body = json!({ "full": arguments.full, "dry_run": arguments.dry_run, "user": arguments.user });
    let run = client.post(&["connections", &arguments.id, "sync"], Some(body)).await?;
    warn_if_paused(&client, &arguments.id).await?;
    let run = ended(&client, run).await?;
    if arguments.api.json {
        output::json(&run)?;
    } else {
        output::line(summary(&run))?;
    }
    if arguments.dry_run {
        plan(&client, &run, arguments.api.json).await?;
    }
    verdict(&run)
}

/// The run of a paused connection is kept until somebody resumes it, and this command waits as long.
async fn warn_if_paused(client: &AdminClient, id: &str) -> Result<(), CommandError> {
    let connection = client.get(&["connections", id], &[]).await?;
    if connection["status"] == "paused" {
        eprintln!("{id} is paused: the run begins after `rollcall connection resume {id}`");
    }
    Ok(())
}

/// Waits until a run has ended or is held; tells on stderr how far it is.
async fn ended(client: &AdminClient, mut run: Value) -> Result<Value, CommandError> {
    let id = output::text(&run["id"]);
    let mut told = String::new();
    loop {
        let now = progress(&run);
        if now != told {
            eprintln!("{now}");
            told = now;
        }
        if !matches!(run["status"].as_str(), Some("pending" | "running")) {
            return Ok(run);
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
        run = client.get(&["runs", &id], &[]).await?;
    }
}

fn progress(run: &Value) -> String {
    let [kind, status] = ["kind", "status"].map(|name| output::text(&run[name]));
    let progress = &run["progress"];
    let of = progress["total"].as_i64().map(|total| format!(" of {total}")).unwrap_or_default();
    match status.as_str() {
        "running" => format!("{kind} running: {}, {}{of}", output::text(&progress["phase"]), progress["done"]),
        _ => format!("{kind} {status}"),
    }
}

fn summary(run: &Value) -> String {
    let names = ["created", "updated", "reactivated", "deactivated", "unchanged", "skipped", "failed"];
    let counts = names.map(|name| format!("{} {name}", run["counts"][name].as_u64().unwrap_or_default()));
    let [kind, status] = ["kind", "status"].map(|name| output::text(&run[name]));
    let repairs = run["repairs"].as_u64().filter(|repairs| *repairs > 0);
    let repairs = repairs.map(|repairs| format!(", {repairs} repairs")).unwrap_or_default();
    format!("{kind} {status}: {}{repairs}", counts.join(", "))
}

async fn plan(client: &AdminClient, run: &Value, json: bool) -> Result<(), CommandError> {
    let items = client.items(&["runs", &output::text(&run["id"]), "plan"], &[]).await?;
    if json {
        return output::json(&Value::Array(items));
    }
    let row = |item: &Value| {
        let object = &item["object"];
        [&item["action"], &object["kind"], &object["name"], &object["id"], &item["reason"]].map(output::text).to_vec()
    };
    output::table(&["action", "kind", "name", "id", "reason"], &items.iter().map(row).collect::<Vec<_>>())
}

/// A run that is held or was cancelled has not done what was asked for.
fn verdict(run: &Value) -> Result<(), CommandError> {
    let id = output::text(&run["id"]);
    let error = run["error"].as_str().map(|error| format!(": {error}")).unwrap_or_default();
    let sentence = match run["status"].as_str() {
        Some("succeeded") => return Ok(()),
        Some("held") => format!("the guard holds run {id}{error}; look at its plan, then allow or reject it"),
        Some("cancelled") => format!("run {id} was cancelled{error}; ask for another"),
        _ => format!("run {id} failed{error}"),
    };
    Err(CommandError::NotDone(sentence))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(status: &str) -> Value {
        json!({
            "id": "r", "kind": "reconcile", "status": status, "repairs": 1, "error": null,
            "counts": { "created": 2, "failed": 1 }, "progress": { "phase": "people", "done": 7, "total": 9 }
        })
    }

    #[test]
    fn progress_says_how_far_a_run_is_and_the_summary_what_it_did() {
        assert_eq!(progress(&run("running")), "reconcile running: people, 7 of 9");
        assert_eq!(progress(&run("pending")), "reconcile pending");
        let expected = "reconcile succeeded: 2 created, 0 updated, 0 reactivated, 0 deactivated, 0 unchanged, \
                        0 skipped, 1 failed, 1 repairs";
        assert_eq!(summary(&run("succeeded")), expected);
    }

    #[test]
    fn only_a_run_that_succeeded_is_done() {
        assert!(verdict(&run("succeeded")).is_ok());
        for status in ["held", "failed", "cancelled"] {
            assert!(verdict(&run(status)).is_err(), "{status}");
        }
    }
}
