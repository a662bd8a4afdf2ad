//! One tenant as tests, demo and benches edit it. All calls are synchronous and cheap; every edit is announced at once.
//!
//! Ids nobody knows and properties no object has are mistakes of the caller: they panic with the name of what is missing.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use super::changes::What;
use super::clock;
use super::directory::{Directory, GroupKind, Slot};
use super::properties::Kind;
use super::registry::{Application, TenantRecord};
use super::world::Shared;

/// A user to add. Everything but the name may be left out.
#[derive(Clone, Debug, Default)]
pub struct NewUser {
    /// First name.
    pub given_name: String,
    /// Last name.
    pub surname: String,
    /// An id of one's own instead of one the seed decides.
    pub id: Option<Uuid>,
    /// Otherwise `given.surname@TENANT.example`, with a number when taken.
    pub user_principal_name: Option<String>,
    /// Added disabled.
    pub disabled: bool,
    /// More properties by name; they win over the ones made of the fields above.
    pub properties: Vec<(String, Value)>,
}

impl NewUser {
    /// A user of that name.
    #[must_use]
    pub fn named(given_name: &str, surname: &str) -> Self {
        Self { given_name: given_name.to_owned(), surname: surname.to_owned(), ..Self::default() }
    }

    /// With this property.
    #[must_use]
    pub fn with(mut self, property: &str, value: impl Into<Value>) -> Self {
        self.properties.push((property.to_owned(), value.into()));
        self
    }

    /// With this user principal name, and mail when none is given otherwise.
    #[must_use]
    pub fn with_user_principal_name(mut self, user_principal_name: &str) -> Self {
        self.user_principal_name = Some(user_principal_name.to_owned());
        self
    }

    /// With an id of one's own.
    #[must_use]
    pub fn with_id(mut self, id: Uuid) -> Self {
        self.id = Some(id);
        self
    }

    /// Disabled.
    #[must_use]
    pub fn disabled(mut self) -> Self {
        self.disabled = true;
        self
    }
}

/// A group to add.
#[derive(Clone, Debug, Default)]
pub struct NewGroup {
    /// Need not be unique.
    pub display_name: String,
    /// An id of one's own instead of one the seed decides.
    pub id: Option<Uuid>,
    /// What it is for.
    pub kind: GroupKind,
    /// More properties by name.
    pub properties: Vec<(String, Value)>,
}

impl NewGroup {
    /// A security group of that name.
    #[must_use]
    pub fn named(display_name: &str) -> Self {
        Self { display_name: display_name.to_owned(), ..Self::default() }
    }

    /// Of another kind.
    #[must_use]
    pub fn of_kind(mut self, kind: GroupKind) -> Self {
        self.kind = kind;
        self
    }

    /// With this property.
    #[must_use]
    pub fn with(mut self, property: &str, value: impl Into<Value>) -> Self {
        self.properties.push((property.to_owned(), value.into()));
        self
    }

    /// With an id of one's own.
    #[must_use]
    pub fn with_id(mut self, id: Uuid) -> Self {
        self.id = Some(id);
        self
    }
}

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

    /// The id of the application made with the tenant.
    #[must_use]
    pub fn client_id(&self) -> Uuid {
        self.shared.lock().tenant(self.id).client_id
    }

    /// The secret of the application made with the tenant.
    #[must_use]
    pub fn client_secret(&self) -> String {
        self.application(self.client_id(), |application| application.secret.clone())
    }

    /// Registers another application, or one that other tenants know too, with the usual permissions.
    pub fn register_application(&self, client_id: Uuid, secret: &str) {
        let mut world = self.shared.lock();
        let application = Application::new(secret.to_owned(), world.fresh_id());
        world.tenant_mut(self.id).applications.insert(client_id, application);
    }

    /// Removes an application, as before consent; tokens it has stay valid.
    pub fn remove_application(&self, client_id: Uuid) {
        self.shared.lock().tenant_mut(self.id).applications.remove(&client_id);
    }

    /// Grants the application exactly these permissions; tokens issued before keep theirs.
    pub fn set_roles(&self, roles: &[&str]) {
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        self.application(self.client_id(), |application| application.roles = roles);
    }

    /// Replaces the application's secret.
    pub fn set_client_secret(&self, secret: &str) {
        self.application(self.client_id(), |application| application.secret = secret.to_owned());
    }

    /// Lets the application's secret expire, or no longer (AADSTS7000222).
    pub fn expire_client_secret(&self, expired: bool) {
        self.application(self.client_id(), |application| application.is_secret_expired = expired);
    }

    /// Disables the application, or enables it again (AADSTS7000112).
    pub fn set_application_enabled(&self, enabled: bool) {
        self.application(self.client_id(), |application| application.is_enabled = enabled);
    }

    fn application<T>(&self, client_id: Uuid, change: impl FnOnce(&mut Application) -> T) -> T {
        let mut world = self.shared.lock();
        match world.tenant_mut(self.id).applications.get_mut(&client_id) {
            Some(application) => change(application),
            None => panic!("the tenant has no application {client_id}"),
        }
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

    /// Lets every delta and next link of delta queries issued so far expire.
    pub fn expire_delta_tokens(&self) {
        self.shared.lock().tenant_mut(self.id).delta_generation += 1;
    }

    /// Queues `reauthorizationRequired` for every live subscription with a lifecycle URL; says how many.
    pub fn require_reauthorization(&self) -> usize {
        self.send_lifecycle_event("reauthorizationRequired")
    }

    /// Queues any lifecycle event for every live subscription with a lifecycle URL; says how many.
    pub fn send_lifecycle_event(&self, event: &str) -> usize {
        let mut world = self.shared.lock();
        let now = world.now();
        let ids: Vec<_> = world.subscriptions.live_in(self.id, now).map(|known| known.id).collect();
        let told = ids.into_iter().filter(|id| world.tell_lifecycle(*id, event)).count();
        drop(world);
        self.shared.outbox_filled.notify_one();
        told
    }

    /// Holds back the change notifications of every live subscription until it is renewed or reauthorized.
    pub fn suspend_subscriptions(&self) {
        let mut world = self.shared.lock();
        let now = world.now();
        let known = world.subscriptions.by_id.values_mut();
        let live = known.filter(|known| known.tenant == self.id && !known.is_expired(now));
        live.for_each(|known| known.is_suspended = true);
    }

    /// Removes a subscription without telling anyone. False when there is none of that id.
    pub fn remove_subscription(&self, id: Uuid) -> bool {
        self.shared.lock().subscriptions.by_id.remove(&id).is_some()
    }

    /// Lets a subscription expire after this long from now.
    pub fn expire_subscription_after(&self, id: Uuid, after: Duration) {
        let mut world = self.shared.lock();
        let expires_at = world.now() + clock::micros(after);
        match world.subscriptions.by_id.get_mut(&id) {
            Some(known) => known.expires_at = expires_at,
            None => panic!("there is no subscription {id}"),
        }
    }
}

