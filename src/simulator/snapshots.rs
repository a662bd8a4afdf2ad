//! What a tenant holds, copied for checking.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::clock;
use super::directory::{Directory, Slot};
use super::properties::Kind;
use super::tenant::Tenant;

/// A live user.
#[derive(Clone, Debug, PartialEq)]
pub struct UserSnapshot {
    /// The object id.
    pub id: Uuid,
    /// `userPrincipalName`.
    pub user_principal_name: String,
    /// `accountEnabled`.
    pub enabled: bool,
    /// The manager, unless deleted.
    pub manager: Option<Uuid>,
    /// Everything that was ever set, by name; cleared ones are `null`.
    pub properties: BTreeMap<String, Value>,
}

/// A live group.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupSnapshot {
    /// The object id.
    pub id: Uuid,
    /// `displayName`.
    pub display_name: String,
    /// Direct members of either kind.
    pub members: BTreeSet<Uuid>,
    /// Everything that was ever set, by name; cleared ones are `null`.
    pub properties: BTreeMap<String, Value>,
}

/// A subscription, with what Graph would not show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionSnapshot {
    /// The subscription's id.
    pub id: Uuid,
    /// The application that made it.
    pub client_id: Uuid,
    /// As it was sent.
    pub resource: String,
    /// As it was sent.
    pub change_type: String,
    /// Where changes are sent.
    pub notification_url: String,
    /// Where lifecycle notifications are sent.
    pub lifecycle_notification_url: Option<String>,
    /// The secret sent back with every notification.
    pub client_state: Option<String>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    /// Whether it has ended.
    pub expired: bool,
}

fn properties(directory: &Directory, slot: Slot) -> BTreeMap<String, Value> {
    let object = directory.object(slot);
    let read = |text: &str| serde_json::from_str(text).unwrap_or_default();
    let named = object.properties.iter().map(|(property, value)| {
        (directory.schema.name(object.kind, *property).to_owned(), read(directory.values.text(*value)))
    });
    named.collect()
}

fn user(directory: &Directory, slot: Slot) -> UserSnapshot {
    let properties = properties(directory, slot);
    let text = |name: &str| properties.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    UserSnapshot {
        id: directory.object(slot).id,
        user_principal_name: text("userPrincipalName"),
        enabled: properties.get("accountEnabled") == Some(&Value::Bool(true)),
        manager: directory.live_manager(slot).map(|manager| directory.object(manager).id),
        properties,
    }
}

fn group(directory: &Directory, slot: Slot) -> GroupSnapshot {
    let properties = properties(directory, slot);
    GroupSnapshot {
        id: directory.object(slot).id,
        display_name: properties.get("displayName").and_then(Value::as_str).unwrap_or_default().to_owned(),
        members: directory.live_members(slot).map(|member| directory.object(member).id).collect(),
        properties,
    }
}

impl Tenant {
    fn read<T>(&self, read: impl FnOnce(&Directory) -> T) -> T {
        read(&self.shared.lock().tenant(self.id()).directory)
    }

    /// All live users. Copies them all: meant for directories of a test's size.
    #[must_use]
    pub fn users(&self) -> Vec<UserSnapshot> {
        self.read(|directory| live(directory, Kind::User).map(|slot| user(directory, slot)).collect())
    }

    /// All live groups.
    #[must_use]
    pub fn groups(&self) -> Vec<GroupSnapshot> {
        self.read(|directory| live(directory, Kind::Group).map(|slot| group(directory, slot)).collect())
    }

    /// One live user.
    #[must_use]
    pub fn user(&self, id: Uuid) -> Option<UserSnapshot> {
        self.read(|directory| directory.live(id, Kind::User).map(|slot| user(directory, slot)))
    }

    /// One live group.
    #[must_use]
    pub fn group(&self, id: Uuid) -> Option<GroupSnapshot> {
        self.read(|directory| directory.live(id, Kind::Group).map(|slot| group(directory, slot)))
    }

    /// The ids of all live users, in the order of their creation.
    #[must_use]
    pub fn user_ids(&self) -> Vec<Uuid> {
        self.read(|directory| live(directory, Kind::User).map(|slot| directory.object(slot).id).collect())
    }

    /// The ids of all live groups, in the order of their creation.
    #[must_use]
    pub fn group_ids(&self) -> Vec<Uuid> {
        self.read(|directory| live(directory, Kind::Group).map(|slot| directory.object(slot).id).collect())
    }

    /// The ids of users and groups in deleted items.
    #[must_use]
    pub fn deleted_ids(&self) -> BTreeSet<Uuid> {
        self.read(|directory| directory.deleted.iter().map(|slot| directory.object(*slot).id).collect())
    }

    /// How many users are live.
    #[must_use]
    pub fn user_count(&self) -> usize {
        self.read(|directory| directory.live_user_count)
    }

    /// The direct live members of a group, of either kind; empty when there is no such group.
    #[must_use]
    pub fn members_of(&self, group: Uuid) -> BTreeSet<Uuid> {
        self.group(group).map(|group| group.members).unwrap_or_default()
    }

    /// The live users in a group on any level; empty when there is no such group.
    #[must_use]
    pub fn transitive_users_of(&self, group: Uuid) -> BTreeSet<Uuid> {
        self.read(|directory| {
            let slots = directory.live(group, Kind::Group).map(|slot| directory.transitive_members(slot));
            let objects = slots.unwrap_or_default().into_iter().map(|slot| directory.object(slot));
            objects.filter(|object| object.kind == Kind::User).map(|object| object.id).collect()
        })
    }

    /// All subscriptions in this tenant, expired ones included.
    #[must_use]
    pub fn subscriptions(&self) -> Vec<SubscriptionSnapshot> {
        let world = self.shared.lock();
        let now = world.now();
        let known = world.subscriptions.all_in(self.id());
        let copied = known.map(|known| SubscriptionSnapshot {
            id: known.id,
            client_id: known.client_id,
            resource: known.resource.clone(),
            change_type: known.change_type.clone(),
            notification_url: known.notification_url.clone(),
            lifecycle_notification_url: known.lifecycle_url.clone(),
            client_state: known.client_state.clone(),
            expires_at: clock::date_time(known.expires_at),
            expired: known.is_expired(now),
        });
        copied.collect()
    }
}

fn live(directory: &Directory, kind: Kind) -> impl Iterator<Item = Slot> + '_ {
    directory.after(kind, None).iter().copied().filter(|slot| directory.object(*slot).is_live())
}
