//! The directory of one tenant: users and groups, and the links between them.
//!
//! Objects keep their slot for ever, so that paging by slot is stable under every edit. A purged object leaves its
//! slot behind, with its id only: the change log still names it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use uuid::Uuid;

use super::changes::ChangeLog;
use super::properties::{Kind, PropertyId, Schema};
use super::values::{ValueId, Values};

/// The place of an object in its directory.
pub(super) type Slot = u32;

/// What a group is for; decides its types and whether its deletion can be undone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GroupKind {
    /// Security-enabled, without mail. Deleted for good at once.
    #[default]
    Security,
    /// `groupTypes` has `Unified`. Soft-deleted, restorable for 30 days.
    Microsoft365,
    /// Security-enabled and mail-enabled.
    MailSecurity,
    /// Mail-enabled only.
    Distribution,
}

/// Whether an object is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Live,
    /// In deleted items since this instant, in microseconds.
    SoftDeleted {
        at: i64,
    },
    Purged,
}

/// A user or a group.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) id: Uuid,
    pub(super) kind: Kind,
    pub(super) state: State,
    /// Everything that was ever set, sorted by property; a cleared one holds `null`.
    pub(super) properties: Vec<(PropertyId, ValueId)>,
    /// Kept through soft deletions of either side.
    pub(super) manager: Option<Slot>,
    pub(super) reports: Vec<Slot>,
    /// The groups this object is a direct member of.
    pub(super) member_of: Vec<Slot>,
    /// Direct members, also soft-deleted ones, which come back with their restoration.
    pub(super) members: BTreeSet<Slot>,
}

impl Object {
    pub(super) fn is_live(&self) -> bool {
        self.state == State::Live
    }

    pub(super) fn value(&self, property: PropertyId) -> Option<ValueId> {
        let place = self.properties.binary_search_by_key(&property, |(id, _)| *id).ok()?;
        Some(self.properties[place].1)
    }
}

/// The transitive members of one group as of one version of the links.
type Closure = (Slot, u64, Arc<Vec<Slot>>);

/// Everything one tenant's directory holds.
#[derive(Debug, Default)]
pub(super) struct Directory {
    pub(super) schema: Schema,
    pub(super) values: Values,
    pub(super) objects: Vec<Object>,
    pub(super) by_id: HashMap<Uuid, Slot>,
    /// Live users by the hash of their user principal name in lower case: the names themselves are among the values.
    by_name: HashMap<u64, Slot>,
    name_hasher: RandomState,
    /// The slots of each kind, rising.
    pub(super) users: Vec<Slot>,
    pub(super) groups: Vec<Slot>,
    pub(super) live_user_count: usize,
    pub(super) live_group_count: usize,
    pub(super) deleted: BTreeSet<Slot>,
    pub(super) photos: HashMap<Slot, Vec<u8>>,
    pub(super) log: ChangeLog,
    /// Raised by every change of a link or of what it shows.
    pub(super) links_version: u64,
    /// Walking a large group page by page asks for the same closure every time.
    closure: Option<Closure>,
}

impl Directory {
    pub(super) fn object(&self, slot: Slot) -> &Object {
        &self.objects[slot as usize]
    }

    pub(super) fn object_mut(&mut self, slot: Slot) -> &mut Object {
        &mut self.objects[slot as usize]
    }

    /// The live object of that id, of that kind.
    pub(super) fn live(&self, id: Uuid, kind: Kind) -> Option<Slot> {
        let slot = self.by_id.get(&id).copied()?;
        let object = self.object(slot);
        (object.kind == kind && object.is_live()).then_some(slot)
    }

    /// The live user of that user principal name, in any case.
    pub(super) fn live_named(&self, user_principal_name: &str) -> Option<Slot> {
        let wanted = user_principal_name.to_lowercase();
        let slot = self.by_name.get(&self.name_hasher.hash_one(&wanted)).copied()?;
        let name = self.text_of(slot, "userPrincipalName")?;
        (name.to_lowercase() == wanted).then_some(slot)
    }

