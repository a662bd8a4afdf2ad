//! Reading Graph's JSON: lenient where Graph varies, strict where a mistake could remove people.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::directory::ObjectId;
use crate::directory::source::{ManagerSeen, Member, MemberKind, SourceGroup, SourceUser};

use super::errors::GraphError;

/// One object.
pub(super) type Item = Map<String, Value>;

/// A page of objects. Without `value` it is no page: reading that as "nobody" could empty a group.
#[derive(Debug, Deserialize)]
pub(super) struct Collection {
    pub(super) value: Vec<Item>,
    #[serde(default, rename = "@odata.nextLink")]
    pub(super) next: Option<String>,
    #[serde(default, rename = "@odata.deltaLink")]
    pub(super) delta: Option<String>,
}

/// The object's id.
pub(super) fn id_of(item: &Item) -> Result<ObjectId, GraphError> {
    let id = item.get("id").and_then(Value::as_str).ok_or(GraphError::Protocol("an object without id"))?;
    id.parse().map_err(|_| GraphError::Protocol("an object whose id is not a GUID"))
}

/// A user; `managers` says whether the manager was expanded.
pub(super) fn user(mut item: Item, managers: bool) -> Result<SourceUser, GraphError> {
    let id = id_of(&item)?;
    let manager = item.remove("manager");
    let manager = if managers { manager_of(manager.as_ref())? } else { ManagerSeen::NotAsked };
    // Annotations such as `@odata.type` are about the answer, not about the person.
    item.retain(|key, _| key != "id" && !key.contains('@'));
    Ok(SourceUser { id, attributes: item, manager })
}

fn manager_of(manager: Option<&Value>) -> Result<ManagerSeen, GraphError> {
    match manager {
        None | Some(Value::Null) => Ok(ManagerSeen::Nobody),
        Some(Value::Object(manager)) => id_of(manager).map(ManagerSeen::Person),
        Some(_) => Err(GraphError::Protocol("a manager that is not an object")),
    }
}

/// A group.
pub(super) fn group(item: &Item) -> Result<SourceGroup, GraphError> {
    let text = |key: &str| item.get(key).and_then(Value::as_str).map(str::to_owned);
    Ok(SourceGroup { id: id_of(item)?, display_name: text("displayName"), description: text("description") })
}

/// A member. An entry without type is taken for a user: a wrong guess leads to a fetch that finds nobody, while
/// leaving the entry out would lose a person.
pub(super) fn member(item: &Item) -> Result<Member, GraphError> {
    let kind = item.get("@odata.type").and_then(Value::as_str).unwrap_or("#microsoft.graph.user");
    let kind = match kind.trim_start_matches('#').to_ascii_lowercase().as_str() {
        "microsoft.graph.user" => MemberKind::User,
        "microsoft.graph.group" => MemberKind::Group,
        _ => MemberKind::Other,
    };
    Ok(Member { id: id_of(item)?, kind })
}
