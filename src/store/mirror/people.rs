//! People of the mirror: which groups they are in, and who is below a group.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};

use super::EdgeRow;
use crate::directory::{ConnectionId, ObjectId};
use crate::store::accounts::parse;
use crate::store::{DbConnection, StoreError, bulk};

/// The groups each of `people` is a direct member of; people in none are missing.
pub fn direct_groups(
    db: &mut DbConnection,
    connection: &ConnectionId,
    people: &[ObjectId],
) -> Result<HashMap<ObjectId, Vec<ObjectId>>, StoreError> {
    let list = bulk::list(db, 2);
    let rows: Vec<EdgeRow> = diesel::sql_query(format!(
        "SELECT group_id, member_id FROM mirror_edges WHERE connection_id = $1 AND member_id IN {list}"
    ))
    .bind::<Text, _>(connection.as_str())
    .bind::<Text, _>(bulk::texts(people))
    .load(db)?;
    let mut found: HashMap<ObjectId, Vec<ObjectId>> = HashMap::new();
    for row in &rows {
        let (group, person) = row.ids()?;
        found.entry(person).or_default().push(group);
    }
    Ok(found)
}

#[derive(QueryableByName)]
struct PersonRow {
    #[diesel(sql_type = Text)]
    member_id: String,
}

/// The people in `groups`, directly or in groups nested below them.
pub fn people_below(
    db: &mut DbConnection,
    connection: &ConnectionId,
    groups: impl IntoIterator<Item = ObjectId>,
) -> Result<Vec<ObjectId>, StoreError> {
    let list = bulk::list(db, 2);
    // UNION, not UNION ALL: groups may be nested in a circle.
    let rows: Vec<PersonRow> = diesel::sql_query(format!(
        "WITH RECURSIVE below (group_id) AS ( \
           SELECT group_id FROM mirror_groups WHERE connection_id = $1 AND group_id IN {list} \
           UNION SELECT e.member_id FROM mirror_edges e JOIN below b ON e.group_id = b.group_id \
           WHERE e.connection_id = $1 AND e.is_group = $3) \
         SELECT DISTINCT e.member_id FROM mirror_edges e JOIN below b ON e.group_id = b.group_id \
         WHERE e.connection_id = $1 AND e.is_group <> $3 ORDER BY e.member_id"
    ))
    .bind::<Text, _>(connection.as_str())
    .bind::<Text, _>(bulk::texts(groups))
    .bind::<Bool, _>(true)
    .load(db)?;
    rows.iter().map(|row| parse("mirror_edges.member_id", &row.member_id)).collect()
}