    /// Lets a user be found by user principal name.
    pub(super) fn remember_name(&mut self, slot: Slot) {
        if let Some(name) = self.text_of(slot, "userPrincipalName") {
            self.by_name.insert(self.name_hasher.hash_one(name.to_lowercase()), slot);
        }
    }

    /// Lets a user no longer be found by user principal name.
    pub(super) fn forget_name(&mut self, slot: Slot) {
        if let Some(name) = self.text_of(slot, "userPrincipalName") {
            let hash = self.name_hasher.hash_one(name.to_lowercase());
            if self.by_name.get(&hash) == Some(&slot) {
                self.by_name.remove(&hash);
            }
        }
    }

    /// The slots of a kind that come after this one.
    pub(super) fn after(&self, kind: Kind, after: Option<Slot>) -> &[Slot] {
        let slots = match kind {
            Kind::User => &self.users,
            Kind::Group => &self.groups,
        };
        let start = after.map_or(0, |after| slots.partition_point(|slot| *slot <= after));
        &slots[start..]
    }

    pub(super) fn live_count(&self, kind: Kind) -> usize {
        match kind {
            Kind::User => self.live_user_count,
            Kind::Group => self.live_group_count,
        }
    }

    /// The manager, unless deleted.
    pub(super) fn live_manager(&self, slot: Slot) -> Option<Slot> {
        self.object(slot).manager.filter(|manager| self.object(*manager).is_live())
    }

    /// Direct members that are live, rising.
    pub(super) fn live_members(&self, group: Slot) -> impl Iterator<Item = Slot> {
        self.object(group).members.iter().copied().filter(|member| self.object(*member).is_live())
    }

    /// Everything below a group on any level, groups included, each once, rising.
    pub(super) fn transitive_members(&self, group: Slot) -> Vec<Slot> {
        self.reach(group, |slot| self.live_members(slot).collect())
    }

    /// Every group above an object on any level, each once, rising.
    pub(super) fn transitive_groups(&self, slot: Slot) -> Vec<Slot> {
        self.reach(slot, |slot| self.live_groups(slot).collect())
    }

    /// The live groups an object is a direct member of.
    pub(super) fn live_groups(&self, slot: Slot) -> impl Iterator<Item = Slot> {
        self.object(slot).member_of.iter().copied().filter(|group| self.object(*group).is_live())
    }

    fn reach(&self, start: Slot, next: impl Fn(Slot) -> Vec<Slot>) -> Vec<Slot> {
        let mut seen = HashSet::from([start]);
        let mut waiting = vec![start];
        while let Some(slot) = waiting.pop() {
            waiting.extend(next(slot).into_iter().filter(|found| seen.insert(*found)));
        }
        seen.remove(&start);
        let mut found: Vec<_> = seen.into_iter().collect();
        found.sort_unstable();
        found
    }

    /// Like [`Directory::transitive_members`], remembered until a link changes.
    pub(super) fn transitive_members_remembered(&mut self, group: Slot) -> Arc<Vec<Slot>> {
        if let Some((known, version, members)) = &self.closure
            && *known == group
            && *version == self.links_version
        {
            return members.clone();
        }
        let members = Arc::new(self.transitive_members(group));
        self.closure = Some((group, self.links_version, members.clone()));
        members
    }

    /// The text of a string property, without its quotes.
    pub(super) fn text(&self, slot: Slot, property: PropertyId) -> Option<String> {
        let value = self.object(slot).value(property)?;
        serde_json::from_str(self.values.text(value)).ok()
    }

    /// Like [`Directory::text`], by the property's name.
    pub(super) fn text_of(&self, slot: Slot, property: &str) -> Option<String> {
        self.text(slot, self.schema.find(self.object(slot).kind, property)?)
    }
}
