//! Where the delta poll of a connection goes on.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::db_connection::DbConnection;
use super::error::StoreError;
use crate::clock::Timestamp;
use crate::directory::ConnectionId;
use crate::directory::account::Observation;

#[derive(QueryableByName)]
struct LinkRow {
    #[diesel(sql_type = Text)]
    link: String,
}

/// The link of `resource`; `None` before the first poll and after a reset.
pub fn get(db: &mut DbConnection, connection: &ConnectionId, resource: &str) -> Result<Option<String>, StoreError> {
    let row: Option<LinkRow> =
        diesel::sql_query("SELECT link FROM delta_links WHERE connection_id = $1 AND resource = $2")
            .bind::<Text, _>(connection.as_str())
            .bind::<Text, _>(resource)
            .get_result(db)
            .optional()?;
    Ok(row.map(|row| row.link))
}

/// Keeps a link unless one of a later observation is kept already.
pub fn put(
    db: &mut DbConnection,
    connection: &ConnectionId,
    resource: &str,
    link: &str,
    observation: Observation,
    now: Timestamp,
) -> Result<(), StoreError> {
    diesel::sql_query(
        "INSERT INTO delta_links (connection_id, resource, link, observation, updated_at) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (connection_id, resource) DO UPDATE SET link = excluded.link, \
         observation = excluded.observation, updated_at = excluded.updated_at \
         WHERE delta_links.observation < excluded.observation",
    )
    .bind::<Text, _>(connection.as_str())
    .bind::<Text, _>(resource)
    .bind::<Text, _>(link)
    .bind::<BigInt, _>(observation.0)
    .bind::<BigInt, _>(now.0)
    .execute(db)?;
    Ok(())
}

/// Forgets the link of a resource after Graph reset it.
pub fn forget(db: &mut DbConnection, connection: &ConnectionId, resource: &str) -> Result<(), StoreError> {
    diesel::sql_query("DELETE FROM delta_links WHERE connection_id = $1 AND resource = $2")
        .bind::<Text, _>(connection.as_str())
        .bind::<Text, _>(resource)
        .execute(db)?;
    Ok(())
}
