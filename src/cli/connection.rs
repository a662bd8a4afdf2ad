//! `rollcall connection`.

use serde_json::Value;

use super::arguments::{ConnectionAct, ConnectionArguments, OneConnection};
use super::client::AdminClient;
use super::{CommandError, output};

/// Lists, shows, pauses, resumes or removes connections.
pub async fn connection(arguments: ConnectionArguments) -> Result<(), CommandError> {
    match arguments.act {
        ConnectionAct::List(api) => {
            let client = AdminClient::from_process(&api.config)?;
            let items = client.items(&["connections"], &[]).await?;
            if api.json { output::json(&Value::Array(items)) } else { list(&items) }
        }
        ConnectionAct::Show(one) => {
            let reply = client(&one)?.get(&["connections", &one.id], &[]).await?;
            show(&one, &reply)
        }
        ConnectionAct::Pause(one) => act(&one, "pause").await,
        ConnectionAct::Resume(one) => act(&one, "resume").await,
        ConnectionAct::Remove(one) => {
            client(&one)?.delete(&["connections", &one.id]).await?;
            if one.api.json { Ok(()) } else { output::line(format_args!("removed {}", one.id)) }
        }
    }
}

fn client(one: &OneConnection) -> Result<AdminClient, CommandError> {
    AdminClient::from_process(&one.api.config)
}

async fn act(one: &OneConnection, act: &str) -> Result<(), CommandError> {
    let reply = client(one)?.post(&["connections", &one.id, act], None).await?;
    if one.api.json {
        return output::json(&reply);
    }
    output::line(format_args!("{} is {}", one.id, output::text(&reply["status"])))
}

fn list(items: &[Value]) -> Result<(), CommandError> {
    let row = |item: &Value| {
        let counts = &item["counts"];
        [
            &item["id"],
            &item["name"],
            &item["status"],
            &counts["accounts_active"],
            &counts["accounts_inactive"],
            &counts["teams"],
            &item["status_reason"],
        ]
        .map(output::text)
        .to_vec()
    };
    let rows: Vec<_> = items.iter().map(row).collect();
    output::table(&["id", "name", "status", "active", "inactive", "teams", "reason"], &rows)
}

fn show(one: &OneConnection, reply: &Value) -> Result<(), CommandError> {
    if one.api.json {
        return output::json(reply);
    }
    let counts = &reply["counts"];
    let found_by = &reply["found_by"];
    let mut pairs: Vec<(&str, String)> = [
        ("id", &reply["id"]),
        ("name", &reply["name"]),
        ("tenant", &reply["tenant_id"]),
        ("client id", &reply["credentials"]["client_id"]),
        ("status", &reply["status"]),
        ("reason", &reply["status_reason"]),
        ("next attempt", &reply["next_attempt_at"]),
        ("scope", &reply["scope"]),
        ("accounts", &counts["accounts_active"]),
        ("inactive", &counts["accounts_inactive"]),
        ("teams", &counts["teams"]),
        ("last notification", &reply["last_notification_at"]),
        ("last delta", &reply["last_delta_at"]),
        ("last reconcile", &reply["last_reconcile_at"]),
        ("found by notification", &found_by["notification"]),
        ("found by delta", &found_by["delta"]),
        ("found by reconcile", &found_by["reconcile"]),
    ]
    .map(|(name, value)| (name, output::text(value)))
    .into();
    pairs.retain(|(_, value)| !value.is_empty());
    for subscription in reply["subscriptions"].as_array().into_iter().flatten() {
        let [resource, status, until] =
            ["resource", "status", "expires_at"].map(|name| output::text(&subscription[name]));
        pairs.push(("subscription", format!("{resource} {status}, until {until}")));
    }
    output::pairs(&pairs)
}
