//! The event feed as lines for people.

use serde_json::Value;

use super::stage::CONNECTION;
use crate::cli::client::AdminClient;
use crate::cli::{CommandError, output};

/// Reads the events of the connection in order, each once.
#[derive(Debug)]
pub struct Feed<'a> {
    client: &'a AdminClient,
    after: i64,
}

impl<'a> Feed<'a> {
    /// A feed that begins after everything that has happened.
    pub async fn from_now(client: &'a AdminClient) -> Result<Self, CommandError> {
        let mut feed = Self { client, after: 0 };
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
        items.iter().try_for_each(|event| output::line(line(event)))
    }

    fn advance(&mut self, items: &[Value]) {
        self.after = items.last().and_then(|event| event["sequence"].as_i64()).unwrap_or(self.after);
    }
}

/// `20:01:12  account.updated      Ada Lovelace: job_title Engineer → Head of Research`
fn line(event: &Value) -> String {
    let at = event["at"].as_str().and_then(|at| at.get(11..19)).unwrap_or_default();
    let kind = output::text(&event["type"]);
    let data = &event["data"];
    let name = ["display_name", "user_name", "name"].into_iter().map(|field| output::text(&data[field]));
    let name = name.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
    let more = match data["member"]["external_id"].as_str() {
        Some(member) => format!(": {member}"),
        None => changes(data, &event["previous"]),
    };
    format!("{at}  {kind:<20} {name}{more}")
}

fn changes(data: &Value, previous: &Value) -> String {
    let shown = |value: &Value| match value {
        Value::Null => "none".to_owned(),
        other => output::text(other),
    };
    let one = |(field, before): (&String, &Value)| format!("{field} {} → {}", shown(before), shown(&data[field]));
    let changed: Vec<String> =
        previous.as_object().into_iter().flatten().filter(|(field, _)| !field.ends_with("_at")).map(one).collect();
    if changed.is_empty() { String::new() } else { format!(": {}", changed.join(", ")) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_is_a_line_with_what_changed() {
        let event = json!({
            "at": "2026-11-21T20:01:12.123456Z", "type": "account.updated",
            "data": { "display_name": "Ada Lovelace", "job_title": "Head", "department": null },
            "previous": { "job_title": "Engineer", "department": "Sales", "updated_at": "2026-11-21T20:00:00Z" }
        });
        assert_eq!(
            line(&event),
            "20:01:12  account.updated      Ada Lovelace: department Sales → none, job_title Engineer → Head"
        );
    }

    #[test]
    fn a_member_event_names_team_and_person() {
        let event = json!({
            "at": "2026-11-21T20:01:12Z", "type": "team.member_added", "previous": {},
            "data": { "name": "Staff", "member": { "id": "a", "external_id": "e" } }
        });
        assert_eq!(line(&event), "20:01:12  team.member_added    Staff: e");
    }
}
