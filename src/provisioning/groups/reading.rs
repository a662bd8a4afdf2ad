//! A group read whole, or not at all.

use std::collections::HashSet;

use crate::directory::ObjectId;
use crate::directory::source::{Absence, ListedGroup, Member, MemberKind, Observed, SourceGroup};
use crate::graph::{Graph, GraphError};
use crate::provisioning::Trouble;

/// A group this long has ten million members, which Entra does not allow: the next link does not advance.
const MEMBER_PAGES_MAX: u32 = 10_000;

/// A listing whose page links expired is begun again this often before the group is left for later.
const LISTING_ATTEMPT_COUNT_MAX: u32 = 3;

/// Reads a group and all its direct members.
pub async fn read(graph: &Graph, group: ObjectId) -> Result<Observed<ListedGroup>, Trouble> {
    let found = graph.groups_by_ids(&[group]).await?;
    match found.into_iter().next() {
        Some((_, Observed::Present(object))) => with_members(graph, object).await,
        Some((_, Observed::Absent(absence))) => Ok(Observed::Absent(absence)),
        None => Err(GraphError::Protocol("a group asked for is missing in the answer").into()),
    }
}

async fn with_members(graph: &Graph, group: SourceGroup) -> Result<Observed<ListedGroup>, Trouble> {
    for _ in 0..LISTING_ATTEMPT_COUNT_MAX {
        match members(graph, group.id).await {
            Err(Trouble::Graph(GraphError::PageExpired)) => {}
            Err(trouble) => return Err(trouble),
            Ok(None) => return Ok(Observed::Absent(Absence::NotFound)),
            Ok(Some(members)) => return Ok(Observed::Present(ListedGroup { group, members })),
        }
    }
    Err(GraphError::PageExpired.into())
}

/// All direct people and groups; `None` when the group vanished meanwhile.
async fn members(graph: &Graph, group: ObjectId) -> Result<Option<HashSet<Member>>, Trouble> {
    let mut members = HashSet::new();
    let mut next = None;
    for _ in 0..MEMBER_PAGES_MAX {
        let Observed::Present(page) = graph.members_page(group, next.as_ref()).await? else {
            return Ok(None);
        };
        members.extend(page.items.into_iter().filter(|member| member.kind != MemberKind::Other));
        next = page.next;
        if next.is_none() {
            return Ok(Some(members));
        }
    }
    Err(Trouble::Endless { what: "group members", pages: MEMBER_PAGES_MAX })
}

/// The groups that are direct members of an observed group; none when nesting does not count.
pub fn nested_in(observed: &Observed<ListedGroup>, nested: bool) -> Vec<ObjectId> {
    let Observed::Present(listed) = observed else { return Vec::new() };
    let of_kind = |member: &&Member| nested && member.kind == MemberKind::Group;
    listed.members.iter().filter(of_kind).map(|member| member.id).collect()
}
