//! Stored connections: what an administrator set, and the state that changes with every batch.

mod remove;
mod state;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Bool, Nullable, Text};

use super::db_connection::{DbConnection, Dialect};
use super::error::StoreError;
use super::keys::key_version;
use super::troubles;
use crate::clock::Timestamp;
use crate::directory::rules::ConnectionSettings;
use crate::directory::{ConnectionId, TenantId};
use crate::secrets::Sealed;

pub use remove::{Removal, remove};
pub use state::{ConnectionState, state, states};

/// The advisory lock under which connections are added and changed: two with the same tenant and application must not
/// slip past each other's check.
const REGISTRATIONS_LOCK: i64 = 0x726f_6c6c_636f_6e6e;

/// The name under which [`ConnectionRecord::credential`] is sealed.
pub const CLIENT_SECRET: &str = "client_secret";

/// A stored connection.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectionRecord {
    /// Its name in addresses and keys; never changes.
    pub id: ConnectionId,
    /// The customer's Entra tenant.
    pub tenant: TenantId,
    /// The name to show.
    pub name: String,
    /// The customer's own app registration; `None` is the service's.
    pub client_id: Option<String>,
    /// Everything else an administrator set.
    pub settings: ConnectionSettings,
    /// The client secret of `client_id`, sealed under [`CLIENT_SECRET`].
    pub credential: Option<Sealed>,
    /// Whether an administrator paused it.
    pub paused: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// When an administrator last changed it.
    pub updated_at: Timestamp,
}

/// What became of a connection that was to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Stored {
    /// It is stored.
    Done,
    /// Another connection has this id.
    IdTaken,
    /// This other connection has the same tenant and application, and Graph allows one subscription for each.
    SameRegistration {
        /// The other connection's id.
        id: ConnectionId,
        /// The other connection's name.
        name: String,
    },
    /// There is no connection of this id.
    Missing,
}

#[derive(QueryableByName)]
struct ConnectionRow {
    #[diesel(sql_type = Text)]
    connection_id: String,
    #[diesel(sql_type = Text)]
    tenant_id: String,
    #[diesel(sql_type = Nullable<Text>)]
    client_id: Option<String>,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    settings: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    credential_key_version: Option<i64>,
    #[diesel(sql_type = Nullable<Binary>)]
    credential_sealed: Option<Vec<u8>>,
    #[diesel(sql_type = Bool)]
    paused: bool,
    #[diesel(sql_type = BigInt)]
    created_at: i64,
    #[diesel(sql_type = BigInt)]
    updated_at: i64,
}

const SELECT: &str = "SELECT connection_id, tenant_id, client_id, name, settings, credential_key_version, \
     credential_sealed, paused, created_at, updated_at FROM connections";

/// Waits until nobody else adds or changes a connection; held until the transaction ends.
///
/// To be called first by whoever reads a connection in order to write it back. SQLite has one writer anyway.
pub fn lock(db: &mut DbConnection) -> Result<(), StoreError> {
    if db.dialect() == Dialect::Postgresql {
        diesel::sql_query("SELECT pg_advisory_xact_lock($1)").bind::<BigInt, _>(REGISTRATIONS_LOCK).execute(db)?;
    }
    Ok(())
}

/// Stores a new connection and its state.
///
/// Events of an earlier connection of the same id are kept, so their sequence goes on.
/// `service_client_id` is the application of connections that bring none.
pub fn create(
    db: &mut DbConnection,
    record: &ConnectionRecord,
    service_client_id: Option<&str>,
) -> Result<Stored, StoreError> {
    lock(db)?;
    if get(db, &record.id)?.is_some() {
        return Ok(Stored::IdTaken);
    }
    if let Some(other) = same_registration(db, record, service_client_id)? {
        return Ok(other);
    }
    insert(db, record)?;
    diesel::sql_query(
        "INSERT INTO connection_states (connection_id, event_sequence) \
         SELECT $1, COALESCE(MAX(sequence), 0) FROM events WHERE connection_id = $2",
    )
    .bind::<Text, _>(record.id.as_str())
    .bind::<Text, _>(record.id.as_str())
    .execute(db)?;
    Ok(Stored::Done)
}

