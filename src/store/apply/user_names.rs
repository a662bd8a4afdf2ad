//! A user name is unique among active accounts, checked for a whole batch so that two people may swap.

use std::collections::{BTreeMap, HashMap, HashSet};

use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Text};

use super::super::accounts::parse;
use super::super::bulk;
use super::super::db_connection::DbConnection;
use super::super::error::StoreError;
use crate::directory::decide::{AccountStep, PersonPlan};
use crate::directory::{ConnectionId, ObjectId};

#[derive(QueryableByName)]
struct OwnerRow {
    #[diesel(sql_type = Text)]
    account_id: String,
    #[diesel(sql_type = Nullable<Text>)]
    external_id: Option<String>,
    #[diesel(sql_type = Text)]
    user_name_key: String,
}

/// The user name the person will have as an active account, if the plan gives one.
fn wanted(plan: &PersonPlan) -> Option<String> {
    match &plan.step {
        AccountStep::Create { profile, .. } => Some(profile.user_name_key()),
        AccountStep::Update(update) => Some(update.profile.user_name_key()),
        _ => None,
    }
}

/// Takes out the plans whose user name somebody else has, once all others of the batch are applied.
pub(super) fn refuse_taken<'a>(
    db: &mut DbConnection,
    connection: &ConnectionId,
    plans: Vec<&'a PersonPlan>,
    refused: &mut Vec<(ObjectId, String)>,
) -> Result<Vec<&'a PersonPlan>, StoreError> {
    let names: HashSet<String> = plans.iter().filter_map(|plan| wanted(plan)).collect();
    if names.is_empty() {
        return Ok(plans);
    }
    let owners = owners(db, connection, &names)?;
    let mut kept = plans;
    // A refused plan leaves its old name in use, which may take the name of another: repeat until nothing changes.
    loop {
        let taken = taken(&kept, &owners);
        if taken.is_empty() {
            return Ok(kept);
        }
        kept.retain(|plan| !taken.contains_key(&plan.object));
        refused.extend(taken);
    }
}

/// Active accounts that have one of `names` now: by name, the person and the account's id.
type Owners = HashMap<String, Vec<(Option<ObjectId>, String)>>;

fn owners(db: &mut DbConnection, connection: &ConnectionId, names: &HashSet<String>) -> Result<Owners, StoreError> {
    let list = bulk::list(db, 3);
    let rows: Vec<OwnerRow> = diesel::sql_query(format!(
        "SELECT account_id, external_id, user_name_key FROM accounts \
         WHERE connection_id = $1 AND active = $2 AND user_name_key IN {list}"
    ))
    .bind::<Text, _>(connection.as_str())
    .bind::<Bool, _>(true)
    .bind::<Text, _>(bulk::texts(names))
    .load(db)?;
    let mut owners = Owners::new();
    for row in rows {
        let person = row.external_id.map(|id| parse("accounts.external_id", &id)).transpose()?;
        owners.entry(row.user_name_key).or_default().push((person, row.account_id));
    }
    Ok(owners)
}

fn taken(plans: &[&PersonPlan], owners: &Owners) -> BTreeMap<ObjectId, String> {
    let moving: HashMap<ObjectId, Option<String>> = plans
        .iter()
        .filter(|plan| !matches!(plan.step, AccountStep::Keep { .. }))
        .map(|plan| (plan.object, wanted(plan)))
        .collect();
    let mut taken = BTreeMap::new();
    let mut seen: HashMap<String, ObjectId> = HashMap::new();
    for plan in plans {
        let Some(name) = wanted(plan) else { continue };
        let stays = |(person, _): &&(Option<ObjectId>, String)| match person {
            Some(person) if *person == plan.object => false,
            Some(person) => moving.get(person).is_none_or(|next| next.as_deref() == Some(name.as_str())),
            None => true,
        };
        if let Some((_, account)) = owners.get(&name).into_iter().flatten().find(stays) {
            taken.insert(plan.object, sentence(&name, &format!("account {account}")));
        } else if let Some(first) = seen.insert(name.clone(), plan.object) {
            taken.insert(plan.object, sentence(&name, &format!("the person {first}")));
        }
    }
    taken
}

fn sentence(name: &str, owner: &str) -> String {
    format!("the user name {name} is taken by {owner}; rename one of them in the directory, or map user_name otherwise")
}
