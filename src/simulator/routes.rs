//! The table of contents of the simulated Graph: method and path to operation.

use super::errors::GraphError;
use super::properties::Kind;

/// One thing Graph can be asked to do. Ids are as they were sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    List(Kind),
    Count(Kind),
    Get(Kind, String),
    Manager(String),
    /// What is in a group, directly or on any level, cast to one kind or not.
    Members {
        group: String,
        transitive: bool,
        cast: Option<Kind>,
    },
    /// The groups an object is in.
    MemberOf {
        kind: Kind,
        id: String,
        transitive: bool,
        cast: Option<Kind>,
    },
    GetByIds,
    Delta(Kind),
    DeletedList(Kind),
    DeletedGet(String),
    DeletedRestore(String),
    DeletedPurge(String),
    Photo {
        user: String,
        value: bool,
    },
    Organization,
    SubscriptionCreate,
    SubscriptionList,
    SubscriptionGet(String),
    SubscriptionUpdate(String),
    SubscriptionDelete(String),
    SubscriptionReauthorize(String),
}

impl Operation {
    /// The name under which it is counted.
    pub(super) fn name(&self) -> &'static str {
        use Kind::{Group, User};
        match self {
            Operation::List(User) => "users.list",
            Operation::List(Group) => "groups.list",
            Operation::Count(User) => "users.count",
            Operation::Count(Group) => "groups.count",
            Operation::Get(User, _) => "users.get",
            Operation::Get(Group, _) => "groups.get",
            Operation::Manager(_) => "users.manager",
            Operation::Members { transitive: false, .. } => "groups.members",
            Operation::Members { transitive: true, .. } => "groups.transitiveMembers",
            Operation::MemberOf { kind: User, transitive: false, .. } => "users.memberOf",
            Operation::MemberOf { kind: User, transitive: true, .. } => "users.transitiveMemberOf",
            Operation::MemberOf { kind: Group, transitive: false, .. } => "groups.memberOf",
            Operation::MemberOf { kind: Group, transitive: true, .. } => "groups.transitiveMemberOf",
            Operation::GetByIds => "directoryObjects.getByIds",
            Operation::Delta(User) => "users.delta",
            Operation::Delta(Group) => "groups.delta",
            Operation::DeletedList(_) => "deletedItems.list",
            Operation::DeletedGet(_) => "deletedItems.get",
            Operation::DeletedRestore(_) => "deletedItems.restore",
            Operation::DeletedPurge(_) => "deletedItems.purge",
            Operation::Photo { .. } => "users.photo",
            Operation::Organization => "organization.list",
            Operation::SubscriptionCreate => "subscriptions.create",
            Operation::SubscriptionList => "subscriptions.list",
            Operation::SubscriptionGet(_) => "subscriptions.get",
            Operation::SubscriptionUpdate(_) => "subscriptions.update",
            Operation::SubscriptionDelete(_) => "subscriptions.delete",
            Operation::SubscriptionReauthorize(_) => "subscriptions.reauthorize",
        }
    }

    /// Resource units before the modifiers of options. Graph: throttling-limits.
    pub(super) fn base_units(&self) -> u32 {
        match self {
            Operation::List(Kind::User) | Operation::MemberOf { .. } => 2,
            Operation::Members { transitive: false, .. } => 3,
            Operation::Members { transitive: true, .. } | Operation::GetByIds => 5,
            _ => 1,
        }
    }
}

/// Splits a path; `users('x')` is another way to write `users/x`.
fn segments(path: &str) -> Vec<String> {
    let mut segments = Vec::new();
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        match segment.strip_suffix("')").and_then(|open| open.split_once("('")) {
            Some((collection, id)) => segments.extend([collection.to_owned(), id.to_owned()]),
            None => segments.push(segment.to_owned()),
        }
    }
    segments
}

/// Finds the operation.
///
/// # Errors
/// 400 for a path Graph does not have, 405 for a method the path does not take.
pub(super) fn find(method: &str, path: &str) -> Result<Operation, GraphError> {
    let original = segments(path);
    let lower: Vec<_> = original.iter().map(|segment| segment.to_ascii_lowercase()).collect();
    let lower: Vec<_> = lower.iter().map(String::as_str).collect();
    let id = |place: usize| original[place].clone();
    let found = match lower.as_slice() {
        ["users" | "groups", ..] => return objects(method, &lower, id),
        ["directoryobjects", "getbyids" | "microsoft.graph.getbyids"] => [("POST", Operation::GetByIds)].into(),
        ["organization"] => [("GET", Operation::Organization)].into(),
        ["directory", "deleteditems", rest @ ..] => deleted_items(rest, || id(2)),
        ["subscriptions", rest @ ..] => subscriptions(rest, || id(1)),
        _ => Vec::new(),
    };
    choose(method, found, original.last())
}

