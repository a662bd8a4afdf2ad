//! The later rounds of a delta query: what changed since the link was given.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::changes::What;
use super::delta::{DeltaPage, DeltaShape, Phase};
use super::directory::{Directory, Object, Slot, State};
use super::message::Grant;
use super::properties::{ID, PropertyId};
use super::render::{close, push_field, push_id};
use super::world::World;

/// Changes looked at for one page; a page whose changes concern nothing selected is empty.
const CHANGES_PER_PAGE_MAX: usize = 10_000;

/// What happened to one object within a page.
#[derive(Debug, Default)]
struct Folded {
    /// Created or restored: everything is shown.
    is_new: bool,
    /// Its members are not in the log again.
    is_restored: bool,
    is_removed: bool,
    properties: Vec<PropertyId>,
    /// The manager before the first change.
    manager: Option<Option<Slot>>,
    /// The last word on each member: added (true) or removed (false).
    members: BTreeMap<Slot, bool>,
}

impl Folded {
    fn add(&mut self, what: What) {
        match what {
            What::Created => self.is_new = true,
            What::Restored => (self.is_new, self.is_restored) = (true, true),
            What::SoftDeleted | What::Purged => self.is_removed = true,
            What::Property(property) => self.properties.push(property),
            What::Manager { previous, .. } => {
                self.manager.get_or_insert(previous);
            }
            What::MemberAdded { member, .. } => {
                self.members.insert(member, true);
            }
            What::MemberRemoved { member, .. } => {
                self.members.insert(member, false);
            }
        }
    }

    fn concerns(&self, shape: &DeltaShape) -> bool {
        self.is_new
            || self.is_removed
            || self.properties.iter().any(|property| shape.properties.contains(property))
            || (shape.manager && self.manager.is_some())
            || (shape.members && !self.members.is_empty())
    }
}

/// One page of the changes from a number on.
pub(super) fn page(world: &World, grant: &Grant, shape: &DeltaShape, from: u64, until: u64) -> DeltaPage {
    let directory = &world.tenant(grant.tenant).directory;
    let size = world.settings.delta_page_size.max(1);
    let mut folded: BTreeMap<Slot, Folded> = BTreeMap::new();
    let mut links = 0;
    let mut position = from;
    let left = usize::try_from(until.saturating_sub(from)).unwrap_or(usize::MAX);
    for change in directory.log.since(from).take(left.min(CHANGES_PER_PAGE_MAX)) {
        let object = directory.object(change.slot);
        position += 1;
        if object.kind != shape.kind || !shape.concerns(object.id) {
            continue;
        }
        folded.entry(change.slot).or_default().add(change.what);
        links += usize::from(matches!(change.what, What::MemberAdded { .. } | What::MemberRemoved { .. }));
        if folded.len() + links >= size {
            break;
        }
    }
    let concerned = folded.iter().filter(|(_, folded)| folded.concerns(shape));
    let items = concerned.map(|(slot, folded)| changed(directory, shape, *slot, folded)).collect();
    let next = (position < until).then_some(Phase::Changes { from: position, until: Some(until) });
    DeltaPage { items, next, log_from: until }
}

fn changed(directory: &Directory, shape: &DeltaShape, slot: Slot, folded: &Folded) -> String {
    let object = directory.object(slot);
    match object.state {
        State::Purged => return removed(object.id, "deleted"),
        State::SoftDeleted { .. } => return removed(object.id, "changed"),
        State::Live => {}
    }
    let mut item = Item::new(directory, slot);
    if folded.is_new || !shape.minimal {
        item.properties(&shape.properties);
    } else {
        let is_changed = |property: &PropertyId| folded.properties.contains(property);
        item.properties(&shape.properties.iter().copied().filter(is_changed).collect::<Vec<_>>());
    }
    if shape.manager && (folded.is_new || folded.manager.is_some()) {
        item.links("manager@delta", &manager(directory, slot, folded.manager.flatten()));
    }
    if shape.members {
        item.links("members@delta", &members(directory, slot, folded));
    }
    item.finish()
}

/// The manager now, or the removal of the one before.
fn manager(directory: &Directory, slot: Slot, before: Option<Slot>) -> Vec<String> {
    let now = directory.live_manager(slot).map(|manager| link(directory, manager, false));
    now.or_else(|| before.map(|before| link(directory, before, true))).into_iter().collect()
}

/// The changed members; of a restored group also all others.
fn members(directory: &Directory, slot: Slot, folded: &Folded) -> Vec<String> {
    let mut members = folded.members.clone();
    if folded.is_restored {
        for member in directory.live_members(slot) {
            members.entry(member).or_insert(true);
        }
    }
    members.into_iter().map(|(member, is_added)| link(directory, member, !is_added)).collect()
}

/// An object that is gone: `changed` when it can be restored, `deleted` when not.
pub(super) fn removed(id: Uuid, reason: &str) -> String {
    format!("{{\"id\":\"{id}\",\"@removed\":{{\"reason\":\"{reason}\"}}}}")
}

/// An entry of `members@delta` or `manager@delta`. A removed link says `deleted`, whether or not the object is.
pub(super) fn link(directory: &Directory, slot: Slot, is_removed: bool) -> String {
    let object = directory.object(slot);
    let removed = if is_removed { ",\"@removed\":{\"reason\":\"deleted\"}" } else { "" };
    format!("{{\"@odata.type\":\"{}\",\"id\":\"{}\"{removed}}}", object.kind.odata_type(), object.id)
}

/// An object of a delta page. Unlike elsewhere, what was never set is left out, and the id is always there.
#[derive(Debug)]
pub(super) struct Item<'a> {
    directory: &'a Directory,
    object: &'a Object,
    out: String,
}

impl<'a> Item<'a> {
    pub(super) fn new(directory: &'a Directory, slot: Slot) -> Self {
        Self { directory, object: directory.object(slot), out: String::from("{") }
    }

    /// Adds these properties as far as they were ever set.
    pub(super) fn properties(&mut self, properties: &[PropertyId]) {
        for property in properties.iter().filter(|property| **property != ID) {
            if let Some(value) = self.object.value(*property) {
                let name = self.directory.schema.name(self.object.kind, *property);
                push_field(&mut self.out, name, self.directory.values.text(value));
            }
        }
    }

    /// Adds links, unless there are none.
    pub(super) fn links(&mut self, name: &str, links: &[String]) {
        if !links.is_empty() {
            push_field(&mut self.out, name, &format!("[{}]", links.join(",")));
        }
    }

    pub(super) fn finish(mut self) -> String {
        push_id(&mut self.out, self.object);
        close(&mut self.out);
        self.out
    }
}