fn insert(db: &mut DbConnection, record: &ConnectionRecord) -> Result<(), StoreError> {
    let credential = record.credential.as_ref();
    diesel::sql_query(
        "INSERT INTO connections (connection_id, tenant_id, client_id, name, settings, credential_key_version, \
         credential_sealed, paused, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind::<Text, _>(record.id.as_str())
    .bind::<Text, _>(record.tenant.to_string())
    .bind::<Nullable<Text>, _>(record.client_id.as_deref())
    .bind::<Text, _>(&record.name)
    .bind::<Text, _>(settings_text(record)?)
    .bind::<Nullable<BigInt>, _>(credential.map(|sealed| i64::from(sealed.key_version.0)))
    .bind::<Nullable<Binary>, _>(credential.map(|sealed| sealed.bytes.as_slice()))
    .bind::<Bool, _>(record.paused)
    .bind::<BigInt, _>(record.created_at.0)
    .bind::<BigInt, _>(record.updated_at.0)
    .execute(db)?;
    Ok(())
}

/// One connection.
pub fn get(db: &mut DbConnection, id: &ConnectionId) -> Result<Option<ConnectionRecord>, StoreError> {
    let row: Option<ConnectionRow> = diesel::sql_query(format!("{SELECT} WHERE connection_id = $1"))
        .bind::<Text, _>(id.as_str())
        .get_result(db)
        .optional()?;
    row.map(ConnectionRow::record).transpose()
}

/// At most `limit` connections by id, from after `after` on.
pub fn list(
    db: &mut DbConnection,
    after: Option<&ConnectionId>,
    limit: i64,
) -> Result<Vec<ConnectionRecord>, StoreError> {
    // No id is empty, so every one comes after the empty text.
    let rows: Vec<ConnectionRow> =
        diesel::sql_query(format!("{SELECT} WHERE connection_id > $1 ORDER BY connection_id LIMIT $2"))
            .bind::<Text, _>(after.map_or("", ConnectionId::as_str))
            .bind::<BigInt, _>(limit)
            .load(db)?;
    rows.into_iter().map(ConnectionRow::record).collect()
}

/// Every connection by id.
pub fn all(db: &mut DbConnection) -> Result<Vec<ConnectionRecord>, StoreError> {
    let rows: Vec<ConnectionRow> = diesel::sql_query(format!("{SELECT} ORDER BY connection_id")).load(db)?;
    rows.into_iter().map(ConnectionRow::record).collect()
}

/// Every connection of one tenant by id.
pub fn of_tenant(db: &mut DbConnection, tenant: TenantId) -> Result<Vec<ConnectionRecord>, StoreError> {
    let rows: Vec<ConnectionRow> = diesel::sql_query(format!("{SELECT} WHERE tenant_id = $1 ORDER BY connection_id"))
        .bind::<Text, _>(tenant.to_string())
        .load(db)?;
    rows.into_iter().map(ConnectionRow::record).collect()
}

/// Stores what an administrator changed. Id, creation and whether it is paused stay as they are.
pub fn update(
    db: &mut DbConnection,
    record: &ConnectionRecord,
    service_client_id: Option<&str>,
) -> Result<Stored, StoreError> {
    lock(db)?;
    if let Some(other) = same_registration(db, record, service_client_id)? {
        return Ok(other);
    }
    let before = get(db, &record.id)?;
    if before.is_some_and(|before| {
        (before.client_id, before.credential) != (record.client_id.clone(), record.credential.clone())
    }) {
        troubles::forgive(db, &record.id, record.updated_at)?;
    }
    let credential = record.credential.as_ref();
    let updated = diesel::sql_query(
        "UPDATE connections SET tenant_id = $1, client_id = $2, name = $3, settings = $4, \
         credential_key_version = $5, credential_sealed = $6, updated_at = $7 WHERE connection_id = $8",
    )
    .bind::<Text, _>(record.tenant.to_string())
    .bind::<Nullable<Text>, _>(record.client_id.as_deref())
    .bind::<Text, _>(&record.name)
    .bind::<Text, _>(settings_text(record)?)
    .bind::<Nullable<BigInt>, _>(credential.map(|sealed| i64::from(sealed.key_version.0)))
    .bind::<Nullable<Binary>, _>(credential.map(|sealed| sealed.bytes.as_slice()))
    .bind::<BigInt, _>(record.updated_at.0)
    .bind::<Text, _>(record.id.as_str())
    .execute(db)?;
    Ok(if updated == 1 { Stored::Done } else { Stored::Missing })
}

/// Pauses or resumes; false when there is no such connection.
pub fn set_paused(db: &mut DbConnection, id: &ConnectionId, paused: bool, now: Timestamp) -> Result<bool, StoreError> {
    let updated = diesel::sql_query("UPDATE connections SET paused = $1, updated_at = $2 WHERE connection_id = $3")
        .bind::<Bool, _>(paused)
        .bind::<BigInt, _>(now.0)
        .bind::<Text, _>(id.as_str())
        .execute(db)?;
    Ok(updated == 1)
}

fn same_registration(
    db: &mut DbConnection,
    record: &ConnectionRecord,
    service_client_id: Option<&str>,
) -> Result<Option<Stored>, StoreError> {
    let application =
        |record: &ConnectionRecord| record.client_id.as_deref().or(service_client_id).map(str::to_ascii_lowercase);
    let wanted = application(record);
    let others = of_tenant(db, record.tenant)?;
    let same = others.into_iter().find(|other| other.id != record.id && application(other) == wanted);
    Ok(same.map(|other| Stored::SameRegistration { id: other.id, name: other.name }))
}

fn settings_text(record: &ConnectionRecord) -> Result<String, StoreError> {
    serde_json::to_string(&record.settings).map_err(|error| StoreError::corrupt("connections.settings", error))
}

impl ConnectionRow {
    fn record(self) -> Result<ConnectionRecord, StoreError> {
        let corrupt = |column: &'static str| move |error: &dyn std::fmt::Display| StoreError::corrupt(column, error);
        let settings = serde_json::from_str(&self.settings).map_err(|error| corrupt("connections.settings")(&error))?;
        let credential = match (self.credential_key_version, self.credential_sealed) {
            (Some(version), Some(bytes)) => {
                let key_version = key_version(version, "connections.credential_key_version")?;
                Some(Sealed { key_version, bytes })
            }
            _ => None,
        };
        Ok(ConnectionRecord {
            id: self.connection_id.parse().map_err(|error| corrupt("connections.connection_id")(&error))?,
            tenant: self.tenant_id.parse().map_err(|error| corrupt("connections.tenant_id")(&error))?,
            name: self.name,
            client_id: self.client_id,
            settings,
            credential,
            paused: self.paused,
            created_at: Timestamp(self.created_at),
            updated_at: Timestamp(self.updated_at),
        })
    }
}
