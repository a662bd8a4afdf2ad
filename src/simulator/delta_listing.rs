//! The first round of a delta query: every object once, large groups in slices.

use super::delta::{DeltaPage, DeltaShape, Phase};
use super::delta_changes::{Item, link, removed};
use super::directory::{Directory, Slot, State};
use super::message::Grant;
use super::world::World;

/// One page of the first round. Objects and members count alike against the size of the page.
pub(super) fn page(
    world: &World,
    grant: &Grant,
    shape: &DeltaShape,
    (from, mut member_after): (Slot, Option<Slot>),
    log_from: u64,
) -> DeltaPage {
    let directory = &world.tenant(grant.tenant).directory;
    let mut room = world.settings.delta_page_size.max(1);
    let mut items = Vec::new();
    for slot in directory.after(shape.kind, from.checked_sub(1)).iter().copied() {
        let object = directory.object(slot);
        if object.state == State::Purged || !shape.concerns(object.id) {
            continue;
        }
        if room == 0 {
            let next = Some(Phase::Listing { from: slot, member_after, log_from });
            return DeltaPage { items, next, log_from };
        }
        room -= 1;
        if !object.is_live() {
            items.push(removed(object.id, "changed"));
            continue;
        }
        let (members, last) = slice(directory, shape, slot, member_after, room);
        room = room.saturating_sub(members.len());
        items.push(listed(directory, shape, slot, members));
        if last.is_some() {
            let next = Some(Phase::Listing { from: slot, member_after: last, log_from });
            return DeltaPage { items, next, log_from };
        }
        member_after = None;
    }
    DeltaPage { items, next: None, log_from }
}

/// The next members of a group that fit, and the last of them when more follow.
fn slice(
    directory: &Directory,
    shape: &DeltaShape,
    slot: Slot,
    after: Option<Slot>,
    room: usize,
) -> (Vec<Slot>, Option<Slot>) {
    if !shape.members {
        return (Vec::new(), None);
    }
    // Even a full page takes one more member, so that every page moves on.
    let room = room.max(1);
    let mut members: Vec<_> =
        directory.live_members(slot).filter(|member| Some(*member) > after).take(room + 1).collect();
    if members.len() <= room {
        return (members, None);
    }
    members.truncate(room);
    let last = members.last().copied();
    (members, last)
}

fn listed(directory: &Directory, shape: &DeltaShape, slot: Slot, members: Vec<Slot>) -> String {
    let mut item = Item::new(directory, slot);
    item.properties(&shape.properties);
    if let Some(manager) = directory.live_manager(slot).filter(|_| shape.manager) {
        item.links("manager@delta", &[link(directory, manager, false)]);
    }
    let members: Vec<_> = members.into_iter().map(|member| link(directory, member, false)).collect();
    item.links("members@delta", &members);
    item.finish()
}
