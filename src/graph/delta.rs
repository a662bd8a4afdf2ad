//! Delta queries: which users and groups changed since a link was given. Graph: delta-query-overview.
//!
//! Only ids are read: a change says that something happened, a fetch says what. Pages may be empty and still have a
//! next link; one object may come on several pages, a large group with a slice of its members on each.

use serde_json::Value;

use crate::directory::ObjectId;
use crate::directory::source::Member;

use super::answer::Answer;
use super::call::Call;
use super::errors::GraphError;
use super::links::{self, DeltaLink, NextLink};
use super::listings::EXPIRED_PAGE_CODES;
use super::selection::{Address, Selection};
use super::session::Graph;
use super::wire::{self, Collection, Item};

/// Codes that say a link is no longer good, in lower case: Graph spells `syncStateNotFound` and `SyncStateNotFound`,
/// `resyncRequired`, and several with `DeltaToken`.
const RESET_CODES: [&str; 3] = ["syncstate", "resync", "deltatoken"];

/// What is tracked of groups: properties that are left out change unseen.
const GROUP_SELECT: &str = "id,displayName,description,members";

/// Where a round of delta begins.
#[derive(Clone, Copy, Debug)]
pub enum DeltaFrom<'a> {
    /// From now on: the answer has no changes, only a link.
    Now,
    /// From where the last settled round ended.
    Link(&'a DeltaLink),
    /// The next page of a round.
    Page(&'a NextLink),
}

/// One page of a round.
#[derive(Clone, Debug, PartialEq)]
pub struct DeltaPage<T> {
    /// The changes on this page.
    pub changes: Vec<T>,
    /// How it goes on.
    pub next: DeltaNext,
}

/// How a round goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeltaNext {
    /// There is another page.
    Page(NextLink),
    /// The round is over; the link begins the next one.
    Settled(DeltaLink),
}

/// Why an object was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemovedReason {
    /// Soft-deleted: it can be restored.
    Changed,
    /// Gone for good.
    Deleted,
}

/// A user that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserChange {
    /// The user.
    pub id: ObjectId,
    /// Set when the user left the directory; restored users come as new ones.
    pub removed: Option<RemovedReason>,
}

/// A group that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupChange {
    /// The group.
    pub id: ObjectId,
    /// Set when the group left the directory.
    pub removed: Option<RemovedReason>,
    /// Direct members that came or went; empty when none did, or none of this page.
    pub members: Vec<MemberChange>,
}

/// An edge that changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberChange {
    /// The member.
    pub member: Member,
    /// Whether it went. Says nothing about the member itself, which may exist as before.
    pub removed: bool,
}

impl Graph {
    /// A page of the users that changed. `selection` says which properties are tracked and counts for
    /// [`DeltaFrom::Now`] only: links carry it along, so a wider selection needs a new beginning.
    /// [`GraphError::DeltaReset`] means that the link is no longer good.
    pub async fn users_delta(
        &self,
        from: DeltaFrom<'_>,
        selection: &Selection,
    ) -> Result<DeltaPage<UserChange>, GraphError> {
        self.delta("users_delta", "/users/delta", &selection.select_for_delta(), from, user_change).await
    }

    /// A page of the groups that changed, with the edges that came and went.
    pub async fn groups_delta(&self, from: DeltaFrom<'_>) -> Result<DeltaPage<GroupChange>, GraphError> {
        self.delta("groups_delta", "/groups/delta", GROUP_SELECT, from, group_change).await
    }

    async fn delta<T>(
        &self,
        operation: &'static str,
        path: &str,
        select: &str,
        from: DeltaFrom<'_>,
        read: impl Fn(&Item) -> Result<T, GraphError>,
    ) -> Result<DeltaPage<T>, GraphError> {
        let (url, followed) = match from {
            DeltaFrom::Now => {
                (self.url(&Address::new(path).with("$select", select).with("$deltatoken", "latest")), None)
            }
            DeltaFrom::Link(link) => (links::address(link.as_str(), self.base())?, Some(link.as_str())),
            DeltaFrom::Page(link) => (links::address(link.as_str(), self.base())?, Some(link.as_str())),
        };
        let answer = self.send(&Call::get(operation, url)).await?;
        if followed.is_some() && is_reset(&answer) {
            return Err(GraphError::DeltaReset);
        }
        let page: Collection = answer.decode()?;
        let changes = page.value.iter().map(read).collect::<Result<_, _>>()?;
        Ok(DeltaPage { changes, next: self.delta_next(page.next, page.delta, followed)? })
    }

    fn delta_next(
        &self,
        next: Option<String>,
        delta: Option<String>,
        followed: Option<&str>,
    ) -> Result<DeltaNext, GraphError> {
        match (next, delta) {
            (Some(next), None) => links::next(next, followed, self.base()).map(DeltaNext::Page),
            (None, Some(delta)) => links::delta(delta, self.base()).map(DeltaNext::Settled),
            (Some(_), Some(_)) => Err(GraphError::Protocol("a delta page with both a next link and a delta link")),
            (None, None) => Err(GraphError::Protocol("a delta page without a link")),
        }
    }
}

/// 410 always, other refusals by their code: the exact answer for an old directory link is not documented.
fn is_reset(answer: &Answer) -> bool {
    match answer.status {
        410 => true,
        400..=499 if !matches!(answer.status, 401 | 429) => {
            let refusal = answer.refusal();
            refusal.has_code_like(&RESET_CODES) || refusal.has_code_like(&EXPIRED_PAGE_CODES)
        }
        _ => false,
    }
}

fn user_change(item: &Item) -> Result<UserChange, GraphError> {
    Ok(UserChange { id: wire::id_of(item)?, removed: removed(item) })
}

fn group_change(item: &Item) -> Result<GroupChange, GraphError> {
    let members = match item.get("members@delta") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(entries)) => entries.iter().map(member_change).collect::<Result<_, _>>()?,
        Some(_) => return Err(GraphError::Protocol("members@delta is not a list")),
    };
    Ok(GroupChange { id: wire::id_of(item)?, removed: removed(item), members })
}

fn member_change(entry: &Value) -> Result<MemberChange, GraphError> {
    let entry = entry.as_object().ok_or(GraphError::Protocol("an entry of members@delta is not an object"))?;
    Ok(MemberChange { member: wire::member(entry)?, removed: removed(entry).is_some() })
}

/// `@removed` is an object with a reason in delta and a plain text in notifications; both are read. An unknown reason
/// counts as the one that promises less.
fn removed(item: &Item) -> Option<RemovedReason> {
    let removed = item.get("@removed").filter(|removed| !removed.is_null())?;
    let reason = removed.as_str().or_else(|| removed.get("reason")?.as_str());
    match reason {
        Some(reason) if reason.eq_ignore_ascii_case("deleted") => Some(RemovedReason::Deleted),
        _ => Some(RemovedReason::Changed),
    }
}
