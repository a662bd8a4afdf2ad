//! Who is in a group, and which groups someone is in; directly or on any level.

use std::ops::Bound;

use super::directory::{Directory, Slot};
use super::errors::GraphError;
use super::listing::{self, Paging};
use super::message::{Grant, Outcome, Request};
use super::objects;
use super::options::{Options, Shape};
use super::permissions;
use super::properties::Kind;
use super::render::Writer;
use super::world::World;

/// One end of the links and how far to follow them.
#[derive(Debug)]
pub(super) struct Links<'a> {
    pub(super) id: &'a str,
    pub(super) kind: Kind,
    pub(super) transitive: bool,
    pub(super) cast: Option<Kind>,
}

const OPTIONS: [&str; 4] = ["$select", "$top", "$count", "$skiptoken"];

/// `GET /groups/{id}/members`, `GET /groups/{id}/transitiveMembers`.
pub(super) fn members(
    world: &mut World,
    request: &Request,
    grant: &Grant,
    options: &Options,
    links: &Links<'_>,
) -> Outcome {
    let directory = &mut world.tenant_mut(grant.tenant).directory;
    let group = objects::find(directory, Kind::Group, links.id)?;
    let closure = links.transitive.then(|| directory.transitive_members_remembered(group));
    let directory = &world.tenant(grant.tenant).directory;
    let is_hidden = directory.text_of(group, "visibility").as_deref() == Some("HiddenMembership");
    let is_shown = !is_hidden || permissions::has(grant, &["Member.Read.Hidden"]);
    let found = |after: Option<Slot>| -> Box<dyn Iterator<Item = Slot> + '_> {
        match &closure {
            _ if !is_shown => Box::new(std::iter::empty()),
            Some(members) => Box::new(later(members, after).iter().copied()),
            None => Box::new(direct_after(directory, group, after)),
        }
    };
    answer(world, request, grant, options, links, found)
}

/// `GET /users/{id}/memberOf`, `.../transitiveMemberOf`, and the same of groups.
pub(super) fn member_of(
    world: &World,
    request: &Request,
    grant: &Grant,
    options: &Options,
    links: &Links<'_>,
) -> Outcome {
    let directory = &world.tenant(grant.tenant).directory;
    let slot = objects::find(directory, links.kind, links.id)?;
    let groups = if links.transitive {
        directory.transitive_groups(slot)
    } else {
        let mut groups: Vec<_> = directory.live_groups(slot).collect();
        groups.sort_unstable();
        groups
    };
    let found = |after: Option<Slot>| -> Box<dyn Iterator<Item = Slot> + '_> {
        Box::new(later(&groups, after).iter().copied())
    };
    answer(world, request, grant, options, links, found)
}

fn later(slots: &[Slot], after: Option<Slot>) -> &[Slot] {
    let start = after.map_or(0, |after| slots.partition_point(|slot| *slot <= after));
    &slots[start..]
}

fn direct_after(directory: &Directory, group: Slot, after: Option<Slot>) -> impl Iterator<Item = Slot> + '_ {
    let from = after.map_or(Bound::Unbounded, Bound::Excluded);
    let members = directory.object(group).members.range((from, Bound::Unbounded));
    members.copied().filter(|member| directory.object(*member).is_live())
}

fn answer<'a>(
    world: &World,
    request: &Request,
    grant: &Grant,
    options: &Options,
    links: &Links<'_>,
    found: impl Fn(Option<Slot>) -> Box<dyn Iterator<Item = Slot> + 'a>,
) -> Outcome {
    options.allow(&OPTIONS)?;
    let counts = options.counts(request.is_eventual())?;
    if links.cast.is_some() && !counts {
        let message = "A cast needs the header ConsistencyLevel: eventual and $count=true.";
        return Err(GraphError::unsupported_query(message));
    }
    let directory = &world.tenant(grant.tenant).directory;
    let kinds = links.cast.map_or(vec![Kind::User, Kind::Group], |kind| vec![kind]);
    let shape = Shape::select(directory, options.get("$select"), &kinds, false)?;
    let paging = Paging::read(world, request, options)?;
    let is_wanted = |slot: &Slot| links.cast.is_none_or(|kind| directory.object(*slot).kind == kind);
    let count = (counts && paging.after.is_none()).then(|| found(None).filter(is_wanted).count());
    let (page, next_link) = paging.take(found(paging.after).filter(is_wanted));
    let readable = permissions::readable(grant);
    let writer = Writer { directory, shape: &shape, typed: links.cast.is_none(), readable };
    let collection = links.cast.map_or("directoryObjects", Kind::collection);
    let context = request.context(&format!("{collection}{}", shape.context));
    Ok(listing::collection(&context, count, next_link, &writer.list(page)))
}
