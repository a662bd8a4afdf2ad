//! Edits of a directory. Every edit writes the change log; nothing here knows of notifications.

use serde_json::Value;
use uuid::Uuid;

use super::changes::What;
use super::clock;
use super::directory::{Directory, Object, Slot, State};
use super::properties::{Kind, PropertyId};

impl Directory {
    /// Adds a live object with these properties; a property nobody knows is a mistake of the caller.
    pub(super) fn add(&mut self, kind: Kind, id: Uuid, properties: &[(&str, Value)]) -> Slot {
        let slot = Slot::try_from(self.objects.len()).expect("fewer than 2^32 objects");
        let kept =
            properties.iter().map(|(name, value)| (self.property(kind, name), self.values.keep(&value.to_string())));
        let mut properties: Vec<_> = kept.collect();
        properties.sort_unstable_by_key(|(id, _)| *id);
        self.objects.push(Object {
            id,
            kind,
            state: State::Live,
            properties,
            manager: None,
            reports: Vec::new(),
            member_of: Vec::new(),
            members: Default::default(),
        });
        self.by_id.insert(id, slot);
        match kind {
            Kind::User => self.users.push(slot),
            Kind::Group => self.groups.push(slot),
        }
        self.enter(slot);
        self.log.push(slot, What::Created);
        slot
    }

    fn property(&mut self, kind: Kind, name: &str) -> PropertyId {
        match self.schema.find_or_extend(kind, name) {
            Some(property) => property,
            None => panic!("{name:?} is no property of {}", kind.odata_type()),
        }
    }

    /// Sets one property of an object; `null` clears it. Setting what is already there changes nothing.
    pub(super) fn set(&mut self, slot: Slot, name: &str, value: &Value) {
        let property = self.property(self.object(slot).kind, name);
        let is_name = self.object(slot).kind == Kind::User && name.eq_ignore_ascii_case("userPrincipalName");
        if is_name && self.object(slot).is_live() {
            self.forget_name(slot);
        }
        if self.put(slot, property, value) {
            self.log.push(slot, What::Property(property));
        }
        if is_name && self.object(slot).is_live() {
            self.remember_name(slot);
        }
    }

    /// Writes a property without a change in the log; says whether it was another value.
    fn put(&mut self, slot: Slot, property: PropertyId, value: &Value) -> bool {
        let value = self.values.keep(&value.to_string());
        let properties = &mut self.object_mut(slot).properties;
        match properties.binary_search_by_key(&property, |(id, _)| *id) {
            Ok(place) if properties[place].1 == value => return false,
            Ok(place) => properties[place].1 = value,
            Err(place) => properties.insert(place, (property, value)),
        }
        true
    }

    fn put_named(&mut self, slot: Slot, name: &str, value: &Value) {
        let property = self.property(self.object(slot).kind, name);
        self.put(slot, property, value);
    }

    /// Counts and names an object that is live from now on.
    fn enter(&mut self, slot: Slot) {
        match self.object(slot).kind {
            Kind::User => {
                self.live_user_count += 1;
                self.remember_name(slot);
            }
            Kind::Group => self.live_group_count += 1,
        }
    }

    fn leave(&mut self, slot: Slot) {
        match self.object(slot).kind {
            Kind::User => {
                self.live_user_count -= 1;
                self.forget_name(slot);
            }
            Kind::Group => self.live_group_count -= 1,
        }
    }

    /// Moves a live object to deleted items. Its links are kept, and hidden. False when it is not live.
    pub(super) fn soft_delete(&mut self, slot: Slot, now: i64) -> bool {
        if !self.object(slot).is_live() {
            return false;
        }
        self.leave(slot);
        self.hide_links(slot);
        self.object_mut(slot).state = State::SoftDeleted { at: now };
        self.deleted.insert(slot);
        self.put_named(slot, "deletedDateTime", &clock::in_seconds(now).into());
        if let Some(name) = self.text_of(slot, "userPrincipalName") {
            let mangled = format!("{}{name}", self.object(slot).id.simple());
            self.put_named(slot, "userPrincipalName", &mangled.into());
        }
        self.log.push(slot, What::SoftDeleted);
        true
    }

