//! `rollcall subscriptions`.

use serde_json::{Value, json};

use super::arguments::{ListSubscriptions, RenewSubscriptions, SubscriptionsAct, SubscriptionsArguments};
use super::client::AdminClient;
use super::{CommandError, output};

/// Lists or renews subscriptions.
pub async fn subscriptions(arguments: SubscriptionsArguments) -> Result<(), CommandError> {
    match arguments.act {
        SubscriptionsAct::List(arguments) => list(arguments).await,
        SubscriptionsAct::Renew(arguments) => renew(arguments).await,
    }
}

async fn list(arguments: ListSubscriptions) -> Result<(), CommandError> {
    let client = AdminClient::from_process(&arguments.api.config)?;
    let connections = match arguments.connection {
        Some(id) => vec![id],
        None => client.items(&["connections"], &[]).await?.iter().map(|item| output::text(&item["id"])).collect(),
    };
    let mut items = Vec::new();
    for id in &connections {
        // The whole list in one reply: a connection has two.
        let mut page = client.get(&["connections", id, "subscriptions"], &[]).await?;
        if let Value::Array(found) = page["items"].take() {
            items.extend(found);
        }
    }
    if arguments.api.json {
        return output::json(&Value::Array(items));
    }
    let columns = ["connection", "resource", "status", "expires_at", "renewed_at", "subscription_id", "error"];
    print(&columns, &items)
}

async fn renew(arguments: RenewSubscriptions) -> Result<(), CommandError> {
    let client = AdminClient::from_process(&arguments.api.config)?;
    let body = json!({ "connection": arguments.connection, "force": arguments.force });
    let reply = client.post(&["subscriptions", "renew"], Some(body)).await?;
    let results = reply["results"].as_array().cloned().unwrap_or_default();
    if arguments.api.json {
        output::json(&reply)?;
    } else {
        print(&["connection", "resource", "action", "expires_at", "subscription_id", "error"], &results)?;
    }
    let failed = results.iter().filter(|result| result["action"] == "failed").count();
    match failed {
        0 => Ok(()),
        failed => Err(CommandError::NotDone(format!(
            "{failed} of {} subscriptions could not be renewed; see the error of each",
            results.len()
        ))),
    }
}

fn print(columns: &[&str], items: &[Value]) -> Result<(), CommandError> {
    let row = |item: &Value| columns.iter().map(|column| output::text(&item[*column])).collect();
    let heads: Vec<String> = columns.iter().map(|column| column.replace('_', " ")).collect();
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    output::table(&heads, &items.iter().map(row).collect::<Vec<_>>())
}
