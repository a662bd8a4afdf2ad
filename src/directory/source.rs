//! What the customer's directory showed: users, groups, members, and the difference between absent and unknown.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::ids::ObjectId;

/// Attribute values by Graph's property name; only what was selected is there.
pub type Attributes = Map<String, Value>;

/// What one fetch showed of one object. An error is neither: it means unknown and removes nobody.
#[derive(Clone, Debug, PartialEq)]
pub enum Observed<T> {
    /// Graph returned the object.
    Present(T),
    /// Graph answered and did not have the object.
    Absent(Absence),
}

/// How sure a fetch is that an object is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absence {
    /// Found among the deleted items: restorable for 30 days.
    SoftDeleted,
    /// Neither in the directory nor among the deleted items: purged, or not replicated yet.
    NotFound,
}

/// Who a user's manager is, as far as the fetch asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ManagerSeen {
    /// The fetch did not ask: what is known stays.
    #[default]
    NotAsked,
    /// The fetch asked and there is none.
    Nobody,
    /// The manager's object id.
    Person(ObjectId),
}

/// A user as Graph showed it.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceUser {
    /// The immutable object id.
    pub id: ObjectId,
    /// The selected properties, without `id` and `manager`.
    pub attributes: Attributes,
    /// The manager, if asked for.
    pub manager: ManagerSeen,
}

impl SourceUser {
    /// `accountEnabled`; `None` when Graph did not say.
    pub fn enabled(&self) -> Option<bool> {
        self.attributes.get("accountEnabled").and_then(Value::as_bool)
    }

    /// A property as text; `None` when absent, null, empty or of another type.
    pub fn text(&self, property: &str) -> Option<&str> {
        self.attributes.get(property).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// Whether Graph gave only limited information: without a user principal name an object is a null-filled
    /// shell (a permission is missing), and reading its nulls as cleared values would wreck an account.
    pub fn is_limited(&self) -> bool {
        self.text("userPrincipalName").is_none()
    }
}

/// A group as Graph showed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceGroup {
    /// The immutable object id.
    pub id: ObjectId,
    /// `displayName`; not unique in a tenant. `None` is limited information.
    pub display_name: Option<String>,
    /// `description`.
    pub description: Option<String>,
}

/// What kind of object a membership edge points at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MemberKind {
    /// A user.
    User,
    /// A nested group.
    Group,
    /// A device, contact or service principal: kept out of the mirror.
    Other,
}

/// A group with all its direct members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedGroup {
    /// The group.
    pub group: SourceGroup,
    /// Its direct members, people and groups only.
    pub members: HashSet<Member>,
}

/// What changed among the direct members of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberDifference {
    /// Members now.
    pub added: Vec<Member>,
    /// Members no longer.
    pub removed: Vec<Member>,
}

impl MemberDifference {
    /// The difference from `before` to `now`, in the order of ids.
    pub fn between(before: &HashSet<Member>, now: &HashSet<Member>) -> Self {
        let sorted = |mut members: Vec<Member>| {
            members.sort_unstable();
            members
        };
        Self {
            added: sorted(now.difference(before).copied().collect()),
            removed: sorted(before.difference(now).copied().collect()),
        }
    }
}

/// One direct member of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Member {
    /// The member's object id.
    pub id: ObjectId,
    /// Its kind.
    pub kind: MemberKind,
}
