//! One tenant as tests, demo and benches edit it. All calls are synchronous and cheap; every edit is announced at once.
//!
//! Ids nobody knows and properties no object has are mistakes of the caller: they panic with the name of what is missing.

use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

use super::changes::What;
use super::directory::{Directory, Slot};
use super::newcomers::{NewGroup, NewUser};
use super::properties::Kind;
use super::world::Shared;

/// The handle of a tenant; clones are handles of the same one.
#[derive(Clone, Debug)]
pub struct Tenant {
    pub(super) shared: Arc<Shared>,
    id: Uuid,
}

impl Tenant {
    pub(super) fn new(shared: Arc<Shared>, id: Uuid) -> Self {
        Self { shared, id }
    }

    /// The tenant's id.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// `NAME.example`.
    #[must_use]
    pub fn domain(&self) -> String {
        self.shared.lock().tenant(self.id).domain()
    }

    /// Adds a user and returns the object id.
    pub fn add_user(&self, user: NewUser) -> Uuid {
        self.shared.edit(self.id, |world| {
            let id = user.id.unwrap_or_else(|| world.fresh_id());
            let now = world.now();
            world.tenant_mut(self.id).add_user(id, user, now);
            id
        })
    }

    /// Sets one property (`jobTitle`, `department`, `userPrincipalName`, ...); `null` clears it.
    pub fn update_user(&self, user: Uuid, property: &str, value: Value) {
        self.update_user_properties(user, &[(property, value)]);
    }

    /// Sets several properties in one edit, announced once.
    pub fn update_user_properties(&self, user: Uuid, properties: &[(&str, Value)]) {
        self.edit_object(user, Kind::User, |directory, slot, _| {
            properties.iter().for_each(|(property, value)| directory.set(slot, property, value));
        });
    }

    /// Sets `accountEnabled` to false.
    pub fn disable(&self, user: Uuid) {
        self.update_user(user, "accountEnabled", json!(false));
    }

    /// Sets `accountEnabled` to true.
    pub fn enable(&self, user: Uuid) {
        self.update_user(user, "accountEnabled", json!(true));
    }

    /// Moves a user to deleted items.
    pub fn soft_delete_user(&self, user: Uuid) {
        self.edit_object(user, Kind::User, |directory, slot, now| {
            directory.soft_delete(slot, now);
        });
    }

    /// Brings a user or group back from deleted items, with manager, reports and memberships. False when not there.
    pub fn restore(&self, id: Uuid) -> bool {
        self.edit_any(id, Directory::restore)
    }

    /// Removes a user or group for good, from the directory or from deleted items. False when already gone.
    pub fn purge(&self, id: Uuid) -> bool {
        self.edit_any(id, Directory::purge)
    }

    fn edit_any(&self, id: Uuid, edit: impl FnOnce(&mut Directory, Slot) -> bool) -> bool {
        self.shared.edit(self.id, |world| {
            let directory = &mut world.tenant_mut(self.id).directory;
            let slot = directory.by_id.get(&id).copied();
            slot.is_some_and(|slot| edit(directory, slot))
        })
    }

    fn edit_object(&self, id: Uuid, kind: Kind, edit: impl FnOnce(&mut Directory, Slot, i64)) {
        self.shared.edit(self.id, |world| {
            let now = world.now();
            let directory = &mut world.tenant_mut(self.id).directory;
            let slot = live(directory, id, kind);
            edit(directory, slot, now);
        });
    }

    /// Sets or clears the manager.
    pub fn set_manager(&self, user: Uuid, manager: Option<Uuid>) {
        self.edit_object(user, Kind::User, |directory, slot, _| {
            let manager = manager.map(|manager| live(directory, manager, Kind::User));
            directory.set_manager(slot, manager);
        });
    }

    /// Sets or removes a photo. Neither delta nor notifications tell.
    pub fn set_photo(&self, user: Uuid, photo: Option<Vec<u8>>) {
        self.edit_object(user, Kind::User, |directory, slot, _| {
            match photo {
                Some(bytes) => directory.photos.insert(slot, bytes),
                None => directory.photos.remove(&slot),
            };
        });
    }

    /// Tells of a user or group that did not change, as Graph sometimes does.
    pub fn touch(&self, id: Uuid) {
        self.edit_any(id, |directory, slot| {
            let kind = directory.object(slot).kind;
            let property = directory.schema.find(kind, "displayName");
            property.map(|property| directory.log.push(slot, What::Property(property))).is_some()
        });
    }

    /// Adds a security group and returns its object id.
    pub fn add_group(&self, display_name: &str) -> Uuid {
        self.add_new_group(NewGroup::named(display_name))
    }

    /// Adds a group of any kind.
    pub fn add_new_group(&self, group: NewGroup) -> Uuid {
        self.shared.edit(self.id, |world| {
            let id = group.id.unwrap_or_else(|| world.fresh_id());
            let now = world.now();
            world.tenant_mut(self.id).add_group(id, group, now);
            id
        })
    }

    /// Sets `displayName` of a group.
    pub fn rename_group(&self, group: Uuid, display_name: &str) {
        self.update_group(group, "displayName", json!(display_name));
    }

    /// Sets one property of a group.
    pub fn update_group(&self, group: Uuid, property: &str, value: Value) {
        self.edit_object(group, Kind::Group, |directory, slot, _| directory.set(slot, property, &value));
    }

    /// Deletes a group: a Microsoft 365 group goes to deleted items, any other for good at once
    /// (see [`Tenant::soft_delete_security_groups`]).
    pub fn delete_group(&self, group: Uuid) {
        let is_soft = self.shared.lock().tenant(self.id).soft_deletes_security_groups;
        self.edit_object(group, Kind::Group, |directory, slot, now| {
            let types =
                directory.schema.find(Kind::Group, "groupTypes").and_then(|id| directory.object(slot).value(id));
            let is_unified = types.is_some_and(|types| directory.values.text(types).contains("\"Unified\""));
            if is_soft || is_unified {
                directory.soft_delete(slot, now)
            } else {
                directory.purge(slot)
            };
        });
    }

    /// Whether deleted security groups can be restored: documentation says no, newer tenants may.
    pub fn soft_delete_security_groups(&self, soft: bool) {
        self.shared.lock().tenant_mut(self.id).soft_deletes_security_groups = soft;
    }

    /// Adds a user or a group to a group. False when already a direct member.
    pub fn add_member(&self, group: Uuid, member: Uuid) -> bool {
        self.edit_link(group, member, Directory::add_member)
    }

    /// Removes a direct member. False when it was none.
    pub fn remove_member(&self, group: Uuid, member: Uuid) -> bool {
        self.edit_link(group, member, Directory::remove_member)
    }

    fn edit_link(&self, group: Uuid, member: Uuid, edit: impl FnOnce(&mut Directory, Slot, Slot) -> bool) -> bool {
        self.shared.edit(self.id, |world| {
            let directory = &mut world.tenant_mut(self.id).directory;
            let group = live(directory, group, Kind::Group);
            let user = directory.live(member, Kind::User);
            let member = user.unwrap_or_else(|| live(directory, member, Kind::Group));
            edit(directory, group, member)
        })
    }
}

fn live(directory: &Directory, id: Uuid, kind: Kind) -> Slot {
    match directory.live(id, kind) {
        Some(slot) => slot,
        None => panic!("no live object {id} of type {}", kind.odata_type()),
    }
}