fn live(directory: &Directory, id: Uuid, kind: Kind) -> Slot {
    match directory.live(id, kind) {
        Some(slot) => slot,
        None => panic!("no live object {id} of type {}", kind.odata_type()),
    }
}

impl TenantRecord {
    /// Adds a user with the properties every user has.
    pub(super) fn add_user(&mut self, id: Uuid, user: NewUser, now: i64) -> Slot {
        let name = user.user_principal_name.clone().unwrap_or_else(|| self.free_name(&user));
        let nickname = name.split('@').next().unwrap_or_default().to_owned();
        let mut properties = vec![
            ("displayName", json!(format!("{} {}", user.given_name, user.surname).trim())),
            ("givenName", json!(user.given_name)),
            ("surname", json!(user.surname)),
            ("userPrincipalName", json!(name)),
            ("mail", json!(name)),
            ("mailNickname", json!(nickname)),
            ("accountEnabled", json!(!user.disabled)),
            ("userType", json!("Member")),
            ("createdDateTime", json!(clock::in_seconds(now))),
        ];
        replace(&mut properties, &user.properties);
        self.directory.add(Kind::User, id, &properties)
    }

    fn free_name(&self, user: &NewUser) -> String {
        let local = |text: &str| text.to_lowercase().replace(|character: char| !character.is_ascii_alphanumeric(), "");
        let (given, surname) = (local(&user.given_name), local(&user.surname));
        let base = if surname.is_empty() { given } else { format!("{given}.{surname}") };
        let domain = self.domain();
        let numbered =
            |number: u32| if number == 1 { format!("{base}@{domain}") } else { format!("{base}{number}@{domain}") };
        let is_free = |name: &String| self.directory.live_named(name).is_none();
        (1..).map(numbered).find(is_free).unwrap_or_default()
    }

    /// Adds a group with the properties every group has.
    pub(super) fn add_group(&mut self, id: Uuid, group: NewGroup, now: i64) -> Slot {
        let nickname =
            group.display_name.to_lowercase().replace(|character: char| !character.is_ascii_alphanumeric(), "");
        let is_mail = group.kind != GroupKind::Security;
        let is_secure = matches!(group.kind, GroupKind::Security | GroupKind::MailSecurity);
        let types = if group.kind == GroupKind::Microsoft365 { json!(["Unified"]) } else { json!([]) };
        let mail = is_mail.then(|| format!("{nickname}@{}", self.domain()));
        let mut properties = vec![
            ("displayName", json!(group.display_name)),
            ("mailNickname", json!(nickname)),
            ("mailEnabled", json!(is_mail)),
            ("securityEnabled", json!(is_secure)),
            ("groupTypes", types),
            ("createdDateTime", json!(clock::in_seconds(now))),
        ];
        properties.extend(mail.map(|mail| ("mail", json!(mail))));
        replace(&mut properties, &group.properties);
        self.directory.add(Kind::Group, id, &properties)
    }
}

/// Lets given properties win over made ones.
fn replace<'a>(properties: &mut Vec<(&'a str, Value)>, given: &'a [(String, Value)]) {
    properties.retain(|(name, _)| given.iter().all(|(other, _)| !other.eq_ignore_ascii_case(name)));
    properties.extend(given.iter().map(|(name, value)| (name.as_str(), value.clone())));
}