type Methods = Vec<(&'static str, Operation)>;

fn choose(method: &str, found: Methods, last: Option<&String>) -> Result<Operation, GraphError> {
    if found.is_empty() {
        let segment = last.map_or("", String::as_str);
        return Err(GraphError::new(400, "BadRequest", format!("Resource not found for the segment '{segment}'.")));
    }
    let wanted = found.into_iter().find(|(taken, _)| *taken == method);
    wanted.map(|(_, operation)| operation).ok_or_else(|| {
        GraphError::new(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
    })
}

fn objects(method: &str, lower: &[&str], id: impl Fn(usize) -> String) -> Result<Operation, GraphError> {
    let kind = if lower[0] == "users" { Kind::User } else { Kind::Group };
    let found = match (kind, &lower[1..]) {
        (_, []) => Some(Operation::List(kind)),
        (_, ["$count"]) => Some(Operation::Count(kind)),
        (_, ["delta" | "delta()" | "microsoft.graph.delta" | "microsoft.graph.delta()"]) => {
            Some(Operation::Delta(kind))
        }
        (_, [_]) => Some(Operation::Get(kind, id(1))),
        (Kind::User, [_, "manager"]) => Some(Operation::Manager(id(1))),
        (Kind::User, [_, "photo"]) => Some(Operation::Photo { user: id(1), value: false }),
        (Kind::User, [_, "photo", "$value"]) => Some(Operation::Photo { user: id(1), value: true }),
        (Kind::User, [_, "photos", _, "$value"]) => Some(Operation::Photo { user: id(1), value: true }),
        (_, [_, link @ ("memberof" | "transitivememberof"), rest @ ..]) => {
            cast(rest).map(|cast| Operation::MemberOf { kind, id: id(1), transitive: link.starts_with('t'), cast })
        }
        (Kind::Group, [_, link @ ("members" | "transitivemembers"), rest @ ..]) => {
            cast(rest).map(|cast| Operation::Members { group: id(1), transitive: link.starts_with('t'), cast })
        }
        _ => None,
    };
    choose(
        method,
        found.map(|operation| ("GET", operation)).into_iter().collect(),
        lower.last().map(|last| (*last).to_owned()).as_ref(),
    )
}

/// No rest: no cast. A cast to one of the two kinds: that. Anything else: no such path.
fn cast(rest: &[&str]) -> Option<Option<Kind>> {
    match rest {
        [] => Some(None),
        ["microsoft.graph.user"] => Some(Some(Kind::User)),
        ["microsoft.graph.group"] => Some(Some(Kind::Group)),
        _ => None,
    }
}

fn deleted_items(rest: &[&str], id: impl Fn() -> String) -> Methods {
    match rest {
        ["microsoft.graph.user"] => vec![("GET", Operation::DeletedList(Kind::User))],
        ["microsoft.graph.group"] => vec![("GET", Operation::DeletedList(Kind::Group))],
        [_] => vec![("GET", Operation::DeletedGet(id())), ("DELETE", Operation::DeletedPurge(id()))],
        [_, "restore" | "microsoft.graph.restore"] => vec![("POST", Operation::DeletedRestore(id()))],
        _ => Vec::new(),
    }
}

fn subscriptions(rest: &[&str], id: impl Fn() -> String) -> Methods {
    match rest {
        [] => vec![("GET", Operation::SubscriptionList), ("POST", Operation::SubscriptionCreate)],
        [_] => vec![
            ("GET", Operation::SubscriptionGet(id())),
            ("PATCH", Operation::SubscriptionUpdate(id())),
            ("DELETE", Operation::SubscriptionDelete(id())),
        ],
        [_, "reauthorize" | "microsoft.graph.reauthorize"] => {
            vec![("POST", Operation::SubscriptionReauthorize(id()))]
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_found_in_any_case_and_ids_keep_theirs() {
        let found = find("GET", "Users/Ada@Contoso.example/Manager").unwrap();
        assert_eq!(found, Operation::Manager("Ada@Contoso.example".to_owned()));
        assert_eq!(find("GET", "users/microsoft.graph.delta").unwrap(), Operation::Delta(Kind::User));
        assert_eq!(find("GET", "users('x')").unwrap(), Operation::Get(Kind::User, "x".to_owned()));
    }

    #[test]
    fn unknown_paths_and_methods_are_refused() {
        assert_eq!(find("GET", "users/x/calendar").unwrap_err().status, 400);
        assert_eq!(find("GET", "directory/deletedItems").unwrap_err().status, 400);
        assert_eq!(find("POST", "users").unwrap_err().status, 405);
    }
}