    /// Brings a soft-deleted object back with its links. False when it is not in deleted items.
    pub(super) fn restore(&mut self, slot: Slot) -> bool {
        if !matches!(self.object(slot).state, State::SoftDeleted { .. }) {
            return false;
        }
        self.deleted.remove(&slot);
        self.object_mut(slot).state = State::Live;
        self.put_named(slot, "deletedDateTime", &Value::Null);
        let mangled_by = self.object(slot).id.simple().to_string();
        let name = self.text_of(slot, "userPrincipalName");
        if let Some(name) = name.as_deref().and_then(|name| name.strip_prefix(&mangled_by)) {
            self.put_named(slot, "userPrincipalName", &name.into());
        }
        self.enter(slot);
        self.log.push(slot, What::Restored);
        self.show_links(slot);
        true
    }

    /// Removes an object for good, live or soft-deleted; its id stays in the change log. False when already gone.
    pub(super) fn purge(&mut self, slot: Slot) -> bool {
        match self.object(slot).state {
            State::Purged => return false,
            State::Live => {
                self.leave(slot);
                self.hide_links(slot);
            }
            State::SoftDeleted { .. } => {}
        }
        self.cut_links(slot);
        let object = self.object_mut(slot);
        object.state = State::Purged;
        object.properties = Vec::new();
        let id = object.id;
        self.deleted.remove(&slot);
        self.photos.remove(&slot);
        self.by_id.remove(&id);
        self.log.push(slot, What::Purged);
        true
    }

    /// Logs that the links of a live object are gone from the other side.
    fn hide_links(&mut self, slot: Slot) {
        self.links_version += 1;
        for group in self.object(slot).member_of.clone() {
            self.log.push(group, What::MemberRemoved { member: slot, quiet: true });
        }
        for report in self.object(slot).reports.clone() {
            self.log.push(report, What::Manager { previous: Some(slot), quiet: true });
        }
    }

    fn show_links(&mut self, slot: Slot) {
        self.links_version += 1;
        for group in self.object(slot).member_of.clone() {
            self.log.push(group, What::MemberAdded { member: slot, quiet: true });
        }
        for report in self.object(slot).reports.clone() {
            self.log.push(report, What::Manager { previous: None, quiet: true });
        }
    }

    fn cut_links(&mut self, slot: Slot) {
        let object = self.object_mut(slot);
        let above = std::mem::take(&mut object.member_of);
        let below = std::mem::take(&mut object.members);
        let reports = std::mem::take(&mut object.reports);
        let manager = object.manager.take();
        above.into_iter().for_each(|group| {
            self.object_mut(group).members.remove(&slot);
        });
        below.into_iter().for_each(|member| self.object_mut(member).member_of.retain(|group| *group != slot));
        reports.into_iter().for_each(|report| self.object_mut(report).manager = None);
        if let Some(manager) = manager {
            self.object_mut(manager).reports.retain(|report| *report != slot);
        }
    }

    /// Makes someone the manager of a user, or nobody.
    pub(super) fn set_manager(&mut self, user: Slot, manager: Option<Slot>) {
        let previous = self.object(user).manager;
        if previous == manager {
            return;
        }
        if let Some(previous) = previous {
            self.object_mut(previous).reports.retain(|report| *report != user);
        }
        if let Some(manager) = manager {
            self.object_mut(manager).reports.push(user);
        }
        self.object_mut(user).manager = manager;
        self.log.push(user, What::Manager { previous, quiet: false });
    }

    /// Adds a direct member. False when it already is one.
    pub(super) fn add_member(&mut self, group: Slot, member: Slot) -> bool {
        if !self.object_mut(group).members.insert(member) {
            return false;
        }
        self.object_mut(member).member_of.push(group);
        self.links_version += 1;
        self.log.push(group, What::MemberAdded { member, quiet: false });
        true
    }

    /// Removes a direct member. False when it is none.
    pub(super) fn remove_member(&mut self, group: Slot, member: Slot) -> bool {
        if !self.object_mut(group).members.remove(&member) {
            return false;
        }
        self.object_mut(member).member_of.retain(|above| *above != group);
        self.links_version += 1;
        self.log.push(group, What::MemberRemoved { member, quiet: false });
        true
    }

    /// Purges what has been in deleted items since before this instant.
    pub(super) fn purge_deleted_before(&mut self, instant: i64) {
        let is_due = |slot: &Slot| matches!(self.object(*slot).state, State::SoftDeleted { at } if at < instant);
        let due: Vec<_> = self.deleted.iter().copied().filter(is_due).collect();
        for slot in due {
            self.purge(slot);
        }
    }
}
