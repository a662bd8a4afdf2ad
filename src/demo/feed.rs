//! The event feed as lines for people.

use std::collections::BTreeMap;

use serde_json::Value;

use super::stage::CONNECTION;
use crate::cli::client::AdminClient;
use crate::cli::{CommandError, output};

/// Fields that say again what a line says anyway.
const LEFT_OUT: [&str; 3] = ["active", "deactivated_reason", "manager_external_id"];

/// Reads the events of the connection in order, each once.
#[derive(Debug)]
pub struct Feed<'a> {
    client: &'a AdminClient,
    after: i64,
    names: Names,
}

impl<'a> Feed<'a> {
    /// A feed that begins after everything that has happened.
    pub async fn from_now(client: &'a AdminClient) -> Result<Self, CommandError> {
        let mut feed = Self { client, after: 0, names: Names::default() };
        // Kept from an earlier start, the oldest events may be gone: without `after` the feed begins where it can.
        let items = client.items(&["connections", CONNECTION, "events"], &[]).await?;
        feed.advance(&items);
        Ok(feed)
    }

    /// Prints what has happened since the last time.
    pub async fn print_new(&mut self) -> Result<(), CommandError> {
        let after = self.after.to_string();
        let items = self.client.items(&["connections", CONNECTION, "events"], &[("after", &after)]).await?;
        self.advance(&items);
        items.iter().try_for_each(|event| output::line(line(event, &self.names)))
    }

    fn advance(&mut self, items: &[Value]) {
        self.after = items.last().and_then(|event| event["sequence"].as_i64()).unwrap_or(self.after);
        items.iter().for_each(|event| self.names.learn(&event["data"]));
    }
}

/// The names of people by the ids of their accounts, as events told them.
#[derive(Debug, Default)]
struct Names(BTreeMap<String, String>);

impl Names {
    fn learn(&mut self, account: &Value) {
        if let (Some(id), Some(name)) = (account["id"].as_str(), account["display_name"].as_str()) {
            self.0.insert(id.to_owned(), name.to_owned());
        }
    }

    fn of(&self, id: &Value) -> String {
        let id = output::text(id);
        self.0.get(&id).cloned().unwrap_or(id)
    }
}

/// `20:01:12  account.updated      Ada Lovelace: job_title Engineer → Head of Research`
fn line(event: &Value, names: &Names) -> String {
    let at = event["at"].as_str().and_then(|at| at.get(11..19)).unwrap_or_default();
    let kind = output::text(&event["type"]);
    let data = &event["data"];
    let name = ["display_name", "user_name", "name"].map(|field| output::text(&data[field]));
    let name = name.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
    let mut told = changes(data, &event["previous"], names);
    told.extend(data["member"].get("id").map(|member| names.of(member)));
    told.extend(data["deactivated_reason"].as_str().map(str::to_owned));
    let colon = if told.is_empty() { "" } else { ": " };
    format!("{at}  {kind:<20} {name}{colon}{}", told.join(", "))
}

fn changes(data: &Value, previous: &Value, names: &Names) -> Vec<String> {
    let is_told = |field: &str| !field.ends_with("_at") && !LEFT_OUT.contains(&field);
    let shown = |field: &str, value: &Value| match (field, value) {
        (_, Value::Null) => "none".to_owned(),
        ("manager_id", id) => names.of(id),
        (_, other) => output::text(other),
    };
    let changed = previous.as_object().into_iter().flatten().filter(|(field, _)| is_told(field));
    let one = |(field, before): (&String, &Value)| {
        let name = if field == "manager_id" { "manager" } else { field };
        format!("{name} {} → {}", shown(field, before), shown(field, &data[field]))
    };
    changed.map(one).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_is_a_line_with_what_changed() {
        let mut names = Names::default();
        names.learn(&json!({ "id": "g", "display_name": "Grace Hopper" }));
        let event = json!({
            "at": "2026-11-21T20:01:12.123456Z", "type": "account.updated",
            "data": { "display_name": "Ada Lovelace", "job_title": "Head", "manager_id": "g" },
            "previous": { "job_title": "Engineer", "manager_id": null, "updated_at": "2026-11-21T20:00:00Z" }
        });
        let expected = "20:01:12  account.updated      Ada Lovelace: job_title Engineer → Head, \
                        manager none → Grace Hopper";
        assert_eq!(line(&event, &names), expected);
    }

    #[test]
    fn a_leaver_is_told_with_the_reason() {
        let event = json!({
            "at": "2026-11-21T20:01:12Z", "type": "account.deactivated",
            "data": { "display_name": "Ada", "active": false, "deactivated_reason": "left_scope" },
            "previous": { "active": true, "deactivated_reason": null, "deactivated_at": null }
        });
        assert_eq!(line(&event, &Names::default()), "20:01:12  account.deactivated  Ada: left_scope");
    }

    #[test]
    fn a_member_event_names_team_and_person() {
        let mut names = Names::default();
        names.learn(&json!({ "id": "a", "display_name": "Ada" }));
        let event = json!({
            "at": "2026-11-21T20:01:12Z", "type": "team.member_added", "previous": {},
            "data": { "name": "Staff", "member": { "id": "a", "external_id": "e" } }
        });
        assert_eq!(line(&event, &names), "20:01:12  team.member_added    Staff: Ada");
    }
}
