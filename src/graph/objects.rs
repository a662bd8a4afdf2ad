//! Users and groups by id, each present or absent: what every decision rests on.

use std::collections::{HashMap, HashSet};

use serde_json::json;

use crate::directory::ObjectId;
use crate::directory::source::{Observed, SourceGroup, SourceUser};

use super::answer::Answer;
use super::call::Call;
use super::errors::GraphError;
use super::links;
use super::meter::cost;
use super::selection::{Address, Selection};
use super::session::Graph;
use super::wire::{self, Collection, Item};

/// Graph takes no more ids at once. Graph: directoryobject-getbyids.
const IDS_PER_CALL_MAX: usize = 1_000;

/// Graph takes no more values after `in`. Graph: filter-query-parameter.
const IDS_PER_FILTER_MAX: usize = 15;

/// An answer by ids fits one page; a longer walk does not end by itself.
const ANSWER_PAGES_MAX: usize = 20;

/// What a group is known by.
const GROUP_SELECT: &str = "id,displayName,description";

/// A kind of object that can be fetched by id.
#[derive(Clone, Copy, Debug)]
struct Kind {
    operation: &'static str,
    name: &'static str,
    path: &'static str,
}

const USERS: Kind = Kind { operation: "users_by_ids", name: "user", path: "/users" };
const GROUPS: Kind = Kind { operation: "groups_by_ids", name: "group", path: "/groups" };

impl Graph {
    /// What the directory shows of each user. Every id asked for is in the answer once, in the order asked; ids that
    /// are not in the directory were looked up among the deleted items. A single unknown makes the whole call an error.
    pub async fn users_by_ids(
        &self,
        ids: &[ObjectId],
        selection: &Selection,
    ) -> Result<Vec<(ObjectId, Observed<SourceUser>)>, GraphError> {
        let ids = distinct(ids);
        let items = self.fetch(USERS, &selection.select(), selection.expand(), &ids).await?;
        let users = items.into_iter().map(|item| {
            let user = wire::user(item, selection.managers())?;
            Ok((user.id, user))
        });
        self.observed(ids, users.collect::<Result<_, GraphError>>()?).await
    }

    /// What the directory shows of each group; the same promises as for users.
    pub async fn groups_by_ids(&self, ids: &[ObjectId]) -> Result<Vec<(ObjectId, Observed<SourceGroup>)>, GraphError> {
        let ids = distinct(ids);
        let items = self.fetch(GROUPS, GROUP_SELECT, None, &ids).await?;
        let groups = items.iter().map(|item| {
            let group = wire::group(item)?;
            Ok((group.id, group))
        });
        self.observed(ids, groups.collect::<Result<_, GraphError>>()?).await
    }

    /// `getByIds` cannot expand the manager, and its documented permission is wider than the ones this application
    /// needs otherwise: where it is forbidden, a filter by id does the same in more calls.
    async fn fetch(
        &self,
        kind: Kind,
        select: &str,
        expand: Option<&str>,
        ids: &[ObjectId],
    ) -> Result<Vec<Item>, GraphError> {
        if expand.is_none() {
            match self.by_ids(kind, select, ids).await {
                Err(GraphError::Forbidden { .. }) => {}
                fetched => return fetched,
            }
        }
        self.by_filter(kind, select, expand, ids).await
    }

    /// `getByIds` leaves out what it does not find, without a word. Graph: directoryobject-getbyids.
    async fn by_ids(&self, kind: Kind, select: &str, ids: &[ObjectId]) -> Result<Vec<Item>, GraphError> {
        let url = self.url(&Address::new("/directoryObjects/getByIds").with("$select", select));
        let mut items = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(IDS_PER_CALL_MAX) {
            let body = json!({"ids": chunk, "types": [kind.name]});
            let call = Call::post(kind.operation, url.clone(), body).costing(cost::BY_IDS);
            items.extend(self.all_of(kind.operation, self.send(&call).await?).await?);
        }
        Ok(items)
    }

    async fn by_filter(
        &self,
        kind: Kind,
        select: &str,
        expand: Option<&str>,
        ids: &[ObjectId],
    ) -> Result<Vec<Item>, GraphError> {
        let chunks = ids.chunks(IDS_PER_FILTER_MAX);
        let addresses: Vec<Address> = chunks.map(|ids| filtered(kind, select, expand, ids)).collect();
        let unit_cost = if expand.is_some() { cost::USERS_WITH_MANAGERS } else { cost::USERS };
        let mut items = Vec::with_capacity(ids.len());
        for answer in self.get_many(kind.operation, &addresses, unit_cost).await? {
            items.extend(self.all_of(kind.operation, answer).await?);
        }
        Ok(items)
    }

    /// All items of an answer, with those of its further pages.
    async fn all_of(&self, operation: &'static str, first: Answer) -> Result<Vec<Item>, GraphError> {
        let mut page: Collection = first.decode()?;
        let mut items = page.value;
        for _ in 0..ANSWER_PAGES_MAX {
            let Some(next) = page.next else { return Ok(items) };
            page = self.send(&Call::get(operation, links::address(&next, self.base())?)).await?.decode()?;
            items.append(&mut page.value);
        }
        Err(GraphError::Protocol("an answer by ids does not end"))
    }

    async fn observed<T>(
        &self,
        ids: Vec<ObjectId>,
        mut present: HashMap<ObjectId, T>,
    ) -> Result<Vec<(ObjectId, Observed<T>)>, GraphError> {
        let missing: Vec<ObjectId> = ids.iter().copied().filter(|id| !present.contains_key(id)).collect();
        let absences = self.absences(&missing).await?;
        let observed = ids.into_iter().map(|id| {
            let seen = present.remove(&id).map(Observed::Present);
            let seen = seen.or_else(|| absences.get(&id).copied().map(Observed::Absent));
            seen.map(|seen| (id, seen)).ok_or(GraphError::Protocol("an id was neither found nor looked up"))
        });
        observed.collect()
    }
}

fn filtered(kind: Kind, select: &str, expand: Option<&str>, ids: &[ObjectId]) -> Address {
    let list = ids.iter().map(|id| format!("'{id}'")).collect::<Vec<_>>().join(",");
    let address = Address::new(kind.path).with("$filter", &format!("id in ({list})")).with("$select", select);
    match expand {
        Some(expand) => address.with("$expand", expand),
        None => address,
    }
}

fn distinct(ids: &[ObjectId]) -> Vec<ObjectId> {
    let mut seen = HashSet::with_capacity(ids.len());
    ids.iter().copied().filter(|id| seen.insert(*id)).collect()
}
